"""Small networks, written by hand, for tests of the engine."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_interface, ip_network

from segaudit.model.acl import Ace, Acl, AclAttachment, Action, Forwarding, Hook, Matches, Return
from segaudit.model.device import (
    Device,
    Interface,
    InterfaceAddress,
    InterfaceKind,
    NextHop,
    Route,
    RouteKind,
)
from segaudit.model.flow import Family
from segaudit.model.snapshot import CollectionFailure, Snapshot
from segaudit.model.source import SourceSpan
from segaudit.model.topology import Link, TerminationPoint

BOTH = frozenset(Family)


def address(text: str) -> InterfaceAddress:
    parsed = ip_interface(text)
    return InterfaceAddress(Family(parsed.version), int(parsed.ip), parsed.network.prefixlen)


def interface(name: str, *addresses: str, forwards: bool = True, **more: object) -> Interface:
    base = Interface(
        name,
        addresses=tuple(address(one) for one in addresses),
        forwarding=BOTH if forwards else frozenset(),
        mac=f"02:00:00:00:00:{abs(hash(name)) % 256:02x}",
    )
    return replace(base, **more)  # type: ignore[arg-type]


def route(
    prefix: str,
    interface_name: str = "",
    via: str = "",
    kind: str = "unicast",
    table: str = "main",
    line: int = 1,
) -> Route:
    network = ip_network(prefix)
    family = Family(network.version)
    hop = NextHop(interface_name, int(ip_interface(via).ip) if via else None) if interface_name else None
    return Route(
        family,
        int(network.network_address),
        network.prefixlen,
        (hop,) if hop else (),
        RouteKind(kind),
        table,
        "static",
        0,
        SourceSpan("routes", line, line),
    )


def acl(name: str, *rules: tuple[Matches, Action], default: Forwarding | Return = Forwarding.DROP) -> Acl:
    aces = tuple(
        Ace(matches, action, SourceSpan(f"acl {name}", number, number), f"rule {number}")
        for number, (matches, action) in enumerate(rules, start=1)
    )
    return Acl(name, aces, default, SourceSpan(f"acl {name}", 99, 99))


def attach(
    name: str, hook: Hook, priority: int = 0, translates: bool = False, families: frozenset[Family] = BOTH
) -> AclAttachment:
    return AclAttachment(name, hook, priority, families, translates)


def device(
    name: str,
    *interfaces: Interface,
    routes: tuple[Route, ...] = (),
    acls: tuple[Acl, ...] = (),
    attachments: tuple[AclAttachment, ...] = (),
    tracks: bool = False,
    **more: object,
) -> Device:
    """A device with its connected and local routes made from its addresses."""
    loopback = Interface("lo", InterfaceKind.LOOPBACK)
    own = []
    for one in interfaces:
        for assigned in one.addresses:
            shown = assigned.family.address(assigned.address)
            own.append(route(f"{shown}/{assigned.family.bits}", "lo", kind="local", table="local"))
            own.append(route(str(ip_interface(str(assigned)).network), one.name))
    forwards = frozenset(family for one in interfaces for family in one.forwarding)
    built = Device(
        name,
        "linux",
        {one.name: one for one in (loopback, *interfaces)},
        (*own, *routes),
        acls={one.name: one for one in acls},
        attachments=attachments,
        forwards=forwards,
        tracks_connections=tracks,
    )
    return replace(built, **more)  # type: ignore[arg-type]


def host(name: str, *addresses: str, gateway: str = "", **more: object) -> Device:
    routes = []
    for one in gateway.split():
        family = ip_interface(one).version
        routes.append(route("0.0.0.0/0" if family == 4 else "::/0", "eth1", one))
    return device(name, interface("eth1", *addresses, forwards=False), routes=tuple(routes), **more)  # type: ignore[arg-type]


def link(*ends: str, closed: bool = True) -> Link:
    points = (TerminationPoint(*end.split(":")) for end in ends)
    return Link(tuple(sorted(points)), "topology", closed)


def snapshot(
    devices: list[Device], links: list[Link], failures: tuple[CollectionFailure, ...] = ()
) -> Snapshot:
    return Snapshot({one.name: one for one in devices}, failures, tuple(links))
