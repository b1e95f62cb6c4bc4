"""Address classes: what they join, how they are divided, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from segaudit.errors import RunError
from segaudit.model.acl import Range
from segaudit.model.flow import Family, Flow
from segaudit.packets import HeaderField, Universe
from segaudit.packets.classes import AddressClasses, Column, collapse
from segaudit.packets.ranges import masked_ranges, merged

TOP = (1 << 32) - 1


def column(**labels: int) -> Column:
    """``column(_0=1, _10=0)``: label 1 from address 0 on, 0 from address 10 on."""
    starts = [int(name[1:]) for name in labels]
    return np.array(starts, np.int64), np.array(list(labels.values()), np.int64)


# -- collapse ------------------------------------------------------------------------------------


def test_what_no_column_tells_apart_is_one_class() -> None:
    one, other = column(_0=0, _10=1, _20=0), column(_0=5, _30=6)
    starts = np.array([0, 10, 20, 30])
    assert collapse(starts, [one, other]).tolist() == [0, 1, 0, 2]


def test_colliding_hashes_never_join_what_differs() -> None:
    def useless(keys: NDArray[np.uint64], _: NDArray[np.int64]) -> NDArray[np.uint64]:
        return np.zeros_like(keys)

    columns = [column(_0=0, _10=1, _20=0), column(_0=5, _30=6), column(_0=1, _10=1, _20=2, _30=1)]
    starts = np.array([0, 10, 20, 30])
    assert collapse(starts, columns, useless).tolist() == collapse(starts, columns).tolist() == [0, 1, 2, 3]


@given(st.lists(st.lists(st.integers(0, 3), min_size=12, max_size=12), max_size=5), st.booleans())
def test_classes_are_the_distinct_rows(rows: list[list[int]], hashed: bool) -> None:
    starts = np.arange(12)
    columns = [(starts, np.array(labels)) for labels in rows]
    constant: Callable[[NDArray[np.uint64], NDArray[np.int64]], NDArray[np.uint64]] = lambda keys, _: keys  # noqa: E731
    found = collapse(starts, columns, None if hashed else constant).tolist()
    seen: dict[tuple[int, ...], int] = {}
    assert found == [seen.setdefault(row, len(seen)) for row in zip(*rows, strict=True)] or not rows


# -- codes ---------------------------------------------------------------------------------------


def check(classes: AddressClasses) -> None:
    """Every code is of one class, every address too, and no class has more addresses than codes."""
    whole = classes.codes([(0, TOP)])
    assert whole == [(0, (1 << classes.width) - 1)]
    assert classes.addresses(whole) == [(0, TOP)]
    runs = sorted(one.run for one in classes._classes)
    assert all(one[1] + 1 == other[0] for one, other in pairwise(runs))
    for one in classes._classes:
        held = sum(last - first + 1 for first, last in classes.addresses([one.run]))
        assert held == one.addresses <= one.codes
        assert classes.addresses([one.run])[0][0] == one.lowest


def test_a_table_costs_no_more_bits_than_it_has_actions() -> None:
    starts = np.arange(0, 1 << 16, 1) << 16
    classes = AddressClasses(32, [(starts, starts >> 16 & 3)])
    assert len(classes) == 4
    assert len(classes.codes([(0, TOP)])) == 1
    check(classes)


def test_what_is_asked_for_divides_and_only_once() -> None:
    classes = AddressClasses(32)
    first = classes.codes([(80, 90)])
    assert len(classes) == 2
    assert classes.codes([(80, 90)]) == first
    assert len(classes) == 2
    assert classes.addresses(first) == [(80, 90)]
    check(classes)


def test_a_class_can_be_divided_down_to_its_addresses() -> None:
    """The worst order: single addresses off one end, then out of the middle of a small class."""
    classes = AddressClasses(32)
    for address in [*range(300), *range(1000, 1064)]:
        classes.codes([(address, address)])
    classes.codes([(4000, 4007)])
    for address in range(4000, 4008):
        (code,) = classes.codes([(address, address)])
        assert classes.addresses([code]) == [(address, address)]
    check(classes)


@given(st.lists(st.lists(st.tuples(st.integers(0, TOP), st.integers(0, TOP)), max_size=3), max_size=12))
def test_codes_stay_what_they_were(asked: list[list[Range]]) -> None:
    classes = AddressClasses(32, [column(_0=0, _1000=1, _2000=0)], [5000, 1 << 32])
    wanted = [merged((min(pair), max(pair)) for pair in ranges) for ranges in asked]
    codes = [classes.codes(ranges) for ranges in wanted]
    assert [classes.addresses(one) for one in codes] == wanted
    assert [classes.codes(ranges) for ranges in wanted] == codes
    check(classes)


def test_half_a_class_has_no_addresses_of_its_own() -> None:
    with pytest.raises(RunError, match="no union of address classes"):
        AddressClasses(32).addresses([(0, 7)])


# -- universes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("family", Family)
def test_a_sample_is_the_one_of_raw_bits(family: Family) -> None:
    raw = Universe(family, 1 << 16)
    coded = Universe(family, 1 << 16, AddressClasses(family.bits, landmarks=[77]))
    flow = Flow(family, 6, 1 << family.bits - 1 | 5, 77, 40000, 443, 0, 0, 18, True)
    assert coded.flow(flow).sample() == flow
    for universe in (raw, coded):
        high = universe.ranges(HeaderField.SOURCE, [(9, 12), (1 << 20, 1 << 21)])
        low = universe.masked(HeaderField.DESTINATION, 3, (1 << family.bits) - 1 - 4)
        web = universe.value(HeaderField.DESTINATION_PORT, 80)
        assert high.sample([web, low]) == Flow(family, 0, 9, 3, 0, 80)


def test_a_scattered_mask_is_refused_and_not_rounded() -> None:
    coded = Universe(Family.IPV6, 1 << 16, AddressClasses(128))
    with pytest.raises(RunError, match="too scattered"):
        coded.masked(HeaderField.SOURCE, 1, 0xFFFF)
    few = coded.masked(HeaderField.SOURCE, 1, (1 << 128) - 1 - 0b110)
    assert few == coded.ranges(HeaderField.SOURCE, [(1, 1), (3, 3), (5, 5), (7, 7)])


def test_sets_of_other_fields_are_as_without_classes() -> None:
    raw, coded = Universe(Family.IPV4, 1 << 16), Universe(Family.IPV4, 1 << 16, AddressClasses(32))
    for universe in (raw, coded):
        assert universe.width(HeaderField.SOURCE) == 32
        assert universe.ranges(HeaderField.SOURCE, [(0, TOP)]) == universe.all
    ports = raw.ranges(HeaderField.SOURCE_PORT, [(1, 1000), (2000, 2001)])
    assert coded.adopt(ports) == coded.ranges(HeaderField.SOURCE_PORT, [(1, 1000), (2000, 2001)])


# -- ranges --------------------------------------------------------------------------------------


@given(st.integers(0, 255), st.integers(0, 255))
def test_a_mask_is_the_numbers_that_fit_it(value: int, mask: int) -> None:
    fitting = [number for number in range(256) if number & mask == value & mask]
    ranges = masked_ranges(value & mask, mask, 8)
    assert [number for first, last in ranges for number in range(first, last + 1)] == fitting
    assert ranges == merged(ranges)
