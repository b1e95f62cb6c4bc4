"""A repository at a date, with real git: which commit, which files, and nothing changed."""

from __future__ import annotations

import os
import subprocess
from datetime import date
from pathlib import Path

import pytest

from segaudit.documents.import_git import is_repository, read_git
from segaudit.errors import SnapshotError


def git(repository: Path, *arguments: str, when: str = "2026-01-01T00:00:00Z") -> str:
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(repository), "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_DATE": when, "GIT_AUTHOR_NAME": "n", "GIT_AUTHOR_EMAIL": "e",
        "GIT_COMMITTER_DATE": when, "GIT_COMMITTER_NAME": "n", "GIT_COMMITTER_EMAIL": "e",
    }  # fmt: skip
    command = ["git", "-C", str(repository), *arguments]
    ran = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()


def commit(repository: Path, when: str, **files: str | None) -> str:
    for name, text in files.items():
        path = repository / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text, encoding="utf-8")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "x", when=when)
    return git(repository, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    place = tmp_path / "repository"
    place.mkdir()
    git(place, "init", "-q")
    commit(place, "2026-01-10T12:00:00Z", east__configs__r1="first\n")
    commit(place, "2026-02-10T23:59:59Z", east__configs__r1="second\n", west__configs__r2="two\n")
    commit(place, "2026-03-10T00:00:00Z", east__configs__r1=None, west__configs__r2="three\n")
    return place


def texts(repository: Path, at: str | None, folders: bool = False) -> dict[str, str]:
    imported = read_git(repository, date.fromisoformat(at) if at else None, folders)
    return {config.device: config.files[0].text for config in imported.snapshot.configs}


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-01-10", {"r1": "first\n"}),
        ("2026-02-09", {"r1": "first\n"}),
        ("2026-02-10", {"r1": "second\n", "r2": "two\n"}),
        ("2026-03-09", {"r1": "second\n", "r2": "two\n"}),
        ("2026-03-10", {"r2": "three\n"}),
        ("2030-01-01", {"r2": "three\n"}),
        (None, {"r2": "three\n"}),
    ],
)
def test_the_last_commit_not_after_the_day(
    repository: Path, at: str | None, expected: dict[str, str]
) -> None:
    assert texts(repository, at) == expected


def test_a_day_before_the_first_commit_is_refused(repository: Path) -> None:
    with pytest.raises(SnapshotError, match="the first commit is of 2026-01-10"):
        texts(repository, "2026-01-09")


def test_dates_need_not_be_in_order(repository: Path) -> None:
    """A clock that was set back: the newest commit that is not after the day counts."""
    commit(repository, "2026-01-20T00:00:00Z", west__configs__r2="from the past\n")
    assert texts(repository, "2026-01-31") == {"r2": "from the past\n"}


def test_the_snapshot_says_when_it_was_taken(repository: Path) -> None:
    snapshot = read_git(repository, date(2026, 2, 28), False).snapshot
    assert snapshot.taken_at == "2026-02-10T23:59:59Z"
    assert {file.taken_at for config in snapshot.configs for file in config.files} == {snapshot.taken_at}


def test_a_folder_of_the_repository(repository: Path) -> None:
    assert texts(repository / "west", "2026-02-28") == {"r2": "two\n"}


def test_each_folder_may_be_a_device(repository: Path) -> None:
    commit(repository, "2026-04-01T00:00:00Z", fw__running="x\n", fw__routes="y\n")
    imported = read_git(repository, None, True)
    assert {config.device: len(config.files) for config in imported.snapshot.configs} == {
        "fw": 2,
        "west": 1,
    }


def test_a_bare_repository(repository: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(bare))
    assert is_repository(bare)
    assert texts(bare, "2026-02-28") == {"r1": "second\n", "r2": "two\n"}


def test_links_and_submodules_are_left(repository: Path) -> None:
    (repository / "link.cfg").symlink_to("/etc/passwd")
    commit(repository, "2026-04-01T00:00:00Z", odd="one\n")
    imported = read_git(repository, None, False)
    assert {left.path: left.reason for left in imported.left} == {"link.cfg": "a symbolic link"}


def test_odd_names_are_read(repository: Path) -> None:
    (repository / 'a "b" ü\nc.cfg').write_text("odd\n", encoding="utf-8")
    with pytest.raises(SnapshotError, match="not usable as a device name"):
        commit(repository, "2026-04-01T00:00:00Z", x="1\n")
        read_git(repository, None, False)


def test_what_is_not_committed_does_not_count(repository: Path) -> None:
    (repository / "west" / "configs" / "r2").write_text("edited\n", encoding="utf-8")
    assert texts(repository, None) == {"r2": "three\n"}


def test_nothing_in_the_repository_changes(repository: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in repository.rglob("*")}
    texts(repository, "2026-02-28")
    assert {path: path.stat().st_mtime_ns for path in repository.rglob("*")} == before


def test_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="not inside a git repository"):
        read_git(tmp_path, date(2026, 1, 1), False)


def test_a_missing_object_is_refused(repository: Path) -> None:
    digest = git(repository, "rev-parse", "HEAD:west/configs/r2")
    (repository / ".git" / "objects" / digest[:2] / digest[2:]).unlink()
    with pytest.raises(SnapshotError, match="missing"):
        read_git(repository, None, False)


def test_an_empty_repository_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    with pytest.raises(SnapshotError, match="git rev-list failed"):
        read_git(tmp_path, None, False)
