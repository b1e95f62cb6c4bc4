"""``segaudit check`` with worker processes: the same bytes, and nobody left after Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from segaudit.pipeline import check_folder, crossed
from segaudit.report.json_result import render_json

ROOT = Path(__file__).resolve().parents[3]
TOPOLOGY = ROOT / "topologies" / "acquisition"
POLICY, SNAPSHOT = TOPOLOGY / "policy.yaml", TOPOLOGY / "snapshot"
PATIENCE_SECONDS = 120


def _started(cache: Path, *options: str) -> subprocess.Popen[str]:
    asked = ("check", "-p", str(POLICY), "-s", str(SNAPSHOT), "--as-of", "2026-11-24", "--jobs", "2")
    return subprocess.Popen(
        [sys.executable, "-m", "segaudit", *asked, *options],
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_interruptible,
    )


def _interruptible() -> None:
    """What was started in the background ignores SIGINT, and so would its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_two_processes_and_a_cache_print_the_same(tmp_path: Path) -> None:
    process = _started(tmp_path, "-f", "json")
    try:
        printed, _ = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
    assert printed == render_json(crossed(check_folder(POLICY, SNAPSHOT, date(2026, 11, 24))).result)
    assert list((tmp_path / "segaudit").iterdir())


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads processes from /proc")
def test_an_interrupt_leaves_no_process(tmp_path: Path) -> None:
    process = _started(tmp_path, "--no-cache")
    children: set[int] = set()
    try:
        until = time.monotonic() + PATIENCE_SECONDS
        while len(children) < 2 and process.poll() is None and time.monotonic() < until:
            children = _children_of(process.pid)
            time.sleep(0.02)
        assert len(children) >= 2
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
        while _alive(children) and time.monotonic() < until:
            time.sleep(0.02)
        assert not _alive(children)
    finally:
        process.kill()
        for pid in _alive(children):
            os.kill(pid, signal.SIGKILL)
    assert process.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    assert not (tmp_path / "segaudit").exists()


def _children_of(parent: int) -> set[int]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, owner = path.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(owner) == parent and state != "Z":
            found.add(int(path.parent.name))
    return found


def _alive(pids: set[int]) -> set[int]:
    """Those that still run; one that ended and that nobody waited for is a zombie."""
    found = set()
    for pid in pids:
        try:
            status = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            continue
        if status.rpartition(")")[2].split()[0] != "Z":
            found.add(pid)
    return found
