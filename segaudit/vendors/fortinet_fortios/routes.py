"""Static routes, policy routes, and why a table may hold more than the configuration shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network

from segaudit.model.acl import (
    AddressIn,
    AllOf,
    AnyPacket,
    Direction,
    End,
    Field,
    FieldIn,
    InterfaceIn,
    Matches,
    Not,
    UnknownMatch,
)
from segaudit.model.device import NextHop, Route, RouteKind, RoutingRule
from segaudit.model.flow import Family, parse_address
from segaudit.parse.edit_tree import Entry, Node, Setting, Value
from segaudit.routing.configured import (
    ConfiguredRoute,
    ConfiguredRouting,
    Unknown,
    configured_routing,
    local_table_of,
)
from segaudit.vendors.fortinet_fortios.addresses import Addresses, any_of
from segaudit.vendors.fortinet_fortios.interfaces import Interfaces, vrf_name
from segaudit.vendors.fortinet_fortios.keywords import ROUTING_PROTOCOLS
from segaudit.vendors.fortinet_fortios.reading import Reading

DEFAULT_DISTANCE = 10
_STATIC = {Family.IPV4: "router static", Family.IPV6: "router static6"}
_POLICY = {Family.IPV4: "router policy", Family.IPV6: "router policy6"}
_SDWAN = ("system sdwan", "system virtual-wan-link")
_IDLE = frozenset({"redistribute", "redistribute6"})
_MAYBE = "a policy route may not be in force"


@dataclass(frozen=True, slots=True)
class Routing:
    """Routes and rules of the device, and the VRFs whose IPv4 table may hold more."""

    routes: tuple[Route, ...]
    rules: tuple[RoutingRule, ...]
    unknown: frozenset[str]


def read_routing(
    reading: Reading, found: Interfaces, objects: dict[str, Addresses], shown: Sequence[Route] | None
) -> Routing:
    """The tables of every VRF, with the policy routes of each virtual domain before them.

    ``shown`` is the IPv4 table that the device itself showed, which is used instead of what the
    configuration would make. What SD-WAN chooses is in no table.
    """
    unknown = dict(_unknown(reading, found))
    statics: list[ConfiguredRoute] = list(found.links)
    for vdom in reading.vdoms:
        statics += _statics(reading, found, vdom, objects[vdom], unknown)
    if shown is not None:
        statics = [route for route in statics if route.family is not Family.IPV4]
        unknown = {
            key: why for key, why in unknown.items() if key[1] is not Family.IPV4 or _by_sdwan(reading)
        }
    made = configured_routing(found.by_name.values(), statics, unknown)
    if shown is not None:
        made = replace(made, routes=_with_shown(made.routes, shown))
    routes, rules = _with_policy_routes(reading, found, objects, made)
    return Routing(routes, rules, frozenset(vrf for vrf, family in unknown if family is Family.IPV4))


def _by_sdwan(reading: Reading) -> bool:
    return any(reading.settings(vdom, path).is_on("status") for vdom in reading.vdoms for path in _SDWAN)


def _with_shown(made: Sequence[Route], shown: Sequence[Route]) -> tuple[Route, ...]:
    """The routes of the configuration and those that the device showed besides."""
    known = {(route.table, route.prefix, route.prefix_length, route.next_hops) for route in made}
    further = [
        route
        for route in shown
        if (route.table, route.prefix, route.prefix_length, route.next_hops) not in known
    ]
    return (*made, *further)


# ---- what may have been learned -----------------------------------------------------------------


def running_protocols(reading: Reading, vdom: str) -> Iterator[tuple[str, Node]]:
    """The routing protocols that are configured to do anything, with the block that says so."""
    for path, protocol in ROUTING_PROTOCOLS.items():
        for node in reading.vdoms[vdom].nodes.get(path, ()):
            if protocol and _runs(node):
                yield protocol, node


def _runs(node: Node) -> bool:
    """A default configuration holds the blocks, too: empty, or with what would be redistributed."""
    for item in node.items:
        if isinstance(item, Setting):
            if item.key in (
                "as",
                "router-id",
                "multicast-routing",
                "is-type",
                "default-information-originate",
            ):
                return True
        elif item.words and item.words[0] not in _IDLE and item.items:
            return True
    return False


def _unknown(reading: Reading, found: Interfaces) -> Iterator[tuple[tuple[str, Family], Unknown]]:
    """Per VRF and family why it may have more routes."""
    for (vrf, family), reason in found.unknown.items():
        yield (vrf, family), Unknown(reason)
    for vdom in reading.vdoms:
        reasons = list(_reasons(reading, vdom))
        vrfs = frozenset(found.vrfs_of(vdom))
        for vrf in sorted(vrfs) if reasons else ():
            for family in Family:
                yield (vrf, family), Unknown("; ".join(sorted(set(reasons))), vrfs - {vrf})


def _reasons(reading: Reading, vdom: str) -> Iterator[str]:
    for protocol, _ in running_protocols(reading, vdom):
        yield f"routes of {protocol} are not in the configuration"
    for path in _SDWAN:
        if reading.settings(vdom, path).is_on("status"):
            yield "SD-WAN chooses among its members, and withdraws routes"
    if reading.table(vdom, "system link-monitor"):
        yield "a link monitor may withdraw routes"
    for entry in reading.table(vdom, "vpn ipsec phase1-interface").values():
        if _brings_routes(entry):
            yield f"the tunnel {entry.name} brings routes"


def _brings_routes(entry: Entry) -> bool:
    """Dial-up servers add routes to their peers by default (``add-route enable``)."""
    if entry.word("type", "static") in ("dynamic", "ddns"):
        return True
    return any(entry.is_on(key) for key in ("mode-cfg", "auto-discovery-receiver", "exchange-interface-ip"))


# ---- static routes ------------------------------------------------------------------------------


def _statics(
    reading: Reading,
    found: Interfaces,
    vdom: str,
    addresses: Addresses,
    unknown: dict[tuple[str, Family], Unknown],
) -> Iterator[ConfiguredRoute]:
    for family, path in _STATIC.items():
        for entry in reading.table(vdom, path).values():
            if entry.word("status", "enable") == "disable":
                reading.ledger.ignored(entry.first, entry.last, "disabled")
                continue
            yield from _static(reading, found, vdom, family, entry, addresses, unknown)


def _static(
    reading: Reading,
    found: Interfaces,
    vdom: str,
    family: Family,
    entry: Entry,
    addresses: Addresses,
    unknown: dict[tuple[str, Family], Unknown],
) -> Iterator[ConfiguredRoute]:
    device = entry.word("device")
    port = found.by_name.get(device)
    vrf = port.vrf if port is not None else vrf_name(reading, vdom, entry.word("vrf", "0"))
    prefixes = _prefixes(reading, entry, family, addresses)
    if prefixes is None or entry.is_on("dynamic-gateway"):
        why = (
            "a static route to what the configuration does not show"
            if prefixes is None
            else "a gateway by DHCP"
        )
        unknown.setdefault((vrf, family), Unknown(f"{why}: {entry.name}"))
        return
    gateway = _gateway(reading, entry, family)
    hops = list(_hops(reading, found, vdom, family, entry, gateway))
    if not hops:
        reading.doubt(entry, "a static route to nowhere known")
        unknown.setdefault((vrf, family), Unknown(f"static route {entry.name} leads to nowhere known"))
    for prefix, length in prefixes:
        base = ConfiguredRoute(
            family, prefix, length, vrf, distance=_distance(entry), span=reading.span(entry)
        )
        for interface, address, discard in hops:
            yield replace(base, interface=interface, address=address, discard=discard)


Hop = tuple[str | None, int | None, RouteKind | None]


def _hops(
    reading: Reading, found: Interfaces, vdom: str, family: Family, entry: Entry, gateway: int | None
) -> Iterator[Hop]:
    device = entry.word("device")
    if entry.is_on("blackhole"):
        yield None, None, RouteKind.BLACKHOLE
    elif device in found.by_name:
        yield device, gateway, None
    elif _is_by_sdwan(entry) or device in found.zones[vdom]:
        yield from _member_hops(reading, found, vdom, family)
    elif gateway is not None and not device:
        yield None, gateway, None


def _is_by_sdwan(entry: Entry) -> bool:
    return entry.is_on("sdwan") or entry.is_on("virtual-wan-link") or bool(entry.words("sdwan-zone"))


def _member_hops(reading: Reading, found: Interfaces, vdom: str, family: Family) -> Iterator[Hop]:
    """Every member of the SD-WAN, whatever its zone: which one is chosen is not in the configuration."""
    key = "gateway" if family is Family.IPV4 else "gateway6"
    for path in _SDWAN:
        for member in reading.inner(reading.settings(vdom, path), "members").values():
            name = member.word("interface")
            if name in found.by_name:
                yield name, _address(member.word(key), family), None


def _address(text: str, family: Family) -> int | None:
    try:
        version, address = parse_address(text)
    except ValueError:
        return None
    return address or None if version is family else None


def _gateway(reading: Reading, entry: Entry, family: Family) -> int | None:
    value = entry.values.get("gateway")
    if value is None:
        return None
    text = value.words[0] if value.words else ""
    address = _address(text, family)
    if address is None and text not in ("0.0.0.0", "::"):  # noqa: S104
        reading.garbled(value, "a gateway that cannot be read")
    return address


def _distance(entry: Entry) -> int:
    """Administrative distance first, then priority: the lowest of both forwards."""
    distance, priority = entry.word("distance"), entry.word("priority")
    first = int(distance) if distance.isdecimal() else DEFAULT_DISTANCE
    return first << 16 | (int(priority) & 0xFFFF if priority.isdecimal() else 0)


def _prefixes(
    reading: Reading, entry: Entry, family: Family, addresses: Addresses
) -> Sequence[tuple[int, int]] | None:
    """Where a static route leads to; ``None``: that is not in the configuration."""
    named = entry.word("dstaddr")
    if named:
        return _prefixes_of(addresses.one(named, family, End.DESTINATION), family)
    if entry.words("internet-service") or entry.words("internet-service-custom"):
        return None
    value = entry.values.get("dst")
    if value is None:
        return ((0, 0),)
    prefix = parse_prefix(value.words, family)
    if prefix is None:
        reading.garbled(value, "a destination that cannot be read")
    return None if prefix is None else (prefix,)


def parse_prefix(words: Sequence[str], family: Family) -> tuple[int, int] | None:
    """The prefix of ``A M`` or ``A/N``; ``None`` where it is none of the family."""
    try:
        network = ip_network("/".join(words), strict=False)
    except ValueError:
        return None
    return (int(network.network_address), network.prefixlen) if network.version == family else None


def _prefixes_of(matches: Matches, family: Family) -> Sequence[tuple[int, int]] | None:
    if not isinstance(matches, AddressIn):
        return None
    found: list[tuple[int, int]] = []
    for first, last in matches.ranges:
        found += _cut(first, last, family.bits)
    return found


def _cut(first: int, last: int, bits: int) -> Iterator[tuple[int, int]]:
    """The prefixes that a range consists of."""
    while first <= last:
        size = first & -first if first else 1 << bits
        while size > last - first + 1:
            size >>= 1
        yield first, bits - (size.bit_length() - 1)
        first += size


# ---- policy routes ------------------------------------------------------------------------------


def _with_policy_routes(
    reading: Reading, found: Interfaces, objects: dict[str, Addresses], made: ConfiguredRouting
) -> tuple[tuple[Route, ...], tuple[RoutingRule, ...]]:
    """Policy routes are looked up after what is the device's own and before its tables.

    Whether one is in force depends on the state of its interface, so that each may or may not apply.
    """
    routes: list[Route] = list(made.routes)
    rules: list[RoutingRule] = []
    for family in Family:
        own: list[RoutingRule] = []
        for vdom in reading.vdoms:
            own += _vdom_policy_routes(reading, found, vdom, family, objects[vdom], routes)
        rest = [rule for rule in made.rules if rule.family is family]
        if own and not rest:
            tables = ("local", "main")
            rest = [RoutingRule(family, at, AnyPacket(), table) for at, table in enumerate(tables)]
        ordered = [*own, *sorted(rest, key=lambda rule: rule.priority)]
        rules += [replace(rule, priority=at) for at, rule in enumerate(ordered)]
    return tuple(routes), tuple(rules)


def _vdom_policy_routes(
    reading: Reading,
    found: Interfaces,
    vdom: str,
    family: Family,
    addresses: Addresses,
    routes: list[Route],
) -> Iterator[RoutingRule]:
    entries = reading.table(vdom, _POLICY[family])
    if not entries:
        return
    inside = InterfaceIn(Direction.IN, tuple(found.of_vdom(vdom)))
    for vrf in found.vrfs_of(vdom):
        ports = tuple(name for name in found.of_vdom(vdom) if found.by_name[name].vrf == vrf)
        yield RoutingRule(family, 0, InterfaceIn(Direction.IN, ports), local_table_of(vrf))
    for entry in entries.values():
        if entry.word("status", "enable") == "disable" or entry.word("action", "permit") == "deny":
            continue
        table = f"policy route {entry.name} of {vdom}"
        hops = tuple(_policy_hops(reading, found, vdom, family, entry))
        routes.append(Route(family, 0, 0, hops, table=table, protocol="policy", span=reading.span(entry)))
        matches = AllOf(
            (
                inside,
                *_policy_matches(reading, found, vdom, family, entry, addresses),
                UnknownMatch(table, _MAYBE),
            )
        )
        yield RoutingRule(family, 0, matches, table, span=reading.span(entry))


def _policy_hops(
    reading: Reading, found: Interfaces, vdom: str, family: Family, entry: Entry
) -> Iterator[NextHop]:
    gateway = _gateway(reading, entry, family)
    out = [name for name in entry.words("output-device") if name in found.by_name]
    if out:
        yield from (NextHop(name, gateway) for name in out)
        return
    # Without an interface the routing table tells by which one the gateway is reached.
    yield from (NextHop(name, gateway, anyone=gateway is None) for name in found.of_vdom(vdom))


def _policy_matches(
    reading: Reading, found: Interfaces, vdom: str, family: Family, entry: Entry, addresses: Addresses
) -> Iterator[Matches]:
    names = entry.words("input-device")
    if names:
        members = [member for name in names for member in found.members(vdom, name) or ()]
        incoming: Matches = InterfaceIn(Direction.IN, tuple(members))
        yield Not(incoming) if entry.is_on("input-device-negate") else incoming
    for key, end in (("src", End.SOURCE), ("dst", End.DESTINATION)):
        matches = _policy_addresses(reading, entry, key, family, end, addresses)
        if matches is not None:
            yield Not(matches) if entry.is_on(f"{key}-negate") else matches
    protocol = entry.word("protocol", "0")
    if protocol.isdecimal() and 0 < int(protocol) < 256:
        yield FieldIn(Field.PROTOCOL, ((int(protocol), int(protocol)),))
        if int(protocol) in (6, 17, 132):
            yield from _policy_ports(entry)
    for key in ("tos-mask", "internet-service-id", "internet-service-custom", "users", "groups"):
        if entry.words(key) and entry.words(key) != ("0x00",):
            yield UnknownMatch(entry.name, f"a policy route by {key}")


def _policy_ports(entry: Entry) -> Iterator[Matches]:
    for prefix, field in (("", Field.DESTINATION_PORT), ("source-", Field.SOURCE_PORT)):
        first, last = entry.word(f"start-{prefix}port"), entry.word(f"end-{prefix}port")
        if first.isdecimal() and last.isdecimal() and (int(first), int(last)) != (0, 65535):
            yield FieldIn(field, ((int(first), int(last)),))


def _policy_addresses(
    reading: Reading, entry: Entry, key: str, family: Family, end: End, addresses: Addresses
) -> Matches | None:
    parts: list[Matches] = []
    value = entry.values.get(key)
    for text in _networks(value):
        prefix = parse_prefix([text], family)
        if prefix is None:
            assert value is not None
            reading.garbled(value, "a network that cannot be read", bounded=True)
            parts.append(UnknownMatch(text, "a network that cannot be read"))
        else:
            last = prefix[0] | (1 << family.bits - prefix[1]) - 1
            parts.append(AddressIn(end, family, ((prefix[0], last),)))
    if entry.words(f"{key}addr"):
        parts.append(addresses.match(entry.words(f"{key}addr"), family, end))
    if not parts:
        return None
    return any_of(parts)


def _networks(value: Value | None) -> Iterable[str]:
    """``src`` and ``dst`` of a policy route: each word a network, or an address and its mask."""
    if value is None:
        return ()
    if len(value.words) == 2 and "/" not in "".join(value.words):
        return ("/".join(value.words),)
    return value.words
