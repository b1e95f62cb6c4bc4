"""A running network against the fixpoint and the walk, packet by packet."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address

from oracle.box_model import UNSEEN, Packets
from oracle.net_plan import NetworkPlan, network_address
from oracle.net_run import Passing, RunningNetwork

from segaudit.graph import ForwardingGraph, build_graph
from segaudit.model.device import Device
from segaudit.model.flow import Family, Flow
from segaudit.model.snapshot import Snapshot
from segaudit.model.topology import TerminationPoint
from segaudit.packets import HeaderSpace
from segaudit.reach.device_path import Level
from segaudit.reach.fixpoint import Network, Reached, Source
from segaudit.reach.walk import MAXIMUM_WALKS, Walk, Walker

_PORTS = (22, 53, 80, 443, 8080, 40000)


@dataclass(slots=True)
class NetTally:
    """What the comparison of networks came to."""

    networks: int = 0
    routers: int = 0
    filtered: int = 0
    """Routers with filters."""
    packets: int = 0
    seen: int = 0
    """Times that a packet was seen leaving a port."""
    crossed: int = 0
    """Packets that reached a wire other than their own."""
    must: int = 0
    walked: int = 0
    mismatches: list[str] = field(default_factory=list)

    def __iadd__(self, other: NetTally) -> NetTally:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    def __str__(self) -> str:
        return (
            f"{self.networks} networks, {self.routers} routers ({self.filtered} with filters), {self.packets} "  # noqa: E501
            f"packets of which {self.crossed} reached another wire, {self.seen} times seen leaving a port, "
            f"{self.must} arrivals demanded by the fixpoint, {self.walked} walks, "
            f"{len(self.mismatches)} mismatches"
        )


def flows(dice: random.Random, plan: NetworkPlan, count: int) -> list[tuple[int, Flow]]:
    """Packets and the stubs where they start: plain first packets, and some odd ones."""
    made = []
    for number in range(count):
        family = dice.choice((Family.IPV4, Family.IPV6))
        source, destination = (int(ip_address(network_address(dice, plan, family))) for _ in range(2))
        icmp = 1 if family is Family.IPV4 else 58
        protocol = dice.choice((6, 6, 17, 17, icmp, 132))
        ports = (2000 + number, dice.choice(_PORTS)) if protocol != icmp else (0, 0)
        flags = dice.choice((2, 2, 2, 16, 18)) if protocol == 6 else 0
        kind = (8 if family is Family.IPV4 else 128) if protocol == icmp else 0
        flow = Flow(family, protocol, source, destination, *ports, icmp_type=kind, tcp_flags=flags)
        made.append((dice.choice(plan.stubs), flow))
    return made


def compare_network(
    network: RunningNetwork, snapshot: Snapshot, sent: list[tuple[int, Flow]], packets: Packets
) -> NetTally:
    """Everything that passed must be in may, everything in must must have passed."""
    graph = build_graph(snapshot)
    filtered = sum(bool(device.attachments) for device in snapshot.devices.values())
    tally = NetTally(1, len(snapshot.devices), filtered, packets=len(sent))
    came = network.send(sent)
    model = _Model(graph, snapshot, packets, network.plan)
    for position, (wire, flow) in enumerate(sent):
        passed = came.get(position, [])
        tally.seen += len(passed)
        tally.crossed += any(one.port.wire != wire for one in passed)
        _hold_against_may(model, wire, flow, passed, tally)
    missing = _missing(model, sent, came, tally)
    if missing:  # sent again before it counts as lost
        again = network.send([sent[position] for position in missing])
        more = {position: again.get(number, []) for number, position in enumerate(missing)}
        for position, ways in missing.items():
            lost = ways - _told(more[position])
            for way in sorted(lost):
                wire, flow = sent[position]
                tally.mismatches.append(f"lost: {flow} flags {flow.tcp_flags} into wire {wire}: must {way}")
    return tally


class _Model:
    """The engine's answers for one network, each fixpoint computed once."""

    def __init__(
        self, graph: ForwardingGraph, snapshot: Snapshot, packets: Packets, plan: NetworkPlan
    ) -> None:
        self.graph = graph
        self.packets = packets
        self.plan = plan
        self.devices = snapshot.devices
        self.translates = {
            family: any(_translates(one, family) for one in self.devices.values()) for family in Family
        }
        self.shares = {
            family: any(_shares(one, family) for one in self.devices.values()) for family in Family
        }
        self._networks: dict[tuple[Family, Level], Network] = {}
        self._reached: dict[tuple[Family, Level, int, bool], Reached] = {}
        wires = {point: graph.segments[name].points for point, name in graph.segment_of.items()}
        self.walker = Walker(self.devices, wires)

    def segment(self, wire: int) -> str:
        port = self.plan.on(wire)[0]
        return self.graph.segment_of[TerminationPoint(port.device, port.interface)]

    def at(self, family: Family, level: Level, wire: int, connections: bool, where: int) -> HeaderSpace:
        """The headers that can be on wire ``where`` of packets that start on ``wire``."""
        key = (family, level, wire, connections)
        if key not in self._reached:
            network = self._network(family, level)
            self._reached[key] = network.reach(Source(frozenset({self.segment(wire)})), connections)
        return self._reached[key].space(("segment", self.segment(where)))

    def _network(self, family: Family, level: Level) -> Network:
        if (family, level) not in self._networks:
            self._networks[family, level] = Network(self.graph, self.packets.universes[family], level)
        return self._networks[family, level]

    def holds(self, space: HeaderSpace, flow: Flow) -> bool:
        return not (self.packets.of(flow, *(UNSEEN if flow.fragment else ())) & space).is_empty


def _translates(device: Device, family: Family) -> bool:
    return any(
        one.translates and family in one.families and device.acls[one.acl].aces
        for one in device.attachments
    )


def _shares(device: Device, family: Family) -> bool:
    """Several next hops anywhere: which one a packet takes is a hash."""
    return any(len(one.next_hops) > 1 and one.family is family for one in device.routes)


def _hold_against_may(
    model: _Model, wire: int, flow: Flow, passed: Iterable[Passing], tally: NetTally
) -> None:
    for one in dict.fromkeys(passed):
        where = one.port.wire
        fresh = model.at(flow.family, Level.MAY, wire, False, where)
        if where == wire or model.holds(fresh, one.flow):
            continue
        if not model.holds(model.at(flow.family, Level.MAY, wire, True, where), one.flow):
            text = f"{flow} flags {flow.tcp_flags} into wire {wire}: left {one.port} as {one.flow}"
            tally.mismatches.append(f"passed: {text}")


def _told(passed: Iterable[Passing]) -> set[str]:
    """Where a packet was, in the walk's words."""
    return {f"{one.port.device}[{one.port.interface}] sent {one.flow}" for one in passed}


def _missing(
    model: _Model, sent: list[tuple[int, Flow]], came: dict[int, list[Passing]], tally: NetTally
) -> dict[int, set[str]]:
    """Per packet that the model says must be somewhere and is not: where."""
    missing: dict[int, set[str]] = {}
    for position, (wire, flow) in enumerate(sent):
        if model.shares[flow.family] or flow.tcp_flags not in (0, 2):
            continue
        told = _told(came.get(position, []))
        wanted = _walked(model, wire, flow, told, tally) | _on_wires(
            model, wire, flow, came.get(position, []), tally
        )
        if wanted - told:
            missing[position] = wanted - told
    return missing


def _walked(model: _Model, wire: int, flow: Flow, told: set[str], tally: NetTally) -> set[str]:
    """What the certain walks send; what was seen and no walk sends is a mismatch."""
    port = model.plan.on(wire)[0]
    walks = model.walker.walk(flow, port.device, port.interface)
    tally.walked += len(walks)
    everywhere = set().union(*(_sent(walk, False) for walk in walks))
    if len(walks) < MAXIMUM_WALKS and not model.translates[flow.family]:
        for way in sorted(told - everywhere):
            tally.mismatches.append(f"no walk: {flow} flags {flow.tcp_flags} into wire {wire}: {way}")
    return set().union(*(_sent(walk, True) for walk in walks))


def _sent(walk: Walk, certain: bool) -> set[str]:
    return {
        f"{step.device}[{step.interface}] {step.what}"
        for step in walk.trace.steps
        if step.action == "sent" and (step.certain or not certain)
    }


def _on_wires(model: _Model, wire: int, flow: Flow, passed: Iterable[Passing], tally: NetTally) -> set[str]:
    """Wires that a packet must be on by the fixpoint and was not (where nothing is translated)."""
    if model.translates[flow.family]:
        return set()
    seen = {one.port.wire for one in passed}
    found = set()
    for where in model.plan.wires:
        if where != wire and model.holds(model.at(flow.family, Level.MUST, wire, False, where), flow):
            tally.must += 1
            if where not in seen:
                found.add(f"on wire {where}")
    return found
