"""Whether what arrives needs a forged source address: own-prefix sources as a figure of their own."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from segaudit.judge.conduits import Permitted, surplus
from segaudit.judge.prover import Prover, Reading
from segaudit.model.flow import Family
from segaudit.packets import HeaderField, HeaderSpace
from segaudit.reach.device_path import Level
from segaudit.reach.fixpoint import Reached, Source


class OwnSources:
    """What may arrive of packets that a zone sends with its own addresses.

    Where a packet starts its source is checked, not where it arrives: a translation on the way may
    have changed it.

    Args:
        prover: the engine.
        family: the address family.
    """

    def __init__(self, prover: Prover, family: Family) -> None:
        self.prover = prover
        self.family = family
        self._reached: dict[bool, dict[str, Reached]] = {False: {}, True: {}}
        self._start = cache(self._starting)
        self._is_decided = cache(self._decides)

    def nothing_arrives(self, source: str, destination: str, allowed: Permitted) -> bool:
        """True where nothing sent with an own address may arrive that is not permitted.

        False, too, where that is not decided here: what the zone's routers make themselves, zones
        that go on at the internet or behind what is not modelled, and zones without an address of
        the family.
        """
        if not self._is_decided(source):
            return False
        return surplus(
            allowed, lambda connections: self._arrived(source, destination, connections)
        ).is_empty

    def _arrived(self, source: str, destination: str, connections: bool) -> HeaderSpace:
        """What may arrive of all that the zone sends with own addresses.

        Where no source was changed on the way of anything that it sends, that is what arrives with an
        own address (but for what its routers make), so that its fixpoint need not be computed again.
        """
        reached = self.prover.reached(
            self.family, source, Reading.STRICT, Level.MAY, with_connections=connections
        )
        if reached.keeps_sources and not self.prover.source(source, Reading.STRICT).devices:
            own = reached.universe.ranges(HeaderField.SOURCE, self._start(source).senders or ())
            return self.prover.arrived(reached, destination, Reading.STRICT) & own
        return self.prover.arrived(self._from(source, connections), destination, Reading.STRICT)

    def _decides(self, zone: str) -> bool:
        start = self._start(zone)
        return not (start.internet or start.unmodelled or not start.senders or self._sends_elsewhere(zone))

    def _starting(self, zone: str) -> Source:
        own = tuple(self.prover.ranges(zone, self.family))
        return replace(self.prover.source(zone, Reading.STRICT), devices=frozenset(), senders=own)

    def _sends_elsewhere(self, zone: str) -> bool:
        """True where a device that makes packets for the zone has a wire that the zone is not on."""
        start = self.prover.source(zone, Reading.STRICT)
        wires = self.prover.graph(Reading.STRICT).segment_of
        return any(
            point.device in start.devices and segment not in start.segments
            for point, segment in wires.items()
        )

    def _from(self, zone: str, connections: bool) -> Reached:
        """The fixpoint of a zone's own addresses, computed with those of the zones followed with it."""
        known = self._reached[connections]
        if zone not in known:
            zones = [one for one in self.prover.together(zone) if one == zone or self._is_decided(one)]
            network = self.prover.network(self.family, Reading.STRICT, Level.MAY)
            starts = [self._start(one) for one in zones]
            known.update(zip(zones, network.reach_each(starts, connections), strict=True))
        return known[zone]
