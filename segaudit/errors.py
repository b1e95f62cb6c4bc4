"""The exception tree: one class per person who must act.

::

    SegauditError                  exit code
    ├── UsageError          2      whoever typed the command or wrote the file
    │   ├── PolicyError     2      the policy's owner
    │   ├── InventoryError  2      whoever keeps the inventory
    │   ├── TopologyError   2      whoever wrote the topology file
    │   ├── SnapshotError   2      whoever gathered the snapshot
    │   └── ScopeError      2      whoever authorised the probe
    ├── LabError            4      whoever runs the machine (missing program, right or kernel feature)
    ├── CollectError        4      never raised for one device: a device's failure is a value
    ├── CapacityError       3      the engine ran out of room: the verdict is UNKNOWN, never PROVEN
    │   └── FilterCapacityError    ... in the rules of one chain
    ├── RunError            4      the run broke
    └── VerificationError   5      a bundle or proof did not verify

What the analysis finds (a violation, a contradiction, a line not understood) is a value in
``segaudit.model``, never an exception.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input, printed as ``where: what: value`` and a hint.

    ``where`` is ``file:line:column`` with as much of it as is known.
    """

    where: str
    what: str
    value: str = ""
    hint: str = ""

    def __str__(self) -> str:
        head = ": ".join(part for part in (self.where, self.what, self.value) if part)
        return f"{head}\n  hint: {self.hint}" if self.hint else head


class SegauditError(Exception):
    """Root of the tree. Carries every problem found, not only the first."""

    exit_code = 4

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self.problems

    @classmethod
    def because(cls, where: str, what: str, value: str = "", hint: str = "") -> SegauditError:
        """The error with a single problem."""
        return cls(Problem(where, what, value, hint))


class UsageError(SegauditError):
    """A command line or an input file is wrong; nothing was analysed."""

    exit_code = 2


class PolicyError(UsageError):
    """The policy is malformed, or names what the network does not have."""


class InventoryError(UsageError):
    """The inventory is malformed."""


class TopologyError(UsageError):
    """The topology file is malformed."""


class SnapshotError(UsageError):
    """The snapshot folder is missing, unreadable or of an unknown platform."""


class ScopeError(UsageError):
    """A probe was asked for without authorisation, or outside its scope."""


class LabError(SegauditError):
    """The lab cannot be built here: a program, right or kernel feature is missing."""


class CollectError(SegauditError):
    """Collection as a whole could not start."""


class CapacityError(SegauditError):
    """The packet-set engine ran out of room; whoever catches it reports UNKNOWN."""

    exit_code = 3


class FilterCapacityError(CapacityError):
    """What follows from chain ``acl`` of ``device`` does not fit; ``where`` is its place in its file."""

    def __init__(self, device: str, acl: str, where: str = "") -> None:
        self.device, self.acl, self.where = device, acl, where
        super().__init__(Problem(where, "what follows from a filter does not fit", f"{acl} of {device}"))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.device, self.acl, self.where)


class RunError(SegauditError):
    """The run broke for a reason that is nobody's input."""


class VerificationError(SegauditError):
    """A proof or a bundle does not verify."""

    exit_code = 5
