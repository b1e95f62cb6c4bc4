"""The IOS reader on garbage: nothing but our own errors, one fate a line, linear time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import segaudit.vendors.cisco_ios as ios
from segaudit.errors import SegauditError
from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.parse.indent import tokenise, untokenise
from segaudit.parse.ledger import LineLedger
from segaudit.vendors.cisco_ios import VENDOR
from segaudit.vendors.cisco_ios.extract import extract

if TYPE_CHECKING:
    from _typeshed import TraceFunction

SAMPLES = sorted((Path(ios.__file__).parent / "samples").glob("*/running-config.txt"))
TEXTS = [path.read_text() for path in SAMPLES]
LINES = sorted({line for text in TEXTS for line in text.split("\n")})
WORDS = sorted({word for line in LINES for word in line.split()})

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read(text: str) -> Device | None:
    raw = RawConfig("d", "cisco_ios", (RawFile("devices/d/running-config.txt", text, ""),))
    VENDOR.claims(raw)
    try:
        return VENDOR.read(raw)
    except SegauditError:
        return None


def accounted(text: str) -> None:
    found = read(text)
    if found is not None:
        (tally,) = found.tallies
        assert tally.total == sum(1 for line in text.split("\n") if line.strip())


@FEW
@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    read(text)
    assert untokenise(tokenise(text)) == text


@FEW
@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join), max_size=20), st.integers(0, 3))
def test_shuffled_words_are_read_and_accounted(lines: list[str], indent: int) -> None:
    accounted("\n".join(" " * (number * indent % 4) + line for number, line in enumerate(lines)))


@FEW
@given(st.lists(st.sampled_from(LINES), max_size=60))
def test_shuffled_lines_are_read_and_accounted(lines: list[str]) -> None:
    accounted("\n".join(lines))


@FEW
@given(st.sampled_from(TEXTS), st.integers(0, 6000), st.integers(0, 80), st.text(max_size=8))
def test_a_sample_with_a_piece_cut_out_or_replaced(text: str, start: int, length: int, piece: str) -> None:
    read(text[:start] + piece + text[start + length :])


@pytest.mark.parametrize("text", TEXTS, ids=[path.parent.name for path in SAMPLES])
def test_a_sample_cut_anywhere_is_doubtful_or_refused(text: str) -> None:
    """A configuration that lost its end never reads like a healthy one."""
    lines = text.rstrip("\n").split("\n")
    for count in range(1, len(lines), 7):
        found = read("\n".join(lines[:count]))
        assert found is None or any(not line.bounded for line in found.lines), count


def steps(reader: Callable[[str], object], text: str) -> int:
    """How many lines of Python are run to read ``text``, turns of loops included."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: object) -> TraceFunction:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        reader(text)
    finally:
        sys.settrace(before)
    return count


def extracted(text: str) -> object:
    file = RawFile("devices/d/running-config.txt", text, "")
    return extract(file, LineLedger(file))


@pytest.mark.parametrize(
    ("reader", "line"),
    [
        (read, "access-list 101 permit tcp host 10.{a}.{b}.1 any eq {b}"),
        (read, "interface Vlan{n}\n ip address 10.{a}.{b}.1 255.255.255.0"),
        (read, "! {n}"),
        (read, "wibble {n}"),
        (read, "ip nat inside source static 10.1.{a}.{b} 192.0.2.{b}"),
        (read, "vlan {n}\n name v{n}"),
        (read, "ip route 10.{a}.{b}.0 255.255.255.0 192.0.2.{b}"),
        (extracted, "object-group network G{n}\n host 10.{a}.{b}.1"),
    ],
)
def test_the_work_grows_with_the_lines(reader: Callable[[str], object], line: str) -> None:
    def work(count: int) -> int:
        lines = (line.format(n=n, a=n // 256 % 256, b=n % 256) for n in range(1, count + 1))
        head = "interface Gi0/0\n ip address 192.0.2.1 255.255.255.0\n"
        return steps(reader, head + "\n".join(lines) + "\nend\n")

    work(10)  # what is made once
    small, large = work(100), work(800)
    assert large < 10 * small, (small, large)
