"""Interfaces as forwarding sees them; a crypto map's peers are tunnels of their own."""

from __future__ import annotations

from collections.abc import Iterator

from segaudit.model.device import (
    DEFAULT_VRF,
    Interface,
    InterfaceKind,
    Switchport,
    SwitchportMode,
    TunnelEnds,
)
from segaudit.model.flow import Family
from segaudit.parse.cisco import addresses
from segaudit.parse.cisco.conversion import svi_vlan
from segaudit.parse.cisco.vlans import EVERY_VLAN
from segaudit.vendors.cisco_asa.records import Config, CryptoEntry, InterfaceRecord

MANAGEMENT_VRF = "management-only"
"""The routing table of management-only interfaces (General Operations CLI Configuration Guide 9.5, "Routing
Table for Management Traffic")."""

VPN_USERS = "VPN users"
_INSIDE_LEVEL = 100
_FIRST_SEPARATE = (9, 5)
_KINDS = {
    "Loopback": InterfaceKind.LOOPBACK,
    "Tunnel": InterfaceKind.TUNNEL,
    "Port-channel": InterfaceKind.AGGREGATE,
    "Redundant": InterfaceKind.AGGREGATE,
    "Vlan": InterfaceKind.VLAN,
    "BVI": InterfaceKind.OTHER,
}


def security_level(one: InterfaceRecord) -> int:
    """The level, which is 100 for ``inside`` and 0 for every other name where nothing is said."""
    if one.security_level is not None:
        return one.security_level
    return _INSIDE_LEVEL if one.nameif == "inside" else 0


def vrf_of(config: Config, one: InterfaceRecord) -> str:
    """The routing table that an interface's packets are looked up in."""
    shared = (0, 0) < config.version < _FIRST_SEPARATE
    return MANAGEMENT_VRF if one.management_only and not shared else DEFAULT_VRF


def interfaces(config: Config, proxied: frozenset[str]) -> dict[str, Interface]:
    """Every interface by name, those of tunnels included.

    Args:
        config: the records.
        proxied: names of the interfaces on which translated addresses are answered for.
    """
    members = {name: one.name for one in config.interfaces.values() for name in one.members}
    switched = any(one.name.startswith("Vlan") for one in config.interfaces.values())
    found = {
        one.name: _interface(config, one, members.get(one.name), switched, one.name in proxied)
        for one in config.interfaces.values()
    }
    return found | {tunnel.name: tunnel for tunnel in _vpn(config)}


def _interface(
    config: Config, one: InterfaceRecord, redundant: str | None, switched: bool, proxied: bool
) -> Interface:
    kind, vlan, parent = _place(one)
    return Interface(
        name=one.name,
        kind=kind,
        enabled=not one.shutdown,
        mac=one.mac,
        mtu=config.mtu.get(one.nameif, 1500),
        addresses=tuple(dict.fromkeys(one.addresses)) if one.nameif else (),
        vrf=vrf_of(config, one),
        parent=one.aggregate or redundant or parent,
        switchport=_switchport(one, switched),
        forwarding=_forwarded(one),
        reverse_path_filter=1 if one.nameif in config.reverse_path else 0,
        proxy_arp=proxied,
        description=one.description,
        span=one.span,
        vlan=vlan,
        zone=one.nameif or None,
        tunnel=_tunnel(config, one) if kind is InterfaceKind.TUNNEL else None,
    )


def _place(one: InterfaceRecord) -> tuple[InterfaceKind, int | None, str | None]:
    """Kind, VLAN and carrier by the name."""
    if "." in one.name:
        return InterfaceKind.VLAN, one.vlan, one.name.rpartition(".")[0]
    letters = one.name.rstrip("0123456789/")
    return _KINDS.get(letters, InterfaceKind.PHYSICAL), svi_vlan(one.name), None


def _forwarded(one: InterfaceRecord) -> frozenset[Family]:
    """An interface without a name passes nothing; IPv6 only where it is turned on."""
    if not one.nameif or one.management_only:
        return frozenset()
    return frozenset(Family) if one.ipv6 else frozenset({Family.IPV4})


def _switchport(one: InterfaceRecord, switched: bool) -> Switchport | None:
    """On an ASA 5505 every port is a switchport of VLAN 1 where nothing is said."""
    plain_port = one.name.startswith("Ethernet") and not one.nameif and "." not in one.name
    if one.switchport is SwitchportMode.TRUNK:
        return Switchport(SwitchportMode.TRUNK, 0, one.native_vlan, one.trunk_vlans or EVERY_VLAN)
    if one.switchport is SwitchportMode.ACCESS or (switched and plain_port):
        return Switchport(SwitchportMode.ACCESS, one.access_vlan)
    return None


# ---- tunnels ------------------------------------------------------------------------------------


def _tunnel(config: Config, one: InterfaceRecord) -> TunnelEnds:
    """A virtual tunnel interface: ``tunnel source interface NAMEIF``, ``tunnel mode ipsec ipv4``."""
    destination = addresses.address(config.names.get(one.tunnel_destination, one.tunnel_destination))
    family = destination[0] if destination else Family.IPV6 if "ipv6" in one.tunnel_kind else Family.IPV4
    kind = one.tunnel_kind.split()[0] if one.tunnel_kind else "ipsec"
    source = config.by_nameif().get(one.tunnel_source)
    number = destination[1] if destination else None
    return _ends(kind, family, source, number)


def _ends(
    kind: str, family: Family, outside: InterfaceRecord | None, destination: int | None
) -> TunnelEnds:
    own = [address.address for address in outside.addresses if address.family is family] if outside else []
    name = outside.name if outside else None
    return TunnelEnds(kind, family, own[0] if own else None, destination, name)


def tunnel_names(config: Config, nameif: str) -> tuple[str, ...]:
    """The tunnels of the crypto maps of an interface."""
    maps = {name for name, bound, _ in config.crypto_interfaces if bound == nameif}
    return tuple(
        tunnel_name(entry, nameif, at)
        for entry in config.crypto.values()
        if entry.name in maps
        for at in range(len(_peers(entry)))
    )


def tunnel_name(entry: CryptoEntry, nameif: str, at: int) -> str:
    """The name of the tunnel to the peer number ``at`` of an entry where it is bound."""
    return f"crypto map {entry.name} {entry.sequence} {_peers(entry)[at]} on {nameif}"


def _peers(entry: CryptoEntry) -> list[str]:
    """The peers; anybody where they are not listed."""
    return list(dict.fromkeys(entry.peers)) or ["anybody"]


def _vpn(config: Config) -> Iterator[Interface]:
    named = config.by_nameif()
    for name, nameif, _ in config.crypto_interfaces:
        outside = named.get(nameif)
        for entry in config.crypto.values():
            if outside is not None and entry.name == name:
                yield from _entry(config, entry, outside)
    if config.remote_access:
        yield Interface(
            VPN_USERS, InterfaceKind.TUNNEL, forwarding=frozenset(Family), span=config.remote_access[0],
            tunnel=TunnelEnds("vpn", Family.IPV4),
        )  # fmt: skip


def _entry(config: Config, entry: CryptoEntry, outside: InterfaceRecord) -> Iterator[Interface]:
    for at, peer in enumerate(_peers(entry)):
        found = addresses.address(config.names.get(peer, peer))
        family = found[0] if found else Family.IPV4
        ends = _ends("ipsec", family, outside, found[1] if found else None)
        yield Interface(
            tunnel_name(entry, outside.nameif, at), InterfaceKind.TUNNEL, forwarding=frozenset(Family),
            span=entry.span, zone=outside.nameif, tunnel=ends,
        )  # fmt: skip
