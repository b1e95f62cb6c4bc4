"""What a FortiGate accepts for itself: local-in policies, administrative access, its other services."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from segaudit.model.acl import (
    Ace,
    Acl,
    AddressIn,
    AllOf,
    AnyOf,
    Direction,
    End,
    FamilyIs,
    Field,
    FieldIn,
    Forwarding,
    Goto,
    InterfaceIn,
    Matches,
    Not,
    Return,
    UnknownMatch,
)
from segaudit.model.device import Interface
from segaudit.model.flow import Family
from segaudit.model.services import ManagementService
from segaudit.model.source import SourceSpan
from segaudit.parse.edit_tree import Entry, Value
from segaudit.vendors.fortinet_fortios.domains import Domain, all_of, negated
from segaudit.vendors.fortinet_fortios.policies import CONNECTIONS, IMPLICIT_DENY, Policy, incoming_towards
from segaudit.vendors.fortinet_fortios.services import ports, protocol_is

LOCAL_IN = "local-in"
_TABLES = {Family.IPV4: "firewall local-in-policy", Family.IPV6: "firewall local-in-policy6"}
_ADMIN_PORTS = {
    "https": ("admin-sport", 443),
    "http": ("admin-port", 80),
    "ssh": ("admin-ssh-port", 22),
    "telnet": ("admin-telnet-port", 23),
}
_ACCESS_PORTS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "snmp": ((17, 161, 161),),
    "fgfm": ((6, 541, 542),),
    "radius-acct": ((17, 1813, 1813),),
    "probe-response": ((6, 8008, 8008), (17, 8008, 8008)),
    "capwap": ((17, 5246, 5250),),
    "fabric": ((17, 5246, 5250), (6, 8013, 8015)),
    "ftm": ((6, 4433, 4433),),
    "speed-test": ((6, 5200, 5201), (17, 5200, 5201)),
    "scim": ((6, 44559, 44559),),
    "auto-ipsec": ((17, 500, 500),),
}
_MANAGED_BY = frozenset({"https", "http", "ssh", "telnet", "snmp"})

# "FortiOS Ports", and the table that `diagnose firewall iprope list 100001` prints: what may listen, by
# features that stand all over the configuration, is taken to listen.
_LISTENING_UDP = (
    53, 67, 68, 123, 161, 162, 500, 520, 521, 546, 547, 703, 1701, 1812, 1813, 3784, 3785, 3799, 4500, 4784,
    4789, 5246, 5247, 5353, 6081, 8805, 9443,
)  # fmt: skip
_LISTENING_TCP = (
    21, 23, 53, 113, 179, 389, 443, 541, 542, 646, 703, 853, 1000, 1003, 1723, 2000, 3128, 4433, 5060, 7681,
    8000, 8001, 8002, 8008, 8009, 8010, 8011, 8012, 8013, 8014, 8015, 8020, 8080, 8443, 8888, 8890, 8891,
    8900, 9980, 10443,
)  # fmt: skip
_LISTENING_PROTOCOLS = (2, 4, 41, 46, 47, 50, 51, 88, 89, 103, 112, 115, 132)
_OTHER_SERVICES = "a service of the device's own may listen"


def local_chain(domains: Sequence[Domain]) -> Acl:
    """What every packet for the device itself passes."""
    aces = [Ace(CONNECTIONS, Forwarding.ACCEPT, text="an existing session")]
    for domain in domains:
        if domain.ports:
            aces.append(Ace(InterfaceIn(Direction.IN, tuple(domain.ports)), Goto(chain_name(domain.name))))
    # Own packets to itself come in by a loopback that is no interface of FortiOS.
    aces.append(Ace(UnknownMatch("own packets", "to itself"), Forwarding.ACCEPT))
    return Acl(LOCAL_IN, tuple(aces), Forwarding.DROP)


def chain_name(vdom: str) -> str:
    """The name of a virtual domain's local-in policies as a chain."""
    return f"local-in {vdom}"


def domain_chain(domain: Domain, policies: Sequence[Policy]) -> Acl:
    """The local-in policies of a virtual domain, then what is accepted by default."""
    aces = list(_through(domain, policies))
    aces += [ace for family, path in _TABLES.items() for ace in _local_in(domain, path, family)]
    trusted = _trusted_hosts(domain)
    for interface, key, word, span in _accesses(domain):
        aces += _access_aces(domain, interface, key, word, span, trusted)
    aces += _other_services(domain)
    aces.append(IMPLICIT_DENY)
    return Acl(chain_name(domain.name), tuple(aces), Return())


def _through(domain: Domain, policies: Sequence[Policy]) -> Iterator[Ace]:
    """To the address of another interface than it came in by nothing gets without a policy to that one."""
    towards = incoming_towards(domain, policies)
    for name in domain.ports:
        allowed = [InterfaceIn(Direction.IN, (name,)), *towards[name]]
        port = domain.found.by_name[name]
        for family in Family:
            own = tuple((one.address, one.address) for one in port.addresses if one.family is family)
            if own:
                to_it = AddressIn(End.DESTINATION, family, own)
                matches = AllOf((to_it, Not(AnyOf(tuple(allowed)))))
                text = f"to an address of {name}: no policy from the interface that it came in by"
                yield Ace(matches, Forwarding.DROP, port.span, text)


# ---- local-in policies --------------------------------------------------------------------------


def _local_in(domain: Domain, path: str, family: Family) -> Iterator[Ace]:
    for entry in domain.names(path).values():
        if entry.word("status", "enable") == "disable":
            domain.reading.ledger.ignored(entry.first, entry.last, "disabled")
        else:
            yield _local_in_ace(domain, entry, family)


def _local_in_ace(domain: Domain, entry: Entry, family: Family) -> Ace:
    parts = [
        domain.interfaces(entry.words("intf"), Direction.IN),
        _side(domain, entry, "src", family),
        _side(domain, entry, "dst", family),
        negated(domain.services.match(entry.words("service")), entry, "service-negate")
        if entry.words("service")
        else UnknownMatch("service", "no service is given"),
        *domain.schedule(entry),
    ]
    if entry.is_on("ha-mgmt-intf-only"):
        parts.append(UnknownMatch("ha-mgmt-intf-only", "on the management interface of a cluster alone"))
    action = Forwarding.ACCEPT if entry.word("action", "deny") == "accept" else Forwarding.DROP
    text = f"local-in policy {entry.name}: {action.value}"
    return Ace(all_of(parts), action, domain.reading.span(entry), text)


def _side(domain: Domain, entry: Entry, side: str, family: Family) -> Matches:
    key = f"{side}addr"
    if entry.is_on(f"internet-service-{side}") or not entry.words(key):
        return AllOf((FamilyIs(family), UnknownMatch(key, "no address is given")))
    end = End.SOURCE if side == "src" else End.DESTINATION
    return negated(domain.addresses.match(entry.words(key), family, end), entry, f"{key}-negate")


# ---- administrative access ----------------------------------------------------------------------

Access = tuple[Interface, Family, str, SourceSpan]


def _accesses(domain: Domain) -> Iterator[Access]:
    """Every ``allowaccess`` word of the virtual domain's interfaces, by family."""
    for name in domain.ports:
        entry = domain.found.entries.get(name)
        if entry is None:
            continue
        six = domain.reading.inner_settings(entry, "ipv6")
        for family, value in (
            (Family.IPV4, entry.values.get("allowaccess")),
            (Family.IPV6, six.values.get("ip6-allowaccess")),
            *((Family.IPV4, secondary.values.get("allowaccess"))
              for secondary in domain.reading.inner(entry, "secondaryip").values()),
        ):  # fmt: skip
            yield from _words_of(domain, name, family, value)


def _words_of(domain: Domain, name: str, family: Family, value: Value | None) -> Iterator[Access]:
    for word in value.words if value is not None else ():
        assert value is not None
        yield domain.found.by_name[name], family, word, domain.reading.span(value)


def _access_aces(
    domain: Domain, interface: Interface, family: Family, word: str, span: SourceSpan, trusted: bool
) -> Iterator[Ace]:
    """Certainly accepted on the interface's own addresses, perhaps by other ways."""
    service = _access_match(domain, word, family)
    text = f"{interface.name}: allowaccess {word}"
    if service is None:
        domain.reading.ledger.unrecognized(
            span.first_line, span.last_line, f"allowaccess {word}", bounded=False
        )
        return
    own = tuple((one.address, one.address) for one in interface.addresses if one.family is family)
    if own and not (trusted and word in _ADMIN_PORTS) and word in (*_ADMIN_PORTS, "ping"):
        here = InterfaceIn(Direction.IN, (interface.name,))
        to_it = AddressIn(End.DESTINATION, family, own)
        yield Ace(AllOf((here, to_it, service)), Forwarding.ACCEPT, span, text)
    yield Ace(AllOf((service, UnknownMatch(text, _OTHER_SERVICES))), Forwarding.ACCEPT, span, text)


def _access_match(domain: Domain, word: str, family: Family) -> Matches | None:
    if word == "ping":
        number, kind = (1, 8) if family is Family.IPV4 else (58, 128)
        return AllOf((FamilyIs(family), protocol_is(number), FieldIn(Field.ICMP_TYPE, ((kind, kind),))))
    if word in _ADMIN_PORTS:
        key, default = _ADMIN_PORTS[word]
        text = _global(domain).word(key, str(default))
        port = int(text) if text.isdecimal() and int(text) < 65536 else default
        return AllOf((FamilyIs(family), ports(6, (port, port))))
    known = _ACCESS_PORTS.get(word)
    if known is None:
        return None
    parts = tuple(ports(protocol, (first, last)) for protocol, first, last in known)
    return AllOf((FamilyIs(family), AnyOf(parts)))


def _global(domain: Domain) -> Entry:
    settings = domain.reading.settings("", "system global")
    if settings.values or domain.reading.is_split:
        return settings
    return domain.reading.settings(domain.name, "system global")


def _trusted_hosts(domain: Domain) -> bool:
    """True where some administrator may log in from some hosts only, so that others may be refused."""
    return any(
        key.startswith("trusthost") for admin in domain.reading.everywhere_table("system admin").values()
        for key in admin.values
    )  # fmt: skip


def _other_services(domain: Domain) -> Iterator[Ace]:
    """What may listen besides; ICMP and multicast in general."""
    udp = AllOf(
        (protocol_is(17), FieldIn(Field.DESTINATION_PORT, tuple((one, one) for one in _LISTENING_UDP)))
    )
    tcp = AllOf(
        (protocol_is(6), FieldIn(Field.DESTINATION_PORT, tuple((one, one) for one in _LISTENING_TCP)))
    )
    ssl_vpn = domain.reading.settings(domain.name, "vpn ssl settings")
    number = ssl_vpn.word("port")
    further = [ports(6, (int(number), int(number)))] if number.isdecimal() and int(number) < 65536 else []
    own = FieldIn(Field.PROTOCOL, tuple((one, one) for one in _LISTENING_PROTOCOLS))
    not_echo = AnyOf(
        tuple(
            AllOf((protocol_is(protocol), FieldIn(Field.ICMP_TYPE, ((0, echo - 1), (echo + 1, 255)))))
            for protocol, echo in ((1, 8), (58, 128))
        )
    )
    multicast = AnyOf(
        (
            AddressIn(End.DESTINATION, Family.IPV4, ((0xE0000000, 0xFFFFFFFF),)),
            AddressIn(End.DESTINATION, Family.IPV6, ((0xFF << 120, (1 << 128) - 1),)),
        )
    )
    matches = AnyOf((udp, tcp, *further, own, not_echo, multicast))
    yield Ace(AllOf((matches, UnknownMatch("local services", _OTHER_SERVICES))), Forwarding.ACCEPT)


def management_services(domain: Domain) -> Iterator[ManagementService]:
    """The ways to manage the device, by interface."""
    for interface, _, word, span in _accesses(domain):
        if word in _MANAGED_BY:
            yield ManagementService(word, chain_name(domain.name), interface.vrf, interface.name, span)
