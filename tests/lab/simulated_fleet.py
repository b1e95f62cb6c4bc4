"""Network devices that exist in an SSH server only: prompts, privileged mode and pagers of seven systems.

Each device listens on its own port of the loopback with its own host key and serves files; what a
device does wrong (hang, hang up, lie, show another key) is told when it is made.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import asyncssh

PASSWORD = "the password of the lab"
ENABLE_SECRET = "the secret of the privileged mode"
_PAGE_LINES = 20
_CHUNK_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a system's command line looks.

    ``prompt`` takes the device's name; ``privileged`` replaces it after ``enable``. ``quiet`` are the
    commands that turn paging off, with what the system answers; ``wipe`` is what follows a pager's
    space. One that ``redraws`` shows its prompt again before it echoes a line.
    """

    prompt: str
    privileged: str = ""
    enable: str = ""
    quiet: Mapping[str, str] = field(default_factory=dict)
    pager: str = "--More-- "
    wipe: str = "\b" * 9
    unknown: str = "% Invalid input detected at '^' marker."
    redraws: bool = False


_WIDTH = {"terminal width 511": ""}
DIALECTS = {
    "cisco_ios": Dialect("{}>", "{}#", "enable", {"terminal length 0": "", **_WIDTH}),
    "cisco_nxos": Dialect("{}# ", quiet={"terminal length 0": "", **_WIDTH}),
    "cisco_asa": Dialect(
        "{}> ", "{}# ", "enable", {"terminal pager 0": ""}, "<--- More --->",
        unknown="ERROR: % Invalid input detected at '^' marker.",
    ),
    "arista_eos": Dialect(
        "{}>", "{}#", "enable",
        {"terminal length 0": "Pagination disabled.", "terminal width 511": "Width set to 511 columns."},
    ),
    "juniper_junos": Dialect(
        "lab@{}> ",
        quiet={
            "set cli screen-width 511": "Screen width set to 511",
            "set cli complete-on-space off": "Disabling complete-on-space",
            "set cli screen-length 0": "Screen length set to 0",
        },
        unknown="           ^\r\nunknown command.",
    ),
    "fortinet_fortios": Dialect("{} # ", wipe="\r         \r", unknown="Unknown action 0"),
    "paloalto_panos": Dialect(
        "lab@{}> ",
        quiet={
            "set cli scripting-mode on": "mode on",
            "set cli terminal width 500": "",
            "set cli pager off": "",
            "show system info": "operational-mode: normal",
        },
        pager="lines 1-20 ",
        unknown="Unknown command: show",
        redraws=True,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Simulated:
    """One device: its name, system, the text that each command shows, and its misbehaviour.

    ``fault`` is empty, ``hangs`` (never answers the second command), ``closes`` (hangs up in the middle of
    an output), ``cut`` (ends an output early, with a prompt) or ``other-key`` (a host key nobody expects).
    """

    name: str
    system: str
    outputs: Mapping[str, str]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    """Where a device listens, and the line that known_hosts holds of it."""

    port: int
    known_host: str


class _Server(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return password == PASSWORD


class _Cli:
    """One session at a device's command line."""

    def __init__(self, device: Simulated, process: asyncssh.SSHServerProcess[str]) -> None:
        self.device = device
        self.dialect = DIALECTS[device.system]
        self.process = process
        self.privileged = not self.dialect.enable
        self.pages = True
        self.asked = 0

    @property
    def prompt(self) -> str:
        shape = (
            self.dialect.privileged if self.privileged and self.dialect.privileged else self.dialect.prompt
        )
        return shape.format(self.device.name)

    async def run(self) -> None:
        self.process.stdout.write(f"Welcome to {self.device.name}.\r\n\r\n{self.prompt}")
        while (line := await self._line()) is not None:
            command = line.strip()
            redrawn = f"\r{self.prompt}" if self.dialect.redraws else ""
            self.process.stdout.write(f"{redrawn}{line}\r\n")
            if command in ("exit", "quit"):
                return
            if command and not await self._answer(command):
                return
            self.process.stdout.write(self.prompt)

    async def _line(self) -> str | None:
        typed = ""
        while character := await self.process.stdin.read(1):
            if character in "\r\n":
                return typed
            typed += character
        return None

    async def _answer(self, command: str) -> bool:
        """Show what a command shows; false where the session is over."""
        dialect = self.dialect
        if command == dialect.enable:
            return await self._enable()
        if command in dialect.quiet:
            self.pages = self.pages and "length 0" not in command and "pager" not in command
            answer = dialect.quiet[command]
            self.process.stdout.write(f"{answer}\r\n" if answer else "")
            return True
        self.asked += 1
        if self.device.fault == "hangs" and self.asked > 1:
            await asyncio.sleep(3600)
        output = self.device.outputs.get(command) if self.privileged else None
        if output is None:
            self.process.stdout.write(f"{dialect.unknown}\r\n")
            return True
        if self.device.fault in ("cut", "closes"):
            output = output[: len(output) // 2] + "\n"
        await self._show(output)
        return self.device.fault != "closes"

    async def _enable(self) -> bool:
        self.process.stdout.write("Password: ")
        self.privileged = await self._line() == ENABLE_SECRET
        self.process.stdout.write("\r\n" if self.privileged else "\r\n% Access denied\r\n")
        return True

    async def _show(self, output: str) -> None:
        lines = output.removesuffix("\n").split("\n")
        for at, line in enumerate(lines):
            if self.pages and at and at % _PAGE_LINES == 0:
                self.process.stdout.write(self.dialect.pager)
                await self.process.stdin.read(1)
                self.process.stdout.write(self.dialect.wipe)
            self.process.stdout.write(f"{line}\r\n")
            if at % 50 == 49:
                await asyncio.sleep(0)


async def _listen(device: Simulated) -> tuple[asyncssh.SSHAcceptor, Running]:
    async def session(process: asyncssh.SSHServerProcess[str]) -> None:
        try:
            await _Cli(device, process).run()
        finally:
            process.exit(0)

    key = asyncssh.generate_private_key("ssh-ed25519")
    shown = asyncssh.generate_private_key("ssh-ed25519") if device.fault == "other-key" else key
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=_Server, server_host_keys=[shown], process_factory=session,
        line_editor=False, encoding="utf-8",
    )  # fmt: skip
    port = server.get_port()
    public = key.export_public_key().decode().split()
    return server, Running(port, f"[127.0.0.1]:{port} {public[0]} {public[1]}\n")


@contextmanager
def fleet(devices: Sequence[Simulated]) -> Iterator[Mapping[str, Running]]:
    """Every device, listening while the block runs; by name."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="simulated fleet", daemon=True)
    thread.start()
    servers: list[asyncssh.SSHAcceptor] = []
    try:
        started = {}
        for device in devices:
            server, running = asyncio.run_coroutine_threadsafe(_listen(device), loop).result(30)
            servers.append(server)
            started[device.name] = running
        yield started
    finally:
        for server in servers:
            loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(_end_sessions(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


async def _end_sessions() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
