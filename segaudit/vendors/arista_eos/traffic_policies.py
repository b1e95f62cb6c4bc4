"""``traffic-policies`` of EOS: rules on an interface that let through what none of them drops.

Source: Arista TOI, "Support for traffic policies on interfaces"; EOS User Manual, "Traffic Management",
"Traffic policies". The rules are tried in order; the first that matches decides, and unless its actions say
``drop`` it forwards. What is left over is forwarded (``ipv4-all-default``, ``ipv6-all-default``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from segaudit.model.acl import (
    Ace,
    Acl,
    Action,
    AddressIn,
    AnyOf,
    AnyPacket,
    End,
    FamilyIs,
    Field,
    FieldIn,
    Forwarding,
    Matches,
    Not,
    Range,
    UnknownAction,
    UnknownMatch,
)
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.parse.cisco import addresses
from segaudit.parse.cisco.acl import ESTABLISHED, conjunction, port_number
from segaudit.parse.cisco.fates import FACT, Fate, ignored, note, unrecognized, unsupported
from segaudit.parse.cisco.sections import SYNTAX, comment
from segaudit.parse.cisco.switches import SwitchReading
from segaudit.parse.cisco.words import Words
from segaudit.parse.indent import Block, walk
from segaudit.parse.ledger import LineLedger
from segaudit.vendors.arista_eos.dialect import EOS

_FAMILIES = {"ipv4": Family.IPV4, "ipv6": Family.IPV6}
_ENDS = {"source": End.SOURCE, "destination": End.DESTINATION}
_PORTS = {End.SOURCE: Field.SOURCE_PORT, End.DESTINATION: Field.DESTINATION_PORT}
_UNREAD = unrecognized("not understood: the rule may match or not", bounded=True)
_STEERS = unsupported("packets are steered elsewhere")
_KEEPS = ignored("it changes nothing about where packets go")
_OPENING = frozenset({"field-set", "traffic-policy", "match", "no"})
UNREAD_MEMBER: Range = (-1, -1)
"""A member of a set that was not understood."""

_KEEPING = frozenset({"count", "log", "set", "police", "counter", "sample", "accept", "pass"})


def policy_name(name: str) -> str:
    """What the neutral model calls a policy."""
    return f"traffic-policy {name}"


@dataclass(slots=True)
class Policies:
    """The policies of one switch, and the sets of prefixes and ports that they draw on."""

    acls: dict[str, Acl] = field(default_factory=dict)
    prefixes: dict[tuple[Family, str], list[tuple[bool, Range]]] = field(default_factory=dict)
    ports: dict[str, list[tuple[bool, Range]]] = field(default_factory=dict)


def read(policies: Policies, reading: SwitchReading, words: Words) -> Fate:
    """The block ``traffic-policies``: key words open its modes, whatever the indent. Sets come first."""
    del words
    lines = list(walk(reading.take_below()))
    block = _Block(policies, reading.ledger)
    for wanted in (True, False):
        in_set = False
        for line in lines:
            if line.line.is_comment:
                if wanted:
                    comment(reading.ledger, line)
                continue
            opens = line.text.split()[0]
            in_set = opens == "field-set" or (in_set and opens not in _OPENING)
            if in_set is wanted:
                note(reading.ledger, reading.ledger.span(line.number), block.read(line))
    block.close()
    return FACT


class _Block:
    """The mode that the lines of the block are in: of a set, a policy, a rule, or a rule's actions."""

    def __init__(self, policies: Policies, ledger: LineLedger) -> None:
        self._policies = policies
        self._ledger = ledger
        self._set: _Set | None = None
        self._policy = ""
        self._rule: _Parts | None = None
        self._aces: dict[str, list[Ace]] = {}

    def read(self, line: Block) -> Fate:
        """The fate of one line; those below it come by themselves."""
        found = line.text.split()
        if found[0] in _OPENING:
            self._end_rule()
        match found:
            case ["field-set", *kind]:
                self._set = _Set.named(kind)
                return FACT if self._set else _UNREAD
            case ["no", "traffic-policy", name]:
                self._aces.pop(name, None)
            case ["traffic-policy", name]:
                self._policy = name
                self._aces.setdefault(name, [])
            case ["match", _, ("ipv4" | "ipv6") as family] if self._policy:
                self._rule = _Parts(_FAMILIES[family], self._ledger.span(line.number), line.text)
            case ["actions"] if self._rule is not None:
                self._rule.in_actions = True
            case [word, *_] if word in _KEEPING or line.text in SYNTAX:
                return _KEEPS
            case _:
                return self._member(line)
        return FACT

    def close(self) -> None:
        """Make the lists of what was read."""
        self._end_rule()
        for name, aces in self._aces.items():
            full = policy_name(name)
            self._policies.acls[full] = Acl(full, tuple(aces), Forwarding.ACCEPT)

    def _end_rule(self) -> None:
        rule, self._rule, self._set = self._rule, None, None
        if rule is not None:
            self._aces[self._policy].append(Ace(rule.matches(), rule.action, rule.span, rule.text))

    def _member(self, line: Block) -> Fate:
        if self._set is not None:
            return self._set.take(self._policies, line.text)
        if self._rule is None:
            return self._unread_rule(line)
        if not self._rule.in_actions:
            return _condition(self._policies, self._rule, line)
        if line.text == "drop":
            self._rule.action = Forwarding.DROP
            return FACT
        self._rule.action = UnknownAction(line.text)
        return _STEERS

    def _unread_rule(self, line: Block) -> Fate:
        """Something in a policy that is no rule: it may decide about any packet."""
        if self._policy not in self._aces:
            return unrecognized()
        unknown = UnknownMatch(line.text, "not understood")
        span = self._ledger.span(line.number)
        self._aces[self._policy].append(Ace(unknown, UnknownAction(line.text), span, line.text))
        return _UNREAD


# ---- sets ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Set:
    """A ``field-set``: prefixes of a family, or ports; one with a member that is not read is left out."""

    name: str
    family: Family | None

    @classmethod
    def named(cls, kind: Sequence[str]) -> _Set | None:
        match kind:
            case [("ipv4" | "ipv6") as family, "prefix", name]:
                return cls(name, _FAMILIES[family])
            case ["l4-port", name]:
                return cls(name, None)
        return None

    def take(self, policies: Policies, text: str) -> Fate:
        taken = _members(text, self.family)
        members = [(True, UNREAD_MEMBER)] if taken is None else taken
        if self.family is None:
            policies.ports.setdefault(self.name, []).extend(members)
        else:
            policies.prefixes.setdefault((self.family, self.name), []).extend(members)
        return _UNREAD if taken is None else FACT


def _members(text: str, family: Family | None) -> list[tuple[bool, Range]] | None:
    found = text.replace(",", " ").split()
    taken = found[:1] != ["except"]
    values = found if taken else found[1:]
    ranges = _prefixes(values, family) if family else _numbers(values, 65535)
    return None if ranges is None else [(taken, one) for one in ranges]


def _prefixes(found: Sequence[str], family: Family) -> list[Range] | None:
    ranges = []
    for word in found:
        prefix = addresses.prefix(word) or _host(word)
        if prefix is None or prefix[0] is not family:
            return None
        first = addresses.network(*prefix)
        ranges.append((first, first + (1 << (family.bits - prefix[2])) - 1))
    return ranges or None


def _host(word: str) -> tuple[Family, int, int] | None:
    found = addresses.address(word)
    return None if found is None else (found[0], found[1], found[0].bits)


def _numbers(found: Sequence[str], most: int) -> list[Range] | None:
    """``22``, ``1,3-7``, ``1024-65535``; for ports also names."""
    ranges = []
    for word in ",".join(found).split(","):
        low, _, high = word.partition("-")
        names = {**EOS.udp_ports, **EOS.tcp_ports} if most > 255 else EOS.protocols
        first = names[word] if word in names else port_number(low, {})
        last = first if word in names else port_number(high or low, {})
        if first is None or last is None or not first <= last <= most:
            return None
        ranges.append((first, last))
    return ranges or None


# ---- rules --------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Parts:
    """What one rule asks for: each list is an alternative, all lists together must hold."""

    family: Family
    span: SourceSpan
    text: str
    ends: dict[End, list[Matches]] = field(default_factory=lambda: {end: [] for end in End})
    protocols: list[Matches] = field(default_factory=list)
    unknown: list[Matches] = field(default_factory=list)
    in_actions: bool = False
    action: Action = Forwarding.ACCEPT

    def matches(self) -> Matches:
        lists = [*self.ends.values(), self.protocols]
        parts = [one[0] if len(one) == 1 else AnyOf(tuple(one)) for one in lists if one]
        return conjunction([FamilyIs(self.family), *parts, *self.unknown])


def _condition(policies: Policies, parts: _Parts, line: Block) -> Fate:
    """One line of a rule; one that is not understood makes the rule match perhaps."""
    words = Words(line.text.split(), SourceSpan("", 0, 0))
    first = words.take()
    found: Matches | None = None
    if first in _ENDS and words.accept("prefix"):
        found = _addresses(policies, parts.family, _ENDS[first], words)
        if found is not None:
            parts.ends[_ENDS[first]].append(found)
    elif first == "protocol":
        found = _protocol(policies, parts.family, words)
        if found is not None:
            parts.protocols.append(found)
    if found is not None:
        return FACT
    parts.unknown.append(UnknownMatch(line.text, "not modelled"))
    return unsupported("the rule matches perhaps", bounded=True)


def _addresses(policies: Policies, family: Family, end: End, words: Words) -> Matches | None:
    if not words.accept("field-set"):
        ranges = _prefixes(words.rest().split(), family)
        return None if ranges is None else AddressIn(end, family, tuple(ranges))
    members: list[tuple[bool, Range]] = []
    for name in words.rest().split():
        if (family, name) not in policies.prefixes:
            return None
        members += policies.prefixes[family, name]
    if any(one == UNREAD_MEMBER for _, one in members):
        return None
    taken = tuple(one for plus, one in members if plus)
    left_out = tuple(one for plus, one in members if not plus)
    inside = AddressIn(end, family, taken)
    return conjunction([inside, Not(AddressIn(end, family, left_out))]) if left_out else inside


def _protocol(policies: Policies, family: Family, words: Words) -> Matches | None:
    """``protocol NAME... [flags established] [source port P] [destination port P] [type T code C]``."""
    numbers = _protocol_numbers(family, words)
    if not numbers:
        return None
    parts: list[Matches] = [FieldIn(Field.PROTOCOL, tuple(numbers))]
    while not words.done:
        found = _option(policies, words)
        if found is None:
            return None
        parts.append(found)
    return conjunction(parts)


def _protocol_numbers(family: Family, words: Words) -> list[Range]:
    numbers: list[Range] = []
    while not words.done:
        word = words.peek()
        found = [(58, 58)] if (word, family) == ("icmp", Family.IPV6) else _numbers([word], 255)
        if found is None:
            break
        words.take()
        numbers += found
    return numbers


def _option(policies: Policies, words: Words) -> Matches | None:
    word = words.take()
    if word == "flags" and words.accept("established"):
        return ESTABLISHED
    if word in _ENDS and words.accept("port"):
        return _port_match(policies, _PORTS[_ENDS[word]], words)
    if word in ("type", "code"):
        listed = words.take()
        if listed == "all":
            return AnyPacket()
        ranges = _numbers([listed], 255)
        kind = Field.ICMP_TYPE if word == "type" else Field.ICMP_CODE
        return None if ranges is None else FieldIn(kind, tuple(ranges))
    return None


def _port_match(policies: Policies, of: Field, words: Words) -> Matches | None:
    if words.accept("field-set"):
        members = policies.ports.get(words.take())
        if members is None or any(not plus or one == UNREAD_MEMBER for plus, one in members):
            return None
        return FieldIn(of, tuple(one for _, one in members))
    listed = words.take()
    while words.peek().startswith(",") or (listed.endswith(",") and not words.done):
        listed += words.take()
    ranges = _numbers([listed], 65535)
    return None if ranges is None else FieldIn(of, tuple(ranges))
