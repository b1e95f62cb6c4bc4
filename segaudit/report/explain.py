"""One id of a result in words that an engineer can act on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

from segaudit.errors import Problem, UsageError
from segaudit.model.flow import Step
from segaudit.model.probe import Observation
from segaudit.model.result import RunResult
from segaudit.model.source import SourceSpan
from segaudit.model.verdict import Barrier, Finding, Outcome, PairVerdict, Verdict
from segaudit.report.crossings import cited_steps
from segaudit.report.redact import redacted
from segaudit.report.sections import Dated, exception_rows, flow_rows, owned_rows, sorted_findings
from segaudit.report.standing import ordered_verdicts, shown_grade
from segaudit.report.strength import strength_lines
from segaudit.report.trace_lines import GLYPHS, trace_lines
from segaudit.report.visible import visible_line
from segaudit.report.words import FLOW_MEANING, OUTCOME_MEANING, counted

_MOST_PAIRS = 8
_MOST_BARRIERS = 12
_MOST_MISSING = 12

Block = Sequence[str]
"""The lines of one paragraph."""


def explain(result: RunResult, id: str) -> str:
    """What ``id`` means, what it rests on, and what to do about it, as plain text.

    ``id`` names a verdict (``ISO-1/forward/ipv4``), several (``ISO-1``, ``ISO-1/forward``), a finding, an
    exception, an allowed flow, an owned assumption or a probe.

    Raises:
        UsageError: nothing in the result has that id.
    """
    safe = redacted(result)
    named = list(_named(safe))
    blocks = [block for names, block in named if id in names]
    if not blocks:
        raise _unknown(id, [names[0] for names, _ in named])
    return "\n\n".join("\n".join(visible_line(line) for line in block) for block in blocks) + "\n"


def _unknown(id: str, known: Sequence[str]) -> UsageError:
    close = get_close_matches(id, known, 3, 0.4)
    hint = f"did you mean {', '.join(close)}?" if close else f"known ids: {', '.join(known[:6])}"
    return UsageError(Problem("explain", "nothing in this result has the id", id, hint))


def _named(result: RunResult) -> Iterator[tuple[Sequence[str], Block]]:
    """Every paragraph with the ids it answers to."""
    for verdict in ordered_verdicts(result):
        some = f"{verdict.assertion}/{verdict.direction}"
        yield (verdict.id, some, verdict.assertion), _verdict(verdict)
    for found in sorted_findings(result):
        yield (found.id,), _finding(found)
    for row in exception_rows(result):
        yield (row.id,), _dated("exception", row)
    for row in flow_rows(result):
        yield (row.id,), [*_dated("allowed flow", row), f"  works: {row.works}"]
    for row in owned_rows(result):
        yield (row.id,), _dated("assumption", row)
    for seen in result.observations:
        yield (seen.probe.id,), _observation(seen)


def _verdict(verdict: Verdict) -> Block:
    meaning = OUTCOME_MEANING if verdict.kind == "isolation" else FLOW_MEANING
    way = f"{verdict.source} -> {verdict.destination} over IPv{int(verdict.family)}"
    lines = [
        f"{verdict.id}: {GLYPHS[verdict.outcome]} {verdict.outcome.value}, {meaning[verdict.outcome]}",
        f"  {verdict.title}: {way}, {counted(len(verdict.pairs), 'zone pair')}",
    ]
    grade = shown_grade(verdict)
    lines += [f"  {grade.value}: {grade.meaning}"] if grade else []
    lines += [f"  with exception {name}" for name in verdict.exceptions]
    lines += [f"  exception {name} has expired and excuses nothing" for name in verdict.expired]
    return [*lines, *_pairs(verdict), *strength_lines(verdict)]


def _pairs(verdict: Verdict) -> Iterator[str]:
    """The pairs that are not simply proven, the worst first; then what blocks the others."""
    order = list(Outcome)
    worst_first = sorted(verdict.pairs, key=lambda pair: -order.index(pair.outcome))
    telling = [pair for pair in worst_first if pair.outcome is not Outcome.PROVEN]
    told: set[object] = set()
    for pair in telling[:_MOST_PAIRS]:
        lines = _what_to_repair(pair)
        yield from _pair(pair, again=lines in told)
        told.add(lines)
    if len(telling) > _MOST_PAIRS:
        yield f"  {counted(len(telling) - _MOST_PAIRS, 'further pair')} in result.json"
    yield from _barriers(verdict.pairs)


def _what_to_repair(pair: PairVerdict) -> object:
    """What makes two pairs the same to whoever repairs: lines passed by, or what is missing."""
    if pair.witness:
        return tuple(step.span for step in cited_steps(pair.witness.trace))
    return pair.reason, pair.depends_on, pair.assumptions


def _pair(pair: PairVerdict, again: bool) -> Iterator[str]:
    reason = f": {pair.reason}" if pair.reason else ""
    yield f"  {GLYPHS[pair.outcome]} {pair.source_zone} -> {pair.destination_zone}{reason}"
    if again and not pair.witness:
        yield "    as above"
        return
    if pair.witness and again:
        yield f"    {pair.witness.flow}, by the same lines as above"
    elif pair.witness:
        yield from (f"    {line}" for line in trace_lines(pair.witness))
        yield from _closing(pair, cited_steps(pair.witness.trace))
    for text in pair.depends_on[:_MOST_MISSING]:
        yield f"    depends on {text}"
    if len(pair.depends_on) > _MOST_MISSING:
        yield f"    and {len(pair.depends_on) - _MOST_MISSING} more"
    for assumption in pair.assumptions:
        yield f"    assumes {assumption.id}: {assumption.text} (owner: {assumption.owner or 'nobody'})"


def _closing(pair: PairVerdict, cited: Sequence[Step]) -> Iterator[str]:
    if pair.outcome is not Outcome.VIOLATED or not cited:
        return
    yield "    to close it, change one of these lines and run again (another way may remain):"
    yield from (f"      {step.span}  {step.device}: {step.what}" for step in cited)


def _barriers(pairs: Iterable[PairVerdict]) -> Iterator[str]:
    found = sorted({_barrier(barrier) for pair in pairs for barrier in pair.barriers})
    if found:
        yield "  what blocks the ways that were tried:"
    yield from (f"    {line}" for line in found[:_MOST_BARRIERS])
    if len(found) > _MOST_BARRIERS:
        yield f"    and {len(found) - _MOST_BARRIERS} more in result.json"


def _barrier(barrier: Barrier) -> str:
    return f"{barrier.way or barrier.device}: {barrier.text}{_cite(barrier.span)}"


def _cite(span: SourceSpan | None) -> str:
    return f"  {span}" if span else ""


def _finding(found: Finding) -> Block:
    where = [f"  at {span}" for span in found.spans]
    hint = [f"  hint: {found.hint}"] if found.hint else []
    return [f"{found.id} ({found.severity.value}): {found.title}", f"  {found.detail}", *where, *hint]


def _dated(kind: str, row: Dated) -> Block:
    state = "in force" if row.holds else "no longer in force"
    services = f", {row.services}" if row.services else ""
    ticket = f" ({row.ticket})" if row.ticket else ""
    return [
        f"{row.id}: {kind}, {state}, {row.remaining}, expires {row.expires}",
        f"  {row.what}{services}",
        f"  owner {row.owner}: {row.justification}{ticket}",
    ]


def _observation(seen: Observation) -> Block:
    probe = seen.probe
    by = f" by {seen.rejected_by}" if seen.rejected_by else ""
    why = [f"  {seen.why}"] if seen.why else []
    said = "blocked" if probe.expected == "none" else probe.expected
    return [
        f"{probe.id}: {probe.flow}",
        f"  from {probe.source.zone}, {probe.source}",
        f"  to {probe.destination.zone}, {probe.destination}",
        f"  {seen.reply.value}{by}; the model says {said}",
        *why,
    ]
