"""Links, addresses, bridge VLANs and sysctls to ``Interface``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from segaudit.model.device import (
    DEFAULT_VRF,
    Interface,
    InterfaceAddress,
    InterfaceKind,
    Switchport,
    SwitchportMode,
)
from segaudit.model.flow import Family
from segaudit.vendors.linux import sysctl
from segaudit.vendors.linux.reading import Reading
from segaudit.vendors.linux.records import AddressRecord, LinkRecord, NeighbourRecord, PortVlans, Sysctls

_TUNNELS = frozenset(
    {
        *("gre", "gretap", "erspan", "ip6gre", "ip6gretap", "ip6erspan", "ipip", "sit", "ip6tnl"),
        *("vti", "vti6", "xfrm", "vxlan", "geneve", "wireguard", "tun", "gtp", "l2tp", "ppp", "pppoe"),
        *("amt", "bareudp", "ovpn"),
    }
)
_AGGREGATES = frozenset({"bond", "team"})
_KINDS = {
    "": InterfaceKind.PHYSICAL,
    "veth": InterfaceKind.PHYSICAL,
    "bridge": InterfaceKind.BRIDGE,
    "vlan": InterfaceKind.VLAN,
    # A frame sent into a dummy or an ifb without a filter vanishes; a VRF device has no wire.
    "dummy": InterfaceKind.LOOPBACK,
    "vrf": InterfaceKind.LOOPBACK,
    "dsa": InterfaceKind.PHYSICAL,
    "ifb": InterfaceKind.OTHER,
    "nlmon": InterfaceKind.OTHER,
    **dict.fromkeys(_TUNNELS, InterfaceKind.TUNNEL),
    **dict.fromkeys(_AGGREGATES, InterfaceKind.AGGREGATE),
}
_ON_PARENTS_WIRE = frozenset({"macvlan", "macvtap", "ipvlan", "ipvtap", "macsec"})
"""Untagged subinterfaces: they send and hear frames on the wire of their parent."""
_CARRIED = frozenset({InterfaceKind.VLAN, InterfaceKind.TUNNEL})
_SWITCHING = (InterfaceKind.BRIDGE, InterfaceKind.AGGREGATE)
_CARRIER_STATES = frozenset({"UP", "UNKNOWN"})
_EVERY_VLAN = ((0, 4094),)
NOT_VLAN_AWARE = Switchport(SwitchportMode.ACCESS, access_vlan=0)


@dataclass(frozen=True, slots=True)
class Parts:
    """What interfaces are made of."""

    links: tuple[LinkRecord, ...]
    addresses: tuple[AddressRecord, ...]
    port_vlans: tuple[PortVlans, ...] | None
    sysctls: Sysctls
    proxied: tuple[NeighbourRecord, ...] | None


def interfaces(reading: Reading, parts: Parts) -> dict[str, Interface]:
    """Every interface by name, in the order of their index."""
    by_name = {link.name: link for link in parts.links}
    addresses = _addresses_by_interface(parts.addresses)
    vlans = {record.interface: record for record in parts.port_vlans or ()}
    proxied = {entry.interface for entry in parts.proxied or () if entry.family is Family.IPV4}
    found = {}
    _account_strays(reading, parts)
    for link in parts.links:
        if link.name in found:
            span = link.span
            reading.ledger_of(span).unrecognized(span.first_line, span.last_line, "listed twice")
            continue
        _account_link(reading, link, by_name, parts.port_vlans is None)
        found[link.name] = Interface(
            name=link.name,
            kind=_kind(link),
            enabled="UP" in link.flags,
            operational="LOWER_UP" in link.flags or link.operstate in _CARRIER_STATES,
            mac=link.mac if link.link_type == "ether" else "",
            mtu=link.mtu,
            addresses=addresses.get(link.name, ()),
            vrf=_vrf(link, by_name),
            bridge=_bridge(link, by_name),
            parent=link.carrier if _kind(link) in _CARRIED else None,
            switchport=_switchport(reading, link, by_name, vlans),
            forwarding=_forwarding(parts.sysctls, link.name),
            reverse_path_filter=sysctl.reverse_path_filter(parts.sysctls, link.name),
            proxy_arp=link.name in proxied or sysctl.proxies_arp(parts.sysctls, link.name),
            description=link.alias,
            span=link.span,
            vlan=_vlan_id(link),
            clears_mark=_clears_mark(link, by_name),
        )
    return found


def _account_strays(reading: Reading, parts: Parts) -> None:
    """Addresses on interfaces that are not listed: the device answers for them somewhere."""
    listed = {link.name for link in parts.links}
    for record in parts.addresses:
        if record.interface not in listed:
            span, reason = record.span, f"{record.interface} is not among the interfaces"
            reading.ledger_of(span).unsupported(span.first_line, span.last_line, reason, bounded=False)


def _addresses_by_interface(
    records: Iterable[AddressRecord],
) -> Mapping[str, tuple[InterfaceAddress, ...]]:
    found: dict[str, tuple[InterfaceAddress, ...]] = {}
    for record in records:
        # A point-to-point address has its prefix on the peer's side; the own one is a host.
        length = record.prefix_length if record.peer is None else record.family.bits
        address = InterfaceAddress(record.family, record.address, length, record.span)
        found[record.interface] = (*found.get(record.interface, ()), address)
    return found


def _kind(link: LinkRecord) -> InterfaceKind:
    if "LOOPBACK" in link.flags:
        return InterfaceKind.LOOPBACK
    if link.info_kind in _ON_PARENTS_WIRE and link.carrier is not None:
        return InterfaceKind.VLAN
    return _KINDS.get(link.info_kind, InterfaceKind.OTHER)


def _bridge(link: LinkRecord, by_name: Mapping[str, LinkRecord]) -> str | None:
    """The bridge this is a port of; a bond counts as one, which joins more than there is."""
    master = by_name.get(link.master or "")
    if link.master is None or _is_vrf_port(link, by_name):
        return None
    if master is not None and _kind(master) not in _SWITCHING:
        return None
    return link.master


def _is_vrf_port(link: LinkRecord, by_name: Mapping[str, LinkRecord]) -> bool:
    master = by_name.get(link.master or "")
    return link.port_kind == "vrf" or (master is not None and master.info_kind == "vrf")


def _vrf(link: LinkRecord, by_name: Mapping[str, LinkRecord]) -> str:
    if link.info_kind == "vrf":
        return link.name
    return link.master if link.master and _is_vrf_port(link, by_name) else DEFAULT_VRF


def _clears_mark(link: LinkRecord, by_name: Mapping[str, LinkRecord]) -> bool:
    """What comes in from outside bears no mark (include/linux/skbuff.h; ``skb_scrub_packet``).

    A tunnel or a veth pair within one namespace may hand on the mark of what was sent into it, and
    ebtables, which is not read, may mark what a bridge receives.
    """
    others = {name: one for name, one in by_name.items() if one is not link}
    if link.info_kind in ("", "veth"):
        return link.carrier is None and link.link_type == "ether"
    if link.info_kind in _AGGREGATES:
        return all(_clears_mark(port, others) for port in others.values() if port.master == link.name)
    beneath = others.get(link.carrier or "")
    return link.info_kind in ("vlan", "macvlan") and beneath is not None and _clears_mark(beneath, others)


def _vlan_id(link: LinkRecord) -> int | None:
    number = link.info_data.get("id")
    return number if link.info_kind == "vlan" and isinstance(number, int) else None


def _forwarding(settings: Sysctls, interface: str) -> frozenset[Family]:
    return frozenset(family for family in Family if sysctl.forwards(settings, family, interface))


# ---- bridge ports -------------------------------------------------------------------------------


def _switchport(
    reading: Reading,
    link: LinkRecord,
    by_name: Mapping[str, LinkRecord],
    vlans: Mapping[str, PortVlans],
) -> Switchport | None:
    """The layer-2 port of a bridge member, and of the bridge towards itself."""
    bridge = link if link.info_kind == "bridge" else by_name.get(_bridge(link, by_name) or "")
    if bridge is None or bridge.info_kind != "bridge":
        return None
    if not bridge.info_data.get("vlan_filtering"):
        return NOT_VLAN_AWARE
    record = vlans.get(link.name)
    if record is None:
        # An absent entry would mean "no VLAN"; that the port is deaf is not believed without it.
        return Switchport(SwitchportMode.TRUNK, trunk_vlans=_EVERY_VLAN)
    return _aware(reading, record)


def _aware(reading: Reading, record: PortVlans) -> Switchport:
    """A VLAN-aware port: access where its one VLAN is its untagged PVID, else trunk."""
    members = {vlan for first, last in record.ranges for vlan in range(first, last + 1)}
    foreign = record.untagged - {record.pvid}
    if foreign:
        shown = ", ".join(str(vlan) for vlan in sorted(foreign)[:5])
        reading.ledger_of(record.span).unsupported(
            record.span.first_line,
            record.span.last_line,
            f"VLAN {shown} leaves untagged on a port whose own is {record.pvid}",
            bounded=False,
        )
    if record.pvid is not None and members == {record.pvid} and record.untagged == members:
        return Switchport(SwitchportMode.ACCESS, access_vlan=record.pvid)
    return Switchport(SwitchportMode.TRUNK, native_vlan=record.pvid, trunk_vlans=record.ranges)


# ---- what is not modelled -----------------------------------------------------------------------


def _account_link(
    reading: Reading, link: LinkRecord, by_name: Mapping[str, LinkRecord], vlans_unknown: bool
) -> None:
    ledger, first, last = reading.ledger_of(link.span), link.span.first_line, link.span.last_line
    if link.info_kind not in _KINDS and link.info_kind not in _ON_PARENTS_WIRE:
        ledger.unrecognized(first, last, f"interface kind {link.info_kind!r}")
    for doubt in _doubts(link, by_name, vlans_unknown):
        ledger.unsupported(first, last, doubt, bounded=False)


def _doubts(link: LinkRecord, by_name: Mapping[str, LinkRecord], vlans_unknown: bool) -> Iterator[str]:
    """Ways past the model that an interface opens."""
    master = by_name.get(link.master or "")
    if link.has_xdp:
        yield "an XDP program may redirect any packet"
    if master is not None and _bridge(link, by_name) is None and not _is_vrf_port(link, by_name):
        yield f"a port of {master.name}, which switches by rules that were not collected"
    if link.info_kind == "bridge" and link.info_data.get("vlan_filtering") and vlans_unknown:
        yield "a VLAN-aware bridge, and its ports' VLANs were not collected"
    if link.port_data.get("vlan_tunnel") is True:
        yield "a port that maps VLANs to tunnel keys"
