from __future__ import annotations

from datetime import date
from ipaddress import ip_network

import pytest

from segaudit.model.flow import Family
from segaudit.model.policy import Service
from segaudit.policy.grammar import (
    Misread,
    parse_date,
    parse_hours,
    parse_name,
    parse_prefix,
    parse_service,
    parse_vlan,
)


@pytest.mark.parametrize(
    ("text", "protocol", "ports", "icmp_type"),
    [
        ("any", None, (), None),
        ("tcp/80", 6, ((80, 80),), None),
        ("tcp/0-65535", 6, ((0, 65535),), None),
        ("udp/53", 17, ((53, 53),), None),
        ("sctp/2905", 132, ((2905, 2905),), None),
        ("tcp/8000-8010", 6, ((8000, 8010),), None),
        ("icmp/8", 1, (), 8),
        ("icmpv6/128", 58, (), 128),
        ("ip/50", 50, (), None),
        ("ip/0", 0, (), None),
    ],
)
def test_services(
    text: str, protocol: int | None, ports: tuple[tuple[int, int], ...], icmp_type: int
) -> None:
    assert parse_service(text) == Service(text, protocol, ports, icmp_type)


@pytest.mark.parametrize(
    "text",
    ["", "tcp", "tcp/", "tcp/-1", "tcp/80-", "tcp/-80", "tcp/65536", "tcp/90-80", "tcp/80,81", "TCP/80",
     " tcp/80", "tcp/80 ", "tcp/80\n", "tcp/\u0668\u0660", "icmp/", "icmp/256", "icmp/8-9", "icmpv6/999",
     "ip/256", "ip/tcp", "any/1", "sctp", "/80", "gre/1"],
)  # fmt: skip
def test_not_services(text: str) -> None:
    with pytest.raises(Misread):
        parse_service(text)


@pytest.mark.parametrize(
    "text", ["10.0.0.0/8", "0.0.0.0/0", "10.1.2.3/32", "2001:db8::/32", "::/0", "2001:DB8:0::1/128"]
)
def test_prefixes(text: str) -> None:
    network = ip_network(text)
    first, last = int(network.network_address), int(network.broadcast_address)
    assert parse_prefix(text) == (Family(network.version), first, last)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("10.20.0.5/24", "write 10.20.0.0/24, or 10.20.0.5/32"),
        ("2001:db8::1/64", "write 2001:db8::/64, or 2001:db8::1/128"),
        ("10.20.0.5", "write 10.20.0.5/32 for the one address"),
        ("10.20.0.0/255.255.255.0", "write 10.20.0.0/24"),
    ],
)
def test_a_prefix_nearly_right_gets_the_right_one_as_hint(text: str, hint: str) -> None:
    with pytest.raises(Misread) as caught:
        parse_prefix(text)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    "text",
    ["", "10", "10/8", "10.0.0/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/0.0.0.255",
     "010.0.0.0/8", "::/129", "2001:db8::%eth0/64", "127.1.0.0/16", "169.254.0.0/16", "::1/128",
     "fe80::/10", "a/b", "1.2.3.4/8/8"],
)  # fmt: skip
def test_not_prefixes(text: str) -> None:
    with pytest.raises(Misread):
        parse_prefix(text)


def test_dates_are_calendar_days_in_one_spelling() -> None:
    assert parse_date("2028-02-29") == date(2028, 2, 29)
    for text in (
        "2027-02-29",
        "20271231",
        "2027-W01-1",
        "2027-1-1",
        "2027-12-31T00:00:00Z",
        "never",
        "0000-01-01",
    ):
        with pytest.raises(Misread):
            parse_date(text)


def test_durations_are_hours() -> None:
    assert (parse_hours("35d"), parse_hours("12h")) == (35 * 24, 12)
    for text in ("35", "0d", "1w", "d", "-1d", "1.5d", "035d", "1 d"):
        with pytest.raises(Misread):
            parse_hours(text)


def test_vlans() -> None:
    assert (parse_vlan("1"), parse_vlan("4094")) == (1, 4094)
    for text in ("0", "4095", "", "1-2", "0x10"):
        with pytest.raises(Misread):
            parse_vlan(text)


def test_names() -> None:
    assert parse_name("br-fw1.lab_2") == "br-fw1.lab_2"
    for text in ("", "-x", "a b", "a/b", "ä", "a\n", ".a", "*"):
        with pytest.raises(Misread):
            parse_name(text)
