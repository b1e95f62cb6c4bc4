"""Oracle 3: what Isabelle proved of iptables rulesets judges the filters' sets and their interpreter.

Matrices are compared whole, packets one by one: here some of each, all of them with
``ORACLE_PROVED_PACKETS`` set (``make oracle``).
"""

from __future__ import annotations

import os
import random
from dataclasses import replace
from functools import cache

import pytest
from oracle.proved import (
    LOOPBACK,
    PROVED,
    Engine,
    Packet,
    certified,
    interpreted,
    names,
    read_proof,
    walked,
)

from segaudit.model.acl import Forwarding
from segaudit.packets import HeaderField
from segaudit.reach.device_path import Level

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif(not PROVED.is_dir(), reason=f"no proved matrices (SEGAUDIT_CORPORA: {PROVED})"),
]

PACKETS = int(os.environ.get("ORACLE_PROVED_PACKETS", "8"))

MATRICES = names()


@cache
def engine(name: str) -> Engine:
    return Engine(read_proof(name))


def some(packets: tuple[Packet, ...]) -> list[Packet]:
    """As many as are asked for, half of them of those that pass."""
    dice = random.Random(1)
    passing = [one for one in packets if one.passes]
    dropped = [one for one in packets if not one.passes]
    half = min(len(passing), (PACKETS + 1) // 2)
    return dice.sample(passing, half) + dice.sample(dropped, min(len(dropped), PACKETS - half))


def test_there_are_the_matrices_that_were_proved() -> None:
    assert len(MATRICES) == 5


@pytest.mark.parametrize("name", MATRICES)
def test_who_may_connect_is_what_was_proved(name: str) -> None:
    model = engine(name)
    space = model.universe.union(model.accepted(Level.MAY).values())
    assert model.connected(space) == model.proof.connected


@pytest.mark.parametrize("name", MATRICES)
def test_who_must_connect_was_proved_to_be_able_to(name: str) -> None:
    model = engine(name)
    may, must = model.accepted(Level.MAY), model.accepted(Level.MUST)
    assert all(must[way].is_subset(may[way]) for way in may)
    assert model.connected(model.universe.union(must.values())) <= model.proof.connected


@pytest.mark.parametrize("name", MATRICES)
def test_the_whole_router_lies_on_both_sides_of_the_proof(name: str) -> None:
    """What leaves it for certain was proved possible, and what was proved possible may leave it.

    It may let more through: in the state that the proof leaves out (INVALID, UNTRACKED).
    """
    model = engine(name)
    may, must = model.forwarded(Level.MAY), model.forwarded(Level.MUST)
    assert model.connected(must) <= model.proof.connected <= model.connected(may)


@pytest.mark.parametrize("name", MATRICES)
def test_every_packet_fares_as_proved(name: str) -> None:
    """In the sets, by the interpreter on every way, and in a walk on one."""
    model = engine(name)
    proof = model.proof
    may = model.universe.union(model.accepted(Level.MAY).values())
    chosen = some(proof.packets)
    assert {one.passes for one in chosen} == {True, False}
    for packet in chosen:
        ways = list(interpreted(proof, packet))
        in_sets = not (model.universe.flow(proof.flow(packet)) & may).is_empty
        assert (in_sets, bool(ways)) == (packet.passes, packet.passes), packet
        assert walked(proof, packet, ways[0] if ways else ("elsewhere", "elsewhere")) is packet.passes, (
            packet
        )


def test_a_spoofed_source_is_stopped_only_where_that_was_proved() -> None:
    told = list(certified())
    assert told
    for ruleset, name, certain in told:
        model = next(engine(each) for each in MATRICES if engine(each).proof.ruleset == ruleset)
        loopback, ranges = LOOPBACK
        assert name == loopback
        spoofed = ~model.universe.ranges(HeaderField.SOURCE, ranges)
        passage = model.path(Level.MAY).passage(name, spoofed, False)
        assert bool(passage.emissions) is not certain


def test_a_rule_too_many_would_be_noticed() -> None:
    """The comparison itself: the factory's rules, but for a drop that is an accept."""
    proof = engine("factory.tcp80.new").proof
    acls = {
        name: replace(acl, default=Forwarding.ACCEPT) if acl.default is Forwarding.DROP else acl
        for name, acl in proof.device.acls.items()
    }
    wrong = Engine(proof, replace(proof.device, acls=acls))
    space = wrong.universe.union(wrong.accepted(Level.MAY).values())
    assert wrong.connected(space) > proof.connected
