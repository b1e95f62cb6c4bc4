"""Static routes, policy routes, and tables that may hold more than the configuration shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from segaudit.model.acl import Hook, UnknownMatch, leaves
from segaudit.model.device import Device, Route, RouteKind
from segaudit.model.flow import ConnectionState, Family, Flow, parse_address
from segaudit.reach.interpret import Context, decisions
from segaudit.routing import forwarding_tables

Firewall = Callable[[str], Device]


def static(device: Device) -> list[Route]:
    return [route for route in device.routes if route.protocol == "static"]


def routes(*entries: str, table: str = "static") -> str:
    body = "".join(f"    edit {number}\n{entry}    next\n" for number, entry in enumerate(entries, 1))
    return f"config router {table}\n{body}end\n"


def test_a_static_route(firewall: Firewall) -> None:
    text = (
        "        set dst 192.0.2.0 255.255.255.0\n        set gateway 10.1.0.2\n        set device port1\n"
    )
    (route,) = static(firewall(routes(text)))
    assert str(route) == "192.0.2.0/24"
    assert [(hop.interface, hop.address) for hop in route.next_hops] == [("port1", 0x0A010002)]
    assert route.span is not None


def test_without_a_destination_it_is_the_default_route(firewall: Firewall) -> None:
    (route,) = static(firewall(routes("        set gateway 10.1.0.2\n        set device port1\n")))
    assert str(route) == "0.0.0.0/0"


def test_the_lower_distance_then_priority_wins(firewall: Firewall) -> None:
    def text(port: int, more: str) -> str:
        return f"        set gateway 10.{port}.0.2\n        set device port{port}\n{more}"

    def used(first: str, second: str) -> set[str | None]:
        device = firewall(routes(text(1, first), text(2, second)))
        (best,) = [
            route
            for lookup in forwarding_tables(device, Family.IPV4).lookups
            for route in lookup.routes
            if route.prefix_length == 0
        ]
        return {hop.interface for hop in best.next_hops}

    assert used("", "") == {"port1", "port2"}
    assert used("        set distance 20\n", "") == {"port2"}
    assert used("        set priority 5\n", "") == {"port2"}
    assert used("        set distance 9\n        set priority 5\n", "") == {"port1"}


def test_a_blackhole_and_a_disabled_route(firewall: Firewall) -> None:
    device = firewall(
        routes(
            "        set dst 192.0.2.0/24\n        set blackhole enable\n",
            "        set status disable\n        set device port1\n",
        )
    )
    (route,) = static(device)
    assert route.kind is RouteKind.BLACKHOLE


def test_a_route_to_an_address_object(firewall: Firewall) -> None:
    objects = (
        "config firewall address\nedit r\nset type iprange\n"
        "set start-ip 192.0.2.1\nset end-ip 192.0.2.6\nnext\nend\n"
    )
    device = firewall(objects + routes("        set dstaddr r\n        set device port1\n"))
    assert sorted(str(route) for route in static(device)) == [
        "192.0.2.1/32",
        "192.0.2.2/31",
        "192.0.2.4/31",
        "192.0.2.6/32",
    ]


def test_routes_of_ipv6(firewall: Firewall) -> None:
    text = "        set dst 2001:db8:9::/48\n        set gateway 2001:db8::1\n        set device port1\n"
    (route,) = static(firewall(routes(text, table="static6")))
    assert str(route) == "2001:db8:9::/48"


@pytest.mark.parametrize(
    "entry",
    [
        "        set device unheard-of\n",
        "        set gateway unreadable\n        set device port1\n",
        "        set dst 1.2.3.4.5 255.0.0.0\n        set device port1\n",
    ],
)
def test_a_route_that_is_not_understood_leaves_a_doubt(firewall: Firewall, entry: str) -> None:
    device = firewall(routes(entry))
    assert [line for line in device.lines if not line.bounded]


def is_unknown(device: Device, family: Family = Family.IPV4) -> bool:
    return any(route.protocol == "unknown" and route.family is family for route in device.routes)


@pytest.mark.parametrize(
    "block",
    [
        "config router bgp\nset as 65001\nend\n",
        "config router ospf\nconfig area\nedit 0.0.0.0\nnext\nend\nend\n",
        "config router rip\nconfig network\nedit 1\nset prefix 10.0.0.0 255.0.0.0\nnext\nend\nend\n",
        "config router isis\nconfig isis-net\nedit 1\nset net 49.0001.0000.0000.0001.00\nnext\nend\nend\n",
        "config system sdwan\nset status enable\nend\n",
        "config system link-monitor\nedit 1\nset srcintf port1\nnext\nend\n",
        "config vpn ipsec phase1-interface\nedit d\nset type dynamic\nset interface port1\nnext\nend\n",
        "config vpn ipsec phase1-interface\nedit d\n"
        "set auto-discovery-receiver enable\nset interface port1\nnext\nend\n",
        "config router static\nedit 1\nset dynamic-gateway enable\nset device port1\nnext\nend\n",
        "config router static\nedit 1\nset internet-service 65646\nset device port1\nnext\nend\n",
    ],
)
def test_what_may_bring_routes_makes_the_table_unknown(firewall: Firewall, block: str) -> None:
    assert is_unknown(firewall(block))


@pytest.mark.parametrize(
    "block",
    [
        "",
        'config router bgp\nconfig redistribute "connected"\nend\nend\n',
        'config router rip\nconfig redistribute "static"\nend\nend\n',
        "config router ospf\nend\n",
        "config system sdwan\nconfig zone\nedit virtual-wan-link\nnext\nend\nend\n",
    ],
)
def test_the_blocks_of_a_new_device_bring_no_routes(firewall: Firewall, block: str) -> None:
    assert not is_unknown(firewall(block))


def test_sdwan_routes_lead_to_every_member(firewall: Firewall) -> None:
    device = firewall(
        "config system sdwan\nset status enable\nconfig members\n"
        "edit 1\nset interface port1\nset gateway 10.1.0.2\n"
        "next\nedit 2\nset interface port2\nnext\nend\nend\n" + routes("        set sdwan enable\n")
    )
    assert {hop.interface for route in static(device) for hop in route.next_hops} == {"port1", "port2"}


def test_a_policy_route_may_apply(firewall: Firewall) -> None:
    text = (
        '        set input-device "port1"\n        set src "10.1.0.0/255.255.0.0"\n'
        '        set gateway 10.3.0.2\n        set output-device "port3"\n'
    )
    device = firewall(routes(text, table="policy"))
    rules = sorted(
        (rule for rule in device.rules if rule.family is Family.IPV4), key=lambda rule: rule.priority
    )
    at = [number for number, rule in enumerate(rules) if rule.table == "policy route 1 of root"]
    assert len(at) == 1
    assert rules[at[0] - 1].table == "local"
    assert any(rule.table == "main" for rule in rules[at[0] :])
    assert any(isinstance(leaf, UnknownMatch) for leaf in leaves(rules[at[0]].matches))
    (route,) = [route for route in device.routes if route.table == "policy route 1 of root"]
    assert [(hop.interface, hop.address) for hop in route.next_hops] == [("port3", 0x0A030002)]


# ---- reverse path -------------------------------------------------------------------------------


def passes(
    device: Device, source: str, incoming: str, state: ConnectionState = ConnectionState.NEW
) -> set[str]:
    """What the reverse-path check of an interface does with a packet from ``source``."""
    family, number = parse_address(source)
    packet = Flow(family, 17, number, parse_address("10.3.0.9" if family is Family.IPV4 else "::9")[1])
    for attachment in device.attachments:
        if attachment.hook is Hook.INGRESS and attachment.interface == incoming:
            found = decisions(device, attachment.acl, packet, Context(incoming, None, state))
            return {getattr(one.verdict, "value", "") for one in found}
    return {"unchecked"}


def test_a_source_must_have_a_route_out_of_the_interface(firewall: Firewall) -> None:
    device = firewall(
        routes("        set dst 192.0.2.0/24\n        set gateway 10.1.0.2\n        set device port1\n")
    )
    assert passes(device, "10.1.0.9", "port1") == {"accept"}
    assert passes(device, "192.0.2.9", "port1") == {"accept"}
    assert passes(device, "10.2.0.9", "port1") == {"drop"}
    assert passes(device, "192.0.2.9", "port2") == {"drop"}


def test_any_route_in_force_will_do(firewall: Firewall) -> None:
    """A default route that is not the best one for the source counts, too."""
    text = "        set gateway 10.1.0.2\n        set device port1\n"
    device = firewall(routes(text))
    assert passes(device, "10.2.0.9", "port1") == {"accept"}


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("config system interface\nedit port1\nset src-check disable\nnext\nend\n", {"unchecked"}),
        ("config router bgp\nset as 65001\nend\n", {"accept", "drop"}),
        ("config router policy\nedit 1\nset output-device port1\nnext\nend\n", {"accept", "drop"}),
        ("config system interface\nedit port3\nset mode dhcp\nnext\nend\n", {"accept", "drop"}),
    ],
)
def test_where_the_table_is_not_known_nothing_is_dropped_for_certain(
    firewall: Firewall, block: str, expected: set[str]
) -> None:
    assert passes(firewall(block), "10.2.0.9", "port1") == expected


def test_no_source_of_ipv6_is_refused_for_certain(firewall: Firewall) -> None:
    assert passes(firewall(""), "2001:db8::9", "port1") == {"accept", "drop"}


def test_a_session_is_not_checked_again(firewall: Firewall) -> None:
    assert passes(firewall(""), "10.2.0.9", "port1", ConnectionState.ESTABLISHED) == {"accept"}
