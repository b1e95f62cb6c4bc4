"""Recognition, odd texts, files in parts, and what a device depends on."""

from __future__ import annotations

import pytest
from builders.junos import device, doubts, raw

from segaudit.errors import SnapshotError
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.parse.detection import detect
from segaudit.parse.registry import vendors
from segaudit.vendors.juniper_junos import VENDOR

SET = "set version 21.2R3\nset interfaces ge-0/0/0 unit 0 family inet address 10.0.0.1/24\n"
BRACES = """\
system {
    host-name r1;
}
interfaces {
    ge-0/0/0 {
        unit 0 {
            family inet {
                address 10.0.0.1/24;
            }
        }
    }
}
"""


def of(**files: str) -> RawConfig:
    return RawConfig(
        "r1", "", tuple(RawFile(f"devices/r1/{name}.cfg", text, "") for name, text in files.items())
    )


@pytest.mark.parametrize("text", [SET, BRACES, "#RANCID-CONTENT-TYPE: juniper\n#\nsystem {\n}\n"])
def test_it_is_claimed(text: str) -> None:
    assert detect(of(r1=text), vendors()) is VENDOR


@pytest.mark.parametrize(
    "text",
    [
        "",
        "set system host-name r1\n",
        "set interfaces ethernet eth0 address '10.0.0.1/24'\n"
        "set protocols ospf area 0 network '10.0.0.0/24'\n",
        "set firewall name OUT default-action 'drop'\n",
        "interfaces {\n    ethernet eth0 {\n        address 10.0.0.1/24\n    }\n}\n"
        "system {\n    host-name r1\n}\n",
        "set deviceconfig system hostname fw\nset network interface ethernet ethernet1/1\n",
        "hostname r1\n!\ninterface GigabitEthernet0/0\n ip address 10.0.0.1 255.255.255.0\nend\n",
        "config system interface\n edit port1\n next\nend\n",
        "system {\n    host-name r1;\n}\n",
    ],
)
def test_it_is_not_claimed(text: str) -> None:
    assert VENDOR.claims(of(r1=text)) is None


def test_without_a_configuration_there_is_no_device() -> None:
    with pytest.raises(SnapshotError, match="no Junos configuration"):
        VENDOR.read(RawConfig("r1", "juniper_junos", (RawFile("devices/r1/notes.txt", "nothing", ""),)))
    with pytest.raises(SnapshotError, match="no statement"):
        VENDOR.read(raw("# only a remark\n"))


@pytest.mark.parametrize("text", [SET, BRACES], ids=["set", "braces"])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("    ", "\t"),
        lambda text: "\x1b[?2004l\ufeff" + text,
        lambda text: "user@r1> show configuration | no-more \n" + text + "\n{master:0}\nuser@r1> ",
        lambda text: '/* a comment { } ; */\n# another "\n' + text,
        lambda text: text + "\n\n",
    ],
    ids=["crlf", "tabs", "terminal", "prompts", "comments", "blank"],
)
def test_what_surrounds_a_configuration_changes_nothing(text: str, change: object) -> None:
    assert callable(change)
    read = device(change(text))
    plain = device(text)
    assert {name: one.addresses[0].address for name, one in read.interfaces.items() if one.addresses} == {
        name: one.addresses[0].address for name, one in plain.interfaces.items() if one.addresses
    }
    assert doubts(read) == []


@pytest.mark.parametrize("cut", range(20, len(BRACES) - 2, 7))
def test_a_configuration_cut_anywhere_is_doubtful(cut: int) -> None:
    try:
        read = device(BRACES[:cut])
    except SnapshotError:
        return
    complete = BRACES[:cut].count("{") == BRACES[:cut].count("}")
    assert complete or doubts(read)


@pytest.mark.parametrize(
    "line",
    [
        "---(more 12%)---",
        "--More--",
        "}",
        "%%%",
        "interfaces {",
        "set",
        'set interfaces ge-0/0/1 unit 0 description "a',
    ],
)
def test_what_does_not_belong_there_makes_the_device_doubtful(line: str) -> None:
    assert doubts(device(BRACES)) == []
    assert doubts(device(BRACES + line + "\n"))


def test_a_banner_that_looks_like_configuration_is_text() -> None:
    banner = (
        'set system login message "\\nset interfaces ge-0/0/9 unit 0 family inet address 192.0.2.9/24\\n"\n'
    )
    read = device(SET + banner)
    assert "ge-0/0/9" not in read.interfaces
    assert doubts(read) == []
    torn = 'system {\n login {\n message "\ninterfaces {\n ge-0/0/9 {\n  disable;\n }\n}\n";\n }\n}\n'
    assert doubts(device(BRACES + torn))


def test_mixed_encodings_are_read() -> None:
    text = SET + 'set interfaces ge-0/0/0 description "caf\udce9 \u2028 \u00fc"\n'
    files = (RawFile("devices/r1/running-config.txt", text, ""),)
    read = VENDOR.read(RawConfig("r1", "juniper_junos", files))
    assert doubts(read) == []


def test_the_last_of_two_values_holds_and_both_addresses_stay() -> None:
    read = device(SET + "set interfaces ge-0/0/0 mtu 1400\nset interfaces ge-0/0/0 mtu 1500\n"
                  "set interfaces ge-0/0/0 unit 0 family inet address 10.0.9.1/24\n")  # fmt: skip
    assert read.interfaces["ge-0/0/0"].mtu == 1500
    assert len(read.interfaces["ge-0/0/0.0"].addresses) == 2


def test_inactive_parts_are_out() -> None:
    read = device(BRACES.replace("    ge-0/0/0 {", "    inactive: ge-0/0/0 {"))
    assert read.interfaces == {}
    assert "inactive" in {line.reason for line in read.lines}
    assert device(SET + "deactivate interfaces ge-0/0/0\n").interfaces == {}


# ---- files in parts -----------------------------------------------------------------------------


def test_parts_of_a_configuration_are_one() -> None:
    parts = of(
        dut_initial=BRACES,
        dut_vrf="routing-instances {\n RED {\n instance-type virtual-router;\n"
        " interface ge-0/0/0.0;\n }\n}\n",
        dut_extra="event-options {\n policy p;\n}\n",
    )
    read = VENDOR.read(parts)
    assert read.interfaces["ge-0/0/0.0"].vrf == "RED"
    assert len(read.tallies) == 3
    assert doubts(read) == []
    address = read.interfaces["ge-0/0/0.0"].addresses[0]
    assert str(address.span) == "devices/r1/dut_initial.cfg:8"


def test_two_whole_configurations_are_doubtful() -> None:
    old = BRACES.replace("10.0.0.1", "10.0.0.2").replace("host-name r1", "host-name r1-old")
    assert doubts(VENDOR.read(of(new=BRACES, old=old)))


# ---- what a device runs and depends on ----------------------------------------------------------


def test_management_and_shared_fate() -> None:
    read = device(
        SET
        + "set system services ssh\nset system services web-management https interface ge-0/0/0.0\n"
        + "set system services netconf ssh\nset system ntp server 192.0.2.1\n"
        + "set system name-server 192.0.2.2\n"
        + "set system syslog host 192.0.2.3 any any\nset system syslog file messages any any\n"
        + "set system tacplus-server 192.0.2.4 secret hush\nset snmp community hush clients 192.0.2.5/32\n"
        + "set system login user alice authentication encrypted-password hush\n"
        + "set interfaces lo0 unit 0 family inet filter input F\nset firewall filter F term a then accept\n"
        + "set protocols bgp group g neighbor 10.0.0.9\n"
    )
    assert {(one.protocol, one.interface) for one in read.services} == {
        ("ssh", ""), ("https", "ge-0/0/0.0"), ("netconf", ""), ("snmp", ""),
    }  # fmt: skip
    assert {one.acl for one in read.services} == {"inet F for the device (lo0.0)"}
    told = {(one.kind, one.value) for one in read.shared_fate}
    assert {
        ("ntp-server", "192.0.2.1"), ("dns-server", "192.0.2.2"), ("syslog-server", "192.0.2.3"),
        ("aaa-server", "192.0.2.4"), ("snmp-manager", "192.0.2.5/32"), ("user", "alice"),
    } < told  # fmt: skip
    assert "hush" not in repr(read.shared_fate)
    assert [kind for kind, value in told if value.startswith("sha256:")].count("user-key") == 1
    assert [one.protocol for one in read.processes] == ["bgp"]


def test_commit_scripts_may_change_what_is_not_shown() -> None:
    assert doubts(device(SET + "set system scripts commit allow-transients\n"))
