"""The objects of a device as a tree of blocks, so that many changes can be ruled out at once.

A block is some of a device's objects with an edit that lets through at least as much as taking away
any of them does. Where that edit changes nothing, none of them needs to be looked at; where it does,
the block is split. The block of a single object is edited by taking the object away, no more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from segaudit.judge.objects import (
    BarrierObject,
    Edit,
    filter_objects,
    loosened,
    routing_objects,
    translating_anything,
)
from segaudit.judge.rerouted import anywhere, perhaps_by
from segaudit.model.device import Device, NextHop
from segaudit.model.flow import Family

AbsentRoutes = Sequence[tuple[NextHop, Sequence[BarrierObject]]]
"""The routes that a device might be given, by their next hop; those that say most first."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some objects of one device.

    ``one`` is the object of a block of one. ``split`` makes the parts of any other; each object of the
    block is in one of them, but for a block that is not ``exhaustive``: its edit may do what none of
    its objects does alone (routes that nobody thought of). Parts that are ``alternatives`` do the same
    thing in different ways: one that is found is enough.
    """

    device: str
    key: str
    """Unique on its device."""
    edit: Edit
    one: BarrierObject | None = None
    split: Callable[[], Sequence[Block]] = tuple
    exhaustive: bool = True
    alternatives: bool = False

    @property
    def is_single(self) -> bool:
        """True for a block of one object."""
        return self.one is not None

    @property
    def only_opens(self) -> bool:
        """True for a single object whose removal never takes from what the device lets through."""
        return self.one is not None and self.one.loosened is self.one.removed


def single(one: BarrierObject) -> Block:
    """The block of one object."""
    return Block(one.device, one.key, one.removed, one)


def filters_of(device: Device, family: Family) -> list[Block]:
    """Rules, defaults and the like: those that can be loosened in one block, the others each alone."""
    together, apart = _by_looseness(device, family)
    alone = [single(one) for one in apart]
    return [_together(together), *alone] if together else alone


def routing_of(device: Device, family: Family, absent: AbsentRoutes) -> Block:
    """All that the device's routing could be made to do; its parts are single routes and interfaces."""

    def split() -> list[Block]:
        present = [single(one) for one in routing_objects(device, family)]
        return [*present, *(_by_hop(device.name, family, hop, routes) for hop, routes in absent)]

    return Block(
        device.name,
        "any routing",
        lambda changed: anywhere(changed, family),
        split=split,
        exhaustive=False,
    )


def _by_hop(device: str, family: Family, hop: NextHop, routes: Sequence[BarrierObject]) -> Block:
    return Block(
        device,
        f"any route by {hop.interface} {hop.address}",
        lambda changed: perhaps_by(changed, family, hop),
        split=lambda: [single(one) for one in routes],
        exhaustive=False,
        alternatives=True,
    )


def broad_blocks(device: Device, family: Family, absent: AbsentRoutes = ()) -> dict[str, Block]:
    """The two edits that mostly open a device: its filters loosened, and any routing."""
    together, _ = _by_looseness(device, family)
    filters = {"filters": _together(together)} if together else {}
    return {**filters, "routing": routing_of(device, family, absent)}


def whole_device(device: Device, family: Family, absent: AbsentRoutes) -> Block:
    """Every object of a device, routing included."""
    together, apart = _by_looseness(device, family)

    def edit(changed: Device) -> Device:
        opened = translating_anything(changed, family) if apart else loosened(changed, together)
        return anywhere(opened, family)

    parts = [*filters_of(device, family), routing_of(device, family, absent)]
    return Block(device.name, "any change", edit, split=lambda: parts)


def _by_looseness(device: Device, family: Family) -> tuple[list[BarrierObject], list[BarrierObject]]:
    """The filter objects that can be loosened together with others, and those that cannot."""
    objects = list(filter_objects(device, family))
    together = [one for one in objects if one.loosened is not None]
    return together, [one for one in objects if one.loosened is None]


def _together(objects: Sequence[BarrierObject]) -> Block:
    if len(objects) == 1:
        return single(objects[0])
    middle = len(objects) // 2
    return Block(
        objects[0].device,
        f"{len(objects)} from {objects[0].key} to {objects[-1].key}",
        lambda changed: loosened(changed, objects),
        split=lambda: [_together(objects[:middle]), _together(objects[middle:])],
    )
