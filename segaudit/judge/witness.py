"""From a set of packets that arrives to one packet whose way can be told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from segaudit.judge.prover import Prover, Reading
from segaudit.model.device import Device
from segaudit.model.flow import Family, Flow, Step
from segaudit.model.result import ZoneLocation
from segaudit.model.topology import TerminationPoint
from segaudit.model.verdict import Witness
from segaudit.packets import HeaderField, HeaderSpace, Universe
from segaudit.reach.device_path import Level, Passage
from segaudit.reach.fixpoint import Reached
from segaudit.reach.walk import Walk, Walker, answer_to

PREFERRED_PORTS = (445, 3389, 22, 443, 80, 53)
MAXIMUM_PULLED_BACK = 24


@dataclass(frozen=True, slots=True)
class Start:
    """A place in a zone from which a packet is sent: who receives it first, and the sender's address.

    ``receiver`` is ``None`` where the device at the place, a router, makes the packet itself.
    """

    location: ZoneLocation
    receiver: TerminationPoint | None
    address: int | None

    def __str__(self) -> str:
        return f"{self.location.device}:{self.location.interface}"


class Storyteller:
    """Finds witnesses with the second opinion.

    Args:
        prover: the engine.
        family: one address family.
    """

    def __init__(self, prover: Prover, family: Family) -> None:
        self.prover = prover
        self.family = family
        self.universe: Universe = prover.universe(family)
        self.wires = prover.wires()
        self.walker = Walker(prover.snapshot.devices, self.wires)

    # -- places ----------------------------------------------------------------------------------

    def starts(self, zone: str) -> list[Start]:
        """Everything that can be the first receiver of a packet sent in ``zone``; hosts' own first."""
        found = []
        for location in self._sending_places(zone):
            where = TerminationPoint(location.device, location.interface)
            address = self.address_at(location)
            for point in self.wires.get(where, ()):
                device = self.prover.snapshot.devices.get(point.device)
                forwards = device is not None and self.family in device.forwards
                if point != where and forwards and point.interface in _names(device):
                    found.append(Start(location, point, address))
            device = self.prover.snapshot.devices[location.device]
            if self.family in device.forwards and where in self.wires:
                found.append(Start(location, where, None))
            if where not in self.wires:
                found.append(Start(location, None, address))
        return found

    def walks(self, flow: Flow, start: Start) -> tuple[Walk, ...]:
        """Every way that ``flow`` may go from ``start``."""
        if start.receiver is None:
            return self.walker.originate(flow, start.location.device)
        return self.walker.walk(flow, start.receiver.device, start.receiver.interface)

    def _sending_places(self, zone: str) -> Iterator[ZoneLocation]:
        """The zone's places, and all interfaces of its hosts that forward nothing."""
        for location in self.prover.zones.of(zone):
            yield location
            device = self.prover.snapshot.devices[location.device]
            if not device.forwards:
                for name in sorted(device.interfaces):
                    if name != location.interface:
                        yield ZoneLocation(zone, location.device, name, ())

    def address_at(self, location: ZoneLocation) -> int | None:
        """An address of the family at a place that others could send to."""
        interface = self.prover.snapshot.devices[location.device].interfaces[location.interface]
        for address in sorted(interface.addresses):
            shown = self.family.address(address.address) if address.family is self.family else None
            if shown is not None and not shown.is_link_local and not shown.is_loopback:
                return address.address
        return None

    def zone_addresses(self, zone: str) -> list[int]:
        """One address per place of a zone that has any."""
        addresses = (self.address_at(location) for location in self.prover.zones.of(zone))
        return sorted({address for address in addresses if address is not None})

    # -- witnesses -------------------------------------------------------------------------------

    def witness(
        self, reached: Reached, certain: HeaderSpace, source: str, destination: str
    ) -> Witness | None:
        """A packet of ``certain`` that a walk from ``source`` confirms to arrive in ``destination``."""
        for flow in self._candidates(reached, certain, source, destination):
            for start in self._by_ownership(source, flow):
                walk = self._arriving(flow, start, destination)
                if walk is not None:
                    own = start.address == flow.source
                    return Witness(flow, walk.trace, str(start), own)
        return None

    def _candidates(
        self, reached: Reached, certain: HeaderSpace, source: str, destination: str
    ) -> Iterator[Flow]:
        """Packets as sent: those that arrive unchanged first, then ones pulled back."""
        for preferences in self.preferences(source, destination):
            flow = certain.sample(preferences)
            if flow is not None:
                yield flow
        flow = certain.sample()
        if flow is not None:
            yield from self._pulled_back(reached, flow, destination)

    def preferences(self, source: str, destination: str) -> Iterator[list[HeaderSpace]]:
        """What the packets that are told about should be like, for ``HeaderSpace.sample``."""
        universe = self.universe
        to = universe.ranges(HeaderField.DESTINATION, [(a, a) for a in self.host_addresses(destination)])
        own = universe.ranges(HeaderField.SOURCE, [(a, a) for a in self.host_addresses(source)])
        tcp = universe.value(HeaderField.PROTOCOL, 6) & universe.value(HeaderField.TCP_FLAGS, 2)
        icmp = universe.value(HeaderField.PROTOCOL, 1 if self.family is Family.IPV4 else 58)
        echo = icmp & universe.value(HeaderField.ICMP_TYPE, 8 if self.family is Family.IPV4 else 128)
        whole = universe.value(HeaderField.FRAGMENT, 0)
        sport = universe.value(HeaderField.SOURCE_PORT, 40000)
        tail = [sport, universe.value(HeaderField.ICMP_CODE, 0)]
        ports = [universe.value(HeaderField.DESTINATION_PORT, port) for port in PREFERRED_PORTS]
        for port in ports:
            yield [to, own, whole, tcp & port, *tail]
        yield [to, own, whole, universe.value(HeaderField.PROTOCOL, 17), *ports, *tail]
        yield [to, own, whole, echo, *tail]
        yield [own, to, whole, tcp, *tail]

    def host_addresses(self, zone: str) -> list[int]:
        """Addresses of the zone's hosts; of its routers only where it has no host."""
        hosts: set[int] = set()
        routers: set[int] = set()
        for location in self.prover.zones.of(zone):
            address = self.address_at(location)
            if address is not None:
                forwards = self.prover.snapshot.devices[location.device].forwards
                (routers if forwards else hosts).add(address)
        return sorted(hosts or routers)

    def _by_ownership(self, zone: str, flow: Flow) -> list[Start]:
        starts = self.starts(zone)
        return sorted(starts, key=lambda start: (start.address != flow.source, str(start)))

    def _arriving(self, flow: Flow, start: Start, destination: str) -> Walk | None:
        for walk in self.walks(flow, start):
            if walk.trace.certain and self.arrives(walk, destination):
                return walk
        return None

    def arrives(self, walk: Walk, zone: str) -> bool:
        """True where a walk crosses a wire of ``zone`` or is accepted for an address of it."""
        segments = self.prover.zone_segments(zone, Reading.CLOSED)
        segment_of = self.prover.graph(Reading.CLOSED).segment_of
        for step in walk.trace.steps:
            if step.action == "sent" and segment_of.get(_out(step)) in segments:
                return True
        if walk.trace.steps[-1].action != "accepted":
            return False
        own = self.prover.ranges(zone, self.family)
        final = walk.trace.arrived.destination
        holders = {location.device for location in self.prover.zones.of(zone)}
        return walk.trace.steps[-1].device in holders and any(a <= final <= b for a, b in own)

    def _pulled_back(self, reached: Reached, arrived: Flow, destination: str) -> Iterator[Flow]:
        """The packet as sent, found hop by hop: which packet of the parent becomes this one."""
        nodes = [("segment", segment) for segment in self.prover.zone_segments(destination, Reading.CLOSED)]
        nodes += [("local", location.device) for location in self.prover.zones.of(destination)]
        target = self.universe.flow(arrived)
        for index, arrival in enumerate(reached.arrivals):
            if arrival.node in nodes and not (arrival.packets & target).is_empty:
                flow = self._origin_of(reached, index, arrived)
                if flow is not None:
                    yield flow

    def _origin_of(self, reached: Reached, index: int, flow: Flow) -> Flow | None:
        network = self.prover.network(self.family, Reading.CLOSED, Level.MUST)
        for _ in range(MAXIMUM_PULLED_BACK):
            arrival = reached.arrivals[index]
            if not arrival.parents:
                return flow
            for parent in arrival.parents:
                origin = reached.arrivals[parent]
                if origin.node[0] != "in":
                    continue
                path = network.path(origin.node[1])
                earlier = self._becomes(path.passage, origin.node[2], origin.packets, flow)
                if earlier is not None:
                    index, flow = parent, earlier
                    break
            else:
                return None
        return None

    def _becomes(
        self,
        passage: Callable[[str, HeaderSpace, bool], Passage],
        interface: str,
        packets: HeaderSpace,
        flow: Flow,
    ) -> Flow | None:
        """A packet of ``packets`` that the device turns into ``flow``: bisection over the header bits."""
        target = self.universe.flow(flow)

        def hits(space: HeaderSpace) -> bool:
            passed = passage(interface, space, False)
            spaces = [emission.packets for emission in passed.emissions] + [passed.delivered]
            return any(not (space & target).is_empty for space in spaces)

        same = packets & target
        if not same.is_empty and hits(same):
            return flow
        if not hits(packets):
            return None
        for zero in self.universe.bit_spaces():
            half = packets & zero
            packets = half if not half.is_empty and hits(half) else packets - zero
        return packets.sample()

    def replies_return(self, witness: Witness, source: str) -> bool:
        """True where the answer to a witness walks back to its sender."""
        forward = self._walk_of(witness)
        if forward is None:
            return False
        walker = Walker(self.prover.snapshot.devices, self.wires, forward.connections)
        answer = answer_to(witness.trace.arrived)
        for first in self._answerers(witness):
            for walk in walker.walk(answer, first.device, first.interface):
                if walk.trace.certain and self.arrives(walk, source):
                    return True
        return False

    def _walk_of(self, witness: Witness) -> Walk | None:
        first = witness.trace.steps[0]
        if first.action == "made":
            walks = self.walker.originate(witness.flow, first.device)
        else:
            walks = self.walker.walk(witness.flow, first.device, first.interface)
        return next((walk for walk in walks if walk.trace == witness.trace), None)

    def _answerers(self, witness: Witness) -> list[TerminationPoint]:
        """Who first receives the answer: the forwarders on the wire where the witness ended."""
        sent = [step for step in witness.trace.steps if step.action == "sent"]
        if not sent:
            return [TerminationPoint(step.device, step.interface) for step in witness.trace.steps[:1]]
        return [
            point
            for point in self.wires.get(_out(sent[-1]), ())
            if point.device in self.prover.snapshot.devices
            and self.family in self.prover.snapshot.devices[point.device].forwards
        ]


def _names(device: Device | None) -> Iterable[str]:
    return device.interfaces if device else ()


def _out(step: Step) -> TerminationPoint:
    return TerminationPoint(step.device, step.interface)
