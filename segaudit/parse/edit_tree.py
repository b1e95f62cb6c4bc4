"""Configs made of ``config`` / ``edit`` / ``set`` / ``next`` / ``end``: FortiOS.

``edit_tree`` nests the lines and splits each into words, quotes resolved (also over several lines);
``table`` and ``settings_of`` apply them in order, as the device would: ``set`` replaces, ``append``
adds, ``delete``, ``move``, ``rename`` and ``clone`` do what they say. What a word means is no business
of this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

PAGER = "--More--"

_TOKENS = re.compile(r"\s+|[\"']|\\.|\\$|[^\s\"'\\]+", re.DOTALL)
_INSIDE = {
    '"': re.compile(r'["]|\\.|\\$|[^"\\]+', re.DOTALL),
    "'": re.compile(r"[']|[^']+", re.DOTALL),
}


class Setting(NamedTuple):
    """One command, from line ``first`` to ``last`` (1-based): ``verb`` and the words behind it."""

    verb: str
    words: tuple[str, ...]
    first: int
    last: int

    @property
    def key(self) -> str:
        """The first word behind the verb."""
        return self.words[0] if self.words else ""


@dataclass(slots=True)
class Node:
    """A ``config`` or ``edit`` with what stands in it; ``closed`` is false where its end is missing."""

    verb: str
    words: tuple[str, ...]
    first: int
    last: int
    items: list[Setting | Node] = field(default_factory=list)
    closed: bool = True

    @property
    def path(self) -> str:
        """The words behind the verb, as one."""
        return " ".join(self.words)

    def nodes(self, verb: str) -> Iterator[Node]:
        """The ``config`` or ``edit`` nodes directly inside."""
        return (item for item in self.items if isinstance(item, Node) and item.verb == verb)


def edit_tree(text: str) -> Node:
    """The whole of ``text`` as a node without a name.

    Comments are settings whose verb is ``#``. A ``next`` or ``end`` without a beginning is a setting
    where it stands. A quoted word that never ends runs to the end of the text, and no node around it is
    closed. Linear in the length of the text.
    """
    return _Builder(text).built()


class _Builder:
    """The nodes that are open while the lines are read."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._root = Node("", (), 1, len(self._lines))
        self._stack = [self._root]

    def built(self) -> Node:
        index, lines = 0, self._lines
        while index < len(lines):
            line = lines[index].strip()
            if PAGER in line:
                line = line.rsplit(PAGER, 1)[1].replace("\r", "").strip()
            last, number = index, index + 1
            if line:
                if line[0] == "#":
                    self._stack[-1].items.append(Setting("#", (line[1:],), number, number))
                else:
                    verb, _, rest = line.partition(" ")
                    if "\t" in verb:
                        verb, rest = line.split(None, 1)
                    words, last = _words(rest, lines, index)
                    self._take(verb, words, number, last + 1)
            index = last + 1
        for node in self._stack[1:]:
            node.last, node.closed = len(lines), False
        return self._root

    def _take(self, verb: str, words: tuple[str, ...], first: int, last: int) -> None:
        top = self._stack[-1]
        if verb in ("config", "edit"):
            self._open(Node(verb, words, first, last))
        elif verb == "next" and top.verb == "edit" and not words:
            self._close(last)
        elif verb == "end" and top.verb and not words:
            if top.verb == "edit":
                self._close(last)
            self._close(last)
        else:
            top.items.append(Setting(verb, words, first, last))

    def _open(self, node: Node) -> None:
        top = self._stack[-1]
        if node.verb == "edit" and top.verb == "edit":
            top.last, top.closed = node.first - 1, False
            self._stack.pop()
        self._stack[-1].items.append(node)
        self._stack.append(node)

    def _close(self, last: int) -> None:
        if len(self._stack) > 1:
            self._stack.pop().last = last


def _words(rest: str, lines: list[str], index: int) -> tuple[tuple[str, ...], int]:
    """The words of a command that begins at line ``index``, and the index of its last line."""
    if '"' not in rest and "'" not in rest and "\\" not in rest:
        return tuple(rest.split()), index
    if "'" not in rest and "\\" not in rest:
        plain = _plainly_quoted(rest)
        if plain is not None:
            return plain, index
    return _quoted(rest, lines, index)


def _plainly_quoted(rest: str) -> tuple[str, ...] | None:
    """The words where each is wholly in double quotes or has none; ``None``: it is not that simple."""
    pieces = rest.split('"')
    if len(pieces) % 2 == 0:
        return None
    words: list[str] = []
    final = len(pieces) - 1
    for at, piece in enumerate(pieces):
        if at % 2:
            words.append(piece)
            continue
        if piece and ((at and not piece[0].isspace()) or (at < final and not piece[-1].isspace())):
            return None
        if not piece and 0 < at < final:
            return None
        words += piece.split()
    return tuple(words)


def _quoted(rest: str, lines: list[str], index: int) -> tuple[tuple[str, ...], int]:
    """The words of a command with quotes of any kind; a word may go on over the end of a line."""
    words: list[str] = []
    word: list[str] | None = None
    quote, text, at = "", rest, 0
    while True:
        found = (_INSIDE[quote] if quote else _TOKENS).match(text, at)
        if found is None:
            if not quote or index + 1 >= len(lines):
                break
            index, text, at = index + 1, lines[index + 1], 0
            assert word is not None
            word.append("\n")
            continue
        piece, at = found[0], found.end()
        if piece == "\\" and index + 1 < len(lines):
            index, text, at = index + 1, lines[index + 1], 0
        elif quote and piece == quote:
            quote = ""
        elif not quote and piece.isspace():
            _ended(words, word)
            word = None
        else:
            word = [] if word is None else word
            if not quote and piece in "\"'":
                quote = piece
            else:
                word.append(piece[1:] if piece[0] == "\\" and quote != "'" and len(piece) > 1 else piece)
    _ended(words, word)
    return tuple(words), index


def _ended(words: list[str], word: list[str] | None) -> None:
    if word is not None:
        words.append("".join(word))


# ---- what the commands make ---------------------------------------------------------------------


class Value(NamedTuple):
    """What a key was set to, and the lines that did."""

    words: tuple[str, ...]
    first: int
    last: int


@dataclass(slots=True)
class Entry:
    """What the commands inside an ``edit`` (or a ``config`` that is no table) make.

    ``inner`` are the ``config`` nodes inside, by path, in order.
    """

    name: str
    first: int
    last: int
    values: dict[str, Value] = field(default_factory=dict)
    inner: dict[str, list[Node]] = field(default_factory=dict)

    def words(self, key: str) -> tuple[str, ...]:
        """What ``key`` was set to; empty where it was not."""
        value = self.values.get(key)
        return value.words if value is not None else ()

    def word(self, key: str, default: str = "") -> str:
        """The first word that ``key`` was set to."""
        value = self.values.get(key)
        return value.words[0] if value is not None and value.words else default

    def is_on(self, key: str) -> bool:
        """True where ``key`` is ``enable``."""
        return self.word(key) == "enable"


class NotApplied(NamedTuple):
    """A command that could not be applied, and why."""

    setting: Setting
    why: str


def settings_of(nodes: Iterable[Node], name: str = "") -> tuple[Entry, list[NotApplied]]:
    """The settings of ``config`` nodes that are no table, applied one after the other."""
    entry, wrong = Entry(name, 0, 0), list[NotApplied]()
    for node in nodes:
        entry.first, entry.last = entry.first or node.first, node.last
        _apply(entry, node, wrong)
    return entry, wrong


def table(nodes: Iterable[Node]) -> tuple[dict[str, Entry], list[NotApplied]]:
    """The entries of ``config`` nodes that are one table, in the order that they end up in."""
    entries, wrong = dict[str, Entry](), list[NotApplied]()
    for node in nodes:
        for item in node.items:
            if isinstance(item, Setting):
                entries = _arranged(entries, item, wrong)
            elif item.verb == "edit":
                _edit(entries, item, wrong)
            else:
                wrong.append(
                    NotApplied(Setting("config", item.words, item.first, item.last), "in no entry")
                )
    return entries, wrong


def _edit(entries: dict[str, Entry], node: Node, wrong: list[NotApplied]) -> None:
    name = node.words[0] if node.words else ""
    if len(node.words) != 1:
        wrong.append(NotApplied(Setting("edit", node.words, node.first, node.first), "not one name"))
    if name == "0" and name in entries:  # edit 0: the next free number
        name = str(max((int(one) for one in entries if one.isdecimal()), default=0) + 1)
    entry = entries.setdefault(name, Entry(name, node.first, node.last))
    entry.last = node.last
    _apply(entry, node, wrong)


def _apply(entry: Entry, node: Node, wrong: list[NotApplied]) -> None:
    values = entry.values
    for item in node.items:
        if isinstance(item, Node):
            entry.inner.setdefault(item.path, []).append(item)
        elif item.verb in ("set", "select") and item.words:
            values[item.words[0]] = Value(item.words[1:], item.first, item.last)
        elif item.verb != "#":
            why = _changed(values, item)
            if why:
                wrong.append(NotApplied(item, why))


def _changed(values: dict[str, Value], item: Setting) -> str:
    """Apply one of the rarer commands; why not, where it cannot be."""
    key, further = item.key, item.words[1:]
    known = values.get(key, Value((), item.first, item.last))
    if item.verb in ("unset", "clear") and key:
        values.pop(key, None)
    elif item.verb == "append" and key:
        values[key] = Value(known.words + further, known.first, item.last)
    elif item.verb == "unselect" and key:
        left = tuple(word for word in known.words if word not in further)
        values[key] = Value(left, known.first, item.last)
    else:
        return "not a command"
    return ""


def _arranged(entries: dict[str, Entry], item: Setting, wrong: list[NotApplied]) -> dict[str, Entry]:
    """A table after a command that concerns whole entries."""
    match item.verb, item.words:
        case "#", _:
            return entries
        case "purge", ():
            return {}
        case "delete", (name,) if name in entries:
            del entries[name]
            return entries
        case "move", (name, "before" | "after" as side, other) if {name, other} <= entries.keys():
            return _moved(entries, name, other, side == "after")
        case "rename", (name, "to", new) if name in entries and new not in entries:
            return {new if one == name else one: entry for one, entry in entries.items()}
        case "clone", (name, "to", new) if name in entries and new not in entries:
            copied = replace(entries[name], name=new, values=dict(entries[name].values))
            return entries | {new: copied}
    wrong.append(NotApplied(item, "cannot be applied"))
    return entries


def _moved(entries: dict[str, Entry], name: str, other: str, after: bool) -> dict[str, Entry]:
    order = [one for one in entries if one != name]
    if name != other:
        order.insert(order.index(other) + after, name)
    else:
        order = list(entries)
    return {one: entries[one] for one in order}
