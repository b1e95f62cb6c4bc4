"""Layer-2 segments: which interfaces hear each other's frames, and what else may be attached.

First version: links from the topology or from matching subnets, bridges as one domain. VLANs of one
bridge are not told apart yet, which joins more than there is and so never hides a path; the layer-2
issue refines it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from segaudit.model.device import Device, Interface, InterfaceKind
from segaudit.model.flow import Family
from segaudit.model.snapshot import Snapshot
from segaudit.model.topology import Link, TerminationPoint


@dataclass(frozen=True, slots=True)
class Segment:
    """Termination points that hear each other; ``open_because`` says why more may be attached.

    ``open_because`` is empty for a closed segment. ``certain_neighbour`` is true where something
    not modelled is known to be attached (an uncollected device), which no assumption can wish away.
    """

    id: str
    points: tuple[TerminationPoint, ...]
    open_because: tuple[str, ...] = ()
    certain_neighbour: bool = False

    @property
    def is_open(self) -> bool:
        """True where UNMODELLED touches this segment."""
        return bool(self.open_because)


class _Union:
    """Disjoint sets of termination points."""

    def __init__(self) -> None:
        self._parent: dict[TerminationPoint, TerminationPoint] = {}

    def find(self, point: TerminationPoint) -> TerminationPoint:
        parent = self._parent.setdefault(point, point)
        while parent != self._parent[parent]:
            self._parent[parent] = self._parent[self._parent[parent]]
            parent = self._parent[parent]
        self._parent[point] = parent
        return parent

    def join(self, points: Iterable[TerminationPoint]) -> None:
        roots = sorted({self.find(point) for point in points})
        for root in roots[1:]:
            self._parent[root] = roots[0]

    def groups(self) -> list[tuple[TerminationPoint, ...]]:
        found: dict[TerminationPoint, list[TerminationPoint]] = defaultdict(list)
        for point in sorted(self._parent):
            found[self.find(point)].append(point)
        return [tuple(points) for _, points in sorted(found.items())]


def segments(snapshot: Snapshot) -> tuple[Segment, ...]:
    """Every layer-2 segment of the snapshot, sorted by name.

    A declared link is believed to be the whole wire, unless a device is known that no link places:
    then the declaration is incomplete, and that device may be anywhere. An interface that no
    declared link mentions is joined with others of the same subnet, and its segment stays open:
    something else may be there.
    """
    wires = _Union()
    reasons: dict[TerminationPoint, list[str]] = defaultdict(list)
    wired: set[TerminationPoint] = set()
    for link in snapshot.links:
        wires.join(link.ends)
        wired.update(link.ends)
        if not link.closed:
            reasons[link.ends[0]].append(f"{link.origin} does not say that nothing else is attached")
    _join_bridges(snapshot.devices, wires)
    _join_subnets(snapshot.devices, wires, wired, reasons)
    uncollected = _uncollected(snapshot)
    placeless = _placeless(uncollected, snapshot.links)
    return tuple(_segment(points, reasons, uncollected, placeless, snapshot) for points in wires.groups())


def _join_bridges(devices: Mapping[str, Device], wires: _Union) -> None:
    """Join a bridge with its ports, and a VLAN subinterface with the wire that carries it."""
    for device in devices.values():
        for interface in device.interfaces.values():
            for other in (interface.bridge, interface.parent if _carried(interface) else None):
                if other is not None:
                    ends = (interface.name, other)
                    wires.join([TerminationPoint(device.name, end) for end in ends])


def _carried(interface: Interface) -> bool:
    return interface.kind is InterfaceKind.VLAN and interface.parent is not None


def _join_subnets(
    devices: Mapping[str, Device],
    wires: _Union,
    wired: set[TerminationPoint],
    reasons: dict[TerminationPoint, list[str]],
) -> None:
    by_subnet: dict[tuple[Family, int, int], list[TerminationPoint]] = defaultdict(list)
    for device in devices.values():
        for interface in _unwired(device, wired):
            point = TerminationPoint(device.name, interface.name)
            wires.find(point)
            reasons[point].append("no declared link says what is attached")
            for address in interface.addresses:
                if not _is_link_local(address.family, address.address):
                    by_subnet[address.family, *address.network].append(point)
    for points in by_subnet.values():
        wires.join(points)


def _unwired(device: Device, wired: set[TerminationPoint]) -> list[Interface]:
    """Interfaces whose far end nobody declared; a bridge is known by its ports."""
    bridges_with_ports = {interface.bridge for interface in device.interfaces.values()}
    return [
        interface
        for interface in device.interfaces.values()
        if interface.kind is not InterfaceKind.LOOPBACK
        and interface.name not in bridges_with_ports
        and TerminationPoint(device.name, interface.name) not in wired
        and not _carried(interface)
    ]


def _is_link_local(family: Family, address: int) -> bool:
    return bool(family.address(address).is_link_local)


def _uncollected(snapshot: Snapshot) -> dict[str, str]:
    """Devices known to exist that are not modelled, with the reason."""
    missing = {failure.device: failure.reason for failure in snapshot.failures}
    for node in snapshot.declared_nodes:
        if node not in snapshot.devices:
            missing.setdefault(node, "named by the topology, absent from the snapshot")
    for link in snapshot.links:
        for end in link.ends:
            if end.device not in snapshot.devices:
                missing.setdefault(end.device, "named by a link, absent from the snapshot")
    return {device: reason for device, reason in missing.items() if device not in snapshot.devices}


def _segment(
    points: tuple[TerminationPoint, ...],
    reasons: Mapping[TerminationPoint, list[str]],
    uncollected: Mapping[str, str],
    placeless: list[str],
    snapshot: Snapshot,
) -> Segment:
    why = [reason for point in points for reason in reasons.get(point, ())]
    absent = sorted({point.device for point in points if point.device in uncollected})
    why.extend(f"{device} is not collected ({uncollected[device]})" for device in absent)
    certain = bool(absent)
    if placeless and not absent:
        why.extend(f"{device} is not collected and no link says where it is" for device in placeless)
        certain = True
    tunnels = [point for point in points if _kind(point, snapshot) is InterfaceKind.TUNNEL]
    if tunnels:
        why.extend(f"{point} is a tunnel: its far end is not modelled" for point in tunnels)
        certain = True
    unseen = [
        point
        for point in points
        if point.device in snapshot.devices
        and point.interface not in snapshot.devices[point.device].interfaces
    ]
    why.extend(f"{point} is declared but the device does not show it" for point in unseen)
    return Segment(str(points[0]), points, tuple(dict.fromkeys(why)), certain)


def _kind(point: TerminationPoint, snapshot: Snapshot) -> InterfaceKind | None:
    device = snapshot.devices.get(point.device)
    interface = device.interfaces.get(point.interface) if device else None
    return interface.kind if interface else None


def _placeless(uncollected: Mapping[str, str], links: tuple[Link, ...]) -> list[str]:
    placed = {end.device for link in links for end in link.ends}
    return sorted(device for device in uncollected if device not in placed)
