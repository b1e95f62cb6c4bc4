"""The routing table and the neighbours as ``show route`` and ``show arp`` print them.

A table is taken whole or not at all: one line that is not understood, and nothing is known of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from segaudit.model.device import Neighbour
from segaudit.model.flow import Family
from segaudit.model.snapshot import RawFile
from segaudit.model.source import SourceSpan
from segaudit.parse.cisco import addresses
from segaudit.parse.ledger import LineLedger

Number = Callable[[str], tuple[Family, int] | None]
"""The address that a word is, or that a ``name`` command calls so (``show route`` prints names)."""

_FIRST = re.compile(
    r"([A-Z][A-Za-z0-9]?\*?(?: (?:E1|E2|N1|N2|IA|EX|L1|L2|ia|su))?)\s+"
    r"(\S+) ([0-9]+(?:\.[0-9]+){3})(?: (.*))?"
)
_HOP = re.compile(
    r"(?:\[(?P<distance>[0-9]{1,3})/[0-9]{1,10}\] )?"
    r"(?:via (?P<gateway>[^,\s]+)|is directly connected|connected by VPN \(advertised\)|is a summary)"
    r"(?:, (?:[0-9:]+|[0-9wdhy]+))?, (?P<nameif>\S+)(?P<tunneled> tunneled)?"
)
_ARP = re.compile(r"\s*(\S+) (\S+) ([0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}) (?:[0-9]+|-|alias)(?: alias)?")
_LEGEND_ENDS = "Gateway of last resort"


@dataclass(frozen=True, slots=True)
class TableRoute:
    """A next hop of a route in the table; ``code`` is the letter of where it comes from."""

    code: str
    prefix: int
    prefix_length: int
    gateway: int | None
    nameif: str
    span: SourceSpan


def routes(file: RawFile, ledger: LineLedger, number: Number) -> tuple[TableRoute, ...] | None:
    """The IPv4 routes of ``show route``; ``None`` where any line was not understood or it is cut off."""
    found: list[TableRoute] = []
    gateway = ""
    for first, last, text in _entries(file.text):
        if not gateway:
            gateway = text if text.startswith(_LEGEND_ENDS) else ""
        else:
            read = list(_route(text, ledger.span(first, last), number))
            if not read:
                _refuse(ledger, first, last, "a line of the routing table is not understood")
                return None
            found += read
        ledger.fact(first, last)
    announced = gateway and "is not set" not in gateway
    if not gateway or (announced and all(route.prefix_length for route in found)):
        _refuse(ledger, 1, 1, "the legend or the default route that it announces is missing: it is cut off")
        return None
    return tuple(found)


def _refuse(ledger: LineLedger, first: int, last: int, why: str) -> None:
    """The table is not used; what the configuration leaves open counts as unknown then."""
    ledger.unrecognized(first, last, why, bounded=True)
    ledger.rest_is_ignored("the table is not used")


def _entries(text: str) -> Iterator[tuple[int, int, str]]:
    """First line, last line and text of each entry: lines that begin with a blank go on the one above."""
    first, last, parts = 0, 0, ""
    for at, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        if line[0] in " \t" and parts and not parts.startswith("Codes:"):
            last, parts = at, f"{parts} {line.strip()}"
            continue
        if parts:
            yield first, last, parts
        first = last = at
        parts = line.strip()
    if parts:
        yield first, last, parts


def _route(text: str, span: SourceSpan, number: Number) -> Iterator[TableRoute]:
    """The next hops of one entry; none where any word of it is not understood."""
    head = _FIRST.fullmatch(text)
    network = number(head.group(2)) if head else None
    length = addresses.length_of_mask(head.group(3)) if head else None
    if head is None or network is None or length is None or network[0] is not Family.IPV4:
        return
    behind = head.group(4) or ""
    hops = list(_HOP.finditer(behind))
    if _HOP.sub("", behind).strip():
        return
    gateways = [number(hop["gateway"]) if hop["gateway"] else None for hop in hops]
    if any(hop["gateway"] and gateway is None for hop, gateway in zip(hops, gateways, strict=True)):
        return
    code, prefix = head.group(1).rstrip("*").split()[0], addresses.network(*network, length)
    for hop, gateway in zip(hops, gateways, strict=True):
        yield TableRoute(code, prefix, length, gateway[1] if gateway else None, hop["nameif"], span)


def neighbours(file: RawFile, ledger: LineLedger, number: Number) -> Iterator[Neighbour]:
    """The entries of ``show arp``; a line that is none says nothing that counts."""
    for at, line in enumerate(file.text.split("\n"), start=1):
        entry = _ARP.fullmatch(line.rstrip())
        found = number(entry.group(2)) if entry else None
        if entry is not None and found is not None:
            digits = entry.group(3).replace(".", "")
            mac = ":".join(digits[place : place + 2] for place in range(0, 12, 2))
            ledger.fact(at)
            yield Neighbour(entry.group(1), *found, mac, ledger.span(at))
        elif line.strip():
            ledger.ignored(at, at, "no neighbour")
