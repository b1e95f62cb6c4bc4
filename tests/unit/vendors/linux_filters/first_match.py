"""A second reading of ``model.acl``: one packet, first match wins, every unknown followed both ways.

Slow and plain on purpose: it is what the tests compare kernels, corpora and readers with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from segaudit.model.acl import (
    Ace,
    Acl,
    AclAttachment,
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
    Forwarding,
    Goto,
    Hook,
    InterfaceIn,
    Jump,
    Matches,
    Not,
    Return,
    StateIn,
    Translate,
    UnknownAction,
    UnknownMatch,
)
from segaudit.model.flow import ConnectionState, Family, Flow

PORT_PROTOCOLS = (6, 17, 33, 132, 136)
ALL_STATES = frozenset(ConnectionState)


@dataclass(frozen=True, slots=True)
class At:
    """A packet at a hook: its header, interfaces (``None``: any), and the states it may be in."""

    flow: Flow
    in_interface: str | None = ""
    out_interface: str | None = ""
    states: frozenset[ConnectionState] = ALL_STATES


Truth = frozenset[bool]
YES, NO, MAYBE = frozenset({True}), frozenset({False}), frozenset({True, False})


def truth(matches: Matches, at: At) -> Truth:
    """Whether a match is true, false, or either."""
    match matches:
        case AnyPacket():
            return YES
        case UnknownMatch():
            return MAYBE
        case AllOf(of):
            parts = [truth(part, at) for part in of]
            return NO if NO in parts else MAYBE if MAYBE in parts else YES
        case AnyOf(of):
            parts = [truth(part, at) for part in of]
            return YES if YES in parts else MAYBE if MAYBE in parts else NO
        case Not(of):
            return frozenset(not value for value in truth(of, at))
        case StateIn(states):
            return frozenset(state in states for state in at.states)
        case InterfaceIn(direction, _) if interface(at, direction) is None:
            return MAYBE
        case _:
            return YES if holds(matches, at) else NO


def interface(at: At, direction: Direction) -> str | None:
    return at.in_interface if direction is Direction.IN else at.out_interface


def holds(matches: Matches, at: At) -> bool:
    flow = at.flow
    match matches:
        case FamilyIs(family):
            return flow.family is family
        case AddressIn(end, family, ranges):
            return flow.family is family and inside(address(flow, end), ranges)
        case AddressMasked(end, family, value, mask):
            return flow.family is family and address(flow, end) & mask == value
        case FieldIn(field, ranges):
            return carries(flow, field) and inside(field_of(flow, field), ranges)
        case FieldMasked(field, value, mask):
            return carries(flow, field) and field_of(flow, field) & mask == value
        case InterfaceIn(direction, names):
            name = interface(at, direction)
            return any(named(name, pattern) for pattern in names) if name else False
        case _:
            raise AssertionError(matches)


def named(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def inside(value: int, ranges: Iterable[tuple[int, int]]) -> bool:
    return any(first <= value <= last for first, last in ranges)


def address(flow: Flow, end: End) -> int:
    return flow.source if end is End.SOURCE else flow.destination


def carries(flow: Flow, field: Field) -> bool:
    if field in (Field.PROTOCOL, Field.FRAGMENT):
        return True
    if flow.fragment:
        return False
    if field in (Field.SOURCE_PORT, Field.DESTINATION_PORT):
        return flow.protocol in PORT_PROTOCOLS
    if field is Field.TCP_FLAGS:
        return flow.protocol == 6
    return flow.protocol == (1 if flow.family is Family.IPV4 else 58)


def field_of(flow: Flow, field: Field) -> int:
    return int(getattr(flow, field.value))


def ends(acls: Mapping[str, Acl], name: str, at: At) -> set[str]:
    """How the chain may end for the packet: ``accept``, ``drop`` or ``return``."""
    result: set[str] = set()
    goes_on = True
    for ace in acls[name].aces:
        found = truth(ace.matches, at)
        goes_on = False in found
        if True in found:
            done, more = act(acls, ace, at)
            result |= done
            goes_on = goes_on or more
        if not goes_on:
            return result
    return result | {"return"}


def act(acls: Mapping[str, Acl], ace: Ace, at: At) -> tuple[set[str], bool]:
    match ace.action:
        case Forwarding.ACCEPT | Translate():
            return {"accept"}, False
        case Forwarding():
            return {"drop"}, False
        case Return():
            return {"return"}, False
        case UnknownAction():
            return {"accept", "drop", "return"}, True
        case Jump(target):
            inner = ends(acls, target, at)
            return inner - {"return"}, "return" in inner
        case Goto(target):
            return ends(acls, target, at), False
        case _:
            return set(), True


def passes(acls: Mapping[str, Acl], attachments: Iterable[AclAttachment], hook: Hook, at: At) -> Truth:
    """Whether every filter at ``hook`` may accept the packet, and whether one may drop it."""
    result = YES
    for attachment in attachments:
        if (
            attachment.hook is not hook
            or attachment.translates
            or at.flow.family not in attachment.families
        ):
            continue
        default = "drop" if acls[attachment.acl].default is Forwarding.DROP else "accept"
        found = {default if end == "return" else end for end in ends(acls, attachment.acl, at)}
        here = frozenset(end == "accept" for end in found)
        result = frozenset(one and other for one in result for other in here)
    return result
