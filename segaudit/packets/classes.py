"""Addresses by classes: a numbering in which all that nothing tells apart stands together.

A backbone's tables name 50,000 prefixes and do 20 different things with them. What they treat alike is
one *class*, and a set of packets need not know more of an address than its class (Yang and Lam, "Real-
time verification of network properties using atomic predicates", ICNP 2013; here per address, not per
packet). SOURCE and DESTINATION share the classes, because an answer exchanges the two.

Every class holds a run of consecutive *codes*, at least as many as it has addresses; a set of addresses
is the set of the codes of its classes. Where a set is asked for that is no union of classes, the classes
that it cuts are divided: each part takes a part of the run, so that a set built before means after what
it meant before. Nothing is ever rounded, and nobody needs to know beforehand what will be asked; what is
known beforehand makes the codes short.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segaudit.errors import RunError
from segaudit.model.acl import Range
from segaudit.packets.ranges import merged

Addresses = NDArray[Any]
"""Addresses ascending: 64-bit integers for IPv4, Python's for IPv6."""

Column = tuple[Addresses, NDArray[np.int64]]
"""What one table does with every address: starts ascending from 0, and the label from each start on."""

Mixer = Callable[[NDArray[np.uint64], NDArray[np.int64]], NDArray[np.uint64]]


@dataclass(slots=True)
class _Class:
    """Its run of codes, how many addresses it has, and the lowest of them."""

    first: int
    codes: int
    addresses: int
    lowest: int

    @property
    def run(self) -> Range:
        return self.first, self.first + self.codes - 1


class AddressClasses:
    """The classes of one family's addresses, divided further whenever a set asks for it.

    Args:
        bits: width of an address.
        columns: functions of the address whose values belong together; labels are not negative.
        landmarks: addresses from which on others are told apart from those before.
    """

    def __init__(self, bits: int, columns: Sequence[Column] = (), landmarks: Iterable[int] = ()) -> None:
        self._top = 1 << bits
        self._type = np.int64 if bits < 63 else object
        marks = np.unique(self._array([0, *(mark for mark in landmarks if mark < self._top)]))
        columns = [*columns, (marks, np.arange(len(marks)))]
        self._starts: Addresses = np.unique(np.concatenate([starts for starts, _ in columns]))
        self._owner = collapse(self._starts, columns)
        firsts, self._intervals = np.unique(self._owner, return_index=True, return_counts=True)[1:]
        self._classes = self._first_classes(firsts)
        self.width = self._classes[-1].run[1].bit_length()
        """Bits of a code; every code is some class's."""
        self._by_code = [(one.first, number) for number, one in enumerate(self._classes)]
        self._ranks: NDArray[np.int64] | None = None

    def _first_classes(self, firsts: NDArray[np.int64]) -> list[_Class]:
        """Equal runs in the order of the lowest addresses, so that a code's leading bits are the class.

        The last run goes on to the end of the codes.
        """
        sizes = np.zeros(len(firsts), self._type)
        np.add.at(sizes, self._owner, self._lengths(np.arange(len(self._starts))))
        codes = 1 << (int(max(sizes)) - 1).bit_length()
        facts = zip(sizes.tolist(), self._starts[firsts].tolist(), strict=True)
        found = [_Class(number * codes, codes, *fact) for number, fact in enumerate(facts)]
        found[-1].codes *= 1 + (-len(found) % (1 << (len(found) - 1).bit_length()))
        return found

    def __len__(self) -> int:
        return len(self._classes)

    # -- addresses to codes ----------------------------------------------------------------------

    def codes(self, ranges: Sequence[Range]) -> list[Range]:
        """The codes of the addresses in ``ranges``; both are sorted, disjoint and inclusive."""
        firsts = self._array([first for first, _ in ranges])
        ends = self._array([last + 1 for _, last in ranges])
        self._cut(np.concatenate([firsts, ends]))
        return self._codes_of(_spread(*(np.searchsorted(self._starts, one) for one in (firsts, ends))))

    def painted(self, column: Column) -> dict[int, list[Range]]:
        """Per label of a column the codes of its addresses."""
        self._cut(column[0])
        labels = _projected(column, self._starts)
        return {
            label: self._codes_of(np.flatnonzero(labels == label)) for label in np.unique(labels).tolist()
        }

    def _codes_of(self, intervals: NDArray[np.int64]) -> list[Range]:
        """The codes of some intervals, given ascending; a class that they cut is divided."""
        numbers, counts = np.unique(self._owner[intervals], return_counts=True)
        cut = counts != self._intervals[numbers]
        if cut.any():
            parts = list(self._divided(numbers[cut], intervals))
            numbers = np.concatenate([numbers[~cut], np.array(parts, np.int64)])
        return self._runs(numbers)

    def _runs(self, numbers: NDArray[np.int64]) -> list[Range]:
        """The codes of whole classes, in as few ranges as can be."""
        if self._ranks is None:
            self._ranks = np.empty(len(self), np.int64)
            self._ranks[[number for _, number in self._by_code]] = np.arange(len(self))
        ranks = np.sort(self._ranks[numbers])
        gaps = np.flatnonzero(np.diff(ranks) != 1)
        firsts, lasts = np.append(ranks[:1], ranks[gaps + 1]), np.append(ranks[gaps], ranks[-1:])
        ends = (self._classes[self._by_code[rank][1]].run[1] for rank in lasts.tolist())
        return [(self._by_code[rank][0], end) for rank, end in zip(firsts.tolist(), ends, strict=True)]

    def _divided(self, numbers: NDArray[np.int64], intervals: NDArray[np.int64]) -> Iterator[int]:
        """Make of each class two: the part in ``intervals``, whose number is the result, and the rest."""
        intervals = intervals[np.argsort(self._owner[intervals], kind="stable")]
        owners = self._owner[intervals]
        begins, ends = np.searchsorted(owners, numbers), np.searchsorted(owners, numbers, "right")
        for number, begin, end in zip(numbers.tolist(), begins.tolist(), ends.tolist(), strict=True):
            yield self._divide(number, intervals[begin:end])

    def _divide(self, number: int, intervals: NDArray[np.int64]) -> int:
        """Make a class of its own of some intervals of a class.

        Codes are shared out in proportion, rounded down to a power of two, so that both parts keep at
        least as many codes as addresses.
        """
        whole, part_number = self._classes[number], len(self)
        addresses = int(self._lengths(intervals).sum())
        share = whole.codes * addresses // whole.addresses
        codes = max(addresses, 1 << share.bit_length() - 1)
        part = _Class(whole.first, codes, addresses, int(self._starts[intervals[0]]))
        self._classes.append(part)
        self._by_code[bisect_right(self._by_code, (whole.first, number)) - 1] = (part.first, part_number)
        insort(self._by_code, (whole.first + codes, number))
        self._ranks = None
        self._owner[intervals] = part_number
        self._intervals[number] -= len(intervals)
        self._intervals = np.append(self._intervals, len(intervals))
        whole.first += codes
        whole.codes -= codes
        whole.addresses -= addresses
        if whole.lowest == part.lowest:
            whole.lowest = int(self._starts[np.argmax(self._owner == number)])
        return part_number

    def _cut(self, edges: Addresses) -> None:
        """Let an interval start at every address of ``edges``."""
        edges = np.unique(edges[edges < self._top])
        at = np.searchsorted(self._starts, edges)
        new = self._starts[np.minimum(at, len(self._starts) - 1)] != edges
        if not new.any():
            return
        edges, at = edges[new], at[new]
        owners = self._owner[at - 1]
        np.add.at(self._intervals, owners, 1)
        self._starts = np.insert(self._starts, at, edges)
        self._owner = np.insert(self._owner, at, owners)

    def _lengths(self, intervals: NDArray[np.int64]) -> Addresses:
        ends = np.append(self._starts[1:], self._array([self._top]))
        return ends[intervals] - self._starts[intervals]

    def _array(self, values: list[int]) -> Addresses:
        return np.array(values, self._type)

    # -- codes to addresses ----------------------------------------------------------------------

    def lowest(self, codes: Iterable[Range]) -> tuple[int, Range]:
        """The lowest address of all classes that have any of ``codes``, and all codes of its class."""
        one = min((self._classes[number] for number in self._numbers(codes)), key=lambda one: one.lowest)
        return one.lowest, one.run

    def addresses(self, codes: Sequence[Range]) -> list[Range]:
        """The addresses that ``codes``, a union of classes, stand for; both as in ``codes``.

        Raises:
            RunError: ``codes`` cut a class.
        """
        numbers = np.unique(np.fromiter(self._numbers(codes), np.int64))
        if self._runs(numbers) != list(codes):
            raise RunError.because("packet sets", "a set of codes is no union of address classes")
        intervals = np.flatnonzero(np.isin(self._owner, numbers))
        firsts = self._starts[intervals]
        return merged(zip(firsts.tolist(), (firsts + self._lengths(intervals) - 1).tolist(), strict=True))

    def halves(self) -> Iterator[list[Range]]:
        """Sets of codes that tell every two classes apart: the halves, quarters, ... by lowest address."""
        ranked = np.array(sorted(range(len(self)), key=lambda number: self._classes[number].lowest))
        for bit in reversed(range((len(ranked) - 1).bit_length())):
            yield self._runs(ranked[np.arange(len(ranked)) >> bit & 1 == 0])

    def _numbers(self, codes: Iterable[Range]) -> Iterator[int]:
        """The classes that have any of ``codes``."""
        for first, last in codes:
            begin = bisect_right(self._by_code, (first, len(self))) - 1
            end = bisect_right(self._by_code, (last, len(self)))
            yield from (number for _, number in self._by_code[begin:end])


def collapse(starts: Addresses, columns: Sequence[Column], mixer: Mixer | None = None) -> NDArray[np.int64]:
    """Per start the number of its class: equal where no column tells two starts apart.

    Numbers are in order of appearance. ``mixer`` hashes a row label by label; equal hashes are
    verified column by column, so that a collision costs time and never joins what differs.
    """
    keys = np.ones(len(starts), np.uint64)
    for column in columns:
        keys = (mixer or _mixed)(keys, _projected(column, starts))
    classes, firsts = _numbered(keys)
    for column in columns:
        labels = _projected(column, starts)
        if (labels != labels[firsts][classes]).any():
            classes, firsts = _numbered(classes * (int(labels.max()) + 1) + labels)
    return classes


def _mixed(keys: NDArray[np.uint64], labels: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Fibonacci hashing (Knuth, TAOCP 6.4) of a label into each key."""
    keys = (keys ^ labels.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    return keys ^ keys >> np.uint64(29)


def _projected(column: Column, starts: Addresses) -> NDArray[np.int64]:
    """The column's label at every one of ``starts``, among which all its own are."""
    own, labels = column
    return np.repeat(labels, np.diff(np.searchsorted(starts, own), append=len(starts)))


def _numbered(keys: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Equal keys by one number, in order of appearance; and where each number appears first."""
    _, firsts, found = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(firsts)
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.arange(len(order))
    return numbers[found], firsts[order]


def _spread(low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.int64]:
    """The integers of the half-open ranges from ``low`` to ``high``, one range after the other."""
    widths = high - low
    return np.repeat(low - np.cumsum(widths) + widths, widths) + np.arange(int(widths.sum()))
