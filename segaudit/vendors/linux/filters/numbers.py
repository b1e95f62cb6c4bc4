"""Names that nft and iptables print in place of numbers (IANA; nft(8); iptables-extensions(8))."""

from __future__ import annotations

from collections.abc import Mapping

PROTOCOLS: Mapping[str, int] = {
    "ip": 0, "hopopt": 0, "icmp": 1, "igmp": 2, "ggp": 3, "ipencap": 4, "ipv4": 4, "ipip": 4, "st": 5,
    "tcp": 6, "egp": 8, "igp": 9, "pup": 12, "udp": 17, "hmp": 20, "xns-idp": 22, "rdp": 27,
    "iso-tp4": 29, "dccp": 33, "xtp": 36, "ddp": 37, "idpr-cmtp": 38, "ipv6": 41, "ipv6-route": 43,
    "ipv6-frag": 44, "idrp": 45, "rsvp": 46, "gre": 47, "esp": 50, "ipv6-crypt": 50, "ah": 51,
    "ipv6-auth": 51, "skip": 57, "ipv6-icmp": 58, "icmpv6": 58, "icmp6": 58, "ipv6-nonxt": 59,
    "ipv6-opts": 60, "rspf": 73, "vmtp": 81, "eigrp": 88, "ospf": 89, "ospfigp": 89, "ax.25": 93,
    "etherip": 97, "encap": 98, "pim": 103, "ipcomp": 108, "comp": 108, "vrrp": 112, "l2tp": 115,
    "isis": 124, "sctp": 132, "fc": 133, "mobility-header": 135, "ipv6-mh": 135, "mh": 135,
    "udplite": 136, "mpls-in-ip": 137, "manet": 138, "hip": 139, "shim6": 140, "wesp": 141, "rohc": 142,
    "ethernet": 143, "mptcp": 262,
}  # fmt: skip
"""Protocol names of /etc/protocols and their numbers (``mptcp`` is a socket type: no packet has it)."""

PORT_PROTOCOLS: Mapping[str, int] = {"tcp": 6, "udp": 17, "dccp": 33, "sctp": 132, "udplite": 136}
"""Protocols whose first four bytes are source and destination port."""

IPV6_EXTENSION_HEADERS = frozenset({0, 43, 44, 50, 51, 59, 60, 135, 139, 140})
"""Next-header values that can be followed by another header (RFC 8200; ESP counted to be safe)."""

TCP_FLAGS: Mapping[str, int] = {
    "fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "ece": 64, "cwr": 128,
    "all": 63, "none": 0,
}  # fmt: skip
"""``ALL`` is what iptables means by it: FIN to URG (libxt_tcp.c)."""

_ICMP_COMMON = {"echo-reply": 0, "destination-unreachable": 3, "source-quench": 4, "redirect": 5}

ICMP_TYPES: Mapping[str, int] = {
    **_ICMP_COMMON, "echo-request": 8, "router-advertisement": 9, "router-solicitation": 10,
    "time-exceeded": 11, "parameter-problem": 12, "timestamp-request": 13, "timestamp-reply": 14,
    "info-request": 15, "info-reply": 16, "address-mask-request": 17, "address-mask-reply": 18,
    "pong": 0, "ping": 8, "ttl-exceeded": 11,
}  # fmt: skip

ICMP_CODES: Mapping[str, int] = {
    "net-unreachable": 0, "host-unreachable": 1, "prot-unreachable": 2, "port-unreachable": 3,
    "frag-needed": 4, "net-prohibited": 9, "host-prohibited": 10, "admin-prohibited": 13,
}  # fmt: skip

ICMPV6_TYPES: Mapping[str, int] = {
    "destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4,
    "echo-request": 128, "echo-reply": 129, "mld-listener-query": 130, "mld-listener-report": 131,
    "mld-listener-done": 132, "mld-listener-reduction": 132, "nd-router-solicit": 133,
    "nd-router-advert": 134, "nd-neighbor-solicit": 135, "nd-neighbor-advert": 136, "nd-redirect": 137,
    "router-renumbering": 138, "ind-neighbor-solicit": 141, "ind-neighbor-advert": 142,
    "mld2-listener-report": 143, "ping": 128, "pong": 129, "ttl-exceeded": 3, "router-solicitation": 133,
    "router-advertisement": 134, "neighbour-solicitation": 135, "neighbor-solicitation": 135,
    "neighbour-advertisement": 136, "neighbor-advertisement": 136, "redirect": 137,
}  # fmt: skip

ICMPV6_CODES: Mapping[str, int] = {
    "no-route": 0, "admin-prohibited": 1, "addr-unreachable": 3, "port-unreachable": 4,
    "policy-fail": 5, "reject-route": 6,
}  # fmt: skip

ICMP_TYPE_AND_CODE: Mapping[str, tuple[int, int]] = {
    "network-unreachable": (3, 0), "host-unreachable": (3, 1), "protocol-unreachable": (3, 2),
    "port-unreachable": (3, 3), "fragmentation-needed": (3, 4), "source-route-failed": (3, 5),
    "network-unknown": (3, 6), "host-unknown": (3, 7), "network-prohibited": (3, 9),
    "host-prohibited": (3, 10), "TOS-network-unreachable": (3, 11), "TOS-host-unreachable": (3, 12),
    "communication-prohibited": (3, 13), "host-precedence-violation": (3, 14),
    "precedence-cutoff": (3, 15), "network-redirect": (5, 0), "host-redirect": (5, 1),
    "TOS-network-redirect": (5, 2), "TOS-host-redirect": (5, 3), "ttl-zero-during-transit": (11, 0),
    "ttl-zero-during-reassembly": (11, 1), "ip-header-bad": (12, 0), "required-option-missing": (12, 1),
}  # fmt: skip
"""Names of iptables' ``--icmp-type`` that fix the code too (libxt_icmp.h)."""

ICMPV6_TYPE_AND_CODE: Mapping[str, tuple[int, int]] = {
    "no-route": (1, 0), "communication-prohibited": (1, 1), "beyond-scope": (1, 2),
    "address-unreachable": (1, 3), "port-unreachable": (1, 4), "failed-policy": (1, 5),
    "reject-route": (1, 6), "ttl-zero-during-transit": (3, 0), "ttl-zero-during-reassembly": (3, 1),
    "bad-header": (4, 0), "unknown-header-type": (4, 1), "unknown-option": (4, 2),
}  # fmt: skip


def number(word: object, names: Mapping[str, int]) -> int | None:
    """The integer that ``word`` stands for: a number in any base, or one of ``names``."""
    if isinstance(word, bool):
        return None
    if isinstance(word, int):
        return word
    if not isinstance(word, str):
        return None
    if word.lower() in names:
        return names[word.lower()]
    try:
        return int(word, 0)
    except ValueError:
        return None


def protocol_number(word: object) -> int | None:
    """The protocol number of a name or a number."""
    return number(word, PROTOCOLS)
