"""What carries packets where no route, policy or VLAN of the model does leaves the device in doubt."""

from __future__ import annotations

import pytest
from builders.junos import device, doubts

BASE = """set version 21.4R1.12
set system host-name r1
set interfaces ge-0/0/0 unit 0 family inet address 10.0.0.1/24
set interfaces ge-0/0/1 unit 0 family inet address 10.1.0.1/24
"""


@pytest.mark.parametrize(
    "line",
    [
        "set security flow allow-embedded-icmp",
        "set security softwires softwire-name x softwire-concentrator 192.0.2.1",
        "set firewall family ethernet-switching filter f term 1 then vlan v20",
        "set firewall family ethernet-switching filter f term 1 then interface ge-0/0/5.0",
        "set firewall family bridge filter f term 1 then vlan v20",
        "set protocols dot1x authenticator interface ge-0/0/2.0 guest-vlan v20",
        "set forwarding-options port-mirroring family inet output interface ge-0/0/1.0 next-hop 10.1.0.5",
        "set forwarding-options analyzer a output interface ge-0/0/1.0",
        "set forwarding-options dhcp-relay server-group g 10.1.0.5",
        "set forwarding-options helpers port 9999 server 10.1.0.5",
        "set event-options policy p then change-configuration commands x",
        "set interfaces ge-0/0/1 unit 0 family inet address 10.1.0.1/24 arp 10.1.0.9 mac 00:50:56:aa:bb:cc",
    ],
)
def test_ways_past_the_model(line: str) -> None:
    assert doubts(device(BASE)) == []
    assert doubts(device(BASE + line + "\n")) == [line]


@pytest.mark.parametrize(
    "line",
    [
        "set security flow tcp-mss all-tcp mss 1350",
        "set firewall family ethernet-switching filter f term 1 then discard",
        "set event-options policy p then raise-trap",
    ],
)
def test_what_only_drops_or_counts(line: str) -> None:
    assert doubts(device(BASE + line + "\n")) == []
