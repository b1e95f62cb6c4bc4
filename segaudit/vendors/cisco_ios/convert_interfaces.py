"""Interface records to neutral interfaces, with IOS's defaults for what is not written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from segaudit.model.device import Interface, InterfaceAddress, InterfaceKind, TunnelEnds
from segaudit.model.flow import Family
from segaudit.parse.cisco import conversion
from segaudit.parse.ledger import LineLedger
from segaudit.vendors.cisco_ios.dialect import IOS
from segaudit.vendors.cisco_ios.records import Config, IosInterface


def interfaces(config: Config) -> dict[str, Interface]:
    """Every interface that the configuration names, by name; aggregates that only members name, too."""
    switch = is_switch(config)
    found = {record.name: _interface(config, record, switch) for record in config.interfaces.values()}
    for name in sorted({one.parent for one in found.values() if one.parent} - set(found)):
        carried = next(one for one in found.values() if one.parent == name)
        kind = conversion.kind_of(name)
        like = config.interfaces[carried.name]
        switched = kind is InterfaceKind.AGGREGATE and is_switchport(like, switch)
        port = conversion.switchport(like) if switched else None
        found[name] = Interface(name, kind, switchport=port, span=carried.span)
    return conversion.unnumbered(found, config.interfaces.values(), IOS)


def settle_modes(config: Config, ledger: LineLedger) -> None:
    """A port with an access VLAN and no mode is an access port unless its neighbour negotiates a trunk.

    As a trunk it would join its native VLAN with its access VLAN, which is certainly not so; that it
    may become one is a doubt about the device. A port with no line at all stays both.
    """
    for record in config.interfaces.values():
        silent = record.mode is None and record.trunk_vlans is None and record.native_vlan is None
        if silent and record.switchport and record.access_vlan is not None:
            record.mode = "access"
            if record.negotiates and not record.shutdown:
                line = record.span.first_line
                reason = "its mode is negotiated: a neighbour may make it a trunk for every VLAN"
                ledger.unsupported(line, None, reason, bounded=False)


def account_families(config: Config, ledger: LineLedger) -> None:
    """IPv6 of an interface in a VRF of ``ip vrf``, which is of IPv4 alone, is in the global table."""
    for record in config.interfaces.values():
        joined = config.vrfs.get(record.vrf or "")
        if record.ipv6 and joined is not None and joined.ipv4_only:
            reason = f"VRF {joined.name} is of IPv4 alone: IPv6 here is in the global table"
            ledger.unsupported(record.span.first_line, None, reason, bounded=False)


def routed(config: Config) -> frozenset[Family]:
    """The families that the device routes: IPv4 unless ``no ip routing``, IPv6 where it is switched on."""
    on = {Family.IPV4: config.routes4, Family.IPV6: config.routes6}
    return frozenset(family for family, routes in on.items() if routes)


def is_switch(config: Config) -> bool:
    """True where the device has switchports: a line of one, an SVI or a VLAN says so."""
    return config.vlans_defined or any(
        one.switchport is not None or one.name.startswith("Vlan") for one in config.interfaces.values()
    )


def is_switchport(record: IosInterface, switch: bool) -> bool:
    """A port is a switchport where it says so; on a switch also where nothing shows it to be routed.

    A routed port prints ``no switchport`` or at least ``no ip address``.
    """
    kind = conversion.kind_of(record.name)
    if kind not in (InterfaceKind.PHYSICAL, InterfaceKind.AGGREGATE):
        return False
    if record.switchport is not None:
        return record.switchport
    return switch and not record.speaks_ip and not record.ipv6


def _interface(config: Config, record: IosInterface, switch: bool) -> Interface:
    is_tunnel = conversion.kind_of(record.name) is InterfaceKind.TUNNEL
    aggregate = f"Port-channel{record.channel_group}" if record.channel_group else None
    switched = is_switchport(record, switch) and not (aggregate and record.switchport is None)
    return conversion.interface(
        record,
        routed(config) & _speaks(record),
        switched=switched,
        enabled=not record.shutdown,
        proxy_arp=True,
        aggregate=aggregate,
        tunnel=_tunnel(record) if is_tunnel else None,
    )


def _speaks(record: IosInterface) -> frozenset[Family]:
    """The families that an interface processes: ``no ip address`` switches IPv4 off (see the notes)."""
    four = record.unnumbered is not None or any(one.family is Family.IPV4 for one in record.addresses)
    on = {Family.IPV4: four, Family.IPV6: record.ipv6}
    return frozenset(family for family, speaks in on.items() if speaks or family in record.learns_address)


def _tunnel(record: IosInterface) -> TunnelEnds:
    ends = conversion.tunnel_ends(record, IOS)
    return replace(ends, kind="ipsec") if record.protected else ends


def learned_addresses(config: Config) -> Iterator[tuple[str | None, Family, str]]:
    """VRF, family and reason of each interface whose address is not written."""
    for record in config.interfaces.values():
        for family, how in record.learns_address.items():
            yield record.vrf, family, f"{record.name} has an address by {how.split()[0]}"


def with_more(interface: Interface, more: tuple[InterfaceAddress, ...]) -> Interface:
    """The interface, answering for more addresses."""
    return replace(interface, addresses=tuple(dict.fromkeys((*interface.addresses, *more))))
