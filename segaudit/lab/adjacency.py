"""Whether the routers of a lab have found each other: FRR's own answers against the wiring.

Source: the JSON of FRR 8.4's ``show ip ospf interface``, ``show ip ospf neighbor``,
``show ipv6 ospf6 interface``, ``show ipv6 ospf6 neighbor detail`` and ``show bgp summary``. FRR 8.4 says in
no JSON that an OSPFv3 interface is passive, so that comes from the running configuration.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

COMMANDS = (
    "show ip ospf interface json",
    "show ip ospf neighbor json",
    "show ipv6 ospf6 interface json",
    "show ipv6 ospf6 neighbor detail json",
    "show bgp summary json",
    "show running-config",
)

_FINAL = re.compile(r"(Full|2-Way|Twoway)\b", re.IGNORECASE)
_INTERFACE = re.compile(r"interface (\S+)")
_PASSIVE = re.compile(r"\s+ipv6 ospf6 passive\b")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An OSPF neighbour; ``unacknowledged`` advertisements will be sent again (RFC 2328, 13.6)."""

    interface: str
    state: str
    unacknowledged: int


@dataclass(slots=True)
class Told:
    """What one router said; ``active``, ``waiting`` and ``neighbours`` are by OSPF version.

    ``waiting`` interfaces have not elected a designated router yet, so that 2-Way is no final state
    there. ``answered`` is false for a router that said nothing at all: nothing is known of it then.
    """

    router: str
    active: dict[int, set[str]] = field(default_factory=lambda: {2: set(), 3: set()})
    waiting: dict[int, set[str]] = field(default_factory=lambda: {2: set(), 3: set()})
    neighbours: dict[int, list[Neighbour]] = field(default_factory=lambda: {2: [], 3: []})
    bgp: dict[str, str] = field(default_factory=dict)
    answered: bool = True


def read_answers(router: str, text: str) -> Told:
    """The answers to :data:`COMMANDS`, told apart by shape (a daemon that does not run says nothing)."""
    told = Told(router, answered=bool(text.strip()))
    position = 0
    for document, end in _documents(text):
        position = end
        _take(told, document)
    told.active[3] -= _passive_ospf6(text[position:])
    return told


def _documents(text: str) -> Iterator[tuple[dict[str, Any], int]]:
    """Each JSON object that begins a line, and where it ends."""
    decoder = json.JSONDecoder()
    position = 0
    while match := re.compile(r"^\{", re.MULTILINE).search(text, position):
        try:
            document, position = decoder.raw_decode(text, match.start())
        except json.JSONDecodeError:
            return
        yield document, position


def _take(told: Told, document: Mapping[str, Any]) -> None:
    if "interfaces" in document:
        entries_by_name = document["interfaces"]
        told.active[2] |= {name for name, entry in entries_by_name.items() if _is_active(entry)}
        told.waiting[2] |= {
            name for name, entry in entries_by_name.items() if entry.get("state") == "Waiting"
        }
    elif "neighbors" in document:
        told.neighbours[2] += [
            _neighbour2(entry) for group in document["neighbors"].values() for entry in group
        ]
    elif any("neighborState" in entry for entry in document.values() if isinstance(entry, dict)):
        told.neighbours[3] += [_neighbour3(entry) for entry in document.values()]
    elif any("peers" in family for family in document.values() if isinstance(family, dict)):
        for family in document.values():
            told.bgp |= {peer: entry["state"] for peer, entry in family.get("peers", {}).items()}
    else:
        attached = {name: entry for name, entry in document.items() if _is_attached(entry)}
        told.active[3] |= attached.keys()
        told.waiting[3] |= {
            name for name, entry in attached.items() if entry.get("ospf6InterfaceState") == "Waiting"
        }


def _neighbour2(entry: Mapping[str, Any]) -> Neighbour:
    interface = str(entry["ifaceName"]).split(":")[0]
    return Neighbour(interface, entry["nbrState"], entry["linkStateRetransmissionListCounter"])


def _neighbour3(entry: Mapping[str, Any]) -> Neighbour:
    return Neighbour(entry["interface"], entry["neighborState"], entry["reTransListCount"])


def _is_active(entry: Mapping[str, Any]) -> bool:
    return bool(
        entry.get("ospfEnabled")
        and entry.get("ifUp")
        and not entry.get("timerPassiveIface")
        and entry.get("networkType") != "LOOPBACK"
    )


def _is_attached(entry: object) -> bool:
    return isinstance(entry, dict) and bool(entry.get("attachedToArea")) and entry.get("type") != "LOOPBACK"


def _passive_ospf6(configuration: str) -> set[str]:
    passive: set[str] = set()
    interface = ""
    for line in configuration.splitlines():
        if match := _INTERFACE.match(line):
            interface = match[1]
        elif _PASSIVE.match(line):
            passive.add(interface)
    return passive


def still_open(told: Mapping[str, Told], segments: Sequence[Sequence[tuple[str, str]]]) -> list[str]:
    """What has not come about yet, one sentence each; ``segments`` are ``(node, interface)`` lists."""
    sentences = [f"{router}: does not answer" for router, answer in told.items() if not answer.answered]
    sentences += [
        f"{router}: OSPFv{version} sees {seen} of {expected} neighbours on {interface}"
        for version in (2, 3)
        for router, interface, seen, expected in _adjacencies(told, segments, version)
        if seen < expected
    ]
    sentences += [
        f"{router}: BGP peer {peer} is {state}"
        for router, answer in told.items()
        for peer, state in answer.bgp.items()
        if state != "Established"
    ]
    return sorted(sentences)


def _adjacencies(
    told: Mapping[str, Told], segments: Sequence[Sequence[tuple[str, str]]], version: int
) -> Iterator[tuple[str, str, int, int]]:
    """Router, interface, neighbours in a final and acknowledged state, neighbours promised."""
    for segment in segments:
        speakers = [end for end in segment if end[0] in told and end[1] in told[end[0]].active[version]]
        for router, interface in speakers:
            final = sum(_is_final(neighbour, interface) for neighbour in told[router].neighbours[version])
            seen = 0 if interface in told[router].waiting[version] else final
            yield router, interface, seen, len(speakers) - 1


def _is_final(neighbour: Neighbour, interface: str) -> bool:
    if neighbour.interface != interface or neighbour.unacknowledged:
        return False
    return _FINAL.match(neighbour.state) is not None
