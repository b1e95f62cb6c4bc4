"""IOS: the device's own routing table in place of the configured one."""

from __future__ import annotations

from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.vendors.cisco_ios import VENDOR
from segaudit.vendors.cisco_ios.platform import follow_ups

CONFIG = """version 15.7
no ip source-route
vrf definition RED
 rd 1:1
 address-family ipv4
  route-target import 1:2
!
interface GigabitEthernet0/1
 ip address 10.0.1.1 255.255.255.0
interface GigabitEthernet0/2
 ip address dhcp
interface GigabitEthernet0/3
 vrf forwarding RED
 ip address 10.0.3.1 255.255.255.0
router bgp 1
 address-family vpnv4
  neighbor 10.0.1.9 activate
ip route 10.7.0.0 255.255.0.0 10.0.1.7
end
"""

HEAD = (
    "Codes: L - local, C - connected\n       a - application route\n\nGateway of last resort is not set\n\n"
)
TABLE = HEAD + (
    "      10.0.0.0/8 is variably subnetted, 4 subnets, 2 masks\n"
    "C        10.0.1.0/24 is directly connected, GigabitEthernet0/1\n"
    "L        10.0.1.1/32 is directly connected, GigabitEthernet0/1\n"
    "O E2     10.5.0.0/16\n"
    "           [110/20] via 10.0.1.8, 1d02h, GigabitEthernet0/1\n"
    "           [110/20] via 10.0.1.9, 1d02h, GigabitEthernet0/1\n"
    "B        10.6.0.0/16 [20/0] via 10.0.1.9, 00:01:02\n"
    "      192.0.2.0/24 is variably subnetted, 2 subnets, 2 masks\n"
    "C        192.0.2.0/24 is directly connected, GigabitEthernet0/2\n"
    "L        192.0.2.33/32 is directly connected, GigabitEthernet0/2\n"
    "S     198.51.100.0/24 is directly connected, Null0\n"
)


def device(**outputs: str) -> Device:
    texts = {
        "running-config.txt": CONFIG,
        **{f"{name.replace('_', '-')}.txt": text for name, text in outputs.items()},
    }
    files = tuple(RawFile(f"devices/d/{name}", text, "") for name, text in texts.items())
    return VENDOR.read(RawConfig("d", "cisco_ios", files))


def routes(found: Device, table: str) -> dict[str, list[str | None]]:
    out: dict[str, list[str | None]] = {}
    for route in found.routes:
        if route.table == table:
            out.setdefault(str(route), []).extend(
                [hop.interface for hop in route.next_hops] or [route.kind.value]
            )
    return out


def unknown(found: Device) -> set[str]:
    return {f"{route.table} {route.family.label}" for route in found.routes if route.protocol == "unknown"}


def test_without_a_table_what_bgp_learned_is_unknown() -> None:
    assert unknown(device()) == {
        "unknown of default ipv4", "unknown of default ipv6", "unknown of RED ipv4", "unknown of RED ipv6"
    }  # fmt: skip


def test_a_table_stands_in_place_of_the_configured_routes() -> None:
    found = device(ip_route=TABLE)
    assert routes(found, "main") == {
        "10.0.1.0/24": ["GigabitEthernet0/1"],
        "10.5.0.0/16": ["GigabitEthernet0/1", "GigabitEthernet0/1"],
        "10.6.0.0/16": ["GigabitEthernet0/1"],
        "192.0.2.0/24": ["GigabitEthernet0/2"],
        "198.51.100.0/24": ["blackhole"],
    }
    assert "unknown of default ipv4" not in unknown(found)
    assert "unknown of RED ipv4" in unknown(found)
    assert routes(found, "local")["192.0.2.33/32"] == ["local"]


def test_a_table_that_is_not_whole_does_not_count() -> None:
    cut = TABLE[: TABLE.index("B        10.6")]
    for text in (
        "",
        HEAD.split("Gateway")[0],
        cut,
        TABLE + "wibble\n",
        TABLE.replace("via 10.0.1.8", "via nowhere"),
    ):
        found = device(ip_route=text)
        assert "unknown of default ipv4" in unknown(found), text
        assert "10.7.0.0/16" in routes(found, "main")
        assert all(line.bounded for line in found.lines)


def test_a_next_hop_that_no_route_leads_to_leaves_the_rest_unknown() -> None:
    red = "Routing Table: RED\n" + HEAD + (
        "      10.0.0.0/8 is variably subnetted, 3 subnets, 2 masks\n"
        "C        10.0.3.0/24 is directly connected, GigabitEthernet0/3\n"
        "L        10.0.3.1/32 is directly connected, GigabitEthernet0/3\n"
        "B        10.8.0.0/16 [200/0] via 10.9.9.9, 00:01:02\n"
    )  # fmt: skip
    found = device(ip_route=TABLE, ip_route_vrf_RED=red)
    assert "unknown of RED ipv4" in unknown(found)
    found = device(ip_route=TABLE, ip_route_vrf_RED=red.replace("via 10.9.9.9", "via 10.0.1.9 (default)"))
    assert unknown(found) == {"unknown of default ipv6", "unknown of RED ipv6"}
    assert routes(found, "vrf RED")["10.8.0.0/16"] == ["GigabitEthernet0/1"]


def test_next_hops_are_followed_and_loops_end() -> None:
    more = (
        "B     203.0.113.0/24 [20/0] via 10.6.0.1, 00:01:02\n"
        "B     203.0.114.0/24 [20/0] via 203.0.113.9, 00:01:02\n"
        "B     203.0.115.0/24 [20/0] via 203.0.115.1, 00:01:02\n"
    )
    found = device(ip_route=TABLE + more)
    (route,) = [route for route in found.routes if str(route) == "203.0.114.0/24"]
    assert [(hop.interface, hop.address) for hop in route.next_hops] == [("GigabitEthernet0/1", 0x0A000109)]
    assert "unknown of default ipv4" in unknown(found)


def test_a_large_table_is_read_in_time_with_its_lines() -> None:
    rows = [f"B     20.{n // 256}.{n % 256}.0/24 [20/0] via 10.0.1.9, 00:01:02" for n in range(3000)]
    found = device(ip_route=TABLE + "\n".join(rows) + "\n")
    assert len([route for route in found.routes if route.protocol == "bgp"]) == 3001


def test_the_output_of_another_vrf_does_not_count() -> None:
    found = device(ip_route_vrf_RED="Routing Table: BLUE\n" + TABLE)
    assert "unknown of RED ipv4" in unknown(found)
    assert "10.6.0.0/16" not in routes(found, "vrf RED")


TABLE6 = (
    "IPv6 Routing Table - default - 5 entries\nCodes: C - Connected, L - Local\n       H - NHRP\n"
    "S   ::/0 [1/0]\n     via FE80::9, GigabitEthernet0/1\n"
    "C   2001:DB8:1::/64 [0/0]\n     via GigabitEthernet0/1, directly connected\n"
    "L   2001:DB8:1::1/128 [0/0]\n     via GigabitEthernet0/1, receive\n"
    "B   2001:DB8:2::/48 [20/0], tag 7\n     via 2001:DB8:1::9\n"
    "L   FF00::/8 [0/0]\n     via Null0, receive\n"
)


def test_an_ipv6_table_says_how_many_entries_it_has() -> None:
    found = device(ip_route=TABLE, ipv6_route=TABLE6)
    assert unknown(found) == {"unknown of RED ipv4", "unknown of RED ipv6"}
    table = routes(found, "main")
    assert table["::/0"] == table["2001:db8:1::/64"] == table["2001:db8:2::/48"] == ["GigabitEthernet0/1"]
    (default,) = [route for route in found.routes if str(route) == "::/0" and route.table == "main"]
    assert default.next_hops[0].anyone
    assert routes(found, "local")["2001:db8:1::1/128"] == ["local"]
    cut = TABLE6[: TABLE6.index("L   FF00")]
    for text in (TABLE6.replace("5 entries", "6 entries"), TABLE6 + "wibble\n", cut):
        assert "unknown of default ipv6" in unknown(device(ipv6_route=text))


def test_the_tables_of_all_vrfs_are_asked_for() -> None:
    config = CONFIG + "ip vrf B2\nvrf definition bad;name\nip vrf forwarding X\n"
    asked = follow_ups((RawFile("devices/d/running-config.txt", config, ""),))
    assert [(one.file, one.command) for one in asked] == [
        ("ip-route-vrf-B2.txt", "show ip route vrf B2"),
        ("ipv6-route-vrf-B2.txt", "show ipv6 route vrf B2"),
        ("ip-route-vrf-RED.txt", "show ip route vrf RED"),
        ("ipv6-route-vrf-RED.txt", "show ipv6 route vrf RED"),
    ]
    failed = RawFile("devices/d/running-config.txt", config, "", exit_status=1)
    assert follow_ups((failed,)) == ()
