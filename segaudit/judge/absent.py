"""Routes that are not there: the ones by which a device could be made to lead to a zone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from segaudit.graph import ForwardingGraph
from segaudit.judge.blocks import AbsentRoutes
from segaudit.judge.objects import absent_route
from segaudit.judge.prover import Prover
from segaudit.model.device import Device, NextHop
from segaudit.model.flow import Family
from segaudit.model.topology import TerminationPoint


def absent_routes(
    prover: Prover, family: Family, graph: ForwardingGraph, device: Device, zone: str
) -> AbsentRoutes:
    """Per neighbour of a device the routes by it: to the zone's own prefixes first, then to everything."""
    rules = {rule.table for rule in device.rules if rule.family is family and rule.table}
    tables = sorted((rules or {"main"}) - {"local", "default"}, key=lambda name: (name != "main", name))
    ways = list(product(_prefixes(prover, family, zone), tables))
    return [
        (hop, [absent_route(device, family, table, prefix, hop) for prefix, table in ways])
        for hop in _hops(family, graph, device)
    ]


def _prefixes(prover: Prover, family: Family, zone: str) -> list[tuple[int, int]]:
    """The zone's connected prefixes and addresses, then the default route."""
    devices = prover.snapshot.devices
    assigned = [
        address
        for place in prover.zones.of(zone)
        for address in devices[place.device].interfaces[place.interface].addresses
        if address.family is family and not family.address(address.address).is_link_local
    ]
    connected = sorted({(one.network[0], one.prefix_length) for one in assigned})
    hosts = sorted({(one.address, family.bits) for one in assigned})
    return [*dict.fromkeys((*connected, *hosts)), (0, 0)]


def _hops(family: Family, graph: ForwardingGraph, device: Device) -> Iterator[NextHop]:
    """Every neighbour on every wire of a device, and each wire itself."""
    for name in sorted(device.interfaces):
        segment = graph.segment_of.get(TerminationPoint(device.name, name))
        if segment is None:
            continue
        neighbours = {
            address.address
            for point in graph.receivers(segment)
            if point.device != device.name
            for address in graph.devices[point.device].interfaces[point.interface].addresses
            if address.family is family
        }
        yield NextHop(name)
        yield from (NextHop(name, address) for address in sorted(neighbours))
