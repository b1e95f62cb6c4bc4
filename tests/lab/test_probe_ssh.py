"""The agent over real SSH: an sshd in a namespace of its own, strict host keys."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import segaudit
from segaudit.probe.agents import Agents
from segaudit.probe.transport import SshTransport

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make a network namespace"),
    pytest.mark.skipif(not Path(SSHD).exists(), reason="needs sshd (openssh-server)"),
]

JOB = {
    "authorised_by": "ciso@parent.example",
    "targets": ["192.0.2.0/24"],
    "sends": True,
    "spoofs": False,
    "rate": 100,
    "rate_per_destination": 10,
    "stop_after_seconds": 60,
    "towards": [],
}


@dataclass(frozen=True, slots=True)
class Inside:
    """A transport started inside the namespace that the sshd listens in."""

    pid: int
    inner: SshTransport

    def command(self) -> list[str]:
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *self.inner.command()]

    def environment(self) -> Mapping[str, str]:
        return self.inner.environment()


@dataclass(frozen=True, slots=True)
class Server:
    pid: int
    folder: Path

    def transport(self, known_hosts: str = "known_hosts") -> Inside:
        package = Path(segaudit.__file__).resolve().parent.parent
        ssh = SshTransport(
            "127.0.0.1",
            user="root",
            port=2222,
            key_file=str(self.folder / "user"),
            known_hosts_file=str(self.folder / known_hosts),
            python=sys.executable,
            privilege=("env", f"PYTHONPATH={package}"),
        )
        return Inside(self.pid, ssh)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    for name in ("host", "user", "other"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)]
        subprocess.run(command, check=True)
    for name, key in (("known_hosts", "host"), ("wrong_hosts", "other")):
        public = (tmp_path / f"{key}.pub").read_text()
        (tmp_path / name).write_text(f"[127.0.0.1]:2222 {public}")
    (tmp_path / "config").write_text(
        f"ListenAddress 127.0.0.1\nPort 2222\nHostKey {tmp_path}/host\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {tmp_path}/user.pub\nStrictModes no\nPermitRootLogin prohibit-password\n"
        # An empty home: the start-up files of whoever runs the tests are no part of them.
        f"SetEnv HOME={tmp_path}\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", "-n", "sh", "-c"]
    daemon = subprocess.Popen(
        [*command, f"ip link set lo up && exec {SSHD} -D -E {tmp_path}/log -f {tmp_path}/config"]
    )
    try:
        _await_port(daemon)
        yield Server(daemon.pid, tmp_path)
    finally:
        daemon.kill()
        daemon.wait()


def _await_port(daemon: subprocess.Popen[bytes]) -> None:
    listening = "0100007F:08AE"
    for _ in range(500):
        assert daemon.poll() is None, "sshd ended"
        with contextlib.suppress(OSError):
            if listening in Path(f"/proc/{daemon.pid}/net/tcp").read_text():
                return
        time.sleep(0.01)
    pytest.fail("sshd does not listen")


def test_an_agent_over_ssh_takes_its_job_and_ends_when_its_pipe_closes(server: Server) -> None:
    agents = Agents(lambda *_: None)
    try:
        agents.start("host", server.transport())
        begun = agents.wait([agents.ask("host", "begin", job=JOB)], 30)
    finally:
        agents.stop()
    assert agents.dead == {}
    (answer,) = begun.values()
    assert answer["version"] == segaudit.__version__
    assert [each["name"] for each in answer["interfaces"]] == ["lo"]
    _assert_gone(answer["pid"])


def _assert_gone(pid: int) -> None:
    for _ in range(300):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.01)
    pytest.fail(f"agent {pid} outlived its session")


def test_a_changed_host_key_ends_the_login(server: Server) -> None:
    agents = Agents(lambda *_: None)
    try:
        agents.start("host", server.transport("wrong_hosts"))
        assert agents.wait([agents.ask("host", "begin", job=JOB)], 30) == {}
    finally:
        agents.stop()
    assert "Host key verification failed" in agents.dead["host"]
