"""The compiled sets against the interpreter, rule by rule, on random chains and packets."""

from __future__ import annotations

import pytest
from builders.networks import BOTH, acl, attach, device, interface
from hypothesis import given, settings
from hypothesis import strategies as st

from segaudit.model.acl import (
    AddressIn,
    AllOf,
    AnyOf,
    AnyPacket,
    Direction,
    End,
    Field,
    FieldIn,
    FieldMasked,
    Forwarding,
    Goto,
    Hook,
    InterfaceIn,
    Jump,
    Matches,
    Not,
    Return,
    StateIn,
    UnknownAction,
    UnknownMatch,
)
from segaudit.model.flow import ConnectionState, Family, Flow
from segaudit.packets import ChainCompiler, HeaderField, MatchCompiler, Universe
from segaudit.packets.matches import NO_INTERFACE, STATE_VALUES
from segaudit.reach.interpret import Context, decisions, evaluate

UNIVERSES = {family: Universe(family, 1 << 20) for family in Family}
INTERFACES = {"eth1": 1, "eth2": 2}

small_ranges = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 7)).map(lambda pair: (min(pair), max(pair))),
    min_size=1,
    max_size=2,
).map(tuple)

leaves: st.SearchStrategy[Matches] = st.one_of(
    st.just(AnyPacket()),
    st.builds(AddressIn, st.sampled_from(End), st.sampled_from(Family), small_ranges),
    st.builds(FieldIn, st.sampled_from([Field.SOURCE_PORT, Field.DESTINATION_PORT]), small_ranges),
    st.builds(FieldIn, st.just(Field.PROTOCOL), st.sampled_from([((6, 6),), ((1, 17),), ((58, 58),)])),
    st.builds(FieldIn, st.sampled_from([Field.ICMP_TYPE, Field.ICMP_CODE]), small_ranges),
    st.builds(FieldIn, st.just(Field.FRAGMENT), st.just(((1, 1),))),
    st.builds(FieldMasked, st.just(Field.TCP_FLAGS), st.sampled_from([0, 2]), st.just(2)),
    st.builds(InterfaceIn, st.sampled_from(Direction), st.sampled_from([("eth1",), ("eth*",)])),
    st.builds(StateIn, st.sets(st.sampled_from(ConnectionState), min_size=1).map(frozenset)),
    st.just(UnknownMatch("?")),
)
matches = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(AllOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=5,
)
actions = st.sampled_from(
    [*Forwarding, Return(), Jump("inner"), Goto("inner"), Jump("absent"), UnknownAction("?")]
)
rules = st.lists(st.tuples(matches, actions), max_size=5)
inner_rules = st.lists(st.tuples(matches, st.sampled_from([*Forwarding, Return()])), max_size=3)
flows = st.builds(
    Flow,
    st.sampled_from(Family),
    st.sampled_from([1, 6, 17, 58, 50]),
    st.integers(0, 8),
    st.integers(0, 8),
    st.integers(0, 8),
    st.integers(0, 8),
    st.integers(0, 8),
    st.integers(0, 2),
    st.sampled_from([0, 2, 18]),
    st.booleans(),
)
places = st.tuples(
    st.sampled_from([None, "eth1", "eth2"]),
    st.sampled_from([None, "eth1", "eth2"]),
    st.sampled_from(ConnectionState),
)


def _inside(universe: Universe, flow: Flow, place: tuple[str | None, str | None, ConnectionState]):  # type: ignore[no-untyped-def]
    incoming, outgoing, state = place
    return (
        universe.flow(flow)
        & universe.value(HeaderField.IN_INTERFACE, INTERFACES[incoming] if incoming else NO_INTERFACE)
        & universe.value(HeaderField.OUT_INTERFACE, INTERFACES[outgoing] if outgoing else NO_INTERFACE)
        & universe.value(HeaderField.STATE, STATE_VALUES[state])
    )


@settings(max_examples=400, deadline=None)
@given(matches, flows, places)
def test_a_match_is_bounded_by_what_the_interpreter_says(
    match: Matches, flow: Flow, place: tuple[str | None, str | None, ConnectionState]
) -> None:
    universe = UNIVERSES[flow.family]
    bounds = MatchCompiler(universe, INTERFACES).compile(match)
    here = _inside(universe, flow, place)
    verdict = evaluate(match, flow, *place)
    assert bounds.must.is_subset(bounds.may)
    if verdict is True:
        assert here.is_subset(bounds.may)
    if verdict is False:
        assert (here & bounds.must).is_empty
    if "UnknownMatch" not in repr(match):
        assert bounds.may == bounds.must
        assert here.is_subset(bounds.may) is (verdict is True)


@settings(max_examples=400, deadline=None)
@given(rules, inner_rules, st.sampled_from([Forwarding.ACCEPT, Forwarding.DROP]), flows, places)
def test_a_chain_accepts_what_the_interpreter_accepts(rules, inner, default, flow, place) -> None:  # type: ignore[no-untyped-def]
    outer = acl("outer", *rules, default=default)
    called = acl("inner", *inner, default=Return())
    box = device(
        "box",
        interface("eth1"),
        interface("eth2"),
        acls=(outer, called),
        attachments=(attach("outer", Hook.FORWARD, families=BOTH),),
    )
    universe = UNIVERSES[flow.family]
    accepted = ChainCompiler(MatchCompiler(universe, INTERFACES), box.acls).accepted("outer")
    here = _inside(universe, flow, place)
    decided = decisions(box, "outer", flow, Context(*place))
    verdicts = {decision.verdict for decision in decided}
    if all(decision.certain for decision in decided) and len(verdicts) == 1:
        expected = verdicts == {Forwarding.ACCEPT}
        assert here.is_subset(accepted.may) or not expected
        unsure = any("Unknown" in repr(rule) or "absent" in repr(rule) for rule in (*rules, *inner))
        assert unsure or here.is_subset(accepted.must) is expected
    if Forwarding.ACCEPT in verdicts:
        assert here.is_subset(accepted.may)
    else:
        assert (here & accepted.must).is_empty


def test_the_interpreter_finds_a_circle_uncertain() -> None:
    one = acl("one", (AnyPacket(), Jump("two")), default=Forwarding.DROP)
    two = acl("two", (AnyPacket(), Jump("one")), default=Return())
    box = device("box", interface("eth1"), acls=(one, two))
    universe = UNIVERSES[Family.IPV4]
    accepted = ChainCompiler(MatchCompiler(universe, INTERFACES), box.acls).accepted("one")
    assert accepted.may == universe.all
    assert accepted.must.is_empty
    flow = Flow(Family.IPV4, 6, 1, 2)
    decided = decisions(box, "one", flow, Context("eth1", None, ConnectionState.NEW))
    assert not any(decision.certain for decision in decided)
    assert pytest is not None
