from __future__ import annotations

from ipaddress import ip_interface

import pytest

from segaudit.errors import PolicyError
from segaudit.model.device import (
    Device,
    Interface,
    InterfaceAddress,
    InterfaceKind,
    Switchport,
    SwitchportMode,
)
from segaudit.model.flow import Family
from segaudit.model.snapshot import CollectionFailure, Snapshot
from segaudit.policy import ZoneMap, locate, parse_policy


def interface(name: str, *addresses: str, **facts: object) -> Interface:
    assigned = (ip_interface(text) for text in addresses)
    held = tuple(InterfaceAddress(Family(a.version), int(a.ip), a.network.prefixlen) for a in assigned)
    return Interface(name, addresses=held, **facts)  # type: ignore[arg-type]


def device(name: str, *interfaces: Interface, **labels: str) -> Device:
    return Device(name, "linux", {one.name: one for one in interfaces}, labels=labels)


def network(
    *devices: Device, failures: tuple[CollectionFailure, ...] = (), nodes: tuple[str, ...] = ()
) -> Snapshot:
    return Snapshot({one.name: one for one in devices}, failures, declared_nodes=nodes)


def zones(**members: str) -> str:
    lines = ["version: 1", "name: test", "zones:"]
    for name, member in members.items():
        lines += [f"  {name}:", "    owner: owner@example", f"    members: [{member}]"]
    return "\n".join(lines)


def located(text: str, snapshot: Snapshot, end: str = "") -> ZoneMap:
    isolation = "isolation:\n  - {id: ISO-1, between: internet, and: unassigned}\n"
    return locate(parse_policy(f"{text}\n{isolation}{end}".encode(), "p.yaml"), snapshot)


def refused(text: str, snapshot: Snapshot, end: str = "") -> list[str]:
    with pytest.raises(PolicyError) as caught:
        located(text, snapshot, end)
    return [f"{problem.where}: {problem.what}: {problem.value}" for problem in caught.value.problems]


def places(found: ZoneMap) -> dict[str, str]:
    return {f"{device}[{interface}]": zone for (device, interface), zone in found.by_place().items()}


ROUTER = device(
    "rt1",
    interface("lo", "127.0.0.1/8", "::1/128", kind=InterfaceKind.LOOPBACK),
    interface("eth0", "172.20.20.2/24"),
    interface("eth1", "10.1.0.1/24", "2001:db8:1::1/64", "fe80::1/64"),
    interface("eth2", "10.2.0.1/24"),
    site="lisbon",
    role="edge",
)


def test_a_prefix_claims_the_interfaces_whose_address_lies_in_it() -> None:
    found = located(zones(lan="{prefix: 10.1.0.0/16}", other="{prefix: 10.2.0.0/24}"), network(ROUTER))
    assert places(found) == {"rt1[eth0]": "unassigned", "rt1[eth1]": "lan", "rt1[eth2]": "other"}
    assert found.of("lan")[0].addresses == ("10.1.0.1/24", "2001:db8:1::1/64")
    assert found.uncollected == ()


def test_the_longest_prefix_wins_in_either_order() -> None:
    for order in (("wide", "narrow"), ("narrow", "wide")):
        members = {"wide": "{prefix: 10.0.0.0/8}", "narrow": "{prefix: 10.2.0.0/24}"}
        found = located(zones(**{name: members[name] for name in order}), network(ROUTER))
        assert places(found)["rt1[eth2]"] == "narrow"
        assert places(found)["rt1[eth1]"] == "wide"


def test_a_named_interface_beats_any_prefix() -> None:
    text = zones(
        wide="{prefix: 10.0.0.0/8}", host="{prefix: 10.2.0.1/32}", port="{device: rt1, interface: eth2}"
    )
    text = text.replace("[{prefix: 10.2.0.1/32}]", "[{prefix: 10.2.0.1/32}, {prefix: 172.20.20.0/24}]")
    found = located(text, network(ROUTER))
    assert places(found) == {"rt1[eth0]": "host", "rt1[eth1]": "wide", "rt1[eth2]": "port"}


def test_an_exact_interface_beats_one_by_wildcard() -> None:
    found = located(
        zones(all="{device: 'rt*', interface: 'eth*'}", port="{device: rt1, interface: eth2}"),
        network(ROUTER),
    )
    assert places(found) == {"rt1[eth0]": "all", "rt1[eth1]": "all", "rt1[eth2]": "port"}


def test_a_member_that_says_more_beats_one_that_says_part_of_it() -> None:
    other = device("rt2", interface("eth1", "10.1.0.1/24"), site="porto")
    found = located(
        zones(any="{prefix: 10.1.0.0/24}", porto="{prefix: 10.1.0.0/24, site: porto}"),
        network(ROUTER, other),
    )
    assert (places(found)["rt1[eth1]"], places(found)["rt2[eth1]"]) == ("any", "porto")


def test_overlapping_address_space_is_told_apart_by_site() -> None:
    other = device("rt2", interface("eth1", "10.1.0.1/24"), site="porto")
    found = located(
        zones(a="{prefix: 10.1.0.0/24, site: lisbon}", b="{prefix: 10.1.0.0/24, site: porto}"),
        network(ROUTER, other),
    )
    assert (places(found)["rt1[eth1]"], places(found)["rt2[eth1]"]) == ("a", "b")


def test_a_prefix_against_a_device_is_a_tie_and_a_tie_is_refused() -> None:
    text = zones(lan="{prefix: 10.1.0.0/24}", edge="{role: edge}")
    assert refused(text, network(ROUTER)) == ["p.yaml:9:15: interface in two zones: rt1[eth1] 10.1.0.1/24"]


def test_an_interface_whose_addresses_fall_to_two_zones_is_refused_with_both_places() -> None:
    text = zones(four="{prefix: 10.1.0.0/24}", six="{prefix: '2001:db8:1::/64'}")
    with pytest.raises(PolicyError) as caught:
        located(text, network(ROUTER))
    (problem,) = caught.value.problems
    assert problem.where == "p.yaml:9:15"
    assert problem.value == "rt1[eth1] 10.1.0.1/24 and 2001:db8:1::1/64"
    assert problem.hint.startswith("four claims it at p.yaml:6:15, six here")


def test_conflicts_of_the_same_members_are_one_problem() -> None:
    routers = [device(f"rt{n}", interface("eth1", f"10.1.{n}.1/24"), role="edge") for n in range(1, 5)]
    text = zones(lan="{prefix: 10.1.0.0/16}", edge="{role: edge}")
    assert refused(text, network(*routers)) == [
        "p.yaml:9:15: interface in two zones: rt1[eth1] 10.1.1.1/24 and 3 more"
    ]


def test_exclude_settles_a_tie() -> None:
    text = zones(lan="{prefix: 10.1.0.0/24}", edge="{role: edge}") + "\n    exclude: [{interface: eth1}]"
    assert places(located(text, network(ROUTER))) == {
        "rt1[eth0]": "edge",
        "rt1[eth1]": "lan",
        "rt1[eth2]": "edge",
    }


def test_an_exclude_by_prefix_carves_out_that_address_only() -> None:
    text = (
        zones(lan="{prefix: 10.1.0.0/24}", edge="{role: edge}") + "\n    exclude: [{prefix: 10.1.0.0/24}]"
    )
    assert refused(text, network(ROUTER)) == [
        "p.yaml:9:15: interface in two zones: rt1[eth1] 10.1.0.1/24 and 2001:db8:1::1/64"
    ]


def test_vrf_vlan_and_kind_of_port() -> None:
    switch = device(
        "sw1",
        interface("gi1", switchport=Switchport(SwitchportMode.ACCESS, access_vlan=20)),
        interface("gi2", switchport=Switchport(SwitchportMode.TRUNK, trunk_vlans=((1, 4094),))),
        interface("vlan20", "10.20.0.1/24", vlan=20),
        interface("vlan30", "10.30.0.1/24", vlan=30, vrf="OT"),
    )
    found = located(zones(users="{vlan: 20}", ot="{vrf: O?}"), network(switch))
    assert places(found) == {"sw1[gi1]": "users", "sw1[vlan20]": "users", "sw1[vlan30]": "ot"}


def test_names_are_matched_case_sensitively() -> None:
    assert refused(zones(lan="{device: RT1}"), network(ROUTER)) == [
        "p.yaml:6:15: zone member matches nothing: device: RT1"
    ]


def test_loopback_and_link_local_addresses_make_no_place() -> None:
    found = located(zones(all="{device: rt1}"), network(ROUTER))
    assert "rt1[lo]" not in places(found)
    router_id = device("rt2", interface("lo", "127.0.0.1/8", "10.255.0.2/32", kind=InterfaceKind.LOOPBACK))
    assert places(located(zones(all="{device: rt2}"), network(router_id))) == {"rt2[lo]": "all"}


def test_what_nobody_claims_is_unassigned() -> None:
    other = device(
        "rt2",
        interface("eth1", "fe80::2/64"),
        interface("eth2", "fe80::3/64", bridge="br0"),
        interface("eth3"),
        interface("br0", "192.0.2.1/24", kind=InterfaceKind.BRIDGE),
    )
    found = located(zones(lan="{prefix: 10.1.0.0/24}"), network(ROUTER, other))
    unassigned = [(place.device, place.interface) for place in found.of("unassigned")]
    assert unassigned == [("rt1", "eth0"), ("rt1", "eth2"), ("rt2", "br0"), ("rt2", "eth1")]


@pytest.mark.parametrize(
    ("member", "hint"),
    [
        ("device: rt11", "did you mean 'rt1'?"),
        ("{device: rt1, interface: ether1}", "did you mean 'eth1'?"),
        ("site: lisabon", "did you mean 'lisbon'?"),
        ("role: core", "known: edge"),
        ("vrf: OT", "known: default"),
        ("vlan: 20", "VLANs seen there: none"),
        ("{prefix: 10.1.0.0/24, interface: eth2}", "no collected device has an address in it"),
        ("prefix: 203.0.113.0/24", "no collected device has an address in it"),
        ("prefix: 10.1.0.53/32", "it lies on the network of rt1[eth1] 10.1.0.1/24"),
        ("{device: rt1, site: lisbon, vrf: default, interface: lo, vlan: 1}", "VLANs seen there: none"),
    ],
)
def test_a_member_that_matches_nothing_gets_the_remedy(member: str, hint: str) -> None:
    text = zones(lan=member if member.startswith("{") else f"{{{member}}}")
    with pytest.raises(PolicyError) as caught:
        located(text, network(ROUTER))
    (problem,) = caught.value.problems
    assert (problem.where, problem.what) == ("p.yaml:6:15", "zone member matches nothing")
    assert problem.hint.startswith(hint)


def test_a_zone_whose_places_all_fall_to_others_is_refused() -> None:
    text = zones(wide="{prefix: 10.2.0.0/16}", narrow="{prefix: 10.2.0.0/24}")
    assert refused(text, network(ROUTER)) == ["p.yaml:6:15: zone has no place left: wide"]


def test_an_excluded_place_has_to_land_in_another_zone() -> None:
    text = zones(lan="{prefix: 10.0.0.0/8}") + "\n    exclude: [{prefix: 10.2.0.0/16}]"
    assert refused(text, network(ROUTER)) == ["p.yaml:7:15: excluded place is in no zone: rt1[eth2]"]
    landed = text + "\n  other:\n    owner: o@example\n    members: [{device: rt1, interface: eth2}]"
    assert places(located(landed, network(ROUTER)))["rt1[eth2]"] == "other"


def test_an_excluded_address_beside_one_of_the_zone_is_refused() -> None:
    router = device("rt1", interface("eth1", "10.1.0.1/24", "10.2.0.1/24"))
    text = zones(lan="{prefix: 10.0.0.0/8}") + "\n    exclude: [{prefix: 10.2.0.0/16}]"
    assert refused(text, network(router)) == ["p.yaml:7:15: excluded place stays in zone lan: rt1[eth1]"]


def test_an_exclude_that_carves_nothing_is_refused() -> None:
    text = zones(lan="{prefix: 10.1.0.0/16}") + "\n    exclude: [{prefix: 10.2.0.0/16}]"
    assert refused(text, network(ROUTER)) == [
        "p.yaml:7:15: exclude carves nothing out of zone lan: prefix: 10.2.0.0/16"
    ]


def test_a_flow_through_an_unknown_device_is_refused() -> None:
    flow = (
        "flows:\n  - {id: F, from: lan, to: internet, services: [any], owner: o, justification: j, "
        "expires: never, through: [rt9]}\n"
    )
    assert refused(zones(lan="{prefix: 10.1.0.0/16}"), network(ROUTER), flow) == [
        "p.yaml:10: flow F goes through an unknown device: rt9"
    ]


def test_an_assumption_about_nothing_is_refused() -> None:
    about = "about: {device: rt1, interface: eth9}, claim: no-effect"
    assumption = f"assumptions:\n  - {{id: A, {about}, owner: o, justification: j}}\n"
    assert refused(zones(lan="{prefix: 10.1.0.0/16}"), network(ROUTER), assumption) == [
        "p.yaml:10:20: assumption is about nothing: device: rt1, interface: eth9"
    ]


FAILED = CollectionFailure("rt2", "connection refused", {"site": "porto"})


def test_a_member_on_a_device_that_failed_is_uncollected_not_an_error() -> None:
    text = zones(lan="{prefix: 10.1.0.0/16}", port="{device: rt2, interface: eth1}", porto="{site: porto}")
    found = located(text, network(ROUTER, failures=(FAILED,)))
    assert [(item.zone, item.device, item.named, item.reason) for item in found.uncollected] == [
        ("lan", "rt2", False, "connection refused"),
        ("port", "rt2", True, "connection refused"),
        ("porto", "rt2", True, "connection refused"),
    ]
    assert found.of("port") == ()


def test_a_prefix_that_matches_nothing_may_be_on_a_missing_device() -> None:
    text = zones(lan="{prefix: 10.9.0.0/16}")
    found = located(text, network(ROUTER, nodes=("rt1", "rt3")))
    assert [(item.zone, item.device, item.named) for item in found.uncollected] == [("lan", "rt3", True)]


def test_one_member_without_a_place_is_enough_to_know_that_one_is_missing() -> None:
    text = zones(lan="{prefix: 10.1.0.0/16}, {prefix: 10.9.0.0/16}", other="{prefix: 10.2.0.0/16}")
    found = located(text, network(ROUTER, failures=(FAILED,)))
    assert [(item.zone, item.named, item.member) for item in found.uncollected] == [
        ("lan", True, "prefix: 10.9.0.0/16"),
        ("other", False, "prefix: 10.2.0.0/16"),
    ]


def test_a_missing_device_excuses_only_what_could_be_on_it() -> None:
    text = zones(a="{device: rt7}", b="{site: faro}", c="{prefix: 10.1.0.0/16}")
    assert refused(text, network(ROUTER, failures=(FAILED,))) == [
        "p.yaml:6:15: zone member matches nothing: device: rt7",
        "p.yaml:9:15: zone member matches nothing: site: faro",
    ]


def test_a_device_that_was_collected_after_all_is_not_missing() -> None:
    snapshot = network(ROUTER, failures=(CollectionFailure("rt1", "retried"),), nodes=("rt1",))
    assert located(zones(lan="{prefix: 10.1.0.0/16}"), snapshot).uncollected == ()


def test_the_result_does_not_depend_on_the_order_of_the_network() -> None:
    other = device("rt0", interface("eth1", "10.1.9.1/24"))
    text = zones(lan="{prefix: 10.1.0.0/16}", rest="{prefix: 10.0.0.0/8}")
    assert located(text, network(ROUTER, other)) == located(text, network(other, ROUTER))
