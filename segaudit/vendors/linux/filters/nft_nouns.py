"""An nftables ruleset in its own nouns, as ``nft -j list ruleset`` prints it (libnftables-json(5))."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from segaudit.model.acl import Matches

Json = Any
"""A value of the JSON document: nftables expressions nest without bound."""


@dataclass(frozen=True, slots=True)
class NftSet:
    """A named set or map: ``elements`` are values, or (key, value) pairs of a map.

    ``grows`` is true where packets may add or delete elements, so that the list is a moment's view.
    """

    name: str
    elements: tuple[Json, ...]
    grows: bool = False
    is_map: bool = False
    matched: dict[tuple[str, ...], Matches] = field(default_factory=dict, compare=False, repr=False)
    """What membership comes to, by the keys looked up: many rules may name one big set."""


@dataclass(frozen=True, slots=True)
class NftRule:
    """One rule: its statements in order, and the handle that the text listing prints too."""

    chain: str
    handle: int
    expressions: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class NftChain:
    """A chain; ``hook`` is empty for one that is only jumped to."""

    name: str
    handle: int
    hook: str = ""
    kind: str = ""
    priority: int | None = None
    drops_by_default: bool = False


@dataclass(frozen=True, slots=True)
class NftTable:
    """A table with its chains, rules in file order, and named sets and maps."""

    family: str
    name: str
    chains: tuple[NftChain, ...] = ()
    rules: tuple[NftRule, ...] = ()
    sets: Mapping[str, NftSet] | None = None
    dormant: bool = False
    unread: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Family and name: what identifies a table."""
        return self.family, self.name


class NotARuleset(ValueError):
    """The text is not the whole output of ``nft -j list ruleset``."""
