"""What a configuration inherits: ``groups`` with their wildcards, and ``interface-range``.

Junos expands both before it reads the configuration (CLI User Guide, "Use Configuration Groups"): what
stands nearer wins, the group named first wins over the next, and lists of things are joined.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from segaudit.parse.word_tree import Node

_ROUNDS = 6
_MOST_MEMBERS = 4096
_MOST_COPIES = 1_000_000
_NUMBERED = re.compile(r"(.*\D)(\d+)")
_CLASS = re.compile(r"\[([\d,\- ]+)\]")
_OF_A_NODE = "${node}"
_ABOUT_ITSELF = frozenset(("apply-groups", "apply-groups-except", "apply-macro", "apply-flags"))


@dataclass(slots=True)
class Inheritance:
    """What came of the expansion.

    ``doubts`` are nodes that are not understood, ``lost`` such lines that stand for no node any more,
    ``used`` the lines that asked for a group and got it.
    """

    doubts: list[tuple[Node, str]] = field(default_factory=list)
    lost: list[tuple[int, str]] = field(default_factory=list)
    used: list[int] = field(default_factory=list)
    applied: set[str] = field(default_factory=set)
    copies: int = 0


def expand(root: Node) -> Inheritance:
    """Put into ``root`` what it inherits; ``groups`` itself stays for the accounting of its lines."""
    result = Inheritance()
    if not root.has("groups") and not any(node.word in _ABOUT_ITSELF for node in root.walk()):
        _expand_ranges(root, result)
        return result
    for _ in range(_ROUNDS):
        before = result.copies
        _expand_groups(root, result)
        if result.copies == before:
            break
    else:
        result.lost += [(line, "groups that apply each other") for line in _asking(root)]
    _expand_ranges(root, result)
    _strip(root, result)
    return result


def _asking(root: Node) -> list[int]:
    return [line for node in root.walk() if node.word == "apply-groups" for line in node.all_lines()]


def _strip(root: Node, result: Inheritance) -> None:
    """Take out the statements that are about the configuration itself."""
    lost = {line for line, _ in result.lost}
    for node in list(root.walk()):
        for word in _ABOUT_ITSELF & node.children.keys():
            lines = node.children.pop(word).all_lines()
            result.used += [line for line in lines if line not in lost]


# ---- groups -------------------------------------------------------------------------------------


def _expand_groups(root: Node, result: Inheritance) -> None:
    groups = root.get("groups")
    for path in list(_users(root)):
        user = path[-1]
        excepted = {word for node in path for word in node.words("apply-groups-except")}
        for name in user.words("apply-groups"):
            for group in _named(groups, name, result, user):
                if group.word not in excepted - set(user.words("apply-groups")):
                    _inherit(group, path, result)


def _users(root: Node) -> Iterator[tuple[Node, ...]]:
    """The ways from the root to each node with ``apply-groups``, the innermost first."""
    found: list[tuple[Node, ...]] = []
    waiting: list[tuple[Node, ...]] = [(root,)]
    while waiting:
        path = waiting.pop()
        if path[-1].has("apply-groups"):
            found.append(path)
        for child in path[-1]:
            if child.word != "groups" or len(path) > 1:
                waiting.append((*path, child))
    return iter(sorted(found, key=len, reverse=True))


def _named(groups: Node | None, name: str, result: Inheritance, user: Node) -> list[Node]:
    """The groups that an ``apply-groups`` names; a chassis cluster's each for its own node."""
    known = {} if groups is None else groups.children
    result.applied.add(name)
    if name == _OF_A_NODE:
        nodes = [known[one] for one in known if re.fullmatch(r"node\d|re\d", one)]
        result.applied.update(node.word for node in nodes)
        result.doubts.extend((node, "differs between the nodes of a cluster") for node in _differing(nodes))
        return nodes
    if name in known:
        if known[name].has("when"):
            result.doubts.append((known[name], "a group that applies only under conditions"))
        return [known[name]]
    if name not in ("junos-defaults",):
        lines = user["apply-groups"][name].all_lines()
        result.lost += [(line, "a group that is not there") for line in lines]
    return []


_PER_NODE = frozenset(("system", "chassis", "snmp", "event-options"))


def _differing(nodes: Iterable[Node]) -> Iterator[Node]:
    """What the nodes of a cluster have each for itself, other than names and the management port."""
    for node in nodes:
        for part in node:
            if part.word == "interfaces":
                yield from (one for one in part if one.word not in ("fxp0", "em0", "fab0", "fab1", "lo0"))
            elif part.word not in _PER_NODE:
                yield part


def _inherit(group: Node, path: tuple[Node, ...], result: Inheritance) -> None:
    sources = [group]
    for node in path[1:]:
        sources = [one for source in sources for one in _matching(source, node.word)]
    for source in sources:
        _merge(path[-1], source, result)


def _matching(source: Node, word: str) -> Iterator[Node]:
    """The children of a group's node that stand for ``word``."""
    for child in source:
        if child.word == word or (child.word.startswith("<") and fits(child.word, word)):
            yield child


def _merge(target: Node, source: Node, result: Inheritance) -> None:
    waiting = [(target, source)]
    while waiting:
        to, part = waiting.pop()
        for child in part:
            if child.word.startswith("<"):
                waiting.extend((one, child) for one in list(to) if fits(child.word, one.word))
                continue
            known = to.children.get(child.word)
            if known is None:
                known = _copied(to, child, result)
            waiting.append((known, child))
        if result.copies > _MOST_COPIES:
            result.doubts.append((source, "groups grow beyond what can be read"))
            return


def _copied(to: Node, child: Node, result: Inheritance) -> Node:
    made = to.child(child.word, inherited=True)
    made.lines = list(child.lines)
    made.touched = child.touched
    made.inactive = child.inactive
    result.copies += 1
    return made


def fits(pattern: str, word: str) -> bool:
    """True where a wildcard in angle brackets stands for ``word``."""
    if word.startswith("<") or word in _ABOUT_ITSELF:
        return False
    if pattern == "<*>":
        return True
    compiled = _pattern(pattern)
    return compiled is not None and compiled.match(word) is not None


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str] | None:
    if not (text.startswith("<") and text.endswith(">")):
        return None
    try:
        return re.compile(fnmatch.translate(text[1:-1]))
    except re.error:
        return None


# ---- interface ranges ---------------------------------------------------------------------------


def _expand_ranges(root: Node, result: Inheritance) -> None:
    interfaces = root.get("interfaces")
    if interfaces is None:
        return
    for one in interfaces.under("interface-range"):
        for name in _members(one, interfaces, result):
            port = interfaces.child(name, inherited=True)
            for child in one:
                if child.word not in ("member", "member-range"):
                    _merge_one(port, child, result)


def _merge_one(port: Node, child: Node, result: Inheritance) -> None:
    known = port.children.get(child.word)
    if known is None:
        known = _copied(port, child, result)
    _merge(known, child, result)


def _members(one: Node, interfaces: Node, result: Inheritance) -> list[str]:
    names = []
    for member in one.under("member"):
        spelled = _spelled(member.word)
        if spelled is None or "*" in member.word:
            result.doubts.append((member, "ports that the configuration does not name may be members"))
            pattern = f"<{member.word}>"
            names += [port.word for port in interfaces if fits(pattern, port.word)]
        else:
            names += spelled
    for first in one.under("member-range"):
        for last in first.words("to"):
            between = _between(first.word, last)
            names += between
            if not between:
                result.doubts.append((first, "a range of ports that cannot be counted"))
    return names


def _spelled(word: str) -> list[str] | None:
    """``xe-0/0/[0-2,7]`` one by one; ``None`` where that cannot be done."""
    names = [word]
    while any("[" in name for name in names):
        longer = []
        for name in names:
            found = _CLASS.search(name)
            if found is None:
                return None
            numbers = _numbers(found[1])
            longer += [f"{name[: found.start()]}{number}{name[found.end() :]}" for number in numbers]
        names = longer
        if not 0 < len(names) <= _MOST_MEMBERS:
            return None
    return names


def _numbers(text: str) -> list[int]:
    numbers: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isascii() or not first.isdigit() or (last and not last.isdigit()) or len(part) > 9:
            return []
        numbers += range(int(first), min(int(last or first), int(first) + _MOST_MEMBERS) + 1)
    return numbers


def _between(first: str, last: str) -> list[str]:
    begin, end = _NUMBERED.fullmatch(first), _NUMBERED.fullmatch(last)
    if begin is None or end is None or begin[1] != end[1] or len(end[2]) > 6 or len(begin[2]) > 6:
        return []
    low, high = int(begin[2]), int(end[2])
    return [f"{begin[1]}{number}" for number in range(low, high + 1)] if high - low < _MOST_MEMBERS else []
