"""All records of a device to a ``Device``."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping

from segaudit.model.device import Device, Interface, Neighbour, Route, RouteKind, RoutingRule
from segaudit.model.flow import Family
from segaudit.model.snapshot import RawConfig
from segaudit.vendors.linux import bypasses, extract, frr, platform, sysctl, words
from segaudit.vendors.linux import convert_interfaces as to_interfaces
from segaudit.vendors.linux import convert_routes as to_routes
from segaudit.vendors.linux import convert_rules as to_rules
from segaudit.vendors.linux.convert_rules import Vrf
from segaudit.vendors.linux.filters import FilterFacts, read_filters
from segaudit.vendors.linux.reading import Reading
from segaudit.vendors.linux.records import LinkRecord, NeighbourRecord, RuleRecord, Sysctls

_UNRESOLVED = frozenset({"FAILED", "INCOMPLETE"})
_KNOWN_FILES = frozenset(command.file for command in platform.PLATFORM.commands)


def device(raw: RawConfig) -> Device:
    """The device that the files of ``raw`` describe.

    Raises:
        SnapshotError: the interfaces, addresses, routes or sysctls are missing or garbage.
    """
    reading = Reading(raw)
    _account_hostname(reading)
    settings = sysctl.sysctls(reading)
    links = extract.links(reading)
    proxied = extract.proxied(reading)
    interfaces = _interfaces(reading, links, settings, proxied)
    forwarded = _forwarded(interfaces)
    sysctl.account_doubts(reading, settings, interfaces, sorted(forwarded))
    _account_proxied(reading, proxied, forwarded)
    vrfs = _vrfs(links)
    routes, rules = _routing(reading, vrfs, interfaces)
    routes = frr.cite(
        reading, routes, frr.running_config(reading, interfaces), {vrf.name: vrf.table for vrf in vrfs}
    )
    _account_vrfs(reading, links, vrfs, routes)
    _account_loops(reading, routes, rules)
    neighbours = tuple(_neighbours(reading, extract.neighbours(reading), interfaces))
    _account_bridge_links(reading)
    bypasses.account(reading)
    reading.ignore_unknown_files(_KNOWN_FILES)
    filters = read_filters(raw)
    _account_bridged_translation(reading, settings, links, filters)
    return _assembled(raw, reading, filters, interfaces, routes, rules, neighbours, forwarded)


def _assembled(
    raw: RawConfig,
    reading: Reading,
    filters: FilterFacts,
    interfaces: Mapping[str, Interface],
    routes: tuple[Route, ...],
    rules: tuple[RoutingRule, ...],
    neighbours: tuple[Neighbour, ...],
    forwarded: frozenset[Family],
) -> Device:
    _account_machine_listing(reading, filters)
    lines, tallies = reading.close()
    return Device(
        name=raw.device,
        platform=platform.PLATFORM.name,
        interfaces=interfaces,
        routes=routes,
        rules=rules,
        neighbours=neighbours,
        acls=filters.acls,
        attachments=filters.attachments,
        forwards=forwarded,
        tracks_connections=filters.tracks_connections,
        unknown_translation=filters.unknown_translation,
        labels=raw.labels,
        lines=tuple(sorted({*lines, *filters.lines})),
        tallies=tuple(sorted((*tallies, *filters.tallies), key=lambda tally: tally.file)),
    )


def _interfaces(
    reading: Reading,
    links: tuple[LinkRecord, ...],
    settings: Sysctls,
    proxied: tuple[NeighbourRecord, ...] | None,
) -> dict[str, Interface]:
    parts = to_interfaces.Parts(
        links, extract.addresses(reading), extract.port_vlans(reading), settings, proxied
    )
    return to_interfaces.interfaces(reading, parts)


def _forwarded(interfaces: Mapping[str, Interface]) -> frozenset[Family]:
    return frozenset(family for interface in interfaces.values() for family in interface.forwarding)


# ---- routing ------------------------------------------------------------------------------------


def _routing(
    reading: Reading, vrfs: tuple[Vrf, ...], interfaces: Container[str]
) -> tuple[tuple[Route, ...], tuple[RoutingRule, ...]]:
    routes: list[Route] = []
    rules: list[RoutingRule] = []
    for family in Family:
        route_records = extract.routes(reading, family)
        rule_records = extract.rules(reading, family)
        found = to_routes.routes(reading, route_records, interfaces)
        routes.extend(found)
        routes.extend(to_rules.suppressed_routes(rule_records or (), found))
        rules.extend(_rules(reading, family, rule_records, vrfs))
        frr.cross_check(reading, family, route_records)
    return tuple(routes), tuple(rules)


def _rules(
    reading: Reading, family: Family, records: tuple[RuleRecord, ...] | None, vrfs: tuple[Vrf, ...]
) -> tuple[RoutingRule, ...]:
    """The rules; where the device did not tell, those the kernel starts with, as an assumption."""
    if records is not None:
        return to_rules.rules(reading, records, vrfs)
    name, routes = (
        (platform.RULE4, platform.ROUTE4) if family is Family.IPV4 else (platform.RULE6, platform.ROUTE6)
    )
    reason = f"{name} was not collected: the kernel's default rules are assumed"
    reading.ledger(reading.required(routes)).unsupported(1, None, reason, bounded=False)
    return to_rules.default_rules(family)


def _vrfs(links: Iterable[LinkRecord]) -> tuple[Vrf, ...]:
    listed = tuple(links)
    return tuple(
        Vrf(
            link.name,
            words.table(link.info_data.get("table", "")),
            tuple(port.name for port in listed if port.master == link.name),
        )
        for link in listed
        if link.info_kind == "vrf"
    )


def _account_vrfs(
    reading: Reading, links: Iterable[LinkRecord], vrfs: Iterable[Vrf], routes: Iterable[Route]
) -> None:
    """A VRF knows its table by number; routes of a table that has a name of its own would be missed."""
    spans = {link.name: link.span for link in links}
    tables = {route.table for route in routes}
    named = {table for table in tables if not table.isdecimal()} - {"main", "local", "default", "unspec"}
    for vrf in vrfs:
        if vrf.table not in tables and (named or not vrf.table):
            span = spans[vrf.name]
            reason = (
                f"the routes of table {vrf.table} may be listed under a name: {', '.join(sorted(named))}"
            )
            reading.ledger_of(span).unsupported(span.first_line, span.last_line, reason, bounded=False)


def _account_loops(reading: Reading, routes: Iterable[Route], rules: Iterable[RoutingRule]) -> None:
    """A unicast route into ``lo`` brings the packet back as input from ``lo``: a second lookup."""
    plain = all(rule.table in ("local", "main", "default") for rule in rules)
    for route in routes:
        looped = any(hop.interface == "lo" for hop in route.next_hops)
        if route.kind is RouteKind.UNICAST and looped and not plain and route.span is not None:
            span = route.span
            reason = "a packet sent into lo is looked up again by rules that ask for its input interface"
            reading.ledger_of(span).unsupported(span.first_line, span.last_line, reason, bounded=False)


# ---- neighbours and the rest --------------------------------------------------------------------


def _neighbours(
    reading: Reading, records: Iterable[NeighbourRecord], interfaces: Container[str]
) -> Iterator[Neighbour]:
    for record in records:
        if record.interface not in interfaces:
            reason = "on an interface that is not listed"
            reading.ledger_of(record.span).ignored(record.span.first_line, record.span.last_line, reason)
            continue
        if not record.mac or record.states & _UNRESOLVED:
            reason = f"no answer: {' '.join(sorted(record.states)) or 'no link-layer address'}"
            span = record.span
            reading.ledger_of(span).ignored(span.first_line, span.last_line, reason)
        else:
            yield Neighbour(record.interface, record.family, record.address, record.mac, record.span)


def _account_proxied(
    reading: Reading, proxied: tuple[NeighbourRecord, ...] | None, forwarded: frozenset[Family]
) -> None:
    """IPv6 proxies answer for single addresses, which the model has no word for."""
    if proxied is None and forwarded:
        reason = f"{platform.PROXY_NEIGHBOUR} was not collected: the device is taken to be no proxy"
        reading.ledger(reading.required(platform.LINK)).unsupported(1, None, reason, bounded=False)
    for record in proxied or ():
        if record.family is Family.IPV6 and Family.IPV6 in forwarded:
            span, reason = record.span, "answers neighbour solicitations for this address"
            reading.ledger_of(span).unsupported(span.first_line, span.last_line, reason, bounded=False)


def _account_hostname(reading: Reading) -> None:
    file = reading.required(platform.HOSTNAME)
    ledger = reading.ledger(file)
    for number, line in enumerate(file.text.split("\n"), start=1):
        if line.strip() and line.strip() != reading.raw.device:
            ledger.ignored(number, None, "the device's own name differs from the inventory's")
    ledger.rest_is_fact()


def _account_machine_listing(reading: Reading, filters: FilterFacts) -> None:
    """``nft -j`` says what ``nft -a`` says; the rules cite the lines of the latter."""
    counted = {tally.file.rsplit("/", 1)[-1] for tally in filters.tallies}
    if platform.NFTABLES_JSON not in counted:
        listing = reading.optional(platform.NFTABLES_JSON)
        if listing is not None:
            reading.ledger(listing).rest_is_fact()


def _account_bridged_translation(
    reading: Reading, settings: Sysctls, links: Iterable[LinkRecord], filters: FilterFacts
) -> None:
    """A bridged packet whose destination is translated leaves the bridge for the routing table."""
    if not any(attachment.translates for attachment in filters.attachments):
        return
    listed = tuple(links)
    for link in listed:
        calls = sysctl.bridges_call_filters(settings) or bool(link.info_data.get("nf_call_iptables"))
        has_ports = any(port.master == link.name for port in listed)
        if link.info_kind == "bridge" and has_ports and calls:
            span, reason = link.span, "bridged packets pass the NAT rules: bridge-nf-call-iptables"
            reading.ledger_of(span).unsupported(span.first_line, span.last_line, reason, bounded=False)


def _account_bridge_links(reading: Reading) -> None:
    """``ip -d link`` says the same of every bridge port."""
    file = reading.optional(platform.BRIDGE_LINK)
    if file is not None:
        reading.ledger(file).rest_is_ignored("told by ip-link.json too")
