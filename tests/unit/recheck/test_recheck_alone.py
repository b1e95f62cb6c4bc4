"""The independent checker is small, and stands alone."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tokenize
from pathlib import Path

from segaudit import recheck

FOLDER = Path(recheck.__file__).parent
NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
}  # fmt: skip


def lines_of_code(text: str) -> set[int]:
    """The lines that are neither blank nor comment nor docstring."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    found = {
        line
        for token in tokens
        if token.type not in NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(text)):
        for one in getattr(node, "body", []) if isinstance(getattr(node, "body", []), list) else []:
            if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant):
                found -= set(range(one.lineno, (one.end_lineno or one.lineno) + 1))
    return found


def test_it_is_under_four_hundred_lines() -> None:
    assert sum(len(lines_of_code(path.read_text())) for path in FOLDER.glob("*.py")) < 400


def test_it_imports_the_standard_library_and_itself() -> None:
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] in sys.stdlib_module_names or name.startswith("segaudit.recheck")


def test_it_runs_without_the_rest_of_the_program(tmp_path: Path) -> None:
    """Its folder alone, below an empty package, with no other package to be found."""
    package = tmp_path / "segaudit"
    (package / "recheck").mkdir(parents=True)
    (package / "__init__.py").touch()
    for path in FOLDER.glob("*.py"):
        (package / "recheck" / path.name).write_text(path.read_text())
    (tmp_path / "proof").write_text("{}\n")
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM.format(folder=str(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 5, done.stderr
    assert done.stdout.startswith("proof: not verified: not a proof as it was written")


_PROGRAM = """
import runpy, sys
sys.path.insert(0, {folder!r})
sys.argv = ["recheck", {folder!r} + "/proof"]
runpy.run_module("segaudit.recheck", run_name="__main__")
"""
