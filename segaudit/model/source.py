"""Where a fact was read: the unit of every citation in a trace or a report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True, order=True)
class SourceSpan:
    """Lines ``first_line`` to ``last_line`` (1-based, inclusive) of ``file``.

    ``file`` is relative to the snapshot's root, with forward slashes
    (``devices/sub-fw/nftables.txt``), so that the same snapshot cites the same lines anywhere.
    """

    file: str
    first_line: int
    last_line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.first_line}"


class LineFate(Enum):
    """What became of one non-blank line of a config or state file."""

    FACT = "fact"
    IGNORED = "ignored"
    UNSUPPORTED = "unsupported"
    UNRECOGNIZED = "unrecognized"


@dataclass(frozen=True, slots=True, order=True)
class AccountedLine:
    """A line that did not become a plain fact, with the reason.

    ``bounded`` is true where the model already over-approximates whatever the line could mean (an
    unknown match inside a filter rule goes through the may/must bounds), so a proof made with it
    stands. Where it is false the device that holds the line is doubtful: a proof that does not
    survive the device's replacement by UNMODELLED rests on an assumption about this line.
    """

    span: SourceSpan
    fate: str
    """A ``LineFate`` value."""
    text: str
    reason: str
    bounded: bool = True


@dataclass(frozen=True, slots=True)
class LineTally:
    """Line accounting of one file: the counts add up to its non-blank lines."""

    file: str
    fact: int
    ignored: int
    unsupported: int
    unrecognized: int

    @property
    def total(self) -> int:
        """The number of non-blank lines."""
        return self.fact + self.ignored + self.unsupported + self.unrecognized
