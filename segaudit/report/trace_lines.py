"""A witness as lines of text."""

from __future__ import annotations

from segaudit.model.flow import Step
from segaudit.model.source import SourceSpan
from segaudit.model.verdict import Outcome, Witness
from segaudit.report.redact import redact
from segaudit.report.visible import visible_line

GLYPHS = {
    Outcome.PROVEN: "✓",
    Outcome.PROVEN_IF: "(✓)",
    Outcome.VACUOUS: "∅",
    Outcome.UNKNOWN: "?",
    Outcome.VIOLATED: "✗",
}
"""An outcome in one sign, readable without colour."""


def trace_lines(witness: Witness) -> list[str]:
    """The witness hop by hop, each line ending in the ``file:line`` that made it happen."""
    trace = witness.trace
    forged = "" if witness.source_is_own else " (forged source)"
    head = f"{witness.flow}{forged} from {witness.origin}: {trace.disposition.value}"
    steps = [f"  {number:>2}. {_step(step)}" for number, step in enumerate(trace.steps, 1)]
    return [visible_line(line) for line in (head, *steps)]


def _step(step: Step) -> str:
    place = f"{step.device}[{step.interface}]" if step.interface else step.device
    doubt = "" if step.certain else " (not certain)"
    return f"{place}: {redact(step.what)}{doubt}{_cite(step.span)}"


def _cite(span: SourceSpan | None) -> str:
    return f"  {span}" if span else ""
