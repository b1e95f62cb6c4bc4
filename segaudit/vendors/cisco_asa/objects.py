"""What the names of objects and object groups stand for; a name that is not there stands for anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from segaudit.model.acl import (
    AddressIn,
    AnyOf,
    End,
    Field,
    FieldIn,
    Matches,
    Range,
    UnknownMatch,
)
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.parse.cisco import acl, addresses
from segaudit.parse.cisco.vlans import merged
from segaudit.parse.cisco.words import Words
from segaudit.vendors.cisco_asa import services
from segaudit.vendors.cisco_asa.records import Config, Group

MemberReader = Callable[[tuple[str, ...], Group], Matches]

EVERY4: Range = (0, (1 << 32) - 1)
EVERY6: Range = (0, (1 << 128) - 1)
_NOWHERE = SourceSpan("", 0, 0)
_TCP_AND_UDP = FieldIn(Field.PROTOCOL, ((6, 6), (17, 17)))
_PORT_FIELD = {End.SOURCE: Field.SOURCE_PORT, End.DESTINATION: Field.DESTINATION_PORT}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Addresses of both families; ``unknown`` says why there may be others."""

    four: tuple[Range, ...] = ()
    six: tuple[Range, ...] = ()
    unknown: tuple[str, ...] = ()

    def __or__(self, other: Addresses) -> Addresses:
        unknown = tuple(dict.fromkeys((*self.unknown, *other.unknown)))
        return Addresses(merged((*self.four, *other.four)), merged((*self.six, *other.six)), unknown)

    @property
    def size(self) -> int:
        """How many addresses are known."""
        return sum(last - first + 1 for first, last in (*self.four, *self.six))

    def ranges(self, family: Family) -> tuple[Range, ...]:
        """The addresses of one family."""
        return self.four if family is Family.IPV4 else self.six

    def matches(self, end: End) -> Matches:
        """A match of one end of a packet."""
        parts: list[Matches] = []
        if self.four:
            parts.append(AddressIn(end, Family.IPV4, self.four))
        if self.six:
            parts.append(AddressIn(end, Family.IPV6, self.six))
        parts += [UnknownMatch(text, "its addresses are not known") for text in self.unknown]
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


def of_family(family: Family, first: int, last: int) -> Addresses:
    """One range of addresses."""
    return Addresses(four=((first, last),)) if family is Family.IPV4 else Addresses(six=((first, last),))


EVERY = Addresses((EVERY4,), (EVERY6,))


class Objects:
    """The objects of one configuration, each worked out once (``parse.cisco.acl.Named``)."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._networks: dict[str, Addresses] = {}
        self._found: dict[tuple[str, str, End | None], Matches | None] = {}
        self._open: set[str] = set()

    # -- addresses -------------------------------------------------------------------------------

    def number(self, text: str) -> tuple[Family, int] | None:
        """An address, or what a ``name`` command calls so."""
        return addresses.address(self._config.names.get(text, text))

    def has_network(self, name: str) -> bool:
        """True where there is a network object or group of that name."""
        group = self._config.groups.get(name)
        return name in self._config.networks or (group is not None and group.kind == "network")

    def network(self, name: str) -> Addresses:
        """The addresses of an object or group; those not known are noted in it."""
        if name not in self._networks:
            if name in self._open:
                return Addresses(unknown=(f"{name} (contains itself)",))
            self._open.add(name)
            self._networks[name] = self._network(name)
            self._open.discard(name)
        return self._networks[name]

    def _network(self, name: str) -> Addresses:
        one = self._config.networks.get(name)
        if one is not None:
            return self.spec(one.words) if one.words else Addresses(unknown=(f"{name} (empty)",))
        group = self._config.groups.get(name)
        if group is None or group.kind != "network":
            return Addresses(unknown=(f"{name} (not in the configuration)",))
        if not group.members:
            return Addresses(unknown=(f"{name} (empty)",))
        found = Addresses()
        four: list[Range] = []
        six: list[Range] = []
        for words, _ in group.members:
            member = self._member(words)
            four += member.four
            six += member.six
            if member.unknown:
                found |= Addresses(unknown=member.unknown)
        return Addresses(merged(four), merged(six), found.unknown)

    def _member(self, words: tuple[str, ...]) -> Addresses:
        """``network-object {host A | A MASK | A/len | object X}``, ``group-object X``."""
        match words:
            case ("group-object", name) | ("network-object", "object", name):
                return self.network(name)
            case ("network-object", *spec):
                return self.spec(tuple(spec))
        return Addresses(unknown=(" ".join(words),))

    def spec(self, words: tuple[str, ...]) -> Addresses:
        """``host A``, ``[subnet] A MASK``, ``[subnet] A/len``, ``range A B``; else not known."""
        match words:
            case ("host", text):
                found = self.number(text)
                if found is not None:
                    return of_family(found[0], found[1], found[1])
            case ("range", low, high):
                first, last = self.number(low), self.number(high)
                if first and last and first[0] is last[0] and first[1] <= last[1]:
                    return of_family(first[0], first[1], last[1])
            case ("subnet", *rest) if rest:
                return self.spec(tuple(rest))
            case (text,):
                prefix = addresses.prefix(text)
                if prefix is not None:
                    return _prefix(*prefix)
            case (text, mask):
                found, length = self.number(text), addresses.length_of_mask(mask)
                if found is not None and found[0] is Family.IPV4 and length is not None:
                    return _prefix(found[0], found[1], length)
        return Addresses(unknown=(" ".join(words),))

    # -- parse.cisco.acl.Named -------------------------------------------------------------------

    def addresses(self, name: str, end: End) -> Matches | None:
        """The addresses of a network object or group."""
        key = ("addresses", name, end)
        if key not in self._found:
            self._found[key] = self.network(name).matches(end) if self.has_network(name) else None
        return self._found[key]

    def ports(self, name: str, end: End) -> Matches | None:
        """The ports of a port group; of an ICMP group its types, which stand where a port would."""
        key = ("ports", name, end)
        if key not in self._found:
            self._found[key] = self._ports(name, end)
        return self._found[key]

    def services(self, name: str) -> Matches | None:
        """The protocols, with ports, of a service object, or a service or protocol group."""
        key = ("services", name, None)
        if key not in self._found:
            self._found[key] = self._services(name)
        return self._found[key]

    def _ports(self, name: str, end: End) -> Matches | None:
        group = self._config.groups.get(name)
        if group is None:
            return None
        if group.kind == "icmp-type" and end is End.DESTINATION:
            return _any_of(self._flat(group, _icmp_type))
        if group.kind == "service" and (group.protocol or _has_ports(group)):
            return _any_of(self._flat(group, lambda words, of: _port(words, of, end)))
        return None

    def _services(self, name: str) -> Matches | None:
        one = self._config.services.get(name)
        if one is not None:
            return services.service(one.words)
        group = self._config.groups.get(name)
        if group is None or group.kind not in ("service", "protocol"):
            return None
        if group.kind == "service" and (group.protocol or _has_ports(group)):
            ports = self._ports(name, End.DESTINATION) or UnknownMatch(name, "its ports are not known")
            return acl.conjunction([services.protocols(group.protocol) or _TCP_AND_UDP, ports])
        return _any_of(self._flat(group, self._service_member))

    def _service_member(self, words: tuple[str, ...], group: Group) -> Matches:
        del group
        match words:
            case ("service-object", "object", name):
                return self.services(name) or UnknownMatch(name, "its services are not known")
            case ("service-object", *spec):
                return services.service(tuple(spec))
            case ("protocol-object", name):
                return services.service((name,))
        return UnknownMatch(" ".join(words), "not understood")

    def _flat(self, group: Group, read: MemberReader) -> Iterator[Matches]:
        """The members of a group and of the groups in it."""
        seen: set[str] = set()
        pending = [group.name]
        while pending:
            name = pending.pop()
            found = self._config.groups.get(name)
            if found is None or found.kind != group.kind:
                yield UnknownMatch(name, "the group is not in the configuration")
                continue
            if not found.members:
                yield UnknownMatch(name, "the group is empty")
            for words, _ in found.members if name not in seen else ():
                if words[0] == "group-object" and len(words) == 2:
                    pending.append(words[1])
                else:
                    yield read(words, found)
            seen.add(name)


def _prefix(family: Family, number: int, length: int) -> Addresses:
    first = addresses.network(family, number, length)
    return of_family(family, first, first + (1 << family.bits - length) - 1)


def _any_of(parts: Iterable[Matches]) -> Matches:
    found = tuple(dict.fromkeys(parts))
    return found[0] if len(found) == 1 else AnyOf(found)


def _has_ports(group: Group) -> bool:
    return any(words[0] == "port-object" for words, _ in group.members)


def _port(words: tuple[str, ...], group: Group, end: End) -> Matches:
    """``port-object eq PORT`` or ``port-object range PORT PORT``."""
    cursor = Words(list(words[1:]), _NOWHERE)
    ranges = services.ports(cursor, group.protocol) if words[0] == "port-object" else None
    if ranges is None or not cursor.done:
        return UnknownMatch(" ".join(words), "not understood")
    return FieldIn(_PORT_FIELD[end], ranges)


def _icmp_type(words: tuple[str, ...], group: Group) -> Matches:
    """``icmp-object TYPE``; a name is a type of either family."""
    del group
    found: list[Matches] = []
    for name, protocol in (("icmp", 1), ("icmp6", 58)):
        cursor = Words(list(words[1:]), _NOWHERE)
        message = services.icmp(cursor, name) if words[0] == "icmp-object" else []
        if message and cursor.done:
            found.append(acl.conjunction([FieldIn(Field.PROTOCOL, ((protocol, protocol),)), *message]))
    return _any_of(found) if found else UnknownMatch(" ".join(words), "not understood")
