"""``show ip route vrf all`` of NX-OS (5.x to 10.x), every line or nothing."""

from __future__ import annotations

import re
from dataclasses import replace

from segaudit.model.flow import Family
from segaudit.parse.cisco import addresses
from segaudit.parse.cisco.route_tables import NotRead, ToldHop, ToldRoute, ToldTables, not_used, numbered
from segaudit.parse.ledger import LineLedger
from segaudit.vendors.cisco_nxos.dialect import NXOS

_VRF = re.compile(r'IP(?:v6)? (?:Route|Routing) Table for VRF "([^"]+)"')
_LEGEND = re.compile(r"'\S+' (?:denotes|in via output denotes) .*|Route not found")
_ROUTE = re.compile(r"(\S+/\d+), ubest/mbest: (\d+)/\d+(?: time)?(?:, attached)?(?:, \S+)*")
_VIA = re.compile(r" +(\*{0,2})via ([^,\s]+), (?:([A-Za-z][^,\s\[]*), )?\[(\d+)/\d+\], \S+, ([^,\s]+)(.*)")
_OWN = ("local", "hsrp", "vrrp", "glbp")


def read_routes(text: str, ledger: LineLedger, family: Family) -> ToldTables | None:
    """The tables; ``None`` where a line is not understood, or a route has fewer next hops than it says."""
    reading = _Reading(family, ledger)
    number = 1
    try:
        for number, line in numbered(text):
            reading.line(number, line)
        reading.check(number)
    except NotRead as problem:
        not_used(ledger, problem.number)
        return None
    ledger.rest_is_fact()
    return reading.tables


class _Reading:
    """The tables while their lines are read."""

    def __init__(self, family: Family, ledger: LineLedger) -> None:
        self.tables = ToldTables()
        self._family = family
        self._ledger = ledger
        self._vrf = ""
        self._wanted = 0
        self._seen = 0

    def line(self, number: int, line: str) -> None:
        heading, route, via = _VRF.fullmatch(line), _ROUTE.fullmatch(line), _VIA.fullmatch(line)
        if heading is not None:
            self.check(number)
            self._vrf = heading[1]
            self.tables.vrfs.add((self._vrf, self._family))
        elif route is not None and self._vrf:
            self.check(number)
            self._route(number, route)
        elif via is not None and self._wanted:
            self._hop(number, via)
        elif not _LEGEND.fullmatch(line.strip()):
            raise NotRead(number)

    def check(self, number: int) -> None:
        """Every best next hop of the last route was there."""
        if self._seen != self._wanted:
            raise NotRead(number)

    def _route(self, number: int, found: re.Match[str]) -> None:
        prefix = addresses.prefix(found[1])
        if prefix is None or prefix[0] is not self._family or len(found[2]) > 4:
            raise NotRead(number)
        self._wanted, self._seen = int(found[2]), 0
        first, span = addresses.network(*prefix), self._ledger.span(number)
        self.tables.routes.append(ToldRoute(self._vrf, self._family, first, prefix[2], (), "", span))

    def _hop(self, number: int, found: re.Match[str]) -> None:
        stars, target, interface, _, protocol, rest = found.groups()
        if stars != "*":
            return
        self._seen += 1
        route = self.tables.routes[-1]
        hops = route.hops
        is_own = route.is_own or protocol in _OWN
        if protocol not in _OWN:
            hops = (*hops, self._told(number, target, interface, protocol, "VXLAN" in rest))
        kind = {"direct": "connected"}.get(protocol, protocol)
        self.tables.routes[-1] = replace(route, hops=hops, protocol=kind, is_own=is_own)

    def _told(
        self, number: int, target: str, interface: str | None, protocol: str, overlay: bool
    ) -> ToldHop:
        if target.lower() == "null0":
            return ToldHop("Null0")
        text, _, vrf = target.partition("%")
        found = addresses.address(text)
        if found is None:
            raise NotRead(number)
        port = NXOS.interface(interface) if interface else None
        address = None if protocol == "direct" else found[1]
        return ToldHop(port, address, vrf or None, overlay)
