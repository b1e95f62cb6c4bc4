"""The report in a real browser: it renders, loads nothing, and its own policy blocks nothing of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from builders import results

from segaudit.model.result import RunResult
from segaudit.report.html import render_html

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--virtual-time-budget=2000",
)
PATIENCE_SECONDS = 120

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

Browse = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def browse(tmp_path: Path) -> Browse:
    """Runs Chromium on a page with a profile of its own and ends its whole process group."""

    def run(page: Path, *switches: str) -> subprocess.CompletedProcess[str]:
        command = [str(CHROMIUM), *SWITCHES, f"--user-data-dir={tmp_path / 'profile'}", *switches]
        started = subprocess.Popen(
            [*command, page.as_uri()],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            out, err = started.communicate(timeout=PATIENCE_SECONDS)
        finally:
            if started.poll() is None:
                os.killpg(started.pid, signal.SIGKILL)
                started.wait()
        return subprocess.CompletedProcess(command, started.returncode, out, err)

    return run


def written(folder: Path, result: RunResult) -> Path:
    page = folder / "report.html"
    page.write_text(render_html(result), encoding="utf-8")
    return page


def console(run: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in run.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.parametrize("name", sorted(results.EVERY))
@pytest.mark.parametrize("dark", [False, True])
def test_the_report_renders_without_a_word_on_the_console(
    name: str, dark: bool, tmp_path: Path, browse: Browse
) -> None:
    page, shot = written(tmp_path, results.EVERY[name]()), tmp_path / "shot.png"
    switches = ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if dark else []
    run = browse(page, *switches, "--window-size=1400,900", f"--screenshot={shot}")
    assert run.returncode == 0, run.stderr
    assert console(run) == []
    assert shot.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_browser_would_have_complained(tmp_path: Path, browse: Browse) -> None:
    """The twin of the test above: what the policy forbids does reach the console."""
    page = written(tmp_path, results.isolated())
    text = page.read_text(encoding="utf-8")
    for forbidden in ('<p style="color: red">x</p>', "<script>alert(1)</script>"):
        page.write_text(text.replace("<main>", f"<main>{forbidden}"), encoding="utf-8")
        assert "Content Security Policy" in " ".join(console(browse(page, "--dump-dom")))


def test_a_hostile_name_is_not_run(tmp_path: Path, browse: Browse) -> None:
    evil = "<script>document.title='owned'</script><img src=x onerror=alert(1)>"
    made = results.violated()
    first = replace(made.verdicts[0], title=evil)
    page = written(tmp_path, replace(made, verdicts=(first, *made.verdicts[1:]), authorised_by=evil))
    run = browse(page, "--dump-dom")
    assert run.returncode == 0, run.stderr
    assert console(run) == []
    assert "<script" not in run.stdout and "<img" not in run.stdout
    assert "&lt;script&gt;document.title='owned'" in run.stdout


def test_the_style_sheet_is_applied(tmp_path: Path, browse: Browse) -> None:
    """A wrong digest would leave the page bare: the two pictures must then be the same."""
    page = written(tmp_path, results.violated())
    styled, bare = tmp_path / "styled.png", tmp_path / "bare.png"
    browse(page, "--window-size=1400,900", f"--screenshot={styled}")
    text = page.read_text(encoding="utf-8").replace("style-src &#39;sha256-", "style-src &#39;sha256-x")
    page.write_text(text.replace("style-src 'sha256-", "style-src 'sha256-x"), encoding="utf-8")
    run = browse(page, "--window-size=1400,900", f"--screenshot={bare}")
    assert any("Content Security Policy" in line for line in console(run))
    assert styled.read_bytes() != bare.read_bytes()


def test_it_prints(tmp_path: Path, browse: Browse) -> None:
    page, pdf = written(tmp_path, results.excepted()), tmp_path / "report.pdf"
    run = browse(page, "--no-pdf-header-footer", f"--print-to-pdf={pdf}")
    assert run.returncode == 0, run.stderr
    content = pdf.read_bytes()
    assert content.startswith(b"%PDF-")
    assert 2 <= content.count(b"/Type /Page\n") + content.count(b"/Type /Page/") <= 12
