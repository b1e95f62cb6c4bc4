"""YAML with positions: scalars stay strings, duplicate keys are errors, nothing is guessed.

Stock loading turns ``no`` into False and ``22:22`` into 1342 and lets the last of two equal keys
win; here ``yaml.compose`` (C loader where there is one) gives the node tree and a small walker
keeps every scalar as written.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from segaudit.errors import Problem, UsageError
from segaudit.model.source import SourceSpan

_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NODES_PER_CHARACTER = 10
_NODES_FREE = 10_000
"""Aliases share nodes in YAML and are copied here: nine lines can stand for a billion words."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it starts (1-based line and column of ``file``).

    ``value`` is ``str``, ``None`` (an empty scalar), a tuple of nodes, or a dict of key to node in
    file order; ``keys`` holds the key nodes of a dict.
    """

    file: str
    line: int
    column: int
    last_line: int
    value: str | tuple[Node, ...] | dict[str, Node] | None
    keys: Mapping[str, Node] | None = None
    quoted: bool = False

    @property
    def where(self) -> str:
        """``file:line:column``."""
        return f"{self.file}:{self.line}:{self.column}"

    @property
    def span(self) -> SourceSpan:
        """The lines this value covers."""
        return SourceSpan(self.file, self.line, max(self.line, self.last_line))

    def problem(self, what: str, value: str = "", hint: str = "") -> Problem:
        """A problem at this place."""
        return Problem(self.where, what, value, hint)


def read_yaml(path: Path, error: type[UsageError], shown_as: str | None = None) -> Node:
    """The document in ``path``, as nodes.

    Raises:
        UsageError: of the class ``error``: unreadable, not UTF-8, not YAML, several documents,
            aliases that expand without bound, or a duplicate key.
    """
    shown = shown_as or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as failure:
        raise error.because(shown, "cannot read the file", failure.strerror or str(failure)) from failure
    except UnicodeDecodeError as failure:
        raise error.because(shown, "not UTF-8", f"byte {failure.start}") from failure
    return parse_yaml(text, shown, error)


def parse_yaml(text: str, file: str, error: type[UsageError]) -> Node:
    """The single document in ``text``; see :func:`read_yaml`."""
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as failure:
        mark = failure.problem_mark or failure.context_mark
        where = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        raise error.because(where, "not valid YAML", failure.problem or str(failure)) from failure
    except yaml.reader.ReaderError as failure:
        what = str(failure).splitlines()[0]
        raise error.because(_place(text, file, failure.position), "not valid YAML", what) from failure
    except RecursionError as failure:
        raise error.because(file, "nested too deeply") from failure
    if root is None:
        return Node(file, 1, 1, 1, None)
    walk = _Walk(file, error, _NODES_FREE + _NODES_PER_CHARACTER * len(text))
    try:
        node = walk.node(root, ())
    except RecursionError as failure:
        raise error.because(file, "nested too deeply") from failure
    if walk.problems:
        raise error(*walk.problems)
    return node


def _place(text: str, file: str, position: int) -> str:
    line_start = text.rfind("\n", 0, position) + 1
    return f"{file}:{text.count(chr(10), 0, position) + 1}:{position - line_start + 1}"


class _Walk:
    """One pass over a composed document, with the problems and the number of nodes so far."""

    def __init__(self, file: str, error: type[UsageError], limit: int) -> None:
        self.file = file
        self.error = error
        self.limit = limit
        self.problems: list[Problem] = []
        self.nodes = 0

    def node(self, node: yaml.Node, above: tuple[int, ...]) -> Node:
        """``node`` and what is below it; ``above`` are the nodes it stands in."""
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        last = max(line, node.end_mark.line + (1 if node.end_mark.column else 0))
        self.nodes += 1
        if self.nodes > self.limit:
            raise self.error.because(f"{self.file}:{line}:{column}", "aliases expand without bound")
        if id(node) in above:
            self.problems.append(Problem(f"{self.file}:{line}:{column}", "an alias contains itself"))
            return Node(self.file, line, column, last, None)
        above = (*above, id(node))
        if isinstance(node, yaml.ScalarNode):
            # The C loader gives a plain scalar the style '', the Python loader None.
            empty = not node.style and node.value in ("", "~", "null")
            value = None if empty else node.value
            return Node(self.file, line, column, last, value, quoted=bool(node.style))
        if isinstance(node, yaml.SequenceNode):
            items = tuple(self.node(item, above) for item in node.value)
            return Node(self.file, line, column, last, items)
        mapping, keys = self._entries(node.value, above)
        return Node(self.file, line, column, last, mapping, keys)

    def _entries(
        self, pairs: list[tuple[yaml.Node, yaml.Node]], above: tuple[int, ...]
    ) -> tuple[dict[str, Node], dict[str, Node]]:
        mapping: dict[str, Node] = {}
        keys: dict[str, Node] = {}
        for key_node, value_node in pairs:
            key = self.node(key_node, above)
            if not isinstance(key.value, str):
                self.problems.append(key.problem("a key must be a word", hint="quote it"))
            elif key.value in mapping:
                first = f"first given at line {keys[key.value].line}"
                self.problems.append(key.problem("duplicate key", key.value, first))
            else:
                mapping[key.value] = self.node(value_node, above)
                keys[key.value] = key
        return mapping, keys


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint naming the nearest known word, or listing them all when none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(names)}" if names else ""


class Reader:
    """Collects problems while a document is taken apart, so that all are reported at once."""

    def __init__(self, error: type[UsageError]) -> None:
        self.error = error
        self.problems: list[Problem] = []

    def report(self, node: Node, what: str, value: str = "", hint: str = "") -> None:
        """Note a problem at ``node`` and go on."""
        self.problems.append(node.problem(what, value, hint))

    def raise_if_any(self) -> None:
        """Raise everything noted, in file order."""
        if self.problems:
            raise self.error(*self.problems)

    def mapping(self, node: Node, what: str, allowed: Iterable[str] | None = None) -> dict[str, Node]:
        """``node`` as a mapping; unknown keys (where ``allowed`` is given) are problems."""
        if not isinstance(node.value, dict):
            self.report(node, f"{what} must be a mapping", _shown(node), "write `key: value` lines")
            return {}
        if allowed is not None:
            words = list(allowed)
            for key in node.value:
                if key not in words:
                    at = node.keys[key] if node.keys else node
                    self.report(at, f"unknown key in {what}", key, did_you_mean(key, words))
        return node.value

    def sequence(self, node: Node, what: str) -> tuple[Node, ...]:
        """``node`` as a list."""
        if not isinstance(node.value, tuple):
            self.report(node, f"{what} must be a list", _shown(node), "write `- item` lines or [a, b]")
            return ()
        return node.value

    def text(self, node: Node, what: str) -> str:
        """``node`` as a non-empty word."""
        if not isinstance(node.value, str) or not node.value.strip():
            self.report(node, f"{what} must be a word", _shown(node))
            return ""
        return node.value

    def required(self, parent: Node, key: str, what: str) -> Node | None:
        """The value under ``key``; its absence is a problem at ``parent``."""
        if isinstance(parent.value, dict) and key in parent.value:
            return parent.value[key]
        self.report(parent, f"{what} lacks a key", key)
        return None

    def one_of(self, node: Node, what: str, words: Iterable[str]) -> str:
        """``node`` as one of ``words``."""
        word = self.text(node, what)
        choices = list(words)
        if word and word not in choices:
            self.report(node, f"unknown {what}", word, did_you_mean(word, choices))
            return ""
        return word


def _shown(node: Node) -> str:
    if node.value is None:
        return "(empty)"
    if isinstance(node.value, str):
        return node.value
    return "a list" if isinstance(node.value, tuple) else "a mapping"


def walk_nodes(node: Node) -> Iterator[Node]:
    """``node`` and everything below it, in file order."""
    yield node
    if isinstance(node.value, tuple):
        for item in node.value:
            yield from walk_nodes(item)
    elif isinstance(node.value, dict):
        for item in node.value.values():
            yield from walk_nodes(item)
