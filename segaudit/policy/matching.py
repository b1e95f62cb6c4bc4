"""Whether a location pattern matches a place, and which of two patterns is the more specific.

Names take shell wildcards (``fnmatch``), case-sensitively, so that the same policy means the same
on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from segaudit.model.device import Interface, InterfaceAddress, SwitchportMode
from segaudit.model.policy import Location

_WILDCARDS = frozenset("*?[")


def device_matches(location: Location, name: str, labels: Mapping[str, str]) -> bool:
    """True where the device keys of ``location`` (device, site, role) all match."""
    return (
        _name_matches(location.device, name)
        and _name_matches(location.site, labels.get("site"))
        and _name_matches(location.role, labels.get("role"))
    )


def interface_matches(location: Location, interface: Interface) -> bool:
    """True where the interface keys of ``location`` (interface, vrf, vlan) all match."""
    return (
        _name_matches(location.interface, interface.name)
        and _name_matches(location.vrf, interface.vrf)
        and (location.vlan is None or location.vlan in vlans_of(interface))
    )


def vlans_of(interface: Interface) -> frozenset[int]:
    """The one VLAN that an access port, VLAN subinterface or SVI is in; none for a trunk."""
    vlans = {interface.vlan} if interface.vlan is not None else set()
    port = interface.switchport
    if port and port.mode is SwitchportMode.ACCESS and port.access_vlan:
        vlans.add(port.access_vlan)
    return frozenset(vlans)


def prefix_holds(location: Location, address: InterfaceAddress | None) -> bool:
    """True where ``location`` has no prefix, or one that holds ``address``."""
    if location.prefix is None:
        return True
    family, first, last = location.prefix
    return address is not None and address.family is family and first <= address.address <= last


def could_be_on(location: Location, device: str, labels: Mapping[str, str] | None) -> bool:
    """True unless ``location`` certainly has no place on a device of which only this is known.

    ``labels`` is ``None`` where not even they are known.
    """
    if labels is None:
        return _name_matches(location.device, device)
    return device_matches(location, device, labels)


def names_device(location: Location, labels: Mapping[str, str] | None) -> bool:
    """True where a matching ``location`` speaks of the device itself: its name, site or role."""
    by_label = labels is not None and (location.site is not None or location.role is not None)
    return location.device is not None or by_label


def beats(one: Location, other: Location) -> bool:
    """True where ``one`` is the more specific of two members that match the same place.

    In order: a member that gives device and interface (exactly before by wildcard) beats one that
    does not; the longer prefix beats the shorter; a member that says all the other says, and more,
    beats it. Anything else is a tie, which only the policy's owner can settle.
    """
    if _pins(one) != _pins(other):
        return _pins(one) > _pins(other)
    if one.prefix and other.prefix and _width(one) != _width(other):
        return _width(one) < _width(other)
    return _constraints(one) > _constraints(other)


def _name_matches(pattern: str | None, name: str | None) -> bool:
    return pattern is None or (name is not None and fnmatchcase(name, pattern))


def _pins(location: Location) -> int:
    """2 for one exact interface of one exact device, 1 for both keys with wildcards, else 0."""
    if location.device is None or location.interface is None:
        return 0
    return 1 if _WILDCARDS & set(location.device + location.interface) else 2


def _width(location: Location) -> int:
    return location.prefix[2] - location.prefix[1] if location.prefix else -1


def _constraints(location: Location) -> frozenset[tuple[str, object]]:
    keys = ("prefix", "device", "interface", "vrf", "vlan", "site", "role")
    return frozenset((key, getattr(location, key)) for key in keys if getattr(location, key) is not None)
