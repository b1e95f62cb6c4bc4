"""JSON printed by a device, with the lines that each element of its top-level list covers."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

_BLANK = " \t\r\n"


def elements(text: str) -> Iterator[tuple[Any, int, int]]:
    """Each element of the top-level list in ``text`` with its first and last line (1-based).

    An empty text has no elements (``ip -j`` prints nothing for an empty table on some versions).

    Raises:
        ValueError: ``text`` is not a JSON list; the message gives the line.
    """
    starts = _line_starts(text)
    decoder = json.JSONDecoder()
    position = _skip(text, 0)
    if position == len(text):
        return
    if text[position] != "[":
        raise ValueError(f"line {_line(starts, position)}: a JSON list was expected")
    position = _skip(text, position + 1)
    while position < len(text) and text[position] != "]":
        try:
            value, end = decoder.raw_decode(text, position)
        except json.JSONDecodeError as failure:
            raise ValueError(f"line {failure.lineno}: {failure.msg}") from failure
        yield value, _line(starts, position), _line(starts, end - 1)
        position = _skip(text, end)
        if position < len(text) and text[position] == ",":
            position = _skip(text, position + 1)
        elif position >= len(text) or text[position] != "]":
            raise ValueError(f"line {_line(starts, min(position, len(text) - 1))}: ',' or ']' was expected")
    if position >= len(text):
        raise ValueError(f"line {len(starts)}: the list does not end")


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in _BLANK:
        position += 1
    return position


def _line_starts(text: str) -> list[int]:
    starts = [0]
    position = text.find("\n")
    while position >= 0:
        starts.append(position + 1)
        position = text.find("\n", position + 1)
    return starts


def _line(starts: list[int], position: int) -> int:
    return bisect_right(starts, position)
