"""The configuration of a FortiGate to a ``Device``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from segaudit.model.acl import Ace, Acl, AclAttachment, Forwarding, Hook
from segaudit.model.device import Device, Interface, InterfaceAddress
from segaudit.model.flow import Family
from segaudit.model.snapshot import RawConfig
from segaudit.vendors.fortinet_fortios import local_in, policies, source_nat
from segaudit.vendors.fortinet_fortios.addresses import Addresses, parse_range
from segaudit.vendors.fortinet_fortios.domains import ANY, Domain
from segaudit.vendors.fortinet_fortios.interfaces import MANY, Interfaces, read_interfaces
from segaudit.vendors.fortinet_fortios.platform import PLATFORM
from segaudit.vendors.fortinet_fortios.reading import Reading
from segaudit.vendors.fortinet_fortios.reverse_path import read_reverse_paths
from segaudit.vendors.fortinet_fortios.routes import read_routing
from segaudit.vendors.fortinet_fortios.services import Services
from segaudit.vendors.fortinet_fortios.shared import processes, shared_fate
from segaudit.vendors.fortinet_fortios.state import neighbours, routing_table
from segaudit.vendors.fortinet_fortios.virtual_ips import VirtualIps

_BOTH = frozenset(Family)
DESTINATION_NAT = "destination nat"


def device(raw: RawConfig) -> Device:
    """The device that the configuration of ``raw`` describes.

    Raises:
        SnapshotError: there is no configuration.
    """
    reading = Reading(raw)
    found = read_interfaces(reading)
    domains = [
        Domain(vdom, reading, found, Addresses(reading, vdom), Services(reading, vdom))
        for vdom in reading.vdoms
    ]
    virtual_ips = {domain.name: VirtualIps(domain) for domain in domains}
    acls, attachments = _filters(domains, virtual_ips)
    routing = read_routing(
        reading, found, {domain.name: domain.addresses for domain in domains}, routing_table(reading, found)
    )
    checks = tuple(
        read_reverse_paths(_checked(found), routing.routes, _known_tables(domains, routing.unknown))
    )
    bare = Device(
        name=raw.device,
        platform=PLATFORM.name,
        interfaces=_answering(domains, virtual_ips, found),
        routes=routing.routes,
        rules=routing.rules,
        neighbours=tuple(neighbours(reading, found)),
        acls=acls | {acl.name: acl for acl, _ in checks},
        attachments=(*attachments, *(attachment for _, attachment in checks)),
        forwards=_BOTH,
        tracks_connections=True,
        labels=raw.labels,
    )
    return _with_facts(bare, reading, domains, found)


def _with_facts(bare: Device, reading: Reading, domains: Sequence[Domain], found: Interfaces) -> Device:
    """The device with what forwarding does not rest on, and the fate of every line."""
    services = {one for domain in domains for one in local_in.management_services(domain)}
    running, fate = set(processes(reading, found)), set(shared_fate(reading))
    lines, tallies = reading.files.close()
    return replace(
        bare,
        services=tuple(sorted(services)),
        processes=tuple(sorted(running)),
        shared_fate=tuple(sorted(fate)),
        lines=lines,
        tallies=tallies,
    )


def _filters(
    domains: Sequence[Domain], virtual_ips: Mapping[str, VirtualIps]
) -> tuple[dict[str, Acl], tuple[AclAttachment, ...]]:
    """Every chain, and where it is applied: the policies to what is forwarded, local-in to what is not."""
    made = [policies.forward_chain(domains), local_in.local_chain(domains)]
    attached = [
        AclAttachment(policies.FORWARD, Hook.FORWARD, 0, _BOTH),
        AclAttachment(local_in.LOCAL_IN, Hook.INPUT, 0, _BOTH),
    ]
    translations: list[Acl] = []
    for domain in domains:
        ips = virtual_ips[domain.name]
        found = policies.read_policies(domain, ips)
        made += [policies.policy_chain(domain, ips, found), local_in.domain_chain(domain, found)]
        translations.append(source_nat.domain_chain(domain, ips, found))
    if any(source_nat.translates(one) for one in translations):
        made += [source_nat.source_chain(domains), *translations]
        attached.append(AclAttachment(source_nat.SOURCE_NAT, Hook.POSTROUTING, 100, _BOTH, translates=True))
    destination = tuple(_destination_aces(domains, virtual_ips))
    if destination:
        made.append(Acl(DESTINATION_NAT, destination, Forwarding.ACCEPT))
        attached.append(AclAttachment(DESTINATION_NAT, Hook.PREROUTING, -100, _BOTH, translates=True))
    return {acl.name: acl for acl in made}, tuple(attached)


def _checked(found: Interfaces) -> dict[str, Interface]:
    """The interfaces that packets come in by and whose sources are checked."""
    return {
        name: found.by_name[name]
        for name, entry in found.entries.items()
        if entry.word("src-check", "enable") != "disable"
    }


def _known_tables(domains: Sequence[Domain], unknown: frozenset[str]) -> frozenset[str]:
    """The VRFs whose IPv4 table is all in the configuration, with no policy route before it."""
    return frozenset(
        vrf
        for domain in domains
        if not domain.names("router policy")
        for vrf in domain.found.vrfs_of(domain.name)
        if vrf not in unknown
    )


def _destination_aces(domains: Sequence[Domain], virtual_ips: Mapping[str, VirtualIps]) -> Iterator[Ace]:
    for domain in domains:
        yield from virtual_ips[domain.name].aces


# ---- addresses that are answered for ------------------------------------------------------------


def _answering(
    domains: Sequence[Domain], virtual_ips: Mapping[str, VirtualIps], found: Interfaces
) -> dict[str, Interface]:
    """The interfaces, with the addresses of virtual IPs and pools that they answer ARP for."""
    interfaces = dict(found.by_name)
    for domain in domains:
        for name, family, first, last in _answered(domain, virtual_ips[domain.name]):
            port = name if name not in ("", ANY) else _place_of(domain, interfaces, family, first)
            if port in interfaces:
                interfaces[port] = _with_addresses(interfaces[port], family, first, last)
        for entry in domain.names("system proxy-arp").values():
            _answer_all(interfaces, entry.word("interface"))
    for entry in domains[0].reading.table("", "system proxy-arp").values():
        _answer_all(interfaces, entry.word("interface"))
    return {name: interfaces[name] for name in sorted(interfaces)}


def _place_of(domain: Domain, interfaces: Mapping[str, Interface], family: Family, address: int) -> str:
    """The interface in whose subnet an address is, else the first: a device answers on any of them."""
    for name in domain.ports:
        for own in interfaces[name].addresses:
            if own.family is family and own.network[0] <= address <= own.network[1]:
                return name
    return next(iter(domain.ports), "")


def _answer_all(interfaces: dict[str, Interface], name: str) -> None:
    if name in interfaces:
        interfaces[name] = replace(interfaces[name], proxy_arp=True)


def _answered(domain: Domain, virtual_ips: VirtualIps) -> Iterator[tuple[str, Family, int, int]]:
    for one in virtual_ips.all:
        if one.answers_arp:
            yield from ((one.interface, one.family, *external) for external in one.external)
    for pool in domain.names("firewall ippool").values():
        addresses = parse_range(f"{pool.word('startip')}-{pool.word('endip')}", Family.IPV4)
        if addresses is not None and pool.word("arp-reply", "enable") != "disable":
            yield pool.word("arp-intf", ANY), Family.IPV4, *addresses


def _with_addresses(port: Interface, family: Family, first: int, last: int) -> Interface:
    """The interface with further addresses, or as a proxy where they are many."""
    if last - first >= MANY:
        return replace(port, proxy_arp=True)
    own = {one.address for one in port.addresses if one.family is family}
    further = tuple(
        InterfaceAddress(family, address, family.bits, port.span)
        for address in range(first, last + 1)
        if address not in own
    )
    return replace(port, addresses=(*port.addresses, *further))
