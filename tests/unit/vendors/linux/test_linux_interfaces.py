"""Links, bridges, VRFs and addresses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from segaudit.model.device import Device, Interface, InterfaceKind, Switchport, SwitchportMode

Build = Callable[..., Device]
UP = ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"]
AWARE = {"info_kind": "bridge", "info_data": {"vlan_filtering": 1}}


def link(name: str, kind: str = "", flags: list[str] | None = None, **more: Any) -> dict[str, Any]:
    info = {"linkinfo": {"info_kind": kind}} if kind else {}
    return {
        "ifname": name,
        "flags": UP if flags is None else flags,
        "operstate": "UP",
        "link_type": "ether",
        **info,
        **more,
    }


def interfaces(linux: Build, links: list[dict[str, Any]], **files: Any) -> dict[str, Interface]:
    return dict(linux({"ip-link.json": links, "ip-address.json": [], **files}).interfaces)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("", InterfaceKind.PHYSICAL),
        ("veth", InterfaceKind.PHYSICAL),
        ("bridge", InterfaceKind.BRIDGE),
        ("vlan", InterfaceKind.VLAN),
        ("bond", InterfaceKind.AGGREGATE),
        ("dummy", InterfaceKind.LOOPBACK),
        ("wireguard", InterfaceKind.TUNNEL),
        ("gre", InterfaceKind.TUNNEL),
        ("telepathy", InterfaceKind.OTHER),
    ],
)
def test_kinds(linux: Build, kind: str, expected: InterfaceKind) -> None:
    assert interfaces(linux, [link("x0", kind)])["x0"].kind is expected


@pytest.mark.parametrize("kind", ["macvlan", "ipvlan", "macsec"])
def test_what_shares_its_parents_wire_is_joined_to_it(linux: Build, kind: str) -> None:
    found = interfaces(linux, [link("eth1"), link("x0", kind, link="eth1")])["x0"]
    assert (found.kind, found.parent, found.vlan) == (InterfaceKind.VLAN, "eth1", None)


def test_a_macvlan_without_known_parent_may_be_anywhere(linux: Build) -> None:
    assert interfaces(linux, [link("x0", "macvlan", link_index=7)])["x0"].kind is InterfaceKind.OTHER


@pytest.mark.parametrize(
    ("flags", "operstate", "enabled", "operational"),
    [
        (["UP", "LOWER_UP"], "UP", True, True),
        (["NO-CARRIER", "UP"], "DOWN", True, False),
        ([], "DOWN", False, False),
        (["UP"], "UNKNOWN", True, True),
        (["UP", "LOWER_UP"], "DORMANT", True, True),
        (["UP"], "LOWERLAYERDOWN", True, False),
    ],
)
def test_states(linux: Build, flags: list[str], operstate: str, enabled: bool, operational: bool) -> None:
    found = interfaces(linux, [link("eth1", flags=flags) | {"operstate": operstate}])["eth1"]
    assert (found.enabled, found.operational) == (enabled, operational)


def test_a_plain_bridge_is_one_segment(linux: Build) -> None:
    found = interfaces(linux, [link("br0", "bridge"), link("eth1", master="br0")])
    plain = Switchport(SwitchportMode.ACCESS, access_vlan=0)
    assert (found["br0"].switchport, found["eth1"].switchport) == (plain, plain)
    assert (found["br0"].bridge, found["eth1"].bridge) == (None, "br0")


@pytest.mark.parametrize(
    ("vlans", "expected"),
    [
        ([{"vlan": 10, "flags": ["PVID", "Egress Untagged"]}], Switchport(SwitchportMode.ACCESS, 10)),
        (
            [{"vlan": 1, "flags": ["PVID", "Egress Untagged"]}, {"vlan": 20, "vlanEnd": 30}],
            Switchport(SwitchportMode.TRUNK, native_vlan=1, trunk_vlans=((1, 1), (20, 30))),
        ),
        ([{"vlan": 10, "flags": ["PVID"]}], Switchport(SwitchportMode.TRUNK, 0, 10, ((10, 10),))),
        ([{"vlan": 10}], Switchport(SwitchportMode.TRUNK, trunk_vlans=((10, 10),))),
    ],
)
def test_ports_of_a_vlan_aware_bridge(linux: Build, vlans: list[Any], expected: Switchport) -> None:
    links = [link("br0", linkinfo=AWARE), link("eth1", master="br0")]
    device = interfaces(linux, links, **{"bridge-vlan.json": [{"ifname": "eth1", "vlans": vlans}]})
    assert device["eth1"].switchport == expected


def doubts(device: Device) -> list[str]:
    return [line.reason for line in device.lines if not line.bounded]


@pytest.mark.parametrize(
    ("links", "vlans", "reason"),
    [
        ([link("eth1", xdp={"mode": 1})], [], "XDP"),
        ([link("ovs0", "openvswitch"), link("eth1", master="ovs0")], [], "switches by rules"),
        ([link("x0", "telepathy")], [], "interface kind 'telepathy'"),
        ([link("br0", linkinfo=AWARE)], None, "VLANs were not collected"),
        (
            [link("br0", linkinfo=AWARE), link("eth1", master="br0")],
            [{"ifname": "eth1", "vlans": [{"vlan": 5, "flags": ["Egress Untagged"]}]}],
            "VLAN 5 leaves untagged",
        ),
    ],
)
def test_ways_past_the_model_are_doubtful(
    linux: Build, links: list[dict[str, Any]], vlans: list[Any] | None, reason: str
) -> None:
    device = linux({"ip-link.json": links, "ip-address.json": [], "bridge-vlan.json": vlans})
    assert [found for found in doubts(device) if reason in found]


def test_vrf_members(linux: Build) -> None:
    vrf = {"info_kind": "vrf", "info_data": {"table": 100}}
    found = interfaces(linux, [link("blue", linkinfo=vrf), link("eth1", master="blue"), link("eth2")])
    assert [found[name].vrf for name in ("blue", "eth1", "eth2")] == ["blue", "blue", "default"]
    assert found["eth1"].bridge is None


def test_addresses_of_every_scope_are_kept(linux: Build) -> None:
    entries = [
        {"family": "inet", "local": "192.0.2.1", "prefixlen": 24},
        {
            "family": "inet",
            "local": "192.0.2.9",
            "address": "192.0.2.10",
            "prefixlen": 31,
            "deprecated": True,
        },
        {"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link", "tentative": True},
        {},
    ]
    device = linux({"ip-address.json": [{"ifname": "eth1", "addr_info": entries}]})
    assert [str(address) for address in device.interfaces["eth1"].addresses] == [
        "192.0.2.1/24",
        "192.0.2.9/32",
        "fe80::1/64",
    ]


def test_a_proxied_address_counts_as_proxy_arp(linux: Build) -> None:
    proxy = [{"dst": "192.0.2.99", "dev": "eth2", "proxy": None}]
    device = linux({"ip-neighbour-proxy.json": proxy})
    assert [device.interfaces[name].proxy_arp for name in ("eth1", "eth2")] == [False, True]


DNAT = json.dumps(
    {
        "nftables": [
            {"metainfo": {"version": "1.0.6", "release_name": "x", "json_schema_version": 1}},
            {"table": {"family": "ip", "name": "nat", "handle": 1}},
            {
                "chain": {
                    "family": "ip",
                    "table": "nat",
                    "name": "pre",
                    "handle": 1,
                    "type": "nat",
                    "hook": "prerouting",
                    "prio": -100,
                    "policy": "accept",
                }
            },
        ]
    }
)
DNAT_TEXT = """table ip nat { # handle 1
\tchain pre { # handle 1
\t\ttype nat hook prerouting priority dstnat; policy accept;
\t}
}
"""


@pytest.mark.parametrize(
    ("setting", "port", "nat", "doubtful"),
    [
        ("net.bridge.bridge-nf-call-iptables = 1", True, True, True),
        ("net.bridge.bridge-nf-call-ip6tables = 1", True, True, True),
        ("net.bridge.bridge-nf-call-iptables = 0", True, True, False),
        ("net.bridge.bridge-nf-call-iptables = 1", False, True, False),
        ("net.bridge.bridge-nf-call-iptables = 1", True, False, False),
        ("", True, True, True),
    ],
)
def test_bridged_packets_that_may_be_translated_are_doubtful(
    linux: Build, setting: str, port: bool, nat: bool, doubtful: bool
) -> None:
    links = [link("br0", "bridge"), link("eth1", master="br0") if port else link("eth1")]
    files = {"nftables.json": DNAT, "nftables.txt": DNAT_TEXT} if nat else {}
    device = linux(
        {"ip-link.json": links, "ip-address.json": [], "sysctl.txt": f"{setting}\n", **files},
    )
    found = [reason for reason in doubts(device) if "bridge-nf-call-iptables" in reason]
    assert bool(found) is doubtful
