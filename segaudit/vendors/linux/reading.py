"""The files of one Linux device while they are read: cleaned text, and a ledger for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from segaudit.documents.json_lines import elements
from segaudit.errors import Problem, SnapshotError
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.model.source import AccountedLine, LineTally, SourceSpan
from segaudit.parse.device_files import refuse_twins
from segaudit.parse.ledger import LineLedger
from segaudit.parse.terminal import without_terminal_codes

R = TypeVar("R")
JsonObject = dict[str, Any]
_NOT_FOUND = 127
_KERNEL_LACKS = re.compile(
    r"(?:RTNETLINK answers|Cannot open netlink socket|Cannot send dump request): "
    r"(?:Operation|Protocol|Address family) not supported(?: by protocol)?"
)
"""What iproute2 says where the kernel was built without the asked-for table (lib/libnetlink.c)."""
_INTERRUPTED = "Dump was interrupted and may be inconsistent."
"""iproute2's warning, with exit status 0 (lib/libnetlink.c)."""


class Reading:
    """One pass over a device's files. Every file that is opened gets a ledger.

    Raises:
        SnapshotError: two files of the device have one name.
    """

    def __init__(self, raw: RawConfig) -> None:
        self.raw = raw
        self._ledgers: dict[str, LineLedger] = {}
        self._opened: dict[str, RawFile] = {}
        refuse_twins(raw)
        self._files = {file.name: file for file in raw.files}

    def required(self, name: str) -> RawFile:
        """The file ``name``, cleaned.

        Raises:
            SnapshotError: it is missing, or its command failed.
        """
        file = self._files.get(name)
        if file is None:
            raise SnapshotError(Problem(self._path(name), "the file is missing", hint="collect it again"))
        if file.exit_status:
            raise SnapshotError(Problem(file.path, _failed(file), _first_line(file.text)))
        return self._open(file)

    def optional(self, name: str) -> RawFile | None:
        """The file ``name``, cleaned; ``None`` where it is missing or its command failed.

        The lines of a failed command are ignored with that reason.
        """
        file = self._files.get(name)
        if file is None:
            return None
        opened = self._open(file)
        if not file.exit_status:
            return opened
        self.ledger(opened).rest_is_ignored(_failed(file))
        return None

    def kernel_lacks(self, name: str) -> bool:
        """True where the command of ``name`` was told that the kernel does not have such a table.

        The lines that say so are ignored with that reason.
        """
        file = self._files.get(name)
        if file is None or file.exit_status == 0:
            return False
        said = _first_line(without_terminal_codes(file.text))
        if not _KERNEL_LACKS.fullmatch(said):
            return False
        self.ledger(self._open(file)).rest_is_ignored(f"the kernel has no such table: {said}")
        return True

    def ledger(self, file: RawFile) -> LineLedger:
        """The ledger of an opened file."""
        return self._ledgers[file.name]

    def ledger_of(self, span: SourceSpan) -> LineLedger:
        """The ledger of the file that ``span`` lies in."""
        return self._ledgers[span.file.rsplit("/", 1)[-1]]

    def required_records(
        self, name: str, read: Callable[[JsonObject, SourceSpan], R | None]
    ) -> tuple[R, ...]:
        """What ``read`` makes of each element of the JSON list in ``name``.

        Raises:
            SnapshotError: the file is missing, failed, or is not a JSON list.
        """
        file = self.required(name)
        try:
            return self._records(file, read)
        except (ValueError, RecursionError) as garbage:
            line, what = _line_and_what(garbage)
            where = f"{file.path}:{line}" if line else file.path
            raise SnapshotError(Problem(where, "not what the command prints", what)) from garbage

    def optional_records(
        self, name: str, read: Callable[[JsonObject, SourceSpan], R | None]
    ) -> tuple[R, ...] | None:
        """As :meth:`required_records`; ``None`` where the file is absent, failed or garbage.

        Garbage is unrecognized, and unbounded: what the file would have said is not known.
        """
        file = self.optional(name)
        if file is None:
            return None
        try:
            return self._records(file, read)
        except (ValueError, RecursionError) as garbage:
            line, what = _line_and_what(garbage)
            self.ledger(file).unrecognized(line or 1, None, f"not what the command prints: {what}")
            return None

    def close(self) -> tuple[tuple[AccountedLine, ...], tuple[LineTally, ...]]:
        """The accounted lines and the tallies of every opened file, by file."""
        closed = [self._ledgers[name].close() for name in sorted(self._ledgers)]
        lines = tuple(line for accounts, _ in closed for line in accounts)
        return lines, tuple(tally for _, tally in closed)

    def ignore_unknown_files(self, known: frozenset[str]) -> None:
        """Account for files that no command of the platform writes."""
        for file in self.raw.files:
            if file.name not in known:
                self._open(file)
                self.ledger(file).rest_is_ignored("not the output of a command of this platform")

    def _records(self, file: RawFile, read: Callable[[JsonObject, SourceSpan], R | None]) -> tuple[R, ...]:
        ledger = self.ledger(file)
        found = [record for record in _each(file, ledger, read) if record is not None]
        ledger.rest_is_fact()
        return tuple(found)

    def _open(self, file: RawFile) -> RawFile:
        name = file.name
        if name not in self._opened:
            self._ledgers[name] = LineLedger(file)
            if _INTERRUPTED in file.stderr:
                reason = "the table changed while it was listed: entries may be missing"
                self._ledgers[name].unsupported(1, None, reason, bounded=False, text=_INTERRUPTED)
            self._opened[name] = replace(file, text=without_terminal_codes(file.text))
        return self._opened[name]

    def _path(self, name: str) -> str:
        folder = (
            self.raw.files[0].path.rpartition("/")[0] if self.raw.files else f"devices/{self.raw.device}"
        )
        return f"{folder}/{name}"


def _each(
    file: RawFile, ledger: LineLedger, read: Callable[[JsonObject, SourceSpan], R | None]
) -> Iterator[R | None]:
    """Each element as a record; one that cannot be read is unrecognized and unbounded."""
    for element, first, last in elements(file.text):
        span = ledger.span(first, last)
        if element == {}:  # iproute2 prints empty objects for entries that its filters left out
            ledger.fact(first, last)
            continue
        try:
            record = read(_object(element), span)
        except ValueError as unreadable:
            ledger.unrecognized(first, last, str(unreadable))
            continue
        ledger.fact(first, last)
        yield record


def _object(element: Any) -> JsonObject:
    if not isinstance(element, dict):
        raise ValueError("a JSON object was expected")
    return element


def _failed(file: RawFile) -> str:
    if file.exit_status == _NOT_FOUND:
        return "the program is not installed"
    return f"the command failed with exit status {file.exit_status}"


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.split("\n") if line.strip()), "")


def _line_and_what(garbage: Exception) -> tuple[int, str]:
    if isinstance(garbage, RecursionError):
        return 0, "nested too deeply"
    found = re.match(r"line (\d+): (.*)", str(garbage), re.DOTALL)
    return (int(found[1]), found[2]) if found else (0, str(garbage))
