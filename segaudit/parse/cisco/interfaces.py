"""The lines below ``interface X`` that Cisco-style systems share.

``COMMON`` maps the first words of a line to its reader; a dialect makes its table of it:
``Table(COMMON, MY_OWN, harmless=HARMLESS | MINE)``. A record says what was written; ``None`` is what was
not, and the dialect's default decides (``conversion``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from segaudit.model.acl import Range
from segaudit.model.device import InterfaceAddress
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.parse.cisco import addresses, vlans
from segaudit.parse.cisco.fates import FACT, NOT_UNDERSTOOD, Fate, ignored, unsupported
from segaudit.parse.cisco.words import Words


@dataclass(frozen=True, slots=True)
class AppliedAcl:
    """A list applied to an interface; ``layer2`` where it filters what a switchport bridges."""

    name: str
    family: Family
    inbound: bool
    span: SourceSpan
    layer2: bool = False


@dataclass(frozen=True, slots=True)
class VirtualAddress:
    """An address of a first-hop redundancy group; its prefix is that of the interface."""

    family: Family
    address: int
    span: SourceSpan


@dataclass(slots=True)
class InterfaceRecord:
    """What the lines below ``interface X`` say; ``None`` where they say nothing.

    ``speaks_ip`` is true where ``no ip address`` (or an address) shows the port to be routed.
    ``learns_address`` names why the interface has an address that is not written (``dhcp``).
    ``vlan`` 0 is an untagged subinterface (``encapsulation dot1q N native``).
    """

    name: str
    span: SourceSpan
    description: str = ""
    shutdown: bool | None = None
    vrf: str | None = None
    addresses: list[InterfaceAddress] = field(default_factory=list)
    virtual: list[VirtualAddress] = field(default_factory=list)
    ipv6: bool = False
    speaks_ip: bool = False
    primary: InterfaceAddress | None = None
    learns_address: dict[Family, str] = field(default_factory=dict)
    unnumbered: str | None = None
    proxy_arp: bool | None = None
    reverse_path_filter: int = 0
    mtu: int | None = None
    mac: str = ""
    vlan: int | None = None
    double_tagged: bool = False
    switchport: bool | None = None
    mode: str | None = None
    access_vlan: int | None = None
    voice_vlan: int | None = None
    native_vlan: int | None = None
    trunk_vlans: tuple[Range, ...] | None = None
    negotiates: bool = True
    channel_group: str | None = None
    acls: list[AppliedAcl] = field(default_factory=list)
    policies: dict[Family, tuple[str, SourceSpan]] = field(default_factory=dict)
    nat: str | None = None
    zone: str | None = None
    bridge_group: str | None = None
    tunnel_source: str | None = None
    tunnel_destination: str | None = None
    tunnel_mode: str | None = None
    tunnel_vrf: str | None = None
    routing_protocol: str | None = None

    def join_vrf(self, name: str | None) -> None:
        """Move to a VRF; the addresses given before are lost, as on the device."""
        if name != self.vrf:
            self.addresses.clear()
            self.virtual.clear()
            self.learns_address.clear()
        self.vrf = name


LineReader = Callable[[InterfaceRecord, Words], Fate]


# ---- addresses ----------------------------------------------------------------------------------


def read_ip_address(record: InterfaceRecord, words: Words) -> Fate:
    """``ip address A MASK | A/LEN [secondary]``, ``dhcp``, ``negotiated``; ``no ip address``."""
    record.speaks_ip = True
    if words.negated:
        return _forget(record, words)
    word = words.peek()
    if word in ("dhcp", "negotiated", "pool"):
        record.learns_address[Family.IPV4] = words.rest()
        return FACT
    found = _address_and_mask(words)
    if found is None:
        return NOT_UNDERSTOOD
    given = InterfaceAddress(Family.IPV4, *found, words.span)
    if not words.accept("secondary"):
        record.addresses = [one for one in record.addresses if one is not record.primary]
        record.primary = given
    record.addresses.append(given)
    if words.accept("tag"):
        words.take()
    return FACT if words.done else NOT_UNDERSTOOD


def _forget(record: InterfaceRecord, words: Words) -> Fate:
    """``no ip address [A MASK [secondary]]``: that address, or all."""
    gone = None if words.done else _address_and_mask(words)
    if gone is None and not words.done:
        return NOT_UNDERSTOOD
    record.addresses = [
        one
        for one in record.addresses
        if one.family is not Family.IPV4 or (gone is not None and (one.address, one.prefix_length) != gone)
    ]
    return FACT


def _address_and_mask(words: Words) -> tuple[int, int] | None:
    word = words.take()
    if "/" in word:
        prefix = addresses.prefix(word)
        return None if prefix is None or prefix[0] is not Family.IPV4 else prefix[1:]
    number, length = addresses.ipv4(word), addresses.length_of_mask(words.take())
    return None if number is None or length is None else (number, length)


def read_ipv6_address(record: InterfaceRecord, words: Words) -> Fate:
    """``ipv6 address A/LEN [eui-64 | link-local | anycast]``, ``autoconfig``, ``dhcp``."""
    record.speaks_ip = True
    if words.negated:
        record.addresses = [one for one in record.addresses if one.family is not Family.IPV6]
        return FACT
    record.ipv6 = True
    word = words.take()
    if word in ("autoconfig", "dhcp"):
        record.learns_address[Family.IPV6] = word
        return FACT
    if word == "use-link-local-only":
        return FACT
    number = addresses.ipv6(word)
    if number is not None and words.accept("link-local"):
        record.addresses.append(InterfaceAddress(Family.IPV6, number, 64, words.span))
        return FACT
    prefix = addresses.prefix(word)
    if prefix is None or prefix[0] is not Family.IPV6:
        record.learns_address[Family.IPV6] = f"a general prefix: {word}"
        return unsupported("the prefix is not written here")
    record.addresses.append(InterfaceAddress(Family.IPV6, *prefix[1:], words.span))
    if words.accept("eui-64"):
        return unsupported("the address is made of the interface's MAC address, which is not known")
    return FACT


def read_ipv6_enable(record: InterfaceRecord, words: Words) -> Fate:
    """``ipv6 enable``: IPv6 without an address of one's own but the link-local one."""
    record.ipv6 = not words.negated
    return FACT


def read_unnumbered(record: InterfaceRecord, words: Words) -> Fate:
    """``ip unnumbered INTERFACE``: that interface's address is used here, without a prefix."""
    record.speaks_ip = True
    lender = words.take()
    if not lender[-1:].isdigit():
        lender += words.take()
    record.unnumbered = None if words.negated else lender
    return FACT if words.accept("poll") or words.done else NOT_UNDERSTOOD


def read_virtual_address(record: InterfaceRecord, words: Words) -> Fate:
    """``standby [N] ip A [secondary]``, ``vrrp N ip A``, ``glbp N ip A``; else ignored."""
    if words.peek().isdecimal():
        words.take()
    keyword = words.take()
    if keyword not in ("ip", "ipv4", "ipv6") or words.negated:
        return ignored("who answers for a virtual address does not change what is connected")
    word = words.take()
    found = addresses.address(word.partition("/")[0])
    if found is None:
        return FACT if not word else _virtual_unknown(record, word)
    record.virtual.append(VirtualAddress(*found, words.span))
    return FACT


def _virtual_unknown(record: InterfaceRecord, word: str) -> Fate:
    del record
    return unsupported(f"a virtual address that is not written: {word}")


# ---- state, VRF, VLAN ---------------------------------------------------------------------------


def read_shutdown(record: InterfaceRecord, words: Words) -> Fate:
    """``shutdown``, ``no shutdown``."""
    record.shutdown = not words.negated
    return FACT


def read_description(record: InterfaceRecord, words: Words) -> Fate:
    """``description TEXT``."""
    record.description = "" if words.negated else words.rest()
    return FACT


def read_vrf(record: InterfaceRecord, words: Words) -> Fate:
    """``vrf forwarding V``, ``ip vrf forwarding V``, ``vrf member V``, ``vrf V``."""
    record.join_vrf(None if words.negated else words.take())
    return FACT


def read_mtu(record: InterfaceRecord, words: Words) -> Fate:
    """``mtu N``."""
    record.mtu = int(words.peek()) if words.peek().isdecimal() and not words.negated else None
    return FACT


def read_mac(record: InterfaceRecord, words: Words) -> Fate:
    """``mac-address H.H.H``."""
    record.mac = "" if words.negated else words.take()
    return FACT


def read_encapsulation(record: InterfaceRecord, words: Words) -> Fate:
    """``encapsulation dot1Q N [native] [second-dot1q N]``, ``encapsulation isl N``."""
    kind = words.take().lower()
    if kind in ("ppp", "hdlc", "frame-relay", "mpls"):
        return ignored("the link's framing")
    vlan = vlans.vlan(words.take())
    if kind not in ("dot1q", "isl", "vlan") or vlan is None or words.negated:
        return NOT_UNDERSTOOD
    native = words.accept("native")
    record.vlan = 0 if native else vlan
    if words.accept("second-dot1q"):
        record.double_tagged = True
        return unsupported(f"frames with a second tag {words.rest()}: taken for all of the outer VLAN")
    return FACT if words.done else NOT_UNDERSTOOD


def read_channel_group(record: InterfaceRecord, words: Words) -> Fate:
    """``channel-group N [mode M]``."""
    record.channel_group = None if words.negated else words.take()
    return FACT


# ---- switchports --------------------------------------------------------------------------------


def read_switchport(record: InterfaceRecord, words: Words) -> Fate:
    """``switchport``, ``no switchport``."""
    if not words.done:
        return NOT_UNDERSTOOD
    record.switchport = not words.negated
    return FACT


def read_mode(record: InterfaceRecord, words: Words) -> Fate:
    """``switchport mode access | trunk | dynamic auto | dynamic desirable``; others are not modelled."""
    record.switchport = True
    record.mode = None if words.negated else words.rest()
    if record.mode in (None, "access", "trunk", "dynamic auto", "dynamic desirable"):
        return FACT
    return unsupported(f"switchport mode {record.mode}")


def read_access_vlan(record: InterfaceRecord, words: Words) -> Fate:
    """``switchport access vlan N``."""
    record.switchport = True
    record.access_vlan = None if words.negated else vlans.vlan(words.peek())
    return FACT if words.negated or record.access_vlan is not None else NOT_UNDERSTOOD


def read_voice_vlan(record: InterfaceRecord, words: Words) -> Fate:
    """``switchport voice vlan N``: a second, tagged VLAN of an access port."""
    record.switchport = True
    record.voice_vlan = None if words.negated else vlans.vlan(words.peek())
    special = words.peek() in ("none", "untagged", "dot1p")
    return FACT if words.negated or special or record.voice_vlan is not None else NOT_UNDERSTOOD


def read_native_vlan(record: InterfaceRecord, words: Words) -> Fate:
    """``switchport trunk native vlan N``."""
    record.switchport = True
    record.native_vlan = None if words.negated else vlans.vlan(words.peek())
    return FACT if words.negated or record.native_vlan is not None else NOT_UNDERSTOOD


def read_trunk_vlans(record: InterfaceRecord, words: Words) -> Fate:
    """``switchport trunk allowed vlan [add | remove | except] LIST | all | none``."""
    record.switchport = True
    if words.negated:
        record.trunk_vlans = None
        return FACT
    how = words.take() if words.peek() in ("add", "remove", "except") else ""
    listed = vlans.vlan_ranges(words.rest())
    if listed is None:
        return NOT_UNDERSTOOD
    before = vlans.EVERY_VLAN if record.trunk_vlans is None else record.trunk_vlans
    if how == "add":
        listed = vlans.merged([*before, *listed])
    elif how:
        listed = vlans.without(before if how == "remove" else vlans.EVERY_VLAN, listed)
    record.trunk_vlans = listed
    return FACT


def read_nonegotiate(record: InterfaceRecord, words: Words) -> Fate:
    """``switchport nonegotiate``."""
    record.negotiates = words.negated
    return FACT


# ---- filters ------------------------------------------------------------------------------------


def applying(family: Family, layer2: bool = False) -> LineReader:
    """A reader of ``... NAME in | out``."""

    def read(record: InterfaceRecord, words: Words) -> Fate:
        name, direction = words.take(), words.take()
        if direction not in ("in", "out") or words.peek() not in ("", "common"):
            return NOT_UNDERSTOOD
        inbound = direction == "in"
        key = (family, inbound, layer2)
        record.acls = [one for one in record.acls if (one.family, one.inbound, one.layer2) != key]
        if not words.negated:
            record.acls.append(AppliedAcl(name, family, inbound, words.span, layer2))
        return FACT

    return read


def routing_by_policy(family: Family) -> LineReader:
    """A reader of ``... policy route-map NAME``."""

    def read(record: InterfaceRecord, words: Words) -> Fate:
        record.policies.pop(family, None)
        if not words.negated:
            record.policies[family] = (words.take(), words.span)
        return FACT

    return read


def read_proxy_arp(record: InterfaceRecord, words: Words) -> Fate:
    """``ip proxy-arp``, ``ip local-proxy-arp`` and their negations."""
    record.proxy_arp = not words.negated
    return FACT


def read_source_check(record: InterfaceRecord, words: Words) -> Fate:
    """``ip verify unicast source reachable-via rx | any``; one with a list or the default route is off.

    What the check lets through besides is not modelled, so it counts as no check at all.
    """
    if words.negated:
        record.reverse_path_filter = 0
        return FACT
    how = words.rest()
    kinds = {"source reachable-via rx": 1, "reverse-path": 1, "source reachable-via any": 2}
    record.reverse_path_filter = kinds.get(how, 0)
    return FACT if how in kinds else unsupported("the check counts as absent", bounded=True)


# ---- tunnels ------------------------------------------------------------------------------------


def setting(attribute: str) -> LineReader:
    """A reader that keeps what stands behind its words as ``attribute`` (``None`` where negated)."""

    def read(record: InterfaceRecord, words: Words) -> Fate:
        setattr(record, attribute, None if words.negated else words.rest())
        return FACT

    return read


COMMON: Mapping[str, LineReader] = {
    "description": read_description,
    "shutdown": read_shutdown,
    "ip address": read_ip_address,
    "ipv6 address": read_ipv6_address,
    "ipv6 enable": read_ipv6_enable,
    "ip unnumbered": read_unnumbered,
    "standby": read_virtual_address,
    "vrrp": read_virtual_address,
    "glbp": read_virtual_address,
    "mtu": read_mtu,
    "mac-address": read_mac,
    "encapsulation": read_encapsulation,
    "channel-group": read_channel_group,
    "switchport": read_switchport,
    "switchport mode": read_mode,
    "switchport access vlan": read_access_vlan,
    "switchport voice vlan": read_voice_vlan,
    "switchport trunk native vlan": read_native_vlan,
    "switchport trunk allowed vlan": read_trunk_vlans,
    "switchport nonegotiate": read_nonegotiate,
    "ip access-group": applying(Family.IPV4),
    "ipv6 traffic-filter": applying(Family.IPV6),
    "ip proxy-arp": read_proxy_arp,
    "ip local-proxy-arp": read_proxy_arp,
    "ip verify unicast": read_source_check,
    "tunnel source": setting("tunnel_source"),
    "tunnel destination": setting("tunnel_destination"),
    "tunnel mode": setting("tunnel_mode"),
    "tunnel vrf": setting("tunnel_vrf"),
}
"""Readers of the lines that at least two of the systems have."""

_PROTOCOL = "a routing protocol's setting; that one runs is noted where it is configured"
_LINK = "a setting of the physical link"
_QUEUE = "queueing or marking: it forwards to nobody else"
_COUNT = "counting and reporting"
_FRAME = "a protocol between neighbours on one link"

HARMLESS: Mapping[str, str] = {
    "bandwidth": "a figure for routing protocols", "delay": "a figure for routing protocols",
    "duplex": _LINK, "speed": _LINK, "negotiation": _LINK, "media-type": _LINK, "flowcontrol": _LINK,
    "clock rate": _LINK, "keepalive": _LINK, "carrier-delay": _LINK, "load-interval": _COUNT,
    "snmp": _COUNT, "logging": _COUNT, "cdp": _FRAME, "lldp": _FRAME, "udld": _FRAME, "lacp": _FRAME,
    "spanning-tree": "a blocked port counts as open",
    "ip ospf": _PROTOCOL, "ipv6 ospf": _PROTOCOL, "ospfv3": _PROTOCOL, "isis": _PROTOCOL,
    "ip split-horizon": _PROTOCOL, "ip rip": _PROTOCOL, "ip hello-interval": _PROTOCOL,
    "ip hold-time": _PROTOCOL, "ip authentication": _PROTOCOL, "ip bandwidth-percent": _PROTOCOL,
    "ip summary-address": _PROTOCOL, "bfd": _PROTOCOL, "ip bfd": _PROTOCOL,
    "ip mtu": "packet size", "ipv6 mtu": "packet size", "ip tcp adjust-mss": "packet size",
    "ipv6 nd": "neighbour discovery towards hosts", "ip redirects": "messages of the device itself",
    "ip unreachables": "messages of the device itself", "ip mask-reply": "messages of the device itself",
    "ipv6 redirects": "messages of the device itself", "ipv6 unreachables": "messages of the device itself",
    "ip route-cache": "how packets are switched, not where to", "ip flow": _COUNT, "ip accounting": _COUNT,
    "service-policy": _QUEUE, "priority-queue": _QUEUE, "mls qos": _QUEUE, "fair-queue": _QUEUE,
    "hold-queue": _QUEUE, "tx-ring-limit": _QUEUE, "storm-control": "it only ever drops",
    "switchport trunk encapsulation": "802.1Q or ISL: both carry the same VLANs",
    "switchport port-security": "it only ever drops",
}  # fmt: skip
"""Lines below an interface that cannot widen what is forwarded, with the reason.

``service-policy`` belongs here only where no policy forwards or permits; see the vendor's own table.
"""


def with_virtual(record: InterfaceRecord) -> tuple[InterfaceAddress, ...]:
    """The addresses of an interface, those of its redundancy groups with the prefix they lie in."""
    return (*record.addresses, *(_placed(record, one) for one in record.virtual))


def _placed(record: InterfaceRecord, one: VirtualAddress) -> InterfaceAddress:
    placed = InterfaceAddress(one.family, one.address, one.family.bits, one.span)
    for own in record.addresses:
        if own.family is one.family and own.network[0] <= one.address <= own.network[1]:
            placed = replace(placed, prefix_length=own.prefix_length)
    return placed
