"""Damaged, foreign and odd configurations: claimed by the right reader, never healthy with less in them."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest

from segaudit.errors import SnapshotError
from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.vendors.fortinet_fortios import VENDOR

Firewall = Callable[[str], Device]

WHOLE = """\
#config-version=FGVMK6-7.0.1-FW-build0157-210714:opmode=0:vdom=0:user=admin
config system interface
    edit "port1"
        set ip 10.1.0.1 255.255.0.0
    next
end
config firewall policy
    edit 1
        set srcintf "port1"
        set dstintf "any"
        set srcaddr "all"
        set dstaddr "all"
        set service "ALL"
        set action accept
    next
end
config router multicast
end
"""


def files(**named: str) -> RawConfig:
    made = [
        RawFile(f"devices/fw/{name.replace('_', '.')}", text, sha256(text.encode()).hexdigest())
        for name, text in named.items()
    ]
    return RawConfig("fw", "", tuple(made))


def doubts(device: Device) -> list[str]:
    return [line.reason for line in device.lines if not line.bounded]


def test_a_whole_configuration_has_no_doubt(read: Firewall) -> None:
    assert doubts(read(WHOLE)) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("    ", "\t"),
        lambda text: text.replace("    ", ""),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("    edit 1\n", "--More-- \r         \r    edit 1\n"),
        lambda text: text.replace("config firewall policy", "# a remark\nconfig firewall policy"),
        lambda text: "fw # show\n" + text + "fw # \n",
        lambda text: text.replace('"', ""),
        lambda text: text + "\n\n",
    ],
)
def test_the_way_it_was_taken_does_not_matter(read: Firewall, change: Callable[[str], str]) -> None:
    plain, changed = read(WHOLE), read(change(WHOLE))
    assert doubts(changed) == []
    assert [port.addresses[0].address for port in changed.interfaces.values()] == [
        port.addresses[0].address for port in plain.interfaces.values()
    ]
    assert [(ace.matches, ace.action) for acl in changed.acls.values() for ace in acl.aces] == [
        (ace.matches, ace.action) for acl in plain.acls.values() for ace in acl.aces
    ]


@pytest.mark.parametrize("lines", range(1, WHOLE.count("\n")))
def test_a_configuration_cut_off_is_doubtful(read: Firewall, lines: int) -> None:
    cut = "\n".join(WHOLE.split("\n")[:lines])
    assert doubts(read(cut))


@pytest.mark.parametrize("line", range(1, WHOLE.count("\n") - 1))
def test_a_line_that_is_lost_is_noticed_where_it_holds_the_form(read: Firewall, line: int) -> None:
    lines = WHOLE.split("\n")
    lost = lines.pop(line)
    device = read("\n".join(lines))
    if lost.strip() == "next":  # the end behind it closes the entry, too
        assert [port.name for port in device.interfaces.values()] == ["port1"]
    elif lost.split()[0] in ("config", "edit", "end"):
        assert doubts(device)


def test_a_message_that_looks_like_configuration_is_none(read: Firewall) -> None:
    message = (
        'config system replacemsg admin "pre"\n    set buffer "config firewall policy\n    edit 9\n'
        '        set action accept\n    next\nend\n"\nend\n'
    )
    device = read(WHOLE.replace("config firewall policy", message + "config firewall policy"))
    assert doubts(device) == []
    assert [ace.text for ace in device.acls["policy root"].aces if ace.text.startswith("policy")][-1:] == [
        "policy 1: accept"
    ]
    assert "policy 9: accept" not in {ace.text for ace in device.acls["policy root"].aces}


def test_a_quoted_word_without_end_is_a_doubt(read: Firewall) -> None:
    assert doubts(read(WHOLE.replace('set srcintf "port1"', 'set srcintf "port1')))


@pytest.mark.parametrize(
    "block",
    [
        "config system unheard-of\n    set a b\nend\n",
        "config system interface\n    edit port1\n        set unheard-of b\n    next\nend\n",
        "config firewall policy\n    edit 1\n        set unheard-of b\n    next\nend\n",
        "config firewall policy\n    edit 1\n        abort\n    next\nend\n",
        "config firewall policy\n    edit 1\n        config unheard-of\n"
        "            set a b\n        end\n    next\nend\n",
        "config system settings\n    set opmode transparent\nend\n",
        "config system settings\n    set asymroute enable\nend\n",
        "config system settings\n    set ngfw-mode policy-based\nend\n",
        "config firewall multicast-policy\n    edit 1\n        set action accept\n    next\nend\n",
        "config firewall policy46\n    edit 1\n        set action accept\n    next\nend\n",
        "config vpn ipsec phase1\n    edit 1\n        set remote-gw 1.2.3.4\n    next\nend\n",
        "config web-proxy explicit\n    set status enable\nend\n",
        "config system virtual-wire-pair\n    edit 1\n        set member a b\n    next\nend\n",
        "config firewall policy\n    edit 1\n        set nat46 enable\n    next\nend\n",
        "config firewall policy\n    edit 1\n        set permit-any-host enable\n    next\nend\n",
        "config firewall policy\n    edit 1\n        set action ipsec\n    next\nend\n",
        "config firewall policy\n    move 1 after 99\nend\n",
        "something else\n",
        "edit 1\nnext\n",
        "end\n",
    ],
)
def test_what_is_not_modelled_leaves_a_doubt(read: Firewall, block: str) -> None:
    assert doubts(read(WHOLE + block))


@pytest.mark.parametrize(
    "block",
    [
        "config webfilter profile\n    edit x\n        set anything at all\n    next\nend\n",
        "config log disk setting\n    set status enable\nend\n",
        "config web-proxy explicit\n    set status disable\nend\n",
        "config vpn l2tp\n    set status disable\n    set sip 10.0.0.1\nend\n",
        "config firewall multicast-policy\nend\n",
        "config system settings\n    set asymroute disable\n    set gui-any-option enable\nend\n",
        "config firewall policy46\n    edit 1\n        set status disable\n    next\nend\n",
        "config system unheard-of\nend\n",
        "config firewall DoS-policy\n    edit 1\n        set interface port1\n    next\nend\n",
    ],
)
def test_what_cannot_matter_leaves_none(read: Firewall, block: str) -> None:
    assert doubts(read(WHOLE + block)) == []


def test_the_file_may_be_called_anything() -> None:
    device = VENDOR.read(files(fw1_cfg=WHOLE, notes_txt="taken on Tuesday\n"))
    assert set(device.interfaces) == {"port1"}


@pytest.mark.parametrize(
    "raw", [files(notes_txt="nothing\n"), files(a_cfg=WHOLE, b_cfg=WHOLE)], ids=["none", "two"]
)
def test_no_configuration_or_several_are_refused(raw: RawConfig) -> None:
    with pytest.raises(SnapshotError, match="config"):
        VENDOR.read(raw)


@pytest.mark.parametrize(
    ("text", "claimed"),
    [
        (WHOLE, True),
        (
            "#config-version=FWF60E-6.4.4-FW-build1803-201209:opmode=0:vdom=0\nconfig system global\nend\n",
            True,
        ),
        ("#config-version=FAZVM64-7.0.1-FW-build0157-210714:opmode=0\nconfig system global\nend\n", False),
        ("#config-version=S124DN-7.0.1-FW-build0157-210714:opmode=0\nconfig system global\nend\n", False),
        ("config firewall address\n    edit x\n        set subnet 10.0.0.0/8\n    next\nend\n", True),
        ('config system global\n    set hostname "x"\nend\n', False),
        ("hostname r1\ninterface Ethernet1\n ip address 10.0.0.1/24\nend\n", False),
        ("set deviceconfig system hostname x\n", False),
        ("", False),
    ],
)
def test_only_a_certain_configuration_is_claimed(text: str, claimed: bool) -> None:
    assert bool(VENDOR.claims(files(device_cfg=text))) is claimed


def test_every_secret_line_stays_out_of_what_is_told(read: Firewall) -> None:
    device = read(
        WHOLE + "config user local\n    edit u\n        set passwd ENC SECRETSAMPLE\n    next\nend\n"
    )
    assert "SECRETSAMPLE" not in repr(device)
