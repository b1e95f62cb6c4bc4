"""The tables that the configuration makes: static routes, VRFs, leaks, policy and multicast routing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from segaudit.model.acl import (
    AddressIn,
    AllOf,
    AnyOf,
    AnyPacket,
    Direction,
    End,
    Forwarding,
    InterfaceIn,
    Matches,
    UnknownMatch,
)
from segaudit.model.device import DEFAULT_VRF, Interface, NextHop, Route, RouteKind, RoutingRule
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.parse.cisco import addresses
from segaudit.parse.cisco.statics import StaticRecord
from segaudit.parse.ledger import LineLedger
from segaudit.routing.configured import ConfiguredRoute, ConfiguredRouting, Unknown, configured_routing
from segaudit.vendors.cisco_ios.convert_filters import FROM_THE_DEVICE, Filters, acl_name
from segaudit.vendors.cisco_ios.convert_interfaces import learned_addresses
from segaudit.vendors.cisco_ios.dialect import IOS
from segaudit.vendors.cisco_ios.records import Config, IosInterface, RouteMapEntry, VrfRecord
from segaudit.vendors.cisco_ios.route_tables import RouteTable, TableRow, Tables, protocol_of

_FIRST_PRIORITY = -100_000
"""Rules of policy and multicast routing come before those of the tables, which begin at 0."""

_MULTICAST = {Family.IPV4: (0xE0000000, 4), Family.IPV6: (0xFF << 120, 8)}


def routing(config: Config, interfaces: Mapping[str, Interface], tables: Tables) -> ConfiguredRouting:
    """Connected and static routes of every VRF, and why there may be more.

    A collected table stands in place of the configured routes of its VRF and family, and says all; but
    where a next hop of it is not found (a label leads there) there may be more.
    """
    doubts = unknown(config)
    collected = [
        _collected(table, row)
        for table in tables.values()
        for row in table.rows
        if row.code[0] != "L" and not _is_written(table.family, row, interfaces)
    ]
    unseen = [one for one in config.statics if (one.vrf or DEFAULT_VRF, one.family) not in tables]
    statics = [*collected, *(_static(record) for record in unseen if _leads_somewhere(record))]
    known = {key: why for key, why in doubts.items() if key not in tables}
    own = own_addresses(tables)
    made = configured_routing(interfaces.values(), statics, known, own)
    lost = {(route.vrf, route.family) for route in set(collected) & set(made.unresolved)}
    if lost:
        known |= {key: doubts.get(key, _LABELLED) for key in sorted(lost)}
        made = configured_routing(interfaces.values(), statics, known, own)
    return replace(made, routes=tuple(_to_anyone(route) for route in made.routes))


_LABELLED = Unknown("the table has next hops that no other route leads to", frozenset({DEFAULT_VRF}))


def _is_written(family: Family, row: TableRow, interfaces: Mapping[str, Interface]) -> bool:
    """True for a connected route of an address that the configuration gives, too."""
    port = interfaces.get(row.interface or "")
    prefix = (row.prefix, row.prefix_length)
    own = port.addresses if port is not None and row.code == "C" else ()
    return any(one.family is family and (one.network[0], one.prefix_length) == prefix for one in own)


def _collected(table: RouteTable, row: TableRow) -> ConfiguredRoute:
    discards = row.interface is not None and row.interface.startswith("Null")
    return ConfiguredRoute(
        table.family,
        row.prefix,
        row.prefix_length,
        vrf=table.vrf,
        address=None if discards else row.address,
        interface=None if discards or row.interface is None else IOS.interface(row.interface),
        discard=RouteKind.BLACKHOLE if discards else None,
        next_hop_vrf=row.next_hop_vrf,
        distance=row.distance,
        protocol=protocol_of(row.code),
        span=row.span,
    )


def own_addresses(tables: Tables) -> list[tuple[str, Family, int]]:
    """The addresses that the tables call local: also those that are not written (DHCP)."""
    return [
        (table.vrf, table.family, row.prefix)
        for table in tables.values()
        for row in table.rows
        if row.code[0] == "L" and row.prefix_length == table.family.bits
    ]


def _to_anyone(route: Route) -> Route:
    """A link-local next hop is made of a neighbour's MAC address, which is not known: anyone may be it."""
    if route.family is Family.IPV4 or not any(_is_link_local(hop.address) for hop in route.next_hops):
        return route
    hops = tuple(
        NextHop(hop.interface, anyone=True) if _is_link_local(hop.address) else hop
        for hop in route.next_hops
    )
    return replace(route, next_hops=tuple(dict.fromkeys(hops)))


def _is_link_local(address: int | None) -> bool:
    return address is not None and address >> 118 == 0xFE80 >> 6


def _leads_somewhere(record: StaticRecord) -> bool:
    return record.discards or record.interface is not None or record.address is not None


def _static(record: StaticRecord) -> ConfiguredRoute:
    return ConfiguredRoute(
        record.family,
        record.prefix,
        record.prefix_length,
        vrf=record.vrf or DEFAULT_VRF,
        address=record.address,
        interface=record.interface,
        discard=RouteKind.BLACKHOLE if record.discards else None,
        next_hop_vrf=record.next_hop_vrf,
        distance=record.distance,
        span=record.span,
    )


# ---- what is not written ------------------------------------------------------------------------


def unknown(config: Config) -> dict[tuple[str, Family], Unknown]:
    """Per VRF and family why its table may hold more than the configuration shows, and whose routes."""
    reasons: dict[tuple[str, Family], set[str]] = {}
    leaks: dict[tuple[str, Family], set[str]] = {}
    for vrf, family, reason, sources in _doubts(config):
        reasons.setdefault((vrf, family), set()).add(reason)
        leaks.setdefault((vrf, family), set()).update(sources - {vrf})
    return {
        key: Unknown("; ".join(sorted(why)), frozenset(leaks[key])) for key, why in sorted(reasons.items())
    }


def _doubts(config: Config) -> Iterator[tuple[str, Family, str, set[str]]]:
    for one in config.learned:
        for family in sorted(one.families):
            yield one.vrf, family, one.reason, set()
    for record in config.interfaces.values():
        for family, protocol in record.learns.items():
            yield record.vrf or DEFAULT_VRF, family, f"{protocol} may have learned routes", set()
        if record.unnumbered is not None and not record.name.startswith(_WITHOUT_HOSTS):
            why = f"hosts behind {record.name} get routes of their own (DHCP, ip unnumbered ... poll)"
            yield record.vrf or DEFAULT_VRF, Family.IPV4, why, set()
        if _delegates(config, record):
            why = "prefixes that DHCPv6 delegates get routes of their own"
            yield record.vrf or DEFAULT_VRF, Family.IPV6, why, set()
        if record.ppp and record.unnumbered is not None:
            yield record.vrf or DEFAULT_VRF, Family.IPV4, "ppp may have learned the other end", set()
    for vrf, family, reason in learned_addresses(config):
        yield vrf or DEFAULT_VRF, family, reason, set()
    for static in config.statics:
        if static.conditional or not _leads_somewhere(static):
            why = f"a static route depends on {static.conditional or 'an address that is not written'}"
            yield static.vrf or DEFAULT_VRF, static.family, why, set()
    for vrf_record in config.vrfs.values():
        yield from _leaked(config, vrf_record)


_WITHOUT_HOSTS = ("Serial", "Tunnel", "Loopback", "Null")
"""Interfaces on whose wire are no hosts that DHCP or ARP would tell of."""


def _delegates(config: Config, record: IosInterface) -> bool:
    """A relay takes delegated prefixes out of the answers (always), a server where its pool delegates."""
    relays = any(family is Family.IPV6 for family, _, _ in record.helpers)
    return relays or (config.delegates_prefixes and record.ipv6)


def _leaked(config: Config, record: VrfRecord) -> Iterator[tuple[str, Family, str, set[str]]]:
    """Routes that a VRF takes by its route targets; those of a VPN lie behind the global table."""
    others = {
        one.name for one in config.vrfs.values() if one is not record and one.exports & record.imports
    }
    sources = others | record.leaks_to
    if record.shares_with_global or (record.imports and config.bgp_vpn):
        sources.add(DEFAULT_VRF)
    if sources:
        for family in Family:
            yield record.name, family, f"routes of {', '.join(sorted(sources))} may be imported", sources
    if record.shares_with_global:
        for family in Family:
            yield DEFAULT_VRF, family, f"routes of VRF {record.name} may be imported", {record.name}


# ---- policy routing -----------------------------------------------------------------------------


def policy_routing(
    made: Filters, interfaces: Mapping[str, Interface]
) -> tuple[tuple[Route, ...], tuple[RoutingRule, ...]]:
    """Tables and rules of ``ip policy route-map`` and ``ip local policy route-map``.

    Whether a next hop is reachable, and so whether the policy applies, is not known: each rule may
    match, or the packet is routed as usual.
    """
    routes: list[Route] = []
    rules: list[RoutingRule] = []
    for family, name, span, where in _policies(made.config):
        for entry in sorted(made.config.route_maps.get(name, ()), key=lambda one: one.sequence):
            hops = _hops(made.ledger, entry, family, interfaces) if entry.permit else ()
            if hops:
                table = f"route-map {name} {entry.sequence} of line {span.first_line}"
                routes.append(Route(family, 0, 0, hops, table=table, protocol="policy", span=entry.span))
                matches = AllOf((where, *_entry_matches(made, entry, family), _PERHAPS))
                priority = _FIRST_PRIORITY + len(rules)
                rules.append(RoutingRule(family, priority, matches, table, span=entry.span))
    return tuple(routes), tuple(rules)


_PERHAPS = UnknownMatch("policy routing", "whether the next hop is reachable is not known")


def _policies(config: Config) -> Iterator[tuple[Family, str, SourceSpan, Matches]]:
    for record in config.interfaces.values():
        for family, (name, span) in record.policies.items():
            yield family, name, span, InterfaceIn(Direction.IN, (record.name,))
    for family, (name, span) in config.local_policies.items():
        yield family, name, span, FROM_THE_DEVICE


def _entry_matches(made: Filters, entry: RouteMapEntry, family: Family) -> tuple[Matches, ...]:
    """Whatever a list of the entry permits, its denies left out: more may match, never less."""
    if not entry.acls:
        return ()
    permitted: list[Matches] = []
    for of, name in entry.acls:
        if of is not family or made.list_of(of, name) is None:
            permitted.append(UnknownMatch(f"match address {name}", "no such list"))
            continue
        aces = made.acls[acl_name(of, name)].aces
        permitted += [ace.matches for ace in aces if ace.action is not Forwarding.DROP]
    return (AnyOf(tuple(permitted)),)


_HARMLESS_SETS = frozenset({"precedence", "tos", "df", "dscp", "cos", "qos-group", "tag", "metric"})


def _hops(
    ledger: LineLedger, entry: RouteMapEntry, family: Family, interfaces: Mapping[str, Interface]
) -> tuple[NextHop, ...]:
    hops: list[NextHop] = []
    for words in entry.sets:
        named = [word for word in words if word not in ("ip", "ipv6", "default")]
        if named[:1] == ["interface"]:
            hops += [
                NextHop(IOS.interface(word)) for word in named[1:] if IOS.interface(word) in interfaces
            ]
        elif named[:1] == ["next-hop"]:
            hops += _next_hops(named[1:], family, interfaces)
        elif not set(named[:1]) <= _HARMLESS_SETS:
            reason = f"policy routing: set {' '.join(words)}"
            ledger.unsupported(entry.span.first_line, entry.span.last_line, reason, bounded=False)
    return tuple(dict.fromkeys(hops))


def _next_hops(words: list[str], family: Family, interfaces: Mapping[str, Interface]) -> Iterator[NextHop]:
    """Neighbours by address; one that is not on a wire of the device may be behind anyone."""
    found = [one for word in words if (one := addresses.address(word)) is not None]
    numbers = [number for of, number in found if of is family]
    if numbers and all(_is_adjacent(number, family, interfaces) for number in numbers):
        yield from (NextHop(None, number) for number in numbers)
    else:
        yield from (NextHop(name, anyone=True) for name, one in interfaces.items() if one.enabled)


def _is_adjacent(number: int, family: Family, interfaces: Mapping[str, Interface]) -> bool:
    return any(
        one.family is family and one.network[0] <= number <= one.network[1]
        for interface in interfaces.values()
        for one in interface.addresses
    )


# ---- multicast ----------------------------------------------------------------------------------


def multicast_routing(
    config: Config, interfaces: Mapping[str, Interface]
) -> tuple[tuple[Route, ...], tuple[RoutingRule, ...]]:
    """Where PIM runs, packets to groups may leave by every interface on which it does."""
    routes, rules = [], []
    for family, (prefix, length) in _MULTICAST.items():
        every = family is Family.IPV6 and config.multicast6
        names = sorted(
            one.name
            for one in config.interfaces.values()
            if family in one.multicasts or (every and one.ipv6)
        )
        hops = tuple(NextHop(name, anyone=True) for name in names if interfaces[name].enabled)
        if hops:
            routes.append(Route(family, prefix, length, hops, table="multicast", protocol="pim"))
            last = prefix + (1 << (family.bits - length)) - 1
            groups = AddressIn(End.DESTINATION, family, ((prefix, last),))
            perhaps = UnknownMatch("multicast", "which groups are forwarded is not known")
            matches = AllOf((groups, perhaps))
            rules.append(RoutingRule(family, _FIRST_PRIORITY * 2, matches, "multicast"))
    return tuple(routes), tuple(rules)


def with_defaults(rules: tuple[RoutingRule, ...], more: tuple[RoutingRule, ...]) -> tuple[RoutingRule, ...]:
    """All rules; a device without rules of its own has the built-in ones, written out beside ``more``."""
    if not more:
        return rules
    own = tuple(rules)
    for family in {rule.family for rule in more} - {rule.family for rule in rules}:
        own += tuple(
            RoutingRule(family, priority, AnyPacket(), table)
            for priority, table in enumerate(("local", "main"))
        )
    return (*more, *own)
