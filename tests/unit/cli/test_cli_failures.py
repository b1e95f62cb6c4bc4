"""What goes wrong is told in a line with a hint, and never ends in the exit code of a verdict."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from segaudit.cli import main
from segaudit.cli.root import _Root


def failing(failure: Exception) -> click.Group:
    """A command line whose only command fails."""

    @click.group(cls=_Root)
    def group() -> None:
        pass

    @group.command()
    def work() -> None:
        raise failure

    return group


def test_a_mistake_of_ours_is_a_broken_run_and_no_violation() -> None:
    ended = CliRunner().invoke(failing(KeyError("eth1")), ["work"])
    assert ended.exit_code == 4
    assert "error: segaudit: a mistake in segaudit; nothing was decided: KeyError: 'eth1'" in ended.stderr
    assert "  hint: report it with the lines above" in ended.stderr
    assert "Traceback" in ended.stderr
    assert ended.stdout == ""


def test_a_file_that_cannot_be_written_is_named_without_a_traceback() -> None:
    ended = CliRunner().invoke(failing(PermissionError(13, "Permission denied", "out.json")), ["work"])
    assert (ended.exit_code, ended.stderr) == (4, "error: out.json: Permission denied\n")


@pytest.mark.parametrize("content", [b"", b"\x94\x00garbage", b"version: 1\n", b'{"format": "x"}\n[]\n'])
def test_recheck_says_what_to_give_it(tmp_path: Path, content: bytes) -> None:
    proof = tmp_path / "other.proof"
    proof.write_bytes(content)
    ended = CliRunner().invoke(main, ["recheck", str(proof)])
    assert ended.exit_code == 5
    assert ended.stderr.startswith(f"error: {proof}: not verified: ")
    assert "hint: give the file that `segaudit check --proof` wrote" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 1, "usage: python -m segaudit.recheck PROOF"),
        (("absent.proof",), 5, "No such file"),
        (("one", "two"), 1, "usage: "),
    ],
)
def test_the_checker_alone_says_what_is_wrong(
    tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "segaudit.recheck", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == code
    assert said in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
