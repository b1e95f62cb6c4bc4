"""A table as a step function of the address: who routes what by which route, in a few numpy arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segaudit.model.device import Device, Route, RouteKind
from segaudit.model.flow import Family
from segaudit.routing.fib import Same, best_routes

NO_ROUTE = 0
"""The label where a table has no route, or one that gives its packets back (THROW)."""


@dataclass(frozen=True, slots=True, eq=False)
class Painting:
    """From address ``starts[i]`` up to the next start, ``routes[labels[i]]`` is the longest match.

    ``starts`` ascends from 0 and no two neighbouring labels are equal. Routes with the same action
    share a label: ``routes`` holds the first of each, longest prefix first, and ``None`` first of all.
    """

    starts: NDArray[Any]
    labels: NDArray[np.int64]
    routes: tuple[Route | None, ...]


def paint(routes: tuple[Route, ...], bits: int) -> Painting:
    """The longest match of every address, among routes that are sorted longest prefix first.

    Remembered per tuple: what is painted to tell addresses apart is used again to compile the table.
    """
    return _painted(Same(routes), bits)


def paintings(devices: Iterable[Device], family: Family) -> list[Painting]:
    """Every table of every device, painted."""
    tables = (table for device in devices for _, table in sorted(best_routes(device, family).items()))
    return [paint(table, family.bits) for table in tables]


@lru_cache(maxsize=1 << 13)
def _painted(routes: Same, bits: int) -> Painting:
    table: tuple[Route, ...] = routes.of
    labels, shown = _labels(table)
    firsts = _numbers([route.prefix for route in table], bits)
    ends = _numbers([route.prefix + (1 << bits - route.prefix_length) for route in table], bits)
    lengths = np.array([route.prefix_length for route in table], np.int64)
    starts = np.unique(np.concatenate([_numbers([0], bits), firsts, ends[ends < 1 << bits]]))
    low, high = np.searchsorted(starts, firsts), np.searchsorted(starts, ends)
    colours = np.full(len(starts), NO_ROUTE, np.int64)
    for length in np.unique(lengths):
        alike = lengths == length
        widths = high[alike] - low[alike]
        covered = np.repeat(low[alike] - np.cumsum(widths) + widths, widths) + np.arange(widths.sum())
        colours[covered] = np.repeat(labels[alike], widths)
    changes = np.concatenate([[True], colours[1:] != colours[:-1]])
    return Painting(starts[changes], colours[changes], shown)


def _labels(table: tuple[Route, ...]) -> tuple[NDArray[np.int64], tuple[Route | None, ...]]:
    """A number per route, the same for routes that do the same; and per number the first such route."""
    numbers: dict[object, int] = {}
    shown: list[Route | None] = [None]
    labels = []
    for route in table:
        if route.kind is RouteKind.THROW:
            labels.append(NO_ROUTE)
            continue
        label = numbers.setdefault((route.kind, route.next_hops), len(shown))
        if label == len(shown):
            shown.append(route)
        labels.append(label)
    return np.array(labels, np.int64), tuple(shown)


def _numbers(values: list[int], bits: int) -> NDArray[Any]:
    """Addresses, or ends of ranges of them, as an array; IPv6 ones as Python integers."""
    return np.array(values, np.int64 if bits < 63 else object)
