"""Oracle 1: the kernel judges the model of one router, ruleset by ruleset and packet by packet.

Here a small sample. The campaign (``make oracle``) is this file with ORACLE_RULESETS, ORACLE_PACKETS and
ORACLE_SEED set. A mismatch is shrunk and written to ``found/``; what is there stays a test.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from oracle.box import Box, box
from oracle.campaign import campaign
from oracle.case import FOUND, Case, disagreements, found_cases, random_lines, to_json
from oracle.exchange import Exchange
from oracle.lines import Line
from oracle.netns import missing
from oracle.words import Sending

from segaudit.model.flow import Family, parse_address

WHY_NOT = missing()
pytestmark = [pytest.mark.lab, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]

RULESETS = int(os.environ.get("ORACLE_RULESETS", "12"))
PACKETS = int(os.environ.get("ORACLE_PACKETS", "600"))
SEED = int(os.environ.get("ORACLE_SEED", "1"))


def test_kernel_and_model_agree_on_random_rulesets() -> None:
    outcome = campaign(RULESETS, PACKETS, SEED, print)
    print(outcome)  # noqa: T201
    for seed, case, _ in outcome.cases:
        (FOUND / f"seed-{seed}-{case.what}.json").write_text(to_json(case))
    assert outcome.rulesets == RULESETS
    assert outcome.tally.arrived > 0 and outcome.tally.follow_ups_arrived > 0, "nothing came through at all"
    assert outcome.own.arrived > 0, "nothing was accepted by the router or sent by it"
    assert outcome.tally.arrived < outcome.tally.packets, "nothing was dropped at all"
    assert not outcome.cases, f"{len(outcome.cases)} mismatches, written to {FOUND.name}/"


@pytest.fixture(scope="module")
def router() -> Iterator[Box]:
    with box() as made:
        yield made


FOUND_CASES = found_cases()


@pytest.mark.parametrize("case", [case for _, case in FOUND_CASES], ids=[name for name, _ in FOUND_CASES])
def test_what_was_found_once_stays_right(router: Box, case: Case) -> None:
    legacy = any("legacy" in line.program for line in case.lines)  # its tables stay in the namespace
    with box() if legacy else nullcontext(router) as used:
        assert len(used.load(case.lines)) == len(case.lines), "the kernel refuses a line of the case"
        device = used.device()
        assert not device.unknown_translation
        assert any(not line.bounded for line in device.lines) is case.doubtful
        assert not disagreements(used, case), case.why


def test_the_same_seed_is_the_same_ruleset() -> None:
    assert random_lines(7) == random_lines(7)
    assert random_lines(7) != random_lines(9)


def test_a_wrong_model_would_be_noticed(router: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison itself: a drop that the kernel does not have, and one that the model does not."""
    source, destination = parse_address("10.1.0.9")[1], parse_address("10.1.1.9")[1]
    from segaudit.model.flow import Flow

    probe = Sending("eth0", Flow(Family.IPV4, 17, source, destination, 2000, 53))
    table = [
        Line("nft", "add table ip t"),
        Line("nft", "add chain ip t f { type filter hook forward priority 0 ; policy accept ; }"),
    ]
    drop = Line("nft", "add rule ip t f udp dport 53 drop")
    router.load([*table, drop])
    dropping = router.device()
    router.load(table)
    passing = router.device()
    lies = iter((dropping, passing))
    monkeypatch.setattr(Box, "device", lambda _: next(lies))
    assert disagreements(router, Case(tuple(table), Exchange(probe), "passed"))
    assert disagreements(router, Case((*table, drop), Exchange(probe), "lost"))
