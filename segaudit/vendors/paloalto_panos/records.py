"""PAN-OS's own nouns, as the configuration names them."""

from __future__ import annotations

from dataclasses import dataclass, field

from segaudit.model.device import InterfaceAddress, InterfaceKind, TunnelEnds
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan

ANY = "any"


@dataclass(slots=True)
class InterfaceRecord:
    """A port, a unit of one, or a logical interface. ``mode`` is ``layer3``, ``layer2``, ``tap`` ..."""

    name: str
    kind: InterfaceKind
    mode: str
    span: SourceSpan
    parent: str | None = None
    tag: int | None = None
    enabled: bool = True
    addresses: tuple[InterfaceAddress, ...] = ()
    ipv6: bool = False
    learns_address: str = ""
    """How it gets addresses that the configuration does not show; empty: it does not."""
    management_profile: str = ""
    description: str = ""
    mtu: int = 1500
    tunnel: TunnelEnds | None = None


@dataclass(slots=True)
class StaticRouteRecord:
    """A static route; ``next_hop`` is an address or the name of an address object."""

    family: Family
    name: str
    destination: str
    span: SourceSpan
    next_hop: str = ""
    interface: str = ""
    next_router: str = ""
    discard: bool = False
    distance: int = 10
    metric: int = 10
    doubt: str = ""
    """Why it may be there or not (path monitoring, a name that is looked up)."""


@dataclass(slots=True)
class RouterRecord:
    """A virtual router, or one of a logical router's."""

    name: str
    span: SourceSpan
    interfaces: tuple[str, ...] = ()
    statics: tuple[StaticRouteRecord, ...] = ()
    protocols: dict[str, SourceSpan] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Words:
    """A list of a rule: its members, and whether it was given at all."""

    members: tuple[str, ...]
    given: bool = True
    negated: bool = False


@dataclass(frozen=True, slots=True)
class SecurityRule:
    """A rule of a security rulebase."""

    name: str
    span: SourceSpan
    text: str
    source_zones: Words
    destination_zones: Words
    sources: Words
    destinations: Words
    applications: Words
    services: Words
    action: str
    rule_type: str = "universal"
    doubts: tuple[str, ...] = ()
    """Why it may not match although all else does (users, schedules, categories)."""


@dataclass(frozen=True, slots=True)
class NatRule:
    """A rule of a NAT rulebase. ``source_kind`` is empty where the source is left alone."""

    name: str
    span: SourceSpan
    text: str
    source_zones: Words
    destination_zones: Words
    destination_interface: str
    sources: Words
    destinations: Words
    services: Words
    source_kind: str = ""
    source_addresses: tuple[str, ...] = ()
    source_interface: str = ""
    bidirectional: bool = False
    destination_address: str = ""
    destination_port: str = ""
    destination_dynamic: bool = False
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForwardingRule:
    """A rule of policy-based forwarding; without ``interface`` it discards or leaves alone."""

    name: str
    span: SourceSpan
    text: str
    source_zones: Words
    source_interfaces: tuple[str, ...]
    sources: Words
    destinations: Words
    services: Words
    action: str
    interface: str = ""
    next_hop: str = ""


@dataclass(frozen=True, slots=True)
class ZoneRecord:
    """A zone of one vsys; ``kind`` is ``layer3``, ``layer2``, ``virtual-wire``, ``external`` ..."""

    name: str
    kind: str
    interfaces: tuple[str, ...]
    span: SourceSpan


@dataclass(frozen=True, slots=True)
class DefaultActions:
    """What the two predefined rules do; ``None`` where several places say different things."""

    intrazone: str | None = "allow"
    interzone: str | None = "deny"


@dataclass(slots=True)
class VsysRecord:
    """A virtual system: its zones, its interfaces, and all rules in the order of their evaluation."""

    name: str
    zones: dict[str, ZoneRecord]
    imported: tuple[str, ...]
    security: tuple[SecurityRule, ...] = ()
    nat: tuple[NatRule, ...] = ()
    forwarding: tuple[ForwardingRule, ...] = ()
    defaults: DefaultActions = DefaultActions()


@dataclass(frozen=True, slots=True)
class ManagementProfile:
    """An interface-management-profile: what the firewall answers on the interfaces that use it."""

    name: str
    services: tuple[str, ...]
    permitted: tuple[str, ...]
    span: SourceSpan
