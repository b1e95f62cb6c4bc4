"""collect, check, probe, run: the steps of an audit, alone or in one go."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from segaudit.cli.options import (
    as_of_option,
    authorised_option,
    fail_on_option,
    format_option,
    inventory_option,
    means_option,
    output_option,
    policy_option,
    scope_option,
    sessions_option,
    snapshot_option,
    together,
)
from segaudit.cli.outcome import exit_code, show
from segaudit.cli.progress import progress_bar

if TYPE_CHECKING:
    from segaudit.collect.inventory_records import Inventory
    from segaudit.executors import Means
    from segaudit.model.snapshot import RawSnapshot
    from segaudit.pipeline import Audit
    from segaudit.probe.scope import Authorisation
    from segaudit.probe.transport import Transport

login_options = together(
    click.option("--user", default="", help="Login name where the inventory gives none."),
    click.option(
        "--credential",
        "credentials",
        multiple=True,
        metavar="REFERENCE",
        help="env:NAME, ask, keyring:SERVICE, cmd:PROGRAM ARGS, file-key:PATH or agent; never a secret.",
    ),
    click.option(
        "--known-hosts",
        type=click.Path(path_type=Path),
        help="Host keys to trust (default: the user's own known_hosts).",
    ),
)


@click.command()
@policy_option
@snapshot_option
@as_of_option
@fail_on_option
@format_option
@click.option(
    "--proof",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Also write the proof itself, for `segaudit recheck PATH`.",
)
@means_option
def check(
    policy: Path,
    snapshot: Path,
    as_of: date,
    fail_on: str,
    formats: tuple[str, ...],
    proof: Path | None,
    means: Means,
) -> None:
    """Prove a policy on a folder of configs and state. Nothing is sent to any network."""
    from segaudit.pipeline import check_folder, write_proof

    with progress_bar("proving") as tell:
        audit = check_folder(policy, snapshot, as_of, tell, means)
    if proof is not None:
        write_proof(audit, proof)
        click.echo(f"proof: {proof}", err=True)
    show(audit, formats)
    sys.exit(exit_code(audit.result, fail_on))


@click.command()
@inventory_option
@login_options
@sessions_option
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="New snapshot folder.")
def collect(
    inventory: Path,
    user: str,
    credentials: tuple[str, ...],
    known_hosts: Path | None,
    sessions: int,
    output: Path,
) -> None:
    """Pull configs and state over SSH, read-only, into a snapshot folder.

    Host keys are checked. A device that fails is in the snapshot as a failure, with its reason, and
    counts as connected to anything. Exit 3 where any failed.
    """
    from segaudit.documents.snapshot_folder import write_snapshot

    raw = pull(read(inventory, user, credentials, known_hosts), sessions)
    write_snapshot(output, raw)
    click.echo(f"{len(raw.configs)} devices in {output}", err=True)
    sys.exit(3 if raw.failures else 0)


def read(inventory: Path, user: str, credentials: tuple[str, ...], known_hosts: Path | None) -> Inventory:
    """The inventory, completed by what the command line says."""
    from segaudit.collect.credentials import parse_reference
    from segaudit.collect.inventory import read_inventory
    from segaudit.parse import platforms

    references = tuple(parse_reference(text) for text in credentials)
    return read_inventory(inventory, platforms()).completed(user, references, known_hosts)


def pull(inventory: Inventory, sessions: int) -> RawSnapshot:
    """Collect with a progress bar, and name every device that failed on stderr."""
    from segaudit import pipeline

    with progress_bar("collecting") as tell:
        raw = pipeline.pull(inventory, sessions, lambda step: tell(step.device, step.done, step.total))
    for failure in raw.failures:
        click.echo(f"not collected: {failure.device}: {failure.reason}", err=True)
    return raw


@click.command()
@policy_option
@snapshot_option
@inventory_option
@login_options
@scope_option
@authorised_option
@click.option("--dry-run", is_flag=True, help="Print every packet that would be sent, and send none.")
@as_of_option
@fail_on_option
@format_option
@means_option
def probe(
    policy: Path,
    snapshot: Path,
    inventory: Path,
    user: str,
    credentials: tuple[str, ...],
    known_hosts: Path | None,
    scope: Path | None,
    authorised_by: str,
    dry_run: bool,
    as_of: date,
    fail_on: str,
    formats: tuple[str, ...],
    means: Means,
) -> None:
    """Measure on the wire what the model says of a snapshot.

    Agents run on hosts of the inventory, over SSH. Needs a scope file and the person who authorised
    it; sends at most what the scope allows.
    """
    from segaudit.pipeline import check_folder

    devices = read(inventory, user, credentials, known_hosts)
    with progress_bar("proving") as tell:
        audit = check_folder(policy, snapshot, as_of, tell, means)
    transports = ssh_transports(devices)
    if dry_run:
        print_plan(audit, transports, authorisation(scope, authorised_by) if scope else None)
        return
    audit = measure(audit, authorisation(scope, authorised_by), transports)
    show(audit, formats)
    sys.exit(exit_code(audit.result, fail_on))


def authorisation(scope: Path | None, authorised_by: str) -> Authorisation:
    """The scope file, confirmed by name.

    Raises:
        ScopeError: there is no scope file, or it does not authorise this person now.
    """
    from segaudit.errors import ScopeError
    from segaudit.pipeline import now
    from segaudit.probe.scope import read_authorisation

    if scope is None:
        raise ScopeError.because("--scope", "probing needs a scope file", hint="see segaudit probe --help")
    return read_authorisation(scope, authorised_by, now())


def ssh_transports(inventory: Inventory) -> dict[str, Transport]:
    """How an agent is started on each device of an inventory."""
    from segaudit.collect.credentials import CredentialKind
    from segaudit.probe.transport import SshTransport

    found: dict[str, Transport] = {}
    for device in inventory.devices:
        keys = [one.argument for one in device.credentials if one.kind is CredentialKind.KEY_FILE]
        found[device.name] = SshTransport(
            device.host,
            device.username,
            device.port,
            key_file=keys[0] if keys else "",
            known_hosts_file=str(device.known_hosts or ""),
        )
    return found


def print_plan(audit: Audit, transports: Mapping[str, Transport], scope: Authorisation | None) -> None:
    """The dry run: one line per packet on stdout."""
    from segaudit import pipeline
    from segaudit.probe.plan import render_plan

    places = pipeline.vantages(audit, transports)
    for line in render_plan(pipeline.plan(audit, places, bool(scope and scope.spoofed_sources))):
        click.echo(line)


def measure(audit: Audit, scope: Authorisation, transports: Mapping[str, Transport]) -> Audit:
    """Probe, telling on stderr what is being done."""
    from segaudit import pipeline

    return pipeline.measure(audit, scope, transports, lambda step: click.echo(f"probe: {step}", err=True))


@click.command()
@policy_option
@inventory_option
@login_options
@sessions_option
@scope_option
@authorised_option
@click.option("--no-probe", is_flag=True, help="Prove only; the report says that nothing was measured.")
@output_option
@as_of_option
@fail_on_option
@means_option
def run(
    policy: Path,
    inventory: Path,
    user: str,
    credentials: tuple[str, ...],
    known_hosts: Path | None,
    sessions: int,
    scope: Path | None,
    authorised_by: str,
    no_probe: bool,
    output: Path | None,
    as_of: date,
    fail_on: str,
    means: Means,
) -> None:
    """Collect, prove, probe and report, in one go.

    Probing needs --scope and --authorised-by; without them say --no-probe.
    """
    from segaudit import pipeline
    from segaudit.policy import read_policy

    permitted = None if no_probe else authorisation(scope, authorised_by)
    read_policy(policy)
    devices = read(inventory, user, credentials, known_hosts)
    started = pipeline.now()
    raw = pull(devices, sessions)
    with progress_bar("proving") as tell:
        audit = pipeline.check(policy, raw, as_of, tell, f"{started:%Y-%m-%dT%H:%M:%SZ}", means)
    if permitted is not None:
        audit = measure(audit, permitted, ssh_transports(devices))
    finish(audit, output or Path("reports") / f"{started:%Y%m%dT%H%M%SZ}", fail_on)


def finish(audit: Audit, folder: Path, fail_on: str) -> None:
    """Write snapshot and reports, print the verdict table and where the report lies, and exit."""
    from segaudit import pipeline
    from segaudit.documents.snapshot_folder import write_snapshot

    write_snapshot(folder / "snapshot", audit.raw)
    written = pipeline.write_reports(audit, folder, folder.parent / "evidence")
    show(audit, ())
    click.echo(f"report: {written['report.html']}")
    sys.exit(exit_code(audit.result, fail_on))
