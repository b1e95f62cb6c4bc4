"""Matches taken apart: what may match a protocol and port, and the same for the way back."""

from __future__ import annotations

from segaudit.model.acl import (
    AddressIn,
    AddressMasked,
    AllOf,
    AnyOf,
    AnyPacket,
    End,
    Field,
    FieldIn,
    Matches,
    Not,
)

_OTHER = {End.SOURCE: End.DESTINATION, End.DESTINATION: End.SOURCE}


def turned(matches: Matches) -> Matches:
    """The same with source and destination addresses exchanged."""
    match matches:
        case AddressIn(end, family, ranges):
            return AddressIn(_OTHER[end], family, ranges)
        case AddressMasked(end, family, value, mask):
            return AddressMasked(_OTHER[end], family, value, mask)
        case AllOf(of):
            return AllOf(tuple(turned(one) for one in of))
        case AnyOf(of):
            return AnyOf(tuple(turned(one) for one in of))
        case Not(of):
            return Not(turned(of))
    return matches


def may_be(matches: Matches, protocol: int, port: int) -> bool:
    """False only where no packet of ``protocol`` to ``port`` matches."""
    return _bounds(matches, protocol, port)[0]


def _bounds(matches: Matches, protocol: int, port: int) -> tuple[bool, bool]:
    """Whether some packet may match, and whether every one must."""
    match matches:
        case AnyPacket():
            return True, True
        case FieldIn(Field.PROTOCOL, ranges):
            inside = any(first <= protocol <= last for first, last in ranges)
            return inside, inside
        case FieldIn(Field.DESTINATION_PORT, ranges):
            inside = any(first <= port <= last for first, last in ranges)
            return inside, inside
        case AllOf(of):
            parts = [_bounds(one, protocol, port) for one in of]
            return all(may for may, _ in parts), all(must for _, must in parts)
        case AnyOf(of):
            parts = [_bounds(one, protocol, port) for one in of]
            return any(may for may, _ in parts), any(must for _, must in parts)
        case Not(of):
            may, must = _bounds(of, protocol, port)
            return not must, not may
    return True, False
