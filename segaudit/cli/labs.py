"""lab and demo: a containerlab topology as a running network, and the whole audit on it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from segaudit.cli.audit import finish, measure, pull
from segaudit.cli.options import as_of_option, means_option, output_option
from segaudit.cli.outcome import exit_code, show
from segaudit.errors import LabError

if TYPE_CHECKING:
    from segaudit.collect.inventory_records import Inventory
    from segaudit.executors import Means
    from segaudit.lab.runtime import RunningLab
    from segaudit.pipeline import Audit
    from segaudit.probe.scope import Authorisation
    from segaudit.probe.transport import Transport

_path = click.Path(path_type=Path)
DEMO = Path("topologies/acquisition")


@click.group()
def lab() -> None:
    """Run a containerlab topology without Docker: network namespaces, FRR, filters, sshd."""


@lab.command()
@click.argument("topology", type=_path)
@click.option("--name", help="Another name than the topology's own.")
@click.option(
    "--runtime",
    type=click.Choice(["netns", "containerlab"]),
    default="netns",
    show_default=True,
    help="containerlab calls the real binary.",
)
def up(topology: Path, name: str | None, runtime: str) -> None:
    """Bring up a topology file, its folder, or a scenario folder."""
    from segaudit.lab.runtime import lab_up

    running = lab_up(topology, name=name, runtime=runtime)
    for note in running.notes:
        click.echo(f"note: {note}", err=True)
    for failed in running.failed:
        click.echo(f"failed on {failed.node}: {failed.command}: {failed.output.strip()}", err=True)
    click.echo(f"{running.name}: {len(running.nodes)} nodes, inventory {running.folder}")


@lab.command()
@click.argument("name")
def down(name: str) -> None:
    """Take a lab down and remove whatever it left, however it died."""
    from segaudit.lab.runtime import lab_down

    click.echo(f"{name}: {'down' if lab_down(name) else 'there was nothing'}")


@lab.command("exec", context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("node")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(name: str, node: str, command: tuple[str, ...]) -> None:
    """Run a command inside a node."""
    from segaudit.lab.runtime import enter_command, running_lab

    sys.exit(subprocess.call(enter_command(running_lab(name), node, command)))


@lab.command()
def inspect() -> None:
    """List the labs on this machine, as JSON."""
    from segaudit.lab.runtime import lab_inspect

    labs = [
        {
            "name": running.name,
            "alive": running.is_alive,
            "topology": running.topology,
            "folder": str(running.folder),
            "nodes": {node.name: node.management_ipv4 for node in running.nodes},
        }
        for running in lab_inspect()
    ]
    click.echo(json.dumps(labs, indent=2))


@click.command()
@click.argument("topology", type=_path, default=DEMO)
@click.option("--offline", is_flag=True, help="Only the proof, on the snapshot stored with the topology.")
@as_of_option
@output_option
@means_option
def demo(topology: Path, offline: bool, as_of: date, output: Path | None, means: Means) -> None:
    """Bring a network up, collect from it over SSH, prove, probe, report, take it down.

    TOPOLOGY is a folder with a topology file and a policy.yaml, or a scenario of it (labs/...). Where
    this machine cannot run a lab, the stored snapshot is checked instead, and that is said.
    """
    from segaudit import pipeline
    from segaudit.lab.runtime import lab as running_lab

    policy = _base(topology) / "policy.yaml"
    if not offline:
        try:
            with _terminated_like_interrupted(), _lab_folder(), running_lab(topology) as running:
                started = pipeline.now()
                audit = audited(topology, running, policy, as_of, means)
        except LabError as failure:
            click.echo(f"no lab on this machine: {failure}\nchecking the stored snapshot instead", err=True)
        else:
            finish(audit, output or Path("reports") / f"{started:%Y%m%dT%H%M%SZ}", "low")
    audit = pipeline.check_folder(policy, _base(topology) / "snapshot", as_of, means=means)
    show(audit, ())
    sys.exit(exit_code(audit.result, "low"))


def _base(topology: Path) -> Path:
    from segaudit.lab.scenario import is_scenario, read_scenario

    if is_scenario(topology):
        return read_scenario(topology).topology
    return topology if topology.is_dir() else topology.parent


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM takes the lab down like Ctrl-C does."""

    def stop(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _lab_folder() -> Iterator[None]:
    """The lab's own folder (keys, inventory) is gone with the lab."""
    before = os.environ.get("CLAB_LABDIR_BASE")
    with tempfile.TemporaryDirectory(prefix="segaudit-demo-") as folder:
        os.environ["CLAB_LABDIR_BASE"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["CLAB_LABDIR_BASE"]
            else:
                os.environ["CLAB_LABDIR_BASE"] = before


def audited(
    topology: Path, running: RunningLab, policy: Path, as_of: date, means: Means | None = None
) -> Audit:
    """The audit of a running lab: what its scenario withholds stays uncollected."""
    from segaudit import pipeline
    from segaudit.documents.snapshot_folder import read_snapshot
    from segaudit.lab.runtime import wait_until_settled
    from segaudit.lab.scenario import is_scenario, read_scenario

    for open_still in wait_until_settled(running):
        click.echo(f"the lab has not settled: {open_still}", err=True)
    scenario = read_scenario(topology) if is_scenario(topology) else None
    inventory = lab_inventory(running)
    started = f"{pipeline.now():%Y-%m-%dT%H:%M:%SZ}"
    if scenario and scenario.intended:
        raw = read_snapshot(scenario.intended)
    else:
        raw = pull(inventory.without(scenario.withhold if scenario else ()), 20)
    audit = pipeline.check(policy, raw, as_of, started_at=started, means=means or pipeline.ALONE)
    return measure(audit, _whole_lab(audit, running), lab_transports(running))


def lab_inventory(running: RunningLab) -> Inventory:
    """The lab's nodes, reached from inside its own network."""
    from segaudit.collect.inventory import read_inventory
    from segaudit.collect.transport import NetworkNamespace

    inventory = read_inventory(running.topology_data)
    return inventory.reached_by(NetworkNamespace(running.network_namespace))


def lab_transports(running: RunningLab) -> dict[str, Transport]:
    """An agent in the network namespace of every node."""
    from segaudit.probe.transport import NetnsTransport

    return {node.name: NetnsTransport(node.pid) for node in running.nodes if node.pid}


def _whole_lab(audit: Audit, running: RunningLab) -> Authorisation:
    """A lab of our own may be probed everywhere: every prefix that it has, and nothing else."""
    from ipaddress import ip_network

    from segaudit.probe.scope import Authorisation

    networks = {
        ip_network(str(address), strict=False)
        for device in audit.result.snapshot.devices.values()
        for interface in device.interfaces.values()
        for address in interface.addresses
    }
    ordered = sorted(networks, key=lambda network: (network.version, network))
    names = tuple(node.name for node in running.nodes)
    return Authorisation("the demo, on its own lab", names, tuple(ordered), 2000, 500)
