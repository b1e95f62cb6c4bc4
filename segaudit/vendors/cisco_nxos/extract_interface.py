"""The lines below ``interface X`` of NX-OS."""

from __future__ import annotations

from collections.abc import Mapping

from segaudit.model.device import InterfaceAddress
from segaudit.model.flow import Family
from segaudit.parse.cisco import addresses
from segaudit.parse.cisco import interfaces as common
from segaudit.parse.cisco.dispatch import Reader, Table
from segaudit.parse.cisco.fates import FACT, NOT_UNDERSTOOD, Fate, ignored, unsupported
from segaudit.parse.cisco.interfaces import COMMON, HARMLESS, VirtualAddress
from segaudit.parse.cisco.switches import (
    EXTENDED_VLAN,
    LAYER_2,
    OverlayRecord,
    SwitchInterface,
    assigning,
    by_first_words,
    doubtful,
    forgetting,
    multicast,
    neighbour,
    nothing,
    relaying,
    translating,
)
from segaudit.parse.cisco.words import Words


def _shutdown(record: SwitchInterface, words: Words) -> Fate:
    """``shutdown [force]``; ``shutdown lan`` is about storage traffic's other half."""
    if words.accept("lan"):
        return ignored("a port without LAN traffic counts as one with it")
    return common.read_shutdown(record, words)


def _routes_without_address(family: Family) -> Reader[SwitchInterface]:
    """A reader of ``ip forward``: an interface that routes without an address of its own."""

    def read(record: SwitchInterface, words: Words) -> Fate:
        if words.negated:
            record.without_address.discard(family)
        else:
            record.without_address.add(family)
        return FACT

    return read


_READ_ADDRESS = forgetting(common.read_ip_address, Family.IPV4)


def _ip_address(record: SwitchInterface, words: Words) -> Fate:
    """``ip address A/L [secondary] [route-preference N] [tag N]``."""
    for option in ("route-preference", "tag"):
        if option in words.words:
            at = words.words.index(option)
            del words.words[at : at + 2]
    return _READ_ADDRESS(record, words)


def _link_local(record: SwitchInterface, words: Words) -> Fate:
    """``ipv6 link-local A``, ``ipv6 address use-link-local-only``."""
    record.ipv6 = not words.negated
    number = addresses.ipv6(words.peek())
    if number is not None and not words.negated:
        record.addresses.append(InterfaceAddress(Family.IPV6, number, 64, words.span))
    return FACT


def _protocol(record: SwitchInterface, words: Words) -> Fate:
    """``ip router X PROCESS ...``: the VRF of the interface may get routes from it."""
    if not words.negated:
        record.protocols.add(words.peek())
    return FACT


def _isis(record: SwitchInterface, words: Words) -> Fate:
    del words
    record.protocols.add("isis")
    return FACT


def _virtual(record: SwitchInterface, words: Words) -> Fate:
    """``ip A [secondary]``, ``address A [primary | secondary]`` of a redundancy group."""
    word = words.take()
    if word in ("", "autoconfig"):
        return FACT
    found = addresses.address(word.partition("/")[0])
    if found is None:
        return NOT_UNDERSTOOD
    record.virtual = [one for one in record.virtual if (one.family, one.address) != found]
    if not words.negated:
        record.virtual.append(VirtualAddress(*found, words.span))
    return FACT


def _autostate(record: SwitchInterface, words: Words) -> Fate:
    record.always_up = words.negated
    return FACT


def _host_port(record: SwitchInterface, words: Words) -> Fate:
    """``switchport host``: a macro that makes an access port."""
    del words
    record.mode = "access"
    return FACT


def _port_acl(family: Family) -> Reader[SwitchInterface]:
    reader = common.applying(family, layer2=True)

    def read(record: SwitchInterface, words: Words) -> Fate:
        fate = reader(record, words)
        return unsupported("it may drop; none counts as dropped", bounded=True) if fate is FACT else fate

    return read


def _mac_acl(record: SwitchInterface, words: Words) -> Fate:
    name = words.take()
    if words.negated:
        return FACT
    record.droppers.append((True, f"MAC access list {name}", words.span, frozenset(Family)))
    return unsupported("it may drop; none counts as dropped", bounded=True)


def _policy(family: Family) -> Reader[SwitchInterface]:
    reader = common.routing_by_policy(family)

    def read(record: SwitchInterface, words: Words) -> Fate:
        reader(record, words)
        return FACT if words.negated else unsupported("policy routing counts as anywhere", bounded=True)

    return read


_OWN: Mapping[str, Reader[SwitchInterface]] = {
    **LAYER_2,
    "shutdown": _shutdown,
    "vrf member": common.read_vrf,
    "ip address": _ip_address,
    "ipv6 address": forgetting(common.read_ipv6_address, Family.IPV6),
    "dot1x": assigning,
    "ip forward": _routes_without_address(Family.IPV4),
    "ipv6 forward": _routes_without_address(Family.IPV6),
    "ipv6 link-local": _link_local,
    "ipv6 address use-link-local-only": _link_local,
    "ip router": _protocol,
    "ipv6 router": _protocol,
    "isis": _isis,
    "autostate": _autostate,
    "switchport host": _host_port,
    "ip port access-group": _port_acl(Family.IPV4),
    "ipv6 port traffic-filter": _port_acl(Family.IPV6),
    "mac port access-group": _mac_acl,
    "ip policy route-map": _policy(Family.IPV4),
    "ipv6 policy route-map": _policy(Family.IPV6),
    "ip dhcp relay address": relaying,
    "ipv6 dhcp relay address": relaying,
    "ip pim sparse-mode": multicast,
    "ipv6 pim sparse-mode": multicast,
    "ip pim passive": multicast,
    "ip igmp static-oif": multicast,
    "ip nat": translating,
    "tunnel use-vrf": common.setting("tunnel_vrf"),
    "tunnel mode": common.setting("tunnel_mode"),
    "hsrp": nothing,
    "vrrp": nothing,
    "vrrpv3": nothing,
    "glbp": nothing,
    "hsrp version": nothing,
    "hsrp delay": nothing,
    "mpls": doubtful("MPLS forwarding is not modelled"),
    "inherit port-profile": doubtful("what the port profile says is not read"),
    "switchport vlan mapping": doubtful("VLANs are renumbered on this port"),
    "switchport private-vlan": doubtful("private VLANs"),
    "private-vlan mapping": doubtful("private VLANs"),
    "switchport trunk allowed vlan-group": doubtful("which VLANs the group holds is not read"),
    "xconnect": doubtful("a pseudowire"),
    "arp": neighbour,
    "ip arp": neighbour,
    "ipv6 neighbor": neighbour,
    "otv": doubtful("OTV extends VLANs to other sites"),
    "bridge-domain": doubtful("bridge domains"),
    "service instance": doubtful("bridge domains"),
    "fabricpath": doubtful("FabricPath"),
}

_PROTOCOL_REASON = "a setting of a routing protocol; that one runs is noted where it is configured"

_HARMLESS = by_first_words({
    "a setting of the physical link": (
        "beacon", "fec", "hardware", "link", "mdix", "medium", "negotiate", "platform",
        "priority-flow-control", "transceiver", "carrier-delay", "speed-group", "lldp", "cdp", "udld",
        "lacp", "port-channel", "vtp",
    ),
    _PROTOCOL_REASON: (
        "ip ospf", "ospfv3", "ip eigrp", "ipv6 eigrp", "ip passive-interface", "ip rip", "ip delay",
        "ip bandwidth", "ip distribute-list", "ip offset-list", "ip next-hop-self", "ip bfd", "ipv6 bfd",
        "eigrp", "ip summary-address", "ipv6 ospfv3",
    ),
    "a setting of multicast, which `ip pim sparse-mode` turns on": (
        "ip igmp", "ip pim", "ip multicast", "ip mroute", "ipv6 mld", "ipv6 pim",
    ),
    "counting and reporting": (
        "ip flow", "ipv6 flow", "load-interval", "logging", "packet", "sflow", "snmp",
        "switchport monitor", "layer2-switched",
    ),
    "how addresses on a link are learned": (
        "ip sticky-arp", "mac-learn", "switchport mac-learn",
    ),
    "who answers for the gateway's address": ("fabric forwarding mode",),
    "the port channel is read as any other; its other half is on another switch": ("vpc", "peer-link"),
    "it only ever drops": (
        "cts", "errdisable", "ip dhcp snooping", "ip source", "ip verify source", "storm-control",
        "switchport block", "switchport isolated", "switchport port-security", "ipv6 verify", "ttag",
    ),
    "messages of the device itself": (
        "ip port-unreachable", "management", "ipv6 redirects", "ip autoconfig",
    ),
    "how DHCP packets are marked; whom they are relayed to stands in a line of its own": (
        "ip dhcp", "ipv6 dhcp",
    ),
    "a broadcast address counts as any other of its subnet": ("ip directed-broadcast",),
    "queueing or marking: it forwards to nobody else": ("qos", "switchport priority", "service-policy"),
    "how frames are tagged, not which VLANs": (
        "switchport dot1q ethertype", "switchport trunk native vlan tag",
    ),
    "a port of a fabric extender: its mode says so": ("fex associate",),
    "a setting of the tunnel's outer packets": ("tunnel path-mtu-discovery", "tunnel ttl", "tunnel tos"),
    "how EVPN peers share a link": ("ethernet-segment", "esi", "evpn multisite"),
    "says that the default holds": ("default",),
})  # fmt: skip

LINES: Table[SwitchInterface] = Table(COMMON, _OWN, harmless={**HARMLESS, **_HARMLESS})

_GROUP: Table[SwitchInterface] = Table(
    {"ip": _virtual, "ipv6": _virtual, "address": _virtual},
    harmless=by_first_words({
        "who answers for a virtual address does not change what is connected": (
            "advertisement-interval", "authentication", "bfd", "description", "follow", "forwarder",
            "load-balancing", "mac-address", "match-address", "name", "object-track", "preempt",
            "priority", "shutdown", "timers", "track", "use-bia", "vrrpv2", "vrrs", "weighting",
        ),
    }),
)  # fmt: skip

MODES: Mapping[str, Table[SwitchInterface]] = {
    "hsrp": _GROUP,
    "vrrp": _GROUP,
    "vrrpv3": _GROUP,
    "glbp": _GROUP,
}
"""Lines below an interface that open a mode of their own."""


# ---- nve1 ---------------------------------------------------------------------------------------


def _source_interface(overlay: OverlayRecord, words: Words) -> Fate:
    overlay.source = None if words.negated else words.take()
    return FACT


def _overlay_shutdown(overlay: OverlayRecord, words: Words) -> Fate:
    overlay.shutdown = not words.negated
    return FACT


def _member(overlay: OverlayRecord, words: Words) -> Fate:
    """``member vni N[-M] [associate-vrf]``."""
    numbers = _segments(words.take())
    if numbers is None or words.negated:
        return NOT_UNDERSTOOD
    if words.accept("associate-vrf"):
        overlay.vrf_segments.update(dict.fromkeys(numbers, words.span))
        return FACT
    overlay.segments.update(dict.fromkeys(numbers, words.span))
    return EXTENDED_VLAN


def _segments(text: str) -> list[int] | None:
    """The identifiers of ``10001,10010-10012``, at most as many as there are VLANs."""
    numbers: list[int] = []
    for part in text.split(","):
        low, _, high = part.partition("-")
        if not (low.isascii() and low.isdecimal()) or not (
            (high or low).isascii() and (high or low).isdecimal()
        ):
            return None
        first, last = int(low), int(high or low)
        if not 1 <= first <= last < 1 << 24 or last - first > 4094:
            return None
        numbers.extend(range(first, last + 1))
    return numbers


_NVE_REASON = "how the tunnel's outer packets are made and sent"
NVE_LINES: Table[OverlayRecord] = Table(
    {"source-interface": _source_interface, "member vni": _member, "shutdown": _overlay_shutdown},
    harmless=by_first_words({
        _NVE_REASON: (
            "advertise", "description", "fabric-ready", "global", "host-reachability",
            "ingress-replication", "mcast-group", "mtu", "multisite", "peer-ip", "peer-vtep", "spt",
            "suppress-arp", "suppress-mac-route", "suppress-unknown-unicast", "virtual-rmac", "vxlan",
            "optimized-replication",
        ),
    }),
)  # fmt: skip
