"""Which addresses a list of prefixes holds, when the longest one decides (``except``).

Source: Juniper, Routing Policies, Firewall Filters, and Traffic Policers User Guide, "Firewall Filter Match
Conditions Based on Address Fields": overlapping prefixes go by longest match; what matches no prefix of the
list does not match.
"""

from __future__ import annotations

from collections.abc import Iterable

from segaudit.model.acl import Range


def held(listed: Iterable[tuple[Range, bool]]) -> tuple[Range, ...]:
    """The addresses whose longest prefix is listed as held (``True``); prefixes nest or are apart.

    A prefix that is listed both ways counts as held.
    """
    wanted: dict[Range, bool] = {}
    for one, positive in listed:
        wanted[one] = wanted.get(one, False) or positive
    pieces: list[list[int]] = []
    opened: list[tuple[int, bool]] = []
    at = 0
    for (first, last), positive in sorted(wanted.items(), key=lambda item: (item[0][0], -item[0][1])):
        while opened and opened[-1][0] < first:
            at = _emit(pieces, at, *opened.pop())
        if opened:
            at = _emit(pieces, at, first - 1, opened[-1][1])
        at = first
        opened.append((last, positive))
    while opened:
        at = _emit(pieces, at, *opened.pop())
    return tuple((first, last) for first, last in pieces)


def _emit(pieces: list[list[int]], first: int, last: int, positive: bool) -> int:
    """Add a piece up to ``last`` where it is held; the address after it."""
    if positive and first <= last:
        if pieces and pieces[-1][1] + 1 == first:
            pieces[-1][1] = last
        else:
            pieces.append([first, last])
    return max(first, last + 1)
