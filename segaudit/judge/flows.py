"""Allowed flows that must work: asserted reachable, there and back, and so controls for probes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from segaudit.judge.barriers import Barriers
from segaudit.judge.pairs import PairJudge
from segaudit.judge.prover import Reading
from segaudit.judge.spaces import conduit_space
from segaudit.model.flow import Family
from segaudit.model.policy import AllowedFlow, Policy
from segaudit.model.verdict import Outcome, PairVerdict, Verdict
from segaudit.reach.device_path import Level, RoutingMode


def flow_verdicts(policy: Policy, judges: Mapping[Family, PairJudge], as_of: date) -> Iterator[Verdict]:
    """One verdict per flow that must work and family; PROVEN means a packet gets there and back."""
    for flow in policy.flows:
        if not flow.must_work or (flow.expires is not None and flow.expires < as_of):
            continue
        for family, judge in sorted(judges.items()):
            pair = _works(flow, judge)
            title = flow.justification or f"{flow.source} may reach {flow.destination}"
            yield Verdict(
                flow.id, "flow", title, "forward", flow.source, flow.destination, family,
                pair.outcome, "medium", (pair,),
            )  # fmt: skip


def _works(flow: AllowedFlow, judge: PairJudge) -> PairVerdict:
    prover, family = judge.prover, judge.family
    source, destination = prover.ranges(flow.source, family), prover.ranges(flow.destination, family)
    ends = (flow.source, flow.destination, family)
    if not source or not destination:
        return PairVerdict(*ends, Outcome.VACUOUS, reason="an end has no address of this family")
    wanted = conduit_space(prover.universe(family), flow.services, source, destination)
    reached = prover.reached(family, flow.source, Reading.CLOSED, Level.MUST, RoutingMode.CURRENT, False)
    arrives = prover.arrived(reached, flow.destination, Reading.CLOSED) & wanted
    witness = judge.stories.witness(reached, arrives, flow.source, flow.destination)
    if witness is not None and judge.stories.replies_return(witness, flow.source):
        return PairVerdict(*ends, Outcome.PROVEN, witness=witness, reason="a packet gets there and back")
    may = prover.reached(family, flow.source, Reading.ASSUMED)
    if (prover.arrived(may, flow.destination, Reading.ASSUMED) & wanted).is_empty:
        blocked = Barriers(prover, family).between(flow.source, flow.destination)
        return PairVerdict(*ends, Outcome.VIOLATED, barriers=blocked, reason="no packet of it can arrive")
    reason = "packets may arrive, but no way there and back is certain"
    return PairVerdict(*ends, Outcome.UNKNOWN, witness=witness, reason=reason)
