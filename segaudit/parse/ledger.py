"""Line accounting: every non-blank line of a file ends with exactly one fate."""

from __future__ import annotations

from collections.abc import Iterable

from segaudit.model.snapshot import RawFile
from segaudit.model.source import AccountedLine, LineFate, LineTally, SourceSpan
from segaudit.parse.terminal import is_blank

_BY_SEVERITY = (LineFate.FACT, LineFate.IGNORED, LineFate.UNSUPPORTED, LineFate.UNRECOGNIZED)
_GRADES = {fate: grade for grade, fate in enumerate(_BY_SEVERITY)}
_UNCLAIMED = 255
_SHOWN_CHARACTERS = 200
_JSON_PUNCTUATION = "[]{}, "


class LineLedger:
    """The fates of the lines of one file.

    A line that two claims share (``},{`` of two JSON elements) keeps the graver fate. Lines that
    nobody claimed are UNRECOGNIZED and unbounded when the ledger is closed.
    """

    def __init__(self, file: RawFile) -> None:
        self.file = file.path
        self._lines = file.text.split("\n")
        self._fates = bytearray([_UNCLAIMED]) * len(self._lines)
        self._accounts: list[AccountedLine] = []

    def span(self, first: int, last: int | None = None) -> SourceSpan:
        """Lines ``first`` to ``last`` of the file."""
        return SourceSpan(self.file, first, first if last is None else last)

    def fact(self, first: int, last: int | None = None) -> None:
        """The lines became facts, or are punctuation of the syntax."""
        self._mark(first, last, LineFate.FACT)

    def ignored(self, first: int, last: int | None, reason: str, text: str = "") -> None:
        """The lines cannot matter, because of ``reason``. ``text`` replaces what they say, if given."""
        self._account(first, last, LineFate.IGNORED, reason, True, text)

    def unsupported(
        self, first: int, last: int | None, reason: str, *, bounded: bool, text: str = ""
    ) -> None:
        """The lines are understood but not modelled."""
        self._account(first, last, LineFate.UNSUPPORTED, reason, bounded, text)

    def unrecognized(
        self, first: int, last: int | None, reason: str, *, bounded: bool = False, text: str = ""
    ) -> None:
        """The lines are not understood."""
        self._account(first, last, LineFate.UNRECOGNIZED, reason, bounded, text)

    def rest_is_fact(self) -> None:
        """Every line that nobody claimed yet is punctuation (brackets of a JSON list)."""
        self._fates = self._fates.replace(bytes([_UNCLAIMED]), bytes([_GRADES[LineFate.FACT]]))

    def rest_is_ignored(self, reason: str) -> None:
        """Every line that nobody claimed yet cannot matter; one account covers them all."""
        open_lines = list(self._unclaimed())
        if open_lines:
            self.ignored(open_lines[0], open_lines[0], reason)
            for number in open_lines[1:]:
                self._mark(number, number, LineFate.IGNORED)

    def close(self) -> tuple[tuple[AccountedLine, ...], LineTally]:
        """The lines that did not become plain facts, in file order, and the counts."""
        for number in list(self._unclaimed()):
            self.unrecognized(number, number, "not read")
        counts = [0] * len(_BY_SEVERITY)
        for line, fate in zip(self._lines, self._fates, strict=True):
            if line.strip():
                counts[0 if fate == _UNCLAIMED else fate] += 1
        tally = LineTally(self.file, counts[0], counts[1], counts[2], counts[3])
        return tuple(sorted(set(self._accounts))), tally

    def _unclaimed(self) -> Iterable[int]:
        for number, (line, fate) in enumerate(zip(self._lines, self._fates, strict=True), start=1):
            if fate == _UNCLAIMED and not is_blank(line):
                yield number

    def _mark(self, first: int, last: int | None, fate: LineFate) -> None:
        grade, fates = _GRADES[fate], self._fates
        for index in range(first - 1, first if last is None else last):
            known = fates[index]
            if known == _UNCLAIMED or known < grade:
                fates[index] = grade

    def _account(
        self, first: int, last: int | None, fate: LineFate, reason: str, bounded: bool, text: str = ""
    ) -> None:
        self._mark(first, last, fate)
        span = self.span(first, last)
        self._accounts.append(AccountedLine(span, fate.value, text or self._shown(span), reason, bounded))

    def _shown(self, span: SourceSpan) -> str:
        lines = self._lines[span.first_line - 1 : span.last_line]
        shown = " ".join(stripped for line in lines if (stripped := line.strip()))
        if self.file.endswith(".json"):
            shown = shown.strip(_JSON_PUNCTUATION) or shown
        return shown if len(shown) <= _SHOWN_CHARACTERS else shown[: _SHOWN_CHARACTERS - 1] + "…"
