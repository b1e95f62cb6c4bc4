"""Devices -> the graph of every adjacency: interfaces, layer-2 segments, UNMODELLED, the internet."""

from segaudit.graph.export import export
from segaudit.graph.forwarding_graph import (
    INTERNET_NODE,
    UNMODELLED,
    ForwardingGraph,
    build_graph,
)
from segaudit.graph.segments import Segment

__all__ = ["INTERNET_NODE", "UNMODELLED", "ForwardingGraph", "Segment", "build_graph", "export"]
