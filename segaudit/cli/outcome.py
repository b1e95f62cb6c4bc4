"""From a result to what is printed and to the exit code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from segaudit.cli.options import SEVERITIES
from segaudit.errors import UsageError

if TYPE_CHECKING:
    from segaudit.model.result import RunResult
    from segaudit.model.verdict import Verdict
    from segaudit.pipeline import Audit

HOLDS, VIOLATION, NOT_DETERMINED = 0, 1, 3
FORMATS = ("table", "json", "html")
MOST_REASONS = 5


def exit_code(result: RunResult, fail_on: str) -> int:
    """0 every assertion holds, 1 a violation or contradiction, 3 anything not determined.

    A violation below ``fail_on`` still leaves its assertion without a proof: 3, never 0. So does an
    isolation that was probed without one conclusive observation.
    """
    from segaudit.model.verdict import Outcome, Severity

    at_least = SEVERITIES[SEVERITIES.index(fail_on) :]
    violated = [verdict for verdict in result.verdicts if verdict.outcome is Outcome.VIOLATED]
    contradicted = any(
        finding.severity is Severity.CRITICAL and finding.id.startswith("CONTRA")
        for finding in result.findings
    )
    if contradicted or any(verdict.severity in at_least for verdict in violated):
        return VIOLATION
    proven = (Outcome.PROVEN, Outcome.PROVEN_IF)
    if any(verdict.outcome not in proven for verdict in result.verdicts) or _inconclusive(result):
        return NOT_DETERMINED
    return HOLDS if result.verdicts else NOT_DETERMINED


def _inconclusive(result: RunResult) -> bool:
    """True where some isolated pair was probed and no probe of it was conclusive."""
    from segaudit.model.probe import Reply

    told: dict[tuple[str, str, str, int], bool] = {}
    for seen in result.observations:
        probe = seen.probe
        if probe.purpose == "isolation":
            key = (probe.assertion, probe.source.zone, probe.destination.zone, probe.source.family)
            told[key] = told.get(key, False) or seen.reply is not Reply.INCONCLUSIVE
    return not all(told.values())


def show(audit: Audit, formats: Iterable[str]) -> None:
    """Print or write the result in every format asked for; the table where none was."""
    for asked in formats or ("table",):
        name, _, target = asked.partition("=")
        if name not in FORMATS:
            raise UsageError.because("--format", "unknown format", name, f"known: {', '.join(FORMATS)}")
        text = _rendered(audit, name)
        if target:
            Path(target).write_text(text, encoding="utf-8")
            click.echo(f"{name}: {target}", err=True)
        else:
            click.echo(text, nl=not text.endswith("\n"))


def _rendered(audit: Audit, name: str) -> str:
    """The text of one format; the table alone does without every way across."""
    from segaudit.pipeline import crossed

    if name == "json":
        from segaudit.report.json_result import render_json

        return render_json(crossed(audit).result)
    if name == "html":
        from segaudit.report.html import render_html

        return render_html(crossed(audit).result)
    return "\n".join(_table(audit.result)) + "\n"


def _table(result: RunResult) -> Iterator[str]:
    """Headline, verdict table, and what every bad verdict rests on."""
    from segaudit.model.verdict import Outcome
    from segaudit.report.terminal import headline_lines, verdict_lines

    yield from headline_lines(result)
    yield ""
    yield from verdict_lines(result)
    for verdict in result.verdicts:
        if verdict.outcome in (Outcome.VIOLATED, Outcome.UNKNOWN):
            yield from _bad(verdict)


def _bad(verdict: Verdict) -> Iterator[str]:
    """The first pair that shows why a verdict is not good, and how many more there are."""
    from segaudit.report.trace_lines import trace_lines

    bad = [pair for pair in verdict.pairs if pair.outcome is verdict.outcome]
    pair = bad[0]
    reason = f": {pair.reason}" if pair.reason else ""
    yield f"\n{verdict.id}: {pair.source_zone} -> {pair.destination_zone}{reason}"
    if pair.witness is not None:
        yield from trace_lines(pair.witness)
    yield from (f"  {line}" for line in pair.depends_on[:MOST_REASONS])
    hidden = len(pair.depends_on) - MOST_REASONS
    if hidden > 0:
        yield f"  and {hidden} more"
    if len(bad) > 1:
        yield f"  and {len(bad) - 1} more zone pairs: segaudit explain {verdict.id}"
