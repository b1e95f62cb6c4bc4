"""What iproute2, bridge, sysctl and FRR print, as they print it: the nouns between text and model.

Every record carries the lines it was read from (``first``, ``last``: 1-based) and, where a key of
the output could change forwarding and is not understood, that key in ``unknown``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan

Unknown = tuple[tuple[str, str], ...]
"""Keys with their values, in the order printed."""


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """One interface of ``ip -d link show``."""

    name: str
    span: SourceSpan
    flags: frozenset[str]
    operstate: str
    mtu: int
    link_type: str
    mac: str
    alias: str
    master: str | None
    carrier: str | None
    """The interface beneath (``link``): of a VLAN, macvlan, tunnel, or a veth's peer in this namespace."""
    info_kind: str
    info_data: Mapping[str, object]
    port_kind: str
    port_data: Mapping[str, object]
    has_xdp: bool = False


@dataclass(frozen=True, slots=True)
class AddressRecord:
    """One address of ``ip address show``; ``peer`` is the far end of a point-to-point address."""

    interface: str
    family: Family
    address: int
    prefix_length: int
    peer: int | None
    span: SourceSpan


@dataclass(frozen=True, slots=True)
class HopRecord:
    """One next hop of a route. ``encap`` names a lightweight tunnel the packet is put into."""

    device: str | None
    gateway: int | None
    gateway_family: Family | None
    flags: frozenset[str]
    encap: str = ""

    @property
    def is_dead(self) -> bool:
        """True where the kernel passes the hop over (fib_table_lookup, RTNH_F_DEAD)."""
        return "dead" in self.flags


@dataclass(frozen=True, slots=True)
class RouteRecord:
    """One route of ``ip -d route show table all``; ``hops`` is empty for a type that has none."""

    family: Family
    kind: str
    prefix: int
    prefix_length: int
    table: str
    protocol: str
    metric: int
    hops: tuple[HopRecord, ...]
    span: SourceSpan
    source_selector: str = ""
    tos_selector: str = ""
    unknown: Unknown = ()


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """One rule of ``ip rule show``.

    ``action`` is ``lookup``, ``goto``, ``nop``, ``l3mdev``, or a route type that ends the lookup.
    ``ports`` are inclusive; ``unmodelled`` are selectors that a header does not hold (tos, users).
    """

    family: Family
    priority: int
    span: SourceSpan
    action: str = "lookup"
    table: str | None = None
    target: int | None = None
    resolved: bool = True
    negated: bool = False
    source: tuple[int, int] | None = None
    destination: tuple[int, int] | None = None
    input_interface: str | None = None
    output_interface: str | None = None
    detached: bool = False
    protocol: int | None = None
    source_ports: tuple[int, int] | None = None
    destination_ports: tuple[int, int] | None = None
    suppress_prefix_length: int | None = None
    mark: tuple[int, int] | None = None
    """Value and mask of ``fwmark``."""
    unmodelled: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    """What changes the rule's action in a way that is not modelled."""


@dataclass(frozen=True, slots=True)
class NeighbourRecord:
    """One entry of ``ip neighbour show``; ``mac`` is empty where it was never resolved."""

    interface: str
    family: Family
    address: int
    mac: str
    states: frozenset[str]
    span: SourceSpan


@dataclass(frozen=True, slots=True)
class PortVlans:
    """The VLANs of one bridge port (``bridge vlan show``): inclusive ranges."""

    interface: str
    span: SourceSpan
    ranges: tuple[tuple[int, int], ...]
    pvid: int | None
    untagged: frozenset[int]


@dataclass(frozen=True, slots=True)
class QdiscRecord:
    """One queueing discipline of ``tc qdisc show``; ``parent`` is empty for an interface's root.

    The kernel's own have the handle ``0:``. ``corrupts`` is netem's flipping of bits.
    """

    kind: str
    interface: str
    handle: str
    parent: str
    corrupts: bool
    span: SourceSpan


@dataclass(frozen=True, slots=True)
class StaticRoute:
    """A static route line of FRR.

    ``gateway`` and ``interface`` are both ``None`` for a blackhole; ``table`` is empty for the
    VRF's own.
    """

    family: Family
    prefix: int
    prefix_length: int
    gateway: int | None
    interface: str | None
    vrf: str
    table: str
    span: SourceSpan


@dataclass(frozen=True, slots=True)
class Sysctls:
    """``net.ipv4.conf`` and ``net.ipv6.conf`` by (family, interface, setting); absent = not told.

    ``asked_for`` holds the settings whose absence means that the kernel does not have them.
    """

    values: Mapping[tuple[Family, str, str], int] = field(default_factory=dict)
    spans: Mapping[tuple[Family, str, str], SourceSpan] = field(default_factory=dict)
    asked_for: frozenset[str] = frozenset()

    def get(self, family: Family, interface: str, setting: str) -> int | None:
        """The value, or ``None`` where the device did not tell."""
        return self.values.get((family, interface, setting))

    def span(self, family: Family, interface: str, setting: str) -> SourceSpan | None:
        """Where the value stands."""
        return self.spans.get((family, interface, setting))
