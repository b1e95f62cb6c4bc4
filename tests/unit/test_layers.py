"""The import contracts hold, and fail when violated."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [program, "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(folder)},
        check=False,
    )


def copied(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "segaudit", tmp_path / "segaudit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold(tmp_path: Path) -> None:
    done = lint(copied(tmp_path))
    assert done.returncode == 0, done.stdout


def test_an_upward_import_is_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    guilty = folder / "segaudit" / "packets" / "space.py"
    guilty.write_text(guilty.read_text() + "\nfrom segaudit.judge import judge  # noqa\n")
    done = lint(folder)
    assert done.returncode != 0
    assert "segaudit.packets is not allowed to import segaudit.judge" in done.stdout


def test_a_second_door_to_a_library_is_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    guilty = folder / "segaudit" / "judge" / "pairs.py"
    guilty.write_text(guilty.read_text() + "\nimport oxidd  # noqa\n")
    done = lint(folder)
    assert done.returncode != 0
    assert "Only packets knows the BDD library BROKEN" in done.stdout


def test_the_independent_checker_may_not_see_the_prover(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    guilty = folder / "segaudit" / "recheck" / "rules.py"
    guilty.write_text(guilty.read_text() + "\nfrom segaudit.model.flow import Family  # noqa\n")
    done = lint(folder)
    assert done.returncode != 0
    assert "The independent checker stands alone BROKEN" in done.stdout
