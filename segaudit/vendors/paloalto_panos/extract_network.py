"""``network`` and ``deviceconfig system`` -> records of interfaces, routers, tunnels and profiles.

Source: PAN-OS Networking Administrator's Guide 10.1, "Configure Interfaces", "Virtual Routers", "Static
Routes"; PAN-OS Web Interface Help 10.1, "Network".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address, ip_interface

from segaudit.model.device import InterfaceAddress, InterfaceKind, TunnelEnds
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.vendors.paloalto_panos.records import (
    InterfaceRecord,
    ManagementProfile,
    RouterRecord,
    StaticRouteRecord,
)
from segaudit.vendors.paloalto_panos.tree import Node

MANAGEMENT = "management"
"""The dedicated management port, which forwards nothing."""

_LOGICAL = {
    "loopback": InterfaceKind.LOOPBACK,
    "tunnel": InterfaceKind.TUNNEL,
    "vlan": InterfaceKind.BRIDGE,
    "sdwan": InterfaceKind.OTHER,
}
_PORTS = {"ethernet": InterfaceKind.PHYSICAL, "aggregate-ethernet": InterfaceKind.AGGREGATE}
_MODES = ("layer3", "layer2", "virtual-wire", "tap", "ha", "decrypt-mirror", "log-card")
_DEFAULT_DISTANCES = {Family.IPV4: ("static", 10), Family.IPV6: ("static-ipv6", 10)}

Resolve = Callable[[str], str]
"""What an address object on an interface stands for."""


# ---- interfaces ---------------------------------------------------------------------------------


def interfaces(network: Node | None, resolve: Resolve) -> Iterator[InterfaceRecord]:
    """Every interface of the ``network`` section, units after the port that carries them."""
    if network is None:
        return
    for kind in network.each("interface"):
        if kind.name in _PORTS:
            for port in kind.each():
                _refuse_pattern(port)
                yield from _port(port, _PORTS[kind.name], resolve)
        elif kind.name in _LOGICAL:
            yield from _logical(kind, _LOGICAL[kind.name], resolve)
        else:
            kind.seen = False


def _refuse_pattern(port: Node) -> None:
    """A name that the model would read as a pattern of names (no port of PAN-OS has one)."""
    if any(sign in name for name in (port.name, *_unit_names(port)) for sign in "*?"):
        port.doubt("no name of an interface", bounded=False)


def _unit_names(port: Node) -> list[str]:
    sections = [mode.children.get("units") for mode in port.children.values()]
    return [name for section in sections if section is not None for name in section.children]


def _port(port: Node, kind: InterfaceKind, resolve: Resolve) -> Iterator[InterfaceRecord]:
    mode = next((one for one in _MODES if port.holds(one)), "")
    inside = port.get(mode) if mode else None
    record = InterfaceRecord(port.name, kind, mode, port.span)
    record.parent = port.word("aggregate-group") or None
    record.enabled = port.word("link-state") != "down"
    record.description = port.word("comment")
    if inside is not None:
        _fill(record, inside, resolve)
    if mode == "decrypt-mirror":
        port.doubt("copies of what other interfaces carry leave here", bounded=False)
    if inside is not None:
        _note_other_ways(inside)
    yield record
    for unit in inside.each("units") if inside is not None else ():
        yield _unit(unit, record, resolve)


_OTHER_WAYS = {
    ("decrypt-forward",): "decrypted packets leave here for another device (decryption broker)",
    ("ndp-proxy", "enabled"): "it answers neighbour discovery for other addresses",
}


_BOUND = "frames for the address go to whoever has the hardware address"


def _note_other_ways(node: Node) -> None:
    """Packets that an interface sends or takes although no route or rule of the model says so."""
    for one in (*node.each("arp"), *node.each("ipv6", "neighbor-discovery", "neighbor")):
        one.doubt(_BOUND, bounded=False)
    for path, reason in _OTHER_WAYS.items():
        if path[0] in node.children and node.says_yes(*path):
            node.children[path[0]].doubt(reason, bounded=False)


def _unit(unit: Node, port: InterfaceRecord, resolve: Resolve) -> InterfaceRecord:
    record = InterfaceRecord(unit.name, InterfaceKind.VLAN, port.mode, unit.span, port.name)
    record.enabled = port.enabled
    record.tag = _number(unit.word("tag"))
    record.description = unit.word("comment")
    _fill(record, unit, resolve)
    _note_other_ways(unit)
    return record


def _logical(section: Node, kind: InterfaceKind, resolve: Resolve) -> Iterator[InterfaceRecord]:
    """``loopback``, ``vlan`` and ``tunnel``: units, and an old one without a number."""
    units = [unit for group in section.each("units") for unit in [group]]
    if any(key in section.children for key in ("ip", "ipv6", "interface-management-profile")):
        units.insert(0, section)
    for unit in units:
        record = InterfaceRecord(unit.name, kind, "layer3", unit.span)
        record.description = unit.word("comment")
        _fill(record, unit, resolve)
        yield record


def _fill(record: InterfaceRecord, node: Node, resolve: Resolve) -> None:
    """Addresses, IPv6, how it learns addresses, and what it answers."""
    found: list[InterfaceAddress] = []
    unread: list[str] = []
    for one in node.each("ip"):
        _add_address(one, resolve, found, unread)
    record.ipv6 = node.says_yes("ipv6", "enabled")
    for one in node.each("ipv6", "address"):
        one.see_all()
        _add_address(one, resolve, found, unread)
    record.addresses = tuple(found)
    record.learns_address = _learns(node) or (
        f"addresses that are not told: {', '.join(unread)}" if unread else ""
    )
    record.management_profile = node.word("interface-management-profile")
    record.mtu = _number(node.word("mtu")) or 1500


def _add_address(node: Node, resolve: Resolve, found: list[InterfaceAddress], unread: list[str]) -> None:
    text = resolve(node.name)
    address = _interface_address(text, node.span)
    for extra in list(node.children):
        part = node.get(extra)
        if part is not None:
            part.see_all()
    if address is None:
        unread.append(node.name)
    else:
        found.append(address)


def _interface_address(text: str, span: SourceSpan) -> InterfaceAddress | None:
    """``10.0.0.1/24``; an address alone is a host's."""
    try:
        one = ip_interface(text)
    except ValueError:
        return None
    return InterfaceAddress(Family(one.version), int(one.ip), one.network.prefixlen, span)


def _learns(node: Node) -> str:
    for key in ("dhcp-client", "pppoe"):
        found = node.get(key)
        if found is not None:
            found.see_all()
            if found.word("enable", default="yes") != "no":
                return f"its address comes by {key}"
    for key in ("inherited", "dhcp-client"):
        found = node.get("ipv6", key)
        if found is not None:
            found.see_all()
            return f"its IPv6 address comes by {key}"
    return ""


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None


def management(system: Node | None) -> InterfaceRecord | None:
    """The dedicated management port, where it has an address."""
    if system is None:
        return None
    address = system.word("ip-address")
    mask = system.word("netmask")
    gateway = system.word("default-gateway")
    text = f"{address}/{mask}" if mask else address
    found = [_interface_address(text, system.get("ip-address").span)] if address else []  # type: ignore[union-attr]
    six = system.word("ipv6-address")
    if six:
        found.append(_interface_address(six, system.get("ipv6-address").span))  # type: ignore[union-attr]
    system.word("ipv6-default-gateway")
    kind = system.get("type")
    if kind is not None:
        kind.see_all()
    del gateway
    record = InterfaceRecord(MANAGEMENT, InterfaceKind.PHYSICAL, "management", system.span)
    record.addresses = tuple(one for one in found if one is not None)
    return record


# ---- bridges ------------------------------------------------------------------------------------


def bridges(network: Node | None) -> Iterator[tuple[str, tuple[str, ...], SourceSpan]]:
    """What joins ports on layer 2: VLAN objects (with their VLAN interface) and virtual wires.

    Yields the name of the bridge, its ports, and where it stands.
    """
    if network is None:
        return
    for vlan in network.each("vlan"):
        routed = vlan.word("virtual-interface", "interface")
        vlan.words("virtual-interface", "l3-forwarding")
        yield routed or f"vlan {vlan.name}", vlan.words("interface"), vlan.span
    for wire in network.each("virtual-wire"):
        ends = tuple(end for key in ("interface1", "interface2") if (end := wire.word(key)))
        yield f"virtual-wire {wire.name}", ends, wire.span


# ---- tunnels ------------------------------------------------------------------------------------


def tunnel_ends(network: Node | None, vrf_of: Callable[[str], str]) -> dict[str, TunnelEnds]:
    """The outer ends of each tunnel interface that IPsec, GRE or GlobalProtect uses."""
    if network is None:
        return {}
    gateways = {one.name: one for one in network.each("ike", "gateway")}
    found: dict[str, TunnelEnds] = {}
    for tunnel in network.each("tunnel", "ipsec"):
        name = tunnel.word("tunnel-interface")
        used = tunnel.words("auto-key", "ike-gateway") or ("",)
        gateway = gateways.get(used[0])
        if name and len(used) == 1 and gateway is not None and name not in found:
            found[name] = _ends("ipsec", gateway, ("peer-address", "ip"), vrf_of)
        elif name:
            found[name] = TunnelEnds("ipsec", Family.IPV4)
    for tunnel in network.each("tunnel", "gre"):
        name = tunnel.word("tunnel-interface")
        if name:
            found[name] = _ends("gre", tunnel, ("peer-address", "ip"), vrf_of)
    for kind in ("global-protect-gateway", "global-protect-site-to-site"):
        for gateway in network.each("tunnel", kind):
            name = gateway.word("tunnel-interface")
            if name:
                found[name] = _ends("ipsec", gateway, ("peer-address", "ip"), vrf_of)
    _note_satellites(network)
    return found


def _note_satellites(network: Node) -> None:
    """In a large-scale VPN gateways and satellites tell each other routes (GlobalProtect LSVPN)."""
    gateways = network.each("tunnel", "global-protect-site-to-site")
    satellites = [one for one in network.each("tunnel", "ipsec") if one.holds("global-protect-satellite")]
    for one in (*gateways, *satellites):
        one.doubt("routes of other sites are installed that stand nowhere here", bounded=False)


def note_relays(network: Node | None) -> None:
    """A DHCP relay hands what hosts of one network send to a server in another."""
    for port in network.each("dhcp", "interface") if network is not None else ():
        for family in ("ip", "ipv6"):
            relay = port.get("relay", family)
            if relay is not None and relay.word("enabled", default="yes") != "no":
                relay.doubt("hands requests for addresses to another network", bounded=False)


def _ends(kind: str, node: Node, peer: tuple[str, ...], vrf_of: Callable[[str], str]) -> TunnelEnds:
    interface = node.word("local-address", "interface")
    source = _address(node.word("local-address", "ip").partition("/")[0])
    target = _address(node.word(*peer))
    family = (target or source or (Family.IPV4, 0))[0]
    return TunnelEnds(
        kind,
        family,
        source[1] if source else None,
        target[1] if target else None,
        interface or None,
        vrf_of(interface),
    )


def _address(text: str) -> tuple[Family, int] | None:
    try:
        one = ip_address(text)
    except ValueError:
        return None
    return Family(one.version), int(one)


# ---- routers ------------------------------------------------------------------------------------


def routers(network: Node | None) -> tuple[RouterRecord, ...]:
    """Virtual routers, and the VRFs of logical routers (the advanced routing engine)."""
    if network is None:
        return ()
    virtual, logical_routers = (_in_use(network, key) for key in ("virtual-router", "logical-router"))
    found = [_router(one.name, one) for one in virtual]
    for logical in logical_routers:
        for vrf in logical.each("vrf"):
            name = logical.name if vrf.name == "default" else f"{logical.name}/{vrf.name}"
            found.append(_router(name, vrf))
    return tuple(found)


def _in_use(network: Node, key: str) -> list[Node]:
    section = network.get(key)
    return [] if section is None or section.fate is not None else section.each()


def _router(name: str, node: Node) -> RouterRecord:
    record = RouterRecord(name, node.span, node.words("interface"))
    distances = {
        family: _number(node.word("admin-dists", key)) or default
        for family, (key, default) in _DEFAULT_DISTANCES.items()
    }
    statics: list[StaticRouteRecord] = []
    for key, family in (("ip", Family.IPV4), ("ipv6", Family.IPV6)):
        for route in node.each("routing-table", key, "static-route"):
            made = _static(route, family, distances[family])
            if made is not None:
                statics.append(made)
    record.statics = tuple(statics)
    record.protocols = dict(_protocols(node))
    return record


def _protocols(node: Node) -> Iterator[tuple[str, SourceSpan]]:
    """Protocols that are on, or not said to be off."""
    homes = [one for key in ("protocol",) for one in node.each(key)]
    homes += [part for key in _LOGICAL_PROTOCOLS if (part := node.get(key)) is not None]
    for protocol in homes:
        if protocol.name.startswith("redist-profile") or not protocol.children:
            protocol.ignore("no routing protocol of its own")
            continue
        enabled = protocol.word("enable")
        protocol.see_all()
        if protocol.name == "multicast" and enabled != "no":
            protocol.doubt("multicast packets are forwarded", bounded=False)
            continue
        if enabled == "no" or (not enabled and set(protocol.children) <= _HOLLOW):
            continue
        yield protocol.name, protocol.span


_LOGICAL_PROTOCOLS = ("bgp", "ospf", "ospfv3", "rip", "isis", "eigrp", "multicast")
_HOLLOW = frozenset({"dampening-profile", "routing-options", "redist-rules", "timers"})
"""Parts of a protocol that PAN-OS writes also where the protocol was never enabled."""


def _static(node: Node, family: Family, distance: int) -> StaticRouteRecord | None:
    table = node.word("route-table", default="unicast")
    tables = {table, *(child.name for child in node.each("route-table"))}
    if tables <= {"multicast", "no-install"} and "multicast" in tables:
        node.ignore("for multicast only")
        return None
    record = StaticRouteRecord(family, node.name, node.word("destination"), node.span)
    record.interface = node.word("interface")
    record.distance = _number(node.word("admin-dist")) or distance
    record.metric = _number(node.word("metric")) or 10
    _next_hop(record, node.get("nexthop"))
    record.doubt = record.doubt or _conditions(node, tables)
    return record


def _next_hop(record: StaticRouteRecord, hop: Node | None) -> None:
    if hop is None or not hop.children:
        return
    kind = hop.latest
    hop.each()
    value = hop.word(kind)
    if kind == "discard":
        record.discard = True
    elif kind in ("ip-address", "ipv6-address"):
        record.next_hop = value
    elif kind in ("next-vr", "next-lr"):
        record.next_router = value
    elif kind in ("none", "tunnel"):
        pass
    elif not value and _address(kind) is not None:
        record.next_hop = kind
    else:
        record.doubt = f"its next hop is {kind} {value}".rstrip()


def _conditions(node: Node, tables: Iterable[str]) -> str:
    """Why the route may be there or not."""
    monitor = node.get("path-monitor")
    if monitor is not None:
        enabled = monitor.word("enable", default="yes")
        monitor.see_all()
        if enabled != "no":
            return "path monitoring"
    bfd = node.get("bfd")
    if bfd is not None:
        bfd.see_all()
        if bfd.word("profile", default="None") != "None":
            return "BFD"
    option = node.get("option")
    if option is not None:
        option.see_all()
        if option.children:
            return f"option {option.latest}"
    return "not installed" if "no-install" in tables else ""


# ---- profiles -----------------------------------------------------------------------------------


def management_profiles(network: Node | None) -> tuple[ManagementProfile, ...]:
    """The interface-management-profiles."""
    if network is None:
        return ()
    found = []
    for one in network.each("profiles", "interface-management-profile"):
        permitted = one.words("permitted-ip")
        services = tuple(
            part.name for part in one.each() if part.name != "permitted-ip" and one.says_yes(part.name)
        )
        found.append(ManagementProfile(one.name, services, permitted, one.span))
    return tuple(found)
