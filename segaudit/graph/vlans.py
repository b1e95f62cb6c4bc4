"""VLANs as classes: what no switchport, subinterface or SVI of a snapshot tells apart is one tag."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping

from segaudit.model.acl import Range
from segaudit.model.device import Device, Interface, InterfaceKind, SwitchportMode

UNTAGGED = 0
"""The tag of frames that bear none (and of priority-tagged ones, IEEE 802.1Q §6.9)."""

_LAST_VLAN = 4094


class VlanClasses:
    """The VLANs that are told apart; each class is named by its first VLAN."""

    def __init__(self, devices: Iterable[Device]) -> None:
        cuts = {cut for device in devices for first, last in _ranges(device) for cut in (first, last + 1)}
        self._firsts = sorted(cut for cut in cuts if 1 <= cut <= _LAST_VLAN)

    def of(self, first: int, last: int) -> list[int]:
        """The classes of an inclusive range."""
        return self._firsts[bisect_left(self._firsts, first) : bisect_right(self._firsts, last)]


def is_switched(interface: Interface) -> bool:
    """True for a port of a VLAN-aware switch: what it receives is not routed by the port itself."""
    return interface.switchport is not None and interface.bridge is None


def bundle_of(device: Device, interface: Interface) -> Interface | None:
    """The aggregate (IEEE 802.1AX) that a port is a member of."""
    parent = device.interfaces.get(interface.parent or "")
    if parent is None or parent.kind is not InterfaceKind.AGGREGATE or interface.kind is InterfaceKind.VLAN:
        return None
    return parent


def is_switch_interface(interface: Interface) -> bool:
    """True for an SVI or IRB interface: a VLAN of the device itself, not of one wire."""
    return interface.kind is InterfaceKind.VLAN and interface.parent is None and interface.vlan is not None


def switched_tags(interface: Interface, classes: VlanClasses) -> Iterator[tuple[int, int]]:
    """Per tag that a switchport speaks, the VLAN of the switch that its frames belong to.

    A port whose mode is negotiated is a trunk with an access VLAN, too. Frames that bear the tag of the
    port's own access VLAN count as accepted: some switches do.
    """
    port = interface.switchport
    assert port is not None
    for own in (port.access_vlan, port.native_vlan):
        for vlan in classes.of(own, own) if own else ():
            yield UNTAGGED, vlan
            yield vlan, vlan
    if port.mode is SwitchportMode.TRUNK:
        for first, last in port.trunk_vlans:
            yield from ((vlan, vlan) for vlan in classes.of(first, last))


def subinterface_tags(interface: Interface, classes: VlanClasses) -> list[int] | None:
    """The tags that a subinterface takes from the wire; ``None``: which ones is not known."""
    if interface.vlan is None:
        return None
    return [UNTAGGED] if interface.vlan == UNTAGGED else classes.of(interface.vlan, interface.vlan)


def subinterfaces(device: Device) -> Mapping[str, list[Interface]]:
    """Per interface the VLAN subinterfaces that it carries."""
    found: dict[str, list[Interface]] = {}
    for interface in device.interfaces.values():
        if interface.kind is InterfaceKind.VLAN and interface.parent is not None:
            found.setdefault(interface.parent, []).append(interface)
    return found


def _ranges(device: Device) -> Iterator[Range]:
    for interface in device.interfaces.values():
        if interface.vlan:
            yield interface.vlan, interface.vlan
        port = interface.switchport
        if port is not None:
            yield from ((own, own) for own in (port.access_vlan, port.native_vlan) if own)
            yield from port.trunk_vlans
