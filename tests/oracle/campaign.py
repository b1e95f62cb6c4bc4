"""Random configurations by seed, kernel against model, until a number of packets is through."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from oracle.box import Box, box
from oracle.box_model import BoxModel, Packets
from oracle.case import Case, random_lines, shrunk
from oracle.exchange import Mismatch, Tally, compare_followed, compare_fresh, exchanges
from oracle.lines import Line
from oracle.own_packets import FROM_ITSELF, TO_ITSELF, compare_own, own
from oracle.replay import persists
from oracle.words import sendings

from segaudit.errors import CapacityError
from segaudit.model.flow import Family

_FRESH_UNIVERSES_EVERY = 25
_CHECKED_AGAIN = 12
"""Mismatches of one ruleset that are looked at; one ruleset's have mostly one cause."""

_FOLLOWED_THROUGH_NAT = 60


@dataclass(slots=True)
class Outcome:
    """What a campaign came to."""

    tally: Tally = field(default_factory=Tally)
    own: Tally = field(default_factory=Tally)
    """Packets to and from the router itself."""
    rulesets: int = 0
    doubtful: int = 0
    """Rulesets with a line that makes the device UNMODELLED: nothing to compare."""
    refused_lines: int = 0
    lines: int = 0
    cases: list[tuple[int, Case, str]] = field(default_factory=list)

    def __str__(self) -> str:
        packets = self.tally.packets + self.tally.follow_ups
        share = self.tally.open_between / max(1, self.tally.packets)
        return (
            f"{self.rulesets} rulesets ({self.lines} lines, {self.refused_lines} more refused by the kernel; "  # noqa: E501
            f"{self.doubtful} further rulesets not modelled), {packets} packets ({self.tally.follow_ups} of "  # noqa: E501
            f"them answers, later packets and ICMP errors), {self.tally.arrived} + "
            f"{self.tally.follow_ups_arrived} came through, "
            f"{self.own.packets} to or from the router itself "
            f"({self.own.arrived} accepted or sent), may != must for {share:.1%} of the fresh ones, "
            f"{len(self.cases)} mismatches"
        )


def campaign(
    rulesets: int, packets: int, first_seed: int, report: Callable[[str], None], shrink: bool = True
) -> Outcome:
    """Compare ``rulesets`` configurations, from ``first_seed`` on, with about ``packets`` packets each."""
    outcome = Outcome()
    seed = first_seed
    while outcome.rulesets < rulesets:
        with box() as made:
            universes = Packets()
            for _ in range(_FRESH_UNIVERSES_EVERY):
                if outcome.rulesets >= rulesets:
                    break
                _one(made, universes, seed, packets, outcome, report, shrink)
                seed += 1
                if made.legacy:  # its tables stay in the namespace
                    break
        report(f"seeds {first_seed}-{seed - 1}: {outcome}")
    return outcome


def _one(
    made: Box,
    universes: Packets,
    seed: int,
    packets: int,
    outcome: Outcome,
    report: Callable[[str], None],
    shrink: bool,
) -> None:
    wanted = random_lines(seed)
    lines = made.load(wanted)
    model = BoxModel(made.device(), universes)
    if model.doubtful:
        outcome.doubtful += 1
        return
    try:
        mismatches = _compare(made, model, seed, packets, outcome)
    except CapacityError:
        report(f"seed {seed}: more packet sets than fit; the engine says UNKNOWN here")
        outcome.doubtful += 1
        return
    outcome.rulesets += 1
    outcome.lines += len(lines)
    outcome.refused_lines += len(wanted) - len(lines)
    for mismatch in _distinct(mismatches):
        case = (
            shrunk(made, lines, mismatch)
            if shrink
            else Case(tuple(lines), mismatch.exchange, mismatch.what)
        )
        outcome.cases.append((seed, case, mismatch.detail))
        report(f"seed {seed}: {_told(case, mismatch)}")


def _compare(made: Box, model: BoxModel, seed: int, packets: int, outcome: Outcome) -> list[Mismatch]:
    translates = any(model.translates.values())
    dice = random.Random(seed)
    sent = sendings(dice, tuple(Family), packets // 4 if translates else packets)
    fresh, arrived, tally = compare_fresh(made, model, sent)
    outcome.tally += tally
    following = exchanges(dice, sent, arrived)
    if translates:
        following = following[:_FOLLOWED_THROUGH_NAT]
    followed, tally = compare_followed(made, model, following)
    outcome.tally += tally
    checked = fresh[:_CHECKED_AGAIN] + followed[:_CHECKED_AGAIN]
    for kind in (TO_ITSELF, FROM_ITSELF):
        mine, tally = compare_own(made, model, own(dice, sent[: packets // 10], kind), kind)
        outcome.own += tally
        checked += mine[:_CHECKED_AGAIN]
    return [one for one in checked if persists(made, model, one)]


def _distinct(mismatches: list[Mismatch]) -> list[Mismatch]:
    """One of each kind."""
    kinds = {
        (
            one.what,
            one.exchange.follow_up,
            one.exchange.probe.flow.family,
            one.exchange.probe.flow.fragment,
        ): one
        for one in reversed(mismatches)
    }
    return list(kinds.values())


def _told(case: Case, mismatch: Mismatch) -> str:
    probe = case.exchange.probe
    lines = "\n".join(f"    {_shown(line)}" for line in case.lines)
    flags = f" flags {probe.flow.tcp_flags}" if probe.flow.protocol == 6 else ""
    follow_up = (
        f", then {case.exchange.follow_up} {case.exchange.error} {case.exchange.liar}"
        if case.exchange.follow_up
        else ""
    )
    return (
        f"MISMATCH: {case.what}: {probe.flow}{flags}{' whole' if probe.whole else ''} into {probe.interface}"  # noqa: E501
        f"{follow_up}: {mismatch.detail}\n{lines}"
    )


def _shown(line: Line) -> str:
    return f"{line.program}: {line.text}"
