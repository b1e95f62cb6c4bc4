"""Address objects of a virtual domain as matches, by name, family and end of the packet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from segaudit.model.acl import (
    AddressIn,
    AddressMasked,
    AllOf,
    AnyOf,
    End,
    FamilyIs,
    Matches,
    Not,
    Range,
    UnknownMatch,
)
from segaudit.model.flow import Family
from segaudit.parse.edit_tree import Entry, Value
from segaudit.vendors.fortinet_fortios.reading import Reading

NOTHING = AnyOf(())
EVERYTHING = frozenset({"all", "any"})

_TABLES = {
    Family.IPV4: ("firewall address", "firewall addrgrp"),
    Family.IPV6: ("firewall address6", "firewall addrgrp6"),
}
_DEEPEST = 32
_UNSET = "0.0.0.0"  # noqa: S104


def parse_subnet(words: Sequence[str]) -> tuple[int, int] | None:
    """Address and mask of ``A.B.C.D M.M.M.M`` or ``A.B.C.D/N``; ``None`` where it is neither."""
    try:
        if len(words) == 1 and "/" in words[0]:
            address, _, length = words[0].partition("/")
            bits = int(length)
            if not 0 <= bits <= 32:
                return None
            return int(IPv4Address(address)), (0xFFFFFFFF << 32 - bits) & 0xFFFFFFFF
        if len(words) == 2:
            return int(IPv4Address(words[0])), int(IPv4Address(words[1]))
    except ValueError:
        pass
    return None


def is_prefix_mask(mask: int) -> bool:
    """True for a mask of leading ones."""
    inverted = ~mask & 0xFFFFFFFF
    return inverted & (inverted + 1) == 0


def parse_range(text: str, family: Family) -> Range | None:
    """The inclusive range of ``A`` or ``A-B``; ``None`` where it is none of the family."""
    first, _, last = text.partition("-")
    try:
        ends = [ip_address(part) for part in (first, last or first)]
    except ValueError:
        return None
    if any(end.version != family for end in ends) or ends[0] > ends[1]:  # type: ignore[operator]
        return None
    return int(ends[0]), int(ends[1])


class Addresses:
    """The address objects of one virtual domain; each match is made once.

    Names that are not defined match nothing for certain and anything perhaps.
    """

    def __init__(self, reading: Reading, vdom: str) -> None:
        self._reading = reading
        self._objects = {family: reading.table(vdom, names[0]) for family, names in _TABLES.items()}
        self._groups = {family: reading.table(vdom, names[1]) for family, names in _TABLES.items()}
        self._made: dict[tuple[str, Family, End], Matches] = {}
        self._told: set[tuple[int, str]] = set()

    def match(self, names: Iterable[str], family: Family, end: End) -> Matches:
        """Packets of ``family`` whose ``end`` is in one of the objects."""
        return any_of([self.one(name, family, end) for name in names])

    def one(self, name: str, family: Family, end: End, depth: int = 0) -> Matches:
        """Packets of ``family`` whose ``end`` is in an object."""
        key = (name, family, end)
        if key not in self._made:
            self._made[key] = UnknownMatch(name, "an address group that holds itself")
            self._made[key] = self._make(name, family, end, depth)
        return self._made[key]

    def _make(self, name: str, family: Family, end: End, depth: int) -> Matches:
        if depth > _DEEPEST:
            return UnknownMatch(name, "address groups nested too deeply")
        if name in self._groups[family]:
            return self._group(self._groups[family][name], family, end, depth)
        if name in self._objects[family]:
            entry = self._objects[family][name]
            return self._v4(entry, end) if family is Family.IPV4 else self._v6(entry, end)
        if name in EVERYTHING:
            return FamilyIs(family)
        if name == "none":
            return NOTHING
        return UnknownMatch(name, "an address that is not defined")

    def _group(self, group: Entry, family: Family, end: End, depth: int) -> Matches:
        members = any_of([self.one(name, family, end, depth + 1) for name in group.words("member")])
        excluded = group.words("exclude-member") if group.is_on("exclude") else ()
        if not excluded:
            return members
        without = any_of([self.one(name, family, end, depth + 1) for name in excluded])
        return AllOf((members, Not(without)))

    def _v4(self, entry: Entry, end: End) -> Matches:
        kind = entry.word("type", "ipmask")
        if kind == "ipmask":
            return self._subnet(entry, entry.values.get("subnet"), end)
        if kind == "wildcard":
            return self._subnet(entry, entry.values.get("wildcard"), end)
        if kind == "iprange":
            start, last = entry.word("start-ip", _UNSET), entry.word("end-ip", _UNSET)
            return self._range(entry, f"{start}-{last}", Family.IPV4, end)
        return UnknownMatch(entry.name, f"an address of type {kind}")

    def _subnet(self, entry: Entry, value: Value | None, end: End) -> Matches:
        """IP and mask; the default of both is all zeros, which is every address."""
        if value is None:
            return FamilyIs(Family.IPV4)
        parsed = parse_subnet(value.words)
        if parsed is None:
            return self._unreadable(entry, "an address that cannot be read")
        address, mask = parsed
        if not is_prefix_mask(mask):
            return AddressMasked(end, Family.IPV4, address & mask, mask)
        if mask == 0:
            return FamilyIs(Family.IPV4)
        first = address & mask
        return AddressIn(end, Family.IPV4, ((first, first | ~mask & 0xFFFFFFFF),))

    def _range(self, entry: Entry, text: str, family: Family, end: End) -> Matches:
        found = parse_range(text, family)
        if found is None:
            return self._unreadable(entry, "a range that cannot be read")
        return AddressIn(end, family, (found,))

    def _v6(self, entry: Entry, end: End) -> Matches:
        kind = entry.word("type", "ipprefix")
        if kind == "iprange":
            start, last = entry.word("start-ip", "::"), entry.word("end-ip", "::")
            return self._range(entry, f"{start}-{last}", Family.IPV6, end)
        if kind != "ipprefix":
            return UnknownMatch(entry.name, f"an address of type {kind}")
        network = parse_network6(entry.word("ip6", "::/0"))
        if network is None:
            return self._unreadable(entry, "an address that cannot be read")
        if network.prefixlen == 0:
            return FamilyIs(Family.IPV6)
        first = int(network.network_address)
        return AddressIn(end, Family.IPV6, ((first, int(network.broadcast_address)),))

    def _unreadable(self, entry: Entry, reason: str) -> Matches:
        if (entry.first, reason) not in self._told:
            self._told.add((entry.first, reason))
            self._reading.garbled(entry, reason, bounded=True)
        return UnknownMatch(entry.name, reason)


def parse_network6(text: str) -> IPv6Network | None:
    """The network of ``X::Y/N``; ``None`` where it cannot be read."""
    try:
        return IPv6Network(text, strict=False)
    except ValueError:
        return None


def parse_interface6(text: str) -> tuple[int, int] | None:
    """Address and prefix length of ``X::Y/N``; ``None`` where it cannot be read."""
    address, _, length = text.partition("/")
    try:
        return (int(IPv6Address(address)), int(length)) if 0 <= int(length) <= 128 else None
    except ValueError:
        return None


def any_of(matches: Sequence[Matches]) -> Matches:
    """One match for several; ranges of one end and family are put together."""
    ranges: dict[tuple[End, Family], list[Range]] = {}
    rest: list[Matches] = []
    for one in matches:
        if isinstance(one, AddressIn):
            ranges.setdefault((one.end, one.family), []).extend(one.ranges)
        elif one not in rest:
            rest.append(one)
    joined: list[Matches] = [
        AddressIn(end, family, tuple(sorted(set(found)))) for (end, family), found in ranges.items()
    ]
    parts = (*joined, *rest)
    return parts[0] if len(parts) == 1 else AnyOf(parts)
