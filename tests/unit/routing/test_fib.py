from __future__ import annotations

from dataclasses import replace

from builders.networks import device, interface, route

from segaudit.model.acl import UnknownMatch
from segaudit.model.device import RoutingRule
from segaudit.model.flow import Family
from segaudit.routing import forwarding_tables


def test_longest_prefix_first_and_lowest_metric_wins() -> None:
    routes = (
        replace(route("10.0.0.0/8", "eth1", "10.9.0.2"), preference=20),
        replace(route("10.0.0.0/8", "eth1", "10.9.0.3"), preference=10),
        route("10.1.0.0/16", "eth1", "10.9.0.4"),
    )
    box = device("r", interface("eth1", "10.9.0.1/24"), routes=routes)
    main = next(one for one in forwarding_tables(box, Family.IPV4).lookups if one.rule.table == "main")
    wanted = [
        (one.prefix_length, one.preference)
        for one in main.routes
        if str(one).startswith("10.0") or one.prefix_length == 16
    ]
    assert wanted == [(16, 0), (8, 10)]


def test_equal_routes_are_used_together() -> None:
    routes = (route("10.1.0.0/16", "eth1", "10.9.0.2"), route("10.1.0.0/16", "eth1", "10.9.0.3"))
    box = device("r", interface("eth1", "10.9.0.1/24"), routes=routes)
    main = next(one for one in forwarding_tables(box, Family.IPV4).lookups if one.rule.table == "main")
    (merged,) = [one for one in main.routes if one.prefix_length == 16]
    assert len(merged.next_hops) == 2


def test_without_rules_the_built_in_ones_hold() -> None:
    fib = forwarding_tables(device("r", interface("eth1", "10.9.0.1/24")), Family.IPV4)
    assert [one.rule.table for one in fib.lookups] == ["local", "main", "default"]
    assert fib.plain


def test_a_rule_that_matches_something_makes_the_table_depend_on_more_than_the_destination() -> None:
    rule = RoutingRule(Family.IPV4, 100, UnknownMatch("fwmark 1"), "7")
    box = device("r", interface("eth1", "10.9.0.1/24"), rules=(rule,))
    fib = forwarding_tables(box, Family.IPV4)
    assert not fib.plain
    assert [one.rule.table for one in fib.lookups] == ["7"]
