"""A device as the analysis sees it: interfaces, routes, filters (RFC 8343, RFC 8349, OpenConfig)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from segaudit.model.acl import Acl, AclAttachment, Matches
from segaudit.model.flow import Family
from segaudit.model.services import ManagementService, RoutingProcess, SharedFate
from segaudit.model.source import AccountedLine, LineTally, SourceSpan

DEFAULT_VRF = "default"


@dataclass(frozen=True, slots=True, order=True)
class InterfaceAddress:
    """An address with its prefix length, as assigned to an interface."""

    family: Family
    address: int
    prefix_length: int
    span: SourceSpan | None = None

    @property
    def network(self) -> tuple[int, int]:
        """First and last address of the connected prefix."""
        host_bits = self.family.bits - self.prefix_length
        first = self.address >> host_bits << host_bits
        return first, first + (1 << host_bits) - 1

    def __str__(self) -> str:
        return f"{self.family.address(self.address)}/{self.prefix_length}"


class InterfaceKind(Enum):
    """What an interface is, as far as forwarding cares."""

    PHYSICAL = "physical"
    LOOPBACK = "loopback"
    BRIDGE = "bridge"
    VLAN = "vlan"
    TUNNEL = "tunnel"
    AGGREGATE = "aggregate"
    OTHER = "other"


class SwitchportMode(Enum):
    """OpenConfig ``interface-mode``."""

    ACCESS = "access"
    TRUNK = "trunk"


@dataclass(frozen=True, slots=True)
class Switchport:
    """A layer-2 port. ``trunk_vlans`` are inclusive ranges; VLAN 0 stands for "not VLAN-aware"."""

    mode: SwitchportMode
    access_vlan: int = 0
    native_vlan: int | None = None
    trunk_vlans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class TunnelEnds:
    """The outer packets of a tunnel interface, as configured; it counts even when it is down.

    ``kind`` is the encapsulation (``gre``, ``ipip``, ``ipsec``, ``vxlan``, ``6in4``). ``None`` ends are not
    fixed by the configuration (a learned peer, an interface that gets its address elsewhere).
    """

    kind: str
    family: Family
    source: int | None = None
    destination: int | None = None
    source_interface: str | None = None
    vrf: str = DEFAULT_VRF


@dataclass(frozen=True, slots=True)
class Interface:
    """RFC 8343 interface. ``enabled`` is the administrative state, ``operational`` the carrier.

    ``bridge`` names the bridge interface this one is a port of; ``parent`` the interface that
    carries it (VLAN, tunnel). ``forwarding``, ``reverse_path_filter`` (0 off, 1 strict, 2 loose)
    and ``proxy_arp`` are per family or IPv4 facts as the device reports them. ``vlan`` is the VLAN ID
    of a VLAN subinterface or SVI, ``zone`` the device's own security zone. ``clears_mark`` is true where
    what is received on it bears no packet mark; a tunnel may hand on the mark of the packet that carried
    it.
    """

    name: str
    kind: InterfaceKind = InterfaceKind.PHYSICAL
    enabled: bool = True
    operational: bool = True
    mac: str = ""
    mtu: int = 1500
    addresses: tuple[InterfaceAddress, ...] = ()
    vrf: str = DEFAULT_VRF
    bridge: str | None = None
    parent: str | None = None
    switchport: Switchport | None = None
    forwarding: frozenset[Family] = frozenset()
    reverse_path_filter: int = 0
    proxy_arp: bool = False
    description: str = ""
    span: SourceSpan | None = None
    vlan: int | None = None
    clears_mark: bool = False
    zone: str | None = None
    tunnel: TunnelEnds | None = None


class RouteKind(Enum):
    """What a route does with a packet (RFC 8349 ``special-next-hop``; Linux ``rtm_type``)."""

    UNICAST = "unicast"
    LOCAL = "local"
    BROADCAST = "broadcast"
    MULTICAST = "multicast"
    BLACKHOLE = "blackhole"
    UNREACHABLE = "unreachable"
    PROHIBIT = "prohibit"
    THROW = "throw"


@dataclass(frozen=True, slots=True, order=True)
class NextHop:
    """RFC 8349 next hop: out of ``interface``, to ``address`` (``None``: the destination itself).

    ``interface`` ``None`` means it could not be resolved: the packet may leave by any interface. With
    ``anyone`` the neighbour is not known: whoever is on the wire may be it.
    """

    interface: str | None
    address: int | None = None
    address_family: Family | None = None
    anyone: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """RFC 8349 route in ``table`` of a device. Several next hops are all used (ECMP).

    ``preference`` is the metric: between routes to one prefix in one table the lowest wins.
    ``config_span`` is the configuration line that made the route, where one is known.
    """

    family: Family
    prefix: int
    prefix_length: int
    next_hops: tuple[NextHop, ...] = ()
    kind: RouteKind = RouteKind.UNICAST
    table: str = "main"
    protocol: str = ""
    preference: int = 0
    span: SourceSpan | None = None
    config_span: SourceSpan | None = None

    def __str__(self) -> str:
        return f"{self.family.address(self.prefix)}/{self.prefix_length}"


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """One policy-routing rule (Linux ``ip rule``): packets that match look ``table`` up.

    Rules are tried by ascending ``priority``; where the table has no route for the destination (or
    only a THROW), the next rule is tried. ``table`` ``None`` with a special ``kind`` ends the
    lookup (blackhole, unreachable, prohibit).
    """

    family: Family
    priority: int
    matches: Matches
    table: str | None
    kind: RouteKind = RouteKind.UNICAST
    span: SourceSpan | None = None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An ARP or ND entry (RFC 8344): on ``interface``, ``address`` answered with ``mac``."""

    interface: str
    family: Family
    address: int
    mac: str
    span: SourceSpan | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """One network element, vendor-neutral.

    ``forwards`` says for which families it routes at all. ``tracks_connections`` is true where any
    filter or translation uses connection state (Linux then also reassembles fragments first).
    ``labels`` are the inventory's (site, role, owner ...). ``unknown_translation`` is true where
    translations could exist that were not seen: any header may then leave the device. ``services``,
    ``processes`` and ``shared_fate`` are facts for the reader; forwarding does not rest on them.
    """

    name: str
    platform: str
    interfaces: Mapping[str, Interface]
    routes: tuple[Route, ...] = ()
    rules: tuple[RoutingRule, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    acls: Mapping[str, Acl] = field(default_factory=dict)
    attachments: tuple[AclAttachment, ...] = ()
    forwards: frozenset[Family] = frozenset()
    tracks_connections: bool = False
    unknown_translation: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[AccountedLine, ...] = ()
    tallies: tuple[LineTally, ...] = ()
    services: tuple[ManagementService, ...] = ()
    processes: tuple[RoutingProcess, ...] = ()
    shared_fate: tuple[SharedFate, ...] = ()

    def owns(self, family: Family, address: int) -> bool:
        """True where ``address`` is assigned to one of the interfaces."""
        return any(
            assigned.family is family and assigned.address == address
            for interface in self.interfaces.values()
            for assigned in interface.addresses
        )
