"""How many independent changes an isolation is away from none, and which single one would do.

A change is one of ``judge.objects``: one rule deleted, one chain opened by default, one route added or
discarding one removed, one interface brought up, forwarding switched on, a reverse-path filter off.
A new wire or VLAN is not among them. Whether one change suffices is decided by computing the pair's
fixpoint with that change made, never guessed; what can be ruled out for many objects together is:

- an object of a device that no packet of the source meets changes nothing;
- a device from whose wires nothing reaches the destination, whatever is sent there, cannot let
  anything through by any change of its own;
- objects whose removal only lets more through are loosened together, and halved as long as the
  destination is reached.

Where every object is ruled out the margin is "2 or more". Reconnected means: no longer proven; a
keystone with a nearest miss names a packet that then certainly arrives.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from segaudit.errors import CapacityError
from segaudit.judge.conduits import Permitted, permitted
from segaudit.judge.failures import anywhere
from segaudit.judge.objects import (
    BarrierObject,
    absent_route,
    filter_objects,
    loosened,
    routing_objects,
)
from segaudit.judge.prover import Prover, Reading
from segaudit.judge.spaces import Conduit
from segaudit.judge.variant import Variant, with_devices
from segaudit.judge.witness import Storyteller
from segaudit.model.device import Device, NextHop
from segaudit.model.flow import Family
from segaudit.model.snapshot import Snapshot
from segaudit.model.topology import TerminationPoint
from segaudit.model.verdict import Grade, Keystone, Margin, Outcome, PairVerdict, Witness
from segaudit.reach.device_path import Level, RoutingMode
from segaudit.reach.fixpoint import Source

DEFAULT_BUDGET = 600
"""Changed networks tried per pair."""

MOST_SHARED = 96
"""Changed networks kept for the next pair."""

MOST_STORIES = 6
"""Keystones per pair whose nearest miss is told."""

_HELD_BY_FILTERS = (Grade.G5, Grade.G4)
"""Grades at which no route, reverse-path filter or raised interface matters: proven for any routing."""


@dataclass(frozen=True, slots=True)
class _Question:
    """One pair as the search asks about it."""

    source: str
    destination: str
    allowed: Permitted
    reading: Reading
    start: Source
    routing_matters: bool


@dataclass(slots=True)
class _Search:
    """What one pair's search has found and spent."""

    tried: int = 0
    keystones: list[tuple[BarrierObject, Device]] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)


class Margins:
    """Margins of the pairs of one family; changed networks are shared between pairs of one source.

    Args:
        prover: the engine.
        family: the address family.
        budget: changed networks tried per pair at most; what was not tried is ``undecided``.
    """

    def __init__(self, prover: Prover, family: Family, budget: int = DEFAULT_BUDGET) -> None:
        self.prover = prover
        self.family = family
        self.budget = budget
        self._unchanged: dict[Reading, Variant] = {}
        self._changed: OrderedDict[tuple[Reading, str, str], Variant] = OrderedDict()
        self._made = 0
        self._arrivals = prover

    def of(self, pair: PairVerdict, conduits: Iterable[Conduit]) -> Margin | None:
        """The margin of a proven pair; ``None`` for any other."""
        if pair.outcome not in (Outcome.PROVEN, Outcome.PROVEN_IF):
            return None
        if pair.grade is Grade.G5:
            return Margin(2)
        held = tuple(conduits)
        search = _Search()
        try:
            self._search(self._question(pair, held), search)
            keystones = tuple(self._keystones(pair, held, search.keystones))
        except CapacityError as failure:
            return Margin(1, (), (*dict.fromkeys(search.undecided), str(failure)), search.tried)
        least = 1 if keystones or search.undecided else 2
        return Margin(least, keystones, tuple(dict.fromkeys(search.undecided)), search.tried)

    def _question(self, pair: PairVerdict, conduits: Sequence[Conduit]) -> _Question:
        source, destination = pair.source_zone, pair.destination_zone
        reading = Reading.STRICT if pair.outcome is Outcome.PROVEN else Reading.ASSUMED
        return _Question(
            source,
            destination,
            permitted(self.prover, conduits, source, destination, self.family),
            reading,
            self.prover.source(source, reading),
            pair.grade not in _HELD_BY_FILTERS,
        )

    # -- the search ------------------------------------------------------------------------------

    def _search(self, asked: _Question, search: _Search) -> None:
        graph = self.prover.graph(asked.reading)
        for name in self._met(asked):
            if self._leads_on(asked, name):
                self._one_device(asked, graph.devices[name], search)

    def _met(self, asked: _Question) -> list[str]:
        """The devices that packets of the source come to, or that make packets for it."""
        reached = self.prover.reached(self.family, asked.source, asked.reading)
        received = {node[1] for node in reached.at if node[0] == "in" and not reached.space(node).is_empty}
        return sorted(received | asked.start.devices)

    def _leads_on(self, asked: _Question, name: str) -> bool:
        """True where anything sent on the wires of a device could arrive, or be arrived at it."""
        if any(place.device == name for place in self.prover.zones.of(asked.destination)):
            return True
        if asked.reading not in self._unchanged:
            graph = self.prover.graph(asked.reading)
            self._unchanged[asked.reading] = Variant(self.prover, self.family, asked.reading, graph)
        variant = self._unchanged[asked.reading]
        points = (TerminationPoint(name, one) for one in variant.graph.devices[name].interfaces)
        wires = frozenset(
            variant.graph.segment_of[point] for point in points if point in variant.graph.segment_of
        )
        return not variant.is_closed(Source(wires), asked.destination, asked.allowed)

    def _one_device(self, asked: _Question, device: Device, search: _Search) -> None:
        objects = list(filter_objects(device, self.family))
        if not asked.routing_matters:
            objects = [one for one in objects if one.kind != "reverse-path-filter"]
        together = [one for one in objects if one.loosened is not None]
        apart = [one for one in objects if one.loosened is None]
        self._halve(asked, device, together, search)
        for one in apart:
            self._try(asked, device, one, search)
        if asked.routing_matters and self._reconnects(
            asked, device.name, "any routing", lambda: anywhere(device, self.family), search
        ):
            self._routes(asked, device, search)

    def _halve(
        self, asked: _Question, device: Device, objects: list[BarrierObject], search: _Search
    ) -> None:
        """Find the single objects that reconnect among many, all of which only let more through."""
        key = f"{len(objects)} from {objects[0].key} to {objects[-1].key}" if objects else ""
        if not objects or not self._reconnects(
            asked, device.name, key, lambda: loosened(device, objects), search
        ):
            return
        if len(objects) == 1:
            self._try(asked, device, objects[0], search)
            return
        middle = len(objects) // 2
        self._halve(asked, device, objects[:middle], search)
        self._halve(asked, device, objects[middle:], search)

    def _try(self, asked: _Question, device: Device, one: BarrierObject, search: _Search) -> bool:
        found = self._reconnects(asked, device.name, one.key, lambda: one.removed(device), search)
        if found:
            search.keystones.append((one, one.removed(device)))
        return found

    def _reconnects(
        self, asked: _Question, name: str, key: str, changed: Callable[[], Device], search: _Search
    ) -> bool:
        """Whether the pair is no longer proven with device ``name`` changed; ``key`` names the change.

        False, with a note of it, where the budget is spent.
        """
        if search.tried >= self.budget:
            search.undecided.append(f"{name}: not every object was tried ({self.budget} changes were)")
            return False
        search.tried += 1
        variant = self._variant(asked.reading, name, key, changed)
        return not variant.is_closed(asked.start, asked.destination, asked.allowed)

    def _variant(self, reading: Reading, name: str, key: str, changed: Callable[[], Device]) -> Variant:
        shared = (reading, name, key)
        if shared not in self._changed:
            graph = with_devices(self.prover.graph(reading), [changed()])
            if self._made % MOST_SHARED == 0:
                self._arrivals = _anew(self.prover, self.prover.snapshot)
            self._made += 1
            self._changed[shared] = Variant(self.prover, self.family, reading, graph, self._arrivals)
        self._changed.move_to_end(shared)
        while len(self._changed) > MOST_SHARED:
            self._changed.popitem(last=False)
        return self._changed[shared]

    # -- routes ----------------------------------------------------------------------------------

    def _routes(self, asked: _Question, device: Device, search: _Search) -> None:
        """The single routes and interfaces by which a device that could route anywhere reconnects."""
        found = [self._try(asked, device, one, search) for one in routing_objects(device, self.family)]
        for hop in self._hops(asked, device):
            found.append(self._absent(asked, device, hop, search))
        if not any(found):
            search.undecided.append(
                f"{device.name}: another routing of it could reconnect them, but no single route tried does"
            )

    def _absent(self, asked: _Question, device: Device, hop: NextHop, search: _Search) -> bool:
        """Try routes by one next hop, the destination's own prefixes first, until one reconnects."""
        rules = {rule.table for rule in device.rules if rule.family is self.family and rule.table}
        tables = sorted((rules or {"main"}) - {"local", "default"}, key=lambda name: (name != "main", name))
        return any(
            self._try(asked, device, absent_route(device, self.family, table, prefix, hop), search)
            for prefix in self._prefixes(asked.destination)
            for table in tables
        )

    def _prefixes(self, zone: str) -> list[tuple[int, int]]:
        """The zone's connected prefixes and addresses, then the default route."""
        devices = self.prover.snapshot.devices
        assigned = [
            address
            for place in self.prover.zones.of(zone)
            for address in devices[place.device].interfaces[place.interface].addresses
            if address.family is self.family and not self.family.address(address.address).is_link_local
        ]
        connected = sorted({(one.network[0], one.prefix_length) for one in assigned})
        hosts = sorted({(one.address, self.family.bits) for one in assigned})
        return [*dict.fromkeys((*connected, *hosts)), (0, 0)]

    def _hops(self, asked: _Question, device: Device) -> Iterator[NextHop]:
        """Every neighbour on every wire of a device, and each wire itself."""
        graph = self.prover.graph(asked.reading)
        for name in sorted(device.interfaces):
            segment = graph.segment_of.get(TerminationPoint(device.name, name))
            if segment is None:
                continue
            neighbours = {
                address.address
                for point in graph.receivers(segment)
                if point.device != device.name
                for address in graph.devices[point.device].interfaces[point.interface].addresses
                if address.family is self.family
            }
            yield NextHop(name)
            yield from (NextHop(name, address) for address in sorted(neighbours))

    # -- keystones -------------------------------------------------------------------------------

    def _keystones(
        self, pair: PairVerdict, conduits: Sequence[Conduit], found: Sequence[tuple[BarrierObject, Device]]
    ) -> Iterator[Keystone]:
        for number, (one, changed) in enumerate(found):
            story = self._nearest_miss(pair, conduits, changed) if number < MOST_STORIES else None
            yield Keystone(one.device, one.kind, one.text, one.change, one.span, story)

    def _nearest_miss(
        self, pair: PairVerdict, conduits: Sequence[Conduit], changed: Device
    ) -> Witness | None:
        """A packet that certainly arrives once the device is changed, with its way then."""
        old = self.prover
        snapshot = replace(old.snapshot, devices={**old.snapshot.devices, changed.name: changed})
        prover = _anew(old, snapshot)
        source, destination = pair.source_zone, pair.destination_zone
        reached = prover.reached(
            self.family, source, Reading.CLOSED, Level.MUST, RoutingMode.CURRENT, False
        )
        allowed = permitted(prover, conduits, source, destination, self.family)
        certain = prover.arrived(reached, destination, Reading.CLOSED) - allowed.opened
        if certain.is_empty:
            return None
        return Storyteller(prover, self.family).witness(reached, certain, source, destination)


def _anew(prover: Prover, snapshot: Snapshot) -> Prover:
    """A prover of the same policy that has computed nothing yet."""
    return Prover(prover.policy, snapshot, prover.zones, prover.assumptions, prover.node_capacity)
