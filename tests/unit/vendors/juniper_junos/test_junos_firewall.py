"""An SRX: zones, policies, what is for the device itself, and translations."""

from __future__ import annotations

import pytest
from builders.junos import attached, device, doubts, flow, verdicts

from segaudit.model.acl import Hook
from segaudit.model.device import Device
from segaudit.model.flow import ConnectionState, Disposition, Flow
from segaudit.reach.walk import Walker

BASE = """
set interfaces ge-0/0/0 unit 0 family inet address 10.0.0.1/24
set interfaces ge-0/0/1 unit 0 family inet address 10.0.1.1/24
set interfaces ge-0/0/2 unit 0 family inet address 10.0.2.1/24
set interfaces ge-0/0/3 unit 0 family inet address 10.0.3.1/24
set security zones security-zone a interfaces ge-0/0/0.0
set security zones security-zone a host-inbound-traffic system-services ssh
set security zones security-zone b interfaces ge-0/0/1.0
set security zones security-zone b interfaces ge-0/0/2.0 host-inbound-traffic system-services all
"""
WEB = flow("10.0.0.9", "10.0.1.9")
A_TO_B = "set security policies from-zone a to-zone b policy"


def policy(match: str = "", then: str = "permit", name: str = "p", pair: str = A_TO_B) -> str:
    lines = [
        f"match {one}"
        for one in ("source-address any", "destination-address any", match or "application any")
    ]
    return "\n".join(f"{pair} {name} {line}" for line in (*lines, f"then {then}")) + "\n"


def passes(text: str, packet: Flow = WEB, **places: str) -> set[str]:
    return verdicts(device(BASE + text), "security policies", packet, **places)  # type: ignore[arg-type]


def test_without_a_policy_nothing_passes_not_even_within_a_zone() -> None:
    assert passes("") == {"drop"}
    assert passes("", incoming="ge-0/0/1.0", outgoing="ge-0/0/2.0") == {"drop"}


def test_known_sessions_pass() -> None:
    read = device(BASE)
    assert verdicts(read, "security policies", WEB, state=ConnectionState.ESTABLISHED) == {"accept"}
    assert read.tracks_connections


def test_a_policy_is_for_its_pair_of_zones_and_direction() -> None:
    text = policy()
    assert passes(text) == {"accept"}
    assert passes(text, outgoing="ge-0/0/2.0") == {"accept"}
    assert passes(text, incoming="ge-0/0/1.0", outgoing="ge-0/0/0.0") == {"drop"}


def test_the_first_policy_decides_then_the_global_ones_then_the_default() -> None:
    assert passes(policy(then="deny", name="first") + policy(name="second")) == {"drop"}
    everywhere = policy(pair="set security policies global policy")
    assert passes(everywhere) == {"accept"}
    assert passes(policy(then="reject") + everywhere) == {"drop"}
    assert passes("set security policies default-policy permit-all\n") == {"accept"}


def test_global_policies_may_name_zones() -> None:
    text = policy(pair="set security policies global policy")
    only = "set security policies global policy p match from-zone b\n"
    assert passes(text + only) == {"drop"}


def test_an_interface_in_no_zone_passes_nothing() -> None:
    text = policy() + "set security policies default-policy permit-all\n"
    assert passes(text, incoming="ge-0/0/3.0") == {"drop"}
    assert passes(text, outgoing="ge-0/0/3.0") == {"drop"}


@pytest.mark.parametrize(
    ("application", "verdict"),
    [
        ("junos-http", {"accept"}),
        ("junos-https", {"drop"}),
        ("[ junos-https junos-http ]", {"accept"}),
        ("own", {"accept"}),
        ("pair", {"accept"}),
        ("junos-never-heard-of", {"accept", "drop"}),
        ("junos-ms-rpc-any", {"accept", "drop"}),
        ("junos-ftp", {"accept", "drop"}),
        ("junos-icmp-ping", {"drop"}),
        ("lists", {"accept"}),
    ],
)
def test_applications(application: str, verdict: set[str]) -> None:
    own = (
        "set applications application own term t1 protocol udp destination-port 53\n"
        "set applications application own term t2 protocol tcp destination-port 80-90\n"
        "set applications application-set pair application junos-ssh\n"
        "set applications application-set pair application-set inner\n"
        "set applications application-set inner application own\n"
        "set applications application lists protocol tcp\n"
        "set applications application lists destination-port 80\n"
        "set applications application lists destination-port 81\n"
    )
    assert passes(own + policy(f"application {application}")) == verdict


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("host", {"accept"}),
        ("elsewhere", {"drop"}),
        ("both", {"accept"}),
        ("range", {"accept"}),
        ("wild", {"accept"}),
        ("named", {"accept", "drop"}),
        ("unheard-of", {"accept", "drop"}),
        ("any-ipv6", {"drop"}),
        ("any-ipv4", {"accept"}),
        ("10.0.0.0/24", {"accept"}),
    ],
)
def test_addresses(name: str, verdict: set[str]) -> None:
    book = "set security address-book global"
    text = (
        f"{book} address host 10.0.0.9\n{book} address elsewhere 192.0.2.0/24\n"
        f"{book} address range range-address 10.0.0.5 to 10.0.0.12\n"
        f"{book} address wild wildcard-address 10.0.0.9/255.0.0.255\n"
        f"{book} address named dns-name www.example.net\n"
        f"{book} address-set both address elsewhere\n{book} address-set both address-set inner\n"
        f"{book} address-set inner address host\n"
    )
    match = policy().replace("source-address any", f"source-address {name}")
    assert passes(text + match) == verdict


def test_the_zone_s_own_book_comes_before_the_global_one() -> None:
    text = (
        "set security address-book global address x 192.0.2.1\n"
        "set security address-book near address x 10.0.0.9\nset security address-book near attach zone a\n"
    )
    assert passes(text + policy().replace("source-address any", "source-address x")) == {"accept"}


def test_excluded_addresses() -> None:
    book = "set security address-book global address host 10.0.0.9\n"
    excluded = f"{A_TO_B} p match source-address-excluded\n"
    assert passes(book + policy().replace("source-address any", "source-address host") + excluded) == {
        "drop"
    }


@pytest.mark.parametrize(
    "line",
    [
        "match source-identity alice",
        "match dynamic-application junos:FACEBOOK",
        "scheduler-name office",
        "match new-thing x",
    ],
)
def test_what_is_not_in_the_header_may_match(line: str) -> None:
    assert passes(policy() + f"{A_TO_B} p {line}\n") == {"accept", "drop"}


def test_a_deny_by_application_denies_nothing_for_certain() -> None:
    text = policy(then="deny", name="app") + f"{A_TO_B} app match dynamic-application junos:BITTORRENT\n"
    assert passes(text + policy()) == {"accept", "drop"}


def test_a_policy_into_a_vpn_makes_the_device_doubtful() -> None:
    assert doubts(device(BASE + policy())) == []
    assert doubts(device(BASE + policy(then="permit tunnel ipsec-vpn v")))


# ---- for the device itself ----------------------------------------------------------------------


def let_in(text: str, packet: Flow, incoming: str) -> set[str]:
    return verdicts(device(BASE + text), "host-inbound-traffic", packet, incoming=incoming)


def test_only_what_is_listed_is_let_in() -> None:
    ssh, web = flow("10.0.0.9", "10.0.0.1", port=22), flow("10.0.0.9", "10.0.0.1")
    assert let_in("", ssh, "ge-0/0/0.0") == {"accept"}
    assert let_in("", web, "ge-0/0/0.0") == {"drop"}
    assert let_in("", flow("10.0.1.9", "10.0.1.1", port=22), "ge-0/0/1.0") == {"drop"}


def test_an_interface_s_list_replaces_the_zone_s() -> None:
    web = flow("10.0.2.9", "10.0.2.1")
    assert let_in("", web, "ge-0/0/2.0") == {"accept"}
    excepted = (
        "set security zones security-zone b interfaces ge-0/0/2.0"
        " host-inbound-traffic system-services http except\n"
    )
    assert let_in(excepted, web, "ge-0/0/2.0") == {"drop"}


def test_no_zone_no_guard() -> None:
    assert let_in("", flow("10.0.3.9", "10.0.3.1"), "ge-0/0/3.0") == {"accept"}


# ---- modes --------------------------------------------------------------------------------------


def test_in_packet_mode_nothing_is_tracked() -> None:
    read = device(BASE + "set security forwarding-options family mpls mode packet-based\n")
    assert attached(read, Hook.FORWARD) == []
    assert not read.tracks_connections


def test_ipv6_may_be_in_packet_mode_alone() -> None:
    read = device(BASE + "set security forwarding-options family inet6 mode packet-based\n")
    (one,) = [one for one in read.attachments if one.hook is Hook.FORWARD]
    assert {family.label for family in one.families} == {"ipv4"}


# ---- translations -------------------------------------------------------------------------------

NAT = "set security nat"


def arrived(read: Device, packet: Flow, incoming: str = "ge-0/0/0.0") -> list[tuple[str, str, int]]:
    """The headers with which a packet may leave: source, destination and port."""
    walks = Walker({read.name: read}, {}).walk(packet, read.name, incoming)
    return [
        (
            str(walk.trace.arrived.source_address),
            str(walk.trace.arrived.destination_address),
            walk.trace.arrived.destination_port,
        )
        for walk in walks
        if walk.trace.disposition is not Disposition.DROPPED
    ]


def test_source_translation_to_the_interface() -> None:
    read = device(
        BASE
        + policy()
        + f"{NAT} source rule-set s from zone a\n{NAT} source rule-set s to zone b\n"
        + f"{NAT} source rule-set s rule r match source-address 10.0.0.0/25\n"
        + f"{NAT} source rule-set s rule r then source-nat interface\n"
    )
    assert arrived(read, WEB) == [("10.0.1.1", "10.0.1.9", 80)]
    assert arrived(read, flow("10.0.0.200", "10.0.1.9")) == [("10.0.0.200", "10.0.1.9", 80)]


def test_an_exempted_source_stays() -> None:
    read = device(
        BASE
        + policy()
        + f"{NAT} source rule-set s from zone a\n{NAT} source rule-set s to zone b\n"
        + f"{NAT} source rule-set s rule q match destination-address 10.0.1.9/32\n"
        + f"{NAT} source rule-set s rule q then source-nat off\n"
        + f"{NAT} source rule-set s rule r match source-address 0.0.0.0/0\n"
        + f"{NAT} source rule-set s rule r then source-nat interface\n"
    )
    assert arrived(read, WEB) == [("10.0.0.9", "10.0.1.9", 80)]


def test_destination_translation_comes_before_the_policy() -> None:
    text = (
        BASE
        + f"{NAT} destination pool web address 10.0.1.80/32 port 8080\n"
        + f"{NAT} destination rule-set d from zone a\n"
        + f"{NAT} destination rule-set d rule r match destination-address 198.51.100.80/32\n"
        + f"{NAT} destination rule-set d rule r match destination-port 80\n"
        + f"{NAT} destination rule-set d rule r then destination-nat pool web\n"
        + "set security address-book global address web 10.0.1.80\n"
    )
    read = device(text + policy().replace("destination-address any", "destination-address web"))
    assert arrived(read, flow("10.0.0.9", "198.51.100.80")) == [("10.0.0.9", "10.0.1.80", 8080)]
    assert arrived(read, flow("10.0.0.9", "198.51.100.80", port=81)) == []


def test_static_translation_goes_both_ways() -> None:
    read = device(
        BASE
        + policy()
        + policy(pair="set security policies from-zone b to-zone a policy")
        + f"{NAT} static rule-set t from zone a\n"
        + f"{NAT} static rule-set t rule r match destination-address 198.51.100.25/32\n"
        + f"{NAT} static rule-set t rule r then static-nat prefix 10.0.1.25/32\n"
        + f"{NAT} proxy-arp interface ge-0/0/0.0 address 198.51.100.25/32\n"
    )
    assert arrived(read, flow("10.0.0.9", "198.51.100.25")) == [("10.0.0.9", "10.0.1.25", 80)]
    assert arrived(read, flow("10.0.1.25", "10.0.0.9"), "ge-0/0/1.0") == [("198.51.100.25", "10.0.0.9", 80)]
    assert read.interfaces["ge-0/0/0.0"].proxy_arp


@pytest.mark.parametrize(
    "lines",
    [
        "source rule-set s rule r then source-nat interface persistent-nat permit any-remote-host",
        "source rule-set s rule r then source-nat pool nowhere",
        "destination rule-set d rule r then destination-nat pool nowhere",
        "static rule-set t rule r then static-nat inet",
        "natv6v4 no-v6-frag-header",
    ],
)
def test_a_translation_that_is_not_modelled_may_be_any(lines: str) -> None:
    assert not device(BASE).unknown_translation
    assert device(BASE + f"{NAT} {lines}\n").unknown_translation


def test_the_more_specific_rule_set_is_asked_first_and_the_other_is_not_certain() -> None:
    rules = (
        f"{NAT} source pool p address 192.0.2.1/32\n"
        f"{NAT} source rule-set z from zone a\n{NAT} source rule-set z to zone b\n"
        f"{NAT} source rule-set z rule r match source-address 0.0.0.0/0\n"
        f"{NAT} source rule-set z rule r then source-nat interface\n"
        f"{NAT} source rule-set i from interface ge-0/0/0.0\n{NAT} source rule-set i to zone b\n"
        f"{NAT} source rule-set i rule r match source-address 10.0.0.9/32\n"
        f"{NAT} source rule-set i rule r then source-nat pool p\n"
    )
    read = device(BASE + policy() + rules)
    assert arrived(read, WEB) == [("192.0.2.1", "10.0.1.9", 80)]
    assert set(arrived(read, flow("10.0.0.8", "10.0.1.9"))) == {
        ("10.0.0.8", "10.0.1.9", 80),
        ("10.0.1.1", "10.0.1.9", 80),
    }


def test_a_vpn_gives_its_tunnel_the_peer() -> None:
    read = device(
        "set interfaces st0 unit 0 family inet address 10.255.0.1/30\n"
        "set security ike gateway g address 203.0.113.1\n"
        "set security ike gateway g external-interface ge-0/0/0.0\n"
        "set security ipsec vpn v bind-interface st0.0\nset security ipsec vpn v ike gateway g\n"
    )
    tunnel = read.interfaces["st0.0"].tunnel
    assert tunnel is not None
    assert (tunnel.kind, tunnel.destination, tunnel.source_interface) == ("ipsec", 0xCB007101, "ge-0/0/0.0")


def test_a_port_lets_nothing_in_past_its_unit() -> None:
    assert let_in("", flow("10.0.0.9", "10.0.0.1"), "ge-0/0/0") == {"drop"}
