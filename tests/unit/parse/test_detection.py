from __future__ import annotations

import pytest

from segaudit.errors import SnapshotError
from segaudit.model.device import Device
from segaudit.model.snapshot import Platform, RawConfig, RawFile
from segaudit.parse.detection import detect
from segaudit.parse.vendor import Claim, Vendor


def vendor(name: str, claimed_file: str) -> Vendor:
    def claims(raw: RawConfig) -> Claim | None:
        return Claim(name, f"it has {claimed_file}") if raw.file(claimed_file) else None

    return Vendor(name, Platform(name, "linux", ()), claims, lambda raw: Device(raw.device, name, {}))


def raw(*files: str, platform: str = "") -> RawConfig:
    return RawConfig("fw1", platform, tuple(RawFile(f"devices/fw1/{name}", "", "") for name in files))


ALPHA, BETA = vendor("alpha", "a.txt"), vendor("beta", "b.txt")


def test_the_only_claimant_reads() -> None:
    assert detect(raw("b.txt", "c.txt"), [ALPHA, BETA]) is BETA


def test_no_claimant_is_refused_with_files_and_platforms() -> None:
    with pytest.raises(SnapshotError) as refused:
        detect(raw("c.txt"), [ALPHA, BETA])
    assert str(refused.value) == (
        "device 'fw1': no platform claims this device: devices/fw1/c.txt\n"
        "  hint: platforms that can be read: alpha, beta"
    )


def test_two_claimants_are_refused_with_their_reasons() -> None:
    with pytest.raises(SnapshotError) as refused:
        detect(raw("a.txt", "b.txt"), [ALPHA, BETA])
    assert "alpha (it has a.txt); beta (it has b.txt)" in str(refused.value)
    assert "state the platform" in str(refused.value)


def test_a_stated_platform_decides_between_claimants() -> None:
    assert detect(raw("a.txt", "b.txt", platform="beta"), [ALPHA, BETA]) is BETA


def test_a_stated_platform_without_its_files_is_left_to_its_reader() -> None:
    assert detect(raw(platform="beta"), [ALPHA, BETA]) is BETA


def test_a_stated_platform_that_the_files_contradict_is_refused() -> None:
    with pytest.raises(SnapshotError, match="not those of the stated platform 'beta'"):
        detect(raw("a.txt", platform="beta"), [ALPHA, BETA])


def test_an_unknown_platform_is_refused_with_the_nearest() -> None:
    with pytest.raises(SnapshotError, match=r"unknown platform: alpa\n  hint: did you mean 'alpha'"):
        detect(raw("a.txt", platform="alpa"), [ALPHA, BETA])


def test_a_device_without_files_is_refused() -> None:
    with pytest.raises(SnapshotError, match="no files"):
        detect(raw(), [ALPHA])
