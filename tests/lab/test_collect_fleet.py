"""Collection over SSH from a hundred simulated devices of every system, some of them at fault."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.simulated_fleet import DIALECTS, ENABLE_SECRET, PASSWORD, Simulated, fleet

import segaudit.vendors
from segaudit.collect.credentials import CredentialKind, CredentialReference, Keychain
from segaudit.collect.inventory_records import Inventory, InventoryDevice
from segaudit.collect.run import collect
from segaudit.collect.session import Limits
from segaudit.model.snapshot import RawConfig, RawSnapshot
from segaudit.parse import parse_device, platforms

pytestmark = [pytest.mark.lab, pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")]

LIMITS = Limits(connect_seconds=30, login_seconds=60, command_seconds=30, device_seconds=120, attempts=2)
SYSTEMS = sorted(set(DIALECTS) & set(platforms()))
FAULTS = {10: "hangs", 20: "closes", 30: "cut", 40: "other-key"}
DEVICES = 100


def outputs(system: str) -> dict[str, str]:
    """What the sample of a system that has the most files shows, by command."""
    samples = Path(segaudit.vendors.__file__).parent / system / "samples"
    folders = [folder for folder in samples.iterdir() if folder.is_dir()]
    folder = max(folders, key=lambda one: (len(list(one.iterdir())), one.name))
    commands = {command.file: command.command for command in platforms()[system].commands}
    return {
        commands[path.name]: path.read_text() for path in sorted(folder.iterdir()) if path.name in commands
    }


def simulated(number: int) -> Simulated:
    system = SYSTEMS[number % len(SYSTEMS)]
    return Simulated(f"d{number:03}", system, outputs(system), FAULTS.get(number, ""))


async def _collected(devices: list[Simulated], folder: Path) -> RawSnapshot:
    with fleet(devices) as running:
        known = folder / "known_hosts"
        known.write_text("".join(one.known_host for one in running.values()))
        inventory = Inventory(
            "inventory.yaml",
            tuple(
                InventoryDevice(
                    one.name, "127.0.0.1", one.system, running[one.name].port, "lab",
                    (CredentialReference(CredentialKind.ENVIRONMENT, "PASSWORD"),),
                    known_hosts=known,
                    become="enable" if DIALECTS[one.system].enable else "",
                    enable_credentials=(CredentialReference(CredentialKind.ENVIRONMENT, "ENABLE"),),
                )
                for one in devices
            ),
        )  # fmt: skip
        keychain = Keychain({"PASSWORD": PASSWORD, "ENABLE": ENABLE_SECRET})
        return await collect(inventory, platforms(), jobs=20, limits=LIMITS, keychain=keychain)


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawSnapshot]:
    devices = [simulated(number) for number in range(DEVICES)]
    yield asyncio.run(_collected(devices, tmp_path_factory.mktemp("fleet")))


def test_every_device_ends_as_a_config_or_a_failure(collected: RawSnapshot) -> None:
    ends = [one.device for one in collected.configs] + [one.device for one in collected.failures]
    assert sorted(ends) == [f"d{number:03}" for number in range(DEVICES)]


def test_those_at_fault_fail_by_name_and_no_other(collected: RawSnapshot) -> None:
    failed = {one.device: one.reason for one in collected.failures}
    assert set(failed) == {f"d{number:03}" for number in FAULTS}, failed
    assert "host key" in failed["d040"]
    assert PASSWORD not in str(failed)
    assert ENABLE_SECRET not in str(failed)


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_was_collected_is_what_the_device_has(collected: RawSnapshot, system: str) -> None:
    served = outputs(system)
    found = [one for one in collected.configs if one.platform == system and _number(one) not in FAULTS]
    assert found
    for one in found:
        shown = {file.command: file.text for file in one.files if not file.exit_status}
        assert shown == served, one.device


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_was_collected_can_be_read(collected: RawSnapshot, system: str) -> None:
    one = next(one for one in collected.configs if one.platform == system and _number(one) not in FAULTS)
    assert parse_device(one).interfaces


def _number(one: RawConfig) -> int:
    return int(one.device[1:])
