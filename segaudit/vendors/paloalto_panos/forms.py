"""The three written forms of a configuration: XML, ``set`` commands, and the braces of ``show config``.

Source: PAN-OS CLI Quick Start 10.1, "Change CLI modes" and "Load configurations".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from segaudit.parse.ledger import LineLedger
from segaudit.parse.xml_lines import XmlElement, parse_xml
from segaudit.vendors.paloalto_panos.tree import Node, normalised

FREE_TEXT = frozenset(
    {"description", "comment", "comments", "login-banner", "public-key", "private-key", "body"}
    | {"message-of-the-day", "location", "contact", "display-name"}
)
"""Words whose quoted value goes to the end of the line, whatever quotes it holds itself.

An entry may have such a word for its name; what follows a name is no quotation.
"""

_COMMENT = ("#", "!")
_TERMINAL = re.compile(
    r"\[edit[^\]]*\]|[\w.-]+@[\w.()-]+(?:\([^)]*\))?[>#](?: *(?:show|set cli|configure).*)?|show config\b.*"
)
_SETTING = re.compile(r"(?:set|delete|move|rename|copy|edit|load)\s")
_LIST = re.compile(r"\[(.*)\]")
_XML = re.compile(r"\s*(?:<\?xml|<config\b|<response\b|<vsys\b|<policy\b|<devices\b)")
_OPENING = re.compile(r"(\S.*?)\s*\{\s*(\}?)")
_NOT_PART = "stands outside of the configuration's syntax"
_QUOTES = "\"'"


def read_tree(text: str, where: str, ledger: LineLedger) -> Node:
    """The tree of a configuration in any of the three forms.

    Lines that are part of no form are unrecognized and leave the device in doubt.

    Raises:
        SnapshotError: it is XML, and not well-formed.
    """
    if _XML.match(text) or _has_xml_line(text):
        return normalised(_from_xml(text, where, ledger))
    lines = text.split("\n")
    if any(_SETTING.match(line.lstrip()) for line in lines):
        return normalised(_Commands(lines, ledger).tree())
    return normalised(_from_braces(lines, ledger))


def _has_xml_line(text: str) -> bool:
    return any(line.startswith(("<?xml", "<config", "<response")) for line in text.split("\n", 40)[:40])


# ---- XML ----------------------------------------------------------------------------------------


def _from_xml(text: str, where: str, ledger: LineLedger) -> Node:
    document = parse_xml(_only_xml(text, ledger), where)
    root = Node("", ledger.file)
    _grow(root, document.root)
    for first, last in document.comments:
        ledger.ignored(first, last, "a comment")
    for number, line in enumerate(text.split("\n", document.root.first_line)[:-1], start=1):
        if line.lstrip().startswith("<?xml"):
            ledger.fact(number)
    return root


def _only_xml(text: str, ledger: LineLedger) -> str:
    """``text`` without the prompt lines before and after, lines kept."""
    lines = text.split("\n")
    inside = [at for at, line in enumerate(lines) if line.lstrip().startswith("<")]
    first, last = inside[0], max(at for at, line in enumerate(lines) if ">" in line)
    for at, line in enumerate(lines):
        if not first <= at <= last and line.strip():
            _outside(ledger, at + 1, line)
            lines[at] = ""
    return "\n".join(lines)


def _grow(root: Node, top: XmlElement) -> None:
    waiting = [(root, top)]
    while waiting:
        parent, element = waiting.pop()
        node = _of_element(parent, element)
        if element.text and not element.children and element.tag != "member":
            value = node.below(element.text)
            value.stands_on((element.first_line, element.last_line))
        waiting.extend((node, child) for child in reversed(element.children))


def _of_element(parent: Node, element: XmlElement) -> Node:
    name = element.tag
    if name == "entry" and "name" in element.attributes:
        name = element.attributes["name"]
    elif name == "member":
        name = element.text
    known = parent.children.get(name)
    if known is not None and (element.tag == "entry" or (element.text and element.tag != "member")):
        known.repeated = True
    node = parent.below(name)
    if element.children:
        node.stands_on((element.first_line, element.first_line))
        node.stands_on((element.last_line, element.last_line))
    else:
        node.stands_on((element.first_line, element.last_line))
    return node


# ---- set commands -------------------------------------------------------------------------------


class _Commands:
    """``set``, ``delete`` and ``move`` in the order in which they stand."""

    def __init__(self, lines: list[str], ledger: LineLedger) -> None:
        self._lines = lines
        self._ledger = ledger
        self._root = Node("", ledger.file)
        self._last_nodes: list[Node] = []
        """The nodes of the last ``set``, word by word."""

    def tree(self) -> Node:
        at = 0
        while at < len(self._lines):
            line = self._lines[at].strip()
            last = at
            words = _simple(line)
            if words is not None:
                self._set(words, (at + 1, at + 1))
            elif line and not self._accounted(at + 1, line):
                last = self._end_of_quote(at, line)
                whole = "\n".join([line, *self._lines[at + 1 : last + 1]])
                self._command(whole, (at + 1, last + 1))
            at = last + 1
        return self._root

    def _accounted(self, number: int, line: str) -> bool:
        if line.startswith(_COMMENT):
            self._ledger.ignored(number, number, "a comment")
        elif not _SETTING.match(line):
            _outside(self._ledger, number, line)
        else:
            return False
        return True

    def _end_of_quote(self, at: int, line: str) -> int:
        """The last line of a quoted text that begins on ``line``; no command stands in one."""
        value = _free_value(line) if '"' in line or "'" in line else None
        if value is None or _closed(value):
            return at
        for last in range(at + 1, len(self._lines)):
            if _SETTING.match(self._lines[last]):
                break
            if self._lines[last].rstrip().endswith(value[0]):
                return last
        return at

    def _command(self, line: str, lines: tuple[int, int]) -> None:
        verb, _, rest = line.partition(" ")
        words = split_words(rest.strip())
        if words is None:
            self._ledger.unrecognized(*lines, "a quotation without its end")
        elif verb == "set":
            self._set(words, lines)
        elif verb == "delete":
            self._delete(words, lines)
        elif verb == "move":
            self._move(words, lines)
        else:
            self._ledger.unrecognized(*lines, f"{verb}: its effect is not followed")

    def _set(self, words: list[str | list[str]], lines: tuple[int, int]) -> None:
        shared = self._shared_with_last(words)
        path = self._last_nodes[:shared]
        node = path[-1] if path else self._root
        self._last_nodes = path
        for at, word in enumerate(words[shared:], start=shared):
            if isinstance(word, list):
                if at != len(words) - 1:
                    self._ledger.unrecognized(*lines, "words after a list")
                for member in word:
                    node.below(member).stands_on(lines)
                if not word:
                    node.stands_on(lines)
                return
            node = node.below(word)
            path.append(node)
        node.stands_on(lines)

    def _shared_with_last(self, words: list[str | list[str]]) -> int:
        """How many words at the beginning are those of the last command, which need no second look."""
        shared = 0
        for word, last in zip(words, self._last_nodes, strict=False):
            if word != last.name:
                break
            shared += 1
        return shared

    def _delete(self, words: list[str | list[str]], lines: tuple[int, int]) -> None:
        self._last_nodes = []
        *ahead, last = words or [""]
        paths = [[*ahead, name] for name in last] if isinstance(last, list) else [words]
        found = [self._find(path) for path in paths]
        if not all(gone is not None for _, gone in found) or any(isinstance(one, list) for one in ahead):
            self._ledger.ignored(*lines, "deletes what is not there")
        else:
            self._ledger.fact(*lines)
        for parent, gone in found:
            if parent is not None and gone is not None:
                self._remove(parent, gone)

    def _remove(self, parent: Node, gone: Node) -> None:
        del parent.children[gone.name]
        parent.latest = next(reversed(parent.children), "")
        for node in gone.walk():
            for first, last in node.lines:
                self._ledger.ignored(first, last, "deleted further below")

    def _move(self, words: list[str | list[str]], lines: tuple[int, int]) -> None:
        at = next((i for i, word in enumerate(words) if word in ("top", "bottom", "before", "after")), -1)
        parent, moved = self._find(words[:at]) if at > 0 else (None, None)
        if parent is None or moved is None:
            self._ledger.unrecognized(*lines, "moves something that is not there")
            return
        order = [name for name in parent.children if name != moved.name]
        beside = words[at + 1] if len(words) > at + 1 else ""
        place = {"top": 0, "bottom": len(order)}.get(str(words[at]))
        if place is None:
            if beside not in order:
                self._ledger.unrecognized(*lines, "moves to a place that is not there")
                return
            place = order.index(str(beside)) + (words[at] == "after")
        order.insert(place, moved.name)
        parent.children = {name: parent.children[name] for name in order}
        self._ledger.fact(*lines)

    def _find(self, words: Sequence[str | list[str]]) -> tuple[Node | None, Node | None]:
        parent, node = None, self._root
        for word in words:
            name = word if isinstance(word, str) else ""
            if name not in node.children:
                return None, None
            parent, node = node, node.children[name]
        return parent, node


def _free_value(line: str) -> str | None:
    """The value of a free text on a ``set`` line, as it stands."""
    for found in re.finditer(r"\s(\S+)\s+(?=\S)", line):
        if found[1] in FREE_TEXT and line[found.end()] in _QUOTES:
            return line[found.end() :]
    return None


def _closed(value: str) -> bool:
    return len(value) > 1 and value.rstrip().endswith(value[0])


_WORD = re.compile(
    r'\s*(?:"((?:[^"\\]|\\.)*)"(?=[\s\]]|$)|\'([^\']*)\'(?=[\s\]]|$)|([^\s"\'\[\]]\S*)|(\[)|(\])|(\S+))'
)


def split_words(text: str) -> list[str | list[str]] | None:
    """The words of a command, quotes taken off; ``[ a b ]`` is one list. ``None``: cannot be split."""
    if '"' not in text and "'" not in text:
        return _plain_words(text)
    words: list[str | list[str]] = []
    inside: list[str] | None = None
    at = 0
    while at < len(text):
        if words and words[-1] in FREE_TEXT and text[at:].lstrip()[:1] in ('"', "'"):
            words.append(_unquoted(text[at:].strip()))
            return words
        found = _WORD.match(text, at)
        if found is None:
            break
        at = found.end()
        double, single, plain, opens, closes, broken = found.groups()
        if broken is not None:
            return None
        if opens:
            if inside is not None:
                return None
            inside = []
        elif closes:
            if inside is None:
                return None
            words.append(inside)
            inside = None
        else:
            word = next(one for one in (double, single, plain) if one is not None)
            if inside is None:
                words.append(word)
            else:
                ends = plain is not None and word.endswith("]")
                inside.append(word[:-1] if ends else word)
                if ends:
                    words.append(inside)
                    inside = None
    return None if inside is not None else words


def _simple(line: str) -> list[str | list[str]] | None:
    """The words of a ``set`` command that holds no quote; ``None``: look closer."""
    if not line.startswith("set ") or '"' in line or "'" in line:
        return None
    return _plain_words(line[4:])


def _plain_words(text: str) -> list[str | list[str]] | None:
    """The words of a command without quotes."""
    head, opens, rest = text.partition("[")
    words: list[str | list[str]] = [*head.split()]
    if not opens:
        return words
    members, closes, after = rest.partition("]")
    if head[-1:].strip() or not closes or "[" in members or after.strip():
        return None
    return [*words, members.split()]


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] in _QUOTES and value[-1] == value[0] else value


# ---- braces -------------------------------------------------------------------------------------


def _from_braces(lines: list[str], ledger: LineLedger) -> Node:
    root = Node("", ledger.file)
    open_nodes = [root]
    for first, last, text in _statements(lines, ledger):
        if text == "}":
            if len(open_nodes) == 1:
                ledger.unrecognized(first, last, "closes a block that is not open")
                continue
            open_nodes.pop().stands_on((first, last))
            continue
        opened = _OPENING.fullmatch(text)
        path = split_words(opened[1]) if opened else None
        if opened and path:
            node = open_nodes[-1]
            for word in path:
                node = node.below(str(word))
            node.repeated = bool(node.children)
            node.stands_on((first, last))
            if not opened[2]:
                open_nodes.append(node)
        elif opened or not _leaf(open_nodes[-1], text[:-1].rstrip(), (first, last)):
            ledger.unrecognized(first, last, _NOT_PART)
    if len(open_nodes) > 1:
        ledger.unrecognized(len(lines), len(lines), "the configuration ends inside a block")
        _note_cut(lines, ledger)
    return root


def _note_cut(lines: list[str], ledger: LineLedger) -> None:
    """A cut configuration is in doubt also where its last line is blank."""
    last = max((at for at, line in enumerate(lines, start=1) if line.strip()), default=1)
    ledger.unrecognized(last, last, "the configuration ends inside a block")


def _leaf(parent: Node, text: str, lines: tuple[int, int]) -> bool:
    """``name``, ``name value`` or ``name [ a b ]`` below ``parent``."""
    name, _, value = text.partition(" ") if not text.startswith(tuple(_QUOTES)) else _quoted_name(text)
    value = value.strip()
    if not name:
        return False
    if value and ((value[0] in _QUOTES and _closed(value)) or "\n" in value):
        parent.below(name).below(_unquoted(value)).stands_on(lines)
        return True
    words = split_words(value)
    if words is None or len(words) > 1:
        return False
    node = parent.below(name)
    members = words[0] if words and isinstance(words[0], list) else words
    for word in members:
        node.below(str(word)).stands_on(lines)
    if not members:
        node.stands_on(lines)
    return True


def _quoted_name(text: str) -> tuple[str, str, str]:
    end = text.find(text[0], 1)
    return (text[1:end], " ", text[end + 1 :]) if end > 0 else ("", "", "")


def _statements(lines: list[str], ledger: LineLedger) -> Iterator[tuple[int, int, str]]:
    """Each statement with its lines: an opening, a ``}``, or a leaf with its ``;``."""
    at = 0
    while at < len(lines):
        text = lines[at].strip()
        last = at
        if not text:
            pass
        elif text == "}" or text.endswith((";", "{", "{}")):
            yield at + 1, at + 1, text
        elif text.startswith(_COMMENT):
            ledger.ignored(at + 1, at + 1, "a comment")
        else:
            last = _end_of_leaf(lines, at)
            if last == at:
                _outside(ledger, at + 1, text)
            else:
                yield at + 1, last + 1, text + "\n" + "\n".join(lines[at + 1 : last + 1]).rstrip()
        at = last + 1


def _end_of_leaf(lines: list[str], at: int) -> int:
    """The last line of a value that goes over several: quoted, or a long word that was wrapped."""
    value = lines[at].strip().partition(" ")[2]
    if not value:
        return at
    quoted = value[0] in _QUOTES and not _closed(value)
    for last in range(at + 1, len(lines)):
        text = lines[last].rstrip()
        if quoted and text.endswith(value[0] + ";"):
            return last
        if not quoted and (not text or any(mark in text for mark in " \t{}[]")):
            return at
        if quoted and text.endswith((";", "{", "}")):
            return at
        if text.endswith(";"):
            return last
    return at


def _outside(ledger: LineLedger, number: int, line: str) -> None:
    if _TERMINAL.fullmatch(line.strip()):
        ledger.ignored(number, number, "the terminal's prompt")
    else:
        ledger.unrecognized(number, number, _NOT_PART)
