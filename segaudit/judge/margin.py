"""How many independent changes an isolation is away from none, and which would do.

A change is one of ``judge.objects``: one rule deleted, one chain opened by default, one route added or
discarding one removed, one interface brought up, forwarding switched on, a reverse-path filter off.
A new wire or VLAN is not among them. Whether some changes suffice is decided by computing the pair's
fixpoint with them made, never guessed. Three questions are asked, each with a bounded number of
changed networks:

1. Which single change reconnects the pair? What can be ruled out for many objects together is: those
   of a device that no packet of the source meets, or from whose wires nothing reaches the
   destination; and blocks of objects whose loosening leaves the pair closed.
2. Which changes together reconnect it? A way across copies of the network (``judge.layers``) names
   devices; of their objects a least set is kept, by inclusion. It is an upper bound that trusts
   nothing: the set is made and the pair is proven no more.
3. Do two changes suffice? Every pair of objects is tried or ruled out in blocks.

Reconnected means: no longer proven; a keystone or set with a nearest miss names a packet that then
certainly arrives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from segaudit.errors import CapacityError
from segaudit.judge.blocks import broad_blocks, single
from segaudit.judge.changed import ChangedNetworks, Question, anew, edited, edited_snapshot
from segaudit.judge.conduits import permitted
from segaudit.judge.layers import Layers, Lift
from segaudit.judge.nearest import NearestMisses
from segaudit.judge.objects import BarrierObject
from segaudit.judge.prover import Prover, Reading
from segaudit.judge.search import Search
from segaudit.judge.spaces import Conduit
from segaudit.judge.witness import Storyteller
from segaudit.model.device import Device
from segaudit.model.flow import Family
from segaudit.model.verdict import (
    Change,
    Grade,
    Keystone,
    Margin,
    Outcome,
    PairVerdict,
    Reconnection,
    Witness,
)
from segaudit.reach.device_path import Level, RoutingMode

DEFAULT_BUDGET = 600
"""Changed networks tried per pair and question."""

MOST_STORIES = 6
"""Keystones per pair whose nearest miss is told."""

_PROVEN = (Outcome.PROVEN, Outcome.PROVEN_IF)

_HELD_BY_FILTERS = (Grade.G5, Grade.G4)
"""Grades at which no single route or raised interface matters: proven for any routing."""


Asked = tuple[PairVerdict, Sequence[Conduit]]
"""A pair, and what the policy lets pass between its zones."""


class Margins:
    """Margins of the pairs of one family; changed networks are shared between them.

    Args:
        prover: the engine.
        family: the address family.
        pairs: the pairs that will be asked about.
        budget: changed networks tried per pair at most for single changes, and a part of it for
            several; what was not tried is ``undecided``.
    """

    def __init__(
        self, prover: Prover, family: Family, pairs: Iterable[Asked], budget: int = DEFAULT_BUDGET
    ) -> None:
        self.prover = prover
        self.family = family
        self.budget = budget
        self._questions = {
            (pair, tuple(conduits)): self._question(pair, conduits)
            for pair, conduits in pairs
            if pair.outcome in _PROVEN and pair.grade is not Grade.G5
        }
        self._networks = ChangedNetworks(prover, family, self._questions.values())
        self._nearest = NearestMisses(prover, family)
        self._layers: dict[Reading, Layers] = {}

    def of(self, pair: PairVerdict, conduits: Sequence[Conduit]) -> Margin | None:
        """The margin of a proven pair; ``None`` for any other."""
        if pair.outcome not in _PROVEN:
            return None
        if pair.grade is Grade.G5:
            return Margin(2)
        asked = self._questions[pair, tuple(conduits)]
        layers = self._layers_of(asked.reading)
        search = Search(self._networks, layers, self._nearest, asked, self.budget)
        try:
            return self._told(pair, conduits, search)
        except CapacityError as failure:
            return Margin(1, (), (*dict.fromkeys(search.undecided), str(failure)), search.tried)

    def _question(self, pair: PairVerdict, conduits: Sequence[Conduit]) -> Question:
        source, destination = pair.source_zone, pair.destination_zone
        reading = Reading.STRICT if pair.outcome is Outcome.PROVEN else Reading.ASSUMED
        return Question(
            source,
            destination,
            permitted(self.prover, conduits, source, destination, self.family),
            reading,
            self.prover.source(source, reading),
            pair.grade not in _HELD_BY_FILTERS,
        )

    def _layers_of(self, reading: Reading) -> Layers:
        if reading not in self._layers:
            devices = self.prover.graph(reading).devices.values()
            lifts = chain.from_iterable(self._lifts(device) for device in devices)
            self._layers[reading] = Layers(self.prover, self.family, reading, lifts)
        return self._layers[reading]

    def _lifts(self, device: Device) -> Iterator[Lift]:
        """A device with its filters loosened, with any routing, and with both."""
        blocks = broad_blocks(device, self.family)
        for edits in dict.fromkeys([*((name,) for name in blocks), tuple(blocks)]):
            yield Lift(edited(device, [blocks[name] for name in edits]), edits)

    def _told(self, pair: PairVerdict, conduits: Sequence[Conduit], search: Search) -> Margin:
        stones = search.singles()
        together: list[BarrierObject] = []
        least = 1
        if not stones:
            together = search.some() or []
            if not search.undecided:
                least, together = self._more_than_one(search, together)
        keystones = tuple(self._keystones(pair, conduits, stones or together[:1] * (len(together) == 1)))
        undecided = tuple(dict.fromkeys(search.undecided))
        reconnection = self._reconnection(pair, conduits, together) if len(together) > 1 else None
        return Margin(least, keystones, undecided, search.tried, reconnection)

    def _more_than_one(
        self, search: Search, together: list[BarrierObject]
    ) -> tuple[int, list[BarrierObject]]:
        """At least how many changes it takes, and the fewest known ones, where no single one does."""
        if len(together) == 2:
            return 2, together
        two = search.two()
        least = 2 if two or search.undecided else 3
        return least, two or together

    # -- what is told of them --------------------------------------------------------------------

    def _keystones(
        self, pair: PairVerdict, conduits: Sequence[Conduit], found: Sequence[BarrierObject]
    ) -> Iterator[Keystone]:
        for number, one in enumerate(found):
            story = self._nearest_miss(pair, conduits, [one]) if number < MOST_STORIES else None
            yield Keystone(one.device, one.kind, one.text, one.change, one.span, story)

    def _reconnection(
        self, pair: PairVerdict, conduits: Sequence[Conduit], together: Sequence[BarrierObject]
    ) -> Reconnection:
        changes = sorted(together, key=lambda one: (one.device, one.key))
        return Reconnection(
            tuple(Change(one.device, one.kind, one.text, one.change, one.span) for one in changes),
            self._nearest_miss(pair, conduits, together),
        )

    def _nearest_miss(
        self, pair: PairVerdict, conduits: Sequence[Conduit], objects: Sequence[BarrierObject]
    ) -> Witness | None:
        """A packet that certainly arrives once the objects are taken away, with its way then."""
        old = self.prover.snapshot
        devices = edited_snapshot(old, [single(one) for one in objects])
        prover = anew(self.prover, replace(old, devices=devices))
        source, destination = pair.source_zone, pair.destination_zone
        reached = prover.reached(
            self.family, source, Reading.CLOSED, Level.MUST, RoutingMode.CURRENT, False
        )
        allowed = permitted(prover, conduits, source, destination, self.family)
        certain = prover.arrived(reached, destination, Reading.CLOSED) - allowed.opened
        if certain.is_empty:
            return None
        return Storyteller(prover, self.family).witness(reached, certain, source, destination)
