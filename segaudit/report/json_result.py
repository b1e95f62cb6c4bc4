"""``result.json``: everything that a report shows, for a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from importlib.resources import files
from typing import Any, cast

from segaudit.model.device import Device
from segaudit.model.flow import Family, Flow, Protocol, Step, Trace
from segaudit.model.policy import AllowedFlow, Exemption, OwnedAssumption
from segaudit.model.probe import Observation, PositiveControls, Vantage
from segaudit.model.result import RunResult
from segaudit.model.source import AccountedLine, LineFate, LineTally, SourceSpan
from segaudit.model.verdict import (
    Assumption,
    Barrier,
    Change,
    Finding,
    Grade,
    Keystone,
    Margin,
    MatrixCell,
    PairVerdict,
    Pivot,
    Reconnection,
    RegionGraph,
    Verdict,
    Witness,
)
from segaudit.report.headline import headline
from segaudit.report.redact import redacted
from segaudit.report.sections import device_rows, sorted_findings, zone_rows
from segaudit.report.standing import PairStanding, pair_standings, shown_grade

FORMAT = "segaudit-result/1"
SCHEMA_FILE = "result-v1.schema.json"

Json = dict[str, Any]


def render_json(result: RunResult) -> str:
    """``result`` as JSON of ``FORMAT``: sorted keys, two spaces, ASCII, a newline at the end.

    Secrets are masked as in the report. Integers that a program might round (addresses) are text.
    """
    return json.dumps(_document(redacted(result)), indent=2, sort_keys=True, ensure_ascii=True) + "\n"


def result_schema() -> Json:
    """The published JSON Schema (draft 2020-12) of ``render_json``'s documents."""
    text = (files("segaudit.report") / SCHEMA_FILE).read_text(encoding="utf-8")
    return cast(Json, json.loads(text))


def _document(result: RunResult) -> Json:
    pairs = pair_standings(result)
    policy, as_of = result.policy, date.fromisoformat(result.as_of)
    observations = sorted(result.observations, key=lambda seen: seen.probe.id)
    return {
        "format": FORMAT,
        "tool": {"name": "segaudit", "version": result.tool_version},
        "as_of": result.as_of,
        "started_at": result.started_at,
        "probed": result.probed,
        "authorised_by": result.authorised_by,
        "headline": _headline(result, pairs),
        "policy": {"name": policy.name, "path": policy.path, "sha256": policy.sha256},
        "snapshot": {"taken_at": result.snapshot.taken_at},
        "zones": _zones(result),
        "verdicts": [_verdict(verdict) for verdict in result.verdicts],
        "pairs": [_standing(pair) for pair in pairs],
        "regions": [_regions(graph) for graph in result.regions],
        "matrix": [_cell(cell) for cell in sorted(result.matrix, key=_cell_order)],
        "observations": [_observation(seen) for seen in observations],
        "findings": [_finding(finding) for finding in sorted_findings(result)],
        "exceptions": [_exception(entry, as_of) for entry in policy.exceptions],
        "flows": [_flow_entry(entry, as_of) for entry in policy.flows],
        "assumptions": [_owned(entry, as_of) for entry in policy.assumptions],
        "devices": _devices(result),
    }


def _headline(result: RunResult, pairs: Sequence[PairStanding]) -> Json:
    found = headline(result, pairs)
    return {
        "tone": found.tone.value,
        "label": found.label,
        "sentence": found.sentence,
        "remarks": list(found.remarks),
    }


def _zones(result: RunResult) -> list[Json]:
    return [
        {
            "name": row.name,
            "side": row.side or None,
            "owner": row.owner,
            "places": [
                {"device": at.device, "interface": at.interface, "addresses": list(at.addresses)}
                for at in sorted(result.locations, key=lambda one: (one.device, one.interface))
                if at.zone == row.name
            ],
        }
        for row in zone_rows(result)
    ]


def _verdict(verdict: Verdict) -> Json:
    return {
        "id": verdict.id,
        "assertion": verdict.assertion,
        "kind": verdict.kind,
        "title": verdict.title,
        "direction": verdict.direction,
        "source": verdict.source,
        "destination": verdict.destination,
        "family": verdict.family.label,
        "outcome": verdict.outcome.value,
        "grade": _grade(shown_grade(verdict)),
        "severity": verdict.severity,
        "exceptions": list(verdict.exceptions),
        "expired": list(verdict.expired),
        "hostile": verdict.hostile.value if verdict.hostile else None,
        "hostile_devices": list(verdict.hostile_devices),
        "pairs": [_pair(pair) for pair in verdict.pairs],
    }


def _grade(grade: Grade | None) -> Json | None:
    return {"name": grade.value, "meaning": grade.meaning} if grade else None


def _pair(pair: PairVerdict) -> Json:
    return {
        "source_zone": pair.source_zone,
        "destination_zone": pair.destination_zone,
        "family": pair.family.label,
        "outcome": pair.outcome.value,
        "grade": _grade(pair.grade),
        "reason": pair.reason,
        "witness": _witness(pair.witness) if pair.witness else None,
        "barriers": [_barrier(barrier) for barrier in pair.barriers],
        "assumptions": [_assumption(assumption) for assumption in pair.assumptions],
        "depends_on": list(pair.depends_on),
        "excepted_by": list(pair.excepted_by),
        "spoofed_only": pair.spoofed_only,
        "own_sources": pair.own_sources.value,
        "pivot": _pivot(pair.pivot) if pair.pivot else None,
        "hostile": pair.hostile.value if pair.hostile else None,
        "hostile_reason": pair.hostile_reason,
        "margin": _margin(pair.margin) if pair.margin else None,
    }


def _pivot(pivot: Pivot) -> Json:
    return {
        "distance": pivot.distance,
        "through": [list(chain) for chain in pivot.through],
        "unclaimed": pivot.unclaimed,
    }


def _margin(margin: Margin) -> Json:
    return {
        "least": margin.least,
        "most": margin.most,
        "exact": margin.is_exact,
        "keystones": [_keystone(stone) for stone in margin.keystones],
        "reconnection": _reconnection(margin.reconnection) if margin.reconnection else None,
        "undecided": list(margin.undecided),
        "tried": margin.tried,
    }


def _keystone(stone: Keystone) -> Json:
    return {**_change(stone), "nearest_miss": _witness(stone.nearest_miss) if stone.nearest_miss else None}


def _change(of: Change | Keystone) -> Json:
    return {
        "device": of.device,
        "kind": of.kind,
        "text": of.text,
        "change": of.change,
        "span": _span(of.span),
    }


def _reconnection(found: Reconnection) -> Json:
    return {
        "changes": [_change(one) for one in found.changes],
        "nearest_miss": _witness(found.nearest_miss) if found.nearest_miss else None,
    }


def _witness(witness: Witness) -> Json:
    return {
        "origin": witness.origin,
        "source_is_own": witness.source_is_own,
        "flow": _flow(witness.flow),
        "trace": _trace(witness.trace),
    }


def _trace(trace: Trace) -> Json:
    return {
        "flow": _flow(trace.flow),
        "arrived": _flow(trace.arrived),
        "disposition": trace.disposition.value,
        "certain": trace.certain,
        "steps": [_step(step) for step in trace.steps],
    }


def _step(step: Step) -> Json:
    return {
        "device": step.device,
        "interface": step.interface,
        "action": step.action,
        "what": step.what,
        "certain": step.certain,
        "span": _span(step.span),
    }


def _flow(flow: Flow) -> Json:
    """A packet; the fields that its protocol does not have are null."""
    ported = flow.protocol in (Protocol.TCP, Protocol.UDP, Protocol.SCTP)
    icmp = flow.protocol in (Protocol.ICMP, Protocol.ICMPV6)
    return {
        "text": str(flow),
        "family": flow.family.label,
        "protocol": flow.protocol,
        "source": str(flow.source_address),
        "destination": str(flow.destination_address),
        "source_port": flow.source_port if ported else None,
        "destination_port": flow.destination_port if ported else None,
        "icmp_type": flow.icmp_type if icmp else None,
        "icmp_code": flow.icmp_code if icmp else None,
        "tcp_flags": flow.tcp_flags if flow.protocol == Protocol.TCP else None,
        "fragment": flow.fragment,
    }


def _span(span: SourceSpan | None) -> Json | None:
    if span is None:
        return None
    return {"file": span.file, "first_line": span.first_line, "last_line": span.last_line}


def _barrier(barrier: Barrier) -> Json:
    return {
        "device": barrier.device,
        "kind": barrier.kind,
        "text": barrier.text,
        "way": barrier.way,
        "span": _span(barrier.span),
    }


def _assumption(assumption: Assumption) -> Json:
    return {
        "id": assumption.id,
        "text": assumption.text,
        "owner": assumption.owner,
        "spans": [_span(span) for span in assumption.spans],
    }


def _standing(pair: PairStanding) -> Json:
    return {
        "source_zone": pair.source,
        "destination_zone": pair.destination,
        "family": pair.family.label,
        "standing": pair.standing.value,
        "note": pair.note,
        "probes": [seen.probe.id for seen in pair.observations],
        "breaches": [seen.probe.id for seen in pair.breaches],
    }


def _regions(graph: RegionGraph) -> Json:
    return {
        "family": graph.family.label,
        "regions": [
            {
                "name": one.name,
                "zones": list(one.zones),
                "wires": list(one.wires),
                "inside": list(one.inside),
                "internet": one.internet,
                "unmodelled": one.unmodelled,
                "itself": one.itself,
            }
            for one in graph.regions
        ],
        "crossings": [
            {
                "device": one.device,
                "source": one.source,
                "destination": one.destination,
                "passes": one.passes,
                "onward": one.onward,
                "filters": [{"name": found.name, "span": _span(found.span)} for found in one.filters],
            }
            for one in graph.crossings
        ],
    }


def _cell_order(cell: MatrixCell) -> tuple[str, str, Family]:
    return cell.source_zone, cell.destination_zone, cell.family


def _cell(cell: MatrixCell) -> Json:
    return {
        "source_zone": cell.source_zone,
        "destination_zone": cell.destination_zone,
        "family": cell.family.label,
        "reach": cell.reach,
        "asserted": cell.asserted,
    }


def _observation(seen: Observation) -> Json:
    probe = seen.probe
    return {
        "id": probe.id,
        "assertion": probe.assertion,
        "purpose": probe.purpose,
        "source": _vantage(probe.source),
        "destination": _vantage(probe.destination),
        "flow": _flow(probe.flow),
        "expected": probe.expected,
        "reply": seen.reply.value,
        "rejected_by": seen.rejected_by,
        "why": seen.why,
        "sent": seen.sent,
        "received": seen.received,
        "agrees": seen.agrees,
        "controls": _controls(seen.controls),
    }


def _vantage(vantage: Vantage) -> Json:
    return {
        "zone": vantage.zone,
        "device": vantage.device,
        "interface": vantage.interface,
        "family": vantage.family.label,
        "address": str(vantage.family.address(vantage.address)),
    }


def _controls(controls: PositiveControls) -> Json:
    return {
        "sender_saw_own_packet": controls.sender_saw_own_packet,
        "allowed_target_answered": controls.allowed_target_answered,
        "canary_crossed_filter": controls.canary_crossed_filter,
        "no_kernel_drops": controls.no_kernel_drops,
        "conclusive": controls.conclusive,
        "notes": list(controls.notes),
    }


def _finding(finding: Finding) -> Json:
    return {
        "id": finding.id,
        "severity": finding.severity.value,
        "title": finding.title,
        "detail": finding.detail,
        "hint": finding.hint,
        "spans": [_span(span) for span in finding.spans],
    }


def _exception(entry: Exemption, as_of: date) -> Json:
    return {
        "id": entry.id,
        "assertion": entry.assertion,
        "source": entry.source,
        "destination": entry.destination,
        "services": [service.text for service in entry.services],
        "owner": entry.owner,
        "justification": entry.justification,
        "ticket": entry.ticket,
        "expires": entry.expires.isoformat(),
        "holds": entry.holds(as_of),
        "span": _span(entry.span),
    }


def _flow_entry(entry: AllowedFlow, as_of: date) -> Json:
    return {
        "id": entry.id,
        "source": entry.source,
        "destination": entry.destination,
        "services": [service.text for service in entry.services],
        "owner": entry.owner,
        "justification": entry.justification,
        "ticket": entry.ticket,
        "expires": entry.expires.isoformat() if entry.expires else None,
        "holds": entry.expires is None or as_of <= entry.expires,
        "must_work": entry.must_work,
        "span": _span(entry.span),
    }


def _owned(entry: OwnedAssumption, as_of: date) -> Json:
    return {
        "id": entry.id,
        "claim": entry.claim.value,
        "about": entry.about.text,
        "owner": entry.owner,
        "justification": entry.justification,
        "expires": entry.expires.isoformat() if entry.expires else None,
        "holds": entry.expires is None or as_of <= entry.expires,
        "span": _span(entry.span),
    }


def _devices(result: RunResult) -> list[Json]:
    devices = result.snapshot.devices
    return [
        {
            "name": row.name,
            "collected": row.name in devices,
            "reason": row.reason,
            "platform": row.platform,
            "files": _tallies(devices.get(row.name)),
            "lines_not_modelled": _lines(devices.get(row.name)),
        }
        for row in device_rows(result)
    ]


def _tallies(device: Device | None) -> list[Json]:
    tallies = device.tallies if device else ()
    return [_tally(tally) for tally in sorted(tallies, key=lambda one: one.file)]


def _tally(tally: LineTally) -> Json:
    return {
        "file": tally.file,
        "fact": tally.fact,
        "ignored": tally.ignored,
        "unsupported": tally.unsupported,
        "unrecognized": tally.unrecognized,
    }


def _lines(device: Device | None) -> list[Json]:
    fates = (LineFate.UNSUPPORTED.value, LineFate.UNRECOGNIZED.value)
    lines = device.lines if device else ()
    return [_line(line) for line in sorted(set(lines)) if line.fate in fates]


def _line(line: AccountedLine) -> Json:
    return {
        "span": _span(line.span),
        "fate": line.fate,
        "text": line.text,
        "reason": line.reason,
        "bounded": line.bounded,
    }
