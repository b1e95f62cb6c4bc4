"""Instances, static routes, and what may have been learned."""

from __future__ import annotations

import pytest
from builders.junos import device, doubts

from segaudit.model.device import Device, Route, RouteKind
from segaudit.model.flow import Family, parse_address

BASE = """
set interfaces ge-0/0/0 unit 0 family inet address 10.0.0.1/24
set interfaces ge-0/0/1 unit 0 family inet address 10.0.1.1/24
set interfaces ge-0/0/2 unit 0 family inet address 10.0.2.1/24
"""
RED = """
set routing-instances RED instance-type virtual-router
set routing-instances RED interface ge-0/0/2.0
"""


def routes_to(read: Device, prefix: str, table: str = "main") -> list[Route]:
    return [route for route in read.routes if str(route) == prefix and route.table == table]


def unknown(read: Device, vrf: str = "default", family: Family = Family.IPV4) -> set[str | None]:
    """The interfaces by which routes that are not shown may lead out of a VRF."""
    return {
        hop.interface
        for route in read.routes
        if route.table == f"unknown of {vrf}" and route.family is family
        for hop in route.next_hops
    }


def test_connected_and_own_addresses() -> None:
    read = device(BASE)
    (route,) = routes_to(read, "10.0.0.0/24")
    assert [hop.interface for hop in route.next_hops] == ["ge-0/0/0.0"]
    assert [route.kind for route in routes_to(read, "10.0.0.1/32", "local")] == [RouteKind.LOCAL]
    assert unknown(read) == set()


def test_a_static_route_has_preference_five() -> None:
    (route,) = routes_to(
        device(BASE + "set routing-options static route 10.9.0.0/16 next-hop 10.0.1.9"), "10.9.0.0/16"
    )
    assert route.preference == 5
    assert [(hop.interface, hop.address) for hop in route.next_hops] == [
        ("ge-0/0/1.0", parse_address("10.0.1.9")[1])
    ]
    assert route.span is not None and route.span.first_line == 5


@pytest.mark.parametrize(
    ("word", "kind"), [("discard", RouteKind.BLACKHOLE), ("reject", RouteKind.UNREACHABLE)]
)
def test_routes_to_nowhere(word: str, kind: RouteKind) -> None:
    (route,) = routes_to(
        device(BASE + f"set routing-options static route 10.9.0.0/16 {word}"), "10.9.0.0/16"
    )
    assert route.kind is kind


def test_a_next_hop_out_of_reach_makes_no_route() -> None:
    read = device(BASE + "set routing-options static route 10.9.0.0/16 next-hop 192.0.2.1\n"
                  "set routing-options static route 0.0.0.0/0 next-hop 10.0.0.9\n")  # fmt: skip
    assert routes_to(read, "10.9.0.0/16") == []
    assert doubts(read) == []


def test_resolve_follows_other_routes_and_leaves_doubt() -> None:
    read = device(BASE + "set routing-options static route 10.9.0.0/16 next-hop 192.0.2.1\n"
                  "set routing-options static route 10.9.0.0/16 resolve\n"
                  "set routing-options static route 192.0.2.0/24 next-hop 10.0.0.9\n")  # fmt: skip
    (route,) = routes_to(read, "10.9.0.0/16")
    assert "ge-0/0/0.0" in {hop.interface for hop in route.next_hops}
    assert unknown(read) >= {"ge-0/0/1.0"}


def test_qualified_next_hops_have_preferences_of_their_own() -> None:
    read = device(
        BASE
        + "set routing-options static route 10.9.0.0/16 qualified-next-hop 10.0.0.9 preference 7\n"
        + "set routing-options static route 10.9.0.0/16 next-hop 10.0.1.9\n"
        + "set routing-options static defaults preference 30\n"
    )
    found = {route.preference: route.next_hops[0].interface for route in routes_to(read, "10.9.0.0/16")}
    assert found == {7: "ge-0/0/0.0", 30: "ge-0/0/1.0"}


def test_instances_keep_their_routes_apart() -> None:
    read = device(
        BASE + RED + "set routing-instances RED routing-options static route 10.9.0.0/16 next-hop 10.0.2.9"
    )
    assert routes_to(read, "10.9.0.0/16") == []
    assert len(routes_to(read, "10.9.0.0/16", "vrf RED")) == 1
    assert read.interfaces["ge-0/0/2.0"].vrf == "RED"
    assert unknown(read, "RED") == set()


def test_tables_are_named_by_instance_and_family() -> None:
    read = device(
        BASE
        + RED
        + "set interfaces ge-0/0/2 unit 0 family inet6 address 2001:db8::1/64\n"
        + "set routing-instances RED routing-options rib RED.inet6.0 static"
        + " route ::/0 next-hop 2001:db8::9\n"
        + "set routing-options rib inet6.0 static route 2001:db8:9::/48 discard\n"
    )
    assert len(routes_to(read, "::/0", "vrf RED")) == 1
    assert len(routes_to(read, "2001:db8:9::/48")) == 1


@pytest.mark.parametrize(
    ("line", "families"),
    [
        ("protocols ospf area 0.0.0.0 interface all", {Family.IPV4}),
        ("protocols bgp group g neighbor 10.0.0.9", set(Family)),
        ("protocols isis interface all", set(Family)),
        ("protocols ripng group g neighbor ge-0/0/0.0", {Family.IPV6}),
        ("protocols pim interface all", set(Family)),
        ("routing-options generate route 0.0.0.0/0", set(Family)),
        ("interfaces ge-0/0/3 unit 0 family inet dhcp", {Family.IPV4}),
        (
            "routing-options static route 10.9.0.0/16 next-hop 10.0.0.9 bfd-liveness-detection",
            {Family.IPV4},
        ),
    ],
)
def test_what_may_bring_routes_leaves_the_table_unknown(line: str, families: set[Family]) -> None:
    read = device(BASE + RED + f"set {line}")
    for family in Family:
        assert (unknown(read, family=family) >= {"ge-0/0/0.0", "ge-0/0/1.0"}) is (family in families)
    assert "ge-0/0/2.0" not in unknown(read)
    assert unknown(read, "RED") == set()


@pytest.mark.parametrize(
    "line",
    [
        "routing-options static route 10.9.0.0/16 next-table RED.inet.0",
        "routing-options rib-groups g import-rib [ RED.inet.0 inet.0 ]",
        "routing-options instance-import p",
        "firewall family inet filter F term a then routing-instance RED",
    ],
)
def test_what_leaks_leads_out_of_both_instances(line: str) -> None:
    text = (
        BASE
        + RED
        + "set interfaces ge-0/0/0 unit 0 family inet filter input F\n"
        + "set policy-options policy-statement p term a from instance RED\n"
    )
    assert unknown(device(text)) == set()
    assert unknown(device(text + f"set {line}")) >= {"ge-0/0/0.0", "ge-0/0/2.0"}


def test_a_lookup_in_another_table_leads_where_that_one_leads() -> None:
    read = device(
        BASE
        + RED
        + "set routing-instances BLUE instance-type virtual-router\n"
        + "set routing-instances BLUE interface ge-0/0/1.0\n"
        + "set routing-options static route 10.9.0.0/16 next-table RED.inet.0\n"
        + "set routing-instances RED routing-options static route 10.9.0.0/16 next-table BLUE.inet.0\n"
    )
    assert unknown(read) >= {"ge-0/0/0.0", "ge-0/0/1.0", "ge-0/0/2.0"}


VPN = """
set routing-instances A instance-type vrf
set routing-instances A interface ge-0/0/0.0
set routing-instances A vrf-target target:1:1
set routing-instances B instance-type vrf
set routing-instances B interface ge-0/0/1.0
set routing-instances B vrf-import take
set routing-instances B vrf-export give
set routing-instances C instance-type vrf
set routing-instances C interface ge-0/0/2.0
set routing-instances C vrf-target target:3:3
set policy-options policy-statement take term a from community one
set policy-options policy-statement take term a then accept
set policy-options policy-statement take term z then reject
set policy-options policy-statement give then community add two
set policy-options policy-statement give then accept
set policy-options community one members target:1:1
set policy-options community two members target:2:2
"""


def test_route_targets_alone_leak_nothing_inside_a_device() -> None:
    read = device(BASE + VPN)
    assert [unknown(read, name) for name in "ABC"] == [set(), set(), set()]


def test_automatic_export_leaks_by_route_target() -> None:
    read = device(BASE + VPN + "set routing-instances B routing-options auto-export")
    assert unknown(read, "B") == {"ge-0/0/0.0", "ge-0/0/1.0"}
    assert unknown(read, "A") == set()
    assert unknown(read, "C") == set()


def test_a_vpn_leaks_to_the_core_as_well() -> None:
    read = device(BASE + VPN + "set protocols bgp group g family inet-vpn unicast\n"
                  "set interfaces ge-0/0/3 unit 0 family inet address 10.0.3.1/24\n")  # fmt: skip
    assert unknown(read, "C") >= {"ge-0/0/2.0", "ge-0/0/3.0"}
    assert "ge-0/0/0.0" not in unknown(read, "C")
    assert unknown(read, "B") >= {"ge-0/0/0.0", "ge-0/0/1.0", "ge-0/0/3.0"}


def test_an_import_policy_that_takes_anything_takes_it_from_all() -> None:
    text = VPN.replace("set policy-options policy-statement take term a from community one\n", "")
    read = device(BASE + text + "set routing-instances B routing-options auto-export")
    assert unknown(read, "B") == {"ge-0/0/0.0", "ge-0/0/1.0", "ge-0/0/2.0"}


@pytest.mark.parametrize(
    "line",
    [
        "protocols mpls interface ge-0/0/0.0",
        "protocols ldp interface all",
        "interfaces ge-0/0/0 unit 0 family mpls",
        "interfaces ge-0/0/0 unit 0 family vpls",
        "routing-instances V instance-type vpls",
        "routing-options source-routing ip",
        "routing-options dynamic-tunnels t source-address 10.0.0.1",
        "routing-options forwarding-table export nowhere",
        "logical-systems other interfaces ge-0/0/9 unit 0",
        "services service-set s nat-rules r",
        "unheard-of thing",
    ],
)
def test_what_forwards_in_other_ways_makes_the_device_doubtful(line: str) -> None:
    assert doubts(device(BASE)) == []
    assert doubts(device(BASE + f"set {line}")) == [f"set {line}"]


def test_management_has_an_instance_of_its_own_where_it_is_asked_for() -> None:
    port = "set interfaces fxp0 unit 0 family inet address 192.0.2.1/24\n"
    assert device(BASE + port).interfaces["fxp0.0"].vrf == "default"
    assert device(BASE + port + "set system management-instance").interfaces["fxp0.0"].vrf == "mgmt_junos"


def test_the_far_end_of_a_link_is_reached_by_it() -> None:
    read = device("set interfaces ge-0/0/0 unit 0 family inet address 10.0.0.1/32 destination 192.0.2.7\n")
    (route,) = routes_to(read, "192.0.2.7/32")
    assert [hop.interface for hop in route.next_hops] == ["ge-0/0/0.0"]
    assert not read.owns(*parse_address("192.0.2.7"))


def test_flow_specifications_may_lead_anywhere() -> None:
    read = device(BASE + RED + "set protocols bgp group g family inet flow\n")
    assert unknown(read) >= {"ge-0/0/0.0", "ge-0/0/2.0"}


def test_traffic_selectors_make_routes() -> None:
    vpn = (
        "set interfaces st0 unit 0 family inet\nset security ipsec vpn v bind-interface st0.0\n"
        "set security ipsec vpn v ike gateway g\n"
    )
    assert unknown(device(BASE + vpn)) == set()
    selector = "set security ipsec vpn v traffic-selector t remote-ip 192.0.2.0/24\n"
    assert "st0.0" in unknown(device(BASE + vpn + selector))


@pytest.mark.parametrize(("then", "doubtful"), [("discard", False), ("routing-instance RED", True)])
def test_a_filter_of_the_table_may_send_elsewhere(then: str, doubtful: bool) -> None:
    read = device(
        BASE
        + "set forwarding-options family inet filter input F\n"
        + f"set firewall family inet filter F term a then {then}\n"
    )
    assert bool(doubts(read)) is doubtful


def test_a_port_as_such_is_in_no_instance() -> None:
    """What arrives for RED must not be taken for the master's because the port has no unit of its own."""
    read = device(BASE + RED + "set protocols ospf area 0 interface all\n")
    assert read.interfaces["ge-0/0/2"].vrf not in ("default", "RED")
    assert unknown(read) == {"ge-0/0/0.0", "ge-0/0/1.0"}
