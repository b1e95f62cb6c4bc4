"""The lines below ``interface X`` of EOS."""

from __future__ import annotations

from collections.abc import Mapping

from segaudit.model.device import InterfaceAddress
from segaudit.model.flow import Family
from segaudit.parse.cisco import addresses, vlans
from segaudit.parse.cisco import interfaces as common
from segaudit.parse.cisco.dispatch import Reader, Table
from segaudit.parse.cisco.fates import FACT, NOT_UNDERSTOOD, Fate, unsupported
from segaudit.parse.cisco.interfaces import COMMON, HARMLESS, VirtualAddress
from segaudit.parse.cisco.switches import (
    EXTENDED_VLAN,
    LAYER_2,
    OverlayRecord,
    SwitchInterface,
    assigning,
    by_first_words,
    doubtful,
    dropping,
    forgetting,
    multicast,
    neighbour,
    relaying,
    translating,
)
from segaudit.parse.cisco.words import Words

_READ_ADDRESS = forgetting(common.read_ip_address, Family.IPV4)
_READ_ADDRESS6 = forgetting(common.read_ipv6_address, Family.IPV6)


def _ip_address(record: SwitchInterface, words: Words) -> Fate:
    """``ip address A/L [secondary]``, ``virtual A/L [secondary]``, ``unnumbered X``, ``dhcp``."""
    if words.accept("unnumbered"):
        return common.read_unnumbered(record, words)
    virtual = words.accept("virtual")
    secondary = words.words[-1:] == ["secondary"]
    kept = [one for one in record.addresses if secondary or one.family is not Family.IPV4 or virtual]
    fate = _READ_ADDRESS(record, words)
    if virtual and not words.negated:
        record.addresses = list(dict.fromkeys([*kept, *record.addresses]))
    return fate


def _ipv6_address(record: SwitchInterface, words: Words) -> Fate:
    words.accept("virtual")
    return _READ_ADDRESS6(record, words)


def _virtual_router(record: SwitchInterface, words: Words) -> Fate:
    """``ip virtual-router address A[/L]``: VARP, an address that the other switches have, too."""
    word = words.take()
    prefix, plain = addresses.prefix(word), addresses.address(word)
    if prefix is not None:
        added = InterfaceAddress(prefix[0], prefix[1], prefix[2], words.span)
        record.addresses = [
            one for one in record.addresses if one != added and one.address != added.address
        ]
        if not words.negated:
            record.addresses.append(added)
        return FACT
    if plain is None:
        return NOT_UNDERSTOOD
    record.virtual = [one for one in record.virtual if (one.family, one.address) != plain]
    if not words.negated:
        record.virtual.append(VirtualAddress(*plain, words.span))
    return FACT


def _encapsulation(record: SwitchInterface, words: Words) -> Fate:
    """``encapsulation dot1q vlan N [inner M]``."""
    if not words.accept("dot1q", "vlan"):
        return FACT if words.negated else NOT_UNDERSTOOD
    record.vlan = vlans.vlan(words.take())
    if record.vlan is None:
        return FACT if words.negated else NOT_UNDERSTOOD
    if words.accept("inner"):
        record.double_tagged = True
        return unsupported(f"frames with a second tag {words.rest()}: taken for all of the outer VLAN")
    return FACT if words.done else NOT_UNDERSTOOD


def _trunk_group(record: SwitchInterface, words: Words) -> Fate:
    group = words.take()
    if words.negated:
        record.trunk_groups.discard(group)
    else:
        record.trunk_groups.add(group)
    return FACT


def _autostate(record: SwitchInterface, words: Words) -> Fate:
    record.always_up = words.negated
    return FACT


def _traffic_policy(record: SwitchInterface, words: Words) -> Fate:
    """``traffic-policy input | output NAME``: a filter of both families."""
    direction, name = words.take(), words.take()
    if direction not in ("input", "output") or not words.done:
        return FACT if words.negated else NOT_UNDERSTOOD
    inbound = direction == "input"
    record.chains = [one for one in record.chains if one[1] is not inbound]
    if not words.negated:
        record.chains.append((f"traffic-policy {name}", inbound, words.span))
    return FACT


def _phone_vlan(record: SwitchInterface, words: Words) -> Fate:
    layer = record.switchport
    fate = common.read_voice_vlan(record, words)
    record.switchport = layer
    return fate


def _learned_default(record: SwitchInterface, words: Words) -> Fate:
    if not words.negated:
        record.learns_address.setdefault(Family.IPV4, "dhcp")
    return FACT


def _policy_routing(record: SwitchInterface, words: Words) -> Fate:
    """``service-policy type pbr input NAME``: for both families."""
    name = words.take()
    for family in Family:
        record.policies.pop(family, None)
        if not words.negated:
            record.policies[family] = (name, words.span)
    return FACT if words.negated else unsupported("policy-based routing counts as anywhere", bounded=True)


_OWN: Mapping[str, Reader[SwitchInterface]] = {
    **LAYER_2,
    "ip address": _ip_address,
    "ipv6 address": _ipv6_address,
    "dot1x": assigning,
    "vmtracer": assigning,
    "ip virtual-router address": _virtual_router,
    "ipv6 virtual-router address": _virtual_router,
    "encapsulation": _encapsulation,
    "vrf": common.read_vrf,
    "vrf forwarding": common.read_vrf,
    "switchport trunk group": _trunk_group,
    "switchport phone vlan": _phone_vlan,
    "autostate": _autostate,
    "dhcp client accept default-route": _learned_default,
    "ipv6 access-group": common.applying(Family.IPV6),
    "service-policy type pbr input": _policy_routing,
    "ip nat": translating,
    "ip helper-address": relaying,
    "ipv6 dhcp relay destination": relaying,
    "mac access-group": dropping("MAC access list", direction_last=True),
    "traffic-policy": _traffic_policy,
    "arp": neighbour,
    "ip arp": neighbour,
    "ipv6 neighbor": neighbour,
    "mpls ip": doubtful("MPLS forwarding is not modelled"),
    "mpls ldp": doubtful("MPLS forwarding is not modelled"),
    "pim ipv4 sparse-mode": multicast,
    "pim ipv4 bidirectional": multicast,
    "pim ipv6 sparse-mode": multicast,
    "ip pim sparse-mode": multicast,
    "ip pim bidirectional": multicast,
    "ip multicast static": multicast,
    "multicast ipv4 static": multicast,
    "switchport vlan mapping": doubtful("VLANs are renumbered on this port"),
    "switchport vlan translation": doubtful("VLANs are renumbered on this port"),
    "switchport vlan forwarding": doubtful("frames of VLANs that the port does not have"),
    "switchport dot1q vlan tag": doubtful("tagging of the native VLAN"),
    "switchport private-vlan mapping": doubtful("private VLANs"),
    "switchport pvlan mapping": doubtful("private VLANs"),
    "pvlan mapping": doubtful("private VLANs"),
    "l2-protocol forwarding": doubtful("layer-2 protocol forwarding"),
    "l2-protocol encapsulation": doubtful("layer-2 protocol encapsulation"),
    "bridge-group": doubtful("bridging"),
    "patch panel": doubtful("a pseudowire"),
}

_HARMLESS = by_first_words({
    "a setting of the physical link": (
        "error-correction", "hardware", "link-debounce", "mac-security", "phy", "platform", "poe", "speed",
        "switchport recirculation", "traffic-loopback", "transceiver", "unidirectional",
    ),
    "a setting of a routing protocol; that one runs is noted where it is configured": (
        "bgp", "ip isis", "ip ospf", "ip rip", "isis", "metric", "ospfv3", "rip",
    ),
    "queueing or marking: it forwards to nobody else": (
        "bandwidth", "dcbx", "mc-tx-queue", "priority", "priority-flow-control", "qos", "random-detect",
        "scheduler", "shape", "tx-queue", "uc-tx-queue",
    ),
    "a setting of multicast, which `pim` turns on": (
        "igmp", "ip igmp", "ip mfib", "ip multicast", "ip pim", "ipv6 mld", "ipv6 pim", "mfib", "mld",
        "multicast", "pim",
    ),
    "counting and reporting": (
        "counters", "flow", "logging", "mac timestamp", "monitor", "queue-monitor", "sflow",
    ),
    "a protocol between neighbours on one link": (
        "lacp", "link", "loop-protection", "msrp", "mvrp", "port-channel", "ptp", "switchport phone",
    ),
    "it only ever drops": (
        "flow-spec", "ipv6 enforcement", "ipv6 verify", "switchport port-security",
        "switchport source-interface",
    ),
    "how addresses on the link are learned": ("switchport mac address",),
    "host routes of the interface's own subnet": (
        "ip attached-host", "ip attached-hosts", "ip attached-routes", "ipv6 attached-host",
        "ipv6 attached-hosts", "ipv6 attached-routes",
    ),
    "a broadcast address counts as any other of its subnet": ("ip directed-broadcast",),
    "how DHCP packets are marked; whom they are relayed to stands in a line of its own": (
        "dhcp server", "dhcp client", "ip dhcp", "ipv6 dhcp",
    ),
    "messages of the device itself": ("ip icmp", "ipv6 nd", "ipv6 router-advertisement"),
    "a setting of tap aggregation, which `switchport mode` turns on": ("switchport tap", "switchport tool"),
    "the port channel is read as any other; its other half is on another switch": ("mlag",),
    "a setting of the tunnel's outer packets": (
        "tunnel dont-fragment", "tunnel ipsec", "tunnel key", "tunnel path-mtu-discovery", "tunnel tos",
        "tunnel ttl",
    ),
    "how frames are tagged, not which VLANs": (
        "switchport dot1q ethertype", "switchport trunk native vlan tag",
    ),
    "which of two ports is used": ("switchport backup", "switchport backup-link"),
    "packet size": ("ip tcp", "l2 mru", "l2 mtu", "tcp mss"),
    "how EVPN peers share a link": (
        "designated-forwarder", "evpn", "identifier", "redundancy", "route-target",
    ),
    "says that the default holds": ("default",),
})  # fmt: skip

LINES: Table[SwitchInterface] = Table(COMMON, _OWN, harmless={**HARMLESS, **_HARMLESS})

# ---- Vxlan1 -------------------------------------------------------------------------------------


def _source_interface(overlay: OverlayRecord, words: Words) -> Fate:
    overlay.source = None if words.negated else words.rest().replace(" ", "")
    return FACT


def _mapped(overlay: OverlayRecord, words: Words) -> Fate:
    """``vxlan vlan V[-W] vni N[-M]``; ``vxlan vlan V flood vtep A``."""
    ranges = vlans.vlan_ranges(words.take())
    if ranges is None:
        return NOT_UNDERSTOOD
    if words.peek() not in ("vni", "vtep", "flood", "multicast-group", "") or words.negated:
        return NOT_UNDERSTOOD
    overlay.vlans.extend(ranges)
    return EXTENDED_VLAN


def _vrf_mapped(overlay: OverlayRecord, words: Words) -> Fate:
    name = words.take()
    if words.negated:
        overlay.vrfs.pop(name, None)
    else:
        overlay.vrfs[name] = words.span
    return FACT


def _overlay_shutdown(overlay: OverlayRecord, words: Words) -> Fate:
    overlay.shutdown = not words.negated
    return FACT


VXLAN_LINES: Table[OverlayRecord] = Table(
    {
        "vxlan source-interface": _source_interface,
        "vxlan vlan": _mapped,
        "vxlan vrf": _vrf_mapped,
        "shutdown": _overlay_shutdown,
    },
    harmless={
        "description": "a description",
        "vxlan": "how the tunnel's outer packets are made and sent",
        "mtu": "packet size",
        "qos": "queueing or marking: it forwards to nobody else",
        "arp": "how addresses on the link are learned",
    },
)
