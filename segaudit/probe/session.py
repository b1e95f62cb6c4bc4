"""One probe run: agents started, receivers opened, controls shown, probes sent, silence judged.

Order: receivers capture first; canaries and controls before the probes and again after them; the
kernel's drop counters last. Whatever ends early leaves its probes INCONCLUSIVE, never silent.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from segaudit.errors import Problem, ScopeError
from segaudit.model.flow import Flow, Protocol
from segaudit.model.probe import ControlTarget, Observation, ProbePlan, Vantage
from segaudit.probe.agents import Agents, Ticket
from segaudit.probe.classify import Measured, canary_arrived, classify, control_answered
from segaudit.probe.ledger import Ledger, Sent
from segaudit.probe.messages import PROTOCOL_VERSION, Message
from segaudit.probe.packet_filter import FIRST_PROBE_PORT, MOST_EXTRA_PORTS
from segaudit.probe.plan import (
    ATTEMPTS,
    CONTROL_ROUNDS,
    CONTROL_TRIES,
    ECHO_REQUEST,
    plan_cost,
    sends_bare,
)
from segaudit.probe.scope import Authorisation, outside_window
from segaudit.probe.trailer import run_tag
from segaudit.probe.transport import Transport

START_SECONDS = 60.0
"""For every agent to start and answer: a login on a slow host takes seconds, so does loading scapy."""
ANSWER_SECONDS = 5.0
LISTEN_SECONDS = 1.0
"""How long answers and stragglers are awaited after the last probe."""
TRY_SECONDS = 0.7
"""How long one try of a control or canary waits."""

_PACKETS_PER_COMMAND = 100
"""A command stays below a pipe's 64 KiB, so that neither side ever blocks the other."""
_SECONDS_PER_UNRESOLVED_HOP = 1.5


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """What ran at one device. ``clock_skew_seconds`` is the agent's clock minus the session's."""

    device: str
    version: str = ""
    python: str = ""
    kernel: str = ""
    clock_skew_seconds: float = 0.0
    died: str = ""


@dataclass(frozen=True, slots=True)
class ProbeRun:
    """The result of a session: one observation per planned probe, and what it was made with."""

    observations: tuple[Observation, ...]
    agents: tuple[AgentFacts, ...]
    interrupted: bool = False


@dataclass(slots=True)
class _Session:
    """The state of a run that is under way."""

    plan: ProbePlan
    authorisation: Authorisation
    key: bytes
    agents: Agents
    ledger: Ledger
    wall_clock: Callable[[], float]
    progress: Callable[[str], None]
    measured: Measured = field(default_factory=Measured)
    packets: dict[tuple[int, Vantage], list[Message]] = field(default_factory=dict)
    """What each source sends at each attempt."""
    hello: dict[str, Message] = field(default_factory=dict)
    skew: dict[str, float] = field(default_factory=dict)


def run_session(
    plan: ProbePlan,
    authorisation: Authorisation,
    transport_for: Callable[[str], Transport],
    *,
    run_key: bytes,
    wall_clock: Callable[[], float] = time.time,
    progress: Callable[[str], None] = lambda _: None,
    listen_seconds: float = LISTEN_SECONDS,
) -> ProbeRun:
    """Send every probe of ``plan`` that ``authorisation`` permits and say what became of each.

    ``run_key`` are 16 to 64 random bytes, new for each run. Agents are stopped by process id
    whatever happens; Ctrl-C ends the sending and keeps what was measured.

    Raises:
        ScopeError: nobody authorised it, the window is not open, or nothing lies in the scope.
    """
    refused = refusals(plan, authorisation)
    _check(plan, authorisation, refused, wall_clock())
    ledger = Ledger(run_key)
    session = _Session(plan, authorisation, run_key, Agents(ledger.note), ledger, wall_clock, progress)
    session.measured.refused = refused
    try:
        _measure(session, transport_for, listen_seconds)
    except KeyboardInterrupt:
        session.measured.interrupted = "the run was interrupted"
    finally:
        # Ended before stop() closes the pipes, so that their ends are not taken for deaths.
        dead = dict(session.agents.dead)
        session.agents.stop()
    session.measured.dead = dead | ledger.ended
    observations = classify(plan, ledger, session.measured)
    return ProbeRun(observations, _facts(session), bool(session.measured.interrupted))


def refusals(plan: ProbePlan, authorisation: Authorisation) -> dict[int, str]:
    """Why a probe must not be sent, by its index in the plan."""
    return {
        index: why
        for index, probe in enumerate(plan.probes)
        if (why := _why_not(probe.source, probe.flow, authorisation))
    }


def _why_not(source: Vantage, flow: Flow, authorisation: Authorisation) -> str:
    if not authorisation.permits_source(source.device):
        return f"{source.device} is not a source of the scope"
    if not authorisation.permits_target(flow.family, flow.destination):
        return f"{flow.destination_address} is outside the scope"
    if flow.source != source.address and not authorisation.spoofed_sources:
        return f"{flow.source_address} is not {source.device}'s address, and spoofing is not authorised"
    return ""


def _check(plan: ProbePlan, authorisation: Authorisation, refused: dict[int, str], now: float) -> None:
    if not authorisation.authorised_by.strip():
        raise ScopeError.because("probe", "probing needs a person who answers for it")
    if closed := outside_window(authorisation, datetime.fromtimestamp(now, UTC)):
        raise ScopeError.because("probe", closed)
    if plan.probes and len(refused) == len(plan.probes):
        reasons = sorted(set(refused.values()))
        raise ScopeError(*(Problem("probe", "no probe lies in the scope", why) for why in reasons))


def _measure(session: _Session, transport_for: Callable[[str], Transport], listen_seconds: float) -> None:
    session.progress("starting agents")
    _number_probes(session)
    _start(session, transport_for)
    _open_receivers(session)
    _show_controls(session, 0)
    for attempt in range(ATTEMPTS):
        session.progress(f"sending probes, attempt {attempt + 1} of {ATTEMPTS}")
        _send_probes(session, attempt)
    session.agents.listen(listen_seconds)
    _show_controls(session, 1)
    _read_drops(session)


def _show_controls(session: _Session, round_: int) -> None:
    session.progress(f"showing controls, round {round_ + 1} of {CONTROL_ROUNDS}")
    _show_canaries(session, round_)
    _ask_targets(session, round_)


def _devices(session: _Session) -> list[str]:
    """Every device that takes part in a probe that will be sent."""
    probes = list(_permitted(session))
    ends = {end.device for probe in probes for end in (probe.source, probe.destination)}
    return sorted(ends)


def _permitted(session: _Session) -> Iterator[_Probe]:
    for index, probe in enumerate(session.plan.probes):
        if index not in session.measured.refused:
            yield _Probe(index, probe.source, probe.destination, probe.flow)


@dataclass(frozen=True, slots=True)
class _Probe:
    index: int
    source: Vantage
    destination: Vantage
    flow: Flow


def _start(session: _Session, transport_for: Callable[[str], Transport]) -> None:
    for device in _devices(session):
        session.agents.start(device, transport_for(device))
    tickets = {
        device: session.agents.ask(device, "begin", job=_job(session, device))
        for device in _devices(session)
    }
    asked_at = session.wall_clock()
    answers = session.agents.wait(list(tickets.values()), START_SECONDS)
    for device, ticket in tickets.items():
        _welcome(session, device, answers.get(ticket) if ticket else None, asked_at)


def _job(session: _Session, device: str) -> Message:
    authorisation = session.authorisation
    rate, per_destination = (
        authorisation.packets_per_second,
        authorisation.packets_per_second_per_destination,
    )
    cost = plan_cost(session.plan, rate, per_destination)
    closes = authorisation.not_after
    return {
        "authorised_by": authorisation.authorised_by,
        "targets": [str(network) for network in authorisation.targets],
        "sends": authorisation.permits_source(device),
        "spoofs": authorisation.spoofed_sources,
        "rate": rate,
        "rate_per_destination": per_destination,
        "stop_after_seconds": _longest(session, cost.packets / min(rate, per_destination)),
        "closes_at": closes.timestamp() if closes else None,
        "towards": _towards(session, device),
    }


def _towards(session: _Session, device: str) -> list[Message]:
    """For each receiver on ``device`` one address that probes come from: its gateway lies that way."""
    ways = {probe.destination: probe.source.address for probe in _permitted(session)}
    return [
        {"interface": receiver.interface, "family": int(receiver.family), "address": address}
        for receiver, address in sorted(ways.items())
        if receiver.device == device
    ]


def _longest(session: _Session, sending_seconds: float) -> float:
    """A hard stop that no orderly run reaches: every wait of the session at its longest."""
    waits = len(session.plan.receivers) + len(session.plan.controls)
    return 60.0 + START_SECONDS + sending_seconds + waits * CONTROL_ROUNDS * CONTROL_TRIES * ANSWER_SECONDS


def _welcome(session: _Session, device: str, answer: Message | None, asked_at: float) -> None:
    if answer is None:
        return
    if answer["event"] == "failed":
        session.agents.dead[device] = f"the agent refused its job: {answer.get('why')}"
    elif answer.get("protocol") != PROTOCOL_VERSION:
        session.agents.dead[device] = f"the agent speaks another protocol: {answer.get('protocol')}"
    elif not _well_formed(answer):
        session.agents.dead[device] = "the agent's greeting cannot be read"
    else:
        session.hello[device] = answer
        session.skew[device] = round(answer["wall_clock"] - asked_at, 3)


def _well_formed(hello: Message) -> bool:
    """True where a greeting has what the session will read of it."""
    try:
        numbers = [
            hello["wall_clock"],
            *(number for each in hello["interfaces"] for triple in each["addresses"] for number in triple),
            *(number for each in hello["gateways"] for number in (each["family"], each["address"])),
        ]
        names = [each["name"] for each in hello["interfaces"]]
        names += [each["interface"] for each in hello["gateways"]]
        triples = all(len(triple) == 3 for each in hello["interfaces"] for triple in each["addresses"])
    except (LookupError, TypeError):
        return False
    plain = all(isinstance(number, int | float) and number >= 0 for number in numbers)
    return plain and triples and all(isinstance(name, str) for name in names)


def _open_receivers(session: _Session) -> None:
    session.progress("opening receivers")
    places = sorted(
        {
            (end.device, end.interface)
            for probe in _permitted(session)
            for end in (probe.source, probe.destination)
        }
    )
    fields = {
        "tag": run_tag(session.key).hex(),
        "ports": _extra_ports(session.plan),
        "addresses": _addresses(session.plan),
        "sequences": session.ledger.sequences,
    }
    tickets: dict[tuple[str, str], Ticket | None] = {
        (device, interface): session.agents.ask(device, "receive", interface=interface, **fields)
        for device, interface in places
    }
    answers = session.agents.wait(list(tickets.values()), ANSWER_SECONDS)
    for place, ticket in tickets.items():
        answer = answers.get(ticket) if ticket else None
        if answer is not None and answer["event"] == "failed":
            session.ledger.broken[place] = str(answer.get("why"))


def _addresses(plan: ProbePlan) -> list[list[int]]:
    """Every address that a packet of this run, or an answer to one, can come from."""
    flows = [*(probe.flow for probe in plan.probes), *(control.flow for control in plan.controls)]
    found = {(int(flow.family), end) for flow in flows for end in (flow.source, flow.destination)}
    return [list(each) for each in sorted(found)]


def _extra_ports(plan: ProbePlan) -> list[int]:
    """Source ports outside the probe range, whose answers the kernel filter must let pass.

    Beyond what a filter can hold the answers of the rest go unseen; arrivals do not.
    """
    flows = [*(probe.flow for probe in plan.probes), *(control.flow for control in plan.controls)]
    ports = {flow.source_port for flow in flows if 0 < flow.source_port < FIRST_PROBE_PORT}
    return sorted(ports)[:MOST_EXTRA_PORTS]


def _send(
    session: _Session, source: Vantage, operation: str, packets: Sequence[Message], **fields: object
) -> None:
    """Have ``source``'s agent send ``packets``, and wait until it has."""
    per_destination = session.authorisation.packets_per_second_per_destination
    slowest = min(per_destination, session.authorisation.packets_per_second)
    for first in range(0, len(packets), _PACKETS_PER_COMMAND):
        chunk = packets[first : first + _PACKETS_PER_COMMAND]
        ticket = session.agents.ask(
            source.device, operation, interface=source.interface, packets=chunk, **fields
        )
        hops = len({(packet["flow"][0], packet["flow"][3]) for packet in chunk})
        patience = ANSWER_SECONDS + len(chunk) / slowest + hops * _SECONDS_PER_UNRESOLVED_HOP
        _note_failure(session, chunk, ticket, session.agents.wait([ticket], patience))


def _note_failure(
    session: _Session, chunk: Sequence[Message], ticket: Ticket | None, answers: dict[Ticket, Message]
) -> None:
    answer = answers.get(ticket) if ticket else None
    if answer is not None and answer["event"] == "failed":
        for packet in chunk:
            session.ledger.fates[packet["number"]].unsent = str(answer.get("why"))


def _number_probes(session: _Session) -> None:
    """Number every packet before any is sent: the receivers are told what to look for."""
    for attempt in range(ATTEMPTS):
        for probe in _by_turns(list(_permitted(session))):
            packet = session.ledger.number(
                Sent("probe", probe.index, attempt, probe.flow, probe.source),
                sends_bare(probe.flow, attempt),
            )
            session.packets.setdefault((attempt, probe.source), []).append(packet)


def _by_turns(probes: Sequence[_Probe]) -> list[_Probe]:
    """``probes`` with destinations taking turns, so that the limit per destination delays few."""
    turns: Counter[tuple[Vantage, int]] = Counter()
    ranked = []
    for probe in probes:
        key = (probe.source, probe.flow.destination)
        turns[key] += 1
        ranked.append((turns[key], probe))
    ranked.sort(key=lambda pair: pair[0])
    return [probe for _, probe in ranked]


def _send_probes(session: _Session, attempt: int) -> None:
    """One sender after the other, so that the limits hold for the run as a whole."""
    for number, source in sorted(session.packets):
        if number == attempt:
            _send(session, source, "send", session.packets[number, source])


def _show_canaries(session: _Session, round_: int) -> None:
    """Each receiver gets a packet across its own segment, or shows that its own capture works."""
    wanted = {probe.destination for probe in _permitted(session)}
    waiting = [index for index, receiver in enumerate(session.plan.receivers) if receiver in wanted]
    for attempt in range(CONTROL_TRIES):
        for index in waiting:
            _send_canary(session, index, round_, attempt)
        waiting = _still_missing(session, _unseen_canaries, waiting, round_)


def _unseen_canaries(session: _Session, indices: Sequence[int], round_: int) -> list[int]:
    return [
        index
        for index in indices
        if session.plan.receivers[index].device not in session.agents.dead
        and not any(
            canary_arrived(sent, fate, session.plan.receivers[index])
            for sent, fate in session.ledger.of("canary", index, round_)
        )
    ]


def _send_canary(session: _Session, index: int, round_: int, attempt: int) -> None:
    """From a neighbour; without one an echo request that the gateway answers; else to itself.

    A gateway may keep silent by policy, so what follows its first silence is the weakest canary.
    """
    receiver = session.plan.receivers[index]
    sender = canary_sender(
        receiver, session.plan, session.authorisation, session.hello, session.agents.dead
    )
    flow, to_itself = _canary_flow(sender, receiver, index), sender.device == receiver.device
    gateway = gateway_of(receiver, session.hello.get(receiver.device), session.authorisation)
    if to_itself and gateway is not None and attempt == 0:
        protocol, request = ECHO_REQUEST[receiver.family]
        flow = Flow(receiver.family, protocol, receiver.address, gateway, icmp_type=request)
        to_itself = False
    packet = session.ledger.number(Sent("canary", index, round_, flow, sender))
    _send(session, sender, "canary", [packet], to_itself=to_itself)


def _canary_flow(sender: Vantage, receiver: Vantage, index: int) -> Flow:
    source_port, destination_port = FIRST_PROBE_PORT, FIRST_PROBE_PORT + 1 + index % 1000
    return Flow(
        receiver.family, Protocol.UDP, sender.address, receiver.address, source_port, destination_port
    )


def gateway_of(receiver: Vantage, hello: Message | None, authorisation: Authorisation) -> int | None:
    """The receiver's first router towards the senders, where it may be asked for an echo."""
    if not authorisation.permits_source(receiver.device):
        return None
    for gateway in hello.get("gateways", ()) if hello else ():
        same = (gateway["interface"], gateway["family"]) == (receiver.interface, receiver.family)
        if same and authorisation.permits_target(receiver.family, gateway["address"]):
            return int(gateway["address"])
    return None


def canary_sender(
    receiver: Vantage,
    plan: ProbePlan,
    authorisation: Authorisation,
    hello: dict[str, Message],
    dead: dict[str, str],
) -> Vantage:
    """Another vantage of the receiver's zone in the receiver's own prefix, else the receiver itself."""
    if not authorisation.permits_target(receiver.family, receiver.address):
        return receiver
    vantages = {end for probe in plan.probes for end in (probe.source, probe.destination)}
    for other in sorted(vantages):
        same = (other.zone, other.family) == (receiver.zone, receiver.family)
        alive = other.device in hello and other.device not in dead
        if (
            same
            and alive
            and other.device != receiver.device
            and authorisation.permits_source(other.device)
            and _on_link(receiver, other.address, hello.get(receiver.device))
        ):
            return other
    return receiver


def _on_link(receiver: Vantage, address: int, hello: Message | None) -> bool:
    """True where ``address`` lies in a prefix that the receiver's agent says its interface has."""
    for interface in hello["interfaces"] if hello else ():
        if interface["name"] != receiver.interface:
            continue
        for family, own, prefix_length in interface["addresses"]:
            host_bits = receiver.family.bits - prefix_length
            if family == receiver.family and own == receiver.address:
                return bool(own >> host_bits == address >> host_bits)
    return False


def _ask_targets(session: _Session, round_: int) -> None:
    """Each allowed target is asked until it answers, at most ``CONTROL_TRIES`` times."""
    waiting = [
        index
        for index, control in enumerate(session.plan.controls)
        if not _why_not(control.source, control.flow, session.authorisation)
    ]
    for _ in range(CONTROL_TRIES):
        for index in waiting:
            _ask_target(session, index, session.plan.controls[index], round_)
        waiting = _still_missing(session, _unanswered, waiting, round_)


def _ask_target(session: _Session, index: int, control: ControlTarget, round_: int) -> None:
    packet = session.ledger.number(Sent("control", index, round_, control.flow, control.source))
    _send(session, control.source, "send", [packet])


def _unanswered(session: _Session, indices: Sequence[int], round_: int) -> list[int]:
    return [
        index
        for index in indices
        if session.plan.controls[index].source.device not in session.agents.dead
        and not any(
            control_answered(sent, fate) for sent, fate in session.ledger.of("control", index, round_)
        )
    ]


def _still_missing(
    session: _Session,
    missing: Callable[[_Session, Sequence[int], int], list[int]],
    indices: Sequence[int],
    round_: int,
) -> list[int]:
    """Those of ``indices`` that are missing after one try's time; returns early when none is."""
    session.agents.listen(TRY_SECONDS, lambda: not missing(session, indices, round_))
    return missing(session, indices, round_)


def _read_drops(session: _Session) -> None:
    tickets = {device: session.agents.ask(device, "stats") for device in sorted(session.hello)}
    answers = session.agents.wait(list(tickets.values()), ANSWER_SECONDS)
    for device, ticket in tickets.items():
        answer = answers.get(ticket) if ticket else None
        try:
            _note_counters(session, device, answer or {})
        except (LookupError, TypeError, ValueError):
            session.agents.dead.setdefault(device, "the agent's counters cannot be read")


def _note_counters(session: _Session, device: str, answer: Message) -> None:
    for capture in answer.get("captures", ()):
        place = (device, str(capture["interface"]))
        if capture["failure"]:
            session.ledger.broken[place] = str(capture["failure"])
        session.measured.drops[place] = int(capture["drops"])


def _facts(session: _Session) -> tuple[AgentFacts, ...]:
    names = sorted({*session.hello, *session.measured.dead})
    return tuple(_agent_facts(session, name) for name in names)


def _agent_facts(session: _Session, device: str) -> AgentFacts:
    hello = session.hello.get(device, {})
    return AgentFacts(
        device,
        str(hello.get("version", "")),
        str(hello.get("python", "")),
        str(hello.get("kernel", "")),
        session.skew.get(device, 0.0),
        session.measured.dead.get(device, ""),
    )
