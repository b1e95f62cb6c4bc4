"""vendors: which network operating systems are read, and what is asked of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from segaudit.parse.vendor import Vendor


@click.command()
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(("table", "json")),
    default="table",
    show_default=True,
    help="How to print it.",
)
@click.argument("platform", required=False)
def vendors(form: str, platform: str | None) -> None:
    """List what can be read, and the read-only commands that collect may run.

    With PLATFORM, only that one. What is understood of each is in docs/vendors.md.
    """
    known = _known(platform)
    if form == "json":
        click.echo(json.dumps([_facts(vendor) for vendor in known], indent=1))
    else:
        click.echo("\n".join(_lines(known)))


def _known(platform: str | None) -> list[Vendor]:
    """The vendors asked for.

    Raises:
        UsageError: there is none of that platform.
    """
    from segaudit.documents.yaml_nodes import did_you_mean
    from segaudit.errors import UsageError
    from segaudit.parse import vendors as every_vendor

    found = {vendor.platform.name: vendor for vendor in every_vendor()}
    if platform is None:
        return [found[name] for name in sorted(found)]
    if platform not in found:
        raise UsageError.because("PLATFORM", "unknown platform", platform, did_you_mean(platform, found))
    return [found[platform]]


def _facts(vendor: Vendor) -> dict[str, Any]:
    """One platform, for programs."""
    return {
        "platform": vendor.platform.name,
        "reads": _reads(vendor),
        "netmiko_device_type": vendor.platform.netmiko_device_type,
        "commands": [
            {"command": one.command, "file": one.file, "optional": one.optional}
            for one in vendor.platform.commands
        ],
    }


def _reads(vendor: Vendor) -> str:
    """What the vendor's folder says of itself: the first line of its docstring."""
    said = import_module(f"segaudit.vendors.{vendor.name}").__doc__ or vendor.name
    return said.strip().split("\n")[0].replace("``", "`")


def _lines(known: Iterable[Vendor]) -> Iterator[str]:
    for vendor in known:
        yield f"{vendor.platform.name}  (netmiko: {vendor.platform.netmiko_device_type})"
        yield f"  {_reads(vendor)}"
        for one in vendor.platform.commands:
            yield f"  {'?' if one.optional else ' '} {one.command}  ->  {one.file}"
    yield "? = may be missing on the device"
