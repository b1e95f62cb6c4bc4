"""IOS: what a running configuration becomes."""

from __future__ import annotations

from hashlib import sha256

import pytest

from segaudit.errors import SnapshotError
from segaudit.model.acl import AddressIn, End, Hook, Translate, TranslationKind, leaves
from segaudit.model.device import Device, InterfaceKind, RouteKind, SwitchportMode
from segaudit.model.flow import Family
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.model.source import LineFate
from segaudit.vendors.cisco_ios import VENDOR

HEAD = "Current configuration : 100 bytes\n!\nversion 15.7\nno ip source-route\nno ipv6 source-route\n"


def raw(text: str, name: str = "running-config.txt") -> RawConfig:
    digest = sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    return RawConfig("d", "", (RawFile(f"devices/d/{name}", text, digest),))


def device(body: str) -> Device:
    return VENDOR.read(raw(f"{HEAD}{body}\nend\n"))


def doubts(found: Device) -> list[str]:
    """Lines that make the whole device doubtful."""
    return [line.text for line in found.lines if not line.bounded]


def port(name: str, *lines: str) -> str:
    return "\n ".join((f"interface {name}", *lines)) + "\n!\n"


# ---- interfaces ---------------------------------------------------------------------------------


def test_what_is_not_written_has_the_systems_defaults() -> None:
    found = device(port("GigabitEthernet0/0", "ip address 10.0.0.1 255.255.255.0"))
    interface = found.interfaces["GigabitEthernet0/0"]
    assert interface.enabled
    assert interface.proxy_arp
    assert interface.forwarding == {Family.IPV4}
    assert found.forwards == {Family.IPV4}
    assert doubts(found) == []


def test_switches_of_the_whole_box() -> None:
    switches = "no ip routing\nipv6 unicast-routing\n"
    found = device(switches + port("Gi0/0", "no ip proxy-arp", "shutdown", "ipv6 enable"))
    interface = found.interfaces["GigabitEthernet0/0"]
    assert found.forwards == interface.forwarding == {Family.IPV6}
    assert not interface.enabled
    assert not interface.proxy_arp


def test_an_interface_without_an_address_does_not_process_ip() -> None:
    found = device(
        "ipv6 unicast-routing\n"
        + port("Vlan5", "no ip address")
        + port("Vlan6", "ipv6 enable")
        + port("Vlan7", "ip address dhcp")
        + port("Vlan8", "ip unnumbered Loopback0")
    )
    speaks = {name: interface.forwarding for name, interface in found.interfaces.items()}
    assert speaks == {
        "Vlan5": set(),
        "Vlan6": {Family.IPV6},
        "Vlan7": {Family.IPV4},
        "Vlan8": {Family.IPV4},
    }


def test_source_routing_is_on_unless_it_is_switched_off() -> None:
    text = (
        HEAD.replace("no ip source-route\n", "") + port("Gi0/0", "ip address 10.0.0.1 255.0.0.0") + "end\n"
    )
    found = VENDOR.read(raw(text))
    assert doubts(found) == []
    (name,) = [one.acl for one in found.attachments if one.translates]
    assert name == "(default) ip source-route"
    (ace,) = found.acls[name].aces
    assert AddressIn(End.DESTINATION, Family.IPV4, ((0x0A000001, 0x0A000001),)) in leaves(ace.matches)
    assert ace.action == Translate(TranslationKind.DESTINATION, family=Family.IPV4)
    assert not VENDOR.read(raw(HEAD + port("Gi0/0", "ip address 10.0.0.1 255.0.0.0") + "end\n")).attachments


def test_on_a_switch_a_port_is_switched_unless_something_shows_it_to_be_routed() -> None:
    found = device(
        port("Gi0/1")
        + port("Gi0/2", "no switchport", "ip address 10.0.0.1 255.255.255.0")
        + port("Gi0/3", "no ip address")
        + port("Gi0/4", "switchport mode access")
    )
    ports = {name[-1]: interface.switchport for name, interface in found.interfaces.items()}
    assert ports["1"] is not None
    assert ports["1"].mode is SwitchportMode.TRUNK
    assert ports["2"] is None
    assert ports["3"] is None
    assert ports["4"] is not None
    assert ports["4"].mode is SwitchportMode.ACCESS


def test_a_port_that_negotiates_is_an_access_port_with_a_doubt() -> None:
    first = port("Gi0/1", "switchport access vlan 7")
    found = device(first + port("Gi0/2", "switchport access vlan 8", "shutdown"))
    ports = [interface.switchport for interface in found.interfaces.values()]
    assert {(one.mode, one.access_vlan) for one in ports if one} == {
        (SwitchportMode.ACCESS, 7), (SwitchportMode.ACCESS, 8)
    }  # fmt: skip
    assert doubts(found) == ["interface Gi0/1"]


def test_on_a_router_no_port_is_switched() -> None:
    found = device(port("Gi0/1") + port("Gi0/2", "ip address 10.0.0.1 255.255.255.0"))
    assert all(interface.switchport is None for interface in found.interfaces.values())


def test_members_of_a_port_channel_name_it_also_where_it_is_not_configured() -> None:
    first = port("Gi0/1", "channel-group 5 mode active")
    found = device(first + port("Gi0/2", "channel-group 5 mode on"))
    assert found.interfaces["Port-channel5"].kind is InterfaceKind.AGGREGATE
    assert {one.parent for one in found.interfaces.values()} == {None, "Port-channel5"}


def test_an_unnumbered_interface_borrows_an_address() -> None:
    found = device(
        port("Lo0", "ip address 10.0.0.1 255.255.255.255") + port("Gi0/1", "ip unnumbered Loopback0")
    )
    assert [str(one) for one in found.interfaces["GigabitEthernet0/1"].addresses] == ["10.0.0.1/32"]


def test_the_null_interface_is_none() -> None:
    found = device(port("Null0", "no ip unreachables", "ip helper-address 10.0.0.9", "ip pim sparse-mode"))
    assert found.interfaces == {}
    assert doubts(found) == []


def test_two_blocks_of_one_name_are_one_interface() -> None:
    found = device(
        port("Gi0/1", "ip address 10.0.0.1 255.255.255.0") + port("GigabitEthernet 0/1", "shutdown")
    )
    (interface,) = found.interfaces.values()
    assert not interface.enabled
    assert [str(one) for one in interface.addresses] == ["10.0.0.1/24"]


def test_vrrp_of_the_block_form() -> None:
    found = device(
        port("Gi0/1", "ip address 10.0.0.2 255.255.255.0", "vrrp 7 address-family ipv4",
             " address 10.0.0.1 primary",
             " priority 120", " exit-vrrp")
    )  # fmt: skip
    assert "10.0.0.1/24" in {str(one) for one in found.interfaces["GigabitEthernet0/1"].addresses}
    assert doubts(found) == []


@pytest.mark.parametrize(
    "line",
    ["bridge-group 1", "mpls ip", "xconnect 10.0.0.9 5 encapsulation mpls", "service instance 1 ethernet",
     "ip wccp web-cache redirect in", "dot1x pae authenticator", "ipv6 address 2001:db8::/64 eui-64",
     "switchport mode private-vlan host", "no-such-command", "ip address 10.0.0.1 255.0.255.0"],
)  # fmt: skip
def test_what_may_widen_forwarding_makes_the_device_doubtful(line: str) -> None:
    assert doubts(device(port("Gi0/1", line))) == [line]


@pytest.mark.parametrize(
    "line",
    ["arp 10.0.0.9 0000.1111.2222 arpa", "ipv6 source-route x",
     "mpls static binding ipv4 10.0.0.0 255.0.0.0", "bridge irb", "l2vpn", "event manager applet X",
     "monitor session 1 source interface Gi0/1", "no-such-command at all", "ip nat wibble",
     "nat64 v6v4 list"],
)  # fmt: skip
def test_features_of_the_box_that_are_not_modelled_make_it_doubtful(line: str) -> None:
    assert doubts(device(line)) == [line]


def test_what_stands_beneath_a_doubtful_line_is_doubtful_too() -> None:
    assert len(doubts(device("l2vpn\n xconnect context A\n  member Gi0/1"))) >= 1
    found = device("event manager applet X\n event none\n action 1 cli command enable")
    assert sum(tally.unsupported for tally in found.tallies) == 3


def test_switching_off_what_the_model_does_not_count_on_is_harmless() -> None:
    assert doubts(device("no no-such-command\n" + port("Gi0/1", "no mpls ip", "no bridge-group 1"))) == []


# ---- routing ------------------------------------------------------------------------------------

TWO_PORTS = port("Gi0/1", "ip address 10.0.1.1 255.255.255.0") + port(
    "Gi0/2", "ip address 10.0.2.1 255.255.255.0"
)


def table(found: Device, name: str = "main", protocol: str = "static") -> dict[str, list[str]]:
    return {
        str(route): sorted(f"{hop.interface} {hop.anyone}" for hop in route.next_hops) or [route.kind.value]
        for route in found.routes
        if route.table == name and route.protocol == protocol
    }


def test_static_routes_resolve_and_a_dead_next_hop_leaves_none() -> None:
    found = device(
        TWO_PORTS
        + "ip route 0.0.0.0 0.0.0.0 10.0.1.9\nip route 10.9.0.0 255.255.0.0 Null0\n"
        + "ip route 10.8.0.0 255.255.0.0 Gi0/2 10.0.2.9 200\nip route 10.7.0.0 255.255.0.0 10.8.0.1\n"
    )
    assert table(found) == {
        "0.0.0.0/0": ["GigabitEthernet0/1 False"],
        "10.9.0.0/16": ["blackhole"],
        "10.8.0.0/16": ["GigabitEthernet0/2 False"],
        "10.7.0.0/16": ["GigabitEthernet0/2 False"],
    }
    assert doubts(found) == []


def test_a_link_local_next_hop_may_be_anyone_on_the_wire() -> None:
    found = device(
        "ipv6 unicast-routing\n" + port("Gi0/1", "ipv6 address 2001:db8::1/64")
        + "ipv6 route ::/0 GigabitEthernet0/1 FE80::5\n"
    )  # fmt: skip
    assert table(found) == {"::/0": ["GigabitEthernet0/1 True"]}


@pytest.mark.parametrize(
    "lines",
    ["router ospf 1\n network 10.0.0.0 0.255.255.255 area 0", "router bgp 65000\n bgp log-neighbor-changes",
     "router eigrp 5", "router rip", "router isis", "ip route 10.5.0.0 255.255.0.0 10.0.1.7 track 3",
     "ip route 10.5.0.0 255.255.0.0 dhcp", "ip default-gateway 10.0.1.254",
     "interface Gi0/3\n ip address dhcp", "interface Dialer1\n ip address negotiated",
     "interface Gi0/2\n ip ospf 1 area 0", "interface Serial0/0\n peer default ip address 10.4.4.4",
     "interface Serial0/0\n ip unnumbered GigabitEthernet0/1\n encapsulation ppp"],
)  # fmt: skip
def test_what_may_have_been_learned_may_lead_anywhere(lines: str) -> None:
    found = device(TWO_PORTS + lines + "\n")
    ways = table(found, "unknown of default", "unknown")
    assert {"GigabitEthernet0/1 True", "GigabitEthernet0/2 True"} <= set(ways["0.0.0.0/0"])
    assert doubts(found) == []


VRFS = (
    "vrf definition A\n rd 1:1\n address-family ipv4\n  route-target export 1:1\n"
    "  route-target import 1:2\n"
    " exit-address-family\n!\nvrf definition B\n rd 1:2\n address-family ipv4\n  route-target export 1:2\n"
    " exit-address-family\n!\nip vrf C\n rd 1:3\n route-target 1:3\n!\n"
    + port("Gi0/1", "vrf forwarding A", "ip address 10.0.0.1 255.255.255.0")
    + port("Gi0/2", "vrf forwarding B", "ip address 10.0.0.1 255.255.255.0")
    + port("Gi0/3", "ip vrf forwarding C", "ip address 10.0.0.1 255.255.255.0")
    + port("Gi0/4", "ip address 10.0.0.1 255.255.255.0")
)


def test_each_vrf_has_a_table_and_imports_lead_to_where_the_target_is_exported() -> None:
    found = device(VRFS)
    assert table(found, "vrf A", "connected") == {"10.0.0.0/24": ["GigabitEthernet0/1 False"]}
    assert table(found, "vrf C", "connected") == {"10.0.0.0/24": ["GigabitEthernet0/3 False"]}
    assert set(table(found, "unknown of A", "unknown")["0.0.0.0/0"]) == {
        "GigabitEthernet0/1 True", "GigabitEthernet0/2 True"
    }  # fmt: skip
    assert table(found, "unknown of B", "unknown") == {}
    assert table(found, "unknown of C", "unknown") == {}


def test_a_vpn_makes_imports_lead_through_the_global_table() -> None:
    found = device(VRFS + "router bgp 1\n address-family vpnv4\n  neighbor 10.0.0.9 activate\n")
    assert "GigabitEthernet0/4 True" in table(found, "unknown of A", "unknown")["0.0.0.0/0"]
    assert "GigabitEthernet0/4 True" in table(found, "unknown of C", "unknown")["0.0.0.0/0"]


def test_routes_into_another_vrf() -> None:
    found = device(VRFS + "ip route vrf A 0.0.0.0 0.0.0.0 Gi0/4 10.0.0.9 global\n")
    assert table(found, "vrf A") == {"0.0.0.0/0": ["GigabitEthernet0/4 False"]}


def test_policy_routing_may_send_what_its_list_permits_elsewhere() -> None:
    found = device(
        "access-list 101 deny ip any host 10.9.9.9\naccess-list 101 permit tcp any any eq 80\n"
        "route-map VIA permit 10\n match ip address 101\n set ip next-hop 10.0.2.7\n"
        + port("Gi0/1", "ip address 10.0.1.1 255.255.255.0", "ip policy route-map VIA")
    )
    (rule,) = [rule for rule in found.rules if rule.table and rule.table.startswith("route-map")]
    assert rule.priority < 0
    assert [rule.table for rule in found.rules if rule.family is Family.IPV4][-2:] == ["local", "main"]
    assert doubts(found) == []


def test_a_policy_that_sets_a_vrf_makes_the_device_doubtful() -> None:
    found = device(
        "route-map VIA permit 10\n set vrf RED\n" + port("Gi0/1", "ip policy route-map VIA")
    )  # fmt: skip
    assert len(doubts(found)) == 1


def test_groups_leave_by_every_interface_with_pim() -> None:
    found = device(port("Gi0/1", "ip pim sparse-mode") + port("Gi0/2", "ip pim dense-mode") + port("Gi0/3"))
    assert table(found, "multicast", "pim") == {
        "224.0.0.0/4": ["GigabitEthernet0/1 True", "GigabitEthernet0/2 True"]
    }


def test_a_crypto_map_is_a_tunnel_to_each_peer() -> None:
    found = device(
        "ip access-list extended T\n permit ip any 10.8.0.0 0.0.255.255\n"
        "crypto map V 10 ipsec-isakmp\n set peer 192.0.2.9\n set peer 192.0.2.10\n match address T\n"
        + port("Gi0/1", "ip address 10.0.1.1 255.255.255.0", "crypto map V")
    )
    tunnels = [one for one in found.interfaces.values() if one.kind is InterfaceKind.TUNNEL]
    assert {one.tunnel.destination for one in tunnels if one.tunnel} == {0xC0000209, 0xC000020A}
    assert {one.tunnel.source_interface for one in tunnels if one.tunnel} == {"GigabitEthernet0/1"}
    assert len([rule for rule in found.rules if rule.table and rule.table.startswith("crypto")]) == 2


# ---- services and shared fate -------------------------------------------------------------------


def test_services_and_shared_fate_without_secrets() -> None:
    found = device(
        "snmp-server community s3cret RO 10\nsnmp-server host 10.0.0.5 version 2c s3cret\n"
        "username ops privilege 15 secret 9 $9$hash\nntp server vrf M 10.0.0.6\nlogging host 10.0.0.7\n"
        "ip name-server 10.0.0.8 10.0.0.9\nip domain name corp.example\nvtp domain CAMPUS\n"
        "tacacs server T\n address ipv4 10.0.0.10\n key 7 s3cret\nradius-server host 10.0.0.11 key s3cret\n"
        "ip http server\nip http access-class 10\n"
        "line vty 0 4\n access-class 10 in\n transport input telnet ssh\n"
    )
    assert {(one.protocol, one.acl) for one in found.services} == {
        ("snmp", "10"), ("http", "10"), ("ssh", "10"), ("telnet", "10")
    }  # fmt: skip
    shared = {one.kind: one.value for one in found.shared_fate}
    assert shared["aaa-server"] in ("10.0.0.10", "10.0.0.11")
    assert shared["ntp-server"] == "10.0.0.6"
    assert shared["vtp-domain"] == "CAMPUS"
    assert "s3cret" not in repr((found.services, found.shared_fate, found.acls))
    assert shared["snmp-community"].startswith("sha256:")
    assert len(shared["user-key"]) == len("sha256:") + 16


def test_no_secret_stands_in_what_is_told_about_a_line() -> None:
    found = device(
        "enable secret 5 s3cret\ncrypto isakmp key s3cret address 192.0.2.1\n"
        "snmp-server user u g v3 auth sha s3cret\n"
        "key chain K\n key 1\n  key-string s3cret\ntacacs-server key s3cret\nwibble password s3cret\n"
        "router bgp 1\n neighbor 10.0.0.1 password s3cret\nline vty 0 4\n password s3cret\n"
        "banner motd ^C\ns3cret\n^C\n"
        + port("Gi0/1", "standby 1 authentication s3cret", "ppp chap password s3cret")
    )
    assert len(found.lines) > 10
    assert "s3cret" not in repr(found)


def test_a_community_without_a_list_is_not_told_as_one() -> None:
    found = device("snmp-server community s3cret\n")
    (service,) = found.services
    assert service.acl == ""


# ---- texts that are not quite a configuration ---------------------------------------------------


def test_a_configuration_without_its_end_is_doubtful() -> None:
    assert doubts(VENDOR.read(raw(HEAD + TWO_PORTS))) != []
    assert doubts(VENDOR.read(raw(HEAD + TWO_PORTS + "end"))) == []


def test_what_stands_behind_the_end_is_a_prompt_or_a_doubt() -> None:
    assert doubts(VENDOR.read(raw(HEAD + TWO_PORTS + "end\n\nrouter1#"))) == []
    more = VENDOR.read(raw(HEAD + TWO_PORTS + "end\n" + port("Gi0/9", "shutdown")))
    assert doubts(more) == ["interface Gi0/9", "shutdown"]


def test_a_banner_that_looks_like_configuration_is_quoted() -> None:
    text = f"banner motd ^C\n{port('Gi0/8')}end\n^C\nbanner exec #one line#\n"
    found = device(text + TWO_PORTS)
    assert set(found.interfaces) == {"GigabitEthernet0/1", "GigabitEthernet0/2"}
    assert doubts(found) == []


@pytest.mark.parametrize(
    "text",
    [
        "aaa authentication banner ^C\ninterface Gi0/9\n^C\n",
        "macro name M\ninterface Gi0/9\n switchport\n@\n",
    ],
)
def test_other_quoted_text_is_quoted(text: str) -> None:
    found = device(text + TWO_PORTS)
    assert set(found.interfaces) == {"GigabitEthernet0/1", "GigabitEthernet0/2"}
    assert doubts(found) == []


def test_a_banner_without_an_end_is_a_doubt() -> None:
    assert doubts(device("banner motd ^C\nhello\n" + TWO_PORTS)) != []


def test_a_certificate_is_quoted_up_to_quit() -> None:
    found = device(
        "crypto pki certificate chain TP\n certificate self-signed 01\n  3082032E 30820216\n  \tquit\n"
        + TWO_PORTS
    )
    assert doubts(found) == []
    assert len(found.interfaces) == 2


def test_line_ends_tabs_and_a_pager_change_nothing_or_are_doubtful() -> None:
    text = f"{HEAD}{TWO_PORTS}end\n"
    plain = VENDOR.read(raw(text))
    assert VENDOR.read(raw(text.replace("\n", "\r\n"))).interfaces == plain.interfaces
    assert VENDOR.read(raw(text.replace("\n ip", "\n\tip"))).interfaces == plain.interfaces
    assert VENDOR.read(raw(text.replace("!\n", "\n"))).routes == plain.routes
    paged = VENDOR.read(raw(text.replace("!\ninterface", " --More-- \ninterface")))
    assert doubts(paged) != []


def test_bytes_of_another_encoding_are_kept_apart() -> None:
    found = device("interface Gi0/1\n description caf\udce9 \u00e9\n ip address 10.0.0.1 255.255.255.0")
    assert found.interfaces["GigabitEthernet0/1"].description == "caf\udce9 \u00e9"
    assert doubts(found) == []


def test_a_device_without_a_configuration_or_with_two_is_refused() -> None:
    one, two = (raw(HEAD + "end\n", name).files[0] for name in ("a.cfg", "b.cfg"))
    with pytest.raises(SnapshotError, match="several files"):
        VENDOR.read(RawConfig("d", "cisco_ios", (one, two)))
    with pytest.raises(SnapshotError, match="no configuration"):
        VENDOR.read(RawConfig("d", "cisco_ios", ()))
    with pytest.raises(SnapshotError, match="failed"):
        failed = RawFile("devices/d/running-config.txt", "% Invalid input", "", exit_status=1)
        VENDOR.read(RawConfig("d", "cisco_ios", (failed,)))


def test_every_line_has_one_fate() -> None:
    text = HEAD + VRFS + TWO_PORTS + "snmp-server community x\nwibble\nl2vpn\n a\n  b\nend\n"
    (tally,) = VENDOR.read(raw(text)).tallies
    assert tally.total == sum(1 for line in text.split("\n") if line.strip())
    assert tally.unrecognized == 1
    assert {fate.value for fate in LineFate} >= {line.fate for line in VENDOR.read(raw(text)).lines}


def test_routes_of_a_shut_interface_are_not_there() -> None:
    found = device(port("Gi0/1", "ip address 10.0.0.1 255.255.255.0", "shutdown"))
    assert [route for route in found.routes if route.kind is not RouteKind.BLACKHOLE] == []


def test_hooks_of_a_plain_router_are_its_lists_only() -> None:
    found = device(
        "access-list 1 permit any\n" + port("Gi0/1", "ip access-group 1 in", "ip access-group 1 out")
    )
    assert {one.hook for one in found.attachments} == {Hook.INGRESS, Hook.EGRESS}
    assert not found.tracks_connections
