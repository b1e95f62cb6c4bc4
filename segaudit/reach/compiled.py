"""One device's chains and routes as sets of packets, compiled once for every level and routing.

A chain is compiled for all interfaces and states together; what it does between two interfaces in
one state is cut out of that. Interfaces that the chain cannot tell apart share the cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial

from segaudit.errors import CapacityError, FilterCapacityError
from segaudit.model.acl import (
    Acl,
    AclAttachment,
    Continue,
    Direction,
    ForgetMark,
    Goto,
    Hook,
    InterfaceIn,
    Jump,
    Matches,
    Range,
    SetMark,
    StateIn,
    Translate,
    UnknownAction,
    leaves,
)
from segaudit.model.device import Device, NextHop, Route, RouteKind
from segaudit.model.flow import ConnectionState
from segaudit.packets import (
    Bounds,
    ChainCompiler,
    HeaderField,
    HeaderSpace,
    MatchCompiler,
    Stretches,
    Universe,
)
from segaudit.packets.matches import NO_INTERFACE, STATE_VALUES, name_matches
from segaudit.reach.filter_store import ChainName, FilterStore
from segaudit.reach.marks import without_marks
from segaudit.routing import Fib, forwarding_tables, own_ranges

Place = tuple[str | None, str | None, ConnectionState]
"""Where and how a filter sees a packet: input interface, output interface, connection state."""


@dataclass(frozen=True, slots=True)
class _Reads:
    """What a chain reads besides headers: interface patterns per direction, and connection state."""

    incoming: tuple[str, ...]
    outgoing: tuple[str, ...]
    state: bool


class CompiledDevice:
    """A device in one universe.

    Args:
        device: the device; ``self.device`` is what it comes to without marks.
        universe: where its packets live.
        answers: build everything in the coordinates of the answer (see ``MatchCompiler``).
        filters: where its compiled chains are found again; ``None``: they are compiled.
        stretches: its chains, where they were taken apart before.
    """

    def __init__(
        self,
        device: Device,
        universe: Universe,
        answers: bool = False,
        filters: FilterStore | None = None,
        stretches: Stretches | None = None,
    ) -> None:
        self._filters = filters
        self.device = device = without_marks(device, universe.family)
        self.universe = universe
        self.answers = answers
        names = sorted(device.interfaces)
        self._numbers = {name: number for number, name in enumerate(names, start=1)}
        self._matches = MatchCompiler(universe, self._numbers, answers)
        self._chains = ChainCompiler(self._matches, stretches or device.acls)
        self.attached = {hook: self._attachments(hook) for hook in Hook}
        self._reads: dict[str, _Reads] = {}
        self._stand_ins: dict[tuple[tuple[str, ...], str], str | None] = {}
        self._accepted: dict[tuple[str, Place], Bounds] = {}
        self._pieces: dict[tuple[str, Place], list[tuple[Bounds, Translate | None]]] = {}
        self._routes: dict[tuple[str | None, ConnectionState], list[tuple[Route | None, Bounds]]] = {}

    @cached_property
    def mirror(self) -> CompiledDevice:
        """The same device in the coordinates of the answer."""
        stretches = self._chains.stretches
        return CompiledDevice(self.device, self.universe, not self.answers, self._filters, stretches)

    def column(self, field: HeaderField) -> HeaderField:
        """The field of a compiled set that stands for ``field`` of the packet matched."""
        return self._matches.column(field)

    def _attachments(self, hook: Hook) -> list[AclAttachment]:
        applied = [
            attachment
            for attachment in self.device.attachments
            if attachment.hook is hook and self.universe.family in attachment.families
        ]
        return sorted(applied, key=lambda attachment: attachment.priority)

    @cached_property
    def tracks_family(self) -> bool:
        """True where packets of the family are certainly tracked: some rule needs their connections.

        A NAT chain alone does not: Linux asks for tracking rule by rule (nft_nat.c ``nft_nat_init``,
        nft_ct.c ``nft_ct_get_init``, xt_nat.c ``xt_nat_checkentry``).
        """
        return any(
            self._reads_of(attachment.acl).state or self._translates(attachment.acl)
            for attached in self.attached.values()
            for attachment in attached
        )

    @cached_property
    def marks_output(self) -> bool:
        """True where OUTPUT may change what routing looks at: the mark, or the type of service."""
        return any(
            isinstance(ace.action, SetMark | ForgetMark | Continue | UnknownAction)
            for attachment in self.attached[Hook.OUTPUT]
            for one in self._closure(attachment.acl)
            for ace in one.aces
        )

    def _translates(self, acl: str) -> bool:
        """True where a chain, or one that it jumps to, translates packets of the family."""
        return any(
            isinstance(ace.action, Translate) and ace.action.family in (None, self.universe.family)
            for one in self._closure(acl)
            for ace in one.aces
        )

    # -- chains ----------------------------------------------------------------------------------

    def accepted(self, acl: str, place: Place) -> Bounds:
        """The packets that an attached chain accepts at a place."""
        key = (acl, self._seen_by(acl, place))
        if key not in self._accepted:
            with self._naming(acl):
                self._accepted[key] = self.whole(acl).at(self._place(key[1]))
        return self._accepted[key]

    def whole(self, acl: str) -> Bounds:
        """What a chain accepts at all places together, device fields included.

        Raises:
            FilterCapacityError: it does not fit.
        """
        with self._naming(acl):
            if self._filters is None:
                return self._chains.accepted(acl)
            key = self.key(acl, self._filters)
            return self._filters.bounds(key, self._named(acl), partial(self._chains.accepted, acl))

    def key(self, acl: str, filters: FilterStore) -> str:
        """Under what ``filters`` keeps a chain of this device."""
        reads = self._reads_of(acl)
        fitting = [self._matches.fitting((pattern,)) for pattern in (*reads.incoming, *reads.outgoing)]
        return filters.key(acl, self._closure(acl), fitting, self.answers)

    def rules(self, acl: str) -> int:
        """How many rules a chain has, with those of the chains that it can jump to."""
        return sum(len(one.aces) for one in self._closure(acl))

    @contextmanager
    def _naming(self, acl: str) -> Iterator[None]:
        """Name the chain in the error where its sets do not fit."""
        try:
            yield
        except CapacityError as failure:
            raise FilterCapacityError(*self._named(acl)) from failure

    def _named(self, acl: str) -> ChainName:
        found = self.device.acls.get(acl)
        return self.device.name, acl, str(found.span) if found is not None and found.span else ""

    def pieces(self, acl: str, place: Place) -> list[tuple[Bounds, Translate | None]]:
        """All packets, split by the translation that a NAT chain gives them; ``None``: left alone."""
        key = (acl, self._seen_by(acl, place))
        if key not in self._pieces:
            here = self._place(key[1])
            with self._naming(acl):
                split = self._chains.translations(acl, Bounds.exactly(here))
                self._pieces[key] = [(piece.packets.at(here), piece.translate) for piece in split]
        return self._pieces[key]

    def group(self, name: str) -> object:
        """Equal for interfaces whose packets every chain treats alike, wherever they go."""
        return tuple(self._stand_in(self._reads_of(acl).incoming, name) for acl in sorted(self.device.acls))

    def _seen_by(self, acl: str, place: Place) -> Place:
        """A place that the chain cannot tell from ``place``, the same for all such places."""
        incoming, outgoing, state = place
        reads = self._reads_of(acl)
        return (
            self._stand_in(reads.incoming, incoming),
            self._stand_in(reads.outgoing, outgoing),
            state if reads.state else ConnectionState.NEW,
        )

    def _stand_in(self, patterns: tuple[str, ...], name: str | None) -> str | None:
        """The first interface that fits the same patterns; ``None`` where none fits."""
        if not patterns or name is None:
            return None
        key = (patterns, name)
        if key not in self._stand_ins:
            fits = _fits(name, patterns)
            alike = (one for one in self._numbers if _fits(one, patterns) == fits)
            self._stand_ins[key] = next(alike) if any(fits) else None
        return self._stand_ins[key]

    def _reads_of(self, acl: str) -> _Reads:
        if acl not in self._reads:
            self._reads[acl] = _reads([ace.matches for one in self._closure(acl) for ace in one.aces])
        return self._reads[acl]

    def _closure(self, acl: str) -> Iterable[Acl]:
        """The chain and all that it can jump to."""
        found: dict[str, Acl] = {}
        pending = [acl]
        while pending:
            name = pending.pop()
            if name in self.device.acls and name not in found:
                found[name] = self.device.acls[name]
                pending += [
                    ace.action.acl for ace in found[name].aces if isinstance(ace.action, Jump | Goto)
                ]
        return found.values()

    def _place(self, place: Place) -> HeaderSpace:
        incoming, outgoing, state = place
        universe, numbers = self.universe, self._numbers
        return (
            universe.value(HeaderField.IN_INTERFACE, numbers[incoming] if incoming else NO_INTERFACE)
            & universe.value(HeaderField.OUT_INTERFACE, numbers[outgoing] if outgoing else NO_INTERFACE)
            & universe.value(HeaderField.STATE, STATE_VALUES[state])
        )

    # -- routes ----------------------------------------------------------------------------------

    @cached_property
    def own(self) -> tuple[Range, ...]:
        """The device's addresses: of its interfaces, and all that a local route makes its own (AnyIP)."""
        return tuple(sorted(own_ranges(self.device, self.universe.family)))

    @cached_property
    def fib(self) -> Fib:
        """The forwarding table."""
        return forwarding_tables(self.device, self.universe.family)

    def routes(self, name: str | None, state: ConnectionState) -> list[tuple[Route | None, Bounds]]:
        """Packets received on ``name`` by the route they may take; ``None``: no route."""
        if self.fib.plain:
            name, state = None, ConnectionState.NEW
        if (name, state) not in self._routes:
            place = self._place((name, None, state))
            found = [(route, space.at(place)) for route, space in self._partition]
            self._routes[name, state] = [(route, space) for route, space in found if not space.may.is_empty]
        return self._routes[name, state]

    def matched(self, matches: Matches, incoming: str | None, state: ConnectionState) -> Bounds:
        """What a routing rule matches of the packets received on ``incoming``."""
        return self._matches.compile(matches).at(self._place((incoming, None, state)))

    @cached_property
    def _partition(self) -> list[tuple[Route | None, Bounds]]:
        """Packets by the route they take, routes with the same action joined; ``None``: no route."""
        universe = self.universe
        remaining = Bounds.exactly(universe.all)
        parts: dict[tuple[RouteKind, tuple[NextHop, ...]], tuple[Route, Bounds]] = {}
        for lookup in self.fib.lookups:
            matches = self._matches.compile(lookup.rule.matches)
            matched = remaining & matches
            if lookup.rule.table is None:
                remaining = remaining - matches
                continue
            found = universe.none
            for route, space in self.longest_prefix(lookup.routes, HeaderField.DESTINATION):
                found |= space
                _add(parts, route, matched & Bounds.exactly(space))
            remaining = remaining - (matches & Bounds.exactly(found))
        return [*parts.values(), (None, remaining)]

    def longest_prefix(
        self, routes: tuple[Route, ...], field: HeaderField
    ) -> Iterator[tuple[Route, HeaderSpace]]:
        """The packets that each route is the longest match for; THROW gives its packets back.

        By address classes, routes with the same action are one.
        """
        column, universe = self.column(field), self.universe
        if universe.classes is not None:
            yield from self._by_classes(routes, column)
            return
        claimed = universe.none
        for route in routes:
            prefix = universe.prefix(column, route.prefix, route.prefix_length)
            space = prefix - claimed
            claimed |= prefix
            if route.kind is not RouteKind.THROW and not space.is_empty:
                yield route, space

    def _by_classes(
        self, routes: tuple[Route, ...], column: HeaderField
    ) -> Iterator[tuple[Route, HeaderSpace]]:
        from segaudit.routing.painting import paint

        table = paint(routes, self.universe.family.bits)
        for label, space in self.universe.painted(column, (table.starts, table.labels)).items():
            route = table.routes[label]
            if route is not None:
                yield route, space


def _reads(matches: Iterable[Matches]) -> _Reads:
    read = [leaf for one in matches for leaf in leaves(one)]
    patterns: Mapping[Direction, set[str]] = {direction: set() for direction in Direction}
    for leaf in read:
        if isinstance(leaf, InterfaceIn):
            patterns[leaf.direction].update(leaf.names)
    incoming, outgoing = (tuple(sorted(patterns[one])) for one in (Direction.IN, Direction.OUT))
    return _Reads(incoming, outgoing, any(isinstance(leaf, StateIn) for leaf in read))


def _fits(name: str, patterns: tuple[str, ...]) -> tuple[bool, ...]:
    return tuple(name_matches(name, pattern) for pattern in patterns)


def _add(
    parts: dict[tuple[RouteKind, tuple[NextHop, ...]], tuple[Route, Bounds]], route: Route, space: Bounds
) -> None:
    key = (route.kind, route.next_hops)
    known = parts.get(key)
    parts[key] = (route, space) if known is None else (known[0], known[1] | space)
