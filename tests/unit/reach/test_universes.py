"""Which encoding a network gets."""

from __future__ import annotations

from dataclasses import replace

from builders.networks import acl, device, interface

from segaudit.model.acl import AddressMasked, End, Forwarding
from segaudit.model.device import Device, NextHop, Route
from segaudit.model.flow import Family
from segaudit.reach.universes import LARGE_TABLE, WORTHWHILE, classes_pay, universe_of


def routers(routes_each: int, count: int) -> list[Device]:
    hop = (NextHop("eth1", 0x0A000002),)
    routes = tuple(Route(Family.IPV4, number << 8, 24, hop) for number in range(routes_each))
    return [
        replace(device(f"r{number}", interface("eth1", "10.0.0.1/24")), routes=routes)
        for number in range(count)
    ]


def test_large_tables_get_classes() -> None:
    network = routers(WORTHWHILE // 4, 4)
    universe = universe_of(network, Family.IPV4, 1 << 16)
    assert universe.classes is not None and len(universe.classes) < 10
    assert universe_of(network, Family.IPV6, 1 << 16).classes is None


def test_small_tables_keep_their_bits_however_many_there_are() -> None:
    count = WORTHWHILE // (LARGE_TABLE - 1) + 1
    assert not classes_pay(routers(LARGE_TABLE - 1, count), Family.IPV4)
    assert classes_pay(routers(LARGE_TABLE, count), Family.IPV4)


def test_a_filter_that_reads_host_bits_keeps_raw_bits() -> None:
    leaf = AddressMasked(End.SOURCE, Family.IPV4, 1, 255)
    box = device("odd", acls=(acl("forward", (leaf, Forwarding.DROP)),))
    assert not classes_pay([*routers(WORTHWHILE, 1), box], Family.IPV4)
