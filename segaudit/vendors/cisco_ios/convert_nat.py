"""NAT, relayed broadcasts and crypto maps.

Order (Cisco, "NAT Order of Operation"): from inside to outside a packet is routed, then translated,
then meets the output access list; from outside to inside it meets the input access list, is translated,
then routed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from segaudit.model.acl import (
    Ace,
    Acl,
    AddressIn,
    AllOf,
    AnyOf,
    AnyPacket,
    Direction,
    End,
    Field,
    FieldIn,
    Forwarding,
    Hook,
    InterfaceIn,
    Jump,
    Matches,
    Range,
    Return,
    Translate,
    TranslationKind,
    UnknownMatch,
)
from segaudit.model.device import Interface, InterfaceAddress
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.parse.cisco import addresses
from segaudit.parse.cisco.acl import port_number, ports_of
from segaudit.vendors.cisco_ios.convert_filters import FROM_THE_DEVICE, Filters
from segaudit.vendors.cisco_ios.convert_interfaces import with_more
from segaudit.vendors.cisco_ios.dialect import IOS
from segaudit.vendors.cisco_ios.records import NatRule

_IPV4 = (Family.IPV4,)
_PROTOCOLS = {"tcp": 6, "udp": 17}
_MAY_EXIST = UnknownMatch("ip nat", "a translation that an inside host made earlier")
_MOST_ALIASES = 1024


@dataclass(slots=True)
class Nat:
    """The translations of one device while they are made."""

    made: Filters
    interfaces: dict[str, Interface]
    inside: tuple[str, ...]
    outside: tuple[str, ...]
    tunnels: tuple[str, ...]
    outbound: list[Ace] = field(default_factory=list)
    inbound: list[Ace] = field(default_factory=list)
    globals: list[Range] = field(default_factory=list)
    unknown: bool = False

    @property
    def from_inside(self) -> Matches:
        """Packets on their way from inside to outside; the device's own may be translated, too."""
        own = AllOf((FROM_THE_DEVICE, UnknownMatch("ip nat", "the device's own packets")))
        came = AnyOf((InterfaceIn(Direction.IN, self.inside), own))
        return AllOf((came, InterfaceIn(Direction.OUT, (*self.outside, *self.tunnels))))

    @property
    def from_outside(self) -> Matches:
        """Packets received from outside."""
        return InterfaceIn(Direction.IN, (*self.outside, *self.tunnels))


def add_nat(
    made: Filters, interfaces: dict[str, Interface], carried: Mapping[str, str]
) -> tuple[dict[str, Interface], bool]:
    """Attach the translations.

    Args:
        made: where to attach them.
        interfaces: all interfaces.
        carried: tunnels by name with the interface that carries them: they are outside where it is.

    Returns:
        The interfaces with the addresses that NAT answers for, and whether translations exist that are
        not modelled.
    """
    records = made.config.interfaces.values()
    inside = tuple(sorted(one.name for one in records if one.nat == "inside"))
    outside = tuple(sorted(one.name for one in records if one.nat == "outside"))
    tunnels = tuple(sorted(name for name, carrier in carried.items() if carrier in outside))
    nat = Nat(
        made, interfaces, inside, outside, tunnels, unknown=any(one.nat == "enable" for one in records)
    )
    for rule in sorted(made.config.nat_rules, key=lambda one: one.words[2:3] != ("static",)):
        if not _read(nat, rule):
            _not_modelled(nat, rule)
    _relay(nat)
    if nat.outbound:
        chain = Acl("ip nat inside source", tuple(nat.outbound), Forwarding.ACCEPT)
        made.attach(chain, Hook.POSTROUTING, _IPV4, priority=100, translates=True)
    if nat.inbound:
        chain = Acl("ip nat outside to inside", tuple(nat.inbound), Forwarding.ACCEPT)
        families = {*_IPV4, *(one[0] for record in records for one in record.helpers)}
        made.attach(chain, Hook.PREROUTING, families, priority=-100, translates=True)
    return _answering(nat), nat.unknown


def _not_modelled(nat: Nat, rule: NatRule) -> None:
    nat.unknown = True
    span = rule.span
    reason = "a translation of this kind is not modelled: any is allowed for"
    nat.made.ledger.unsupported(span.first_line, span.last_line, reason, bounded=True)


def _read(nat: Nat, rule: NatRule) -> bool:
    """True where the rule is modelled."""
    if rule.words[:2] != ("inside", "source") or "vrf" in rule.words:
        return False
    if rule.words[2:3] == ("static",):
        return _static(nat, rule, rule.words[3:])
    return _dynamic(nat, rule, rule.words[2:])


# ---- static -------------------------------------------------------------------------------------


def _static(nat: Nat, rule: NatRule, words: tuple[str, ...]) -> bool:
    """``static L G``, ``static tcp | udp L P G P``, ``static tcp | udp L P interface I P``."""
    if words[:1] and words[0] in _PROTOCOLS:
        return _static_port(nat, rule, words)
    local, outer = _address(words, 0), _address(words, 1)
    if local is None or outer is None or not set(words[2:]) <= {"extendable", "no-alias", "no-payload"}:
        return False
    _add_static(nat, rule, local, ((outer, outer),), (), ())
    return True


def _static_port(nat: Nat, rule: NatRule, words: tuple[str, ...]) -> bool:
    protocol = _PROTOCOLS[words[0]]
    names = ports_of(IOS, protocol)
    local, port = _address(words, 1), port_number(words[2] if len(words) > 2 else "", names)
    by_interface = words[3:4] == ("interface",)
    outer = () if by_interface else _one(_address(words, 3))
    if by_interface:
        name = IOS.interface(words[4] if len(words) > 4 else "")
        outer = _own(nat.interfaces.get(name))
    at = 5 if by_interface else 4
    outer_port = port_number(words[at] if len(words) > at else "", names)
    if local is None or port is None or outer_port is None or not outer:
        return False
    if not set(words[at + 1 :]) <= {"extendable", "no-alias", "no-payload"}:
        return False
    _add_static(nat, rule, local, outer, (protocol, port), (protocol, outer_port))
    return True


def _address(words: tuple[str, ...], at: int) -> int | None:
    return addresses.ipv4(words[at]) if len(words) > at else None


def _one(address: int | None) -> tuple[Range, ...]:
    return () if address is None else ((address, address),)


def _own(interface: Interface | None) -> tuple[Range, ...]:
    if interface is None:
        return ()
    own = (one.address for one in interface.addresses if one.family is Family.IPV4)
    return tuple((address, address) for address in own)


def _add_static(
    nat: Nat,
    rule: NatRule,
    local: int,
    outer: tuple[Range, ...],
    inner_port: tuple[int, ...],
    outer_port: tuple[int, ...],
) -> None:
    text = "ip nat " + " ".join(rule.words)
    leaves = AllOf((nat.from_inside, _at(End.SOURCE, ((local, local),)), *_ports(End.SOURCE, inner_port)))
    ports = tuple((port, port) for port in outer_port[1:])
    to_global = Translate(TranslationKind.SOURCE, outer, ports, Family.IPV4)
    nat.outbound.append(Ace(leaves, to_global, rule.span, text))
    comes = AllOf((nat.from_outside, _at(End.DESTINATION, outer), *_ports(End.DESTINATION, outer_port)))
    ports = tuple((port, port) for port in inner_port[1:])
    to_local = Translate(TranslationKind.DESTINATION, ((local, local),), ports, Family.IPV4)
    nat.inbound.append(Ace(comes, to_local, rule.span, text))
    nat.globals += outer


def _at(end: End, ranges: tuple[Range, ...]) -> Matches:
    return AddressIn(end, Family.IPV4, ranges)


def _ports(end: End, protocol_and_port: tuple[int, ...]) -> tuple[Matches, ...]:
    if not protocol_and_port:
        return ()
    protocol, port = protocol_and_port
    which = Field.SOURCE_PORT if end is End.SOURCE else Field.DESTINATION_PORT
    return (FieldIn(Field.PROTOCOL, ((protocol, protocol),)), FieldIn(which, ((port, port),)))


# ---- dynamic ------------------------------------------------------------------------------------


def _dynamic(nat: Nat, rule: NatRule, words: tuple[str, ...]) -> bool:
    """``list N | route-map M`` and ``pool P | interface I``, with or without ``overload``."""
    if len(words) < 4 or words[0] not in ("list", "route-map") or words[2] not in ("pool", "interface"):
        return False
    overload = "overload" in words[4:]
    if not set(words[4:]) <= {"overload"}:
        return False
    outer = _outer(nat, words[2], words[3])
    if not outer:
        return False
    translate = Translate(TranslationKind.SOURCE, outer, family=Family.IPV4)
    text = "ip nat " + " ".join(rule.words)
    nat.outbound.append(_when_listed(nat, rule, words, translate, text))
    if not overload:
        comes = AllOf((nat.from_outside, _at(End.DESTINATION, outer), _MAY_EXIST))
        back = Translate(TranslationKind.DESTINATION, family=Family.IPV4)
        nat.inbound.append(Ace(comes, back, rule.span, text))
    nat.globals += outer
    return True


def _outer(nat: Nat, kind: str, name: str) -> tuple[Range, ...]:
    if kind == "interface":
        return _own(nat.interfaces.get(IOS.interface(name)))
    pool = nat.made.config.nat_pools.get(name)
    return pool.ranges or () if pool is not None else ()


def _when_listed(nat: Nat, rule: NatRule, words: tuple[str, ...], translate: Translate, text: str) -> Ace:
    """What the list permits is translated; what it denies another rule may translate."""
    listed = words[0] == "list" and nat.made.list_of(Family.IPV4, words[1]) is not None
    if not listed:
        perhaps = UnknownMatch(" ".join(words[:2]), "which packets it matches is not modelled")
        return Ace(AllOf((nat.from_inside, perhaps)), translate, rule.span, text)
    rules = tuple(
        replace(ace, action=translate if ace.action is Forwarding.ACCEPT else Return())
        for ace in nat.made.acls[words[1]].aces
    )
    chain = Acl(f"{text}, line {rule.span.first_line}", rules, Return(), rule.span)
    nat.made.acls[chain.name] = chain
    return Ace(nat.from_inside, Jump(chain.name), rule.span, text)


def _answering(nat: Nat) -> dict[str, Interface]:
    """The device answers on its outside interfaces for the global addresses that lie in their prefixes."""
    out = dict(nat.interfaces)
    for name in nat.outside:
        interface = out[name]
        more = tuple(
            InterfaceAddress(Family.IPV4, number, own.prefix_length, own.span)
            for own in interface.addresses
            if own.family is Family.IPV4
            for number in _inside(nat.globals, own.network)
        )
        out[name] = with_more(interface, more)
    return out


def _inside(ranges: list[Range], network: Range) -> Iterator[int]:
    for first, last in ranges:
        low, high = max(first, network[0]), min(last, network[1])
        yield from range(low, min(high, low + _MOST_ALIASES) + 1)


# ---- relayed broadcasts -------------------------------------------------------------------------


def _relay(nat: Nat) -> None:
    """``ip helper-address``: UDP broadcasts are sent on to a server, and what it answers back to the wire.

    Which ports are relayed is a global setting (``ip forward-protocol``): any counts.
    """
    for record in nat.made.config.interfaces.values():
        interface = nat.interfaces[record.name]
        for family, server, span in record.helpers:
            text = f"ip helper-address {family.address(server)}"
            wire = InterfaceIn(Direction.IN, (record.name,))
            asked = (wire, AddressIn(End.DESTINATION, family, _broadcasts(interface, family)))
            nat.inbound.append(_relayed(asked, ((server, server),), family, span, text))
            own = tuple((one.address, one.address) for one in interface.addresses if one.family is family)
            answered = (
                AddressIn(End.SOURCE, family, ((server, server),)),
                AddressIn(End.DESTINATION, family, own),
            )
            clients = tuple(one.network for one in interface.addresses if one.family is family)
            nat.inbound.append(_relayed(answered, clients, family, span, text))


def _relayed(
    matches: tuple[Matches, ...], towards: tuple[Range, ...], family: Family, span: SourceSpan, text: str
) -> Ace:
    perhaps = UnknownMatch("ip helper-address", "which packets are relayed is not modelled")
    udp = FieldIn(Field.PROTOCOL, ((17, 17),))
    translate = Translate(TranslationKind.DESTINATION, towards, family=family)
    return Ace(AllOf((*matches, udp, perhaps)), translate, span, text)


def _broadcasts(interface: Interface, family: Family) -> tuple[Range, ...]:
    if family is Family.IPV6:
        return ((0xFF << 120, (1 << 128) - 1),)
    own = {one.network[1] for one in interface.addresses if one.family is family}
    return tuple((number, number) for number in sorted({*own, 0xFFFFFFFF}))


# ---- crypto maps --------------------------------------------------------------------------------


def crypto_tunnels(made: Filters) -> Iterator[tuple[str, SourceSpan, str, int | None, Matches]]:
    """Per interface and peer of its crypto map: name, line, interface, peer and what is encrypted."""
    for record in made.config.interfaces.values():
        name, span = record.crypto_map or ("", record.span)
        for sequence, entry in sorted(made.config.crypto_maps.get(name, {}).items()):
            matches = _encrypted(made, entry.acls)
            for peer in (*entry.peers, *([None] if entry.dynamic or not entry.peers else [])):
                shown = "any" if peer is None else addresses.dotted(peer)
                title = f"crypto map {name} {sequence} {shown} on {record.name}"
                yield title, span, record.name, peer, matches


def _encrypted(made: Filters, lists: list[str]) -> Matches:
    """What the lists permit, their denies left out: more may be encrypted, never less.

    NAT comes before encryption: where there is any, the lists see other addresses.
    """
    if made.config.nat_rules:
        return AnyPacket()
    known = [name for name in lists if made.list_of(Family.IPV4, name) is not None]
    if not known or len(known) < len(lists):
        return AnyPacket()
    permitted = [ace.matches for name in known for ace in made.acls[name].aces
                 if ace.action is not Forwarding.DROP]  # fmt: skip
    return AnyOf(tuple(permitted))
