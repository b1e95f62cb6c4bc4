"""A device's rules, interpreted one packet at a time: the second opinion's half of a filter.

First match wins, jumps and returns as written. Where a match is not modelled both ways are followed,
and what is decided after it is not certain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import reduce

from segaudit.model.acl import (
    EVERY_MARK_BIT,
    Ace,
    Acl,
    Action,
    AddressIn,
    AddressMasked,
    AllOf,
    AnyOf,
    AnyPacket,
    Direction,
    End,
    FamilyIs,
    Field,
    FieldIn,
    FieldMasked,
    ForgetMark,
    Forwarding,
    Goto,
    InterfaceIn,
    Jump,
    MarkIs,
    Matches,
    Not,
    Return,
    SetMark,
    StateIn,
    Translate,
    UnknownAction,
    UnknownMatch,
)
from segaudit.model.device import Device
from segaudit.model.flow import ConnectionState, Family, Flow

PORT_PROTOCOLS = (6, 17, 33, 132, 136)
"""TCP, UDP, DCCP, SCTP, UDP-Lite."""


@dataclass(frozen=True, slots=True)
class PacketMark:
    """The mark of a packet; the bits of ``unsure`` may be either."""

    value: int
    unsure: int

    def __or__(self, other: PacketMark) -> PacketMark:
        """A mark that may be either."""
        return PacketMark(self.value, self.unsure | other.unsure | self.value ^ other.value)

    def after(self, action: Action) -> PacketMark:
        """The mark once ``action`` is done."""
        match action:
            case SetMark(value, mask):
                return PacketMark(self.value & ~mask ^ value, self.unsure & ~mask)
            case ForgetMark(mask):
                return PacketMark(self.value, self.unsure | mask)
            case UnknownAction():
                return ANY_MARK
            case _:
                return self

    def matched(self, value: int, mask: int) -> bool | None:
        """Whether the mark, ANDed with ``mask``, is ``value``."""
        if value & ~mask or (self.value ^ value) & mask & ~self.unsure:
            return False
        return None if self.unsure & mask else True


NO_MARK = PacketMark(0, 0)
ANY_MARK = PacketMark(0, EVERY_MARK_BIT)


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule can look at besides the header."""

    incoming: str | None
    outgoing: str | None
    state: ConnectionState
    mark: PacketMark = ANY_MARK


@dataclass(frozen=True, slots=True)
class Decision:
    """What a chain may do with the packet, by which rule, whether that is certain, and its mark then."""

    verdict: Forwarding | Return | Translate
    ace: Ace | None
    certain: bool
    mark: PacketMark = ANY_MARK


def decisions(device: Device, acl: str, flow: Flow, context: Context) -> list[Decision]:
    """Everything an attached chain may decide, its default included; one, and certain, where all agree."""
    found = device.acls.get(acl)
    if found is None:
        return [Decision(Forwarding.ACCEPT, None, False), Decision(Forwarding.DROP, None, False)]
    decisions = []
    for decision in _interpret(device, found, flow, context, frozenset()):
        if isinstance(decision.verdict, Return):
            default = Forwarding.ACCEPT if isinstance(found.default, Return) else found.default
            decision = Decision(default, None, decision.certain, decision.mark)
        decisions.append(decision)
    if len({(one.verdict, one.mark) for one in decisions}) == 1:
        return [replace(decisions[-1], certain=True)]
    return decisions


def _interpret(
    device: Device, acl: Acl, flow: Flow, context: Context, above: frozenset[str]
) -> list[Decision]:
    """First match wins; ``Return`` stands for "returned or ran past the end"."""
    if acl.name in above:
        return [
            Decision(verdict, None, False) for verdict in (Forwarding.ACCEPT, Forwarding.DROP, Return())
        ]
    found: list[Decision] = []
    certain = True
    for ace in acl.aces:
        matched = evaluate(
            ace.matches, flow, context.incoming, context.outgoing, context.state, context.mark
        )
        if matched is False:
            continue
        sure = certain and matched is True
        found.extend(
            replace(decision, certain=sure and decision.certain)
            for decision in _acted(device, ace, flow, context, above | {acl.name})
        )
        onward, still_sure = _goes_on(device, ace, flow, context, above | {acl.name})
        if matched is True and onward is None:
            return found
        certain = certain and (matched is True) and still_sure
        if onward is not None:
            context = replace(context, mark=onward if matched else context.mark | onward)
    found.append(Decision(Return(), None, certain, context.mark))
    return found


def _inner(
    device: Device, target: str, flow: Flow, context: Context, above: frozenset[str]
) -> list[Decision]:
    acl = device.acls.get(target)
    if acl is None:
        return [
            Decision(verdict, None, False) for verdict in (Forwarding.ACCEPT, Forwarding.DROP, Return())
        ]
    return _interpret(device, acl, flow, context, above)


def _acted(
    device: Device, ace: Ace, flow: Flow, context: Context, above: frozenset[str]
) -> Iterator[Decision]:
    """The final decisions that a matching rule brings (not "go on")."""
    match ace.action:
        case Forwarding() | Translate():
            yield Decision(ace.action, ace, True, context.mark)
        case Return():
            yield Decision(Return(), ace, True, context.mark)
        case Jump(target):
            inner = _inner(device, target, flow, context, above)
            yield from (one for one in inner if not isinstance(one.verdict, Return))
        case Goto(target):
            yield from _inner(device, target, flow, context, above)
        case UnknownAction():
            for verdict in (Forwarding.ACCEPT, Forwarding.DROP):
                yield Decision(verdict, ace, False)
        case _:
            return


def _goes_on(
    device: Device, ace: Ace, flow: Flow, context: Context, above: frozenset[str]
) -> tuple[PacketMark | None, bool]:
    """The mark with which a matching rule may hand on to the next one, and whether that is certain."""
    match ace.action:
        case Forwarding() | Translate() | Return() | Goto():
            return None, True
        case Jump(target):
            inner = _inner(device, target, flow, context, above)
            returns = [one for one in inner if isinstance(one.verdict, Return)]
            certain = len(inner) == len(returns) and all(one.certain for one in returns)
            return (reduce(PacketMark.__or__, (one.mark for one in returns)) if returns else None), certain
        case _:
            return context.mark.after(ace.action), not isinstance(ace.action, UnknownAction)


def evaluate(
    matches: Matches,
    flow: Flow,
    incoming: str | None,
    outgoing: str | None,
    state: ConnectionState,
    mark: PacketMark = ANY_MARK,
) -> bool | None:
    """Whether a packet matches; ``None`` where that is not modelled (Kleene's third value)."""
    match matches:
        case AllOf(of):
            return _until(False, (evaluate(part, flow, incoming, outgoing, state, mark) for part in of))
        case AnyOf(of):
            return _until(True, (evaluate(part, flow, incoming, outgoing, state, mark) for part in of))
        case Not(of):
            inner = evaluate(of, flow, incoming, outgoing, state, mark)
            return None if inner is None else not inner
        case UnknownMatch():
            return None
        case AnyPacket():
            return True
        case InterfaceIn(direction, names):
            name = incoming if direction is Direction.IN else outgoing
            return name is not None and any(_named(name, pattern) for pattern in names)
        case StateIn(states):
            return state in states
        case MarkIs(value, mask):
            return mark.matched(value, mask)
        case _:
            return _header(matches, flow)


def _until(decisive: bool, parts: Iterable[bool | None]) -> bool | None:
    """``decisive`` as soon as one part is, else ``None`` where one is unknown, else the opposite."""
    result: bool | None = not decisive
    for part in parts:
        if part is decisive:
            return decisive
        if part is None:
            result = None
    return result


def _header(matches: Matches, flow: Flow) -> bool:
    match matches:
        case FamilyIs(family):
            return flow.family is family
        case AddressIn(end, family, ranges):
            return flow.family is family and _within(_address(flow, end), ranges)
        case AddressMasked(end, family, value, mask):
            return flow.family is family and _address(flow, end) & mask == value
        case FieldIn(header, ranges):
            return _present(header, flow) and _within(int(getattr(flow, header.value)), ranges)
        case FieldMasked(header, value, mask):
            return _present(header, flow) and int(getattr(flow, header.value)) & mask == value
        case _:
            raise AssertionError(f"not a match: {matches!r}")


def _address(flow: Flow, end: End) -> int:
    return flow.source if end is End.SOURCE else flow.destination


def _within(value: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    for first, last in ranges:  # noqa: SIM110 - the walk's innermost loop
        if first <= value <= last:
            return True
    return False


def _present(header: Field, flow: Flow) -> bool:
    if header in (Field.PROTOCOL, Field.FRAGMENT):
        return True
    if flow.fragment:
        return False
    if header in (Field.SOURCE_PORT, Field.DESTINATION_PORT):
        return flow.protocol in PORT_PROTOCOLS
    if header is Field.TCP_FLAGS:
        return flow.protocol == 6
    return flow.protocol == (1 if flow.family is Family.IPV4 else 58)


def _named(name: str, pattern: str) -> bool:
    """``eth*`` is every name that begins so; ``?`` stands for one character."""
    open_ended = pattern.endswith("*")
    wanted = pattern[:-1] if open_ended else pattern
    if len(name) < len(wanted) or (len(name) > len(wanted) and not open_ended):
        return False
    return name.startswith(wanted) or all(map(_fits, name, wanted))


def _fits(letter: str, wanted: str) -> bool:
    return wanted in ("?", letter)
