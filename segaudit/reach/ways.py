"""The nouns of one device's path: which bound, which routing, what leaves it, and a way through it.

A ``Way`` is what a device does with packets on one of its paths, as a small program: keep those in a
set, forget some fields, keep those in another set, and so on. It is built once for all packets; what
becomes of some packets is then a few set operations (``Way.of``), because everything a device does
distributes over unions.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from segaudit.model.flow import ConnectionState
from segaudit.packets import HeaderField, HeaderSpace


class Level(Enum):
    """Which bound of every filter is used: all that may pass, or only what must."""

    MAY = "may"
    MUST = "must"


class RoutingMode(Enum):
    """CURRENT: the collected tables. FAILURES: whatever failures may leave of them or bring into them
    (grade G3; ``reach.failures``). ANY: out of any interface, up or down (grade G4).
    """

    CURRENT = "current"
    FAILURES = "failures"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Emission:
    """Packets that leave by ``interface`` towards ``next_hop`` (``None``: their destination itself).

    ``any_receiver`` is true where every neighbour on the wire may be the next hop.
    """

    interface: str
    next_hop: int | None
    packets: HeaderSpace
    any_receiver: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """What a device does with packets received on one interface."""

    emissions: tuple[Emission, ...]
    delivered: HeaderSpace


@dataclass(frozen=True, slots=True)
class Opening:
    """A kind of connection that may be opened through a device.

    Header sets as the first packet enters, as it is routed and filtered, and as it leaves; they
    differ in ``destination_changed`` (destination NAT) and ``source_changed`` (source NAT).
    """

    entered: HeaderSpace
    routed: HeaderSpace
    left: HeaderSpace
    destination_changed: bool
    source_changed: bool


Rewrite = tuple[tuple[HeaderField, ...], HeaderSpace]
"""Fields that a translation forgets, and the packets that are possible after it."""

EVERY_FIELD = tuple(field for field in HeaderField if field is not HeaderField.ORIGIN)
"""What is forgotten of packets that may have become anything; who sent them is not."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way through a device, or part of one; without ``rewrites`` its three sets are one.

    ``now`` is what all packets together are at this point, ``entered`` what they were when they
    entered (an outer bound once a field is in ``changed``). ``guard`` and then each of ``rewrites``
    are the program that turns packets which enter into those that are here.
    """

    entered: HeaderSpace
    now: HeaderSpace
    guard: HeaderSpace
    rewrites: tuple[Rewrite, ...] = ()
    changed: frozenset[HeaderField] = frozenset()

    @classmethod
    def start(cls, packets: HeaderSpace) -> Way:
        """The way of ``packets`` that just entered."""
        return cls(packets, packets, packets)

    def keep(self, space: HeaderSpace) -> Way:
        """Only the packets that are in ``space`` at this point go on."""
        now = self.now & space
        if not self.rewrites:
            return self if now is self.now else Way.start(now)
        *before, (fields, after) = self.rewrites
        entered = self.entered & now.without(*self.changed)
        return Way(entered, now, self.guard, (*before, (fields, after & space)), self.changed)

    def rewrite(self, fields: tuple[HeaderField, ...], pool: HeaderSpace) -> Way:
        """``fields`` become anything that is in ``pool``."""
        return Way(
            self.entered,
            self.now.without(*fields) & pool,
            self.guard,
            (*self.rewrites, (fields, pool)),
            self.changed | frozenset(fields),
        )

    def of(self, packets: HeaderSpace) -> HeaderSpace:
        """What becomes of ``packets`` that enter: those that take this way, as they are at its end."""
        return sent_through(packets, self.guard, self.rewrites)

    def joined(self, other: Way) -> Way:
        """Both ways as one; they must not differ in ``rewrites``."""
        if not self.rewrites:
            return Way.start(self.guard | other.guard)
        return Way(
            self.entered | other.entered,
            self.now | other.now,
            self.guard | other.guard,
            self.rewrites,
            self.changed | other.changed,
        )


def sent_through(packets: HeaderSpace, guard: HeaderSpace, rewrites: tuple[Rewrite, ...]) -> HeaderSpace:
    """What becomes of ``packets`` by a way's program."""
    packets = packets & guard
    for fields, after in rewrites:
        if packets.is_empty:
            break
        packets = packets.without(*fields) & after
    return packets


@dataclass(frozen=True, slots=True)
class Exit:
    """A way with where it leads: out of ``interface``, or to the device itself (``None``).

    ``next_hop`` and ``any_receiver`` as in ``Emission``.
    """

    interface: str | None
    next_hop: int | None
    any_receiver: bool
    way: Way


@dataclass(frozen=True, slots=True)
class Passing:
    """A state in which packets pass, which packets can be in it, and how a connection rewrites them."""

    state: ConnectionState
    packets: HeaderSpace
    before_routing: Rewrite | None = None
    after_routing: Rewrite | None = None
