"""``--jobs``, ``--executor`` and ``--no-cache`` of the commands that judge and then tell more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from builders.linux_snapshot import Box, write_network
from click.testing import CliRunner

from segaudit.cli import main

POLICY = """
version: 1
name: small
zones:
  a: {side: left, owner: o@x.example, members: [{prefix: 10.1.0.0/24}]}
  b: {side: right, owner: o@x.example, members: [{prefix: 10.2.0.0/24}]}
isolation:
  - {id: ISO-1, title: left and right, between: left, and: right, direction: both, severity: high}
"""
FILTER = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -s 10.2.0.0/24 -p tcp -m tcp --dport 445 -j ACCEPT
COMMIT
"""
JUDGING = {
    "explain": ("explain", "ISO-1", "-p", "policy.yaml", "-s", "snapshot"),
    "report": ("report", "-p", "policy.yaml", "-s", "snapshot", "-o", "out", "--margins"),
    "demo": ("demo", "--offline", "."),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: a topology's policy, and a stored snapshot of two hosts and a router."""
    boxes = [
        Box("ha", {"eth1": ("10.1.0.2/24",)}, ("0.0.0.0/0 via 10.1.0.1 dev eth1",), forwards=False),
        Box("hb", {"eth1": ("10.2.0.2/24",)}, ("0.0.0.0/0 via 10.2.0.1 dev eth1",), forwards=False),
        Box(
            "r",
            {"eth1": ("10.1.0.1/24",), "eth2": ("10.2.0.1/24",)},
            files={"iptables-save.txt": FILTER},
        ),
    ]
    write_network(tmp_path / "snapshot", boxes, [("ha:eth1", "r:eth1"), ("hb:eth1", "r:eth2")])
    (tmp_path / "policy.yaml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.parametrize("command", JUDGING)
def test_what_judges_uses_the_cluster_that_is_named(folder: Path, command: str) -> None:
    done = CliRunner().invoke(main, [*JUDGING[command], "--executor", "carrier-pigeon://roof:1"])
    assert done.exit_code == 2
    assert "not the address of a cluster" in done.output
    assert not (folder / "out").exists()


@pytest.mark.parametrize("command", JUDGING)
def test_what_judges_tells_the_same_with_processes_and_a_cache(folder: Path, command: str) -> None:
    asked = (*JUDGING[command], "--as-of", "2026-11-24")
    alone = CliRunner().invoke(main, [*asked, "--no-cache"])
    assert alone.exit_code in (0, 1), alone.output
    assert not (folder / "cache").exists()
    written = _written(folder / "out")
    processes = subprocess.run(
        [sys.executable, "-m", "segaudit", *asked, "--jobs", "2"],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (processes.returncode, processes.stdout) == (alone.exit_code, alone.stdout)
    assert _written(folder / "out") == written
    assert list((folder / "cache" / "segaudit").iterdir())


def _written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*"))}
