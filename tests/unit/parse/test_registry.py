from __future__ import annotations

from types import ModuleType

import pytest

from segaudit.errors import RunError
from segaudit.model.device import Device
from segaudit.model.snapshot import Platform, RawConfig
from segaudit.parse.registry import collect_vendors, platforms, vendors
from segaudit.parse.vendor import Claim, Vendor


def vendor(name: str, platform: str = "") -> Vendor:
    return Vendor(
        name,
        Platform(platform or name, "linux", ()),
        lambda raw: Claim(name, "always"),
        lambda raw: Device(raw.device, name, {}),
    )


def module(name: str, value: object = None) -> ModuleType:
    made = ModuleType(name)
    if value is not None:
        made.VENDOR = value  # type: ignore[attr-defined]
    return made


def test_linux_is_found_without_being_named() -> None:
    assert "linux" in [found.name for found in vendors()]
    assert platforms()["linux"].netmiko_device_type == "linux"


def test_vendors_are_sorted_by_name() -> None:
    found = collect_vendors(iter([module("b", vendor("zeta")), module("a", vendor("alpha"))]))
    assert [entry.name for entry in found] == ["alpha", "zeta"]


def test_a_folder_without_vendor_is_an_error() -> None:
    with pytest.raises(RunError, match=r"segaudit\.vendors\.x: a vendor folder must expose VENDOR"):
        collect_vendors(iter([module("segaudit.vendors.x")]))


@pytest.mark.parametrize("second", [vendor("one", "other"), vendor("two", "one")])
def test_names_and_platforms_are_unique(second: Vendor) -> None:
    with pytest.raises(RunError, match="two vendors have one"):
        collect_vendors(iter([module("a", vendor("one")), module("b", second)]))


def test_a_raw_config_is_what_the_reader_gets() -> None:
    assert vendor("one").read(RawConfig("r1", "", ())).name == "r1"
