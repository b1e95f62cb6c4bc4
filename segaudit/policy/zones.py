"""The ``zones`` section: named sets of places with an owner."""

from __future__ import annotations

from segaudit.documents.yaml_nodes import Node
from segaudit.model.policy import BUILT_IN_ZONES, UNASSIGNED, Location, Zone
from segaudit.policy.grammar import parse_name, parse_prefix, parse_vlan
from segaudit.policy.reading import PolicyReader, child

ZONE_KEYS = ("side", "owner", "members", "exclude")
LOCATION_KEYS = ("prefix", "device", "interface", "vrf", "vlan", "site", "role")


def read_zones(reader: PolicyReader, section: Node) -> dict[str, Zone]:
    """The zones of the file, by name, in file order; those with a problem are in it as far as read."""
    zones = {
        name: _zone(reader, name, _key_node(section, name), node)
        for name, node in reader.mapping(section, "zones").items()
    }
    if section.value == {}:
        reader.report(section, "zones must not be an empty mapping")
    _check_sides(reader, section, zones)
    _check_twice(reader, section)
    return zones


def sides_of(zones: dict[str, Zone]) -> dict[str, tuple[str, ...]]:
    """The zones of each side, in file order."""
    sides: dict[str, tuple[str, ...]] = {}
    for zone in zones.values():
        if zone.side:
            sides[zone.side] = (*sides.get(zone.side, ()), zone.name)
    return sides


def read_location(reader: PolicyReader, node: Node, what: str) -> Location:
    """One location mapping; a problem where it names no place."""
    keys = reader.mapping(node, what, LOCATION_KEYS)
    if node.value == {}:
        reader.report(
            node, f"{what} names no place", hint=f"give at least one of {', '.join(LOCATION_KEYS)}"
        )
    return Location(
        prefix=reader.parsed(keys["prefix"], "prefix", parse_prefix) if "prefix" in keys else None,
        device=reader.optional_text(node, "device") or None,
        interface=reader.optional_text(node, "interface") or None,
        vrf=reader.optional_text(node, "vrf") or None,
        vlan=reader.parsed(keys["vlan"], "vlan", parse_vlan) if "vlan" in keys else None,
        site=reader.optional_text(node, "site") or None,
        role=reader.optional_text(node, "role") or None,
        span=node.span,
        text=location_text(node),
        where=node.where,
    )


def location_text(node: Node) -> str:
    """A location as the policy spells it, on one line."""
    keys = node.value if isinstance(node.value, dict) else {}
    return ", ".join(f"{key}: {value.value}" for key, value in keys.items())


def _zone(reader: PolicyReader, name: str, key: Node, node: Node) -> Zone:
    reader.parsed(key, "zone name", parse_name)
    if name == UNASSIGNED:
        reader.report(key, "built-in zone takes no members", name, "it is whatever no zone claims")
    keys = reader.mapping(node, f"zone {name}", ZONE_KEYS)
    return Zone(
        name=name,
        side=_side(reader, name, keys["side"]) if "side" in keys else None,
        owner=_owner(reader, name, node),
        members=_members(reader, name, node),
        exclude=_locations(reader, keys["exclude"], "exclude") if "exclude" in keys else (),
        span=node.span,
    )


def _key_node(section: Node, name: str) -> Node:
    return section.keys[name] if section.keys else section


def _entries(node: Node) -> list[tuple[str, Node]]:
    return list(node.value.items()) if isinstance(node.value, dict) else []


def _owner(reader: PolicyReader, name: str, node: Node) -> str:
    if name in BUILT_IN_ZONES or not isinstance(node.value, dict):
        return reader.optional_text(node, "owner")
    return reader.required_text(node, "owner", f"zone {name}")


def _side(reader: PolicyReader, name: str, node: Node) -> str | None:
    if name in BUILT_IN_ZONES:
        reader.report(node, "built-in zone has no side", name, "remove `side`")
        return None
    return reader.parsed(node, "side", parse_name)


def _members(reader: PolicyReader, name: str, node: Node) -> tuple[Location, ...]:
    if not isinstance(node.value, dict):
        return ()
    members = reader.required(node, "members", f"zone {name}")
    if members is None:
        return ()
    if members.value == ():
        reader.report(members, "zone has no members", name, "a zone without members proves nothing")
    return _locations(reader, members, "members")


def _locations(reader: PolicyReader, node: Node, what: str) -> tuple[Location, ...]:
    singular = "member" if what == "members" else what
    return tuple(read_location(reader, item, singular) for item in reader.sequence(node, what))


def _check_sides(reader: PolicyReader, section: Node, zones: dict[str, Zone]) -> None:
    """A side that is also a zone would make ``between`` ambiguous."""
    for name, zone in zones.items():
        side = child(section.value[name], "side") if isinstance(section.value, dict) else None
        if side and zone.side and zone.side in (*BUILT_IN_ZONES, *zones):
            reader.report(side, "a side may not have the name of a zone", zone.side, "rename one of them")


def _check_twice(reader: PolicyReader, section: Node) -> None:
    """The same place in two zones, or twice in one, is nobody's intention."""
    seen: dict[tuple[tuple[str, str], ...], tuple[str, Node]] = {}
    for name, zone in _entries(section):
        members = child(zone, "members")
        for member in members.value if members and isinstance(members.value, tuple) else ():
            place = _place(member)
            if place and place in seen:
                first_zone, first = seen[place]
                _report_twice(reader, member, name, first_zone, first)
            seen.setdefault(place, (name, member))


def _place(member: Node) -> tuple[tuple[str, str], ...]:
    """What a member says, whatever the spelling of its prefix."""
    return tuple(sorted((key, _canonical(key, value)) for key, value in _entries(member)))


def _canonical(key: str, value: Node) -> str:
    text = value.value if isinstance(value.value, str) else ""
    if key not in ("prefix", "vlan"):
        return text
    try:
        return str(parse_prefix(text) if key == "prefix" else parse_vlan(text))
    except ValueError:
        return text


def _report_twice(reader: PolicyReader, member: Node, zone: str, first_zone: str, first: Node) -> None:
    if zone == first_zone:
        reader.report(
            member, "member given twice", location_text(member), f"first given at line {first.line}"
        )
        return
    hint = f"first in zone {first_zone} at line {first.line}; tell them apart by device or site"
    reader.report(member, "the same place in two zones", location_text(member), hint)
