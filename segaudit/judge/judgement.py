"""The whole judgement of one snapshot by one policy on one day."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import date

from segaudit.errors import CapacityError, FilterCapacityError
from segaudit.executors import Workers
from segaudit.judge.conduits import exceptions_of
from segaudit.judge.hostile import devices_of_sides
from segaudit.judge.margin import DEFAULT_BUDGET, Margins
from segaudit.judge.pivot import Pivots
from segaudit.judge.prover import Prover
from segaudit.judge.shards import judge_with
from segaudit.judge.share import (
    Case,
    Part,
    Share,
    Tell,
    ends,
    judge_share,
    source_zones,
    steps,
    ways,
    zone_pairs,
)
from segaudit.judge.unfit import told_of_unfit, unfit_findings, without_filter
from segaudit.model.flow import Family
from segaudit.model.policy import Isolation, Policy
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
from segaudit.reach.filter_store import Kept

CAPACITIES = (DEFAULT_NODE_CAPACITY, DEFAULT_NODE_CAPACITY << 2, DEFAULT_NODE_CAPACITY << 4)
"""BDD nodes tried in turn; full, one family's are 0.2, 0.7 and 2.4 GB."""

LARGE_NETWORK = 10_000
"""Rules and routes from which on the first of the capacities is not tried."""

MOST_UNFIT = 4
"""Filters set aside because they do not fit, before everything is UNKNOWN."""

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
    policy: Policy,
    snapshot: Snapshot,
    zones: ZoneMap,
    as_of: date,
    progress: Progress | None = None,
    workers: Workers | None = None,
    kept: Kept | None = None,
    capacities: Sequence[int] = (),
) -> Judgement:
    """Judge every assertion of ``policy`` on ``snapshot``.

    Exceptions, flows and assumptions that have expired before ``as_of`` do not count. Runs again
    with more room where the packet sets do not fit. A filter that does not fit into the most room
    then counts as not modelled: it may let anything through. Where that does not help, every
    outcome is UNKNOWN.

    Args:
        policy: what must hold.
        snapshot: of what.
        zones: where the policy's zones are.
        as_of: the day.
        progress: told what is being done.
        workers: who does it (default: this process). The result is the same, unless there is too
            little room: who follows fewer zones together needs less.
        kept: where compiled filters are found and kept.
        capacities: BDD nodes tried in turn (default: what fits the network's size).
    """
    case = Case(policy, snapshot, zones, as_of)
    capacities = capacities or _capacities(snapshot)
    run = _Run(progress or (lambda _what, _done, _total: None), workers, kept, capacities)
    unfit: list[FilterCapacityError] = []
    while True:
        found = run.judged(case, unfit)
        if isinstance(found, Judgement):
            return found
        if not isinstance(found, FilterCapacityError) or len(unfit) == MOST_UNFIT:
            return _without_room(case, str(found), capacities[0])
        unfit.append(found)
        case = replace(case, snapshot=without_filter(case.snapshot, found))


def _capacities(snapshot: Snapshot) -> Sequence[int]:
    size = sum(
        len(device.routes) + sum(len(acl.aces) for acl in device.acls.values())
        for device in snapshot.devices.values()
    )
    return CAPACITIES if size < LARGE_NETWORK else CAPACITIES[1:]


@dataclass(frozen=True, slots=True)
class _Run:
    """How a case is judged; see ``judge``."""

    tell: Progress
    workers: Workers | None
    kept: Kept | None
    capacities: Sequence[int]

    def judged(self, case: Case, unfit: list[FilterCapacityError]) -> Judgement | CapacityError:
        """The judgement with the first of the capacities that is enough, or why the last is not."""
        found = self._attempt(case, unfit, self.capacities[0])
        for capacity in self.capacities[1:]:
            if isinstance(found, Judgement):
                break
            found = self._attempt(case, unfit, capacity)
        return found

    def _attempt(
        self, case: Case, unfit: list[FilterCapacityError], capacity: int
    ) -> Judgement | CapacityError:
        """What does not fit is gone from memory afterwards, so that there is room for the next attempt.

        The error is a copy of what was raised: that holds its frames, and they the packet sets.
        """
        try:
            return self._with(case, unfit, capacity)
        except CapacityError as failure:
            told = copy(failure)
        gc.collect()
        return told

    def _with(self, case: Case, unfit: list[FilterCapacityError], capacity: int) -> Judgement:
        prover = case.prover(capacity, kept=self.kept)
        if self.workers is None:
            parts = self._here(case, prover)
        else:
            parts = judge_with(self.workers, case, capacity, self.kept, self.tell)
        return _put_together(case, prover, parts, unfit)

    def _here(self, case: Case, prover: Prover) -> list[Part]:
        """Every part of the judgement, computed in this process."""
        zones = source_zones(case.policy, case.zones)
        shares = [Share(family, zones) for family in Family]
        told = self._counting(sum(steps(case.policy, share) for share in shares))
        return [judge_share(case, prover, share, told) for share in shares]

    def _counting(self, total: int) -> Tell:
        done = iter(range(total))
        return lambda what: self.tell(what, next(done), total)


def _put_together(
    case: Case, prover: Prover, parts: Iterable[Part], unfit: list[FilterCapacityError]
) -> Judgement:
    """The parts as one; pivots are over the whole matrix."""
    parts = list(parts)
    matrix = tuple(sorted((cell for part in parts for cell in part.cells), key=_place_in_matrix))
    pairs = {key: pair for part in parts for key, pair in part.pairs.items()}
    pivots = Pivots(matrix)

    def pair(isolation: Isolation, way: str, family: Family, a: str, b: str) -> PairVerdict:
        found = pairs[isolation.id, way, family, a, b]
        return told_of_unfit(replace(found, pivot=pivots.of(a, b, family)), unfit)

    verdicts = [
        _isolation(
            case, prover, isolation, way, family,
            tuple(pair(isolation, way, family, a, b) for a, b in zone_pairs(isolation, way)),
        )
        for isolation in case.policy.isolations
        for way in ways(isolation)
        for family in isolation.families
    ]  # fmt: skip
    verdicts += [verdict for part in parts for verdict in part.flows]
    findings = (*unfit_findings(unfit), *_findings(case))
    return Judgement(tuple(sorted(verdicts, key=lambda v: v.id)), matrix, findings, prover)


def _place_in_matrix(cell: MatrixCell) -> tuple[Family, str, str]:
    return cell.family, cell.source_zone, cell.destination_zone


def _isolation(
    case: Case,
    prover: Prover,
    isolation: Isolation,
    way: str,
    family: Family,
    pairs: tuple[PairVerdict, ...],
) -> Verdict:
    """The verdict of one isolation, one way, in one family."""
    (_, source), (_, destination) = ends(isolation, way)
    expired = [one for one in case.policy.exceptions if one.assertion == isolation.id]
    return Verdict(
        isolation.id,
        "isolation",
        isolation.title,
        way,
        source,
        destination,
        family,
        worst([pair.outcome for pair in pairs]),
        isolation.severity,
        pairs,
        tuple(one.id for one in exceptions_of(case.exceptions, isolation.id)),
        tuple(sorted(one.id for one in expired if not one.holds(case.as_of))),
        devices_of_sides(prover, (pair.source_zone for pair in pairs)),
    )


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
    verdicts = list(judgement.verdicts)
    asked = [
        (at, number, (pair, tuple(exceptions_of(exceptions, verdict.assertion))))
        for at, verdict in enumerate(verdicts)
        if verdict.kind == "isolation" and wanted(verdict)
        for number, pair in enumerate(verdict.pairs)
    ]
    margins = {
        family: Margins(prover, family, [of for _, _, of in asked if of[0].family is family], budget)
        for family in Family
    }
    for done, (at, number, (pair, conduits)) in enumerate(asked):
        if progress:
            progress(f"margin {pair.source_zone} -> {pair.destination_zone}", done, len(asked))
        pairs = list(verdicts[at].pairs)
        pairs[number] = replace(pair, margin=margins[pair.family].of(pair, conduits))
        verdicts[at] = replace(verdicts[at], pairs=tuple(pairs))
    return tuple(verdicts)


def _findings(case: Case) -> Iterator[Finding]:
    for device, (reason, _) in missing_devices(case.snapshot).items():
        yield Finding(
            f"COLLECT-{device}",
            Severity.HIGH,
            f"{device} was not collected",
            f"{reason}. Its interfaces count as connected to anything.",
            hint="collect it, or name an owned assumption about the interfaces that face it",
        )
    for exception in case.policy.exceptions:
        if not exception.holds(case.as_of):
            yield Finding(
                f"EXPIRED-{exception.id}",
                Severity.HIGH,
                f"exception {exception.id} expired on {exception.expires.isoformat()}",
                f"It no longer excuses anything of {exception.assertion} (owner {exception.owner}).",
                (exception.span,) if exception.span else (),
                "close the hole, or renew the exception with its owner",
            )
    yield from _line_findings(case.snapshot)


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


def _without_room(case: Case, reason: str, capacity: int) -> Judgement:
    """Every isolation UNKNOWN, for one reason."""
    prover = case.prover(capacity)
    verdicts = [
        _isolation(
            case, prover, isolation, way, family,
            tuple(
                PairVerdict(a, b, family, Outcome.UNKNOWN, reason=reason)
                for a, b in zone_pairs(isolation, way)
            ),
        )
        for isolation in case.policy.isolations
        for way in ways(isolation)
        for family in isolation.families
    ]  # fmt: skip
    finding = Finding("CAPACITY", Severity.CRITICAL, "the packet sets did not fit", reason)
    return Judgement(tuple(verdicts), (), (finding, *_findings(case)), prover)
