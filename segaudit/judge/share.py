"""A share of a judgement: everything about the packets that some zones send, in one family.

Shares need nothing of each other, so they may be judged in any order and in any process. What needs
all of them (pivots over the matrix, the worst of an assertion's pairs) is put together afterwards.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date

from segaudit.errors import CapacityError, FilterCapacityError
from segaudit.judge.conduits import Permitted, all_conduits, exceptions_of, permitted
from segaudit.judge.flows import flow_verdicts
from segaudit.judge.hostile import HostileSides
from segaudit.judge.pairs import PairJudge
from segaudit.judge.prover import Prover, Reading
from segaudit.model.flow import Family
from segaudit.model.policy import BUILT_IN_ZONES, Exemption, Isolation, IsolationDirection, Policy
from segaudit.model.snapshot import Snapshot
from segaudit.model.verdict import MatrixCell, PairVerdict, Verdict
from segaudit.policy import ZoneMap
from segaudit.reach.filter_store import Kept

_RARELY = (100_000, 50, 10)
"""Of how many new objects and collections Python's garbage collector takes notice (gc.set_threshold)."""

Tell = Callable[[str], None]
"""Told what is done next."""

PairKey = tuple[str, str, Family, str, str]
"""Isolation, direction, family, source zone, destination zone."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is judged, and as of which day: exceptions, flows and assumptions may have expired."""

    policy: Policy
    snapshot: Snapshot
    zones: ZoneMap
    as_of: date

    def prover(
        self, node_capacity: int, groups: tuple[tuple[str, ...], ...] = (), kept: Kept | None = None
    ) -> Prover:
        """An engine for it; the arguments are the engine's."""
        assumptions = self.policy.assumptions
        held = tuple(one for one in assumptions if one.expires is None or self.as_of <= one.expires)
        return Prover(self.policy, self.snapshot, self.zones, held, node_capacity, groups, kept)

    @property
    def exceptions(self) -> list[Exemption]:
        """The exceptions that hold."""
        return [one for one in self.policy.exceptions if one.holds(self.as_of)]


@dataclass(frozen=True, slots=True)
class Share:
    """What one task judges: packets of ``family`` that start in ``sources``."""

    family: Family
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What a share comes to."""

    pairs: Mapping[PairKey, PairVerdict] = field(default_factory=dict)
    flows: tuple[Verdict, ...] = ()
    cells: tuple[MatrixCell, ...] = ()


def source_zones(policy: Policy, zones: ZoneMap) -> tuple[str, ...]:
    """Every zone whose packets are judged; those of one side stand together."""
    named = {zone for isolation in policy.isolations for zone in (*isolation.between, *isolation.and_)}
    named |= {flow.source for flow in policy.flows} | set(matrix_zones(policy, zones))
    return tuple(sorted(named, key=lambda zone: (policy.side_of(zone) or "", zone)))


def matrix_zones(policy: Policy, zones: ZoneMap) -> tuple[str, ...]:
    """The rows and columns of the matrix."""
    located = {location.zone for location in zones.locations}
    return tuple(sorted({*policy.zones, *(zone for zone in BUILT_IN_ZONES if zone in located)}))


def ways(isolation: Isolation) -> tuple[str, ...]:
    """The directions that an isolation is about."""
    if isolation.direction is IsolationDirection.BOTH:
        return ("forward", "reverse")
    return (isolation.direction.value,)


def ends(isolation: Isolation, way: str) -> tuple[tuple[tuple[str, ...], str], tuple[tuple[str, ...], str]]:
    """Zones and name of where packets start, and of where they must not arrive."""
    between = (isolation.between, isolation.between_text)
    other = (isolation.and_, isolation.and_text)
    return (between, other) if way == "forward" else (other, between)


def zone_pairs(isolation: Isolation, way: str) -> Iterator[tuple[str, str]]:
    """Every source and destination zone of an isolation, in order."""
    (sources, _), (destinations, _) = ends(isolation, way)
    return ((a, b) for a in sources for b in destinations if a != b)


def judge_share(case: Case, prover: Prover, share: Share, tell: Tell = lambda _: None) -> Part:
    """Judge a share of ``case`` with an engine for it.

    Raises:
        FilterCapacityError: something does not fit, and this filter is the largest part of it.
        CapacityError: something does not fit, and no filter is large.
    """
    try:
        with _rare_collections():
            return _judged(case, prover, share, tell)
    except FilterCapacityError:
        raise
    except CapacityError as failure:
        largest = prover.largest_filter(share.family)
        if largest is None:
            raise
        raise FilterCapacityError(*largest) from failure


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for garbage in cycles rarely: an engine makes millions of objects and hardly a cycle."""
    before = gc.get_threshold()
    gc.set_threshold(*_RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _judged(case: Case, prover: Prover, share: Share, tell: Tell) -> Part:
    judge_of = PairJudge(prover, share.family)
    pairs = dict(_pairs(case, judge_of, share, tell))
    own = tuple(flow for flow in case.policy.flows if flow.source in share.sources)
    flows = flow_verdicts(replace(case.policy, flows=own), {share.family: judge_of}, case.as_of)
    tell(f"matrix {share.family.label}")
    return Part(pairs, tuple(flows), tuple(_cells(case, judge_of, share)))


def steps(policy: Policy, share: Share) -> int:
    """How often ``judge_share`` tells what it does."""
    return 1 + sum(len(ways(one)) for one in policy.isolations if share.family in one.families)


def _pairs(
    case: Case, judge_of: PairJudge, share: Share, tell: Tell
) -> Iterator[tuple[PairKey, PairVerdict]]:
    family = share.family
    sides = HostileSides(judge_of.prover, family)
    for isolation in case.policy.isolations:
        conduits = exceptions_of(case.exceptions, isolation.id)
        for way in ways(isolation) if family in isolation.families else ():
            tell(f"{isolation.id} {way} {family.label}")
            for a, b in zone_pairs(isolation, way):
                if a in share.sources:
                    pair = judge_of.isolated(a, b, conduits)
                    hostile, reason = sides.outcome(pair, conduits)
                    told = replace(pair, hostile=hostile, hostile_reason=reason)
                    yield (isolation.id, way, family, a, b), told


def _cells(case: Case, judge_of: PairJudge, share: Share) -> Iterator[MatrixCell]:
    family = share.family
    flows = [flow for flow in case.policy.flows if flow.expires is None or case.as_of <= flow.expires]
    conduits = all_conduits(flows, case.exceptions)
    zones = matrix_zones(case.policy, case.zones)
    asserted = _asserted(case.policy, family)
    for source in (zone for zone in zones if zone in share.sources):
        for destination in zones:
            if source != destination:
                allowed = permitted(judge_of.prover, conduits, source, destination, family)
                reach = _reach(judge_of, source, destination, allowed)
                yield MatrixCell(source, destination, family, reach, (source, destination) in asserted)


def _reach(judge_of: PairJudge, source: str, destination: str, allowed: Permitted) -> str:
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


def _asserted(policy: Policy, family: Family) -> set[tuple[str, str]]:
    """The zone pairs that some isolation is about."""
    return {
        pair
        for isolation in policy.isolations
        if family in isolation.families
        for way in ways(isolation)
        for pair in zone_pairs(isolation, way)
    }
