"""What stands in the way of a plain packet: the report's "every way across", never the proof."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product

from segaudit.judge.prover import Prover
from segaudit.judge.witness import Start, Storyteller
from segaudit.model.flow import Disposition, Family, Flow, Step
from segaudit.model.verdict import Barrier, Outcome, PairVerdict, Verdict

MOST_WALKS = 4000
"""Packets walked in all; a walk through a dozen filters of a hundred rules takes some milliseconds."""

_HOLDS = (Outcome.PROVEN, Outcome.PROVEN_IF, Outcome.UNKNOWN)

Progress = Callable[[str, int, int], None]


def with_barriers(
    verdicts: Sequence[Verdict],
    prover: Prover,
    wanted: Callable[[Verdict], bool] = lambda _: True,
    budget: int = MOST_WALKS,
    progress: Progress | None = None,
) -> tuple[Verdict, ...]:
    """The isolations ``wanted`` with what stops a plain packet of each pair that is, or may be, isolated.

    Where ``budget`` walks are not enough for every pair of places, each zone pair gets an equal share,
    spread evenly over its places, and ``PairVerdict.untried`` counts the rest.
    """
    families = {family: Barriers(prover, family) for family in Family}
    found = list(verdicts)
    asked = [
        (at, number)
        for at, verdict in enumerate(verdicts)
        if verdict.kind == "isolation" and wanted(verdict)
        for number, pair in enumerate(verdict.pairs)
        if pair.outcome in _HOLDS
    ]
    for done, (at, number) in enumerate(asked):
        pairs = found[at].pairs
        pair = pairs[number]
        if progress:
            progress(f"ways {pair.source_zone} -> {pair.destination_zone}", done, len(asked))
        told = families[pair.family].told(pair, max(1, budget // len(asked)))
        found[at] = replace(found[at], pairs=(*pairs[:number], told, *pairs[number + 1 :]))
    return tuple(found)


class Barriers:
    """What stops plain packets of one family.

    Args:
        prover: the engine.
        family: the address family.
    """

    def __init__(self, prover: Prover, family: Family) -> None:
        self.family = family
        self._stories = Storyteller(prover, family)

    def told(self, pair: PairVerdict, most: int) -> PairVerdict:
        """The pair with its barriers, ``most`` walks spent on them at most."""
        ways = list(product(self._starts(pair.source_zone), self._targets(pair.destination_zone)))
        step = max(1, -(-len(ways) // most))
        tried = ways[::step]
        return replace(
            pair,
            barriers=self._met(pair.source_zone, tried),
            untried=len(ways) - len(tried),
        )

    def between(self, source: str, destination: str) -> tuple[Barrier, ...]:
        """What stops a packet from each place of ``source`` to each address of ``destination``."""
        return self._met(source, list(product(self._starts(source), self._targets(destination))))

    def _starts(self, zone: str) -> list[Start]:
        return self._stories.starts(zone)

    def _targets(self, zone: str) -> list[int]:
        return self._stories.zone_addresses(zone)

    def _met(self, source: str, ways: Sequence[tuple[Start, int]]) -> tuple[Barrier, ...]:
        """One tcp/445 packet per way, and one per router of the source's own that could send it."""
        found: dict[tuple[str, str, str], Barrier] = {}
        for barrier in self._stops(source, ways):
            found.setdefault((barrier.device, barrier.way, barrier.text), barrier)
        return tuple(found[key] for key in sorted(found))

    def _stops(self, source: str, ways: Sequence[tuple[Start, int]]) -> Iterator[Barrier]:
        other = next(iter(self._stories.host_addresses(source)), 0)
        for start, address in ways:
            flow = Flow(self.family, 6, start.address or other, address, 40000, 445, tcp_flags=2)
            for walk in self._stories.walks(flow, start):
                if walk.trace.disposition is Disposition.DROPPED:
                    yield _barrier(walk.trace.steps)


def _barrier(steps: tuple[Step, ...]) -> Barrier:
    last = steps[-1]
    received = [step for step in steps if step.action == "received" and step.device == last.device]
    way = f"{last.device}:{received[-1].interface}" if received else last.device
    return Barrier(last.device, drop_kind(last), last.what, way, last.span)


def drop_kind(step: Step) -> str:
    """The kind of ``Barrier`` that a step of a walk which drops the packet is about."""
    for phrase, kind in _KINDS:
        if phrase in step.what:
            return kind
    return "ace"


_KINDS = (
    ("no route", "no-route"),
    ("no rule matched", "default"),
    ("blackhole route", "blackhole"),
    ("unreachable route", "blackhole"),
    ("prohibit route", "blackhole"),
    ("does not forward", "not-forwarding"),
    ("is down", "interface-down"),
    ("reverse-path filter", "reverse-path-filter"),
)
