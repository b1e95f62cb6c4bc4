"""From a policy and its verdicts to the packets that would contradict them, all of them listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from segaudit.errors import UsageError
from segaudit.model.flow import Family, Flow, Protocol
from segaudit.model.policy import Isolation, IsolationDirection, Policy, Service
from segaudit.model.probe import ControlTarget, PlannedProbe, ProbePlan, Vantage
from segaudit.model.verdict import Finding, PairVerdict, Severity
from segaudit.probe.headers import SYN
from segaudit.probe.packet_filter import FIRST_PROBE_PORT, LAST_PROBE_PORT
from segaudit.probe.rate import DEFAULT_PACKETS_PER_SECOND, DEFAULT_PACKETS_PER_SECOND_PER_DESTINATION

Expected = Callable[[Flow, Vantage, Vantage], str]
"""The model's word on a flow between two vantages: ``none``, ``delivered`` or ``unknown``."""

ControlFor = Callable[[Vantage, Vantage], ControlTarget | None]
"""An allowed target on the way from one vantage towards another, if the policy has one."""

TCP_PORTS = (22, 80, 443, 445, 3389)
"""SSH, HTTP, HTTPS, SMB and RDP: what lateral movement uses first (MITRE ATT&CK T1021)."""
UDP_PORTS = (53, 161)
"""DNS and SNMP: what is forgotten open first."""
ECHO_REQUEST = {Family.IPV4: (Protocol.ICMP, 8), Family.IPV6: (Protocol.ICMPV6, 128)}

ATTEMPTS = 2
"""Each probe is sent twice: the first may be lost while routers resolve their neighbours."""
CONTROL_ROUNDS = 2
"""Controls and canaries are shown before the probes and after them."""
CONTROL_TRIES = 3
"""A control or canary passes where one of this many packets does."""

MOST_PROBES = 100_000

_EXPECTED_ORDER = {"none": 0, "unknown": 1, "delivered": 2}
_CONNECTION_SECONDS = 120
"""Longest that an unanswered new entry stays in a table by Linux's defaults (``tcp_timeout_syn_sent``)."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A probe without its identifier."""

    assertion: str
    source: Vantage
    destination: Vantage
    flow: Flow
    purpose: str


def plan_probes(
    policy: Policy,
    pairs: Sequence[PairVerdict],
    vantages: Sequence[Vantage],
    expected: Expected,
    control_for: ControlFor,
    *,
    spoofed_sources: bool = False,
    most_probes: int = MOST_PROBES,
) -> ProbePlan:
    """Every packet that one run would send, those that the model says are blocked first.

    For each isolation, direction, family and pair of vantages: TCP SYN to ``TCP_PORTS``, UDP to
    ``UDP_PORTS``, an echo request, and the packet of each witness; for each exception and each flow
    that must work one packet per service. A witness from an address that the vantage does not own
    is planned only with ``spoofed_sources``.

    Raises:
        UsageError: more than ``most_probes``; nothing is left out silently.
    """
    drafts = list(_drafts(policy, pairs, sorted(vantages), spoofed_sources))
    if len(drafts) > most_probes:
        raise UsageError.because(
            policy.path,
            "the probe plan is too large",
            f"{len(drafts)} probes, at most {most_probes}",
            "name fewer vantages",
        )
    probes = _numbered(_numbered_ports(_distinct(drafts)), expected, control_for)
    controls = dict.fromkeys(probe.control for probe in probes if probe.control)
    receivers = sorted({probe.destination for probe in probes})
    return ProbePlan(probes, tuple(controls), tuple(receivers))


def _drafts(
    policy: Policy, pairs: Sequence[PairVerdict], vantages: Sequence[Vantage], spoofed: bool
) -> Iterator[_Draft]:
    for isolation, source_zone, destination_zone, family in isolated_pairs(policy):
        witnesses = [
            pair.witness.flow
            for pair in pairs
            if (pair.source_zone, pair.destination_zone, pair.family)
            == (source_zone, destination_zone, family)
            and pair.witness
        ]
        for source, destination in vantage_pairs(vantages, source_zone, destination_zone, family):
            for flow in _usual_flows(source, destination):
                yield _Draft(isolation.id, source, destination, flow, "isolation")
            for witness in witnesses:
                for flow in _witness_flows(witness, source, destination, spoofed):
                    yield _Draft(isolation.id, source, destination, flow, "witness")
    yield from _allowed(policy, vantages)


def isolated_pairs(policy: Policy) -> Iterator[tuple[Isolation, str, str, Family]]:
    """Each isolation with source zone, destination zone and family, in policy order."""
    for isolation in policy.isolations:
        ways = []
        if isolation.direction is not IsolationDirection.REVERSE:
            ways.append((isolation.between, isolation.and_))
        if isolation.direction is not IsolationDirection.FORWARD:
            ways.append((isolation.and_, isolation.between))
        for family in isolation.families:
            for sources, destinations in ways:
                for source, destination in product(sources, destinations):
                    yield isolation, source, destination, family


def vantage_pairs(
    vantages: Iterable[Vantage], source_zone: str, destination_zone: str, family: Family
) -> Iterator[tuple[Vantage, Vantage]]:
    """Vantages of the two zones in ``family``, on two devices (to itself a device sends nothing)."""
    ours = [vantage for vantage in vantages if vantage.family is family]
    sources = [vantage for vantage in ours if vantage.zone == source_zone]
    destinations = [vantage for vantage in ours if vantage.zone == destination_zone]
    return (
        (source, destination)
        for source, destination in product(sources, destinations)
        if source.device != destination.device
    )


def unprobed_pairs(policy: Policy, vantages: Sequence[Vantage]) -> tuple[Finding, ...]:
    """A finding for each isolation with pairs that no probe can test, because a vantage is missing."""
    missing: dict[str, list[str]] = {}
    for isolation, source, destination, family in isolated_pairs(policy):
        if not any(vantage_pairs(vantages, source, destination, family)):
            missing.setdefault(isolation.id, []).append(f"{source} to {destination} ({family.label})")
    return tuple(
        Finding(
            f"UNPROBED-{assertion}",
            Severity.LOW,
            f"{assertion}: {len(pairs)} zone pairs were not probed",
            "The verdict on them rests on the model alone; there is no pair of vantages on two devices: "
            + ", ".join(pairs),
            hint="name a device that can run the agent in each of the two zones",
        )
        for assertion, pairs in missing.items()
    )


def _usual_flows(source: Vantage, destination: Vantage) -> Iterator[Flow]:
    for port in TCP_PORTS:
        yield _between(source, destination, Protocol.TCP, port)
    for port in UDP_PORTS:
        yield _between(source, destination, Protocol.UDP, port)
    yield _echo(source, destination)


def _between(source: Vantage, destination: Vantage, protocol: int, port: int = 0) -> Flow:
    flags = SYN if protocol == Protocol.TCP else 0
    return Flow(
        source.family,
        protocol,
        source.address,
        destination.address,
        destination_port=port,
        tcp_flags=flags,
    )


def _echo(source: Vantage, destination: Vantage, kind: int | None = None) -> Flow:
    protocol, request = ECHO_REQUEST[source.family]
    return Flow(
        source.family,
        protocol,
        source.address,
        destination.address,
        icmp_type=request if kind is None else kind,
    )


def _witness_flows(witness: Flow, source: Vantage, destination: Vantage, spoofed: bool) -> Iterator[Flow]:
    """The witness between the two vantages; as a SYN too; and unchanged where it can be observed.

    A witness may go to an address where nobody is: such a packet arrives nowhere, whatever the
    filters do, so its header is put on the vantages' own addresses.
    """
    moved = replace(witness, source=source.address, destination=destination.address)
    yield moved
    if witness.protocol == Protocol.TCP and not witness.fragment and witness.tcp_flags != SYN:
        yield replace(moved, tcp_flags=SYN)
    own_source = witness.source == source.address
    if witness.destination == destination.address and not own_source and spoofed:
        yield witness


def _allowed(policy: Policy, vantages: Sequence[Vantage]) -> Iterator[_Draft]:
    conduits = [(each.id, each.source, each.destination, each.services) for each in policy.exceptions]
    conduits += [
        (each.id, each.source, each.destination, each.services) for each in policy.flows if each.must_work
    ]
    for (name, source_zone, destination_zone, services), family in product(conduits, Family):
        for source, destination in vantage_pairs(vantages, source_zone, destination_zone, family):
            for service in services:
                for flow in _service_flows(service, source, destination):
                    yield _Draft(name, source, destination, flow, "flow")


def _service_flows(service: Service, source: Vantage, destination: Vantage) -> Iterator[Flow]:
    """One packet per port range (its first port); none where the family has no such protocol."""
    if service.protocol is None:
        yield from _usual_flows(source, destination)
    elif service.protocol in (Protocol.ICMP, Protocol.ICMPV6):
        if service.protocol == ECHO_REQUEST[source.family][0]:
            yield _echo(source, destination, service.icmp_type)
    elif service.protocol in (Protocol.TCP, Protocol.UDP, Protocol.SCTP):
        for first, _ in service.ports or ((TCP_PORTS[0], TCP_PORTS[0]),):
            yield _between(source, destination, service.protocol, first)
    else:
        yield _between(source, destination, service.protocol)


def _distinct(drafts: Iterable[_Draft]) -> list[_Draft]:
    return list(dict.fromkeys(drafts))


def _numbered_ports(drafts: Iterable[_Draft]) -> list[_Draft]:
    """``drafts`` with a source port of the probe range where none was asked for."""
    width = LAST_PROBE_PORT - FIRST_PROBE_PORT + 1
    return [
        replace(draft, flow=replace(draft.flow, source_port=FIRST_PROBE_PORT + number % width))
        if _lacks_source_port(draft.flow)
        else draft
        for number, draft in enumerate(drafts)
    ]


def _lacks_source_port(flow: Flow) -> bool:
    return flow.protocol in (Protocol.TCP, Protocol.UDP, Protocol.SCTP) and flow.source_port == 0


def _numbered(
    drafts: Iterable[_Draft], expected: Expected, control_for: ControlFor
) -> tuple[PlannedProbe, ...]:
    said = [(expected(each.flow, each.source, each.destination), each) for each in drafts]
    said.sort(key=lambda pair: _EXPECTED_ORDER.get(pair[0], 1))
    controls: dict[tuple[Vantage, Vantage], ControlTarget | None] = {}
    probes = []
    for number, (word, draft) in enumerate(said, 1):
        ends = (draft.source, draft.destination)
        if ends not in controls:
            controls[ends] = _sendable(control_for(*ends))
        probes.append(
            PlannedProbe(
                f"P-{number:05d}",
                draft.assertion,
                draft.source,
                draft.destination,
                draft.flow,
                word,
                draft.purpose,
                controls[ends],
            )
        )
    return tuple(probes)


def _sendable(control: ControlTarget | None) -> ControlTarget | None:
    """``control`` with a source port and a SYN where its flow leaves them open."""
    if control is None:
        return None
    flow = control.flow
    if flow.protocol == Protocol.TCP and flow.tcp_flags == 0:
        flow = replace(flow, tcp_flags=SYN)
    if _lacks_source_port(flow):
        flow = replace(flow, source_port=LAST_PROBE_PORT)
    return replace(control, flow=flow)


@dataclass(frozen=True, slots=True)
class PlanCost:
    """What a plan asks of the network: packets at most, seconds at least, table entries at most."""

    packets: int
    seconds: float
    expected_connections: int
    most_connections: int


def plan_cost(
    plan: ProbePlan,
    packets_per_second: int = DEFAULT_PACKETS_PER_SECOND,
    per_destination: int = DEFAULT_PACKETS_PER_SECOND_PER_DESTINATION,
) -> PlanCost:
    """The cost of ``plan`` at the given rates, with every retry of controls and canaries counted.

    A probe that a stateful filter drops leaves no connection-table entry; one that passes leaves
    one for up to two minutes. ``most_connections`` is for a filter that lets everything pass.
    """
    per_control = CONTROL_ROUNDS * CONTROL_TRIES
    to = Counter[tuple[Family, int]]()
    for probe in plan.probes:
        to[probe.flow.family, probe.flow.destination] += ATTEMPTS
    for control in plan.controls:
        to[control.flow.family, control.flow.destination] += per_control
    for receiver in plan.receivers:
        to[receiver.family, receiver.address] += per_control
    packets = to.total()
    busiest = max(to.values(), default=0)
    seconds = max(packets / packets_per_second, busiest / per_destination)
    lasting = int(max(packets_per_second, 1) * _CONNECTION_SECONDS)
    expected = {probe.flow for probe in plan.probes if probe.expected != "none"}
    every = {probe.flow for probe in plan.probes}
    controls = len(plan.controls)
    return PlanCost(
        packets, seconds, min(lasting, len(expected) + controls), min(lasting, len(every) + controls)
    )


def render_plan(
    plan: ProbePlan,
    packets_per_second: int = DEFAULT_PACKETS_PER_SECOND,
    per_destination: int = DEFAULT_PACKETS_PER_SECOND_PER_DESTINATION,
) -> list[str]:
    """The dry run: a line for every packet, then what they add up to. Nothing is sent or loaded."""
    cost = plan_cost(plan, packets_per_second, per_destination)
    return [
        *_canary_lines(plan),
        *_control_lines(plan),
        *(line for attempt in range(ATTEMPTS) for line in _probe_lines(plan, attempt)),
        f"packets: at most {cost.packets}: {len(plan.probes)} probes, each {ATTEMPTS} times, and controls",
        f"time: {cost.seconds:.1f} s at {packets_per_second} packets/s, {per_destination} per destination",
        f"connection-table entries: {cost.expected_connections} by the model, "
        f"{cost.most_connections} if every packet passes",
    ]


def _probe_lines(plan: ProbePlan, attempt: int) -> Iterator[str]:
    for probe in plan.probes:
        form = "no payload" if sends_bare(probe.flow, attempt) else "with nonce"
        yield (
            f"{probe.id}.{attempt + 1} {probe.flow}  {probe.source.device} to {probe.destination.device}"
            f"  {probe.assertion} {probe.purpose}, {form}, model: {probe.expected}"
        )


def sends_bare(flow: Flow, attempt: int) -> bool:
    """True where this attempt is a SYN without payload, told by its sequence number.

    Some firewalls drop a SYN that carries data; if both attempts had any, their silence would say
    nothing about the SYNs that an intruder sends.
    """
    return (
        flow.protocol == Protocol.TCP and flow.tcp_flags == SYN and not flow.fragment and attempt % 2 == 1
    )


def _control_lines(plan: ProbePlan) -> Iterator[str]:
    for number, control in enumerate(plan.controls, 1):
        yield from (
            f"C-{number:05d}.{packet} {control.flow}  {control.source.device} to {control.target}"
            f"  control up to {control.barrier_device}, at most"
            for packet in range(1, CONTROL_ROUNDS * CONTROL_TRIES + 1)
        )


def _canary_lines(plan: ProbePlan) -> Iterator[str]:
    for number, receiver in enumerate(plan.receivers, 1):
        yield from (
            f"K-{number:05d}.{packet} canary of {receiver}: by a neighbour, its gateway or itself, at most"
            for packet in range(1, CONTROL_ROUNDS * CONTROL_TRIES + 1)
        )
