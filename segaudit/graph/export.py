"""The graph as text for other programs: Graphviz DOT and GraphML."""

from __future__ import annotations

from typing import Any

import networkx as nx

from segaudit.graph.forwarding_graph import ForwardingGraph

_SHAPES = {"device": "box", "interface": "point", "segment": "ellipse", "adversary": "octagon"}


def export(graph: ForwardingGraph, form: str) -> str:
    """The graph in ``dot`` or ``graphml``, nodes and edges sorted."""
    plain = graph.networkx()
    if form == "graphml":
        ordered: Any = nx.Graph()
        ordered.add_nodes_from(sorted(plain.nodes(data=True)))
        ordered.add_edges_from(sorted((*sorted(ends), data) for *ends, data in plain.edges(data=True)))
        return "\n".join(nx.generate_graphml(ordered)) + "\n"
    lines = ["graph network {"]
    for name, data in sorted(plain.nodes(data=True)):
        lines.append(f'  "{_escaped(name)}" [shape={_SHAPES[data["kind"]]}];')
    for first, second, data in sorted(
        (*sorted(ends), data["up"]) for *ends, data in plain.edges(data=True)
    ):
        style = "" if data else " [style=dashed]"
        lines.append(f'  "{_escaped(first)}" -- "{_escaped(second)}"{style};')
    return "\n".join([*lines, "}"]) + "\n"


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')
