"""The network contracted to the regions that no filter divides, and the filters between them.

Two wires are of one region where devices may carry anything from each to the other under some routing.
The contracted graph over-approximates what grade G4 is decided by: it forgets which packets cross, and
only keeps where some may. So where it shows no way, G4 holds; where it shows one, G4 may still hold,
because no single packet passes all of its filters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import networkx as nx

from segaudit.graph import INTERNET_NODE, UNMODELLED, ForwardingGraph
from segaudit.judge.prover import Prover, Reading
from segaudit.model.acl import Forwarding, Hook
from segaudit.model.device import Device, InterfaceKind
from segaudit.model.flow import Family
from segaudit.model.result import ZoneLocation
from segaudit.model.topology import TerminationPoint
from segaudit.model.verdict import AppliedFilter, Region, RegionCrossing, RegionGraph
from segaudit.packets import HeaderSpace
from segaudit.reach.device_path import DevicePath, DevicePaths, Level, RoutingMode

Place = tuple[str, str]
"""``("wire", segment)``, ``("itself", device)`` or ``("adversary", name)``."""

_THROUGH = (Hook.INGRESS, Hook.PREROUTING, Hook.FORWARD, Hook.POSTROUTING, Hook.EGRESS)
_INTO = (Hook.INGRESS, Hook.PREROUTING, Hook.INPUT)
_OUT_OF = (Hook.OUTPUT, Hook.POSTROUTING, Hook.EGRESS)


@dataclass(frozen=True, slots=True)
class _Step:
    """One device from one place to another: what may pass, and on which hooks it is filtered."""

    device: str
    source: Place
    destination: Place
    passes: str
    hooks: tuple[Hook, ...]


def region_graph(prover: Prover, family: Family, reading: Reading = Reading.ASSUMED) -> RegionGraph:
    """The regions of one family and what every device between them may let through."""
    found = list(_Steps(prover, family, reading))
    whole: Any = nx.DiGraph()
    whole.add_nodes_from(_places(prover, reading))
    whole.add_edges_from((step.source, step.destination) for step in found if step.passes == "all")
    whole.add_edges_from(_adversaries(prover.graph(reading)))
    groups = sorted(sorted(group) for group in nx.strongly_connected_components(whole))
    named = {place: f"R{number}" for number, group in enumerate(groups, 1) for place in group}
    regions = (_region(prover, reading, f"R{number}", group) for number, group in enumerate(groups, 1))
    crossings = _crossings(prover.graph(reading), family, found, named)
    return RegionGraph(family, tuple(regions), tuple(crossings))


def _places(prover: Prover, reading: Reading) -> Iterator[Place]:
    """Every wire, and every device that a zone is on without a wire."""
    graph = prover.graph(reading)
    yield from (("wire", name) for name in graph.segments)
    for device in _held_themselves(prover, reading):
        yield "itself", device


def _held_themselves(prover: Prover, reading: Reading) -> list[str]:
    graph = prover.graph(reading)
    wireless = {
        place.device
        for place in prover.zones.locations
        if TerminationPoint(place.device, place.interface) not in graph.segment_of
    }
    return sorted(wireless & graph.devices.keys())


def _adversaries(graph: ForwardingGraph) -> Iterator[tuple[Place, Place]]:
    """What is not modelled, and the internet, join all that they touch."""
    touched = {UNMODELLED: graph.unmodelled_segments, INTERNET_NODE: graph.internet_segments}
    if graph.unmodelled_segments:
        touched = {UNMODELLED: graph.unmodelled_segments | graph.internet_segments}
    for name, segments in touched.items():
        for segment in sorted(segments):
            yield ("adversary", name), ("wire", segment)
            yield ("wire", segment), ("adversary", name)


# -- what devices let through --------------------------------------------------------------------


class _Steps:
    """Every way through every device, one wire or the device itself to another.

    Args:
        prover: the engine.
        family: the address family.
        reading: which devices and wires there are.
    """

    def __init__(self, prover: Prover, family: Family, reading: Reading) -> None:
        self._graph = prover.graph(reading)
        self._universe = prover.universe(family)
        self._network = prover.network(family, reading, Level.MAY, RoutingMode.ANY)
        self._bare = DevicePaths(self._universe)
        self._themselves = set(_held_themselves(prover, reading))

    def __iter__(self) -> Iterator[_Step]:
        """In the order of the devices' names."""
        for name, device in sorted(self._graph.devices.items()):
            wired = {
                interface: ("wire", self._graph.segment_of[TerminationPoint(name, interface)])
                for interface in sorted(device.interfaces)
                if TerminationPoint(name, interface) in self._graph.segment_of
            }
            if len(wired) > 1 or name in self._themselves:
                yield from self._through(device, wired)

    def _through(self, device: Device, wired: Mapping[str, Place]) -> Iterator[_Step]:
        now = self._network.path(device.name)
        bare = self._bare.of(replace(device, acls={}, attachments=()), Level.MAY, RoutingMode.ANY)
        itself = ("itself", device.name)
        for incoming, place in wired.items():
            passed, could = (self._passed(path, incoming) for path in (now, bare))
            yield from self._sent(device.name, place, wired, passed, could, _THROUGH)
            accepted = _kind(passed[None], could[None])
            if device.name in self._themselves:
                yield _Step(device.name, place, itself, accepted, _INTO)
            if accepted != "none":
                yield from self._unpacked(device, place, wired)
        if device.name in self._themselves:
            passed, could = (self._passed(path, None) for path in (now, bare))
            yield from self._sent(device.name, itself, wired, passed, could, _OUT_OF)

    def _passed(self, path: DevicePath, incoming: str | None) -> Mapping[str | None, HeaderSpace]:
        """Of any packets received by an interface, or made by the device, what leaves by each other one.

        ``None`` stands for the device itself, on both sides.
        """
        found: dict[str | None, HeaderSpace] = defaultdict(lambda: self._universe.none)
        entered = path.entering(self._universe.all)
        for one in path.exits(incoming, with_connections=True):
            found[one.interface] |= one.way.of(entered)
        return found

    def _sent(
        self,
        device: str,
        place: Place,
        wired: Mapping[str, Place],
        passed: Mapping[str | None, HeaderSpace],
        could: Mapping[str | None, HeaderSpace],
        hooks: tuple[Hook, ...],
    ) -> Iterator[_Step]:
        """From a place to every other wire, with filters as they are and without."""
        for outgoing, other in wired.items():
            if other != place:
                yield _Step(device, place, other, _kind(passed[outgoing], could[outgoing]), hooks)

    def _unpacked(self, device: Device, place: Place, wired: Mapping[str, Place]) -> Iterator[_Step]:
        """What a device is sent may come out of its tunnels (``reach.edges``)."""
        for name, other in wired.items():
            if device.interfaces[name].kind is InterfaceKind.TUNNEL and other != place:
                yield _Step(device.name, place, other, "some", _INTO)


def _kind(passed: HeaderSpace, could: HeaderSpace) -> str:
    """``all`` where the filters take nothing from what the device could let through."""
    if passed.is_empty:
        return "none"
    return "all" if (could - passed).is_empty else "some"


# -- what is told of them ------------------------------------------------------------------------


def _region(prover: Prover, reading: Reading, name: str, group: Sequence[Place]) -> Region:
    graph = prover.graph(reading)
    wires = {place for kind, place in group if kind == "wire"}
    themselves = {place for kind, place in group if kind == "itself"}
    adversaries = {place for kind, place in group if kind == "adversary"}
    zones = {
        place.zone
        for place in prover.zones.locations
        if graph.segment_of.get(TerminationPoint(place.device, place.interface)) in wires
        or (place.device in themselves and _is_wireless(graph, place))
    }
    touched = graph.segment_of
    inside = {
        device
        for device in graph.devices
        if (own := {touched[point] for point in touched if point.device == device}) and own <= wires
    }
    return Region(
        name,
        tuple(sorted(zones)),
        tuple(sorted(wires)),
        tuple(sorted(inside | themselves)),
        INTERNET_NODE in adversaries or bool(wires & graph.internet_segments),
        UNMODELLED in adversaries,
        bool(themselves) and not wires,
    )


def _is_wireless(graph: ForwardingGraph, place: ZoneLocation) -> bool:
    return TerminationPoint(place.device, place.interface) not in graph.segment_of


def _crossings(
    graph: ForwardingGraph, family: Family, steps: Sequence[_Step], named: Mapping[Place, str]
) -> Iterator[RegionCrossing]:
    """The steps between regions, those of one device between the same two together."""
    grouped: dict[tuple[str, str, str], list[_Step]] = defaultdict(list)
    for step in steps:
        ends = named[step.source], named[step.destination]
        if ends[0] != ends[1]:
            grouped[step.device, *ends].append(step)
    for (device, source, destination), found in sorted(grouped.items()):
        kinds = {step.passes for step in found}
        passes = kinds.pop() if len(kinds) == 1 else "some"
        hooks = {hook for step in found for hook in step.hooks}
        filters = tuple(_filters(graph.devices[device], family, hooks)) if passes != "all" else ()
        yield RegionCrossing(device, source, destination, passes, filters)


def _filters(device: Device, family: Family, hooks: Collection[Hook]) -> Iterator[AppliedFilter]:
    """The chains applied on some hooks; those that say nothing but accept are left out."""
    names = [
        one.acl
        for one in sorted(device.attachments, key=lambda one: (list(Hook).index(one.hook), one.priority))
        if one.hook in hooks and family in one.families
    ]
    for name in dict.fromkeys(names):
        chain = device.acls.get(name)
        if chain is None or chain.default is not Forwarding.ACCEPT or chain.aces:
            yield AppliedFilter(name, chain.span if chain else None)
    if family not in device.forwards and Hook.FORWARD in hooks:
        yield AppliedFilter(f"does not forward {family.label}")
