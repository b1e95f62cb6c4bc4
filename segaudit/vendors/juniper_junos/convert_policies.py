"""``security policies`` of an SRX as one chain that forwarded packets pass.

Order (Juniper, Security Policies User Guide, "Security Policy Ordering", Junos 21): the policies of the
pair of zones, then the global ones, then the default policy, which denies. A packet of a known session
passes. Policies see the destination after its translation and the source before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from segaudit.model.acl import (
    Ace,
    Acl,
    Action,
    AllOf,
    AnyOf,
    AnyPacket,
    Continue,
    Direction,
    End,
    Forwarding,
    InterfaceIn,
    Jump,
    Matches,
    Not,
    Return,
    UnknownAction,
    UnknownMatch,
)
from segaudit.parse.word_tree import Node
from segaudit.vendors.juniper_junos.addresses import GLOBAL, AddressBooks
from segaudit.vendors.juniper_junos.applications import Applications
from segaudit.vendors.juniper_junos.reading import Reading
from segaudit.vendors.juniper_junos.records import Zone
from segaudit.vendors.juniper_junos.zones import KNOWN

POLICIES = "security policies"
_HOST_ZONE = "junos-host"
_SHOWN_CHARACTERS = 240
_UNSURE = frozenset(
    (
        "source-identity", "source-end-user-profile", "destination-identity", "url-category",
        "from-zone-group", "source-l3vpn-vrf-group", "destination-l3vpn-vrf-group",
    )
)  # fmt: skip
_SCOPES = frozenset(
    (
        "policy-rematch", "policy-stats", "traceoptions", "policy-stats-options", "unified-policy",
        "stateless-rule", "pre-id-default-policy",
    )
)  # fmt: skip
_DECISIONS: dict[str, Action] = {
    "permit": Forwarding.ACCEPT,
    "deny": Forwarding.DROP,
    "reject": Forwarding.REJECT,
}


@dataclass(frozen=True, slots=True)
class Book:
    """What policies are read with."""

    reading: Reading
    zones: Mapping[str, Zone]
    addresses: AddressBooks
    applications: Applications


def policy_acls(book: Book) -> dict[str, Acl]:
    """The chain of all policies, and one for each pair of zones."""
    reading = book.reading
    top = reading.root.get("security", "policies")
    reading.fact(top, top.get("from-zone") if top else None)
    acls: dict[str, Acl] = {}
    head = [Ace(KNOWN, Forwarding.ACCEPT, text="packets of known sessions"), _outside(book)]
    for start in reading.root.under("security", "policies", "from-zone"):
        reading.fact(start, start.get("to-zone"))
        for end in start.under("to-zone"):
            head += _pair(book, acls, start, end)
    everywhere = top.get("global") if top else None
    if everywhere is not None:
        reading.fact(everywhere)
        acls[f"{POLICIES} global"] = _chain(book, f"{POLICIES} global", everywhere, None, None)
        head.append(Ace(AnyPacket(), Jump(f"{POLICIES} global"), text="global policies"))
    default = _default(reading, top)
    acls[POLICIES] = Acl(POLICIES, tuple(head), default)
    return acls


def _outside(book: Book) -> Ace:
    """Interfaces in no zone are in the null zone, which passes nothing."""
    names = tuple(name for zone in book.zones.values() for name in zone.interfaces)
    if "all" in names or not names:
        return Ace(Not(AnyPacket()), Continue(), text="interfaces in no zone")
    inside = AllOf(tuple(InterfaceIn(way, names) for way in Direction))
    return Ace(Not(inside), Forwarding.DROP, text="interfaces in no zone (null zone)")


def _default(reading: Reading, top: Node | None) -> Forwarding:
    for child in top or ():
        if child.word == "default-policy":
            reading.facts(child)
        elif child.word in _SCOPES:
            reading.ignored(child, "decides nothing of its own about a packet")
    permits = top is not None and top.has("default-policy", "permit-all")
    return Forwarding.ACCEPT if permits else Forwarding.DROP


def _pair(book: Book, acls: dict[str, Acl], start: Node, end: Node) -> Iterator[Ace]:
    reading = book.reading
    reading.fact(end)
    if _HOST_ZONE in (start.word, end.word):
        reading.unsupported(end, "what it would keep from the device counts as let in", bounded=True)
        return
    for zone in (start.word, end.word):
        if zone not in book.zones:
            reading.unrecognized(end, f"zone {zone} is not there", bounded=False)
    name = f"{POLICIES} {start.word} to {end.word}"
    acls[name] = _chain(book, name, end, start.word, end.word)
    match = AllOf((_zone(book, Direction.IN, start.word), _zone(book, Direction.OUT, end.word)))
    yield Ace(match, Jump(name), text=f"from-zone {start.word} to-zone {end.word}")


def _zone(book: Book, way: Direction, name: str) -> Matches:
    zone = book.zones.get(name)
    if zone is None:
        return UnknownMatch(f"zone {name}", "a zone that is not there")
    if "all" in zone.interfaces:
        others = tuple(
            one for other in book.zones.values() if other is not zone for one in other.interfaces
        )
        return Not(InterfaceIn(way, others))
    return InterfaceIn(way, zone.interfaces)


def _chain(book: Book, name: str, node: Node, start: str | None, end: str | None) -> Acl:
    policies = node.under("policy")
    book.reading.fact(node.get("policy"))
    if len({policy.inherited for policy in policies}) > 1:
        book.reading.unsupported(
            node, "policies of a group among others: their order is not known", bounded=False
        )
    aces = tuple(_policy(book, policy, start, end) for policy in policies)
    return Acl(name, aces, Return())


# ---- one policy ---------------------------------------------------------------------------------


def _policy(book: Book, node: Node, start: str | None, end: str | None) -> Ace:
    reading = book.reading
    reading.fact(node)
    match = node.get("match")
    found = [] if match is None else list(_matches(book, match, start, end))
    for child in node:
        if child.word == "description":
            reading.ignored(child, "a remark")
        elif child.word == "scheduler-name":
            reading.facts(child)
            found.append(UnknownMatch("scheduler-name", "in force at some times only"))
    action = _decision(reading, node.get("then"))
    return Ace(AllOf(tuple(found)), action, reading.span(node), _text(node))


def _text(node: Node) -> str:
    text = f"policy {node.word} {'; '.join(' '.join(words) for words in node.statements())}"
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _matches(book: Book, match: Node, start: str | None, end: str | None) -> Iterator[Matches]:
    reading = book.reading
    reading.fact(match)
    zones = {"from-zone": start or GLOBAL, "to-zone": end or GLOBAL}
    for child in match:
        word = child.word
        if word in ("source-address", "destination-address"):
            reading.facts(child)
            source = word == "source-address"
            zone = zones["from-zone" if source else "to-zone"]
            of = _addresses(book, zone, child.words(), End.SOURCE if source else End.DESTINATION)
            yield Not(of) if match.has(f"{word}-excluded") else of
        elif word in ("source-address-excluded", "destination-address-excluded"):
            reading.facts(child)
        elif word == "application":
            reading.facts(child)
            yield AnyOf(tuple(book.applications.match(name) for name in child.words()))
        elif word in ("from-zone", "to-zone"):
            reading.facts(child)
            yield _one_of(book, child.words(), Direction.IN if word == "from-zone" else Direction.OUT)
        elif word == "dynamic-application":
            reading.facts(child)
            if child.words() not in (["none"], ["any"]):
                yield UnknownMatch(
                    " ".join((word, *child.words())), "application decided after the first packets"
                )
        elif word in _UNSURE:
            reading.unsupported(child, "a match that is not modelled: it may match or not", bounded=True)
            yield UnknownMatch(word, "not modelled")
        else:
            reading.unrecognized(child, "a match that is not known", bounded=True)
            yield UnknownMatch(word, "not known")


def _one_of(book: Book, names: Sequence[str], way: Direction) -> Matches:
    if "any" in names:
        return AnyPacket()
    return AnyOf(tuple(_zone(book, way, name) for name in names))


def _addresses(book: Book, zone: str, names: Sequence[str], end: End) -> Matches:
    return AnyOf(tuple(book.addresses.match(zone, name, end) for name in names))


def _decision(reading: Reading, then: Node | None) -> Action:
    """What a policy decides; what is permitted into a tunnel goes where no route leads."""
    reading.fact(then)
    decided: list[tuple[bool, Action]] = []
    for child in then or ():
        action = _DECISIONS.get(child.word)
        if action is not None:
            reading.facts(child)
            decided.append((child.inherited, action))
        elif child.word in ("log", "count"):
            reading.ignored(child, "a record of what passes")
        else:
            reading.unrecognized(child, "an action that is not known to this reader")
            decided.append((child.inherited, UnknownAction(child.word)))
        if child.word == "permit" and child.has("tunnel"):
            reading.unsupported(child, "permits into a VPN that no interface stands for", bounded=False)
    own = [action for inherited, action in decided if not inherited] or [action for _, action in decided]
    if len(set(map(repr, own))) == 1:
        return own[0]
    return UnknownAction("a policy without a single action")
