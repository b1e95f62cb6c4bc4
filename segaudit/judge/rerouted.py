"""Devices that may route otherwise than they do: by one more next hop, or anywhere at all."""

from __future__ import annotations

from dataclasses import replace

from segaudit.model.acl import UnknownMatch
from segaudit.model.device import Device, NextHop, Route, RouteKind, RoutingRule
from segaudit.model.flow import Family
from segaudit.routing.fib import default_rules

_PERHAPS = UnknownMatch("this route", "may be there")
_LOCAL_KINDS = (RouteKind.LOCAL, RouteKind.BROADCAST)
_OWN, _ANYWHERE = "perhaps: own addresses", "perhaps: anywhere"


def anywhere(device: Device, family: Family) -> Device:
    """The device with every packet possibly delivered to itself and possibly sent out of any interface."""
    own = tuple(
        replace(route, table=_OWN)
        for route in device.routes
        if route.family is family and route.kind in _LOCAL_KINDS
    )
    out = Route(family, 0, 0, (NextHop(None),), table=_ANYWHERE, protocol="any")
    rules = (RoutingRule(family, -2, _PERHAPS, _OWN), RoutingRule(family, -1, _PERHAPS, _ANYWHERE))
    return replace(device, rules=(*device.rules, *rules), routes=(*device.routes, *own, out))


def perhaps_by(device: Device, family: Family, hop: NextHop) -> Device:
    """The device with every packet as routed now, or possibly sent by one next hop."""
    kept = device.rules
    if all(rule.family is not family for rule in kept):
        kept = (*kept, *default_rules(family))
    rule = RoutingRule(family, -1, _PERHAPS, _ANYWHERE)
    route = Route(family, 0, 0, (hop,), table=_ANYWHERE, protocol="any")
    return replace(device, rules=(*kept, rule), routes=(*device.routes, route))
