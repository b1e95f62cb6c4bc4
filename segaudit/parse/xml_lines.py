"""XML configurations with the lines that each element stands on.

One pass of expat, no entities of the document's own: a document type declaration is refused, so that no
entity can grow or reach for a file. Depth and number of elements are bounded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers.expat import ExpatError, ParserCreate

from segaudit.errors import Problem, SnapshotError

DEEPEST = 200
MOST_ELEMENTS = 4_000_000


@dataclass(slots=True)
class XmlElement:
    """An element; ``text`` is its own character data, stripped, without that of its children."""

    tag: str
    attributes: dict[str, str]
    first_line: int
    last_line: int = 0
    text: str = ""
    children: list[XmlElement] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class XmlDocument:
    """The root element, and the first and last lines of the comments."""

    root: XmlElement
    comments: tuple[tuple[int, int], ...]


def parse_xml(text: str, where: str) -> XmlDocument:
    """The elements of ``text``; processing instructions are left out.

    Raises:
        SnapshotError: not well-formed, cut short, with a document type declaration, or beyond the bounds.
    """
    reading = _Reading(where)
    try:
        reading.parser.Parse(text, True)
    except ExpatError as broken:
        what = f"not well-formed XML: {broken}"
        raise reading.refusal(what, broken.lineno) from broken
    except UnicodeEncodeError as broken:
        raise reading.refusal("holds characters that are no Unicode text", 1) from broken
    return XmlDocument(reading.root.children[0], tuple(reading.comments))


class _Reading:
    """Expat's callbacks and the elements that are open."""

    def __init__(self, where: str) -> None:
        self.root = XmlElement("", {}, 1)
        self.parser = ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.CommentHandler = self._comment
        self.comments: list[tuple[int, int]] = []
        self._open = [self.root]
        self._texts: list[list[str]] = [[]]
        self._where = where
        self._elements = 0

    def refusal(self, what: str, line: int) -> SnapshotError:
        return SnapshotError(Problem(f"{self._where}:{line}", what))

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        line = self.parser.CurrentLineNumber
        self._elements += 1
        if len(self._open) > DEEPEST:
            raise self.refusal(f"XML nested more than {DEEPEST} deep", line)
        if self._elements > MOST_ELEMENTS:
            raise self.refusal(f"XML with more than {MOST_ELEMENTS} elements", line)
        element = XmlElement(tag, attributes, line)
        self._open[-1].children.append(element)
        self._open.append(element)
        self._texts.append([])

    def _end(self, _tag: str) -> None:
        element = self._open.pop()
        element.text = "".join(self._texts.pop()).strip()
        element.last_line = self.parser.CurrentLineNumber

    def _text(self, data: str) -> None:
        self._texts[-1].append(data)

    def _comment(self, data: str) -> None:
        first = self.parser.CurrentLineNumber
        self.comments.append((first, first + data.count("\n")))

    def _doctype(self, *_declared: object) -> None:
        raise self.refusal("a document type declaration", self.parser.CurrentLineNumber)
