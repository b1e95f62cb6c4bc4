from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segaudit.documents import snapshot_folder
from segaudit.documents.snapshot_folder import manifest_text, read_snapshot, sha256_of, write_snapshot
from segaudit.errors import SnapshotError
from segaudit.model.snapshot import CollectionFailure, RawConfig, RawFile, RawSnapshot
from segaudit.model.topology import Link, TerminationPoint


def _file(path: str, text: str, **more: Any) -> RawFile:
    return RawFile(path, text, sha256_of(text), **more)


def _snapshot(root: str = "") -> RawSnapshot:
    r1 = RawConfig(
        "r1",
        "linux",
        (
            _file("devices/r1/ip-link.json", "[]\r\n", command="ip -j link show", exit_status=0),
            _file(
                "devices/r1/nftables.txt",
                "nicht da: nft\n",
                exit_status=127,
                taken_at="2026-01-02T03:04:05Z",
            ),
        ),
        {"site": "Köln"},
        "SHA256:abc",
    )
    r2 = RawConfig("r2", "", (_file("devices/r2/frr.conf", "hostname r2", stderr="# a warning\n"),))
    wire = Link((TerminationPoint("r1", "eth1"), TerminationPoint("r2", "eth1")), "topology")
    segment = Link(tuple(TerminationPoint(f"r{n}", "eth2") for n in (1, 2, 3)), "lldp", closed=False)
    lost = CollectionFailure("r3", "connection refused at 192.0.2.3", {"site": "Bonn"})
    return RawSnapshot(
        root, (r1, r2), (lost,), (wire, segment), ("isp", "r1", "r2", "r3"), "2026-01-02T03:04:05Z"
    )


def _written(tmp_path: Path) -> Path:
    write_snapshot(tmp_path / "s", _snapshot())
    return tmp_path / "s"


def _refusal(root: Path) -> str:
    with pytest.raises(SnapshotError) as caught:
        read_snapshot(root)
    return str(caught.value)


def _edited(root: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    manifest = json.loads((root / "manifest.json").read_text())
    change(manifest)
    (root / "manifest.json").write_text(json.dumps(manifest))
    return root


# ---- with a manifest


def test_round_trip(tmp_path: Path) -> None:
    root = _written(tmp_path)
    assert read_snapshot(root) == _snapshot(str(root))
    assert (root / "devices/r1/ip-link.json").read_bytes() == b"[]\r\n"


def test_the_same_snapshot_gives_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    one = _snapshot()
    other = RawSnapshot(
        "elsewhere",
        tuple(
            RawConfig(c.device, c.platform, c.files[::-1], c.labels, c.host_key_fingerprint)
            for c in reversed(one.configs)
        ),
        one.failures,
        one.links[::-1],
        one.declared_nodes[::-1],
        one.taken_at,
    )
    assert manifest_text(one) == manifest_text(other)
    write_snapshot(tmp_path / "a", one)
    write_snapshot(tmp_path / "b", other)
    names = sorted(
        path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file()
    )
    assert [str(name) for name in names] == [
        "devices/r1/ip-link.json",
        "devices/r1/nftables.txt",
        "devices/r2/frr.conf",
        "manifest.json",
    ]
    assert all(
        (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names
    )


def test_a_changed_file(tmp_path: Path) -> None:
    root = _written(tmp_path)
    (root / "devices/r2/frr.conf").write_text("hostname r2\nip forwarding\n")
    message = _refusal(root)
    assert f"{root}/devices/r2/frr.conf: changed since it was collected: sha256 " in message
    assert "hint: delete manifest.json" in message


def test_a_missing_file(tmp_path: Path) -> None:
    root = _written(tmp_path)
    (root / "devices/r2/frr.conf").unlink()
    assert f"{root}/devices/r2/frr.conf: the file is missing" in _refusal(root)


def test_an_unlisted_file_is_not_passed_over(tmp_path: Path) -> None:
    root = _written(tmp_path)
    (root / "devices/r2/extra.txt").write_text("x")
    (root / "devices/r9").mkdir()
    (root / "devices/r9/config").write_text("x")
    message = _refusal(root)
    assert f"{root}/devices/r2/extra.txt: the manifest does not list this file" in message
    assert f"{root}/devices/r9/config: the manifest does not list this file" in message


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "/etc/passwd", "devices/r1/../../x", "devices/r2/frr.conf"]
)
def test_a_path_out_of_the_devices_folder(tmp_path: Path, path: str) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["devices"]["r1"]["files"][0]["path"] = path

    assert f"devices.r1.files[0].path: leads out of the device's folder: {path}" in _refusal(
        _edited(_written(tmp_path), change)
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(version=2), "version: unknown version of the manifest: 2\n  hint: known: 1"),
        (lambda m: m.update(format="x"), "format: not a segaudit-snapshot manifest"),
        (lambda m: m.update(devices=[]), "devices: must be an object"),
        (lambda m: m["devices"].update(r1=3), "devices.r1: must be an object"),
        (lambda m: m["devices"]["r1"].update(files={}), "devices.r1.files: must be a list"),
        (lambda m: m["devices"]["r1"].update(platform=1), "devices.r1.platform: must be a string: 1"),
        (lambda m: m["devices"]["r1"].update(labels={"a": 1}), "devices.r1.labels: must hold only strings"),
        (
            lambda m: m["devices"]["r1"]["files"][0].update(exit_status="0"),
            "devices.r1.files[0].exit_status: must be a whole number or null: '0'",
        ),
        (lambda m: m["failures"].update(r3="gone"), "failures.r3: must be an object"),
        (lambda m: m["failures"].update(r1={"reason": "?"}), "the device is in the snapshot twice: r1"),
        (
            lambda m: m["links"][0].update(ends=[["r1"]]),
            "links[0].ends: must be a list of [device, interface]",
        ),
        (lambda m: m["links"][0].update(closed="yes"), "links[0].closed: must be true or false: 'yes'"),
        (lambda m: m.update(declared_nodes=[1]), "declared_nodes: must hold only strings"),
    ],
)
def test_a_malformed_manifest(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    assert message in _refusal(_edited(_written(tmp_path), change))


def test_a_manifest_that_is_not_json(tmp_path: Path) -> None:
    root = _written(tmp_path)
    (root / "manifest.json").write_text('{\n  "format": oops\n}')
    assert f"{root}/manifest.json:2:13: not valid JSON: Expecting value" in _refusal(root)
    (root / "manifest.json").write_text('{"format": "segaudit-snapshot", "format": "segaudit-snapshot"}')
    assert "duplicate key: format" in _refusal(root)
    (root / "manifest.json").write_text("[" * 100_000)
    assert "nested too deeply" in _refusal(root)


# ---- without one


def test_device_folders(tmp_path: Path) -> None:
    for path in ("devices/b/two.json", "devices/b/one.txt", "a/etc/frr/frr.conf", "c.cfg", "configs/d.cfg"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(f"{path}\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/config").write_text("not a device")
    read = read_snapshot(tmp_path)
    assert {config.device: [file.path for file in config.files] for config in read.configs} == {
        "a": ["a/etc/frr/frr.conf"],
        "b": ["devices/b/one.txt", "devices/b/two.json"],
        "c": ["c.cfg"],
        "d": ["configs/d.cfg"],
    }
    assert [config.platform for config in read.configs] == [""] * 4
    one = read.configs[1].files[0]
    assert (one.text, one.sha256) == ("devices/b/one.txt\n", sha256_of("devices/b/one.txt\n"))


def test_the_wiring_of_a_lab(tmp_path: Path) -> None:
    (tmp_path / "r1").mkdir()
    (tmp_path / "r1/frr.conf").write_text("x")
    (tmp_path / "topology-data.json").write_text(
        '{"name": "lab", "nodes": {"r1": {"kind": "linux"}, "r2": {"kind": "linux"}}, '
        '"links": [{"endpoints": {"a": {"node": "r1", "interface": "eth1"}, '
        '"z": {"node": "r2", "interface": "eth1"}}}]}'
    )
    read = read_snapshot(tmp_path)
    assert read.declared_nodes == ("r1", "r2")
    assert read.links == (
        Link((TerminationPoint("r1", "eth1"), TerminationPoint("r2", "eth1")), "topology"),
    )


def test_an_empty_device_folder_is_a_failure_and_not_forgotten(tmp_path: Path) -> None:
    (tmp_path / "devices/r1").mkdir(parents=True)
    (tmp_path / "devices/r2").mkdir()
    (tmp_path / "devices/r2/x").write_text("x")
    read = read_snapshot(tmp_path)
    assert [failure.device for failure in read.failures] == ["r1"]
    assert [config.device for config in read.configs] == ["r2"]


def test_one_device_in_two_places(tmp_path: Path) -> None:
    (tmp_path / "r1").mkdir()
    (tmp_path / "r1/a.txt").write_text("x")
    (tmp_path / "r1.cfg").write_text("x")
    assert "the device is in the snapshot twice: r1" in _refusal(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    assert f"{tmp_path}/no: no such snapshot folder" in _refusal(tmp_path / "no")
    assert "the snapshot folder holds no device" in _refusal(tmp_path)
    (tmp_path / "file").write_text("x")
    assert "not a folder" in _refusal(tmp_path / "file")


# ---- files that are none


def test_a_symlink_out_of_the_folder(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("key material")
    root = tmp_path / "s"
    (root / "r1").mkdir(parents=True)
    (root / "r1/config").symlink_to(secret)
    assert f"{root}/r1/config: leads out of the snapshot folder" in _refusal(root)
    (root / "r1/config").unlink()
    (root / "r1/deeper").symlink_to(tmp_path)
    assert "leads out of the snapshot folder" in _refusal(root)
    (root / "r1/deeper").unlink()
    (root / "r2").symlink_to(tmp_path)
    assert "leads out of the snapshot folder" in _refusal(root)


def test_a_symlinked_manifest(tmp_path: Path) -> None:
    root = _written(tmp_path)
    (root / "manifest.json").rename(tmp_path / "outside.json")
    (root / "manifest.json").symlink_to(tmp_path / "outside.json")
    assert "leads out of the snapshot folder" in _refusal(root)
    (tmp_path / "outside.json").unlink()
    assert "leads out of the snapshot folder" in _refusal(root), "a dangling manifest is not no manifest"


def test_not_regular(tmp_path: Path) -> None:
    (tmp_path / "r1").mkdir()
    os.mkfifo(tmp_path / "r1/pipe")
    assert f"{tmp_path}/r1/pipe: not a regular file" in _refusal(tmp_path)


def test_not_text(tmp_path: Path) -> None:
    (tmp_path / "r1").mkdir()
    (tmp_path / "r1/core").write_bytes(b"ELF\0")
    assert "r1/core: not a text file: NUL at byte 3" in _refusal(tmp_path)
    (tmp_path / "r1/core").write_bytes(b"caf\xe9")
    assert "r1/core: not UTF-8 text: byte 3" in _refusal(tmp_path)


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "r1").mkdir()
    with (tmp_path / "r1/log").open("wb") as file:
        file.truncate(snapshot_folder.MAX_FILE_BYTES + 1)
    assert "r1/log: the file is too large: 64 MB, the limit is 64 MB" in _refusal(tmp_path)


# ---- writing


def test_an_existing_folder_is_not_written_into(tmp_path: Path) -> None:
    root = _written(tmp_path)
    with pytest.raises(SnapshotError, match="not empty"):
        write_snapshot(root, _snapshot())
    (tmp_path / "empty").mkdir()
    write_snapshot(tmp_path / "empty", _snapshot())
    assert read_snapshot(tmp_path / "empty").configs


@pytest.mark.parametrize("path", ["../r1/x", "devices/r1/../../x", "/tmp/x", "devices/r2/x", "devices/r1/"])
def test_a_file_name_that_leaves_the_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(SnapshotError, match="not below its device's folder"):
        write_snapshot(tmp_path / "s", RawSnapshot("", (RawConfig("r1", "", (_file(path, "x"),)),)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", ".hidden", "a\nb", "c:d"])
def test_a_device_name_that_is_no_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(SnapshotError, match="not usable as a device name"):
        write_snapshot(tmp_path / "s", RawSnapshot("", (), (CollectionFailure(name, "?"),)))


def test_a_device_twice(tmp_path: Path) -> None:
    twice = RawSnapshot("", (RawConfig("r1", "", ()), RawConfig("r1", "", ())))
    with pytest.raises(SnapshotError, match="twice: r1"):
        write_snapshot(tmp_path / "s", twice)


def test_nothing_is_left_of_a_snapshot_that_could_not_be_written(tmp_path: Path) -> None:
    clash = RawConfig("r1", "", (_file("devices/r1/a", "x"), _file("devices/r1/a/b", "x")))
    with pytest.raises(SnapshotError, match="cannot write the snapshot"):
        write_snapshot(tmp_path / "s", RawSnapshot("", (clash,)))
    assert list(tmp_path.iterdir()) == []
