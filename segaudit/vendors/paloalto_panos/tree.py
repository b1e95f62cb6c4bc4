"""One tree for all written forms of a PAN-OS configuration: words below words, with their lines.

XML's ``<entry name="x">``, ``<member>x</member>`` and the text of a leaf all become a child called ``x``,
which is what the set form and the braces say in the first place. Whoever reads a node marks it as seen;
what nobody saw is accounted for at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from segaudit.model.source import LineFate, SourceSpan

Lines = tuple[int, int]


class Fate(NamedTuple):
    """What became of a node and all below it, where that is not what the place alone says."""

    fate: LineFate
    reason: str
    bounded: bool = True


WRAPPERS = frozenset({"config", "response", "result"})
"""What an export puts around the configuration."""

DEVICE_SECTIONS = frozenset(
    {
        "deviceconfig",
        "device-group",
        "log-collector",
        "log-collector-group",
        "mgt-config",
        "network",
        "panorama",
        "platform",
        "plugins",
        "policy",
        "predefined",
        "readonly",
        "shared",
        "template",
        "template-stack",
        "vsys",
    }
)
"""Sections that stand beside ``vsys``; all others, where no vsys is named, are those of ``vsys1``."""

FIRST_VSYS = "vsys1"


class Node:
    """A word of the configuration and what stands below it, in order.

    ``lines`` are the ranges on which the word itself stands last (set form, braces) or which open and
    close it (XML). ``latest`` is the child that was given last: of a single value, the one that counts.
    """

    __slots__ = ("_lines", "_more", "children", "fate", "file", "latest", "name", "repeated", "seen")

    def __init__(self, name: str, file: str) -> None:
        self.name = name
        self.file = file
        self.children: dict[str, Node] = {}
        self._lines: Lines | None = None
        self._more: list[Lines] | None = None
        self.latest = ""
        self.seen = False
        self.fate: Fate | None = None
        self.repeated = False

    # -- building --------------------------------------------------------------------------------

    def below(self, name: str) -> Node:
        """The child called ``name``, made where there is none."""
        self.latest = name
        child = self.children.get(name)
        if child is None:
            child = self.children[name] = Node(name, self.file)
        return child

    def stands_on(self, lines: Lines) -> None:
        """The word stands last on ``lines`` (too). Most stand once, which then costs no list."""
        if self._lines is None:
            self._lines = lines
        elif self._more is None:
            self._more = [lines]
        else:
            self._more.append(lines)

    def stands_also(self, other: Node) -> None:
        """The word stands where ``other`` does, too."""
        for lines in other.lines:
            self.stands_on(lines)

    @property
    def lines(self) -> list[Lines]:
        """The lines on which the word stands last, in the order in which they were read."""
        first = [] if self._lines is None else [self._lines]
        return first if self._more is None else first + self._more

    def absorb(self, other: Node) -> None:
        """Everything below ``other`` also below this; its lines too."""
        waiting = [(self, other)]
        while waiting:
            mine, theirs = waiting.pop()
            mine.stands_also(theirs)
            mine.latest = theirs.latest or mine.latest
            for name, child in theirs.children.items():
                if name in mine.children:
                    waiting.append((mine.children[name], child))
                else:
                    mine.children[name] = child

    # -- reading ---------------------------------------------------------------------------------

    def get(self, *path: str) -> Node | None:
        """The node at ``path``, seen from now on."""
        node: Node | None = self
        for name in path:
            node = node.children.get(name) if node is not None else None
            if node is not None:
                node.seen = True
        return node

    def each(self, *path: str) -> list[Node]:
        """The children of the node at ``path``, in order."""
        node = self.get(*path)
        if node is None:
            return []
        for child in node.children.values():
            child.seen = True
        return list(node.children.values())

    def words(self, *path: str) -> tuple[str, ...]:
        """The names of the children of the node at ``path``: a list of members."""
        return tuple(child.name for child in self.each(*path))

    def word(self, *path: str, default: str = "") -> str:
        """The single value at ``path``: the one given last."""
        self.each(*path)
        node = self.get(*path)
        return (node.latest if node is not None else "") or default

    def says_yes(self, *path: str) -> bool:
        """True where the value at ``path`` is ``yes``."""
        return self.word(*path) == "yes"

    def holds(self, *path: str) -> bool:
        """True where there is something at ``path``."""
        return self.get(*path) is not None

    def ignore(self, reason: str) -> None:
        """The node and all below it cannot matter."""
        self.fate = Fate(LineFate.IGNORED, reason)

    def doubt(self, reason: str, *, bounded: bool) -> None:
        """The node and all below it are understood but not modelled."""
        self.fate = Fate(LineFate.UNSUPPORTED, reason, bounded)

    def see_all(self) -> None:
        """Everything below was read."""
        for node in self.walk():
            node.seen = True

    def walk(self) -> Iterator[Node]:
        """This node and all below, a parent before its children."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children.values()))

    @property
    def span(self) -> SourceSpan:
        """From the first to the last line of the node with all that is below it."""
        found = [lines for node in self.walk() for lines in node.lines] or [(1, 1)]
        return SourceSpan(self.file, min(first for first, _ in found), max(last for _, last in found))


def normalised(root: Node) -> Node:
    """The tree as the set form of one device names it, every vsys below ``vsys``.

    The wrappers of an export (``config``, ``devices``) are taken off, and what a device with one vsys
    writes at the top goes to ``vsys1``. More than one entry of ``devices`` is left where it is.
    """
    top = Node("", root.file)
    top.seen = True
    _unwrap(root, top)
    for name in [one for one in top.children if one not in DEVICE_SECTIONS and one != "devices"]:
        moved = top.children.pop(name)
        vsys = top.below("vsys").below(FIRST_VSYS)
        _put(vsys, moved)
    return top


def _unwrap(node: Node, top: Node) -> None:
    top.stands_also(node)
    for child in node.children.values():
        if child.name in WRAPPERS:
            _unwrap(child, top)
        elif child.name == "devices" and len(child.children) == 1:
            top.stands_also(child)
            _unwrap(next(iter(child.children.values())), top)
        else:
            _put(top, child)


def _put(parent: Node, child: Node) -> None:
    if child.name in parent.children:
        parent.children[child.name].absorb(child)
    else:
        parent.children[child.name] = child
