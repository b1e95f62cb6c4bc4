"""Virtual IPs, pools and central NAT: what is translated to what, and what policies make of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from segaudit.model.acl import Acl, Hook, Translate, TranslationKind
from segaudit.model.device import Device
from segaudit.model.flow import ConnectionState, Flow, parse_address
from segaudit.reach.interpret import Context, Decision, decisions

Firewall = Callable[[str], Device]
Packets = Callable[..., Flow]
Verdicts = Callable[..., set[str]]

VIP = """\
config firewall vip
    edit "web"
        set extip 10.1.0.80
        set mappedip "10.2.0.80"
        set extintf "port1"
        set portforward enable
        set extport 443
        set mappedport 8443
    next
end
"""


def accept(settings: str = "", dstaddr: str = "all", number: int = 1, action: str = "accept") -> str:
    return (
        f"config firewall policy\n    edit {number}\n        set srcintf port1\n        set dstintf port2\n"
        f"        set srcaddr all\n        set dstaddr {dstaddr}\n        set action {action}\n"
        f"        set service ALL\n{settings}    next\nend\n"
    )


CENTRAL = "config system settings\n    set central-nat enable\nend\n"


def translated(
    device: Device, acl: str, packet: Flow, incoming: str, outgoing: str | None
) -> list[Decision]:
    return decisions(device, acl, packet, Context(incoming, outgoing, ConnectionState.NEW))


def address(text: str) -> tuple[int, int]:
    return (parse_address(text)[1],) * 2


def test_a_port_forward_translates_its_port_alone(firewall: Firewall, flow: Packets) -> None:
    device = firewall(CENTRAL + VIP)
    (attached,) = [one for one in device.attachments if one.hook is Hook.PREROUTING]
    assert attached.translates
    (hit,) = translated(device, attached.acl, flow("10.1.0.9", "10.1.0.80", 443), "port1", None)
    assert hit.certain
    assert isinstance(hit.verdict, Translate)
    assert hit.verdict.kind is TranslationKind.DESTINATION
    assert hit.verdict.addresses == (address("10.2.0.80"),)
    assert hit.verdict.ports == ((8443, 8443),)
    for packet, incoming in (
        (flow("10.1.0.9", "10.1.0.80", 444), "port1"),
        (flow("10.1.0.9", "10.1.0.81", 443), "port1"),
        (flow("10.1.0.9", "10.1.0.80", 443, protocol=17), "port1"),
        (flow("10.1.0.9", "10.1.0.80", 443), "port3"),
    ):
        (missed,) = translated(device, attached.acl, packet, incoming, None)
        assert not isinstance(missed.verdict, Translate)


@pytest.mark.parametrize(
    "doubt",
    [
        "        set src-filter 10.1.0.0/24\n",
        "        set type server-load-balance\n",
        "        set extip 0.0.0.0\n",
        "        set service web\n",
        "        set extport unreadable\n",
    ],
)
def test_what_a_virtual_ip_takes_may_be_perhaps(firewall: Firewall, flow: Packets, doubt: str) -> None:
    device = firewall(VIP.replace("    next", doubt + "    next"))
    found = translated(device, "destination nat", flow("10.1.0.9", "10.1.0.80", 443), "port1", None)
    assert {isinstance(one.verdict, Translate) for one in found} == {True, False}


def test_two_that_take_the_same_packets_are_perhaps(firewall: Firewall, flow: Packets) -> None:
    other = (
        '    edit "all"\n        set extip 10.1.0.70-10.1.0.90\n'
        '        set mappedip "10.2.0.70-10.2.0.90"\n    next\n'
    )
    device = firewall(VIP.replace("end\n", other + "end\n"))
    found = translated(device, "destination nat", flow("10.1.0.9", "10.1.0.80", 443), "port1", None)
    results = {one.verdict.addresses for one in found if isinstance(one.verdict, Translate)}
    assert len(results) == 2
    assert not any(one.certain for one in found)


def test_port_forwards_of_one_address_are_told_apart(firewall: Firewall, flow: Packets) -> None:
    other = VIP.replace('"web"', '"mail"').replace("443\n", "25\n", 1).replace("config firewall vip\n", "")
    device = firewall(CENTRAL + VIP.replace("end\n", other))
    (hit,) = translated(device, "destination nat", flow("10.1.0.9", "10.1.0.80", 443), "port1", None)
    assert hit.certain


def test_without_central_nat_it_translates_only_where_policies_use_it(
    firewall: Firewall, flow: Packets
) -> None:
    device = firewall(VIP + accept())
    found = translated(device, "destination nat", flow("10.1.0.9", "10.1.0.80", 443), "port1", None)
    assert {isinstance(one.verdict, Translate) for one in found} == {True, False}


@pytest.mark.parametrize("port", [443, 8443])
def test_the_service_may_be_that_before_or_behind(
    firewall: Firewall, flow: Packets, verdicts: Verdicts, port: int
) -> None:
    services = f"config firewall service custom\nedit s\nset tcp-portrange {port}\nnext\nend\n"
    device = firewall(services + VIP + accept(dstaddr="web").replace("service ALL", "service s"))
    assert verdicts(device, flow("10.1.0.9", "10.2.0.80", 8443), "port1", "port2") == {"accept", "drop"}


def test_a_policy_that_names_it_accepts_what_it_translated(
    firewall: Firewall, flow: Packets, verdicts: Verdicts
) -> None:
    device = firewall(VIP + accept(dstaddr="web"))
    assert verdicts(device, flow("10.1.0.9", "10.2.0.80", 8443), "port1", "port2") == {"accept", "drop"}
    assert verdicts(device, flow("10.1.0.9", "10.2.0.81", 8443), "port1", "port2") == {"drop"}


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("", {"accept", "drop"}), ("        set match-vip enable\n", {"drop"})],
)
def test_a_policy_that_denies_everything_may_not_deny_what_it_translated(
    firewall: Firewall, flow: Packets, verdicts: Verdicts, setting: str, expected: set[str]
) -> None:
    deny = accept(setting, action="deny")
    device = firewall(VIP + deny + accept(dstaddr="web", number=2))
    assert verdicts(device, flow("10.1.0.9", "10.2.0.80", 8443), "port1", "port2") == expected
    assert verdicts(device, flow("10.1.0.9", "10.2.0.81", 8443), "port1", "port2") == {"drop"}


def test_with_central_nat_policies_see_what_was_translated(
    firewall: Firewall, flow: Packets, verdicts: Verdicts
) -> None:
    device = firewall(CENTRAL + VIP + accept(action="deny") + accept(number=2))
    assert verdicts(device, flow("10.1.0.9", "10.2.0.80", 8443), "port1", "port2") == {"drop"}


def test_a_disabled_virtual_ip_is_none(firewall: Firewall) -> None:
    device = firewall(VIP.replace("    next", "        set status disable\n    next"))
    assert not [one for one in device.attachments if one.hook is Hook.PREROUTING]


def test_external_addresses_are_answered_for(firewall: Firewall) -> None:
    device = firewall(VIP)
    assert "10.1.0.80/32" in {str(one) for one in device.interfaces["port1"].addresses}
    many = firewall(VIP.replace("10.1.0.80", "172.16.0.0-172.16.3.255"))
    assert many.interfaces["port1"].proxy_arp


# ---- source NAT ---------------------------------------------------------------------------------


def sources(
    device: Device, packet: Flow, incoming: str = "port1", outgoing: str = "port2"
) -> list[Decision]:
    if not [one for one in device.attachments if one.hook is Hook.POSTROUTING]:
        return []
    return translated(device, "source nat", packet, incoming, outgoing)


def test_without_nat_nothing_is_attached(firewall: Firewall, flow: Packets) -> None:
    assert sources(firewall(accept()), flow("10.1.0.9", "10.2.0.9")) == []


def test_nat_is_to_the_first_address_of_the_output_interface(firewall: Firewall, flow: Packets) -> None:
    (found,) = sources(firewall(accept("        set nat enable\n")), flow("10.1.0.9", "10.2.0.9"))
    assert found.certain
    assert isinstance(found.verdict, Translate)
    assert found.verdict.addresses == (address("10.2.0.1"),)


def test_nat_is_to_a_pool(firewall: Firewall, flow: Packets) -> None:
    pool = (
        'config firewall ippool\n    edit "p"\n        set startip 10.2.0.50\n'
        "        set endip 10.2.0.59\n    next\nend\n"
    )
    settings = "        set nat enable\n        set ippool enable\n        set poolname p\n"
    (found,) = sources(firewall(pool + accept(settings)), flow("10.1.0.9", "10.2.0.9"))
    assert isinstance(found.verdict, Translate)
    first, last = address("10.2.0.50")[0], address("10.2.0.59")[0]
    assert found.verdict.addresses == ((first, last),)
    (unknown,) = sources(firewall(accept(settings)), flow("10.1.0.9", "10.2.0.9"))
    assert isinstance(unknown.verdict, Translate)
    assert unknown.verdict.addresses == ()


def test_a_policy_before_decides_about_nat(firewall: Firewall, flow: Packets) -> None:
    host = 'config firewall address\n    edit "host"\n        set subnet 10.2.0.9/32\n    next\nend\n'
    device = firewall(host + accept(dstaddr="host") + accept("        set nat enable\n", number=2))
    (kept,) = sources(device, flow("10.1.0.9", "10.2.0.9"))
    (changed,) = sources(device, flow("10.1.0.9", "10.2.0.10"))
    assert not isinstance(kept.verdict, Translate)
    assert isinstance(changed.verdict, Translate)


def test_the_central_table_translates_in_its_order(firewall: Firewall, flow: Packets) -> None:
    central = """\
config system settings
    set central-nat enable
end
config firewall central-snat-map
    edit 1
        set srcintf port1
        set dstintf port2
        set orig-addr all
        set dst-addr host
        set nat disable
    next
    edit 2
        set srcintf port1
        set dstintf port2
        set orig-addr all
        set dst-addr all
    next
end
config firewall address
    edit host
        set subnet 10.2.0.9/32
    next
end
"""
    device = firewall(central + accept())
    (kept,) = sources(device, flow("10.1.0.9", "10.2.0.9"))
    (changed,) = sources(device, flow("10.1.0.9", "10.2.0.10"))
    (elsewhere,) = sources(device, flow("10.1.0.9", "10.3.0.10"), outgoing="port3")
    assert not isinstance(kept.verdict, Translate)
    assert isinstance(changed.verdict, Translate)
    assert not isinstance(elsewhere.verdict, Translate)
    assert isinstance(device.acls["source nat"], Acl)


def test_whether_ipv6_is_translated_is_not_known(firewall: Firewall, flow: Packets) -> None:
    six = "        set srcaddr6 all\n        set dstaddr6 all\n        set nat enable\n"
    device = firewall(accept(six))
    (four,) = sources(device, flow("10.1.0.9", "10.2.0.9"))
    found = sources(device, flow("2001:db8::1", "2001:db8:2::1"))
    assert isinstance(four.verdict, Translate)
    assert {isinstance(one.verdict, Translate) for one in found} == {True, False}
