"""One zone pair in one family: outcome, grade, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from segaudit.graph import UNMODELLED
from segaudit.judge.conduits import Permitted, permitted, surplus
from segaudit.judge.prover import Prover, Reading
from segaudit.judge.spaces import Conduit
from segaudit.judge.spoofing import OwnSources
from segaudit.judge.witness import Storyteller
from segaudit.model.flow import Family
from segaudit.model.policy import INTERNET, Claim, OwnedAssumption
from segaudit.model.source import SourceSpan
from segaudit.model.verdict import Assumption, Grade, Outcome, PairVerdict, Witness
from segaudit.packets import HeaderSpace
from segaudit.reach.device_path import Level, RoutingMode


class PairJudge:
    """Judges zone pairs of one family.

    Args:
        prover: the engine.
        family: the address family.
    """

    def __init__(self, prover: Prover, family: Family) -> None:
        self.prover = prover
        self.family = family
        self.stories = Storyteller(prover, family)
        self._own_sources = OwnSources(prover, family)
        self._components_of = cache(self._components)

    def left(
        self,
        source: str,
        destination: str,
        allowed: Permitted,
        reading: Reading,
        routing: RoutingMode = RoutingMode.CURRENT,
    ) -> HeaderSpace:
        """All that may arrive although nothing in the policy permits it."""
        return surplus(
            allowed,
            lambda connections: self._arrived(source, destination, reading, routing, connections),
        )

    def _arrived(
        self, source: str, destination: str, reading: Reading, routing: RoutingMode, connections: bool
    ) -> HeaderSpace:
        reached = self.prover.reached(self.family, source, reading, Level.MAY, routing, connections)
        return self.prover.arrived(reached, destination, reading)

    def certain(self, source: str, destination: str) -> HeaderSpace:
        """What certainly arrives, from the collected devices alone."""
        reached = self.prover.reached(
            self.family, source, Reading.CLOSED, Level.MUST, RoutingMode.CURRENT, False
        )
        return self.prover.arrived(reached, destination, Reading.CLOSED)

    def isolated(self, source: str, destination: str, conduits: Iterable[Conduit]) -> PairVerdict:
        """Whether nothing but ``conduits`` passes from ``source`` to ``destination``."""
        allowed = permitted(self.prover, conduits, source, destination, self.family)
        empty = [zone for zone in (source, destination) if self._is_vacuous(zone)]
        if empty:
            reason = f"zone {', '.join(empty)} has no place that packets could start from or arrive at"
            return self._verdict(source, destination, Outcome.VACUOUS, allowed, reason=reason)
        witness = self._witness(source, destination, allowed)
        if witness is not None:
            grade = (
                Grade.G0
                if self.stories.replies_return(witness, source)
                else self._one_way(source, destination)
            )
            return self._verdict(
                source, destination, Outcome.VIOLATED, allowed, grade=grade, witness=witness
            )
        if self.left(source, destination, allowed, Reading.STRICT).is_empty:
            grade = self._grade(source, destination, allowed, Reading.STRICT)
            return self._verdict(source, destination, Outcome.PROVEN, allowed, grade=grade)
        return self._assumed(source, destination, allowed)

    def _is_vacuous(self, zone: str) -> bool:
        return self.prover.source(zone, Reading.STRICT).is_empty

    def _witness(self, source: str, destination: str, allowed: Permitted) -> Witness | None:
        certain = self.certain(source, destination) - allowed.opened
        if certain.is_empty:
            return None
        reached = self.prover.reached(
            self.family, source, Reading.CLOSED, Level.MUST, RoutingMode.CURRENT, False
        )
        return self.stories.witness(reached, certain, source, destination)

    def _one_way(self, source: str, destination: str) -> Grade:
        """G1 only where nothing at all can come back, as a connection or otherwise."""
        back = self._arrived(destination, source, Reading.STRICT, RoutingMode.CURRENT, True)
        return Grade.G1 if back.is_empty else Grade.G0

    def _assumed(self, source: str, destination: str, allowed: Permitted) -> PairVerdict:
        """Not proven on its own: proven under owned assumptions, or not determined and why."""
        assumed = self.left(source, destination, allowed, Reading.ASSUMED)
        if assumed.is_empty and self.prover.assumptions:
            grade = self._grade(source, destination, allowed, Reading.ASSUMED)
            return self._verdict(
                source,
                destination,
                Outcome.PROVEN_IF,
                allowed,
                grade=grade,
                assumptions=self._assumptions(),
            )
        depends, reason = self._why_unknown(source, destination, allowed)
        return self._verdict(source, destination, Outcome.UNKNOWN, allowed, depends, reason)

    def _assumptions(self) -> tuple[Assumption, ...]:
        return tuple(sorted(_assumption(one, self.prover) for one in self.prover.assumptions))

    def _why_unknown(
        self, source: str, destination: str, allowed: Permitted
    ) -> tuple[tuple[str, ...], str]:
        closed = self.left(source, destination, allowed, Reading.CLOSED)
        if closed.is_empty:
            return self._missing(
                source, destination
            ) + self._unmodelled_edges(), "something that is not modelled could join the two"
        alone = self._arrived(source, destination, Reading.CLOSED, RoutingMode.CURRENT, False)
        fresh = alone - allowed.opened
        if fresh.is_empty:
            reason = "only as part of a connection (or an ICMP error about one) that something else opened"
            return (f"for example {closed.sample()}",), reason
        return (f"for example {fresh.sample()}",), "rests on a match, route or translation not modelled"

    def _missing(self, source: str, destination: str) -> tuple[str, ...]:
        """The uncollected devices that may hold more of the two zones."""
        found = (m for m in self.prover.zones.uncollected if m.zone in (source, destination))
        return tuple(
            f"{m.device} is not collected and may hold more of {m.zone} ({m.reason})" for m in found
        )

    def _unmodelled_edges(self) -> tuple[str, ...]:
        graph = self.prover.graph(Reading.ASSUMED)
        edges = [
            f"{point}: {why}"
            for name in sorted(graph.unmodelled_segments)
            for segment in (graph.segments[name],)
            for point in segment.points[:1]
            for why in segment.open_because
        ]
        doubtful = set(self.prover.doubtful) - set(graph.devices)
        lines = [
            f"{line.span}: not understood: {line.text.strip()}"
            for name in sorted(doubtful)
            for line in self.prover.snapshot.devices[name].lines
            if not line.bounded
        ]
        return tuple(lines + edges)

    def _grade(self, source: str, destination: str, allowed: Permitted, reading: Reading) -> Grade:
        if not self._joined(source, destination, reading):
            return Grade.G5
        if self.left(source, destination, allowed, reading, RoutingMode.ANY).is_empty:
            return Grade.G4
        if self.left(source, destination, allowed, reading, RoutingMode.FAILURES).is_empty:
            return Grade.G3
        return Grade.G2

    def _joined(self, source: str, destination: str, reading: Reading) -> bool:
        """True where any chain of wires, devices and unmodelled things joins the two zones."""
        return bool(self._components_of(source, reading) & self._components_of(destination, reading))

    def _components(self, zone: str, reading: Reading) -> set[int]:
        """The parts of the adjacency graph that a zone is in."""
        component = self.prover.components(reading)
        nodes = {f"segment {name}" for name in self.prover.zone_segments(zone, reading)}
        nodes |= {place.device for place in self.prover.places(zone)}
        if zone == INTERNET or self.prover.goes_on_unmodelled(zone, reading):
            nodes.add(UNMODELLED)
        return {component[node] for node in nodes if node in component}

    def _verdict(
        self,
        source: str,
        destination: str,
        outcome: Outcome,
        allowed: Permitted,
        depends: tuple[str, ...] = (),
        reason: str = "",
        grade: Grade | None = None,
        witness: Witness | None = None,
        assumptions: tuple[Assumption, ...] = (),
    ) -> PairVerdict:
        return PairVerdict(
            source,
            destination,
            self.family,
            outcome,
            grade,
            witness,
            (),
            assumptions,
            depends,
            reason,
            allowed.by,
            self._spoofed_only(source, destination, outcome, allowed, witness),
        )

    def _spoofed_only(
        self, source: str, destination: str, outcome: Outcome, allowed: Permitted, witness: Witness | None
    ) -> bool:
        """True where the pair is not isolated, but only for packets with a forged source."""
        if outcome not in (Outcome.VIOLATED, Outcome.UNKNOWN) or (witness and witness.source_is_own):
            return False
        return self._own_sources.nothing_arrives(source, destination, allowed)


def _assumption(owned: OwnedAssumption, prover: Prover) -> Assumption:
    spans: tuple[SourceSpan, ...] = ()
    if owned.claim is Claim.NO_EFFECT:
        spans = tuple(
            line.span
            for name in prover.doubtful
            for line in prover.snapshot.devices[name].lines
            if not line.bounded
        )
    text = f"{owned.about.text or 'the named places'}: {owned.claim.value} ({owned.justification})"
    return Assumption(owned.id, text, owned.owner, spans)
