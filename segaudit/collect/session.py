"""One device, one session: its allow-listed commands run, their output kept byte for byte.

Netmiko connects, checks the host key and logs in. Then there are two ways to run a command:

- a POSIX shell (device type ``linux``): each command in an SSH exec channel of its own, without a
  terminal. Output and error output come apart and unaltered, the end of the output is the
  protocol's own (RFC 4254 section 6.10: exit-status, EOF), so nothing in the output can look like
  an end, and a connection lost half-way shows.
- any other device: an interactive shell, read until the prompt stands alone at the end of the
  output, the line has been quiet, and the platform's end marker stands before it. Netmiko's own
  reading stops at the first line that looks like the prompt, and says nothing (DESIGN §5).

Netmiko's session log is never used: it keeps what the device shows of its secrets.
"""

from __future__ import annotations

import logging
import re
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Any

from segaudit.collect.commands import NotReadOnly, refuse_unless_read_only
from segaudit.collect.credentials import Login
from segaudit.collect.failures import SessionFailed, classified
from segaudit.collect.host_keys import KnownHost, fingerprint, host_name, known_hosts_lines
from segaudit.collect.inventory_records import InventoryDevice
from segaudit.collect.transport import connect
from segaudit.documents.snapshot_folder import DEVICES, sha256_of
from segaudit.model.snapshot import Platform, RawConfig, RawFile, ShowCommand

EXEC_DEVICE_TYPES = frozenset({"linux"})
NOT_FOUND = 127
"""POSIX 2.8.2: the exit status of a command that was not found."""

_ENVIRONMENT = "env LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SUDO = "sudo -n"
_SUDO_NOT_FOUND = re.compile(r"^sudo: .*: command not found$", re.MULTILINE)
_CLI_REFUSAL = re.compile(
    r"\s*(?:\^\s*)?(?:"
    r"(?:error: )?% ?(?:invalid|unknown|ambiguous|incomplete|unrecognized|permission|authorization)"
    r"|unknown (?:command|action)|(?:error: )?(?:syntax error|command is not valid)"
    r"|command parse error|invalid syntax)",
    re.IGNORECASE,
)
"""How IOS and its children, ASA, Junos, FortiOS and PAN-OS say that they have no such command."""

_BRACKETED_PASTE = re.compile(rb"\x1b\[\?2004[hl]")
_CHUNK_BYTES = 1 << 20
_QUIET_SECONDS = 0.4
_TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Limits:
    """What one device may cost. Beyond it the device is a failure, never a partial success.

    ``connect_seconds`` bounds the TCP connection, ``login_seconds`` each step from the SSH banner to
    the login, ``device_seconds`` one attempt from the connection to the last command,
    ``output_bytes`` one command's output.
    """

    connect_seconds: float = 10.0
    login_seconds: float = 30.0
    command_seconds: float = 60.0
    device_seconds: float = 180.0
    output_bytes: int = 64 * 1024 * 1024
    attempts: int = 3


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one command gave; ``status`` is ``None`` where the device has no exit status."""

    output: bytes
    error: bytes
    status: int | None


class _Refuse:
    """Paramiko's policy for a key that known_hosts does not list: refuse, unless it is the pinned one."""

    def __init__(self, at: str, pinned: str) -> None:
        self.at = at
        self.pinned = pinned

    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
        """Return only for the pinned key."""
        del client, hostname
        shown = fingerprint(key.asbytes())
        if not self.pinned:
            raise SessionFailed(
                f"the host key of {self.at} is not known: it showed {shown}; compare it at the device, "
                "then add it to known_hosts or pin it as host_key"
            )
        if shown != self.pinned:
            raise SessionFailed(
                f"the host key of {self.at} changed: pinned is {self.pinned}, shown was {shown}"
            )


def pull(
    device: InventoryDevice,
    platform: Platform,
    login: Login,
    known: tuple[KnownHost, ...],
    limits: Limits,
    now: Callable[[], datetime],
) -> RawConfig:
    """Everything the platform's allow-list reads from ``device``, complete, in one attempt.

    ``known`` are the known_hosts lines of this device. Blocks for at most about
    ``limits.device_seconds`` (name resolution excepted).

    Raises:
        SessionFailed: anything that keeps one mandatory command's output from being complete.
        NotReadOnly: the platform asks for a command that is not read-only. It was not run, and where
            it is of the platform's list, no device was contacted.
    """
    for command in platform.commands:
        refuse_unless_read_only(command)
    at = host_name(device.host, device.port)
    try:
        with _opened(device, platform, login, known, limits) as session:
            _refuse_noise(session, device, limits)
            files = _files(session, device, platform, limits, now)
            shown = fingerprint(session.remote_conn_pre.get_transport().get_remote_server_key().asbytes())
    except NotReadOnly:
        raise
    except Exception as failure:
        raise classified(failure, at, login.username) from failure
    return RawConfig(device.name, platform.name, files, dict(device.labels), shown)


@contextmanager
def _opened(
    device: InventoryDevice,
    platform: Platform,
    login: Login,
    known: tuple[KnownHost, ...],
    limits: Limits,
) -> Iterator[Any]:
    """A logged-in netmiko session that ends, whatever the device does, at the device's deadline."""
    line = connect(device.transport, device.host, device.port, limits.connect_seconds)
    expired: list[bool] = []
    watchdog = Timer(limits.device_seconds, _cut, (line, expired))
    watchdog.daemon = True
    watchdog.start()
    try:
        with tempfile.TemporaryDirectory(prefix="segaudit-") as folder:
            known_hosts = Path(folder) / "known_hosts"
            lines = () if device.host_key else known
            known_hosts.write_text(known_hosts_lines(lines, device.host, device.port), encoding="utf-8")
            session = _session(device, platform, login, line, known_hosts, limits)
            try:
                _prepare(session, device, platform, login, limits)
                yield session
            finally:
                _close(session)
    except Exception as failure:
        if expired:
            raise SessionFailed(f"not done within {limits.device_seconds:g} s") from failure
        raise
    finally:
        watchdog.cancel()
        line.close()


def _cut(line: socket.socket, expired: list[bool]) -> None:
    """Break the connection under a session that takes too long: every wait in it then ends."""
    expired.append(True)
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:
        line.close()


def quiet_libraries() -> None:
    """Keep netmiko and paramiko from printing: a device's failure is a value, told by its reason."""
    for name in ("paramiko", "netmiko"):
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


def _session(
    device: InventoryDevice,
    platform: Platform,
    login: Login,
    line: socket.socket,
    known_hosts: Path,
    limits: Limits,
) -> Any:
    """A netmiko session that is not yet connected."""
    from netmiko import ConnectHandler

    session = ConnectHandler(
        auto_connect=False,
        device_type=platform.netmiko_device_type,
        host=device.host,
        port=device.port,
        username=login.username,
        password=login.password.reveal() if login.password else None,
        key_file=str(login.key_file) if login.key_file else None,
        use_keys=False,  # true would also try every key in ~/.ssh
        allow_agent=login.agent,
        ssh_strict=True,
        alt_host_keys=True,
        alt_key_file=str(known_hosts),
        sock=line,
        conn_timeout=2 * limits.login_seconds,  # banner and key exchange together
        banner_timeout=limits.login_seconds,
        auth_timeout=limits.login_seconds,
        blocking_timeout=limits.command_seconds,
    )
    session.key_policy = _Refuse(host_name(device.host, device.port), device.host_key)
    return session


def _prepare(
    session: Any, device: InventoryDevice, platform: Platform, login: Login, limits: Limits
) -> None:
    """Connect and log in; on a CLI also turn paging off, and ask for the rights to read."""
    if platform.netmiko_device_type in EXEC_DEVICE_TYPES:
        session._get_ssh_client_instance = _client_without_shell
        session.establish_connection()
    else:
        session.establish_connection()
        session.channel = _bounded(session, limits.output_bytes)
        secret = login.enable or login.password
        if device.become == "enable" and secret is not None:
            session.secret = secret.reveal()
        if not platform.pager:
            session.session_preparation()
        if device.become == "enable":
            _enable(session)


def _enable(session: Any) -> None:
    """Enter the privileged mode, in which a CLI shows its whole configuration."""
    try:
        session.enable()
    except ValueError as refused:  # what netmiko raises; its text may quote the device
        raise SessionFailed(
            "`enable` was refused: is the secret of the privileged mode right?"
        ) from refused


def _client_without_shell() -> Any:
    """The SSH client for netmiko to use where commands run in channels of their own.

    Netmiko opens an interactive shell at once. Nobody would read it, and to hang up on a shell that
    still runs its start-up files can leave their locks behind.
    """
    import paramiko  # type: ignore[import-untyped]

    class WithoutShell(paramiko.SSHClient):  # type: ignore[misc]
        def invoke_shell(self, *terminal: object, **size: object) -> Any:
            del terminal, size
            return self.get_transport().open_session()

    return WithoutShell()


def _bounded(session: Any, limit: int) -> Any:
    """Netmiko's channel, ended by a device that never stops sending."""
    from netmiko.channel import SSHChannel

    class Bounded(SSHChannel):  # type: ignore[misc]
        received = 0

        def read_buffer(self) -> str:
            text: str = super().read_buffer()
            self.received += len(text)
            if self.received > limit:
                raise SessionFailed(_too_much("the login", limit))
            return text

    return Bounded(session.remote_conn, session.encoding)


def _close(session: Any) -> None:
    """Disconnect at once: netmiko's own farewell to a Linux shell may wait 10 s for a prompt."""
    client = getattr(session, "remote_conn_pre", None)
    if client is not None:
        client.close()
    session.disconnect()


# ---- the commands


def _files(
    session: Any, device: InventoryDevice, platform: Platform, limits: Limits, now: Callable[[], datetime]
) -> tuple[RawFile, ...]:
    """The output of the platform's list, then of the commands that this output gives rise to."""
    run = partial(_file, session, device, pager=platform.pager.encode(), limits=limits, now=now)
    listed = [run(command) for command in platform.commands]
    follow_ups = platform.follow_ups(listed)
    for command in follow_ups:
        refuse_unless_read_only(command)
    return (*listed, *(run(command) for command in follow_ups))


def _file(
    session: Any,
    device: InventoryDevice,
    command: ShowCommand,
    *,
    pager: bytes,
    limits: Limits,
    now: Callable[[], datetime],
) -> RawFile:
    taken_at = now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if session.device_type in EXEC_DEVICE_TYPES:
        answer = _executed(session, device, command, limits)
    else:
        answer = _asked(session, command, pager, limits)
    output, error = _text(answer.output, command), _text(answer.error, command)
    status = NOT_FOUND if _is_absent(answer.status, output, error) else answer.status
    if status and not command.optional:
        raise SessionFailed(
            f"`{command.command}` failed with status {status}: {_first_line(error or output)}"
        )
    if not status and not _is_complete(command, output):
        raise SessionFailed(f"`{command.command}` gave an incomplete output: its end marker is missing")
    text, said = (output + error, "") if status else (output, error)
    path = f"{DEVICES}/{device.name}/{command.file}"
    return RawFile(path, text, sha256_of(text), command.command, taken_at, status, said)


def _is_absent(status: int | None, output: str, error: str) -> bool:
    """True where the device has no such command."""
    if status is None:
        return bool(_CLI_REFUSAL.match(output))
    return status == NOT_FOUND or (status == 1 and bool(_SUDO_NOT_FOUND.search(error)))


def _is_complete(command: ShowCommand, output: str) -> bool:
    if command.end_marker is None:
        return True
    return re.search(rf"(?:{command.end_marker})\s*\Z", output, re.MULTILINE) is not None


def _text(content: bytes, command: ShowCommand) -> str:
    """``content`` as text, unaltered."""
    if (at := content.find(b"\0")) >= 0:
        raise SessionFailed(f"`{command.command}` gave binary output: NUL at byte {at}")
    try:
        return content.decode()
    except UnicodeDecodeError as failure:
        where = f"byte {failure.start}"
        raise SessionFailed(f"`{command.command}` gave output that is not UTF-8: {where}") from failure


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0][:200] if lines else "no output"


def _too_much(what: str, limit: int) -> str:
    return f"{what} gave more than {limit:,} bytes"


def _unfinished(command: ShowCommand, limits: Limits) -> SessionFailed:
    return SessionFailed(f"`{command.command}` gave no complete output within {limits.command_seconds:g} s")


def _refuse_noise(session: Any, device: InventoryDevice, limits: Limits) -> None:
    """Refuse an account whose start-up files print: their text would stand in every output."""
    if session.device_type not in EXEC_DEVICE_TYPES:
        return
    nothing = ShowCommand("", "true")
    answer = _executed(session, device, nothing, limits)
    if answer.output:
        shown = _first_line(answer.output.decode(errors="replace"))
        raise SessionFailed(f"the account's start-up files print, which spoils every output: {shown!r}")


def _executed(session: Any, device: InventoryDevice, command: ShowCommand, limits: Limits) -> _Answer:
    """The command run in a channel of its own."""
    line = (
        f"{_ENVIRONMENT} {_SUDO} {command.command}"
        if device.become
        else f"{_ENVIRONMENT} {command.command}"
    )
    channel = session.remote_conn_pre.get_transport().open_session(timeout=limits.login_seconds)
    try:
        channel.settimeout(limits.command_seconds)
        channel.exec_command(line)
        return _drained(channel, command, limits)
    finally:
        channel.close()


def _drained(channel: Any, command: ShowCommand, limits: Limits) -> _Answer:
    """Both streams of a channel to their end, and the exit status that came after them."""
    deadline = time.monotonic() + limits.command_seconds
    output, error, pause = bytearray(), bytearray(), 0.001
    while True:
        ended = channel.closed or (channel.eof_received and channel.status_event.is_set())
        before = len(output) + len(error)
        if channel.recv_ready():
            output += channel.recv(_CHUNK_BYTES)
        if channel.recv_stderr_ready():
            error += channel.recv_stderr(_CHUNK_BYTES)
        if len(output) + len(error) > limits.output_bytes:
            raise SessionFailed(_too_much(f"`{command.command}`", limits.output_bytes))
        if len(output) + len(error) > before:
            pause = 0.001
        elif ended:
            break
        else:
            time.sleep(pause)
            pause = min(pause * 2, 0.05)
        if time.monotonic() > deadline:
            raise _unfinished(command, limits)
    if not channel.status_event.is_set() or channel.exit_status < 0:
        raise SessionFailed(f"`{command.command}` did not end by itself", transient=True)
    return _Answer(bytes(output), bytes(error), channel.exit_status)


def _asked(session: Any, command: ShowCommand, pager: bytes, limits: Limits) -> _Answer:
    """The command typed at a prompt, and what came between it and the next prompt."""
    prompt = session.find_prompt().encode()
    session.remote_conn.sendall(f"{command.command}{session.RETURN}".encode())
    shown = _until_prompt(session.remote_conn, prompt, command, pager, limits)
    rest = _after_echo(shown, prompt, command)
    if rest is None:
        raise SessionFailed(f"`{command.command}`: the device did not echo the command")
    return _Answer(rest[: rest.rfind(b"\n") + 1], b"", None)


def _after_echo(shown: bytes, prompt: bytes, command: ShowCommand) -> bytes | None:
    """What follows the command's echo; ``None`` where that has not come.

    Prompts may stand before it: a slow device answers late to what was typed to find the prompt.
    """
    for line in shown.splitlines(keepends=True):
        shown = shown[len(line) :]
        if command.command.encode() in line:
            return shown
        if line.strip() not in (b"", prompt.strip()):
            return None
    return None


def _until_prompt(channel: Any, prompt: bytes, command: ShowCommand, pager: bytes, limits: Limits) -> bytes:
    """What the device shows, with line feeds for line ends, up to the last prompt."""
    at_prompt = re.compile(rb"\n" + re.escape(prompt) + rb"[ \t]*\Z")
    at_pager = re.compile(rb"(?<=[\r\n])" + re.escape(pager) + rb" ?\Z")
    deadline = time.monotonic() + limits.command_seconds
    received, quiet_since = bytearray(), time.monotonic()
    while time.monotonic() < deadline:
        if channel.recv_ready():
            received += channel.recv(_CHUNK_BYTES)
            quiet_since = time.monotonic()
            if len(received) > limits.output_bytes:
                raise SessionFailed(_too_much(f"`{command.command}`", limits.output_bytes))
        elif channel.closed:
            raise SessionFailed(f"`{command.command}`: the device closed the session", transient=True)
        elif pager and (asking := at_pager.search(received, max(0, len(received) - _TAIL_BYTES))):
            del received[asking.start() :]
            received += _next_page(channel)
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since < _QUIET_SECONDS:
            time.sleep(0.01)
        elif at_prompt.search(_plain(bytes(received[-_TAIL_BYTES:]))) and _is_whole(
            command, bytes(received), prompt
        ):
            return _plain(bytes(received))
        else:
            time.sleep(0.02)
    raise _unfinished(command, limits)


def _next_page(channel: Any) -> bytes:
    """Ask for the next page; what comes, without the blanks that wipe the question out."""
    channel.sendall(b" ")
    page: bytes = channel.recv(_CHUNK_BYTES)
    while re.fullmatch(rb"\r *", page) and (more := channel.recv(_CHUNK_BYTES)):
        page += more
    return re.sub(rb"\A\r *\r", b"", page)


def _plain(shown: bytes) -> bytes:
    """Terminal line ends and paste marks taken away; nothing else."""
    return _BRACKETED_PASTE.sub(b"", shown).replace(b"\r\n", b"\n").replace(b"\r", b"")


def _is_whole(command: ShowCommand, received: bytes, prompt: bytes) -> bool:
    """True unless the echo, or the platform's end marker, is still to come before the prompt."""
    rest = _after_echo(_plain(received), prompt, command)
    if rest is None:
        return False
    shown = rest.decode(errors="replace")
    output = shown[: shown.rfind("\n") + 1]
    return _is_complete(command, output) or bool(_CLI_REFUSAL.match(output))
