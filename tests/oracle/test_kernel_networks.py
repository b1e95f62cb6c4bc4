"""Oracle 2: the kernel judges whole networks: real packets end to end, against the fixpoint and the walk.

Here a small sample; ``make oracle`` sets ORACLE_NETWORKS and ORACLE_SEED.
"""

from __future__ import annotations

import os
import random

import pytest
from oracle.box_model import Packets
from oracle.net_compare import NetTally, compare_network, flows
from oracle.net_plan import network_plan
from oracle.net_run import running
from oracle.netns import missing

WHY_NOT = missing()
pytestmark = [pytest.mark.lab, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]

NETWORKS = int(os.environ.get("ORACLE_NETWORKS", "3"))
SEED = int(os.environ.get("ORACLE_SEED", "1"))
PACKETS = 500


def test_packets_of_random_networks_go_where_the_engine_says() -> None:
    total = NetTally()
    for seed in range(SEED, SEED + NETWORKS):
        total += one_network(seed)
        if seed % 10 == 9:
            print(f"seeds {SEED}-{seed}: {total}")  # noqa: T201
    print(total)  # noqa: T201
    assert total.crossed > 0 and total.filtered > 0, "nothing was tried at all"
    assert not total.mismatches, "\n".join(total.mismatches)


def one_network(seed: int) -> NetTally:
    plan = network_plan(seed, 3, 16 if seed % 10 == 0 else 8)
    with running(plan) as network:
        tally = compare_network(
            network, network.load(), flows(random.Random(seed), plan, PACKETS), Packets()
        )
    tally.mismatches = [f"seed {seed}: {one}" for one in tally.mismatches]
    for one in tally.mismatches:
        print(one)  # noqa: T201
    return tally


def test_the_same_seed_is_the_same_network() -> None:
    assert network_plan(5) == network_plan(5)
    assert network_plan(5) != network_plan(6)
