"""What one device does with a set of packets: hooks, translations, routing, connection state.

The order is Linux's (netfilter packet flow): ingress ACL, PREROUTING by priority, destination NAT,
routing decision, INPUT or FORWARD, POSTROUTING, source NAT, egress ACL. Other vendors' filters attach
to the same hooks.

Connection state is not a header field: it says what this device has seen. NEW, INVALID and UNTRACKED
packets any sender can make. ESTABLISHED and RELATED packets exist only for connections that this
device may open, so the device first computes its *openings* (what it would let through as NEW, from
anywhere) and lets through no more than their packets, their answers and ICMP errors about them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from segaudit.model.acl import (
    TRACKING_PRIORITY,
    Acl,
    AclAttachment,
    AllOf,
    AnyOf,
    Goto,
    Hook,
    Jump,
    Matches,
    Not,
    NoTrack,
    StateIn,
    Translate,
    TranslationKind,
)
from segaudit.model.device import Device, Interface, NextHop, Route, RouteKind
from segaudit.model.flow import ConnectionState, Family
from segaudit.packets import Bounds, ChainCompiler, HeaderField, HeaderSpace, MatchCompiler, Universe
from segaudit.packets.matches import NO_INTERFACE, PORT_PROTOCOLS, STATE_VALUES
from segaudit.routing import forwarding_tables


class Level(Enum):
    """Which bound of every filter is used: all that may pass, or only what must."""

    MAY = "may"
    MUST = "must"


class RoutingMode(Enum):
    """CURRENT: the collected tables. ANY: out of any interface, up or down (grade G4)."""

    CURRENT = "current"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Emission:
    """Packets that leave by ``interface`` towards ``next_hop`` (``None``: their destination itself).

    ``any_receiver`` is true where every neighbour on the wire may be the next hop.
    """

    interface: str
    next_hop: int | None
    packets: HeaderSpace
    any_receiver: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """What a device does with packets received on one interface."""

    emissions: tuple[Emission, ...]
    delivered: HeaderSpace


@dataclass(frozen=True, slots=True)
class Opening:
    """A kind of connection that may be opened through a device.

    Header sets as the first packet enters, as it is routed and filtered, and as it leaves; they
    differ in ``destination_changed`` (destination NAT) and ``source_changed`` (source NAT).
    """

    entered: HeaderSpace
    routed: HeaderSpace
    left: HeaderSpace
    destination_changed: bool
    source_changed: bool


@dataclass(frozen=True, slots=True)
class _Branch:
    """Packets on their way, with what they were when they entered."""

    entered: HeaderSpace
    now: HeaderSpace
    changed: frozenset[HeaderField] = frozenset()

    def keep(self, space: HeaderSpace) -> _Branch:
        now = self.now & space
        entered = self.entered & now.without(*self.changed) if self.changed else now
        return _Branch(entered, now, self.changed)

    def rewrite(self, fields: tuple[HeaderField, ...], pool: HeaderSpace) -> _Branch:
        return _Branch(self.entered, self.now.without(*fields) & pool, self.changed | frozenset(fields))


@dataclass(frozen=True, slots=True)
class _Passing:
    """A state in which packets pass, which packets can be in it, and how they are rewritten."""

    state: ConnectionState
    packets: HeaderSpace
    before_routing: tuple[tuple[HeaderField, ...], HeaderSpace] | None = None
    after_routing: tuple[tuple[HeaderField, ...], HeaderSpace] | None = None


FRESH_ICMP_TYPES = {Family.IPV4: (8, 13, 15, 17), Family.IPV6: (128,)}
"""ICMP types that can open a connection (Linux nf_conntrack_proto_icmp.c ``valid_new``)."""

ICMP_ERROR_TYPES = {Family.IPV4: (3, 4, 5, 11, 12), Family.IPV6: (1, 2, 3, 4, 137)}
"""ICMP types that quote another packet and so can be RELATED to its connection."""

UNTRACKED_ICMPV6 = ((130, 137), (143, 143))
"""Neighbour discovery and MLD are never tracked (Linux nf_conntrack_proto_icmpv6.c ``noct_valid_new``)."""

NAT_PRIORITY = {Hook.PREROUTING: -100, Hook.OUTPUT: -100, Hook.POSTROUTING: 100}
"""Where an already bound connection is rewritten (Linux NF_IP_PRI_NAT_DST, NF_IP_PRI_NAT_SRC)."""

_DESTINATION = (HeaderField.DESTINATION, HeaderField.DESTINATION_PORT)
_SOURCE = (HeaderField.SOURCE, HeaderField.SOURCE_PORT)


class DevicePath:
    """One device in one universe, at one level and under one routing mode.

    Args:
        device: the device.
        universe: where its packets live.
        level: MAY or MUST.
        routing: CURRENT or ANY.
        answers: build everything in the coordinates of the answer (see ``MatchCompiler``); used by
            a device for its own openings.
    """

    def __init__(
        self,
        device: Device,
        universe: Universe,
        level: Level = Level.MAY,
        routing: RoutingMode = RoutingMode.CURRENT,
        answers: bool = False,
    ) -> None:
        self.device = device
        self.universe = universe
        self.level = level
        self.routing = routing
        self._answers = answers
        names = sorted(device.interfaces)
        self._numbers = {name: number for number, name in enumerate(names, start=1)}
        self._matches = MatchCompiler(universe, self._numbers, answers)
        self._chains = ChainCompiler(self._matches, device.acls)
        self._attached = {hook: self._attachments(hook) for hook in Hook}
        self._filters: dict[tuple[str, str | None, str | None, ConnectionState], HeaderSpace] = {}
        self._routes: dict[tuple[str | None, ConnectionState], list[tuple[Route | None, HeaderSpace]]] = {}
        self._passing: dict[bool, list[_Passing]] = {}
        self._let_in: dict[str, HeaderSpace] = {}
        self._forwarded = {name: self._forwardable(one) for name, one in device.interfaces.items()}
        self._own = self._to_itself()
        self._openings: tuple[Opening, ...] | None = None
        self._answered: tuple[Opening, ...] | None = None
        self._partition = self._routing_partition()
        self._tracks_family = any(
            attachment.translates or reads_state(device.acls, attachment.acl)
            for attached in self._attached.values()
            for attachment in attached
        )

    def _attachments(self, hook: Hook) -> list[AclAttachment]:
        applied = [
            attachment
            for attachment in self.device.attachments
            if attachment.hook is hook and self.universe.family in attachment.families
        ]
        return sorted(applied, key=lambda attachment: (attachment.priority, attachment.acl))

    # -- what passes -----------------------------------------------------------------------------

    def passage(self, interface: str, packets: HeaderSpace, with_connections: bool) -> Passage:
        """What becomes of ``packets`` received on ``interface``.

        Args:
            interface: the input interface.
            packets: headers as received.
            with_connections: also as ESTABLISHED or RELATED, where something may have opened the
                connection.
        """
        emissions: list[Emission] = []
        delivered = self.universe.none
        for passing in self._passings_of(with_connections):
            taken = self._enter(packets) & passing.packets
            if not taken.is_empty:
                delivered |= self._pass(interface, taken, passing, emissions)
        return Passage(tuple(self._leave(emissions, packets)), delivered)

    def origin(self, packets: HeaderSpace, with_connections: bool) -> tuple[Emission, ...]:
        """What leaves of ``packets`` that the device makes itself: through OUTPUT, as configured."""
        emissions: list[Emission] = []
        for passing in self._passings_of(with_connections):
            made = self._enter(packets) & passing.packets
            for interface, next_hop, routed, loose in self._routed(None, made, passing.state):
                now = made & routed
                if interface is None or now.is_empty:
                    continue
                branch = _Branch(now, now)
                for sent in self._staged(
                    Hook.OUTPUT, None, interface, branch, passing, passing.before_routing
                ):
                    for out in self._after_routing(None, interface, sent, passing):
                        if not out.now.is_empty:
                            emissions.append(Emission(interface, next_hop, out.now, loose))
        return tuple(self._leave(emissions, packets))

    def _enter(self, packets: HeaderSpace) -> HeaderSpace:
        """Connection tracking reassembles first (Linux nf_defrag at priority -400).

        Only where the family is certainly tracked; else a packet may be seen whole or in fragments.
        """
        if not self.device.tracks_connections:
            return packets
        either = packets.without(HeaderField.FRAGMENT)
        if self.level is Level.MAY and not self._tracks_family:
            return either
        return either & self.universe.value(HeaderField.FRAGMENT, 0)

    def _leave(self, emissions: list[Emission], received: HeaderSpace) -> Iterator[Emission]:
        """What was reassembled may leave in fragments; unknown translations may leave as anything."""
        if self.level is Level.MAY and self.device.unknown_translation and self.device.forwards:
            if not received.is_empty:
                for name in self.device.interfaces:
                    yield Emission(name, None, self.universe.all, any_receiver=True)
            return
        refragments = self.level is Level.MAY and self.device.tracks_connections
        for one in emissions:
            packets = one.packets.without(HeaderField.FRAGMENT) if refragments else one.packets
            yield Emission(one.interface, one.next_hop, packets, one.any_receiver)

    def _passings_of(self, with_connections: bool) -> list[_Passing]:
        if with_connections not in self._passing:
            self._passing[with_connections] = self._passings(with_connections)
        return self._passing[with_connections]

    def _passings(self, with_connections: bool) -> list[_Passing]:
        universe = self.universe
        if not self.device.tracks_connections:
            return [_Passing(ConnectionState.NEW, universe.all)]
        if self.level is Level.MUST:
            return [_Passing(ConnectionState.NEW, self._certainly_new())]
        passings = [
            _Passing(ConnectionState.NEW, self._fresh()),
            _Passing(ConnectionState.INVALID, universe.all),
            _Passing(ConnectionState.UNTRACKED, self._untracked()),
        ]
        if with_connections:
            passings.extend(self._connection_passings())
        return passings

    def _icmp(self, types: tuple[tuple[int, int], ...]) -> HeaderSpace:
        number = 1 if self.universe.family is Family.IPV4 else 58
        protocol = self.universe.value(HeaderField.PROTOCOL, number)
        return protocol & self.universe.ranges(HeaderField.ICMP_TYPE, types)

    def _fresh(self) -> HeaderSpace:
        family = self.universe.family
        number = 1 if family is Family.IPV4 else 58
        icmp = self.universe.value(HeaderField.PROTOCOL, number)
        types = FRESH_ICMP_TYPES[family]
        if self._answers:
            types = tuple({8: 0, 13: 14, 15: 16, 17: 18, 128: 129}[kind] for kind in types)
        return ~icmp | self._icmp(tuple((kind, kind) for kind in types))

    def _certainly_new(self) -> HeaderSpace:
        """Packets that a sender can make so that they surely count as NEW: for TCP a plain SYN."""
        tcp = self.universe.value(HeaderField.PROTOCOL, 6)
        syn = self.universe.value(HeaderField.TCP_FLAGS, 2)
        if any(isinstance(ace.action, NoTrack) for acl in self.device.acls.values() for ace in acl.aces):
            return self.universe.none
        return self._fresh() & (~tcp | syn)

    def _untracked(self) -> HeaderSpace:
        if any(isinstance(ace.action, NoTrack) for acl in self.device.acls.values() for ace in acl.aces):
            return self.universe.all
        return self._icmp(UNTRACKED_ICMPV6) if self.universe.family is Family.IPV6 else self.universe.none

    def _connection_passings(self) -> Iterator[_Passing]:
        for opening in self.openings():
            before = (_DESTINATION, opening.routed) if opening.destination_changed else None
            after = (_SOURCE, opening.left) if opening.source_changed else None
            yield _Passing(ConnectionState.ESTABLISHED, opening.entered, before, after)
            yield from self._related(opening.entered, opening.routed, opening.left, before, after)
        for answer in self._answer_openings():
            before = (_DESTINATION, answer.routed) if answer.source_changed else None
            after = (_SOURCE, answer.entered) if answer.destination_changed else None
            yield _Passing(ConnectionState.ESTABLISHED, answer.left, before, after)
            yield from self._related(answer.left, answer.routed, answer.entered, before, after)

    def _related(
        self,
        enters: HeaderSpace,
        routed: HeaderSpace,
        leaves: HeaderSpace,
        before: tuple[tuple[HeaderField, ...], HeaderSpace] | None,
        after: tuple[tuple[HeaderField, ...], HeaderSpace] | None,
    ) -> Iterator[_Passing]:
        """ICMP errors about a connection: to one of its ends, from anyone on the way.

        Linux nf_conntrack_proto_icmp.c ``nf_conntrack_inet_error`` checks the outer destination
        against the quoted connection, not the outer source.
        """
        error = self._icmp(tuple((kind, kind) for kind in ICMP_ERROR_TYPES[self.universe.family]))
        yield _Passing(
            ConnectionState.RELATED,
            error & _only(enters, HeaderField.DESTINATION),
            ((HeaderField.DESTINATION,), error & _only(routed, HeaderField.DESTINATION))
            if before
            else None,
            ((HeaderField.SOURCE,), error & _only(leaves, HeaderField.DESTINATION)) if after else None,
        )

    # -- openings --------------------------------------------------------------------------------

    def openings(self) -> tuple[Opening, ...]:
        """Every kind of connection that may be opened through or to or from this device."""
        if self._openings is None:
            self._openings = tuple(self._compute_openings())
        return self._openings

    def _answer_openings(self) -> tuple[Opening, ...]:
        if self._answered is None:
            mirror = DevicePath(self.device, self.universe, self.level, self.routing, answers=True)
            self._answered = mirror.openings()
        return self._answered

    def _compute_openings(self) -> Iterator[Opening]:
        whole = self.universe.value(HeaderField.FRAGMENT, 0)
        new = _Passing(ConnectionState.NEW, self._fresh())
        local = self.universe.none
        for name in sorted(self.device.interfaces):
            for branch in self._before_routing(name, whole & new.packets, new):
                for interface, _, routed, _ in self._routed(name, branch.now, new.state):
                    at_forward = branch.keep(routed)
                    if interface is None:
                        local |= self._hook(Hook.INPUT, name, None, new, at_forward.now)
                        continue
                    yield from self._opened(name, interface, at_forward, new)
        local |= self._own_connections()
        if not local.is_empty:
            yield _opening(local, local, local, False, False)

    def _opened(self, name: str, interface: str, branch: _Branch, passing: _Passing) -> Iterator[Opening]:
        kept = branch.keep(self._hook(Hook.FORWARD, name, interface, passing, branch.now))
        before = kept.changed
        for out in self._after_routing(name, interface, kept, passing):
            if not out.now.is_empty:
                moved = out.changed - before
                routed = kept.now & out.now.without(*moved) if moved else out.now
                yield _opening(out.entered, routed, out.now, bool(before), bool(moved))

    def _own_connections(self) -> HeaderSpace:
        """What the device itself may open: from one of its addresses, as far as OUTPUT lets it."""
        own = [
            (address.address, address.address)
            for interface in self.device.interfaces.values()
            for address in interface.addresses
            if address.family is self.universe.family
        ]
        packets = self._fresh() & self.universe.ranges(self._column(HeaderField.SOURCE), own)
        passing = _Passing(ConnectionState.NEW, packets)
        sent = self.universe.none
        for name, interface in sorted(self.device.interfaces.items()):
            if interface.enabled:
                sent |= self._hook(Hook.OUTPUT, None, name, passing, packets)
        return sent

    # -- the stages ------------------------------------------------------------------------------

    def _pass(
        self, name: str, packets: HeaderSpace, passing: _Passing, emissions: list[Emission]
    ) -> HeaderSpace:
        delivered = self.universe.none
        for branch in self._before_routing(name, packets, passing):
            for interface, next_hop, routed, loose in self._routed(name, branch.now, passing.state):
                now = branch.now & routed
                if now.is_empty:
                    continue
                if interface is None:
                    delivered |= self._hook(Hook.INPUT, name, None, passing, now)
                    continue
                now = self._hook(Hook.FORWARD, name, interface, passing, now)
                for out in self._after_routing(name, interface, _Branch(now, now), passing):
                    if not out.now.is_empty:
                        emissions.append(Emission(interface, next_hop, out.now, loose))
        return delivered

    def _before_routing(self, name: str, packets: HeaderSpace, passing: _Passing) -> Iterator[_Branch]:
        packets = self._hook(Hook.INGRESS, name, None, passing, packets)
        if name not in self._let_in:
            self._let_in[name] = self._reverse_path(name)
        packets &= self._let_in[name]
        branch = _Branch(packets, packets)
        yield from self._staged(Hook.PREROUTING, name, None, branch, passing, passing.before_routing)

    def _after_routing(
        self, name: str | None, interface: str, branch: _Branch, passing: _Passing
    ) -> Iterator[_Branch]:
        staged = self._staged(Hook.POSTROUTING, name, interface, branch, passing, passing.after_routing)
        for out in staged:
            yield out.keep(self._hook(Hook.EGRESS, name, interface, passing, out.now))

    def _staged(
        self,
        hook: Hook,
        name: str | None,
        interface: str | None,
        branch: _Branch,
        passing: _Passing,
        rewrite: tuple[tuple[HeaderField, ...], HeaderSpace] | None,
    ) -> Iterator[_Branch]:
        """One hook's attachments by priority; translations split the packets.

        A second translation of the same end finds the connection already bound and does nothing
        (Linux nf_nat_core.c ``nf_nat_initialized``), so later NAT chains see what is left alone.
        """
        done: list[_Branch] = []
        attached = self._attached[hook]
        translating = [one.priority for one in attached if one.translates]
        bound_at = min(translating, default=NAT_PRIORITY[hook])
        for attachment in attached:
            if rewrite is not None and attachment.priority >= bound_at:
                branch, rewrite = branch.rewrite(*rewrite), None
            if not attachment.translates:
                space = self._filter(attachment, name, interface, passing.state)
                branch, done = branch.keep(space), [one.keep(space) for one in done]
            elif passing.state is ConnectionState.NEW:
                branch, moved = self._translated(attachment, name, interface, branch)
                done.extend(moved)
        if rewrite is not None:
            branch = branch.rewrite(*rewrite)
        yield from (one for one in (branch, *done) if not one.now.is_empty)

    def _translated(
        self, attachment: AclAttachment, name: str | None, interface: str | None, branch: _Branch
    ) -> tuple[_Branch, list[_Branch]]:
        place = self._place(name, interface, ConnectionState.NEW)
        packets = Bounds.exactly(branch.now & place)
        left, moved = branch, []
        for piece in self._chains.translations(attachment.acl, packets):
            taken = branch.keep(self._pick(piece.packets.at(place)))
            if piece.translate is None:
                left = taken
            elif not taken.now.is_empty:
                moved.append(self._rewritten(piece.translate, taken, name, interface))
        return left, moved

    def _rewritten(
        self, translate: Translate, branch: _Branch, name: str | None, interface: str | None
    ) -> _Branch:
        source = translate.kind in _SOURCE_KINDS
        address, port = _SOURCE if source else _DESTINATION
        addresses = self._pool(translate, name, interface)
        pool = self.universe.all
        if addresses:
            pool &= self.universe.ranges(self._column(address), addresses)
        if translate.ports:
            numbers = [(number, number) for number in PORT_PROTOCOLS]
            portless = ~self.universe.ranges(HeaderField.PROTOCOL, numbers)
            pool &= portless | self.universe.ranges(self._column(port), translate.ports)
        fields = [self._column(address)]
        if translate.ports or (source and self.level is Level.MAY):
            fields.append(self._column(port))
        if self.level is Level.MUST and not _single(addresses, translate):
            return branch.keep(self.universe.none)
        return branch.rewrite(tuple(fields), pool)

    def _pool(
        self, translate: Translate, name: str | None, interface: str | None
    ) -> tuple[tuple[int, int], ...]:
        if translate.addresses:
            return translate.addresses
        if translate.kind is TranslationKind.MASQUERADE:
            return self._own_addresses(interface)
        if translate.kind is TranslationKind.REDIRECT:
            return self._own_addresses(name)
        return ()

    def _own_addresses(self, name: str | None) -> tuple[tuple[int, int], ...]:
        if name is None:
            return ()
        return tuple(
            (address.address, address.address)
            for address in self.device.interfaces[name].addresses
            if address.family is self.universe.family
        )

    def _hook(
        self, hook: Hook, name: str | None, interface: str | None, passing: _Passing, packets: HeaderSpace
    ) -> HeaderSpace:
        for attachment in self._attached[hook]:
            if not attachment.translates and not packets.is_empty:
                packets &= self._filter(attachment, name, interface, passing.state)
        return packets

    def _filter(
        self, attachment: AclAttachment, name: str | None, interface: str | None, state: ConnectionState
    ) -> HeaderSpace:
        """What an attached chain accepts between two interfaces in one state."""
        if attachment.interface is not None:
            applied = name if attachment.hook is Hook.INGRESS else interface
            if attachment.interface != applied:
                return self.universe.all
        early = (
            attachment.hook in (Hook.PREROUTING, Hook.OUTPUT) and attachment.priority <= TRACKING_PRIORITY
        )
        seen = ConnectionState.INVALID if early else state
        key = (attachment.acl, name, interface, seen)
        if key not in self._filters:
            accepted = self._chains.accepted(attachment.acl)
            self._filters[key] = self._pick(accepted.at(self._place(name, interface, seen)))
        return self._filters[key]

    def _place(self, name: str | None, interface: str | None, state: ConnectionState) -> HeaderSpace:
        universe, numbers = self.universe, self._numbers
        return (
            universe.value(HeaderField.IN_INTERFACE, numbers[name] if name else NO_INTERFACE)
            & universe.value(HeaderField.OUT_INTERFACE, numbers[interface] if interface else NO_INTERFACE)
            & universe.value(HeaderField.STATE, STATE_VALUES[state])
        )

    def _pick(self, bounds: Bounds) -> HeaderSpace:
        return bounds.may if self.level is Level.MAY else bounds.must

    def _column(self, field: HeaderField) -> HeaderField:
        return self._matches.column(field)

    # -- routing ---------------------------------------------------------------------------------

    def _routed(
        self, name: str | None, packets: HeaderSpace, state: ConnectionState
    ) -> Iterator[tuple[str | None, int | None, HeaderSpace, bool]]:
        """Split by where they go: ``(None, ...)`` to the device itself, else out of an interface.

        ``name`` ``None``: packets of the device's own, which need no forwarding to leave.
        """
        forwardable = self._forwarded[name] if name else self.universe.all
        if self.routing is RoutingMode.ANY:
            yield None, None, self._own, False
            for other in sorted(self.device.interfaces):
                yield other, None, forwardable, True
            return
        for route, space in self._routes_from(name, state):
            if route is None or (packets & space).is_empty:
                continue
            if route.kind in (RouteKind.LOCAL, RouteKind.BROADCAST):
                yield None, None, space, False
            elif route.kind is RouteKind.UNICAST:
                for hop in route.next_hops:
                    yield from self._hop(hop, space & forwardable)

    def _hop(
        self, hop: NextHop, space: HeaderSpace
    ) -> Iterator[tuple[str | None, int | None, HeaderSpace, bool]]:
        certain = self.level is Level.MUST
        if hop.interface is None:
            for other in () if certain else sorted(self.device.interfaces):
                yield other, None, space, True
            return
        found = self.device.interfaces.get(hop.interface)
        if found is not None and found.enabled and (found.operational or not certain):
            yield hop.interface, hop.address, space, False

    def _forwardable(self, incoming: Interface) -> HeaderSpace:
        """What the device would forward at all.

        RFC 4291 §2.5.6: a router must not forward packets with link-local source or destination to
        other links; §2.5.3 the same for the loopback address; §2.7 multicast is no source.
        """
        if self.universe.family not in incoming.forwarding:
            return self.universe.none
        if self.universe.family is Family.IPV4:
            return self.universe.all if self.level is Level.MAY else self._unicast()
        confined = self.universe.none
        for value, length in ((0xFE80 << 112, 10), (1, 128)):
            for field in (HeaderField.SOURCE, HeaderField.DESTINATION):
                confined |= self.universe.prefix(field, value, length)
        confined |= self.universe.prefix(self._column(HeaderField.SOURCE), 0xFF << 120, 8)
        return ~confined if self.level is Level.MAY else self._unicast() - confined

    def _unicast(self) -> HeaderSpace:
        """Packets between plain unicast addresses: what a router certainly forwards (RFC 1812 §5.3.7)."""
        special = (
            ((0, 8), (127, 8), (224, 3)) if self.universe.family is Family.IPV4 else ((0, 8), (255, 8))
        )
        shift = self.universe.family.bits - 8
        odd = self.universe.union(
            self.universe.prefix(field, first << shift, length)
            for first, length in special
            for field in (HeaderField.SOURCE, HeaderField.DESTINATION)
        )
        return ~odd

    def _to_itself(self) -> HeaderSpace:
        own = [
            (address.address, address.address)
            for interface in self.device.interfaces.values()
            for address in interface.addresses
            if address.family is self.universe.family
        ]
        return self.universe.ranges(self._column(HeaderField.DESTINATION), own)

    def _routes_from(
        self, name: str | None, state: ConnectionState
    ) -> list[tuple[Route | None, HeaderSpace]]:
        if (name, state) not in self._routes:
            place = self._place(name, None, state)
            found = [(route, self._pick(space.at(place))) for route, space in self._partition]
            self._routes[name, state] = [(route, space) for route, space in found if not space.is_empty]
        return self._routes[name, state]

    def _routing_partition(self) -> list[tuple[Route | None, Bounds]]:
        """Packets by the route they take, routes with the same action joined; ``None``: no route."""
        universe = self.universe
        remaining = Bounds.exactly(universe.all)
        parts: dict[tuple[RouteKind, tuple[NextHop, ...]], tuple[Route, Bounds]] = {}
        for lookup in forwarding_tables(self.device, universe.family).lookups:
            matched = remaining & self._matches.compile(lookup.rule.matches)
            if lookup.rule.table is None:
                remaining = remaining - self._matches.compile(lookup.rule.matches)
                continue
            found = universe.none
            for route, space in self._longest_prefix(lookup.routes, HeaderField.DESTINATION):
                found |= space
                _add(parts, route, matched & Bounds.exactly(space))
            taken = self._matches.compile(lookup.rule.matches) & Bounds.exactly(found)
            remaining = remaining - taken
        return [*parts.values(), (None, remaining)]

    def _longest_prefix(
        self, routes: tuple[Route, ...], field: HeaderField
    ) -> Iterator[tuple[Route, HeaderSpace]]:
        """The packets that each route is the longest match for; THROW gives its packets back."""
        column, universe = self._column(field), self.universe
        claimed = universe.none
        for route in routes:
            prefix = universe.prefix(column, route.prefix, route.prefix_length)
            space = prefix - claimed
            claimed |= prefix
            if route.kind is not RouteKind.THROW and not space.is_empty:
                yield route, space

    def _reverse_path(self, name: str) -> HeaderSpace:
        """Sources that the reverse-path filter of an interface lets in (ip-sysctl: rp_filter, IPv4).

        With routing rules, and under any routing, it filters nothing here: which table the source
        would be looked up in is not certain.
        """
        mode = self.device.interfaces[name].reverse_path_filter
        fib = forwarding_tables(self.device, self.universe.family)
        if (
            mode == 0
            or self.universe.family is Family.IPV6
            or not fib.plain
            or self.routing is RoutingMode.ANY
        ):
            return self.universe.all
        let_in = self.universe.none
        claimed = self.universe.none
        for lookup in fib.lookups:
            for route, space in self._longest_prefix(lookup.routes, HeaderField.SOURCE):
                if route.kind is RouteKind.UNICAST and (
                    mode == 2 or any(hop.interface in (name, None) for hop in route.next_hops)
                ):
                    let_in |= space - claimed
                claimed |= space
        return let_in


def reads_state(acls: Mapping[str, Acl], name: str, above: frozenset[str] = frozenset()) -> bool:
    """True where a chain, or one that it jumps to, matches on connection state."""
    if name in above or name not in acls:
        return False
    return any(
        _has_state(ace.matches)
        or (isinstance(ace.action, Jump | Goto) and reads_state(acls, ace.action.acl, above | {name}))
        for ace in acls[name].aces
    )


def _has_state(matches: Matches) -> bool:
    match matches:
        case StateIn():
            return True
        case AllOf(of) | AnyOf(of):
            return any(_has_state(part) for part in of)
        case Not(of):
            return _has_state(of)
        case _:
            return False


_SOURCE_KINDS = (TranslationKind.SOURCE, TranslationKind.MASQUERADE, TranslationKind.STATIC_SOURCE)


def _single(addresses: tuple[tuple[int, int], ...], translate: Translate) -> bool:
    """True where a translation has only one possible result."""
    if translate.kind in (TranslationKind.STATIC_SOURCE, TranslationKind.STATIC_DESTINATION):
        return False
    ports_fixed = all(first == last for first, last in translate.ports) and len(translate.ports) <= 1
    return len(addresses) == 1 and addresses[0][0] == addresses[0][1] and ports_fixed


def _add(
    parts: dict[tuple[RouteKind, tuple[NextHop, ...]], tuple[Route, Bounds]], route: Route, space: Bounds
) -> None:
    key = (route.kind, route.next_hops)
    known = parts.get(key)
    parts[key] = (route, space) if known is None else (known[0], known[1] | space)


def _only(space: HeaderSpace, field: HeaderField) -> HeaderSpace:
    """The packets that agree with a member on ``field``, whatever the rest."""
    return space.without(*(other for other in HeaderField if other is not field))


def _opening(
    entered: HeaderSpace, routed: HeaderSpace, left: HeaderSpace, destination: bool, source: bool
) -> Opening:
    """An opening for all packets of the connection: flags and fragmentation forgotten."""
    loose = (HeaderField.TCP_FLAGS, HeaderField.FRAGMENT)
    return Opening(
        entered.without(*loose), routed.without(*loose), left.without(*loose), destination, source
    )
