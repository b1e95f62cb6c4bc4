"""Bad input: each folder under <kind>/ holds what a user could have written, and what they are told.

``expected.txt`` is the whole message: every problem, ``file:line:column: what: value`` and its hint.
A new case is a new folder; SEGAUDIT_UPDATE_EXPECTED=1 writes the expectation, to be read before it
is committed. Each case is read from inside its folder, so that messages show relative paths.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from ipaddress import ip_interface
from pathlib import Path
from typing import Any

import pytest
import yaml

from segaudit.collect.inventory import read_inventory
from segaudit.documents.snapshot_folder import read_snapshot
from segaudit.errors import Problem, UsageError
from segaudit.lab.scenario import read_scenario
from segaudit.lab.topology import not_run_here, read_topology
from segaudit.model.device import Device, Interface, InterfaceAddress
from segaudit.model.flow import Family
from segaudit.model.snapshot import CollectionFailure, Snapshot
from segaudit.parse.devices import parse_snapshot
from segaudit.policy import expired, locate, read_policy
from segaudit.probe.scope import read_authorisation

HERE = Path(__file__).parent
PLACE = re.compile(r"^(device '|[^\s:]+(:\d+(:\d+)?)?: )\S")
POLICY = Path("policy.yaml")


def policy() -> tuple[Problem, ...]:
    as_of = Path("as-of.txt")
    found = read_policy(POLICY)
    return expired(found, date.fromisoformat(as_of.read_text().strip()))


def zones() -> tuple[Problem, ...]:
    locate(
        read_policy(POLICY), network(yaml.load(Path("network.yaml").read_text(), Loader=yaml.BaseLoader))
    )
    return ()


def network(document: dict[str, Any]) -> Snapshot:
    failures = tuple(CollectionFailure(name, why) for name, why in document.get("failures", {}).items())
    return Snapshot({name: device(name, facts) for name, facts in document["devices"].items()}, failures)


def device(name: str, facts: dict[str, Any]) -> Device:
    interfaces = {
        interface: Interface(interface, addresses=tuple(address(text) for text in addresses))
        for interface, addresses in facts["interfaces"].items()
    }
    return Device(name, "linux", interfaces, labels=facts.get("labels", {}))


def address(text: str) -> InterfaceAddress:
    found = ip_interface(text)
    return InterfaceAddress(Family(found.version), int(found.ip), found.network.prefixlen)


def inventory() -> tuple[Problem, ...]:
    read_inventory(Path(), platforms=("linux",))
    return ()


def topology() -> tuple[Problem, ...]:
    return tuple(not_run_here(read_topology(Path("lab.clab.yml"), environment={})))


def scenario() -> tuple[Problem, ...]:
    read_scenario(Path())
    return ()


def snapshot() -> tuple[Problem, ...]:
    parse_snapshot(read_snapshot(Path("snapshot")))
    return ()


def scope() -> tuple[Problem, ...]:
    read_authorisation(Path("scope.yaml"), "ciso@parent.example", datetime(2026, 11, 24, 12, tzinfo=UTC))
    return ()


READERS: dict[str, Callable[[], tuple[Problem, ...]]] = {
    reader.__name__: reader for reader in (inventory, policy, scenario, scope, snapshot, topology, zones)
}


def cases() -> list[Path]:
    return sorted(path for kind in READERS for path in (HERE / kind).iterdir() if path.is_dir())


def complaint(case: Path) -> tuple[Problem, ...]:
    """What the reader of this kind says, raised or returned."""
    try:
        return READERS[case.parent.name]()
    except UsageError as refusal:
        assert refusal.exit_code == 2
        return refusal.problems


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.parent.name}/{case.name}")
def test_message(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case)
    message = "".join(f"{problem}\n" for problem in complaint(case)).replace(f"{case}/", "")
    expected = case / "expected.txt"
    if os.environ.get("SEGAUDIT_UPDATE_EXPECTED"):
        expected.write_text(message, encoding="utf-8")
    assert message == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.parent.name}/{case.name}")
def test_every_expectation_names_a_place(case: Path) -> None:
    lines = (case / "expected.txt").read_text(encoding="utf-8").splitlines()
    assert lines
    assert not lines[0].startswith("  hint: ")
    assert all(line.startswith("  hint: ") or PLACE.match(line) for line in lines)


def test_every_kind_has_cases() -> None:
    assert {case.parent.name for case in cases()} == set(READERS)
    assert set(READERS) == {
        path.name for path in HERE.iterdir() if path.is_dir() and path.name[0] not in "._"
    }


def test_a_usage_error_exits_with_2() -> None:
    assert {error.exit_code for error in UsageError.__subclasses__()} == {2}
