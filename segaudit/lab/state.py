"""Which labs run on this machine: one JSON file a lab under a lock, and no truth but the kernel's.

A lab runs while its supervisor does. The file only says which process that is; pid and start time
together name a process for ever (proc_pid_stat(5), field 22), whatever the pid is reused for.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from segaudit.errors import LabError, Problem

DOWN_SECONDS = 20


def state_folder() -> Path:
    """Where states lie: ``SEGAUDIT_LAB_STATE``, or ``/run/segaudit`` (gone after a reboot, as labs are)."""
    return Path(os.environ.get("SEGAUDIT_LAB_STATE", "/run/segaudit"))


def mount_point() -> Path:
    """An empty folder that every lab mounts its nodes' roots on, each in its own mount namespace."""
    folder = state_folder() / "root"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def log_path(name: str) -> Path:
    """Where the supervisor's complaints go."""
    return _file(name, "log")


def sources_of(name: str) -> Path:
    """Where the topology of a containerlab deployment is kept while it runs."""
    return state_folder() / "sources" / name


def _file(name: str, suffix: str) -> Path:
    return state_folder() / "labs" / f"{name}.{suffix}"


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Nobody else brings this lab up or down meanwhile.

    Raises:
        LabError: somebody else is at it.
    """
    path = _file(name, "lock")
    with _opened(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as failure:
            raise _busy(name) from failure
        if not (path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino):
            raise _busy(name)  # whoever held the lock has just removed it and ended
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _opened(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path.open("w")
    except OSError as failure:
        what = "cannot keep the lab's state there"
        raise LabError.because(
            str(path.parent), what, failure.strerror or "", "run it with sudo"
        ) from failure


def _busy(name: str) -> LabError:
    hint = "try again when it has ended, or give this lab another name"
    return LabError(Problem(name, "another process is bringing this lab up or down", "", hint))


def write_state(name: str, state: dict[str, Any]) -> None:
    """Store the state whole or not at all."""
    target = _file(name, "json")
    draft = target.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(state, indent=1, sort_keys=True))
    draft.replace(target)


def read_state(name: str) -> dict[str, Any] | None:
    """The stored state, or None where there is none (or one that was cut short)."""
    try:
        state: dict[str, Any] = json.loads(_file(name, "json").read_text())
    except (OSError, ValueError):
        return None
    return state


def forget(name: str) -> None:
    """Remove what is stored of the lab, but its lock (another process may be holding it)."""
    for suffix in ("json", "draft", "log"):
        _file(name, suffix).unlink(missing_ok=True)


def stored_names() -> list[str]:
    """The names of all labs with a state, running or not."""
    return sorted(path.stem for path in (state_folder() / "labs").glob("*.json"))


def start_time(pid: int) -> str:
    """When the process started, in clock ticks since boot; "" where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # Field 2 is the command in parentheses and may hold spaces: count from the last one.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in ("Z", "X") else fields[19]


def is_alive(pid: int, started: str) -> bool:
    """Whether that very process still runs."""
    return started != "" and start_time(pid) == started


def kill_and_wait(pid: int, started: str) -> None:
    """Kill the process, if it is that very one, and return when it is gone with all its namespace.

    Raises:
        LabError: it does not go away.
    """
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if not is_alive(pid, started):
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        ready, _, _ = select.select([handle], [], [], DOWN_SECONDS)
        if not ready:
            raise LabError.because(f"process {pid}", "lab supervisor does not go away after SIGKILL")
    finally:
        os.close(handle)
