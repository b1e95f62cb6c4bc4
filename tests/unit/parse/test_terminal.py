from __future__ import annotations

import pytest

from segaudit.parse.terminal import is_blank, without_terminal_codes


@pytest.mark.parametrize(
    ("noisy", "clean"),
    [
        ("\x1b[?2004l[ ]\r\n", "[ ]\n"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\ufeff{\n}", "{\n}"),
        ("a\x00b\x07c", "abc"),
        ("plain\ttext\n", "plain\ttext\n"),
    ],
)
def test_codes_go_and_text_stays(noisy: str, clean: str) -> None:
    assert without_terminal_codes(noisy) == clean


def test_the_number_of_lines_stays() -> None:
    noisy = "a\x1b[?2004l\r\n\x1b[?2004h\r\nb\x1b]0;x\n"
    assert without_terminal_codes(noisy).count("\n") == noisy.count("\n")


def test_blank() -> None:
    assert is_blank(" \x1b[?2004l\r")
    assert not is_blank(" x ")
