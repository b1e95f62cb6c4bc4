"""Messages for what a policy names and the network does not have, with the likeliest remedy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from segaudit.documents.yaml_nodes import did_you_mean
from segaudit.errors import Problem
from segaudit.model.device import Device, Interface, InterfaceAddress
from segaudit.model.flow import Family
from segaudit.model.policy import Location, Policy
from segaudit.model.snapshot import Snapshot
from segaudit.policy.matching import device_matches, interface_matches, vlans_of
from segaudit.policy.reading import problem


def matches_nothing(location: Location, what: str, snapshot: Snapshot) -> Problem:
    """The problem of a location that no place matches; the hint names the key that failed."""
    return problem(location.where, what, location.text, _remedy(location, snapshot))


def through_nothing(policy: Policy, snapshot: Snapshot, missing: Mapping[str, object]) -> Iterator[Problem]:
    """Devices that a flow must pass through and that neither exist nor are missing."""
    known = {*snapshot.devices, *missing}
    for flow in policy.flows:
        for pattern in flow.through:
            if not any(fnmatchcase(name, pattern) for name in known):
                where = str(flow.span) if flow.span else policy.path
                hint = did_you_mean(pattern, known)
                yield problem(where, f"flow {flow.id} goes through an unknown device", pattern, hint)


def _remedy(location: Location, snapshot: Snapshot) -> str:
    devices = list(snapshot.devices.values())
    for key in ("site", "role"):
        pattern, values = getattr(location, key), _labels(devices, key)
        if pattern and not any(fnmatchcase(value, pattern) for value in values):
            return did_you_mean(pattern, values) or f"no device has the label {key}"
    if location.device and not any(fnmatchcase(device.name, location.device) for device in devices):
        return did_you_mean(location.device, snapshot.devices) or "the snapshot has no device"
    here = [device for device in devices if device_matches(location, device.name, device.labels)]
    return _interface_remedy(location, here)


def _labels(devices: Iterable[Device], key: str) -> set[str]:
    return {device.labels[key] for device in devices if device.labels.get(key)}


def _interface_remedy(location: Location, devices: list[Device]) -> str:
    interfaces = [interface for device in devices for interface in device.interfaces.values()]
    for key, values in (
        ("interface", {interface.name for interface in interfaces}),
        ("vrf", {interface.vrf for interface in interfaces}),
    ):
        pattern = getattr(location, key)
        if pattern and not any(fnmatchcase(value, pattern) for value in values):
            return did_you_mean(pattern, values)
    if location.vlan is not None:
        vlans = sorted({vlan for interface in interfaces for vlan in vlans_of(interface)})
        if location.vlan not in vlans:
            return f"VLANs seen there: {', '.join(map(str, vlans)) or 'none'}"
    return _prefix_remedy(location, devices)


def _prefix_remedy(location: Location, devices: list[Device]) -> str:
    """Names an interface on whose network the prefix lies, if there is one."""
    if location.prefix is None:
        return "no device has all of these at once"
    for device in sorted(devices, key=lambda device: device.name):
        for interface in device.interfaces.values():
            address = _address_around(location.prefix, interface)
            if address and interface_matches(location, interface):
                return (
                    f"it lies on the network of {device.name}[{interface.name}] {address}, where no "
                    "collected device has an address in it: collect the host, or claim the network with "
                    f"{{device: {device.name}, interface: {interface.name}}}"
                )
    return "no collected device has an address in it: correct it, or collect the device that has"


def _address_around(prefix: tuple[Family, int, int], interface: Interface) -> InterfaceAddress | None:
    family, first, last = prefix
    for address in interface.addresses:
        network_first, network_last = address.network
        if address.family is family and network_first <= first and last <= network_last:
            return address
    return None
