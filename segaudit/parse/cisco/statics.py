"""Static routes: ``ip route`` and ``ipv6 route``."""

from __future__ import annotations

from dataclasses import dataclass, replace

from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.parse.cisco import addresses
from segaudit.parse.cisco.dialect import Dialect, read_interface
from segaudit.parse.cisco.words import Words

_VALUED = {"name": 1, "tag": 1, "metric": 1}
_CONDITIONS = {"track": 1, "bfd": 0, "dhcp": 0}


@dataclass(frozen=True, slots=True)
class StaticRecord:
    """A static route as written.

    ``vrf`` is ``None`` where the line names none; ``next_hop_vrf`` ``"default"`` stands for ``global``.
    ``discards`` is true for Null0. ``conditional`` says on what the route depends besides its next hop
    (``track 1``). ``unread`` are words that were not understood.
    """

    family: Family
    prefix: int
    prefix_length: int
    vrf: str | None = None
    address: int | None = None
    interface: str | None = None
    discards: bool = False
    next_hop_vrf: str | None = None
    distance: int = 1
    conditional: str = ""
    unread: str = ""
    span: SourceSpan | None = None


def read_static(words: Words, dialect: Dialect, family: Family) -> StaticRecord | None:
    """A route, from behind ``ip route`` on; ``None`` where prefix or next hop cannot be read.

    ``[vrf V] PREFIX (INTERFACE [A] | A) [DISTANCE] [option]*``; before the next hop EOS has
    ``egress-vrf V``, behind it NX-OS has ``vrf V`` and IOS ``global``.
    """
    vrf = words.take() if words.accept("vrf") else None
    prefix = _prefix(words, family)
    if prefix is None:
        return None
    record = StaticRecord(family, *prefix, vrf=vrf, span=words.span)
    if words.accept("egress-vrf"):
        record = replace(record, next_hop_vrf=words.take())
    found = _next_hop(words, dialect, record)
    return None if found is None else _options(words, found)


def _prefix(words: Words, family: Family) -> tuple[int, int] | None:
    if family is Family.IPV4 and "/" not in words.peek():
        number, length = addresses.ipv4(words.take()), addresses.length_of_mask(words.take())
    else:
        found = addresses.prefix(words.take())
        if found is None or found[0] is not family:
            return None
        number, length = found[1:]
    if number is None or length is None:
        return None
    return addresses.network(family, number, length), length


def _next_hop(words: Words, dialect: Dialect, record: StaticRecord) -> StaticRecord | None:
    if words.peek() == "dhcp":
        return record
    interface = None
    if _address(words.peek(), record.family) is None:
        interface = read_interface(words, dialect)
        if not interface[:1].isalpha():
            return None
    if interface is not None and interface.lower() in ("null0", "null"):
        return replace(record, discards=True)
    address = _address(words.peek(), record.family)
    if address is not None:
        words.take()
    return replace(record, interface=interface, address=address)


def _address(word: str, family: Family) -> int | None:
    found = addresses.address(word.partition("/")[0] if word.endswith(("/32", "/128")) else word)
    return found[1] if found is not None and found[0] is family else None


def _options(words: Words, record: StaticRecord) -> StaticRecord:
    while not words.done:
        word = words.take()
        if word.isdecimal():
            record = replace(record, distance=int(word))
        elif word in _VALUED:
            words.take()
        elif word in _CONDITIONS:
            values = [words.take() for _ in range(_CONDITIONS[word])]
            record = replace(record, conditional=" ".join([word, *values]))
        elif word in ("vrf", "nexthop-vrf"):
            record = replace(record, next_hop_vrf=words.take())
        elif word == "global":
            record = replace(record, next_hop_vrf="default")
        elif word not in ("permanent", "unicast"):
            return replace(record, unread=f"{word} {words.rest()}".strip())
    return record
