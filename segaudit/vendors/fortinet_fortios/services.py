"""Service objects of a virtual domain as matches."""

from __future__ import annotations

import re
from collections.abc import Iterable

from segaudit.model.acl import AllOf, AnyOf, AnyPacket, Field, FieldIn, Matches, Range, UnknownMatch
from segaudit.model.flow import Protocol
from segaudit.parse.edit_tree import Entry
from segaudit.vendors.fortinet_fortios.expressions import may_be
from segaudit.vendors.fortinet_fortios.reading import Reading

PORT_KEYS = {
    "tcp-portrange": Protocol.TCP,
    "udp-portrange": Protocol.UDP,
    "sctp-portrange": Protocol.SCTP,
    "udplite-portrange": 136,
}
_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?::(\d{1,5})(?:-(\d{1,5}))?)?")
_DEEPEST = 32
_NO_RANGE = "0.0.0.0"  # noqa: S104


def protocol_is(number: int) -> Matches:
    """Packets of one IP protocol."""
    return FieldIn(Field.PROTOCOL, ((number, number),))


def ports(protocol: int, destination: Range, source: Range | None = None) -> Matches:
    """Packets of a protocol with ports in ranges."""
    parts: list[Matches] = [protocol_is(protocol), FieldIn(Field.DESTINATION_PORT, (destination,))]
    if source is not None:
        parts.append(FieldIn(Field.SOURCE_PORT, (source,)))
    return AllOf(tuple(parts))


def parse_port_range(text: str) -> tuple[Range, Range | None] | None:
    """Destination and source ports of ``D[-D][:S[-S]]``; ``None`` where it is none."""
    found = _PORT.fullmatch(text)
    if found is None:
        return None
    first, last, source_first, source_last = (
        int(part) if part is not None else None for part in found.groups()
    )
    assert first is not None
    destination = (first, first if last is None else last)
    source = None
    if source_first is not None:
        source = (source_first, source_first if source_last is None else source_last)
    for one in (destination, source or destination):
        if one[0] > one[1] or one[1] > 65535:
            return None
    return destination, source


class Services:
    """The services of one virtual domain; each match is made once."""

    def __init__(self, reading: Reading, vdom: str) -> None:
        self._reading = reading
        self._custom = reading.table(vdom, "firewall service custom")
        self._groups = reading.table(vdom, "firewall service group")
        self._made: dict[str, Matches] = {}
        self._may_be: dict[tuple[str, int, int], bool] = {}

    def match(self, names: Iterable[str]) -> Matches:
        """Packets of one of the services."""
        found: list[Matches] = []
        for name in names:
            one = self.one(name)
            if isinstance(one, AnyPacket):
                return one
            found.append(one)
        return found[0] if len(found) == 1 else AnyOf(tuple(found))

    def may_be(self, names: Iterable[str], protocol: int, port: int) -> bool:
        """False only where no packet of ``protocol`` to ``port`` is of one of the services."""
        for name in names:
            key = (name, protocol, port)
            if key not in self._may_be:
                self._may_be[key] = may_be(self.one(name), protocol, port)
            if self._may_be[key]:
                return True
        return False

    def one(self, name: str, depth: int = 0) -> Matches:
        """Packets of a service or a group of services."""
        if name not in self._made:
            self._made[name] = UnknownMatch(name, "a service group that holds itself")
            self._made[name] = self._make(name, depth)
        return self._made[name]

    def _make(self, name: str, depth: int) -> Matches:
        if depth > _DEEPEST:
            return UnknownMatch(name, "service groups nested too deeply")
        if name in self._groups:
            members = self._groups[name].words("member")
            return AnyOf(tuple(self.one(member, depth + 1) for member in members))
        if name in self._custom:
            return self._service(self._custom[name])
        if name in ("ALL", "ANY"):
            return AnyPacket()
        return UnknownMatch(name, "a service that is not defined")

    def _service(self, entry: Entry) -> Matches:
        protocol = entry.word("protocol", "TCP/UDP/SCTP").upper()
        for key in ("fqdn", "application", "app-category", "app-service-type"):
            if entry.words(key) and entry.words(key) != ("disable",):
                return UnknownMatch(entry.name, f"a service by {key}")
        if entry.is_on("proxy") or entry.is_on("explicit-proxy"):
            return UnknownMatch(entry.name, "a service of the proxy")
        match protocol:
            case "IP":
                return self._ip(entry)
            case "ICMP":
                return self._icmp(entry, Protocol.ICMP)
            case "ICMP6":
                return self._icmp(entry, Protocol.ICMPV6)
            case "TCP/UDP/SCTP" | "TCP/UDP/UDP-LITE/SCTP" | "TCP/UDP":
                return self._ports(entry)
        return UnknownMatch(entry.name, f"a service of protocol {protocol}")

    def _ip(self, entry: Entry) -> Matches:
        """By protocol number; 0, the default, is any."""
        number = entry.word("protocol-number", "0")
        if not number.isdecimal() or int(number) > 255:
            return self._unreadable(entry, "a protocol number that cannot be read")
        return protocol_is(int(number)) if int(number) else AnyPacket()

    def _icmp(self, entry: Entry, protocol: int) -> Matches:
        parts: list[Matches] = [protocol_is(protocol)]
        for key, which in (("icmptype", Field.ICMP_TYPE), ("icmpcode", Field.ICMP_CODE)):
            number = entry.word(key)
            if not number or (key == "icmpcode" and not _code_counts(entry)):
                continue
            if not number.isdecimal() or int(number) > 255:
                return self._unreadable(entry, f"an {key} that cannot be read")
            parts.append(FieldIn(which, ((int(number), int(number)),)))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _ports(self, entry: Entry) -> Matches:
        found: list[Matches] = []
        for key, protocol in PORT_KEYS.items():
            for text in entry.words(key):
                parsed = parse_port_range(text)
                if parsed is None:
                    return self._unreadable(entry, "a port range that cannot be read")
                found.append(ports(protocol, *parsed))
        if not found:
            return UnknownMatch(entry.name, "a service without ports")
        matches = AnyOf(tuple(found)) if len(found) > 1 else found[0]
        if entry.word("iprange", _NO_RANGE) != _NO_RANGE:
            return AllOf((matches, UnknownMatch(entry.name, "a service with addresses of its own")))
        return matches

    def _unreadable(self, entry: Entry, reason: str) -> Matches:
        self._reading.garbled(entry, reason, bounded=True)
        return UnknownMatch(entry.name, reason)


def _code_counts(entry: Entry) -> bool:
    """An ICMP code is of the type that was set before it; one set earlier was of another type."""
    kind, code = entry.values.get("icmptype"), entry.values["icmpcode"]
    return kind is not None and kind.first < code.first
