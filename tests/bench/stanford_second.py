"""Second opinions on the Stanford backbone that share nothing with the engine but the rules as read.

``Walk`` follows one header through the rules as they stand: what it shows reachable is. ``Destinations``
follows sets of destinations and knows of VLANs, and takes every rule that reads anything else for one
that may match and may not: what it does not show reachable is not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from bench.stanford import OUTPUT_STAGE, STAGES, VLAN, Backbone, Pattern, Router, Rule

from segaudit.model.flow import Flow
from segaudit.model.topology import TerminationPoint
from segaudit.packets import HeaderField

MOST_VLANS = 4096

Seen = tuple[TerminationPoint, int]
"""A port at which packets are received, and their VLAN."""


def _split(pattern: Pattern) -> tuple[int | None, tuple[tuple[HeaderField, int, int], ...]]:
    """The VLAN that a pattern asks for (``None``: any), and the rest of it."""
    vlan = [value for field, value, _ in pattern if field is VLAN]
    return (vlan[0] if vlan else None), tuple(part for part in pattern if part[0] is not VLAN)


# -- one header ----------------------------------------------------------------------------------


class Walk:
    """Where one header gets to, with any VLAN at its start.

    Args:
        backbone: the routers and wires.
        flow: the header.
    """

    def __init__(self, backbone: Backbone, flow: Flow) -> None:
        self._backbone = backbone
        self._flow = flow
        self._sent = cache(self._send)

    def leaves_by(self, entry: TerminationPoint, vlan: int) -> set[TerminationPoint]:
        """The ports that the header leaves any router by, received at ``entry``."""
        seen, pending, found = {(entry, vlan)}, [(entry, vlan)], set()
        while pending:
            for port, onward in self._sent(*pending.pop()):
                found.add(port)
                new = {(heard, onward) for heard in self._backbone.wires.get(port, ())} - seen
                seen |= new
                pending += new
        return found

    def _send(self, entry: TerminationPoint, vlan: int) -> set[Seen]:
        """What one router sends of the header: out of which port, in which VLAN."""
        router = self._backbone.routers[entry.device]
        at = {(self._backbone.numbers[entry], vlan)}
        for _ in range(STAGES):
            at = {after for before in at for after in self._decide(router, *before)}
        out = ((router.ports[number - OUTPUT_STAGE], onward) for number, onward in at)
        return {
            (TerminationPoint(router.name, name), onward) for name, onward in out if name != entry.interface
        }

    def _decide(self, router: Router, number: int, vlan: int) -> list[tuple[int, int]]:
        for rule in router.by_port.get(number, ()):
            if all(self._value(field, vlan) & mask == value for field, value, mask in rule.matches):
                return [(to, vlan if rule.vlan is None else rule.vlan) for to in rule.leaves]
        return []

    def _value(self, field: HeaderField, vlan: int) -> int:
        return vlan if field is VLAN else int(getattr(self._flow, field.value))


# -- destinations alone --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Coarse:
    """A rule by VLAN and destinations; ``decides`` is false where it reads more than these."""

    vlan: int | None
    destinations: int
    decides: bool
    sets: int | None
    leaves: tuple[int, ...]


class Destinations:
    """Sets of destinations as bits of an integer, one for each run that no rule's prefix cuts."""

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone
        self._rules = {
            name: {number: list(map(self._coarse, rules)) for number, rules in router.by_port.items()}
            for name, router in backbone.routers.items()
        }

    @cached_property
    def starts(self) -> list[int]:
        """The first address of each run."""
        edges = {0}
        for router in self._backbone.routers.values():
            for rule in router.rules:
                for first, last in _prefixes(rule.matches):
                    edges |= {first, last + 1}
        return sorted(edges - {1 << 32})

    def _coarse(self, rule: Rule) -> _Coarse:
        vlan, rest = _split(rule.matches)
        bits = (1 << len(self.starts)) - 1
        for first, last in _prefixes(rest):
            bits &= (1 << bisect_left(self.starts, last + 1)) - (1 << bisect_left(self.starts, first))
        decides = all(field is HeaderField.DESTINATION for field, _, _ in rest)
        return _Coarse(vlan, bits, decides, rule.vlan, rule.leaves)

    def leaves_by(self, entry: TerminationPoint) -> set[TerminationPoint]:
        """Every port that anything received at ``entry`` can leave by, and maybe some more."""
        everything = (1 << len(self.starts)) - 1
        known: dict[Seen, int] = {}
        pending = deque((entry, vlan, everything) for vlan in self._vlans)
        found = set()
        while pending:
            port, vlan, packets = pending.popleft()
            new = packets & ~known.get((port, vlan), 0)
            if not new:
                continue
            known[port, vlan] = known.get((port, vlan), 0) | new
            for out, onward, sent in self._sent(port, vlan, new):
                found.add(out)
                pending += [(heard, onward, sent) for heard in self._backbone.wires.get(out, ())]
        return found

    @cached_property
    def _vlans(self) -> list[int]:
        """Every VLAN that some rule asks for, and one that none does."""
        rules = (rule for router in self._backbone.routers.values() for rule in router.rules)
        named = {vlan for vlan, _ in (_split(rule.matches) for rule in rules) if vlan is not None}
        other = next(vlan for vlan in range(MOST_VLANS) if vlan not in named)
        return sorted({*named, other})

    def _sent(
        self, entry: TerminationPoint, vlan: int, packets: int
    ) -> Iterator[tuple[TerminationPoint, int, int]]:
        router = self._backbone.routers[entry.device]
        at = {(self._backbone.numbers[entry], vlan): packets}
        for _ in range(STAGES):
            at = self._stage(router.name, at)
        for (number, onward), sent in at.items():
            name = router.ports[number - OUTPUT_STAGE]
            if name != entry.interface:
                yield TerminationPoint(router.name, name), onward, sent

    def _stage(self, router: str, at: Mapping[tuple[int, int], int]) -> dict[tuple[int, int], int]:
        found: dict[tuple[int, int], int] = defaultdict(int)
        for (number, vlan), rest in at.items():
            for rule in self._rules[router].get(number, ()):
                matched = rest & rule.destinations
                if matched and rule.vlan in (None, vlan):
                    for to in rule.leaves:
                        found[to, vlan if rule.sets is None else rule.sets] |= matched
                    rest &= ~matched if rule.decides else rest
        return found

    # -- classes ---------------------------------------------------------------------------------

    def classes(self, told: Callable[[Rule], object]) -> int:
        """How many kinds of destinations the forwarding tables tell apart, by ``told`` of their rules."""
        kinds = [tuple(column) for column in zip(*self.columns(told), strict=True)]
        return len(set(kinds))

    def columns(self, told: Callable[[Rule], object]) -> Iterator[list[object]]:
        """Per router what it does with each run of destinations."""
        for router in self._backbone.routers.values():
            column: list[object] = [None] * len(self.starts)
            for rule in reversed(router.by_port[router.table]):
                for first, last in _prefixes(rule.matches) or [(0, (1 << 32) - 1)]:
                    begin, end = (bisect_left(self.starts, edge) for edge in (first, last + 1))
                    column[begin:end] = [told(rule)] * (end - begin)
            yield column


def _prefixes(pattern: Pattern) -> list[tuple[int, int]]:
    return [
        (value, value | ~mask & (1 << 32) - 1)
        for field, value, mask in pattern
        if field is HeaderField.DESTINATION
    ]


def entry_vlans(backbone: Backbone, entry: TerminationPoint) -> list[int]:
    """The VLANs that the rules of a port ask for, and one that they do not."""
    rules = backbone.routers[entry.device].by_port.get(backbone.numbers[entry], [])
    named = {vlan for vlan, _ in (_split(rule.matches) for rule in rules) if vlan is not None}
    return sorted({*named, next(vlan for vlan in range(MOST_VLANS) if vlan not in named)})
