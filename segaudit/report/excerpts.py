"""The cited lines of a config, with their neighbours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from segaudit.model.result import RunResult
from segaudit.model.source import SourceSpan

CONTEXT_LINES = 2
LONGEST_SPAN = 8
"""A cited object of more lines is cut here; the citation still names all of them."""


@dataclass(frozen=True, slots=True)
class ExcerptLine:
    """One line as shown; ``cited`` where the citation is about it."""

    number: int
    text: str
    cited: bool


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines around a citation; ``omitted`` counts the cited lines that are not shown."""

    span: SourceSpan
    lines: tuple[ExcerptLine, ...]
    omitted: int = 0


Citer = Callable[[SourceSpan | None], Excerpt | None]
"""Finds the excerpt of a span; ``None`` where there is no span or the text is not in the result."""


def citer(result: RunResult) -> Citer:
    """A ``Citer`` over the texts of ``result``; each text is split once, when first cited."""
    texts = dict(result.excerpts)
    split: dict[str, list[str]] = {}

    def cite(span: SourceSpan | None) -> Excerpt | None:
        if span is None or span.file not in texts:
            return None
        lines = split.setdefault(span.file, texts[span.file].split("\n"))
        return _excerpt(span, lines) if 1 <= span.first_line <= len(lines) else None

    return cite


def _excerpt(span: SourceSpan, lines: list[str]) -> Excerpt:
    last = min(span.last_line, span.first_line + LONGEST_SPAN - 1, len(lines))
    omitted = max(0, min(span.last_line, len(lines)) - last)
    start = max(1, span.first_line - CONTEXT_LINES)
    end = last if omitted else min(len(lines), last + CONTEXT_LINES)
    shown = tuple(
        ExcerptLine(number, lines[number - 1].rstrip("\r"), span.first_line <= number <= last)
        for number in range(start, end + 1)
    )
    return Excerpt(span, _without_blank_tail(shown), omitted)


def _without_blank_tail(lines: tuple[ExcerptLine, ...]) -> tuple[ExcerptLine, ...]:
    while lines and not lines[-1].cited and not lines[-1].text.strip():
        lines = lines[:-1]
    return lines
