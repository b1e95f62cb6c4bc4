"""Options that several commands share, each with the same name and meaning everywhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
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
sessions_option = click.option(
    "--sessions",
    type=click.IntRange(1, 200),
    default=20,
    show_default=True,
    help="Devices collected at once.",
)


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, shown in the order given."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def means_option(command: Command) -> Command:
    """--jobs, --executor and --no-cache, as one argument ``means``."""

    @wraps(command)
    def with_means(*args: Any, jobs: int | None, executor: str, cache: bool, **others: Any) -> Any:
        from segaudit.documents.cache_folder import user_cache_folder
        from segaudit.executors import Means

        folder = user_cache_folder(os.environ) if cache else None
        return command(*args, means=Means(jobs or 0, executor, folder), **others)

    return _means(with_means)  # type: ignore[return-value]


_means = together(
    click.option(
        "--jobs",
        type=click.IntRange(1, 1000),
        show_default="1, or the cluster's workers",
        help="Processes that prove, or the parts that a cluster's work is cut into.",
    ),
    click.option(
        "--executor",
        default="",
        metavar="ADDRESS",
        envvar="SEGAUDIT_EXECUTOR",
        help="Prove on a Dask cluster: dask://host:port, or tls://host:port?ca=FILE&cert=FILE&key=FILE.",
    ),
    click.option(
        "--cache/--no-cache",
        default=True,
        show_default=True,
        help="Keep compiled filters for the next run, in the user's cache folder.",
    ),
)
