"""Ports, units and VLANs to the interfaces of the neutral model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from segaudit.model.device import Interface, InterfaceKind, Switchport, SwitchportMode, TunnelEnds
from segaudit.model.flow import Family
from segaudit.parse.word_tree import Node
from segaudit.vendors.juniper_junos import words
from segaudit.vendors.juniper_junos.extract_instances import MANAGEMENT, MANAGEMENT_PORTS
from segaudit.vendors.juniper_junos.reading import Reading
from segaudit.vendors.juniper_junos.records import MASTER, Port, Switching, Unit

VTEP = "vtep"
EVERY_VLAN = ((1, 4094),)
_LOOPBACKS = ("lo",)
_TUNNELS = {
    "gr-": "gre",
    "ip-": "ipip",
    "st": "ipsec",
    "fti": "fti",
    "pd-": "pim",
    "pe-": "pim",
    "mt-": "mvpn",
}
_SERVICES = (
    "sp-",
    "ms-",
    "vms-",
    "si-",
    "ams",
    "rms",
    "lsq-",
    "rlsq",
    "vt-",
    "ls-",
    "ml-",
    "pp",
    "dsc",
    "cbp",
    "pip",
)
_BUNDLES = ("ae", "reth", "as", "fab", "swfab")
_DEFAULT_VLAN = 1
_BRIDGED = ("vlan-bridge", "extended-vlan-bridge", "ethernet-bridge")


@dataclass(frozen=True, slots=True)
class Vlans:
    """The VLANs or bridge domains: their numbers, what routes for them, and their units.

    ``numbers`` gives the inclusive ranges of a name; an empty one has no tag of its own.
    """

    numbers: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    routed: dict[str, str] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)
    extended: tuple[str, ...] = ()
    voice: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)


def is_logical(name: str) -> bool:
    """True for names that stand for no port at all (``lo0``, ``irb``, ``st0``)."""
    return name in ("irb", "vlan", "st0", "vtep", "all") or name.startswith(_LOOPBACKS)


# ---- VLANs --------------------------------------------------------------------------------------

_VLAN_HARMLESS = frozenset(
    (
        "description", "mac-table-size", "mac-limit", "no-mac-learning", "interface-mac-limit",
        "mac-statistics", "mcae-mac-synchronize", "service-id", "domain-type", "no-irb-layer-2-copy",
        "no-arp-suppression", "multicast-snooping-options", "mac-table-aging-time", "no-normalization",
        "filter", "forwarding-options", "switch-options", "bridge-options", "private-vlan",
        "isolated-vlan", "community-vlans", "isolation-vlan-id", "isolation-id", "primary-vlan",
        "protocols", "mac-notification", "storm-control", "no-local-switching",
    )
)  # fmt: skip


def vlans(reading: Reading) -> Vlans:
    """Everything that ``vlans``, ``bridge-domains`` and their options say."""
    found = Vlans()
    extended = []
    for top in (reading.root.get("vlans"), reading.root.get("bridge-domains")):
        reading.fact(top)
        for node in top or ():
            _vlan(reading, found, node)
            if node.has("vxlan"):
                extended.append(node.word)
    _voice(reading, found)
    return replace(found, extended=tuple(extended))


def _vlan(reading: Reading, found: Vlans, node: Node) -> None:
    reading.fact(node, node.get("interface"))
    ranges: list[tuple[int, int]] = []
    for child in node:
        if child.word in (
            "vlan-id",
            "vlan-id-list",
            "vlan-range",
            "vlan-tags",
            "l3-interface",
            "routing-interface",
            "vxlan",
        ):
            reading.facts(child)
        elif child.word == "dot1q-tunneling":
            reading.unsupported(child, "carries tags within tags", bounded=False)
        elif child.word in _VLAN_HARMLESS:
            reading.unsupported(child, "what it would keep apart counts as joined", bounded=True)
    for key in ("vlan-id", "vlan-id-list", "vlan-range"):
        for word in node.words(key):
            ranges += _numbers(reading, node, word)
    found.numbers[node.word] = tuple(ranges)
    for key in ("l3-interface", "routing-interface"):
        for name in node.words(key):
            found.routed[name] = node.word
            if len(ranges) > 1 or any(first != last for first, last in ranges):
                reading.unsupported(node, "one interface routes for several VLANs", bounded=False)
    for member in node.under("interface"):
        reading.facts(member)
        found.members[member.word if "." in member.word else f"{member.word}.0"] = node.word


def _numbers(reading: Reading, node: Node, word: str) -> list[tuple[int, int]]:
    if word == "none":
        return []
    if word == "all":
        return list(EVERY_VLAN)
    one = words.number_range(word, {}, 4094)
    if one is None:
        reading.unrecognized(node, "a VLAN number that cannot be read")
        return list(EVERY_VLAN)
    return [one]


def _voice(reading: Reading, found: Vlans) -> None:
    """Tagged VLANs of telephones on access ports (``switch-options voip``)."""
    for top in ("switch-options", "ethernet-switching-options"):
        node = reading.root.get(top, "voip")
        reading.facts(node)
        for port in reading.root.under(top, "voip", "interface"):
            name = port.word.partition(".")[0]
            found.voice[name] = _members(reading, found, port.words("vlan"), port)


# ---- interfaces ---------------------------------------------------------------------------------


def interfaces(
    reading: Reading,
    ports: Mapping[str, Port],
    units: Sequence[Unit],
    known: Vlans,
    vrfs: Mapping[str, str],
    zones: Mapping[str, str],
) -> dict[str, Interface]:
    """Every port and unit as an interface, with bridges for what is joined inside the device."""
    found: dict[str, Interface] = {}
    for port in ports.values():
        if not is_logical(port.name):
            found[port.name] = _port(port)
    for port in ports.values():
        if port.bundle is not None and port.bundle not in found:
            found[port.bundle] = Interface(port.bundle, InterfaceKind.AGGREGATE)
    managed = reading.root.has("system", "management-instance")
    for unit in units:
        one = _unit(reading, unit, known)
        vrf = vrfs.get(unit.name) or _management_vrf(unit, managed)
        found[unit.name] = replace(one, vrf=vrf, zone=zones.get(unit.name, zones.get("all")))
    _switch(reading, found, units, known, ports)
    _join(reading, found, units, known)
    _extend(reading, found, known)
    return found


def _management_vrf(unit: Unit, managed: bool) -> str:
    return MANAGEMENT if managed and MANAGEMENT_PORTS.fullmatch(unit.name) else MASTER


def _port(port: Port) -> Interface:
    bundle = port.name.startswith(_BUNDLES) and port.name.lstrip("abcdefghijklmnopqrstuvwxyz").isdigit()
    kind = InterfaceKind.AGGREGATE if bundle else InterfaceKind.PHYSICAL
    return Interface(
        port.name,
        kind,
        port.enabled,
        mtu=port.mtu,
        parent=port.bundle,
        description=port.description,
        span=port.span,
    )


def _unit(reading: Reading, unit: Unit, known: Vlans) -> Interface:
    one = Interface(
        unit.name,
        InterfaceKind.VLAN,
        unit.enabled,
        addresses=unit.addresses,
        parent=unit.port,
        vlan=unit.vlan,
        forwarding=_forwarding(unit),
        proxy_arp=unit.proxy_arp,
        description=unit.description,
        span=unit.span,
    )
    if unit.port.startswith(_LOOPBACKS):
        return replace(one, kind=InterfaceKind.LOOPBACK, parent=None, vlan=None)
    if unit.port in ("irb", "vlan"):
        return replace(one, parent=None, vlan=_routed_vlan(unit, known), bridge=_routed_bridge(unit, known))
    kind = next((kind for start, kind in _TUNNELS.items() if unit.port.startswith(start)), None)
    if kind is not None:
        ends = _ends(reading, unit, kind)
        return replace(one, kind=InterfaceKind.TUNNEL, parent=None, vlan=None, tunnel=ends)
    if unit.port.startswith(_SERVICES):
        return replace(one, kind=InterfaceKind.OTHER, parent=None, vlan=None)
    return one


def _forwarding(unit: Unit) -> frozenset[Family]:
    families = {"inet": Family.IPV4, "inet6": Family.IPV6}
    return frozenset(families[name] for name in unit.families if name in families)


def _routed_vlan(unit: Unit, known: Vlans) -> int | None:
    numbers = known.numbers.get(known.routed.get(unit.name, ""), ())
    return numbers[0][0] if len(numbers) == 1 and numbers[0][0] == numbers[0][1] else None


def _routed_bridge(unit: Unit, known: Vlans) -> str | None:
    name = known.routed.get(unit.name)
    return None if name is None or _routed_vlan(unit, known) is not None else _bridge_name(name)


def _bridge_name(domain: str) -> str:
    return f"bridge-domain {domain}"


def _ends(reading: Reading, unit: Unit, kind: str) -> TunnelEnds:
    """The outer packets of a tunnel."""
    node = unit.node.get("tunnel")
    reading.facts(node)
    if node is None:
        return TunnelEnds(kind, Family.IPV4)
    source, destination = (words.prefix(node.value(end) or "") for end in ("source", "destination"))
    given = source or destination
    family = given[0] if given else Family.IPV4
    vrf = node.value("routing-instance", "destination") or MASTER
    return TunnelEnds(
        kind,
        family,
        source[1] if source else None,
        destination[1] if destination and destination[0] is family else None,
        vrf=vrf,
    )


# ---- layer 2 ------------------------------------------------------------------------------------


def _switch(
    reading: Reading,
    found: dict[str, Interface],
    units: Sequence[Unit],
    known: Vlans,
    ports: Mapping[str, Port],
) -> None:
    """Put a unit's switching on its port: that is where the tags are."""
    for unit in units:
        if unit.switching is None:
            continue
        port = found.get(unit.port)
        if port is None or unit.number != "0" or port.switchport is not None:
            reading.unsupported(unit.switching.node, "several units of one port switch", bounded=False)
            continue
        switchport = _switchport(reading, unit, unit.switching, known, ports[unit.port].native)
        found[unit.port] = replace(port, switchport=switchport)
        if not unit.addresses:
            del found[unit.name]


def _switchport(
    reading: Reading, unit: Unit, switching: Switching, known: Vlans, native: int | None
) -> Switchport:
    domain = known.members.get(unit.name)
    members = [*switching.members, *([domain] if domain is not None else [])]
    ranges = _members(reading, known, members, switching.node)
    native = switching.native if switching.native is not None else native
    voice = known.voice.get(unit.port, known.voice.get("access-ports", ()))
    if switching.mode is SwitchportMode.TRUNK:
        return Switchport(SwitchportMode.TRUNK, 0, native, ranges)
    access = ranges[0][0] if ranges else _DEFAULT_VLAN
    if len(ranges) > 1 or any(first != last for first, last in ranges):
        return Switchport(SwitchportMode.TRUNK, access, None, (*ranges, *voice))
    if voice:
        return Switchport(SwitchportMode.TRUNK, access, None, voice)
    return Switchport(SwitchportMode.ACCESS, access)


def _members(
    reading: Reading, known: Vlans, names: Iterable[str], node: Node
) -> tuple[tuple[int, int], ...]:
    """The VLANs that ``members`` names: names, numbers, ranges or all."""
    ranges: list[tuple[int, int]] = []
    for name in names:
        numbered = words.number_range(name, {}, 4094)
        if known.numbers.get(name):
            ranges += known.numbers[name]
        elif numbered is not None:
            ranges.append(numbered)
        elif name == "all":
            ranges += EVERY_VLAN
        elif name == "default":
            ranges.append((_DEFAULT_VLAN, _DEFAULT_VLAN))
        else:
            reading.unrecognized(node, "a VLAN that is not there")
            ranges += EVERY_VLAN
    return tuple(ranges)


def _join(reading: Reading, found: dict[str, Interface], units: Sequence[Unit], known: Vlans) -> None:
    """Units that a bridge domain holds, and the two ends of a logical tunnel."""
    by_name = {unit.name: unit for unit in units}
    bridges: dict[str, list[str]] = {}
    for name, domain in known.members.items():
        unit = by_name.get(name)
        if unit is not None and unit.switching is None and name in found:
            bridges.setdefault(domain, []).append(name)
    for domain, members in bridges.items():
        _bridge(found, domain, members, known)
    for unit in units:
        if unit.encapsulation in _BRIDGED and unit.name not in known.members:
            reading.unsupported(unit.node, "bridged, and no bridge domain of it is known", bounded=False)
        peer = unit.node.value("peer-unit")
        if peer is not None:
            reading.facts(unit.node.get("peer-unit"))
            _tunnelled(found, unit, f"{unit.port}.{peer}")
    for interface in list(found.values()):
        if interface.bridge is not None and interface.bridge not in found:
            found[interface.bridge] = Interface(interface.bridge, InterfaceKind.BRIDGE)


def _bridge(found: dict[str, Interface], domain: str, members: list[str], known: Vlans) -> None:
    """By the domain's VLAN where it has one, so that trunks meet it; else by a bridge of its own."""
    numbers = known.numbers.get(domain, ())
    if len(numbers) == 1 and numbers[0][0] == numbers[0][1]:
        port = Switchport(SwitchportMode.ACCESS, numbers[0][0])
        for name in members:
            found[name] = replace(found[name], switchport=port)
        return
    for name in members:
        found[name] = replace(found[name], bridge=_bridge_name(domain))


def _tunnelled(found: dict[str, Interface], unit: Unit, peer: str) -> None:
    first, last = sorted((unit.name, peer))
    one = found[unit.name]
    found[unit.name] = replace(
        one, kind=InterfaceKind.OTHER, parent=None, vlan=None, bridge=f"logical tunnel {first} {last}"
    )


def _extend(reading: Reading, found: dict[str, Interface], known: Vlans) -> None:
    """VLANs that VXLAN carries to other devices."""
    source = reading.root.value("switch-options", "vtep-source-interface")
    if not known.extended:
        return
    ranges = [one for name in known.extended for one in known.numbers.get(name, ())]
    found[VTEP] = Interface(
        VTEP,
        InterfaceKind.TUNNEL,
        switchport=Switchport(SwitchportMode.TRUNK, 0, None, tuple(sorted(set(ranges)))),
        tunnel=TunnelEnds("vxlan", Family.IPV4, source_interface=source),
    )
