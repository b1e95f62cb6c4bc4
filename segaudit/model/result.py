"""One run, whole: the input of every report and the content of ``result.json``."""

from __future__ import annotations

from dataclasses import dataclass

from segaudit.model.policy import Policy
from segaudit.model.probe import Observation
from segaudit.model.snapshot import Snapshot
from segaudit.model.verdict import Finding, MatrixCell, Outcome, RegionGraph, Verdict


@dataclass(frozen=True, slots=True)
class ZoneLocation:
    """One place that a zone's members resolved to."""

    zone: str
    device: str
    interface: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunResult:
    """Everything a report needs, and nothing that depends on where or how fast it ran.

    ``as_of`` is an ISO date; ``started_at`` ISO 8601 UTC or empty for an offline check without a
    clock. ``probed`` is false where no probe was asked for. ``excerpts`` holds the raw text of
    every file cited by a span in this result, by path. ``regions`` is empty where it was not asked for.
    """

    tool_version: str
    as_of: str
    started_at: str
    policy: Policy
    snapshot: Snapshot
    verdicts: tuple[Verdict, ...]
    matrix: tuple[MatrixCell, ...]
    locations: tuple[ZoneLocation, ...]
    findings: tuple[Finding, ...]
    observations: tuple[Observation, ...]
    probed: bool
    authorised_by: str
    excerpts: tuple[tuple[str, str], ...]
    regions: tuple[RegionGraph, ...] = ()

    @property
    def outcomes(self) -> list[Outcome]:
        """The outcome of every verdict, in order."""
        return [verdict.outcome for verdict in self.verdicts]
