"""One nft rule -> the ``Ace`` list that does the same.

An nft rule is a sequence: a statement acts on the packets that passed the matches before it. So a
rule with a statement in the middle becomes several entries, each with the matches so far.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from segaudit.model.acl import (
    EVERY_MARK_BIT,
    Ace,
    Action,
    Continue,
    FamilyIs,
    Field,
    FieldIn,
    ForgetMark,
    Forwarding,
    Goto,
    Jump,
    Matches,
    NoTrack,
    Range,
    Return,
    SetMark,
    Translate,
    UnknownAction,
    UnknownMatch,
)
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.vendors.linux.filters.expressions import all_of, any_of, holds_unknown, negated, protocol_is
from segaudit.vendors.linux.filters.facts import HELPER, Doubt
from segaudit.vendors.linux.filters.nft_keys import shown
from segaudit.vendors.linux.filters.nft_matches import (
    MatchReader,
    Selector,
    Sets,
    bare_element,
    selector_of,
)
from segaudit.vendors.linux.filters.nft_nouns import Json
from segaudit.vendors.linux.filters.nft_translations import TRANSLATIONS, translations

WITHOUT_EFFECT = frozenset({"counter", "log", "comment", "last", "secmark", "audit"})
"""Statements that change neither the packet nor its verdict."""

MAY_STOP = frozenset({"limit", "quota", "ct count", "connlimit", "meter"})
"""Statements that end the rule for some packets, depending on traffic."""

HARMLESS_META = frozenset({"priority", "nftrace", "secmark", "cpu"})
HARMLESS_CT = frozenset({"mark", "label", "event", "zone", "secmark", "timeout"})
HARMLESS_FIELDS = frozenset(
    {("ip", "dscp"), ("ip", "ecn"), ("ip", "ttl"), ("ip", "checksum"), ("ip", "id"), ("ip", "tos")}
    | {("ip6", "dscp"), ("ip6", "ecn"), ("ip6", "hoplimit"), ("ip6", "flowlabel"), ("ip6", "priority")}
    | {("tcp", "window"), ("tcp", "checksum"), ("tcp", "sequence"), ("tcp", "urgptr"), ("udp", "checksum")}
)
"""Fields that a rule may write without changing how the packet is filtered or routed in the model."""


@dataclass(slots=True)
class RuleReading:
    """A rule being taken apart: the conditions so far, the entries made, and what was doubtful."""

    family: str
    table: str
    sets: Sets
    matches: MatchReader
    span: SourceSpan
    text: str
    conditions: list[Matches] = field(default_factory=list)
    aces: list[Ace] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    unsure: bool = False
    """True where some condition may not be modelled."""

    def require(self, matches: Matches, unknown: bool = True) -> None:
        """Only packets that match ``matches`` come to the rest of the rule."""
        self.conditions.append(matches)
        self.unsure = self.unsure or unknown
        if self.unsure:
            self.doubt(())

    def doubt(self, more: Iterable[Matches]) -> Matches:
        """The conditions so far and ``more``; what is unknown in them is noted."""
        matches = all_of([*self.conditions, *more])
        unknown = holds_unknown(matches)
        if unknown is not None:
            self.doubts.append(Doubt(f"match not modelled: {unknown}"))
        return matches

    def act(self, action: Action, *more: Matches) -> None:
        """Packets that passed so far, and match ``more``, undergo ``action``."""
        self.aces.append(Ace(self.doubt(more), action, self.span, self.text))

    def act_unknown(self, statement: Json, reason: str, bounded: bool) -> None:
        """A statement that is not modelled: the packet may be accepted, dropped or go on."""
        self.doubts.append(Doubt(reason, bounded))
        self.act(UnknownAction(shown(statement)))

    def chain(self, name: str) -> str:
        """The ``Acl`` of a chain of the same table."""
        return acl_name(self.family, self.table, name)


def acl_name(family: str, table: str, chain: str) -> str:
    """The name of a chain among all filters of the device."""
    return f"nft {family} {table} {chain}"


def read_rule(reading: RuleReading, expressions: Iterable[Json]) -> None:
    """Take a rule apart into ``reading``; an empty rule has one entry that does nothing.

    What a reject depends on, nft puts before everything else in the rule and leaves out of listings
    (src/evaluate.c ``stmt_reject_gen_dependency``).
    """
    statements = tuple(expressions)
    for statement in statements:
        if isinstance(statement, dict):
            for guard in _reject_guard(statement.get("reject")):
                reading.require(guard)
    for statement in statements:
        _statement(reading, statement)
    if not reading.aces:
        reading.act(Continue())


def _statement(reading: RuleReading, statement: Json) -> None:
    if not isinstance(statement, dict) or len(statement) != 1:
        reading.act_unknown(statement, f"statement not understood: {shown(statement)}", bounded=False)
        return
    (name, value), = statement.items()  # fmt: skip
    if name == "match":
        reading.require(*reading.matches.read(value))
        if _hides_protocol(value) and not any(map(_names_protocol, reading.conditions[:-1])):
            reading.require(UnknownMatch(shown(value), "nft leaves out what protocol a th match is for"))
    elif name == "vmap" and isinstance(value, dict):
        _verdict_map(reading, value)
    elif name in TRANSLATIONS:
        _translate(reading, name, value)
    elif name == "mangle":
        _mangle(reading, statement, value)
    elif (verdict := verdict_of(reading, name, value)) is not None:
        reading.act(verdict)
    else:
        _side_effect(reading, statement, name)


def _hides_protocol(value: Json) -> bool:
    """nft 1.0.6 lists ``ip protocol 89 th dport 80`` as ``th dport 80``."""
    left = value.get("left") if isinstance(value, dict) else None
    payload = left.get("payload") if isinstance(left, dict) else None
    return isinstance(payload, dict) and payload.get("protocol") == "th"


def _names_protocol(matches: Matches) -> bool:
    return isinstance(matches, FieldIn) and matches.field is Field.PROTOCOL


def verdict_of(reading: RuleReading, name: str, value: Json) -> Action | None:
    """The action of a verdict statement."""
    match name, value:
        case "accept", _:
            return Forwarding.ACCEPT
        case "drop", _:
            return Forwarding.DROP
        case "reject", _:
            return Forwarding.REJECT
        case "return", _:
            return Return()
        case "continue", _:
            return Continue()
        case "jump", {"target": str(target)}:
            return Jump(reading.chain(target))
        case "goto", {"target": str(target)}:
            return Goto(reading.chain(target))
        case _:
            return None


def _reject_guard(value: Json) -> list[Matches]:
    """``reject with icmp`` is for IPv4, ``icmpv6`` for IPv6, ``tcp reset`` for TCP (nft(8))."""
    kind = value.get("type") if isinstance(value, dict) else None
    match kind:
        case "icmp":
            return [FamilyIs(Family.IPV4)]
        case "icmpv6":
            return [FamilyIs(Family.IPV6)]
        case "tcp reset":
            return [protocol_is(6)]
        case _:
            return []


def _side_effect(reading: RuleReading, statement: Json, name: str) -> None:
    """A statement that is neither match nor verdict."""
    if name in WITHOUT_EFFECT or name == "ct timeout":
        return
    if name in ("ct helper", "ct expectation"):
        _expects(reading, statement, name)
        return
    if name == "notrack":
        reading.act(NoTrack())
    elif name in MAY_STOP:
        reading.require(UnknownMatch(shown(statement), "depends on the traffic before"))
    elif name in ("set", "map"):
        reading.require(UnknownMatch(shown(statement), "stops where the set is full or a limit is met"))
    elif name == "reset":
        return
    elif name == "xt" and isinstance(statement["xt"], dict) and statement["xt"].get("type") == "match":
        reading.require(UnknownMatch(shown(statement), "nft does not print matches of iptables"))
    elif name == "xt":
        reading.act_unknown(statement, "nft does not print targets of iptables", bounded=False)
        reading.conditions.append(UnknownMatch(shown(statement)))
    elif name == "synproxy":
        reading.act_unknown(statement, "not modelled: synproxy", bounded=True)
    else:
        reading.act_unknown(statement, f"may send the packet elsewhere or change it: {name}", bounded=False)


def _expects(reading: RuleReading, statement: Json, name: str) -> None:
    """Packets of connections that no rule names become RELATED; a full ``ct expectation`` may stop."""
    reading.doubts.append(Doubt(HELPER, bounded=False))
    if name == "ct expectation":
        reading.require(UnknownMatch(shown(statement), "depends on the traffic before"))


def _verdict_map(reading: RuleReading, value: Json) -> None:
    """A verdict per value of a key: one entry each, and none for what the map does not hold."""
    selector = selector_of(value.get("key"))
    pairs, grows = map_pairs(value.get("data"), reading.sets)
    before = len(reading.conditions)
    reading.require(selector.guard)
    named: list[Matches] = []
    doubtful = _overlapping(selector, pairs)
    for number, (key, verdict) in enumerate(pairs):
        _map_entry(reading, selector, key, verdict, named, number in doubtful)
    if grows:
        reading.doubts.append(Doubt("entries of the map come and go, or are not listed"))
        reading.act(UnknownAction(shown(value)))
    del reading.conditions[before:]
    reading.conditions.append(UnknownMatch(f"vmap {shown(value.get('key'))}"))


def _overlapping(selector: Selector, pairs: tuple[tuple[Json, Json], ...]) -> set[int]:
    """Entries of a concatenated map that overlap another with a different verdict.

    The kernel takes the one that was added first (nft_set_pipapo.c), an order that nft does not print.
    """
    if len(selector.keys) == 1:
        return set()
    boxes = [selector.boxes(key) for key, _ in pairs]
    ranged = [number for number, box in enumerate(boxes) if any(low != high for low, high in box)]
    found: set[int] = set()
    for one in ranged:
        for other, box in enumerate(boxes):
            if other != one and pairs[one][1] != pairs[other][1] and _meet(boxes[one], box):
                found |= {one, other}
    return found


def _meet(one: tuple[Range, ...], other: tuple[Range, ...]) -> bool:
    return all(
        low <= last and first <= high for (low, high), (first, last) in zip(one, other, strict=False)
    )


def _map_entry(
    reading: RuleReading,
    selector: Selector,
    key: Json,
    verdict: Json,
    named: list[Matches],
    doubtful: bool,
) -> None:
    matches = selector.having(key)
    if bare_element(key)[0] == "*":
        matches = all_of([matches, negated(any_of(named))])
    if doubtful:
        matches = all_of([matches, UnknownMatch(f"element {shown(key)}", "it overlaps another")])
    named.append(matches)
    action = None
    if isinstance(verdict, dict) and len(verdict) == 1:
        (name, value), = verdict.items()  # fmt: skip
        action = verdict_of(reading, name, value)
    if action is None:
        reading.doubts.append(Doubt(f"verdict not modelled: {shown(verdict)}", bounded=False))
    reading.act(action or UnknownAction(shown(verdict)), matches)


def map_pairs(data: Json, sets: Sets) -> tuple[tuple[tuple[Json, Json], ...], bool]:
    """The (key, value) pairs of an anonymous or named map, catch-all last; true where they may change."""
    found: tuple[Json, ...] = ()
    grows = True
    match data:
        case {"set": [*pairs]}:
            found, grows = tuple(pairs), False
        case str() if data.startswith("@") and data[1:] in sets:
            found, grows = sets[data[1:]].elements, sets[data[1:]].grows
    if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in found):
        return (), True
    ordered = sorted(found, key=lambda pair: bool(bare_element(pair[0])[0] == "*"))
    return tuple((pair[0], pair[1]) for pair in ordered), grows


def _translate(reading: RuleReading, name: str, value: Json) -> None:
    made = translations(name, value, reading.sets)
    if made is None:
        reading.act_unknown({name: value}, "translation not modelled", bounded=False)
        return
    for matches, translate in made:
        reading.act(translate, *_translated_family(reading.family, translate), matches)


def _translated_family(table_family: str, translate: Translate) -> list[Matches]:
    """In an inet table a translation to an address of one family skips the other (nft_nat.c)."""
    return [FamilyIs(translate.family)] if table_family == "inet" and translate.family else []


def _mangle(reading: RuleReading, statement: Json, value: Json) -> None:
    """A write to a header field, a mark or other metadata.

    Where what is read, or the header that is written to, is not there, the rule ends (NFT_BREAK in
    nft_ct.c, nft_payload.c and nft_exthdr.c); nft does not list what the header depends on.
    """
    match value:
        case {"key": {"meta": {"key": "mark"}}, "value": written}:
            changed = _mark_change(written)
            loose = changed is None
            if changed is None:
                reading.doubts.append(Doubt("a mark that depends on the packet is not modelled"))
                reading.act(ForgetMark())
            else:
                kept, flipped = changed
                reading.act(SetMark(flipped, EVERY_MARK_BIT & ~kept))
        case {"key": {"meta": {"key": str(key)}}} if key in HARMLESS_META:
            loose = not isinstance(value.get("value"), int | str)
        case {"key": {"ct": {"key": str(key)}}} if key in HARMLESS_CT:
            loose = not isinstance(value.get("value"), int | str)
        case {"key": {"payload": {"protocol": str(protocol), "field": str(name)}}} if (
            protocol,
            name,
        ) in HARMLESS_FIELDS:
            loose = True
        case {"key": {"tcp option": _}}:
            loose = True
        case _:
            reading.act_unknown(
                statement, "writes to the packet in a way that is not modelled", bounded=False
            )
            return
    if loose:
        reading.require(UnknownMatch(shown(statement), "stops where what is read or written is absent"))


def _mark_change(value: Json) -> tuple[int, int] | None:
    """The bits of the mark that a value keeps, and those it then flips; ``None``: not of the mark alone."""
    match value:
        case bool():
            return None
        case int():
            return 0, value
        case {"meta": {"key": "mark"}}:
            return EVERY_MARK_BIT, 0
        case {"&": [inner, int(bits)]} if (changed := _mark_change(inner)) is not None:
            return changed[0] & bits, changed[1] & bits
        case {"|": [inner, int(bits)]} if (changed := _mark_change(inner)) is not None:
            return changed[0] & ~bits, changed[1] | bits
        case {"^": [inner, int(bits)]} if (changed := _mark_change(inner)) is not None:
            return changed[0], changed[1] ^ bits
        case _:
            return None
