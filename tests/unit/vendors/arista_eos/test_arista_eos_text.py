"""EOS: what files look like in practice: other line ends, banners, paging, scripts, twins."""

from __future__ import annotations

from functools import partial
from hashlib import sha256

import pytest
from builders.switch_configs import PASSES, doubts, packet, verdicts
from builders.switch_configs import read as read_config

from segaudit.errors import SnapshotError
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.vendors.arista_eos import VENDOR

read = partial(read_config, VENDOR)
CONFIG = (
    "! device: leaf (vEOS, EOS-4.26.4M)\n!\nip routing\n!\ninterface Ethernet1\n   no switchport\n"
    "   ip address 10.0.0.1/24\n!\nend\n"
)


@pytest.mark.parametrize(
    "text",
    [
        CONFIG.replace("\n", "\r\n"),
        CONFIG.replace("   ", "\t"),
        CONFIG.replace("!\n", ""),
        CONFIG.replace("   ", " "),
        CONFIG + "\n\n",
        CONFIG.replace("   no switchport", "   no switchport   "),
        "\ufeff" + CONFIG,
    ],
    ids=["crlf", "tabs", "no separators", "one blank", "blank lines", "trailing blanks", "byte order mark"],
)
def test_how_lines_are_set_changes_nothing(text: str) -> None:
    device = read(text)
    assert [str(one) for one in device.interfaces["Ethernet1"].addresses] == ["10.0.0.1/24"]
    assert doubts(device) == []


def test_a_banner_is_no_configuration() -> None:
    device = read(
        "banner login\ninterface Ethernet9\n no switchport\n ip address 9.9.9.9/8\nend\nEOF\nend\n"
    )
    assert device.interfaces == {}
    assert doubts(device) == []


def test_a_banner_without_an_end_swallows_the_rest_and_is_doubtful() -> None:
    assert doubts(read("hostname a\nbanner login\ninterface Ethernet9\n")) == ["interface Ethernet9"]


def test_a_script_of_an_event_handler_is_no_configuration() -> None:
    device = read("event-handler E\n   action bash\ninterface Ethernet9\nEOF\n   delay 5\nend\n")
    assert device.interfaces == {}
    assert doubts(device) == ["event-handler E"]


def test_a_comment_is_no_configuration() -> None:
    device = read("! interface Ethernet9\ninterface Ethernet1\n   !! no switchport\nend\n")
    assert set(device.interfaces) == {"Ethernet1"}
    assert device.interfaces["Ethernet1"].switchport is not None


@pytest.mark.parametrize("left", ["--More--", " --More-- ", "^C", "leaf#", "leaf#show running-config"])
def test_what_paging_and_prompts_leave_behind_is_doubtful(left: str) -> None:
    assert doubts(read(f"hostname a\n{left}\nend\n")) == [left.strip()]


def test_text_in_another_encoding_is_a_description() -> None:
    device = read("interface Ethernet1\n description B\ufffdckerei \u00fc\nend\n")
    assert device.interfaces["Ethernet1"].description == "B\ufffdckerei \u00fc"


def test_a_block_that_is_written_twice_goes_on() -> None:
    device = read(
        "interface Ethernet1\n no switchport\ninterface Ethernet1\n ip address 10.0.0.1/24\n"
        "ip access-list A\n 10 permit udp any any\nip access-list A\n 20 permit tcp any any\nend\n"
    )
    assert [str(one) for one in device.interfaces["Ethernet1"].addresses] == ["10.0.0.1/24"]
    assert verdicts(device, "ip A", packet("10.0.0.1", "10.0.0.2", 6, 80)) == PASSES
    assert verdicts(device, "ip A", packet("10.0.0.1", "10.0.0.2", 17, 80)) == PASSES


def test_a_device_needs_one_configuration() -> None:
    def file(name: str, text: str) -> RawFile:
        return RawFile(f"devices/d/{name}", text, sha256(text.encode()).hexdigest())

    with pytest.raises(SnapshotError, match=r"running-config\.txt is missing"):
        VENDOR.read(RawConfig("d", "", (file("version.txt", "x\n"),)))
    with pytest.raises(SnapshotError, match="several files look like its configuration"):
        VENDOR.read(RawConfig("d", "", (file("a.cfg", CONFIG), file("b.cfg", CONFIG))))
    alone = VENDOR.read(RawConfig("d", "", (file("leaf.cfg", CONFIG),)))
    assert set(alone.interfaces) == {"Ethernet1"}


@pytest.mark.parametrize(
    "text",
    [
        "hostname a\ninterface Ethernet1\n",
        CONFIG + "!RANCID-CONTENT-TYPE: cisco\n",
        "version 9.3(8) Bios:version 07.69\nvrf instance A\n",
        "feature bgp\nip routing vrf A\n",
    ],
)
def test_what_may_be_of_another_system_is_not_claimed(text: str) -> None:
    assert VENDOR.claims(RawConfig("d", "", (RawFile("devices/d/running-config.txt", text, ""),))) is None


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("event-handler E", True),
        ("daemon Mine", True),
        ("daemon TerminAttr", False),
        ("schedule change at 10:00:00 max-log-files 1 command bash x", True),
        ("schedule tech-support interval 60 max-log-files 100 command show tech-support", False),
        ("arp 10.0.0.9 0000.1111.2222 arpa", True),
        ("arp cache persistent", False),
        ("ipv6 neighbor Ethernet1 2001:db8::9 0000.1111.2222", True),
    ],
)
def test_programs_and_written_neighbours_leave_doubt(line: str, left: bool) -> None:
    assert doubts(read(CONFIG.replace("end\n", f"{line}\nend\n"))) == ([line] if left else [])


def test_an_interface_that_is_reset_leaves_doubt() -> None:
    assert doubts(read(CONFIG.replace("end\n", "default interface Ethernet1\nend\n"))) == [
        "default interface Ethernet1"
    ]
