"""Numbers and names put into words, the same in every output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from segaudit.model.flow import Family
from segaudit.model.verdict import Outcome

OUTCOME_MEANING: Mapping[Outcome, str] = {
    Outcome.PROVEN: "no packet can cross, whatever its addresses, but what an exception in force allows",
    Outcome.PROVEN_IF: "no packet can cross if the named assumptions hold",
    Outcome.VACUOUS: "a zone has no members, so nothing was shown",
    Outcome.UNKNOWN: "not decided: something is missing or not modelled",
    Outcome.VIOLATED: "a packet can cross, and is named",
}
FLOW_MEANING: Mapping[Outcome, str] = {
    Outcome.PROVEN: "works",
    Outcome.PROVEN_IF: "works if the named assumptions hold",
    Outcome.VACUOUS: "a zone has no members, so nothing was shown",
    Outcome.UNKNOWN: "not decided",
    Outcome.VIOLATED: "does not work",
}
"""The same outcomes where the assertion is that an allowed flow works."""


def counted(number: int, noun: str) -> str:
    """``1 pair``, ``2 pairs``; in capitals where ``noun`` is."""
    plural = "S" if noun.isupper() else "s"
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}{plural}"


def shortened(names: Sequence[str], at_most: int = 6) -> str:
    """The first ``at_most`` of ``names`` and how many more there are."""
    more = len(names) - at_most
    return ", ".join(names[:at_most]) + (f" and {more} more" if more > 0 else "")


def family_names(families: Iterable[Family]) -> str:
    """``IPv4 and IPv6``, ascending."""
    return " and ".join(f"IPv{int(family)}" for family in sorted(set(families)))
