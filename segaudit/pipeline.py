"""The whole path on one screen: collect -> parse -> locate -> judge -> probe -> report, wiring only."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from segaudit import __version__
from segaudit.collect.inventory_records import Inventory
from segaudit.collect.run import Progress as CollectProgress
from segaudit.collect.run import collect
from segaudit.documents.cache_folder import cache_folder
from segaudit.documents.snapshot_folder import read_snapshot
from segaudit.evidence.chain import EvidenceItem, EvidenceKind, record_run, snapshot_item
from segaudit.evidence.store import open_store, write_atomically
from segaudit.executors import Means, workers
from segaudit.judge import Expectation, Judgement, judge, with_barriers, with_margins
from segaudit.judge.certificate import certificate
from segaudit.judge.judgement import Progress
from segaudit.judge.regions import region_graph
from segaudit.model.policy import UNASSIGNED
from segaudit.model.probe import ProbePlan, Vantage
from segaudit.model.result import RunResult
from segaudit.model.snapshot import RawSnapshot
from segaudit.model.topology import TerminationPoint
from segaudit.model.verdict import Verdict
from segaudit.parse import parse_snapshot, platforms, vendors
from segaudit.policy import ZoneMap, locate, read_policy
from segaudit.probe.compare import compare
from segaudit.probe.plan import plan_probes, unprobed_pairs
from segaudit.probe.scope import Authorisation
from segaudit.probe.session import run_session
from segaudit.probe.transport import Transport
from segaudit.report.citations import cited_files
from segaudit.report.html import render_html
from segaudit.report.json_result import render_json

ALONE = Means()
"""This process, and nothing kept."""


@dataclass(frozen=True, slots=True)
class Audit:
    """A judged snapshot: the result so far, and what further questions need."""

    result: RunResult
    judgement: Judgement
    zones: ZoneMap
    raw: RawSnapshot


def pull(
    inventory: Inventory, jobs: int = 20, progress: Callable[[CollectProgress], None] | None = None
) -> RawSnapshot:
    """Collect from every device of an inventory; a device that fails is a value in the snapshot."""
    return asyncio.run(collect(inventory, platforms(), jobs=jobs, progress=progress))


def check(
    policy_path: Path,
    raw: RawSnapshot,
    as_of: date,
    progress: Progress | None = None,
    started_at: str = "",
    means: Means = ALONE,
) -> Audit:
    """Judge a snapshot by a policy."""
    policy = read_policy(policy_path)
    snapshot = parse_snapshot(raw, vendors())
    zones = locate(policy, snapshot)
    with workers(means) as hands, cache_folder(means.cache) as kept:
        judgement = judge(policy, snapshot, zones, as_of, progress, hands, kept)
    result = RunResult(
        tool_version=__version__,
        as_of=as_of.isoformat(),
        started_at=started_at,
        policy=policy,
        snapshot=snapshot,
        verdicts=judgement.verdicts,
        matrix=judgement.matrix,
        locations=zones.locations,
        findings=judgement.findings,
        observations=(),
        probed=False,
        authorised_by="",
        excerpts=(),
    )
    return Audit(_with_excerpts(result, raw), judgement, zones, raw)


def check_folder(
    policy_path: Path,
    folder: Path,
    as_of: date,
    progress: Progress | None = None,
    means: Means = ALONE,
) -> Audit:
    """Judge a snapshot folder by a policy."""
    return check(policy_path, read_snapshot(folder), as_of, progress, means=means)


def strengthened(audit: Audit, id: str = "", progress: Progress | None = None) -> Audit:
    """The audit with the margins of the verdicts that ``id`` names; of all isolations where it is empty.

    ``id`` is an assertion, or one with direction, or one with direction and family.
    """
    as_of = date.fromisoformat(audit.result.as_of)
    return _with_verdicts(audit, with_margins(audit.judgement, as_of, _named(id), progress=progress))


def crossed(audit: Audit, id: str = "", progress: Progress | None = None) -> Audit:
    """The audit with what blocks every way across, for the verdicts that ``id`` names (see above)."""
    verdicts = audit.result.verdicts
    return _with_verdicts(
        audit, with_barriers(verdicts, audit.judgement.prover, _named(id), progress=progress)
    )


def with_regions(audit: Audit) -> Audit:
    """The audit with the regions that no filter divides, and the filters between them."""
    prover = audit.judgement.prover
    families = sorted({verdict.family for verdict in audit.result.verdicts})
    regions = tuple(region_graph(prover, family) for family in families)
    return replace(audit, result=_with_excerpts(replace(audit.result, regions=regions), audit.raw))


def _named(id: str) -> Callable[[Verdict], bool]:
    return lambda verdict: not id or f"{verdict.id}/".startswith(f"{id}/")


def _with_verdicts(audit: Audit, verdicts: tuple[Verdict, ...]) -> Audit:
    result = _with_excerpts(replace(audit.result, verdicts=verdicts), audit.raw)
    return replace(audit, result=result, judgement=replace(audit.judgement, verdicts=verdicts))


def vantages(audit: Audit, devices: Iterable[str] | None = None) -> tuple[Vantage, ...]:
    """Every place of a zone where an agent can run: its end hosts.

    A host forwards nothing, or has one wire only, so that it stands between no two networks.
    ``devices`` restricts them to devices that can be reached.
    """
    wires = audit.judgement.prover.wires()
    reachable = None if devices is None else set(devices)
    found = []
    for place in audit.zones.locations:
        device = audit.result.snapshot.devices[place.device]
        points = (TerminationPoint(device.name, name) for name in device.interfaces)
        wired = [point.interface for point in points if len(wires.get(point, ())) > 1]
        is_host = place.interface in wired and (len(wired) == 1 or not device.forwards)
        if (
            place.zone == UNASSIGNED
            or not is_host
            or (reachable is not None and device.name not in reachable)
        ):
            continue
        for address in device.interfaces[place.interface].addresses:
            if not address.family.address(address.address).is_link_local:
                ends = (place.zone, place.device, place.interface, address.family, address.address)
                found.append(Vantage(*ends))
    return tuple(sorted(found))


def plan(audit: Audit, places: tuple[Vantage, ...], spoofed_sources: bool = False) -> ProbePlan:
    """The probes that would contradict the verdicts if the model were wrong."""
    expectation = Expectation(audit.judgement.prover, places)
    pairs = [pair for verdict in audit.result.verdicts for pair in verdict.pairs]
    return plan_probes(
        audit.result.policy,
        pairs,
        places,
        expectation.of,
        expectation.control_for,
        spoofed_sources=spoofed_sources,
    )


def measure(
    audit: Audit,
    authorisation: Authorisation,
    transports: Mapping[str, Transport],
    progress: Callable[[str], None] = lambda _: None,
) -> Audit:
    """Probe from every reachable vantage and hold the observations against the model."""
    places = vantages(audit, transports)
    probes = plan(audit, places, authorisation.spoofed_sources)
    run = run_session(
        probes, authorisation, transports.__getitem__, run_key=os.urandom(32), progress=progress
    )
    found = (*compare(run.observations), *unprobed_pairs(audit.result.policy, places))
    result = replace(
        audit.result,
        observations=run.observations,
        probed=True,
        authorised_by=authorisation.authorised_by,
        findings=audit.result.findings + found,
    )
    return replace(audit, result=_with_excerpts(result, audit.raw))


def write_reports(audit: Audit, folder: Path, evidence: Path | None = None) -> dict[str, Path]:
    """Write report.html and result.json into ``folder`` and record the run in the evidence chain."""
    audit = with_regions(crossed(audit))
    texts = {"report.html": render_html(audit.result), "result.json": render_json(audit.result)}
    for name, text in texts.items():
        write_atomically(folder / name, text.encode())
    if evidence is not None:
        _record(audit, folder.name, texts, evidence)
    return {name: folder / name for name in texts}


def write_proof(audit: Audit, path: Path) -> None:
    """Write the proof of every pair that is proven, for the independent checker (``segaudit.recheck``)."""
    text = certificate(audit.judgement, date.fromisoformat(audit.result.as_of))
    write_atomically(path, text.encode())


def _record(audit: Audit, run: str, texts: Mapping[str, str], evidence: Path) -> None:
    policy = audit.result.policy
    kinds = {"result.json": EvidenceKind.VERDICTS, "report.html": EvidenceKind.REPORT}
    items = [
        snapshot_item(audit.raw),
        EvidenceItem(EvidenceKind.POLICY, ((policy.name, Path(policy.path).read_bytes()),)),
        *(EvidenceItem(kinds[name], ((name, text.encode()),)) for name, text in texts.items()),
    ]
    record_run(open_store(evidence), run, now().strftime("%Y-%m-%dT%H:%M:%SZ"), items)


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def _with_excerpts(result: RunResult, raw: RawSnapshot) -> RunResult:
    """The result with the text of every file that it cites."""
    texts = {file.path: file.text for config in raw.configs for file in config.files}
    policy = Path(result.policy.path)
    if policy.is_file():
        texts[result.policy.path] = policy.read_text(encoding="utf-8")
    cited = sorted(cited_files(result) & texts.keys())
    return replace(result, excerpts=tuple((path, texts[path]) for path in cited))
