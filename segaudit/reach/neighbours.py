"""Who on a wire receives what is sent to whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial

from segaudit.graph import ForwardingGraph
from segaudit.model.acl import Range
from segaudit.model.device import Device, Interface, RouteKind
from segaudit.model.flow import Family
from segaudit.model.topology import TerminationPoint
from segaudit.packets import HeaderField, HeaderSpace, Universe

_LINK_LOCAL_SHIFT = Family.IPV6.bits - 10
_LINK_LOCAL = 0xFE80 >> 6
"""The first ten bits of fe80::/10."""


class Neighbourhood:
    """Who on one segment receives a packet sent to a next hop.

    What may receive it: the owners of the address, also on another interface of theirs, and whoever
    answers for others (proxy ARP), since an owner may be down. What must: an owner that is up, a proxy
    only where there is no owner.

    Args:
        graph: who touches what.
        segment: which wire.
        universe: one family's packets.
        may: all who may receive, or only who must.
    """

    def __init__(self, graph: ForwardingGraph, segment: str, universe: Universe, may: bool) -> None:
        self._may = may
        self.receivers = graph.receivers(segment)
        self._universe = universe
        family = universe.family
        self._owners: dict[int, list[TerminationPoint]] = defaultdict(list)
        self._proxies: list[TerminationPoint] = []
        self._link_local_unseen: list[TerminationPoint] = []
        by_mac: dict[str, list[TerminationPoint]] = defaultdict(list)
        for point in self.receivers:
            interface = graph.devices[point.device].interfaces[point.interface]
            if interface.mac:
                by_mac[interface.mac].append(point)
            if not may and not (interface.enabled and interface.operational):
                continue
            if interface.proxy_arp or (may and _answers_for_prefixes(graph.devices[point.device], family)):
                self._proxies.append(point)
            if may and family is Family.IPV6 and _has_unseen_link_local(interface):
                self._link_local_unseen.append(point)
            for address in _answered_for(graph.devices[point.device], interface, family, may):
                self._owners[address].append(point)
        self._bound = _static_bindings(graph.devices, self.receivers, by_mac, family)
        self._parts: dict[
            tuple[TerminationPoint, int | None, bool], list[tuple[TerminationPoint, HeaderSpace]]
        ] = {}

    def parts(
        self, sender: TerminationPoint, next_hop: int | None, any_receiver: bool
    ) -> list[tuple[TerminationPoint, HeaderSpace]]:
        """All packets that ``sender`` puts on the wire towards a next hop, by who receives them."""
        key = (sender, next_hop, any_receiver)
        if key not in self._parts:
            found: dict[TerminationPoint, HeaderSpace] = {}
            for point, space in self._receiving(*key):
                found[point] = found.get(point, self._universe.none) | space
            self._parts[key] = list(found.items())
        return self._parts[key]

    def _receiving(
        self, sender: TerminationPoint, next_hop: int | None, any_receiver: bool
    ) -> Iterator[tuple[TerminationPoint, HeaderSpace]]:
        if any_receiver:
            everyone = (point for point in self.receivers if point != sender)
            yield from ((point, self._universe.all) for point in everyone)
        elif next_hop is not None:
            yield from ((point, self._universe.all) for point in self._answering(sender, next_hop))
        else:
            yield from self._by_destination(sender)

    def _answering(self, sender: TerminationPoint, address: int) -> list[TerminationPoint]:
        owners = [point for point in self._owners.get(address, ()) if point != sender]
        bound = self._bound.get((sender, address), [])
        if self._may or len(bound) == 1:
            owners += [point for point in bound if point not in owners]
        if address >> _LINK_LOCAL_SHIFT == _LINK_LOCAL:
            unseen = (point for point in self._link_local_unseen if point != sender)
            owners += [point for point in unseen if point not in owners]
        proxies = [point for point in self._proxies if point != sender and point not in owners]
        return owners + proxies if self._may else owners or proxies

    def _by_destination(self, sender: TerminationPoint) -> Iterator[tuple[TerminationPoint, HeaderSpace]]:
        addresses = set(self._owners) | {address for at, address in self._bound if at == sender}
        alike: dict[tuple[TerminationPoint, ...], list[Range]] = defaultdict(list)
        for address in sorted(addresses):
            alike[tuple(self._answering(sender, address))].append((address, address))
        for points, ranges in alike.items():
            if points:
                part = self._sent_to(ranges)
                yield from ((point, part) for point in points)
        proxies = [point for point in self._proxies if point != sender]
        if proxies:
            rest = ~self._sent_to([(address, address) for address in sorted(addresses)])
            yield from ((point, rest) for point in proxies)

    def _sent_to(self, ranges: list[Range]) -> HeaderSpace:
        make = partial(self._universe.ranges, HeaderField.DESTINATION, ranges)
        return self._universe.remembered(("sent to", *ranges), make)


def _has_unseen_link_local(interface: Interface) -> bool:
    """True where IPv6 is spoken, so that there is a link-local address (RFC 4291 section 2.8), unseen.

    A configuration does not show it: it is made of the hardware address.
    """
    own = [one.address for one in interface.addresses if one.family is Family.IPV6]
    shown = any(address >> _LINK_LOCAL_SHIFT == _LINK_LOCAL for address in own)
    return not shown and bool(own or Family.IPV6 in interface.forwarding)


def _answered_for(device: Device, interface: Interface, family: Family, may: bool) -> set[int]:
    """The addresses that a device answers for where it is asked on one of its interfaces.

    Those of the interface; by ARP perhaps any that the device has (ip-sysctl: ``arp_ignore`` 0).
    Neighbour discovery looks at the interface alone (Linux net/ipv6/ndisc.c ``ndisc_recv_ns``).
    """
    holders = device.interfaces.values() if may and family is Family.IPV4 else (interface,)
    return {one.address for holder in holders for one in holder.addresses if one.family is family}


def _answers_for_prefixes(device: Device, family: Family) -> bool:
    """True where ARP may be answered for whole prefixes of the device's own (AnyIP): like a proxy.

    Those of 127.0.0.0/8, which every host has, are never asked for.
    """
    return family is Family.IPV4 and any(
        route.family is family
        and route.kind is RouteKind.LOCAL
        and route.prefix_length < family.bits
        and route.prefix >> 24 != 127
        for route in device.routes
    )


def _static_bindings(
    devices: Mapping[str, Device],
    receivers: tuple[TerminationPoint, ...],
    by_mac: Mapping[str, list[TerminationPoint]],
    family: Family,
) -> dict[tuple[TerminationPoint, int], list[TerminationPoint]]:
    """Neighbour entries that name known interfaces: that is where the frames really go."""
    bound = {}
    for point in receivers:
        for neighbour in devices[point.device].neighbours:
            if neighbour.interface == point.interface and neighbour.family is family:
                targets = by_mac.get(neighbour.mac, [])
                bound[point, neighbour.address] = [target for target in targets if target != point]
    return bound
