"""What a device's routing may become by failures of links and devices (grade G3).

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

from segaudit.model.acl import Range
from segaudit.model.device import Device, NextHop, Route, RouteKind
from segaudit.model.flow import ConnectionState, Family
from segaudit.packets import HeaderField, HeaderSpace
from segaudit.reach.compiled import CompiledDevice

_UNMAINTAINED_PLATFORM = "linux"
"""Whose collected table is the kernel's own, with every route of every metric."""

_UNMAINTAINED_PROTOCOLS = frozenset({"", "kernel", "boot", "static", "connected", "local"})
_NOT_INSTALLED = "the program is not installed"
"""Why the lines of a daemon's file were ignored where the shell did not find the program."""


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


def covering(
    compiled: CompiledDevice, incoming: str | None, state: ConnectionState
) -> Iterator[tuple[Route, HeaderSpace]]:
    """What is received on ``incoming`` by the routes that may be used where others have vanished.

    Any route that covers a destination, of any table that some rule may look into: a rule whose table
    may hold no route any more goes on to the next. Only a rule that discards certainly ends the way.
    """
    column, remaining = compiled.column(HeaderField.DESTINATION), compiled.universe.all
    for rule in (lookup.rule for lookup in compiled.fib.lookups):
        matched = compiled.matched(rule.matches, incoming, state)
        if rule.table is None:
            remaining -= matched.must
            continue
        for route, prefixes in _alike(compiled.device, compiled.universe.family, rule.table):
            yield route, remaining & matched.may & compiled.universe.ranges(column, prefixes)


def _alike(device: Device, family: Family, table: str) -> Iterator[tuple[Route, list[Range]]]:
    """The routes of a table with all prefixes of those that do the same; THROW is as if not there."""
    found: dict[tuple[RouteKind, tuple[NextHop, ...]], tuple[Route, list[Range]]] = {}
    for route in device.routes:
        if route.family is family and route.table == table and route.kind is not RouteKind.THROW:
            last = route.prefix | (1 << family.bits - route.prefix_length) - 1
            alike = found.setdefault((route.kind, route.next_hops), (route, []))
            alike[1].append((route.prefix, last))
    yield from found.values()
