"""The independent checker against the prover, on random networks: what one proves the other verifies."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from builders.proofs import changed, random_policy, rechecked
from builders.random_networks import networks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segaudit.judge import Judgement, judge
from segaudit.judge.certificate import certificate
from segaudit.model.device import Device
from segaudit.model.snapshot import Snapshot
from segaudit.model.verdict import Outcome
from segaudit.policy import locate

AS_OF = date(2026, 11, 24)
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def judged(network: Snapshot) -> Judgement:
    policy = random_policy()
    return judge(policy, network, locate(policy, network), AS_OF)


def proven(judgement: Judgement) -> set[tuple[str, str, int]]:
    return {
        (pair.source_zone, pair.destination_zone, int(pair.family))
        for verdict in judgement.verdicts
        for pair in verdict.pairs
        if pair.outcome in (Outcome.PROVEN, Outcome.PROVEN_IF)
    }


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(networks())
def test_what_is_proven_is_verified_and_nothing_else(network: Snapshot) -> None:
    judgement = judged(network)
    assert rechecked(certificate(judgement, AS_OF)) == proven(judgement)


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(networks(), st.data())
def test_a_rule_or_route_lost_after_the_proof_is_noticed(network: Snapshot, data: st.DataObject) -> None:
    before = judged(network)
    name = data.draw(st.sampled_from(sorted(network.devices)), label="device")
    device = data.draw(st.sampled_from(losses(network.devices[name])), label="changed")
    less = replace(network, devices={**network.devices, name: device})
    after = judged(less)
    proof = changed(certificate(before, AS_OF), certificate(after, AS_OF))
    assert rechecked(proof) <= proven(after)


def losses(device: Device) -> list[Device]:
    """The device without one of its rules or of its routes."""
    fewer_routes = [
        replace(device, routes=device.routes[:at] + device.routes[at + 1 :])
        for at in range(len(device.routes))
    ]
    fewer_rules = [
        replace(device, acls={**device.acls, name: replace(acl, aces=acl.aces[:at] + acl.aces[at + 1 :])})
        for name, acl in device.acls.items()
        for at in range(len(acl.aces))
    ]
    return fewer_rules + fewer_routes
