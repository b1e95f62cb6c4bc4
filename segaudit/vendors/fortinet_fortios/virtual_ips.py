"""Virtual IPs: destination NAT, before routing and before the policies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from segaudit.model.acl import (
    Ace,
    AddressIn,
    Direction,
    End,
    Field,
    FieldIn,
    Matches,
    Range,
    Translate,
    TranslationKind,
    UnknownMatch,
)
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.parse.edit_tree import Entry
from segaudit.vendors.fortinet_fortios.addresses import any_of, parse_range
from segaudit.vendors.fortinet_fortios.domains import ANY, Domain, all_of

_PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132, "icmp": 1}
_TABLES = {
    Family.IPV4: ("firewall vip", "firewall vipgrp"),
    Family.IPV6: ("firewall vip6", "firewall vipgrp6"),
}
_WHOLE = {family: ((0, (1 << family.bits) - 1),) for family in Family}
_CERTAIN_TYPES = ("static-nat",)
_NOT_CENTRAL = "a virtual IP translates only where policies use it"
_MANY = 64


@dataclass(frozen=True, slots=True)
class VirtualIp:
    """One virtual IP.

    ``external`` and ``mapped`` are addresses before and after; empty ``mapped`` is any. ``ports`` are
    those before, with the protocol, and ``mapped_ports`` those after (empty: all, unchanged). ``doubt``
    says why it may not translate everything that it seems to.
    """

    name: str
    family: Family
    interface: str
    external: tuple[Range, ...]
    mapped: tuple[Range, ...]
    protocol: int
    ports: tuple[Range, ...]
    mapped_ports: tuple[Range, ...]
    doubt: str
    span: SourceSpan
    answers_arp: bool


class VirtualIps:
    """The virtual IPs of one virtual domain."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        found = [
            one
            for family, (path, _) in _TABLES.items()
            for entry in domain.names(path).values()
            if (one := _virtual_ip(domain, family, entry)) is not None
        ]
        self.all = _doubting_overlaps(found)
        self._by_name = {(one.family, one.name): one for one in self.all}

    def named(self, names: Iterable[str], family: Family) -> list[VirtualIp]:
        """The virtual IPs that names mean; a group means its members."""
        groups = self._domain.names(_TABLES[family][1])
        found: list[VirtualIp] = []
        for name in names:
            members = groups[name].words("member") if name in groups else (name,)
            found += [self._by_name[family, one] for one in members if (family, one) in self._by_name]
        return found

    def is_one(self, name: str, family: Family) -> bool:
        """True where ``name`` is a virtual IP or a group of them."""
        return name in self._domain.names(_TABLES[family][0]) or name in self._domain.names(
            _TABLES[family][1]
        )

    def mapped(self, family: Family, end: End) -> Matches | None:
        """Packets whose ``end`` is where some virtual IP leads to; ``None``: there is none."""
        ones = [one for one in self.all if one.family is family]
        return any_of([after(one, end) for one in ones]) if ones else None

    @cached_property
    def aces(self) -> tuple[Ace, ...]:
        """The translations in order."""
        return tuple(self._ace(one) for one in self.all)

    def _ace(self, one: VirtualIp) -> Ace:
        names = self._domain.ports if one.interface in ("", ANY) else (one.interface,)
        parts: list[Matches] = [
            self._domain.interfaces(names, Direction.IN),
            AddressIn(End.DESTINATION, one.family, one.external),
        ]
        if one.protocol:
            parts.append(FieldIn(Field.PROTOCOL, ((one.protocol, one.protocol),)))
        if one.ports:
            parts.append(FieldIn(Field.DESTINATION_PORT, one.ports))
        doubt = one.doubt or ("" if self._domain.is_central_nat else _NOT_CENTRAL)
        if doubt:
            parts.append(UnknownMatch(one.name, doubt))
        kind = TranslationKind.DESTINATION
        translate = Translate(kind, one.mapped, one.mapped_ports, one.family)
        return Ace(all_of(parts), translate, one.span, f"virtual IP {one.name}")


def after(one: VirtualIp, end: End = End.DESTINATION) -> Matches:
    """Packets whose ``end`` is where a virtual IP leads to."""
    return AddressIn(end, one.family, one.mapped or _WHOLE[one.family])


def _virtual_ip(domain: Domain, family: Family, entry: Entry) -> VirtualIp | None:
    if entry.word("status", "enable") == "disable":
        domain.reading.ledger.ignored(entry.first, entry.last, "disabled")
        return None
    external, doubt = _external(domain, family, entry)
    kind = entry.word("type", "static-nat")
    mapped = _mapped(family, entry) if kind in _CERTAIN_TYPES else _servers(domain, family, entry)
    protocol, ports, mapped_ports, port_doubt = _ports(entry)
    if not mapped:
        domain.reading.doubt(
            entry, f"a virtual IP of type {kind} to addresses that are not known", bounded=True
        )
    further = [
        f"a virtual IP by {key}" for key in ("src-filter", "service", "srcintf-filter") if entry.words(key)
    ]
    reasons = [
        doubt,
        port_doubt,
        *further,
        "" if kind in _CERTAIN_TYPES else f"a virtual IP of type {kind}",
    ]
    return VirtualIp(
        entry.name,
        family,
        entry.word("extintf", ANY),
        external,
        mapped,
        protocol,
        ports,
        mapped_ports,
        "; ".join(reason for reason in reasons if reason),
        domain.reading.span(entry),
        entry.word("arp-reply", "enable") != "disable",
    )


def _external(domain: Domain, family: Family, entry: Entry) -> tuple[tuple[Range, ...], str]:
    """The addresses before; ``0.0.0.0`` stands for whatever the interface has."""
    found = parse_range(entry.word("extip"), family)
    if found is not None and found[1]:
        return (found,), ""
    if found is None and "extip" in entry.values:
        domain.reading.garbled(entry.values["extip"], "an address that cannot be read", bounded=True)
    return _WHOLE[family], "an external address that is not in the configuration"


def _mapped(family: Family, entry: Entry) -> tuple[Range, ...]:
    words = entry.words("mappedip")
    ranges = [parse_range(word, family) for word in words]
    return tuple(one for one in ranges if one is not None) if all(ranges) else ()


def _servers(domain: Domain, family: Family, entry: Entry) -> tuple[Range, ...]:
    """The real servers behind a load balancer; none known: any."""
    ranges = [
        parse_range(server.word("ip"), family)
        for server in domain.reading.inner(entry, "realservers").values()
    ]
    known = tuple(one for one in ranges if one is not None)
    return known if len(known) == len(ranges) else ()


def _ports(entry: Entry) -> tuple[int, tuple[Range, ...], tuple[Range, ...], str]:
    """Protocol, ports before, ports after, and a doubt about them."""
    balances = entry.word("type", "static-nat") == "server-load-balance"
    if not entry.is_on("portforward") and not balances:
        return 0, (), (), ""
    protocol = _PROTOCOLS.get(entry.word("protocol", "tcp"), 0)
    if protocol == 1:
        return protocol, (), (), ""
    before, behind = (_port_range(entry.word(key)) for key in ("extport", "mappedport"))
    if before is None or balances:
        return 0, (), ((0, 65535),), "ports that are not known"
    return protocol, (before,), (behind or before,), ""


def _port_range(text: str) -> Range | None:
    first, _, last = text.partition("-")
    if not first.isdecimal() or not (last or first).isdecimal():
        return None
    found = int(first), int(last or first)
    return found if 0 < found[0] <= found[1] <= 65535 else None


def _doubting_overlaps(found: Sequence[VirtualIp]) -> tuple[VirtualIp, ...]:
    """Where two take the same packets, which one translates is not modelled: perhaps each."""
    return tuple(
        replace(one, doubt=one.doubt or "another virtual IP takes the same packets")
        if at in overlapping
        else one
        for overlapping in (set(_overlapping(found)),)
        for at, one in enumerate(found)
    )


def _overlapping(found: Sequence[VirtualIp]) -> Iterator[int]:
    order = sorted(range(len(found)), key=lambda at: (found[at].family, found[at].external))
    open_ones: list[int] = []
    for at in order:
        one = found[at]
        start = one.external[0][0]
        open_ones = [
            other
            for other in open_ones
            if found[other].family is one.family and found[other].external[0][1] >= start
        ]
        if len(open_ones) > _MANY:
            yield from (at, *open_ones)
        for other in open_ones[:_MANY]:
            if _same_packets(found[other], one):
                yield from (at, other)
        open_ones.append(at)


def _same_packets(one: VirtualIp, other: VirtualIp) -> bool:
    if one.interface != other.interface and ANY not in (one.interface or ANY, other.interface or ANY):
        return False
    if one.protocol and other.protocol and one.protocol != other.protocol:
        return False
    if one.ports and other.ports:
        return one.ports[0][0] <= other.ports[0][1] and other.ports[0][0] <= one.ports[0][1]
    return True
