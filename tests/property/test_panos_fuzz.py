"""Whatever a PAN-OS file holds, its reader answers with a device or a SnapshotError, in linear work."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import segaudit.vendors.paloalto_panos
from segaudit.errors import SegauditError
from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.vendors.paloalto_panos import VENDOR
from segaudit.vendors.paloalto_panos.forms import split_words

SAMPLES = Path(segaudit.vendors.paloalto_panos.__file__).parent / "samples"
TEXTS = tuple(path.read_text(encoding="utf-8") for path in sorted(SAMPLES.glob("*/running-config.txt")))
LINES = sorted({line for text in TEXTS for line in text.split("\n")})
NOISE = st.one_of(
    st.sampled_from(LINES),
    st.text(max_size=30),
    st.sampled_from(
        [
            'set address "a',
            "}",
            "{",
            "];",
            "<entry",
            "</config>",
            "--More--",
            "\x1b[K",
            "\ufeff",
            "set",
            '";',
        ]
    ),
)


def read(text: str) -> Device | None:
    try:
        return VENDOR.read(RawConfig("d", "", (RawFile("devices/d/running-config.txt", text, ""),)))
    except SegauditError:
        return None


def counted(device: Device, text: str) -> None:
    """Every line that is not blank has a fate."""
    (tally,) = device.tallies
    assert tally.total == sum(1 for line in text.split("\n") if line.strip())


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TEXTS), st.lists(st.tuples(st.integers(0, 600), NOISE), max_size=6))
def test_a_damaged_sample_never_breaks_the_reader(text: str, noise: list[tuple[int, str]]) -> None:
    lines = text.split("\n")
    for at, line in noise:
        lines[at % len(lines)] = line
    damaged = "\n".join(lines)
    device = read(damaged)
    if device is not None:
        counted(device, damaged)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=300), st.lists(NOISE, max_size=12).map("\n".join)))
def test_any_text_never_breaks_the_reader(text: str) -> None:
    read(text)
    VENDOR.claims(RawConfig("d", "", (RawFile("devices/d/x", text, ""),)))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TEXTS), st.floats(0.01, 0.99))
def test_a_configuration_that_was_cut_inside_is_refused_or_doubtful(text: str, share: float) -> None:
    cut = text[: int(len(text) * share)]
    if text.startswith("set"):
        return
    device = read(cut)
    assert device is None or any(not line.bounded for line in device.lines)


@given(st.text(max_size=80))
def test_words_can_be_split_or_not(text: str) -> None:
    words = split_words(text)
    assert words is None or all(isinstance(word, (str, list)) for word in words)


# ---- work grows with the lines, and no faster ---------------------------------------------------


def steps(text: str) -> int:
    """How many Python function calls reading a text takes."""
    count = 0

    def tracer(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(tracer)
    try:
        read(text)
    finally:
        sys.setprofile(None)
    return count


def as_set(number: int) -> str:
    rule = "set rulebase security rules r{0} {1} x{0}"
    keys = ("from", "to", "source", "destination", "application", "service", "action")
    return "\n".join(rule.format(n, key) for n in range(number) for key in keys)


def as_xml(number: int) -> str:
    entry = '<entry name="a{0}">\n<ip-netmask>10.0.0.1</ip-netmask>\n</entry>'
    body = "\n".join(entry.format(n) for n in range(number))
    return (
        f'<config urldb="paloaltonetworks">\n<shared>\n<address>\n{body}\n</address>\n</shared>\n</config>'
    )


def as_braces(number: int) -> str:
    entry = "a{0} {{\nip-netmask 10.0.0.1;\n}}"
    body = "\n".join(entry.format(n) for n in range(number))
    return f"shared {{\naddress {{\n{body}\n}}\n}}"


def open_quotes(number: int) -> str:
    return "\n".join(f'set address a{n} description "never closed {n}' for n in range(number))


def nested_groups(number: int) -> str:
    groups = "\n".join(f"set address-group g{n} static [ g{n + 1} g{n + 2} ]" for n in range(number))
    return groups + "\n" + as_set(1).replace("source x0", "source g0")


@pytest.mark.parametrize("shape", [as_set, as_xml, as_braces, open_quotes, nested_groups])
def test_twice_the_lines_are_twice_the_work(shape: Callable[[int], str]) -> None:
    once, twice = steps(shape(200)), steps(shape(400))
    assert twice < 2.6 * once
