"""``config system interface`` and what belongs to it: zones, switches, tunnels, links between domains."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from segaudit.model.device import (
    DEFAULT_VRF,
    Interface,
    InterfaceAddress,
    InterfaceKind,
    TunnelEnds,
)
from segaudit.model.flow import Family, parse_address
from segaudit.parse.edit_tree import Entry, Value
from segaudit.routing.configured import ConfiguredRoute
from segaudit.vendors.fortinet_fortios.addresses import (
    is_prefix_mask,
    parse_interface6,
    parse_range,
    parse_subnet,
)
from segaudit.vendors.fortinet_fortios.reading import ROOT, Reading

_KINDS = {
    "physical": InterfaceKind.PHYSICAL,
    "vlan": InterfaceKind.VLAN,
    "aggregate": InterfaceKind.AGGREGATE,
    "redundant": InterfaceKind.AGGREGATE,
    "tunnel": InterfaceKind.TUNNEL,
    "loopback": InterfaceKind.LOOPBACK,
    "switch": InterfaceKind.BRIDGE,
    "hard-switch": InterfaceKind.BRIDGE,
    "vap-switch": InterfaceKind.PHYSICAL,
    "emac-vlan": InterfaceKind.VLAN,
    "vdom-link": InterfaceKind.PHYSICAL,
    "vxlan": InterfaceKind.TUNNEL,
    "geneve": InterfaceKind.TUNNEL,
    "ssl": InterfaceKind.TUNNEL,
    "wl-mesh": InterfaceKind.PHYSICAL,
    "hdlc": InterfaceKind.PHYSICAL,
    "switch-vlan": InterfaceKind.VLAN,
    "fext-wan": InterfaceKind.PHYSICAL,
}
_BOTH = frozenset(Family)
_TUNNEL_TABLES = {
    "system gre-tunnel": "gre",
    "system ipip-tunnel": "ipip",
    "system sit-tunnel": "6in4",
    "system ipv6-tunnel": "ip6ip6",
    "system vxlan": "vxlan",
    "system geneve": "geneve",
}
_PAIR = re.compile(r"(npu\d+_vlink)[01]|(.+)[01]")
_OWN_TUNNELS = ("ssl.", "l2t.", "naf.")
"""Interfaces of every virtual domain, for clients of its VPN services."""

MANY = 256
"""More further addresses than this are answered for as a proxy does."""


@dataclass(slots=True)
class Interfaces:
    """The interfaces of a device by name, and what else is known of them.

    ``entries`` are those of ``config system interface``; ``zones`` the members of each virtual domain's
    zones, SD-WAN zones included; ``links`` routes that interfaces bring besides those of their addresses;
    ``unknown`` why a table may hold more.
    """

    by_name: dict[str, Interface] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    vdom_of: dict[str, str] = field(default_factory=dict)
    zones: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=lambda: defaultdict(dict))
    links: list[ConfiguredRoute] = field(default_factory=list)
    unknown: dict[tuple[str, Family], str] = field(default_factory=dict)

    def of_vdom(self, vdom: str) -> list[str]:
        """The names of a virtual domain's interfaces, sorted."""
        return sorted(name for name, owner in self.vdom_of.items() if owner == vdom)

    def vrfs_of(self, vdom: str) -> list[str]:
        """The VRFs of a virtual domain, sorted."""
        return sorted({self.by_name[name].vrf for name in self.of_vdom(vdom)})

    def members(self, vdom: str, name: str) -> tuple[str, ...] | None:
        """The interfaces that a policy means by ``name``; ``None``: there is no such thing."""
        zone = self.zones[vdom].get(name)
        if zone is not None:
            return zone
        return (name,) if name in self.by_name else None


def read_interfaces(reading: Reading) -> Interfaces:
    """Every interface of the configuration."""
    found = Interfaces(entries=reading.everywhere_table("system interface"))
    tunnels = _tunnels(reading)
    for name, entry in found.entries.items():
        vdom = _vdom(reading, entry)
        found.vdom_of[name] = vdom
        found.by_name[name] = _interface(reading, found, entry, tunnels.get(name))
    for name, (vdom, ends, entry) in tunnels.items():
        if name not in found.by_name:
            found.vdom_of[name] = vdom
            found.by_name[name] = Interface(
                name, InterfaceKind.TUNNEL, vrf=vrf_name(reading, vdom, "0"), forwarding=_BOTH,
                span=reading.span(entry), tunnel=ends,
            )  # fmt: skip
    _join_members(reading, found)
    _join_links(found)
    _without_clients(reading, found)
    _zones(reading, found)
    return found


def vrf_name(reading: Reading, vdom: str, number: str) -> str:
    """The VRF of a virtual domain's interface that is in its VRF ``number``."""
    if not reading.is_split:
        return DEFAULT_VRF if number == "0" else number
    return vdom if number == "0" else f"{vdom}:{number}"


def _vdom(reading: Reading, entry: Entry) -> str:
    name = entry.word("vdom", next(iter(reading.vdoms)) if not reading.is_split else ROOT)
    if name not in reading.vdoms:
        reading.doubt(entry.values.get("vdom") or entry, f"the virtual domain {name} is not shown")
        return next(iter(reading.vdoms))
    return name


def _interface(
    reading: Reading, found: Interfaces, entry: Entry, tunnel: tuple[str, TunnelEnds, Entry] | None
) -> Interface:
    kind = _kind(reading, entry)
    vrf = vrf_name(reading, found.vdom_of[entry.name], entry.word("vrf", "0"))
    ends = tunnel[1] if tunnel is not None else None
    interface = Interface(
        entry.name,
        InterfaceKind.TUNNEL if ends is not None else kind,
        enabled=entry.word("status", "up") != "down",
        addresses=tuple(dict.fromkeys(_addresses(reading, entry))),
        vrf=vrf,
        parent=_parent(entry, kind),
        forwarding=_BOTH,
        description=entry.word("description") or entry.word("alias"),
        span=reading.span(entry),
        vlan=_vlan(reading, entry, kind),
        tunnel=ends,
    )
    _remote_address(reading, found, entry, interface)
    return _with_unknown_address(found, entry, interface)


def _kind(reading: Reading, entry: Entry) -> InterfaceKind:
    given = entry.word("type")
    if not given:
        return InterfaceKind.VLAN if "vlanid" in entry.values else InterfaceKind.PHYSICAL
    if given not in _KINDS:
        reading.doubt(entry.values["type"], f"an interface of type {given}")
    return _KINDS.get(given, InterfaceKind.OTHER)


def _parent(entry: Entry, kind: InterfaceKind) -> str | None:
    return entry.word("interface") or None if kind is InterfaceKind.VLAN else None


def _vlan(reading: Reading, entry: Entry, kind: InterfaceKind) -> int | None:
    """The tag on the parent; an ``emac-vlan`` takes what is not tagged, with a MAC address of its own."""
    if kind is not InterfaceKind.VLAN:
        return None
    if not entry.word("interface"):
        reading.doubt(entry, "a VLAN of no interface")
    text = entry.word("vlanid")
    if not text:
        return 0 if entry.word("type") == "emac-vlan" else None
    if not text.isdecimal() or int(text) > 4094:
        reading.garbled(entry.values["vlanid"], "a VLAN ID that cannot be read")
        return None
    return int(text)


# ---- addresses ----------------------------------------------------------------------------------


def _addresses(reading: Reading, entry: Entry) -> Iterator[InterfaceAddress]:
    yield from _v4(reading, entry.values.get("ip"))
    yield from _v4(reading, entry.values.get("management-ip"))
    if entry.is_on("secondary-IP"):
        for secondary in reading.inner(entry, "secondaryip").values():
            yield from _v4(reading, secondary.values.get("ip"))
    elif entry.inner.get("secondaryip"):
        for node in entry.inner["secondaryip"]:
            reading.ledger.ignored(node.first, node.last, "secondary-IP is not enabled")
    yield from _virtual(reading, entry)
    yield from _v6(reading, entry)


def _v4(reading: Reading, value: Value | None) -> Iterator[InterfaceAddress]:
    if value is None:
        return
    parsed = parse_subnet(value.words)
    if parsed is None or not is_prefix_mask(parsed[1]):
        reading.garbled(value, "an address that cannot be read")
    elif parsed[0]:
        length = parsed[1].bit_count()
        yield InterfaceAddress(Family.IPV4, parsed[0], length, reading.span(value))


def _virtual(reading: Reading, entry: Entry) -> Iterator[InterfaceAddress]:
    """VRRP's addresses, which this device or another may hold."""
    own = list(_v4(reading, entry.values.get("ip")))
    length = own[0].prefix_length if own else 32
    for group in reading.inner(entry, "vrrp").values():
        value = group.values.get("vrip")
        if value is None or group.word("status", "enable") == "disable":
            continue
        found = parse_range(value.words[0] if value.words else "", Family.IPV4)
        if found is None or found[0] != found[1]:
            reading.garbled(value, "an address that cannot be read")
        elif found[0]:
            yield InterfaceAddress(Family.IPV4, found[0], length, reading.span(value))


def _v6(reading: Reading, entry: Entry) -> Iterator[InterfaceAddress]:
    settings = reading.inner_settings(entry, "ipv6")
    values = [settings.values.get("ip6-address")]
    for extra in reading.inner(settings, "ip6-extra-addr").values():
        values.append(Value((extra.name,), extra.first, extra.last))
    for value in values:
        if value is None:
            continue
        parsed = parse_interface6(value.words[0] if value.words else "")
        if parsed is None:
            reading.garbled(value, "an address that cannot be read")
        elif parsed[0]:
            yield InterfaceAddress(Family.IPV6, parsed[0], parsed[1], reading.span(value))
    for group in reading.inner(settings, "vrrp6").values():
        value = group.values.get("vrip6")
        parsed = parse_interface6(f"{value.words[0]}/128") if value is not None and value.words else None
        if value is not None and parsed is not None:
            yield InterfaceAddress(Family.IPV6, parsed[0], parsed[1], reading.span(value))


def _remote_address(reading: Reading, found: Interfaces, entry: Entry, interface: Interface) -> None:
    """The far end of a tunnel is a connected route."""
    value = entry.values.get("remote-ip")
    if value is None:
        return
    words = (
        value.words if len(value.words) != 1 or "/" in value.words[0] else (*value.words, "255.255.255.255")
    )
    parsed = parse_subnet(words)
    if parsed is None or not is_prefix_mask(parsed[1]):
        reading.garbled(value, "an address that cannot be read")
    elif parsed[0]:
        found.links.append(
            ConfiguredRoute(
                Family.IPV4,
                parsed[0] & parsed[1],
                parsed[1].bit_count(),
                interface.vrf,
                interface=interface.name,
                distance=0,
                protocol="connected",
                span=reading.span(value),
            )
        )


def _with_unknown_address(found: Interfaces, entry: Entry, interface: Interface) -> Interface:
    """Where the address comes from elsewhere, the interface may answer for any, and routes may come."""
    if entry.word("mode", "static") == "static":
        return interface
    reason = f"{entry.name} gets its address by {entry.word('mode')}"
    found.unknown.setdefault((interface.vrf, Family.IPV4), reason)
    return replace(interface, proxy_arp=True)


# ---- tunnels ------------------------------------------------------------------------------------


def _tunnels(reading: Reading) -> dict[str, tuple[str, TunnelEnds, Entry]]:
    """Tunnels by the name of their interface: virtual domain, ends, and the entry that makes them."""
    found: dict[str, tuple[str, TunnelEnds, Entry]] = {}
    for vdom in reading.vdoms:
        for name, entry in reading.table(vdom, "vpn ipsec phase1-interface").items():
            found[name] = vdom, _ends("ipsec", reading, vdom, entry), entry
        for path, kind in _TUNNEL_TABLES.items():
            for name, entry in reading.table(vdom, path).items():
                found[name] = vdom, _ends(kind, reading, vdom, entry), entry
    for path, kind in _TUNNEL_TABLES.items():
        for name, entry in reading.table("", path).items():
            found[name] = next(iter(reading.vdoms)), _ends(kind, reading, ROOT, entry), entry
    return found


def _ends(kind: str, reading: Reading, vdom: str, entry: Entry) -> TunnelEnds:
    six = entry.word("ip-version") == "6" or kind == "ip6ip6"
    suffix = "6" if entry.word("ip-version") == "6" else ""
    family = Family.IPV6 if six else Family.IPV4
    source = _address(entry.word(f"local-gw{suffix}") or entry.word("source"))
    remote = entry.word(f"remote-gw{suffix}") or entry.word("destination") or entry.word("remote-ip")
    return TunnelEnds(
        kind,
        family,
        source,
        _address(remote),
        entry.word("interface") or None,
        vrf_name(reading, vdom, "0"),
    )


def _address(text: str) -> int | None:
    """An end that is fixed; none where it is absent, unreadable or the address of nobody."""
    try:
        return parse_address(text)[1] or None
    except ValueError:
        return None


# ---- what is joined -----------------------------------------------------------------------------


def _join_members(reading: Reading, found: Interfaces) -> None:
    """Members of aggregates and of switches."""
    for name, entry in found.entries.items():
        if found.by_name[name].kind is InterfaceKind.AGGREGATE:
            for member in entry.words("member"):
                _change(found, member, parent=name)
        elif entry.words("member"):
            _bridge(found, name, entry.words("member"))
    for vdom in ("", *reading.vdoms):
        for name, entry in reading.table(vdom, "system switch-interface").items():
            _bridge(found, name, entry.words("member"))
        for name, entry in reading.table(vdom, "system virtual-switch").items():
            _bridge(found, name, tuple(reading.inner(entry, "port")))


def _bridge(found: Interfaces, name: str, members: tuple[str, ...]) -> None:
    if name in found.by_name:
        _change(found, name, kind=InterfaceKind.BRIDGE)
        for member in members:
            _change(found, member, bridge=name)


def _change(found: Interfaces, name: str, **changes: object) -> None:
    if name in found.by_name:
        found.by_name[name] = replace(found.by_name[name], **changes)  # type: ignore[arg-type]


def _join_links(found: Interfaces) -> None:
    """The two ends of a link between virtual domains hear each other and nobody else.

    One carrier with both of them, which nothing is attached to; where one end is not shown, the other
    stays open.
    """
    ends: dict[str, list[str]] = defaultdict(list)
    for name, entry in found.entries.items():
        pair = _PAIR.fullmatch(name)
        if pair is not None and (pair[1] or entry.word("type") == "vdom-link"):
            ends[pair[1] or pair[2]].append(name)
    for base, both in ends.items():
        if len(both) == 2:
            carrier = f"vdom-link {base}"
            first = found.by_name[both[0]]
            found.by_name[carrier] = Interface(carrier, InterfaceKind.LOOPBACK, span=first.span)
            for name in both:
                _change(found, name, kind=InterfaceKind.VLAN, parent=carrier, vlan=0)


def _without_clients(reading: Reading, found: Interfaces) -> None:
    """The interfaces of VPN services that do not run: nothing is attached."""
    for name in found.entries:
        if not name.startswith(_OWN_TUNNELS):
            continue
        vdom = found.vdom_of[name]
        settings = reading.settings(vdom, "vpn ssl settings")
        runs = name.startswith("ssl.") and has_ssl_vpn(settings)
        if not runs:
            _change(found, name, kind=InterfaceKind.LOOPBACK)
            continue
        for family in Family:
            found.unknown.setdefault((found.by_name[name].vrf, family), "routes to clients of the SSL VPN")


def has_ssl_vpn(settings: Entry) -> bool:
    """True where clients may come in by the SSL VPN."""
    return bool(settings.words("source-interface")) and settings.word("status", "enable") != "disable"


def _zones(reading: Reading, found: Interfaces) -> None:
    for vdom in reading.vdoms:
        for name, entry in reading.table(vdom, "system zone").items():
            members = entry.words("interface")
            found.zones[vdom][name] = members
            for member in members:
                _change(found, member, zone=name)
        for name, zone_members in _sdwan_zones(reading, vdom).items():
            found.zones[vdom].setdefault(name, tuple(zone_members))


def _sdwan_zones(reading: Reading, vdom: str) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for path in ("system sdwan", "system virtual-wan-link"):
        settings = reading.settings(vdom, path)
        for zone in reading.inner(settings, "zone"):
            found[zone] = found[zone]
        for member in reading.inner(settings, "members").values():
            interface = member.word("interface")
            if interface:
                found[member.word("zone", "virtual-wan-link")].append(interface)
    return found
