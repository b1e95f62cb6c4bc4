"""Every way across a boundary and what blocks it, folded from all pairs into one row per way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from segaudit.model.flow import Step, Trace
from segaudit.model.probe import Observation
from segaudit.model.result import RunResult
from segaudit.model.source import SourceSpan
from segaudit.model.verdict import Barrier, Grade, Outcome, PairVerdict, Verdict
from segaudit.report.standing import PairKey, PairStanding, Standing, isolation_verdicts, sides
from segaudit.report.words import counted, family_names, shortened

_ORDER = ("open", "unknown", "blocked")
_UNLISTED = "unlisted"


@dataclass(frozen=True, slots=True)
class Crossing:
    """One way in one direction. ``state`` is ``open``, ``unknown`` or ``blocked``.

    ``text`` says what blocks it, what lets it through, or what is missing, at ``span`` of ``device``.
    """

    reverse: bool
    state: str
    way: str
    device: str
    text: str
    span: SourceSpan | None
    kind: str = ""

    @property
    def object(self) -> tuple[object, ...]:
        """What the crossing is about: two that differ only in words at one object are alike."""
        words = "" if self.state == "unknown" else self.span or self.text
        return self.reverse, self.state, self.way, self.device, self.kind, words


@dataclass(frozen=True, slots=True)
class CountedCrossing:
    """A crossing with what it stands for; ``alike`` counts further ones at the same object."""

    crossing: Crossing
    families: str
    pairs: str
    alike: int


@dataclass(frozen=True, slots=True)
class Boundary:
    """One isolation's two sides and the ways between them, the worst first."""

    assertion: str
    title: str
    near: str
    far: str
    crossings: tuple[CountedCrossing, ...]

    @property
    def state(self) -> str:
        """The worst state among the ways."""
        return self.crossings[0].crossing.state if self.crossings else "unknown"

    def some(self, at_most: int) -> tuple[CountedCrossing, ...]:
        """At most that many, the worst first, with room for both directions so that neither is hidden."""
        forward = [one for one in self.crossings if not one.crossing.reverse]
        reverse = [one for one in self.crossings if one.crossing.reverse]
        share = max(at_most // 2, at_most - len(reverse))
        kept = {*forward[:share], *reverse[: at_most - len(forward[:share])]}
        return tuple(one for one in self.crossings if one in kept)


def boundaries(result: RunResult, pairs: Sequence[PairStanding]) -> tuple[Boundary, ...]:
    """One boundary per isolation, those with an open way first, then those not decided."""
    by_assertion: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in isolation_verdicts(result):
        by_assertion[verdict.assertion].append(verdict)
    standings = {pair.key: pair for pair in pairs}
    boards = [_boundary(result, found, standings) for found in by_assertion.values()]
    return tuple(sorted(boards, key=lambda board: _ORDER.index(board.state)))


def _boundary(
    result: RunResult, verdicts: Sequence[Verdict], standings: dict[PairKey, PairStanding]
) -> Boundary:
    found: dict[Crossing, list[PairKey]] = defaultdict(list)
    for verdict in verdicts:
        for pair in verdict.pairs:
            key = (pair.source_zone, pair.destination_zone, pair.family)
            for crossing in _crossings(pair, standings[key], verdict.direction == "reverse"):
                found[crossing].append(key)
    near, far = sides(result, verdicts[0].assertion)
    return Boundary(verdicts[0].assertion, verdicts[0].title, near, far, tuple(_folded(found)))


def _folded(found: Mapping[Crossing, Sequence[PairKey]]) -> Iterator[CountedCrossing]:
    """One row per object, the worst first, then those that stand for most pairs."""
    groups: dict[tuple[object, ...], list[Crossing]] = defaultdict(list)
    for crossing in sorted(found, key=_rank):
        groups[crossing.object].append(crossing)
    keys = {of: {key for one in group for key in found[one]} for of, group in groups.items()}
    for of, group in sorted(groups.items(), key=lambda item: _weight(item[1][0], len(keys[item[0]]))):
        zones = {key[:2] for key in keys[of]}
        families = family_names({key[2] for key in keys[of]})
        yield CountedCrossing(group[0], families, counted(len(zones), "zone pair"), len(group) - 1)


def _weight(crossing: Crossing, pairs: int) -> tuple[int, bool, int]:
    return _ORDER.index(crossing.state), crossing.kind == _UNLISTED, -pairs


def _rank(crossing: Crossing) -> tuple[int, bool, str, str, str, str]:
    return (
        _ORDER.index(crossing.state),
        crossing.reverse,
        crossing.way,
        crossing.device,
        crossing.text,
        str(crossing.span or ""),
    )


def _crossings(pair: PairVerdict, stands: PairStanding, reverse: bool) -> Iterator[Crossing]:
    ways = dict.fromkeys(_blocked(barrier, reverse) for barrier in pair.barriers)
    if stands.standing is Standing.OPEN:
        yield from _open(pair, stands, reverse)
    elif not stands.standing.holds:
        yield _undecided(pair, stands, reverse)
    elif not ways:
        yield _unlisted(pair, reverse)
    yield from ways


def _blocked(barrier: Barrier, reverse: bool) -> Crossing:
    way = barrier.way or barrier.device
    return Crossing(reverse, "blocked", way, barrier.device, barrier.text, barrier.span, barrier.kind)


def _unlisted(pair: PairVerdict, reverse: bool) -> Crossing:
    text = pair.grade.meaning if pair.grade else "what blocks it was not listed"
    way = "no adjacency" if pair.grade is Grade.G5 else "all ways"
    return Crossing(reverse, "blocked", way, "", text, None, _UNLISTED)


def _open(pair: PairVerdict, stands: PairStanding, reverse: bool) -> Iterator[Crossing]:
    if pair.outcome is Outcome.VIOLATED and pair.witness:
        trace = pair.witness.trace
        deciding = deciding_step(trace)
        text = deciding.what if deciding else f"{pair.witness.flow} arrives"
        yield Crossing(
            reverse, "open", way_of(trace), deciding.device if deciding else "", text, _span(deciding)
        )
    elif pair.outcome is Outcome.VIOLATED:
        yield Crossing(reverse, "open", "way not listed", "", pair.reason or "violated", None)
    else:
        yield from (_measured(seen, stands.note, reverse) for seen in stands.breaches[:1])


def _measured(seen: Observation, note: str, reverse: bool) -> Crossing:
    probe = seen.probe
    way = f"{probe.source.device} → … → {probe.destination.device}"
    return Crossing(reverse, "open", way, probe.destination.device, note, None)


def _undecided(pair: PairVerdict, stands: PairStanding, reverse: bool) -> Crossing:
    reason = stands.note or pair.reason or "not decided"
    text = shortened(pair.depends_on, 1) or "what is missing was not named"
    return Crossing(reverse, "unknown", reason, "", text, None)


def way_of(trace: Trace) -> str:
    """The devices of a trace in order, each once where it is met in a row."""
    devices = [step.device for step in trace.steps]
    kept = [device for at, device in enumerate(devices) if at == 0 or device != devices[at - 1]]
    return " → ".join(kept)


def cited_steps(trace: Trace) -> tuple[Step, ...]:
    """The steps of a trace that rest on a line, each line once, in order."""
    by_span = {step.span: step for step in reversed(trace.steps) if step.span}
    return tuple(step for step in trace.steps if step.span and by_span[step.span] is step)


def deciding_step(trace: Trace) -> Step | None:
    """The step to draw as what lets a packet through: the last rule that passed it, else the last line.

    For the drawing only: nothing is concluded from it.
    """
    cited = cited_steps(trace)
    passing = [step for step in cited if step.action == "filtered"]
    return next(reversed(passing or cited), None)


def _span(step: Step | None) -> SourceSpan | None:
    return step.span if step else None
