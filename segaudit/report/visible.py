"""Text written by devices and policies, made harmless where it is shown."""

from __future__ import annotations

import re

_UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ud800-\udfff\ufffe\uffff"
)
_BLOCK = re.compile(f"[{_UNSEEN}]")
_LINE = re.compile(f"[\t\n{_UNSEEN}]")


def visible(text: str) -> str:
    r"""``text`` in which nothing acts on the display: control and direction characters are spelled out.

    Line breaks and tabs stay. A device may be called ``\x1b[2J`` (erases a terminal) or hold a
    right-to-left override (shows a rule backwards: "Trojan Source", CVE-2021-42574).
    """
    return _BLOCK.sub(_spelled, text)


def visible_line(text: str) -> str:
    """As ``visible``, and on one line, so that a value cannot forge the next line of an output."""
    return _LINE.sub(_spelled, text)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
