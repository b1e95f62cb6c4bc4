"""Boolean expressions that nft and iptables rules share, in their simplest form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, lru_cache

from segaudit.model.acl import (
    AddressIn,
    AllOf,
    AnyOf,
    AnyPacket,
    Direction,
    End,
    FamilyIs,
    Field,
    FieldIn,
    InterfaceIn,
    Matches,
    Not,
    Range,
    StateIn,
    UnknownMatch,
)
from segaudit.model.flow import ConnectionState, Family
from segaudit.vendors.linux.filters.numbers import PORT_PROTOCOLS

FIRST_FRAGMENT = FieldIn(Field.FRAGMENT, ((0, 0),))
"""The packet carries its transport header: it is whole, or the first fragment."""

LATER_FRAGMENT = FieldIn(Field.FRAGMENT, ((1, 1),))

LATER_BYTES = "a later fragment has its sender's bytes where the transport header would be"
"""Linux compares them as if they were the header (nf_tables_core.c ``nft_payload_fast_eval``)."""

NOTHING = AnyOf(())

_PORT_PROTOCOLS_ALL = FieldIn(
    Field.PROTOCOL, tuple((each, each) for each in sorted(PORT_PROTOCOLS.values()))
)
_PORTLESS = Not(_PORT_PROTOCOLS_ALL)


def all_of(parts: Iterable[Matches]) -> Matches:
    """The conjunction of ``parts``, flat, without what is always true and without repeats."""
    flat: list[Matches] = []
    for part in parts:
        for each in part.of if isinstance(part, AllOf) else (part,):
            if not isinstance(each, AnyPacket) and each not in flat:
                flat.append(each)
    if not flat:
        return AnyPacket()
    if any(_only_port_protocols(part) for part in flat):
        flat = [_with_ports(part) for part in flat]
        protocols = [part for part in flat if part == _PORT_PROTOCOLS_ALL]
        if len(protocols) == 1 and sum(map(_only_port_protocols, flat)) > 1:
            flat.remove(protocols[0])
    return flat[0] if len(flat) == 1 else AllOf(tuple(flat))


def _only_port_protocols(part: Matches) -> bool:
    """True where ``part`` says the protocol is one that has ports."""
    if not isinstance(part, FieldIn) or part.field is not Field.PROTOCOL:
        return False
    return all(low == high and low in PORT_PROTOCOLS.values() for low, high in part.ranges)


def _with_ports(part: Matches) -> Matches:
    """``part`` without the case that the protocol has no ports, which is known not to be."""
    return _without_portless(part) if isinstance(part, Not | AnyOf | AllOf) else part


@lru_cache(1 << 12)
def _without_portless(part: Matches) -> Matches:
    match part:
        case Not(of):
            return negated(_with_ports(of))
        case AnyOf(of):
            return any_of(inner for inner in map(_with_ports, of) if inner != NOTHING)
        case AllOf(of) if _PORTLESS in of:
            return NOTHING
        case _:
            return part


def any_of(parts: Iterable[Matches]) -> Matches:
    """The disjunction of ``parts``, flat; neighbouring ranges of one field or address become one match."""
    merged = _merge(_alternatives(parts))
    return merged[0] if len(merged) == 1 else AnyOf(tuple(merged))


def _alternatives(parts: Iterable[Matches]) -> Iterator[Matches]:
    for part in parts:
        if isinstance(part, AnyOf) and part.of:
            yield from part.of
        else:
            yield part


def _merge(parts: Iterable[Matches]) -> list[Matches]:
    ranges: dict[tuple[object, ...], list[Range]] = {}
    states: frozenset[ConnectionState] = frozenset()
    names: dict[Direction, dict[str, None]] = {}
    rest: dict[Matches, None] = {}
    for part in parts:
        match part:
            case AnyPacket():
                return [part]
            case AddressIn(end, family, found):
                ranges.setdefault((end, family), []).extend(found)
            case FieldIn(field, found):
                ranges.setdefault((field,), []).extend(found)
            case StateIn(more):
                states |= more
            case InterfaceIn(direction, more_names):
                names.setdefault(direction, {}).update(dict.fromkeys(more_names))
            case _:
                rest[part] = None
    merged: list[Matches] = [_ranged(key, found) for key, found in ranges.items()]
    merged += [StateIn(states)] if states else []
    merged += [InterfaceIn(direction, tuple(found)) for direction, found in names.items()]
    return [*merged, *rest]


def _ranged(key: tuple[object, ...], found: list[Range]) -> Matches:
    match key:
        case (End() as end, Family() as family):
            return AddressIn(end, family, joined(found))
        case (Field() as field,):
            return FieldIn(field, joined(found))
    raise AssertionError(key)


def joined(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """``ranges`` sorted, with overlapping and adjacent ones made one."""
    result: list[Range] = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return tuple(result)


def without(ranges: Iterable[Range], hole: Range) -> list[Range]:
    """``ranges`` with the integers of ``hole`` taken out."""
    result: list[Range] = []
    for first, last in ranges:
        if last < hole[0] or first > hole[1]:
            result.append((first, last))
            continue
        if first < hole[0]:
            result.append((first, hole[0] - 1))
        if last > hole[1]:
            result.append((hole[1] + 1, last))
    return result


def negated(part: Matches) -> Matches:
    """True where ``part`` is false, without double negation."""
    return part.of if isinstance(part, Not) else Not(part)


@cache
def protocol_is(*numbers: int) -> Matches:
    """The packet's transport protocol is one of ``numbers``; none of them fits in 8 bits: nothing."""
    valid = [(each, each) for each in numbers if 0 <= each <= 255]
    return FieldIn(Field.PROTOCOL, joined(valid)) if valid else NOTHING


def or_later_fragment(matches: Matches, text: str) -> Matches:
    """``matches`` of the transport header; of a later fragment it may or may not be true."""
    return any_of([matches, all_of([LATER_FRAGMENT, UnknownMatch(text, LATER_BYTES)])])


def first_header_is(numbers: Iterable[int], extension_headers: frozenset[int], text: str) -> Matches:
    """IPv6 ``nexthdr``: the *first* header after the fixed one is one of ``numbers``.

    The model knows the transport protocol only. A header that can stand before others says nothing
    about it; any other value is the transport protocol, unless extension headers hide it.
    """
    wanted = set(numbers)
    unknown = UnknownMatch(text, "extension headers may stand before the transport header")
    if wanted & extension_headers:
        return all_of([FamilyIs(Family.IPV6), unknown])
    return all_of([FamilyIs(Family.IPV6), protocol_is(*sorted(wanted)), unknown])


def port_of_any_protocol(field: Field, ranges: tuple[Range, ...], text: str) -> Matches:
    """``th dport``: two bytes at a fixed place, whatever the protocol; a port only where it has ports."""
    ports = protocol_is(*PORT_PROTOCOLS.values())
    unknown = all_of([negated(ports), UnknownMatch(text, "not a port in this protocol")])
    return any_of([FieldIn(field, ranges), unknown])


def holds_unknown(matches: Matches) -> str | None:
    """The text of an unknown match inside ``matches``, if there is one."""
    match matches:
        case UnknownMatch(text, reason):
            return None if reason == LATER_BYTES else text
        case Not(of):
            return holds_unknown(of)
        case AllOf(parts) | AnyOf(parts):
            found = map(holds_unknown, parts)
            return next((text for text in found if text is not None), None)
        case _:
            return None
