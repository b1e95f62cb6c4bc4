"""Decimal numbers as devices print them."""

from __future__ import annotations


def decimal(text: str, highest: int) -> int | None:
    """The number that ``text`` is, from 0 to ``highest``; ``None`` for anything else, however long."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 10:
        return None
    number = int(text)
    return number if number <= highest else None
