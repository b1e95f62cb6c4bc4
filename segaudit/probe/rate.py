"""How fast packets may leave: one bucket for all, one per destination, on an injected clock."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

DEFAULT_PACKETS_PER_SECOND = 1_000
DEFAULT_PACKETS_PER_SECOND_PER_DESTINATION = 50

_BURST_SECONDS = 0.02
"""A bucket holds this much of its rate: bursts stay below what a socket buffer or a policer drops."""

_CLOCK_STEP_SECONDS = 1e-9
"""Less than this is rounding: a clock that is added so little may not move at all."""


@dataclass(slots=True)
class TokenBucket:
    """Lets through at most ``rate * t + burst`` packets in any ``t`` seconds."""

    rate: float
    burst: float
    clock: Callable[[], float]
    _tokens: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._tokens = self.burst
        self._at = self.clock()

    def wait(self) -> float:
        """Seconds until a packet may leave (0.0: now)."""
        self._refill()
        wait = (1.0 - self._tokens) / self.rate
        return wait if wait > _CLOCK_STEP_SECONDS else 0.0

    def take(self) -> None:
        """Count one packet that leaves."""
        self._refill()
        self._tokens -= 1.0

    def _refill(self) -> None:
        now = self.clock()
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now


def bucket(rate: float, clock: Callable[[], float]) -> TokenBucket:
    """A bucket of ``rate`` packets per second with the burst that is safe for a firewall."""
    return TokenBucket(rate, max(1.0, rate * _BURST_SECONDS), clock)


class Pace:
    """Both limits together: a packet leaves when all and its destination allow it."""

    def __init__(self, rate: float, rate_per_destination: float, clock: Callable[[], float]) -> None:
        self._rate_per_destination = rate_per_destination
        self._clock = clock
        self._all = bucket(rate, clock)
        self._destinations: dict[Hashable, TokenBucket] = {}

    def wait(self, destination: Hashable) -> float:
        """Seconds until a packet to ``destination`` may leave."""
        return max(self._all.wait(), self._to(destination).wait())

    def take(self, destination: Hashable) -> None:
        """Count one packet to ``destination``."""
        self._all.take()
        self._to(destination).take()

    def _to(self, destination: Hashable) -> TokenBucket:
        found = self._destinations.get(destination)
        if found is None:
            found = self._destinations[destination] = bucket(self._rate_per_destination, self._clock)
        return found
