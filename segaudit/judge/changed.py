"""Networks with some objects changed, and which pairs of zones they reconnect.

A changed network is computed once, for the sources of all pairs that are asked about, and what is
remembered of it is only which pairs are closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from segaudit.judge.blocks import Block
from segaudit.judge.conduits import Permitted
from segaudit.judge.prover import Prover, Reading
from segaudit.judge.variant import Variant, with_devices
from segaudit.model.device import Device
from segaudit.model.flow import Family
from segaudit.model.snapshot import Snapshot
from segaudit.reach.device_path import DevicePaths
from segaudit.reach.fixpoint import Source

MOST_SHARED = 96
"""Changed networks whose devices are kept compiled for the next."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One pair of zones as the search asks about it.

    ``routing_matters`` is false where no single change of routing can reconnect it (grade G4).
    """

    source: str
    destination: str
    allowed: Permitted
    reading: Reading
    start: Source
    routing_matters: bool


class ChangedNetworks:
    """The networks of one family in which some blocks are edited.

    Args:
        prover: the engine for the network as it is.
        family: the address family.
        questions: the pairs that will be asked about.
    """

    def __init__(self, prover: Prover, family: Family, questions: Iterable[Question]) -> None:
        self.prover = prover
        self.family = family
        self._questions = tuple(questions)
        self._unchanged: dict[Reading, Variant] = {}
        self._closed: dict[tuple[Reading, frozenset[tuple[str, str]]], frozenset[Question]] = {}
        self._made = 0
        self._start_afresh()

    def _start_afresh(self) -> None:
        """Forget the changed devices and what arrived, so that neither grows without bound."""
        universe = self.prover.universe(self.family)
        self._arrivals = anew(self.prover, self.prover.snapshot)
        self._paths = DevicePaths(universe, self.prover.paths(self.family))
        self._devices: dict[tuple[Reading, str, tuple[str, ...]], Device] = {}

    def unchanged(self, reading: Reading) -> Variant:
        """The network as it is."""
        if reading not in self._unchanged:
            graph = self.prover.graph(reading)
            self._unchanged[reading] = Variant(self.prover, self.family, reading, graph)
        return self._unchanged[reading]

    def closed(self, asked: Question, blocks: Sequence[Block]) -> bool:
        """True where the pair is proven still with every one of ``blocks`` edited."""
        key = (asked.reading, frozenset((block.device, block.key) for block in blocks))
        if key not in self._closed:
            same = [one for one in self._questions if one.reading is asked.reading]
            variant = self.edited(asked.reading, blocks)
            variant.reach_together(one.start for one in same)
            self._closed[key] = frozenset(
                one for one in same if variant.is_closed(one.start, one.destination, one.allowed)
            )
        return asked in self._closed[key]

    def edited(self, reading: Reading, blocks: Sequence[Block]) -> Variant:
        """The network with every one of ``blocks`` edited."""
        if self._made % MOST_SHARED == MOST_SHARED - 1:
            self._start_afresh()
        self._made += 1
        changed = [self._device(reading, name, of) for name, of in _by_device(blocks).items()]
        graph = with_devices(self.prover.graph(reading), changed)
        return Variant(self.prover, self.family, reading, graph, self._arrivals, self._paths)

    def _device(self, reading: Reading, name: str, blocks: Sequence[Block]) -> Device:
        key = (reading, name, tuple(sorted(block.key for block in blocks)))
        if key not in self._devices:
            self._devices[key] = edited(self.prover.graph(reading).devices[name], blocks)
        return self._devices[key]


def edited(device: Device, blocks: Sequence[Block]) -> Device:
    """The device with every one of ``blocks`` edited."""
    for block in blocks:
        device = block.edit(device)
    return device


def _by_device(blocks: Sequence[Block]) -> Mapping[str, list[Block]]:
    found: dict[str, list[Block]] = {}
    for block in blocks:
        found.setdefault(block.device, []).append(block)
    return found


def edited_snapshot(snapshot: Snapshot, blocks: Sequence[Block]) -> Mapping[str, Device]:
    """All devices of a snapshot, with ``blocks`` edited."""
    changed = {name: edited(snapshot.devices[name], of) for name, of in _by_device(blocks).items()}
    return {**snapshot.devices, **changed}


def anew(prover: Prover, snapshot: Snapshot) -> Prover:
    """A prover of the same policy that has computed nothing yet."""
    return Prover(prover.policy, snapshot, prover.zones, prover.assumptions, prover.node_capacity)
