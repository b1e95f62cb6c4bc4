"""A judgement spread over workers is the judgement of one process, to the last word."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from builders.audited import small_case

from segaudit.errors import CapacityError
from segaudit.executors import Means, Workers, workers
from segaudit.judge import Judgement, judge
from segaudit.judge.shards import _groups
from segaudit.judge.share import source_zones
from segaudit.model.verdict import Outcome
from segaudit.reach.filter_store import KeptInMemory


def _judged(hands: Workers | None = None, kept: KeptInMemory | None = None, **more: Any) -> Judgement:
    case = small_case()
    return judge(case.policy, case.snapshot, case.zones, case.as_of, None, hands, kept, **more)


def _told(judgement: Judgement) -> tuple[object, ...]:
    return judgement.verdicts, judgement.matrix, judgement.findings


@pytest.fixture(scope="module")
def alone() -> Judgement:
    return _judged()


@dataclass
class Backwards:
    """Workers in this process that finish the last task first."""

    count: int

    def each(
        self,
        work: Callable[..., Any],
        tasks: Sequence[tuple[Any, ...]],
        done: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> list[Any]:
        return [work(*task) for task in reversed(tasks)][::-1]


def test_the_case_has_something_of_everything(alone: Judgement) -> None:
    outcomes = {pair.outcome for verdict in alone.verdicts for pair in verdict.pairs}
    assert outcomes >= {Outcome.PROVEN, Outcome.VIOLATED, Outcome.UNKNOWN}
    assert len({cell.reach for cell in alone.matrix}) >= 3


@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_the_result_does_not_depend_on_how_the_work_is_cut(alone: Judgement, count: int) -> None:
    assert _told(_judged(Backwards(count))) == _told(alone)


def test_processes_come_to_the_same_and_are_gone_afterwards(alone: Judgement) -> None:
    with workers(Means(jobs=2)) as hands:
        found = _told(_judged(hands))
    assert found == _told(alone)
    assert repr(found) == repr(_told(alone))
    assert not multiprocessing.active_children()


def test_filters_kept_by_one_way_of_working_serve_the_other(alone: Judgement) -> None:
    kept = KeptInMemory()
    assert _told(_judged(Backwards(2), kept)) == _told(alone)
    compiled = dict(kept)
    assert compiled
    assert _told(_judged(kept=kept)) == _told(alone)
    assert compiled.items() <= kept.items()
    again = dict(kept)
    assert _told(_judged(Backwards(3), kept)) == _told(alone)
    assert kept == again


def test_a_pair_that_no_worker_judged_is_an_error() -> None:
    class Forgetful(Backwards):
        def each(self, *args: Any) -> list[Any]:
            return [replace(one, pairs={}) if hasattr(one, "pairs") else one for one in super().each(*args)]

    with pytest.raises(KeyError):
        _judged(Forgetful(2))


def test_what_does_not_fit_for_a_worker_is_tried_again_with_more(alone: Judgement) -> None:
    assert _told(_judged(Backwards(2), capacities=(1 << 9, 1 << 22))) == _told(alone)


def test_where_nothing_fits_everything_is_unknown() -> None:
    for hands in (None, Backwards(2)):
        found = _judged(hands, capacities=(1 << 9, 1 << 10))
        assert {verdict.id for verdict in found.verdicts} == {
            verdict.id for verdict in _judged().verdicts if verdict.kind == "isolation"
        }
        outcomes = {pair.outcome for verdict in found.verdicts for pair in verdict.pairs}
        assert outcomes == {Outcome.UNKNOWN}
        assert found.matrix == ()
        assert any(finding.id == "CAPACITY" for finding in found.findings)


def test_every_zone_is_in_exactly_one_group() -> None:
    case = small_case()
    zones = source_zones(case.policy, case.zones)
    assert set(zones) >= {"a", "a2", "b", "b2", "shared"}
    for count in range(1, len(zones) + 3):
        groups = _groups(zones, count)
        assert tuple(zone for group in groups for zone in group) == zones
        assert all(groups)
        assert max(map(len, groups)) - min(map(len, groups)) <= 1


def test_a_capacity_error_of_a_worker_is_one_here() -> None:
    class Full(Backwards):
        def each(self, *_args: Any) -> list[Any]:
            raise CapacityError.because("packet sets", "the BDD node table is full")

    judgement = _judged(Full(2))
    assert {verdict.outcome for verdict in judgement.verdicts} == {Outcome.UNKNOWN}
