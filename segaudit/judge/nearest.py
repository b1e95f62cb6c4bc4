"""The fewest changes that one packet needs to get across: what stops it is taken away until it arrives.

The packet is walked by the second opinion (``reach.walk``). Where it is dropped, the step that drops it
names the objects to change; each makes a changed network in which the packet is walked again, those
with the fewest changes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from heapq import heappop, heappush

from segaudit.judge.absent import absent_routes
from segaudit.judge.barriers import drop_kind
from segaudit.judge.objects import BarrierObject, filter_objects, routing_objects
from segaudit.judge.prover import Prover, Reading
from segaudit.judge.witness import Start, Storyteller
from segaudit.model.device import Device
from segaudit.model.flow import Disposition, Family, Flow, Step
from segaudit.reach.walk import Walk, Walker

MOST_CHANGES = 8
"""Changes for one packet at most."""

MOST_NETWORKS = 48
"""Changed networks that one packet is walked through."""

MOST_STARTS = 3
"""Places that one packet is sent from."""

MOST_HOPS = 4
"""Absent routes tried where there is none: one by each of that many neighbours."""

_Changes = tuple[BarrierObject, ...]


class NearestMisses:
    """Changes for single packets, in networks of one family.

    Args:
        prover: the engine.
        family: the address family.
    """

    def __init__(self, prover: Prover, family: Family) -> None:
        self.prover = prover
        self.family = family
        self.stories = Storyteller(prover, family)
        self._edited: dict[tuple[str, frozenset[str]], Device] = {}

    def fewest(self, flow: Flow, source: str, destination: str, below: int) -> _Changes:
        """Fewer than ``below`` changes with which ``flow`` certainly arrives; none where none are found."""
        queue: list[tuple[int, int, _Changes]] = [(0, 0, ())]
        seen: set[frozenset[tuple[str, str]]] = set()
        while queue and len(seen) < MOST_NETWORKS:
            _, _, changes = heappop(queue)
            for walk in self._walks(flow, source, changes):
                if walk.trace.certain and self.stories.arrives(walk, destination):
                    return changes
                for one in self._undoing(walk, destination) if len(changes) + 1 < below else ():
                    more = (*changes, one)
                    key = frozenset((each.device, each.key) for each in more)
                    if key not in seen and len(key) == len(more):
                        seen.add(key)
                        heappush(queue, (len(more), len(seen), more))
        return ()

    def _walks(self, flow: Flow, source: str, changes: _Changes) -> list[Walk]:
        walker = Walker(self._devices(changes), self.stories.wires)
        starts = sorted(self.stories.starts(source), key=lambda one: (one.address != flow.source, str(one)))
        walks = (walk for start in starts[:MOST_STARTS] for walk in _sent(walker, flow, start))
        return sorted(walks, key=lambda walk: -len(walk.trace.steps))

    def _devices(self, changes: _Changes) -> Mapping[str, Device]:
        devices = dict(self.prover.snapshot.devices)
        for name in {one.device for one in changes}:
            of = [one for one in changes if one.device == name]
            key = (name, frozenset(one.key for one in of))
            if key not in self._edited:
                self._edited[key] = _without(devices[name], of)
            devices[name] = self._edited[key]
        return devices

    def _undoing(self, walk: Walk, zone: str) -> Iterator[BarrierObject]:
        """The objects that dropped a packet, or whose absence did."""
        last = walk.trace.steps[-1]
        if walk.trace.disposition is not Disposition.DROPPED:
            return
        device = self.prover.snapshot.devices[last.device]
        if drop_kind(last) == "no-route":
            graph = self.prover.graph(Reading.CLOSED)
            routes = absent_routes(self.prover, self.family, graph, device, zone)
            yield from (by_hop[0] for hop, by_hop in routes[:MOST_HOPS] if by_hop)
            return
        for one in (*filter_objects(device, self.family), *routing_objects(device, self.family)):
            if _dropped_by(one, last):
                yield one


def _sent(walker: Walker, flow: Flow, start: Start) -> tuple[Walk, ...]:
    if start.receiver is None:
        return walker.originate(flow, start.location.device)
    return walker.walk(flow, start.receiver.device, start.receiver.interface)


def _without(device: Device, objects: Iterable[BarrierObject]) -> Device:
    for one in objects:
        device = one.removed(device)
    return device


def _dropped_by(one: BarrierObject, step: Step) -> bool:
    """True where a step of a walk that drops the packet is about an object."""
    if one.kind != drop_kind(step):
        return False
    return one.span == step.span if step.span else True
