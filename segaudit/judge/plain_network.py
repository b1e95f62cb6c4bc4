"""A network as plain data: what the prover read, in a language small enough to check by hand.

Everything that can be said about bits is said so: a match is a combination of ranges of header fields,
interfaces and connection states; what may be translated into what, what a router would forward at all
and which packets can open a connection are matches, too. ``segaudit.recheck`` reads it and nothing else.

Matches: ``["in", field, ranges]``, ``["interface", "in"|"out",
names]``, ``["state", states]``, ``["unknown"]``, ``["all", [...]]``, ``["any", [...]]``, ``["not", m]``.
Actions: ``["accept"]``, ``["drop"]``, ``["return"]``, ``["continue"]``, ``["unknown"]``, ``["jump",
chain]``, ``["goto", chain]``, ``["translate", fields, pool]``.
Steps of a hook: ``["filter", chain, tracked]``, ``["translate", chain]``, ``["bound"]`` (where the
translation of a packet's connection is repeated).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from segaudit.graph import ForwardingGraph
from segaudit.model.acl import (
    TRACKING_PRIORITY,
    Acl,
    AclAttachment,
    Action,
    AddressIn,
    AddressMasked,
    AllOf,
    AnyOf,
    AnyPacket,
    Continue,
    Direction,
    FamilyIs,
    Field,
    FieldIn,
    FieldMasked,
    ForgetMark,
    Forwarding,
    Goto,
    Hook,
    InterfaceIn,
    Jump,
    MarkIs,
    Matches,
    Not,
    NoTrack,
    Return,
    SetMark,
    StateIn,
    Translate,
    TranslationKind,
    UnknownAction,
    UnknownMatch,
)
from segaudit.model.device import Device, Interface, InterfaceKind, NextHop, Route, RouteKind
from segaudit.model.flow import Family
from segaudit.model.topology import TerminationPoint
from segaudit.routing import own_ranges

Plain = list[Any]
"""A match, action or step as JSON."""

PORTED = (6, 17, 33, 132, 136)
"""TCP, UDP, DCCP, SCTP, UDP-Lite: what begins with two ports."""
ICMP = {Family.IPV4: 1, Family.IPV6: 58}
OPENING_ICMP = {Family.IPV4: (8, 13, 15, 17), Family.IPV6: (128,)}
"""Types that open a connection (Linux nf_conntrack_proto_icmp.c ``valid_new``)."""
QUOTING_ICMP = {Family.IPV4: (3, 4, 5, 11, 12), Family.IPV6: (1, 2, 3, 4, 137)}
"""Types that quote a packet of a connection, and are RELATED to it."""
UNTRACKED_ICMPV6 = (*range(130, 138), 143)
"""Types that are never tracked (Linux nf_conntrack_proto_icmpv6.c)."""
BINDING = {Hook.PREROUTING: -100, Hook.OUTPUT: -100, Hook.POSTROUTING: 100}
"""Where a translation is repeated (Linux NF_IP_PRI_NAT_DST, NF_IP_PRI_NAT_SRC)."""
_PORTS = (Field.SOURCE_PORT, Field.DESTINATION_PORT)
_MOST_SCATTERED = 12
"""Free bits before others that a mask may have to be written as ranges."""
HIDES = (TranslationKind.SOURCE, TranslationKind.MASQUERADE, TranslationKind.STATIC_SOURCE)


def one_of(field: str, values: Iterable[int]) -> Plain:
    """The packets whose ``field`` is one of ``values``."""
    return ["in", field, [[value, value] for value in values]]


def every(*of: Plain) -> Plain:
    """What all of ``of`` match; everything for none."""
    return ["all", list(of)]


def some(of: Iterable[Plain]) -> Plain:
    """What at least one of ``of`` matches; nothing for none."""
    return ["any", list(of)]


def plain_wires(graph: ForwardingGraph) -> dict[str, Any]:
    """Who is on which wire, and the wires of what is not modelled.

    Where anything is not modelled it and the internet are one, and rewrite what they forward.
    """
    return {
        "wires": {
            name: [[point.device, point.interface] for point in segment.points]
            for name, segment in graph.segments.items()
        },
        "beyond": sorted(graph.unmodelled_segments | graph.internet_segments),
        "rewrites": bool(graph.unmodelled_segments),
    }


def plain_device(device: Device, graph: ForwardingGraph, family: Family) -> dict[str, Any]:
    """What ``device`` does with packets of ``family``."""
    return _Translation(device, graph, family).device()


class _Translation:
    """One device on its way into the plain language."""

    def __init__(self, device: Device, graph: ForwardingGraph, family: Family) -> None:
        self._device = device
        self._graph = graph
        self._family = family
        self._chains: dict[str, Any] = {}

    def device(self) -> dict[str, Any]:
        device = self._device
        hooks = {
            "received": [*self._hook(Hook.INGRESS), *self._reverse_path(), *self._hook(Hook.PREROUTING)],
            "made": [],
            "input": self._hook(Hook.INPUT),
            "inside": [],
            "forward": [["filter", "forwarding", True], *self._hook(Hook.FORWARD)],
            "output": self._hook(Hook.OUTPUT),
            "leaving": [*self._hook(Hook.POSTROUTING), *self._hook(Hook.EGRESS)],
        }
        return {
            "is": "Device",
            "interfaces": {name: self._interface(one) for name, one in device.interfaces.items()},
            "hooks": hooks,
            "chains": {
                **{acl.name: self._chain(acl) for acl in device.acls.values()},
                "forwarding": [
                    [[self._forwards(one), ["accept"]] for one in device.interfaces.values()],
                    False,
                ],
                **self._chains,
            },
            "lookups": self._lookups(),
            "tables": self._tables(),
            "states": self._states(),
            "sees": self._sees(),
            "garbles": self._garbles(),
            "reassembles": device.tracks_connections,
            "errors": self._icmp(QUOTING_ICMP[self._family]),
            "opens": every(
                self._opening(),
                ["in", "source", _ranges(sorted(own_ranges(device, self._family)))],
                ["interface", "out", [one.name for one in device.interfaces.values() if one.enabled]],
            ),
        }

    def _garbles(self) -> list[str | None]:
        """Where anything may go, since translations were not seen; ``None``: to the device itself."""
        if not self._device.unknown_translation:
            return []
        return [None, *(self._device.interfaces if self._device.forwards else ())]

    # -- interfaces and wires

    def _interface(self, interface: Interface) -> dict[str, Any]:
        return {
            "is": "Interface",
            "addresses": self._answered_for(interface),
            "proxy": interface.proxy_arp,
            "bound": list(self._bound(interface)),
            "unpacks": interface.kind is InterfaceKind.TUNNEL,
            "inside": interface.kind is InterfaceKind.LOOPBACK,
        }

    def _answered_for(self, interface: Interface) -> list[int]:
        """The addresses that are asked for there: by ARP any of the device (ip-sysctl: ``arp_ignore``)."""
        holders = self._device.interfaces.values() if self._family is Family.IPV4 else (interface,)
        return [one.address for each in holders for one in each.addresses if one.family is self._family]

    def _forwards(self, interface: Interface) -> Plain:
        """What is received on an interface and may leave by another (RFC 4291 §2.5.3, §2.5.6, §2.7).

        Link-local packets may leave by the same one again (Linux net/ipv6/ip6_output.c ``ip6_forward``).
        """
        if self._family not in interface.forwarding:
            return some([])
        received = ["interface", "in", [interface.name]]
        if self._family is Family.IPV4:
            return received
        confined = [self._prefix("source", 0xFF << 120, 8)]
        for end in ("source", "destination"):
            confined += [self._prefix(end, 0xFE80 << 112, 10), one_of(end, [1])]
        return every(received, some([["not", some(confined)], ["interface", "out", [interface.name]]]))

    def _prefix(self, field: str, value: int, length: int) -> Plain:
        host = (1 << self._family.bits - length) - 1
        return ["in", field, [[value & ~host, value | host]]]

    def _bound(self, interface: Interface) -> Iterator[Plain]:
        """Addresses whose frames go to a certain interface, by this device's neighbour table."""
        segment = self._graph.segment_of.get(TerminationPoint(self._device.name, interface.name))
        on_wire = self._graph.receivers(segment) if segment else ()
        for neighbour in self._device.neighbours:
            if (neighbour.interface, neighbour.family) == (interface.name, self._family):
                for point in on_wire:
                    mac = self._graph.devices[point.device].interfaces[point.interface].mac
                    if mac and mac == neighbour.mac:
                        yield [neighbour.address, point.device, point.interface]

    # -- chains

    def _hook(self, hook: Hook) -> list[Plain]:
        attached = sorted(
            (one for one in self._device.attachments if one.hook is hook and self._family in one.families),
            key=lambda one: one.priority,
        )
        steps = [(one.priority, self._step(one)) for one in attached]
        if hook in BINDING:
            translating = [one.priority for one in attached if one.translates]
            at = min(translating, default=BINDING[hook])
            first = next((i for i, (priority, _) in enumerate(steps) if priority >= at), len(steps))
            steps.insert(first, (at, ["bound"]))
        return [step for _, step in steps]

    def _step(self, attached: AclAttachment) -> Plain:
        if attached.translates:
            return ["translate", attached.acl]
        early = attached.hook in (Hook.PREROUTING, Hook.OUTPUT) and attached.priority <= TRACKING_PRIORITY
        chain = attached.acl
        if attached.interface is not None:
            chain = self._restricted(attached.acl, attached.hook, attached.interface)
        return ["filter", chain, not early]

    def _restricted(self, acl: str, hook: Hook, interface: str) -> str:
        """A chain that applies another to one interface only."""
        name = f"{acl} at {interface}"
        applied = ["interface", "in" if hook is Hook.INGRESS else "out", [interface]]
        found = self._device.acls.get(acl)
        aces = [[["not", applied], ["accept"]], [every(), ["goto", acl]]]
        self._chains[name] = [aces, _accepts(found.default) if found else True]
        return name

    def _chain(self, acl: Acl) -> Plain:
        aces = [[self.matches(ace.matches), self._action(ace.action)] for ace in acl.aces]
        return [aces, _accepts(acl.default)]

    def _action(self, action: Action) -> Plain:
        match action:
            case Forwarding():
                return ["accept"] if action is Forwarding.ACCEPT else ["drop"]
            case Jump(target):
                return ["jump", target]
            case Goto(target):
                return ["goto", target]
            case Return():
                return ["return"]
            case Translate():
                return ["translate", *self._translated(action)]
            case UnknownAction():
                return ["unknown"]
            case Continue() | SetMark() | ForgetMark() | NoTrack():
                return ["continue"]
            case _:
                return [type(action).__name__]

    def _translated(self, translate: Translate) -> tuple[list[str], Plain]:
        """The fields that a translation changes, and the packets that are possible after it."""
        hides = translate.kind in HIDES
        fields = ["source", "source_port"] if hides else ["destination", "destination_port"]
        pool = [self._pool(translate, fields[0])]
        if translate.ports:
            portless = ["not", one_of("protocol", PORTED)]
            pool.append(some([portless, ["in", fields[1], _ranges(translate.ports)]]))
        return fields if translate.ports or hides else fields[:1], every(*pool)

    def _pool(self, translate: Translate, end: str) -> Plain:
        if translate.addresses:
            return ["in", end, _ranges(translate.addresses)]
        if translate.kind in (TranslationKind.MASQUERADE, TranslationKind.REDIRECT):
            way = "out" if translate.kind is TranslationKind.MASQUERADE else "in"
            near = self._device.interfaces.values()
            return some(
                every(["interface", way, [one.name]], self._own(end, one) if self._has(one) else every())
                for one in near
            )
        return every()

    def _has(self, interface: Interface) -> bool:
        return any(one.family is self._family for one in interface.addresses)

    def _own(self, end: str, *interfaces: Interface) -> Plain:
        held = [one for interface in interfaces for one in interface.addresses]
        return one_of(end, [one.address for one in held if one.family is self._family])

    # -- matches

    def matches(self, matches: Matches) -> Plain:
        """A match in ranges of bits; a kind that has no place in the language under its own name."""
        match matches:
            case AnyPacket():
                return every()
            case AllOf(of):
                return every(*map(self.matches, of))
            case AnyOf(of):
                return some(map(self.matches, of))
            case Not(of):
                return ["not", self.matches(of)]
            case UnknownMatch() | MarkIs():  # a mark that only this device knows may be any
                return ["unknown"]
            case StateIn(states):
                return ["state", sorted(state.value for state in states)]
            case InterfaceIn(direction, names):
                return self._named(direction, names)
            case _:
                return self._header(matches)

    def _header(self, matches: Matches) -> Plain:
        match matches:
            case FamilyIs(family):
                return every() if family is self._family else some([])
            case AddressIn(end, family, ranges):
                return ["in", end.value, _ranges(ranges)] if family is self._family else some([])
            case AddressMasked(end, family, value, mask):
                return (
                    _masked(end.value, value, mask, self._family.bits)
                    if family is self._family
                    else some([])
                )
            case FieldIn(field, ranges):
                return every(["in", field.value, _ranges(ranges)], *self._carrying(field))
            case FieldMasked(field, value, mask):
                width = 16 if field in _PORTS else 8
                return every(_masked(field.value, value, mask, width), *self._carrying(field))
            case _:
                return [type(matches).__name__]

    def _carrying(self, field: Field) -> list[Plain]:
        """Packets that show ``field`` at all: of its protocols, and no later fragment."""
        if field in (Field.PROTOCOL, Field.FRAGMENT):
            return []
        one = (6,) if field is Field.TCP_FLAGS else (ICMP[self._family],)
        return [one_of("fragment", [0]), one_of("protocol", PORTED if field in _PORTS else one)]

    def _named(self, direction: Direction, patterns: Sequence[str]) -> Plain:
        names = [
            name
            for name in sorted(self._device.interfaces)
            if any(_fits(name, pattern) for pattern in patterns)
        ]
        return ["interface", direction.value, names]

    # -- routes

    def _lookups(self) -> list[Plain]:
        own = [rule for rule in self._device.rules if rule.family is self._family]
        rules = sorted(own, key=lambda rule: rule.priority)
        if rules:
            return [[self.matches(rule.matches), rule.table] for rule in rules]
        return [[every(), table] for table in ("local", "main", "default")]

    def _tables(self) -> dict[str, Any]:
        """Per table its routes: first and last address, preference, kind, next hops."""
        tables: dict[str, Any] = {}
        for route in self._device.routes:
            if route.family is self._family:
                tables.setdefault(route.table, []).append(self._route(route))
        return tables

    def _route(self, route: Route) -> Plain:
        local = route.kind in (RouteKind.LOCAL, RouteKind.BROADCAST)
        kind = "local" if local else route.kind.value
        hops = [hop for one in route.next_hops for hop in self._hops(one)]
        return [*self._network(route), route.preference, kind, hops]

    def _network(self, route: Route) -> tuple[int, int]:
        host = (1 << self._family.bits - route.prefix_length) - 1
        return route.prefix & ~host, route.prefix | host

    def _hops(self, hop: NextHop) -> Iterator[Plain]:
        """Interface, address, and whether anyone on the wire may be the next hop."""
        if hop.interface is None:
            yield from ([name, None, True] for name in sorted(self._device.interfaces))
        elif hop.interface in self._device.interfaces and self._device.interfaces[hop.interface].enabled:
            anyone = hop.anyone or hop.address_family not in (None, self._family)
            yield [hop.interface, None if anyone else hop.address, anyone]

    def _reverse_path(self) -> list[Plain]:
        """The source's route as rules (ip-sysctl: rp_filter, IPv4); none where routing rules choose."""
        lookups = self._lookups()
        if self._family is Family.IPV6 or any(
            matches != every() or not table for matches, table in lookups
        ):
            return []
        modes = {name: one.reverse_path_filter for name, one in self._device.interfaces.items()}
        aces = [[["interface", "in", [name for name, mode in modes.items() if mode == 0]], ["accept"]]]
        for _, table in lookups:
            routes = [
                one for one in self._device.routes if (one.family, one.table) == (self._family, table)
            ]
            for _, alike in groupby(sorted(routes, key=_rank), _rank):
                aces += self._returning(list(alike), modes)
        self._chains["reverse path"] = [aces, False]
        return [["filter", "reverse path", True]] if any(modes.values()) else []

    def _returning(self, routes: list[Route], modes: Mapping[str, int]) -> Iterator[Plain]:
        """Sources of equal routes are let in where one leads back; in mode 2 where one leads anywhere."""
        for route in routes:
            back = {hop.interface for hop in route.next_hops} if route.kind is RouteKind.UNICAST else set()
            names = [name for name, mode in modes.items() if back & {name, None} or (back and mode == 2)]
            yield [every(self._sources(route), ["interface", "in", names]), ["accept"]]
        for route in routes:
            if route.kind is not RouteKind.THROW:
                yield [self._sources(route), ["drop"]]

    def _sources(self, route: Route) -> Plain:
        return ["in", "source", [list(self._network(route))]]

    # -- connections

    def _states(self) -> list[Plain]:
        """The states that any sender can bring packets into, and which packets these are."""
        if not self._device.tracks_connections:
            return [["new", every()]]
        exempts = any(
            isinstance(ace.action, NoTrack) for acl in self._device.acls.values() for ace in acl.aces
        )
        noise = self._icmp(UNTRACKED_ICMPV6) if self._family is Family.IPV6 else some([])
        return [
            ["new", self._opening()],
            ["invalid", every()],
            ["untracked", every() if exempts else noise],
        ]

    def _opening(self) -> Plain:
        other = ["not", one_of("protocol", [ICMP[self._family]])]
        return some([other, self._icmp(OPENING_ICMP[self._family])])

    def _icmp(self, types: Iterable[int]) -> Plain:
        return every(one_of("protocol", [ICMP[self._family]]), one_of("icmp_type", types))

    def _sees(self) -> Plain:
        """Packets as filters see them: whole where some rule certainly makes the family tracked."""
        attached = [one.acl for one in self._device.attachments if self._family in one.families]
        tracked = self._device.tracks_connections and any(
            self._needs_tracking(one, set()) for one in attached
        )
        return one_of("fragment", [0]) if tracked else every()

    def _needs_tracking(self, acl: str, above: set[str]) -> bool:
        if acl in above or acl not in self._device.acls:
            return False
        return any(
            _reads_state(ace.matches)
            or (isinstance(ace.action, Translate) and ace.action.family in (None, self._family))
            or (isinstance(ace.action, Jump | Goto) and self._needs_tracking(ace.action.acl, above | {acl}))
            for ace in self._device.acls[acl].aces
        )


def _rank(route: Route) -> tuple[int, int]:
    return -route.prefix_length, route.preference


def _accepts(default: Forwarding | Return) -> bool:
    return default not in (Forwarding.DROP, Forwarding.REJECT)


def _ranges(ranges: Iterable[tuple[int, int]]) -> Plain:
    return [list(one) for one in ranges]


def _masked(field: str, value: int, mask: int, width: int) -> Plain:
    """Where ``field``, ANDed with ``mask``, is ``value``, as ranges; unknown where these are too many."""
    free = [bit for bit in range(width) if not mask >> bit & 1]
    low = next((bit for bit in range(width) if mask >> bit & 1), width)
    scattered = free[low:]
    if value & ~mask or len(scattered) > _MOST_SCATTERED:
        return some([]) if value & ~mask else ["unknown"]
    firsts = (
        value | sum(1 << bit for place, bit in enumerate(scattered) if number >> place & 1)
        for number in range(1 << len(scattered))
    )
    return ["in", field, [[first, first | (1 << low) - 1] for first in firsts]]


def _reads_state(matches: Matches) -> bool:
    match matches:
        case AllOf(of) | AnyOf(of):
            return any(map(_reads_state, of))
        case Not(of):
            return _reads_state(of)
        case _:
            return isinstance(matches, StateIn)


def _fits(name: str, pattern: str) -> bool:
    """True where ``pattern`` is the name, its beginning and ``*``, or has ``?`` for its other letters."""
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    letters = zip(name, pattern, strict=False)
    return len(name) == len(pattern) and all(wanted in (letter, "?") for letter, wanted in letters)
