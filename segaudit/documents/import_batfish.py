"""Batfish's snapshot layout: ``configs/``, ``hosts/``, ``layer1_topology.json``.

Source: Batfish documentation, "Preparing a snapshot"; ``Layer1Topology`` in its ``data formats``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from segaudit.documents.import_files import (
    Found,
    Gathering,
    Imported,
    Left,
    each_a_device,
    files_below,
)
from segaudit.errors import SnapshotError
from segaudit.model.snapshot import CollectionFailure
from segaudit.model.topology import Link, TerminationPoint

CONFIGS = "configs"
LAYER1 = "layer1_topology.json"
_LAYER1_PLACES = (LAYER1, f"batfish/{LAYER1}")
_ORIGIN = "topology"
_LEFT = {
    "hosts": "",
    "iptables": "the filters of a host, whose interfaces are not in a form that can be read",
    "batfish": "settings of Batfish",
}
_HOSTNAME = re.compile(
    r"^\s*(?:set )?(?:system )?(?:deviceconfig system )?host-?name\s+\"?([\w.-]+)\"?;?\s*$"
    r"|<hostname>([\w.-]+)</hostname>",
    re.MULTILINE,
)


def is_batfish(root: Path) -> bool:
    """True for a folder that is laid out as Batfish wants it."""
    marks = [root / "hosts", root / "iptables", *(root / place for place in _LAYER1_PLACES)]
    return (root / CONFIGS).is_dir() and any(mark.exists() for mark in marks)


def read_batfish(root: Path) -> Imported:
    """The devices in ``configs/``, the hosts as devices that are not modelled, and the wiring.

    Raises:
        SnapshotError: no configuration is there, or the wiring is malformed.
    """
    found = list(files_below(root))
    configs = [one for one in found if one.path.startswith(f"{CONFIGS}/")]
    gathering = each_a_device(configs)
    _leave(gathering, [one for one in found if not one.path.startswith(f"{CONFIGS}/")])
    links = list(_links(root, found, _names(gathering)))
    declared = [end.device for link in links for end in link.ends]
    return gathering.imported(str(root), links, declared)


def _leave(gathering: Gathering, others: Iterable[Found]) -> None:
    for one in others:
        top = one.path.split("/")[0]
        if one.path in _LAYER1_PLACES:
            continue
        if top == "hosts" and one.path.endswith(".json"):
            gathering.failures.append(_host(one))
            gathering.left.append(Left(one.path, "a host: it is in the network, and not modelled"))
        else:
            gathering.left.append(Left(one.path, _LEFT.get(top) or "not a configuration"))


def _host(one: Found) -> CollectionFailure:
    name = Path(one.path).stem
    try:
        document = json.loads(one.content)
    except ValueError:
        document = {}
    given = document.get("hostname") if isinstance(document, dict) else None
    reason = "a host of a Batfish snapshot: its state is not in a form that can be read"
    return CollectionFailure(given if isinstance(given, str) and given else name, reason)


# ---- wiring -------------------------------------------------------------------------------------


def _names(gathering: Gathering) -> Mapping[str, str]:
    """Devices by what Batfish calls them: the host name in the configuration, in small letters."""
    by_name: dict[str, str] = {}
    for device, files in gathering.files.items():
        for file in files:
            for match in _HOSTNAME.finditer(file.text):
                by_name.setdefault((match[1] or match[2]).lower(), device)
    return {**by_name, **{device.lower(): device for device in gathering.files}}


def _links(root: Path, found: Iterable[Found], names: Mapping[str, str]) -> Iterator[Link]:
    """One closed link per wire; an interface that several edges name is on a wire of them all."""
    for one in found:
        if one.path in _LAYER1_PLACES:
            edges = _edges(str(root / one.path), one.content, names)
            yield from (Link(tuple(sorted(wire)), _ORIGIN) for wire in _wires(edges))


def _edges(
    shown: str, content: bytes, names: Mapping[str, str]
) -> list[tuple[TerminationPoint, TerminationPoint]]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as failure:
        raise SnapshotError.because(shown, "not valid JSON", str(failure)) from failure
    edges = document.get("edges") if isinstance(document, dict) else None
    if not isinstance(edges, list):
        raise SnapshotError.because(shown, "must hold a list of edges", hint='{"edges": [...]}')
    return [
        (_end(shown, at, edge, "node1", names), _end(shown, at, edge, "node2", names))
        for at, edge in enumerate(edges)
    ]


def _end(shown: str, at: int, edge: Any, key: str, names: Mapping[str, str]) -> TerminationPoint:
    match edge:
        case {**ends} if isinstance(ends.get(key), dict):
            match ends[key]:
                case {"hostname": str(device), "interfaceName": str(interface)}:
                    return TerminationPoint(names.get(device.lower(), device), interface)
    raise SnapshotError.because(shown, f"edges[{at}].{key} lacks hostname or interfaceName")


def _wires(edges: Iterable[tuple[TerminationPoint, TerminationPoint]]) -> Iterator[set[TerminationPoint]]:
    wire_of: dict[TerminationPoint, set[TerminationPoint]] = {}
    for first, second in edges:
        joined = wire_of.get(first, {first}) | wire_of.get(second, {second})
        for end in joined:
            wire_of[end] = joined
    seen: set[int] = set()
    for wire in wire_of.values():
        if id(wire) not in seen:
            seen.add(id(wire))
            yield wire
