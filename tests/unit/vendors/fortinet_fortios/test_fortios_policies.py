"""Policies: what they match, in which order, and what is only perhaps."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from segaudit.model.device import Device
from segaudit.model.flow import ConnectionState, Flow
from segaudit.reach.interpret import Context, decisions

Firewall = Callable[[str], Device]
Packets = Callable[..., Flow]
Verdicts = Callable[..., set[str]]

OBJECTS = """\
config firewall address
    edit "one"
        set subnet 10.1.1.0 255.255.255.0
    next
    edit "host"
        set subnet 10.1.1.7/32
    next
    edit "two"
        set type iprange
        set start-ip 10.2.0.10
        set end-ip 10.2.0.20
    next
    edit "name"
        set type fqdn
        set fqdn "host.example"
    next
    edit "even"
        set type wildcard
        set wildcard 10.2.0.0 255.255.0.1
    next
end
config firewall addrgrp
    edit "but-host"
        set member "one"
        set exclude enable
        set exclude-member "host"
    next
    edit "nested"
        set member "but-host" "two"
    next
    edit "loop"
        set member "loop" "one"
    next
end
config firewall service custom
    edit "web"
        set tcp-portrange 80 443
    next
    edit "from-low"
        set tcp-portrange 1000-2000:1-1023
        set udp-portrange 53
    next
    edit "ping"
        set protocol ICMP
        set icmptype 8
    next
    edit "gre"
        set protocol IP
        set protocol-number 47
    next
    edit "any-ip"
        set protocol IP
    next
end
config firewall service group
    edit "group"
        set member "web" "ping"
    next
end
"""


def policy(number: int = 1, **settings: str) -> str:
    given = {"srcintf": "any", "dstintf": "any", "srcaddr": "all", "dstaddr": "all"}
    given |= {"service": "ALL", "action": "accept"}
    given |= {key.replace("_", "-"): value for key, value in settings.items()}
    lines = "".join(f"        set {key} {value}\n" for key, value in given.items() if value)
    return f"    edit {number}\n{lines}    next\n"


def policies(*written: str, objects: str = OBJECTS, table: str = "policy") -> str:
    return f"{objects}config firewall {table}\n{''.join(written)}end\n"


def test_without_a_policy_nothing_passes(firewall: Firewall, flow: Packets, verdicts: Verdicts) -> None:
    assert verdicts(firewall(""), flow("10.1.0.9", "10.2.0.9"), "port1", "port2") == {"drop"}


def test_a_policy_passes_what_it_matches(firewall: Firewall, flow: Packets, verdicts: Verdicts) -> None:
    device = firewall(policies(policy(srcintf="port1", dstintf="port2", srcaddr="one", service="web")))
    assert verdicts(device, flow("10.1.1.9", "10.2.0.9"), "port1", "port2") == {"accept"}
    assert verdicts(device, flow("10.1.1.9", "10.2.0.9", 22), "port1", "port2") == {"drop"}
    assert verdicts(device, flow("10.1.2.9", "10.2.0.9"), "port1", "port2") == {"drop"}
    assert verdicts(device, flow("10.1.1.9", "10.2.0.9"), "port1", "port3") == {"drop"}
    assert verdicts(device, flow("10.1.1.9", "10.2.0.9"), "port3", "port2") == {"drop"}


def test_the_first_policy_decides_whatever_its_number(
    firewall: Firewall, flow: Packets, verdicts: Verdicts
) -> None:
    device = firewall(policies(policy(9, action="deny", service="web"), policy(1)))
    assert verdicts(device, flow("10.1.1.9", "10.2.0.9"), "port1", "port2") == {"drop"}
    assert verdicts(device, flow("10.1.1.9", "10.2.0.9", 22), "port1", "port2") == {"accept"}


def test_a_moved_policy_decides_where_it_ends_up(
    firewall: Firewall, flow: Packets, verdicts: Verdicts
) -> None:
    device = firewall(policies(policy(1), policy(2, action="deny"), "    move 2 before 1\n"))
    assert verdicts(device, flow("10.1.1.9", "10.2.0.9"), "port1", "port2") == {"drop"}


def test_without_an_action_a_policy_denies(firewall: Firewall, flow: Packets, verdicts: Verdicts) -> None:
    device = firewall(policies(policy(1, action=""), policy(2)))
    assert verdicts(device, flow("10.1.1.9", "10.2.0.9"), "port1", "port2") == {"drop"}


def test_a_disabled_policy_is_none(firewall: Firewall, flow: Packets, verdicts: Verdicts) -> None:
    device = firewall(policies(policy(1, status="disable")))
    assert verdicts(device, flow("10.1.1.9", "10.2.0.9"), "port1", "port2") == {"drop"}
    assert "disabled" in {line.reason for line in device.lines}


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("one", "10.1.1.255", "accept"),
        ("one", "10.1.2.0", "drop"),
        ("but-host", "10.1.1.7", "drop"),
        ("but-host", "10.1.1.8", "accept"),
        ("nested", "10.2.0.20", "accept"),
        ("nested", "10.1.1.7", "drop"),
        ("two", "10.2.0.21", "drop"),
        ("two", "10.2.0.10", "accept"),
        ("even", "10.2.7.8", "accept"),
        ("even", "10.2.7.9", "drop"),
        ("all", "203.0.113.1", "accept"),
        ("none", "10.1.1.1", "drop"),
    ],
)
def test_addresses(
    firewall: Firewall, flow: Packets, verdicts: Verdicts, name: str, source: str, expected: str
) -> None:
    device = firewall(policies(policy(srcaddr=name)))
    assert verdicts(device, flow(source, "10.3.0.9"), "port1", "port3") == {expected}


@pytest.mark.parametrize("name", ["name", "undefined", "loop"])
@pytest.mark.parametrize("action", ["accept", "deny"])
def test_what_is_not_known_is_perhaps(
    firewall: Firewall, flow: Packets, verdicts: Verdicts, name: str, action: str
) -> None:
    other = "deny" if action == "accept" else "accept"
    device = firewall(policies(policy(1, srcaddr=name, action=action), policy(2, action=other)))
    assert verdicts(device, flow("10.2.0.50", "10.3.0.9"), "port2", "port3") == {"accept", "drop"}


@pytest.mark.parametrize(
    ("service", "packet", "expected"),
    [
        ("web", {"port": 443}, "accept"),
        ("web", {"port": 444}, "drop"),
        ("web", {"port": 443, "protocol": 17}, "drop"),
        ("from-low", {"port": 1500, "sport": 1023}, "accept"),
        ("from-low", {"port": 1500, "sport": 1024}, "drop"),
        ("from-low", {"port": 53, "protocol": 17}, "accept"),
        ("ping", {"port": 8, "protocol": 1}, "accept"),
        ("ping", {"port": 13, "protocol": 1}, "drop"),
        ("gre", {"protocol": 47}, "accept"),
        ("gre", {"protocol": 50}, "drop"),
        ("any-ip", {"protocol": 50}, "accept"),
        ("group", {"port": 8, "protocol": 1}, "accept"),
        ("group", {"port": 80}, "accept"),
        ("group", {"port": 81}, "drop"),
        ("ALL", {"protocol": 99}, "accept"),
    ],
)
def test_services(
    firewall: Firewall,
    flow: Packets,
    verdicts: Verdicts,
    service: str,
    packet: dict[str, int],
    expected: str,
) -> None:
    device = firewall(policies(policy(service=service)))
    assert verdicts(device, flow("10.1.0.9", "10.2.0.9", **packet), "port1", "port2") == {expected}


def test_an_undefined_service_is_perhaps(firewall: Firewall, flow: Packets, verdicts: Verdicts) -> None:
    device = firewall(policies(policy(service="unheard-of")))
    assert verdicts(device, flow("10.1.0.9", "10.2.0.9"), "port1", "port2") == {"accept", "drop"}


@pytest.mark.parametrize(
    ("setting", "source", "port", "expected"),
    [
        ({"srcaddr": "one", "srcaddr_negate": "enable"}, "10.1.1.1", 80, {"drop"}),
        ({"srcaddr": "one", "srcaddr_negate": "enable"}, "10.1.2.1", 80, {"accept"}),
        ({"service": "web", "service_negate": "enable"}, "10.1.2.1", 80, {"drop"}),
        ({"service": "web", "service_negate": "enable"}, "10.1.2.1", 81, {"accept"}),
    ],
)
def test_negations(
    firewall: Firewall,
    flow: Packets,
    verdicts: Verdicts,
    setting: dict[str, str],
    source: str,
    port: int,
    expected: set[str],
) -> None:
    device = firewall(policies(policy(1, **setting)))
    assert verdicts(device, flow(source, "10.2.0.9", port), "port1", "port2") == expected


@pytest.mark.parametrize(
    "setting",
    [
        {"groups": "staff"},
        {"users": "somebody"},
        {"schedule": "office"},
        {"schedule": "never-defined"},
        {"internet_service": "enable", "internet_service_name": "Some-Web", "dstaddr": "", "service": ""},
        {"internet_service_src": "enable", "internet_service_src_name": "Some-Web", "srcaddr": ""},
        {"application": "15832"},
        {"tos_mask": "0xfc", "tos": "0x10"},
        {"srcaddr": ""},
        {"service": ""},
        {"srcintf": "undefined-zone"},
    ],
)
def test_what_no_header_tells_is_perhaps(
    firewall: Firewall, flow: Packets, verdicts: Verdicts, setting: dict[str, str]
) -> None:
    schedule = "config firewall schedule recurring\nedit office\nset day monday\nnext\nend\n"
    device = firewall(schedule + policies(policy(1, **setting)))
    assert verdicts(device, flow("10.1.0.9", "10.2.0.9"), "port1", "port2") == {"accept", "drop"}
    device = firewall(schedule + policies(policy(1, action="deny", **setting), policy(2)))
    assert verdicts(device, flow("10.1.0.9", "10.2.0.9"), "port1", "port2") == {"accept", "drop"}


def test_the_schedule_of_every_day_is_always(firewall: Firewall, flow: Packets, verdicts: Verdicts) -> None:
    days = "sunday monday tuesday wednesday thursday friday saturday"
    blocks = f"config firewall schedule recurring\nedit always\nset day {days}\nnext\nend\n"
    device = firewall(blocks + policies(policy(schedule="always")))
    assert verdicts(device, flow("10.1.0.9", "10.2.0.9"), "port1", "port2") == {"accept"}
    fewer = blocks.replace("sunday ", "")
    device = firewall(fewer + policies(policy(schedule="always")))
    assert verdicts(device, flow("10.1.0.9", "10.2.0.9"), "port1", "port2") == {"accept", "drop"}


def test_a_policy_of_ipv4_says_nothing_of_ipv6(
    firewall: Firewall, flow: Packets, verdicts: Verdicts
) -> None:
    device = firewall(policies(policy()))
    assert verdicts(device, flow("2001:db8:1::1", "2001:db8:2::1"), "port1", "port2") == {"drop"}


def test_one_policy_may_be_of_both_families(firewall: Firewall, flow: Packets, verdicts: Verdicts) -> None:
    six = 'config firewall address6\nedit "v6"\nset ip6 2001:db8:1::/48\nnext\nend\n'
    device = firewall(six + policies(policy(srcaddr6="v6", dstaddr6="all")))
    assert verdicts(device, flow("2001:db8:1::1", "2001:db8:2::1"), "port1", "port2") == {"accept"}
    assert verdicts(device, flow("2001:db8:3::1", "2001:db8:2::1"), "port1", "port2") == {"drop"}
    assert verdicts(device, flow("10.1.0.9", "10.2.0.9"), "port1", "port2") == {"accept"}


def test_a_policy_may_be_of_ipv6_alone(firewall: Firewall, flow: Packets, verdicts: Verdicts) -> None:
    device = firewall(policies(policy(srcaddr="", dstaddr="", srcaddr6="all", dstaddr6="all")))
    assert verdicts(device, flow("2001:db8:3::1", "2001:db8:2::1"), "port1", "port2") == {"accept"}
    assert verdicts(device, flow("10.1.0.9", "10.2.0.9"), "port1", "port2") == {"drop"}


def test_policies_of_ipv6_may_have_a_table_of_their_own(
    firewall: Firewall, flow: Packets, verdicts: Verdicts
) -> None:
    device = firewall(policies(policy(), table="policy6"))
    assert verdicts(device, flow("2001:db8:3::1", "2001:db8:2::1"), "port1", "port2") == {"accept"}
    assert verdicts(device, flow("10.1.0.9", "10.2.0.9"), "port1", "port2") == {"drop"}


# ---- what passes without a policy ---------------------------------------------------------------


def zone(intrazone: str) -> str:
    line = f"        set intrazone {intrazone}\n" if intrazone else ""
    return (
        f'config system zone\n    edit "inside"\n{line}        set interface port1 port2\n    next\nend\n'
    )


@pytest.mark.parametrize(("intrazone", "expected"), [("", "drop"), ("deny", "drop"), ("allow", "accept")])
def test_inside_a_zone(
    firewall: Firewall, flow: Packets, verdicts: Verdicts, intrazone: str, expected: str
) -> None:
    device = firewall(zone(intrazone))
    assert verdicts(device, flow("10.1.0.9", "10.2.0.9"), "port1", "port2") >= {expected}
    assert verdicts(device, flow("10.1.0.9", "10.3.0.9"), "port1", "port3") == {"drop"}
    if expected == "drop":
        assert verdicts(device, flow("10.1.0.9", "10.2.0.9"), "port1", "port2") == {"drop"}


def test_a_policy_names_a_zone(firewall: Firewall, flow: Packets, verdicts: Verdicts) -> None:
    device = firewall(zone("deny") + policies(policy(srcintf="inside", dstintf="port3")))
    assert verdicts(device, flow("10.2.0.9", "10.3.0.9"), "port2", "port3") == {"accept"}
    assert verdicts(device, flow("10.3.0.9", "10.2.0.9"), "port3", "port2") == {"drop"}


def test_a_policy_that_denies_may_not_reach_inside_a_zone(
    firewall: Firewall, flow: Packets, verdicts: Verdicts
) -> None:
    device = firewall(zone("allow") + policies(policy(action="deny")))
    assert verdicts(device, flow("10.1.0.9", "10.2.0.9"), "port1", "port2") == {"accept", "drop"}


@pytest.mark.parametrize(
    ("version", "setting", "expected"),
    [
        ("7.0.1", "", {"accept", "drop"}),
        ("7.4.9", "", {"accept", "drop"}),
        ("7.4.10", "", {"drop"}),
        ("7.6.4", "", {"accept", "drop"}),
        ("7.6.5", "", {"drop"}),
        ("7.6.5", "enable", {"accept", "drop"}),
        ("7.0.1", "disable", {"drop"}),
    ],
)
def test_out_of_the_interface_that_it_came_in_by(
    read: Firewall,
    flow: Packets,
    verdicts: Verdicts,
    version: str,
    setting: str,
    expected: set[str],
) -> None:
    keys = ("allow-traffic-redirect", "ipv6-allow-traffic-redirect")
    lines = "".join(f"    set {key} {setting}\n" for key in keys) if setting else ""
    device = read(
        f"#config-version=FGVMK6-{version}-FW-build2000-250101:opmode=0:vdom=0:user=admin\n"
        f"config system global\n{lines}end\n"
        "config system interface\n    edit port1\n        set ip 10.1.0.1/16\n    next\nend\n"
        "config router multicast\nend\n"
    )
    assert verdicts(device, flow("10.1.0.9", "10.1.0.10"), "port1", "port1") == expected


# ---- session helpers ----------------------------------------------------------------------------

HELPERS = """\
config system session-helper
    edit 1
        set name ftp
        set protocol 6
        set port 21
    next
    edit 2
        set name sip
        set protocol 17
        set port 5060
    next
    edit 3
        set name dns-udp
        set protocol 17
        set port 53
    next
end
config firewall service custom
    edit "ftp"
        set tcp-portrange 21
    next
    edit "sip"
        set udp-portrange 5060
    next
    edit "dns"
        set udp-portrange 53
    next
end
"""


@pytest.mark.parametrize(
    ("service", "same_ends", "other_ends"),
    [
        ("ftp", {"accept", "drop"}, {"drop"}),
        ("sip", {"accept", "drop"}, {"accept", "drop"}),
        ("dns", {"drop"}, {"drop"}),
    ],
)
def test_helpers_let_further_connections_through(
    firewall: Firewall,
    flow: Packets,
    verdicts: Verdicts,
    service: str,
    same_ends: set[str],
    other_ends: set[str],
) -> None:
    written = policy(srcintf="port1", dstintf="port2", srcaddr="one", dstaddr="two", service=service)
    device = firewall(HELPERS + policies(written))
    assert verdicts(device, flow("10.2.0.10", "10.1.1.9", 5000), "port2", "port1") == same_ends
    assert verdicts(device, flow("10.1.1.9", "10.2.0.10", 5000), "port1", "port2") == same_ends
    assert verdicts(device, flow("10.2.0.99", "10.1.1.9", 5000), "port2", "port1") == other_ends
    assert verdicts(device, flow("10.2.0.10", "10.3.0.9", 5000), "port2", "port3") == {"drop"}


def test_without_the_table_the_usual_helpers_are_there(
    read: Firewall, flow: Packets, verdicts: Verdicts
) -> None:
    device = read(
        "#config-version=FGVMK6-7.0.1-FW-build0157-210714:opmode=0:vdom=0:user=admin\n"
        "config system interface\nedit port1\nnext\nedit port2\nnext\nend\n"
        + policies(policy(srcintf="port1", dstintf="port2"))
        + "config router multicast\nend\n"
    )
    assert verdicts(device, flow("10.2.0.10", "10.1.1.9", 5000), "port2", "port1") == {"accept", "drop"}


@pytest.mark.parametrize(
    ("mode", "profile", "expected"),
    [
        ("proxy-based", "", {"accept", "drop"}),
        ("kernel-helper-based", "", {"drop"}),
        ("kernel-helper-based", "default", {"accept", "drop"}),
    ],
)
def test_the_voice_gateway_works_beside_the_table(
    firewall: Firewall, flow: Packets, verdicts: Verdicts, mode: str, profile: str, expected: set[str]
) -> None:
    settings = f"config system settings\n    set default-voip-alg-mode {mode}\nend\n"
    services = "config firewall service custom\nedit sip\nset udp-portrange 5060\nnext\nend\n"
    written = policy(srcintf="port1", dstintf="port2", service="sip", voip_profile=profile)
    device = firewall(settings + policies(written, objects=services))
    assert verdicts(device, flow("10.2.0.10", "10.1.1.9", 5000), "port2", "port1") == expected


# ---- sessions -----------------------------------------------------------------------------------


def in_session(
    device: Device,
    packet: Flow,
    incoming: str,
    outgoing: str,
    state: ConnectionState = ConnectionState.ESTABLISHED,
) -> set[str]:
    found = decisions(device, "forward", packet, Context(incoming, outgoing, state))
    return {getattr(one.verdict, "value", "") for one in found}


def test_a_session_passes_between_its_own_interfaces_alone(firewall: Firewall, flow: Packets) -> None:
    device = firewall(policies(policy(srcintf="port1", dstintf="port2", service="web")))
    packet = flow("10.1.0.9", "10.2.0.9", 22)
    assert in_session(device, packet, "port1", "port2") == {"accept"}
    assert in_session(device, packet, "port2", "port1") == {"accept"}
    assert in_session(device, packet, "port1", "port3") == {"drop"}
    assert in_session(device, packet, "port3", "port2") == {"drop"}


@pytest.mark.parametrize(
    ("version", "setting", "expected"),
    [
        ("7.0.1", "enable", {"accept"}),
        ("7.0.1", "disable", {"drop"}),
        ("6.2.2", "disable", {"accept"}),
        ("6.2.3", "disable", {"drop"}),
        ("6.0.9", "disable", {"drop"}),
    ],
)
def test_with_auxiliary_sessions_an_answer_goes_by_the_best_route(
    read: Firewall, flow: Packets, version: str, setting: str, expected: set[str]
) -> None:
    device = read(
        f"#config-version=FGVMK6-{version}-FW-build2000-250101:opmode=0:vdom=0:user=admin\n"
        f"config system settings\n    set auxiliary-session {setting}\nend\n"
        "config system interface\nedit port1\nnext\nedit port2\nnext\nedit port3\nnext\nend\n"
        + policies(policy(srcintf="port1", dstintf="port2"))
        + "config router multicast\nend\n"
    )
    assert in_session(device, flow("10.1.0.9", "10.2.0.9"), "port2", "port3") == expected


def test_an_icmp_error_about_a_session_may_come_from_anywhere(firewall: Firewall, flow: Packets) -> None:
    device = firewall(policies(policy(srcintf="port1", dstintf="port2")))
    error = flow("10.3.0.9", "10.1.0.9", 3, 1)
    assert in_session(device, error, "port3", "port1", ConnectionState.RELATED) == {"accept", "drop"}
