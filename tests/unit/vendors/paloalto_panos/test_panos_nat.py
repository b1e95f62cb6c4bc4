"""NAT rules, by the ways of single packets through a firewall."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from segaudit.model.device import Device
from segaudit.model.flow import Family, Flow
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.reach.walk import Walker
from segaudit.vendors.paloalto_panos import VENDOR

BASE = """
set network interface ethernet ethernet1/1 layer3 ip 10.1.0.1/24
set network interface ethernet ethernet1/2 layer3 ip 10.2.0.1/24
set network virtual-router vr interface [ ethernet1/1 ethernet1/2 ]
set zone in network layer3 ethernet1/1
set zone out network layer3 ethernet1/2
set address public ip-netmask 10.1.0.80
set address server ip-netmask 10.2.0.80
"""
NAT = """
set rulebase nat rules n from in
set rulebase nat rules n to any
set rulebase nat rules n source any
set rulebase nat rules n destination any
set rulebase nat rules n service any
"""


def policy(*rules: tuple[str, str]) -> str:
    lines = []
    for number, (target, action) in enumerate(rules):
        name = f"set rulebase security rules s{number}"
        lines += [f"{name} {key} any" for key in ("from", "to", "source", "application", "service")]
        lines += [f"{name} destination {target}", f"{name} action {action}"]
    return "\n".join(lines) + "\n"


def read(text: str) -> Device:
    return VENDOR.read(RawConfig("d", "", (RawFile("devices/d/running-config.txt", text, ""),)))


def leaving(
    text: str, target: str, source: str = "10.1.0.9", port: int = 80, incoming: str = "ethernet1/1"
) -> set[str]:
    """The packets that may leave for one that came; ``dropped`` where it may not."""
    device = read(text)
    flow = Flow(Family.IPV4, 6, int(ip_address(source)), int(ip_address(target)), 1024, port, tcp_flags=2)
    found = set()
    for walk in Walker({"d": device}, {}).walk(flow, "d", incoming):
        sent = any(step.action == "sent" for step in walk.trace.steps)
        now = walk.trace.arrived
        ends = f"{now.source_address}>{now.destination_address}:{now.destination_port}"
        found.add(ends if sent else "dropped")
    return found


DESTINATION = NAT.replace("destination any", "destination public") + (
    "set rulebase nat rules n destination-translation translated-address server\n"
)


def test_destination_translation_is_matched_before_and_routed_after() -> None:
    assert leaving(BASE + DESTINATION + policy(("any", "allow")), "10.1.0.80") == {"10.1.0.9>10.2.0.80:80"}
    assert leaving(BASE + DESTINATION + policy(("any", "allow")), "10.2.0.7") == {"10.1.0.9>10.2.0.7:80"}


def test_the_policy_means_the_address_before_translation() -> None:
    """A rule that denies the server denies nobody who asked for its public address."""
    asked = policy(("server", "deny"), ("public", "allow"))
    assert "10.1.0.9>10.2.0.80:80" in leaving(BASE + DESTINATION + asked, "10.1.0.80")
    assert "dropped" in leaving(BASE + DESTINATION + asked, "10.2.0.80")
    never = policy(("10.2.0.7", "allow"))
    assert leaving(BASE + DESTINATION + never, "10.1.0.80") == {"dropped"}


def test_a_translated_port_is_asked_for_before_translation() -> None:
    ports = DESTINATION + "set rulebase nat rules n destination-translation translated-port 8080\n"
    web = policy(("any", "allow")).replace("service any", "service service-https")
    assert "10.1.0.9>10.2.0.80:8080" in leaving(BASE + ports + web, "10.1.0.80", port=443)


def test_the_zone_of_the_route_before_translation_stays_open() -> None:
    there = DESTINATION.replace("to any", "to in")
    assert leaving(BASE + there + policy(("any", "allow")), "10.1.0.80") == {
        "10.1.0.9>10.2.0.80:80",
        "10.1.0.9>10.1.0.80:80",
    }


@pytest.mark.parametrize(
    ("translation", "result"),
    [
        ("dynamic-ip-and-port translated-address 10.2.0.50", "10.2.0.50"),
        ("dynamic-ip translated-address 10.2.0.50", "10.2.0.50"),
        ("static-ip translated-address 10.2.0.50", "10.2.0.50"),
        ("dynamic-ip-and-port interface-address interface ethernet1/2", "10.2.0.1"),
    ],
)
def test_source_translation_comes_after_the_policy(translation: str, result: str) -> None:
    rule = NAT.replace("to any", "to out") + f"set rulebase nat rules n source-translation {translation}\n"
    allowed = policy(("any", "allow")).replace("source any", "source 10.1.0.9")
    assert leaving(BASE + rule + allowed, "10.2.0.7") == {f"{result}>10.2.0.7:80"}
    by_new = policy(("any", "allow")).replace("source any", f"source {result}")
    assert leaving(BASE + rule + by_new, "10.2.0.7") == {"dropped"}


def test_a_rule_without_translation_ends_the_search() -> None:
    none = NAT.replace(" n ", " a ").replace("destination any", "destination 10.2.0.7")
    rule = NAT + "set rulebase nat rules n source-translation dynamic-ip translated-address 10.2.0.50\n"
    allow = policy(("any", "allow"))
    assert leaving(BASE + none + rule + allow, "10.2.0.7") == {"10.1.0.9>10.2.0.7:80"}
    assert leaving(BASE + none + rule + allow, "10.2.0.8") == {"10.2.0.50>10.2.0.8:80"}
    off = none + "set rulebase nat rules a disabled yes\n"
    assert leaving(BASE + off + rule + allow, "10.2.0.7") == {"10.2.0.50>10.2.0.7:80"}


def test_a_static_translation_has_a_way_back() -> None:
    rule = NAT.replace("source any", "source 10.1.0.9") + (
        "set rulebase nat rules n source-translation static-ip translated-address 10.2.0.50\n"
        "set rulebase nat rules n source-translation static-ip bi-directional yes\n"
    )
    ways = leaving(BASE + rule + policy(("any", "allow")), "10.2.0.50", "10.2.0.7", 80, "ethernet1/2")
    assert "10.2.0.7>10.1.0.9:80" in ways
    # One rule for a session: what came by the way back meets no other rule of source translation.
    other = NAT.replace(" n ", " m ").replace("from in", "from any")
    other += "set rulebase nat rules m source-translation dynamic-ip translated-address 10.1.0.77\n"
    ways = leaving(
        BASE + rule + other + policy(("any", "allow")), "10.2.0.50", "10.2.0.7", 80, "ethernet1/2"
    )
    assert "10.2.0.7>10.1.0.9:80" in ways


@pytest.mark.parametrize(
    "line",
    [
        "dynamic-destination-translation translated-address server",
        "destination-translation translated-address nobody",
        "destination-translation translated-port 80",
        "nat-type nat64",
        "nat-type nptv6",
    ],
)
def test_what_a_translation_leads_to_may_be_unknown(line: str) -> None:
    assert read(BASE + NAT + f"set rulebase nat rules n {line}\n").unknown_translation
    assert not read(BASE + NAT).unknown_translation


def test_a_pool_that_is_unknown_may_be_any_address() -> None:
    rule = NAT + "set rulebase nat rules n source-translation dynamic-ip translated-address nobody\n"
    device = read(BASE + rule + policy(("any", "allow")))
    (ace,) = device.acls["source NAT of vsys1"].aces
    assert getattr(ace.action, "addresses", None) == ()


def test_a_firewall_that_translates_answers_for_the_addresses() -> None:
    assert read(BASE + DESTINATION).interfaces["ethernet1/1"].proxy_arp
    assert not read(BASE).interfaces["ethernet1/1"].proxy_arp
