"""Whether what arrives needs a forged source address: own-prefix sources as a figure of their own."""

from __future__ import annotations

from dataclasses import replace

from segaudit.graph import ForwardingGraph, Segment
from segaudit.judge.conduits import Permitted
from segaudit.judge.prover import Prover, Reading
from segaudit.judge.variant import Variant
from segaudit.model.acl import (
    Ace,
    Acl,
    AclAttachment,
    AddressIn,
    End,
    Forwarding,
    Hook,
    Range,
)
from segaudit.model.device import Device, Interface, NextHop, Route
from segaudit.model.flow import Family
from segaudit.model.topology import TerminationPoint
from segaudit.reach.fixpoint import Source


class OwnSources:
    """What may arrive of packets that a zone sends with its own addresses.

    Where a packet starts its source is checked, not where it arrives: a translation on the way may
    have changed it. So each wire of the zone is put behind a made-up device that lets only the zone's
    own sources out onto it, and packets start behind that.

    Args:
        prover: the engine.
        family: the address family.
    """

    def __init__(self, prover: Prover, family: Family) -> None:
        self.prover = prover
        self.family = family
        self._variant: Variant | None = None

    def nothing_arrives(self, source: str, destination: str, allowed: Permitted) -> bool:
        """True where nothing sent with an own address may arrive that is not permitted.

        False, too, where that is not decided here: what the zone's routers make themselves, zones
        that go on at the internet or behind what is not modelled, and zones without an address of
        the family.
        """
        start = self.prover.source(source, Reading.STRICT)
        own = self.prover.ranges(source, self.family)
        if start.internet or start.unmodelled or not own or self._sends_elsewhere(start):
            return False
        if self._variant is None:
            self._variant = self._gated()
        behind = Source(frozenset(_gate(source, segment) for segment in start.segments))
        return self._variant.is_closed(behind, destination, allowed)

    def _sends_elsewhere(self, start: Source) -> bool:
        """True where a device that makes packets for the zone has a wire that the zone is not on."""
        wires = self.prover.graph(Reading.STRICT).segment_of
        return any(
            point.device in start.devices and segment not in start.segments
            for point, segment in wires.items()
        )

    def _gated(self) -> Variant:
        """One network for all zones: a gate is no receiver, so it touches nothing but its own packets."""
        graph = self.prover.graph(Reading.STRICT)
        for zone in sorted({place.zone for place in self.prover.zones.locations}):
            own = tuple(self.prover.ranges(zone, self.family))
            for segment in sorted(self.prover.source(zone, Reading.STRICT).segments):
                graph = _with_gate(graph, _gate(zone, segment), segment, own, self.family)
        return Variant(self.prover, self.family, Reading.STRICT, graph)


def _gate(zone: str, segment: str) -> str:
    """The name of a made-up device and of the wire behind it; no inventory name holds spaces."""
    return f"own sources of {zone} onto {segment}"


def _with_gate(
    graph: ForwardingGraph, name: str, segment: str, own: tuple[Range, ...], family: Family
) -> ForwardingGraph:
    """The graph with a device ``name`` before ``segment`` that passes only sources of ``own`` on to it."""
    rule = Ace(AddressIn(End.SOURCE, family, own), Forwarding.ACCEPT)
    gate = Device(
        name,
        "",
        {"behind": Interface("behind", forwarding=frozenset({family})), "before": Interface("before")},
        routes=(Route(family, 0, 0, (NextHop(None),)),),
        acls={"own": Acl("own", (rule,), Forwarding.DROP)},
        attachments=(AclAttachment("own", Hook.FORWARD, 0, frozenset({family})),),
        forwards=frozenset({family}),
    )
    behind, before = TerminationPoint(name, "behind"), TerminationPoint(name, "before")
    return replace(
        graph,
        devices={**graph.devices, name: gate},
        segments={**graph.segments, name: Segment(name, (behind,))},
        segment_of={**graph.segment_of, behind: name, before: segment},
    )
