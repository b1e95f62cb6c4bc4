"""``interfaces``: ports and their units."""

from __future__ import annotations

import re
from collections.abc import Iterator

from segaudit.model.device import InterfaceAddress, SwitchportMode
from segaudit.model.flow import Family
from segaudit.parse.word_tree import Node
from segaudit.vendors.juniper_junos import words
from segaudit.vendors.juniper_junos.reading import Reading
from segaudit.vendors.juniper_junos.records import FilterUse, Port, Switching, Unit

_LOGICAL = re.compile(r"(.+)\.(\d+)")
_FAMILY = {"inet": Family.IPV4, "inet6": Family.IPV6}
_TAGGING = ("vlan-tagging", "flexible-vlan-tagging", "stacked-vlan-tagging")
_OPTIONS = ("gigether-options", "ether-options", "fastether-options")

_PORT_HARMLESS = frozenset(
    (
        "mtu", "speed", "link-mode", "hold-time", "traceoptions", "clocking", "no-traps", "traps",
        "damping", "gratuitous-arp-reply", "no-gratuitous-arp-reply", "no-gratuitous-arp-request",
        "optics-options", "otn-options", "keepalives", "no-keepalives", "sonet-options", "e1-options",
        "t1-options", "mac", "interface-mib", "interface-transmit-statistics", "metadata",
        "accounting-profile", "per-unit-scheduler", "hierarchical-scheduler", "redundant-ether-options",
        "aggregated-ether-options", "number-of-ports", "fabric-options", "link-degrade-monitor",
        "l2circuit", "port-profile", "optics", "media-type", "auto-negotiation", "no-auto-negotiation",
        "esi", "anchor-point", "forwarding-class-accounting", "enhanced-convergence", "ptp",
        "synchronous-ethernet", "schedulers", "sampling", "hierarchical-scheduling",
        "passive-monitor-mode", "description", "bandwidth", "redundancy-options",
        "aggregated-sonet-options",
    )
)  # fmt: skip
_UNIT_HARMLESS = frozenset(
    (
        "bandwidth", "description", "no-traps", "traps", "accounting-profile", "arp-resp", "keepalives",
        "statistics", "interface-shared-with", "point-to-point", "multipoint", "host-prefix-only",
        "clear-dont-fragment-bit", "copy-tos-to-outer-ip-header", "forwarding-class-accounting",
        "compression", "esi", "service-domain", "load-balancing-options", "multicast-only", "disable",
        "layer2-policer", "family", "reassemble-packets", "alias", "ppp-options", "pppoe-options",
        "backup-options", "etree-ac-role", "targeted-distribution", "no-auto-negotiation", "rpm",
        "virtual-gateway-accept-data", "virtual-gateway-v4-mac", "virtual-gateway-v6-mac",
        "virtual-gateway-esi",
    )
)  # fmt: skip
_FAMILY_HARMLESS = frozenset(
    (
        "mtu", "no-redirects", "no-redirects-v6", "no-neighbor-learn", "primary", "sampling",
        "targeted-broadcast", "policer", "dad-disable", "nd6-stale-time", "dest-class",
        "destination-class-usage", "accounting", "tcp-mss", "arp", "allow-filter-on-re",
        "multicast-replicate", "load-balance",
    )
)  # fmt: skip
_ADDRESS_HARMLESS = frozenset(
    (
        "primary", "preferred", "broadcast", "master-only", "eui-64", "destination",
        "web-authentication", "destination-profile", "subnet-router-anycast", "virtual-gateway-address",
        "vrrp-group", "vrrp-inet6-group",
    )
)  # fmt: skip
_VIRTUAL = ("virtual-address", "virtual-inet6-address", "virtual-link-local-address")
NO_PORTS = ("interface-range", "interface-set", "traceoptions", "pic-set", "stacked-interface-set")


def ports(reading: Reading) -> dict[str, Port]:
    """Every port that is configured, by name."""
    found: dict[str, Port] = {}
    for name, node in _nodes(reading):
        if name not in found:
            found[name] = _port(reading, name, node)
    return found


def units(reading: Reading, known: dict[str, Port]) -> list[Unit]:
    """Every unit that is configured."""
    found = []
    for name, node in _nodes(reading):
        logical = _LOGICAL.fullmatch(node.word)
        if logical:
            found.append(_unit(reading, known[name], logical[2], node))
        for unit in node.under("unit"):
            reading.fact(node["unit"])
            found.append(_unit(reading, known[name], unit.word, unit))
    return found


def _nodes(reading: Reading) -> Iterator[tuple[str, Node]]:
    """The nodes below ``interfaces`` with the port's name; ``ge-0/0/0.5`` is unit 5 in short."""
    interfaces = reading.root.get("interfaces")
    reading.fact(interfaces)
    for node in interfaces or ():
        if node.word not in NO_PORTS and not node.word.startswith("<"):
            logical = _LOGICAL.fullmatch(node.word)
            yield (logical[1] if logical else node.word), node


def _port(reading: Reading, name: str, node: Node) -> Port:
    reading.fact(node)
    if _LOGICAL.fullmatch(node.word):
        return Port(name, True, True, None, None, 1500, "", reading.span(node))
    for child in node:
        _account_port(reading, child)
    return Port(
        name,
        not node.has("disable"),
        any(node.has(word) for word in _TAGGING),
        _bundle(node),
        words.number(node.value("native-vlan-id") or ""),
        words.number(node.value("mtu") or "") or 1500,
        node.value("description") or "",
        reading.span(node),
    )


def _account_port(reading: Reading, child: Node) -> None:
    word = child.word
    if word in _TAGGING or word in ("disable", "native-vlan-id", "description", "mtu"):
        reading.facts(child)
    elif word in _OPTIONS:
        reading.facts(child)
        if child.has("ethernet-switch-profile") or child.has("vlan-rewrite"):
            reading.unsupported(child, "rewrites VLAN tags", bounded=False)
    elif word == "encapsulation":
        reading.facts(child)
        if any(mode.endswith(("ccc", "tcc", "vpls")) for mode in child.words()):
            reading.unsupported(child, "joins interfaces below IP", bounded=False)
    elif word in _PORT_HARMLESS or word.endswith("-options"):
        reading.ignored(child, "does not decide where packets go")


def _bundle(node: Node) -> str | None:
    for options in _OPTIONS:
        for way in ("802.3ad", "redundant-parent"):
            found = node.value(options, way)
            if found is not None:
                return found
    return None


# ---- units --------------------------------------------------------------------------------------


def _unit(reading: Reading, port: Port, number: str, node: Node) -> Unit:
    reading.fact(node, node.get("family"))
    families = node.under("family")
    for child in node:
        _account_unit(reading, child)
    for family in families:
        _account_family(reading, family)
    return Unit(
        port.name,
        number,
        node,
        port.enabled and not node.has("disable"),
        _vlan(port, node),
        frozenset(family.word for family in families),
        tuple(_addresses(reading, families)),
        frozenset(_FAMILY[one.word] for one in families if one.word in _FAMILY and _learns(one)),
        tuple(_filter_uses(reading, node, families)),
        _switching(reading, families),
        node.has("proxy-arp") or any(family.has("proxy-arp") for family in families),
        node.value("description") or "",
        reading.span(node),
        node.value("encapsulation") or "",
    )


def _account_unit(reading: Reading, child: Node) -> None:
    word = child.word
    if word in (
        "vlan-id",
        "vlan-tags",
        "vlan-id-range",
        "vlan-id-list",
        "disable",
        "description",
        "proxy-arp",
    ):
        reading.facts(child)
    elif word in ("tunnel", "peer-unit", "filter", "vlan-members"):
        reading.fact(child)
    elif word in ("input-vlan-map", "output-vlan-map", "swap-by-poppush"):
        reading.unsupported(child, "rewrites VLAN tags", bounded=False)
    elif word == "encapsulation":
        joins = any(mode.endswith(("ccc", "tcc", "vpls")) for mode in child.words())
        reading.facts(child)
        if joins:
            reading.unsupported(child, "joins interfaces below IP", bounded=False)
    elif word in _UNIT_HARMLESS and word != "family":
        reading.ignored(child, "does not decide where packets go")


def _account_family(reading: Reading, family: Node) -> None:
    if family.word in _FAMILY:
        reading.fact(family)
        for child in family:
            _account_ip(reading, child)
    elif family.word in ("iso", "tnp"):
        reading.ignored(family, "carries no IP packets")
    elif family.word in ("mpls", "ccc", "tcc", "vpls"):
        reading.unsupported(family, "forwards packets below IP, past the filters", bounded=False)
    elif family.word in ("ethernet-switching", "bridge"):
        reading.fact(family)
        for child in family:
            _account_switching(reading, child)


def _account_ip(reading: Reading, child: Node) -> None:
    word = child.word
    if word == "rpf-check":
        reading.unsupported(child, "what it would drop counts as passed", bounded=True)
    elif word in ("dhcp", "dhcp-client", "dhcpv6-client", "negotiate-address", "unnumbered-address"):
        reading.facts(child)
    elif word in ("simple-filter",):
        reading.unsupported(child, "what it would drop counts as passed", bounded=True)
    elif word == "service":
        reading.unsupported(child, "packets pass services that may translate them", bounded=False)
    elif word == "proxy-arp":
        reading.facts(child)
    elif word in _FAMILY_HARMLESS:
        reading.ignored(child, "does not decide where packets go")


def _account_switching(reading: Reading, child: Node) -> None:
    word = child.word
    if word in ("interface-mode", "port-mode", "vlan", "vlan-id", "vlan-id-list", "native-vlan-id"):
        reading.facts(child)
    elif word in ("filter", "policer", "storm-control", "recovery-timeout", "inter-switch-link"):
        reading.unsupported(child, "what it would drop counts as passed", bounded=True)


def _vlan(port: Port, node: Node) -> int | None:
    """The tag of a unit; 0 where it has none, ``None`` where several or also untagged ones."""
    if node.has("vlan-id-range") or node.has("vlan-id-list"):
        return None
    outer = node.value("vlan-tags", "outer")
    if outer is not None:
        return words.number(outer.rpartition(".")[2])
    text = node.value("vlan-id")
    if text is None:
        return None if node.has("vlan-tags") else 0
    vlan = words.number(text)
    return None if vlan is not None and vlan == port.native else vlan


# ---- addresses ----------------------------------------------------------------------------------


def _learns(family: Node) -> bool:
    """True where the unit gets addresses or routes that the configuration does not show."""
    learned = ("dhcp", "dhcp-client", "dhcpv6-client", "negotiate-address", "unnumbered-address")
    return any(family.has(word) for word in learned)


def _addresses(reading: Reading, families: list[Node]) -> Iterator[InterfaceAddress]:
    for family in families:
        if family.word not in _FAMILY:
            continue
        reading.fact(family.get("address"))
        for node in family.under("address"):
            one = words.prefix(node.word)
            if one is None or one[0] is not _FAMILY[family.word]:
                reading.unrecognized(node, "an address that cannot be read")
                continue
            span = reading.span(node)
            yield InterfaceAddress(*one, span)
            for virtual in _virtual(reading, node):
                if virtual[0] is one[0]:
                    yield InterfaceAddress(virtual[0], virtual[1], one[2], span)


def _virtual(reading: Reading, node: Node) -> Iterator[words.Prefix]:
    """Addresses that several devices share (VRRP, EVPN gateways)."""
    reading.fact(node)
    for child in node:
        if child.word in _ADDRESS_HARMLESS:
            reading.facts(child)
        elif child.word in ("arp", "ndp"):
            reason = "frames for the address go to whoever has the hardware address"
            reading.unsupported(child, reason, bounded=False)
    shared = node.words("virtual-gateway-address")
    for key in ("vrrp-group", "vrrp-inet6-group"):
        for group in node.under(key):
            shared += [word for name in _VIRTUAL for word in group.words(name)]
    for word in shared:
        one = words.prefix(word)
        if one is None:
            reading.unrecognized(node, "a shared address that cannot be read")
        else:
            yield one


# ---- filters ------------------------------------------------------------------------------------


def _filter_uses(reading: Reading, unit: Node, families: list[Node]) -> Iterator[FilterUse]:
    places = [("any", unit.get("filter"))]
    places += [(family.word, family.get("filter")) for family in families if family.word in _FAMILY]
    for family, node in places:
        reading.fact(node)
        for child in node or ():
            use = _filter_use(family, child)
            if use is not None:
                reading.facts(child)
                yield use
            elif child.word in ("group", "dialer"):
                reading.ignored(child, "no filter of its own")


def _filter_use(family: str, node: Node) -> FilterUse | None:
    if node.word in ("input", "output"):
        name = max(node, key=lambda one: (not one.inherited, one.touched), default=None)
        return None if name is None else FilterUse(family, node.word == "output", (name.word,), node)
    if node.word in ("input-list", "output-list"):
        names = tuple(child.word for child in node)
        return FilterUse(family, node.word == "output-list", names, node) if names else None
    return None


# ---- switching ----------------------------------------------------------------------------------


def _switching(reading: Reading, families: list[Node]) -> Switching | None:
    for family in families:
        if family.word not in ("ethernet-switching", "bridge"):
            continue
        mode = family.value("interface-mode") or family.value("port-mode") or "access"
        members = [
            *family.words("vlan", "members"),
            *family.words("vlan-id"),
            *family.words("vlan-id-list"),
        ]
        if mode not in ("access", "trunk", "tagged-access"):
            reading.unrecognized(family, "a mode of switching that is not known")
        return Switching(
            SwitchportMode.ACCESS if mode == "access" else SwitchportMode.TRUNK,
            tuple(members),
            words.number(family.value("native-vlan-id") or ""),
            family,
        )
    return None
