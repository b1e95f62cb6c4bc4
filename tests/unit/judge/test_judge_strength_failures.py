"""Grade G3 on small networks, and against networks in which something really failed."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from itertools import combinations_with_replacement

import pytest
from builders.networks import acl, attach, device, host, interface, link, route, snapshot

from segaudit.judge import judge
from segaudit.model.acl import Forwarding, Hook
from segaudit.model.device import Device, Route
from segaudit.model.flow import Family
from segaudit.model.snapshot import Snapshot
from segaudit.model.source import AccountedLine, LineTally, SourceSpan
from segaudit.model.topology import Link
from segaudit.model.verdict import Grade, Outcome, PairVerdict
from segaudit.policy import locate, parse_policy
from segaudit.reach.failures import is_maintained

POLICY = b"""
version: 1
name: small
zones:
  a: {side: left, owner: o@x.example, members: [{prefix: 10.1.0.0/24}]}
  b: {side: right, owner: o@x.example, members: [{prefix: 10.2.0.0/24}]}
isolation:
  - {id: ISO-1, title: a and b, between: left, and: right, direction: forward, families: [ipv4],
     severity: high}
"""
HOST_A = host("ha", "10.1.0.10/24", gateway="10.1.0.1")
HOST_B = host("hb", "10.2.0.10/24", gateway="10.2.0.1")
CLOSED = (acl("input"), acl("forward"))
SHUT = (attach("input", Hook.INPUT), attach("forward", Hook.FORWARD))


def pair(network: Snapshot) -> PairVerdict:
    policy = parse_policy(POLICY, "policy.yaml")
    verdicts = judge(policy, network, locate(policy, network), date(2026, 11, 24)).verdicts
    return verdicts[0].pairs[0]


def grade(network: Snapshot) -> Grade | None:
    found = pair(network)
    assert found.outcome is Outcome.PROVEN
    return found.grade


def line_of_routers(*routes: Route, **more: object) -> Snapshot:
    """ha - left - right - hb; ``left`` has ``routes``, ``right`` would deliver."""
    left = device("left", interface("eth1", "10.1.0.1/24"), interface("eth2", "10.9.0.1/24"),
                  routes=routes, **more)  # type: ignore[arg-type]  # fmt: skip
    right = device("right", interface("eth1", "10.9.0.2/24"), interface("eth2", "10.2.0.1/24"))
    wires = [link("ha:eth1", "left:eth1"), link("left:eth2", "right:eth1"), link("right:eth2", "hb:eth1")]
    return snapshot([HOST_A, HOST_B, left, right], wires)


def test_a_plain_table_without_a_route_gets_none_by_a_failure() -> None:
    assert grade(line_of_routers()) is Grade.G3


def test_a_route_of_a_daemon_means_that_others_may_come() -> None:
    learned = replace(route("10.77.0.0/16", "eth2", "10.9.0.2"), protocol="ospf")
    assert grade(line_of_routers(learned)) is Grade.G2


def test_a_platform_whose_table_hides_backup_routes_gets_no_g3() -> None:
    assert grade(line_of_routers(platform="other")) is Grade.G2


def test_a_blackhole_that_vanishes_uncovers_the_default_route() -> None:
    default = route("0.0.0.0/0", "eth2", "10.9.0.2")
    assert grade(line_of_routers(route("10.2.0.0/24", kind="blackhole"), default)) is Grade.G2


def test_a_backup_route_of_a_worse_metric_counts() -> None:
    unused = route("10.2.0.0/24", "eth1", "10.1.0.10")
    backup = replace(route("10.2.0.0/24", "eth2", "10.9.0.2"), preference=100)
    assert grade(line_of_routers(unused)) is Grade.G3
    assert grade(line_of_routers(unused, backup)) is Grade.G2


def test_an_address_that_moves_to_a_neighbour_counts() -> None:
    """left sends b's packets to a router that drops them; its neighbour on the wire would not."""
    left = device("left", interface("eth1", "10.1.0.1/24"), interface("eth2", "10.9.0.1/24"),
                  routes=(route("10.2.0.0/24", "eth2", "10.9.0.3"),))  # fmt: skip
    right = device("right", interface("eth1", "10.9.0.2/24"), interface("eth2", "10.2.0.1/24"))
    trap = device("trap", interface("eth1", "10.9.0.3/24"), acls=CLOSED, attachments=SHUT)
    wires = [
        link("ha:eth1", "left:eth1"),
        link("left:eth2", "right:eth1", "trap:eth1"),
        link("right:eth2", "hb:eth1"),
    ]
    assert grade(snapshot([HOST_A, HOST_B, left, right, trap], wires)) is Grade.G2


def test_a_filter_that_holds_under_any_routing_stays_g4() -> None:
    held = line_of_routers(route("10.2.0.0/24", "eth2", "10.9.0.2"), acls=CLOSED, attachments=SHUT)
    assert grade(held) is Grade.G4


@pytest.mark.parametrize(
    ("reason", "maintained"),
    [("the program is not installed", False), ("the command failed with exit status 1", True)],
)
def test_frr_that_did_not_answer_may_hold_floating_routes(reason: str, maintained: bool) -> None:
    file = "devices/r/frr-running-config.txt"
    line = AccountedLine(SourceSpan(file, 1, 1), "ignored", "vtysh: ...", reason)
    plain = device(
        "r", interface("eth1", "10.1.0.1/24"), lines=(line,), tallies=(LineTally(file, 0, 1, 0, 0),)
    )
    assert is_maintained(plain, Family.IPV4) is maintained


# -- something really fails ----------------------------------------------------------------------


def random_network(seed: int) -> tuple[list[Device], list[Link]]:
    """Four routers with random wires and static routes between ha and hb; some drop what they forward."""
    draw = random.Random(seed)
    links = [("ha:eth1", "r0:eth1"), ("hb:eth1", "r3:eth1")]
    addresses: dict[str, dict[str, str]] = {f"r{n}": {} for n in range(4)}
    addresses["r0"]["eth1"], addresses["r3"]["eth1"] = "10.1.0.1/24", "10.2.0.1/24"
    ends = [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)]
    neighbours: dict[str, list[tuple[str, str]]] = {name: [] for name in addresses}
    for number, (first, second) in enumerate(draw.sample(ends, draw.randint(3, 5))):
        names = [f"eth{10 + number}"] * 2
        for side, router in enumerate((first, second)):
            addresses[f"r{router}"][names[side]] = f"10.9.{number}.{side + 1}/24"
            neighbours[f"r{router}"].append((names[side], f"10.9.{number}.{2 - side}"))
        links.append((f"r{first}:{names[0]}", f"r{second}:{names[1]}"))
    devices = [HOST_A, HOST_B]
    for name, mine in addresses.items():
        routes = []
        for prefix in draw.sample(["10.2.0.0/24", "10.2.0.0/16", "0.0.0.0/0", "10.2.0.10/32"], 2):
            if neighbours[name] and draw.random() < 0.7:
                hop = draw.choice(neighbours[name])
                routes.append(replace(route(prefix, *hop), preference=draw.choice((0, 50))))
            elif draw.random() < 0.5:
                routes.append(route(prefix, kind="blackhole"))
        shut = draw.random() < 0.3
        devices.append(
            device(
                name,
                *(interface(eth, one) for eth, one in sorted(mine.items())),
                routes=tuple(routes),
                acls=CLOSED if shut else (),
                attachments=SHUT if shut else (),
            )
        )
    return devices, [link(*one) for one in links]


def without_link(devices: list[Device], failed: Link) -> list[Device]:
    """Every device without the routes that went out of a failed link (Linux: fib_sync_down_dev)."""
    dead = {(end.device, end.interface) for end in failed.ends}

    def kept(one: Device) -> Device:
        routes = tuple(
            found
            for found in one.routes
            if not any((one.name, hop.interface) in dead for hop in found.next_hops)
        )
        return replace(one, routes=routes)

    return [kept(one) for one in devices]


def test_what_is_graded_g3_stays_proven_when_any_link_or_pair_of_links_fails() -> None:
    graded = 0
    for seed in range(25):
        devices, links = random_network(seed)
        found = pair(snapshot(devices, links))
        if found.grade is not Grade.G3:
            continue
        graded += 1
        for first, second in combinations_with_replacement(links[2:], 2):
            left = without_link(without_link(devices, first), second)
            assert pair(snapshot(left, links)).outcome is Outcome.PROVEN, (seed, first, second)
    assert graded >= 3, "the sample must contain what it is about"


def test_some_networks_that_are_not_g3_do_open_when_a_link_fails() -> None:
    """The grade is not given away: a failure really opens some of those that are only G2."""
    for seed in range(60):
        devices, links = random_network(seed)
        if pair(snapshot(devices, links)).grade is Grade.G2 and any(
            pair(snapshot(without_link(devices, failed), links)).outcome is Outcome.VIOLATED
            for failed in links[2:]
        ):
            return
    pytest.fail("no failure opened any of the networks")


def test_forwarding_is_default_accept_in_the_builder() -> None:
    """The routers of this file without a filter do forward, so that grades come from routing alone."""
    assert pair(line_of_routers(route("10.2.0.0/24", "eth2", "10.9.0.2"))).outcome is Outcome.VIOLATED
    assert CLOSED[1].default is Forwarding.DROP
