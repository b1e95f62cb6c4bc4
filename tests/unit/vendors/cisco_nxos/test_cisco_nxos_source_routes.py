"""NX-OS follows source routes until `no ip source-route`: what that lets past a filter."""

from __future__ import annotations

from datetime import date

import pytest
from builders.networks import device, interface, link, route
from builders.switch_configs import doubts
from builders.switch_configs import read as read_config

from segaudit.judge.prover import Reading
from segaudit.judge.share import Case
from segaudit.model.flow import Family
from segaudit.model.snapshot import Snapshot
from segaudit.policy import locate, parse_policy
from segaudit.vendors.cisco_nxos import VENDOR

POLICY = b"""
version: 1
name: two ends
zones:
  a: {side: one, owner: o@x.example, members: [{device: a}]}
  b: {side: other, owner: o@x.example, members: [{device: b}]}
isolation:
  - {id: ISO-1, title: a and b, between: a, and: b, direction: forward, severity: high}
"""

SWITCH = """
vrf context B
interface Ethernet1/1
  no switchport
  ip address 10.1.0.1/24
  ip access-group KEEP in
  no shutdown
interface Ethernet1/2
  no switchport
{member}  ip address 10.2.0.1/24
  no shutdown
ip access-list KEEP
  10 deny ip any 10.2.0.0/24
  20 permit ip any any
"""


def arrives(config: str) -> bool:
    """Whether any packet of a may arrive at b."""
    switch = read_config(VENDOR, config)
    ends = (
        device(
            "a",
            interface("eth0", "10.1.0.9/24", forwards=False),
            routes=(route("0.0.0.0/0", "eth0", "10.1.0.1"),),
        ),
        device(
            "b",
            interface("eth0", "10.2.0.9/24", forwards=False),
            routes=(route("0.0.0.0/0", "eth0", "10.2.0.1"),),
        ),
    )
    links = (link("a:eth0", "d:Ethernet1/1"), link("b:eth0", "d:Ethernet1/2"))
    devices = {one.name: one for one in (*ends, switch)}
    snapshot = Snapshot(devices, (), links, tuple(sorted(devices)))
    policy = parse_policy(POLICY, "policy.yaml")
    prover = Case(policy, snapshot, locate(policy, snapshot), date(2026, 11, 24)).prover(1 << 16)
    reached = prover.reached(Family.IPV4, "a", Reading.STRICT)
    return not prover.arrived(reached, "b", Reading.STRICT).is_empty


@pytest.mark.parametrize(
    ("line", "member", "arriving"),
    [
        ("", "", True),
        ("no ip source-route\n", "", False),
        ("", "  vrf member B\n", False),
    ],
    ids=["on by default", "switched off", "another VRF"],
)
def test_a_source_route_leads_past_a_filter_but_not_out_of_the_vrf(
    line: str, member: str, arriving: bool
) -> None:
    assert arrives(line + SWITCH.format(member=member)) is arriving


def test_source_routes_are_an_assumption_about_no_line() -> None:
    switch = read_config(VENDOR, SWITCH.format(member=""))
    assert doubts(switch) == []
    assert [line.text for line in switch.lines if line.fate == "unsupported"] == [
        "(default) ip source-route"
    ]
