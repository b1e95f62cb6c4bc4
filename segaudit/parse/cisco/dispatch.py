"""Which reader a line's first words call for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from segaudit.parse.cisco.fates import NOT_UNDERSTOOD, Fate, ignored
from segaudit.parse.cisco.words import Words

Record = TypeVar("Record")

Reader = Callable[[Record, Words], Fate]
"""Reads a line into a record; what is left of ``words`` stood behind the words that chose the reader."""


class Table(Generic[Record]):
    """Readers by the first words of a line (``"ip address"``); the longest that fits is called.

    ``no X`` calls the reader of ``X`` with ``words.negated``.

    Args:
        readers: the readers; a later mapping overrides an earlier one.
        harmless: first words of lines that cannot matter for forwarding, with the reason.
    """

    def __init__(
        self, *readers: Mapping[str, Reader[Record]], harmless: Mapping[str, str] | None = None
    ) -> None:
        self._readers: dict[tuple[str, ...], Reader[Record]] = {}
        for key, reason in (harmless or {}).items():
            self._readers[tuple(key.split())] = _ignoring(reason)
        for mapping in readers:
            self._readers.update({tuple(key.split()): reader for key, reader in mapping.items()})
        self._deepest: dict[str, int] = {}
        for words in self._readers:
            self._deepest[words[0]] = max(self._deepest.get(words[0], 0), len(words))

    def find(self, words: Words) -> Reader[Record] | None:
        """The reader of a line; the words that chose it are taken."""
        start = words.position
        for length in range(self._deepest.get(words.peek(), 0), 0, -1):
            reader = self._readers.get(tuple(words.words[start : start + length]))
            if reader is not None:
                words.position = start + length
                return reader
        return None

    def read(self, record: Record, words: Words) -> Fate:
        """Read a line into ``record``."""
        reader = self.find(words)
        return NOT_UNDERSTOOD if reader is None else reader(record, words)


def _ignoring(reason: str) -> Callable[[object, Words], Fate]:
    fate = ignored(reason)
    return lambda _record, _words: fate
