"""One top-level line of a configuration with what stands beneath it, while it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from segaudit.model.source import SourceSpan
from segaudit.parse.cisco import fates, words
from segaudit.parse.cisco.dispatch import Table
from segaudit.parse.cisco.fates import FACT, NOT_UNDERSTOOD, Fate, ignored
from segaudit.parse.cisco.sections import shown
from segaudit.parse.cisco.words import Words
from segaudit.parse.indent import Block, ConfigLine, walk
from segaudit.parse.ledger import LineLedger
from segaudit.vendors.cisco_ios.records import Config

Record = TypeVar("Record")

_SWITCHED_OFF = ignored("switches off what the model does not count on")
_SEPARATORS = frozenset("!*# ")


@dataclass(slots=True)
class Section:
    """A block of the configuration; ``children_read`` once somebody accounted for the lines beneath."""

    config: Config
    ledger: LineLedger
    block: Block
    children_read: bool = False

    @property
    def span(self) -> SourceSpan:
        """The block's lines."""
        return self.ledger.span(self.block.number, self.block.last_number)

    def lines(self) -> list[Words]:
        """The lines beneath, however deep, in their order; comments are accounted for."""
        self.children_read = True
        self._account_literal(self.block)
        found = []
        for child in walk(self.block.children):
            self._account_literal(child)
            if child.line.is_comment:
                note_comment(self.ledger, child.line)
            else:
                found.append(words.read(child.text, self.ledger.span(child.number)))
        return found

    def _account_literal(self, block: Block) -> None:
        if block.literal:
            first, last = block.literal[0].number, block.literal[-1].number
            self.ledger.ignored(first, last, "quoted text, no configuration", "(quoted)")

    def each(self, table: Table[Record], record: Record) -> None:
        """Read every line beneath with one table: a mode within a mode sets the record's state."""
        for line in self.lines():
            note_line(self.ledger, line, settled(line, table.read(record, line)))

    def every(self, reader: Callable[[Words], Fate]) -> None:
        """Read every line beneath with one reader."""
        for line in self.lines():
            note_line(self.ledger, line, settled(line, reader(line)))

    def all_are(self, fate: Fate) -> Fate:
        """Give the lines beneath the fate that the head line gets, too."""
        self.children_read = True
        first, last = self.block.number + 1, self.block.last_number
        if first <= last:
            below = next((child.text for child in self.block.children if not child.line.is_comment), "")
            fates.note(
                self.ledger, self.ledger.span(first, last), fate, _without_secrets(below) or "(quoted)"
            )
        for child in walk(self.block.children):
            if child.line.is_comment and child.number > last:
                note_comment(self.ledger, child.line)
        return fate


def note_line(ledger: LineLedger, line: Words, fate: Fate) -> None:
    """Enter the fate of one line, its secrets not shown."""
    if fate is FACT:
        ledger.fact(line.span.first_line)
        return
    text = " ".join(("no", *line.words) if line.negated else line.words)
    fates.note(ledger, line.span, fate, _without_secrets(text))


def _without_secrets(text: str) -> str:
    """A line as it may be shown; of SNMP's, whose secrets stand anywhere, the first words."""
    if text.startswith("snmp-server"):
        return " ".join(text.split()[:2]) + " ..."
    return shown(text)


def settled(line: Words, fate: Fate) -> Fate:
    """``no X`` of an X that has no reader is harmless: the model never counted on X."""
    unknown = fate is NOT_UNDERSTOOD and line.position == 0
    return _SWITCHED_OFF if unknown and line.negated else fate


def note_comment(ledger: LineLedger, line: ConfigLine) -> None:
    """A separator is syntax; a comment with words in it is ignored as such."""
    if set(line.text) <= _SEPARATORS:
        ledger.fact(line.number)
    else:
        ledger.ignored(line.number, None, "a comment", _without_secrets(line.text))


def read_section(table: Table[Section], section: Section) -> None:
    """Read a top-level line, and account for what stands beneath it in any case."""
    head = words.read(section.block.text, section.ledger.span(section.block.number))
    fate = settled(head, table.read(section, head))
    note_line(section.ledger, head, fate)
    if not section.children_read:
        bare = all(child.line.is_comment for child in section.block.children)
        section.all_are(NOT_UNDERSTOOD if fate is FACT and not bare else fate)
