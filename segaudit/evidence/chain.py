"""The record of runs: JSON lines, each with the digest of the one before.

``chain.jsonl`` beside the objects. A line's digest is the SHA-256 of its canonical JSON (sorted
keys, no spaces, UTF-8) without the ``digest`` key itself. Changing, removing or inserting a line
breaks every digest after it; cutting the end off shows only against a digest that was kept
elsewhere, so a report prints the last one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from segaudit.documents.snapshot_folder import MANIFEST, manifest_text
from segaudit.errors import Problem, VerificationError
from segaudit.evidence.store import Store, write_atomically
from segaudit.model.snapshot import RawSnapshot

CHAIN = "chain.jsonl"
GENESIS = "0" * 64
"""What the first record follows."""

_LOCK = ".lock"
_KEYS = ("digest", "index", "kind", "objects", "previous", "recorded_at", "run")


class EvidenceKind(Enum):
    """What a record is of."""

    SNAPSHOT = "snapshot"
    POLICY = "policy"
    VERDICTS = "verdicts"
    OBSERVATIONS = "observations"
    REPORT = "report"


@dataclass(frozen=True, slots=True, order=True)
class KeptObject:
    """One object of a record: its name in the run, its digest and size in bytes."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """One line of the chain. ``recorded_at`` is ISO 8601 UTC, ``index`` counts from 0."""

    index: int
    run: str
    kind: EvidenceKind
    recorded_at: str
    objects: tuple[KeptObject, ...]
    previous: str
    digest: str


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """Something to be recorded: files by name, of one kind."""

    kind: EvidenceKind
    files: tuple[tuple[str, bytes], ...]


def snapshot_item(snapshot: RawSnapshot) -> EvidenceItem:
    """A snapshot as evidence: its manifest and every raw file."""
    manifest = (MANIFEST, manifest_text(snapshot).encode())
    files = [(file.path, file.text.encode()) for config in snapshot.configs for file in config.files]
    return EvidenceItem(EvidenceKind.SNAPSHOT, (manifest, *sorted(files)))


def record_run(
    store: Store, run: str, recorded_at: str, items: Sequence[EvidenceItem]
) -> tuple[EvidenceRecord, ...]:
    """Keep ``items`` and append one record for each, in order; all of them or, after a crash, none.

    Runs that record at the same time wait for each other.

    Raises:
        VerificationError: the chain so far does not verify; nothing was appended.
        RunError: the disk cannot be written.
    """
    kept = [tuple(sorted(_keep(store, name, content) for name, content in item.files)) for item in items]
    with _locked(store.root):
        before = verify_chain(store.root, objects=False)
        records = list(before)
        for item, objects in zip(items, kept, strict=True):
            records.append(_next(records, run, item.kind, recorded_at, objects))
        text = "".join(_canonical(_document(record)) + "\n" for record in records)
        write_atomically(store.root / CHAIN, text.encode())
    return tuple(records[len(before) :])


def _keep(store: Store, name: str, content: bytes) -> KeptObject:
    return KeptObject(name, store.put(content), len(content))


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Hold the folder's lock; the system lets it go when the process ends, however it ends."""
    descriptor = os.open(root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _next(
    records: Sequence[EvidenceRecord],
    run: str,
    kind: EvidenceKind,
    recorded_at: str,
    objects: tuple[KeptObject, ...],
) -> EvidenceRecord:
    previous = records[-1].digest if records else GENESIS
    record = EvidenceRecord(len(records), run, kind, recorded_at, objects, previous, "")
    return EvidenceRecord(len(records), run, kind, recorded_at, objects, previous, _digest(record))


def _document(record: EvidenceRecord) -> dict[str, Any]:
    return {
        "index": record.index,
        "run": record.run,
        "kind": record.kind.value,
        "recorded_at": record.recorded_at,
        "objects": [[kept.name, kept.sha256, kept.size] for kept in record.objects],
        "previous": record.previous,
        "digest": record.digest,
    }


def _canonical(document: dict[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _digest(record: EvidenceRecord) -> str:
    document = _document(record)
    del document["digest"]
    return hashlib.sha256(_canonical(document).encode()).hexdigest()


def verify_chain(
    path: Path, *, head: str | None = None, objects: bool = True
) -> tuple[EvidenceRecord, ...]:
    """Every record of the evidence folder ``path``, checked; none where nothing was recorded.

    ``head`` is a digest that must be in the chain (kept elsewhere: it shows a cut end). With
    ``objects`` every object is read and compared with its digest.

    Raises:
        VerificationError: each thing that does not verify, with its line.
    """
    shown = path / CHAIN
    records, problems = _read(shown)
    previous = GENESIS
    for at, record in enumerate(records):
        problems += _record_problems(f"{shown}:{at + 1}", at, record, previous)
        previous = record.digest
    if head is not None and head not in {record.digest for record in records}:
        problems.append(Problem(str(shown), "the record is not in the chain", head, "its end was cut off"))
    if objects and not problems:
        problems += _object_problems(Store(path), records)
    if problems:
        raise VerificationError(*problems)
    return tuple(records)


def _read(path: Path) -> tuple[list[EvidenceRecord], list[Problem]]:
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        return [], []
    except (OSError, UnicodeDecodeError) as failure:
        return [], [Problem(str(path), "cannot read the chain", str(failure))]
    records: list[EvidenceRecord] = []
    problems: list[Problem] = []
    lines = text.split("\n")
    if lines.pop():
        problems.append(Problem(f"{path}:{len(lines) + 1}", "the last line does not end"))
    for number, line in enumerate(lines, 1):
        try:
            records.append(_parsed(line))
        except (ValueError, TypeError, KeyError, RecursionError) as failure:
            problems.append(Problem(f"{path}:{number}", "not a record", str(failure)))
    return records, problems


def _parsed(line: str) -> EvidenceRecord:
    document = json.loads(line)
    if not isinstance(document, dict) or tuple(sorted(document)) != _KEYS:
        raise ValueError(f"expected the keys {', '.join(_KEYS)}")
    if _canonical(document) != line:
        raise ValueError("not in canonical form")
    objects = tuple(
        KeptObject(str(name), str(sha256), int(size)) for name, sha256, size in document["objects"]
    )
    return EvidenceRecord(
        int(document["index"]),
        str(document["run"]),
        EvidenceKind(document["kind"]),
        str(document["recorded_at"]),
        objects,
        str(document["previous"]),
        str(document["digest"]),
    )


def _record_problems(where: str, at: int, record: EvidenceRecord, previous: str) -> Iterator[Problem]:
    if record.index != at:
        yield Problem(where, "a record was removed or inserted", f"index {record.index}, expected {at}")
    if record.previous != previous:
        yield Problem(where, "does not follow the record before it", record.previous)
    if _digest(record) != record.digest:
        yield Problem(where, "the record was changed", record.digest)


def _object_problems(store: Store, records: Sequence[EvidenceRecord]) -> Iterator[Problem]:
    sizes: dict[str, int | None] = {}
    for kept in sorted({kept for record in records for kept in record.objects}):
        if kept.sha256 not in sizes:
            try:
                sizes[kept.sha256] = len(store.get(kept.sha256))
            except VerificationError as failure:
                sizes[kept.sha256] = None
                yield from failure.problems
        size = sizes[kept.sha256]
        if size is not None and size != kept.size:
            yield Problem(kept.name, "the size does not fit its object", f"{kept.size}, found {size}")
