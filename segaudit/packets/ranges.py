"""Inclusive ranges of integers: joined, and those that a mask stands for."""

from __future__ import annotations

from collections.abc import Iterable

from segaudit.model.acl import Range


def merged(ranges: Iterable[Range]) -> list[Range]:
    """The same numbers in as few ranges as can be, sorted; a range that ends before it starts is empty."""
    found: list[Range] = []
    for first, last in sorted(ranges):
        if first > last:
            continue
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(last, found[-1][1])
        else:
            found.append((first, last))
    return found


def masked_ranges(value: int, mask: int, bits: int) -> list[Range]:
    """The numbers of ``bits`` bits that, ANDed with ``mask``, are ``value``."""
    run = (mask & -mask).bit_length() - 1 if mask else bits
    ranges = [(value, value | (1 << run) - 1)]
    for position in range(run, bits):
        if not mask >> position & 1:
            step = 1 << position
            ranges = merged((*ranges, *((first + step, last + step) for first, last in ranges)))
    return ranges
