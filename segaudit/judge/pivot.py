"""How many third zones an intruder must own to get from one zone to another, and which.

A direct isolation is not isolation where a shared server bridges it. The steps are the cells of the
matrix: everything that may arrive, allowed by the policy or not. Inside a zone that is owned the
intruder may change the address family, so only the last step has to be of the family asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from segaudit.model.flow import Family
from segaudit.model.policy import UNASSIGNED
from segaudit.model.verdict import MatrixCell, Pivot

MOST_CHAINS = 8
"""Chains named per pair; all are of the least length."""

_Steps = Mapping[str, frozenset[str]]


class Pivots:
    """The pivots of one matrix.

    Args:
        matrix: what may arrive where, every ordered pair of zones in every family.
    """

    def __init__(self, matrix: Iterable[MatrixCell]) -> None:
        cells = [cell for cell in matrix if cell.reach != "none"]
        self._last = {family: _steps(cell for cell in cells if cell.family is family) for family in Family}
        self._any = _steps(cells)

    def of(self, source: str, destination: str, family: Family) -> Pivot:
        """The least number of zones to own between two zones; places that no zone claims set apart."""
        into = self._last[family]
        if destination in into.get(source, ()):
            return Pivot(0)
        through = [
            chain
            for zone, chains in self._chains(source, destination).items()
            if destination in into.get(zone, ())
            for chain in chains
        ]
        unclaimed = UNASSIGNED in self._any.get(source, ()) and destination in into.get(UNASSIGNED, ())
        least = min((len(chain) for chain in through), default=None)
        shortest = sorted(chain for chain in through if len(chain) == least)
        return Pivot(least, tuple(shortest[:MOST_CHAINS]), unclaimed)

    def _chains(self, source: str, without: str) -> dict[str, tuple[tuple[str, ...], ...]]:
        """Per zone the shortest chains of owned zones that end with it (breadth first)."""
        found: dict[str, tuple[tuple[str, ...], ...]] = {}
        edge: dict[str, tuple[tuple[str, ...], ...]] = {source: ((),)}
        while edge:
            onward: dict[str, list[tuple[str, ...]]] = {}
            for zone, chains in edge.items():
                for step in self._any.get(zone, frozenset()) - found.keys() - {source, without, UNASSIGNED}:
                    onward.setdefault(step, []).extend((*chain, step) for chain in chains)
            edge = {zone: tuple(sorted(chains)[:MOST_CHAINS]) for zone, chains in onward.items()}
            found.update(edge)
        return found


def _steps(cells: Iterable[MatrixCell]) -> _Steps:
    found: dict[str, set[str]] = {}
    for cell in cells:
        found.setdefault(cell.source_zone, set()).add(cell.destination_zone)
    return {zone: frozenset(steps) for zone, steps in found.items()}
