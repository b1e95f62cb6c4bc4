"""Address classes against raw bits: every fixpoint the same set node by node, every verdict the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from builders.encodings import compare_fixpoints, compare_verdicts, same
from builders.random_networks import networks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segaudit.graph import ForwardingGraph, build_graph
from segaudit.model.acl import Range
from segaudit.model.device import Device, NextHop, Route, RouteKind
from segaudit.model.flow import Family, Flow
from segaudit.model.snapshot import Snapshot
from segaudit.packets import HeaderField, HeaderSpace, Universe
from segaudit.packets.classes import AddressClasses, Column
from segaudit.policy import parse_policy
from segaudit.reach.device_path import Level, RoutingMode
from segaudit.reach.fixpoint import Source
from segaudit.reach.universes import class_universe

RAW = {family: Universe(family, 1 << 21) for family in Family}
NODES = 1 << 20
POLICY = b"""
version: 1
name: random
zones:
  a: {side: left, owner: o@x.example, members: [{prefix: 10.1.0.0/24}]}
  b: {side: right, owner: o@x.example, members: [{prefix: 10.2.0.0/24}]}
  c: {side: right, owner: o@x.example, members: [{prefix: 10.3.0.0/24}]}
isolation:
  - {id: ISO-1, title: a and b, between: left, and: right, families: [ipv4], severity: high}
"""


def patient(examples: int) -> settings:
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, suppress_health_check=slow)


# -- networks ------------------------------------------------------------------------------------


@st.composite
def tables(draw: st.DrawFn, router: Device) -> Device:
    """The router with more routes, of every kind and length, to overlapping prefixes."""
    hops = st.sampled_from([NextHop("eth1", 0x0A0C0001), NextHop("eth2", 0x0A0C0003), NextHop("eth2")])
    drawn = st.builds(
        lambda base, length, kind, to: Route(
            Family.IPV4,
            base >> 32 - length << 32 - length,
            length,
            tuple(to) if kind is RouteKind.UNICAST else (),
            kind,
        ),
        st.sampled_from([0x0A010005, 0x0A020080, 0x0A0D0000, 0x0A170001, 0xC0A80000]),
        st.integers(0, 32),
        st.sampled_from([RouteKind.UNICAST, RouteKind.UNICAST, RouteKind.BLACKHOLE, RouteKind.THROW]),
        st.lists(hops, min_size=1, max_size=2, unique=True),
    )
    return replace(router, routes=(*router.routes, *draw(st.lists(drawn, max_size=12))))


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    network = draw(networks())
    devices = {name: draw(tables(device)) for name, device in network.devices.items()}
    return replace(network, devices=devices)


@st.composite
def graphs(draw: st.DrawFn) -> ForwardingGraph:
    """Random networks, where some wires may be the internet's or not modelled."""
    graph = build_graph(draw(snapshots()))
    some = st.sets(st.sampled_from(sorted(graph.segments)), max_size=1).map(frozenset)
    return replace(graph, internet_segments=draw(some), unmodelled_segments=draw(some))


def wires(graph: ForwardingGraph) -> list[Source]:
    return [Source(frozenset({wire})) for wire in sorted(graph.segments)]


def known_beforehand(graph: ForwardingGraph) -> Universe:
    return class_universe(list(graph.devices.values()), Family.IPV4, NODES)


def known_as_asked(_: ForwardingGraph) -> Universe:
    return Universe(Family.IPV4, NODES, AddressClasses(32))


@patient(30)
@given(
    graphs(),
    st.sampled_from([known_beforehand, known_as_asked]),
    st.sampled_from(Level),
    st.sampled_from(RoutingMode),
)
def test_every_fixpoint_is_the_same_set(
    graph: ForwardingGraph,
    coded: Callable[[ForwardingGraph], Universe],
    level: Level,
    routing: RoutingMode,
) -> None:
    universes = (RAW[Family.IPV4], coded(graph))
    assert compare_fixpoints(graph, universes, level, routing, wires(graph)) > 0


@patient(12)
@given(snapshots())
def test_every_verdict_is_the_same_to_the_witness(network: Snapshot) -> None:
    policy = parse_policy(POLICY, "policy.yaml")
    coded = class_universe(list(network.devices.values()), Family.IPV4, NODES)
    assert len(compare_verdicts(policy, network, Family.IPV4, (RAW[Family.IPV4], coded))) == 6


# -- set expressions -----------------------------------------------------------------------------

Make = Callable[[Universe], HeaderSpace]
ENDS = (HeaderField.SOURCE, HeaderField.DESTINATION)


def addresses(family: Family) -> st.SearchStrategy[int]:
    """Few enough that sets overlap, spread over all of the address space."""
    top = (1 << family.bits) - 1
    bases = st.sampled_from([0, top // 3])
    near = st.builds(lambda base, offset: base + offset, bases, st.integers(0, 9))
    return st.one_of(near, st.integers(0, top), st.just(top))


def ranges(family: Family) -> st.SearchStrategy[list[Range]]:
    ends = st.tuples(addresses(family), addresses(family)).map(lambda pair: (min(pair), max(pair)))
    return st.lists(ends, max_size=4)


@st.composite
def columns(draw: st.DrawFn, family: Family) -> Column:
    starts = sorted({0, *draw(st.lists(addresses(family), max_size=6))})
    labels = draw(st.lists(st.integers(0, 2), min_size=len(starts), max_size=len(starts)))
    return np.array(starts, np.int64 if family is Family.IPV4 else object), np.array(labels, np.int64)


def made(family: Family) -> st.SearchStrategy[Make]:
    """Sets as something to be made in any universe."""
    end, lengths, at = st.sampled_from(ENDS), st.integers(0, family.bits), addresses(family)
    leaf = st.one_of(
        st.builds(lambda end, of: lambda universe: universe.ranges(end, of), end, ranges(family)),
        st.builds(lambda end, of: lambda universe: universe.value(end, of), end, at),
        st.builds(lambda end, of, most: lambda universe: universe.prefix(end, of, most), end, at, lengths),
        st.builds(_masked, end, at, masks(family)),
        st.just(lambda universe: universe.value(HeaderField.PROTOCOL, 6)),
    )
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.builds(lambda a, b: lambda universe: a(universe) & b(universe), inner, inner),
            st.builds(lambda a, b: lambda universe: a(universe) - b(universe), inner, inner),
            st.builds(lambda a, b: lambda universe: a(universe) | b(universe), inner, inner),
            st.builds(lambda a, end: lambda universe: a(universe).without(end), inner, end),
        ),
        max_leaves=8,
    )


def masks(family: Family) -> st.SearchStrategy[int]:
    """Prefixes with a few holes, and masks that read the last bits too; of at most 2^8 ranges."""
    top = (1 << family.bits) - 1
    prefixes = st.integers(0, family.bits).map(lambda length: top ^ top >> length)
    holes = st.sets(st.integers(0, family.bits - 1), max_size=4).map(lambda at: sum(1 << one for one in at))
    last = st.integers(0, 255).map(lambda bits: top - 255 | bits)
    return st.one_of(st.builds(lambda mask, hole: mask & ~hole, prefixes, holes), last)


def _masked(end: HeaderField, value: int, mask: int) -> Make:
    return lambda universe: universe.masked(end, value & mask, mask)


cases = st.sampled_from(Family).flatmap(
    lambda family: st.tuples(
        st.just(family),
        st.lists(columns(family), max_size=3),
        st.lists(made(family), min_size=1, max_size=5),
    )
)


@patient(120)
@given(cases)
def test_any_expression_is_the_same_set_and_stays_it(case: tuple[Family, list[Column], list[Make]]) -> None:
    family, known, makes = case
    coded = Universe(family, NODES, AddressClasses(family.bits, known))
    early = [make(coded) for make in makes]
    for make, before in zip(makes, early, strict=True):
        raw = make(RAW[family])
        same(raw, before, "made before the others divided classes")
        assert make(coded) == before, "made again"


@patient(60)
@given(cases)
def test_halving_by_the_bit_spaces_ends_at_the_same_packet(
    case: tuple[Family, list[Column], list[Make]],
) -> None:
    family, known, (make, *_) = case
    raw, coded = RAW[family], Universe(family, NODES, AddressClasses(family.bits, known))
    spaces = [make(raw), make(coded)]
    if spaces[0].is_empty:
        return
    ends: list[Flow | None] = []
    for space in spaces:
        for low in space.universe.bit_spaces():
            half = space & low
            space = half if not half.is_empty else space - low
        ends.append(space.sample())
    assert ends[0] == ends[1] == spaces[0].sample()
