"""What can arrive where, for all packets at once: a delta worklist over the forwarding graph.

Nodes are ``("in", device, interface)`` (received there), ``("segment", id)`` (on that wire),
``("local", device)`` (accepted by the device itself) and ``("adversary", name)``. Each holds the set
of headers that can be there; the least fixpoint is the answer. Sets only grow, the lattice is
finite, so routing loops and NAT loops end.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from segaudit.graph import INTERNET_NODE, UNMODELLED, ForwardingGraph
from segaudit.model.device import Device, InterfaceKind
from segaudit.model.flow import Family
from segaudit.model.topology import TerminationPoint
from segaudit.packets import HeaderField, HeaderSpace, Universe
from segaudit.reach.device_path import DevicePath, DevicePaths, Emission, Level, RoutingMode

Node = tuple[str, ...]

MAXIMUM_TOGETHER = 1 << 12
"""Sources that fit into ORIGIN."""


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


class Reached:
    """The fixpoint: per node the headers that can be there, and in which order they got there."""

    def __init__(
        self, universe: Universe, at: Mapping[Node, HeaderSpace], arrivals: Sequence[Arrival] = ()
    ) -> None:
        self.universe = universe
        self._at = at
        self._arrivals = arrivals

    @property
    def at(self) -> Mapping[Node, HeaderSpace]:
        """The headers that can be at each node where any can be."""
        return self._at

    @property
    def arrivals(self) -> Sequence[Arrival]:
        """The growth of the nodes, in order."""
        return self._arrivals

    @property
    def whole(self) -> Reached:
        """The fixpoint that this one is a part of: itself, unless it was computed with others."""
        return self

    def space(self, node: Node) -> HeaderSpace:
        """The headers that can be at ``node``."""
        return self._at.get(node, self.universe.none)

    def own(self, packets: HeaderSpace) -> HeaderSpace:
        """Of packets of ``whole``, those of this fixpoint's source."""
        return packets


class Share(Reached):
    """One source's part of a fixpoint that was computed for several together.

    Args:
        whole: the common fixpoint, whose packets bear their ORIGIN.
        number: the source's.
        retrace: computes the source's fixpoint alone, for its arrivals.
    """

    def __init__(self, whole: Reached, number: int, retrace: Callable[[], Reached]) -> None:
        super().__init__(whole.universe, whole.at)
        self._whole = whole
        self._sender = whole.universe.origin(number)
        self._retrace = retrace
        self._spaces: dict[Node, HeaderSpace] = {}

    @property
    def at(self) -> Mapping[Node, HeaderSpace]:
        """The headers that can be at each node where any can be."""
        spaces = ((node, self.space(node)) for node in self._at)
        return {node: space for node, space in spaces if not space.is_empty}

    @property
    def arrivals(self) -> Sequence[Arrival]:
        """The growth of the nodes, in order, had the source been alone."""
        return self._retrace().arrivals

    @property
    def whole(self) -> Reached:
        """The common fixpoint."""
        return self._whole

    def space(self, node: Node) -> HeaderSpace:
        """The headers that can be at ``node``."""
        if node not in self._spaces:
            self._spaces[node] = self.own(self._whole.space(node))
        return self._spaces[node]

    def own(self, packets: HeaderSpace) -> HeaderSpace:
        """Of packets of ``whole``, those of this fixpoint's source, ORIGIN forgotten."""
        return (packets & self._sender).without(HeaderField.ORIGIN)


class Network:
    """A graph with one ``DevicePath`` per device, ready for any number of fixpoints.

    Args:
        graph: who touches what.
        universe: one family's packets.
        level: MAY lets the adversaries act; MUST leaves them out.
        routing: CURRENT or ANY.
        paths: devices of the same universe compiled before, for this network to share.
    """

    def __init__(
        self,
        graph: ForwardingGraph,
        universe: Universe,
        level: Level = Level.MAY,
        routing: RoutingMode = RoutingMode.CURRENT,
        paths: DevicePaths | None = None,
    ) -> None:
        self.graph = graph
        self.universe = universe
        self.level = level
        self.routing = routing
        self._paths = paths or DevicePaths(universe)
        self._neighbourhood: dict[str, _Neighbourhood] = {}

    def reach(self, source: Source, with_connections: bool = False) -> Reached:
        """Everything that packets starting at ``source``, with any header, can arrive at."""
        run = _Exploration(self, with_connections, traced=True)
        run.start(source, self.universe.all)
        return run.finish()

    def reach_each(
        self, sources: Sequence[Source], with_connections: bool = False, fresh: Sequence[Reached] = ()
    ) -> list[Reached]:
        """``reach`` of every source, computed together: one fixpoint whose packets bear their ORIGIN.

        Args:
            sources: the sources.
            with_connections: see ``DevicePath.passage``.
            fresh: the result for the same sources without connections, to go on from.
        """
        found: list[Reached] = []
        for first in range(0, len(sources), MAXIMUM_TOGETHER):
            part = sources[first : first + MAXIMUM_TOGETHER]
            known = fresh[first].whole if with_connections and fresh else None
            found.extend(self._together(part, with_connections, known))
        return found

    def _together(
        self, sources: Sequence[Source], with_connections: bool, fresh: Reached | None
    ) -> Iterator[Reached]:
        run = _Exploration(self, with_connections, traced=False)
        if fresh is not None:
            run.go_on_from(fresh)
        for number, source in enumerate(sources):
            run.start(source, self.universe.origin(number))
        whole = run.finish()
        for number, source in enumerate(sources):
            yield Share(whole, number, partial(self.reach, source, with_connections))

    def path(self, device: str) -> DevicePath:
        """What ``device`` does with packets."""
        return self._paths.of(self.graph.devices[device], self.level, self.routing)

    def neighbourhood(self, segment: str) -> _Neighbourhood:
        """Who on a wire answers for which address."""
        if segment not in self._neighbourhood:
            may = self.level is Level.MAY
            self._neighbourhood[segment] = _Neighbourhood(self.graph, segment, self.universe, may)
        return self._neighbourhood[segment]


class _Neighbourhood:
    """Who on one segment receives a packet sent to a next hop, as ``("in", ...)`` nodes.

    What may receive it: the owners of the address and whoever answers for others (proxy ARP), since
    an owner may be down. What must: an owner that is up, a proxy only where there is no owner.
    """

    def __init__(self, graph: ForwardingGraph, segment: str, universe: Universe, may: bool) -> None:
        self._may = may
        self.receivers = graph.receivers(segment)
        self._universe = universe
        family = universe.family
        self._owners: dict[int, list[TerminationPoint]] = defaultdict(list)
        self._proxies: list[TerminationPoint] = []
        by_mac: dict[str, TerminationPoint] = {}
        for point in self.receivers:
            interface = graph.devices[point.device].interfaces[point.interface]
            if interface.mac:
                by_mac[interface.mac] = point
            if not may and not (interface.enabled and interface.operational):
                continue
            if interface.proxy_arp:
                self._proxies.append(point)
            for address in interface.addresses:
                if address.family is family:
                    self._owners[address.address].append(point)
        self._bound = _static_bindings(graph.devices, self.receivers, by_mac, family)
        self._parts: dict[tuple[TerminationPoint, int | None, bool], list[tuple[Node, HeaderSpace]]] = {}

    def destinations(
        self, sender: TerminationPoint, emission: Emission
    ) -> Iterator[tuple[Node, HeaderSpace]]:
        """The receivers of an emission, each with the packets that it receives."""
        key = (sender, emission.next_hop, emission.any_receiver)
        if key not in self._parts:
            self._parts[key] = list(self._split(*key))
        for node, space in self._parts[key]:
            yield node, emission.packets & space

    def _split(
        self, sender: TerminationPoint, next_hop: int | None, any_receiver: bool
    ) -> Iterator[tuple[Node, HeaderSpace]]:
        """All packets, by who receives them."""
        found: dict[Node, HeaderSpace] = {}
        for point, space in self._receiving(sender, next_hop, any_receiver):
            node = ("in", point.device, point.interface)
            found[node] = found.get(node, self._universe.none) | space
        yield from found.items()

    def _receiving(
        self, sender: TerminationPoint, next_hop: int | None, any_receiver: bool
    ) -> Iterator[tuple[TerminationPoint, HeaderSpace]]:
        if any_receiver:
            everyone = (point for point in self.receivers if point != sender)
            yield from ((point, self._universe.all) for point in everyone)
        elif next_hop is not None:
            yield from ((point, self._universe.all) for point in self._answering(sender, next_hop))
        else:
            yield from self._by_destination(sender)

    def _answering(self, sender: TerminationPoint, address: int) -> list[TerminationPoint]:
        owners = [point for point in self._owners.get(address, ()) if point != sender]
        bound = self._bound.get((sender, address))
        if bound is not None and bound not in owners:
            owners.append(bound)
        proxies = [point for point in self._proxies if point != sender and point not in owners]
        return owners + proxies if self._may else owners or proxies

    def _by_destination(self, sender: TerminationPoint) -> Iterator[tuple[TerminationPoint, HeaderSpace]]:
        addresses = set(self._owners) | {address for at, address in self._bound if at == sender}
        for address in sorted(addresses):
            part = self._universe.value(HeaderField.DESTINATION, address)
            yield from ((point, part) for point in self._answering(sender, address))
        rest = ~self._universe.ranges(
            HeaderField.DESTINATION, [(address, address) for address in sorted(addresses)]
        )
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
    """One run of the worklist.

    Args:
        network: where.
        with_connections: see ``DevicePath.passage``.
        traced: record the arrivals.
    """

    def __init__(self, network: Network, with_connections: bool, traced: bool) -> None:
        self._network = network
        self._graph = network.graph
        self._with_connections = with_connections
        self._traced = traced
        self._may = network.level is Level.MAY
        self._none = network.universe.none
        self._at: dict[Node, HeaderSpace] = {}
        self._arrivals: list[Arrival] = []
        self._pending: dict[Node, HeaderSpace] = {}
        self._queue: deque[Node] = deque()
        self._parents: dict[Node, list[int]] = {}
        self._current: int | None = None

    def start(self, source: Source, packets: HeaderSpace) -> None:
        """Let ``packets`` start at ``source``."""
        if source.internet:
            self._start_at_internet(packets)
        if source.unmodelled and self._may:
            self._grow(("adversary", UNMODELLED), packets)
        for device in sorted(source.devices):
            self._emitted(device, self._network.path(device).origin(packets, self._with_connections))
        for segment in sorted(source.segments):
            self._on_segment(segment, packets)
            for point in self._graph.receivers(segment):
                self._grow(("in", point.device, point.interface), packets)

    def go_on_from(self, fresh: Reached) -> None:
        """Take what is known without connections; only devices where these matter look at it again."""
        self._at = dict(fresh.at)
        for node, packets in self._at.items():
            if node[0] == "in" and self._network.path(node[1]).connections_matter:
                self._pend(node, packets)

    def finish(self) -> Reached:
        """Run until nothing grows."""
        while self._queue:
            node = self._queue.popleft()
            packets = self._pending.pop(node)
            if self._traced:
                self._current = len(self._arrivals)
                self._arrivals.append(Arrival(node, packets, tuple(self._parents.pop(node))))
            self._step(node, packets)
        return Reached(self._network.universe, self._at, self._arrivals)

    def _start_at_internet(self, packets: HeaderSpace) -> None:
        if self._may:
            self._grow(("adversary", INTERNET_NODE), packets)
            return
        for segment in sorted(self._graph.internet_segments):
            for point in self._graph.receivers(segment):
                self._grow(("in", point.device, point.interface), packets)

    def _grow(self, node: Node, packets: HeaderSpace) -> None:
        known = self._at.get(node)
        fresh = packets if known is None else packets - known
        if fresh.is_empty:
            return
        self._at[node] = fresh if known is None else known | fresh
        self._pend(node, fresh)
        if self._current is not None and self._current not in self._parents[node]:
            self._parents[node].append(self._current)

    def _pend(self, node: Node, packets: HeaderSpace) -> None:
        if node in self._pending:
            self._pending[node] |= packets
            return
        self._pending[node] = packets
        self._queue.append(node)
        if self._traced:
            self._parents[node] = []

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
            self._decapsulated(device, passage.delivered)
        self._emitted(device, passage.emissions)

    def _emitted(self, device: str, emissions: tuple[Emission, ...]) -> None:
        for emission in emissions:
            sender = TerminationPoint(device, emission.interface)
            segment = self._graph.segment_of.get(sender)
            if segment is None:
                continue
            self._on_segment(segment, emission.packets)
            for node, part in self._network.neighbourhood(segment).destinations(sender, emission):
                self._grow(node, part)

    def _decapsulated(self, device: str, delivered: HeaderSpace) -> None:
        """A device with a tunnel may unpack what it is sent: anything may come out of the tunnel."""
        if self._may:
            for interface in self._graph.devices[device].interfaces.values():
                if interface.kind is InterfaceKind.TUNNEL:
                    self._grow(("in", device, interface.name), delivered.anything())

    def _on_segment(self, segment: str, packets: HeaderSpace) -> None:
        if self._traced:
            self._grow(("segment", segment), packets)
        else:
            node = ("segment", segment)
            known = self._at.get(node)
            self._at[node] = packets if known is None else known | packets
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
            packets = packets.anything()
            self._grow(("adversary", UNMODELLED), packets)
            self._grow(("adversary", INTERNET_NODE), packets)
        touched = graph.unmodelled_segments if name == UNMODELLED else graph.internet_segments
        for segment in sorted(touched):
            self._grow(("segment", segment), packets)
            for point in graph.receivers(segment):
                self._grow(("in", point.device, point.interface), packets)
