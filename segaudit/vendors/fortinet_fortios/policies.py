"""Firewall policies: which connections may pass between the interfaces of a virtual domain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from segaudit.model.acl import (
    Ace,
    Acl,
    AllOf,
    AnyOf,
    AnyPacket,
    Direction,
    End,
    FamilyIs,
    Forwarding,
    Goto,
    InterfaceIn,
    Matches,
    Not,
    Return,
    StateIn,
    UnknownMatch,
)
from segaudit.model.flow import ConnectionState, Family
from segaudit.model.source import SourceSpan
from segaudit.parse.edit_tree import Entry
from segaudit.vendors.fortinet_fortios.addresses import NOTHING
from segaudit.vendors.fortinet_fortios.domains import Domain, all_of, negated
from segaudit.vendors.fortinet_fortios.expressions import may_be, turned
from segaudit.vendors.fortinet_fortios.virtual_ips import VirtualIps, after

FORWARD = "forward"
IMPLICIT_DENY = Ace(AnyPacket(), Forwarding.DROP, text="implicit deny (policy 0)")
_ESTABLISHED = StateIn(frozenset({ConnectionState.ESTABLISHED}))
_RELATED = StateIn(frozenset({ConnectionState.RELATED}))
CONNECTIONS = StateIn(frozenset({ConnectionState.ESTABLISHED, ConnectionState.RELATED}))

_BY_USER = (
    "users",
    "groups",
    "fsso-groups",
    "devices",
    "custom-tags",
    "ztna-ems-tag",
    "ztna-geo-tag",
    "ztna-ems-tag-secondary",
    "src-vendor-mac",
    "sgt",
    "vlan-filter",
    "ztna-device-ownership",
)
_BY_SWITCH = (
    "identity-based",
    "rsso",
    "ntlm",
    "fsso",
    "ztna-status",
    "sgt-check",
    "geoip-match",
    "match-vip-only",
    "network-service-dynamic",
    "network-service-src-dynamic",
    "tos-negate",
)
_BY_APPLICATION = ("application", "app-category", "app-group", "url-category")
_NOT_ZERO = ("tos-mask", "reputation-minimum", "reputation-minimum6")
_RARE = frozenset((*_BY_USER, *_BY_SWITCH, *_BY_APPLICATION, *_NOT_ZERO))
_MEDIA_HELPERS = frozenset({"sip", "sccp", "h323", "ras", "mgcp", "rtsp", "mms"})
_HARMLESS_HELPERS = frozenset({"dns-udp", "dns-tcp"})
_VOICE_GATEWAY = (("sip", 17, 5060), ("sip", 6, 5060), ("sip", 6, 5061), ("sccp", 6, 2000))
_DEFAULT_HELPERS = (
    ("pptp", 6, 1723), ("h323", 6, 1720), ("ras", 17, 1719), ("tns", 6, 1521), ("tftp", 17, 69),
    ("rtsp", 6, 554), ("rtsp", 6, 7070), ("rtsp", 6, 8554), ("ftp", 6, 21), ("mms", 6, 1863),
    ("pmap", 6, 111), ("pmap", 17, 111), ("sip", 17, 5060), ("sip", 6, 5060), ("rsh", 6, 514),
    ("rsh", 6, 512), ("dcerpc", 6, 135), ("dcerpc", 17, 135), ("mgcp", 17, 2427), ("mgcp", 17, 2727),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy in force: what it matches, apart from where packets go and what they are."""

    entry: Entry
    accepts: bool
    incoming: Matches
    outgoing: Matches
    sides: tuple[tuple[Family, Matches, Matches], ...]
    """Per family the source and the destination, as they are behind destination NAT."""
    service: Matches
    further: tuple[Matches, ...]
    span: SourceSpan
    text: str

    @property
    def matches(self) -> Matches:
        """Everything that the policy decides."""
        pairs = tuple(all_of((source, destination)) for _, source, destination in self.sides)
        ends = pairs[0] if len(pairs) == 1 else AnyOf(pairs)
        return all_of((self.incoming, self.outgoing, ends, self.service, *self.further))


def read_policies(domain: Domain, virtual_ips: VirtualIps) -> tuple[Policy, ...]:
    """The policies in force, in the order of the configuration."""
    found: list[Policy] = []
    for path, families in (("firewall policy", tuple(Family)), ("firewall policy6", (Family.IPV6,))):
        for entry in domain.names(path).values():
            if entry.word("status", "enable") == "disable":
                domain.reading.ledger.ignored(entry.first, entry.last, "disabled")
                continue
            found.append(_policy(domain, virtual_ips, entry, families))
    return tuple(found)


def _policy(domain: Domain, virtual_ips: VirtualIps, entry: Entry, families: Sequence[Family]) -> Policy:
    action = entry.word("action", "deny")
    if action not in ("accept", "deny"):
        domain.reading.doubt(entry.values["action"], f"a policy whose action is {action}")
    accepts = action != "deny"
    own = families == (Family.IPV6,)
    sides = [
        (family, _source(domain, entry, family, own), _destination(domain, virtual_ips, entry, family, own))
        for family in families
        if _is_of(entry, family, own)
    ]
    name = entry.word("name")
    return Policy(
        entry,
        accepts,
        domain.interfaces(entry.words("srcintf"), Direction.IN),
        domain.interfaces(entry.words("dstintf"), Direction.OUT),
        tuple(sides),
        _service(domain, virtual_ips, entry),
        tuple(_further(domain, entry)),
        domain.reading.span(entry),
        f"policy {entry.name}{f' {name!r}' if name else ''}: {action}",
    )


def _is_of(entry: Entry, family: Family, own: bool) -> bool:
    """A policy is of the families that it has addresses of, and of IPv4 where it has none."""
    if own:
        return True
    six = bool(entry.words("srcaddr6") or entry.words("dstaddr6")) or any(
        entry.is_on(key) for key in ("internet-service6", "internet-service6-src")
    )
    four = bool(entry.words("srcaddr") or entry.words("dstaddr")) or any(
        entry.is_on(key) for key in ("internet-service", "internet-service-src")
    )
    return six if family is Family.IPV6 else four or not six


def _keys(side: str, family: Family, own: bool) -> tuple[str, str, str]:
    """The settings of one side: addresses, their negation, and matching by internet service."""
    suffix = "6" if family is Family.IPV6 and not own else ""
    service = f"internet-service{suffix}" + ("-src" if side == "src" else "")
    return f"{side}addr{suffix}", f"{side}addr{suffix}-negate", service


def _source(domain: Domain, entry: Entry, family: Family, own: bool) -> Matches:
    key, negate, service = _keys("src", family, own)
    if entry.is_on(service):
        return AllOf((FamilyIs(family), UnknownMatch(service, "an internet service")))
    if not entry.words(key):
        return AllOf((FamilyIs(family), UnknownMatch(key, "no source is given")))
    return _negated(domain.addresses.match(entry.words(key), family, End.SOURCE), entry, negate, family)


def _destination(
    domain: Domain, virtual_ips: VirtualIps, entry: Entry, family: Family, own: bool
) -> Matches:
    """The destination behind destination NAT.

    What a virtual IP has translated is matched by policies that name it, and by no other that denies
    unless it says ``match-vip``; that is not told apart from what was sent to the same place.
    """
    key, negate, service = _keys("dst", family, own)
    if entry.is_on(service):
        return AllOf((FamilyIs(family), UnknownMatch(service, "an internet service")))
    names = entry.words(key)
    if not names:
        return AllOf((FamilyIs(family), UnknownMatch(key, "no destination is given")))
    plain = [name for name in names if not virtual_ips.is_one(name, family)]
    addresses = domain.addresses.match(plain, family, End.DESTINATION) if plain else NOTHING
    mapped = virtual_ips.mapped(family, End.DESTINATION)
    central = domain.is_central_nat
    if mapped is not None and plain and not central and not _matches_translated(domain, entry):
        translated = UnknownMatch(entry.name, "what a virtual IP has translated is not matched")
        addresses = AllOf((addresses, AnyOf((Not(mapped), translated))))
    parts: list[Matches] = [addresses]
    for one in virtual_ips.named(names, family):
        parts.append(AllOf((after(one), UnknownMatch(one.name, "what the virtual IP has translated"))))
    matches = parts[0] if len(parts) == 1 else AnyOf(tuple(parts))
    if entry.is_on(negate) and len(parts) > 1:
        return AllOf((FamilyIs(family), UnknownMatch(key, "all but a virtual IP")))
    return _negated(matches, entry, negate, family)


def _matches_translated(domain: Domain, entry: Entry) -> bool:
    """``match-vip``: on by default from 7.2.4, and settable only where a policy denies."""
    if entry.word("action", "deny") != "deny":
        return False
    version = domain.reading.version
    return entry.word("match-vip", "enable" if version >= (7, 2, 4) else "disable") == "enable"


def _negated(matches: Matches, entry: Entry, key: str, family: Family) -> Matches:
    return AllOf((FamilyIs(family), Not(matches))) if entry.is_on(key) else matches


def _service(domain: Domain, virtual_ips: VirtualIps, entry: Entry) -> Matches:
    """The service; beside a virtual IP that changes ports, it may be the one before or the one behind."""
    if entry.is_on("internet-service") or entry.is_on("internet-service6"):
        return AnyPacket()
    names = entry.words("service")
    if not names:
        return UnknownMatch("service", "no service is given")
    matches = negated(domain.services.match(names), entry, "service-negate")
    used = [*entry.words("dstaddr"), *entry.words("dstaddr6")]
    if any(one.ports for family in Family for one in virtual_ips.named(used, family)):
        return AnyOf((matches, UnknownMatch("service", "the port before or behind a virtual IP")))
    return matches


def _further(domain: Domain, entry: Entry) -> Iterator[Matches]:
    """What else must hold, and is not in a packet."""
    yield from domain.schedule(entry)
    if not (_RARE & entry.values.keys() or entry.inner):
        return
    for key in _BY_USER:
        if entry.words(key):
            yield UnknownMatch(key, "who or what the sender is decides")
    for key in _BY_SWITCH:
        if entry.is_on(key):
            yield UnknownMatch(key, "not in the packet's header")
    for key in _NOT_ZERO:
        if entry.word(key, "0") not in ("0", "0x00"):
            yield UnknownMatch(key, "not modelled")
    if any(entry.words(key) for key in _BY_APPLICATION):
        yield UnknownMatch(entry.name, "application decided after the first packets")
    if entry.inner.get("identity-based-policy"):
        yield UnknownMatch("identity-based-policy", "who is logged in decides")


# ---- the chain ----------------------------------------------------------------------------------


def chain_name(vdom: str) -> str:
    """The name of a virtual domain's policies as a chain."""
    return f"policy {vdom}"


def forward_chain(domains: Sequence[Domain]) -> Acl:
    """What every forwarded packet passes: its virtual domain's policies, by its input interface."""
    aces = tuple(
        Ace(InterfaceIn(Direction.IN, tuple(domain.ports)), Goto(chain_name(domain.name)))
        for domain in domains
        if domain.ports
    )
    return Acl(FORWARD, aces, Forwarding.DROP)


def policy_chain(domain: Domain, virtual_ips: VirtualIps, policies: Sequence[Policy]) -> Acl:
    """The policies of a virtual domain, with what passes without one; the end is the implicit deny."""
    aces = [
        *_existing(domain, policies),
        *_redirected(domain, virtual_ips),
        *_within_zones(domain, certain=False),
        *_helped(domain, policies),
    ]
    for policy in policies:
        action = Forwarding.ACCEPT if policy.accepts else Forwarding.DROP
        aces.append(Ace(policy.matches, action, policy.span, policy.text))
    aces += _within_zones(domain, certain=True)
    aces.append(IMPLICIT_DENY)
    return Acl(chain_name(domain.name), tuple(aces), Return())


def _existing(domain: Domain, policies: Sequence[Policy]) -> Iterator[Ace]:
    """Packets of a session: between the interfaces that it was accepted between, either way.

    What comes in elsewhere makes the session be decided anew. With auxiliary sessions an answer leaves by
    whatever route is best.
    """
    text = "an existing session"
    if _follows_routes(domain):
        yield Ace(_ESTABLISHED, Forwarding.ACCEPT, text=text)
    else:
        given = (
            (one.entry.words("srcintf"), one.entry.words("dstintf")) for one in policies if one.accepts
        )
        pairs = dict.fromkeys(
            pair for first, second in given for pair in ((first, second), (second, first))
        )
        for incoming, outgoing in pairs:
            between = (
                domain.interfaces(incoming, Direction.IN),
                domain.interfaces(outgoing, Direction.OUT),
            )
            yield Ace(all_of((_ESTABLISHED, *between)), Forwarding.ACCEPT, text=text)
    doubt = UnknownMatch("ICMP error", "by which interface an error about a session may come in")
    yield Ace(AllOf((_RELATED, doubt)), Forwarding.ACCEPT, text="an ICMP error about a session")


def _follows_routes(domain: Domain) -> bool:
    """``auxiliary-session``: always from 6.2.0 to 6.2.2, by choice from 6.2.3."""
    version = domain.reading.version
    always = not version or (6, 2) <= version < (6, 2, 3)
    return always or domain.reading.settings(domain.name, "system settings").is_on("auxiliary-session")


def incoming_towards(domain: Domain, policies: Sequence[Policy]) -> dict[str, list[Matches]]:
    """Per interface the input interfaces from which a policy, or a zone, may let packets through to it."""
    pairs = {
        (one.entry.words("srcintf"), one.entry.words("dstintf")): one for one in policies if one.accepts
    }
    found: dict[str, list[Matches]] = {name: [] for name in domain.ports}
    for one in pairs.values():
        exact = one.outgoing.names if isinstance(one.outgoing, InterfaceIn) else domain.ports
        for name in exact:
            found.setdefault(name, []).append(one.incoming)
    for entry in domain.names("system zone").values():
        if entry.word("intrazone", "deny") == "allow":
            members = tuple(sorted(entry.words("interface")))
            for name in members:
                found.setdefault(name, []).append(InterfaceIn(Direction.IN, members))
    return found


def _redirected(domain: Domain, virtual_ips: VirtualIps) -> Iterator[Ace]:
    """Out of the interface that it came in by: without a policy, by default up to 7.4.9 and 7.6.4."""
    if not virtual_ips.all and not _redirects(domain):
        return
    reason = "out of the interface that it came in by (allow-traffic-redirect)"
    for name in domain.ports:
        same = (InterfaceIn(Direction.IN, (name,)), InterfaceIn(Direction.OUT, (name,)))
        yield Ace(AllOf((*same, UnknownMatch(name, reason))), Forwarding.ACCEPT, text=f"{name}: {reason}")


def _redirects(domain: Domain) -> bool:
    settings = domain.reading.settings("", "system global")
    if not settings.values and not domain.reading.is_split:
        settings = domain.reading.settings(domain.name, "system global")
    version = domain.reading.version
    refuses = (7, 4, 10) <= version < (7, 5) or version >= (7, 6, 5)
    default = "disable" if refuses else "enable"
    keys = ("allow-traffic-redirect", "ipv6-allow-traffic-redirect")
    return any(settings.word(key, default) != "disable" for key in keys)


def _within_zones(domain: Domain, certain: bool) -> Iterator[Ace]:
    """Between the members of a zone with ``intrazone allow``: without a policy.

    Whether a policy that denies comes first is not documented: before the policies perhaps, behind them
    for certain.
    """
    for name, entry in domain.names("system zone").items():
        members = tuple(sorted(entry.words("interface")))
        if entry.word("intrazone", "deny") != "allow" or not members:
            continue
        parts: list[Matches] = [InterfaceIn(direction, members) for direction in Direction]
        if not certain:
            parts.append(UnknownMatch(name, "inside a zone, perhaps before the policies"))
        span = domain.reading.span(entry.values["intrazone"])
        yield Ace(AllOf(tuple(parts)), Forwarding.ACCEPT, span, f"zone {name}: intrazone allow")


def _helpers(domain: Domain, policy: Policy) -> list[tuple[str, int, int]]:
    """The helpers for what a policy accepts, with protocol and port.

    Without the table, those of a new device. The SIP and SCCP gateway works beside the table, unless
    the virtual domain leaves voice to the table and the policy has no VoIP profile.
    """
    path = "system session-helper"
    shown = domain.reading.everywhere_table(path)
    found = [] if shown or domain.reading.shows(path) else list(_DEFAULT_HELPERS)
    for entry in shown.values():
        protocol, port = entry.word("protocol", "0"), entry.word("port", "0")
        if protocol.isdecimal() and port.isdecimal():
            found.append((entry.word("name"), int(protocol), int(port)))
    settings = domain.reading.settings(domain.name, "system settings")
    by_table = settings.word("default-voip-alg-mode", "proxy-based") == "kernel-helper-based"
    if not by_table or policy.entry.words("voip-profile"):
        found += _VOICE_GATEWAY
    return [one for one in found if one[0] not in _HARMLESS_HELPERS]


def _helped(domain: Domain, policies: Sequence[Policy]) -> Iterator[Ace]:
    """Further connections that a session helper lets through beside one that a policy accepts.

    Between the same two ends either way; those of media protocols between any, since their messages
    name addresses.
    """
    for policy in policies:
        if not policy.accepts:
            continue
        names = sorted(
            {
                name
                for name, protocol, port in _helpers(domain, policy)
                if _may_accept(domain, policy, protocol, port)
            }
        )
        if names:
            yield from _helped_by(domain, policy, names)


def _may_accept(domain: Domain, policy: Policy, protocol: int, port: int) -> bool:
    """False only where a policy accepts no packet of ``protocol`` to ``port``."""
    names = policy.entry.words("service")
    service = policy.service
    if isinstance(service, AnyOf) and any(isinstance(one, UnknownMatch) for one in service.of):
        return True
    if not names or policy.entry.is_on("service-negate") or isinstance(service, AnyPacket):
        return may_be(policy.service, protocol, port)
    return domain.services.may_be(names, protocol, port)


def _helped_by(domain: Domain, policy: Policy, names: Sequence[str]) -> Iterator[Ace]:
    doubt = UnknownMatch(", ".join(names), "further connections that a session helper lets through")
    text = f"{policy.text}: session helper {', '.join(names)}"
    loosely = not _MEDIA_HELPERS.isdisjoint(names)
    entry = policy.entry
    back = (
        domain.interfaces(entry.words("dstintf"), Direction.IN),
        domain.interfaces(entry.words("srcintf"), Direction.OUT),
    )
    for family, source, destination in policy.sides:
        if loosely:
            there: tuple[Matches, ...] = (FamilyIs(family),)
            again = there
        else:
            there, again = (source, destination), (turned(source), turned(destination))
        yield Ace(
            all_of((policy.incoming, policy.outgoing, *there, doubt)), Forwarding.ACCEPT, policy.span, text
        )
        yield Ace(all_of((*back, *again, doubt)), Forwarding.ACCEPT, policy.span, text)
