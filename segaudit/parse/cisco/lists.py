"""Named access lists as a configuration holds them, to the neutral ``Acl``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from segaudit.model.acl import Ace, Acl, AllOf, Field, FieldIn, Forwarding, UnknownAction, UnknownMatch
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.parse.cisco import words as line_words
from segaudit.parse.cisco.acl import LATER_FRAGMENT, AceReading, Named, read_ace, read_standard_ace
from segaudit.parse.cisco.dialect import Dialect
from segaudit.parse.cisco.fates import FACT, NOT_UNDERSTOOD, Fate, ignored, note, unrecognized
from segaudit.parse.cisco.sections import SYNTAX, comment
from segaudit.parse.cisco.words import Words
from segaudit.parse.indent import Block, walk
from segaudit.parse.ledger import LineLedger

_STEP = 10
"""How far a rule without a number stands behind the one before it."""

_REMARK = ignored("a remark")
_UNREAD = "a part of the rule is not understood: it may match or not"
_NO_ACTION = "a rule whose action is not understood: it may accept, drop or go on"


@dataclass(slots=True)
class ListRecord:
    """An access list as written: its lines are read when all groups are known."""

    name: str
    family: Family
    span: SourceSpan
    standard: bool = False
    lines: list[Block] = field(default_factory=list)

    @property
    def model_name(self) -> str:
        """A name of its own in the device; lists of the two families may have one name."""
        return list_name(self.family, self.name)


def list_name(family: Family, name: str) -> str:
    """What the neutral model calls a list."""
    return f"{'ip' if family is Family.IPV4 else 'ipv6'} {name}"


@dataclass(frozen=True, slots=True)
class ListReader:
    """What reading a list needs besides its lines.

    ``settings`` are first words of lines that are no rules, with the reason why they do not matter;
    ``implied`` are IPv6 rules that stand unwritten before the last one.
    """

    ledger: LineLedger
    dialect: Dialect
    named: Named
    settings: Mapping[str, str] = field(default_factory=dict)
    implied: tuple[Ace, ...] = ()

    def acl(self, record: ListRecord) -> Acl:
        """The list with its rules by sequence number; without any it denies or permits, by platform."""
        lines = _Lines(self, record)
        for line in walk(record.lines):
            lines.read(line)
        aces = tuple(lines.in_order())
        if not aces:
            return undefined(record.model_name, "a list without rules", record.span)
        implied = self.implied if record.family is Family.IPV6 else ()
        return Acl(record.model_name, (*aces, *implied), Forwarding.DROP, record.span)


def undefined(name: str, reason: str, span: SourceSpan | None) -> Acl:
    """What a list does of which no rule is known: perhaps nothing."""
    perhaps = Ace(UnknownMatch(name, reason), Forwarding.ACCEPT, span, reason)
    return Acl(name, (perhaps,), Forwarding.DROP, span)


ND_PERHAPS = (
    Ace(
        AllOf(
            (
                FieldIn(Field.PROTOCOL, ((58, 58),)),
                FieldIn(Field.ICMP_TYPE, ((133, 136),)),
                UnknownMatch("neighbour discovery", "permitted unwritten on some platforms"),
            )
        ),
        Forwarding.ACCEPT,
        None,
        "permit icmp any any nd-na, nd-ns, router-advertisement, router-solicitation (unwritten)",
    ),
)
"""The unwritten rules of IPv6 lists on systems where they depend on the platform."""


class _Lines:
    """The rules of one list while its lines are read."""

    __slots__ = ("_by_number", "_last", "_later", "_reader", "_record")

    def __init__(self, reader: ListReader, record: ListRecord) -> None:
        self._reader = reader
        self._record = record
        self._by_number: dict[int, Ace] = {}
        self._last = 0
        self._later: Ace | None = None

    def in_order(self) -> Iterator[Ace]:
        yield from (self._by_number[number] for number in sorted(self._by_number))
        if self._later is not None:
            yield self._later

    def read(self, line: Block) -> None:
        ledger = self._reader.ledger
        if line.line.is_comment:
            comment(ledger, line)
        else:
            span = ledger.span(line.number)
            note(ledger, span, self._fate(line, line_words.read(line.text, span)))

    def _fate(self, line: Block, words: Words) -> Fate:
        if line.text in SYNTAX:
            return FACT
        reason = self._setting(words)
        if reason:
            return ignored(reason)
        if words.negated:
            return self._removed(words)
        if words.peek() == "fragments":
            return self._fragments(words, line.text)
        return self._rule(line, words)

    def _setting(self, words: Words) -> str:
        for length in (2, 1):
            key = " ".join(words.words[:length])
            if key in self._reader.settings:
                return self._reader.settings[key]
        return ""

    def _removed(self, words: Words) -> Fate:
        if not words.peek().isdecimal() or len(words.words) != 1:
            return NOT_UNDERSTOOD
        self._by_number.pop(int(words.take()), None)
        return FACT

    def _fragments(self, words: Words, text: str) -> Fate:
        """NX-OS ``fragments permit-all | deny-all``: about later fragments that no rule decided."""
        words.take()
        actions = {"permit-all": Forwarding.ACCEPT, "deny-all": Forwarding.DROP}
        action = actions.get(words.peek())
        if action is None:
            return NOT_UNDERSTOOD
        self._later = Ace(LATER_FRAGMENT, action, words.span, text)
        return FACT

    def _rule(self, line: Block, words: Words) -> Fate:
        reading = self._reading(words)
        number = self._last + _STEP if reading.sequence is None else reading.sequence
        self._last = max(self._last, number)
        if reading.remark is not None:
            return _REMARK
        if reading.action is None:
            unknown = UnknownMatch(line.text, "not understood")
            self._by_number[number] = Ace(unknown, UnknownAction(line.text), words.span, line.text)
            return unrecognized(_NO_ACTION, bounded=True)
        self._by_number[number] = Ace(reading.matches, reading.action, words.span, line.text)
        return unrecognized(_UNREAD, bounded=True) if reading.unread else FACT

    def _reading(self, words: Words) -> AceReading:
        reader = self._reader
        if self._record.standard:
            return read_standard_ace(words, reader.dialect, reader.named)
        return read_ace(words, reader.dialect, self._record.family, reader.named)
