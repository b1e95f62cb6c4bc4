"""docs/vendors.md is what the command writes, and the command counts right."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from segaudit.errors import Problem, SnapshotError
from segaudit.model.device import Device
from segaudit.model.snapshot import Platform, RawConfig, RawFile
from segaudit.model.source import AccountedLine, LineTally, SourceSpan
from segaudit.parse import Vendor, vendors

_SPEC = importlib.util.spec_from_file_location("coverage_page", Path(__file__).with_name("coverage.py"))
assert _SPEC
assert _SPEC.loader
page: Any = importlib.util.module_from_spec(_SPEC)
sys.modules["coverage_page"] = page
_SPEC.loader.exec_module(page)


def test_the_page_lists_every_platform() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    table = [line for line in text.split("## ")[0].split("\n") if line.startswith("| ")][1:]
    listed = [line.split(" | ")[0].removeprefix("| ") for line in table]
    assert listed == sorted(vendor.platform.name for vendor in vendors())


def vendor_that(read: Any) -> Vendor:
    return Vendor("one", Platform("one", "none", ()), lambda _raw: None, read)


def counted(read: Any) -> Any:
    return page.read(vendor_that(read), RawConfig("d", "", (RawFile("devices/d/x", "", ""),)))


def test_lines_doubts_refusals_and_bugs_are_counted() -> None:
    span = SourceSpan("devices/d/x", 1, 1)

    def device(bounded: bool) -> Device:
        line = AccountedLine(span, "unsupported", "x", "why", bounded)
        return Device("d", "one", {}, lines=(line,), tallies=(LineTally("devices/d/x", 4, 3, 2, 1),))

    clean, doubtful = counted(lambda _raw: device(True)), counted(lambda _raw: device(False))
    assert (clean.files, clean.clean, clean.lines, clean.fact, clean.unrecognized) == (1, 1, 10, 4, 1)
    assert doubtful.clean == 0

    def refuse(_raw: RawConfig) -> Device:
        raise SnapshotError(Problem("x", "y"))

    def break_down(_raw: RawConfig) -> Device:
        raise KeyError("x")

    assert (counted(refuse).refused, counted(refuse).lines) == (1, 0)
    assert counted(break_down).broken == 1


def test_a_row_has_shares_of_all_lines_and_a_platform_its_total() -> None:
    one = page.Coverage(2, 1, 0, 0, 3, 0, 0, 1)
    text = page.page({("p", "a"): one, ("p", "b"): one, ("q", "a"): page.Coverage(1, 0, 1)})
    assert "| p | a | 2 | 1 | 0 | 0 | 4 | 75.0 % | 0.0 % | 0.0 % | 25.0 % |\n" in text
    assert "| **p** | all | 4 | 2 | 0 | 0 | 8 | 75.0 % |" in text
    assert "| q | a | 1 | 0 | 1 | 0 | 0 | - | - | - | - |\n" in text
    assert "**q**" not in text
