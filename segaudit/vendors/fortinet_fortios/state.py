"""What a FortiGate shows of its state: its routing table and its ARP table.

A table is used only where every line of it is understood: one route that is missed could be the path.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network

from segaudit.model.device import Neighbour, NextHop, Route, RouteKind
from segaudit.model.flow import Family, parse_address
from segaudit.parse.ledger import LineLedger
from segaudit.routing.configured import table_of
from segaudit.vendors.fortinet_fortios import platform
from segaudit.vendors.fortinet_fortios.interfaces import Interfaces, vrf_name
from segaudit.vendors.fortinet_fortios.reading import ROOT, Reading

_PROTOCOLS = {
    "K": "kernel", "C": "connected", "S": "static", "R": "rip", "B": "bgp", "O": "ospf", "i": "isis",
}  # fmt: skip
_VRF = re.compile(r"Routing table for VRF=(\d+)$")
_ROUTE = re.compile(r"([A-Za-z])[\w *]*?\s+(\d+\.\d+\.\d+\.\d+/\d+)\s+(.*)$")
_DISTANCE = re.compile(r"\[(\d+)/(\d+)\]\s*")
_CONNECTED = re.compile(r"is directly connected, ([^\s,]+)")
_VIA = re.compile(r"via (\d+\.\d+\.\d+\.\d+)(?: \(recursive[^)]*\))?, ([^\s,]+)")
_TUNNEL = re.compile(r"via ([^\s,]+) tunnel [\d.]+")
_NOTHING = re.compile(r"is a (?:summary|blackhole), Null")
_REST = re.compile(r"(?:, (?:\d[\w:.]*|\[[\d/]+\]|tag \d+))*$")
_LEGEND = re.compile(r"(?:Codes: |\s+(?:O|N1|E1|i|V|\*) - )")
_NEIGHBOUR = re.compile(r"(\d+\.\d+\.\d+\.\d+)\s+\d+\s+([0-9a-f]{2}(?::[0-9a-f]{2}){5})\s+(\S+)$")


@dataclass(slots=True)
class _Table:
    """Routes while the lines are read."""

    vrf: str
    routes: list[Route] = field(default_factory=list)


def routing_table(reading: Reading, found: Interfaces) -> list[Route] | None:
    """The IPv4 routes that the device showed; ``None``: it did not, or not in a form that is understood."""
    if reading.is_split:
        return None
    opened = reading.files.output(platform.ROUTING_TABLE)
    if opened is None:
        return None
    file, ledger = opened
    table = _Table(vrf_name(reading, ROOT, "0"))
    lines = file.text.split("\n")
    for number, line in enumerate(lines, 1):
        if line.strip() and not _line(table, line.rstrip(), number, ledger, found.by_name):
            ledger.rest_is_ignored("the configuration's routes are used instead")
            reason = "a line of the routing table that is not understood"
            ledger.unrecognized(number, number, reason, bounded=True)
            return None
    return table.routes or None


def _line(table: _Table, line: str, number: int, ledger: LineLedger, ports: Container[str]) -> bool:
    """Take one line in; false where it is not understood."""
    vrf, route = _VRF.match(line), _ROUTE.match(line)
    if _LEGEND.match(line):
        ledger.fact(number)
    elif vrf is not None:
        table.vrf = "default" if vrf[1] == "0" else vrf[1]
        ledger.fact(number)
    elif route is not None and route[1] in _PROTOCOLS:
        return _route(table, route, number, ledger, ports)
    elif line[0] == " " and table.routes:
        last = table.routes[-1]
        return _hop(table, last.prefix, last.prefix_length, last.protocol, line, number, ledger, ports)
    else:
        return False
    return True


def _route(
    table: _Table, route: re.Match[str], number: int, ledger: LineLedger, ports: Container[str]
) -> bool:
    try:
        network = ip_network(route[2])
    except ValueError:
        return False
    first, protocol = int(network.network_address), _PROTOCOLS[route[1]]
    return _hop(table, first, network.prefixlen, protocol, route[3], number, ledger, ports)


def _hop(
    table: _Table,
    prefix: int,
    length: int,
    protocol: str,
    text: str,
    number: int,
    ledger: LineLedger,
    ports: Container[str],
) -> bool:
    text = _DISTANCE.sub("", text.strip(), count=1)
    connected, via, tunnel, nothing = (one.match(text) for one in (_CONNECTED, _VIA, _TUNNEL, _NOTHING))
    matched = connected or via or tunnel or nothing
    if matched is None or not _REST.match(text, matched.end()):
        return False
    hop, kind = None, RouteKind.UNICAST
    if connected is not None:
        hop = NextHop(connected[1])
    elif via is not None:
        hop = NextHop(via[2], parse_address(via[1])[1])
    elif tunnel is not None:
        hop = NextHop(tunnel[1])
    else:
        kind = RouteKind.BLACKHOLE
    if hop is not None and hop.interface not in ports:
        return False
    ledger.fact(number)
    hops = (hop,) if hop is not None else ()
    vrf, span = table_of(table.vrf), ledger.span(number)
    table.routes.append(Route(Family.IPV4, prefix, length, hops, kind, vrf, protocol, 0, span))
    return True


def neighbours(reading: Reading, found: Interfaces) -> Iterator[Neighbour]:
    """The ARP entries; a line that is none is noted."""
    opened = reading.files.output(platform.ARP)
    if opened is None:
        return
    file, ledger = opened
    for number, line in enumerate(file.text.split("\n"), 1):
        entry = _NEIGHBOUR.match(line.strip())
        if entry is not None and entry[3] in found.by_name:
            ledger.fact(number)
            address = parse_address(entry[1])[1]
            yield Neighbour(entry[3], Family.IPV4, address, entry[2], ledger.span(number))
        elif line.startswith("Address"):
            ledger.fact(number)
        elif line.strip():
            ledger.unrecognized(number, number, "not an ARP entry", bounded=True)
