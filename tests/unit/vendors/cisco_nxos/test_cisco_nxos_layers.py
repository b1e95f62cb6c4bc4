"""NX-OS: interfaces, VLANs, VRFs and routes by what a configuration says and what it leaves out."""

from __future__ import annotations

from functools import partial
from ipaddress import ip_address

import pytest
from builders.switch_configs import carries, doubts, next_hops
from builders.switch_configs import read as read_config

from segaudit.model.device import Device, InterfaceKind
from segaudit.model.flow import Family
from segaudit.vendors.cisco_nxos import VENDOR

read = partial(read_config, VENDOR, before="version 9.3(8)\nno ip source-route\n")


def addresses(device: Device, interface: str) -> list[str]:
    return [str(one) for one in device.interfaces[interface].addresses]


def is_switched(device: Device, interface: str) -> bool:
    return device.interfaces[interface].switchport is not None


# ---- the layer of a port ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "other", "switched"),
    [
        ("system default switchport\n", "", True),
        ("no system default switchport\n", "", False),
        ("", "interface Ethernet1/9\n  no switchport\n", True),
        ("", "interface Ethernet1/9\n  switchport\n", False),
        ("", "", True),
    ],
)
def test_a_port_without_a_line_is_of_the_layer_that_the_rest_shows(
    before: str, other: str, switched: bool
) -> None:
    assert is_switched(read(f"{before}interface Ethernet1/1\n{other}"), "Ethernet1/1") is switched


def test_a_port_with_an_address_is_routed() -> None:
    device = read("interface Ethernet1/1\n  ip address 10.0.0.1/24\n  no shutdown\ninterface Ethernet1/2\n")
    assert not is_switched(device, "Ethernet1/1")
    assert is_switched(device, "Ethernet1/2")


# ---- up or down ---------------------------------------------------------------------------------


def down(device: Device) -> set[str]:
    return {name for name, one in device.interfaces.items() if not one.enabled}


def test_routed_ports_and_svis_are_down_until_no_shutdown() -> None:
    device = read(
        "interface Ethernet1/1\n  no switchport\n  no shutdown\ninterface Ethernet1/2\n  no switchport\n"
        "interface Ethernet1/1.5\n  encapsulation dot1q 5\ninterface Ethernet1/3\ninterface Vlan7\n"
        "interface Vlan8\n  no shutdown\ninterface loopback0\ninterface mgmt0\ninterface port-channel1\n"
    )
    assert down(device) == {"Ethernet1/2", "Ethernet1/1.5", "Vlan7"}
    assert doubts(device) == []


def test_routed_ports_are_up_where_others_are_shown_to_be_shut() -> None:
    device = read(
        "interface Ethernet1/1\n  no switchport\n  ip address 10.0.0.1/24\n"
        "interface Ethernet1/2\n  no switchport\n  shutdown\n"
    )
    assert down(device) == {"Ethernet1/2"}


def test_a_routed_port_of_which_nothing_shows_the_default_counts_as_up_and_is_doubtful() -> None:
    device = read("interface Ethernet1/1\n  no switchport\n  ip address 10.0.0.1/24\n")
    assert down(device) == set()
    assert doubts(device) == ["interface Ethernet1/1"]


def test_switchports_can_be_shut_by_default() -> None:
    device = read(
        "system default switchport shutdown\ninterface Ethernet1/1\ninterface Ethernet1/2\n  no shutdown\n"
    )
    assert down(device) == {"Ethernet1/1"}


# ---- VRFs ---------------------------------------------------------------------------------------


def test_joining_a_vrf_takes_away_the_addresses_before_it() -> None:
    device = read(
        "vrf context A\ninterface Ethernet1/1\n  no switchport\n  ip address 10.0.0.1/24\n  vrf member A\n"
        "interface Ethernet1/2\n  no switchport\n  vrf member A\n  ip address 10.0.0.1/24\n"
        "interface Ethernet1/3\n  no switchport\n  vrf member A\n"
        "  ip address 10.0.0.1/24\n  no vrf member\n"
    )
    assert addresses(device, "Ethernet1/1") == []
    assert addresses(device, "Ethernet1/2") == ["10.0.0.1/24"]
    assert addresses(device, "Ethernet1/3") == []
    assert [device.interfaces[f"Ethernet1/{n}"].vrf for n in (1, 2, 3)] == ["A", "A", "default"]


def test_the_management_port_is_in_the_management_vrf() -> None:
    device = read(
        "interface mgmt0\n  ip address 192.0.2.1/24\nvrf context management\n"
        "  ip route 0.0.0.0/0 192.0.2.254\n"
    )
    assert device.interfaces["mgmt0"].vrf == "management"
    assert {hop for hop, _ in next_hops(device, "vrf management", "0.0.0.0/0")} == {"mgmt0"}
    assert next_hops(device, "main", "0.0.0.0/0") == set()


# ---- VLANs --------------------------------------------------------------------------------------


def test_a_trunk_carries_all_vlans_but_what_it_leaves_out() -> None:
    device = read(
        "interface Ethernet1/1\n  switchport mode trunk\n  switchport trunk allowed vlan except 5-9\n"
        "interface Ethernet1/2\n  switchport mode trunk\n"
        "interface Ethernet1/3\n  switchport mode trunk\n  switchport trunk allowed vlan none\n"
    )
    first, second, third = (device.interfaces[f"Ethernet1/{number}"] for number in (1, 2, 3))
    assert [vlan for vlan in range(1, 12) if not carries(first, vlan)] == [5, 6, 7, 8, 9]
    assert all(carries(second, vlan) for vlan in (1, 4094))
    assert not any(carries(third, vlan) for vlan in range(2, 4095))


def test_ranges_of_interfaces_are_many() -> None:
    device = read(
        "interface Ethernet1/1-3, Ethernet1/7\n  switchport access vlan 9\ninterface port-channel1-2\n"
    )
    assert sorted(device.interfaces) == [
        "Ethernet1/1", "Ethernet1/2", "Ethernet1/3", "Ethernet1/7", "port-channel1", "port-channel2",
    ]  # fmt: skip
    assert carries(device.interfaces["Ethernet1/7"], 9)


def test_an_svi_is_down_where_nothing_can_carry_its_vlan() -> None:
    config = (
        "system default switchport\nvlan 30\ninterface Ethernet1/1\n{}interface Vlan30\n  no shutdown\n"
    )
    assert not read(config.format("")).interfaces["Vlan30"].operational
    assert read(config.format("  switchport access vlan 30\n")).interfaces["Vlan30"].operational
    assert read(config.format("") + "  no autostate\n").interfaces["Vlan30"].operational


# ---- redundancy ---------------------------------------------------------------------------------


def test_the_addresses_of_redundancy_groups_are_the_interfaces_own() -> None:
    device = read(
        "interface Vlan10\n  no shutdown\n  ip address 10.0.0.2/24\n  ip address 10.9.0.2/24 secondary\n"
        "  hsrp 1\n    authentication text hush\n    ip 10.0.0.1\n    ip 10.9.0.1 secondary\n    preempt\n"
        "interface Vlan20\n  no shutdown\n  ip address 10.2.0.2/24\n  vrrp 2\n"
        "    address 10.2.0.1\n    no shutdown\n"
        "interface Vlan30\n  no shutdown\n  ip address 10.3.0.2/24\n"
        "  vrrpv3 3 address-family ipv4\n    address 10.3.0.1 primary\n"
    )
    assert addresses(device, "Vlan10") == ["10.0.0.2/24", "10.9.0.2/24", "10.0.0.1/24", "10.9.0.1/24"]
    assert addresses(device, "Vlan20") == ["10.2.0.2/24", "10.2.0.1/24"]
    assert addresses(device, "Vlan30") == ["10.3.0.2/24", "10.3.0.1/24"]
    assert doubts(device) == []


# ---- routes -------------------------------------------------------------------------------------

PORTS = (
    "vrf context A\nvrf context B\n"
    "interface Ethernet1/1\n  no switchport\n  ip address 10.0.0.1/24\n  no shutdown\n"
    "interface Ethernet1/2\n  no switchport\n  vrf member A\n  ip address 10.1.0.1/24\n  no shutdown\n"
    "interface Ethernet1/3\n  no switchport\n  vrf member B\n  ip address 10.2.0.1/24\n  no shutdown\n"
)


def test_static_routes_stand_where_their_block_says() -> None:
    device = read(
        PORTS + "ip route 10.50.0.0/16 10.0.0.9 name x 5\nip route 10.51.0.0/16 null0\n"
        "vrf context A\n  ip route 10.50.0.0/16 Ethernet1/2 10.1.0.9\n"
        "  ip route 10.52.0.0/16 10.2.0.9 vrf B\n"
    )
    assert next_hops(device, "main", "10.50.0.0/16") == {("Ethernet1/1", int(ip_address("10.0.0.9")))}
    assert next_hops(device, "vrf A", "10.50.0.0/16") == {("Ethernet1/2", int(ip_address("10.1.0.9")))}
    assert {hop for hop, _ in next_hops(device, "vrf A", "10.52.0.0/16")} == {"Ethernet1/3"}
    assert [str(one) for one in device.routes if one.kind.value == "blackhole"] == ["10.51.0.0/16"]


def unknown(device: Device) -> dict[str, set[str | None]]:
    """Per table of unknown routes the interfaces that they may lead to."""
    return {
        route.table.removeprefix("unknown of "): {hop.interface for hop in route.next_hops}
        for route in device.routes
        if route.protocol == "unknown" and route.family is Family.IPV4
    }


def test_what_a_protocol_learns_stays_in_the_vrfs_where_it_runs() -> None:
    assert unknown(read(PORTS)) == {}
    assert unknown(read(PORTS + "router ospf 1\n  vrf A\n    router-id 1.1.1.1\n")) == {
        "default": {"Ethernet1/1"},
        "A": {"Ethernet1/2"},
    }
    assert set(unknown(read(PORTS + "interface Ethernet1/3\n  ip router eigrp 7\n"))) == {"B"}


def test_a_tracked_route_is_conditional() -> None:
    assert set(unknown(read(PORTS + "ip route 10.50.0.0/16 10.0.0.9 track 1\n"))) == {"default"}


def test_route_targets_leak_between_the_vrfs_of_one_switch() -> None:
    device = read(
        PORTS + "vrf context A\n  address-family ipv4 unicast\n    route-target import 1:1\n"
        "vrf context B\n  address-family ipv4 unicast\n    route-target export 1:1\n"
    )
    assert unknown(device)["A"] == {"Ethernet1/2", "Ethernet1/3"}


def test_importing_the_default_vrf_leaks_both_ways() -> None:
    device = read(PORTS + "vrf context A\n  address-family ipv4 unicast\n    import vrf default map M\n")
    assert unknown(device)["A"] == {"Ethernet1/1", "Ethernet1/2"}
    assert unknown(device)["default"] == {"Ethernet1/1", "Ethernet1/2"}


def test_policy_routing_may_send_packets_anywhere_before_any_table() -> None:
    device = read(PORTS + "interface Ethernet1/2\n  ip policy route-map R\n")
    four = sorted((one for one in device.rules if one.family is Family.IPV4), key=lambda one: one.priority)
    assert four[0].table == "by policy"
    assert not any(one.table == "by policy" for one in device.rules if one.family is Family.IPV6)


# ---- overlays -----------------------------------------------------------------------------------


def test_nve_is_a_tunnel_that_carries_its_vlans_and_vrfs() -> None:
    device = read(
        "vlan 20\n  vn-segment 10020\nvlan 99\n  vn-segment 50001\nvrf context T\n  vni 50001\n"
        "interface loopback1\n  ip address 10.255.1.1/32\n"
        "interface Vlan20\n  no shutdown\n  vrf member T\n  ip address 10.20.0.1/24\n"
        "interface nve1\n  no shutdown\n  source-interface loopback1\n"
        "  member vni 10020\n    suppress-arp\n"
        "  member vni 50001 associate-vrf\n"
    )
    tunnel, routed = device.interfaces["nve1"], device.interfaces["nve1 vrf T"]
    assert tunnel.kind is routed.kind is InterfaceKind.TUNNEL
    assert carries(tunnel, 20)
    assert not carries(tunnel, 99)
    assert tunnel.tunnel is not None
    assert tunnel.tunnel.source == int(ip_address("10.255.1.1"))
    assert routed.vrf == "T"
    assert doubts(device) == ["member vni 10020"]
    assert "nve1 vrf T" in unknown(device)["T"]


@pytest.mark.parametrize(
    "line",
    [
        "mpls ldp configuration",
        "monitor session 1",
        "ip pim rp-address 10.0.0.1",
        "port-profile type ethernet P",
        "vlan 5\n  private-vlan isolated",
        "interface Vlan1\n  ip dhcp relay address 192.0.2.1",
        "interface Vlan1\n  ip pim sparse-mode",
        "interface Ethernet1/1\n  switchport mode fex-fabric",
        "interface Ethernet1/1\n  inherit port-profile P",
        "interface Overlay1",
        "interface Ethernet1/1\n  dot1x pae authenticator",
        "some-future-command with words",
        "interface Ethernet1/1\n  some-future-command",
        "vrf context A\n  some-future-command",
        "interface nve1\n  some-future-command",
    ],
)
def test_what_could_forward_and_is_not_modelled_makes_the_device_doubtful(line: str) -> None:
    assert doubts(read(f"{line}\n"))
