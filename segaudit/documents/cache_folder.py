"""A bounded folder of things that can be made again: a lost, foreign or damaged entry is not there.

Every entry begins with a line that names the format, and with the SHA-256 of its key and content.
Entries are replaced whole, so that several runs may share a folder; the least recently used go first.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp

_FORMAT = b"segaudit cache 1\n"
_SUFFIX = ".entry"

DEFAULT_MOST_BYTES = 512 << 20


def user_cache_folder(environment: Mapping[str, str]) -> Path:
    """Where this user's caches are (XDG Base Directory Specification 0.8)."""
    named = Path(environment.get("XDG_CACHE_HOME", ""))
    base = named if named.is_absolute() else Path(environment.get("HOME", "~")).expanduser() / ".cache"
    return base / "segaudit"


class CacheFolder:
    """Entries by key; keys are file names.

    Nobody is told where an entry cannot be written: it is made again the next time.

    Args:
        folder: made where it is missing. Not used at all where other users could write to it.
        most_bytes: kept by ``trim``.
    """

    def __init__(self, folder: Path, most_bytes: int = DEFAULT_MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._usable = _own_folder(folder)

    def get(self, key: str) -> bytes | None:
        """What was kept under ``key``, to the byte, or nothing."""
        if not self._usable:
            return None
        path = self._path(key)
        try:
            stored = path.read_bytes()
        except OSError:
            return None
        head = len(_FORMAT) + sha256().digest_size
        content = stored[head:]
        if stored[:head] != _head(key, content):
            with suppress(OSError):
                path.unlink()
            return None
        with suppress(OSError):
            os.utime(path)
        return content

    def keep(self, key: str, data: bytes) -> None:
        """Keep ``data`` under ``key``."""
        if not self._usable:
            return
        with suppress(OSError):
            _replace(self._path(key), _head(key, data) + data)

    def trim(self) -> None:
        """Drop the least recently used entries until the rest is small enough."""
        entries = sorted(self._entries(), reverse=True)
        kept = 0
        for _, size, path in entries:
            kept += size
            if kept > self._most_bytes:
                with suppress(OSError):
                    path.unlink()

    def _entries(self) -> Iterator[tuple[int, int, Path]]:
        """Last use, size and path of every file; what a killed run left half written is among them."""
        for path in self._folder.iterdir() if self._usable else ():
            with suppress(OSError):
                known = path.stat()
                yield known.st_mtime_ns, known.st_size, path

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{_SUFFIX}"


@contextmanager
def cache_folder(folder: Path | None) -> Iterator[CacheFolder | None]:
    """A cache that is trimmed at the end of the block; none without a folder."""
    cache = CacheFolder(folder) if folder is not None else None
    try:
        yield cache
    finally:
        if cache is not None:
            cache.trim()


def _head(key: str, data: bytes) -> bytes:
    return _FORMAT + sha256(key.encode() + b"\n" + data).digest()


def _replace(path: Path, data: bytes) -> None:
    handle, name = mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _own_folder(folder: Path) -> bool:
    """True where the folder is there and nobody else may write to it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        known = folder.stat()
    except OSError:
        return False
    others = known.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return os.name != "posix" or (known.st_uid == os.geteuid() and not others)
