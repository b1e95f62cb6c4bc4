"""What a terminal leaves in a device's output, taken out without moving a line."""

from __future__ import annotations

import re

# ECMA-48: CSI sequences (bracketed paste among them), OSC strings, two-character escapes.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -/]*[0-Z\\^-~])")
_CONTROLS = re.compile(r"[\x00\x07\x08\x0e\x0f\x7f\ufeff]")


def without_terminal_codes(text: str) -> str:
    """``text`` without escape sequences, stray controls and carriage returns at line ends.

    The number of lines and the order of all other characters stay as they were.
    """
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    return _CONTROLS.sub("", text.replace("\r\n", "\n"))


def is_blank(line: str) -> bool:
    """True where nothing but white space and terminal codes stands on ``line``."""
    return not without_terminal_codes(line).strip()
