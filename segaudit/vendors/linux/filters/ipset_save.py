"""``ipset save`` -> the packets that a set matches (ipset(8) 7.17)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from segaudit.model.acl import (
    AddressIn,
    Direction,
    End,
    Field,
    FieldIn,
    InterfaceIn,
    Matches,
    Range,
    UnknownMatch,
)
from segaudit.model.flow import Family
from segaudit.model.source import LineFate
from segaudit.vendors.linux.filters.expressions import (
    FIRST_FRAGMENT,
    NOTHING,
    all_of,
    any_of,
    joined,
    protocol_is,
    without,
)
from segaudit.vendors.linux.filters.facts import LineBook
from segaudit.vendors.linux.filters.numbers import (
    ICMP_TYPE_AND_CODE,
    ICMP_TYPES,
    ICMPV6_TYPE_AND_CODE,
    ICMPV6_TYPES,
    PORT_PROTOCOLS,
    number,
    protocol_number,
)

_VALUED = frozenset(
    {"family", "hashsize", "maxelem", "timeout", "netmask", "markmask", "range", "size", "bucketsize"}
    | {"initval", "packets", "bytes", "comment", "skbmark", "skbprio", "skbqueue", "bitmask"}
)
"""Words of ``create`` and ``add`` that a value follows."""

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\S+')


@dataclass(frozen=True, slots=True)
class IpSetMember:
    """One ``add`` line: the element's parts, whether it may expire, whether it is an exception."""

    parts: tuple[str, ...]
    expires: bool = False
    nomatch: bool = False


@dataclass(slots=True)
class IpSet:
    """One set; ``dimensions`` are the parts of its type (``ip``, ``net``, ``port``, ``iface`` ...)."""

    name: str
    method: str
    dimensions: tuple[str, ...]
    options: Mapping[str, str]
    members: list[IpSetMember] = field(default_factory=list)
    matched: dict[tuple[str, ...], Matches] = field(default_factory=dict, compare=False, repr=False)
    """What membership comes to, by the ends looked at: many rules may name one big set."""

    @property
    def family(self) -> Family:
        """The family of its addresses."""
        return Family.IPV6 if self.options.get("family") == "inet6" else Family.IPV4


IpSets = Mapping[str, IpSet]


def read_ipset(book: LineBook) -> dict[str, IpSet]:
    """The sets of ``ipset save``; a line of any other form is unrecognized."""
    sets: dict[str, IpSet] = {}
    for line, text in book.lines.items():
        words = [word.strip('"') for word in _WORD.findall(text)]
        match words:
            case ["create", name, kind, *options] if ":" in kind:
                method, _, parts = kind.partition(":")
                sets[name] = IpSet(name, method, tuple(parts.split(",")), _options(options))
            case ["add", name, element, *options] if name in sets:
                sets[name].members.append(_member(sets[name], element, options))
            case _:
                continue
        book.note(line, LineFate.FACT)
    return sets


def _options(words: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        found[word] = next(rest, "") if word in _VALUED else ""
    return found


def _member(owner: IpSet, element: str, words: Sequence[str]) -> IpSetMember:
    options = _options(words)
    expires = options.get("timeout", owner.options.get("timeout", "0")) != "0"
    wildcard = "*" if "wildcard" in options and owner.dimensions[-1] == "iface" else ""
    return IpSetMember(tuple(f"{element}{wildcard}".split(",")), expires, "nomatch" in options)


def set_match(sets: IpSets, name: str, ends: Sequence[str], changed: frozenset[str]) -> Matches:
    """The packets that ``-m set --match-set name ends`` matches; ``changed`` sets grow with traffic."""
    unknown = UnknownMatch(f"set {name} {','.join(ends)}")
    found = sets.get(name)
    if found is None or name in changed or len(ends) < len(found.dimensions):
        return unknown
    if not set(ends) <= {"src", "dst"} or "bitmask" in found.options:
        return unknown
    if (found.method, found.dimensions) == ("list", ("set",)):
        return any_of(_listed(sets, member, ends, changed) for member in found.members)
    if tuple(ends) not in found.matched:
        found.matched[tuple(ends)] = _own_members(found, ends, unknown)
    return found.matched[tuple(ends)]


def _own_members(found: IpSet, ends: Sequence[str], unknown: Matches) -> Matches:
    if any(member.nomatch for member in found.members):
        return _with_exceptions(found, ends, unknown)
    return any_of(_member_match(found, member, ends) for member in found.members)


def _listed(sets: IpSets, member: IpSetMember, ends: Sequence[str], changed: frozenset[str]) -> Matches:
    """A set inside a list; a list cannot hold another list (ipset(8), list:set)."""
    inner = sets.get(member.parts[0])
    if inner is None or inner.method == "list" or member.nomatch:
        return UnknownMatch(f"set {member.parts[0]} {','.join(ends)}")
    return _perhaps(member, set_match(sets, inner.name, ends, changed))


def _perhaps(member: IpSetMember, matches: Matches) -> Matches:
    if not member.expires:
        return matches
    return all_of([matches, UnknownMatch(f"element {','.join(member.parts)}", "it expires")])


def _member_match(owner: IpSet, member: IpSetMember, ends: Sequence[str]) -> Matches:
    if len(member.parts) != len(owner.dimensions):
        return UnknownMatch(f"element {','.join(member.parts)}")
    parts = zip(owner.dimensions, member.parts, ends, strict=False)
    return _perhaps(member, all_of(_part_match(owner, *part) for part in parts))


def _part_match(owner: IpSet, dimension: str, text: str, end: str) -> Matches:
    source = end == "src"
    match dimension:
        case "ip" | "net":
            return _address_match(owner, dimension, text, End.SOURCE if source else End.DESTINATION)
        case "port":
            field_ = Field.SOURCE_PORT if source else Field.DESTINATION_PORT
            return _bitmap_port(text, field_) if owner.method == "bitmap" else _port_match(text, field_)
        case "iface" if not text.startswith("physdev:"):
            return InterfaceIn(Direction.IN if source else Direction.OUT, (text,))
        case _:
            return UnknownMatch(f"set {owner.name} {dimension} {text}")


def _address_match(owner: IpSet, dimension: str, text: str, end: End) -> Matches:
    found = _addresses(owner, dimension, text)
    return AddressIn(end, owner.family, (found,)) if found else UnknownMatch(f"set {owner.name} {text}")


def _addresses(owner: IpSet, dimension: str, text: str) -> Range | None:
    """An element's addresses; a set of ``ip`` with a netmask compares under that mask."""
    try:
        if "-" in text:
            low, high = (ip_address(part) for part in text.split("-", 1))
            right = low.version == high.version == owner.family
            return (int(low), int(high)) if right and int(low) <= int(high) else None
        mask = owner.options.get("netmask", "") if dimension == "ip" and "/" not in text else ""
        network = ip_network(f"{text}/{mask}" if mask else text, strict=False)
    except ValueError:
        return None
    if network.version != owner.family:
        return None
    return int(network.network_address), int(network.broadcast_address)


def _ports(text: str) -> Range | None:
    low, _, high = text.partition("-")
    first, last = number(low, {}), number(high or low, {})
    return None if first is None or last is None or not 0 <= first <= last <= 65535 else (first, last)


def _bitmap_port(text: str, field_: Field) -> Matches:
    """Ports of TCP and UDP alike (ip_set_getport.c, ``ip_set_get_ip_port``)."""
    found = _ports(text)
    if found is None:
        return UnknownMatch(f"port {text}")
    return all_of([protocol_is(6, 17), FieldIn(field_, (found,))])


def _port_match(text: str, field_: Field) -> Matches:
    """``tcp:80``, ``80`` (TCP), ``icmp:8/0``, ``gre:0`` (any packet of a protocol without ports)."""
    name, colon, value = text.partition(":")
    protocol = protocol_number(name) if colon else 6
    value = value if colon else name
    if protocol is None:
        return UnknownMatch(f"port {text}")
    if protocol in (1, 58):
        return _icmp_match(protocol, value)
    if protocol in PORT_PROTOCOLS.values():
        found = _ports(value)
        unknown = protocol == PORT_PROTOCOLS["dccp"] or found is None
        return (
            UnknownMatch(f"port {text}")
            if unknown
            else all_of([protocol_is(protocol), *_port(field_, found)])
        )
    return protocol_is(protocol) if value == "0" else UnknownMatch(f"port {text}")


def _port(field_: Field, found: Range | None) -> list[Matches]:
    return [FieldIn(field_, (found,))] if found else []


def _icmp_match(protocol: int, value: str) -> Matches:
    named = (ICMP_TYPE_AND_CODE if protocol == 1 else ICMPV6_TYPE_AND_CODE).get(value)
    types = ICMP_TYPES if protocol == 1 else ICMPV6_TYPES
    if named is None:
        kind_text, _, code_text = value.partition("/")
        kind, code = number(kind_text, types), number(code_text or "0", {})
        if kind is None or code is None:
            return UnknownMatch(f"icmp {value}")
        named = (kind, code)
    kind_is = FieldIn(Field.ICMP_TYPE, ((named[0], named[0]),))
    code_is = FieldIn(Field.ICMP_CODE, ((named[1], named[1]),))
    return all_of([protocol_is(protocol), FIRST_FRAGMENT, kind_is, code_is])


def _with_exceptions(owner: IpSet, ends: Sequence[str], unknown: Matches) -> Matches:
    """``nomatch`` elements: the longest prefix decides (ip_set_hash_gen.h, ``mtype_test_cidrs``)."""
    if owner.dimensions != ("net",) or any(member.expires for member in owner.members):
        return unknown
    spans = [(_addresses(owner, "net", member.parts[0]), member.nomatch) for member in owner.members]
    inside: list[Range] = []
    for found, nomatch in sorted(spans, key=lambda span: (span[0][0] - span[0][1]) if span[0] else 0):
        if found is None:
            return unknown
        inside = without(inside, found) if nomatch else [*inside, found]
    if not inside:
        return NOTHING
    end = End.SOURCE if ends[0] == "src" else End.DESTINATION
    return AddressIn(end, owner.family, joined(inside))
