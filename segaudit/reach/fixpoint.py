"""What can arrive where, for all packets at once: a delta worklist over the forwarding graph.

Nodes are ``("in", device, interface)`` (received there), ``("segment", id)`` (on that wire),
``("local", device)`` (accepted by the device itself) and ``("adversary", name)``. Each holds the set
of headers that can be there; the least fixpoint is the answer. Sets only grow, the lattice is
finite, so routing loops and NAT loops end.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from segaudit.graph import INTERNET_NODE, UNMODELLED, ForwardingGraph
from segaudit.model.device import Device, InterfaceKind
from segaudit.model.flow import Family
from segaudit.model.topology import TerminationPoint
from segaudit.packets import HeaderField, HeaderSpace, Universe
from segaudit.reach.device_path import DevicePath, Emission, Level, RoutingMode

Node = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Where packets start, with any header: on wires, at the internet, at what is not modelled.

    ``devices`` make packets themselves: routers that are in a zone, through their own OUTPUT.
    """

    segments: frozenset[str]
    internet: bool = False
    unmodelled: bool = False
    devices: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """True where nothing starts at all."""
        return not (self.segments or self.internet or self.unmodelled or self.devices)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One growth of one node: ``packets`` that were new there, sent on by ``parents``.

    ``parents`` are positions in ``Reached.arrivals``, all before this one; empty at a source.
    """

    node: Node
    packets: HeaderSpace
    parents: tuple[int, ...]


@dataclass(slots=True)
class Reached:
    """The fixpoint: per node the headers that can be there, and in which order they got there."""

    universe: Universe
    at: dict[Node, HeaderSpace] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)

    def space(self, node: Node) -> HeaderSpace:
        """The headers that can be at ``node``."""
        return self.at.get(node, self.universe.none)


class Network:
    """A graph with one ``DevicePath`` per device, ready for any number of fixpoints.

    Args:
        graph: who touches what.
        universe: one family's packets.
        level: MAY lets the adversaries act; MUST leaves them out.
        routing: CURRENT or ANY.
    """

    def __init__(
        self,
        graph: ForwardingGraph,
        universe: Universe,
        level: Level = Level.MAY,
        routing: RoutingMode = RoutingMode.CURRENT,
    ) -> None:
        self.graph = graph
        self.universe = universe
        self.level = level
        self.routing = routing
        self._paths = {
            name: DevicePath(device, universe, level, routing) for name, device in graph.devices.items()
        }
        self._neighbourhood = {
            segment: _Neighbourhood(graph, segment, universe) for segment in graph.segments
        }

    def reach(self, source: Source, with_connections: bool = False) -> Reached:
        """Everything that packets starting at ``source``, with any header, can arrive at."""
        return _Exploration(self, with_connections).run(source)

    def path(self, device: str) -> DevicePath:
        """What ``device`` does with packets."""
        return self._paths[device]

    def neighbourhood(self, segment: str) -> _Neighbourhood:
        """Who on a wire answers for which address."""
        return self._neighbourhood[segment]


class _Neighbourhood:
    """Who on one segment receives a packet sent to a next hop."""

    def __init__(self, graph: ForwardingGraph, segment: str, universe: Universe) -> None:
        self.receivers = graph.receivers(segment)
        self._universe = universe
        family = universe.family
        self._owners: dict[int, list[TerminationPoint]] = defaultdict(list)
        self._proxies: list[TerminationPoint] = []
        by_mac: dict[str, TerminationPoint] = {}
        for point in self.receivers:
            interface = graph.devices[point.device].interfaces[point.interface]
            by_mac[interface.mac] = point
            if interface.proxy_arp:
                self._proxies.append(point)
            for address in interface.addresses:
                if address.family is family:
                    self._owners[address.address].append(point)
        self._bound = _static_bindings(graph.devices, self.receivers, by_mac, family)

    def destinations(
        self, sender: TerminationPoint, emission: Emission
    ) -> Iterable[tuple[TerminationPoint, HeaderSpace]]:
        """The receivers of an emission, each with the packets that it receives."""
        others = [point for point in self.receivers if point != sender]
        if emission.any_receiver:
            yield from ((point, emission.packets) for point in others)
        elif emission.next_hop is not None:
            for point in self._answering(sender, emission.next_hop):
                yield point, emission.packets
        else:
            yield from self._to_destination(sender, emission.packets)

    def _answering(self, sender: TerminationPoint, address: int) -> list[TerminationPoint]:
        owners = [point for point in self._owners.get(address, ()) if point != sender]
        bound = self._bound.get((sender, address))
        if bound is not None and bound not in owners:
            owners.append(bound)
        return owners or [point for point in self._proxies if point != sender]

    def _to_destination(
        self, sender: TerminationPoint, packets: HeaderSpace
    ) -> Iterable[tuple[TerminationPoint, HeaderSpace]]:
        addresses = set(self._owners) | {address for at, address in self._bound if at == sender}
        for address in sorted(addresses):
            part = packets & self._universe.value(HeaderField.DESTINATION, address)
            if not part.is_empty:
                yield from ((point, part) for point in self._answering(sender, address))
        if self._proxies:
            known = self._universe.ranges(
                HeaderField.DESTINATION, [(address, address) for address in sorted(addresses)]
            )
            rest = packets - known
            yield from ((point, rest) for point in self._proxies if point != sender)


def _static_bindings(
    devices: Mapping[str, Device],
    receivers: tuple[TerminationPoint, ...],
    by_mac: Mapping[str, TerminationPoint],
    family: Family,
) -> dict[tuple[TerminationPoint, int], TerminationPoint]:
    """Neighbour entries that name a known interface: that is where the frames really go."""
    bound = {}
    for point in receivers:
        for neighbour in devices[point.device].neighbours:
            if neighbour.interface == point.interface and neighbour.family is family:
                target = by_mac.get(neighbour.mac)
                if target is not None:
                    bound[point, neighbour.address] = target
    return bound


class _Exploration:
    """One run of the worklist."""

    def __init__(self, network: Network, with_connections: bool) -> None:
        self._network = network
        self._graph = network.graph
        self._with_connections = with_connections
        self._may = network.level is Level.MAY
        self._reached = Reached(network.universe)
        self._pending: dict[Node, HeaderSpace] = {}
        self._queue: deque[Node] = deque()
        self._parents: dict[Node, list[int]] = {}
        self._current: int | None = None

    def run(self, source: Source) -> Reached:
        everything = self._network.universe.all
        if source.internet:
            self._start_at_internet(everything)
        if source.unmodelled and self._may:
            self._grow(("adversary", UNMODELLED), everything)
        for device in sorted(source.devices):
            self._emitted(device, self._network.path(device).origin(everything, self._with_connections))
        for segment in sorted(source.segments):
            self._on_segment(segment, everything)
            for point in self._graph.receivers(segment):
                self._grow(("in", point.device, point.interface), everything)
        while self._queue:
            node = self._queue.popleft()
            packets = self._pending.pop(node)
            self._current = len(self._reached.arrivals)
            parents = tuple(self._parents.pop(node))
            self._reached.arrivals.append(Arrival(node, packets, parents))
            self._step(node, packets)
        return self._reached

    def _start_at_internet(self, packets: HeaderSpace) -> None:
        if self._may:
            self._grow(("adversary", INTERNET_NODE), packets)
            return
        for segment in sorted(self._graph.internet_segments):
            for point in self._graph.receivers(segment):
                self._grow(("in", point.device, point.interface), packets)

    def _grow(self, node: Node, packets: HeaderSpace) -> None:
        known = self._reached.space(node)
        fresh = packets - known
        if fresh.is_empty:
            return
        self._reached.at[node] = known | fresh
        if node in self._pending:
            self._pending[node] |= fresh
        else:
            self._pending[node] = fresh
            self._parents[node] = []
            self._queue.append(node)
        if self._current is not None and self._current not in self._parents[node]:
            self._parents[node].append(self._current)

    def _step(self, node: Node, packets: HeaderSpace) -> None:
        if node[0] == "in":
            self._received(node[1], node[2], packets)
        elif node[0] == "adversary":
            self._adversary(node[1], packets)

    def _received(self, device: str, interface: str, packets: HeaderSpace) -> None:
        path = self._network.path(device)
        passage = path.passage(interface, packets, self._with_connections)
        if not passage.delivered.is_empty:
            self._grow(("local", device), passage.delivered)
            self._decapsulated(device)
        self._emitted(device, passage.emissions)

    def _emitted(self, device: str, emissions: tuple[Emission, ...]) -> None:
        for emission in emissions:
            sender = TerminationPoint(device, emission.interface)
            segment = self._graph.segment_of.get(sender)
            if segment is None:
                continue
            self._on_segment(segment, emission.packets)
            for point, part in self._network.neighbourhood(segment).destinations(sender, emission):
                self._grow(("in", point.device, point.interface), part)

    def _decapsulated(self, device: str) -> None:
        """A device with a tunnel may unpack what it is sent: anything may come out of the tunnel."""
        if self._may:
            for interface in self._graph.devices[device].interfaces.values():
                if interface.kind is InterfaceKind.TUNNEL:
                    self._grow(("in", device, interface.name), self._network.universe.all)

    def _on_segment(self, segment: str, packets: HeaderSpace) -> None:
        self._grow(("segment", segment), packets)
        if self._may and not packets.is_empty:
            if segment in self._graph.unmodelled_segments:
                self._grow(("adversary", UNMODELLED), packets)
            if segment in self._graph.internet_segments:
                self._grow(("adversary", INTERNET_NODE), packets)

    def _adversary(self, name: str, packets: HeaderSpace) -> None:
        """UNMODELLED sends anything; the internet forwards unchanged, and is UNMODELLED's neighbour.

        An uncollected device may have an uplink of its own, so where anything is not modelled the
        two are one.
        """
        graph = self._graph
        if name == UNMODELLED or graph.unmodelled_segments:
            packets = self._network.universe.all
            self._grow(("adversary", UNMODELLED), packets)
            self._grow(("adversary", INTERNET_NODE), packets)
        touched = graph.unmodelled_segments if name == UNMODELLED else graph.internet_segments
        for segment in sorted(touched):
            self._grow(("segment", segment), packets)
            for point in graph.receivers(segment):
                self._grow(("in", point.device, point.interface), packets)
