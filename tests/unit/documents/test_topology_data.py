from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from segaudit.documents.topology_data import fold_segments, read_topology_data
from segaudit.errors import SnapshotError
from segaudit.model.topology import Link, TerminationPoint


def _wire(*ends: str) -> tuple[TerminationPoint, ...]:
    return tuple(TerminationPoint(*end.split(":")) for end in ends)


def _endpoint(end: str) -> dict[str, str]:
    node, interface = end.split(":")
    return {"node": node, "interface": interface, "mac": "aa:c1:ab:00:00:01", "peer": "z"}


def _data(nodes: dict[str, dict[str, Any]], *links: tuple[str, ...]) -> str:
    wires = [
        {"endpoints": {side: _endpoint(end) for side, end in zip("az", link, strict=False)}}
        for link in links
    ]
    return json.dumps({"name": "lab", "type": "clab", "nodes": nodes, "links": wires}, indent=2)


def test_nodes_labels_and_links(tmp_path: Path) -> None:
    labels = {"clab-node-name": "r1", "containerlab": "lab", "segaudit.site": "berlin", "role": "router"}
    nodes: dict[str, dict[str, Any]] = {
        "r1": {
            "kind": "linux",
            "longname": "clab-lab-r1",
            "mgmt-ipv4-address": "172.20.20.2",
            "mgmt-ipv6-address": "3fff:172:20:20::2",
            "labels": labels,
        },
        "h1": {"kind": "linux", "mgmt-ipv4-address": "", "mgmt-ipv6-address": "3fff::3", "labels": None},
        "sw": {"kind": "bridge"},
    }
    (tmp_path / "topology-data.json").write_text(_data(nodes, ("r1:eth1", "sw:a"), ("sw:b", "h1:eth1")))
    lab = read_topology_data(tmp_path / "topology-data.json", SnapshotError)
    assert lab.name == "lab"
    assert [(node.name, node.kind, node.management_address) for node in lab.nodes] == [
        ("h1", "linux", "3fff::3"),
        ("r1", "linux", "172.20.20.2"),
        ("sw", "bridge", ""),
    ]
    assert lab.nodes[1].labels == {"containerlab": "lab", "role": "router", "site": "berlin"}
    assert [node.name for node in lab.devices] == ["h1", "r1"]
    assert lab.links == (Link(_wire("h1:eth1", "r1:eth1"), "topology"),)


def test_a_bridge_is_one_segment_of_all_that_is_plugged_into_it() -> None:
    wires = [
        _wire("r1:eth1", "sw:1"),
        _wire("sw:2", "r2:eth1"),
        _wire("r3:eth9", "sw:3"),
        _wire("r1:eth2", "r2:eth2"),
    ]
    assert fold_segments(wires, {"sw"}) == (
        Link(_wire("r1:eth1", "r2:eth1", "r3:eth9"), "topology"),
        Link(_wire("r1:eth2", "r2:eth2"), "topology"),
    )


def test_bridges_that_are_wired_together_are_one_segment() -> None:
    wires = [
        _wire("r1:eth1", "a:1"),
        _wire("c:1", "r3:eth1"),
        _wire("a:2", "b:1"),
        _wire("c:2", "b:2"),
        _wire("d:1", "r4:eth1"),
    ]
    assert fold_segments(wires, {"a", "b", "c", "d"}) == (
        Link(_wire("r1:eth1", "r3:eth1"), "topology"),
        Link(_wire("r4:eth1"), "topology"),
    )


def test_a_wire_that_leaves_the_lab_is_not_closed() -> None:
    """containerlab exports its host, dummy and macvlan links with one end."""
    assert fold_segments([_wire("r1:eth1")], set()) == (Link(_wire("r1:eth1"), "topology", closed=False),)
    open_bridge = fold_segments([_wire("r1:eth1", "sw:1"), _wire("sw:uplink")], {"sw"})
    assert open_bridge == (Link(_wire("r1:eth1"), "topology", closed=False),)


def test_links_as_older_versions_wrote_them(tmp_path: Path) -> None:
    data = {
        "name": "lab",
        "nodes": {"r1": {"kind": "linux"}, "r2": {"kind": "linux"}},
        "links": [{"a": _endpoint("r1:eth1"), "z": _endpoint("r2:eth1")}],
    }
    (tmp_path / "t.json").write_text(json.dumps(data))
    links = read_topology_data(tmp_path / "t.json", SnapshotError).links
    assert links == (Link(_wire("r1:eth1", "r2:eth1"), "topology"),)


def test_what_is_wrong_is_named_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(
        '{\n  "name": "lab",\n  "nodes": {\n    "r1": {"image": "x"}\n  },\n'
        '  "links": [\n    {"endpoints": {"a": {"node": "r1"}}},\n    {}\n  ]\n}\n'
    )
    with pytest.raises(SnapshotError) as caught:
        read_topology_data(path, SnapshotError)
    assert str(caught.value).splitlines() == [
        f"{path}:4:11: node r1 lacks a key: kind",
        f"{path}:7:25: endpoint lacks a key: interface",
        f"{path}:8:5: link lacks a key: endpoints",
    ]


@pytest.mark.parametrize(
    ("management", "isolated"),
    [
        ({"port-isolation": True}, True),
        ({"port-isolation": False}, False),
        ({"network": "clab"}, False),
        ([{"port-isolation": True}], False),
    ],
)
def test_isolated_management_ports_join_no_two_nodes(
    tmp_path: Path, management: object, isolated: bool
) -> None:
    data = json.loads(
        _data(
            {
                "r1": {"kind": "linux", "mgmt-ipv4-address": "172.20.20.2", "mgmt-intf": "eth0"},
                "r2": {"kind": "linux", "mgmt-ipv4-address": "172.20.20.3", "mgmt-intf": "eth0"},
                "sw": {"kind": "bridge", "mgmt-ipv4-address": "", "mgmt-intf": ""},
            },
            ("r1:eth1", "r2:eth1"),
        )
    )
    data["clab"] = {"config": {"prefix": "clab", "mgmt": management}}
    (tmp_path / "t.json").write_text(json.dumps(data))
    wire = Link(_wire("r1:eth1", "r2:eth1"), "topology")
    own = (Link(_wire("r1:eth0"), "topology"), Link(_wire("r2:eth0"), "topology"))
    links = read_topology_data(tmp_path / "t.json", SnapshotError).links
    assert links == ((own[0], wire, own[1]) if isolated else (wire,))
