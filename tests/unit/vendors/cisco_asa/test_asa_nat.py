"""Translations of an ASA: which rule, from which side, to what, and where the packet goes then."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from builders.asa import DMZ, INSIDE, OUTSIDE, PORTS, accounted, asa, packet, raw, surely, ways

from segaudit.parse.device_files import DeviceFiles
from segaudit.reach.device_path import Level
from segaudit.vendors.cisco_asa.extract import read_config
from segaudit.vendors.cisco_asa.nat_rules import ordered
from segaudit.vendors.cisco_asa.objects import Objects

IN, OUT, SERVER = "10.1.0.9", "198.51.100.9", "10.2.0.9"
OPEN = """
route outside 0.0.0.0 0.0.0.0 198.51.100.1
access-list all extended permit ip any any
access-group all in interface outside
access-group all in interface dmz
"""
OBJECTS = """
object network host
 host 10.1.0.9
object network lan
 subnet 10.1.0.0 255.255.255.0
object network public
 host 198.51.100.50
object network public-net
 subnet 203.0.113.0 255.255.255.0
object network pool
 range 198.51.100.60 198.51.100.69
object network far
 host 192.0.2.80
object network far-alias
 host 10.1.0.80
"""
BASE = PORTS + OPEN + OBJECTS


def sources(
    rules: str, source: str = IN, destination: str = "192.0.2.1", interface: str = INSIDE
) -> set[str]:
    """The sources that a packet to outside may bear there."""
    box = asa(BASE + rules)
    found = ways(box, interface, packet("tcp", source, destination, 80))
    return {one for out, one, _ in found if out == OUTSIDE}


def arrivals(
    rules: str, destination: str, port: int = 80, interface: str = OUTSIDE
) -> set[tuple[str, str]]:
    """Interfaces and destinations that a packet from outside may end at."""
    box = asa(BASE + rules)
    return {(out, to) for out, _, to in ways(box, interface, packet("tcp", OUT, destination, port))}


def test_without_rules_nothing_is_translated() -> None:
    assert sources("") == {IN}


def test_an_objects_static_rule_works_from_both_sides() -> None:
    rules = "object network host\n nat (inside,outside) static 198.51.100.50"
    assert sources(rules) == {"198.51.100.50"}
    assert arrivals(rules, "198.51.100.50") == {(INSIDE, IN)}
    assert surely(asa(BASE + rules), OUTSIDE, packet("tcp", OUT, "198.51.100.50", 80))
    assert sources(rules, "10.1.0.8") == {"10.1.0.8"}


def test_access_lists_name_real_addresses() -> None:
    """Firewall CLI guide: since 8.3 the real address counts, although the packet bears the mapped one."""
    rules = "object network host\n nat (inside,outside) static 198.51.100.50\n"
    lists = "access-list a extended permit tcp any host ADDRESS\naccess-group a in interface outside"
    flow = packet("tcp", OUT, "198.51.100.50", 80)
    assert surely(asa(PORTS + OBJECTS + rules + lists.replace("ADDRESS", IN)), OUTSIDE, flow)
    assert not ways(asa(PORTS + OBJECTS + rules + lists.replace("ADDRESS", "198.51.100.50")), OUTSIDE, flow)


def test_an_outbound_list_sees_the_source_before_it_is_translated() -> None:
    rules = """object network host
 nat (inside,outside) static 198.51.100.50
access-list out-list extended permit tcp host 10.1.0.9 any
access-group out-list out interface outside
"""
    assert sources(rules) == {"198.51.100.50"}


def test_hiding_behind_the_interface_and_behind_a_pool() -> None:
    assert sources("object network lan\n nat (inside,outside) dynamic interface") == {"198.51.100.2"}
    assert sources("object network lan\n nat (inside,outside) dynamic public") == {"198.51.100.50"}
    assert sources("object network lan\n nat (inside,outside) dynamic pool") == {"*"}
    assert sources("object network lan\n nat (inside,outside) dynamic pat-pool public interface") == {
        "198.51.100.50", "198.51.100.2",
    }  # fmt: skip


def test_a_translation_in_use_may_be_used_from_the_other_side() -> None:
    """Dynamic PAT hides, it does not protect: only the list keeps the outside out."""
    rules = "object network lan\n nat (inside,outside) dynamic public"
    assert (INSIDE, "*") in arrivals(rules, "198.51.100.50")
    assert not ways(asa(PORTS + OBJECTS + rules), OUTSIDE, packet("tcp", OUT, "198.51.100.50", 80))


def test_a_static_rule_for_a_port_moves_that_port_only() -> None:
    rules = "object network host\n nat (inside,outside) static interface service tcp www 8080"
    assert arrivals(rules, "198.51.100.2", 8080) == {(INSIDE, IN)}
    assert arrivals(rules, "198.51.100.2", 80) == {("itself", "198.51.100.2")}
    box = asa(BASE + rules)
    exits = ways(box, INSIDE, packet("tcp", IN, "192.0.2.1", 80), Level.MUST)
    assert {one for _, one, _ in exits} == {IN}, "its source port is not 80"


def test_a_subnet_is_mapped_onto_a_subnet() -> None:
    rules = "object network lan\n nat (inside,outside) static public-net"
    assert sources(rules) == {"*"}
    assert {out for out, _ in arrivals(rules, "203.0.113.9")} == {INSIDE}


def test_an_address_stands_for_as_many_as_the_object_has() -> None:
    rules = "object network lan\n nat (inside,outside) static 203.0.113.0"
    assert {out for out, _ in arrivals(rules, "203.0.113.200")} == {INSIDE}
    assert arrivals(rules, "203.0.114.1") == set()


def test_an_identity_rule_keeps_its_packets_from_later_rules() -> None:
    rules = """object-group network branch
 network-object host 192.0.2.80
nat (inside,outside) source static lan lan destination static branch branch no-proxy-arp
object network lan
 nat (inside,outside) dynamic interface
"""
    assert sources(rules, destination="192.0.2.80") == {IN}
    assert sources(rules, destination="192.0.2.81") == {"198.51.100.2"}


def test_a_twice_rule_translates_both_ends() -> None:
    rules = "nat (inside,outside) source static host public destination static far-alias far"
    box = asa(BASE + rules)
    out = ways(box, INSIDE, packet("tcp", IN, "10.1.0.80", 80))
    assert (OUTSIDE, "198.51.100.50", "192.0.2.80") in out
    back = ways(box, OUTSIDE, packet("tcp", "192.0.2.80", "198.51.100.50", 80))
    assert (INSIDE, "10.1.0.80", IN) in back
    assert sources(rules, source="10.1.0.8", destination="192.0.2.80") == {"10.1.0.8"}


def test_what_may_fit_an_earlier_rule_is_translated_perhaps() -> None:
    """The model may choose per end where the ASA chooses one rule: both results are allowed."""
    rules = """nat (inside,outside) source dynamic lan interface
nat (inside,outside) source static host public destination static far-alias far
"""
    out = ways(asa(BASE + rules), INSIDE, packet("tcp", IN, "10.1.0.80", 80))
    assert {(OUTSIDE, "198.51.100.2", "192.0.2.80")} <= out
    assert not surely(asa(BASE + rules), INSIDE, packet("tcp", IN, "10.1.0.80", 80))


def test_unidirectional_and_inactive_rules() -> None:
    rule = "nat (inside,outside) source static host public"
    assert arrivals(rule, "198.51.100.50") == {(INSIDE, IN)}
    assert (INSIDE, IN) not in arrivals(rule + " unidirectional", "198.51.100.50")
    assert sources(rule + " unidirectional") == {"198.51.100.50"}
    assert sources(rule + " inactive") == {IN}


def test_a_service_rule_translates_perhaps_and_to_any_port() -> None:
    rules = """object service http
 service tcp destination eq 80
object service proxy
 service tcp destination eq 3128
nat (inside,outside) source static host public service http proxy
"""
    assert sources(rules) == {IN, "198.51.100.50"}


def test_a_rule_sends_untranslated_packets_to_its_own_interface() -> None:
    """Firewall CLI guide, "Determining the Egress Interface": the NAT rule's, unless ``route-lookup``."""
    rules = """object network elsewhere
 host 172.20.0.9
route dmz 172.20.0.0 255.255.0.0 10.2.0.254
route inside 172.16.0.0 255.240.0.0 10.1.0.254
nat (inside,outside) source static elsewhere public FLAG
"""
    by_rule = arrivals(rules.replace("FLAG", ""), "198.51.100.50")
    assert by_rule == {(DMZ, "172.20.0.9"), (INSIDE, "172.20.0.9")}
    assert arrivals(rules.replace("FLAG", "route-lookup"), "198.51.100.50") == {(DMZ, "172.20.0.9")}


def test_no_diversion_where_the_routes_agree() -> None:
    rules = "object network host\n nat (inside,outside) static public"
    assert not asa(BASE + rules).rules


def test_a_packet_to_a_real_address_that_is_hidden_is_perhaps_dropped() -> None:
    box = asa(BASE + "object network lan\n nat (inside,outside) dynamic interface")
    flow = packet("tcp", OUT, IN, 80)
    assert ways(box, OUTSIDE, flow)
    assert not surely(box, OUTSIDE, flow)


def test_an_identity_rule_keeps_a_packet_from_being_dropped_as_asymmetric() -> None:
    rules = """object-group network branch
 network-object host 192.0.2.80
nat (inside,outside) source static lan lan destination static branch branch
object network lan
 nat (inside,outside) dynamic interface
"""
    assert surely(asa(BASE + rules), OUTSIDE, packet("tcp", "192.0.2.80", IN, 80))
    assert not surely(asa(BASE + rules), OUTSIDE, packet("tcp", "192.0.2.81", IN, 80))


def test_the_whole_interface_address_may_be_given_away() -> None:
    """Which ports of its own address an ASA keeps for itself is not known: both are allowed."""
    rules = "object network host\n nat (inside,outside) static interface"
    assert arrivals(rules, "198.51.100.2") == {(INSIDE, IN), ("itself", "198.51.100.2")}


def test_the_order_of_the_rules_is_the_asas() -> None:
    """The example of the Firewall CLI guide, "NAT Rule Order", and the three sections."""
    text = """
object network def
 subnet 172.16.1.0 255.255.255.0
 nat (inside,outside) dynamic public
object network abc
 subnet 172.16.1.0 255.255.255.0
 nat (inside,outside) dynamic public
object network wide-static
 subnet 192.168.1.0 255.255.255.0
 nat (inside,outside) static public-net
object network wide-dynamic
 subnet 192.168.1.0 255.255.255.0
 nat (inside,outside) dynamic public
object network ten
 subnet 10.1.1.0 255.255.255.0
 nat (inside,outside) static public-net
object network one
 host 192.168.1.1
 nat (inside,outside) static public
nat (inside,outside) after-auto source dynamic host interface
nat (inside,outside) source static host public
"""
    collected = raw(BASE + text)
    file, ledger = DeviceFiles(collected).open(collected.files[0])
    config = read_config(file, ledger)
    rules = ordered(config, Objects(config))
    firsts = [str(ip_address(rule.real.four[0][0])) + ("s" if rule.static else "d") for rule in rules]
    assert firsts == [
        "10.1.0.9s", "192.168.1.1s", "10.1.1.0s", "192.168.1.0s", "172.16.1.0d", "172.16.1.0d",
        "192.168.1.0d", "10.1.0.9d",
    ]  # fmt: skip
    assert rules[4].span.first_line > rules[5].span.first_line, "abc before def"


@pytest.mark.parametrize("rule", [
    "static (inside,outside) 198.51.100.50 10.1.0.9 netmask 255.255.255.255",
    "nat (inside) 1 10.1.0.0 255.255.255.0\nglobal (outside) 1 interface",
    "nat (inside,outside) source bogus host public", "nat (nowhere,outside) source static host public",
    "nat (inside,outside) source static host public strange",
    "object network six\n host 2001:db8::6\n nat (inside,outside) static public",
])  # fmt: skip
def test_what_is_not_modelled_may_translate_anything(rule: str) -> None:
    box = asa(BASE + rule)
    assert box.unknown_translation
    [line] = accounted(box, rule.rpartition("\n")[2].strip())
    assert line.bounded


def test_mapped_addresses_are_answered_for() -> None:
    rule = "object network host\n nat (inside,outside) static 198.51.100.50"

    def proxies(text: str) -> set[str]:
        return {name for name, one in asa(BASE + text).interfaces.items() if one.proxy_arp}

    assert proxies(rule) == {OUTSIDE}
    assert proxies(rule + " no-proxy-arp") == set()
    assert proxies(rule + "\nsysopt noproxyarp outside") == set()
    assert proxies("arp dmz 10.2.0.77 0000.5e00.5301 alias") == {DMZ}
