"""A connected TCP socket to a device, from here or from inside another network namespace."""

from __future__ import annotations

import ctypes
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

_CLONE_NEWNET = 0x40000000  # linux/sched.h


@dataclass(frozen=True, slots=True)
class Direct:
    """Connect as any program would."""

    def __str__(self) -> str:
        return "direct"


@dataclass(frozen=True, slots=True)
class NetworkNamespace:
    """Connect from inside the network namespace that ``path`` names (``/proc/<pid>/ns/net``)."""

    path: Path

    def __str__(self) -> str:
        return f"netns:{self.path}"


Transport = Direct | NetworkNamespace


def parse_transport(text: str) -> Transport:
    """The transport that ``text`` spells: ``direct`` or ``netns:PATH``.

    Raises:
        ValueError: it is neither.
    """
    if text == "direct":
        return Direct()
    word, _, path = text.partition(":")
    if word == "netns" and path:
        return NetworkNamespace(Path(path))
    raise ValueError("not a transport")


def connect(transport: Transport, host: str, port: int, timeout_seconds: float) -> socket.socket:
    """A connected socket, of the first of ``host``'s addresses that answers.

    Names are resolved outside of a namespace: a lab has no resolver.

    Raises:
        OSError: no address of ``host`` could be connected to; the last one's reason.
    """
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError = OSError(f"{host} has no address")
    for family, _, _, _, address in addresses:
        try:
            opened = _open(transport, family)
        except OSError as reason:
            failure = reason
            continue
        try:
            opened.settimeout(timeout_seconds)
            opened.connect(address)
        except OSError as reason:
            opened.close()
            failure = reason
            continue
        return opened
    raise failure


def _open(transport: Transport, family: int) -> socket.socket:
    if isinstance(transport, Direct):
        return socket.socket(family, socket.SOCK_STREAM)
    return _open_inside(transport.path, family)


def _open_inside(namespace: Path, family: int) -> socket.socket:
    """A socket that belongs to ``namespace``: a socket stays in the namespace it was made in.

    setns(2) changes the calling thread only, so a thread is spent on it and never returns to others.
    """
    made: list[socket.socket] = []
    failures: list[OSError] = []

    def open_there() -> None:
        try:
            _enter(namespace)
            made.append(socket.socket(family, socket.SOCK_STREAM))
        except OSError as failure:
            failures.append(failure)

    thread = Thread(target=open_there, name=f"netns {namespace}", daemon=True)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return made[0]


def _enter(namespace: Path) -> None:
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # os.setns is new in Python 3.12.
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(
                number, f"cannot enter the network namespace: {os.strerror(number)}", str(namespace)
            )
    finally:
        os.close(descriptor)
