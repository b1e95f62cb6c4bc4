"""VLANs keep segments apart, and whatever may join them does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from builders.networks import device, interface, link, snapshot

from segaudit.graph import build_graph
from segaudit.graph.forwarding_graph import ForwardingGraph
from segaudit.model.device import Device, Interface, InterfaceKind, Switchport, SwitchportMode
from segaudit.model.snapshot import CollectionFailure
from segaudit.model.topology import Link, TerminationPoint

EVERY_VLAN = ((1, 4094),)


def access(name: str, vlan: int) -> Interface:
    return interface(name, switchport=Switchport(SwitchportMode.ACCESS, access_vlan=vlan))


def trunk(
    name: str, *vlans: tuple[int, int], native: int | None = 1, negotiated: int = 0, **more: Any
) -> Interface:
    port = Switchport(SwitchportMode.TRUNK, negotiated, native, vlans or EVERY_VLAN)
    return interface(name, switchport=port, **more)


def svi(vlan: int, *addresses: str) -> Interface:
    return interface(f"Vlan{vlan}", *addresses, kind=InterfaceKind.VLAN, vlan=vlan)


def subinterface(parent: str, vlan: int | None, *addresses: str) -> Interface:
    return interface(f"{parent}.{vlan}", *addresses, kind=InterfaceKind.VLAN, parent=parent, vlan=vlan)


def end(name: str) -> Device:
    return device(name, interface("eth1", "10.0.0.9/24", forwards=False))


def graph_of(devices: list[Device], links: list[Link]) -> ForwardingGraph:
    return build_graph(snapshot(devices, links))


def home(graph: ForwardingGraph, text: str) -> str:
    return graph.segment_of[TerminationPoint(*text.split(":"))]


def wires(graph: ForwardingGraph, text: str) -> set[str]:
    return set(graph.wires(TerminationPoint(*text.split(":"))))


def two_switches(left: Interface, right: Interface) -> ForwardingGraph:
    """Hosts a and c in VLAN 10, b and d in VLAN 20, on two switches joined by ``left`` and ``right``."""
    one = device("s1", access("p1", 10), access("p2", 20), left)
    two = device("s2", access("p1", 10), access("p2", 20), right)
    ends = [end(name) for name in "abcd"]
    wired = [
        link("s1:p1", "a:eth1"),
        link("s1:p2", "b:eth1"),
        link("s2:p1", "c:eth1"),
        link("s2:p2", "d:eth1"),
    ]
    return graph_of([one, two, *ends], [*wired, link(f"s1:{left.name}", f"s2:{right.name}")])


def test_a_trunk_joins_each_vlan_with_itself() -> None:
    graph = two_switches(trunk("t"), trunk("t"))
    assert home(graph, "a:eth1") == home(graph, "c:eth1")
    assert home(graph, "b:eth1") == home(graph, "d:eth1")
    assert home(graph, "a:eth1") != home(graph, "b:eth1")
    assert not graph.unmodelled_segments


def test_a_vlan_that_one_end_does_not_carry_ends_there() -> None:
    graph = two_switches(trunk("t", (10, 10)), trunk("t"))
    assert home(graph, "a:eth1") == home(graph, "c:eth1")
    assert home(graph, "b:eth1") != home(graph, "d:eth1")


def test_different_native_vlans_join_two_vlans() -> None:
    """What one switch sends untagged the other takes for its own native VLAN."""
    graph = two_switches(trunk("t", native=10), trunk("t", native=20))
    assert home(graph, "a:eth1") == home(graph, "d:eth1")


def test_an_access_port_on_a_trunk_joins_its_vlan_with_the_native_one() -> None:
    graph = two_switches(trunk("t", native=20), access("t", 10))
    assert home(graph, "b:eth1") == home(graph, "c:eth1")
    assert home(graph, "a:eth1") != home(graph, "d:eth1")


def test_a_port_that_negotiates_is_both() -> None:
    graph = two_switches(trunk("t", native=1, negotiated=10), access("t", 20))
    assert home(graph, "a:eth1") == home(graph, "d:eth1")


def test_what_is_on_the_wire_of_a_trunk_is_every_vlan_of_it() -> None:
    graph = two_switches(trunk("t"), trunk("t"))
    assert {home(graph, "a:eth1"), home(graph, "b:eth1")} <= wires(graph, "s1:t")


def test_the_host_at_the_end_of_a_trunk_may_send_any_tag() -> None:
    switch = device("s1", access("p1", 10), trunk("t"))
    graph = graph_of([switch, end("a"), end("z")], [link("s1:p1", "a:eth1"), link("s1:t", "z:eth1")])
    assert home(graph, "a:eth1") in wires(graph, "z:eth1")
    assert home(graph, "a:eth1") != home(graph, "z:eth1")


def test_a_router_on_a_stick_hears_one_vlan_by_each_subinterface() -> None:
    switch = device("s1", access("p1", 10), access("p2", 20), trunk("t", (10, 20)))
    router = device(
        "r", interface("g0"), subinterface("g0", 10, "10.0.0.1/24"), subinterface("g0", 20, "10.0.1.1/24")
    )
    wired = [link("s1:p1", "a:eth1"), link("s1:p2", "b:eth1"), link("s1:t", "r:g0")]
    graph = graph_of([switch, router, end("a"), end("b")], wired)
    assert home(graph, "a:eth1") == home(graph, "r:g0.10")
    assert home(graph, "b:eth1") == home(graph, "r:g0.20")
    assert home(graph, "a:eth1") != home(graph, "b:eth1")


@pytest.mark.parametrize(("vlan", "joined"), [(None, {"a", "b"}), (0, set())])
def test_a_subinterface_of_an_unknown_tag_hears_all(vlan: int | None, joined: set[str]) -> None:
    switch = device("s1", access("p1", 10), access("p2", 20), trunk("t", (10, 20), native=None))
    router = device("r", interface("g0"), subinterface("g0", vlan, "10.0.0.1/24"))
    wired = [link("s1:p1", "a:eth1"), link("s1:p2", "b:eth1"), link("s1:t", "r:g0")]
    graph = graph_of([switch, router, end("a"), end("b")], wired)
    heard = {name for name in "ab" if home(graph, f"{name}:eth1") == home(graph, f"r:g0.{vlan}")}
    assert heard == joined


def test_tags_inside_tags_are_not_kept_apart() -> None:
    def router(name: str, inner: int) -> Device:
        return device(
            name, interface("g0"), subinterface("g0", 10), subinterface("g0.10", inner, "10.0.0.1/24")
        )

    graph = graph_of([router("r1", 5), router("r2", 5), router("r3", 6)], [link("r1:g0", "r2:g0", "r3:g0")])
    assert home(graph, "r1:g0.10.5") == home(graph, "r2:g0.10.5") == home(graph, "r3:g0.10.6")


def test_an_svi_is_on_its_vlan_and_closed_where_the_ports_are() -> None:
    switch = device(
        "s1", access("p1", 10), access("p2", 20), svi(10, "10.0.0.1/24"), svi(20, "10.0.1.1/24")
    )
    graph = graph_of([switch, end("a"), end("b")], [link("s1:p1", "a:eth1"), link("s1:p2", "b:eth1")])
    assert home(graph, "a:eth1") == home(graph, "s1:Vlan10")
    assert home(graph, "a:eth1") != home(graph, "b:eth1")
    assert not graph.unmodelled_segments
    assert TerminationPoint("s1", "p1") not in graph.receivers(home(graph, "a:eth1"))


def test_an_svi_that_no_port_carries_is_open() -> None:
    graph = graph_of([device("s1", access("p1", 20), svi(10, "10.0.0.1/24"))], [link("s1:p1")])
    assert graph.unmodelled_segments == {home(graph, "s1:Vlan10")}


def test_a_trunk_that_nobody_wired_opens_every_vlan_of_it() -> None:
    switch = device("s1", access("p1", 10), access("p2", 20), access("p3", 30), trunk("t", (10, 20)))
    wired = [link(f"s1:p{number}", f"{name}:eth1") for number, name in enumerate("abc", start=1)]
    graph = graph_of([switch, *(end(name) for name in "abc")], wired)
    opened = {name for name in "abc" if home(graph, f"{name}:eth1") in graph.unmodelled_segments}
    assert opened == {"a", "b"}


def test_an_uncollected_switch_behind_a_trunk_touches_every_vlan_of_it() -> None:
    switch = device("s1", access("p1", 10), access("p3", 30), trunk("t", (10, 20), native=None))
    wired = [link("s1:p1", "a:eth1"), link("s1:p3", "c:eth1"), link("s1:t", "s9:t")]
    network = snapshot([switch, end("a"), end("c")], wired, (CollectionFailure("s9", "timeout"),))
    graph = build_graph(network)
    assert home(graph, "a:eth1") in graph.unmodelled_segments
    assert home(graph, "c:eth1") not in graph.unmodelled_segments


def test_a_doubtful_switch_joins_what_it_carries() -> None:
    switches = two_switches(trunk("t"), trunk("t"))
    doubtful = build_graph(
        snapshot(list(switches.devices.values()), [link("s1:p1", "a:eth1"), link("s1:t", "s2:t")]),
        doubtful_devices=frozenset({"s1"}),
    )
    assert wires(doubtful, "s2:t") <= doubtful.unmodelled_segments


def test_a_claim_about_one_port_does_not_close_another() -> None:
    switch = device("s1", access("p1", 10), access("p2", 10), svi(10, "10.0.0.1/24"))
    one, two = TerminationPoint("s1", "p1"), TerminationPoint("s1", "p2")
    for claimed, closed in (({one}, False), ({one, two}, True)):
        graph = build_graph(snapshot([switch], []), end_hosts_only=frozenset(claimed))
        assert bool(graph.unmodelled_segments) is not closed


def test_a_bundle_carries_by_each_member_and_its_members_take_nothing_in() -> None:
    bundle = trunk("po1", (10, 20), kind=InterfaceKind.AGGREGATE)
    one = device(
        "s1", access("p1", 10), bundle, interface("m1", parent="po1"), interface("m2", parent="po1")
    )
    two = device("s2", access("p1", 10), trunk("t", (10, 10)))
    wired = [link("s1:p1", "a:eth1"), link("s2:p1", "b:eth1"), link("s1:m1", "s2:t"), link("s1:m2")]
    graph = graph_of([one, two, end("a"), end("b")], wired)
    assert home(graph, "a:eth1") == home(graph, "b:eth1")
    assert not graph.unmodelled_segments
    routed = device(
        "r", interface("po1", "10.0.0.1/24", kind=InterfaceKind.AGGREGATE), interface("m1", parent="po1")
    )
    plain = graph_of([routed, end("a")], [link("r:m1", "a:eth1")])
    assert plain.receivers(home(plain, "a:eth1")) == (
        TerminationPoint("a", "eth1"), TerminationPoint("r", "po1"),
    )  # fmt: skip


def test_a_bridge_that_keeps_no_vlans_apart_joins_all_of_them() -> None:
    box = device(
        "br",
        interface("br0", kind=InterfaceKind.BRIDGE),
        interface("p1", bridge="br0"),
        interface("p2", bridge="br0"),
    )
    switch = device("s1", access("p1", 10), access("p2", 20), trunk("t", (10, 20), native=None))
    wired = [
        link("s1:p1", "a:eth1"),
        link("s1:p2", "b:eth1"),
        link("s1:t", "br:p1"),
        link("br:p2", "c:eth1"),
    ]
    graph = graph_of([box, switch, *(end(name) for name in "abc")], wired)
    assert len({home(graph, f"{name}:eth1") for name in "abc"}) == 1


def test_what_a_member_hears_tagged_its_bundle_bridges_on() -> None:
    box = device(
        "br",
        interface("br0", kind=InterfaceKind.BRIDGE),
        interface("bond0", kind=InterfaceKind.AGGREGATE, bridge="br0"),
        interface("m1", parent="bond0"),
        interface("p1", bridge="br0"),
    )
    switches = [device(name, access("p1", 10), trunk("t", (10, 10), native=None)) for name in ("s1", "s2")]
    wired = [link("s1:p1", "a:eth1"), link("s2:p1", "b:eth1"), link("s1:t", "br:m1"), link("s2:t", "br:p1")]
    graph = graph_of([box, *switches, end("a"), end("b")], wired)
    assert home(graph, "a:eth1") == home(graph, "b:eth1")


def test_links_that_share_an_end_share_their_tags_in_any_order() -> None:
    ends = [device(name, trunk("e", (20, 20), native=None)) for name in ("c", "d")]
    plain = [device("x", interface("p")), device("q", interface("p"))]
    wired = [link("q:p", "x:p"), link("x:p", "c:e"), link("d:e", "q:p")]
    for links in (wired, wired[::-1]):
        graph = graph_of([*ends, *plain], links)
        assert set(wires(graph, "c:e")) & set(wires(graph, "d:e")) > {home(graph, "c:e")}


def test_where_no_vlan_is_known_nothing_changes() -> None:
    plain = [device("r1", interface("eth1", "10.0.0.1/30")), device("r2", interface("eth1", "10.0.0.2/30"))]
    graph = graph_of(plain, [link("r1:eth1", "r2:eth1")])
    assert [segment.carriers for segment in graph.segments.values()] == [()]
    assert replace(graph, carried={}) == graph
