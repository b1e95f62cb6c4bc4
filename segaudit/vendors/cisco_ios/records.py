"""IOS's own nouns, as the configuration states them."""

from __future__ import annotations

from dataclasses import dataclass, field

from segaudit.model.flow import Family
from segaudit.model.services import ManagementService, RoutingProcess, SharedFate
from segaudit.model.source import SourceSpan
from segaudit.parse.cisco.groups import Groups
from segaudit.parse.cisco.interfaces import InterfaceRecord
from segaudit.parse.cisco.statics import StaticRecord


@dataclass(slots=True)
class IosInterface(InterfaceRecord):
    """An interface; ``learns`` are the families in which a routing protocol is switched on here.

    ``perhaps_drops`` are features that drop packets in ways that are not modelled.
    """

    learns: dict[Family, str] = field(default_factory=dict)
    multicasts: set[Family] = field(default_factory=set)
    inspects: bool = False
    helpers: list[tuple[Family, int, SourceSpan]] = field(default_factory=list)
    crypto_map: tuple[str, SourceSpan] | None = None
    protected: bool = False
    ppp: bool = False
    perhaps_drops: list[tuple[str, SourceSpan]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class AclEntry:
    """A line of an access list, from the sequence number or the action on."""

    text: str
    span: SourceSpan
    words: tuple[str, ...]


@dataclass(slots=True)
class AclRecord:
    """An access list; ``standard`` ones look at the source only."""

    family: Family
    name: str
    standard: bool
    span: SourceSpan
    entries: list[AclEntry] = field(default_factory=list)


@dataclass(slots=True)
class VrfRecord:
    """A VRF; ``imports`` and ``exports`` are its route targets, ``by_map`` routes taken from elsewhere."""

    name: str
    span: SourceSpan
    imports: set[str] = field(default_factory=set)
    exports: set[str] = field(default_factory=set)
    shares_with_global: bool = False
    leaks_to: set[str] = field(default_factory=set)
    ipv4_only: bool = False


@dataclass(slots=True)
class RouteMapEntry:
    """One ``route-map NAME permit|deny N``; ``sets`` are the words behind ``set``."""

    permit: bool
    sequence: int
    span: SourceSpan
    acls: list[tuple[Family, str]] = field(default_factory=list)
    other_matches: list[str] = field(default_factory=list)
    sets: list[tuple[str, ...]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ClassMatch:
    """One ``match`` of an inspection class: its words and line."""

    words: tuple[str, ...]
    span: SourceSpan


@dataclass(slots=True)
class ClassMap:
    """``class-map type inspect``; ``every`` for match-all."""

    every: bool
    span: SourceSpan
    matches: list[ClassMatch] = field(default_factory=list)


@dataclass(slots=True)
class PolicyClass:
    """A class of an inspection policy; without an action it drops nothing and permits nothing by itself."""

    name: str
    span: SourceSpan
    action: str = ""
    action_span: SourceSpan | None = None


@dataclass(slots=True)
class PolicyMap:
    """``policy-map type inspect``: classes in order; the first that matches decides."""

    span: SourceSpan
    classes: list[PolicyClass] = field(default_factory=list)


@dataclass(slots=True)
class ZonePair:
    """Traffic from one zone to another, and the policy that applies to it (none: it is dropped)."""

    name: str
    source: str
    destination: str
    span: SourceSpan
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class NatRule:
    """An ``ip nat inside|outside source|destination`` line, as words, with its line."""

    words: tuple[str, ...]
    span: SourceSpan


@dataclass(frozen=True, slots=True)
class NatPool:
    """The addresses of ``ip nat pool``; ``None`` where they are not written in a way that is read."""

    ranges: tuple[tuple[int, int], ...] | None
    span: SourceSpan


@dataclass(slots=True)
class CryptoMapEntry:
    """One sequence of a crypto map: packets that its lists permit go to one of the peers, encrypted."""

    span: SourceSpan
    peers: list[int] = field(default_factory=list)
    acls: list[str] = field(default_factory=list)
    dynamic: bool = False


@dataclass(slots=True)
class TerminalLine:
    """``line vty A B``; ``transports`` is ``None`` where the default of the release holds."""

    span: SourceSpan
    transports: tuple[str, ...] | None = None
    access: dict[Family, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Learned:
    """Why a VRF's table may hold routes that are not written."""

    vrf: str
    families: frozenset[Family]
    reason: str


@dataclass(slots=True)
class Config:
    """One device's configuration."""

    interfaces: dict[str, IosInterface] = field(default_factory=dict)
    vrfs: dict[str, VrfRecord] = field(default_factory=dict)
    statics: list[StaticRecord] = field(default_factory=list)
    acls: dict[tuple[Family, str], AclRecord] = field(default_factory=dict)
    groups: Groups = field(default_factory=Groups)
    route_maps: dict[str, list[RouteMapEntry]] = field(default_factory=dict)
    class_maps: dict[str, ClassMap] = field(default_factory=dict)
    policy_maps: dict[str, PolicyMap] = field(default_factory=dict)
    zones: dict[str, SourceSpan] = field(default_factory=dict)
    zone_pairs: dict[str, ZonePair] = field(default_factory=dict)
    nat_rules: list[NatRule] = field(default_factory=list)
    nat_pools: dict[str, NatPool] = field(default_factory=dict)
    crypto_maps: dict[str, dict[str, CryptoMapEntry]] = field(default_factory=dict)
    filtered_vlans: list[tuple[tuple[tuple[int, int], ...], SourceSpan]] = field(default_factory=list)
    terminals: list[TerminalLine] = field(default_factory=list)
    learned: list[Learned] = field(default_factory=list)
    local_policies: dict[Family, tuple[str, SourceSpan]] = field(default_factory=dict)
    services: list[ManagementService] = field(default_factory=list)
    processes: list[RoutingProcess] = field(default_factory=list)
    shared_fate: list[SharedFate] = field(default_factory=list)
    http_acl: str = ""
    vlans_defined: bool = False
    routes4: bool = True
    routes6: bool = False
    source_routes: bool = True
    source_routes6: bool = True
    multicast6: bool = False
    release: tuple[int, int] | None = None
    bgp_vpn: bool = False
    mapped_ports: set[str] = field(default_factory=set)
    delegates_prefixes: bool = False
    ended: SourceSpan | None = None
