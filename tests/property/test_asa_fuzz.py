"""Whatever text an ASA's configuration is, it is read or refused; a damaged one never reads like less."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import segaudit.vendors.cisco_asa
from segaudit.errors import SegauditError
from segaudit.model.acl import Forwarding
from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.vendors.cisco_asa import VENDOR

SAMPLES = sorted(Path(segaudit.vendors.cisco_asa.__file__).parent.glob("samples/*/running-config.txt"))
TEXTS = [path.read_text(encoding="utf-8") for path in SAMPLES]
WORDS = sorted({word for text in TEXTS for word in text.split()})
NOISE = st.sampled_from(
    ["\x1b[?2004l", "\r\n", "^C", "!", "\x00", '"', "no", "9" * 4400, "<--- More --->", "\t", "\udce9",
     "²", "-1", "4294967296", "::", "1.2.3.4", "/33", "0.0.0.0", "object-group", "any", "\u2028"]
)  # fmt: skip


def read(text: str) -> Device | None:
    """The device, or ``None`` where it is refused; every line has one fate."""
    raw = RawConfig("fw", "", (RawFile("devices/fw/running-config.txt", text, ""),))
    VENDOR.claims(raw)
    try:
        device = VENDOR.read(raw)
    except SegauditError:
        return None
    [tally] = device.tallies
    assert tally.total == sum(1 for line in text.split("\n") if line.strip())
    for line in device.lines:
        assert 1 <= line.span.first_line <= line.span.last_line <= len(text.split("\n"))
        assert line.reason
    return device


@given(st.sampled_from(TEXTS), st.data())
@settings(max_examples=150, deadline=None)
def test_mutated_samples_are_read_or_refused(text: str, data: st.DataObject) -> None:
    lines = text.split("\n")
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(lines) - 1))
        words = lines[at].split(" ")
        place = data.draw(st.integers(0, len(words)))
        what = data.draw(st.sampled_from(["cut", "word", "noise", "drop", "twice", "indent"]))
        if what == "cut":
            lines[at] = " ".join(words[:place])
        elif what in ("word", "noise"):
            new = data.draw(st.sampled_from(WORDS) if what == "word" else NOISE)
            lines[at] = " ".join([*words[:place], new, *words[place + 1 :]])
        elif what == "drop":
            lines[at] = ""
        else:
            lines.insert(at, lines[at] if what == "twice" else " " + lines[at])
    read("\n".join(lines))


@given(
    st.lists(
        st.one_of(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join), st.text(max_size=30), NOISE)
    )
)
@settings(max_examples=150, deadline=None)
def test_random_lines_are_read_or_refused(lines: list[str]) -> None:
    read("ASA Version 9.16(4)\n" + "\n".join(lines))


@given(st.sampled_from(TEXTS), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_a_configuration_cut_anywhere_is_refused_or_doubtful(text: str, where: int) -> None:
    cut = text[: where % (len(text) - len(": end") - 1)]
    device = read(cut)
    assert device is None or any(not line.bounded for line in device.lines)


@given(st.sampled_from(TEXTS), st.data())
@settings(max_examples=80, deadline=None)
def test_a_rule_that_is_spoiled_is_still_a_rule(text: str, data: st.DataObject) -> None:
    """A word of a permit that becomes unreadable leaves a permit that matches perhaps, in its place."""
    lines = text.split("\n")
    rules = [at for at, line in enumerate(lines) if line.startswith("access-list") and " permit " in line]
    at = data.draw(st.sampled_from([at for at in rules if "standard" not in lines[at]]))
    name = lines[at].split()[1]
    words = lines[at].split()
    spoiled = data.draw(st.integers(words.index("permit") + 1, len(words) - 1))
    lines[at] = " ".join([*words[:spoiled], "%%", *words[spoiled + 1 :]])
    before, after = read(text), read("\n".join(lines))
    assert before is not None
    assert after is not None
    more = len(after.acls[name].aces) - len(before.acls[name].aces)
    assert more == 0 or (more == 1 and "inactive" in words)
    ace = next((one for one in after.acls[name].aces if one.span and one.span.first_line == at + 1), None)
    assert ace is not None or "inactive" in words
    assert ace is None or ace.action is Forwarding.ACCEPT
    told = [line for line in after.lines if line.span.first_line == at + 1]
    assert told or ace is None or "log" in words


STATE = {
    name: (SAMPLES[0].parents[1] / "core-fw" / name).read_text(encoding="utf-8")
    for name in ("running-config.txt", "show-route.txt", "show-arp.txt")
}


@given(
    st.sampled_from(["show-route.txt", "show-arp.txt"]),
    st.integers(0, 2000),
    st.one_of(NOISE, st.text(max_size=9)),
)
@settings(max_examples=150, deadline=None)
def test_damaged_state_is_read_or_not_used(name: str, at: int, new: str) -> None:
    text = STATE[name]
    at %= len(text)
    changed = STATE | {name: text[:at] + new + text[at + 3 :]}
    files = tuple(RawFile(f"devices/fw/{file}", content, "") for file, content in changed.items())
    device = VENDOR.read(RawConfig("fw", "", files))
    totals = {tally.file: tally.total for tally in device.tallies}
    assert totals == {one.path: sum(1 for line in one.text.split("\n") if line.strip()) for one in files}


def calls(text: str) -> int:
    """How many Python calls reading takes: a measure of work that no other program disturbs."""
    count = 0

    def counted(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(counted)
    try:
        read(text)
    finally:
        sys.setprofile(None)
    return count


def repeated(size: int) -> str:
    """A configuration of every kind of line that may come in thousands."""
    lines = ["ASA Version 9.16(4)"]
    for at in range(size):
        lines += [f"object network h{at}", f" host 10.0.{at // 250}.{at % 250}"]
        lines += [f"access-list a extended permit tcp object h{at} object-group all eq {at}"]
        lines += [
            f"route inside 10.{at // 250}.{at % 250}.0 255.255.255.0 10.0.0.1",
            f"name 10.9.0.1 n{at}",
        ]
    lines += ["object-group network all", *(f" network-object object h{at}" for at in range(size))]
    lines += [f"nat (inside,outside) source dynamic h{at} interface" for at in range(size // 20)]
    return "\n".join([*lines, ": end"])


@pytest.mark.parametrize(
    "extra", ["", "interface GigabitEthernet0/0\n nameif inside\n ip address 10.0.0.2 255.0.0.0\n"]
)
def test_the_work_grows_with_the_lines_and_no_faster(extra: str) -> None:
    small, large = calls(extra + repeated(200)), calls(extra + repeated(800))
    assert large < 4.6 * small
