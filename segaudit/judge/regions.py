"""The network contracted to the regions that no filter divides, and the filters between them.

Two wires are of one region where devices may carry anything from each to the other under some routing.
The contracted graph over-approximates what grade G4 is decided by: it forgets which packets cross, and
only keeps where some may. So where it shows no way, G4 holds; where it shows one, G4 may still hold,
because no single packet passes all of its filters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import networkx as nx

from segaudit.graph import INTERNET_NODE, UNMODELLED, ForwardingGraph
from segaudit.judge.prover import Prover, Reading
from segaudit.model.acl import Forwarding, Hook
from segaudit.model.device import Device, InterfaceKind
from segaudit.model.flow import Family
from segaudit.model.policy import UNASSIGNED
from segaudit.model.topology import TerminationPoint
from segaudit.model.verdict import AppliedFilter, Region, RegionCrossing, RegionGraph
from segaudit.packets import HeaderField, HeaderSpace
from segaudit.reach.device_path import DevicePath, DevicePaths, Level, RoutingMode

Place = tuple[str, str]
"""``("wire", segment)``, ``("itself", device)`` or ``("adversary", name)``."""

_THROUGH = (Hook.INGRESS, Hook.PREROUTING, Hook.FORWARD, Hook.POSTROUTING, Hook.EGRESS)
_INTO = (Hook.INGRESS, Hook.PREROUTING, Hook.INPUT)
_OUT_OF = (Hook.OUTPUT, Hook.POSTROUTING, Hook.EGRESS)


@dataclass(frozen=True, slots=True)
class _Step:
    """One device from one place to another: what may pass, and on which hooks it is filtered.

    ``onward`` is false where packets are accepted by the device, for an address that it has there.
    """

    device: str
    source: Place
    destination: Place
    passes: str
    hooks: tuple[Hook, ...]
    onward: bool = True


def region_graph(prover: Prover, family: Family, reading: Reading = Reading.ASSUMED) -> RegionGraph:
    """The regions of one family and what every device between them may let through."""
    found = list(_Steps(prover, family, reading))
    whole: Any = nx.DiGraph()
    whole.add_nodes_from(_places(prover, reading))
    whole.add_edges_from((step.source, step.destination) for step in found if _joins(step))
    whole.add_edges_from(_adversaries(prover.graph(reading)))
    groups = sorted(sorted(group) for group in nx.strongly_connected_components(whole))
    named = {place: f"R{number}" for number, group in enumerate(groups, 1) for place in group}
    crossings = _crossings(prover.graph(reading), family, found, named)
    return RegionGraph(family, tuple(_regions(prover, reading, named)), tuple(crossings))


def _joins(step: _Step) -> bool:
    """True where a step does not divide: anything that is at one end may go on from the other."""
    return step.passes == "all" and step.onward and step.source[0] == "wire"


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
        self._claimed = {
            (one.device, one.interface) for one in prover.zones.locations if one.zone != UNASSIGNED
        }

    def __iter__(self) -> Iterator[_Step]:
        """In the order of the devices' names."""
        for name, device in sorted(self._graph.devices.items()):
            wired = {
                interface: ("wire", self._graph.segment_of[TerminationPoint(name, interface)])
                for interface in sorted(device.interfaces)
                if TerminationPoint(name, interface) in self._graph.segment_of
            }
            if len(wired) > 1 or name in self._themselves:
                open_to_all = self._is_open(device, wired)
                yield from self._around(name, wired) if open_to_all else self._through(device, wired)

    def _is_open(self, device: Device, wired: Iterable[str]) -> bool:
        """True for a plain router: no filter, and every wire is forwarded from."""
        family = self._universe.family
        return all(family in device.interfaces[name].forwarding for name in wired) and not any(
            family in one.families for one in device.attachments
        )

    def _around(self, device: str, wired: Mapping[str, Place]) -> Iterator[_Step]:
        """The steps of an open device: once around its wires, for all pairs of them."""
        places = sorted(set(wired.values()))
        for one, other in zip(places, places[1:] + places[:1], strict=True):
            yield _Step(device, one, other, "all", _THROUGH)
        if device in self._themselves:
            for place in places:
                yield _Step(device, place, ("itself", device), "all", _INTO, onward=False)
                yield _Step(device, ("itself", device), place, "all", _OUT_OF)

    def _through(self, device: Device, wired: Mapping[str, Place]) -> Iterator[_Step]:
        now = self._network.path(device.name)
        bare = self._bare.of(replace(device, acls={}, attachments=()), Level.MAY, RoutingMode.ANY)
        itself = ("itself", device.name)
        for like, places in self._by_kind(now, wired).items():
            passed, could = (self._passed(path, like) for path in (now, bare))
            for place in places:
                yield from self._sent(device.name, place, wired, passed, could, _THROUGH)
                if device.name in self._themselves:
                    accepted = _kind(passed[None], could[None])
                    yield _Step(device.name, place, itself, accepted, _INTO, onward=False)
                yield from self._accepted(device, place, wired, passed[None])
                if not passed[None].is_empty:
                    yield from self._unpacked(device, place, wired)
        if device.name in self._themselves:
            passed, could = (self._passed(path, None) for path in (now, bare))
            yield from self._sent(device.name, itself, wired, passed, could, _OUT_OF)

    def _by_kind(self, path: DevicePath, wired: Mapping[str, Place]) -> Mapping[str, list[Place]]:
        """The places that packets of which take the same ways, by one interface of each kind."""
        found: dict[str, list[Place]] = defaultdict(list)
        for name, place in wired.items():
            found[path.representative(name)].append(place)
        return found

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

    def _accepted(
        self, device: Device, place: Place, wired: Mapping[str, Place], accepted: HeaderSpace
    ) -> Iterator[_Step]:
        """What arrives in a zone by being accepted for an address that the device has there."""
        for name, other in wired.items():
            own = [
                (one.address, one.address)
                for one in device.interfaces[name].addresses
                if one.family is self._universe.family
            ]
            arrived = accepted & self._universe.ranges(HeaderField.DESTINATION, own)
            if other != place and (device.name, name) in self._claimed and not arrived.is_empty:
                yield _Step(device.name, place, other, "some", _INTO, onward=False)

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


def _regions(prover: Prover, reading: Reading, named: Mapping[Place, str]) -> Iterator[Region]:
    """The regions in the order of their numbers."""
    graph = prover.graph(reading)
    groups: dict[str, list[Place]] = defaultdict(list)
    for place, name in named.items():
        groups[name].append(place)
    zones, inside = _zones(prover, graph, named), _insides(graph, named)
    for name, group in groups.items():
        wires = tuple(sorted(where for kind, where in group if kind == "wire"))
        themselves = {where for kind, where in group if kind == "itself"}
        yield Region(
            name,
            tuple(sorted(zones[name])),
            wires,
            tuple(sorted(inside[name] | themselves)),
            ("adversary", INTERNET_NODE) in group or not graph.internet_segments.isdisjoint(wires),
            ("adversary", UNMODELLED) in group,
            bool(themselves) and not wires,
        )


def _zones(prover: Prover, graph: ForwardingGraph, named: Mapping[Place, str]) -> Mapping[str, set[str]]:
    """Per region the zones that have a place in it."""
    found: dict[str, set[str]] = defaultdict(set)
    for place in prover.zones.locations:
        wires = graph.wires(TerminationPoint(place.device, place.interface))
        at: list[Place] = [("wire", wire) for wire in wires] or [("itself", place.device)]
        for region in {named[one] for one in at if one in named}:
            found[region].add(place.zone)
    return found


def _insides(graph: ForwardingGraph, named: Mapping[Place, str]) -> Mapping[str, set[str]]:
    """Per region the devices all of whose wires are in it."""
    touched: dict[str, set[str]] = defaultdict(set)
    for point, wire in graph.segment_of.items():
        touched[point.device].add(named["wire", wire])
    found: dict[str, set[str]] = defaultdict(set)
    for device, regions in touched.items():
        if len(regions) == 1 and device in graph.devices:
            found[min(regions)].add(device)
    return found


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
        through = [step for step in found if step.onward and step.passes != "none"]
        hooks = {hook for step in found for hook in step.hooks}
        passes = _most(found)
        filters = tuple(_filters(graph.devices[device], family, hooks)) if passes != "all" else ()
        onward = bool(through) or passes == "none"
        yield RegionCrossing(device, source, destination, passes, filters, onward)


def _most(steps: Sequence[_Step]) -> str:
    """What may pass by any of several steps; ``all`` only where each that leads on passes all."""
    if all(step.passes == "none" for step in steps):
        return "none"
    through = [step for step in steps if step.onward] or steps
    return "all" if all(step.passes == "all" for step in through) else "some"


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
