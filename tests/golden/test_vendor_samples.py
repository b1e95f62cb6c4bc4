"""Every vendor's samples against the golden JSON beside them, found by folder.

``SEGAUDIT_UPDATE_GOLDEN=1 pytest tests/golden`` rewrites the golden files; read the difference before
you keep it.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import segaudit.vendors
from segaudit.model.acl import AddressIn, AddressMasked
from segaudit.model.device import Device, Interface, InterfaceAddress, Neighbour, NextHop, Route
from segaudit.model.flow import Family
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.model.source import AccountedLine, LineTally, SourceSpan
from segaudit.parse import parse_device

VENDORS = Path(segaudit.vendors.__file__).parent
SAMPLES = sorted(folder for folder in VENDORS.glob("*/samples/*") if folder.is_dir())


def read_sample(folder: Path) -> RawConfig:
    files = []
    for path in sorted(folder.iterdir()):
        text = path.read_bytes().decode()
        files.append(RawFile(f"devices/{folder.name}/{path.name}", text, sha256(text.encode()).hexdigest()))
    return RawConfig(folder.name, "", tuple(files))


def plain(value: Any) -> Any:
    """A value as JSON that a reviewer can read: addresses spelled out, defaults left out."""
    if isinstance(value, Enum) and not isinstance(value, Family):
        return value.value
    if isinstance(value, (frozenset, set)):
        return sorted((plain(item) for item in value), key=json.dumps)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return spelled(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value


def spelled(value: Any) -> Any:
    match value:
        case SourceSpan():
            return f"{value.file.rsplit('/', 1)[-1]}:{value.first_line}-{value.last_line}"
        case InterfaceAddress():
            return str(value)
        case NextHop(interface, address, family):
            via = f"via {family.address(address)} " if family and address is not None else ""
            return f"{via}dev {interface}"
        case AddressIn(end, family, ranges):
            return f"{end.value} {[f'{family.address(a)}..{family.address(b)}' for a, b in ranges]}"
        case AddressMasked(end, family, number, mask):
            return f"{end.value} & {family.address(mask)} == {family.address(number)}"
        case AccountedLine(span, fate, text, reason, bounded):
            return f"{spelled(span)} {fate}{'' if bounded else ' UNBOUNDED'}: {text} -- {reason}"
        case LineTally():
            return dataclasses.astuple(value)
    fields = {"is": type(value).__name__} | {
        field.name: plain(getattr(value, field.name))
        for field in dataclasses.fields(value)
        if getattr(value, field.name) != field.default
    }
    if isinstance(value, Neighbour):
        fields |= {"address": str(value.family.address(value.address))}
    if isinstance(value, Route):
        fields |= {"prefix": str(value)}
        fields.pop("prefix_length", None)
    if isinstance(value, (Device, Interface, Route)):
        fields.pop("is")
    return fields


@pytest.mark.parametrize("folder", SAMPLES, ids=lambda folder: f"{folder.parents[1].name}-{folder.name}")
def test_sample_is_read_as_its_golden_file_says(folder: Path) -> None:
    golden = folder.with_suffix(".golden.json")
    got = json.dumps(plain(parse_device(read_sample(folder))), indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("SEGAUDIT_UPDATE_GOLDEN"):
        golden.write_text(got, encoding="utf-8")
    assert golden.exists(), f"{golden} is missing: run with SEGAUDIT_UPDATE_GOLDEN=1 and read what it wrote"
    assert got == golden.read_text(encoding="utf-8")


def test_every_vendor_has_samples() -> None:
    vendors = {folder.name for folder in VENDORS.iterdir() if (folder / "__init__.py").exists()}
    assert vendors == {folder.parents[1].name for folder in SAMPLES}
