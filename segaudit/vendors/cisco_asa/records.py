"""The ASA's own nouns, as its configuration states them; names are not resolved yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from segaudit.model.acl import Range
from segaudit.model.device import InterfaceAddress, Neighbour, SwitchportMode
from segaudit.model.flow import Family
from segaudit.model.services import RoutingProcess, SharedFate
from segaudit.model.source import SourceSpan

Version = tuple[int, int]
"""Major and minor release; (0, 0) where the configuration does not tell."""


@dataclass(slots=True)
class InterfaceRecord:
    """``interface X`` and the lines below it.

    ``learned`` says why addresses exist that the configuration does not show (DHCP, PPPoE).
    """

    name: str
    span: SourceSpan
    nameif: str = ""
    security_level: int | None = None
    shutdown: bool = False
    addresses: list[InterfaceAddress] = field(default_factory=list)
    learned: dict[Family, str] = field(default_factory=dict)
    ipv6: bool = False
    vlan: int | None = None
    aggregate: str = ""
    management_only: bool = False
    description: str = ""
    mac: str = ""
    zone_member: str = ""
    switchport: SwitchportMode | None = None
    access_vlan: int = 1
    trunk_vlans: tuple[Range, ...] = ()
    native_vlan: int | None = None
    tunnel_source: str = ""
    tunnel_destination: str = ""
    tunnel_kind: str = ""
    members: list[str] = field(default_factory=list)
    policy_routed: bool = False


@dataclass(slots=True)
class NetworkObject:
    """``object network X``: what it stands for (the words), and the rule of its own."""

    name: str
    span: SourceSpan
    words: tuple[str, ...] = ()


@dataclass(slots=True)
class ServiceObject:
    """``object service X``: the words after ``service``."""

    name: str
    span: SourceSpan
    words: tuple[str, ...] = ()


@dataclass(slots=True)
class Group:
    """``object-group KIND X [tcp|udp|tcp-udp]``: its members as word lists, with their lines."""

    name: str
    kind: str
    protocol: str
    span: SourceSpan
    members: list[tuple[tuple[str, ...], SourceSpan]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Line:
    """A line kept for later: all its words, and where it stands."""

    words: tuple[str, ...]
    text: str
    span: SourceSpan


@dataclass(frozen=True, slots=True)
class AccessGroup:
    """``access-group``: direction is ``in``, ``out``, ``global`` or ``control-plane``."""

    acl: str
    direction: str
    nameif: str
    overridable: bool
    span: SourceSpan


@dataclass(frozen=True, slots=True)
class NatLine:
    """A NAT rule as written. ``object`` is set for an object's own rule; ``after_auto`` is section 3."""

    words: tuple[str, ...]
    text: str
    span: SourceSpan
    object: str = ""


@dataclass(frozen=True, slots=True)
class StaticRoute:
    """``route`` or ``ipv6 route``; ``nameif`` is empty for ``null0``."""

    family: Family
    nameif: str
    prefix: int
    prefix_length: int
    gateway: int | None
    distance: int
    track: str
    tunneled: bool
    span: SourceSpan


@dataclass(frozen=True, slots=True)
class ManagementAccess:
    """``ssh|telnet|http ADDRESS MASK NAMEIF``: who may use a service of the device."""

    protocol: str
    family: Family
    addresses: Range
    nameif: str
    span: SourceSpan


@dataclass(frozen=True, slots=True)
class IcmpAccess:
    """``icmp permit|deny ADDRESS [TYPE] NAMEIF``: ICMP to the interface itself."""

    family: Family
    permit: bool
    words: tuple[str, ...]
    nameif: str
    text: str
    span: SourceSpan


@dataclass(slots=True)
class CryptoEntry:
    """One sequence number of a ``crypto map``; ``dynamic`` refers to a template for peers not known."""

    name: str
    sequence: int
    span: SourceSpan
    acl: str = ""
    peers: list[str] = field(default_factory=list)
    dynamic: str = ""


@dataclass(slots=True)
class Config:
    """A whole configuration, its interfaces and objects by name."""

    version: Version = (0, 0)
    hostname: str = ""
    interfaces: dict[str, InterfaceRecord] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    networks: dict[str, NetworkObject] = field(default_factory=dict)
    services: dict[str, ServiceObject] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    acls: dict[str, list[Line]] = field(default_factory=dict)
    access_groups: list[AccessGroup] = field(default_factory=list)
    nat: list[NatLine] = field(default_factory=list)
    old_nat: list[SourceSpan] = field(default_factory=list)
    routes: list[StaticRoute] = field(default_factory=list)
    unknown_routes: list[tuple[Family, str]] = field(default_factory=list)
    access: list[ManagementAccess] = field(default_factory=list)
    icmp: list[IcmpAccess] = field(default_factory=list)
    http_port: int | None = None
    management_access: str = ""
    same_security_inter: bool = False
    same_security_intra: bool = False
    permit_vpn: bool = True
    inspects_icmp: bool = False
    no_proxy_arp: set[str] = field(default_factory=set)
    crypto: dict[tuple[str, int], CryptoEntry] = field(default_factory=dict)
    crypto_interfaces: list[tuple[str, str, SourceSpan]] = field(default_factory=list)
    remote_access: list[SourceSpan] = field(default_factory=list)
    pools: list[tuple[int, int]] = field(default_factory=list)
    mtu: dict[str, int] = field(default_factory=dict)
    reverse_path: set[str] = field(default_factory=set)
    failover_ports: set[str] = field(default_factory=set)
    neighbours: list[Neighbour] = field(default_factory=list)
    aliases: set[str] = field(default_factory=set)
    processes: list[RoutingProcess] = field(default_factory=list)
    shared_fate: list[SharedFate] = field(default_factory=list)

    def by_nameif(self) -> dict[str, InterfaceRecord]:
        """The interfaces that have a name to be spoken of; the ASA allows none twice."""
        return {one.nameif: one for one in self.interfaces.values() if one.nameif}

    def named(self, nameif: str) -> Iterator[InterfaceRecord]:
        """The interface called ``nameif``; all named ones for ``any``."""
        for one in self.interfaces.values():
            if one.nameif and nameif in ("any", one.nameif):
                yield one
