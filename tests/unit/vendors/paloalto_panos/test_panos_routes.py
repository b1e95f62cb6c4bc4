"""The firewall's own routing tables, in place of what its configuration lets one think."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from segaudit.model.device import Device, NextHop, RouteKind
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.vendors.paloalto_panos import VENDOR

CONFIG = """
set network interface ethernet ethernet1/1 layer3 ip 10.1.0.1/24
set network interface ethernet ethernet1/2 layer3 ip 10.2.0.1/24
set network interface ethernet ethernet1/2 layer3 ipv6 enabled yes
set network interface ethernet ethernet1/2 layer3 ipv6 address 2001:db8::1/64
set network virtual-router vr interface [ ethernet1/1 ethernet1/2 ]
set network virtual-router vr protocol bgp enable yes
"""
HEAD = """flags: A:active, ?:loose, C:connect, H:host, S:static, ~:internal, R:rip, O:ospf, B:bgp,
       Oi:ospf intra-area, Oo:ospf inter-area, O1:ospf ext-type-1, O2:ospf ext-type-2, E:ecmp, M:multicast

VIRTUAL ROUTER: vr (id 1)
  ==========
destination        nexthop        metric flags      age   interface          next-AS
"""
ROWS = """10.1.0.0/24        10.1.0.1       0      A C              ethernet1/1
10.1.0.1/32        0.0.0.0        0      A H
10.7.0.0/16        10.1.0.9                A?B      3600                     65001
10.7.0.0/16        10.1.0.8       50      B        3600                     65001
10.8.0.0/16        discard        10     A S
10.9.0.0/16        10.1.0.9       10     A Oi E     7     ethernet1/1
10.9.0.0/16        10.1.0.8       10     A Oi E     7     ethernet1/1
"""


def read(rows: str, total: int | None = None, exit_status: int | None = 0) -> Device:
    count = len(rows.strip().split("\n")) if total is None else total
    output = f"{HEAD}{rows}total routes shown: {count}\n"
    files = (
        RawFile("devices/d/running-config.txt", CONFIG, ""),
        RawFile("devices/d/route.txt", output, "", exit_status=exit_status),
    )
    return VENDOR.read(RawConfig("d", "", files))


def shown(device: Device) -> dict[str, tuple[RouteKind, list[str | None], str]]:
    return {
        str(route): (route.kind, [hop.interface for hop in route.next_hops], route.protocol)
        for route in device.routes
        if route.family == 4 and route.table in ("vrf vr", "vrf vr local")
    }


def test_the_active_rows_are_the_table() -> None:
    device = read(ROWS)
    unicast = RouteKind.UNICAST
    assert shown(device) == {
        "10.1.0.0/24": (unicast, ["ethernet1/1"], "connected"),
        "10.1.0.1/32": (RouteKind.LOCAL, [], "local"),
        "10.7.0.0/16": (unicast, ["ethernet1/1"], "bgp"),
        "10.8.0.0/16": (RouteKind.BLACKHOLE, [], "static"),
        "10.9.0.0/16": (unicast, ["ethernet1/1", "ethernet1/1"], "ospf"),
    }
    (bgp,) = [route for route in device.routes if str(route) == "10.7.0.0/16"]
    assert bgp.next_hops == (NextHop("ethernet1/1", int(ip_address("10.1.0.9"))),)
    assert not [line for line in device.lines if line.span.file.endswith("route.txt")]


def test_a_family_that_is_not_shown_stays_open() -> None:
    open_families = {route.family for route in read(ROWS).routes if route.protocol == "unknown"}
    assert open_families == {6}


@pytest.mark.parametrize(
    "rows",
    [
        ROWS + "10.10.0.0/16       vr other       10     A S\n",
        ROWS + "224.0.0.0/4        10.1.0.9       10     A S M            ethernet1/1\n",
        ROWS + "10.10.0.0/16       0.0.0.0        10     A S\n",
        ROWS + "not a row at all\n",
        ROWS + "10.10.0.0/99       10.1.0.9       10     A S            ethernet1/1\n",
    ],
)
def test_a_table_that_does_not_say_everything_leaves_the_configuration(rows: str) -> None:
    device = read(rows)
    assert [route.family for route in device.routes if route.protocol == "unknown"] == [4, 6]
    assert shown(device)["10.2.0.0/24"] == (RouteKind.UNICAST, ["ethernet1/2"], "connected")


def test_a_table_that_was_cut_counts_for_nothing() -> None:
    assert [route.family for route in read(ROWS, total=9).routes if route.protocol == "unknown"] == [4, 6]


def test_a_command_that_failed_counts_for_nothing() -> None:
    device = read(ROWS, exit_status=1)
    assert [route.family for route in device.routes if route.protocol == "unknown"] == [4, 6]
