"""How strong each isolation is, in words: grade, margin with keystones, pivot, hostile side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from segaudit.model.result import RunResult
from segaudit.model.source import SourceSpan
from segaudit.model.verdict import (
    Change,
    Grade,
    Keystone,
    Outcome,
    PairVerdict,
    Pivot,
    Reconnection,
    Verdict,
)
from segaudit.report.crossings import way_of
from segaudit.report.standing import isolation_verdicts, shown_grade
from segaudit.report.trace_lines import GLYPHS, trace_lines
from segaudit.report.words import counted, shortened

NOT_COMPUTED = "not computed"
_PROVEN = (Outcome.PROVEN, Outcome.PROVEN_IF)
_MOST_PAIRS = 24
_MOST_KEYSTONES = 12
_MOST_CHAINS = 4


@dataclass(frozen=True, slots=True)
class HeldBy:
    """A keystone with the pairs that it alone holds; ``stone`` is that of the first of them."""

    stone: Keystone
    pairs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenedBy:
    """Changes that together reconnect each of ``pairs``; ``exact``: for none of them do fewer."""

    reconnection: Reconnection
    pairs: tuple[str, ...]
    exact: bool


@dataclass(frozen=True, slots=True)
class StrengthRow:
    """One asserted pair and what can be said of its strength."""

    verdict: str
    pair: str
    grade: Grade | None
    margin: str
    pivot: str
    hostile: str
    own_sources: Outcome
    any_source: Outcome


def strength_rows(result: RunResult) -> tuple[StrengthRow, ...]:
    """Every pair of every isolation, the narrowest margins first."""
    rows = [
        (_narrowness(pair), _row(verdict, pair))
        for verdict in isolation_verdicts(result)
        for pair in verdict.pairs
    ]
    return tuple(row for _, row in sorted(rows, key=lambda one: (one[0], one[1].verdict, one[1].pair)))


def _row(verdict: Verdict, pair: PairVerdict) -> StrengthRow:
    return StrengthRow(
        verdict.id,
        _name(pair),
        pair.grade if pair.outcome is not Outcome.UNKNOWN else None,
        margin_words(pair),
        pivot_words(pair.pivot),
        hostile_words(pair),
        pair.own_sources,
        pair.outcome,
    )


def _narrowness(pair: PairVerdict) -> tuple[bool, bool, int]:
    """Open pairs first, then what one change opens, then the rest."""
    margin = pair.margin
    return pair.outcome in _PROVEN, not margin, margin.least if margin else 0


def _name(pair: PairVerdict) -> str:
    return f"{pair.source_zone} -> {pair.destination_zone}"


def margin_words(pair: PairVerdict) -> str:
    """The margin with its bound; for a pair that is not isolated there is none to lose."""
    if pair.outcome not in _PROVEN:
        return "none: not isolated"
    if pair.margin is None:
        return NOT_COMPUTED
    if pair.grade is Grade.G5:
        return "needs a new adjacency: no rule, route or interface joins them"
    if pair.margin.undecided and pair.margin.most is None:
        return f"{pair.margin}, not decided"
    return str(pair.margin)


def pivot_words(pivot: Pivot | None) -> str:
    """How many third zones have to be owned, and which."""
    if pivot is None:
        return NOT_COMPUTED
    if pivot.distance == 0:
        return "0: what the policy permits, or was not excluded, may arrive directly"
    also = " (or a link that no zone claims)" if pivot.unclaimed else ""
    if pivot.distance is None:
        return "1: a link that no zone claims" if pivot.unclaimed else "no chain of zones"
    chains = [" then ".join(chain) for chain in pivot.through]
    return f"{pivot.distance}: {shortened(chains, _MOST_CHAINS)}{also}"


def hostile_words(pair: PairVerdict) -> str:
    """The outcome where the intruder owns every device of the source's side, and why."""
    if pair.hostile is None:
        return NOT_COMPUTED
    reason = f": {pair.hostile_reason}" if pair.hostile_reason else ""
    return f"{GLYPHS[pair.hostile]} {pair.hostile.value}{reason}"


def keystones(pairs: Iterable[PairVerdict]) -> tuple[HeldBy, ...]:
    """Every keystone once with the pairs that it holds; those that hold most pairs first."""
    stones: dict[tuple[str, str, str, SourceSpan | None], Keystone] = {}
    held: dict[tuple[str, str, str, SourceSpan | None], list[str]] = {}
    for pair in pairs:
        for stone in pair.margin.keystones if pair.margin else ():
            key = (stone.device, stone.text, stone.change, stone.span)
            if key not in stones or (stone.nearest_miss and not stones[key].nearest_miss):
                stones[key] = stone
            held.setdefault(key, []).append(f"{_name(pair)} (IPv{int(pair.family)})")
    found = [HeldBy(stones[key], tuple(dict.fromkeys(held[key]))) for key in stones]
    return tuple(sorted(found, key=lambda one: (-len(one.pairs), one.stone.device, one.stone.text)))


def reconnections(pairs: Iterable[PairVerdict]) -> tuple[OpenedBy, ...]:
    """Every set of changes that reconnects only as a whole, the smallest first, with its pairs."""
    held: dict[tuple[Change, ...], list[PairVerdict]] = {}
    for pair in pairs:
        if pair.margin and pair.margin.reconnection:
            held.setdefault(pair.margin.reconnection.changes, []).append(pair)
    found = [_opened_by(group) for group in held.values()]
    return tuple(sorted(found, key=lambda one: (len(one.reconnection.changes), -len(one.pairs), one.pairs)))


def _opened_by(pairs: Sequence[PairVerdict]) -> OpenedBy:
    margins = [pair.margin for pair in pairs if pair.margin]
    told = [margin.reconnection for margin in margins if margin.reconnection]
    first = next((one for one in told if one.nearest_miss), told[0])
    names = tuple(dict.fromkeys(f"{_name(pair)} (IPv{int(pair.family)})" for pair in pairs))
    return OpenedBy(first, names, all(margin.is_exact for margin in margins))


def source_figures(pairs: Sequence[PairVerdict]) -> tuple[str, str]:
    """How many pairs hold for what zones send with their own addresses, and how many for any source."""
    own = sum(pair.own_sources in _PROVEN for pair in pairs)
    whole = sum(pair.outcome in _PROVEN for pair in pairs)
    total = counted(len(pairs), "pair")
    return f"{own} of {total}", f"{whole} of {total}"


# -- for explain ---------------------------------------------------------------------------------


def strength_lines(verdict: Verdict) -> Iterator[str]:
    """What holds each pair of an isolation and what one change would open, as lines of text."""
    if verdict.kind != "isolation" or not verdict.pairs:
        return
    own, forged = source_figures(verdict.pairs)
    yield f"  sources: nothing sent with the zone's own addresses crosses in {own};"
    yield f"    nothing with any source, forged ones too, in {forged}"
    yield from _hostile(verdict)
    yield "  how strong, pair by pair (pivot: third zones that an intruder must own to get across):"
    ordered = sorted(verdict.pairs, key=lambda pair: (_narrowness(pair), _name(pair)))
    for pair in ordered[:_MOST_PAIRS]:
        yield from _pair(pair, graded=shown_grade(verdict) is not None)
    if len(ordered) > _MOST_PAIRS:
        yield f"    {counted(len(ordered) - _MOST_PAIRS, 'further pair')} in result.json"
    yield from _keystones(keystones(verdict.pairs))
    yield from _reconnections(reconnections(verdict.pairs))


def _hostile(verdict: Verdict) -> Iterator[str]:
    """The hostile side: how many pairs still hold, and per reason those that do not."""
    if verdict.hostile is None:
        return
    kept = [pair for pair in verdict.pairs if pair.hostile in _PROVEN]
    yield (
        f"  if the intruder owns {shortened(verdict.hostile_devices)}: {GLYPHS[verdict.hostile]} "
        f"{verdict.hostile.value}, {len(kept)} of {counted(len(verdict.pairs), 'pair')} still proven"
    )
    reasons: dict[str, list[str]] = {}
    for pair in verdict.pairs:
        if pair.hostile_reason:
            reasons.setdefault(pair.hostile_reason, []).append(_name(pair))
    for reason, names in sorted(reasons.items()):
        yield f"    then not {shortened(names, _MOST_CHAINS)}: {reason}"


def _pair(pair: PairVerdict, graded: bool) -> Iterator[str]:
    """One pair; without its grade where the verdict as a whole has none to show."""
    grade = f"{pair.grade.value}, " if pair.grade and graded else ""
    yield f"    {_name(pair)}: {grade}margin {margin_words(pair)}; pivot {pivot_words(pair.pivot)}"
    if pair.spoofed_only:
        yield "      only with a forged source: nothing sent with an address of the zone itself arrives, so"
        yield "      dropping forged sources where the zone is attached closes it"
    for text in pair.margin.undecided if pair.margin else ():
        yield f"      not decided: {text}"


def _keystones(found: Sequence[HeldBy]) -> Iterator[str]:
    if not found:
        return
    yield "  keystones: each of these alone keeps its pairs apart. Let another device block the same as"
    yield "  well, so that no single change opens them:"
    for number, one in enumerate(found[:_MOST_KEYSTONES]):
        yield from _keystone(one, in_full=number == 0)
    if len(found) > _MOST_KEYSTONES:
        yield f"    and {len(found) - _MOST_KEYSTONES} more in result.json"


def _keystone(one: HeldBy, in_full: bool) -> Iterator[str]:
    """A keystone and its nearest miss, hop by hop for the first and as one line for the others."""
    stone = one.stone
    cite = f"  {stone.span}" if stone.span else ""
    yield f"    {stone.device}: {stone.text}{cite}"
    yield f"      holds {shortened(one.pairs, _MOST_CHAINS)}"
    if stone.nearest_miss is None:
        yield f"      {stone.change}, and the isolation is no longer proven"
        return
    lines = trace_lines(stone.nearest_miss)
    yield f"      {stone.change}, and this packet arrives: {lines[0]}"
    if in_full:
        yield from (f"      {line}" for line in lines[1:])
    else:
        yield f"        by {way_of(stone.nearest_miss.trace)}"


def _reconnections(found: Sequence[OpenedBy]) -> Iterator[str]:
    if not found:
        return
    yield "  no single change opens these, several together do; each of the lines holds only while the"
    yield "  others stand:"
    for number, one in enumerate(found[:_MOST_KEYSTONES]):
        yield from _reconnection(one, in_full=number == 0)
    if len(found) > _MOST_KEYSTONES:
        yield f"    and {len(found) - _MOST_KEYSTONES} more in result.json"


def _reconnection(one: OpenedBy, in_full: bool) -> Iterator[str]:
    """A set of changes with its nearest miss, hop by hop for the first and as one line for the others."""
    changes = one.reconnection.changes
    bound = "" if one.exact else " (perhaps fewer do)"
    yield f"    {len(changes)} changes open {shortened(one.pairs, _MOST_CHAINS)}{bound}:"
    for change in changes:
        cite = f"  {change.span}" if change.span else ""
        yield f"      {change.device}: {change.text}: {change.change}{cite}"
    story = one.reconnection.nearest_miss
    if story is None:
        yield "      and the isolation is no longer proven"
        return
    lines = trace_lines(story)
    yield f"      and this packet arrives: {lines[0]}"
    yield from (
        (f"      {line}" for line in lines[1:]) if in_full else (f"        by {way_of(story.trace)}",)
    )
