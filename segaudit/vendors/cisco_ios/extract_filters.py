"""Access lists, object groups, inspection policies, route maps, NAT and crypto maps to records."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from segaudit.model.acl import UnknownMatch
from segaudit.model.flow import Family
from segaudit.parse.cisco import addresses, groups, vlans
from segaudit.parse.cisco.dialect import MaskStyle
from segaudit.parse.cisco.dispatch import Table
from segaudit.parse.cisco.fates import FACT, NOT_UNDERSTOOD, Fate, ignored, unrecognized, unsupported
from segaudit.parse.cisco.words import Words
from segaudit.vendors.cisco_ios.dialect import IOS
from segaudit.vendors.cisco_ios.records import (
    AclEntry,
    AclRecord,
    ClassMap,
    ClassMatch,
    CryptoMapEntry,
    NatPool,
    NatRule,
    PolicyClass,
    PolicyMap,
    RouteMapEntry,
    ZonePair,
)
from segaudit.vendors.cisco_ios.sections import Section

# ---- access lists -------------------------------------------------------------------------------


def numbered_list(section: Section, words: Words) -> Fate:
    """``access-list N permit | deny | remark ...``; 1-99 and 1300-1999 are standard, 100-199 and 2000-2699
    extended (Cisco IOS Security Configuration Guide, "IP Access List Overview").
    """
    number = words.take()
    if not number.isdecimal():
        return NOT_UNDERSTOOD
    kind = _kind_of_number(int(number))
    if kind is None:
        return ignored("a list of MAC addresses or another protocol; where it is applied is noted there")
    key = (Family.IPV4, number)
    if words.negated:
        return _removed(section, key, words)
    record = section.config.acls.setdefault(key, AclRecord(Family.IPV4, number, kind, words.span))
    _append(record, words)
    return FACT


def _kind_of_number(number: int) -> bool | None:
    if 1 <= number <= 99 or 1300 <= number <= 1999:
        return True
    return False if 100 <= number <= 199 or 2000 <= number <= 2699 else None


def _removed(section: Section, key: tuple[Family, str], words: Words) -> Fate:
    """``no access-list N`` takes all of it away; one entry's removal is not followed."""
    if not words.done:
        return unsupported("an entry is taken back")
    section.config.acls.pop(key, None)
    return FACT


def _append(record: AclRecord, words: Words) -> None:
    left = tuple(words.words[words.position :])
    record.entries.append(AclEntry(" ".join(words.words), words.span, left))


def named_list(standard: bool) -> Callable[[Section, Words], Fate]:
    """A reader of ``ip access-list standard | extended NAME`` and the entries beneath."""

    def read(section: Section, words: Words) -> Fate:
        return _entries(section, words, Family.IPV4, standard)

    return read


def ipv6_list(section: Section, words: Words) -> Fate:
    """``ipv6 access-list NAME`` and the entries beneath."""
    if words.peek() in ("log-update", "role-based"):
        return ignored("not a list that filters packets by address")
    return _entries(section, words, Family.IPV6, False)


def _entries(section: Section, words: Words, family: Family, standard: bool) -> Fate:
    name = words.take()
    if not name or not words.done:
        return NOT_UNDERSTOOD
    if words.negated:
        section.config.acls.pop((family, name), None)
        return FACT
    record = AclRecord(family, name, standard, section.span)
    record = section.config.acls.setdefault((family, name), record)
    section.every(lambda line: _entry(record, line))
    return FACT


def _entry(record: AclRecord, line: Words) -> Fate:
    first = line.peek()
    if first in ("exit", "exit-access-list"):
        return FACT
    if line.negated:
        return unsupported("an entry is taken back")
    known = first in ("permit", "deny", "remark", "evaluate", "sequence") or first.isdecimal()
    if not known:
        return _odd_entry(record, line)
    _append(record, line)
    return FACT


def _odd_entry(record: AclRecord, line: Words) -> Fate:
    """``dynamic NAME [timeout N] permit ...`` opens for those who log in: it may match."""
    if line.accept("dynamic"):
        while line.peek() not in ("permit", "deny", ""):
            line.take()
        if not line.done:
            words = (*line.words[line.position :], "time-range", "lock-and-key")
            record.entries.append(AclEntry(" ".join(line.words), line.span, words))
            return FACT
    return NOT_UNDERSTOOD


# ---- object groups ------------------------------------------------------------------------------


def network_group(section: Section, words: Words) -> Fate:
    """``object-group network NAME`` and its members (IOS Security Configuration Guide, "Object Groups for
    ACLs": a member's mask is a network mask).
    """
    members = section.config.groups.networks.setdefault(words.take(), [])

    def member(line: Words) -> Fate:
        if line.peek() in ("description", "exit"):
            return ignored("a description")
        found = None if line.negated else groups.read_network_member(line, MaskStyle.NETMASK)
        if found is None or not line.done:
            members.append(UnknownMatch(" ".join(line.words), "a member that is not understood"))
            return unrecognized(bounded=True)
        members.append(found)
        return FACT

    section.every(member)
    return FACT


def service_group(section: Section, words: Words) -> Fate:
    """``object-group service NAME`` and its members."""
    members = section.config.groups.service_groups.setdefault(words.take(), [])

    def member(line: Words) -> Fate:
        if line.peek() in ("description", "exit"):
            return ignored("a description")
        found = None if line.negated else groups.read_service_member(line, IOS)
        if found is None:
            members.append(UnknownMatch(" ".join(line.words), "a member that is not understood"))
            return unrecognized(bounded=True)
        members.append(found)
        return FACT

    section.every(member)
    return FACT


# ---- route maps ---------------------------------------------------------------------------------


def route_map(section: Section, words: Words) -> Fate:
    """``route-map NAME [permit | deny] [N]``: read for policy routing; for protocols it decides nothing."""
    name = words.take()
    permit = words.take() != "deny"
    sequence = words.take()
    if words.negated:
        section.config.route_maps.pop(name, None)
        return FACT
    entry = RouteMapEntry(permit, int(sequence) if sequence.isdecimal() else 10, section.span)
    section.config.route_maps.setdefault(name, []).append(entry)
    section.each(_ROUTE_MAP, entry)
    return FACT


def _match_acl(family: Family) -> Callable[[RouteMapEntry, Words], Fate]:
    def read(entry: RouteMapEntry, words: Words) -> Fate:
        if words.peek() == "prefix-list":
            entry.other_matches.append(words.rest())
        else:
            entry.acls.extend((family, name) for name in words.rest().split())
        return FACT

    return read


def _match(entry: RouteMapEntry, words: Words) -> Fate:
    entry.other_matches.append(words.rest())
    return FACT


def _set(entry: RouteMapEntry, words: Words) -> Fate:
    entry.sets.append(tuple(words.rest().split()))
    return FACT


_ROUTE_MAP: Table[RouteMapEntry] = Table(
    {
        "match ip address": _match_acl(Family.IPV4),
        "match ipv6 address": _match_acl(Family.IPV6),
        "match": _match,
        "set": _set,
    },
    harmless={"description": "a description", "continue": "the next entries are looked at in any case"},
)


# ---- zone-based firewall ------------------------------------------------------------------------


def zone(section: Section, words: Words) -> Fate:
    """``zone security NAME``."""
    if words.negated:
        return NOT_UNDERSTOOD
    section.config.zones[words.take()] = words.span
    section.all_are(ignored("a description"))
    return FACT


def zone_pair(section: Section, words: Words) -> Fate:
    """``zone-pair security NAME source A destination B`` / ``service-policy type inspect P``."""
    name = words.take()
    ends = dict.fromkeys(("source", "destination"), "")
    while words.peek() in ends:
        end = words.take()
        ends[end] = words.take()
    if not all(ends.values()) or not words.done:
        return NOT_UNDERSTOOD
    pair = ZonePair(name, ends["source"], ends["destination"], words.span)
    section.config.zone_pairs[name] = pair
    section.each(_ZONE_PAIR, pair)
    return FACT


def _policy(pair: ZonePair, words: Words) -> Fate:
    pair.policy = None if words.negated else words.take()
    return FACT


_ZONE_PAIR: Table[ZonePair] = Table(
    {"service-policy type inspect": _policy}, harmless={"description": "a description"}
)


def class_map(section: Section, words: Words) -> Fate:
    """``class-map type inspect [match-any | match-all] NAME``."""
    if words.negated:
        return NOT_UNDERSTOOD
    how = words.take() if words.peek() in ("match-any", "match-all") else "match-all"
    record = ClassMap(how == "match-all", words.span)
    record = section.config.class_maps.setdefault(words.take(), record)

    def line(one: Words) -> Fate:
        if one.peek() in ("description", "exit"):
            return ignored("a description")
        if one.negated or not one.accept("match"):
            return NOT_UNDERSTOOD
        record.matches.append(ClassMatch(tuple(one.rest().split()), one.span))
        return FACT

    section.every(line)
    return FACT


def policy_map(section: Section, words: Words) -> Fate:
    """``policy-map type inspect NAME``: its classes and what is done with them."""
    if words.negated:
        return NOT_UNDERSTOOD
    name = words.take()
    record = section.config.policy_maps.setdefault(name, PolicyMap(words.span))
    section.each(_POLICY_MAP, record)
    return FACT


def _class(record: PolicyMap, words: Words) -> Fate:
    words.accept("type", "inspect")
    record.classes.append(PolicyClass(words.take(), words.span))
    return FACT


def _action(name: str) -> Callable[[PolicyMap, Words], Fate]:
    def read(record: PolicyMap, words: Words) -> Fate:
        if not record.classes or words.negated:
            return NOT_UNDERSTOOD
        record.classes[-1].action, record.classes[-1].action_span = name, words.span
        return FACT

    return read


_POLICY_MAP: Table[PolicyMap] = Table(
    {
        "class": _class,
        "inspect": _action("inspect"),
        "pass": _action("pass"),
        "drop": _action("drop"),
        "reset": _action("drop"),
    },
    harmless={
        "description": "a description", "police": "it only ever drops", "exit": "the end of a block",
        "service-policy": "a look into the application only ever drops", "urlfilter": "it only ever drops",
    },
)  # fmt: skip


# ---- NAT ----------------------------------------------------------------------------------------


def nat_rule(section: Section, words: Words) -> Fate:
    """``ip nat inside | outside source | destination ...``."""
    rule = NatRule(tuple(words.words[2:]), words.span)
    words.rest()
    if words.negated:
        section.config.nat_rules = [one for one in section.config.nat_rules if one.words != rule.words]
    else:
        section.config.nat_rules.append(rule)
    return FACT


def nat_pool(section: Section, words: Words) -> Fate:
    """``ip nat pool NAME A B netmask M | prefix-length N``; pools made of several ranges are not read."""
    name = words.take()
    first, last = addresses.ipv4(words.take()), addresses.ipv4(words.take())
    if first is None or last is None or first > last:
        section.config.nat_pools[name] = NatPool(None, words.span)
        section.all_are(FACT)
        return FACT
    section.config.nat_pools[name] = NatPool(((first, last),), words.span)
    return FACT


# ---- crypto maps --------------------------------------------------------------------------------


def crypto_map(section: Section, words: Words) -> Fate:
    """``crypto map NAME N ipsec-isakmp [dynamic D]`` with peers and the lists of what is encrypted."""
    name, sequence = words.take(), words.take()
    if not sequence.isdecimal():
        return ignored("a setting of the whole crypto map")
    entry = CryptoMapEntry(words.span)
    section.config.crypto_maps.setdefault(name, {})[sequence] = entry
    entry.dynamic = "dynamic" in words.rest().split()
    section.each(_CRYPTO_MAP, entry)
    return FACT


def _peer(entry: CryptoMapEntry, words: Words) -> Fate:
    peer = addresses.ipv4(words.take())
    if peer is None:
        entry.dynamic = True
    else:
        entry.peers.append(peer)
    return FACT


def _encrypted(entry: CryptoMapEntry, words: Words) -> Fate:
    entry.acls.append(words.take())
    return FACT


def _reverse_route(entry: CryptoMapEntry, words: Words) -> Fate:
    del words
    entry.dynamic = True
    return FACT


_CRYPTO_MAP: Table[CryptoMapEntry] = Table(
    {"set peer": _peer, "match address": _encrypted, "reverse-route": _reverse_route},
    harmless={"set": "an encryption setting", "description": "a description", "qos": "queueing"},
)


# ---- VLAN maps ----------------------------------------------------------------------------------


def vlan_filter(section: Section, words: Words) -> Fate:
    """``vlan filter MAP vlan-list LIST``."""
    words.take()
    ranges = vlans.vlan_ranges(words.rest().removeprefix("vlan-list").strip())
    if ranges is None:
        return NOT_UNDERSTOOD
    if not words.negated:
        section.config.filtered_vlans.append((ranges, words.span))
    return FACT


FILTER_SECTIONS: Mapping[str, Callable[[Section, Words], Fate]] = {
    "access-list": numbered_list,
    "ip access-list standard": named_list(True),
    "ip access-list extended": named_list(False),
    "ipv6 access-list": ipv6_list,
    "object-group network": network_group,
    "object-group service": service_group,
    "route-map": route_map,
    "zone security": zone,
    "zone-pair security": zone_pair,
    "class-map type inspect": class_map,
    "policy-map type inspect": policy_map,
    "ip nat inside": nat_rule,
    "ip nat outside": nat_rule,
    "ip nat pool": nat_pool,
    "crypto map": crypto_map,
    "vlan filter": vlan_filter,
}
"""Top-level lines that filter, translate or redirect."""
