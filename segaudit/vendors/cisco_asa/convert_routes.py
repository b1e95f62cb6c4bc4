"""Routes: connected, static, what may have been learned, and what NAT and VPN do in place of routing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from segaudit.model.acl import (
    AddressIn,
    AllOf,
    AnyOf,
    AnyPacket,
    Direction,
    End,
    InterfaceIn,
    Matches,
    Range,
    UnknownMatch,
)
from segaudit.model.device import DEFAULT_VRF, Interface, NextHop, Route, RouteKind, RoutingRule
from segaudit.model.flow import Family
from segaudit.parse.cisco import fates
from segaudit.parse.cisco.fates import unrecognized
from segaudit.parse.ledger import LineLedger
from segaudit.routing.configured import (
    ConfiguredRoute,
    ConfiguredRouting,
    Unknown,
    configured_routing,
    local_table_of,
    table_of,
)
from segaudit.routing.fib import default_rules
from segaudit.vendors.cisco_asa.convert_interfaces import VPN_USERS, tunnel_name, tunnel_names, vrf_of
from segaudit.vendors.cisco_asa.convert_rules import Rules
from segaudit.vendors.cisco_asa.extract_state import TableRoute
from segaudit.vendors.cisco_asa.nat_rules import NatRule
from segaudit.vendors.cisco_asa.records import Config, CryptoEntry, InterfaceRecord, StaticRoute

_SHOWN = (DEFAULT_VRF, Family.IPV4)
"""What ``show route`` shows."""

_PROTOCOLS = {
    "C": "connected",
    "L": "local",
    "S": "static",
    "O": "ospf",
    "B": "bgp",
    "D": "eigrp",
    "R": "rip",
}
_BY_NAT = UnknownMatch("NAT", "NAT may choose the output interface in place of the routing table")
_ENCRYPTED = UnknownMatch("crypto map", "what is encrypted depends on the interface it would leave by")


@dataclass(frozen=True, slots=True)
class _Diversion:
    """Packets that may be looked up in a table of their own."""

    family: Family
    matches: Matches
    table: str
    hops: tuple[NextHop, ...] = ()
    interface: str = ""


def routing(
    config: Config,
    interfaces: Mapping[str, Interface],
    nat: list[NatRule],
    rules: Rules,
    ledger: LineLedger,
    table: tuple[TableRoute, ...] | None = None,
) -> ConfiguredRouting:
    """The tables, with those of NAT and VPN tried first.

    Args:
        config: the records.
        interfaces: the interfaces as converted.
        nat: the active rules, in order.
        rules: the access lists.
        ledger: where the fates of routes go that fit no interface.
        table: the device's own IPv4 table, where it was collected.
    """
    unknown = _unknown(config, table is not None)
    base = configured_routing(interfaces.values(), _statics(config, ledger), unknown)
    if table is not None:
        base = _collected(config, base, table)
    diverted = [*_encrypted(config, rules), *_by_nat(config, nat, base, unknown)]
    if not diverted:
        return base
    own_rules = [_rule(at, one) for at, one in enumerate(diverted)]
    behind = base.rules or tuple(rule for family in Family for rule in default_rules(family))
    moved = tuple(replace(rule, priority=rule.priority + len(diverted)) for rule in behind)
    tables = {one.table: one for one in reversed(diverted)}
    routes = [route for name in sorted(tables) for route in _table(tables[name], base)]
    return ConfiguredRouting((*base.routes, *routes), (*own_rules, *moved), base.unresolved)


def _collected(config: Config, base: ConfiguredRouting, table: tuple[TableRoute, ...]) -> ConfiguredRouting:
    """``base`` with the device's own IPv4 table in place of what the configuration makes."""
    main = table_of(DEFAULT_VRF)
    kept = [one for one in base.routes if one.table != main or one.family is not Family.IPV4]
    spans = {(one.prefix, one.prefix_length): one.span for one in base.routes if one.table == main}
    named = config.by_nameif()
    merged: dict[tuple[int, int, RouteKind], Route] = {}
    for one in table:
        kind = _kind(one)
        through = named.get(one.nameif)
        hops = (
            (NextHop(through.name if through else None, one.gateway),) if kind is RouteKind.UNICAST else ()
        )
        key = (one.prefix, one.prefix_length, kind)
        known = merged.get(key)
        name = local_table_of(DEFAULT_VRF) if kind is RouteKind.LOCAL else main
        merged[key] = Route(
            Family.IPV4, one.prefix, one.prefix_length, (*known.next_hops, *hops) if known else hops, kind,
            name, _PROTOCOLS.get(one.code, one.code), 0, one.span, spans.get(key[:2]),
        )  # fmt: skip
    return ConfiguredRouting((*kept, *merged.values()), base.rules, base.unresolved)


def _kind(one: TableRoute) -> RouteKind:
    """An own address, a discarding route, or a way on (out of anywhere by an interface not named)."""
    if one.code == "L":
        return RouteKind.LOCAL
    return RouteKind.BLACKHOLE if one.nameif.lower() == "null0" else RouteKind.UNICAST


def _rule(priority: int, one: _Diversion) -> RoutingRule:
    return RoutingRule(one.family, priority, one.matches, one.table)


def _table(one: _Diversion, base: ConfiguredRouting) -> Iterator[Route]:
    """A table that sends everything one way, or the routes of the main table by one interface."""
    if one.hops:
        for family in Family:
            yield Route(family, 0, 0, one.hops, table=one.table, protocol="vpn")
        return
    for route in base.routes:
        hops = tuple(hop for hop in route.next_hops if hop.interface == one.interface)
        if route.table == table_of(DEFAULT_VRF) and hops:
            yield replace(route, next_hops=hops, table=one.table)


# ---- static and unknown routes ------------------------------------------------------------------


def _statics(config: Config, ledger: LineLedger) -> Iterator[ConfiguredRoute]:
    named = config.by_nameif()
    for one in config.routes:
        through = named.get(one.nameif)
        if one.nameif and through is None:
            fates.note(ledger, one.span, unrecognized(f"there is no interface {one.nameif}"))
        elif not one.tunneled:
            vrf = vrf_of(config, through) if through is not None else DEFAULT_VRF
            yield _static(one, through, vrf)


def _static(one: StaticRoute, through: InterfaceRecord | None, vrf: str) -> ConfiguredRoute:
    """A route; by a gateway that is the interface's own address every destination is a neighbour."""
    own = {(address.family, address.address) for address in through.addresses} if through else set()
    gateway = None if through is None or (one.family, one.gateway) in own else one.gateway
    interface, discard = (through.name, None) if through else (None, RouteKind.BLACKHOLE)
    return ConfiguredRoute(
        one.family, one.prefix, one.prefix_length, vrf, gateway, interface, discard, distance=one.distance,
        span=one.span,
    )  # fmt: skip


def _unknown(config: Config, collected: bool) -> dict[tuple[str, Family], Unknown]:
    """Why a table may hold more than the configuration says; ``collected``: the IPv4 table is known."""
    reasons: dict[tuple[str, Family], list[str]] = {}
    for vrf, family, why in (*_always_unknown(config), *_unless_collected(config)):
        reasons.setdefault((vrf, family), []).append(why)
    if collected:
        always = [why for vrf, family, why in _always_unknown(config) if (vrf, family) == _SHOWN]
        reasons.pop(_SHOWN, None)
        if always:
            reasons[_SHOWN] = always
    return {key: Unknown("; ".join(dict.fromkeys(whys))) for key, whys in reasons.items()}


def _always_unknown(config: Config) -> Iterator[tuple[str, Family, str]]:
    """What is not a matter of the routing table alone."""
    for one in config.interfaces.values():
        if one.policy_routed and one.nameif:
            yield from ((vrf_of(config, one), family, "policy routing (policy-route)") for family in Family)
    for route in config.routes:
        if route.tunneled:
            yield _vrf_by_name(config, route.nameif), route.family, "a route for decrypted packets alone"


def _unless_collected(config: Config) -> Iterator[tuple[str, Family, str]]:
    """What the device's own table would show."""
    yield from ((DEFAULT_VRF, family, why) for family, why in config.unknown_routes)
    for one in config.interfaces.values():
        for family, why in one.learned.items() if one.nameif else ():
            yield vrf_of(config, one), family, f"{one.nameif}: {why}"
    for route in config.routes:
        if route.track:
            yield _vrf_by_name(config, route.nameif), route.family, f"a route with track {route.track}"


def _vrf_by_name(config: Config, nameif: str) -> str:
    through = config.by_nameif().get(nameif)
    return vrf_of(config, through) if through is not None else DEFAULT_VRF


def configured_prefixes(config: Config) -> set[tuple[int, int]]:
    """The IPv4 prefixes that the common table has while every interface is up."""
    up = [one for one in config.interfaces.values() if one.nameif and not one.shutdown]
    common = {one.nameif: one for one in up if vrf_of(config, one) == DEFAULT_VRF}
    connected = {
        (address.network[0], address.prefix_length)
        for one in common.values()
        for address in one.addresses
        if address.family is Family.IPV4
    }
    return connected | {
        (route.prefix, route.prefix_length)
        for route in config.routes
        if route.family is Family.IPV4
        and not (route.track or route.tunneled)
        and (route.nameif in common or not route.nameif)
    }


# ---- VPN ----------------------------------------------------------------------------------------


def _encrypted(config: Config, rules: Rules) -> Iterator[_Diversion]:
    """What a crypto map may take into its tunnels: by destination, since NAT changes sources before it."""
    for name, nameif, _ in config.crypto_interfaces:
        bound = tunnel_names(config, nameif)
        for entry in config.crypto.values():
            names = _tunnels_of(entry, nameif, bound)
            if entry.name == name and names:
                hops = tuple(NextHop(one, anyone=True) for one in names)
                for family in Family:
                    matches = AllOf((_destinations(rules, entry), _ENCRYPTED))
                    table = f"crypto map {entry.name} {entry.sequence} on {nameif}"
                    yield _Diversion(family, matches, table, hops)
    if config.remote_access:
        users = tuple(NextHop(one, anyone=True) for one in (VPN_USERS,))
        assigned = _pools(config)
        for family in Family:
            yield _Diversion(family, AllOf((assigned, _ENCRYPTED)), VPN_USERS, users)


def _tunnels_of(entry: CryptoEntry, nameif: str, bound: tuple[str, ...]) -> list[str]:
    count = len(dict.fromkeys(entry.peers)) or 1
    return [name for at in range(count) if (name := tunnel_name(entry, nameif, at)) in bound]


def _pools(config: Config) -> Matches:
    """The addresses of VPN users; any where none are configured (a server may give them)."""
    if not config.pools:
        return AnyPacket()
    return AddressIn(End.DESTINATION, Family.IPV4, tuple(config.pools))


def _destinations(rules: Rules, entry: CryptoEntry) -> Matches:
    """The destinations that an entry's list permits; any where it has none."""
    acl = rules.acls.get(entry.acl)
    if acl is None or not acl.aces:
        return AnyPacket()
    return AnyOf(tuple(dict.fromkeys(_without_source(ace.matches) for ace in acl.aces)))


def _without_source(matches: Matches) -> Matches:
    match matches:
        case AddressIn(End.DESTINATION):
            return matches
        case AllOf(of):
            return AllOf(tuple(_without_source(part) for part in of))
        case AnyOf(of):
            return AnyOf(tuple(_without_source(part) for part in of))
    return AnyPacket()


# ---- NAT in place of routing --------------------------------------------------------------------


def _by_nat(
    config: Config,
    nat: list[NatRule],
    base: ConfiguredRouting,
    unknown: Mapping[tuple[str, Family], Unknown],
) -> Iterator[_Diversion]:
    """Translated packets leave by the interface that the rule names (NOTES.md, NAT)."""
    named = config.by_nameif()
    longest = {family: _longest_first(base, family) for family in Family}
    found: dict[tuple[str, str, Family, tuple[Range, ...]], _Diversion] = {}
    for rule in nat:
        for incoming, outgoing, family, ranges in _diverted(rule):
            out = named.get(outgoing)
            if rule.problem or out is None or (DEFAULT_VRF, family) in unknown:
                continue
            if ranges and not _leads(longest[family], ranges, out.name):
                by = InterfaceIn(Direction.IN, _names(config, incoming))
                there = AddressIn(End.DESTINATION, family, ranges)
                matches = AllOf((by, there, _BY_NAT))
                table = f"nat to {outgoing}"
                key = (incoming, outgoing, family, ranges)
                found[key] = _Diversion(family, matches, table, interface=out.name)
    yield from found.values()


def _names(config: Config, nameif: str) -> tuple[str, ...]:
    """An interface, or all, with the tunnels of its crypto maps."""
    named = list(config.named(nameif))
    return tuple(name for one in named for name in (one.name, *tunnel_names(config, one.nameif)))


def _diverted(rule: NatRule) -> Iterator[tuple[str, str, Family, tuple[Range, ...]]]:
    """Where packets of a rule come from, where it sends them, and what their destinations are by then."""
    if "route-lookup" in rule.flags or "inactive" in rule.flags:
        return
    for family in Family:
        if rule.real_if != "any" and "unidirectional" not in rule.flags:
            yield rule.mapped_if, rule.real_if, family, rule.real.ranges(family)
        if rule.mapped_if != "any" and rule.meant is not None:
            yield rule.real_if, rule.mapped_if, family, rule.meant.ranges(family)


def _longest_first(base: ConfiguredRouting, family: Family) -> list[Route]:
    main = [one for one in base.routes if one.family is family and one.table == table_of(DEFAULT_VRF)]
    return sorted(main, key=lambda one: -one.prefix_length)


def _leads(routes: list[Route], ranges: tuple[Range, ...], interface: str) -> bool:
    """True where ``routes``, longest first, send every address of ``ranges`` out of ``interface``."""
    left = list(ranges)
    for route in routes:
        last = route.prefix | (1 << route.family.bits - route.prefix_length) - 1
        if not any(low <= last and route.prefix <= high for low, high in left):
            continue
        if any(hop.interface != interface for hop in route.next_hops) or not route.next_hops:
            return False
        left = _cut(left, route.prefix, last)
    return not left


def _cut(ranges: list[Range], first: int, last: int) -> list[Range]:
    pieces = (
        piece for low, high in ranges for piece in ((low, min(high, first - 1)), (max(low, last + 1), high))
    )
    return [piece for piece in pieces if piece[0] <= piece[1]]
