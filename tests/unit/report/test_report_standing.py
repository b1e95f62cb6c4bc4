from __future__ import annotations

from dataclasses import replace

import pytest
from builders import results

from segaudit.model.flow import Family
from segaudit.model.probe import PositiveControls, Reply
from segaudit.model.result import RunResult
from segaudit.model.verdict import Assumption, Outcome, PairVerdict, Verdict
from segaudit.report.headline import Tone, headline
from segaudit.report.standing import Standing, pair_standings, shown_grade, unanswered

GREEN = (Tone.GOOD, Tone.CONDITIONAL)


def answer(result: RunResult) -> tuple[Tone, str]:
    found = headline(result, pair_standings(result))
    return found.tone, found.label


def with_outcome(result: RunResult, outcome: Outcome) -> RunResult:
    """One pair of the first verdict and that verdict get ``outcome``; the matrix stays silent."""
    first = result.verdicts[0]
    pairs = (replace(first.pairs[0], outcome=outcome, grade=None), *first.pairs[1:])
    verdict = replace(first, outcome=outcome, pairs=pairs)
    return replace(result, verdicts=(verdict, *result.verdicts[1:]), matrix=())


@pytest.mark.parametrize(
    ("name", "tone", "label"),
    [
        ("isolated", Tone.GOOD, "ISOLATED"),
        ("excepted", Tone.GOOD, "ISOLATED WITH 1 EXCEPTION"),
        ("violated", Tone.BAD, "NOT ISOLATED"),
        ("unknown", Tone.UNKNOWN, "NOT DEMONSTRATED"),
        ("conditional", Tone.CONDITIONAL, "ISOLATED IF 1 ASSUMPTION HOLDS"),
        ("contradicted", Tone.BAD, "NOT ISOLATED"),
        ("large", Tone.BAD, "NOT ISOLATED"),
    ],
)
def test_the_headline_says_what_the_result_says(name: str, tone: Tone, label: str) -> None:
    assert answer(results.EVERY[name]()) == (tone, label)


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.VACUOUS, Outcome.VIOLATED])
def test_one_pair_that_is_not_proven_is_never_green(outcome: Outcome) -> None:
    assert answer(with_outcome(results.isolated(), outcome))[0] not in GREEN


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.VACUOUS, Outcome.VIOLATED])
def test_a_verdict_worse_than_its_pairs_is_believed(outcome: Outcome) -> None:
    made = results.isolated()
    verdicts = (replace(made.verdicts[0], outcome=outcome), *made.verdicts[1:])
    assert answer(replace(made, verdicts=verdicts))[0] not in GREEN


def test_no_verdict_at_all_is_not_isolation() -> None:
    made = results.isolated()
    empty = replace(made, verdicts=(), matrix=(), observations=())
    assert answer(empty) == (Tone.UNKNOWN, "NOT DEMONSTRATED")


def test_a_direction_or_family_without_a_verdict_is_not_isolation() -> None:
    made = results.isolated()
    missing = replace(made, verdicts=made.verdicts[:-1])
    assert unanswered(missing) == ["ISO-1 ipv6"]
    assert answer(missing) == (Tone.UNKNOWN, "NOT DEMONSTRATED")


def test_an_asserted_pair_that_the_matrix_calls_open_is_not_isolation() -> None:
    made = results.isolated()
    matrix = tuple(replace(cell, reach="open") if cell.asserted else cell for cell in made.matrix)
    assert answer(replace(made, matrix=matrix))[0] is Tone.UNKNOWN


def test_the_worst_of_two_verdicts_on_a_pair_counts() -> None:
    made = results.isolated()
    first = made.verdicts[0]
    doubtful = replace(first.pairs[0], outcome=Outcome.UNKNOWN)
    again = replace(first, assertion="ISO-2", outcome=Outcome.UNKNOWN, pairs=(doubtful,))
    for verdicts in ((again, *made.verdicts), (*made.verdicts, again)):
        stands = {pair.key: pair.standing for pair in pair_standings(replace(made, verdicts=verdicts))}
        key = (doubtful.source_zone, doubtful.destination_zone, doubtful.family)
        assert stands[key] is Standing.UNKNOWN


def only_probe(result: RunResult, **changes: object) -> Standing:
    """The standing of the first probed pair when its probe is changed."""
    first = result.observations[0]
    changed = replace(first, **changes)  # type: ignore[arg-type]
    stands = {
        pair.key: pair.standing
        for pair in pair_standings(replace(result, observations=(changed, *result.observations[1:])))
    }
    probe = first.probe
    return stands[probe.source.zone, probe.destination.zone, probe.source.family]


def test_a_proven_pair_counts_as_probed_only_with_all_four_controls() -> None:
    made = results.isolated()
    assert only_probe(made) is Standing.PROVEN_AND_PROBED
    for failed in range(4):
        for state in (False, None):
            a, b, c, d = (state if at == failed else True for at in range(4))
            assert only_probe(made, controls=PositiveControls(a, b, c, d)) is Standing.PROVEN
    assert only_probe(made, reply=Reply.INCONCLUSIVE) is Standing.PROVEN


def test_a_probe_that_arrives_opens_a_proven_pair() -> None:
    assert only_probe(results.isolated(), reply=Reply.DELIVERED) is Standing.OPEN


def test_a_delivered_probe_is_excused_only_by_an_exception_in_force_for_its_service() -> None:
    made = results.excepted()
    key = ("sub-ot", "par-servers", Family.IPV4)

    def delivered(port: int, as_of: str) -> Standing:
        seen = results.observation(*key, Reply.DELIVERED, expected="delivered", port=port)
        stands = pair_standings(replace(made, observations=(seen,), as_of=as_of))
        return next(pair.standing for pair in stands if pair.key == key)

    assert delivered(22, "2027-03-31") is Standing.PROVEN_AND_PROBED
    assert delivered(22, "2027-04-01") is Standing.OPEN
    assert delivered(23, "2027-03-31") is Standing.OPEN


def test_an_excused_probe_that_the_model_blocks_still_breaks_the_proof() -> None:
    made = results.excepted()
    seen = results.observation("sub-ot", "par-servers", Family.IPV4, Reply.DELIVERED, port=22)
    changed = replace(made, observations=(seen,))
    assert answer(changed)[0] is Tone.UNKNOWN
    assert "got through where the model says blocked" in " ".join(
        headline(changed, pair_standings(changed)).remarks
    )


def test_a_probe_that_arrives_between_zones_without_a_verdict_is_not_overlooked() -> None:
    made = results.isolated()
    seen = results.observation("sub-lan", "par-annex", Family.IPV4, Reply.DELIVERED)
    assert answer(replace(made, observations=(*made.observations, seen)))[0] is Tone.BAD


def test_a_probe_of_an_allowed_flow_opens_nothing() -> None:
    made = results.excepted()
    seen = results.observation(
        "sub-lan", "shared-dns", Family.IPV4, Reply.DELIVERED, "delivered", "flow", port=53
    )
    assert answer(replace(made, observations=(*made.observations, seen)))[0] is Tone.GOOD


def test_an_expired_exception_and_a_broken_flow_are_remarked() -> None:
    made = results.excepted()
    verdicts = [replace(v, exceptions=(), expired=("EXC-1",)) for v in made.verdicts[:4]]
    verdicts += [replace(v, outcome=Outcome.VIOLATED) for v in made.verdicts[4:]]
    later = replace(made, verdicts=tuple(verdicts), as_of="2027-04-01")
    found = headline(later, pair_standings(later))
    assert found.label == "ISOLATED"
    assert found.remarks == (
        "Expired by 2027-04-01: EXC-1.",
        "Allowed flows not shown to work: FLOW-1/forward/ipv4, FLOW-1/forward/ipv6.",
    )


def test_a_conditional_headline_names_who_answers() -> None:
    made = results.conditional()
    assert headline(made, pair_standings(made)).remarks[0] == (
        "Assumed: ASM-1 (answered for by noc@parent.example)."
    )
    orphan = Assumption("LINE-1", "a line has no effect")
    first = made.verdicts[0]
    pairs = tuple(replace(pair, assumptions=(orphan,)) for pair in first.pairs)
    changed = replace(made, verdicts=(replace(first, pairs=pairs), *made.verdicts[1:]))
    assert "LINE-1 (answered for by nobody)" in headline(changed, pair_standings(changed)).remarks[0]


def test_what_is_not_decided_shows_no_grade() -> None:
    unknown = results.unknown().verdicts[0]
    assert any(pair.grade for pair in unknown.pairs)
    assert shown_grade(unknown) is None
    assert shown_grade(results.violated().verdicts[0]) is not None


def test_flow_verdicts_do_not_count_as_isolation() -> None:
    made = results.isolated()
    pair = PairVerdict("sub-lan", "shared-dns", Family.IPV4, Outcome.PROVEN)
    flow = Verdict(
        "F", "flow", "t", "forward", "sub-lan", "shared-dns", Family.IPV4, Outcome.PROVEN, "low", (pair,)
    )
    only_flow = replace(made, verdicts=(flow,), matrix=())
    assert answer(only_flow) == (Tone.UNKNOWN, "NOT DEMONSTRATED")
