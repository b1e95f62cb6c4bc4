"""The facts beside the headline: what was looked at, when, how, on whose word, and how far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from segaudit.model.result import RunResult
from segaudit.model.source import LineTally
from segaudit.report.matrix import Mark, standing_mark
from segaudit.report.standing import PairStanding, Standing, isolation_verdicts, sides
from segaudit.report.words import counted, family_names, shortened

_PER_TURN = 100.0
"""The donut's circumference in user units: its circle has pathLength 100."""

Fact = tuple[str, tuple[str, ...]]
"""A heading and its lines."""


def facts(result: RunResult, pairs: Sequence[PairStanding]) -> tuple[Fact, ...]:
    """Scope, As of, Method, Who and Confidence, in this order."""
    return (
        ("Scope", tuple(_scope(result, pairs))),
        ("As of", tuple(_as_of(result))),
        ("Method", tuple(_method(result))),
        ("Who", tuple(_who(result))),
        ("Confidence", tuple(_confidence(result, pairs))),
    )


def _scope(result: RunResult, pairs: Sequence[PairStanding]) -> Iterator[str]:
    assertions = dict.fromkeys(verdict.assertion for verdict in isolation_verdicts(result))
    for assertion in list(assertions)[:3]:
        verdicts = [v for v in isolation_verdicts(result) if v.assertion == assertion]
        near, far = sides(result, assertion)
        both = len({v.direction for v in verdicts}) > 1
        joined = "and" if both else "to"
        ways = "both directions" if both else "one direction"
        families = family_names({v.family for v in verdicts})
        yield f"{assertion}: {near} {joined} {far}, {ways}, {families}"
    if len(assertions) > 3:
        yield f"and {counted(len(assertions) - 3, 'more isolation')}"
    zones = counted(len(result.policy.zones), "zone")
    yield f"{counted(len(pairs), 'pair')} (zone to zone, per family) of {zones}"
    yield f"{len(result.snapshot.devices)} of {counted(len(known_devices(result)), 'device')} read"


def known_devices(result: RunResult) -> list[str]:
    """Every device that was read, failed, or is named by the topology; sorted."""
    snapshot = result.snapshot
    failed = {failure.device for failure in snapshot.failures}
    return sorted(set(snapshot.devices) | failed | set(snapshot.declared_nodes))


def not_read(result: RunResult) -> list[str]:
    """The known devices that gave nothing to analyse; sorted."""
    return [name for name in known_devices(result) if name not in result.snapshot.devices]


def _as_of(result: RunResult) -> Iterator[str]:
    taken = result.snapshot.taken_at
    yield (
        f"{result.as_of}, state taken {taken}"
        if taken
        else f"{result.as_of}, time of collection not recorded"
    )
    if result.started_at:
        yield f"run started {result.started_at}"


def _method(result: RunResult) -> Iterator[str]:
    tally = total_lines(result)
    yield (
        f"proof over all packets on a model of {counted(len(result.snapshot.devices), 'device')}, "
        f"{counted(tally.total, 'line')} of configuration and state"
    )
    if not result.probed:
        yield "no probe was sent: nothing here was measured on the network"
        return
    vantages = {seen.probe.source for seen in result.observations}
    yield f"{counted(len(result.observations), 'active probe')} from {counted(len(vantages), 'vantage')}"


def total_lines(result: RunResult) -> LineTally:
    """The line accounting of all devices together."""
    tallies = [tally for device in result.snapshot.devices.values() for tally in device.tallies]
    return LineTally(
        "",
        sum(tally.fact for tally in tallies),
        sum(tally.ignored for tally in tallies),
        sum(tally.unsupported for tally in tallies),
        sum(tally.unrecognized for tally in tallies),
    )


def _who(result: RunResult) -> Iterator[str]:
    tool = f"segaudit {result.tool_version}"
    digest = f", sha256 {result.policy.sha256[:12]}…" if result.policy.sha256 else ""
    yield f"{tool}, policy {result.policy.name} ({result.policy.path}{digest})"
    if result.probed:
        yield f"probing authorised by {result.authorised_by or 'nobody recorded'}"


def _confidence(result: RunResult, pairs: Sequence[PairStanding]) -> Iterator[str]:
    probed = sum(pair.standing is Standing.PROVEN_AND_PROBED for pair in pairs)
    yield f"proven and probed with all controls: {probed} of {counted(len(pairs), 'pair')}"
    undecided = sum(pair.standing in (Standing.UNKNOWN, Standing.VACUOUS) for pair in pairs)
    if undecided:
        yield f"not decided: {counted(undecided, 'pair')}"
    missing = not_read(result)
    yield f"not collected: {shortened(missing)}" if missing else "every known device was collected"
    tally = total_lines(result)
    if tally.unsupported + tally.unrecognized:
        yield f"{counted(tally.unsupported + tally.unrecognized, 'line')} not modelled"


@dataclass(frozen=True, slots=True)
class Segment:
    """One arc of the donut: ``length`` and ``start`` in hundredths of a turn."""

    mark: Mark
    words: str
    count: int
    length: float
    start: float


_SEGMENTS = (
    ((Standing.PROVEN_AND_PROBED,), "proven, and probes agree"),
    ((Standing.PROVEN,), "proven only"),
    ((Standing.PROVEN_IF, Standing.PROVEN_IF_AND_PROBED), "proven under assumptions"),
    ((Standing.UNKNOWN, Standing.VACUOUS), "not determined"),
    ((Standing.OPEN,), "open"),
)


def donut(pairs: Sequence[PairStanding]) -> tuple[Segment, ...]:
    """The pairs by what is known of them; the arcs add up to one turn, empty ones are left out."""
    counts = Counter(pair.standing for pair in pairs)
    segments: list[Segment] = []
    before = 0
    for standings, words in _SEGMENTS:
        count = sum(counts[standing] for standing in standings)
        if count:
            length, start = _PER_TURN * count / len(pairs), _PER_TURN * before / len(pairs)
            mark = standing_mark(standings[0])
            segments.append(Segment(mark, words, count, round(length, 3), round(start, 3)))
        before += count
    return tuple(segments)
