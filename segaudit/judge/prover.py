"""The engine as the judge uses it: one snapshot, its zones, and cached fixpoints.

Three readings of the same network are kept apart. STRICT takes nothing on trust. ASSUMED closes what
owned assumptions close. CLOSED pretends that nothing unmodelled exists; it decides nothing, it only
tells what a missing proof depends on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from weakref import WeakKeyDictionary

import networkx as nx

from segaudit.graph import INTERNET_NODE, UNMODELLED, ForwardingGraph, build_graph
from segaudit.judge.spaces import location_ranges
from segaudit.model.acl import Range
from segaudit.model.flow import Family
from segaudit.model.policy import INTERNET, Claim, OwnedAssumption, Policy
from segaudit.model.result import ZoneLocation
from segaudit.model.snapshot import Snapshot
from segaudit.model.topology import TerminationPoint
from segaudit.packets import HeaderField, HeaderSpace, Universe
from segaudit.policy import ZoneMap
from segaudit.policy.matching import device_matches, interface_matches
from segaudit.reach.device_path import DevicePaths, Level, RoutingMode
from segaudit.reach.failures import is_maintained
from segaudit.reach.filter_store import ChainDigests, ChainName, FilterStore, Kept
from segaudit.reach.fixpoint import Network, Reached, Source
from segaudit.reach.universes import universe_of
from segaudit.routing import own_ranges


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
        groups: zones whose packets are followed together, each zone in one group.
        kept: where compiled filters are kept beyond this object.
    """

    policy: Policy
    snapshot: Snapshot
    zones: ZoneMap
    assumptions: tuple[OwnedAssumption, ...]
    node_capacity: int
    groups: tuple[tuple[str, ...], ...] = ()
    kept: Kept | None = None
    _digests: ChainDigests = field(default_factory=ChainDigests)
    _filters: dict[Family, FilterStore] = field(default_factory=dict)
    _universes: dict[Family, Universe] = field(default_factory=dict)
    _graphs: dict[Reading, ForwardingGraph] = field(default_factory=dict)
    _networks: dict[tuple[Family, Reading, Level, RoutingMode], Network] = field(default_factory=dict)
    _paths: dict[Family, DevicePaths] = field(default_factory=dict)
    _reached: dict[tuple[Family, Reading, Level, RoutingMode, bool], dict[str, Reached]] = field(
        default_factory=dict
    )
    _arrived: WeakKeyDictionary[Reached, dict[tuple[str, Reading], HeaderSpace]] = field(
        default_factory=WeakKeyDictionary
    )
    _all_maintained: dict[tuple[Family, Reading], bool] = field(default_factory=dict)
    _sources: dict[tuple[str, Reading], Source] = field(default_factory=dict)
    _components: dict[Reading, dict[str, int]] = field(default_factory=dict)
    _doubtful: tuple[str, ...] | None = None

    def universe(self, family: Family) -> Universe:
        """The packets of one family."""
        if family not in self._universes:
            devices = tuple(self.snapshot.devices.values())
            self._universes[family] = universe_of(devices, family, self.node_capacity)
        return self._universes[family]

    def paths(self, family: Family) -> DevicePaths:
        """The devices compiled so far, for further networks of the same devices to share."""
        if family not in self._paths:
            universe, devices = self.universe(family), self.snapshot.devices.values()
            self._filters[family] = FilterStore(universe, devices, self._digests, self.kept)
            self._paths[family] = DevicePaths(universe, filters=self._filters[family])
        return self._paths[family]

    def largest_filter(self, family: Family) -> ChainName | None:
        """The filter with the largest sets of those compiled so far; ``None`` where none is large."""
        return self._filters[family].largest() if family in self._filters else None

    def together(self, zone: str) -> tuple[str, ...]:
        """The zones followed together with ``zone``; without groups all that have a place."""
        everything = tuple(sorted({location.zone for location in self.zones.locations}))
        return next((group for group in self.groups or (everything,) if zone in group), (zone,))

    @property
    def doubtful(self) -> tuple[str, ...]:
        """Devices with a line that is not understood and whose effect the model does not bound."""
        if self._doubtful is None:
            self._doubtful = tuple(
                name
                for name, device in sorted(self.snapshot.devices.items())
                if any(not line.bounded for line in device.lines)
            )
        return self._doubtful

    def graph(self, reading: Reading) -> ForwardingGraph:
        """The adjacency graph under one reading."""
        if reading not in self._graphs:
            self._graphs[reading] = self._build(reading)
        return self._graphs[reading]

    def components(self, reading: Reading) -> dict[str, int]:
        """Per node of the adjacency graph (see ``ForwardingGraph.networkx``) the component it is in."""
        if reading not in self._components:
            found = nx.connected_components(self.graph(reading).networkx())
            self._components[reading] = {
                node: number for number, nodes in enumerate(found) for node in nodes
            }
        return self._components[reading]

    def _build(self, reading: Reading) -> ForwardingGraph:
        edges = frozenset(
            TerminationPoint(place.device, place.interface) for place in self.places(INTERNET)
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

    def _same_routing(self, family: Family, reading: Reading, routing: RoutingMode) -> RoutingMode:
        """ANY where failures may bring that to every device, so that nothing is computed twice."""
        if routing is not RoutingMode.FAILURES:
            return routing
        if (family, reading) not in self._all_maintained:
            devices = self.graph(reading).devices.values()
            self._all_maintained[family, reading] = all(is_maintained(one, family) for one in devices)
        return RoutingMode.ANY if self._all_maintained[family, reading] else routing

    def network(
        self, family: Family, reading: Reading, level: Level, routing: RoutingMode = RoutingMode.CURRENT
    ) -> Network:
        """The network ready for fixpoints."""
        reading = self._same_as(reading)
        key = (family, reading, level, routing)
        if key not in self._networks:
            paths = self.paths(family)
            self._networks[key] = Network(self.graph(reading), paths.universe, level, routing, paths)
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
        routing = self._same_routing(family, reading, routing)
        key = (family, reading, level, routing, with_connections)
        known = self._reached.setdefault(key, {})
        if zone not in known:
            known.update(self._reach_together(self.together(zone), *key))
        return known[zone]

    def _reach_together(
        self,
        zones: tuple[str, ...],
        family: Family,
        reading: Reading,
        level: Level,
        routing: RoutingMode,
        with_connections: bool,
    ) -> dict[str, Reached]:
        fresh: list[Reached] = []
        asked_alone = routing is RoutingMode.CURRENT or self.policy.has_conduits
        if with_connections and level is Level.MAY and asked_alone:
            fresh = [self.reached(family, zone, reading, level, routing, False) for zone in zones]
        network = self.network(family, reading, level, routing)
        sources = [self.source(zone, reading) for zone in zones]
        return dict(zip(zones, network.reach_each(sources, with_connections, fresh), strict=True))

    def places(self, zone: str) -> tuple[ZoneLocation, ...]:
        """The places of ``zone``."""
        return self.zones.of(zone)

    def source(self, zone: str, reading: Reading) -> Source:
        """Where packets of ``zone`` start: every wire its places are on, and its routers themselves.

        A host that forwards nothing can be owned whole: it starts packets on all its wires. A place
        without a wire (a loopback) is the router itself: it makes packets with any source, through
        its OUTPUT filters as configured (that it is owned is the hostile-subsidiary proof). Inside a
        device that is not understood, such a place is behind UNMODELLED.
        """
        if (zone, reading) not in self._sources:
            self._sources[zone, reading] = self._source(zone, reading)
        return self._sources[zone, reading]

    def _source(self, zone: str, reading: Reading) -> Source:
        graph = self.graph(reading)
        segments: set[str] = set()
        routers = set()
        for place in self.places(zone):
            device = self.snapshot.devices[place.device]
            interfaces = [place.interface] if device.forwards else list(device.interfaces)
            for interface in interfaces:
                wires = graph.wires(TerminationPoint(place.device, interface))
                segments.update(wires)
                if not wires and place.device in graph.devices:
                    routers.add(place.device)
        beyond = self.goes_on_unmodelled(zone, reading)
        return Source(frozenset(segments), zone == INTERNET, beyond, frozenset(routers))

    def is_incomplete(self, zone: str) -> bool:
        """True where an uncollected device may hold more of the zone: the rest is behind UNMODELLED."""
        return any(missing.zone == zone for missing in self.zones.uncollected)

    def arrived(self, reached: Reached, zone: str, reading: Reading) -> HeaderSpace:
        """The part of a fixpoint that has arrived in ``zone``.

        On any wire of the zone, whatever its destination, or accepted by a device for an address
        that the zone holds.
        """
        known = self._arrived.setdefault(reached, {})
        if (zone, reading) not in known:
            known[zone, reading] = self._arriving_of(reached, zone, reading)
        return known[zone, reading]

    def _arriving_of(self, reached: Reached, zone: str, reading: Reading) -> HeaderSpace:
        """``arrived``, worked out once for all sources of a common fixpoint."""
        if reached.whole is reached:
            return self._arriving(reached, zone, reading)
        together = self.arrived(reached.whole, zone, reading)
        return together if together.is_empty else reached.own(together)

    def _arriving(self, reached: Reached, zone: str, reading: Reading) -> HeaderSpace:
        universe = reached.universe
        found = self._on_places(reached, zone, reading)
        if zone == INTERNET:
            found |= reached.space(("adversary", INTERNET_NODE))
        if self.goes_on_unmodelled(zone, reading):
            found |= reached.space(("adversary", UNMODELLED))
        for place in self.places(zone):
            own = self.held(place, universe.family)
            local = reached.space(("local", place.device))
            if own and not local.is_empty:
                found |= local & universe.ranges(HeaderField.DESTINATION, own)
        return found

    def held(self, place: ZoneLocation, family: Family) -> list[Range]:
        """The addresses of a place that its device accepts: its own, those of local routes among them."""
        device = self.snapshot.devices[place.device]
        addresses = [one for one in device.interfaces[place.interface].addresses if one.family is family]
        found = {(one.address, one.address) for one in addresses}
        for first, last in own_ranges(device, family) if addresses else ():
            inside = [(max(first, one.network[0]), min(last, one.network[1])) for one in addresses]
            found.update(one for one in inside if one[0] <= one[1])
        return sorted(found)

    def goes_on_unmodelled(self, zone: str, reading: Reading) -> bool:
        """True where a part of the zone is not on any wire, but inside what is not modelled."""
        graph = self.graph(reading)
        hidden = any(
            place.device not in graph.devices
            and TerminationPoint(place.device, place.interface) not in graph.segment_of
            for place in self.places(zone)
        )
        return hidden or (reading is not Reading.CLOSED and self.is_incomplete(zone))

    def _on_places(self, reached: Reached, zone: str, reading: Reading) -> HeaderSpace:
        return reached.universe.union(
            reached.space(("segment", segment)) for segment in sorted(self.zone_segments(zone, reading))
        )

    def zone_segments(self, zone: str, reading: Reading) -> frozenset[str]:
        """The wires that the zone's places are on."""
        graph = self.graph(reading)
        points = (TerminationPoint(place.device, place.interface) for place in self.places(zone))
        return frozenset(segment for point in points for segment in graph.wires(point))

    def ranges(self, zone: str, family: Family) -> list[Range]:
        """The address ranges connected at the zone's places; for the internet every address."""
        if zone == INTERNET:
            return [(0, (1 << family.bits) - 1)]
        return location_ranges(dict(self.snapshot.devices), self.places(zone), family)

    def wires(self) -> dict[TerminationPoint, tuple[TerminationPoint, ...]]:
        """Per interface who shares its wire, for walks."""
        graph = self.graph(Reading.CLOSED)
        return {point: graph.segments[segment].points for point, segment in graph.segment_of.items()}
