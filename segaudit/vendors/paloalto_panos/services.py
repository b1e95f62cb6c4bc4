"""What the firewall itself offers and depends on: management, routing protocols, shared fate.

Source: PAN-OS Web Interface Help 10.1, "Device > Setup > Management", "Network > Network Profiles >
Interface Mgmt".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256

from segaudit.model.acl import (
    Ace,
    Acl,
    AddressIn,
    AllOf,
    AnyPacket,
    Direction,
    End,
    Field,
    FieldIn,
    Forwarding,
    InterfaceIn,
    Matches,
    UnknownMatch,
)
from segaudit.model.services import ManagementService, RoutingProcess, SharedFate
from segaudit.vendors.paloalto_panos.convert_policy import ESTABLISHED, any_of
from segaudit.vendors.paloalto_panos.extract_network import MANAGEMENT
from segaudit.vendors.paloalto_panos.objects import joined, literal_addresses
from segaudit.vendors.paloalto_panos.records import InterfaceRecord, ManagementProfile, RouterRecord
from segaudit.vendors.paloalto_panos.tree import Node

INPUT_CHAIN = "to the firewall itself"

_OF_MANAGEMENT = "(management)"
"""The profile of the management port; no name that a configured one can have."""

_PORTS = {"ssh": (6, 22), "telnet": (6, 23), "http": (6, 80), "https": (6, 443), "snmp": (17, 161)}
_ONLY_FOR_MANAGEMENT = ("ssh", "telnet", "snmp")
"""Services whose ports nothing else of the firewall listens on (HTTPS is also GlobalProtect's)."""

_ON_BY_DEFAULT = ("https", "ssh")
"""On the management port. Source: PAN-OS Web Interface Help 10.1, "Management Interface Settings"."""

_ROUTING = {"bgp": "bgp", "ospf": "ospf", "ospfv3": "ospf3", "rip": "rip", "isis": "isis", "eigrp": "eigrp"}

_SECURITY_POLICY = UnknownMatch("security policy", "the security policy decides about it too")


def fingerprint(secret: str) -> str:
    """A secret as it may stand in a report."""
    return "sha256:" + sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def processes(routers: Iterable[RouterRecord]) -> tuple[RoutingProcess, ...]:
    """The routing protocols that are on."""
    return tuple(
        RoutingProcess(_ROUTING[protocol], router.name, span=span)
        for router in routers
        for protocol, span in sorted(router.protocols.items())
        if protocol in _ROUTING
    )


# ---- management ---------------------------------------------------------------------------------


def permitted_name(profile: str) -> str:
    """The name of the chain of a profile's permitted addresses."""
    return f"permitted-ip of {profile}"


def management_profile(system: Node | None) -> ManagementProfile | None:
    """What the management port answers."""
    if system is None:
        return None
    found = system.get("service")
    off = {name for name in _PORTS if found is not None and found.word(f"disable-{name}") == "yes"}
    on = {name for name in _PORTS if found is not None and found.word(f"disable-{name}") == "no"}
    services = tuple(sorted((set(_ON_BY_DEFAULT) | on) - off))
    return ManagementProfile(_OF_MANAGEMENT, services, system.words("permitted-ip"), (found or system).span)


def services(
    records: Iterable[InterfaceRecord], profiles: dict[str, ManagementProfile], vrfs: dict[str, str]
) -> tuple[ManagementService, ...]:
    """The management services of every interface."""
    found = []
    for record in records:
        profile = profiles.get(_profile_of(record))
        for name in profile.services if profile is not None else ():
            if profile is not None and name in _PORTS:
                acl = permitted_name(profile.name) if profile.permitted else ""
                vrf = vrfs.get(record.name, "")
                found.append(ManagementService(name, acl, vrf, record.name, profile.span))
    return tuple(sorted(found))


def _profile_of(record: InterfaceRecord) -> str:
    return _OF_MANAGEMENT if record.name == MANAGEMENT else record.management_profile


def chains(records: Iterable[InterfaceRecord], profiles: dict[str, ManagementProfile]) -> dict[str, Acl]:
    """The chain of packets to the firewall, and one per profile with permitted addresses."""
    acls = {permitted_name(one.name): _permitted_acl(one) for one in profiles.values() if one.permitted}
    aces = [ESTABLISHED]
    for record in records:
        aces += _answers(record, profiles.get(_profile_of(record)))
    rest = UnknownMatch("to the firewall", "VPN, routing protocols and other services are not told apart")
    aces.append(Ace(rest, Forwarding.ACCEPT, None, "other services of the firewall"))
    acls[INPUT_CHAIN] = Acl(INPUT_CHAIN, tuple(aces), Forwarding.DROP)
    return acls


def _permitted_acl(profile: ManagementProfile) -> Acl:
    aces = (Ace(_permitted(profile), Forwarding.ACCEPT, profile.span, f"permitted-ip of {profile.name}"),)
    return Acl(permitted_name(profile.name), aces, Forwarding.DROP, profile.span)


def _permitted(profile: ManagementProfile) -> Matches:
    if not profile.permitted:
        return AnyPacket()
    parts: list[Matches] = []
    for text in profile.permitted:
        found = literal_addresses(text)
        if found is None:
            parts.append(UnknownMatch(f"permitted-ip {text}"))
            continue
        parts += [AddressIn(End.SOURCE, family, joined(some)) for family, some in found.ranges.items()]
    return any_of(parts)


def _answers(record: InterfaceRecord, profile: ManagementProfile | None) -> Iterator[Ace]:
    """What one interface's own addresses answer, and what they certainly do not."""
    allowed = profile.services if profile is not None else ()
    for name, (protocol, port) in _PORTS.items():
        asked = _asked(record, protocol, port)
        if profile is not None and name in allowed:
            matches = AllOf((asked, _permitted(profile), _SECURITY_POLICY))
            yield Ace(matches, Forwarding.ACCEPT, profile.span, f"{name} on {record.name}")
        if name in _ONLY_FOR_MANAGEMENT and record.addresses and not record.learns_address:
            yield Ace(asked, Forwarding.DROP, record.span, f"no {name} on {record.name} for others")


def _asked(record: InterfaceRecord, protocol: int, port: int) -> Matches:
    own = [
        AddressIn(End.DESTINATION, one.family, ((one.address, one.address),)) for one in record.addresses
    ]
    at: Matches = any_of(own) if own else InterfaceIn(Direction.IN, (record.name,))
    return AllOf(
        (
            at,
            FieldIn(Field.PROTOCOL, ((protocol, protocol),)),
            FieldIn(Field.DESTINATION_PORT, ((port, port),)),
        )
    )


# ---- shared fate --------------------------------------------------------------------------------


def shared_fate(system: Node | None, users: Node | None, scopes: Iterable[Node]) -> tuple[SharedFate, ...]:
    """Servers and secrets that other devices may have too."""
    found = [*_of_system(system), *_of_users(users)]
    for scope in scopes:
        found += _of_profiles(scope)
    return tuple(sorted(set(found)))


def _of_system(system: Node | None) -> Iterator[SharedFate]:
    if system is None:
        return
    for path, kind in _SYSTEM_FACTS:
        for node in system.each(*path):
            yield SharedFate(kind, node.name, node.span)
    for server in system.each("ntp-servers"):
        for node in server.each("ntp-server-address"):
            yield SharedFate("ntp-server", node.name, node.span)
    for node in system.each("snmp-setting", "access-setting", "version", "v2c", "snmp-community-string"):
        yield SharedFate("snmp-community", fingerprint(node.name), node.span)


_SYSTEM_FACTS = (
    (("domain",), "domain-name"),
    (("dns-setting", "servers", "primary"), "dns-server"),
    (("dns-setting", "servers", "secondary"), "dns-server"),
    (("ntp-server-1",), "ntp-server"),
    (("ntp-server-2",), "ntp-server"),
)


def _of_users(users: Node | None) -> Iterator[SharedFate]:
    for user in users.each() if users is not None else ():
        yield SharedFate("user", user.name, user.span)
        for key in ("phash", "public-key"):
            for node in user.each(key):
                yield SharedFate("user-key", fingerprint(node.name), node.span)


_SERVER_KINDS = (
    (("server-profile", "radius"), ("ip-address", "server"), "aaa-server"),
    (("server-profile", "tacplus"), ("address", "server"), "aaa-server"),
    (("server-profile", "ldap"), ("address", "server"), "aaa-server"),
    (("server-profile", "kerberos"), ("host", "server"), "aaa-server"),
    (("server-profile", "netflow"), ("host", "server"), "flow-collector"),
    (("log-settings", "syslog"), ("server",), "syslog-server"),
    (("log-settings", "snmptrap"), ("manager",), "snmp-manager"),
)


def _of_profiles(scope: Node) -> Iterator[SharedFate]:
    """``log-settings syslog PROFILE server NAME server ADDRESS`` and its like."""
    for path, keys, kind in _SERVER_KINDS:
        for profile in scope.each(*path):
            for server in _servers(profile):
                for key in keys:
                    for node in server.each(key):
                        yield SharedFate(kind, node.name, node.span)


def _servers(profile: Node) -> Iterator[Node]:
    yield from profile.each("server")
    for version in ("v2c", "v3"):
        yield from profile.each("version", version, "server")
