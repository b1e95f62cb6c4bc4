"""What a whole chain of rules does: ``model.acl.Acl`` -> the packets it accepts, and translations.

A chain's summary has three parts: packets it accepts, packets it returns, packets that run past its
end; the rest is dropped. Summaries of neighbouring rules combine associatively, so a chain is
compiled by divide and conquer (DESIGN §5) and each chain once, however often it is jumped to.
Neighbours with the same verdict may stand in any order, so they are joined to products first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from segaudit.model.acl import (
    Ace,
    Acl,
    Continue,
    ForgetMark,
    Forwarding,
    Goto,
    Jump,
    Matches,
    NoTrack,
    Return,
    SetMark,
    Translate,
    UnknownAction,
)
from segaudit.packets.bounds import Bounds
from segaudit.packets.matches import MatchCompiler
from segaudit.packets.products import Products


@dataclass(frozen=True, slots=True)
class Summary:
    """What some consecutive rules do with a packet: accept it, return it, or let it run past."""

    accepted: Bounds
    returned: Bounds
    passed: Bounds

    def then(self, later: Summary) -> Summary:
        """These rules, then ``later``."""
        accepted, returned = self.accepted, self.returned
        if not later.accepted.may.is_empty:
            accepted |= self.passed & later.accepted
        if not later.returned.may.is_empty:
            returned |= self.passed & later.returned
        return Summary(accepted, returned, self.passed & later.passed)


@dataclass(frozen=True, slots=True)
class TranslationPiece:
    """The packets that one translation applies to; ``translate`` ``None``: none applies."""

    packets: Bounds
    translate: Translate | None


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbours of one verdict; ``alternatives`` are what they match."""

    accepts: bool
    alternatives: list[Matches]


Stretch = list[Run] | Ace
"""Neighbours each of which accepts or drops, or one rule that does anything else."""


class Stretches:
    """The chains of one device as they are compiled, for however many compilers.

    Args:
        acls: all its chains by name.
    """

    def __init__(self, acls: Mapping[str, Acl]) -> None:
        self.acls = acls
        self._known: dict[str, list[Stretch]] = {}

    def of(self, acl: str) -> list[Stretch]:
        """A chain from its first rule to its last."""
        if acl not in self._known:
            self._known[acl] = list(_stretches(self.acls[acl].aces))
        return self._known[acl]


class ChainCompiler:
    """Compiles the chains of one device.

    Args:
        matches: the match compiler of the device.
        chains: all its chains. A jump to a chain that is not there, or round in a circle, counts as
            an unknown action: the packet may be accepted.
    """

    def __init__(self, matches: MatchCompiler, chains: Stretches | Mapping[str, Acl]) -> None:
        self.matches = matches
        self.stretches = chains if isinstance(chains, Stretches) else Stretches(chains)
        self.acls = self.stretches.acls
        self._summaries: dict[str, Summary] = {}
        self._accepted: dict[str, Bounds] = {}
        self._open: set[str] = set()
        universe = matches.universe
        self._all = Bounds.exactly(universe.all)
        self._none = Bounds.exactly(universe.none)
        self._unsure = Bounds(universe.all, universe.none)

    def accepted(self, acl: str) -> Bounds:
        """The packets that the attached chain ``acl`` accepts, its default included."""
        if acl not in self._accepted:
            self._accepted[acl] = self._with_default(acl)
        return self._accepted[acl]

    def _with_default(self, acl: str) -> Bounds:
        found = self.acls.get(acl)
        if found is None:
            return self._unsure
        summary = self.summary(acl)
        if found.default in (Forwarding.DROP, Forwarding.REJECT):
            return summary.accepted
        return summary.accepted | summary.returned | summary.passed

    def summary(self, acl: str) -> Summary:
        """What the chain does, its default not yet applied."""
        if acl in self._open or acl not in self.acls:
            return Summary(self._unsure, self._unsure, self._unsure)
        if acl not in self._summaries:
            self._open.add(acl)
            self._summaries[acl] = self._fold(self.stretches.of(acl))
            self._open.discard(acl)
        return self._summaries[acl]

    def _fold(self, stretches: list[Stretch]) -> Summary:
        summaries = [
            self._plain(stretch) if isinstance(stretch, list) else self._rule(stretch)
            for stretch in stretches
        ]
        return _in_turn(summaries) if summaries else Summary(self._none, self._none, self._all)

    def _plain(self, runs: list[Run]) -> Summary:
        accepted, dropped = self._decided(runs)
        matched = accepted | dropped
        if not matched.is_exact:  # where it is unsure whether one drops, it is not whether one matches
            matched = self._any_of([one for run in runs for one in run.alternatives])
        return Summary(accepted, self._none, ~matched)

    def _decided(self, runs: list[Run]) -> tuple[Bounds, Bounds]:
        """What some runs accept, and all that their dropping rules match: dropped, or accepted before."""
        if len(runs) == 1:
            matched = self._any_of(runs[0].alternatives)
            return (matched, self._none) if runs[0].accepts else (self._none, matched)
        middle = len(runs) // 2
        accepted, dropped = self._decided(runs[:middle])
        accepted_later, dropped_later = self._decided(runs[middle:])
        return accepted | (accepted_later - dropped), dropped | dropped_later

    def _any_of(self, alternatives: list[Matches]) -> Bounds:
        """Where one of ``alternatives`` holds; depth first, so that few sets are held at a time."""
        if len(alternatives) < 2:
            return self.matches.compile(alternatives[0]) if alternatives else self._none
        middle = len(alternatives) // 2
        return self._any_of(alternatives[:middle]) | self._any_of(alternatives[middle:])

    def _rule(self, ace: Ace) -> Summary:
        matched = self.matches.compile(ace.matches)
        none, rest = self._none, ~matched
        match ace.action:
            case Translate():
                return Summary(matched, none, rest)
            case Return():
                return Summary(none, matched, rest)
            case Continue() | SetMark() | ForgetMark() | NoTrack():
                return Summary(none, none, self._all)
            case Jump(target):
                inner = self.summary(target)
                goes_on = rest | (matched & (inner.returned | inner.passed))
                return Summary(matched & inner.accepted, none, goes_on)
            case Goto(target):
                inner = self.summary(target)
                return Summary(matched & inner.accepted, matched & (inner.returned | inner.passed), rest)
            case UnknownAction():
                maybe = matched & self._unsure
                return Summary(maybe, maybe, Bounds(self._all.may, rest.must))
            case _:
                raise AssertionError(f"not an action: {ace.action!r}")

    def translations(self, acl: str, packets: Bounds) -> list[TranslationPiece]:
        """Split ``packets`` by the translation that a NAT chain gives the first of a connection.

        The last piece holds the packets left as they are. A packet that the chain drops is in no
        piece.
        """
        pieces: list[TranslationPiece] = []
        left_alone: list[Bounds] = []
        rest = self._translate_chain(acl, packets, pieces, left_alone, frozenset())
        found = self.acls.get(acl)
        if found is None or found.default is not Forwarding.DROP:
            left_alone.append(rest)
        untouched = self._none
        for part in left_alone:
            untouched = untouched | part
        return [*pieces, TranslationPiece(untouched, None)]

    def _translate_chain(
        self,
        acl: str,
        reach: Bounds,
        pieces: list[TranslationPiece],
        left_alone: list[Bounds],
        above: frozenset[str],
    ) -> Bounds:
        """Walk a NAT chain in order; the result is what returns from it or runs past its end."""
        if acl in above or acl not in self.acls:
            left_alone.append(reach & self._unsure)
            return Bounds(reach.may, self._none.must)
        returned = self._none
        for ace in self.acls[acl].aces:
            matches = self.matches.compile(ace.matches)
            matched, rest = reach & matches, reach - matches
            match ace.action:
                case Translate():
                    pieces.append(TranslationPiece(matched, ace.action))
                case Forwarding.ACCEPT:
                    left_alone.append(matched)
                case Forwarding():
                    pass
                case Return():
                    returned = returned | matched
                case Jump(target):
                    inside = self._translate_chain(target, matched, pieces, left_alone, above | {acl})
                    rest = rest | inside
                case Goto(target):
                    inside = self._translate_chain(target, matched, pieces, left_alone, above | {acl})
                    returned = returned | inside
                case UnknownAction():
                    left_alone.append(matched & self._unsure)
                    rest = Bounds(reach.may, rest.must)
                case _:
                    rest = reach
            reach = rest
        return returned | reach


def _stretches(aces: Iterable[Ace]) -> Iterator[Stretch]:
    products = Products()
    for plain, rules in groupby(aces, key=lambda ace: isinstance(ace.action, Forwarding)):
        if plain:
            yield [
                Run(accepts, products.joined(ace.matches for ace in run))
                for accepts, run in groupby(rules, key=_accepts)
            ]
        else:
            yield from rules


def _accepts(ace: Ace) -> bool:
    """True for a rule that accepts, false for one that ends the packet."""
    return ace.action is Forwarding.ACCEPT


def _in_turn(summaries: list[Summary]) -> Summary:
    if len(summaries) == 1:
        return summaries[0]
    middle = len(summaries) // 2
    return _in_turn(summaries[:middle]).then(_in_turn(summaries[middle:]))
