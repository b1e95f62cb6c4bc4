from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.dns import DNS

from segaudit.model.flow import Family, Flow, Protocol
from segaudit.probe.payload import payload_for
from segaudit.probe.trailer import TRAILER_BYTES, number_of, run_tag, tcp_sequence, trailer

KEY = bytes(range(32))
keys = st.binary(min_size=16, max_size=64)
numbers = st.integers(0, 2**32 - 1)


@given(keys, numbers)
def test_a_trailer_tells_its_number(key: bytes, number: int) -> None:
    made = trailer(key, number)
    assert len(made) == TRAILER_BYTES and made.startswith(run_tag(key))
    assert number_of(key, made) == number


@given(numbers, st.integers(0, TRAILER_BYTES * 8 - 1))
def test_a_changed_bit_is_not_ours(number: int, bit: int) -> None:
    changed = int.from_bytes(trailer(KEY, number), "big") ^ (1 << bit)
    assert number_of(KEY, changed.to_bytes(TRAILER_BYTES, "big")) is None


@given(keys, keys, numbers)
def test_another_run_is_not_ours(key: bytes, other: bytes, number: int) -> None:
    assert (number_of(other, trailer(key, number)) is None) == (key != other)


@given(st.binary(max_size=40))
def test_anything_else_is_not_ours(found: bytes) -> None:
    assert number_of(KEY, found) is None


def test_sequence_numbers_of_a_run_do_not_collide_at_once() -> None:
    assert len({tcp_sequence(KEY, number) for number in range(2_000)}) == 2_000


def test_a_probe_of_port_53_is_a_dns_query_that_ends_with_the_trailer() -> None:
    flow = Flow(Family.IPV4, Protocol.UDP, 1, 2, 61_440, 53)
    payload = payload_for(flow, trailer(KEY, 7))
    query = DNS(payload)
    assert payload.endswith(trailer(KEY, 7))
    assert (query.qdcount, query.arcount, query.qd[0].qname, query.rd) == (1, 1, b"invalid.", 1)
    assert query.ar[0].rdata[0].optdata == trailer(KEY, 7)
    assert bytes(query) == payload


def test_any_other_probe_carries_the_trailer_alone() -> None:
    for flow in (
        Flow(Family.IPV4, Protocol.TCP, 1, 2, 3, 53),
        Flow(Family.IPV6, Protocol.UDP, 1, 2, 3, 161),
    ):
        assert payload_for(flow, trailer(KEY, 7)) == trailer(KEY, 7)
