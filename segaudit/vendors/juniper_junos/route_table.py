"""``show route``: the device's own tables, which say more than its configuration can.

A table counts only as a whole: every line must be understood, and there must be as many active routes as
its head line says. Otherwise the configuration alone is believed, and what it leaves open stays open.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace

from segaudit.model.device import Interface, RouteKind
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.parse.ledger import LineLedger
from segaudit.routing.configured import ConfiguredRoute
from segaudit.vendors.juniper_junos import platform, words
from segaudit.vendors.juniper_junos.convert_routing import Routes
from segaudit.vendors.juniper_junos.extract_instances import rib
from segaudit.vendors.juniper_junos.reading import Reading

Key = tuple[str, Family]

_HEAD = re.compile(r"(\S+): \d+ destinations?, \d+ routes? \((\d+) active, \d+ holddown, \d+ hidden\)\s*")
_WHOLE = re.compile(r"(\S+/\d+)\s+[*+]\[([A-Za-z][\w-]*)/(\d+)(?:/-?\d+)?\](?: .*)?")
_PREFIX = re.compile(r"(\S+/\d+)\s*")
_ENTRY = re.compile(r"\s+[*+]\[([A-Za-z][\w-]*)/(\d+)(?:/-?\d+)?\](?: .*)?")
_INACTIVE = re.compile(r"(?:\S+/\d+)?\s+-?\[[A-Za-z][\w-]*/\d+(?:/-?\d+)?\](?: .*)?")
_TO = re.compile(r"\s+>?\s*to (\S+) via (\S+)")
_VIA = re.compile(r"\s+>?\s*via (\S+)")
_LOCAL = re.compile(r"\s+Local via \S+|\s+Receive|\s+MultiRecv|\s+Local")
_NOWHERE = re.compile(r"\s+(Discard|Reject)")
_TABLE = re.compile(r"\s+>?\s*to table \S+")
_REMARK = re.compile(
    r"\+ = Active Route.*|\s+(?:AS path|validation-state).*|\{[\w:]+\}|\S+[>#] show route .*"
)
_KINDS = {"Discard": RouteKind.BLACKHOLE, "Reject": RouteKind.UNREACHABLE}


@dataclass(slots=True)
class Entry:
    """One active route of a table; ``local`` ones are for the device itself."""

    prefix: words.Prefix
    protocol: str
    preference: int
    line: int
    hops: list[tuple[int | None, str]] = field(default_factory=list)
    kind: RouteKind | None = None
    local: bool = False
    elsewhere: bool = False


@dataclass(slots=True)
class Table:
    """The entries of one table, and how many there have to be."""

    key: Key | None
    active: int
    entries: list[Entry] = field(default_factory=list)


def settle(reading: Reading, routes: Routes, interfaces: Mapping[str, Interface]) -> dict[str, Interface]:
    """Put the device's tables in place of what its configuration leaves open.

    Returns:
        The interfaces, those that are down marked so.
    """
    found = dict(interfaces)
    output = reading.files.output(platform.ROUTES)
    if output is None:
        return found
    file, ledger = output
    tables = _tables(file.text, interfaces)
    if isinstance(tables, str):
        ledger.rest_is_ignored(f"not believed: {tables}")
        return found
    ledger.rest_is_fact()
    for table in tables:
        if table.key is not None:
            _settle(routes, table, table.key, ledger, interfaces)
    known = {table.key: table for table in tables if table.key is not None}
    return {name: _as_it_is(one, known) for name, one in found.items()}


def _settle(
    routes: Routes, table: Table, key: Key, ledger: LineLedger, interfaces: Mapping[str, Interface]
) -> None:
    """What the configuration makes by itself (connected routes, own addresses) is not made twice."""
    routes.settle(key)
    routes.statics = [one for one in routes.statics if (one.vrf, one.family) != key]
    made = {
        (one.name, address.network)
        for one in interfaces.values()
        for address in one.addresses
        if (one.vrf, address.family) == key
    }
    for entry in table.entries:
        network = words.range_of(entry.prefix)
        if entry.protocol == "Direct" and all((interface, network) in made for _, interface in entry.hops):
            continue
        if entry.local:
            own = network[0] == network[1] and entry.kind is None
            routes.own += [(*key, entry.prefix[1])] if own else []
        elif not entry.elsewhere:
            routes.statics += _routes_of(entry, key[0], ledger.span(entry.line))


def _routes_of(entry: Entry, vrf: str, span: SourceSpan) -> list[ConfiguredRoute]:
    family, _, length = entry.prefix
    base = ConfiguredRoute(
        family, words.range_of(entry.prefix)[0], length, vrf, distance=entry.preference,
        protocol=entry.protocol.lower(), span=span,
    )  # fmt: skip
    if entry.kind is not None:
        return [replace(base, discard=entry.kind)]
    return [replace(base, address=address, interface=interface) for address, interface in entry.hops]


def _as_it_is(one: Interface, known: Mapping[Key, Table]) -> Interface:
    """An interface none of whose prefixes is in its table is down."""
    families = {address.family for address in one.addresses}
    if not families or not all((one.vrf, family) in known for family in families):
        return one
    up = any(
        entry.protocol == "Direct" and any(interface == one.name for _, interface in entry.hops)
        for family in families
        for entry in known[one.vrf, family].entries
    )
    return one if up else replace(one, operational=False)


# ---- the text -----------------------------------------------------------------------------------


def _tables(text: str, interfaces: Container[str]) -> list[Table] | str:
    """The tables, or why they are not believed."""
    tables: list[Table] = []
    entry: Entry | None = None
    prefix: words.Prefix | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        head = _HEAD.fullmatch(line)
        if head:
            tables.append(Table(rib(head[1]), int(head[2])))
            entry = prefix = None
        elif not line.strip() or _REMARK.fullmatch(line) or (tables and tables[-1].key is None):
            continue
        elif not tables:
            return f"line {number} stands before any table"
        elif whole := _WHOLE.fullmatch(line):
            entry = _entry(words.prefix(whole[1]), whole[2], int(whole[3]), number, tables[-1])
            if entry is None:
                return f"line {number} is not understood"
        elif alone := _PREFIX.fullmatch(line):
            prefix, entry = words.prefix(alone[1]), None
        elif said := _ENTRY.fullmatch(line):
            entry = _entry(prefix, said[1], int(said[2]), number, tables[-1])
            if entry is None:
                return f"line {number} is not understood"
        elif _INACTIVE.fullmatch(line):
            return f"line {number} is of a route that is not active"
        elif entry is None or not _hop(entry, line, interfaces):
            return f"line {number} is not understood"
    return tables if all(_is_whole(table) for table in tables) else "a table is not whole"


def _entry(
    prefix: words.Prefix | None, protocol: str, preference: int, line: int, table: Table
) -> Entry | None:
    if prefix is None or table.key is None or prefix[0] is not table.key[1]:
        return None
    table.entries.append(Entry(prefix, protocol, preference, line))
    return table.entries[-1]


def _hop(entry: Entry, line: str, interfaces: Container[str]) -> bool:
    """Take a line that says where a route leads; false where it is not understood."""
    if to := _TO.fullmatch(line):
        address = words.prefix(to[1])
        if address is None or address[0] is not entry.prefix[0] or to[2] not in interfaces:
            return False
        entry.hops.append((address[1], to[2]))
    elif via := _VIA.fullmatch(line):
        if via[1] not in interfaces:
            return False
        entry.hops.append((None, via[1]))
    elif nowhere := _NOWHERE.fullmatch(line):
        entry.kind = _KINDS[nowhere[1]]
        entry.local = entry.protocol == "Local"
    elif _LOCAL.fullmatch(line):
        entry.local = True
    elif _TABLE.fullmatch(line):
        entry.elsewhere = True
    else:
        return False
    return True


def _is_whole(table: Table) -> bool:
    leads = all(one.hops or one.kind or one.local or one.elsewhere for one in table.entries)
    return table.key is None or (leads and len(table.entries) == table.active)
