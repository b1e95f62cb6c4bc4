"""config/edit/next/end: quotes, strings over lines, what is missing, and what commands do."""

from __future__ import annotations

import pytest

from segaudit.parse.edit_tree import Node, Setting, edit_tree, settings_of, table


def only(text: str) -> Node:
    (node,) = edit_tree(text).nodes("config")
    return node


def words(line: str) -> tuple[str, ...]:
    (setting,) = edit_tree(line).items
    assert isinstance(setting, Setting)
    return setting.words


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("set a b c", ("a", "b", "c")),
        ('set a "b c" "d"', ("a", "b c", "d")),
        ('set a ""', ("a", "")),
        ("set a ''", ("a", "")),
        ('set a "say \\"hi\\""', ("a", 'say "hi"')),
        ('set a "back\\\\slash"', ("a", "back\\slash")),
        ("set a 'single \"quoted\" \\ text'", ("a", 'single "quoted" \\ text')),
        ('set a "new"_name', ("a", "new_name")),
        ("set a it\\'s", ("a", "it's")),
        ('set\ta\t"b"', ("a", "b")),
        ('set a "b"  "c d"   e', ("a", "b", "c d", "e")),
        ('set a "b""c"', ("a", "bc")),
        ('set a b"c d"e', ("a", "bc de")),
    ],
)
def test_words_are_split_as_the_device_does(line: str, expected: tuple[str, ...]) -> None:
    assert words(line) == expected


def test_a_quoted_word_may_go_on_over_lines() -> None:
    node = only(
        'config x\n    set key "-----BEGIN\nconfig firewall policy\nend\n-----END"\n    set after 1\nend'
    )
    key, after = node.items
    assert isinstance(key, Setting)
    assert isinstance(after, Setting)
    assert key.words == ("key", "-----BEGIN\nconfig firewall policy\nend\n-----END")
    assert (key.first, key.last) == (2, 5)
    assert (after.first, after.last) == (6, 6)
    assert node.closed
    assert node.last == 7


def test_a_line_may_be_continued_by_a_backslash() -> None:
    (setting,) = edit_tree('set buffer "one\\\ntwo" three').items
    assert isinstance(setting, Setting)
    assert setting.words == ("buffer", "onetwo", "three")


def test_a_quoted_word_without_end_leaves_what_is_open_without_end() -> None:
    node = only('config x\n    edit 1\n        set key "no end\n    next\nend\n')
    assert not node.closed
    assert not next(node.nodes("edit")).closed


def test_end_closes_an_entry_too() -> None:
    root = edit_tree("config a\nedit 1\nset x y\nend\nconfig b\nend\n")
    assert [(node.path, node.closed) for node in root.nodes("config")] == [("a", True), ("b", True)]


def test_what_is_cut_off_is_not_closed() -> None:
    assert not only("config a\n    edit 1\n        set x y\n").closed


def test_an_entry_without_next_is_not_closed() -> None:
    first, second = only("config a\nedit 1\nset x y\nedit 2\nnext\nend\n").nodes("edit")
    assert not first.closed
    assert second.closed


def test_ends_without_a_beginning_stay_where_they_stand() -> None:
    stray = [item.verb for item in edit_tree("next\nend\n").items if isinstance(item, Setting)]
    assert stray == ["next", "end"]


def test_a_pager_prompt_before_a_line_is_no_part_of_it() -> None:
    node = only("config a\n--More-- \r         \r    set x y\nend\n")
    assert node.items == [Setting("set", ("x", "y"), 2, 2)]


def test_spans_cover_what_they_name() -> None:
    node = only("\nconfig a\n  edit 1\n    set x y\n  next\nend\n")
    entry = next(node.nodes("edit"))
    assert (node.first, node.last, entry.first, entry.last) == (2, 6, 3, 5)


def entries(body: str) -> dict[str, dict[str, tuple[str, ...]]]:
    found, wrong = table([only(f"config t\n{body}\nend\n")])
    assert not wrong
    return {
        name: {key: value.words for key, value in entry.values.items()} for name, entry in found.items()
    }


def test_set_replaces_and_append_adds() -> None:
    assert entries("edit a\nset m 1\nset m 2 3\nappend m 4\nunselect m 3\nnext") == {"a": {"m": ("2", "4")}}


def test_unset_goes_back_to_the_default() -> None:
    assert entries("edit a\nset m 1\nunset m\nnext") == {"a": {}}


def test_an_entry_edited_twice_is_one() -> None:
    assert entries("edit a\nset m 1\nnext\nedit a\nset n 2\nnext") == {"a": {"m": ("1",), "n": ("2",)}}


@pytest.mark.parametrize(
    ("command", "order"),
    [
        ("move c before a", "cab"),
        ("move a after b", "bac"),
        ("move a after c", "bca"),
        ("delete b", "ac"),
        ("rename b to z", "azc"),
        ("clone a to z", "abcz"),
        ("purge", ""),
        ("delete b\nedit b\nnext", "acb"),
        ("move a before a", "abc"),
    ],
)
def test_commands_on_entries_change_their_order(command: str, order: str) -> None:
    body = "\n".join(f"edit {name}\nset x {name}\nnext" for name in "abc")
    assert "".join(entries(f"{body}\n{command}")) == order


@pytest.mark.parametrize(
    "command", ["delete z", "move a before z", "rename a to b", "rename z to y", "what is"]
)
def test_commands_that_cannot_be_applied_are_told(command: str) -> None:
    found, wrong = table([only(f"config t\nedit a\nnext\nedit b\nnext\n{command}\nend\n")])
    assert list(found) == ["a", "b"]
    assert [one.setting.first for one in wrong] == [6]


def test_a_clone_does_not_share_its_settings() -> None:
    assert entries("edit a\nset x 1\nnext\nclone a to b\nedit b\nset x 2\nnext") == {
        "a": {"x": ("1",)},
        "b": {"x": ("2",)},
    }


def test_edit_zero_takes_the_next_free_number() -> None:
    assert list(entries("edit 0\nnext\nedit 0\nnext")) == ["0", "1"]


def test_blocks_of_one_path_are_applied_one_after_the_other() -> None:
    root = edit_tree("config s\nset a 1\nset b 1\nend\nconfig s\nset a 2\nend\n")
    entry, wrong = settings_of(root.nodes("config"))
    assert not wrong
    assert {key: value.words for key, value in entry.values.items()} == {"a": ("2",), "b": ("1",)}
