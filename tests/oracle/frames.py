"""Packets as bytes: built from a ``Flow`` with right checksums, and read back from a frame.

Every packet ends in eight bytes that number it. They double as an SCTP parameter (type 0xC0DE, length
8), so that an INIT with them is well formed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache

from segaudit.model.flow import Family, Flow

MAGIC = b"\xc0\xde\x00\x08"
_FIRST_PART = 64
"""Bytes of the datagram in its first fragment."""


def nonce(number: int) -> bytes:
    """The last eight bytes of packet ``number``."""
    return MAGIC + struct.pack("!I", number)


def packets(flow: Flow, number: int, quoted: bytes = b"", whole_datagram: bool = False) -> list[bytes]:
    """The IP packets of ``flow``: one, or a later fragment alone or after its first.

    ``quoted`` is the packet that an ICMP error is about.
    """
    if not flow.fragment:
        return [_network(flow, _transport(flow, number, quoted + nonce(number)), number)]
    first = _transport(flow, number, b"\0" * (_FIRST_PART - 28) + nonce(number), _FIRST_PART)
    later = _network(flow, nonce(number), number, offset=_FIRST_PART // 8)
    if not whole_datagram:
        return [later]
    return [_network(flow, first[:_FIRST_PART], number, more=True), later]


def _network(flow: Flow, body: bytes, number: int, offset: int = 0, more: bool = False) -> bytes:
    source, destination = flow.source_address.packed, flow.destination_address.packed
    if flow.family is Family.IPV4:
        bits = offset | (0x2000 if more else 0)
        head = struct.pack(
            "!BBHHHBBH", 0x45, 0, 20 + len(body), number & 0xFFFF, bits, 64, flow.protocol, 0
        )
        total = checksum(head + source + destination)
        return head[:10] + struct.pack("!H", total) + source + destination + body
    extension = b""
    first = flow.protocol
    if offset or more:
        extension = struct.pack("!BBHI", flow.protocol, 0, offset << 3 | more, number)
        first = 44
    return (
        struct.pack("!IHBB", 6 << 28, len(extension) + len(body), first, 64)
        + source
        + destination
        + extension
        + body
    )


def checksum(data: bytes) -> int:
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _transport(flow: Flow, number: int, payload: bytes, least: int = 0) -> bytes:
    """The transport header and payload, at least ``least`` bytes before the last eight."""
    ports = struct.pack("!HH", flow.source_port, flow.destination_port)
    match flow.protocol:
        case 6:
            acknowledged = 2 if flow.tcp_flags & 16 else 0
            head = ports + struct.pack("!IIBBHHH", 1, acknowledged, 0x50, flow.tcp_flags, 1024, 0, 0)
            at = 16
        case 17:
            head, at = ports + struct.pack("!HH", 0, 0), 6
        case 1 | 58:
            identity = (0, 0) if flow.icmp_type in _ERRORS[flow.protocol] else (number & 0xFFFF, 1)
            head, at = struct.pack("!BBHHH", flow.icmp_type, flow.icmp_code, 0, *identity), 2
        case 132:
            return _sctp(ports, payload, least)
        case _:
            return _padded(ports + b"\0\0\0\0", payload, least)
    data = _padded(head, payload, least)
    if flow.protocol == 17:
        data = data[:4] + struct.pack("!H", len(data)) + data[6:]
    covered = data
    if flow.protocol != 1:
        covered += b"\0" * (len(data) % 2)
        covered += flow.source_address.packed + flow.destination_address.packed
        covered += struct.pack("!II", len(data), flow.protocol)
    return data[:at] + struct.pack("!H", checksum(covered)) + data[at + 2 :]


_ERRORS = {1: frozenset({3, 4, 5, 11, 12}), 58: frozenset({1, 2, 3, 4})}


def _padded(head: bytes, payload: bytes, least: int) -> bytes:
    middle = payload[:-8]
    return head + middle + b"\0" * max(0, least - len(head) - len(middle)) + payload[-8:]


def _sctp(ports: bytes, payload: bytes, least: int) -> bytes:
    """An INIT chunk (RFC 9260 §3.3.2) with a right CRC32c; padding is a parameter of its own."""
    pad = max(0, least - 12 - 20)
    extra = struct.pack("!HH", 0xC0DF, pad) + b"\0" * (pad - 4) if pad else b""
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20 + len(extra) + 8, 7, 65535, 1, 1, 1) + extra + payload[-8:]
    head = ports + struct.pack("!I", 0)
    value = crc32c(head + b"\0\0\0\0" + chunk)
    return head + struct.pack("<I", value) + chunk


@cache
def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


def crc32c(data: bytes) -> int:
    """RFC 9260 appendix A."""
    table, value = _crc_table(), 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Seen:
    """A numbered packet on a wire; the ports of a later fragment are not known (0)."""

    number: int
    flow: Flow


def read(frame: bytes) -> Seen | None:
    """The numbered packet in an Ethernet frame, if it is one."""
    if frame[-8:-4] != MAGIC:
        return None
    number = int.from_bytes(frame[-4:], "big")
    kind = frame[12:14]
    if kind == b"\x08\x00":
        return Seen(number, _read_four(frame[14:]))
    return Seen(number, _read_six(frame[14:])) if kind == b"\x86\xdd" else None


def _read_four(data: bytes) -> Flow:
    head = (data[0] & 15) * 4
    later = int.from_bytes(data[6:8], "big") & 0x1FFF != 0
    ends = int.from_bytes(data[12:16], "big"), int.from_bytes(data[16:20], "big")
    return _fields(Family.IPV4, data[9], *ends, later, data[head:])


def _read_six(data: bytes) -> Flow:
    ends = int.from_bytes(data[8:24], "big"), int.from_bytes(data[24:40], "big")
    protocol, at, later = data[6], 40, False
    if protocol == 44:
        protocol, at, later = data[40], 48, int.from_bytes(data[42:44], "big") & 0xFFF8 != 0
    return _fields(Family.IPV6, protocol, *ends, later, data[at:])


def _fields(family: Family, protocol: int, source: int, destination: int, later: bool, data: bytes) -> Flow:
    if later:
        return Flow(family, protocol, source, destination, fragment=True)
    if protocol in (6, 17, 132):
        ports = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
        return Flow(
            family, protocol, source, destination, *ports, tcp_flags=data[13] if protocol == 6 else 0
        )
    if protocol in (1, 58):
        return Flow(family, protocol, source, destination, icmp_type=data[0], icmp_code=data[1])
    return Flow(family, protocol, source, destination)
