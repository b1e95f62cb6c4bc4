"""Bad input through the command line: exit 2, the whole message on stderr, nothing on stdout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
GOOD = HERE / "policy" / "expired-exception" / "policy.yaml"
"""A well-formed policy whose exception holds until 2027-03-31."""
BEFORE, AFTER = "2027-03-31", "2027-04-01"


def segaudit(case: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from segaudit.cli import main; main()", *arguments],
        cwd=case,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def assert_refused(run: subprocess.CompletedProcess[str], case: Path) -> None:
    assert run.returncode == 2, run.stderr
    assert run.stdout == ""
    for line in (case / "expected.txt").read_text(encoding="utf-8").splitlines():
        assert line.strip() in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    "name", ["not-yaml", "not-utf8", "zone-empty", "flow-crosses-isolation", "long-text", "many-at-once"]
)
def test_a_malformed_policy(name: str) -> None:
    case = HERE / "policy" / name
    assert_refused(segaudit(case, "validate", "-p", "policy.yaml"), case)


def test_an_expired_exception_is_refused_from_the_day_after_its_last() -> None:
    assert_refused(segaudit(GOOD.parent, "validate", "-p", "policy.yaml", "--as-of", AFTER), GOOD.parent)
    held = segaudit(GOOD.parent, "validate", "-p", "policy.yaml", "--as-of", BEFORE)
    assert (held.returncode, held.stderr) == (0, "")


@pytest.mark.parametrize("name", ["no-folder", "manifest-not-json", "binary", "platform-unknown"])
@pytest.mark.parametrize("command", ["validate", "check"])
def test_a_snapshot_that_cannot_be_read(command: str, name: str) -> None:
    case = HERE / "snapshot" / name
    arguments = ("-p", str(GOOD), "--as-of", BEFORE, "-s", "snapshot")
    assert_refused(segaudit(case, command, *arguments), case)


@pytest.mark.parametrize("name", ["not-yaml", "duplicate-address", "literal-password"])
def test_a_malformed_inventory(name: str, tmp_path: Path) -> None:
    case = HERE / "inventory" / name
    assert_refused(segaudit(case, "collect", "-i", ".", "-o", str(tmp_path / "snapshot")), case)
    assert not (tmp_path / "snapshot").exists()


@pytest.mark.parametrize("name", ["not-yaml", "interface-used-twice", "duplicate-address"])
def test_a_malformed_topology_brings_nothing_up(name: str) -> None:
    case = HERE / "topology" / name
    assert_refused(segaudit(case, "lab", "up", "lab.clab.yml"), case)
    assert sorted(path.name for path in case.iterdir()) == ["expected.txt", "lab.clab.yml"]
