"""Whatever stands in a Junos configuration: a device or a SnapshotError, in linear time."""

from __future__ import annotations

from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

import segaudit.vendors.juniper_junos
from segaudit.errors import SegauditError
from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.parse.braces import read_braces
from segaudit.parse.word_tree import Tree
from segaudit.vendors.juniper_junos import VENDOR

SAMPLES = [
    path.read_text(encoding="utf-8")
    for path in sorted((Path(segaudit.vendors.juniper_junos.__file__).parent / "samples").glob("*/*.txt"))
]
PIECES = [
    *sorted({word for text in SAMPLES for word in text.split()}),
    "<*>",
    "[",
    "]",
    "}",
    "{",
    ";",
    '"',
    "/*",
    "*/",
    "#",
]

texts = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from(PIECES), max_size=60).map(" ".join),
    st.lists(
        st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map(
            lambda words: "set " + " ".join(words)
        ),
        max_size=30,
    ).map("\n".join),
)


def read(text: str) -> Device | None:
    try:
        return VENDOR.read(
            RawConfig("d", "juniper_junos", (RawFile("devices/d/running-config.txt", text, ""),))
        )
    except SegauditError:
        return None


@given(texts)
@example("set groups <*> <*> <*>\nset apply-groups <*>")
@example("set interfaces interface-range r member-range a9999999999 to a99999999999")
@example('set firewall filter F term t from tcp-flags "((((((((((("')
@example("set a\ndeactivate a\ndelete a\nset a")
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    device = read(text)
    if device is not None:
        (tally,) = device.tallies
        assert (
            tally.total == sum(1 for line in text.replace("\r\n", "\n").split("\n") if line.strip())
            or not text.isprintable()
        )


@given(st.sampled_from(SAMPLES), st.data())
@settings(max_examples=120, deadline=None)
def test_a_sample_with_words_changed_is_read_or_refused(text: str, data: st.DataObject) -> None:
    lines = text.split("\n")
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(("drop", "twice", "word", "cut"))):
            case "drop":
                lines[at] = ""
            case "twice":
                lines.insert(at, lines[at])
            case "word":
                words = lines[at].split() or [""]
                words[data.draw(st.integers(0, len(words) - 1))] = data.draw(st.sampled_from(PIECES))
                lines[at] = " ".join(words)
            case _:
                lines = lines[: at + 1]
    read("\n".join(lines))


@given(texts)
@settings(max_examples=150, deadline=None)
def test_every_line_that_is_not_blank_ends_up_somewhere(text: str) -> None:
    tree = Tree()
    read_braces(tree, text)
    found = {number for node in tree.root.walk() for number in node.lines}
    found |= set(tree.punctuation)
    found |= {number for number, _ in (*tree.remarks, *tree.problems)}
    lines = {number for number, line in enumerate(text.split("\n"), start=1) if line.strip()}
    assert lines <= found


def steps(text: str) -> int:
    """How many nodes and lists a text becomes: what reading it costs."""
    tree = Tree()
    read_braces(tree, text)
    return sum(1 for _ in tree.root.walk()) + len(tree.remarks) + len(tree.problems) + len(tree.punctuation)


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=40).map(" ".join))
@settings(max_examples=60, deadline=None)
def test_what_is_read_twice_costs_no_more_than_twice(text: str) -> None:
    assert steps(f"{text}\n{text}") <= 2 * steps(text) + 2 * len(text.split()) + 8
