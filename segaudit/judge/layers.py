"""Which devices could together let packets through: copies of the network, one above the other.

Packets start in the lowest copy and pass a device as it is within their copy. A device that has been
edited receives them in one copy and sends them on in a higher one: as many higher as the edit counts.
So the lowest copy in which anything arrives tells how few edits a way across takes (a 0-1 fixpoint,
DESIGN §5). It is a guide and proves nothing: an object met twice counts twice here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from segaudit.graph import INTERNET_NODE, UNMODELLED, ForwardingGraph, Segment
from segaudit.judge.conduits import Permitted
from segaudit.judge.prover import Prover, Reading
from segaudit.judge.rerouted import anywhere
from segaudit.model.device import Device, Interface
from segaudit.model.flow import Family
from segaudit.model.topology import TerminationPoint
from segaudit.packets import HeaderField, HeaderSpace
from segaudit.reach.device_path import DevicePaths, Level, RoutingMode
from segaudit.reach.edges import Node
from segaudit.reach.fixpoint import Network, Reached, Source

HEIGHTS = (3, 8)
"""How many edits a way across may take, tried in turn."""


@dataclass(frozen=True, slots=True)
class Lift:
    """A device with some ``edits`` made, each of which counts."""

    device: Device
    edits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Copy:
    """One device in the stack: receives at one level, sends at another."""

    name: str
    device: Device
    receives: int
    sends: int
    edits: tuple[str, ...] = ()


class _Stack:
    """Copies of a graph up to one height, as one network."""

    def __init__(
        self,
        graph: ForwardingGraph,
        lifts: Sequence[Lift],
        height: int,
        paths: DevicePaths,
    ) -> None:
        self.copies = {copy.name: copy for copy in _copies(graph, lifts, height)}
        self.graph = _stacked(graph, self.copies.values())
        self._network = Network(self.graph, paths.universe, Level.MAY, RoutingMode.CURRENT, paths)
        self._reached: dict[Source, Reached] = {}

    def reached(self, source: Source) -> Reached:
        """Where packets of a source of the lowest copy can get, in every copy."""
        if source not in self._reached:
            wires = frozenset(_at(name, 0) for name in source.segments) & self.graph.segments.keys()
            makers = frozenset(
                copy.name
                for copy in self.copies.values()
                if copy.receives == 0 and copy.device.name in source.devices
            )
            start = Source(wires, devices=makers, unpacks=False)
            self._reached[source] = self._network.reach(start, with_connections=True, traced=True)
        return self._reached[source]


class Layers:
    """The network of one reading in copies.

    Args:
        prover: the engine.
        family: the address family.
        reading: under which the graph is read.
        lifts: the edited devices.
    """

    def __init__(self, prover: Prover, family: Family, reading: Reading, lifts: Iterable[Lift]) -> None:
        self.prover = prover
        self.reading = reading
        self._universe = prover.universe(family)
        self._graph = _with_adversaries(prover.graph(reading), family)
        self._lifts = tuple(lifts)
        self._paths = DevicePaths(self._universe, prover.paths(family))
        self._stacks: dict[int, _Stack] = {}

    def across(self, source: Source, destination: str, allowed: Permitted) -> list[tuple[str, str]]:
        """Devices and edits on the ways by which packets arrive in the lowest copy where any do.

        Those of all such ways, so mostly more than are needed; none where nothing arrives anywhere.
        """
        for height in HEIGHTS:
            stack = self._stack(height)
            reached = stack.reached(self._on_wires(source))
            for level in range(height + 1):
                arrived = dict(self._arrived(stack, reached, destination, level, allowed))
                if arrived:
                    return _edits_before(stack, reached, arrived)
        return []

    def _stack(self, height: int) -> _Stack:
        if height not in self._stacks:
            self._stacks[height] = _Stack(self._graph, self._lifts, height, self._paths)
        return self._stacks[height]

    def _on_wires(self, source: Source) -> Source:
        """The source with the adversaries' wires in their place."""
        graph = self.prover.graph(self.reading)
        nothing: frozenset[str] = frozenset()
        internet = graph.internet_segments if source.internet else nothing
        unmodelled = graph.unmodelled_segments if source.unmodelled else nothing
        return Source(source.segments | internet | unmodelled, devices=source.devices)

    def _arrived(
        self, stack: _Stack, reached: Reached, zone: str, level: int, allowed: Permitted
    ) -> Iterator[tuple[Node, HeaderSpace]]:
        """Per node of one copy what has arrived in a zone there unpermitted (see ``Prover.arrived``)."""
        own = self._universe.ranges(
            HeaderField.DESTINATION, self.prover.ranges(zone, self._universe.family)
        )
        nodes = {("segment", _at(name, level)): self._universe.all for name in self._wires_of(zone)}
        holders = {place.device for place in self.prover.places(zone)}
        for copy in stack.copies.values():
            if copy.sends == level and copy.device.name in holders:
                nodes["local", copy.name] = own
        for node, space in nodes.items():
            found = (reached.space(node) & space) - allowed.opened - allowed.answered
            if not found.is_empty:
                yield node, found

    def _wires_of(self, zone: str) -> frozenset[str]:
        wires = self.prover.zone_segments(zone, self.reading)
        if self.prover.is_incomplete(zone):
            wires |= self.prover.graph(self.reading).unmodelled_segments
        return wires


def _edits_before(
    stack: _Stack, reached: Reached, arrived: Mapping[Node, HeaderSpace]
) -> list[tuple[str, str]]:
    """Devices and edits of all that had a part in what has arrived, in the order of the packets."""
    arrivals = reached.arrivals
    queue = [
        number
        for number, one in enumerate(arrivals)
        if one.node in arrived and not (one.packets & arrived[one.node]).is_empty
    ]
    found = set(queue)
    while queue:
        parents = set(arrivals[queue.pop()].parents) - found
        found |= parents
        queue.extend(parents)
    passed = (arrivals[number].node[1] for number in sorted(found) if arrivals[number].node[0] == "in")
    edits = (
        (copy.device.name, edit) for name in passed for copy in (stack.copies[name],) for edit in copy.edits
    )
    return list(dict.fromkeys(edits))


# -- the stack -----------------------------------------------------------------------------------


def _at(name: str, level: int) -> str:
    """The name of a thing's copy; no inventory name holds spaces."""
    return f"{name} at {level}"


def _copies(graph: ForwardingGraph, lifts: Sequence[Lift], height: int) -> Iterator[_Copy]:
    for level in range(height + 1):
        for name, device in graph.devices.items():
            yield _Copy(_at(name, level), device, level, level)
        for lift in lifts:
            upper = level + len(lift.edits)
            if upper <= height:
                name = f"{_at(lift.device.name, level)} {'+'.join(lift.edits)}"
                yield _Copy(name, lift.device, level, upper, lift.edits)


def _stacked(graph: ForwardingGraph, copies: Iterable[_Copy]) -> ForwardingGraph:
    """One graph of all copies: an interface is heard on one wire and sends on one, perhaps higher."""
    devices: dict[str, Device] = {}
    points: dict[str, list[TerminationPoint]] = {}
    segment_of: dict[TerminationPoint, str] = {}
    for copy in copies:
        devices[copy.name] = copy.device
        for interface in copy.device.interfaces:
            segment = graph.segment_of.get(TerminationPoint(copy.device.name, interface))
            if segment is not None:
                point = TerminationPoint(copy.name, interface)
                points.setdefault(_at(segment, copy.receives), []).append(point)
                segment_of[point] = _at(segment, copy.sends)
    segments = {name: Segment(name, tuple(found)) for name, found in points.items()}
    return ForwardingGraph(devices, segments, segment_of, frozenset(), frozenset())


# -- the adversaries -----------------------------------------------------------------------------


def _with_adversaries(graph: ForwardingGraph, family: Family) -> ForwardingGraph:
    """The graph with the adversary as a device like any other, so that it can be copied too.

    Where anything is not modelled, it and the internet are one (``reach.fixpoint``).
    """
    touched = graph.internet_segments | graph.unmodelled_segments
    rewrites = bool(graph.unmodelled_segments)
    adversary = _adversary(UNMODELLED if rewrites else INTERNET_NODE, touched, family, rewrites)
    wires = {TerminationPoint(adversary.name, segment): segment for segment in sorted(touched)}
    return ForwardingGraph(
        {**graph.devices, adversary.name: adversary},
        graph.segments,
        {**graph.segment_of, **wires},
        frozenset(),
        frozenset(),
    )


def _adversary(name: str, segments: frozenset[str], family: Family, rewrites: bool) -> Device:
    """A device on all of ``segments`` that forwards anything between them, rewritten at will or not."""
    wires = {one: Interface(one, forwarding=frozenset({family})) for one in sorted(segments)}
    made = Device(name, "", wires, forwards=frozenset({family}), unknown_translation=rewrites)
    return anywhere(made, family)
