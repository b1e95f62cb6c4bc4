"""FRR's lines: which made a kernel route, and the fate of all others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from segaudit.model.device import Device
from segaudit.model.flow import Family, parse_address
from segaudit.model.source import SourceSpan
from segaudit.vendors.linux.frr import static_route
from segaudit.vendors.linux.frr_keywords import fate_of, redacted

Build = Callable[..., Device]
SPAN = SourceSpan("f", 1, 1)


def route(dst: str, **more: Any) -> dict[str, Any]:
    return {"dst": dst, "table": "main", "protocol": "static", "dev": "eth1", **more}


def test_routes_cite_their_lines(linux: Build) -> None:
    config = "\n".join(
        [
            "frr version 8.4.4",
            "ip route 10.1.0.0/16 192.0.2.2",
            "ip route 10.2.0.0/16 192.0.2.2",
            "ip route 10.2.0.0/16 192.0.2.3 eth1",
            "ip route 10.3.0.0/16 eth1",
            "ip route 10.4.0.0/16 Null0",
            "ip route 10.5.0.0/16 10.1.0.9",
            "ip route 10.6.0.0 255.255.0.0 192.0.2.2",
            "end",
        ]
    )
    routes = [
        route("10.1.0.0/16", gateway="192.0.2.2"),
        route("10.2.0.0/16", gateway="192.0.2.3"),
        route("10.3.0.0/16"),
        route("10.4.0.0/16", type="blackhole"),
        route("10.5.0.0/16", gateway="192.0.2.2"),
        route("10.6.0.0/16", gateway="192.0.2.2"),
        route("10.7.0.0/16", gateway="192.0.2.2"),
        route("10.1.0.0/16", gateway="192.0.2.2", table="100"),
    ]
    device = linux({"frr-running-config.txt": config, "ip-route4.json": routes})
    found = [entry.config_span.first_line if entry.config_span else None for entry in device.routes]
    assert found == [2, 4, 5, 6, 7, 8, None, None]
    unused = [line for line in device.lines if line.span.file.endswith("running-config.txt")]
    assert [(line.span.first_line, line.fate) for line in unused] == [(3, "ignored")]


def test_a_route_of_another_protocol_is_not_the_lines(linux: Build) -> None:
    config = "ip route 10.1.0.0/16 192.0.2.9\nend\n"
    routes = [route("10.1.0.0/16", gateway="192.0.2.2") | {"protocol": "ospf"}]
    device = linux({"frr-running-config.txt": config, "ip-route4.json": routes})
    assert device.routes[0].config_span is None


def address(text: str) -> int:
    return parse_address(text)[1]


@pytest.mark.parametrize(
    ("line", "gateway", "interface", "vrf", "table"),
    [
        ("ip route 10.0.0.0/8 192.0.2.1", "192.0.2.1", None, "", ""),
        ("ip route 10.0.0.0/8 192.0.2.1 200", "192.0.2.1", None, "", ""),
        ("ip route 10.0.0.0/8 192.0.2.1 eth1 tag 5 200", "192.0.2.1", "eth1", "", ""),
        ("ip route 10.0.0.0/8 192.0.2.1 onlink", "192.0.2.1", None, "", ""),
        ("ip route 10.0.0.0/8 192.0.2.1 bfd", "192.0.2.1", None, "", ""),
        ("ip route 10.0.0.0/8 192.0.2.1 vrf blue", "192.0.2.1", None, "blue", ""),
        ("ip route 10.0.0.0/8 192.0.2.1 table 100", "192.0.2.1", None, "", "100"),
        ("ip route 10.0.0.0/8 eth1", None, "eth1", "", ""),
        ("ip route 10.0.0.0/8 blackhole 250", None, None, "", ""),
        ("ip route 10.0.0.0 255.0.0.0 192.0.2.1", "192.0.2.1", None, "", ""),
        ("ipv6 route ::/0 fe80::1 eth1", "fe80::1", "eth1", "", ""),
        ("ipv6 route ::/0 reject", None, None, "", ""),
    ],
)
def test_static_route_grammar(
    line: str, gateway: str | None, interface: str | None, vrf: str, table: str
) -> None:
    static = static_route(line.split(), "", SPAN)
    assert static.family is (Family.IPV6 if line.startswith("ipv6") else Family.IPV4)
    assert (static.gateway, static.interface) == (gateway and address(gateway), interface)
    assert (static.vrf, static.table) == (vrf, table)
    assert static.prefix_length == (0 if line.startswith("ipv6") else 8)


@pytest.mark.parametrize(
    "line",
    [
        "ip route 10.0.0.0/8",
        "ip route 10.0.0.0/99 192.0.2.1",
        "ip route 10.0.0.0 255.0.255.0 192.0.2.1",
        "ip route nonsense 192.0.2.1",
        "ipv6 route 2001:db8::/32 from 2001:db8:1::/48 fe80::1 eth1",
    ],
)
def test_what_is_no_static_route_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"expected|range|netmask|address|source"):
        static_route(line.split(), "", SPAN)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (("frr version 10.5.1",), "structure"),
        (("no ip forwarding",), "ignored"),
        (("router ospf6",), "ignored"),
        (("route-map X permit 10",), "ignored"),
        (("ipv6 prefix-list X seq 5 permit any",), "ignored"),
        (("bgp as-path access-list X seq 5 permit _64512_",), "ignored"),
        (("ip multicast-routing",), "ignored"),
        (("pbr-map X seq 1",), "unsupported"),
        (("mpls ldp",), "unsupported"),
        (("segment-routing",), "unsupported"),
        (("fpm address 127.0.0.1",), "unsupported"),
        (("teleport everything",), "unrecognized"),
        (("routerx ospf",), "unrecognized"),
        (("interface eth1", "ip ospf area 0"), "ignored"),
        (("interface eth1", "no shutdown"), "ignored"),
        (("interface eth1", "ipv6 ospf6 area 0.0.0.0"), "ignored"),
        (("interface eth1", "pbr-policy X"), "unsupported"),
        (("interface eth1", "mpls enable"), "unsupported"),
        (("interface eth1", "ip teleport"), "unrecognized"),
    ],
)
def test_fates(path: tuple[str, ...], kind: str) -> None:
    assert fate_of(path).kind == kind


@pytest.mark.parametrize("kind", ["unsupported", "unrecognized"])
def test_what_could_change_forwarding_is_unbounded(linux: Build, kind: str) -> None:
    line = {"unsupported": "pbr-map X seq 1", "unrecognized": "teleport everything"}[kind]
    device = linux({"frr-running-config.txt": f"{line}\nend\n"})
    (found,) = (entry for entry in device.lines if entry.span.file.endswith("running-config.txt"))
    assert (found.fate, found.bounded, found.text) == (kind, False, line)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("password sesame", "password ***"),
        ("enable password 8 sesame", "enable password 8 ***"),
        ("neighbor 192.0.2.2 password sesame", "neighbor 192.0.2.2 password ***"),
        ("ip ospf message-digest-key 1 md5 sesame", "ip ospf message-digest-key 1 md5 ***"),
        ("ip ospf authentication-key sesame", "ip ospf authentication-key ***"),
        ("ip rip authentication string sesame", "ip rip authentication string ***"),
        ("isis password clear sesame", "isis password clear ***"),
        ("hostname router", "hostname router"),
    ],
)
def test_secrets_are_blotted_out(line: str, shown: str) -> None:
    assert redacted(line) == shown


def test_no_secret_of_a_config_reaches_the_device(linux: Build) -> None:
    config = (
        "password sesame\nkey chain K\n key 1\n  key-string sesame\ninterface eth1\n"
        " ip ospf authentication-key sesame\nrouter bgp 1\n neighbor 192.0.2.2 password sesame\nend\n"
    )
    assert "sesame" not in repr(linux({"frr-running-config.txt": config}))


def frr_table(prefix: str, **more: Any) -> dict[str, Any]:
    entry = {"prefix": prefix, "vrfName": "default", "selected": True, "installed": True, **more}
    return {prefix: [entry]}


@pytest.mark.parametrize(
    ("table", "lines"),
    [
        (frr_table("192.0.2.0/24"), []),
        (frr_table("10.77.0.0/16"), [2]),
        (frr_table("10.77.0.0/16", installed=False), []),
        (frr_table("10.77.0.0/16", vrfName="blue"), []),
        ({}, []),
    ],
)
def test_installed_routes_that_the_kernel_lacks_are_doubtful(
    linux: Build, table: dict[str, Any], lines: list[int]
) -> None:
    device = linux({"frr-route4.json": table})
    found = [line for line in device.lines if line.span.file.endswith("frr-route4.json")]
    assert [(line.span.first_line, line.bounded) for line in found] == [(line, False) for line in lines]


def test_a_garbled_cross_check_is_only_noted(linux: Build) -> None:
    device = linux({"frr-route4.json": "% Unknown command\n{ x"})
    found = [line for line in device.lines if line.span.file.endswith("frr-route4.json")]
    assert {line.bounded for line in found} == {True}
