"""The indent tokeniser keeps every byte and the tree keeps every line, whatever it is given."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from segaudit.parse.indent import banner, blocks, tokenise, untokenise, walk
from segaudit.parse.terminal import without_terminal_codes

CONFIG_LINES = st.lists(
    st.builds(
        lambda indent, text, ending: indent + text + ending,
        st.text(" \t", max_size=6),
        st.sampled_from(["", "!", "interface eth1", "exit", "banner motd ^C", "^C", "a b c", "#"]),
        st.sampled_from(["\n", "\r\n", "  \n", "\r\r\n"]),
    )
)
CONFIGS = st.one_of(st.text(), CONFIG_LINES.map("".join))


@given(CONFIGS)
def test_text_comes_back_byte_for_byte(text: str) -> None:
    assert untokenise(tokenise(text)) == text


@given(CONFIGS)
def test_lines_are_numbered_by_line_feeds(text: str) -> None:
    lines = tokenise(text)
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert len(lines) == text.count("\n") + (not text.endswith("\n") and text != "")


@given(CONFIGS)
def test_every_non_blank_line_is_in_the_tree_once(text: str) -> None:
    lines = tokenise(text)
    tree = blocks(lines, banner)
    heads = [block.number for block in walk(tree)]
    quoted = [line.number for block in walk(tree) for line in block.literal]
    assert sorted(heads + [number for number in quoted if lines[number - 1].text]) == [
        line.number for line in lines if line.text
    ]


@given(CONFIGS)
def test_children_are_indented_more_and_inside_their_block(text: str) -> None:
    for block in walk(blocks(tokenise(text))):
        for child in block.children:
            if not child.line.is_comment:
                assert child.line.width > block.line.width
                assert block.number < child.number <= child.last_number <= block.last_number


@given(st.text())
def test_cleaning_moves_no_line(text: str) -> None:
    clean = without_terminal_codes(text)
    assert clean.count("\n") == text.count("\n")
    assert without_terminal_codes(clean) == clean or "\x1b" in clean
