"""Object groups: named addresses, ports and services that rules refer to.

A group may hold other groups; one that is not defined or empty, or has a member that was not understood,
matches *perhaps*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from segaudit.model.acl import AnyOf, End, Field, FieldIn, Matches, Range, UnknownMatch
from segaudit.model.flow import Family
from segaudit.parse.cisco import addresses
from segaudit.parse.cisco.acl import conjunction, icmp_matches, port_number, port_ranges, ports_of
from segaudit.parse.cisco.dialect import Dialect, MaskStyle
from segaudit.parse.cisco.words import Words

Member = TypeVar("Member")


@dataclass(frozen=True, slots=True)
class Nested:
    """A group inside a group."""

    name: str


Addresses = Callable[[End], Matches]
"""Addresses, as a match of whichever end they stand for."""


@dataclass(frozen=True, slots=True)
class Service:
    """Protocols with their ports."""

    matches: Matches


@dataclass(slots=True)
class Groups:
    """The groups of one device (``acl.Named``); a member that is not understood is an ``UnknownMatch``."""

    networks: dict[str, list[Addresses | Nested | UnknownMatch]] = field(default_factory=dict)
    port_groups: dict[str, list[tuple[Range, ...] | Nested | UnknownMatch]] = field(default_factory=dict)
    service_groups: dict[str, list[Service | Nested | UnknownMatch]] = field(default_factory=dict)

    def addresses(self, name: str, end: End) -> Matches | None:
        """The addresses of a network group, as a match of one end."""
        return _united(name, self.networks, lambda member: member(end))

    def ports(self, name: str, end: End) -> Matches | None:
        """The ports of a port group, as a match of one end."""
        port = Field.SOURCE_PORT if end is End.SOURCE else Field.DESTINATION_PORT
        return _united(name, self.port_groups, lambda member: FieldIn(port, member))

    def services(self, name: str) -> Matches | None:
        """A protocol or service group."""
        return _united(name, self.service_groups, lambda member: member.matches)


def _united(
    name: str,
    groups: Mapping[str, list[Member | Nested | UnknownMatch]],
    meaning: Callable[[Member], Matches],
) -> Matches | None:
    """What any member of a group, or of the groups that it holds, matches.

    ``None`` where no group has the name; one without any member matches perhaps.
    """
    if name not in groups:
        return None
    parts: list[Matches] = []
    waiting, met = [name], {name}
    while waiting:
        for member in groups[waiting.pop()]:
            match member:
                case Nested(held) if held not in groups:
                    parts.append(UnknownMatch(held, "a group that is not defined"))
                case Nested(held):
                    waiting += [] if held in met else [held]
                    met.add(held)
                case UnknownMatch():
                    parts.append(member)
                case _:
                    parts.append(meaning(member))
    if not parts:
        return UnknownMatch(name, "the group is empty")
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


def read_network_member(words: Words, mask: MaskStyle) -> Addresses | Nested | None:
    """``host A``, ``A MASK``, ``A/len``, ``range A B``, ``any``, ``group-object NAME``; else ``None``."""
    if words.accept("group-object"):
        return Nested(words.take())
    if words.peek() == "any":
        words.take()
        return lambda end: addresses.in_prefix(end, Family.IPV4, 0, 0)
    if words.accept("range"):
        return _range(words.take(), words.take())
    if words.accept("host"):
        found = addresses.address(words.take())
        return None if found is None else _of_prefix(found[0], found[1], found[0].bits)
    first, second = words.take(), addresses.ipv4(words.peek())
    prefix, number = addresses.prefix(first), addresses.ipv4(first)
    if prefix is not None:
        return _of_prefix(*prefix)
    if number is None:
        return None
    if second is None:
        return _of_prefix(Family.IPV4, number, 32) if words.done else None
    words.take()
    wildcard = second if mask is MaskStyle.WILDCARD else ~second & 0xFFFFFFFF
    return lambda end: addresses.under_wildcard(end, number, wildcard)


def _of_prefix(family: Family, number: int, length: int) -> Addresses:
    return lambda end: addresses.in_prefix(end, family, number, length)


def _range(low: str, high: str) -> Addresses | None:
    first, last = addresses.address(low), addresses.address(high)
    if first is None or last is None or first[0] is not last[0] or first[1] > last[1]:
        return None
    return lambda end: addresses.in_range(end, first[0], first[1], last[1])


def read_service_member(words: Words, dialect: Dialect) -> Service | Nested | None:
    """IOS: ``tcp | udp | tcp-udp [source PORTS] [PORTS]``, ``icmp [TYPE]``, ``PROTOCOL``, ``group-object``.

    Ports may stand without an operator. ASA's ``destination`` before the ports is taken, too.
    """
    if words.accept("group-object"):
        return Nested(words.take())
    word = words.take()
    if word in ("ip", "ipv4", "ipv6"):
        return Service(FieldIn(Field.PROTOCOL, ((0, 255),))) if words.done else None
    if word == "tcp-udp":
        return _with_ports(words, dialect, None, ((6, 6), (17, 17)))
    number = port_number(word, dialect.protocols)
    if number is None or number > 255:
        return None
    protocol = FieldIn(Field.PROTOCOL, ((number, number),))
    if number in (1, 58) and not words.done:
        return _message(words, dialect, number, protocol)
    return _with_ports(words, dialect, number, ((number, number),))


def _message(words: Words, dialect: Dialect, number: int, protocol: Matches) -> Service | None:
    word = words.take()
    kind = port_number(word, {})
    named = (dialect.icmpv6 if number == 58 else dialect.icmp).get(word)
    message = (kind, port_number(words.take(), {})) if kind is not None else named
    return None if message is None else Service(conjunction([protocol, *icmp_matches(message)]))


def _with_ports(
    words: Words, dialect: Dialect, protocol: int | None, numbers: tuple[Range, ...]
) -> Service | None:
    names = ports_of(dialect, protocol)
    parts: list[Matches] = [FieldIn(Field.PROTOCOL, numbers)]
    if words.accept("source"):
        found = _ports(words, names)
        if found is None:
            return None
        parts.append(FieldIn(Field.SOURCE_PORT, found))
    words.accept("destination")
    if not words.done:
        found = _ports(words, names)
        if found is None:
            return None
        parts.append(FieldIn(Field.DESTINATION_PORT, found))
    return Service(conjunction(parts)) if words.done else None


def _ports(words: Words, names: Mapping[str, int]) -> tuple[Range, ...] | None:
    bare = port_number(words.peek(), names)
    if bare is not None:
        words.take()
        return ((bare, bare),)
    return port_ranges(words, names, several=False)
