"""Configurations as a list of commands: ``set a b c``, ``deactivate a b``, ``delete a b``, ``insert``."""

from __future__ import annotations

import re

from segaudit.parse.word_tree import Node, Tree

_TOKENS = re.compile(r'"((?:[^"\\]|\\.)*)"|(\[)(?=\s)|(\])(?=\s|$)|(\S+)')
_SPECIAL = re.compile(r'["\[\]]')

_REMARK = "## SECRET-DATA"
"""A remark of the device behind a secret."""

COMMANDS = frozenset(
    ("set", "deactivate", "activate", "delete", "insert", "protect", "unprotect", "annotate")
)
"""The words that a line of this form begins with."""

Word = str | tuple[str, ...]


def is_command(text: str) -> bool:
    """True for a line of this form."""
    return text.split(None, 1)[0] in COMMANDS if text else False


def words_of(text: str) -> list[Word] | None:
    """The words of a statement, quotes taken off and lists as tuples; ``None`` where they are torn."""
    if not _SPECIAL.search(text):
        return list(text.split())
    words: list[Word] = []
    listed: list[str] | None = None
    for found in _TOKENS.finditer(text):
        quoted, opens, closes, plain = found.groups()
        if opens:
            if listed is not None:
                return None
            listed = []
        elif closes:
            if listed is None:
                return None
            words.append(tuple(listed))
            listed = None
        else:
            word = plain if quoted is None else quoted
            if quoted is None and '"' in plain:
                return None
            (words if listed is None else listed).append(word)
    return words if listed is None else None


def read_command(tree: Tree, text: str, number: int) -> None:
    """Do what one line says; what cannot be done becomes a problem of the tree."""
    words = words_of(text.removesuffix(_REMARK).rstrip())
    if words is None:
        tree.problems.append((number, "quotes or brackets do not match"))
        return
    verb, rest = words[0], words[1:]
    if verb == "set" and rest:
        tree.insert(tree.root, rest, (number,))
    elif verb in ("protect", "unprotect", "annotate"):
        tree.remarks.append((number, "protects or annotates a statement, which changes nothing"))
    elif verb in ("deactivate", "activate"):
        _activate(tree, rest, number, verb == "deactivate")
    elif verb == "delete":
        tree.delete(tree.root, rest, "deleted later")
        tree.remarks.append((number, "deletes what was set before"))
    elif verb == "insert" and _moved(tree, rest):
        tree.remarks.append((number, "orders what was set before"))
    else:
        tree.problems.append((number, f"{verb}: what it names is not there"))


def _activate(tree: Tree, words: list[Word], number: int, inactive: bool) -> None:
    plain = [word for word in words if isinstance(word, str)]
    node = tree.root.get(*plain)
    if node is None or not plain or len(plain) != len(words):
        tree.problems.append((number, "what is to be deactivated is not there"))
        return
    node.inactive = inactive
    tree.remarks.append((number, "switches a statement off or on"))


def _moved(tree: Tree, words: list[Word]) -> bool:
    """``insert PATH NAME before|after OTHER``; true where it could be done."""
    plain = [word for word in words if isinstance(word, str)]
    if len(plain) < 4 or len(plain) != len(words):
        return False
    where = next((index for index in (-2, -3) if plain[index] in ("before", "after")), None)
    if where is None:
        return False
    parent = tree.root.get(*plain[: where - 1])
    name, other = plain[where - 1], plain[-1]
    if parent is None or name == other or not {name, other} <= parent.children.keys():
        return False
    _reorder(parent, name, other, before=plain[where] == "before")
    return True


def _reorder(parent: Node, name: str, other: str, before: bool) -> None:
    order = [word for word in parent.children if word != name]
    order.insert(order.index(other) + (not before), name)
    parent.children = {word: parent.children[word] for word in order}
