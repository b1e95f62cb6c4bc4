"""The one sentence on top, which may never say more than the result does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from segaudit.model.probe import Reply
from segaudit.model.result import RunResult
from segaudit.model.verdict import Outcome, Verdict
from segaudit.report.standing import (
    PairStanding,
    Standing,
    exceptions_in_force,
    flow_verdicts,
    is_breach,
    isolation_verdicts,
    sides,
    unanswered,
)
from segaudit.report.words import counted, family_names, shortened

_PROBED = (Standing.PROVEN_AND_PROBED, Standing.PROVEN_IF_AND_PROBED)
_CONDITIONAL = (Standing.PROVEN_IF, Standing.PROVEN_IF_AND_PROBED)


class Tone(Enum):
    """How the headline is drawn: each has its own colour, glyph and border."""

    GOOD = "good"
    CONDITIONAL = "conditional"
    UNKNOWN = "unknown"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Headline:
    """``label`` in capitals, one ``sentence``, and remarks that a reader must not miss."""

    tone: Tone
    label: str
    sentence: str
    remarks: tuple[str, ...] = ()


def headline(result: RunResult, pairs: Sequence[PairStanding]) -> Headline:
    """The answer to the whole policy: isolated only where every asserted pair and verdict says so."""
    outcomes = {verdict.outcome for verdict in isolation_verdicts(result)}
    remarks = tuple(_remarks(result))
    arrived = any(is_breach(result, seen) for seen in result.observations)
    if arrived or Outcome.VIOLATED in outcomes or any(pair.standing is Standing.OPEN for pair in pairs):
        return Headline(Tone.BAD, "NOT ISOLATED", _open_sentence(result, pairs), remarks)
    undecided = any(not pair.standing.holds for pair in pairs)
    if not pairs or undecided or unanswered(result) or outcomes & {Outcome.UNKNOWN, Outcome.VACUOUS}:
        return Headline(Tone.UNKNOWN, "NOT DEMONSTRATED", _undecided_sentence(result, pairs), remarks)
    conditional = Outcome.PROVEN_IF in outcomes or any(pair.standing in _CONDITIONAL for pair in pairs)
    tone = Tone.CONDITIONAL if conditional else Tone.GOOD
    return Headline(tone, _isolated_label(result, conditional), _isolated_sentence(result, pairs), remarks)


def _isolated_label(result: RunResult, conditional: bool) -> str:
    exceptions = exceptions_in_force(result)
    label = f"ISOLATED WITH {counted(len(exceptions), 'EXCEPTION')}" if exceptions else "ISOLATED"
    return f"{label} IF {_assumptions(result)}" if conditional else label


def _assumptions(result: RunResult) -> str:
    named = {
        assumption.id
        for verdict in isolation_verdicts(result)
        for pair in verdict.pairs
        for assumption in pair.assumptions
    }
    if not named:
        return "ITS ASSUMPTIONS HOLD"
    return f"{counted(len(named), 'ASSUMPTION')} {'HOLDS' if len(named) == 1 else 'HOLD'}"


def _isolated_sentence(result: RunResult, pairs: Sequence[PairStanding]) -> str:
    probed = sum(pair.standing in _PROBED for pair in pairs)
    also = {0: "none of them probed", len(pairs): "all of them also probed"}.get(
        probed, f"{probed} also probed"
    )
    but = " except what is written as an exception" if exceptions_in_force(result) else ""
    assumed = sum(pair.standing in _CONDITIONAL for pair in pairs)
    under = f", {assumed} of them under assumptions" if assumed else ""
    proven = f"{counted(len(pairs), 'pair')} proven{under}, {also}"
    return f"Nothing crosses {_between(result)}{but}: {proven}."


def _between(result: RunResult) -> str:
    by_assertion: dict[str, list[Verdict]] = {}
    for verdict in isolation_verdicts(result):
        by_assertion.setdefault(verdict.assertion, []).append(verdict)
    return "; ".join(_assertion_ways(result, name, found) for name, found in by_assertion.items())


def _assertion_ways(result: RunResult, assertion: str, verdicts: Sequence[Verdict]) -> str:
    near, far = sides(result, assertion)
    families = family_names({verdict.family for verdict in verdicts})
    directions = {verdict.direction for verdict in verdicts}
    if len(directions) > 1:
        return f"between {near} and {far} in either direction ({families})"
    start, end = (far, near) if "reverse" in directions else (near, far)
    return f"from {start} to {end} ({families})"


def _open_sentence(result: RunResult, pairs: Sequence[PairStanding]) -> str:
    opened = [pair for pair in pairs if pair.standing is Standing.OPEN]
    if not opened:
        violated = [v.id for v in isolation_verdicts(result) if v.outcome is Outcome.VIOLATED]
        return f"Violated: {shortened(violated)}." if violated else "A probe of an isolation arrived."
    first = opened[0]
    verb = "is" if len(opened) == 1 else "are"
    example = "" if len(opened) == 1 else "for example "
    return (
        f"{len(opened)} of {counted(len(pairs), 'pair')} {verb} open: {example}"
        f"{first.source} → {first.destination}, {_how(first)}."
    )


def _how(pair: PairStanding) -> str:
    measured = f", and {pair.note}" if pair.breaches else ""
    if pair.verdict.witness:
        return f"by {pair.verdict.witness.flow}{measured}"
    return f"over {family_names({pair.family})}{measured}"


def _undecided_sentence(result: RunResult, pairs: Sequence[PairStanding]) -> str:
    if not pairs:
        return "No zone pair was decided, so nothing was shown."
    undecided = sum(not pair.standing.holds for pair in pairs)
    if undecided:
        verb = "is" if undecided == 1 else "are"
        return (
            f"No open way was found, but {undecided} of {counted(len(pairs), 'pair')} "
            f"{verb} not decided. That is not a proof."
        )
    missing = unanswered(result) or [
        v.id for v in isolation_verdicts(result) if v.outcome in (Outcome.UNKNOWN, Outcome.VACUOUS)
    ]
    return f"Asserted by the policy and not answered: {shortened(missing)}."


def _assumed(result: RunResult) -> Iterator[str]:
    owners = {
        assumption.id: assumption.owner or "nobody"
        for verdict in isolation_verdicts(result)
        for pair in verdict.pairs
        for assumption in pair.assumptions
    }
    if owners:
        named = [f"{name} (answered for by {owner})" for name, owner in sorted(owners.items())]
        yield f"Assumed: {shortened(named)}."


def _remarks(result: RunResult) -> Iterator[str]:
    yield from _assumed(result)
    surprises = sum(seen.agrees is False and seen.reply is Reply.DELIVERED for seen in result.observations)
    if surprises:
        yield (
            f"{counted(surprises, 'probe')} got through where the model says blocked: "
            "the model is wrong, or the network differs from what was collected."
        )
    expired = sorted({name for verdict in result.verdicts for name in verdict.expired})
    if expired:
        yield f"Expired by {result.as_of}: {shortened(expired)}."
    broken = [verdict.id for verdict in flow_verdicts(result) if verdict.outcome is not Outcome.PROVEN]
    if broken:
        yield f"Allowed flows not shown to work: {shortened(broken)}."
    failed = sorted(failure.device for failure in result.snapshot.failures)
    if failed:
        yield f"Not collected: {shortened(failed)}."
