"""Reads a captured packet from its network header on; never fails on what a network can send.

Formats: RFC 791 (IPv4), RFC 8200 (IPv6), RFC 9293 (TCP), RFC 768 (UDP), RFC 792 and 4443 (ICMP).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from segaudit.model.flow import Family, Flow, Protocol
from segaudit.probe.trailer import TRAILER_BYTES

SYN, RST, ACK = 2, 4, 16

_FRAGMENT_HEADER = 44
_AUTHENTICATION_HEADER = 51
_EXTENSION_HEADERS = frozenset({0, 43, 60, _FRAGMENT_HEADER, _AUTHENTICATION_HEADER})
_ECHO = {Protocol.ICMP: frozenset({0, 8}), Protocol.ICMPV6: frozenset({128, 129})}
_ERRORS = {Protocol.ICMP: frozenset({3, 4, 5, 11, 12}), Protocol.ICMPV6: frozenset({1, 2, 3, 4})}
ECHO_REPLIES = {Protocol.ICMP: 0, Protocol.ICMPV6: 129}


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet as captured. ``quoted`` is the packet that an ICMP error is about.

    ``tcp_sequence`` is 0 where it is not TCP; ``echo`` is identifier and sequence of an ICMP echo;
    ``trailer`` the last bytes of the packet, if it is long enough; ``payload_bytes`` what follows
    the TCP or UDP header.
    """

    flow: Flow
    ttl: int
    tcp_sequence: int = 0
    echo: tuple[int, int] | None = None
    trailer: bytes = b""
    payload_bytes: int = 0
    quoted: Packet | None = None


@dataclass(frozen=True, slots=True)
class _Network:
    """The network layer: where its payload starts, and what that is."""

    family: Family
    source: int
    destination: int
    protocol: int
    ttl: int
    payload: bytes
    fragment: bool


def read_packet(data: bytes) -> Packet | None:
    """The packet in ``data``; ``None`` where it is not IP or not even its addresses are there.

    Headers cut off by a quote read as 0.
    """
    network = _network(data)
    return _transport(network) if network is not None else None


def _network(data: bytes) -> _Network | None:
    version = data[0] >> 4 if data else 0
    if version == Family.IPV4 and len(data) >= 20:
        return _ipv4(data)
    if version == Family.IPV6 and len(data) >= 40:
        return _ipv6(data)
    return None


def _ipv4(data: bytes) -> _Network:
    header = (data[0] & 15) * 4
    total, offset = struct.unpack_from("!H", data, 2)[0], struct.unpack_from("!H", data, 6)[0] & 0x1FFF
    end = total if header <= total <= len(data) else len(data)
    source, destination = struct.unpack_from("!II", data, 12)
    return _Network(Family.IPV4, source, destination, data[9], data[8], data[header:end], offset > 0)


def _ipv6(data: bytes) -> _Network:
    length = struct.unpack_from("!H", data, 4)[0]
    payload = data[40 : 40 + length] if length else data[40:]
    protocol, fragment = data[6], False
    while protocol in _EXTENSION_HEADERS and len(payload) >= 8 and not fragment:
        fragment = protocol == _FRAGMENT_HEADER and struct.unpack_from("!H", payload, 2)[0] >= 8
        size = _extension_bytes(protocol, payload)
        protocol, payload = payload[0], payload[size:]
    source, destination = int.from_bytes(data[8:24], "big"), int.from_bytes(data[24:40], "big")
    return _Network(Family.IPV6, source, destination, protocol, data[7], payload, fragment)


def _extension_bytes(protocol: int, header: bytes) -> int:
    if protocol == _FRAGMENT_HEADER:
        return 8
    if protocol == _AUTHENTICATION_HEADER:
        return (header[1] + 2) * 4
    return (header[1] + 1) * 8


def _transport(network: _Network) -> Packet:
    bare = Packet(_flow(network), network.ttl, trailer=network.payload[-TRAILER_BYTES:])
    if network.fragment:
        return bare
    if network.protocol in (Protocol.TCP, Protocol.UDP, Protocol.SCTP):
        return _with_ports(network, bare)
    if network.protocol in (Protocol.ICMP, Protocol.ICMPV6):
        return _icmp(network, bare)
    return bare


def _flow(network: _Network, **fields: int) -> Flow:
    return Flow(
        network.family,
        network.protocol,
        network.source,
        network.destination,
        fragment=network.fragment,
        **fields,
    )


def _with_ports(network: _Network, bare: Packet) -> Packet:
    payload = network.payload.ljust(20, b"\0")
    source, destination, sequence = struct.unpack_from("!HHI", payload)
    if network.protocol != Protocol.TCP:
        flow = _flow(network, source_port=source, destination_port=destination)
        return Packet(
            flow, network.ttl, trailer=bare.trailer, payload_bytes=max(0, len(network.payload) - 8)
        )
    flow = _flow(network, source_port=source, destination_port=destination, tcp_flags=payload[13])
    above = max(0, len(network.payload) - (payload[12] >> 4) * 4)
    return Packet(flow, network.ttl, sequence, trailer=bare.trailer, payload_bytes=above)


def _icmp(network: _Network, bare: Packet) -> Packet:
    payload = network.payload.ljust(8, b"\0")
    kind, code, identifier, sequence = payload[0], payload[1], *struct.unpack_from("!HH", payload, 4)
    protocol = Protocol(network.protocol)
    flow = _flow(network, icmp_type=kind, icmp_code=code)
    echo = (identifier, sequence) if kind in _ECHO[protocol] else None
    quoted = read_packet(network.payload[8:]) if kind in _ERRORS[protocol] else None
    return Packet(flow, network.ttl, echo=echo, trailer=bare.trailer, quoted=quoted)
