"""One concrete packet and what happens to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from ipaddress import IPv4Address, IPv6Address, ip_address

from segaudit.model.source import SourceSpan


class Family(IntEnum):
    """Address family; the value is the IP version, ``bits`` the address width."""

    IPV4 = 4
    IPV6 = 6

    @property
    def bits(self) -> int:
        """Address width in bits."""
        return 32 if self is Family.IPV4 else 128

    @property
    def label(self) -> str:
        """``ipv4`` or ``ipv6``, as the policy language writes it."""
        return f"ipv{int(self)}"

    def address(self, value: int) -> IPv4Address | IPv6Address:
        """The address whose integer is ``value``."""
        return IPv4Address(value) if self is Family.IPV4 else IPv6Address(value)


class Protocol(IntEnum):
    """IANA protocol numbers that the semantics treat specially."""

    ICMP = 1
    TCP = 6
    UDP = 17
    ICMPV6 = 58
    SCTP = 132


class ConnectionState(Enum):
    """Connection-tracking state as a filter sees it (Linux ``nf_conntrack``; RFC 8519 has none).

    NEW, INVALID and UNTRACKED are *fresh*: a sender can cause them alone. ESTABLISHED and RELATED
    need a connection that something opened before.
    """

    NEW = "new"
    ESTABLISHED = "established"
    RELATED = "related"
    INVALID = "invalid"
    UNTRACKED = "untracked"


FRESH_STATES = frozenset({ConnectionState.NEW, ConnectionState.INVALID, ConnectionState.UNTRACKED})


@dataclass(frozen=True, slots=True, order=True)
class Flow:
    """A concrete packet header (Batfish: Flow).

    Addresses are integers of ``family.bits`` bits. Ports are 0 where ``protocol`` has none;
    ``icmp_type`` and ``icmp_code`` are 0 where it is not ICMP. ``tcp_flags`` is the flag byte
    (FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128). ``fragment`` marks a non-first
    fragment, whose ports are those of its datagram and invisible to stateless filters.
    """

    family: Family
    protocol: int
    source: int
    destination: int
    source_port: int = 0
    destination_port: int = 0
    icmp_type: int = 0
    icmp_code: int = 0
    tcp_flags: int = 0
    fragment: bool = False

    @property
    def source_address(self) -> IPv4Address | IPv6Address:
        """Source as an address object."""
        return self.family.address(self.source)

    @property
    def destination_address(self) -> IPv4Address | IPv6Address:
        """Destination as an address object."""
        return self.family.address(self.destination)

    def __str__(self) -> str:
        name = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp"}.get(
            self.protocol, f"ip/{self.protocol}"
        )
        source, destination = str(self.source_address), str(self.destination_address)
        if self.protocol in (Protocol.TCP, Protocol.UDP, Protocol.SCTP):
            form = "[{}]:{}" if self.family is Family.IPV6 else "{}:{}"
            source = form.format(source, self.source_port)
            destination = form.format(destination, self.destination_port)
        elif self.protocol in (Protocol.ICMP, Protocol.ICMPV6):
            name = f"{name}/{self.icmp_type}.{self.icmp_code}"
        tail = " (fragment)" if self.fragment else ""
        return f"{name} {source} -> {destination}{tail}"


def parse_address(text: str) -> tuple[Family, int]:
    """The family and integer of an address in text.

    Raises:
        ValueError: ``text`` is not an IPv4 or IPv6 address.
    """
    address = ip_address(text)
    return Family(address.version), int(address)


class Disposition(Enum):
    """How a trace ends (Batfish's dispositions, re-sorted so that unknown is never failure)."""

    DELIVERED = "delivered"
    DROPPED = "dropped"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Step:
    """One event at one hop: what happened, and the line that made it happen.

    ``certain`` is false where the step rests on something not modelled (an unknown match, a
    neighbour that may exist). ``action`` is ``made``, ``received``, ``translated``, ``filtered``,
    ``routed``, ``sent``, ``arrived`` (on a wire, for nobody modelled), ``accepted`` or ``dropped``.
    """

    device: str
    what: str
    span: SourceSpan | None = None
    interface: str = ""
    certain: bool = True
    action: str = ""

    def __str__(self) -> str:
        place = f"{self.device}[{self.interface}]" if self.interface else self.device
        cite = f"  ({self.span})" if self.span else ""
        return f"{place}: {self.what}{cite}"


@dataclass(frozen=True, slots=True)
class Trace:
    """A packet's way, hop by hop; ``flow`` as sent, ``arrived`` as it was at the end."""

    flow: Flow
    arrived: Flow
    steps: tuple[Step, ...]
    disposition: Disposition

    @property
    def certain(self) -> bool:
        """True where no step rests on something not modelled."""
        return all(step.certain for step in self.steps)
