import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from segaudit.errors import LabError
from segaudit.lab import state


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGAUDIT_LAB_STATE", str(tmp_path / "state"))


@pytest.fixture
def process() -> Iterator["subprocess.Popen[bytes]"]:
    started = subprocess.Popen(["sleep", "1000"])
    yield started
    started.kill()
    started.wait()


def test_a_lab_is_locked_against_itself_and_not_against_others(tmp_path: Path) -> None:
    with state.locked("a"):
        with (
            pytest.raises(LabError, match="another process is bringing this lab up or down"),
            state.locked("a"),
        ):
            pass
        with state.locked("b"):
            pass
    with state.locked("a"):
        pass
    assert list((tmp_path / "state/labs").iterdir()) == []


def test_a_state_that_was_cut_short_counts_as_none() -> None:
    with state.locked("a"):
        state.write_state("a", {"x": 1})
        assert state.read_state("a") == {"x": 1}
        assert state.stored_names() == ["a"]
        (state.state_folder() / "labs" / "a.json").write_text('{"x": ')
        assert state.read_state("a") is None
        state.forget("a")
    assert state.stored_names() == []


def test_a_process_is_known_by_pid_and_start_time(process: "subprocess.Popen[bytes]") -> None:
    started = state.start_time(process.pid)
    assert state.is_alive(process.pid, started)
    assert not state.is_alive(process.pid, str(int(started) + 1))
    assert not state.is_alive(process.pid, "")


def test_only_that_very_process_is_killed(process: "subprocess.Popen[bytes]") -> None:
    started = state.start_time(process.pid)
    state.kill_and_wait(process.pid, str(int(started) + 1))
    assert process.poll() is None
    state.kill_and_wait(process.pid, started)
    assert process.wait(10) == -9
    state.kill_and_wait(process.pid, started)


def test_a_zombie_is_not_alive(process: "subprocess.Popen[bytes]") -> None:
    started = state.start_time(process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert state.start_time(process.pid) == ""
    assert not state.is_alive(process.pid, started)
