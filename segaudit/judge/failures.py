"""Grade G3: the isolation holds after any failures of links and devices, not only as routed now.

A failure takes away: links, devices, and the routes that depend on them. What it can add is another
route in their place. Nothing is simulated; instead everything that the routing could become is taken
at once, so the proof holds for any number of failures. Three things are assumed of a failure, and
no more: filters, translations and administrative states stay as configured, no new wire appears, and
whatever a routing daemon may do, it does.

- A device whose table nothing maintains (a kernel table with routes of the kernel and of boot scripts
  only) keeps any subset of its routes: any route that covers a destination may be the one used,
  whatever more specific or preferred ones there are now. Routes that are not in the table do not come.
- Every other device (a route of OSPF, BGP or another daemon; FRR not shown to be absent; a platform
  whose table shows only the routes selected now) may send anything out of any of its interfaces: a
  daemon may hold floating static routes, conditional advertisements and prefixes that other routers
  suppress now.
- On every wire anyone may receive what is sent to any next hop: an address moves with VRRP, HSRP or
  proxy ARP when its owner fails.

So it is at most as strong as G4 and differs from it where devices with plain tables hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from segaudit.judge.conduits import Permitted
from segaudit.judge.prover import Prover, Reading
from segaudit.judge.variant import Variant, with_devices
from segaudit.model.acl import AllOf, UnknownMatch
from segaudit.model.device import Device, NextHop, Route, RouteKind, RoutingRule
from segaudit.model.flow import Family
from segaudit.routing.fib import default_rules

_UNMAINTAINED_PLATFORM = "linux"
"""Whose collected table is the kernel's own, with every route of every metric."""

_UNMAINTAINED_PROTOCOLS = frozenset({"", "kernel", "boot", "static", "connected", "local"})
_NOT_INSTALLED = "the program is not installed"
"""Why the lines of a daemon's file were ignored where the shell did not find the program."""
_NOBODY = 0
"""The next hop that no device owns: 0.0.0.0 and :: are never assigned (RFC 6890)."""

_MAY_VANISH = UnknownMatch("this route", "may have vanished with a failure")
_LOCAL_KINDS = (RouteKind.LOCAL, RouteKind.BROADCAST)
_OWN, _ANYWHERE = "after failures: own addresses", "after failures: anywhere"


class Failures:
    """Whether isolations of one family survive failures; one network per reading, built when asked.

    Args:
        prover: the engine.
        family: the address family.
    """

    def __init__(self, prover: Prover, family: Family) -> None:
        self.prover = prover
        self.family = family
        self._variants: dict[Reading, Variant] = {}
        self._followed: set[tuple[Reading, str]] = set()

    def survived(self, source: str, destination: str, allowed: Permitted, reading: Reading) -> bool:
        """True where nothing may arrive that is not permitted, whatever links and devices fail."""
        if reading not in self._variants:
            graph = self.prover.graph(reading)
            changed = [after_failures(device, self.family) for device in graph.devices.values()]
            self._variants[reading] = Variant(
                self.prover, self.family, reading, with_devices(graph, changed)
            )
        variant = self._variants[reading]
        if (reading, source) not in self._followed:
            zones = self.prover.together(source)
            variant.reach_together(self.prover.source(zone, reading) for zone in zones)
            self._followed.update((reading, zone) for zone in zones)
        return variant.is_closed(self.prover.source(source, reading), destination, allowed)


def after_failures(device: Device, family: Family) -> Device:
    """The device with everything in its tables that failures could leave or bring there."""
    if is_maintained(device, family):
        changed = anywhere(device, family)
    else:
        rules, routes = _any_subset(device, family)
        others = tuple(route for route in device.routes if route.family is not family)
        kept = tuple(rule for rule in device.rules if rule.family is not family)
        changed = replace(device, rules=(*kept, *rules), routes=(*others, *routes))
    answering = {name: replace(one, proxy_arp=True) for name, one in device.interfaces.items()}
    return replace(changed, interfaces=answering)


def is_maintained(device: Device, family: Family) -> bool:
    """True where something may put routes into the table that are not in it now."""
    protocols = {route.protocol for route in device.routes if route.family is family}
    return (
        device.platform != _UNMAINTAINED_PLATFORM
        or not protocols <= _UNMAINTAINED_PROTOCOLS
        or not _lacks_daemon(device)
    )


def _lacks_daemon(device: Device) -> bool:
    """True where the device was asked for FRR and has none, or is no parsed device at all (no file)."""
    asked = {line.reason for line in device.lines if line.span.file.rsplit("/", 1)[-1].startswith("frr")}
    return not device.tallies or asked == {_NOT_INSTALLED}


def anywhere(device: Device, family: Family) -> Device:
    """The device with every packet possibly delivered to itself and possibly sent out of any interface."""
    own = tuple(
        replace(route, table=_OWN)
        for route in device.routes
        if route.family is family and route.kind in _LOCAL_KINDS
    )
    out = Route(family, 0, 0, (NextHop(None),), table=_ANYWHERE, protocol="any")
    rules = (RoutingRule(family, -2, _MAY_VANISH, _OWN), RoutingRule(family, -1, _MAY_VANISH, _ANYWHERE))
    return replace(device, rules=(*device.rules, *rules), routes=(*device.routes, *own, out))


def perhaps_by(device: Device, family: Family, hop: NextHop) -> Device:
    """The device with every packet as routed now, or possibly sent by one next hop."""
    kept = device.rules
    if all(rule.family is not family for rule in kept):
        kept = (*kept, *default_rules(family))
    rule = RoutingRule(family, -1, _MAY_VANISH, _ANYWHERE)
    route = Route(family, 0, 0, (hop,), table=_ANYWHERE, protocol="any")
    return replace(device, rules=(*kept, rule), routes=(*device.routes, route))


def _any_subset(device: Device, family: Family) -> tuple[list[RoutingRule], list[Route]]:
    """The rules and routes in which any route that covers a destination may be the one used.

    Routes of one prefix length and preference do not overlap, so a table of their own for each such
    level, reached by a rule that may or may not match, leaves all coverings possible.
    """
    rules: list[RoutingRule] = []
    routes: dict[str, Route] = {}
    found = [rule for rule in device.rules if rule.family is family] or list(default_rules(family))
    for rule in sorted(found, key=lambda one: one.priority):
        for level, route in _levels(device, family, rule.table):
            table = f"after failures: {rule.table} {level}"
            key = f"{table} {route}"
            known = routes.get(key)
            hops = (*(known.next_hops if known else ()), *_received_by_anyone(route.next_hops))
            routes[key] = replace(route, table=table, next_hops=tuple(dict.fromkeys(hops)), preference=0)
            step = RoutingRule(
                family, len(rules), AllOf((rule.matches, _MAY_VANISH)), table, span=rule.span
            )
            if all(one.table != table or one.matches != step.matches for one in rules):
                rules.append(step)
        if rule.table is None:
            rules.append(replace(rule, priority=len(rules)))
    return rules, list(routes.values())


def _levels(device: Device, family: Family, table: str | None) -> Iterator[tuple[str, Route]]:
    """The routes of a table with a name for those that cannot overlap with each other."""
    for route in device.routes:
        if route.family is family and route.table == table and route.kind is not RouteKind.THROW:
            yield f"{route.kind.value} /{route.prefix_length} {route.preference}", route


def _received_by_anyone(hops: tuple[NextHop, ...]) -> Iterator[NextHop]:
    for hop in hops:
        yield hop
        if hop.interface is not None:
            yield NextHop(hop.interface, _NOBODY)
