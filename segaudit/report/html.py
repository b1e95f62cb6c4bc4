"""``report.html``: one file, no JavaScript, nothing loaded from anywhere."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from segaudit.model.result import RunResult
from segaudit.model.verdict import Verdict
from segaudit.report import holes, sections
from segaudit.report.crossings import boundaries, way_of
from segaudit.report.excerpts import citer
from segaudit.report.facts import donut, facts, total_lines
from segaudit.report.headline import headline
from segaudit.report.matrix import matrix, standing_mark
from segaudit.report.redact import redacted
from segaudit.report.regions import drawings
from segaudit.report.standing import (
    PairStanding,
    Standing,
    isolation_verdicts,
    ordered_verdicts,
    pair_standings,
    shown_grade,
)
from segaudit.report.strength import keystones, reconnections, source_figures, strength_rows
from segaudit.report.visible import visible
from segaudit.report.words import FLOW_MEANING, OUTCOME_MEANING


def render_html(result: RunResult) -> str:
    """The whole report as one HTML document, the same bytes for the same result.

    It is also well-formed XML (but for its doctype). Its content security policy allows nothing but
    its own style sheet, by digest, so that a hostile name in a config cannot load or run anything.
    """
    style = _style()
    trusted = Markup(style)  # noqa: S704 the style sheet is a file of this package
    page = _environment().get_template("report.html")
    return page.render(_content(redacted(result)), style=trusted, style_digest=_digest(style))


def _content(result: RunResult) -> dict[str, object]:
    pairs = pair_standings(result)
    cite = citer(result)
    asserted = [pair for verdict in isolation_verdicts(result) for pair in verdict.pairs]
    return {
        "result": result,
        "pairs": pairs,
        "headline": headline(result, pairs),
        "facts": facts(result, pairs),
        "donut": donut(pairs),
        "probed_pairs": sum(pair.standing is Standing.PROVEN_AND_PROBED for pair in pairs),
        "matrix": matrix(result, pairs),
        "boundaries": boundaries(result, pairs),
        "holes": holes.holes(pairs, cite),
        "unwitnessed": holes.open_without_witness(pairs),
        "gaps": holes.gaps(pairs),
        "findings": sections.sorted_findings(result),
        "contradictions": sections.contradictions(result),
        "exceptions": sections.exception_rows(result),
        "flows": sections.flow_rows(result),
        "owned": sections.owned_rows(result),
        "assumptions": sections.assumption_rows(result),
        "probe_rows": sections.probe_rows(result),
        "controls": sections.CONTROLS,
        "zones": sections.zone_rows(result),
        "devices": sections.device_rows(result),
        "lines": total_lines(result),
        "not_modelled": sections.lines_not_modelled(result),
        "not_tested": sections.not_tested(result, pairs),
        "verdicts": [
            (verdict, _probed(pairs, verdict), shown_grade(verdict)) for verdict in ordered_verdicts(result)
        ],
        "strength": strength_rows(result),
        "drawings": drawings(result),
        "keystones": keystones(asserted),
        "reconnections": reconnections(asserted),
        "source_figures": source_figures(asserted),
        "cite": cite,
    }


def _probed(pairs: Sequence[PairStanding], verdict: Verdict) -> int:
    """How many of a verdict's pairs are both proven and confirmed by probes."""
    confirmed = (Standing.PROVEN_AND_PROBED, Standing.PROVEN_IF_AND_PROBED)
    keys = {pair.key for pair in pairs if pair.standing in confirmed}
    return sum((pair.source_zone, pair.destination_zone, pair.family) in keys for pair in verdict.pairs)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("segaudit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.globals.update(
        pair_names=holes.pair_names,
        way_of=way_of,
        standing_mark=standing_mark,
        outcome_meaning=OUTCOME_MEANING,
        flow_meaning=FLOW_MEANING,
    )
    return environment


def _shown(value: object) -> object:
    """Every printed string passes here before it is escaped."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@lru_cache(maxsize=1)
def _style() -> str:
    loaded = PackageLoader("segaudit.report").get_source(_environment(), "style.css")
    return loaded[0]


def _digest(style: str) -> str:
    """The CSP source expression of an inline style (CSP level 3, section 8.4)."""
    return "sha256-" + b64encode(hashlib.sha256(style.encode()).digest()).decode()
