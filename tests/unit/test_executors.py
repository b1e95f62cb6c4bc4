"""Worker processes: results in order, nothing lost with a worker, and nobody left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from builders.worker_tasks import dies, dies_once, does_not_fit, squared

from segaudit.errors import FilterCapacityError, RunError, UsageError
from segaudit.executors import Means, workers

TWO = Means(jobs=2)


def test_one_job_needs_no_worker() -> None:
    with workers(Means()) as nobody, workers(Means(jobs=1)) as alone:
        assert nobody is None
        assert alone is None


def test_results_are_in_the_order_of_the_tasks() -> None:
    told = []
    with workers(TWO) as hands:
        assert hands is not None
        found = hands.each(
            squared, [(n,) for n in range(9)], lambda done, total: told.append((done, total))
        )
        assert hands.each(squared, []) == []
    assert found == [n * n for n in range(9)]
    assert told == [(n, 9) for n in range(1, 10)]


def test_tasks_of_a_worker_that_dies_are_done_again(tmp_path: Path) -> None:
    with workers(TWO) as hands:
        assert hands is not None
        tasks = [(str(tmp_path / "mark"), n) for n in range(6)]
        assert hands.each(dies_once, tasks) == list(range(6))
    assert (tmp_path / "mark").exists()


def test_workers_that_keep_dying_break_the_run() -> None:
    with workers(TWO) as hands:
        assert hands is not None
        with pytest.raises(RunError, match="keep dying"):
            hands.each(dies, [(), ()])
        assert hands.each(squared, [(3,)]) == [9]


def test_an_error_of_a_task_arrives_with_all_it_says() -> None:
    with workers(TWO) as hands:
        assert hands is not None
        with pytest.raises(FilterCapacityError) as caught:
            hands.each(does_not_fit, [("r1",)])
    assert (caught.value.device, caught.value.acl, caught.value.where) == ("r1", "forward", "file:1")
    assert str(caught.value) == str(FilterCapacityError("r1", "forward", "file:1"))


ENDLESS = """
import sys
from builders.worker_tasks import sleeps
from segaudit.executors import Means, workers

if __name__ == "__main__":
    with workers(Means(jobs=2)) as hands:
        hands.each(sleeps, [(sys.argv[1],), (sys.argv[1],)])
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_its_parent(tmp_path: Path, end: signal.Signals) -> None:
    script, folder = tmp_path / "endless.py", tmp_path / "pids"
    script.write_text(ENDLESS)
    folder.mkdir()
    paths = os.pathsep.join(path for path in sys.path if path)
    parent = subprocess.Popen(
        [sys.executable, str(script), str(folder)],
        env={**os.environ, "PYTHONPATH": paths},
        stderr=subprocess.DEVNULL,
        preexec_fn=_interruptible,
    )
    pids: list[int] = []
    try:
        assert _comes_true(lambda: len(list(folder.iterdir())) == 2)
        pids = [int(path.name) for path in folder.iterdir()]
        parent.send_signal(end)
        parent.wait(60)
        assert _comes_true(lambda: not any(map(_alive, pids)))
    finally:
        parent.kill()
        parent.wait()
        for pid in filter(_alive, pids):
            os.kill(pid, signal.SIGKILL)


def _interruptible() -> None:
    """What was started in the background ignores SIGINT, and so would its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _comes_true(what: Callable[[], bool], patience_seconds: float = 60) -> bool:
    until = time.monotonic() + patience_seconds
    while not what():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def _alive(pid: int) -> bool:
    """True where the process runs; one that ended and that nobody waited for is a zombie, not alive."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("host:8786", "not the address"),
        ("http://host:1", "not the address"),
        ("dask://host", "not the address"),
        ("dask://host:http", "not the address"),
        ("dask://host:8786?ca=x", "unknown parameter"),
        ("tls://host:8786?secret=x", "unknown parameter"),
        ("tls://host:8786", "TLS needs an authority and a certificate: none is named"),
        ("tls://host:8786?cert=x", "TLS needs an authority and a certificate: cert"),
        ("tls://host:8786?ca=absent&cert=absent&key=absent", "files of TLS cannot be used .No such file"),
    ],
)
def test_an_address_that_is_none_is_a_usage_error(address: str, said: str) -> None:
    with pytest.raises(UsageError, match=said), workers(Means(address=address)):
        raise AssertionError
