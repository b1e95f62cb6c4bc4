"""Commands that a device's own answer gives rise to: as few as help, and never the device's own words."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segaudit.collect.commands import refuse_unless_read_only
from segaudit.model.snapshot import Platform, RawFile, ShowCommand
from segaudit.parse import platforms

PLATFORMS = tuple(platforms().values())
LINUX = platforms()["linux"]
QDISC = "tc-qdisc.json"


def _file(name: str, text: str, status: int | None = 0) -> RawFile:
    return RawFile(f"devices/r1/{name}", text, "", exit_status=status)


def _root(interface: object, kind: object = "fq_codel", **more: object) -> dict[str, object]:
    return {"kind": kind, "handle": "0:", "dev": interface, "root": True, "refcnt": 2, "options": {}} | more


def _asked(entries: object, status: int | None = 0) -> list[str]:
    return [command.command for command in LINUX.follow_ups([_file(QDISC, json.dumps(entries), status)])]


def _filters(*interfaces: str) -> list[str]:
    return [f"tc -j -p filter show dev {name}" for name in interfaces]


# ---- what Linux asks


@pytest.mark.parametrize("kind", ["fq_codel", "fq_pie", "sfq", "cake"])
def test_the_filters_of_a_root_that_is_harmless_without_any(kind: str) -> None:
    files = [_file("hostname.txt", "r1\n"), _file(QDISC, json.dumps([_root("eth0", kind)]))]
    assert LINUX.follow_ups(files) == (
        ShowCommand("tc-filter-eth0.json", "tc -j -p filter show dev eth0", optional=True),
    )


def test_nothing_is_asked_that_changes_nothing() -> None:
    """Without filters (veth, multi-queue cards), or doubtful whatever is listed."""
    harmless = [_root("lo", "noqueue"), _root("eth1", "mq"), _root("eth2", "pfifo_fast")]
    child = {"kind": "fq_codel", "handle": "0:", "dev": "eth1", "parent": ":1", "options": {}}
    hook = {"kind": "clsact", "handle": "ffff:", "dev": "eth3", "parent": "ffff:fff1", "options": {}}
    assert _asked([*harmless, child, hook, _root("eth3", "htb")]) == []


def test_interfaces_are_asked_once_and_in_order() -> None:
    entries = [_root(name) for name in ("eth1", "br-1a2b.100", "eth0", "eth1", "_x")]
    assert _asked(entries) == _filters("_x", "br-1a2b.100", "eth0", "eth1")


def test_a_listing_that_failed_or_is_missing_gives_rise_to_nothing() -> None:
    assert _asked([_root("eth0")], status=1) == []
    assert LINUX.follow_ups([]) == ()


# ---- what a hostile device gets out of it


@pytest.mark.parametrize(
    "name",
    [
        *("eth0; reboot", "eth0\nreboot", "eth0 ", "$(reboot)", "`reboot`", "a|sh", "a>b", "a&b", "a*"),
        *("'", '"', "eth0'", "\\", "a\x00", "a\x1b[2J", "größe", "\u0661", "eth0\u2028", "eth 0"),
        *("-batch", "--", "..", ".", "../x", "a/b", "", "a234567890123456", "{eth0,eth1}", "~", "#", "!"),
        *(None, 1, True, ["eth0"], {"eth0": 1}),
    ],
)
def test_a_name_that_is_more_than_a_plain_word_is_never_asked_for(name: object) -> None:
    assert _asked([_root(name), _root("eth0")]) == _filters("eth0")


@pytest.mark.parametrize("kind", [["fq_codel"], {"fq_codel": 1}, None, 1, "fq_codel ", ""])
def test_a_kind_that_is_no_known_word_gives_rise_to_nothing(kind: object) -> None:
    assert _asked([_root("eth0", kind)]) == []


NESTED = "[" * 200_000
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["fq_codel", "eth0", "root"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["kind", "dev", "root", "x"]), inner),
    max_leaves=20,
)
NAMES = st.text() | st.from_regex(r"[a-z0-9_.@:;$ -]{1,18}", fullmatch=True)
LISTINGS = JSON | st.lists(NAMES).map(lambda names: [_root(name) for name in names])


def _answers(platform: Platform, text: str) -> Iterable[RawFile]:
    return [_file(command.file, text) for command in platform.commands]


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
@given(text=LISTINGS.map(json.dumps) | st.text())
@example(text=NESTED)
@example(text=f"[{'9' * 5000}]")
@example(text="[NaN")
@settings(max_examples=300, deadline=None)
def test_whatever_a_device_answers_its_follow_ups_only_read(platform: Platform, text: str) -> None:
    """Each also writes a file of its own, inside the device's folder."""
    follow_ups = platform.follow_ups([*_answers(platform, text)])
    for command in follow_ups:
        refuse_unless_read_only(command)
        assert not {"/", "\\", "\0"} & set(command.file)
        assert not command.file.startswith(".")
    files = [command.file for command in (*platform.commands, *follow_ups)]
    assert len(set(files)) == len(files)
