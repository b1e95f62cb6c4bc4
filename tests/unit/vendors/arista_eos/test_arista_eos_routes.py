"""EOS: a routing table that was collected counts in place of what is configured."""

from __future__ import annotations

from functools import partial
from ipaddress import ip_address

import pytest
from builders.switch_configs import next_hops
from builders.switch_configs import read as read_config

from segaudit.model.device import Device, RouteKind
from segaudit.vendors.arista_eos import VENDOR

read = partial(read_config, VENDOR)

CONFIG = """
ip routing
vrf instance A
ip routing vrf A
interface Ethernet1
   no switchport
   ip address 10.0.0.1/24
interface Ethernet2
   no switchport
   ip address 10.2.0.1/24
interface Ethernet3
   no switchport
   vrf A
   ip address 10.3.0.1/24
interface Loopback0
   ip address 10.255.0.1/32
ip route 10.77.0.0/16 10.0.0.77
router bgp 65000
   vrf A
end
"""

TABLE = """
VRF: default
Codes: C - connected, S - static, K - kernel,
       O - OSPF, IA - OSPF inter area, B - Other BGP Routes

Gateway of last resort:
 S        0.0.0.0/0 [1/0]
           via 10.0.0.9, Ethernet1
 C        10.0.0.0/24 is directly connected, Ethernet1
 C        10.255.0.1/32
           directly connected, Loopback0
 B E      10.50.0.0/16 [200/0] via 10.0.0.5, Ethernet1
                               via 10.2.0.5, Ethernet2
 S        10.60.0.0/16 is directly connected, Null0

"""


def test_a_table_without_any_route_of_a_vrf_with_addresses_is_not_used() -> None:
    config = CONFIG.replace("interface Loopback0", "interface Ethernet9")
    device = read(config, **{"ip-route": TABLE.partition(" S  ")[0]})
    assert next_hops(device, "main", "10.2.0.0/24") == {("Ethernet2", None)}


def unknown(device: Device) -> set[str]:
    return {route.table for route in device.routes if route.protocol == "unknown"}


def number(text: str) -> int:
    return int(ip_address(text))


def test_the_table_of_a_vrf_counts_and_nothing_else_does() -> None:
    device = read(CONFIG, **{"ip-route": TABLE})
    assert next_hops(device, "main", "0.0.0.0/0") == {("Ethernet1", number("10.0.0.9"))}
    assert next_hops(device, "main", "10.50.0.0/16") == {
        ("Ethernet1", number("10.0.0.5")), ("Ethernet2", number("10.2.0.5")),
    }  # fmt: skip
    assert next_hops(device, "main", "10.0.0.0/24") == {("Ethernet1", None)}
    assert next_hops(device, "main", "10.2.0.0/24") == set(), "the port had no link"
    assert next_hops(device, "main", "10.77.0.0/16") == set(), "its next hop was not there"
    assert [str(one) for one in device.routes if one.kind is RouteKind.BLACKHOLE] == ["10.60.0.0/16"]


def test_a_vrf_that_the_output_does_not_show_is_as_configured() -> None:
    device = read(CONFIG, **{"ip-route": TABLE})
    assert next_hops(device, "vrf A", "10.3.0.0/24") == {("Ethernet3", None)}
    assert unknown(device) == {"unknown of A", "unknown of default"}
    families = {route.family.value for route in device.routes if route.table == "unknown of default"}
    assert families == {6}, "of IPv6 nothing was collected"


@pytest.mark.parametrize(
    "table",
    [
        TABLE + "something else\n",
        TABLE.replace("via 10.0.0.9, Ethernet1", ""),
        TABLE.replace("via 10.2.0.5, Ethernet2", "via 10.2.0.5 label 16"),
        TABLE.partition(" C        10.255")[0],
        TABLE.partition("           directly")[0],
    ],
    ids=["a line too many", "no next hop", "a label", "cut before the loopback", "cut in a route"],
)
def test_a_table_that_is_not_understood_to_its_end_is_not_used(table: str) -> None:
    device = read(CONFIG, **{"ip-route": table})
    assert "unknown of default" in unknown(device)
    assert next_hops(device, "main", "10.2.0.0/24") == {("Ethernet2", None)}
    assert next_hops(device, "main", "10.50.0.0/16") == set()


def test_a_next_hop_on_an_interface_that_is_not_known_may_be_anywhere() -> None:
    device = read(CONFIG, **{"ip-route": TABLE.replace("10.0.0.9, Ethernet1", "10.0.0.9, Ethernet9")})
    assert next_hops(device, "main", "0.0.0.0/0") == {(None, number("10.0.0.9"))}
