"""A filter that does not fit: tried with more room, then counted as not modelled, and named."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from builders.audited import small_case

from segaudit.errors import FilterCapacityError
from segaudit.judge import Judgement, judge
from segaudit.judge.share import Case
from segaudit.judge.unfit import without_filter
from segaudit.model.acl import (
    Ace,
    Acl,
    AclAttachment,
    AddressMasked,
    AllOf,
    End,
    Field,
    FieldIn,
    Forwarding,
    Hook,
)
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.model.verdict import Outcome, PairVerdict

ENOUGH_FOR_THE_OTHERS = 1 << 18
"""Four times what they need, a quarter of what forty overlapping rules need."""
SPAN = SourceSpan("devices/left/nftables.txt", 3, 900)


def _overlapping(rules: int, seed: int = 1) -> Acl:
    """Rules that overlap in scattered bits of every field: no diagram of them is small."""
    random = Random(seed)

    def rule() -> AllOf:
        masks = [random.getrandbits(32) & random.getrandbits(32) for _ in range(2)]
        ports = sorted(random.getrandbits(16) for _ in range(2))
        return AllOf(
            (
                AddressMasked(End.SOURCE, Family.IPV4, random.getrandbits(32) & masks[0], masks[0]),
                AddressMasked(End.DESTINATION, Family.IPV4, random.getrandbits(32) & masks[1], masks[1]),
                FieldIn(Field.DESTINATION_PORT, ((ports[0], ports[1]),)),
            )
        )

    aces = tuple(Ace(rule(), random.choice([Forwarding.ACCEPT, Forwarding.DROP])) for _ in range(rules))
    return Acl("huge", aces, Forwarding.DROP, SPAN)


def _case(rules: int = 60, translates: bool = False) -> Case:
    """The small case with a huge filter on ``left`` before everything that is forwarded."""
    case = small_case()
    left = case.snapshot.devices["left"]
    hook = Hook.PREROUTING if translates else Hook.FORWARD
    huge = replace(
        left,
        acls={**left.acls, "huge": _overlapping(rules)},
        attachments=(*left.attachments, AclAttachment("huge", hook, -5, frozenset(Family), translates)),
    )
    return replace(case, snapshot=replace(case.snapshot, devices={**case.snapshot.devices, "left": huge}))


def _judged(case: Case, *capacities: int) -> Judgement:
    return judge(case.policy, case.snapshot, case.zones, case.as_of, capacities=capacities)


def _pairs(judgement: Judgement) -> dict[tuple[str, str, str], PairVerdict]:
    return {
        (verdict.id, pair.source_zone, pair.destination_zone): pair
        for verdict in judgement.verdicts
        for pair in verdict.pairs
    }


@pytest.fixture(scope="module")
def small() -> Judgement:
    """The case with too little room for the huge filter."""
    return _judged(_case(), 1 << 14, ENOUGH_FOR_THE_OTHERS)


def test_the_filter_is_named_with_its_lines(small: Judgement) -> None:
    (finding,) = [one for one in small.findings if one.id.startswith("CAPACITY")]
    assert finding.id == "CAPACITY-left-huge"
    assert "devices/left/nftables.txt:3" in finding.detail


def test_pairs_that_need_the_filter_are_unknown_and_say_so(small: Judgement) -> None:
    pair = _pairs(small)["ISO-1/forward/ipv4", "a", "b"]
    assert pair.outcome is Outcome.UNKNOWN
    assert "huge of left" in pair.reason
    assert any("devices/left/nftables.txt:3" in line for line in pair.depends_on)


def test_pairs_that_do_not_touch_the_filter_keep_their_verdicts(small: Judgement) -> None:
    case = small_case()
    unknown = without_filter(_case().snapshot, FilterCapacityError("left", "huge"))
    expected = _pairs(_judged(replace(case, snapshot=unknown), 1 << 22))
    found = _pairs(small)
    assert {key: pair.outcome for key, pair in found.items()} == {
        key: pair.outcome for key, pair in expected.items()
    }
    assert found["ISO-2/forward/ipv4", "shared", "b2"].outcome is Outcome.PROVEN


def test_no_pair_is_better_for_it() -> None:
    """What is proven although the filter counts as open is proven with it as well."""
    little, enough = (_pairs(_judged(_case(40), room)) for room in (ENOUGH_FOR_THE_OTHERS, 1 << 22))
    proven = {key for key, pair in little.items() if pair.outcome is Outcome.PROVEN}
    better = {key for key, pair in enough.items() if pair.outcome is Outcome.PROVEN}
    assert any("ipv4" in key[0] for key in proven)
    assert proven < better


def test_with_enough_room_nothing_is_set_aside() -> None:
    judgement = _judged(_case(40), ENOUGH_FOR_THE_OTHERS, 1 << 22)
    assert not [one for one in judgement.findings if one.id.startswith("CAPACITY")]


def test_a_filter_that_fits_alone_is_named_where_what_follows_does_not_fit() -> None:
    judgement = _judged(_case(), 1 << 19)
    findings = [one.id for one in judgement.findings if one.id.startswith("CAPACITY")]
    assert findings == ["CAPACITY-left-huge"]


def test_a_translation_that_does_not_fit_may_be_any_translation() -> None:
    snapshot = without_filter(_case(translates=True).snapshot, FilterCapacityError("left", "huge"))
    assert snapshot.devices["left"].unknown_translation
    assert not small_case().snapshot.devices["left"].unknown_translation
