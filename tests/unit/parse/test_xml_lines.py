"""XML with line spans: where elements stand, and what is refused."""

from __future__ import annotations

import pytest

from segaudit.errors import SnapshotError
from segaudit.parse.xml_lines import DEEPEST, XmlElement, parse_xml


def test_elements_stand_where_they_were_written() -> None:
    document = parse_xml('<?xml version="1.0"?>\n<a>\n <b n="1">\n  text\n </b>\n <c/>\n</a>\n', "f")
    root = document.root
    assert (root.tag, root.first_line, root.last_line) == ("a", 2, 7)
    first, second = root.children
    assert first == XmlElement("b", {"n": "1"}, 3, 5, "text")
    assert second == XmlElement("c", {}, 6, 6)


def test_comments_keep_their_lines_and_are_no_text() -> None:
    document = parse_xml("<a>\n<!-- one\ntwo -->\n<b>x<!-- three -->y</b></a>", "f")
    assert document.comments == ((2, 3), (4, 4))
    assert document.root.children[0].text == "xy"


def test_character_references_are_resolved() -> None:
    assert parse_xml("<a>&lt;&#65;&amp;</a>", "f").root.text == "<A&"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("<a>\n<b>\n</a>", 3),
        ("<a>\n<b>", 2),
        ("", 1),
        ("no xml", 1),
        ("<a>&unknown;</a>", 1),
        ('<a x="1" x="2"/>', 1),
        ("<a>\ud800</a>", 1),
    ],
)
def test_broken_xml_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(SnapshotError) as refused:
        parse_xml(text, "devices/d/f.xml")
    assert refused.value.problems[0].where == f"devices/d/f.xml:{line}"


def test_a_document_type_is_refused() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]>\n<a>&c;</a>'
    with pytest.raises(SnapshotError, match="document type"):
        parse_xml(bomb, "f")


def test_depth_is_bounded() -> None:
    parse_xml("<a>" * DEEPEST + "</a>" * DEEPEST, "f")
    with pytest.raises(SnapshotError, match="deep"):
        parse_xml("<a>" * (DEEPEST + 1) + "</a>" * (DEEPEST + 1), "f")
