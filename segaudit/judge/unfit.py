"""Filters whose packet sets do not fit: they count as not modelled, and the verdicts say so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from segaudit.errors import FilterCapacityError
from segaudit.model.acl import Ace, AnyPacket, UnknownAction
from segaudit.model.device import Device
from segaudit.model.snapshot import Snapshot
from segaudit.model.verdict import Finding, Outcome, PairVerdict, Severity


def without_filter(snapshot: Snapshot, unfit: FilterCapacityError) -> Snapshot:
    """The snapshot with a filter that may let any packet through, translated at will if it translates."""
    device = _without(snapshot.devices[unfit.device], unfit.acl)
    return replace(snapshot, devices={**snapshot.devices, device.name: device})


def _without(device: Device, name: str) -> Device:
    acl = device.acls[name]
    unknown = Ace(AnyPacket(), UnknownAction("a filter whose packet sets do not fit"), acl.span)
    translates = any(one.acl == name and one.translates for one in device.attachments)
    return replace(
        device,
        acls={**device.acls, name: replace(acl, aces=(unknown,))},
        unknown_translation=device.unknown_translation or translates,
    )


def told_of_unfit(pair: PairVerdict, unfit: Sequence[FilterCapacityError]) -> PairVerdict:
    """The pair; where it is not determined, with the filters that it may be for."""
    if pair.outcome is not Outcome.UNKNOWN or not unfit:
        return pair
    lines = tuple(str(problem) for one in unfit for problem in one.problems)
    reason = f"{pair.reason}; {_named(unfit)} did not fit and counts as not modelled"
    return replace(pair, depends_on=(*lines, *pair.depends_on), reason=reason)


def _named(unfit: Iterable[FilterCapacityError]) -> str:
    return ", ".join(f"{one.acl} of {one.device}" for one in unfit)


def unfit_findings(unfit: Iterable[FilterCapacityError]) -> Iterator[Finding]:
    """One finding per filter that was set aside."""
    for one in unfit:
        yield Finding(
            f"CAPACITY-{one.device}-{one.acl}",
            Severity.CRITICAL,
            f"filter {one.acl} of {one.device} did not fit",
            f"{one.where or one.device}: what follows from its rules needs more room than there is. "
            "It counts as letting anything through.",
            hint="a machine with more memory, or fewer rules that overlap in several fields at once",
        )
