"""Regions on small networks, and that where they show no way grade G4 holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from builders.networks import acl, attach, device, host, interface, link, snapshot
from builders.random_networks import networks
from hypothesis import HealthCheck, given, settings

from segaudit.judge.conduits import permitted
from segaudit.judge.pairs import PairJudge
from segaudit.judge.prover import Prover, Reading
from segaudit.judge.regions import region_graph
from segaudit.model.acl import AddressIn, AnyPacket, Direction, End, Forwarding, Hook, InterfaceIn
from segaudit.model.device import Interface, InterfaceKind
from segaudit.model.flow import Family
from segaudit.model.snapshot import CollectionFailure, Snapshot
from segaudit.model.verdict import Region, RegionGraph
from segaudit.policy import locate, parse_policy
from segaudit.reach.device_path import RoutingMode

POLICY = """
version: 1
name: small
zones:
  a: {side: left, owner: o@x.example, members: [{prefix: 10.1.0.0/24}]}
  b: {side: right, owner: o@x.example, members: [{prefix: 10.2.0.0/24}]}
isolation:
  - {id: ISO-1, title: a and b, between: left, and: right, families: [ipv4], severity: high}
"""
ACCEPT, DROP = Forwarding.ACCEPT, Forwarding.DROP
TO_B = AddressIn(End.DESTINATION, Family.IPV4, ((0x0A020000, 0x0A0200FF),))
FROM_A_SIDE = InterfaceIn(Direction.IN, ("eth1",))


def prover(network: Snapshot, policy: str = POLICY) -> Prover:
    parsed = parse_policy(policy.encode(), "policy.yaml")
    return Prover(parsed, network, locate(parsed, network), (), 1 << 18)


def regions(network: Snapshot, policy: str = POLICY) -> RegionGraph:
    return region_graph(prover(network, policy), Family.IPV4)


def line(first: dict[str, Any], second: dict[str, Any]) -> Snapshot:
    """ha - r1 - r2 - hb."""
    r1 = device("r1", interface("eth1", "10.1.0.1/24"), interface("eth2", "10.9.0.1/24"), **first)
    r2 = device("r2", interface("eth1", "10.9.0.2/24"), interface("eth2", "10.2.0.1/24"), **second)
    ends = [host("ha", "10.1.0.10/24", gateway="10.1.0.1"), host("hb", "10.2.0.10/24", gateway="10.2.0.1")]
    return snapshot(
        [*ends, r1, r2],
        [link("ha:eth1", "r1:eth1"), link("r1:eth2", "r2:eth1"), link("r2:eth2", "hb:eth1")],
    )


def forward(*rules: Any, default: Forwarding = ACCEPT) -> dict[str, Any]:
    return {
        "acls": (acl("forward", *rules, default=default),),
        "attachments": (attach("forward", Hook.FORWARD),),
    }


def of_zone(graph: RegionGraph, zone: str) -> Region:
    (found,) = (one for one in graph.regions if zone in one.zones)
    return found


def passes(graph: RegionGraph) -> dict[tuple[str, str, str], str]:
    wires = {one.name: "+".join(one.wires) for one in graph.regions}
    return {(one.device, wires[one.source], wires[one.destination]): one.passes for one in graph.crossings}


def leads(graph: RegionGraph, source: str, destination: str) -> bool:
    """Whether a chain of crossings that pass something joins two zones."""
    starts = {one.name for one in graph.regions if source in one.zones}
    ends = {one.name for one in graph.regions if destination in one.zones}
    open_ones = [one for one in graph.crossings if one.passes != "none"]
    reached, size = set(starts), -1
    while size != len(reached):
        size = len(reached)
        reached |= {one.destination for one in open_ones if one.onward and one.source in reached}
    return bool((reached | {one.destination for one in open_ones if one.source in reached}) & ends)


def test_without_a_filter_everything_is_one_region() -> None:
    graph = regions(line({}, {}))
    found = of_zone(graph, "a")
    assert found == of_zone(graph, "b")
    assert {"r1", "r2", "ha", "hb"} <= set(found.inside)
    assert graph.crossings == ()


def test_a_filter_divides_and_is_named_with_its_line() -> None:
    graph = regions(line(forward((TO_B, DROP)), {}))
    assert of_zone(graph, "a") != of_zone(graph, "b")
    found = {one.source: one for one in graph.crossings}
    across = found[of_zone(graph, "a").name]
    assert (across.device, across.passes) == ("r1", "some")
    assert [(one.name, str(one.span)) for one in across.filters] == [("forward", "acl forward:99")]


def test_the_two_directions_are_told_apart() -> None:
    graph = regions(line(forward((FROM_A_SIDE, DROP)), {}))
    assert sorted(one.passes for one in graph.crossings) == ["all", "none"]
    assert leads(graph, "b", "a") and not leads(graph, "a", "b")


def test_a_chain_that_only_accepts_divides_nothing() -> None:
    graph = regions(line(forward((AnyPacket(), ACCEPT)), {}))
    assert of_zone(graph, "a") == of_zone(graph, "b")


def test_what_does_not_forward_divides_and_says_so() -> None:
    mute = interface("eth1", "10.9.0.2/24", forwards=False)
    network = line({}, {})
    other = device("r2", mute, interface("eth2", "10.2.0.1/24", forwards=False))
    graph = regions(replace(network, devices={**network.devices, "r2": other}))
    found = {
        (one.destination == of_zone(graph, "b").name, one.passes, one.onward) for one in graph.crossings
    }
    assert found == {(True, "some", False), (False, "none", True)}, "it accepts for its address in b"
    names = {found.name for one in graph.crossings for found in one.filters}
    assert names == {"does not forward ipv4"}


def test_what_is_not_collected_joins_all_that_it_touches() -> None:
    shut = forward((AnyPacket(), DROP))
    network = line(shut, shut)
    lost = replace(network, failures=(CollectionFailure("lost", "no answer"),))
    graph = regions(lost)
    assert of_zone(graph, "a") == of_zone(graph, "b")
    assert of_zone(graph, "a").unmodelled


def test_a_tunnel_may_unpack_what_its_device_is_sent() -> None:
    """Nothing is forwarded, but r1 accepts packets and has a tunnel: what comes out is anybody's guess."""
    network = line(forward((AnyPacket(), DROP)), {})
    r1 = network.devices["r1"]
    tunnel = Interface("tun0", InterfaceKind.TUNNEL, forwarding=frozenset(Family))
    changed = replace(r1, interfaces={**r1.interfaces, "tun0": tunnel})
    graph = regions(replace(network, devices={**network.devices, "r1": changed}))
    assert any(kind == "some" and "tun0" in to for (_, _, to), kind in passes(graph).items())


def test_a_zone_of_a_device_itself_is_a_region_of_its_own() -> None:
    inside = POLICY.replace("10.2.0.0/24", "192.0.2.7/32")
    network = line(
        {**forward(), "acls": (acl("input"),), "attachments": (attach("input", Hook.INPUT),)}, {}
    )
    r1 = network.devices["r1"]
    loopback = replace(r1.interfaces["lo"], addresses=interface("x", "192.0.2.7/32").addresses)
    changed = replace(r1, interfaces={**r1.interfaces, "lo": loopback})
    graph = regions(replace(network, devices={**network.devices, "r1": changed}), inside)
    itself = of_zone(graph, "b")
    assert itself.itself and itself.inside == ("r1",)
    into = {one.passes for one in graph.crossings if one.destination == itself.name}
    assert into == {"none"}, "the input chain drops everything"


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(networks())
def test_where_the_regions_show_no_way_grade_g4_holds(network: Snapshot) -> None:
    """Proven without looking at regions: what may arrive under any routing."""
    engine = prover(network)
    graph = region_graph(engine, Family.IPV4, Reading.STRICT)
    judging = PairJudge(engine, Family.IPV4)
    for source, destination in (("a", "b"), ("b", "a")):
        if not leads(graph, source, destination) and not set(of_names(graph, source)) & set(
            of_names(graph, destination)
        ):
            allowed = permitted(engine, (), source, destination, Family.IPV4)
            assert judging.left(source, destination, allowed, Reading.STRICT, RoutingMode.ANY).is_empty


def of_names(graph: RegionGraph, zone: str) -> list[str]:
    return [one.name for one in graph.regions if zone in one.zones]


def test_the_property_meets_networks_without_a_way() -> None:
    shut = forward((AnyPacket(), DROP))
    graph = regions(line(shut, {}))
    assert not leads(graph, "a", "b")
    assert leads(regions(line(forward((TO_B, DROP)), {})), "a", "b")
