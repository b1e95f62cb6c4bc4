"""The network of topologies/acquisition, and the holes of labs/, on a real kernel with real FRR.

What these tests show is that the network is what its README says: the model and the probes are judged
against it elsewhere.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from segaudit.errors import LabError
from segaudit.lab.runtime import RunningLab, enter_command, lab
from segaudit.lab.scenario import read_scenario
from segaudit.policy import read_policy

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
TOPOLOGY = ROOT / "topologies" / "acquisition"

CONVERGENCE_SECONDS = 60
"""Far above what OSPF takes here (about 10 s); a bound, not a claim."""

ADDRESSES = {
    "sub-ws1": ("10.1.10.10", "2001:db8:1:10::10"),
    "sub-srv1": ("10.1.11.10", "2001:db8:1:11::10"),
    "sub-ws2": ("10.1.20.10", "2001:db8:1:20::10"),
    "sub-ws3": ("10.1.30.10", "2001:db8:1:30::10"),
    "sub-hist": ("10.1.31.10", "2001:db8:1:31::10"),
    "par-ws1": ("10.2.10.10", "2001:db8:2:10::10"),
    "par-srv1": ("10.2.20.20", "2001:db8:2:20::20"),
    "par-oob1": ("10.2.90.10", "2001:db8:2:90::10"),
}
SUBSIDIARY = tuple(name for name in ADDRESSES if name.startswith("sub-"))
PARENT = tuple(name for name in ADDRESSES if name.startswith("par-"))
SUBSIDIARY_LAN = ("sub-ws1", "sub-ws2", "sub-ws3")
NAME_SERVER = ("10.99.0.53", "2001:db8:99::53")
WEB = ("198.51.100.80", "2001:db8:f0::80")
PORTS = (22, 80, 443, 445, 3389, 5450)

KNOCK = """
import errno, json, select, socket, sys, time
targets = json.load(sys.stdin)
waiting, outcomes = {}, ["silent"] * len(targets)
for index, (address, port) in enumerate(targets):
    one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    one.setblocking(False)
    code = one.connect_ex((address, port))
    if code in (0, errno.EINPROGRESS):
        waiting[one] = index
    else:
        outcomes[index] = errno.errorcode[code]
end = time.monotonic() + 1.5
while waiting and (left := end - time.monotonic()) > 0:
    for one in select.select([], list(waiting), [], left)[1]:
        code = one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        outcomes[waiting.pop(one)] = {0: "connected", errno.ECONNREFUSED: "refused"}.get(
            code, errno.errorcode.get(code, str(code)))
print(json.dumps(outcomes))
"""
"""TCP connections to all of [[address, port], ...] at once: connected, refused, silent or an errno."""

PING = """
import json, subprocess, sys
commands = [["ping", "-n", "-c1", "-W1", address] for address in json.load(sys.stdin)]
pings = [subprocess.Popen(command, stdout=-3, stderr=-3) for command in commands]
print(json.dumps([one.wait() == 0 for one in pings]))
"""

RESOLVE = """
import json, socket, struct, sys
name = b"".join(bytes([len(label)]) + label for label in (b"files", b"shared", b"example")) + b"\\0"
query = struct.pack("!6H", 0x5e9a, 0x100, 1, 0, 0, 0) + name + struct.pack("!2H", 1, 1)
outcomes = []
for server, over in json.load(sys.stdin):
    kind = socket.SOCK_DGRAM if over == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, kind) as one:
        one.settimeout(3)
        one.connect((server, 53))
        one.send(query if over == "udp" else struct.pack("!H", len(query)) + query)
        reply = one.recv(512) if over == "udp" else one.recv(512)[2:]
    outcomes.append(socket.inet_ntoa(reply[-4:]))
print(json.dumps(outcomes))
"""

WHO_CALLS = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
listener = socket.create_server((sys.argv[1], int(sys.argv[2])), family=family)
print("listening", flush=True)
while True:
    one, peer = listener.accept()
    one.sendall(peer[0].encode())
    one.close()
"""
"""A TCP listener that tells every caller the address it called from."""

CALL = """
import json, socket, sys
address, port = json.load(sys.stdin)
with socket.create_connection((address, port), timeout=3) as one:
    print(json.dumps(one.recv(100).decode()))
"""

WATCH_FOR_LEAK = """
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
wire.bind((sys.argv[1], 0))
wire.settimeout(10)
print("watching", flush=True)
while True:
    frame = wire.recv(2000)
    ports = int.from_bytes(frame[36:38], "big")
    print(socket.inet_ntoa(frame[26:30]), ports, flush=True)
    if ports == 80:
        break
"""
"""Source address and destination port of every IPv4 packet, up to the one to port 80."""

STRAY = """
import socket, struct, sys
def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    return ~(total + (total >> 16)) & 0xffff
source, destination = (socket.inet_aton(word) for word in sys.argv[1:3])
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
for port, flags in ((443, 0x11), (443, 0x10), (443, 0x04), (443, 0x29), (80, 0x02)):
    segment = struct.pack("!HHIIBBHHH", 40000 + flags, port, 1, 1, 5 << 4, flags, 8192, 0, 0)
    pseudo = source + destination + struct.pack("!BBH", 0, 6, len(segment))
    whole = checksum(pseudo + segment)
    raw.sendto(segment[:16] + struct.pack("!H", whole) + segment[18:], (sys.argv[2], 0))
"""
"""TCP segments that belong to no connection (FIN+ACK, ACK, RST, FIN+PSH+URG), then a SYN to port 80."""


WATCH_ANY = """
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
wire.bind((sys.argv[1], 0))
wire.settimeout(3)
print("watching", flush=True)
try:
    while True:
        frame, origin = wire.recvfrom(2000)
        if frame[23] == 6 and origin[2] == socket.PACKET_HOST:
            print(socket.inet_ntoa(frame[26:30]), int.from_bytes(frame[36:38], "big"), flush=True)
except TimeoutError:
    pass
"""
"""Source address and destination port of every TCP packet received, until it is quiet for 3 s."""

SPOOF = """
import socket, struct, sys
def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    return ~(total + (total >> 16)) & 0xffff
source, destination = (socket.inet_aton(word) for word in sys.argv[1:3])
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
segment = struct.pack("!HHIIBBHHH", 40000, int(sys.argv[3]), 1, 0, 5 << 4, 2, 8192, 0, 0)
whole = checksum(source + destination + struct.pack("!BBH", 0, 6, len(segment)) + segment)
segment = segment[:16] + struct.pack("!H", whole) + segment[18:]
header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 1, 0, 64, 6, 0, source, destination)
raw.sendto(header + segment, (sys.argv[2], 0))
"""
"""One SYN with any source address."""


@contextlib.contextmanager
def _up(path: Path, name: str) -> Iterator[RunningLab]:
    """The lab, or a skip that names what this machine lacks; any other trouble is a failure."""
    with contextlib.ExitStack() as stack:
        try:
            running = stack.enter_context(lab(path, name=f"{name}-{os.getpid()}"))
        except LabError as error:
            if all(problem.where == "this machine" for problem in error.problems):
                pytest.skip(str(error))
            raise
        yield running


@pytest.fixture(scope="module")
def labs_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where the labs of these tests put their folders."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLAB_LABDIR_BASE", str(tmp_path_factory.mktemp("labs")))
        yield


@pytest.fixture(scope="module")
def acquisition(labs_folder: None) -> Iterator[RunningLab]:
    with _up(TOPOLOGY, "acq") as running:
        _wait_for_routing(running)
        yield running


def _command(running: RunningLab, node: str, script: str, *arguments: str) -> list[str]:
    namespace = running.node(node).network_namespace
    return ["nsenter", f"--net={namespace}", sys.executable, "-c", script, *arguments]


def _inside(running: RunningLab, node: str, script: str, given: object) -> Any:
    done = subprocess.run(
        _command(running, node, script), input=json.dumps(given), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextlib.contextmanager
def _background(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A process that has said its first line; stopped by its pid whatever happens."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def _until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + CONVERGENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, f"not within {CONVERGENCE_SECONDS} s: {what}"
        time.sleep(0.25)


def _wait_for_routing(running: RunningLab) -> None:
    _until(lambda: not _unanswered(running, SUBSIDIARY), "pings within the subsidiary")
    _until(lambda: not _unanswered(running, PARENT), "pings within the parent")
    for router in ("sub-rt1", "sub-rt2", "sub-rt3", "par-core1", "par-core2"):
        _until(functools.partial(_has_defaults, running, router), f"{router} learns the default routes")


def _has_defaults(running: RunningLab, router: str) -> bool:
    return all(_entries(running, router, family, "route", "show", "default") for family in ("-4", "-6"))


def _entries(running: RunningLab, node: str, *arguments: str) -> list[dict[str, Any]]:
    """What ``ip -j`` prints on a node."""
    command = enter_command(running, node, ["ip", "-j", *arguments])
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    return list(json.loads(done.stdout or "[]"))


def _unanswered(running: RunningLab, company: tuple[str, ...]) -> list[str]:
    """The pings between the hosts of one company that are not answered, both families."""

    def of(source: str) -> list[str]:
        targets = [address for other in company if other != source for address in ADDRESSES[other]]
        answers = zip(targets, _inside(running, source, PING, targets), strict=True)
        return [f"{source} -> {target}" for target, answered in answers if not answered]

    with ThreadPoolExecutor() as pool:
        return [missing for some in pool.map(of, company) for missing in some]


def _knock(running: RunningLab, source: str, targets: list[tuple[str, int]]) -> dict[tuple[str, int], str]:
    return dict(zip(targets, _inside(running, source, KNOCK, targets), strict=True))


def _across(running: RunningLab, sources: tuple[str, ...], others: tuple[str, ...]) -> dict[str, str]:
    """Everything that was answered, by TCP port and by ping, from one company to the other."""
    addresses = [address for other in others for address in ADDRESSES[other]]

    def of(source: str) -> dict[str, str]:
        knocks = _knock(running, source, [(address, port) for address in addresses for port in PORTS])
        echoes = zip(addresses, _inside(running, source, PING, addresses), strict=True)
        answered = {f"{address} tcp/{port}": outcome for (address, port), outcome in knocks.items()}
        answered |= {f"{address} ping": "answered" for address, echoed in echoes if echoed}
        return {f"{source} -> {what}": how for what, how in answered.items() if how != "silent"}

    with ThreadPoolExecutor() as pool:
        return {what: how for some in pool.map(of, sources) for what, how in some.items()}


def _routes(running: RunningLab, router: str, destination: str) -> bool:
    """Whether ``router`` has a route to ``destination`` besides the default."""
    routes = _entries(running, router, "route", "show", "match", destination)
    return any(route["dst"] != "default" for route in routes)


LABS = sorted(path.parent for path in (ROOT / "labs").glob("*/scenario.yml"))
ADDED_AND_REMOVED = {
    "02-forgotten-route": {
        "configs/sub-fw/nftables.conf": (2, 0),
        "configs/sub-fw/frr.conf": (1, 0),
        "configs/par-fw/rules.v4": (2, 0),
    },
    "03-ipv6-hole": {
        "configs/sub-fw/nftables.conf": (2, 0),
        "configs/sub-fw/frr.conf": (1, 0),
        "configs/par-fw/rules.v6": (2, 0),
    },
    "04-dual-homed": {
        "acquisition.clab.yml": (6, 0),
        "configs/sub-rt1/frr.conf": (6, 0),
        "configs/sub-rt1/nftables.conf": (2, 0),
        "configs/par-core1/frr.conf": (4, 0),
        "configs/par-core1/nftables.conf": (2, 0),
    },
    "06-rules-not-loaded": {
        "configs/sub-fw/nftables.conf": (1, 0),
        "configs/par-fw/rules.v4": (1, 0),
        "configs/par-fw/rules.v6": (1, 0),
    },
}
"""How many lines each overlay file adds to and removes from the file it replaces."""


def test_there_are_the_seven_labs_and_each_expects_a_verdict_for_every_assertion() -> None:
    policy = read_policy(TOPOLOGY / "policy.yaml")
    asserted = {f"{one.id}/{way}" for one in policy.isolations for way in ("forward", "reverse")}
    asserted |= {f"{one.id}/forward" for one in policy.flows if one.must_work}
    expected = {f"{one}/{family}" for one in asserted for family in ("ipv4", "ipv6")}
    assert [path.name[:2] for path in LABS] == ["01", "02", "03", "04", "05", "06", "07"]
    for path in LABS:
        assert set(read_scenario(path).expect["outcomes"]) == expected, path.name


@pytest.mark.parametrize("path", LABS, ids=[path.name for path in LABS])
def test_overlays_differ_from_the_topology_by_what_the_lab_is_about(path: Path) -> None:
    """An overlay holds whole files, so a change of the topology must be made there too."""
    found = {}
    for file in sorted(file for file in (path / "overlay").rglob("*") if file.is_file()):
        name = str(file.relative_to(path / "overlay"))
        before, after = (one.read_text().splitlines() for one in (TOPOLOGY / name, file))
        marks = [line[0] for line in difflib.ndiff(before, after)]
        found[name] = (marks.count("+"), marks.count("-"))
    assert found == ADDED_AND_REMOVED.get(path.name, {})


def test_every_start_command_of_the_topology_succeeds(acquisition: RunningLab) -> None:
    assert [f"{one.node}: {one.command}: {one.output}" for one in acquisition.failed] == []


def test_ospf_is_full_on_every_link_between_routers(acquisition: RunningLab) -> None:
    expected = {
        "sub-fw": 2,
        "sub-rt1": 3,
        "sub-rt2": 3,
        "sub-rt3": 2,
        "par-fw": 2,
        "par-core1": 2,
        "par-core2": 2,
    }
    for router, count in expected.items():
        for show, states in (
            ("show ip ospf neighbor", "Full/-"),
            ("show ipv6 ospf6 neighbor", "Full/PointToPoint"),
        ):
            done = subprocess.run(
                enter_command(acquisition, router, ["vtysh", "-c", show]),
                capture_output=True,
                text=True,
                timeout=30,
            )
            assert done.stdout.count(states) == count, f"{router}: {done.stdout}{done.stderr}"


def test_every_host_of_a_company_answers_every_other(acquisition: RunningLab) -> None:
    assert _unanswered(acquisition, SUBSIDIARY) + _unanswered(acquisition, PARENT) == []


def test_every_host_gets_an_answer_from_its_border(acquisition: RunningLab) -> None:
    """What a probe needs as its positive control: the way up to the barrier works."""
    borders = {
        **dict.fromkeys(SUBSIDIARY, ("10.1.254.1", "2001:db8:1:f001::1")),
        **dict.fromkeys(PARENT, ("10.2.254.1", "2001:db8:2:f001::1")),
        "dns1": ("10.99.0.1", "2001:db8:99::1"),
    }
    for host, border in borders.items():
        assert _inside(acquisition, host, PING, border) == [True, True], host


@pytest.mark.parametrize("host", [*SUBSIDIARY_LAN, "par-ws1", "par-srv1"])
def test_the_shared_name_server_answers(acquisition: RunningLab, host: str) -> None:
    asked = [(server, over) for server in NAME_SERVER for over in ("udp", "tcp")]
    assert _inside(acquisition, host, RESOLVE, asked) == ["10.99.0.80"] * 4


@pytest.mark.parametrize(
    ("host", "seen_as"),
    [
        ("sub-ws1", ("198.51.100.2", "2001:db8:1:10::10")),
        ("par-ws1", ("203.0.113.2", "2001:db8:2:10::10")),
    ],
)
def test_the_internet_is_reached_with_translated_ipv4(
    acquisition: RunningLab, host: str, seen_as: tuple[str, str]
) -> None:
    for address, source in zip(WEB, seen_as, strict=True):
        with _background(_command(acquisition, "internet", WHO_CALLS, address, "80")):
            assert _inside(acquisition, host, CALL, [address, 80]) == source


def test_what_belongs_to_no_connection_never_leaves_untranslated(acquisition: RunningLab) -> None:
    """Linux does not translate packets that conntrack calls INVALID, so the border must drop them."""
    with _background(_command(acquisition, "internet", WATCH_FOR_LEAK, "eth1")) as watcher:
        stray = _command(acquisition, "sub-ws1", STRAY, ADDRESSES["sub-ws1"][0], WEB[0])
        subprocess.run(stray, check=True, timeout=30)
        seen, _ = watcher.communicate(timeout=30)
    assert "198.51.100.2 80\n" in seen
    assert "10.1." not in seen


def test_nothing_but_the_exception_crosses_from_the_subsidiary(acquisition: RunningLab) -> None:
    found = _across(acquisition, SUBSIDIARY, PARENT)
    expected = {f"sub-hist -> {address} tcp/5450": "refused" for address in ADDRESSES["par-srv1"]}
    assert found == expected


def test_nothing_crosses_from_the_parent(acquisition: RunningLab) -> None:
    assert _across(acquisition, PARENT, SUBSIDIARY) == {}


def test_nothing_crosses_between_the_name_server_and_out_of_band_management(
    acquisition: RunningLab,
) -> None:
    assert _knock(acquisition, "par-oob1", [(address, 53) for address in NAME_SERVER]) == dict.fromkeys(
        [(address, 53) for address in NAME_SERVER], "silent"
    )
    assert _inside(acquisition, "dns1", PING, list(ADDRESSES["par-oob1"])) == [False, False]


@pytest.mark.parametrize("family", [0, 1], ids=["ipv4", "ipv6"])
def test_the_exception_connects(acquisition: RunningLab, family: int) -> None:
    server = ADDRESSES["par-srv1"][family]
    with _background(_command(acquisition, "par-srv1", WHO_CALLS, server, "5450")):
        assert _inside(acquisition, "sub-hist", CALL, [server, 5450]) == ADDRESSES["sub-hist"][family]


def test_nobody_passes_for_the_historian(acquisition: RunningLab) -> None:
    """The access routers hold every host to the addresses of its own LAN."""
    server = ADDRESSES["par-srv1"][0]
    with _background(_command(acquisition, "par-srv1", WATCH_ANY, "eth1")) as watcher:
        for host in SUBSIDIARY:
            spoof = _command(acquisition, host, SPOOF, ADDRESSES["sub-hist"][0], server, "5450")
            subprocess.run(spoof, check=True, timeout=30)
        seen, _ = watcher.communicate(timeout=30)
    assert seen == "10.1.31.10 5450\n"


def test_management_addresses_answer_no_other_node(acquisition: RunningLab) -> None:
    others = [
        node.management_ipv4
        for node in acquisition.nodes
        if node.management_ipv4 and node.name != "sub-ws1"
    ]
    assert len(others) == 16
    outcomes = set(_knock(acquisition, "sub-ws1", [(address, 22) for address in others]).values())
    assert outcomes <= {"silent", "EHOSTUNREACH"}


def test_bridges_and_links_are_as_the_file_says(acquisition: RunningLab) -> None:
    expected = {"sub-fw": 5, "par-fw": 6, "sub-rt1": 6, "dns1": 2, "internet": 3}
    for node, count in expected.items():
        names = {
            entry["ifname"]
            for entry in _entries(acquisition, node, "link", "show")
            if entry["ifname"] != "lo"
        }
        assert names == {f"eth{number}" for number in range(count)}


@pytest.mark.parametrize(
    ("node", "command", "file"),
    [
        *(
            (node, "nft -a list ruleset", "nftables.txt")
            for node in ("sub-fw", "sub-rt1", "sub-rt3", "par-core2", "dns1")
        ),
        ("par-fw", "iptables-save", "iptables-save.txt"),
        ("par-fw", "ip6tables-save", "ip6tables-save.txt"),
        ("sub-fw", "vtysh -c 'show running-config'", "frr-running-config.txt"),
        ("par-fw", "vtysh -c 'show running-config'", "frr-running-config.txt"),
    ],
)
def test_the_stored_snapshot_is_of_this_network(
    acquisition: RunningLab, node: str, command: str, file: str
) -> None:
    """Collect it anew when this fails: offline checks and lab 06 would judge another network."""
    done = subprocess.run(
        enter_command(acquisition, node, shlex.split(command)),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    stored = (TOPOLOGY / "snapshot" / "devices" / node / file).read_text()
    assert _without_counts(done.stdout) == _without_counts(stored)


def _without_counts(text: str) -> list[str]:
    """The lines of a ruleset or configuration, without packet counts, handles and comments."""
    lines = (
        re.sub(r"packets \d+ bytes \d+|\[\d+:\d+\]|# handle \d+", "", line) for line in text.splitlines()
    )
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def test_forgotten_route_lets_exactly_tcp_445_through_in_ipv4(labs_folder: None) -> None:
    with _up(ROOT / "labs" / "02-forgotten-route", "acq02") as running:
        _wait_for_routing(running)
        assert running.failed == ()
        found = _across(running, SUBSIDIARY, PARENT)
        holes = {f"{host} -> {ADDRESSES['par-ws1'][0]} tcp/445": "refused" for host in SUBSIDIARY_LAN}
        excepted = {f"sub-hist -> {address} tcp/5450": "refused" for address in ADDRESSES["par-srv1"]}
        assert found == holes | excepted
        assert _across(running, PARENT, SUBSIDIARY) == {}


def test_ipv6_hole_lets_exactly_tcp_445_through_in_ipv6(labs_folder: None) -> None:
    with _up(ROOT / "labs" / "03-ipv6-hole", "acq03") as running:
        _wait_for_routing(running)
        assert running.failed == ()
        found = _across(running, SUBSIDIARY, PARENT)
        holes = {f"{host} -> {ADDRESSES['par-ws1'][1]} tcp/445": "refused" for host in SUBSIDIARY_LAN}
        excepted = {f"sub-hist -> {address} tcp/5450": "refused" for address in ADDRESSES["par-srv1"]}
        assert found == holes | excepted
        assert _across(running, PARENT, SUBSIDIARY) == {}


def test_dual_homed_host_carries_packets_of_others_into_the_parent(labs_folder: None) -> None:
    with _up(ROOT / "labs" / "04-dual-homed", "acq04") as running:
        _wait_for_routing(running)
        assert running.failed == ()
        user = ADDRESSES["par-ws1"]
        _until(
            lambda: _inside(running, "sub-srv1", PING, list(user)) == [True, True], "the second leg answers"
        )
        _until(lambda: _routes(running, "sub-rt3", user[0]), "sub-rt3 has learnt the way")
        with _background(_command(running, "par-ws1", WATCH_ANY, "eth1")) as watcher:
            for host in ("sub-ws1", "sub-ws3"):
                _knock(running, host, [(user[0], 445)])
            seen, _ = watcher.communicate(timeout=30)
        assert {line.split()[0] for line in seen.splitlines()} == {"10.1.10.10", "10.1.30.10"}
        assert _inside(running, "par-ws1", PING, list(ADDRESSES["sub-srv1"])) == [True, True]


def test_rules_that_do_not_load_leave_both_borders_open(labs_folder: None) -> None:
    with _up(ROOT / "labs" / "06-rules-not-loaded", "acq06") as running:
        _wait_for_routing(running)
        assert sorted((one.node, one.command.split()[0]) for one in running.failed) == [
            ("par-fw", "ip6tables-restore"),
            ("par-fw", "iptables-restore"),
            ("sub-fw", "nft"),
        ]
        server = [(address, 445) for address in ADDRESSES["par-srv1"]]
        assert set(_knock(running, "sub-ws1", server).values()) == {"refused"}
        back = [(address, 445) for address in ADDRESSES["sub-ws1"]]
        assert set(_knock(running, "par-ws1", back).values()) == {"silent"}, "answers have no way back"
        assert set(_knock(running, "par-srv1", back).values()) == {"refused"}


def test_the_node_without_sshd_cannot_be_collected_and_still_forwards(labs_folder: None) -> None:
    with _up(ROOT / "labs" / "07-sshd-down", "acq07") as running:
        _wait_for_routing(running)
        silent = [node.name for node in running.nodes if node.kind == "linux" and not node.ssh_port]
        assert silent == ["sub-fw"]
        assert _inside(running, "sub-ws1", RESOLVE, [(NAME_SERVER[0], "udp")]) == ["10.99.0.80"]
