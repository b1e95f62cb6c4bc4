"""The proof as a file: a network as plain data, and per node of it all packets that can be there.

What it says can be checked without this engine (see ``segaudit.recheck``). The first line holds the hash
of the rest; then comes a line of JSON per family and reading: who is on which wire, what the devices do
(``plain_network``), where the zones are and what the policy permits between them, and the invariants:
sets of packets closed under forwarding, as tables of decision nodes.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from hashlib import sha256
from typing import Any

from segaudit.graph import INTERNET_NODE, UNMODELLED, ForwardingGraph
from segaudit.judge.conduits import exceptions_of
from segaudit.judge.judgement import Judgement
from segaudit.judge.plain_network import ICMP, Plain, every, one_of, plain_device, plain_wires, some
from segaudit.judge.prover import Prover, Reading
from segaudit.judge.spaces import ICMP_ERRORS
from segaudit.model.device import InterfaceKind
from segaudit.model.flow import Family
from segaudit.model.policy import Exemption, Service
from segaudit.model.topology import TerminationPoint
from segaudit.model.verdict import Outcome, PairVerdict
from segaudit.packets import HeaderField, HeaderSpace, Universe
from segaudit.packets.matches import ICMP_INVERSE
from segaudit.reach.device_path import Level
from segaudit.reach.edges import Node
from segaudit.reach.fixpoint import MAXIMUM_TOGETHER, Network

FORMAT = "segaudit-proof/1"

_LAYOUT = (
    HeaderField.ORIGIN, HeaderField.PROTOCOL, HeaderField.DESTINATION_PORT, HeaderField.DESTINATION,
    HeaderField.SOURCE, HeaderField.SOURCE_PORT, HeaderField.ICMP_TYPE, HeaderField.ICMP_CODE,
    HeaderField.FRAGMENT, HeaderField.TCP_FLAGS,
)  # fmt: skip
"""The order in which the file counts the bits of a header; it must be that of ``Universe``."""

Pairs = list[tuple[str, PairVerdict]]
"""Pairs of zones with the assertion that cuts them off from each other."""


def certificate(judgement: Judgement, as_of: date) -> str:
    """The proof of every pair that ``judgement`` calls proven; pairs that are not are in it without one.

    The same bytes for the same input.
    """
    written = (json.dumps(line, separators=(",", ":"), sort_keys=True) for line in _lines(judgement, as_of))
    body = "".join(f"{line}\n" for line in written)
    header = {"format": FORMAT, "sha256": sha256(body.encode()).hexdigest()}
    return f"{json.dumps(header, sort_keys=True)}\n{body}"


def _lines(judgement: Judgement, as_of: date) -> Iterator[dict[str, Any]]:
    groups: dict[tuple[Family, bool], Pairs] = defaultdict(list)
    for verdict in judgement.verdicts:
        for pair in verdict.pairs if verdict.kind == "isolation" else ():
            groups[pair.family, pair.outcome is Outcome.PROVEN_IF].append((verdict.assertion, pair))
    for (family, assumed), pairs in sorted(groups.items(), key=lambda item: item[0]):
        reading = Reading.ASSUMED if assumed else Reading.STRICT
        yield _network(judgement.prover, family, reading, pairs, as_of)


def _network(prover: Prover, family: Family, reading: Reading, pairs: Pairs, as_of: date) -> dict[str, Any]:
    graph = prover.graph(reading)
    zones = {zone for _, pair in pairs for zone in (pair.source_zone, pair.destination_zone)}
    wires = plain_wires(graph)
    wires["rewrites"] |= any(prover.goes_on_unmodelled(zone, reading) for zone in zones)
    return {
        "is": "Network",
        "family": int(family),
        "assumptions": [one.id for one in prover.assumptions] if reading is Reading.ASSUMED else [],
        "devices": {name: plain_device(device, graph, family) for name, device in graph.devices.items()},
        "zones": {zone: _zone(prover, zone, family, reading) for zone in sorted(zones)},
        "pairs": [_pair(prover, assertion, pair, as_of) for assertion, pair in pairs],
        "invariants": list(_invariants(prover, family, reading, pairs, wires["rewrites"])),
        **wires,
    }


def _zone(prover: Prover, zone: str, family: Family, reading: Reading) -> dict[str, Any]:
    """Where packets of a zone start, and where they have arrived in it."""
    source = prover.source(zone, reading)
    own: dict[str, list[list[int]]] = defaultdict(list)
    for place in prover.places(zone):
        own[place.device] += [list(one) for one in prover.held(place, family)]
    return {
        "is": "Zone",
        "starts": sorted(source.segments),
        "makers": sorted(source.devices),
        "beyond": source.internet or source.unmodelled,
        "arrives": sorted(prover.zone_segments(zone, reading)),
        "addresses": [[device, ["in", "destination", found]] for device, found in sorted(own.items())],
    }


# -- what the policy permits -----------------------------------------------------------------------


def _pair(prover: Prover, assertion: str, pair: PairVerdict, as_of: date) -> dict[str, Any]:
    exceptions = [one for one in exceptions_of(prover.policy.exceptions, assertion) if one.holds(as_of)]
    opened, answered = _permitted(prover, exceptions, pair.source_zone, pair.family)
    return {
        "is": "Pair",
        "assertion": assertion,
        "source": pair.source_zone,
        "destination": pair.destination_zone,
        "opened": opened,
        "answered": answered,
    }


def _permitted(
    prover: Prover, exceptions: Iterable[Exemption], source: str, family: Family
) -> tuple[Plain, Plain]:
    """What exceptions let a zone send: at any time, and only as part of a connection."""
    opened, answered = [], []
    for one in exceptions:
        near, far = (
            [list(held) for held in prover.ranges(zone, family)] for zone in (one.source, one.destination)
        )
        if source == one.source:
            opened.append(every(_services(one, family), ["in", "source", near], ["in", "destination", far]))
            answered.append(every(_error(family), ["in", "destination", far]))
        elif source == one.destination:
            replies = _services(one, family, replies=True)
            answered.append(every(replies, ["in", "source", far], ["in", "destination", near]))
            answered.append(every(_error(family), ["in", "destination", near]))
    return some(opened), some(answered)


def _services(exception: Exemption, family: Family, replies: bool = False) -> Plain:
    return some(_service(one, family, replies) for one in exception.services)


def _service(service: Service, family: Family, replies: bool) -> Plain:
    if service.protocol is None:
        return every()
    if service.protocol in ICMP.values() and service.protocol != ICMP[family]:
        return some([])
    found = [one_of("protocol", [service.protocol])]
    if service.ports:
        found.append(
            ["in", "source_port" if replies else "destination_port", [list(one) for one in service.ports]]
        )
    if service.icmp_type is not None:
        kind = ICMP_INVERSE[family].get(service.icmp_type) if replies else service.icmp_type
        found.append(one_of("icmp_type", [] if kind is None else [kind]))
    return every(*found)


def _error(family: Family) -> Plain:
    types = [list(one) for one in ICMP_ERRORS[family]]
    return every(one_of("protocol", [ICMP[family]]), ["in", "icmp_type", types])


# -- the claims --------------------------------------------------------------------------------------


def _invariants(
    prover: Prover, family: Family, reading: Reading, pairs: Pairs, rewrites: bool
) -> Iterator[dict[str, Any]]:
    """Of all zones with a proven pair, without connections and with them."""
    proven = (Outcome.PROVEN, Outcome.PROVEN_IF)
    zones = sorted({pair.source_zone for _, pair in pairs if pair.outcome in proven})
    for first in range(0, len(zones), MAXIMUM_TOGETHER):
        for connected in (False, True):
            senders = zones[first : first + MAXIMUM_TOGETHER]
            yield _invariant(prover, family, reading, senders, connected, rewrites)


def _invariant(
    prover: Prover, family: Family, reading: Reading, senders: list[str], connected: bool, rewrites: bool
) -> dict[str, Any]:
    """What can be where of all packets of ``senders``, which carry their sender's number as ORIGIN.

    In a universe of its own, where addresses are their bits however the prover encodes them.
    """
    universe = Universe(family, prover.node_capacity)
    network = Network(prover.graph(reading), universe, Level.MAY)
    sources = [prover.source(zone, reading) for zone in senders]
    whole = network.reach_each(sources, connected)[0].whole
    table = _NodeTable(universe)
    beyond = UNMODELLED if rewrites else INTERNET_NODE
    at = [
        [_plain_node(node), table.add(space)]
        for node, space in sorted(whole.at.items())
        if (node[0] != "adversary" or node[1] == beyond)
        and (node[0] != "in" or _receives(network.graph, node))
    ]
    return {"is": "Invariant", "connections": connected, "senders": senders, "nodes": table.nodes, "at": at}


def _receives(graph: ForwardingGraph, node: Node) -> bool:
    """True for interfaces that something can come in by: from a wire, or out of a tunnel."""
    _, device, name = node
    tunnel = graph.devices[device].interfaces[name].kind is InterfaceKind.TUNNEL
    return tunnel or TerminationPoint(device, name) in graph.segment_of


def _plain_node(node: Node) -> list[str]:
    return ["beyond"] if node[0] == "adversary" else list(node)


class _NodeTable:
    """The decision diagrams of some sets of one universe, each node once, children first.

    A set is written as a number: 0 is the empty set, 1 everything, and 2 the first of ``nodes``. A node
    is the bit that it asks for, counted through ``_LAYOUT``, and the sets where that bit is 0 and 1.
    """

    def __init__(self, universe: Universe) -> None:
        self.nodes: list[tuple[int, int, int]] = []
        self._bits = {
            bit: number for number, bit in enumerate(b for f in _LAYOUT for b in universe.bits(f))
        }
        self._known: dict[HeaderSpace, int] = {universe.none: 0, universe.all: 1}

    def add(self, space: HeaderSpace) -> int:
        """The number of a set that does not depend on what only a device knows."""
        if space not in self._known:
            found = space.branches()
            assert found is not None, "only the empty set and everything depend on no bit"
            bit, low, high = found
            self.nodes.append((self._bits[bit], self.add(low), self.add(high)))
            self._known[space] = len(self.nodes) + 1
        return self._known[space]
