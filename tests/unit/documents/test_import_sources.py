"""Configurations that others gathered: folders, Batfish snapshots, netlab folders, as snapshots."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segaudit.documents.import_batfish import is_batfish, read_batfish
from segaudit.documents.import_files import (
    Found,
    Imported,
    device_name,
    each_a_device,
    each_folder_a_device,
    files_below,
)
from segaudit.documents.import_netlab import is_netlab, read_netlab
from segaudit.documents.snapshot_folder import read_snapshot, write_snapshot
from segaudit.errors import SnapshotError

CONFIG = b"hostname r1\ninterface Ethernet1\n"


def write(root: Path, **files: str | bytes) -> Path:
    for name, content in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def devices(imported: Imported) -> dict[str, list[str]]:
    return {config.device: [file.path for file in config.files] for config in imported.snapshot.configs}


def reasons(imported: Imported) -> dict[str, str]:
    return {left.path: left.reason for left in imported.left}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("r1.cfg", "r1"),
        ("configs/r1.conf", "r1"),
        ("r1", "r1"),
        ("r1.example.com", "r1.example.com"),
        ("r1.example.com.cfg", "r1.example.com"),
        ("site/fw.XML", "fw"),
        (".cfg", ".cfg"),
    ],
)
def test_a_file_is_called_by_its_host(path: str, name: str) -> None:
    assert device_name(path) == name


def test_each_file_may_be_a_device() -> None:
    found = [
        Found("east/configs/r1", CONFIG),
        Found("west/configs/r2.cfg", CONFIG),
        Found("README.md", b"x"),
    ]
    imported = each_a_device(found).imported("here")
    assert devices(imported) == {"r1": ["devices/r1/r1"], "r2": ["devices/r2/r2.cfg"]}
    assert reasons(imported) == {"README.md": "no configuration, by its name"}


def test_files_of_one_name_are_told_apart_by_their_folders() -> None:
    found = [Found("east/configs/r1", CONFIG), Found("west/configs/r1", CONFIG)]
    imported = each_a_device(found).imported("here")
    assert list(devices(imported)) == ["east.r1", "west.r1"]
    assert len(imported.notes) == 2


def test_each_folder_may_be_a_device() -> None:
    found = [
        Found("r1/show_running-config.txt", CONFIG),
        Found("r1/routes/ip.txt", CONFIG),
        Found("configs/r2/run.txt", CONFIG),
        Found("configs/r3.cfg", CONFIG),
        Found("r4.cfg", CONFIG),
    ]
    assert devices(each_folder_a_device(found).imported("here")) == {
        "r1": ["devices/r1/routes/ip.txt", "devices/r1/show_running-config.txt"],
        "r2": ["devices/r2/run.txt"],
        "r3": ["devices/r3/r3.cfg"],
        "r4": ["devices/r4/r4.cfg"],
    }


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"a\0b", "not text"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "a Git LFS pointer: the file itself is elsewhere",
        ),
    ],
)
def test_what_is_no_text_is_left(content: bytes, reason: str) -> None:
    imported = each_a_device([Found("r1.cfg", CONFIG), Found("r2.cfg", content)]).imported("here")
    assert list(devices(imported)) == ["r1"]
    assert reasons(imported) == {"r2.cfg": reason}


def test_another_encoding_is_read_and_told() -> None:
    imported = each_a_device([Found("r1.cfg", "hostname gerät\n".encode("latin-1"))]).imported("here")
    (config,) = imported.snapshot.configs
    assert config.files[0].text == "hostname gerät\n"
    assert imported.notes == ("r1.cfg: not UTF-8 at byte 12, read as Latin-1",)


def test_hidden_files_and_links_out_of_the_folder_are_left(tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere.cfg"
    secret.write_bytes(CONFIG)
    source = write(tmp_path / "source", **{"r1.cfg": CONFIG, ".hidden.cfg": CONFIG})
    (source / "r2.cfg").symlink_to(secret)
    imported = each_folder_a_device(files_below(source)).imported("here")
    assert list(devices(imported)) == ["r1"]
    assert reasons(imported) == {".hidden.cfg": "hidden"}


def test_nothing_usable_is_an_error_that_says_what_was_left() -> None:
    with pytest.raises(SnapshotError, match=r"README\.md: no configuration") as refusal:
        each_a_device([Found("README.md", b"x")]).imported("here")
    assert refusal.value.problems[0].hint


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    source = write(tmp_path / "source", **{"b__r2.cfg": CONFIG, "a__r1.cfg": CONFIG})
    for name in ("one", "two"):
        write_snapshot(tmp_path / name, each_folder_a_device(files_below(source)).imported("x").snapshot)
    one, two = (sorted((tmp_path / name).rglob("*")) for name in ("one", "two"))
    assert [path.read_bytes() for path in one if path.is_file()] == [
        path.read_bytes() for path in two if path.is_file()
    ]
    assert [config.device for config in read_snapshot(tmp_path / "one").configs] == ["a", "b"]


# ---- Batfish ------------------------------------------------------------------------------------


def edges(*pairs: tuple[str, str]) -> str:
    def end(text: str) -> dict[str, str]:
        device, _, interface = text.partition(":")
        return {"hostname": device, "interfaceName": interface}

    return json.dumps({"edges": [{"node1": end(one), "node2": end(other)} for one, other in pairs]})


def batfish(tmp_path: Path, layer1: str, **more: str) -> Imported:
    files = {"configs__R1-Main.cfg": "hostname Core\n", "configs__r2.cfg": "set system host-name r2\n"}
    source = write(tmp_path / "source", **{**files, "layer1_topology.json": layer1, **more})
    assert is_batfish(source)
    return read_batfish(source)


def test_wires_are_by_host_name_whatever_the_file_is_called(tmp_path: Path) -> None:
    imported = batfish(
        tmp_path, edges(("core:Ethernet1", "r2:ge-0/0/0"), ("r2:ge-0/0/0", "CORE:Ethernet1"))
    )
    (link,) = imported.snapshot.links
    assert [str(end) for end in link.ends] == ["R1-Main:Ethernet1", "r2:ge-0/0/0"]
    assert link.closed
    assert imported.snapshot.declared_nodes == ("R1-Main", "r2")


def test_an_interface_in_several_edges_is_on_one_wire(tmp_path: Path) -> None:
    imported = batfish(tmp_path, edges(("core:e1", "r2:e1"), ("core:e1", "r3:e1"), ("core:e2", "r2:e2")))
    assert sorted(sorted(str(end) for end in link.ends) for link in imported.snapshot.links) == [
        ["R1-Main:e1", "r2:e1", "r3:e1"],
        ["R1-Main:e2", "r2:e2"],
    ]


def test_hosts_are_in_the_network_and_not_modelled(tmp_path: Path) -> None:
    imported = batfish(
        tmp_path,
        edges(),
        hosts__h1=json.dumps({"hostname": "host-1"}),
        **{"hosts__h1.json": json.dumps({"hostname": "host-1"})},
    )
    assert [lost.device for lost in imported.snapshot.failures] == ["host-1"]


@pytest.mark.parametrize(
    "broken",
    [
        "{",
        "[]",
        '{"edges": 1}',
        '{"edges": [{"node1": {}}]}',
        '{"edges": [1]}',
        '{"edges": [{"node1": 1}]}',
    ],
)
def test_a_malformed_wiring_is_refused(tmp_path: Path, broken: str) -> None:
    with pytest.raises(SnapshotError, match="layer1_topology"):
        batfish(tmp_path, broken)


def test_a_plain_folder_is_not_batfish(tmp_path: Path) -> None:
    assert not is_batfish(write(tmp_path, **{"configs__r1.cfg": CONFIG}))


# ---- netlab -------------------------------------------------------------------------------------

TOPOLOGY = """\
nodes:
  r1: {device: eos}
  r2: {device: eos}
  h1: {device: linux}
links:
- interfaces:
  - {node: r1, ifname: Ethernet1}
  - {node: r2, ifname: Ethernet1}
- interfaces:
  - {node: r1, ifname: Ethernet2}
  - {node: r2, ifname: Ethernet2}
  - {node: h1, ifname: eth1}
- interfaces:
  - {node: r1, ifname: Ethernet3}
"""


def test_the_modules_of_a_node_are_one_configuration(tmp_path: Path) -> None:
    source = write(
        tmp_path,
        **{
            "r1.vlan.cfg": "vlan\n",
            "r1.initial.cfg": "initial\n",
            "r1.normalize.cfg": "normalize\n",
            "r1.bgp.cfg": "bgp\n",
            "h1.hosts.cfg": "127.0.0.1 localhost\n",
            "netlab.snapshot.yml": TOPOLOGY,
        },
    )
    assert is_netlab(source)
    imported = read_netlab(source)
    (config,) = imported.snapshot.configs
    assert config.files[0].text == "normalize\ninitial\nbgp\nvlan\n"
    assert [lost.device for lost in imported.snapshot.failures if lost.device == "r2"] == ["r2"]
    assert "h1" in {lost.device for lost in imported.snapshot.failures}


def test_the_wiring_of_netlab(tmp_path: Path) -> None:
    source = write(tmp_path, **{"r1.initial.cfg": "x\n", "netlab.snapshot.yml": TOPOLOGY})
    links = read_netlab(source).snapshot.links
    assert [([str(end) for end in link.ends], link.closed) for link in links] == [
        (["h1:eth1", "r1:Ethernet2", "r2:Ethernet2"], True),
        (["r1:Ethernet1", "r2:Ethernet1"], True),
        (["r1:Ethernet3"], False),
    ]


def test_a_module_twice_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path, **{"a__r1.initial.cfg": "x\n", "b__r1.initial.cfg": "y\n"})
    with pytest.raises(SnapshotError, match="twice"):
        read_netlab(source)


def test_a_link_without_an_interface_is_refused(tmp_path: Path) -> None:
    broken = TOPOLOGY.replace(", ifname: Ethernet3", "")
    source = write(tmp_path, **{"r1.initial.cfg": "x\n", "netlab.snapshot.yml": broken})
    with pytest.raises(SnapshotError, match=r"netlab\.snapshot\.yml:1[0-9]"):
        read_netlab(source)
