"""Sets as bytes: the same sets in another universe, and nothing else read as sets."""

from __future__ import annotations

from random import Random

import pytest

from segaudit.errors import CapacityError
from segaudit.model.flow import Family
from segaudit.packets import HeaderField, HeaderSpace, Universe
from segaudit.packets.classes import AddressClasses
from segaudit.packets.stored import encoding, from_bytes, to_bytes

FIELDS = tuple(HeaderField)


def _random_set(universe: Universe, random: Random) -> HeaderSpace:
    """Some union and difference of cubes, over every field, device fields and ORIGIN included."""
    found = universe.none
    for _ in range(random.randrange(1, 12)):
        cube = universe.all
        for field in random.sample(FIELDS, random.randrange(4)):
            width = universe.width(field)
            cube &= universe.prefix(field, random.getrandbits(width), random.randrange(width + 1))
        found = found - cube if random.random() < 0.3 else found | cube
    return ~found if random.random() < 0.5 else found


@pytest.mark.parametrize("family", Family)
def test_sets_come_back_in_another_universe(family: Family) -> None:
    for seed in range(40):
        one, other = Universe(family, 1 << 16), Universe(family, 1 << 16)
        sets = [_random_set(one, Random(seed * 10 + number)) for number in range(3)]
        expected = [_random_set(other, Random(seed * 10 + number)) for number in range(3)]
        assert from_bytes(other, to_bytes(sets)) == expected
        assert from_bytes(one, to_bytes(sets)) == sets


def test_everything_and_nothing_come_back() -> None:
    universe = Universe(Family.IPV4, 1 << 16)
    assert from_bytes(universe, to_bytes([universe.all, universe.none])) == [universe.all, universe.none]


def test_the_same_sets_are_the_same_bytes() -> None:
    one, other = Universe(Family.IPV6, 1 << 16), Universe(Family.IPV6, 1 << 18)
    _random_set(other, Random(99))
    assert to_bytes([_random_set(one, Random(1))]) == to_bytes([_random_set(other, Random(1))])


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b"junk", lambda b: b[: len(b) // 2]])
def test_other_bytes_are_no_sets(damage: object) -> None:
    universe = Universe(Family.IPV4, 1 << 16)
    data = to_bytes([_random_set(universe, Random(5))])
    with pytest.raises(ValueError):
        from_bytes(universe, damage(data))  # type: ignore[operator]


def test_sets_that_do_not_fit_are_a_capacity_error() -> None:
    large, small = Universe(Family.IPV4, 1 << 18), Universe(Family.IPV4, 1 << 9)
    random = Random(7)
    points = (large.value(HeaderField.SOURCE, random.getrandbits(32)) for _ in range(500))
    with pytest.raises(CapacityError):
        from_bytes(small, to_bytes([large.union(points)]))


def test_encodings_differ_where_bytes_mean_something_else() -> None:
    plain = encoding(Universe(Family.IPV4, 1 << 12))
    assert plain is not None
    assert plain == encoding(Universe(Family.IPV4, 1 << 14))
    assert plain != encoding(Universe(Family.IPV6, 1 << 12))


def test_address_classes_mean_something_in_one_universe_only() -> None:
    assert encoding(Universe(Family.IPV4, 1 << 12, AddressClasses(32))) is None
