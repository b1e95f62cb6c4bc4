"""The fixpoint against the second opinion, both ways, on random networks with filters and translations."""

from __future__ import annotations

from dataclasses import replace

from builders.random_networks import address, networks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segaudit.graph import build_graph
from segaudit.model.flow import Family, Flow
from segaudit.model.snapshot import Snapshot
from segaudit.model.topology import TerminationPoint
from segaudit.packets import Universe
from segaudit.reach.device_path import Level
from segaudit.reach.fixpoint import Network, Source
from segaudit.reach.walk import Walker

UNIVERSE = Universe(Family.IPV4, 1 << 21)
flows = st.one_of(
    st.builds(
        lambda protocol, source, target, sport, dport: Flow(
            Family.IPV4, protocol, source, target, sport, dport, tcp_flags=2 if protocol == 6 else 0
        ),
        st.sampled_from([6, 17]),
        address,
        address,
        st.sampled_from([40000, 80]),
        st.sampled_from([80, 443, 22, 8080]),
    ),
    st.builds(lambda source, target: Flow(Family.IPV4, 1, source, target, icmp_type=8), address, address),
)


def wires_of(network: Snapshot):  # type: ignore[no-untyped-def]
    graph = build_graph(network)
    return graph, {point: graph.segments[name].points for point, name in graph.segment_of.items()}


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(networks(), st.lists(flows, min_size=1, max_size=8))
def test_wherever_a_packet_walks_the_fixpoint_has_it(network: Snapshot, packets: list[Flow]) -> None:
    graph, wires = wires_of(network)
    reached = Network(graph, UNIVERSE).reach(
        Source(frozenset({graph.segment_of[TerminationPoint("r1", "eth1")]}))
    )
    walker = Walker(network.devices, wires)
    for flow in packets:
        for walk in walker.walk(flow, "r1", "eth1"):
            for step in walk.trace.steps:
                if step.action != "sent":
                    continue
                segment = graph.segment_of[TerminationPoint(step.device, step.interface)]
                seen = reached.space(("segment", segment))
                assert not (
                    UNIVERSE.flow(_as_sent(step.what, walk.trace.flow, walk.trace.arrived)) & seen
                ).is_empty, walk


def _as_sent(what: str, sent: Flow, arrived: Flow) -> Flow:
    """The header on the wire at a step: one of the headers that the walk had."""
    for flow in (sent, arrived):
        if what.endswith(str(flow)):
            return flow
    return _parsed(what, sent)


def _parsed(what: str, like: Flow) -> Flow:
    from ipaddress import ip_address

    words = what.split()
    source, destination = words[-3], words[-1]
    if like.protocol in (6, 17):
        (source, sport), (destination, dport) = source.rsplit(":", 1), destination.rsplit(":", 1)
        like = replace(like, source_port=int(sport), destination_port=int(dport))
    return replace(like, source=int(ip_address(source)), destination=int(ip_address(destination)))


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(networks())
def test_what_must_arrive_is_part_of_what_may(network: Snapshot) -> None:
    graph, wires = wires_of(network)
    start = Source(frozenset({graph.segment_of[TerminationPoint("r1", "eth1")]}))
    may = Network(graph, UNIVERSE).reach(start)
    must = Network(graph, UNIVERSE, Level.MUST).reach(start)
    walker = Walker(network.devices, wires)
    translating = any(d.acls["pre"].aces or d.acls["post"].aces for d in network.devices.values())
    for node, space in must.at.items():
        assert space.is_subset(may.space(node)), node
        if node[0] == "segment" and node[1] != str(TerminationPoint("r1", "eth1")) and not translating:
            flow = space.sample()
            assert flow is not None
            walks = walker.walk(flow, "r1", "eth1")
            assert any(_sends_on(walk, graph, node[1]) for walk in walks), (node, flow)


def _sends_on(walk, graph, segment: str) -> bool:  # type: ignore[no-untyped-def]
    return any(
        step.action == "sent"
        and step.certain
        and graph.segment_of[TerminationPoint(step.device, step.interface)] == segment
        for step in walk.trace.steps
    )
