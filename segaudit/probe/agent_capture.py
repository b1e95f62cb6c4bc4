"""AF_PACKET sockets (Linux ``packet(7)``): what crosses an interface, and what the kernel lost.

Opened in the network namespace the agent runs in. CAP_NET_RAW is enough; with CAP_NET_ADMIN the
receive buffer grows beyond ``net.core.rmem_max``.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

BUFFER_BYTES = 16 * 1024 * 1024
"""Holds about 20,000 small packets, counted at the kernel's true size of each."""

_ETH_P_ALL = 0x0003
_SOL_PACKET, _ADD_MEMBERSHIP, _STATISTICS = 263, 1, 6
_MEMBERSHIP_PROMISCUOUS = 1
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE = 26, 33
_SNAP_BYTES = 65_535
_BATCH = 256
"""Packets read in one go, so that a flood cannot keep the agent from its pipe."""


@dataclass(frozen=True, slots=True)
class Captured:
    """A packet from its network header on; ``outgoing`` was sent by this machine."""

    data: bytes
    outgoing: bool


class Capture:
    """An open capture on one interface. ``failure`` is why it can no longer be trusted, or empty."""

    def __init__(self, interface: str, program: bytes) -> None:
        """Start to capture what ``program`` (classic BPF) passes.

        Raises:
            OSError: no such interface, or CAP_NET_RAW is missing.
        """
        self.interface = interface
        self.failure = ""
        self.packets = 0
        self.drops = 0
        # Protocol 0 receives nothing, so no packet slips in before the filter is attached.
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        try:
            self._prepare(program)
        except OSError:
            self.socket.close()
            raise

    def _prepare(self, program: bytes) -> None:
        _attach(self.socket, program)
        self.buffer_bytes = _grow_buffer(self.socket)
        self.socket.bind((self.interface, _ETH_P_ALL))
        membership = struct.pack(
            "=iHH8s", socket.if_nametoindex(self.interface), _MEMBERSHIP_PROMISCUOUS, 0, b""
        )
        self.socket.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, membership)
        self.socket.setblocking(False)

    def read(self) -> Iterator[Captured]:
        """What has arrived, at most a batch; a failing socket is noted in ``failure``."""
        for _ in range(_BATCH):
            try:
                data, address = self.socket.recvfrom(_SNAP_BYTES)
            except BlockingIOError:
                return
            except OSError as failure:
                self.failure = (
                    f"{self.interface}: {errno.errorcode.get(failure.errno or 0, '')} {failure.strerror}"
                )
                return
            yield Captured(data, address[2] == socket.PACKET_OUTGOING)

    def count(self) -> None:
        """Add the kernel's counters since the last call (reading resets them)."""
        packets, drops = struct.unpack("=II", self.socket.getsockopt(_SOL_PACKET, _STATISTICS, 8))
        self.packets += packets
        self.drops += drops

    def close(self) -> None:
        """Stop capturing."""
        self.socket.close()


def _attach(raw: socket.socket, program: bytes) -> None:
    """``struct sock_fprog``: the number of instructions and where they lie."""
    held = ctypes.create_string_buffer(program, len(program))
    fprog = struct.pack("@HP", len(program) // 8, ctypes.addressof(held))
    raw.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, fprog)


def _grow_buffer(raw: socket.socket) -> int:
    for option in (_SO_RCVBUFFORCE, socket.SO_RCVBUF):
        with contextlib.suppress(PermissionError):
            raw.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
            break
    return raw.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)


class Sender:
    """Puts ready frames on one interface, past the local filters (as an intruder with root would)."""

    def __init__(self, interface: str, link_header: bool) -> None:
        """``link_header``: frames start with their Ethernet header.

        Raises:
            OSError: no such interface, or CAP_NET_RAW is missing.
        """
        kind = socket.SOCK_RAW if link_header else socket.SOCK_DGRAM
        self._interface = interface
        self._link_header = link_header
        self._socket = socket.socket(socket.AF_PACKET, kind, 0)
        self._socket.bind((interface, 0))

    def send(self, data: bytes, ethertype: int) -> None:
        """Hand one frame to the interface.

        Raises:
            OSError: the interface is down or gone.
        """
        if self._link_header:
            self._socket.send(data)
        else:
            self._socket.sendto(data, (self._interface, ethertype))

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()
