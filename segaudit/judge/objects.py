"""What one person can change on one device that may let more through: the objects of the margin.

An object is one rule (deleted wherever its chain is applied), one chain's default, one discarding
route or routing rule, one interface that is down, the forwarding of a family, the reverse-path filter
of one interface, or one absent route.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from segaudit.model.acl import (
    Ace,
    Acl,
    AclAttachment,
    AllOf,
    AnyOf,
    AnyPacket,
    Continue,
    Forwarding,
    Goto,
    Hook,
    Jump,
    Matches,
    Not,
    Return,
    StateIn,
    Translate,
    TranslationKind,
    UnknownAction,
    UnknownMatch,
)
from segaudit.model.device import Device, Interface, InterfaceKind, NextHop, Route, RouteKind, RoutingRule
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.reach.marks import reads_marks

Edit = Callable[[Device], Device]

_HARMLESS = (Continue,)
"""Deleting these changes nothing: they decide nothing."""

_DROPPING = (Forwarding.DROP, Forwarding.REJECT)

_DISCARDING = (RouteKind.BLACKHOLE, RouteKind.UNREACHABLE, RouteKind.PROHIBIT, RouteKind.THROW)


@dataclass(frozen=True, slots=True)
class BarrierObject:
    """One object of a device, and the change that takes it away.

    ``loosened`` lets through at least what ``removed`` does and never less than the device lets
    through now, so several may be loosened together to rule all of them out at once; ``None`` where
    there is no such edit.
    """

    device: str
    key: str
    """Unique on its device."""
    kind: str
    text: str
    change: str
    span: SourceSpan | None
    removed: Edit
    loosened: Edit | None = None


def filter_objects(device: Device, family: Family) -> Iterator[BarrierObject]:
    """Rules, defaults, reverse-path filters and forwarding that is off, as far as ``family`` meets them."""
    applied = _applied(device, family)
    marks = reads_marks(device)  # then any rule may bar, by the mark that a packet has after it
    for name, translating in sorted(applied.items()):
        chain, order_matters = device.acls[name], translating or marks
        for numbers in _rules(chain):
            if any(_may_bar(chain.aces[number], order_matters) for number in numbers):
                yield _rule(device, chain, numbers, order_matters)
    attached = {one.acl for one in device.attachments if family in one.families}
    for name in sorted(attached & device.acls.keys()):
        if device.acls[name].default in _DROPPING:
            yield _default(device, device.acls[name])
    if family is Family.IPV4:
        for interface in _sorted(device):
            if interface.reverse_path_filter:
                yield _reverse_path(device, interface)
    if any(family not in one.forwarding for one in _sorted(device) if _is_wire(one)):
        yield _forwarding(device, family)


def routing_objects(device: Device, family: Family) -> Iterator[BarrierObject]:
    """Discarding routes, routing rules of the device's own, and interfaces that are down."""
    for route in device.routes:
        if route.family is family and route.kind in _DISCARDING:
            yield _discarding(device, route)
    for rule in device.rules:
        if rule.family is family and (rule.matches != AnyPacket() or rule.table is None):
            yield _routing_rule(device, rule)
    for interface in _sorted(device):
        if not (interface.enabled and interface.operational):
            yield _down(device, interface)


def absent_route(
    device: Device, family: Family, table: str, prefix: tuple[int, int], hop: NextHop
) -> BarrierObject:
    """A route that is not there: to ``prefix`` (address and length) by ``hop``."""
    shown = f"{family.address(prefix[0])}/{prefix[1]}"
    via = "" if hop.address is None else f" via {family.address(hop.address)}"
    route = Route(family, *prefix, (hop,), table=table, protocol="static", preference=-1)
    where = "" if table == "main" else f" in table {table}"

    def edit(one: Device) -> Device:
        return replace(one, routes=(*one.routes, route))

    return BarrierObject(
        device.name,
        f"absent route {table} {shown}{via} {hop.interface}",
        "no-route",
        f"no route to {shown}{via} dev {hop.interface}{where}",
        f"add the route {shown}{via} dev {hop.interface}{where}",
        None,
        edit,
    )


def loosened(device: Device, objects: Sequence[BarrierObject]) -> Device:
    """The device with all of ``objects`` loosened."""
    for one in objects:
        assert one.loosened is not None
        device = one.loosened(device)
    return device


def translating_anything(device: Device, family: Family) -> Device:
    """The device with no filter, and with translations of any address into any.

    Whatever is taken from its rules and translations, no more passes than this.
    """
    chains = {
        hook.value: (hook, Ace(UnknownMatch("any packet"), Translate(kind, ports=((0, 0xFFFF),))))
        for hook, kind in (
            (Hook.PREROUTING, TranslationKind.DESTINATION),
            (Hook.POSTROUTING, TranslationKind.SOURCE),
        )
    }
    open_device = _forwarding(device, family).removed(device)
    interfaces = {name: replace(one, reverse_path_filter=0) for name, one in open_device.interfaces.items()}
    return replace(
        open_device,
        interfaces=interfaces,
        acls={name: Acl(name, (ace,), Forwarding.ACCEPT) for name, (_, ace) in chains.items()},
        attachments=tuple(
            AclAttachment(name, hook, 0, frozenset({family}), translates=True)
            for name, (hook, _) in chains.items()
        ),
    )


# -- the single objects --------------------------------------------------------------------------


def _applied(device: Device, family: Family) -> Mapping[str, bool]:
    """The chains that packets of a family can meet; true where a translating chain leads there."""
    attached = [one for one in device.attachments if family in one.families]
    translating = _led_to(device, {one.acl for one in attached if one.translates})
    return {name: name in translating for name in _led_to(device, {one.acl for one in attached})}


def _led_to(device: Device, names: set[str]) -> set[str]:
    """Chains by name and all that they jump to."""
    found: set[str] = set()
    queue = sorted(names & device.acls.keys())
    while queue:
        name = queue.pop()
        found.add(name)
        jumps = (ace.action.acl for ace in device.acls[name].aces if isinstance(ace.action, Jump | Goto))
        queue.extend(sorted({jump for jump in jumps if jump in device.acls} - found))
    return found


def _rules(chain: Acl) -> Iterator[tuple[int, ...]]:
    """The numbers of the entries of each rule: one line may have become several (a verdict map)."""
    numbered = groupby(enumerate(chain.aces), lambda one: (one[1].span or one[0], one[1].text))
    yield from (tuple(number for number, _ in entries) for _, entries in numbered)


def _may_bar(ace: Ace, order_matters: bool) -> bool:
    return not isinstance(ace.action, _HARMLESS) and (order_matters or ace.action is not Forwarding.ACCEPT)


def _rule(device: Device, chain: Acl, numbers: tuple[int, ...], order_matters: bool) -> BarrierObject:
    aces = [chain.aces[number] for number in numbers]
    text = aces[0].text or f"rule {numbers[0] + 1} of {chain.name}"
    removed = _aces_edit(chain.name, {number: (AnyPacket(), Continue()) for number in numbers})
    loose: Edit | None = None
    if all(ace.action in _DROPPING for ace in aces):
        loose = removed
    elif all(_can_be_loosened(ace, order_matters) for ace in aces):
        loose = _aces_edit(
            chain.name,
            {
                number: (_stateless(ace.matches), UnknownAction("deleted or not"))
                for number, ace in zip(numbers, aces, strict=True)
            },
        )
    return BarrierObject(
        device.name,
        f"{chain.name} rule {numbers[0]}",
        "translation" if any(isinstance(ace.action, Translate) for ace in aces) else "ace",
        f"{chain.name}: {text}",
        "delete this rule",
        aces[0].span,
        removed,
        loose,
    )


def _can_be_loosened(ace: Ace, order_matters: bool) -> bool:
    return isinstance(ace.action, Forwarding | Jump | Goto | Return | UnknownAction) and not order_matters


def _stateless(matches: Matches) -> Matches:
    """The match, or one of any packet where it reads the connection state (see ``_aces_edit``)."""
    return AnyPacket() if _reads_state(matches) else matches


def _aces_edit(chain: str, to: Mapping[int, tuple[Matches, Continue | UnknownAction]]) -> Edit:
    """Entries replaced in their places, so that the numbers of the others stay.

    A rule that matches anything and decides nothing is as good as deleted. It must not keep its
    match: one on connection state would still have the device track and so reassemble fragments.
    """

    def edit(one: Device) -> Device:
        aces = list(one.acls[chain].aces)
        for number, (matches, action) in to.items():
            aces[number] = replace(aces[number], matches=matches, action=action)
        return replace(one, acls={**one.acls, chain: replace(one.acls[chain], aces=tuple(aces))})

    return edit


def _reads_state(matches: Matches) -> bool:
    match matches:
        case StateIn():
            return True
        case AllOf(of) | AnyOf(of):
            return any(_reads_state(part) for part in of)
        case Not(of):
            return _reads_state(of)
        case _:
            return False


def _default(device: Device, chain: Acl) -> BarrierObject:
    def edit(one: Device) -> Device:
        opened = replace(one.acls[chain.name], default=Forwarding.ACCEPT)
        return replace(one, acls={**one.acls, chain.name: opened})

    assert isinstance(chain.default, Forwarding)
    text = f"{chain.name}: no rule matched, default {chain.default.value}"
    change = "set this chain's default to accept"
    key = f"{chain.name} default"
    return BarrierObject(device.name, key, "default", text, change, chain.span, edit, edit)


def _reverse_path(device: Device, interface: Interface) -> BarrierObject:
    edit = _interface_edit(interface.name, reverse_path_filter=0)
    text = f"reverse-path filter on {interface.name}"
    kind = "reverse-path-filter"
    return BarrierObject(device.name, text, kind, text, "switch it off", interface.span, edit, edit)


def _forwarding(device: Device, family: Family) -> BarrierObject:
    def edit(one: Device) -> Device:
        interfaces = {
            name: replace(found, forwarding=found.forwarding | {family})
            for name, found in one.interfaces.items()
        }
        return replace(one, interfaces=interfaces, forwards=one.forwards | {family})

    text = f"does not forward {family.label} on every interface"
    change = f"switch {family.label} forwarding on"
    return BarrierObject(device.name, text, "not-forwarding", text, change, None, edit, edit)


def _discarding(device: Device, route: Route) -> BarrierObject:
    def edit(one: Device) -> Device:
        return replace(one, routes=tuple(other for other in one.routes if other != route))

    text = f"{route.kind.value} route {route}"
    span = route.config_span or route.span
    key = f"{text} {route.table} {route.preference}"
    return BarrierObject(device.name, key, "blackhole", text, "delete this route", span, edit)


def _routing_rule(device: Device, rule: RoutingRule) -> BarrierObject:
    def edit(one: Device) -> Device:
        return replace(one, rules=tuple(other for other in one.rules if other != rule))

    text = f"routing rule {rule.priority}: {rule.table or rule.kind.value}"
    key = f"{text} {rule.matches}"
    return BarrierObject(
        device.name, key, "routing-rule", text, "delete this routing rule", rule.span, edit
    )


def _down(device: Device, interface: Interface) -> BarrierObject:
    raised = _interface_edit(interface.name, enabled=True, operational=True)

    def edit(one: Device) -> Device:
        return replace(raised(one), routes=(*one.routes, *_connected(interface)))

    text = f"interface {interface.name} is down"
    return BarrierObject(device.name, text, "interface-down", text, "bring it up", interface.span, edit)


def _connected(interface: Interface) -> Iterator[Route]:
    """The routes that come with an interface's addresses."""
    for assigned in interface.addresses:
        family, bits = assigned.family, assigned.family.bits
        hop = (NextHop(interface.name),)
        first = assigned.network[0]
        yield Route(family, assigned.address, bits, hop, RouteKind.LOCAL, "local", "kernel", -1)
        yield Route(family, first, assigned.prefix_length, hop, protocol="kernel", preference=0)


def _interface_edit(name: str, **facts: object) -> Edit:
    def edit(one: Device) -> Device:
        changed = replace(one.interfaces[name], **facts)  # type: ignore[arg-type]
        return replace(one, interfaces={**one.interfaces, name: changed})

    return edit


def _sorted(device: Device) -> list[Interface]:
    return [device.interfaces[name] for name in sorted(device.interfaces)]


def _is_wire(interface: Interface) -> bool:
    return interface.kind is not InterfaceKind.LOOPBACK
