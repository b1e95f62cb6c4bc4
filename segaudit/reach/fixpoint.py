"""What can arrive where, for all packets at once: a delta worklist over the forwarding graph.

Nodes are ``("in", device, interface)`` (received there, or at an interface whose packets the device
treats alike), ``("segment", id)`` (on that wire), ``("local", device)`` (accepted by the device itself)
and ``("adversary", name)``. Each holds the set of headers that can be there; the least fixpoint is the
answer. Sets only grow, the lattice is finite, so routing loops and NAT loops end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import networkx as nx

from segaudit.graph import INTERNET_NODE, UNMODELLED, ForwardingGraph
from segaudit.model.acl import Range
from segaudit.model.device import InterfaceKind
from segaudit.model.topology import TerminationPoint
from segaudit.packets import HeaderField, HeaderSpace, Universe
from segaudit.reach.device_path import DevicePath, DevicePaths, Level, RoutingMode
from segaudit.reach.edges import Edge, Node, Onward, Wiring

MAXIMUM_TOGETHER = 1 << 12
"""Sources that fit into ORIGIN."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where packets start, with any header: on wires, at the internet, at what is not modelled.

    ``devices`` make packets themselves: routers that are in a zone, through their own OUTPUT. Where
    ``senders`` is given, source addresses are in these ranges. ``unpacks``: what is sent in the other
    address family may come out of any tunnel that is in one piece with the source, as anything.
    """

    segments: frozenset[str]
    internet: bool = False
    unmodelled: bool = False
    devices: frozenset[str] = frozenset()
    senders: tuple[Range, ...] | None = None
    unpacks: bool = True

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
    """The fixpoint: per node the headers that can be there, and in which order they got there.

    Args:
        universe: where the headers live.
        at: the headers per node.
        keeps_sources: every packet is wherever it is with the source address that it was sent with:
            nothing that any packet passed changes one.
        trace: what gives the arrivals, once they are asked for.
    """

    def __init__(
        self,
        universe: Universe,
        at: Mapping[Node, HeaderSpace],
        keeps_sources: bool,
        trace: Callable[[], Sequence[Arrival]],
    ) -> None:
        self.universe = universe
        self.keeps_sources = keeps_sources
        self._at = at
        self._trace = trace

    @property
    def at(self) -> Mapping[Node, HeaderSpace]:
        """The headers that can be at each node where any can be."""
        return self._at

    @cached_property
    def arrivals(self) -> Sequence[Arrival]:
        """The growth of the nodes, in order; had the source been alone, of one that was not."""
        return self._trace()

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
        trace: see ``Reached``.
    """

    def __init__(self, whole: Reached, number: int, trace: Callable[[], Sequence[Arrival]]) -> None:
        super().__init__(whole.universe, whole.at, whole.keeps_sources, trace)
        self._whole = whole
        self._sender = whole.universe.origin(number)
        self._spaces: dict[Node, HeaderSpace] = {}

    @property
    def at(self) -> Mapping[Node, HeaderSpace]:
        """The headers that can be at each node where any can be."""
        spaces = ((node, self.space(node)) for node in self._at)
        return {node: space for node, space in spaces if not space.is_empty}

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
        routing: where devices may send packets.
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
        self._wiring = Wiring(graph, universe, level is Level.MAY, self.received)
        self._onward: dict[tuple[str, str | None, bool], Onward] = {}
        self._received: dict[TerminationPoint, Node] = {}

    def reach(self, source: Source, with_connections: bool = False, traced: bool = False) -> Reached:
        """Everything that packets starting at ``source``, with any header, can arrive at.

        ``traced``: note the arrivals in passing; else they take another run, once they are asked for.
        """
        run = _Exploration(self, with_connections, traced)
        run.start(source, self._starting(source))
        return run.finish(partial(self._traced, source, with_connections))

    def _traced(self, source: Source, with_connections: bool) -> Sequence[Arrival]:
        return self.reach(source, with_connections, traced=True).arrivals

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
            run.start(source, self.universe.origin(number) & self._starting(source))
        whole = run.finish(tuple)
        for number, source in enumerate(sources):
            yield Share(whole, number, partial(self._traced, source, with_connections))

    def tunnels(self, source: Source) -> list[Node]:
        """Where packets of ``source`` may come out that were carried in another address family.

        How they get to the tunnel is not followed: only that some chain of wires and devices leads there.
        """
        if not source.unpacks or self.level is not Level.MAY or not self._tunnels:
            return []
        ends = {f"segment {name}" for name in source.segments} | source.devices
        ends |= {UNMODELLED} if source.unmodelled else set()
        ends |= {INTERNET_NODE} if source.internet else set()
        pieces = {self._pieces[end] for end in ends if end in self._pieces}
        return [self.received(point) for point in self._tunnels if self._pieces[point.device] in pieces]

    @cached_property
    def _tunnels(self) -> list[TerminationPoint]:
        return [
            TerminationPoint(name, interface.name)
            for name, device in sorted(self.graph.devices.items())
            for interface in device.interfaces.values()
            if interface.kind is InterfaceKind.TUNNEL
        ]

    @cached_property
    def _pieces(self) -> dict[str, int]:
        """Per node of the adjacency graph the number of the component that it is in."""
        found = nx.connected_components(self.graph.networkx())
        return {node: number for number, nodes in enumerate(found) for node in nodes}

    def _starting(self, source: Source) -> HeaderSpace:
        if source.senders is None:
            return self.universe.all
        return self.universe.ranges(HeaderField.SOURCE, source.senders)

    def path(self, device: str) -> DevicePath:
        """What ``device`` does with packets."""
        return self._paths.of(self.graph.devices[device], self.level, self.routing)

    def received(self, point: TerminationPoint) -> Node:
        """The node of what is received at ``point``: one for all interfaces that are alike."""
        if point not in self._received:
            like = self.path(point.device).representative(point.interface)
            self._received[point] = ("in", point.device, like)
        return self._received[point]

    def onward(self, device: str, interface: str | None, with_connections: bool) -> Onward:
        """The edges of packets that ``device`` received on ``interface``, or made (``None``)."""
        path = self.path(device)
        key = (device, interface, with_connections and path.connections_matter)
        if key not in self._onward:
            exits = path.exits(interface, with_connections)
            self._onward[key] = self._wiring.onward(device, exits)
        return self._onward[key]

    def adversaries(self, segment: str) -> tuple[str, ...]:
        """What besides the modelled devices receives everything on a wire."""
        return tuple(self._wiring.adversaries(segment))


class _Exploration:
    """One run of the worklist.

    Args:
        network: where.
        with_connections: see ``DevicePath.passage``.
        traced: record the arrivals. Otherwise what was on the wires is worked out at the end.
    """

    def __init__(self, network: Network, with_connections: bool, traced: bool) -> None:
        self._network = network
        self._graph = network.graph
        self._with_connections = with_connections
        self._traced = traced
        self._may = network.level is Level.MAY
        self._at: dict[Node, HeaderSpace] = {}
        self._arrivals: list[Arrival] = []
        self._pending: dict[Node, HeaderSpace] = {}
        self._queue: deque[Node] = deque()
        self._parents: dict[Node, list[int]] = {}
        self._current: int | None = None
        self._visited: set[Node] = set()
        self._keeps_sources = True

    def start(self, source: Source, packets: HeaderSpace) -> None:
        """Let ``packets`` start at ``source``."""
        if source.internet:
            self._start_at_internet(packets)
        if source.unmodelled and self._may:
            self._grow(("adversary", UNMODELLED), packets)
        for device in sorted(source.devices):
            onward = self._network.onward(device, None, self._with_connections)
            entered = self._network.path(device).entering(packets)
            self._along(onward.edges, entered)
            self._along(onward.wires, entered)
        for node in self._network.tunnels(source):
            self._keeps_sources = False
            self._grow(node, packets.anything())
        for segment in sorted(source.segments):
            self._grow(("segment", segment), packets)
            for name in self._network.adversaries(segment):
                self._grow(("adversary", name), packets)
            self._to_receivers(segment, packets)

    def go_on_from(self, fresh: Reached) -> None:
        """Take what is known without connections; only devices where these matter look at it again."""
        self._at = {node: packets for node, packets in fresh.at.items() if self._stands_for_itself(node)}
        self._keeps_sources = fresh.keeps_sources
        for node, packets in self._at.items():
            if node[0] == "in" and self._network.path(node[1]).connections_matter:
                self._pend(node, packets)

    def _stands_for_itself(self, node: Node) -> bool:
        return node[0] != "in" or node == self._network.received(TerminationPoint(node[1], node[2]))

    def finish(self, trace: Callable[[], Sequence[Arrival]]) -> Reached:
        """Run until nothing grows; ``trace`` would give the arrivals of a run that does not note them."""
        while self._queue:
            node = self._queue.popleft()
            packets = self._pending.pop(node)
            if self._traced:
                self._current = len(self._arrivals)
                self._arrivals.append(Arrival(node, packets, tuple(self._parents.pop(node))))
            self._step(node, packets)
        self._current = None
        if not self._traced:
            self._show_on_wires()
        noted = (lambda: self._arrivals) if self._traced else trace
        return Reached(self._network.universe, self._by_interface(), self._keeps_sources, noted)

    def _start_at_internet(self, packets: HeaderSpace) -> None:
        if self._may:
            self._grow(("adversary", INTERNET_NODE), packets)
            return
        for segment in sorted(self._graph.internet_segments):
            self._to_receivers(segment, packets)

    def _to_receivers(self, segment: str, packets: HeaderSpace) -> None:
        for point in self._graph.receivers(segment):
            self._grow(self._network.received(point), packets)

    def _grow(self, node: Node, packets: HeaderSpace) -> None:
        known = self._at.get(node)
        fresh = packets if known is None else packets - known
        if fresh.is_empty:
            return
        self._at[node] = fresh if known is None else known | fresh
        if self._traced or node[0] in ("in", "adversary"):
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
            onward = self._network.onward(node[1], node[2], self._with_connections)
            entered = self._network.path(node[1]).entering(packets)
            self._along(onward.edges, entered)
            if self._traced:
                self._along(onward.wires, entered)
            else:
                self._visited.add(node)
        elif node[0] == "adversary":
            self._adversary(node[1], packets)

    def _along(self, edges: tuple[Edge, ...], packets: HeaderSpace) -> None:
        for edge in edges:
            sent = edge.of(packets)
            if not sent.is_empty:
                self._keeps_sources &= not edge.changes_source
                for node in edge.nodes:
                    self._grow(node, sent)

    def _show_on_wires(self) -> None:
        """What the visited nodes put on wires, all of it at once: nothing starts from there."""
        for _, device, interface in sorted(self._visited):
            onward = self._network.onward(device, interface, self._with_connections)
            packets = self._at["in", device, interface]
            self._along(onward.wires, self._network.path(device).entering(packets))

    def _by_interface(self) -> dict[Node, HeaderSpace]:
        """The sets, those of interfaces that are alike at each of them."""
        found = dict(self._at)
        for node, packets in self._at.items():
            if node[0] == "in":
                _, device, interface = node
                like = self._network.path(device).interfaces_like(interface)
                found.update((("in", device, name), packets) for name in like)
        return found

    def _adversary(self, name: str, packets: HeaderSpace) -> None:
        """UNMODELLED sends anything; the internet forwards unchanged, and is UNMODELLED's neighbour.

        An uncollected device may have an uplink of its own, so where anything is not modelled the
        two are one.
        """
        graph = self._graph
        if name == UNMODELLED or graph.unmodelled_segments:
            packets = packets.anything()
            self._keeps_sources = False
            self._grow(("adversary", UNMODELLED), packets)
            self._grow(("adversary", INTERNET_NODE), packets)
        touched = graph.unmodelled_segments if name == UNMODELLED else graph.internet_segments
        for segment in sorted(touched):
            self._grow(("segment", segment), packets)
            self._to_receivers(segment, packets)
