"""Less input never proves more: what was not proven is not proven by losing a device or a wire."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from builders.networks import host
from builders.random_networks import networks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segaudit.judge import judge
from segaudit.model.snapshot import CollectionFailure, Snapshot
from segaudit.model.topology import Link, TerminationPoint
from segaudit.model.verdict import Outcome
from segaudit.policy import locate, parse_policy

POLICY = b"""
version: 1
name: random
zones:
  a: {side: left, owner: o@x.example, members: [{prefix: 10.1.0.0/24}]}
  b: {side: right, owner: o@x.example, members: [{prefix: 10.2.0.0/24}]}
isolation:
  - {id: ISO-1, title: a and b, between: left, and: right, families: [ipv4], severity: high}
"""
PROVEN = (Outcome.PROVEN, Outcome.PROVEN_IF)


def outcomes(network: Snapshot) -> dict[str, Outcome]:
    policy = parse_policy(POLICY, "policy.yaml")
    found = judge(policy, network, locate(policy, network), date(2026, 11, 24))
    return {verdict.id: verdict.outcome for verdict in found.verdicts}


def with_hosts(network: Snapshot) -> Snapshot:
    """A host on either side, so that both zones keep a place whatever is lost."""
    hosts = {
        "ha": host("ha", "10.1.0.10/24", gateway="10.1.0.1"),
        "hb": host("hb", "10.2.0.10/24", gateway="10.2.0.1"),
    }
    ends = {"r1:eth1": "ha:eth1", "r2:eth2": "hb:eth1"}
    links = []
    for one in network.links:
        more = [_point(ends[str(end)]) for end in one.ends if str(end) in ends]
        links.append(replace(one, ends=tuple(sorted((*one.ends, *more)))))
    return replace(network, devices={**network.devices, **hosts}, links=tuple(links))


def _point(text: str) -> TerminationPoint:
    return TerminationPoint(*text.split(":"))


def without_device(network: Snapshot, name: str) -> Snapshot:
    devices = {key: device for key, device in network.devices.items() if key != name}
    return replace(network, devices=devices, failures=(CollectionFailure(name, "lost"),))


def without_link(network: Snapshot, link: Link) -> Snapshot:
    return replace(network, links=tuple(one for one in network.links if one is not link))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(networks().map(with_hosts), st.data())
def test_losing_a_device_or_a_wire_proves_nothing(network: Snapshot, data: st.DataObject) -> None:
    before = outcomes(network)
    lost = data.draw(st.sampled_from(["r1", "r2", "r3", *network.links]), label="lost")
    less = without_link(network, lost) if isinstance(lost, Link) else without_device(network, str(lost))
    for name, after in outcomes(less).items():
        assert before[name] in PROVEN or after not in PROVEN, (name, before[name], after, lost)
