"""The whole judgement of one snapshot by one policy on one day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from segaudit.errors import CapacityError
from segaudit.judge.conduits import Permitted, all_conduits, exceptions_of, permitted
from segaudit.judge.flows import flow_verdicts
from segaudit.judge.hostile import HostileSides, devices_of_sides
from segaudit.judge.margin import DEFAULT_BUDGET, Margins
from segaudit.judge.pairs import PairJudge
from segaudit.judge.pivot import Pivots
from segaudit.judge.prover import Prover, Reading
from segaudit.model.flow import Family
from segaudit.model.policy import BUILT_IN_ZONES, Exemption, Isolation, IsolationDirection, Policy
from segaudit.model.snapshot import Snapshot
from segaudit.model.verdict import (
    Finding,
    MatrixCell,
    Outcome,
    PairVerdict,
    Severity,
    Verdict,
    worst,
)
from segaudit.packets.space import DEFAULT_NODE_CAPACITY
from segaudit.policy import ZoneMap
from segaudit.policy.locate import missing_devices

CAPACITIES = (DEFAULT_NODE_CAPACITY, DEFAULT_NODE_CAPACITY << 3, DEFAULT_NODE_CAPACITY << 5)
"""BDD nodes tried in turn; the last is about 1 GB."""

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many steps are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Verdicts, matrix and findings, with the engine that made them for further questions."""

    verdicts: tuple[Verdict, ...]
    matrix: tuple[MatrixCell, ...]
    findings: tuple[Finding, ...]
    prover: Prover


def judge(
    policy: Policy, snapshot: Snapshot, zones: ZoneMap, as_of: date, progress: Progress | None = None
) -> Judgement:
    """Judge every assertion of ``policy`` on ``snapshot``.

    Exceptions, flows and assumptions that have expired before ``as_of`` do not count. Runs again
    with more room where the packet sets do not fit; where the last does not fit either, every
    outcome is UNKNOWN.
    """
    for capacity in CAPACITIES:
        try:
            return _judge(policy, snapshot, zones, as_of, capacity, progress)
        except CapacityError as failure:
            reason = str(failure)
    return _without_room(policy, snapshot, zones, as_of, reason)


def _prover(policy: Policy, snapshot: Snapshot, zones: ZoneMap, as_of: date, capacity: int) -> Prover:
    held = tuple(one for one in policy.assumptions if one.expires is None or as_of <= one.expires)
    return Prover(policy, snapshot, zones, held, capacity)


def _judge(
    policy: Policy,
    snapshot: Snapshot,
    zones: ZoneMap,
    as_of: date,
    capacity: int,
    progress: Progress | None,
) -> Judgement:
    prover = _prover(policy, snapshot, zones, as_of, capacity)
    judges = {family: PairJudge(prover, family) for family in Family}
    exceptions = [one for one in policy.exceptions if one.holds(as_of)]
    steps = [
        (isolation, way, family)
        for isolation in policy.isolations
        for way in _ways(isolation)
        for family in isolation.families
    ]
    total = len(steps) + 1
    verdicts = []
    for done, (isolation, way, family) in enumerate(steps):
        if progress:
            progress(f"{isolation.id} {way} {family.label}", done, total)
        verdicts.append(_isolation(policy, isolation, way, judges[family], exceptions, as_of))
    verdicts.extend(flow_verdicts(policy, judges, as_of))
    if progress:
        progress("matrix", total - 1, total)
    matrix = tuple(_matrix(policy, judges, exceptions, as_of))
    verdicts = _strengths(verdicts, matrix, prover, exceptions)
    findings = tuple(_findings(policy, snapshot, as_of))
    return Judgement(tuple(sorted(verdicts, key=lambda v: v.id)), matrix, findings, prover)


def _strengths(
    verdicts: list[Verdict],
    matrix: tuple[MatrixCell, ...],
    prover: Prover,
    exceptions: list[Exemption],
) -> list[Verdict]:
    """Isolations with their pivots and with their outcomes against a hostile side."""
    pivots = Pivots(matrix)
    sides = {family: HostileSides(prover, family) for family in Family}
    found = []
    for verdict in verdicts:
        if verdict.kind != "isolation":
            found.append(verdict)
            continue
        conduits = exceptions_of(exceptions, verdict.assertion)
        pairs = tuple(_strength(pair, pivots, sides[pair.family], conduits) for pair in verdict.pairs)
        owned = devices_of_sides(prover, (pair.source_zone for pair in pairs))
        found.append(replace(verdict, pairs=pairs, hostile_devices=owned))
    return found


def _strength(
    pair: PairVerdict, pivots: Pivots, sides: HostileSides, conduits: list[Exemption]
) -> PairVerdict:
    pivot = pivots.of(pair.source_zone, pair.destination_zone, pair.family)
    hostile, reason = sides.outcome(pair, conduits)
    return replace(pair, pivot=pivot, hostile=hostile, hostile_reason=reason)


def with_margins(
    judgement: Judgement,
    as_of: date,
    wanted: Callable[[Verdict], bool] = lambda _: True,
    budget: int = DEFAULT_BUDGET,
    progress: Progress | None = None,
) -> tuple[Verdict, ...]:
    """The verdicts, those ``wanted`` with the margins of their proven pairs; ``budget`` is per pair."""
    prover = judgement.prover
    exceptions = [one for one in prover.policy.exceptions if one.holds(as_of)]
    margins = {family: Margins(prover, family, budget) for family in Family}
    verdicts = list(judgement.verdicts)
    asked = [
        (at, number)
        for at, verdict in enumerate(verdicts)
        if verdict.kind == "isolation" and wanted(verdict)
        for number in range(len(verdict.pairs))
    ]
    for done, (at, number) in enumerate(asked):
        verdict = verdicts[at]
        pair = verdict.pairs[number]
        if progress:
            progress(f"margin {pair.source_zone} -> {pair.destination_zone}", done, len(asked))
        margin = margins[pair.family].of(pair, exceptions_of(exceptions, verdict.assertion))
        pairs = (*verdict.pairs[:number], replace(pair, margin=margin), *verdict.pairs[number + 1 :])
        verdicts[at] = replace(verdict, pairs=pairs)
    return tuple(verdicts)


def _ways(isolation: Isolation) -> tuple[str, ...]:
    if isolation.direction is IsolationDirection.BOTH:
        return ("forward", "reverse")
    return (isolation.direction.value,)


def _ends(
    isolation: Isolation, way: str
) -> tuple[tuple[tuple[str, ...], str], tuple[tuple[str, ...], str]]:
    """Zones and name of where packets start, and of where they must not arrive."""
    between = (isolation.between, isolation.between_text)
    other = (isolation.and_, isolation.and_text)
    return (between, other) if way == "forward" else (other, between)


def _isolation(
    policy: Policy,
    isolation: Isolation,
    way: str,
    judge_of: PairJudge,
    exceptions: list[Exemption],
    as_of: date,
) -> Verdict:
    (sources, source), (destinations, destination) = _ends(isolation, way)
    conduits = exceptions_of(exceptions, isolation.id)
    pairs = tuple(judge_of.isolated(a, b, conduits) for a in sources for b in destinations if a != b)
    of_this = [one for one in policy.exceptions if one.assertion == isolation.id]
    return Verdict(
        isolation.id,
        "isolation",
        isolation.title,
        way,
        source,
        destination,
        judge_of.family,
        worst([pair.outcome for pair in pairs]),
        isolation.severity,
        pairs,
        tuple(sorted(one.id for one in conduits)),
        tuple(sorted(one.id for one in of_this if not one.holds(as_of))),
    )


def _matrix(
    policy: Policy, judges: dict[Family, PairJudge], exceptions: list[Exemption], as_of: date
) -> Iterator[MatrixCell]:
    located = {location.zone for location in next(iter(judges.values())).prover.zones.locations}
    zones = sorted({*policy.zones, *(zone for zone in BUILT_IN_ZONES if zone in located)})
    flows = [flow for flow in policy.flows if flow.expires is None or as_of <= flow.expires]
    conduits = all_conduits(flows, exceptions)
    for family, judge_of in sorted(judges.items()):
        for source in zones:
            for destination in zones:
                if source != destination:
                    allowed = permitted(judge_of.prover, conduits, source, destination, family)
                    reach = _cell(judge_of, source, destination, allowed)
                    yield MatrixCell(
                        source, destination, family, reach, _asserted(policy, source, destination, family)
                    )


def _cell(judge_of: PairJudge, source: str, destination: str, allowed: Permitted) -> str:
    nothing = permitted(judge_of.prover, (), source, destination, judge_of.family)
    reading = Reading.ASSUMED
    if judge_of.left(source, destination, nothing, reading).is_empty:
        return "none"
    beyond = judge_of.certain(source, destination) - allowed.opened
    if not beyond.is_empty:
        return "open"
    if judge_of.left(source, destination, allowed, reading).is_empty:
        return "allowed"
    return "unknown"


def _asserted(policy: Policy, source: str, destination: str, family: Family) -> bool:
    for isolation in policy.isolations:
        if family not in isolation.families:
            continue
        for way in _ways(isolation):
            (sources, _), (destinations, _) = _ends(isolation, way)
            if source in sources and destination in destinations:
                return True
    return False


def _findings(policy: Policy, snapshot: Snapshot, as_of: date) -> Iterator[Finding]:
    for device, (reason, _) in missing_devices(snapshot).items():
        yield Finding(
            f"COLLECT-{device}",
            Severity.HIGH,
            f"{device} was not collected",
            f"{reason}. Its interfaces count as connected to anything.",
            hint="collect it, or name an owned assumption about the interfaces that face it",
        )
    for exception in policy.exceptions:
        if not exception.holds(as_of):
            yield Finding(
                f"EXPIRED-{exception.id}",
                Severity.HIGH,
                f"exception {exception.id} expired on {exception.expires.isoformat()}",
                f"It no longer excuses anything of {exception.assertion} (owner {exception.owner}).",
                (exception.span,) if exception.span else (),
                "close the hole, or renew the exception with its owner",
            )
    yield from _line_findings(snapshot)


def _line_findings(snapshot: Snapshot) -> Iterator[Finding]:
    for name, device in sorted(snapshot.devices.items()):
        for number, line in enumerate((line for line in device.lines if not line.bounded), start=1):
            yield Finding(
                f"LINE-{name}-{number}",
                Severity.MEDIUM,
                f"line not understood on {name}",
                f"{line.text.strip()}: {line.reason}. The device counts as unmodelled.",
                (line.span,),
                "an assumption `claim: no-effect` with an owner states that the line does not matter",
            )


def _undetermined(isolation: Isolation, way: str, family: Family, reason: str) -> Verdict:
    (sources, source), (destinations, destination) = _ends(isolation, way)
    pairs = tuple(
        PairVerdict(a, b, family, Outcome.UNKNOWN, reason=reason) for a in sources for b in destinations
    )
    return Verdict(
        isolation.id,
        "isolation",
        isolation.title,
        way,
        source,
        destination,
        family,
        Outcome.UNKNOWN,
        isolation.severity,
        pairs,
    )


def _without_room(
    policy: Policy, snapshot: Snapshot, zones: ZoneMap, as_of: date, reason: str
) -> Judgement:
    verdicts = [
        _undetermined(isolation, way, family, reason)
        for isolation in policy.isolations
        for way in _ways(isolation)
        for family in isolation.families
    ]
    prover = _prover(policy, snapshot, zones, as_of, CAPACITIES[0])
    finding = Finding("CAPACITY", Severity.CRITICAL, "the packet sets did not fit", reason)
    return Judgement(tuple(verdicts), (), (finding, *_findings(policy, snapshot, as_of)), prover)
