"""The zone x zone table: what may arrive where, with both families in one cell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from segaudit.model.flow import Family
from segaudit.model.policy import BUILT_IN_ZONES, Policy
from segaudit.model.result import RunResult
from segaudit.report.standing import PairStanding, Standing

MOST_ZONES = 60
"""Beyond this many zones a row stands for a whole side, with the worst of its zones."""

NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Mark:
    """How one kind of cell is drawn (``css``, ``glyph``) and read (``words``)."""

    css: str
    glyph: str
    words: str


_NO_STATEMENT = Mark("none", "", "not analysed")
_NOTHING = Mark("quiet", "✓", "nothing arrives (not asserted)")
_ALLOWED = Mark("allowed", "→", "only allowed flows arrive")
_REACHABLE = Mark("reachable", "○", "reachable (not asserted)")
_UNDECIDED = Mark("undecided", "?", "not decided (not asserted)")
_ASSERTED = {
    Standing.PROVEN_AND_PROBED: Mark("probed", "✓✓", "isolated: proven and probed"),
    Standing.PROVEN: Mark("proven", "✓", "isolated: proven, not probed"),
    Standing.PROVEN_IF_AND_PROBED: Mark("proven-if", "(✓✓)", "isolated if assumptions hold, probed"),
    Standing.PROVEN_IF: Mark("proven-if", "(✓)", "isolated if assumptions hold"),
    Standing.VACUOUS: Mark("unknown", "∅", "a zone without members shows nothing"),
    Standing.UNKNOWN: Mark("unknown", "?", "asserted, not decided"),
    Standing.OPEN: Mark("open", "✗", "asserted, and open"),
}
_UNASSERTED = {"none": _NOTHING, "allowed": _ALLOWED, "open": _REACHABLE, "unknown": _UNDECIDED}
_BEST_TO_WORST = [
    _NO_STATEMENT,
    _NOTHING,
    _ASSERTED[Standing.PROVEN_AND_PROBED],
    _ASSERTED[Standing.PROVEN],
    _ASSERTED[Standing.PROVEN_IF_AND_PROBED],
    _ASSERTED[Standing.PROVEN_IF],
    _ALLOWED,
    _REACHABLE,
    _UNDECIDED,
    _ASSERTED[Standing.VACUOUS],
    _ASSERTED[Standing.UNKNOWN],
    _ASSERTED[Standing.OPEN],
]


def standing_mark(standing: Standing) -> Mark:
    """The mark of an asserted pair."""
    return _ASSERTED[standing]


@dataclass(frozen=True, slots=True)
class Cell:
    """One drawn cell. ``note`` names the family where the two differ; ``frame`` the framed edges."""

    source: str
    destination: str
    mark: Mark
    note: str
    asserted: bool
    excepted: bool
    frame: str

    @property
    def words(self) -> str:
        """The cell as a sentence, for whoever does not see it."""
        note = f", {self.note} only" if self.note else ""
        excepted = ", with an exception" if self.excepted else ""
        return f"{self.source} to {self.destination}: {self.mark.words}{note}{excepted}"


@dataclass(frozen=True, slots=True)
class Row:
    """A source zone with its cells; ``side_rows`` is the height of the side label that starts here."""

    zone: str
    side: str
    side_rows: int
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The whole table. ``sides`` head the columns, each with its width; ``legend`` the marks in use."""

    zones: tuple[str, ...]
    sides: tuple[tuple[str, int], ...]
    rows: tuple[Row, ...]
    legend: tuple[Mark, ...]
    by_side: bool
    has_exceptions: bool

    @property
    def density(self) -> str:
        """The style class for the number of zones."""
        return "roomy" if len(self.zones) <= 12 else "dense" if len(self.zones) <= 24 else "denser"


def matrix(result: RunResult, pairs: Sequence[PairStanding]) -> Matrix:
    """The table of all zones: sides together in the order of the isolations, built-ins last."""
    zones = _ordered_zones(result)
    by_side = len(zones) > MOST_ZONES
    label = {zone: _side(result.policy, zone) if by_side else zone for zone in zones}
    names = tuple(dict.fromkeys(label.values()))
    cells = _cells(result, pairs, label)
    sides = [name if by_side else _side_label(result.policy, name) for name in names]
    rows = _rows(names, sides, cells)
    excepted = any(cell.excepted for cell in cells.values())
    return Matrix(names, tuple(_runs(sides)), rows, _legend(cells.values()), by_side, excepted)


def _ordered_zones(result: RunResult) -> list[str]:
    named = {zone for cell in result.matrix for zone in (cell.source_zone, cell.destination_zone)}
    named |= set(result.policy.zones)
    places = _side_order(result.policy)
    return sorted(named, key=lambda zone: (*_place(result.policy, zone, places), zone))


def _side_order(policy: Policy) -> dict[str, int]:
    """Where each side's zones go: the first isolation's sides with the neutral between, then the rest."""
    first = policy.isolations[:1]
    near = [policy.side_of(zone) for isolation in first for zone in isolation.between]
    far = [policy.side_of(zone) for isolation in first for zone in isolation.and_]
    others = sorted({zone.side for zone in policy.zones.values() if zone.side})
    order = [*near, NEUTRAL, *far, *others]
    return {side: index for index, side in reversed(list(enumerate(order))) if side}


def _place(policy: Policy, zone: str, places: Mapping[str, int]) -> tuple[int, int]:
    if zone in BUILT_IN_ZONES:
        return 1, BUILT_IN_ZONES.index(zone)
    return 0, places.get(_side(policy, zone), len(places))


def _side(policy: Policy, zone: str) -> str:
    if zone in BUILT_IN_ZONES:
        return zone
    return policy.side_of(zone) or NEUTRAL


def _side_label(policy: Policy, zone: str) -> str:
    return "" if zone in BUILT_IN_ZONES else _side(policy, zone)


Pair = tuple[str, str]


def _cells(result: RunResult, pairs: Sequence[PairStanding], label: Mapping[str, str]) -> dict[Pair, Cell]:
    marks = _marks(result, pairs, label)
    excepted = {_labelled(pair, label) for pair in pairs if pair.verdict.excepted_by}
    asserted = {_labelled(pair, label) for pair in pairs}
    asserted |= {
        (label[cell.source_zone], label[cell.destination_zone]) for cell in result.matrix if cell.asserted
    }
    framed = {pair: _frame(pair, asserted, list(dict.fromkeys(label.values()))) for pair in asserted}
    return {
        pair: Cell(*pair, *_worst(found), pair in asserted, pair in excepted, framed.get(pair, ""))
        for pair, found in marks.items()
    }


def _labelled(pair: PairStanding, label: Mapping[str, str]) -> Pair:
    return label.get(pair.source, pair.source), label.get(pair.destination, pair.destination)


def _marks(
    result: RunResult, pairs: Sequence[PairStanding], label: Mapping[str, str]
) -> dict[Pair, list[tuple[Family, Mark]]]:
    """All that is known about each drawn pair; an asserted one without a verdict is not decided."""
    judged = {pair.key: pair for pair in pairs}
    marks: dict[Pair, list[tuple[Family, Mark]]] = defaultdict(list)
    for pair in pairs:
        marks[_labelled(pair, label)].append((pair.family, _ASSERTED[pair.standing]))
    for cell in result.matrix:
        if (cell.source_zone, cell.destination_zone, cell.family) not in judged:
            mark = _ASSERTED[Standing.UNKNOWN] if cell.asserted else _UNASSERTED.get(cell.reach, _UNDECIDED)
            marks[label[cell.source_zone], label[cell.destination_zone]].append((cell.family, mark))
    return marks


def _worst(found: Sequence[tuple[Family, Mark]]) -> tuple[Mark, str]:
    """The worst mark and, where only some families have it, which."""
    worst = max((mark for _, mark in found), key=_BEST_TO_WORST.index)
    having = {family for family, mark in found if mark is worst}
    everywhere = having == {family for family, _ in found}
    return worst, "" if everywhere else " ".join(f"v{int(family)}" for family in sorted(having))


def _frame(pair: Pair, asserted: set[Pair], names: Sequence[str]) -> str:
    """The edges of an asserted cell beyond which the neighbour is not asserted."""
    row, column = names.index(pair[0]), names.index(pair[1])
    beside = {
        "top": (row - 1, column),
        "right": (row, column + 1),
        "bottom": (row + 1, column),
        "left": (row, column - 1),
    }
    return " ".join(
        f"edge-{edge}" for edge, (at, across) in beside.items() if _at(names, at, across) not in asserted
    )


def _at(names: Sequence[str], row: int, column: int) -> Pair | None:
    inside = 0 <= row < len(names) and 0 <= column < len(names)
    return (names[row], names[column]) if inside else None


def _rows(names: tuple[str, ...], sides: Sequence[str], cells: Mapping[Pair, Cell]) -> tuple[Row, ...]:
    heights = [height for _, length in _runs(sides) for height in (length, *[0] * (length - 1))]
    return tuple(
        Row(name, side, height, tuple(cells.get((name, column)) for column in names))
        for name, side, height in zip(names, sides, heights, strict=True)
    )


def _runs(sides: Sequence[str]) -> list[tuple[str, int]]:
    """Neighbours of the same side, counted."""
    return [(side, len(list(group))) for side, group in groupby(sides)]


def _legend(cells: Iterable[Cell]) -> tuple[Mark, ...]:
    used = [cell.mark for cell in cells]
    return tuple(mark for mark in _BEST_TO_WORST if mark in used and mark is not _NO_STATEMENT)
