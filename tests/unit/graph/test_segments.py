from __future__ import annotations

from dataclasses import replace

from builders.networks import device, interface, link, snapshot

from segaudit.graph import UNMODELLED, build_graph, export
from segaudit.model.device import InterfaceKind
from segaudit.model.snapshot import CollectionFailure
from segaudit.model.topology import TerminationPoint

R1 = device("r1", interface("eth1", "10.0.0.1/30"), interface("eth2", "10.1.0.1/24"))
R2 = device("r2", interface("eth1", "10.0.0.2/30"), interface("eth2", "10.2.0.1/24"))


def test_a_declared_wire_is_closed() -> None:
    graph = build_graph(snapshot([R1, R2], [link("r1:eth1", "r2:eth1"), link("r1:eth2"), link("r2:eth2")]))
    assert not graph.unmodelled_segments
    assert (
        graph.segment_of[TerminationPoint("r1", "eth1")] == graph.segment_of[TerminationPoint("r2", "eth1")]
    )


def test_without_links_subnets_join_and_stay_open() -> None:
    graph = build_graph(snapshot([R1, R2], []))
    wire = graph.segment_of[TerminationPoint("r1", "eth1")]
    assert graph.segment_of[TerminationPoint("r2", "eth1")] == wire
    assert graph.unmodelled_segments == frozenset(graph.segments)


def test_an_owned_claim_closes_an_open_wire_but_not_one_with_an_uncollected_device() -> None:
    claimed = frozenset({TerminationPoint("r1", "eth1"), TerminationPoint("r1", "eth2")})
    network = snapshot([R1], [link("r1:eth2", "r9:eth1")], (CollectionFailure("r9", "timeout"),))
    graph = build_graph(network, end_hosts_only=claimed)
    assert graph.segment_of[TerminationPoint("r1", "eth2")] in graph.unmodelled_segments
    assert graph.segment_of[TerminationPoint("r1", "eth1")] not in graph.unmodelled_segments


def test_an_uncollected_device_without_a_known_place_may_be_on_any_open_wire() -> None:
    claimed = frozenset({TerminationPoint("r1", "eth1"), TerminationPoint("r1", "eth2")})
    network = snapshot([R1], [], (CollectionFailure("r9", "timeout"),))
    assert build_graph(network, end_hosts_only=claimed).unmodelled_segments


def test_a_node_that_the_topology_names_and_nobody_collected_counts() -> None:
    network = replace(
        snapshot([R1], [link("r1:eth1", "r9:eth1"), link("r1:eth2")]), declared_nodes=("r1", "r9")
    )
    graph = build_graph(network)
    (wire,) = graph.unmodelled_segments
    assert "r9" in " ".join(graph.segments[wire].open_because)


def test_bridge_ports_and_subinterfaces_share_their_wire() -> None:
    box = device(
        "sw",
        interface("br0", kind=InterfaceKind.BRIDGE),
        interface("p1", bridge="br0"),
        interface("p2", bridge="br0"),
        interface("p2.10", "10.1.0.2/24", kind=InterfaceKind.VLAN, parent="p2"),
    )
    graph = build_graph(snapshot([box], [link("sw:p1"), link("sw:p2")]))
    assert (
        len({graph.segment_of[TerminationPoint("sw", name)] for name in ("br0", "p1", "p2", "p2.10")}) == 1
    )


def test_a_doubtful_device_is_replaced_by_the_adversary() -> None:
    network = snapshot([R1, R2], [link("r1:eth1", "r2:eth1"), link("r1:eth2"), link("r2:eth2")])
    graph = build_graph(network, doubtful_devices=frozenset({"r1"}))
    assert "r1" not in graph.devices
    assert len(graph.unmodelled_segments) == 2


def test_a_port_that_the_device_does_not_show_is_not_modelled() -> None:
    graph = build_graph(snapshot([R1], [link("r1:eth1", "r1:eth7"), link("r1:eth2")]))
    assert graph.segment_of[TerminationPoint("r1", "eth1")] in graph.unmodelled_segments


def test_the_export_shows_the_adversary_and_what_is_down() -> None:
    box = device("r1", interface("eth1", "10.0.0.1/30", enabled=False))
    dot = export(build_graph(snapshot([box], [])), "dot")
    assert f'"{UNMODELLED}"' in dot
    assert "dashed" in dot
    assert "<graphml" in export(build_graph(snapshot([box], [])), "graphml")


def test_a_device_that_no_link_places_opens_declared_wires_too() -> None:
    network = snapshot([R1], [link("r1:eth1"), link("r1:eth2")], (CollectionFailure("r9", "timeout"),))
    assert len(build_graph(network).unmodelled_segments) == 2
