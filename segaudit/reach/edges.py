"""From what a device does to whom it hands packets: the edges out of one node of the fixpoint.

Every way out of a device that reaches the same node and rewrites alike is one edge, and edges that do
the same with packets are one with several ends; so what a visit of a node costs is what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from segaudit.graph import INTERNET_NODE, UNMODELLED, ForwardingGraph
from segaudit.model.device import InterfaceKind
from segaudit.model.topology import TerminationPoint
from segaudit.packets import HeaderField, HeaderSpace, Universe
from segaudit.reach.neighbours import Neighbourhood
from segaudit.reach.ways import EVERY_FIELD, Exit, Rewrite, sent_through

Node = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """Packets of ``guard``, changed by ``rewrites``, go to each of ``nodes``."""

    guard: HeaderSpace
    rewrites: tuple[Rewrite, ...]
    nodes: tuple[Node, ...]

    @property
    def changes_source(self) -> bool:
        """True where packets may have another source address afterwards."""
        return any(HeaderField.SOURCE in fields for fields, _ in self.rewrites)

    def of(self, packets: HeaderSpace) -> HeaderSpace:
        """What goes along of ``packets``."""
        return sent_through(packets, self.guard, self.rewrites)


@dataclass(frozen=True, slots=True)
class Onward:
    """What leaves one node: ``edges`` to nodes that hand on, ``wires`` to segments, which only show."""

    edges: tuple[Edge, ...]
    wires: tuple[Edge, ...]


class Wiring:
    """Where packets get that leave a device.

    Args:
        graph: who touches what.
        universe: one family's packets.
        may: all that may receive, adversaries among them, or only what must.
        received: the node of what a termination point receives.
    """

    def __init__(
        self,
        graph: ForwardingGraph,
        universe: Universe,
        may: bool,
        received: Callable[[TerminationPoint], Node],
    ) -> None:
        self._graph = graph
        self._universe = universe
        self._may = may
        self._received = received
        self._neighbourhoods: dict[str, Neighbourhood] = {}

    def onward(self, device: str, exits: Iterable[Exit]) -> Onward:
        """The edges of packets that take ``exits`` out of ``device``."""
        edges: dict[tuple[Node, tuple[Rewrite, ...]], HeaderSpace] = {}
        wires: dict[tuple[Node, tuple[Rewrite, ...]], HeaderSpace] = {}
        for one in exits:
            for node, guard, rewrites in self._ends(device, one):
                found = wires if node[0] == "segment" else edges
                key = (node, rewrites)
                found[key] = found[key] | guard if key in found else guard
        return Onward(_joined(edges), _joined(wires))

    def _ends(self, device: str, one: Exit) -> Iterator[tuple[Node, HeaderSpace, tuple[Rewrite, ...]]]:
        guard, rewrites = one.way.guard, one.way.rewrites
        if one.interface is None:
            yield ("local", device), guard, rewrites
            for node in self._tunnels(device):
                yield node, guard, (*rewrites, (EVERY_FIELD, self._universe.all))
            return
        sender = TerminationPoint(device, one.interface)
        segment = self._graph.segment_of.get(sender)
        if segment is None:
            return
        for name in self.adversaries(segment):
            yield ("adversary", name), guard, rewrites
        yield ("segment", segment), guard, rewrites
        for point, space in self._neighbourhood(segment).parts(sender, one.next_hop, one.any_receiver):
            yield self._received(point), *_narrowed(guard, rewrites, space)

    def _tunnels(self, device: str) -> Iterator[Node]:
        """Where something may come out unpacked of what the device is sent: anything, of any tunnel."""
        if self._may:
            for interface in self._graph.devices[device].interfaces.values():
                if interface.kind is InterfaceKind.TUNNEL:
                    yield self._received(TerminationPoint(device, interface.name))

    def adversaries(self, segment: str) -> Iterator[str]:
        """What besides the modelled devices receives everything on a wire."""
        if self._may:
            if segment in self._graph.unmodelled_segments:
                yield UNMODELLED
            if segment in self._graph.internet_segments:
                yield INTERNET_NODE

    def _neighbourhood(self, segment: str) -> Neighbourhood:
        if segment not in self._neighbourhoods:
            self._neighbourhoods[segment] = Neighbourhood(self._graph, segment, self._universe, self._may)
        return self._neighbourhoods[segment]


def _narrowed(
    guard: HeaderSpace, rewrites: tuple[Rewrite, ...], space: HeaderSpace
) -> tuple[HeaderSpace, tuple[Rewrite, ...]]:
    """The same program for those packets only that end in ``space``."""
    if not rewrites:
        return guard & space, ()
    *before, (fields, after) = rewrites
    return guard, (*before, (fields, after & space))


def _joined(ends: dict[tuple[Node, tuple[Rewrite, ...]], HeaderSpace]) -> tuple[Edge, ...]:
    found: dict[tuple[HeaderSpace, tuple[Rewrite, ...]], list[Node]] = {}
    for (node, rewrites), guard in ends.items():
        if not guard.is_empty:
            found.setdefault((guard, rewrites), []).append(node)
    return tuple(Edge(guard, rewrites, tuple(nodes)) for (guard, rewrites), nodes in found.items())
