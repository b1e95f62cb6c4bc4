"""Routing instances: the master and those of ``routing-instances``, and what runs in each."""

from __future__ import annotations

import re

from segaudit.model.flow import Family
from segaudit.model.services import RoutingProcess
from segaudit.parse.word_tree import Node
from segaudit.vendors.juniper_junos.reading import Reading
from segaudit.vendors.juniper_junos.records import MASTER, Instance

MANAGEMENT = "mgmt_junos"
MANAGEMENT_PORTS = re.compile(r"(?:fxp0|em0|me0|vme|re\d:mgmt-\d)\.\d+")
"""Ports that ``system management-instance`` moves to a routing instance of their own."""

_LAYER2 = frozenset(
    ("vpls", "l2vpn", "evpn", "evpn-vpws", "mac-vrf", "virtual-switch", "layer2-control", "l2backhaul-vpn")
)
_HARMLESS = frozenset(
    ("description", "no-vrf-propagate-ttl", "vrf-propagate-ttl", "access", "forwarding-options")
)
_ROUTE_TARGETS = frozenset(
    (
        "route-distinguisher", "vrf-target", "vrf-import", "vrf-export", "vrf-table-label", "instance-type",
        "no-vrf-advertise", "vrf-advertise-selective",
    )
)  # fmt: skip

LEARNING = {
    "bgp": tuple(Family), "ospf": (Family.IPV4,), "ospf3": tuple(Family), "isis": tuple(Family),
    "rip": (Family.IPV4,), "ripng": (Family.IPV6,), "pim": tuple(Family), "dvmrp": (Family.IPV4,),
    "evpn": tuple(Family), "msdp": (Family.IPV4,), "rift": tuple(Family), "babel": tuple(Family),
}  # fmt: skip
"""Protocols by which routes come that the configuration does not show, per family."""

_ROUTING = ("bgp", "ospf", "ospf3", "isis", "rip", "ripng")
_BELOW_IP = frozenset(
    (
        "mpls", "ldp", "rsvp", "l2circuit", "l2vpn", "vpls", "connections", "source-packet-routing",
        "openflow", "mvrp", "gvrp", "spring-traffic-engineering",
    )
)  # fmt: skip
_HARMLESS_PROTOCOLS = frozenset(
    (
        "lldp", "lldp-med", "rstp", "mstp", "vstp", "stp", "igmp", "igmp-snooping", "mld",
        "mld-snooping", "bfd", "vrrp", "dot1x", "sflow", "layer2-control", "oam", "protection-group",
        "lacp", "ppp", "router-advertisement", "neighbor-discovery", "dcbx", "ancp", "iccp",
        "loop-detect", "l2-learning", "uplink-failure-detection", "router-discovery", "sap", "pgm",
        "amt", "ppp-service", "link-management", "mka", "ptp", "xstp", "clock-synchronization", "ntp",
        "telemetry", "bmp", "dhcp",
    )
)  # fmt: skip


def instances(reading: Reading) -> dict[str, Instance]:
    """Every routing instance by name; the master always among them."""
    found = {MASTER: Instance(MASTER, "virtual-router", reading.root)}
    top = reading.root.get("routing-instances")
    reading.fact(top)
    for node in top or ():
        found[node.word] = _instance(reading, node)
    if reading.root.has("system", "management-instance"):
        reading.facts(reading.root.get("system", "management-instance"))
        found.setdefault(MANAGEMENT, Instance(MANAGEMENT, "virtual-router", Node(MANAGEMENT)))
    return found


def _instance(reading: Reading, node: Node) -> Instance:
    kind = node.value("instance-type") or "no-forwarding"
    reading.fact(node, node.get("interface"))
    names = tuple(_unit_name(child.word) for child in node.under("interface"))
    for child in node:
        if child.word == "interface" or child.word in _ROUTE_TARGETS:
            reading.facts(child)
        elif child.word in _HARMLESS:
            reading.ignored(child, "does not decide where packets go")
    if kind in _LAYER2:
        reading.unsupported(node, "an instance that joins interfaces below IP", bounded=False)
    elif kind == "no-forwarding" and names:
        reading.unsupported(node, "interfaces of an instance without a forwarding table", bounded=False)
    elif kind not in ("virtual-router", "vrf", "forwarding", "no-forwarding"):
        reading.unrecognized(node, "a type of routing instance that is not known")
    return Instance(node.word, kind, node, names)


def _unit_name(word: str) -> str:
    return word if "." in word else f"{word}.0"


def vrf_of(found: dict[str, Instance]) -> dict[str, str]:
    """The routing instance of each unit that is named by one; the others are in the master."""
    return {name: one.name for one in found.values() for name in one.interfaces}


def rib(text: str) -> tuple[str, Family] | None:
    """The routing instance and family of a routing table's name (``RED.inet6.0``); ``None`` for others."""
    name, dot, table = text.rpartition("inet")
    if not dot or table not in (".0", "6.0") or (name and not name.endswith(".")):
        return None
    return name[:-1] or MASTER, Family.IPV6 if table == "6.0" else Family.IPV4


def processes(reading: Reading, found: dict[str, Instance]) -> tuple[RoutingProcess, ...]:
    """The routing protocols that are configured; every other protocol is accounted for."""
    made = []
    for one in found.values():
        top = one.node.get("protocols")
        reading.fact(top)
        for node in top or ():
            _account_protocol(reading, node)
            if node.word in _ROUTING:
                made.append(RoutingProcess(node.word, one.name, "", reading.span(node)))
    return tuple(sorted(made))


def _account_protocol(reading: Reading, node: Node) -> None:
    if node.word in LEARNING:
        reading.facts(node)
        if node.word == "evpn" and node.value("encapsulation") == "mpls":
            reading.unsupported(node, "carries frames over MPLS", bounded=False)
        for inner in ("sr-te", "source-packet-routing"):
            reading.unsupported(node.get(inner), "labelled packets pass the filters", bounded=False)
    elif node.word in _BELOW_IP:
        reading.unsupported(node, "forwards packets below IP, past the filters", bounded=False)
    elif node.word in _HARMLESS_PROTOCOLS:
        reading.ignored(node, "makes no route and forwards nothing")
