"""Finds the link-layer address of a next hop, in bounded time and by asking it.

A kernel entry counts only where it is confirmed; a stale one may name a machine that has moved, and
packets sent there would be silent for the wrong reason.
"""

from __future__ import annotations

import select
import socket
import struct
import time

from segaudit.model.flow import Family
from segaudit.probe.kernel_tables import AssignedAddress, LinkState, NextHopAddress, fresh_neighbour

ATTEMPTS = 3
WAIT_SECONDS = 0.4
"""Per attempt: an unresolvable next hop costs 1.2 s once, and is remembered."""

_ETHERTYPES = {Family.IPV4: 0x0806, Family.IPV6: 0x86DD}
_ARP_REPLY = 2
_NEIGHBOUR_ADVERTISEMENT = 136
_TARGET_LINK_LAYER_ADDRESS = 2


def resolve(hop: NextHopAddress, link: LinkState, own: tuple[AssignedAddress, ...]) -> bytes | None:
    """The MAC address of ``hop`` on ``link``, ``None`` where nobody answers for it.

    Raises:
        OSError: the interface is down, or CAP_NET_RAW is missing.
    """
    return fresh_neighbour(hop, link.index) or _ask(hop, link, own)


def _ask(hop: NextHopAddress, link: LinkState, own: tuple[AssignedAddress, ...]) -> bytes | None:
    from segaudit.probe.agent_craft import neighbour_request

    source = _source(hop, link, own)
    if source is None:
        return None
    request = neighbour_request(hop.family, hop.address, source, link.mac)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETHERTYPES[hop.family])) as raw:
        raw.bind((link.name, _ETHERTYPES[hop.family]))
        for _ in range(ATTEMPTS):
            raw.send(request)
            if mac := _answer(raw, hop):
                return mac
    return None


def _source(hop: NextHopAddress, link: LinkState, own: tuple[AssignedAddress, ...]) -> int | None:
    """An own address to ask from: one that shares the next hop's prefix, else any of its family."""
    mine = [each for each in own if each.index == link.index and each.family is hop.family]
    sharing = [each for each in mine if _shares_prefix(each, hop.address)]
    return next((each.address for each in [*sharing, *mine]), None)


def _shares_prefix(own: AssignedAddress, address: int) -> bool:
    host_bits = own.family.bits - own.prefix_length
    return own.address >> host_bits == address >> host_bits


def _answer(raw: socket.socket, hop: NextHopAddress) -> bytes | None:
    deadline = time.monotonic() + WAIT_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        if select.select([raw], [], [], left)[0] and (mac := _told(raw.recv(2048), hop)):
            return mac
    return None


def _told(frame: bytes, hop: NextHopAddress) -> bytes | None:
    """The MAC address that ``frame`` says ``hop`` has."""
    wanted = hop.address.to_bytes(hop.family.bits // 8, "big")
    if hop.family is Family.IPV4:
        arp = frame[14:42]
        is_reply = len(arp) == 28 and struct.unpack_from("!H", arp, 6)[0] == _ARP_REPLY
        return arp[8:14] if is_reply and arp[14:18] == wanted else None
    message = frame[54:]
    if len(message) < 24 or frame[20] != socket.IPPROTO_ICMPV6 or message[0] != _NEIGHBOUR_ADVERTISEMENT:
        return None
    return (_target_option(message[24:]) or frame[6:12]) if message[8:24] == wanted else None


def _target_option(options: bytes) -> bytes | None:
    """RFC 4861 section 4.6.1: type, length in units of 8 bytes, address."""
    while len(options) >= 8 and options[1]:
        if options[0] == _TARGET_LINK_LAYER_ADDRESS:
            return options[2:8]
        options = options[options[1] * 8 :]
    return None
