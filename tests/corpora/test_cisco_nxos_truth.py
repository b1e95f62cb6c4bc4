"""NX-OS against the corpora: the devices' own tables, one policy, the addresses of netlab's labs."""

from __future__ import annotations

import json

import pytest
from builders.switch_corpora import ABSENT, CORPORA, SwitchCorpora, flow_of, tallied, text_of, unread

from segaudit.model.acl import Forwarding
from segaudit.model.flow import ConnectionState, Family
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.parse.detection import detect
from segaudit.parse.ledger import LineLedger
from segaudit.parse.registry import vendors
from segaudit.reach.interpret import Context, decisions
from segaudit.vendors.cisco_nxos import VENDOR
from segaudit.vendors.cisco_nxos.claims import claims
from segaudit.vendors.cisco_nxos.dialect import NXOS
from segaudit.vendors.cisco_nxos.show_routes import read_routes

pytestmark = [pytest.mark.corpora, pytest.mark.skipif(not CORPORA.is_dir(), reason=ABSENT)]

NX = SwitchCorpora(
    VENDOR, "nx", "nxos", "cisco_nxos", {"direct": "connected", "local": "local", "static": "static"}
)

DOWN_VLANS = {
    ("nxos_l3_vlan_no_active_member", node, "main", prefix)
    for node in ("nxos1", "nxos2")
    for prefix in ("10.10.10.0/24", "172.16.10.0/24")
}
"""SVIs whose VLAN is carried by ports that had no link: a configuration does not show that."""


def test_every_connected_local_and_static_route_of_the_real_devices_is_there() -> None:
    missing, checked = NX.missing_routes()
    assert missing == set()
    assert checked == {"connected": 144, "local": 144, "static": 13}


def test_no_connected_route_is_there_that_the_real_devices_had_not() -> None:
    assert NX.surplus_routes() == DOWN_VLANS


def test_every_line_of_the_real_configurations_is_understood() -> None:
    assert {node: lines for node, device in NX.lab_devices.items() if (lines := unread(device))} == {}


def test_only_overlays_make_the_real_configurations_doubtful() -> None:
    doubtful = {
        line.text for device in NX.lab_devices.values() for line in device.lines if not line.bounded
    }
    assert doubtful == {"member vni 5010", "member vni 5020"}


def test_every_real_configuration_is_claimed_by_nobody_else() -> None:
    for lab, node, path in NX.lab_nodes():
        raw = RawConfig(node, "", (RawFile(f"devices/{node}/{path.name}", text_of(path), ""),))
        assert detect(raw, vendors()) is VENDOR, (lab, node)


def test_every_packet_of_the_aerleon_policy_is_decided_as_the_policy_says() -> None:
    folder = CORPORA / "aerleon_acls"
    device = NX.read(text_of(folder / "generated" / "sample_cisconx.nxacl"))
    assert unread(device) == []
    (truth,) = json.loads((folder / "truth" / "sample_cisconx.json").read_text())["filters"]
    context = Context("Ethernet1/1", None, ConnectionState.NEW)
    wrong = []
    for packet in truth["packets"]:
        found = decisions(device, "ip allowtointernet", flow_of(packet), context)
        expected = Forwarding.ACCEPT if packet["expect"] == "PERMIT" else Forwarding.DROP
        if {(one.verdict, one.certain) for one in found} != {(expected, True)}:
            wrong.append((packet, found))
    assert wrong == []
    assert len(truth["packets"]) == 900


def test_netlab_devices_have_the_addresses_vrfs_and_vlans_of_their_labs() -> None:
    wrong, checked = NX.netlab_differences(NXOS.interface)
    assert wrong == []
    assert checked > 150


def test_routing_tables_are_read_whole_and_as_ntc_templates_reads_them() -> None:
    outputs = list(NX.route_outputs())
    assert len(outputs) == 5
    for path, expected in outputs:
        text = text_of(path)
        ledger = LineLedger(RawFile(f"devices/d/{path.name}", text, ""))
        tables = read_routes(text, ledger, Family.IPV4)
        assert tables is not None, path.name
        found = {
            (one.vrf, f"{Family.IPV4.address(one.prefix)}/{one.prefix_length}") for one in tables.routes
        }
        assert not expected or found == expected, path.name
        assert ledger.close()[1].unrecognized == 0


def test_the_grammar_configurations_are_understood_but_for_a_few_lines() -> None:
    devices = [NX.read(text_of(path), path.name) for path in NX.grammar_configs()]
    total = tallied(devices)
    assert len(devices) == 147
    assert total.total() > 4000
    assert total["unrecognized"] <= 21, total


# Batfish takes what it does not know for IOS; these name what only NX-OS has.
MORE_THAN_BATFISH = {"configs/cisco_system", "configs/cisco_vdc", "configs/cisco_misc"}


def test_of_the_parsing_corpus_only_nxos_files_are_claimed() -> None:
    corpus = CORPORA / "batfish" / "parsing_corpus"
    rows = json.loads((CORPORA / "batfish/truth/file_formats_parsing_corpus.json").read_text())["rows"]
    missed: set[str] = set()
    taken: set[str] = set()
    for row in rows:
        if (corpus / row["file"]).is_file():
            file = RawFile(f"devices/x/{row['file'].rpartition('/')[2]}", text_of(corpus / row["file"]), "")
            claimed = claims(RawConfig("x", "", (file,))) is not None
            if claimed != (row["format"] == "CISCO_NX"):
                (taken if claimed else missed).add(row["file"])
    assert missed == set()
    assert taken == MORE_THAN_BATFISH
