"""Records of interfaces and routers -> interfaces and routing of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from segaudit.model.acl import AnyPacket, Matches
from segaudit.model.device import (
    Interface,
    InterfaceKind,
    NextHop,
    Route,
    RouteKind,
    RoutingRule,
    TunnelEnds,
)
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.routing.configured import ConfiguredRoute, ConfiguredRouting, Unknown, configured_routing
from segaudit.vendors.paloalto_panos.extract_network import MANAGEMENT
from segaudit.vendors.paloalto_panos.objects import literal_addresses
from segaudit.vendors.paloalto_panos.records import (
    ForwardingRule,
    InterfaceRecord,
    RouterRecord,
    StaticRouteRecord,
)
from segaudit.vendors.paloalto_panos.routes import Tables

NO_ROUTER = "(no virtual router)"
"""The VRF of layer-3 interfaces that no virtual router has: they forward nothing."""

MANAGEMENT_VRF = "(management)"
"""No name that a virtual router can have."""

_METRICS = 0x10000
"""More than any metric: of two routes the administrative distance decides first."""


@dataclass(slots=True)
class Ports:
    """What decides about interfaces besides their own records."""

    records: Sequence[InterfaceRecord]
    routers: Sequence[RouterRecord]
    bridges: Sequence[tuple[str, tuple[str, ...], SourceSpan]]
    tunnels: Mapping[str, TunnelEnds]
    zones: Mapping[str, str]
    answers_for_others: bool = False
    router_of: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.router_of = {name: router.name for router in self.routers for name in router.interfaces}


def interfaces(ports: Ports) -> dict[str, Interface]:
    """Every interface by name, bridges that only the configuration's VLAN objects name included."""
    bridge_of = {port: name for name, members, _ in ports.bridges for port in members}
    found = {one.name: _interface(one, ports, bridge_of) for one in ports.records}
    for name, _, span in ports.bridges:
        if name not in found:
            found[name] = Interface(name, InterfaceKind.BRIDGE, vrf=NO_ROUTER, span=span)
    for name in sorted({name for router in ports.routers for name in router.interfaces} - set(found)):
        span = next(router.span for router in ports.routers if name in router.interfaces)
        vrf = ports.router_of[name]
        found[name] = Interface(name, InterfaceKind.OTHER, vrf=vrf, forwarding=frozenset(Family), span=span)
    return dict(sorted(found.items()))


def _interface(record: InterfaceRecord, ports: Ports, bridge_of: Mapping[str, str]) -> Interface:
    routed = record.mode == "layer3" and record.name in ports.router_of
    families = {Family.IPV4} | ({Family.IPV6} if record.ipv6 else set())
    vrf = MANAGEMENT_VRF if record.name == MANAGEMENT else ports.router_of.get(record.name, NO_ROUTER)
    return Interface(
        record.name,
        record.kind,
        enabled=record.enabled,
        mtu=record.mtu,
        addresses=record.addresses,
        vrf=vrf,
        bridge=bridge_of.get(record.name),
        parent=record.parent,
        forwarding=frozenset(families) if routed else frozenset(),
        proxy_arp=ports.answers_for_others and routed,
        description=record.description,
        span=record.span,
        vlan=record.tag,
        zone=ports.zones.get(record.name),
        tunnel=ports.tunnels.get(record.name),
    )


# ---- routing ------------------------------------------------------------------------------------


def routing(
    found: Mapping[str, Interface],
    ports: Ports,
    resolve: Callable[[str], tuple[Family, int, int] | None],
    shown: Tables,
) -> ConfiguredRouting:
    """Connected and static routes of every virtual router, and why there may be more.

    Where the firewall's own table is ``shown``, that is the table, and there is no more.
    """
    statics: list[ConfiguredRoute] = []
    reasons: dict[tuple[str, Family], tuple[set[str], set[str]]] = {}
    for router in ports.routers:
        for route in router.statics:
            made, doubt, leak = _static(router.name, route, resolve)
            if made is not None:
                statics.append(made)
            if doubt:
                why = reasons.setdefault((router.name, route.family), (set(), set()))
                why[0].add(doubt)
                why[1].update({leak} if leak else ())
        for vrf, family, reason in _learned(router, ports.records):
            reasons.setdefault((vrf, family), (set(), set()))[0].add(reason)
    unknown = {
        key: Unknown("; ".join(sorted(said)), frozenset(leaks))
        for key, (said, leaks) in reasons.items()
        if key not in shown
    }
    configured = [_unshown(port, shown) for port in found.values()]
    open_statics = [one for one in statics if (one.vrf, one.family) not in shown]
    tables = configured_routing(configured, open_statics, unknown)
    return replace(
        tables, routes=(*tables.routes, *(route for key in sorted(shown) for route in shown[key]))
    )


def _unshown(port: Interface, shown: Tables) -> Interface:
    """The interface without the addresses whose routes its own table shows."""
    kept = tuple(one for one in port.addresses if (port.vrf, one.family) not in shown)
    return port if len(kept) == len(port.addresses) else replace(port, addresses=kept)


def _learned(router: RouterRecord, records: Iterable[InterfaceRecord]) -> Iterator[tuple[str, Family, str]]:
    for protocol in router.protocols:
        for family in Family:
            yield router.name, family, f"{protocol} may add routes"
    for record in records:
        if record.learns_address and record.name in router.interfaces:
            for family in Family:
                yield router.name, family, f"{record.name}: {record.learns_address}"


def _static(
    vrf: str,
    route: StaticRouteRecord,
    resolve: Callable[[str], tuple[Family, int, int] | None],
) -> tuple[ConfiguredRoute | None, str, str]:
    """The route, or why it cannot be said what it does, and the router that it may lead into."""
    prefix = _prefix(route, resolve)
    doubt = route.doubt and f"static route {route.name}: {route.doubt}"
    if prefix is None:
        return None, f"static route {route.name}: its destination is not fixed", ""
    if route.next_router:
        return None, f"static route {route.name} leads into {route.next_router}", route.next_router
    made = ConfiguredRoute(
        route.family, *prefix, vrf, span=route.span, distance=route.distance * _METRICS + route.metric
    )
    if route.discard:
        made = replace(made, discard=RouteKind.BLACKHOLE)
    elif route.next_hop:
        hop = _address(route.next_hop, route.family, resolve)
        if hop is None:
            return None, f"static route {route.name}: its next hop is not fixed", ""
        made = replace(made, address=hop, interface=route.interface or None)
    elif route.interface:
        made = replace(made, interface=route.interface)
    else:
        return None, doubt or f"static route {route.name} has no next hop", ""
    return (None if doubt else made), doubt, ""


def _prefix(
    route: StaticRouteRecord, resolve: Callable[[str], tuple[Family, int, int] | None]
) -> tuple[int, int] | None:
    found = resolve(route.destination)
    if found is None or found[0] is not route.family:
        return None
    first, size = found[1], found[2] - found[1] + 1
    length = route.family.bits - (size.bit_length() - 1)
    return (first, length) if size & (size - 1) == 0 and first % size == 0 else None


def _address(
    text: str, family: Family, resolve: Callable[[str], tuple[Family, int, int] | None]
) -> int | None:
    """A next hop: ``10.0.0.1``, also written ``10.0.0.1/24``, or the object of that name."""
    bare = literal_addresses(text.partition("/")[0])
    if bare is not None:
        ranges = bare.ranges.get(family, [])
        return ranges[0][0] if len(ranges) == 1 and ranges[0][0] == ranges[0][1] else None
    found = resolve(text)
    return found[1] if found is not None and found[0] is family and found[1] == found[2] else None


# ---- policy-based forwarding --------------------------------------------------------------------


def forwarded(
    made: ConfiguredRouting,
    rules: Iterable[tuple[ForwardingRule, Matches]],
) -> tuple[tuple[Route, ...], tuple[RoutingRule, ...]]:
    """The routes and rules with those of policy-based forwarding before them; each may apply or not."""
    routes, ahead = list(made.routes), []
    for number, (rule, matches) in enumerate(rules):
        for family, hop in _forwarded_to(rule):
            table = f"policy-based forwarding {number} {rule.name}"
            routes.append(Route(family, 0, 0, (hop,), table=table, protocol="pbf", span=rule.span))
            ahead.append((family, matches, table, rule.span))
    if not ahead:
        return made.routes, made.rules
    return tuple(routes), tuple(_all_rules(made.rules, ahead))


def _forwarded_to(rule: ForwardingRule) -> Iterator[tuple[Family, NextHop]]:
    """Where a rule sends packets of each family; anywhere, where that is not told."""
    if rule.action in ("discard", "no-pbf"):
        return
    literal = literal_addresses(rule.next_hop) if rule.next_hop else None
    for family in Family:
        if not rule.interface or (rule.next_hop and literal is None):
            yield family, NextHop(None, anyone=True)
        elif literal is None:
            yield family, NextHop(rule.interface)
        elif family in literal.ranges:
            yield family, NextHop(rule.interface, literal.ranges[family][0][0])


def _all_rules(
    rules: Sequence[RoutingRule], ahead: Iterable[tuple[Family, Matches, str, SourceSpan]]
) -> Iterator[RoutingRule]:
    listed = list(ahead)
    for family in Family:
        mine = [one for one in listed if one[0] is family]
        for priority, (_, matches, table, span) in enumerate(mine):
            yield RoutingRule(family, priority, matches, table, span=span)
        after = [rule for rule in rules if rule.family is family] or [
            RoutingRule(family, number, AnyPacket(), table)
            for number, table in enumerate(("local", "main"))
        ]
        for rule in after:
            yield replace(rule, priority=rule.priority + len(mine))
