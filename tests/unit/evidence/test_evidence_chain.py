from __future__ import annotations

import fcntl
import json
import multiprocessing
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from segaudit.documents.snapshot_folder import sha256_of
from segaudit.errors import VerificationError
from segaudit.evidence.chain import (
    GENESIS,
    EvidenceItem,
    EvidenceKind,
    EvidenceRecord,
    record_run,
    snapshot_item,
    verify_chain,
)
from segaudit.evidence.store import Store, open_store
from segaudit.model.snapshot import RawConfig, RawFile, RawSnapshot

WHEN = "2026-01-02T03:04:05Z"


def _items(text: str = "name: x") -> tuple[EvidenceItem, ...]:
    return (
        EvidenceItem(EvidenceKind.POLICY, (("policy.yaml", text.encode()),)),
        EvidenceItem(EvidenceKind.REPORT, (("report.html", b"<html>"), ("result.json", b"{}"))),
    )


def _two_runs(root: Path) -> Store:
    store = open_store(root)
    record_run(store, "run-1", WHEN, _items())
    record_run(store, "run-2", WHEN, _items("name: y"))
    return store


def _lines(root: Path) -> list[str]:
    return (root / "chain.jsonl").read_text().splitlines(keepends=True)


def _problems(root: Path, **options: str) -> str:
    with pytest.raises(VerificationError) as caught:
        verify_chain(root, **options)  # type: ignore[arg-type]
    return str(caught.value).replace(f"{root}/", "")


def test_each_record_follows_the_one_before(tmp_path: Path) -> None:
    store = _two_runs(tmp_path)
    records = verify_chain(tmp_path)
    assert [(record.index, record.run, record.kind) for record in records] == [
        (0, "run-1", EvidenceKind.POLICY),
        (1, "run-1", EvidenceKind.REPORT),
        (2, "run-2", EvidenceKind.POLICY),
        (3, "run-2", EvidenceKind.REPORT),
    ]
    assert [record.previous for record in records] == [GENESIS, *(record.digest for record in records[:-1])]
    kept = records[2].objects[0]
    assert (kept.name, kept.size, store.get(kept.sha256)) == ("policy.yaml", 7, b"name: y")


def test_record_run_returns_what_it_appended(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    first = record_run(store, "run-1", WHEN, _items())
    second = record_run(store, "run-2", WHEN, _items())
    assert verify_chain(tmp_path) == (*first, *second)


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        _two_runs(tmp_path / name)
    assert _lines(tmp_path / "a") == _lines(tmp_path / "b")


def test_a_snapshot_as_evidence(tmp_path: Path) -> None:
    file = RawFile("devices/r1/x", "text\n", sha256_of("text\n"))
    item = snapshot_item(RawSnapshot("/anywhere", (RawConfig("r1", "linux", (file,)),)))
    assert [name for name, _ in item.files] == ["manifest.json", "devices/r1/x"]
    (record,) = record_run(open_store(tmp_path), "run", WHEN, (item,))
    assert file.sha256 in {kept.sha256 for kept in record.objects}
    assert "/anywhere" not in (tmp_path / "chain.jsonl").read_text() + item.files[0][1].decode()


def test_nothing_recorded_is_nothing_verified(tmp_path: Path) -> None:
    assert verify_chain(tmp_path) == ()
    assert "the record is not in the chain" in _problems(tmp_path, head="0" * 64)


def _drop(lines: list[str]) -> list[str]:
    return [lines[0], *lines[2:]]


def _swap(lines: list[str]) -> list[str]:
    return [lines[1], lines[0], *lines[2:]]


def _repeat(lines: list[str]) -> list[str]:
    return [*lines, lines[-1]]


def _edit(lines: list[str]) -> list[str]:
    return [lines[0].replace("run-1", "run-9"), *lines[1:]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_drop, "chain.jsonl:2: a record was removed or inserted: index 2, expected 1"),
        (_swap, "chain.jsonl:1: a record was removed or inserted: index 1, expected 0"),
        (_repeat, "chain.jsonl:5: does not follow the record before it"),
        (_edit, "chain.jsonl:1: the record was changed"),
        (lambda lines: ["", *lines], None),
        (lambda lines: ["\n", *lines], "chain.jsonl:1: not a record"),
        (lambda lines: [*lines, "{}\n"], "chain.jsonl:5: not a record: expected the keys digest, index"),
        (lambda lines: [*lines, '{"x":'], "chain.jsonl:5: the last line does not end"),
        (
            lambda lines: [lines[0].replace(":", ": "), *lines[1:]],
            "chain.jsonl:1: not a record: not in canonical",
        ),
        (lambda lines: [lines[0].replace("policy", "gossip", 1), *lines[1:]], "chain.jsonl:1: "),
    ],
)
def test_a_chain_that_was_tampered_with(
    tmp_path: Path, change: Callable[[list[str]], list[str]], message: str | None
) -> None:
    _two_runs(tmp_path)
    (tmp_path / "chain.jsonl").write_text("".join(change(_lines(tmp_path))))
    if message is None:
        assert len(verify_chain(tmp_path)) == 4
    else:
        assert message in _problems(tmp_path)


def test_a_recomputed_digest_breaks_the_next_record(tmp_path: Path) -> None:
    """Whoever rewrites one record must rewrite all after it, and then the last digest differs."""
    _two_runs(tmp_path)
    head = verify_chain(tmp_path)[-1].digest
    forged = json.loads(_lines(tmp_path)[1])
    (tmp_path / "chain.jsonl").unlink()
    record_run(open_store(tmp_path), "forged", forged["recorded_at"], _items())
    assert verify_chain(tmp_path), "a whole new chain is consistent in itself"
    assert "the record is not in the chain" in _problems(tmp_path, head=head)


def test_a_cut_end_shows_against_a_digest_kept_elsewhere(tmp_path: Path) -> None:
    _two_runs(tmp_path)
    head = verify_chain(tmp_path)[-1].digest
    (tmp_path / "chain.jsonl").write_text("".join(_lines(tmp_path)[:-1]))
    assert len(verify_chain(tmp_path)) == 3
    assert f"the record is not in the chain: {head}" in _problems(tmp_path, head=head)


def test_a_changed_and_a_missing_object(tmp_path: Path) -> None:
    store = _two_runs(tmp_path)
    policy, report = verify_chain(tmp_path)[:2]
    store.path_of(policy.objects[0].sha256).write_bytes(b"name: z")
    store.path_of(report.objects[0].sha256).unlink()
    problems = _problems(tmp_path)
    assert "the evidence was changed" in problems
    assert "the evidence is missing" in problems
    assert len(verify_chain(tmp_path, objects=False)) == 4


def test_nothing_is_appended_to_a_chain_that_does_not_verify(tmp_path: Path) -> None:
    store = _two_runs(tmp_path)
    broken = "".join(_edit(_lines(tmp_path)))
    (tmp_path / "chain.jsonl").write_text(broken)
    with pytest.raises(VerificationError):
        record_run(store, "run-3", WHEN, _items())
    assert (tmp_path / "chain.jsonl").read_text() == broken


def _record_some(root: Path, name: str) -> None:
    for number in range(5):
        record_run(open_store(root), f"{name}-{number}", WHEN, _items(name))


def test_runs_that_record_at_the_same_time_do_not_lose_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_record_some, args=(tmp_path, name)) for name in "abc"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    records: tuple[EvidenceRecord, ...] = verify_chain(tmp_path)
    assert len(records) == 30
    assert {record.run for record in records} == {
        f"{name}-{number}" for name in "abc" for number in range(5)
    }


def test_a_run_waits_for_one_that_is_recording(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run = threading.Thread(target=record_run, args=(store, "run", WHEN, _items()))
        run.start()
        run.join(0.3)
        assert run.is_alive()
        assert not (tmp_path / "chain.jsonl").exists()
    run.join(30)
    assert len(verify_chain(tmp_path)) == 2
