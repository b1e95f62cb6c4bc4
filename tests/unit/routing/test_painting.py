"""Tables painted against the longest match found route by route."""

from __future__ import annotations

from itertools import pairwise

from builders.networks import acl, device, interface, route
from hypothesis import given
from hypothesis import strategies as st

from segaudit.model.acl import (
    AddressIn,
    AddressMasked,
    AllOf,
    AnyPacket,
    End,
    Forwarding,
    Not,
    Translate,
    TranslationKind,
)
from segaudit.model.device import NextHop, Route, RouteKind
from segaudit.model.flow import Family
from segaudit.routing.fib import best_routes
from segaudit.routing.landmarks import landmarks, reads_host_bits
from segaudit.routing.painting import Painting, paint, paintings

HOPS = [(NextHop("eth1", 1),), (NextHop("eth2"),), (NextHop("eth1", 1), NextHop("eth2"))]


@st.composite
def tables(draw: st.DrawFn, family: Family) -> list[Route]:
    """Routes to prefixes that nest, some the same, around both ends of the address space."""
    top = (1 << family.bits) - 1
    bases = st.sampled_from([0, 0x0A << family.bits - 8, top, 0xC0A8 << family.bits - 16])
    lengths = st.one_of(st.integers(0, 9), st.integers(family.bits - 2, family.bits))
    prefixes = st.tuples(bases, lengths).map(lambda at: (_network(*at, family), at[1]))
    kinds = st.sampled_from([RouteKind.UNICAST, RouteKind.UNICAST, RouteKind.THROW, RouteKind.BLACKHOLE])
    found = draw(st.lists(st.tuples(prefixes, st.sampled_from(HOPS), kinds), max_size=14))
    return [
        Route(family, prefix, length, hops if kind is RouteKind.UNICAST else (), kind)
        for (prefix, length), hops, kind in found
    ]


def _network(base: int, length: int, family: Family) -> int:
    return base >> family.bits - length << family.bits - length


def at(painting: Painting, address: int) -> Route | None:
    interval = sum(start <= address for start in painting.starts.tolist()) - 1
    return painting.routes[int(painting.labels[interval])]


def longest(routes: tuple[Route, ...], address: int) -> Route | None:
    for one in routes:
        shift = one.family.bits - one.prefix_length
        if address >> shift == one.prefix >> shift:
            return None if one.kind is RouteKind.THROW else one
    return None


def action(one: Route | None) -> object:
    return None if one is None else (one.kind, one.next_hops)


@given(st.sampled_from(Family).flatmap(lambda family: st.tuples(st.just(family), tables(family))))
def test_every_address_gets_its_longest_match(case: tuple[Family, list[Route]]) -> None:
    family, routes = case
    best = best_routes(device("r", routes=tuple(routes)), family).get("main", ())
    painting = paint(best, family.bits)
    edges = {0, (1 << family.bits) - 1}
    for one in best:
        last = one.prefix + (1 << family.bits - one.prefix_length) - 1
        edges |= {one.prefix, last, max(one.prefix - 1, 0), min(last + 1, (1 << family.bits) - 1)}
    for address in edges:
        assert action(at(painting, address)) == action(longest(best, address))
    labels = painting.labels.tolist()
    assert all(one != other for one, other in pairwise(labels))


def test_an_empty_table_is_one_interval_without_a_route() -> None:
    painting = paint((), 32)
    assert (painting.starts.tolist(), painting.labels.tolist(), painting.routes) == ([0], [0], (None,))


def test_routes_that_do_the_same_are_one_colour() -> None:
    box = device(
        "r",
        interface("eth1", "10.0.0.1/24"),
        routes=(route("10.1.0.0/16", "eth1", "10.0.0.2"), route("10.2.0.0/16", "eth1", "10.0.0.2")),
    )
    local, main = paintings([box], Family.IPV4)
    assert len(local.starts) == 3
    assert [shown.prefix_length if shown else None for shown in main.routes] == [None, 24, 16]
    assert len(main.starts) == 5


def test_what_a_configuration_names_is_a_landmark() -> None:
    chain = acl(
        "forward",
        (AllOf((AddressIn(End.SOURCE, Family.IPV4, ((5, 9),)), Not(AnyPacket()))), Forwarding.DROP),
        (AddressMasked(End.DESTINATION, Family.IPV4, 0x0B000000, 0xFF000000), Forwarding.DROP),
        (AnyPacket(), Translate(TranslationKind.SOURCE, ((100, 101),))),
    )
    box = device("r", interface("eth1", "0.0.1.2/24"), acls=(chain,))
    named = {5, 10, 0x0B000000, 0x0C000000, 100, 102, 256, 258, 259, 512}
    assert landmarks([box], Family.IPV4) == named
    assert not reads_host_bits([box], Family.IPV4)


def test_a_match_on_host_bits_is_noticed() -> None:
    leaf = AddressMasked(End.DESTINATION, Family.IPV6, 1, 0xFFFF)
    box = device("r", acls=(acl("forward", (Not(leaf), Forwarding.DROP)),))
    assert reads_host_bits([box], Family.IPV6)
    assert not reads_host_bits([box], Family.IPV4)
