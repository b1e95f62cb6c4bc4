"""Options that several commands share, each with the same name and meaning everywhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

SEVERITIES = ("low", "medium", "high", "critical")

_existing = click.Path(path_type=Path)


def _date(_context: click.Context, _option: click.Parameter, value: datetime | None) -> date:
    if value is not None:
        return value.date()
    from segaudit.pipeline import now

    return now().date()


policy_option = click.option(
    "-p",
    "--policy",
    type=_existing,
    required=True,
    envvar="SEGAUDIT_POLICY",
    help="The policy file (YAML).",
)
snapshot_option = click.option(
    "-s",
    "--snapshot",
    type=_existing,
    required=True,
    help="Folder of configs and state, one folder a device.",
)
inventory_option = click.option(
    "-i",
    "--inventory",
    type=_existing,
    required=True,
    help="Inventory: own YAML, a containerlab lab folder, or Nornir SimpleInventory.",
)
as_of_option = click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    callback=_date,
    help="Day on which expiry is judged (default: today, UTC).",
)
fail_on_option = click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    default="low",
    show_default=True,
    help="Exit 1 only for violations of at least this severity.",
)
format_option = click.option(
    "-f",
    "--format",
    "formats",
    multiple=True,
    metavar="FORMAT[=PATH]",
    help="table, json or html, to stdout or to PATH; repeatable (default: table).",
)
output_option = click.option(
    "-o",
    "--output",
    type=_existing,
    help="Folder for this run's report.html and result.json (default: reports/<time>).",
)
scope_option = click.option("--scope", type=_existing, help="What may be probed: the scope file (YAML).")
authorised_option = click.option(
    "--authorised-by", default="", help="Who answers for the probing; must be the name in the scope file."
)
jobs_option = click.option(
    "--jobs", type=click.IntRange(1, 200), default=20, show_default=True, help="Devices collected at once."
)


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, shown in the order given."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate
