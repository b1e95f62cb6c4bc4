"""Margins of two and more, on networks of a known margin and against trying all subsets of two."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import combinations

import pytest
from builders.networks import acl, attach, device, host, interface, link, route, snapshot

from segaudit.judge import judge, with_margins
from segaudit.judge.absent import absent_routes
from segaudit.judge.conduits import permitted
from segaudit.judge.objects import BarrierObject, filter_objects, routing_objects
from segaudit.judge.pairs import PairJudge
from segaudit.judge.prover import Prover, Reading
from segaudit.model.acl import (
    Ace,
    Acl,
    Action,
    AddressIn,
    AnyPacket,
    Direction,
    End,
    Field,
    FieldIn,
    Forwarding,
    Hook,
    InterfaceIn,
    Jump,
    Matches,
    Return,
    Translate,
    TranslationKind,
)
from segaudit.model.device import RoutingRule
from segaudit.model.flow import Family
from segaudit.model.snapshot import Snapshot
from segaudit.model.source import SourceSpan
from segaudit.model.verdict import Margin, Outcome
from segaudit.policy import locate, parse_policy
from segaudit.routing.fib import default_rules

POLICY = """
version: 1
name: small
zones:
  a: {side: left, owner: o@x.example, members: [{prefix: 10.1.0.0/24}]}
  b: {side: right, owner: o@x.example, members: [{prefix: 10.2.0.10/32}]}
isolation:
  - {id: ISO-1, title: a and b, between: left, and: right, direction: forward, families: [ipv4],
     severity: high}
"""
AS_OF = date(2026, 11, 24)
ACCEPT, DROP = Forwarding.ACCEPT, Forwarding.DROP
Rule = tuple[Matches, Action]
TO_B = AddressIn(End.DESTINATION, Family.IPV4, ((0x0A020000, 0x0A0200FF),))
FROM_A = AddressIn(End.SOURCE, Family.IPV4, ((0x0A010000, 0x0A0100FF),))
FROM_ETH1 = InterfaceIn(Direction.IN, ("eth1",))
TCP = FieldIn(Field.PROTOCOL, ((6, 6),))
SHUT: tuple[Rule, ...] = ((AnyPacket(), DROP),)


def filtered(*rules: Rule, default: Forwarding = ACCEPT, more: tuple[Acl, ...] = ()) -> dict[str, object]:
    """A forward chain and a closed input, as keywords of ``device``."""
    return {
        "acls": (acl("forward", *rules, default=default), acl("input"), *more),
        "attachments": (attach("forward", Hook.FORWARD), attach("input", Hook.INPUT)),
    }


def row(*routers: dict[str, object]) -> Snapshot:
    """ha - r1 - r2 - ... - hb with routes through, each router with its keywords."""
    devices = [
        host("ha", "10.1.0.10/24", gateway="10.1.0.1"),
        host("hb", "10.2.0.10/24", gateway="10.2.0.1"),
    ]
    links, before = [], "ha:eth1"
    for number, facts in enumerate(routers, 1):
        last = number == len(routers)
        near = "10.1.0.1/24" if number == 1 else f"10.9.{number - 1}.2/24"
        far = "10.2.0.1/24" if last else f"10.9.{number}.1/24"
        onward = () if last else (route("10.2.0.0/24", "eth2", f"10.9.{number}.2"),)
        ends = (interface("eth1", near), interface("eth2", far))
        devices.append(device(f"r{number}", *ends, **{"routes": onward, **facts}))  # type: ignore[arg-type]
        links.append(link(before, f"r{number}:eth1"))
        before = f"r{number}:eth2"
    return snapshot(devices, [*links, link(before, "hb:eth1")])


def margin(network: Snapshot, budget: int = 12000) -> Margin:
    parsed = parse_policy(POLICY.encode(), "policy.yaml")
    judgement = judge(parsed, network, locate(parsed, network), AS_OF)
    pair = with_margins(judgement, AS_OF, budget=budget)[0].pairs[0]
    assert pair.outcome is Outcome.PROVEN
    assert pair.margin is not None
    return pair.margin


def changes(found: Margin) -> list[tuple[str, str]]:
    assert found.reconnection is not None
    return [(one.device, one.text) for one in found.reconnection.changes]


def holds(network: Snapshot) -> bool:
    """Whether the pair is proven, by the prover alone."""
    parsed = parse_policy(POLICY.encode(), "policy.yaml")
    prover = Prover(parsed, network, locate(parsed, network), (), 1 << 16)
    judging = PairJudge(prover, Family.IPV4)
    return judging.left("a", "b", permitted(prover, (), "a", "b", Family.IPV4), Reading.STRICT).is_empty


def without(network: Snapshot, objects: tuple[BarrierObject, ...]) -> Snapshot:
    devices = dict(network.devices)
    for one in objects:
        devices[one.device] = one.removed(devices[one.device])
    return replace(network, devices=devices)


# -- known margins -------------------------------------------------------------------------------


def test_two_filters_in_a_row_must_both_open() -> None:
    found = margin(row(filtered(*SHUT), filtered(*SHUT)))
    assert (found.least, found.most, str(found), found.undecided) == (2, 2, "2", ())
    assert changes(found) == [("r1", "forward: rule 1"), ("r2", "forward: rule 1")]
    assert found.reconnection is not None
    story = found.reconnection.nearest_miss
    assert story is not None and story.trace.certain
    assert str(story.flow) == "tcp 10.1.0.10:40000 -> 10.2.0.10:445"
    assert [str(one.span) for one in found.reconnection.changes] == ["acl forward:1"] * 2


def test_three_filters_in_a_row_are_three_changes() -> None:
    found = margin(row(filtered(*SHUT), filtered(*SHUT), filtered(*SHUT)))
    assert (found.least, found.most, found.undecided) == (3, 3, ())
    assert [name for name, _ in changes(found)] == ["r1", "r2", "r3"]


def test_three_rules_of_one_chain_are_three_changes() -> None:
    found = margin(row(filtered(*SHUT, (FROM_ETH1, DROP), default=DROP)))
    assert (found.least, found.most, found.undecided) == (3, 3, ())


def test_the_shorter_of_two_ways_counts() -> None:
    """tcp needs one rule more to be deleted than everything else."""
    found = margin(row(filtered((TCP, DROP), (FROM_ETH1, DROP), (AnyPacket(), DROP))))
    assert str(found) == "2"
    assert changes(found) == [("r1", "forward: rule 2"), ("r1", "forward: rule 3")]


def test_an_object_met_twice_on_the_way_counts_once() -> None:
    """The packets pass fw, a router beyond, and fw again: one rule, one change."""
    fw = device(
        "fw",
        interface("eth1", "10.1.0.1/24"),
        interface("eth2", "10.8.0.1/24"),
        interface("eth3", "10.9.0.1/24"),
        interface("eth4", "10.2.0.1/24"),
        routes=(route("10.2.0.0/24", "eth2", "10.8.0.2", table="out"),),
        rules=(RoutingRule(Family.IPV4, 1, FROM_ETH1, "out"), *default_rules(Family.IPV4)),
        **filtered(*SHUT),  # type: ignore[arg-type]
    )
    back = device(
        "back",
        interface("eth1", "10.8.0.2/24"),
        interface("eth2", "10.9.0.2/24"),
        routes=(route("10.2.0.0/24", "eth2", "10.9.0.1"),),
    )
    ends = [host("ha", "10.1.0.10/24", gateway="10.1.0.1"), host("hb", "10.2.0.10/24", gateway="10.2.0.1")]
    wires = [
        link("ha:eth1", "fw:eth1"),
        link("fw:eth2", "back:eth1"),
        link("back:eth2", "fw:eth3"),
        link("fw:eth4", "hb:eth1"),
    ]
    found = margin(snapshot([*ends, fw, back], wires))
    assert str(found) == "1"
    assert [one.text for one in found.keystones] == ["forward: rule 1"]
    story = found.keystones[0].nearest_miss
    assert story is not None
    received = [step.device for step in story.trace.steps if step.action == "received"]
    assert received[:3] == ["fw", "back", "fw"]


def test_a_rule_and_a_missing_route_are_two_changes() -> None:
    found = margin(row({**filtered(*SHUT), "routes": ()}, {}))
    assert str(found) == "2"
    told = changes(found)
    assert ("r1", "forward: rule 1") in told
    assert any(text.startswith("no route to 10.2.0") for _, text in told)


def test_one_line_that_became_several_entries_is_one_change() -> None:
    """A verdict map of three elements is one line of the configuration."""
    network = row(filtered(*SHUT))
    line = SourceSpan("acl forward", 1, 1)
    entries = tuple(
        Ace(matches, DROP, line, "ip protocol vmap") for matches in (TCP, FROM_ETH1, AnyPacket())
    )
    r1 = network.devices["r1"]
    chain = replace(r1.acls["forward"], aces=entries)
    changed = replace(r1, acls={**r1.acls, "forward": chain})
    found = margin(replace(network, devices={**network.devices, "r1": changed}))
    assert [one.text for one in found.keystones] == ["forward: ip protocol vmap"]


def test_translations_do_not_hide_two_changes() -> None:
    """r1 redirects what comes from eth1 to itself, and r2 drops all: both must go."""
    away = Translate(TranslationKind.DESTINATION, ((0x0A010001, 0x0A010001),), family=Family.IPV4)
    nat: dict[str, object] = {
        "acls": (acl("nat", (FROM_ETH1, away), default=ACCEPT), acl("input")),
        "attachments": (
            attach("nat", Hook.PREROUTING, -100, translates=True),
            attach("input", Hook.INPUT),
        ),
    }
    found = margin(row(nat, filtered(*SHUT)))
    assert str(found) == "2"
    assert changes(found) == [("r1", "nat: rule 1"), ("r2", "forward: rule 1")]


# -- what is not known is not claimed ------------------------------------------------------------


def test_a_spent_budget_leaves_bounds_that_hold() -> None:
    """Three are needed; with little to spend the bounds get wider, never wrong."""
    network = row(filtered(*SHUT), filtered(*SHUT), filtered(*SHUT))
    for budget in (0, 20, 120, 400, 1000):
        found = margin(network, budget)
        assert found.least <= 3
        assert found.most is None or found.most >= 3
        assert found.is_exact or found.undecided


def test_the_upper_bound_really_reconnects_and_no_change_of_it_is_idle() -> None:
    network = row(filtered(*SHUT, default=DROP), filtered((TCP, DROP), *SHUT))
    told = changes(margin(network))
    objects = tuple(one for one in every_object(network) if (one.device, one.text) in told)
    assert len(objects) == len(told)
    assert not holds(without(network, objects))
    assert all(holds(without(network, tuple(o for o in objects if o is not one))) for one in objects)


# -- against trying every two --------------------------------------------------------------------


def every_object(network: Snapshot) -> Iterator[BarrierObject]:
    """All that the search may change, absent routes included."""
    parsed = parse_policy(POLICY.encode(), "policy.yaml")
    prover = Prover(parsed, network, locate(parsed, network), (), 1 << 16)
    graph = prover.graph(Reading.STRICT)
    for one in network.devices.values():
        yield from filter_objects(one, Family.IPV4)
        yield from routing_objects(one, Family.IPV4)
        for _, routes in absent_routes(prover, Family.IPV4, graph, one, "b"):
            yield from routes


def least_by_trying(network: Snapshot) -> int:
    """1, 2, or 3 for more than two changes."""
    objects = list(every_object(network))
    for size in (1, 2):
        if any(not holds(without(network, some)) for some in combinations(objects, size)):
            return size
    return 3


SEEDS = range(int(os.environ.get("SEGAUDIT_MARGIN_SEEDS", "5")))
"""A campaign takes more of them: every seed tries about a thousand changed networks."""


def random_rules(draw: random.Random, jumps: bool) -> tuple[Rule, ...]:
    matches: list[Matches] = [AnyPacket(), FROM_A, TO_B, TCP, FROM_ETH1]
    actions: list[Action] = [ACCEPT, DROP, DROP, Return(), *([Jump("inner")] if jumps else [])]
    return tuple((draw.choice(matches), draw.choice(actions)) for _ in range(draw.randint(1, 3)))


def random_router(draw: random.Random) -> dict[str, object]:
    inner = acl("inner", *random_rules(draw, jumps=False), default=Return())
    default = draw.choice((ACCEPT, DROP, DROP))
    filters = filtered(*random_rules(draw, jumps=True), default=default, more=(inner,))
    return {**filters, **({"routes": ()} if draw.random() < 0.25 else {})}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_bounds_are_those_of_trying_every_two_changes(seed: int) -> None:
    draw = random.Random(seed)
    network = row(*(random_router(draw) for _ in range(draw.randint(1, 2))))
    if not holds(network):
        network = row(filtered(*SHUT), random_router(draw))
    found, least = margin(network), least_by_trying(network)
    assert found.least <= least
    assert found.most is None or found.most >= least
    assert found.undecided or found.least == least
    assert least > 2 or found.undecided or found.most == least
