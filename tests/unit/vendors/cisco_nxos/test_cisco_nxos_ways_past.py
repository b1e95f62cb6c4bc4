"""What carries packets where no route, list or VLAN of the model does, and what may be cut off."""

from __future__ import annotations

from hashlib import sha256

import pytest

from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.vendors.cisco_nxos import VENDOR

HEAD = "!Command: show running-config\nversion 9.3(8) Bios:version 07.68\nhostname n1\nno ip source-route\n"
PORTS = "".join(
    f"interface Ethernet1/{n}\n  no switchport\n  ip address 10.{n}.0.1/24\n  no shutdown\n" for n in (1, 2)
)


def read(lines: str) -> Device:
    text = HEAD + lines + PORTS
    file = RawFile("devices/n1/running-config.txt", text, sha256(text.encode()).hexdigest())
    return VENDOR.read(RawConfig("n1", "cisco_nxos", (file,)))


def doubts(device: Device) -> list[str]:
    return [line.text for line in device.lines if not line.bounded]


@pytest.mark.parametrize(
    "lines",
    [
        "vlan access-map m 10\n  match ip address a\n  action redirect Ethernet1/2\n",
        "default interface Ethernet1/1\n",
        "l2 vfi x manual\n",
        "event manager applet a\n  event track 1 state down\n  action 1 cli conf t\n",
        "scheduler job name j\n  configure terminal\n",
        "interface Ethernet1/3\n  no switchport\n  ip arp 10.9.0.9 0000.1111.2222\n",
        "interface Ethernet1/3\n  no switchport\n  ipv6 neighbor 2001:db8::9 0000.1111.2222\n",
    ],
)
def test_ways_past_the_model(lines: str) -> None:
    assert doubts(read("")) == []
    assert len(doubts(read(lines))) == 1


def test_a_vlan_map_that_forwards_or_drops_leaves_no_doubt() -> None:
    assert doubts(read("vlan access-map m 10\n  match ip address a\n  action drop\n")) == []


def test_an_arp_setting_binds_no_address() -> None:
    assert doubts(read("interface Ethernet1/3\n  no switchport\n  ip arp timeout 300\n")) == []


@pytest.mark.parametrize(("version", "unsure"), [("", 1), ("version 9.3(8) Bios:version 07.68\n", 0)])
def test_a_part_of_a_configuration_does_not_say_which_vlans_are_carried(version: str, unsure: int) -> None:
    lines = "feature interface-vlan\nvlan 9\ninterface Vlan9\n  no shutdown\n  ip address 10.9.0.1/24\n"
    text = f"hostname n1\nno ip source-route\n{version}{lines}{PORTS}"
    file = RawFile("devices/n1/running-config.txt", text, sha256(text.encode()).hexdigest())
    read_in_part = VENDOR.read(RawConfig("n1", "cisco_nxos", (file,)))
    assert not read_in_part.interfaces["Vlan9"].operational
    assert len(doubts(read_in_part)) == unsure


def test_bgp_whose_process_is_cut_off_may_have_learned_routes() -> None:
    unknown = {
        route.table
        for route in read("feature bgp\nvrf context red\n").routes
        if route.protocol == "unknown"
    }
    assert unknown == {"unknown of default"}
    assert not any(route.protocol == "unknown" for route in read("feature ospf\n").routes)
    assert not any(route.protocol == "unknown" for route in read("no feature bgp\n").routes)
