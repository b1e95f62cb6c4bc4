"""Crafting, reading and the kernel filter against each other: what is sent must be recognised."""

from __future__ import annotations

import ctypes
import socket
import struct
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoReply,
    ICMPv6ND_NS,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrHopByHop,
)
from scapy.packet import Raw

from segaudit.model.flow import Family, Flow, Protocol
from segaudit.probe.agent_craft import frame
from segaudit.probe.headers import read_packet
from segaudit.probe.messages import decode, encode, flow_from_json, flow_to_json
from segaudit.probe.packet_filter import capture_filter
from segaudit.probe.trailer import run_tag, trailer

KEY = bytes(range(32))
TRAILER = trailer(KEY, 7)
TAG = run_tag(KEY)


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """Any flow that a witness can have: header fields only where the protocol has them."""
    family = draw(st.sampled_from(Family))
    icmp = Protocol.ICMP if family is Family.IPV4 else Protocol.ICMPV6
    protocol = draw(st.sampled_from([Protocol.TCP, Protocol.UDP, icmp, 4, 47, 50, 89, 253]))
    address = st.integers(1, (1 << family.bits) - 1)
    fragment = draw(st.booleans())
    fields = {}
    if protocol in (Protocol.TCP, Protocol.UDP) and not fragment:
        fields = {
            "source_port": draw(st.integers(0, 65535)),
            "destination_port": draw(st.integers(0, 65535)),
        }
        if protocol == Protocol.TCP:
            fields["tcp_flags"] = draw(st.integers(0, 255))
    elif protocol == icmp and not fragment:
        # Without the errors: those quote a packet, and 24 bytes of trailer are none.
        kinds = [0, 8, 42] if family is Family.IPV4 else [128, 129, 200]
        fields = {"icmp_type": draw(st.sampled_from(kinds)), "icmp_code": draw(st.integers(0, 255))}
    return Flow(family, protocol, draw(address), draw(address), fragment=fragment, **fields)


@given(flows())
@settings(max_examples=300, deadline=None)
def test_what_is_crafted_reads_back_as_the_flow_it_was_made_from(flow: Flow) -> None:
    packet = read_packet(frame(flow, TRAILER, 99, (5, 6), None))
    assert packet is not None
    assert packet.flow == flow
    assert packet.trailer == TRAILER


@given(flows())
@settings(max_examples=300, deadline=None)
def test_the_kernel_filter_passes_every_probe(flow: Flow) -> None:
    assert passes(frame(flow, TRAILER, 99, (5, 6), None))


@given(flows(), st.integers(1, 60))
@settings(max_examples=100, deadline=None)
def test_link_padding_hides_no_probe(flow: Flow, padding: int) -> None:
    assert passes(frame(flow, TRAILER, 99, (5, 6), None) + bytes(padding))


@given(flows())
@settings(max_examples=200, deadline=None)
def test_what_scapy_dissects_is_what_we_read(flow: Flow) -> None:
    data = frame(flow, TRAILER, 99, (5, 6), None)
    theirs = IP(data) if flow.family is Family.IPV4 else IPv6(data)
    assert (flow.source_address, flow.destination_address) == (
        ip_address(theirs.src),
        ip_address(theirs.dst),
    )
    if TCP in theirs and not flow.fragment:
        mine = read_packet(data)
        assert mine is not None
        assert (theirs[TCP].sport, theirs[TCP].dport, int(theirs[TCP].flags), theirs[TCP].seq) == (
            flow.source_port,
            flow.destination_port,
            flow.tcp_flags,
            mine.tcp_sequence,
        )


@given(st.binary(max_size=200))
@settings(max_examples=500)
def test_no_bytes_break_the_reader(data: bytes) -> None:
    read_packet(data)


@given(flows(), st.integers(0, 80))
@settings(max_examples=200, deadline=None)
def test_no_truncation_breaks_the_reader(flow: Flow, length: int) -> None:
    packet = read_packet(frame(flow, TRAILER, 99, (5, 6), None)[:length])
    assert packet is None or packet.flow.destination == flow.destination


@given(flows())
def test_a_flow_survives_the_pipe(flow: Flow) -> None:
    assert flow_from_json(decode(encode({"flow": flow_to_json(flow)}))["flow"]) == flow


@pytest.mark.parametrize(
    "fields",
    [[4, 6, 1, 2], [5, 6, 1, 2, 0, 0, 0, 0, 0, 0], [4, 6, 1 << 32, 2, 0, 0, 0, 0, 0, 0], ["a"] * 10],
)
def test_a_broken_flow_is_refused(fields: list[int]) -> None:
    with pytest.raises(ValueError):
        flow_from_json(fields)


def test_an_error_that_quotes_only_eight_bytes_still_names_the_ports() -> None:
    inner = bytes(IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=61440, dport=445, seq=77))[:28]
    packet = read_packet(bytes(IP(src="10.0.0.9", dst="10.0.0.1") / ICMP(type=3, code=13) / Raw(inner)))
    assert packet is not None and packet.quoted is not None
    assert (packet.flow.icmp_type, packet.flow.icmp_code) == (3, 13)
    assert (packet.quoted.flow.source_port, packet.quoted.flow.destination_port) == (61440, 445)
    assert packet.quoted.tcp_sequence == 77


def test_extension_headers_are_read_through() -> None:
    headers = IPv6(src="fd00::1", dst="fd00::2") / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt()
    packet = read_packet(bytes(headers / TCP(sport=1, dport=22, flags="S")))
    assert packet is not None
    assert (packet.flow.protocol, packet.flow.destination_port) == (Protocol.TCP, 22)


V4 = IP(src="10.0.0.2", dst="10.0.0.1")
V6 = IPv6(src="fd00::2", dst="fd00::1")


@pytest.mark.parametrize("network", [V4, V6], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize(
    ("transport", "passed"),
    [
        (TCP(sport=445, dport=61440, flags="RA"), True),
        (TCP(sport=445, dport=61440, flags="SA"), True),
        (TCP(sport=445, dport=1234, flags="SA"), True),
        (TCP(sport=445, dport=5678, flags="SA"), False),
        (TCP(sport=445, dport=61440, flags="A"), False),
        (TCP(sport=4000, dport=22, flags="S"), True),
        (TCP(sport=4000, dport=22, flags="SEC"), True),
        (TCP(sport=4000, dport=22, flags="PA"), False),
        (UDP(sport=53, dport=65535), True),
        (UDP(sport=53, dport=4000), False),
    ],
)
def test_the_kernel_filter_passes_answers_and_bare_syns_only(
    network: IP, transport: Raw, passed: bool
) -> None:
    assert passes(bytes(network / transport / Raw(b"x" * 30))) is passed


@pytest.mark.parametrize(
    ("packet", "passed"),
    [
        (V4 / ICMP(type=0), True),
        (V4 / ICMP(type=3, code=13) / Raw(bytes(28)), True),
        (V4 / ICMP(type=8), False),
        (V4 / ICMP(type=5), False),
        (IP(src="10.0.0.2", dst="10.0.0.1", frag=10, proto=6) / Raw(b"\x02" * 40), False),
        (V6 / ICMPv6EchoReply(), True),
        (V6 / ICMPv6DestUnreach(), True),
        (V6 / ICMPv6ND_NS(), False),
    ],
)
def test_the_kernel_filter_passes_icmp_that_can_be_an_answer(packet: IP, passed: bool) -> None:
    assert passes(bytes(packet)) is passed


def test_the_kernel_filter_finds_a_trailer_inside_a_tunnel_or_an_unknown_protocol() -> None:
    assert passes(b"\x88\x47 not IP at all" + TRAILER)
    assert passes(bytes(IP(proto=47) / Raw(bytes(4)) / IP() / UDP() / Raw(TRAILER)))


def test_another_run_s_packets_do_not_pass() -> None:
    other = trailer(bytes(32), 7)
    assert not passes(bytes(V4 / UDP(sport=1, dport=2) / Raw(other)))


def test_a_filter_for_too_many_ports_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 64"):
        capture_filter(TAG, range(1, 100))


def passes(packet: bytes) -> bool:
    """Whether the kernel itself lets ``packet`` through: a datagram socket takes the same filter."""
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with left, right:
        program = capture_filter(TAG, [1234])
        held = ctypes.create_string_buffer(program, len(program))
        right.setsockopt(
            socket.SOL_SOCKET, 26, struct.pack("@HP", len(program) // 8, ctypes.addressof(held))
        )
        right.setblocking(False)
        try:
            left.send(packet)
            return right.recv(65535) == packet
        except OSError:
            return False
