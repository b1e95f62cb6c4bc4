"""``show ip route [vrf V]``, ``show ipv6 route [vrf V]``: the device's own tables, read line by line.

A table counts only where every line of it was understood and each network has as many subnets as its
heading says; else the configuration's tables stand, with what they do not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from segaudit.model.device import DEFAULT_VRF
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.parse.cisco import addresses
from segaudit.parse.ledger import LineLedger

_PROTOCOLS = {
    "C": "connected", "L": "local", "S": "static", "R": "rip", "B": "bgp", "D": "eigrp", "O": "ospf",
    "i": "isis", "H": "nhrp", "U": "static", "o": "odr", "M": "mobile", "P": "static", "a": "application",
}  # fmt: skip


def protocol_of(code: str) -> str:
    """The protocol of a route's code; of two letters the first tells."""
    return _PROTOCOLS.get(code[0], "other")


_ADDRESS = r"\d{1,3}(?:\.\d{1,3}){3}"
_ROUTE = re.compile(rf"([A-Za-z])[ *%+&pA-Za-z0-9]{{0,9}} +({_ADDRESS})(/\d+)?(?: +(.*))?")
_VIA = re.compile(rf"\[(\d+)/\d+\] via ({_ADDRESS})(?: \((\S+)\))?(?:, [\w:.]+)??(?:, ([A-Za-z]\S*))?")
_OUT = re.compile(r"(?:is directly connected|is a summary|\[(\d+)/\d+\])(?:, \d[\w:.]+)?, ([A-Za-z]\S*)")
_HEADING = re.compile(rf" +({_ADDRESS})(/\d+)? is (variably )?subnetted, (\d+) subnets?(?:, \d+ masks)?")
_TABLE = re.compile(r"Routing Table: (\S+)")
_GATEWAY = re.compile(rf"Gateway of last resort is (?:not set|{_ADDRESS} to network {_ADDRESS})")
_CLOCK = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ [\d:.]+ \w+")


@dataclass(frozen=True, slots=True)
class TableRow:
    """One next hop of one route."""

    code: str
    prefix: int
    prefix_length: int
    span: SourceSpan
    distance: int = 0
    address: int | None = None
    interface: str | None = None
    next_hop_vrf: str | None = None


@dataclass(slots=True)
class RouteTable:
    """The table of one VRF and family; ``understood`` where all its lines were.

    ``complete`` where the device said where its table begins.
    """

    vrf: str
    family: Family = Family.IPV4
    rows: list[TableRow] = field(default_factory=list)
    understood: bool = True
    complete: bool = False


@dataclass(slots=True)
class _Network:
    """A heading with the number of subnets that must follow."""

    first: int
    last: int
    length: int | None
    expected: int
    seen: set[tuple[int, int]] = field(default_factory=set)


class _Reader:
    """One pass over one output."""

    def __init__(self, ledger: LineLedger) -> None:
        self.ledger = ledger
        self.tables: list[RouteTable] = []
        self._networks: list[_Network] = []
        self._open: TableRow | None = None
        self._in_codes = False

    def table(self) -> RouteTable:
        if not self.tables:
            self.tables.append(RouteTable(DEFAULT_VRF))
        return self.tables[-1]

    def line(self, number: int, text: str) -> bool:
        """True where the line was understood."""
        if found := _TABLE.fullmatch(text):
            self.close()
            self.tables.append(RouteTable(found[1]))
            return True
        if text.startswith("Codes:"):
            self._in_codes = True
            return True
        if _GATEWAY.fullmatch(text):
            self._in_codes = False
            self.table().complete = True
            return True
        return self._in_codes or _CLOCK.fullmatch(text) is not None or self._of_table(number, text)

    def _of_table(self, number: int, text: str) -> bool:
        if found := _HEADING.fullmatch(text):
            return self._heading(found)
        if found := _ROUTE.fullmatch(text):
            return self._route(number, found)
        return self._open is not None and self._hop(self._open, number, text.strip())

    def _heading(self, found: re.Match[str]) -> bool:
        number = addresses.ipv4(found[1])
        if number is None:
            return False
        length = int(found[2][1:]) if found[2] else None
        covers = _classful(number) if length is None or not found[3] else length
        first = addresses.network(Family.IPV4, number, min(covers, _classful(number)))
        last = first + (1 << (32 - min(covers, _classful(number)))) - 1
        self._networks.append(_Network(first, last, None if found[3] else length, int(found[4])))
        return True

    def _route(self, number: int, found: re.Match[str]) -> bool:
        prefix = addresses.ipv4(found[2])
        if prefix is None or found[1] not in _PROTOCOLS:
            return False
        network = next((one for one in self._networks[::-1] if one.first <= prefix <= one.last), None)
        if found[3]:
            length: int | None = int(found[3][1:])
        else:
            length = network.length if network is not None else _classful(prefix)
        if length is None or length > 32:
            return False
        if network is not None:
            network.seen.add((prefix, length))
        self._open = TableRow(found[1], prefix, length, self.ledger.span(number))
        return found[4] is None or self._hop(self._open, number, found[4])

    def _hop(self, row: TableRow, number: int, text: str) -> bool:
        row = replace(row, span=self.ledger.span(number))
        if found := _VIA.fullmatch(text):
            self.table().rows.append(
                replace(
                    row,
                    distance=int(found[1]),
                    address=addresses.ipv4(found[2]),
                    next_hop_vrf=found[3],
                    interface=found[4],
                )
            )
            return True
        if found := _OUT.fullmatch(text):
            self.table().rows.append(replace(row, distance=int(found[1] or 0), interface=found[2]))
            return True
        return False

    def close(self) -> None:
        """Check the counts of the table that ends here: fewer than told, and something is missing."""
        if any(len(one.seen) < one.expected for one in self._networks):
            self.table().understood = False
        self._networks, self._open, self._in_codes = [], None, False


def _classful(number: int) -> int:
    first = number >> 24
    return 8 if first < 128 else 16 if first < 192 else 24


def read_tables(
    text: str, ledger: LineLedger, family: Family, vrf: str | None = None
) -> Iterator[RouteTable]:
    """The tables in one output that count.

    Args:
        text: the output.
        ledger: of its file.
        family: that was asked for.
        vrf: the VRF that was asked for, where one was.
    """
    for table in all_tables(text, ledger, family):
        if table.understood and table.complete and (vrf is None or table.vrf in (vrf, DEFAULT_VRF)):
            table.vrf = vrf or table.vrf
            yield table


def all_tables(text: str, ledger: LineLedger, family: Family) -> list[RouteTable]:
    """Every table in one output, whether it counts or not; its lines are accounted for."""
    reader = _Reader(ledger) if family is Family.IPV4 else _Reader6(ledger)
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        if reader.line(number, line.rstrip()):
            ledger.fact(number)
        else:
            ledger.unrecognized(number, None, "not understood: the table is not used", bounded=True)
            reader.table().understood = False
    reader.close()
    return reader.tables


# ---- IPv6 ---------------------------------------------------------------------------------------

_TABLE6 = re.compile(r"IPv6 Routing Table - (?:(\S+) - )?(\d+) entries")
_ROUTE6 = re.compile(r"([A-Za-z][A-Za-z0-9]{0,2})\*? +([0-9A-Fa-f:.]+/\d+) \[(\d+)/\d+\](?:, tag \d+)?")
_VIA6 = re.compile(
    r" +via ([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)(?:%(\S+?))?(?:, ([A-Za-z]\S*?))?(?:, indirectly connected)?"
)
_OUT6 = re.compile(r" +via ([A-Za-z]\S*), (?:directly connected|receive)")


class _Reader6:
    """One pass over one output of ``show ipv6 route``; a table says how many entries it has."""

    def __init__(self, ledger: LineLedger) -> None:
        self.ledger = ledger
        self.tables: list[RouteTable] = []
        self._expected = 0
        self._entries = 0
        self._open: TableRow | None = None
        self._in_codes = False

    def table(self) -> RouteTable:
        if not self.tables:
            self.tables.append(RouteTable(DEFAULT_VRF, Family.IPV6))
        return self.tables[-1]

    def line(self, number: int, text: str) -> bool:
        """True where the line was understood."""
        if found := _TABLE6.fullmatch(text):
            self.close()
            self.tables.append(RouteTable(found[1] or DEFAULT_VRF, Family.IPV6, complete=True))
            self._expected = int(found[2])
            return True
        if text.startswith("Codes:"):
            self._in_codes = True
            return True
        if found := _ROUTE6.fullmatch(text):
            self._in_codes = False
            return self._route(number, found)
        if self._in_codes:
            return True
        return self._open is not None and self._hop(self._open, number, text)

    def _route(self, number: int, found: re.Match[str]) -> bool:
        prefix = addresses.prefix(found[2])
        if prefix is None or prefix[0] is not Family.IPV6:
            return False
        self._entries += 1
        first = addresses.network(*prefix)
        span = self.ledger.span(number)
        self._open = TableRow(found[1], first, prefix[2], span, distance=int(found[3]))
        return True

    def _hop(self, row: TableRow, number: int, text: str) -> bool:
        row = replace(row, span=self.ledger.span(number))
        if found := _OUT6.fullmatch(text):
            self.table().rows.append(replace(row, interface=found[1]))
            return True
        if found := _VIA6.fullmatch(text):
            address = addresses.ipv6(found[1])
            hop = replace(row, address=address, next_hop_vrf=found[2], interface=found[3])
            self.table().rows.append(hop)
            return address is not None
        return False

    def close(self) -> None:
        """Check the count of the table that ends here."""
        if self._entries < self._expected:
            self.table().understood = False
        self._expected, self._entries, self._open, self._in_codes = 0, 0, None, False


# ---- next hops without an interface -------------------------------------------------------------

_DEEPEST = 8


Tables = Mapping[tuple[str, Family], RouteTable]
"""The tables that count, by VRF and family."""


def resolved(tables: Tables) -> Tables:
    """The tables, with an interface for each next hop that leads to one; the others stay as they are."""
    hops = _Hops(tables)
    return {
        key: replace(table, rows=[made for row in table.rows for made in hops.of(key, row)])
        for key, table in tables.items()
    }


class _Hops:
    """The way to a next hop by the longest prefix of its VRF's table, again and again."""

    def __init__(self, tables: Tables) -> None:
        self._rows: dict[tuple[str, Family, int, int], list[TableRow]] = {}
        for (vrf, family), table in tables.items():
            for row in table.rows:
                self._rows.setdefault((vrf, family, row.prefix_length, row.prefix), []).append(row)
        self._found: dict[tuple[str, Family, int, int], list[tuple[str, int]]] = {}

    def of(self, key: tuple[str, Family], row: TableRow) -> list[TableRow]:
        vrf, family = key
        if row.interface is not None or row.address is None:
            return [row]
        ways = self._ways(row.next_hop_vrf or vrf, family, row.address, _DEEPEST)
        return [replace(row, interface=interface, address=address) for interface, address in ways] or [row]

    def _ways(self, vrf: str, family: Family, address: int, depth: int) -> list[tuple[str, int]]:
        """Interfaces and neighbours by which an address is reached."""
        key = (vrf, family, address, depth)
        if key not in self._found:
            self._found[key] = list(self._looked_up(vrf, family, address, depth))
        return self._found[key]

    def _looked_up(self, vrf: str, family: Family, address: int, depth: int) -> Iterator[tuple[str, int]]:
        for row in self._longest(vrf, family, address):
            if row.interface is not None:
                onward = address if row.address is None else row.address
                yield from [] if row.interface.startswith("Null") else [(row.interface, onward)]
            elif row.address is not None and depth:
                yield from self._ways(row.next_hop_vrf or vrf, family, row.address, depth - 1)

    def _longest(self, vrf: str, family: Family, address: int) -> list[TableRow]:
        for length in range(family.bits, -1, -1):
            prefix = addresses.network(family, address, length)
            rows = self._rows.get((vrf, family, length, prefix))
            if rows:
                return rows
        return []
