"""Packet marks resolved: a match on the mark becomes a match on what decides the mark.

A mark is set and read on one device, so the path from PREROUTING to POSTROUTING is followed once, with
the packets that can have each mark, as a boolean expression over header, interfaces and state. Where
that expression is about a header that a translation may have changed since, or a mark is set from
something that is not modelled, the match is unknown (may and must).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from segaudit.model.acl import (
    EVERY_MARK_BIT,
    TRACKING_PRIORITY,
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
    Range,
    Return,
    SetMark,
    StateIn,
    Translate,
    TranslationKind,
    UnknownAction,
    UnknownMatch,
    leaves,
)
from segaudit.model.device import Device
from segaudit.model.flow import ConnectionState, Family

Mark = tuple[int, int]
"""A mark as far as it is known: its bits, and which of them could be otherwise."""

Marked = dict[Mark, Matches]
"""The packets at one point by their mark. Of packets that cannot be there nothing is said."""

_UNMARKED: Mark = (0, 0)
_ANY_MARK: Mark = (0, EVERY_MARK_BIT)
_NEVER = AnyOf(())
_LOST = UnknownMatch("mark", "it is set by something that is not modelled")
_STALE = UnknownMatch("mark", "it was set by a header that has been translated since")
_RECEIVED = InterfaceIn(Direction.IN, ("*",))

_MOST_LEAVES = 4000
_MOST_CONTEXTS = 500
"""Longer conditions, and chains jumped to with more different marks, are given up."""

_SEES_NO_OUTPUT = frozenset({Hook.INGRESS, Hook.PREROUTING, Hook.INPUT})
_EARLY = frozenset({Hook.PREROUTING, Hook.OUTPUT})
_BOUND_AT = {Hook.PREROUTING: -100, Hook.INPUT: 100, Hook.OUTPUT: -100, Hook.POSTROUTING: 100}
"""Where a connection's translation is applied at the latest (Linux NF_IP_PRI_NAT_DST, ..._SRC)."""

_DESTINATION = (End.DESTINATION, Field.DESTINATION_PORT)
_SOURCE = (End.SOURCE, Field.SOURCE_PORT)
_MOVES = {
    **dict.fromkeys((Hook.PREROUTING, Hook.OUTPUT), _DESTINATION),
    **dict.fromkeys((Hook.INPUT, Hook.POSTROUTING), _SOURCE),
}
"""The end of a packet that each hook translates."""
_OWN_ADDRESS = (TranslationKind.MASQUERADE, TranslationKind.REDIRECT)


def without_marks(device: Device, family: Family) -> Device:
    """``device`` as packets of ``family`` meet it, each ``MarkIs`` told by what decides the mark.

    Where that becomes too long every ``MarkIs`` stays, which the compiler takes as unknown.
    """
    if not reads_marks(device):
        return device
    try:
        return _Resolver(device, family).resolved()
    except _TooLong:
        return device


def reads_marks(device: Device) -> bool:
    """True where a filter or a routing rule of ``device`` looks at marks."""
    read = [ace.matches for acl in device.acls.values() for ace in acl.aces]
    read += [rule.matches for rule in device.rules]
    return any(isinstance(leaf, MarkIs) for matches in read for leaf in leaves(matches))


class _TooLong(Exception):
    """A condition grew beyond what is worth it."""


@dataclass(frozen=True, slots=True)
class _Sight:
    """How one attached chain sees what is the same for a packet's whole way through the device."""

    hook: Hook
    tracked: bool

    def __call__(self, matches: Matches) -> Matches:
        """``matches`` of a rule of the chain, in the terms of the whole way."""
        return _mapped(matches, self._leaf)

    def _leaf(self, leaf: Matches) -> Matches:
        match leaf:
            case InterfaceIn(Direction.OUT) if self.hook in _SEES_NO_OUTPUT:
                return _NEVER
            case InterfaceIn(Direction.IN) if self.hook is Hook.OUTPUT:
                return _NEVER
            case StateIn(states) if not self.tracked:
                return AnyPacket() if ConnectionState.INVALID in states else _NEVER
            case _:
                return leaf


@dataclass(frozen=True, slots=True)
class _Ends:
    """A chain resolved (under a name of its own), and the marks of what it accepts and what it returns."""

    name: str
    accepted: Marked
    returned: Marked


@dataclass(frozen=True, slots=True)
class _Step:
    """A rule resolved, and the marks of what goes on to the next, is accepted, or returns."""

    ace: Ace
    on: Marked
    accepted: Marked
    returned: Marked


class _Resolver:
    """One device while it is resolved.

    Args:
        device: the device.
        family: whose packets.
    """

    def __init__(self, device: Device, family: Family) -> None:
        self._device = device
        self._family = family
        self._acls = dict(device.acls)
        self._contexts: dict[object, _Ends] = {}
        self._reading = self._chains_with(_reads)
        self._setting = self._chains_with(lambda ace: isinstance(ace.action, SetMark | ForgetMark))
        if self._setting:  # what is not modelled may jump to where they are set
            self._setting = self._chains_with(_may_set)
        self._translations = {hook: list(self._translations_at(hook)) for hook in _MOVES}

    def resolved(self) -> Device:
        """The device without a match on marks in what packets of the family pass."""
        clears = tuple(sorted(name for name, one in self._device.interfaces.items() if one.clears_mark))
        unmarked = InterfaceIn(Direction.IN, clears) if clears else _NEVER
        arriving = _tidy({_UNMARKED: unmarked, _ANY_MARK: _not(unmarked)})
        received = self._through(Hook.PREROUTING, self._through(Hook.INGRESS, arriving))
        routed = _received_or_made(received, _anything())
        rules = tuple(replace(one, matches=_told(one.matches, routed)) for one in self._device.rules)
        self._through(Hook.INPUT, received)
        forwarded = self._through(Hook.FORWARD, received)
        made = self._through(Hook.OUTPUT, _anything())
        self._through(Hook.EGRESS, self._through(Hook.POSTROUTING, _received_or_made(forwarded, made)))
        return replace(self._device, acls=self._acls, rules=rules)

    # -- hooks -----------------------------------------------------------------------------------

    def _through(self, hook: Hook, here: Marked) -> Marked:
        """The marks behind a hook; its chains are resolved on the way."""
        attached = self._attached(hook)
        translating = [one.priority for one in attached if one.translates]
        bound_at = min(translating, default=_BOUND_AT.get(hook))
        for attachment in attached:
            if bound_at is not None and attachment.priority >= bound_at:
                here, bound_at = self._translated(hook, here), None
            here = self._behind(attachment, here)
            if attachment.translates:
                here = self._translated(hook, here)
        return here if bound_at is None else self._translated(hook, here)

    def _attached(self, hook: Hook) -> list[AclAttachment]:
        found = [
            one
            for one in self._device.attachments
            if one.hook is hook and self._family in one.families and one.acl in self._device.acls
        ]
        return sorted(found, key=lambda one: one.priority)

    def _behind(self, attachment: AclAttachment, here: Marked) -> Marked:
        """The marks behind one attached chain, which keeps its name."""
        acl = self._device.acls[attachment.acl]
        tracked = attachment.hook not in _EARLY or attachment.priority > TRACKING_PRIORITY
        ends = self._chain(acl.name, here, _Sight(attachment.hook, tracked), frozenset(), False)
        self._acls[acl.name] = replace(self._acls[ends.name], name=acl.name)
        if acl.name not in self._setting:
            return here
        if attachment.translates or attachment.interface is not None:
            return _anything()  # only some packets pass it
        drops = acl.default in (Forwarding.DROP, Forwarding.REJECT)
        return ends.accepted if drops else _joined(ends.accepted, ends.returned)

    # -- chains ----------------------------------------------------------------------------------

    def _chain(self, name: str, here: Marked, sight: _Sight, above: frozenset[str], later: bool) -> _Ends:
        """A chain resolved for packets with the marks of ``here``, and their marks behind it.

        Args:
            name: the chain.
            here: the marks before it.
            sight: how its rules see a packet.
            above: the chains that jumped here.
            later: marks are set after it, so that who is accepted must be told from who returns.
        """
        if name in above or name not in self._device.acls:
            lost = _lost(here)
            return _Ends(name, lost, lost)
        if not later and name not in self._reading | self._setting:
            return _Ends(name, here, here)
        key = (name, sight, later, frozenset(here.items()))
        if key not in self._contexts:
            if len(self._contexts) >= _MOST_CONTEXTS:
                raise _TooLong
            self._contexts[key] = self._rules(self._device.acls[name], here, sight, above | {name}, later)
        return self._contexts[key]

    def _rules(self, acl: Acl, here: Marked, sight: _Sight, above: frozenset[str], later: bool) -> _Ends:
        aces: list[Ace] = []
        accepted: Marked = {}
        returned: Marked = {}
        last = max((number for number, ace in enumerate(acl.aces) if self._sets(ace)), default=-1)
        for number, ace in enumerate(acl.aces):
            step = self._rule(ace, here, sight, above, later or number < last)
            aces.append(step.ace)
            here = step.on
            accepted, returned = _joined(accepted, step.accepted), _joined(returned, step.returned)
        name = f"{acl.name} ({len(self._contexts)})"
        self._acls[name] = replace(acl, name=name, aces=tuple(aces))
        return _Ends(name, accepted if later else _joined(accepted, here), _joined(returned, here))

    def _rule(self, ace: Ace, here: Marked, sight: _Sight, above: frozenset[str], later: bool) -> _Step:
        """One rule. Until marks are set no more it does not matter by which rule a packet leaves."""
        told = replace(ace, matches=_told(ace.matches, here)) if _reads(ace) else ace
        if not later and not self._sets(ace) and not isinstance(ace.action, Jump | Goto):
            return _Step(told, here, {}, {})
        met, missed = _split(here, lambda mark: sight(_with_mark(ace.matches, mark)))
        match ace.action:
            case SetMark(value, mask):
                return _Step(
                    told, _joined(missed, _changed(met, lambda one: _set(one, value, mask))), {}, {}
                )
            case ForgetMark(mask):
                return _Step(
                    told, _joined(missed, _changed(met, lambda one: (one[0], one[1] | mask))), {}, {}
                )
            case Jump(target):
                ends = self._chain(target, met, sight, above, later)
                on = _joined(missed, ends.returned) if later or self._sets(ace) else here
                return _Step(replace(told, action=Jump(ends.name)), on, ends.accepted, {})
            case Goto(target):
                ends = self._chain(target, met, sight, above, later)
                on = missed if later else here
                return _Step(replace(told, action=Goto(ends.name)), on, ends.accepted, ends.returned)
            case UnknownAction() if self._setting:
                lost = _lost(met)
                return _Step(told, _joined(missed, lost), lost, lost)
            case Forwarding.ACCEPT | Translate():
                return _Step(told, missed, met, {})
            case Return():
                return _Step(told, missed, {}, met)
            case _:
                return _Step(told, here, {}, {})

    def _sets(self, ace: Ace) -> bool:
        match ace.action:
            case Jump(target) | Goto(target):
                return target in self._setting or target not in self._device.acls
            case _:
                return bool(self._setting) and _may_set(ace)

    def _chains_with(self, has: Callable[[Ace], bool]) -> frozenset[str]:
        """The chains with such a rule, or a jump to one that has."""
        found = {name for name, acl in self._device.acls.items() if any(map(has, acl.aces))}
        grown = True
        while grown:
            more = {
                name
                for name, acl in self._device.acls.items()
                if name not in found
                and any(isinstance(a.action, Jump | Goto) and a.action.acl in found for a in acl.aces)
            }
            found |= more
            grown = bool(more)
        return frozenset(found)

    # -- translations ----------------------------------------------------------------------------

    def _translations_at(self, hook: Hook) -> Iterator[Translate]:
        """What a chain attached at a hook may do to packets of the family."""
        pending = [one.acl for one in self._attached(hook) if one.translates]
        seen: set[str] = set()
        while pending:
            acl = self._device.acls.get(name := pending.pop())
            if acl is None or name in seen:
                continue
            seen.add(name)
            for ace in acl.aces:
                if isinstance(ace.action, Jump | Goto):
                    pending.append(ace.action.acl)
                elif isinstance(ace.action, Translate) and ace.action.family in (None, self._family):
                    yield ace.action

    def _translated(self, hook: Hook, here: Marked) -> Marked:
        """The marks of packets that may have been translated: what was said of the old header is stale."""
        if not any(self._translations.values()) or hook not in _MOVES:
            return here
        end, port = _MOVES[hook]
        same = self._untranslated(hook, end)

        def leaf(one: Matches) -> Matches:
            match one:
                case AddressIn(at) | AddressMasked(at) if at is end:
                    return _any([_all([same, one]), _all([_not(same), _STALE])])
                case FieldIn(at) | FieldMasked(at) if at is port:
                    return _any([_all([same, one]), _all([_not(same), _STALE])])
                case _:
                    return one

        return {mark: _mapped(condition, leaf) for mark, condition in here.items()}

    def _untranslated(self, hook: Hook, end: End) -> Matches:
        """Packets that a hook has certainly not translated, by what they are behind it."""
        never = StateIn(frozenset({ConnectionState.INVALID, ConnectionState.UNTRACKED}))
        pools: list[Range] = []
        for translate in self._translations[hook]:
            pool = self._own if translate.kind in _OWN_ADDRESS else translate.addresses
            if not pool:
                return never
            pools += pool
        first = [StateIn(frozenset({ConnectionState.NEW}))]
        moved = [_not(AddressIn(end, self._family, tuple(pools)))] if pools else []
        return _any([never, _all([*first, *moved])])

    @property
    def _own(self) -> tuple[Range, ...]:
        return tuple(
            (one.address, one.address)
            for interface in self._device.interfaces.values()
            for one in interface.addresses
            if one.family is self._family
        )


def _reads(ace: Ace) -> bool:
    return any(isinstance(leaf, MarkIs) for leaf in leaves(ace.matches))


def _may_set(ace: Ace) -> bool:
    return isinstance(ace.action, SetMark | ForgetMark | UnknownAction)


# -- marks ---------------------------------------------------------------------------------------


def _anything() -> Marked:
    return {_ANY_MARK: AnyPacket()}


def _lost(here: Marked) -> Marked:
    """Packets that may or may not be here, with a mark that is not known."""
    return _tidy({_ANY_MARK: _all([_any(here.values()), _LOST])})


def _received_or_made(received: Marked, made: Marked) -> Marked:
    return _joined(_split(received, lambda _: _RECEIVED)[0], _split(made, lambda _: _RECEIVED)[1])


def _split(here: Marked, matches: Callable[[Mark], Matches]) -> tuple[Marked, Marked]:
    """The packets that match what is asked of their mark, and the others."""
    asked = {mark: matches(mark) for mark in here}
    met = {mark: _all([condition, asked[mark]]) for mark, condition in here.items()}
    missed = {mark: _all([condition, _not(asked[mark])]) for mark, condition in here.items()}
    return _tidy(met), _tidy(missed)


def _joined(one: Marked, other: Marked) -> Marked:
    """The packets of both; none must be in both with different marks."""
    found = dict(one)
    for mark, condition in other.items():
        found[mark] = _any([found[mark], condition]) if mark in found else condition
    return _tidy(found)


def _changed(here: Marked, change: Callable[[Mark], Mark]) -> Marked:
    found: Marked = {}
    for mark, condition in here.items():
        found = _joined(found, {change(mark): condition})
    return found


def _set(mark: Mark, value: int, mask: int) -> Mark:
    """Linux xt_mark.c ``mark_tg``: zero the bits of ``mask``, exclusive-or ``value``."""
    return (mark[0] & ~mask ^ value) & EVERY_MARK_BIT, mark[1] & ~mask


def _tidy(marked: Marked) -> Marked:
    found = {mark: condition for mark, condition in marked.items() if condition != _NEVER}
    if any(_size(condition) > _MOST_LEAVES for condition in found.values()):
        raise _TooLong
    return found


def _told(matches: Matches, here: Marked) -> Matches:
    """``matches`` with its marks told by who has them."""

    def leaf(one: Matches) -> Matches:
        if not isinstance(one, MarkIs):
            return one
        return _any(_all([condition, _with_mark(one, mark)]) for mark, condition in sorted(here.items()))

    return _mapped(matches, leaf)


def _with_mark(matches: Matches, mark: Mark) -> Matches:
    """``matches`` of packets that have a mark."""

    def leaf(one: Matches) -> Matches:
        match one:
            case MarkIs(value, mask) if value & ~mask or (mark[0] ^ value) & mask & ~mark[1]:
                return _NEVER
            case MarkIs(_, mask):
                return _LOST if mark[1] & mask else AnyPacket()
            case _:
                return one

    return _mapped(matches, leaf)


# -- expressions ---------------------------------------------------------------------------------


def _size(matches: Matches) -> int:
    match matches:
        case AllOf(of) | AnyOf(of):
            return sum(map(_size, of))
        case Not(of):
            return _size(of)
        case _:
            return 1


def _mapped(matches: Matches, leaf: Callable[[Matches], Matches]) -> Matches:
    match matches:
        case AllOf(of):
            return _all(_mapped(part, leaf) for part in of)
        case AnyOf(of):
            return _any(_mapped(part, leaf) for part in of)
        case Not(of):
            return _not(_mapped(of, leaf))
        case _:
            return leaf(matches)


def _all(parts: Iterable[Matches]) -> Matches:
    flat: list[Matches] = []
    for part in parts:
        if part == _NEVER:
            return _NEVER
        if not isinstance(part, AnyPacket):
            flat.extend(part.of if isinstance(part, AllOf) else (part,))
    if not flat:
        return AnyPacket()
    return flat[0] if len(flat) == 1 else AllOf(tuple(flat))


def _any(parts: Iterable[Matches]) -> Matches:
    flat: list[Matches] = []
    for part in parts:
        if isinstance(part, AnyPacket):
            return part
        flat.extend(part.of if isinstance(part, AnyOf) else (part,))
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))


def _not(matches: Matches) -> Matches:
    match matches:
        case Not(of):
            return of
        case AnyPacket():
            return _NEVER
        case _:
            return AnyPacket() if matches == _NEVER else Not(matches)
