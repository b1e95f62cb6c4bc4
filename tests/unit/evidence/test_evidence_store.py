from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from segaudit.errors import RunError, VerificationError
from segaudit.evidence.store import open_store, write_atomically


def test_what_is_kept_can_be_had_again_under_its_digest(tmp_path: Path) -> None:
    store = open_store(tmp_path / "evidence")
    digest = store.put(b"hostname r1\n")
    assert digest == hashlib.sha256(b"hostname r1\n").hexdigest()
    assert store.get(digest) == b"hostname r1\n"
    assert store.path_of(digest) == tmp_path / "evidence/objects" / digest[:2] / digest
    assert stat.S_IMODE(store.path_of(digest).stat().st_mode) == 0o644


def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    first = store.put(b"x")
    before = store.path_of(first).stat().st_ino
    assert store.put(b"x") == first
    assert store.path_of(first).stat().st_ino == before
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_a_changed_object_does_not_verify_and_is_healed_by_keeping_it_again(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    digest = store.put(b"deny any")
    store.path_of(digest).write_bytes(b"permit any")
    with pytest.raises(VerificationError, match="the evidence was changed"):
        store.get(digest)
    store.put(b"deny any")
    assert store.get(digest) == b"deny any"


def test_an_absent_object(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="the evidence is missing: No such file"):
        open_store(tmp_path).get("0" * 64)


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "0" * 63, "G" * 64, "A" * 64, "0" * 64 + "\n"])
def test_not_a_digest(tmp_path: Path, digest: str) -> None:
    with pytest.raises(VerificationError, match="not a sha256 digest"):
        open_store(tmp_path).get(digest)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match="cannot make the evidence folder"):
        open_store(tmp_path / "file")


def test_a_pipe_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(RunError, match="there is something that is no file"):
        write_atomically(pipe, b"new")
    assert pipe.is_fifo()


def test_a_write_that_fails_leaves_the_old_file_and_no_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "chain.jsonl"
    write_atomically(path, b"old")

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(RunError, match="No space left on device"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
