"""FRR's running config and route tables: where a kernel route was configured, and whether both agree.

The kernel's tables are the truth about forwarding; FRR's words only name the line that made a
route. Grammar: FRR 8.4 user manual (static routes: "STATIC"; blocks: "Basic Setup"), as printed by
``show running-config``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from segaudit.model.device import Interface, Route, RouteKind
from segaudit.model.flow import Family
from segaudit.model.snapshot import RawFile
from segaudit.model.source import SourceSpan
from segaudit.parse.indent import Block, blocks, tokenise
from segaudit.parse.ledger import LineLedger
from segaudit.vendors.linux import platform, words
from segaudit.vendors.linux.frr_keywords import fate_of, redacted
from segaudit.vendors.linux.reading import Reading
from segaudit.vendors.linux.records import RouteRecord, StaticRoute

_END = "end"
_BLACKHOLES = {"blackhole", "reject", "Null0", "null0"}
_VALUED = {"tag", "vrf", "nexthop-vrf", "table", "label", "color", "segments"}
_FLAGS = {"onlink", "bfd"}
_Key = tuple[Family, int, int]


def running_config(reading: Reading, interfaces: Mapping[str, Interface]) -> tuple[StaticRoute, ...]:
    """The static routes of the running config; every other line gets its fate."""
    file = reading.optional(platform.FRR_CONFIG)
    if file is None:
        return ()
    ledger = reading.ledger(file)
    lines = tokenise(file.text)
    for line in lines:
        if line.is_comment:
            ledger.fact(line.number)
    tree = blocks(lines)
    if tree and not any(block.text == _END for block in tree):
        last = tree[-1].last_number
        ledger.unsupported(last, None, "the running config does not end with `end`", bounded=True)
    return tuple(_statics(ledger, tree, interfaces, vrf=""))


def _statics(
    ledger: LineLedger, tree: Iterable[Block], interfaces: Mapping[str, Interface], vrf: str
) -> Iterator[StaticRoute]:
    for block in tree:
        head = block.text.split()
        if _is_static(head):
            yield from _static_line(ledger, block, head, vrf)
        elif head[0] == "vrf" and len(head) == 2:
            ledger.fact(block.number)
            yield from _statics(ledger, block.children, interfaces, head[1])
        else:
            _account(ledger, block, (), interfaces)


def _is_static(head: list[str]) -> bool:
    return head[:2] in (["ip", "route"], ["ipv6", "route"])


def _static_line(ledger: LineLedger, block: Block, head: list[str], vrf: str) -> Iterator[StaticRoute]:
    try:
        yield static_route(head, vrf, ledger.span(block.number))
    except ValueError as unreadable:
        ledger.unrecognized(block.number, None, f"static route: {unreadable}")


def static_route(head: list[str], vrf: str, span: SourceSpan) -> StaticRoute:
    """``ip route PREFIX [MASK] (GATEWAY [INTERFACE] | INTERFACE | blackhole) [OPTION...]``.

    Raises:
        ValueError: the line has another form.
    """
    family = Family.IPV4 if head[0] == "ip" else Family.IPV6
    rest = head[2:]
    if family is Family.IPV6 and "from" in rest:
        raise ValueError("routes by source")
    if len(rest) < 2:
        raise ValueError("a prefix and a next hop were expected")
    prefix, length = words.prefix(rest[0], family)
    rest = rest[1:]
    if family is Family.IPV4 and "/" not in head[2] and len(rest) > 1 and _is_address(rest[0], family):
        length = _mask_length(rest[0])
        rest = rest[1:]
    options = _options(rest)
    gateway, interface = _next_hop(rest, family)
    return StaticRoute(
        family,
        prefix,
        length,
        gateway,
        interface,
        options.get("vrf", vrf),
        options.get("table", ""),
        span,
    )


def _next_hop(rest: list[str], family: Family) -> tuple[int | None, str | None]:
    if rest[0] in _BLACKHOLES:
        return None, None
    if not _is_address(rest[0], family):
        return None, rest[0]
    named = len(rest) > 1 and not rest[1].isdecimal() and rest[1] not in _VALUED | _FLAGS
    return words.address(rest[0], family)[1], rest[1] if named else None


def _options(rest: list[str]) -> dict[str, str]:
    return {word: value for word, value in pairwise(rest) if word in _VALUED}


def _is_address(text: str, family: Family) -> bool:
    try:
        words.address(text, family)
    except ValueError:
        return False
    return True


def _mask_length(text: str) -> int:
    """The length of a netmask in dotted form."""
    value = words.address(text, Family.IPV4)[1]
    length = bin(value).count("1")
    if value != (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF:
        raise ValueError(f"not a netmask: {text}")
    return length


# ---- the fate of all other lines ----------------------------------------------------------------


def _account(
    ledger: LineLedger, block: Block, above: tuple[str, ...], interfaces: Mapping[str, Interface]
) -> None:
    """A line's fate by its words and those above it; a fate may cover the whole block."""
    if block.line.is_comment:
        return
    path = (*above, block.text)
    if _is_known_address(path, interfaces):
        ledger.fact(block.number)
        return
    fate = fate_of(path)
    last = block.last_number if fate.covers_block else block.number
    shown = redacted(block.text)
    if fate.kind == "structure":
        ledger.fact(block.number, last)
    elif fate.kind == "ignored":
        ledger.ignored(block.number, last, fate.reason, shown)
    elif fate.kind == "unsupported":
        ledger.unsupported(block.number, last, fate.reason, bounded=False, text=shown)
    else:
        ledger.unrecognized(block.number, last, fate.reason, text=shown)
    for child in block.children:
        if not fate.covers_block or child.number > last:
            _account(ledger, child, path, interfaces)


def _is_known_address(path: tuple[str, ...], interfaces: Mapping[str, Interface]) -> bool:
    """True for an ``ip address`` line that the interface indeed has."""
    head, line = path[0].split(), path[-1].split()
    if len(path) != 2 or head[0] != "interface" or len(line) < 3 or line[1] != "address":
        return False
    interface = interfaces.get(head[1]) if len(head) > 1 else None
    return interface is not None and line[2] in {str(address) for address in interface.addresses}


# ---- kernel routes and their lines --------------------------------------------------------------


def cite(
    reading: Reading, routes: tuple[Route, ...], statics: tuple[StaticRoute, ...], tables: Mapping[str, str]
) -> tuple[Route, ...]:
    """``routes`` with the FRR line that made each; a line that made none is ignored.

    ``tables`` gives the routing table of a VRF by its name.
    """
    by_prefix: dict[_Key, list[StaticRoute]] = {}
    for static in statics:
        by_prefix.setdefault((static.family, static.prefix, static.prefix_length), []).append(static)
    made: set[StaticRoute] = set()
    cited = tuple(_cited(route, by_prefix, tables, made) for route in routes)
    for static in statics:
        ledger = reading.ledger_of(static.span)
        if static in made:
            ledger.fact(static.span.first_line)
        else:
            ledger.ignored(static.span.first_line, None, "configured, but not in the kernel's table now")
    return cited


def _cited(
    route: Route,
    by_prefix: Mapping[_Key, list[StaticRoute]],
    tables: Mapping[str, str],
    made: set[StaticRoute],
) -> Route:
    same = by_prefix.get((route.family, route.prefix, route.prefix_length), ())
    candidates = [static for static in same if _table(static, tables) == route.table]
    matching = [static for static in candidates if _made(static, route)]
    if not matching and route.protocol == "static":
        matching = candidates  # the kernel has the gateway that a recursive route was resolved to
    made.update(matching)
    return replace(route, config_span=matching[0].span) if matching else route


def _table(static: StaticRoute, tables: Mapping[str, str]) -> str:
    if static.table:
        return words.table(static.table)
    return tables.get(static.vrf, "main") if static.vrf else "main"


def _made(static: StaticRoute, route: Route) -> bool:
    if static.gateway is None and static.interface is None:
        return route.kind in (RouteKind.BLACKHOLE, RouteKind.UNREACHABLE, RouteKind.PROHIBIT)
    return any(
        static.gateway in (None, hop.address) and static.interface in (None, hop.interface)
        for hop in route.next_hops
    )


# ---- FRR's own tables as a cross-check ----------------------------------------------------------


def cross_check(reading: Reading, family: Family, records: Iterable[RouteRecord]) -> None:
    """Note every route that FRR says it installed and the kernel does not have.

    Such a route is unbounded: one of the two outputs is out of date.
    """
    file = reading.optional(platform.FRR_ROUTE4 if family is Family.IPV4 else platform.FRR_ROUTE6)
    if file is None:
        return
    ledger = reading.ledger(file)
    try:
        table = json.loads(file.text) if file.text.strip() else {}
    except (ValueError, RecursionError) as garbage:
        ledger.unrecognized(1, None, f"not JSON: {_first_words(garbage)}", bounded=True)
        ledger.rest_is_ignored("FRR's own table is only a cross-check")
        return
    kernel = {(record.prefix, record.prefix_length) for record in records}
    for text in sorted(_installed(table)):
        _compare(ledger, file, family, text, kernel)
    ledger.rest_is_fact()


def _installed(table: object) -> Iterator[str]:
    """Prefixes of the default VRF with a selected, installed route."""
    if not isinstance(table, dict):
        return
    for text, entries in table.items():
        if isinstance(entries, list) and any(_is_installed(entry) for entry in entries):
            yield text


def _is_installed(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and entry.get("installed") is True
        and entry.get("selected") is True
        and entry.get("vrfName", "default") == "default"
    )


def _compare(
    ledger: LineLedger, file: RawFile, family: Family, text: str, kernel: set[tuple[int, int]]
) -> None:
    line = _line_of(file.text, text)
    try:
        known = words.prefix(text, family) in kernel
    except ValueError as unreadable:
        ledger.unrecognized(line, None, str(unreadable))
        return
    if not known:
        reason = "FRR says it installed this route, the kernel's tables lack it"
        ledger.unsupported(line, None, reason, bounded=False)


def _line_of(text: str, prefix: str) -> int:
    found = re.search(rf'"{re.escape(prefix)}"\s*:', text)
    return text.count("\n", 0, found.start()) + 1 if found else 1


def _first_words(garbage: Exception) -> str:
    return "nested too deeply" if isinstance(garbage, RecursionError) else str(garbage)
