"""What one device does with a set of packets: hooks, translations, routing, connection state.

Per interface all ways through the device are built once, for all packets (``stages``); what becomes
of some packets is then a few set operations per way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from segaudit.model.device import Device
from segaudit.packets import HeaderField, HeaderSpace, Universe
from segaudit.reach.compiled import CompiledDevice
from segaudit.reach.connections import Connections
from segaudit.reach.filter_store import FilterStore
from segaudit.reach.routed import Target
from segaudit.reach.stages import Stages
from segaudit.reach.ways import (
    EVERY_FIELD,
    Emission,
    Exit,
    Level,
    Opening,
    Passage,
    Rewrite,
    RoutingMode,
    Way,
)

__all__ = ["DevicePath", "DevicePaths", "Emission", "Level", "Opening", "Passage", "RoutingMode"]


class DevicePath:
    """One device in one universe, at one level and under one routing mode.

    Args:
        device: the device.
        universe: where its packets live.
        level: MAY or MUST.
        routing: where it may send packets.
        compiled: the device compiled before, where it was.
    """

    def __init__(
        self,
        device: Device,
        universe: Universe,
        level: Level = Level.MAY,
        routing: RoutingMode = RoutingMode.CURRENT,
        compiled: CompiledDevice | None = None,
    ) -> None:
        self.device = device
        self.universe = universe
        self.level = level
        self.routing = routing
        self._compiled = compiled or CompiledDevice(device, universe)
        self._stages = Stages(self._compiled, level, routing)
        self._connections = Connections(self._stages)
        self._exits: dict[tuple[str | None, bool], tuple[Exit, ...]] = {}

    @property
    def connections_matter(self) -> bool:
        """True where more may pass with connections than without."""
        return self._connections.matter

    def openings(self) -> tuple[Opening, ...]:
        """Every kind of connection that may be opened through or to or from this device."""
        return self._connections.openings

    def passage(self, interface: str, packets: HeaderSpace, with_connections: bool) -> Passage:
        """What becomes of ``packets`` received on ``interface``.

        Args:
            interface: the input interface.
            packets: headers as received.
            with_connections: also as ESTABLISHED or RELATED, where something may have opened the
                connection.
        """
        exits = self.exits(interface, with_connections)
        entered = self.entering(packets)
        delivered = self.universe.union(one.way.of(entered) for one in exits if one.interface is None)
        return Passage(tuple(_emissions(exits, entered)), delivered)

    def representative(self, interface: str) -> str:
        """The first interface whose packets take the same ways as those received on ``interface``."""
        return self._stages.representative(interface)

    def interfaces_like(self, interface: str) -> list[str]:
        """Every interface whose packets take the same ways as those received on ``interface``."""
        like = self.representative(interface)
        return [name for name in self.device.interfaces if self.representative(name) == like]

    # -- ways ------------------------------------------------------------------------------------

    def exits(self, interface: str | None, with_connections: bool) -> tuple[Exit, ...]:
        """Every way of packets received on ``interface``, for packets as ``entering`` shows them.

        ``None``: of packets that the device makes itself, through OUTPUT, as configured.
        """
        name = None if interface is None else self.representative(interface)
        with_connections = with_connections and self.connections_matter
        key = (name, with_connections)
        if key not in self._exits:
            ways = self._joined(self._ways(name, with_connections))
            self._exits[key] = tuple(self._anywhere(name) if self._may_do_anything else ways)
        return self._exits[key]

    @property
    def _may_do_anything(self) -> bool:
        """True where translations were not seen."""
        return self.level is Level.MAY and self.device.unknown_translation

    def _anywhere(self, name: str | None) -> Iterator[Exit]:
        """Anything, from anywhere to anywhere: to the device itself, and where it sends at all out of
        every interface.
        """
        anything = Way.start(self.universe.all).rewrite(EVERY_FIELD, self.universe.all)
        yield Exit(None, None, False, anything)
        for other in self.device.interfaces if name is None or self.device.forwards else ():
            yield Exit(other, None, True, anything)

    def _ways(self, name: str | None, with_connections: bool) -> Iterator[tuple[Target, Way]]:
        start = self._seen()
        for passing in self._connections.passings(with_connections):
            if name is None:
                yield from self._stages.own_ways(passing, start)
            else:
                yield from self._stages.ways(name, passing, start)

    def _joined(self, ways: Iterable[tuple[Target, Way]]) -> Iterator[Exit]:
        """Ways that lead to the same place and rewrite alike, as one."""
        found: dict[tuple[str | None, int | None, bool, tuple[Rewrite, ...]], Way] = {}
        for (interface, next_hop, _, any_receiver), way in ways:
            if not way.now.is_empty:
                key = (interface, next_hop, any_receiver, way.rewrites)
                found[key] = found[key].joined(way) if key in found else way
        for (interface, next_hop, any_receiver, _), way in found.items():
            yield Exit(interface, next_hop, any_receiver, self._onto_wire(way, interface))

    # -- fragments -------------------------------------------------------------------------------

    @property
    def _reassembles(self) -> bool:
        """True where what is received in fragments may go on whole, and leave in fragments again.

        A fragment alone never gets through for certain.
        """
        return self.device.tracks_connections and self.level is Level.MAY

    def entering(self, packets: HeaderSpace) -> HeaderSpace:
        """``packets`` as the device takes them in.

        Connection tracking reassembles first (Linux nf_defrag at priority -400).
        """
        return packets.without(HeaderField.FRAGMENT) if self._reassembles else packets

    def _seen(self) -> HeaderSpace:
        """All packets as the filters see them.

        Whole where the family is certainly tracked; else whole or in fragments.
        """
        certainly = self.level is Level.MUST or self._compiled.tracks_family
        if self.device.tracks_connections and certainly:
            return self.universe.value(HeaderField.FRAGMENT, 0)
        return self.universe.all

    def _onto_wire(self, way: Way, interface: str | None) -> Way:
        """The way, and what was reassembled may leave in fragments.

        What enters has no fragment bit any more, so that a plain way can forget its own.
        """
        if interface is None or not self._reassembles:
            return way
        if way.rewrites:
            return way.rewrite((HeaderField.FRAGMENT,), self.universe.all)
        return Way.start(way.guard.without(HeaderField.FRAGMENT))


def _emissions(exits: tuple[Exit, ...], entered: HeaderSpace) -> Iterator[Emission]:
    for one in exits:
        if one.interface is not None:
            packets = one.way.of(entered)
            if not packets.is_empty:
                yield Emission(one.interface, one.next_hop, packets, one.any_receiver)


class DevicePaths:
    """The devices of one universe, each compiled once, for any number of networks.

    Args:
        universe: where the packets live.
        known: other devices' paths to use where they are there; nothing is added to them.
        filters: where compiled chains are found again (default: where ``known`` finds them).

    Devices are told apart by identity: a changed device is another device.
    """

    def __init__(
        self, universe: Universe, known: DevicePaths | None = None, filters: FilterStore | None = None
    ) -> None:
        self.universe = universe
        self._known = known
        self._filters: FilterStore | None = filters or (known._filters if known is not None else None)
        self._compiled: dict[int, CompiledDevice] = {}
        self._paths: dict[tuple[int, Level, RoutingMode], DevicePath] = {}

    def of(self, device: Device, level: Level, routing: RoutingMode) -> DevicePath:
        """What ``device`` does at a level under a routing mode."""
        if self._known is not None and self._known.holds(device):
            return self._known.of(device, level, routing)
        key = (id(device), level, routing)
        if key not in self._paths:
            compiled = self._compiled.get(id(device)) or self._compile(device)
            self._compiled[id(device)] = compiled
            self._paths[key] = DevicePath(device, self.universe, level, routing, compiled)
        return self._paths[key]

    def _compile(self, device: Device) -> CompiledDevice:
        filters = self._filters if self._filters is not None and self._filters.covers(device) else None
        return CompiledDevice(device, self.universe, filters=filters)

    def holds(self, device: Device) -> bool:
        """True where ``device`` has been compiled."""
        return id(device) in self._compiled or (self._known is not None and self._known.holds(device))
