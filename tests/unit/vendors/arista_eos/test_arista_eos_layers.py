"""EOS: interfaces, VLANs, VRFs and routes by what a configuration says and what it leaves out."""

from __future__ import annotations

from functools import partial
from ipaddress import ip_address

import pytest
from builders.switch_configs import carries, doubts, next_hops
from builders.switch_configs import read as read_config

from segaudit.model.device import Device, InterfaceKind, SwitchportMode
from segaudit.model.flow import Family
from segaudit.vendors.arista_eos import VENDOR

read = partial(read_config, VENDOR)
BOTH = frozenset(Family)


def addresses(device: Device, interface: str) -> list[str]:
    return [str(one) for one in device.interfaces[interface].addresses]


# ---- defaults of absent lines -------------------------------------------------------------------


def test_an_ethernet_port_without_a_line_is_an_access_port_of_vlan_1() -> None:
    port = read("interface Ethernet1\nend\n").interfaces["Ethernet1"]
    assert port.switchport is not None
    assert (port.switchport.mode, port.switchport.access_vlan) == (SwitchportMode.ACCESS, 1)
    assert port.enabled
    assert port.forwarding == frozenset()


def test_switchport_default_mode_routed_makes_ports_routed() -> None:
    device = read(
        "switchport default mode routed\ninterface Ethernet1\ninterface Ethernet2\n switchport\nend\n"
    )
    assert device.interfaces["Ethernet1"].switchport is None
    assert device.interfaces["Ethernet2"].switchport is not None


def test_an_address_waits_until_the_port_is_routed() -> None:
    config = "ip routing\ninterface Ethernet1\n ip address 10.0.0.1/24\n{}end\n"
    assert addresses(read(config.format("")), "Ethernet1") == []
    assert addresses(read(config.format(" no switchport\n")), "Ethernet1") == ["10.0.0.1/24"]


def test_layer_2_settings_do_not_make_a_switchport_of_a_routed_port() -> None:
    device = read(
        "interface Ethernet1\n no switchport\n switchport access vlan 5\n switchport mode trunk\nend\n"
    )
    assert device.interfaces["Ethernet1"].switchport is None


def test_nothing_is_routed_without_ip_routing() -> None:
    config = "{}interface Ethernet1\n no switchport\n ip address 10.0.0.1/24\nend\n"
    assert read(config.format("")).forwards == frozenset()
    assert read(config.format("no ip routing\n")).forwards == frozenset()
    assert read(config.format("ip routing\n")).forwards == {Family.IPV4}


def test_each_vrf_and_family_is_routed_by_its_own_line() -> None:
    device = read(
        "vrf instance A\nvrf instance B\nip routing vrf A\nipv6 unicast-routing vrf B\n"
        "interface Vlan1\n vrf A\n ip address 10.0.0.1/24\n ipv6 address 2001:db8::1/64\n"
        "interface Vlan2\n vrf B\n ip address 10.0.0.1/24\n ipv6 address 2001:db8::1/64\nend\n"
    )
    assert device.interfaces["Vlan1"].forwarding == {Family.IPV4}
    assert device.interfaces["Vlan2"].forwarding == {Family.IPV6}


def test_interface_defaults_can_shut_all_ethernet_ports() -> None:
    device = read(
        "interface defaults\n ethernet\n  shutdown\ninterface Ethernet1\n"
        "interface Ethernet2\n no shutdown\ninterface Loopback0\nend\n"
    )
    assert {name for name, one in device.interfaces.items() if not one.enabled} == {"Ethernet1"}


# ---- layer 2 ------------------------------------------------------------------------------------


def test_a_trunk_carries_what_it_allows_and_its_trunk_groups() -> None:
    device = read(
        "vlan 40\n trunk group G\nvlan 41\n"
        "interface Ethernet1\n switchport mode trunk\n switchport trunk allowed vlan 10,20-29\n"
        " switchport trunk allowed vlan add 31\n switchport trunk group G\nend\n"
    )
    port = device.interfaces["Ethernet1"]
    assert [vlan for vlan in range(1, 60) if carries(port, vlan)] == [10, *range(20, 30), 31, 40]


def test_a_member_of_a_port_channel_has_no_layer_of_its_own() -> None:
    device = read(
        "interface Port-Channel5\n no switchport\n ip address 10.0.0.1/30\n"
        "interface Ethernet1\n switchport access vlan 7\n channel-group 5 mode active\nend\n"
    )
    member, bundle = device.interfaces["Ethernet1"], device.interfaces["Port-Channel5"]
    assert (member.parent, member.switchport, member.addresses) == ("Port-Channel5", None, ())
    assert bundle.kind is InterfaceKind.AGGREGATE
    assert addresses(device, "Port-Channel5") == ["10.0.0.1/30"]


def test_a_port_channel_exists_as_soon_as_a_port_joins_it() -> None:
    device = read("interface Ethernet1\n switchport access vlan 7\n channel-group 9 mode on\nend\n")
    assert carries(device.interfaces["Port-Channel9"], 7)


@pytest.mark.parametrize(
    ("line", "up"),
    [("", False), (" switchport access vlan 30\n", True), (" switchport mode trunk\n", True)],
)
def test_an_svi_is_down_where_nothing_can_carry_its_vlan(line: str, up: bool) -> None:
    device = read(f"vlan 30\ninterface Ethernet1\n{line}interface Vlan30\n ip address 10.0.0.1/24\nend\n")
    assert device.interfaces["Vlan30"].operational is up


def test_no_autostate_keeps_an_svi_up() -> None:
    device = read("interface Vlan30\n no autostate\n ip address 10.0.0.1/24\nend\n")
    assert device.interfaces["Vlan30"].operational


def test_a_subinterface_takes_its_tag_from_its_parent() -> None:
    device = read(
        "ip routing\ninterface Ethernet1\n shutdown\ninterface Ethernet1.7\n"
        " encapsulation dot1q vlan 70\n ip address 10.7.0.1/24\nend\n"
    )
    one = device.interfaces["Ethernet1.7"]
    assert (one.kind, one.parent, one.vlan, one.operational) == (InterfaceKind.VLAN, "Ethernet1", 70, False)
    assert device.interfaces["Ethernet1"].switchport is None


# ---- addresses ----------------------------------------------------------------------------------


def test_virtual_addresses_have_the_prefix_of_their_interface() -> None:
    device = read(
        "interface Vlan1\n ip address 10.0.0.2/24\n ip address 10.9.0.2/24 secondary\n"
        " ip virtual-router address 10.0.0.1\n vrrp 1 ipv4 10.9.0.1\n"
        "interface Vlan2\n ip address virtual 10.2.0.1/24\n ip address virtual 10.3.0.1/24 secondary\nend\n"
    )
    assert addresses(device, "Vlan1") == ["10.0.0.2/24", "10.9.0.2/24", "10.0.0.1/24", "10.9.0.1/24"]
    assert addresses(device, "Vlan2") == ["10.2.0.1/24", "10.3.0.1/24"]


def test_a_vrf_takes_away_the_addresses_before_it() -> None:
    config = "vrf instance A\ninterface Loopback1\n ip address 10.0.0.1/32\n vrf A\nend\n"
    assert addresses(read(config), "Loopback1") == []


def test_one_address_can_be_taken_back() -> None:
    config = "interface Vlan1\n ip address 10.0.0.2/24\n ip address 10.9.0.2/24 secondary\n{}end\n"
    assert addresses(read(config.format(" no ip address 10.9.0.2/24 secondary\n")), "Vlan1") == [
        "10.0.0.2/24"
    ]
    assert addresses(read(config.format(" no ip address\n")), "Vlan1") == []


def test_an_unnumbered_interface_uses_the_address_of_another() -> None:
    device = read(
        "interface Loopback0\n ip address 10.255.0.1/32\n"
        "interface Ethernet1\n no switchport\n ip address unnumbered Loopback0\nend\n"
    )
    assert addresses(device, "Ethernet1") == ["10.255.0.1/32"]


# ---- routes -------------------------------------------------------------------------------------

STATICS = (
    "vrf instance A\nip routing\nip routing vrf A\n"
    "interface Ethernet1\n no switchport\n ip address 10.0.0.1/24\n"
    "interface Ethernet2\n no switchport\n vrf A\n ip address 10.0.0.1/24\n"
)


def test_static_routes_stand_in_their_vrf() -> None:
    device = read(STATICS + "ip route 10.1.0.0/16 10.0.0.9\nip route vrf A 10.1.0.0/16 10.0.0.7 250\nend\n")
    seventh, ninth = int(ip_address("10.0.0.7")), int(ip_address("10.0.0.9"))
    assert next_hops(device, "main", "10.1.0.0/16") == {("Ethernet1", ninth)}
    assert next_hops(device, "vrf A", "10.1.0.0/16") == {("Ethernet2", seventh)}


def test_egress_vrf_looks_the_next_hop_up_elsewhere() -> None:
    device = read(STATICS + "ip route vrf A 10.1.0.0/16 egress-vrf default 10.0.0.9\nend\n")
    assert {hop for hop, _ in next_hops(device, "vrf A", "10.1.0.0/16")} == {"Ethernet1"}


def test_a_route_can_be_taken_back() -> None:
    device = read(
        STATICS
        + "ip route 10.1.0.0/16 10.0.0.9\nip route 10.1.0.0/16 10.0.0.8\nno ip route 10.1.0.0/16\nend\n"
    )
    assert next_hops(device, "main", "10.1.0.0/16") == set()


def test_a_conditional_route_may_be_another_way() -> None:
    device = read(STATICS + "ip route 10.1.0.0/16 10.0.0.9 track bfd\nend\n")
    assert any(route.table == "unknown of default" for route in device.routes)
    assert not any(route.table == "unknown of A" for route in device.routes)


def test_what_a_protocol_learns_stays_in_its_vrf() -> None:
    device = read(STATICS + "router ospf 1 vrf A\nend\n")
    assert {route.table for route in device.routes if route.protocol == "unknown"} == {"unknown of A"}
    hops = {
        hop.interface for route in device.routes if route.protocol == "unknown" for hop in route.next_hops
    }
    assert hops == {"Ethernet2"}


def test_route_targets_leak_between_the_vrfs_of_one_switch() -> None:
    device = read(
        STATICS + "vrf instance B\ninterface Ethernet3\n no switchport\n vrf B\n ip address 10.3.0.1/24\n"
        "router bgp 65000\n vrf A\n  route-target import evpn 1:1\n"
        " vrf B\n  route-target export evpn 1:1\nend\n"
    )
    hops = {
        route.table: {hop.interface for hop in route.next_hops}
        for route in device.routes
        if route.protocol == "unknown" and route.family is Family.IPV4
    }
    assert hops["unknown of A"] == {"Ethernet2", "Ethernet3"}
    assert hops["unknown of B"] == {"Ethernet3"}


def test_mpls_may_carry_the_packets_of_a_vpn_over_the_default_vrf() -> None:
    vpn = "router bgp 65000\n vrf A\n  route-target import vpn-ipv4 1:1\n"
    with_labels, without = read(f"{STATICS}{vpn}mpls ip\nend\n"), read(f"{STATICS}{vpn}end\n")

    def leaves_by(device: Device) -> set[str | None]:
        routes = [route for route in device.routes if route.table == "unknown of A"]
        return {hop.interface for route in routes for hop in route.next_hops}

    assert leaves_by(without) == {"Ethernet2"}
    assert leaves_by(with_labels) == {"Ethernet1", "Ethernet2"}


def test_router_general_leaks_routes() -> None:
    device = read(
        STATICS + "router general\n vrf A\n  leak routes source-vrf default subscribe-policy P\nend\n"
    )
    assert any(
        "Ethernet1" in str(route.next_hops) for route in device.routes if route.table == "unknown of A"
    )


def test_policy_routing_may_send_packets_anywhere_before_any_table() -> None:
    device = read(STATICS + "interface Ethernet1\n service-policy type pbr input P\nend\n")
    rules = sorted(
        (rule for rule in device.rules if rule.family is Family.IPV4), key=lambda one: one.priority
    )
    assert rules[0].table == "by policy"
    hops = {
        hop.interface for route in device.routes if route.table == "by policy" for hop in route.next_hops
    }
    assert hops == {"Ethernet1", "Ethernet2"}


# ---- overlays and what is not modelled ----------------------------------------------------------


def test_vxlan_is_a_tunnel_that_carries_its_vlans_and_vrfs() -> None:
    device = read(
        "vrf instance T\nip routing vrf T\ninterface Loopback1\n ip address 10.255.1.1/32\n"
        "interface Vlan20\n vrf T\n ip address 10.20.0.1/24\n"
        "interface Vxlan1\n vxlan source-interface Loopback1\n vxlan vlan 20 vni 10020\n"
        " vxlan vrf T vni 50001\nend\n"
    )
    tunnel, routed = device.interfaces["Vxlan1"], device.interfaces["Vxlan1 vrf T"]
    assert tunnel.kind is routed.kind is InterfaceKind.TUNNEL
    assert carries(tunnel, 20)
    assert not carries(tunnel, 21)
    assert tunnel.tunnel is not None
    assert tunnel.tunnel.source == int(ip_address("10.255.1.1"))
    assert (routed.vrf, routed.forwarding) == ("T", frozenset({Family.IPV4}))
    assert device.interfaces["Vlan20"].operational
    assert doubts(device) == ["vxlan vlan 20 vni 10020"]
    assert any(route.table == "unknown of T" for route in device.routes)


@pytest.mark.parametrize(
    "line",
    [
        "mpls ip",
        "monitor session 1 source Ethernet1",
        "nexthop-group G type gre",
        "router pim sparse-mode",
        "interface Ethernet1\n ip helper-address 192.0.2.1",
        "interface Ethernet1\n switchport mode dot1q-tunnel",
        "interface Ethernet1\n switchport vlan mapping 5 6",
        "interface Vlan1\n pim ipv4 sparse-mode",
        "ip route 10.0.0.0/8 nexthop-group G",
        "some-future-command with words",
        "interface Ethernet1\n some-future-command",
        "interface Warp1",
        "no interface Ethernet1",
        "interface Ethernet1\n dot1x port-control auto",
        "switchport default mode liquid",
    ],
)
def test_what_could_forward_and_is_not_modelled_makes_the_device_doubtful(line: str) -> None:
    assert doubts(read(f"{line}\nend\n"))


def test_a_configuration_without_its_last_line_is_doubtful() -> None:
    assert doubts(read("hostname a\nend\n")) == []
    assert doubts(read("hostname a\ninterface Ethernet1\n")) == ["interface Ethernet1"]
    assert doubts(read("")) == [""]


def test_a_file_of_which_nothing_is_known_makes_the_device_doubtful() -> None:
    device = read("hostname a\nend\n", more="interface Ethernet9\n no switchport\n")
    assert doubts(device) == ["interface Ethernet9 no switchport"]
