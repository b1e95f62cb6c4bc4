"""``policy-options prefix-list``, with what ``apply-path`` collects from the configuration."""

from __future__ import annotations

from collections.abc import Iterator

from segaudit.parse.word_tree import Node
from segaudit.vendors.juniper_junos.inheritance import fits
from segaudit.vendors.juniper_junos.reading import Reading
from segaudit.vendors.juniper_junos.words import Prefix, prefix

PrefixLists = dict[str, tuple[Prefix, ...] | None]
"""The prefixes of each list; ``None`` where it is not known which they are."""


def prefix_lists(reading: Reading) -> PrefixLists:
    """Every prefix list. One with something that cannot be read is not known as a whole."""
    return {
        node.word: _prefixes(reading, node) for node in reading.root.under("policy-options", "prefix-list")
    }


def _prefixes(reading: Reading, node: Node) -> tuple[Prefix, ...] | None:
    found: list[Prefix] = []
    known = True
    reading.fact(node)
    for child in node:
        if child.word == "apply-path":
            for path in child:
                found += _collected(reading.root, path.word)
            reading.facts(child)
            continue
        one = prefix(child.word)
        if one is None:
            known = known and child.word in ("apply-groups", "apply-macro", "description")
            reading.ignored(child, "no prefix: the list counts as not known")
        else:
            found.append(one)
            reading.facts(child)
    return tuple(dict.fromkeys(found)) if known and found else None


def _collected(root: Node, path: str) -> Iterator[Prefix]:
    """The addresses that stand where ``path`` leads (``interfaces <*> unit <*> family inet <*>``)."""
    nodes = [root]
    for word in path.split():
        if word.startswith("<"):
            nodes = [child for node in nodes for child in node if fits(word, child.word)]
        else:
            nodes = [child for node in nodes if (child := node.get(word)) is not None]
    for node in nodes:
        one = prefix(node.word)
        if one is not None:
            yield one
