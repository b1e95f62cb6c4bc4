"""NX-OS: what files look like in practice: other line ends, banners, paging, wrong indents."""

from __future__ import annotations

from functools import partial

import pytest
from builders.switch_configs import doubts
from builders.switch_configs import read as read_config

from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.vendors.cisco_nxos import VENDOR

read = partial(read_config, VENDOR, before="no ip source-route\n")
CONFIG = (
    "!Command: show running-config\nversion 9.3(8) Bios:version 07.69\nvrf context A\n"
    "interface Ethernet1/1\n  no switchport\n  vrf member A\n  ip address 10.0.0.1/24\n  no shutdown\n\n"
)


@pytest.mark.parametrize(
    "text",
    [
        CONFIG.replace("\n", "\r\n"),
        CONFIG.replace("  ", "\t"),
        CONFIG.replace("  ", " "),
        CONFIG.replace("  ip address", "    ip address"),
        CONFIG.replace("interface", "!\ninterface").replace("  ip", "!\n  ip"),
    ],
    ids=["crlf", "tabs", "one blank", "deeper than it is", "separators"],
)
def test_how_lines_are_set_changes_nothing(text: str) -> None:
    device = read(text)
    port = device.interfaces["Ethernet1/1"]
    assert ([str(one) for one in port.addresses], port.vrf, port.enabled) == (["10.0.0.1/24"], "A", True)
    assert doubts(device) == []


def test_a_banner_is_no_configuration() -> None:
    device = read("banner motd ^\ninterface Ethernet9/9\n  ip address 9.9.9.9/8\n^\nhostname a\n")
    assert device.interfaces == {}
    assert doubts(device) == []


@pytest.mark.parametrize("left", ["--More--", "^C", "leaf#", "leaf# show running-config"])
def test_what_paging_and_prompts_leave_behind_is_doubtful(left: str) -> None:
    assert doubts(read(f"hostname a\n{left}\n")) == [left]


def test_a_line_cut_in_two_is_doubtful() -> None:
    assert doubts(read("interface Ethernet1/1\n  no switchport\n  ip addr")) == ["ip addr"]


def test_an_interface_may_be_written_in_small_letters_and_short() -> None:
    device = read("interface vlan700\n  no shutdown\ninterface eth1/2\ninterface po3\n")
    assert set(device.interfaces) == {"Vlan700", "Ethernet1/2", "port-channel3"}


@pytest.mark.parametrize(
    "text",
    [
        "hostname a\ninterface Ethernet1/1\n",
        CONFIG + "!RANCID-CONTENT-TYPE: cisco\n",
        "! device: leaf (vEOS, EOS-4.26.4M)\nvrf context A\n",
        "version 15.2\nfeature bgp\n",
    ],
)
def test_what_may_be_of_another_system_is_not_claimed(text: str) -> None:
    assert VENDOR.claims(RawConfig("d", "", (RawFile("devices/d/running-config.txt", text, ""),))) is None
