"""What one probe's fate is worth: an observation with its four positive controls; no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from segaudit.model.probe import (
    ControlTarget,
    Observation,
    PlannedProbe,
    PositiveControls,
    ProbePlan,
    Reply,
    Vantage,
)
from segaudit.probe.ledger import Answer, Arrival, Fate, Ledger, Sent
from segaudit.probe.plan import ATTEMPTS, CONTROL_ROUNDS

Place = tuple[str, str]
"""Device and interface."""


@dataclass(slots=True)
class Measured:
    """What the session knows besides the ledger.

    ``drops`` has the kernel's count per capture, where it could be read at the end; ``refused`` is
    why a probe was never given to an agent, by its index.
    """

    dead: dict[str, str] = field(default_factory=dict)
    drops: dict[Place, int] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    interrupted: str = ""


def classify(plan: ProbePlan, ledger: Ledger, measured: Measured) -> tuple[Observation, ...]:
    """One observation per planned probe, in plan order."""
    zones = _opposite_zones(plan)
    places = {zone: _places(plan, zone) for each in zones.values() for zone in each}
    control_indices = {control: index for index, control in enumerate(plan.controls)}
    receiver_indices = {receiver: index for index, receiver in enumerate(plan.receivers)}
    observations = []
    for index, probe in enumerate(plan.probes):
        in_reach = {place for zone in zones[probe.assertion, probe.source.zone] for place in places[zone]}
        judged = _Judged(
            probe,
            tuple(ledger.of("probe", index)),
            in_reach,
            _controls(
                ledger, measured, index, probe, control_indices, receiver_indices.get(probe.destination)
            ),
        )
        observations.append(_observation(judged, measured.refused.get(index, ""), measured))
    return tuple(observations)


def _opposite_zones(plan: ProbePlan) -> dict[tuple[str, str], set[str]]:
    """Where packets of a zone must not (or, for a flow, ought to) arrive, by assertion and source zone.

    Translation may take a packet to another host than it was sent to, so every vantage of the
    zones that the assertion names counts.
    """
    zones: dict[tuple[str, str], set[str]] = {}
    for probe in plan.probes:
        zones.setdefault((probe.assertion, probe.source.zone), set()).add(probe.destination.zone)
    return zones


def _places(plan: ProbePlan, zone: str) -> set[Place]:
    return {(each.device, each.interface) for each in plan.receivers if each.zone == zone}


@dataclass(frozen=True, slots=True)
class _Judged:
    """A probe with what is known of it."""

    probe: PlannedProbe
    packets: tuple[tuple[Sent, Fate], ...]
    in_reach: set[Place]
    controls: PositiveControls

    @property
    def arrivals(self) -> list[Arrival]:
        return [
            arrival
            for _, fate in self.packets
            for arrival in fate.arrivals
            if (arrival.device, arrival.interface) in self.in_reach
        ]

    @property
    def rejections(self) -> list[Answer]:
        return [answer for _, fate in self.packets for answer in fate.rejections]

    @property
    def answers(self) -> list[Answer]:
        return [answer for _, fate in self.packets for answer in fate.answers]

    @property
    def errors(self) -> list[Answer]:
        return [answer for _, fate in self.packets for answer in fate.errors]

    @property
    def sent(self) -> int:
        return sum(fate.left for _, fate in self.packets)


def _observation(judged: _Judged, refused: str, measured: Measured) -> Observation:
    reply, why, by = _reply(judged, refused, measured)
    return Observation(
        judged.probe, reply, judged.controls, judged.sent, len(judged.arrivals), rejected_by=by, why=why
    )


def _reply(judged: _Judged, refused: str, measured: Measured) -> tuple[Reply, str, str]:
    """What became of the probe, why that is said, and who rejected it.

    Arrival needs no control. A refusal counts only where the receiver could have seen the packet
    arrive, since the destination itself may have refused it. Silence needs all four controls.
    """
    probe = judged.probe
    if judged.arrivals:
        return Reply.DELIVERED, _arrived(judged.arrivals, probe), ""
    if refused:
        return Reply.INCONCLUSIVE, refused, ""
    if judged.answers:
        return _answered(judged)
    if judged.rejections:
        return _rejected(judged, measured)
    if judged.errors:
        return Reply.INCONCLUSIVE, f"{judged.errors[0].how} from {judged.errors[0].source}", ""
    if judged.controls.conclusive:
        return Reply.SILENT, "", ""
    return Reply.INCONCLUSIVE, _failed(judged.controls, measured), ""


def _arrived(arrivals: list[Arrival], probe: PlannedProbe) -> str:
    first = arrivals[0]
    if first.flow is None or first.flow == probe.flow:
        return f"captured on {first.device}[{first.interface}]"
    return f"captured on {first.device}[{first.interface}] as {first.flow}"


def _answered(judged: _Judged) -> tuple[Reply, str, str]:
    answer = judged.answers[0]
    said = f"answered by {answer.source} ({answer.how})"
    if judged.probe.purpose == "flow":
        return Reply.DELIVERED, said, ""
    lost = "not captured at the vantage: a proxy, or another host with that address"
    return Reply.INCONCLUSIVE, f"{said}, but {lost}", ""


def _rejected(judged: _Judged, measured: Measured) -> tuple[Reply, str, str]:
    rejection = judged.rejections[0]
    said = f"{rejection.how} from {rejection.source}"
    controls = judged.controls
    if controls.canary_crossed_filter is True and controls.no_kernel_drops is True:
        return Reply.REJECTED, said, rejection.source
    return Reply.INCONCLUSIVE, f"{said}, but {_failed(controls, measured)}", rejection.source


def _failed(controls: PositiveControls, measured: Measured) -> str:
    names = {
        "the sender did not see its packet leave": controls.sender_saw_own_packet,
        "no allowed target answered on this way": controls.allowed_target_answered,
        "the receiver's canary did not arrive": controls.canary_crossed_filter,
        "packets were lost in the kernel, or may have been": controls.no_kernel_drops,
    }
    reasons = [name for name, passed in names.items() if passed is not True]
    notes = [note for note in controls.notes if not note.startswith(_CANARY_NOTE)]
    return "; ".join([*([measured.interrupted] if measured.interrupted else []), *reasons, *notes])


_CANARY_NOTE = "canary: "


def _controls(
    ledger: Ledger,
    measured: Measured,
    index: int,
    probe: PlannedProbe,
    control_indices: Mapping[ControlTarget, int],
    receiver_index: int | None,
) -> PositiveControls:
    packets = tuple(ledger.of("probe", index))
    notes: list[str] = []
    control = probe.control
    return PositiveControls(
        _saw_own(packets, notes),
        _target_answered(ledger, packets, control, control_indices, notes),
        _canary_crossed(ledger, measured, probe.destination, receiver_index, notes),
        _no_drops(ledger, measured, probe, notes),
        tuple(notes),
    )


def _saw_own(packets: tuple[tuple[Sent, Fate], ...], notes: list[str]) -> bool | None:
    if not packets:
        return None
    unsent = sorted({fate.unsent for _, fate in packets if fate.unsent})
    notes.extend(f"not sent: {why}" for why in unsent)
    return len(packets) == ATTEMPTS and all(fate.left for _, fate in packets)


def _target_answered(
    ledger: Ledger,
    packets: tuple[tuple[Sent, Fate], ...],
    control: ControlTarget | None,
    indices: Mapping[ControlTarget, int],
    notes: list[str],
) -> bool | None:
    """True where the target answered before and after, through the probes' own next hop."""
    if control is None or control not in indices:
        notes.append("no allowed target is known on this way")
        return None
    hops = {fate.next_hop for _, fate in packets if fate.next_hop}
    for round_ in range(CONTROL_ROUNDS):
        tries = tuple(ledger.of("control", indices[control], round_))
        answered = [fate for sent, fate in tries if control_answered(sent, fate)]
        if not tries:
            return None
        if not answered:
            when = ("before", "after")[round_]
            unsent = sorted({f": {fate.unsent}" for _, fate in tries if fate.unsent})
            notes.append(f"{control.target} did not answer {when} the probes{''.join(unsent)}")
            return False
        if not hops <= {fate.next_hop for fate in answered}:
            notes.append(f"{control.target} is reached by another next hop than the probes")
            return False
    return True


def control_answered(sent: Sent, fate: Fate) -> bool:
    """True where the control's own target answered it, by whatever reply."""
    target = str(sent.flow.destination_address)
    return any(answer.source == target for answer in (*fate.answers, *fate.rejections))


def canary_arrived(sent: Sent, fate: Fate, receiver: Vantage) -> bool:
    """True where the receiver's capture saw its canary.

    One from a neighbour, as it came in; one that the receiver sent to its gateway, as the answer
    came back; one that it sent to itself, as it went out.
    """
    if sent.source.device != receiver.device:
        place = (receiver.device, receiver.interface)
        return any((each.device, each.interface) == place for each in fate.arrivals)
    return fate.left if sent.flow.destination == receiver.address else bool(fate.answers)


def _way(sent: Sent, receiver: Vantage) -> str:
    """What an arrived canary proves, in words."""
    if sent.source.device != receiver.device:
        return f"sent by {sent.source.device} across the receiver's segment"
    if sent.flow.destination != receiver.address:
        return f"answered by the gateway {sent.flow.destination_address} across the receiver's segment"
    return "sent by the receiver itself: its filter and capture work, the segment is not shown"


def _canary_crossed(
    ledger: Ledger, measured: Measured, receiver: Vantage, index: int | None, notes: list[str]
) -> bool | None:
    if index is None:
        return None
    if why := ledger.broken.get((receiver.device, receiver.interface)):
        notes.append(f"the capture broke: {why}")
        return False
    if why := measured.dead.get(receiver.device):
        notes.append(f"{receiver.device}: {why}")
        return None
    rounds = [tuple(ledger.of("canary", index, round_)) for round_ in range(CONTROL_ROUNDS)]
    if not all(rounds):
        return None
    arrived = [[sent for sent, fate in tries if canary_arrived(sent, fate, receiver)] for tries in rounds]
    ways = {_way(sent, receiver) for each in arrived for sent in each}
    notes.extend(f"{_CANARY_NOTE}{way}" for way in sorted(ways))
    return all(arrived)


def _no_drops(ledger: Ledger, measured: Measured, probe: PlannedProbe, notes: list[str]) -> bool | None:
    """True where both ends' captures report that the kernel lost nothing."""
    verdict: bool | None = True
    for end in (probe.source, probe.destination):
        place = (end.device, end.interface)
        if place in ledger.broken:
            return False
        drops = measured.drops.get(place)
        if drops is None:
            if (why := measured.dead.get(end.device)) and f"{end.device}: {why}" not in notes:
                notes.append(f"{end.device}: {why}")
            verdict = None
        elif drops:
            notes.append(f"{end.device}[{end.interface}]: the kernel dropped {drops} captured packets")
            return False
    return verdict
