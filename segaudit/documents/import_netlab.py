"""A netlab folder: the modules of each node's configuration, put together, and the wiring.

Source: netlab documentation, ``netlab initial -o`` (one file per node and module) and the transformed
topology (``netlab.snapshot.yml``).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from segaudit.documents.import_files import Found, Gathering, Imported, Left, files_below
from segaudit.documents.yaml_nodes import Node, read_yaml
from segaudit.errors import SnapshotError
from segaudit.model.snapshot import CollectionFailure
from segaudit.model.topology import Link, TerminationPoint

SNAPSHOT = "netlab.snapshot.yml"
_MODULE = re.compile(r"(?:.*/)?([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.cfg")
_FIRST = ("normalize", "initial")
_EVERYWHERE = ("initial", "hosts")
_OF_HOSTS = frozenset({"daemons", "hosts"})
"""Files of Linux nodes that say nothing about forwarding."""


def is_netlab(root: Path) -> bool:
    """True for a folder with netlab's topology, or with modules that it makes for every node."""
    return (root / SNAPSHOT).is_file() or any(any(root.rglob(f"*.{module}.cfg")) for module in _EVERYWHERE)


def read_netlab(root: Path) -> Imported:
    """Each node's modules as one configuration: ``normalize``, ``initial``, then the rest by name.

    Raises:
        SnapshotError: no configuration is there, or the topology is malformed.
    """
    gathering = Gathering()
    modules: dict[str, dict[str, Found]] = defaultdict(dict)
    for one in files_below(root):
        match = _MODULE.fullmatch(one.path)
        if match is None:
            if one.path != SNAPSHOT:
                gathering.left.append(Left(one.path, "not a module of a node's configuration"))
        elif match[2] in modules[match[1]]:
            first = modules[match[1]][match[2]].path
            raise SnapshotError.because(str(root / one.path), "the node has the module twice", first)
        else:
            modules[match[1]][match[2]] = one
    for node, found in sorted(modules.items()):
        _take(gathering, node, found)
    links, declared = _wiring(root)
    for node in declared:
        reason = "netlab made no configuration of it"
        gathering.failures.append(CollectionFailure(node, reason))
    return gathering.imported(str(root), links, declared)


def _take(gathering: Gathering, node: str, found: dict[str, Found]) -> None:
    names = [name for name in found if name not in _OF_HOSTS]
    for name in sorted(set(found) & _OF_HOSTS):
        gathering.left.append(Left(found[name].path, "says nothing about forwarding"))
    if not names:
        reason = "a host: the files that netlab made say nothing about forwarding"
        gathering.failures.append(CollectionFailure(node, reason))
        return
    ordered = sorted(names, key=lambda name: (_order(name), name))
    content = b"\n".join(found[name].content.rstrip(b"\n") for name in ordered) + b"\n"
    gathering.add(node, "running-config.txt", Found(f"{node}.*.cfg", content))


def _order(module: str) -> int:
    return _FIRST.index(module) if module in _FIRST else len(_FIRST)


# ---- wiring -------------------------------------------------------------------------------------


def _wiring(root: Path) -> tuple[list[Link], list[str]]:
    """Links and nodes of the transformed topology; none without it."""
    if not (root / SNAPSHOT).is_file():
        return [], []
    document = read_yaml(root / SNAPSHOT, SnapshotError)
    nodes = _child(document, "nodes")
    declared = sorted(nodes.value) if nodes is not None and isinstance(nodes.value, dict) else []
    links = _child(document, "links")
    listed = links.value if links is not None and isinstance(links.value, tuple) else ()
    return [link for node in listed if (link := _link(node)) is not None], declared


def _link(node: Node) -> Link | None:
    interfaces = _child(node, "interfaces")
    listed = interfaces.value if interfaces is not None and isinstance(interfaces.value, tuple) else ()
    ends = tuple(sorted(end for one in listed for end in _end(one)))
    return Link(ends, "topology", closed=len(ends) > 1) if ends else None


def _end(node: Node) -> Iterator[TerminationPoint]:
    device, interface = _child(node, "node"), _child(node, "ifname")
    if device is None or interface is None:
        raise SnapshotError(node.problem("an interface of a link lacks node or ifname"))
    if isinstance(device.value, str) and isinstance(interface.value, str):
        yield TerminationPoint(device.value, interface.value)


def _child(node: Node, key: str) -> Node | None:
    return node.value.get(key) if isinstance(node.value, dict) else None
