"""iproute2's and bridge's JSON to records; nothing is interpreted here.

Formats: iproute2 6.1 (ip/ipaddress.c, ip/iproute.c, ip/iprule.c, ip/ipneigh.c, bridge/vlan.c).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.vendors.linux import platform, words
from segaudit.vendors.linux.reading import JsonObject, Reading
from segaudit.vendors.linux.records import (
    AddressRecord,
    HopRecord,
    LinkRecord,
    NeighbourRecord,
    PortVlans,
    RouteRecord,
    RuleRecord,
    Unknown,
)

_LARGEST_VLAN = 4094

# ---- interfaces ---------------------------------------------------------------------------------


def links(reading: Reading) -> tuple[LinkRecord, ...]:
    """The interfaces, in the order of their index."""
    return reading.required_records(platform.LINK, _link)


def _link(element: JsonObject, span: SourceSpan) -> LinkRecord:
    info = words.mapping(element, "linkinfo")
    return LinkRecord(
        name=words.word(element, "ifname"),
        span=span,
        flags=words.words(element, "flags"),
        operstate=words.word(element, "operstate", "UNKNOWN"),
        mtu=words.number(element, "mtu", 1500),
        link_type=words.word(element, "link_type", ""),
        mac=words.word(element, "address", ""),
        alias=words.word(element, "ifalias", ""),
        master=words.optional_word(element, "master"),
        carrier=words.optional_word(element, "link"),
        info_kind=words.word(info, "info_kind", ""),
        info_data=words.mapping(info, "info_data"),
        port_kind=words.word(info, "info_slave_kind", ""),
        port_data=words.mapping(info, "info_slave_data"),
        has_xdp=bool(element.get("xdp")),
    )


def addresses(reading: Reading) -> tuple[AddressRecord, ...]:
    """Every address of every interface: link-local, deprecated and tentative ones too."""
    per_interface = reading.required_records(platform.ADDRESS, _addresses)
    return tuple(record for records in per_interface for record in records)


def _addresses(element: JsonObject, span: SourceSpan) -> tuple[AddressRecord, ...]:
    interface = words.word(element, "ifname")
    entries = [entry for entry in words.objects(element, "addr_info") if entry]
    return tuple(
        _address(interface, entry, span) for entry in entries if entry.get("family") in ("inet", "inet6")
    )


def _address(interface: str, entry: Mapping[str, Any], span: SourceSpan) -> AddressRecord:
    family = Family.IPV4 if entry["family"] == "inet" else Family.IPV6
    _, local = words.address(words.word(entry, "local"), family)
    peer = words.optional_word(entry, "address")
    length = words.number(entry, "prefixlen")
    if not 0 <= length <= family.bits:
        raise ValueError(f"prefix length out of range: {length}")
    return AddressRecord(
        interface, family, local, length, words.address(peer, family)[1] if peer else None, span
    )


# ---- routes -------------------------------------------------------------------------------------

_ROUTE_KEYS = frozenset(
    {
        *("type", "dst", "from", "src", "tos", "dsfield", "via", "gateway", "dev", "table", "protocol"),
        *("metric", "flags", "nexthops", "encap"),
        # These do not choose the way of a forwarded packet (ip-route(8)):
        *("scope", "prefsrc", "pref", "expires", "error", "realms", "realm", "flow", "metrics"),
        *("nhid", "nh_info", "mtu", "advmss", "hoplimit", "weight", "cache", "used", "age", "users"),
    }
)


def routes(reading: Reading, family: Family) -> tuple[RouteRecord, ...]:
    """The routes of all tables, in the order printed (IPv4: the order in which equals are tried)."""
    name = platform.ROUTE4 if family is Family.IPV4 else platform.ROUTE6
    return reading.required_records(name, partial(_route, family))


def _route(family: Family, element: JsonObject, span: SourceSpan) -> RouteRecord:
    first, length = words.prefix(words.word(element, "dst"), family)
    return RouteRecord(
        family=family,
        kind=words.word(element, "type", "unicast"),
        prefix=first,
        prefix_length=length,
        table=words.table(element.get("table", "main")),
        protocol=words.protocol(words.word(element, "protocol", "")),
        metric=words.number(element, "metric", 0 if family is Family.IPV4 else 1024),
        hops=_hops(element, family),
        span=span,
        source_selector=_source_selector(element),
        tos_selector=_tos_selector(element),
        unknown=_unknown(element),
    )


def _hops(element: Mapping[str, Any], family: Family) -> tuple[HopRecord, ...]:
    """The next hops; a route that shows none (an unknown nexthop object) has one unresolved hop."""
    entries: list[Mapping[str, Any]] = [*words.objects(element, "nexthops")] or [element]
    return tuple(_hop(entry, family) for entry in entries)


def _hop(entry: Mapping[str, Any], family: Family) -> HopRecord:
    gateway_family, gateway = _gateway(entry, family)
    return HopRecord(
        device=words.optional_word(entry, "dev"),
        gateway=gateway,
        gateway_family=gateway_family,
        flags=words.words(entry, "flags"),
        encap=str(entry["encap"]) if entry.get("encap") else "",
    )


def _gateway(entry: Mapping[str, Any], family: Family) -> tuple[Family | None, int | None]:
    via = words.mapping(entry, "via")
    if via:
        return words.address(words.word(via, "host"))
    gateway = words.optional_word(entry, "gateway")
    return words.address(gateway, family) if gateway else (None, None)


def _source_selector(element: Mapping[str, Any]) -> str:
    """IPv6 source-specific routing: a ``from`` other than everything."""
    text = words.word(element, "from", "") or words.word(element, "src", "")
    return "" if text in ("default", "all", "::/0", "0.0.0.0/0") else text


def _tos_selector(element: Mapping[str, Any]) -> str:
    value = element.get("tos", element.get("dsfield"))
    return "" if value in (None, 0, "0", "0x00", "default") else str(value)


def _unknown(element: Mapping[str, Any]) -> Unknown:
    return tuple((key, str(value)) for key, value in element.items() if key not in _ROUTE_KEYS)


# ---- policy routing -----------------------------------------------------------------------------

_RULE_ACTIONS = frozenset({"blackhole", "unreachable", "prohibit"})
_RULE_KEYS = frozenset(
    {
        *("priority", "not", "src", "srclen", "dst", "dstlen", "iif", "iif_detached", "oif"),
        *("oif_detached", "l3mdev", "ipproto", "sport", "sport_start", "sport_end", "dport"),
        *("dport_start", "dport_end", "table", "suppress_prefixlen", "sup_group", "goto"),
        *("unresolved", "nop", "action", "protocol", "fwmark", "fwmask", "flow_from", "flow_to"),
    }
)


def rules(reading: Reading, family: Family) -> tuple[RuleRecord, ...] | None:
    """The policy-routing rules in order, or ``None`` where the device did not tell."""
    name = platform.RULE4 if family is Family.IPV4 else platform.RULE6
    return reading.optional_records(name, partial(_rule, family))


def _rule(family: Family, element: JsonObject, span: SourceSpan) -> RuleRecord:
    protocol, unknown_protocol = _rule_protocol(element)
    return RuleRecord(
        family=family,
        priority=words.number(element, "priority"),
        span=span,
        action=_rule_action(element),
        table=words.table(element["table"]) if "table" in element else None,
        target=element["goto"] if isinstance(element.get("goto"), int) else None,
        resolved="unresolved" not in element,
        negated="not" in element,
        source=_rule_prefix(element, "src", "srclen", family),
        destination=_rule_prefix(element, "dst", "dstlen", family),
        input_interface=words.optional_word(element, "iif"),
        output_interface=words.optional_word(element, "oif"),
        detached="iif_detached" in element or "oif_detached" in element,
        protocol=protocol,
        source_ports=_rule_ports(element, "sport"),
        destination_ports=_rule_ports(element, "dport"),
        suppress_prefix_length=_suppressed(element),
        mark=_rule_mark(element),
        unmodelled=(*_unmodelled(element), *unknown_protocol),
        doubts=(f"suppress_ifgroup {element['sup_group']}",) if "sup_group" in element else (),
    )


def _rule_action(element: Mapping[str, Any]) -> str:
    for word in ("nop", "goto", "l3mdev"):
        if word in element:
            return word
    action = words.optional_word(element, "action")
    if action is not None:
        if action not in _RULE_ACTIONS:
            raise ValueError(f"unknown rule action {action!r}")
        return action
    if "table" not in element:
        raise ValueError("a rule without table or action")
    return "lookup"


def _rule_prefix(
    element: Mapping[str, Any], key: str, length: str, family: Family
) -> tuple[int, int] | None:
    text = words.word(element, key, "all")
    if text in ("all", "any", "default", "0/0"):
        return None
    bits = words.number(element, length) if length in element else None
    return words.prefix_range(text, bits, family)


def _rule_ports(element: Mapping[str, Any], key: str) -> tuple[int, int] | None:
    if key in element:
        port = words.number(element, key)
        return port, port
    if f"{key}_start" in element:
        return words.number(element, f"{key}_start"), words.number(element, f"{key}_end")
    return None


def _rule_protocol(element: Mapping[str, Any]) -> tuple[int | None, tuple[str, ...]]:
    value = element.get("ipproto")
    if value is None:
        return None, ()
    text = str(value).lower()
    if text.isdecimal() or text in words.IP_PROTOCOLS:
        return (int(text) if text.isdecimal() else words.IP_PROTOCOLS[text]), ()
    return None, (f"ipproto {value}",)


def _suppressed(element: Mapping[str, Any]) -> int | None:
    return words.number(element, "suppress_prefixlen") if "suppress_prefixlen" in element else None


def _unmodelled(element: Mapping[str, Any]) -> tuple[str, ...]:
    """Selectors that no header decides (TOS, users), and keys nobody knows."""
    return tuple(f"{key} {value}" for key, value in element.items() if key not in _RULE_KEYS)


def _rule_mark(element: Mapping[str, Any]) -> tuple[int, int] | None:
    """Value and mask; the kernel compares the bits of the mask only (net/core/fib_rules.c)."""
    if "fwmark" not in element:
        return None
    mask = int(str(element.get("fwmask", "0xffffffff")), 0)
    return int(str(element["fwmark"]), 0) & mask, mask


# ---- neighbours and bridges ---------------------------------------------------------------------


def neighbours(reading: Reading) -> tuple[NeighbourRecord, ...]:
    """The ARP and ND entries, resolved or not."""
    return reading.optional_records(platform.NEIGHBOUR, _neighbour) or ()


def proxied(reading: Reading) -> tuple[NeighbourRecord, ...] | None:
    """The addresses that the device answers for, or ``None`` where it did not tell."""
    return reading.optional_records(platform.PROXY_NEIGHBOUR, _neighbour)


def _neighbour(element: JsonObject, span: SourceSpan) -> NeighbourRecord:
    family, value = words.address(words.word(element, "dst"))
    return NeighbourRecord(
        interface=words.word(element, "dev", ""),
        family=family,
        address=value,
        mac=words.word(element, "lladdr", ""),
        states=words.words(element, "state"),
        span=span,
    )


def port_vlans(reading: Reading) -> tuple[PortVlans, ...] | None:
    """The VLANs of bridge ports, or ``None`` where the device did not tell."""
    return reading.optional_records(platform.BRIDGE_VLAN, _port_vlans)


def _port_vlans(element: JsonObject, span: SourceSpan) -> PortVlans:
    entries = words.objects(element, "vlans")
    ranges = [(entry, _vlan_range(entry)) for entry in entries]
    flagged = [(words.words(entry, "flags"), span_of) for entry, span_of in ranges]
    pvids = [first for flags, (first, _) in flagged if "PVID" in flags]
    untagged = [
        vlan
        for flags, (first, last) in flagged
        if "Egress Untagged" in flags
        for vlan in range(first, last + 1)
    ]
    return PortVlans(
        interface=words.word(element, "ifname"),
        span=span,
        ranges=tuple(sorted(span_of for _, span_of in ranges)),
        pvid=pvids[0] if pvids else None,
        untagged=frozenset(untagged),
    )


def _vlan_range(entry: Mapping[str, Any]) -> tuple[int, int]:
    first = words.number(entry, "vlan")
    last = words.number(entry, "vlanEnd", first)
    if not 0 < first <= last <= _LARGEST_VLAN:
        raise ValueError(f"VLAN range out of order: {first}-{last}")
    return first, last
