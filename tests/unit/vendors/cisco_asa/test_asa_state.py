"""What an ASA's own tables say in place of its configuration, and when they are not believed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from builders.asa import packet, ways

import segaudit.vendors.cisco_asa
from segaudit.model.device import Device
from segaudit.model.flow import Family
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.vendors.cisco_asa import VENDOR

SAMPLE = Path(segaudit.vendors.cisco_asa.__file__).parent / "samples" / "core-fw"
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in sorted(SAMPLE.iterdir())}
CORE, PARTNER, ISP = "Port-channel1.10", "Port-channel1.20", "GigabitEthernet1/3"


def read(**changed: str) -> Device:
    """The sample with some files changed (``show_route`` for ``show-route.txt``); ``""`` leaves one out."""
    texts = TEXTS | {f"{name.replace('_', '-')}.txt": text for name, text in changed.items()}
    files = tuple(RawFile(f"devices/fw/{name}", text, "") for name, text in texts.items() if text)
    return VENDOR.read(RawConfig("fw", "", files))


def outs(device: Device, destination: str) -> set[str]:
    return {way[0] for way in ways(device, CORE, packet("udp", "10.30.1.9", destination, 53))}


def test_the_devices_own_table_takes_the_place_of_what_may_have_been_learned() -> None:
    with_table, without = read(), read(show_route="")
    assert outs(with_table, "192.0.2.9") == {ISP}
    assert outs(with_table, "10.30.2.9") == {PARTNER}
    assert outs(without, "10.30.2.9") >= {PARTNER, ISP}
    assert not [route for route in with_table.routes if route.protocol == "unknown"]
    ospf = {str(one): len(one.next_hops) for one in with_table.routes if one.protocol == "ospf"}
    assert ospf == {"10.30.9.0/24": 1, "10.31.0.0/16": 2}


def test_an_address_that_was_learned_is_the_interfaces() -> None:
    assert [str(one) for one in read().interfaces[ISP].addresses] == ["198.51.100.77/24"]
    assert not read(show_route="").interfaces[ISP].addresses


@pytest.mark.parametrize("damage", [
    ("O        10.30.9.0", "O        10.30.9.x"), ("[110/11] via 10.30.1.254", "[110/11] bogus"),
    ("S*", "??"),
    ("S*       0.0.0.0 0.0.0.0 [1/0] via 198.51.100.1, isp\n", ""), ("Gateway of last resort", "Gate"),
    ("is directly connected, partner", "is directly connected"), ("255.255.0.0", "255.0.255.0"),
])  # fmt: skip
def test_a_table_that_is_not_understood_whole_is_not_used(damage: tuple[str, str]) -> None:
    assert damage[0] in TEXTS["show-route.txt"]
    device = read(show_route=TEXTS["show-route.txt"].replace(*damage))
    assert [line for line in device.lines if line.fate == "unrecognized" and "show-route" in line.span.file]
    assert [route for route in device.routes if route.protocol == "unknown"]


@pytest.mark.parametrize("lost", [
    "C        10.30.2.0 255.255.255.0 is directly connected, partner\n",
    "S        172.20.0.0 255.255.0.0 [1/0] via 10.30.1.254, core\n",
])  # fmt: skip
def test_a_table_without_a_route_of_the_configuration_is_not_used(lost: str) -> None:
    """It was cut off, or an interface is down: the configuration says no less then."""
    config = TEXTS["running-config.txt"].replace(
        "ssh 10", "route core 172.20.0.0 255.255.0.0 10.30.1.254\nssh 10"
    )
    table = TEXTS["show-route.txt"].replace("S        192.0.2", "S        172.20.0.0 255.255.0.0 [1/0] "
                                            "via 10.30.1.254, core\nS        192.0.2")  # fmt: skip
    assert lost in table
    whole = read(running_config=config, show_route=table)
    assert not [route for route in whole.routes if route.protocol == "unknown"]
    damaged = read(running_config=config, show_route=table.replace(lost, ""))
    assert [route for route in damaged.routes if route.protocol == "unknown"]
    assert [line for line in damaged.lines if "it lacks" in line.reason and line.bounded]


def test_policy_routing_is_in_no_table() -> None:
    text = TEXTS["running-config.txt"].replace(
        " nameif core\n", " nameif core\n policy-route route-map PBR\n"
    )
    device = read(running_config=text)
    assert {route.family for route in device.routes if route.protocol == "unknown"} == set(Family)
    assert outs(device, "192.0.2.9") >= {ISP, PARTNER}


def test_a_command_that_failed_says_nothing() -> None:
    files = [RawFile(f"devices/fw/{name}", text, "") for name, text in TEXTS.items()]
    failed = [replace(one, exit_status=1) if one.name == "show-route.txt" else one for one in files]
    device = VENDOR.read(RawConfig("fw", "", tuple(failed)))
    assert [route for route in device.routes if route.protocol == "unknown"]


def test_neighbours_by_interface_name_and_by_names_of_addresses() -> None:
    heard = {(one.interface, one.mac) for one in read().neighbours}
    assert heard == {
        (CORE, "00:50:56:aa:02:54"), (ISP, "00:50:56:aa:00:01"), (PARTNER, "00:50:56:aa:09:09"),
    }  # fmt: skip
