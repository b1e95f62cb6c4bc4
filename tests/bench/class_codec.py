"""Raw bits against address classes on backbones: CPU seconds and peak memory, in one run each.

Run ``python tests/bench/class_codec.py 16x50000 100x5000``. Routers in a random connected graph know
the same prefixes, each by one of them; with ``--scattered`` every router sends every prefix by any of
its neighbours, so that nearly every prefix is a class of its own and classes do not pay. Every router
has one LAN; the fixpoints are of LANs, with and without connections. Nothing is asserted here:
that both encodings reach the same is what ``tests/oracle/test_class_codec.py`` asserts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from random import Random
from resource import RUSAGE_SELF, getrusage
from time import process_time

import networkx as nx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from builders.networks import acl, attach, device, interface, link, snapshot

from segaudit.graph import ForwardingGraph, build_graph
from segaudit.model.acl import AddressIn, End, Forwarding, Hook, StateIn
from segaudit.model.device import Device, NextHop, Route
from segaudit.model.flow import ConnectionState, Family
from segaudit.model.snapshot import Snapshot
from segaudit.packets import Universe
from segaudit.reach.fixpoint import Network, Source
from segaudit.reach.universes import class_universe

NODES = 1 << 24
MOST_SOURCES = 32
"""A thousand sources at once are a question about the fixpoint, not about the encoding."""

Wires = Mapping[frozenset[int], int]
"""A number per pair of neighbours."""

LENGTHS = {8: 1, 12: 2, 16: 8, 18: 6, 20: 10, 22: 14, 24: 50, 25: 5, 28: 4}
"""How many of a hundred prefixes have a length, roughly as in the internet's table."""


def backbone(routers: int, prefixes: int, scattered: bool = False, seed: int = 1) -> Snapshot:
    """Routers that know the same prefixes; half of them filter, half of those statefully."""
    random = Random(seed)
    graph: nx.Graph[int] = nx.random_regular_graph(4, routers, seed) if routers > 5 else nx.Graph()
    graph.add_edges_from(pairwise(range(routers)))
    wires = {frozenset(edge): at for at, edge in enumerate(sorted(sorted(edge) for edge in graph.edges))}
    known = sorted(_prefixes(random, prefixes))
    owners = [random.randrange(routers) for _ in known]
    towards = {owner: dict(nx.bfs_predecessors(graph, owner)) for owner in graph}
    devices = []
    for number in sorted(graph):
        near = sorted(graph[number])
        ways = {
            owner: near if scattered else [towards[owner][number]] for owner in graph if owner != number
        }
        hops = {other: (_hop(number, other, wires),) for other in graph[number]}
        hops[number] = (NextHop("lan0", _lan(number) + 9),)
        chosen = (number if owner == number else random.choice(ways[owner]) for owner in owners)
        routes = tuple(
            Route(Family.IPV4, *prefix, hops[way], protocol="bgp")
            for prefix, way in zip(known, chosen, strict=True)
        )
        devices.append(_router(number, near, wires, routes, random))
    links = [link(f"r{one}:to{other}", f"r{other}:to{one}") for one, other in graph.edges]
    return snapshot(devices, [*links, *(link(f"r{number}:lan0") for number in graph)])


def _prefixes(random: Random, count: int) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    while len(found) < count:
        (length,) = random.choices(list(LENGTHS), list(LENGTHS.values()))
        found.add((random.randrange(1 << 24, 224 << 24) >> 32 - length << 32 - length, length))
    return found


def _address(one: int, other: int, wires: Wires) -> int:
    """The address of router ``one`` on its wire to ``other``."""
    return (172 << 24 | 16 << 16) + 2 * wires[frozenset((one, other))] + (one > other)


def _hop(one: int, other: int, wires: Wires) -> NextHop:
    return NextHop(f"to{other}", _address(other, one, wires))


def _lan(number: int) -> int:
    return (10 << 24) + (number << 8)


def _router(
    number: int, others: list[int], wires: Wires, routes: tuple[Route, ...], random: Random
) -> Device:
    family = Family.IPV4
    ends = [interface(f"to{one}", f"{family.address(_address(number, one, wires))}/31") for one in others]
    ends.append(interface("lan0", f"{family.address(_lan(number) + 1)}/24"))
    if number % 4 > 1:
        return device(f"r{number}", *ends, routes=routes)
    tracks = number % 4 == 0
    established = [(StateIn(frozenset({ConnectionState.ESTABLISHED})), Forwarding.ACCEPT)] if tracks else []
    barred = [_lan(random.randrange(2 * number + 2)) for _ in range(20)]
    rules = [(AddressIn(End.SOURCE, family, ((one, one + 255),)), Forwarding.DROP) for one in barred]
    chain = acl("forward", *established, *rules, default=Forwarding.ACCEPT)
    attached = (attach("forward", Hook.FORWARD),)
    return device(f"r{number}", *ends, routes=routes, acls=(chain,), attachments=attached, tracks=tracks)


def measured(network: Snapshot, way: str) -> dict[str, float]:
    """CPU seconds per stage, in the encoding named by ``way``."""
    graph = build_graph(network)
    marks = [process_time()]
    universe = universe_for(network, way)
    marks.append(process_time())
    found, sources = Network(graph, universe), lans(graph)
    for name in sorted(graph.devices):
        found.path(name).passage("lan0", universe.none, False)
    marks.append(process_time())
    fresh = found.reach_each(sources)
    marks.append(process_time())
    found.reach_each(sources, True, fresh)
    marks.append(process_time())
    spent = [later - earlier for earlier, later in pairwise(marks)]
    stages = dict(zip(("classes", "tables", "fresh", "connections"), spent, strict=True))
    counted = {} if universe.classes is None else {"number of classes": len(universe.classes)}
    return {**stages, "total": sum(spent), **counted, "peak MB": getrusage(RUSAGE_SELF).ru_maxrss // 1024}


def universe_for(network: Snapshot, way: str) -> Universe:
    """The universe of ``raw`` bits or of ``classes``."""
    if way == "raw":
        return Universe(Family.IPV4, NODES)
    return class_universe(list(network.devices.values()), Family.IPV4, NODES)


def lans(graph: ForwardingGraph) -> list[Source]:
    """LANs, each as a source of its own."""
    wires = sorted(wire for point, wire in graph.segment_of.items() if point.interface == "lan0")
    return [Source(frozenset({wire})) for wire in wires[:MOST_SOURCES]]


def main() -> None:
    """Measure every size both ways, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=["16x50000"])
    parser.add_argument("--scattered", action="store_true")
    parser.add_argument("--ways", default="raw,classes")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        routers, prefixes = (int(part) for part in arguments.sizes[0].split("x"))
        start = process_time()
        network = backbone(routers, prefixes, arguments.scattered)
        drawn = process_time() - start
        stages = measured(network, arguments.ways)
        sys.stdout.write(json.dumps({"(drawing)": drawn, **stages}) + "\n")
        return
    for size in arguments.sizes:
        for way in arguments.ways.split(","):
            own = [sys.executable, __file__, size, "--ways", way, "--here"]
            own += ["--scattered"] if arguments.scattered else []
            found = json.loads(subprocess.run(own, check=True, stdout=subprocess.PIPE).stdout)
            shown = "  ".join(f"{name} {value:.2f}" for name, value in found.items())
            sys.stdout.write(f"{size} {way}: {shown}\n")


if __name__ == "__main__":
    main()
