"""Rules of all vsys -> chains at FORWARD, PREROUTING (destination NAT) and POSTROUTING (source NAT).

The security policy of PAN-OS matches a packet's original addresses, but the zone that its translated
destination is routed to; the model filters behind destination translation. So a rule's destination is
exact only for addresses that no translation leads to; for those it may hold where either the address
itself or what is translated to it is among the rule's destinations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from segaudit.model.acl import (
    Ace,
    Acl,
    AddressIn,
    AddressMasked,
    AllOf,
    AnyOf,
    AnyPacket,
    Direction,
    End,
    FamilyIs,
    Field,
    FieldIn,
    Forwarding,
    InterfaceIn,
    Jump,
    Matches,
    Not,
    Range,
    StateIn,
    Translate,
    TranslationKind,
    UnknownAction,
    UnknownMatch,
)
from segaudit.model.flow import ConnectionState, Family
from segaudit.vendors.paloalto_panos.objects import (
    AddressSet,
    Objects,
    PortService,
    ServiceSet,
    joined,
    parse_ports,
)
from segaudit.vendors.paloalto_panos.records import (
    ANY,
    ForwardingRule,
    NatRule,
    SecurityRule,
    VsysRecord,
    Words,
)

NEVER: Matches = AnyOf(())
BY_APPLICATION = "application decided after the first packets"
_STATES = frozenset({ConnectionState.ESTABLISHED, ConnectionState.RELATED})
ESTABLISHED = Ace(StateIn(_STATES), Forwarding.ACCEPT, text="packets of a session that was allowed")

_ACTIONS = {
    "allow": Forwarding.ACCEPT,
    "deny": Forwarding.DROP,
    "drop": Forwarding.DROP,
    "reset-client": Forwarding.REJECT,
    "reset-server": Forwarding.REJECT,
    "reset-both": Forwarding.REJECT,
}


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A destination translation: what it may take, and the addresses that come out."""

    rule: NatRule
    originals: tuple[tuple[Family, Range], ...] | None
    """``None``: any."""
    targets: tuple[tuple[Family, Range], ...]
    ports: tuple[Range, ...] = ()
    certain: bool = True
    """False for the way back of a bi-directional rule, whose zones are not followed."""


@dataclass(slots=True)
class Surroundings:
    """What the rules of one vsys are read with."""

    vsys: VsysRecord
    objects: Objects
    interfaces: tuple[str, ...]
    """All interfaces of the vsys; empty where it has every one."""
    undefined_zones: set[str] = field(default_factory=set)
    rewritten: tuple[Rewritten, ...] = ()
    unknown_translation: str = ""

    @property
    def targets(self) -> tuple[tuple[Family, Range], ...]:
        """Every address that a destination translation leads to."""
        return tuple(target for one in self.rewritten for target in one.targets)


# ---- parts of a match ---------------------------------------------------------------------------


def all_of(parts: Iterable[Matches]) -> Matches:
    """True where every part is; parts that are always true left out."""
    kept = tuple(part for part in parts if not isinstance(part, AnyPacket))
    return AnyPacket() if not kept else kept[0] if len(kept) == 1 else AllOf(kept)


def any_of(parts: Iterable[Matches]) -> Matches:
    """True where some part is."""
    kept = tuple(parts)
    if any(isinstance(part, AnyPacket) for part in kept):
        return AnyPacket()
    return kept[0] if len(kept) == 1 else AnyOf(kept)


def zone_matches(words: Words, direction: Direction, around: Surroundings, key: str) -> Matches:
    """Received from, or sent to, one of the zones."""
    if not words.given:
        return UnknownMatch(key, "not given")
    if ANY in words.members:
        return AnyPacket()
    parts: list[Matches] = []
    names: list[str] = []
    for name in words.members:
        zone = around.vsys.zones.get(name)
        if zone is None:
            around.undefined_zones.add(name)
            parts.append(UnknownMatch(f"{key} {name}", "zone not defined here"))
        elif zone.kind != "external":
            names += zone.interfaces
    if names:
        parts.insert(0, InterfaceIn(direction, tuple(sorted(set(names)))))
    return any_of(parts)


def address_matches(found: AddressSet, end: End, key: str) -> Matches:
    """One end's address is among ``found``, or may be."""
    parts: list[Matches] = [
        AddressIn(end, family, joined(ranges)) for family, ranges in sorted(found.ranges.items())
    ]
    parts += [AddressMasked(end, family, value, mask) for family, value, mask in found.masked]
    parts += [UnknownMatch(f"{key} {why}", why) for why in sorted(set(found.unknown))]
    return any_of(parts) if parts else NEVER


def words_match(words: Words, end: End, around: Surroundings, key: str) -> Matches:
    """One end's address as a rule has it, before any thought of translation."""
    if not words.given:
        return UnknownMatch(key, "not given")
    if ANY in words.members:
        return NEVER if words.negated else AnyPacket()
    found = around.objects.addresses(words.members)
    matches = address_matches(found, end, key)
    return _negated(matches, found, key) if words.negated else matches


def _negated(matches: Matches, found: AddressSet, key: str) -> Matches:
    """All other addresses; of a family that the list does not name that is not certain."""
    families = {*found.ranges, *(family for family, _, _ in found.masked)}
    named: list[Matches] = [FamilyIs(family) for family in sorted(families)]
    doubt = UnknownMatch(f"negated {key}", "the other address family")
    return AllOf((Not(matches), any_of([*named, doubt])))


def service_matches(found: ServiceSet, key: str) -> Matches:
    """One of the services, or what may be one."""
    if found.any:
        return AnyPacket()
    parts = [_port_service(one) for one in found.services]
    parts += [UnknownMatch(f"{key} {why}", why) for why in sorted(set(found.unknown))]
    return any_of(parts) if parts else NEVER


def _port_service(one: PortService) -> Matches:
    parts: list[Matches] = [FieldIn(Field.PROTOCOL, ((one.protocol, one.protocol),))]
    if one.destinations:
        parts.append(FieldIn(Field.DESTINATION_PORT, joined(one.destinations)))
    if one.sources:
        parts.append(FieldIn(Field.SOURCE_PORT, joined(one.sources)))
    return all_of(parts)


# ---- behind destination translation -------------------------------------------------------------


def destination_matches(words: Words, around: Surroundings, key: str = "destination") -> Matches:
    """A rule's destination, asked of a packet whose destination may have been translated."""
    plain = words_match(words, End.DESTINATION, around, key)
    if not around.rewritten or isinstance(plain, AnyPacket):
        return plain
    wanted = around.objects.addresses(words.members)
    doubtful: list[tuple[Family, Range]] = []
    for one in around.rewritten:
        doubtful += one.targets
    if not doubtful:
        return plain
    inside = _among(doubtful, End.DESTINATION)
    may = any(_may_hold(one, wanted, words) for one in around.rewritten)
    doubt = UnknownMatch(f"{key} before translation", "matched before destination translation")
    exact = AllOf((Not(inside), plain))
    return any_of([exact, AllOf((inside, doubt))]) if may else exact


def _may_hold(one: Rewritten, wanted: AddressSet, words: Words) -> bool:
    """True where a packet at a translated address may have been meant by the rule."""
    if words.negated or not words.given or wanted.unknown or wanted.masked or one.originals is None:
        return True
    ends = (*one.originals, *one.targets)
    return any(
        first <= last_wanted and first_wanted <= last
        for family, (first, last) in ends
        for first_wanted, last_wanted in wanted.ranges.get(family, ())
    )


def _among(addresses: Iterable[tuple[Family, Range]], end: End) -> Matches:
    by_family: dict[Family, list[Range]] = {}
    for family, ends in addresses:
        by_family.setdefault(family, []).append(ends)
    return any_of([AddressIn(end, family, joined(ranges)) for family, ranges in sorted(by_family.items())])


def ported(matches: Matches, around: Surroundings, key: str) -> Matches:
    """A rule's service, asked of a packet whose destination port may have been translated."""
    targets = [target for one in around.rewritten if one.ports for target in one.targets]
    if not targets or isinstance(matches, AnyPacket):
        return matches
    inside = _among(targets, End.DESTINATION)
    doubt = UnknownMatch(f"{key} before translation", "matched before port translation")
    return any_of([AllOf((Not(inside), matches)), AllOf((inside, doubt))])


# ---- security policy ----------------------------------------------------------------------------


def security_aces(around: Surroundings) -> Iterator[Ace]:
    """The rules of a vsys in order, and the two predefined ones."""
    for rule in around.vsys.security:
        yield Ace(security_matches(rule, around), _security_action(rule), rule.span, rule.text)
    yield from _default_aces(around)


def security_matches(rule: SecurityRule, around: Surroundings) -> Matches:
    """The packets that open a session by ``rule``."""
    services = around.objects.services(rule.services.members, rule.applications.members)
    service: Matches = service_matches(services, "service")
    if not rule.services.given:
        service = UnknownMatch("service", "not given")
    parts = [
        *_zone_parts(rule, around),
        words_match(rule.sources, End.SOURCE, around, "source"),
        destination_matches(rule.destinations, around),
        ported(service, around, "service"),
        *_application_parts(rule.applications),
        *(UnknownMatch(doubt, doubt) for doubt in rule.doubts),
    ]
    return all_of(parts)


def _application_parts(words: Words) -> Iterator[Matches]:
    if not words.given or ANY not in words.members:
        yield UnknownMatch(f"application {' '.join(words.members)}", BY_APPLICATION)


def _zone_parts(rule: SecurityRule, around: Surroundings) -> Iterator[Matches]:
    yield zone_matches(rule.source_zones, Direction.IN, around, "from")
    if rule.rule_type == "intrazone":
        yield _same_zone(around)
        return
    yield zone_matches(rule.destination_zones, Direction.OUT, around, "to")
    if rule.rule_type == "interzone":
        yield Not(_same_zone(around))
    elif rule.rule_type != "universal":
        yield UnknownMatch(f"rule-type {rule.rule_type}")


def _same_zone(around: Surroundings) -> Matches:
    """From and to one zone; zones that are not defined here leave it open."""
    parts = [
        AllOf((InterfaceIn(Direction.IN, zone.interfaces), InterfaceIn(Direction.OUT, zone.interfaces)))
        for zone in around.vsys.zones.values()
        if zone.interfaces and zone.kind != "external"
    ]
    return any_of(parts) if parts else NEVER


def _security_action(rule: SecurityRule) -> Forwarding | UnknownAction:
    return _ACTIONS.get(rule.action) or UnknownAction(f"action {rule.action or 'not given'}")


def _default_aces(around: Surroundings) -> Iterator[Ace]:
    defaults = around.vsys.defaults
    for text, matches, action in (
        ("intrazone-default", _same_zone(around), defaults.intrazone),
        ("interzone-default", AnyPacket(), defaults.interzone),
    ):
        known = _ACTIONS.get(action) if action is not None else None
        yield Ace(
            matches, known or UnknownAction(text), None, f"rule {text}: {action or 'overridden twice'}"
        )


# ---- translation --------------------------------------------------------------------------------


def rewritings(around: Surroundings) -> Iterator[Rewritten]:
    """The destination translations of a vsys; ``around.unknown_translation`` where one is not fixed."""
    zones = around.vsys.zones.values()
    for rule in around.vsys.nat:
        if any(zone.kind == "external" for zone in zones):
            around.unknown_translation = "what comes from another vsys is translated by two"
        if any(doubt.startswith("nat-type") for doubt in rule.doubts):
            around.unknown_translation = rule.text
        originals = _fixed(around.objects.addresses(rule.destinations.members), rule.destinations)
        if rule.destination_dynamic or rule.destination_address:
            targets = _fixed_targets(rule, around)
            ports = parse_ports(rule.destination_port) if rule.destination_port else ()
            if targets is None or ports is None:
                around.unknown_translation = rule.text
            else:
                yield Rewritten(rule, originals, targets, ports)
        if rule.source_kind == "static-ip" and rule.bidirectional:
            inner = _fixed(around.objects.addresses(rule.sources.members), rule.sources)
            outer = around.objects.addresses(rule.source_addresses)
            back = tuple((Family.IPV4, ends) for ends in outer.ranges.get(Family.IPV4, ()))
            inner = tuple(one for one in inner or () if one[0] is Family.IPV4)
            if not inner or not back or outer.unknown or outer.masked:
                around.unknown_translation = rule.text
            else:
                yield Rewritten(rule, back, inner, certain=False)


def _fixed(found: AddressSet, words: Words) -> tuple[tuple[Family, Range], ...] | None:
    """The ranges of a list; ``None`` where it may be anything."""
    if ANY in words.members or words.negated or not words.given or found.unknown or found.masked:
        return None
    return tuple((family, ends) for family, many in found.ranges.items() for ends in many)


def _fixed_targets(rule: NatRule, around: Surroundings) -> tuple[tuple[Family, Range], ...] | None:
    if rule.destination_dynamic:
        return None
    found = around.objects.addresses([rule.destination_address])
    fixed = _fixed(found, Words((rule.destination_address,))) or ()
    return tuple(one for one in fixed if one[0] is Family.IPV4) or None


def nat_matches(rule: NatRule, around: Surroundings, *, routed: bool) -> Matches:
    """The packets that ``rule`` translates: as received, or (``routed``) behind destination translation."""
    service = service_matches(around.objects.services(rule.services.members), "service")
    if not rule.services.given:
        service = UnknownMatch("service", "not given")
    source = words_match(rule.sources, End.SOURCE, around, "source")
    doubts = [UnknownMatch(doubt, doubt) for doubt in rule.doubts]
    incoming = zone_matches(rule.source_zones, Direction.IN, around, "from")
    # Translation of IPv6 is of another type, and unknown here.
    four = FamilyIs(Family.IPV4)
    if not routed:
        destination = words_match(rule.destinations, End.DESTINATION, around, "destination")
        return all_of([four, incoming, *_towards(rule), source, destination, service, *doubts])
    parts = [
        four,
        incoming,
        _sent_to(rule, around),
        source,
        destination_matches(rule.destinations, around),
        ported(service, around, "service"),
        *doubts,
    ]
    return all_of(parts)


def _towards(rule: NatRule) -> Iterator[Matches]:
    """The zone that the untranslated destination is routed to, which nobody knows before routing."""
    if ANY not in rule.destination_zones.members or not rule.destination_zones.given:
        yield UnknownMatch(
            f"to {' '.join(rule.destination_zones.members)}", "zone of the route before translation"
        )
    if rule.destination_interface != ANY:
        yield UnknownMatch(f"to-interface {rule.destination_interface}", "route before translation")


def _sent_to(rule: NatRule, around: Surroundings) -> Matches:
    """Zone and interface of the route; of a translated packet they were those of another route."""
    parts = [zone_matches(rule.destination_zones, Direction.OUT, around, "to")]
    if rule.destination_interface != ANY:
        parts.append(InterfaceIn(Direction.OUT, (rule.destination_interface,)))
    matches = all_of(parts)
    if not around.targets or isinstance(matches, AnyPacket):
        return matches
    inside = _among(around.targets, End.DESTINATION)
    doubt = UnknownMatch("to before translation", "route before destination translation")
    return any_of([AllOf((Not(inside), matches)), AllOf((inside, doubt))])


def destination_aces(around: Surroundings) -> Iterator[Ace]:
    """The NAT rules as destination translation sees them; one without it ends the search.

    The ways back of bi-directional rules stand first: each may apply or not, wherever its rule stands.
    """
    forward: dict[int, Rewritten] = {}
    for one in around.rewritten:
        if one.certain:
            forward[id(one.rule)] = one
        else:
            translate = _translated(one)
            yield Ace(_way_back(one.originals or ()), translate, one.rule.span, f"{one.rule.text}{_BACK}")
    for rule in around.vsys.nat:
        found = forward.get(id(rule))
        action = Forwarding.ACCEPT if found is None else _translated(found)
        yield Ace(nat_matches(rule, around, routed=False), action, rule.span, rule.text)


_BACK = " (bi-directional)"


def _translated(one: Rewritten) -> Translate:
    pool = joined(ends for _, ends in one.targets)
    return Translate(TranslationKind.DESTINATION, pool, one.ports, Family.IPV4)


def _way_back(addresses: Iterable[tuple[Family, Range]]) -> Matches:
    """Packets to the addresses that a static translation gave its sources, or gives back to them."""
    doubt = UnknownMatch("bi-directional", "the way back of a static translation")
    return AllOf((_among(addresses, End.DESTINATION), doubt))


def source_aces(around: Surroundings, own: Mapping[str, Sequence[tuple[Family, int]]]) -> Iterator[Ace]:
    """The NAT rules as source translation sees them; what came by a way back may be left alone.

    Args:
        around: the vsys.
        own: the addresses of each interface.
    """
    for one in around.rewritten:
        if not one.certain:
            yield Ace(_way_back(one.targets), Forwarding.ACCEPT, one.rule.span, f"{one.rule.text}{_BACK}")
    for rule in around.vsys.nat:
        matches = nat_matches(rule, around, routed=True)
        if not rule.source_kind:
            yield Ace(matches, Forwarding.ACCEPT, rule.span, rule.text)
            continue
        pool = _pool(rule, around, own)
        translate = Translate(TranslationKind.SOURCE, pool, (), Family.IPV4 if pool else None)
        yield Ace(matches, translate, rule.span, rule.text)


def _pool(
    rule: NatRule, around: Surroundings, own: Mapping[str, Sequence[tuple[Family, int]]]
) -> tuple[Range, ...]:
    """The addresses that a source may become; none: any."""
    if rule.source_addresses:
        found = around.objects.addresses(rule.source_addresses)
        exact = not found.unknown and not found.masked
        return joined(found.ranges.get(Family.IPV4, ())) if exact else ()
    addresses = own.get(rule.source_interface, ())
    return joined((address, address) for family, address in addresses if family is Family.IPV4)


# ---- policy-based forwarding --------------------------------------------------------------------


def forwarding_matches(rule: ForwardingRule, around: Surroundings) -> Matches:
    """Packets that policy-based forwarding may take; whether it does hangs on monitors and applications."""
    services = service_matches(around.objects.services(rule.services.members), "service")
    parts: list[Matches] = [
        InterfaceIn(Direction.IN, around.interfaces) if around.interfaces else AnyPacket()
    ]
    if rule.source_interfaces:
        parts.append(InterfaceIn(Direction.IN, rule.source_interfaces))
    elif rule.source_zones.given:
        parts.append(zone_matches(rule.source_zones, Direction.IN, around, "from"))
    parts += [
        words_match(rule.sources, End.SOURCE, around, "source"),
        destination_matches(rule.destinations, around),
    ]
    parts += [ported(services, around, "service")] if rule.services.given else []
    return all_of([*parts, UnknownMatch(rule.text, "policy-based forwarding may apply")])


# ---- chains -------------------------------------------------------------------------------------

FORWARD_CHAIN = "security policy"
DESTINATION_CHAIN = "destination NAT"
SOURCE_CHAIN = "source NAT"


def chains(
    all_around: Sequence[Surroundings], own: Mapping[str, Sequence[tuple[Family, int]]]
) -> dict[str, Acl]:
    """Every chain: one per vsys, and those that send each packet to its vsys's."""
    acls: dict[str, Acl] = {}
    heads: dict[str, list[Ace]] = {FORWARD_CHAIN: [ESTABLISHED], DESTINATION_CHAIN: [], SOURCE_CHAIN: []}
    for around in all_around:
        name = around.vsys.name
        made: dict[str, tuple[Ace, ...]] = {
            FORWARD_CHAIN: tuple(_with_neighbours(around)),
            DESTINATION_CHAIN: tuple(destination_aces(around)),
            SOURCE_CHAIN: tuple(source_aces(around, own)),
        }
        for chain, aces in made.items():
            if not aces:
                continue
            default = Forwarding.DROP if chain == FORWARD_CHAIN else Forwarding.ACCEPT
            acls[f"{chain} of {name}"] = Acl(f"{chain} of {name}", aces, default)
            guard = InterfaceIn(Direction.IN, around.interfaces) if around.interfaces else AnyPacket()
            heads[chain].append(Ace(guard, Jump(f"{chain} of {name}"), None, f"packets received by {name}"))
    placed = tuple(sorted({name for around in all_around for name in around.interfaces}))
    if placed:
        elsewhere = AllOf((Not(InterfaceIn(Direction.IN, placed)), UnknownMatch("received by no vsys")))
        heads[FORWARD_CHAIN].append(Ace(elsewhere, Forwarding.ACCEPT, None, "interfaces of no vsys"))
    for chain, head in heads.items():
        if chain == FORWARD_CHAIN or head:
            default = Forwarding.DROP if chain == FORWARD_CHAIN else Forwarding.ACCEPT
            acls[chain] = Acl(chain, tuple(head), default)
    return acls


def _with_neighbours(around: Surroundings) -> Iterator[Ace]:
    """The rules of a vsys; what leaves it for another may pass, as that one's rules are not followed."""
    if around.interfaces:
        away = Not(InterfaceIn(Direction.OUT, around.interfaces))
        doubt = UnknownMatch("to another vsys", "two policies and external zones decide")
        yield Ace(AllOf((away, doubt)), Forwarding.ACCEPT, None, "packets for another vsys")
        yield Ace(away, Forwarding.DROP, None, "packets for another vsys that are not allowed")
    yield from security_aces(around)
