"""A set known only between two bounds: what may be a member, and what must be."""

from __future__ import annotations

from dataclasses import dataclass

from segaudit.packets.space import DEVICE_FIELDS, HeaderSpace


@dataclass(frozen=True, slots=True)
class Bounds:
    """``must`` ⊆ the true set ⊆ ``may``; equal where everything is modelled.

    A proof of isolation uses ``may``, a proof of reachability ``must``; what lies between them is
    UNKNOWN.
    """

    may: HeaderSpace
    must: HeaderSpace

    @classmethod
    def exactly(cls, space: HeaderSpace) -> Bounds:
        """A set that is known exactly."""
        return cls(space, space)

    @property
    def is_exact(self) -> bool:
        """True where the two bounds are one object, so that half the work will do."""
        return self.may is self.must

    def __and__(self, other: Bounds) -> Bounds:
        may = self.may & other.may
        return Bounds(may, may if self.is_exact and other.is_exact else self.must & other.must)

    def __or__(self, other: Bounds) -> Bounds:
        may = self.may | other.may
        return Bounds(may, may if self.is_exact and other.is_exact else self.must | other.must)

    def __invert__(self) -> Bounds:
        may = ~self.must
        return Bounds(may, may if self.is_exact else ~self.may)

    def __sub__(self, other: Bounds) -> Bounds:
        may = self.may - other.must
        return Bounds(may, may if self.is_exact and other.is_exact else self.must - other.may)

    def at(self, place: HeaderSpace) -> Bounds:
        """The part inside ``place`` (values of all device fields), as sets of headers alone."""
        may = (self.may & place).without(*DEVICE_FIELDS)
        return Bounds(may, may if self.is_exact else (self.must & place).without(*DEVICE_FIELDS))
