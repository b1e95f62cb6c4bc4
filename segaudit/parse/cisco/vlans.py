"""VLAN lists (``1-5,7``)."""

from __future__ import annotations

from segaudit.model.acl import Range

EVERY_VLAN: tuple[Range, ...] = ((1, 4094),)


def vlan(text: str) -> int | None:
    """A VLAN ID from 1 to 4094."""
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 4 else 0
    return number if 1 <= number <= 4094 else None


def vlan_ranges(text: str) -> tuple[Range, ...] | None:
    """The inclusive ranges of ``1-5,7``, sorted and merged; ``none`` is none, ``all`` is all.

    ``None`` where any part cannot be read.
    """
    if text in ("none", "all"):
        return EVERY_VLAN if text == "all" else ()
    found = []
    for part in text.replace(" ", "").split(","):
        low, _, high = part.partition("-")
        first, last = vlan(low), vlan(high or low)
        if first is None or last is None or first > last:
            return None
        found.append((first, last))
    return merged(found)


def merged(ranges: list[Range] | tuple[Range, ...]) -> tuple[Range, ...]:
    """``ranges`` sorted, those that touch joined."""
    out: list[Range] = []
    for first, last in sorted(ranges):
        if out and first <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return tuple(out)


def without(ranges: tuple[Range, ...], removed: tuple[Range, ...]) -> tuple[Range, ...]:
    """``ranges`` less ``removed``."""
    left = list(ranges)
    for low, high in removed:
        left = [
            piece
            for first, last in left
            for piece in ((first, min(last, low - 1)), (max(first, high + 1), last))
            if piece[0] <= piece[1]
        ]
    return merged(left)
