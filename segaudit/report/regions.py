"""The regions that no filter divides, and the filters between two sides, as a drawing and as rows.

Regions and the devices between them are the nodes of a two-part graph, drawn in columns by their
distance from the first side. A large network is folded: what lies on no way between the sides is left
out, regions alike are drawn as one, and what is still too many is left to the table.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise

from segaudit.model.policy import UNASSIGNED, Isolation
from segaudit.model.result import RunResult
from segaudit.model.verdict import AppliedFilter, Region, RegionCrossing, RegionGraph
from segaudit.report.words import counted, family_names, shortened

MOST_NODES = 40
"""Regions and devices that are drawn one by one."""

_COLUMN, _ROW, _WIDE, _HIGH = 158, 62, 126, 44
_MARGIN = 8
_SWEEPS = 6
_LETTERS = 22
_ORDER = ("none", "some", "all")


@dataclass(frozen=True, slots=True)
class Box:
    """A drawn node: ``kind`` is ``near``, ``far``, ``between``, ``internet`` or ``device``."""

    name: str
    kind: str
    lines: tuple[str, ...]
    title: str
    x: int
    y: int
    width: int = _WIDE
    height: int = _HIGH


@dataclass(frozen=True, slots=True)
class Line:
    """A drawn edge from a region to a device; ``passes`` is the most that crosses there."""

    path: str
    passes: str


@dataclass(frozen=True, slots=True)
class CrossingRow:
    """One crossing for the table, the regions by their names."""

    device: str
    source: str
    destination: str
    passes: str
    filters: tuple[AppliedFilter, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One isolation's regions in one or both families.

    ``said`` says in words which devices stand on every way, and whether the regions alone prove it.
    ``left_out`` counts what is not drawn.
    """

    assertion: str
    families: str
    said: tuple[str, ...]
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    rows: tuple[CrossingRow, ...]
    width: int
    height: int
    left_out: int


def drawings(result: RunResult) -> tuple[Drawing, ...]:
    """One drawing per isolation; both families together where they look the same."""
    found: list[Drawing] = []
    for isolation in result.policy.isolations:
        of_this = [
            _drawing(isolation, graph) for graph in result.regions if graph.family in isolation.families
        ]
        if len({replace(one, families="") for one in of_this}) == 1:
            of_this = [replace(of_this[0], families=family_names(isolation.families))]
        found.extend(of_this)
    return tuple(found)


def _drawing(isolation: Isolation, graph: RegionGraph) -> Drawing:
    view = _View(graph, isolation)
    columns = _columns(view)
    boxes = tuple(_boxes(view, columns))
    at = {box.name: box for box in boxes}
    every = _on_every_way(*_ends(isolation, graph), graph)
    return Drawing(
        isolation.id,
        family_names([graph.family]),
        tuple(_said(isolation, graph, every)),
        boxes,
        tuple(_lines(view, at)),
        tuple(_rows(view, every)),
        len(columns) * _COLUMN - (_COLUMN - _WIDE) + 2 * _MARGIN,
        max((len(column) for column in columns), default=0) * _ROW + 2 * _MARGIN,
        view.left_out,
    )


# -- what is drawn -------------------------------------------------------------------------------


class _View:
    """The regions and devices on ways between the sides of an isolation, alike ones as one.

    Args:
        graph: all regions.
        isolation: whose sides are at the ends.
    """

    def __init__(self, graph: RegionGraph, isolation: Isolation) -> None:
        self.near, self.far = set(isolation.between), set(isolation.and_)
        ends = self.near | self.far
        touching = _touching(graph.crossings)
        kept = _between(touching, {one.name for one in graph.regions if ends & set(one.zones)})
        self.members = _alike([one for one in graph.regions if one.name in kept], touching)
        self.stands_for = {one.name: first for first, group in self.members.items() for one in group}
        sides = (
            [first for first in self.members if self.zones(first) & side] for side in (self.near, self.far)
        )
        shown = _nearest(self._links(touching), *sides)
        self.left_out = len(self.members.keys() - shown)
        self.members = {first: group for first, group in self.members.items() if first in shown}
        self.links = {
            device: regions & shown
            for device, regions in self._links(touching).items()
            if len(regions & shown) > 1
        }
        self.crossings = [
            replace(one, source=self.stands_for[one.source], destination=self.stands_for[one.destination])
            for one in graph.crossings
            if {one.source, one.destination} <= self.stands_for.keys() and one.device in self.links
        ]

    def _links(self, touching: Mapping[str, set[str]]) -> dict[str, set[str]]:
        """Per device the drawn regions that it touches."""
        return {
            device: {self.stands_for[region] for region in regions if region in self.stands_for}
            for device, regions in touching.items()
        }

    def zones(self, first: str) -> set[str]:
        """The zones of a drawn region."""
        return {zone for one in self.members[first] for zone in one.zones}

    def kind(self, first: str) -> str:
        """Which side a drawn region is on."""
        zones = self.zones(first)
        if zones & self.near:
            return "near"
        if zones & self.far:
            return "far"
        return "internet" if any(one.internet for one in self.members[first]) else "between"

    def passes(self, region: str, device: str) -> str:
        """The most that a device lets through from or to a region; to the device itself only at its own."""
        kinds = [
            one.passes
            for one in self.crossings
            if one.device == device
            for other in ({one.source, one.destination} - {region},)
            if len(other) == 1 and (self.is_itself(region) or not self.is_itself(*other))
        ]
        return max(kinds, key=_ORDER.index, default="none")

    def is_itself(self, first: str) -> bool:
        """True for the addresses of a device itself."""
        return self.members[first][0].itself


def _touching(crossings: Iterable[RegionCrossing]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for one in crossings:
        found[one.device] |= {one.source, one.destination}
    return found


def _between(touching: Mapping[str, set[str]], ends: set[str]) -> set[str]:
    """The regions without those that are dead ends and at neither end."""
    kept = set(ends).union(*touching.values())
    while True:
        useful = [regions & kept for regions in touching.values() if len(regions & kept) > 1]
        ways = Counter(chain.from_iterable(useful))
        dead = {one for one in kept - ends if ways[one] < 2}
        if not dead:
            return kept
        kept -= dead


def _alike(regions: Sequence[Region], touching: Mapping[str, set[str]]) -> dict[str, tuple[Region, ...]]:
    """Regions of the same zones behind the same devices together, by the name of the first."""
    behind = _touched_by(touching)
    groups: dict[object, list[Region]] = defaultdict(list)
    for one in regions:
        devices = tuple(sorted(behind.get(one.name, ())))
        groups[one.zones, devices, one.internet, one.itself].append(one)
    return {group[0].name: tuple(group) for group in groups.values()}


def _touched_by(touching: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Per region the devices that touch it."""
    found: dict[str, set[str]] = defaultdict(set)
    for device, regions in touching.items():
        for region in regions:
            found[region].add(device)
    return found


def _nearest(links: Mapping[str, set[str]], near: Collection[str], far: Collection[str]) -> set[str]:
    """The regions that are drawn: all where there are few, else those next to one shortest way."""
    everything = set(near) | set(far) | set().union(*links.values())
    if len(everything) + len(links) <= MOST_NODES:
        return everything
    distance = _distances(links, _way(links, near, far) or [*near, *far])
    ordered = sorted(everything, key=lambda name: (distance.get(name, len(distance)), _natural(name)))
    return set(ordered[: MOST_NODES // 2])


def _way(links: Mapping[str, set[str]], near: Collection[str], far: Collection[str]) -> list[str]:
    """One of the shortest ways from one side to the other; empty where there is none."""
    left = _distances(links, far)
    behind = _touched_by(links)
    here = min(near, key=lambda name: (left.get(name, len(left)), _natural(name)), default="")
    way = [here] if here in left else []
    while way and left[way[-1]]:
        onward = links.get(way[-1], set()) | behind.get(way[-1], set())
        way.append(min(onward & left.keys(), key=lambda name: (left[name], _natural(name))))
    return way


def _distances(links: Mapping[str, set[str]], start: Iterable[str]) -> dict[str, int]:
    """Steps from the start to every region and device."""
    distance = dict.fromkeys(start, 0)
    behind = _touched_by(links)
    queue = deque(sorted(distance))
    while queue:
        here = queue.popleft()
        for onward in links.get(here, set()) | behind.get(here, set()):
            if onward not in distance:
                distance[onward] = distance[here] + 1
                queue.append(onward)
    return distance


# -- where it is drawn ---------------------------------------------------------------------------


def _columns(view: _View) -> list[list[str]]:
    """The nodes from left to right, in each column from top to bottom."""
    start = [first for first in view.members if view.kind(first) == "near"]
    distance = _distances(view.links, start)
    last = max(distance.values(), default=0) + 1
    columns: list[list[str]] = [[] for _ in range(last + 1)]
    for name in sorted([*view.members, *view.links], key=_natural):
        columns[distance.get(name, last)].append(name)
    columns = [column for column in columns if column]
    for sweep in range(_SWEEPS):
        _sort_by_neighbours(view, columns if sweep % 2 == 0 else columns[::-1])
    return columns


def _sort_by_neighbours(view: _View, columns: Sequence[list[str]]) -> None:
    """Bring every node near the middle of those it is joined with in the column before."""
    for before, column in pairwise(columns):
        place = {name: (number + 0.5) / len(before) for number, name in enumerate(before)}
        middle = {}
        for number, name in enumerate(column):
            joined = [place[other] for other in before if _joined(view, name, other)]
            middle[name] = sum(joined) / len(joined) if joined else (number + 0.5) / len(column)
        column.sort(key=lambda name: (middle[name], _natural(name)))


def _joined(view: _View, one: str, other: str) -> bool:
    return one in view.links.get(other, ()) or other in view.links.get(one, ())


def _natural(name: str) -> tuple[int, str]:
    """``R2`` before ``R10``."""
    return len(name), name


def _boxes(view: _View, columns: Sequence[Sequence[str]]) -> Iterator[Box]:
    height = max((len(column) for column in columns), default=0) * _ROW
    for number, column in enumerate(columns):
        share = height / len(column)
        for row, name in enumerate(column):
            x = _MARGIN + number * _COLUMN
            y = _MARGIN + int(share * (row + 0.5) - _HIGH / 2)
            yield _device_box(view, name, x, y) if name in view.links else _region_box(view, name, x, y)


def _region_box(view: _View, first: str, x: int, y: int) -> Box:
    group = view.members[first]
    zones = sorted(view.zones(first) - {UNASSIGNED})
    wires = [wire for one in group for wire in one.wires]
    inside = [name for one in group for name in one.inside]
    about = f"{_counted(inside)} itself" if group[0].itself else _counted(wires)
    name = _counted(zones) or ("internet" if group[0].internet else "links")
    title = f"{', '.join(zones) or 'no zone'}: {', '.join(wires) or about}"
    return Box(first, view.kind(first), (_cut(name), _cut(about)), title, x, y)


def _counted(names: Sequence[str]) -> str:
    """The first name, and how many more there are: as much as a box has room for."""
    return names[0] + (f" +{len(names) - 1}" if len(names) > 1 else "") if names else ""


def _device_box(view: _View, name: str, x: int, y: int) -> Box:
    filters = list(
        dict.fromkeys(one for row in view.crossings if row.device == name for one in row.filters)
    )
    title = f"{name}: {'; '.join(f'{one.name} {one.span or str()}'.strip() for one in filters)}"
    return Box(name, "device", tuple(_cut(text) for text in (name, *_first(filters))), title, x, y)


def _first(filters: Sequence[AppliedFilter]) -> Iterator[str]:
    """The first filter by name and line, and how many more there are."""
    for one in filters[:1]:
        more = f" +{len(filters) - 1}" if len(filters) > 1 else ""
        place = f"{one.span.file.rsplit('/', 1)[-1]}:{one.span.first_line}" if one.span else ""
        yield one.name
        yield f"{place}{more}".strip()


def _cut(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"


def _lines(view: _View, at: Mapping[str, Box]) -> Iterator[Line]:
    for device, regions in sorted(view.links.items()):
        for region in sorted(regions, key=_natural):
            left, right = sorted((at[region], at[device]), key=lambda box: (box.x, box.y))
            start, end = left.x + left.width, right.x
            low, high = left.y + left.height // 2, right.y + right.height // 2
            bend = (start + end) // 2
            path = f"M{start} {low} C{bend} {low} {bend} {high} {end} {high}"
            yield Line(path, view.passes(region, device))


# -- what is said --------------------------------------------------------------------------------


def _rows(view: _View, every: Collection[str]) -> Iterator[CrossingRow]:
    """Every drawn crossing once; first what crosses the devices that stand on every way."""
    ordered = sorted(
        dict.fromkeys(view.crossings),
        key=lambda one: (one.device not in every, one.device, one.passes == "none", one.source),
    )
    for one in ordered:
        if one.source != one.destination and {one.source, one.destination} <= view.members.keys():
            ends = (_region_name(view, one.source), _region_name(view, one.destination))
            yield CrossingRow(one.device, *ends, one.passes, one.filters)


def _region_name(view: _View, first: str) -> str:
    group = view.members[first]
    zones = sorted(view.zones(first) - {UNASSIGNED})
    wires = [wire for one in group for wire in one.wires] or [name for one in group for name in one.inside]
    return f"{', '.join(zones)} ({shortened(wires, 1)})" if zones else shortened(wires, 2)


def _ends(isolation: Isolation, graph: RegionGraph) -> tuple[set[str], set[str]]:
    """The regions of the two sides."""
    near, far = (
        {one.name for one in graph.regions if set(one.zones) & set(zones)}
        for zones in (isolation.between, isolation.and_)
    )
    return near, far


def _on_every_way(near: set[str], far: set[str], graph: RegionGraph) -> list[str]:
    """The devices that every way from one side to the other passes, filtered or not, in their order."""
    touching = _touching(graph.crossings)
    on_one_way = [name for name in _way(touching, near, far) if name in touching]
    return [device for device in on_one_way if not _reaches(_without(touching, device), near, far)]


def _said(isolation: Isolation, graph: RegionGraph, every: Sequence[str]) -> Iterator[str]:
    near, far = _ends(isolation, graph)
    yield f"{counted(len(graph.regions), 'region')} that no filter divides."
    if near & far:
        yield f"{isolation.between_text} and {isolation.and_text} share a region: no filter stands between."
        return
    if not _reaches(_touching(graph.crossings), near, far):
        yield "No device joins the two sides."
    elif every:
        yield f"Every way between the two sides passes {shortened(every)}."
    else:
        yield "No single device stands on every way between the two sides."
    for start, end, words in (
        (near, far, f"{isolation.between_text} to {isolation.and_text}"),
        (far, near, f"{isolation.and_text} to {isolation.between_text}"),
    ):
        if _crosses(graph, start, end):
            yield f"From {words} each filter of some way passes some packets; the proof is about which."
        else:
            yield f"From {words} nothing passes every filter of any way, whatever the routing."


def _without(touching: Mapping[str, set[str]], device: str) -> dict[str, set[str]]:
    return {name: regions for name, regions in touching.items() if name != device}


def _reaches(links: Mapping[str, set[str]], start: set[str], end: set[str]) -> bool:
    return bool(_distances(links, start).keys() & end)


def _crosses(graph: RegionGraph, start: set[str], end: set[str]) -> bool:
    """True where a chain of crossings that pass something leads from one side to the other."""
    steps: dict[str, set[str]] = defaultdict(set)
    arriving: set[tuple[str, str]] = set()
    for one in graph.crossings:
        if one.passes != "none" and one.onward:
            steps[one.source].add(one.destination)
        elif one.passes != "none":
            arriving.add((one.source, one.destination))
    reached, queue = set(start), sorted(start)
    while queue:
        more = steps[queue.pop()] - reached
        reached |= more
        queue.extend(more)
    return bool((reached | {there for here, there in arriving if here in reached}) & end)
