"""Oracle 4, encodings: raw bits against address classes, on networks larger and more than in CI.

Here a short sample; ``make oracle`` sets ORACLE_NETWORKS. On random networks of both families every
fixpoint is compared node by node and every zone pair's verdict with its witness; on backbones with
large tables, some of whose routers route every prefix by a neighbour of their own, the fixpoints too.
"""

from __future__ import annotations

import os

import pytest
from bench.class_codec import backbone, lans
from builders.encodings import as_ipv6, compare_fixpoints, compare_verdicts
from builders.random_networks import networks
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from segaudit.graph import build_graph
from segaudit.model.flow import Family
from segaudit.model.snapshot import Snapshot
from segaudit.packets import Universe
from segaudit.policy import parse_policy
from segaudit.reach.device_path import Level, RoutingMode
from segaudit.reach.fixpoint import Source
from segaudit.reach.universes import class_universe

NETWORKS = int(os.environ.get("ORACLE_NETWORKS", "4"))
SEED = int(os.environ.get("ORACLE_SEED", "1"))
PREFIXES = min(20 * NETWORKS, 400)
ROOM = 1 << 22
RAW = {family: Universe(family, ROOM) for family in Family}
POLICY = """
version: 1
name: random
zones:
  a: {{side: left, owner: o@x.example, members: [{{device: r1, interface: eth1}}]}}
  b: {{side: right, owner: o@x.example, members: [{{device: r2, interface: eth2}}]}}
  c: {{side: right, owner: o@x.example, members: [{{device: r3, interface: eth2}}]}}
isolation:
  - {{id: ISO-1, title: a and b, between: left, and: right, families: [{}], severity: high}}
"""


@seed(SEED)
@settings(
    max_examples=NETWORKS,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(networks(), st.sampled_from(Family))
def test_random_networks_are_judged_the_same(network: Snapshot, family: Family) -> None:
    if family is Family.IPV6:
        network = as_ipv6(network)
    graph = build_graph(network)
    coded = class_universe(list(network.devices.values()), family, 1 << 20)
    sources = [Source(frozenset({wire})) for wire in sorted(graph.segments)]
    for level in Level:
        for routing in RoutingMode:
            assert compare_fixpoints(graph, (RAW[family], coded), level, routing, sources)
    policy = parse_policy(POLICY.format(family.label).encode(), "policy.yaml")
    assert len(compare_verdicts(policy, network, family, (RAW[family], coded))) == 6


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("scattered", [False, True])
def test_backbones_reach_the_same(scattered: bool, family: Family) -> None:
    network = backbone(8, PREFIXES, scattered, SEED)
    if family is Family.IPV6:
        network = as_ipv6(network)
    graph = build_graph(network)
    universes = (Universe(family, ROOM), class_universe(list(network.devices.values()), family, ROOM))
    assert compare_fixpoints(graph, universes, Level.MAY, RoutingMode.CURRENT, lans(graph)[:4])
