"""The routing tables of a switch that is read in Cisco style (EOS, NX-OS).

No vendor folder: it stands here because ``parse`` may not know ``routing``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from segaudit.errors import Problem, SnapshotError
from segaudit.model.acl import AllOf, AnyPacket, Direction, InterfaceIn, UnknownMatch
from segaudit.model.device import (
    DEFAULT_VRF,
    Interface,
    InterfaceKind,
    NextHop,
    Route,
    RouteKind,
    RoutingRule,
)
from segaudit.model.flow import Family
from segaudit.model.snapshot import Platform, RawFile
from segaudit.parse.cisco.route_tables import ToldHop, ToldRoute, ToldTables
from segaudit.parse.cisco.switches import SwitchRecord, VrfRecord
from segaudit.parse.device_files import DeviceFiles, config_files
from segaudit.parse.ledger import LineLedger
from segaudit.routing.configured import (
    ConfiguredRoute,
    ConfiguredRouting,
    Unknown,
    configured_routing,
    local_table_of,
    table_of,
)

_POLICY_TABLE = "by policy"


def only_config(
    files: DeviceFiles, platform: Platform, looks_like: Callable[[str], bool]
) -> tuple[RawFile, LineLedger]:
    """The configuration among a device's files; a file of which nothing is known makes the device doubtful.

    Raises:
        SnapshotError: there is none, or more than one.
    """
    raw, name = files.raw, platform.commands[0].file
    found = config_files(raw, name, looks_like)
    if not found and len(raw.files) == 1 and raw.platform == platform.name:
        found = raw.files
    if len(found) != 1:
        what = "several files look like its configuration" if found else f"{name} is missing"
        listed = ", ".join(sorted(file.path for file in found or raw.files)) or "no files"
        raise SnapshotError(Problem(f"device {raw.device!r}", what, listed, f"call the right one {name}"))
    known = {command.file for command in platform.commands}
    for file in raw.files:
        if file.name not in known and file.name != found[0].name:
            reason = "a file of which nothing is known: it may be a part of the configuration"
            files.open(file)[1].unsupported(1, len(file.text.split("\n")), reason, bounded=False)
    return files.open(found[0])


def routing(
    switch: SwitchRecord, found: Mapping[str, Interface], told: Sequence[ToldTables] = ()
) -> ConfiguredRouting:
    """The tables of all VRFs; where policies route, packets may go anywhere before a table is asked.

    Args:
        switch: what was configured.
        found: the interfaces.
        told: tables that the switch printed; those of a VRF and family are its own and no other.
    """
    routed = [one for one in found.values() if _is_routed(one)]
    shown = {key for tables in told for key in tables.vrfs}
    statics = [one for one in _statics(switch) if (one.vrf, one.family) not in shown]
    unknown = {key: why for key, why in unknown_routes(switch).items() if key not in shown}
    made = configured_routing(routed, statics, unknown)
    rules = list(made.rules)
    routes = [route for route in made.routes if not _is_shown(route, shown)]
    routes += [route for tables in told for route in _told_routes(tables, found)]
    for family in Family:
        steered = list(_steered(switch, family))
        if steered:
            others = [rule for rule in rules if rule.family is family] or _built_in(family)
            numbered = [replace(one, priority=number) for number, one in enumerate([*steered, *others])]
            rules = [rule for rule in rules if rule.family is not family] + numbered
            hops = tuple(NextHop(one.name, anyone=True) for one in routed if one.enabled)
            routes.append(Route(family, 0, 0, hops, table=_POLICY_TABLE, protocol="policy"))
    return ConfiguredRouting(tuple(routes), tuple(rules), made.unresolved)


# ---- tables that the switch printed -------------------------------------------------------------


def whole(tables: ToldTables | None, found: Mapping[str, Interface]) -> list[ToldTables]:
    """``tables`` where nothing shows that some of it is missing; else none are used.

    Each loopback is in its table, since it is always up, and a VRF that has addresses has routes.
    """
    if tables is None:
        return []
    shown = {(route.vrf, route.family, route.prefix, route.prefix_length) for route in tables.routes}
    filled = {(vrf, family) for vrf, family, _, _ in shown}
    for one in found.values():
        for own in one.addresses if one.enabled and _is_routed(one) else ():
            key = (one.vrf, own.family)
            is_there = (*key, own.network[0], own.prefix_length) in shown
            missing = key not in filled or (one.kind is InterfaceKind.LOOPBACK and not is_there)
            if key in tables.vrfs and missing:
                return []
    return [tables]


def _is_shown(route: Route, shown: set[tuple[str, Family]]) -> bool:
    configured = route.protocol in ("connected", "static")
    return configured and any(route.table == table_of(vrf) for vrf, of in shown if of is route.family)


def _told_routes(tables: ToldTables, found: Mapping[str, Interface]) -> Iterator[Route]:
    finder = _Finder(tables, found)
    for one in tables.routes:
        if one.is_own:
            yield Route(
                one.family, one.prefix, one.prefix_length, (), RouteKind.LOCAL, local_table_of(one.vrf),
                "local", 0, one.span,
            )  # fmt: skip
        if one.is_own and not one.hops:
            continue
        forwarding = [hop for hop in one.hops if hop.interface != _NOWHERE]
        hops = tuple(sorted({hop for told in forwarding for hop in finder.placed(one, told)}, key=str))
        kind = RouteKind.UNICAST if hops else RouteKind.BLACKHOLE
        yield Route(
            one.family, one.prefix, one.prefix_length, hops, kind, table_of(one.vrf), one.protocol, 0,
            one.span,
        )  # fmt: skip


_NOWHERE = "Null0"


class _Finder:
    """Next hops by the interfaces that lead to them."""

    _DEEPEST = 8

    def __init__(self, tables: ToldTables, found: Mapping[str, Interface]) -> None:
        self._found = found
        self._by_length: dict[tuple[str, Family, int], dict[int, ToldRoute]] = {}
        for one in tables.routes:
            if not (one.is_own and not one.hops):
                lengths = self._by_length.setdefault((one.vrf, one.family, one.prefix_length), {})
                lengths[one.prefix] = one

    def placed(self, route: ToldRoute, hop: ToldHop, depth: int = 0) -> Iterator[NextHop]:
        """The ways to a next hop; one that cannot be placed may be anywhere."""
        if hop.overlay:
            tunnel = next((name for name in self._found if name.endswith(f" vrf {route.vrf}")), None)
            yield NextHop(tunnel, anyone=True)
        elif hop.interface is not None:
            known = hop.interface if hop.interface in self._found else None
            yield NextHop(known, hop.address, anyone=known is None)
        else:
            yield from self._through(route, hop, depth)

    def _through(self, route: ToldRoute, hop: ToldHop, depth: int) -> Iterator[NextHop]:
        assert hop.address is not None
        by = self._longest(hop.vrf or route.vrf, route.family, hop.address)
        if by is None or depth == self._DEEPEST or not by.hops:
            yield NextHop(None, hop.address, anyone=True)
            return
        for onward in by.hops:
            for placed in self.placed(by, onward, depth + 1):
                yield placed if placed.address is not None else replace(placed, address=hop.address)

    def _longest(self, vrf: str, family: Family, address: int) -> ToldRoute | None:
        for length in range(family.bits, -1, -1):
            lengths = self._by_length.get((vrf, family, length))
            shift = family.bits - length
            if lengths is not None and address >> shift << shift in lengths:
                return lengths[address >> shift << shift]
        return None


def _is_routed(one: Interface) -> bool:
    """False for what bridges frames: a switchport, and a member of a port channel."""
    return one.switchport is None and (one.parent is None or one.kind is InterfaceKind.VLAN)


def _built_in(family: Family) -> list[RoutingRule]:
    tables = (local_table_of(DEFAULT_VRF), table_of(DEFAULT_VRF))
    return [RoutingRule(family, 0, AnyPacket(), table) for table in tables]


def _steered(switch: SwitchRecord, family: Family) -> Iterator[RoutingRule]:
    """Policy-based routing: which packets, and to whom, is not modelled."""
    for name, record in sorted(switch.interfaces.items()):
        if family in record.policies:
            policy, span = record.policies[family]
            perhaps = UnknownMatch(policy, "policy-based routing is not modelled")
            matches = AllOf((InterfaceIn(Direction.IN, (name,)), perhaps))
            yield RoutingRule(family, 0, matches, _POLICY_TABLE, span=span)


def _statics(switch: SwitchRecord) -> Iterator[ConfiguredRoute]:
    for vrf, one in switch.statics:
        yield ConfiguredRoute(
            one.family, one.prefix, one.prefix_length, vrf,
            None if one.discards else one.address,
            None if one.discards else one.interface,
            RouteKind.BLACKHOLE if one.discards else None,
            one.next_hop_vrf, one.distance, "static", one.span,
        )  # fmt: skip


def unknown_routes(switch: SwitchRecord) -> dict[tuple[str, Family], Unknown]:
    """Why each VRF may have routes that are not written."""
    reasons = dict(switch.learning)
    for record in switch.interfaces.values():
        for family in record.learns_address:
            vrf = record.vrf or DEFAULT_VRF
            reasons.setdefault((vrf, family), f"{record.name} learns its address")
    leaks = {name: _leaks(vrf, switch) for name, vrf in switch.vrfs.items()}
    for name, others in leaks.items():
        for family in Family if others else ():
            reasons.setdefault((name, family), "it takes routes of other VRFs")
    return {key: Unknown(reason, leaks.get(key[0], frozenset())) for key, reason in sorted(reasons.items())}


def _leaks(vrf: VrfRecord, switch: SwitchRecord) -> frozenset[str]:
    """VRFs whose routes a VRF may take; the default one where an overlay or MPLS carries its packets."""
    others = {
        name for name, other in switch.vrfs.items() if name != vrf.name and other.exports & vrf.imports
    }
    carried = vrf.overlay or (switch.labels and bool(vrf.imports | vrf.exports))
    return frozenset(others | vrf.leaks | ({DEFAULT_VRF} if carried else set()))
