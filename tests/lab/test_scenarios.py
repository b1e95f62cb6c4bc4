"""Every scenario of labs/ end to end: lab up, collect, prove, probe, and the verdict that must follow."""

from __future__ import annotations

from datetime import date
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from builders.labs import skip_without_lab

from segaudit.cli.labs import audited
from segaudit.cli.outcome import exit_code
from segaudit.lab.runtime import lab
from segaudit.lab.scenario import Scenario, read_scenario
from segaudit.model.flow import Family
from segaudit.model.probe import Observation, Reply
from segaudit.model.result import RunResult
from segaudit.model.verdict import PairVerdict, Verdict
from segaudit.report.html import render_html
from segaudit.report.json_result import render_json

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = sorted(folder for folder in (ROOT / "labs").iterdir() if (folder / "scenario.yml").is_file())
AS_OF = date(2026, 11, 24)

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("folder", SCENARIOS, ids=lambda folder: folder.name)
def test_scenario(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAB_LABDIR_BASE", str(tmp_path))
    scenario = read_scenario(folder)
    policy = scenario.topology / "policy.yaml"
    skip_without_lab(folder)
    with lab(folder, name=f"scenario-{folder.name[:2]}") as running:
        result = audited(folder, running, policy, AS_OF).result
    problems = [*_outcomes(scenario, result), *_witness(scenario, result), *_probes(scenario, result)]
    problems += [*_collection(scenario, result), *_dependence(scenario, result)]
    wanted = int(scenario.expect["exit_code"])
    if (found := exit_code(result, "low")) != wanted:
        problems.append(f"exit code {found}, expected {wanted}")
    assert not problems, "\n".join([*problems, *_told(result)])
    assert "<script" not in render_html(result)
    assert render_json(result).endswith("\n")


def _verdicts(result: RunResult) -> dict[str, Verdict]:
    return {verdict.id: verdict for verdict in result.verdicts}


def _outcomes(scenario: Scenario, result: RunResult) -> list[str]:
    verdicts = _verdicts(result)
    wrong = []
    for name, wanted in scenario.expect["outcomes"].items():
        found = verdicts[name].outcome.value
        if found not in (wanted if isinstance(wanted, list) else [wanted]):
            wrong.append(f"{name}: {found}, expected {wanted}")
    return wrong


def _witness(scenario: Scenario, result: RunResult) -> list[str]:
    """The witness must go the way that was opened, and cite the lines that opened it."""
    wanted: dict[str, Any] = scenario.expect.get("witness", {})
    if not wanted:
        return []
    pairs = [pair for pair in _verdicts(result)[wanted["assertion"]].pairs if pair.witness]
    if any(not _witness_problems(wanted, pair, result) for pair in pairs):
        return []
    return [problem for pair in pairs for problem in _witness_problems(wanted, pair, result)] or [
        "no witness"
    ]


def _witness_problems(wanted: dict[str, Any], pair: PairVerdict, result: RunResult) -> list[str]:
    assert pair.witness is not None
    flow, steps = pair.witness.flow, pair.witness.trace.steps
    problems = []
    if "service" in wanted:
        protocol, _, port = str(wanted["service"]).partition("/")
        if (flow.protocol, flow.destination_port) != ({"tcp": 6, "udp": 17}[protocol], int(port)):
            problems.append(f"witness is {flow}, expected {wanted['service']}")
    if "destination" in wanted and ip_address(str(flow.destination_address)) not in ip_network(
        wanted["destination"]
    ):
        problems.append(f"witness goes to {flow.destination_address}, expected {wanted['destination']}")
    if "through" in wanted and wanted["through"] not in {step.device for step in steps}:
        problems.append(f"witness does not pass {wanted['through']}")
    texts = dict(result.excerpts)
    cited = [
        (step.span.file, texts[step.span.file].splitlines()[step.span.first_line - 1])
        for step in steps
        if step.span
    ]
    for cite in wanted.get("cites", ()):
        if not any(cite["file"] in file and cite["text"] in line for file, line in cited):
            problems.append(f"witness does not cite {cite['file']}: {cite['text']}; it cites {cited}")
    return problems


def _probes(scenario: Scenario, result: RunResult) -> list[str]:
    expect = scenario.expect
    crossing = [seen for seen in result.observations if seen.probe.purpose in ("isolation", "witness")]
    delivered = [seen for seen in crossing if seen.reply is Reply.DELIVERED]
    problems = [] if crossing else ["nothing was probed"]
    if expect["probe"] == "silent":
        problems += [f"delivered: {seen.probe.flow}" for seen in delivered]
        inconclusive = [seen for seen in crossing if seen.reply is Reply.INCONCLUSIVE]
        if not expect.get("depends_on"):
            problems += [
                f"inconclusive: {seen.probe.source} -> {seen.probe.flow}: {seen.why}"
                for seen in inconclusive[:10]
            ]
    for wanted in expect.get("delivered", ()):
        if not any(_is(seen, wanted) for seen in delivered):
            problems.append(f"not delivered: {wanted}")
    contradicted = [finding for finding in result.findings if finding.id.startswith("CONTRA")]
    if bool(contradicted) is not (expect["contradiction"] == "true"):
        problems.append(f"contradictions: {[finding.title for finding in contradicted]}")
    return problems


def _is(seen: Observation, wanted: dict[str, str]) -> bool:
    probe = seen.probe
    protocol, _, port = wanted["service"].partition("/")
    return (
        (probe.source.device, probe.destination.device) == (wanted["from"], wanted["to"])
        and probe.flow.family is (Family.IPV4 if wanted["family"] == "ipv4" else Family.IPV6)
        and probe.flow.protocol == {"tcp": 6, "udp": 17}[protocol]
        and probe.flow.destination_port == int(port)
    )


def _collection(scenario: Scenario, result: RunResult) -> list[str]:
    failed = {failure.device for failure in result.snapshot.failures}
    wanted = set(scenario.expect.get("failed_collection", ()))
    return [] if failed == wanted else [f"not collected: {sorted(failed)}, expected {sorted(wanted)}"]


def _dependence(scenario: Scenario, result: RunResult) -> list[str]:
    device = scenario.expect.get("depends_on")
    named = [line for verdict in result.verdicts for pair in verdict.pairs for line in pair.depends_on]
    return (
        []
        if not device or any(device in line for line in named)
        else [f"no verdict names {device}: {named[:5]}"]
    )


def _told(result: RunResult) -> list[str]:
    return [
        f"  {verdict.id} {pair.source_zone}->{pair.destination_zone}: {pair.outcome.value} {pair.reason} "
        f"{pair.witness.flow if pair.witness else ''} {pair.depends_on[:2]}"
        for verdict in result.verdicts
        for pair in verdict.pairs
        if pair.outcome.value not in ("PROVEN",)
    ]
