"""``nft -j list ruleset`` -> ``NftTable``, and where ``nft -a list ruleset`` shows each object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from segaudit.vendors.linux.filters.nft_nouns import Json, NftChain, NftRule, NftSet, NftTable, NotARuleset

_OTHER_OBJECTS = frozenset(
    {
        "metainfo",
        "counter",
        "quota",
        "limit",
        "ct helper",
        "ct timeout",
        "ct expectation",
        "synproxy",
        "secmark",
    }
)
"""Objects that rules refer to by name; a rule that does is read as it stands."""


@dataclass(slots=True)
class _Parts:
    """A table while its objects come in."""

    table: NftTable
    chains: list[NftChain] = field(default_factory=list)
    rules: list[NftRule] = field(default_factory=list)
    sets: dict[str, NftSet] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)


def tables_of(text: str) -> tuple[NftTable, ...]:
    """The tables of a ruleset in the order listed.

    Raises:
        NotARuleset: not JSON, not the document of ``nft -j``, or an object of a shape not known.
    """
    found: dict[tuple[str, str], _Parts] = {}
    for kind, body in _objects(text):
        try:
            _take(found, kind, body)
        except (KeyError, TypeError, ValueError) as failure:
            raise NotARuleset(f"{kind} object not understood: {failure!r}") from failure
    return tuple(_finished(parts) for parts in found.values())


def _objects(text: str) -> Iterator[tuple[str, Json]]:
    try:
        document = json.loads(text)
    except ValueError as failure:
        raise NotARuleset(f"not JSON: {failure}") from failure
    except RecursionError as failure:
        raise NotARuleset("nested too deeply") from failure
    listed = document.get("nftables") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise NotARuleset("no list under 'nftables'")
    for element in listed:
        if not isinstance(element, dict) or len(element) != 1:
            raise NotARuleset(f"not an object: {str(element)[:60]}")
        yield from element.items()


def _take(found: dict[tuple[str, str], _Parts], kind: str, body: Json) -> None:
    if kind == "table":
        flags = body.get("flags", [])
        dormant = "dormant" in ([flags] if isinstance(flags, str) else flags)
        key = (str(body["family"]), str(body["name"]))
        found[key] = _Parts(NftTable(*key, dormant=dormant))
        return
    if kind in _OTHER_OBJECTS:
        return
    parts = found[str(body["family"]), str(body["table"])]
    if kind == "chain":
        parts.chains.append(_chain(body))
    elif kind == "rule":
        parts.rules.append(NftRule(str(body["chain"]), int(body["handle"]), tuple(body.get("expr", ()))))
    elif kind in ("set", "map", "meter"):
        parts.sets[str(body["name"])] = _set(kind, body)
    else:
        parts.unread.append(f"{kind} {body.get('name', '')}")


def _chain(body: Json) -> NftChain:
    priority = body.get("prio")
    return NftChain(
        name=str(body["name"]),
        handle=int(body["handle"]),
        hook=str(body.get("hook", "")),
        kind=str(body.get("type", "")),
        priority=int(priority) if priority is not None else None,
        drops_by_default=body.get("policy", "accept") != "accept",
    )


def _set(kind: str, body: Json) -> NftSet:
    flags = body.get("flags", [])
    flags = [flags] if isinstance(flags, str) else flags
    elements = body.get("elem", [])
    elements = elements if isinstance(elements, list) else [elements]
    grows = kind == "meter" or "dynamic" in flags
    return NftSet(str(body["name"]), tuple(elements), grows, is_map=kind == "map")


def _finished(parts: _Parts) -> NftTable:
    changed = {name for rule in parts.rules for name in _written_sets(rule.expressions)}
    sets = {name: replace(each, grows=each.grows or name in changed) for name, each in parts.sets.items()}
    return replace(
        parts.table,
        chains=tuple(parts.chains),
        rules=tuple(parts.rules),
        sets=sets,
        unread=tuple(parts.unread),
    )


def _written_sets(expressions: tuple[Json, ...]) -> Iterator[str]:
    """The sets that a rule adds packets' values to, or takes them from."""
    for statement in expressions:
        for kind in ("set", "map"):
            body = statement.get(kind) if isinstance(statement, dict) else None
            if isinstance(body, dict) and isinstance(body.get(kind), str):
                yield body[kind].removeprefix("@")


@dataclass(frozen=True, slots=True)
class NftListing:
    """The text listing: what each line belongs to.

    ``rules`` maps (family, table, handle) to the rule's line; ``blocks`` maps (family, table, kind,
    name) to first and last line; ``owners`` maps every line inside a table to that table.
    """

    rules: dict[tuple[str, str, int], int]
    blocks: dict[tuple[str, str, str, str], tuple[int, int]]
    owners: dict[int, tuple[str, str]]
    remarks: tuple[int, ...]
    complete: bool

    def owned_by(self, key: tuple[str, str]) -> list[int]:
        """The lines of one table."""
        return [line for line, owner in self.owners.items() if owner == key]


_HANDLE = re.compile(r"\s# handle (\d+)$")
_TABLE = re.compile(r"table (\S+) (\S+) \{$")
_BLOCK = re.compile(
    r"(chain|set|map|meter|flowtable|counter|quota|limit|ct \w+|synproxy|secmark) (\S+) \{$"
)


def listing_of(text: str) -> NftListing:
    """Where the objects of ``nft -a list ruleset`` stand; a set's elements may run over several lines."""
    listing = NftListing({}, {}, {}, (), True)
    remarks: list[int] = []
    table: tuple[str, str] | None = None
    block: tuple[str, str, int] | None = None
    elements_open = False
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        handle = _HANDLE.search(line)
        bare = _HANDLE.sub("", line)
        if not line:
            continue
        if table is None:
            table = _opened(bare)
            if table is None:
                if line.startswith("#"):
                    remarks.append(number)
                continue
            listing.owners[number] = table
            continue
        listing.owners[number] = table
        if elements_open or line.startswith("elements = {"):
            elements_open = not line.endswith("}")
        elif line == "}":
            if block is None:
                table = None
            else:
                listing.blocks[*table, block[0], block[1]] = (block[2], number)
                block = None
        elif block is None and (opened := _BLOCK.match(bare)):
            block = (opened[1], opened[2], number)
        elif handle and block and block[0] == "chain":
            listing.rules[*table, int(handle[1])] = number
    return replace(listing, remarks=tuple(remarks), complete=table is None)


def _opened(bare: str) -> tuple[str, str] | None:
    found = _TABLE.match(bare)
    return (found[1], found[2]) if found else None


def rule_text(line: str) -> str:
    """A line of the listing without its handle."""
    return _HANDLE.sub("", line.strip())
