"""The tables that a device showed: used whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest

from segaudit.model.device import Device, RouteKind
from segaudit.model.flow import Family
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.vendors.fortinet_fortios import VENDOR

CONFIG = """\
#config-version=FGVMK6-7.0.1-FW-build0157-210714:opmode=0:vdom=0:user=admin
config system interface
    edit "port1"
        set ip 10.1.0.1 255.255.0.0
    next
    edit "port2"
        set ip 10.2.0.1 255.255.0.0
    next
    edit "hq"
        set type tunnel
    next
end
config router static
    edit 1
        set dst 192.0.2.0/24
        set gateway 10.1.0.2
        set device port1
    next
end
config router bgp
    set as 65001
end
"""
HEAD = "Routing table for VRF=0\n"


def read(table: str, exit_status: int | None = 0, arp: str = "", config: str = CONFIG) -> Device:
    named = {"running-config.txt": config, "routing-table.txt": table}
    named |= {"arp.txt": arp} if arp else {}
    files = [
        RawFile(
            f"devices/fw/{name}", text, sha256(text.encode()).hexdigest(),
            exit_status=exit_status if name == "routing-table.txt" else 0,
        )
        for name, text in named.items()
    ]  # fmt: skip
    return VENDOR.read(RawConfig("fw", "", tuple(files)))


def shown(device: Device) -> set[tuple[str, str, str | None]]:
    return {
        (str(route), route.protocol, hop.interface)
        for route in device.routes
        if route.family is Family.IPV4 and route.kind is RouteKind.UNICAST and route.protocol != "connected"
        for hop in route.next_hops
    }


def test_the_devices_own_table_wins() -> None:
    device = read(HEAD + "B       203.0.113.0/24 [20/0] via 10.2.0.9, port2, 2d18h02m\n")
    assert shown(device) == {("203.0.113.0/24", "bgp", "port2")}


@pytest.mark.parametrize(
    ("line", "route"),
    [
        ("O*E2    0.0.0.0/0 [110/10] via 10.2.0.9, port2, 03w2d20h", ("0.0.0.0/0", "ospf", "port2")),
        ("O IA    10.9.0.0/24 [110/20] via 10.2.0.9, port2, 22:00:53", ("10.9.0.0/24", "ospf", "port2")),
        ("S       8.8.8.8/32 [200/0] via 10.1.0.9, port1, [1/0]", ("8.8.8.8/32", "static", "port1")),
        ("S       10.9.0.0/16 [10/0] via hq tunnel 203.0.113.9, [1/0]", ("10.9.0.0/16", "static", "hq")),
        ("B       10.9.0.0/16 [20/0] via 10.8.0.1 (recursive via 10.2.0.9, port2), port2, 00:01:02",
         ("10.9.0.0/16", "bgp", "port2")),
    ],
)  # fmt: skip
def test_routes_in_each_form(line: str, route: tuple[str, str, str]) -> None:
    assert shown(read(f"{HEAD}{line}\n")) == {route}


def test_further_next_hops_stand_below() -> None:
    text = "S       1.2.3.4/32 [10/0] via 10.1.0.9, port1\n                   [10/0] via 10.2.0.9, port2\n"
    assert shown(read(HEAD + text)) == {
        ("1.2.3.4/32", "static", "port1"),
        ("1.2.3.4/32", "static", "port2"),
    }


def test_a_blackhole_is_one() -> None:
    device = read(HEAD + "S       10.0.0.0/8 [254/0] is a summary, Null\n")
    assert [str(route) for route in device.routes if route.kind is RouteKind.BLACKHOLE] == ["10.0.0.0/8"]


@pytest.mark.parametrize(
    "text",
    [
        "B       203.0.113.0/24 [20/0] via 10.2.0.9, unheard-of, 2d18h02m\n",
        "X       203.0.113.0/24 [20/0] via 10.2.0.9, port2\n",
        "B       203.0.113.0/24 something else\n",
        "B       203.0.113.0/24 [20/0] via 10.2.0.9, port2 and more\n",
        "B       203.0.113.5/24 [20/0] via 10.2.0.9, port2\n",
        "Command fail. Return code -61\n",
        "                   [10/0] via 10.2.0.9, port2\n",
        "",
    ],
)
def test_a_table_that_is_not_understood_is_not_used(text: str) -> None:
    device = read(HEAD + "S       8.8.8.8/32 [200/0] via 10.1.0.9, port1\n" * bool(text[:1] != " ") + text)
    if not text:
        device = read(HEAD)
    assert ("192.0.2.0/24", "static", "port1") in shown(device)
    assert [route for route in device.routes if route.protocol == "unknown"]


def test_a_command_that_failed_is_no_table() -> None:
    device = read(HEAD + "S       8.8.8.8/32 [200/0] via 10.1.0.9, port1\n", exit_status=1)
    assert ("192.0.2.0/24", "static", "port1") in shown(device)


def test_what_sdwan_chooses_is_in_no_table() -> None:
    sdwan = CONFIG + "config system sdwan\n    set status enable\nend\n"
    device = read(HEAD + "S       8.8.8.8/32 [200/0] via 10.1.0.9, port1\n", config=sdwan)
    assert [route for route in device.routes if route.protocol == "unknown" and route.family is Family.IPV4]


def test_arp_entries(read_arp: Callable[[str], Device]) -> None:
    text = (
        "Address           Age(min)   Hardware Addr      Interface\n"
        "10.1.0.9          4          02:00:00:00:00:09 port1\n"
    )
    device = read_arp(text + "garbage\n10.1.0.9 4 02:00:00:00:00:09 unheard-of\n")
    assert [(one.interface, one.mac) for one in device.neighbours] == [("port1", "02:00:00:00:00:09")]
    assert len([line for line in device.lines if line.reason == "not an ARP entry"]) == 2


@pytest.fixture
def read_arp() -> Callable[[str], Device]:
    return lambda text: read(HEAD, arp=text)
