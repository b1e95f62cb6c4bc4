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
    ],
)
def test_ways_past_the_model(lines: str) -> None:
    assert doubts(read("")) == []
    assert len(doubts(read(lines))) == 1


def test_a_vlan_map_that_forwards_or_drops_leaves_no_doubt() -> None:
    assert doubts(read("vlan access-map m 10\n  match ip address a\n  action drop\n")) == []


def test_bgp_whose_process_is_cut_off_may_have_learned_routes() -> None:
    unknown = {
        route.table
        for route in read("feature bgp\nvrf context red\n").routes
        if route.protocol == "unknown"
    }
    assert unknown == {"unknown of default"}
    assert not any(route.protocol == "unknown" for route in read("feature ospf\n").routes)
    assert not any(route.protocol == "unknown" for route in read("no feature bgp\n").routes)
