"""Junos devices in a network: what the engine proves of them."""

from __future__ import annotations

from dataclasses import replace

from builders.junos import device as junos
from builders.networks import host, link, snapshot

from segaudit.graph import build_graph
from segaudit.model.device import Device
from segaudit.model.flow import Family
from segaudit.model.topology import TerminationPoint
from segaudit.packets import Universe
from segaudit.reach.fixpoint import Network, Source

UNIVERSE = Universe(Family.IPV4, 1 << 18)


def router(name: str, own: int, more: str = "") -> Device:
    """Two instances over one trunk, each with a network of its own."""
    other = 3 - own
    lines = ["set interfaces ge-0/0/0 vlan-tagging"]
    for vlan, instance, port in ((10, "RED", 1), (20, "BLUE", 2)):
        lines += [
            f"set interfaces ge-0/0/0 unit {vlan} vlan-id {vlan}",
            f"set interfaces ge-0/0/0 unit {vlan} family inet address 10.0.{vlan}.{own}/24",
            f"set interfaces ge-0/0/{port} unit 0 family inet address 10.{port}.{own}.1/24",
            f"set routing-instances {instance} instance-type virtual-router",
            f"set routing-instances {instance} interface ge-0/0/0.{vlan}",
            f"set routing-instances {instance} interface ge-0/0/{port}.0",
            f"set routing-instances {instance} routing-options static"
            f" route 10.{port}.{other}.0/24 next-hop 10.0.{vlan}.{other}",
        ]
    return replace(junos("\n".join([*lines, more])), name=name)


def reached(first: str = "", second: str = "") -> set[str]:
    """The hosts that packets from the red host of the first router reach."""
    routers = [router("r1", 1, first), router("r2", 2, second)]
    hosts = {
        f"{colour}{own}": host(f"{colour}{own}", f"10.{port}.{own}.9/24", gateway=f"10.{port}.{own}.1")
        for port, colour in ((1, "red"), (2, "blue"))
        for own in (1, 2)
    }
    links = [link("r1:ge-0/0/0", "r2:ge-0/0/0")]
    links += [
        link(f"r{own}:ge-0/0/{port}", f"{colour}{own}:eth1")
        for port, colour in ((1, "red"), (2, "blue"))
        for own in (1, 2)
    ]
    graph = build_graph(snapshot([*routers, *hosts.values()], links))
    (start,) = [one.id for one in graph.segments.values() if TerminationPoint("red1", "eth1") in one.points]
    found = Network(graph, UNIVERSE).reach(Source(frozenset({start})))
    return {name for name in hosts if not found.space(("in", name, "eth1")).is_empty}


def test_instances_over_one_trunk_stay_apart() -> None:
    assert reached() == {"red1", "red2"}


def test_a_rib_group_joins_them() -> None:
    leak = "set routing-options rib-groups g import-rib [ BLUE.inet.0 RED.inet.0 ]"
    assert reached(leak) > {"red2", "blue1"}


def test_a_filter_stops_them() -> None:
    lines = "set firewall family inet filter F term a then discard\n"
    assert reached(lines + "set interfaces ge-0/0/1 unit 0 family inet filter input F") == {"red1"}
    assert reached("", lines + "set interfaces ge-0/0/0 unit 10 family inet filter input F") == {"red1"}
    undefined = "set interfaces ge-0/0/1 unit 0 family inet filter input F"
    assert reached(undefined) == {"red1", "red2"}


def test_zones_without_a_policy_stop_them() -> None:
    zones = (
        "set security zones security-zone in interfaces ge-0/0/1.0\n"
        "set security zones security-zone out interfaces ge-0/0/0.10\n"
    )
    assert reached(zones) == {"red1"}
    policy = "set security policies from-zone in to-zone out policy p"
    permit = (
        f"{policy} match source-address any\n{policy} match destination-address any\n"
        f"{policy} match application junos-ssh\n{policy} then permit\n"
    )
    assert reached(zones + permit) == {"red1", "red2"}
