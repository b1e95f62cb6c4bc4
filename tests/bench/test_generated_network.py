"""The generated network: the same for the same numbers, and as files the same as as objects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from bench.generate import Size, draw, to_folder, to_policy, to_snapshot

from segaudit.documents.snapshot_folder import read_snapshot
from segaudit.judge.prover import Prover, Reading
from segaudit.model.flow import Family
from segaudit.model.policy import Policy
from segaudit.model.snapshot import Snapshot
from segaudit.parse import parse_snapshot, vendors
from segaudit.policy import locate, read_policy

TINY = Size(sites=4, access=3, zones=2, cores=2, firewall_rules=30, access_rules=4, extra_routes=6)


def joined(policy: Policy, snapshot: Snapshot, connections: bool) -> dict[tuple[str, str], str]:
    """Every zone pair that is joined, with a packet that shows it."""
    prover = Prover(policy, snapshot, locate(policy, snapshot), (), 1 << 20)
    found = {}
    for source in sorted(policy.zones):
        reached = prover.reached(Family.IPV4, source, Reading.STRICT, with_connections=connections)
        for destination in sorted(policy.zones):
            arrived = prover.arrived(reached, destination, Reading.STRICT)
            if source != destination and not arrived.is_empty:
                found[source, destination] = str(arrived.sample())
    return found


def test_the_same_numbers_draw_the_same_network() -> None:
    assert to_snapshot(draw(TINY)) == to_snapshot(draw(TINY))
    assert to_snapshot(draw(TINY)) != to_snapshot(draw(replace(TINY, seed=2)))


def test_it_is_as_large_as_its_numbers_say() -> None:
    snapshot = to_snapshot(draw(TINY))
    assert len(snapshot.devices) == TINY.devices == 30
    assert sum(len(acl.aces) for d in snapshot.devices.values() for acl in d.acls.values()) == TINY.rules
    assert len(to_policy(draw(TINY)).zones) == TINY.all_zones == 8


@pytest.mark.parametrize("connections", [False, True])
def test_read_from_files_it_joins_the_same_zones(tmp_path: Path, connections: bool) -> None:
    drawing = draw(TINY)
    to_folder(drawing, tmp_path)
    read = parse_snapshot(read_snapshot(tmp_path / "snapshot"), vendors())
    policy = read_policy(tmp_path / "policy.yaml")
    expected = joined(to_policy(drawing), to_snapshot(drawing), connections)
    assert joined(policy, read, connections) == expected
    assert 0 < len(expected) < 8 * 7
