"""What this machine lacks for a lab, all of it at once, before anything is built."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from segaudit.errors import Problem
from segaudit.lab import namespaces as ns
from segaudit.lab.frr import DAEMON_FOLDER
from segaudit.lab.node_init import PATH
from segaudit.lab.plan import LabPlan, PlannedNode

_PACKAGES = {
    "bridge": "iproute2",
    "conntrack": "conntrack",
    "dnsmasq": "dnsmasq-base",
    "ethtool": "ethtool",
    "ip": "iproute2",
    "ip6tables": "iptables",
    "ip6tables-restore": "iptables",
    "ipset": "ipset",
    "iptables": "iptables",
    "iptables-restore": "iptables",
    "nft": "nftables",
    "nsenter": "util-linux",
    "ping": "iputils-ping",
    "sshd": "openssh-server",
    "sysctl": "procps",
    "tcpdump": "tcpdump",
    "vtysh": "frr",
    "zebra": "frr",
}
_TRIAL_FOLDER = Path("/proc")
"""Any folder that exists: what is mounted on it is seen by the trying child alone."""

_TWO_ADDRESSES = "local 192.0.2.1 remote 192.0.2.2"
_TWO_ADDRESSES_V6 = "local 2001:db8::1 remote 2001:db8::2"
_LINK_TRIALS = {
    "bond": "name segaudit9 type bond",
    "dummy": "name segaudit9 type dummy",
    "geneve": "name segaudit9 type geneve id 9 remote 192.0.2.2",
    "gre": f"name segaudit9 type gre {_TWO_ADDRESSES}",
    "gretap": f"name segaudit9 type gretap {_TWO_ADDRESSES}",
    "ifb": "name segaudit9 type ifb",
    "ip6gre": f"name segaudit9 type ip6gre {_TWO_ADDRESSES_V6}",
    "ip6tnl": f"name segaudit9 type ip6tnl {_TWO_ADDRESSES_V6}",
    "ipip": f"name segaudit9 type ipip {_TWO_ADDRESSES}",
    "ipvlan": "link segaudit0 name segaudit9 type ipvlan",
    "macsec": "link segaudit0 name segaudit9 type macsec",
    "macvlan": "link segaudit0 name segaudit9 type macvlan",
    "sit": f"name segaudit9 type sit {_TWO_ADDRESSES}",
    "vlan": "link segaudit0 name segaudit9 type vlan id 9",
    "vrf": "name segaudit9 type vrf table 9",
    "vti": f"name segaudit9 type vti {_TWO_ADDRESSES} key 9",
    "vxlan": "name segaudit9 type vxlan id 9 dstport 4789",
    "wireguard": "name segaudit9 type wireguard",
    "xfrm": "name segaudit9 type xfrm dev segaudit0 if_id 9",
}
"""What ``ip link add`` is tried with for each interface type that an ``exec`` command makes."""

_PROGRAM_TRIALS = {
    "ip6tables": ("ip6tables", "ip6tables -S"),
    "ipset": ("ipset", "ipset create segaudit hash:net"),
    "iptables": ("iptables", "iptables -S"),
    "nft": ("nftables", "nft add table inet segaudit"),
}
_LINK_TYPE = re.compile(r"\blink\s+add\b.*?\btype\s+([\w-]+)")


@dataclass(frozen=True, slots=True)
class Trial:
    """A command that succeeds exactly where the kernel has ``feature``."""

    feature: str
    command: str


_ALWAYS = (
    Trial("veth", "ip link add name segaudit0 type veth peer name segaudit1"),
    Trial("bridge", "ip link add name segaudit2 type bridge"),
    Trial("bridge port", "ip link set segaudit0 master segaudit2"),
    Trial("bridge port isolation", "ip link set segaudit0 type bridge_slave isolated on"),
    Trial("leaving a bridge", "ip link set segaudit0 nomaster"),
)


def missing(plan: LabPlan) -> list[Problem]:
    """Every program, right and kernel feature that ``plan`` needs and this machine lacks."""
    problems = [*_missing_programs(plan)]
    if os.geteuid() != 0:
        what = "a lab needs root (namespaces, mounts, network interfaces)"
        return [*problems, Problem("this machine", what, f"user id {os.geteuid()}", "run it with sudo")]
    return [*problems, *_missing_kernel([*_ALWAYS, *trials_for(plan)])]


def _missing_programs(plan: LabPlan) -> Iterator[Problem]:
    needed: dict[str, str] = {"ip": "every lab", "nsenter": "every lab"}
    for node in plan.nodes:
        for program in _programs_of(node):
            needed.setdefault(program, f"node {node.name}")
    for program, wanted_by in sorted(needed.items()):
        if not _installed(program):
            package = _PACKAGES.get(Path(program).name, "")
            hint = f"apt-get install {package}" if package else "install it, or bind it into the node"
            yield Problem("this machine", "program is missing", f"{program} (for {wanted_by})", hint)


def _programs_of(node: PlannedNode) -> Iterator[str]:
    if node.sshd:
        yield "sshd"
    if node.runs_frr:
        yield from ("vtysh", str(DAEMON_FOLDER / "zebra"))
    bound = {bind.destination for bind in node.binds}
    for command in node.exec:
        program = shlex.split(command)[0] if command.strip() else ""
        inside_bind = any(program == path or program.startswith(f"{path.rstrip('/')}/") for path in bound)
        if program and not inside_bind:
            yield program


def _installed(program: str) -> bool:
    return Path(program).exists() if "/" in program else shutil.which(program, path=PATH) is not None


def trials_for(plan: LabPlan) -> list[Trial]:
    """What to try for the ``exec`` commands: filters by program, interface types by ``ip link add``."""
    commands = [command for node in plan.nodes for command in node.exec]
    programs = {word for command in commands for word in re.findall(r"[\w-]+", command)}
    types = {match[1] for command in commands for match in _LINK_TYPE.finditer(command)}
    filters = [Trial(*_PROGRAM_TRIALS[name]) for name in sorted(programs & _PROGRAM_TRIALS.keys())]
    links = [
        Trial(f"interface type {kind}", f"ip link add {_LINK_TRIALS[kind]}")
        for kind in sorted(types & _LINK_TRIALS.keys())
    ]
    return [trial for trial in filters if _installed(trial.command.split()[0])] + links


def _missing_kernel(trials: Sequence[Trial]) -> list[Problem]:
    """Try every feature in a child process with namespaces of its own; the child takes all along."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            os.write(writer, "\n".join(_failing_features(trials)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        lines = answer.read().splitlines()
    os.waitpid(child, 0)
    hint = "use a machine or kernel that has it (containers often forbid it)"
    return [Problem("this kernel", "feature is missing", line, hint) for line in lines]


def _failing_features(trials: Sequence[Trial]) -> Iterator[str]:
    kinds = ((ns.NEWNET, "network"), (ns.NEWNS, "mount"), (ns.NEWUTS, "UTS"), (ns.NEWIPC, "IPC"))
    for flag, name in kinds:
        try:
            ns.unshare(flag)
        except OSError as failure:
            yield f"{name} namespaces ({failure.strerror})"
            return  # nothing may be tried in the host's own namespaces
    if not Path("/proc/sys/net/ipv6").exists():
        yield "IPv6"
    yield from _failing_trials(trials)
    yield from _failing_mounts()
    try:
        ns.unshare(ns.NEWPID)
    except OSError as failure:
        yield f"PID namespaces ({failure.strerror})"


def _failing_trials(trials: Sequence[Trial]) -> Iterator[str]:
    if not _installed("ip"):
        return  # said already, as a missing program
    for trial in trials:
        ran = subprocess.run(trial.command.split(), capture_output=True, text=True, check=False)
        if ran.returncode != 0:
            yield f"{trial.feature} ({' '.join(ran.stderr.split())[:200]})"
        elif "segaudit9" in trial.command:
            subprocess.run(["ip", "link", "delete", "segaudit9"], capture_output=True, check=False)


def _failing_mounts() -> Iterator[str]:
    try:
        ns.mount("", Path("/"), flags=ns.MS_REC | ns.MS_PRIVATE)
        ns.mount("tmpfs", _TRIAL_FOLDER, "tmpfs")
    except OSError as failure:
        yield f"tmpfs ({failure})"
        return
    for name in ("upper", "work", "usr"):
        (_TRIAL_FOLDER / name).mkdir()
    try:
        options = f"lowerdir=/usr,upperdir={_TRIAL_FOLDER}/upper,workdir={_TRIAL_FOLDER}/work"
        ns.mount("overlay", _TRIAL_FOLDER / "usr", "overlay", options=options)
    except OSError as failure:
        yield f"overlayfs ({failure})"
