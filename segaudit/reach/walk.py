"""The second opinion: one concrete packet, interpreted hop by hop, sharing no code with the fixpoint.

Reads the same model and nothing else: own longest-prefix match, own rule interpreter, own
translations. Where a match is not modelled the walk branches, and the steps after it are not
``certain``. Every step cites the line that caused it, so a walk is also how a witness is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from segaudit.model.acl import (
    TRACKING_PRIORITY,
    Acl,
    AclAttachment,
    AnyPacket,
    Forwarding,
    Hook,
    Matches,
    Translate,
    TranslationKind,
)
from segaudit.model.device import Device, NextHop, Route, RouteKind, RoutingRule
from segaudit.model.flow import ConnectionState, Disposition, Family, Flow, Step, Trace
from segaudit.model.source import SourceSpan
from segaudit.model.topology import TerminationPoint
from segaudit.reach.interpret import (
    ANY_MARK,
    NO_MARK,
    PORT_PROTOCOLS,
    Context,
    Decision,
    PacketMark,
    decisions,
    evaluate,
)

MAXIMUM_HOPS = 64
MAXIMUM_WALKS = 256

Wires = Mapping[TerminationPoint, tuple[TerminationPoint, ...]]
"""Per interface the interfaces on the same wire, itself included."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What one device remembers of a connection: its first packet as it entered and as it left."""

    entered: Flow
    left: Flow


@dataclass(frozen=True, slots=True)
class Walk:
    """One possible way of a packet, with what the tracking devices on it remember."""

    trace: Trace
    connections: Mapping[str, Connection]


@dataclass(frozen=True, slots=True)
class _Position:
    """A packet about to be processed by a device."""

    device: str
    interface: str
    flow: Flow
    steps: tuple[Step, ...]
    connections: Mapping[str, Connection]
    certain: bool
    mark: PacketMark = ANY_MARK


@dataclass(slots=True)
class Walker:
    """Walks packets through a modelled network.

    Args:
        devices: the devices by name.
        wires: who shares a wire with whom.
        known: connections that exist already; packets that answer one are ESTABLISHED.
    """

    devices: Mapping[str, Device]
    wires: Wires
    known: Mapping[str, Connection] = field(default_factory=dict)
    _decided: dict[tuple[str, str, Flow, Context], list[Decision]] = field(default_factory=dict)
    """What chains decided in this walk: where there are several ways they meet at the same filters."""

    def walk(self, flow: Flow, device: str, interface: str) -> tuple[Walk, ...]:
        """Every way that ``flow``, received by ``device`` on ``interface``, may go (bounded)."""
        return _ordered(self._onward(flow, _Position(device, interface, flow, (), {}, True)))

    def _onward(self, flow: Flow, start: _Position) -> list[Walk]:
        found: list[Walk] = []
        queue = [start]
        self._decided.clear()
        while queue and len(found) < MAXIMUM_WALKS:
            position = queue.pop()
            if len([step for step in position.steps if step.action == "received"]) >= MAXIMUM_HOPS:
                found.append(
                    self._ended(flow, position, "hop limit reached: a routing loop", "dropped", None)
                )
                continue
            for result in self._at_device(flow, position):
                if isinstance(result, Walk):
                    found.append(result)
                else:
                    queue.append(result)
        return found

    def originate(self, flow: Flow, device: str) -> tuple[Walk, ...]:
        """Every way that ``flow``, made by ``device`` itself, may go (bounded)."""
        box = self.devices[device]
        start = _Position(device, "", flow, (), {}, True)
        made = self._step(start, f"made {flow}", "made")
        found: list[Walk] = []
        for result in self._output(flow, box, made):
            if isinstance(result, Walk):
                found.append(result)
            else:
                found.extend(self._onward(flow, result))
        return _ordered(found)

    # -- one device ------------------------------------------------------------------------------

    def _at_device(self, sent: Flow, position: _Position) -> Iterator[Walk | _Position]:
        device = self.devices[position.device]
        mark = NO_MARK if device.interfaces[position.interface].clears_mark else ANY_MARK
        position = replace(position, mark=mark)
        received = self._step(position, f"received {position.flow}", "received", position.interface)
        state, binding = self._state(device, received.flow)
        context = Context(received.interface, None, state)
        for passed in self._filtered(sent, device, Hook.INGRESS, received, context):
            if isinstance(passed, Walk):
                yield passed
            elif _unsure_of_source(device, passed):
                unsure = replace(passed, certain=False)
                yield from self._prerouted(sent, device, unsure, context, binding)
            elif self._spoofed(device, passed):
                why = "reverse-path filter: source is not routed here"
                yield self._ended(sent, passed, why, "dropped", None)
            else:
                yield from self._prerouted(sent, device, passed, context, binding)

    def _prerouted(
        self, sent: Flow, device: Device, position: _Position, context: Context, binding: Flow | None
    ) -> Iterator[Walk | _Position]:
        entered = position.flow
        for passed in self._filtered(sent, device, Hook.PREROUTING, position, context):
            if isinstance(passed, Walk):
                yield passed
                continue
            if binding is not None:
                moved = replace(
                    passed.flow, destination=binding.destination, destination_port=binding.destination_port
                )
                passed = self._translated(passed, moved)
            yield from self._routed(sent, device, passed, context, entered, binding)

    def _routed(
        self,
        sent: Flow,
        device: Device,
        position: _Position,
        context: Context,
        entered: Flow,
        binding: Flow | None,
    ) -> Iterator[Walk | _Position]:
        flow = position.flow
        routes = list(_lookup(device, flow, replace(context, mark=position.mark)))
        if not routes:
            yield self._ended(sent, position, f"no route to {flow.destination_address}", "dropped", None)
        for route, certain in routes:
            here = replace(position, certain=position.certain and certain)
            cite = route.config_span or route.span
            if route.kind in (RouteKind.LOCAL, RouteKind.BROADCAST):
                yield from self._to_itself(sent, device, here, context)
            elif route.kind is not RouteKind.UNICAST:
                yield self._ended(sent, here, f"{route.kind.value} route {route}", "dropped", route)
            else:
                for hop in route.next_hops:
                    if not _forwards(device, position.interface, hop.interface, flow):
                        yield self._ended(sent, here, "does not forward this packet", "dropped", None)
                        continue
                    via = "" if hop.address is None else f" via {_shown(hop, flow.family)}"
                    text = f"route {route}{via} dev {hop.interface} ({route.protocol or 'kernel'})"
                    routed = self._step(here, text, "routed", span=cite)
                    yield from self._forwarded(sent, device, routed, context, hop, entered, binding)

    def _output(self, sent: Flow, device: Device, position: _Position) -> Iterator[Walk | _Position]:
        """Routing, OUTPUT, POSTROUTING of a packet of the device's own."""
        context = Context(None, None, ConnectionState.NEW)
        for route, certain in _lookup(device, position.flow, context):
            if route.kind is not RouteKind.UNICAST:
                continue
            for hop in route.next_hops:
                outgoing = device.interfaces.get(hop.interface or "")
                if outgoing is None or not outgoing.enabled:
                    continue
                here = replace(position, certain=certain)
                here = self._step(here, f"route {route} dev {hop.interface}", "routed", span=route.span)
                onward = replace(context, outgoing=outgoing.name)
                for made in self._filtered(sent, device, Hook.OUTPUT, here, onward):
                    if isinstance(made, Walk):
                        yield made
                    elif made.flow.destination == position.flow.destination:
                        yield from self._posted(sent, device, made, onward, hop, position.flow, None)
                    else:
                        yield from self._rerouted(sent, device, made, context, position.flow)

    def _rerouted(
        self, sent: Flow, device: Device, position: _Position, context: Context, entered: Flow
    ) -> Iterator[Walk | _Position]:
        """OUTPUT gave the packet another destination: it is routed once more."""
        for route, certain in _lookup(device, position.flow, context):
            for hop in route.next_hops if route.kind is RouteKind.UNICAST else ():
                outgoing = device.interfaces.get(hop.interface or "")
                if outgoing is not None and outgoing.enabled:
                    here = replace(position, certain=position.certain and certain)
                    here = self._step(here, f"route {route} dev {outgoing.name}", "routed", span=route.span)
                    onward = replace(context, outgoing=outgoing.name)
                    yield from self._posted(sent, device, here, onward, hop, entered, None)

    def _to_itself(
        self, sent: Flow, device: Device, position: _Position, context: Context
    ) -> Iterator[Walk | _Position]:
        for passed in self._filtered(sent, device, Hook.INPUT, position, context):
            if isinstance(passed, Walk):
                yield passed
            else:
                yield self._ended(sent, passed, "accepted by the device itself", "accepted", None)

    def _forwarded(
        self,
        sent: Flow,
        device: Device,
        position: _Position,
        context: Context,
        hop: NextHop,
        entered: Flow,
        binding: Flow | None,
    ) -> Iterator[Walk | _Position]:
        outgoing = device.interfaces.get(hop.interface or "")
        if outgoing is None or not outgoing.enabled:
            yield self._ended(
                sent, position, f"output interface {hop.interface} is down or unknown", "dropped", None
            )
            return
        onward = replace(context, outgoing=outgoing.name)
        for passed in self._filtered(sent, device, Hook.FORWARD, position, onward):
            if isinstance(passed, Walk):
                yield passed
                continue
            yield from self._posted(sent, device, passed, onward, hop, entered, binding)

    def _posted(
        self,
        sent: Flow,
        device: Device,
        position: _Position,
        onward: Context,
        hop: NextHop,
        entered: Flow,
        binding: Flow | None,
    ) -> Iterator[Walk | _Position]:
        for leaving in self._filtered(sent, device, Hook.POSTROUTING, position, onward):
            if isinstance(leaving, Walk):
                yield leaving
                continue
            if binding is not None:
                moved = replace(leaving.flow, source=binding.source, source_port=binding.source_port)
                leaving = self._translated(leaving, moved)
            for out in self._filtered(sent, device, Hook.EGRESS, leaving, onward):
                if isinstance(out, Walk):
                    yield out
                else:
                    yield from self._sent(sent, device, out, hop, entered)

    def _sent(
        self, sent: Flow, device: Device, position: _Position, hop: NextHop, entered: Flow
    ) -> Iterator[Walk | _Position]:
        assert hop.interface is not None
        flow = position.flow
        target = flow.destination if hop.address is None else hop.address
        where = TerminationPoint(device.name, hop.interface)
        if device.tracks_connections:
            remembered = {**position.connections, device.name: Connection(entered, flow)}
            position = replace(position, connections=remembered)
        out = self._step(position, f"sent {flow}", "sent", hop.interface)
        out = replace(out, certain=out.certain and not hop.anyone)
        receivers = list(self._receivers(where, hop, target, flow.family))
        if not receivers:
            text = f"on the wire of {where}; nobody modelled answers for {flow.family.address(target)}"
            yield self._ended(sent, out, text, "arrived", None, hop.interface)
        for point in receivers:
            yield _Position(point.device, point.interface, flow, out.steps, out.connections, out.certain)

    def _receivers(
        self, where: TerminationPoint, hop: NextHop, target: int, family: Family
    ) -> Iterator[TerminationPoint]:
        address_family = hop.address_family or family
        proxies = []
        found = False
        for point in self.wires.get(where, ()):
            device = self.devices.get(point.device)
            interface = device.interfaces.get(point.interface) if device else None
            if interface is None or point == where:
                continue
            owns = any(a.family is address_family and a.address == target for a in interface.addresses)
            if owns or hop.anyone:
                found = True
                yield point
            elif interface.proxy_arp:
                proxies.append(point)
        if not found:
            yield from proxies

    # -- connection state ------------------------------------------------------------------------

    def _state(self, device: Device, flow: Flow) -> tuple[ConnectionState, Flow | None]:
        """The state, and for an answer the header that it is turned back into."""
        known = self.known.get(device.name)
        if known is None or not device.tracks_connections:
            return ConnectionState.NEW, None
        if _answers(flow, known.left):
            undone = replace(
                flow,
                source=known.entered.destination,
                source_port=known.entered.destination_port,
                destination=known.entered.source,
                destination_port=known.entered.source_port,
            )
            return ConnectionState.ESTABLISHED, undone
        return ConnectionState.NEW, None

    def _spoofed(self, device: Device, position: _Position) -> bool:
        mode = device.interfaces[position.interface].reverse_path_filter
        flow = position.flow
        if (
            mode == 0
            or flow.family is Family.IPV6
            or any(r.family is flow.family for r in _own_rules(device))
        ):
            return False
        back = replace(flow, source=flow.destination, destination=flow.source)
        routes = [route for route, _ in _lookup(device, back, None)]
        hops = [hop for route in routes if route.kind is RouteKind.UNICAST for hop in route.next_hops]
        return not any(mode == 2 or hop.interface in (position.interface, None) for hop in hops)

    # -- filters ---------------------------------------------------------------------------------

    def _filtered(
        self, sent: Flow, device: Device, hook: Hook, position: _Position, context: Context
    ) -> Iterator[Walk | _Position]:
        """Run all filters of a hook in order; each possible end is a drop, each survivor a position."""
        attached = sorted(
            (a for a in device.attachments if a.hook is hook and position.flow.family in a.families),
            key=lambda a: a.priority,
        )
        yield from self._run(sent, device, attached, position, context, False)

    def _run(
        self,
        sent: Flow,
        device: Device,
        attached: list[AclAttachment],
        position: _Position,
        context: Context,
        bound: bool,
    ) -> Iterator[Walk | _Position]:
        if not attached:
            yield position
            return
        first, rest = attached[0], attached[1:]
        applied = context.incoming if first.hook is Hook.INGRESS else context.outgoing
        elsewhere = first.interface is not None and first.interface != applied
        already = first.translates and (bound or context.state is not ConnectionState.NEW)
        if elsewhere or already:
            yield from self._run(sent, device, rest, position, context, bound)
            return
        seen = replace(context, mark=position.mark)
        if first.hook in (Hook.PREROUTING, Hook.OUTPUT) and first.priority <= TRACKING_PRIORITY:
            seen = replace(seen, state=ConnectionState.INVALID)
        asked = (device.name, first.acl, position.flow, seen)
        if asked not in self._decided:
            self._decided[asked] = decisions(device, first.acl, position.flow, seen)
        for decision in self._decided[asked]:
            certain = position.certain and decision.certain
            here = replace(position, certain=certain, mark=decision.mark)
            rule = _told(decision, first.acl)
            if decision.verdict in (Forwarding.DROP, Forwarding.REJECT):
                yield self._dropped(sent, here, rule, decision, device.acls.get(first.acl))
                continue
            moved = bound
            if isinstance(decision.verdict, Translate):
                flow = _rewritten(decision.verdict, here.flow, device, context)
                here = self._step(here, f"{rule}: now {flow}", "translated", span=_span(decision))
                sure = here.certain and not _chooses(decision.verdict)
                here, moved = replace(here, flow=flow, certain=sure), True
            elif decision.ace is not None and not first.translates:
                here = self._step(here, rule, "filtered", span=_span(decision))
            yield from self._run(sent, device, rest, here, context, moved)

    # -- steps -----------------------------------------------------------------------------------

    def _step(
        self,
        position: _Position,
        what: str,
        action: str,
        interface: str = "",
        span: SourceSpan | None = None,
    ) -> _Position:
        step = Step(position.device, what, span, interface, position.certain, action)
        return replace(position, steps=(*position.steps, step))

    def _translated(self, position: _Position, flow: Flow) -> _Position:
        if flow == position.flow:
            return position
        return replace(
            self._step(position, f"connection's translation: now {flow}", "translated"), flow=flow
        )

    def _dropped(
        self, sent: Flow, position: _Position, rule: str, decision: Decision, acl: Acl | None
    ) -> Walk:
        span = _span(decision) or (acl.span if acl else None)
        last = self._step(position, rule, "dropped", span=span)
        return Walk(Trace(sent, position.flow, last.steps, Disposition.DROPPED), position.connections)

    def _ended(
        self,
        sent: Flow,
        position: _Position,
        what: str,
        action: str,
        route: Route | None,
        interface: str = "",
    ) -> Walk:
        span = (route.config_span or route.span) if route else None
        last = self._step(position, what, action, interface, span)
        disposition = Disposition.DROPPED if action == "dropped" else Disposition.DELIVERED
        return Walk(Trace(sent, position.flow, last.steps, disposition), position.connections)


def _ordered(walks: list[Walk]) -> tuple[Walk, ...]:
    """Certain walks first, then short ones."""
    return tuple(sorted(walks, key=lambda walk: (not walk.trace.certain, len(walk.trace.steps))))


def _span(decision: Decision) -> SourceSpan | None:
    return decision.ace.span if decision.ace else None


def _told(decision: Decision, acl: str) -> str:
    verdict = decision.verdict
    word = verdict.kind.value if isinstance(verdict, Translate) else getattr(verdict, "value", "return")
    if decision.ace is None:
        return f"{acl}: no rule matched, default {word}"
    return f"{acl}: {decision.ace.text or word}"


def _shown(hop: NextHop, family: Family) -> str:
    return str((hop.address_family or family).address(hop.address or 0))


# -- routing and translation ---------------------------------------------------------------------


def _own_rules(device: Device) -> list[RoutingRule]:
    return [rule for rule in device.rules if rule.matches != AnyPacket() or rule.table is None]


def _unsure_of_source(device: Device, position: _Position) -> bool:
    """Reverse-path filtering with routing rules: which table the source is looked up in is not known."""
    mode = device.interfaces[position.interface].reverse_path_filter
    family = position.flow.family
    if mode == 0 or family is Family.IPV6:
        return False
    return any(rule.family is family for rule in _own_rules(device))


def _lookup(device: Device, flow: Flow, context: Context | None) -> Iterator[tuple[Route, bool]]:
    """The routes that may carry ``flow``, each with whether that is certain."""
    rules = sorted((rule for rule in device.rules if rule.family is flow.family), key=lambda r: r.priority)
    tables: list[tuple[Matches, str | None]] = [(rule.matches, rule.table) for rule in rules]
    if not tables:
        tables = [(AnyPacket(), name) for name in ("local", "main", "default")]
    certain = True
    incoming = context.incoming if context else None
    state = context.state if context else ConnectionState.NEW
    mark = context.mark if context else ANY_MARK
    for matches, table in tables:
        matched = evaluate(matches, flow, incoming, None, state, mark)
        if matched is False:
            continue
        route = _longest(device, flow, table) if table is not None else None
        if route is not None and route.kind is not RouteKind.THROW:
            yield route, certain and matched is True
        if matched is True and (table is None or (route is not None and route.kind is not RouteKind.THROW)):
            return
        certain = certain and (matched is True or route is None)


def _longest(device: Device, flow: Flow, table: str) -> Route | None:
    best: Route | None = None
    for route in device.routes:
        if route.family is not flow.family or route.table != table:
            continue
        shift = flow.family.bits - route.prefix_length
        if flow.destination >> shift != route.prefix >> shift:
            continue
        if best is None or (-route.prefix_length, route.preference) < (
            -best.prefix_length,
            best.preference,
        ):
            best = route
        elif (route.prefix_length, route.preference) == (best.prefix_length, best.preference):
            best = replace(best, next_hops=best.next_hops + route.next_hops)
    return best


def _forwards(device: Device, interface: str, outgoing: str | None, flow: Flow) -> bool:
    """RFC 4291 §2.5.6: link-local packets are not forwarded; Linux sends them back where they came from."""
    if flow.family not in device.interfaces[interface].forwarding:
        return False
    if flow.family is Family.IPV4 or outgoing == interface:
        return True
    ends = (flow.source_address, flow.destination_address)
    return not any(end.is_link_local or end.is_loopback for end in ends) and not ends[0].is_multicast


def _chooses(translate: Translate) -> bool:
    """True where a translation has several addresses or ports to choose from: which, a hash decides."""
    one_to_one = translate.kind in (TranslationKind.STATIC_SOURCE, TranslationKind.STATIC_DESTINATION)
    several = any(
        len(pool) > 1 or first != last
        for pool in (translate.addresses, translate.ports)
        for first, last in pool
    )
    return several and not one_to_one


def _rewritten(translate: Translate, flow: Flow, device: Device, context: Context) -> Flow:
    """One result of a translation: first address, port kept unless the rule names ports."""
    source = translate.kind in (
        TranslationKind.SOURCE,
        TranslationKind.MASQUERADE,
        TranslationKind.STATIC_SOURCE,
    )
    addresses = translate.addresses
    if not addresses and translate.kind in (TranslationKind.MASQUERADE, TranslationKind.REDIRECT):
        name = context.outgoing if source else context.incoming
        own = device.interfaces[name].addresses if name else ()
        addresses = tuple((a.address, a.address) for a in own if a.family is flow.family)
    address = flow.source if source else flow.destination
    if translate.kind in (TranslationKind.STATIC_SOURCE, TranslationKind.STATIC_DESTINATION) and addresses:
        size = addresses[0][1] - addresses[0][0]
        address = addresses[0][0] | (address & size)
    elif addresses:
        address = addresses[0][0]
    port = flow.source_port if source else flow.destination_port
    if translate.ports and flow.protocol in PORT_PROTOCOLS:
        port = translate.ports[0][0]
    if source:
        return replace(flow, source=address, source_port=port)
    return replace(flow, destination=address, destination_port=port)


def _answers(flow: Flow, sent: Flow) -> bool:
    return (flow.protocol, flow.source, flow.destination, flow.source_port, flow.destination_port) == (
        sent.protocol,
        sent.destination,
        sent.source,
        sent.destination_port,
        sent.source_port,
    )


def answer_to(flow: Flow) -> Flow:
    """The packet that answers ``flow``: ends exchanged, SYN answered by SYN-ACK, echo by its reply."""
    icmp_type = {8: 0, 13: 14, 15: 16, 17: 18, 128: 129}.get(flow.icmp_type, flow.icmp_type)
    return replace(
        flow,
        source=flow.destination,
        destination=flow.source,
        source_port=flow.destination_port,
        destination_port=flow.source_port,
        icmp_type=icmp_type if flow.protocol in (1, 58) else 0,
        tcp_flags=18 if flow.protocol == 6 else 0,
    )
