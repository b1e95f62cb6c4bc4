"""Whatever a FortiGate sends, its reader answers with a device or one of our errors, in linear time."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

import segaudit.vendors.fortinet_fortios
from segaudit.errors import SegauditError
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.parse.edit_tree import Node, Setting, edit_tree, table
from segaudit.vendors.fortinet_fortios import VENDOR

SAMPLES = Path(segaudit.vendors.fortinet_fortios.__file__).parent / "samples"
TEXTS = [
    (folder / "running-config.txt").read_text(encoding="utf-8")
    for folder in sorted(SAMPLES.iterdir())
    if folder.is_dir()
]
WORDS = st.sampled_from([
    '"', "'", "\\", "config", "edit", "set", "next", "end", "config vdom", "config global",
    "edit root", "move 1 after 2", "delete 1", "rename a to b", "clone 1 to 2", "purge",
    "append member", "unset", "select interface x", "config firewall policy",
    "config system interface", "set ip 1.2.3.4", "set ip 999.1.1.1 255.0.255.0", "set member all all",
    "set vlanid 99999", "set vdom nowhere", "set tcp-portrange 9-1:x", "set subnet ::/0",
    "set action ipsec", "set extip 9.9.9.9-1.1.1.1", "set mappedport 0", "set distance x", "--More--",
    "\x00", "\u2028", "set dst 1.1.1.1/99", "set protocol-number 999", "set icmptype x",
    "set remote-ip", "set type", "set allowaccess q",
])  # fmt: skip


def read(text: str) -> None:
    file = RawFile(
        "devices/fw/running-config.txt", text, sha256(text.encode("utf-8", "replace")).hexdigest()
    )
    raw = RawConfig("fw", "fortinet_fortios", (file,))
    VENDOR.claims(raw)
    try:
        device = VENDOR.read(raw)
    except SegauditError:
        return
    (tally,) = device.tallies
    assert tally.total == sum(1 for line in text.split("\n") if line.strip())
    lines = len(text.split("\n"))
    assert all(1 <= line.span.first_line <= line.span.last_line <= lines for line in device.lines)


@given(st.sampled_from(TEXTS), st.data())
@settings(deadline=None)
def test_a_damaged_configuration_is_read_or_refused(text: str, data: st.DataObject) -> None:
    lines = text.split("\n")
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["drop", "double", "word", "cut", "swap"])):
            case "drop":
                del lines[at]
                lines = lines or [""]
            case "double":
                lines.insert(at, lines[at])
            case "word":
                lines.insert(at, data.draw(WORDS))
            case "cut":
                lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
            case "swap":
                other = data.draw(st.integers(0, len(lines) - 1))
                lines[at], lines[other] = lines[other], lines[at]
    read("\n".join(lines))


@given(st.lists(st.one_of(WORDS, st.text(max_size=12)), max_size=40))
@settings(deadline=None)
def test_any_words_are_read_or_refused(words: list[str]) -> None:
    read("\n".join(words))


def items_of(node: Node) -> int:
    return sum(1 if isinstance(item, Setting) else 1 + items_of(item) for item in node.items)


@given(st.lists(st.one_of(WORDS, st.text(max_size=20)), max_size=60))
@settings(deadline=None)
def test_every_line_lies_in_one_place_of_the_tree(words: list[str]) -> None:
    """No more nodes and settings than lines, each after the one before and inside what holds it."""
    text = "\n".join(words)
    root = edit_tree(text)
    assert items_of(root) <= len(text.split("\n"))
    check_order(root)
    table(root.nodes("config"))


def check_order(node: Node) -> None:
    last = node.first - 1
    for item in node.items:
        assert item.first > last - (item.first == node.first)
        assert item.first <= item.last <= node.last
        last = item.last
        if isinstance(item, Node):
            check_order(item)


def steps(text: str) -> int:
    """How many pieces of text the tokeniser looks at, counted by a stand-in for its expressions."""
    from segaudit.parse import edit_tree as module

    counted = 0

    class Counting:
        def __init__(self, pattern: object) -> None:
            self.pattern = pattern

        def match(self, line: str, at: int) -> object:
            nonlocal counted
            counted += 1
            return self.pattern.match(line, at)  # type: ignore[attr-defined]

    tokens, inside = module._TOKENS, module._INSIDE
    module._TOKENS = Counting(tokens)  # type: ignore[assignment]
    module._INSIDE = {quote: Counting(one) for quote, one in inside.items()}  # type: ignore[misc]
    try:
        edit_tree(text)
    finally:
        module._TOKENS, module._INSIDE = tokens, inside
    return counted


def test_the_work_grows_with_the_text_alone() -> None:
    for piece in (
        'set a "x\n',
        "set a 'x\n",
        'set a "x" \\\n',
        "config a\nedit b\n",
        'set a "\\\n',
        "set it's\n",
    ):
        small, large = steps(piece * 200), steps(piece * 2000)
        assert large <= 12 * small + 100, piece
