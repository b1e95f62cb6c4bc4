"""Rulebases -> records, in the order in which PAN-OS evaluates them.

Source: PAN-OS Web Interface Help 10.1, "Policies > Security", "Policies > NAT", "Policies >
Policy-Based Forwarding"; Panorama Administrator's Guide 10.1, "Device Group Policies" (order of rules).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from segaudit.vendors.paloalto_panos.records import (
    ANY,
    DefaultActions,
    ForwardingRule,
    NatRule,
    SecurityRule,
    VsysRecord,
    Words,
    ZoneRecord,
)
from segaudit.vendors.paloalto_panos.tree import Node

Rule = TypeVar("Rule")

_NOTHING = frozenset(
    {"description", "tag", "group-tag", "log-start", "log-end", "log-setting", "profile-setting", "option"}
    | {
        "qos",
        "disabled",
        "uuid",
        "icmp-unreachable",
        "disable-inspect",
        "disable-server-response-inspection",
    }
    | {"audit-comment", "loc", "nat-type"}
)
"""Parts of a rule that say nothing about which packets it is for, or are read elsewhere."""

_DOUBTS = {
    "source-user": "by the user who sends",
    "source-hip": "by the state of the sending host",
    "destination-hip": "by the state of the receiving host",
    "hip-profiles": "by the state of the host",
    "category": "by URL category",
    "schedule": "at certain times",
    "source-device": "by the device that sends",
    "destination-device": "by the device that receives",
    "saas-user-list": "by user list",
    "saas-tenant-list": "by tenant",
    "source-imsi": "by subscriber",
    "source-imei": "by equipment",
    "source-nw-slice": "by network slice",
    "active-active-device-binding": "by the device of a cluster",
    "active-active-device-id": "by the device of a cluster",
}
"""Parts that narrow a rule by what no packet header shows."""

_SECURITY = frozenset(
    {"from", "to", "source", "destination", "application", "service", "action", "rule-type"}
    | {"negate-source", "negate-destination"}
)
_NAT = frozenset(
    {"from", "to", "to-interface", "source", "destination", "service"}
    | {"source-translation", "destination-translation", "dynamic-destination-translation"}
)
_FORWARDING = frozenset({"action"})

DEFAULT_RULES = ("intrazone-default", "interzone-default")


def vsys_record(vsys: Node, pushed: Sequence[Node], shared: Node | None) -> VsysRecord:
    """One vsys with all rules that its packets meet.

    Args:
        vsys: its node.
        pushed: what Panorama pushed to it: nodes with ``pre-rulebase`` and ``post-rulebase``.
        shared: the ``shared`` section, which may hold rules too.
    """
    outer = [*([shared] if shared is not None else []), *pushed]
    places = [(one, "pre-rulebase") for one in outer]
    places += [(vsys, "pre-rulebase"), (vsys, "rulebase"), (vsys, "post-rulebase")]
    places += [(one, "post-rulebase") for one in reversed(outer)]
    if shared is not None:
        places.insert(0, (shared, "rulebase"))
    bases = [base for node, key in places if (base := node.get(key)) is not None]
    return VsysRecord(
        vsys.name,
        {zone.name: zone for node in vsys.each("zone") for zone in _zones(node)},
        vsys.words("import", "network", "interface"),
        _rules(bases, "security", _security_rule),
        _rules(bases, "nat", _nat_rule),
        _rules(bases, "pbf", _forwarding_rule),
        _defaults(bases),
    )


def _zones(node: Node) -> Iterable[ZoneRecord]:
    kinds = [one for one in node.each("network") if one.name in _ZONE_KINDS]
    if not kinds:
        yield ZoneRecord(node.name, "", (), node.span)
    for kind in kinds[:1]:
        members = tuple(name for one in kinds for name in one.words())
        yield ZoneRecord(node.name, kind.name, members, node.span)


_ZONE_KINDS = frozenset({"layer3", "layer2", "virtual-wire", "tap", "external", "tunnel"})


def _rules(bases: Iterable[Node], kind: str, read: Callable[[Node], Rule]) -> tuple[Rule, ...]:
    rules = []
    for base in bases:
        for node in base.each(kind, "rules"):
            if node.says_yes("disabled"):
                node.ignore("disabled")
                continue
            rules.append(read(node))
    return tuple(rules)


def _security_rule(node: Node) -> SecurityRule:
    return SecurityRule(
        node.name,
        node.span,
        _text(
            node, "security", ("from", "to", "source", "destination", "application", "service", "action")
        ),
        _words(node, "from"),
        _words(node, "to"),
        _words(node, "source", node.says_yes("negate-source")),
        _words(node, "destination", node.says_yes("negate-destination")),
        _words(node, "application"),
        _words(node, "service"),
        _action(node),
        node.word("rule-type", default="universal"),
        _doubts(node, _SECURITY),
    )


def _action(node: Node) -> str:
    """A single word, also where the action has parameters of its own below it."""
    return node.word("action")


def _words(node: Node, key: str, negated: bool = False) -> Words:
    members = node.words(key)
    return Words(members, bool(members), negated)


def _text(node: Node, kind: str, keys: Iterable[str]) -> str:
    """The rule in one line, as the set form would say it."""
    parts = [f"{key} {_listed(words)}" for key in keys if (words := node.words(key))]
    return f"{kind} rule {node.name}: {' '.join(parts)}"


def _listed(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"[ {' '.join(words)} ]"


def _doubts(node: Node, known: frozenset[str]) -> tuple[str, ...]:
    """Why the rule may not be for a packet that all of its known parts are for."""
    found = []
    for child in node.children.values():
        if child.name in _NOTHING:
            child.see_all()
            child.seen = True
        elif child.name in _DOUBTS:
            child.see_all()
            child.seen = True
            if not set(child.children) <= {ANY, "None"}:
                found.append(f"{child.name}: {_DOUBTS[child.name]}")
        elif child.name == "target":
            child.see_all()
            child.seen = True
            if child.children.get("devices") or child.children.get("tags"):
                found.append("target: for some devices only")
        elif child.name not in known:
            found.append(f"{child.name}: not known")
    return tuple(found)


def _nat_rule(node: Node) -> NatRule:
    doubts = _doubts(node, _NAT)
    if node.word("nat-type", default="ipv4") != "ipv4":
        doubts = (*doubts, f"nat-type: {node.word('nat-type')}")
    kind, addresses, interface, both_ways = _source_translation(node)
    target, port, dynamic = _destination_translation(node)
    return NatRule(
        node.name,
        node.span,
        _text(node, "nat", ("from", "to", "source", "destination", "service")),
        _words(node, "from"),
        _words(node, "to"),
        node.word("to-interface", default=ANY),
        _words(node, "source"),
        _words(node, "destination"),
        _words(node, "service"),
        kind, addresses, interface, both_ways,
        target, port, dynamic,
        doubts,
    )  # fmt: skip


def _source_translation(node: Node) -> tuple[str, tuple[str, ...], str, bool]:
    found = node.get("source-translation")
    if found is None or not found.children:
        return "", (), "", False
    kinds = found.each()
    if len(kinds) != 1 or kinds[0].name not in ("dynamic-ip-and-port", "dynamic-ip", "static-ip"):
        return "unknown", (), "", False
    kind = kinds[0]
    addresses = kind.words("translated-address")
    interface = kind.word("interface-address", "interface")
    kind.words("interface-address", "ip")
    if kind.holds("fallback") or kind.holds("interface-address", "floating-ip"):
        # Another pool when this one is used up, or an address of the cluster.
        return "unknown", (), "", False
    return kind.name, addresses, interface, kind.says_yes("bi-directional")


def _destination_translation(node: Node) -> tuple[str, str, bool]:
    dynamic = node.get("dynamic-destination-translation")
    found = dynamic or node.get("destination-translation")
    if found is None or not found.children:
        return "", "", False
    found.word("distribution")
    found.word("dns-rewrite", "direction")
    address, port = found.word("translated-address"), found.word("translated-port")
    return address, port, dynamic is not None or not address


def _forwarding_rule(node: Node) -> ForwardingRule:
    if node.says_yes("enforce-symmetric-return", "enabled"):
        node.doubt("answers go back where the packet came from, whatever the routes", bounded=False)
    node.see_all()
    action = next((one.name for one in node.each("action")), "")
    hop = node.get("action", "forward", "nexthop")
    address = hop.word("ip-address") or hop.word("fqdn") or hop.latest if hop is not None else ""
    return ForwardingRule(
        node.name,
        node.span,
        _text(node, "pbf", ("source", "destination", "service")),
        Words(node.words("from", "zone"), bool(node.words("from", "zone"))),
        node.words("from", "interface"),
        _words(node, "source", node.says_yes("negate-source")),
        _words(node, "destination", node.says_yes("negate-destination")),
        _words(node, "service"),
        action,
        node.word("action", "forward", "egress-interface"),
        address,
    )


def _defaults(bases: Iterable[Node]) -> DefaultActions:
    """The actions of the predefined rules, where they are overridden."""
    said: dict[str, set[str]] = {name: set() for name in DEFAULT_RULES}
    for base in bases:
        for rule in base.each("default-security-rules", "rules"):
            for key in (
                "log-start",
                "log-end",
                "log-setting",
                "profile-setting",
                "tag",
                "icmp-unreachable",
            ):
                part = rule.get(key)
                if part is not None:
                    part.see_all()
            action = rule.word("action")
            if action and rule.name in said:
                said[rule.name].add(action)
    intrazone, interzone = (said[name] for name in DEFAULT_RULES)
    return DefaultActions(_one(intrazone, "allow"), _one(interzone, "deny"))


def _one(said: set[str], default: str) -> str | None:
    if not said:
        return default
    return next(iter(said)) if len(said) == 1 else None
