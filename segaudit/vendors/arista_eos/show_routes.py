"""``show ip route vrf all`` of EOS (4.15 to 4.3x), every line or nothing."""

from __future__ import annotations

import re
from dataclasses import replace

from segaudit.model.flow import Family
from segaudit.parse.cisco import addresses
from segaudit.parse.cisco.route_tables import NotRead, ToldHop, ToldRoute, ToldTables, not_used, numbered
from segaudit.parse.ledger import LineLedger
from segaudit.vendors.arista_eos.dialect import EOS

_VRF = re.compile(r"VRF(?: name)?: (\S+)")
_ROUTE = re.compile(r" ?([A-Z][A-Za-z0-9]{0,2}(?: [A-Z0-9*]{1,3})?)\s+(\S+/\d+)(?: \[\d+/\d+\])?(?: (.*))?")
_VIA = re.compile(r"via ([0-9A-Fa-f.:]+), ([A-Za-z][\w/.-]*)(?: \(egress VRF (\S+)\))?")
_VTEP = re.compile(r"via VTEP \S+ VNI \d+ router-mac \S+(?: local-interface \S+)?")
_CONNECTED = re.compile(
    r"(?:is )?directly connected, ([A-Za-z][\w/.-]*)(?:, Static Interface GRE tunnel .*)?"
)
_LEGEND = re.compile(
    r"Codes:.*| {6,8}\S.* - .*|WARNING: .*| ?kernel, .*|Gateway of last resort.*"
    r"|! IP(?:v6)? routing not enabled"
)
_DISPLAY = re.compile(r"IPv6 Routing Table - \d+ entries|Displaying \d+ of \d+ IPv6 routing table entries")


def read_routes(text: str, ledger: LineLedger, family: Family) -> ToldTables | None:
    """The tables; ``None`` where any line is not understood."""
    tables, vrf = ToldTables(), "default"
    try:
        for number, line in numbered(text):
            heading = _VRF.fullmatch(line.strip())
            if heading is not None:
                vrf = heading[1]
                tables.vrfs.add((vrf, family))
            elif not _is_legend(line):
                tables.vrfs.add((vrf, family))
                _route_or_hop(tables, vrf, family, number, line, ledger)
        _check(tables.routes[-1] if tables.routes else None, 1)
    except NotRead as problem:
        not_used(ledger, problem.number)
        return None
    ledger.rest_is_fact()
    return tables


def _is_legend(line: str) -> bool:
    """The words before the routes; a next hop of its own line begins with ``via`` or ``directly``."""
    words = line.split()
    if words[0] in ("via", "directly"):
        return False
    return bool(_LEGEND.fullmatch(line) or _DISPLAY.fullmatch(line.strip()))


def _route_or_hop(
    tables: ToldTables, vrf: str, family: Family, number: int, line: str, ledger: LineLedger
) -> None:
    found = _ROUTE.fullmatch(line)
    last = tables.routes[-1] if tables.routes else None
    if found is None:
        if last is None or last.vrf != vrf:
            raise NotRead(number)
        tables.routes[-1] = replace(last, hops=(*last.hops, _hop(line.strip(), number)))
        return
    _check(last, number)
    code, prefix, hop = found[1], addresses.prefix(found[2]), found[3] or ""
    if prefix is None or prefix[0] is not family:
        raise NotRead(number)
    hops = (_hop(hop.strip(), number),) if hop.strip() else ()
    first = addresses.network(*prefix)
    route = ToldRoute(vrf, family, first, prefix[2], hops, _protocol(code), ledger.span(number))
    tables.routes.append(route)


def _check(last: ToldRoute | None, number: int) -> None:
    """A route without any next hop was cut."""
    if last is not None and not last.hops:
        raise NotRead(number)


def _protocol(code: str) -> str:
    return {"C": "connected", "S": "static"}.get(code, code)


def _hop(text: str, number: int) -> ToldHop:
    connected, via = _CONNECTED.fullmatch(text), _VIA.fullmatch(text)
    if connected is not None:
        return ToldHop(EOS.interface(connected[1]))
    if via is not None:
        found = addresses.address(via[1])
        if found is None:
            raise NotRead(number)
        return ToldHop(EOS.interface(via[2]), found[1], via[3])
    if _VTEP.fullmatch(text):
        return ToldHop(overlay=True)
    raise NotRead(number)
