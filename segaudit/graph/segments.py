"""Layer-2 segments: which interfaces hear each other's frames, and what else may be attached.

A wire carries frames with and without VLAN tags; each tag of a wire is a node, and what bridges frames
joins nodes: links, switches by VLAN, subinterfaces with their parent's tag. A bridge that is not known
to keep VLANs apart joins all of them, which never hides a path.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from segaudit.graph.vlans import (
    UNTAGGED,
    VlanClasses,
    bundle_of,
    is_switch_interface,
    is_switched,
    subinterface_tags,
    subinterfaces,
    switched_tags,
)
from segaudit.model.device import Device, Interface, InterfaceKind
from segaudit.model.flow import Family
from segaudit.model.snapshot import Snapshot
from segaudit.model.topology import Link, TerminationPoint


@dataclass(frozen=True, slots=True)
class Segment:
    """Termination points that hear each other; ``open_because`` says why more may be attached.

    ``points`` send and receive here (each in one segment); ``carriers`` are ports whose wire carries the
    segment's frames with a tag. ``open_because`` is empty for a closed segment, ``open_ports`` are the
    switchports among its causes. ``certain_neighbour`` is true where something not modelled is known to
    be attached (an uncollected device), which no assumption can wish away.
    """

    id: str
    points: tuple[TerminationPoint, ...]
    open_because: tuple[str, ...] = ()
    certain_neighbour: bool = False
    carriers: tuple[TerminationPoint, ...] = ()
    open_ports: tuple[TerminationPoint, ...] = ()

    @property
    def is_open(self) -> bool:
        """True where UNMODELLED touches this segment."""
        return bool(self.open_because)

    @property
    def touched(self) -> tuple[TerminationPoint, ...]:
        """Everything that the segment's frames come by."""
        return self.points + self.carriers


class _Node(NamedTuple):
    """The frames with one tag on the wire of a port; of port ``""``, one VLAN of a switch."""

    device: str
    port: str
    tag: int

    @property
    def point(self) -> TerminationPoint:
        return TerminationPoint(self.device, self.port)


class _Union:
    """Disjoint sets of nodes."""

    def __init__(self) -> None:
        self._parent: dict[_Node, _Node] = {}

    def find(self, node: _Node) -> _Node:
        parent = self._parent.setdefault(node, node)
        while parent != self._parent[parent]:
            self._parent[parent] = self._parent[self._parent[parent]]
            parent = self._parent[parent]
        self._parent[node] = parent
        return parent

    def join(self, nodes: Iterable[_Node]) -> None:
        roots = sorted({self.find(node) for node in nodes})
        for root in roots[1:]:
            self._parent[root] = roots[0]

    def groups(self) -> list[tuple[_Node, ...]]:
        found: dict[_Node, list[_Node]] = defaultdict(list)
        for node in sorted(self._parent):
            found[self.find(node)].append(node)
        return [tuple(nodes) for _, nodes in sorted(found.items())]


def segments(snapshot: Snapshot) -> tuple[Segment, ...]:
    """Every layer-2 segment of the snapshot, sorted by name.

    A declared link is believed to be the whole wire, unless a device is known that no link places:
    then the declaration is incomplete, and that device may be anywhere. An interface that no
    declared link mentions is joined with others of the same subnet, and its segment stays open:
    something else may be there.
    """
    wiring = _Wiring(snapshot)
    wiring.join_links()
    for device in snapshot.devices.values():
        wiring.join_inside(device)
    wiring.join_subnets()
    uncollected = _uncollected(snapshot)
    placeless = _placeless(uncollected, snapshot.links)
    found = (
        _segment(nodes, wiring.reasons, uncollected, placeless, snapshot) for nodes in wiring.wires.groups()
    )
    return tuple(segment for segment in found if segment is not None)


class _Wiring:
    """The nodes of a snapshot while they are joined, and why wires stay open."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.wires = _Union()
        self.reasons: dict[TerminationPoint, list[str]] = defaultdict(list)
        self._classes = VlanClasses(snapshot.devices.values())
        self._carried = {name: subinterfaces(device) for name, device in snapshot.devices.items()}
        self._tags: dict[TerminationPoint, set[int]] = defaultdict(lambda: {UNTAGGED})
        self._wired: set[TerminationPoint] = set()
        for device in snapshot.devices.values():
            for interface in device.interfaces.values():
                self._tags[TerminationPoint(device.name, interface.name)] |= self._spoken(device, interface)

    def _spoken(self, device: Device, interface: Interface) -> set[int]:
        """The tags that a port makes sense of."""
        bundle = bundle_of(device, interface)
        if bundle is not None:
            return self._spoken(device, bundle)
        tags = {UNTAGGED}
        if is_switched(interface):
            tags.update(tag for tag, _ in switched_tags(interface, self._classes))
        for inner in self._carried[device.name].get(interface.name, ()):
            tags.update(subinterface_tags(inner, self._classes) or ())
        return tags

    # -- between devices -------------------------------------------------------------------------

    def join_links(self) -> None:
        """Join the ends of every link, tag by tag: what one end speaks, all may send."""
        self._share_tags()
        for link in self.snapshot.links:
            self._wired.update(link.ends)
            for tag in set().union(*(self._tags[end] for end in link.ends)):
                self.wires.join(_Node(end.device, end.interface, tag) for end in link.ends)
            if not link.closed:
                reason = f"{link.origin} does not say that nothing else is attached"
                self.reasons[link.ends[0]].append(reason)

    def _share_tags(self) -> None:
        """Ends of a link, and a bundle with its members, carry each other's tags, however many in turn."""
        alike = _Union()
        for link in self.snapshot.links:
            alike.join(_Node(end.device, end.interface, UNTAGGED) for end in link.ends)
        for device in self.snapshot.devices.values():
            for interface in device.interfaces.values():
                bundle = bundle_of(device, interface)
                if bundle is not None:
                    ends = (interface.name, bundle.name)
                    alike.join(_Node(device.name, end, UNTAGGED) for end in ends)
        for nodes in alike.groups():
            tags = set().union(*(self._tags[node.point] for node in nodes))
            for node in nodes:
                self._tags[node.point] = tags

    def join_subnets(self) -> None:
        """Join what nobody wired by subnet; it stays open."""
        by_subnet: dict[tuple[Family, int, int], list[_Node]] = defaultdict(list)
        for device in self.snapshot.devices.values():
            for interface in self._unwired(device):
                point = TerminationPoint(device.name, interface.name)
                for tag in sorted(self._tags[point]):
                    self.wires.find(_Node(device.name, interface.name, tag))
                self.reasons[point].append("no declared link says what is attached")
                for address in interface.addresses:
                    if not _is_link_local(address.family, address.address):
                        node = _Node(device.name, interface.name, UNTAGGED)
                        by_subnet[address.family, *address.network].append(node)
        for nodes in by_subnet.values():
            self.wires.join(nodes)

    def _unwired(self, device: Device) -> list[Interface]:
        """Interfaces whose far end nobody declared; what consists of others is known by them."""
        consisting = {interface.bridge for interface in device.interfaces.values()}
        bundles = {interface.name: bundle_of(device, interface) for interface in device.interfaces.values()}
        consisting.update(bundle.name for bundle in bundles.values() if bundle is not None)
        return [
            interface
            for interface in device.interfaces.values()
            if interface.kind is not InterfaceKind.LOOPBACK
            and interface.name not in consisting
            and not self._is_wired(device, interface, bundles[interface.name])
            and not _is_carried(interface)
            and not self._is_inside(device, interface)
        ]

    def _is_wired(self, device: Device, interface: Interface, bundle: Interface | None) -> bool:
        names = [one.name for one in (interface, bundle) if one is not None]
        return any(TerminationPoint(device.name, name) in self._wired for name in names)

    def _is_inside(self, device: Device, interface: Interface) -> bool:
        """True for an SVI whose VLAN some port carries: what is attached, is attached there."""
        if not is_switch_interface(interface):
            return False
        assert interface.vlan is not None
        own = set(self._classes.of(interface.vlan, interface.vlan))
        return any(
            own & {vlan for _, vlan in switched_tags(port, self._classes)}
            for port in device.interfaces.values()
            if is_switched(port)
        )

    # -- inside a device -------------------------------------------------------------------------

    def join_inside(self, device: Device) -> None:
        """Join what a device bridges, and its subinterfaces with the tags that they take."""
        for interface in device.interfaces.values():
            bundle = bundle_of(device, interface)
            if bundle is not None:
                self._join_all(device, interface.name, bundle.name)
            elif interface.bridge is not None:
                self._join_bridged(device, interface.name, interface.bridge)
            elif is_switched(interface):
                for tag, vlan in switched_tags(interface, self._classes):
                    self._join(device, (interface.name, tag), ("", vlan))
            if is_switch_interface(interface):
                assert interface.vlan is not None
                for vlan in self._classes.of(interface.vlan, interface.vlan):
                    self._join(device, (interface.name, UNTAGGED), ("", vlan))
            if _is_carried(interface):
                self._join_carried(device, interface)

    def _join_all(self, device: Device, port: str, bundle: str) -> None:
        """A member of a bundle carries what the bundle carries."""
        for tag in self._tags_of(device, port) | self._tags_of(device, bundle):
            self._join(device, (port, tag), (bundle, tag))

    def _join_bridged(self, device: Device, port: str, bridge: str) -> None:
        for tag in self._tags_of(device, port):
            self._join(device, (port, tag), (bridge, UNTAGGED))
        for tag in self._tags_of(device, bridge):
            self._join(device, (bridge, tag), (bridge, UNTAGGED))

    def _join_carried(self, device: Device, interface: Interface) -> None:
        """Join a subinterface with its tag on its parent; a second tag inside is not looked at."""
        assert interface.parent is not None
        parent = device.interfaces.get(interface.parent)
        nested = parent is not None and _is_carried(parent)
        tags = [UNTAGGED] if nested else subinterface_tags(interface, self._classes)
        for tag in self._tags_of(device, interface.parent) if tags is None else tags:
            self._join(device, (interface.name, UNTAGGED), (interface.parent, tag))

    def _tags_of(self, device: Device, port: str) -> set[int]:
        return self._tags[TerminationPoint(device.name, port)]

    def _join(self, device: Device, *nodes: tuple[str, int]) -> None:
        self.wires.join(_Node(device.name, port, tag) for port, tag in nodes)


def _is_carried(interface: Interface) -> bool:
    return interface.kind is InterfaceKind.VLAN and interface.parent is not None


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
    nodes: tuple[_Node, ...],
    reasons: Mapping[TerminationPoint, list[str]],
    uncollected: Mapping[str, str],
    placeless: list[str],
    snapshot: Snapshot,
) -> Segment | None:
    """The segment of joined nodes; ``None`` where no port carries it (a VLAN of a switch alone)."""
    points = tuple(node.point for node in nodes if node.port and node.tag == UNTAGGED)
    tagged = dict.fromkeys(node.point for node in nodes if node.port and node.tag != UNTAGGED)
    carriers = tuple(point for point in tagged if point not in points)
    touched = points + carriers
    if not touched:
        return None
    why = [reason for point in touched for reason in reasons.get(point, ())]
    open_ports = tuple(point for point in touched if reasons.get(point) and _is_port(point, snapshot))
    certain = list(_certainly_open(touched, uncollected, placeless, snapshot))
    unseen = [
        point
        for point in touched
        if point.device in snapshot.devices
        and point.interface not in snapshot.devices[point.device].interfaces
    ]
    why += [*certain, *(f"{point} is declared but the device does not show it" for point in unseen)]
    name = str(points[0]) if points else f"{carriers[0]} vlan {min(node.tag for node in nodes if node.tag)}"
    return Segment(name, points, tuple(dict.fromkeys(why)), bool(certain), carriers, open_ports)


def _certainly_open(
    touched: tuple[TerminationPoint, ...],
    uncollected: Mapping[str, str],
    placeless: list[str],
    snapshot: Snapshot,
) -> Iterator[str]:
    """What is known to be attached that is not modelled."""
    absent = sorted({point.device for point in touched if point.device in uncollected})
    yield from (f"{device} is not collected ({uncollected[device]})" for device in absent)
    if not absent:
        yield from (f"{device} is not collected and no link says where it is" for device in placeless)
    for point in touched:
        interface = _interface(point, snapshot)
        if interface is not None and interface.kind is InterfaceKind.TUNNEL:
            yield f"{point} is a tunnel: its far end is not modelled"


def _is_port(point: TerminationPoint, snapshot: Snapshot) -> bool:
    interface = _interface(point, snapshot)
    return interface is not None and is_switched(interface)


def _interface(point: TerminationPoint, snapshot: Snapshot) -> Interface | None:
    device = snapshot.devices.get(point.device)
    return device.interfaces.get(point.interface) if device else None


def _placeless(uncollected: Mapping[str, str], links: tuple[Link, ...]) -> list[str]:
    placed = {end.device for link in links for end in link.ends}
    return sorted(device for device in uncollected if device not in placed)
