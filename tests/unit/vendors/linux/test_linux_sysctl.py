"""Which settings let a packet through, and which move it past the model."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from segaudit.model.device import Device
from segaudit.model.flow import Family

Build = Callable[..., Device]
V4, V6 = frozenset({Family.IPV4}), frozenset({Family.IPV6})
SAFE = "\n".join(
    f"net.ipv{version}.conf.all.{name} = 0"
    for version, names in (
        (4, ("accept_source_route", "bc_forwarding", "mc_forwarding", "proxy_arp", "rp_filter")),
        (6, ("mc_forwarding", "seg6_enabled", "rpl_seg_enabled", "force_forwarding", "proxy_ndp")),
    )
    for name in names
)


def sysctl(linux: Build, *lines: str, only: bool = False) -> Device:
    return linux({"sysctl.txt": "\n".join(lines if only else (SAFE, *lines)) + "\n"})


def forwarding(device: Device) -> dict[str, frozenset[Family]]:
    return {name: interface.forwarding for name, interface in device.interfaces.items() if name != "lo"}


def doubts(device: Device) -> list[str]:
    return [line.reason for line in device.lines if not line.bounded]


def test_ipv4_asks_the_input_interface_alone(linux: Build) -> None:
    device = sysctl(
        linux,
        "net.ipv4.ip_forward = 1",
        "net.ipv4.conf.eth1.forwarding = 0",
        "net.ipv4.conf.eth2.forwarding = 1",
        "net.ipv6.conf.all.forwarding = 0",
    )
    assert forwarding(device) == {"eth1": frozenset(), "eth2": V4}


def test_ipv4_interfaces_forward_though_all_does_not(linux: Build) -> None:
    device = sysctl(
        linux,
        "net.ipv4.ip_forward = 0",
        "net.ipv4.conf.eth1.forwarding = 1",
        "net.ipv4.conf.eth2.forwarding = 0",
        "net.ipv6.conf.all.forwarding = 0",
    )
    assert forwarding(device) == {"eth1": V4, "eth2": frozenset()}


def test_ipv6_asks_all_alone(linux: Build) -> None:
    lines = ["net.ipv4.conf.eth1.forwarding = 0", "net.ipv4.conf.eth2.forwarding = 0"]
    on = sysctl(linux, *lines, "net.ipv6.conf.all.forwarding = 1", "net.ipv6.conf.eth1.forwarding = 0")
    assert forwarding(on) == {"eth1": V6, "eth2": V6}
    off = sysctl(linux, *lines, "net.ipv6.conf.all.forwarding = 0", "net.ipv6.conf.eth1.forwarding = 1")
    assert forwarding(off) == {"eth1": frozenset(), "eth2": frozenset()}


def test_forced_ipv6_forwarding_counts_and_is_doubtful(linux: Build) -> None:
    device = sysctl(
        linux,
        "net.ipv4.conf.eth1.forwarding = 0",
        "net.ipv4.conf.eth2.forwarding = 0",
        "net.ipv4.conf.lo.forwarding = 0",
        "net.ipv6.conf.all.forwarding = 0",
        "net.ipv6.conf.eth1.force_forwarding = 1",
    )
    assert forwarding(device) == {"eth1": V6, "eth2": frozenset()}
    assert device.forwards == V6
    assert [reason for reason in doubts(device) if "reachability" in reason]


def test_what_the_device_does_not_tell_counts_as_open(linux: Build) -> None:
    device = linux({"sysctl.txt": ""})
    assert forwarding(device) == {"eth1": V4 | V6, "eth2": V4 | V6}
    assert all(interface.proxy_arp for interface in device.interfaces.values())
    assert {interface.reverse_path_filter for interface in device.interfaces.values()} == {0}
    assert [reason for reason in doubts(device) if reason.startswith("the device was not asked for")]


def test_a_full_listing_asked_for_everything(linux: Build) -> None:
    listing = (
        "net.ipv4.conf.all.arp_ignore = 0",
        "net.ipv4.ip_forward = 1",
        "net.ipv6.conf.all.forwarding = 1",
    )
    assert doubts(sysctl(linux, *listing, only=True)) == []


@pytest.mark.parametrize(
    ("everywhere", "own", "effective"), [(0, 0, 0), (1, 0, 1), (0, 2, 2), (1, 2, 2), (2, 1, 2), (1, 1, 1)]
)
def test_the_larger_reverse_path_filter_counts(
    linux: Build, everywhere: int, own: int, effective: int
) -> None:
    text = f"net.ipv4.conf.all.rp_filter = {everywhere}\nnet.ipv4.conf.eth1.rp_filter = {own}\n"
    assert linux({"sysctl.txt": text}).interfaces["eth1"].reverse_path_filter == effective


@pytest.mark.parametrize(
    ("everywhere", "own", "pvlan", "effective"),
    [(0, 0, 0, False), (1, 0, 0, True), (0, 1, 0, True), (0, 0, 1, True)],
)
def test_proxy_arp(linux: Build, everywhere: int, own: int, pvlan: int, effective: bool) -> None:
    lines = (
        f"net.ipv4.conf.all.proxy_arp = {everywhere}",
        f"net.ipv4.conf.eth1.proxy_arp = {own}",
        f"net.ipv4.conf.eth1.proxy_arp_pvlan = {pvlan}",
    )
    assert sysctl(linux, *lines, only=True).interfaces["eth1"].proxy_arp is effective


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (
            ("net.ipv4.conf.all.accept_source_route = 1", "net.ipv4.conf.eth1.accept_source_route = 1"),
            "source-routed",
        ),
        (
            ("net.ipv4.conf.all.bc_forwarding = 1", "net.ipv4.conf.eth1.bc_forwarding = 1"),
            "directed broadcasts",
        ),
        (("net.ipv4.conf.eth1.mc_forwarding = 1",), "multicast"),
        (("net.ipv6.conf.all.mc_forwarding = 1",), "multicast"),
        (("net.ipv6.conf.all.seg6_enabled = 1", "net.ipv6.conf.eth1.seg6_enabled = 1"), "segment routing"),
        (("net.ipv6.conf.all.rpl_seg_enabled = 1", "net.ipv6.conf.eth2.rpl_seg_enabled = 1"), "RPL"),
    ],
)
def test_what_moves_packets_past_the_model_is_doubtful(
    linux: Build, lines: tuple[str, ...], reason: str
) -> None:
    assert [found for found in doubts(sysctl(linux, *lines)) if reason in found]


@pytest.mark.parametrize("name", ["accept_source_route", "bc_forwarding"])
def test_all_or_the_interface_alone_do_not_suffice(linux: Build, name: str) -> None:
    one = sysctl(linux, f"net.ipv4.conf.eth1.{name} = 1")
    other = sysctl(linux, f"net.ipv4.conf.eth1.{name} = 0", f"net.ipv4.conf.all.{name} = 1")
    assert [doubts(one), doubts(other)] == [[], []]


def test_a_host_that_forwards_nothing_cannot_be_source_routed(linux: Build) -> None:
    off = [f"net.ipv4.conf.{name}.forwarding = 0" for name in ("eth1", "eth2", "lo")]
    risky = ["net.ipv4.conf.all.accept_source_route = 1", "net.ipv4.conf.eth1.accept_source_route = 1"]
    assert doubts(sysctl(linux, *off, "net.ipv6.conf.all.forwarding = 0", *risky)) == []


def test_dots_in_interface_names(linux: Build) -> None:
    links = [{"ifname": "eth1.100", "flags": ["UP"], "link_type": "ether"}]
    text = "net.ipv4.conf.eth1/100.forwarding = 0\nnet.ipv6.conf.all.forwarding = 0\n"
    device = linux({"ip-link.json": links, "ip-address.json": [], "sysctl.txt": text})
    assert device.interfaces["eth1.100"].forwarding == frozenset()
