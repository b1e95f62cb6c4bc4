"""``show route``: believed as a whole or not at all."""

from __future__ import annotations

import pytest

from segaudit.model.device import Device, RouteKind
from segaudit.model.flow import Family
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.vendors.juniper_junos import VENDOR

CONFIG = """
set interfaces ge-0/0/0 unit 0 family inet address 10.0.0.1/24
set interfaces ge-0/0/1 unit 0 family inet address 10.0.1.1/24
set interfaces ge-0/0/2 unit 0 family inet address 10.0.2.1/24
set interfaces ge-0/0/3 unit 0 family inet address 10.0.3.1/24
set routing-instances RED instance-type virtual-router
set routing-instances RED interface ge-0/0/2.0
set routing-options static route 10.8.0.0/16 next-hop 10.0.0.9
set protocols bgp group g neighbor 10.0.0.9
set routing-instances RED protocols ospf area 0 interface all
"""
MASTER = """\

inet.0: 9 destinations, 9 routes (8 active, 0 holddown, 1 hidden)
+ = Active Route, - = Last Active, * = Both

10.0.0.0/24        *[Direct/0] 1w2d 03:04:05
                    >  via ge-0/0/0.0
10.0.0.1/32        *[Local/0] 1w2d 03:04:05
                       Local via ge-0/0/0.0
10.0.1.0/24        *[Direct/0] 00:04:05
                    >  via ge-0/0/1.0
10.0.1.1/32        *[Local/0] 00:04:05
                       Local via ge-0/0/1.0
10.0.3.1/32        *[Local/0] 00:04:05
                       Reject
10.0.2.0/24        *[Direct/0] 00:04:05
                    >  via ge-0/0/2.0
10.9.0.0/16        *[BGP/170] 00:01:02, localpref 100
                      AS path: 65001 I, validation-state: unverified
                    >  to 10.0.0.9 via ge-0/0/0.0
                       to 10.0.1.9 via ge-0/0/1.0
10.10.0.0/16       *[Aggregate/130] 00:01:02
                       Reject
"""
RED = """\

RED.inet.0: 2 destinations, 2 routes (2 active, 0 holddown, 0 hidden)
+ = Active Route, - = Last Active, * = Both

10.0.2.0/24        *[Direct/0] 00:04:05
                    >  via ge-0/0/2.0
10.0.2.1/32        *[Local/0] 00:04:05
                       Local via ge-0/0/2.0

mpls.0: 1 destinations, 1 routes (1 active, 0 holddown, 0 hidden)
+ = Active Route, - = Last Active, * = Both

0                  *[MPLS/0] 1w, metric 1
                       Receive
"""


def read(table: str, config: str = CONFIG, exit_status: int | None = None) -> Device:
    files = (
        RawFile("devices/r1/running-config.txt", config, ""),
        RawFile("devices/r1/route.txt", table, "", exit_status=exit_status),
    )
    return VENDOR.read(RawConfig("r1", "juniper_junos", files))


def routes(device: Device, table: str = "main") -> dict[str, tuple[RouteKind, set[str | None]]]:
    found: dict[str, tuple[RouteKind, set[str | None]]] = {}
    for route in device.routes:
        if route.table == table:
            _, hops = found.setdefault(str(route), (route.kind, set()))
            hops.update(hop.interface for hop in route.next_hops)
    return found


def is_open(device: Device, vrf: str = "default") -> bool:
    """True where the IPv4 table may hold more than is shown."""
    return any(
        route.table == f"unknown of {vrf}" and route.family is Family.IPV4 for route in device.routes
    )


def test_the_device_s_table_is_believed() -> None:
    device = read(MASTER + RED)
    assert not is_open(device)
    assert not is_open(device, "RED")
    assert routes(device)["10.9.0.0/16"] == (RouteKind.UNICAST, {"ge-0/0/0.0", "ge-0/0/1.0"})
    assert routes(device)["10.10.0.0/16"][0] is RouteKind.UNREACHABLE
    assert "10.8.0.0/16" not in routes(device), "what is configured and not in the table is not there"
    assert set(routes(device, "vrf RED")) == {"10.0.2.0/24"}
    cited = next(route.span for route in device.routes if str(route) == "10.9.0.0/16")
    assert cited is not None and str(cited) == "devices/r1/route.txt:17"


def test_a_direct_route_of_another_instance_is_one_more() -> None:
    assert routes(read(MASTER))["10.0.2.0/24"] == (RouteKind.UNICAST, {"ge-0/0/2.0"})


def test_an_interface_without_a_direct_route_is_down() -> None:
    device = read(MASTER)
    assert [name for name, one in device.interfaces.items() if not one.operational] == ["ge-0/0/3.0"]
    assert all(
        one.operational for one in read(MASTER.replace("(8 active", "(9 active")).interfaces.values()
    )


def test_a_table_that_is_not_there_stays_open() -> None:
    device = read(MASTER)
    assert not is_open(device)
    assert is_open(device, "RED")


def test_a_learned_address_is_the_device_s_own() -> None:
    config = CONFIG + "set interfaces ge-0/0/4 unit 0 family inet dhcp\n"
    table = MASTER.replace("(8 active", "(10 active") + (
        "192.0.2.0/24       *[Direct/0] 00:04:05\n                    >  via ge-0/0/4.0\n"
        "192.0.2.7/32       *[Local/0] 00:04:05\n                       Local via ge-0/0/4.0\n"
    )
    device = read(table, config)
    assert not is_open(device)
    assert routes(device)["192.0.2.0/24"] == (RouteKind.UNICAST, {"ge-0/0/4.0"})
    assert "192.0.2.7/32" in routes(device, "local")


def test_a_lookup_in_another_table_stays_open() -> None:
    config = CONFIG + "set routing-options static route 10.7.0.0/16 next-table RED.inet.0\n"
    table = MASTER.replace("(8 active", "(9 active")
    table += "10.7.0.0/16        *[Static/5] 00:04:05\n                       to table RED.inet.0\n"
    device = read(table, config)
    assert is_open(device)
    hops = {
        hop.interface
        for route in device.routes
        if route.table == "unknown of default"
        for hop in route.next_hops
    }
    assert "ge-0/0/2.0" in hops


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(8 active", "(9 active"),
        ("10.9.0.0/16        *[BGP/170]", "10.9.0.0/16         [BGP/170]"),
        ("to 10.0.1.9 via ge-0/0/1.0", "to 10.0.1.9 via ge-0/0/1.0, Push 300016"),
        ("to 10.0.1.9 via ge-0/0/1.0", "to 10.0.1.9 via ge-0/0/77.0"),
        ("to 10.0.1.9 via ge-0/0/1.0", "Indirect"),
        ("10.9.0.0/16", "10.9.0.0/99"),
        ("\ninet.0:", "\nerror: timeout\ninet.0:"),
        (MASTER[-60:], ""),
    ],
)
def test_what_is_not_understood_or_not_whole_is_not_believed(old: str, new: str) -> None:
    assert old in MASTER
    device = read(MASTER.replace(old, new))
    assert is_open(device)
    assert "10.8.0.0/16" in routes(device)
    assert any("not believed" in line.reason for line in device.lines)


def test_a_command_that_failed_says_nothing() -> None:
    assert is_open(read(MASTER, exit_status=1))
