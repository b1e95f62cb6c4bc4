"""EOS against the corpora: the devices' own tables, one policy, the addresses of netlab's labs."""

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
from segaudit.vendors.arista_eos import VENDOR
from segaudit.vendors.arista_eos.claims import claims
from segaudit.vendors.arista_eos.dialect import EOS
from segaudit.vendors.arista_eos.show_routes import read_routes

pytestmark = [pytest.mark.corpora, pytest.mark.skipif(not CORPORA.is_dir(), reason=ABSENT)]

EOS_CORPORA = SwitchCorpora(
    VENDOR, "arista", "eos", "arista", {"connected": "connected", "static": "static"}, "end\n"
)


def test_every_connected_local_and_static_route_of_the_real_devices_is_there() -> None:
    missing, checked = EOS_CORPORA.missing_routes()
    assert missing == set()
    assert checked == {"connected": 449, "static": 18}


def test_no_connected_route_is_there_that_the_real_devices_had_not() -> None:
    assert EOS_CORPORA.surplus_routes() == set()


def test_every_line_of_the_real_configurations_is_understood() -> None:
    assert {
        node: lines for node, device in EOS_CORPORA.lab_devices.items() if (lines := unread(device))
    } == {}


DOUBTFUL = ("vxlan vlan ", "pim ", "router multicast", "router pim ")


def test_only_overlays_and_multicast_make_the_real_configurations_doubtful() -> None:
    doubtful = {
        line.text
        for device in EOS_CORPORA.lab_devices.values()
        for line in device.lines
        if not line.bounded
    }
    assert doubtful
    assert {text for text in doubtful if not text.startswith(DOUBTFUL)} == set()


def test_every_real_configuration_is_claimed_by_nobody_else() -> None:
    for lab, node, path in EOS_CORPORA.lab_nodes():
        raw = RawConfig(node, "", (RawFile(f"devices/{node}/{path.name}", text_of(path), ""),))
        assert detect(raw, vendors()) is VENDOR, (lab, node)


@pytest.mark.parametrize("name", ["sample_arista_tp", "sample_arista_tp_yaml"])
def test_every_packet_of_the_aerleon_policy_is_decided_as_the_policy_says(name: str) -> None:
    folder = CORPORA / "aerleon_acls"
    device = EOS_CORPORA.read(text_of(folder / "generated" / f"{name}.atp") + "\nend\n")
    assert unread(device) == []
    policy = "traffic-policy MIXED-TRAFFIC-POLICY"
    assert len(device.acls[policy].aces) == 49
    (truth,) = json.loads((folder / "truth" / "sample_arista_tp.json").read_text())["filters"]
    context = Context("Ethernet1", None, ConnectionState.NEW)
    wrong = []
    for packet in truth["packets"]:
        found = decisions(device, policy, flow_of(packet), context)
        expected = Forwarding.ACCEPT if packet["expect"] == "PERMIT" else Forwarding.DROP
        if {(one.verdict, one.certain) for one in found} != {(expected, True)}:
            wrong.append((packet, found))
    assert wrong == []
    assert len(truth["packets"]) == 900


def test_netlab_devices_have_the_addresses_vrfs_and_vlans_of_their_labs() -> None:
    wrong, checked = EOS_CORPORA.netlab_differences(EOS.interface)
    assert wrong == []
    assert checked > 300


def test_routing_tables_are_read_whole_and_as_ntc_templates_reads_them() -> None:
    outputs = list(EOS_CORPORA.route_outputs())
    assert len(outputs) == 7
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
    devices = [EOS_CORPORA.read(text_of(path), path.name) for path in EOS_CORPORA.grammar_configs()]
    total = tallied(devices)
    assert len(devices) == 120
    assert total.total() > 5000
    assert total["unrecognized"] <= 15, total


# Batfish takes what it does not know for IOS; this one has lines of several systems.
MORE_THAN_BATFISH = {"configs/cisco_misc"}


def test_of_the_parsing_corpus_only_eos_files_are_claimed() -> None:
    corpus = CORPORA / "batfish" / "parsing_corpus"
    rows = json.loads((CORPORA / "batfish/truth/file_formats_parsing_corpus.json").read_text())["rows"]
    missed: set[str] = set()
    taken: set[str] = set()
    for row in rows:
        if (corpus / row["file"]).is_file():
            file = RawFile(f"devices/x/{row['file'].rpartition('/')[2]}", text_of(corpus / row["file"]), "")
            claimed = claims(RawConfig("x", "", (file,))) is not None
            if claimed != (row["format"] == "ARISTA"):
                (taken if claimed else missed).add(row["file"])
    assert missed == set()
    assert taken == MORE_THAN_BATFISH
