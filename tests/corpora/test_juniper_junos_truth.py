"""Junos against the corpora: real routing tables, one policy for many vendors, detection, netlab's labs."""

from __future__ import annotations

import json
import os
from collections import Counter
from functools import cache
from hashlib import sha256
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from segaudit.model.acl import Forwarding
from segaudit.model.device import Device, InterfaceKind, Route, RouteKind
from segaudit.model.flow import ConnectionState, Family, Flow
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.parse.detection import detect
from segaudit.parse.registry import vendors
from segaudit.reach.interpret import Context, decisions
from segaudit.reach.walk import Walker
from segaudit.routing.configured import local_table_of, table_of
from segaudit.vendors.juniper_junos import VENDOR

CORPORA = Path(os.environ.get("SEGAUDIT_CORPORA", Path(__file__).parents[2].parent / "shared" / "corpora"))
LABS = CORPORA / "real_device_labs"
GRAMMAR = CORPORA / "batfish" / "parser" / "juniper"
NETLAB = CORPORA / "netlab_generated" / "vrf"

pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"no corpora at {CORPORA}")


def raw_of(name: str, paths: list[Path], platform: str = "") -> RawConfig:
    files = []
    for path in paths:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        digest = sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
        files.append(RawFile(f"devices/{name}/{path.name}", text, digest))
    return RawConfig(name, platform, tuple(files))


def read(name: str, paths: list[Path]) -> Device:
    raw = raw_of(name, paths)
    assert detect(raw, vendors()) is VENDOR, name
    return VENDOR.read(raw)


# ---- routing tables -----------------------------------------------------------------------------

ROUTED = sorted(
    path.parent.name
    for path in LABS.glob("*/host_nos.txt")
    if "junos" in path.read_text() and (path.parent / "routes.json").exists()
)

LEAKED = {"junos_evpn_type5": 16}
"""Routes that an instance has from another one by route target: there the instance counts as unknown."""


def junos_nodes(lab: str) -> list[str]:
    nodes = json.loads((LABS / lab / "host_nos.txt").read_text())
    return sorted(node for node, system in nodes.items() if system == "junos")


@cache
def lab_device(lab: str, node: str) -> Device:
    return read(node, sorted((LABS / lab / "configs" / node).iterdir()))


def expected_routes(lab: str) -> list[dict[str, Any]]:
    nodes = set(junos_nodes(lab))
    rows = json.loads((LABS / lab / "routes.json").read_text())["rows"]
    return [
        row for row in rows if row["node"] in nodes and row["protocol"] in ("Direct", "Local", "Static")
    ]


def has_route(device: Device, row: dict[str, Any]) -> bool:
    network = ip_network(row["prefix"])
    local = row["protocol"] == "Local"
    table = local_table_of(row["vrf"]) if local else table_of(row["vrf"])
    first = int(network.network_address)
    return any(
        fits(route, row)
        for route in device.routes
        if route.table == table
        and (route.family, route.prefix, route.prefix_length)
        == (Family(network.version), first, network.prefixlen)
    )


def fits(route: Route, row: dict[str, Any]) -> bool:
    if row["protocol"] == "Local":
        return route.kind is RouteKind.LOCAL
    if row["nh_type"] == "Discard":
        return route.kind is RouteKind.BLACKHOLE
    if row["nh_type"] == "Reject":
        return route.kind is RouteKind.UNREACHABLE
    if row["protocol"] == "Static" and route.preference != row["admin"]:
        return False
    address = None if row["next_hop_ip"] is None else int(ip_address(row["next_hop_ip"]))
    return any(
        hop.interface == row["next_hop_int"] and (address is None or hop.address == address)
        for hop in route.next_hops
    )


def counts_as_unknown(device: Device, row: dict[str, Any]) -> bool:
    return any(route.table == f"unknown of {row['vrf']}" for route in device.routes)


@pytest.mark.parametrize("lab", ROUTED)
def test_a_real_routing_table_holds_what_the_configuration_says(lab: str) -> None:
    """Every direct, local and static route in its instance, but for those that come from another one."""
    missing = [row for row in expected_routes(lab) if not has_route(lab_device(lab, row["node"]), row)]
    assert all(counts_as_unknown(lab_device(lab, row["node"]), row) for row in missing)
    assert all(row["next_hop_int"].startswith("irb.") for row in missing)
    assert len(missing) == LEAKED.get(lab, 0)


@pytest.mark.parametrize("lab", ROUTED)
def test_a_route_that_the_device_hid_is_not_there(lab: str) -> None:
    """A static route of the model is one of the device, where nothing may have brought others."""
    had = {
        (row["node"], row["vrf"], row["prefix"])
        for row in json.loads((LABS / lab / "routes.json").read_text())["rows"]
        if row.get("protocol") == "Static" and row["node"] in junos_nodes(lab)
    }
    tables = {(node, vrf) for node, vrf, _ in had}
    extra = {
        (node, vrf, str(route))
        for node, vrf in tables
        for route in lab_device(lab, node).routes
        if route.protocol == "static" and route.table == table_of(vrf) and route.family is Family.IPV4
    } - had
    assert extra == UNRESOLVED.get(lab, set())


UNRESOLVED = {
    "juniper_resolution": {
        ("r1", "default", "10.10.7.0/32"),
        ("r1", "default", "10.10.9.0/32"),
    }
}
"""Routes by way of a route to an interface, and to nowhere: recursion makes the instance unknown anyway."""


def test_no_lab_of_the_corpus_is_left_out() -> None:
    assert len(ROUTED) == 19
    assert sum(len(expected_routes(lab)) for lab in ROUTED) > 700


# ---- one policy ---------------------------------------------------------------------------------

PROTOCOLS = {
    "tcp": 6,
    "udp": 17,
    "icmp": 1,
    "icmpv6": 58,
    "esp": 50,
    "ah": 51,
    "gre": 47,
    "ospf": 89,
    "pim": 103,
    "igmp": 2,
    "vrrp": 112,
    "sctp": 132,
}
FLAGS = {"S": 2, "A": 16, "F": 1, "R": 4, "P": 8, "U": 32}


def flow_of(packet: dict[str, Any]) -> Flow:
    source, destination = ip_address(packet["src"]), ip_address(packet["dst"])
    return Flow(
        Family(source.version),
        PROTOCOLS[packet["proto"]],
        int(source),
        int(destination),
        packet.get("sport", 0),
        packet.get("dport", 0),
        packet.get("icmp_type", 0),
        packet.get("icmp_code", 0),
        sum(FLAGS[flag] for flag in packet.get("flags", "")),
    )


def packets(name: str) -> list[dict[str, Any]]:
    truth = json.loads((CORPORA / "aerleon_acls" / "truth" / f"{name}.json").read_text())
    return [packet for one in truth["filters"] for packet in one["packets"]]


def decided(device: Device, acl: str, flow: Flow) -> set[str]:
    context = Context("ge-0/0/0.0", "ge-0/0/1.0", ConnectionState.NEW)
    return {
        "PERMIT" if one.verdict is Forwarding.ACCEPT else "DENY"
        for one in decisions(device, acl, flow, context)
    }


GENERATED = CORPORA / "aerleon_acls" / "generated"
REST = """
policy-options { prefix-list configured-neighbors-only { 0.0.0.0/0; } }
firewall { family inet { filter my-next-filter { term none { from { protocol 255; } then discard; } } } }
"""
"""What the policy leaves to the device: the prefix list it names (all, in its truth) and a next filter."""

EXPIRED = "accept-traceroute"
"""A term of the policy that is past its date: the generator left it out, the truth did not."""

OF_FRAGMENTS = "allow-dns-fragments"
"""A term for later fragments only, which the truth, that knows none, lets take whole packets."""


def with_rest(name: str, rest: str) -> Device:
    text = (GENERATED / name).read_text() + rest
    return VENDOR.read(RawConfig("d", "", (RawFile(f"devices/d/{name}", text, ""),)))


@pytest.mark.parametrize("name", ["sample_juniper_loopback.jcl", "sample_juniperevo_loopback.evojcl"])
def test_a_filter_does_what_its_policy_says(name: str) -> None:
    device = with_rest(name, REST)
    wrong = Counter(
        packet["term"]
        for packet in packets("sample_juniper_loopback")
        if decided(device, "inet LOOPBACK", flow_of(packet)) != {packet["expect"]}
    )
    assert EXPIRED not in (GENERATED / name).read_text()
    assert set(wrong) == {EXPIRED, OF_FRAGMENTS}
    assert sum(wrong.values()) == 8
    assert len(packets("sample_juniper_loopback")) == 900


@pytest.mark.parametrize("name", ["sample_juniper_loopback.jcl", "sample_juniperevo_loopback.evojcl"])
def test_what_a_filter_names_and_is_not_there_leaves_it_open(name: str) -> None:
    device = with_rest(name, "")
    for packet in packets("sample_juniper_loopback"):
        if packet["term"] not in (EXPIRED, OF_FRAGMENTS):
            assert packet["expect"] in decided(device, "inet LOOPBACK", flow_of(packet))


@pytest.mark.parametrize("name", ["sample_srx.srx", "sample_srx_yaml.srx"])
def test_policies_of_zones_do_what_the_policy_says(name: str) -> None:
    """Of TCP only what opens a connection: an SRX lets the rest pass by its sessions."""
    device = with_rest(name, "")
    asked = [packet for packet in packets("sample_srx") if packet.get("flags", "S") == "S"]
    acl = "security policies Untrust to DMZ"
    assert [packet for packet in asked if decided(device, acl, flow_of(packet)) != {packet["expect"]}] == []
    assert len(asked) == 571


# ---- netlab -------------------------------------------------------------------------------------

NETLABS = sorted(path.parent for path in NETLAB.glob("*/vmx/lab.json"))


def netlab_device(folder: Path) -> tuple[Device, dict[str, Any]]:
    lab = json.loads((folder / "lab.json").read_text())
    (name,) = [name for name, node in lab["nodes"].items() if node["device"] == "vmx"][:1]
    parts = [path for path in sorted(folder.glob(f"{name}.*.cfg")) if "hosts" not in path.name]
    return read(name, parts), lab["nodes"][name]


@pytest.mark.parametrize("folder", NETLABS, ids=lambda folder: folder.parent.name)
def test_a_lab_s_addresses_and_instances_are_those_that_were_asked_for(folder: Path) -> None:
    device, node = netlab_device(folder)
    assert [line for line in device.lines if not line.bounded] == []
    for wanted in node["interfaces"]:
        interface = device.interfaces[wanted["name"]]
        addresses = {str(address) for address in interface.addresses}
        assert {text for family in ("ipv4", "ipv6") if isinstance(text := wanted[family], str)} <= addresses
        assert interface.vrf == (wanted["vrf"] or "default")


def pings(folder: Path, device: Device) -> list[tuple[bool, bool, dict[str, Any]]]:
    """Each ping between neighbours of the device: whether it had to arrive, and whether it may."""
    lab = json.loads((folder / "lab.json").read_text())
    (dut,) = [name for name, node in lab["nodes"].items() if node["device"] == "vmx"][:1]
    found = []
    for ping in lab["expected_pings"]:
        family = "ipv6" if ping["af"] == "ipv6" else "ipv4"
        start = place(lab["nodes"][dut], ping["src"], family)
        source = address_of(lab["nodes"][ping["src"]], family)
        neighbour = lab["nodes"].get(ping["dst"])
        destination = address_of(neighbour, family) if neighbour else own_address(device, ping["dst"])
        if start is None or source is None or destination is None:
            continue
        walks = Walker({device.name: device}, {}).walk(echo(source, destination), device.name, start)
        steps = [step for walk in walks for step in walk.trace.steps]
        if neighbour:
            end = place(lab["nodes"][dut], ping["dst"], family)
            arrives = any(step.action == "sent" and step.interface == end for step in steps)
        else:
            arrives = any(step.action == "accepted" for step in steps)
        found.append((ping["expect"] == "ok", arrives, ping))
    return found


def own_address(device: Device, text: str) -> str:
    """An address as it stands, or the loopback's of an instance (``dut.vrfs.blue.loopback_address``)."""
    if not text.startswith("dut.vrfs."):
        return text
    (address,) = [
        address
        for one in device.interfaces.values()
        if one.kind is InterfaceKind.LOOPBACK and one.vrf == text.split(".")[2]
        for address in one.addresses
    ]
    return str(address.family.address(address.address))


def echo(source: str, destination: str) -> Flow:
    start, end = ip_address(source), ip_address(destination)
    six = start.version == 6
    return Flow(Family(start.version), 58 if six else 1, int(start), int(end), icmp_type=128 if six else 8)


def place(dut: dict[str, Any], name: str, family: str) -> str | None:
    """The interface of the device that a neighbour is behind."""
    for interface in dut["interfaces"]:
        if interface[family] and any(name == end[0] for end in interface["neighbors"]):
            return str(interface["name"])
    return None


def address_of(node: dict[str, Any], family: str) -> str | None:
    for interface in node["interfaces"]:
        if isinstance(interface[family], str):
            return str(interface[family]).split("/")[0]
    return None


@pytest.mark.parametrize("folder", NETLABS, ids=lambda folder: folder.parent.name)
def test_pings_between_neighbours_do_what_they_did(folder: Path) -> None:
    device, _ = netlab_device(folder)
    asked = pings(folder, device)
    assert [ping for expected, arrives, ping in asked if expected is not arrives] == []


def test_no_lab_of_netlab_is_left_out() -> None:
    assert len(NETLABS) == 9
    asked = Counter(
        expected for folder in NETLABS for expected, _, _ in pings(folder, netlab_device(folder)[0])
    )
    assert asked == {True: 28, False: 6}


# ---- grammar ------------------------------------------------------------------------------------

GRAMMARS = sorted(GRAMMAR.iterdir()) if GRAMMAR.is_dir() else []
NOT_CERTAIN = 28
"""Files that hold nothing that only Junos says (a host name, a broken line): refused, and read if told."""


def test_grammar_files_are_recognised_or_refused() -> None:
    claimed = [path for path in GRAMMARS if VENDOR.claims(raw_of("d", [path])) is not None]
    assert len(GRAMMARS) == 337
    assert len(GRAMMARS) - len(claimed) == NOT_CERTAIN


def test_grammar_files_are_read_and_every_line_has_a_fate() -> None:
    fates: Counter[str] = Counter()
    for path in GRAMMARS:
        raw = raw_of("d", [path])
        text = raw.files[0].text
        device = VENDOR.read(
            RawConfig("d", "juniper_junos", (RawFile("devices/d/running-config.txt", text, ""),))
        )
        (tally,) = device.tallies
        assert tally.total == sum(1 for line in text.split("\n") if line.strip()), path
        fates.update(fact=tally.fact, ignored=tally.ignored)
        fates.update(unsupported=tally.unsupported, unrecognized=tally.unrecognized)
    total = sum(fates.values())
    assert fates["fact"] + fates["ignored"] > 0.94 * total
    assert fates["unrecognized"] < 0.011 * total


@pytest.mark.parametrize("folder", ["batfish/parser", "batfish/parsing_corpus/configs"])
def test_no_other_vendor_s_file_is_claimed(folder: str) -> None:
    wrong = [
        path
        for path in sorted((CORPORA / folder).glob("*/*"))
        if path.is_file()
        and path.parent.name not in ("juniper", "junos")
        and VENDOR.claims(raw_of("d", [path])) is not None
    ]
    assert wrong == []


def test_metha_s_cases_are_read() -> None:
    cases = sorted((CORPORA / "metha").glob("example-tests/*/*/configs/*.set"))
    assert len(cases) == 13
    for path in cases:
        assert [line for line in read("d", [path]).lines if not line.bounded] == [], path
