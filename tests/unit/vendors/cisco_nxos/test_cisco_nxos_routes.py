"""NX-OS: a routing table that was collected counts in place of what is configured."""

from __future__ import annotations

from functools import partial
from ipaddress import ip_address

import pytest
from builders.switch_configs import next_hops
from builders.switch_configs import read as read_config

from segaudit.model.device import Device, RouteKind
from segaudit.vendors.cisco_nxos import VENDOR

read = partial(read_config, VENDOR)

CONFIG = """
vrf context A
  vni 50001
interface Ethernet1/1
  no switchport
  ip address 10.0.0.1/24
  no shutdown
interface Ethernet1/2
  no switchport
  ip address 10.2.0.1/24
  no shutdown
interface Ethernet1/3
  no switchport
  vrf member A
  ip address 10.3.0.1/24
  no shutdown
interface nve1
  no shutdown
  member vni 50001 associate-vrf
interface loopback0
  ip address 10.255.0.1/32
ip route 10.77.0.0/16 10.0.0.77
router bgp 65000
  vrf A
"""

HEAD = """'*' denotes best ucast next-hop
'**' denotes best mcast next-hop
'[x/y]' denotes [preference/metric]
'%<string>' in via output denotes VRF <string>

"""

TABLE = f"""IP Route Table for VRF "default"
{HEAD}10.0.0.0/24, ubest/mbest: 1/0, attached
    *via 10.0.0.1, Eth1/1, [0/0], 6d00h, direct
10.0.0.1/32, ubest/mbest: 1/0, attached
    *via 10.0.0.1, Eth1/1, [0/0], 6d00h, local
10.255.0.1/32, ubest/mbest: 2/0, attached
    *via 10.255.0.1, Lo0, [0/0], 6d00h, local
    *via 10.255.0.1, Lo0, [0/0], 6d00h, direct
10.50.0.0/16, ubest/mbest: 1/0
    *via 10.51.0.9, [200/0], 5d18h, bgp-65000, internal, tag 65000
     via 10.2.0.9, Eth1/2, [110/3], 5d18h, ospf-10, intra
10.51.0.0/16, ubest/mbest: 1/0
    *via 10.0.0.7, Eth1/1, [110/3], 5d18h, ospf-10, intra
10.60.0.0/16, ubest/mbest: 1/0
    *via Null0, [1/0], 1y17w, static

IP Route Table for VRF "A"
{HEAD}10.3.0.0/24, ubest/mbest: 1/0, attached
    *via 10.3.0.1, Eth1/3, [0/0], 6d00h, direct
10.9.0.0/24, ubest/mbest: 1/0
    *via 10.255.0.2%default, [200/0], 1d02h, bgp-65000, internal, segid: 50001 encap: VXLAN
"""


def test_a_table_without_any_route_of_a_vrf_with_addresses_is_not_used() -> None:
    config = CONFIG.replace("interface loopback0", "interface Ethernet1/9")
    device = read(config, **{"ip-route": TABLE.partition("10.0.0.0/24")[0]})
    assert next_hops(device, "main", "10.2.0.0/24") == {("Ethernet1/2", None)}


def unknown(device: Device) -> set[tuple[str, int]]:
    return {(route.table, route.family.value) for route in device.routes if route.protocol == "unknown"}


def number(text: str) -> int:
    return int(ip_address(text))


def test_the_tables_of_all_vrfs_count_and_nothing_else_does() -> None:
    device = read(CONFIG, **{"ip-route": TABLE})
    assert next_hops(device, "main", "10.0.0.0/24") == {("Ethernet1/1", None)}
    assert next_hops(device, "main", "10.2.0.0/24") == set(), "the port had no link"
    assert next_hops(device, "main", "10.77.0.0/16") == set()
    assert [str(one) for one in device.routes if one.kind is RouteKind.BLACKHOLE] == ["10.60.0.0/16"]
    assert {family for _, family in unknown(device)} == {6}, "of IPv6 nothing was collected"


def test_a_next_hop_without_an_interface_is_looked_up() -> None:
    device = read(CONFIG, **{"ip-route": TABLE})
    assert next_hops(device, "main", "10.50.0.0/16") == {("Ethernet1/1", number("10.0.0.7"))}


def test_what_an_overlay_carries_leaves_by_its_tunnel() -> None:
    device = read(CONFIG, **{"ip-route": TABLE})
    assert next_hops(device, "vrf A", "10.9.0.0/24") == {("nve1 vrf A", None)}


@pytest.mark.parametrize(
    "table",
    [
        TABLE + "something else\n",
        TABLE.replace("ubest/mbest: 2/0", "ubest/mbest: 3/0"),
        TABLE.partition("    *via 10.0.0.7")[0],
        TABLE.partition("10.255.0.1/32")[0],
    ],
    ids=["a line too many", "too few next hops", "cut in a route", "cut before the loopback"],
)
def test_a_table_that_is_not_understood_to_its_end_is_not_used(table: str) -> None:
    device = read(CONFIG, **{"ip-route": table})
    assert ("unknown of default", 4) in unknown(device)
    assert next_hops(device, "main", "10.2.0.0/24") == {("Ethernet1/2", None)}
