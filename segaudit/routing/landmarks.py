"""The addresses that configurations name: where anything but a route may tell addresses apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from segaudit.model.acl import AddressIn, AddressMasked, Matches, Range, Translate, leaves
from segaudit.model.device import Device
from segaudit.model.flow import Family


def landmarks(devices: Iterable[Device], family: Family) -> set[int]:
    """The first address of every range that filters, interfaces or pools name, and the one after it."""
    return {
        edge
        for device in devices
        for first, last in (*_matched(device, family), *_translated(device, family), *_own(device, family))
        for edge in (first, last + 1)
    }


def reads_host_bits(devices: Iterable[Device], family: Family) -> bool:
    """True where any match asks for bits of an address that are not its first ones."""
    return any(
        isinstance(leaf, AddressMasked) and leaf.family is family and not _is_prefix(leaf.mask, family)
        for device in devices
        for leaf in _leaves_of(device)
    )


def _is_prefix(mask: int, family: Family) -> bool:
    free = ~mask & (1 << family.bits) - 1
    return free & free + 1 == 0


def _matched(device: Device, family: Family) -> Iterator[Range]:
    for leaf in _leaves_of(device):
        if isinstance(leaf, AddressIn) and leaf.family is family:
            yield from leaf.ranges
        elif isinstance(leaf, AddressMasked) and leaf.family is family:
            yield leaf.value, leaf.value | ~leaf.mask & (1 << family.bits) - 1


def _translated(device: Device, family: Family) -> Iterator[Range]:
    for acl in device.acls.values():
        for ace in acl.aces:
            if isinstance(ace.action, Translate) and ace.action.family in (family, None):
                yield from ace.action.addresses


def _own(device: Device, family: Family) -> Iterator[Range]:
    for interface in device.interfaces.values():
        for address in interface.addresses:
            if address.family is family:
                yield address.address, address.address
                yield address.network
    for neighbour in device.neighbours:
        if neighbour.family is family:
            yield neighbour.address, neighbour.address


def _leaves_of(device: Device) -> Iterator[Matches]:
    for acl in device.acls.values():
        for ace in acl.aces:
            yield from leaves(ace.matches)
    for rule in device.rules:
        yield from leaves(rule.matches)
