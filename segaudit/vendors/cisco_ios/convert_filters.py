"""Access lists to ``Acl``, and where they are applied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeGuard

from segaudit.model.acl import (
    Ace,
    Acl,
    AclAttachment,
    AddressIn,
    AllOf,
    AnyOf,
    AnyPacket,
    Direction,
    End,
    Field,
    FieldIn,
    Forwarding,
    Goto,
    Hook,
    InterfaceIn,
    Matches,
    Not,
    StateIn,
    UnknownAction,
    UnknownMatch,
    leaves,
)
from segaudit.model.flow import ConnectionState, Family
from segaudit.model.services import ManagementService
from segaudit.model.source import SourceSpan
from segaudit.parse.cisco.acl import UNSEEN_FRAGMENT, AceReading, icmp_matches, read_ace, read_standard_ace
from segaudit.parse.cisco.dialect import Dialect
from segaudit.parse.cisco.interfaces import AppliedAcl
from segaudit.parse.cisco.names import ICMPV6
from segaudit.parse.cisco.words import Words
from segaudit.parse.ledger import LineLedger
from segaudit.vendors.cisco_ios.dialect import IOS
from segaudit.vendors.cisco_ios.records import AclEntry, AclRecord, Config, IosInterface, TerminalLine

FROM_THE_DEVICE = Not(InterfaceIn(Direction.IN, ("*",)))
"""The device's own packets: outbound access lists do not filter them (see the notes)."""

ANSWERS = StateIn(frozenset({ConnectionState.ESTABLISHED, ConnectionState.RELATED}))
BOTH_FAMILIES = frozenset({Family.IPV4, Family.IPV6})
FILTER_PRIORITY = 0

_ICMPV6 = FieldIn(Field.PROTOCOL, ((58, 58),))


@dataclass(slots=True)
class Filters:
    """The chains and attachments of one device while they are made."""

    config: Config
    ledger: LineLedger
    dialect: Dialect
    inspects: bool = False
    acls: dict[str, Acl] = field(default_factory=dict)
    attachments: list[AclAttachment] = field(default_factory=list)

    def attach(
        self,
        acl: Acl,
        hook: Hook,
        families: Iterable[Family],
        interface: str | None = None,
        priority: int = FILTER_PRIORITY,
        translates: bool = False,
    ) -> None:
        """Add a chain and apply it."""
        self.acls[acl.name] = acl
        applied = AclAttachment(acl.name, hook, priority, frozenset(families), translates, interface)
        self.attachments.append(applied)

    def list_of(self, family: Family, name: str) -> AclRecord | None:
        """The list that a name stands for; ``None`` for one without entries, which permits everything."""
        record = self.config.acls.get((family, name))
        return record if record is not None and any(_acts(entry) for entry in record.entries) else None


def acl_name(family: Family, name: str) -> str:
    """The chain's name; an IPv6 list may be called as an IPv4 one is."""
    return name if family is Family.IPV4 else f"ipv6 {name}"


def _acts(entry: AclEntry) -> bool:
    return "remark" not in entry.words[:3]


def tracks_connections(config: Config) -> bool:
    """True where a filter or translation looks at connections."""
    reflexive = any(
        "reflect" in entry.words or "evaluate" in entry.words
        for record in config.acls.values()
        for entry in record.entries
    )
    return (
        reflexive
        or bool(config.zones)
        or bool(config.nat_rules)
        or any(one.inspects for one in config.interfaces.values())
    )


def filters(config: Config, ledger: LineLedger) -> Filters:
    """Every access list as a chain, those applied attached."""
    dialect = replace(IOS, fragments_unseen=True) if tracks_connections(config) else IOS
    inspects = any(one.inspects for one in config.interfaces.values())
    made = Filters(config, ledger, dialect, inspects)
    for record in config.acls.values():
        acl = _acl(made, record)
        made.acls[acl.name] = acl
    for interface in config.interfaces.values():
        _apply(made, interface)
    _perhaps_dropped(made)
    _terminals(made)
    return made


# ---- one list -----------------------------------------------------------------------------------


def read_entry(made: Filters, record: AclRecord, entry: AclEntry) -> AceReading:
    """One line of a list; what is not understood in it is accounted for."""
    words = Words(list(entry.words), entry.span)
    named = made.config.groups
    if record.standard:
        reading = read_standard_ace(words, made.dialect, named)
    else:
        reading = read_ace(words, made.dialect, record.family, named)
    if reading.unread:
        certain = reading.action is not None
        reason = f"not understood: {reading.unread}"
        made.ledger.unrecognized(entry.span.first_line, entry.span.last_line, reason, bounded=certain)
    elif unsure := [leaf.text for leaf in leaves(reading.matches) if _is_unsure(leaf)]:
        reason = f"it matches perhaps: {', '.join(unsure)}"
        made.ledger.unsupported(entry.span.first_line, entry.span.last_line, reason, bounded=True)
    return reading


def _is_unsure(leaf: Matches) -> TypeGuard[UnknownMatch]:
    return isinstance(leaf, UnknownMatch) and leaf is not UNSEEN_FRAGMENT


def _acl(made: Filters, record: AclRecord) -> Acl:
    numbered: list[tuple[int, Ace]] = []
    last = 0
    for entry in record.entries:
        reading = read_entry(made, record, entry)
        last = last + 10 if reading.sequence is None else reading.sequence
        if reading.remark is None:
            numbered.append((last, _ace(reading, entry)))
    numbered.sort(key=lambda pair: pair[0])
    aces = tuple(ace for _, ace in numbered)
    if record.family is Family.IPV6:
        aces += _neighbour_discovery()
    return Acl(acl_name(record.family, record.name), aces, Forwarding.DROP, record.span)


def _ace(reading: AceReading, entry: AclEntry) -> Ace:
    if reading.evaluates:
        let_in = AllOf((ANSWERS, UnknownMatch(entry.text, "answers to what a reflexive list saw")))
        return Ace(let_in, Forwarding.ACCEPT, entry.span, entry.text)
    action = UnknownAction(entry.text) if reading.action is None else reading.action
    return Ace(reading.matches, action, entry.span, entry.text)


def _neighbour_discovery() -> tuple[Ace, ...]:
    """IPv6 lists end with two permits before the deny (IOS IPv6 Command Reference)."""
    return tuple(
        Ace(
            AllOf((_ICMPV6, *icmp_matches(ICMPV6[name]))),
            Forwarding.ACCEPT,
            None,
            f"(implicit) permit icmp any any {name}",
        )
        for name in ("nd-na", "nd-ns")
    )


# ---- at interfaces ------------------------------------------------------------------------------


def _apply(made: Filters, interface: IosInterface) -> None:
    for applied in interface.acls:
        if applied.layer2 or made.list_of(applied.family, applied.name) is None:
            reason = f"no list {applied.name} with entries: everything passes"
            made.ledger.ignored(applied.span.first_line, applied.span.last_line, reason)
        else:
            _attach(made, interface, applied)


def _attach(made: Filters, interface: IosInterface, applied: AppliedAcl) -> None:
    """An outbound list is wrapped: the device's own packets pass it, and so do inspected answers."""
    name = acl_name(applied.family, applied.name)
    first: list[Ace] = []
    if made.inspects:
        answers = AllOf((ANSWERS, UnknownMatch("ip inspect", "answers to what was inspected")))
        first.append(Ace(answers, Forwarding.ACCEPT, None, "(ip inspect)"))
    if not applied.inbound:
        first.append(Ace(FROM_THE_DEVICE, Forwarding.ACCEPT, None, "(the device's own packets)"))
        first += relayed(made.config, applied.family)
    acl = made.acls[name]
    if first:
        rules = (*first, Ace(AnyPacket(), Goto(name), acl.span, f"access list {applied.name}"))
        acl = Acl(f"{name} {'in' if applied.inbound else 'out'}", rules, Forwarding.DROP, acl.span)
    hook = Hook.INGRESS if applied.inbound else Hook.EGRESS
    made.attach(acl, hook, (applied.family,), interface.name)


def relayed(config: Config, family: Family) -> Iterator[Ace]:
    """What the device relays (``ip helper-address``) it sends itself: outbound lists do not see it."""
    helpers = {(server, span) for one in config.interfaces.values()
               for of, server, span in one.helpers if of is family}  # fmt: skip
    for server, span in sorted(helpers):
        ends = tuple(AddressIn(end, family, ((server, server),)) for end in End)
        perhaps = UnknownMatch("ip helper-address", "what is relayed is sent by the device itself")
        text = f"ip helper-address {family.address(server)}"
        yield Ace(AllOf((_UDP, AnyOf(ends), perhaps)), Forwarding.ACCEPT, span, text)


def _perhaps_dropped(made: Filters) -> None:
    """Features that drop in ways that are not modelled: what passes them passes only perhaps."""
    for interface in made.config.interfaces.values():
        features = list(interface.perhaps_drops)
        features += [("vlan filter", span) for ranges, span in made.config.filtered_vlans
                     if _is_vlan(interface, ranges)]  # fmt: skip
        for feature, span in features:
            made.attach(_perhaps(feature, span), Hook.INGRESS, BOTH_FAMILIES, interface.name, 10)


def _is_vlan(interface: IosInterface, ranges: tuple[tuple[int, int], ...]) -> bool:
    number = interface.name.removeprefix("Vlan")
    return number.isdecimal() and any(first <= int(number) <= last for first, last in ranges)


def _perhaps(feature: str, span: SourceSpan) -> Acl:
    rule = Ace(UnknownMatch(feature, "what it drops is not modelled"), Forwarding.DROP, span, feature)
    return Acl(f"(perhaps dropped by {feature}, line {span.first_line})", (rule,), Forwarding.ACCEPT, span)


# ---- to the device ------------------------------------------------------------------------------

_PORTS = {"ssh": 22, "telnet": 23}
_TCP = FieldIn(Field.PROTOCOL, ((6, 6),))
_UDP = FieldIn(Field.PROTOCOL, ((17, 17),))


def _terminals(made: Filters) -> None:
    """Whom the terminal lines keep out; a connection takes any free line, so all must agree."""
    for family in Family:
        for service, port in _PORTS.items():
            lists = {_keeps(made, line, family) for line in made.config.terminals
                     if service in transports(line)}  # fmt: skip
            if len(lists) == 1 and None not in lists:
                _restrict(made, service, port, family, str(lists.pop()))


def _keeps(made: Filters, line: TerminalLine, family: Family) -> str | None:
    name = line.access.get(family, "")
    return name if made.list_of(family, name) is not None else None


def _restrict(made: Filters, service: str, port: int, family: Family, name: str) -> None:
    ports = AllOf((_TCP, FieldIn(Field.DESTINATION_PORT, ((port, port),))))
    acl = made.acls[acl_name(family, name)]
    # A list of terminal lines looks at the source; what else its entries ask for is not modelled.
    permits = [
        replace(ace, matches=AllOf((ports, ace.matches))) for ace in acl.aces
    ]  # fmt: skip
    rest = Ace(ports, Forwarding.DROP, acl.span, f"access-class {name}")
    chain = Acl(
        f"{family.label} {service} access-class {name}", (*permits, rest), Forwarding.ACCEPT, acl.span
    )
    made.attach(chain, Hook.INPUT, (family,))


def transports(line: TerminalLine) -> tuple[str, ...]:
    """The protocols that a terminal line takes; where nothing is said, both that a release may take."""
    if line.transports is None or "all" in line.transports:
        return ("ssh", "telnet")
    return tuple(one for one in line.transports if one in _PORTS)


def services(config: Config) -> Iterator[ManagementService]:
    """The ways to manage the device."""
    for line in config.terminals:
        for protocol in transports(line):
            yield ManagementService(protocol, acl=line.access.get(Family.IPV4, ""), span=line.span)
    for service in config.services:
        web = service.protocol in ("http", "https")
        yield replace(service, acl=config.http_acl) if web and not service.acl else service
