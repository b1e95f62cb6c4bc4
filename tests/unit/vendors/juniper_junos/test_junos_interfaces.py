"""Ports, units, VLANs and what is joined inside the device."""

from __future__ import annotations

import pytest
from builders.junos import device, doubts

from segaudit.graph.segments import segments
from segaudit.model.device import Device, InterfaceKind, Switchport, SwitchportMode
from segaudit.model.flow import Family
from segaudit.model.snapshot import Snapshot


def joined(read: Device, *names: str) -> bool:
    """True where the interfaces hear each other's frames."""
    found = segments(Snapshot({read.name: read}))
    return any({point.interface for point in one.touched} >= set(names) for one in found)


def test_a_unit_is_carried_by_its_port() -> None:
    read = device(
        "set interfaces ge-0/0/0 vlan-tagging\n"
        "set interfaces ge-0/0/0 unit 10 vlan-id 10\n"
        "set interfaces ge-0/0/0 unit 10 family inet address 10.0.0.1/24\n"
        "set interfaces ge-0/0/0 unit 10 family inet6 address 2001:db8::1/64\n"
        "set interfaces ge-0/0/1 unit 0 family inet address 10.0.1.1/24\n"
    )
    unit = read.interfaces["ge-0/0/0.10"]
    assert (unit.kind, unit.parent, unit.vlan) == (InterfaceKind.VLAN, "ge-0/0/0", 10)
    assert unit.forwarding == frozenset(Family)
    assert [str(one) for one in unit.addresses] == ["10.0.0.1/24", "2001:db8::1/64"]
    assert read.interfaces["ge-0/0/1.0"].vlan == 0
    assert read.interfaces["ge-0/0/1.0"].forwarding == frozenset({Family.IPV4})
    assert read.interfaces["ge-0/0/0"].kind is InterfaceKind.PHYSICAL


@pytest.mark.parametrize(
    ("line", "vlan"),
    [
        ("vlan-tags outer 7 inner 8", 7),
        ("vlan-id-range 5-9", None),
        ("vlan-id-list [ 5 9 ]", None),
        ("vlan-id 99", None),
    ],
)
def test_tags_that_are_not_one(line: str, vlan: int | None) -> None:
    """A unit with the native VLAN of its port takes untagged frames, too."""
    read = device(f"set interfaces ge-0/0/0 native-vlan-id 99\nset interfaces ge-0/0/0 unit 5 {line}\n")
    assert read.interfaces["ge-0/0/0.5"].vlan == vlan


def test_the_short_form_of_a_unit() -> None:
    read = device(
        "interfaces {\n ge-0/0/0 { mtu 1514; }\n ge-0/0/0.0 { family inet { address 10.0.0.1/24; } }\n}\n"
    )
    assert [str(one) for one in read.interfaces["ge-0/0/0.0"].addresses] == ["10.0.0.1/24"]
    assert doubts(read) == []


def test_disabled_ports_disable_their_units() -> None:
    read = device(
        "set interfaces ge-0/0/0 disable\nset interfaces ge-0/0/0 unit 0 family inet address 10.0.0.1/24\n"
    )
    assert not read.interfaces["ge-0/0/0"].enabled
    assert not read.interfaces["ge-0/0/0.0"].enabled


@pytest.mark.parametrize(
    ("options", "bundle"),
    [
        ("gigether-options 802.3ad ae3", "ae3"),
        ("ether-options 802.3ad ae3", "ae3"),
        ("gigether-options redundant-parent reth1", "reth1"),
    ],
)
def test_members_of_a_bundle(options: str, bundle: str) -> None:
    read = device(
        f"set interfaces ge-0/0/0 {options}\n"
        f"set interfaces {bundle} unit 0 family inet address 10.0.0.1/24\n"
    )
    assert read.interfaces["ge-0/0/0"].parent == bundle
    assert read.interfaces[bundle].kind is InterfaceKind.AGGREGATE
    assert joined(read, "ge-0/0/0", bundle, f"{bundle}.0")


def test_shared_addresses_are_the_device_s_own() -> None:
    read = device(
        "set interfaces ge-0/0/0 unit 0 family inet address 10.0.0.2/24 vrrp-group 1"
        " virtual-address 10.0.0.1\n"
        "set interfaces irb unit 5 family inet address 10.5.0.2/24 virtual-gateway-address 10.5.0.1\n"
    )
    assert {str(one) for one in read.interfaces["ge-0/0/0.0"].addresses} == {"10.0.0.2/24", "10.0.0.1/24"}
    assert {str(one) for one in read.interfaces["irb.5"].addresses} == {"10.5.0.2/24", "10.5.0.1/24"}


def test_tunnels_and_loopbacks() -> None:
    read = device(
        "set interfaces gr-0/0/0 unit 0 tunnel source 10.0.0.1\n"
        "set interfaces gr-0/0/0 unit 0 tunnel destination 192.0.2.1\n"
        "set interfaces gr-0/0/0 unit 0 family inet address 10.254.0.1/30\n"
        "set interfaces lo0 unit 0 family inet address 10.255.0.1/32\n"
    )
    tunnel = read.interfaces["gr-0/0/0.0"]
    assert tunnel.kind is InterfaceKind.TUNNEL
    assert tunnel.tunnel is not None
    assert (tunnel.tunnel.kind, tunnel.tunnel.source, tunnel.tunnel.destination) == (
        "gre",
        0x0A000001,
        0xC0000201,
    )
    assert read.interfaces["lo0.0"].kind is InterfaceKind.LOOPBACK


# ---- switching ----------------------------------------------------------------------------------

VLANS = """
set vlans office vlan-id 100
set vlans office l3-interface irb.100
set vlans guests vlan-id 200
set vlans voice vlan-id 150
set interfaces irb unit 100 family inet address 10.100.0.1/24
"""
SWITCHING = "set interfaces ge-0/0/{} unit 0 family ethernet-switching"


def switchport(lines: str) -> Switchport | None:
    return device(VLANS + lines).interfaces["ge-0/0/0"].switchport


def test_access_ports() -> None:
    port = SWITCHING.format(0)
    assert switchport(f"{port} vlan members office") == Switchport(SwitchportMode.ACCESS, 100)
    assert switchport(port) == Switchport(SwitchportMode.ACCESS, 1)
    assert switchport(f"{port}\nset vlans guests interface ge-0/0/0.0") == Switchport(
        SwitchportMode.ACCESS, 200
    )


def test_trunks() -> None:
    port = SWITCHING.format(0)
    trunk = f"{port} interface-mode trunk\n"
    assert switchport(trunk) == Switchport(SwitchportMode.TRUNK)
    assert switchport(f"{trunk}{port} vlan members [ office 300-310 ]") == Switchport(
        SwitchportMode.TRUNK, 0, None, ((100, 100), (300, 310))
    )
    assert switchport(
        f"{trunk}{port} vlan members all\nset interfaces ge-0/0/0 native-vlan-id 7"
    ) == Switchport(SwitchportMode.TRUNK, 0, 7, ((1, 4094),))
    assert switchport(f"{port} port-mode trunk\n{port} vlan members 5") == Switchport(
        SwitchportMode.TRUNK, 0, None, ((5, 5),)
    )


def test_a_telephone_s_vlan_is_tagged_on_an_access_port() -> None:
    port = SWITCHING.format(0)
    voip = "set switch-options voip interface ge-0/0/0.0 vlan voice\n"
    assert switchport(f"{voip}{port} vlan members office") == Switchport(
        SwitchportMode.TRUNK, 100, None, ((150, 150),)
    )


def test_a_vlan_that_is_not_there_may_be_any() -> None:
    read = device(VLANS + SWITCHING.format(0) + " vlan members nowhere\n")
    port = read.interfaces["ge-0/0/0"].switchport
    assert port is not None and port.trunk_vlans == ((1, 4094),)
    assert doubts(read)


def test_ports_of_a_vlan_and_its_irb_are_one_segment() -> None:
    office, guests = SWITCHING.format(0), SWITCHING.format(1)
    read = device(VLANS + f"{office} vlan members office\n{guests} vlan members guests\n")
    assert read.interfaces["irb.100"].vlan == 100
    assert joined(read, "ge-0/0/0", "irb.100")
    assert not joined(read, "ge-0/0/1", "irb.100")
    assert not joined(read, "ge-0/0/0", "ge-0/0/1")


@pytest.mark.parametrize("number", ["vlan-id 30", "vlan-id none"])
def test_a_bridge_domain_joins_its_units(number: str) -> None:
    read = device(
        f"set bridge-domains d {number}\n"
        "set bridge-domains d interface ge-0/0/0.30\nset bridge-domains d interface ge-0/0/1.40\n"
        "set bridge-domains d routing-interface irb.3\n"
        "set interfaces irb unit 3 family inet address 10.3.0.1/24\n"
        "set interfaces ge-0/0/0 unit 30 vlan-id 30\n"
        "set interfaces ge-0/0/0 unit 30 encapsulation vlan-bridge\n"
        "set interfaces ge-0/0/1 unit 40 vlan-id 40\n"
        "set interfaces ge-0/0/1 unit 40 encapsulation vlan-bridge\n"
        "set interfaces ge-0/0/2 unit 30 vlan-id 30\nset interfaces ge-0/0/2 unit 30 family inet\n"
    )
    assert doubts(read) == []
    assert joined(read, "ge-0/0/0.30", "ge-0/0/1.40", "irb.3")
    assert not joined(read, "ge-0/0/0.30", "ge-0/0/2.30")


def test_a_logical_tunnel_joins_its_two_ends() -> None:
    read = device(
        "set interfaces lt-0/0/0 unit 0 encapsulation ethernet\n"
        "set interfaces lt-0/0/0 unit 0 peer-unit 1\n"
        "set interfaces lt-0/0/0 unit 0 family inet address 10.0.0.1/30\n"
        "set interfaces lt-0/0/0 unit 1 encapsulation ethernet\n"
        "set interfaces lt-0/0/0 unit 1 peer-unit 0\n"
        "set interfaces lt-0/0/0 unit 1 family inet address 10.0.0.2/30\n"
    )
    assert joined(read, "lt-0/0/0.0", "lt-0/0/0.1")


def test_vxlan_carries_vlans_to_others() -> None:
    read = device(
        VLANS + "set vlans office vxlan vni 10100\nset switch-options vtep-source-interface lo0.0\n"
    )
    tunnel = read.interfaces["vtep"]
    assert tunnel.kind is InterfaceKind.TUNNEL
    assert tunnel.switchport is not None and tunnel.switchport.trunk_vlans == ((100, 100),)
    assert joined(read, "vtep", "irb.100")


@pytest.mark.parametrize(
    "line",
    [
        "interfaces ge-0/0/0 unit 0 input-vlan-map pop",
        "interfaces ge-0/0/0 unit 7 family ethernet-switching interface-mode trunk",
        "interfaces ge-0/0/0 unit 0 encapsulation vlan-ccc",
        "interfaces ge-0/0/0 unit 0 encapsulation vlan-bridge",
        "interfaces ge-0/0/0 hyperdrive",
        "interfaces ge-0/0/0 unit 0 hyperdrive",
        "interfaces ge-0/0/0 unit 0 family inet hyperdrive",
        "interfaces ge-0/0/0 unit 0 family inet address 10.0.0.1/24 hyperdrive",
        "interfaces ge-0/0/0 unit 0 family inet address 10.0.0.300/24",
        "vlans office dot1q-tunneling",
        "vlans office hyperdrive",
    ],
)
def test_what_is_not_understood_makes_the_device_doubtful(line: str) -> None:
    assert doubts(device(f"set {line}\n")) == [f"set {line}"]


@pytest.mark.parametrize(
    "lines",
    [
        "set vlans many vlan-id-list [ 5 9 ]\nset vlans many l3-interface irb.5\n",
        "set vlans bare description untagged\n" + SWITCHING.format(0) + " vlan members bare\n",
    ],
)
def test_vlans_that_are_not_one_make_the_device_doubtful(lines: str) -> None:
    assert doubts(device(VLANS + lines))
