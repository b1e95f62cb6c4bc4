"""What was found out, and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from segaudit.model.flow import Family, Flow, Trace
from segaudit.model.source import SourceSpan


class Outcome(Enum):
    """The answer to one assertion; the order is from best to worst for ``worst``."""

    PROVEN = "PROVEN"
    PROVEN_IF = "PROVEN_IF"
    VACUOUS = "VACUOUS"
    UNKNOWN = "UNKNOWN"
    VIOLATED = "VIOLATED"


def worst(outcomes: list[Outcome]) -> Outcome:
    """The worst of ``outcomes``; VACUOUS for none, since nothing was shown."""
    order = list(Outcome)
    return max(outcomes, key=order.index, default=Outcome.VACUOUS)


class Grade(Enum):
    """What holds an isolation (G5 strongest), see DESIGN §1; G1 and G0 are violations."""

    G5 = "G5"
    G4 = "G4"
    G3 = "G3"
    G2 = "G2"
    G1 = "G1"
    G0 = "G0"

    @property
    def meaning(self) -> str:
        """One sentence for a reader who does not know the grades."""
        return {
            "G5": "no physical, L2, L3 or tunnel adjacency joins them",
            "G4": "filters hold whatever the routing does",
            "G3": "holds under current routing and after any failures of links and devices",
            "G2": "holds under current routing only",
            "G1": "packets arrive, no reply can come back",
            "G0": "packets arrive and replies come back",
        }[self.value]


@dataclass(frozen=True, slots=True, order=True)
class Assumption:
    """One thing a verdict rests on. ``owner`` is empty where nobody in the policy answers for it."""

    id: str
    text: str
    owner: str = ""
    spans: tuple[SourceSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class Barrier:
    """What stops packets of one zone on one way to another: one object, cited.

    ``kind`` is ``ace``, ``default``, ``no-route``, ``blackhole``, ``interface-down``,
    ``not-forwarding``, ``no-adjacency``, ``reverse-path-filter``.
    """

    device: str
    kind: str
    text: str
    way: str = ""
    span: SourceSpan | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """A concrete packet that arrives, with its way; ``origin`` is the place it starts from."""

    flow: Flow
    trace: Trace
    origin: str
    source_is_own: bool


@dataclass(frozen=True, slots=True)
class Keystone:
    """One object whose change alone reconnects a pair that is isolated now.

    ``kind`` is a ``Barrier`` kind or ``routing-rule``. ``change`` says what would reconnect them.
    ``nearest_miss`` is the way of a packet that would then arrive; where there is none, no packet
    certainly arrives and the pair is merely no longer proven.
    """

    device: str
    kind: str
    text: str
    change: str
    span: SourceSpan | None = None
    nearest_miss: Witness | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One object and what is done to it; the fields are a ``Keystone``'s."""

    device: str
    kind: str
    text: str
    change: str
    span: SourceSpan | None = None


@dataclass(frozen=True, slots=True)
class Reconnection:
    """Several changes that together reconnect a pair; leave one out, and they do not.

    ``nearest_miss`` is the way of a packet that would then arrive; where there is none, no packet
    certainly arrives and the pair is merely no longer proven.
    """

    changes: tuple[Change, ...]
    nearest_miss: Witness | None = None


@dataclass(frozen=True, slots=True)
class Margin:
    """The least number of independent changes that would reconnect a pair.

    It is at least ``least`` and at most ``most``; ``most`` ``None``: no changes are known that would.
    Both bounds are proven: no fewer changes do, and those of ``keystones`` (each alone) or of
    ``reconnection`` (all together) do. ``undecided`` says what was not tried or not decided; ``tried``
    counts the changed networks that were looked at for it.
    """

    least: int
    keystones: tuple[Keystone, ...] = ()
    undecided: tuple[str, ...] = ()
    tried: int = 0
    reconnection: Reconnection | None = None

    @property
    def most(self) -> int | None:
        """A number of changes that certainly suffices."""
        if self.keystones:
            return 1
        return len(self.reconnection.changes) if self.reconnection else None

    @property
    def is_exact(self) -> bool:
        """True where the number is known and not only bounded."""
        return self.most == self.least

    def __str__(self) -> str:
        if self.most is None:
            return f"{self.least} or more"
        return str(self.least) if self.is_exact else f"{self.least} to {self.most}"


@dataclass(frozen=True, slots=True)
class Pivot:
    """The least number of third zones to own to get from one zone to another, and which.

    0 where packets may arrive directly. ``through`` lists the chains of that length. A pair that no
    chain of zones joins has no ``Pivot``; ``unclaimed`` is true where owning a place that no zone
    claims (a link between routers) would do.
    """

    distance: int | None
    through: tuple[tuple[str, ...], ...] = ()
    unclaimed: bool = False


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """One zone pair in one family: the unit that probes are compared with.

    ``barriers`` list every way across that was tried and what blocks it (isolated pairs, where asked
    for); ``untried`` counts the pairs of places between which no packet was walked for them.
    ``depends_on`` names the UNMODELLED edges or lines without which it would be proven.
    ``spoofed_only``: the pair is not isolated, but nothing that the source zone sends with its own
    addresses can arrive. ``hostile`` is the outcome where the intruder owns every device of the
    source's side. ``pivot`` and ``margin`` are ``None`` where they were not computed.
    """

    source_zone: str
    destination_zone: str
    family: Family
    outcome: Outcome
    grade: Grade | None = None
    witness: Witness | None = None
    barriers: tuple[Barrier, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    depends_on: tuple[str, ...] = ()
    reason: str = ""
    excepted_by: tuple[str, ...] = ()
    spoofed_only: bool = False
    pivot: Pivot | None = None
    hostile: Outcome | None = None
    margin: Margin | None = None
    hostile_reason: str = ""
    untried: int = 0

    @property
    def own_sources(self) -> Outcome:
        """The outcome for what the source zone sends with its own addresses alone; ``outcome`` is for any.

        What is not shown for them alone is UNKNOWN.
        """
        if self.spoofed_only:
            return Outcome.PROVEN
        forged = self.outcome is Outcome.VIOLATED and not (self.witness and self.witness.source_is_own)
        return Outcome.UNKNOWN if forged else self.outcome


@dataclass(frozen=True, slots=True)
class Verdict:
    """One assertion in one direction and family: the worst of its pairs.

    ``kind`` is ``isolation`` or ``flow`` (an allowed flow that must work: PROVEN means it does).
    ``expired`` names exceptions that no longer hold at ``as_of``. ``hostile_devices`` are those that
    the intruder owns in ``hostile``.
    """

    assertion: str
    kind: str
    title: str
    direction: str
    source: str
    destination: str
    family: Family
    outcome: Outcome
    severity: str
    pairs: tuple[PairVerdict, ...]
    exceptions: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()
    hostile_devices: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Stable name of this verdict: ``ISO-1/forward/ipv4``."""
        return f"{self.assertion}/{self.direction}/{self.family.label}"

    @property
    def grade(self) -> Grade | None:
        """The weakest grade among the pairs; none where the verdict is not decided."""
        if self.outcome in (Outcome.UNKNOWN, Outcome.VACUOUS):
            return None
        grades = [pair.grade for pair in self.pairs if pair.grade]
        return max(grades, key=list(Grade).index, default=None)

    @property
    def hostile(self) -> Outcome | None:
        """The outcome where the intruder owns every device of the source's side; ``None``: not computed."""
        found = [pair.hostile for pair in self.pairs if pair.hostile is not None]
        return worst(found) if found and len(found) == len(self.pairs) else None


@dataclass(frozen=True, slots=True, order=True)
class AppliedFilter:
    """A filter as it is applied on a device: the chain by name, at the line that defines it."""

    name: str
    span: SourceSpan | None = None


@dataclass(frozen=True, slots=True)
class Region:
    """Wires between which anything may pass under some routing, no filter dividing them.

    ``inside`` names the devices that lie wholly in it; ``itself`` is true for a device's own addresses
    where a zone holds them without a wire. ``unmodelled``: something not modelled touches it.
    """

    name: str
    zones: tuple[str, ...]
    wires: tuple[str, ...]
    inside: tuple[str, ...] = ()
    internet: bool = False
    unmodelled: bool = False
    itself: bool = False


@dataclass(frozen=True, slots=True)
class RegionCrossing:
    """What one device may let through from one region to another, whatever the routing.

    ``passes`` is ``none``, ``some`` or ``all``; ``filters`` are those applied between the two.
    ``onward`` is false where packets only arrive: at an address that the device itself has there.
    """

    device: str
    source: str
    destination: str
    passes: str
    filters: tuple[AppliedFilter, ...]
    onward: bool = True


@dataclass(frozen=True, slots=True)
class RegionGraph:
    """The network of one family contracted to regions that no filter divides, and what divides them.

    Where no chain of crossings that pass something leads from one region to another, each but the last
    ``onward``, filters hold the two apart under any routing (grade G4).
    """

    family: Family
    regions: tuple[Region, ...]
    crossings: tuple[RegionCrossing, ...]


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """Whether anything of one zone may arrive in another, whatever the policy says.

    ``reach`` is ``none``, ``allowed`` (all that may arrive is an allowed flow or exception),
    ``open`` (more than that certainly arrives) or ``unknown``.
    """

    source_zone: str
    destination_zone: str
    family: Family
    reach: str
    asserted: bool


class Severity(Enum):
    """How bad a finding is."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a reader must know that is not itself a verdict (contradiction, line, failure)."""

    id: str
    severity: Severity
    title: str
    detail: str
    spans: tuple[SourceSpan, ...] = ()
    hint: str = ""
