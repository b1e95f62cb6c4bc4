"""Fixpoints of many sources computed together against each computed alone, on random networks."""

from __future__ import annotations

from dataclasses import replace

from builders.random_networks import networks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segaudit.graph import ForwardingGraph, build_graph
from segaudit.model.device import InterfaceKind
from segaudit.model.flow import Family
from segaudit.model.snapshot import Snapshot
from segaudit.packets import Universe
from segaudit.reach.device_path import DevicePaths, Level, RoutingMode
from segaudit.reach.fixpoint import Network, Reached, Source

UNIVERSE = Universe(Family.IPV4, 1 << 21)


@st.composite
def graphs(draw: st.DrawFn) -> ForwardingGraph:
    """A network in which some wires are the internet's or not modelled, and one may be a tunnel."""
    network: Snapshot = draw(networks())
    third = network.devices["r3"]
    if draw(st.booleans()):
        tunnel = replace(third.interfaces["eth2"], kind=InterfaceKind.TUNNEL)
        third = replace(third, interfaces={**third.interfaces, "eth2": tunnel})
    third = replace(third, unknown_translation=draw(st.sampled_from([False, False, True])))
    graph = build_graph(network)
    wires = sorted(graph.segments)
    chosen = st.sets(st.sampled_from(wires), max_size=2).map(frozenset)
    return replace(
        graph,
        devices={**network.devices, "r3": third},
        internet_segments=draw(chosen),
        unmodelled_segments=draw(
            st.sampled_from([frozenset(), frozenset({wires[0]}), frozenset(wires[1:3])])
        ),
    )


@st.composite
def sources(draw: st.DrawFn, graph: ForwardingGraph) -> list[Source]:
    """Every wire on its own, and a few odd ones."""
    wires = st.sets(st.sampled_from(sorted(graph.segments)), max_size=2).map(frozenset)
    devices = st.sets(st.sampled_from(sorted(graph.devices)), max_size=1).map(frozenset)
    odd = st.builds(Source, wires, st.booleans(), st.sampled_from([False, False, True]), devices)
    return [Source(frozenset({wire})) for wire in sorted(graph.segments)] + draw(st.lists(odd, max_size=2))


cases = graphs().flatmap(lambda graph: st.tuples(st.just(graph), sources(graph)))


def same(share: Reached, alone: Reached) -> None:
    assert share.at == alone.at
    for node, space in alone.at.items():
        assert share.space(node) == space
        assert share.own(share.whole.space(node)) == space


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(cases, st.sampled_from(Level), st.sampled_from(RoutingMode))
def test_together_they_reach_what_each_reaches_alone(
    case: tuple[ForwardingGraph, list[Source]], level: Level, routing: RoutingMode
) -> None:
    graph, starts = case
    network = Network(graph, UNIVERSE, level, routing)
    fresh = network.reach_each(starts)
    for with_connections, known in ((False, ()), (True, ()), (True, fresh)):
        shares = network.reach_each(starts, with_connections, known)
        for share, start in zip(shares, starts, strict=True):
            same(share, network.reach(start, with_connections))
            same(share, network.reach(start, with_connections, traced=True))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases)
def test_networks_that_share_compiled_devices_reach_the_same(
    case: tuple[ForwardingGraph, list[Source]],
) -> None:
    graph, (start, *_) = case
    paths = DevicePaths(UNIVERSE)
    first = Network(graph, UNIVERSE, paths=paths).reach(start, True)
    again = Network(graph, UNIVERSE, paths=DevicePaths(UNIVERSE, paths)).reach(start, True)
    assert first.at == again.at == Network(graph, UNIVERSE).reach(start, True).at
    assert all(paths.holds(graph.devices[node[1]]) for node in first.at if node[0] == "in")
