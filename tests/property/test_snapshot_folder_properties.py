"""A snapshot comes back from the disk as it was, and no change to it on the disk goes unseen."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segaudit.documents.snapshot_folder import (
    is_device_name,
    manifest_text,
    read_snapshot,
    sha256_of,
    write_snapshot,
)
from segaudit.errors import SnapshotError
from segaudit.model.snapshot import CollectionFailure, RawConfig, RawFile, RawSnapshot
from segaudit.model.topology import Link, TerminationPoint

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
NAMES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x2FF), min_size=1, max_size=12).filter(
    is_device_name
)
LABELS = st.dictionaries(TEXT, TEXT, max_size=2)
POINTS = st.builds(TerminationPoint, TEXT, TEXT)
LINKS = st.builds(
    Link,
    st.lists(POINTS, min_size=1, max_size=3).map(tuple),
    st.sampled_from(["topology", "lldp"]),
    st.booleans(),
)


@st.composite
def _files(draw: st.DrawFn, device: str) -> tuple[RawFile, ...]:
    names = draw(st.lists(NAMES, unique=True, max_size=3))
    statuses = st.none() | st.integers(0, 255)
    return tuple(
        RawFile(
            f"devices/{device}/{name}",
            text,
            sha256_of(text),
            draw(TEXT),
            draw(TEXT),
            draw(statuses),
            draw(TEXT),
        )
        for name, text in ((name, draw(TEXT)) for name in sorted(names))
    )


@st.composite
def snapshots(draw: st.DrawFn) -> RawSnapshot:
    names = sorted(draw(st.lists(NAMES, unique=True, max_size=5)))
    configs, failures = [], []
    for name in names:
        if draw(st.booleans()):
            files = draw(_files(name))
            configs.append(RawConfig(name, draw(TEXT), files, draw(LABELS), draw(TEXT)))
        else:
            failures.append(CollectionFailure(name, draw(TEXT), draw(LABELS)))
    links = tuple(sorted(draw(st.lists(LINKS, max_size=3))))
    declared = tuple(sorted(draw(st.lists(TEXT, max_size=3))))
    return RawSnapshot("", tuple(configs), tuple(failures), links, declared, draw(TEXT))


@given(snapshots())
@settings(max_examples=60, deadline=None)
def test_round_trip(snapshot: RawSnapshot) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "snapshot"
        write_snapshot(root, snapshot)
        read = read_snapshot(root)
        assert read == replace(snapshot, root=str(root))
        assert manifest_text(read).encode() == (root / "manifest.json").read_bytes()


@given(snapshots().filter(lambda snapshot: any(config.files for config in snapshot.configs)), st.data())
@settings(max_examples=60, deadline=None)
def test_no_change_to_a_file_goes_unseen(snapshot: RawSnapshot, data: st.DataObject) -> None:
    files = [file for config in snapshot.configs for file in config.files]
    file = data.draw(st.sampled_from(files))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "snapshot"
        write_snapshot(root, snapshot)
        path = root / file.path
        before = path.read_bytes()
        change = data.draw(st.sampled_from(["delete", "append", "replace", "move", "folder"]))
        if change == "append":
            path.write_bytes(before + b"\n")
        elif change == "replace":
            path.write_bytes(b"" if before else b"x")
        elif change == "move":
            path.rename(path.with_name("zz-moved"))
        else:
            path.unlink()
            if change == "folder":
                path.mkdir()
        with pytest.raises(SnapshotError):
            read_snapshot(root)


@given(st.lists(st.sampled_from(["a", "b", ".", "..", "", "devices", "r1"]), max_size=6))
def test_no_path_leads_out_of_the_folder(parts: list[str]) -> None:
    path = "/".join(parts)
    outside = Path(tempfile.mkdtemp())
    try:
        root = outside / "in" / "snapshot"
        root.parent.mkdir()
        try:
            write_snapshot(
                root, RawSnapshot("", (RawConfig("r1", "", (RawFile(path, "x", sha256_of("x")),)),))
            )
        except SnapshotError:
            assert not root.exists()
        written = [file for file in outside.rglob("*") if file.is_file()]
        assert all(file.is_relative_to(root) for file in written)
    finally:
        shutil.rmtree(outside)
