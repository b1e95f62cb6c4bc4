"""What ought to hold: zones, isolations, allowed flows, dated exceptions, owned assumptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from segaudit.model.acl import Range
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan

INTERNET = "internet"
UNASSIGNED = "unassigned"
BUILT_IN_ZONES = (INTERNET, UNASSIGNED)


@dataclass(frozen=True, slots=True)
class Service:
    """A protocol with destination ports or an ICMP type: ``tcp/8000-8010``, ``icmp/8``, ``any``.

    ``protocol`` ``None`` is any. ``ports`` apply to TCP, UDP and SCTP; ``icmp_type`` to ICMP
    (and ``icmpv6/...``). ``text`` is the policy's spelling.
    """

    text: str
    protocol: int | None
    ports: tuple[Range, ...] = ()
    icmp_type: int | None = None


@dataclass(frozen=True, slots=True)
class Location:
    """A pattern over places: every key that is set must match (names take shell wildcards).

    ``prefix`` is ``(family, first, last)``. ``where`` is ``file:line:column`` of the policy.
    """

    prefix: tuple[Family, int, int] | None = None
    device: str | None = None
    interface: str | None = None
    vrf: str | None = None
    vlan: int | None = None
    site: str | None = None
    role: str | None = None
    span: SourceSpan | None = None
    text: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Zone:
    """A named set of locations with an owner; ``side`` is the legal entity."""

    name: str
    side: str | None
    owner: str
    members: tuple[Location, ...]
    exclude: tuple[Location, ...] = ()
    span: SourceSpan | None = None


class IsolationDirection(Enum):
    """Which way an isolation is asserted."""

    BOTH = "both"
    FORWARD = "forward"
    REVERSE = "reverse"


@dataclass(frozen=True, slots=True)
class Isolation:
    """Nothing may pass between two sides or zones; allowed flows cannot defeat it.

    ``between`` and ``and_`` are zone names already resolved from sides; ``between_text`` and
    ``and_text`` are the policy's words. ``max_age_hours`` is exact, ``max_age_days`` its whole days.
    """

    id: str
    title: str
    between: tuple[str, ...]
    and_: tuple[str, ...]
    between_text: str
    and_text: str
    direction: IsolationDirection
    families: tuple[Family, ...]
    severity: str
    controls: tuple[str, ...] = ()
    probes: str = "every-pair"
    max_age_days: int | None = None
    span: SourceSpan | None = None
    max_age_hours: int | None = None


@dataclass(frozen=True, slots=True)
class AllowedFlow:
    """A conduit: ``source`` may open ``services`` to ``destination``; replies are implied.

    ``expires_where`` is ``file:line:column`` of the date.
    """

    id: str
    source: str
    destination: str
    services: tuple[Service, ...]
    owner: str
    justification: str
    expires: date | None
    must_work: bool
    ticket: str = ""
    through: tuple[str, ...] = ()
    span: SourceSpan | None = None
    expires_where: str = ""


@dataclass(frozen=True, slots=True)
class Exemption:
    """A dated, owned hole in one isolation. It ends with the day ``expires`` (UTC)."""

    id: str
    assertion: str
    source: str
    destination: str
    services: tuple[Service, ...]
    owner: str
    justification: str
    expires: date
    ticket: str = ""
    span: SourceSpan | None = None
    expires_where: str = ""

    def holds(self, as_of: date) -> bool:
        """True up to and on the day of expiry."""
        return as_of <= self.expires


class Claim(Enum):
    """What an owned assumption says of the places it is about."""

    END_HOSTS_ONLY = "end-hosts-only"
    """Nothing that forwards is attached there besides what is modelled."""
    NO_EFFECT = "no-effect"
    """The lines not understood on that device do not change what it forwards."""


@dataclass(frozen=True, slots=True)
class OwnedAssumption:
    """Something taken for true that segaudit cannot see, with the person who answers for it."""

    id: str
    about: Location
    claim: Claim
    owner: str
    justification: str
    expires: date | None = None
    span: SourceSpan | None = None
    expires_where: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy file, names resolved and checked against each other (not against a network)."""

    name: str
    path: str
    zones: Mapping[str, Zone]
    isolations: tuple[Isolation, ...] = ()
    flows: tuple[AllowedFlow, ...] = ()
    exceptions: tuple[Exemption, ...] = ()
    assumptions: tuple[OwnedAssumption, ...] = ()
    services: Mapping[str, tuple[Service, ...]] = field(default_factory=dict)
    sha256: str = ""

    @property
    def has_conduits(self) -> bool:
        """True where any flow or exception lets something pass, and so its replies."""
        return bool(self.flows or self.exceptions)

    def side_of(self, zone: str) -> str | None:
        """The side of a zone; ``None`` for built-in and neutral zones."""
        found = self.zones.get(zone)
        return found.side if found else None
