"""segaudit import against the corpora: Batfish snapshots, netlab folders, containerlab labs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from segaudit.cli.root import main
from segaudit.documents.snapshot_folder import read_snapshot

CORPORA = Path(os.environ.get("SEGAUDIT_CORPORA", Path(__file__).parents[2].parent / "shared" / "corpora"))

pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"no corpora at {CORPORA}")


def imported(source: Path, output: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["import", str(source), "-o", str(output), *more])


@pytest.mark.parametrize(
    ("name", "devices", "not_modelled"),
    [
        ("example/live", 13, ["host1", "host2"]),
        ("example/candidate", 13, ["host1", "host2"]),
        ("iptables-firewall", 5, ["internet-host", "z1-host1", "z1-host2", "z2-host1", "z2-host2"]),
    ],
)
def test_batfish_networks(tmp_path: Path, name: str, devices: int, not_modelled: list[str]) -> None:
    result = imported(CORPORA / "batfish" / "networks" / name, tmp_path / "snapshot")
    assert result.exit_code == 0, result.output
    snapshot = read_snapshot(tmp_path / "snapshot")
    assert len(snapshot.configs) == devices
    assert [lost.device for lost in snapshot.failures] == not_modelled


def test_batfish_wiring(tmp_path: Path) -> None:
    source = CORPORA / "batfish" / "parser" / "frr_snapshots" / "bgp-neighbor-compatibility"
    assert imported(source, tmp_path / "snapshot").exit_code == 0
    snapshot = read_snapshot(tmp_path / "snapshot")
    assert [config.device for config in snapshot.configs] == ["node1", "node2"]
    assert len(snapshot.links) == 10
    assert all(link.closed and len(link.ends) == 2 for link in snapshot.links)
    assert snapshot.declared_nodes == ("node1", "node2")


def netlab_folders() -> list[Path]:
    return sorted(path.parent for path in CORPORA.glob("netlab_generated/*/*/*/lab.json"))


def test_netlab_folders(tmp_path: Path) -> None:
    """None of a folder's devices is lost; one whose files say nothing about forwarding is refused."""
    folders = netlab_folders()
    refused = 0
    for number, folder in enumerate(folders):
        modules = {tuple(path.name.split(".")[:2]) for path in folder.glob("*.cfg")}
        telling = {node for node, module in modules if module not in ("hosts", "daemons")}
        result = imported(folder, tmp_path / str(number))
        assert result.exit_code == (0 if telling else 2), f"{folder}: {result.output}"
        if not telling:
            refused += 1
            continue
        snapshot = read_snapshot(tmp_path / str(number))
        assert {config.device for config in snapshot.configs} == telling, folder
        assert {lost.device for lost in snapshot.failures} == {node for node, _ in modules} - telling, (
            folder
        )
    assert len(folders) == 152
    assert refused == 11


def test_containerlab_topologies(tmp_path: Path) -> None:
    """Each is imported, or refused because it brings no configuration; never anything else."""
    taken = refused = 0
    for number, path in enumerate(sorted(CORPORA.glob("containerlab/*/*.clab.y*ml"))):
        result = imported(path, tmp_path / str(number))
        if result.exit_code == 0:
            taken += 1
            snapshot = read_snapshot(tmp_path / str(number))
            known = {config.device for config in snapshot.configs}
            assert known | {lost.device for lost in snapshot.failures} == set(snapshot.declared_nodes), path
        else:
            refused += 1
            assert result.exit_code == 2, f"{path}: {result.output}"
            assert "no device's configuration is here" in result.stderr, path
    assert (taken, refused) == (11, 30)
