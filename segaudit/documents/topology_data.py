"""Containerlab's ``topology-data.json``: the nodes and wires of a deployed lab.

Source: containerlab 0.7x, ``core/export_templates/auto.tmpl``. JSON is read by the positioned YAML
reader (it is a subset), so that every error names its line and column.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from segaudit.documents.yaml_nodes import Node, Reader, read_yaml
from segaudit.errors import UsageError
from segaudit.model.topology import Link, TerminationPoint

FILE_NAME = "topology-data.json"
SEGMENT_KINDS = frozenset({"bridge", "ovs-bridge"})
"""Kinds that are a piece of wire: everything plugged into one is on one segment."""

_OWN_LABEL_PREFIX = "clab-"
_LABEL_PREFIX = "segaudit."


@dataclass(frozen=True, slots=True)
class TopologyNode:
    """One node as deployed; ``management_address`` is IPv4 where there is one, else IPv6, else empty."""

    name: str
    kind: str
    long_name: str
    management_address: str
    management_interface: str
    labels: Mapping[str, str]
    where: str


@dataclass(frozen=True, slots=True)
class TopologyData:
    """A whole lab; ``nodes`` and ``links`` are sorted, bridges are folded into their segment's link."""

    name: str
    nodes: tuple[TopologyNode, ...]
    links: tuple[Link, ...]

    @property
    def devices(self) -> tuple[TopologyNode, ...]:
        """The nodes that are devices, not pieces of wire."""
        return tuple(node for node in self.nodes if node.kind not in SEGMENT_KINDS)


def read_topology_data(path: Path, error: type[UsageError], shown_as: str | None = None) -> TopologyData:
    """The lab that ``path`` describes.

    A node of a kind in ``SEGMENT_KINDS`` becomes one link of all that is plugged into it. A link
    with one end only (containerlab's ``host`` and ``dummy`` links) keeps that end and is not closed.
    Where the management network says ``port-isolation`` (``segaudit lab up`` does, Docker's bridge
    does not), each management interface is a closed wire of its own: it joins no two nodes.

    Raises:
        UsageError: of the class ``error``: unreadable or malformed.
    """
    root = read_yaml(path, error, shown_as)
    reader = Reader(error)
    top = reader.mapping(root, "topology data")
    name = reader.required(root, "name", "topology data")
    nodes = _nodes(reader, top.get("nodes"))
    wires = _wires(reader, top.get("links"))
    isolated = _isolates_management(top.get("clab"))
    reader.raise_if_any()
    links = fold_segments(wires, {node.name for node in nodes if node.kind in SEGMENT_KINDS})
    return TopologyData(
        _word(name),
        tuple(sorted(nodes, key=lambda node: node.name)),
        tuple(sorted((*links, *_management_ends(nodes)))) if isolated else links,
    )


def _isolates_management(clab: Node | None) -> bool:
    """True where ``clab.config.mgmt.port-isolation`` is true."""
    node = clab
    for key in ("config", "mgmt", "port-isolation"):
        node = node.value.get(key) if node is not None and isinstance(node.value, dict) else None
    return _word(node) == "true"


def _management_ends(nodes: Iterable[TopologyNode]) -> Iterator[Link]:
    for node in nodes:
        if node.management_address and node.management_interface:
            yield Link((TerminationPoint(node.name, node.management_interface),), "topology")


def _nodes(reader: Reader, nodes: Node | None) -> list[TopologyNode]:
    if nodes is None or is_absent(nodes):
        return []
    return [_node(reader, name, node) for name, node in reader.mapping(nodes, "nodes").items()]


def _node(reader: Reader, name: str, node: Node) -> TopologyNode:
    fields = reader.mapping(node, f"node {name}")
    kind = reader.required(node, "kind", f"node {name}")
    return TopologyNode(
        name,
        reader.text(kind, "kind") if kind else "",
        _word(fields.get("longname")) or name,
        _word(fields.get("mgmt-ipv4-address")) or _word(fields.get("mgmt-ipv6-address")),
        _word(fields.get("mgmt-intf")),
        _labels(reader, fields.get("labels")),
        node.where,
    )


def is_absent(node: Node | None) -> bool:
    """True where there is no node, or one that says nothing: empty, ``~`` or ``null``."""
    return node is None or node.value is None or node.value in ("", "~", "null")


def _word(node: Node | None) -> str:
    return node.value if node is not None and isinstance(node.value, str) else ""


def _labels(reader: Reader, node: Node | None) -> dict[str, str]:
    """The user's labels: containerlab's own are left out, a ``segaudit.`` prefix is taken off."""
    if node is None or is_absent(node):
        return {}
    labels = reader.mapping(node, "labels").items()
    return {
        name.removeprefix(_LABEL_PREFIX): _word(value)
        for name, value in sorted(labels)
        if not name.startswith(_OWN_LABEL_PREFIX)
    }


def _wires(reader: Reader, links: Node | None) -> list[tuple[TerminationPoint, ...]]:
    if links is None or is_absent(links):
        return []
    return [_wire(reader, link) for link in reader.sequence(links, "links")]


def _wire(reader: Reader, link: Node) -> tuple[TerminationPoint, ...]:
    """A link's ends; before 0.6x they stood at ``a``/``z`` of the link, since then under ``endpoints``."""
    fields = reader.mapping(link, "link")
    ends = reader.mapping(fields["endpoints"], "endpoints") if "endpoints" in fields else fields
    found = [_end(reader, ends[side]) for side in ("a", "z") if side in ends]
    if not found:
        reader.report(link, "link lacks a key", "endpoints")
    return tuple(found)


def _end(reader: Reader, end: Node) -> TerminationPoint:
    node = reader.required(end, "node", "endpoint")
    interface = reader.required(end, "interface", "endpoint")
    return TerminationPoint(
        reader.text(node, "node") if node else "", reader.text(interface, "interface") if interface else ""
    )


def fold_segments(wires: Iterable[tuple[TerminationPoint, ...]], segments: set[str]) -> tuple[Link, ...]:
    """One link per wire, and one per connected group of ``segments`` with all that plugs into it.

    A segment node may also be wired to another one. A wire with a single end, or a segment that
    such a wire leaves, is not closed: what is on the far side is unknown.
    """
    group = {name: name for name in segments}
    wires = list(wires)
    for wire in wires:
        joined = [_root(group, end.device) for end in wire if end.device in segments]
        for other in joined[1:]:
            group[other] = joined[0]
    links: list[Link] = []
    ends_of: dict[str, set[TerminationPoint]] = {}
    open_segments: set[str] = set()
    for wire in wires:
        inside = [end for end in wire if end.device in segments]
        outside = [end for end in wire if end.device not in segments]
        if not inside:
            links.append(Link(tuple(sorted(outside)), "topology", closed=len(wire) > 1))
            continue
        segment = _root(group, inside[0].device)
        ends_of.setdefault(segment, set()).update(outside)
        if len(wire) == 1:
            open_segments.add(segment)
    for segment, ends in ends_of.items():
        links.append(Link(tuple(sorted(ends)), "topology", closed=segment not in open_segments))
    return tuple(sorted(links))


def _root(group: dict[str, str], name: str) -> str:
    while group[name] != name:
        name = group[name]
    return name
