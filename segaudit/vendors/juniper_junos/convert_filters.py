"""``firewall filter``: its terms as an ``Acl`` (first match decides, the rest is discarded)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from segaudit.model.acl import (
    Ace,
    Acl,
    Action,
    AllOf,
    Continue,
    Forwarding,
    Jump,
    Matches,
    Return,
    UnknownAction,
    UnknownMatch,
)
from segaudit.model.flow import Family
from segaudit.parse.word_tree import Node
from segaudit.vendors.juniper_junos.filter_matches import term_matches
from segaudit.vendors.juniper_junos.prefix_lists import PrefixLists
from segaudit.vendors.juniper_junos.reading import Reading

FAMILIES: Mapping[str, frozenset[Family]] = {
    "inet": frozenset({Family.IPV4}),
    "inet6": frozenset({Family.IPV6}),
    "any": frozenset(Family),
}
ANYWHERE = ""
"""A redirect that does not name a routing instance."""

_SHOWN_CHARACTERS = 240
_NESTED = " (nested)"
_BEHIND_A_HEADER = UnknownMatch("next-header", "an extension header may stand before the one it means")
"""Junos compares the first header after that of IPv6 ("may or may not be the actual protocol")."""
_OPTIONS = frozenset(
    (
        "interface-specific", "physical-interface-filter", "interface-shared", "accounting-profile",
        "enhanced-mode", "fast-lookup-filter", "instance-shared", "scale-optimized",
    )
)  # fmt: skip
_MODIFIERS = frozenset(
    (
        "count", "log", "syslog", "sample", "policer", "three-color-policer", "loss-priority",
        "forwarding-class", "dscp", "traffic-class", "port-mirror", "port-mirror-instance", "packet-mode",
        "hierarchical-policer", "prefix-action", "service-accounting", "service-accounting-deferred",
        "force-premium", "policy-map", "ipsec-sa", "load-balance", "no-ttl-decrement", "analyzer",
        "service-filter-hit", "precedence", "gbp-src-tag", "l2-mirror", "dont-fragment", "clear-policy-map",
    )
)  # fmt: skip
_REDIRECTS = frozenset(("next-interface", "next-ip", "next-ip6", "topology", "logical-system", "tenant"))
_BYPASSES = frozenset(("packet-mode", "ipsec-sa"))


@dataclass(frozen=True, slots=True)
class Filter:
    """A firewall filter. ``redirects`` are the routing instances that it sends packets to."""

    family: str
    name: str
    aces: tuple[Ace, ...]
    redirects: frozenset[str]
    nests: tuple[str, ...]
    node: Node


Filters = Mapping[tuple[str, str], Filter]
"""By family (``inet``, ``inet6``, ``any``) and name."""


def filters(reading: Reading, lists: PrefixLists) -> Filters:
    """Every IP firewall filter; those of other families do not see routed packets."""
    firewall = reading.root.get("firewall")
    if firewall is None:
        return {}
    found = {}
    reading.fact(firewall, firewall.get("family"), firewall.get("filter"))
    for family, node in _defined(firewall):
        found[family, node.word] = _filter(reading, lists, family, node)
    return found


def _defined(firewall: Node) -> Iterator[tuple[str, Node]]:
    yield from (("inet", node) for node in firewall.under("filter"))
    for family in FAMILIES:
        yield from ((family, node) for node in firewall.under("family", family, "filter"))


def _filter(reading: Reading, lists: PrefixLists, family: str, node: Node) -> Filter:
    terms = node.under("term")
    reading.fact(node, node.get("term"))
    if len({term.inherited for term in terms}) > 1:
        reading.unsupported(node, "terms of a group among others: their order is not known", bounded=False)
    for child in node:
        if child.word in _OPTIONS:
            reading.facts(child)
    aces: list[Ace] = []
    redirects: set[str] = set()
    nests: list[str] = []
    for term in terms:
        ace = _ace(reading, lists, family, node, term, redirects, nests)
        aces.append(ace)
    if not terms:
        aces.append(Ace(term_matches(reading, lists, None, None), UnknownAction("a filter without terms")))
    return Filter(family, node.word, tuple(aces), frozenset(redirects), tuple(nests), node)


def _ace(
    reading: Reading,
    lists: PrefixLists,
    family: str,
    owner: Node,
    term: Node,
    redirects: set[str],
    nests: list[str],
) -> Ace:
    only = FAMILIES[family]
    start = term.get("from")
    matches: Matches = term_matches(reading, lists, min(only) if len(only) == 1 else None, start)
    reading.fact(term, term.get("then"))
    nested = term.value("filter")
    if nested is not None:
        reading.facts(term.get("filter"))
        nests.append(nested)
        action: Action = Jump(acl_name(family, nested) + _NESTED)
    else:
        action = _action(reading, term.get("then"), redirects)
    if start is not None and start.has("next-header") and action in (Forwarding.DROP, Forwarding.REJECT):
        matches = AllOf((matches, _BEHIND_A_HEADER))
    return Ace(matches, action, reading.span(term), _text(owner, term))


def _text(owner: Node, term: Node) -> str:
    parts = [" ".join(words) for words in term.statements()]
    text = f"filter {owner.word} term {term.word} {'; '.join(parts)}"
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _action(reading: Reading, then: Node | None, redirects: set[str]) -> Action:
    """The terminating action; a term with none but modifiers accepts."""
    if then is None:
        return Forwarding.ACCEPT
    decided: list[tuple[bool, Action]] = []
    doubtful = False
    for node in then:
        action = _one_action(reading, node, redirects)
        if action is not None:
            decided.append((node.inherited, action))
            doubtful = doubtful or isinstance(action, UnknownAction)
    own = [action for inherited, action in decided if not inherited] or [one for _, one in decided]
    if doubtful or len(set(map(repr, own))) > 1:
        return UnknownAction("; ".join(" ".join(words) for words in then.statements()))
    return own[0] if own else Forwarding.ACCEPT


def _one_action(reading: Reading, node: Node, redirects: set[str]) -> Action | None:
    """What one statement of ``then`` decides; ``None`` for a modifier."""
    word = node.word
    if word in _MODIFIERS:
        bounded = word not in _BYPASSES
        if bounded:
            reading.facts(node)
        else:
            reading.unsupported(node, "takes packets past other checks", bounded=False)
        return None
    if word == "next":
        reading.facts(node)
        return Continue() if node.has("term") else UnknownAction("next")
    if word in ("accept", "discard", "reject"):
        reading.facts(node)
        return {"accept": Forwarding.ACCEPT, "discard": Forwarding.DROP}.get(word, Forwarding.REJECT)
    if word == "routing-instance":
        reading.facts(node)
        redirects.update(child.word for child in node)
        return Forwarding.ACCEPT
    if word in _REDIRECTS:
        reading.facts(node)
        redirects.add(ANYWHERE)
        return Forwarding.ACCEPT
    reading.unrecognized(node, "an action that is not known to this reader")
    return UnknownAction(word)


# ---- as lists -----------------------------------------------------------------------------------


def acl_name(family: str, name: str) -> str:
    """The name of a filter's ``Acl``: families have name spaces of their own."""
    return f"{family} {name}"


def filter_acls(found: Filters) -> dict[str, Acl]:
    """The filters as they decide where they are applied alone, and inside one another."""
    acls = {}
    nested = {acl_name(one.family, name) for one in found.values() for name in one.nests}
    for one in found.values():
        name = acl_name(one.family, one.name)
        acls[name] = Acl(name, one.aces, Forwarding.DROP)
        if name in nested:
            acls[name + _NESTED] = Acl(name + _NESTED, one.aces, Return())
    return acls


def list_acl(found: Filters, family: str, names: tuple[str, ...]) -> Acl | None:
    """Filters of an ``input-list`` one after the other, then discard; ``None`` where one is not there."""
    listed = [found.get((family, name)) for name in names]
    known = [one for one in listed if one is not None]
    if len(known) != len(listed):
        return None
    title = f"{family} list {' '.join(names)}"
    return Acl(title, tuple(ace for one in known for ace in one.aces), Forwarding.DROP)


def redirects_of(found: Filters, family: str, names: tuple[str, ...]) -> frozenset[str]:
    """The routing instances that filters, and those nested in them, send packets to."""
    seen: set[str] = set()
    waiting = list(names)
    targets: set[str] = set()
    while waiting:
        name = waiting.pop()
        one = found.get((family, name))
        if one is not None and name not in seen:
            seen.add(name)
            targets |= one.redirects
            waiting += one.nests
    return frozenset(targets)
