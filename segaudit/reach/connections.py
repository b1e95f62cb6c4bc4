"""Connection state of one device: which packets can be in which state, and how they are rewritten.

Connection state is not a header field: it says what this device has seen. NEW, INVALID and UNTRACKED
packets any sender can make. ESTABLISHED and RELATED packets exist only for connections that this
device may open, so the device first computes its *openings* (what it would let through as NEW, from
anywhere) and lets through no more than their packets, their answers and ICMP errors about them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from segaudit.model.acl import Hook, NoTrack
from segaudit.model.flow import ConnectionState, Family
from segaudit.packets import HeaderField, HeaderSpace
from segaudit.reach.hooks import DESTINATION, SOURCE
from segaudit.reach.stages import Stages
from segaudit.reach.ways import Level, Opening, Passing, Rewrite, Way

FRESH_ICMP_TYPES = {Family.IPV4: (8, 13, 15, 17), Family.IPV6: (128,)}
"""ICMP types that can open a connection (Linux nf_conntrack_proto_icmp.c ``valid_new``)."""

ICMP_ERROR_TYPES = {Family.IPV4: (3, 4, 5, 11, 12), Family.IPV6: (1, 2, 3, 4, 137)}
"""ICMP types that quote another packet and so can be RELATED to its connection."""

UNTRACKED_ICMPV6 = ((130, 137), (143, 143))
"""Neighbour discovery and MLD are never tracked (Linux nf_conntrack_proto_icmpv6.c ``noct_valid_new``)."""


class Connections:
    """The states in which packets pass one device.

    Args:
        stages: the device's path.
    """

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._compiled = stages.compiled
        self._device = stages.compiled.device
        self._universe = stages.compiled.universe
        self._level = stages.level
        self._passings: dict[bool, tuple[Passing, ...]] = {}

    def passings(self, with_connections: bool) -> tuple[Passing, ...]:
        """Every state that packets can pass in; ``with_connections``: also as part of a connection."""
        if with_connections not in self._passings:
            self._passings[with_connections] = tuple(_joined(self._all_passings(with_connections)))
        return self._passings[with_connections]

    @property
    def matter(self) -> bool:
        """True where more may pass with connections than without."""
        return self._device.tracks_connections and self._level is Level.MAY

    def _all_passings(self, with_connections: bool) -> Iterator[Passing]:
        if not self._device.tracks_connections:
            yield Passing(ConnectionState.NEW, self._universe.all)
        elif self._level is Level.MUST:
            yield Passing(ConnectionState.NEW, self._certainly_new())
        else:
            yield Passing(ConnectionState.NEW, self._fresh())
            yield Passing(ConnectionState.INVALID, self._universe.all)
            yield Passing(ConnectionState.UNTRACKED, self._untracked())
            if with_connections:
                yield from self._connection_passings()

    def _icmp(self, types: Iterable[tuple[int, int]]) -> HeaderSpace:
        number = 1 if self._universe.family is Family.IPV4 else 58
        protocol = self._universe.value(HeaderField.PROTOCOL, number)
        return protocol & self._universe.ranges(HeaderField.ICMP_TYPE, types)

    def _fresh(self) -> HeaderSpace:
        family = self._universe.family
        number = 1 if family is Family.IPV4 else 58
        icmp = self._universe.value(HeaderField.PROTOCOL, number)
        types = FRESH_ICMP_TYPES[family]
        if self._compiled.answers:
            types = tuple({8: 0, 13: 14, 15: 16, 17: 18, 128: 129}[kind] for kind in types)
        return ~icmp | self._icmp(tuple((kind, kind) for kind in types))

    def _certainly_new(self) -> HeaderSpace:
        """Packets that a sender can make so that they surely count as NEW: for TCP a plain SYN.

        For SCTP and DCCP that depends on chunks and types that are no header fields here (Linux
        nf_conntrack_proto_sctp.c ``sctp_new``, nf_conntrack_proto_dccp.c ``dccp_new``).
        """
        tcp = self._universe.value(HeaderField.PROTOCOL, 6)
        syn = self._universe.value(HeaderField.TCP_FLAGS, 2)
        if self._exempts:
            return self._universe.none
        further = self._universe.ranges(HeaderField.PROTOCOL, [(33, 33), (132, 132)])
        return self._fresh() & (~tcp | syn) - further

    def _untracked(self) -> HeaderSpace:
        if self._exempts:
            return self._universe.all
        return self._icmp(UNTRACKED_ICMPV6) if self._universe.family is Family.IPV6 else self._universe.none

    @cached_property
    def _exempts(self) -> bool:
        """True where some rule exempts packets from tracking."""
        return any(
            isinstance(ace.action, NoTrack) for acl in self._device.acls.values() for ace in acl.aces
        )

    def _connection_passings(self) -> Iterator[Passing]:
        for opening in self.openings:
            before = (DESTINATION, opening.routed) if opening.destination_changed else None
            after = (SOURCE, opening.left) if opening.source_changed else None
            yield Passing(ConnectionState.ESTABLISHED, opening.entered, before, after)
            yield self._related(opening.entered, opening.routed, opening.left, before, after)
        for answer in self._answered:
            before = (DESTINATION, answer.routed) if answer.source_changed else None
            after = (SOURCE, answer.entered) if answer.destination_changed else None
            yield Passing(ConnectionState.ESTABLISHED, answer.left, before, after)
            yield self._related(answer.left, answer.routed, answer.entered, before, after)

    def _related(
        self,
        enters: HeaderSpace,
        routed: HeaderSpace,
        leaves: HeaderSpace,
        before: Rewrite | None,
        after: Rewrite | None,
    ) -> Passing:
        """ICMP errors about a connection: to one of its ends, from anyone on the way.

        Linux nf_conntrack_proto_icmp.c ``nf_conntrack_inet_error`` checks the outer destination
        against the quoted connection, not the outer source.
        """
        error = self._icmp((kind, kind) for kind in ICMP_ERROR_TYPES[self._universe.family])
        end = HeaderField.DESTINATION
        return Passing(
            ConnectionState.RELATED,
            error & _only(enters, end),
            ((end,), error & _only(routed, end)) if before else None,
            ((HeaderField.SOURCE,), error & _only(leaves, end)) if after else None,
        )

    # -- openings --------------------------------------------------------------------------------

    @cached_property
    def openings(self) -> tuple[Opening, ...]:
        """Every kind of connection that may be opened through or to or from this device.

        In the coordinates of the answer where the device was compiled so.
        """
        plain = self._universe.none
        translated = []
        for opening in self._found():
            if opening.destination_changed or opening.source_changed:
                translated.append(opening)
            else:
                plain |= opening.entered
        untranslated = [] if plain.is_empty else [Opening(plain, plain, plain, False, False)]
        return (*dict.fromkeys(translated), *untranslated)

    @cached_property
    def _answered(self) -> tuple[Opening, ...]:
        return Connections(self._stages.mirrored()).openings

    def _found(self) -> Iterator[Opening]:
        whole = self._universe.value(HeaderField.FRAGMENT, 0)
        new = Passing(ConnectionState.NEW, self._fresh())
        start = Way.start(whole & new.packets)
        local = self._own_connections()
        for name in self._stages.representatives():
            for way in self._stages.before_routing(name, start, new):
                for interface, _, routed, _ in self._stages.targets(name, way.now, new.state):
                    at_forward = way.keep(routed)
                    if interface is None:
                        accepted = self._stages.passed(Hook.INPUT, name, None, new.state, at_forward.now)
                        inside = at_forward.keep(accepted)
                        if inside.changed:
                            yield _opening(inside.entered, inside.now, inside.now, True, False)
                        else:
                            local |= inside.now
                    else:
                        yield from self._opened(name, interface, at_forward, new)
        yield from self._own_translated(new)
        if not local.is_empty:
            yield _opening(local, local, local, False, False)

    def _own_translated(self, new: Passing) -> Iterator[Opening]:
        """What the device itself may open and OUTPUT or POSTROUTING translates, wherever it is routed.

        One for all that are translated at the same ends: which it was matters only to the device.
        """
        found: dict[tuple[bool, bool], Opening] = {}
        for routed, out in self._own_ways(new):
            moved = out.changed - routed.changed
            between = routed.now & out.now.without(*moved) if moved else out.now
            one = _opening(out.entered, between, out.now, bool(routed.changed), bool(moved))
            key = (one.destination_changed, one.source_changed)
            found[key] = _both(found[key], one) if key in found else one
        yield from found.values()

    def _own_ways(self, new: Passing) -> Iterator[tuple[Way, Way]]:
        """Own packets that are translated, behind OUTPUT and as they leave."""
        hooks = (Hook.OUTPUT, Hook.POSTROUTING)
        if not any(one.translates for hook in hooks for one in self._compiled.attached[hook]):
            return
        start = Way.start(new.packets & self._own_packets())
        up = sorted(name for name, one in self._device.interfaces.items() if one.enabled)
        for name in up:
            for routed in self._stages.through_output(name, start, new):
                for last in up if routed.changed else [name]:
                    leaving = self._stages.after_routing(None, last, routed, new)
                    yield from ((routed, out) for out in leaving if out.changed and not out.now.is_empty)

    def _opened(self, name: str, interface: str, way: Way, passing: Passing) -> Iterator[Opening]:
        accepted = self._stages.passed(Hook.FORWARD, name, interface, passing.state, way.now)
        kept = way.keep(accepted)
        before = kept.changed
        for out in self._stages.after_routing(name, interface, kept, passing):
            if not out.now.is_empty:
                moved = out.changed - before
                routed = kept.now & out.now.without(*moved) if moved else out.now
                yield _opening(out.entered, routed, out.now, bool(before), bool(moved))

    def _own_connections(self) -> HeaderSpace:
        """What the device itself may open: as far as OUTPUT lets it."""
        packets = self._fresh() & self._own_packets()
        return self._universe.union(
            self._stages.passed(Hook.OUTPUT, None, name, ConnectionState.NEW, packets)
            for name, interface in sorted(self._device.interfaces.items())
            if interface.enabled
        )

    def _own_packets(self) -> HeaderSpace:
        """Everything from one of the device's addresses."""
        return self._universe.ranges(self._compiled.column(HeaderField.SOURCE), self._compiled.own)


def _joined(passings: Iterable[Passing]) -> Iterator[Passing]:
    """Passings that differ in their packets only, as one."""
    kept: dict[tuple[ConnectionState, Rewrite | None, Rewrite | None], HeaderSpace] = {}
    for one in passings:
        key = (one.state, one.before_routing, one.after_routing)
        kept[key] = kept[key] | one.packets if key in kept else one.packets
    yield from (Passing(state, packets, *rewrites) for (state, *rewrites), packets in kept.items())


def _only(space: HeaderSpace, field: HeaderField) -> HeaderSpace:
    """The packets that agree with a member on ``field``, whatever the rest."""
    return space.without(*(other for other in HeaderField if other is not field))


def _both(one: Opening, other: Opening) -> Opening:
    """Two openings that are translated at the same ends, as one that may be either."""
    return Opening(
        one.entered | other.entered,
        one.routed | other.routed,
        one.left | other.left,
        one.destination_changed,
        one.source_changed,
    )


def _opening(
    entered: HeaderSpace, routed: HeaderSpace, left: HeaderSpace, destination: bool, source: bool
) -> Opening:
    """An opening for all packets of the connection: flags and fragmentation forgotten."""
    loose = (HeaderField.TCP_FLAGS, HeaderField.FRAGMENT)
    return Opening(
        entered.without(*loose), routed.without(*loose), left.without(*loose), destination, source
    )
