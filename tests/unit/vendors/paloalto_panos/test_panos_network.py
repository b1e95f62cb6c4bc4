"""Interfaces, routers, tunnels, management, and what leaves the device in doubt."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from segaudit.model.acl import AddressIn, Direction, End, Forwarding, InterfaceIn, leaves
from segaudit.model.device import Device, InterfaceKind, RouteKind, TunnelEnds
from segaudit.model.flow import ConnectionState, Family, Flow
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.model.source import AccountedLine
from segaudit.reach.interpret import Context, decisions
from segaudit.vendors.paloalto_panos import VENDOR

PORT = "set network interface ethernet ethernet1/1 layer3"
OTHER = "set network interface ethernet ethernet1/2 layer3"
ROUTER = "set network virtual-router vr"
BOTH = f"{PORT} ip 10.1.0.1/24\n{OTHER} ip 10.2.0.1/24\n{ROUTER} interface [ ethernet1/1 ethernet1/2 ]\n"


def read(*lines: str) -> Device:
    text = "\n".join(lines) + "\n"
    return VENDOR.read(RawConfig("d", "", (RawFile("devices/d/running-config.txt", text, ""),)))


def doubts(device: Device) -> list[AccountedLine]:
    return [line for line in device.lines if not line.bounded]


def addresses(device: Device, name: str) -> list[str]:
    return [str(one) for one in device.interfaces[name].addresses]


# ---- interfaces ---------------------------------------------------------------------------------


def test_ports_units_and_aggregates() -> None:
    device = read(
        f"{PORT} ip 10.1.0.1/24",
        f"{PORT} ip 10.1.1.1",
        f"{PORT} ipv6 enabled yes",
        f"{PORT} ipv6 address 2001:db8::1/64",
        f"{PORT} units ethernet1/1.5 tag 5",
        f"{PORT} units ethernet1/1.5 ip 10.5.0.1/24",
        "set network interface ethernet ethernet1/2 aggregate-group ae1",
        "set network interface ethernet ethernet1/3 link-state down",
        "set network interface aggregate-ethernet ae1 layer3 units ae1.7 tag 7",
        "set network interface loopback units loopback.1 ip 10.9.0.1/32",
        f"{ROUTER} interface [ ethernet1/1 ethernet1/1.5 ae1.7 loopback.1 ]",
    )
    assert addresses(device, "ethernet1/1") == ["10.1.0.1/24", "10.1.1.1/32", "2001:db8::1/64"]
    unit = device.interfaces["ethernet1/1.5"]
    assert (unit.kind, unit.parent, unit.vlan, unit.vrf) == (InterfaceKind.VLAN, "ethernet1/1", 5, "vr")
    assert unit.forwarding == {Family.IPV4}
    assert device.interfaces["ethernet1/1"].forwarding == set(Family)
    assert device.interfaces["ethernet1/2"].parent == "ae1"
    assert device.interfaces["ae1"].kind is InterfaceKind.AGGREGATE
    assert (device.interfaces["ae1.7"].parent, device.interfaces["ae1.7"].vlan) == ("ae1", 7)
    assert not device.interfaces["ethernet1/3"].enabled
    assert device.interfaces["loopback.1"].kind is InterfaceKind.LOOPBACK
    assert not doubts(device)


def test_an_interface_without_a_router_forwards_nothing() -> None:
    device = read(f"{PORT} ip 10.1.0.1/24")
    assert device.interfaces["ethernet1/1"].forwarding == set()
    assert device.forwards == set()
    assert device.interfaces["ethernet1/1"].vrf not in ("default", "vr")


def test_an_address_object_on_an_interface() -> None:
    device = read(
        "set address mine ip-netmask 10.1.0.1/24", f"{PORT} ip mine", f"{ROUTER} interface ethernet1/1"
    )
    assert addresses(device, "ethernet1/1") == ["10.1.0.1/24"]
    assert not [route for route in device.routes if route.protocol == "unknown"]


@pytest.mark.parametrize(
    "line", ["ip $variable", "dhcp-client enable yes", "dhcp-client", "pppoe enable yes"]
)
def test_an_address_that_is_not_shown_may_bring_routes(line: str) -> None:
    device = read(f"{PORT} {line}", f"{ROUTER} interface ethernet1/1")
    assert {route.family for route in device.routes if route.protocol == "unknown"} == set(Family)
    off = read(f"{PORT} dhcp-client enable no", f"{ROUTER} interface ethernet1/1")
    assert not off.routes


def test_vlans_and_virtual_wires_are_bridges() -> None:
    device = read(
        "set network interface ethernet ethernet1/1 layer2 units ethernet1/1.30 tag 30",
        "set network interface ethernet ethernet1/2 layer2",
        "set network interface ethernet ethernet1/3 virtual-wire",
        "set network interface ethernet ethernet1/4 virtual-wire",
        "set network interface vlan units vlan.30 ip 10.30.0.1/24",
        "set network vlan cameras virtual-interface interface vlan.30",
        "set network vlan cameras interface [ ethernet1/1.30 ethernet1/2 ]",
        "set network vlan plain interface ethernet1/5",
        "set network virtual-wire w interface1 ethernet1/3",
        "set network virtual-wire w interface2 ethernet1/4",
        f"{ROUTER} interface vlan.30",
    )
    assert device.interfaces["vlan.30"].kind is InterfaceKind.BRIDGE
    assert device.interfaces["vlan.30"].forwarding == {Family.IPV4}
    assert {name: port.bridge for name, port in device.interfaces.items() if port.bridge} == {
        "ethernet1/1.30": "vlan.30",
        "ethernet1/2": "vlan.30",
        "ethernet1/3": "virtual-wire w",
        "ethernet1/4": "virtual-wire w",
    }
    assert device.interfaces["vlan plain"].kind is InterfaceKind.BRIDGE


def test_tunnels_know_their_ends() -> None:
    device = read(
        f"{PORT} ip 192.0.2.1/24",
        *(f"set network interface tunnel units tunnel.{n} ip 10.{n}.0.1/30" for n in (1, 2, 3, 4)),
        f"{ROUTER} interface [ ethernet1/1 tunnel.1 ]",
        "set network ike gateway g local-address interface ethernet1/1",
        "set network ike gateway g local-address ip 192.0.2.1/24",
        "set network ike gateway g peer-address ip 198.51.100.1",
        "set network ike gateway moving local-address interface ethernet1/1",
        "set network ike gateway moving peer-address dynamic",
        "set network tunnel ipsec t tunnel-interface tunnel.1",
        "set network tunnel ipsec t auto-key ike-gateway g",
        "set network tunnel ipsec u tunnel-interface tunnel.2",
        "set network tunnel ipsec u auto-key ike-gateway moving",
        "set network tunnel gre v tunnel-interface tunnel.3",
        "set network tunnel gre v local-address interface ethernet1/1",
        "set network tunnel gre v peer-address ip 198.51.100.3",
    )
    ends = {name: port.tunnel for name, port in device.interfaces.items() if name.startswith("tunnel")}
    four, here = Family.IPV4, "ethernet1/1"
    local = int(ip_address("192.0.2.1"))
    far = [int(ip_address(f"198.51.100.{n}")) for n in (1, 3)]
    assert ends["tunnel.1"] == TunnelEnds("ipsec", four, local, far[0], here, "vr")
    assert ends["tunnel.2"] == TunnelEnds("ipsec", four, None, None, here, "vr")
    assert ends["tunnel.3"] == TunnelEnds("gre", four, None, far[1], here, "vr")
    assert ends["tunnel.4"] is None


# ---- routes -------------------------------------------------------------------------------------

ADVANCED = "set deviceconfig setting advance-routing yes\nset network logical-router lr vrf default"
STATIC = f"{ROUTER} routing-table ip static-route s"


def static(*lines: str) -> list[tuple[str, RouteKind, list[str]]]:
    device = read(BOTH, f"{STATIC} destination 10.7.0.0/16", *(f"{STATIC} {line}" for line in lines))
    return [
        (str(route), route.kind, [hop.interface or "" for hop in route.next_hops])
        for route in device.routes
        if route.protocol == "static"
    ]


def test_static_routes() -> None:
    there = "10.7.0.0/16", RouteKind.UNICAST
    assert static("nexthop ip-address 10.2.0.9") == [(*there, ["ethernet1/2"])]
    assert static("nexthop ip-address 10.2.0.9", "interface ethernet1/1") == [(*there, ["ethernet1/1"])]
    assert static("interface ethernet1/1") == [(*there, ["ethernet1/1"])]
    assert static("nexthop none", "interface ethernet1/1") == [(*there, ["ethernet1/1"])]
    assert static("nexthop discard") == [("10.7.0.0/16", RouteKind.BLACKHOLE, [])]
    assert static("nexthop ip-address 10.99.0.1") == []
    assert static("nexthop ip-address 10.2.0.9", "route-table multicast") == []


def test_the_lower_distance_and_then_the_lower_metric_wins() -> None:
    lines = [BOTH]
    for name, distance, metric in (("a", 20, 1), ("b", 10, 20), ("c", 10, 10)):
        route = f"{ROUTER} routing-table ip static-route {name}"
        lines += [f"{route} destination 10.7.0.0/16", f"{route} nexthop ip-address 10.2.0.{ord(name)}"]
        lines += [f"{route} admin-dist {distance}", f"{route} metric {metric}"]
    found = [route for route in read(*lines).routes if route.protocol == "static"]
    best = min(found, key=lambda route: route.preference)
    assert best.next_hops[0].address == int(ip_address("10.2.0.99"))
    assert len({route.preference for route in found}) == 3


@pytest.mark.parametrize(
    "lines",
    [
        ("nexthop fqdn far.example.com",),
        ("nexthop ip-address some-name",),
        ("nexthop ip-address 10.2.0.9", "path-monitor enable yes"),
        ("nexthop ip-address 10.2.0.9", "bfd profile fast"),
        ("nexthop ip-address 10.2.0.9", "option no-install"),
        ("nexthop next-vr other",),
        ("nexthop brand-new x",),
        (),
        ("destination some-name",),
    ],
)
def test_a_route_that_may_be_there_or_not_opens_the_table(lines: tuple[str, ...]) -> None:
    device = read(BOTH, f"{STATIC} destination 10.7.0.0/16", *(f"{STATIC} {line}" for line in lines))
    assert [route.protocol for route in device.routes if route.protocol in ("static", "unknown")] == [
        "unknown"
    ]
    calm = read(BOTH, f"{STATIC} destination 10.7.0.0/16", f"{STATIC} interface ethernet1/1")
    assert not [route for route in calm.routes if route.protocol == "unknown"]


def test_a_route_into_another_router_may_lead_anywhere_there() -> None:
    device = read(
        f"{PORT} ip 10.1.0.1/24",
        f"{OTHER} ip 10.2.0.1/24",
        f"{ROUTER} interface ethernet1/1",
        "set network virtual-router other interface ethernet1/2",
        f"{STATIC} destination 0.0.0.0/0",
        f"{STATIC} nexthop next-vr other",
    )
    (unknown,) = [route for route in device.routes if route.protocol == "unknown"]
    assert {hop.interface for hop in unknown.next_hops} == {"ethernet1/1", "ethernet1/2"}


@pytest.mark.parametrize("protocol", ["bgp", "ospf", "ospfv3", "rip"])
def test_a_routing_protocol_opens_the_table(protocol: str) -> None:
    on = read(BOTH, f"{ROUTER} protocol {protocol} enable yes")
    assert {route.family for route in on.routes if route.protocol == "unknown"} == set(Family)
    assert [one.vrf for one in on.processes] == ["vr"]
    off = read(
        BOTH, f"{ROUTER} protocol {protocol} enable no", f"{ROUTER} protocol {protocol} router-id 1.1.1.1"
    )
    assert not [route for route in off.routes if route.protocol == "unknown"]
    unsaid = read(BOTH, f"{ROUTER} protocol {protocol} router-id 1.1.1.1")
    assert [route for route in unsaid.routes if route.protocol == "unknown"]


def test_the_routing_engine_in_use() -> None:
    text = [
        f"{PORT} ip 10.1.0.1/24",
        f"{ROUTER} interface ethernet1/1",
        "set network logical-router lr vrf default interface ethernet1/1",
    ]
    assert read(*text).interfaces["ethernet1/1"].vrf == "vr"
    advanced = read(*text, "set deviceconfig setting advance-routing yes")
    assert advanced.interfaces["ethernet1/1"].vrf == "lr"


def test_policy_based_forwarding_may_apply() -> None:
    rule = "set rulebase pbf rules p"
    device = read(BOTH, f"{rule} action forward egress-interface ethernet1/2", f"{rule} from zone in",
                  f"{rule} action forward nexthop ip-address 10.2.0.9")  # fmt: skip
    first = min((one for one in device.rules if one.family is Family.IPV4), key=lambda one: one.priority)
    (route,) = [one for one in device.routes if one.table == first.table and one.family is Family.IPV4]
    assert [hop.interface for hop in route.next_hops] == ["ethernet1/2"]
    assert any(one.table and "local" in one.table for one in device.rules)
    assert {one.family for one in device.routes if one.protocol == "pbf"} == {Family.IPV4}
    limits = f"{rule} source 10.1.0.0/28", f"{rule} destination any", f"{rule} from interface ethernet1/1"
    (limited, *_) = read(BOTH, *limits, f"{rule} action forward egress-interface ethernet1/2").rules
    found = list(leaves(limited.matches))
    assert InterfaceIn(Direction.IN, ("ethernet1/1",)) in found
    assert AddressIn(End.SOURCE, Family.IPV4, ((0x0A010000, 0x0A01000F),)) in found
    for action in ("discard", "no-pbf"):
        assert not [one for one in read(BOTH, f"{rule} action {action}").routes if one.protocol == "pbf"]
    elsewhere = read(BOTH, f"{rule} action forward-to-vsys vsys2")
    assert {one.next_hops[0].anyone for one in elsewhere.routes if one.protocol == "pbf"} == {True}
    assert not doubts(device)
    assert doubts(read(BOTH, f"{rule} enforce-symmetric-return enabled yes"))


# ---- the firewall itself ------------------------------------------------------------------------

PROFILE = "set network profiles interface-management-profile p"


def asked(
    device: Device, target: str, port: int, source: str = "10.1.0.9", incoming: str = "ethernet1/1"
) -> set[str]:
    flow = Flow(Family.IPV4, 6, int(ip_address(source)), int(ip_address(target)), 1024, port, tcp_flags=2)
    place = Context(incoming, None, ConnectionState.NEW)
    found = decisions(device, "to the firewall itself", flow, place)
    return {one.verdict.value for one in found if isinstance(one.verdict, Forwarding)}


def test_management_profiles_say_who_may_manage() -> None:
    device = read(
        BOTH,
        f"{PORT} interface-management-profile p",
        f"{PROFILE} ssh yes",
        f"{PROFILE} https no",
        f"{PROFILE} permitted-ip 10.1.0.0/28",
    )
    assert asked(device, "10.1.0.1", 22) == {"accept", "drop"}
    assert asked(device, "10.1.0.1", 22, "10.1.0.99") == {"drop"}
    assert asked(device, "10.2.0.1", 22) == {"drop"}
    assert asked(device, "10.1.0.1", 23) == {"drop"}
    assert "accept" in asked(device, "10.2.0.1", 443)
    (service,) = device.services
    assert (service.protocol, service.interface, service.vrf) == ("ssh", "ethernet1/1", "vr")
    assert service.acl in device.acls


def test_the_management_port() -> None:
    system = "set deviceconfig system"
    device = read(f"{system} ip-address 192.0.2.1", f"{system} netmask 255.255.255.0",
                  f"{system} permitted-ip 192.0.2.0/28", f"{system} service disable-telnet no")  # fmt: skip
    assert addresses(device, "management") == ["192.0.2.1/24"]
    assert device.interfaces["management"].forwarding == set()
    assert [one.protocol for one in device.services] == ["https", "ssh", "telnet"]
    assert asked(device, "192.0.2.1", 22, "192.0.2.99", "management") == {"drop"}
    clash = read(f"{system} ip-address 192.0.2.1", BOTH, f"{PORT} interface-management-profile management",
                 "set network profiles interface-management-profile management ssh no")  # fmt: skip
    assert {one.interface for one in clash.services} == {"management"}
    closed = read(f"{system} ip-address 192.0.2.1", f"{system} service disable-ssh yes")
    assert [one.protocol for one in closed.services] == ["https"]


def test_shared_fate_holds_no_secret() -> None:
    device = read(
        "set mgt-config users admin phash $1$salt$secret",
        "set deviceconfig system domain example.com",
        "set deviceconfig system dns-setting servers primary 10.0.0.53",
        "set deviceconfig system ntp-servers primary-ntp-server ntp-server-address 10.0.0.123",
        "set deviceconfig system snmp-setting access-setting version v2c snmp-community-string hidden",
        "set shared log-settings syslog s server one server 10.0.0.14",
        "set shared server-profile radius r server one ip-address 10.0.0.12",
        "set shared server-profile tacplus t server one address 10.0.0.49",
        "set vsys vsys1 server-profile netflow n server one host 10.0.0.55",
    )
    facts = {(one.kind, one.value) for one in device.shared_fate}
    assert {
        ("user", "admin"), ("domain-name", "example.com"), ("dns-server", "10.0.0.53"),
        ("ntp-server", "10.0.0.123"), ("syslog-server", "10.0.0.14"), ("aaa-server", "10.0.0.12"),
        ("aaa-server", "10.0.0.49"), ("flow-collector", "10.0.0.55"),
    } <= facts  # fmt: skip
    secret = [value for kind, value in facts if kind in ("user-key", "snmp-community")]
    assert len(secret) == 2
    assert all(value.startswith("sha256:") and len(value) == 23 for value in secret)
    assert "secret" not in repr(device.shared_fate)


# ---- doubt --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "set device-group DG pre-rulebase security rules r action allow",
        "set template T config network interface ethernet ethernet1/9 layer3 ip 10.0.0.1/24",
        "set deviceconfig system panorama-server 10.0.0.5",
        "set deviceconfig system panorama local-panorama panorama-server 10.0.0.5",
        "set deviceconfig setting session ipv6-firewalling no",
        "set deviceconfig high-availability group mode active-active device-id 1",
        "set deviceconfig high-availability group 1 mode active-active device-id 1",
        f"{ROUTER} ecmp symmetric-return yes",
        f"{ROUTER} multicast enable yes",
        f"{ROUTER} interface ethernet1/9",
        f"{ADVANCED} interface ethernet1/9",
        f"{ADVANCED} brand-new x",
        "set zone z network layer3 ethernet1/9",
        f"{PORT} brand-new yes",
        "set network interface ethernet ethernet1/5 decrypt-mirror",
        "set network interface ethernet ethernet1* layer3",
        f"{PORT} units ethernet1/1.? tag 1",
        "set network interface brand-new x",
        "set network brand-new x",
        "set brand-new x",
        "set network interface sdwan units sdwan.1 protocol ipv4",
        "set rulebase sdwan rules s action x",
        "set rulebase brand-new rules s action x",
        f"{STATIC} brand-new x",
    ],
)
def test_what_is_not_known_leaves_the_device_in_doubt(line: str) -> None:
    assert not doubts(read(BOTH))
    assert doubts(read(BOTH, line))


@pytest.mark.parametrize(
    "line",
    [
        "set deviceconfig system timezone UTC",
        "set deviceconfig setting session ipv6-firewalling yes",
        "set deviceconfig high-availability group mode active-passive",
        "set shared botnet report topn 100",
        "set profiles virus v decoder http action reset-both",
        "set vsys vsys1 tag t comments x",
        "set rulebase decryption rules d action no-decrypt",
        f"{PORT} adjust-tcp-mss enable yes",
        f"{ROUTER} admin-dists static 15",
        "set network qos profile default class class1 priority real-time",
    ],
)
def test_what_cannot_matter_is_ignored_with_a_reason(line: str) -> None:
    device = read(BOTH, line)
    assert not doubts(device)
    assert all(one.reason for one in device.lines)


def test_an_empty_push_answers_for_panorama() -> None:
    server = "set deviceconfig system panorama-server 10.0.0.5\n"
    files = (
        RawFile("devices/d/running-config.txt", server, ""),
        RawFile("devices/d/pushed-shared-policy.txt", "policy {\npanorama {\n}\n}\n", ""),
    )
    assert doubts(VENDOR.read(RawConfig("d", "", files[:1])))
    assert not doubts(VENDOR.read(RawConfig("d", "", files)))
    assert doubts(read(server, "set panorama log-settings syslog s server x server 10.0.0.1"))
    assert not doubts(read(server, "set panorama pre-rulebase security rules r source any"))


# ---- ways past routes and rules -----------------------------------------------------------------

RELAY = "set network dhcp interface ethernet1/1 relay"


@pytest.mark.parametrize(
    "line",
    [
        f"{PORT} decrypt-forward yes",
        f"{PORT} ndp-proxy enabled yes",
        f"{PORT} arp 10.1.0.9 hw-address 00:50:56:aa:bb:cc",
        f"{PORT} units ethernet1/1.5 ndp-proxy enabled yes",
        f"{RELAY} ip server 10.2.0.9",
        f"{RELAY} ip enabled yes",
        f"{RELAY} ipv6 server 2001:db8::9",
        "set network tunnel global-protect-site-to-site G tunnel-interface tunnel.1",
        "set network tunnel ipsec T global-protect-satellite portal-address 192.0.2.1",
    ],
)
def test_what_carries_packets_or_routes_that_the_model_does_not_show_leaves_doubt(line: str) -> None:
    assert doubts(read(BOTH)) == []
    assert [one.text for one in doubts(read(BOTH, line))] == [line]


@pytest.mark.parametrize("line", [f"{PORT} decrypt-forward no", f"{RELAY} ip enabled no"])
def test_what_is_switched_off_leaves_none(line: str) -> None:
    assert doubts(read(BOTH, line)) == []
