"""The asyncio front, without a network: what it does before any device is contacted, and its pauses."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from segaudit.collect.credentials import CredentialKind, CredentialReference, Keychain
from segaudit.collect.inventory import Inventory, InventoryDevice
from segaudit.collect.run import Progress, _in_thread, collect, pause_before
from segaudit.collect.session import Limits
from segaudit.errors import UsageError
from segaudit.model.snapshot import CollectionFailure, Platform, ShowCommand
from segaudit.model.topology import Link, TerminationPoint

LINUX = Platform("linux", "linux", (ShowCommand("hostname.txt", "uname -n"),))


def _device(name: str, platform: str = "linux") -> InventoryDevice:
    return InventoryDevice(
        name, "127.0.0.1", platform, 1, "root", labels={"site": name}, known_hosts=Path("/none")
    )


async def test_every_device_ends_as_a_result_and_the_wiring_is_kept() -> None:
    link = Link((TerminationPoint("a", "1"), TerminationPoint("b", "1")), "topology")
    inventory = Inventory("i", (_device("b", "x"), _device("a", "y")), (link,), ("isp",))
    clock = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1)))
    events: list[Progress] = []
    snapshot = await collect(inventory, {"linux": LINUX}, now=lambda: clock, progress=events.append)
    assert snapshot.configs == ()
    assert snapshot.failures == (
        CollectionFailure("a", "no support for the platform 'y' (known: linux)", {"site": "a"}),
        CollectionFailure("b", "no support for the platform 'x' (known: linux)", {"site": "b"}),
    )
    assert (snapshot.links, snapshot.declared_nodes) == ((link,), ("a", "b", "isp"))
    assert snapshot.taken_at == "2026-01-02T02:04:05Z"
    assert [(event.state, event.done, event.total) for event in events] == [
        ("failed", 1, 2),
        ("failed", 2, 2),
    ]


async def test_an_empty_inventory() -> None:
    snapshot = await collect(Inventory("i", ()), {}, now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    assert (snapshot.configs, snapshot.failures) == ((), ())


async def test_a_platform_with_a_writing_command_is_refused_before_any_contact() -> None:
    bad = Platform("linux", "linux", (ShowCommand("x", "uname -n"), ShowCommand("y", "nft flush ruleset")))
    snapshot = await collect(Inventory("i", (_device("a"),)), {"linux": bad})
    assert "not a known read-only command: 'nft flush ruleset'" in snapshot.failures[0].reason


async def test_a_surprise_in_one_device_is_its_failure() -> None:
    class Surprising(Platform):
        @property
        def commands(self) -> tuple[ShowCommand, ...]:
            raise RuntimeError("boom")

        @commands.setter
        def commands(self, value: tuple[ShowCommand, ...]) -> None: ...

    snapshot = await collect(Inventory("i", (_device("a"),)), {"linux": Surprising("linux", "linux", ())})
    assert snapshot.failures[0].reason == "unexpected RuntimeError: boom"


async def test_a_device_without_username() -> None:
    device = InventoryDevice("a", "127.0.0.1", "linux", 1)
    snapshot = await collect(Inventory("i", (device,)), {"linux": LINUX}, limits=Limits(attempts=1))
    assert snapshot.failures[0].reason == "no username is given"


async def test_an_unreadable_known_hosts_file(tmp_path: Path) -> None:
    device = InventoryDevice("a", "127.0.0.1", "linux", 1, "root", known_hosts=tmp_path)
    snapshot = await collect(Inventory("i", (device,)), {"linux": LINUX}, limits=Limits(attempts=1))
    assert snapshot.failures[0].reason == f"cannot read {tmp_path}: Is a directory"


async def test_no_jobs() -> None:
    with pytest.raises(UsageError, match="jobs: must be at least 1: 0"):
        await collect(Inventory("i", ()), {}, jobs=0)


async def test_a_person_may_type_longer_than_a_session_may_last() -> None:
    """The time for a password is not the device's: only the second device was kept waiting by it."""

    def slow(prompt: str) -> str:
        time.sleep(0.3)
        return "typed"

    chain = Keychain({}, slow)
    ask = (CredentialReference(CredentialKind.ASK),)
    devices = tuple(
        InventoryDevice(name, "127.0.0.1", "linux", 1, "root", ask, known_hosts=Path("/none"))
        for name in "ab"
    )
    limits = Limits(device_seconds=0.05, attempts=1)
    snapshot = await collect(Inventory("i", devices), {"linux": LINUX}, limits=limits, keychain=chain)
    assert {failure.reason for failure in snapshot.failures} == {"connection refused at [127.0.0.1]:1"}


async def test_a_thread_s_exception_is_the_future_s() -> None:
    def work() -> int:
        raise ValueError("from the thread")

    with pytest.raises(ValueError, match="from the thread"):
        await _in_thread(work, "x")


async def test_a_result_that_nobody_waits_for_any_more_is_dropped() -> None:
    release, finished = threading.Event(), threading.Event()

    def work() -> int:
        release.wait(10)
        finished.set()
        return 1

    future = _in_thread(work, "x")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(future, 0.01)
    release.set()
    assert await asyncio.to_thread(finished.wait, 10)
    await asyncio.sleep(0)
    assert future.cancelled()


def test_pauses_double_are_spread_and_repeat() -> None:
    second = [pause_before(2, f"r{number}") for number in range(100)]
    third = [pause_before(3, f"r{number}") for number in range(100)]
    assert all(0.25 <= pause < 0.75 for pause in second)
    assert all(0.5 <= pause < 1.5 for pause in third)
    assert len({round(pause, 2) for pause in second}) > 20
    assert second == [pause_before(2, f"r{number}") for number in range(100)]
