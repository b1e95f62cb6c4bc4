"""Static routes, and why a routing instance may have more routes than the configuration shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from segaudit.model.device import Interface, RouteKind
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.parse.word_tree import Node
from segaudit.routing.configured import ConfiguredRoute, Unknown
from segaudit.vendors.juniper_junos import route_targets, words
from segaudit.vendors.juniper_junos.extract_instances import LEARNING, rib
from segaudit.vendors.juniper_junos.reading import Reading
from segaudit.vendors.juniper_junos.records import MASTER, Instance, Unit

STATIC_PREFERENCE = 5
"""Juniper, Protocol-Independent Routing Properties User Guide, "Route Preferences Overview"."""

_HARMLESS = frozenset(
    (
        "router-id", "autonomous-system", "multipath", "maximum-prefixes", "maximum-paths",
        "resolution", "martians", "graceful-restart", "nonstop-routing", "validation",
        "bgp-orf-cisco-mode", "ppm", "options", "confederation", "route-distinguisher-id",
        "fate-sharing", "srlg", "admin-groups", "admin-groups-extended", "bmp", "traceoptions",
        "backup-selection", "label", "multicast", "protect", "warm-standby",
        "tunnel-attributes", "route-record", "no-bgp-loops", "l3vpn-composite-nexthop",
        "med-igp-update-interval", "localized-fib", "transport-class", "lsp-telemetry",
        "per-prefix-label", "instance-export", "as-override", "admin-groups-extended-range",
        "rib-sharding", "flex-algorithm", "enable-sensors", "nexthop-pool",
    )
)  # fmt: skip
_ROUTE_HARMLESS = frozenset(
    (
        "preference", "metric", "metric2", "metric3", "metric4", "tag", "tag2", "color", "color2",
        "as-path", "community", "retain", "no-retain", "install", "readvertise", "no-readvertise",
        "active", "passive", "resolve", "no-resolve", "bfd-liveness-detection", "no-install",
        "description", "rib-group",
    )
)  # fmt: skip
_DISCARDS = {"discard": RouteKind.BLACKHOLE, "reject": RouteKind.UNREACHABLE}


@dataclass(slots=True)
class Routes:
    """The static routes, and per VRF and family the reasons for more, with the VRFs they may lead to."""

    statics: list[ConfiguredRoute] = field(default_factory=list)
    own: list[tuple[str, Family, int]] = field(default_factory=list)
    reasons: dict[tuple[str, Family], list[str]] = field(default_factory=dict)
    leaks: dict[tuple[str, Family], set[str]] = field(default_factory=dict)
    through: dict[tuple[str, Family], set[str]] = field(default_factory=dict)
    lasting: dict[tuple[str, Family], list[str]] = field(default_factory=dict)

    def doubt(self, vrf: str, families: Iterable[Family], reason: str, leaks: Iterable[str] = ()) -> None:
        """The table may hold more; ``leaks`` are VRFs whose interfaces such a route may lead to."""
        for family in families:
            said = self.reasons.setdefault((vrf, family), [])
            if reason not in said:
                said.append(reason)
            self.leaks.setdefault((vrf, family), set()).update(leaks)

    def lookup(self, vrf: str, family: Family, table: str, reason: str) -> None:
        """Packets of ``vrf`` may be looked up in the table of another."""
        self.doubt(vrf, (family,), reason, (table,))
        self.through.setdefault((vrf, family), set()).add(table)
        self.lasting.setdefault((vrf, family), []).append(reason)

    def settle(self, key: tuple[str, Family]) -> None:
        """The device's own table is known: only lookups in other tables are left open."""
        self.reasons.pop(key, None)
        self.leaks.pop(key, None)
        if key in self.lasting:
            self.reasons[key] = list(dict.fromkeys(self.lasting[key]))
            self.leaks[key] = set(self.through[key])

    def unknown(self) -> dict[tuple[str, Family], Unknown]:
        """What ``configured_routing`` takes; a lookup in another table leads where that one leads."""
        for _ in range(len(self.through) + 1):
            for (vrf, family), tables in self.through.items():
                for table in tables:
                    self.leaks[vrf, family] |= self.leaks.get((table, family), set())
        return {
            key: Unknown("; ".join(said), frozenset(self.leaks[key] - {key[0]}))
            for key, said in self.reasons.items()
        }


def routes(
    reading: Reading,
    instances: Mapping[str, Instance],
    units: Sequence[Unit],
    interfaces: Mapping[str, Interface],
) -> Routes:
    """Everything that ``routing-options`` and ``protocols`` say about the tables."""
    made, direct = Routes(), _Direct(interfaces.values())
    for one in instances.values():
        _learned(made, one, instances)
        _options(reading, made, one, instances, direct)
    for unit in units:
        interface = interfaces.get(unit.name)
        if interface is None:
            continue
        made.statics += _far_ends(reading, unit, interface.vrf)
        for family in unit.learns_address:
            made.doubt(interface.vrf, (family,), f"{unit.name} learns its address")
    for vrf, others in route_targets.leaks(reading.root, instances).items():
        made.doubt(vrf, Family, "routes of other VRFs by route target", others)
    return made


class _Direct:
    """The prefixes that are directly reachable in each VRF, by family and length."""

    def __init__(self, interfaces: Iterable[Interface]) -> None:
        self._found: dict[tuple[str, Family], dict[int, set[int]]] = {}
        for one in interfaces:
            for address in one.addresses if one.enabled else ():
                host = address.family.bits - address.prefix_length
                lengths = self._found.setdefault((one.vrf, address.family), {})
                lengths.setdefault(host, set()).add(address.address >> host)

    def holds(self, vrf: str, family: Family, address: int) -> bool:
        """True where an interface of the VRF has a prefix that holds ``address``."""
        lengths = self._found.get((vrf, family), {})
        return any(address >> host in networks for host, networks in lengths.items())


def _far_ends(reading: Reading, unit: Unit, vrf: str) -> Iterator[ConfiguredRoute]:
    """The routes to the far ends of point-to-point links (``address A destination B``)."""
    for family in unit.node.under("family"):
        for address in family.under("address"):
            far = words.prefix(address.value("destination") or "")
            if far is not None:
                first, span = words.range_of(far)[0], reading.span(address)
                yield ConfiguredRoute(
                    far[0],
                    first,
                    far[2],
                    vrf,
                    interface=unit.name,
                    distance=0,
                    protocol="direct",
                    span=span,
                )


def _learned(made: Routes, one: Instance, instances: Iterable[str]) -> None:
    for node in one.node.under("protocols"):
        families = LEARNING.get(node.word)
        if families and not (node.has("disable") and len(node.children) == 1):
            leaks: tuple[str, ...] = (MASTER,) if node.word == "evpn" else ()
            if node.word == "bgp" and any(inner.word == "flow" for inner in node.walk()):
                leaks = tuple(instances)
            made.doubt(one.name, families, f"{node.word} may have brought routes", leaks)


# ---- routing-options ----------------------------------------------------------------------------


def _options(
    reading: Reading, made: Routes, one: Instance, instances: Mapping[str, Instance], direct: _Direct
) -> None:
    options = one.node.get("routing-options")
    reading.fact(options)
    for node in options or ():
        if node.word == "rib":
            reading.fact(node)
            for table in node:
                _table(reading, made, one, table, direct)
        elif not _block(reading, made, one, node, direct, None):
            _other(reading, made, one, node, instances)


def _table(reading: Reading, made: Routes, one: Instance, table: Node, direct: _Direct) -> None:
    named = rib(table.word)
    if named is None:
        harmless = table.word.endswith(
            ("inet.1", "inet.2", "inet.3", "inet6.1", "inet6.2", "inet6.3", "iso.0")
        )
        if harmless:
            reading.ignored(table, "a table that no unicast packet is looked up in")
        else:
            reading.unsupported(table, "a table that is not of IP routes", bounded=False)
        return
    reading.fact(table)
    owner = Instance(named[0], one.kind, one.node) if named[0] != MASTER else one
    for node in table:
        if not _block(reading, made, owner, node, direct, named[1]) and node.word in _HARMLESS:
            reading.ignored(node, "decides which routes are taken, not where they lead")


def _block(
    reading: Reading, made: Routes, one: Instance, node: Node, direct: _Direct, family: Family | None
) -> bool:
    """Static, aggregate and generated routes; false for anything else."""
    if node.word == "static":
        _static(reading, made, one.name, node, direct)
    elif node.word == "aggregate":
        reason = "an aggregate only drops what no longer route takes"
        reading.unsupported(node, reason, bounded=True)
    elif node.word == "generate":
        reading.facts(node)
        made.doubt(
            one.name, Family if family is None else (family,), "generated routes follow learned ones"
        )
    else:
        return False
    return True


def _other(
    reading: Reading, made: Routes, one: Instance, node: Node, instances: Mapping[str, Instance]
) -> None:
    if node.word == "rib-groups":
        reading.facts(node)
        for group in node:
            _rib_group(made, group)
    elif node.word in ("interface-routes", "auto-export"):
        reading.facts(node)
    elif node.word == "instance-import":
        reading.facts(node)
        named = _imported(reading.root, node.words(), instances)
        made.doubt(one.name, Family, "instance-import takes routes of other instances", named)
    elif node.word == "forwarding-table":
        _forwarding_table(reading, node)
    elif node.word in ("flow", "dynamic-tunnels", "access", "access-internal", "source-routing"):
        reading.unsupported(
            node, "may send packets where no route of the configuration does", bounded=False
        )
    elif node.word in _HARMLESS:
        reading.ignored(node, "decides which routes are taken, not where they lead")


def _rib_group(made: Routes, group: Node) -> None:
    """Routes of the first table go into the others as well."""
    tables = [named for word in group.words("import-rib") if (named := rib(word)) is not None]
    for vrf, family in tables[1:]:
        made.doubt(
            vrf,
            (family,),
            f"rib-group {group.word} takes routes of other tables",
            (one for one, _ in tables),
        )


def _imported(root: Node, policies: Iterable[str], instances: Mapping[str, Instance]) -> list[str]:
    named: list[str] = []
    for name in policies:
        policy = root.get("policy-options", "policy-statement", name)
        found = [] if policy is None else [
            word for node in policy.walk() if node.word == "instance" for word in node.words()
        ]  # fmt: skip
        named += found or list(instances)
    return [MASTER if name == "master" else name for name in named]


def _forwarding_table(reading: Reading, node: Node) -> None:
    for name in node.words("export"):
        policy = reading.root.get("policy-options", "policy-statement", name)
        if policy is None or any(inner.word == "reject" for inner in policy.walk()):
            reading.unsupported(node, "keeps routes out of the forwarding table", bounded=False)
            return
    reading.ignored(node, "spreads packets over next hops that all count")


# ---- static routes ------------------------------------------------------------------------------


def _static(reading: Reading, made: Routes, vrf: str, node: Node, direct: _Direct) -> None:
    reading.fact(node, node.get("route"))
    usual = words.number(node.value("defaults", "preference") or "")
    reading.facts(node.get("defaults"))
    for child in node:
        if child.word in ("rib-group", "traceoptions"):
            reading.facts(child)
        elif child.word not in ("route", "defaults"):
            reading.unsupported(child, "static routes that are not to addresses", bounded=False)
    for route in node.under("route"):
        one = words.prefix("0.0.0.0/0" if route.word == "default" else route.word)
        if one is None:
            reading.unrecognized(route, "a prefix that cannot be read")
            continue
        preference = words.number(route.value("preference") or "")
        resolves = (node.has("defaults", "resolve") or route.has("resolve")) and not route.has("no-resolve")
        preference = next(one for one in (preference, usual, STATIC_PREFERENCE) if one is not None)
        static = _Static(vrf, one, route, preference, resolves, reading.span(route))
        _route(reading, made, static, direct)


@dataclass(frozen=True, slots=True)
class _Static:
    """One ``route`` statement while it is read."""

    vrf: str
    prefix: words.Prefix
    node: Node
    preference: int
    resolves: bool
    span: SourceSpan | None

    @property
    def family(self) -> Family:
        return self.prefix[0]

    def made(
        self,
        address: int | None = None,
        interface: str | None = None,
        discard: RouteKind | None = None,
        distance: int | None = None,
    ) -> ConfiguredRoute:
        first = words.range_of(self.prefix)[0]
        return ConfiguredRoute(
            self.family, first, self.prefix[2], self.vrf, address, interface, discard,
            distance=self.preference if distance is None else distance, span=self.span,
        )  # fmt: skip


def _route(reading: Reading, made: Routes, one: _Static, direct: _Direct) -> None:
    node = one.node
    reading.fact(node)
    for child in node:
        if child.word in _ROUTE_HARMLESS:
            reading.facts(child)
        elif child.word in ("lsp-next-hop", "p2mp-lsp-next-hop", "backup-pe-group", "static-lsp-next-hop"):
            reading.unsupported(child, "leads into a label-switched path", bounded=False)
    if node.has("no-install"):
        reading.facts(node)
        return
    if any(inner.word == "bfd-liveness-detection" for inner in node.walk()):
        made.doubt(one.vrf, (one.family,), f"the route to {node.word} is withdrawn when BFD says so")
    for word, kind in _DISCARDS.items():
        if node.has(word):
            reading.facts(node[word])
            made.statics.append(one.made(discard=kind))
    _received(reading, made, one)
    _looked_up(reading, made, one)
    _forwarded(reading, made, one, direct)


def _received(reading: Reading, made: Routes, one: _Static) -> None:
    received = one.node.get("receive")
    if received is None:
        return
    reading.facts(received)
    if one.prefix[2] == one.family.bits:
        made.own.append((one.vrf, one.family, one.prefix[1]))
    else:
        reading.unsupported(received, "receives for a whole prefix", bounded=False)


def _looked_up(reading: Reading, made: Routes, one: _Static) -> None:
    for table in one.node.words("next-table"):
        named = rib(table)
        reading.facts(one.node["next-table"])
        if named is None:
            reading.unsupported(one.node["next-table"], "looks up in another kind of table", bounded=False)
        else:
            reason = f"the route to {one.node.word} is looked up in {table}"
            made.lookup(one.vrf, one.family, named[0], reason)


def _forwarded(reading: Reading, made: Routes, one: _Static, direct: _Direct) -> None:
    """Next hops that are directly reachable; others only with ``resolve``, by whatever routes there are."""
    for address, interface, distance in _hops(reading, one.node, one.preference, one.family):
        reached = address is None or interface is not None or direct.holds(one.vrf, one.family, address)
        if not reached and not one.resolves:
            continue
        if not reached:
            reason = f"the next hop of {one.node.word} is reached by other routes"
            made.doubt(one.vrf, (one.family,), reason)
        made.statics.append(one.made(address, interface, distance=distance))


def _hops(
    reading: Reading, node: Node, preference: int, family: Family
) -> Iterator[tuple[int | None, str | None, int]]:
    """Each next hop: address, interface, preference."""
    for key in ("next-hop", "qualified-next-hop"):
        reading.facts(node.get(key))
        for hop in node.under(key):
            one = words.prefix(hop.word)
            interface = hop.value("interface")
            own = words.number(hop.value("preference") or "") if key != "next-hop" else None
            distance = preference if own is None else own
            if one is not None and one[0] is family:
                yield one[1], _unit(interface), distance
            elif one is None and not hop.children:
                yield None, _unit(hop.word), distance
            else:
                reading.unsupported(hop, "a next hop of another family", bounded=False)


def _unit(name: str | None) -> str | None:
    return name if name is None or "." in name else f"{name}.0"
