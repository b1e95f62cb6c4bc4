"""The tables after page one, each folded so that a large network stays readable."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from segaudit.model.flow import Family
from segaudit.model.policy import AllowedFlow, Exemption, OwnedAssumption, Service
from segaudit.model.probe import Observation, PositiveControls, Reply
from segaudit.model.result import RunResult
from segaudit.model.source import AccountedLine, LineFate
from segaudit.model.verdict import Assumption, Finding, Severity, Verdict
from segaudit.report.holes import pair_names
from segaudit.report.standing import (
    PairStanding,
    flow_verdicts,
    isolation_verdicts,
    observed_pair,
)
from segaudit.report.words import family_names, shortened

_FAMILIES = tuple(Family)


@dataclass(frozen=True, slots=True)
class ControlTally:
    """How often one positive control passed, failed or could not be made."""

    name: str
    passed: int
    failed: int
    missing: int

    @property
    def glyph(self) -> str:
        """The worst that happened: ✗ failed, ? could not be made, ✓ always passed."""
        return "✗" if self.failed else "?" if self.missing else "✓"


CONTROLS = (
    ("sender_saw_own_packet", "the sender captured its own packet leaving"),
    ("allowed_target_answered", "an allowed target answered on the same path up to the barrier"),
    ("canary_crossed_filter", "a canary crossed the receiver's capture filter"),
    ("no_kernel_drops", "the kernel dropped no packet while capturing"),
)


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """All probes of one purpose between two zones in one family."""

    source: str
    destination: str
    family: Family
    purpose: str
    probes: int
    replies: tuple[tuple[str, int], ...]
    controls: tuple[ControlTally, ...]
    agreeing: int
    contradicting: int
    open_questions: int
    why: tuple[str, ...]


def probe_rows(result: RunResult) -> tuple[ProbeRow, ...]:
    """The observations folded by zone pair, family and purpose; those that ask for attention first."""
    grouped: dict[tuple[str, str, Family, str], list[Observation]] = defaultdict(list)
    for seen in result.observations:
        grouped[(*observed_pair(seen), seen.probe.purpose)].append(seen)
    rows = [_probe_row(*key, grouped[key]) for key in sorted(grouped)]
    return tuple(sorted(rows, key=lambda row: (-row.contradicting, -row.open_questions)))


def _probe_row(
    source: str, destination: str, family: Family, purpose: str, group: Sequence[Observation]
) -> ProbeRow:
    replies = Counter(seen.reply for seen in group)
    agreement = Counter(seen.agrees for seen in group)
    reasons = {reason for seen in group for reason in (seen.why, *seen.controls.notes) if reason}
    return ProbeRow(
        source,
        destination,
        family,
        purpose,
        len(group),
        tuple((reply.value, replies[reply]) for reply in Reply if replies[reply]),
        tuple(_control(name, [seen.controls for seen in group]) for name, _ in CONTROLS),
        agreement[True],
        agreement[False],
        agreement[None],
        tuple(sorted(reasons)),
    )


def _control(name: str, controls: Sequence[PositiveControls]) -> ControlTally:
    states = Counter(getattr(one, name) for one in controls)
    return ControlTally(name, states[True], states[False], states[None])


def contradictions(result: RunResult) -> tuple[Observation, ...]:
    """The observations that disagree with the model, arrivals first, then by probe id."""
    found = [seen for seen in result.observations if seen.agrees is False]
    return tuple(sorted(found, key=lambda seen: (seen.reply is not Reply.DELIVERED, seen.probe.id)))


@dataclass(frozen=True, slots=True)
class Dated:
    """An exception, allowed flow or owned assumption as judged at ``as_of``."""

    id: str
    what: str
    services: str
    owner: str
    justification: str
    ticket: str
    expires: str
    holds: bool
    remaining: str
    works: str = ""


def exception_rows(result: RunResult) -> tuple[Dated, ...]:
    """The policy's exceptions with their state at ``as_of``."""
    return tuple(_exception(entry, _day(result)) for entry in result.policy.exceptions)


def _exception(entry: Exemption, as_of: date) -> Dated:
    return Dated(
        entry.id,
        f"{entry.source} → {entry.destination}, in {entry.assertion}",
        _services(entry.services),
        entry.owner,
        entry.justification,
        entry.ticket,
        entry.expires.isoformat(),
        entry.holds(as_of),
        _remaining(entry.expires, as_of),
    )


def flow_rows(result: RunResult) -> tuple[Dated, ...]:
    """The policy's allowed flows, and whether those that must work do."""
    verdicts: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in flow_verdicts(result):
        verdicts[verdict.assertion].append(verdict)
    return tuple(_flow(entry, _day(result), verdicts[entry.id]) for entry in result.policy.flows)


def _flow(entry: AllowedFlow, as_of: date, verdicts: Sequence[Verdict]) -> Dated:
    said = ", ".join(f"IPv{int(v.family)} {v.outcome.value}" for v in verdicts)
    return Dated(
        entry.id,
        f"{entry.source} → {entry.destination}",
        _services(entry.services),
        entry.owner,
        entry.justification,
        entry.ticket,
        entry.expires.isoformat() if entry.expires else "never",
        entry.expires is None or as_of <= entry.expires,
        _remaining(entry.expires, as_of),
        (said or "not answered") if entry.must_work else "need not work",
    )


def owned_rows(result: RunResult) -> tuple[Dated, ...]:
    """The policy's owned assumptions with their state at ``as_of``."""
    return tuple(_owned(entry, _day(result)) for entry in result.policy.assumptions)


def _owned(entry: OwnedAssumption, as_of: date) -> Dated:
    return Dated(
        entry.id,
        f"{entry.claim.value}: {entry.about.text}",
        "",
        entry.owner,
        entry.justification,
        "",
        entry.expires.isoformat() if entry.expires else "never",
        entry.expires is None or as_of <= entry.expires,
        _remaining(entry.expires, as_of),
    )


def _day(result: RunResult) -> date:
    return date.fromisoformat(result.as_of)


def _services(services: Sequence[Service]) -> str:
    return ", ".join(service.text for service in services)


def _remaining(expires: date | None, as_of: date) -> str:
    if expires is None:
        return "no end"
    days = (expires - as_of).days
    if days < 0:
        return f"expired {-days} day{'s' if days != -1 else ''} ago"
    return f"{days} day{'s' if days != 1 else ''} left"


@dataclass(frozen=True, slots=True)
class AssumptionRow:
    """One assumption that verdicts rest on, and which."""

    assumption: Assumption
    verdicts: str


def assumption_rows(result: RunResult) -> tuple[AssumptionRow, ...]:
    """Every assumption of every pair, once, those without an owner first."""
    used: dict[Assumption, dict[str, None]] = defaultdict(dict)
    for verdict in result.verdicts:
        for pair in verdict.pairs:
            for assumption in pair.assumptions:
                used[assumption][verdict.id] = None
    ordered = sorted(used, key=lambda one: (bool(one.owner), one.id, one.text))
    return tuple(AssumptionRow(one, shortened(list(used[one]), 4)) for one in ordered)


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """One device and the fate of its lines; ``reason`` says why it was not read."""

    name: str
    platform: str
    interfaces: int
    fact: int
    ignored: int
    unsupported: int
    unrecognized: int
    reason: str = ""


def device_rows(result: RunResult) -> tuple[DeviceRow, ...]:
    """Every known device by name, also those that gave nothing."""
    reasons = dict.fromkeys(result.snapshot.declared_nodes, "named by the topology, not collected")
    reasons |= {failure.device: failure.reason for failure in result.snapshot.failures}
    read = [_device_row(result, name) for name in result.snapshot.devices]
    missing = [
        DeviceRow(name, "", 0, 0, 0, 0, 0, reason)
        for name, reason in reasons.items()
        if name not in result.snapshot.devices
    ]
    return tuple(sorted([*read, *missing], key=lambda row: row.name))


def _device_row(result: RunResult, name: str) -> DeviceRow:
    device = result.snapshot.devices[name]
    tallies = device.tallies
    return DeviceRow(
        name,
        device.platform,
        len(device.interfaces),
        sum(tally.fact for tally in tallies),
        sum(tally.ignored for tally in tallies),
        sum(tally.unsupported for tally in tallies),
        sum(tally.unrecognized for tally in tallies),
    )


def lines_not_modelled(result: RunResult) -> tuple[AccountedLine, ...]:
    """The unsupported and unrecognized lines of all devices, those that bound nothing first."""
    fates = (LineFate.UNSUPPORTED.value, LineFate.UNRECOGNIZED.value)
    lines = {
        line for device in result.snapshot.devices.values() for line in device.lines if line.fate in fates
    }
    return tuple(sorted(lines, key=lambda line: (line.bounded, line)))


def sorted_findings(result: RunResult) -> tuple[Finding, ...]:
    """The findings, the most severe first, then by id."""
    order = list(Severity)
    return tuple(sorted(result.findings, key=lambda found: (order.index(found.severity), found.id)))


@dataclass(frozen=True, slots=True)
class ZoneRow:
    """A zone and where it is."""

    name: str
    side: str
    owner: str
    places: tuple[str, ...]


def zone_rows(result: RunResult) -> tuple[ZoneRow, ...]:
    """Every zone of the policy or of the network, by name."""
    places: dict[str, list[str]] = defaultdict(list)
    for location in sorted(result.locations, key=lambda one: (one.zone, one.device, one.interface)):
        addresses = ", ".join(location.addresses)
        place = f"{location.device}[{location.interface}] {addresses}"
        places[location.zone].append(place.strip())
    names = sorted(set(result.policy.zones) | set(places))
    return tuple(_zone_row(result, name, places[name]) for name in names)


def _zone_row(result: RunResult, name: str, places: Sequence[str]) -> ZoneRow:
    zone = result.policy.zones.get(name)
    return ZoneRow(name, (zone.side or "") if zone else "", zone.owner if zone else "", tuple(places))


def not_tested(result: RunResult, pairs: Sequence[PairStanding]) -> tuple[str, ...]:
    """What this run did not look at, so that nobody takes silence for an answer."""
    return tuple(_not_tested(result, pairs))


def _not_tested(result: RunResult, pairs: Sequence[PairStanding]) -> Iterator[str]:
    yield "The time before and after the state was taken: this is one moment, not a period."
    yield "Removable media, people, out-of-band radio, and shared accounts or cloud tenants."
    if not all(pair.verdict.pivot for pair in pairs):
        yield "Ways over a third zone whose hosts were taken over (pivots)."
    if not result.probed:
        yield "The running network: no probe was sent, so a difference from what was collected is not seen."
    unprobed = [pair for pair in pairs if not pair.observations]
    if result.probed and unprobed:
        yield f"By probe: {shortened(pair_names(unprobed), 4)}."
    asserted = {verdict.family for verdict in isolation_verdicts(result)}
    missing = [family for family in _FAMILIES if family not in asserted]
    if missing:
        yield f"{family_names(missing)}: the policy asserts nothing about it."
