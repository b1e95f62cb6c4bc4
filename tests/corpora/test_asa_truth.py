"""ASA configurations of others: who claims them, what is understood, and what a policy compiler meant."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from ipaddress import IPv4Network, ip_address, ip_network
from pathlib import Path

import pytest
import yaml
from builders.asa import NUMBERS, asa, packet, passes, surely

from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.parse.cisco.addresses import address
from segaudit.parse.ledger import LineLedger
from segaudit.vendors.cisco_asa import VENDOR
from segaudit.vendors.cisco_asa.extract_state import TableRoute, neighbours, routes

CORPORA = Path(os.environ.get("SEGAUDIT_CORPORA", Path(__file__).parents[2].parent / "shared" / "corpora"))
BATFISH = CORPORA / "batfish"

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif(not CORPORA.is_dir(), reason=f"no corpora (SEGAUDIT_CORPORA={CORPORA})"),
]


def raw_of(path: Path) -> RawConfig:
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    return RawConfig(path.name, "", (RawFile(f"devices/d/{path.name}", text, ""),))


# ---- Batfish: detection, grammar, undefined references ------------------------------------------


def detection() -> list[dict[str, str]]:
    truth = BATFISH / "truth" / "file_formats_parsing_corpus.json"
    rows: list[dict[str, str]] = json.loads(truth.read_text())["rows"] if truth.exists() else []
    return rows


def test_exactly_the_asa_files_of_the_parsing_corpus_are_claimed() -> None:
    rows = [row for row in detection() if (BATFISH / "parsing_corpus" / row["file"]).is_file()]
    claimed = {
        row["file"] for row in rows if VENDOR.claims(raw_of(BATFISH / "parsing_corpus" / row["file"]))
    }
    assert len(rows) > 250
    assert claimed == {row["file"] for row in rows if row["format"] == "CISCO_ASA"}


NOT_ASA = {"ospf-intervals", "ospf-network-types"}
"""Grammar files that do not say what they are: refused rather than guessed."""

NOT_UNDERSTOOD = {
    "asa-nat-mixed": "rules between interfaces that are not there",
    "asa-nat-object-refs": "a rule between interfaces that are not there",
    "asa-nat-twice-dynamic": "rules between interfaces that are not there",
    "asa-static-gh-5729": "routes by interfaces that are not there",
    "asa-nested-icmp-type-object-group": "`object-group group`, which no ASA takes",
    "asa-nested-network-object-group": "`object-group group`, which no ASA takes",
    "asa-nested-protocol-object-group": "`object-group group`, which no ASA takes",
    "asa-nested-service-object-group": "`object-group group`, which no ASA takes",
}


def grammar_files() -> list[Path]:
    folder = BATFISH / "parser" / "cisco_asa"
    return sorted(folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize("path", grammar_files(), ids=lambda path: path.name)
def test_grammar_configurations_are_read_whole(path: Path) -> None:
    """No line but the named exceptions' is without a meaning; all are refused as cut off (no ': end')."""
    raw = raw_of(path)
    if path.name in NOT_ASA:
        assert VENDOR.claims(raw) is None
        return
    device = VENDOR.read(raw)
    unread = [line for line in device.lines if line.fate == "unrecognized"]
    assert bool(unread) == (path.name in NOT_UNDERSTOOD), [(line.text, line.reason) for line in unread]
    assert any("cut off" in line.reason and not line.bounded for line in device.lines)


def undefined() -> list[dict[str, object]]:
    truth = BATFISH / "truth" / "undefined_refs_parsing_corpus.json"
    rows = json.loads(truth.read_text())["rows"] if truth.exists() else []
    ours = {row["file"] for row in detection() if row["format"] == "CISCO_ASA"}
    return [row for row in rows if row["file"] in ours]


def test_lines_with_undefined_names_are_not_taken_for_facts() -> None:
    """A service policy that is not there inspects nothing: it is no exception, it cannot matter."""
    missed = []
    for row in undefined():
        device = VENDOR.read(raw_of(BATFISH / "parsing_corpus" / str(row["file"])))
        told = {line.span.first_line for line in device.lines}
        lines = row["lines"]
        assert isinstance(lines, list)
        if row["type"] != "policy-map" and not set(lines) <= told:
            missed.append((row["file"], row["type"], row["name"], sorted(set(lines) - told)))
    assert not missed
    assert len(undefined()) > 10


# ---- Netspoc: a policy and the access lists that enforce it -------------------------------------


class Case:
    """One case: its title, its topology and policy, and what is generated for each device."""

    def __init__(self, file: str, text: str) -> None:
        self.title = f"{file}: {text.split(chr(10), 1)[0].strip()}"
        parts = re.search(r"=INPUT=(.*?)=OUTPUT=\n(.*?)\n=END=", text, re.DOTALL)
        self.policy, self.output = parts.groups() if parts else ("", "")

    @property
    def devices(self) -> dict[str, str]:
        """The generated text of each device, its parts joined."""
        found: dict[str, str] = {}
        name = ""
        for line in self.output.split("\n"):
            if line.startswith("--"):
                name = line[2:].strip() or name
            else:
                found[name] = found.get(name, "") + line + "\n"
        return found


def cases() -> Iterator[Case]:
    for path in sorted((CORPORA / "netspoc").glob("*.t")):
        for text in path.read_text().split("=TITLE=")[1:]:
            yield Case(path.name, text)


def generated() -> list[tuple[str, str]]:
    """Every piece of an ASA's configuration in the outputs."""
    return [
        (f"{case.title} {name}", text)
        for case in cases()
        for name, text in case.devices.items()
        if re.search(r"^access-list \S+ extended ", text, re.MULTILINE)
    ]


def with_interfaces(text: str) -> str:
    """``text`` behind an interface for each name that it speaks of."""
    names = re.findall(
        r"^(?:access-group \S+ (?:in|out) interface|crypto map \S+ interface) (\S+)", text, re.M
    )
    names += re.findall(r"^(?:ipv6 )?route (\S+) ", text, re.MULTILINE)
    ports = [
        f"interface GigabitEthernet0/{at}\n nameif {name}\n" for at, name in enumerate(dict.fromkeys(names))
    ]
    return "".join(ports) + text


NETSPOC_EXCEPTIONS: dict[str, str] = {}


@pytest.mark.parametrize(("title", "text"), generated(), ids=[title for title, _ in generated()])
def test_generated_configurations_are_read_whole(title: str, text: str) -> None:
    device = asa(with_interfaces(text))
    unread = [(line.text, line.reason) for line in device.lines if line.fate == "unrecognized"]
    assert bool(unread) == (title in NETSPOC_EXCEPTIONS), unread


# A policy that a small reader understands: one ASA, networks with addresses, services between networks.

_NETWORK = re.compile(r"^network:(\w+)\s*=\s*\{\s*ip = ([\d./]+);", re.MULTILINE)
_PORT = re.compile(r"interface:(\w+)\s*=\s*\{\s*ip = ([\d.]+);\s*hardware = (\w+);")
_RULE = re.compile(r"permit src = ([^;]+);\s*dst = ([^;]+);\s*prt = ([^;]+);")
_PROBES = (("tcp", 80), ("tcp", 22), ("tcp", 25), ("tcp", 81), ("udp", 53))


def small_policies() -> list[Case]:
    return [
        case
        for case in cases()
        if len(re.findall(r"^router:", case.policy, re.MULTILINE)) == 1
        and "model = ASA;" in case.policy
        and "managed;" in case.policy
        and any("access-list" in text for text in case.devices.values())
    ]


def allowed(case: Case) -> set[tuple[str, str, str, int]]:
    """Source network, destination network, protocol and port of every permit between networks."""
    found = set()
    for service in re.findall(r"^service:.*?^\}", case.policy, re.MULTILINE | re.DOTALL):
        users = re.search(r"user = ([^;]+);", service)
        for source, destination, prt in _RULE.findall(service.replace("user;", f"{users and users[1]};")):
            for one in re.findall(r"network:(\w+)", source):
                for other in re.findall(r"network:(\w+)", destination):
                    protocol, _, port = prt.strip().partition(" ")
                    found.add((one, other, protocol, int(port or 0)))
    return found


def small_device(case: Case) -> tuple[Device, dict[str, str]]:
    """The ASA with its interfaces, and the interface of each network."""
    text, place = "", {}
    networks = {
        name: ip_network(prefix) for name, prefix in _NETWORK.findall(case.policy.replace("\n ", " "))
    }
    for at, (network, own, hardware) in enumerate(_PORT.findall(case.policy)):
        mask = networks[network].netmask if network in networks else "255.255.255.0"
        place[network] = f"GigabitEthernet0/{at}"
        text += f"interface {place[network]}\n nameif {hardware}\n security-level {at}\n"
        text += f" ip address {own} {mask}\n"
    return asa(text + "\n".join(case.devices.values())), place


@pytest.mark.parametrize("case", small_policies(), ids=lambda case: case.title)
def test_exactly_what_the_policy_permits_passes(case: Case) -> None:
    """Netspoc's services against its own access lists, from network to network."""
    device, place = small_device(case)
    networks = {
        name: ip_network(prefix)
        for name, prefix in _NETWORK.findall(case.policy.replace("\n ", " "))
        if name in place
    }
    permitted = allowed(case)
    assert permitted
    asked = 0
    for one, source in networks.items():
        for other, destination in networks.items():
            for protocol, port in _PROBES if one != other else ():
                assert isinstance(source, IPv4Network)
                assert isinstance(destination, IPv4Network)
                flow = packet(protocol, str(source[9]), str(destination[9]), port)
                expected = (one, other, protocol, port) in permitted
                assert passes(device, place[one], flow) is expected, (one, other, protocol, port)
                assert surely(device, place[one], flow) is expected, (one, other, protocol, port)
                asked += 1
    assert asked >= 2 * len(_PROBES)
    assert {protocol for _, _, protocol, _ in permitted} <= {"ip", *NUMBERS}


# ---- ntc-templates: show route, show arp --------------------------------------------------------

NAMES = {
    name: f"10.99.99.{at}" for at, name in enumerate(("Server1", "Sever-2", "Server_3", "SERVER", "server"))
}
"""Names that the captured tables print in place of addresses, and that their device knew."""

TABLES = {
    "cisco_asa_show_route_alt_multiline": ("", ""),
    "cisco_asa_show_route": ("192.168.10.0 255.255.255.64", "192.168.10.0 255.255.255.192"),
    "cisc_asa_show_route_vpn": ("is 10.3.0.1 to network 0.0.0.0", "is not set"),
}
"""Tables, and what was spoiled in them by hand: as they are, those two are refused."""


def shown(name: str, text: str) -> tuple[TableRoute, ...] | None:
    file = RawFile(f"devices/d/{name}", text, "")
    return routes(file, LineLedger(file), lambda word: address(NAMES.get(word, word)))


@pytest.mark.parametrize("name", sorted(TABLES))
def test_routing_tables_are_read_whole(name: str) -> None:
    folder = CORPORA / "ntc_show_outputs" / "cisco_asa" / "show_route"
    text = (folder / f"{name}.raw").read_text()
    wrong, right = TABLES[name]
    if wrong:
        assert shown(name, text) is None
    found = shown(name, text.replace(wrong, right) if wrong else text)
    assert found is not None
    parsed = yaml.safe_load((folder / f"{name}.yml").read_text())["parsed_sample"]
    expected = {
        (NAMES.get(row["network"], row["network"]), row["netmask"], row["nexthopip"], row["nexthopif"])
        for row in parsed
    }
    assert len(found) == len(parsed)
    assert {told(one) for one in found} == {
        (network, mask.replace("255.255.255.64", "255.255.255.192"), hop, interface)
        for network, mask, hop, interface in expected
    }


def told(one: TableRoute) -> tuple[str, str, str, str]:
    gateway = str(ip_address(one.gateway)) if one.gateway is not None else ""
    prefix = ip_network((one.prefix, one.prefix_length))
    return str(prefix.network_address), str(prefix.netmask), gateway, one.nameif


def test_arp_entries_are_read_whole() -> None:
    folder = CORPORA / "ntc_show_outputs" / "cisco_asa" / "show_arp"
    file = RawFile("devices/d/show-arp.txt", (folder / "cisco_asa_show_arp.raw").read_text(), "")
    found = {(one.interface, str(ip_address(one.address)), one.mac.replace(":", ""))
             for one in neighbours(file, LineLedger(file), address)}  # fmt: skip
    parsed = yaml.safe_load((folder / "cisco_asa_show_arp.yml").read_text())["parsed_sample"]
    assert found == {
        (row["interface"], row["ip_address"], row["mac_address"].replace(".", "")) for row in parsed
    }
