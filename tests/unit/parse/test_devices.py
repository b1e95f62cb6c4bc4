from __future__ import annotations

import pytest

from segaudit.errors import SnapshotError
from segaudit.model.device import Device
from segaudit.model.snapshot import CollectionFailure, Platform, RawConfig, RawFile, RawSnapshot
from segaudit.model.topology import Link, TerminationPoint
from segaudit.parse.devices import parse_device, parse_snapshot
from segaudit.parse.vendor import Claim, Vendor


def read(raw: RawConfig) -> Device:
    text = raw.files[0].text
    if text == "garbage":
        raise SnapshotError.because(f"{raw.files[0].path}:3", "not what the command prints", "line")
    if text == "bug":
        raise KeyError("ifname")
    return Device(raw.device, "alpha", {}, labels=raw.labels)


ALPHA = Vendor(
    "alpha",
    Platform("alpha", "linux", ()),
    lambda raw: Claim("alpha", "it has state.txt") if raw.file("state.txt") else None,
    read,
)


def raw(name: str, text: str = "fine", file: str = "state.txt", **labels: str) -> RawConfig:
    return RawConfig(name, "", (RawFile(f"devices/{name}/{file}", text, ""),), labels)


def test_one_device() -> None:
    assert parse_device(raw("r1"), [ALPHA]).name == "r1"


def test_broken_devices_are_values_and_stop_nobody() -> None:
    snapshot = parse_snapshot(
        RawSnapshot("x", (raw("r3", "bug"), raw("r2", "garbage", site="north"), raw("r1"))), [ALPHA]
    )
    assert list(snapshot.devices) == ["r1"]
    assert [failure.device for failure in snapshot.failures] == ["r2", "r3"]
    assert snapshot.failures[0].reason == "devices/r2/state.txt:3: not what the command prints: line"
    assert snapshot.failures[0].labels == {"site": "north"}
    assert snapshot.failures[1].reason == "the alpha reader broke: KeyError: 'ifname'"


def test_what_collection_said_is_carried_over() -> None:
    link = Link((TerminationPoint("r1", "eth1"), TerminationPoint("r9", "eth1")), "topology")
    lost = CollectionFailure("r9", "timed out")
    snapshot = parse_snapshot(
        RawSnapshot("x", (raw("r1"),), (lost,), (link,), ("r1", "r9"), "2026-01-01T00:00:00Z"), [ALPHA]
    )
    assert snapshot.failures == (lost,)
    assert snapshot.links == (link,)
    assert snapshot.declared_nodes == ("r1", "r9")
    assert snapshot.taken_at == "2026-01-01T00:00:00Z"


def test_devices_are_sorted_whatever_the_order_of_files() -> None:
    configs = (raw("r2"), raw("r1"))
    assert list(parse_snapshot(RawSnapshot("x", configs), [ALPHA]).devices) == ["r1", "r2"]


def test_all_refusals_are_told_at_once() -> None:
    with pytest.raises(SnapshotError) as refused:
        parse_snapshot(RawSnapshot("x", (raw("r1", file="a"), raw("r2", file="b"), raw("r3"))), [ALPHA])
    assert [problem.where for problem in refused.value.problems] == ["device 'r1'", "device 'r2'"]


@pytest.mark.parametrize("failures", [(), (CollectionFailure("r1", "lost"),)])
def test_two_devices_of_one_name_are_an_error(failures: tuple[CollectionFailure, ...]) -> None:
    configs = (raw("r1"), raw("r1")) if not failures else (raw("r1"),)
    with pytest.raises(SnapshotError, match="device 'r1': two devices have one name"):
        parse_snapshot(RawSnapshot("x", configs, failures), [ALPHA])
