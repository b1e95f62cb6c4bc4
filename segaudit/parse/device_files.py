"""The files of one device while they are read: cleaned text, and a ledger for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from segaudit.errors import Problem, SnapshotError
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.model.source import AccountedLine, LineTally, SourceSpan
from segaudit.parse.ledger import LineLedger
from segaudit.parse.terminal import without_terminal_codes

FIRST_CHARACTERS = 20_000
"""How much of a file a claim looks at."""


class DeviceFiles:
    """One pass over a device's files; whatever was not opened is accounted for at the end.

    Raises:
        SnapshotError: two files of the device have one name.
    """

    def __init__(self, raw: RawConfig) -> None:
        self.raw = raw
        self._ledgers: dict[str, LineLedger] = {}
        refuse_twins(raw)

    def open(self, file: RawFile) -> tuple[RawFile, LineLedger]:
        """The file, cleaned of what a terminal leaves behind, and its ledger."""
        if file.name not in self._ledgers:
            self._ledgers[file.name] = LineLedger(file)
        return replace(file, text=without_terminal_codes(file.text)), self._ledgers[file.name]

    def output(self, name: str) -> tuple[RawFile, LineLedger] | None:
        """The output of an optional command; ``None`` where it is missing or failed, which is noted."""
        file = self.raw.file(name)
        if file is None:
            return None
        opened, ledger = self.open(file)
        if not file.exit_status:
            return opened, ledger
        ledger.rest_is_ignored(f"the command failed with exit status {file.exit_status}")
        return None

    def ledger_of(self, span: SourceSpan) -> LineLedger:
        """The ledger of the opened file that ``span`` lies in."""
        return self._ledgers[span.file.rsplit("/", 1)[-1]]

    def close(
        self, unread: str = "not read by this platform"
    ) -> tuple[tuple[AccountedLine, ...], tuple[LineTally, ...]]:
        """The accounted lines and the tallies, by file. Files never opened are ignored as ``unread``."""
        for file in self.raw.files:
            if file.name not in self._ledgers:
                self.open(file)[1].rest_is_ignored(unread)
        closed = [self._ledgers[name].close() for name in sorted(self._ledgers)]
        return tuple(line for lines, _ in closed for line in lines), tuple(tally for _, tally in closed)


def config_files(raw: RawConfig, name: str, looks_like: Callable[[str], bool]) -> Sequence[RawFile]:
    """The configuration among a device's files: the one called ``name``, else each that looks like one.

    A folder that segaudit did not collect calls its files as it likes (``r1.cfg``, ``r1.initial.cfg``).
    """
    named = raw.file(name)
    if named is not None:
        return (named,)
    return tuple(file for file in raw.files if looks_like(beginning(file)))


def beginning(file: RawFile) -> str:
    """The first characters of a file, cleaned: what a claim goes by."""
    return without_terminal_codes(file.text[:FIRST_CHARACTERS])


def refuse_twins(raw: RawConfig) -> None:
    """Return only where every file of a device has a name of its own.

    Raises:
        SnapshotError: two have one name.
    """
    counts = Counter(file.name for file in raw.files)
    twins = sorted(file.path for file in raw.files if counts[file.name] > 1)
    if twins:
        what = "two files of the device have one name"
        raise SnapshotError(Problem(twins[0], what, ", ".join(twins[1:]), "keep one"))
