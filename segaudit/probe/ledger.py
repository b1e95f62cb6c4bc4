"""What happened to every packet of a run, from what the agents reported; no I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from segaudit.model.flow import Family, Flow, Protocol
from segaudit.model.probe import Vantage
from segaudit.probe.headers import ACK, ECHO_REPLIES, RST, SYN
from segaudit.probe.messages import Message, flow_from_json, flow_to_json
from segaudit.probe.payload import payload_for
from segaudit.probe.trailer import number_of, tcp_sequence, trailer

_UNREACHABLE = {Protocol.ICMP: 3, Protocol.ICMPV6: 1}

FlowKey = tuple[Family, int, int, int, int, int, tuple[int, int] | None]
"""Family, protocol, addresses and ports of a packet, and its echo identifier and sequence."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A packet that got a number. ``kind`` is ``probe``, ``control`` or ``canary``.

    ``subject`` is the index of the probe, control or receiver in the plan; ``round_`` counts the
    attempts of a probe and the rounds of a control or canary.
    """

    kind: str
    subject: int
    round_: int
    flow: Flow
    source: Vantage


@dataclass(frozen=True, slots=True)
class Arrival:
    """A numbered packet where it was captured, as it was by then."""

    device: str
    interface: str
    flow: Flow | None


@dataclass(frozen=True, slots=True)
class Answer:
    """Something that came back to the sender: from ``source``, in words ``how``."""

    source: str
    how: str


@dataclass(slots=True)
class Fate:
    """Everything known of one numbered packet."""

    next_hop: str = ""
    unsent: str = ""
    left: bool = False
    arrivals: list[Arrival] = field(default_factory=list)
    rejections: list[Answer] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    errors: list[Answer] = field(default_factory=list)
    """ICMP errors that are no refusal (time exceeded, packet too big)."""


class Ledger:
    """Numbers packets, and books what agents report to the number it belongs to."""

    def __init__(self, key: bytes) -> None:
        self.fates: list[Fate] = []
        self.sent: list[Sent] = []
        self.broken: dict[tuple[str, str], str] = {}
        """Captures (device, interface) that failed, and why."""
        self.ended: dict[str, str] = {}
        """Agents whose job ran out, and why."""
        self._key = key
        self._by_sequence: dict[int, int] = {}
        self._by_flow: defaultdict[FlowKey, list[int]] = defaultdict(list)
        self._by_subject: defaultdict[tuple[str, int], list[int]] = defaultdict(list)

    def number(self, packet: Sent, bare: bool = False) -> Message:
        """Give ``packet`` its number; the result is what an agent needs to send it.

        ``bare``: without payload, told by its TCP sequence number.
        """
        number = len(self.sent)
        self.sent.append(packet)
        self.fates.append(Fate())
        self._by_subject[packet.kind, packet.subject].append(number)
        echo = (number >> 16, number & 0xFFFF)
        sequence = tcp_sequence(self._key, number)
        if bare:
            self._by_sequence[sequence] = number
        self._by_flow[_flow_key(packet.flow, _echo_of(packet.flow, echo))].append(number)
        payload = b"" if bare else payload_for(packet.flow, trailer(self._key, number))
        return {
            "number": number,
            "flow": flow_to_json(packet.flow),
            "payload": payload.hex(),
            "tcp_sequence": sequence,
            "echo": list(echo),
        }

    @property
    def sequences(self) -> list[int]:
        """The TCP sequence numbers that tell a packet without payload."""
        return sorted(self._by_sequence)

    def of(self, kind: str, subject: int, round_: int | None = None) -> Iterator[tuple[Sent, Fate]]:
        """The packets of one probe, control or canary, in the order they got their numbers."""
        for number in self._by_subject.get((kind, subject), []):
            if round_ in (None, self.sent[number].round_):
                yield self.sent[number], self.fates[number]

    def note(self, device: str, event: Message) -> None:
        """Book one event; captured packets that do not belong to this run are ignored.

        Raises:
            LookupError, TypeError, ValueError: no agent that works says that.
        """
        kind = event.get("event")
        if kind == "captured":
            self._captured(device, event)
        elif kind == "sent":
            self._own(device, event["number"]).next_hop = str(event["next_hop"])
        elif kind in ("refused", "unsent"):
            self._own(device, event["number"]).unsent = str(event["why"])
        elif kind == "capture-failed":
            self.broken[device, event["interface"]] = event["why"]
        elif kind == "ended":
            self.ended[device] = event["why"]

    def _own(self, device: str, number: int) -> Fate:
        """The fate of a packet that ``device`` was given to send: no agent speaks for another."""
        if not 0 <= number < len(self.sent) or self.sent[number].source.device != device:
            raise ValueError(f"packet {number} is not one that {device} was given")
        return self.fates[number]

    def _captured(self, device: str, event: Message) -> None:
        packet = event["packet"]
        place = (device, event["interface"], bool(event["outgoing"]))
        if packet is None:
            number = number_of(self._key, bytes.fromhex(event["trailer"]))
            if number is not None and number < len(self.sent):
                self._passed(number, place, None)
        elif packet["quoted"] is not None:
            self._error(place, packet)
        else:
            self._whole(place, packet)

    def _whole(self, place: tuple[str, str, bool], packet: Message) -> None:
        flow = flow_from_json(packet["flow"])
        number = self._numbered(packet, flow)
        if number is None:
            self._reply(place, packet, flow)
        elif _is_echo_reply(flow) and not _is_echo_reply(self.sent[number].flow):
            self._answered(number, place, flow, "echo reply")
        else:
            self._passed(number, place, flow)

    def _numbered(self, packet: Message, flow: Flow) -> int | None:
        """The number of a packet that is one of ours, by trailer, sequence number or whole header."""
        number = number_of(self._key, bytes.fromhex(packet["trailer"]))
        if number is not None and number < len(self.sent):
            return number
        if flow.protocol != Protocol.TCP or flow.tcp_flags & (SYN | ACK) != SYN:
            return None
        by_sequence = self._by_sequence.get(packet["tcp_sequence"])
        if by_sequence is not None:
            return by_sequence
        # A firewall may randomise sequence numbers: the same five-tuple is ours too.
        same = self._by_flow.get(_flow_key(flow, None), [])
        return same[-1] if same else None

    def _passed(self, number: int, place: tuple[str, str, bool], flow: Flow | None) -> None:
        """The packet itself was seen at ``place``.

        Going out where it was sent, it has left. Anywhere else it has arrived, also going out: a
        vantage that is a router has forwarded it to the segment behind that interface. A reply that
        carries our payload back (a mirror) is no arrival.
        """
        device, interface, outgoing = place
        sent, fate = self.sent[number], self.fates[number]
        back = flow is not None and _is_reverse(flow, sent.flow)
        if (device, interface) == (sent.source.device, sent.source.interface):
            if outgoing:
                fate.left = True
            elif back:
                fate.answers.append(Answer(str(flow.source_address) if flow else "", "mirrored payload"))
        elif not (outgoing and back):
            fate.arrivals.append(Arrival(device, interface, flow))

    def _reply(self, place: tuple[str, str, bool], packet: Message, flow: Flow) -> None:
        """An answer without our bytes: TCP RST and SYN-ACK, UDP from the port that was asked."""
        device, _, outgoing = place
        if outgoing:
            return
        for number in self._by_flow.get(_reversed_key(flow, packet["echo"]), []):
            if self.sent[number].source.device != device:
                continue
            if flow.protocol == Protocol.TCP and flow.tcp_flags & RST:
                rejection = Answer(str(flow.source_address), "TCP RST")
                self.fates[number].rejections.append(rejection)
            elif flow.protocol == Protocol.TCP and flow.tcp_flags & (SYN | ACK) == SYN | ACK:
                self.fates[number].answers.append(Answer(str(flow.source_address), "TCP SYN-ACK"))
            elif flow.protocol == Protocol.UDP:
                self.fates[number].answers.append(Answer(str(flow.source_address), "UDP reply"))

    def _answered(self, number: int, place: tuple[str, str, bool], flow: Flow, how: str) -> None:
        device, _, outgoing = place
        if not outgoing and device == self.sent[number].source.device:
            self.fates[number].answers.append(Answer(str(flow.source_address), how))

    def _error(self, place: tuple[str, str, bool], packet: Message) -> None:
        """An ICMP error about one of ours, as its sender received it."""
        device, _, outgoing = place
        error, quoted = flow_from_json(packet["flow"]), packet["quoted"]
        if outgoing:
            return
        protocol = Protocol(error.protocol)
        answer = Answer(str(error.source_address), f"{protocol.name} {error.icmp_type}.{error.icmp_code}")
        refused = error.icmp_type == _UNREACHABLE[protocol]
        for number in self._quoted_numbers(quoted):
            if self.sent[number].source.device == device:
                fate = self.fates[number]
                (fate.rejections if refused else fate.errors).append(answer)

    def _quoted_numbers(self, quoted: Message) -> list[int]:
        """By trailer where the quote is long enough, else by the 8 bytes that RFC 792 asks for."""
        number = number_of(self._key, bytes.fromhex(quoted["trailer"]))
        if number is not None and number < len(self.sent):
            return [number]
        echo = tuple(quoted["echo"]) if quoted["echo"] else None
        return self._by_flow.get(_flow_key(flow_from_json(quoted["flow"]), echo), [])


def _flow_key(flow: Flow, echo: tuple[int, int] | None) -> FlowKey:
    return (
        flow.family,
        flow.protocol,
        flow.source,
        flow.destination,
        flow.source_port,
        flow.destination_port,
        echo,
    )


def _reversed_key(flow: Flow, echo: list[int] | None) -> FlowKey:
    return (
        flow.family,
        flow.protocol,
        flow.destination,
        flow.source,
        flow.destination_port,
        flow.source_port,
        (echo[0], echo[1]) if echo else None,
    )


def _echo_of(flow: Flow, echo: tuple[int, int]) -> tuple[int, int] | None:
    requests = {(Protocol.ICMP, 8), (Protocol.ICMP, 0), (Protocol.ICMPV6, 128), (Protocol.ICMPV6, 129)}
    return echo if (flow.protocol, flow.icmp_type) in requests and not flow.fragment else None


def _is_echo_reply(flow: Flow) -> bool:
    if flow.fragment or flow.protocol not in (Protocol.ICMP, Protocol.ICMPV6):
        return False
    return flow.icmp_type == ECHO_REPLIES[Protocol(flow.protocol)]


def _is_reverse(flow: Flow, sent: Flow) -> bool:
    return flow.family is sent.family and flow.destination == sent.source
