"""Who on a wire receives a packet: where in doubt, everyone who might."""

from __future__ import annotations

from ipaddress import ip_address

from builders.networks import device, interface, link, route, snapshot

from segaudit.graph import build_graph
from segaudit.model.device import Neighbour
from segaudit.model.flow import Family
from segaudit.model.snapshot import Snapshot
from segaudit.packets import Universe
from segaudit.reach.device_path import Level
from segaudit.reach.fixpoint import Network, Source

UNIVERSE = Universe(Family.IPV4, 1 << 18)


def owner_is_down() -> Snapshot:
    """r1 sends to 10.9.0.9, which a dead box owns and r2, a proxy, may answer for."""
    r1 = device(
        "r1",
        interface("eth1", "10.1.0.1/24"),
        interface("eth2", "10.9.0.1/24"),
        routes=(route("10.2.0.0/24", "eth2", "10.9.0.9"),),
    )
    dead = device("dead", interface("eth1", "10.9.0.9/24", enabled=False, operational=False))
    proxy = interface("eth1", "10.9.0.2/24", proxy_arp=True)
    r2 = device("r2", proxy, interface("eth2", "10.2.0.1/24"))
    wires = [link("r1:eth1"), link("r1:eth2", "dead:eth1", "r2:eth1"), link("r2:eth2")]
    return snapshot([r1, dead, r2], wires)


def test_a_proxy_may_answer_for_an_owner_that_is_down() -> None:
    graph = build_graph(owner_is_down())
    source = Source(frozenset({"r1:eth1"}))
    reached = Network(graph, UNIVERSE).reach(source)
    assert not reached.space(("segment", "r2:eth2")).is_empty


def test_an_owner_that_is_down_must_receive_nothing() -> None:
    graph = build_graph(owner_is_down())
    reached = Network(graph, UNIVERSE, Level.MUST).reach(Source(frozenset({"r1:eth1"})))
    assert reached.space(("in", "dead", "eth1")).is_empty


def test_frames_to_a_mac_that_two_have_may_reach_both_and_surely_neither() -> None:
    """r1's static entry for an address that nobody owns names a MAC that two routers were given."""
    twice = "02:00:00:00:99:99"
    r1 = device(
        "r1",
        interface("eth1", "10.1.0.1/24"),
        interface("eth2", "10.9.0.1/24"),
        routes=(route("10.2.0.0/24", "eth2", "10.9.0.9"),),
        neighbours=(Neighbour("eth2", Family.IPV4, int(ip_address("10.9.0.9")), twice),),
    )
    others = [
        device(name, interface("eth1", f"10.9.0.{number}/24", mac=twice), interface("eth2", "10.2.0.1/24"))
        for number, name in enumerate(("r2", "r3"), start=2)
    ]
    wires = [link("r1:eth1"), link("r1:eth2", "r2:eth1", "r3:eth1"), link("r2:eth2"), link("r3:eth2")]
    graph = build_graph(snapshot([r1, *others], wires))
    source = Source(frozenset({"r1:eth1"}))
    for level, reached in ((Level.MAY, True), (Level.MUST, False)):
        found = Network(graph, UNIVERSE, level).reach(source)
        both = [not found.space(("segment", f"{name}:eth2")).is_empty for name in ("r2", "r3")]
        assert both == [reached, reached]


def test_a_next_hop_inside_a_prefix_that_is_local_may_be_answered_for() -> None:
    """AnyIP: r2 has 10.9.0.128/25 as a local route, and r1's next hop is in it."""
    r1 = device(
        "r1",
        interface("eth1", "10.1.0.1/24"),
        interface("eth2", "10.9.0.1/24"),
        routes=(route("10.2.0.0/24", "eth2", "10.9.0.200"),),
    )
    whole = route("10.9.0.128/25", "lo", kind="local", table="local")
    r2 = device("r2", interface("eth1", "10.9.0.2/24"), interface("eth2", "10.2.0.1/24"), routes=(whole,))
    graph = build_graph(snapshot([r1, r2], [link("r1:eth1"), link("r1:eth2", "r2:eth1"), link("r2:eth2")]))
    reached = Network(graph, UNIVERSE).reach(Source(frozenset({"r1:eth1"})))
    assert not reached.space(("segment", "r2:eth2")).is_empty


def test_a_link_local_next_hop_may_be_whoever_does_not_show_its_own() -> None:
    """Configurations hold no link-local addresses; the kernel lists those that there are."""
    r1 = device(
        "r1",
        interface("eth1", "2001:db8:1::1/64"),
        interface("eth2", "2001:db8:9::1/64"),
        routes=(route("2001:db8:2::/64", "eth2", "fe80::9"),),
    )
    shows = interface("eth1", "2001:db8:9::3/64", "fe80::3/64")
    others = [
        device("r2", interface("eth1", "2001:db8:9::2/64"), interface("eth2", "2001:db8:2::1/64")),
        device("r3", shows, interface("eth2", "2001:db8:2::2/64")),
    ]
    wires = [link("r1:eth1"), link("r1:eth2", "r2:eth1", "r3:eth1"), link("r2:eth2"), link("r3:eth2")]
    graph = build_graph(snapshot([r1, *others], wires))
    universe = Universe(Family.IPV6, 1 << 18)
    source = Source(frozenset({"r1:eth1"}))
    reached = {level: Network(graph, universe, level).reach(source) for level in Level}
    assert not reached[Level.MAY].space(("segment", "r2:eth2")).is_empty
    assert reached[Level.MAY].space(("segment", "r3:eth2")).is_empty
    assert reached[Level.MUST].space(("segment", "r2:eth2")).is_empty
