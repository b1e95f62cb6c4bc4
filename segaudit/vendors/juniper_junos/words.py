"""Names that Junos takes for numbers, and how it writes addresses.

Source: Juniper, Routing Policies, Firewall Filters, and Traffic Policers User Guide, "Firewall Filter Match
Conditions for IPv4 Traffic" and "... for IPv6 Traffic" (Junos 21.2).
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address

from segaudit.model.acl import Range
from segaudit.model.flow import Family

PROTOCOLS = {
    "ah": 51, "dstopts": 60, "egp": 8, "esp": 50, "fragment": 44, "gre": 47, "hop-by-hop": 0, "icmp": 1,
    "icmp6": 58, "icmpv6": 58, "igmp": 2, "ipip": 4, "ipv6": 41, "mobility": 135, "no-next-header": 59,
    "ospf": 89, "pim": 103, "routing": 43, "rsvp": 46, "sctp": 132, "tcp": 6, "udp": 17, "vrrp": 112,
}  # fmt: skip

PORTS = {
    "afs": 1483, "bgp": 179, "biff": 512, "bootpc": 68, "bootps": 67, "cmd": 514, "cvspserver": 2401,
    "dhcp": 67, "domain": 53, "eklogin": 2105, "ekshell": 2106, "exec": 512, "finger": 79, "ftp": 21,
    "ftp-data": 20, "http": 80, "https": 443, "ident": 113, "imap": 143, "kerberos-sec": 88, "klogin": 543,
    "kpasswd": 761, "krb-prop": 754, "krbupdate": 760, "kshell": 544, "ldap": 389, "ldp": 646, "login": 513,
    "mobileip-agent": 434, "mobilip-mn": 435, "msdp": 639, "netbios-dgm": 138, "netbios-ns": 137,
    "netbios-ssn": 139, "nfsd": 2049, "nntp": 119, "ntalk": 518, "ntp": 123, "pop3": 110, "pptp": 1723,
    "printer": 515, "radacct": 1813, "radius": 1812, "rip": 520, "rkinit": 2108, "smtp": 25, "snmp": 161,
    "snmptrap": 162, "snmp-trap": 162, "snpp": 444, "socks": 1080, "ssh": 22, "sunrpc": 111, "syslog": 514,
    "tacacs": 49, "tacacs-ds": 65, "talk": 517, "telnet": 23, "tftp": 69, "timed": 525, "who": 513,
    "xdmcp": 177, "zephyr-clt": 2103, "zephyr-hm": 2104,
}  # fmt: skip

ICMP_TYPES = {
    "echo-reply": 0, "unreachable": 3, "source-quench": 4, "redirect": 5, "echo-request": 8,
    "router-advertisement": 9, "router-solicit": 10, "time-exceeded": 11, "parameter-problem": 12,
    "timestamp": 13, "timestamp-reply": 14, "info-request": 15, "info-reply": 16, "mask-request": 17,
    "mask-reply": 18,
}  # fmt: skip

ICMP6_TYPES = {
    "destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4,
    "echo-request": 128, "echo-reply": 129, "membership-query": 130, "membership-report": 131,
    "membership-termination": 132, "router-solicit": 133, "router-advertisement": 134,
    "neighbor-solicit": 135, "neighbor-advertisement": 136, "redirect": 137, "router-renumbering": 138,
    "node-information-request": 139, "node-information-reply": 140,
    "inverse-neighbor-discovery-solicitation":
    141, "inverse-neighbor-discovery-advertisement": 142, "certificate-path-solicitation": 148,
    "certificate-path-advertisement": 149, "home-agent-address-discovery-request": 144,
    "home-agent-address-discovery-reply": 145, "mobile-prefix-solicitation": 146,
    "mobile-prefix-advertisement-reply": 147,
}  # fmt: skip

ICMP_CODES = {
    "network-unreachable": 0, "host-unreachable": 1, "protocol-unreachable": 2, "port-unreachable": 3,
    "fragmentation-needed": 4, "source-route-failed": 5, "destination-network-unknown": 6,
    "destination-host-unknown": 7, "source-host-isolated": 8, "destination-network-prohibited": 9,
    "destination-host-prohibited": 10, "network-unreachable-for-tos": 11, "host-unreachable-for-tos": 12,
    "communication-prohibited-by-filtering": 13, "host-precedence-violation": 14,
    "precedence-cutoff-in-effect": 15, "ttl-eq-zero-during-transit": 0, "ttl-eq-zero-during-reassembly": 1,
    "redirect-for-network": 0, "redirect-for-host": 1, "redirect-for-tos-and-net": 2,
    "redirect-for-tos-and-host": 3, "ip-header-bad": 0, "required-option-missing": 1,
}  # fmt: skip

ICMP6_CODES = {
    "no-route-to-destination": 0, "administratively-prohibited": 1, "address-unreachable": 3,
    "port-unreachable": 4, "ttl-eq-zero-during-transit": 0, "ttl-eq-zero-during-reassembly": 1,
    "ip6-header-bad": 0, "unrecognized-next-header": 1, "unrecognized-option": 2,
}  # fmt: skip

TCP_FLAGS = {"fin": 1, "syn": 2, "rst": 4, "push": 8, "ack": 16, "urgent": 32}


def number_range(text: str, names: dict[str, int], most: int) -> Range | None:
    """A number, a name or ``first-last``, as a range up to ``most``; ``None`` where it is none of them."""
    if text in names:
        return names[text], names[text]
    first, dash, last = text.partition("-")
    low, high = number(first), number(last) if dash else number(first)
    if low is None or high is None or not 0 <= low <= high <= most:
        return None
    return low, high


def number(text: str) -> int | None:
    """A decimal number; ``None`` for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


Prefix = tuple[Family, int, int]
"""Family, address as written (host bits included) and prefix length."""


@lru_cache(maxsize=65536)
def prefix(text: str) -> Prefix | None:
    """``10.0.0.1/24``, or an address alone as a host; ``None`` for anything else."""
    address, slash, length = text.partition("/")
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    family = Family(parsed.version)
    bits = number(length) if slash else family.bits
    if bits is None or bits > family.bits:
        return None
    return family, int(parsed), bits


def masked(text: str) -> tuple[Family, int, int] | None:
    """``10.0.0.1/255.0.0.255``: family, value and mask; ``None`` for anything else."""
    address, _, mask = text.partition("/")
    try:
        parsed, bits = ip_address(address), ip_address(mask)
    except ValueError:
        return None
    if parsed.version != bits.version:
        return None
    return Family(parsed.version), int(parsed) & int(bits), int(bits)


def range_of(one: Prefix) -> Range:
    """First and last address of a prefix."""
    family, address, length = one
    host = family.bits - length
    first = address >> host << host
    return first, first + (1 << host) - 1
