"""What every vendor folder must keep, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

import segaudit.vendors
from segaudit.collect.commands import refuse_unless_read_only
from segaudit.errors import SnapshotError
from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.model.source import LineFate, SourceSpan
from segaudit.parse import Vendor, detect, parse_device, vendors

ROOT = Path(segaudit.vendors.__file__).parent
VENDORS = vendors()
SAMPLES = [
    (vendor, folder)
    for vendor in VENDORS
    for folder in sorted((ROOT / vendor.name / "samples").iterdir())
    if folder.is_dir()
]


def named(value: object) -> str:
    return value.name if isinstance(value, (Vendor, Path)) else str(value)


def read(folder: Path) -> RawConfig:
    paths = sorted(folder.iterdir())
    texts = [path.read_bytes().decode() for path in paths]
    files = [
        RawFile(f"devices/{folder.name}/{path.name}", text, sha256(text.encode()).hexdigest())
        for path, text in zip(paths, texts, strict=True)
    ]
    return RawConfig(folder.name, "", tuple(files))


@pytest.mark.parametrize("vendor", VENDORS, ids=named)
def test_every_command_only_reads(vendor: Vendor) -> None:
    for command in vendor.platform.commands:
        refuse_unless_read_only(command)


@pytest.mark.parametrize("vendor", VENDORS, ids=named)
def test_every_command_has_a_file_of_its_own(vendor: Vendor) -> None:
    files = [command.file for command in vendor.platform.commands]
    assert len(set(files)) == len(files)
    assert all("/" not in file for file in files)


@pytest.mark.parametrize("vendor", VENDORS, ids=named)
def test_the_folder_says_what_absent_lines_mean(vendor: Vendor) -> None:
    notes = (ROOT / vendor.name / "NOTES.md").read_text(encoding="utf-8")
    assert "default" in notes.lower()
    assert "Source" in notes


@pytest.mark.parametrize("vendor", VENDORS, ids=named)
def test_no_vendor_imports_another(vendor: Vendor) -> None:
    others = {other.name for other in VENDORS} - {vendor.name}
    for path in (ROOT / vendor.name).rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not [other for other in others if f"segaudit.vendors.{other}" in text], path


@pytest.mark.parametrize(("vendor", "folder"), SAMPLES, ids=named)
def test_only_the_vendor_claims_its_sample(vendor: Vendor, folder: Path) -> None:
    raw = read(folder)
    assert detect(raw, VENDORS) is vendor
    claim = vendor.claims(raw)
    assert claim is not None
    assert claim.reason


@pytest.mark.parametrize(("vendor", "folder"), SAMPLES, ids=named)
def test_every_sample_has_a_golden_file(vendor: Vendor, folder: Path) -> None:
    assert folder.with_suffix(".golden.json").exists()


@pytest.mark.parametrize(("vendor", "folder"), SAMPLES, ids=named)
def test_every_line_of_a_sample_has_one_fate(vendor: Vendor, folder: Path) -> None:
    raw = read(folder)
    device = parse_device(raw)
    totals = {tally.file: tally.total for tally in device.tallies}
    expected = {file.path: sum(1 for line in file.text.split("\n") if line.strip()) for file in raw.files}
    assert totals == expected


@pytest.mark.parametrize(("vendor", "folder"), SAMPLES, ids=named)
def test_every_span_lies_in_its_file(vendor: Vendor, folder: Path) -> None:
    raw = read(folder)
    device = parse_device(raw)
    lengths = {file.path: len(file.text.split("\n")) for file in raw.files}
    for span in spans(device):
        assert 1 <= span.first_line <= span.last_line <= lengths[span.file], span


def spans(device: Device) -> Iterator[SourceSpan]:
    yield from (line.span for line in device.lines)
    yield from (interface.span for interface in device.interfaces.values() if interface.span)
    yield from (route.span for route in device.routes if route.span)
    yield from (rule.span for rule in device.rules if rule.span)
    yield from (neighbour.span for neighbour in device.neighbours if neighbour.span)
    yield from (route.config_span for route in device.routes if route.config_span)
    yield from (ace.span for acl in device.acls.values() for ace in acl.aces if ace.span)


@pytest.mark.parametrize(("vendor", "folder"), SAMPLES, ids=named)
def test_the_same_files_give_the_same_device(vendor: Vendor, folder: Path) -> None:
    raw = read(folder)
    backwards = RawConfig(raw.device, raw.platform, tuple(reversed(raw.files)))
    assert repr(parse_device(raw)) == repr(parse_device(backwards))


@pytest.mark.parametrize(("vendor", "folder"), SAMPLES, ids=named)
def test_lines_that_are_no_facts_give_a_reason(vendor: Vendor, folder: Path) -> None:
    for line in parse_device(read(folder)).lines:
        assert line.reason, line
        assert LineFate(line.fate) is not LineFate.FACT
        assert line.bounded or line.fate != LineFate.IGNORED.value


@pytest.mark.parametrize(("vendor", "folder"), SAMPLES, ids=named)
def test_terminal_codes_and_carriage_returns_change_nothing(vendor: Vendor, folder: Path) -> None:
    raw = read(folder)
    device = parse_device(raw)
    noisy = [
        RawFile(file.path, "\x1b[?2004l" + file.text.replace("\n", "\r\n"), file.sha256)
        for file in raw.files
    ]
    again = parse_device(RawConfig(raw.device, "", tuple(noisy)))
    assert again.routes == device.routes
    assert again.interfaces == device.interfaces
    assert again.acls == device.acls
    assert again.rules == device.rules


@pytest.mark.parametrize(("vendor", "folder"), SAMPLES, ids=named)
def test_a_device_cut_anywhere_is_refused_or_doubtful(vendor: Vendor, folder: Path) -> None:
    """Half of any file must never read like a healthy device with less in it."""
    raw = read(folder)
    for at, file in enumerate(raw.files):
        if not file.name.endswith(".json") or len(file.text.split("\n")) < 5:
            continue
        cut = RawFile(file.path, file.text[: len(file.text) // 2], file.sha256)
        files = (*raw.files[:at], cut, *raw.files[at + 1 :])
        try:
            device = parse_device(RawConfig(raw.device, "", files))
        except SnapshotError:
            continue
        assert [line for line in device.lines if line.span.file == file.path and line.fate != "fact"], file
