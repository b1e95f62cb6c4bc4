from pathlib import Path

import pytest

from segaudit.lab import preflight
from segaudit.lab.plan import KeyPair, LabPlan, plan_lab
from segaudit.lab.topology import read_topology


def planned(folder: Path, *commands: str, binds: str = "[]") -> LabPlan:
    (folder / "tool").mkdir(exist_ok=True)
    lines = "".join(f"        - {command}\n" for command in commands)
    node = f"    a:\n      kind: linux\n      binds: {binds}\n      exec:\n{lines}"
    text = f"name: x\ntopology:\n  nodes:\n{node}"
    file = folder / "x.clab.yml"
    file.write_text(text)
    return plan_lab(read_topology(file, {}), "x", lambda: KeyPair("", ""))


def test_filters_and_interface_types_of_exec_are_tried_before(tmp_path: Path) -> None:
    plan = planned(
        tmp_path,
        "nft -f /etc/nftables.conf",
        "ip link add link eth1 name eth1.7 type vlan id 7",
        "ip link set eth1 up",
        "sh -c 'ip -6 link add g type gre remote 192.0.2.1 && iptables -A INPUT -j DROP'",
        "ip link add name q type no-such-type",
    )
    features = [trial.feature for trial in preflight.trials_for(plan)]
    assert features == ["iptables", "nftables", "interface type gre", "interface type vlan"]


def test_a_missing_program_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "PATH", str(tmp_path))
    problems = {
        problem.value: problem.hint for problem in preflight.missing(planned(tmp_path, "nft list ruleset"))
    }
    assert problems["nft (for node a)"] == "apt-get install nftables"
    assert problems["ip (for every lab)"] == "apt-get install iproute2"
    assert problems["sshd (for node a)"] == "apt-get install openssh-server"


def test_a_program_that_is_bound_in_is_not_missing(tmp_path: Path) -> None:
    plan = planned(tmp_path, "/opt/tool/run", "/opt/other/run", binds='["tool:/opt/tool"]')
    values = [problem.value for problem in preflight.missing(plan)]
    assert "/opt/other/run (for node a)" in values
    assert not any("/opt/tool/run" in value for value in values)
