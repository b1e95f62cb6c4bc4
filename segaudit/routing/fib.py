"""The forwarding table of one device and family: routing rules in order, best routes per table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from segaudit.model.acl import AnyPacket, Range
from segaudit.model.device import Device, NextHop, Route, RouteKind, RoutingRule
from segaudit.model.flow import Family


@dataclass(frozen=True, slots=True)
class Lookup:
    """One routing rule with the routes of its table, longest prefix first."""

    rule: RoutingRule
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class Fib:
    """RFC 8349 forwarding information base: lookups in the order the device tries them.

    Where a lookup finds no route (or a THROW), the next is tried; after the last the destination is
    unreachable. ``plain`` is true where only the built-in rules exist, so that the route depends on
    the destination alone.
    """

    family: Family
    lookups: tuple[Lookup, ...]
    plain: bool


def forwarding_tables(device: Device, family: Family) -> Fib:
    """The FIB of ``device`` from its collected routes and rules."""
    tables = best_routes(device, family)
    rules = sorted((rule for rule in device.rules if rule.family is family), key=lambda r: r.priority)
    if not rules:
        rules = list(default_rules(family))
    lookups = tuple(
        Lookup(rule, tables.get(rule.table, ()) if rule.table is not None else ()) for rule in rules
    )
    plain = all(rule.matches == AnyPacket() and rule.table is not None for rule in rules)
    return Fib(family, lookups, plain)


def own_ranges(device: Device, family: Family) -> set[Range]:
    """The addresses of a device: of its interfaces, and all that a local route makes its own.

    Linux "AnyIP": programs may listen on and send from every address of a local route, which an address
    with a prefix on a loopback brings, too.
    """
    assigned = {
        (one.address, one.address)
        for interface in device.interfaces.values()
        for one in interface.addresses
        if one.family is family
    }
    return assigned | {
        (route.prefix, route.prefix | (1 << family.bits - route.prefix_length) - 1)
        for route in device.routes
        if route.family is family and route.kind is RouteKind.LOCAL
    }


def default_rules(family: Family) -> tuple[RoutingRule, ...]:
    """The rules of a device that has none of its own (ip-rule(8), iproute2 6.1: "Linux kernel startup")."""
    tables = ("local", "main", "default") if family is Family.IPV4 else ("local", "main")
    priorities = (0, 32766, 32767)
    return tuple(
        RoutingRule(family, priority, AnyPacket(), table)
        for priority, table in zip(priorities, tables, strict=False)
    )


class Same:
    """Routes told apart by identity: hashing thousands of them costs more than what is asked of them."""

    __slots__ = ("of",)

    def __init__(self, of: tuple[Route, ...]) -> None:
        self.of = of

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.of is other.of

    def __hash__(self) -> int:
        return id(self.of)


def best_routes(device: Device, family: Family) -> Mapping[str, tuple[Route, ...]]:
    """Per table the best routes, longest prefix first; equal ones are merged (ECMP).

    Between routes to one prefix the lowest preference wins (Linux ``fib_table_insert``); several
    with the same preference are used together, since which one the kernel picks is not known.
    Remembered per ``device.routes``.
    """
    return _best(Same(device.routes), family)


@lru_cache(maxsize=1 << 12)
def _best(routes: Same, family: Family) -> Mapping[str, tuple[Route, ...]]:
    by_prefix: dict[tuple[str, int, int], list[Route]] = defaultdict(list)
    for route in routes.of:
        if route.family is family:
            by_prefix[route.table, -route.prefix_length, route.prefix].append(route)
    tables: dict[str, list[Route]] = defaultdict(list)
    for key in sorted(by_prefix):
        found = by_prefix[key]
        tables[key[0]].extend(found if len(found) == 1 else _merge(found))
    return {table: tuple(best) for table, best in tables.items()}


def _merge(routes: list[Route]) -> list[Route]:
    lowest = min(route.preference for route in routes)
    best = [route for route in routes if route.preference == lowest]
    unicast = [route for route in best if route.kind is RouteKind.UNICAST]
    others = [route for route in best if route.kind is not RouteKind.UNICAST]
    if not unicast:
        return others[:1]
    hops: list[NextHop] = []
    for route in unicast:
        hops.extend(hop for hop in route.next_hops if hop not in hops)
    return [replace(unicast[0], next_hops=tuple(hops))]
