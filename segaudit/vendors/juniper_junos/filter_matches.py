"""What a firewall filter's ``from`` matches.

Junos tests only the field that is named: a port is read from the bytes where TCP has it, whatever the
protocol and whether the packet is a later fragment (Juniper, Policy Framework Configuration Guide,
"Overview of Protocol Match Conditions", Junos 10.1). There the match is unknown here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from segaudit.model.acl import (
    AddressIn,
    AddressMasked,
    AllOf,
    AnyOf,
    AnyPacket,
    End,
    Field,
    FieldIn,
    FieldMasked,
    Matches,
    Not,
    Range,
    UnknownMatch,
)
from segaudit.model.flow import Family
from segaudit.parse.word_tree import Node
from segaudit.vendors.juniper_junos import words
from segaudit.vendors.juniper_junos.flags import flags
from segaudit.vendors.juniper_junos.prefix_lists import PrefixLists
from segaudit.vendors.juniper_junos.prefix_sets import held
from segaudit.vendors.juniper_junos.reading import Reading

_WITH_PORTS = (6, 17, 132)
_LATER_FRAGMENT = FieldIn(Field.FRAGMENT, ((1, 1),))
_WHOLE = FieldIn(Field.FRAGMENT, ((0, 0),))
_PAYLOAD = "read from the bytes where the field would be: no protocol or fragment is implied"


@dataclass(frozen=True, slots=True)
class Term:
    """What the matches of one term are read with; ``family`` is ``None`` for a filter of family any."""

    reading: Reading
    lists: PrefixLists
    family: Family | None
    protocols: tuple[int, ...]


def term_matches(
    reading: Reading, lists: PrefixLists, family: Family | None, start: Node | None
) -> Matches:
    """What ``from`` matches; everything where there is none."""
    if start is None:
        return AnyPacket()
    reading.fact(start)
    term = Term(reading, lists, family, _protocols(start))
    found: list[Matches] = []
    for end, keys in _ADDRESS_KEYS:
        found += _addresses(term, start, end, keys)
    for child in start:
        if child.word not in _ADDRESS_WORDS:
            found.append(_match(term, child))
    return AllOf(tuple(found)) if len(found) != 1 else found[0]


def _match(term: Term, node: Node) -> Matches:
    positive = node.word.removesuffix("-except")
    reader = _READERS.get(positive)
    if reader is None or (positive != node.word and positive in _FLAGS):
        return _unknown(term, node, "a match that is not modelled")
    found = reader(term, node)
    if found is None:
        return _unknown(term, node, "a value that is not known")
    term.reading.facts(node)
    return Not(found) if positive != node.word else found


def _unknown(term: Term, node: Node, reason: str) -> Matches:
    term.reading.unsupported(node, f"{reason}: it may match or not", bounded=True)
    return UnknownMatch(" ".join((node.word, *node.children)), reason)


# ---- addresses ----------------------------------------------------------------------------------

_ADDRESS_KEYS: tuple[tuple[End | None, tuple[str, str]], ...] = (
    (End.SOURCE, ("source-address", "source-prefix-list")),
    (End.DESTINATION, ("destination-address", "destination-prefix-list")),
    (None, ("address", "prefix-list")),
)
_ADDRESS_WORDS = frozenset(key for _, keys in _ADDRESS_KEYS for key in keys)


def _addresses(term: Term, start: Node, end: End | None, keys: tuple[str, str]) -> list[Matches]:
    nodes = [node for key in keys for node in start.under(key)]
    if not nodes:
        return [_unknown(term, node, "an empty list") for key in keys if (node := start.get(key))]
    literal, listed = (start.get(key) for key in keys)
    term.reading.fact(literal, listed)
    prefixes: list[tuple[Range, bool]] = []
    beside: list[Matches] = []
    for node in () if literal is None else literal:
        _literal(term, node, end, prefixes, beside)
    for node in () if listed is None else listed:
        _listed(term, node, prefixes, beside)
    return [AnyOf((*_in_ranges(term, end, prefixes), *beside))]


def _literal(
    term: Term, node: Node, end: End | None, prefixes: list[tuple[Range, bool]], beside: list[Matches]
) -> None:
    one = words.prefix(node.word)
    if one is not None and one[0] is term.family:
        prefixes.append((words.range_of(one), not node.has("except")))
        term.reading.facts(node)
        return
    mask = words.masked(node.word)
    if mask is not None and not node.has("except") and end is not None:
        beside.append(AddressMasked(end, *mask))
        term.reading.facts(node)
    elif one is None or one[0] is not term.family:
        beside.append(_unknown(term, node, "an address that cannot be read here"))


def _listed(term: Term, node: Node, prefixes: list[tuple[Range, bool]], beside: list[Matches]) -> None:
    found = term.lists.get(node.word)
    if found is None:
        beside.append(_unknown(term, node, "a prefix list that is empty, not there or not known"))
        return
    of_family = [words.range_of(one) for one in found if one[0] is term.family]
    if not of_family:
        beside.append(_unknown(term, node, "a prefix list without a prefix of this family"))
        return
    term.reading.facts(node)
    positive = not node.has("except")
    prefixes += [(one, positive) for one in of_family]


def _in_ranges(term: Term, end: End | None, prefixes: list[tuple[Range, bool]]) -> list[Matches]:
    """The longest of the prefixes decides; of exceptions alone it is not documented what they match."""
    if not prefixes or term.family is None:
        return []
    ends = (end,) if end is not None else (End.SOURCE, End.DESTINATION)
    if not any(positive for _, positive in prefixes):
        excepted = held((one, True) for one, _ in prefixes)
        outside = [Not(AddressIn(one, term.family, excepted)) for one in ends]
        return [AllOf((AnyOf(tuple(outside)), UnknownMatch("except", "exceptions alone")))]
    return [AddressIn(one, term.family, held(prefixes)) for one in ends]


# ---- fields -------------------------------------------------------------------------------------


def _protocols(start: Node) -> tuple[int, ...]:
    """The protocols that a term is limited to; none where it is not limited."""
    found: list[int] = []
    for key in ("protocol", "next-header", "payload-protocol"):
        for word in start.words(key):
            one = words.number_range(word, words.PROTOCOLS, 255)
            if one is None or one[1] - one[0] > 16:
                return ()
            found += range(one[0], one[1] + 1)
    return tuple(found)


def _ranges(node: Node, names: dict[str, int], most: int) -> tuple[Range, ...] | None:
    found = [words.number_range(child.word, names, most) for child in node]
    known = tuple(one for one in found if one is not None)
    return known if known and len(known) == len(found) else None


def _protocol(term: Term, node: Node) -> Matches | None:
    ranges = _ranges(node, words.PROTOCOLS, 255)
    if ranges is None:
        return None
    headers = {number for first, last in ranges for number in range(first, last + 1)}
    if term.family is Family.IPV6 and headers & {0, 43, 44, 60}:
        return UnknownMatch("next-header", "an extension header")
    return FieldIn(Field.PROTOCOL, ranges)


def _payload(term: Term, found: Matches, protocols: Sequence[int]) -> Matches:
    """``found``, and what the bytes of other packets may look like."""
    unsure: Matches = _LATER_FRAGMENT
    if not term.protocols or not set(term.protocols) <= set(protocols):
        of = tuple((number, number) for number in protocols)
        unsure = Not(AllOf((FieldIn(Field.PROTOCOL, of), _WHOLE)))
    return AnyOf((found, AllOf((unsure, UnknownMatch("payload", _PAYLOAD)))))


def _port(fields: Iterable[Field]) -> Callable[[Term, Node], Matches | None]:
    wanted = tuple(fields)

    def read(term: Term, node: Node) -> Matches | None:
        ranges = _ranges(node, words.PORTS, 65535)
        if ranges is None:
            return None
        return _payload(term, AnyOf(tuple(FieldIn(one, ranges) for one in wanted)), _WITH_PORTS)

    return read


def _icmp(
    field: Field, names4: dict[str, int], names6: dict[str, int]
) -> Callable[[Term, Node], Matches | None]:
    def read(term: Term, node: Node) -> Matches | None:
        ranges = _ranges(node, names6 if term.family is Family.IPV6 else names4, 255)
        if ranges is None:
            return None
        return _payload(term, FieldIn(field, ranges), (58,) if term.family is Family.IPV6 else (1,))

    return read


def _tcp_flags(term: Term, node: Node) -> Matches | None:
    found = [flags(child.word) for child in node]
    known = tuple(one for one in found if one is not None)
    return _payload(term, AnyOf(known), (6,)) if known and len(known) == len(found) else None


def _established(term: Term, node: Node) -> Matches:
    del node
    either = tuple(FieldMasked(Field.TCP_FLAGS, bit, bit) for bit in (16, 4))
    return _payload(term, AnyOf(either), (6,))


def _initial(term: Term, node: Node) -> Matches:
    del node
    return _payload(term, FieldMasked(Field.TCP_FLAGS, 2, 18), (6,))


def _is_fragment(term: Term, node: Node) -> Matches:
    """A trailing fragment (Juniper: "does not match the first fragment")."""
    del term, node
    return _LATER_FRAGMENT


def _first_fragment(term: Term, node: Node) -> Matches:
    del term, node
    return AllOf((_WHOLE, UnknownMatch("first-fragment", "whether more fragments follow")))


_FLAGS = frozenset(("tcp-flags", "tcp-established", "tcp-initial", "is-fragment", "first-fragment"))
_READERS: dict[str, Callable[[Term, Node], Matches | None]] = {
    "protocol": _protocol,
    "next-header": _protocol,
    "payload-protocol": _protocol,
    "port": _port((Field.SOURCE_PORT, Field.DESTINATION_PORT)),
    "source-port": _port((Field.SOURCE_PORT,)),
    "destination-port": _port((Field.DESTINATION_PORT,)),
    "icmp-type": _icmp(Field.ICMP_TYPE, words.ICMP_TYPES, words.ICMP6_TYPES),
    "icmp-code": _icmp(Field.ICMP_CODE, words.ICMP_CODES, words.ICMP6_CODES),
    "tcp-flags": _tcp_flags,
    "tcp-established": _established,
    "tcp-initial": _initial,
    "is-fragment": _is_fragment,
    "first-fragment": _first_fragment,
}
