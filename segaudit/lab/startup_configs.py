"""The startup configurations that a containerlab topology gives its nodes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from segaudit.documents.yaml_nodes import Node, parse_yaml
from segaudit.errors import TopologyError
from segaudit.lab.topology import Topology, expand_variables

KEY = "startup-config"
_INLINE = "startup-config.txt"
_REMOTE = ("http://", "https://", "s3://")
_NODE_NAME = "__clabNodeName__"


@dataclass(frozen=True, slots=True)
class StartupConfig:
    """What a node starts with; ``content`` is ``None`` where it is not here, for ``reason``."""

    node: str
    file: str
    content: bytes | None
    reason: str = ""


def startup_configs(
    topology: Topology, environment: Mapping[str, str] | None = None
) -> tuple[StartupConfig, ...]:
    """One for each node, by name.

    Merged as containerlab does: the node's own, its group's, its kind's, the defaults'.

    Raises:
        TopologyError: the file has changed since it was read and is malformed now.
    """
    shown = topology.shown_as
    expanded = expand_variables(
        topology.path.read_text(encoding="utf-8"), os.environ if environment is None else environment
    )
    body = _child(parse_yaml(expanded, shown, TopologyError), "topology")
    found = []
    for node in sorted(topology.nodes, key=lambda node: node.name):
        places = (("nodes", node.name), ("groups", node.group), ("kinds", node.kind), ("defaults",))
        given = next((text for place in places if (text := _text(body, place))), "")
        found.append(_startup(topology, node.name, given))
    return tuple(found)


def _startup(topology: Topology, node: str, given: str) -> StartupConfig:
    if not given:
        return StartupConfig(node, "", None, "the topology gives it no startup-config")
    if "\n" in given.strip():
        return StartupConfig(node, _INLINE, given.encode())
    named = given.strip().replace(_NODE_NAME, node)
    if named.startswith(_REMOTE):
        return StartupConfig(node, "", None, f"its startup-config is not here: {named}")
    path = topology.path.parent / named
    try:
        return StartupConfig(node, path.name, path.read_bytes())
    except OSError as failure:
        return StartupConfig(node, "", None, f"its startup-config {named}: {failure.strerror}")


def _text(body: Node | None, place: tuple[str, ...]) -> str:
    node = body
    for key in (*place, KEY):
        node = _child(node, key)
    return node.value if node is not None and isinstance(node.value, str) else ""


def _child(node: Node | None, key: str) -> Node | None:
    return node.value.get(key) if node is not None and isinstance(node.value, dict) else None
