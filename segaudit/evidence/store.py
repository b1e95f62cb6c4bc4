"""Bytes under their own SHA-256: ``objects/<first two digits>/<digest>``."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from segaudit.errors import RunError, VerificationError

_DIGEST = re.compile(r"[0-9a-f]{64}")
_OBJECTS = "objects"


@dataclass(frozen=True, slots=True)
class Store:
    """An evidence folder; safe to use from several processes at once."""

    root: Path

    def put(self, content: bytes) -> str:
        """Keep ``content`` and return its digest; on return it is on the disk, whole.

        Raises:
            RunError: it cannot be written.
        """
        digest = hashlib.sha256(content).hexdigest()
        path = self.path_of(digest)
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            write_atomically(path, content)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes kept under ``digest``.

        Raises:
            VerificationError: absent, unreadable, or no longer what was kept.
        """
        path = self.path_of(digest)
        try:
            content = path.read_bytes()
        except OSError as failure:
            what = failure.strerror or str(failure)
            raise VerificationError.because(str(path), "the evidence is missing", what) from failure
        found = hashlib.sha256(content).hexdigest()
        if found != digest:
            raise VerificationError.because(str(path), "the evidence was changed", f"sha256 {found}")
        return content

    def path_of(self, digest: str) -> Path:
        """Where the bytes of ``digest`` are kept.

        Raises:
            VerificationError: ``digest`` is not a SHA-256 in hexadecimal.
        """
        if not _DIGEST.fullmatch(digest):
            raise VerificationError.because(str(self.root), "not a sha256 digest", repr(digest))
        return self.root / _OBJECTS / digest[:2] / digest


def open_store(path: Path) -> Store:
    """The evidence folder at ``path``, made where it does not exist.

    Raises:
        RunError: it cannot be made.
    """
    try:
        (path / _OBJECTS).mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        what = failure.strerror or str(failure)
        raise RunError.because(str(path), "cannot make the evidence folder", what) from failure
    return Store(path)


def write_atomically(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path``: after a crash there is the old file or the new one, never a part.

    Raises:
        RunError: it cannot be written, or is a device or a pipe, which a file would replace.
    """
    if path.exists() and not path.is_file():
        raise RunError.because(str(path), "cannot write the file", "there is something that is no file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content)
    except OSError as failure:
        what = failure.strerror or str(failure)
        raise RunError.because(str(path), "cannot write the file", what) from failure


def _replace(path: Path, content: bytes) -> None:
    descriptor, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
        _flush_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """A rename is on the disk when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
