"""The zone-based firewall: what may pass from zone to zone, to the device and from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from segaudit.model.acl import (
    Ace,
    Acl,
    AllOf,
    AnyOf,
    AnyPacket,
    Direction,
    FamilyIs,
    Field,
    FieldIn,
    Forwarding,
    Hook,
    InterfaceIn,
    Jump,
    Matches,
    Not,
    Return,
    UnknownMatch,
)
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.parse.cisco.names import PROTOCOLS
from segaudit.vendors.cisco_ios.convert_filters import ANSWERS, BOTH_FAMILIES, Filters, relayed
from segaudit.vendors.cisco_ios.records import ClassMap, ClassMatch, Config, PolicyClass, ZonePair

_SELF = "self"
_DEFAULT = "default"

_APPLICATIONS: Mapping[str, tuple[tuple[int, int], ...]] = {
    "dns": ((6, 53), (17, 53)), "ftp": ((6, 21),), "http": ((6, 80),), "https": ((6, 443),),
    "imap": ((6, 143),), "imaps": ((6, 993),), "ldap": ((6, 389),), "ldaps": ((6, 636),),
    "ntp": ((17, 123),), "pop3": ((6, 110),), "pop3s": ((6, 995),), "smtp": ((6, 25),),
    "snmp": ((17, 161),),
    "snmptrap": ((17, 162),), "ssh": ((6, 22),), "syslog": ((17, 514),), "telnet": ((6, 23),),
    "tftp": ((17, 69),), "isakmp": ((17, 500),), "bootps": ((17, 67),), "bootpc": ((17, 68),),
}  # fmt: skip
"""Ports of ``match protocol``, unless ``ip port-map`` moves them (IOS Zone-Based Policy Firewall guide)."""


_INSPECTS_IPV6 = (15, 2)
"""Releases before 15.1(2)T have no zones for IPv6 (Zone-Based Policy Firewall IPv6 Support, 15.1(2)T)."""


def add_zones(made: Filters, carried: Mapping[str, str]) -> None:
    """Attach the policies of all zone pairs; nothing where no zone is defined.

    ``carried`` are tunnels by name with the interface that carries them, in whose zone they are.
    """
    if not made.config.zones:
        return
    members = _members(made.config, carried)
    policies = {
        pair.policy: _policy(made, pair.policy)
        for pair in made.config.zone_pairs.values()
        if pair.policy is not None
    }
    between = Acl("zones", tuple(_between(made.config, members, policies)), Forwarding.DROP)
    made.attach(between, Hook.FORWARD, BOTH_FAMILIES)
    for hook, side in ((Hook.INPUT, Direction.IN), (Hook.OUTPUT, Direction.OUT)):
        rules = tuple(_with_self(made.config, members, policies, side))
        if rules:
            chain = Acl(f"zones {hook.value}", rules, Forwarding.ACCEPT)
            made.attach(chain, hook, BOTH_FAMILIES)


def _members(config: Config, carried: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The interfaces of each zone; a zone called ``default`` has those that are in no other."""
    found: dict[str, list[str]] = {name: [] for name in config.zones}
    for record in config.interfaces.values():
        zone = record.zone or (_DEFAULT if _DEFAULT in config.zones else None)
        if zone is not None:
            tunnels = [name for name, carrier in carried.items() if carrier == record.name]
            found.setdefault(zone, []).extend([record.name, *tunnels])
    return {zone: tuple(sorted(names)) for zone, names in found.items()}


def _between(
    config: Config, members: Mapping[str, tuple[str, ...]], policies: Mapping[str, Acl]
) -> Iterator[Ace]:
    if config.release is None or config.release < _INSPECTS_IPV6:
        perhaps = UnknownMatch("zones and IPv6", "older releases filter IPv4 only")
        yield Ace(AllOf((FamilyIs(Family.IPV6), perhaps)), Forwarding.ACCEPT, None, "(IPv6)")
    yield Ace(ANSWERS, Forwarding.ACCEPT, None, "(answers to what was inspected)")
    for family in Family:
        yield from relayed(config, family)
    zoned = tuple(name for names in members.values() for name in names)
    for pair in config.zone_pairs.values():
        if _SELF in (pair.source, pair.destination):
            continue
        place = AllOf((_in(members.get(pair.source, ())), _out(members.get(pair.destination, ()))))
        yield from _pair_rules(pair, place, policies)
    for zone, names in members.items():
        if not _has_pair(config, zone, zone):
            inside = AllOf((_in(names), _out(names)))
            yield Ace(inside, Forwarding.ACCEPT, config.zones.get(zone), f"(inside zone {zone})")
    outside = AllOf((Not(_in(zoned)), Not(_out(zoned))))
    yield Ace(outside, Forwarding.ACCEPT, None, "(between interfaces without a zone)")


def _with_self(
    config: Config,
    members: Mapping[str, tuple[str, ...]],
    policies: Mapping[str, Acl],
    side: Direction,
) -> Iterator[Ace]:
    """To the device and from it everything passes, but for a zone that has a pair with ``self``."""
    pairs = [
        pair
        for pair in config.zone_pairs.values()
        if (pair.destination if side is Direction.IN else pair.source) == _SELF
    ]
    if pairs:
        yield Ace(ANSWERS, Forwarding.ACCEPT, None, "(answers to what was inspected)")
    for pair in pairs:
        other = pair.source if side is Direction.IN else pair.destination
        yield from _pair_rules(pair, InterfaceIn(side, members.get(other, ())), policies)


def _pair_rules(pair: ZonePair, place: Matches, policies: Mapping[str, Acl]) -> Iterator[Ace]:
    if pair.policy is not None:
        yield Ace(place, Jump(policies[pair.policy].name), pair.span, f"zone-pair security {pair.name}")
    yield Ace(place, Forwarding.DROP, pair.span, f"(rest of zone-pair {pair.name})")


def _has_pair(config: Config, source: str, destination: str) -> bool:
    return any((one.source, one.destination) == (source, destination) for one in config.zone_pairs.values())


def _in(names: Iterable[str]) -> Matches:
    return InterfaceIn(Direction.IN, tuple(names))


def _out(names: Iterable[str]) -> Matches:
    return InterfaceIn(Direction.OUT, tuple(names))


# ---- policies and classes -----------------------------------------------------------------------


def _policy(made: Filters, name: str) -> Acl:
    """A policy's classes in order; what none of them matches is dropped by ``class-default``."""
    record = made.config.policy_maps.get(name)
    if record is None:
        acl = Acl(f"policy {name}", (_unsure(name),), Return())
    else:
        rules = tuple(rule for one in record.classes for rule in _class_rules(made, one))
        acl = Acl(f"policy {name}", rules, Return(), record.span)
    made.acls[acl.name] = acl
    return acl


def _unsure(name: str) -> Ace:
    """A policy that is not defined may let anything through."""
    return Ace(UnknownMatch(f"policy-map {name}", "not defined"), Forwarding.ACCEPT, None, name)


def _class_rules(made: Filters, one: PolicyClass) -> Iterator[Ace]:
    action = Forwarding.ACCEPT if one.action in ("inspect", "pass") else Forwarding.DROP
    text = f"class {one.name}: {one.action or 'drop'}"
    span = one.action_span or one.span
    if one.name == "class-default":
        yield Ace(AnyPacket(), action, span, text)
        return
    record = made.config.class_maps.get(one.name)
    if record is None:
        yield Ace(UnknownMatch(f"class-map {one.name}", "not defined"), action, span, text)
    elif record.every:
        yield from _of_every(made, record, action, span, text)
    else:
        for match in record.matches:
            yield from _of_one(made, match, (), action, span, text)


def _of_every(
    made: Filters, record: ClassMap, action: Forwarding, span: SourceSpan, text: str
) -> Iterator[Ace]:
    """``match-all``: one list's entries, each with all other matches; a second list is not resolved."""
    lists = [match for match in record.matches if match.words[:1] == ("access-group",)]
    others: list[Matches] = [_plain(made, match) for match in record.matches if match not in lists]
    others += [UnknownMatch(" ".join(match.words), "a second list") for match in lists[1:]]
    if lists:
        yield from _of_one(made, lists[0], tuple(others), action, span, text)
    elif others:
        yield Ace(AllOf(tuple(others)), action, span, text)


def _of_one(
    made: Filters,
    match: ClassMatch,
    others: tuple[Matches, ...],
    action: Forwarding,
    span: SourceSpan,
    text: str,
) -> Iterator[Ace]:
    """One match; what a list denies is not of the class, so its chain returns there."""
    if match.words[:1] != ("access-group",):
        yield Ace(AllOf((_plain(made, match), *others)), action, span, text)
        return
    name = match.words[-1]
    record = next((one for (_, listed), one in made.config.acls.items() if listed == name), None)
    if record is None or made.list_of(record.family, name) is None:
        yield Ace(UnknownMatch(f"access-group {name}", "no such list"), action, span, text)
        return
    rules: list[Ace] = []
    for ace in made.acls[_list_name(made, name)].aces:
        decides = action if ace.action is Forwarding.ACCEPT else Return()
        rules.append(Ace(AllOf((ace.matches, *others)), decides, ace.span or span, f"{text}; {ace.text}"))
    chain = Acl(f"{text}, line {match.span.first_line}", tuple(rules), Return(), match.span)
    made.acls[chain.name] = chain
    yield Ace(AnyPacket(), Jump(chain.name), span, text)


def _list_name(made: Filters, name: str) -> str:
    return name if name in made.acls else f"ipv6 {name}"


def _plain(made: Filters, match: ClassMatch) -> Matches:
    """``match protocol P``, ``match class-map C``; others are not modelled."""
    kind, name = match.words[0] if match.words else "", match.words[-1] if match.words else ""
    if kind == "protocol" and len(match.words) == 2:
        known = _protocol(name)
        more = UnknownMatch(f"ip port-map {name}", "it has more ports")
        return AnyOf((known, more)) if name in made.config.mapped_ports else known
    if kind == "class-map" and name in made.config.class_maps:
        return UnknownMatch(f"class-map {name}", "a class inside a class")
    return UnknownMatch(" ".join(match.words))


def _protocol(name: str) -> Matches:
    if name in ("tcp", "udp"):
        return FieldIn(Field.PROTOCOL, ((PROTOCOLS[name], PROTOCOLS[name]),))
    if name == "icmp":
        return FieldIn(Field.PROTOCOL, ((1, 1), (58, 58)))
    found = _APPLICATIONS.get(name)
    if found is None:
        return UnknownMatch(f"protocol {name}", "its ports are not known")
    parts = tuple(
        AllOf(
            (FieldIn(Field.PROTOCOL, ((number, number),)), FieldIn(Field.DESTINATION_PORT, ((port, port),)))
        )
        for number, port in found
    )
    return parts[0] if len(parts) == 1 else AnyOf(parts)
