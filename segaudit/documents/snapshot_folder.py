"""A snapshot on disk: ``manifest.json`` and ``devices/<device>/<file>``, byte for byte as pulled.

With a manifest, the folder is read only where every file is there, is listed, and has the digest
that was recorded. Without one (configs gathered by hand) these layouts are understood, together or
apart: ``devices/<name>/...``, ``<name>/...``, flat files in the folder itself or in ``configs/``
(each stem one device), and beside them containerlab's ``topology-data.json`` for the wiring. Links
come from nowhere else. Names that start with a dot are not read.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from segaudit.documents.topology_data import FILE_NAME, read_topology_data
from segaudit.errors import Problem, SnapshotError
from segaudit.model.snapshot import CollectionFailure, RawConfig, RawFile, RawSnapshot
from segaudit.model.topology import Link, TerminationPoint

MANIFEST = "manifest.json"
DEVICES = "devices"
CONFIGS = "configs"
FORMAT = "segaudit-snapshot"
VERSION = 1
MAX_FILE_BYTES = 64 * 1024 * 1024

_FRESH = "delete manifest.json to read the folder as plain configs, or collect again"


def is_device_name(name: str) -> bool:
    """True where ``name`` can be a folder of its own: no separator, no leading dot, nothing unprintable."""
    return bool(name) and not name.startswith(".") and name.isprintable() and not set(name) & set("/\\:\0")


def sha256_of(text: str) -> str:
    """The digest of ``text`` as UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


# ---- writing ----------------------------------------------------------------------------------


def write_snapshot(root: Path, snapshot: RawSnapshot) -> None:
    """Write ``snapshot`` to the new folder ``root``, whole or not at all; same snapshot, same bytes.

    The folder is built beside its place and renamed into it.

    Raises:
        SnapshotError: ``root`` exists and is not an empty folder, cannot be written, or a device or
            file name would leave its folder.
    """
    problems = list(_name_problems(snapshot, str(root)))
    if problems:
        raise SnapshotError(*problems)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise SnapshotError.because(str(root), "the snapshot folder is not empty", hint="name a new folder")
    building = root.with_name(f".{root.name}.{os.getpid()}.partial")
    try:
        building.mkdir(parents=True)
        _write_files(building, snapshot)
        building.rename(root)
    except OSError as failure:
        raise SnapshotError.because(str(root), "cannot write the snapshot", _reason(failure)) from failure
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _name_problems(snapshot: RawSnapshot, shown: str) -> Iterator[Problem]:
    names = [config.device for config in snapshot.configs] + [lost.device for lost in snapshot.failures]
    for name in sorted(name for name in names if not is_device_name(name)):
        yield Problem(shown, "not usable as a device name", repr(name), "no slashes, colons or leading dot")
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(shown, "the device is in the snapshot twice", name)
    for config in snapshot.configs:
        paths = [file.path for file in config.files]
        for path in sorted(path for path in set(paths) if not _belongs(path, config.device)):
            hint = f"the folder is {DEVICES}/{config.device}/"
            yield Problem(shown, "the file is not below its device's folder", path, hint)
        for path in sorted({path for path in paths if paths.count(path) > 1}):
            yield Problem(shown, "the file is in the snapshot twice", path)


def _belongs(path: str, device: str) -> bool:
    return path.startswith(f"{DEVICES}/{device}/") and _is_inside(path)


def _is_inside(path: str) -> bool:
    parts = path.split("/")
    return not path.startswith("/") and "\\" not in path and not {"", ".", ".."} & set(parts)


def _write_files(root: Path, snapshot: RawSnapshot) -> None:
    for config in snapshot.configs:
        for file in config.files:
            path = root / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.text.encode())
    (root / MANIFEST).write_bytes(manifest_text(snapshot).encode())


def manifest_text(snapshot: RawSnapshot) -> str:
    """The manifest: everything known of ``snapshot`` but the files' contents, sorted, two-space JSON."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "taken_at": snapshot.taken_at,
        "devices": {config.device: _config_entry(config) for config in snapshot.configs},
        "failures": {
            lost.device: {"reason": lost.reason, "labels": dict(lost.labels)} for lost in snapshot.failures
        },
        "links": [
            {
                "ends": [[end.device, end.interface] for end in link.ends],
                "origin": link.origin,
                "closed": link.closed,
            }
            for link in sorted(snapshot.links)
        ],
        "declared_nodes": sorted(snapshot.declared_nodes),
    }
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _config_entry(config: RawConfig) -> dict[str, Any]:
    return {
        "platform": config.platform,
        "labels": dict(config.labels),
        "host_key_fingerprint": config.host_key_fingerprint,
        "files": [_file_entry(file) for file in sorted(config.files, key=lambda file: file.path)],
    }


def _file_entry(file: RawFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "sha256": file.sha256 or sha256_of(file.text),
        "command": file.command,
        "taken_at": file.taken_at,
        "exit_status": file.exit_status,
        "stderr": file.stderr,
    }


# ---- reading ----------------------------------------------------------------------------------


def read_snapshot(root: Path) -> RawSnapshot:
    """The snapshot in the folder ``root``; devices, files, failures and links sorted.

    Raises:
        SnapshotError: no such folder, nothing in it, a file that is missing, changed, unlisted,
            unreadable, larger than ``MAX_FILE_BYTES``, not UTF-8 text, not a regular file or outside
            of the folder; a manifest that is malformed or of another version.
    """
    if not root.is_dir():
        what = "not a folder" if root.exists() else "no such snapshot folder"
        raise SnapshotError.because(str(root), what, hint="give the folder that `segaudit collect` wrote")
    try:
        if (root / MANIFEST).is_symlink() or (root / MANIFEST).exists():
            return _read_with_manifest(root)
        return _read_without_manifest(root)
    except OSError as failure:
        where = str(failure.filename or root)
        raise SnapshotError.because(where, "cannot read the snapshot", _reason(failure)) from failure


def _reason(failure: OSError) -> str:
    return failure.strerror or str(failure)


def _read_text(root: Path, path: str) -> str:
    """The text of one file of the folder, refused where it is no plain text file inside it."""
    shown = str(root / path)
    place = (root / path).resolve()
    if not place.is_relative_to(root.resolve()):
        raise SnapshotError.because(shown, "leads out of the snapshot folder", hint="copy the file in")
    if not place.exists():
        raise SnapshotError.because(shown, "the file is missing", hint=_FRESH)
    status = place.stat()
    if not stat.S_ISREG(status.st_mode):
        raise SnapshotError.because(shown, "not a regular file")
    if status.st_size > MAX_FILE_BYTES:
        size, limit = status.st_size // 2**20, MAX_FILE_BYTES // 2**20
        raise SnapshotError.because(shown, "the file is too large", f"{size} MB, the limit is {limit} MB")
    return _decoded(place.read_bytes(), shown)


def _decoded(content: bytes, shown: str) -> str:
    if (at := content.find(b"\0")) >= 0:
        raise SnapshotError.because(shown, "not a text file", f"NUL at byte {at}")
    try:
        return content.decode()
    except UnicodeDecodeError as failure:
        hint = "save the file as UTF-8"
        raise SnapshotError.because(shown, "not UTF-8 text", f"byte {failure.start}", hint) from failure


# ---- with a manifest


def _read_with_manifest(root: Path) -> RawSnapshot:
    manifest = _Manifest(str(root / MANIFEST), _read_text(root, MANIFEST))
    devices = manifest.mapping(manifest.document, "devices", "")
    listed: set[str] = set()
    configs = [_read_config(root, manifest, name, entry, listed) for name, entry in sorted(devices.items())]
    failures = manifest.mapping(manifest.document, "failures", "")
    _refuse_unlisted(root, listed)
    snapshot = RawSnapshot(
        str(root),
        tuple(configs),
        tuple(_read_failure(manifest, name, entry) for name, entry in sorted(failures.items())),
        tuple(sorted(_read_links(manifest))),
        tuple(sorted(manifest.words(manifest.document, "declared_nodes", ""))),
        manifest.text(manifest.document, "taken_at", ""),
    )
    problems = list(_name_problems(snapshot, manifest.shown))
    if problems:
        raise SnapshotError(*problems)
    return snapshot


class _Manifest:
    """A parsed manifest whose accessors name the place of what is wrong (``devices.r1.files[2]``)."""

    def __init__(self, shown: str, text: str) -> None:
        self.shown = shown
        try:
            self.document = json.loads(text, object_pairs_hook=self._unique)
        except json.JSONDecodeError as failure:
            where = f"{shown}:{failure.lineno}:{failure.colno}"
            raise SnapshotError.because(where, "not valid JSON", failure.msg) from failure
        except RecursionError as failure:
            raise SnapshotError.because(shown, "nested too deeply") from failure
        if not isinstance(self.document, dict) or self.document.get("format") != FORMAT:
            raise self.wrong("format", f"not a {FORMAT} manifest")
        if self.document.get("version") != VERSION:
            found = str(self.document.get("version"))
            raise self.wrong("version", "unknown version of the manifest", found, f"known: {VERSION}")

    def _unique(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        mapping = dict(pairs)
        if len(mapping) < len(pairs):
            keys = [key for key, _ in pairs]
            raise self.wrong("", "duplicate key", next(key for key in keys if keys.count(key) > 1))
        return mapping

    def wrong(self, place: str, what: str, value: str = "", hint: str = "") -> SnapshotError:
        """The error for one place of the manifest."""
        where = f"{self.shown}: {place}" if place else self.shown
        return SnapshotError(Problem(where, what, value, hint))

    def mapping(self, parent: Any, key: str, place: str) -> dict[str, Any]:
        """The object under ``key``, none where absent."""
        value = parent.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(_dotted(place, key), "must be an object")
        return value

    def items(self, parent: Any, key: str, place: str) -> list[Any]:
        """The list under ``key``, empty where absent."""
        value = parent.get(key, [])
        if not isinstance(value, list):
            raise self.wrong(_dotted(place, key), "must be a list")
        return value

    def text(self, parent: Any, key: str, place: str) -> str:
        """The string under ``key``, empty where absent."""
        value = parent.get(key, "")
        if not isinstance(value, str):
            raise self.wrong(_dotted(place, key), "must be a string", repr(value))
        return value

    def words(self, parent: Any, key: str, place: str) -> list[str]:
        """The list of strings under ``key``."""
        values = self.items(parent, key, place)
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(_dotted(place, key), "must hold only strings")
        return values

    def labels(self, parent: Any, place: str) -> dict[str, str]:
        """The labels of a device."""
        labels = self.mapping(parent, "labels", place)
        if not all(isinstance(value, str) for value in labels.values()):
            raise self.wrong(_dotted(place, "labels"), "must hold only strings")
        return labels

    def object(self, value: Any, place: str) -> dict[str, Any]:
        """``value`` as an object."""
        if not isinstance(value, dict):
            raise self.wrong(place, "must be an object")
        return value


def _dotted(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _read_config(root: Path, manifest: _Manifest, name: str, entry: Any, listed: set[str]) -> RawConfig:
    place = f"devices.{name}"
    fields = manifest.object(entry, place)
    entries = manifest.items(fields, "files", place)
    files = [
        _read_file(root, manifest, name, file, f"{place}.files[{at}]", listed)
        for at, file in enumerate(entries)
    ]
    return RawConfig(
        name,
        manifest.text(fields, "platform", place),
        tuple(sorted(files, key=lambda file: file.path)),
        manifest.labels(fields, place),
        manifest.text(fields, "host_key_fingerprint", place),
    )


def _read_file(
    root: Path, manifest: _Manifest, device: str, entry: Any, place: str, listed: set[str]
) -> RawFile:
    fields = manifest.object(entry, place)
    path = manifest.text(fields, "path", place)
    if not _belongs(path, device):
        raise manifest.wrong(_dotted(place, "path"), "leads out of the device's folder", path)
    text = _read_text(root, path)
    recorded, found = manifest.text(fields, "sha256", place), sha256_of(text)
    if recorded != found:
        raise SnapshotError.because(
            str(root / path),
            "changed since it was collected",
            f"sha256 {found}, recorded {recorded}",
            _FRESH,
        )
    status = fields.get("exit_status")
    if status is not None and type(status) is not int:
        raise manifest.wrong(_dotted(place, "exit_status"), "must be a whole number or null", repr(status))
    listed.add(path)
    command, taken_at, stderr = (
        manifest.text(fields, key, place) for key in ("command", "taken_at", "stderr")
    )
    return RawFile(path, text, found, command, taken_at, status, stderr)


def _read_failure(manifest: _Manifest, name: str, entry: Any) -> CollectionFailure:
    place = f"failures.{name}"
    fields = manifest.object(entry, place)
    return CollectionFailure(name, manifest.text(fields, "reason", place), manifest.labels(fields, place))


def _read_links(manifest: _Manifest) -> Iterator[Link]:
    for at, entry in enumerate(manifest.items(manifest.document, "links", "")):
        place = f"links[{at}]"
        fields = manifest.object(entry, place)
        ends = manifest.items(fields, "ends", place)
        if not ends or not all(_is_end(end) for end in ends):
            raise manifest.wrong(_dotted(place, "ends"), "must be a list of [device, interface]")
        closed = fields.get("closed")
        if not isinstance(closed, bool):
            raise manifest.wrong(_dotted(place, "closed"), "must be true or false", repr(closed))
        points = tuple(TerminationPoint(device, interface) for device, interface in ends)
        yield Link(points, manifest.text(fields, "origin", place), closed)


def _is_end(end: Any) -> bool:
    return isinstance(end, list) and len(end) == 2 and all(isinstance(part, str) for part in end)


def _refuse_unlisted(root: Path, listed: set[str]) -> None:
    """A file that nobody recorded must not look as if it had been taken into account."""
    if not (root / DEVICES).is_dir():
        return
    problems = [
        Problem(str(root / path), "the manifest does not list this file", hint=_FRESH)
        for path in _files_below(root, DEVICES)
        if path not in listed
    ]
    if problems:
        raise SnapshotError(*problems)


# ---- without a manifest


def _read_without_manifest(root: Path) -> RawSnapshot:
    found: dict[str, list[RawFile]] = {}
    homes: dict[str, str] = {}
    for device, home, path in _gathered(root):
        if homes.setdefault(device, home) != home:
            first = f"first found in {homes[device]}"
            raise SnapshotError.because(
                str(root / path), "the device is in the snapshot twice", device, first
            )
        found.setdefault(device, [])
        if path != home:
            text = _read_text(root, path)
            found[device].append(RawFile(path, text, sha256_of(text)))
    if not found:
        raise SnapshotError.because(str(root), "the snapshot folder holds no device", hint=_layouts())
    configs = tuple(RawConfig(device, "", tuple(files)) for device, files in sorted(found.items()) if files)
    failures = tuple(
        CollectionFailure(device, "its folder in the snapshot is empty")
        for device, files in sorted(found.items())
        if not files
    )
    if (root / FILE_NAME).exists():
        wiring = read_topology_data(root / FILE_NAME, SnapshotError)
        declared = tuple(node.name for node in wiring.devices)
        return RawSnapshot(str(root), configs, failures, wiring.links, declared)
    return RawSnapshot(str(root), configs, failures)


def _layouts() -> str:
    return f"expected {DEVICES}/<name>/<file>, <name>/<file> or <name>.cfg"


def _gathered(root: Path) -> Iterator[tuple[str, str, str]]:
    """Each file as (device, where the device lives, path), by path; an empty folder as its own path."""
    for entry in _entries(root):
        name = entry.name
        if not entry.is_dir():
            if name != FILE_NAME:
                yield entry.stem, ".", name
        elif name in (DEVICES, CONFIGS):
            yield from _members(root, name)
        else:
            yield from _device_folder(root, name)


def _members(root: Path, below: str) -> Iterator[tuple[str, str, str]]:
    for entry in _entries(root / below):
        if entry.is_dir():
            yield from _device_folder(root, f"{below}/{entry.name}")
        else:
            yield entry.stem, below, f"{below}/{entry.name}"


def _device_folder(root: Path, home: str) -> Iterator[tuple[str, str, str]]:
    device = PurePosixPath(home).name
    paths = list(_files_below(root, home))
    yield from ((device, home, path) for path in paths or [home])


def _entries(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def _files_below(root: Path, below: str) -> Iterator[str]:
    """Paths of the files below a folder, sorted; a link to a folder is given as a file, to be refused."""
    for entry in _entries(root / below):
        path = str(PurePosixPath(below) / entry.name)
        if entry.is_dir() and not entry.is_symlink():
            yield from _files_below(root, path)
        else:
            yield path
