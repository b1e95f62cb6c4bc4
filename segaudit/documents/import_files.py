"""Files that someone gathered, as the devices of a snapshot: what is taken, and what is left and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from segaudit.documents.snapshot_folder import DEVICES, MAX_FILE_BYTES, is_device_name, sha256_of
from segaudit.errors import Problem, SnapshotError
from segaudit.model.snapshot import CollectionFailure, RawConfig, RawFile, RawSnapshot
from segaudit.model.topology import Link

_SUFFIXES = frozenset(
    {".cfg", ".conf", ".config", ".cnf", ".txt", ".xml", ".set", ".json", ".boot", ".rsc"}
)
"""Endings that are not part of a host name; ``r1.example.com`` has none."""

_NO_CONFIG = re.compile(
    r"(?i)(?:readme|licen[cs]e|notice|changelog|makefile|cvsroot|router\.db|requirements)(?:\..*)?"
    r"|.*\.(?:md|rst|png|jpe?g|gif|svg|pdf|ya?ml|py|sh|zip|gz|tgz|tar|pickle|db|log|html?|csv|lock|gpg|pem|key|pub)"
)
_LFS = b"version https://git-lfs.github.com/spec/"
_CONFIG_FOLDERS = frozenset({"configs", "config"})


@dataclass(frozen=True, slots=True)
class Left:
    """Something of the source that is not in the snapshot."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """A snapshot made of a source, what was left, and notes on how it was read."""

    snapshot: RawSnapshot
    left: tuple[Left, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the source; ``path`` is relative to it, with forward slashes."""

    path: str
    content: bytes
    taken_at: str = ""


@dataclass(slots=True)
class Gathering:
    """Devices while their files are found."""

    files: dict[str, list[RawFile]] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[CollectionFailure] = field(default_factory=list)

    def add(self, device: str, name: str, found: Found) -> None:
        """Take a file of a device, or leave it with the reason."""
        text, why = readable(found)
        if text is None:
            self.left.append(Left(found.path, why))
            return
        if why:
            self.notes.append(f"{found.path}: {why}")
        path = f"{DEVICES}/{device}/{name}"
        self.files.setdefault(device, []).append(
            RawFile(path, text, sha256_of(text), taken_at=found.taken_at)
        )

    def imported(
        self,
        where: str,
        links: Iterable[Link] = (),
        declared: Iterable[str] = (),
        taken_at: str = "",
    ) -> Imported:
        """All of it as a snapshot.

        Raises:
            SnapshotError: no device is in it, or a device's name cannot be a folder's.
        """
        wrong = sorted(name for name in self.files if not is_device_name(name))
        if wrong:
            raise SnapshotError(
                Problem(where, "not usable as a device name", ", ".join(wrong), "rename the file")
            )
        if not self.files:
            first = f"{self.left[0].path}: {self.left[0].reason}" if self.left else ""
            left = f"{len(self.left)} left, the first is {first}" if self.left else ""
            hint = "give a folder of configs, a Batfish snapshot, a git repository, or a lab folder"
            raise SnapshotError(Problem(where, "no device's configuration is here", left, hint))
        configs = tuple(
            RawConfig(device, "", tuple(sorted(files, key=lambda file: file.path)))
            for device, files in sorted(self.files.items())
        )
        lost = tuple(one for one in self.failures if one.device not in self.files)
        snapshot = RawSnapshot(
            "", configs, tuple(sorted(lost, key=lambda one: one.device)), tuple(sorted(set(links))),
            tuple(sorted(set(declared))), taken_at,
        )  # fmt: skip
        return Imported(snapshot, tuple(self.left), tuple(self.notes))


# ---- which file is which device's ---------------------------------------------------------------


def device_name(path: str) -> str:
    """The device that a file on its own is the configuration of."""
    name = PurePosixPath(path).name
    suffix = PurePosixPath(name).suffix.lower()
    return name[: -len(suffix)] if suffix in _SUFFIXES and len(name) > len(suffix) else name


def each_a_device(found: Iterable[Found]) -> Gathering:
    """One device per file: RANCID, Oxidized, flat folders.

    Where two files would be one device's, each is called by its folders, too.
    """
    files = sorted(found, key=lambda one: one.path)
    gathering = Gathering()
    kept = [one for one in files if _may_be_config(one, gathering)]
    counts = Counter(device_name(one.path) for one in kept)
    for one in kept:
        name = device_name(one.path)
        if counts[name] > 1:
            name = ".".join((*_folders(one.path), name))
            gathering.notes.append(f"{one.path}: called {name}, since another file has its name")
        gathering.add(name, PurePosixPath(one.path).name, one)
    return gathering


def each_folder_a_device(found: Iterable[Found]) -> Gathering:
    """One device per folder, and one per file that is in none.

    ``configs/`` and ``devices/`` hold devices, as the source itself does.
    """
    gathering = Gathering()
    for one in sorted(found, key=lambda one: one.path):
        if not _may_be_config(one, gathering):
            continue
        parts = one.path.split("/")
        if parts[0] in (*_CONFIG_FOLDERS, DEVICES) and len(parts) > 1:
            parts = parts[1:]
        device = device_name(parts[0]) if len(parts) == 1 else parts[0]
        gathering.add(device, "/".join(parts[1:]) or parts[0], one)
    return gathering


def _folders(path: str) -> tuple[str, ...]:
    return tuple(part for part in PurePosixPath(path).parts[:-1] if part not in _CONFIG_FOLDERS)


def _may_be_config(one: Found, gathering: Gathering) -> bool:
    parts = PurePosixPath(one.path).parts
    if any(part.startswith(".") or part == "CVS" for part in parts):
        gathering.left.append(Left(one.path, "hidden"))
    elif _NO_CONFIG.fullmatch(parts[-1]):
        gathering.left.append(Left(one.path, "no configuration, by its name"))
    else:
        return True
    return False


# ---- texts --------------------------------------------------------------------------------------


def readable(found: Found) -> tuple[str | None, str]:
    """The text of a file and a note on it; ``None`` and the reason where it has none."""
    content = found.content
    if not content.strip():
        return None, "empty"
    if len(content) > MAX_FILE_BYTES:
        return None, f"larger than {MAX_FILE_BYTES // 2**20} MB"
    if content.startswith(_LFS):
        return None, "a Git LFS pointer: the file itself is elsewhere"
    if b"\0" in content:
        return None, "not text"
    try:
        return content.decode(), ""
    except UnicodeDecodeError as failure:
        return content.decode("latin-1"), f"not UTF-8 at byte {failure.start}, read as Latin-1"


def files_below(root: Path) -> Iterator[Found]:
    """Every regular file of a folder; links that lead out of it are not followed.

    Raises:
        SnapshotError: a file cannot be read.
    """
    base = root.resolve()
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root)
        if ".git" in inside.parts or not path.is_file() or not path.resolve().is_relative_to(base):
            continue
        try:
            yield Found(inside.as_posix(), path.read_bytes())
        except OSError as failure:
            raise SnapshotError.because(
                str(path), "cannot read the file", failure.strerror or ""
            ) from failure
