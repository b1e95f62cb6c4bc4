"""Tasks for workers of other processes, which must be able to import them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from segaudit.errors import FilterCapacityError


def squared(number: int) -> int:
    return number * number


def dies_once(mark: str, number: int) -> int:
    """The worker that is first with ``mark`` dies of it."""
    try:
        Path(mark).touch(exist_ok=False)
    except FileExistsError:
        return number
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("alive")


def dies() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def does_not_fit(device: str) -> None:
    raise FilterCapacityError(device, "forward", "file:1")


def sleeps(folder: str) -> None:
    """Say which process this is, and never end."""
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)
