"""From what agents report to observations and findings: scripted conversations, no socket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from segaudit.model.flow import Family, Flow, Protocol, parse_address
from segaudit.model.probe import (
    ControlTarget,
    Observation,
    PlannedProbe,
    PositiveControls,
    ProbePlan,
    Reply,
    Vantage,
)
from segaudit.model.verdict import Severity
from segaudit.probe.agent import packet_to_json
from segaudit.probe.classify import Measured, classify
from segaudit.probe.compare import compare
from segaudit.probe.headers import Packet, read_packet
from segaudit.probe.ledger import Ledger, Sent
from segaudit.probe.messages import Message, flow_from_json
from segaudit.probe.plan import ATTEMPTS, CONTROL_ROUNDS, sends_bare

KEY = bytes(range(32))


def number(text: str) -> int:
    return parse_address(text)[1]


A = Vantage("sub", "a", "eth1", Family.IPV4, number("10.1.0.2"))
B = Vantage("core", "b", "eth1", Family.IPV4, number("10.2.0.2"))
B2 = Vantage("core", "b2", "eth1", Family.IPV4, number("10.2.0.3"))
D = Vantage("dmz", "d", "eth1", Family.IPV4, number("10.4.0.2"))
TARGET = number("10.3.0.53")
CONTROL = ControlTarget(A, Flow(Family.IPV4, 1, A.address, TARGET, icmp_type=8), "dns", "fw")
SYN = Flow(Family.IPV4, Protocol.TCP, A.address, B.address, 61_440, 445, tcp_flags=2)
UDP = Flow(Family.IPV4, Protocol.UDP, A.address, B.address, 61_441, 161)
PING = Flow(Family.IPV4, Protocol.ICMP, A.address, B.address, icmp_type=8)


def planned(flow: Flow = SYN, purpose: str = "isolation", expected: str = "none") -> PlannedProbe:
    return PlannedProbe("P-00001", "ISO-1", A, B, flow, expected, purpose, CONTROL)


@dataclass
class Run:
    """One probe, its packets numbered as a session does it, and events said by the test."""

    probe: PlannedProbe = field(default_factory=planned)
    others: tuple[PlannedProbe, ...] = ()
    measured: Measured = field(default_factory=Measured)

    def __post_init__(self) -> None:
        self.ledger = Ledger(KEY)
        receivers = tuple(sorted({each.destination for each in (self.probe, *self.others)}))
        self.plan = ProbePlan((self.probe, *self.others), (CONTROL,), receivers)
        self.packets = [
            self.ledger.number(Sent("probe", index, attempt, each.flow, A), sends_bare(each.flow, attempt))
            for attempt in range(ATTEMPTS)
            for index, each in enumerate(self.plan.probes)
        ]
        self.drops(0)

    def say(self, device: str, **event: object) -> None:
        self.ledger.note(device, dict(event))

    def drops(self, count: int) -> None:
        places = [("a", "eth1"), *((each.device, each.interface) for each in self.plan.receivers)]
        self.measured.drops = dict.fromkeys(places, count)

    def mine(self) -> list[Message]:
        return [self.packets[0], self.packets[len(self.plan.probes)]]

    def seen(
        self,
        device: str,
        packet: Message,
        *,
        outgoing: bool = False,
        interface: str = "eth1",
        **changed: int,
    ) -> None:
        """``device`` captures one of our packets, with header fields changed on the way."""
        flow = replace(flow_from_json(packet["flow"]), **changed)  # type: ignore[arg-type]
        raw = bytes.fromhex(packet["payload"])[-24:]
        echo = tuple(packet["echo"]) if flow.protocol == Protocol.ICMP else None
        sequence = packet["tcp_sequence"] if flow.protocol == Protocol.TCP else 0
        self.capture(device, Packet(flow, 60, sequence, echo, raw), outgoing, interface)

    def capture(self, device: str, packet: Packet, outgoing: bool = False, interface: str = "eth1") -> None:
        self.say(
            device,
            event="captured",
            interface=interface,
            outgoing=outgoing,
            at=0.0,
            packet=packet_to_json(packet),
        )

    def leaves(self) -> Run:
        for packet in self.mine():
            self.say(
                "a", event="sent", number=packet["number"], next_hop="10.1.0.1 02:00:00:00:00:01", at=0.0
            )
            self.seen("a", packet, outgoing=True)
        return self

    def answers_controls(
        self, rounds: int = CONTROL_ROUNDS, hop: str = "10.1.0.1 02:00:00:00:00:01"
    ) -> Run:
        for round_ in range(CONTROL_ROUNDS):
            packet = self.ledger.number(Sent("control", 0, round_, CONTROL.flow, A))
            self.say("a", event="sent", number=packet["number"], next_hop=hop, at=0.0)
            if round_ < rounds:
                self.seen("a", packet, source=TARGET, destination=A.address, icmp_type=0)
        return self

    def shows_canaries(self, rounds: int = CONTROL_ROUNDS) -> Run:
        for index, receiver in enumerate(self.plan.receivers):
            for round_ in range(CONTROL_ROUNDS):
                flow = Flow(Family.IPV4, 17, receiver.address, receiver.address, 61_440, 61_441)
                packet = self.ledger.number(Sent("canary", index, round_, flow, receiver))
                if round_ < rounds:
                    self.seen(receiver.device, packet, outgoing=True)
        return self

    def observe(self) -> Observation:
        return classify(self.plan, self.ledger, self.measured)[0]


def sound(probe: PlannedProbe | None = None, *others: PlannedProbe) -> Run:
    """A run in which all four controls pass."""
    return Run(probe or planned(), others).leaves().answers_controls().shows_canaries()


@pytest.mark.parametrize("flow", [SYN, UDP, PING])
def test_silence_with_four_controls_is_silent(flow: Flow) -> None:
    seen = sound(planned(flow)).observe()
    assert (seen.reply, seen.sent, seen.received, seen.why) == (Reply.SILENT, 2, 0, "")
    assert seen.controls.conclusive


def half_left(run: Run) -> None:
    run.ledger.fates[run.mine()[1]["number"]].left = False


def no_control_answer(run: Run) -> None:
    for _, fate in run.ledger.of("control", 0, 1):
        fate.answers.clear()


def another_next_hop(run: Run) -> None:
    for _, fate in run.ledger.of("control", 0):
        fate.next_hop = "10.1.0.254 02:00:00:00:00:99"


def no_second_canary(run: Run) -> None:
    for _, fate in run.ledger.of("canary", 0, 1):
        fate.left = False


def one_drop(run: Run) -> None:
    run.drops(1)


def no_counter(run: Run) -> None:
    del run.measured.drops["b", "eth1"]


def broken_capture(run: Run) -> None:
    run.say("b", event="capture-failed", interface="eth1", why="ENETDOWN")


def broken_sender_capture(run: Run) -> None:
    run.say("a", event="capture-failed", interface="eth1", why="ENETDOWN")


def dead_receiver(run: Run) -> None:
    run.measured.dead["b"] = "the agent ended"


def time_exceeded(run: Run) -> None:
    run.capture("a", error(SYN, "10.9.9.9", 11, 0))


def refused(run: Run) -> None:
    run.measured.refused[0] = "10.2.0.2 is outside the scope"


SPOILERS: list[tuple[Callable[[Run], None], str]] = [
    (half_left, "the sender did not see its packet leave"),
    (no_control_answer, "dns did not answer after the probes"),
    (another_next_hop, "dns is reached by another next hop than the probes"),
    (no_second_canary, "the receiver's canary did not arrive"),
    (one_drop, "the kernel dropped 1 captured packets"),
    (no_counter, "packets were lost in the kernel, or may have been"),
    (broken_capture, "ENETDOWN"),
    (broken_sender_capture, "packets were lost in the kernel, or may have been"),
    (dead_receiver, "b: the agent ended"),
    (time_exceeded, "ICMP 11.0 from 10.9.9.9"),
    (refused, "outside the scope"),
]


@pytest.mark.parametrize(("spoil", "why"), SPOILERS, ids=[spoil.__name__ for spoil, _ in SPOILERS])
def test_silence_with_one_doubt_is_inconclusive_and_says_why(
    spoil: Callable[[Run], None], why: str
) -> None:
    run = sound()
    spoil(run)
    seen = run.observe()
    assert seen.reply is Reply.INCONCLUSIVE
    assert why in seen.why
    assert seen.agrees is None


@pytest.mark.parametrize(("spoil", "why"), SPOILERS, ids=[spoil.__name__ for spoil, _ in SPOILERS])
def test_an_arrival_needs_no_control(spoil: Callable[[Run], None], why: str) -> None:
    run = sound()
    spoil(run)
    run.seen("b", run.mine()[0])
    assert run.observe().reply is Reply.DELIVERED


def test_nothing_reported_at_all_is_inconclusive() -> None:
    seen = Run().observe()
    assert seen.reply is Reply.INCONCLUSIVE
    assert not any(
        value is True
        for value in (
            seen.controls.sender_saw_own_packet,
            seen.controls.allowed_target_answered,
            seen.controls.canary_crossed_filter,
        )
    )


def test_a_probe_without_control_target_is_inconclusive() -> None:
    run = sound(replace(planned(), control=None))
    assert run.observe().controls.allowed_target_answered is None
    assert "no allowed target is known" in run.observe().why


def test_arrival_as_another_flow_says_how_it_looked() -> None:
    run = sound()
    run.seen("b", run.mine()[0], source=number("10.2.0.1"), destination_port=4450)
    assert run.observe().why == "captured on b[eth1] as tcp 10.2.0.1:61440 -> 10.2.0.2:4450"


def test_arrival_at_another_host_of_the_zone_or_of_another_opposite_zone_counts() -> None:
    to_d = replace(planned(), id="P-00002", destination=D, flow=replace(SYN, destination=D.address))
    for device in ("b2", "d"):
        run = sound(planned(), replace(planned(), id="P-00003", destination=B2), to_d)
        run.seen(device, run.mine()[0])
        assert run.observe().reply is Reply.DELIVERED


def test_arrival_in_a_zone_that_is_not_isolated_is_no_delivery() -> None:
    allowed = replace(planned(), id="P-00002", assertion="FLOW-1", destination=D)
    run = sound(planned(), allowed)
    run.seen("d", run.mine()[0])
    assert run.observe().reply is Reply.SILENT


def test_a_syn_without_payload_is_known_by_its_sequence_number_behind_translation() -> None:
    run = sound()
    run.seen("b", run.mine()[1], source=number("10.2.0.1"), source_port=1024)
    assert (run.observe().reply, run.observe().received) == (Reply.DELIVERED, 1)


def test_a_syn_whose_sequence_number_a_firewall_changed_is_known_by_its_addresses() -> None:
    run = sound()
    run.capture("b", Packet(SYN, 60, 12345, None, b""))
    assert run.observe().reply is Reply.DELIVERED


def test_a_foreign_syn_is_nobody_s() -> None:
    run = sound()
    run.capture("b", Packet(replace(SYN, source_port=1), 60, 12345, None, b""))
    assert run.observe().reply is Reply.SILENT


def test_a_router_vantage_that_forwards_the_probe_has_delivered_it() -> None:
    run = sound()
    run.seen("b", run.mine()[0], outgoing=True)
    assert run.observe().reply is Reply.DELIVERED


def test_a_receiver_s_own_answer_is_no_arrival() -> None:
    run = sound(planned(UDP))
    run.seen("b", run.mine()[0], outgoing=True, source=B.address, destination=A.address)
    assert run.observe().reply is Reply.SILENT


def error(flow: Flow, by: str, kind: int, code: int) -> Packet:
    """An ICMP error that quotes the header and 8 bytes, as RFC 792 asks for."""
    outer = Flow(Family.IPV4, Protocol.ICMP, number(by), A.address, icmp_type=kind, icmp_code=code)
    return Packet(outer, 60, quoted=Packet(flow, 60))


def test_an_icmp_refusal_names_who_refused() -> None:
    run = sound(planned(UDP))
    run.capture("a", error(UDP, "10.1.0.1", 3, 13))
    seen = run.observe()
    assert (seen.reply, seen.rejected_by, seen.why) == (
        Reply.REJECTED,
        "10.1.0.1",
        "ICMP 3.13 from 10.1.0.1",
    )
    assert seen.agrees is True


def test_an_error_about_somebody_else_s_packet_is_ignored() -> None:
    run = sound(planned(UDP))
    run.capture("a", error(replace(UDP, destination_port=9), "10.1.0.1", 3, 13))
    assert run.observe().reply is Reply.SILENT


def reset(flow: Flow) -> Packet:
    back = replace(
        flow,
        source=flow.destination,
        destination=flow.source,
        source_port=flow.destination_port,
        destination_port=flow.source_port,
        tcp_flags=20,
    )
    return Packet(back, 60)


def test_a_reset_is_a_refusal() -> None:
    run = sound()
    run.capture("a", reset(SYN))
    assert (run.observe().reply, run.observe().rejected_by) == (Reply.REJECTED, "10.2.0.2")


@pytest.mark.parametrize("spoil", [no_second_canary, one_drop, dead_receiver, broken_capture])
def test_a_refusal_is_inconclusive_where_the_receiver_could_have_missed_the_arrival(
    spoil: Callable[[Run], None],
) -> None:
    run = sound()
    run.capture("a", reset(SYN))
    spoil(run)
    assert run.observe().reply is Reply.INCONCLUSIVE


def test_an_answer_without_a_capture_is_never_silent() -> None:
    run = sound()
    run.capture("a", replace(reset(SYN), flow=replace(reset(SYN).flow, tcp_flags=18)))
    seen = run.observe()
    assert seen.reply is Reply.INCONCLUSIVE and "answered by 10.2.0.2 (TCP SYN-ACK)" in seen.why


def test_an_allowed_flow_is_delivered_where_it_is_answered() -> None:
    run = sound(planned(purpose="flow", expected="delivered"))
    run.capture("a", replace(reset(SYN), flow=replace(reset(SYN).flow, tcp_flags=18)))
    assert (run.observe().reply, run.observe().agrees) == (Reply.DELIVERED, True)


def test_an_echo_reply_to_the_sender_is_an_answer_and_not_an_arrival() -> None:
    run = sound(planned(PING))
    run.seen("a", run.mine()[0], source=B.address, destination=A.address, icmp_type=0)
    assert run.observe().reply is Reply.INCONCLUSIVE


def test_an_echo_reply_that_was_sent_as_a_probe_can_arrive() -> None:
    run = sound(planned(replace(PING, icmp_type=0)))
    run.seen("b", run.mine()[0])
    assert run.observe().reply is Reply.DELIVERED


def test_an_unreadable_carrier_of_our_bytes_is_an_arrival() -> None:
    run = sound()
    raw = run.mine()[0]["payload"]
    run.say("b", event="captured", interface="eth1", outgoing=False, at=0.0, packet=None, trailer=raw)
    assert run.observe().reply is Reply.DELIVERED


def test_a_trailer_with_a_number_that_was_never_given_is_ignored() -> None:
    from segaudit.probe.trailer import trailer

    run = sound()
    run.capture("b", Packet(UDP, 60, trailer=trailer(KEY, 99_999)))
    assert run.observe().reply is Reply.SILENT


def test_an_interrupted_run_says_so() -> None:
    run = Run(measured=Measured(interrupted="the run was interrupted")).leaves()
    assert run.observe().why.startswith("the run was interrupted")


def observation(
    reply: Reply, expected: str, source: Vantage = A, identifier: str = "P-00001"
) -> Observation:
    probe = replace(planned(expected=expected), source=source, id=identifier)
    return Observation(probe, reply, PositiveControls(True, True, True, True), 2, 0)


@pytest.mark.parametrize(
    ("expected", "reply", "identifier", "severity"),
    [
        ("none", Reply.DELIVERED, "CONTRA-1", Severity.CRITICAL),
        ("unknown", Reply.DELIVERED, "MEASURED-1", Severity.HIGH),
        ("delivered", Reply.SILENT, "UNMODELLED-1", Severity.MEDIUM),
        ("delivered", Reply.REJECTED, "UNMODELLED-1", Severity.MEDIUM),
    ],
)
def test_a_disagreement_is_a_finding(
    expected: str, reply: Reply, identifier: str, severity: Severity
) -> None:
    (finding,) = compare([observation(reply, expected)])
    assert (finding.id, finding.severity) == (identifier, severity)
    assert "P-00001 tcp 10.1.0.2:61440 -> 10.2.0.2:445 from a[eth1] 10.1.0.2" in finding.detail


@pytest.mark.parametrize(
    ("expected", "reply"),
    [
        ("none", Reply.SILENT),
        ("none", Reply.REJECTED),
        ("delivered", Reply.DELIVERED),
        ("unknown", Reply.SILENT),
        *((expected, Reply.INCONCLUSIVE) for expected in ("none", "unknown", "delivered")),
    ],
)
def test_agreement_and_doubt_are_no_finding(expected: str, reply: Reply) -> None:
    assert compare([observation(reply, expected)]) == ()


def test_findings_are_one_per_pair_in_a_fixed_order() -> None:
    other = replace(A, zone="branch")
    seen = [
        observation(Reply.DELIVERED, "none"),
        observation(Reply.SILENT, "delivered"),
        *(observation(Reply.DELIVERED, "none", other, f"P-{n:05d}") for n in range(12)),
    ]
    findings = compare(seen)
    assert [finding.id for finding in findings] == ["CONTRA-1", "CONTRA-2", "UNMODELLED-1"]
    assert "branch to core" in findings[0].title and "and 2 more" in findings[0].detail
    assert compare(seen[::-1])[0].title == findings[0].title


def test_packets_of_the_session_are_what_the_reader_expects() -> None:
    """The scripted captures above have the shape that a real capture gives."""
    from segaudit.probe.agent_craft import frame

    run = Run()
    packet = run.mine()[0]
    data = frame(SYN, bytes.fromhex(packet["payload"]), packet["tcp_sequence"], (0, 0), None)
    real = read_packet(data)
    assert real is not None
    run.capture("b", real)
    assert run.observe().reply is Reply.DELIVERED
