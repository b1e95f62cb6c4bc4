"""The engine as the judge uses it: one snapshot, its zones, and cached fixpoints.

Three readings of the same network are kept apart. STRICT takes nothing on trust. ASSUMED closes what
owned assumptions close. CLOSED pretends that nothing unmodelled exists; it decides nothing, it only
tells what a missing proof depends on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from segaudit.graph import INTERNET_NODE, UNMODELLED, ForwardingGraph, build_graph
from segaudit.judge.spaces import location_ranges
from segaudit.model.acl import Range
from segaudit.model.flow import Family
from segaudit.model.policy import INTERNET, Claim, OwnedAssumption, Policy
from segaudit.model.snapshot import Snapshot
from segaudit.model.topology import TerminationPoint
from segaudit.packets import HeaderField, HeaderSpace, Universe
from segaudit.policy import ZoneMap
from segaudit.policy.matching import device_matches, interface_matches
from segaudit.reach.device_path import Level, RoutingMode
from segaudit.reach.fixpoint import Network, Reached, Source


class Reading(Enum):
    """How much is taken on trust."""

    STRICT = "strict"
    ASSUMED = "assumed"
    CLOSED = "closed"


@dataclass(slots=True)
class Prover:
    """Fixpoints of one snapshot, computed once each.

    Args:
        policy: names the zones, the internet and the owned assumptions.
        snapshot: the parsed network.
        zones: where the policy's zones are.
        assumptions: those of the policy that hold on the day of the judgement.
        node_capacity: see ``packets.Universe``.
    """

    policy: Policy
    snapshot: Snapshot
    zones: ZoneMap
    assumptions: tuple[OwnedAssumption, ...]
    node_capacity: int
    _universes: dict[Family, Universe] = field(default_factory=dict)
    _graphs: dict[Reading, ForwardingGraph] = field(default_factory=dict)
    _networks: dict[tuple[Family, Reading, Level, RoutingMode], Network] = field(default_factory=dict)
    _reached: dict[tuple[Family, Reading, Level, RoutingMode, str, bool], Reached] = field(
        default_factory=dict
    )

    def universe(self, family: Family) -> Universe:
        """The packets of one family."""
        if family not in self._universes:
            self._universes[family] = Universe(family, self.node_capacity)
        return self._universes[family]

    @property
    def doubtful(self) -> tuple[str, ...]:
        """Devices with a line that is not understood and whose effect the model does not bound."""
        return tuple(
            name
            for name, device in sorted(self.snapshot.devices.items())
            if any(not line.bounded for line in device.lines)
        )

    def graph(self, reading: Reading) -> ForwardingGraph:
        """The adjacency graph under one reading."""
        if reading not in self._graphs:
            self._graphs[reading] = self._build(reading)
        return self._graphs[reading]

    def _build(self, reading: Reading) -> ForwardingGraph:
        edges = frozenset(
            TerminationPoint(place.device, place.interface) for place in self.zones.of(INTERNET)
        )
        if reading is Reading.CLOSED:
            return build_graph(self.snapshot, edges, nothing_unmodelled=True)
        doubtful = frozenset(self.doubtful)
        if reading is Reading.STRICT:
            return build_graph(self.snapshot, edges, doubtful_devices=doubtful)
        owned = {point.device for point in self._claimed(Claim.NO_EFFECT)}
        hosts_only = self._claimed(Claim.END_HOSTS_ONLY)
        return build_graph(self.snapshot, edges, hosts_only, doubtful - owned)

    def _claimed(self, claim: Claim) -> frozenset[TerminationPoint]:
        return frozenset(
            TerminationPoint(device.name, interface.name)
            for device in self.snapshot.devices.values()
            for interface in device.interfaces.values()
            for assumption in self.assumptions
            if assumption.claim is claim
            and device_matches(assumption.about, device.name, device.labels)
            and interface_matches(assumption.about, interface)
        )

    def _same_as(self, reading: Reading) -> Reading:
        """STRICT where the reading does not differ from it, so that nothing is computed twice."""
        if reading is Reading.ASSUMED and not self.assumptions:
            return Reading.STRICT
        strict = self.graph(Reading.STRICT)
        complete = not (strict.unmodelled_segments or self.doubtful or self.zones.uncollected)
        return Reading.STRICT if complete else reading

    def network(
        self, family: Family, reading: Reading, level: Level, routing: RoutingMode = RoutingMode.CURRENT
    ) -> Network:
        """The network ready for fixpoints."""
        reading = self._same_as(reading)
        key = (family, reading, level, routing)
        if key not in self._networks:
            self._networks[key] = Network(self.graph(reading), self.universe(family), level, routing)
        return self._networks[key]

    def reached(
        self,
        family: Family,
        zone: str,
        reading: Reading,
        level: Level = Level.MAY,
        routing: RoutingMode = RoutingMode.CURRENT,
        with_connections: bool = True,
    ) -> Reached:
        """Everything that packets of ``zone`` can arrive at."""
        reading = self._same_as(reading)
        key = (family, reading, level, routing, zone, with_connections)
        if key not in self._reached:
            network = self.network(family, reading, level, routing)
            self._reached[key] = network.reach(self.source(zone, reading), with_connections)
        return self._reached[key]

    def source(self, zone: str, reading: Reading) -> Source:
        """Where packets of ``zone`` start: every wire its places are on, and its routers themselves.

        A host that forwards nothing can be owned whole: it starts packets on all its wires. A place
        without a wire (a loopback) is the router itself: it makes packets with any source, through
        its OUTPUT filters as configured (that it is owned is the hostile-subsidiary proof).
        """
        graph = self.graph(reading)
        segments = set()
        routers = set()
        for place in self.zones.of(zone):
            device = self.snapshot.devices[place.device]
            interfaces = [place.interface] if device.forwards else list(device.interfaces)
            for interface in interfaces:
                segment = graph.segment_of.get(TerminationPoint(place.device, interface))
                if segment is not None:
                    segments.add(segment)
                elif place.device in graph.devices:
                    routers.add(place.device)
        beyond = reading is not Reading.CLOSED and self.is_incomplete(zone)
        return Source(frozenset(segments), zone == INTERNET, beyond, frozenset(routers))

    def is_incomplete(self, zone: str) -> bool:
        """True where an uncollected device may hold more of the zone: the rest is behind UNMODELLED."""
        return any(missing.zone == zone for missing in self.zones.uncollected)

    def arrived(self, reached: Reached, zone: str, reading: Reading) -> HeaderSpace:
        """The part of a fixpoint that has arrived in ``zone``.

        On any wire of the zone, whatever its destination, or accepted by a device for an address
        that the zone holds.
        """
        universe = reached.universe
        found = self._on_places(reached, zone, reading)
        if zone == INTERNET:
            found |= reached.space(("adversary", INTERNET_NODE))
        if reading is not Reading.CLOSED and self.is_incomplete(zone):
            found |= reached.space(("adversary", UNMODELLED))
        devices = dict(self.snapshot.devices)
        for place in self.zones.of(zone):
            own = [
                (address.address, address.address)
                for address in devices[place.device].interfaces[place.interface].addresses
                if address.family is universe.family
            ]
            local = reached.space(("local", place.device))
            found |= local & universe.ranges(HeaderField.DESTINATION, own)
        return found

    def _on_places(self, reached: Reached, zone: str, reading: Reading) -> HeaderSpace:
        return reached.universe.union(
            reached.space(("segment", segment)) for segment in sorted(self.zone_segments(zone, reading))
        )

    def zone_segments(self, zone: str, reading: Reading) -> frozenset[str]:
        """The wires that the zone's places are on."""
        graph = self.graph(reading)
        points = (TerminationPoint(place.device, place.interface) for place in self.zones.of(zone))
        return frozenset(graph.segment_of[point] for point in points if point in graph.segment_of)

    def ranges(self, zone: str, family: Family) -> list[Range]:
        """The address ranges connected at the zone's places; for the internet every address."""
        if zone == INTERNET:
            return [(0, (1 << family.bits) - 1)]
        return location_ranges(dict(self.snapshot.devices), self.zones.of(zone), family)

    def wires(self) -> dict[TerminationPoint, tuple[TerminationPoint, ...]]:
        """Per interface who shares its wire, for walks."""
        graph = self.graph(Reading.CLOSED)
        return {point: graph.segments[segment].points for point, segment in graph.segment_of.items()}
