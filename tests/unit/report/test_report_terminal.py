from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from builders import results
from rich.console import Console

from segaudit.errors import UsageError
from segaudit.model.result import RunResult
from segaudit.report.terminal import explain, headline_lines, trace_lines, verdict_lines, verdict_table


def printed(result: RunResult, width: int = 140, terminal: bool = False) -> str:
    console = Console(file=StringIO(), width=width, force_terminal=terminal)
    console.print(verdict_table(result))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_table_and_plain_lines_say_the_same() -> None:
    made = results.violated()
    plain = verdict_lines(made)
    table = printed(made).splitlines()
    assert [line.rstrip() for line in table] == plain
    words = "✗ VIOLATED ISO-1 subsidiary -> parent IPv4 G0 packets arrive and replies come back 9"
    assert " ".join(plain[1].split()) == words


def test_plain_lines_are_never_cut() -> None:
    made = results.isolated()
    long = replace(made.verdicts[0], source="a" * 300)
    lines = verdict_lines(replace(made, verdicts=(long,)))
    assert "a" * 300 in lines[1]


def test_a_name_cannot_act_on_the_terminal_or_forge_a_row() -> None:
    made = results.isolated()
    evil = replace(made.verdicts[0], source="[red]x[/red]\x1b[2J\nPROVEN  all")
    changed = replace(made, verdicts=(evil,))
    for text in (printed(changed), "\n".join(verdict_lines(changed))):
        assert "\x1b" not in text
        assert "[red]x[/red]\\x1b[2J\\x0aPROVEN" in text
    assert len(verdict_lines(changed)) == 2


def test_a_trace_cites_a_line_at_each_hop_that_rests_on_one() -> None:
    lines = trace_lines(results.witness())
    assert lines[0] == "tcp 10.20.2.10:40000 -> 10.10.20.5:445 from sub-hist:eth1: delivered"
    assert "   5. sub-fw: forward: tcp dport 445 accept  devices/sub-fw/nftables.txt:11" in lines
    assert len(lines) == 1 + len(results.witness().trace.steps)
    forged = replace(results.witness(), source_is_own=False)
    assert "(forged source)" in trace_lines(forged)[0]


def test_an_uncertain_step_is_marked() -> None:
    witness = results.witness()
    steps = tuple(replace(step, certain=False) for step in witness.trace.steps)
    lines = trace_lines(replace(witness, trace=replace(witness.trace, steps=steps)))
    assert all("(not certain)" in line for line in lines[1:])


def test_headline_lines_match_the_report() -> None:
    assert headline_lines(results.unknown()) == [
        "NOT DEMONSTRATED: No open way was found, but 12 of 36 pairs are not decided. That is not a proof.",
        "Not collected: sub-rt3.",
    ]


def test_explaining_a_violation_names_the_lines_to_change() -> None:
    text = explain(results.violated(), "ISO-1/forward/ipv4")
    assert "✗ sub-ot -> par-servers" in text
    closing = text[text.index("to close it") :]
    for cited in (f"{results.SUB_FRR}:3", f"{results.SUB_NFT}:11", f"{results.PAR_IPT}:6"):
        assert cited in closing
    assert "by the same lines as above" in closing
    assert "ISO-1/reverse" not in text


def test_explaining_an_assertion_covers_all_its_verdicts() -> None:
    text = explain(results.unknown(), "ISO-1")
    for way in ("forward/ipv4", "forward/ipv6", "reverse/ipv4", "reverse/ipv6"):
        assert f"ISO-1/{way}: ? UNKNOWN" in text
    assert "depends on sub-rt3:eth0: its far end was not collected" in text
    assert "G4" not in text
    assert text.count("depends on") == 4, "once per verdict"
    forward = explain(results.unknown(), "ISO-1/forward")
    assert "ISO-1/forward/ipv6" in forward and "ISO-1/reverse" not in forward


@pytest.mark.parametrize(
    ("name", "id", "says"),
    [
        ("unknown", "COLLECT-sub-rt3", "sub-rt3 was not collected"),
        ("excepted", "EXC-1", "in force, 127 days left, expires 2027-03-31"),
        ("excepted", "FLOW-1", "works: IPv4 PROVEN, IPv6 PROVEN"),
        ("conditional", "ASM-1", "owner noc@parent.example"),
        ("contradicted", "par-core-sub-lan-ipv4-445", "DELIVERED; the model says blocked"),
    ],
)
def test_every_kind_of_id_is_explained(name: str, id: str, says: str) -> None:
    assert says in explain(results.EVERY[name](), id)


def test_an_unknown_id_is_an_error_with_the_nearest_names() -> None:
    with pytest.raises(UsageError) as caught:
        explain(results.excepted(), "EXC-2")
    assert caught.value.exit_code == 2
    assert "EXC-1" in caught.value.problems[0].hint


def test_explanations_hold_no_secret() -> None:
    made = results.violated()
    finding = replace(made.findings[0], detail="username a password 7 Xk7pQ9zT")
    assert "Xk7pQ9zT" not in explain(replace(made, findings=(finding,)), "LINE-sub-fw-1")
