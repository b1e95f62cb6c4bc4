"""One nft ``match`` statement -> ``Matches``: operators, sets, concatenations, masks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from segaudit.model.acl import AddressIn, AnyPacket, FieldIn, Matches, Range, UnknownMatch
from segaudit.vendors.linux.filters.expressions import all_of, any_of, holds_unknown, negated
from segaudit.vendors.linux.filters.nft_keys import (
    Key,
    any_bit,
    bits,
    certain_part,
    compared,
    key_of,
    shown,
)
from segaudit.vendors.linux.filters.nft_nouns import Json, NftSet

Sets = Mapping[str, NftSet]


@dataclass(frozen=True, slots=True)
class Selector:
    """One key, or several in a concatenation."""

    keys: tuple[Key, ...]

    @property
    def guard(self) -> Matches:
        """Where every key can be loaded."""
        return all_of([key.guard for key in self.keys])

    def having(self, value: Json) -> Matches:
        """The packets whose keys have ``value`` (of a set: one element), whatever else it carries."""
        value, certain = bare_element(value)
        unsure = () if certain else (UnknownMatch(f"element {shown(value)}", "it expires or is limited"),)
        if value == "*":
            return all_of([AnyPacket(), *unsure])
        if len(self.keys) == 1:
            return all_of([self._one(self.keys[0], value), *unsure])
        parts = value.get("concat") if isinstance(value, dict) else None
        if not isinstance(parts, list) or len(parts) != len(self.keys):
            return UnknownMatch(f"{' . '.join(key.text for key in self.keys)} {shown(value)}")
        return all_of(
            [*(self._one(key, part) for key, part in zip(self.keys, parts, strict=True)), *unsure]
        )

    def boxes(self, value: Json) -> tuple[Range, ...]:
        """The interval that an element covers in each key; a key without intervals counts as all."""
        bare = bare_element(value)[0]
        parts = bare.get("concat") if isinstance(bare, dict) else None
        if not isinstance(parts, list):
            return ((0, 1 << 128),)
        return tuple(
            _interval(certain_part(self._one(key, part)))
            for key, part in zip(self.keys, parts, strict=False)
        )

    @staticmethod
    def _one(key: Key, value: Json) -> Matches:
        if key.flags and not isinstance(value, str | int):
            return UnknownMatch(f"{key.text} {shown(value)}")
        return key.having(value)


def _interval(matches: Matches) -> Range:
    match matches:
        case AddressIn(_, _, (found,)) | FieldIn(_, (found,)):
            return found
        case _:
            return 0, 1 << 128


def bare_element(element: Json) -> tuple[Json, bool]:
    """The value of a set element, and whether it is certain to be there and to match.

    An element with a timeout may be gone, one with a limit or quota may not match (nft(8), SETS).
    """
    if not isinstance(element, dict) or set(element) != {"elem"}:
        return element, True
    inner = element["elem"]
    if not isinstance(inner, dict) or "val" not in inner:
        return element, False
    return inner["val"], set(inner) <= {"val", "comment", "counter"}


def selector_of(left: Json) -> Selector:
    """The key or keys on the left of a match, or in front of a map."""
    match left:
        case {"concat": [*parts]}:
            return Selector(tuple(key_of(part) for part in parts))
        case _:
            return Selector((key_of(left),))


class MatchReader:
    """Reads the ``match`` statements of one table, those that many rules repeat once."""

    def __init__(self, sets: Sets) -> None:
        self._sets = sets
        self._known: dict[str, tuple[Matches, bool]] = {}

    def read(self, statement: Json) -> tuple[Matches, bool]:
        """What a statement lets through, as ``match_of``; true where some of it is not modelled."""
        key = repr(statement)
        found = self._known.get(key)
        if found is None:
            matches = match_of(statement, self._sets)
            found = self._known[key] = matches, holds_unknown(matches) is not None
        return found


def match_of(statement: Json, sets: Sets) -> Matches:
    """The packets that a ``match`` statement lets through to the rest of the rule."""
    match statement:
        case {"op": str(operator), "left": {"&": [left, mask]}, "right": right}:
            return _masked(key_of(left), mask, operator, right)
        case {"op": str(operator), "left": left, "right": right}:
            return _compare(selector_of(left), operator, right, sets)
        case _:
            return UnknownMatch(shown(statement))


def _masked(key: Key, mask: Json, operator: str, right: Json) -> Matches:
    """``key & mask == value``."""
    text = f"{key.text} & {shown(mask)} {operator} {shown(right)}"
    if key.text == "ct state" and isinstance(mask, str) and mask == right:
        return _signed(key.guard, operator, any_bit(key, mask), text)
    mask_bits, value = bits(key, mask), bits(key, right)
    if key.masked is None or mask_bits is None or value is None:
        return all_of([key.guard, UnknownMatch(text)])
    return _signed(key.guard, operator, key.masked(value, mask_bits), text)


def _signed(guard: Matches, operator: str, found: Matches, text: str) -> Matches:
    match operator:
        case "==":
            return all_of([guard, found])
        case "!=":
            return all_of([guard, negated(found)])
        case _:
            return all_of([guard, UnknownMatch(text)])


def _compare(selector: Selector, operator: str, right: Json, sets: Sets) -> Matches:
    text = f"{' . '.join(key.text for key in selector.keys)} {operator} {shown(right)}"
    key = selector.keys[0]
    match operator:
        case "==" | "!=":
            return _signed(selector.guard, operator, member_of(selector, right, sets), text)
        case "in" | "!":
            return _bit_or_member(selector, operator, right, sets, text)
        case "<" | ">" | "<=" | ">=" if len(selector.keys) == 1:
            return all_of([selector.guard, compared(key, operator, right)])
        case _:
            return all_of([selector.guard, UnknownMatch(text)])


def _bit_or_member(selector: Selector, operator: str, right: Json, sets: Sets, text: str) -> Matches:
    """``in``: any bit of a bit field, else membership; ``!``: none of the bits."""
    key = selector.keys[0]
    if len(selector.keys) == 1 and key.flags and not _is_set(right):
        found = any_bit(key, right)
        return all_of([key.guard, negated(found) if operator == "!" else found])
    if operator == "in" and (_is_set(right) or isinstance(right, list)):
        return all_of([selector.guard, member_of(selector, right, sets)])
    return all_of([selector.guard, UnknownMatch(text)])


def _is_set(right: Json) -> bool:
    return (isinstance(right, dict) and "set" in right) or (
        isinstance(right, str) and right.startswith("@")
    )


def member_of(selector: Selector, right: Json, sets: Sets) -> Matches:
    """The packets whose keys have the value, or are in the set, that ``right`` stands for."""
    match right:
        case {"set": [*elements]}:
            return any_of(map(selector.having, elements))
        case {"set": element}:
            return selector.having(element)
        case str() if right.startswith("@"):
            return _member_of_named(selector, sets.get(right[1:]), right)
        case list() | {"|": _} if len(selector.keys) == 1:
            return _all_bits(selector.keys[0], right)
        case _:
            return selector.having(right)


def _all_bits(key: Key, right: Json) -> Matches:
    """A bit field equal to several flags ORed together."""
    value = bits(key, right)
    if value is None or not key.flags:
        return UnknownMatch(f"{key.text} {shown(right)}")
    return key.having(value)


def _member_of_named(selector: Selector, found: NftSet | None, text: str) -> Matches:
    if found is None or found.grows:
        return UnknownMatch(text, "members come and go with traffic" if found else "set not listed")
    keys = tuple(key.text for key in selector.keys)
    if keys not in found.matched:
        elements: Iterable[Json] = found.elements
        if found.is_map:
            elements = [pair[0] for pair in found.elements]
        found.matched[keys] = any_of(map(selector.having, elements))
    return found.matched[keys]
