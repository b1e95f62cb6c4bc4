"""An ``InterfaceRecord`` to the neutral ``Interface``: what is common to all dialects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from segaudit.model.device import (
    DEFAULT_VRF,
    Interface,
    InterfaceAddress,
    InterfaceKind,
    Switchport,
    SwitchportMode,
    TunnelEnds,
)
from segaudit.model.flow import Family
from segaudit.parse.cisco import addresses, vlans
from segaudit.parse.cisco.dialect import Dialect
from segaudit.parse.cisco.interfaces import InterfaceRecord, with_virtual

_KINDS = (
    ("loopback", InterfaceKind.LOOPBACK), ("tunnel", InterfaceKind.TUNNEL), ("nve", InterfaceKind.TUNNEL),
    ("vxlan", InterfaceKind.TUNNEL), ("port-channel", InterfaceKind.AGGREGATE),
    ("vlan", InterfaceKind.VLAN),
    ("bundle-ether", InterfaceKind.AGGREGATE), ("multilink", InterfaceKind.OTHER),
    ("dialer", InterfaceKind.OTHER), ("virtual-", InterfaceKind.OTHER), ("bvi", InterfaceKind.OTHER),
    ("bdi", InterfaceKind.OTHER), ("null", InterfaceKind.OTHER), ("lisp", InterfaceKind.OTHER),
)  # fmt: skip


def kind_of(name: str) -> InterfaceKind:
    """What an interface is, by its full name; ``X.N`` is a VLAN subinterface whatever ``X`` is."""
    lowered = name.lower()
    found = next((kind for start, kind in _KINDS if lowered.startswith(start)), InterfaceKind.PHYSICAL)
    carriers = (InterfaceKind.PHYSICAL, InterfaceKind.AGGREGATE)
    return InterfaceKind.VLAN if "." in name and found in carriers else found


def svi_vlan(name: str) -> int | None:
    """The VLAN of ``VlanN`` (``vlan.N`` of some)."""
    return vlans.vlan(name[4:]) if name.lower().startswith("vlan") else None


def interface(
    record: InterfaceRecord,
    forwarding: frozenset[Family],
    *,
    switched: bool,
    enabled: bool,
    proxy_arp: bool,
    aggregate: str | None = None,
    tunnel: TunnelEnds | None = None,
) -> Interface:
    """The neutral interface.

    Args:
        record: what was read.
        forwarding: families that the interface routes, when it is no switchport.
        switched: the interface is a switchport (the dialect's default where nothing is said).
        enabled: it is not shut down, by the dialect's default where nothing is said.
        proxy_arp: by the dialect's default where nothing is said.
        aggregate: the port channel that it is a member of.
        tunnel: its ends, where it is a tunnel.
    """
    kind = kind_of(record.name)
    parent = aggregate
    vlan = record.vlan
    if kind is InterfaceKind.VLAN:
        vlan = svi_vlan(record.name) if "." not in record.name else vlan
        parent = record.name.rpartition(".")[0] or None
    return Interface(
        name=record.name,
        kind=kind,
        enabled=enabled,
        mac=record.mac,
        mtu=1500 if record.mtu is None else record.mtu,
        addresses=() if switched else tuple(dict.fromkeys(with_virtual(record))),
        vrf=record.vrf or DEFAULT_VRF,
        parent=parent,
        switchport=switchport(record) if switched else None,
        forwarding=frozenset() if switched else forwarding,
        reverse_path_filter=record.reverse_path_filter,
        proxy_arp=proxy_arp if record.proxy_arp is None else record.proxy_arp,
        description=record.description,
        span=record.span,
        vlan=vlan,
        zone=record.zone,
        tunnel=tunnel,
    )


def switchport(record: InterfaceRecord, default_mode: str = "dynamic auto") -> Switchport:
    """The layer-2 side. A port that negotiates its mode counts as a trunk that has an access VLAN, too.

    What a trunk does not carry it does not carry untagged either (Catalyst 9300 Layer 2 Configuration
    Guide 17.9, "VLAN Trunks": of a native VLAN taken off the list only CDP, PAgP, LACP, DTP and VTP pass).
    """
    mode = record.mode or default_mode
    access = record.access_vlan or 1
    native = record.native_vlan or 1
    trunked = vlans.EVERY_VLAN if record.trunk_vlans is None else record.trunk_vlans
    if mode == "trunk":
        carried = any(first <= native <= last for first, last in trunked)
        return Switchport(SwitchportMode.TRUNK, 0, native if carried else None, trunked)
    if mode != "access":
        return Switchport(SwitchportMode.TRUNK, access, native, trunked)
    if record.voice_vlan is not None:
        voice = ((record.voice_vlan, record.voice_vlan),)
        return Switchport(SwitchportMode.TRUNK, 0, access, voice)
    return Switchport(SwitchportMode.ACCESS, access)


def unnumbered(
    interfaces: Mapping[str, Interface], records: Iterable[InterfaceRecord], dialect: Dialect
) -> dict[str, Interface]:
    """``interfaces``, those that borrow an address given it as a host address."""
    out = dict(interfaces)
    for record in records:
        lender = out.get(dialect.interface((record.unnumbered or "").replace(" ", "")))
        borrower = out.get(record.name)
        if record.unnumbered is not None and lender is not None and borrower is not None:
            lent = [one for one in lender.addresses if one.family is Family.IPV4][:1]
            own = tuple(InterfaceAddress(Family.IPV4, one.address, 32, one.span) for one in lent)
            out[record.name] = replace(borrower, addresses=own)
    return out


def tunnel_ends(record: InterfaceRecord, dialect: Dialect, default_kind: str = "gre") -> TunnelEnds:
    """The outer packets of ``tunnel source | destination | mode | vrf``."""
    words = (record.tunnel_mode or "").split()
    kind = _tunnel_kind(words, default_kind)
    destination = addresses.address(record.tunnel_destination or "")
    source = addresses.address(record.tunnel_source or "")
    outer6 = "ipv6" in words[1:] or (destination or source or (Family.IPV4, 0))[0] is Family.IPV6
    family = Family.IPV6 if outer6 and kind != "6in4" else Family.IPV4
    by_name = record.tunnel_source if record.tunnel_source and source is None else None
    return TunnelEnds(
        kind=kind,
        family=family,
        source=source[1] if source else None,
        destination=destination[1] if destination else None,
        source_interface=dialect.interface(by_name.replace(" ", "")) if by_name else None,
        vrf=record.tunnel_vrf or DEFAULT_VRF,
    )


def _tunnel_kind(words: list[str], default_kind: str) -> str:
    kinds = {"gre": "gre", "ipip": "ipip", "ipsec": "ipsec", "ipv6ip": "6in4", "vxlan": "vxlan"}
    return kinds.get(words[0], words[0]) if words else default_kind
