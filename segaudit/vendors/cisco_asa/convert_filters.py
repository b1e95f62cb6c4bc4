"""Where access lists are applied, and what holds where none is (security levels, management access).

Source: Firewall CLI Configuration Guide 9.x, "Access Rules"; see NOTES.md.
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
    Jump,
    Matches,
    Not,
    StateIn,
    UnknownMatch,
)
from segaudit.model.flow import ConnectionState, Family
from segaudit.model.source import SourceSpan
from segaudit.parse.cisco.acl import conjunction
from segaudit.parse.cisco.words import Words
from segaudit.vendors.cisco_asa import services
from segaudit.vendors.cisco_asa.convert_interfaces import VPN_USERS, security_level, tunnel_names
from segaudit.vendors.cisco_asa.convert_rules import Rules
from segaudit.vendors.cisco_asa.objects import Objects
from segaudit.vendors.cisco_asa.records import AccessGroup, Config, IcmpAccess, InterfaceRecord

INTO = "into the box"
OUT_OF = "out of the box"
TO = "to the box"
"""Names with blanks, which no access list of an ASA can have."""

_BOTH = frozenset(Family)
_UNIFIED = (9, 0)
_IN_FIRST, _OUT_SECOND = 0, 1
_CONNECTION = StateIn(frozenset({ConnectionState.ESTABLISHED, ConnectionState.RELATED}))
_ICMP = FieldIn(Field.PROTOCOL, ((1, 1), (58, 58)))
_NOT_ICMP = Not(_ICMP)
_NO_CONNECTION = AllOf((StateIn(frozenset({ConnectionState.INVALID})), _NOT_ICMP))
"""Every packet but ICMP opens a connection or is dropped, so that nothing passes untranslated."""

_MANAGED = {"ssh": 22, "telnet": 23}


class Filters:
    """The filters of one configuration.

    Args:
        config: the records.
        objects: what names stand for.
        rules: the access lists.
    """

    def __init__(self, config: Config, objects: Objects, rules: Rules) -> None:
        self._config = config
        self._objects = objects
        self._rules = rules
        self._named = config.by_nameif()

    def attached(self) -> tuple[AclAttachment, ...]:
        """Everything applied; the chains are added to ``rules.acls``."""
        self._chain(INTO, self._into(), Forwarding.DROP)
        self._chain(OUT_OF, self._out_of(), Forwarding.ACCEPT)
        self._chain(TO, self._to(), Forwarding.DROP)
        return (
            AclAttachment(INTO, Hook.FORWARD, _IN_FIRST, _BOTH),
            AclAttachment(OUT_OF, Hook.FORWARD, _OUT_SECOND, _BOTH),
            AclAttachment(TO, Hook.INPUT, _IN_FIRST, _BOTH),
        )

    def _chain(self, name: str, aces: Iterator[Ace], default: Forwarding) -> None:
        self._rules.acls[name] = Acl(name, tuple(aces), default)

    # -- interfaces ------------------------------------------------------------------------------

    def _names(self, nameif: str) -> tuple[str, ...]:
        """An interface and the tunnels of its crypto maps, whose packets come and go by it."""
        one = self._named.get(nameif)
        return (one.name, *tunnel_names(self._config, nameif)) if one is not None else ()

    def _by(self, direction: Direction, *nameifs: str) -> InterfaceIn:
        return InterfaceIn(direction, tuple(name for one in nameifs for name in self._names(one)))

    def _tunnels(self) -> tuple[str, ...]:
        """What decrypted packets come in by; a tunnel interface counts, too."""
        crypto = [name for nameif in self._named for name in tunnel_names(self._config, nameif)]
        virtual = [one.name for one in self._named.values() if one.name.startswith("Tunnel")]
        return tuple(sorted({*crypto, *virtual, *self._users()}))

    def _users(self) -> tuple[str, ...]:
        return (VPN_USERS,) if self._config.remote_access else ()

    # -- through the device ----------------------------------------------------------------------

    def _always(self) -> Iterator[Ace]:
        """What no access list decides: packets of a connection, and decrypted ones.

        An ICMP message belongs to a connection only where ICMP is inspected; else lists decide, as for
        every ICMP error. ``sysopt connection permit-vpn`` is on where nothing is said.
        """
        text = "packets of a connection"
        yield Ace(AllOf((_CONNECTION, _NOT_ICMP)), Forwarding.ACCEPT, text=text)
        if self._config.inspects_icmp:
            yield Ace(AllOf((_CONNECTION, _ICMP)), Forwarding.ACCEPT, text=text)
        tunnels = self._tunnels() if self._config.permit_vpn else self._users()
        if tunnels:
            filtered = UnknownMatch(
                "sysopt connection permit-vpn", "VPN filters and peers are not modelled"
            )
            decrypted = InterfaceIn(Direction.IN, tunnels)
            yield Ace(AllOf((decrypted, filtered)), Forwarding.ACCEPT, text="decrypted packets")

    def _into(self) -> Iterator[Ace]:
        """In order: security levels that forbid, interface list, global list, implicit deny or permit."""
        yield Ace(_NO_CONNECTION, Forwarding.DROP, text="packets that open no connection")
        yield from self._of_its_own()
        yield from self._unnamed()
        yield from self._management_only()
        yield from self._always()
        yield from self._same_level()
        inbound = self._applied("in")
        everywhere = self._applied("global")
        for group in inbound:
            yield from self._listed(group, Direction.IN)
        for group in everywhere:
            yield from self._everywhere(group)
        listed = {group.nameif: group for group in inbound}
        for nameif, one in self._named.items():
            yield from self._without_list(one, listed.get(nameif), everywhere)

    def _of_its_own(self) -> Iterator[Ace]:
        """A connection is one between two interfaces; those of the device itself go through none."""
        for family in Family:
            own = self._addresses(family)
            if own:
                made = AllOf((_CONNECTION, AddressIn(End.SOURCE, family, own)))
                yield Ace(made, Forwarding.DROP, text="a connection of the device itself")

    def _unnamed(self) -> Iterator[Ace]:
        """An interface without a name passes nothing (what it receives is not forwarded at all)."""
        unnamed = tuple(one.name for one in self._config.interfaces.values() if not one.nameif)
        if unnamed:
            yield Ace(InterfaceIn(Direction.OUT, unnamed), Forwarding.DROP, text="no nameif")

    def _management_only(self) -> Iterator[Ace]:
        for one in self._named.values():
            if one.management_only:
                for direction in Direction:
                    yield self._ace(
                        self._by(direction, one.nameif), Forwarding.DROP, "management-only", one.span
                    )

    def _same_level(self) -> Iterator[Ace]:
        """Packets between interfaces of one level, and back out of the one they came by."""
        config = self._config
        for one in self._named.values():
            if not config.same_security_intra:
                yield self._between(
                    one, [one.nameif], Forwarding.DROP, "no same-security-traffic intra-interface"
                )
            peers = self._peers(one)
            if peers and not config.same_security_inter:
                yield self._between(one, peers, Forwarding.DROP, "no same-security-traffic inter-interface")

    def _peers(self, one: InterfaceRecord) -> list[str]:
        """The other interfaces of an interface's level."""
        level = security_level(one)
        return [
            other.nameif
            for other in self._named.values()
            if other is not one and security_level(other) == level
        ]

    def _between(self, one: InterfaceRecord, others: list[str], action: Action, text: str) -> Ace:
        there = AllOf((self._by(Direction.IN, one.nameif), self._by(Direction.OUT, *others)))
        return self._ace(there, action, text, one.span)

    def _applied(self, direction: str) -> list[AccessGroup]:
        return [group for group in self._config.access_groups if group.direction == direction]

    def _listed(self, group: AccessGroup, direction: Direction) -> Iterator[Ace]:
        """An interface's list; a user's own list may come in its place."""
        here = self._families(self._by(direction, group.nameif))
        text = f"access-group {group.acl}"
        if group.overridable:
            user = UnknownMatch("per-user-override", "users' own lists come from a server")
            yield self._ace(AllOf((here, user)), Forwarding.ACCEPT, text, group.span)
        yield self._ace(here, Jump(self._rules.named(group.acl)), text, group.span)

    def _everywhere(self, group: AccessGroup) -> Iterator[Ace]:
        text = f"access-group {group.acl} global"
        here = self._families(AnyPacket())
        yield self._ace(here, Jump(self._rules.named(group.acl)), text, group.span)

    def _families(self, where: Matches) -> Matches:
        """Before 9.0 an access list knew IPv4 alone."""
        return where if self._unified else conjunction([where, FamilyIs(Family.IPV4)])

    @property
    def _unified(self) -> bool:
        return not (0, 0) < self._config.version < _UNIFIED

    def _without_list(
        self, one: InterfaceRecord, group: AccessGroup | None, everywhere: list[AccessGroup]
    ) -> Iterator[Ace]:
        """Behind the lists: deny where there was one, else permit to lower levels (and equal ones)."""
        if group is not None or everywhere:
            by = group or everywhere[0]
            here = self._families(self._by(Direction.IN, one.nameif))
            yield self._ace(here, Forwarding.DROP, f"implicit deny of {by.acl}", by.span)
            if self._unified:
                return
        level = security_level(one)
        lower = [other.nameif for other in self._named.values() if security_level(other) < level]
        again = [one.nameif] if self._config.same_security_intra else []
        there = self._by(Direction.OUT, *lower, *self._peers(one), *again)
        # VPN users sit behind one of the interfaces, which one the configuration may not tell.
        anywhere = InterfaceIn(Direction.OUT, (*there.names, *self._users()))
        if anywhere.names:
            passing = AllOf((self._by(Direction.IN, one.nameif), anywhere))
            yield self._ace(passing, Forwarding.ACCEPT, f"security level {level}", one.span)
        yield from self._left_to_outbound(one, level)

    def _left_to_outbound(self, one: InterfaceRecord, level: int) -> Iterator[Ace]:
        """To higher levels with an outbound list: whether that alone lets packets up is not written."""
        listed = {group.nameif for group in self._applied("out")}
        higher = [name for name, other in self._named.items() if security_level(other) > level]
        up = self._by(Direction.OUT, *(name for name in higher if name in listed))
        if up.names:
            doubt = UnknownMatch("outbound list", "it may let through what no inbound list asks for")
            here = AllOf((self._by(Direction.IN, one.nameif), up, doubt))
            yield self._ace(here, Forwarding.ACCEPT, f"security level {level}", one.span)

    def _out_of(self) -> Iterator[Ace]:
        outbound = self._applied("out")
        if outbound:
            yield from self._always()
        for group in outbound:
            yield from self._listed(group, Direction.OUT)
            here = self._families(self._by(Direction.OUT, group.nameif))
            yield self._ace(here, Forwarding.DROP, f"implicit deny of {group.acl}", group.span)

    @staticmethod
    def _ace(matches: Matches, action: Action, text: str, span: SourceSpan | None) -> Ace:
        return Ace(matches, action, span, text)

    # -- to the device ---------------------------------------------------------------------------

    def _to(self) -> Iterator[Ace]:
        """Management access, ICMP rules, control-plane lists; what else it listens to is not known."""
        yield Ace(_NO_CONNECTION, Forwarding.DROP, text="packets that open no connection")
        yield from self._far_side()
        yield Ace(_CONNECTION, Forwarding.ACCEPT, text="packets of a connection")
        yield from self._services()
        yield from self._icmp()
        for group in self._applied("control-plane"):
            yield from self._listed(group, Direction.IN)
        other = UnknownMatch("other services", "what the device itself listens to is not modelled")
        yield Ace(other, Forwarding.ACCEPT, text="other services")

    def _far_side(self) -> Iterator[Ace]:
        """An address answers only where it is asked by its own interface, or over VPN where it is named.

        Also as part of a connection, which has its interface; in a traffic zone it has all of the zone.
        """
        for one in (port for port in self._named.values() if not port.zone_member):
            for family in Family:
                others = self._addresses(family, one)
                if others:
                    far = AddressIn(End.DESTINATION, family, others)
                    asked = AllOf((InterfaceIn(Direction.IN, (one.name,)), far))
                    yield self._ace(asked, Forwarding.DROP, "an address of another interface", one.span)

    def _addresses(self, family: Family, but: InterfaceRecord | None = None) -> tuple[tuple[int, int], ...]:
        """The device's addresses, but those of one interface."""
        own = {address.address for address in but.addresses} if but is not None else set()
        return tuple(
            sorted(
                {
                    (address.address, address.address)
                    for one in self._named.values()
                    for address in one.addresses
                    if one is not but and address.family is family and address.address not in own
                }
            )
        )

    def _services(self) -> Iterator[Ace]:
        """``ssh``, ``telnet`` and ``http``: who is let in; nobody else is."""
        for access in self._config.access:
            port = _MANAGED.get(access.protocol, self._config.http_port)
            if port is not None:
                source = AddressIn(End.SOURCE, access.family, (access.addresses,))
                allowed = AllOf((self._managed_by(access.nameif), *_tcp(port), source))
                text = f"{access.protocol} on {access.nameif}"
                yield self._ace(allowed, Forwarding.ACCEPT, text, access.span)
        for protocol, port in _MANAGED.items():
            yield Ace(AllOf(_tcp(port)), Forwarding.DROP, text=f"{protocol} from elsewhere")

    def _managed_by(self, nameif: str) -> InterfaceIn:
        """Where a service of an interface is asked for: there, and for ``management-access`` over VPN."""
        over_vpn = self._tunnels() if nameif == self._config.management_access else ()
        return InterfaceIn(Direction.IN, (*self._names(nameif), *over_vpn))

    def _icmp(self) -> Iterator[Ace]:
        """``icmp`` rules of an interface, behind which it denies; without any it answers everybody."""
        for rule in self._config.icmp:
            action = Forwarding.ACCEPT if rule.permit else Forwarding.DROP
            yield self._ace(self._icmp_rule(rule), action, rule.text, rule.span)
        for family in Family:
            ruled = {rule.nameif for rule in self._config.icmp if rule.family is family}
            for nameif in sorted(ruled & set(self._named)):
                rest = AllOf((self._by(Direction.IN, nameif), _icmp_of(family)))
                yield self._ace(rest, Forwarding.DROP, f"icmp on {nameif}", self._named[nameif].span)

    def _icmp_rule(self, rule: IcmpAccess) -> Matches:
        """``ADDRESS [TYPE [CODE]]``; a part that is not understood may be anything."""
        words = Words(list(rule.words), rule.span)
        parts: list[Matches] = [self._by(Direction.IN, rule.nameif), _icmp_of(rule.family)]
        count = 1 if words.peek().startswith("any") or "/" in words.peek() else 2
        if not words.peek().startswith("any"):
            parts.append(self._objects.spec(tuple(rule.words[:count])).matches(End.SOURCE))
        words.position = count
        parts += services.icmp(words, "icmp" if rule.family is Family.IPV4 else "icmp6")
        if not words.done:
            parts.append(UnknownMatch(rule.text, "not understood"))
        return AllOf(tuple(parts))


def _tcp(port: int) -> tuple[Matches, Matches]:
    return FieldIn(Field.PROTOCOL, ((6, 6),)), FieldIn(Field.DESTINATION_PORT, ((port, port),))


def _icmp_of(family: Family) -> Matches:
    number = 1 if family is Family.IPV4 else 58
    return FieldIn(Field.PROTOCOL, ((number, number),))
