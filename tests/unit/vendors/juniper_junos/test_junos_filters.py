"""Firewall filters: what a term matches, in which order terms decide, and where filters are applied."""

from __future__ import annotations

import pytest
from builders.junos import attached, device, doubts, flow, verdicts

from segaudit.model.acl import Hook
from segaudit.model.flow import Flow

BASE = """
set interfaces ge-0/0/0 unit 0 family inet address 10.0.0.1/24
set interfaces ge-0/0/0 unit 0 family inet filter input F
set interfaces ge-0/0/1 unit 0 family inet address 10.0.1.1/24
"""
WEB = flow("10.0.0.9", "10.0.1.9")


def filtered(*terms: str, family: str = "inet", packet: Flow = WEB) -> set[str]:
    """What a filter of such terms decides."""
    lines = [f"set firewall family {family} filter F term {term}" for term in terms]
    return verdicts(device(BASE + "\n".join(lines)), f"{family} F", packet)


def test_the_end_of_a_filter_discards() -> None:
    assert filtered("a from protocol udp", "a then accept") == {"drop"}


@pytest.mark.parametrize(
    ("then", "verdict"),
    [
        ("accept", "accept"),
        ("discard", "drop"),
        ("reject tcp-reset", "drop"),
        ("count seen", "accept"),
        ("log", "accept"),
    ],
)
def test_a_term_without_from_matches_all_and_without_action_accepts(then: str, verdict: str) -> None:
    assert filtered(f"a then {then}") == {verdict}


def test_next_term_goes_on() -> None:
    assert filtered("a then count seen", "a then next term", "b then discard") == {"drop"}


def test_two_actions_are_no_decision() -> None:
    assert filtered("a then accept", "a then discard") == {"accept", "drop"}


@pytest.mark.parametrize(
    ("source", "verdict"),
    [("10.0.0.9", "accept"), ("10.0.66.9", "drop"), ("10.0.66.200", "accept"), ("11.0.0.1", "drop")],
)
def test_the_longest_prefix_of_a_list_decides(source: str, verdict: str) -> None:
    listed = ["10.0.0.0/8", "10.0.66.0/24 except", "10.0.66.192/26"]
    terms = [f"a from source-address {one}" for one in listed]
    assert filtered(*terms, "a then accept", packet=flow(source, "10.0.1.9")) == {verdict}


def test_exceptions_alone_are_not_certain() -> None:
    terms = ("a from source-address 10.0.66.0/24 except", "a then accept")
    assert filtered(*terms) == {"accept", "drop"}
    assert filtered(*terms, packet=flow("10.0.66.1", "10.0.1.9")) == {"drop"}


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("protocol tcp", {"accept"}),
        ("protocol 6", {"accept"}),
        ("protocol-except tcp", {"drop"}),
        ("protocol-except udp", {"accept"}),
        ("address 10.0.1.0/24", {"accept"}),
        ("address 10.0.2.0/24", {"drop"}),
        ("destination-address 10.0.1.9/255.0.0.255", {"accept"}),
        ("destination-address 10.0.1.8/255.0.0.255", {"drop"}),
        ("ttl 1", {"accept", "drop"}),
        ("dscp ef", {"accept", "drop"}),
        ("packet-length 500-5000", {"accept", "drop"}),
        ("source-prefix-list nowhere", {"accept", "drop"}),
        ("flying-colours blue", {"accept", "drop"}),
        ("protocol no-such-protocol", {"accept", "drop"}),
    ],
)
def test_matches_on_the_header(line: str, verdict: set[str]) -> None:
    assert filtered(f"a from {line}", "a then accept") == verdict


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("destination-port 80", {"accept"}),
        ("destination-port http", {"accept"}),
        ("destination-port 79-81", {"accept"}),
        ("destination-port 81", {"drop"}),
        ("destination-port-except 81", {"accept"}),
        ("source-port 40000", {"accept"}),
        ("port 80", {"accept"}),
        ("port 81", {"drop"}),
        ("destination-port moon", {"accept", "drop"}),
        ("tcp-initial", {"accept"}),
        ("tcp-established", {"drop"}),
        ('tcp-flags "syn & !ack"', {"accept"}),
        ('tcp-flags "(ack | rst)"', {"drop"}),
        ('tcp-flags "!(syn & !ack) | fin"', {"drop"}),
        ('tcp-flags "syn &"', {"accept", "drop"}),
    ],
)
def test_matches_on_tcp(line: str, verdict: set[str]) -> None:
    assert filtered("a from protocol tcp", f"a from {line}", "a then accept") == verdict


def test_a_port_implies_no_protocol() -> None:
    """Junos reads the bytes where TCP has its port, whatever the packet is."""
    ping = flow("10.0.0.9", "10.0.1.9", 1, 0, icmp_type=8)
    assert filtered("a from destination-port 22", "a then accept", packet=ping) == {"accept", "drop"}
    with_tcp = ("a from protocol tcp", "a from destination-port 22", "a then accept")
    assert filtered(*with_tcp, packet=ping) == {"drop"}


def test_a_later_fragment_has_no_port_to_be_sure_of() -> None:
    piece = flow("10.0.0.9", "10.0.1.9", fragment=True)
    terms = ("a from protocol tcp", "a from destination-port 22", "a then accept")
    assert filtered(*terms, packet=piece) == {"accept", "drop"}
    assert filtered("a from is-fragment", "a then discard", "b then accept", packet=piece) == {"drop"}
    assert filtered("a from is-fragment", "a then discard", "b then accept") == {"accept"}


def test_icmp_by_type() -> None:
    ping = flow("10.0.0.9", "10.0.1.9", 1, 0, icmp_type=8)
    terms = ("a from protocol icmp", "a from icmp-type echo-request", "a then accept")
    assert filtered(*terms, packet=ping) == {"accept"}
    assert filtered("a from protocol icmp", "a from icmp-type 0", "a then accept", packet=ping) == {"drop"}


def test_ipv6_filters_have_names_of_their_own() -> None:
    read = device(
        "set interfaces ge-0/0/0 unit 0 family inet6 filter input F\n"
        "set firewall family inet6 filter F term a from next-header tcp\n"
        "set firewall family inet6 filter F term a from source-address 2001:db8::/32\n"
        "set firewall family inet6 filter F term a then accept\n"
        "set firewall filter F term a then discard\n"
    )
    packet = flow("2001:db8::1", "2001:db8::2")
    assert verdicts(read, "inet6 F", packet) == {"accept"}
    assert attached(read, Hook.INGRESS) == [("inet6 F", "ge-0/0/0.0")]
    assert verdicts(read, "inet F", WEB) == {"drop"}


def test_prefix_lists_and_what_a_path_collects() -> None:
    text = (
        BASE
        + 'set policy-options prefix-list peers apply-path "protocols bgp group <*> neighbor <10.*>"\n'
        + "set protocols bgp group g neighbor 10.0.0.9\nset protocols bgp group g neighbor 192.0.2.9\n"
        + "set policy-options prefix-list empty\n"
        + "set firewall family inet filter F term a from source-prefix-list peers\n"
        + "set firewall family inet filter F term a then accept\n"
        + "set firewall family inet filter E term a from source-prefix-list empty\n"
        + "set firewall family inet filter E term a then accept\n"
    )
    read = device(text)
    assert verdicts(read, "inet F", WEB) == {"accept"}
    assert verdicts(read, "inet F", flow("192.0.2.9", "10.0.1.9")) == {"drop"}
    assert verdicts(read, "inet E", WEB) == {"accept", "drop"}


def test_a_list_of_filters_is_one_filter() -> None:
    text = (
        "set interfaces ge-0/0/0 unit 0 family inet filter input-list [ one two ]\n"
        "set firewall family inet filter one term a from protocol udp\n"
        "set firewall family inet filter one term a then discard\n"
        "set firewall family inet filter two term a from protocol tcp\n"
        "set firewall family inet filter two term a then accept\n"
    )
    read = device(text)
    assert attached(read, Hook.INGRESS) == [("inet list one two", "ge-0/0/0.0")]
    assert verdicts(read, "inet list one two", WEB) == {"accept"}
    assert verdicts(read, "inet list one two", flow("10.0.0.9", "10.0.1.9", 17)) == {"drop"}


def test_a_nested_filter_returns_where_it_does_not_decide() -> None:
    text = (
        BASE
        + "set firewall family inet filter F term a filter inner\n"
        + "set firewall family inet filter F term b then accept\n"
        + "set firewall family inet filter inner term a from protocol udp\n"
        + "set firewall family inet filter inner term a then discard\n"
    )
    read = device(text)
    assert verdicts(read, "inet F", WEB) == {"accept"}
    assert verdicts(read, "inet F", flow("10.0.0.9", "10.0.1.9", 17)) == {"drop"}


def test_a_filter_that_is_not_there_decides_nothing() -> None:
    read = device(BASE)
    ((acl, _),) = attached(read, Hook.INGRESS)
    assert verdicts(read, acl, WEB) == {"accept", "drop"}


def test_an_unknown_action_makes_the_device_doubtful() -> None:
    read = device(BASE + "set firewall family inet filter F term a then frobnicate\n")
    assert verdicts(read, "inet F", WEB) == {"accept", "drop"}
    assert doubts(read) == ["set firewall family inet filter F term a then frobnicate"]


def test_output_filters_and_those_of_the_device_itself() -> None:
    read = device(
        BASE
        + "set interfaces ge-0/0/1 unit 0 family inet filter output F\n"
        + "set interfaces lo0 unit 0 family inet filter input F\n"
        + "set firewall family inet filter F term a from protocol tcp\n"
        + "set firewall family inet filter F term a then accept\n"
        + "set routing-instances RED instance-type virtual-router\n"
        + "set routing-instances RED interface ge-0/0/2.0\n"
        + "set interfaces ge-0/0/2 unit 0 family inet address 10.0.2.1/24\n"
    )
    assert attached(read, Hook.EGRESS) == [("inet F", "ge-0/0/1.0")]
    ((guard, interface),) = attached(read, Hook.INPUT)
    assert interface is None
    udp = flow("10.0.0.9", "10.0.0.1", 17)
    assert verdicts(read, guard, udp) == {"drop"}
    assert verdicts(read, guard, udp, incoming="ge-0/0/2.0") == {"accept"}, (
        "another instance is not guarded"
    )


def test_filter_based_forwarding_may_lead_into_the_other_instance() -> None:
    read = device(
        BASE
        + "set firewall family inet filter F term a then routing-instance RED\n"
        + "set routing-instances RED instance-type virtual-router\n"
        + "set routing-instances RED interface ge-0/0/2.0\n"
        + "set interfaces ge-0/0/2 unit 0 family inet address 10.0.2.1/24\n"
    )
    (route,) = [route for route in read.routes if route.protocol == "unknown"]
    assert {"ge-0/0/1.0", "ge-0/0/2.0"} <= {hop.interface for hop in route.next_hops}


def test_an_ace_cites_its_term() -> None:
    read = device(
        BASE
        + "set firewall family inet filter F term a from protocol tcp\n"
        + "set firewall family inet filter F term a then accept\n"
    )
    (ace,) = read.acls["inet F"].aces
    assert ace.text == "filter F term a from protocol tcp; then accept"
    assert ace.span is not None and (ace.span.first_line, ace.span.last_line) == (5, 6)


def test_a_prefix_list_of_another_family_is_not_certain() -> None:
    text = BASE + "set policy-options prefix-list six 2001:db8::/32\n"
    text += "set firewall family inet filter F term a from source-prefix-list six\n"
    read = device(text + "set firewall family inet filter F term a then accept\n")
    assert verdicts(read, "inet F", WEB) == {"accept", "drop"}


@pytest.mark.parametrize(
    ("key", "then", "verdict"),
    [
        ("next-header", "discard", {"accept", "drop"}),
        ("payload-protocol", "discard", {"drop"}),
        ("next-header", "accept", {"accept"}),
    ],
)
def test_an_extension_header_escapes_what_compares_the_next_header(
    key: str, then: str, verdict: set[str]
) -> None:
    terms = (f"a from {key} tcp", f"a then {then}", "b then accept")
    packet = flow("2001:db8::1", "2001:db8::2")
    assert filtered(*terms, family="inet6", packet=packet) == verdict
