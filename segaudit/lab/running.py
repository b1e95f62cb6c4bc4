"""A lab that was brought up: its nodes, how to enter them, and how it is written down."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from segaudit.errors import UsageError
from segaudit.lab import containerlab, lab_folder, state
from segaudit.lab.node_init import PATH


@dataclass(frozen=True, slots=True)
class RunningNode:
    """A node of a running lab.

    ``pid`` is its init as this process counts pids (0 where the runtime gives none); addresses are
    without length and empty where it has none; ``ssh_port`` is 0 where no sshd listens;
    ``host_key`` is the public key line of known_hosts without the names.
    """

    name: str
    kind: str
    pid: int
    management_ipv4: str = ""
    management_ipv6: str = ""
    ssh_port: int = 0
    host_key: str = ""
    long_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    interfaces: tuple[str, ...] = ()
    runs_frr: bool = False

    @property
    def network_namespace(self) -> Path:
        """The node's network namespace, to be entered with setns or ``nsenter --net=``."""
        return Path(f"/proc/{self.pid}/ns/net")


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What became of one ``exec`` command of the topology file."""

    node: str
    command: str
    exit_status: int
    output: str


@dataclass(frozen=True, slots=True)
class RunningLab:
    """A lab that was brought up; ``notes`` say what the runner did differently or FRR complained of."""

    name: str
    runtime: str
    topology: str
    folder: Path
    supervisor_pid: int
    supervisor_started: str
    nodes: tuple[RunningNode, ...]
    notes: tuple[str, ...] = ()
    ran: tuple[ExecResult, ...] = ()

    def node(self, name: str) -> RunningNode:
        """The node of that name.

        Raises:
            UsageError: the lab has no such node.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        known = ", ".join(node.name for node in self.nodes)
        raise UsageError.because(self.name, "lab has no such node", name, f"known: {known}")

    @property
    def network_namespace(self) -> Path:
        """The network namespace from which every management address is reached: the lab's own.

        containerlab's management network is the host's, so that is this process's.
        """
        if self.runtime != "netns":
            return Path("/proc/self/ns/net")
        return Path(f"/proc/{self.supervisor_pid}/ns/net")

    @property
    def topology_data(self) -> Path:
        """containerlab's ``topology-data.json`` of this run."""
        return self.folder / lab_folder.TOPOLOGY_DATA

    @property
    def client_key(self) -> Path:
        """The private key that every node's root accepts."""
        return self.folder / lab_folder.CLIENT_KEY

    @property
    def known_hosts(self) -> Path:
        """The host keys of all nodes."""
        return self.folder / lab_folder.KNOWN_HOSTS

    @property
    def failed(self) -> tuple[ExecResult, ...]:
        """The ``exec`` commands that did not end with 0."""
        return tuple(result for result in self.ran if result.exit_status != 0)

    @property
    def is_alive(self) -> bool:
        """Whether its supervisor still runs (always true for containerlab's)."""
        return self.runtime != "netns" or state.is_alive(self.supervisor_pid, self.supervisor_started)


def lab_exec(
    name: str,
    node: str,
    argv: Sequence[str],
    *,
    timeout_seconds: float | None = 60,
    input_text: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run ``argv`` as root inside a node, with its root, network, PID, UTS and IPC namespaces.

    Raises:
        UsageError: there is no such lab or node.
        subprocess.TimeoutExpired: it did not end in time (and was killed).
    """
    return subprocess.run(
        enter_command(running_lab(name), node, argv),
        input=input_text,
        stdin=subprocess.DEVNULL if input_text is None else None,
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )


def enter_command(running: RunningLab, node: str, argv: Sequence[str]) -> list[str]:
    """The command that runs ``argv`` inside a node, for callers that run it themselves."""
    target = running.node(node)
    if running.runtime == "containerlab":
        return containerlab.enter_command(target.long_name, argv)
    environment = {"PATH": PATH, "HOME": "/root", "TERM": os.environ.get("TERM", "dumb"), "LANG": "C.UTF-8"}
    words = [f"{key}={value}" for key, value in {**environment, **target.env}.items()]
    enter = ["nsenter", f"--target={target.pid}", "--net", "--mount", "--uts", "--ipc", "--pid", "--wdns=/"]
    return [*enter, "env", "-i", *words, *argv]


def lab_inspect() -> list[RunningLab]:
    """Every lab that has a state on this machine, in name order; see ``RunningLab.is_alive``."""
    labs = [from_state(stored) for name in state.stored_names() if (stored := state.read_state(name))]
    return sorted(labs, key=lambda running: running.name)


def running_lab(name: str) -> RunningLab:
    """The running lab of that name.

    Raises:
        UsageError: there is none.
    """
    stored = state.read_state(name)
    running = from_state(stored) if stored else None
    if running is None or not running.is_alive:
        names = ", ".join(lab.name for lab in lab_inspect() if lab.is_alive)
        raise UsageError.because(name, "no such lab is running", "", f"running: {names or 'none'}")
    return running


def to_state(running: RunningLab) -> dict[str, Any]:
    """``running`` as JSON-ready data."""
    return {**asdict(running), "folder": str(running.folder)}


def from_state(stored: Mapping[str, Any]) -> RunningLab:
    """What :func:`to_state` made, back again."""
    return RunningLab(
        name=stored["name"],
        runtime=stored["runtime"],
        topology=stored["topology"],
        folder=Path(stored["folder"]),
        supervisor_pid=stored["supervisor_pid"],
        supervisor_started=stored["supervisor_started"],
        nodes=tuple(_node_from_state(node) for node in stored["nodes"]),
        notes=tuple(stored["notes"]),
        ran=tuple(ExecResult(**result) for result in stored["ran"]),
    )


def _node_from_state(stored: Mapping[str, Any]) -> RunningNode:
    known = {key: value for key, value in stored.items() if key in RunningNode.__dataclass_fields__}
    return RunningNode(**{**known, "interfaces": tuple(stored.get("interfaces", ()))})
