"""Configs whose structure is their indentation: FRR, IOS, EOS, NX-OS.

``tokenise`` keeps every byte; ``blocks`` nests the lines by their indent. What a vendor's words mean
is no business of this module; a vendor says only which lines start a literal text (a banner, a
certificate) and how that text ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

TAB_WIDTH = 8
_COMMENTS = ("!", "#")


class ConfigLine(NamedTuple):
    """One line: ``indent + text + ending`` is the line as it stood, terminator included.

    ``number`` is 1-based; only LF ends a line. ``text`` is stripped; an ``ending`` holds trailing
    white space, CR and the LF.
    """

    number: int
    indent: str
    text: str
    ending: str

    @property
    def width(self) -> int:
        """The indent in columns, tabs going to the next multiple of eight."""
        return len(self.indent.expandtabs(TAB_WIDTH)) if "\t" in self.indent else len(self.indent)

    @property
    def is_comment(self) -> bool:
        """True for ``!`` separators and comment lines."""
        return self.text.startswith(_COMMENTS)


class Block(NamedTuple):
    """A line and what stands beneath it.

    ``literal`` are lines that the config quotes (the text of a banner), in place of children.
    """

    line: ConfigLine
    children: tuple[Block, ...]
    literal: tuple[ConfigLine, ...]
    last_number: int
    """The number of the last line that belongs to the block; separators after it do not."""

    @property
    def text(self) -> str:
        """The head line's text."""
        return self.line.text

    @property
    def number(self) -> int:
        """The head line's number."""
        return self.line.number


LiteralEnd = Callable[[str], bool]
LiteralStart = Callable[[str], LiteralEnd | None]
"""Given a head line: ``None``, or a test that is true for the literal's last line."""


def tokenise(text: str) -> list[ConfigLine]:
    """The lines of ``text``; joining their three parts gives ``text`` back byte for byte."""
    lines = []
    for number, raw in enumerate(_split(text), start=1):
        body = raw.rstrip(" \t\r\n\f\v")
        stripped = body.lstrip(" \t")
        cut = len(body) - len(stripped)
        lines.append(ConfigLine(number, body[:cut], stripped, raw[len(body) :]))
    return lines


def _split(text: str) -> list[str]:
    """``text`` cut after each LF, and nowhere else (``splitlines`` also cuts at U+2028 and others)."""
    pieces = text.split("\n")
    lines = [piece + "\n" for piece in pieces[:-1]]
    return [*lines, pieces[-1]] if pieces[-1] else lines


def untokenise(lines: Sequence[ConfigLine]) -> str:
    """The text that ``lines`` were cut from."""
    return "".join(line.indent + line.text + line.ending for line in lines)


def no_literals(_text: str) -> LiteralEnd | None:
    """For a vendor whose config quotes nothing."""
    return None


class _Open:
    """A block still being filled."""

    __slots__ = ("children", "last_number", "line", "literal", "width")

    def __init__(self, line: ConfigLine, width: int) -> None:
        self.line = line
        self.width = width
        self.last_number = line.number
        self.children: list[Block] = []
        self.literal: list[ConfigLine] = []

    def add(self, child: Block) -> None:
        self.children.append(child)
        if not child.line.is_comment:
            self.last_number = child.last_number

    def quote(self, line: ConfigLine) -> None:
        self.literal.append(line)
        self.last_number = line.number

    def closed(self) -> Block:
        return Block(self.line, tuple(self.children), tuple(self.literal), self.last_number)


def blocks(lines: Sequence[ConfigLine], literal_start: LiteralStart = no_literals) -> tuple[Block, ...]:
    """``lines`` nested by indent; blank lines are left out, comments are blocks of their own.

    A line is a child of the nearest line above that is indented less. A comment opens and closes
    nothing: it goes to the block that was open. A literal without an end runs to the file's end.
    """
    root = _Open(ConfigLine(0, "", "", ""), -1)
    stack = [root]
    literal_end: LiteralEnd | None = None
    for line in lines:
        if literal_end is not None:
            stack[-1].quote(line)
            if literal_end(line.text):
                literal_end = None
            continue
        if not line.text:
            continue
        if line.is_comment:
            stack[-1].add(Block(line, (), (), line.number))
            continue
        width = line.width
        while stack[-1].width >= width:
            _close(stack)
        stack.append(_Open(line, width))
        literal_end = literal_start(line.text)
    while len(stack) > 1:
        _close(stack)
    return tuple(root.children)


def _close(stack: list[_Open]) -> None:
    done = stack.pop()
    stack[-1].add(done.closed())


def walk(tree: Sequence[Block]) -> Iterator[Block]:
    """Every block of ``tree``, in file order, however deep."""
    waiting = list(reversed(tree))
    while waiting:
        block = waiting.pop()
        yield block
        waiting.extend(reversed(block.children))


_BANNER = re.compile(r"banner(?: \S+)? +(\^.|\S)(.*)")


def banner(text: str) -> LiteralEnd | None:
    """The literal of ``banner [KIND] <delimiter>...`` (IOS, NX-OS) up to the delimiter's return.

    The delimiter is one character, or the two characters of a printed control code (``^C``).
    """
    found = _BANNER.fullmatch(text)
    if not found:
        return None
    delimiter, rest = found.groups()
    return None if delimiter in rest else lambda line: delimiter in line
