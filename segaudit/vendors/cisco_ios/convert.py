"""The running configuration of a device to a ``Device``."""

from __future__ import annotations

from segaudit.errors import Problem, SnapshotError
from segaudit.model.acl import AllOf, UnknownMatch
from segaudit.model.device import (
    DEFAULT_VRF,
    Device,
    Interface,
    InterfaceKind,
    NextHop,
    Route,
    RoutingRule,
    TunnelEnds,
)
from segaudit.model.flow import Family
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.parse.cisco.source_routes import REASON, source_routes
from segaudit.parse.device_files import DeviceFiles, config_files
from segaudit.parse.ledger import LineLedger
from segaudit.vendors.cisco_ios import convert_filters, convert_interfaces, convert_nat, convert_routing
from segaudit.vendors.cisco_ios.claims import looks_like_ios
from segaudit.vendors.cisco_ios.convert_filters import Filters
from segaudit.vendors.cisco_ios.convert_zones import add_zones
from segaudit.vendors.cisco_ios.extract import extract
from segaudit.vendors.cisco_ios.platform import CONFIG, PLATFORM, routes_file
from segaudit.vendors.cisco_ios.records import Config
from segaudit.vendors.cisco_ios.route_tables import RouteTable, Tables, read_tables, resolved

_CRYPTO_PRIORITY = -300_000


def device(raw: RawConfig) -> Device:
    """The device that the configuration among the files of ``raw`` describes.

    Raises:
        SnapshotError: there is no configuration, or more than one.
    """
    files = DeviceFiles(raw)
    file, ledger = files.open(_configuration(raw))
    config = extract(file, ledger)
    convert_interfaces.settle_modes(config, ledger)
    convert_interfaces.account_families(config, ledger)
    filters = convert_filters.filters(config, ledger)
    carried = {title: carrier for title, _, carrier, _, _ in convert_nat.crypto_tunnels(filters)}
    add_zones(filters, carried)
    named = convert_interfaces.interfaces(config)
    interfaces, unknown = convert_nat.add_nat(filters, named, carried)
    _add_source_routes(filters, interfaces, ledger)
    routes, rules, interfaces = _routing(filters, interfaces, _tables(files, config))
    lines, tallies = files.close("the configuration says what is read of it")
    return Device(
        name=raw.device,
        platform=PLATFORM.name,
        interfaces=interfaces,
        routes=routes,
        rules=rules,
        acls=filters.acls,
        attachments=tuple(filters.attachments),
        forwards=convert_interfaces.routed(config),
        tracks_connections=convert_filters.tracks_connections(config),
        unknown_translation=unknown,
        labels=raw.labels,
        lines=lines,
        tallies=tallies,
        services=tuple(sorted(set(convert_filters.services(config)))),
        processes=tuple(sorted(set(config.processes))),
        shared_fate=tuple(sorted(set(config.shared_fate))),
    )


def _configuration(raw: RawConfig) -> RawFile:
    """The one configuration; of several it is not known which one the device runs."""
    found = config_files(raw, CONFIG, looks_like_ios)
    if not found and len(raw.files) == 1:
        found = raw.files
    if len(found) == 1:
        if found[0].exit_status:
            raise _refusal(raw, "the command that shows the configuration failed", found[0].text[:80])
        return found[0]
    what = "several files look like its configuration" if found else "no configuration among its files"
    raise _refusal(raw, what, ", ".join(sorted(file.path for file in found or raw.files)))


def _refusal(raw: RawConfig, what: str, value: str) -> SnapshotError:
    return SnapshotError(Problem(f"device {raw.device!r}", what, value, f"keep one, called {CONFIG}"))


def _add_source_routes(filters: Filters, interfaces: dict[str, Interface], ledger: LineLedger) -> None:
    """Source routing is on unless it is switched off (see the notes): a packet's destination may change."""
    config = filters.config
    last = config.ended.first_line if config.ended is not None else 1
    for family, on in (
        (Family.IPV4, config.routes4 and config.source_routes),
        (Family.IPV6, config.routes6 and config.source_routes6),
    ):
        learned = convert_interfaces.learned_addresses(config)
        vrfs = frozenset(vrf or DEFAULT_VRF for vrf, of, _ in learned if of is family)
        made = source_routes(interfaces, vrfs, family) if on else None
        if made is not None:
            acl, attachment = made
            filters.acls[acl.name] = acl
            filters.attachments.append(attachment)
            ledger.unsupported(last, None, REASON, bounded=True, text=acl.name)


def _tables(files: DeviceFiles, config: Config) -> Tables:
    """The collected routing tables that count."""
    vrfs: tuple[str | None, ...] = (None, *sorted(config.vrfs))
    found: dict[tuple[str, Family], RouteTable] = {}
    for family in Family:
        for vrf in vrfs:
            output = files.output(routes_file(family, vrf))
            if output is not None:
                for table in read_tables(output[0].text, output[1], family, vrf):
                    found.setdefault((table.vrf, family), table)
    return resolved(found)


def _routing(
    filters: Filters, interfaces: dict[str, Interface], tables: Tables
) -> tuple[tuple[Route, ...], tuple[RoutingRule, ...], dict[str, Interface]]:
    """All routes and rules; the tunnels of crypto maps are interfaces, too."""
    config = filters.config
    tunnels, tunnel_routes, tunnel_rules = _crypto(filters, interfaces)
    everything = {**interfaces, **tunnels}
    configured = convert_routing.routing(config, everything, tables)
    policy_routes, policy_rules = convert_routing.policy_routing(filters, everything)
    groups, group_rules = convert_routing.multicast_routing(config, everything)
    routes = (*configured.routes, *policy_routes, *groups, *tunnel_routes)
    more = (*tunnel_rules, *group_rules, *policy_rules)
    return routes, convert_routing.with_defaults(configured.rules, more), everything


def _crypto(
    filters: Filters, interfaces: dict[str, Interface]
) -> tuple[dict[str, Interface], tuple[Route, ...], tuple[RoutingRule, ...]]:
    """Each peer of a crypto map as a tunnel interface that packets may take instead of their route."""
    tunnels: dict[str, Interface] = {}
    routes: list[Route] = []
    rules: list[RoutingRule] = []
    for title, span, carrier, peer, matches in convert_nat.crypto_tunnels(filters):
        vrf = interfaces[carrier].vrf
        ends = TunnelEnds("ipsec", Family.IPV4, destination=peer, source_interface=carrier, vrf=vrf)
        tunnels[title] = Interface(
            title,
            InterfaceKind.TUNNEL,
            vrf=vrf or DEFAULT_VRF,
            forwarding=interfaces[carrier].forwarding,
            span=span,
            tunnel=ends,
        )
        routes.append(Route(Family.IPV4, 0, 0, (NextHop(title, anyone=True),), table=title, span=span))
        perhaps = AllOf((matches, UnknownMatch("crypto map", "which packets leave by the interface")))
        rules.append(RoutingRule(Family.IPV4, _CRYPTO_PRIORITY + len(rules), perhaps, title, span=span))
    return tunnels, tuple(routes), tuple(rules)
