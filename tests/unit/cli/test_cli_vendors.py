"""What ``segaudit vendors`` says: every platform that there is, and nothing that is not."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from segaudit.cli import main
from segaudit.parse import vendors

KNOWN = {vendor.platform.name: vendor.platform for vendor in vendors()}


def run(*words: str) -> str:
    done = CliRunner().invoke(main, ["vendors", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_every_platform_is_listed_with_every_command() -> None:
    listed = {entry["platform"]: entry for entry in json.loads(run("-f", "json"))}
    assert list(listed) == sorted(KNOWN)
    for name, platform in KNOWN.items():
        commands = [(one["command"], one["file"], one["optional"]) for one in listed[name]["commands"]]
        assert commands == [(one.command, one.file, one.optional) for one in platform.commands]
        assert listed[name]["netmiko_device_type"] == platform.netmiko_device_type
        assert listed[name]["reads"]


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_the_table_says_the_same(name: str) -> None:
    table = run(name)
    assert table.startswith(f"{name}  (netmiko: {KNOWN[name].netmiko_device_type})")
    for command in KNOWN[name].commands:
        mark = "?" if command.optional else " "
        assert f"  {mark} {command.command}  ->  {command.file}\n" in table
    others = set(KNOWN) - {name}
    assert not [line for line in table.splitlines() if line.split("  ")[0] in others]


def test_an_unknown_platform_is_a_usage_error_with_the_nearest_name() -> None:
    done = CliRunner().invoke(main, ["vendors", "linus"])
    assert done.exit_code == 2
    assert "linux" in done.output
