"""What an nft rule looks at: a key (``ip saddr``, ``meta iifname``, ``ct state``) and its values.

A key guards and selects. The guard is the condition under which the kernel can load the key at all:
where it cannot, the whole rule does not match, negated or not (nft_payload.c, NFT_BREAK). The
selection says for one value, prefix or range which packets have it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import ip_address

from segaudit.model.acl import (
    AddressIn,
    AddressMasked,
    AllOf,
    AnyOf,
    AnyPacket,
    Direction,
    End,
    FamilyIs,
    Field,
    FieldIn,
    FieldMasked,
    InterfaceIn,
    MarkIs,
    Matches,
    Range,
    StateIn,
    UnknownMatch,
)
from segaudit.model.flow import ConnectionState, Family
from segaudit.vendors.linux.filters.expressions import (
    FIRST_FRAGMENT,
    LATER_FRAGMENT,
    NOTHING,
    all_of,
    any_of,
    first_header_is,
    negated,
    or_later_fragment,
    port_of_any_protocol,
    protocol_is,
)
from segaudit.vendors.linux.filters.nft_nouns import Json
from segaudit.vendors.linux.filters.numbers import (
    ICMP_CODES,
    ICMP_TYPES,
    ICMPV6_CODES,
    ICMPV6_TYPES,
    IPV6_EXTENSION_HEADERS,
    TCP_FLAGS,
    number,
    protocol_number,
)

Having = Callable[[Json], Matches]
"""The packets whose key has a value, prefix or range."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a rule: ``guard`` is where it can be loaded at all, ``having`` selects by value.

    ``masked`` selects by ``key & mask == value`` where the key can be masked in the model.
    ``flags`` marks a bit field, where a list of values means any of the bits.
    """

    text: str
    guard: Matches
    having: Having
    masked: Callable[[int, int], Matches] | None = None
    flags: bool = False
    names: Callable[[Json], int | None] | None = None


def key_of(left: Json) -> Key:
    """The key that the left side of a match reads; one that is not modelled is unknown by value."""
    match left:
        case {"payload": {"protocol": str(protocol), "field": str(field)}} if len(left["payload"]) == 2:
            return _payload(protocol, field)
        case {"meta": {"key": str(key)}}:
            return _meta(key)
        case {"ct": {"key": "state"}} if "dir" not in left["ct"]:
            return Key("ct state", AnyPacket(), _state, flags=True)
        case {"exthdr": {"name": str(name)}}:
            return _unknown(f"exthdr {name}", FamilyIs(Family.IPV6))
        case _:
            return _unknown(shown(left))


def shown(value: Json) -> str:
    """A piece of the JSON document on one line, for a reader."""
    return json.dumps(value, sort_keys=True)


def _unknown(text: str, guard: Matches = AnyPacket()) -> Key:  # noqa: B008 (an immutable value)
    return Key(text, guard, lambda value: UnknownMatch(f"{text} {shown(value)}"))


def _payload(protocol: str, field: str) -> Key:
    """A header field; of a transport header also what a later fragment has in its place."""
    key = _header_field(protocol, field)
    return key if protocol in ("ip", "ip6") else _also_of_later_fragments(key)


def _also_of_later_fragments(key: Key) -> Key:
    def having(value: Json) -> Matches:
        return or_later_fragment(key.having(value), key.text)

    def masked(value: int, mask: int) -> Matches:
        assert key.masked is not None
        return or_later_fragment(key.masked(value, mask), key.text)

    return replace(key, having=having, masked=masked if key.masked else None)


def _header_field(protocol: str, field: str) -> Key:
    """A header field; ``protocol`` implies the packet has that header (payload dependency, nft(8))."""
    text = f"{protocol} {field}"
    guard = _header_guard(protocol)
    match protocol, field:
        case ("ip" | "ip6", "saddr" | "daddr"):
            family = Family.IPV4 if protocol == "ip" else Family.IPV6
            return _address(text, End.SOURCE if field == "saddr" else End.DESTINATION, family)
        case ("ip", "protocol"):
            return _numbers(text, guard, Field.PROTOCOL, protocol_number)
        case ("ip6", "nexthdr"):
            return Key(text, guard, partial(_next_header, text))
        case ("ip", "frag-off"):
            offset, masked = partial(_fragment_offset, text, 0xFFFF), partial(_fragment_masked, text)
            return Key(text, guard, offset, masked, names=partial(number, names={}))
        case ("tcp" | "udp" | "udplite" | "sctp" | "dccp", "sport" | "dport"):
            return _numbers(text, guard, _port(field), partial(number, names={}))
        case ("th", "sport" | "dport"):
            return Key(text, guard, partial(_any_port, text, _port(field)))
        case ("tcp", "flags"):
            return Key(
                text, guard, _flags, _flags_masked, flags=True, names=partial(number, names=TCP_FLAGS)
            )
        case ("icmp", "type") | ("icmp", "code") | ("icmpv6", "type") | ("icmpv6", "code"):
            names = _ICMP_NAMES[protocol, field]
            kind = Field.ICMP_TYPE if field == "type" else Field.ICMP_CODE
            return _numbers(text, guard, kind, partial(number, names=names))
        case _:
            return _unknown(text, guard)


_ICMP_NAMES = {
    ("icmp", "type"): ICMP_TYPES,
    ("icmp", "code"): ICMP_CODES,
    ("icmpv6", "type"): ICMPV6_TYPES,
    ("icmpv6", "code"): ICMPV6_CODES,
}


def _header_guard(protocol: str) -> Matches:
    """The packets that have a header of ``protocol``, within reach of a filter at an IP hook."""
    match protocol:
        case "ip":
            return FamilyIs(Family.IPV4)
        case "ip6":
            return FamilyIs(Family.IPV6)
        case "icmp":
            return all_of([FamilyIs(Family.IPV4), protocol_is(1)])
        case "icmpv6":
            return all_of([FamilyIs(Family.IPV6), protocol_is(58)])
        case "tcp" | "udp" | "udplite" | "sctp" | "dccp" | "esp" | "ah" | "comp" | "igmp" | "gre":
            return protocol_is(protocol_number(protocol) or 0)
        case _:
            return AnyPacket()


def _port(field: str) -> Field:
    return Field.SOURCE_PORT if field == "sport" else Field.DESTINATION_PORT


def _meta(key: str) -> Key:
    match key:
        case "iifname" | "iif":
            return Key(f"meta {key}", AnyPacket(), partial(_interface, key, Direction.IN))
        case "oifname" | "oif":
            return Key(f"meta {key}", AnyPacket(), partial(_interface, key, Direction.OUT))
        case "l4proto":
            return _numbers("meta l4proto", AnyPacket(), Field.PROTOCOL, protocol_number)
        case "mark":
            return Key("meta mark", AnyPacket(), _mark, _mark_masked, names=partial(number, names={}))
        case "nfproto" | "protocol":
            return Key(f"meta {key}", AnyPacket(), partial(_family, key))
        case _:
            return _unknown(f"meta {key}")


def _mark(value: Json) -> Matches:
    found = number(value, {})
    return UnknownMatch(f"meta mark {shown(value)}") if found is None else MarkIs(found)


def _mark_masked(value: int, mask: int) -> Matches:
    return NOTHING if value & ~mask else MarkIs(value, mask)


def _numbers(text: str, guard: Matches, field: Field, names: Callable[[Json], int | None]) -> Key:
    """A key whose values are integers, some of which have names."""

    def having(value: Json) -> Matches:
        found = integers(value, names)
        fits = found is not None and found[1] <= largest(field)
        return FieldIn(field, (found,)) if found and fits else UnknownMatch(f"{text} {shown(value)}")

    return Key(text, guard, having, names=names)


def largest(field: Field) -> int:
    """The largest value of a field."""
    return 0xFFFF if field in (Field.SOURCE_PORT, Field.DESTINATION_PORT) else 0xFF


def integers(value: Json, names: Callable[[Json], int | None]) -> Range | None:
    """The interval that a value or a range covers."""
    match value:
        case {"range": [low, high]}:
            first, last = names(low), names(high)
        case _:
            first = last = names(value)
    return None if first is None or last is None or not 0 <= first <= last <= 0xFFFF else (first, last)


def _address(text: str, end: End, family: Family) -> Key:
    def having(value: Json) -> Matches:
        found = addresses(value, family)
        return AddressIn(end, family, (found,)) if found else UnknownMatch(f"{text} {shown(value)}")

    def names(value: Json) -> int | None:
        found = addresses(value, family)
        return found[0] if found and found[0] == found[1] else None

    def masked(value: int, mask: int) -> Matches:
        return NOTHING if value & ~mask else AddressMasked(end, family, value, mask)

    return Key(text, FamilyIs(family), having, masked, names=names)


def addresses(value: Json, family: Family) -> Range | None:
    """The addresses that an address, prefix or range of ``family`` covers."""
    try:
        match value:
            case {"prefix": {"addr": str(text), "len": int(length)}} if 0 <= length <= family.bits:
                host_bits = family.bits - length
                first = _address_number(text, family) >> host_bits << host_bits
                return first, first + (1 << host_bits) - 1
            case {"range": [str(low), str(high)]}:
                first, last = _address_number(low, family), _address_number(high, family)
                return (first, last) if first <= last else None
            case str():
                return (found := _address_number(value, family)), found
    except ValueError:
        pass
    return None


def _address_number(text: str, family: Family) -> int:
    address = ip_address(text)
    if address.version != family:
        raise ValueError(text)
    return int(address)


def _state(value: Json) -> Matches:
    """A packet has exactly one connection state (nf_conntrack.h, ``NF_CT_STATE_BIT``)."""
    try:
        return StateIn(frozenset({ConnectionState(value)}))
    except ValueError:
        return UnknownMatch(f"ct state {shown(value)}")


def _flags(value: Json) -> Matches:
    found = number(value, TCP_FLAGS)
    return UnknownMatch(f"tcp flags {shown(value)}") if found is None else _flags_masked(found, 0xFF)


def _flags_masked(value: int, mask: int) -> Matches:
    """The flag byte under a mask; a value with bits outside the mask is never met."""
    return NOTHING if value & ~mask else FieldMasked(Field.TCP_FLAGS, value, mask & 0xFF)


def _any_port(text: str, field: Field, value: Json) -> Matches:
    found = integers(value, partial(number, names={}))
    return port_of_any_protocol(field, (found,), text) if found else UnknownMatch(f"{text} {shown(value)}")


def _next_header(text: str, value: Json) -> Matches:
    found = integers(value, protocol_number)
    if found is None:
        return UnknownMatch(f"{text} {shown(value)}")
    return first_header_is(range(found[0], found[1] + 1), IPV6_EXTENSION_HEADERS, text)


def _fragment_offset(text: str, mask: int, value: Json) -> Matches:
    found = integers(value, partial(number, names={}))
    if found is None or found[0] != found[1]:
        return UnknownMatch(f"{text} {shown(value)}")
    return _fragment_masked(text, found[0], mask)


def _fragment_masked(text: str, value: int, mask: int) -> Matches:
    """``ip frag-off``: low 13 bits are the offset, above them MF and DF (RFC 791 §3.1)."""
    if value & ~mask:
        return NOTHING
    exact = mask == 0x1FFF and value == 0
    unknown = AnyPacket() if exact else UnknownMatch(f"{text} & {mask} == {value}")
    if value & 0x1FFF:
        return all_of([LATER_FRAGMENT, unknown])
    return all_of([FIRST_FRAGMENT, unknown]) if mask & 0x1FFF == 0x1FFF else unknown


def _interface(key: str, direction: Direction, value: Json) -> Matches:
    """``iifname`` matches by name, ``*`` at the end by prefix; ``iif`` by index, printed as a name."""
    odd = isinstance(value, str) and ("\\" in value or "?" in value)
    if not isinstance(value, str) or odd or (key in ("iif", "oif") and value.endswith("*")):
        return UnknownMatch(f"{key} {shown(value)}")
    return InterfaceIn(direction, (value,))


def _family(key: str, value: Json) -> Matches:
    match value:
        case "ipv4" | "ip" | 2 | 0x0800:
            return FamilyIs(Family.IPV4)
        case "ipv6" | "ip6" | 10 | 0x86DD:
            return FamilyIs(Family.IPV6)
        case _:
            return UnknownMatch(f"meta {key} {shown(value)}")


def compared(key: Key, operator: str, value: Json) -> Matches:
    """The packets whose key is below or above ``value``."""
    limit = key.names(value) if key.names else None
    sample = certain_part(key.having(value))
    if limit is None or key.flags or not isinstance(sample, FieldIn):
        return UnknownMatch(f"{key.text} {operator} {shown(value)}")
    top = largest(sample.field)
    ranges = {"<": (0, limit - 1), "<=": (0, limit), ">": (limit + 1, top), ">=": (limit, top)}
    low, high = ranges[operator]
    return key.having({"range": [low, high]}) if low <= high else NOTHING


def certain_part(matches: Matches) -> Matches:
    """A match without what it may also be of a later fragment."""
    match matches:
        case AnyOf((FieldIn() as certain, AllOf((later, *_)))) if later == LATER_FRAGMENT:
            return certain
        case _:
            return matches


def bits(key: Key, value: Json) -> int | None:
    """The integer of a value, of a name, or of several names ORed together."""
    if key.names is None:
        return None
    parts = value["|"] if isinstance(value, dict) and set(value) == {"|"} else value
    if not isinstance(parts, list):
        return key.names(parts)
    total = 0
    for part in parts:
        found = bits(key, part)
        if found is None:
            return None
        total |= found
    return total


def any_bit(key: Key, value: Json) -> Matches:
    """A bit field has at least one of the bits of ``value`` (``tcp flags syn``, ``ct state new``)."""
    parts = value if isinstance(value, list) else [value]
    if key.text == "ct state":
        return any_of([key.having(part) for part in parts])
    mask = bits(key, value)
    if mask is None or key.masked is None:
        return UnknownMatch(f"{key.text} {shown(value)}")
    return negated(key.masked(0, mask))
