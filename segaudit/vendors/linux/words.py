"""Single values as iproute2 spells them. Each raises ``ValueError`` with the value it cannot read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from segaudit.model.flow import Family, parse_address

TABLE_NAMES = {"255": "local", "254": "main", "253": "default", "0": "unspec"}
"""Kernel ``enum rt_class_t`` (include/uapi/linux/rtnetlink.h)."""

PROTOCOL_NAMES = {
    "0": "unspec",
    "1": "redirect",
    "2": "kernel",
    "3": "boot",
    "4": "static",
    "9": "ra",
    "11": "zebra",
    "12": "bird",
    "16": "dhcp",
    "18": "keepalived",
    "42": "babel",
    "186": "bgp",
    "187": "isis",
    "188": "ospf",
    "189": "rip",
    "190": "ripng",
    "191": "nhrp",
    "192": "eigrp",
    "193": "ldp",
    "194": "sharp",
    "195": "pbr",
    "196": "static",
    "197": "openfabric",
    "198": "srte",
}
"""rtnetlink(7) ``rtm_protocol`` and FRR's zebra/rt_netlink.h, for systems without rt_protos."""

IP_PROTOCOLS = {
    "icmp": 1,
    "igmp": 2,
    "ipencap": 4,
    "ipip": 4,
    "tcp": 6,
    "udp": 17,
    "dccp": 33,
    "ipv6": 41,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "icmpv6": 58,
    "ipv6-icmp": 58,
    "ospf": 89,
    "ospfigp": 89,
    "pim": 103,
    "vrrp": 112,
    "l2tp": 115,
    "sctp": 132,
    "udplite": 136,
    "mptcp": 262,
}
"""IANA protocol numbers under the names that iproute2 prints (lib/utils.c, inet_proto_n2a)."""


def word(element: Mapping[str, Any], key: str, default: str | None = None) -> str:
    """A text value; ``default`` where the key is absent."""
    value = element.get(key, default)
    if not isinstance(value, str):
        raise ValueError(f"{key} is not a word: {_shown(value)}")
    return value


def optional_word(element: Mapping[str, Any], key: str) -> str | None:
    """A text value, or ``None`` where the key is absent."""
    return word(element, key) if element.get(key) is not None else None


def number(element: Mapping[str, Any], key: str, default: int | None = None) -> int:
    """An integer, also where it is spelled as text; ``default`` where the key is absent."""
    value = element.get(key, default)
    if isinstance(value, str):
        value = _integer(value, key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{key} is not a number: {_shown(value)}")
    return value


def words(element: Mapping[str, Any], key: str) -> frozenset[str]:
    """A list of words as a set; empty where the key is absent."""
    value = element.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{key} is not a list of words: {_shown(value)}")
    return frozenset(value)


def mapping(element: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A nested object; empty where the key is absent."""
    value = element.get(key, {})
    if not isinstance(value, dict):
        raise ValueError(f"{key} is not an object: {_shown(value)}")
    return value


def objects(element: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """A list of nested objects; empty where the key is absent."""
    value = element.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError(f"{key} is not a list of objects: {_shown(value)}")
    return value


@lru_cache(maxsize=4096)
def address(text: str, family: Family | None = None) -> tuple[Family, int]:
    """An address, of ``family`` where one is given."""
    found, value = parse_address(text)
    if family is not None and found is not family:
        raise ValueError(f"not an {family.label} address: {_shown(text)}")
    return found, value


def prefix(text: str, family: Family) -> tuple[int, int]:
    """``default``, ``ADDRESS`` or ``ADDRESS/LENGTH`` as the first address and the length."""
    if text in ("default", "all", "any"):
        return 0, 0
    head, slash, tail = text.partition("/")
    _, value = address(head, family)
    length = _integer(tail, "prefix length") if slash else family.bits
    if not 0 <= length <= family.bits:
        raise ValueError(f"prefix length out of range: {_shown(text)}")
    host_bits = family.bits - length
    return value >> host_bits << host_bits, length


def prefix_range(text: str, length: int | None, family: Family) -> tuple[int, int]:
    """First and last address of a prefix whose length may stand apart (rules)."""
    spelled = text if length is None or text in ("default", "all", "any") else f"{text}/{length}"
    first, bits = prefix(spelled, family)
    return first, first + (1 << (family.bits - bits)) - 1


def table(value: object) -> str:
    """A routing table's name: the three of the kernel by name, others as printed."""
    text = str(value)
    return TABLE_NAMES.get(text, text)


def protocol(value: str) -> str:
    """A routing protocol's name; numbers that iproute2 had no name for are looked up."""
    return PROTOCOL_NAMES.get(value, value)


def _integer(text: str, what: str) -> int:
    try:
        return int(text, 16) if text.lower().startswith("0x") else int(text)
    except ValueError:
        raise ValueError(f"{what} is not a number: {_shown(text)}") from None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
