"""The proof again, with every device of the source's side in the hands of the intruder.

After months inside, the intruder owns the subsidiary's own firewalls: only the other side's controls
count. Its devices are replaced by UNMODELLED, which sends anything to anywhere it touches, and the
intruder starts from there as well as from the zone's wires.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache, partial

from segaudit.graph import ForwardingGraph
from segaudit.judge.conduits import permitted
from segaudit.judge.prover import Prover, Reading
from segaudit.judge.spaces import Conduit
from segaudit.judge.variant import Variant
from segaudit.model.flow import Family, Flow
from segaudit.model.policy import INTERNET
from segaudit.model.verdict import Outcome, PairVerdict
from segaudit.packets import HeaderField, HeaderSpace
from segaudit.reach.fixpoint import Source

_SIDE_LABELS = ("side", "company")

_Question = tuple[tuple[str, ...], str, tuple[str, ...], Reading]
"""Source side, destination zone, conduits, reading."""


def zones_of_side(prover: Prover, zone: str) -> tuple[str, ...]:
    """The zones of the same side as ``zone``; a zone without a side stands alone."""
    side = prover.policy.side_of(zone)
    if side is None:
        return (zone,)
    return tuple(sorted(name for name in prover.policy.zones if prover.policy.side_of(name) == side))


def side_devices(prover: Prover, zone: str) -> tuple[str, ...]:
    """The devices that the side of ``zone`` administers, sorted.

    An inventory label ``side`` or ``company`` that is the name of a side of the policy decides.
    Without one, every device with a place in a zone of the side counts, also where another side has
    a place on it: who administers it is not known.
    """
    side = prover.policy.side_of(zone)
    sides = {one.side.casefold() for one in prover.policy.zones.values() if one.side}
    placed = {place.device for name in zones_of_side(prover, zone) for place in prover.zones.of(name)}
    found = []
    for name, device in prover.snapshot.devices.items():
        labels = {device.labels[key].casefold() for key in _SIDE_LABELS if key in device.labels} & sides
        owned = side is not None and side.casefold() in labels if labels else name in placed
        if owned:
            found.append(name)
    return tuple(sorted(found))


def devices_of_sides(prover: Prover, zones: Iterable[str]) -> tuple[str, ...]:
    """The devices that the sides of ``zones`` administer, sorted."""
    return tuple(sorted({device for zone in set(zones) for device in side_devices(prover, zone)}))


class HostileSides:
    """Outcomes of one family against an intruder who owns one side's devices.

    Args:
        prover: the engine.
        family: the address family.
    """

    def __init__(self, prover: Prover, family: Family) -> None:
        self.prover = prover
        self.family = family
        self._side = cache(partial(zones_of_side, prover))
        self._owned = cache(partial(side_devices, prover))
        self._variants: dict[tuple[tuple[str, ...], Reading], Variant] = {}
        self._lefts: dict[_Question, HeaderSpace] = {}

    def outcome(self, pair: PairVerdict, conduits: Iterable[Conduit]) -> tuple[Outcome | None, str]:
        """The outcome of ``pair`` where its source's side is hostile, and what stands against it.

        The whole side is the source: what an exception permits any of its zones, the intruder may
        send. Never better than the pair's own outcome; ``None`` where the side has no device.
        """
        owned = self._owned(pair.source_zone)
        if not owned or pair.outcome is Outcome.VACUOUS:
            return None, ""
        if pair.outcome in (Outcome.VIOLATED, Outcome.UNKNOWN):
            return pair.outcome, ""
        shared = [
            name
            for name in sorted({place.device for place in self.prover.zones.of(pair.destination_zone)})
            if name in owned
        ]
        if shared:
            return Outcome.UNKNOWN, f"{', '.join(shared)} is on both sides and would be the intruder's"
        return self._proven_again(pair, tuple(conduits))

    def _proven_again(self, pair: PairVerdict, conduits: tuple[Conduit, ...]) -> tuple[Outcome, str]:
        left = self._left(pair, conduits, Reading.STRICT)
        if left.is_empty:
            return pair.outcome, ""
        if self.prover.assumptions and self._left(pair, conduits, Reading.ASSUMED).is_empty:
            return Outcome.PROVEN_IF, ""
        internet = self.prover.reached(self.family, INTERNET, Reading.STRICT)
        beyond = left - self.prover.arrived(internet, pair.destination_zone, Reading.STRICT)
        if beyond.is_empty:
            return (
                Outcome.UNKNOWN,
                f"for example {self._example(left)}; all of it may come from the internet as well",
            )
        return Outcome.UNKNOWN, f"for example {self._example(beyond)}"

    def _example(self, left: HeaderSpace) -> Flow | None:
        """A packet of the set, a whole TCP one where there is any."""
        universe = self.prover.universe(self.family)
        return left.sample(
            [universe.value(HeaderField.PROTOCOL, 6), universe.value(HeaderField.FRAGMENT, 0)]
        )

    def _left(self, pair: PairVerdict, conduits: tuple[Conduit, ...], reading: Reading) -> HeaderSpace:
        """What may arrive of all that the side can send: the same for all its zones."""
        side = self._side(pair.source_zone)
        question = (side, pair.destination_zone, tuple(one.id for one in conduits), reading)
        if question not in self._lefts:
            owned = self._owned(pair.source_zone)
            self._lefts[question] = self._unpermitted(side, owned, pair.destination_zone, conduits, reading)
        return self._lefts[question]

    def _unpermitted(
        self,
        side: tuple[str, ...],
        owned: tuple[str, ...],
        target: str,
        conduits: tuple[Conduit, ...],
        reading: Reading,
    ) -> HeaderSpace:
        """What may arrive of all that a side can send, and that no zone of it is permitted."""
        variant = self._variant(owned, reading)
        sources = [self.prover.source(zone, reading) for zone in side]
        start = Source(
            frozenset().union(*(source.segments for source in sources)),
            any(source.internet for source in sources),
            True,
            frozenset().union(*(source.devices for source in sources)) - set(owned),
        )
        left = self.prover.universe(self.family).all
        permits = [permitted(self.prover, conduits, zone, target, self.family) for zone in side]
        for allowed in {(one.opened, one.answered): one for one in permits}.values():
            left &= variant.left(start, target, allowed)
        return left

    def _variant(self, owned: tuple[str, ...], reading: Reading) -> Variant:
        if (owned, reading) not in self._variants:
            graph = _owned_by_intruder(self.prover.graph(reading), frozenset(owned))
            self._variants[owned, reading] = Variant(self.prover, self.family, reading, graph)
        return self._variants[owned, reading]


def _owned_by_intruder(graph: ForwardingGraph, owned: frozenset[str]) -> ForwardingGraph:
    touched = {
        segment.id
        for segment in graph.segments.values()
        if any(point.device in owned for point in segment.touched)
    }
    return replace(
        graph,
        devices={name: device for name, device in graph.devices.items() if name not in owned},
        unmodelled_segments=graph.unmodelled_segments | touched,
    )
