from __future__ import annotations

from segaudit.model.snapshot import RawFile
from segaudit.model.source import LineTally, SourceSpan
from segaudit.parse.ledger import LineLedger


def ledger(text: str, name: str = "state.txt") -> LineLedger:
    return LineLedger(RawFile(f"devices/r1/{name}", text, ""))


def test_counts_add_up_to_the_non_blank_lines() -> None:
    book = ledger("one\n\ntwo\nthree\n  \nfour\nfive")
    book.fact(1)
    book.ignored(3, 4, "boring")
    book.unsupported(6, None, "odd", bounded=True)
    book.unrecognized(7, None, "what?")
    lines, tally = book.close()
    assert tally == LineTally("devices/r1/state.txt", 1, 2, 1, 1)
    assert tally.total == 5
    assert [(str(line.span), line.fate, line.bounded) for line in lines] == [
        ("devices/r1/state.txt:3", "ignored", True),
        ("devices/r1/state.txt:6", "unsupported", True),
        ("devices/r1/state.txt:7", "unrecognized", False),
    ]
    assert lines[0].text == "two three"


def test_a_line_that_nobody_claimed_is_unrecognized_and_unbounded() -> None:
    book = ledger("one\ntwo\n")
    book.fact(1)
    (line,), tally = book.close()
    assert (line.span.first_line, line.fate, line.bounded) == (2, "unrecognized", False)
    assert tally.unrecognized == 1


def test_a_shared_line_keeps_the_graver_fate() -> None:
    book = ledger("a\nb\nc")
    book.unsupported(1, 2, "odd", bounded=False)
    book.fact(2, 3)
    assert book.close()[1] == LineTally("devices/r1/state.txt", 1, 0, 2, 0)


def test_lines_of_terminal_codes_alone_are_not_unrecognized() -> None:
    book = ledger("\x1b[?2004l\nx")
    book.fact(2)
    lines, tally = book.close()
    assert lines == ()
    assert tally.total == 2


def test_the_rest_can_be_ignored_with_one_account() -> None:
    book = ledger("a\nb\n\nc")
    book.fact(1)
    book.rest_is_ignored("the program is not installed")
    (line,), tally = book.close()
    assert (line.span.first_line, line.reason) == (2, "the program is not installed")
    assert (tally.fact, tally.ignored) == (1, 2)


def test_an_empty_file_has_no_lines() -> None:
    book = ledger("")
    book.rest_is_ignored("nothing")
    book.rest_is_fact()
    assert book.close() == ((), LineTally("devices/r1/state.txt", 0, 0, 0, 0))


def test_long_and_json_texts_are_shortened() -> None:
    book = ledger('[ {\n  "dst": "' + "9" * 300 + '"\n} ]', "routes.json")
    book.unrecognized(1, 3, "long")
    ((line,), _) = book.close()
    assert line.text.startswith('"dst": "999')
    assert line.text.endswith("…")
    assert len(line.text) == 200


def test_a_given_text_replaces_the_line() -> None:
    book = ledger("password sesame")
    book.ignored(1, None, "management", "password ***")
    assert book.close()[0][0].text == "password ***"


def test_span() -> None:
    assert ledger("a").span(1) == SourceSpan("devices/r1/state.txt", 1, 1)
