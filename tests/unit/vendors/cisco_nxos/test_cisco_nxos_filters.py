"""NX-OS: access lists, groups, VLAN maps, and what is let to the switch itself."""

from __future__ import annotations

from functools import partial

import pytest
from builders.switch_configs import DROPS, EITHER, PASSES, attached, doubts, packet, verdicts
from builders.switch_configs import read as read_config

from segaudit.model.acl import Hook
from segaudit.model.device import Device
from segaudit.model.flow import Family, Flow
from segaudit.vendors.cisco_nxos import VENDOR

read = partial(read_config, VENDOR, before="version 9.3(8)\nno ip source-route\n")

WEB = packet("10.0.0.5", "192.0.2.1", 6, 443)
DNS = packet("10.0.0.5", "192.0.2.1", 17, 53)
LATER = Flow(Family.IPV4, 6, WEB.source, WEB.destination, destination_port=443, fragment=True)
SOLICITATION = Flow(Family.IPV6, 58, 1 << 126, 2 << 124, icmp_type=135)


def with_list(rules: str) -> Device:
    return read(
        f"ip access-list A\n{rules}interface Ethernet1/1\n  no switchport\n  ip address 10.0.0.1/24\n"
        "  ip access-group A in\n  no shutdown\n"
    )


def test_a_list_ends_with_a_denial() -> None:
    device = with_list("  statistics per-entry\n  10 permit tcp any 192.0.2.0/24 eq 443\n")
    assert verdicts(device, "ip A", WEB) == PASSES
    assert verdicts(device, "ip A", DNS) == DROPS
    assert attached(device, Hook.INGRESS, "Ethernet1/1") == ["ip A"]
    assert doubts(device) == []


def test_a_list_may_be_called_standard() -> None:
    device = read("ip access-list standard\n  10 permit udp any any\n")
    assert verdicts(device, "ip standard", DNS) == PASSES
    assert verdicts(device, "ip standard", WEB) == DROPS


GROUPS = (
    "object-group ip address HOSTS\n  10 host 10.0.0.5\n  20 10.9.0.0/16\n  30 10.8.0.0 0.0.255.255\n"
    "object-group ip port WEB\n  10 eq 80\n  20 range 440 450\n"
)


@pytest.mark.parametrize("order", ["groups first", "lists first"])
def test_groups_are_their_members_wherever_they_stand(order: str) -> None:
    rules = "ip access-list A\n  10 permit tcp addrgroup HOSTS any portgroup WEB\n"
    device = read(GROUPS + rules if order == "groups first" else rules + GROUPS)
    assert verdicts(device, "ip A", WEB) == PASSES
    assert verdicts(device, "ip A", packet("10.8.7.6", "192.0.2.1", 6, 80)) == PASSES
    assert verdicts(device, "ip A", packet("10.0.0.6", "192.0.2.1", 6, 443)) == DROPS
    assert verdicts(device, "ip A", packet("10.0.0.5", "192.0.2.1", 6, 22)) == DROPS


def test_a_group_that_is_not_defined_or_not_understood_matches_perhaps() -> None:
    device = read(
        "object-group ip address ODD\n  10 host 10.0.0.9\n  20 fqdn example.com\n"
        "ip access-list A\n  10 permit ip addrgroup ODD any\n"
        "ip access-list B\n  10 permit ip addrgroup NONE any\n"
    )
    assert verdicts(device, "ip A", WEB) == EITHER
    assert verdicts(device, "ip B", WEB) == EITHER
    assert doubts(device) == []


@pytest.mark.parametrize(
    "rule",
    ["permit tcp any any eq quux", "permit ip any any dscp af11", "permit tcp any any http-method get"],
)
def test_a_rule_that_is_not_understood_matches_perhaps(rule: str) -> None:
    device = with_list(f"  10 {rule}\n")
    assert verdicts(device, "ip A", WEB) == EITHER
    assert doubts(device) == []


def test_the_word_fragments_decides_what_no_rule_decided() -> None:
    permits = with_list("  fragments permit-all\n  10 permit udp any any\n")
    denies = with_list("  fragments deny-all\n  10 permit udp any any\n")
    assert verdicts(permits, "ip A", LATER) == PASSES
    assert verdicts(permits, "ip A", WEB) == DROPS
    assert verdicts(denies, "ip A", LATER) == DROPS


@pytest.mark.parametrize(
    ("version", "expected"),
    [("version 9.3(8)", DROPS), ("version 7.0(3)I7(6)", DROPS), ("version 8.2(5)", EITHER)],
)
def test_neighbour_discovery_is_perhaps_permitted_unwritten_on_older_platforms(
    version: str, expected: set[tuple[str, bool]]
) -> None:
    device = read(f"{version}\nipv6 access-list A\n  10 permit udp any any\n")
    assert verdicts(device, "ipv6 A", SOLICITATION) == expected
    assert verdicts(device, "ipv6 A", packet("2001:db8::1", "2001:db8::2", 6, 443)) == DROPS


def test_a_port_list_and_a_vlan_map_drop_perhaps() -> None:
    device = read(
        "system default switchport\nip access-list A\n  10 deny ip any any\n"
        "vlan access-map M 10\n  match ip address A\n  action drop\nvlan filter M vlan-list 8\n"
        "interface Ethernet1/1\n  switchport access vlan 7\n  ip port access-group A in\n"
        "interface Vlan7\n  no shutdown\n  ip address 10.7.0.1/24\n"
        "interface Vlan8\n  no shutdown\n  ip address 10.8.0.1/24\n"
    )
    for interface, hook in (("Vlan7", Hook.INGRESS), ("Vlan8", Hook.INGRESS), ("Vlan8", Hook.EGRESS)):
        (perhaps,) = attached(device, hook, interface)
        assert verdicts(device, perhaps, WEB) == EITHER
    assert attached(device, Hook.EGRESS, "Vlan7") == []
    assert doubts(device) == []


def test_the_list_of_the_terminal_lines_is_about_ssh_and_telnet() -> None:
    device = read(
        "feature telnet\nip access-list ADMINS\n  10 permit tcp 10.0.0.7/32 any\n"
        "line vty\n  exec-timeout 5\n  access-class ADMINS in\n"
    )
    (guard,) = attached(device, Hook.INPUT)
    assert verdicts(device, guard, packet("10.0.0.5", "10.0.0.1", 6, 22)) == DROPS
    assert verdicts(device, guard, packet("10.0.0.5", "10.0.0.1", 6, 23)) == DROPS
    assert verdicts(device, guard, packet("10.0.0.7", "10.0.0.1", 6, 22)) == PASSES
    assert verdicts(device, guard, WEB) == PASSES
    assert {(one.protocol, one.acl) for one in device.services} == {
        ("ssh", "ip ADMINS"),
        ("telnet", "ip ADMINS"),
    }


def test_services_come_with_their_features() -> None:
    def offered(text: str) -> set[str]:
        return {one.protocol for one in read(text).services}

    assert offered("hostname a\n") == {"ssh"}
    assert offered("no feature ssh\nfeature telnet\n") == {"telnet"}
    assert offered("feature nxapi\nfeature netconf\nfeature grpc\n") == {"ssh", "https", "netconf", "grpc"}


SECRETS = """
username admin password 5 $5$hush1  role network-admin
username admin sshkey ssh-rsa AAAAhush2
snmp-server community hush3 group network-operator
snmp-server user admin network-admin auth md5 hush4 priv hush5 localizedkey
radius-server host 192.0.2.18 key 7 "hush6" authentication
tacacs-server key 7 hush7
ntp authentication-key 1 md5 hush8 7
ip name-server 192.0.2.53 use-vrf management
logging server 192.0.2.14 5
vtp domain CORP
interface Vlan1
  hsrp 1
    authentication md5 key-string hush9
"""


def test_what_networks_may_share_is_noted() -> None:
    facts = {(one.kind, one.value) for one in read(SECRETS).shared_fate}
    assert {
        ("user", "admin"),
        ("aaa-server", "192.0.2.18"),
        ("dns-server", "192.0.2.53"),
        ("syslog-server", "192.0.2.14"),
        ("vtp-domain", "CORP"),
    } < facts
    assert {kind for kind, value in facts if value.startswith("sha256:")} == {"user-key", "snmp-community"}


def test_no_secret_is_shown() -> None:
    assert "hush" not in repr(read(SECRETS))
