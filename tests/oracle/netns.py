"""Network namespaces for the oracles: made, entered and removed here, nothing in the host's own."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("ip", "nft", "iptables", "ip6tables", "ipset", "conntrack", "sysctl", "nsenter")


def missing() -> str:
    """Why the oracles cannot run here; empty where they can."""
    if os.geteuid() != 0:
        return "needs root to make network namespaces"
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"not installed: {', '.join(absent)}" if absent else ""


class Refused(Exception):
    """A program said no; its words are the message."""


def run(*command: str, text: str = "") -> str:
    """What a program prints; raises ``Refused`` with its complaint."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise Refused(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def inside(namespace: str, *command: str, text: str = "") -> str:
    """As :func:`run`, in a namespace."""
    return run("nsenter", f"--net=/run/netns/{namespace}", *command, text=text)


@contextmanager
def namespaces(names: list[str]) -> Iterator[None]:
    """The namespaces, removed afterwards whatever happens."""
    try:
        for name in names:
            run("ip", "netns", "add", name)
        yield
    finally:
        for name in names:
            if Path(f"/run/netns/{name}").exists():
                subprocess.run(("ip", "netns", "delete", name), capture_output=True, check=False)


def packet_socket(namespace: str, interface: str) -> socket.socket:
    """A raw packet socket on an interface of another namespace, with room for a burst."""
    opened = socket_in(namespace, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    opened.bind((interface, 0))
    return opened


def socket_in(namespace: str, domain: int, kind: int, protocol: int) -> socket.socket:
    """A socket of another namespace, with room for a burst; it does not block."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        assert libc.setns(there, 0) == 0, os.strerror(ctypes.get_errno())
        opened = socket.socket(domain, kind, protocol)
        opened.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
        opened.setblocking(False)
        return opened
    finally:
        assert libc.setns(home, 0) == 0
        os.close(home)
        os.close(there)
