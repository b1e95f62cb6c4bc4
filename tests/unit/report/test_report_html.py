from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from builders import results

from segaudit.model.device import Device
from segaudit.model.flow import Family
from segaudit.model.probe import Reply
from segaudit.model.result import RunResult, ZoneLocation
from segaudit.model.snapshot import CollectionFailure
from segaudit.model.verdict import Barrier, Finding, Outcome, PairVerdict, Severity
from segaudit.report.html import render_html

XHTML = "{http://www.w3.org/1999/xhtml}"
EVERY = sorted(results.EVERY)


class Reading(HTMLParser):
    """Tags, attributes and text as a browser's HTML parser would find them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def tree(page: str) -> ElementTree.Element:
    return ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>"))


@pytest.mark.parametrize("name", EVERY)
def test_the_page_is_well_formed_and_the_same_each_time(name: str) -> None:
    page = render_html(results.EVERY[name]())
    assert page == render_html(results.EVERY[name]())
    root = tree(page)
    assert root.get("lang") == "en"
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    links = {a.get("href", "") for a in root.iter(f"{XHTML}a")}
    assert {link.removeprefix("#") for link in links} <= set(ids)


@pytest.mark.parametrize("name", EVERY)
def test_the_page_loads_and_runs_nothing(name: str) -> None:
    page = render_html(results.EVERY[name]())
    reading = Reading(page)
    assert not {"script", "iframe", "object", "embed", "link", "img", "base", "form"} & set(reading.tags)
    assert not [name for _, name, _ in reading.attributes if name.startswith("on") or name == "style"]
    refering = [value for _, name, value in reading.attributes if name in ("href", "src", "xlink:href")]
    assert all(value.startswith("#") for value in refering)
    assert "@import" not in page
    assert set(re.findall(r"url\(([^)]*)\)", page)) <= {"#hatch-if", "#hatch-unknown", "#hatch-open"}


def test_the_content_security_policy_allows_only_the_one_style_sheet() -> None:
    page = render_html(results.isolated())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert policy and style and page.count("<style") == 1
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    stated = policy[1].replace("&#39;", "'")
    assert stated == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert page.index("Content-Security-Policy") < page.index("<style>")


@pytest.mark.parametrize("name", EVERY)
def test_headings_are_in_order_and_tables_are_labelled(name: str) -> None:
    root = tree(render_html(results.EVERY[name]()))
    levels = [int(e.tag[-1]) for e in root.iter() if re.fullmatch(rf"{re.escape(XHTML)}h[1-6]", e.tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for table in root.iter(f"{XHTML}table"):
        assert table.find(f"{XHTML}caption") is not None
        assert all(th.get("scope") for th in table.iter(f"{XHTML}th"))
    for svg in root.iter(f"{XHTML}svg"):
        labelled = svg.get("aria-label") or svg.get("aria-labelledby")
        assert labelled or svg.get("overflow"), "only a nested drawing has no name of its own"


HOSTILE = "<script>alert(1)</script>\"'&\x1b]0;\u202e"


def hostile() -> RunResult:
    made = results.unknown()
    device = Device(HOSTILE, HOSTILE, {})
    failure = CollectionFailure(f"{HOSTILE}2", HOSTILE)
    finding = Finding(HOSTILE, Severity.HIGH, HOSTILE, HOSTILE, hint=HOSTILE)
    first = made.verdicts[0]
    barrier = Barrier(HOSTILE, "ace", HOSTILE, HOSTILE, results.span(HOSTILE, 1))
    pairs = tuple(replace(pair, barriers=(barrier,), reason=HOSTILE) for pair in first.pairs)
    return replace(
        made,
        snapshot=replace(
            made.snapshot,
            devices={**made.snapshot.devices, HOSTILE: device},
            failures=(failure,),
        ),
        findings=(finding,),
        verdicts=(replace(first, pairs=pairs, title=HOSTILE), *made.verdicts[1:]),
        locations=(ZoneLocation("sub-lan", HOSTILE, HOSTILE, (HOSTILE,)),),
        policy=replace(made.policy, name=HOSTILE),
        authorised_by=HOSTILE,
        excerpts=((HOSTILE, HOSTILE),),
    )


def test_hostile_names_are_text_and_nothing_else() -> None:
    page = render_html(hostile())
    reading = Reading(page)
    assert "script" not in reading.tags
    assert not {"\x1b", "\u202e"} & set(page)
    assert "<script>alert(1)</script>\"'&\\x1b]0;\\u202e" in reading.text
    tree(page)


def test_a_large_network_stays_small_and_says_what_it_left_out() -> None:
    page = render_html(results.large())
    assert len(page.encode()) < 5_000_000
    assert "more rows" in page
    assert "15 of 900 pairs are open" in Reading(page).text


def test_more_zones_than_fit_become_sides() -> None:
    page = render_html(results.large(per_side=31))
    assert len(page.encode()) < 5_000_000
    matrix = next(t for t in tree(page).iter(f"{XHTML}table") if "matrix" in (t.get("class") or ""))
    rows = [th.text for th in matrix.iter(f"{XHTML}th") if th.get("scope") == "row"]
    assert rows == ["subsidiary", "parent", "internet"]
    cells = [td.get("title") for td in matrix.iter(f"{XHTML}td") if td.get("title")]
    assert "subsidiary to parent: asserted, and open, v6 only" in cells


def cells_of(result: RunResult) -> dict[str, str]:
    matrix = next(
        t for t in tree(render_html(result)).iter(f"{XHTML}table") if "matrix" in (t.get("class") or "")
    )
    titled = [td for td in matrix.iter(f"{XHTML}td") if td.get("title")]
    return {(td.get("title") or "").split(":")[0]: td.get("class") or "" for td in titled}


def test_an_undecided_cell_is_never_drawn_as_proven() -> None:
    cells = cells_of(results.unknown())
    assert "unknown" in cells["sub-lan to par-core"].split()
    assert "probed" in cells["sub-lan to par-users"].split()
    no_verdict = replace(results.isolated(), verdicts=(), observations=())
    assert "unknown" in cells_of(no_verdict)["sub-lan to par-core"].split()


def test_an_empty_zone_is_not_drawn_as_a_pass() -> None:
    made = results.isolated()
    first = made.verdicts[0]
    pairs = tuple(replace(pair, outcome=Outcome.VACUOUS, grade=None) for pair in first.pairs)
    page = render_html(
        replace(made, verdicts=(replace(first, outcome=Outcome.VACUOUS, pairs=pairs), *made.verdicts[1:]))
    )
    assert "NOT DEMONSTRATED" in page
    assert '<span class="tag unknown">∅ VACUOUS</span>' in page


def test_a_violation_shows_its_packet_every_hop_and_the_marked_line() -> None:
    root = tree(render_html(results.violated()))
    article = next(root.iter(f"{XHTML}article"))
    text = re.sub(r"\s+", " ", "".join(article.itertext()))
    assert "tcp 10.20.2.10:40000 -> 10.10.20.5:445" in text
    witness = results.witness()
    assert len(next(article.iter(f"{XHTML}ol"))) == len(witness.trace.steps)
    assert "devices/sub-fw/nftables.txt:11" in text
    marked = [e for e in article.iter(f"{XHTML}span") if e.get("class") == "cited"]
    assert [e.find(f"{XHTML}i").text for e in marked] == ["▸ 3", "▸ 11", "▸ 6"]  # type: ignore[union-attr]
    assert "tcp dport 445 accept" in "".join(marked[1].itertext())
    assert "sub-ot → par-users (IPv4)" in text, "the same hole lets this pair through too"


def test_a_packet_that_may_only_perhaps_arrive_is_not_shown_as_an_open_way() -> None:
    made = results.unknown()
    first = made.verdicts[0]
    pairs = tuple(replace(pair, witness=results.witness()) for pair in first.pairs)
    key = next(p for p in pairs if p.outcome is Outcome.UNKNOWN)
    seen = results.observation(key.source_zone, key.destination_zone, key.family, Reply.DELIVERED)
    changed = replace(
        made, verdicts=(replace(first, pairs=pairs), *made.verdicts[1:]), observations=(seen,)
    )
    page = render_html(changed)
    assert "<article" not in page
    assert "Open pairs without a trace" in page
    assert "gets through: a probe arrived" in Reading(page).text


def test_undecided_pairs_are_folded_by_their_reason() -> None:
    text = Reading(render_html(results.unknown())).text
    board = text[text.index("Every way across") : text.index("Verdicts")]
    assert board.count("something that is not modelled could join the two") == 2, "once per direction"


def test_page_one_draws_the_worst_boundary_of_several() -> None:
    made, other = results.isolated(), results.violated()
    again = tuple(replace(verdict, assertion="ISO-2", title="second") for verdict in other.verdicts)
    text = Reading(render_html(replace(made, verdicts=(*made.verdicts, *again), matrix=()))).text
    board = text[text.index("Every way across") : text.index("Verdicts")]
    assert "gets through" in board
    assert "Drawn: ISO-2. In all ways across : ISO-1 (✓ blocked)" in board


def test_every_barrier_is_listed_with_its_line() -> None:
    text = Reading(render_html(results.isolated())).text
    for cited in (f"{results.SUB_NFT}:12", f"{results.PAR_IPT}:3", f"{results.PAR_IPT}:7"):
        assert cited in text
    assert "no route to 10.20.1.10" in text


def test_a_way_without_a_listed_barrier_is_named_as_such() -> None:
    made = results.isolated()
    verdicts = tuple(
        replace(v, pairs=tuple(replace(p, barriers=(), grade=None) for p in v.pairs)) for v in made.verdicts
    )
    assert "what blocks it was not listed" in Reading(render_html(replace(made, verdicts=verdicts))).text


def test_barriers_that_differ_only_in_the_address_are_folded() -> None:
    made = results.isolated()

    def blocked(pair: PairVerdict) -> PairVerdict:
        texts = [f"no route to 10.20.{host}.10" for host in range(5)]
        barriers = tuple(
            Barrier("par-core1", "no-route", text, "par-core1:eth2", results.span("a.txt", 7))
            for text in texts
        )
        return replace(pair, barriers=barriers)

    verdicts = tuple(replace(v, pairs=tuple(map(blocked, v.pairs))) for v in made.verdicts)
    text = Reading(render_html(replace(made, verdicts=verdicts))).text
    assert "no route to 10.20.0.10 and 4 alike" in text


def test_a_report_without_probes_says_that_nothing_was_measured() -> None:
    text = Reading(render_html(results.isolated(probed=False))).text
    assert "no probe was sent: nothing here was measured on the network" in text
    assert "No probe was sent." in text
    assert "proven and probed with all controls: 0 of 36 pairs" in text


def test_an_expired_exception_is_marked() -> None:
    made = replace(results.excepted(), as_of="2027-04-02")
    assert '<span class="tag bad">expired 2 days ago</span>' in render_html(made)


def test_a_family_that_is_open_alone_is_named_in_the_cell() -> None:
    cells = cells_of(results.large())
    assert "open" in cells["branch-03 to parent-00"].split()
    page = render_html(results.violated())
    assert "sub-ot to par-servers: asserted, and open, v4 only" in page
    assert Family.IPV6 in {pair.family for verdict in results.violated().verdicts for pair in verdict.pairs}
