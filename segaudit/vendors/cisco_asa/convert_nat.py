"""NAT rules to two chains: destinations before routing, sources after it.

The ASA finds one rule for both ends of a packet and applies its destination half before it looks for the
output interface. The neutral model tries two lists, each in the ASA's order; wherever that may choose
otherwise than the ASA would, the entry matches only perhaps, so that what the ASA does is among what the
model allows.
"""

from __future__ import annotations

from collections.abc import Iterator

from segaudit.model.acl import (
    Ace,
    Acl,
    AclAttachment,
    Action,
    AddressIn,
    AllOf,
    AnyPacket,
    Direction,
    End,
    FamilyIs,
    Field,
    FieldIn,
    Forwarding,
    Hook,
    InterfaceIn,
    Matches,
    Range,
    Translate,
    TranslationKind,
    UnknownMatch,
)
from segaudit.model.flow import Family
from segaudit.parse.cisco.acl import conjunction
from segaudit.vendors.cisco_asa.convert_interfaces import tunnel_names
from segaudit.vendors.cisco_asa.nat_rules import NatRule, PortMap
from segaudit.vendors.cisco_asa.objects import EVERY, Addresses
from segaudit.vendors.cisco_asa.records import Config

DESTINATIONS = "nat destinations"
SOURCES = "nat sources"
ASYMMETRIC = "nat reverse path"
_CHECK, _BEFORE, _AFTER = -150, -100, 100
_EVERY_PORT = ((0, 65535),)
_ONE_BY_ONE = 16
"""How many addresses of a static rule get an entry each."""

_PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132}
_ORDER = UnknownMatch("rule order", "an earlier rule may fit the packet")
_HALF = UnknownMatch("the other end", "whether the rule fitted before routing")
_IN_USE = UnknownMatch("a translation in use", "while it lasts, it may be used from the other side")
_DROPPED = UnknownMatch("asymmetric NAT", "the answer would fit another rule")


class Nat:
    """The translations of one configuration.

    Args:
        config: the records.
        rules: the active rules, in order.
    """

    def __init__(self, config: Config, rules: list[NatRule]) -> None:
        self._config = config
        self._rules = [rule for rule in rules if not rule.problem]
        self._named = config.by_nameif()

    def attached(self) -> tuple[tuple[Acl, ...], tuple[AclAttachment, ...]]:
        """The chains and where they are applied; none without rules."""
        if not self._rules:
            return (), ()
        families = frozenset(Family)
        chains = (
            Acl(ASYMMETRIC, tuple(self._asymmetric()), Forwarding.ACCEPT),
            Acl(DESTINATIONS, tuple(self._destinations()), Forwarding.ACCEPT),
            Acl(SOURCES, tuple(self._sources()), Forwarding.ACCEPT),
        )
        return chains, (
            AclAttachment(ASYMMETRIC, Hook.PREROUTING, _CHECK, families),
            AclAttachment(DESTINATIONS, Hook.PREROUTING, _BEFORE, families, translates=True),
            AclAttachment(SOURCES, Hook.POSTROUTING, _AFTER, families, translates=True),
        )

    def proxied(self) -> frozenset[str]:
        """The interfaces on which mapped addresses are answered for, unless that is turned off."""
        names = {
            one.name
            for rule in self._rules
            if "no-proxy-arp" not in rule.flags and rule.mapped.size
            for one in self._config.named(rule.mapped_if)
            if one.nameif not in self._config.no_proxy_arp
        }
        aliases = {self._named[name].name for name in self._config.aliases if name in self._named}
        return frozenset(names | aliases)

    # -- before routing --------------------------------------------------------------------------

    def _destinations(self) -> Iterator[Ace]:
        for at, rule in enumerate(self._rules):
            yield from self._called(rule, self._rules[:at])
            yield from self._mapped(rule)

    def _called(self, rule: NatRule, earlier: list[NatRule]) -> Iterator[Ace]:
        """Packets of the real side to a destination that the rule asks for, and perhaps calls otherwise."""
        if rule.seen is None or rule.meant is None:
            return
        overlapped = rule.keeps_destination or rule.services or any(_may_fit(one, rule) for one in earlier)
        seen = self._own(rule.real_if) if rule.seen_at_interface else rule.seen
        for family in Family:
            where = [self._by(Direction.IN, rule.real_if), _match(rule.real, End.SOURCE, family)]
            where += [_ORDER] if overlapped else []
            yield from self._entries(rule, family, where, seen, rule.meant, End.DESTINATION, None)

    def _mapped(self, rule: NatRule) -> Iterator[Ace]:
        """Packets of the mapped side to a mapped address."""
        if "unidirectional" in rule.flags:
            return
        mapped = rule.mapped | self._own(rule.mapped_if) if rule.to_interface else rule.mapped
        for family in Family:
            where = [self._by(Direction.IN, rule.mapped_if)]
            if rule.meant is not None:
                where.append(_match(rule.meant, End.SOURCE, family))
            if not rule.static:
                where.append(_IN_USE)
            elif rule.services or (rule.to_interface and rule.port is None):
                where.append(_ORDER)
            yield from self._entries(rule, family, where, mapped, rule.real, End.DESTINATION, rule.port)

    # -- after routing ---------------------------------------------------------------------------

    def _sources(self) -> Iterator[Ace]:
        for rule in self._rules:
            yield from self._real(rule)
            yield from self._meant(rule)

    def _real(self, rule: NatRule) -> Iterator[Ace]:
        """Packets of the real side get the mapped source."""
        for family in Family:
            where = self._through(rule.real_if, rule.mapped_if)
            if rule.meant is not None:
                where.append(_match(rule.meant, End.DESTINATION, family))
            if not rule.keeps_destination or rule.services or self._lands_in(rule):
                where.append(_HALF)
            if rule.to_interface:
                yield from self._hidden(rule, family, where)
            else:
                yield from self._entries(rule, family, where, rule.real, rule.mapped, End.SOURCE, rule.port)

    def _lands_in(self, rule: NatRule) -> bool:
        """True where another rule may make a destination into one that ``rule`` asks for."""
        return rule.meant is not None and any(
            other is not rule
            and not other.identity
            and _same_interface(other.mapped_if, rule.real_if)
            and _overlap(other.real, rule.meant)
            for other in self._rules
        )

    def _hidden(self, rule: NatRule, family: Family, where: list[Matches]) -> Iterator[Ace]:
        """Behind the address of the output interface; behind a pool first, where there is one."""
        if family is Family.IPV6 and "ipv6" not in rule.flags:
            return
        source = _match(rule.real, End.SOURCE, family)
        matches = conjunction([*where, source, *_port_match(rule.port, End.SOURCE, mapped=False)])
        if rule.mapped.ranges(family):
            pool = UnknownMatch("pool", "the interface's address is used where the pool has none left")
            pooled = Translate(TranslationKind.SOURCE, rule.mapped.ranges(family), (), family)
            yield _ace(rule, AllOf((matches, pool)), pooled)
        ports = ((rule.port.mapped, rule.port.mapped),) if rule.port else ()
        yield _ace(rule, matches, Translate(TranslationKind.MASQUERADE, (), ports, family))

    def _meant(self, rule: NatRule) -> Iterator[Ace]:
        """Packets of the mapped side get the source that the rule calls them by."""
        two_way = rule.static and "unidirectional" not in rule.flags
        if rule.seen is None or rule.meant is None or rule.keeps_destination or not two_way:
            return
        for family in Family:
            where = self._through(rule.mapped_if, rule.real_if)
            where += [_match(rule.real, End.DESTINATION, family), _HALF]
            seen = self._own(rule.real_if) if rule.seen_at_interface else rule.seen
            yield from self._entries(rule, family, where, rule.meant, seen, End.SOURCE, None)

    def _asymmetric(self) -> Iterator[Ace]:
        """Packets to a real address whose answer a rule would translate are dropped, by most rules.

        Not those that an identity rule fits before.
        """
        for rule in self._rules:
            for family in Family if (rule.real_if, rule.mapped_if) != ("any", "any") else ():
                if rule.real.ranges(family) and _translates(rule, family):
                    there = [self._by(Direction.IN, rule.mapped_if)]
                    there.append(_match(rule.real, End.DESTINATION, family))
                    if rule.meant is not None:
                        there.append(_match(rule.meant, End.SOURCE, family))
                    if rule.identity:
                        yield _ace(rule, conjunction(there), Forwarding.ACCEPT)
                    else:
                        yield _ace(rule, conjunction([*there, _DROPPED]), Forwarding.DROP)

    # -- entries ---------------------------------------------------------------------------------

    def _entries(
        self,
        rule: NatRule,
        family: Family,
        where: list[Matches],
        old: Addresses,
        new: Addresses,
        end: End,
        port: PortMap | None,
    ) -> Iterator[Ace]:
        """Entries that turn ``old`` addresses of an end into ``new`` ones of the same family."""
        before, after = old.ranges(family), new.ranges(family)
        other_family = new.size > 0 and not after and not new.unknown
        if (not before and not old.unknown) or other_family:
            return
        called = [FamilyIs(family), _match(old, end, family)]
        if old == new and port is None and not rule.services:
            yield _ace(rule, conjunction([*where, *called]), Forwarding.ACCEPT)
            return
        mapped = end is End.DESTINATION
        ported = _port_match(port, end, mapped=mapped)
        number = (port.real if mapped else port.mapped) if port else None
        exact = _pairs(before, after) if rule.static and not (old.unknown or new.unknown) else []
        for one, other in exact:
            matches = conjunction([*where, AddressIn(end, family, (one,)), *ported])
            yield _ace(rule, matches, _translate(end, (other,), number, family, rule))
        if not exact:
            pool = () if new.unknown else after
            matches = conjunction([*where, *called, *ported])
            yield _ace(rule, matches, _translate(end, pool, number, family, rule))

    def _through(self, incoming: str, outgoing: str) -> list[Matches]:
        return [self._by(Direction.IN, incoming), self._by(Direction.OUT, outgoing)]

    def _by(self, direction: Direction, nameif: str) -> Matches:
        """An interface, its crypto tunnels with it."""
        if nameif == "any":
            return AnyPacket()
        one = self._named[nameif]
        return InterfaceIn(direction, (one.name, *tunnel_names(self._config, nameif)))

    def _own(self, nameif: str) -> Addresses:
        """The addresses of an interface, also those that are not in the configuration."""
        found = Addresses()
        for one in self._config.named(nameif):
            for address in one.addresses:
                single = ((address.address, address.address),)
                four = address.family is Family.IPV4
                found |= Addresses(four=single) if four else Addresses(six=single)
            if one.learned:
                found |= Addresses(unknown=(f"the address of {one.nameif}",))
        return found


def _may_fit(other: NatRule, rule: NatRule) -> bool:
    """True where a packet from the real side of ``rule`` may fit ``other`` first."""
    return _same_interface(other.real_if, rule.real_if) or _same_interface(other.mapped_if, rule.real_if)


def _translates(rule: NatRule, family: Family) -> bool:
    """True where the rule has something to translate packets of a family to."""
    hides = rule.to_interface and (family is Family.IPV4 or "ipv6" in rule.flags)
    return bool(hides or rule.mapped.ranges(family) or rule.mapped.unknown)


def _same_interface(one: str, other: str) -> bool:
    return one == other or "any" in (one, other)


def _overlap(one: Addresses, other: Addresses) -> bool:
    """True where they may have an address in common."""
    return bool(one.unknown or other.unknown) or any(
        first <= high and low <= last
        for mine, theirs in ((one.four, other.four), (one.six, other.six))
        for first, last in mine
        for low, high in theirs
    )


def _match(of: Addresses, end: End, family: Family) -> Matches:
    if of == EVERY:
        return FamilyIs(family)
    four, six = (of.four, ()) if family is Family.IPV4 else ((), of.six)
    return Addresses(four, six, of.unknown).matches(end)


def _port_match(port: PortMap | None, end: End, *, mapped: bool) -> list[Matches]:
    """The port that a packet bears before it is translated."""
    if port is None:
        return []
    number = port.mapped if mapped else port.real
    field = Field.SOURCE_PORT if end is End.SOURCE else Field.DESTINATION_PORT
    protocol = _PROTOCOLS[port.protocol]
    return [FieldIn(Field.PROTOCOL, ((protocol, protocol),)), FieldIn(field, ((number, number),))]


def _pairs(before: tuple[Range, ...], after: tuple[Range, ...]) -> list[tuple[Range, Range]]:
    """Address by address where a static rule maps few, one to one; else none."""
    if len(before) != 1 or len(after) != 1:
        return []
    (first, last), (new_first, new_last) = before[0], after[0]
    if last - first != new_last - new_first or last - first >= _ONE_BY_ONE:
        return []
    return [((first + at, first + at), (new_first + at, new_first + at)) for at in range(last - first + 1)]


def _translate(
    end: End, addresses: tuple[Range, ...], port: int | None, family: Family, rule: NatRule
) -> Translate:
    kind = TranslationKind.SOURCE if end is End.SOURCE else TranslationKind.DESTINATION
    ports = _EVERY_PORT if rule.services else () if port is None else ((port, port),)
    return Translate(kind, addresses, ports, family)


def _ace(rule: NatRule, matches: Matches, action: Action) -> Ace:
    return Ace(matches, action, rule.span, rule.text)
