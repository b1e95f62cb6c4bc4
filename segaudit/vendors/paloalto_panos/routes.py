"""``show routing route``: the firewall's own tables, which say more than its configuration.

Source: PAN-OS CLI Quick Start 10.1, "CLI Cheat Sheet: Networking"; the legend that the command prints.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from segaudit.model.device import NextHop, Route, RouteKind
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.parse.ledger import LineLedger
from segaudit.routing.configured import local_table_of, table_of

_HEADINGS = re.compile(
    r"flags: .*|\s+Oi:.*|\s*=+\s*|destination\s+nexthop\s+metric\s+flags.*|total routes shown: \d+"
)
_ROUTER = re.compile(r"VIRTUAL ROUTER: (.+) \(id \d+\)\s*")
_TOTAL = re.compile(r"total routes shown: (\d+)")
_ROW = re.compile(
    r"(?P<destination>\S+)\s+(?P<hop>vr \S.*?|\S+)\s+(?P<metric>\d+)?\s*"
    r"(?P<flags>(?:(?:A\?B|\?B|A|\?|C|H|S|~|R|Oi|Oo|O1|O2|O|B|E|M)(?=\s|$)\s*)+)"
    r"(?P<age>\d+)?\s*(?P<interface>[a-z][\w./-]*)?\s*(?P<as>\d+)?\s*"
)
_PROTOCOLS = {"S": "static", "R": "rip", "B": "bgp", "C": "connected", "H": "local"}


@dataclass(frozen=True, slots=True)
class TableRow:
    """An active route as the firewall prints it."""

    router: str
    family: Family
    prefix: int
    prefix_length: int
    hop: str
    flags: frozenset[str]
    interface: str
    span: SourceSpan


Tables = Mapping[tuple[str, Family], tuple[Route, ...]]
"""By virtual router and family, all routes of it."""


def tables(text: str, ledger: LineLedger) -> Tables:
    """The tables that the output shows; none where a line is not read or the output is not whole."""
    rows: list[TableRow] = []
    counted, said, router, whole = 0, [0], "", True
    for number, line in enumerate(text.split("\n"), start=1):
        heading = _ROUTER.fullmatch(line.strip())
        if heading:
            router = heading[1]
        elif not line.strip() or _HEADINGS.fullmatch(line.rstrip()):
            said += [int(found[1]) for found in [_TOTAL.fullmatch(line.strip())] if found]
        else:
            found = _row(line, router, ledger.span(number))
            whole = whole and found is not None
            if found is None:
                ledger.unrecognized(number, number, "no row of a routing table", bounded=True)
                continue
            counted += 1
            rows.append(found)
    if not whole or counted != sum(said):
        ledger.rest_is_ignored("the tables are not whole: the configuration counts")
        return {}
    ledger.rest_is_fact()
    return _by_router([row for row in rows if "A" in row.flags])


def _row(line: str, router: str, span: SourceSpan) -> TableRow | None:
    found = _ROW.fullmatch(line.strip())
    if found is None or not router:
        return None
    try:
        network = ip_network(found["destination"])
    except ValueError:
        return None
    family = Family(network.version)
    flags = frozenset(found["flags"].replace("A?B", "A ? B").replace("?B", "? B").split())
    return TableRow(
        router,
        family,
        int(network.network_address),
        network.prefixlen,
        found["hop"],
        flags,
        found["interface"] or "",
        span,
    )


def _by_router(rows: Sequence[TableRow]) -> Tables:
    """A table whose rows lead somewhere that is not told, or that has multicast rows, stays out."""
    grouped: dict[tuple[str, Family], list[TableRow]] = defaultdict(list)
    for row in rows:
        grouped[row.router, row.family].append(row)
    made = {}
    for key, members in grouped.items():
        routes = [_route(row, same, members) for row, same in _alike(members)]
        known = tuple(route for route in routes if route is not None)
        if len(known) == len(routes) and not any("M" in row.flags for row in members):
            made[key] = known
    return made


def _alike(rows: Iterable[TableRow]) -> Iterator[tuple[TableRow, list[TableRow]]]:
    """The rows of one destination together: its next hops are all used."""
    by_prefix: dict[tuple[int, int, bool], list[TableRow]] = defaultdict(list)
    for row in rows:
        by_prefix[row.prefix, row.prefix_length, "H" in row.flags].append(row)
    for same in by_prefix.values():
        yield same[0], same


def _route(row: TableRow, same: Sequence[TableRow], table: Sequence[TableRow]) -> Route | None:
    protocol = next((name for flag, name in _PROTOCOLS.items() if flag in row.flags), "ospf")
    name = table_of(row.router)
    kind, hops = RouteKind.UNICAST, [_hop(one, table) for one in same]
    if "H" in row.flags:
        kind, hops, name = RouteKind.LOCAL, [], local_table_of(row.router)
    elif row.hop == "discard":
        kind, hops = RouteKind.BLACKHOLE, []
    if not all(hops):
        return None
    known = tuple(hop for hop in hops if hop is not None)
    return Route(row.family, row.prefix, row.prefix_length, known, kind, name, protocol, 0, row.span)


def _hop(row: TableRow, table: Sequence[TableRow]) -> NextHop | None:
    """Where a row leads; ``None`` where that is another virtual router, or not told."""
    try:
        address = ip_address(row.hop)
    except ValueError:
        return None
    if "C" in row.flags or not int(address):
        return NextHop(row.interface) if row.interface else None
    if row.interface:
        return NextHop(row.interface, int(address))
    inside = (one.interface for one in table if "C" in one.flags and _holds(one, int(address)))
    return NextHop(next(inside, None), int(address))


def _holds(row: TableRow, address: int) -> bool:
    shift = row.family.bits - row.prefix_length
    return address >> shift == row.prefix >> shift
