"""Model against measurement: every disagreement becomes a finding, severity by what it means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from segaudit.model.flow import Family
from segaudit.model.probe import Observation, Reply
from segaudit.model.verdict import Finding, Severity

PairKey = tuple[str, str, str, Family]
"""Assertion, source zone, destination zone, family."""

_MOST_LISTED = 10

_WHY_DELIVERED = (
    "Likely reasons, most frequent first: the filter that runs is not the one that was collected "
    "(rules not loaded, or changed since); a device or link that was not collected; a translation or "
    "tunnel that the model does not see; a defect of the model."
)
_WHY_SILENT = (
    "Something that the model does not know stops it: a host firewall, a device that was not collected, "
    "a rule loaded since. Nobody owns that control in the policy."
)


def compare(observations: Sequence[Observation]) -> tuple[Finding, ...]:
    """Findings, worst first: contradictions, measured but undecided by the model, unmodelled controls.

    One per assertion, zone pair and family, with the packets that show it. An inconclusive
    observation never makes one.
    """
    return (
        *_findings("CONTRA", Severity.CRITICAL, observations, "none", _arrived),
        *_findings("MEASURED", Severity.HIGH, observations, "unknown", _arrived),
        *_findings("UNMODELLED", Severity.MEDIUM, observations, "delivered", _stopped),
    )


def _arrived(observation: Observation) -> bool:
    return observation.reply is Reply.DELIVERED


def _stopped(observation: Observation) -> bool:
    return observation.reply in (Reply.SILENT, Reply.REJECTED)


_TITLES = {
    "CONTRA": "the model says blocked, the probe was delivered",
    "MEASURED": "the model could not decide, the probe was delivered",
    "UNMODELLED": "unmodelled control, not isolation evidence",
}
_DETAILS = {
    "CONTRA": _WHY_DELIVERED,
    "MEASURED": "The packet crossed: what the model lacks there is not a barrier.",
    "UNMODELLED": _WHY_SILENT,
}
_HINTS = {
    "CONTRA": "compare the rules loaded on the way with the collected ones, collect and probe again",
    "MEASURED": "collect what the verdict says is missing",
    "UNMODELLED": "find what stops it, and put it under the policy or take it away",
}


def _findings(
    prefix: str,
    severity: Severity,
    observations: Iterable[Observation],
    expected: str,
    shows: Callable[[Observation], bool],
) -> list[Finding]:
    groups: dict[PairKey, list[Observation]] = {}
    for observation in observations:
        if observation.probe.expected == expected and shows(observation):
            groups.setdefault(_pair(observation), []).append(observation)
    return [
        _finding(f"{prefix}-{number}", prefix, severity, pair, groups[pair])
        for number, pair in enumerate(sorted(groups), 1)
    ]


def _pair(observation: Observation) -> PairKey:
    probe = observation.probe
    return probe.assertion, probe.source.zone, probe.destination.zone, probe.flow.family


def _finding(
    name: str, prefix: str, severity: Severity, pair: PairKey, observations: Sequence[Observation]
) -> Finding:
    assertion, source, destination, family = pair
    title = f"{assertion}: {source} to {destination} in {family.label}: {_TITLES[prefix]}"
    shown = [_line(observation) for observation in observations[:_MOST_LISTED]]
    if len(observations) > _MOST_LISTED:
        shown.append(f"and {len(observations) - _MOST_LISTED} more")
    return Finding(name, severity, title, "\n".join([*shown, _DETAILS[prefix]]), hint=_HINTS[prefix])


def _line(observation: Observation) -> str:
    probe = observation.probe
    came = f" ({observation.why})" if observation.why else ""
    return f"{probe.id} {probe.flow} from {probe.source}: {observation.reply.value}{came}"
