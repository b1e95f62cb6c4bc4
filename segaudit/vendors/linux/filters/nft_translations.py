"""nft ``snat``, ``dnat``, ``masquerade``, ``redirect`` -> ``Translate`` (nft(8), NAT STATEMENTS)."""

from __future__ import annotations

from functools import partial

from segaudit.model.acl import AnyPacket, Matches, Range, Translate, TranslationKind
from segaudit.model.flow import Family
from segaudit.vendors.linux.filters.expressions import all_of, any_of, negated
from segaudit.vendors.linux.filters.nft_keys import addresses, integers
from segaudit.vendors.linux.filters.nft_matches import Sets, bare_element, selector_of
from segaudit.vendors.linux.filters.nft_nouns import Json
from segaudit.vendors.linux.filters.numbers import number

TRANSLATIONS = {
    "snat": TranslationKind.SOURCE,
    "dnat": TranslationKind.DESTINATION,
    "masquerade": TranslationKind.MASQUERADE,
    "redirect": TranslationKind.REDIRECT,
}

_STATIC = {
    TranslationKind.SOURCE: TranslationKind.STATIC_SOURCE,
    TranslationKind.DESTINATION: TranslationKind.STATIC_DESTINATION,
}

Made = list[tuple[Matches, Translate]]


def translations(name: str, value: Json, sets: Sets) -> Made | None:
    """The translations of one statement, each with the packets it is for; ``None``: not modelled.

    A map (``dnat to tcp dport map {...}``) gives one per element; a packet whose key is not in the
    map is left to the next rule.
    """
    kind = TRANSLATIONS[name]
    options = value if isinstance(value, dict) else {}
    family = {"ip": Family.IPV4, "ip6": Family.IPV6}.get(str(options.get("family")))
    address, port = options.get("addr"), options.get("port")
    if address is not None and family is None:
        family = _family_of(address, sets)
        if family is None:
            return None
    if _flags(options) & {"netmap", "prefix"}:
        kind = _STATIC.get(kind, kind)
    if isinstance(address, dict) and _is_map(address):
        return None if port is not None else _mapped(kind, family, address["map"], sets)
    if _is_map(port):
        return None
    made = _one(kind, family, address, port)
    return None if made is None else [(AnyPacket(), made)]


def _flags(options: Json) -> set[str]:
    words: set[str] = set()
    for name in ("flags", "type_flags"):
        found = options.get(name, [])
        words.update(map(str, found if isinstance(found, list) else [found]))
    return words


def _is_map(value: Json) -> bool:
    return isinstance(value, dict) and isinstance(value.get("map"), dict)


def _family_of(address: Json, sets: Sets) -> Family | None:
    """The family that an address, or the first value of a map, is written in."""
    if _is_map(address):
        pairs = _pairs(address["map"].get("data"), sets)
        return _family_of(pairs[0][1], sets) if pairs else None
    if isinstance(address, dict) and isinstance(address.get("concat"), list) and address["concat"]:
        address = address["concat"][0]
    return next((family for family in Family if addresses(address, family)), None)


def _pairs(data: Json, sets: Sets) -> list[Json] | None:
    """The elements of a map whose contents are sure; ``None`` where they are not."""
    match data:
        case {"set": [*pairs]}:
            found = pairs
        case str() if data.startswith("@") and data[1:] in sets and not sets[data[1:]].grows:
            found = list(sets[data[1:]].elements)
        case _:
            return None
    if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in found):
        return None
    return sorted(found, key=lambda pair: bool(bare_element(pair[0])[0] == "*"))


def _mapped(kind: TranslationKind, family: Family | None, found: Json, sets: Sets) -> Made | None:
    pairs = _pairs(found.get("data"), sets)
    if pairs is None:
        return None
    selector = selector_of(found.get("key"))
    made: Made = []
    named: list[Matches] = []
    for key, target in pairs:
        address, port = _target(target)
        translate = _one(kind, family, address, port)
        if translate is None:
            return None
        matches = selector.having(key)
        if bare_element(key)[0] == "*":
            matches = negated(any_of(named))
        named.append(matches)
        made.append((all_of([selector.guard, matches]), translate))
    return made


def _target(value: Json) -> tuple[Json, Json]:
    match value:
        case {"concat": [address, port]}:
            return address, port
        case _:
            return value, None


def _one(kind: TranslationKind, family: Family | None, address: Json, port: Json) -> Translate | None:
    """A translation to constants; ``None`` where one of them is not a constant."""
    pool: tuple[Range, ...] = ()
    ports: tuple[Range, ...] = ()
    if address is not None:
        found = addresses(address, family) if family else None
        if found is None:
            return None
        pool = (found,)
    if port is not None:
        number_of = partial(number, names={})
        found = integers(port, number_of)
        if found is None:
            return None
        ports = (found,)
    return Translate(kind, pool, ports, family)
