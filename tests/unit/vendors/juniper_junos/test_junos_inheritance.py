"""Groups, wildcards and interface ranges: what is inherited is configuration."""

from __future__ import annotations

import pytest
from builders.junos import device, doubts

from segaudit.model.device import Device

PORTS = """
set interfaces ge-0/0/0 unit 0 family inet address 10.0.0.1/24
set interfaces xe-0/0/1 unit 0 family inet address 10.0.1.1/24
set interfaces xe-0/0/1 unit 7 family inet address 10.0.7.1/24
"""


def inherited(read: Device, name: str) -> set[str]:
    return {str(one) for one in read.interfaces[name].addresses}


@pytest.mark.parametrize(
    ("pattern", "reached"),
    [
        ("<*> unit <*>", {"ge-0/0/0.0", "xe-0/0/1.0", "xe-0/0/1.7"}),
        ("<xe-*> unit <*>", {"xe-0/0/1.0", "xe-0/0/1.7"}),
        ("<[gx]e-0/0/[1-9]> unit 0", {"xe-0/0/1.0"}),
        ("ge-0/0/0 unit 0", {"ge-0/0/0.0"}),
        ("<zz*> unit <*>", set()),
    ],
)
def test_wildcards_reach_what_is_there(pattern: str, reached: set[str]) -> None:
    read = device(
        PORTS + f"set groups g interfaces {pattern} family inet address 192.0.2.1/32\nset apply-groups g\n"
    )
    assert {name for name in read.interfaces if "192.0.2.1/32" in inherited(read, name)} == reached
    assert doubts(read) == []


def test_a_group_that_nobody_applies_adds_nothing() -> None:
    read = device(PORTS + "set groups g interfaces <*> unit <*> family inet address 192.0.2.1/32\n")
    assert not any("192.0.2.1/32" in inherited(read, name) for name in read.interfaces)


def test_a_group_makes_what_is_not_there() -> None:
    read = device(
        PORTS + "set groups g interfaces lo0 unit 0 family inet address 192.0.2.1/32\nset apply-groups g\n"
    )
    assert inherited(read, "lo0.0") == {"192.0.2.1/32"}
    span = read.interfaces["lo0.0"].addresses[0].span
    assert span is not None and span.first_line == 5


def test_a_group_applies_below_the_place_that_asks_for_it() -> None:
    read = device(
        PORTS
        + "set groups g interfaces <*> unit <*> family inet address 192.0.2.1/32\n"
        + "set interfaces xe-0/0/1 apply-groups g\nset interfaces xe-0/0/1 unit 7 apply-groups-except g\n"
    )
    assert "192.0.2.1/32" in inherited(read, "xe-0/0/1.0")
    assert "192.0.2.1/32" not in inherited(read, "ge-0/0/0.0")


def test_a_group_may_apply_another() -> None:
    read = device(
        PORTS
        + "set groups one apply-groups two\n"
        + "set groups two interfaces <*> unit 0 family inet address 192.0.2.1/32\n"
        + "set apply-groups one\n"
    )
    assert "192.0.2.1/32" in inherited(read, "ge-0/0/0.0")


def test_what_the_configuration_says_itself_holds() -> None:
    read = device(
        PORTS
        + "set interfaces ge-0/0/0 mtu 9000\nset groups g interfaces <*> mtu 1400\nset apply-groups g\n"
    )
    assert read.interfaces["ge-0/0/0"].mtu == 9000
    assert read.interfaces["xe-0/0/1"].mtu == 1400


def test_a_filter_from_a_group_is_applied() -> None:
    read = device(
        PORTS
        + "set groups g interfaces <*> unit <*> family inet filter input F\nset apply-groups g\n"
        + "set firewall family inet filter F term a then discard\n"
    )
    assert len([one for one in read.attachments if one.acl == "inet F"]) == 3


@pytest.mark.parametrize(
    "lines",
    [
        "set apply-groups nowhere\n",
        "set groups g when time 9 to 17\nset groups g interfaces lo0 unit 0\nset apply-groups g\n",
        "set groups g firewall family inet filter F term b then accept\nset apply-groups g\n"
        "set firewall family inet filter F term a then discard\n",
        "set groups node0 security policies default-policy permit-all\nset apply-groups ${node}\n",
        "set groups a apply-groups b\nset groups b interfaces lo0 hyperdrive\nset apply-groups a\n",
    ],
)
def test_what_is_not_certain_makes_the_device_doubtful(lines: str) -> None:
    assert doubts(device(PORTS)) == []
    assert doubts(device(PORTS + lines))


def test_both_nodes_of_a_cluster_are_one_device() -> None:
    read = device(
        PORTS
        + "set groups node0 interfaces fxp0 unit 0 family inet address 192.0.2.1/24\n"
        + "set groups node1 interfaces fxp0 unit 0 family inet address 192.0.2.2/24\n"
        + 'set apply-groups "${node}"\n'
    )
    assert inherited(read, "fxp0.0") == {"192.0.2.1/24", "192.0.2.2/24"}
    assert doubts(read) == []


def test_groups_that_apply_themselves_end() -> None:
    text = "set groups a apply-groups a\nset groups a interfaces apply-groups a\nset apply-groups a\n"
    assert doubts(device(PORTS + text)) is not None


@pytest.mark.parametrize(
    ("member", "ports"),
    [
        ("member ge-0/0/3", {"ge-0/0/3"}),
        ('member "ge-0/0/[3-5,9]"', {"ge-0/0/3", "ge-0/0/4", "ge-0/0/5", "ge-0/0/9"}),
        ("member-range ge-0/0/3 to ge-0/0/5", {"ge-0/0/3", "ge-0/0/4", "ge-0/0/5"}),
    ],
)
def test_ranges_of_interfaces(member: str, ports: set[str]) -> None:
    start = "set interfaces interface-range r"
    read = device(f"{start} {member}\n{start} unit 0 family ethernet-switching vlan members 7\n")
    assert {name for name, one in read.interfaces.items() if one.switchport is not None} == ports
    assert doubts(read) == []


@pytest.mark.parametrize(
    "member", ["member ge-0/0/*", "member-range ge-0/0/3 to xe-0/0/5", 'member "ge-[a-c]"']
)
def test_ranges_that_cannot_be_counted(member: str) -> None:
    start = "set interfaces interface-range r"
    assert doubts(device(f"{start} {member}\n{start} unit 0 family inet\n"))
