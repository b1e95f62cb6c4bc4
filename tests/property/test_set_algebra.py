"""The laws of the set algebra, and the algebra against plain Python sets on a few bits.

Random sets are built from ranges and masks of every field; the brute force keeps to headers that
differ in six bits only, so that all 64 of them can be listed.
"""

from __future__ import annotations

from dataclasses import fields as dataclass_fields
from dataclasses import replace
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from segaudit.model.flow import Family, Flow
from segaudit.packets import Bounds, HeaderField, HeaderSpace, Universe

UNIVERSES = {family: Universe(family, 1 << 20) for family in Family}
FLOW_FIELDS = [field.name for field in dataclass_fields(Flow)]
FIELDS = [HeaderField(name) for name in FLOW_FIELDS if name not in ("family", "fragment")]


def bounded(universe: Universe, field: HeaderField) -> st.SearchStrategy[HeaderSpace]:
    top = (1 << universe.width(field)) - 1
    ends = st.tuples(st.integers(0, top), st.integers(0, top)).map(lambda pair: (min(pair), max(pair)))
    return st.lists(ends, max_size=3).map(lambda ranges: universe.ranges(field, ranges))


def masked(universe: Universe, field: HeaderField) -> st.SearchStrategy[HeaderSpace]:
    top = (1 << universe.width(field)) - 1
    return st.tuples(st.integers(0, top), st.integers(0, top)).map(
        lambda pair: universe.masked(field, pair[0] & pair[1], pair[1])
    )


def spaces(universe: Universe) -> st.SearchStrategy[HeaderSpace]:
    leaf = st.sampled_from(FIELDS).flatmap(
        lambda field: st.one_of(bounded(universe, field), masked(universe, field))
    )
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.builds(lambda a, b: a & b, inner, inner),
            st.builds(lambda a, b: a | b, inner, inner),
            st.builds(lambda a: ~a, inner),
        ),
        max_leaves=6,
    )


V4 = UNIVERSES[Family.IPV4]
triples = st.sampled_from(list(UNIVERSES.values())).flatmap(
    lambda universe: st.tuples(spaces(universe), spaces(universe), spaces(universe))
)
fields = st.sets(st.sampled_from(FIELDS), max_size=3)


@given(triples)
def test_it_is_a_boolean_algebra(sets: tuple[HeaderSpace, HeaderSpace, HeaderSpace]) -> None:
    a, b, c = sets
    everything, nothing = a.universe.all, a.universe.none
    assert a | b == b | a
    assert a & b == b & a
    assert (a | b) | c == a | (b | c)
    assert (a & b) & c == a & (b & c)
    assert a & (b | c) == (a & b) | (a & c)
    assert a | (b & c) == (a | b) & (a | c)
    assert a | (a & b) == a == a & (a | b)
    assert ~~a == a
    assert ~(a | b) == ~a & ~b
    assert a | ~a == everything
    assert a & ~a == nothing
    assert a - b == a & ~b
    assert a | nothing == a == a & everything


@given(triples)
def test_subset_is_what_the_operations_say(sets: tuple[HeaderSpace, HeaderSpace, HeaderSpace]) -> None:
    a, b, _ = sets
    assert a.is_subset(b) is (a & b == a) is (a | b == b)
    assert (a & b).is_subset(a) and a.is_subset(a | b)
    assert (a == b) is (a.is_subset(b) and b.is_subset(a))
    assert hash(a | b) == hash(b | a)


@given(triples, fields, fields)
def test_forgetting_a_field(
    sets: tuple[HeaderSpace, HeaderSpace, HeaderSpace], some: set[HeaderField], more: set[HeaderField]
) -> None:
    a, b, _ = sets
    assert a.is_subset(a.without(*some))
    assert a.without(*some).without(*more) == a.without(*some, *more)
    assert (a | b).without(*some) == a.without(*some) | b.without(*some)
    assert (a & b.without(*some)).without(*some) == a.without(*some) & b.without(*some)
    assert a.always(*some) == ~(~a).without(*some)
    assert a.without(*some).is_empty is a.is_empty


@given(triples)
def test_a_sample_is_a_member(sets: tuple[HeaderSpace, HeaderSpace, HeaderSpace]) -> None:
    a, b, _ = sets
    found = a.sample([b])
    assert (found is None) is a.is_empty
    if found is not None:
        assert a.universe.flow(found).is_subset(a)
        assert (a & b).is_empty or a.universe.flow(found).is_subset(b)


@given(triples, triples)
def test_bounds_stay_bounds(
    one: tuple[HeaderSpace, HeaderSpace, HeaderSpace], two: tuple[HeaderSpace, HeaderSpace, HeaderSpace]
) -> None:
    """Whatever lies between two bounds still does after every operation."""
    if one[0].universe is not two[0].universe:
        return
    (a, inside, b), (c, other, d) = one, two
    first, second = Bounds(a | inside | b, a & inside), Bounds(c | other | d, c & other & d)
    for bounds, exact in (
        (first & second, inside & other),
        (first | second, inside | other),
        (~first, ~inside),
        (first - second, inside - other),
    ):
        assert bounds.must.is_subset(exact)
        assert exact.is_subset(bounds.may)


# -- against plain sets --------------------------------------------------------------------------

BASE = Flow(Family.IPV4, 6, 0, 0, 0, 0)
HEADERS = [
    replace(BASE, source=a, destination_port=b, tcp_flags=c) for a, b, c in product(range(4), repeat=3)
]
"""All headers that differ from BASE in the two lowest bits of three fields."""
NAMES = {
    "source": HeaderField.SOURCE,
    "destination_port": HeaderField.DESTINATION_PORT,
    "tcp_flags": HeaderField.TCP_FLAGS,
}


Plain = frozenset[Flow]
Both = tuple[HeaderSpace, Plain]


def ranged(name: str, first: int, last: int) -> Both:
    return (
        V4.ranges(NAMES[name], [(first, last)]),
        frozenset(header for header in HEADERS if first <= getattr(header, name) <= last),
    )


def combined(kind: str, one: Both, two: Both) -> Both:
    if kind == "and":
        return one[0] & two[0], one[1] & two[1]
    if kind == "or":
        return one[0] | two[0], one[1] | two[1]
    return one[0] - two[0], one[1] - two[1]


def _with(header: Flow, name: str, value: int) -> Flow:
    changed: dict[str, Any] = {name: value}
    return replace(header, **changed)


def forgotten(name: str, of: Both) -> Both:
    return of[0].without(NAMES[name]), frozenset(
        header for header in HEADERS if any(_with(header, name, value) in of[1] for value in range(4))
    )


both = st.recursive(
    st.builds(ranged, st.sampled_from(sorted(NAMES)), st.integers(0, 4), st.integers(0, 3)),
    lambda inner: st.one_of(
        st.builds(combined, st.sampled_from(["and", "or", "minus"]), inner, inner),
        st.builds(lambda of: (~of[0], frozenset(HEADERS) - of[1]), inner),
    ),
    max_leaves=8,
)


def members(space: HeaderSpace) -> Plain:
    return frozenset(header for header in HEADERS if not (V4.flow(header) & space).is_empty)


@settings(max_examples=200, deadline=None)
@given(both, both)
def test_it_holds_what_brute_force_holds(one: Both, two: Both) -> None:
    listed = V4.union(V4.flow(header) for header in HEADERS)
    for space, plain in (one, two, combined("and", one, two), combined("minus", one, two)):
        assert members(space) == plain
        assert (space & listed).is_empty is (not plain)
    assert (one[0] & listed).is_subset(two[0]) is (one[1] <= two[1])


@settings(max_examples=200, deadline=None)
@given(both, st.sampled_from(sorted(NAMES)))
def test_it_forgets_what_brute_force_forgets(of: Both, name: str) -> None:
    """Over the listed headers only: a member outside them must not count, so the set is cut first."""
    listed = V4.union(V4.flow(header) for header in HEADERS)
    space, plain = forgotten(name, (of[0] & listed, of[1]))
    assert members(space) == plain
