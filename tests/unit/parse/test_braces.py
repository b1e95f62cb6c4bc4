"""Configurations in braces and as ``set`` commands give one tree."""

from __future__ import annotations

import pytest

from segaudit.parse.braces import read_braces
from segaudit.parse.word_tree import Tree

BRACES = """\
/* about
   the device */
system {
    host-name r1; ## SECRET-DATA
    login {
        message "two words; { } and a # sign";
    }
}
interfaces {
    ge-0/0/0 {
        unit 0 {
            family inet {
                address 10.0.0.1/24;
                filter {
                    input-list [ one two ];
                }
            }
        }
    }
    inactive: ge-0/0/1 {
        unit 0;
    }
}
"""
SET = """\
set system host-name r1 ## SECRET-DATA
set system login message "two words; { } and a # sign"
set interfaces ge-0/0/0 unit 0 family inet address 10.0.0.1/24
set interfaces ge-0/0/0 unit 0 family inet filter input-list one
set interfaces ge-0/0/0 unit 0 family inet filter input-list two
set interfaces ge-0/0/1 unit 0
deactivate interfaces ge-0/0/1
"""


def tree_of(text: str) -> Tree:
    tree = Tree()
    read_braces(tree, text)
    return tree


def statements(text: str) -> list[tuple[str, ...]]:
    tree = tree_of(text)
    tree.drop_inactive()
    return list(tree.root.statements())


def test_both_forms_say_the_same() -> None:
    assert statements(BRACES) == statements(SET)
    assert (
        "interfaces",
        "ge-0/0/0",
        "unit",
        "0",
        "family",
        "inet",
        "filter",
        "input-list",
        "two",
    ) in statements(SET)
    assert not any("ge-0/0/1" in words for words in statements(BRACES))


def test_neither_form_has_a_problem() -> None:
    assert tree_of(BRACES).problems == []
    assert tree_of(SET).problems == []


def test_every_line_is_somewhere() -> None:
    tree = tree_of(BRACES)
    found = {number for node in tree.root.walk() for number in node.lines}
    found |= set(tree.punctuation) | {number for number, _ in tree.remarks}
    assert found == set(range(1, BRACES.count("\n") + 1))


def test_a_statement_may_spread_over_lines_and_share_one() -> None:
    assert statements("a {\nb c\nd; e; } f { g [ h\ni ]\n; }") == [
        ("a", "b", "c", "d"),
        ("a", "e"),
        ("f", "g", "h"),
        ("f", "g", "i"),
    ]


def test_the_last_statement_of_a_block_needs_no_semicolon() -> None:
    assert statements("a { b c }\n") == [("a", "b", "c")]


def test_commands_may_stand_between_blocks() -> None:
    assert statements("a { b; }\nset c d\nx { y; }\n") == [("a", "b"), ("c", "d"), ("x", "y")]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a { b { c; d; } }\na { replace: b { e; } }", [("a", "b", "e")]),
        ("a { b 1; c; }\ndelete: a;\nd;", [("d",)]),
        ("set a b\nset a c\ndelete a b", [("a", "c")]),
        ("a { protect: b; }", [("a", "b")]),
        ("set a t one\nset a t two\ninsert a t two before one", [("a", "t", "two"), ("a", "t", "one")]),
        ("set a t one\nset a t two\ninsert a t one after two", [("a", "t", "two"), ("a", "t", "one")]),
        ("set a b\ndeactivate a b\nactivate a b", [("a", "b")]),
    ],
)
def test_statements_about_statements(text: str, left: list[tuple[str, ...]]) -> None:
    assert statements(text) == left
    assert tree_of(text).problems == []


def test_a_string_may_have_several_lines() -> None:
    tree = tree_of('system { license { keys { key "\nABC def\nghi\n"; } } }\n')
    assert tree.problems == []
    assert tree.root.value("system", "license", "keys", "key") == "\nABC def\nghi\n"


@pytest.mark.parametrize(
    "text",
    [
        "a {\nb;\n",
        "a;\n}\n",
        "a { b c",
        'a { b "c; }\nd { e; }\n',
        "a /* b\n",
        "a ];",
        "[ a b ] { c; }",
        "{ a; }",
        "deactivate a b",
        "rename a b to c",
        'set a "b',
        "insert a b before c",
    ],
)
def test_what_is_torn_is_a_problem(text: str) -> None:
    assert tree_of(text).problems


def test_prompts_are_no_configuration() -> None:
    tree = tree_of("user@r1> show configuration\na { b; }\n\n{master:0}\nuser@r1>\n")
    assert list(tree.root.statements()) == [("a", "b")]
    assert tree.problems == []


def test_the_last_value_of_a_leaf_holds() -> None:
    assert tree_of("set a mtu 1\nset a mtu 2\nset a mtu 1\n").root.value("a", "mtu") == "1"


def test_deep_nesting_is_no_recursion() -> None:
    tree = tree_of("a {\n" * 5000 + "}\n" * 5000)
    assert tree.problems
