"""The graph of every adjacency, in NetworkX: what is next to what, before any filter or route.

Nodes: ``("device", name)``, ``("interface", device, name)``, ``("segment", id)``, ``UNMODELLED`` and
``INTERNET_NODE``. Edges are undirected; an edge with ``up=False`` is configured but down and counts
for grade G5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import networkx as nx

from segaudit.graph.segments import Segment, segments
from segaudit.graph.vlans import bundle_of, is_switched
from segaudit.model.device import Device
from segaudit.model.snapshot import Snapshot
from segaudit.model.topology import TerminationPoint

UNMODELLED = "UNMODELLED"
"""The adversary: forwards anything from anywhere it touches to anywhere it touches, rewritten at will."""

INTERNET_NODE = "INTERNET"
"""Forwards anything unchanged between all places the policy calls the internet."""


@dataclass(frozen=True, slots=True)
class ForwardingGraph:
    """Devices, segments, and who touches what.

    ``segment_of`` is where an interface sends and receives, ``carried`` what else its wire carries with
    VLAN tags. ``unmodelled_segments`` and ``internet_segments`` are the ids of the segments that the two
    adversaries touch.
    """

    devices: Mapping[str, Device]
    segments: Mapping[str, Segment]
    segment_of: Mapping[TerminationPoint, str]
    internet_segments: frozenset[str]
    unmodelled_segments: frozenset[str]
    carried: Mapping[TerminationPoint, tuple[str, ...]] = field(default_factory=dict)

    def receivers(self, segment: str) -> tuple[TerminationPoint, ...]:
        """The modelled interfaces on a segment that take packets in; the ports of switches do not."""
        return tuple(point for point in self.segments[segment].points if self._takes_packets(point))

    def _takes_packets(self, point: TerminationPoint) -> bool:
        device = self.devices.get(point.device)
        interface = device.interfaces.get(point.interface) if device else None
        if device is None or interface is None:
            return False
        return not is_switched(interface) and bundle_of(device, interface) is None

    def wires(self, point: TerminationPoint) -> tuple[str, ...]:
        """The ids of every segment whose frames pass an interface, tagged or not."""
        home = self.segment_of.get(point)
        return (*(() if home is None else (home,)), *self.carried.get(point, ()))

    def networkx(self) -> Any:
        """The graph as a ``networkx.Graph`` (names as strings), for paths, components and export."""
        graph: Any = nx.Graph()
        for name, device in sorted(self.devices.items()):
            graph.add_node(name, kind="device")
            for interface in device.interfaces.values():
                point = TerminationPoint(name, interface.name)
                graph.add_node(str(point), kind="interface")
                up = interface.enabled and interface.operational
                graph.add_edge(name, str(point), up=up)
                for segment in self.wires(point):
                    graph.add_edge(str(point), f"segment {segment}", up=up)
        for segment in self.segments:
            graph.add_node(f"segment {segment}", kind="segment")
        for name, touched in (
            (UNMODELLED, self.unmodelled_segments),
            (INTERNET_NODE, self.internet_segments),
        ):
            if touched:
                graph.add_node(name, kind="adversary")
                graph.add_edges_from(((name, f"segment {segment}") for segment in sorted(touched)), up=True)
        if self.unmodelled_segments and self.internet_segments:  # it may have an uplink of its own
            graph.add_edge(UNMODELLED, INTERNET_NODE, up=True)
        return graph


def build_graph(
    snapshot: Snapshot,
    internet_interfaces: frozenset[TerminationPoint] = frozenset(),
    end_hosts_only: frozenset[TerminationPoint] = frozenset(),
    doubtful_devices: frozenset[str] = frozenset(),
    nothing_unmodelled: bool = False,
) -> ForwardingGraph:
    """The graph of a snapshot under given assumptions.

    Args:
        snapshot: the parsed network.
        internet_interfaces: interfaces that the policy places in the zone ``internet``: their wires
            are the internet's.
        end_hosts_only: interfaces where an owned assumption says that nothing that forwards is
            attached besides what is modelled. It closes a segment unless something not modelled is
            *known* to be there.
        doubtful_devices: devices to be replaced by UNMODELLED (they hold lines not understood, or
            the intruder owns them).
        nothing_unmodelled: pretend that what was collected is all there is. Proves nothing; tells
            what a missing proof depends on.
    """
    devices = {name: device for name, device in snapshot.devices.items() if name not in doubtful_devices}
    found = {segment.id: segment for segment in segments(snapshot)}
    segment_of = {point: segment.id for segment in found.values() for point in segment.points}
    internet = {
        segment.id
        for segment in found.values()
        if any(point in internet_interfaces for point in segment.touched)
    }
    unmodelled = (
        set()
        if nothing_unmodelled
        else {
            segment.id
            for segment in found.values()
            if any(point.device in doubtful_devices for point in segment.touched)
            or (segment.is_open and not _assumed_closed(segment, end_hosts_only | internet_interfaces))
        }
    )
    return ForwardingGraph(
        devices,
        found,
        segment_of,
        frozenset(internet),
        frozenset(unmodelled),
        _carried(found.values()),
    )


def _carried(found: Iterable[Segment]) -> Mapping[TerminationPoint, tuple[str, ...]]:
    carried: dict[TerminationPoint, list[str]] = {}
    for segment in found:
        for point in segment.carriers:
            carried.setdefault(point, []).append(segment.id)
    return {point: tuple(segments) for point, segments in carried.items()}


def _assumed_closed(segment: Segment, claimed: frozenset[TerminationPoint]) -> bool:
    """True where a claim is made of the wire; of a switched one, for each port that is open."""
    if segment.certain_neighbour or not claimed.issuperset(segment.open_ports):
        return False
    return any(point in claimed for point in segment.touched)
