"""The checker's sets and rules, one packet at a time, against the interpreter of the second opinion."""

from __future__ import annotations

from builders.random_networks import NETS, networks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segaudit.graph import build_graph
from segaudit.judge.plain_network import plain_device
from segaudit.model.acl import Forwarding, Translate
from segaudit.model.flow import ConnectionState, Family, Flow
from segaudit.model.snapshot import Snapshot
from segaudit.reach.interpret import Context, decisions
from segaudit.recheck.rules import Rules, Seen
from segaudit.recheck.sets import ALL, LAYOUT, Headers, Packets

addresses = st.sampled_from([net + host for net in NETS for host in (0, 1, 255, 256)])
ports = st.sampled_from([0, 1, 80, 443, 445, 1000, 1001])
flows = st.builds(
    Flow,
    st.just(Family.IPV4),
    st.sampled_from([1, 6, 17, 47]),
    addresses,
    addresses,
    ports,
    ports,
    fragment=st.booleans(),
)


def holds(packets: Packets, flow: Flow) -> bool:
    """Whether a packet is in a set: bit by bit down its diagram."""
    bits: list[int] = []
    for field, width in LAYOUT.items():
        value = 0 if field == "origin" else int(getattr(flow, field))
        bits += [value >> place & 1 for place in reversed(range(width or 32))]
    while packets.low is not packets:
        packets = packets.high if bits[packets.bit] else packets.low
    return packets is ALL


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(networks(), flows, st.sampled_from(ConnectionState), st.sampled_from(["forward", "pre", "post"]))
def test_a_chain_lets_the_same_packets_pass(
    network: Snapshot, flow: Flow, state: ConnectionState, chain: str
) -> None:
    device, graph = network.devices["r1"], build_graph(network)
    plain = plain_device(device, graph, Family.IPV4)
    accepted, translated = Rules(Headers(4), plain["chains"]).attached(
        chain, Seen("eth1", "eth2", state.value)
    )
    possible = [one.verdict for one in decisions(device, chain, flow, Context("eth1", "eth2", state))]
    assert holds(accepted, flow) == (Forwarding.ACCEPT in possible)
    moved = any(holds(packets, flow) for packets, _ in translated)
    assert moved == any(isinstance(one, Translate) for one in possible)


numbers = st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=4)


@given(numbers, numbers, st.integers(0, 255), st.integers(0, 255))
def test_sets_are_what_their_members_say(
    some: list[tuple[int, int]], other: list[tuple[int, int]], protocol: int, flags: int
) -> None:
    headers = Headers(4)
    one, two = headers.among("protocol", some), headers.among("tcp_flags", other)
    flow = Flow(Family.IPV4, protocol, 0, 0, tcp_flags=flags)
    in_one = any(first <= protocol <= last for first, last in some)
    in_two = any(first <= flags <= last for first, last in other)
    assert holds(one & two, flow) == (in_one and in_two)
    assert holds(one | two, flow) == (in_one or in_two)
    assert holds(one - two, flow) == (in_one and not in_two)
    assert holds(headers.forget(one & two, "tcp_flags"), flow) == (in_one and bool(two))
    assert (one & two) | (one - two) is one
