"""Which port is wired to which (RFC 8345)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class TerminationPoint:
    """One end of a link."""

    device: str
    interface: str

    def __str__(self) -> str:
        return f"{self.device}:{self.interface}"


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """A wire between termination points; more than two where it is a shared segment.

    ``origin`` says who told: ``topology`` (containerlab or layer-1 file), ``lldp``, ``neighbours``
    (MAC and ARP/ND tables), ``subnet`` (matching prefixes). ``closed`` is true where nothing else
    can be attached to it according to that origin.
    """

    ends: tuple[TerminationPoint, ...]
    origin: str
    closed: bool = True
