"""The running agents of a session: started, asked, listened to, and always stopped.

An agent that dies, hangs or talks nonsense is a value (``dead``), never an exception.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from segaudit.probe.messages import Message, decode, encode
from segaudit.probe.transport import Transport

Ticket = tuple[str, int]
"""A command that was given: the device and the command's id."""

_READ_BYTES = 1 << 16
_ERROR_BYTES = 2_000
_LONGEST_LINE_BYTES = 1 << 22
_STOP_SECONDS = 0.5
"""What an agent gets to end by itself, and again after SIGTERM, before SIGKILL."""


@dataclass(slots=True)
class _Running:
    """One agent's process and what came from it but is not a whole line yet."""

    process: subprocess.Popen[bytes]
    unread: bytes = b""
    errors: bytes = b""
    asked: int = 0
    answers: dict[int, Message] = field(default_factory=dict)


class Agents:
    """Agents by device name. ``dead`` says of each that is lost why."""

    def __init__(
        self, on_event: Callable[[str, Message], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.dead: dict[str, str] = {}
        self._on_event = on_event
        self._clock = clock
        self._running: dict[str, _Running] = {}
        self._waiting = selectors.DefaultSelector()

    def start(self, device: str, transport: Transport) -> None:
        """Start the agent of ``device``; where that fails it is dead from the start."""
        try:
            process = subprocess.Popen(
                transport.command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, **transport.environment()},
                # Ctrl-C in the terminal reaches the session, which stops its agents itself.
                start_new_session=True,
            )
        except OSError as failure:
            self.dead[device] = f"the agent did not start: {failure.strerror}"
            return
        self._running[device] = _Running(process)
        for stream, name in ((process.stdout, "out"), (process.stderr, "err")):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
                self._waiting.register(stream, selectors.EVENT_READ, (device, name))

    def pid(self, device: str) -> int | None:
        """The process that was started for ``device``."""
        running = self._running.get(device)
        return running.process.pid if running else None

    def ask(self, device: str, operation: str, **fields: Any) -> Ticket | None:
        """Give a command; ``None`` where the agent is dead."""
        running = self._running.get(device)
        if running is None or device in self.dead:
            return None
        running.asked += 1
        line = encode({"op": operation, "id": running.asked, **fields})
        try:
            assert running.process.stdin is not None
            running.process.stdin.write(line)
            running.process.stdin.flush()
        except OSError:
            self.listen(0.05)
            self._bury(device, "its input is closed")
            return None
        return device, running.asked

    def wait(self, tickets: Collection[Ticket | None], seconds: float) -> dict[Ticket, Message]:
        """The answers to ``tickets``; an agent that owes one after ``seconds`` is dead."""
        wanted = {ticket for ticket in tickets if ticket is not None}
        deadline = self._clock() + seconds
        while (left := deadline - self._clock()) > 0 and self._owed(wanted):
            self._pump(left)
        for device, _ in self._owed(wanted):
            self._bury(device, f"the agent did not answer within {seconds:.1f} s")
        return {
            (device, number): self._running[device].answers.pop(number)
            for device, number in wanted
            if number in self._running[device].answers
        }

    def listen(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Take events in for ``seconds``, or until ``until`` holds."""
        deadline = self._clock() + seconds
        while (left := deadline - self._clock()) > 0 and not until():
            self._pump(left)

    def _owed(self, tickets: set[Ticket]) -> list[Ticket]:
        return sorted(
            (device, number)
            for device, number in tickets
            if device not in self.dead and number not in self._running[device].answers
        )

    def _pump(self, seconds: float) -> None:
        if not self._waiting.get_map():
            time.sleep(min(seconds, 0.05))
            return
        for key, _ in self._waiting.select(seconds):
            device, name = key.data
            self._read(device, name, key.fd)

    def _read(self, device: str, name: str, descriptor: int) -> None:
        running = self._running[device]
        stream = running.process.stdout if name == "out" else running.process.stderr
        try:
            chunk = os.read(descriptor, _READ_BYTES)
        except BlockingIOError:
            return
        if not chunk:
            if stream is not None:
                self._waiting.unregister(stream)
            if name == "out":
                self._bury(device, "the agent ended")
        elif name == "err":
            running.errors = (running.errors + chunk)[-_ERROR_BYTES:]
        else:
            self._take(device, running, chunk)

    def _take(self, device: str, running: _Running, chunk: bytes) -> None:
        if device in self.dead:
            return
        *lines, running.unread = (running.unread + chunk).split(b"\n")
        if len(running.unread) > _LONGEST_LINE_BYTES:
            self._bury(device, "the agent sends a line without end")
        for line in lines:
            try:
                self._heed(device, running, decode(line))
            except (LookupError, TypeError, ValueError, AttributeError):
                # Its host may be the intruder's: nonsense costs the agent its word, not the run.
                self._bury(device, f"not an agent's answer: {line[:80]!r}")
                return

    def _heed(self, device: str, running: _Running, message: Message) -> None:
        if message.get("event") in ("done", "failed"):
            running.answers[int(message.get("id", 0))] = message
        else:
            self._on_event(device, message)

    def _bury(self, device: str, why: str) -> None:
        if device in self.dead:
            return
        running = self._running[device]
        with contextlib.suppress(BlockingIOError, OSError, AttributeError):
            assert running.process.stderr is not None
            running.errors += os.read(running.process.stderr.fileno(), _READ_BYTES)
        last = running.errors.decode(errors="replace").strip().splitlines()[-1:]
        self.dead[device] = ": ".join([why, *last])

    def stop(self) -> None:
        """End every process that was started, whatever state it is in; returns when all are gone."""
        for running in self._running.values():
            with contextlib.suppress(OSError):
                if running.process.stdin is not None:
                    running.process.stdin.close()
        for signal_number in (None, signal.SIGTERM, signal.SIGKILL):
            self._end(signal_number)
        for running in self._running.values():
            for stream in (running.process.stdout, running.process.stderr):
                if stream is not None:
                    stream.close()
        self._waiting.close()

    def _end(self, signal_number: signal.Signals | None) -> None:
        left = [each.process for each in self._running.values() if each.process.poll() is None]
        for process in left:
            if signal_number is not None:
                # Each agent leads its own group: what carries it (ssh's proxy command) goes too.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal_number)
        deadline = self._clock() + _STOP_SECONDS
        for process in left:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.01, deadline - self._clock()))
