"""The command line answers at once, teaches, and turns results into exit codes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from builders.results import isolated
from click.testing import CliRunner

from segaudit.cli import main
from segaudit.cli.outcome import exit_code
from segaudit.model.result import RunResult
from segaudit.model.verdict import Outcome


def test_help_loads_nothing_heavy() -> None:
    program = "import sys; from segaudit.cli import main; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {"scapy", "netmiko", "numpy", "networkx", "oxidd", "jinja2", "rich", "pyroute2", "pydantic"}
    assert not heavy & set(done.stdout.split())


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_explains_itself(command: str) -> None:
    done = CliRunner().invoke(main, [command, "--help"])
    assert done.exit_code == 0
    assert len(done.output.splitlines()) > 5


def _with(result: RunResult, outcome: Outcome, severity: str = "medium") -> RunResult:
    first = replace(result.verdicts[0], outcome=outcome, severity=severity)
    return replace(result, verdicts=(first, *result.verdicts[1:]), observations=())


@pytest.mark.parametrize(
    ("outcome", "fail_on", "code"),
    [
        (Outcome.PROVEN, "low", 0),
        (Outcome.PROVEN_IF, "low", 0),
        (Outcome.VIOLATED, "low", 1),
        (Outcome.VIOLATED, "medium", 1),
        (Outcome.VIOLATED, "critical", 3),
        (Outcome.UNKNOWN, "low", 3),
        (Outcome.VACUOUS, "low", 3),
    ],
)
def test_exit_codes(outcome: Outcome, fail_on: str, code: int) -> None:
    assert exit_code(_with(isolated(), outcome), fail_on) == code


def test_nothing_asserted_is_not_a_pass() -> None:
    assert exit_code(replace(isolated(), verdicts=(), observations=()), "low") == 3


def test_an_interrupted_run_does_not_look_like_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("segaudit.pipeline.check_folder", interrupted)
    done = CliRunner().invoke(main, ["check", "-p", "p.yaml", "-s", "snapshot"])
    assert done.exit_code == 130
    assert "interrupted" in done.output


def test_a_wrong_option_is_a_usage_error() -> None:
    assert CliRunner().invoke(main, ["check", "--nonsense"]).exit_code == 2
