"""XML, set form and braces of one configuration are one tree; what is no part of them is noticed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import segaudit.vendors.paloalto_panos
from segaudit.errors import SnapshotError
from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.model.source import AccountedLine
from segaudit.vendors.paloalto_panos import VENDOR
from segaudit.vendors.paloalto_panos.forms import split_words

SAMPLES = Path(segaudit.vendors.paloalto_panos.__file__).parent / "samples"


def read(text: str, *more: tuple[str, str]) -> Device:
    files = (("running-config.txt", text), *more)
    return VENDOR.read(RawConfig("d", "", tuple(RawFile(f"devices/d/{n}", t, "") for n, t in files)))


def doubts(device: Device) -> list[AccountedLine]:
    return [line for line in device.lines if not line.bounded]


def sample(name: str) -> str:
    return (SAMPLES / name / "running-config.txt").read_text(encoding="utf-8")


def without_places(device: Device) -> dict[str, object]:
    """What a device is, but for where it was read."""
    return {
        "interfaces": {
            name: replace(
                port, span=None, addresses=tuple(replace(one, span=None) for one in port.addresses)
            )
            for name, port in device.interfaces.items()
        },
        "routes": [replace(route, span=None) for route in device.routes],
        "rules": [replace(rule, span=None) for rule in device.rules],
        "acls": {
            name: (acl.default, [(ace.matches, ace.action, ace.text) for ace in acl.aces])
            for name, acl in device.acls.items()
        },
        "attachments": device.attachments,
        "services": device.services,
        "fate": device.shared_fate,
    }


def test_the_three_forms_are_one_model() -> None:
    xml, commands, braces = (read(sample(name)) for name in ("branch-xml", "branch-set", "branch"))
    assert without_places(xml) == without_places(commands) == without_places(braces)
    assert not doubts(xml) + doubts(commands) + doubts(braces)


def test_carriage_returns_tabs_and_paging_change_nothing() -> None:
    braces = sample("branch")
    noisy = braces.replace("\n", "\r\n").replace("      ", "\t")
    assert without_places(read(noisy)) == without_places(read(braces))


def test_a_pager_left_in_the_text_is_a_doubt() -> None:
    lines = sample("branch").split("\n")
    device = read("\n".join([*lines[:20], "--More--", *lines[20:]]))
    assert [line.text for line in doubts(device)] == ["--More--"]


def test_prompts_and_comments_are_no_configuration() -> None:
    text = "admin@fw> show config merged\n# saved today\nshared {\n}\n\nadmin@fw(active)>\n"
    device = read(text)
    assert [line.fate for line in device.lines] == ["ignored"] * 3
    commands = read(
        "!RANCID-CONTENT-TYPE: paloalto\nset deviceconfig system hostname d\n[edit]\nadmin@fw#\n"
    )
    assert not doubts(commands)


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
def test_braces_that_do_not_close_are_a_doubt(cut: float) -> None:
    text = sample("branch")
    assert doubts(read(text[: int(len(text) * cut)]))


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
def test_xml_that_is_cut_is_refused(cut: float) -> None:
    text = sample("branch-xml")
    with pytest.raises(SnapshotError, match="not well-formed"):
        read(text[: int(len(text) * cut)])


def test_a_closing_brace_too_many_is_a_doubt() -> None:
    assert doubts(read("shared {\n}\n}\n"))


def test_no_configuration_and_two_are_refused() -> None:
    with pytest.raises(SnapshotError, match="empty"):
        read("\n")
    twice = [RawFile(f"devices/d/{n}", "set deviceconfig system hostname d\n", "") for n in ("a", "b")]
    with pytest.raises(SnapshotError, match="several"):
        VENDOR.read(RawConfig("d", "", tuple(twice)))
    with pytest.raises(SnapshotError, match="no PAN-OS"):
        VENDOR.read(RawConfig("d", "", (RawFile("devices/d/x", "hostname r1\n", ""),)))


def test_a_failed_command_is_refused() -> None:
    file = RawFile("devices/d/running-config.txt", "Invalid syntax.", "", exit_status=1)
    with pytest.raises(SnapshotError, match="exit status 1"):
        VENDOR.read(RawConfig("d", "", (file,)))


# ---- set commands -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b c", ["a", "b", "c"]),
        ('a "b c" d', ["a", "b c", "d"]),
        ("a 'b c'", ["a", "b c"]),
        ("a [ b c ]", ["a", ["b", "c"]]),
        ('a [ b "c d" e]', ["a", ["b", "c d", "e"]]),
        ("a [ ]", ["a", []]),
        ('rules r description "with a " inside"', ["rules", "r", "description", 'with a " inside']),
        ('rules r description "[it]', ["rules", "r", "description", '"[it]']),
        ("address-group location static [ a b ]", ["address-group", "location", "static", ["a", "b"]]),
        ('address-group location static "a b"', ["address-group", "location", "static", "a b"]),
        ("a [ b", None),
        ("a b ]", ["a", "b", "]"]),
        ('a "b" ]', None),
        ("a [ b [ c ]", None),
        ('a "b', None),
    ],
)
def test_words_of_a_command(text: str, words: list[object] | None) -> None:
    assert split_words(text) == words


def test_the_last_of_two_single_values_counts() -> None:
    text = "set network interface ethernet ethernet1/1 link-state down\n"
    assert not read(text).interfaces["ethernet1/1"].enabled
    assert read(text + text.replace("down", "up")).interfaces["ethernet1/1"].enabled


def test_delete_takes_back_what_was_set() -> None:
    rule = "set rulebase security rules r1 from any\n"
    device = read(rule + "delete rulebase security rules r1\n")
    assert "r1" not in " ".join(ace.text for ace in device.acls["security policy of vsys1"].aces)
    assert not doubts(device)
    assert [line.reason for line in device.lines] == ["deleted further below"]


def test_delete_takes_members_out_of_a_list() -> None:
    text = "set network virtual-router vr interface [ a b c ]\n"
    assert set(read(text).interfaces) == {"a", "b", "c"}
    assert set(read(text + "delete network virtual-router vr interface [ a c ]\n").interfaces) == {"b"}
    assert set(read(text + "delete network virtual-router vr interface a\n").interfaces) == {"b", "c"}
    nothing = read(text + "delete network virtual-router vr interface z\n")
    assert [line.reason for line in nothing.lines if line.fate == "ignored"] == [
        "deletes what is not there"
    ]


@pytest.mark.parametrize(
    ("move", "order"),
    [("c top", "c a b"), ("a bottom", "b c a"), ("c before b", "a c b"), ("a after b", "b a c")],
)
def test_move_changes_the_order_of_rules(move: str, order: str) -> None:
    name, place = move.split(" ", 1)
    text = "".join(f"set rulebase security rules {one} action allow\n" for one in "abc")
    device = read(text + f"move rulebase security rules {name} {place}\n")
    texts = [ace.text for ace in device.acls["security policy of vsys1"].aces[:3]]
    assert [one.split()[2].rstrip(":") for one in texts] == order.split()
    assert not doubts(device)


@pytest.mark.parametrize(
    "line",
    [
        "move rulebase security rules z top",
        "move rulebase security rules a before z",
        "rename rulebase security rules a to b",
        "copy rulebase security rules a to b",
        "load config from other.xml",
        'set address "a ip-netmask 10.0.0.1',
        "set zone z network layer3 [ ethernet1/1",
        "set [ a b ] c",
        "not a command",
    ],
)
def test_commands_whose_effect_is_unknown_are_doubts(line: str) -> None:
    device = read(f"set rulebase security rules a action allow\n{line}\n")
    assert [one.span.first_line for one in doubts(device)] == [2]


def test_a_quoted_text_over_lines_hides_no_command() -> None:
    text = 'set tag t comments "first\nsecond"\nset address a ip-netmask 10.0.0.1\n'
    assert not doubts(read(text))
    swallowing = (
        'set tag t comments "never closed\nset address a ip-netmask 10.0.0.1\nset tag u comments "x"\n'
    )
    device = read(swallowing)
    assert "a" not in {line.text for line in device.lines if line.fate == "unrecognized"}
    assert any("set address a" in line.text and line.fate == "ignored" for line in device.lines)


# ---- braces and XML -----------------------------------------------------------------------------


def test_a_value_over_lines_is_one_value() -> None:
    text = "mgt-config {\nusers {\na {\npublic-key c3NoLXJz\nYSBBQUFB\nQg==;\n}\n}\n}\n"
    device = read(text)
    assert not doubts(device)
    assert [one.kind for one in device.shared_fate] == ["user", "user-key"]


def test_a_banner_that_looks_like_configuration_is_a_doubt_and_no_rule() -> None:
    banner = 'login-banner "welcome\nrulebase {\nset address x\n}";\n'
    device = read("deviceconfig {\nsystem {\n" + banner + "}\n}\n")
    assert doubts(device)


def test_two_entries_of_one_name_are_a_doubt() -> None:
    rule = '<rulebase><security><rules><entry name="r"><source><member>a</member></source></entry></rules>'
    entry = '<entry name="a">\n<ip-netmask>10.0.0.{}</ip-netmask>\n</entry>\n'
    text = (
        '<config><devices><entry name="localhost.localdomain"><vsys><entry name="vsys1">'
        f"{rule}</security></rulebase><address>\n{entry.format(1)}{entry.format(2)}</address>"
        "</entry></vsys></entry></devices></config>"
    )
    assert "stands twice: which one counts is not known" in {line.reason for line in doubts(read(text))}
    assert not doubts(read(text.replace(entry.format(2), "")))


def test_a_document_type_is_refused() -> None:
    with pytest.raises(SnapshotError, match="document type"):
        read('<?xml version="1.0"?>\n<!DOCTYPE config [<!ENTITY a "b">]>\n<config><shared/></config>')


def test_characters_of_no_encoding_are_read_or_refused() -> None:
    assert read('set tag t comments "caf\udce9 \u2028 x"\nset deviceconfig system hostname d\n')
    with pytest.raises(SnapshotError, match="no Unicode"):
        read("<config><shared><tag>\udce9</tag></shared></config>")


def test_several_devices_in_one_file_are_a_doubt() -> None:
    entry = '<entry name="{}"><network/></entry>'
    text = f"<config><devices>{entry.format('a')}{entry.format('b')}</devices></config>"
    assert doubts(read(text))
