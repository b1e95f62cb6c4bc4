"""The kernel filter of a capture: our trailers, SYNs without payload, and answers to a sender.

Classic BPF (Linux ``Documentation/networking/filter.rst``), made for ``SOCK_DGRAM`` packet sockets,
where offset 0 is the network header whatever the link type. A load beyond the packet's end rejects
it, so lengths are tested before.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from segaudit.probe.trailer import TRAILER_BYTES

FIRST_PROBE_PORT = 61_440
"""Probes leave from 61440-65535, above Linux's default ephemeral range (32768-60999)."""
LAST_PROBE_PORT = 65_535

MOST_EXTRA_PORTS = 64
"""Conditional jumps of classic BPF reach 255 instructions."""

_LD_LEN, _LD_W_X, _LD_H, _LD_B = 0x80, 0x40, 0x28, 0x30
_LD_H_X, _LD_B_X = 0x48, 0x50
_LDX_IMM, _LDX_MSH = 0x01, 0xB1
_ADD, _SUB, _AND, _TAX = 0x04, 0x14, 0x54, 0x07
_JEQ, _JGE, _JSET = 0x15, 0x35, 0x45
_RET = 0x06
_WHOLE_PACKET = 0x40000

_BELOW = ""
"""The jump target "next instruction"."""


@dataclass(frozen=True, slots=True)
class _Instruction:
    code: int
    value: int = 0
    if_true: str = _BELOW
    if_false: str = _BELOW


_Line = _Instruction | str
"""An instruction, or a label for the one below it."""


def capture_filter(tag: bytes, extra_ports: Iterable[int] = ()) -> bytes:
    """The program (array of ``struct sock_filter``) that passes what one run's agents must see.

    Passed: any packet that ends with a trailer of ``tag`` (after link padding or without), every
    TCP SYN without ACK, and where the destination port is a probe port or one of ``extra_ports``
    TCP RST, TCP SYN-ACK and UDP; ICMP echo replies and errors.

    Raises:
        ValueError: more than ``MOST_EXTRA_PORTS`` ports.
    """
    ports = sorted(set(extra_ports))
    if len(ports) > MOST_EXTRA_PORTS:
        raise ValueError(f"a capture filter takes at most {MOST_EXTRA_PORTS} extra ports, not {len(ports)}")
    word = int.from_bytes(tag, "big")
    return _assemble(
        [
            *_trailer_at_end_of_frame(word),
            *_ipv4(word),
            *_ipv6(word),
            *_tcp(),
            *_reply_port(ports),
            *_icmp(),
            "accept",
            _Instruction(_RET, _WHOLE_PACKET),
            "reject",
            _Instruction(_RET, 0),
        ]
    )


def _trailer_at_end_of_frame(word: int) -> list[_Line]:
    return [
        _Instruction(_LD_LEN),
        _Instruction(_JGE, TRAILER_BYTES, if_false="reject"),
        _Instruction(_SUB, TRAILER_BYTES),
        _Instruction(_TAX),
        _Instruction(_LD_W_X, 0),
        _Instruction(_JEQ, word, if_true="accept"),
        _Instruction(_LD_B, 0),
        _Instruction(_AND, 0xF0),
        _Instruction(_JEQ, 0x40, if_true="ipv4"),
        _Instruction(_JEQ, 0x60, if_true="ipv6", if_false="reject"),
    ]


def _ipv4(word: int) -> list[_Line]:
    return [
        "ipv4",
        _Instruction(_LD_H, 2),
        _Instruction(_JGE, 20 + TRAILER_BYTES, if_false="ipv4-payload"),
        _Instruction(_SUB, TRAILER_BYTES),
        _Instruction(_TAX),
        _Instruction(_LD_W_X, 0),
        _Instruction(_JEQ, word, if_true="accept"),
        "ipv4-payload",
        _Instruction(_LD_H, 6),
        _Instruction(_JSET, 0x1FFF, if_true="reject"),
        _Instruction(_LDX_MSH, 0),
        _Instruction(_LD_B, 9),
        _Instruction(_JEQ, 6, if_true="tcp"),
        _Instruction(_JEQ, 17, if_true="reply-port"),
        _Instruction(_JEQ, 1, if_true="icmp", if_false="reject"),
    ]


def _ipv6(word: int) -> list[_Line]:
    return [
        "ipv6",
        _Instruction(_LD_H, 4),
        _Instruction(_JGE, TRAILER_BYTES, if_false="ipv6-payload"),
        _Instruction(_ADD, 40 - TRAILER_BYTES),
        _Instruction(_TAX),
        _Instruction(_LD_W_X, 0),
        _Instruction(_JEQ, word, if_true="accept"),
        "ipv6-payload",
        _Instruction(_LDX_IMM, 40),
        _Instruction(_LD_B, 6),
        _Instruction(_JEQ, 6, if_true="tcp"),
        _Instruction(_JEQ, 17, if_true="reply-port"),
        _Instruction(_JEQ, 58, if_true="icmpv6", if_false="reject"),
    ]


def _tcp() -> list[_Line]:
    return [
        "tcp",
        _Instruction(_LD_B_X, 13),
        _Instruction(_AND, 0x17),
        _Instruction(_JEQ, 0x02, if_true="accept"),
        _Instruction(_JSET, 0x04, if_true="reply-port"),
        _Instruction(_AND, 0x12),
        _Instruction(_JEQ, 0x12, if_true="reply-port", if_false="reject"),
    ]


def _reply_port(ports: list[int]) -> list[_Line]:
    return [
        "reply-port",
        _Instruction(_LD_H_X, 2),
        _Instruction(_JGE, FIRST_PROBE_PORT, if_true="accept"),
        *(_Instruction(_JEQ, port, if_true="accept") for port in ports),
        _Instruction(_JEQ, FIRST_PROBE_PORT, if_true="accept", if_false="reject"),
    ]


def _icmp() -> list[_Line]:
    return [
        "icmp",
        _Instruction(_LD_B_X, 0),
        *(_Instruction(_JEQ, kind, if_true="accept") for kind in (0, 3, 11)),
        _Instruction(_JEQ, 12, if_true="accept", if_false="reject"),
        "icmpv6",
        _Instruction(_LD_B_X, 0),
        *(_Instruction(_JEQ, kind, if_true="accept") for kind in (1, 2, 3, 4)),
        _Instruction(_JEQ, 129, if_true="accept", if_false="reject"),
    ]


def _assemble(lines: list[_Line]) -> bytes:
    labels: dict[str, int] = {}
    program: list[_Instruction] = []
    for line in lines:
        if isinstance(line, str):
            labels[line] = len(program)
        else:
            program.append(line)
    return b"".join(_encode(at, instruction, labels) for at, instruction in enumerate(program))


def _encode(at: int, instruction: _Instruction, labels: dict[str, int]) -> bytes:
    """``struct sock_filter``: code, jump if true, jump if false, value; jumps count from the next."""
    true, false = (
        labels[label] - at - 1 if label else 0 for label in (instruction.if_true, instruction.if_false)
    )
    return struct.pack("HBBI", instruction.code, true, false, instruction.value)
