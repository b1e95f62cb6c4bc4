"""The grammar of services: ``service``, ``service-object``, ``port-object``, ``icmp-object``."""

from __future__ import annotations

from segaudit.model.acl import AnyPacket, Field, FieldIn, Matches, UnknownMatch
from segaudit.model.source import SourceSpan
from segaudit.parse.cisco import acl
from segaudit.parse.cisco.numbers import decimal
from segaudit.parse.cisco.words import Words
from segaudit.vendors.cisco_asa.dialect import ASA

_NOWHERE = SourceSpan("", 0, 0)
_WITH_PORTS = {"tcp": ((6, 6),), "udp": ((17, 17),), "tcp-udp": ((6, 6), (17, 17)), "sctp": ((132, 132),)}


def protocols(word: str) -> Matches | None:
    """The protocols that a word or number stands for; ``None`` where it is not understood."""
    if word in ("ip", "ip4", "ip6"):
        return AnyPacket()
    if word in _WITH_PORTS:
        return FieldIn(Field.PROTOCOL, _WITH_PORTS[word])
    number = decimal(word, 255) if word.isdecimal() else ASA.protocols.get(word)
    return None if number is None else FieldIn(Field.PROTOCOL, ((number, number),))


def service(words: tuple[str, ...]) -> Matches:
    """``PROTOCOL [source PORTS] [destination PORTS]``, ``icmp [TYPE [CODE]]``.

    ``PORTS`` without a word before them are the destination's.
    """
    text = " ".join(words)
    cursor = Words(list(words), _NOWHERE)
    word = cursor.take()
    found = protocols(word)
    if found is None:
        return UnknownMatch(text, "not understood")
    parts = [found]
    if word in ("icmp", "icmp6"):
        parts += icmp(cursor, word)
    elif word in _WITH_PORTS:
        parts += _ports(cursor, word)
    if not cursor.done:
        parts.append(UnknownMatch(text, "not understood"))
    return acl.conjunction(parts)


def _ports(cursor: Words, protocol: str) -> list[Matches]:
    parts: list[Matches] = []
    while not cursor.done:
        source = cursor.accept("source")
        _ = source or cursor.accept("destination")
        ranges = ports(cursor, protocol)
        if ranges is None:
            break
        parts.append(FieldIn(Field.SOURCE_PORT if source else Field.DESTINATION_PORT, ranges))
    return parts


def ports(cursor: Words, protocol: str) -> tuple[tuple[int, int], ...] | None:
    """Take an operator and its ports."""
    number = {"tcp": 6, "udp": 17}.get(protocol)
    return acl.port_ranges(cursor, acl.ports_of(ASA, number), several=False)


def icmp(cursor: Words, protocol: str) -> list[Matches]:
    """Take an ICMP type and code, if they are there."""
    word = cursor.peek()
    known = (ASA.icmpv6 if protocol == "icmp6" else ASA.icmp).get(word)
    kind = known[0] if known else decimal(word, 255)
    if kind is None:
        return []
    cursor.take()
    code = decimal(cursor.peek(), 255)
    if code is not None:
        cursor.take()
    return acl.icmp_matches((kind, code))
