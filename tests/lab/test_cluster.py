"""A local Dask cluster: the same bytes, also where a worker is killed in mid-run, also over TLS."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from builders.worker_tasks import does_not_fit, squared
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from segaudit.documents.snapshot_folder import read_snapshot
from segaudit.errors import FilterCapacityError, RunError
from segaudit.executors import Means, workers
from segaudit.pipeline import check
from segaudit.report.json_result import render_json

pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

ROOT = Path(__file__).resolve().parents[2]
TOPOLOGY = ROOT / "topologies" / "acquisition"
AS_OF = date(2026, 11, 24)
PATIENCE_SECONDS = 60


@dataclass
class Cluster:
    """Its scheduler's address without a scheme, and its worker processes."""

    place: str
    workers: list[subprocess.Popen[bytes]]


@contextmanager
def _running(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of Dask's, ended with the block."""
    paths = os.pathsep.join(path for path in sys.path if path)
    process = subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def _cluster(folder: Path, count: int, security: Sequence[str] = ()) -> Iterator[Cluster]:
    scheme = "tls" if security else "tcp"
    file = folder / "scheduler.json"
    common = ("--no-dashboard", *security)
    with ExitStack() as stack:
        place = ("--host", f"{scheme}://127.0.0.1", "--port", "0", "--scheduler-file", str(file))
        stack.enter_context(_running("scheduler", *place, *common))
        _wait_for(lambda: file.exists() and "address" in json.loads(file.read_text() or "{}"))
        address = json.loads(file.read_text())["address"]
        found = [
            stack.enter_context(_running("worker", address, *_worker(folder, number), *common))
            for number in range(count)
        ]
        yield Cluster(address.partition("://")[2], found)


def _worker(folder: Path, number: int) -> tuple[str, ...]:
    own = str(folder / f"worker-{number}")
    return ("--no-nanny", "--nthreads", "2", "--name", str(number), "--local-directory", own)


def _wait_for(what: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < until, "the cluster does not come up"
        time.sleep(0.05)


def _wait_for_workers(address: str, count: int) -> None:
    """Until the scheduler knows all its workers."""
    _wait_for(lambda: _known(address) == count)


def _known(address: str) -> int:
    try:
        with workers(Means(address=address)) as hands:
            assert hands is not None
            return hands.count
    except RunError:
        return 0


def test_a_worker_killed_in_mid_run_changes_no_byte(tmp_path: Path) -> None:
    raw = read_snapshot(TOPOLOGY / "snapshot")
    alone = render_json(check(TOPOLOGY / "policy.yaml", raw, AS_OF).result)
    told = []
    with _cluster(tmp_path, 2) as cluster:
        address = f"dask://{cluster.place}"
        _wait_for_workers(address, 2)

        def kill_one(what: str, done: int, total: int) -> None:
            told.append((what, done, total))
            if what == "zones" and done == 1:
                cluster.workers[0].send_signal(signal.SIGKILL)
                cluster.workers[0].wait()

        means = Means(jobs=4, address=address, cache=tmp_path / "cache")
        audit = check(TOPOLOGY / "policy.yaml", raw, AS_OF, kill_one, means=means)
        assert cluster.workers[1].poll() is None
    assert ("zones", 1, 8) in told
    assert ("zones", 8, 8) in told
    assert cluster.workers[0].returncode == -signal.SIGKILL
    assert render_json(audit.result) == alone


def test_errors_of_tasks_and_of_the_cluster_have_their_names(tmp_path: Path) -> None:
    with _cluster(tmp_path, 1) as cluster:
        address = f"dask://{cluster.place}"
        _wait_for_workers(address, 1)
        with workers(Means(address=address)) as hands:
            assert hands is not None
            with pytest.raises(FilterCapacityError) as caught:
                hands.each(does_not_fit, [("r1",)])
            assert caught.value.device == "r1"
            assert hands.each(squared, [(n,) for n in range(5)]) == [0, 1, 4, 9, 16]
        cluster.workers[0].terminate()
        cluster.workers[0].wait()
        _wait_for(lambda: _known(address) == 0)
        with pytest.raises(RunError, match="no worker"), workers(Means(address=address)):
            raise AssertionError


def test_nobody_who_answers_is_an_error_of_the_run() -> None:
    import dask

    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(RunError, match="no cluster answers"),
        workers(Means(address="dask://127.0.0.1:1")),
    ):
        raise AssertionError


def test_a_cluster_over_tls_knows_its_client(tmp_path: Path) -> None:
    ours, theirs = _certificate(tmp_path, "ours"), _certificate(tmp_path, "theirs")
    security = ("--tls-ca-file", ours[0], "--tls-cert", ours[0], "--tls-key", ours[1])
    with _cluster(tmp_path, 1, security) as cluster:
        address = f"tls://{cluster.place}?ca={ours[0]}&cert={ours[0]}&key={ours[1]}"
        _wait_for_workers(address, 1)
        with workers(Means(address=address)) as hands:
            assert hands is not None
            assert hands.each(squared, [(7,)]) == [49]
        import dask

        foreign = f"tls://{cluster.place}?ca={ours[0]}&cert={theirs[0]}&key={theirs[1]}"
        for wrong in (foreign, f"dask://{cluster.place}"):
            with (
                dask.config.set({"distributed.comm.timeouts.connect": "2s"}),
                pytest.raises(RunError, match="no cluster answers"),
                workers(Means(address=wrong)),
            ):
                raise AssertionError


def _certificate(folder: Path, name: str) -> tuple[str, str]:
    """A certificate for 127.0.0.1 that is its own authority, and its key; the paths of both."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    name_of_host = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(name_of_host, critical=False)
        .sign(key, SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(paths[0]), str(paths[1])
