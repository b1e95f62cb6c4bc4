"""Whatever the result, no output says more than it does."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

from builders import results
from hypothesis import given, settings
from hypothesis import strategies as st

from segaudit.model.flow import Family
from segaudit.model.probe import PositiveControls, Reply
from segaudit.model.result import RunResult
from segaudit.model.verdict import Finding, Outcome, PairVerdict, Severity, worst
from segaudit.report.headline import Tone, headline
from segaudit.report.html import render_html
from segaudit.report.json_result import render_json
from segaudit.report.standing import Standing, pair_standings
from segaudit.report.terminal import headline_lines, verdict_lines

PROVEN = (Outcome.PROVEN, Outcome.PROVEN_IF)
CONTROLS = st.builds(PositiveControls, *[st.sampled_from([True, True, True, False, None])] * 4)


@st.composite
def some_result(draw: st.DrawFn) -> RunResult:
    """Two zones against one, every outcome, reply, control and matrix cell drawn."""
    of = results.policy(("a1", "a2"), ("b",))
    mostly = st.sampled_from([Outcome.PROVEN] * 6 + list(Outcome))

    def drawn(pair: PairVerdict) -> PairVerdict:
        return replace(pair, outcome=draw(mostly))

    verdicts = results.isolation_verdicts(of, drawn)
    made = results.result(of, verdicts)
    reply = st.sampled_from([Reply.SILENT] * 6 + list(Reply))
    seen = tuple(
        replace(each, reply=draw(reply), controls=draw(CONTROLS))
        for each in made.observations
        if draw(st.booleans())
    )
    kept = tuple(verdict for verdict in verdicts if draw(st.sampled_from([True] * 9 + [False])))
    if draw(st.booleans()):
        reach = st.sampled_from(["none", "none", "none", "allowed", "open", "unknown"])
        cells = tuple(replace(cell, reach=draw(reach)) for cell in made.matrix)
        made = replace(made, matrix=cells)
    return replace(made, verdicts=kept, observations=seen)


@given(some_result())
@settings(max_examples=300, deadline=None)
def test_isolated_means_that_everything_asserted_was_shown(made: RunResult) -> None:
    pairs = pair_standings(made)
    found = headline(made, pairs)
    assert found.label.startswith("ISOLATED") == (found.tone in (Tone.GOOD, Tone.CONDITIONAL))
    if found.label.startswith("ISOLATED"):
        assert len(made.verdicts) == 4, "both directions, both families"
        assert all(verdict.outcome in PROVEN for verdict in made.verdicts)
        assert all(pair.outcome in PROVEN for verdict in made.verdicts for pair in verdict.pairs)
        assert all(seen.reply is not Reply.DELIVERED for seen in made.observations)
        asserted = [cell for cell in made.matrix if cell.asserted]
        assert all(cell.reach != "open" for cell in asserted)
        conditional = any(verdict.outcome is Outcome.PROVEN_IF for verdict in made.verdicts)
        assert (found.tone is Tone.CONDITIONAL) == conditional
    if worst([v.outcome for v in made.verdicts]) is Outcome.VIOLATED:
        assert found.label == "NOT ISOLATED"


@given(some_result())
@settings(max_examples=200, deadline=None)
def test_probed_means_that_every_probe_of_the_pair_was_conclusive(made: RunResult) -> None:
    for pair in pair_standings(made):
        if pair.standing in (Standing.PROVEN_AND_PROBED, Standing.PROVEN_IF_AND_PROBED):
            assert pair.observations
            assert all(seen.controls.conclusive for seen in pair.observations)
            assert all(seen.reply in (Reply.SILENT, Reply.REJECTED) for seen in pair.observations)


@given(some_result())
@settings(max_examples=25, deadline=None)
def test_all_outputs_give_the_same_answer(made: RunResult) -> None:
    found = headline(made, pair_standings(made))
    assert json.loads(render_json(made))["headline"]["label"] == found.label
    assert headline_lines(made)[0].startswith(f"{found.label}: ")
    page = ElementTree.fromstring(render_html(made).removeprefix("<!DOCTYPE html>"))
    heading = next(page.iter("{http://www.w3.org/1999/xhtml}h1"))
    assert heading.text == found.label


@given(some_result())
@settings(max_examples=25, deadline=None)
def test_a_cell_is_green_only_where_both_families_are_proven(made: RunResult) -> None:
    page = ElementTree.fromstring(render_html(made).removeprefix("<!DOCTYPE html>"))
    outcomes = {
        (p.source_zone, p.destination_zone, p.family): p.outcome for v in made.verdicts for p in v.pairs
    }
    cells = [td for td in page.iter("{http://www.w3.org/1999/xhtml}td") if td.get("title")]
    for td in cells:
        css = set((td.get("class") or "").split())
        words = re.match(r"(\S+) to (\S+): ", td.get("title") or "")
        if words and css & {"probed", "proven", "proven-if"}:
            said = [outcomes.get((words[1], words[2], family)) for family in Family]
            assert all(outcome in PROVEN for outcome in said)


HARMLESS = re.compile("[^\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]*")


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_text_is_shown_as_text(text: str) -> None:
    made = results.isolated()
    finding = Finding("F", Severity.LOW, text, text, hint=text)
    first = replace(made.verdicts[0], title=text, source=text)
    changed = replace(made, findings=(finding,), verdicts=(first, *made.verdicts[1:]), authorised_by=text)
    page = render_html(changed)
    ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>"))
    assert HARMLESS.fullmatch(page)
    assert len(verdict_lines(changed)) == 5
    assert all("\n" not in line and HARMLESS.fullmatch(line) for line in verdict_lines(changed))
    assert json.loads(render_json(changed))["authorised_by"] == text
