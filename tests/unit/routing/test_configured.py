"""The tables that a configuration makes: connected, static, recursive, by VRF, and what may be learned."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest
from builders.networks import interface

from segaudit.model.device import Device, Interface, NextHop, Route, RouteKind
from segaudit.model.flow import Disposition, Family, Flow
from segaudit.packets import HeaderField, Universe
from segaudit.reach.device_path import DevicePath, Level
from segaudit.reach.walk import Walker
from segaudit.routing.configured import ConfiguredRoute, ConfiguredRouting, Unknown, configured_routing

V4 = Universe(Family.IPV4, 1 << 18)
WAN = interface("wan", "192.0.2.1/30")
LAN = interface("lan", "10.1.0.1/24")
RED = interface("red", "10.1.0.1/24", vrf="red")
RED_WAN = interface("red-wan", "198.51.100.1/30", vrf="red")


def number(text: str) -> int:
    return int(ip_address(text))


def static(prefix: str, via: str = "", **more: object) -> ConfiguredRoute:
    network = ip_network(prefix)
    made = ConfiguredRoute(
        Family(network.version), int(network.network_address), network.prefixlen,
        address=number(via) if via else None,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def installed(routing: ConfiguredRouting, prefix: str, table: str = "main") -> list[Route]:
    return [one for one in routing.routes if str(one) == prefix and one.table == table]


def hops(routing: ConfiguredRouting, prefix: str, table: str = "main") -> set[NextHop]:
    return {hop for one in installed(routing, prefix, table) for hop in one.next_hops}


def box(ports: tuple[Interface, ...], routing: ConfiguredRouting) -> Device:
    return Device(
        "r1", "any", {one.name: one for one in ports}, routing.routes, routing.rules,
        forwards=frozenset(Family),
    )  # fmt: skip


def leaves(device: Device, incoming: str, destination: str, level: Level = Level.MAY) -> set[str]:
    """The interfaces by which a packet to ``destination`` leaves; ``-`` where the device takes it."""
    packets = V4.value(HeaderField.DESTINATION, number(destination))
    passage = DevicePath(device, V4, level).passage(incoming, packets, False)
    out = {one.interface for one in passage.emissions if not (one.packets & packets).is_empty}
    return out | ({"-"} if not (passage.delivered & packets).is_empty else set())


def walked(device: Device, incoming: str, destination: str) -> set[tuple[str | None, bool]]:
    flow = Flow(Family.IPV4, 17, number("10.1.0.77"), number(destination), 40000, 53)
    ends = Walker({"r1": device}, {}).walk(flow, "r1", incoming)
    return {
        (one.trace.steps[-1].interface, one.trace.certain)
        for one in ends
        if one.trace.disposition is Disposition.DELIVERED
    }


def test_an_address_is_a_connected_route_and_one_of_its_own() -> None:
    routing = configured_routing([WAN, LAN])
    assert hops(routing, "10.1.0.0/24") == {NextHop("lan")}
    (own,) = installed(routing, "10.1.0.1/32", "local")
    assert own.kind is RouteKind.LOCAL
    assert routing.rules == ()


@pytest.mark.parametrize("state", [{"enabled": False}, {"operational": False}])
def test_an_interface_that_is_down_has_neither(state: dict[str, bool]) -> None:
    assert configured_routing([replace(WAN, **state)]).routes == ()  # type: ignore[arg-type]


def test_a_next_hop_is_found_through_other_routes() -> None:
    far = static("203.0.113.0/24", "10.9.9.9")
    routing = configured_routing([WAN, LAN], [far, static("10.9.0.0/16", "192.0.2.2")])
    assert hops(routing, "203.0.113.0/24") == {NextHop("wan", number("192.0.2.2"), Family.IPV4)}
    assert routing.unresolved == ()


def test_a_next_hop_that_nothing_leads_to_leaves_the_route_out() -> None:
    far = static("203.0.113.0/24", "10.9.9.9")
    routing = configured_routing([WAN, LAN], [far])
    assert not installed(routing, "203.0.113.0/24")
    assert routing.unresolved == (far,)


def test_a_route_does_not_lead_to_its_own_next_hop() -> None:
    assert not installed(configured_routing([WAN], [static("10.9.0.0/16", "10.9.9.9")]), "10.9.0.0/16")


def test_a_route_out_of_an_interface_that_is_not_shown_may_lead_anywhere() -> None:
    shown, unseen = (static("10.9.0.0/16", interface=name) for name in ("wan", "tunnel9"))
    assert hops(configured_routing([WAN, LAN], [shown]), "10.9.0.0/16") == {NextHop("wan")}
    device = box((WAN, LAN), configured_routing([WAN, LAN], [unseen]))
    assert leaves(device, "lan", "10.9.1.1") == {"wan", "lan"}
    assert leaves(device, "lan", "10.9.1.1", Level.MUST) == set()
    down = [replace(WAN, enabled=False), LAN]
    assert not installed(configured_routing(down, [shown]), "10.9.0.0/16")


def test_two_routes_that_need_each_other_are_left_out() -> None:
    pair = [static("10.8.0.0/16", "10.9.0.1"), static("10.9.0.0/16", "10.8.0.1")]
    assert len(configured_routing([WAN], pair).unresolved) == 2


def test_the_default_route_leads_to_a_next_hop_only_where_the_system_lets_it() -> None:
    routes = [static("0.0.0.0/0", "192.0.2.2"), static("10.9.0.0/16", "172.16.0.1")]
    assert installed(configured_routing([WAN], routes), "10.9.0.0/16")
    assert not installed(configured_routing([WAN], routes, resolves_by_default=False), "10.9.0.0/16")


def test_the_lower_distance_wins_and_the_other_waits() -> None:
    first, second = static("10.9.0.0/16", "192.0.2.2"), static("10.9.0.0/16", "10.1.0.9", distance=200)
    device = box((WAN, LAN), configured_routing([WAN, LAN], [second, first]))
    assert leaves(device, "lan", "10.9.1.1") == {"wan"}
    alone = [replace(WAN, enabled=False), LAN]
    assert hops(configured_routing(alone, [second, first]), "10.9.0.0/16") == {
        NextHop("lan", number("10.1.0.9"), Family.IPV4)
    }


def test_equal_distances_are_used_together() -> None:
    routes = [static("10.9.0.0/16", "192.0.2.2"), static("10.9.0.0/16", "10.1.0.9")]
    assert leaves(box((WAN, LAN), configured_routing([WAN, LAN], routes)), "lan", "10.9.1.1") == {
        "wan",
        "lan",
    }


def test_a_discarding_route_discards() -> None:
    routes = [static("10.9.0.0/16", discard=RouteKind.BLACKHOLE), static("0.0.0.0/0", "192.0.2.2")]
    device = box((WAN, LAN), configured_routing([WAN, LAN], routes))
    assert leaves(device, "lan", "10.9.1.1") == set()
    assert leaves(device, "lan", "10.8.1.1") == {"wan"}


# -- VRFs --------------------------------------------------------------------------------------------


def vrf_box(*routes: ConfiguredRoute, **more: object) -> Device:
    ports = (WAN, LAN, RED, RED_WAN)
    return box(ports, configured_routing(ports, routes, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize("level", Level)
def test_a_packet_stays_in_its_vrf(level: Level) -> None:
    device = vrf_box(static("0.0.0.0/0", "192.0.2.2"))
    assert leaves(device, "lan", "8.8.8.8", level) == {"wan"}
    assert leaves(device, "red", "8.8.8.8", level) == set()
    assert leaves(device, "red-wan", "10.1.0.9", level) == {"red"}
    assert leaves(device, "wan", "10.1.0.9", level) == {"lan"}
    assert walked(device, "red", "8.8.8.8") == set()
    assert walked(device, "red-wan", "10.1.0.9") == {("red", True)}


def test_an_address_of_another_vrf_is_not_ones_own() -> None:
    device = vrf_box()
    assert leaves(device, "red", "192.0.2.1") == set()
    assert leaves(device, "red", "198.51.100.1") == {"-"}


def test_a_static_route_may_lead_into_another_vrf() -> None:
    device = vrf_box(static("8.8.8.0/24", "192.0.2.2", vrf="red", next_hop_vrf="default"))
    assert leaves(device, "red", "8.8.8.8", Level.MUST) == {"wan"}
    assert leaves(device, "red", "9.9.9.9") == set()


def test_the_devices_own_packets_may_be_in_any_vrf() -> None:
    device = vrf_box(static("0.0.0.0/0", "192.0.2.2"), static("0.0.0.0/0", "198.51.100.2", vrf="red"))
    packets = V4.value(HeaderField.DESTINATION, number("8.8.8.8"))
    exits = DevicePath(device, V4, Level.MAY).exits(None, False)
    assert {one.interface for one in exits if not one.way.of(packets).is_empty} >= {"wan", "red-wan"}


# -- what a routing protocol may have learned --------------------------------------------------------

OSPF = {("red", Family.IPV4): Unknown("ospf runs in red")}


def test_what_was_learned_may_lead_anywhere_in_the_vrf_and_nowhere_else() -> None:
    device = vrf_box(unknown=OSPF)
    assert leaves(device, "red", "8.8.8.8") == {"red", "red-wan"}
    assert leaves(device, "lan", "8.8.8.8") == set()
    assert leaves(device, "red-wan", "10.1.0.9", Level.MUST) == set()
    assert walked(device, "red-wan", "10.1.0.9") >= {("red", False)}


def test_an_address_of_its_own_stays_its_own() -> None:
    assert leaves(vrf_box(unknown=OSPF), "red", "10.1.0.1", Level.MUST) == {"-"}


def test_a_leak_leads_into_the_other_vrf() -> None:
    leaking = {("red", Family.IPV4): Unknown("route targets", frozenset({"default"}))}
    assert leaves(vrf_box(unknown=leaking), "red", "8.8.8.8") == {"red", "red-wan", "lan", "wan"}


def test_the_default_vrf_learns_too() -> None:
    device = box((WAN, LAN), configured_routing([WAN, LAN], (), {("default", Family.IPV4): Unknown("bgp")}))
    assert leaves(device, "lan", "8.8.8.8") == {"wan", "lan"}
    assert leaves(device, "lan", "8.8.8.8", Level.MUST) == set()


def test_a_next_hop_may_be_reached_by_what_was_learned() -> None:
    routing = configured_routing(
        [WAN, LAN], [static("203.0.113.0/24", "10.9.9.9")], {("default", Family.IPV4): Unknown("bgp")}
    )
    assert NextHop(None, number("10.9.9.9"), Family.IPV4) in hops(routing, "203.0.113.0/24")
