"""What rules share is read once, and a comment changes nothing of it."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from segaudit.vendors.linux.filters.facts import LineBook
from segaudit.vendors.linux.filters.iptables_save import (
    REFUSED,
    IptablesRule,
    Wording,
    _wording,
    read_save,
)


def read(*rules: str) -> list[IptablesRule]:
    lines = ["*filter", ":FORWARD DROP [0:0]", *(f"-A FORWARD{rule}" for rule in rules), "COMMIT"]
    return read_save(LineBook("devices/d/iptables-save.txt", "\n".join(lines)))[0].rules


def said(wording: Wording) -> tuple[object, ...] | None:
    """All that a wording says, comments aside; ``None`` where it was refused."""
    if wording is REFUSED:
        return None
    matches = [
        (one.name, one.arguments, one.negated)
        for one in wording.matches
        if (one.module, one.name) != ("comment", "--comment")
    ]
    modules = [one for one in wording.modules if one != "comment"]
    options = [(one.name, one.arguments, one.negated) for one in wording.target_options]
    return matches, modules, wording.target, wording.goes, options


def test_rules_that_say_the_same_share_a_wording() -> None:
    one, other, third = read(
        " -s 10.0.0.1/32 -d 10.0.0.2/32 -p tcp -m tcp --dport 22 -j ACCEPT",
        ' -s 10.0.0.3/32 -p tcp -m comment --comment "the other" -m tcp --dport 22 -j ACCEPT',
        " -d 10.0.0.2/32 -p tcp -m tcp --dport 23 -j ACCEPT",
    )
    assert one.wording is other.wording
    assert one.wording is not third.wording
    assert [[option.text for option in rule.addresses] for rule in (one, other, third)] == [
        ["-s 10.0.0.1/32", "-d 10.0.0.2/32"],
        ["-s 10.0.0.3/32"],
        ["-d 10.0.0.2/32"],
    ]


def test_a_rule_that_cannot_be_taken_apart_is_not_narrowed_by_its_addresses() -> None:
    (rule,) = read(" -s 10.0.0.1/32 nonsense -j DROP")
    assert rule.wording is REFUSED
    assert rule.addresses == ()


pieces = st.sampled_from(
    [
        *("-p tcp", "-m tcp", "--dport 22", "! --dport 22", "-i eth1", "-j ACCEPT", "-j DROP", "-g other"),
        *("-j LOG", '--log-prefix "a b"', '--log-prefix "x -m comment --comment "', "-m comment", "!"),
        *("-m set", "--match-set lan src", '"', "'", "\\", "x", "-m"),
        *('"y -j ACCEPT"', "-m comment --comment -j", '--comment "a -j DROP"'),
    ]
)
comments = st.sampled_from(
    ["word", '"two words"', '"-j ACCEPT"', '"it\'s -m tcp"', "-j", '""', r'"a \" b"']
)


@settings(max_examples=600, deadline=None)
@given(st.lists(pieces, max_size=5), comments, st.lists(pieces, max_size=4))
@example(["-j LOG", '--log-prefix "x -m comment --comment "'], "word", ["-j ACCEPT", '"y -j ACCEPT"'])
def test_a_comment_cut_out_says_nothing(before: list[str], comment: str, after: list[str]) -> None:
    text = " ".join([*before, f"-m comment --comment {comment}", *after])
    (rule,) = read(f" {text}")
    assert said(rule.wording) == said(_wording(text))
