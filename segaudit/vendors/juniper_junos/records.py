"""The nouns of a Junos configuration: ports, units, routing instances, zones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from segaudit.model.device import InterfaceAddress, SwitchportMode
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.parse.word_tree import Node

MASTER = "default"
"""The routing instance that is always there."""

NO_INSTANCE = "(no instance)"
"""Of ports as such: their units are in an instance, each in its own."""


@dataclass(frozen=True, slots=True)
class FilterUse:
    """Filters that a unit applies: ``family`` of the filters, in or out, and their names in order."""

    family: str
    outward: bool
    names: tuple[str, ...]
    node: Node


@dataclass(frozen=True, slots=True)
class Switching:
    """``family ethernet-switching`` or ``bridge`` of a unit."""

    mode: SwitchportMode
    members: tuple[str, ...]
    native: int | None
    node: Node


@dataclass(frozen=True, slots=True)
class Port:
    """A physical interface, or an aggregate of several (``bundle``: the one that it belongs to)."""

    name: str
    enabled: bool
    tagged: bool
    bundle: str | None
    native: int | None
    mtu: int
    description: str
    span: SourceSpan | None


@dataclass(frozen=True, slots=True)
class Unit:
    """A logical interface. ``vlan`` is its tag: 0 for none, ``None`` where several or unknown ones."""

    port: str
    number: str
    node: Node
    enabled: bool
    vlan: int | None
    families: frozenset[str]
    addresses: tuple[InterfaceAddress, ...]
    learns_address: frozenset[Family]
    filters: tuple[FilterUse, ...]
    switching: Switching | None
    proxy_arp: bool
    description: str
    span: SourceSpan | None
    encapsulation: str = ""

    @property
    def name(self) -> str:
        """As Junos prints it."""
        return f"{self.port}.{self.number}"


@dataclass(frozen=True, slots=True)
class Instance:
    """A routing instance; the master has the top of the configuration as its node."""

    name: str
    kind: str
    node: Node
    interfaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Zone:
    """A security zone: its interfaces, and what each lets in for the device itself."""

    name: str
    interfaces: tuple[str, ...]
    services: Mapping[str, tuple[Node, ...]] = field(default_factory=dict)
