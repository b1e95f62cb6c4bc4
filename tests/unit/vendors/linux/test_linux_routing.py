"""Routes in use, and rules in the order and with the reach that the kernel gives them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from segaudit.model.acl import (
    AddressIn,
    AllOf,
    AnyOf,
    AnyPacket,
    Direction,
    End,
    Field,
    FieldIn,
    InterfaceIn,
    MarkIs,
    Not,
    UnknownMatch,
)
from segaudit.model.device import Device, NextHop, RouteKind
from segaudit.model.flow import Family, parse_address

Build = Callable[..., Device]
A = parse_address("192.0.2.2")[1]
B = parse_address("192.0.2.3")[1]


def route(dst: str = "10.0.0.0/8", **more: Any) -> dict[str, Any]:
    return {"type": "unicast", "dst": dst, "table": "main", "dev": "eth1", **more}


def routes(linux: Build, *entries: dict[str, Any], v6: bool = False) -> Device:
    name = "ip-route6.json" if v6 else "ip-route4.json"
    return linux({"ip-route4.json": [], name: list(entries)})


def hops(device: Device) -> list[NextHop]:
    return [hop for entry in device.routes for hop in entry.next_hops]


def reasons(device: Device, *, bounded: bool) -> list[str]:
    return [line.reason for line in device.lines if line.bounded is bounded]


def test_next_hops_of_every_spelling(linux: Build) -> None:
    device = routes(
        linux,
        route(gateway="192.0.2.2"),
        route("10.1.0.0/16"),
        route("10.2.0.0/16", via={"family": "inet6", "host": "fe80::1"}),
        {"dst": "10.3.0.0/16", "nexthops": [{"gateway": "192.0.2.2", "dev": "eth1"}, {"dev": "eth2"}]},
        {"dst": "10.4.0.0/16", "nhid": 9},
    )
    assert hops(device) == [
        NextHop("eth1", A, Family.IPV4),
        NextHop("eth1"),
        NextHop("eth1", parse_address("fe80::1")[1], Family.IPV6),
        NextHop("eth1", A, Family.IPV4),
        NextHop("eth2"),
        NextHop(None),
    ]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [*((kind.value, kind) for kind in RouteKind), ("anycast", RouteKind.LOCAL)],
)
def test_kinds(linux: Build, kind: str, expected: RouteKind) -> None:
    (entry,) = routes(linux, route(type=kind)).routes
    assert entry.kind is expected
    has_hops = expected in (RouteKind.UNICAST, RouteKind.LOCAL, RouteKind.BROADCAST, RouteKind.MULTICAST)
    assert bool(entry.next_hops) is has_hops


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("main", "main"),
        ("254", "main"),
        ("255", "local"),
        ("253", "default"),
        ("100", "100"),
        ("blue", "blue"),
    ],
)
def test_tables_are_called_by_one_name(linux: Build, spelled: str, name: str) -> None:
    assert routes(linux, route(table=spelled)).routes[0].table == name


def test_metrics(linux: Build) -> None:
    assert routes(linux, route(metric=20)).routes[0].preference == 20
    assert routes(linux, route()).routes[0].preference == 0
    assert routes(linux, route("2001:db8::/32"), v6=True).routes[0].preference == 1024


def test_defaults_are_prefix_zero(linux: Build) -> None:
    assert str(routes(linux, route("default")).routes[0]) == "0.0.0.0/0"
    assert str(routes(linux, route("default"), v6=True).routes[0]) == "::/0"


def test_a_dead_hop_is_passed_over_and_a_linkdown_one_is_not(linux: Build) -> None:
    entry = route(
        nexthops=[
            {"gateway": "192.0.2.2", "dev": "eth1", "flags": ["dead", "linkdown"]},
            {"gateway": "192.0.2.3", "dev": "eth1", "flags": ["linkdown"]},
        ]
    )
    assert hops(routes(linux, entry)) == [NextHop("eth1", B, Family.IPV4)]


def test_a_dead_route_does_not_hide_a_shorter_prefix(linux: Build) -> None:
    device = routes(linux, route("10.1.0.0/16", flags=["dead", "linkdown"]), route("10.0.0.0/8"))
    assert [str(entry) for entry in device.routes] == ["10.0.0.0/8"]
    assert "every next hop is dead: the kernel passes the route over" in reasons(device, bounded=True)


def test_the_first_of_equal_ipv4_routes_is_used(linux: Build) -> None:
    first, second = route(gateway="192.0.2.2"), route(gateway="192.0.2.3")
    assert hops(routes(linux, first, second)) == [NextHop("eth1", A, Family.IPV4)]
    assert hops(routes(linux, second, first)) == [NextHop("eth1", B, Family.IPV4)]
    dead = first | {"flags": ["dead"]}
    assert hops(routes(linux, dead, second)) == [NextHop("eth1", B, Family.IPV4)]


@pytest.mark.parametrize("more", [{"metric": 5}, {"table": "100"}])
def test_routes_that_are_not_equal_all_stay(linux: Build, more: dict[str, Any]) -> None:
    assert len(routes(linux, route(gateway="192.0.2.2"), route(gateway="192.0.2.3", **more)).routes) == 2


def test_equal_defaults_and_ipv6_routes_all_stay(linux: Build) -> None:
    assert len(routes(linux, route("default"), route("default", dev="eth2")).routes) == 2
    assert len(routes(linux, route("fe80::/64"), route("fe80::/64", dev="eth2"), v6=True).routes) == 2


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"tos": "0x10"}, "routes by type of service: 0x10"),
        ({"encap": "mpls"}, "the packet is put into a tunnel: encap mpls"),
        ({"nexthops": [{"dev": "eth1", "encap": "ip"}, {"dev": "eth2"}]}, "encap ip"),
        ({"type": "xresolve"}, "route type 'xresolve'"),
    ],
)
def test_what_needs_more_than_the_destination_is_doubtful(
    linux: Build, more: dict[str, Any], reason: str
) -> None:
    device = routes(linux, route(**more))
    assert device.routes == ()
    assert [found for found in reasons(device, bounded=False) if reason in found]


def test_source_specific_routes_are_doubtful(linux: Build) -> None:
    device = routes(linux, route("2001:db8::/32", **{"from": "2001:db8:9::/48"}), v6=True)
    assert device.routes == ()
    assert reasons(device, bounded=False) == ["routes by source: from 2001:db8:9::/48"]


def test_an_unknown_attribute_is_doubtful_and_the_route_stays(linux: Build) -> None:
    device = routes(linux, route(mirror="eth9"))
    assert len(device.routes) == 1
    assert reasons(device, bounded=False) == ["unknown route attribute mirror eth9"]


# ---- rules --------------------------------------------------------------------------------------

TEN = AddressIn(End.SOURCE, Family.IPV4, ((10 << 24, (11 << 24) - 1),))
ELEVEN = AddressIn(End.SOURCE, Family.IPV4, ((11 << 24, (12 << 24) - 1),))


def rule(priority: int, **more: Any) -> dict[str, Any]:
    return {"priority": priority, "src": "all", **more}


def rules(linux: Build, *entries: dict[str, Any], **files: Any) -> list[tuple[int, object, str | None]]:
    device = linux({"ip-rule4.json": list(entries), **files})
    return [
        (found.priority, found.matches, found.table)
        for found in device.rules
        if found.family is Family.IPV4
    ]


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ({}, AnyPacket()),
        ({"src": "10.0.0.0", "srclen": 8}, TEN),
        ({"src": "10.0.0.0", "srclen": 8, "not": None}, Not(TEN)),
        ({"dst": "10.0.0.1"}, AddressIn(End.DESTINATION, Family.IPV4, ((167772161, 167772161),))),
        ({"iif": "eth1"}, InterfaceIn(Direction.IN, ("eth1",))),
        ({"oif": "eth1"}, InterfaceIn(Direction.OUT, ("eth1",))),
        ({"ipproto": "tcp"}, FieldIn(Field.PROTOCOL, ((6, 6),))),
        ({"ipproto": 89}, FieldIn(Field.PROTOCOL, ((89, 89),))),
        ({"ipproto": "quic"}, UnknownMatch("ipproto quic")),
        (
            {"ipproto": "udp", "dport": 53},
            AllOf((FieldIn(Field.PROTOCOL, ((17, 17),)), FieldIn(Field.DESTINATION_PORT, ((53, 53),)))),
        ),
        ({"fwmark": "0x1", "fwmask": "0xff"}, MarkIs(1, 0xFF)),
        ({"fwmark": "0x1ff", "fwmask": "0xff"}, MarkIs(0xFF, 0xFF)),
        ({"fwmark": "0x7", "not": None}, Not(MarkIs(7))),
        ({"tos": "0x10"}, UnknownMatch("tos 0x10")),
        ({"colour": "blue"}, UnknownMatch("colour blue")),
        ({"iif": "eth9", "iif_detached": None}, AllOf((AnyOf(()), InterfaceIn(Direction.IN, ("eth9",))))),
    ],
)
def test_selectors(linux: Build, selector: dict[str, Any], matches: object) -> None:
    assert rules(linux, rule(5, table="100", **selector)) == [(5, matches, "100")]


def test_ports_without_protocol_may_match_esp(linux: Build) -> None:
    ((_, matches, _),) = rules(linux, rule(5, table="100", dport=443))
    assert isinstance(matches, AnyOf)
    assert matches.of[0] == FieldIn(Field.DESTINATION_PORT, ((443, 443),))
    assert "UnknownMatch" in repr(matches.of[1])


def test_rules_are_in_the_order_of_their_priority(linux: Build) -> None:
    found = rules(linux, rule(9, table="b"), rule(3, table="a"), rule(9, table="c"))
    assert [(priority, table) for priority, _, table in found] == [(3, "a"), (9, "b"), (9, "c")]


def test_a_goto_leaves_out_what_it_skips(linux: Build) -> None:
    found = rules(
        linux,
        rule(1, src="10.0.0.0", srclen=8, goto=4),
        rule(2, table="a"),
        rule(4, table="b"),
    )
    assert found == [(2, Not(TEN), "a"), (4, AnyPacket(), "b")]


def test_a_goto_that_was_itself_skipped_skips_nothing(linux: Build) -> None:
    """From 10/8 the first goto lands on 3, past the second: rule 4 must still see these packets."""
    found = rules(
        linux,
        rule(1, src="10.0.0.0", srclen=8, goto=3),
        rule(2, goto=9),
        rule(4, table="a"),
        rule(9, table="b"),
    )
    assert found == [(4, Not(Not(TEN)), "a"), (9, AnyPacket(), "b")]


def test_a_goto_does_not_skip_equals_before_it(linux: Build) -> None:
    found = rules(linux, rule(1, table="a"), rule(1, goto=9), rule(1, table="b"), rule(9, table="c"))
    assert [(table, matches) for _, matches, table in found] == [
        ("a", AnyPacket()),
        ("b", Not(AnyPacket())),
        ("c", AnyPacket()),
    ]


def test_an_unresolved_goto_and_a_nop_do_nothing(linux: Build) -> None:
    found = rules(linux, rule(1, goto=5, unresolved=None), rule(2, nop=None), rule(3, table="a"))
    assert found == [(3, AnyPacket(), "a")]


@pytest.mark.parametrize("action", ["blackhole", "unreachable", "prohibit"])
def test_rules_that_end_the_lookup(linux: Build, action: str) -> None:
    device = linux({"ip-rule4.json": [rule(1, action=action)]})
    assert (device.rules[0].table, device.rules[0].kind.value) == (None, action)


def test_an_action_nobody_knows_is_doubtful(linux: Build) -> None:
    device = linux({"ip-rule4.json": [rule(1, action="teleport")]})
    assert "unknown rule action 'teleport'" in reasons(device, bounded=False)


def test_suppressed_prefixes_are_left_out_of_a_table_of_their_own(linux: Build) -> None:
    entries = [
        route("default"),
        route("10.0.0.0/8"),
        route("10.1.0.0/16"),
        route("0.0.0.0/1", type="blackhole"),
        route("128.0.0.0/2", type="throw"),
    ]
    device = linux(
        {"ip-rule4.json": [rule(1, table="main", suppress_prefixlen=8)], "ip-route4.json": entries}
    )
    assert device.rules[0].table == "main suppress_prefixlength 8"
    own = [str(entry) for entry in device.routes if entry.table == "main suppress_prefixlength 8"]
    assert own == ["10.1.0.0/16", "0.0.0.0/1"]


def test_a_suppressed_interface_group_may_or_may_not_be(linux: Build) -> None:
    device = linux({"ip-rule4.json": [rule(1, table="main", sup_group="7")]})
    assert device.rules[0].matches == UnknownMatch("suppress_ifgroup 7")
    assert reasons(device, bounded=False) == []


VRF_LINKS = [
    {"ifname": "blue", "flags": ["UP"], "linkinfo": {"info_kind": "vrf", "info_data": {"table": 100}}},
    {"ifname": "eth1", "flags": ["UP"], "master": "blue", "linkinfo": {"info_slave_kind": "vrf"}},
    {"ifname": "eth2", "flags": ["UP"]},
]


def test_vrfs_look_their_own_table_up(linux: Build) -> None:
    found = rules(linux, rule(1000, l3mdev=None), **{"ip-link.json": VRF_LINKS, "ip-address.json": []})
    assert found == [(1000, InterfaceIn(Direction.IN, ("blue", "eth1")), "100")]


@pytest.mark.parametrize("name", ["blue", "eth1"])
def test_a_rule_for_an_interface_of_a_vrf_may_match(linux: Build, name: str) -> None:
    files = {"ip-link.json": VRF_LINKS, "ip-address.json": []}
    ((_, matches, _),) = rules(linux, rule(1, iif=name, table="7"), **files)
    assert "UnknownMatch" in repr(matches)


def test_a_vrf_whose_table_has_a_name_is_doubtful(linux: Build) -> None:
    device = linux(
        {"ip-link.json": VRF_LINKS, "ip-address.json": [], "ip-route4.json": [route(table="tenant")]}
    )
    assert reasons(device, bounded=False) == ["the routes of table 100 may be listed under a name: tenant"]


def test_unresolved_neighbours_are_ignored(linux: Build) -> None:
    entries = [
        {"dst": "192.0.2.2", "dev": "eth1", "lladdr": "02:00:00:00:00:02", "state": ["STALE"]},
        {"dst": "192.0.2.3", "dev": "eth1", "state": ["INCOMPLETE"]},
        {"dst": "192.0.2.4", "dev": "eth1", "lladdr": "02:00:00:00:00:04", "state": ["FAILED"]},
    ]
    device = linux({"ip-neighbour.json": entries})
    assert [entry.address for entry in device.neighbours] == [A]
    assert [reason for reason in reasons(device, bounded=True) if reason.startswith("no answer")]
