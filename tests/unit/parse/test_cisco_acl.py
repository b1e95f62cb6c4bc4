"""The Cisco-style toolkit: one access list entry to matches."""

from __future__ import annotations

from dataclasses import replace

import pytest

from segaudit.model.acl import (
    AddressIn,
    AddressMasked,
    AllOf,
    AnyPacket,
    End,
    FieldIn,
    Forwarding,
    Matches,
    UnknownMatch,
    leaves,
)
from segaudit.model.flow import ConnectionState, Family, Flow
from segaudit.model.source import SourceSpan
from segaudit.parse.cisco.acl import AceReading, port_ranges, read_ace, read_standard_ace
from segaudit.parse.cisco.dialect import Dialect, MaskStyle
from segaudit.parse.cisco.groups import Groups, Nested, read_network_member, read_service_member
from segaudit.parse.cisco.names import TCP_PORTS
from segaudit.parse.cisco.words import Words, read
from segaudit.reach.interpret import evaluate

SPAN = SourceSpan("devices/d/running-config.txt", 1, 1)
IOS = Dialect("ios")


def words(text: str) -> Words:
    return read(text, SPAN)


def ace(text: str, family: Family | None = Family.IPV4, dialect: Dialect = IOS) -> AceReading:
    return read_ace(words(text), dialect, family)


def packet(
    source: str = "10.0.0.1",
    destination: str = "10.1.0.1",
    protocol: int = 6,
    port: int = 80,
    source_port: int = 40000,
    flags: int = 2,
    fragment: bool = False,
    icmp: tuple[int, int] = (0, 0),
) -> Flow:
    from segaudit.model.flow import parse_address

    family, number = parse_address(source)
    return Flow(
        family,
        protocol,
        number,
        parse_address(destination)[1],
        source_port,
        port,
        icmp[0],
        icmp[1],
        flags,
        fragment,
    )


def holds(matches: Matches, flow: Flow) -> bool | None:
    return evaluate(matches, flow, None, None, ConnectionState.NEW)


@pytest.mark.parametrize(
    ("text", "flow", "expected"),
    [
        ("permit ip any any", packet(), True),
        ("10 permit tcp any any eq www", packet(port=80), True),
        ("permit tcp any any eq www", packet(port=81), False),
        ("permit tcp any any eq 22 telnet 443", packet(port=23), True),
        ("permit tcp any any neq 22 23", packet(port=23), False),
        ("permit tcp any any neq 22 23", packet(port=24), True),
        ("permit tcp any gt 1023 any lt 1024", packet(port=80), True),
        ("permit tcp any gt 1023 any lt 1024", packet(port=80, source_port=80), False),
        ("permit tcp any range ftp-data ftp any", packet(source_port=21), True),
        ("permit udp any any eq domain", packet(protocol=17, port=53), True),
        ("permit udp any any eq domain", packet(protocol=6, port=53), False),
        ("permit ip 10.0.0.0 0.0.0.255 host 10.1.0.1", packet(), True),
        ("permit ip 10.0.0.0 0.0.0.255 host 10.1.0.1", packet(source="10.0.1.1"), False),
        ("permit ip 10.0.0.1 0.255.0.0 any", packet(source="10.77.0.1"), True),
        ("permit ip 10.0.0.1 0.255.0.0 any", packet(source="10.77.1.1"), False),
        ("permit ip 10.0.0.0/8 any", packet(), True),
        ("permit tcp any any established", packet(flags=16), True),
        ("permit tcp any any established", packet(flags=4), True),
        ("permit tcp any any established", packet(flags=2), False),
        ("permit tcp any any syn", packet(flags=2), True),
        ("permit tcp any any match-all +syn -ack", packet(flags=2), True),
        ("permit tcp any any match-all +syn -ack", packet(flags=18), False),
        ("permit tcp any any match-any +syn +ack", packet(flags=16), True),
        ("permit icmp any any echo", packet(protocol=1, icmp=(8, 0)), True),
        ("permit icmp any any 3 4", packet(protocol=1, icmp=(3, 4)), True),
        ("permit icmp any any packet-too-big", packet(protocol=1, icmp=(3, 3)), False),
        ("permit ospf any any", packet(protocol=89), True),
        ("permit 50 any any log", packet(protocol=50), True),
        ("permit ip any any fragments", packet(fragment=True), True),
        ("permit ip any any fragments", packet(), False),
        ("permit tcp any any eq 22", packet(port=80, fragment=True), True),
        ("deny tcp any any eq 22", packet(port=22, fragment=True), False),
        ("deny tcp any host 10.1.0.1", packet(fragment=True), True),
        ("permit ip any any log-input cookie", packet(), True),
        ("permit ip any any time-range WORK", packet(), None),
        ("permit ip any any dscp ef", packet(), None),
        ("permit tcp any any eq 80 ttl gt 5 log", packet(), None),
        ("permit tcp any any eq 80 ttl gt 5 log", packet(port=81), False),
        ("permit ip any any wibble", packet(), None),
        ("permit tcp any any eq no-such-port", packet(), None),
        ("permit ip object-group NONE any", packet(), None),
        ("permit ip host router.example any", packet(), None),
    ],
)
def test_what_an_entry_matches(text: str, flow: Flow, expected: bool | None) -> None:
    assert holds(ace(text).matches, flow) is expected


@pytest.mark.parametrize(
    ("text", "flow", "expected"),
    [
        ("permit tcp 2001:db8::/32 any eq 443", packet("2001:db8::1", "2001:db9::1", port=443), True),
        ("permit icmp any any nd-ns", packet("fe80::1", "ff02::1", protocol=58, icmp=(135, 0)), True),
        ("permit icmp any any nd-ns", packet("fe80::1", "ff02::1", protocol=58, icmp=(136, 0)), False),
        ("sequence 10 permit ipv6 host 2001:db8::1 any", packet("2001:db8::2", "::1"), False),
        ("permit ipv6 10.0.0.0 0.0.0.255 any", packet("2001:db8::2", "::1"), None),
    ],
)
def test_what_an_ipv6_entry_matches(text: str, flow: Flow, expected: bool | None) -> None:
    assert holds(ace(text, Family.IPV6).matches, flow) is expected


def test_words_that_are_not_understood_are_told_and_never_dropped() -> None:
    reading = ace("deny ip any any only on tuesdays")
    assert reading.unread == "only on tuesdays"
    assert any(isinstance(leaf, UnknownMatch) for leaf in leaves(reading.matches))
    assert reading.action is Forwarding.DROP


@pytest.mark.parametrize(
    "text", ["", "permit", "permit tcp", "permit tcp any", "allow ip any any", "permit foo any any"]
)
def test_an_entry_that_ends_too_early_matches_perhaps(text: str) -> None:
    reading = ace(text)
    assert reading.unread
    if reading.action is not None:
        assert holds(reading.matches, packet()) in (None, False)


def test_a_netmask_is_the_inverse_of_a_wildcard() -> None:
    by_mask = ace("permit ip 10.0.0.0 255.255.255.0 any", dialect=replace(IOS, mask=MaskStyle.NETMASK))
    assert by_mask.matches == ace("permit ip 10.0.0.0 0.0.0.255 any").matches
    assert by_mask.matches == AddressIn(End.SOURCE, Family.IPV4, ((0x0A000000, 0x0A0000FF),))


def test_a_wildcard_with_holes_is_a_masked_match() -> None:
    matches = ace("permit ip 10.0.0.1 0.255.0.0 any").matches
    assert matches == AddressMasked(End.SOURCE, Family.IPV4, 0x0A000001, 0xFF00FFFF)


def test_fragments_that_the_model_does_not_show_match_perhaps_and_are_denied_by_no_port() -> None:
    unseen = replace(IOS, fragments_unseen=True)
    assert holds(ace("permit tcp any any eq 22", dialect=unseen).matches, packet(port=80)) is None
    assert holds(ace("permit tcp any any eq 22", dialect=unseen).matches, packet(port=22)) is True
    assert holds(ace("deny tcp any any eq 22", dialect=unseen).matches, packet(port=22)) is None
    assert holds(ace("deny tcp any any", dialect=unseen).matches, packet(port=22)) is True


def test_remarks_sequences_and_reflexive_words() -> None:
    assert ace("20 remark permit ip any any").remark == "permit ip any any"
    assert ace("30 permit ip any any").sequence == 30
    assert ace("permit ipv6 any any sequence 40", Family.IPV6).sequence == 40
    assert ace("permit tcp any any reflect OUT timeout 300").reflects == "OUT"
    assert ace("evaluate OUT").evaluates == "OUT"
    assert isinstance(ace("permit ip any any log").matches, AnyPacket)


@pytest.mark.parametrize(
    ("text", "source", "expected"),
    [
        ("permit any", "10.0.0.1", True),
        ("permit 10.0.0.1", "10.0.0.1", True),
        ("permit 10.0.0.1", "10.0.0.2", False),
        ("permit host 10.0.0.2 log", "10.0.0.2", True),
        ("deny 10.0.0.0 0.0.0.255", "10.0.0.9", True),
        ("permit 10.0.0.0, wildcard bits 0.0.0.255", "10.0.0.9", None),
        ("permit 10.0.0.1 surprise", "10.0.0.1", None),
    ],
)
def test_standard_entries(text: str, source: str, expected: bool | None) -> None:
    assert holds(read_standard_ace(words(text), IOS).matches, packet(source)) is expected


def test_port_operators() -> None:
    assert port_ranges(words("lt 0"), TCP_PORTS) == ()
    assert port_ranges(words("gt 65535"), TCP_PORTS) == ()
    assert port_ranges(words("range 20 10"), TCP_PORTS) == ((10, 20),)
    assert port_ranges(words("eq 65536"), TCP_PORTS) is None
    assert port_ranges(words("neq 0"), TCP_PORTS) == ((1, 65535),)


# ---- groups -------------------------------------------------------------------------------------


def groups() -> Groups:
    found = Groups()
    for name, members in {
        "SERVERS": ["host 10.1.0.1", "10.2.0.0 255.255.0.0", "range 10.3.0.5 10.3.0.9"],
        "ALL": ["group-object SERVERS", "group-object MISSING"],
        "LOOP": ["group-object LOOP"],
    }.items():
        read_members = [read_network_member(words(one), MaskStyle.NETMASK) for one in members]
        found.networks[name] = [one for one in read_members if one is not None]
        assert len(found.networks[name]) == len(members)
    for name, members in {
        "WEB": ["tcp eq www", "tcp 443", "udp source gt 1023 eq 443"],
        "PING": ["icmp echo"],
    }.items():
        services = [read_service_member(words(one), IOS) for one in members]
        found.service_groups[name] = [one for one in services if one is not None]
        assert len(found.service_groups[name]) == len(members)
    return found


@pytest.mark.parametrize(
    ("text", "flow", "expected"),
    [
        ("permit ip any object-group SERVERS", packet(), True),
        ("permit ip any object-group SERVERS", packet(destination="10.3.0.9"), True),
        ("permit ip any object-group SERVERS", packet(destination="10.3.0.10"), False),
        ("permit ip any object-group ALL", packet(destination="10.2.9.9"), True),
        ("permit ip any object-group ALL", packet(destination="10.9.9.9"), None),
        ("permit ip any object-group LOOP", packet(), None),
        ("permit object-group WEB any any", packet(port=443), True),
        ("permit object-group WEB any any", packet(port=22), False),
        ("permit object-group WEB any any", packet(protocol=17, port=443, source_port=99), False),
        ("permit object-group PING any any", packet(protocol=1, icmp=(8, 0)), True),
        ("permit object-group NONE any any", packet(), None),
    ],
)
def test_entries_with_groups(text: str, flow: Flow, expected: bool | None) -> None:
    assert holds(read_ace(words(text), IOS, Family.IPV4, groups()).matches, flow) is expected


def test_groups_in_groups_are_read_once_however_often_they_are_held() -> None:
    found = Groups()
    for depth in range(3000):
        inner: list[Nested] = [Nested(f"{depth + 1}a"), Nested(f"{depth + 1}b")]
        found.networks[f"{depth}a"] = [*inner]
        found.networks[f"{depth}b"] = [*inner]
    for name in ("3000a", "3000b"):
        member = read_network_member(words("host 10.1.0.1"), MaskStyle.NETMASK)
        assert member is not None
        found.networks[name] = [member]
    matches = found.addresses("0a", End.DESTINATION)
    assert matches is not None
    assert holds(matches, packet()) is True
    assert holds(matches, packet(destination="10.1.0.2")) is False


@pytest.mark.parametrize(
    "text", ["host", "10.0.0.0 255.255.255.0 x", "range 10.0.0.9 10.0.0.1", "fqdn a.example"]
)
def test_members_that_are_not_understood(text: str) -> None:
    line = words(text)
    assert read_network_member(line, MaskStyle.NETMASK) is None or not line.done


def test_a_nested_group_is_a_name() -> None:
    assert read_network_member(words("group-object X"), MaskStyle.NETMASK) == Nested("X")
    assert read_service_member(words("group-object X"), IOS) == Nested("X")


def test_layer_four_matches_stand_beside_the_protocol() -> None:
    matches = ace("permit tcp any any eq 22", dialect=replace(IOS, permits_later_fragments=False)).matches
    assert isinstance(matches, AllOf)
    assert {type(part) for part in matches.of} == {FieldIn}
