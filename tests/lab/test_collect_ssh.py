"""Collection over real SSH: an OpenSSH sshd on the loopback, real commands, real failures."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import pwd
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import paramiko  # type: ignore[import-untyped]
import pytest

from segaudit.collect.credentials import CredentialKind, CredentialReference, Keychain
from segaudit.collect.inventory import Inventory, InventoryDevice
from segaudit.collect.run import Progress, collect
from segaudit.collect.session import Limits
from segaudit.collect.transport import NetworkNamespace
from segaudit.documents.snapshot_folder import read_snapshot, write_snapshot
from segaudit.model.snapshot import Platform, RawConfig, RawFile, RawSnapshot, ShowCommand
from segaudit.parse import parse_device, platforms

ACCOUNT = pwd.getpwuid(os.getuid())
USER = ACCOUNT.pw_name
SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(
        ACCOUNT.pw_shell.endswith(("nologin", "false")), reason="this account has no shell to log in to"
    ),
    pytest.mark.skipif(
        SSHD is None or shutil.which("ssh-keygen") is None, reason="OpenSSH is not installed"
    ),
]

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
QUICK = Limits(connect_seconds=10, command_seconds=20, device_seconds=60, attempts=1)
HOSTNAME = ShowCommand("hostname.txt", "uname -n")


@dataclass(frozen=True)
class Server:
    """A running sshd and what a client needs of it."""

    port: int
    known_hosts: Path
    fingerprint: str
    key: Path


def _keypair(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


def _fingerprint(path: Path) -> str:
    shown = subprocess.run(
        ["ssh-keygen", "-lf", path.with_suffix(".pub")], check=True, capture_output=True, text=True
    )
    return shown.stdout.split()[1]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _sshd(folder: Path, *settings: str, in_namespace: int | None = None) -> Iterator[Server]:
    folder.mkdir(exist_ok=True)
    host_key, client_key, port = _keypair(folder / "host"), _keypair(folder / "client"), _free_port()
    config = folder / "sshd_config"
    config.write_text(
        "\n".join(
            (
                *settings,
                f"Port {port}",
                "ListenAddress 127.0.0.1",
                f"HostKey {host_key}",
                f"PidFile {folder / 'pid'}",
                f"AuthorizedKeysFile {client_key}.pub",
                "StrictModes no",
                "UsePAM no",
                "PrintMotd no",
                f"SetEnv HOME={folder}",  # the account's own start-up files are not the test's
                "PasswordAuthentication no",
                "KbdInteractiveAuthentication no",
                "",
            )
        )
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    enter = [] if in_namespace is None else ["nsenter", f"--net=/proc/{in_namespace}/ns/net"]
    log = (folder / "sshd.log").open("w")
    server = subprocess.Popen([*enter, str(SSHD), "-D", "-e", "-f", str(config)], stderr=log)
    try:
        _await_banner(server, folder / "pid", folder / "sshd.log")
        key_type, key = host_key.with_suffix(".pub").read_text().split()[:2]
        known = folder / "known_hosts"
        known.write_text(f"[127.0.0.1]:{port} {key_type} {key}\n")
        yield Server(port, known, _fingerprint(host_key), client_key)
    finally:
        server.terminate()
        server.wait(10)
        log.close()


def _await_banner(server: subprocess.Popen[bytes], pid_file: Path, log: Path) -> None:
    for _ in range(200):
        if pid_file.exists():
            return
        if server.poll() is not None:
            pytest.skip(f"sshd does not start here: {log.read_text().strip()}")
        time.sleep(0.05)
    raise AssertionError(f"sshd wrote no pid file: {log.read_text()}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with _sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


def _device(server: Server, name: str = "r1", **changes: object) -> InventoryDevice:
    key = CredentialReference(CredentialKind.KEY_FILE, str(server.key))
    device = InventoryDevice(
        name,
        "127.0.0.1",
        "linux",
        server.port,
        USER,
        (key,),
        {"site": "berlin"},
        server.known_hosts,
    )
    return replace(device, **changes)  # type: ignore[arg-type]


def _collect(
    devices: list[InventoryDevice],
    *commands: ShowCommand,
    limits: Limits = QUICK,
    platform: Platform | None = None,
    keychain: Keychain | None = None,
    deadline_seconds: float | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> RawSnapshot:
    chosen = platform or Platform("linux", "linux", commands or (HOSTNAME,))
    return asyncio.run(
        collect(
            Inventory("inventory.yaml", tuple(devices)),
            {"linux": chosen},
            limits=limits,
            keychain=keychain,
            deadline_seconds=deadline_seconds,
            now=lambda: NOW,
            progress=progress,
        )
    )


def _reason(snapshot: RawSnapshot) -> str:
    assert snapshot.configs == ()
    assert len(snapshot.failures) == 1
    return snapshot.failures[0].reason


# ---- what works


def test_output_is_kept_byte_for_byte(server: Server, tmp_path: Path) -> None:
    config = tmp_path / "frr.conf"
    content = (
        "hostname r1\n\n! \x1b[31mred\x1b[0m\ttab  \r\nr1#\nroot@r1:~# \n$ \n% Invalid\n\xfcml\xe4ut\n  end"
    )
    config.write_bytes(content.encode())
    snapshot = _collect([_device(server)], HOSTNAME, ShowCommand("frr.conf", f"cat {config}"))

    assert snapshot.failures == ()
    (raw,) = snapshot.configs
    assert (raw.device, raw.platform, raw.labels) == ("r1", "linux", {"site": "berlin"})
    assert raw.host_key_fingerprint == server.fingerprint
    name, stored = raw.files
    assert name.text == os.uname().nodename + "\n"
    assert stored.text == content
    assert stored.sha256 == hashlib.sha256(content.encode()).hexdigest()
    assert (stored.path, stored.command) == ("devices/r1/frr.conf", f"cat {config}")
    assert (stored.exit_status, stored.taken_at, stored.stderr) == (0, "2026-01-02T03:04:05Z", "")


def test_a_collected_snapshot_survives_the_disk(server: Server, tmp_path: Path) -> None:
    snapshot = _collect([_device(server, "b"), _device(server, "a", port=_free_port())])
    write_snapshot(tmp_path / "snapshot", snapshot)
    read = read_snapshot(tmp_path / "snapshot")
    assert read == replace(snapshot, root=str(tmp_path / "snapshot"))
    assert [config.device for config in read.configs] == ["b"]
    assert [failure.device for failure in read.failures] == ["a"]


def test_single_quotes_reach_the_program(server: Server) -> None:
    command = r"sysctl -a -r '^net\.ipv[46]\.(ip_forward|conf\..*\.(forwarding|rp_filter))$'"
    if shutil.which("sysctl", path="/usr/sbin:/sbin") is None:
        pytest.skip("sysctl is not installed")
    (raw,) = _collect([_device(server)], ShowCommand("sysctl.txt", command)).configs
    lines = raw.files[0].text.splitlines()
    assert any(line.startswith("net.ipv4.conf.all.forwarding = ") for line in lines)
    assert all(line.split(" ")[0].endswith(("ip_forward", "forwarding", "rp_filter")) for line in lines)


def test_thirty_devices_at_once_in_spite_of_max_startups(server: Server) -> None:
    """sshd drops connections at random from the tenth on (MaxStartups 10:30:100)."""
    devices = [_device(server, f"r{number:02}") for number in range(30)]
    seen: list[Progress] = []
    snapshot = _collect(devices, limits=replace(QUICK, attempts=6), progress=seen.append)
    assert snapshot.failures == ()
    assert [config.device for config in snapshot.configs] == [device.name for device in devices]
    assert [event.done for event in seen if event.state == "collected"] == list(range(1, 31))


def test_warnings_are_kept_apart_from_the_output(server: Server, tmp_path: Path) -> None:
    """`cat` of a good and a missing file fails, and an optional command keeps both streams."""
    good = tmp_path / "good"
    good.write_text("good\n")
    command = ShowCommand("two.txt", f"cat {good} {tmp_path}/missing", optional=True)
    (raw,) = _collect([_device(server)], command).configs
    assert raw.files[0].exit_status == 1
    assert raw.files[0].text.startswith("good\ncat: ")
    assert "No such file" in raw.files[0].text


# ---- absent programs


def test_an_absent_optional_program_is_recorded(server: Server) -> None:
    (raw,) = _collect(
        [_device(server)], HOSTNAME, ShowCommand("v.txt", "show version", optional=True)
    ).configs
    absent = raw.files[1]
    assert absent.exit_status == 127
    assert "No such file" in absent.text


def test_an_absent_mandatory_program_fails_the_device(server: Server) -> None:
    reason = _reason(_collect([_device(server)], ShowCommand("v.txt", "show version")))
    assert "`show version` failed with status 127" in reason


# ---- failures, each with its own reason


def test_a_changed_host_key(server: Server, tmp_path: Path) -> None:
    other = _keypair(tmp_path / "other")
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.port} {other.with_suffix('.pub').read_text()}")
    reason = _reason(_collect([_device(server, known_hosts=known)]))
    assert "changed" in reason
    assert _fingerprint(other) in reason
    assert server.fingerprint in reason


def test_an_unknown_host_key(server: Server, tmp_path: Path) -> None:
    reason = _reason(_collect([_device(server, known_hosts=tmp_path / "absent")]))
    assert reason.startswith(f"the host key of [127.0.0.1]:{server.port} is not known")
    assert server.fingerprint in reason


def test_a_revoked_host_key(server: Server, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    line = server.known_hosts.read_text()
    known.write_text(f"{line}@revoked {line}")
    assert "is not known" in _reason(_collect([_device(server, known_hosts=known)]))


def test_a_pinned_host_key(server: Server, tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    good = _collect([_device(server, known_hosts=absent, host_key=server.fingerprint)])
    assert good.configs[0].host_key_fingerprint == server.fingerprint
    wrong = "SHA256:" + "A" * 43
    assert f"pinned is {wrong}" in _reason(_collect([_device(server, host_key=wrong)]))


def test_a_closed_port_is_tried_again(server: Server) -> None:
    seen: list[Progress] = []
    limits = replace(QUICK, attempts=2)
    snapshot = _collect([_device(server, port=_free_port())], limits=limits, progress=seen.append)
    assert "connection refused" in _reason(snapshot)
    assert [event.state for event in seen] == ["started", "retrying", "started", "failed"]
    assert snapshot.failures[0].labels == {"site": "berlin"}


def test_a_name_that_does_not_exist(server: Server) -> None:
    assert "is not known" in _reason(_collect([_device(server, host="no-such-host.invalid")]))


def test_a_key_that_is_not_authorised(server: Server, tmp_path: Path) -> None:
    key = CredentialReference(CredentialKind.KEY_FILE, str(_keypair(tmp_path / "stranger")))
    seen: list[Progress] = []
    limits = replace(QUICK, attempts=3)
    snapshot = _collect([_device(server, credentials=(key,))], limits=limits, progress=seen.append)
    assert _reason(snapshot) == f"authentication of '{USER}' at [127.0.0.1]:{server.port} failed"
    assert [event.state for event in seen] == ["started", "failed"], (
        "an account must not be locked by retries"
    )


def test_no_credential_at_all(server: Server) -> None:
    assert "no credential given" in _reason(_collect([_device(server, credentials=())]))


def test_a_missing_key_file_and_a_missing_variable(server: Server, tmp_path: Path) -> None:
    key = CredentialReference(CredentialKind.KEY_FILE, str(tmp_path / "absent"))
    assert "no such key file" in _reason(_collect([_device(server, credentials=(key,))]))
    variable = CredentialReference(CredentialKind.ENVIRONMENT, "NOT_SET")
    reason = _reason(_collect([_device(server, credentials=(variable,))], keychain=Keychain({})))
    assert reason == "env:NOT_SET gives no secret"


def test_a_key_with_a_passphrase(server: Server, tmp_path: Path) -> None:
    key = tmp_path / "client"
    shutil.copy(server.key, key)
    key.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "open sesame", "-f", key], check=True)
    file = CredentialReference(CredentialKind.KEY_FILE, str(key))
    phrase = CredentialReference(CredentialKind.ENVIRONMENT, "PHRASE")
    assert "private key is encrypted" in _reason(_collect([_device(server, credentials=(file,))]))
    chain = Keychain({"PHRASE": "open sesame"})
    assert _collect([_device(server, credentials=(file, phrase))], keychain=chain).configs


def test_an_unknown_platform(server: Server) -> None:
    assert "no support for the platform 'ios'" in _reason(_collect([_device(server, platform="ios")]))


def test_the_agent(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("ssh-agent") is None or shutil.which("ssh-add") is None:
        pytest.skip("ssh-agent is not installed")
    place = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", place], stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if place.exists():
                break
            time.sleep(0.05)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
        by_agent = _device(server, credentials=(CredentialReference(CredentialKind.AGENT),))
        assert "authentication" in _reason(_collect([by_agent])), "an empty agent opens nothing"
        subprocess.run(["ssh-add", "-q", server.key], check=True, capture_output=True)
        assert _collect([by_agent]).configs
    finally:
        agent.terminate()
        agent.wait(10)


class _PasswordOnly(paramiko.ServerInterface):  # type: ignore[misc]
    """An SSH server for one account with a password, which runs what it is told to."""

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_auth_password(self, username: str, password: str) -> int:
        good = (username, password) == ("audit", "open sesame")
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED  # type: ignore[no-any-return]

    def check_channel_request(self, kind: str, number: int) -> int:
        return paramiko.OPEN_SUCCEEDED  # type: ignore[no-any-return]

    def check_channel_pty_request(self, *asked: object) -> bool:
        return True

    def check_channel_shell_request(self, channel: object) -> bool:
        return True

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        def run() -> None:
            done = subprocess.run(["sh", "-c", command], capture_output=True)
            channel.sendall(done.stdout)
            channel.sendall_stderr(done.stderr)
            channel.send_exit_status(done.returncode)
            channel.shutdown_write()  # the client closes: ours could overtake the reply to its request

        threading.Thread(target=run, daemon=True).start()
        return True


@contextmanager
def _password_server(folder: Path) -> Iterator[Server]:
    key = paramiko.Ed25519Key.from_private_key_file(str(_keypair(folder / "host")))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        stop = threading.Event()
        transports: list[paramiko.Transport] = []

        def serve() -> None:
            while True:
                peer, _ = listener.accept()
                if stop.is_set():
                    peer.close()
                    return
                transport = paramiko.Transport(peer)
                transport.add_server_key(key)
                transport.start_server(server=_PasswordOnly())
                transports.append(transport)

        thread = threading.Thread(target=serve)
        thread.start()
        known = folder / "known_hosts"
        known.write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
        try:
            yield Server(port, known, _fingerprint(folder / "host"), folder / "host")
        finally:
            stop.set()
            socket.create_connection(("127.0.0.1", port)).close()
            thread.join(10)
            for transport in transports:
                transport.close()


def test_a_password(tmp_path: Path) -> None:
    reference = (CredentialReference(CredentialKind.ENVIRONMENT, "P"),)
    with _password_server(tmp_path) as server:
        device = _device(server, username="audit", credentials=reference)
        good = _collect([device], keychain=Keychain({"P": "open sesame"}))
        assert good.configs[0].files[0].text == os.uname().nodename + "\n"
        bad = _collect([device], keychain=Keychain({"P": "open barley"}))
        assert _reason(bad) == f"authentication of 'audit' at [127.0.0.1]:{server.port} failed"
        typed = _device(server, username="audit", credentials=(CredentialReference(CredentialKind.ASK),))
        assert _collect([typed], keychain=Keychain({}, lambda prompt: "open sesame")).configs


# ---- devices that misbehave


@contextmanager
def _never_ending(folder: Path) -> Iterator[Path]:
    """A pipe that whoever reads it waits for; afterwards its readers, in sessions of their own, end."""
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    try:
        yield pipe
    finally:
        writer = os.open(pipe, os.O_RDWR)
        pipe.unlink()  # a reader that comes late finds nothing to wait for
        os.close(writer)


def test_a_command_that_hangs(server: Server, tmp_path: Path) -> None:
    limits = replace(QUICK, command_seconds=1)
    with _never_ending(tmp_path) as pipe:
        snapshot = _collect(
            [_device(server, "r1"), _device(server, "r2")],
            HOSTNAME,
            ShowCommand("p.txt", f"cat {pipe}"),
            limits=limits,
        )
    assert {failure.reason for failure in snapshot.failures} == {
        f"`cat {pipe}` gave no complete output within 1 s"
    }


def test_one_that_hangs_does_not_take_the_others_along(server: Server) -> None:
    with _mute() as port:
        limits = replace(QUICK, login_seconds=1)
        snapshot = _collect([_device(server, "good"), _device(server, "mute", port=port)], limits=limits)
    assert [config.device for config in snapshot.configs] == ["good"]
    assert "does not answer as an SSH server" in snapshot.failures[0].reason


def test_binary_output(server: Server, tmp_path: Path) -> None:
    nul, latin = tmp_path / "nul", tmp_path / "latin"
    nul.write_bytes(b"text\0more")
    latin.write_bytes(b"caf\xe9\n")
    assert "NUL at byte 4" in _reason(_collect([_device(server)], ShowCommand("b", f"cat {nul}")))
    assert "not UTF-8: byte 3" in _reason(_collect([_device(server)], ShowCommand("b", f"cat {latin}")))


def test_output_without_end(server: Server) -> None:
    limits = replace(QUICK, output_bytes=5_000_000)
    reason = _reason(_collect([_device(server)], ShowCommand("zero", "cat /dev/zero"), limits=limits))
    assert reason == "`cat /dev/zero` gave more than 5,000,000 bytes"


def test_large_output_arrives_whole(server: Server, tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_text("".join(f"route {number}\n" for number in range(1_000_000)))
    (raw,) = _collect([_device(server)], ShowCommand("big", f"cat {big}")).configs
    assert raw.files[0].text == big.read_text()


def test_a_missing_end_marker(server: Server, tmp_path: Path) -> None:
    config = tmp_path / "config"
    command = ShowCommand("config", f"cat {config}", end_marker="end")
    config.write_text("hostname r1\nend\ninterface eth0\n")
    assert "its end marker is missing" in _reason(_collect([_device(server)], command))
    config.write_text("hostname r1\nend\n")
    assert _collect([_device(server)], command).configs


def test_a_command_that_is_killed(tmp_path: Path) -> None:
    with _sshd(tmp_path / "d", "ForceCommand echo half; kill -9 $$") as server:
        assert "did not end by itself" in _reason(_collect([_device(server)]))


def test_an_account_whose_start_up_files_print(tmp_path: Path) -> None:
    command = 'ForceCommand echo "Welcome to r1"; eval "$SSH_ORIGINAL_COMMAND"'
    with _sshd(tmp_path / "d", command) as server:
        reason = _reason(_collect([_device(server)]))
    assert reason == "the account's start-up files print, which spoils every output: 'Welcome to r1'"


def test_the_deadline_of_a_device(tmp_path: Path) -> None:
    with _never_ending(tmp_path) as pipe, _sshd(tmp_path / "d", f"ForceCommand cat {pipe}") as server:
        limits = replace(QUICK, device_seconds=1.5)
        assert _reason(_collect([_device(server)], limits=limits)) == "not done within 1.5 s"


def test_the_deadline_of_the_run(tmp_path: Path) -> None:
    with _never_ending(tmp_path) as pipe, _sshd(tmp_path / "d", f"ForceCommand cat {pipe}") as server:
        snapshot = _collect(
            [_device(server)], deadline_seconds=1.5, limits=replace(QUICK, device_seconds=5)
        )
        assert "run's deadline" in _reason(snapshot)


@contextmanager
def _mute() -> Iterator[int]:
    """A port that accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@contextmanager
def _babbling() -> Iterator[int]:
    """A port that sends noise without end."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def babble() -> None:
            peer, _ = listener.accept()
            with peer:
                while not stop.is_set():
                    try:
                        peer.sendall(os.urandom(4096).replace(b"S", b"") + b"\n")
                    except OSError:
                        return

        thread = threading.Thread(target=babble)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.set()
            with socket.socket() as wake:
                wake.connect_ex(listener.getsockname())
            thread.join()


def test_a_port_that_babbles(server: Server) -> None:
    with _babbling() as port:
        limits = replace(QUICK, login_seconds=2, device_seconds=20)
        assert _reason(_collect([_device(server, port=port)], limits=limits))


# ---- a network CLI


RUNNING_TEXT = "hostname r1\nbanner motd ^C\nr1#\n^C\nip route 0.0.0.0/0 192.0.2.1\nend\n"
CLI = """
import sys, time
prompt = "r1#"
answers = {
    "terminal length 0": "",
    "terminal width 511": "",
    "show running-config": RUNNING_TEXT.replace("r1#", "r1#@"),
    "show version": "% Invalid input detected at '^' marker.\\n",
}
out = sys.stdout
out.write(prompt); out.flush()
for line in sys.stdin:
    command = line.strip()
    while command == "show endless":
        out.write("x" * 1000 + "\\n")
    for part in answers.get(command, "% Unknown command\\n" if command else "").split("@"):
        out.write(part); out.flush()
        time.sleep(PAUSE if part.endswith("r1#") else 0)
    out.write(prompt); out.flush()
"""


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Callable[[float], Server]]:
    """A device whose login is a CLI with a prompt, and a config that holds the prompt as a line."""
    open_servers = []

    def start(pause: float) -> Server:
        script = tmp_path / "cli.py"
        script.write_text(
            CLI.replace("PAUSE if", f"{pause} if").replace("RUNNING_TEXT", repr(RUNNING_TEXT))
        )
        context = _sshd(tmp_path / "cli", f"ForceCommand {sys.executable} -u {script}")
        open_servers.append(context)
        return context.__enter__()

    yield start
    for context in open_servers:
        context.__exit__(None, None, None)


RUNNING = ShowCommand("running-config.txt", "show running-config", end_marker="end")


def test_a_banner_that_looks_like_the_prompt_does_not_cut_the_config(
    cli: Callable[[float], Server],
) -> None:
    server = cli(1.0)
    platform = Platform("linux", "cisco_ios", (RUNNING,))
    (raw,) = _collect([_device(server)], platform=platform).configs
    assert raw.files[0].text == RUNNING_TEXT
    assert raw.files[0].exit_status is None


def test_a_cli_that_does_not_know_a_command(cli: Callable[[float], Server]) -> None:
    server = cli(0.0)
    optional = ShowCommand("version.txt", "show version", optional=True, end_marker="end")
    (raw,) = _collect(
        [_device(server)], platform=Platform("linux", "cisco_ios", (optional, RUNNING))
    ).configs
    assert raw.files[0].exit_status == 127
    assert raw.files[0].text.startswith("% Invalid input")
    assert raw.files[1].text.endswith("end\n")
    mandatory = replace(optional, optional=False)
    reason = _reason(_collect([_device(server)], platform=Platform("linux", "cisco_ios", (mandatory,))))
    assert "% Invalid input" in reason


def test_a_cli_that_floods(cli: Callable[[float], Server]) -> None:
    server = cli(0.0)
    platform = Platform("linux", "cisco_ios", (ShowCommand("x", "show endless"),))
    limits = replace(QUICK, output_bytes=2_000_000)
    assert "more than 2,000,000 bytes" in _reason(
        _collect([_device(server)], platform=platform, limits=limits)
    )


# ---- from inside a network namespace


@pytest.fixture
def namespace() -> Iterator[int]:
    """The process that holds a network namespace of its own, with a loopback that is up."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("nsenter") is None:
        pytest.skip("needs root and util-linux's unshare and nsenter")
    holder = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "ip link set lo up && echo ready && exec sleep 300"],
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        if holder.stdout.readline() != b"ready\n":
            pytest.skip("no network namespaces here")
        yield holder.pid
    finally:
        holder.terminate()
        holder.wait(10)


def _there(namespace: int) -> NetworkNamespace:
    return NetworkNamespace(Path(f"/proc/{namespace}/ns/net"))


def test_through_a_network_namespace(server: Server, namespace: int, tmp_path: Path) -> None:
    """The same address and port: refused outside of the namespace, answered inside."""
    with _sshd(tmp_path / "inside", in_namespace=namespace) as inside:
        devices = [
            _device(inside, "inside", transport=_there(namespace)),
            _device(inside, "outside"),
            _device(server, "still-outside"),
        ]
        snapshot = _collect(devices)
    assert [config.device for config in snapshot.configs] == ["inside", "still-outside"]
    assert [failure.device for failure in snapshot.failures] == ["outside"]
    gone = NetworkNamespace(tmp_path / "gone")
    assert "No such file" in _reason(_collect([_device(server, transport=gone)]))


# ---- commands that follow from an answer


def _following(*commands: ShowCommand) -> Platform:
    """A platform that asks ``commands`` of whoever has said this machine's name."""

    def follow_ups(files: Sequence[RawFile]) -> tuple[ShowCommand, ...]:
        return commands if [file.text for file in files] == [os.uname().nodename + "\n"] else ()

    return Platform("linux", "linux", (HOSTNAME,), follow_ups)


def test_a_command_that_follows_from_an_answer(server: Server, tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.write_text("more\n")
    platform = _following(
        ShowCommand("more.txt", f"cat {more}"),
        ShowCommand("absent.txt", f"cat {tmp_path}/absent", optional=True),
    )
    (raw,) = _collect([_device(server)], platform=platform).configs
    assert [file.name for file in raw.files] == ["hostname.txt", "more.txt", "absent.txt"]
    assert [file.exit_status for file in raw.files] == [0, 0, 1]
    assert raw.files[1].text == "more\n"


def test_a_command_that_follows_and_does_more_than_read_is_not_run(server: Server, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    command = f"tc filter show dev eth0; touch {touched}"
    platform = _following(ShowCommand("a.txt", "cat /dev/null"), ShowCommand("b.txt", command))
    reason = _reason(_collect([_device(server)], platform=platform))
    assert reason == f"not a known read-only command: {command!r}"
    assert not touched.exists()


# ---- the Linux platform, on this kernel


LINUX = platforms()["linux"]
FQ_CODEL = """[ {
        "kind": "noqueue",
        "handle": "0:",
        "dev": "lo",
        "root": true,
        "refcnt": 2,
        "options": {}
    },{
        "kind": "fq_codel",
        "handle": "0:",
        "dev": "eth1",
        "root": true,
        "refcnt": 2,
        "options": {
            "limit": 10240,
            "flows": 1024,
            "quantum": 1514,
            "target": 4999,
            "interval": 99999,
            "memory_limit": 33554432,
            "ecn": true,
            "drop_batch": 64
        }
    } ]
"""
"""What ``tc`` of iproute2 6.1 prints for a virtual machine's only card."""


def _inside(namespace: int, command: str) -> bool:
    """True where the command succeeds in the namespace."""
    enter = ["nsenter", f"--net=/proc/{namespace}/ns/net", "sh", "-c", command]
    return subprocess.run(enter, capture_output=True, check=False).returncode == 0


def _needs(*programs: str) -> None:
    for program in programs:
        if shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None:
            pytest.skip(f"not installed: {program}")


@pytest.fixture
def router(namespace: int) -> int:
    """A namespace with a wire, eth1 to eth2."""
    _needs("ip", "tc", "sysctl")
    assert _inside(namespace, "ip link add eth1 type veth peer name eth2")
    return namespace


def _collected(namespace: int, folder: Path, qdiscs: str = "") -> RawConfig:
    """All that the Linux platform reads of the namespace; ``qdiscs`` is a recorded answer of ``tc``."""
    settings: tuple[str, ...] = ()
    if qdiscs:
        (folder / "qdiscs").write_text(qdiscs)
        asked = '*" tc -j -p qdisc show"'
        answer = f'case "$SSH_ORIGINAL_COMMAND" in {asked}) cat {folder}/qdiscs;;'
        settings = (f'ForceCommand {answer} *) eval "$SSH_ORIGINAL_COMMAND";; esac',)
    with _sshd(folder / "router", *settings, in_namespace=namespace) as server:
        snapshot = _collect([_device(server, transport=_there(namespace))], platform=LINUX)
    assert snapshot.failures == ()
    write_snapshot(folder / "snapshot", snapshot)
    return snapshot.configs[0]


def _doubts(raw: RawConfig) -> list[str]:
    return [line.reason for line in parse_device(raw).lines if not line.bounded]


def _filters_asked(raw: RawConfig) -> list[str]:
    return [file.command for file in raw.files if " filter " in file.command]


def test_a_card_with_a_plain_queue_is_no_doubt(router: int, tmp_path: Path) -> None:
    raw = _collected(router, tmp_path, FQ_CODEL)
    assert _filters_asked(raw) == ["tc -j -p filter show dev eth1"]
    listed = raw.file("tc-filter-eth1.json")
    assert listed is not None
    assert (listed.text.split(), listed.exit_status) == (["[", "]"], 0)
    assert _doubts(raw) == []


def test_a_card_with_this_kernel_s_own_queue_is_no_doubt(router: int, tmp_path: Path) -> None:
    if not _inside(router, "tc qdisc replace dev eth1 root fq_codel"):
        pytest.skip("this kernel has no fq_codel")
    raw = _collected(router, tmp_path)
    assert _filters_asked(raw) == ["tc -j -p filter show dev eth1"]
    assert _doubts(raw) == []


def test_a_card_with_a_filter_is_a_doubt(router: int, tmp_path: Path) -> None:
    """A real filter, on a queue that this kernel has."""
    mirror = "protocol ip u32 match u32 0 0 action mirred egress mirror dev eth2"
    if not _inside(router, f"tc qdisc add dev eth1 root htb && tc filter add dev eth1 {mirror}"):
        pytest.skip("this kernel has no htb, u32 or mirred")
    raw = _collected(router, tmp_path, FQ_CODEL)
    listed = raw.file("tc-filter-eth1.json")
    assert listed is not None and "mirred" in listed.text
    assert "fq_codel on eth1 may hold filters that redirect or rewrite packets" in _doubts(raw)


def test_an_interface_that_went_away_is_a_doubt(router: int, tmp_path: Path) -> None:
    raw = _collected(router, tmp_path, FQ_CODEL.replace("eth1", "eth9"))
    listed = raw.file("tc-filter-eth9.json")
    assert listed is not None and listed.exit_status == 1
    assert "fq_codel on eth9 may hold filters that redirect or rewrite packets" in _doubts(raw)


def test_names_of_interfaces_are_never_run(router: int, tmp_path: Path) -> None:
    """Through a real shell: a listing full of commands leaves no trace, and its device doubtful."""
    touched = tmp_path / "touched"
    names = [
        *(f"eth1;touch {touched}", f"$(touch {touched})", f"`touch {touched}`", f"eth1\ntouch {touched}"),
        *(f"eth1|touch {touched}", f"eth1&&touch {touched}", f"eth1>{touched}", f"' ; touch {touched} ; '"),
        *("../../touched", "-batch", "eth1", "eth1"),
    ]
    listing = [{"kind": "fq_codel", "handle": "0:", "dev": name, "root": True} for name in names]
    raw = _collected(router, tmp_path, json.dumps(listing))
    assert not touched.exists()
    assert _filters_asked(raw) == ["tc -j -p filter show dev eth1"]
    assert len([doubt for doubt in _doubts(raw) if doubt.startswith("fq_codel on ")]) == 10


def test_the_bytecode_of_the_rules_is_collected(router: int, tmp_path: Path) -> None:
    _needs("nft")
    if not _inside(router, "nft 'table inet t { chain c { tcp dport 22 accept; }; }'"):
        pytest.skip("this kernel has no nftables")
    listed = _collected(router, tmp_path).file("nftables-netlink.txt")
    assert listed is not None
    assert (listed.command, listed.exit_status) == ("nft --debug=netlink list ruleset", 0)
    assert "[ meta load l4proto => reg 1 ]" in listed.text
    assert "tcp dport 22 accept" in listed.text


# ---- secrets


def test_no_secret_in_any_output(
    server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Wrong password, right key: neither shows in results, files, logs or on the terminal."""
    secret = "correct-horse-battery"
    password = CredentialReference(CredentialKind.ENVIRONMENT, "AUDIT_PASSWORD")
    key = CredentialReference(CredentialKind.KEY_FILE, str(server.key))
    seen: list[Progress] = []
    for name in ("paramiko", "netmiko"):
        logging.getLogger(name).addHandler(caplog.handler)
    caplog.set_level(logging.DEBUG)
    try:
        snapshot = _collect(
            [
                _device(server, "a", credentials=(password,)),
                _device(server, "b", credentials=(key, password)),
            ],
            keychain=Keychain({"AUDIT_PASSWORD": secret}),
            progress=seen.append,
        )
    finally:
        for name in ("paramiko", "netmiko"):
            logging.getLogger(name).removeHandler(caplog.handler)
    write_snapshot(tmp_path / "snapshot", snapshot)
    written = b"".join(path.read_bytes() for path in (tmp_path / "snapshot").rglob("*") if path.is_file())
    terminal = capfd.readouterr()
    private = server.key.read_text().splitlines()[1]
    assert [failure.device for failure in snapshot.failures] == ["a"]
    assert caplog.text, "the libraries logged something to look through"
    for place in (repr(snapshot), repr(seen), written.decode(), terminal.out + terminal.err, caplog.text):
        assert secret not in place
        assert private not in place


def test_the_libraries_print_nothing(server: Server) -> None:
    """In a fresh process, without any logging set up: paramiko's own traceback must not show."""
    with _mute() as port:
        script = f"""
import asyncio
from pathlib import Path
from segaudit.collect.inventory import Inventory, InventoryDevice
from segaudit.collect.run import collect
from segaudit.collect.session import Limits
from segaudit.model.snapshot import Platform, ShowCommand
known = Path({str(server.known_hosts)!r})
device = InventoryDevice("r1", "127.0.0.1", "linux", {port}, "root", known_hosts=known)
inventory = Inventory("i", (device,))
platform = Platform("linux", "linux", (ShowCommand("hostname.txt", "uname -n"),))
limits = Limits(login_seconds=1, attempts=1)
snapshot = asyncio.run(collect(inventory, {{"linux": platform}}, limits=limits))
assert len(snapshot.failures) == 1, snapshot
"""
        ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
