"""Alternatives joined: fewer, and the same packets in both bounds."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segaudit.model.acl import (
    Ace,
    Acl,
    AddressIn,
    AllOf,
    AnyOf,
    AnyPacket,
    Direction,
    End,
    Field,
    FieldIn,
    Forwarding,
    InterfaceIn,
    Matches,
    Not,
    StateIn,
    UnknownMatch,
)
from segaudit.model.flow import ConnectionState, Family
from segaudit.packets import Bounds, ChainCompiler, MatchCompiler, Universe
from segaudit.packets.products import Products

UNIVERSE = Universe(Family.IPV4, 1 << 20)
INTERFACES = {"eth1": 1, "eth2": 2, "eth3": 3}


def address(end: End, *hosts: int, family: Family = Family.IPV4) -> Matches:
    return AddressIn(end, family, tuple((host, host) for host in hosts))


def port(*ports: int) -> Matches:
    return FieldIn(Field.DESTINATION_PORT, tuple((one, one) for one in ports))


def spelled_out(sources: range, destinations: range, ports: range) -> list[Matches]:
    return [
        AllOf((address(End.SOURCE, one), address(End.DESTINATION, other), port(number)))
        for one, other, number in product(sources, destinations, ports)
    ]


def union(alternatives: list[Matches], reversed_: bool = False) -> Bounds:
    compiler = MatchCompiler(UNIVERSE, INTERFACES, reversed_)
    parts = [compiler.compile(one) for one in alternatives]
    return Bounds(UNIVERSE.union(one.may for one in parts), UNIVERSE.union(one.must for one in parts))


@pytest.mark.parametrize("seed", range(3))
def test_a_product_is_found_in_whatever_order_it_is_spelled_out(seed: int) -> None:
    rules = spelled_out(range(5), range(10, 14), range(80, 86))
    Random(seed).shuffle(rules)
    assert Products().joined(rules) == [
        AllOf(
            (
                AddressIn(End.SOURCE, Family.IPV4, ((0, 4),)),
                AddressIn(End.DESTINATION, Family.IPV4, ((10, 13),)),
                FieldIn(Field.DESTINATION_PORT, ((80, 85),)),
            )
        )
    ]


def test_interfaces_are_joined_by_name() -> None:
    rules: list[Matches] = [InterfaceIn(Direction.IN, (name,)) for name in ("eth1", "eth2", "eth1")]
    assert Products().joined(rules) == [InterfaceIn(Direction.IN, ("eth1", "eth2"))]


def test_what_differs_in_two_places_stays_apart() -> None:
    rules: list[Matches] = [AllOf((address(End.SOURCE, one), port(one))) for one in (1, 2)]
    assert sorted(map(str, Products().joined(rules))) == sorted(map(str, rules))


def test_addresses_of_two_families_stay_apart() -> None:
    rules = [address(End.SOURCE, 1, family=family) for family in Family]
    assert Products().joined(rules) == rules


def test_nothing_joined_is_nothing() -> None:
    assert Products().joined([AnyOf(())]) == []


ranges = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 3)), min_size=1, max_size=2).map(
    lambda pairs: tuple((first, first + more) for first, more in pairs)
)
comparisons: st.SearchStrategy[Matches] = st.one_of(
    st.builds(AddressIn, st.sampled_from(End), st.sampled_from(Family), ranges),
    st.builds(FieldIn, st.sampled_from([Field.SOURCE_PORT, Field.DESTINATION_PORT]), ranges),
    st.builds(FieldIn, st.just(Field.ICMP_TYPE), st.sampled_from([((8, 8),), ((0, 0), (3, 3))])),
    st.builds(FieldIn, st.just(Field.PROTOCOL), st.sampled_from([((6, 6),), ((17, 17),), ((1, 17),)])),
    st.builds(InterfaceIn, st.sampled_from(Direction), st.sampled_from([("eth1",), ("eth2", "eth3")])),
    st.builds(StateIn, st.sets(st.sampled_from(ConnectionState), min_size=1).map(frozenset)),
    st.builds(UnknownMatch, st.sampled_from(["one", "another"])),
    st.just(AnyPacket()),
)
expressions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda of: AllOf(tuple(of))),
        st.lists(inner, max_size=3).map(lambda of: AnyOf(tuple(of))),
        inner.map(Not),
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(expressions, max_size=12), st.booleans())
def test_alternatives_mean_the_same_joined(alternatives: list[Matches], reversed_: bool) -> None:
    joined = Products().joined(alternatives)
    assert union(joined, reversed_) == union(alternatives, reversed_)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(expressions, st.sampled_from(Forwarding)), max_size=8))
def test_a_chain_of_verdicts_is_decided_by_the_first_that_matches(
    rules: list[tuple[Matches, Forwarding]],
) -> None:
    acl = Acl("chain", tuple(Ace(*rule) for rule in rules), Forwarding.DROP)
    expected = Bounds.exactly(UNIVERSE.none)
    for matches, action in reversed(rules):
        matched = union([matches])
        if action is Forwarding.ACCEPT:
            expected = Bounds(expected.may | matched.may, expected.must | matched.must)
        else:
            expected = expected - matched
    assert ChainCompiler(MatchCompiler(UNIVERSE, INTERFACES), {"chain": acl}).accepted("chain") == expected
