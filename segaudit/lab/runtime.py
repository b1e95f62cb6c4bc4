"""Bring a topology up, run commands in it, take it down again; nothing outlives its lab.

``lab_up`` leaves a lab running until ``lab_down``; ``with lab(path) as running:`` always takes it
down, and the kernel does where this process is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from segaudit.errors import LabError, TopologyError, UsageError
from segaudit.lab import containerlab, lab_folder, preflight, scenario, state
from segaudit.lab.convergence import wait_until_settled
from segaudit.lab.plan import SSH_PORT, LabPlan, PlannedNode, as_document, plan_lab, runs_frr
from segaudit.lab.running import (
    ExecResult,
    RunningLab,
    RunningNode,
    enter_command,
    from_state,
    lab_exec,
    lab_inspect,
    running_lab,
    to_state,
)
from segaudit.lab.topology import Topology, not_run_here

__all__ = (
    "ExecResult",
    "RunningLab",
    "RunningNode",
    "enter_command",
    "lab",
    "lab_down",
    "lab_exec",
    "lab_inspect",
    "lab_up",
    "running_lab",
    "wait_until_settled",
)

RUNTIMES = ("netns", "containerlab")


def lab_up(path: Path, *, name: str | None = None, runtime: str = "netns") -> RunningLab:
    """Bring up what ``path`` names (topology file, its folder, or scenario folder) and leave it running.

    Raises:
        TopologyError: the file is malformed, or asks for what the runtime cannot do.
        LabError: something is missing on this machine, or a lab of that name is running.
    """
    with scenario.materialised(path) as source:
        return _up(source.read(), path, name, runtime, keep=True)[0]


@contextlib.contextmanager
def lab(path: Path, *, name: str | None = None) -> Iterator[RunningLab]:
    """A lab that is up inside the ``with`` block and gone after it, also when this process is killed."""
    with scenario.materialised(path) as source:
        running, lifeline = _up(source.read(), path, name, "netns", keep=False)
    try:
        yield running
    finally:
        lifeline.close()
        lab_down(running.name)


def lab_down(name: str) -> bool:
    """Take the lab down and remove what it left, however it died; whether there was anything.

    Raises:
        LabError: another process is bringing it up or down, or it does not go away.
    """
    with state.locked(name):
        return _down(name)


def _up(
    topology: Topology, path: Path, name: str | None, runtime: str, keep: bool
) -> tuple[RunningLab, IO[str]]:
    if runtime not in RUNTIMES:
        raise UsageError.because("--runtime", "unknown runtime", runtime, f"known: {', '.join(RUNTIMES)}")
    name = name or topology.name
    if runtime == "containerlab":
        with state.locked(name):
            _refuse_running(name)
            _down(name)
            return _up_containerlab(topology, path, name)
    if problems := not_run_here(topology):
        raise TopologyError(*problems)
    plan = plan_lab(topology, name, lab_folder.new_key)
    if lacking := preflight.missing(plan):
        raise LabError(*lacking)
    with state.locked(name):
        _refuse_running(name)
        _down(name)
        return _start(path, topology, plan, keep)


def _refuse_running(name: str) -> None:
    stored = state.read_state(name)
    if stored and from_state(stored).is_alive:
        hint = f"segaudit lab down {name}, or give this one another name"
        raise LabError.because(name, "a lab of that name is running", "", hint)


def _start(path: Path, topology: Topology, plan: LabPlan, keep: bool) -> tuple[RunningLab, IO[str]]:
    """Start the supervisor, hear it out, store the state; on any mishap leave nothing."""
    folder = lab_folder.folder_of(plan.name)
    process = _spawn(plan.name)
    assert process.stdin and process.stdout
    supervisor = 0
    try:
        process.stdin.write(json.dumps(as_document(plan)) + "\n")
        process.stdin.flush()
        supervisor = int(_hear(process.stdout, "supervisor", plan.name)["pid"])
        ready = _hear(process.stdout, "ready", plan.name)
        running = _running(path, plan, folder, supervisor, ready)
        lab_folder.write_folder(folder, topology, plan)
        state.write_state(plan.name, to_state(running))
        if keep:
            process.stdin.write("detach\n")
            process.stdin.close()
        else:
            process.stdin.write("attach\n")
            process.stdin.flush()
    except BaseException:
        _abandon(process, supervisor)
        lab_folder.remove_folder(folder)
        state.forget(plan.name)
        raise
    process.stdout.close()
    process.wait()
    return running, process.stdin


def _spawn(name: str) -> subprocess.Popen[str]:
    package_parent = str(Path(__file__).resolve().parents[2])
    search = os.pathsep.join(part for part in (package_parent, os.environ.get("PYTHONPATH", "")) if part)
    with state.log_path(name).open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "segaudit.lab.supervisor", str(state.mount_point())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd="/",
            env={**os.environ, "PYTHONPATH": search},
            start_new_session=True,
        )


def _hear(stream: IO[str], what: str, name: str) -> dict[str, Any]:
    line = stream.readline()
    message: dict[str, Any] = json.loads(line or '{"said": "failed", "what": "the supervisor died"}')
    if message["said"] != what:
        log = state.log_path(name).read_text(errors="replace").strip()
        raise LabError.because(name, "lab did not come up", str(message.get("what", "")), log[-2000:])
    return message


def _abandon(process: subprocess.Popen[str], supervisor: int) -> None:
    """Take a half-built lab along: the supervisor by kill, or by its starter's pipes closing."""
    if supervisor:
        state.kill_and_wait(supervisor, state.start_time(supervisor))
    process.kill()
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            stream.close()  # type: ignore[union-attr]
    process.wait()


def _down(name: str) -> bool:
    stored = state.read_state(name)
    if stored is None:
        state.forget(name)
        return False
    running = from_state(stored)
    if running.runtime == "containerlab":
        containerlab.destroy(name, running.folder)
        shutil.rmtree(state.sources_of(name), ignore_errors=True)
    else:
        state.kill_and_wait(running.supervisor_pid, running.supervisor_started)
        lab_folder.remove_folder(running.folder)
    state.forget(name)
    return True


def _running(
    path: Path, plan: LabPlan, folder: Path, supervisor: int, ready: Mapping[str, Any]
) -> RunningLab:
    ran = [
        ExecResult(node, result["command"], result["exit_status"], result["output"])
        for node, results in ready["ran"].items()
        for result in results
    ]
    return RunningLab(
        name=plan.name,
        runtime="netns",
        topology=str(path.resolve()),
        folder=folder,
        supervisor_pid=supervisor,
        supervisor_started=state.start_time(supervisor),
        nodes=tuple(_running_node(node, ready["pids"][node.name]) for node in plan.nodes),
        notes=(*plan.notes, *ready["notes"]),
        ran=tuple(ran),
    )


def _running_node(node: PlannedNode, pid: int) -> RunningNode:
    return RunningNode(
        name=node.name,
        kind=node.kind,
        pid=pid,
        management_ipv4=node.management_ipv4.split("/")[0],
        management_ipv6=node.management_ipv6.split("/")[0],
        ssh_port=lab_folder.ssh_port(node),
        host_key=node.host_key.public if node.host_key else "",
        long_name=node.long_name,
        labels=node.labels,
        env=node.env,
        interfaces=tuple(node.interfaces),
        runs_frr=node.runs_frr,
    )


def _up_containerlab(topology: Topology, path: Path, name: str) -> tuple[RunningLab, IO[str]]:
    """Deploy from a copy that lives as long as the lab: its containers mount files out of it."""
    containerlab.installed()
    folder = lab_folder.folder_of(name)
    file = containerlab.keep_sources(topology.path, state.sources_of(name))
    try:
        nodes = containerlab.deploy(file, name, folder)
    except BaseException:
        shutil.rmtree(state.sources_of(name), ignore_errors=True)
        raise
    running = RunningLab(
        name=name,
        runtime="containerlab",
        topology=str(path.resolve()),
        folder=folder,
        supervisor_pid=0,
        supervisor_started="",
        nodes=tuple(_containerlab_node(topology, node) for node in nodes),
    )
    state.write_state(name, to_state(running))
    return running, Path(os.devnull).open()


def _containerlab_node(topology: Topology, deployed: Mapping[str, Any]) -> RunningNode:
    node = topology.node(deployed["name"])
    port = SSH_PORT if node.wants_sshd else 0
    return RunningNode(**{**deployed, "runs_frr": runs_frr(node), "ssh_port": port, "env": node.env})
