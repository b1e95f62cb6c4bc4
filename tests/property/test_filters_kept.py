"""Filters found by content are what would have been compiled, whoever kept them."""

from __future__ import annotations

from builders.random_networks import networks
from hypothesis import given, settings
from hypothesis import strategies as st

from segaudit.model.flow import Family
from segaudit.model.snapshot import Snapshot
from segaudit.packets import Universe
from segaudit.reach.compiled import CompiledDevice
from segaudit.reach.filter_store import ChainDigests, FilterStore, KeptInMemory


@given(st.lists(networks(), min_size=1, max_size=3), st.sampled_from(Family), st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_kept_filter_is_the_compiled_one(drawn: list[Snapshot], family: Family, answers: bool) -> None:
    kept = KeptInMemory()
    for network in [*drawn, *drawn]:
        universe = Universe(family, 1 << 18)
        store = FilterStore(universe, network.devices.values(), ChainDigests(), kept)
        for device in network.devices.values():
            found = CompiledDevice(device, universe, answers, store)
            made = CompiledDevice(device, universe, answers)
            for acl in device.acls:
                assert found.whole(acl) == made.whole(acl)
