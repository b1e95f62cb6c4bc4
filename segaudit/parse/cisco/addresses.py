"""Addresses, masks and prefixes as Cisco-style configurations write them."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from segaudit.model.acl import AddressIn, AddressMasked, End, Matches
from segaudit.model.flow import Family
from segaudit.parse.cisco.numbers import decimal

_ALL4 = 0xFFFFFFFF


@lru_cache(maxsize=16384)
def ipv4(text: str) -> int | None:
    """The number of a dotted IPv4 address; ``None`` for anything else (leading zeros, too)."""
    parts = text.split(".")
    if len(parts) != 4:
        return None
    value = 0
    for part in parts:
        if not (part.isascii() and part.isdecimal()) or len(part) > 3 or int(part) > 255:
            return None
        if len(part) > 1 and part[0] == "0":
            return None
        value = value << 8 | int(part)
    return value


@lru_cache(maxsize=4096)
def ipv6(text: str) -> int | None:
    """The number of an IPv6 address; ``None`` for anything else."""
    try:
        return None if "%" in text else int(IPv6Address(text))
    except ValueError:
        return None


def address(text: str) -> tuple[Family, int] | None:
    """Family and number of an address of either family."""
    four = ipv4(text)
    if four is not None:
        return Family.IPV4, four
    six = ipv6(text) if ":" in text else None
    return None if six is None else (Family.IPV6, six)


def prefix(text: str) -> tuple[Family, int, int] | None:
    """Family, address (host bits kept) and length of ``A/len``."""
    head, slash, tail = text.partition("/")
    found = address(head) if slash else None
    length = None if found is None else decimal(tail, found[0].bits)
    if found is None or length is None:
        return None
    return found[0], found[1], length


def length_of_mask(text: str) -> int | None:
    """The prefix length of a dotted netmask; ``None`` where it is none or has holes."""
    mask = ipv4(text)
    if mask is None:
        return None
    inverse = ~mask & _ALL4
    return None if inverse & (inverse + 1) else 32 - inverse.bit_length()


def network(family: Family, number: int, length: int) -> int:
    """``number`` without its host bits."""
    host_bits = family.bits - length
    return number >> host_bits << host_bits


def in_prefix(end: End, family: Family, number: int, length: int) -> Matches:
    """A match of one end on a prefix (host bits of ``number`` do not count)."""
    first = network(family, number, length)
    return AddressIn(end, family, ((first, first + (1 << (family.bits - length)) - 1),))


def in_range(end: End, family: Family, first: int, last: int) -> Matches:
    """A match of one end on an inclusive range."""
    return AddressIn(end, family, ((first, last),))


def under_wildcard(end: End, number: int, wildcard: int) -> Matches:
    """A match of one end on an IPv4 address and wildcard, whose set bits do not matter."""
    value = number & ~wildcard & _ALL4
    if wildcard & (wildcard + 1):
        return AddressMasked(end, Family.IPV4, value, ~wildcard & _ALL4)
    return AddressIn(end, Family.IPV4, ((value, value | wildcard),))


def dotted(number: int) -> str:
    """An IPv4 address as text."""
    return str(IPv4Address(number))
