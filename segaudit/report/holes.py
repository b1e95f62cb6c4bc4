"""The open pairs folded by what lets them through, the undecided ones by what is missing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from segaudit.model.flow import Family, Step
from segaudit.model.source import SourceSpan
from segaudit.model.verdict import Outcome, Witness
from segaudit.report.crossings import cited_steps, way_of
from segaudit.report.excerpts import Citer, Excerpt
from segaudit.report.standing import PairStanding, Standing
from segaudit.report.words import family_names


@dataclass(frozen=True, slots=True)
class Hop:
    """A step of a trace with the lines that made it happen."""

    number: int
    step: Step
    excerpt: Excerpt | None


@dataclass(frozen=True, slots=True)
class CitedLine:
    """A line that open ways rest on, and how many open pairs have it on their way."""

    span: SourceSpan
    what: str
    device: str
    pairs: int


@dataclass(frozen=True, slots=True)
class Hole:
    """All open pairs whose witnesses pass by the same lines; the first one is shown in full."""

    anchor: str
    pairs: tuple[PairStanding, ...]
    witness: Witness
    way: str
    hops: tuple[Hop, ...]
    lines: tuple[CitedLine, ...]


def holes(pairs: Sequence[PairStanding], cite: Citer) -> tuple[Hole, ...]:
    """The open pairs that have a witness, folded by the lines their witnesses rest on."""
    grouped: dict[tuple[object, ...], list[PairStanding]] = defaultdict(list)
    for pair in pairs:
        witness = _shown_witness(pair)
        if witness:
            trace = witness.trace
            spans = (step.span for step in cited_steps(trace))
            grouped[(*spans, way_of(trace))].append(pair)
    shared = _line_counts(pairs)
    return tuple(
        _hole(f"open-{number}", group, shared, cite) for number, group in enumerate(grouped.values(), 1)
    )


def _hole(anchor: str, group: Sequence[PairStanding], shared: Counter[SourceSpan], cite: Citer) -> Hole:
    witness = group[0].verdict.witness
    assert witness is not None
    steps = witness.trace.steps
    hops = tuple(Hop(number, step, cite(step.span)) for number, step in enumerate(steps, 1))
    lines = tuple(_cited_lines(witness, shared))
    return Hole(anchor, tuple(group), witness, way_of(witness.trace), hops, lines)


def _line_counts(pairs: Sequence[PairStanding]) -> Counter[SourceSpan]:
    witnesses = (_shown_witness(pair) for pair in pairs)
    return Counter(
        step.span for witness in witnesses if witness for step in cited_steps(witness.trace) if step.span
    )


def _shown_witness(pair: PairStanding) -> Witness | None:
    """The packet that shows a pair open; what may only perhaps arrive shows nothing."""
    return pair.verdict.witness if pair.verdict.outcome is Outcome.VIOLATED else None


def _cited_lines(witness: Witness, shared: Counter[SourceSpan]) -> Iterator[CitedLine]:
    for step in cited_steps(witness.trace):
        if step.span:
            yield CitedLine(step.span, step.what, step.device, shared[step.span])


def open_without_witness(pairs: Sequence[PairStanding]) -> tuple[PairStanding, ...]:
    """The open pairs that no witness shows: opened by a probe, or by a verdict without a trace."""
    return tuple(p for p in pairs if p.standing is Standing.OPEN and not _shown_witness(p))


@dataclass(frozen=True, slots=True)
class Gap:
    """What is missing for all pairs that are undecided for the same reason."""

    reason: str
    missing: tuple[str, ...]
    pairs: tuple[PairStanding, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The pairs, both families of one pair together."""
        return pair_names(self.pairs)


def gaps(pairs: Sequence[PairStanding]) -> tuple[Gap, ...]:
    """The undecided pairs, folded by reason and by what their proof depends on."""
    grouped: dict[tuple[str, tuple[str, ...]], list[PairStanding]] = defaultdict(list)
    for pair in pairs:
        if pair.standing in (Standing.UNKNOWN, Standing.VACUOUS):
            reason = pair.note or pair.verdict.reason or _plain(pair.standing)
            grouped[reason, pair.verdict.depends_on].append(pair)
    ordered = sorted(grouped.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(Gap(reason, missing, tuple(group)) for (reason, missing), group in ordered)


def _plain(standing: Standing) -> str:
    empty = standing is Standing.VACUOUS
    return "a zone has no members, so nothing was shown" if empty else "not decided"


def pair_names(pairs: Sequence[PairStanding]) -> tuple[str, ...]:
    """``a → b (IPv4 and IPv6)``, one per zone pair."""
    families: dict[tuple[str, str], set[Family]] = defaultdict(set)
    for pair in pairs:
        families[pair.source, pair.destination].add(pair.family)
    return tuple(f"{a} → {b} ({family_names(found)})" for (a, b), found in families.items())
