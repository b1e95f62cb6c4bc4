"""Nested lines to records: each line's reader, and one fate for every line below it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from segaudit.model.source import LineFate
from segaudit.parse.cisco import words as line_words
from segaudit.parse.cisco.dispatch import Table
from segaudit.parse.cisco.fates import FACT, Fate, note
from segaudit.parse.indent import Block, walk
from segaudit.parse.ledger import LineLedger

Record = TypeVar("Record")

SYNTAX = frozenset({"exit", "end", "exit-address-family"})
"""Lines that end a mode and say nothing else."""

_READ_ON = (LineFate.FACT, LineFate.IGNORED)

Modes = Mapping[str, Table[Record]]
"""First words of a line that opens a mode of its own -> the table of the lines below it."""


def read_lines(
    ledger: LineLedger,
    lines: Sequence[Block],
    table: Table[Record],
    record: Record,
    modes: Modes[Record] | None = None,
) -> None:
    """Read ``lines`` and what stands below them into ``record``.

    Lines below one that opens no mode are read like those beside it (an indent may be wrong in a file that
    no device printed); lines below one that is not understood or not supported share its fate.
    """
    for line in lines:
        if line.line.is_comment:
            comment(ledger, line)
            continue
        fate = read_line(ledger, line, table, record)
        if fate.fate in _READ_ON:
            note(ledger, ledger.span(line.number), fate, shown(line.text))
            read_lines(ledger, line.children, mode_of(line, modes or {}) or table, record, modes)
        else:
            note_block(ledger, line, fate)


def note_block(ledger: LineLedger, line: Block, fate: Fate) -> None:
    """Enter one fate for a line and all below it; separators that follow are syntax."""
    note(ledger, ledger.span(line.number, line.last_number), fate, shown(line.text))
    for child in line.children:
        if child.line.is_comment and child.number > line.last_number:
            comment(ledger, child)
        elif child.children:
            _trailing(ledger, child, line.last_number)


_SECRET = re.compile(
    r"(.*?\b(?:authentication|authentication-key|community|encrypted|hash|key|key-string|md5|passphrase|password"
    r"|passwd|secret|ssh-key|sshkey|text)\b) +\S.*",
    re.IGNORECASE,
)


def shown(text: str) -> str:
    """A line as it may be shown: what stands behind a word that secrets follow is left out."""
    found = _SECRET.fullmatch(text)
    return f"{found[1]} ..." if found else text


def opens(line: Block, modes: frozenset[str]) -> bool:
    """True where the first words of a line are among ``modes``: all below it is of that mode."""
    words = line.text.split()
    return any(" ".join(words[:length]) in modes for length in range(1, min(len(words), 4) + 1))


def _trailing(ledger: LineLedger, line: Block, last: int) -> None:
    for child in walk(line.children):
        if child.line.is_comment and child.number > last:
            comment(ledger, child)


def read_line(ledger: LineLedger, line: Block, table: Table[Record], record: Record) -> Fate:
    """Read one line into ``record``, not those below it; its fate is not noted."""
    if line.text in SYNTAX:
        return FACT
    return table.read(record, line_words.read(line.text, ledger.span(line.number)))


def mode_of(line: Block, modes: Modes[Record]) -> Table[Record] | None:
    """The table of the mode that a line opens."""
    words = line.text.split()
    for length in range(min(len(words), 3), 0, -1):
        table = modes.get(" ".join(words[:length]))
        if table is not None:
            return table
    return None


def comment(ledger: LineLedger, line: Block) -> None:
    """A separator is syntax; a comment cannot matter."""
    if line.text.strip("!#"):
        ledger.ignored(line.number, line.number, "a comment")
    else:
        ledger.fact(line.number)
