"""Which files a result cites."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from segaudit.model.result import RunResult
from segaudit.model.source import SourceSpan


def cited_files(result: RunResult) -> set[str]:
    """The files of every span in the verdicts, findings, regions and lines not understood."""
    lines = [line for device in result.snapshot.devices.values() for line in device.lines]
    return {span.file for span in _spans((result.verdicts, result.findings, result.regions, lines))}


def _spans(value: Any) -> Iterator[SourceSpan]:
    if isinstance(value, SourceSpan):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _spans(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            yield from _spans(getattr(value, one.name))
