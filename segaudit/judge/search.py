"""Which changes reconnect one pair of zones: single ones, some that do together, and any two.

The pair's fixpoint is computed with the changes made, never guessed. What can be ruled out for many
objects together is: those of a device that no packet of the source meets, or from whose wires nothing
reaches the destination whatever is sent there; and blocks of objects (``judge.blocks``) whose edit
leaves the pair closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from segaudit.judge.absent import absent_routes
from segaudit.judge.blocks import (
    AbsentRoutes,
    Block,
    broad_blocks,
    filters_of,
    routing_of,
    single,
    whole_device,
)
from segaudit.judge.changed import ChangedNetworks, Question
from segaudit.judge.layers import Layers
from segaudit.judge.nearest import MOST_CHANGES, NearestMisses
from segaudit.judge.objects import BarrierObject
from segaudit.model.device import Device
from segaudit.model.flow import Flow
from segaudit.model.topology import TerminationPoint
from segaudit.reach.fixpoint import Reached, Source

_SHARE_FOR_SOME, _SHARE_FOR_TWO = 6, 20
"""What part of the budget the searches for some changes, and for two, may spend: a sixth, a twentieth.

Ruling out every two takes the square of what ruling out every one does, and gains one in the lower bound.
"""


class Search:
    """The search for one pair.

    Args:
        networks: makes the changed networks.
        layers: guides to devices that lie on a way across.
        nearest: tells what stops single packets.
        asked: the pair.
        budget: networks tried for single changes; for several a part of it.
    """

    def __init__(
        self,
        networks: ChangedNetworks,
        layers: Layers,
        nearest: NearestMisses,
        asked: Question,
        budget: int,
    ) -> None:
        self.networks = networks
        self.layers = layers
        self.nearest = nearest
        self.asked = asked
        self.budget = budget
        self.tried = 0
        self.undecided: list[str] = []
        self._left = 0
        self._devices: Mapping[str, Device] = networks.prover.graph(asked.reading).devices

    # -- single changes --------------------------------------------------------------------------

    def singles(self) -> list[BarrierObject]:
        """Every object whose change alone reconnects the pair."""
        self._left = self.budget
        found: list[BarrierObject] = []
        for name in self._met(self._unchanged()):
            if self._leads_on(name):
                for block in self._blocks(name):
                    found.extend(one for (one,) in self._sets((block,)))
            self._note_if_spent(f"{name}: not every object was tried ({self.budget} changes were)")
        return found

    def _blocks(self, name: str) -> Iterator[Block]:
        device = self._devices[name]
        yield from filters_of(device, self.networks.family)
        if self.asked.routing_matters:
            yield self._routing(device)

    # -- two changes -----------------------------------------------------------------------------

    def two(self) -> list[BarrierObject] | None:
        """Two objects whose change together reconnects the pair.

        ``None``: there are none, or ``undecided`` says what was not tried.
        The first of two devices that packets meet is met in the network as it is, the other one with
        the first one changed, and from one of them they lead on in the network as it is.
        """
        self._left = self.budget // _SHARE_FOR_TWO
        before = self.tried
        found = next(self._pairs(), None)
        if found is None:
            tried = self.tried - before
            self._note_if_spent(f"not every two changes were tried together ({tried} networks were)")
        return list(found) if found else None

    def _pairs(self) -> Iterator[tuple[BarrierObject, ...]]:
        seen: set[frozenset[str]] = set()
        for name in self._met(self._unchanged()):
            whole, leads_on = self._whole(name), self._leads_on(name)
            if leads_on:
                yield from self._two_of(whole)
            for other in self._met_with(whole):
                new = other != name and frozenset((name, other)) not in seen
                seen.add(frozenset((name, other)))
                if new and (leads_on or self._leads_on(other)):
                    yield from self._sets((whole, self._whole(other)))

    def _two_of(self, block: Block) -> Iterator[tuple[BarrierObject, ...]]:
        """Two objects of one block."""
        if block.is_single or not self.reconnects((block,)):
            return
        parts = block.split()
        for at, part in enumerate(parts):
            if not part.alternatives:
                yield from self._two_of(part)
            for other in parts[at + 1 :]:
                yield from self._sets((part, other))

    def _met_with(self, block: Block) -> list[str]:
        """The devices met in the network with ``block`` edited."""
        if not self._spend():
            return []
        return self._met(self.networks.edited(self.asked.reading, (block,)).reached(self.asked.start, True))

    # -- the common step -------------------------------------------------------------------------

    def _sets(self, blocks: tuple[Block, ...]) -> Iterator[tuple[BarrierObject, ...]]:
        """Every choice of one object of each block that reconnects the pair."""
        if not self.reconnects(blocks):
            return
        wide = [block for block in blocks if not block.is_single]
        if not wide:
            yield tuple(block.one for block in blocks if block.one is not None)
            return
        divided = max(wide, key=lambda block: block.exhaustive)
        found = False
        for part in divided.split():
            for one in self._sets(tuple(part if block is divided else block for block in blocks)):
                found = True
                yield one
            if found and divided.alternatives:
                return
        if not (found or divided.exhaustive or divided.alternatives):
            self.undecided.append(
                f"{divided.device}: another routing of it could reconnect them, "
                "but no single route tried does"
            )

    def reconnects(self, blocks: Sequence[Block]) -> bool:
        """Whether the pair is no longer proven with ``blocks`` edited; false where the budget is spent."""
        if not self._spend():
            return False
        return not self.networks.closed(self.asked, blocks)

    def _spend(self) -> bool:
        if self._left <= 0:
            self._left = -1
            return False
        self._left -= 1
        self.tried += 1
        return True

    def _note_if_spent(self, text: str) -> None:
        if self._left < 0:
            self.undecided.append(text)

    # -- devices ---------------------------------------------------------------------------------

    def _unchanged(self) -> Reached:
        return self.networks.prover.reached(self.networks.family, self.asked.source, self.asked.reading)

    def _met(self, reached: Reached) -> list[str]:
        """The devices that packets of the source come to, or that make packets for it."""
        received = {node[1] for node in reached.at if node[0] == "in" and not reached.space(node).is_empty}
        return sorted(received | self.asked.start.devices)

    def _leads_on(self, name: str) -> bool:
        """True where anything sent on the wires of a device could arrive, or be arrived at it."""
        asked = self.asked
        if any(place.device == name for place in self.networks.prover.zones.of(asked.destination)):
            return True
        variant = self.networks.unchanged(asked.reading)
        points = (TerminationPoint(name, one) for one in self._devices[name].interfaces)
        wires = frozenset(
            variant.graph.segment_of[point] for point in points if point in variant.graph.segment_of
        )
        return not variant.is_closed(Source(wires), asked.destination, asked.allowed)

    def _routing(self, device: Device) -> Block:
        return routing_of(device, self.networks.family, self._absent(device))

    def _whole(self, name: str) -> Block:
        return whole_device(self._devices[name], self.networks.family, self._absent(self._devices[name]))

    def _broad(self, device: Device) -> Mapping[str, Block]:
        return broad_blocks(device, self.networks.family, self._absent(device))

    def _absent(self, device: Device) -> AbsentRoutes:
        prover, family = self.networks.prover, self.networks.family
        graph = prover.graph(self.asked.reading)
        return absent_routes(prover, family, graph, device, self.asked.destination)

    # -- some changes ----------------------------------------------------------------------------

    def some(self) -> list[BarrierObject] | None:
        """Objects whose change together reconnects the pair, and of which none can be left out.

        Perhaps not the fewest that there are. ``None`` where the guide leads to none.
        """
        self._left = self.budget // _SHARE_FOR_SOME
        held = self._needed([], self._across())
        objects = (self._by_packets(held) or self._by_objects(held)) if held else []
        return [block.one for block in self._needed([], objects) if block.one is not None] or None

    def _by_packets(self, held: list[Block]) -> list[Block]:
        """The fewest objects that stop one of the packets which arrive with ``held`` edited."""
        best: list[Block] = []
        for flow in self._samples(held):
            below = len(best) if best else MOST_CHANGES + 1
            changes = self.nearest.fewest(flow, self.asked.source, self.asked.destination, below)
            objects = [single(one) for one in changes]
            if objects and self.reconnects(objects):
                best = objects
        return best

    def _samples(self, held: list[Block]) -> list[Flow]:
        """A few packets of different kinds that may arrive with ``held`` edited."""
        asked = self.asked
        arrived = self.networks.edited(asked.reading, held).left(
            asked.start, asked.destination, asked.allowed
        )
        wanted = [*self.nearest.stories.preferences(asked.source, asked.destination), []]
        samples = (arrived.sample(preferences) for preferences in wanted)
        return list(dict.fromkeys(flow for flow in samples if flow is not None))

    def _by_objects(self, held: list[Block]) -> list[Block]:
        """Objects that do in the place of ``held``; none where that was not achieved."""
        objects: list[Block] = []
        for at, block in enumerate(held):
            objects.extend(self._objects_for([*objects, *held[at + 1 :]], block))
        return objects if objects and self.reconnects(objects) else []

    def _across(self) -> list[Block]:
        """Blocks whose edits let packets across, mostly more than are needed."""
        found = self.layers.across(self.asked.start, self.asked.destination, self.asked.allowed)
        blocks = [self._broad(self._devices[name])[edit] for name, edit in found if name in self._devices]
        return blocks if self.reconnects(blocks) else []

    def _objects_for(self, others: list[Block], block: Block) -> list[Block]:
        """Single objects that do in the place of a block, with ``others`` edited as well."""
        if not block.exhaustive:
            return self._first(others, block)
        every = list(_singles(block))
        harmless = [one for one in every if one.only_opens]
        enough = self.reconnects([*others, *harmless])
        return self._needed(others, harmless if enough else every)

    def _first(self, others: list[Block], block: Block) -> list[Block]:
        """The first object of a block that does alone, with ``others`` edited; none where none does."""
        if not self.reconnects([*others, block]):
            return []
        if block.is_single:
            return [block]
        return next((one for part in block.split() if (one := self._first(others, part))), [])

    def _needed(self, kept: list[Block], blocks: list[Block], known: bool = True) -> list[Block]:
        """Blocks of which, with ``kept``, none can be left out.

        Junker, "QUICKXPLAIN: Preferred explanations and relaxations", AAAI 2004. ``known``: that ``kept``
        alone does not reconnect the pair.
        """
        if not blocks or (not known and self.reconnects(kept)):
            return []
        if len(blocks) == 1:
            return blocks
        first, second = blocks[: len(blocks) // 2], blocks[len(blocks) // 2 :]
        of_second = self._needed([*kept, *first], second, known=False)
        of_first = self._needed([*kept, *of_second], first, known=not of_second)
        return [*of_first, *of_second]


def _singles(block: Block) -> Iterator[Block]:
    """The blocks of one object that a block is made of."""
    if block.is_single:
        yield block
    for part in block.split():
        yield from _singles(part)
