"""What is said of strength never says more than was computed, and names line and change."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import jsonschema
from builders import results

from segaudit.model.result import RunResult
from segaudit.model.verdict import (
    Change,
    Grade,
    Keystone,
    Margin,
    Outcome,
    PairVerdict,
    Pivot,
    Reconnection,
)
from segaudit.report.html import render_html
from segaudit.report.json_result import render_json, result_schema
from segaudit.report.redact import MASK
from segaudit.report.strength import (
    hostile_words,
    keystones,
    margin_words,
    pivot_words,
    source_figures,
    strength_rows,
)
from segaudit.report.terminal import explain

STONE = Keystone(
    "sub-fw",
    "ace",
    "forward: iifname eth1 drop",
    "delete this rule",
    results.span(results.SUB_NFT, 12),
    results.witness(),
)


def every_pair(of: RunResult, edit: Callable[[PairVerdict], PairVerdict]) -> RunResult:
    verdicts = tuple(
        replace(verdict, pairs=tuple(edit(pair) for pair in verdict.pairs)) for verdict in of.verdicts
    )
    return replace(of, verdicts=verdicts)


def strong(pair: PairVerdict) -> PairVerdict:
    return replace(
        pair,
        margin=Margin(1, (STONE,), tried=9),
        pivot=Pivot(1, (("shared-dns",),), unclaimed=True),
        hostile=Outcome.UNKNOWN,
        hostile_reason="for example tcp 1.2.3.4:1 -> 10.10.20.5:445",
    )


TOGETHER = Reconnection(
    (
        Change("par-fw", "default", "FORWARD: default drop", "accept", results.span(results.SUB_NFT, 3)),
        Change("sub-fw", "ace", "forward: iifname eth1 drop", "delete this rule"),
    ),
    results.witness(),
)


def opened_by_two(pair: PairVerdict) -> PairVerdict:
    return replace(pair, margin=Margin(2, reconnection=TOGETHER))


PAIR = results.isolated().verdicts[0].pairs[0]


def test_what_was_not_computed_is_called_so() -> None:
    assert margin_words(PAIR) == pivot_words(None) == hostile_words(PAIR) == "not computed"


def test_a_bound_is_never_shown_as_the_number() -> None:
    assert margin_words(replace(PAIR, margin=Margin(2))) == "2 or more"
    assert margin_words(replace(PAIR, margin=Margin(1, (), ("fw: not tried",)))) == "1 or more, not decided"
    assert margin_words(replace(PAIR, margin=Margin(1, (STONE,)))) == "1"
    assert margin_words(replace(PAIR, margin=Margin(2, reconnection=TOGETHER))) == "2"
    spent = Margin(1, (), ("fw: not tried",), reconnection=TOGETHER)
    assert margin_words(replace(PAIR, margin=spent)) == "1 to 2"


def test_an_open_pair_has_no_margin_whatever_is_computed() -> None:
    assert margin_words(replace(PAIR, outcome=Outcome.VIOLATED, margin=Margin(2))) == "none: not isolated"
    assert margin_words(replace(PAIR, outcome=Outcome.UNKNOWN)) == "none: not isolated"


def test_without_any_adjacency_the_margin_is_a_wire() -> None:
    assert "new adjacency" in margin_words(replace(PAIR, grade=Grade.G5, margin=Margin(2)))


def test_pivots_in_words() -> None:
    assert pivot_words(Pivot(0)) == "0: what the policy permits, or was not excluded, may arrive directly"
    assert pivot_words(Pivot(None)) == "no chain of zones"
    assert pivot_words(Pivot(None, unclaimed=True)) == "1: a link that no zone claims"
    assert pivot_words(Pivot(2, (("s", "t"), ("u", "t")))) == "2: s then t, u then t"


def test_explain_names_keystone_line_change_and_packet() -> None:
    text = explain(every_pair(results.isolated(), strong), "ISO-1/forward/ipv4")
    assert "sub-fw: forward: iifname eth1 drop  devices/sub-fw/nftables.txt:12" in text
    assert "delete this rule, and this packet arrives: tcp 10.20.2.10:40000 -> 10.10.20.5:445" in text
    assert text.count("forward: iifname eth1 drop") == 1, "one keystone of nine pairs is told once"
    assert "margin 1; pivot 1: shared-dns (or a link that no zone claims)" in text
    assert "0 of 9 pairs still proven" in text


def test_a_keystone_without_a_packet_claims_none() -> None:
    mute = replace(STONE, nearest_miss=None)
    made = every_pair(results.isolated(), lambda pair: replace(pair, margin=Margin(1, (mute,))))
    text = explain(made, "ISO-1/forward/ipv4")
    assert "delete this rule, and the isolation is no longer proven" in text
    assert "arrives" not in text[text.index("keystones") :]


def test_a_pair_open_to_forged_sources_only_says_what_closes_it() -> None:
    made = every_pair(results.violated(), lambda pair: replace(pair, spoofed_only=True))
    assert "only with a forged source" in explain(made, "ISO-1/forward/ipv4")
    assert "only with a forged source" in render_html(made)


def test_one_keystone_of_many_pairs_is_one_row() -> None:
    made = every_pair(results.isolated(), strong)
    (held,) = keystones(pair for verdict in made.verdicts for pair in verdict.pairs)
    assert len(held.pairs) == 36
    page = render_html(made)
    assert page.count("iifname eth1 drop") == 1


def test_the_narrowest_margin_comes_first() -> None:
    weak = results.isolated()
    verdict = weak.verdicts[-1]
    pairs = (*(replace(pair, margin=Margin(2)) for pair in verdict.pairs[:-1]), strong(verdict.pairs[-1]))
    rows = strength_rows(replace(weak, verdicts=(*weak.verdicts[:-1], replace(verdict, pairs=pairs))))
    assert rows[0].margin == "1"


def test_changes_that_open_only_together_are_told_with_their_lines_and_the_packet() -> None:
    made = every_pair(results.isolated(), opened_by_two)
    text = explain(made, "ISO-1/forward/ipv4")
    assert "2 changes open" in text and "perhaps fewer" not in text
    assert "par-fw: FORWARD: default drop: accept  devices/sub-fw/nftables.txt:3" in text
    assert "and this packet arrives: tcp 10.20.2.10:40000 -> 10.10.20.5:445" in text
    page = render_html(made)
    assert page.count("FORWARD: default drop") == 1, "one set of 36 pairs is one row"
    found = json.loads(render_json(made))["verdicts"][0]["pairs"][0]["margin"]
    assert (found["least"], found["most"], found["exact"]) == (2, 2, True)
    assert [one["device"] for one in found["reconnection"]["changes"]] == ["par-fw", "sub-fw"]


def test_where_fewer_changes_are_not_ruled_out_it_says_so() -> None:
    made = every_pair(
        results.isolated(), lambda pair: replace(pair, margin=Margin(1, (), ("?",), 0, TOGETHER))
    )
    assert "(perhaps fewer do)" in explain(made, "ISO-1/forward/ipv4")
    assert "or fewer" in render_html(made)


def test_own_and_any_sources_are_separate_figures() -> None:
    forged = replace(results.witness(), source_is_own=False)
    open_pair = replace(PAIR, outcome=Outcome.VIOLATED, witness=forged)
    assert PAIR.own_sources is Outcome.PROVEN
    assert open_pair.own_sources is Outcome.UNKNOWN, "a forged packet shows nothing about genuine ones"
    assert replace(open_pair, spoofed_only=True).own_sources is Outcome.PROVEN
    assert replace(open_pair, witness=results.witness()).own_sources is Outcome.VIOLATED
    assert source_figures([PAIR, open_pair, replace(open_pair, spoofed_only=True)]) == (
        "2 of 3 pairs",
        "1 of 3 pairs",
    )
    made = every_pair(results.violated(), lambda pair: replace(pair, spoofed_only=pair.witness is not None))
    assert "own addresses crosses in 9 of 9 pairs" in explain(made, "ISO-1/forward/ipv4")
    assert "forged ones too, in 7 of 9 pairs" in explain(made, "ISO-1/forward/ipv4")
    assert json.loads(render_json(made))["verdicts"][0]["pairs"][0]["own_sources"] == "PROVEN"


def test_json_holds_all_of_it_by_its_schema() -> None:
    made = every_pair(results.isolated(), strong)
    document = json.loads(render_json(made))
    jsonschema.Draft202012Validator(result_schema()).validate(document)
    verdict = document["verdicts"][0]
    assert verdict["hostile"] == "UNKNOWN"
    pair = verdict["pairs"][0]
    assert pair["margin"]["exact"] is True
    assert pair["margin"]["keystones"][0]["span"]["first_line"] == 12
    assert pair["margin"]["keystones"][0]["nearest_miss"]["flow"]["destination_port"] == 445
    assert pair["pivot"] == {"distance": 1, "through": [["shared-dns"]], "unclaimed": True}
    plain = json.loads(render_json(results.isolated()))["verdicts"][0]["pairs"][0]
    assert plain["margin"] is None and plain["pivot"] is None and plain["hostile"] is None


def test_a_secret_in_a_keystone_is_masked() -> None:
    secret = replace(STONE, text="forward: log prefix password hunter2", nearest_miss=None)
    change = Change("fw", "ace", "forward: log prefix password hunter2", "password hunter2")
    both = Margin(1, (secret,), reconnection=Reconnection((change, change)))
    made = every_pair(results.isolated(), lambda pair: replace(pair, margin=both))
    for shown in (explain(made, "ISO-1"), render_html(made), render_json(made)):
        assert "hunter2" not in shown
        assert MASK in shown


def test_what_was_not_looked_at_still_names_pivots_where_none_were_computed() -> None:
    words = "Ways over a third zone"
    assert words in render_html(results.isolated())
    assert words not in render_html(every_pair(results.isolated(), strong))
