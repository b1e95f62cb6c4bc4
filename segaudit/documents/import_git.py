"""A git repository of configurations at a date: RANCID, Oxidized, or any folder under version control.

Objects are read with git's plumbing alone; nothing is checked out, fetched or written.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path, PurePosixPath

from segaudit.documents.import_files import Found, Imported, Left, each_a_device, each_folder_a_device
from segaudit.errors import SnapshotError

_FILE_MODES = frozenset({"100644", "100755", "100664"})
_QUIET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
}
_INHERITED = ("PATH", "HOME", "TMPDIR", "SYSTEMROOT")
_TIMEOUT_SECONDS = 300


def is_repository(path: Path) -> bool:
    """True for a work tree, a folder inside of one, or a bare repository."""
    return (path / ".git").exists() or ((path / "HEAD").is_file() and (path / "objects").is_dir())


def repository_of(path: Path) -> Path | None:
    """The nearest repository that holds ``path``."""
    for place in (path, *path.resolve().parents):
        if is_repository(place):
            return place
    return None


def read_git(path: Path, at: date | None, folders: bool) -> Imported:
    """The files of the last commit not after the end of the day ``at`` (UTC), below ``path``.

    Args:
        path: a repository, or a folder inside of one.
        at: the day; ``None``: the commit that is checked out, whatever its date.
        folders: each folder is a device; else each file is.

    Raises:
        SnapshotError: git is missing or refuses, there is no such commit, or nothing usable in it.
    """
    repository = repository_of(path)
    if repository is None:
        hint = "`--at` needs a git repository, as RANCID and Oxidized keep one"
        raise SnapshotError.because(str(path), "not inside a git repository", hint=hint)
    commit, taken_at = _commit(repository, at)
    below = path.resolve().relative_to(repository.resolve()).as_posix()
    left: list[Left] = []
    found = list(_blobs(repository, commit, "" if below == "." else below, taken_at, left))
    gathering = each_folder_a_device(found) if folders else each_a_device(found)
    gathering.left += left
    gathering.notes.append(f"commit {commit[:12]} of {taken_at}")
    return gathering.imported(f"{path} at {commit[:12]}", taken_at=taken_at)


def _commit(repository: Path, at: date | None) -> tuple[str, str]:
    """The commit and its committer date, ISO 8601 UTC.

    Every commit is compared: dates need not fall in the order of the history.
    """
    limit = None if at is None else datetime.combine(at, time.max, UTC).timestamp()
    count = ("-1",) if limit is None else ()
    told = _git(repository, "rev-list", "--timestamp", *count, "HEAD", "--").decode()
    for line in told.splitlines():
        seconds, _, commit = line.partition(" ")
        if limit is None or int(seconds) <= limit:
            return commit, datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    oldest = told.splitlines()[-1].partition(" ")[0] if told.strip() else ""
    first = datetime.fromtimestamp(int(oldest), UTC).date().isoformat() if oldest else "none"
    raise SnapshotError.because(
        str(repository), f"no commit up to {at}", f"the first commit is of {first}", "give a later day"
    )


def _blobs(repository: Path, commit: str, below: str, taken_at: str, left: list[Left]) -> Iterator[Found]:
    """The regular files of a commit below a folder, paths relative to it."""
    listing = _git(
        repository, "ls-tree", "-r", "-z", "--full-tree", commit, "--", *([below] if below else [])
    )
    entries: list[tuple[str, str]] = []
    for record in listing.decode("utf-8", "surrogateescape").split("\0"):
        head, _, path = record.partition("\t")
        if not path:
            continue
        mode, _, digest = head.split(" ")
        shown = PurePosixPath(path).relative_to(below).as_posix() if below else path
        if mode in _FILE_MODES:
            entries.append((shown, digest))
        else:
            left.append(Left(shown, "a symbolic link" if mode == "120000" else "a submodule"))
    for (shown, _), content in zip(
        entries, _contents(repository, [one for _, one in entries]), strict=True
    ):
        yield Found(shown, content, taken_at)


def _contents(repository: Path, digests: Sequence[str]) -> Iterator[bytes]:
    """The blobs, in order, by one ``git cat-file --batch``."""
    asked = "".join(f"{digest}\n" for digest in digests).encode()
    told = _git(repository, "cat-file", "--batch", given=asked)
    at = 0
    for digest in digests:
        end = told.index(b"\n", at)
        fields = told[at:end].split(b" ")
        if len(fields) != 3:
            raise SnapshotError.because(
                str(repository), "an object is missing", digest, "fetch the whole repository first"
            )
        size = int(fields[2])
        yield told[end + 1 : end + 1 + size]
        at = end + 1 + size + 1


def _git(repository: Path, *arguments: str, given: bytes = b"") -> bytes:
    """What a reading git command prints.

    Raises:
        SnapshotError: git is not installed, fails, or takes too long.
    """
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ} | _QUIET
    command = [
        "git",
        "-c",
        "core.fsmonitor=false",
        "-c",
        "protocol.allow=never",
        "--no-pager",
        "-C",
        str(repository),
    ]
    try:
        ran = subprocess.run(
            [*command, *arguments],
            input=given, capture_output=True, env=environment, timeout=_TIMEOUT_SECONDS, check=False,
        )  # fmt: skip
    except FileNotFoundError as failure:
        raise SnapshotError.because("git", "git is not installed", hint="install git") from failure
    except subprocess.TimeoutExpired as failure:
        raise SnapshotError.because(str(repository), "git took too long", arguments[0]) from failure
    if ran.returncode:
        said = ran.stderr.decode("utf-8", "replace").strip().splitlines()
        hint = "let git trust the folder" if "dubious ownership" in " ".join(said) else ""
        raise SnapshotError.because(str(repository), f"git {arguments[0]} failed", " ".join(said[:1]), hint)
    return ran.stdout
