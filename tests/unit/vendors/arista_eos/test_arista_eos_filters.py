"""EOS: access lists, traffic policies, and what is let to the switch itself."""

from __future__ import annotations

from functools import partial

import pytest
from builders.switch_configs import DROPS, EITHER, PASSES, attached, doubts, packet, verdicts
from builders.switch_configs import read as read_config

from segaudit.model.acl import Hook
from segaudit.model.device import Device
from segaudit.vendors.arista_eos import VENDOR

read = partial(read_config, VENDOR)


def with_list(rules: str, head: str = "ip access-list A") -> Device:
    return read(
        f"{head}\n{rules}ip routing\ninterface Ethernet1\n no switchport\n ip address 10.0.0.1/24\n"
        " ip access-group A in\nend\n"
    )


WEB, DNS, PING = (
    packet("10.0.0.5", "192.0.2.1", 6, 443),
    packet("10.0.0.5", "192.0.2.1", 17, 53),
    packet("10.0.0.5", "192.0.2.1", 1),
)


def test_a_list_ends_with_a_denial() -> None:
    device = with_list(" 10 permit tcp any any eq https\n")
    assert verdicts(device, "ip A", WEB) == PASSES
    assert verdicts(device, "ip A", DNS) == DROPS
    assert attached(device, Hook.INGRESS, "Ethernet1") == ["ip A"]


def test_rules_count_by_their_numbers() -> None:
    device = with_list(" 20 permit ip any any\n 10 deny udp any any\n")
    assert verdicts(device, "ip A", DNS) == DROPS
    assert verdicts(device, "ip A", WEB) == PASSES


def test_a_rule_without_a_number_stands_last_and_one_can_be_taken_back() -> None:
    device = with_list(" 10 deny ip any any\n permit ip any any\n no 10\n")
    assert verdicts(device, "ip A", WEB) == PASSES


@pytest.mark.parametrize(
    "rule",
    ["permit vlan 123 0x000 ip any any", "permit tcp any any eq quux", "permit ip any any ttl eq 64"],
)
def test_a_rule_that_is_not_understood_matches_perhaps(rule: str) -> None:
    device = with_list(f" 10 {rule}\n")
    assert verdicts(device, "ip A", packet("10.0.0.5", "192.0.2.1", 6, 443)) == EITHER
    assert doubts(device) == []


def test_a_denial_that_is_not_understood_denies_nothing_for_certain() -> None:
    device = with_list(" 10 deny ip any any ttl eq 64\n 20 permit ip any any\n")
    assert verdicts(device, "ip A", WEB) == EITHER


def test_a_line_without_an_action_that_is_known_may_do_anything() -> None:
    device = with_list(" 10 frobnicate ip any any\n 20 permit udp any any\n")
    assert verdicts(device, "ip A", WEB) == EITHER


@pytest.mark.parametrize("rules", ["", " 10 remark nothing\n", " counters per-entry\n"])
def test_a_list_without_rules_denies_or_permits(rules: str) -> None:
    assert verdicts(with_list(rules), "ip A", WEB) == EITHER


def test_a_list_that_is_not_defined_denies_or_permits() -> None:
    device = read(
        "interface Ethernet1\n no switchport\n ip address 10.0.0.1/24\n ip access-group B in\nend\n"
    )
    assert verdicts(device, "ip B", WEB) == EITHER
    assert attached(device, Hook.INGRESS, "Ethernet1") == ["ip B"]


def test_established_asks_for_an_answer() -> None:
    device = with_list(" 10 permit tcp any any established\n")
    assert verdicts(device, "ip A", WEB) == DROPS
    assert verdicts(device, "ip A", packet("10.0.0.5", "192.0.2.1", 6, 443, flags=16)) == PASSES


def test_lists_of_two_families_may_have_one_name() -> None:
    device = read("ip access-list A\n permit ip any any\nipv6 access-list A\n deny ipv6 any any\nend\n")
    assert verdicts(device, "ip A", WEB) == PASSES
    assert verdicts(device, "ipv6 A", packet("2001:db8::1", "2001:db8::2", 6, 443)) == DROPS


def test_a_standard_list_asks_for_the_source() -> None:
    device = read("ip access-list standard A\n 10 permit 10.0.0.0/24\n 20 permit host 10.1.0.1\nend\n")
    assert verdicts(device, "ip A", WEB) == PASSES
    assert verdicts(device, "ip A", packet("10.1.0.1", "192.0.2.1")) == PASSES
    assert verdicts(device, "ip A", packet("10.1.0.2", "192.0.2.1")) == DROPS


def test_a_list_is_gone_when_it_is_taken_back() -> None:
    device = read("ip access-list A\n permit ip any any\nno ip access-list A\nend\n")
    assert device.acls == {}


def test_a_list_on_a_switchport_keeps_perhaps_from_its_vlans() -> None:
    device = read(
        "ip access-list A\n deny ip any any\nip routing\ninterface Ethernet1\n switchport access vlan 7\n"
        " ip access-group A in\ninterface Vlan7\n ip address 10.0.0.1/24\nend\n"
    )
    assert attached(device, Hook.INGRESS, "Ethernet1") == []
    (perhaps,) = attached(device, Hook.INGRESS, "Vlan7")
    assert verdicts(device, perhaps, WEB) == EITHER


def test_a_mac_list_drops_perhaps() -> None:
    device = read(
        "interface Ethernet1\n no switchport\n ip address 10.0.0.1/24\n mac access-group M in\nend\n"
    )
    (perhaps,) = attached(device, Hook.INGRESS, "Ethernet1")
    assert verdicts(device, perhaps, WEB) == EITHER


# ---- traffic policies ---------------------------------------------------------------------------

POLICY = """
traffic-policies
   field-set ipv4 prefix SERVERS
      192.0.2.0/24 except 192.0.2.9/32
   field-set ipv4 prefix OTHERS
      198.51.100.0/24
      except 198.51.100.9/32
   field-set l4-port WEB
      80, 443
   traffic-policy P
      match NO-DNS ipv4
         protocol udp destination port 53
         actions
            count dns
            drop
         !
      !
      match SET ipv4
         destination prefix field-set OTHERS
         protocol tcp destination port field-set WEB
         actions
            drop
      !
      match LONG ipv4
         ip length 500-5000
         protocol icmp
         actions
            drop
      match STEERED ipv4
         protocol 99
         actions
            redirect next-hop 10.0.0.9
      match ipv4-all-default ipv4
      match ipv6-all-default ipv6
         actions
            drop
ip routing
interface Ethernet1
   no switchport
   ip address 10.0.0.1/24
   traffic-policy input P
end
"""


def test_a_traffic_policy_drops_what_its_rules_drop_and_forwards_the_rest() -> None:
    device = read(POLICY)
    policy = "traffic-policy P"
    assert attached(device, Hook.INGRESS, "Ethernet1") == [policy]
    assert verdicts(device, policy, DNS) == DROPS
    assert verdicts(device, policy, WEB) == PASSES
    assert verdicts(device, policy, packet("10.0.0.5", "198.51.100.1", 6, 443)) == DROPS
    assert verdicts(device, policy, packet("10.0.0.5", "198.51.100.9", 6, 443)) == PASSES
    assert verdicts(device, policy, packet("10.0.0.5", "198.51.100.1", 6, 22)) == PASSES
    assert verdicts(device, policy, packet("2001:db8::1", "2001:db8::2", 6, 443)) == DROPS


def test_what_a_traffic_policy_asks_besides_makes_a_rule_match_perhaps() -> None:
    assert verdicts(read(POLICY), "traffic-policy P", PING) == EITHER


def test_a_traffic_policy_that_steers_makes_the_device_doubtful() -> None:
    assert doubts(read(POLICY)) == ["redirect next-hop 10.0.0.9"]


def test_a_traffic_policy_that_is_not_defined_drops_perhaps() -> None:
    port = "interface Ethernet1\n no switchport\n ip address 10.0.0.1/24\n"
    device = read(f"ip routing\n{port} traffic-policy input Q\nend\n")
    (perhaps,) = attached(device, Hook.INGRESS, "Ethernet1")
    assert verdicts(device, perhaps, WEB) == EITHER


# ---- the switch itself --------------------------------------------------------------------------


def test_the_control_plane_list_stands_before_the_switch_in_its_vrf() -> None:
    device = read(
        "ip access-list CP\n permit icmp any any\nvrf instance M\n"
        "interface Management1\n vrf M\n ip address 192.0.2.1/24\n"
        "interface Ethernet1\n no switchport\n ip address 10.0.0.1/24\n"
        "control-plane\n ip access-group CP in\nend\n"
    )
    (guard,) = attached(device, Hook.INPUT)
    assert verdicts(device, guard, WEB, "Ethernet1") == DROPS
    assert verdicts(device, guard, PING, "Ethernet1") == PASSES
    assert verdicts(device, guard, WEB, "Management1") == PASSES


def test_a_list_of_ssh_is_about_ssh_alone() -> None:
    device = read(
        "ip access-list ADMINS\n permit ip host 10.0.0.7 any\n"
        "interface Ethernet1\n no switchport\n ip address 10.0.0.1/24\n"
        "management ssh\n ip access-group ADMINS in\nend\n"
    )
    (guard,) = attached(device, Hook.INPUT)
    assert verdicts(device, guard, packet("10.0.0.5", "10.0.0.1", 6, 22), "Ethernet1") == DROPS
    assert verdicts(device, guard, packet("10.0.0.7", "10.0.0.1", 6, 22), "Ethernet1") == PASSES
    assert verdicts(device, guard, WEB, "Ethernet1") == PASSES
    (ssh,) = device.services
    assert (ssh.protocol, ssh.acl) == ("ssh", "ip ADMINS")


def test_services_that_are_off_by_default_are_there_when_turned_on() -> None:
    def offered(text: str) -> set[str]:
        return {one.protocol for one in read(f"{text}end\n").services}

    assert offered("") == {"ssh"}
    assert offered("management ssh\n shutdown\n") == set()
    assert offered("management telnet\n no shutdown\n") == {"ssh", "telnet"}
    assert offered("management api http-commands\n protocol http\n no shutdown\n") == {
        "ssh",
        "https",
        "http",
    }


def test_translations_make_every_header_possible() -> None:
    device = read(
        "interface Ethernet1\n no switchport\n ip address 10.0.0.1/24\n"
        " ip nat source dynamic access-list A overload\nend\n"
    )
    assert device.unknown_translation
    assert not read("interface Ethernet1\nend\n").unknown_translation


# ---- shared fate and secrets --------------------------------------------------------------------

SECRETS = """
username admin secret sha512 $6$hush$hush1
username admin ssh-key ssh-ed25519 AAAAhush2 x
snmp-server community hush3 ro
tacacs-server host 192.0.2.49 key 7 hush4
tacacs-server key 7 hush5
enable secret 5 hush6
ntp server vrf MGMT 192.0.2.123
ip name-server vrf default 192.0.2.53
logging vrf MGMT host 192.0.2.14
dns domain corp.example
router bgp 65000
   neighbor 192.0.2.1 password 7 hush7
end
"""


def test_what_networks_may_share_is_noted() -> None:
    facts = {(one.kind, one.value) for one in read(SECRETS).shared_fate}
    assert {
        ("user", "admin"),
        ("aaa-server", "192.0.2.49"),
        ("ntp-server", "192.0.2.123"),
        ("dns-server", "192.0.2.53"),
        ("syslog-server", "192.0.2.14"),
        ("domain-name", "corp.example"),
    } < facts
    assert {kind for kind, value in facts if value.startswith("sha256:")} == {"user-key", "snmp-community"}


def test_no_secret_is_shown() -> None:
    assert "hush" not in repr(read(SECRETS))
