"""What the model expects of one concrete probe, and which control shows that the probe means something."""

from __future__ import annotations

from collections.abc import Iterator

from segaudit.graph import UNMODELLED
from segaudit.judge.prover import Prover, Reading
from segaudit.judge.spaces import Conduit
from segaudit.judge.witness import Storyteller
from segaudit.model.flow import Disposition, Family, Flow
from segaudit.model.probe import ControlTarget, Vantage
from segaudit.model.topology import TerminationPoint
from segaudit.reach.walk import Walk, Walker, answer_to


class Expectation:
    """Answers the probe planner's questions from the model.

    Args:
        prover: the engine that judged.
        vantages: every place an agent can run.
    """

    def __init__(self, prover: Prover, vantages: tuple[Vantage, ...]) -> None:
        self.prover = prover
        self.vantages = vantages
        self.wires = prover.wires()
        self.walker = Walker(prover.snapshot.devices, self.wires)
        self._stories = {family: Storyteller(prover, family) for family in Family}

    def of(self, flow: Flow, source: Vantage, destination: Vantage) -> str:
        """``delivered``, ``none`` or ``unknown``: does ``flow`` arrive at ``destination``'s interface?"""
        walks = self._walks(flow, source)
        wire = set(self.wires.get(TerminationPoint(destination.device, destination.interface), ()))
        arriving = [walk for walk in walks if _crosses(walk, wire)]
        if any(walk.trace.certain for walk in arriving):
            return "delivered"
        return "unknown" if arriving or self._may_arrive(flow, walks, source, destination) else "none"

    def _may_arrive(self, flow: Flow, walks: list[Walk], source: Vantage, destination: Vantage) -> bool:
        """Whether the all-packets engine lets the flow arrive, or what it cannot follow could carry it."""
        graph = self.prover.graph(Reading.ASSUMED)
        segment = graph.segment_of.get(TerminationPoint(destination.device, destination.interface))
        reached = self.prover.reached(flow.family, source.zone, Reading.ASSUMED, with_connections=False)
        space = reached.space(("segment", segment)) if segment else reached.universe.none
        if not (space & reached.universe.flow(flow)).is_empty:
            return True
        translated = any(walk.trace.arrived != flow for walk in walks)
        return translated and not reached.space(("adversary", UNMODELLED)).is_empty

    def _walks(self, flow: Flow, source: Vantage) -> list[Walk]:
        found: list[Walk] = []
        for point in self._first_receivers(flow, source):
            found.extend(self.walker.walk(flow, point.device, point.interface))
        return found

    def _first_receivers(self, flow: Flow, source: Vantage) -> Iterator[TerminationPoint]:
        """Who the source's own routing hands the packet to (its gateway, or the target on the wire)."""
        device = self.prover.snapshot.devices[source.device]
        where = TerminationPoint(source.device, source.interface)
        for point in self.wires.get(where, ()):
            other = self.prover.snapshot.devices.get(point.device)
            if point == where or other is None or point.interface not in other.interfaces:
                continue
            owns = other.owns(flow.family, flow.destination)
            if owns or flow.family in other.forwards or device.name == other.name:
                yield point

    # -- positive controls -----------------------------------------------------------------------

    def control_for(self, source: Vantage, destination: Vantage) -> ControlTarget | None:
        """An allowed target whose answer shows that the way works up to what blocks the probes.

        Preferred is a target beyond the barrier device that the policy lets through, then the
        barrier device itself, then anything whose way shares the most devices with the probe's.
        ``None`` where no target shows the way up to the barrier: silence then proves nothing.
        """
        way = self._blocked_way(source, destination)
        barrier = way[-1] if way else source.device
        best: tuple[int, ControlTarget] | None = None
        for target, flow in self._control_flows(source):
            devices = self._answered_way(flow, source)
            if devices is None:
                continue
            shared = _shared(way, devices)
            if best is None or shared > best[0]:
                reached = way[shared - 1] if shared else source.device
                best = (shared, ControlTarget(source, flow, target, reached))
        if best is None or (way and best[1].barrier_device != barrier):
            return None
        return best[1]

    def _blocked_way(self, source: Vantage, destination: Vantage) -> tuple[str, ...]:
        """The devices that a plain packet passes before one stops it; the whole way if none does.

        Beside a hole some of the usual packets get through; the longest way of those that do not
        is the one whose barrier the silence is about.
        """
        walks = [walk for flow in _plain_flows(source, destination) for walk in self._walks(flow, source)]
        stopped = [walk for walk in walks if walk.trace.disposition is Disposition.DROPPED]
        return max((_devices(walk) for walk in stopped or walks), key=len, default=())

    def _control_flows(self, source: Vantage) -> Iterator[tuple[str, Flow]]:
        """Candidate controls, most telling first: flows that must work, hosts by echo, routers by echo."""
        yield from self._policy_flows(source)
        echo = (1, 8) if source.family is Family.IPV4 else (58, 128)
        for other in self.vantages:
            if other.family is source.family and other.device != source.device:
                yield (
                    str(other),
                    Flow(source.family, echo[0], source.address, other.address, icmp_type=echo[1]),
                )
        for name, device in sorted(self.prover.snapshot.devices.items()):
            for interface in device.interfaces.values():
                for address in interface.addresses:
                    shown = (
                        source.family.address(address.address) if address.family is source.family else None
                    )
                    if shown is not None and not shown.is_link_local and not shown.is_loopback:
                        yield (
                            f"{name}[{interface.name}] {shown}",
                            Flow(
                                source.family, echo[0], source.address, address.address, icmp_type=echo[1]
                            ),
                        )

    def _policy_flows(self, source: Vantage) -> Iterator[tuple[str, Flow]]:
        conduits: list[Conduit] = [*self.prover.policy.flows, *self.prover.policy.exceptions]
        for flow in conduits:
            if flow.source != source.zone:
                continue
            for address in self._stories[source.family].zone_addresses(flow.destination):
                for service in flow.services:
                    if service.protocol in (6, 17) and service.ports:
                        flags = 2 if service.protocol == 6 else 0
                        packet = Flow(
                            source.family, service.protocol, source.address, address,
                            40000, service.ports[0][0], tcp_flags=flags,
                        )  # fmt: skip
                        yield f"{flow.id} {source.family.address(address)} {service.text}", packet

    def _answered_way(self, flow: Flow, source: Vantage) -> tuple[str, ...] | None:
        """The devices on the way of a flow that certainly arrives at its target and is answered."""
        for walk in self._walks(flow, source):
            if not walk.trace.certain or walk.trace.disposition is not Disposition.DELIVERED:
                continue
            if walk.trace.steps[-1].action == "accepted" and self._answered(walk, source):
                return _devices(walk)
        return None

    def _answered(self, walk: Walk, source: Vantage) -> bool:
        walker = Walker(self.prover.snapshot.devices, self.wires, walk.connections)
        last = walk.trace.steps[-1].device
        answer = answer_to(walk.trace.arrived)
        received = [step for step in walk.trace.steps if step.action == "received"]
        if len(received) == 1:
            return True
        before = [step for step in walk.trace.steps if step.action == "sent"][-1]
        back = TerminationPoint(before.device, before.interface)
        for other in walker.walk(answer, back.device, back.interface):
            final = other.trace.steps[-1]
            if other.trace.certain and final.action == "accepted" and final.device == source.device:
                return True
        return last == source.device


def _plain_flows(source: Vantage, destination: Vantage) -> Iterator[Flow]:
    """The kinds of packet that an isolation is probed with."""
    ends = (source.address, destination.address, 40000)
    for port in (445, 22, 80, 443, 3389):
        yield Flow(source.family, 6, *ends, port, tcp_flags=2)
    for port in (53, 161):
        yield Flow(source.family, 17, *ends, port)
    number, kind = (1, 8) if source.family is Family.IPV4 else (58, 128)
    yield Flow(source.family, number, source.address, destination.address, icmp_type=kind)


def _crosses(walk: Walk, wire: set[TerminationPoint]) -> bool:
    return any(
        step.action == "sent" and TerminationPoint(step.device, step.interface) in wire
        for step in walk.trace.steps
    )


def _devices(walk: Walk) -> tuple[str, ...]:
    return tuple(step.device for step in walk.trace.steps if step.action == "received")


def _shared(first: tuple[str, ...], second: tuple[str, ...]) -> int:
    count = 0
    for a, b in zip(first, second, strict=False):
        if a != b:
            break
        count += 1
    return count
