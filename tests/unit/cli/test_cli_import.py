"""segaudit import: from each kind of source to a snapshot that can be read, or a refusal with a hint."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from segaudit.cli.root import main
from segaudit.documents.snapshot_folder import read_snapshot

CONFIG = "hostname r1\ninterface Ethernet1\n ip address 10.0.0.1 255.255.255.0\n"
TOPOLOGY = """\
name: lab
topology:
  kinds:
    ceos:
      image: ceos
      startup-config: __clabNodeName__.cfg
  nodes:
    r1: {kind: ceos}
    r2:
      kind: ceos
      startup-config: |
        hostname r2
        interface Ethernet1
    r3: {kind: ceos}
    h1: {kind: linux, image: alpine}
    sw: {kind: bridge}
  links:
    - endpoints: ["r1:Ethernet1", "r2:Ethernet1"]
    - endpoints: ["r1:Ethernet2", "sw:p1"]
    - endpoints: ["r3:Ethernet2", "sw:p2"]
    - endpoints: ["h1:eth1", "r3:Ethernet1"]
"""


def imported(source: Path, *more: str) -> Result:
    output = source.parent / "snapshot"
    return CliRunner().invoke(main, ["import", str(source), "-o", str(output), *more])


def write(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def test_a_folder(tmp_path: Path) -> None:
    source = write(tmp_path / "source", **{"r1.cfg": CONFIG, "r2__run.txt": CONFIG, "README.md": "x"})
    result = imported(source)
    assert result.exit_code == 0, result.output
    assert result.stdout == "r1: r1.cfg\nr2: run.txt\n"
    assert "left: README.md: no configuration, by its name" in result.stderr
    assert [config.device for config in read_snapshot(tmp_path / "snapshot").configs] == ["r1", "r2"]


def test_each_file_where_it_is_asked_for(tmp_path: Path) -> None:
    source = write(tmp_path / "source", **{"site__r1.cfg": CONFIG, "site__r2.cfg": CONFIG})
    assert imported(source, "--layout", "files").stdout == "r1: r1.cfg\nr2: r2.cfg\n"


def test_a_containerlab_topology(tmp_path: Path) -> None:
    source = write(tmp_path / "lab", **{"lab.clab.yml": TOPOLOGY, "r1.cfg": CONFIG})
    result = imported(source)
    assert result.exit_code == 0, result.output
    snapshot = read_snapshot(tmp_path / "snapshot")
    assert {config.device: config.files[0].name for config in snapshot.configs} == {
        "r1": "r1.cfg",
        "r2": "startup-config.txt",
    }
    assert [lost.device for lost in snapshot.failures] == ["h1", "r3"]
    assert snapshot.declared_nodes == ("h1", "r1", "r2", "r3")
    assert [[str(end) for end in link.ends] for link in snapshot.links] == [
        ["h1:eth1", "r3:Ethernet1"],
        ["r1:Ethernet1", "r2:Ethernet1"],
        ["r1:Ethernet2", "r3:Ethernet2"],
    ]


@pytest.mark.parametrize(
    ("files", "arguments", "says"),
    [
        ({"README.md": "x"}, [], "no device's configuration is here"),
        ({"r1.cfg": CONFIG}, ["--at", "2026-01-01"], "not inside a git repository"),
        (
            {"r1.cfg": CONFIG},
            ["--at", "2026-01-01", "--from", "folder"],
            "only a git repository has a past",
        ),
        ({"r1.cfg": CONFIG}, ["--from", "containerlab"], "no *.clab.yml"),
    ],
)
def test_what_cannot_be_imported_is_refused_with_a_hint(
    tmp_path: Path, files: dict[str, str], arguments: list[str], says: str
) -> None:
    result = imported(write(tmp_path / "source", **files), *arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert not (tmp_path / "snapshot").exists()


def test_a_source_that_is_not_there_is_refused(tmp_path: Path) -> None:
    result = imported(tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "no such folder" in result.stderr


def test_a_snapshot_is_never_overwritten(tmp_path: Path) -> None:
    source = write(tmp_path / "source", **{"r1.cfg": CONFIG})
    write(tmp_path / "snapshot", keep="mine")
    result = imported(source)
    assert result.exit_code == 2
    assert (tmp_path / "snapshot" / "keep").read_text() == "mine"
