"""``security nat``: static, destination and source translation of an SRX.

Order (Juniper, Network Address Translation User Guide, "NAT Overview", Junos 21): static, destination, the
route, the policy, static backwards, source. Of several rule sets that a packet fits the most specific
decides (interface before zone before routing instance), then the first rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from segaudit.model.acl import (
    Ace,
    Acl,
    Action,
    AddressIn,
    AllOf,
    AnyOf,
    Direction,
    End,
    Field,
    FieldIn,
    Forwarding,
    InterfaceIn,
    Matches,
    Range,
    Translate,
    TranslationKind,
    UnknownMatch,
)
from segaudit.model.device import Interface
from segaudit.model.flow import Family
from segaudit.parse.word_tree import Node
from segaudit.vendors.juniper_junos import words
from segaudit.vendors.juniper_junos.addresses import GLOBAL, AddressBooks
from segaudit.vendors.juniper_junos.applications import Applications
from segaudit.vendors.juniper_junos.reading import Reading
from segaudit.vendors.juniper_junos.records import Zone

BEFORE = "nat static and destination"
AFTER = "nat static and source"
_CONTEXTS = ("interface", "zone", "routing-instance")
"""From the most to the least specific."""


@dataclass(slots=True)
class Nat:
    """The chains of translation; ``unknown`` where there are translations that are not modelled."""

    before: list[Ace] = field(default_factory=list)
    after: list[Ace] = field(default_factory=list)
    unknown: bool = False
    proxied: set[str] = field(default_factory=set)

    def acls(self) -> dict[str, Acl]:
        """The chains, where there is anything in them."""
        chains = ((BEFORE, self.before), (AFTER, self.after))
        return {name: Acl(name, tuple(aces), Forwarding.ACCEPT) for name, aces in chains if aces}


@dataclass(frozen=True, slots=True)
class _Set:
    """A rule set: where it applies, its rules, and how specific it is."""

    kind: str
    node: Node
    place: Matches
    rank: tuple[int, int]
    unsure: bool


class _Reader:
    def __init__(
        self,
        reading: Reading,
        zones: Mapping[str, Zone],
        interfaces: Mapping[str, Interface],
        addresses: AddressBooks,
        applications: Applications,
    ) -> None:
        self.reading = reading
        self.zones = zones
        self.interfaces = interfaces
        self.addresses = addresses
        self.applications = applications
        self.nat = Nat()

    # -- rule sets -------------------------------------------------------------------------------

    def sets(self, kind: str) -> list[_Set]:
        """The rule sets of one kind, the most specific first."""
        top = self.reading.root.get("security", "nat", kind)
        self.reading.fact(top, top.get("rule-set") if top else None)
        found = [
            self._set(kind, node) for node in self.reading.root.under("security", "nat", kind, "rule-set")
        ]
        found.sort(key=lambda one: one.rank)
        mixed = len({one.rank for one in found}) > 1
        lowest = min((one.rank for one in found), default=(0, 0))
        return [
            _Set(one.kind, one.node, one.place, one.rank, mixed and one.rank != lowest) for one in found
        ]

    def _set(self, kind: str, node: Node) -> _Set:
        self.reading.fact(node, node.get("rule"))
        self.reading.ignored(node.get("description"), "a remark")
        places, ranks = [], []
        for key, way in (("from", Direction.IN), ("to", Direction.OUT)):
            place, rank = self._context(node.get(key), way)
            places.append(place)
            ranks.append(rank)
        return _Set(kind, node, AllOf(tuple(places)), (ranks[0], ranks[1]), False)

    def _context(self, node: Node | None, way: Direction) -> tuple[Matches, int]:
        """Which interfaces a ``from`` or ``to`` means; all where there is none."""
        if node is None:
            return AllOf(()), len(_CONTEXTS)
        self.reading.facts(node)
        for rank, key in enumerate(_CONTEXTS):
            names = node.words(key)
            if names:
                return InterfaceIn(way, tuple(self._members(key, names))), rank
        return UnknownMatch(" ".join(node.children), "a place that is not known"), len(_CONTEXTS)

    def _members(self, key: str, names: Iterable[str]) -> Iterator[str]:
        for name in names:
            if key == "interface":
                yield name if "." in name else f"{name}.0"
            elif key == "zone":
                zone = self.zones.get(name)
                yield from (("*",) if zone is None or "all" in zone.interfaces else zone.interfaces)
            else:
                own = [one.name for one in self.interfaces.values() if one.vrf == name]
                yield from own or ["*"]

    def _rules(self, kind: str) -> Iterator[tuple[_Set, Node, Matches]]:
        for one in self.sets(kind):
            for rule in one.node.under("rule"):
                self.reading.fact(rule)
                self.reading.ignored(rule.get("description"), "a remark")
                found: list[Matches] = [one.place, *self._matches(rule.get("match"))]
                if one.unsure:
                    found.append(UnknownMatch("rule-set", "whether a more specific rule set decides"))
                yield one, rule, AllOf(tuple(found))

    def _matches(self, match: Node | None) -> Iterator[Matches]:
        self.reading.fact(match)
        for child in match or ():
            found = self._match(child)
            if found is None:
                self.reading.unsupported(
                    child, "a match that is not modelled: it may match or not", bounded=True
                )
                found = UnknownMatch(child.word, "not modelled")
            else:
                self.reading.facts(child)
            yield found

    def _match(self, child: Node) -> Matches | None:
        word = child.word
        if word in ("source-address", "destination-address"):
            return self._addresses(child.words(), End.SOURCE if word[0] == "s" else End.DESTINATION)
        if word in ("source-address-name", "destination-address-name"):
            end = End.SOURCE if word[0] == "s" else End.DESTINATION
            return AnyOf(tuple(self.addresses.match(GLOBAL, name, end) for name in child.words()))
        if word == "application":
            return AnyOf(tuple(self.applications.match(name) for name in child.words()))
        if word == "protocol":
            return _in(Field.PROTOCOL, child.words(), words.PROTOCOLS)
        if word in ("source-port", "destination-port"):
            field_ = Field.SOURCE_PORT if word[0] == "s" else Field.DESTINATION_PORT
            return _in(field_, list(_port_words(child)), {})
        return None

    def _addresses(self, texts: Iterable[str], end: End) -> Matches | None:
        found: list[Matches] = []
        for text in texts:
            one = words.prefix(text)
            if one is None:
                return None
            found.append(AddressIn(end, one[0], (words.range_of(one),)))
        return AnyOf(tuple(found))

    # -- the kinds -------------------------------------------------------------------------------

    def static(self) -> None:
        for one, rule, match in self._rules("static"):
            then = rule.get("then", "static-nat")
            self.reading.facts(rule.get("then"))
            inside = _prefix_of(then, "prefix")
            outside = [words.prefix(text) for text in rule.words("match", "destination-address")]
            outer = outside[0] if len(outside) == 1 else None
            if inside is None or outer is None or inside[0] is not outer[0] or inside[2] != outer[2]:
                self._unknown(rule)
                continue
            span, text = self.reading.span(rule), _text(rule)
            ports = _port_range(then, "mapped-port")
            to = Translate(TranslationKind.STATIC_DESTINATION, (words.range_of(inside),), ports, inside[0])
            self.nat.before.append(Ace(match, to, span, text))
            back: list[Matches] = [
                AddressIn(End.SOURCE, inside[0], (words.range_of(inside),)),
                _turned(one),
            ]
            if ports or rule.has("match", "source-address"):
                back.append(UnknownMatch("static-nat", "translated back under some conditions only"))
            from_ = Translate(TranslationKind.STATIC_SOURCE, (words.range_of(outer),), (), outer[0])
            self.nat.after.append(Ace(AllOf(tuple(back)), from_, span, text))

    def destination(self) -> None:
        pools = self.reading.root.get("security", "nat", "destination", "pool")
        self.reading.facts(pools)
        for _, rule, match in self._rules("destination"):
            then = rule.get("then", "destination-nat")
            self.reading.facts(rule.get("then"))
            name = None if then is None else then.value("pool")
            pool = None if pools is None or name is None else pools.get(name)
            action: Action | None = None
            if then is not None and then.has("off"):
                action = Forwarding.ACCEPT
            elif pool is not None and not pool.has("routing-instance"):
                action = _pooled(pool, TranslationKind.DESTINATION)
            if action is None:
                self._unknown(rule)
            else:
                self.nat.before.append(Ace(match, action, self.reading.span(rule), _text(rule)))

    def source(self) -> None:
        pools = self.reading.root.get("security", "nat", "source", "pool")
        self.reading.facts(pools)
        for _, rule, match in self._rules("source"):
            then = rule.get("then", "source-nat")
            self.reading.facts(rule.get("then"))
            action = self._source_action(then, pools)
            if action is None or _persists(then, pools):
                self._unknown(rule)
            else:
                self.nat.after.append(Ace(match, action, self.reading.span(rule), _text(rule)))

    def _source_action(self, then: Node | None, pools: Node | None) -> Action | None:
        if then is None:
            return None
        if then.has("off"):
            return Forwarding.ACCEPT
        if then.has("interface"):
            return Translate(TranslationKind.MASQUERADE)
        name = then.value("pool")
        pool = None if pools is None or name is None else pools.get(name)
        if pool is None or pool.has("overflow-pool") or pool.has("routing-instance"):
            return None
        return _pooled(pool, TranslationKind.SOURCE)

    def _unknown(self, rule: Node) -> None:
        """A translation that is not modelled: any header may then leave the device."""
        self.nat.unknown = True
        self.reading.unsupported(rule, "a translation that is not modelled: any may happen", bounded=True)


def _pooled(pool: Node, kind: TranslationKind) -> Action | None:
    """The translation to a pool's addresses; ``None`` where they cannot be read."""
    ranges: list[Range] = []
    family: Family | None = None
    ports: tuple[Range, ...] = ()
    for statement in pool.get("address").statements() if pool.has("address") else ():  # type: ignore[union-attr]
        ends = [one for word in statement if (one := words.prefix(word)) is not None]
        if not ends or (family is not None and ends[0][0] is not family):
            return None
        family = ends[0][0]
        if "to" in statement and len(ends) == 2:
            ranges.append((words.range_of(ends[0])[0], words.range_of(ends[1])[1]))
        else:
            ranges.append(words.range_of(ends[0]))
        if "port" in statement[:-1]:
            port = words.number_range(statement[statement.index("port") + 1], {}, 65535)
            ports = () if port is None else (port,)
    good = ranges and all(first <= last for first, last in ranges)
    return Translate(kind, tuple(sorted(set(ranges))), ports, family) if good else None


def _persists(then: Node | None, pools: Node | None) -> bool:
    """True where others than the answerer may send to the translated address."""
    name = None if then is None else then.value("pool")
    nodes = [
        node for node in (then, pools.get(name) if pools is not None and name else None) if node is not None
    ]
    return any(inner.word == "persistent-nat" for node in nodes for inner in node.walk())


def _turned(one: _Set) -> Matches:
    """Where packets of the inside leave, if a rule set's place is where those for it come in."""
    match one.place:
        case AllOf(of=(InterfaceIn(_, names), _)):
            return InterfaceIn(Direction.OUT, names)
        case _:
            return UnknownMatch("static-nat", "a place that is not known")


def _prefix_of(then: Node | None, key: str) -> words.Prefix | None:
    value = None if then is None else then.value(key)
    if value is None or then is None or then.has(key, value, "routing-instance"):
        return None
    return words.prefix(value)


def _port_range(then: Node | None, key: str) -> tuple[Range, ...]:
    found = [
        one
        for node in (then.walk() if then is not None else ())
        if node.word == key
        for word in node.words()
        if (one := words.number_range(word, {}, 65535)) is not None
    ]
    return tuple(found)


def _port_words(node: Node) -> Iterator[str]:
    for statement in node.statements():
        if len(statement) == 3 and statement[1] == "to":
            yield f"{statement[0]}-{statement[2]}"
        else:
            yield " ".join(statement)


def _in(field_: Field, texts: Sequence[str], names: dict[str, int]) -> Matches | None:
    found = [words.number_range(text, names, 65535) for text in texts]
    known = tuple(one for one in found if one is not None)
    return FieldIn(field_, known) if known and len(known) == len(found) else None


def _text(rule: Node) -> str:
    return f"rule {rule.word} {'; '.join(' '.join(statement) for statement in rule.statements())}"[:240]


_TOP_HARMLESS = frozenset(("traceoptions", "allow-overlapping-pools"))
_SOURCE_HARMLESS = frozenset(
    (
        "address-persistent", "port-randomization", "pool-utilization-alarm", "interface",
        "pool-default-port-range", "pool-default-twin-port-range", "port-round-robin",
        "port-scaling-enlargement", "session-persistence-scan", "session-drop-hold-down",
        "pool-default-port-range-twin",
    )
)  # fmt: skip


def nat(
    reading: Reading,
    zones: Mapping[str, Zone],
    interfaces: Mapping[str, Interface],
    addresses: AddressBooks,
    applications: Applications,
) -> Nat:
    """Every translation of the device."""
    top = reading.root.get("security", "nat")
    reader = _Reader(reading, zones, interfaces, addresses, applications)
    if top is None:
        return reader.nat
    reading.fact(top)
    for child in top:
        if child.word in ("proxy-arp", "proxy-ndp"):
            reading.facts(child)
            names = child.words("interface")
            reader.nat.proxied.update(name if "." in name else f"{name}.0" for name in names)
        elif child.word in _TOP_HARMLESS:
            reading.ignored(child, "translates nothing")
        elif child.word not in ("static", "destination", "source"):
            reader.nat.unknown = True
            reading.unsupported(child, "a translation that is not modelled: any may happen", bounded=True)
    for child in top.under("source"):
        if child.word in _SOURCE_HARMLESS:
            reading.ignored(child, "how ports of a pool are chosen: any of them counts")
    reader.static()
    reader.destination()
    reader.source()
    return reader.nat
