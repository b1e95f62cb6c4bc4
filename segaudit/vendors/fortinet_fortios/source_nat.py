"""Source NAT: by the policy that a connection was accepted by, or by the central table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from segaudit.model.acl import (
    Ace,
    Acl,
    AddressIn,
    AllOf,
    Direction,
    End,
    Field,
    FieldIn,
    Forwarding,
    Goto,
    InterfaceIn,
    Matches,
    Range,
    Return,
    Translate,
    TranslationKind,
    UnknownMatch,
)
from segaudit.model.flow import Family
from segaudit.parse.edit_tree import Entry
from segaudit.vendors.fortinet_fortios.addresses import parse_range
from segaudit.vendors.fortinet_fortios.domains import Domain, all_of
from segaudit.vendors.fortinet_fortios.policies import Policy
from segaudit.vendors.fortinet_fortios.virtual_ips import VirtualIps

SOURCE_NAT = "source nat"
_ANYTHING = Translate(TranslationKind.SOURCE)
_FEW = 8
_POOLS = {Family.IPV4: "firewall ippool", Family.IPV6: "firewall ippool6"}


def chain_name(vdom: str) -> str:
    """The name of a virtual domain's source translations as a chain."""
    return f"source nat {vdom}"


def source_chain(domains: Sequence[Domain]) -> Acl:
    """Every forwarded packet's source translation, by the virtual domain of its input interface."""
    aces = tuple(
        Ace(InterfaceIn(Direction.IN, tuple(domain.ports)), Goto(chain_name(domain.name)))
        for domain in domains
        if domain.ports
    )
    return Acl(SOURCE_NAT, aces, Forwarding.ACCEPT)


def domain_chain(domain: Domain, virtual_ips: VirtualIps, policies: Sequence[Policy]) -> Acl:
    """The source translations of a virtual domain."""
    if domain.is_central_nat:
        aces = tuple(_central(domain))
    else:
        aces = tuple(
            ace for policy in policies if policy.accepts for ace in _of_policy(domain, virtual_ips, policy)
        )
    return Acl(chain_name(domain.name), aces, Return())


def translates(acl: Acl) -> bool:
    """True where a chain translates anything."""
    return any(isinstance(ace.action, Translate) for ace in acl.aces)


def _of_policy(domain: Domain, virtual_ips: VirtualIps, policy: Policy) -> Iterator[Ace]:
    entry = policy.entry
    if not entry.is_on("nat"):
        yield Ace(policy.matches, Forwarding.ACCEPT, policy.span, policy.text)
        return
    text = f"{policy.text}, nat"
    yield from _of_mapped(virtual_ips, policy, text)
    if entry.is_on("ippool"):
        for family, key in ((Family.IPV4, "poolname"), (Family.IPV6, "poolname6")):
            of_family = [side for side in policy.sides if side[0] is family]
            if of_family:
                matches = all_of((policy.matches, _is(family)))
                yield Ace(matches, _pools(domain, entry.words(key), family), policy.span, text)
        return
    for matches, translate in _interface_addresses(domain, policy):
        yield Ace(matches, translate, policy.span, text)


def _is(family: Family) -> Matches:
    return AddressIn(End.SOURCE, family, ((0, (1 << family.bits) - 1),))


def _of_mapped(virtual_ips: VirtualIps, policy: Policy, text: str) -> Iterator[Ace]:
    """A host behind a static virtual IP may leave with its external address."""
    for family, _, _ in policy.sides:
        mapped = virtual_ips.mapped(family, End.SOURCE)
        if mapped is not None:
            yield Ace(AllOf((policy.matches, mapped)), _ANYTHING, policy.span, text)


def _interface_addresses(domain: Domain, policy: Policy) -> Iterator[tuple[Matches, Translate]]:
    """The first address of the output interface; which it is, is told apart for a few interfaces."""
    names = domain.output_ports(policy.entry.words("dstintf"))
    known: list[tuple[str, int]] = []
    for name in names:
        addresses = domain.found.by_name[name].addresses
        known += [(name, one.address) for one in addresses if one.family is Family.IPV4][:1]
    only_v4 = all(family is Family.IPV4 for family, _, _ in policy.sides)
    if not only_v4:
        six = UnknownMatch(policy.entry.name, "whether the NAT of a policy is of IPv6, too")
        yield AllOf((policy.matches, _is(Family.IPV4))), Translate(TranslationKind.MASQUERADE)
        yield AllOf((policy.matches, _is(Family.IPV6), six)), Translate(TranslationKind.MASQUERADE)
        return
    if not names or len(known) != len(names) or len(names) > _FEW:
        yield policy.matches, Translate(TranslationKind.MASQUERADE)
        return
    for name, address in known:
        out = InterfaceIn(Direction.OUT, (name,))
        translate = Translate(TranslationKind.SOURCE, ((address, address),), family=Family.IPV4)
        yield AllOf((policy.matches, out)), translate


def _pools(domain: Domain, names: Sequence[str], family: Family) -> Translate:
    """The addresses of pools; any where one of them is not known."""
    found: list[Range] = []
    for name in names:
        pool = domain.names(_POOLS[family]).get(name)
        one = (
            parse_range(f"{pool.word('startip')}-{pool.word('endip')}", family)
            if pool is not None
            else None
        )
        if one is None:
            return Translate(TranslationKind.SOURCE, family=family)
        found.append(one)
    return Translate(TranslationKind.SOURCE, tuple(found), family=family)


# ---- central NAT --------------------------------------------------------------------------------


def _central(domain: Domain) -> Iterator[Ace]:
    """The central table in order; what matches no entry is left alone."""
    for entry in domain.names("firewall central-snat-map").values():
        if entry.word("status", "enable") == "disable":
            domain.reading.ledger.ignored(entry.first, entry.last, "disabled")
            continue
        six = entry.word("type", "ipv4") == "ipv6"
        family = Family.IPV6 if six else Family.IPV4
        matches = all_of(_central_matches(domain, entry, family))
        yield Ace(
            matches,
            _central_action(domain, entry, family),
            domain.reading.span(entry),
            f"central nat {entry.name}",
        )


def _central_matches(domain: Domain, entry: Entry, family: Family) -> Iterator[Matches]:
    suffix = "6" if family is Family.IPV6 else ""
    yield domain.interfaces(entry.words("srcintf"), Direction.IN)
    yield domain.interfaces(entry.words("dstintf"), Direction.OUT)
    for key, end in (("orig-addr", End.SOURCE), ("dst-addr", End.DESTINATION)):
        names = entry.words(f"{key}{suffix}")
        yield domain.addresses.match(names, family, end) if names else _is(family)
    protocol = entry.word("protocol", "0")
    if protocol.isdecimal() and 0 < int(protocol) < 256:
        yield FieldIn(Field.PROTOCOL, ((int(protocol), int(protocol)),))
    for key in ("orig-port", "dst-port"):
        if entry.word(key, "0") not in ("0", "0-0"):
            yield UnknownMatch(entry.name, f"central NAT by {key}")


def _central_action(domain: Domain, entry: Entry, family: Family) -> Forwarding | Translate:
    if entry.word("nat", "enable") == "disable":
        return Forwarding.ACCEPT
    pools = entry.words("nat-ippool6" if family is Family.IPV6 else "nat-ippool")
    return _pools(domain, pools, family) if pools else Translate(TranslationKind.MASQUERADE)
