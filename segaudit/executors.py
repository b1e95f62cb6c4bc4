"""Who works: processes of this machine or a cluster, each a ``concurrent.futures.Executor``.

A worker that dies takes nothing with it: its tasks are done again, and where that does not help the
run breaks. A task whose result is missing is never passed over. No process outlives the block.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    as_completed,
)
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import SplitResult, parse_qs, urlsplit

from segaudit.errors import RunError, UsageError

if TYPE_CHECKING:
    from distributed import Client, Security

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Means:
    """What a command may use to come to its result sooner; the result is the same.

    Args:
        jobs: processes, or parts that a cluster's work is cut into; 0: the fewest, or one a worker.
        address: of a cluster's scheduler: ``dask://host:port``, or ``tls://host:port`` with
            ``?ca=FILE&cert=FILE&key=FILE`` where Dask's own configuration does not name them.
        cache: where what was computed may be kept for the next run.
    """

    jobs: int = 0
    address: str = ""
    cache: Path | None = None


Done = Callable[[int, int], None]
"""Told how many tasks are done, and how many there are."""


def _nobody(_done: int, _total: int) -> None:
    """Tell nobody."""


MOST_ATTEMPTS = 3
"""How often a task is started whose worker dies."""

_MANAGER_SECONDS = 10.0
"""How long a pool's own thread may take to notice that its processes are gone."""

_TLS_FORM = "tls://host:port?ca=FILE&cert=FILE&key=FILE"
_CLUSTER_SCHEMES = {"dask": "tcp", "tls": "tls"}
_TLS_FILES = {"ca": "tls_ca_file", "cert": "tls_client_cert", "key": "tls_client_key"}


class Workers(Protocol):
    """Processes that work on tasks, for the time of a ``with`` block that made them."""

    count: int
    """Tasks that are worked on at once."""

    def each(
        self, work: Callable[..., Result], tasks: Sequence[tuple[Any, ...]], done: Done = ...
    ) -> list[Result]:
        """``work(*task)`` of every task, in their order; ``work`` and tasks must pickle.

        Raises:
            RunError: workers keep dying, or the cluster is gone.
        """


@contextmanager
def workers(means: Means) -> Iterator[Workers | None]:
    """The workers that are asked for; ``None``: this process does it all.

    Raises:
        UsageError: the address is of no known kind, or its package is not installed.
        RunError: there is no such cluster.
    """
    if means.address:
        with _cluster(means.address, means.jobs) as cluster:
            yield cluster
    elif means.jobs > 1:
        with _processes(means.jobs) as processes:
            yield processes
    else:
        yield None


# -- processes of this machine -------------------------------------------------------------------


class _Processes:
    """A process pool, made again where one of its processes died."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = self._new()

    def _new(self) -> ProcessPoolExecutor:
        """Spawned, because forking a process with threads may hang (Python documentation, ``os.fork``)."""
        return ProcessPoolExecutor(self.count, multiprocessing.get_context("spawn"), _as_worker)

    def each(
        self, work: Callable[..., Result], tasks: Sequence[tuple[Any, ...]], done: Done = _nobody
    ) -> list[Result]:
        """See ``Workers``."""
        results: dict[int, Result] = {}
        for _ in range(MOST_ATTEMPTS):
            missing = [number for number in range(len(tasks)) if number not in results]
            try:
                for number, result in _as_finished(self._pool, work, tasks, missing):
                    results[number] = result
                    done(len(results), len(tasks))
                return [results[number] for number in range(len(tasks))]
            except BrokenExecutor:
                self._restart()
            except BaseException:
                self._restart()
                raise
        raise RunError.because("--jobs", "worker processes keep dying", hint="is there enough memory?")

    def _restart(self) -> None:
        self.end()
        self._pool = self._new()

    def end(self) -> None:
        """Leave no process behind, whatever it is doing (``kill_workers`` of Python 3.14)."""
        children = list((self._pool._processes or {}).values())
        manager: Thread | None = getattr(self._pool, "_executor_manager_thread", None)
        self._pool.shutdown(wait=False, cancel_futures=True)
        for child in children:
            child.kill()
        if manager is not None:  # it waits for the children, too: who comes second learns nothing of them
            manager.join(_MANAGER_SECONDS)
        for child in children:
            child.join()


def _as_finished(
    executor: Executor,
    work: Callable[..., Result],
    tasks: Sequence[tuple[Any, ...]],
    numbers: Iterable[int],
) -> Iterator[tuple[int, Result]]:
    """Some of ``tasks`` as they finish, each with its result; those that failed last."""
    futures: dict[Future[Result], int] = {
        executor.submit(work, *tasks[number]): number for number in numbers
    }
    failed = None
    for future in as_completed(futures):
        if isinstance(future.exception(), BrokenExecutor):
            failed = future
        else:
            yield futures[future], future.result()
    if failed is not None:
        failed.result()


@contextmanager
def _processes(count: int) -> Iterator[Workers]:
    pool = _Processes(count)
    try:
        yield pool
    finally:
        pool.end()


def _as_worker() -> None:
    """Leave interrupts to the parent, which ends its workers, and end with it where it cannot."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: Any) -> None:
    parent.join()
    os._exit(1)


# -- a cluster -----------------------------------------------------------------------------------


class _Cluster:
    """A Dask cluster; its scheduler starts a dead worker's tasks again on another."""

    def __init__(self, client: Client, count: int) -> None:
        self._client = client
        self.count = count

    def each(
        self, work: Callable[..., Result], tasks: Sequence[tuple[Any, ...]], done: Done = _nobody
    ) -> list[Result]:
        """See ``Workers``."""
        from distributed import KilledWorker
        from distributed.comm import CommClosedError

        executor = self._client.get_executor(pure=False)
        results: dict[int, Result] = {}
        try:
            for number, result in _as_finished(executor, work, tasks, range(len(tasks))):
                results[number] = result
                done(len(results), len(tasks))
        except (KilledWorker, CommClosedError, CancelledError) as failure:
            raise RunError.because("--executor", "the cluster lost a task", str(failure)) from failure
        except ModuleNotFoundError as failure:
            hint = "segaudit must be installed on every worker"
            raise RunError.because("--executor", "a worker lacks a module", str(failure), hint) from failure
        finally:
            executor.shutdown(wait=False)
        return [results[number] for number in range(len(tasks))]


@contextmanager
def _cluster(address: str, parts: int) -> Iterator[Workers]:
    scheme, place, files = _read_address(address)
    try:
        from distributed import Client
    except ImportError as failure:
        hint = "pip install 'segaudit[cluster]'"
        raise UsageError.because("--executor", "needs the package distributed", address, hint) from failure
    secured = _security(files) if scheme == "tls" else None
    try:
        client = Client(f"{scheme}://{place}", security=secured, set_as_default=False)
    except (OSError, TimeoutError) as failure:
        hint = "is the scheduler running there, and its port open?"
        raise RunError.because("--executor", "no cluster answers", address, hint) from failure
    with client:
        found = len(client.nthreads())
        if not found:
            raise RunError.because("--executor", "the cluster has no worker", address)
        yield _Cluster(client, parts or found)


def _read_address(address: str) -> tuple[str, str, dict[str, str]]:
    """Dask's scheme, host and port, and the files of TLS."""
    parts = urlsplit(address)
    files = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.scheme not in _CLUSTER_SCHEMES or not parts.hostname or not _has_port(parts):
        hint = f"dask://host:port or {_TLS_FORM}"
        raise UsageError.because("--executor", "not the address of a cluster", address, hint)
    unknown = sorted(files.keys() - _TLS_FILES.keys())
    if unknown or (files and parts.scheme != "tls"):
        hint = "ca, cert and key of tls://"
        raise UsageError.because("--executor", "unknown parameter", ", ".join(unknown or files), hint)
    return _CLUSTER_SCHEMES[parts.scheme], parts.netloc, files


def _has_port(parts: SplitResult) -> bool:
    try:
        return parts.port is not None
    except ValueError:
        return False


def _security(files: dict[str, str]) -> Security:
    """TLS by the files named, and by Dask's own configuration where one is not.

    Raises:
        UsageError: a file cannot be read, or is named nowhere.
    """
    from distributed import Security

    named = {_TLS_FILES[name]: path for name, path in files.items()}
    secured = Security(require_encryption=True, **named)
    try:
        context = secured.get_connection_args("client")["ssl_context"]
    except OSError as failure:
        shown = ", ".join(f"{name}={path}" for name, path in files.items())
        what = f"the files of TLS cannot be used ({failure.strerror or failure})"
        raise UsageError.because("--executor", what, shown, _TLS_FORM) from failure
    if context is None:
        what = "TLS needs an authority and a certificate"
        raise UsageError.because("--executor", what, ", ".join(files) or "none is named", _TLS_FORM)
    return secured
