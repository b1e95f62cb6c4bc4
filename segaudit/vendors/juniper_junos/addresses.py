"""``address-book``: the names of addresses that policies use.

Source: Juniper, Security Policies User Guide, "Address Books and Address Sets" (Junos 21): the book
attached to a zone is asked before the global one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from segaudit.model.acl import (
    AddressIn,
    AddressMasked,
    AnyOf,
    AnyPacket,
    End,
    FamilyIs,
    Matches,
    UnknownMatch,
)
from segaudit.model.flow import Family, parse_address
from segaudit.parse.word_tree import Node
from segaudit.vendors.juniper_junos import words
from segaudit.vendors.juniper_junos.reading import Reading

GLOBAL = "global"
_DEEPEST = 16


class AddressBooks:
    """Every address book of the device, by zone."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._books: dict[str, list[Node]] = {}
        self._found: dict[tuple[str, str, End], Matches] = {}
        for zone, book in self._every(reading.root):
            self._books.setdefault(zone, []).append(book)
            _account(reading, book)

    def _every(self, root: Node) -> Iterator[tuple[str, Node]]:
        for zone in root.under("security", "zones", "security-zone"):
            book = zone.get("address-book")
            if book is not None:
                yield zone.word, book
        for book in root.under("security", "address-book"):
            attached = book.words("attach", "zone")
            for name in attached or [GLOBAL]:
                yield name, book
        self._reading.fact(root.get("security", "address-book"))

    def match(self, zone: str, name: str, end: End) -> Matches:
        """What an address name of a policy matches at one end."""
        key = (zone, name, end)
        if key not in self._found:
            self._found[key] = self._match(zone, name, end)
        return self._found[key]

    def _match(self, zone: str, name: str, end: End) -> Matches:
        if name == "any":
            return AnyPacket()
        if name in ("any-ipv4", "any-ipv6"):
            return FamilyIs(Family.IPV4 if name == "any-ipv4" else Family.IPV6)
        books = [*self._books.get(zone, ()), *self._books.get(GLOBAL, ())]
        for book in books:
            found = _in_book(book, name, end, 0)
            if found is not None:
                return found
        plain = words.prefix(name)
        if plain is not None:
            return AddressIn(end, plain[0], (words.range_of(plain),))
        return UnknownMatch(f"address {name}", "an address that is not in the book")


def _account(reading: Reading, book: Node) -> None:
    reading.fact(book)
    for child in book:
        if child.word in ("address", "address-set", "attach", "description"):
            reading.facts(child)


def _in_book(book: Node, name: str, end: End, depth: int) -> Matches | None:
    address = book.get("address", name)
    if address is not None:
        found = [_address(statement, end) for statement in address.statements()]
        known = [one for one in found if one is not None]
        return (
            AnyOf(tuple(known)) if known else UnknownMatch(f"address {name}", "an address without a value")
        )
    listed = book.get("address-set", name)
    if listed is None or depth > _DEEPEST:
        return None
    return AnyOf(tuple(_members(book, listed, end, depth)))


def _members(book: Node, listed: Node, end: End, depth: int) -> Iterable[Matches]:
    for key in ("address", "address-set"):
        for name in listed.words(key):
            found = _in_book(book, name, end, depth + 1)
            yield found if found is not None else UnknownMatch(f"address {name}", "not in the book")


def _address(statement: tuple[str, ...], end: End) -> Matches | None:
    """One value of an address; ``None`` for a remark."""
    head, *rest = statement
    if head == "description":
        return None
    if head == "ip-prefix" and rest:
        head, rest = rest[0], rest[1:]
    one = words.prefix(head)
    if one is not None:
        return AddressIn(end, one[0], (words.range_of(one),))
    if head == "range-address" and len(rest) == 3:
        return _between(rest[0], rest[2], end)
    mask = words.masked(rest[0]) if head == "wildcard-address" and rest else None
    if mask is not None:
        return AddressMasked(end, *mask)
    return UnknownMatch(" ".join(statement), "an address that is not fixed")


def _between(first: str, last: str, end: End) -> Matches:
    try:
        low, high = parse_address(first), parse_address(last)
    except ValueError:
        return UnknownMatch(f"{first} to {last}", "a range that cannot be read")
    if low[0] is not high[0] or low[1] > high[1]:
        return UnknownMatch(f"{first} to {last}", "a range that cannot be read")
    return AddressIn(end, low[0], ((low[1], high[1]),))
