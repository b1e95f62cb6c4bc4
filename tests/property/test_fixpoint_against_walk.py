"""The fixpoint against the second opinion, both ways, on random networks with filters and translations."""

from __future__ import annotations

from dataclasses import replace

from builders.networks import acl, attach, device, interface, link, route, snapshot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segaudit.graph import build_graph
from segaudit.model.acl import (
    AddressIn,
    AllOf,
    AnyPacket,
    Direction,
    End,
    Field,
    FieldIn,
    Forwarding,
    Hook,
    InterfaceIn,
    Matches,
    Not,
    StateIn,
    Translate,
    TranslationKind,
    UnknownMatch,
)
from segaudit.model.device import Device
from segaudit.model.flow import ConnectionState, Family, Flow
from segaudit.model.snapshot import Snapshot
from segaudit.model.topology import TerminationPoint
from segaudit.packets import Universe
from segaudit.reach.device_path import Level
from segaudit.reach.fixpoint import Network, Source
from segaudit.reach.walk import Walker

UNIVERSE = Universe(Family.IPV4, 1 << 21)
NETS = [0x0A010000, 0x0A020000, 0x0A030000, 0x0A0C0000, 0x0A0D0000, 0x0A170000]


def lan(number: int) -> tuple[int, int]:
    base = NETS[number % len(NETS)]
    return base, base + 255


leaves: st.SearchStrategy[Matches] = st.one_of(
    st.builds(
        lambda end, net: AddressIn(end, Family.IPV4, (lan(net),)), st.sampled_from(End), st.integers(0, 5)
    ),
    st.builds(
        lambda port: AllOf((FieldIn(Field.PROTOCOL, ((6, 6),)), FieldIn(Field.DESTINATION_PORT, (port,)))),
        st.sampled_from([(80, 80), (1, 1000), (443, 445)]),
    ),
    st.just(InterfaceIn(Direction.IN, ("eth1",))),
    st.just(InterfaceIn(Direction.OUT, ("eth2",))),
    st.just(StateIn(frozenset({ConnectionState.NEW}))),
    st.just(StateIn(frozenset({ConnectionState.ESTABLISHED, ConnectionState.RELATED}))),
    st.just(AnyPacket()),
    st.just(UnknownMatch("?")),
)
matches = st.one_of(leaves, st.builds(Not, leaves), st.builds(lambda a, b: AllOf((a, b)), leaves, leaves))
rules = st.lists(st.tuples(matches, st.sampled_from([Forwarding.ACCEPT, Forwarding.DROP])), max_size=4)
address = st.integers(0, 5).flatmap(
    lambda net: st.sampled_from([NETS[net] + 1, NETS[net] + 2, NETS[net] + 10])
)
translations = st.lists(
    st.tuples(
        matches,
        st.builds(
            lambda kind, to, ports: Translate(kind, ((to, to),), ports),
            st.sampled_from([TranslationKind.DESTINATION, TranslationKind.SOURCE]),
            address,
            st.sampled_from([(), ((8080, 8080),)]),
        ),
    ),
    max_size=2,
)


@st.composite
def routers(
    draw: st.DrawFn, name: str, one: str, two: str, others: tuple[tuple[str, str, str], ...]
) -> Device:
    nat = draw(translations)
    source = tuple(rule for rule in nat if rule[1].kind is TranslationKind.SOURCE)
    destination = tuple(rule for rule in nat if rule[1].kind is TranslationKind.DESTINATION)
    chosen = draw(st.lists(st.sampled_from(others), max_size=3, unique=True))
    built = device(
        name,
        interface("eth1", one),
        interface("eth2", two),
        routes=tuple(route(prefix, out, via) for prefix, out, via in chosen),
        acls=(
            acl(
                "forward", *draw(rules), default=draw(st.sampled_from([Forwarding.ACCEPT, Forwarding.DROP]))
            ),
            acl("pre", *destination, default=Forwarding.ACCEPT),
            acl("post", *source, default=Forwarding.ACCEPT),
        ),
        attachments=(
            attach("forward", Hook.FORWARD),
            attach("pre", Hook.PREROUTING, -100, translates=True),
            attach("post", Hook.POSTROUTING, 100, translates=True),
        ),
        tracks=True,
    )
    mode = draw(st.sampled_from([0, 0, 1, 2]))
    filtered = {name: replace(one, reverse_path_filter=mode) for name, one in built.interfaces.items()}
    return replace(built, interfaces=filtered)


@st.composite
def networks(draw: st.DrawFn) -> Snapshot:
    """a -- r1 -- r2 -- b in a chain, and a second way r1 -- r3 -- r2."""
    first = draw(
        routers(
            "r1",
            "10.1.0.1/24",
            "10.12.0.1/24",
            (
                ("10.2.0.0/24", "eth2", "10.12.0.2"),
                ("0.0.0.0/0", "eth2", "10.12.0.2"),
                ("10.3.0.0/24", "eth2", "10.12.0.3"),
            ),
        )
    )
    second = draw(
        routers(
            "r2",
            "10.12.0.2/24",
            "10.2.0.1/24",
            (("10.1.0.0/24", "eth1", "10.12.0.1"), ("0.0.0.0/0", "eth1", "10.12.0.3")),
        )
    )
    third = draw(
        routers(
            "r3",
            "10.12.0.3/24",
            "10.3.0.1/24",
            (
                ("10.1.0.0/24", "eth1", "10.12.0.1"),
                ("10.2.0.0/24", "eth1", "10.12.0.2"),
                ("0.0.0.0/0", "eth1", "10.12.0.2"),
            ),
        )
    )
    wires = [link("r1:eth1"), link("r1:eth2", "r2:eth1", "r3:eth1"), link("r2:eth2"), link("r3:eth2")]
    return snapshot([first, second, third], wires)


flows = st.one_of(
    st.builds(
        lambda protocol, source, target, sport, dport: Flow(
            Family.IPV4, protocol, source, target, sport, dport, tcp_flags=2 if protocol == 6 else 0
        ),
        st.sampled_from([6, 17]),
        address,
        address,
        st.sampled_from([40000, 80]),
        st.sampled_from([80, 443, 22, 8080]),
    ),
    st.builds(lambda source, target: Flow(Family.IPV4, 1, source, target, icmp_type=8), address, address),
)


def wires_of(network: Snapshot):  # type: ignore[no-untyped-def]
    graph = build_graph(network)
    return graph, {point: graph.segments[name].points for point, name in graph.segment_of.items()}


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(networks(), st.lists(flows, min_size=1, max_size=8))
def test_wherever_a_packet_walks_the_fixpoint_has_it(network: Snapshot, packets: list[Flow]) -> None:
    graph, wires = wires_of(network)
    reached = Network(graph, UNIVERSE).reach(
        Source(frozenset({graph.segment_of[TerminationPoint("r1", "eth1")]}))
    )
    walker = Walker(network.devices, wires)
    for flow in packets:
        for walk in walker.walk(flow, "r1", "eth1"):
            for step in walk.trace.steps:
                if step.action != "sent":
                    continue
                segment = graph.segment_of[TerminationPoint(step.device, step.interface)]
                seen = reached.space(("segment", segment))
                assert not (
                    UNIVERSE.flow(_as_sent(step.what, walk.trace.flow, walk.trace.arrived)) & seen
                ).is_empty, walk


def _as_sent(what: str, sent: Flow, arrived: Flow) -> Flow:
    """The header on the wire at a step: one of the headers that the walk had."""
    for flow in (sent, arrived):
        if what.endswith(str(flow)):
            return flow
    return _parsed(what, sent)


def _parsed(what: str, like: Flow) -> Flow:
    from ipaddress import ip_address

    words = what.split()
    source, destination = words[-3], words[-1]
    if like.protocol in (6, 17):
        (source, sport), (destination, dport) = source.rsplit(":", 1), destination.rsplit(":", 1)
        like = replace(like, source_port=int(sport), destination_port=int(dport))
    return replace(like, source=int(ip_address(source)), destination=int(ip_address(destination)))


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(networks())
def test_what_must_arrive_is_part_of_what_may(network: Snapshot) -> None:
    graph, wires = wires_of(network)
    start = Source(frozenset({graph.segment_of[TerminationPoint("r1", "eth1")]}))
    may = Network(graph, UNIVERSE).reach(start)
    must = Network(graph, UNIVERSE, Level.MUST).reach(start)
    walker = Walker(network.devices, wires)
    translating = any(d.acls["pre"].aces or d.acls["post"].aces for d in network.devices.values())
    for node, space in must.at.items():
        assert space.is_subset(may.space(node)), node
        if node[0] == "segment" and node[1] != str(TerminationPoint("r1", "eth1")) and not translating:
            flow = space.sample()
            assert flow is not None
            walks = walker.walk(flow, "r1", "eth1")
            assert any(_sends_on(walk, graph, node[1]) for walk in walks), (node, flow)


def _sends_on(walk, graph, segment: str) -> bool:  # type: ignore[no-untyped-def]
    return any(
        step.action == "sent"
        and step.certain
        and graph.segment_of[TerminationPoint(step.device, step.interface)] == segment
        for step in walk.trace.steps
    )
