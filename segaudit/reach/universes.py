"""Which encoding of addresses a network's packets get: bits, or classes where these pay."""

from __future__ import annotations

from collections.abc import Collection

from segaudit.model.device import Device
from segaudit.model.flow import Family
from segaudit.packets import Universe
from segaudit.routing.landmarks import landmarks, reads_host_bits

LARGE_TABLE = 200
"""Routes of one device and family from which on its table is a large one."""

WORTHWHILE = 10_000
"""Routes in large tables from which on classes pay (measured by ``tests/bench/class_codec.py``)."""


def universe_of(devices: Collection[Device], family: Family, node_capacity: int) -> Universe:
    """The universe for a network's packets.

    Small networks and those whose filters read host parts of addresses get plain bits; what is
    proven is the same in both.
    """
    if not classes_pay(devices, family):
        return Universe(family, node_capacity)
    return class_universe(devices, family, node_capacity)


def classes_pay(devices: Collection[Device], family: Family) -> bool:
    """True where large tables hold enough routes and no match reads host parts of addresses."""
    tables = (sum(route.family is family for route in device.routes) for device in devices)
    in_large = sum(size for size in tables if size >= LARGE_TABLE)
    return in_large >= WORTHWHILE and not reads_host_bits(devices, family)


def class_universe(devices: Collection[Device], family: Family, node_capacity: int) -> Universe:
    """A universe in which addresses are told apart as the devices' tables and configurations do."""
    from segaudit.packets.classes import AddressClasses
    from segaudit.routing.painting import paintings

    columns = [(table.starts, table.labels) for table in paintings(devices, family)]
    classes = AddressClasses(family.bits, columns, landmarks(devices, family))
    return Universe(family, node_capacity, classes)
