"""validate, report, explain, path, graph, schema: look at a policy, a network or a result."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from segaudit.cli.options import as_of_option, means_option, policy_option, snapshot_option
from segaudit.errors import PolicyError, UsageError

if TYPE_CHECKING:
    from segaudit.executors import Means
    from segaudit.pipeline import Audit


@click.command()
@policy_option
@click.option(
    "-s", "--snapshot", type=click.Path(path_type=Path), help="Also check the policy against this network."
)
@as_of_option
def validate(policy: Path, snapshot: Path | None, as_of: date) -> None:
    """Check a policy: its own words, its dates, and whether every zone is somewhere in the network."""
    from segaudit.policy import expired, locate, read_policy

    parsed = read_policy(policy)
    problems = expired(parsed, as_of)
    if problems:
        raise PolicyError(*problems)
    if snapshot is not None:
        from segaudit.documents.snapshot_folder import read_snapshot
        from segaudit.parse import parse_snapshot, vendors

        locate(parsed, parse_snapshot(read_snapshot(snapshot), vendors()))
    counts = (
        f"{len(parsed.zones)} zones, {len(parsed.isolations)} isolations, {len(parsed.flows)} flows, "
        f"{len(parsed.exceptions)} exceptions, {len(parsed.assumptions)} assumptions"
    )
    click.echo(f"{policy}: well-formed: {counts}")


def _audit(policy: Path, snapshot: Path, as_of: date, means: Means) -> Audit:
    from segaudit.cli.progress import progress_bar
    from segaudit.pipeline import check_folder

    with progress_bar("proving") as tell:
        return check_folder(policy, snapshot, as_of, tell, means)


@click.command()
@policy_option
@snapshot_option
@as_of_option
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder for the report."
)
@click.option("--margins", is_flag=True, help="Also how many changes each isolation is away from none.")
@means_option
def report(policy: Path, snapshot: Path, as_of: date, output: Path, margins: bool, means: Means) -> None:
    """Write report.html and result.json for a snapshot folder (no probes)."""
    from segaudit.pipeline import write_reports

    audit = _audit(policy, snapshot, as_of, means)
    if margins:
        audit = _strengthened(audit)
    for path in write_reports(audit, output).values():
        click.echo(path)


def _strengthened(audit: Audit, id: str = "") -> Audit:
    from segaudit.cli.progress import progress_bar
    from segaudit.pipeline import strengthened

    with progress_bar("margins") as tell:
        return strengthened(audit, id, tell)


@click.command()
@click.argument("verdict")
@policy_option
@snapshot_option
@as_of_option
@means_option
def explain(verdict: str, policy: Path, snapshot: Path, as_of: date, means: Means) -> None:
    """Say why a verdict is what it is and how strong: ISO-1, ISO-1/forward or ISO-1/forward/ipv4."""
    from segaudit.pipeline import crossed
    from segaudit.report.terminal import explain as told

    audit = crossed(_strengthened(_audit(policy, snapshot, as_of, means), verdict), verdict)
    click.echo(told(audit.result, verdict))


@click.command()
@click.argument("source")
@click.argument("destination")
@snapshot_option
@click.option(
    "--service",
    default="tcp/445",
    show_default=True,
    help="tcp/PORT, udp/PORT or icmp: the packet to send.",
)
def path(source: str, destination: str, snapshot: Path, service: str) -> None:
    """Walk one packet from a device to an address or device, hop by hop, with file and line.

    SOURCE is DEVICE or DEVICE:INTERFACE; DESTINATION an address or a device.
    """
    from segaudit.documents.snapshot_folder import read_snapshot
    from segaudit.judge.single_path import single_path
    from segaudit.parse import parse_snapshot, vendors

    network = parse_snapshot(read_snapshot(snapshot), vendors())
    traces = single_path(network, source, destination, service)
    for trace in traces:
        click.echo(f"{trace.flow}: {trace.disposition.value}")
        for number, step in enumerate(trace.steps, start=1):
            click.echo(f"  {number:2} {step}")
    sys.exit(0 if traces else 3)


@click.command()
@snapshot_option
@click.option(
    "-f", "--format", "form", type=click.Choice(["dot", "graphml"]), default="dot", show_default=True
)
def graph(snapshot: Path, form: str) -> None:
    """Print every adjacency of a network as a graph: devices, interfaces, segments, UNMODELLED."""
    from segaudit.documents.snapshot_folder import read_snapshot
    from segaudit.graph import build_graph, export
    from segaudit.parse import parse_snapshot, vendors

    network = parse_snapshot(read_snapshot(snapshot), vendors())
    click.echo(export(build_graph(network), form), nl=False)


@click.command()
@click.argument("name", type=click.Choice(["policy", "result"]))
def schema(name: str) -> None:
    """Print the JSON Schema of the policy language or of result.json."""
    click.echo(_schema(name), nl=False)


def _schema(name: str) -> Any:
    from importlib.resources import files

    package = {"policy": "segaudit.policy", "result": "segaudit.report"}[name]
    found = files(package) / f"{name}-v1.schema.json"
    if not found.is_file():
        raise UsageError.because(name, "the schema is not installed", hint="reinstall segaudit")
    return found.read_text(encoding="utf-8")
