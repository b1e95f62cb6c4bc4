"""The Stanford backbone as its transfer functions tell it, driven through the engine's own fixpoint.

A transfer function (Kazemian et al., "Header Space Analysis", NSDI 2012) is a list of rules: packets
that match, received on some ports, go out of others, maybe with another VLAN; the first rule that
matches decides, and one without ports drops. A packet passes every router's function three times (VLAN
and ACL of the input port, forwarding table, VLAN and ACL of the output port) and never leaves by the
port it came in on.

Here a router is an object with the ``exits`` of a ``DevicePath``, made of the engine's sets and ways;
the wires are the engine's segments, one per output port and with receivers of its own (a port may feed
several routers, and none of them hears what another sends there). Everything else is ``reach``.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from segaudit.graph import ForwardingGraph
from segaudit.graph.segments import Segment
from segaudit.model.device import Device, Interface
from segaudit.model.topology import TerminationPoint
from segaudit.packets import HeaderField, HeaderSpace, Universe
from segaudit.reach.device_path import DevicePaths, Level, RoutingMode
from segaudit.reach.fixpoint import Network, Reached, Source
from segaudit.reach.ways import EVERY_FIELD, Exit, Rewrite, Way

VLAN = HeaderField.IN_INTERFACE
"""The engine has no VLAN in its headers, and transfer functions no input interface: 12 bits each."""

LAYOUT = (
    (HeaderField.TCP_FLAGS, 8),
    (HeaderField.DESTINATION_PORT, 16),
    (HeaderField.SOURCE_PORT, 16),
    (HeaderField.PROTOCOL, 8),
    (HeaderField.DESTINATION, 32),
    (HeaderField.SOURCE, 32),
    (None, 4),
    (VLAN, 12),
)
"""The header as the files write it; no rule reads or writes the four bits above a VLAN."""

STAGES = 3

ROUTER = 100000
"""How far the numbers of two routers are apart."""

OUTPUT_STAGE = 20000
"""What is added to a port's number where it stands for the port's output."""

Pattern = tuple[tuple[HeaderField, int, int], ...]
"""Values under masks, all of which a packet must have."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; ``vlan`` is what it sets, ``leaves`` are the ports it sends to."""

    enters: tuple[int, ...]
    matches: Pattern
    vlan: int | None
    leaves: tuple[int, ...]


@dataclass(frozen=True)
class Router:
    """A router's rules in their order, and its ports by number."""

    name: str
    ports: Mapping[int, str]
    rules: tuple[Rule, ...]

    @cached_property
    def by_port(self) -> Mapping[int, list[Rule]]:
        """The rules of packets at each port, in their order."""
        found: dict[int, list[Rule]] = defaultdict(list)
        for rule in self.rules:
            for number in rule.enters:
                found[number].append(rule)
        return found

    @property
    def table(self) -> int:
        """The number at which packets meet the forwarding table."""
        return next(iter(self.ports)) // ROUTER * ROUTER


@dataclass(frozen=True)
class Backbone:
    """The routers, and per port that others hear the ports that hear it."""

    routers: Mapping[str, Router]
    wires: Mapping[TerminationPoint, tuple[TerminationPoint, ...]]

    @cached_property
    def numbers(self) -> Mapping[TerminationPoint, int]:
        """The number of every port."""
        return {
            TerminationPoint(router.name, name): number
            for router in self.routers.values()
            for number, name in router.ports.items()
        }

    @property
    def ports(self) -> list[TerminationPoint]:
        """Every port, sorted."""
        return sorted(self.numbers)


# -- files ---------------------------------------------------------------------------------------


def read_backbone(folder: Path) -> Backbone:
    """The transfer functions, the port map and the links of ``folder``."""
    numbers = json.loads((folder / "port_map.json").read_text())
    routers = {
        name: Router(name, {number: port for port, number in ports.items()}, _rules(folder / f"{name}.tf"))
        for name, ports in sorted(numbers.items())
    }
    points = {number: port for port, number in Backbone(routers, {}).numbers.items()}
    wires: dict[TerminationPoint, list[TerminationPoint]] = defaultdict(list)
    for link in _rules(folder / "topology.tf"):
        for number in link.enters:
            wires[points[number - OUTPUT_STAGE]] += [points[one] for one in link.leaves]
    return Backbone(routers, {port: tuple(heard) for port, heard in wires.items()})


def _rules(path: Path) -> tuple[Rule, ...]:
    _, _, *lines = path.read_text().splitlines()
    return tuple(_rule(line.split("$")) for line in lines if line)


def _rule(fields: Sequence[str]) -> Rule:
    """action, ports in, match, mask, rewrite, two inverses, ports out; then who overlaps, and citations."""
    _, enters, matches, mask, rewrite, _, _, leaves = fields[:8]
    vlan = None if mask == "None" else _vlan_set(mask, rewrite)
    return Rule(_ports(enters), _pattern(matches), vlan, _ports(leaves))


def _ports(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))


def _vlan_set(mask: str, rewrite: str) -> int:
    """The VLAN that a rewrite sets: the mask keeps every bit but the last sixteen, which it clears."""
    assert mask.replace(",", "") == "1" * 112 + "0" * 16, "a rewrite of more than the VLAN"
    return int(rewrite.replace(",", ""), 2)


def _pattern(text: str) -> Pattern:
    bits, found = text.replace(",", "").replace("None", ""), []
    for field, width in LAYOUT if bits else ():
        own, bits = bits[:width], bits[width:]
        mask = int(own.replace("0", "1").replace("x", "0"), 2)
        if mask and field is not None:
            found.append((field, int(own.replace("x", "0"), 2), mask))
        assert field is not None or set(own) <= {"x", "0"}, "a VLAN above 4095"
    return tuple(found)


# -- a router as the engine sees one -------------------------------------------------------------


class RouterPath:
    """What a router does with packets, in the shape of ``reach.device_path.DevicePath``."""

    connections_matter = False

    def __init__(self, router: Router, universe: Universe) -> None:
        self._universe = universe
        self._router = router
        self._numbers = {name: number for number, name in router.ports.items()}
        self._led: dict[tuple[int, int], list[tuple[int, Way]]] = {}
        self._exits: dict[str, tuple[Exit, ...]] = {}

    def representative(self, interface: str) -> str:
        """The interface: what is received on two of them never fares alike, since neither sends back."""
        return interface

    def interfaces_like(self, interface: str) -> list[str]:
        """The interface alone."""
        return [interface]

    def entering(self, packets: HeaderSpace) -> HeaderSpace:
        """``packets``."""
        return packets

    def exits(self, interface: str, _: bool) -> tuple[Exit, ...]:
        """Every way of packets received on ``interface``, out of any other."""
        if interface not in self._exits:
            self._exits[interface] = tuple(self._exits_from(interface))
        return self._exits[interface]

    def _exits_from(self, interface: str) -> Iterator[Exit]:
        for number, way in self._ways(self._numbers[interface], STAGES):
            name = self._router.ports[number - OUTPUT_STAGE]
            if name != interface:
                yield Exit(name, None, True, way)

    def _ways(self, port: int, stages: int) -> list[tuple[int, Way]]:
        """Where packets at ``port`` are after so many more stages, and by which way."""
        if (port, stages) not in self._led:
            steps = self._steps(port)
            if stages == 1:
                self._led[port, stages] = steps
            else:
                onward = ((way, self._ways(to, stages - 1)) for to, way in steps)
                longer = ((end, _then(way, more)) for way, found in onward for end, more in found)
                self._led[port, stages] = _joined(longer)
        return self._led[port, stages]

    def _steps(self, port: int) -> list[tuple[int, Way]]:
        """One stage: the first rule that matches decides."""
        rest, found = self._universe.all, []
        for rule in self._router.by_port.get(port, ()):
            matched = self._matched(rule.matches)
            way = Way.start(rest & matched)
            rest -= matched
            if rule.vlan is not None:
                way = way.rewrite((VLAN,), self._universe.value(VLAN, rule.vlan))
            found += [(to, way) for to in rule.leaves]
        return _joined(found)

    def _matched(self, pattern: Pattern) -> HeaderSpace:
        def made() -> HeaderSpace:
            space = self._universe.all
            for field, value, mask in pattern:
                space &= self._universe.masked(field, value, mask)
            return space

        return self._universe.remembered(pattern, made)


def _then(first: Way, later: Way) -> Way:
    way = first.keep(later.guard)
    for fields, after in later.rewrites:
        way = way.rewrite(fields, after)
    return way


def _joined(ways: Iterable[tuple[int, Way]]) -> list[tuple[int, Way]]:
    """Ways to the same port that rewrite alike, as one."""
    found: dict[tuple[int, tuple[Rewrite, ...]], Way] = {}
    for to, way in ways:
        if not way.now.is_empty:
            key = (to, way.rewrites)
            found[key] = found[key].joined(way) if key in found else way
    return [(to, way) for (to, _), way in found.items()]


class RouterPaths(DevicePaths):
    """The routers' paths, where a network looks for its devices'."""

    def __init__(self, backbone: Backbone, universe: Universe) -> None:
        super().__init__(universe)
        self._routers = {name: RouterPath(router, universe) for name, router in backbone.routers.items()}

    def of(self, device: Device, _: Level, __: RoutingMode) -> Any:
        """The path of the router that ``device`` stands for."""
        return self._routers[device.name]


def network(backbone: Backbone, universe: Universe) -> Network:
    """The backbone, ready for any number of fixpoints."""
    return Network(_graph(backbone), universe, paths=RouterPaths(backbone, universe))


def _graph(backbone: Backbone) -> ForwardingGraph:
    """Per port the wire that it sends on and one, of its own, to put packets into it."""
    devices = {
        name: Device(name, "transfer function", {port: Interface(port) for port in router.ports.values()})
        for name, router in backbone.routers.items()
    }
    wires = {port: (port, *backbone.wires.get(port, ())) for port in backbone.ports}
    segments = {out_of(port): Segment(out_of(port), points) for port, points in wires.items()}
    segments.update((into(port), Segment(into(port), (port,))) for port in backbone.ports)
    return ForwardingGraph(
        devices, segments, {port: out_of(port) for port in wires}, frozenset(), frozenset()
    )


def out_of(port: TerminationPoint) -> str:
    """The segment that ``port`` sends on."""
    return f"out of {port}"


def into(port: TerminationPoint) -> str:
    """The segment that only ``port`` hears."""
    return f"into {port}"


def reached(found: Network, ports: Sequence[TerminationPoint]) -> Reached:
    """What packets with any header can get to that enter by any of ``ports``, in one fixpoint.

    They bear as ORIGIN the place of their port among ``ports``.
    """
    return found.reach_each([Source(frozenset({into(port)})) for port in ports])[0].whole


def reachable_pairs(
    whole: Reached, ports: Sequence[TerminationPoint]
) -> dict[TerminationPoint, set[TerminationPoint]]:
    """Per port that packets enter by the ports that some of them leave by."""
    origins = [whole.universe.origin(number) for number in range(len(ports))]
    entries: dict[HeaderSpace, list[TerminationPoint]] = {}
    pairs: dict[TerminationPoint, set[TerminationPoint]] = {port: set() for port in ports}
    for port in ports:
        senders = leaving(whole, port).without(*EVERY_FIELD)
        if senders not in entries:
            entries[senders] = [
                ports[number] for number, one in enumerate(origins) if not (one & senders).is_empty
            ]
        for entry in entries[senders]:
            pairs[entry].add(port)
    return pairs


def leaving(whole: Reached, port: TerminationPoint) -> HeaderSpace:
    """The packets that leave by ``port``."""
    return whole.space(("segment", out_of(port)))


# -- what another program computed ---------------------------------------------------------------


def read_pairs(path: Path) -> dict[TerminationPoint, set[TerminationPoint]]:
    """The pairs that hassel-C computed of the same files (its output, not verified)."""
    pairs = json.loads(path.read_text())["pairs"]
    return {_point(entry): set(map(_point, found)) for entry, found in pairs.items()}


def hassel_seconds(path: Path) -> float:
    """What hassel-C took for all of them where that was measured."""
    ports = json.loads(path.read_text())["per_port"].values()
    return float(sum(one["time_us"] for one in ports)) / 1e6


def _point(text: str) -> TerminationPoint:
    device, _, name = text.partition(":")
    return TerminationPoint(device, name)
