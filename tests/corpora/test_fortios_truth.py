"""FortiOS against the corpora: a real lab, one policy, complete backups, and the grammar of every table."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from ipaddress import IPv4Network, ip_network
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from segaudit.model.device import Device, RouteKind
from segaudit.model.flow import ConnectionState, Family, Flow, parse_address
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.parse.detection import detect
from segaudit.parse.registry import vendors
from segaudit.reach.interpret import Context, decisions
from segaudit.vendors.fortinet_fortios import VENDOR

CORPORA = Path(os.environ.get("SEGAUDIT_CORPORA", Path(__file__).parents[2].parent / "shared" / "corpora"))
LAB = CORPORA / "real_device_labs" / "fortios_first_basic" / "configs" / "d2_fw" / "show.txt"
AERLEON = CORPORA / "aerleon_acls"
BACKUPS = CORPORA / "fortigate_parser"
GRAMMAR = CORPORA / "batfish" / "parser" / "fortios"

pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"no corpora at {CORPORA}")

NOT_CERTAINLY_FORTIOS = {
    "fortios_UPPER_hostname": "a hostname alone: FortiSwitch and FortiAnalyzer write it alike",
    "fortios_bad_hostname": "a hostname alone",
    "fortios_hostname": "a hostname alone",
    "humanname": "a hostname alone",
    "static_route_warnings": "static routes: FortiSwitch has them, too",
}
GARBAGE_ON_PURPOSE = {
    "addrgrp_rename": 2, "edit_recovery": 4, "firewall_policy_warn": 4, "fortios_system_recovery": 1,
    "policy_defs_refs": 2, "rename": 3, "service_group_rename": 2,
}  # fmt: skip
"""Files with settings that do not exist and commands that cannot be applied, and how many."""


def raw_of(path: Path, before: str = "") -> RawConfig:
    text = before + path.read_text(encoding="utf-8", errors="surrogateescape")
    digest = sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    return RawConfig("fw", "", (RawFile(f"devices/fw/{path.name}.txt", text, digest),))


def read(path: Path, before: str = "") -> Device:
    raw = raw_of(path, before)
    assert detect(raw, vendors()) is VENDOR, path
    return VENDOR.read(raw)


def verdicts(device: Device, packet: Flow, incoming: str, outgoing: str) -> set[str]:
    context = Context(incoming, outgoing, ConnectionState.NEW)
    found = decisions(device, "forward", packet, context)
    return {getattr(one.verdict, "value", "translate") for one in found}


# ---- a real firewall between two routers --------------------------------------------------------


def test_every_line_of_a_real_firewall_is_understood() -> None:
    device = read(LAB)
    (tally,) = device.tallies
    assert (tally.unsupported, tally.unrecognized, tally.total) == (0, 0, 10209)


def test_the_routes_of_a_real_firewall() -> None:
    """The lab does not give the firewall's table; its text says what is reached by static routes."""
    device = read(LAB)
    found = {
        (str(route), route.protocol, hop.interface, hop.address)
        for route in device.routes
        if route.kind is RouteKind.UNICAST
        for hop in route.next_hops
    }
    assert found == {
        ("192.168.122.0/24", "connected", "port1", None),
        ("10.12.12.0/30", "connected", "port2", None),
        ("10.23.31.0/30", "connected", "port3", None),
        ("169.254.1.0/24", "connected", "fortilink", None),
        ("192.168.123.2/32", "connected", "loopback123", None),
        ("192.168.123.1/32", "static", "port2", parse_address("10.12.12.1")[1]),
        ("0.0.0.0/0", "static", "port3", parse_address("10.23.31.2")[1]),
    }


def test_a_real_firewall_lets_inside_and_outside_reach_each_other() -> None:
    device = read(LAB)
    inside, outside = (parse_address(text)[1] for text in ("192.168.123.1", "192.168.123.3"))
    echo = Flow(Family.IPV4, 1, inside, outside, icmp_type=8)
    answered = Flow(Family.IPV4, 1, outside, inside, icmp_type=8)
    assert verdicts(device, echo, "port2", "port3") == {"accept"}
    assert verdicts(device, answered, "port3", "port2") == {"accept"}


# ---- one policy, read twice ---------------------------------------------------------------------

PORTS = """\
#config-version=FGVMK6-7.0.1-FW-build0157-210714:opmode=0:vdom=0:user=admin
config system interface
    edit port1
    next
    edit port2
    next
end
config system session-helper
end
config system settings
    set default-voip-alg-mode kernel-helper-based
end
config router multicast
end
"""


def networks(names: dict[str, Any], name: str) -> list[IPv4Network]:
    found: list[IPv4Network] = []
    for value in names[name]["values"]:
        if "name" in value:
            found += networks(names, value["name"])
        elif "address" in value and (network := ip_network(value["address"])).version == 4:
            assert isinstance(network, IPv4Network)
            found.append(network)
    return found


def intended(terms: list[dict[str, Any]], names: dict[str, Any], packet: Flow) -> str:
    """What the policy itself says: the first term whose every condition holds."""
    for term in terms:
        wanted = {
            "source-address": packet.source,
            "destination-address": packet.destination,
        }
        addressed = all(
            any(
                int(network.network_address) <= value <= int(network.broadcast_address)
                for name in str(term[key]).split()
                for network in networks(names, name)
            )
            for key, value in wanted.items()
            if key in term
        )
        protocol = "protocol" not in term or packet.protocol == {"udp": 17, "tcp": 6}[term["protocol"]]
        port = "destination-port" not in term or packet.destination_port == 53
        if addressed and protocol and port:
            return "accept" if term["action"] == "accept" else "drop"
    return "drop"


def boundary_packets(terms: list[dict[str, Any]], names: dict[str, Any]) -> Iterator[Flow]:
    """Both sides of every boundary of the policy's addresses, protocols and ports."""
    ends = []
    for key in ("source-address", "destination-address"):
        edges = {0x0A000001, 0xC6336401}
        for term in terms:
            for name in str(term.get(key, "")).split():
                for network in networks(names, name):
                    first, last = int(network.network_address), int(network.broadcast_address)
                    edges |= {first, last, first - 1, last + 1}
        ends.append(sorted(edges))
    kinds = [(17, 52), (17, 53), (17, 54), (6, 53), (6, 443), (1, 0), (47, 0)]
    for source, destination, kind in product(*ends, range(len(kinds))):
        protocol, port = kinds[kind]
        sport = 40000 if port else 0
        flags = 2 if protocol == 6 else 0
        yield Flow(
            Family.IPV4, protocol, source, destination, sport, port, 8 if protocol == 1 else 0, 0, flags
        )


def test_a_generated_policy_is_what_its_source_says() -> None:
    device = read(AERLEON / "generated" / "sample_fortigate.fgacl", PORTS)
    names = yaml.safe_load((AERLEON / "def" / "naming.yaml").read_text())["networks"]
    source = yaml.safe_load((AERLEON / "policies" / "pol" / "sample_fortigate.yaml").read_text())
    terms = source["filters"][0]["terms"]
    packets = list(boundary_packets(terms, names))
    wrong = [
        packet
        for packet in packets
        if verdicts(device, packet, "port1", "port2") != {intended(terms, names, packet)}
    ]
    assert wrong == []
    assert len(packets) > 900
    assert {intended(terms, names, packet) for packet in packets} == {"accept", "drop"}


# ---- backups and grammar ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "lines", "doubts"),
    [
        ("example", 1176, []),
        ("global", 3591, []),
        (
            "vdom",
            2985,
            ["the configuration of one virtual domain: the others, and what is global, are not shown"],
        ),
    ],
)
def test_every_line_of_a_backup_is_understood(name: str, lines: int, doubts: list[str]) -> None:
    device = read(BACKUPS / f"{name}.conf")
    (tally,) = device.tallies
    assert (tally.total, tally.unrecognized) == (lines, 0)
    assert [line.reason for line in device.lines if not line.bounded] == doubts


@pytest.mark.parametrize("name", ["address_groups", "address_objects", "policies"])
def test_a_fragment_of_a_table_is_not_claimed(name: str) -> None:
    assert VENDOR.claims(raw_of(BACKUPS / f"{name}.conf")) is None


def grammar_files() -> list[Path]:
    return sorted(GRAMMAR.iterdir()) if GRAMMAR.is_dir() else []


@pytest.mark.parametrize("path", grammar_files(), ids=lambda path: path.name)
def test_every_grammar_file_is_read(path: Path) -> None:
    raw = raw_of(path)
    assert bool(VENDOR.claims(raw)) is (path.name not in NOT_CERTAINLY_FORTIOS)
    device = VENDOR.read(raw)
    (tally,) = device.tallies
    assert tally.total == sum(1 for line in raw.files[0].text.split("\n") if line.strip())
    assert tally.unrecognized == GARBAGE_ON_PURPOSE.get(path.name, 0)
    assert [line for line in device.lines if not line.bounded], "none of them is a whole configuration"


# ---- show outputs -------------------------------------------------------------------------------

SHOWN = CORPORA / "ntc_show_outputs" / "fortinet"


def expected_of(command: str) -> tuple[str, list[dict[str, str]]]:
    folder = SHOWN / command
    (raw,), (parsed,) = sorted(folder.glob("*.raw")), sorted(folder.glob("*.yml"))
    return raw.read_text(encoding="utf-8"), yaml.safe_load(parsed.read_text())["parsed_sample"]


def shown_device(interfaces: set[str], **outputs: str) -> Device:
    ports = "".join(f'    edit "{name}"\n    next\n' for name in sorted(interfaces))
    config = f"{PORTS.splitlines()[0]}\nconfig system interface\n{ports}end\nconfig router multicast\nend\n"
    files = [
        RawFile(f"devices/fw/{name}.txt", text, sha256(text.encode()).hexdigest(), exit_status=0)
        for name, text in {"running-config": config, **outputs}.items()
    ]
    return VENDOR.read(RawConfig("fw", "", tuple(files)))


def test_a_routing_table_is_what_ntc_templates_reads() -> None:
    text, expected = expected_of("get_router_info_routing-table_all")
    device = shown_device({row["interface"] for row in expected}, **{"routing-table": text})
    found = {
        (str(ip_network((route.prefix, route.prefix_length))), hop.interface)
        for route in device.routes
        for hop in route.next_hops
    }
    wanted = {(row["destination"], row["interface"]) for row in expected}
    assert found == wanted


def test_arp_entries_are_what_ntc_templates_reads() -> None:
    text, expected = expected_of("get_system_arp")
    device = shown_device({row["interface"] for row in expected}, arp=text)
    found = {(str(one.family.address(one.address)), one.mac, one.interface) for one in device.neighbours}
    assert found == {(row["ip_address"], row["mac_address"], row["interface"]) for row in expected}
