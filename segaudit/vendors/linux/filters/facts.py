"""What the filters of one Linux device come to: chains, where they are applied, and line accounts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from segaudit.model.acl import Acl, AclAttachment
from segaudit.model.source import AccountedLine, LineFate, LineTally, SourceSpan

HELPER = "further connections are expected, by a helper or a rule, which are not modelled"
"""nf_conntrack_ftp and its like, and ``ct expectation set``, make packets of other ports RELATED
(Linux nf_conntrack_expect.c, nft_ct.c)."""


@dataclass(frozen=True, slots=True)
class FilterFacts:
    """The filters and translations of one device, for ``model.device.Device``.

    ``acls`` and ``attachments`` are in the order of the device's files. ``unknown_translation`` is
    true where translations could exist that were not read: any header may leave the device then.
    """

    acls: dict[str, Acl] = field(default_factory=dict)
    attachments: tuple[AclAttachment, ...] = ()
    lines: tuple[AccountedLine, ...] = ()
    tallies: tuple[LineTally, ...] = ()
    tracks_connections: bool = False
    unknown_translation: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a rule is not understood whole; ``bounded`` as in :class:`AccountedLine`."""

    reason: str
    bounded: bool = True


class LineBook:
    """The fate of every non-blank line of one file.

    A line nobody spoke for is UNRECOGNIZED, and unbounded: what it would have done is unknown.
    """

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.lines = {n: line.strip() for n, line in enumerate(text.split("\n"), 1) if line.strip()}
        self._fates: dict[int, tuple[LineFate, str, bool]] = {}

    def note(self, number: int, fate: LineFate, reason: str = "", bounded: bool = True) -> None:
        """Line ``number`` ends as ``fate``; a later note replaces an earlier one."""
        self._fates[number] = (fate, reason, bounded)

    def note_rule(self, number: int, doubts: Iterable[Doubt]) -> None:
        """Line ``number`` is a rule: a fact, or unsupported where any of ``doubts`` is about it."""
        found = list(dict.fromkeys(doubts))
        if not found:
            self.note(number, LineFate.FACT)
            return
        reason = "; ".join(dict.fromkeys(doubt.reason for doubt in found))
        self.note(number, LineFate.UNSUPPORTED, reason, all(doubt.bounded for doubt in found))

    def note_all(self, fate: LineFate, reason: str, bounded: bool = True) -> None:
        """Every line of the file ends as ``fate``."""
        for number in self.lines:
            self.note(number, fate, reason, bounded)

    def accounted(self) -> list[AccountedLine]:
        """The lines that are not plain facts, in file order."""
        result = []
        for number, text in self.lines.items():
            fate, reason, bounded = self._fate(number)
            if fate is not LineFate.FACT:
                span = SourceSpan(self.path, number, number)
                result.append(AccountedLine(span, fate.value, text, reason, bounded))
        return result

    def tally(self) -> LineTally:
        """How many lines ended as what; adds up to the non-blank lines."""
        fates = [self._fate(number)[0] for number in self.lines]
        return LineTally(self.path, *(fates.count(fate) for fate in LineFate))

    def _fate(self, number: int) -> tuple[LineFate, str, bool]:
        return self._fates.get(number, (LineFate.UNRECOGNIZED, "not a line this reader knows", False))
