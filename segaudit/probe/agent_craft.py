"""Builds the frames of an agent with scapy: the only module of segaudit that knows it.

Scapy's own sending, routing and interface tables are never used: they are process-wide, slow and
resolve neighbours by themselves.
"""

from __future__ import annotations

import struct

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, ICMPv6Unknown, IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from segaudit.model.flow import Family, Flow, Protocol

HOP_LIMIT = 64

_NON_FIRST_FRAGMENT_OFFSET = 185
"""In units of 8 bytes: what follows a first fragment that filled an Ethernet frame (1,480 bytes)."""

_ICMPV6_ECHOES = frozenset({128, 129})


def frame(
    flow: Flow, payload: bytes, tcp_sequence: int, echo: tuple[int, int], macs: tuple[bytes, bytes] | None
) -> bytes:
    """The bytes on the wire; ``macs`` are (source, destination), ``None`` on links without any.

    ``tcp_sequence`` is used for TCP, ``echo`` (identifier, sequence) for ICMP echoes.
    """
    packet = _network(flow) / _transport(flow, payload, tcp_sequence, echo)
    if macs is not None:
        packet = Ether(src=_mac(macs[0]), dst=_mac(macs[1])) / packet
    return bytes(packet)


def neighbour_request(target_family: Family, target: int, source: int, mac: bytes) -> bytes:
    """An ARP request (RFC 826) or a neighbour solicitation (RFC 4861) for ``target``."""
    wanted, own = str(target_family.address(target)), str(target_family.address(source))
    if target_family is Family.IPV4:
        request = ARP(op=1, hwsrc=_mac(mac), psrc=own, pdst=wanted)
        return bytes(Ether(src=_mac(mac), dst="ff:ff:ff:ff:ff:ff") / request)
    low = target & 0xFFFFFF
    group = str(Family.IPV6.address((0xFF02 << 112) | (0x1FF << 24) | low))
    ethernet = Ether(src=_mac(mac), dst=_mac(b"\x33\x33\xff" + low.to_bytes(3, "big")))
    solicitation = ICMPv6ND_NS(tgt=wanted) / ICMPv6NDOptSrcLLAddr(lladdr=_mac(mac))
    return bytes(ethernet / IPv6(src=own, dst=group, hlim=255) / solicitation)


def _network(flow: Flow) -> Packet:
    source, destination = str(flow.source_address), str(flow.destination_address)
    if flow.family is Family.IPV4:
        offset = _NON_FIRST_FRAGMENT_OFFSET if flow.fragment else 0
        identifier = flow.source_port ^ flow.destination_port
        return IP(
            src=source, dst=destination, ttl=HOP_LIMIT, proto=flow.protocol, frag=offset, id=identifier
        )
    if flow.fragment:
        fragment = IPv6ExtHdrFragment(nh=flow.protocol, offset=_NON_FIRST_FRAGMENT_OFFSET, id=1)
        return IPv6(src=source, dst=destination, hlim=HOP_LIMIT, nh=44) / fragment
    return IPv6(src=source, dst=destination, hlim=HOP_LIMIT, nh=flow.protocol)


def _transport(flow: Flow, payload: bytes, tcp_sequence: int, echo: tuple[int, int]) -> Packet:
    if flow.fragment:
        return Raw(payload)
    if flow.protocol == Protocol.TCP:
        ports = {"sport": flow.source_port, "dport": flow.destination_port}
        return TCP(**ports, flags=flow.tcp_flags, seq=tcp_sequence, window=64_240) / Raw(payload)
    if flow.protocol == Protocol.UDP:
        return UDP(sport=flow.source_port, dport=flow.destination_port) / Raw(payload)
    if flow.protocol in (Protocol.ICMP, Protocol.ICMPV6):
        return _icmp(flow, payload, echo)
    return Raw(payload)


def _icmp(flow: Flow, payload: bytes, echo: tuple[int, int]) -> Packet:
    kind, code, (identifier, sequence) = flow.icmp_type, flow.icmp_code, echo
    if flow.protocol == Protocol.ICMP:
        return ICMP(type=kind, code=code, id=identifier, seq=sequence) / Raw(payload)
    rest = struct.pack("!HH", identifier, sequence) if kind in _ICMPV6_ECHOES else bytes(4)
    return ICMPv6Unknown(type=kind, code=code, msgbody=rest + payload)


def _mac(raw: bytes) -> str:
    return raw.hex(":")
