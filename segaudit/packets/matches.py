"""What a match means: ``model.acl.Matches`` -> ``Bounds``.

A match that is not modelled is true for all packets in ``may`` and for none in ``must``; negation
swaps the bounds, so an unknown inside a deny subtracts nothing from what may pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

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
    Not,
    StateIn,
    UnknownMatch,
)
from segaudit.model.flow import ConnectionState, Family
from segaudit.packets.bounds import Bounds
from segaudit.packets.space import HeaderField, HeaderSpace, Universe

NO_INTERFACE = 0
"""Value of IN_INTERFACE / OUT_INTERFACE at a hook that has none."""

STATE_VALUES = {state: index for index, state in enumerate(ConnectionState)}

PORT_PROTOCOLS = (6, 17, 33, 132, 136)
"""TCP, UDP, DCCP, SCTP, UDP-Lite: the protocols whose first four bytes are two ports."""

ICMP_INVERSE = {
    Family.IPV4: {8: 0, 0: 8, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17},
    Family.IPV6: {128: 129, 129: 128},
}
"""Type of the answer to a type, and back (Linux nf_conntrack_proto_icmp.c, ..._icmpv6.c, ``invmap``)."""


class MatchCompiler:
    """Compiles matches for one device.

    Args:
        universe: where the sets live.
        interfaces: value of IN_INTERFACE / OUT_INTERFACE per interface name, from 1.
        reversed_: compile in the coordinates of the *answer*: the result holds a packet where the
            match holds for the packet it answers (ends and ports exchanged, ICMP type inverted).
            Return traffic is built so, never by substitution in a finished diagram (DESIGN §5).
    """

    def __init__(self, universe: Universe, interfaces: Mapping[str, int], reversed_: bool = False) -> None:
        self.universe = universe
        self.interfaces = interfaces
        self.reversed = reversed_

    def column(self, field: HeaderField) -> HeaderField:
        """The field of the compiled set that stands for ``field`` of the packet matched."""
        return _EXCHANGED.get(field, field) if self.reversed else field

    def compile(self, matches: Matches) -> Bounds:
        """The packets that ``matches`` may and must match."""
        match matches:
            case UnknownMatch() | MarkIs():  # a mark is resolved before, where it is known
                return Bounds(self.universe.all, self.universe.none)
            case AllOf(of):
                parts = map(self.compile, of)
                return reduce(Bounds.__and__, parts, next(parts, Bounds.exactly(self.universe.all)))
            case AnyOf(of):
                return self._any_of(of)
            case Not(of):
                return ~self.compile(of)
            case _:
                return Bounds.exactly(self._leaf(matches))

    def _leaf(self, matches: Matches) -> HeaderSpace:
        """A leaf; those that mean the same on every device are shared by all."""
        if isinstance(matches, InterfaceIn):
            return self._exact(matches)
        return self.universe.remembered((matches, self.reversed), lambda: self._exact(matches))

    def _any_of(self, of: tuple[Matches, ...]) -> Bounds:
        parts = [self.compile(part) for part in of]
        may = self.universe.union(part.may for part in parts)
        if all(part.is_exact for part in parts):
            return Bounds.exactly(may)
        return Bounds(may, self.universe.union(part.must for part in parts))

    def _exact(self, matches: Matches) -> HeaderSpace:
        universe = self.universe
        match matches:
            case AnyPacket():
                return universe.all
            case FamilyIs(family):
                return universe.all if family is universe.family else universe.none
            case AddressIn(end, family, ranges):
                if family is not universe.family:
                    return universe.none
                return universe.ranges(self._end(end), ranges)
            case AddressMasked(end, family, value, mask):
                if family is not universe.family:
                    return universe.none
                return universe.masked(self._end(end), value, mask)
            case FieldIn(field, ranges):
                return self._field(field, ranges)
            case FieldMasked(field, value, mask):
                return universe.masked(self._column_of(field), value, mask) & self._carries(field)
            case InterfaceIn(direction, names):
                return self._interface(direction, names)
            case StateIn(states):
                return universe.union(
                    universe.value(HeaderField.STATE, STATE_VALUES[state])
                    for state in sorted(states, key=lambda state: STATE_VALUES[state])
                )
            case _:
                raise AssertionError(f"not a match: {matches!r}")

    def _end(self, end: End) -> HeaderField:
        return self.column(HeaderField.SOURCE if end is End.SOURCE else HeaderField.DESTINATION)

    def _column_of(self, field: Field) -> HeaderField:
        return self.column(HeaderField(field.value))

    def _field(self, field: Field, ranges: tuple[tuple[int, int], ...]) -> HeaderSpace:
        if field is Field.ICMP_TYPE and self.reversed:
            inverse = ICMP_INVERSE[self.universe.family]
            answered = [
                (answer, answer)
                for kind, answer in sorted(inverse.items())
                if any(first <= kind <= last for first, last in ranges)
            ]
            return self.universe.ranges(HeaderField.ICMP_TYPE, answered) & self._carries(field)
        return self.universe.ranges(self._column_of(field), ranges) & self._carries(field)

    def _carries(self, field: Field) -> HeaderSpace:
        """The packets that carry ``field`` at all: right protocol, and not a later fragment."""
        universe = self.universe
        if field in (Field.PROTOCOL, Field.FRAGMENT):
            return universe.all
        whole = universe.value(HeaderField.FRAGMENT, 0)
        if field in (Field.SOURCE_PORT, Field.DESTINATION_PORT):
            protocols: tuple[int, ...] = PORT_PROTOCOLS
        elif field is Field.TCP_FLAGS:
            protocols = (6,)
        else:
            protocols = (1,) if universe.family is Family.IPV4 else (58,)
        return whole & universe.ranges(HeaderField.PROTOCOL, [(number, number) for number in protocols])

    def _interface(self, direction: Direction, names: tuple[str, ...]) -> HeaderSpace:
        field = HeaderField.IN_INTERFACE if direction is Direction.IN else HeaderField.OUT_INTERFACE
        return self.universe.ranges(field, [(value, value) for value in self.fitting(names)])

    def fitting(self, patterns: tuple[str, ...]) -> list[int]:
        """The values of the interfaces whose name fits one of ``patterns``."""
        return [
            value
            for name, value in sorted(self.interfaces.items())
            if any(name_matches(name, pattern) for pattern in patterns)
        ]


def name_matches(name: str, pattern: str) -> bool:
    """True where an interface's name is ``pattern``, or fits it (``eth*``, ``eth?``)."""
    if pattern.endswith("*"):
        pattern = pattern[:-1]
        name = name[: len(pattern)]
    if "?" not in pattern:
        return name == pattern
    return len(name) == len(pattern) and all(
        wanted in (one, "?") for one, wanted in zip(name, pattern, strict=True)
    )


_EXCHANGED = {
    HeaderField.SOURCE: HeaderField.DESTINATION,
    HeaderField.DESTINATION: HeaderField.SOURCE,
    HeaderField.SOURCE_PORT: HeaderField.DESTINATION_PORT,
    HeaderField.DESTINATION_PORT: HeaderField.SOURCE_PORT,
}
