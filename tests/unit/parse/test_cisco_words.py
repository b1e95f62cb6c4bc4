"""The Cisco-style toolkit: words, names, addresses, VLANs, dispatch, static routes, interface lines."""

from __future__ import annotations

import pytest

from segaudit.model.device import InterfaceKind, SwitchportMode
from segaudit.model.flow import Family
from segaudit.model.snapshot import RawFile
from segaudit.model.source import LineFate, SourceSpan
from segaudit.parse.cisco import addresses, conversion, fates, statics, vlans
from segaudit.parse.cisco.dialect import Dialect
from segaudit.parse.cisco.dispatch import Table
from segaudit.parse.cisco.fates import FACT, NOT_UNDERSTOOD
from segaudit.parse.cisco.interfaces import COMMON, HARMLESS, InterfaceRecord
from segaudit.parse.cisco.names import full_interface_name
from segaudit.parse.cisco.words import Words, read
from segaudit.parse.ledger import LineLedger

SPAN = SourceSpan("devices/d/running-config.txt", 1, 1)
IOS = Dialect("ios")
TABLE: Table[InterfaceRecord] = Table(COMMON, harmless=HARMLESS)


def words(text: str) -> Words:
    return read(text, SPAN)


def record(*lines: str, name: str = "GigabitEthernet0/0") -> InterfaceRecord:
    made = InterfaceRecord(name, SPAN)
    for line in lines:
        fate = TABLE.read(made, words(line))
        assert fate.fate is not LineFate.UNRECOGNIZED, line
    return made


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("Gi0/0", "GigabitEthernet0/0"),
        ("gi1/0/24.10", "GigabitEthernet1/0/24.10"),
        ("Te1/1", "TenGigabitEthernet1/1"),
        ("Fa4/40", "FastEthernet4/40"),
        ("Et0/1", "Ethernet0/1"),
        ("po10", "Port-channel10"),
        ("Port-Channel10", "Port-channel10"),
        ("vl5", "Vlan5"),
        ("lo0", "Loopback0"),
        ("Twe1/0/1", "TwentyFiveGigE1/0/1"),
        ("Unheard0/1", "Unheard0/1"),
        ("0/1", "0/1"),
        ("", ""),
    ],
)
def test_interface_names_are_spelled_out(short: str, full: str) -> None:
    assert full_interface_name(short) == full


@pytest.mark.parametrize(
    "text", ["1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.x", "", "1.2.3.-4", "\u0661.2.3.4"]
)
def test_what_is_no_ipv4_address(text: str) -> None:
    assert addresses.ipv4(text) is None


def test_masks_and_prefixes() -> None:
    assert addresses.length_of_mask("255.255.255.252") == 30
    assert addresses.length_of_mask("0.0.0.0") == 0
    assert addresses.length_of_mask("255.0.255.0") is None
    assert addresses.prefix("10.0.0.1/24") == (Family.IPV4, 0x0A000001, 24)
    assert addresses.prefix("10.0.0.1/33") is None
    assert addresses.prefix("2001:db8::/32") == (Family.IPV6, 0x20010DB8 << 96, 32)
    assert addresses.prefix("10.0.0.1") is None


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("1-5,7", ((1, 5), (7, 7))),
        ("7,1-5,6", ((1, 7),)),
        ("none", ()),
        ("all", ((1, 4094),)),
        ("0", None),
        ("4095", None),
        ("5-1", None),
        ("1,,2", None),
        ("ten", None),
    ],
)
def test_vlan_lists(text: str, ranges: tuple[tuple[int, int], ...] | None) -> None:
    assert vlans.vlan_ranges(text) == ranges


def test_vlans_are_taken_away() -> None:
    assert vlans.without(((1, 10),), ((3, 4), (10, 10))) == ((1, 2), (5, 9))
    assert vlans.without((), ((3, 4),)) == ()


def test_the_longest_first_words_win_and_a_negation_is_told() -> None:
    seen: list[tuple[str, bool]] = []

    def note(name: str) -> fates.Fate:
        seen.append((name, line.negated))
        return FACT

    table: Table[None] = Table(
        {"ip": lambda _r, _w: note("ip"), "ip route": lambda _r, _w: note("ip route")}
    )
    for text in ("ip route 1", "no ip address", "ip"):
        line = words(text)
        assert table.read(None, line) is FACT
    assert seen == [("ip route", False), ("ip", True), ("ip", False)]
    assert table.read(None, words("ipv6 route")) is NOT_UNDERSTOOD
    assert table.read(None, words("")) is NOT_UNDERSTOOD


def test_a_later_table_overrides_and_a_reader_beats_a_harmless_line() -> None:
    table: Table[None] = Table(
        {"a": lambda _r, _w: NOT_UNDERSTOOD},
        {"a": lambda _r, _w: FACT},
        harmless={"a": "x", "b": "harmless"},
    )
    assert table.read(None, words("a")) is FACT
    assert table.read(None, words("b 1")) == fates.ignored("harmless")


def test_every_fate_is_entered_as_it_is() -> None:
    ledger = LineLedger(RawFile("devices/d/x", "a\nb\nc\nd", ""))
    given = (FACT, fates.ignored("i"), fates.unsupported("u"), fates.unrecognized("r", bounded=True))
    for number, fate in enumerate(given, start=1):
        fates.note(ledger, ledger.span(number), fate)
    lines, tally = ledger.close()
    assert (tally.fact, tally.ignored, tally.unsupported, tally.unrecognized) == (1, 1, 1, 1)
    assert [line.bounded for line in lines] == [True, False, True]


# ---- static routes ------------------------------------------------------------------------------


def static(text: str, family: Family = Family.IPV4) -> statics.StaticRecord | None:
    return statics.read_static(words(text), IOS, family)


def test_static_routes() -> None:
    route = static("vrf RED 10.1.2.3 255.255.0.0 Gi0/1 192.0.2.1 250 name x track 7 global")
    assert route is not None
    assert (route.vrf, route.prefix, route.prefix_length) == ("RED", 0x0A010000, 16)
    assert (route.interface, route.address, route.distance) == ("GigabitEthernet0/1", 0xC0000201, 250)
    assert (route.conditional, route.next_hop_vrf, route.unread) == ("track 7", "default", "")
    discard = static("10.0.0.0/8 Null0")
    assert discard is not None
    assert discard.discards
    six = static("::/0 FE80::1 nexthop-vrf BLUE", Family.IPV6)
    assert six is not None
    assert (six.prefix_length, six.next_hop_vrf) == (0, "BLUE")
    spaced = static("0.0.0.0 0.0.0.0 GigabitEthernet 0/1")
    assert spaced is not None
    assert (spaced.interface, spaced.address) == ("GigabitEthernet0/1", None)
    learned = static("0.0.0.0 0.0.0.0 dhcp")
    assert learned is not None
    assert (learned.interface, learned.address, learned.conditional) == (None, None, "dhcp")


@pytest.mark.parametrize(
    "text", ["", "10.0.0.0", "10.0.0.0 255.0.255.0 10.0.0.1", "2001:db8::/32 Null0", "10.0.0.0 255.0.0.0"]
)
def test_what_is_no_static_route(text: str) -> None:
    assert static(text) is None


def test_options_that_are_not_understood_are_told() -> None:
    route = static("10.0.0.0/8 10.1.1.1 5 frobnicate now")
    assert route is not None
    assert route.unread == "frobnicate now"


# ---- interface lines ----------------------------------------------------------------------------


def test_secondary_addresses_stand_before_the_primary_one() -> None:
    made = record(
        "ip address 10.0.2.1 255.255.255.0 secondary",
        "ip address 10.0.1.1 255.255.255.0",
        "ip address 10.0.1.2 255.255.255.0",
        "ipv6 address 2001:db8::1/64",
    )
    assert [str(one) for one in made.addresses] == ["10.0.2.1/24", "10.0.1.2/24", "2001:db8::1/64"]
    record_after = record("ip address 10.0.1.1 255.255.255.0", "no ip address")
    assert record_after.addresses == []
    assert record_after.speaks_ip


def test_an_address_is_lost_where_the_vrf_comes_after_it() -> None:
    made = record("ip address 10.0.1.1/24")
    made.join_vrf("RED")
    assert made.addresses == []


def test_a_trunk_that_was_added_to_and_taken_from() -> None:
    made = record(
        "switchport mode trunk",
        "switchport trunk native vlan 12",
        "switchport trunk allowed vlan 10-20,30",
        "switchport trunk allowed vlan add 40",
        "switchport trunk allowed vlan remove 15",
    )
    port = conversion.switchport(made)
    assert port.mode is SwitchportMode.TRUNK
    assert port.native_vlan == 12
    assert port.trunk_vlans == ((10, 14), (16, 20), (30, 30), (40, 40))
    rest = conversion.switchport(
        record("switchport mode trunk", "switchport trunk allowed vlan except 100")
    )
    assert rest.trunk_vlans == ((1, 99), (101, 4094))


def test_ports_by_mode() -> None:
    access = conversion.switchport(record("switchport mode access", "switchport access vlan 7"))
    assert (access.mode, access.access_vlan) == (SwitchportMode.ACCESS, 7)
    silent = conversion.switchport(record("switchport"))
    assert (silent.mode, silent.access_vlan, silent.trunk_vlans) == (SwitchportMode.TRUNK, 1, ((1, 4094),))
    voice = conversion.switchport(record("switchport mode access", "switchport voice vlan 20"))
    assert (voice.mode, voice.native_vlan, voice.trunk_vlans) == (SwitchportMode.TRUNK, 1, ((20, 20),))


def test_kinds_and_carriers() -> None:
    made = record("encapsulation dot1Q 30", "ip address 10.0.0.1/24", name="GigabitEthernet0/0.30")
    found = conversion.interface(made, frozenset(), switched=False, enabled=True, proxy_arp=True)
    assert (found.kind, found.vlan, found.parent) == (InterfaceKind.VLAN, 30, "GigabitEthernet0/0")
    native = record("encapsulation dot1Q 30 native", name="Port-channel1.30")
    found = conversion.interface(native, frozenset(), switched=False, enabled=True, proxy_arp=True)
    assert (found.kind, found.vlan, found.parent) == (InterfaceKind.VLAN, 0, "Port-channel1")
    svi = conversion.interface(
        record(name="Vlan44"), frozenset(), switched=False, enabled=True, proxy_arp=False
    )
    assert (svi.kind, svi.vlan, svi.parent) == (InterfaceKind.VLAN, 44, None)


def test_a_virtual_address_has_the_prefix_that_it_lies_in() -> None:
    made = record(
        "standby 1 ip 10.0.0.254", "ip address 10.0.0.1/24", "vrrp 2 ip 10.9.9.9", "standby 1 priority 5"
    )
    found = conversion.interface(made, frozenset(), switched=False, enabled=True, proxy_arp=True)
    assert {str(one) for one in found.addresses} == {"10.0.0.1/24", "10.0.0.254/24", "10.9.9.9/32"}


def test_tunnel_ends() -> None:
    ends = conversion.tunnel_ends(record("tunnel source Gi0/1", "tunnel destination 192.0.2.9"), IOS)
    assert (ends.kind, ends.source_interface, ends.destination) == ("gre", "GigabitEthernet0/1", 0xC0000209)
    ends = conversion.tunnel_ends(record("tunnel mode gre multipoint", "tunnel source 192.0.2.1"), IOS)
    assert (ends.source, ends.destination) == (0xC0000201, None)
    ends = conversion.tunnel_ends(record("tunnel mode ipv6ip", "tunnel source 192.0.2.1"), IOS)
    assert (ends.kind, ends.family) == ("6in4", Family.IPV4)
    ends = conversion.tunnel_ends(record("tunnel mode gre ipv6", "tunnel source Loopback0"), IOS)
    assert (ends.kind, ends.family) == ("gre", Family.IPV6)
