"""How each asserted zone pair stands when proof and measurement are put next to each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum

from segaudit.model.flow import Family, Flow, Protocol
from segaudit.model.policy import Exemption, Isolation, IsolationDirection, Policy, Service
from segaudit.model.probe import Observation, Reply
from segaudit.model.result import RunResult
from segaudit.model.verdict import Grade, MatrixCell, Outcome, PairVerdict, Verdict

PairKey = tuple[str, str, Family]
"""Source zone, destination zone, family."""

_ISOLATION_PURPOSES = ("isolation", "witness")


class Standing(Enum):
    """What a reader may conclude about one pair; the order is from best to worst."""

    PROVEN_AND_PROBED = "proven-and-probed"
    PROVEN = "proven"
    PROVEN_IF_AND_PROBED = "proven-if-and-probed"
    PROVEN_IF = "proven-if"
    VACUOUS = "vacuous"
    UNKNOWN = "unknown"
    OPEN = "open"

    @property
    def holds(self) -> bool:
        """True where the pair is isolated, if only under named assumptions."""
        return self in _HOLDING


_HOLDING = frozenset(
    {Standing.PROVEN_AND_PROBED, Standing.PROVEN, Standing.PROVEN_IF_AND_PROBED, Standing.PROVEN_IF}
)
_BY_OUTCOME = {
    Outcome.PROVEN: (Standing.PROVEN, Standing.PROVEN_AND_PROBED),
    Outcome.PROVEN_IF: (Standing.PROVEN_IF, Standing.PROVEN_IF_AND_PROBED),
    Outcome.VACUOUS: (Standing.VACUOUS, Standing.VACUOUS),
    Outcome.UNKNOWN: (Standing.UNKNOWN, Standing.UNKNOWN),
    Outcome.VIOLATED: (Standing.OPEN, Standing.OPEN),
}


@dataclass(frozen=True, slots=True)
class PairStanding:
    """One asserted pair: the worst verdict on it, what was measured, and the conclusion.

    ``breaches`` are probes that arrived and that no exception in force covers. ``note`` says why
    the conclusion is worse than the verdict, where it is.
    """

    source: str
    destination: str
    family: Family
    standing: Standing
    verdict: PairVerdict
    observations: tuple[Observation, ...] = ()
    breaches: tuple[Observation, ...] = ()
    note: str = ""

    @property
    def key(self) -> PairKey:
        """What identifies the pair."""
        return self.source, self.destination, self.family


def isolation_verdicts(result: RunResult) -> list[Verdict]:
    """The verdicts on isolations, in the result's order."""
    return [verdict for verdict in result.verdicts if verdict.kind == "isolation"]


def ordered_verdicts(result: RunResult) -> list[Verdict]:
    """The verdicts on isolations, then those on allowed flows."""
    return [*isolation_verdicts(result), *flow_verdicts(result)]


def shown_grade(verdict: Verdict) -> Grade | None:
    """The verdict's grade where the outcome has one: what was not decided holds by nothing."""
    decided = (Outcome.PROVEN, Outcome.PROVEN_IF, Outcome.VIOLATED)
    return verdict.grade if verdict.outcome in decided else None


def flow_verdicts(result: RunResult) -> list[Verdict]:
    """The verdicts on allowed flows that must work, in the result's order."""
    return [verdict for verdict in result.verdicts if verdict.kind != "isolation"]


def pair_standings(result: RunResult) -> tuple[PairStanding, ...]:
    """Every pair that an isolation asserts, once, ordered by zone names and family.

    The worst of everything said about a pair wins: of several verdicts on it, of verdict and
    probes, of verdict and matrix.
    """
    verdicts = _worst_verdicts(isolation_verdicts(result))
    observed = _isolation_observations(result.observations)
    cells = {_cell_key(cell): cell for cell in result.matrix}
    return tuple(
        _standing(result, verdicts[key], observed.get(key, ()), cells.get(key)) for key in sorted(verdicts)
    )


def _cell_key(cell: MatrixCell) -> PairKey:
    return cell.source_zone, cell.destination_zone, cell.family


def _worst_verdicts(verdicts: Iterable[Verdict]) -> dict[PairKey, PairVerdict]:
    order = list(Outcome)
    found: dict[PairKey, PairVerdict] = {}
    for pair in (pair for verdict in verdicts for pair in verdict.pairs):
        key = (pair.source_zone, pair.destination_zone, pair.family)
        if key not in found or order.index(pair.outcome) > order.index(found[key].outcome):
            found[key] = pair
    return found


def _isolation_observations(
    observations: Iterable[Observation],
) -> Mapping[PairKey, tuple[Observation, ...]]:
    grouped: dict[PairKey, list[Observation]] = defaultdict(list)
    for seen in observations:
        if seen.probe.purpose in _ISOLATION_PURPOSES:
            grouped[observed_pair(seen)].append(seen)
    return {key: tuple(group) for key, group in grouped.items()}


def observed_pair(seen: Observation) -> PairKey:
    """The zones and family of the vantages that an observation is about."""
    probe = seen.probe
    return probe.source.zone, probe.destination.zone, probe.source.family


def _standing(
    result: RunResult, pair: PairVerdict, seen: tuple[Observation, ...], cell: MatrixCell | None
) -> PairStanding:
    breaches = tuple(one for one in seen if is_breach(result, one))
    standing, note = _conclusion(pair, seen, breaches, cell)
    return PairStanding(
        pair.source_zone, pair.destination_zone, pair.family, standing, pair, seen, breaches, note
    )


def _conclusion(
    pair: PairVerdict,
    seen: tuple[Observation, ...],
    breaches: tuple[Observation, ...],
    cell: MatrixCell | None,
) -> tuple[Standing, str]:
    proven = pair.outcome in (Outcome.PROVEN, Outcome.PROVEN_IF)
    if breaches:
        return Standing.OPEN, "a probe arrived" + (" although the model says blocked" if proven else "")
    if proven and any(one.reply is Reply.DELIVERED and one.agrees is False for one in seen):
        return Standing.UNKNOWN, "a probe that an exception covers arrived although the model says blocked"
    if proven and cell and cell.reach == "open":
        return Standing.UNKNOWN, "the verdict says isolated, the matrix says open"
    if pair.outcome is Outcome.PROVEN and cell and cell.reach == "unknown":
        return Standing.UNKNOWN, "the verdict says isolated, the matrix says unknown"
    alone, probed = _BY_OUTCOME[pair.outcome]
    return (probed if is_confirmed(seen) else alone), ""


def is_confirmed(seen: tuple[Observation, ...]) -> bool:
    """True where there were probes, all agree with the model, and every control of each passed."""
    return bool(seen) and all(one.agrees is True and one.controls.conclusive for one in seen)


def is_breach(result: RunResult, seen: Observation) -> bool:
    """True where an isolation's probe arrived and no exception in force covers its packet."""
    probe = seen.probe
    if seen.reply is not Reply.DELIVERED or probe.purpose not in _ISOLATION_PURPOSES:
        return False
    return not any(
        exemption.holds(date.fromisoformat(result.as_of))
        and _names(result.policy, exemption.source, probe.source.zone)
        and _names(result.policy, exemption.destination, probe.destination.zone)
        and any(_covers(service, probe.flow) for service in exemption.services)
        for exemption in result.policy.exceptions
    )


def _names(policy: Policy, name: str, zone: str) -> bool:
    return name in (zone, policy.side_of(zone))


def _covers(service: Service, flow: Flow) -> bool:
    if service.protocol is None:
        return True
    if service.protocol != flow.protocol:
        return False
    if service.icmp_type is not None:
        return flow.protocol in (Protocol.ICMP, Protocol.ICMPV6) and flow.icmp_type == service.icmp_type
    return not service.ports or any(first <= flow.destination_port <= last for first, last in service.ports)


def exceptions_in_force(result: RunResult) -> tuple[Exemption, ...]:
    """The exceptions that some isolation verdict was reached with and that hold at ``as_of``."""
    as_of = date.fromisoformat(result.as_of)
    used = {name for verdict in isolation_verdicts(result) for name in verdict.exceptions}
    used |= {name for v in isolation_verdicts(result) for pair in v.pairs for name in pair.excepted_by}
    return tuple(e for e in result.policy.exceptions if e.id in used and e.holds(as_of))


def sides(result: RunResult, assertion: str) -> tuple[str, str]:
    """The two sides of an isolation in the policy's words, forward source first."""
    for isolation in result.policy.isolations:
        if isolation.id == assertion:
            return isolation.between_text, isolation.and_text
    verdict = next(verdict for verdict in result.verdicts if verdict.assertion == assertion)
    ends = (verdict.source, verdict.destination)
    return ends if verdict.direction != "reverse" else (ends[1], ends[0])


def unanswered(result: RunResult) -> list[str]:
    """What the policy asserts and no verdict answers, as ``ISO-1 ipv6``; empty in a complete run."""
    answered: dict[tuple[str, Family], set[str]] = defaultdict(set)
    for verdict in isolation_verdicts(result):
        answered[verdict.assertion, verdict.family].add(verdict.direction)
    return [
        f"{isolation.id} {family.label}"
        for isolation in result.policy.isolations
        for family in isolation.families
        if len(answered[isolation.id, family]) < _directions(isolation)
    ]


def _directions(isolation: Isolation) -> int:
    return 2 if isolation.direction is IsolationDirection.BOTH else 1
