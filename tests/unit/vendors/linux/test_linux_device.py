"""Missing, failed and broken files of a Linux device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from segaudit.errors import SnapshotError
from segaudit.model.device import Device
from segaudit.model.flow import Family
from segaudit.model.snapshot import RawConfig, RawSnapshot
from segaudit.parse import parse_device, parse_snapshot

Build = Callable[..., Device]
BuildRaw = Callable[..., RawConfig]
MANDATORY = (
    "hostname.txt",
    "ip-link.json",
    "ip-address.json",
    "ip-route4.json",
    "ip-route6.json",
    "sysctl.txt",
)


def unbounded(device: Device, name: str) -> list[str]:
    return [line.reason for line in device.lines if not line.bounded and line.span.file.endswith(name)]


def test_the_plain_router_has_no_doubts(linux: Build) -> None:
    device = linux()
    assert [line for line in device.lines if not line.bounded] == []
    assert device.labels == {"site": "north"}
    assert device.platform == "linux"


@pytest.mark.parametrize("name", MANDATORY)
def test_a_missing_mandatory_file_is_named(linux: Build, name: str) -> None:
    with pytest.raises(SnapshotError, match=f"devices/policy-routing/{name}: the file is missing"):
        linux({name: None})


@pytest.mark.parametrize("name", MANDATORY)
def test_a_failed_mandatory_command_is_named(linux: Build, name: str) -> None:
    with pytest.raises(SnapshotError, match=f"{name}: the command failed with exit status 2: RTNETLINK"):
        linux({name: "RTNETLINK answers: Operation not permitted\n"}, {name: 2})


@pytest.mark.parametrize("name", [name for name in MANDATORY if name.endswith(".json")])
@pytest.mark.parametrize(
    ("content", "where"),
    [
        ('Object "link" is unknown, try "ip help".\n', ":1: not what the command prints: a JSON list"),
        ('[ {\n  "ifname": "eth1",\n', ":3: not what the command prints"),
        ("[ { } ,", ":1: not what the command prints: the list does not end"),
        ("{ }", ":1: not what the command prints: a JSON list was expected"),
        ("[" * 100_000, "not what the command prints: nested too deeply"),
    ],
)
def test_garbage_in_a_mandatory_file_is_placed(linux: Build, name: str, content: str, where: str) -> None:
    with pytest.raises(SnapshotError) as refused:
        linux({name: content})
    assert f"devices/policy-routing/{name}" in str(refused.value)
    assert where in str(refused.value)


def test_a_broken_device_is_a_failure_of_the_snapshot(linux_raw: BuildRaw) -> None:
    snapshot = parse_snapshot(RawSnapshot("x", (linux_raw({"ip-link.json": "[ {"}),)))
    assert dict(snapshot.devices) == {}
    (failure,) = snapshot.failures
    assert failure.device == "policy-routing"
    assert "devices/policy-routing/ip-link.json:1" in failure.reason


def test_an_element_that_cannot_be_read_is_doubtful(linux: Build) -> None:
    device = linux({"ip-route4.json": [{"dst": "10.0.0.0/8", "dev": "eth1"}, {"dst": 7}, "x"]})
    assert [str(route) for route in device.routes if route.family is Family.IPV4] == ["10.0.0.0/8"]
    assert unbounded(device, "ip-route4.json") == ["dst is not a word: 7", "a JSON object was expected"]


def test_empty_tables_are_fine(linux: Build) -> None:
    assert linux({"ip-route4.json": "", "ip-route6.json": "[ ]\n"}).routes == ()


@pytest.mark.parametrize("content", ["bash: line 1: vtysh: command not found\n", ""])
def test_a_program_that_is_not_there_is_ignored(linux: Build, content: str) -> None:
    device = linux({"frr-running-config.txt": content}, {"frr-running-config.txt": 127})
    assert unbounded(device, "frr-running-config.txt") == []
    assert [line.reason for line in device.lines if "frr" in line.span.file] == (
        ["the program is not installed"] if content else []
    )


@pytest.mark.parametrize(
    ("name", "family"), [("ip-rule4.json", Family.IPV4), ("ip-rule6.json", Family.IPV6)]
)
@pytest.mark.parametrize("content", [None, "not json"])
def test_without_rules_the_kernels_are_assumed(
    linux: Build, name: str, family: Family, content: str | None
) -> None:
    device = linux({name: content})
    tables = [rule.table for rule in device.rules if rule.family is family]
    assert tables == (["local", "main", "default"] if family is Family.IPV4 else ["local", "main"])
    assert unbounded(device, name.replace("rule", "route")) == [
        f"{name} was not collected: the kernel's default rules are assumed"
    ]


def test_what_names_an_interface_that_is_not_listed(linux: Build) -> None:
    device = linux(
        {
            "ip-route4.json": [{"dst": "10.0.0.0/8", "dev": "eth9", "gateway": "192.0.2.2"}],
            "ip-address.json": [
                {"ifname": "eth9", "addr_info": [{"family": "inet", "local": "1.2.3.4", "prefixlen": 8}]}
            ],
            "ip-neighbour.json": [
                {"dst": "192.0.2.2", "dev": "eth9", "lladdr": "02:00:00:00:00:02", "state": ["STALE"]}
            ],
        }
    )
    assert [hop.interface for route in device.routes for hop in route.next_hops] == [None]
    assert device.neighbours == ()
    assert unbounded(device, "ip-address.json") == ["eth9 is not among the interfaces"]


def test_an_interface_listed_twice_is_doubtful(linux: Build) -> None:
    links = [{"ifname": "eth1", "flags": ["UP"]}, {"ifname": "eth1", "flags": []}]
    device = linux({"ip-link.json": links})
    assert device.interfaces["eth1"].enabled
    assert "listed twice" in unbounded(device, "ip-link.json")


def test_two_files_of_one_name_are_refused(linux_raw: BuildRaw) -> None:
    raw = linux_raw()
    twin = replace(raw.files[0], path="devices/policy-routing/old/hostname.txt")
    with pytest.raises(SnapshotError, match="two files of the device have one name"):
        parse_device(replace(raw, files=(*raw.files, twin)))


def test_garbage_neighbours_are_doubtful_and_stop_nothing(linux: Build) -> None:
    device = linux({"ip-neighbour.json": "[ {"})
    assert device.neighbours == ()
    assert len(unbounded(device, "ip-neighbour.json")) == 1


def test_proxies_that_were_not_asked_for_are_an_assumption(linux: Build) -> None:
    device = linux({"ip-neighbour-proxy.json": None})
    assert unbounded(device, "ip-link.json") == [
        "ip-neighbour-proxy.json was not collected: the device is taken to be no proxy"
    ]
