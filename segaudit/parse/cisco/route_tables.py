"""Routing tables as a switch printed them (EOS, NX-OS), before their next hops are placed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.parse.ledger import LineLedger


@dataclass(frozen=True, slots=True)
class ToldHop:
    """A next hop: ``vrf`` is the one where its address is looked up, ``overlay``: a tunnel carries it."""

    interface: str | None = None
    address: int | None = None
    vrf: str | None = None
    overlay: bool = False


@dataclass(frozen=True, slots=True)
class ToldRoute:
    """A route; one to ``Null0`` alone discards. ``is_own`` marks an address of the switch itself."""

    vrf: str
    family: Family
    prefix: int
    prefix_length: int
    hops: tuple[ToldHop, ...]
    protocol: str
    span: SourceSpan
    is_own: bool = False


@dataclass(slots=True)
class ToldTables:
    """The tables of one output: ``vrfs`` are those that it shows, with routes or without."""

    routes: list[ToldRoute] = field(default_factory=list)
    vrfs: set[tuple[str, Family]] = field(default_factory=set)


class NotRead(ValueError):
    """A line that is not understood: the whole output is not used."""

    def __init__(self, number: int) -> None:
        super().__init__(f"line {number}")
        self.number = number


def numbered(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.rstrip()


def not_used(ledger: LineLedger, number: int) -> None:
    """Account for an output with a line that is not understood: what was configured counts instead."""
    reason = "not understood: the table is not used, what protocols learn counts as unknown"
    ledger.unrecognized(number, number, reason, bounded=True)
    ledger.rest_is_ignored("a routing table with a line that is not understood is not used")
