from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from segaudit.probe.rate import Pace, bucket


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def departures(pace: Pace, clock: Clock, destinations: list[str]) -> list[float]:
    """When each packet leaves, for a sender that waits exactly as long as it is told to."""
    times = []
    for destination in destinations:
        while (wait := pace.wait(destination)) > 0:
            clock.now += wait
        pace.take(destination)
        times.append(clock.now)
    return times


def test_one_destination_gets_its_own_rate() -> None:
    clock = Clock()
    times = departures(Pace(1000, 50, clock), clock, ["b"] * 101)
    assert times[0] == 0.0
    assert abs(times[-1] - 2.0) < 1e-6


def test_many_destinations_together_get_the_total_rate() -> None:
    clock = Clock()
    times = departures(Pace(1000, 50, clock), clock, [f"b{n}" for n in range(1020)])
    assert abs(times[-1] - 1.0) < 1e-3


def test_an_idle_sender_saves_up_no_more_than_a_small_burst() -> None:
    clock = Clock()
    tokens = bucket(1000, clock)
    clock.now = 3600.0
    sent = 0
    while tokens.wait() == 0.0:
        tokens.take()
        sent += 1
    assert sent == 20


@given(
    rate=st.integers(1, 5000),
    per_destination=st.integers(1, 500),
    destinations=st.lists(st.sampled_from("abc"), min_size=1, max_size=200),
    idle=st.floats(0, 10),
)
def test_no_second_ever_sees_more_than_rate_and_burst(
    rate: int, per_destination: int, destinations: list[str], idle: float
) -> None:
    clock = Clock()
    pace = Pace(rate, per_destination, clock)
    clock.now = idle
    times = departures(pace, clock, destinations)
    for first, start in enumerate(times):
        within = [n for n in range(first, len(times)) if times[n] < start + 1.0]
        assert len(within) <= rate + max(1.0, rate * 0.02) + 1e-6
        mine = [n for n in within if destinations[n] == destinations[first]]
        assert len(mine) <= per_destination + max(1.0, per_destination * 0.02) + 1e-6
