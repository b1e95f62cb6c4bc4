"""Rules that do the same, in fewer words.

A firewall manager spells out "these sources, to those destinations, for these services" member by
member. Multiplied back, thousands of rules are a few, and of a few the packets are soon found.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace

from segaudit.model.acl import (
    AddressIn,
    AllOf,
    AnyOf,
    Direction,
    End,
    Field,
    FieldIn,
    InterfaceIn,
    Matches,
    UnknownMatch,
)
from segaudit.model.flow import Family
from segaudit.packets.ranges import merged

_SUBJECTS: tuple[Hashable, ...] = (
    *(Field.TCP_FLAGS, Field.FRAGMENT, Field.ICMP_CODE, Field.ICMP_TYPE, Field.SOURCE_PORT),
    *((end, family) for end in End for family in Family),
    *(Field.DESTINATION_PORT, Field.PROTOCOL, Direction.OUT, Direction.IN),
)
"""What a comparison can be about. Alternatives that differ in one only are joined, in this order, and
conjunctions are written in it: sets are soonest intersected from the last variable to the first."""

_ANOTHER = len(_SUBJECTS)
_COLUMNS = {subject: column for column, subject in enumerate(_SUBJECTS)}

_COLUMN_STEP = 1 << 32
"""Comparisons are numbered by what they are about, and then as they come."""

_UNKNOWN = UnknownMatch("")
"""Stands for all unknown matches: to a compiler they are one."""

_Row = tuple[int, ...]
"""A conjunction: the numbers of its comparisons, ascending."""


class Products:
    """Joins alternatives; comparisons that it has met are not looked at again.

    They are found by identity first: to hash one takes as long as all else that is done with it.
    """

    def __init__(self) -> None:
        self._comparisons: dict[int, Matches] = {}
        self._by_value: dict[Matches, int] = {}
        self._by_identity: dict[int, tuple[Matches, int]] = {}
        self._unions: dict[_Row, int] = {}

    def joined(self, alternatives: Iterable[Matches]) -> list[Matches]:
        """Expressions of which one holds where one of ``alternatives`` does, in *may* and in *must*."""
        shapes: dict[_Row, dict[_Row, None]] = {}
        for row in self._rows(alternatives):
            columns = tuple([number // _COLUMN_STEP for number in row])
            shapes.setdefault(columns, {})[row] = None
        return [
            self._conjunction(row)
            for columns, rows in shapes.items()
            for row in self._joined(columns, rows)
        ]

    def _joined(self, columns: _Row, rows: Iterable[_Row]) -> Iterable[_Row]:
        """Rows of one shape, joined where they differ in one place."""
        for place, column in enumerate(columns):
            if column != _ANOTHER:
                rows = self._joined_at(place, rows)
        return rows

    def _joined_at(self, place: int, rows: Iterable[_Row]) -> list[_Row]:
        found: dict[_Row, list[int]] = {}
        for row in rows:
            found.setdefault(row[:place] + row[place + 1 :], []).append(row[place])
        return [(*rest[:place], self._union(numbers), *rest[place:]) for rest, numbers in found.items()]

    def _union(self, numbers: list[int]) -> int:
        """The number of the comparison that holds where one of ``numbers`` does, all about one thing."""
        if len(numbers) == 1:
            return numbers[0]
        key = tuple(sorted(numbers))
        if key not in self._unions:
            self._unions[key] = self._number(_joined([self._comparisons[number] for number in key]))
        return self._unions[key]

    # -- conjunctions and numbers ----------------------------------------------------------------

    def _rows(self, alternatives: Iterable[Matches]) -> Iterator[_Row]:
        for one in alternatives:
            match one:
                case AllOf(of):
                    yield tuple(sorted(set(map(self._number, of))))
                case AnyOf(of):
                    yield from self._rows(of)
                case _:
                    yield (self._number(one),)

    def _conjunction(self, row: _Row) -> Matches:
        parts = tuple([self._comparisons[number] for number in row])
        return parts[0] if len(parts) == 1 else AllOf(parts)

    def _number(self, comparison: Matches) -> int:
        known = self._by_identity.get(id(comparison))
        if known is None:
            known = self._by_identity[id(comparison)] = comparison, self._numbered(comparison)
        return known[1]

    def _numbered(self, comparison: Matches) -> int:
        value = _UNKNOWN if isinstance(comparison, UnknownMatch) else comparison
        number = self._by_value.get(value)
        if number is None:
            number = _column(value) * _COLUMN_STEP + len(self._by_value)
            self._by_value[value], self._comparisons[number] = number, value
        return number


def _column(comparison: Matches) -> int:
    match comparison:
        case AddressIn(end, family):
            return _COLUMNS[end, family]
        case FieldIn(field):
            return _COLUMNS[field]
        case InterfaceIn(direction):
            return _COLUMNS[direction]
        case _:
            return _ANOTHER


def _joined(comparisons: list[Matches]) -> Matches:
    """One comparison for some that are about one thing."""
    match comparisons[0]:
        case AddressIn() | FieldIn() as first:
            ranges = [pair for one in comparisons if isinstance(one, type(first)) for pair in one.ranges]
            return replace(first, ranges=tuple(merged(ranges)))
        case InterfaceIn() as first:
            names = [name for one in comparisons if isinstance(one, InterfaceIn) for name in one.names]
            return replace(first, names=tuple(dict.fromkeys(names)))
        case first:
            raise AssertionError(f"not a comparison with several values: {first!r}")
