"""A scenario folder as a running lab: overlay on topology, silent nodes, FRR, several routers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from segaudit.errors import LabError
from segaudit.lab import preflight
from segaudit.lab.containerlab import enter_command as enter_container
from segaudit.lab.convergence import wait_until_settled
from segaudit.lab.lab_folder import new_key
from segaudit.lab.plan import plan_lab
from segaudit.lab.runtime import lab, lab_down, lab_exec, lab_inspect, lab_up
from segaudit.lab.topology import read_topology

pytestmark = pytest.mark.lab

TOPOLOGY = """
name: routed
topology:
  groups:
    routers:
      kind: linux
      binds:
        - __clabNodeName__/frr.conf:/etc/frr/frr.conf
      exec:
        - sysctl -w net.ipv6.conf.all.forwarding=1
    hosts: {kind: linux}
  nodes:
    r1: {group: routers}
    r2: {group: routers}
    h1: {group: hosts, exec: [ip address add 10.0.1.2/24 dev eth1, ip route add default via 10.0.1.1]}
    h2: {group: hosts, exec: [ip address add 10.0.2.2/24 dev eth1, ip route add default via 10.0.2.1]}
  links:
    - endpoints: ["r1:eth1", "r2:eth1"]
    - endpoints: ["r1:eth2", "h1:eth1"]
    - endpoints: ["r2:eth2", "h2:eth1"]
"""
FRR = """
interface eth1
 ip address 10.0.0.{n}/30
 ip ospf network point-to-point
 ip ospf hello-interval 1
 ip ospf dead-interval 4
!
interface eth2
 ip address 10.0.{n}.1/24
 ip ospf passive
!
router ospf
 network 10.0.0.0/30 area 0
 network 10.0.{n}.0/24 area 0
!
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("CLAB_LABDIR_BASE", str(tmp_path))
    monkeypatch.setenv("SEGAUDIT_LAB_STATE", str(tmp_path / "state"))
    folder = tmp_path / "topologies" / "routed"
    for number in (1, 2):
        (folder / f"r{number}").mkdir(parents=True)
        (folder / f"r{number}" / "frr.conf").write_text(FRR.format(n=number))
    (folder / "routed.clab.yml").write_text(TOPOLOGY)
    plan = plan_lab(read_topology(folder / "routed.clab.yml", {}), "routed", new_key)
    if lacking := preflight.missing(plan):
        pytest.skip(f"no lab here: {'; '.join(str(problem) for problem in lacking)}")
    yield tmp_path
    for running in lab_inspect():
        lab_down(running.name)


def pings(name: str, node: str, address: str) -> bool:
    return lab_exec(name, node, ["ping", "-c1", "-W2", address]).returncode == 0


def test_routers_find_each_other_and_hosts_reach_each_other_through_them(repository: Path) -> None:
    with lab(repository / "topologies" / "routed") as running:
        assert running.failed == ()
        assert running.notes == ()
        assert wait_until_settled(running, 40) == []
        assert pings("routed", "h1", "10.0.2.2")


def test_the_overlay_changes_what_runs_and_silent_nodes_have_no_sshd(repository: Path) -> None:
    scenario = repository / "labs" / "black-hole"
    (scenario / "overlay" / "r1").mkdir(parents=True)
    (scenario / "scenario.yml").write_text("title: A black hole\ntopology: routed\ndown: [r2]\n")
    (scenario / "overlay" / "r1" / "frr.conf").write_text(
        FRR.format(n=1) + "ip route 10.0.2.0/24 blackhole\nthis line is no FRR at all\n"
    )
    with lab(scenario, name="black-hole") as running:
        assert {node.name: node.ssh_port for node in running.nodes} == {
            "r1": 22,
            "r2": 0,
            "h1": 22,
            "h2": 22,
        }
        assert any("this line is no FRR at all" in note for note in running.notes)
        assert wait_until_settled(running, 40) == []
        assert not pings("black-hole", "h1", "10.0.2.2")
        shown = lab_exec("black-hole", "r1", ["ip", "route", "show", "type", "blackhole"]).stdout
        assert shown.startswith("blackhole 10.0.2.0/24 proto static")


def test_the_real_containerlab_is_named_where_it_is_missing(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(repository))
    with pytest.raises(LabError, match="program is missing: containerlab"):
        lab_up(repository / "topologies" / "routed", runtime="containerlab")
    assert lab_inspect() == []
    assert not (repository / "state" / "sources").exists()
    assert enter_container("clab-routed-r1", ["ip", "link"]) == [
        "docker",
        "exec",
        "clab-routed-r1",
        "ip",
        "link",
    ]
