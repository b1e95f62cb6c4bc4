"""IOS and IOS-XE against the corpora: the devices' own tables, one policy, twins of one lab."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from ipaddress import ip_address, ip_interface
from pathlib import Path
from typing import Any

import pytest
import yaml

from segaudit.model.acl import Forwarding
from segaudit.model.device import Device, RouteKind, SwitchportMode
from segaudit.model.flow import ConnectionState, Family, Flow
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.model.source import LineFate
from segaudit.parse.cisco.names import full_interface_name
from segaudit.parse.detection import detect
from segaudit.parse.ledger import LineLedger
from segaudit.parse.registry import vendors
from segaudit.reach.interpret import Context, decisions, evaluate
from segaudit.routing.configured import local_table_of, table_of
from segaudit.vendors.cisco_ios import VENDOR
from segaudit.vendors.cisco_ios.route_tables import all_tables

CORPORA = Path(os.environ.get("SEGAUDIT_CORPORA", Path(__file__).parents[2].parent / "shared" / "corpora"))
LABS = CORPORA / "real_device_labs"
STANFORD = CORPORA / "stanford_backbone" / "raw"

pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"no corpora at {CORPORA}")


def read_text(text: str, name: str = "device") -> Device:
    digest = sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    file = RawFile(f"devices/{name}/running-config.txt", text, digest)
    return VENDOR.read(RawConfig(name, "cisco_ios", (file,)))


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="surrogateescape")


def not_understood(device: Device) -> list[str]:
    return [line.text for line in device.lines if line.fate == LineFate.UNRECOGNIZED.value]


# ---- real devices: every connected, local and static route they had -----------------------------

IMPORTED = (
    "the device shows its own address again in the VRF that imports the route, by BGP: not a table of ours"
)
MISSING = {
    (lab, "d3_pe", "d4_shared", address): IMPORTED
    for lab in ("iosxe_vrf_route_leaking_classic_eigrp", "iosxe_vrf_route_leaking_wide_eigrp")
    for address in ("10.13.11.2/32", "10.23.12.2/32")
}


def lab_nodes() -> Iterator[tuple[str, str, Path]]:
    for systems in sorted(LABS.glob("*/host_nos.txt")):
        for node, system in json.loads(systems.read_text()).items():
            folder = systems.parent / "configs" / node
            if system in ("ios", "iosxe"):
                yield from ((systems.parent.name, node, path) for path in sorted(folder.glob("*run*")))


@cache
def lab_devices() -> dict[tuple[str, str], Device]:
    return {(lab, node): read_text(text_of(path), node) for lab, node, path in lab_nodes()}


def in_table(device: Device, row: dict[str, Any]) -> bool:
    vrf = row["vrf"]
    table = local_table_of(vrf) if row["protocol"] == "local" else table_of(vrf)
    for route in device.routes:
        if (route.table, str(route), route.protocol) == (table, row["prefix"], row["protocol"]):
            hops = {hop.interface for hop in route.next_hops}
            if row["protocol"] != "connected" or row["next_hop_int"] in hops:
                return True
    return False


def test_every_connected_local_and_static_route_of_a_real_device_is_there() -> None:
    checked: Counter[str] = Counter()
    missing = set()
    for (lab, node), device in lab_devices().items():
        for row in json.loads((LABS / lab / "routes.json").read_text())["rows"]:
            if row["node"] == node and row["protocol"] in ("connected", "local", "static"):
                checked[row["protocol"]] += 1
                if not in_table(device, row):
                    missing.add((lab, node, row["vrf"], row["prefix"]))
    assert missing == set(MISSING)
    assert checked == {"connected": 314, "local": 203, "static": 33}


def test_no_route_is_there_that_the_real_device_had_not() -> None:
    """The other way round: a connected route of the model is one of the device (its ports were up)."""
    surplus = []
    for (lab, node), device in lab_devices().items():
        rows = [
            row
            for row in json.loads((LABS / lab / "routes.json").read_text())["rows"]
            if row["node"] == node
        ]
        told = {(table_of(row["vrf"]), row["prefix"]) for row in rows}
        tables = {table for table, _ in told}
        surplus += [
            (lab, node, route.table, str(route))
            for route in device.routes
            if route.protocol == "connected"
            and route.table in tables
            and (route.table, str(route)) not in told
        ]
    assert len(surplus) <= 20, surplus


def test_every_line_of_the_real_configurations_is_understood() -> None:
    assert {
        node: lines for node, device in lab_devices().items() if (lines := not_understood(device))
    } == {}


def test_every_real_configuration_is_claimed_by_nobody_else() -> None:
    for lab, node, path in lab_nodes():
        raw = RawConfig(node, "", (RawFile(f"devices/{node}/{path.name}", text_of(path), ""),))
        assert detect(raw, vendors()) is VENDOR, (lab, node)


# ---- aerleon: the policy decides each packet ----------------------------------------------------

PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17}
FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32}


def flow_of(packet: dict[str, Any]) -> Flow:
    return Flow(
        Family.IPV4,
        PROTOCOLS.get(packet["proto"]) or int(packet["proto"]),
        int(ip_address(packet["src"])),
        int(ip_address(packet["dst"])),
        source_port=packet.get("sport", 0),
        destination_port=packet.get("dport", 0),
        icmp_type=packet.get("icmp_type", 0),
        icmp_code=packet.get("icmp_code", 0),
        tcp_flags=sum(FLAGS[letter] for letter in packet.get("flags", "")),
    )


def test_every_packet_of_the_aerleon_policy_is_decided_as_the_policy_says() -> None:
    folder = CORPORA / "aerleon_acls"
    device = read_text(text_of(folder / "generated" / "sample_cisco_lab.acl") + "\nend\n")
    assert not_understood(device) == []
    (truth,) = json.loads((folder / "truth" / "sample_cisco_lab.json").read_text())["filters"]
    context = Context("GigabitEthernet0/0", None, ConnectionState.NEW)
    wrong = []
    for packet in truth["packets"]:
        verdicts = {
            (one.verdict, one.certain)
            for one in decisions(device, "allowtointernet", flow_of(packet), context)
        }
        expected = Forwarding.ACCEPT if packet["expect"] == "PERMIT" else Forwarding.DROP
        if verdicts != {(expected, True)}:
            wrong.append((packet, verdicts))
    assert wrong == []
    assert len(truth["packets"]) == 900


# ---- netlab: the addresses that the lab file gives ----------------------------------------------


def netlab_devices() -> Iterator[tuple[Path, dict[str, Any], str, str]]:
    """Folder, node's facts, its name, its modules' snippets in the order that they are applied."""
    for lab in sorted((CORPORA / "netlab_generated").glob("*/*/io*/lab.json")):
        nodes = json.loads(lab.read_text())["nodes"]
        for name, node in nodes.items():
            parts = {path.name.split(".")[1]: path for path in lab.parent.glob(f"{name}.*.cfg")}
            if node["device"] in ("iosv", "ioll2", "iol") and parts:
                order: list[str] = [*(part for part in ("normalize", "initial") if part in parts)]
                order += sorted(set(parts) - set(order) - {"hosts", "ifstate"})
                text = "\n".join(text_of(parts[part]) for part in order)
                yield lab.parent, node, name, text.removesuffix("\n") + "\nend\n"


def test_netlab_configurations_have_the_labs_addresses_vrfs_and_no_unknown_line() -> None:
    wrong, checked = [], 0
    for folder, node, name, text in netlab_devices():
        device = read_text(text, name)
        wrong += [(folder.parent.name, name, line) for line in not_understood(device)]
        for port in node["interfaces"]:
            interface = device.interfaces.get(port["name"])
            for key in ("ipv4", "ipv6"):
                if isinstance(port[key], str) and interface is not None:
                    checked += 1
                    wanted = ip_interface(port[key])
                    if str(wanted) not in {str(one) for one in interface.addresses}:
                        wrong.append((folder.parent.name, name, f"{port['name']} {port[key]}"))
            if interface is None or (interface.vrf != (port["vrf"] or "default")):
                wrong.append((folder.parent.name, name, f"{port['name']} in {port['vrf']}"))
    assert wrong == []
    assert checked > 100


# ---- batfish: the grammar's test configurations -------------------------------------------------


def grammar_configs() -> list[Path]:
    return sorted(path for path in (CORPORA / "batfish/parser/cisco").rglob("*") if path.is_file())


def test_no_grammar_configuration_breaks_the_reader() -> None:
    total: Counter[str] = Counter()
    for path in grammar_configs():
        device = read_text(text_of(path), path.name)
        for tally in device.tallies:
            for fate in LineFate:
                total[fate.value] += getattr(tally, fate.value)
    assert total.total() > 1000
    assert total["fact"] + total["ignored"] > 0.6 * total.total(), total


# ---- Stanford: sixteen backbone routers ---------------------------------------------------------


@cache
def stanford(name: str) -> Device:
    return read_text(text_of(STANFORD / f"{name}_rtr_config.txt"), name)


ROUTERS = sorted(path.name.split("_")[0] for path in STANFORD.glob("*_rtr_config.txt"))
ROUTED = sorted(path.name.split("_")[0] for path in STANFORD.glob("*_rtr_route.txt"))


@pytest.mark.parametrize("router", ROUTERS)
def test_stanford_lines_are_understood(router: str) -> None:
    assert not_understood(stanford(router)) == []


@pytest.mark.parametrize("router", ROUTED)
def test_stanford_connected_routes_are_those_of_the_forwarding_table(router: str) -> None:
    """``attached`` prefixes and ``receive`` addresses of ``show ip cef``."""
    device = stanford(router)
    connected = {
        (str(route), hop.interface)
        for route in device.routes
        if route.kind is RouteKind.UNICAST
        for hop in route.next_hops
    }
    local = {str(route) for route in device.routes if route.kind is RouteKind.LOCAL}
    networks = {one.network for port in device.interfaces.values() for one in port.addresses}
    ends = {str(ip_address(end)) + "/32" for network in networks if network[0] < 1 << 32 for end in network}
    missing = []
    for line in text_of(STANFORD / f"{router}_rtr_route.txt").splitlines()[1:]:
        words = line.split()
        if len(words) != 3 or words[2] == "Null0":
            continue
        prefix, kind, interface = words
        if kind == "attached" and not prefix.endswith("/32") and (prefix, interface) not in connected:
            missing.append(line)
        if kind == "receive" and prefix not in local | ends:
            missing.append(line)
    assert missing == []


def tree_ports(router: str) -> Iterator[tuple[int, str]]:
    """VLAN and port of each row of ``show spanning-tree``."""
    vlan = 0
    for line in text_of(STANFORD / f"{router}_rtr_spanning_tree.txt").splitlines():
        if found := re.match(r"VLAN(\d+)", line):
            vlan = int(found[1])
        elif found := re.match(r"([A-Z][a-z]\d\S*)\s+(?:Desg|Root|Altn|Back)\s", line):
            yield vlan, full_interface_name(found[1])


@pytest.mark.parametrize("router", ROUTERS)
def test_stanford_ports_carry_the_vlans_that_the_spanning_tree_has_on_them(router: str) -> None:
    device = stanford(router)
    missing = []
    for vlan, name in tree_ports(router):
        port = device.interfaces[name].switchport
        carried = port is not None and (
            vlan in (port.access_vlan, port.native_vlan)
            or (
                port.mode is SwitchportMode.TRUNK
                and any(first <= vlan <= last for first, last in port.trunk_vlans)
            )
        )
        if not carried:
            missing.append((vlan, name))
    assert missing == []


# ---- ntc-templates: show ip route as parsed by another ------------------------------------------

ROUTES = sorted((CORPORA / "ntc_show_outputs" / "cisco_ios" / "show_ip_route").glob("*.raw"))


@pytest.mark.parametrize("path", ROUTES, ids=lambda path: path.stem)
def test_every_row_of_a_routing_table_is_read_as_another_parser_reads_it(path: Path) -> None:
    ledger = LineLedger(RawFile("devices/d/ip-route.txt", text_of(path), ""))
    rows = Counter(
        (
            "" if table.vrf == "default" else table.vrf,
            row.code,
            str(ip_address(row.prefix)),
            str(row.prefix_length),
            "" if row.address is None else str(ip_address(row.address)),
            row.interface or "",
            row.next_hop_vrf or "",
        )
        for table in all_tables(text_of(path), ledger, Family.IPV4)
        for row in table.rows
    )
    keys = ("vrf", "protocol", "network", "prefix_length", "nexthop_ip", "nexthop_if", "nexthop_vrf")
    parsed = yaml.safe_load(path.with_suffix(".yml").read_text())["parsed_sample"]
    assert rows == Counter(tuple(row[key] for key in keys) for row in parsed)
    _, tally = ledger.close()
    assert (tally.ignored, tally.unsupported, tally.unrecognized) == (0, 0, 0)


def test_every_row_of_an_ipv6_routing_table_is_read_as_another_parser_reads_it() -> None:
    path = CORPORA / "ntc_show_outputs" / "cisco_ios" / "show_ipv6_route" / "cisco_ios_show_ipv6_route.raw"
    ledger = LineLedger(RawFile("devices/d/ipv6-route.txt", text_of(path), ""))
    (table,) = all_tables(text_of(path), ledger, Family.IPV6)
    parsed = yaml.safe_load(path.with_suffix(".yml").read_text())["parsed_sample"]
    told = Counter(
        (
            row["protocol"],
            ip_interface(row["network"]).network,
            row["nexthop_ip"].lower(),
            row["nexthop_if"],
        )
        for row in parsed
    )
    assert told == Counter(
        (
            row.code,
            ip_interface((row.prefix, row.prefix_length)).network,
            "" if row.address is None else str(ip_address(row.address)),
            row.interface or "",
        )
        for row in table.rows
    )
    _, tally = ledger.close()
    assert tally.unrecognized == 0


# ---- detection ----------------------------------------------------------------------------------


def claimed(path: Path) -> bool:
    file = RawFile(f"devices/d/{path.name}", text_of(path), "")
    return VENDOR.claims(RawConfig("d", "", (file,))) is not None


def test_no_file_of_another_system_is_claimed() -> None:
    """batfish's parsing corpus and grammar folders, and every configuration of the real labs."""
    corpus = CORPORA / "batfish"
    rows = json.loads((corpus / "truth" / "file_formats_parsing_corpus.json").read_text())["rows"]
    of_others = [
        corpus / "parsing_corpus" / row["file"]
        for row in rows
        if row["format"] not in ("CISCO_IOS", "EMPTY")
    ]
    for folder in sorted((corpus / "parser").iterdir()):
        of_others += folder.rglob("*") if folder.name != "cisco" else ()
    for systems in sorted(LABS.glob("*/host_nos.txt")):
        for node, system in json.loads(systems.read_text()).items():
            of_others += (
                (systems.parent / "configs" / node).glob("*") if system not in ("ios", "iosxe") else ()
            )
    files = [path for path in of_others if path.is_file()]
    assert [path for path in files if claimed(path)] == []
    assert len(files) > 1000


# ---- Stanford: what an independent program made of each access list entry -----------------------

HASSEL = STANFORD.parent / "transfer_functions"
UNKNOWN_TO_HASSEL = frozenset({"cmd", "ident"})
"""Ports whose names hassel does not know: it takes any, the device does not (``names.TCP_PORTS``)."""


def filter_rules(router: str) -> Iterator[tuple[int, list[str], bool]]:
    """Config line of the entry, the packet's bytes as bits (last first), and whether it goes on.

    A rule is ``action$in ports$match$...$out ports$...$file$lines,$id$``: the lines, from 0, are that of
    ``ip access-group`` and those of the entries up to the rule's own.
    """
    config = text_of(STANFORD / f"{router}_rtr_config.txt").split("\n")
    for line in (HASSEL / f"{router}_rtr.tf").read_text().split("\n"):
        parts = line.split("$")
        if parts[0] != "fwd" or len(parts) < 12 or "config" not in parts[-4]:
            continue
        cited = [int(number) for number in parts[-3].split(",") if number.strip()]
        if len(cited) > 1 and "access-group" in config[cited[0]]:
            yield cited[-1] + 1, parts[2].split(",")[::-1], bool(parts[7].strip("[]"))


def packet_in(octets: list[str], established: bool) -> Flow:
    """A packet of a rule (hassel's layout: VLAN, source, destination, protocol, ports, flags)."""

    def number(first: int, count: int) -> int:
        return int("".join(octets[first : first + count][::-1]).replace("x", "1"), 2)

    return Flow(
        Family.IPV4,
        number(10, 1),
        number(2, 4),
        number(6, 4),
        source_port=number(11, 2),
        destination_port=number(13, 2),
        tcp_flags=16 if established else number(15, 1),
    )


def test_stanford_entries_match_what_an_independent_program_made_of_them() -> None:
    checked, wrong = 0, []
    theirs: set[str] = set()
    for router in ROUTERS:
        every = [ace for acl in stanford(router).acls.values() for ace in acl.aces]
        entries = {
            ace.span.first_line: ace for ace in every if ace.span and isinstance(ace.action, Forwarding)
        }
        for line, octets, goes_on in filter_rules(router):
            ace = entries[line]
            flow = packet_in(octets, "established" in ace.text)
            holds = evaluate(ace.matches, flow, None, None, ConnectionState.NEW)
            checked += 1
            if holds is not True or goes_on != (ace.action is Forwarding.ACCEPT):
                names = UNKNOWN_TO_HASSEL & set(ace.text.split())
                theirs |= names
                wrong += [] if names else [(router, ace.text, str(flow))]
    assert wrong == []
    assert theirs == UNKNOWN_TO_HASSEL
    assert checked == 2853
