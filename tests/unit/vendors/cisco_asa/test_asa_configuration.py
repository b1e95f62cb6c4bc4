"""An ASA's interfaces, routes, tunnels and facts; configurations that are damaged or of another kind."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from builders.asa import DMZ, INSIDE, OUTSIDE, PORTS, accounted, asa, packet, passes, raw, surely, ways

from segaudit.errors import SnapshotError
from segaudit.model.device import Device, InterfaceKind, Route, RouteKind, SwitchportMode
from segaudit.model.flow import Family
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.model.source import LineFate
from segaudit.vendors.cisco_asa import VENDOR

IN, OUT, SERVER = "10.1.0.9", "198.51.100.9", "10.2.0.9"
OPEN = """
access-list all extended permit ip any any
access-group all global
same-security-traffic permit intra-interface
"""


def doubts(device: Device) -> list[str]:
    """The lines that make the device doubtful as a whole."""
    return [line.text for line in device.lines if not line.bounded]


def routes(device: Device, protocol: str) -> set[tuple[str, str, str | None]]:
    """Table, prefix and first interface of the routes of a protocol."""

    def first(route: Route) -> str | None:
        return route.next_hops[0].interface if route.next_hops else None

    return {(one.table, str(one), first(one)) for one in device.routes if one.protocol == protocol}


# ---- interfaces ---------------------------------------------------------------------------------


def test_subinterfaces_aggregates_and_redundant_interfaces() -> None:
    box = asa("""
interface GigabitEthernet0/0
 channel-group 3 mode active
interface GigabitEthernet0/1
interface Port-channel3
 no nameif
interface Port-channel3.77
 vlan 77
 nameif seven
 ip address 10.7.0.1 255.255.255.0
interface Redundant1
 member-interface GigabitEthernet0/1
 nameif both
 mac-address 0050.56AA.bbcc
""")
    found = box.interfaces
    assert found["GigabitEthernet0/0"].parent == "Port-channel3"
    assert found["GigabitEthernet0/1"].parent == "Redundant1"
    assert found["Port-channel3"].kind is found["Redundant1"].kind is InterfaceKind.AGGREGATE
    sub = found["Port-channel3.77"]
    assert (sub.kind, sub.vlan, sub.parent, sub.zone) == (InterfaceKind.VLAN, 77, "Port-channel3", "seven")
    assert found["Redundant1"].mac == "00:50:56:aa:bb:cc"
    assert not doubts(box)


def test_a_5505_switches_between_its_ports() -> None:
    box = asa("""
interface Ethernet0/0
 switchport access vlan 2
interface Ethernet0/1
interface Ethernet0/2
 switchport trunk allowed vlan 1,5-7
 switchport trunk native vlan 9
 switchport mode trunk
interface Vlan1
 nameif inside
interface Vlan2
 nameif outside
""")
    ports = {name: one.switchport for name, one in box.interfaces.items() if one.switchport}
    access = {name: port for name, port in ports.items() if port.mode is SwitchportMode.ACCESS}
    assert {name: port.access_vlan for name, port in access.items()} == {"Ethernet0/0": 2, "Ethernet0/1": 1}
    assert (ports["Ethernet0/2"].trunk_vlans, ports["Ethernet0/2"].native_vlan) == (((1, 1), (5, 7)), 9)
    assert (box.interfaces["Vlan2"].vlan, box.interfaces["Vlan2"].parent) == (2, None)


def test_shutdown_mtu_description_and_reverse_path() -> None:
    box = asa(
        PORTS.replace(" nameif dmz", " shutdown\n description to the hosts\n nameif dmz")
        + "mtu dmz 9000\nip verify reverse-path interface outside"
    )
    dmz = box.interfaces[DMZ]
    assert (dmz.enabled, dmz.mtu, dmz.description) == (False, 9000, "to the hosts")
    assert [name for name, one in box.interfaces.items() if one.reverse_path_filter] == [OUTSIDE]


@pytest.mark.parametrize(("line", "family"), [
    ("ip address dhcp setroute", Family.IPV4), ("ip address pppoe setroute", Family.IPV4),
    ("ip address 192.0.2.2 255.255.255.0 pppoe", Family.IPV4), ("ipv6 address autoconfig", Family.IPV6),
    ("ipv6 address 2001:db8::/64 eui-64", Family.IPV6), ("policy-route route-map PBR", Family.IPV4),
])  # fmt: skip
def test_what_an_interface_learns_may_lead_anywhere(line: str, family: Family) -> None:
    box = asa(f"{PORTS}interface GigabitEthernet0/3\n nameif isp\n {line}")
    [route] = [one for one in box.routes if one.protocol == "unknown" and one.family is family]
    assert {hop.interface for hop in route.next_hops} >= {OUTSIDE, INSIDE, "GigabitEthernet0/3"}
    assert not doubts(box)


def test_two_interfaces_of_one_name_are_a_doubt() -> None:
    assert doubts(asa(PORTS + "interface GigabitEthernet0/9\n nameif inside"))


# ---- routes -------------------------------------------------------------------------------------


def test_static_routes_by_interface_name() -> None:
    box = asa(
        PORTS
        + """
route outside 0 0 198.51.100.1 1
route dmz 10.66.0.0 255.255.0.0 10.2.0.254 5
route Null0 10.0.0.0 255.0.0.0 200
route inside 10.5.0.0 255.255.0.0 10.1.0.1
"""
    )
    assert routes(box, "static") == {
        ("main", "0.0.0.0/0", OUTSIDE), ("main", "10.66.0.0/16", DMZ), ("main", "10.0.0.0/8", None),
        ("main", "10.5.0.0/16", INSIDE),
    }  # fmt: skip
    assert [one.kind for one in box.routes if str(one) == "10.0.0.0/8"] == [RouteKind.BLACKHOLE]
    assert not doubts(box)


def test_the_lower_distance_wins_and_a_shut_interface_has_no_routes() -> None:
    text = PORTS + "route outside 0 0 198.51.100.1 1\nroute dmz 0 0 10.2.0.254 250\n" + OPEN
    flow = packet("udp", IN, "192.0.2.1", 53)
    assert {way[0] for way in ways(asa(text), INSIDE, flow)} == {OUTSIDE}
    shut = text.replace(" nameif outside", " shutdown\n nameif outside")
    assert {way[0] for way in ways(asa(shut), INSIDE, flow)} == {DMZ}


@pytest.mark.parametrize("line", [
    "route outside 0 0 198.51.100.1 1 track 1\nroute dmz 0 0 10.2.0.254 254",
    "route dmz 0 0 10.2.0.254 tunneled",
    "router ospf 1\n network 10.0.0.0 255.0.0.0 area 0", "router bgp 65000", "router eigrp 1",
])  # fmt: skip
def test_what_the_configuration_does_not_show_may_lead_anywhere(line: str) -> None:
    box = asa(PORTS + OPEN + line)
    flow = packet("udp", IN, "192.0.2.1", 53)
    assert {way[0] for way in ways(box, INSIDE, flow)} >= {OUTSIDE, DMZ}
    assert not doubts(box)


@pytest.mark.parametrize("line", [
    "route nowhere 0 0 10.9.9.9 1", "route outside 0 255.0.255.0 10.9.9.9", "route outside 0 0 nobody",
    "access-group all in interface nowhere", "access-group all sideways interface inside",
    "crypto map missing interface outside", "ipv6 route inside 2001:db8::/32 10.1.1.1",
])  # fmt: skip
def test_a_line_that_fits_nothing_is_a_doubt(line: str) -> None:
    assert doubts(asa(PORTS + OPEN + line)) == [line]


# ---- VPN ----------------------------------------------------------------------------------------

CRYPTO = """
access-list vpn extended permit ip 10.1.0.0 255.255.255.0 172.20.0.0 255.255.0.0
crypto map M 10 match address vpn
crypto map M 10 set peer 192.0.2.7 192.0.2.8
crypto map M interface outside
route outside 0.0.0.0 0.0.0.0 198.51.100.1
"""
TUNNEL = "crypto map M 10 192.0.2.7 on outside"


def test_a_crypto_map_entry_is_a_tunnel_to_each_peer() -> None:
    box = asa(PORTS + CRYPTO)
    ends = box.interfaces[TUNNEL].tunnel
    assert ends is not None
    assert (ends.source, ends.destination) == (
        int(ip_address("198.51.100.2")),
        int(ip_address("192.0.2.7")),
    )
    to_branch = ways(box, INSIDE, packet("tcp", IN, "172.20.0.5", 80))
    assert {way[0] for way in to_branch} == {OUTSIDE, TUNNEL, TUNNEL.replace("0.2.7", "0.2.8")}
    assert {way[0] for way in ways(box, INSIDE, packet("tcp", IN, "192.0.2.99", 80))} == {OUTSIDE}


def test_decrypted_packets_pass_without_lists_unless_that_is_turned_off() -> None:
    """``sysopt connection permit-vpn`` is on where nothing is said."""
    lists = "access-list in-list extended deny ip any any\naccess-group in-list in interface outside"
    flow = packet("tcp", "172.20.0.5", IN, 80)
    assert passes(asa(PORTS + CRYPTO + lists), TUNNEL, flow)
    assert not passes(asa(PORTS + CRYPTO + lists + "\nno sysopt connection permit-vpn"), TUNNEL, flow)
    assert not passes(asa(PORTS + CRYPTO + lists), OUTSIDE, flow)


def test_a_dynamic_map_and_an_entry_without_a_list_take_anybody_and_anything() -> None:
    box = asa(
        PORTS
        + """
crypto dynamic-map D 1 set ikev1 transform-set X
crypto map M 65535 ipsec-isakmp dynamic D
crypto map M interface outside
"""
    )
    tunnel = box.interfaces["crypto map M 65535 anybody on outside"].tunnel
    assert tunnel is not None
    assert tunnel.destination is None
    found = ways(box, INSIDE, packet("tcp", IN, "192.0.2.99", 80))
    assert {way[0] for way in found} == {"crypto map M 65535 anybody on outside"}


@pytest.mark.parametrize("line", ["tunnel-group STAFF type remote-access", "webvpn\n enable outside"])
def test_vpn_users_come_from_anybody_and_go_anywhere(line: str) -> None:
    box = asa(PORTS + "ip local pool P 10.99.0.10-10.99.0.20 mask 255.255.255.0\n" + line)
    assert passes(box, "VPN users", packet("tcp", "10.99.0.10", SERVER, 80))
    assert "VPN users" in {way[0] for way in ways(box, INSIDE, packet("tcp", IN, "10.99.0.10", 80))}
    assert not passes(box, INSIDE, packet("tcp", IN, "10.99.0.21", 80))


def test_a_virtual_tunnel_interface() -> None:
    box = asa(
        PORTS
        + """
interface Tunnel7
 nameif branch
 ip address 169.254.7.1 255.255.255.252
 tunnel source interface outside
 tunnel destination 192.0.2.7
 tunnel mode ipsec ipv4
route branch 172.21.0.0 255.255.0.0 169.254.7.2
"""
    )
    ends = box.interfaces["Tunnel7"].tunnel
    assert ends is not None
    assert (ends.kind, ends.source_interface, ends.destination) == (
        "ipsec",
        OUTSIDE,
        int(ip_address("192.0.2.7")),
    )
    assert {way[0] for way in ways(box, INSIDE, packet("tcp", IN, "172.21.0.1", 80))} == {"Tunnel7"}
    assert passes(box, "Tunnel7", packet("tcp", "172.21.0.1", IN, 80))


def test_management_over_vpn() -> None:
    text = PORTS + CRYPTO + "ssh 172.20.0.0 255.255.0.0 inside\n"
    flow = packet("tcp", "172.20.0.5", "10.1.0.1", 22)
    assert not passes(asa(text), TUNNEL, flow)
    assert surely(asa(text + "management-access inside"), TUNNEL, flow)


# ---- what makes a device doubtful ---------------------------------------------------------------


@pytest.mark.parametrize("line", [
    "firewall transparent", "context customer", "multicast-routing", "established tcp 0",
    "alias (inside) 10.1.1.1 10.2.2.2", "conduit permit ip any any", "wccp web-cache", "nve 1",
    "ipv6 access-list six permit ip any any", "some command from the future",
    "mac-address-table static x y",
    "cluster group one",
])  # fmt: skip
def test_what_is_not_modelled_makes_the_device_doubtful(line: str) -> None:
    assert doubts(asa(PORTS + line)) == [line]


def test_a_bridge_group_makes_the_device_doubtful() -> None:
    assert doubts(asa(PORTS + "interface GigabitEthernet0/5\n bridge-group 1")) == ["bridge-group 1"]


def test_inspections_that_open_connections_are_doubts_and_others_are_not() -> None:
    box = asa(
        PORTS
        + """
policy-map global_policy
 class inspection_default
  inspect ftp
  inspect dns preset_dns_map
  inspect icmp
service-policy global_policy global
"""
    )
    assert doubts(box) == ["inspect ftp"]


def test_below_an_unknown_line_everything_is_unknown() -> None:
    text = "future-feature\n mode on\n  deep 1"
    assert doubts(asa(PORTS + text)) == ["future-feature", "mode on", "deep 1"]


# ---- facts --------------------------------------------------------------------------------------


def test_what_networks_may_have_in_common() -> None:
    box = asa(
        PORTS
        + """
aaa-server RAD (inside) host 10.1.0.70
 key secret
ntp server 10.1.0.53
dns server-group DefaultDNS
 name-server 10.1.0.53
 domain-name one.example
logging host inside 10.1.0.60
snmp-server host inside 10.1.0.62 community s3cret version 2c
flow-export destination inside 10.1.0.61 2055
username admin password aBcDeF encrypted privilege 15
username hidden password ***** pbkdf2
domain-name one.example
"""
    )
    kinds = {(one.kind, one.value) for one in box.shared_fate}
    assert {("aaa-server", "10.1.0.70"), ("ntp-server", "10.1.0.53"), ("dns-server", "10.1.0.53"),
            ("syslog-server", "10.1.0.60"), ("snmp-manager", "10.1.0.62"), ("flow-collector", "10.1.0.61"),
            ("user", "admin"), ("user", "hidden"), ("domain-name", "one.example")} <= kinds  # fmt: skip
    keys = [value for kind, value in kinds if kind in ("user-key", "snmp-community")]
    assert len(keys) == 2, "a hidden password has no fingerprint"
    assert all(value.startswith("sha256:") and len(value) == 23 for value in keys)
    assert "s3cret" not in repr(box.shared_fate)


def test_a_static_neighbour() -> None:
    [entry] = asa(PORTS + "arp inside 10.1.0.77 0000.5e00.5301").neighbours
    assert (entry.interface, entry.mac) == (INSIDE, "00:00:5e:00:53:01")


# ---- claims and damage --------------------------------------------------------------------------


def of_text(text: str, name: str = "running-config.txt") -> RawConfig:
    return RawConfig("fw", "", (RawFile(f"devices/fw/{name}", text, ""),))


@pytest.mark.parametrize(("text", "claimed"), [
    ("ASA Version 9.8(2)\n", True), (": Saved\n: Serial\nASA Version 8.0(4)\nhostname x", True),
    ("PIX Version 7.2(2)\n", False), ("FWSM Version 4.1(5)\n", False), ("NGFW Version 6.4.0\n", False),
    ("version 15.2\nhostname r1\n", False), ("! ASA Version 9.8\nversion 15.2\n", False), ("", False),
])  # fmt: skip
def test_only_what_says_asa_version_is_claimed(text: str, claimed: bool) -> None:
    assert (VENDOR.claims(of_text(text)) is not None) is claimed
    assert (VENDOR.claims(of_text(text, "fw1.cfg")) is not None) is claimed


def test_no_configuration_and_several_are_refused() -> None:
    with pytest.raises(SnapshotError, match="no configuration"):
        VENDOR.read(of_text("hello", "notes.txt"))
    files = tuple(RawFile(f"devices/fw/{name}.cfg", "ASA Version 9.8(2)\n", "") for name in "ab")
    with pytest.raises(SnapshotError, match="several"):
        VENDOR.read(RawConfig("fw", "", files))


def test_a_configuration_without_its_end_may_be_cut_off() -> None:
    whole = raw(PORTS).files[0].text
    assert not doubts(VENDOR.read(of_text(whole)))
    for cut in (len(whole) // 3, len(whole) // 2, len(whole) - 3):
        assert doubts(VENDOR.read(of_text(whole[:cut])))


def test_a_pagers_prompt_is_a_doubt() -> None:
    assert doubts(asa(PORTS + "<--- More --->\nssh timeout 5"))


def test_carriage_returns_tabs_and_missing_separators_change_nothing() -> None:
    plain = asa(PORTS + OPEN)
    text = raw(PORTS + OPEN).files[0].text
    for other in (
        text.replace("\n", "\r\n"),
        text.replace("\n ", "\n\t"),
        text.replace("\ninterface", "\n!\ninterface"),
    ):
        again = VENDOR.read(of_text(other))
        assert not doubts(again)
        assert {name: one.addresses[0].address for name, one in again.interfaces.items()} == {
            name: one.addresses[0].address for name, one in plain.interfaces.items()
        }


def test_a_banner_is_text_even_where_it_looks_like_a_command() -> None:
    box = asa(PORTS + "banner motd ^C\nbanner motd access-group all in interface inside\nbanner login !")
    assert not doubts(box)
    assert not surely(box, OUTSIDE, packet("tcp", OUT, IN, 80))
    assert [line.fate for line in accounted(box, "banner")] == [LineFate.IGNORED.value] * 3


def test_a_certificates_text_is_no_configuration() -> None:
    box = asa(
        PORTS
        + """
crypto ca certificate chain TP
 certificate 6bd1ec67
    308202f4 308201dc
    access-list all
  quit
crypto ca certificate chain OTHER
"""
    )
    assert not doubts(box)
    assert "all" not in box.acls


def test_comments_and_other_encodings_are_read_over() -> None:
    box = asa(PORTS + "! a comment\n!\n: another\naccess-list x remark caf\udce9 \u2028 name\n")
    assert not doubts(box)


def test_an_object_that_is_defined_twice_is_what_was_said_last() -> None:
    """``show running-config`` prints an object's NAT rule in a second block of the same name."""
    box = asa(
        PORTS
        + """
object network a
 host 10.1.0.9
object network a
 nat (inside,outside) static 198.51.100.50
"""
    )
    assert {way[1] for way in ways(box, INSIDE, packet("tcp", IN, OUT, 80))} == {"198.51.100.50"}


@pytest.mark.parametrize("number", ["9" * 4400, "-1", "\u0663", "\u00b2", "65536", "0x10", ""])
@pytest.mark.parametrize("line", [
    "route outside 10.0.0.0 255.0.0.0 198.51.100.1 {}", "access-list x extended permit tcp any any eq {}",
    "access-list x extended permit {} any any", "access-list x extended permit icmp any any {} {}",
    "interface GigabitEthernet0/1\n security-level {}", "interface GigabitEthernet0/1\n vlan {}",
    "interface GigabitEthernet0/1\n switchport trunk allowed vlan {}",
    "mtu inside {}", "http server enable {}",
    "crypto map M {} match address x", "nat (inside,outside) {} source dynamic any interface",
    "object service s\n service tcp destination range {} {}", "object-group icmp-type t\n icmp-object {}",
    "object network o\n subnet 10.0.0.0 {}",
    "object network o\n nat (inside,outside) static 10.9.9.9 service tcp {} {}",
    "interface GigabitEthernet0/1\n ipv6 address 2001:db8::1/{}", "icmp permit any {} inside",
    "ssh 10.0.0.0/{} inside",
    "ip local pool P 10.0.0.1-{}", "interface Vlan{}", "ASA Version {}.{}",
])  # fmt: skip
def test_numbers_that_are_none_break_nothing(line: str, number: str) -> None:
    assert asa(PORTS + line.replace("{}", number)).interfaces


def test_by_a_gateway_that_is_its_own_address_every_destination_is_a_neighbour() -> None:
    """The ASA then asks for each destination by ARP: the packet must not look for itself."""
    box = asa(PORTS + "route inside 10.5.0.0 255.255.0.0 10.1.0.1")
    [route] = [one for one in box.routes if str(one) == "10.5.0.0/16"]
    assert [(hop.interface, hop.address) for hop in route.next_hops] == [(INSIDE, None)]


def test_an_empty_group_and_an_empty_list_of_a_crypto_map_are_not_nothing() -> None:
    """The ASA takes neither, so the configuration is not whole; "matches nothing" would be a false deny."""
    rules = """
object-group network nobody
object-group service nothing tcp
access-list in-list extended permit tcp any object-group nobody
access-list in-list extended permit tcp any any object-group nothing
access-group in-list in interface outside
"""
    assert passes(asa(PORTS + rules), OUTSIDE, packet("tcp", OUT, SERVER, 80))
    box = asa(PORTS + CRYPTO.replace("access-list vpn extended permit ip", "access-list vpn remark"))
    assert TUNNEL in {way[0] for way in ways(box, INSIDE, packet("tcp", IN, "192.0.2.99", 80))}


def test_a_dhcp_relay_is_a_doubt() -> None:
    assert doubts(asa(PORTS + "dhcprelay server 10.1.0.5 inside\ndhcprelay timeout 60")) == [
        "dhcprelay server 10.1.0.5 inside"
    ]


def test_nat_sends_decrypted_packets_to_its_interface_too() -> None:
    text = (
        PORTS
        + CRYPTO
        + """
object network elsewhere
 host 172.30.0.9
object network public
 host 198.51.100.50
route dmz 172.30.0.0 255.255.0.0 10.2.0.254
route inside 172.16.0.0 255.240.0.0 10.1.0.254
nat (inside,outside) source static elsewhere public
"""
    )
    found = ways(asa(text), TUNNEL, packet("tcp", "172.20.0.5", "198.51.100.50", 80))
    assert {(DMZ, "172.30.0.9"), (INSIDE, "172.30.0.9")} <= {(out, to) for out, _, to in found}
