from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from segaudit.errors import ScopeError
from segaudit.model.flow import Family, parse_address
from segaudit.probe.scope import Authorisation, read_authorisation

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WHO = "ciso@parent.example"

GOOD = """\
version: 1
authorised_by: ciso@parent.example
sources: [sub-pc1, "branch-*"]
targets: [10.0.0.0/24, 2001:db8::/64, 10.9.9.9]
rate: {packets_per_second: 500, per_destination: 20}
window: {not_before: 2026-11-24T08:00:00Z, not_after: 2026-11-24T18:00:00+01:00}
spoofed_sources: yes
"""


def read(tmp_path: Path, text: str, who: str = WHO, now: datetime = NOW) -> Authorisation:
    path = tmp_path / "scope.yaml"
    path.write_text(text)
    return read_authorisation(path, who, now)


def errors(tmp_path: Path, text: str, who: str = WHO, now: datetime = NOW) -> list[str]:
    with pytest.raises(ScopeError) as raised:
        read(tmp_path, text, who, now)
    assert raised.value.exit_code == 2
    return [str(problem).replace(f"{tmp_path}/", "") for problem in raised.value.problems]


def test_a_scope_file_says_who_sends_what_where_and_when(tmp_path: Path) -> None:
    scope = read(tmp_path, GOOD)
    assert scope.authorised_by == WHO
    assert scope.permits_source("sub-pc1") and scope.permits_source("branch-7")
    assert not scope.permits_source("parent-pc1")
    assert (scope.packets_per_second, scope.packets_per_second_per_destination) == (500, 20)
    assert scope.spoofed_sources is True


@pytest.mark.parametrize(
    ("address", "permitted"),
    [
        ("10.0.0.0", True),
        ("10.0.0.255", True),
        ("10.0.1.0", False),
        ("9.255.255.255", False),
        ("10.9.9.9", True),
        ("10.9.9.8", False),
        ("2001:db8::ffff", True),
        ("2001:db8:0:1::", False),
        ("::a00:1", False),
    ],
)
def test_a_target_is_permitted_only_inside_a_prefix_of_its_own_family(
    tmp_path: Path, address: str, permitted: bool
) -> None:
    family, number = parse_address(address)
    assert read(tmp_path, GOOD).permits_target(family, number) is permitted


def test_the_number_of_an_ipv4_address_is_no_ipv6_target(tmp_path: Path) -> None:
    number = parse_address("10.0.0.1")[1]
    assert not read(tmp_path, GOOD).permits_target(Family.IPV6, number)


def test_rates_default_below_what_fills_a_connection_table(tmp_path: Path) -> None:
    scope = read(
        tmp_path, "version: 1\nauthorised_by: ciso@parent.example\nsources: [a]\ntargets: [10.0.0.0/8]\n"
    )
    assert (scope.packets_per_second, scope.packets_per_second_per_destination) == (1000, 50)
    assert scope.spoofed_sources is False


def test_nobody_named_on_the_command_line_is_refused(tmp_path: Path) -> None:
    assert errors(tmp_path, GOOD, who=" ") == [
        "scope.yaml: probing needs a person who answers for it\n  hint: give --authorised-by NAME"
    ]


def test_another_name_than_the_file_is_refused(tmp_path: Path) -> None:
    assert errors(tmp_path, GOOD, who="mallory@sub.example") == [
        "scope.yaml:2:16: the scope was authorised by somebody else: ciso@parent.example\n"
        "  hint: --authorised-by says 'mallory@sub.example'"
    ]


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (datetime(2026, 11, 24, 7, 59, tzinfo=UTC), "the window opens at 2026-11-24T08:00:00+00:00"),
        (datetime(2026, 11, 24, 17, 0, tzinfo=UTC), "the window closed at 2026-11-24T18:00:00+01:00"),
    ],
)
def test_outside_the_window_nothing_is_sent(tmp_path: Path, now: datetime, why: str) -> None:
    (problem,) = errors(tmp_path, GOOD, now=now)
    assert problem.startswith(f"scope.yaml:6:9: {why}")


def test_the_window_is_closed_at_its_end_and_open_at_its_start(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD, now=datetime(2026, 11, 24, 8, 0, tzinfo=UTC))
    assert read(tmp_path, GOOD, now=datetime(2026, 11, 24, 16, 59, 59, tzinfo=UTC))


def test_every_problem_is_reported_with_its_place(tmp_path: Path) -> None:
    text = """\
version: 2
authorised_by: ""
sources: []
targets:
  - 10.0.0.1/24
  - 0.0.0.0/0
  - ::/0
  - parent
rate: {packets_per_second: 0, per_second: 3}
window: {not_before: noon, not_after: 2026-11-24T18:00:00}
spoofed_sources: maybe
"""
    found = [problem.split("\n")[0] for problem in errors(tmp_path, text)]
    assert sorted(found) == sorted(
        [
            "scope.yaml:1:10: unknown version: 2",
            "scope.yaml:2:16: authorised_by must be a word",
            "scope.yaml:3:10: sources is empty",
            "scope.yaml:5:5: not a prefix: 10.0.0.1/24",
            "scope.yaml:6:5: every address there is cannot be a scope: 0.0.0.0/0",
            "scope.yaml:7:5: every address there is cannot be a scope: ::/0",
            "scope.yaml:8:5: not a prefix: parent",
            "scope.yaml:9:28: a rate is a whole number of packets per second above 0: 0",
            "scope.yaml:9:31: unknown key in rate: per_second",
            "scope.yaml:10:22: not a time: noon",
            "scope.yaml:10:39: a time needs its zone: 2026-11-24T18:00:00",
            "scope.yaml:11:18: unknown spoofed_sources: maybe",
        ]
    )


@pytest.mark.parametrize("key", ["version", "authorised_by", "sources", "targets"])
def test_a_missing_key_is_an_error(tmp_path: Path, key: str) -> None:
    text = "".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith(key))
    assert f"scope.yaml:1:1: the scope file lacks a key: {key}" in errors(tmp_path, text)


def test_an_empty_or_missing_file_is_an_error(tmp_path: Path) -> None:
    assert errors(tmp_path, "")
    with pytest.raises(ScopeError, match="cannot read the file"):
        read_authorisation(tmp_path / "none.yaml", WHO, NOW)


def test_a_window_that_closes_before_it_opens_is_an_error(tmp_path: Path) -> None:
    text = GOOD.replace("2026-11-24T18:00:00+01:00", "2026-11-24T08:00:00+01:00")
    assert "the window closes before it opens" in errors(tmp_path, text)[0]
