"""The independent checker against the prover, on random networks: what one proves the other verifies."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from builders.networks import route
from builders.proofs import changed, random_policy, rechecked
from builders.random_networks import matches, networks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segaudit.judge import Judgement, judge
from segaudit.judge.certificate import certificate
from segaudit.model.acl import AnyPacket
from segaudit.model.device import Device, InterfaceKind, RoutingRule
from segaudit.model.flow import Family
from segaudit.model.snapshot import Snapshot
from segaudit.model.verdict import Outcome
from segaudit.policy import locate

AS_OF = date(2026, 11, 24)
TABLES = {0: "local", 32766: "main", 32767: "default"}
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def judged(network: Snapshot) -> Judgement:
    policy = random_policy()
    return judge(policy, network, locate(policy, network), AS_OF)


def proven(judgement: Judgement) -> set[str]:
    return {
        f"{verdict.assertion} {pair.source_zone} -> {pair.destination_zone} IPv{int(pair.family)}"
        for verdict in judgement.verdicts
        for pair in verdict.pairs
        if pair.outcome in (Outcome.PROVEN, Outcome.PROVEN_IF)
    }


@st.composite
def odd_networks(draw: st.DrawFn) -> Snapshot:
    """Wires that something else may be on, tunnels, proxies, routing rules, translations not seen."""
    network: Snapshot = draw(networks())
    links = tuple(replace(one, closed=draw(st.sampled_from([True, True, False]))) for one in network.links)
    devices = {name: draw(oddities(device)) for name, device in network.devices.items()}
    return replace(network, devices=devices, links=links)


@st.composite
def oddities(draw: st.DrawFn, device: Device) -> Device:
    kinds = st.sampled_from([InterfaceKind.PHYSICAL] * 5 + [InterfaceKind.TUNNEL])
    interfaces = {
        name: replace(one, kind=draw(kinds), proxy_arp=draw(st.sampled_from([False, False, False, True])))
        for name, one in device.interfaces.items()
        if one.kind is not InterfaceKind.LOOPBACK
    }
    chosen = RoutingRule(Family.IPV4, 100, draw(matches), draw(st.sampled_from(["aside", None])))
    default = [RoutingRule(Family.IPV4, number, AnyPacket(), name) for number, name in TABLES.items()]
    aside = route("0.0.0.0/0", "eth2", "10.12.0.3", table="aside")
    return replace(
        device,
        interfaces={**device.interfaces, **interfaces},
        rules=draw(st.sampled_from([(), (*default, chosen)])),
        routes=(*device.routes, aside),
        unknown_translation=draw(st.sampled_from([False] * 5 + [True])),
        tracks_connections=draw(st.sampled_from([True, True, False])),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(odd_networks())
def test_it_follows_what_is_odd(network: Snapshot) -> None:
    judgement = judged(network)
    assert rechecked(certificate(judgement, AS_OF)) == proven(judgement)


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
