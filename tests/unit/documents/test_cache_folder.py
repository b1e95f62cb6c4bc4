"""What is not exactly what was kept is not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from segaudit.documents.cache_folder import CacheFolder, cache_folder, user_cache_folder


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


def test_what_is_kept_is_found_by_another_run(tmp_path: Path) -> None:
    CacheFolder(tmp_path / "new" / "folder").keep("key", b"content\x00")
    again = CacheFolder(tmp_path / "new" / "folder")
    assert again.get("key") == b"content\x00"
    assert again.get("other") is None


@pytest.mark.parametrize("at", [0, 20, 60, -1])
def test_a_changed_byte_anywhere_loses_the_entry(tmp_path: Path, at: int) -> None:
    cache = CacheFolder(tmp_path)
    cache.keep("key", b"a" * 40)
    (path,) = _files(tmp_path)
    stored = bytearray(path.read_bytes())
    stored[at] ^= 1
    path.write_bytes(bytes(stored))
    assert cache.get("key") is None
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"segaudit cache 0\n" + b"\x00" * 40, b"x"])
def test_another_format_is_no_entry(tmp_path: Path, content: bytes) -> None:
    cache = CacheFolder(tmp_path)
    cache.keep("key", b"content")
    _files(tmp_path)[0].write_bytes(content)
    assert cache.get("key") is None


def test_a_cut_entry_is_no_entry(tmp_path: Path) -> None:
    cache = CacheFolder(tmp_path)
    cache.keep("key", b"content")
    (path,) = _files(tmp_path)
    path.write_bytes(path.read_bytes()[:-3])
    assert cache.get("key") is None


def test_an_entry_under_the_name_of_another_is_no_entry(tmp_path: Path) -> None:
    cache = CacheFolder(tmp_path)
    cache.keep("one", b"content")
    (path,) = _files(tmp_path)
    path.rename(path.with_name(path.name.replace("one", "two")))
    assert cache.get("two") is None


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    cache = CacheFolder(tmp_path, most_bytes=350)
    for age, key in enumerate(("new", "middle", "old")):
        cache.keep(key, key.encode() * 20)
        path = next(path for path in _files(tmp_path) if key in path.name)
        os.utime(path, (1000 - age, 1000 - age))
    assert cache.get("old") == b"old" * 20  # and so it is the newest
    cache.trim()
    assert [cache.get(key) is not None for key in ("old", "new", "middle")] == [True, True, False]
    assert sum(path.stat().st_size for path in _files(tmp_path)) <= 350


def test_a_block_ends_with_a_trimmed_folder(tmp_path: Path) -> None:
    for number in range(3):
        CacheFolder(tmp_path).keep(str(number), b"x" * 100)
    leftover = tmp_path / "half-written"
    leftover.write_bytes(b"x" * 100)
    os.utime(leftover, (1, 1))
    with cache_folder(tmp_path) as cache:
        assert cache is not None
        cache._most_bytes = 500
    assert not leftover.exists()
    assert len(_files(tmp_path)) == 3


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_a_folder_that_others_may_write_to_is_not_used(tmp_path: Path) -> None:
    CacheFolder(tmp_path).keep("key", b"content")
    tmp_path.chmod(0o777)
    assert CacheFolder(tmp_path).get("key") is None
    tmp_path.chmod(0o700)
    assert CacheFolder(tmp_path).get("key") == b"content"


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = CacheFolder(tmp_path / "file" / "folder")
    cache.keep("key", b"content")
    cache.trim()
    assert cache.get("key") is None


def test_the_folder_is_where_xdg_says() -> None:
    assert user_cache_folder({"XDG_CACHE_HOME": "/c", "HOME": "/h"}) == Path("/c/segaudit")
    assert user_cache_folder({"XDG_CACHE_HOME": "relative", "HOME": "/h"}) == Path("/h/.cache/segaudit")
    assert user_cache_folder({"HOME": "/h"}) == Path("/h/.cache/segaudit")
