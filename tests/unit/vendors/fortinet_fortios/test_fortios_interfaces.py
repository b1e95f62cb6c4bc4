"""Interfaces: addresses, what carries them, what they consist of, tunnels, and links between domains."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from segaudit.graph.segments import segments
from segaudit.model.device import Device, Interface, InterfaceKind
from segaudit.model.flow import Family, parse_address
from segaudit.model.snapshot import Snapshot

Firewall = Callable[[str], Device]


def one(firewall: Firewall, settings: str, blocks: str = "", name: str = "x") -> Interface:
    block = f'config system interface\n    edit "{name}"\n{settings}    next\nend\n'
    return firewall(block + blocks).interfaces[name]


def addresses(interface: Interface) -> list[str]:
    return [str(address) for address in interface.addresses]


@pytest.mark.parametrize("written", ["10.9.0.1 255.255.255.0", "10.9.0.1/24", "10.9.0.1  255.255.255.0"])
def test_an_address_in_each_form(firewall: Firewall, written: str) -> None:
    assert addresses(one(firewall, f"        set ip {written}\n")) == ["10.9.0.1/24"]


def test_no_address_is_none(firewall: Firewall) -> None:
    assert addresses(one(firewall, "        set ip 0.0.0.0 0.0.0.0\n")) == []


SECONDARY = (
    "        config secondaryip\n            edit 1\n"
    "                set ip 10.8.0.1/24\n            next\n        end\n"
)


def test_secondary_addresses_count_where_they_are_enabled(firewall: Firewall) -> None:
    assert addresses(one(firewall, "        set secondary-IP enable\n" + SECONDARY)) == ["10.8.0.1/24"]
    assert addresses(one(firewall, SECONDARY)) == []
    assert addresses(one(firewall, "        set secondary-IP enable\n" + SECONDARY
                         + "        set secondary-IP disable\n")) == []  # fmt: skip


def test_addresses_of_vrrp_and_ipv6(firewall: Firewall) -> None:
    found = one(
        firewall,
        "        set ip 10.9.0.2/24\n"
        "        config vrrp\n            edit 1\n"
        "                set vrip 10.9.0.1\n            next\n        end\n"
        "        config ipv6\n            set ip6-address 2001:db8::2/64\n"
        "            config ip6-extra-addr\n                edit 2001:db8:1::2/64\n                next\n"
        "            end\n        end\n",
    )
    assert addresses(found) == ["10.9.0.2/24", "10.9.0.1/24", "2001:db8::2/64", "2001:db8:1::2/64"]
    assert found.forwarding == frozenset(Family)


@pytest.mark.parametrize(
    "broken", ["10.9.0.1 255.0.255.0", "10.9.0.1/33", "10.9.0", "10.9.0.1 255.255.255.0 more"]
)
def test_an_address_that_cannot_be_read_leaves_a_doubt(firewall: Firewall, broken: str) -> None:
    device = firewall(f"config system interface\n    edit x\n        set ip {broken}\n    next\nend\n")
    assert device.interfaces["x"].addresses == ()
    assert [line.fate for line in device.lines if not line.bounded] == ["unrecognized"]


def test_a_vlan_is_carried_by_its_interface(firewall: Firewall) -> None:
    found = one(firewall, "        set interface port1\n        set vlanid 20\n        set status down\n")
    assert (found.kind, found.parent, found.vlan, found.enabled) == (InterfaceKind.VLAN, "port1", 20, False)


def test_a_vlan_of_no_interface_is_a_doubt(firewall: Firewall) -> None:
    device = firewall("config system interface\nedit x\nset vlanid 20\nnext\nend\n")
    assert [line for line in device.lines if not line.bounded]


def test_members_of_an_aggregate(firewall: Firewall) -> None:
    block = "config system interface\nedit agg\nset type aggregate\nset member port1 port2\nnext\nend\n"
    device = firewall(block)
    assert device.interfaces["agg"].kind is InterfaceKind.AGGREGATE
    assert [device.interfaces[name].parent for name in ("port1", "port2", "port3")] == ["agg", "agg", None]


@pytest.mark.parametrize(
    "switch",
    [
        "config system switch-interface\nedit sw\nset member port1 port2\nnext\nend\n",
        "config system virtual-switch\nedit sw\nconfig port\n"
        "edit port1\nnext\nedit port2\nnext\nend\nnext\nend\n",
    ],
)
def test_members_of_a_switch_are_bridged(firewall: Firewall, switch: str) -> None:
    device = firewall(
        "config system interface\nedit sw\nset ip 10.9.0.1/24\nset type switch\nnext\nend\n" + switch
    )
    assert device.interfaces["sw"].kind is InterfaceKind.BRIDGE
    assert [device.interfaces[name].bridge for name in ("port1", "port2", "port3")] == ["sw", "sw", None]


def test_an_address_by_dhcp_may_be_any(firewall: Firewall) -> None:
    device = firewall("config system interface\nedit x\nset mode dhcp\nnext\nend\n")
    assert device.interfaces["x"].proxy_arp
    assert [route for route in device.routes if route.protocol == "unknown"]


def test_a_tunnel_knows_its_ends(firewall: Firewall) -> None:
    device = firewall(
        "config vpn ipsec phase1-interface\n    edit hq\n        set interface port1\n"
        "        set remote-gw 203.0.113.9\n    next\nend\n"
    )
    tunnel = device.interfaces["hq"]
    assert tunnel.kind is InterfaceKind.TUNNEL
    assert tunnel.tunnel is not None
    assert tunnel.tunnel.destination == parse_address("203.0.113.9")[1]
    assert tunnel.tunnel.source_interface == "port1"
    assert tunnel.parent is None


def test_the_far_end_of_a_tunnel_is_a_route(firewall: Firewall) -> None:
    device = firewall(
        "config system interface\nedit t\nset type tunnel\nset ip 169.254.1.1 255.255.255.255\n"
        "set remote-ip 169.254.1.2 255.255.255.252\nnext\nend\n"
    )
    assert [
        str(route) for route in device.routes if route.next_hops and route.next_hops[0].interface == "t"
    ] == [
        "169.254.1.1/32",
        "169.254.1.0/30",
    ]


def test_a_type_that_is_not_known_is_a_doubt(firewall: Firewall) -> None:
    device = firewall("config system interface\nedit x\nset type unheard-of\nnext\nend\n")
    assert [line.reason for line in device.lines if not line.bounded] == ["an interface of type unheard-of"]


def test_clients_come_in_only_where_the_ssl_vpn_runs(firewall: Firewall) -> None:
    interface = "config system interface\nedit ssl.root\nset type tunnel\nnext\nend\n"
    idle = firewall(interface + "config vpn ssl settings\nset port 443\nend\n")
    runs = firewall(interface + "config vpn ssl settings\nset source-interface port1\nend\n")
    assert idle.interfaces["ssl.root"].kind is InterfaceKind.LOOPBACK
    assert runs.interfaces["ssl.root"].kind is InterfaceKind.TUNNEL
    assert not [route for route in idle.routes if route.protocol == "unknown"]
    assert [route for route in runs.routes if route.protocol == "unknown"]


# ---- virtual domains ----------------------------------------------------------------------------

SPLIT = """\
#config-version=FG100E-6.4.4-FW-build1803-201209:opmode=0:vdom=1:user=admin
#global_vdom=1
config vdom
edit root
next
edit b
next
end
config global
config system interface
    edit "a1"
        set vdom "root"
        set ip 10.1.0.1/16
    next
    edit "b1"
        set vdom "b"
        set ip 10.1.0.1/16
    next
    edit "b2"
        set vdom "b"
        set vrf 7
        set ip 10.2.0.1/16
    next
    edit "l0"
        set vdom "root"
        set type vdom-link
    next
    edit "l1"
        set vdom "b"
        set type vdom-link
    next
end
config system session-helper
end
end
config vdom
edit root
config firewall policy
    edit 1
        set srcintf any
        set dstintf any
        set srcaddr all
        set dstaddr all
        set service ALL
        set action accept
    next
end
config router multicast
end
end
config vdom
edit b
config router static
    edit 1
        set device l1
    next
end
end
"""


def test_a_virtual_domain_is_a_vrf(read: Firewall) -> None:
    device = read(SPLIT)
    shown = [port for port in device.interfaces.values() if not port.name.startswith("vdom-link")]
    assert {port.name: port.vrf for port in shown} == {
        "a1": "root", "b1": "b", "b2": "b:7", "l0": "root", "l1": "b",
    }  # fmt: skip
    assert not [line for line in device.lines if not line.bounded]


def test_a_policy_decides_in_its_own_virtual_domain(
    read: Firewall, flow: Callable[..., object], verdicts: Callable[..., set[str]]
) -> None:
    device = read(SPLIT)
    packet = flow("10.1.0.9", "10.2.0.9")
    assert verdicts(device, packet, "a1", "l0") == {"accept"}
    assert verdicts(device, packet, "l1", "b1") == {"drop"}


def test_a_link_between_domains_is_a_wire_of_two(read: Firewall) -> None:
    device = read(SPLIT)
    (wire,) = [
        segment
        for segment in segments(Snapshot({device.name: device}))
        if "l0" in {point.interface for point in segment.touched}
    ]
    assert {point.interface for point in wire.touched} >= {"l0", "l1"}
    assert not {point.interface for point in wire.touched} & {"a1", "b1", "b2"}
    assert not wire.is_open


def test_half_a_link_stays_open(read: Firewall) -> None:
    half = SPLIT.replace('    edit "l1"\n        set vdom "b"\n        set type vdom-link\n    next\n', "")
    device = read(half)
    (wire,) = [
        segment
        for segment in segments(Snapshot({device.name: device}))
        if "l0" in {point.interface for point in segment.touched}
    ]
    assert wire.is_open


def test_a_domain_that_is_not_shown_is_a_doubt(read: Firewall) -> None:
    device = read(SPLIT.replace('set vdom "b"\n        set vrf 7', 'set vdom "c"'))
    assert "the virtual domain c is not shown" in {line.reason for line in device.lines if not line.bounded}


def test_the_configuration_of_one_domain_is_a_doubt(read: Firewall) -> None:
    text = (
        "#config-version=FGVM64-7.0.1-FW-build0157-210714:opmode=0:vdom=1:user=admin\n"
        "#global_vdom=0:vd_name=sub\n"
        "config system interface\nedit p\nset vdom sub\nset ip 10.1.0.1/24\nnext\nend\n"
        "config router multicast\nend\n"
    )
    device = read(text)
    assert device.interfaces["p"].vrf == "sub"
    assert [line.span.first_line for line in device.lines if not line.bounded] == [2]


@pytest.mark.parametrize(
    "settings",
    [
        "        set dhcp-relay-service enable\n",
        "        config ipv6\n            set dhcp6-relay-service enable\n        end\n",
        "        set port-mirroring both\n",
    ],
)
def test_relays_and_mirrors_carry_packets_past_the_policies(firewall: Firewall, settings: str) -> None:
    def doubtful(text: str) -> list[str]:
        device = firewall(f'config system interface\n    edit "x"\n{text}    next\nend\n')
        return [line.text for line in device.lines if not line.bounded]

    setting = next(line.strip() for line in settings.splitlines() if " set " in line)
    assert doubtful(settings) == [setting]
    assert doubtful(settings.replace(setting.split()[-1], "disable")) == []


def test_a_switch_interface_may_copy_what_it_switches(firewall: Firewall) -> None:
    def doubtful(value: str) -> list[str]:
        device = firewall(
            f'config system switch-interface\n    edit "s"\n        set span {value}\n    next\nend\n'
        )
        return [line.text for line in device.lines if not line.bounded]

    assert doubtful("enable") == ["set span enable"]
    assert doubtful("disable") == []


@pytest.mark.parametrize(("kind", "left"), [("cli-script", ["set action-type cli-script"]), ("email", [])])
def test_a_stitch_that_runs_commands_may_change_the_configuration(
    firewall: Firewall, kind: str, left: list[str]
) -> None:
    device = firewall(
        f'config system automation-action\n    edit "a"\n        set action-type {kind}\n    next\nend\n'
    )
    assert [line.text for line in device.lines if not line.bounded] == left


def test_a_script_that_runs_by_itself_leaves_doubt(firewall: Firewall) -> None:
    device = firewall('config system auto-script\n    edit "a"\n        set script "x"\n    next\nend\n')
    assert [line.text for line in device.lines if not line.bounded] == ["config system auto-script"]
