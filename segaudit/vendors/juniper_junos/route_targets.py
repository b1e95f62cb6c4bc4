"""Which routing instances take routes from which: route targets, rib groups, imports between instances.

Source: Juniper, Layer 3 VPNs User Guide, "Route Target" and "auto-export" (Junos 21.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from segaudit.parse.word_tree import Node
from segaudit.vendors.juniper_junos.records import MASTER, Instance

Targets = frozenset[str] | None
"""Route targets; ``None`` where any may be among them."""

_VPN = frozenset(("inet-vpn", "inet6-vpn", "evpn", "l2vpn", "inet-mvpn", "inet6-mvpn", "route-target"))


def leaks(root: Node, instances: Mapping[str, Instance]) -> dict[str, frozenset[str]]:
    """Per VRF the others whose routes it may take by route target, and the master for those from afar."""
    vrfs = [one for one in instances.values() if one.kind == "vrf"]
    remote = _speaks_vpn(instances.values())
    imports = {one.name: _targets(root, one, "import") for one in vrfs}
    exports = {one.name: _targets(root, one, "export") for one in vrfs}
    automatic = {one.name for one in vrfs if one.node.has("routing-options", "auto-export")}
    found: dict[str, frozenset[str]] = {}
    for one in vrfs:
        others = {
            other.name
            for other in vrfs
            if other is not one
            and (remote or {one.name, other.name} & automatic)
            and _meet(imports[one.name], exports[other.name])
        }
        if one.name in automatic or others or remote:
            found[one.name] = frozenset(others | ({MASTER} if remote else set()))
    return found


def _speaks_vpn(instances: Iterable[Instance]) -> bool:
    for one in instances:
        if one.node.has("protocols", "evpn"):
            return True
        bgp = one.node.get("protocols", "bgp")
        if bgp is not None and any(node.word in _VPN for node in bgp.walk()):
            return True
    return False


def _meet(one: Targets, other: Targets) -> bool:
    return one is None or other is None or bool(one & other)


def _targets(root: Node, instance: Instance, way: str) -> Targets:
    node = instance.node
    found: set[str] = set()
    for child in node.under("vrf-target"):
        if child.word in ("import", "export"):
            found |= set(child.words()) if child.word == way else set()
        elif child.word == "auto":
            return None
        else:
            found.add(child.word)
    for name in node.words(f"vrf-{way}"):
        policy = root.get("policy-options", "policy-statement", name)
        said = None if policy is None else _said(root, policy, way)
        if said is None:
            return None
        found |= said
    return frozenset(found)


def _said(root: Node, policy: Node, way: str) -> Targets:
    """The route targets that a policy takes or sets; ``None`` where it may be any."""
    found: set[str] = set()
    terms = policy.under("term") or [policy]
    for term in terms:
        if term.has("then", "reject"):
            continue
        names = _names(term, way)
        if names is None:
            return None
        for name in names:
            members = root.get("policy-options", "community", name, "members")
            if members is None or any(not _is_plain(word) for word in members.words()):
                return None
            found |= set(members.words())
    return frozenset(found)


def _names(term: Node, way: str) -> list[str] | None:
    if way == "import":
        start = term.get("from")
        return None if start is None or not start.has("community") else start.words("community")
    then = term.get("then", "community")
    if then is None:
        return []
    return [name for word in ("add", "set", "+", "=") for name in then.words(word)]


def _is_plain(word: str) -> bool:
    return word.startswith("target:") and not set(word) & set("*.[]()^$|?+")
