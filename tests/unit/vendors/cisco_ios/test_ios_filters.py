"""IOS: access lists, zones, NAT and who may log in, packet by packet."""

from __future__ import annotations

from hashlib import sha256

import pytest

from segaudit.model.acl import Forwarding, Hook, Translate, TranslationKind
from segaudit.model.device import Device
from segaudit.model.flow import ConnectionState, Family, Flow, parse_address
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.reach.interpret import Context, decisions
from segaudit.vendors.cisco_ios import VENDOR

NEW, ANSWER = ConnectionState.NEW, ConnectionState.ESTABLISHED
YES, NO, PERHAPS = {True}, {False}, {True, False}


def device(body: str) -> Device:
    text = f"version 15.7\nno ip source-route\nno ipv6 source-route\n{body}\nend\n"
    file = RawFile("devices/d/running-config.txt", text, sha256(text.encode()).hexdigest())
    return VENDOR.read(RawConfig("d", "", (file,)))


def port(name: str, *lines: str) -> str:
    return "\n ".join((f"interface {name}", *lines)) + "\n!\n"


def flow(
    source: str = "10.0.0.5",
    destination: str = "192.0.2.9",
    protocol: int = 6,
    port: int = 80,
    flags: int = 2,
    icmp: int = 0,
    fragment: bool = False,
) -> Flow:
    family, number = parse_address(source)
    target = parse_address(destination)[1]
    return Flow(family, protocol, number, target, 40000, port, icmp, 0, flags, fragment)


def passes(
    found: Device,
    hook: Hook,
    packet: Flow,
    incoming: str | None = "GigabitEthernet0/1",
    outgoing: str | None = "GigabitEthernet0/2",
    state: ConnectionState = NEW,
) -> set[bool]:
    """What the filters of one hook may say of a packet: all must accept it."""
    out = {True}
    for one in found.attachments:
        place = incoming if hook is Hook.INGRESS else outgoing
        applies = one.interface in (None, place) and packet.family in one.families
        if one.hook is hook and applies and not one.translates:
            said = {
                decision.verdict is Forwarding.ACCEPT
                for decision in decisions(found, one.acl, packet, Context(incoming, outgoing, state))
            }
            out = {one and other for one in out for other in said}
    return out


def translations(
    found: Device, hook: Hook, packet: Flow, incoming: str | None, outgoing: str | None
) -> list[tuple[TranslationKind, tuple[tuple[int, int], ...], bool]]:
    (attachment,) = [one for one in found.attachments if one.hook is hook and one.translates]
    return [
        (one.verdict.kind, one.verdict.addresses, one.certain)
        for one in decisions(found, attachment.acl, packet, Context(incoming, outgoing, NEW))
        if isinstance(one.verdict, Translate)
    ]


# ---- access lists -------------------------------------------------------------------------------


def test_the_first_entry_decides_and_the_rest_is_denied() -> None:
    found = device(
        "ip access-list extended IN\n deny tcp any any eq 23\n permit tcp any any\n"
        + port("Gi0/1", "ip access-group IN in")
    )
    assert passes(found, Hook.INGRESS, flow(port=80)) == YES
    assert passes(found, Hook.INGRESS, flow(port=23)) == NO
    assert passes(found, Hook.INGRESS, flow(protocol=17)) == NO
    assert passes(found, Hook.INGRESS, flow(port=23), incoming="GigabitEthernet0/2") == YES
    assert passes(found, Hook.INGRESS, flow(port=23, fragment=True)) == YES


def test_entries_stand_in_the_order_of_their_numbers() -> None:
    found = device(
        "ip access-list extended IN\n 20 permit ip any any\n 10 deny tcp any any\n"
        + port("Gi0/1", "ip access-group IN in")
    )
    assert passes(found, Hook.INGRESS, flow()) == NO


@pytest.mark.parametrize(
    "lines", ["", "ip access-list extended IN\n", "ip access-list extended IN\n remark x\n"]
)
def test_a_list_without_entries_lets_everything_through(lines: str) -> None:
    found = device(lines + port("Gi0/1", "ip access-group IN in"))
    assert passes(found, Hook.INGRESS, flow()) == YES
    assert any("everything passes" in line.reason for line in found.lines)


def test_a_list_that_was_removed_before_it_is_written_anew() -> None:
    found = device(
        "ip access-list extended IN\n deny ip any any\nno ip access-list extended IN\n"
        "ip access-list extended IN\n permit ip any any\n" + port("Gi0/1", "ip access-group IN in")
    )
    assert passes(found, Hook.INGRESS, flow()) == YES


def test_an_outbound_list_does_not_filter_the_devices_own_packets() -> None:
    found = device("access-list 7 deny any\n" + port("Gi0/2", "ip access-group 7 out"))
    assert passes(found, Hook.EGRESS, flow()) == NO
    assert passes(found, Hook.EGRESS, flow(), incoming=None) == YES


def test_an_ipv6_list_lets_neighbour_discovery_through_before_it_denies() -> None:
    found = device(
        "ipv6 access-list IN\n permit tcp any any eq 443\n" + port("Gi0/1", "ipv6 traffic-filter IN in")
    )
    near = {"source": "2001:db8::1", "destination": "2001:db8::2"}
    assert passes(found, Hook.INGRESS, flow(port=443, **near)) == YES  # type: ignore[arg-type]
    assert passes(found, Hook.INGRESS, flow(protocol=58, icmp=135, **near)) == YES  # type: ignore[arg-type]
    assert passes(found, Hook.INGRESS, flow(protocol=58, icmp=128, **near)) == NO  # type: ignore[arg-type]
    assert passes(found, Hook.INGRESS, flow()) == YES


def test_lists_of_both_families_may_have_one_name() -> None:
    found = device(
        "ip access-list extended X\n deny ip any any\nipv6 access-list X\n permit ipv6 any any\n"
        + port("Gi0/1", "ip access-group X in", "ipv6 traffic-filter X in")
    )
    assert passes(found, Hook.INGRESS, flow()) == NO
    assert passes(found, Hook.INGRESS, flow("2001:db8::1", "2001:db8::2")) == YES


def test_a_reflexive_list_lets_answers_in_perhaps_and_nothing_new() -> None:
    found = device(
        "ip access-list extended OUT\n permit tcp any any reflect R\n"
        "ip access-list extended IN\n evaluate R\n"
        + port("Gi0/1", "ip access-group IN in", "ip access-group OUT out")
    )
    assert found.tracks_connections
    assert passes(found, Hook.INGRESS, flow()) == NO
    assert passes(found, Hook.INGRESS, flow(), state=ANSWER) == PERHAPS


def test_inspection_opens_lists_for_answers() -> None:
    found = device(
        "access-list 101 deny ip any any\nip inspect name FW tcp\n"
        + port("Gi0/1", "ip inspect FW in") + port("Gi0/2", "ip access-group 101 in")
    )  # fmt: skip
    assert passes(found, Hook.INGRESS, flow(), incoming="GigabitEthernet0/2") == NO
    assert passes(found, Hook.INGRESS, flow(), incoming="GigabitEthernet0/2", state=ANSWER) == PERHAPS


def test_on_a_device_that_tracks_a_port_denies_nothing_for_certain() -> None:
    """Later fragments carry no ports; the model shows them whole on a device that tracks."""
    found = device(
        "access-list 101 deny tcp any any eq 23\naccess-list 101 permit ip any any\n"
        "ip nat inside source static 10.0.0.5 192.0.2.5\n"
        + port("Gi0/1", "ip nat inside", "ip access-group 101 in") + port("Gi0/2", "ip nat outside")
    )  # fmt: skip
    assert passes(found, Hook.INGRESS, flow(port=23)) == PERHAPS


def test_an_entry_that_is_not_understood_matches_perhaps_and_is_told() -> None:
    found = device(
        "access-list 101 deny ip any any sometimes\naccess-list 101 permit ip any any\n"
        + port("Gi0/1", "ip access-group 101 in")
    )
    assert passes(found, Hook.INGRESS, flow()) == PERHAPS
    (line,) = [line for line in found.lines if line.fate == "unrecognized"]
    assert line.bounded
    assert "sometimes" in line.reason


def test_what_a_vlan_filter_drops_is_not_known() -> None:
    found = device("vlan filter M vlan-list 5-9\n" + port("Vlan7", "no shutdown") + port("Vlan10"))
    assert passes(found, Hook.INGRESS, flow(), incoming="Vlan7") == PERHAPS
    assert passes(found, Hook.INGRESS, flow(), incoming="Vlan10") == YES


# ---- who may log in -----------------------------------------------------------------------------

LINES = (
    "access-list 9 permit 10.9.0.0 0.0.255.255\nline vty 0 4\n access-class 9 in\n transport input ssh\n"
)


def test_terminal_lines_keep_others_out_of_their_ports() -> None:
    found = device(LINES)
    assert passes(found, Hook.INPUT, flow(port=22)) == NO
    assert passes(found, Hook.INPUT, flow("10.9.1.1", port=22)) == YES
    assert passes(found, Hook.INPUT, flow(port=80)) == YES
    assert passes(found, Hook.INPUT, flow(port=23)) == YES


def test_where_another_range_of_lines_lets_all_in_nobody_is_kept_out() -> None:
    found = device(LINES + "line vty 5 15\n transport input ssh\n")
    assert passes(found, Hook.INPUT, flow(port=22)) == YES


# ---- zones --------------------------------------------------------------------------------------

ZONES = (
    "class-map type inspect match-any WEB\n match protocol http\n match access-group name MORE\n"
    "class-map type inspect match-all BOTH\n match protocol tcp\n match access-group name MORE\n"
    "class-map type inspect APP\n match protocol skype\n"
    "policy-map type inspect P\n class type inspect WEB\n  inspect\n class class-default\n  drop\n"
    "policy-map type inspect Q\n class type inspect BOTH\n  pass\n"
    "policy-map type inspect R\n class type inspect APP\n  inspect\n"
    "zone security A\nzone security B\nzone security C\n"
    "zone-pair security A-B source A destination B\n service-policy type inspect P\n"
    "zone-pair security B-C source B destination C\n service-policy type inspect Q\n"
    "zone-pair security C-A source C destination A\n service-policy type inspect R\n"
    "zone-pair security C-SELF source C destination self\n service-policy type inspect Q\n"
    "ip access-list extended MORE\n deny tcp any host 192.0.2.66\n permit ip any 192.0.2.64 0.0.0.63\n"
    + port("Gi0/1", "zone-member security A") + port("Gi0/2", "zone-member security B")
    + port("Gi0/3", "zone-member security C") + port("Gi0/4") + port("Gi0/5", "zone-member security A")
)  # fmt: skip


@pytest.mark.parametrize(
    ("incoming", "outgoing", "packet", "expected"),
    [
        (1, 2, flow(port=80), YES),
        (1, 2, flow(port=22), NO),
        (1, 2, flow(destination="192.0.2.65", port=22), YES),
        (1, 2, flow(destination="192.0.2.66", port=22), NO),
        (1, 2, flow(destination="192.0.2.66", protocol=17), YES),
        (2, 1, flow(port=80), NO),
        (2, 3, flow(destination="192.0.2.65", port=22), YES),
        (2, 3, flow(destination="192.0.2.65", protocol=17), NO),
        (3, 1, flow(), PERHAPS),
        (1, 5, flow(), YES),
        (1, 4, flow(), NO),
        (4, 1, flow(), NO),
        (4, 4, flow(), YES),
        (1, 3, flow(), NO),
    ],
)
def test_between_zones(incoming: int, outgoing: int, packet: Flow, expected: set[bool]) -> None:
    found = device(ZONES)
    names = (f"GigabitEthernet0/{incoming}", f"GigabitEthernet0/{outgoing}")
    assert passes(found, Hook.FORWARD, packet, *names) == expected


def test_answers_pass_between_zones_and_the_device_is_open_but_for_self_pairs() -> None:
    found = device(ZONES)
    back = ("GigabitEthernet0/2", "GigabitEthernet0/1")
    assert passes(found, Hook.FORWARD, flow(), *back, state=ANSWER) == YES
    assert passes(found, Hook.INPUT, flow(), "GigabitEthernet0/1", None) == YES
    assert passes(found, Hook.INPUT, flow(), "GigabitEthernet0/3", None) == NO
    assert passes(found, Hook.INPUT, flow(destination="192.0.2.65"), "GigabitEthernet0/3", None) == YES


# ---- NAT ----------------------------------------------------------------------------------------

NAT_PORTS = port("Gi0/1", "ip address 10.0.0.1 255.255.255.0", "ip nat inside") + port(
    "Gi0/2", "ip address 192.0.2.1 255.255.255.0", "ip nat outside"
)
INSIDE, OUTSIDE = "GigabitEthernet0/1", "GigabitEthernet0/2"


def number(text: str) -> int:
    return parse_address(text)[1]


def test_a_static_translation_works_both_ways() -> None:
    found = device(NAT_PORTS + "ip nat inside source static 10.0.0.5 192.0.2.5\n")
    outer, local = number("192.0.2.5"), number("10.0.0.5")
    assert translations(found, Hook.POSTROUTING, flow(), INSIDE, OUTSIDE) == [
        (TranslationKind.SOURCE, ((outer, outer),), True)
    ]
    assert translations(found, Hook.POSTROUTING, flow("10.0.0.6"), INSIDE, OUTSIDE) == []
    assert translations(found, Hook.POSTROUTING, flow(), INSIDE, INSIDE) == []
    comes = flow("198.51.100.1", "192.0.2.5")
    assert translations(found, Hook.PREROUTING, comes, OUTSIDE, None) == [
        (TranslationKind.DESTINATION, ((local, local),), True)
    ]
    assert translations(found, Hook.PREROUTING, comes, INSIDE, None) == []
    assert "192.0.2.5/24" in {str(one) for one in found.interfaces[OUTSIDE].addresses}


def test_a_port_is_translated_to_a_port() -> None:
    found = device(NAT_PORTS + "ip nat inside source static tcp 10.0.0.5 8080 interface Gi0/2 80\n")
    comes = flow("198.51.100.1", "192.0.2.1", port=80)
    assert len(translations(found, Hook.PREROUTING, comes, OUTSIDE, None)) == 1
    assert (
        translations(found, Hook.PREROUTING, flow("198.51.100.1", "192.0.2.1", port=81), OUTSIDE, None)
        == []
    )


def test_a_pool_lets_outside_hosts_in_perhaps_and_overload_does_not() -> None:
    pool = (
        "access-list 1 deny 10.0.0.9\naccess-list 1 permit 10.0.0.0 0.0.0.255\n"
        "ip nat pool P 192.0.2.10 192.0.2.20 netmask 255.255.255.0\n"
    )
    comes = flow("198.51.100.1", "192.0.2.15")
    found = device(NAT_PORTS + pool + "ip nat inside source list 1 pool P\n")
    assert translations(found, Hook.PREROUTING, comes, OUTSIDE, None) == [
        (TranslationKind.DESTINATION, (), False)
    ]
    assert len(translations(found, Hook.POSTROUTING, flow(), INSIDE, OUTSIDE)) == 1
    assert translations(found, Hook.POSTROUTING, flow("10.0.0.9"), INSIDE, OUTSIDE) == []
    found = device(NAT_PORTS + pool + "ip nat inside source list 1 pool P overload\n")
    assert [one for one in found.attachments if one.hook is Hook.PREROUTING] == []


@pytest.mark.parametrize(
    "rule",
    ["outside source static 198.51.100.5 10.0.0.77", "inside destination list 1 pool P",
     "inside source static network 10.0.0.0 192.0.2.0 /24", "inside source list 1 pool NONE",
     "inside source static 10.0.0.5 192.0.2.5 vrf RED",
     "inside source static 10.0.0.5 192.0.2.5 route-map M"],
)  # fmt: skip
def test_a_translation_that_is_not_modelled_allows_for_any(rule: str) -> None:
    found = device(NAT_PORTS + f"ip nat {rule}\n")
    assert found.unknown_translation
    assert [line.text for line in found.lines if line.fate == "unsupported"] == [f"ip nat {rule}"]


def test_relayed_broadcasts_reach_the_server_perhaps() -> None:
    found = device(port("Gi0/1", "ip address 10.0.0.1 255.255.255.0", "ip helper-address 192.0.2.7"))
    server = number("192.0.2.7")
    for target in ("255.255.255.255", "10.0.0.255"):
        asked = flow("10.0.0.9", target, protocol=17, port=67)
        assert translations(found, Hook.PREROUTING, asked, INSIDE, None) == [
            (TranslationKind.DESTINATION, ((server, server),), False)
        ]
    assert translations(found, Hook.PREROUTING, flow(protocol=17), INSIDE, None) == []
    answer = flow("192.0.2.7", "10.0.0.1", protocol=17, port=67)
    wire = ((number("10.0.0.0"), number("10.0.0.255")),)
    told = [(TranslationKind.DESTINATION, wire, False)]
    assert translations(found, Hook.PREROUTING, answer, OUTSIDE, None) == told
    assert not found.tracks_connections


def test_every_chain_that_is_applied_or_jumped_to_is_there() -> None:
    found = device(ZONES + LINES + NAT_PORTS + "ip nat inside source list 9 interface Gi0/2 overload\n")
    assert {one.acl for one in found.attachments} <= set(found.acls)
    targets = {
        ace.action.acl for acl in found.acls.values() for ace in acl.aces if hasattr(ace.action, "acl")
    }
    assert targets <= set(found.acls)
    assert all(name == acl.name for name, acl in found.acls.items())


def test_both_families_are_families() -> None:
    assert {family for one in device(ZONES).attachments for family in one.families} == set(Family)
