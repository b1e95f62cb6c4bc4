"""What the policy lets pass between two zones, as sets of packets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from segaudit.judge.prover import Prover
from segaudit.judge.spaces import Conduit, conduit_space, error_space, reply_space
from segaudit.model.flow import Family
from segaudit.model.policy import AllowedFlow, Exemption
from segaudit.packets import HeaderSpace


@dataclass(frozen=True, slots=True)
class Permitted:
    """What may pass from one zone to another.

    ``opened`` may pass at any time, ``answered`` only as part of a connection; ``by`` are the ids
    of the exceptions and flows that say so.
    """

    opened: HeaderSpace
    answered: HeaderSpace
    by: tuple[str, ...]


def permitted(
    prover: Prover, conduits: Iterable[Conduit], source: str, destination: str, family: Family
) -> Permitted:
    """What ``conduits`` let pass from zone ``source``, seen on a wire of zone ``destination``.

    A conduit's packets carry genuine addresses of its two zones, so they are its own on whatever
    wire they are seen on their way; another source zone that forges them is not excused.
    ``Permitted.by`` names only the conduits between just these two zones.
    """
    universe = prover.universe(family)
    opened = answered = universe.none
    names = []
    for conduit in conduits:
        ends = (conduit.source, conduit.destination)
        if source not in ends:
            continue
        if destination in ends:
            names.append(conduit.id)
        opener, target = (prover.ranges(zone, family) for zone in ends)
        if source == conduit.source:
            opened |= conduit_space(universe, conduit.services, opener, target)
            answered |= error_space(universe, target)
        else:
            answered |= reply_space(universe, conduit.services, opener, target)
    return Permitted(opened, answered, tuple(sorted(set(names))))


def surplus(allowed: Permitted, arrived: Callable[[bool], HeaderSpace]) -> HeaderSpace:
    """What is not permitted of what arrives: alone (``arrived(False)``), or also with connections.

    What arrives alone arrives with connections too, so it is asked for only where that matters.
    """
    if allowed.answered.is_empty:
        return arrived(True) - allowed.opened
    fresh = arrived(False) - allowed.opened
    whole = arrived(True) - allowed.opened
    return fresh | (whole - fresh - allowed.answered)


def exceptions_of(exceptions: Sequence[Exemption], assertion: str) -> list[Exemption]:
    """The exceptions of one isolation, sorted by id."""
    return sorted((one for one in exceptions if one.assertion == assertion), key=lambda one: one.id)


def all_conduits(flows: Sequence[AllowedFlow], exceptions: Sequence[Exemption]) -> list[Conduit]:
    """Every conduit of a policy."""
    return [*flows, *exceptions]
