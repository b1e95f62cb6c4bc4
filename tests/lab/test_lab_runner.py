"""The lab runner on real namespaces, daemons and SSH."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from segaudit.errors import LabError, TopologyError, UsageError
from segaudit.lab import preflight, state
from segaudit.lab.convergence import wait_until_settled
from segaudit.lab.lab_folder import new_key
from segaudit.lab.plan import plan_lab
from segaudit.lab.runtime import (
    RunningLab,
    enter_command,
    lab,
    lab_down,
    lab_exec,
    lab_inspect,
    lab_up,
    running_lab,
)
from segaudit.lab.topology import read_topology

pytestmark = pytest.mark.lab

CORPORA = Path(os.environ.get("SEGAUDIT_CORPORA", Path(__file__).parents[2] / "../shared/corpora"))
OSPF_SECONDS = 90

TWO_HOSTS = """
name: {name}
topology:
  defaults: {{kind: linux}}
  nodes:
    left:
      exec: [ip address add 192.0.2.1/24 dev eth1, ip address add 2001:db8::1/64 dev eth1 nodad]
    right:
      env: {{COLOUR: blue}}
      exec: [ip address add 192.0.2.2/24 dev eth1, ip address add 2001:db8::2/64 dev eth1 nodad]
  links:
    - endpoints: ["left:eth1", "right:eth1"]
"""


@pytest.fixture(scope="module", autouse=True)
def machine_can_run_labs(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("preflight") / "t.clab.yml"
    file.write_text(TWO_HOSTS.format(name="preflight"))
    topology = read_topology(file, {})
    if lacking := preflight.missing(plan_lab(topology, "preflight", new_key)):
        pytest.skip(f"no lab here: {'; '.join(str(problem) for problem in lacking)}")


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Labs of these tests are not seen by, and do not see, other labs of this machine."""
    monkeypatch.setenv("CLAB_LABDIR_BASE", str(tmp_path))
    monkeypatch.setenv("SEGAUDIT_LAB_STATE", str(tmp_path / "state"))
    yield
    for running in lab_inspect():
        lab_down(running.name)


def topology_file(folder: Path, text: str, name: str = "two") -> Path:
    file = folder / f"{name}.clab.yml"
    file.write_text(text.format(name=name))
    return file


def output(running: RunningLab, node: str, *argv: str) -> str:
    ran = lab_exec(running.name, node, argv)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def pings(running: RunningLab, node: str, address: str) -> bool:
    return lab_exec(running.name, node, ["ping", "-c1", "-W2", address]).returncode == 0


def eventually(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def ssh(
    running: RunningLab, node: str, known_hosts: Path, command: str
) -> subprocess.CompletedProcess[str]:
    options = {
        "UserKnownHostsFile": known_hosts,
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "BatchMode": "yes",
        "ConnectTimeout": 5,
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    address = running.node(node).management_ipv4
    enter = ["nsenter", f"--net={running.network_namespace}"]
    client = ["ssh", "-F", "none", *words, "-i", str(running.client_key), f"root@{address}", command]
    return subprocess.run([*enter, *client], capture_output=True, text=True, timeout=30, check=False)


def test_nodes_reach_each_other_over_the_link_and_only_over_it(tmp_path: Path) -> None:
    with lab(topology_file(tmp_path, TWO_HOSTS)) as running:
        assert running.failed == ()
        assert pings(running, "left", "192.0.2.2")
        assert pings(running, "left", "2001:db8::2")
        assert not pings(running, "left", running.node("right").management_ipv4)
        assert not pings(running, "left", running.node("right").management_ipv6)
        assert output(running, "left", "ip", "route", "show", "default") == ""
        assert output(running, "left", "ip", "-6", "route", "show", "default") == ""


def test_a_node_sees_its_own_root_host_name_processes_and_environment(tmp_path: Path) -> None:
    secret = tmp_path / "of-the-host"
    secret.write_text("x")
    with lab(topology_file(tmp_path, TWO_HOSTS)) as running:
        assert output(running, "right", "hostname") == "right\n"
        assert output(running, "right", "printenv", "COLOUR") == "blue\n"
        assert lab_exec(running.name, "right", ["test", "-e", str(secret)]).returncode == 1
        processes = output(running, "right", "ps", "-e", "-o", "pid=,comm=").splitlines()
        assert len(processes) < 6, processes
        assert output(running, "right", "ls", "-A", "/root") == ".ssh\n"
        assert output(running, "right", "ls", "/sys/class/net").split() == ["eth0", "eth1", "lo"]


def test_a_node_may_set_its_network_and_nothing_else_of_the_kernel(tmp_path: Path) -> None:
    with lab(topology_file(tmp_path, TWO_HOSTS)) as running:
        assert output(running, "left", "sysctl", "-n", "net.ipv4.ip_forward") == "1\n"
        assert lab_exec(running.name, "left", ["sysctl", "-w", "net.ipv4.ip_forward=0"]).returncode == 0
        assert output(running, "left", "sysctl", "-n", "net.ipv4.ip_forward") == "0\n"
        assert output(running, "right", "sysctl", "-n", "net.ipv4.ip_forward") == "1\n"
        before = Path("/proc/sys/kernel/pid_max").read_text()
        assert lab_exec(running.name, "left", ["sysctl", "-w", "kernel.pid_max=12345"]).returncode != 0
        assert Path("/proc/sys/kernel/pid_max").read_text() == before


def test_ssh_works_with_a_strict_host_key_and_is_refused_with_another_nodes(tmp_path: Path) -> None:
    with lab(topology_file(tmp_path, TWO_HOSTS)) as running:
        for hosts in (running.known_hosts, running.folder / "known_hosts.d" / "left"):
            ran = ssh(running, "left", hosts, "hostname")
            assert (ran.returncode, ran.stdout) == (0, "left\n"), ran.stderr
        forged = tmp_path / "forged"
        forged.write_text(f"{running.node('left').management_ipv4} {running.node('right').host_key}\n")
        assert ssh(running, "left", forged, "hostname").returncode == 255
        assert running.client_key.stat().st_mode & 0o077 == 0


def test_a_node_labelled_silent_has_no_sshd(tmp_path: Path) -> None:
    text = TWO_HOSTS.replace("left:\n", 'left:\n      labels: {{segaudit.sshd: "false"}}\n', 1)
    with lab(topology_file(tmp_path, text)) as running:
        assert (running.node("left").ssh_port, running.node("right").ssh_port) == (0, 22)
        assert ssh(running, "right", running.known_hosts, "true").returncode == 0
        assert "Connection refused" in ssh(running, "left", running.known_hosts, "true").stderr
        data = json.loads(running.topology_data.read_text())
        assert data["nodes"]["left"]["labels"] == {"segaudit.sshd": "false"}


def test_a_bridge_is_a_segment_of_its_own_without_address(tmp_path: Path) -> None:
    text = """
name: {name}
topology:
  defaults: {{kind: linux}}
  nodes:
    a: {{exec: [ip address add 192.0.2.1/24 dev eth1]}}
    b: {{exec: [ip address add 192.0.2.2/24 dev eth1]}}
    c: {{exec: [ip address add 192.0.2.3/24 dev eth1]}}
    lan-1: {{kind: bridge}}
    lan-2: {{kind: bridge}}
  links:
    - endpoints: ["a:eth1", "lan-1:port1"]
    - endpoints: ["b:eth1", "lan-1:port2"]
    - endpoints: ["c:eth1", "lan-2:port1"]
"""
    with lab(topology_file(tmp_path, text, "bridges")) as running:
        assert pings(running, "a", "192.0.2.2")
        assert not pings(running, "a", "192.0.2.3")
        enter = ["nsenter", f"--net={running.node('lan-1').network_namespace}"]
        addresses = subprocess.run(
            [*enter, "ip", "-brief", "address", "show", "lan-1"], capture_output=True, text=True, check=True
        )
        assert addresses.stdout.split() == ["lan-1", "UP"]


def test_binds_are_copies_unless_they_say_rw(tmp_path: Path) -> None:
    (tmp_path / "shared").write_text("host\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inside").write_text("host\n")
    (tmp_path / "folder" / "inside").chmod(0o444)
    text = TWO_HOSTS.replace(
        "left:\n",
        "left:\n      binds: [shared:/srv/copy, shared:/srv/shared:rw, folder:/usr/local/etc/folder, /srv/empty]\n",  # noqa: E501
        1,
    ).replace("exec: [", 'exec: [sh -c "echo node | tee /srv/copy /usr/local/etc/folder/inside", ', 1)
    with lab(topology_file(tmp_path, text)) as running:
        assert running.failed == ()
        assert output(running, "left", "cat", "/srv/copy", "/usr/local/etc/folder/inside") == "node\nnode\n"
        assert (tmp_path / "shared").read_text() == "host\n"
        assert (tmp_path / "folder" / "inside").read_text() == "host\n"
        assert output(running, "left", "ls", "/srv/empty") == ""
        output(running, "left", "sh", "-c", "echo node > /srv/shared")
        assert (tmp_path / "shared").read_text() == "node\n"


def test_a_failing_exec_is_told_and_the_lab_runs_on(tmp_path: Path) -> None:
    (tmp_path / "broken.nft").write_text("table inet x { chain y { nonsense } }\n")
    text = TWO_HOSTS.replace("left:\n", "left:\n      binds: [broken.nft:/etc/nftables.conf]\n", 1).replace(
        "exec: [", "exec: [nft -f /etc/nftables.conf, ", 1
    )
    with lab(topology_file(tmp_path, text)) as running:
        (failed,) = running.failed
        assert (failed.node, failed.command) == ("left", "nft -f /etc/nftables.conf")
        assert failed.exit_status == 1
        assert "nonsense" in failed.output
        assert pings(running, "left", "192.0.2.2")


def test_what_exec_leaves_in_the_background_runs_on(tmp_path: Path) -> None:
    text = TWO_HOSTS.replace("exec: [", 'exec: [sh -c "sleep 1000 &", ', 1)
    with lab(topology_file(tmp_path, text)) as running:
        assert running.failed == ()
        assert output(running, "left", "pgrep", "-c", "sleep") == "1\n"


def test_two_labs_with_the_same_nodes_run_side_by_side(tmp_path: Path) -> None:
    with (
        lab(topology_file(tmp_path, TWO_HOSTS, "one")) as one,
        lab(topology_file(tmp_path, TWO_HOSTS, "two")) as two,
    ):
        output(one, "left", "touch", "/tmp/of-one")
        assert lab_exec("two", "left", ["test", "-e", "/tmp/of-one"]).returncode == 1
        assert one.node("left").management_ipv4 == two.node("left").management_ipv4
        assert ssh(one, "left", one.known_hosts, "test -e /tmp/of-one").returncode == 0
        assert ssh(two, "left", two.known_hosts, "test -e /tmp/of-one").returncode == 1
        assert [running.name for running in lab_inspect()] == ["one", "two"]


def test_a_running_lab_is_not_replaced_and_unknown_names_are_named(tmp_path: Path) -> None:
    file = topology_file(tmp_path, TWO_HOSTS)
    lab_up(file)
    with pytest.raises(LabError, match="a lab of that name is running"):
        lab_up(file)
    assert running_lab("two").is_alive
    with pytest.raises(UsageError, match="lab has no such node: middle"):
        lab_exec("two", "middle", ["true"])
    assert lab_down("two")
    assert not lab_down("two")
    with pytest.raises(UsageError, match="no such lab is running"):
        running_lab("two")


def test_killing_the_supervisor_leaves_no_process_and_down_tidies_up(tmp_path: Path) -> None:
    running = lab_up(topology_file(tmp_path, TWO_HOSTS))
    pids = [node.pid for node in running.nodes]
    assert all(state.start_time(pid) for pid in pids)
    os.kill(running.supervisor_pid, signal.SIGKILL)
    assert eventually(lambda: not any(state.start_time(pid) for pid in pids), 5)
    assert not running_labs_alive()
    assert running.folder.exists()
    assert lab_down("two")
    assert not running.folder.exists()
    assert list((tmp_path / "state" / "labs").iterdir()) == []


def running_labs_alive() -> bool:
    return any(running.is_alive for running in lab_inspect())


def test_a_crashed_lab_does_not_stand_in_the_way_of_the_next(tmp_path: Path) -> None:
    file = topology_file(tmp_path, TWO_HOSTS)
    os.kill(lab_up(file).supervisor_pid, signal.SIGKILL)
    assert eventually(lambda: not running_labs_alive(), 5)
    again = lab_up(file)
    assert pings(again, "left", "192.0.2.2")


def test_down_does_not_kill_a_stranger_that_got_the_supervisors_pid(tmp_path: Path) -> None:
    running = lab_up(topology_file(tmp_path, TWO_HOSTS))
    stored = state.read_state("two")
    assert stored
    with stopped_after(subprocess.Popen(["sleep", "1000"])) as stranger:
        state.write_state("two", {**stored, "supervisor_pid": stranger.pid})
        assert lab_down("two")
        assert stranger.poll() is None
    state.kill_and_wait(running.supervisor_pid, running.supervisor_started)


@contextlib.contextmanager
def stopped_after(process: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    try:
        yield process
    finally:
        process.kill()
        process.wait()


HOLDS_A_LAB = """
import sys, time
from pathlib import Path
from segaudit.lab.runtime import lab
with lab(Path(sys.argv[1])) as running:
    print(*(node.pid for node in running.nodes), running.supervisor_pid, flush=True)
    time.sleep(1000)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_lab_dies_with_the_process_that_holds_it(tmp_path: Path, how: signal.Signals) -> None:
    file = topology_file(tmp_path, TWO_HOSTS)
    argv = [sys.executable, "-c", HOLDS_A_LAB, str(file)]
    with stopped_after(subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)) as holder:
        assert holder.stdout
        pids = [int(word) for word in holder.stdout.readline().split()]
        assert len(pids) == 3
        assert all(state.start_time(pid) for pid in pids)
        os.kill(holder.pid, how)
        assert eventually(lambda: not any(state.start_time(pid) for pid in pids), 5)
        holder.stdout.close()
    lab_down("two")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_of_a_lab_that_was_interrupted_while_coming_up(
    tmp_path: Path, how: signal.Signals
) -> None:
    marker = tmp_path / "begun"
    text = TWO_HOSTS.replace("left:\n", "left:\n      binds: [.:/srv/here:rw]\n", 1).replace(
        "exec: [", "exec: [touch /srv/here/begun, sleep 3, ", 1
    )
    file = topology_file(tmp_path, text)
    argv = [sys.executable, "-c", HOLDS_A_LAB, str(file)]
    with stopped_after(subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)) as holder:
        assert eventually(marker.exists, 20)
        os.kill(holder.pid, how)
        assert eventually(lambda: supervisors_using(tmp_path) == [], 15)
        assert holder.stdout
        holder.stdout.close()
    assert not (tmp_path / "clab-two").exists()
    assert lab_inspect() == []


def supervisors_using(folder: Path) -> list[int]:
    """Processes whose command line names the state folder of this test."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"segaudit.lab.supervisor" in words and str(folder / "state/root").encode() in words:
                found.append(int(process.name))
    return found


def test_the_hosts_own_interfaces_and_mounts_are_left_alone(tmp_path: Path) -> None:
    def of_the_host() -> list[str]:
        links = subprocess.run(
            ["ip", "-oneline", "link"], capture_output=True, text=True, check=True
        ).stdout
        return [line.split(":")[1] for line in links.splitlines()] + Path(
            "/proc/mounts"
        ).read_text().splitlines()

    before = of_the_host()
    with lab(topology_file(tmp_path, TWO_HOSTS)):
        assert of_the_host() == before
    assert of_the_host() == before


def test_the_lab_itself_reaches_management_but_routes_nothing(tmp_path: Path) -> None:
    with lab(topology_file(tmp_path, TWO_HOSTS)) as running:
        enter = ["nsenter", f"--net={running.network_namespace}"]

        def in_lab(*argv: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run([*enter, *argv], capture_output=True, text=True, check=False)

        assert in_lab("ping", "-c1", "-W2", running.node("left").management_ipv4).returncode == 0
        assert in_lab("ping", "-c1", "-W2", running.node("left").management_ipv6).returncode == 0
        gateway = running.node("left").management_ipv4.rsplit(".", 1)[0] + ".1"
        output(running, "left", "ip", "route", "add", running.node("right").management_ipv4, "via", gateway)
        assert not pings(running, "left", running.node("right").management_ipv4)


def test_everything_that_is_missing_is_named_before_anything_is_built(tmp_path: Path) -> None:
    text = TWO_HOSTS.replace("exec: [", "exec: [no-such-program now, /opt/neither, ", 1)
    with pytest.raises(LabError) as caught:
        lab_up(topology_file(tmp_path, text))
    values = [problem.value for problem in caught.value.problems]
    assert values == ["/opt/neither (for node left)", "no-such-program (for node left)"]
    assert not (tmp_path / "state").exists()
    assert not (tmp_path / "clab-two").exists()


def test_kinds_of_other_runtimes_are_refused_by_name(tmp_path: Path) -> None:
    text = TWO_HOSTS.replace("right:\n", "right:\n      kind: nokia_srlinux\n")
    with pytest.raises(TopologyError, match=r"kind is not run here: nokia_srlinux \(node right\)"):
        lab_up(topology_file(tmp_path, text))
    with pytest.raises(UsageError, match="unknown runtime: docker"):
        lab_up(topology_file(tmp_path, TWO_HOSTS), runtime="docker")


def test_the_command_that_enters_a_node_can_be_run_by_others(tmp_path: Path) -> None:
    with lab(topology_file(tmp_path, TWO_HOSTS)) as running:
        ran = subprocess.run(
            enter_command(running, "left", ["cat"]),
            input="through",
            capture_output=True,
            text=True,
            check=True,
        )
        assert ran.stdout == "through"


@pytest.mark.corpora
def test_containerlabs_own_frr01_comes_up_unchanged_and_pc1_reaches_pc3() -> None:
    file = CORPORA / "containerlab" / "frr01" / "frr01.clab.yml"
    if not file.exists():
        pytest.skip(f"no corpora at {file}")
    with lab(file) as running:
        assert running.failed == ()
        assert any("router1/daemons" in note for note in running.notes)
        assert wait_until_settled(running, OSPF_SECONDS) == []
        assert pings(running, "PC1", "192.168.13.2")
        for router in ("router1", "router2", "router3"):
            neighbours = json.loads(output(running, router, "vtysh", "-c", "show ip ospf neighbor json"))
            states = [entry["nbrState"] for group in neighbours["neighbors"].values() for entry in group]
            assert len(states) == 2
            assert all(state_.startswith("Full/") for state_ in states)
        assert ssh(running, "router1", running.known_hosts, "vtysh -c 'show ip route'").returncode == 0
