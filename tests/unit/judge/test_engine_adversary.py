"""Ways across that an engine could overlook: each a small network in which nothing must be proven."""

from __future__ import annotations

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
    Matches,
    Not,
    StateIn,
)
from segaudit.model.device import InterfaceKind
from segaudit.model.flow import ConnectionState, Family
from segaudit.model.snapshot import CollectionFailure, Snapshot
from segaudit.model.verdict import Grade, Outcome, PairVerdict
from segaudit.policy import locate, parse_policy

ACCEPT, DROP = Forwarding.ACCEPT, Forwarding.DROP
TO_B1 = AddressIn(End.DESTINATION, Family.IPV4, ((0x0A020001, 0x0A020001),))
POLICY = """
version: 1
name: small
zones:
  a: {{side: left, owner: o@x.example, members: [{{{a}}}]}}
  b: {{side: right, owner: o@x.example, members: [{{{b}}}]}}
{more}isolation:
  - {{id: ISO-1, title: a and b, between: left, and: right, direction: forward, families: [{family}],
     severity: high}}
"""


def judged(
    network: Snapshot,
    a: str = "prefix: 10.1.0.0/24",
    b: str = "prefix: 10.2.0.0/24",
    more: str = "",
    family: str = "ipv4",
) -> PairVerdict:
    policy = parse_policy(POLICY.format(a=a, b=b, more=more, family=family).encode(), "policy.yaml")
    return judge(policy, network, locate(policy, network), date(2026, 11, 24)).verdicts[0].pairs[0]


# -- what is not modelled and the internet are one ---------------------------------------------------


def test_an_uncollected_router_may_have_an_uplink_so_no_grade_5() -> None:
    ha = host("ha", "10.1.0.10/24", gateway="10.1.0.1")
    hb = host("hb", "10.2.0.10/24", gateway="10.2.0.1")
    fw = device(
        "fw",
        interface("eth1", "198.51.100.1/24"),
        interface("eth2", "10.2.0.1/24"),
        acls=(acl("closed"),),
        attachments=(attach("closed", Hook.FORWARD), attach("closed", Hook.INPUT)),
    )
    network = snapshot(
        [ha, fw, hb],
        [link("ha:eth1", "gone:eth1"), link("fw:eth2", "hb:eth1")],
        (CollectionFailure("gone", "timed out"),),
    )
    internet = "  internet: {owner: o@x.example, members: [{device: fw, interface: eth1}]}\n"
    found = judged(network, b="device: hb", more=internet)
    assert (found.outcome, found.grade) == (Outcome.PROVEN, Grade.G4)


# -- a router and itself -------------------------------------------------------------------------


def test_two_loopback_zones_of_one_router_are_not_isolated() -> None:
    r1 = device(
        "r1",
        interface("lo1", "10.1.0.1/32", kind=InterfaceKind.LOOPBACK),
        interface("lo2", "10.2.0.1/32", kind=InterfaceKind.LOOPBACK),
        interface("eth1", "10.9.0.1/24"),
    )
    ha = host("ha", "10.9.0.10/24")
    found = judged(snapshot([r1, ha], [link("r1:eth1", "ha:eth1")]))
    assert found.outcome in (Outcome.VIOLATED, Outcome.UNKNOWN)


# -- who answers on a wire -----------------------------------------------------------------------


def test_a_next_hop_address_of_another_interface_is_answered_for() -> None:
    """ip-sysctl, arp_ignore 0: reply for any local target IP address, configured on any interface."""
    r1 = device(
        "r1",
        interface("eth1", "10.1.0.1/24"),
        interface("eth2", "10.9.0.1/30"),
        routes=(route("10.2.0.0/24", "eth2", "10.255.0.2"),),
    )
    r2 = device(
        "r2",
        interface("eth1", "10.9.0.2/30"),
        interface("eth2", "10.2.0.1/24"),
        interface("lo1", "10.255.0.2/32", kind=InterfaceKind.LOOPBACK),
    )
    ha = host("ha", "10.1.0.10/24", gateway="10.1.0.1")
    hb = host("hb", "10.2.0.10/24", gateway="10.2.0.1")
    links = [link("ha:eth1", "r1:eth1"), link("r1:eth2", "r2:eth1"), link("r2:eth2", "hb:eth1")]
    assert judged(snapshot([r1, r2, ha, hb], links)).outcome is not Outcome.PROVEN


def test_a_connected_address_of_another_interface_is_answered_for() -> None:
    r1 = device("r1", interface("eth1", "10.1.0.1/24"), interface("eth2", "10.2.0.254/24"))
    r2 = device("r2", interface("eth1", "192.0.2.2/24"), interface("eth2", "10.2.0.1/24"))
    ha = host("ha", "10.1.0.10/24", gateway="10.1.0.1")
    hb = host("hb", "10.2.0.10/24", gateway="10.2.0.1")
    links = [link("ha:eth1", "r1:eth1"), link("r1:eth2", "r2:eth1"), link("r2:eth2", "hb:eth1")]
    network = snapshot([r1, r2, ha, hb], links)
    assert judged(network).outcome is not Outcome.PROVEN


# -- translations that were not seen ---------------------------------------------------------------


def test_a_translation_not_seen_may_deliver_to_the_router_itself() -> None:
    r1 = device(
        "r1",
        interface("lo1", "10.2.0.1/32", kind=InterfaceKind.LOOPBACK),
        interface("eth1", "10.1.0.1/24"),
        acls=(acl("raw", (TO_B1, DROP), default=ACCEPT),),
        attachments=(attach("raw", Hook.PREROUTING, -300),),
        unknown_translation=True,
    )
    ha = host("ha", "10.1.0.10/24", gateway="10.1.0.1")
    found = judged(snapshot([r1, ha], [link("r1:eth1", "ha:eth1")]))
    assert found.outcome is not Outcome.PROVEN


# -- addresses that a route makes the device's own --------------------------------------------------


def with_a_prefix_on_its_loopback(*rules: tuple[Matches, Forwarding], tracks: bool = False) -> Snapshot:
    """r1 accepts all of 10.2.0.0/24, as Linux does with ``ip address add 10.2.0.1/24 dev lo``."""
    r1 = device(
        "r1",
        interface("lo1", "10.2.0.1/24", kind=InterfaceKind.LOOPBACK),
        interface("eth1", "10.1.0.1/24"),
        routes=(route("10.2.0.0/24", "lo1", kind="local", table="local"),),
        acls=(acl("input", *rules), acl("open", (AnyPacket(), ACCEPT))),
        attachments=(attach("input", Hook.INPUT), attach("open", Hook.OUTPUT)),
        tracks=tracks,
    )
    return snapshot([r1, host("ha", "10.1.0.10/24", gateway="10.1.0.1")], [link("r1:eth1", "ha:eth1")])


def test_every_address_of_a_local_route_of_the_zone_is_in_the_zone() -> None:
    network = with_a_prefix_on_its_loopback((Not(TO_B1), ACCEPT))
    assert judged(network).outcome is not Outcome.PROVEN


def test_a_device_may_open_connections_from_any_address_of_a_local_route() -> None:
    answers = StateIn(frozenset({ConnectionState.ESTABLISHED}))
    network = with_a_prefix_on_its_loopback((AllOf((Not(TO_B1), answers)), ACCEPT), tracks=True)
    assert judged(network).outcome is not Outcome.PROVEN


# -- tunnels of one family through another ---------------------------------------------------------


def tunnelled() -> Snapshot:
    """Only IPv4 reaches the router itself; what comes out of its tunnel may go on to b by IPv6."""
    from_tunnel = InterfaceIn(Direction.IN, ("sit1",))
    four, six = frozenset({Family.IPV4}), frozenset({Family.IPV6})
    r1 = device(
        "r1",
        interface("eth1", "10.1.0.1/24", "2001:db8:1::1/64"),
        interface("eth2", "2001:db8:2::1/64"),
        interface("sit1", "2001:db8:9::1/64", kind=InterfaceKind.TUNNEL),
        acls=(acl("closed"), acl("tunnelled", (from_tunnel, ACCEPT))),
        attachments=(
            attach("closed", Hook.FORWARD, families=four),
            attach("closed", Hook.INPUT, families=six),
            attach("tunnelled", Hook.FORWARD, families=six),
        ),
    )
    ha = host("ha", "10.1.0.10/24", "2001:db8:1::10/64", gateway="10.1.0.1")
    hb = host("hb", "2001:db8:2::10/64")
    return snapshot([r1, ha, hb], [link("ha:eth1", "r1:eth1"), link("r1:eth2", "hb:eth1")])


def test_a_tunnel_unpacks_one_family_out_of_another() -> None:
    found = judged(tunnelled(), "prefix: 2001:db8:1::/64", "prefix: 2001:db8:2::/64", family="ipv6")
    assert found.outcome is not Outcome.PROVEN
