"""IOS: what forwards although the lines that say so stand elsewhere, or nowhere."""

from __future__ import annotations

from hashlib import sha256

import pytest

from segaudit.model.acl import AddressIn, Hook, UnknownMatch, leaves
from segaudit.model.device import Device, SwitchportMode
from segaudit.model.flow import Family
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.vendors.cisco_ios import VENDOR

HEAD = "version 15.7\nno ip source-route\nno ipv6 source-route\nipv6 unicast-routing\n"
ZONES = (
    "zone security a\nzone security b\nclass-map type inspect match-any c\n match protocol http\n"
    "policy-map type inspect p\n class type inspect c\n  inspect\n"
    "zone-pair security z source a destination b\n service-policy type inspect p\n"
)


def device(body: str) -> Device:
    text = f"{HEAD}{body}\nend\n"
    digest = sha256(text.encode()).hexdigest()
    return VENDOR.read(RawConfig("d", "", (RawFile("devices/d/running-config.txt", text, digest),)))


def doubts(found: Device) -> list[str]:
    return [line.reason for line in found.lines if not line.bounded]


def port(name: str, *lines: str) -> str:
    return "\n ".join((f"interface {name}", *lines)) + "\n!\n"


def unknown(found: Device) -> set[tuple[str, Family]]:
    return {(route.table, route.family) for route in found.routes if route.protocol == "unknown"}


def test_an_application_may_have_more_ports_than_its_own() -> None:
    def unsure(found: Device) -> list[str]:
        parts = (part for ace in found.acls["policy p"].aces for part in leaves(ace.matches))
        return [part.text for part in parts if isinstance(part, UnknownMatch)]

    assert unsure(device(ZONES)) == []
    assert unsure(device(ZONES + "ip port-map smtp port tcp 2525\n")) == []
    assert unsure(device(ZONES + "ip port-map http port tcp 8080\n")) == ["ip port-map http"]


@pytest.mark.parametrize("name", ["Vlan10", "GigabitEthernet0/1"])
def test_hosts_of_an_unnumbered_lan_get_routes_that_are_not_written(name: str) -> None:
    lender = port("Loopback0", "ip address 10.0.0.1 255.255.255.0")
    assert unknown(device(lender + port(name, "ip unnumbered Loopback0 poll"))) == {
        ("unknown of default", Family.IPV4)
    }
    assert unknown(device(lender + port("Serial0/0", "ip unnumbered Loopback0"))) == set()


def test_delegated_prefixes_get_routes_that_are_not_written() -> None:
    lan = ("ipv6 address 2001:db8::1/64",)
    six = {("unknown of default", Family.IPV6)}
    assert unknown(device(port("Gi0/1", *lan))) == set()
    assert unknown(device(port("Gi0/1", *lan, "ipv6 dhcp relay destination 2001:db8:1::9"))) == six
    assert unknown(device("ipv6 dhcp pool p\n dns-server 2001:db8::53\n" + port("Gi0/1", *lan))) == set()
    pool = "ipv6 dhcp pool p\n prefix-delegation pool q\n"
    assert unknown(device(pool + port("Gi0/1", *lan, "ipv6 dhcp server p"))) == six


def test_ipv6_in_a_vrf_of_ipv4_alone_is_in_the_global_table() -> None:
    both = port("Gi0/1", "ip vrf forwarding red", "ip address 10.0.0.1 255.255.255.0", "ipv6 enable")
    assert doubts(device("vrf definition red\n rd 1:1\n!\n" + both)) == []
    (reason,) = doubts(device("ip vrf red\n rd 1:1\n!\n" + both))
    assert "global table" in reason


def test_a_port_channel_that_only_its_members_name_is_switched_as_they_are() -> None:
    found = device(
        "vlan 10\n!\n"
        + port(
            "Gi0/1", "switchport mode trunk", "switchport trunk allowed vlan 10", "channel-group 1 mode on"
        )
    )
    made = found.interfaces["Port-channel1"].switchport
    assert made is not None
    assert (made.mode, made.trunk_vlans) == (SwitchportMode.TRUNK, ((10, 10),))
    routed = device("vlan 10\n!\n" + port("Gi0/1", "no switchport", "channel-group 1 mode on"))
    assert routed.interfaces["Port-channel1"].switchport is None


def test_outbound_lists_and_zones_do_not_see_what_is_relayed() -> None:
    deny = "ip access-list extended deny-all\n deny ip any any\n"
    client = port("Gi0/0", "ip address 10.0.0.1 255.255.255.0", "ip helper-address 10.1.0.9")
    server = port("Gi0/1", "ip address 10.1.0.1 255.255.255.0", "ip access-group deny-all out")
    found = device(deny + client + server)
    (applied,) = [one for one in found.attachments if one.hook is Hook.EGRESS]
    for name in (applied.acl, "zones"):
        aces = device(deny + ZONES + client + server).acls[name].aces
        relayed = [ace for ace in aces if ace.text == "ip helper-address 10.1.0.9"]
        assert len(relayed) == 1
        ends = [part for part in leaves(relayed[0].matches) if isinstance(part, AddressIn)]
        assert {one.ranges for one in ends} == {((0x0A010009, 0x0A010009),)}


@pytest.mark.parametrize(
    "line", ["no zone-pair security z", "no policy-map type inspect p", "no zone security a"]
)
def test_what_is_taken_back_and_was_counted_on_leaves_doubt(line: str) -> None:
    assert len(doubts(device(ZONES + line))) == 1
    assert doubts(device(ZONES + "no mop enabled\nno snmp trap x")) == []


@pytest.mark.parametrize("kind", ["epbr", "pbr", "service-chain"])
def test_a_policy_that_redirects_leaves_doubt(kind: str) -> None:
    address = "ip address 10.0.0.1 255.255.255.0"
    assert doubts(device(port("GigabitEthernet1", address, "service-policy input x"))) == []
    found = device(port("GigabitEthernet1", address, f"service-policy type {kind} input x"))
    assert doubts(found) == ["packets are redirected"]


def test_an_address_that_is_taken_back_leaves_the_others() -> None:
    lines = ["ip address 10.0.0.1 255.255.255.0", "ip address 10.1.0.1 255.255.255.0 secondary"]
    found = device(port("GigabitEthernet1", *lines, "no ip address 10.1.0.1 255.255.255.0 secondary"))
    assert [str(one) for one in found.interfaces["GigabitEthernet1"].addresses] == ["10.0.0.1/24"]
    assert (
        device(port("GigabitEthernet1", *lines, "no ip address")).interfaces["GigabitEthernet1"].addresses
        == ()
    )
