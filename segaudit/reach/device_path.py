"""What one device does with a set of packets: hooks, translations, routing, connection state.

Per interface all ways through the device are built once, for all packets (``stages``); what becomes
of some packets is then a few set operations per way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from segaudit.model.device import Device
from segaudit.packets import HeaderField, HeaderSpace, Universe
from segaudit.reach.compiled import CompiledDevice
from segaudit.reach.connections import Connections
from segaudit.reach.routed import Target
from segaudit.reach.stages import Stages
from segaudit.reach.ways import Emission, Level, Opening, Passage, Rewrite, RoutingMode, Way

__all__ = ["DevicePath", "DevicePaths", "Emission", "Level", "Opening", "Passage", "RoutingMode"]


@dataclass(frozen=True, slots=True)
class _Exit:
    """A way with where it leads: out of ``interface``, or to the device itself (``None``)."""

    interface: str | None
    next_hop: int | None
    any_receiver: bool
    way: Way


class DevicePath:
    """One device in one universe, at one level and under one routing mode.

    Args:
        device: the device.
        universe: where its packets live.
        level: MAY or MUST.
        routing: CURRENT or ANY.
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
        self._exits: dict[tuple[str | None, bool], tuple[_Exit, ...]] = {}

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
        exits = self._exits_from(self._stages.representative(interface), with_connections)
        entered = self._enter(packets)
        delivered = self.universe.union(one.way.of(entered) for one in exits if one.interface is None)
        return Passage(tuple(self._emissions(exits, packets, entered)), delivered)

    def origin(self, packets: HeaderSpace, with_connections: bool) -> tuple[Emission, ...]:
        """What leaves of ``packets`` that the device makes itself: through OUTPUT, as configured."""
        exits = self._exits_from(None, with_connections)
        return tuple(self._emissions(exits, packets, self._enter(packets)))

    # -- ways ------------------------------------------------------------------------------------

    def _exits_from(self, name: str | None, with_connections: bool) -> tuple[_Exit, ...]:
        with_connections = with_connections and self.connections_matter
        key = (name, with_connections)
        if key not in self._exits:
            self._exits[key] = tuple(self._joined(self._ways(name, with_connections)))
        return self._exits[key]

    def _ways(self, name: str | None, with_connections: bool) -> Iterator[tuple[Target, Way]]:
        start = self._seen()
        for passing in self._connections.passings(with_connections):
            if name is None:
                yield from self._stages.own_ways(passing, start)
            else:
                yield from self._stages.ways(name, passing, start)

    def _joined(self, ways: Iterable[tuple[Target, Way]]) -> Iterator[_Exit]:
        """Ways that lead to the same place and rewrite alike, as one."""
        found: dict[tuple[str | None, int | None, bool, tuple[Rewrite, ...]], Way] = {}
        for (interface, next_hop, _, any_receiver), way in ways:
            if not way.now.is_empty:
                key = (interface, next_hop, any_receiver, way.rewrites)
                found[key] = found[key].joined(way) if key in found else way
        for (interface, next_hop, any_receiver, _), way in found.items():
            yield _Exit(interface, next_hop, any_receiver, self._onto_wire(way, interface))

    # -- fragments -------------------------------------------------------------------------------

    @property
    def _reassembles(self) -> bool:
        """True where what is received in fragments may go on whole, and leave in fragments again.

        A fragment alone never gets through for certain.
        """
        return self.device.tracks_connections and self.level is Level.MAY

    def _enter(self, packets: HeaderSpace) -> HeaderSpace:
        """Connection tracking reassembles first (Linux nf_defrag at priority -400)."""
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

    def _emissions(
        self, exits: tuple[_Exit, ...], received: HeaderSpace, entered: HeaderSpace
    ) -> Iterator[Emission]:
        """What leaves; with translations that were not seen anything, from anywhere to anywhere."""
        if self.level is Level.MAY and self.device.unknown_translation and self.device.forwards:
            anything = received.anything()
            if not anything.is_empty:
                for name in self.device.interfaces:
                    yield Emission(name, None, anything, any_receiver=True)
            return
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

    Devices are told apart by identity: a changed device is another device.
    """

    def __init__(self, universe: Universe, known: DevicePaths | None = None) -> None:
        self.universe = universe
        self._known = known
        self._compiled: dict[int, CompiledDevice] = {}
        self._paths: dict[tuple[int, Level, RoutingMode], DevicePath] = {}

    def of(self, device: Device, level: Level, routing: RoutingMode) -> DevicePath:
        """What ``device`` does at a level under a routing mode."""
        if self._known is not None and self._known.holds(device):
            return self._known.of(device, level, routing)
        key = (id(device), level, routing)
        if key not in self._paths:
            compiled = self._compiled.get(id(device)) or CompiledDevice(device, self.universe)
            self._compiled[id(device)] = compiled
            self._paths[key] = DevicePath(device, self.universe, level, routing, compiled)
        return self._paths[key]

    def holds(self, device: Device) -> bool:
        """True where ``device`` has been compiled."""
        return id(device) in self._compiled or (self._known is not None and self._known.holds(device))
