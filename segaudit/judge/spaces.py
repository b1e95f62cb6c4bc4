"""From the policy's words to sets of packets: services, zone addresses, excepted traffic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from segaudit.model.acl import Range
from segaudit.model.device import Device
from segaudit.model.flow import Family
from segaudit.model.policy import AllowedFlow, Exemption, Service
from segaudit.model.result import ZoneLocation
from segaudit.packets import HeaderField, HeaderSpace, Universe
from segaudit.packets.matches import ICMP_INVERSE

Conduit = AllowedFlow | Exemption
"""Traffic that may pass from one zone to another, replies implied."""

ICMP_ERRORS = {Family.IPV4: ((3, 4), (11, 12)), Family.IPV6: ((1, 4),)}
"""ICMP errors that belong to a connection (RFC 792; RFC 4443 §3)."""


def location_ranges(
    devices: dict[str, Device], locations: Iterable[ZoneLocation], family: Family
) -> list[Range]:
    """The prefixes connected at the places of a zone, as address ranges of one family."""
    found = set()
    for location in locations:
        device = devices.get(location.device)
        interface = device.interfaces.get(location.interface) if device else None
        for address in interface.addresses if interface else ():
            if address.family is family and not family.address(address.address).is_link_local:
                found.add(address.network)
    return sorted(found)


def services_space(universe: Universe, services: Sequence[Service], replies: bool = False) -> HeaderSpace:
    """The packets of ``services``, or with ``replies`` the packets that answer them."""
    return universe.union(_service(universe, service, replies) for service in services)


def _service(universe: Universe, service: Service, replies: bool) -> HeaderSpace:
    if service.protocol is None:
        return universe.all
    if service.protocol in (1, 58) and service.protocol != (1 if universe.family is Family.IPV4 else 58):
        return universe.none
    space = universe.value(HeaderField.PROTOCOL, service.protocol)
    if service.ports:
        port = HeaderField.SOURCE_PORT if replies else HeaderField.DESTINATION_PORT
        space &= universe.ranges(port, service.ports)
    if service.icmp_type is not None:
        kind = service.icmp_type
        if replies:
            if kind not in ICMP_INVERSE[universe.family]:
                return universe.none
            kind = ICMP_INVERSE[universe.family][kind]
        space &= universe.value(HeaderField.ICMP_TYPE, kind)
    return space


def conduit_space(
    universe: Universe, services: Sequence[Service], source: list[Range], destination: list[Range]
) -> HeaderSpace:
    """What a conduit lets pass from its source to its destination: genuine addresses only."""
    return (
        services_space(universe, services)
        & universe.ranges(HeaderField.SOURCE, source)
        & universe.ranges(HeaderField.DESTINATION, destination)
    )


def reply_space(
    universe: Universe, services: Sequence[Service], source: list[Range], destination: list[Range]
) -> HeaderSpace:
    """What answers a conduit ``source`` -> ``destination``: its replies, and ICMP errors to its source.

    To be subtracted only from packets that pass as part of a connection.
    """
    answers = (
        services_space(universe, services, replies=True)
        & universe.ranges(HeaderField.SOURCE, destination)
        & universe.ranges(HeaderField.DESTINATION, source)
    )
    return answers | _errors(universe, source)


def error_space(universe: Universe, destination: list[Range]) -> HeaderSpace:
    """ICMP errors about a conduit's replies, to its destination; only as part of a connection."""
    return _errors(universe, destination)


def _errors(universe: Universe, to: list[Range]) -> HeaderSpace:
    number = 1 if universe.family is Family.IPV4 else 58
    return (
        universe.value(HeaderField.PROTOCOL, number)
        & universe.ranges(HeaderField.ICMP_TYPE, ICMP_ERRORS[universe.family])
        & universe.ranges(HeaderField.DESTINATION, to)
    )
