"""Raw bits and address classes side by side: whether fixpoints and verdicts are the same in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from segaudit.graph import ForwardingGraph
from segaudit.judge.pairs import PairJudge
from segaudit.judge.prover import Prover
from segaudit.model.acl import Ace, Acl, AddressIn, AllOf, AnyOf, Not, Range, Translate
from segaudit.model.device import Device, Interface, InterfaceAddress, NextHop, Route
from segaudit.model.flow import Family
from segaudit.model.policy import Policy
from segaudit.model.snapshot import Snapshot
from segaudit.model.verdict import PairVerdict
from segaudit.packets import HeaderSpace, Universe
from segaudit.policy import locate
from segaudit.reach.device_path import Level, RoutingMode
from segaudit.reach.fixpoint import Network, Reached, Source


def same(raw: HeaderSpace, coded: HeaderSpace, where: object) -> None:
    """Assert that two sets of different encodings hold the same packets, whichever way they are read."""
    assert raw.is_empty is coded.is_empty, where
    assert raw.sample() == coded.sample(), where
    assert raw.universe.adopt(coded) == raw, where
    assert coded.universe.adopt(raw) == coded, where


def same_at_every_node(raw: Reached, coded: Reached, where: object) -> int:
    """Assert that two fixpoints are the same, node by node; the result is how many nodes there were."""
    assert raw.at.keys() == coded.at.keys(), where
    for node in raw.at:
        same(raw.space(node), coded.space(node), (where, node))
    return len(raw.at)


def compare_fixpoints(
    graph: ForwardingGraph,
    universes: tuple[Universe, Universe],
    level: Level,
    routing: RoutingMode,
    sources: Sequence[Source],
) -> int:
    """Assert that all fixpoints from ``sources`` are the same, alone and together; how many nodes."""
    one, other = (Network(graph, universe, level, routing) for universe in universes)
    compared = 0
    for connections in (False, True):
        for source in sources:
            pair = one.reach(source, connections), other.reach(source, connections)
            compared += same_at_every_node(*pair, (source, connections))
        shares = one.reach_each(sources, connections), other.reach_each(sources, connections)
        for share, coded, source in zip(*shares, sources, strict=True):
            compared += same_at_every_node(share, coded, ("together", source, connections))
    return compared


def compare_verdicts(
    policy: Policy, snapshot: Snapshot, family: Family, universes: tuple[Universe, Universe]
) -> list[PairVerdict]:
    """Assert that every zone pair has the same verdict, witness and all; the verdicts."""
    zones = locate(policy, snapshot)
    judges = []
    for universe in universes:
        prover = Prover(policy, snapshot, zones, (), 1 << 16)
        prover._universes[family] = universe
        judges.append(PairJudge(prover, family))
    verdicts = []
    for source in policy.zones:
        for destination in policy.zones:
            if source != destination:
                one, other = (judge.isolated(source, destination, ()) for judge in judges)
                assert one == other
                verdicts.append(one)
    return verdicts


def as_ipv6(value: Any) -> Any:
    """A network, or part of one, with 96 zero bits behind every IPv4 address in it."""
    match value:
        case InterfaceAddress():
            return replace(value, family=Family.IPV6, address=value.address << 96)
        case Route():
            hops = tuple(as_ipv6(hop) for hop in value.next_hops)
            return replace(value, family=Family.IPV6, prefix=value.prefix << 96, next_hops=hops)
        case NextHop(_, int(address)):
            return replace(value, address=address << 96)
        case AddressIn():
            return replace(value, family=Family.IPV6, ranges=_widened(value.ranges))
        case Translate():
            return replace(value, addresses=_widened(value.addresses))
        case tuple():
            return tuple(as_ipv6(one) for one in value)
        case dict():
            return {key: as_ipv6(one) for key, one in value.items()}
        case Snapshot() | Device() | Interface() | Acl() | Ace() | AllOf() | AnyOf() | Not():
            changed = {one.name: as_ipv6(getattr(value, one.name)) for one in fields(value)}
            return replace(value, **changed)
        case _:
            return value


def _widened(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    return tuple((first << 96, (last + 1 << 96) - 1) for first, last in ranges)
