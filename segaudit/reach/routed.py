"""Where a device sends packets, what it forwards at all, and which sources it lets in."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from segaudit.model.device import Interface, NextHop, Route, RouteKind
from segaudit.model.flow import ConnectionState, Family
from segaudit.packets import HeaderField, HeaderSpace
from segaudit.reach.compiled import CompiledDevice
from segaudit.reach.failures import covering, is_maintained
from segaudit.reach.ways import Level, RoutingMode

Target = tuple[str | None, int | None, HeaderSpace, bool]
"""Output interface (``None``: the device itself), next hop, packets, any neighbour may receive them."""


class Routing:
    """The routing of one device at one level under one mode.

    Args:
        compiled: the device.
        level: MAY or MUST.
        mode: where it may send them.
    """

    def __init__(self, compiled: CompiledDevice, level: Level, mode: RoutingMode) -> None:
        self.compiled = compiled
        self.level = level
        self.mode = mode
        self._universe = compiled.universe
        self._device = compiled.device
        self._let_in: dict[str, HeaderSpace] = {}

    def targets(
        self, incoming: str | None, packets: HeaderSpace, state: ConnectionState
    ) -> Iterator[Target]:
        """Split by where they go: ``(None, ...)`` to the device itself, else out of an interface.

        ``incoming`` ``None``: packets of the device's own, which need no forwarding to leave.
        """
        if self.mode is RoutingMode.FAILURES and self.level is Level.MUST:
            return
        if self._goes_anywhere:
            yield from self._anywhere(incoming)
            return
        if incoming is None and self.level is Level.MAY:
            for other in sorted(self._device.interfaces):  # by its choice (ip(7) IP_MULTICAST_IF)
                yield other, None, self._multicast, True
        for route, space in self._routes(incoming, state):
            if not (packets & space).is_empty:
                yield from self._by(route, incoming, space)

    @property
    def tells_interfaces_apart(self) -> bool:
        """True where the input interface may decide where packets go."""
        return not (self.compiled.fib.plain or self._goes_anywhere)

    @cached_property
    def _goes_anywhere(self) -> bool:
        if self.mode is RoutingMode.FAILURES:
            return is_maintained(self._device, self._universe.family)
        return self.mode is RoutingMode.ANY

    def _anywhere(self, incoming: str | None) -> Iterator[Target]:
        forwardable, turned = self._forwardable_from(incoming)
        yield None, None, self._to_itself(), False
        for other in sorted(self._device.interfaces):
            yield other, None, turned if other == incoming else forwardable, True

    def _routes(self, incoming: str | None, state: ConnectionState) -> Iterator[tuple[Route, HeaderSpace]]:
        """What is received on ``incoming`` by the route that it may, or must, take."""
        if self.mode is RoutingMode.FAILURES:
            yield from covering(self.compiled, incoming, state)
            return
        for route, bounds in self.compiled.routes(incoming, state):
            if route is not None:
                yield route, bounds.may if self.level is Level.MAY else bounds.must

    def _by(self, route: Route, incoming: str | None, space: HeaderSpace) -> Iterator[Target]:
        """Where a route leads."""
        if route.kind in (RouteKind.LOCAL, RouteKind.BROADCAST):
            yield None, None, space & self._deliverable(incoming), False
        elif route.kind is RouteKind.UNICAST:
            forwardable, turned = self._forwardable_from(incoming)
            for hop in route.next_hops:
                turns = hop.interface in (incoming, None)
                yield from self._hop(hop, space & (turned if turns else forwardable))

    def _forwardable_from(self, incoming: str | None) -> tuple[HeaderSpace, HeaderSpace]:
        """What may leave by another interface, and what by the one it was received on."""
        if incoming is None:
            return self._deliverable(None), self._deliverable(None)
        received_on = self._device.interfaces[incoming]
        return self.forwardable(received_on), self.turnable(received_on)

    def _hop(self, hop: NextHop, space: HeaderSpace) -> Iterator[Target]:
        """A next hop that is not known, or of the other family (RFC 8950), may be anyone on the wire.

        After failures any may: addresses move.
        """
        certain = self.level is Level.MUST
        unknown = hop.anyone or hop.address_family not in (None, self._universe.family)
        unknown = unknown or self.mode is RoutingMode.FAILURES
        if hop.interface is None:
            for other in () if certain else sorted(self._device.interfaces):
                yield other, None, space, True
            return
        found = self._device.interfaces.get(hop.interface)
        if found is not None and found.enabled and (found.operational or not certain):
            if unknown and not certain:
                yield hop.interface, None, space, True
            elif not unknown:
                yield hop.interface, hop.address, space, False

    def forwardable(self, incoming: Interface) -> HeaderSpace:
        """What the device would forward at all.

        RFC 4291 §2.5.6: a router must not forward packets with link-local source or destination to
        other links; §2.5.3 the same for the loopback address; §2.7 multicast is no source.
        """
        universe = self._universe
        if universe.family not in incoming.forwarding:
            return universe.none
        if universe.family is Family.IPV4:
            return universe.all if self.level is Level.MAY else self._unicast
        return self._not_confined

    @cached_property
    def _not_confined(self) -> HeaderSpace:
        """What IPv6 lets leave by another link (see ``forwardable``)."""
        universe = self._universe
        confined = universe.none
        for value, length in ((0xFE80 << 112, 10), (1, 128)):
            for field in (HeaderField.SOURCE, HeaderField.DESTINATION):
                confined |= universe.prefix(field, value, length)
        confined |= universe.prefix(self.compiled.column(HeaderField.SOURCE), 0xFF << 120, 8)
        return ~confined if self.level is Level.MAY else self._unicast - confined

    def turnable(self, incoming: Interface) -> HeaderSpace:
        """What the device would send back out of the interface that it came in by.

        Linux net/ipv6/ip6_output.c ``ip6_forward`` asks for link-local sources only where the packet
        leaves by another interface.
        """
        loosely = self.level is Level.MAY and self._universe.family in incoming.forwarding
        return self._universe.all if loosely else self.forwardable(incoming)

    @cached_property
    def _multicast(self) -> HeaderSpace:
        first, length = (0xE0, 4) if self._universe.family is Family.IPV4 else (0xFF, 8)
        shift = self._universe.family.bits - 8
        return self._universe.prefix(self.compiled.column(HeaderField.DESTINATION), first << shift, length)

    def _deliverable(self, incoming: str | None) -> HeaderSpace:
        """What may, or must, be accepted of what was received, or be sent of what the device made."""
        if self.level is Level.MAY:
            return self._universe.all
        return self._plain if incoming is None else self._unicast

    @cached_property
    def _unicast(self) -> HeaderSpace:
        """Packets between plain unicast addresses: what a router certainly forwards (RFC 1812 §5.3.7).

        A source that is the router's own or a broadcast address is a Martian (Linux
        net/ipv4/fib_frontend.c ``fib_validate_source``).
        """
        return self._plain - self._own_sources()

    @cached_property
    def _plain(self) -> HeaderSpace:
        """Packets whose ends are of one host each, and not of one wire alone."""
        universe = self._universe
        special = ((0, 8), (127, 8), (0xE0, 3)) if universe.family is Family.IPV4 else ((0, 8), (0xFF, 8))
        shift = universe.family.bits - 8
        odd = [(first << shift, length) for first, length in special]
        if universe.family is Family.IPV6:
            odd.append((0xFE80 << 112, 10))
        ends = (HeaderField.SOURCE, HeaderField.DESTINATION)
        return ~universe.union(universe.prefix(end, first, length) for first, length in odd for end in ends)

    def _own_sources(self) -> HeaderSpace:
        universe, column = self._universe, self.compiled.column(HeaderField.SOURCE)
        return universe.union(
            universe.prefix(column, route.prefix, route.prefix_length)
            for route in self._device.routes
            if route.family is universe.family and route.kind in (RouteKind.LOCAL, RouteKind.BROADCAST)
        )

    def _to_itself(self) -> HeaderSpace:
        return self._universe.ranges(self.compiled.column(HeaderField.DESTINATION), self.compiled.own)

    # -- reverse path ----------------------------------------------------------------------------

    def let_in(self, incoming: str) -> HeaderSpace:
        """The packets that the reverse-path filter of an interface lets in.

        For certain only packets between plain addresses, whatever a translation makes of them later
        (Linux net/ipv6/ip6_input.c ``ip6_rcv_core``: none to or from the loopback address).
        """
        if incoming not in self._let_in:
            found = self._reverse_path(incoming)
            self._let_in[incoming] = found if self.level is Level.MAY else found & self._plain
        return self._let_in[incoming]

    def filters_sources(self, incoming: str) -> bool:
        """True where an interface filters by the reverse path (ip-sysctl: rp_filter, IPv4)."""
        mode = self._device.interfaces[incoming].reverse_path_filter
        return mode != 0 and self._universe.family is Family.IPV4

    def _reverse_path(self, incoming: str) -> HeaderSpace:
        """Sources that an interface lets in.

        With routing rules, and under any routing, it filters nothing for certain and lets nothing in
        for certain: which table the source would be looked up in is not known.
        """
        if not self.filters_sources(incoming):
            return self._universe.all
        if not self.compiled.fib.plain or self.mode is not RoutingMode.CURRENT:
            return self._universe.all if self.level is Level.MAY else self._universe.none
        loose = self._device.interfaces[incoming].reverse_path_filter == 2
        let_in = claimed = self._universe.none
        for lookup in self.compiled.fib.lookups:
            for route, space in self.compiled.longest_prefix(lookup.routes, HeaderField.SOURCE):
                if route.kind is RouteKind.UNICAST and (
                    loose or any(hop.interface in (incoming, None) for hop in route.next_hops)
                ):
                    let_in |= space - claimed
                claimed |= space
        return let_in
