"""One tree for the two forms of a Junos-like configuration: each word of a statement is a level.

``set interfaces ge-0/0/0 unit 0 family inet`` and the nested braces that say the same give the same
nodes, so that nothing after this module knows which form a device printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

Words = Sequence[str | tuple[str, ...]]
"""A statement: its words; a tuple stands for a bracketed list."""

_CHILDLESS: dict[str, Node] = {}
"""Shared by all leaves and never written to: most nodes are leaves."""


class Node:
    """A word, and the words that may follow it.

    ``lines`` are the numbers of the lines of which it is the last word, ``touched`` counts statements:
    of several values of one leaf the last one set holds. ``inherited`` nodes come from a group.
    """

    __slots__ = ("children", "inactive", "inherited", "lines", "touched", "word")

    def __init__(self, word: str, inherited: bool = False) -> None:
        self.word = word
        self.children: dict[str, Node] = _CHILDLESS
        self.lines: list[int] = []
        self.inactive = False
        self.inherited = inherited
        self.touched = 0

    def __iter__(self) -> Iterator[Node]:
        return iter(self.children.values())

    def __getitem__(self, word: str) -> Node:
        return self.children[word]

    def get(self, *words: str) -> Node | None:
        """The node that ``words`` lead to, if there is one."""
        node: Node | None = self
        for word in words:
            if node is None:
                return None
            node = node.children.get(word)
        return node

    def has(self, *words: str) -> bool:
        """True where ``words`` lead to a node."""
        return self.get(*words) is not None

    def under(self, *words: str) -> list[Node]:
        """The nodes below the one that ``words`` lead to; none where there is none."""
        found = self.get(*words)
        return [] if found is None else list(found.children.values())

    def words(self, *words: str) -> list[str]:
        """The words below the one that ``words`` lead to, as a list of values."""
        return [node.word for node in self.under(*words)]

    def value(self, *words: str) -> str | None:
        """The value of a leaf: the one set last, and what a group says only where nothing else does."""
        found = self.under(*words)
        if not found:
            return None
        return max(found, key=lambda node: (not node.inherited, node.touched)).word

    def child(self, word: str, inherited: bool = False) -> Node:
        """The node of ``word`` below this one, made where it is missing."""
        found = self.children.get(word)
        if found is None:
            if self.children is _CHILDLESS:
                self.children = {}
            found = self.children[word] = Node(word, inherited)
        return found

    def walk(self) -> Iterator[Node]:
        """This node and all below, in order."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children.values()))

    def statements(self) -> Iterator[tuple[str, ...]]:
        """The words below this node, once for each leaf."""
        waiting: list[tuple[Node, tuple[str, ...]]] = [(self, ())]
        while waiting:
            node, before = waiting.pop()
            if not node.children and before:
                yield before
            waiting.extend((child, (*before, child.word)) for child in reversed(node.children.values()))

    def all_lines(self) -> list[int]:
        """The numbers of every line of this node and those below, sorted."""
        return sorted(line for node in self.walk() for line in node.lines)


@dataclass(slots=True)
class Tree:
    """A configuration as it is read.

    ``punctuation`` are lines that only close blocks. ``remarks`` are lines without effect (comments),
    ``problems`` lines that could not be read; each with the reason.
    """

    root: Node = field(default_factory=lambda: Node(""))
    punctuation: list[int] = field(default_factory=list)
    remarks: list[tuple[int, str]] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    statements: int = 0

    def insert(self, at: Node, words: Words, lines: Iterable[int]) -> list[Node]:
        """Set a statement below ``at``; the nodes that it ends in (several for a list)."""
        self.statements += 1
        ends = [at]
        for word in words:
            if isinstance(word, str):
                if len(ends) == 1:
                    ends[0] = ends[0].children.get(word) or ends[0].child(word)
                else:
                    ends = [end.child(word) for end in ends]
            else:
                ends = [end.child(one) for end in ends for one in word]
        numbers = list(lines)
        if not ends:
            self.remarks.extend((line, "an empty list") for line in numbers)
        for end in ends:
            end.lines.extend(numbers)
            end.touched = self.statements
        return ends

    def delete(self, at: Node, words: Words, reason: str) -> bool:
        """Remove what ``words`` lead to below ``at``; its lines have had no effect."""
        parent, plain = at, [word for word in words if isinstance(word, str)]
        if len(plain) != len(words) or not plain:
            return False
        for word in plain[:-1]:
            following = parent.children.get(word)
            if following is None:
                return False
            parent = following
        gone = parent.children.pop(plain[-1], None)
        if gone is None:
            return False
        self.remarks.extend((line, reason) for line in gone.all_lines())
        return True

    def drop_inactive(self) -> None:
        """Take out what is deactivated: the device reads it as comment."""
        waiting = [self.root] if any(node.inactive for node in self.root.walk()) else []
        while waiting:
            node = waiting.pop()
            for word in [child.word for child in node if child.inactive]:
                self.remarks.extend((line, "inactive") for line in node.children[word].all_lines())
                del node.children[word]
            waiting.extend(node)
