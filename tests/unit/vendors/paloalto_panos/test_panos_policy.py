"""Security rules: what lets a packet through for certain, what may, and what never does."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from segaudit.model.acl import Forwarding
from segaudit.model.device import Device
from segaudit.model.flow import ConnectionState, Family, Flow
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.model.source import AccountedLine
from segaudit.reach.interpret import Context, decisions
from segaudit.vendors.paloalto_panos import VENDOR

BASE = """
set network interface ethernet ethernet1/1 layer3 ip 10.1.0.1/24
set network interface ethernet ethernet1/2 layer3 ip 10.2.0.1/24
set network interface ethernet ethernet1/3 layer3 ip 10.3.0.1/24
set network virtual-router vr interface [ ethernet1/1 ethernet1/2 ethernet1/3 ]
set zone in network layer3 [ ethernet1/1 ethernet1/3 ]
set zone out network layer3 ethernet1/2
"""
ACCEPT, DROP, REJECT = Forwarding.ACCEPT, Forwarding.DROP, Forwarding.REJECT
MAY = "may"
PARTS = {
    "from": "in", "to": "out", "source": "any", "destination": "any", "application": "any",
    "service": "any", "action": "allow",
}  # fmt: skip


def rule(name: str = "r", base: str = "rulebase", **parts: str) -> str:
    wanted = {**PARTS, **{key.rstrip("_").replace("_", "-"): value for key, value in parts.items()}}
    lines = (f"set {base} security rules {name} {key} {value}" for key, value in wanted.items() if value)
    return "\n".join(lines) + "\n"


def read(text: str, *more: tuple[str, str]) -> Device:
    files = (("running-config.txt", text), *more)
    return VENDOR.read(RawConfig("d", "", tuple(RawFile(f"devices/d/{n}", t, "") for n, t in files)))


def doubts(device: Device) -> list[AccountedLine]:
    return [line for line in device.lines if not line.bounded]


def asked(
    device: Device,
    target: str = "10.2.0.9",
    port: int = 80,
    source: str = "10.1.0.9",
    ways: tuple[str, str] = ("ethernet1/1", "ethernet1/2"),
    protocol: int = 6,
    state: ConnectionState = ConnectionState.NEW,
    sport: int = 1024,
) -> object:
    """What the security policy does with a packet: a verdict where that is certain, else ``may``."""
    to = ip_address(target)
    flow = Flow(Family(to.version), protocol, int(ip_address(source)), int(to), sport, port, tcp_flags=2)
    found = {one.verdict for one in decisions(device, "security policy", flow, Context(*ways, state))}
    return found.pop() if len(found) == 1 else MAY


def test_zones_addresses_and_services_decide() -> None:
    text = BASE + "set service web protocol tcp port 80,8000-8010\nset address net ip-netmask 10.2.0.0/28\n"
    device = read(text + rule(destination="net", service="web", source="10.1.0.8-10.1.0.9"))
    assert asked(device) is ACCEPT
    assert asked(device, port=8005) is ACCEPT
    assert asked(device, port=81) is DROP
    assert asked(device, "10.2.0.16") is DROP
    assert asked(device, source="10.1.0.10") is DROP
    assert asked(device, protocol=17) is DROP
    assert asked(device, ways=("ethernet1/2", "ethernet1/1")) is DROP


def test_predefined_rules_and_their_override() -> None:
    inside, outside = ("ethernet1/1", "ethernet1/3"), ("ethernet1/1", "ethernet1/2")
    assert asked(read(BASE), ways=inside) is ACCEPT
    assert asked(read(BASE), ways=outside) is DROP
    override = "set rulebase default-security-rules rules {}-default action {}\n"
    device = read(BASE + override.format("intrazone", "deny") + override.format("interzone", "allow"))
    assert asked(device, ways=inside) is DROP
    assert asked(device, ways=outside) is ACCEPT
    pushed = override.format("interzone", "deny").replace("rulebase", "policy panorama post-rulebase")
    assert asked(read(BASE + override.format("interzone", "allow") + pushed), ways=outside) is MAY


def test_packets_of_a_session_pass() -> None:
    for state in (ConnectionState.ESTABLISHED, ConnectionState.RELATED):
        assert asked(read(BASE), state=state) is ACCEPT
    assert read(BASE).tracks_connections


@pytest.mark.parametrize(
    ("kind", "inside", "across"),
    [("universal", DROP, DROP), ("intrazone", DROP, ACCEPT), ("interzone", ACCEPT, DROP)],
)
def test_the_type_of_a_rule(kind: str, inside: Forwarding, across: Forwarding) -> None:
    text = BASE + rule("d", from_="any", to="any", action="deny", rule_type=kind)
    device = read(text + rule("a", from_="any", to="any"))
    assert asked(device, ways=("ethernet1/1", "ethernet1/3")) is inside
    assert asked(device) is across


@pytest.mark.parametrize(
    ("action", "verdict"),
    [
        ("allow", ACCEPT),
        ("deny", DROP),
        ("drop", DROP),
        ("reset-both", REJECT),
        ("surprise", MAY),
        ("", MAY),
    ],
)
def test_actions(action: str, verdict: object) -> None:
    assert asked(read(BASE + rule(action=action))) is verdict


def test_rules_are_tried_in_order_and_disabled_ones_are_none() -> None:
    deny = rule("d", action="deny", destination="10.2.0.9")
    assert asked(read(BASE + deny + rule("a"))) is DROP
    assert asked(read(BASE + rule("a") + deny)) is ACCEPT
    assert asked(read(BASE + rule("d", action="deny", disabled="yes") + rule("a"))) is ACCEPT


def test_pushed_rules_stand_around_the_own_ones() -> None:
    pre, post = "policy panorama pre-rulebase", "policy panorama post-rulebase"
    own = rule("own", action="deny", destination="10.2.0.9")
    assert asked(read(BASE + own + rule("pre", pre))) is ACCEPT
    assert asked(read(BASE + own + rule("post", post))) is DROP
    assert asked(read(BASE + rule("post", post))) is ACCEPT
    shared = rule("first", "shared pre-rulebase", action="deny")
    assert asked(read(BASE + shared + rule("pre", pre))) is DROP


def test_pushed_rules_of_a_file_of_their_own() -> None:
    pushed = "policy {\npanorama {\npre-rulebase {\nsecurity {\nrules {\np {\n"
    pushed += "".join(f"{key} {value};\n" for key, value in PARTS.items()) + "}\n" * 6
    device = read(BASE + rule(action="deny"), ("pushed-shared-policy.txt", pushed))
    assert asked(device) is ACCEPT
    spans = {ace.span.file for acl in device.acls.values() for ace in acl.aces if ace.span}
    assert "devices/d/pushed-shared-policy.txt" in spans
    assert not doubts(device)


# ---- what stays open ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parts",
    [
        {"application": "ssl"},
        {"application": "[ ssl web-browsing ]", "service": "application-default"},
        {"application": "any", "service": "application-default"},
        {"source_user": "corp\\\\x"},
        {"category": "news"},
        {"schedule": "nights"},
        {"source_hip": "managed"},
        {"destination": "unknown-name"},
        {"destination": "DE"},
        {"service": "unknown-service"},
        {"from_": "unknown-zone"},
        {"from_": ""},
        {"to": ""},
        {"source": "[ ]"},
        {"destination": "[ ]"},
        {"from_": "[ ]"},
        {"service": "[ ]"},
        {"application": "[ ]"},
        {"source": ""},
        {"service": ""},
        {"application": ""},
        {"brand-new-condition": "x"},
        {"target devices": "0123"},
    ],
)
@pytest.mark.parametrize("action", ["allow", "deny"])
def test_what_no_header_shows_allows_and_denies_nothing_for_certain(
    parts: dict[str, str], action: str
) -> None:
    wanted = {**{key.rstrip("_"): value for key, value in parts.items()}, "action": action}
    default = "set rulebase default-security-rules rules interzone-default action "
    device = read(BASE + rule(**wanted) + default + ("allow\n" if action == "deny" else "deny\n"))
    assert asked(device) is MAY


def test_application_default_of_a_protocol_admits_no_other() -> None:
    device = read(BASE + rule(application="icmp", service="application-default"))
    assert asked(device, protocol=1) is MAY
    assert asked(device, protocol=6) is DROP


def test_names_that_nothing_defines_are_noted() -> None:
    device = read(BASE + rule(destination="nobody", from_="[ in nowhere ]"))
    noted = {line.text.rpartition(" rules ")[2] for line in device.lines if line.fate == "unsupported"}
    assert noted == {"r destination nobody", "r from [ in nowhere ]"}
    assert not doubts(device)


# ---- objects ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objects", "inside", "outside"),
    [
        ("set address a ip-netmask 10.2.0.8/30", "10.2.0.11", "10.2.0.12"),
        ("set address a ip-netmask 10.2.0.9/30", "10.2.0.8", "10.2.0.12"),
        ("set address a ip-netmask 10.2.0.9", "10.2.0.9", "10.2.0.8"),
        ("set address a ip-range 10.2.0.5-10.2.0.7", "10.2.0.7", "10.2.0.8"),
        ("set address a ip-wildcard 10.2.0.1/0.0.0.254", "10.2.0.77", "10.2.0.78"),
        ("set address a ip-netmask 2001:db8::/32", "2001:db8::5", "2001:db9::5"),
        ("set shared address a ip-netmask 10.2.0.9", "10.2.0.9", "10.2.0.8"),
        ("set policy panorama address a ip-netmask 10.2.0.9", "10.2.0.9", "10.2.0.8"),
        (
            "set address a ip-netmask 10.2.0.9\nset shared address a ip-netmask 10.2.0.8",
            "10.2.0.9",
            "10.2.0.8",
        ),
        (
            "set address-group a static [ b 10.2.0.7 ]\nset address-group b static c\n"
            "set address c ip-netmask 10.2.0.9",
            "10.2.0.9",
            "10.2.0.8",
        ),
    ],
)
def test_addresses(objects: str, inside: str, outside: str) -> None:
    source = "2001:db8::9" if ":" in inside else "10.1.0.9"
    device = read(BASE + objects + "\n" + rule(destination="a"))
    assert asked(device, inside, source=source) is ACCEPT
    assert asked(device, outside, source=source) is DROP
    assert not doubts(device)


@pytest.mark.parametrize(
    "objects",
    [
        "set address a fqdn www.example.com",
        "set address a ip-netmask $variable",
        "set address a ip-range 10.2.0.9-10.2.0.1",
        "set address a description nothing",
        "set address-group a dynamic filter \"'tag'\"",
        "set address-group a static a",
        "set address-group a brand-new b",
        "set address-group a static 10.3.0.1\nset address-group a brand-new b",
        "set address-group a description empty",
        "set address-group a static b\nset address-group b static a",
        "set external-list a type ip url http://x",
        "set region a address 10.9.0.0/16",
    ],
)
def test_addresses_that_are_not_fixed(objects: str) -> None:
    assert asked(read(BASE + objects + "\n" + rule(destination="a"))) is MAY


@pytest.mark.parametrize("name", ["location", "description", "comment", "any-thing", '"two words"', "set"])
def test_an_object_may_have_any_name(name: str) -> None:
    text = f"set address-group {name} static [ 10.2.0.9 10.2.0.7 ]\n" + rule(destination=name)
    device = read(BASE + text)
    assert asked(device, "10.2.0.9") is ACCEPT
    assert asked(device, "10.2.0.8") is DROP
    assert not doubts(device)


def test_a_negated_list() -> None:
    device = read(BASE + rule(destination="10.2.0.0/28", negate_destination="yes"))
    assert asked(device, "10.2.0.9") is DROP
    assert asked(device, "10.2.0.99") is ACCEPT
    assert asked(device, "2001:db8::1", source="2001:db8::2") is MAY
    assert asked(read(BASE + rule(source="any", negate_source="yes"))) is DROP


@pytest.mark.parametrize(
    ("objects", "port", "other"),
    [
        ("set service s protocol tcp port 80", 80, 81),
        ("set service s protocol tcp port 70-90", 90, 91),
        ("set service-group s members [ t ]\nset service t protocol tcp port 80", 80, 81),
        ("set service-group s members service-http", 8080, 443),
        ("set shared service s protocol tcp port 80", 80, 81),
    ],
)
def test_services(objects: str, port: int, other: int) -> None:
    device = read(BASE + objects + "\n" + rule(service="s"))
    assert asked(device, port=port) is ACCEPT
    assert asked(device, port=other) is DROP


def test_a_service_with_source_ports() -> None:
    text = "set service s protocol udp port 123\nset service s protocol udp source-port 1-100\n"
    device = read(BASE + text + rule(service="s"))
    assert asked(device, port=123, protocol=17, sport=100) is ACCEPT
    assert asked(device, port=123, protocol=17, sport=101) is DROP


@pytest.mark.parametrize(
    "objects",
    [
        "set service-group s description empty",
        "set service s protocol tcp brand-new 1",
        "set service s protocol tcp port many",
        "set service s description x",
        "set service s protocol quic port 1",
    ],
)
def test_services_that_cannot_be_read(objects: str) -> None:
    assert asked(read(BASE + objects + "\n" + rule(service="s"))) is MAY


# ---- several vsys -------------------------------------------------------------------------------

VSYS = """
set vsys vsys1 import network interface [ ethernet1/1 ethernet1/3 ]
set vsys vsys1 zone in network layer3 [ ethernet1/1 ethernet1/3 ]
set vsys vsys2 import network interface ethernet1/2
set vsys vsys2 zone in network layer3 ethernet1/2
"""
NETWORK = "\n".join(line for line in BASE.split("\n") if " zone " not in line)


def test_each_vsys_has_its_own_rules() -> None:
    text = NETWORK + VSYS + rule("d", "vsys vsys1 rulebase", to="any", action="deny")
    device = read(text + rule("a", "vsys vsys2 rulebase", to="any"))
    assert asked(device, ways=("ethernet1/1", "ethernet1/3")) is DROP
    assert asked(device, ways=("ethernet1/2", "ethernet1/2")) is ACCEPT
    assert {port.zone for port in device.interfaces.values() if port.zone} == {"vsys1/in", "vsys2/in"}


def test_what_goes_to_another_vsys_may_pass() -> None:
    for action in ("deny", "allow"):
        device = read(NETWORK + VSYS + rule("d", "vsys vsys1 rulebase", to="any", action=action))
        assert asked(device) is MAY


def test_translation_between_vsys_is_unknown() -> None:
    nat = "set vsys vsys1 rulebase nat rules n source any\n"
    assert not read(NETWORK + VSYS + nat).unknown_translation
    external = "set vsys vsys1 zone far network external vsys2\n"
    assert read(NETWORK + VSYS + nat + external).unknown_translation
    assert not read(NETWORK + VSYS + external).unknown_translation


def test_rules_of_a_shared_gateway_are_doubts() -> None:
    assert doubts(read(BASE + "set network shared-gateway sg1 rulebase nat rules n source any\n"))
    assert not doubts(read(BASE + "set network shared-gateway sg1 display-name one\n"))


def test_an_interface_of_a_shared_gateway_may_reach_anything() -> None:
    text = NETWORK + "set zone in network layer3 ethernet1/1\nset zone out network layer3 ethernet1/3\n"
    text += "set network shared-gateway sg1 import network interface ethernet1/2\n"
    device = read(text)
    assert asked(device, ways=("ethernet1/2", "ethernet1/1")) is MAY
    assert asked(device, ways=("ethernet1/1", "ethernet1/2")) is MAY
    assert asked(device, ways=("ethernet1/1", "ethernet1/3")) is DROP
