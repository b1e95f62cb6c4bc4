"""nftables rulesets -> ``Acl`` chains and where they are applied."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from segaudit.model.acl import Ace, Acl, AclAttachment, Forwarding, Hook, Return, UnknownMatch
from segaudit.model.flow import Family
from segaudit.model.snapshot import RawFile
from segaudit.model.source import LineFate, SourceSpan
from segaudit.vendors.linux.filters.expressions import all_of
from segaudit.vendors.linux.filters.facts import Doubt, LineBook
from segaudit.vendors.linux.filters.nft_bytecode import Checks, contradicts, stated
from segaudit.vendors.linux.filters.nft_keys import shown
from segaudit.vendors.linux.filters.nft_matches import MatchReader
from segaudit.vendors.linux.filters.nft_nouns import Json, NftChain, NftRule, NftTable
from segaudit.vendors.linux.filters.nft_read import NftListing, listing_of, rule_text
from segaudit.vendors.linux.filters.nft_rules import RuleReading, acl_name, read_rule

FAMILIES = {
    "ip": frozenset({Family.IPV4}),
    "ip6": frozenset({Family.IPV6}),
    "inet": frozenset(Family),
}
"""Table families whose chains see routed packets."""

HOOKS = {
    "prerouting": Hook.PREROUTING,
    "input": Hook.INPUT,
    "forward": Hook.FORWARD,
    "output": Hook.OUTPUT,
    "postrouting": Hook.POSTROUTING,
}

_ONLY_RESTRICTS = frozenset(
    {"match", "vmap", "counter", "accept", "drop", "reject", "return", "continue", "jump", "goto", "log"}
    | {"limit", "quota", "comment", "last", "ct count"}
)
"""Statements that can at most drop a packet: leaving them out of the model loses no path."""


@dataclass(slots=True)
class NftFilters:
    """What the tables come to, while they are read."""

    acls: dict[str, Acl] = field(default_factory=dict)
    attachments: list[AclAttachment] = field(default_factory=list)
    reads_state: bool = False


@dataclass(frozen=True, slots=True)
class _Sources:
    """The two listings of one ruleset: JSON to read, text to cite."""

    json_file: RawFile
    text_file: RawFile | None
    listing: NftListing
    book: LineBook
    checks: Checks | None
    """What the rules check by their bytecode, where it was listed."""

    def rule_span(self, table: NftTable, rule: NftRule) -> tuple[SourceSpan, str]:
        """Where a rule stands and how the device prints it."""
        line = self.listing.rules.get((*table.key, rule.handle))
        if line is None or self.text_file is None:
            return SourceSpan(self.json_file.path, 1, 1), shown(list(rule.expressions))
        return SourceSpan(self.text_file.path, line, line), rule_text(self.book.lines[line])

    def chain_span(self, table: NftTable, chain: NftChain) -> SourceSpan:
        """The lines of a chain."""
        lines = self.listing.blocks.get((*table.key, "chain", chain.name))
        if lines is None or self.text_file is None:
            return SourceSpan(self.json_file.path, 1, 1)
        return SourceSpan(self.text_file.path, *lines)

    def note_table(self, table: NftTable, fate: LineFate, reason: str = "", bounded: bool = True) -> None:
        """Every line of a table has the same fate."""
        if self.text_file is None:
            if fate is not LineFate.FACT:
                self.book.note(1, fate, reason, bounded)
            return
        for line in self.listing.owned_by(table.key):
            self.book.note(line, fate, reason, bounded)

    def note_strangers(self, table: NftTable) -> None:
        """A rule that only the text shows: the two listings were taken of different rulesets."""
        known = {rule.handle for rule in table.rules}
        for (family, name, handle), line in self.listing.rules.items():
            if (family, name) == table.key and handle not in known:
                self.book.note(line, LineFate.UNRECOGNIZED, "not in nftables.json", bounded=False)

    def note_rule(self, table: NftTable, rule: NftRule, doubts: list[Doubt]) -> None:
        """The fate of one rule's line; without a text listing the JSON's only line bears all doubts."""
        line = 1 if self.text_file is None else self.listing.rules.get((*table.key, rule.handle))
        if line is None:
            if any(not doubt.bounded for doubt in doubts):
                self.book.note_rule(min(self.book.lines, default=1), doubts)
        elif doubts or self.text_file is not None:
            self.book.note_rule(line, doubts)


def read_tables(
    tables: tuple[NftTable, ...],
    json_file: RawFile,
    text_file: RawFile | None,
    covered: Collection[tuple[str, str]],
    checks: Checks | None = None,
) -> tuple[NftFilters, LineBook]:
    """The filters of ``tables``; those in ``covered`` are read from iptables-save instead.

    ``checks`` is what the rules check by their bytecode; without it what they state is believed.
    """
    cited = text_file or json_file
    listing = listing_of(text_file.text if text_file else "")
    sources = _Sources(json_file, text_file, listing, LineBook(cited.path, cited.text), checks)
    if text_file is None:
        sources.book.note_all(LineFate.FACT, "")
    for line in listing.remarks:
        sources.book.note(line, LineFate.IGNORED, "remark of nft")
    result = NftFilters()
    for table in tables:  # a rule holds on to connection tracking even where nothing runs it
        result.reads_state = result.reads_state or any(_reads_state(one.expressions) for one in table.rules)
        if table.key in covered:
            sources.note_table(table, LineFate.IGNORED, "read from iptables-save")
        elif table.dormant:
            sources.note_table(table, LineFate.IGNORED, "table is dormant")
        elif table.family in FAMILIES:
            _read_table(table, sources, result)
        else:
            _leave_out(table, sources)
    return result, sources.book


def _leave_out(table: NftTable, sources: _Sources) -> None:
    """A netdev, bridge or arp table is not modelled; where it only drops, nothing is lost by that."""
    restricts = all(_only_restricts(rule.expressions) for rule in table.rules) and not table.unread
    reason = f"filters of family {table.family} are not modelled"
    if not restricts:
        reason += ", and this table may redirect or change packets"
    sources.note_table(table, LineFate.UNSUPPORTED, reason, bounded=restricts)


def _only_restricts(expressions: tuple[Json, ...]) -> bool:
    return all(isinstance(each, dict) and set(each) <= _ONLY_RESTRICTS for each in expressions)


def _read_table(table: NftTable, sources: _Sources, result: NftFilters) -> None:
    sources.note_table(table, LineFate.FACT)
    sources.note_strangers(table)
    if table.unread:
        sources.note_table(
            table, LineFate.UNSUPPORTED, f"not modelled: {', '.join(table.unread)}", bounded=False
        )
    rules: dict[str, list[NftRule]] = {}
    for rule in table.rules:
        rules.setdefault(rule.chain, []).append(rule)
    matches = MatchReader(table.sets or {})
    for chain in table.chains:
        _read_chain(table, chain, rules.get(chain.name, []), matches, sources, result)


def _read_chain(
    table: NftTable,
    chain: NftChain,
    rules: list[NftRule],
    matches: MatchReader,
    sources: _Sources,
    result: NftFilters,
) -> None:
    span = sources.chain_span(table, chain)
    aces = []
    for rule in rules:
        place, text = sources.rule_span(table, rule)
        reading = RuleReading(table.family, table.name, table.sets or {}, matches, place, text)
        read_rule(reading, rule.expressions)
        aces += [_as_checked(ace, table, rule, sources, reading) for ace in reading.aces]
        sources.note_rule(table, rule, reading.doubts)
    name = acl_name(table.family, table.name, chain.name)
    default: Forwarding | Return = Forwarding.DROP if chain.drops_by_default else Forwarding.ACCEPT
    result.acls[name] = Acl(name, tuple(aces), default if chain.hook else Return(), span)
    if chain.hook:
        _attach(table, chain, name, sources, result)


def _as_checked(ace: Ace, table: NftTable, rule: NftRule, sources: _Sources, reading: RuleReading) -> Ace:
    """An entry of a rule; where the kernel checks other things than it states, it may or may not match."""
    families = FAMILIES[table.family]
    if contradicts(ace.matches, families):
        reading.doubts.append(Doubt("it contradicts itself, and nft does not check all that it states"))
        return replace(ace, matches=UnknownMatch(ace.text, "it contradicts itself"))
    if sources.checks is None:
        return ace
    checks = sources.checks.get((*table.key, rule.handle))
    by_table = {("family", int(family)) for family in families if len(families) == 1}
    if checks is not None and checks <= stated(ace.matches) | by_table:
        return ace
    reading.doubts.append(Doubt("the kernel checks more than nft lists"))
    return replace(
        ace, matches=all_of([ace.matches, UnknownMatch(ace.text, "more is checked than listed")])
    )


def _attach(table: NftTable, chain: NftChain, name: str, sources: _Sources, result: NftFilters) -> None:
    hook = HOOKS.get(chain.hook)
    if hook is None or chain.priority is None:
        restricts = all(_only_restricts(rule.expressions) for rule in table.rules)
        reason = f"hook {chain.hook} is not modelled"
        sources.note_table(table, LineFate.UNSUPPORTED, reason, bounded=restricts)
        return
    families = FAMILIES[table.family]
    translates = chain.kind == "nat"
    result.attachments.append(AclAttachment(name, hook, chain.priority, families, translates))


_TRACKED = frozenset({"snat", "dnat", "masquerade", "redirect", "synproxy", "tproxy"})
"""Statements for which the kernel tracks connections, or at least reassembles fragments."""


def _reads_state(value: Json) -> bool:
    """True where a rule looks at connection tracking anywhere, or needs it."""
    match value:
        case {"ct": _} | {"xt": _}:  # what an iptables extension does, nft does not print
            return True
        case dict():
            return any(
                name.startswith("ct ") or name in _TRACKED or _reads_state(inner)
                for name, inner in value.items()
            )
        case list() | tuple():
            return any(_reads_state(inner) for inner in value)
        case _:
            return False
