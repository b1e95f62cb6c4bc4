"""Transfer functions written by hand: what a rule means, in the engine and in both second opinions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench.stanford import VLAN, Backbone, leaving, network, reachable_pairs, reached, read_backbone
from bench.stanford_second import Destinations, Walk, entry_vlans

from segaudit.model.flow import Family, Flow, parse_address
from segaudit.model.topology import TerminationPoint
from segaudit.packets import HeaderField, Universe
from segaudit.reach.fixpoint import Reached
from segaudit.reach.ways import EVERY_FIELD

NAMES = {"a": {"p1": 100001, "p2": 100002, "p3": 100003}, "b": {"q1": 200001, "q2": 200002}}
A1, A2, A3, B1, B2 = (TerminationPoint(router, port) for router in NAMES for port in NAMES[router])


def rule(enters: int, leaves: list[int], *, sets: int | None = None, **matches: str) -> str:
    """A rule as the files write one; ``matches`` are bits from the left."""
    widths = {"flags": 8, "dport": 16, "sport": 16, "protocol": 8, "dst": 32, "src": 32, "vlan": 16}
    header = _bytes("".join(matches.get(name, "").ljust(width, "x") for name, width in widths.items()))
    mask, rewrite = ("None", "None")
    if sets is not None:
        mask, rewrite = _bytes("1" * 112 + "0" * 16), _bytes("0" * 112 + f"{sets:016b}")
    action = "fwd" if sets is None else "rw"
    return f"{action}$[{enters}]${header}${mask}${rewrite}$None$None${leaves}$#$#$$$some_rule$"


def _bytes(bits: str) -> str:
    return ",".join(bits[first : first + 8] for first in range(0, 128, 8))


def prefix(text: str) -> str:
    """The bits of an address, as far as its length goes."""
    address, _, length = text.partition("/")
    return f"{parse_address(address)[1]:032b}"[: int(length)]


FILES = {
    "a": [
        rule(100001, [], protocol=f"{6:08b}", dport=f"{23:016b}", vlan=f"{5:016b}"),
        rule(100001, [100000], vlan=f"{5:016b}"),
        rule(100003, [100000], sets=5, vlan=f"{0:016b}"),
        rule(100000, [110002], sets=7, dst=prefix("10.1.0.0/16")),
        rule(100000, [110001, 110002], sets=8),
        rule(110001, [120001]),
        rule(110002, [120002], vlan=f"{7:016b}"),
    ],
    "b": [
        rule(200001, [200000], vlan=f"{7:016b}"),
        rule(200000, [], dst=prefix("10.1.2.0/24")),
        rule(200000, [210002], sets=3, dst=prefix("10.0.0.0/8")),
        rule(210002, [220002], sets=0),
    ],
    "topology": ["link$[120002]$None$None$None$None$None$[200001]$#$#$$$_1$"],
}


@pytest.fixture
def backbone(tmp_path: Path) -> Backbone:
    (tmp_path / "port_map.json").write_text(json.dumps(NAMES))
    for name, rules in FILES.items():
        (tmp_path / f"{name}.tf").write_text("\n".join([f"32${name}$0$0$0$", "#", *rules, ""]))
    return read_backbone(tmp_path)


@pytest.fixture
def whole(backbone: Backbone) -> Reached:
    return reached(network(backbone, Universe(Family.IPV4, 1 << 16)), backbone.ports)


def test_every_pair_that_the_rules_join(backbone: Backbone, whole: Reached) -> None:
    """The default goes to p1 and p2, but never back, and only VLAN 7 out of p2."""
    found = {A1: {A2, B2}, A2: set(), A3: {A1, A2, B2}, B1: {B2}, B2: set()}
    assert reachable_pairs(whole, backbone.ports) == found


def test_the_first_rule_that_matches_decides(backbone: Backbone, whole: Reached) -> None:
    universe = whole.universe
    telnet = universe.value(HeaderField.PROTOCOL, 6) & universe.value(HeaderField.DESTINATION_PORT, 23)
    inside = (
        universe.prefix(HeaderField.DESTINATION, parse_address("10.1.0.0")[1], 16)
        - universe.prefix(HeaderField.DESTINATION, parse_address("10.1.2.0")[1], 24)
    )  # fmt: skip
    arrived = leaving(whole, B2)
    assert arrived.is_subset(universe.value(VLAN, 0))
    from_a1 = (arrived & universe.origin(backbone.ports.index(A1))).without(HeaderField.ORIGIN, VLAN)
    assert from_a1 == inside - telnet
    from_a3 = (arrived & universe.origin(backbone.ports.index(A3))).without(HeaderField.ORIGIN, VLAN)
    assert from_a3 == inside
    assert arrived.without(*EVERY_FIELD) == universe.union(
        universe.origin(backbone.ports.index(entry)) for entry in (A1, A3, B1)
    )


def test_second_opinions_say_the_same(backbone: Backbone, whole: Reached) -> None:
    destinations, pairs = Destinations(backbone), reachable_pairs(whole, backbone.ports)
    assert {entry: destinations.leaves_by(entry) for entry in backbone.ports} == pairs
    for way_out, entry in ((A2, A1), (B2, A1), (A1, A3), (B2, B1)):
        flow = (leaving(whole, way_out) & whole.universe.origin(backbone.ports.index(entry))).sample()
        assert flow is not None
        walk = Walk(backbone, flow)
        assert any(way_out in walk.leaves_by(entry, vlan) for vlan in entry_vlans(backbone, entry))


def test_a_walk_stops_where_a_rule_drops(backbone: Backbone) -> None:
    source, destination = parse_address("10.9.0.1")[1], parse_address("10.1.3.4")[1]
    telnet = Walk(backbone, Flow(Family.IPV4, 6, source, destination, 999, 23))
    web = Walk(backbone, Flow(Family.IPV4, 6, source, destination, 999, 80))
    assert telnet.leaves_by(A1, 5) == set()
    assert web.leaves_by(A1, 5) == {A2, B2}
    assert web.leaves_by(A1, 6) == set()


def test_classes_are_what_the_tables_tell_apart(backbone: Backbone) -> None:
    """10.1.2.0/24, the rest of 10.1.0.0/16, of 10.0.0.0/8, and of all."""
    assert Destinations(backbone).classes(lambda rule: (rule.leaves, rule.vlan)) == 4
