"""What a vendor folder hands to the registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from segaudit.model.device import Device
from segaudit.model.snapshot import Platform, RawConfig


@dataclass(frozen=True, slots=True)
class Claim:
    """A vendor's word that it can read a device's files, with what convinced it."""

    vendor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Vendor:
    """One network OS: how it is reached, recognised and read.

    ``claims`` looks at file names and the first lines only and never raises. ``read`` raises
    ``SnapshotError`` where a file without which nothing can be said is missing or garbage; all
    else it notes as accounted lines of the device.
    """

    name: str
    platform: Platform
    claims: Callable[[RawConfig], Claim | None]
    read: Callable[[RawConfig], Device]
