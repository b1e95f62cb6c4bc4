"""Ways across that the independent checker's reading of the model found, and the prover must see."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from builders.networks import acl, attach, device, host, interface, link, route, snapshot

from segaudit.judge import judge
from segaudit.model.acl import (
    AddressIn,
    AllOf,
    AnyPacket,
    Direction,
    End,
    Forwarding,
    Hook,
    InterfaceIn,
    StateIn,
    Translate,
    TranslationKind,
)
from segaudit.model.device import InterfaceKind, NextHop
from segaudit.model.flow import ConnectionState, Family
from segaudit.model.snapshot import Snapshot
from segaudit.model.source import AccountedLine, SourceSpan
from segaudit.model.verdict import Outcome
from segaudit.policy import locate, parse_policy

POLICY = b"""
version: 1
name: finds
zones:
  a: {side: left, owner: o@x.example, members: [{prefix: 10.1.0.0/24}]}
  b: {side: right, owner: o@x.example, members: [{prefix: 10.2.0.0/24}, {prefix: 10.255.0.0/24}]}
isolation:
  - id: ISO-1
    title: a and b
    between: left
    and: right
    direction: forward
    families: [ipv4]
    severity: high
"""


def outcome(network: Snapshot) -> Outcome:
    policy = parse_policy(POLICY, "policy.yaml")
    return judge(policy, network, locate(policy, network), date(2026, 11, 24)).verdicts[0].outcome


HA = host("ha", "10.1.0.10/24", gateway="10.1.0.1")
HB = host("hb", "10.2.0.10/24", gateway="10.2.0.1")


def test_an_ipv4_route_over_an_ipv6_next_hop_is_followed() -> None:
    over_ipv6 = route("10.2.0.0/24", "eth2", "10.9.0.2")
    over_ipv6 = replace(over_ipv6, next_hops=(NextHop("eth2", (0xFE80 << 112) | 2, Family.IPV6),))
    r1 = device(
        "r1", interface("eth1", "10.1.0.1/24"), interface("eth2", "fe80::1/64"), routes=(over_ipv6,)
    )
    r2 = device(
        "r2",
        interface("lo1", "10.255.0.1/32", kind=InterfaceKind.LOOPBACK),
        interface("eth1", "fe80::2/64"),
        interface("eth2", "10.2.0.1/24"),
    )
    wires = [link("ha:eth1", "r1:eth1"), link("r1:eth2", "r2:eth1"), link("r2:eth2", "hb:eth1")]
    assert outcome(snapshot([HA, r1, r2, HB], wires)) not in (Outcome.PROVEN, Outcome.PROVEN_IF)


def test_a_zone_goes_on_inside_a_device_that_is_not_understood() -> None:
    unread = AccountedLine(SourceSpan("fw", 1, 1), "unrecognized", "mystery", "not known", False)
    fw = device(
        "fw",
        interface("lo1", "10.255.0.1/32", kind=InterfaceKind.LOOPBACK),
        interface("eth1", "10.1.0.1/24"),
        acls=(acl("input"),),
        attachments=(attach("input", Hook.INPUT),),
        lines=(unread,),
    )
    r2 = device("r2", interface("eth1", "10.2.0.1/24"))
    wires = [link("ha:eth1", "fw:eth1"), link("r2:eth1", "hb:eth1")]
    assert outcome(snapshot([HA, fw, r2, HB], wires)) not in (Outcome.PROVEN, Outcome.PROVEN_IF)


def test_a_redirected_connection_goes_on_as_it_came_in() -> None:
    """Only port eth3 may open it, but what belongs to it is let in from anywhere, by its first address."""
    outside = AddressIn(End.DESTINATION, Family.IPV4, ((0x0A090001, 0x0A090001),))
    upstream = device(
        "up",
        interface("eth1", "10.1.0.1/24"),
        interface("eth2", "10.9.0.9/24"),
        routes=(route("10.255.0.0/24", "eth2", "10.9.0.1"),),
        acls=(acl("forward", (outside, Forwarding.ACCEPT)),),
        attachments=(attach("forward", Hook.FORWARD),),
    )
    to_itself = Translate(TranslationKind.DESTINATION, ((0x0AFF0001, 0x0AFF0001),))
    opened = AllOf((InterfaceIn(Direction.IN, ("eth3",)), StateIn(frozenset({ConnectionState.NEW}))))
    fw = device(
        "fw",
        interface("lo1", "10.255.0.1/32", kind=InterfaceKind.LOOPBACK),
        interface("eth1", "10.9.0.1/24"),
        interface("eth3", "10.3.0.1/24"),
        acls=(
            acl("pre", (outside, to_itself), default=Forwarding.ACCEPT),
            acl(
                "input",
                (StateIn(frozenset({ConnectionState.ESTABLISHED})), Forwarding.ACCEPT),
                (opened, Forwarding.ACCEPT),
            ),
            acl("forward", (AnyPacket(), Forwarding.DROP)),
        ),
        attachments=(
            attach("pre", Hook.PREROUTING, -100, translates=True),
            attach("input", Hook.INPUT),
            attach("forward", Hook.FORWARD),
        ),
        tracks=True,
    )
    r2 = device("r2", interface("eth1", "10.2.0.1/24"))
    wires = [
        link("ha:eth1", "up:eth1"), link("up:eth2", "fw:eth1"), link("fw:eth3"), link("r2:eth1", "hb:eth1"),
    ]  # fmt: skip
    assert outcome(snapshot([HA, upstream, fw, r2, HB], wires)) not in (Outcome.PROVEN, Outcome.PROVEN_IF)
