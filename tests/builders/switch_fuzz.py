"""Damaged and random configurations of EOS and NX-OS, and what reading one takes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from hypothesis import strategies as st

import segaudit.vendors
from segaudit.errors import SegauditError
from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.parse.vendor import Vendor

NOISE = [
    "\x1b[?2004l", "\r\n", "^C", "!", "\x00", '"', "no", "9" * 4400, "--More--", "\t", "²", "-1",
    "4294967296", "::", "1.2.3.4", "/33", "0.0.0.0", "any", "\u2028", "EOF", "banner motd ^", "end", "exit",
    "vlan 1-4094", "interface", "permit", "1-", ",", "Ethernet1/1-999999", "\udce9",
]  # fmt: skip


def samples(vendor: Vendor) -> list[str]:
    """The vendor's own sample configurations."""
    folder = Path(segaudit.vendors.__file__).parent / vendor.name
    return [
        path.read_text(encoding="utf-8") for path in sorted(folder.glob("samples/*/running-config.txt"))
    ]


def read(vendor: Vendor, text: str) -> Device | None:
    """The device, or ``None`` where it is refused; every line has one fate and a reason."""
    raw = RawConfig("d", vendor.platform.name, (RawFile("devices/d/running-config.txt", text, ""),))
    vendor.claims(raw)
    try:
        device = vendor.read(raw)
    except SegauditError:
        return None
    (tally,) = device.tallies
    assert tally.total == sum(1 for line in text.split("\n") if line.strip())
    for line in device.lines:
        assert 1 <= line.span.first_line <= line.span.last_line <= len(text.split("\n"))
        assert line.reason
    return device


def routed_samples(vendor: Vendor) -> list[tuple[str, str]]:
    """Sample configurations with the routing table that was collected beside them."""
    folder = Path(segaudit.vendors.__file__).parent / vendor.name
    tables = sorted(folder.glob("samples/*/ip-route.txt"))
    return [(path.with_name("running-config.txt").read_text(), path.read_text()) for path in tables]


def read_with_table(vendor: Vendor, config: str, table: str) -> Device:
    """The device of a configuration and a routing table; every line of the table has one fate."""
    texts = {"running-config.txt": config, "ip-route.txt": table}
    files = tuple(RawFile(f"devices/d/{name}", text, "") for name, text in texts.items())
    device = vendor.read(RawConfig("d", vendor.platform.name, files))
    tally = next(one for one in device.tallies if one.file.endswith("ip-route.txt"))
    assert tally.total == sum(1 for line in table.split("\n") if line.strip())
    return device


def mutated(texts: list[str]) -> st.SearchStrategy[str]:
    """Samples with lines and words cut, doubled, moved or replaced."""
    words = sorted({word for text in texts for word in text.split()})
    return st.builds(_mutate, st.sampled_from(texts), st.lists(_change(words), min_size=1, max_size=6))


Change = tuple[str, int, int, str]


def _change(words: list[str]) -> st.SearchStrategy[Change]:
    kinds = st.sampled_from(["cut", "word", "drop", "twice", "indent", "outdent"])
    return st.tuples(kinds, st.integers(0, 10**6), st.integers(0, 12), st.sampled_from([*words, *NOISE]))


def _mutate(text: str, changes: list[Change]) -> str:
    lines = text.split("\n")
    for what, where, place, word in changes:
        at = where % len(lines)
        words = lines[at].split(" ")
        place = min(place, len(words))
        replaced = {
            "cut": [" ".join(words[:place])],
            "word": [" ".join([*words[:place], word, *words[place + 1 :]])],
            "drop": [],
            "twice": [lines[at], lines[at]],
            "indent": [f"  {lines[at]}"],
            "outdent": [lines[at].lstrip()],
        }[what]
        lines[at : at + 1] = replaced
        lines = lines or [""]
    return "\n".join(lines)


def random_lines(texts: list[str]) -> st.SearchStrategy[str]:
    """Lines of the samples' words, of any text, of noise."""
    words = st.sampled_from(sorted({word for text in texts for word in text.split()}) + NOISE)
    line = st.one_of(st.lists(words, max_size=9).map(" ".join), st.text(max_size=30))
    indented = st.tuples(st.sampled_from(["", " ", "  ", "   ", "\t"]), line).map("".join)
    return st.lists(indented, max_size=30).map("\n".join)


def calls(work: Callable[[], object]) -> int:
    """How many Python calls something takes: a measure that no other program disturbs."""
    count = 0

    def counted(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count
