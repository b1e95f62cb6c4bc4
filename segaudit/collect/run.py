"""All devices at once: an asyncio front, one thread per running session.

Every device of the inventory ends as a ``RawConfig`` or a ``CollectionFailure``; none is lost, and
one that hangs, floods or lies costs the others nothing.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import TypeVar

from segaudit.collect.commands import NotReadOnly
from segaudit.collect.credentials import CredentialMissing, Keychain, Login
from segaudit.collect.failures import SessionFailed
from segaudit.collect.host_keys import DEFAULT_KNOWN_HOSTS, KnownHost, keys_of, read_known_hosts
from segaudit.collect.inventory_records import Inventory, InventoryDevice
from segaudit.collect.session import Limits, pull, quiet_libraries
from segaudit.errors import UsageError
from segaudit.model.snapshot import CollectionFailure, Platform, RawConfig, RawSnapshot

_GRACE_SECONDS = 10.0
"""How much longer than its deadline a session's thread may take to notice that its line was cut."""

_FIRST_PAUSE_SECONDS = 0.5

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Progress:
    """One change: ``state`` is ``started``, ``retrying``, ``collected`` or ``failed``.

    ``done`` of ``total`` devices have ended; ``detail`` is the reason of a failure or retry.
    """

    device: str
    state: str
    detail: str
    done: int
    total: int


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def collect(
    inventory: Inventory,
    platforms: Mapping[str, Platform],
    *,
    jobs: int = 20,
    limits: Limits | None = None,
    deadline_seconds: float | None = None,
    keychain: Keychain | None = None,
    now: Callable[[], datetime] = _utc_now,
    progress: Callable[[Progress], None] | None = None,
) -> RawSnapshot:
    """A snapshot of every device in ``inventory``, at most ``jobs`` sessions at a time.

    ``deadline_seconds`` bounds the whole run: devices not done by then are failures. ``progress``
    is called in the event loop's thread. Results are sorted by device; links and declared nodes
    come from the inventory.

    Raises:
        UsageError: ``jobs`` is less than one.
    """
    if jobs < 1:
        raise UsageError.because("jobs", "must be at least 1", str(jobs))
    quiet_libraries()
    run = _Run(
        platforms,
        limits or Limits(),
        keychain or Keychain(),
        now,
        asyncio.Semaphore(jobs),
        progress or _ignore,
        len(inventory.devices),
        asyncio.get_running_loop().time() + deadline_seconds if deadline_seconds is not None else None,
    )
    taken_at = now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    results = await asyncio.gather(*(run.device(device) for device in inventory.devices))
    configs = [result for result in results if isinstance(result, RawConfig)]
    failures = [result for result in results if isinstance(result, CollectionFailure)]
    declared = {*inventory.declared_nodes, *(device.name for device in inventory.devices)}
    return RawSnapshot(
        "",
        tuple(sorted(configs, key=lambda config: config.device)),
        tuple(sorted(failures, key=lambda failure: failure.device)),
        tuple(sorted(inventory.links)),
        tuple(sorted(declared)),
        taken_at,
    )


def _ignore(progress: Progress) -> None:
    del progress


class _Run:
    """The state of one run: what is shared between its devices, and how many have ended."""

    def __init__(
        self,
        platforms: Mapping[str, Platform],
        limits: Limits,
        keychain: Keychain,
        now: Callable[[], datetime],
        slots: asyncio.Semaphore,
        progress: Callable[[Progress], None],
        total: int,
        deadline: float | None,
    ) -> None:
        self.platforms = platforms
        self.limits = limits
        self.keychain = keychain
        self.now = now
        self.slots = slots
        self.progress = progress
        self.total = total
        self.done = 0
        self.deadline = deadline
        self.known_hosts: dict[Path, tuple[KnownHost, ...]] = {}

    def _tell(self, device: InventoryDevice, state: str, detail: str = "") -> None:
        self.progress(Progress(device.name, state, detail, self.done, self.total))

    async def device(self, device: InventoryDevice) -> RawConfig | CollectionFailure:
        """The result of one device, whatever happens."""
        result: RawConfig | CollectionFailure
        try:
            async with asyncio.timeout_at(self.deadline):
                result = await self._attempts(device)
        except TimeoutError:
            result = self._failure(device, "not done when the run's deadline passed")
        except SessionFailed as failure:
            result = self._failure(device, failure.reason)
        except (CredentialMissing, NotReadOnly) as failure:
            result = self._failure(device, str(failure))
        except Exception as failure:  # one device's surprise must not cost the others theirs
            result = self._failure(device, f"unexpected {type(failure).__name__}: {failure}")
        self.done += 1
        if isinstance(result, CollectionFailure):
            self._tell(device, "failed", result.reason)
        else:
            self._tell(device, "collected")
        return result

    @staticmethod
    def _failure(device: InventoryDevice, reason: str) -> CollectionFailure:
        return CollectionFailure(device.name, reason, dict(device.labels))

    async def _attempts(self, device: InventoryDevice) -> RawConfig:
        platform = self.platforms.get(device.platform)
        if platform is None:
            known = ", ".join(sorted(self.platforms))
            raise SessionFailed(f"no support for the platform {device.platform!r} (known: {known})")
        if not device.username:
            raise SessionFailed("no username is given")
        for attempt in range(1, self.limits.attempts + 1):
            try:
                async with self.slots:
                    self._tell(device, "started")
                    return await self._attempt(device, platform)
            except SessionFailed as failure:
                if not failure.transient or attempt == self.limits.attempts:
                    raise
                self._tell(device, "retrying", failure.reason)
            await asyncio.sleep(pause_before(attempt + 1, device.name))
        raise SessionFailed("no attempt was allowed")

    async def _attempt(self, device: InventoryDevice, platform: Platform) -> RawConfig:
        def look_up() -> Login:
            return self.keychain.login(device.username, device.credentials, device.enable_credentials)

        def work() -> RawConfig:
            return pull(device, platform, login, self._known(device), self.limits, self.now)

        login = await _in_thread(look_up, f"log in to {device.name}")  # a person may have to type
        try:
            patience = self.limits.device_seconds + _GRACE_SECONDS
            return await asyncio.wait_for(_in_thread(work, f"collect {device.name}"), patience)
        except TimeoutError as failure:
            raise SessionFailed(f"not done within {patience:g} s") from failure

    def _known(self, device: InventoryDevice) -> tuple[KnownHost, ...]:
        """The known_hosts lines of one device; each file is read once. An absent file trusts nobody."""
        path = device.known_hosts or DEFAULT_KNOWN_HOSTS
        if path not in self.known_hosts:
            try:
                self.known_hosts[path] = read_known_hosts(path)
            except FileNotFoundError:
                self.known_hosts[path] = ()
            except OSError as failure:
                raise SessionFailed(f"cannot read {path}: {failure.strerror}") from failure
        return keys_of(self.known_hosts[path], device.host, device.port)


def pause_before(attempt: int, device: str) -> float:
    """Seconds to wait before an attempt (the second is the first that waits): doubling, and spread.

    The spread comes from the device's name, so that devices behind one server do not come back at
    the same moment and a run can be repeated.
    """
    spread = zlib.crc32(f"{device} {attempt}".encode()) / 2**32
    return _FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 2) * (0.5 + spread)


def _in_thread(work: Callable[[], Result], name: str) -> asyncio.Future[Result]:
    """``work`` in a thread of its own that never keeps the program from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result | None, failure: BaseException | None) -> None:
        if future.done():
            return
        if failure is not None:
            future.set_exception(failure)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        try:
            result = work()
        except BaseException as failure:
            _call(loop, settle, None, failure)
        else:
            _call(loop, settle, result, None)

    Thread(target=run, name=name, daemon=True).start()
    return future


def _call(
    loop: asyncio.AbstractEventLoop,
    settle: Callable[[Result | None, BaseException | None], None],
    result: Result | None,
    failure: BaseException | None,
) -> None:
    """Hand a thread's result to the loop, unless the loop has gone."""
    try:
        loop.call_soon_threadsafe(settle, result, failure)
    except RuntimeError:
        return
