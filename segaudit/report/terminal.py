"""The verdicts for a person at a terminal; the door through which the command line asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segaudit.model.result import RunResult
from segaudit.model.verdict import Outcome, Verdict
from segaudit.report.explain import explain
from segaudit.report.headline import headline
from segaudit.report.redact import redacted
from segaudit.report.standing import ordered_verdicts, pair_standings, shown_grade
from segaudit.report.trace_lines import GLYPHS, trace_lines
from segaudit.report.visible import visible_line

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["explain", "headline_lines", "trace_lines", "verdict_lines", "verdict_rows", "verdict_table"]

_STYLES = {
    Outcome.PROVEN: "green",
    Outcome.PROVEN_IF: "green dim",
    Outcome.VACUOUS: "yellow",
    Outcome.UNKNOWN: "yellow",
    Outcome.VIOLATED: "bold red",
}
_HEADS = ("Outcome", "Assertion", "From -> to", "Family", "Grade", "Pairs")


def verdict_rows(result: RunResult) -> list[tuple[str, ...]]:
    """Plain cells per verdict in the order of ``_HEADS``, isolations first; none acts on a terminal."""
    return [tuple(visible_line(cell) for cell in _row(verdict)) for verdict in ordered_verdicts(result)]


def _row(verdict: Verdict) -> tuple[str, ...]:
    grade = shown_grade(verdict)
    return (
        f"{GLYPHS[verdict.outcome]} {verdict.outcome.value}",
        verdict.assertion,
        f"{verdict.source} -> {verdict.destination}",
        f"IPv{int(verdict.family)}",
        f"{grade.value} {grade.meaning}" if grade else "",
        str(len(verdict.pairs)),
    )


def verdict_table(result: RunResult) -> Table:
    """The verdicts as a rich table; outcome is readable without colour."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in _HEADS:
        table.add_column(head, overflow="fold")
    for verdict, row in zip(ordered_verdicts(result), verdict_rows(result), strict=True):
        first = Text(row[0], style=_STYLES[verdict.outcome])
        table.add_row(first, *(Text(cell) for cell in row[1:]))
    return table


def verdict_lines(result: RunResult) -> list[str]:
    """The same table as aligned plain text, for a pipe or a file: never wrapped, never coloured."""
    rows = [_HEADS, *verdict_rows(result)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def headline_lines(result: RunResult) -> list[str]:
    """The headline as on page one of the report: label, sentence, remarks."""
    safe = redacted(result)
    found = headline(safe, pair_standings(safe))
    return [visible_line(line) for line in (f"{found.label}: {found.sentence}", *found.remarks)]
