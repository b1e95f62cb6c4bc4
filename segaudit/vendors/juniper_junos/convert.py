"""All of a Junos configuration to a ``Device``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from segaudit.model.acl import Ace, Acl, AclAttachment, Direction, Forwarding, Hook, InterfaceIn, Not
from segaudit.model.device import Device, Interface
from segaudit.model.flow import Family
from segaudit.model.snapshot import RawConfig
from segaudit.routing.configured import configured_routing
from segaudit.vendors.juniper_junos import convert_filters as to_filters
from segaudit.vendors.juniper_junos import convert_interfaces as to_interfaces
from segaudit.vendors.juniper_junos import convert_nat as to_nat
from segaudit.vendors.juniper_junos import convert_policies as to_policies
from segaudit.vendors.juniper_junos import convert_routing as to_routing
from segaudit.vendors.juniper_junos import convert_services as to_services
from segaudit.vendors.juniper_junos import harmless, platform, route_table, vpn
from segaudit.vendors.juniper_junos.addresses import AddressBooks
from segaudit.vendors.juniper_junos.applications import Applications
from segaudit.vendors.juniper_junos.convert_filters import ANYWHERE, FAMILIES, Filters
from segaudit.vendors.juniper_junos.extract_instances import instances, processes, vrf_of
from segaudit.vendors.juniper_junos.extract_interfaces import ports, units
from segaudit.vendors.juniper_junos.prefix_lists import prefix_lists
from segaudit.vendors.juniper_junos.reading import Reading
from segaudit.vendors.juniper_junos.records import MASTER, NO_INSTANCE, FilterUse, Instance, Unit, Zone
from segaudit.vendors.juniper_junos.zones import host_inbound, zones

_BOTH = frozenset(Family)
_NAT_BEFORE, _NAT_AFTER = -100, 100


@dataclass(slots=True)
class Chains:
    """The filters of a device and where they are applied."""

    acls: dict[str, Acl] = field(default_factory=dict)
    attachments: list[AclAttachment] = field(default_factory=list)
    tracks_connections: bool = False
    unknown_translation: bool = False


def device(raw: RawConfig) -> Device:
    """The device that the configuration among the files of ``raw`` describes.

    Raises:
        SnapshotError: there is no configuration, or nothing in it.
    """
    reading = Reading(raw)
    known_ports = ports(reading)
    known_units = units(reading, known_ports)
    known_instances = instances(reading)
    known_zones = zones(reading)
    interfaces = vpn.with_ends(
        reading,
        to_interfaces.interfaces(
            reading,
            known_ports,
            known_units,
            to_interfaces.vlans(reading),
            vrf_of(known_instances),
            {name: zone.name for zone in known_zones.values() for name in zone.interfaces},
        ),
    )
    chains = Chains()
    interfaces = _firewall(reading, chains, known_zones, interfaces)
    filters = to_filters.filters(reading, prefix_lists(reading))
    chains.acls |= to_filters.filter_acls(filters)
    _account_table_filters(reading, filters, known_instances)
    routes = to_routing.routes(reading, known_instances, known_units, interfaces)
    for name in vpn.selecting(reading) & interfaces.keys():
        routes.doubt(interfaces[name].vrf, Family, f"traffic selectors of {name} make routes")
    _apply(reading, chains, routes, filters, known_units, interfaces, known_instances)
    interfaces = route_table.settle(reading, routes, interfaces)
    return _assembled(reading, chains, routes, _apart(interfaces, routes), known_instances)


def _apart(interfaces: Mapping[str, Interface], routes: to_routing.Routes) -> dict[str, Interface]:
    """The interfaces, with bare ports in no instance: it is their units that send and receive packets.

    Where there is one instance alone and nothing unknown, that makes no difference and is left out.
    """
    if not routes.reasons and {one.vrf for one in interfaces.values()} <= {MASTER}:
        return dict(interfaces)
    return {
        name: one if one.forwarding or one.addresses else replace(one, vrf=NO_INSTANCE)
        for name, one in interfaces.items()
    }


def _assembled(
    reading: Reading,
    chains: Chains,
    routes: to_routing.Routes,
    interfaces: Mapping[str, Interface],
    known_instances: Mapping[str, Instance],
) -> Device:
    made = configured_routing(interfaces.values(), routes.statics, routes.unknown(), routes.own, False)
    services = to_services.management(reading, _filter_of_the_device(chains))
    fate = to_services.shared_fate(reading)
    running = processes(reading, dict(known_instances))
    harmless.account(reading)
    lines, tallies = reading.close()
    return Device(
        name=reading.raw.device,
        platform=platform.PLATFORM.name,
        interfaces=dict(sorted(interfaces.items())),
        routes=made.routes,
        rules=made.rules,
        acls=dict(sorted(chains.acls.items())),
        attachments=tuple(chains.attachments),
        forwards=frozenset(family for one in interfaces.values() for family in one.forwarding),
        tracks_connections=chains.tracks_connections,
        unknown_translation=chains.unknown_translation,
        labels=reading.raw.labels,
        lines=lines,
        tallies=tallies,
        services=services,
        processes=running,
        shared_fate=fate,
    )


def _filter_of_the_device(chains: Chains) -> str:
    return next((one.acl for one in chains.attachments if one.hook is Hook.INPUT), "")


# ---- firewall filters ---------------------------------------------------------------------------


def _apply(
    reading: Reading,
    chains: Chains,
    routes: to_routing.Routes,
    filters: Filters,
    known_units: Sequence[Unit],
    interfaces: Mapping[str, Interface],
    known_instances: Mapping[str, Instance],
) -> None:
    for unit in known_units:
        interface = interfaces.get(unit.name)
        for use in unit.filters if interface is not None else ():
            name = _filter_for(reading, chains, filters, use)
            _redirected(routes, filters, use, interfaces[unit.name].vrf, known_instances)
            if unit.port.startswith("lo"):
                _attach_to_device(reading, chains, use, name, unit, interfaces)
            else:
                hook = Hook.EGRESS if use.outward else Hook.INGRESS
                families = FAMILIES[use.family]
                chains.attachments.append(AclAttachment(name, hook, 0, families, interface=unit.name))


def _filter_for(reading: Reading, chains: Chains, filters: Filters, use: FilterUse) -> str:
    """The chain of one use; one that names what is not there decides nothing for certain."""
    names = [(use.family, name) for name in use.names]
    if any(key not in filters for key in names):
        reading.unsupported(use.node, "a filter that is not there: it may pass anything", bounded=True)
        return to_filters.acl_name(use.family, f"{' '.join(use.names)} (not there)")
    if len(names) == 1:
        return to_filters.acl_name(*names[0])
    made = to_filters.list_acl(filters, use.family, use.names)
    assert made is not None
    chains.acls[made.name] = made
    return made.name


def _account_table_filters(
    reading: Reading, filters: Filters, known_instances: Mapping[str, Instance]
) -> None:
    """Filters of a forwarding table: what they drop counts as passed, where they send is not followed."""
    for one in known_instances.values():
        for family in FAMILIES:
            node = one.node.get("forwarding-options", "family", family)
            names = (
                tuple(word for way in ("input", "output") for word in node.words("filter", way))
                if node
                else ()
            )
            unread = any((family, name) not in filters for name in names)
            if unread or to_filters.redirects_of(filters, family, names):
                reading.unsupported(node, "a filter of the table may send packets elsewhere", bounded=False)


def _redirected(
    routes: to_routing.Routes,
    filters: Filters,
    use: FilterUse,
    vrf: str,
    known_instances: Mapping[str, Instance],
) -> None:
    """Filter-based forwarding: such packets are looked up in another table."""
    for target in sorted(to_filters.redirects_of(filters, use.family, use.names)):
        targets = list(known_instances) if target == ANYWHERE or target not in known_instances else [target]
        for family in FAMILIES[use.family]:
            for one in targets:
                routes.lookup(vrf, family, one, f"filter {' '.join(use.names)} chooses the table")


def _attach_to_device(
    reading: Reading,
    chains: Chains,
    use: FilterUse,
    name: str,
    unit: Unit,
    interfaces: Mapping[str, Interface],
) -> None:
    """A filter of the loopback guards the device itself against what comes by its own instance."""
    if use.outward:
        reading.unsupported(use.node, "what it would drop counts as sent", bounded=True)
        return
    vrf = interfaces[unit.name].vrf
    members = tuple(sorted(one.name for one in interfaces.values() if one.vrf == vrf))
    guarded = chains.acls.get(name)
    if guarded is None:
        return
    title = f"{name} for the device ({unit.name})"
    elsewhere = Ace(Not(InterfaceIn(Direction.IN, members)), Forwarding.ACCEPT, text=f"not by {vrf}")
    chains.acls[title] = replace(guarded, name=title, aces=(elsewhere, *guarded.aces))
    chains.attachments.append(AclAttachment(title, Hook.INPUT, 0, FAMILIES[use.family]))


# ---- the firewall of an SRX ---------------------------------------------------------------------


def _firewall(
    reading: Reading, chains: Chains, known_zones: Mapping[str, Zone], interfaces: Mapping[str, Interface]
) -> dict[str, Interface]:
    """Zones, policies and translations, where the device has them and sends packets through them."""
    found = dict(interfaces)
    stateful = bool(known_zones) or reading.root.has("security", "policies")
    families = _flow_families(reading)
    books = AddressBooks(reading)
    applications = Applications(reading)
    reading.fact(reading.root.get("security"))
    book = to_policies.Book(reading, known_zones, books, applications)
    policies = to_policies.policy_acls(book) if stateful else {}
    translations = to_nat.nat(reading, known_zones, found, books, applications)
    for name in translations.proxied & found.keys():
        found[name] = replace(found[name], proxy_arp=True)
    if not families:
        return found
    chains.unknown_translation = translations.unknown
    if stateful:
        guard = host_inbound(reading, known_zones, found)
        chains.acls |= policies | {guard.name: guard}
        chains.attachments.append(AclAttachment(to_policies.POLICIES, Hook.FORWARD, 0, families))
        chains.attachments.append(AclAttachment(guard.name, Hook.INPUT, 10, families))
    chains.acls |= translations.acls()
    for name, hook, priority in (
        (to_nat.BEFORE, Hook.PREROUTING, _NAT_BEFORE),
        (to_nat.AFTER, Hook.POSTROUTING, _NAT_AFTER),
    ):
        if name in chains.acls:
            chains.attachments.append(AclAttachment(name, hook, priority, families, translates=True))
    chains.tracks_connections = stateful or bool(translations.acls())
    return found


def _flow_families(reading: Reading) -> frozenset[Family]:
    """The families that policies see: in packet mode a device only routes and filters."""
    options = reading.root.get("security", "forwarding-options")
    if options is None:
        return _BOTH
    reading.fact(options)
    reading.facts(options.get("family"))
    if options.value("family", "mpls", "mode") == "packet-based":
        return frozenset()
    packets = options.value("family", "inet6", "mode") == "packet-based"
    return frozenset({Family.IPV4}) if packets else _BOTH
