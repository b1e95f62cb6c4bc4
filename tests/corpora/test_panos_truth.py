"""PAN-OS against the corpora: real routing tables, recorded connectivity, one policy, two syntaxes."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from hashlib import sha256
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from segaudit.model.acl import Forwarding
from segaudit.model.device import Device, RouteKind
from segaudit.model.flow import ConnectionState, Family, Flow
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.parse.detection import detect
from segaudit.parse.ledger import LineLedger
from segaudit.parse.registry import vendors
from segaudit.reach.interpret import Context, decisions
from segaudit.reach.walk import Walker
from segaudit.routing.configured import local_table_of, table_of
from segaudit.vendors.paloalto_panos import VENDOR
from segaudit.vendors.paloalto_panos.routes import tables

CORPORA = Path(os.environ.get("SEGAUDIT_CORPORA", Path(__file__).parents[2].parent / "shared" / "corpora"))
LABS = CORPORA / "real_device_labs"

pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"no corpora at {CORPORA}")

UNDECIDED_LABS = {
    "palo_alto_nat_5": "the zone of the route before translation is not followed: it may be left alone",
    "palo_alto_nat_8": "what a translated packet was sent to is not followed: the policy may mean it",
}
"""Labs whose packet is dropped by the firewall and may pass in the model: never the other way round."""


def raw_of(path: Path, name: str = "", text: str = "") -> RawConfig:
    text = text or path.read_text(encoding="utf-8", errors="surrogateescape")
    digest = sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    return RawConfig(path.parent.name, "", (RawFile(f"devices/d/{name or path.name}", text, digest),))


def read(path: Path) -> Device:
    raw = raw_of(path)
    assert detect(raw, vendors()) is VENDOR, path
    return VENDOR.read(raw)


# ---- routing tables -----------------------------------------------------------------------------

ROUTED = ("cv_demo_base_panos", "panos_ebgp_loop_prevention", "panos_ebgp_loop_prevention_gui")


def nodes(lab: str) -> list[tuple[str, Path]]:
    return [
        (path.parent.name, path)
        for path in sorted((LABS / lab / "configs").glob("*/show.txt"))
        if VENDOR.claims(raw_of(path)) is not None
    ]


def test_every_connected_local_and_static_route_is_there() -> None:
    checked = Counter[str]()
    for lab in ROUTED:
        rows = json.loads((LABS / lab / "routes.json").read_text())["rows"]
        for node, path in nodes(lab):
            device = read(path)
            for row in rows:
                if row["node"] == node:
                    checked.update(checked_row(device, row))
    assert checked["connected"] >= 20
    assert checked["local"] >= 20


def checked_row(device: Device, row: dict[str, str]) -> list[str]:
    """The kind of a row that a configuration shows, once the route is found in the right table."""
    flags = set(re.findall(r"'(.)'", row["flags"]))
    if "A" not in flags or not flags & {"C", "H", "S"}:
        return []
    network = ip_network(row["prefix"])
    vrf = row["virtual_router"]
    found = [
        route
        for route in device.routes
        if (route.prefix, route.prefix_length) == (int(network.network_address), network.prefixlen)
    ]
    if "H" in flags:
        mine = [one for one in found if one.table == local_table_of(vrf)]
        assert [one.kind for one in mine] == [RouteKind.LOCAL], row
        return ["local"]
    mine = [one for one in found if one.table == table_of(vrf) and one.kind is RouteKind.UNICAST]
    assert len(mine) == 1, row
    if "C" in flags:
        assert [hop.interface for hop in mine[0].next_hops] == [row["next_hop_int"]], row
        return ["connected"]
    assert any(hop.address == int(ip_address(row["next_hop_ip"])) for hop in mine[0].next_hops), row
    return ["static"]


def test_no_route_is_connected_that_the_device_did_not_have() -> None:
    for lab in ROUTED:
        rows = json.loads((LABS / lab / "routes.json").read_text())["rows"]
        for node, path in nodes(lab):
            had = {(row["prefix"], row["virtual_router"]) for row in rows if row["node"] == node}
            for route in read(path).routes:
                if route.protocol in ("connected", "static"):
                    assert (str(route), "default") in had, (lab, node, route)


# ---- connectivity -------------------------------------------------------------------------------

NAT_LABS = sorted(path.name for path in LABS.glob("palo_alto_nat_*")) if LABS.is_dir() else []


def sent(lab: str) -> list[bool]:
    """For each way of the lab's packet through the firewall: True where it is sent on."""
    (row,) = json.loads((LABS / lab / "connectivity.json").read_text())["rows"]
    device = read(LABS / lab / "configs" / "pa")
    flow = Flow(Family.IPV4, 1, int(ip_address("10.11.11.2")), int(ip_address(row["dst"])), icmp_type=8)
    walks = Walker({device.name: device}, {}).walk(flow, device.name, "ethernet1/1")
    return [any(step.action == "sent" for step in walk.trace.steps) for walk in walks]


@pytest.mark.parametrize("lab", NAT_LABS)
def test_a_packet_does_what_it_did_in_the_lab(lab: str) -> None:
    (row,) = json.loads((LABS / lab / "connectivity.json").read_text())["rows"]
    ways = sent(lab)
    if row["ok"]:
        assert any(ways)
    elif lab in UNDECIDED_LABS:
        assert any(ways), f"{lab} is right now: take it off the list"
        assert not all(ways)
    else:
        assert not any(ways)


# ---- one policy, many filters -------------------------------------------------------------------

ZONES = """<zone>
<entry name="internal"><network><layer3><member>ethernet1/1</member></layer3></network></entry>
<entry name="external"><network><layer3><member>ethernet1/2</member></layer3></network></entry></zone>"""
NETWORK = """<network><interface><ethernet><entry name="ethernet1/1"><layer3/></entry>
<entry name="ethernet1/2"><layer3/></entry></ethernet></interface></network><vsys>"""
PORT_OF = {"internal": "ethernet1/1", "external": "ethernet1/2"}
FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "C": 128}


def filter_device() -> Device:
    path = CORPORA / "aerleon_acls" / "generated" / "sample_paloalto.xml"
    text = path.read_text()
    text = text.replace("<vsys>", NETWORK, 1).replace("<application/>", ZONES + "<application/>", 1)
    return VENDOR.read(raw_of(path, text=text))


def packet(row: dict[str, object]) -> Flow:
    source, target = ip_address(str(row["src"])), ip_address(str(row["dst"]))
    numbers = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}
    flags = sum(FLAGS[letter] for letter in str(row.get("flags", "")))
    return Flow(
        Family(source.version), numbers.get(str(row["proto"]), 0) or int(str(row["proto"])),
        int(source), int(target), int(str(row.get("sport", 0))), int(str(row.get("dport", 0))),
        int(str(row.get("icmp_type", 0))), int(str(row.get("icmp_code", 0))), flags,
    )  # fmt: skip


def test_every_boundary_packet_of_the_policy() -> None:
    device = filter_device()
    truth = json.loads((CORPORA / "aerleon_acls" / "truth" / "sample_paloalto.json").read_text())
    counts = Counter[str]()
    for one in truth["filters"]:
        zones = re.fullmatch(r"paloalto:from-zone (\S+) to-zone (\S+)", one["targets"][0])
        assert zones
        for row in one["packets"]:
            if row["proto"] == "tcp" and row["flags"] != "S":
                continue
            counts[judged(device, zones, row)] += 1
    assert counts["wrong"] == 0, counts
    assert counts["certain"] > 300, counts


def judged(device: Device, zones: re.Match[str], row: dict[str, object]) -> str:
    place = Context(PORT_OF[zones[1]], PORT_OF[zones[2]], ConnectionState.NEW)
    found = decisions(device, "security policy", packet(row), place)
    wanted = Forwarding.ACCEPT if row["expect"] == "PERMIT" else Forwarding.DROP
    verdicts = {Forwarding.ACCEPT if one.verdict is Forwarding.ACCEPT else Forwarding.DROP for one in found}
    if wanted not in verdicts:
        return "wrong"
    return "certain" if len(verdicts) == 1 else "may"


# ---- two syntaxes -------------------------------------------------------------------------------


def skillets() -> tuple[Device, Device]:
    root = CORPORA / "panos_iron_skillet" / "loadable_configs"
    (xml,) = root.glob("sample-mgmt-static/panos/*.xml")
    (commands,) = root.glob("sample-set-commands/panos/*.conf")
    return read(xml), read(commands)


def test_xml_and_set_form_give_one_model() -> None:
    """Only the set form of the two files has the two block rules."""
    xml, commands = skillets()
    ours, theirs = rules_of(xml), rules_of(commands)
    extra = theirs["security policy of vsys1"][:2]
    assert [text.partition(":")[0] for _, _, text in extra] == [
        "security rule Outbound Block Rule",
        "security rule Inbound Block Rule",
    ]
    theirs["security policy of vsys1"] = theirs["security policy of vsys1"][2:]
    assert ours == theirs
    assert sorted(xml.interfaces) == sorted(commands.interfaces)
    assert {(one.family, one.address) for one in xml.interfaces["management"].addresses} == {
        (one.family, one.address) for one in commands.interfaces["management"].addresses
    }
    assert [(one.protocol, one.interface) for one in xml.services] == [
        (one.protocol, one.interface) for one in commands.services
    ]
    facts = [
        {(one.kind, one.value) for one in each.shared_fate if one.kind != "user-key"}
        for each in (xml, commands)
    ]
    assert facts[0] == facts[1]


def rules_of(device: Device) -> dict[str, list[tuple[object, object, str]]]:
    return {
        name: [(ace.matches, ace.action, ace.text) for ace in acl.aces] for name, acl in device.acls.items()
    }


# ---- generated rules ----------------------------------------------------------------------------


def generated() -> list[str]:
    """The configurations that netspoc writes, its separators taken out."""
    text = (CORPORA / "netspoc" / "pan-os.t").read_text()
    found = re.findall(r"(<\?xml version = .*?</config>)", text, re.DOTALL)
    return [re.sub(r"^--\n", "", one, flags=re.MULTILINE) for one in found]


PORTS = "".join(f'<entry name="ethernet1/{number}"><layer3/></entry>' for number in range(1, 5))


def zoned(text: str) -> str:
    """A generated configuration with the interfaces and zones that are on the device already."""
    network = f"<network><interface><ethernet>{PORTS}</ethernet></interface></network>"
    text = text.replace("<devices><entry>", f'<devices><entry name="localhost.localdomain">{network}')
    for number, (vsys, zones) in enumerate((("vsys2", ("z1", "z2")), ("vsys3", ("z1", "z3")))):
        entries = "".join(
            f'<entry name="{zone}"><network><layer3><member>ethernet1/{number * 2 + place}</member>'
            "</layer3></network></entry>"
            for place, zone in enumerate(zones, start=1)
        )
        text = text.replace(f'<entry name="{vsys}">', f'<entry name="{vsys}"><zone>{entries}</zone>')
    return text


SERVICES = """
vsys2 ethernet1/1 ethernet1/2 10.1.1.10 10.1.2.30 6 22 DROP
vsys2 ethernet1/1 ethernet1/2 10.1.1.20 10.1.2.99 6 22 DROP
vsys2 ethernet1/1 ethernet1/2 10.1.1.10 10.1.2.30 6 80 ACCEPT
vsys2 ethernet1/1 ethernet1/2 10.1.1.10 10.1.2.40 6 80 DROP
vsys2 ethernet1/1 ethernet1/2 10.1.1.11 10.1.2.30 6 80 DROP
vsys2 ethernet1/2 ethernet1/1 10.1.2.40 10.1.3.7 6 81 ACCEPT
vsys3 ethernet1/3 ethernet1/4 10.1.1.10 10.1.3.7 17 123:123 ACCEPT
vsys3 ethernet1/3 ethernet1/4 10.1.1.10 10.1.3.7 17 124:123 DROP
vsys3 ethernet1/3 ethernet1/4 10.1.1.20 10.1.3.7 17 123:9 ACCEPT
vsys3 ethernet1/3 ethernet1/4 10.1.1.10 10.1.3.7 6 8080 ACCEPT
vsys3 ethernet1/3 ethernet1/4 10.1.1.20 10.1.3.7 6 8080 DROP
"""
"""What the policy above the generated rules says of single packets."""


def test_generated_rules_do_what_their_policy_says() -> None:
    (text,) = generated()
    device = VENDOR.read(raw_of(Path("r1"), "running-config.txt", zoned(text)))
    assert {line.fate for line in device.lines} <= {"ignored"}
    for row in SERVICES.split("\n")[1:-1]:
        vsys, incoming, outgoing, source, target, protocol, ports, wanted = row.split()
        sport, _, dport = ports.rpartition(":")
        flow = Flow(
            Family.IPV4, int(protocol), int(ip_address(source)), int(ip_address(target)),
            int(sport or 1024), int(dport), tcp_flags=2 if protocol == "6" else 0,
        )  # fmt: skip
        place = Context(incoming, outgoing, ConnectionState.NEW)
        (found,) = decisions(device, f"security policy of {vsys}", flow, place)
        assert found.certain
        assert found.verdict is Forwarding[wanted], row


# ---- grammar configurations ---------------------------------------------------------------------

GRAMMAR = CORPORA / "batfish" / "parser" / "palo_alto"


def test_every_grammar_configuration_is_read() -> None:
    """None breaks the reader, and at least nine lines of ten are known to it."""
    counts = Counter[str]()
    for path in sorted(GRAMMAR.iterdir()):
        (tally,) = VENDOR.read(raw_of(path, "running-config.txt")).tallies
        counts.update(known=tally.fact + tally.ignored + tally.unsupported, unknown=tally.unrecognized)
    assert counts["known"] > 4000
    assert counts["unknown"] * 50 < counts["known"], counts


NAMED = sorted(path.name for path in GRAMMAR.glob("*-*")) if GRAMMAR.is_dir() else []
NOT_THERE = {
    "drop-intra-vsys-next-vr-missing-egress": "only the answer has no route: the packet itself passes",
}


def ways(name: str) -> list[tuple[bool, bool]]:
    """A packet from behind the first port to behind the second: passed or not, and whether certain."""
    device = VENDOR.read(raw_of(GRAMMAR / name, "running-config.txt"))
    first, second = [port for port in device.interfaces.values() if port.addresses][:2]
    source, target = (port.addresses[0].address + 1 for port in (first, second))
    flow = Flow(Family.IPV4, 6, source, target, 1024, 80, tcp_flags=2)
    walks = Walker({device.name: device}, {}).walk(flow, device.name, first.name)
    return [(any(s.action == "sent" for s in walk.trace.steps), walk.trace.certain) for walk in walks]


@pytest.mark.parametrize("name", [name for name in NAMED if name.startswith("allow-")])
def test_what_is_named_allowed_may_pass(name: str) -> None:
    assert any(passed for passed, _ in ways(name))


@pytest.mark.parametrize("name", [name for name in NAMED if name.startswith("drop-")])
def test_what_is_named_dropped_does_not_pass_for_certain(name: str) -> None:
    found = ways(name)
    if name in NOT_THERE:
        assert any(passed for passed, _ in found), f"{name} is right now: take it off the list"
    else:
        assert not all(passed for passed, _ in found)


# ---- parsing corpus -----------------------------------------------------------------------------

PARSING = CORPORA / "batfish" / "parsing_corpus"


def told(name: str) -> list[dict[str, object]]:
    rows = json.loads((CORPORA / "batfish" / "truth" / f"{name}_parsing_corpus.json").read_text())["rows"]
    return [row for row in rows if "palo_alto/" in str(row.get("file"))]


def test_the_parsing_corpus_is_claimed_where_it_is_ours_and_nowhere_else() -> None:
    ours = {str(row["file"]) for row in told("file_formats")}
    claimed = {
        str(path.relative_to(PARSING))
        for path in sorted(PARSING.rglob("*"))
        if path.is_file() and VENDOR.claims(raw_of(path)) is not None
    }
    assert ours
    assert claimed == ours


def test_undefined_names_are_noted_on_their_lines() -> None:
    """And no other line is: but for a port that is layer 2 and layer 3, no line is left open."""
    wanted: dict[str, set[int]] = {}
    for row in told("undefined_refs"):
        lines = row["lines"]
        assert isinstance(lines, list)
        wanted.setdefault(str(row["file"]), set()).update(lines)
    assert len(wanted) == 2
    for row in told("file_formats"):
        path = str(row["file"])
        found = read(PARSING / path).lines
        noted = {
            number
            for line in found
            if line.fate == "unsupported"
            for number in range(line.span.first_line, line.span.last_line + 1)
        }
        assert noted == wanted.get(path, set()), path
        assert path.endswith("interfaces") or not [line for line in found if line.fate == "unrecognized"]


# ---- show outputs -------------------------------------------------------------------------------

SHOWN = CORPORA / "ntc_show_outputs" / "paloalto_panos" / "show_routing_route"


@pytest.mark.parametrize(
    "name", ["paloalto_panos_show_routing_route", "paloalto_panos_show_routing_route3"]
)
def test_every_row_of_a_shown_table_is_read(name: str) -> None:
    """The fixtures were shortened by hand and not their totals, so that the count is put right first."""
    rows = re.findall(r"^ *- ", (SHOWN / f"{name}.yml").read_text(), re.MULTILINE)
    expected = len(rows)
    text = re.sub(r"(?m)^total routes shown: \d+", "", (SHOWN / f"{name}.raw").read_text())
    text += f"\ntotal routes shown: {expected}\n"
    file = RawFile("devices/d/route.txt", text, "")
    ledger = LineLedger(file)
    assert tables(text, ledger)
    lines, tally = ledger.close()
    assert not lines
    assert tally.fact >= expected > 5
