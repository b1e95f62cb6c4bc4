"""What the device accepts for itself, how it is managed, and what it shares with others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from segaudit.model.device import Device
from segaudit.model.flow import Flow

Firewall = Callable[[str], Device]
Packets = Callable[..., Flow]
Verdicts = Callable[..., set[str]]


@pytest.mark.parametrize(
    ("packet", "incoming", "expected"),
    [
        ({"destination": "10.1.0.1", "port": 443}, "port1", {"accept"}),
        ({"destination": "10.1.0.1", "port": 8, "protocol": 1}, "port1", {"accept"}),
        ({"destination": "10.1.0.1", "port": 22}, "port1", {"drop"}),
        ({"destination": "10.1.0.1", "port": 9999}, "port1", {"drop"}),
        ({"destination": "10.2.0.1", "port": 443}, "port2", {"accept", "drop"}),
        ({"destination": "10.2.0.1", "port": 443}, "port1", {"drop"}),
        ({"destination": "10.1.0.1", "port": 443}, "port2", {"drop"}),
        ({"destination": "10.2.0.1", "port": 8, "protocol": 1}, "port1", {"drop"}),
        ({"destination": "10.1.0.1", "port": 179}, "port1", {"accept", "drop"}),
        ({"destination": "10.1.0.1", "protocol": 50}, "port1", {"accept", "drop"}),
    ],
)
def test_access_is_as_the_interface_allows(
    firewall: Firewall,
    flow: Packets,
    verdicts: Verdicts,
    packet: dict[str, int],
    incoming: str,
    expected: set[str],
) -> None:
    sent = flow("10.1.0.9", **packet)
    assert verdicts(firewall(""), sent, incoming, None, acl="local-in") == expected


def test_ping_is_dropped_where_no_interface_allows_it(
    read: Firewall, flow: Packets, verdicts: Verdicts
) -> None:
    device = read("config system interface\nedit p\nset vdom root\nset ip 10.1.0.1/24\nnext\nend\n")
    assert verdicts(device, flow("10.1.0.9", "10.1.0.1", 8, 1), "p", None, acl="local-in") == {"drop"}


def test_the_port_of_https_may_be_another(firewall: Firewall, flow: Packets, verdicts: Verdicts) -> None:
    device = firewall("config system global\nset admin-sport 8765\nend\n")
    sent = flow("10.1.0.9", "10.1.0.1", 8765)
    assert verdicts(device, sent, "port1", None, acl="local-in") == {"accept"}


def test_trusted_hosts_make_access_perhaps(firewall: Firewall, flow: Packets, verdicts: Verdicts) -> None:
    device = firewall("config system admin\nedit a\nset trusthost1 192.0.2.0 255.255.255.0\nnext\nend\n")
    sent = flow("10.1.0.9", "10.1.0.1", 443)
    assert verdicts(device, sent, "port1", None, acl="local-in") == {"accept", "drop"}


def test_local_in_policies_come_first(firewall: Firewall, flow: Packets, verdicts: Verdicts) -> None:
    device = firewall(
        "config firewall address\nedit bad\nset subnet 10.1.0.9/32\nnext\nend\n"
        "config firewall local-in-policy\nedit 1\nset intf port1\nset srcaddr bad\nset dstaddr all\n"
        "set service ALL\nset schedule always\nnext\nend\n"
    )
    assert verdicts(device, flow("10.1.0.9", "10.1.0.1"), "port1", None, acl="local-in") == {"drop"}
    assert verdicts(device, flow("10.1.0.8", "10.1.0.1"), "port1", None, acl="local-in") == {"accept"}


def test_an_access_that_is_not_known_is_a_doubt(firewall: Firewall) -> None:
    device = firewall("config system interface\nedit port3\nset allowaccess unheard-of\nnext\nend\n")
    assert [line.reason for line in device.lines if not line.bounded] == ["allowaccess unheard-of"]


def test_ways_to_manage_it(firewall: Firewall) -> None:
    found = firewall("").services
    assert [(one.protocol, one.interface, one.acl) for one in found] == [
        ("https", "port1", "local-in root")
    ]


def test_what_it_shares_and_no_secret(firewall: Firewall) -> None:
    device = firewall(
        'config system admin\nedit "root-admin"\nset ssh-public-key1 "ssh-ed25519 AAAAsample"\n'
        "set password ENC SECRETSAMPLE\nnext\nend\n"
        'config system snmp community\nedit 1\nset name "hidden-community"\nconfig hosts\nedit 1\n'
        "set ip 192.0.2.7 255.255.255.255\nnext\nend\nnext\nend\n"
        'config user radius\nedit r\nset server "192.0.2.8"\nset secret ENC SECRETSAMPLE\nnext\nend\n'
        "config system dns\nset primary 192.0.2.9\nend\n"
        'config log syslogd setting\nset status enable\nset server "192.0.2.10"\nend\n'
        'config system ntp\nconfig ntpserver\nedit 1\nset server "192.0.2.11"\nnext\nend\nend\n'
    )
    kinds = {(one.kind, one.value) for one in device.shared_fate}
    assert {
        ("user", "root-admin"), ("snmp-manager", "192.0.2.7"), ("aaa-server", "192.0.2.8"),
        ("dns-server", "192.0.2.9"), ("syslog-server", "192.0.2.10"), ("ntp-server", "192.0.2.11"),
    } <= kinds  # fmt: skip
    shown = repr(device.shared_fate)
    assert "hidden-community" not in shown
    assert "AAAAsample" not in shown
    assert "sha256:" in shown


def test_routing_protocols_are_named(firewall: Firewall) -> None:
    device = firewall("config router bgp\nset as 65001\nend\nconfig router ospf\nend\n")
    assert [(one.protocol, one.process) for one in device.processes] == [("bgp", "65001")]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("set srcintf port2\nset dstintf port1", {"accept", "drop"}),
        ("set srcintf any\nset dstintf any", {"accept", "drop"}),
        ("set srcintf unheard-of\nset dstintf port1", {"accept", "drop"}),
        ("set srcintf port1\nset dstintf port2", {"drop"}),
        ("set srcintf port3\nset dstintf port1", {"drop"}),
    ],
)
def test_the_address_of_another_interface_needs_a_policy_to_it(
    firewall: Firewall, flow: Packets, verdicts: Verdicts, policy: str, expected: set[str]
) -> None:
    device = firewall(
        f"config firewall policy\nedit 1\n{policy}\nset srcaddr all\nset dstaddr all\nset service ALL\n"
        "set action accept\nnext\nend\n"
    )
    assert verdicts(device, flow("10.2.0.9", "10.1.0.1"), "port2", None, acl="local-in") == expected
