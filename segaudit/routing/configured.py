"""The routing table that a configuration makes, where the device's own was not collected.

Connected and static routes are computed as the device would; what routing protocols may have learned
is not guessed: where one runs, any packet that is not for the device itself may leave by any interface
of the VRF, to anyone there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from segaudit.model.acl import AllOf, AnyOf, AnyPacket, Direction, InterfaceIn, Matches, Not, UnknownMatch
from segaudit.model.device import DEFAULT_VRF, Interface, NextHop, Route, RouteKind, RoutingRule
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan

_DEEPEST = 16
"""Recursions of a next hop that are followed; devices themselves give up earlier."""


@dataclass(frozen=True, slots=True)
class ConfiguredRoute:
    """A static route as configured.

    Exactly one of ``discard`` and a next hop (``address``, ``interface`` or both) is given. ``vrf`` is
    the one whose table it stands in, ``next_hop_vrf`` where its ``address`` is looked up (``None``: in
    ``vrf``). ``distance`` is the administrative distance or preference: the lowest that resolves wins.
    """

    family: Family
    prefix: int
    prefix_length: int
    vrf: str = DEFAULT_VRF
    address: int | None = None
    interface: str | None = None
    discard: RouteKind | None = None
    next_hop_vrf: str | None = None
    distance: int = 1
    protocol: str = "static"
    span: SourceSpan | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why the table of a VRF may hold routes that the configuration does not show.

    Such a route may lead out of any interface of the VRF, and of those in ``leaks``.
    """

    reason: str
    leaks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ConfiguredRouting:
    """What ``Device`` takes: its routes, and the rules that send each packet to its VRF's tables."""

    routes: tuple[Route, ...] = ()
    rules: tuple[RoutingRule, ...] = ()
    unresolved: tuple[ConfiguredRoute, ...] = field(default=())
    """Static routes that are not in the table: their next hop is not reachable."""


def configured_routing(
    interfaces: Iterable[Interface],
    statics: Iterable[ConfiguredRoute] = (),
    unknown: Mapping[tuple[str, Family], Unknown] | None = None,
    own: Iterable[tuple[str, Family, int]] = (),
    resolves_by_default: bool = True,
) -> ConfiguredRouting:
    """The tables of every VRF of a device.

    Args:
        interfaces: all interfaces; those that are enabled and operational have connected routes.
        statics: the static routes.
        unknown: per VRF and family why there may be more (a routing protocol, a conditional route, a leak).
        own: more addresses of the device (VRF, family, address), as those of HSRP groups.
        resolves_by_default: a next hop may be reached by the default route.
    """
    unknown = unknown or {}
    ports = sorted(interfaces, key=lambda one: one.name)
    table = _Tables(ports, sorted(statics, key=_order), unknown, resolves_by_default)
    local = [_local(vrf, family, address) for vrf, family, address in sorted(set(own), key=str)]
    routes = (*table.connected, *local, *table.installed, *_learned(ports, unknown))
    return ConfiguredRouting(routes, tuple(_rules(ports, unknown)), tuple(table.missing))


def table_of(vrf: str) -> str:
    """The name of a VRF's table of routes."""
    return "main" if vrf == DEFAULT_VRF else f"vrf {vrf}"


def local_table_of(vrf: str) -> str:
    """The name of a VRF's table of own addresses, which is looked up first."""
    return "local" if vrf == DEFAULT_VRF else f"vrf {vrf} local"


def _unknown_table_of(vrf: str) -> str:
    return f"unknown of {vrf}"


def _order(route: ConfiguredRoute) -> tuple[object, ...]:
    nothing = (route.address is None, route.address or 0, route.interface or "", route.distance)
    return (route.family.value, route.vrf, route.prefix, route.prefix_length, *nothing)


def _connected(ports: Iterable[Interface]) -> Iterator[Route]:
    for port in ports:
        for one in port.addresses if port.enabled and port.operational else ():
            hops, span = (NextHop(port.name),), one.span or port.span
            yield Route(
                one.family, one.network[0], one.prefix_length, hops, RouteKind.UNICAST,
                table_of(port.vrf), "connected", 0, span,
            )  # fmt: skip
            yield _local(port.vrf, one.family, one.address, span)


def _local(vrf: str, family: Family, address: int, span: SourceSpan | None = None) -> Route:
    table = local_table_of(vrf)
    return Route(family, address, family.bits, (), RouteKind.LOCAL, table, "local", 0, span)


_Prefixes = dict[int, dict[int, list[Route]]]
"""Routes by prefix length, then by the bits of the prefix."""


class _Tables:
    """The connected routes, and the static ones whose next hops resolve (by the tables so far)."""

    def __init__(
        self,
        ports: Sequence[Interface],
        statics: Sequence[ConfiguredRoute],
        unknown: Mapping[tuple[str, Family], Unknown],
        resolves_by_default: bool,
    ) -> None:
        self._up = {port.name for port in ports if port.enabled and port.operational}
        self._shown = {port.name for port in ports}
        self._unknown = unknown
        self._by_default = resolves_by_default
        self.connected = tuple(_connected(ports))
        self._found: dict[ConfiguredRoute, Route] = {}
        self._tables: dict[tuple[str, Family], _Prefixes] = {}
        self._settle(statics)
        self.installed = tuple(self._found.values())
        self.missing = tuple(route for route in statics if route not in self._found)

    def _settle(self, statics: Sequence[ConfiguredRoute]) -> None:
        """Resolve until nothing changes; what still changes after that never resolves for good."""
        for _ in range(_DEEPEST):
            self._tables = self._by_table()
            found = {one: made for one in statics if (made := self._route(one)) is not None}
            if found == self._found:
                return
            self._found = found

    def _by_table(self) -> dict[tuple[str, Family], _Prefixes]:
        tables: dict[tuple[str, Family], _Prefixes] = defaultdict(dict)
        for route in (*self.connected, *self._found.values()):
            if route.kind is not RouteKind.LOCAL:
                of_length = tables[route.table, route.family].setdefault(route.prefix_length, {})
                of_length.setdefault(_bits(route, route.prefix), []).append(route)
        return tables

    def _route(self, one: ConfiguredRoute) -> Route | None:
        hops: tuple[NextHop, ...] = ()
        if one.discard is None:
            hops = tuple(sorted(set(self._hops(one)), key=str))
            if not hops:
                return None
        kind = one.discard or RouteKind.UNICAST
        table = table_of(one.vrf)
        return Route(
            one.family, one.prefix, one.prefix_length, hops, kind, table, one.protocol, one.distance,
            one.span,
        )  # fmt: skip

    def _hops(self, one: ConfiguredRoute) -> Iterator[NextHop]:
        if one.interface is not None:
            if one.interface in self._up:
                yield _hop(one.interface, one.address, one.family)
            elif one.interface not in self._shown:
                yield _hop(None, one.address, one.family)
        elif one.address is not None:
            yield from self._resolved(one, one.next_hop_vrf or one.vrf, one.address)

    def _resolved(self, one: ConfiguredRoute, vrf: str, address: int) -> Iterator[NextHop]:
        """The next hops by which ``address`` is reached, not through the route itself."""
        best = self._longest(one, vrf, address)
        if (vrf, one.family) in self._unknown:
            yield _hop(None, address, one.family)
        for route in best:
            for hop in route.next_hops:
                onward = address if hop.address is None else hop.address
                yield _hop(hop.interface, onward, one.family)

    def _longest(self, one: ConfiguredRoute, vrf: str, address: int) -> list[Route]:
        itself = self._found.get(one)
        table = self._tables.get((table_of(vrf), one.family), {})
        for length in sorted(table, reverse=True) if self._by_default else sorted(table.keys() - {0})[::-1]:
            holding = table[length].get(address >> one.family.bits - length, ())
            best = [route for route in holding if route is not itself]
            if best:
                lowest = min(route.preference for route in best)
                return [route for route in best if route.preference == lowest]
        return []


def _hop(interface: str | None, address: int | None, family: Family) -> NextHop:
    return NextHop(interface, address, None if address is None else family)


def _bits(route: Route, address: int) -> int:
    return address >> route.family.bits - route.prefix_length


def _learned(ports: Sequence[Interface], unknown: Mapping[tuple[str, Family], Unknown]) -> Iterator[Route]:
    """A route for everything, out of every interface that a route not shown may lead to."""
    for (vrf, family), why in sorted(unknown.items(), key=lambda item: (item[0][0], item[0][1].value)):
        vrfs = {vrf, *why.leaks}
        hops = tuple(NextHop(port.name, anyone=True) for port in ports if port.vrf in vrfs and port.enabled)
        if hops:
            yield Route(family, 0, 0, hops, table=_unknown_table_of(vrf), protocol="unknown")


def _rules(
    ports: Sequence[Interface], unknown: Mapping[tuple[str, Family], Unknown]
) -> Iterator[RoutingRule]:
    """Each packet's own VRF and no other; none where the built-in rules say all there is to say."""
    vrfs = sorted({port.vrf for port in ports} - {DEFAULT_VRF})
    for family in Family:
        if not vrfs and (DEFAULT_VRF, family) not in unknown:
            continue
        lookups = [
            (_inside(ports, vrf), table)
            for vrf in vrfs
            for table in (*_lookups(vrf, family, unknown), None)
        ]
        lookups += [(AnyPacket(), table) for table in _lookups(DEFAULT_VRF, family, unknown)]
        for priority, (matches, table) in enumerate(lookups):
            yield _rule(family, priority, matches, table, unknown)


def _lookups(vrf: str, family: Family, unknown: Mapping[tuple[str, Family], Unknown]) -> Iterator[str]:
    yield local_table_of(vrf)
    if (vrf, family) in unknown:
        yield _unknown_table_of(vrf)
    yield table_of(vrf)


def _rule(
    family: Family,
    priority: int,
    matches: Matches,
    table: str | None,
    unknown: Mapping[tuple[str, Family], Unknown],
) -> RoutingRule:
    for (vrf, of), why in unknown.items():
        if of is family and table == _unknown_table_of(vrf):
            return RoutingRule(family, priority, AllOf((matches, UnknownMatch(why.reason))), table)
    kind = RouteKind.UNREACHABLE if table is None else RouteKind.UNICAST
    return RoutingRule(family, priority, matches, table, kind)


def _inside(ports: Sequence[Interface], vrf: str) -> Matches:
    """What was received by an interface of the VRF; the device's own packets may be in any."""
    members = tuple(port.name for port in ports if port.vrf == vrf)
    own = AllOf(
        (Not(InterfaceIn(Direction.IN, ("*",))), UnknownMatch("the VRF of the device's own packets"))
    )
    return AnyOf((InterfaceIn(Direction.IN, members), own))
