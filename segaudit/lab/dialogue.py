"""The line between the supervisor and a node's init: JSON objects, one a line, over a socket."""

from __future__ import annotations

import json
import socket
from typing import Any


class Dialogue:
    """One end of the line; it holds the socket open for as long as it lives."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._talk = end.makefile("rw", encoding="utf-8")

    def say(self, said: str, **details: Any) -> None:
        """Send one message."""
        self._talk.write(json.dumps({"said": said, **details}) + "\n")
        self._talk.flush()

    def hear(self, said: str) -> dict[str, Any]:
        """Wait for that message.

        Raises:
            RuntimeError: the other end said something else (``what`` of its message), or died.
        """
        line = self._talk.readline()
        message: dict[str, Any] = json.loads(line or '{"said": "nothing", "what": "the other end died"}')
        if message["said"] != said:
            raise RuntimeError(str(message.get("what", f"{message['said']} was said, not {said}")))
        return message
