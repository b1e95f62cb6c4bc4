"""What became of a configuration line, as a value that a line's reader returns."""

from __future__ import annotations

from dataclasses import dataclass

from segaudit.model.source import LineFate, SourceSpan
from segaudit.parse.ledger import LineLedger


@dataclass(frozen=True, slots=True)
class Fate:
    """A line's fate; see ``model.source.AccountedLine`` for ``bounded``."""

    fate: LineFate
    reason: str = ""
    bounded: bool = True


FACT = Fate(LineFate.FACT)
"""The line became a fact."""

NOT_UNDERSTOOD = Fate(LineFate.UNRECOGNIZED, "not understood", bounded=False)
"""Whatever the line means, the model does not show it."""


def ignored(reason: str) -> Fate:
    """The line cannot matter for forwarding, because of ``reason``."""
    return Fate(LineFate.IGNORED, reason)


def unsupported(reason: str, *, bounded: bool = False) -> Fate:
    """The line is understood and not modelled; ``bounded`` where the model allows for all it can do."""
    return Fate(LineFate.UNSUPPORTED, reason, bounded)


def unrecognized(reason: str = "not understood", *, bounded: bool = False) -> Fate:
    """The line is not understood."""
    return Fate(LineFate.UNRECOGNIZED, reason, bounded)


def note(ledger: LineLedger, span: SourceSpan, fate: Fate, text: str = "") -> None:
    """Enter the fate of the lines of ``span``; ``text`` is shown in place of them, if given."""
    first, last = span.first_line, span.last_line
    match fate.fate:
        case LineFate.FACT:
            ledger.fact(first, last)
        case LineFate.IGNORED:
            ledger.ignored(first, last, fate.reason, text)
        case LineFate.UNSUPPORTED:
            ledger.unsupported(first, last, fate.reason, bounded=fate.bounded, text=text)
        case LineFate.UNRECOGNIZED:
            ledger.unrecognized(first, last, fate.reason, bounded=fate.bounded, text=text)
