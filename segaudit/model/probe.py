"""A measurement: what was sent from where, and what its silence or arrival is worth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from segaudit.model.flow import Family, Flow


@dataclass(frozen=True, slots=True, order=True)
class Vantage:
    """A place a probe agent can run: a device in a zone, with the interface and address it uses.

    ``address`` is an integer of ``family``.
    """

    zone: str
    device: str
    interface: str
    family: Family
    address: int

    def __str__(self) -> str:
        return f"{self.device}[{self.interface}] {self.family.address(self.address)}"


class Reply(Enum):
    """What became of a probe on one vantage pair."""

    DELIVERED = "DELIVERED"
    REJECTED = "REJECTED"
    SILENT = "SILENT"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True, slots=True)
class PlannedProbe:
    """One packet to send from ``source`` towards ``destination``'s vantage.

    ``expected`` is the model's word: ``none`` (blocked), ``delivered`` or ``unknown``.
    ``purpose`` is ``isolation``, ``witness``, ``flow`` or ``control``. ``control`` is the allowed
    target whose answer shows the way up to the barrier; without one silence is inconclusive.
    """

    id: str
    assertion: str
    source: Vantage
    destination: Vantage
    flow: Flow
    expected: str
    purpose: str
    control: ControlTarget | None = None


@dataclass(frozen=True, slots=True)
class ControlTarget:
    """An allowed target whose answer shows the path works up to ``barrier_device``."""

    source: Vantage
    flow: Flow
    target: str
    barrier_device: str


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """Everything one probe run would send, in order; the same plan prints in a dry run."""

    probes: tuple[PlannedProbe, ...]
    controls: tuple[ControlTarget, ...]
    receivers: tuple[Vantage, ...]


@dataclass(frozen=True, slots=True)
class PositiveControls:
    """The four controls without which silence proves nothing (DESIGN §1).

    Each is true (passed), false (failed) or ``None`` (could not be made). ``conclusive`` needs four
    passes.
    """

    sender_saw_own_packet: bool | None
    allowed_target_answered: bool | None
    canary_crossed_filter: bool | None
    no_kernel_drops: bool | None
    notes: tuple[str, ...] = ()

    @property
    def conclusive(self) -> bool:
        """True where all four passed."""
        return (
            self.sender_saw_own_packet is True
            and self.allowed_target_answered is True
            and self.canary_crossed_filter is True
            and self.no_kernel_drops is True
        )


@dataclass(frozen=True, slots=True)
class Observation:
    """The result of one planned probe.

    ``rejected_by`` is the address that answered with an RST or an ICMP error. ``agrees`` compares
    with the model: ``None`` where the observation or the model is inconclusive.
    """

    probe: PlannedProbe
    reply: Reply
    controls: PositiveControls
    sent: int
    received: int
    rejected_by: str = ""
    why: str = ""

    @property
    def agrees(self) -> bool | None:
        """Whether model and measurement say the same; a delivered packet always counts."""
        if self.probe.expected == "unknown" or self.reply is Reply.INCONCLUSIVE:
            return None
        return (self.reply is Reply.DELIVERED) == (self.probe.expected == "delivered")
