"""import: configurations that someone else gathered, as a snapshot folder."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from segaudit.errors import SnapshotError, UsageError

if TYPE_CHECKING:
    from segaudit.documents.import_files import Imported

LAYOUTS = ("auto", "files", "folders")
KINDS = ("auto", "folder", "git", "batfish", "containerlab", "netlab")
_MOST_SHOWN = 20


@click.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="The new snapshot folder."
)
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d"]),
    help="From a git repository: the last commit not after this day (UTC).",
)
@click.option(
    "--from",
    "kind",
    type=click.Choice(KINDS),
    default="auto",
    show_default=True,
    help="What the source is, where its files do not tell.",
)
@click.option(
    "--layout",
    type=click.Choice(LAYOUTS),
    default="auto",
    show_default=True,
    help="Each file a device (git, flat folders), or each folder one.",
)
def import_(source: Path, output: Path, at: datetime | None, kind: str, layout: str) -> None:
    """Make a snapshot of configurations: a folder, a Batfish snapshot, a RANCID or Oxidized repository
    at a date, a containerlab or a netlab folder.

    Nothing in the source is changed. What was taken goes to stdout, what was left to stderr.
    """
    from segaudit.documents.snapshot_folder import write_snapshot

    if not source.exists():
        raise SnapshotError.because(str(source), "no such folder or file")
    imported = _read(source, at.date() if at is not None else None, kind, layout)
    write_snapshot(output, imported.snapshot)
    _tell(imported, output)


def _read(source: Path, at: date | None, kind: str, layout: str) -> Imported:
    from segaudit.documents.import_batfish import read_batfish
    from segaudit.documents.import_files import each_a_device, each_folder_a_device, files_below
    from segaudit.documents.import_git import read_git
    from segaudit.documents.import_netlab import read_netlab

    kind = _kind_of(source, at) if kind == "auto" else kind
    if at is not None and kind != "git":
        raise UsageError.because("--at", "only a git repository has a past", kind, "leave --at out")
    match kind:
        case "git":
            return read_git(source, at, layout == "folders")
        case "containerlab":
            return _lab(source)
        case "batfish":
            return read_batfish(source)
        case "netlab":
            return read_netlab(source)
    if source.is_file():
        hint = "give the folder that the file is in"
        raise SnapshotError.because(str(source), "one file is no network", hint=hint)
    gather = each_a_device if layout == "files" else each_folder_a_device
    return gather(files_below(source)).imported(str(source))


def _kind_of(source: Path, at: date | None) -> str:
    """What a source is, by its files; a day asks for a repository."""
    from segaudit.documents.import_batfish import is_batfish
    from segaudit.documents.import_git import is_repository
    from segaudit.documents.import_netlab import is_netlab

    if at is not None or is_repository(source):
        return "git"
    if source.is_file() or list(source.glob("*.clab.y*ml")):
        return "containerlab" if source.is_dir() or ".clab." in source.name else "folder"
    if is_batfish(source):
        return "batfish"
    return "netlab" if is_netlab(source) else "folder"


def _lab(source: Path) -> Imported:
    """The startup configurations of a containerlab topology, and its wiring."""
    from segaudit.documents.import_files import Found, Gathering, Left
    from segaudit.documents.topology_data import SEGMENT_KINDS, fold_segments
    from segaudit.lab.startup_configs import startup_configs
    from segaudit.lab.topology import find_topology_file, read_topology
    from segaudit.model.snapshot import CollectionFailure
    from segaudit.model.topology import TerminationPoint

    topology = read_topology(find_topology_file(source) if source.is_dir() else source)
    segments = {node.name for node in topology.nodes if node.kind in SEGMENT_KINDS}
    gathering = Gathering()
    for one in startup_configs(topology):
        if one.node in segments:
            continue
        if one.content is None:
            gathering.failures.append(CollectionFailure(one.node, one.reason))
            gathering.left.append(Left(one.node, one.reason))
        else:
            gathering.add(one.node, one.file, Found(one.file, one.content))
    wires = [
        tuple(TerminationPoint(end.node, end.interface) for end in link.ends) for link in topology.links
    ]
    declared = [node.name for node in topology.nodes if node.name not in segments]
    return gathering.imported(topology.shown_as, fold_segments(wires, segments), declared)


def _tell(imported: Imported, output: Path) -> None:
    snapshot = imported.snapshot
    for config in snapshot.configs:
        click.echo(f"{config.device}: {', '.join(file.name for file in config.files)}")
    for lost in snapshot.failures:
        click.echo(f"{lost.device}: not modelled: {lost.reason}")
    for note in imported.notes:
        click.echo(f"note: {note}", err=True)
    for left in imported.left[:_MOST_SHOWN]:
        click.echo(f"left: {left.path}: {left.reason}", err=True)
    if len(imported.left) > _MOST_SHOWN:
        click.echo(f"left: and {len(imported.left) - _MOST_SHOWN} more", err=True)
    counts = f"{len(snapshot.configs)} devices, {len(snapshot.links)} links"
    click.echo(f"{output}: {counts}", err=True)
