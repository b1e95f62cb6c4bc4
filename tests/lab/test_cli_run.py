"""``segaudit run`` as a user types it, on a small lab of its own, over real SSH."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from builders.labs import skip_without_lab

from segaudit.lab.runtime import RunningLab, lab

pytestmark = pytest.mark.lab

TOPOLOGY = """
name: cli-run
topology:
  defaults: {kind: linux, image: "debian:12"}
  nodes:
    ha:
      exec:
        - ip address add 10.1.0.10/24 dev eth1
        - ip route add default via 10.1.0.1
    hb:
      exec:
        - ip address add 10.2.0.10/24 dev eth1
        - ip route add default via 10.2.0.1
    fw:
      binds: [rules.nft:/etc/rules.nft]
      exec:
        - ip address add 10.1.0.1/24 dev eth1
        - ip address add 10.2.0.1/24 dev eth2
        - nft -f /etc/rules.nft
  links:
    - endpoints: ["ha:eth1", "fw:eth1"]
    - endpoints: ["hb:eth1", "fw:eth2"]
"""
RULES = """
table inet filter {
  chain forward { type filter hook forward priority filter; policy drop; RULE }
  chain input { type filter hook input priority filter; policy drop; iifname "eth0" accept; }
}
"""
POLICY = """
version: 1
name: cli-run
zones:
  a: {side: left, owner: o@x.example, members: [{prefix: 10.1.0.0/24}]}
  b: {side: right, owner: o@x.example, members: [{prefix: 10.2.0.0/24}]}
isolation:
  - {id: ISO-1, title: a and b, between: left, and: right, families: [ipv4], severity: high}
"""


def segaudit(running: RunningLab, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, inside the lab's own network, from where its nodes' management is reached."""
    enter = ["nsenter", f"--net={running.network_namespace}", "--"]
    command = [*enter, sys.executable, "-m", "segaudit", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(("rule", "code"), [("", 0), ("tcp dport 445 accept;", 1)])
def test_run(rule: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAB_LABDIR_BASE", str(tmp_path))
    for name, text in (
        ("t.clab.yml", TOPOLOGY),
        ("rules.nft", RULES.replace("RULE", rule)),
        ("policy.yaml", POLICY),
    ):
        (tmp_path / name).write_text(text)
    skip_without_lab(tmp_path / "t.clab.yml")
    with lab(tmp_path / "t.clab.yml", name=f"cli-run-{code}") as running:
        _audit(running, tmp_path, code)


def _audit(running: RunningLab, folder: Path, code: int) -> None:
    inventory = str(running.folder)
    done = segaudit(running, folder, "run", "-p", "policy.yaml", "-i", inventory, "--no-probe", "-o", "out")
    assert done.returncode == code, done.stdout + done.stderr
    assert "report: out/report.html" in done.stdout
    result = json.loads((folder / "out" / "result.json").read_text())
    assert {device["name"] for device in result["devices"]} == {"ha", "hb", "fw"}
    assert (folder / "evidence").is_dir()
    again = segaudit(running, folder, "check", "-p", "policy.yaml", "-s", "out/snapshot")
    assert again.returncode == code
    told = segaudit(
        running, folder, "explain", "ISO-1/forward/ipv4", "-p", "policy.yaml", "-s", "out/snapshot"
    )
    if code:
        assert "devices/fw/nftables.txt:" in again.stdout
        assert "devices/fw/nftables.txt:" in told.stdout
    way = segaudit(running, folder, "path", "ha", "hb", "-s", "out/snapshot")
    assert ("dropped" in way.stdout) is (code == 0)
    _dry_run_and_refusals(running, folder, inventory)


def _dry_run_and_refusals(running: RunningLab, folder: Path, inventory: str) -> None:
    ends = ("-p", "policy.yaml", "-s", "out/snapshot", "-i", inventory)
    dry = segaudit(running, folder, "probe", *ends, "--dry-run")
    assert "10.1.0.10" in dry.stdout and "packets: at most" in dry.stdout, dry.stderr
    refused = segaudit(running, folder, "probe", *ends)
    assert refused.returncode == 2
    assert "scope file" in refused.stderr
