"""Which packets an ASA lets through: access lists, groups, security levels, and to itself."""

from __future__ import annotations

import pytest
from builders.asa import DMZ, INSIDE, OUTSIDE, PORTS, accounted, asa, packet, passes, surely, ways

IN, OUT, SERVER = "10.1.0.9", "198.51.100.9", "10.2.0.9"


def permitted(rules: str, protocol: str, port: int = 0, kind: int = 0, source: str = OUT) -> bool:
    """Whether a packet from outside to the server passes a list, as may and as must."""
    box = asa(PORTS + rules + "\naccess-group in-list in interface outside")
    flow = packet(protocol, source, SERVER, port, kind)
    may = passes(box, OUTSIDE, flow)
    assert may == surely(box, OUTSIDE, flow)
    return may


def test_without_lists_packets_go_down_the_security_levels_only() -> None:
    box = asa(PORTS)
    levels = {INSIDE: IN, DMZ: SERVER, OUTSIDE: OUT}
    order = list(levels)
    for high in order:
        for low in order:
            if high != low:
                flow = packet("udp", levels[high], levels[low], 53)
                assert passes(box, high, flow) == (order.index(high) < order.index(low)), (high, low)


def test_inside_is_level_100_and_every_other_name_0_where_nothing_is_said() -> None:
    box = asa(PORTS.replace(" security-level 0\n", "").replace(" security-level 100\n", ""))
    assert passes(box, INSIDE, packet("tcp", IN, OUT, 80))
    assert not passes(box, OUTSIDE, packet("tcp", OUT, IN, 80))


@pytest.mark.parametrize("kind", ["inter", "intra"])
def test_equal_levels_need_leave_whatever_the_lists_say(kind: str) -> None:
    """``inter-interface``: between two of one level; ``intra-interface``: back out of the same."""
    lists = """
access-list all extended permit ip any any
access-group all in interface dmz
access-group all in interface inside
route dmz 10.9.0.0 255.255.0.0 10.2.0.254
"""
    level = PORTS.replace("security-level 50", "security-level 100") + lists
    flow = packet("udp", SERVER, IN if kind == "inter" else "10.9.0.1", 53)
    assert not passes(asa(level), DMZ, flow)
    allowed = asa(level + f"same-security-traffic permit {kind}-interface")
    assert surely(allowed, DMZ, flow)


def test_an_inbound_list_replaces_the_levels_and_ends_in_a_deny() -> None:
    rules = "access-list in-list extended permit tcp any host 10.2.0.9 eq www"
    assert permitted(rules, "tcp", 80)
    assert not permitted(rules, "tcp", 81)
    box = asa(PORTS + rules + "\naccess-group in-list in interface inside")
    assert not passes(box, INSIDE, packet("tcp", IN, OUT, 443))


def test_an_outbound_list_must_let_through_too() -> None:
    box = asa(
        PORTS
        + "access-list out-list extended permit udp any any eq ntp\naccess-group out-list out interface dmz"
    )
    assert passes(box, INSIDE, packet("udp", IN, SERVER, 123))
    assert not passes(box, INSIDE, packet("udp", IN, SERVER, 124))
    assert passes(box, INSIDE, packet("udp", IN, OUT, 124))
    upwards = packet("udp", OUT, SERVER, 123)
    assert passes(box, OUTSIDE, upwards), "whether the outbound list alone is enough is not written"
    assert not surely(box, OUTSIDE, upwards)
    assert not passes(box, OUTSIDE, packet("udp", OUT, SERVER, 124))
    assert not passes(box, OUTSIDE, packet("udp", OUT, IN, 123)), "no list: the levels hold"


def test_the_global_list_comes_after_the_interface_list_and_ends_the_implicit_permit() -> None:
    box = asa(
        PORTS
        + """
access-list in-list extended deny tcp any any eq ssh
access-list everywhere extended permit tcp any any
access-group in-list in interface outside
access-group everywhere global
"""
    )
    assert not passes(box, OUTSIDE, packet("tcp", OUT, SERVER, 22))
    assert surely(box, OUTSIDE, packet("tcp", OUT, SERVER, 23))
    assert surely(box, INSIDE, packet("tcp", IN, OUT, 22))
    assert not passes(box, INSIDE, packet("udp", IN, OUT, 22))


def test_a_list_that_is_not_there_may_permit_anything() -> None:
    box = asa(PORTS + "access-group missing in interface outside")
    flow = packet("tcp", OUT, SERVER, 80)
    assert passes(box, OUTSIDE, flow)
    assert not surely(box, OUTSIDE, flow)
    assert accounted(box, "missing")[0].bounded


def test_users_own_lists_may_override_an_interface_list() -> None:
    text = PORTS + "access-list in-list extended deny ip any any\naccess-group in-list in interface outside"
    flow = packet("tcp", OUT, SERVER, 80)
    assert not passes(asa(text), OUTSIDE, flow)
    assert passes(asa(text + " per-user-override"), OUTSIDE, flow)


def test_an_inactive_rule_does_not_count_and_a_time_range_counts_perhaps() -> None:
    assert not permitted("access-list in-list extended permit tcp any any inactive\n"
                         "access-list in-list extended deny ip any any", "tcp", 80)  # fmt: skip
    box = asa(
        PORTS
        + """
access-list in-list extended permit tcp any any eq www time-range work
access-list in-list extended permit tcp any any eq https
access-group in-list in interface outside
"""
    )
    assert passes(box, OUTSIDE, packet("tcp", OUT, SERVER, 80))
    assert not surely(box, OUTSIDE, packet("tcp", OUT, SERVER, 80))
    assert surely(box, OUTSIDE, packet("tcp", OUT, SERVER, 443))


@pytest.mark.parametrize("spec", [
    "user EXAMPLE\\joe any any", "security-group name guests any any", "object-group-user staff any any",
    "any security-group tag 7 any", "object site any", "object-group nobody any", "any interface lan",
])  # fmt: skip
def test_what_is_not_known_matches_perhaps_in_a_permit_and_in_a_deny(spec: str) -> None:
    rules = f"""
object network site
 fqdn www.vendor.example
access-list in-list extended ACTION tcp {spec} eq www
access-list in-list extended permit ip any any
access-group in-list in interface outside
"""
    flow = packet("tcp", OUT, SERVER, 80)
    denying = asa(PORTS + rules.replace("ACTION", "deny"))
    assert passes(denying, OUTSIDE, flow)
    assert not surely(denying, OUTSIDE, flow)
    permitting = asa(
        PORTS + rules.replace("ACTION", "permit").replace("permit ip any any", "deny ip any any")
    )
    assert passes(permitting, OUTSIDE, flow)
    assert not surely(permitting, OUTSIDE, flow)
    assert all(line.bounded for line in accounted(denying, spec))
    assert accounted(denying, spec)


def test_a_rule_whose_words_are_not_understood_matches_perhaps() -> None:
    rules = "access-list in-list extended permit tcp any any eq www bogus words"
    box = asa(PORTS + rules + "\naccess-group in-list in interface outside")
    assert passes(box, OUTSIDE, packet("tcp", OUT, SERVER, 80))
    assert not surely(box, OUTSIDE, packet("tcp", OUT, SERVER, 80))
    [line] = accounted(box, "bogus")
    assert (line.fate, line.bounded) == ("unrecognized", True)


def test_a_line_of_a_list_without_an_action_makes_the_device_doubtful() -> None:
    [line] = accounted(asa(PORTS + "access-list in-list extended allow ip any any"), "allow")
    assert (line.fate, line.bounded) == ("unrecognized", False)


def test_names_stand_for_addresses_in_rules_and_routes() -> None:
    box = asa(
        "name 10.2.0.9 server\nname 10.2.0.254 gateway\n" + PORTS
        + "access-list in-list extended permit tcp any host server eq 25\n"
        + "access-group in-list in interface outside\nroute dmz 10.8.0.0 255.255.0.0 gateway"
    )  # fmt: skip
    assert surely(box, OUTSIDE, packet("tcp", OUT, SERVER, 25))
    assert not passes(box, OUTSIDE, packet("tcp", OUT, "10.2.0.8", 25))
    assert passes(box, INSIDE, packet("tcp", IN, "10.8.1.1", 80))


def test_the_word_interface_stands_for_its_address() -> None:
    rules = "access-list in-list extended permit tcp interface dmz any\n"
    box = asa(PORTS + rules + "access-group in-list in interface outside")
    assert passes(box, OUTSIDE, packet("tcp", "10.2.0.1", SERVER, 80))
    assert not passes(box, OUTSIDE, packet("tcp", "10.2.0.2", SERVER, 80))


GROUPS = """
object network host-a
 host 198.51.100.9
object network span
 range 198.51.100.20 198.51.100.29
object network net
 subnet 203.0.113.0 255.255.255.0
object-group network inner
 network-object object span
object-group network all-three
 network-object host 192.0.2.1
 network-object 203.0.113.0 255.255.255.128
 network-object object host-a
 group-object inner
object-group network looped
 group-object looped
object service web
 service tcp source range 1 50000 destination eq www
object-group service ports tcp-udp
 port-object eq domain
 port-object range 8000 8010
object-group service many
 service-object object web
 service-object udp destination eq syslog
 service-object icmp echo
 service-object gre
object-group protocol two
 protocol-object udp
 protocol-object gre
object-group icmp-type ping
 icmp-object echo
"""


@pytest.mark.parametrize(("source", "let_in"), [
    ("198.51.100.9", True), ("198.51.100.20", True), ("198.51.100.29", True), ("198.51.100.30", False),
    ("192.0.2.1", True), ("203.0.113.127", True), ("203.0.113.128", False),
])  # fmt: skip
def test_network_groups_hold_objects_hosts_subnets_and_groups(source: str, let_in: bool) -> None:
    rules = GROUPS + "access-list in-list extended permit ip object-group all-three any"
    assert permitted(rules, "udp", 5, source=source) is let_in


@pytest.mark.parametrize(("service", "protocol", "port", "kind", "let_in"), [
    ("object-group many any any", "tcp", 80, 0, True), ("object-group many any any", "tcp", 81, 0, False),
    ("object-group many any any", "udp", 514, 0, True), ("object-group many any any", "icmp", 0, 8, True),
    ("object-group many any any", "icmp", 0, 13, False), ("object-group many any any", "gre", 0, 0, True),
    ("object web any any", "tcp", 80, 0, True), ("object web any any", "udp", 80, 0, False),
    ("object-group two any any", "udp", 9, 0, True), ("object-group two any any", "tcp", 9, 0, False),
    ("udp any any object-group ports", "udp", 53, 0, True),
    ("udp any any object-group ports", "udp", 8010, 0, True),
    ("udp any any object-group ports", "udp", 8011, 0, False),
    ("tcp any object-group ports any", "tcp", 53, 0, False),
    ("icmp any any object-group ping", "icmp", 0, 8, True),
    ("icmp any any object-group ping", "icmp", 0, 13, False),
    ("icmp any any echo", "icmp", 0, 8, True), ("47 any any", "gre", 0, 0, True),
    ("tcp any any gt 1023", "tcp", 1024, 0, True), ("tcp any any neq 80", "tcp", 80, 0, False),
    ("tcp any 10.2.0.0 255.255.255.0 range 20 ssh", "tcp", 22, 0, True),
    ("object-group tcp-only any any", "tcp", 1, 0, True),
])  # fmt: skip
def test_services(service: str, protocol: str, port: int, kind: int, let_in: bool) -> None:
    rules = GROUPS + "object-group protocol tcp-only\n protocol-object tcp\n"
    assert (
        permitted(f"{rules}access-list in-list extended permit {service}", protocol, port, kind) is let_in
    )


def test_a_group_that_holds_itself_is_not_known() -> None:
    box = asa(
        PORTS
        + GROUPS
        + """
access-list in-list extended permit ip object-group looped any
access-group in-list in interface outside
"""
    )
    assert passes(box, OUTSIDE, packet("udp", OUT, SERVER, 5))
    assert not surely(box, OUTSIDE, packet("udp", OUT, SERVER, 5))


def test_from_90_on_any_is_both_families_and_before_a_list_knows_ipv4() -> None:
    six = PORTS.replace(" ip address 10.2", " ipv6 address 2001:db8:2::1/64\n ip address 10.2").replace(
        " ip address 198", " ipv6 address 2001:db8::1/64\n ip address 198"
    )
    rules = "access-list in-list extended permit tcp any any\naccess-group in-list in interface outside"
    flow = packet("tcp", "2001:db8::9", "2001:db8:2::9", 80)
    assert surely(asa(six + rules), OUTSIDE, flow)
    assert not passes(asa(six + rules, version="8.4(2)"), OUTSIDE, flow)
    assert accounted(asa(six + rules, version="8.4(2)"), "2001:db8::1/64")[0].bounded is False


def test_ipv6_is_forwarded_only_where_it_is_turned_on() -> None:
    only_in = PORTS.replace(" ip address 10.1", " ipv6 address 2001:db8:1::1/64\n ip address 10.1")
    box = asa(only_in + "ipv6 route inside ::/0 2001:db8:1::2")
    assert not passes(box, DMZ, packet("tcp", "2001:db8:2::9", "2001:db8:9::9", 80))


def test_an_interface_without_a_name_passes_nothing() -> None:
    unnamed = PORTS.replace(" nameif dmz\n", "")
    box = asa(unnamed + "access-list all extended permit ip any any\naccess-group all global")
    assert not passes(box, DMZ, packet("udp", SERVER, IN, 53))
    assert not passes(box, INSIDE, packet("udp", IN, SERVER, 53))


def test_a_management_only_interface_passes_nothing_and_has_a_table_of_its_own() -> None:
    text = (
        PORTS.replace(" nameif dmz\n", " nameif dmz\n management-only\n")
        + """
route dmz 0.0.0.0 0.0.0.0 10.2.0.254
route outside 0.0.0.0 0.0.0.0 198.51.100.1
"""
    )
    flow = packet("udp", IN, "192.0.2.7", 53)
    assert {way[0] for way in ways(asa(text), INSIDE, flow)} == {OUTSIDE}
    assert not passes(asa(text), DMZ, packet("udp", SERVER, "192.0.2.7", 53))
    assert not passes(asa(text, version="9.4(1)"), DMZ, packet("udp", SERVER, "192.0.2.7", 53))


# ---- to the device itself -----------------------------------------------------------------------


def test_management_access_names_who_may_and_nobody_else_is_let_in() -> None:
    box = asa(
        PORTS
        + "ssh 10.1.0.0 255.255.255.0 inside\nhttp server enable 8443\nhttp 10.1.0.5 255.255.255.255 inside"
    )
    assert surely(box, INSIDE, packet("tcp", IN, "10.1.0.1", 22))
    assert surely(box, INSIDE, packet("tcp", "10.1.0.5", "10.1.0.1", 8443))
    assert not passes(box, INSIDE, packet("tcp", "10.9.0.9", "10.1.0.1", 22))
    assert not passes(box, OUTSIDE, packet("tcp", OUT, "198.51.100.2", 22))
    assert not passes(box, INSIDE, packet("tcp", IN, "10.1.0.1", 23))
    assert {(one.protocol, one.interface) for one in box.services} == {
        ("ssh", "inside"),
        ("https", "inside"),
    }


def test_an_address_of_another_interface_does_not_answer() -> None:
    box = asa(PORTS + "ssh 0.0.0.0 0.0.0.0 inside\nssh 0.0.0.0 0.0.0.0 dmz")
    assert not passes(box, INSIDE, packet("tcp", IN, "10.2.0.1", 22))
    assert not passes(box, INSIDE, packet("icmp", IN, "10.2.0.1", kind=8))


def test_icmp_is_answered_until_a_line_names_the_interface() -> None:
    ping = packet("icmp", OUT, "198.51.100.2", kind=8)
    assert passes(asa(PORTS), OUTSIDE, ping)
    box = asa(PORTS + "icmp permit host 198.51.100.7 echo outside")
    assert not passes(box, OUTSIDE, ping)
    assert surely(box, OUTSIDE, packet("icmp", "198.51.100.7", "198.51.100.2", kind=8))
    assert not passes(box, OUTSIDE, packet("icmp", "198.51.100.7", "198.51.100.2", kind=13))
    assert passes(box, INSIDE, packet("icmp", IN, "10.1.0.1", kind=8))


def test_a_control_plane_list_denies_and_has_no_implicit_deny() -> None:
    box = asa(
        PORTS
        + """
access-list plane extended deny udp any any eq isakmp
access-group plane in interface outside control-plane
"""
    )
    assert not passes(box, OUTSIDE, packet("udp", OUT, "198.51.100.2", 500))
    assert passes(box, OUTSIDE, packet("udp", OUT, "198.51.100.2", 4500))


@pytest.mark.parametrize("line", ["event manager applet a", "arp outside 192.0.2.9 0050.56aa.bbcc"])
def test_programs_and_written_neighbours_leave_doubt(line: str) -> None:
    doubts = [one.text for one in asa(f"{PORTS}\n{line}\n").lines if not one.bounded]
    assert doubts == [line]


def test_a_rule_that_is_put_in_between_leaves_doubt() -> None:
    listed = "\naccess-list in extended deny ip any any\naccess-group in in interface outside\n"
    inserted = "access-list in line 1 extended permit tcp any any eq 22\n"
    assert [line for line in asa(PORTS + listed).lines if not line.bounded] == []
    doubts = [line.text for line in asa(PORTS + listed + inserted).lines if not line.bounded]
    assert doubts == [inserted.strip()]
