"""Names of protocols, ports, ICMP messages and interfaces.

Sources: Cisco IOS Security Command Reference, ``permit (IP)``, ``permit (IPv6)`` and ``access-list (IP
extended)`` (15M&T); Cisco Nexus 9000 NX-OS Security Command Reference, ``permit (IPv4)``; Cisco ASA
Configuration Guide, "Addresses, Protocols, and Ports" (9.x); Arista EOS User Manual, "ACLs". Where two
systems give one name different numbers the dialect's own table says so; the rest is IANA's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

PROTOCOLS: Mapping[str, int] = {
    "ah": 51, "ahp": 51, "eigrp": 88, "esp": 50, "gre": 47, "icmp": 1, "icmp6": 58, "igmp": 2, "igrp": 9,
    "ipinip": 4, "nos": 94, "ospf": 89, "pcp": 108, "pim": 103, "rsvp": 46, "sctp": 132, "tcp": 6,
    "udp": 17, "vrrp": 112,
}  # fmt: skip
"""Protocols besides ``ip`` and ``ipv6``, which stand for every one."""

_EITHER = {
    "discard": 9, "domain": 53, "echo": 7, "pim-auto-rp": 496, "sunrpc": 111, "tacacs": 49, "talk": 517,
    "time": 37,
}  # fmt: skip

TCP_PORTS: Mapping[str, int] = {
    **_EITHER, "bgp": 179, "chargen": 19, "cmd": 514, "connectedapps-plain": 15001,
    "connectedapps-tls": 15002, "daytime": 13, "drip": 3949, "exec": 512, "finger": 79, "ftp": 21,
    "ftp-data": 20, "gopher": 70, "hostname": 101, "ident": 113, "irc": 194, "klogin": 543, "kshell": 544,
    "login": 513, "lpd": 515, "msrpc": 135, "nntp": 119, "onep-plain": 15001, "onep-tls": 15002,
    "pop2": 109, "pop3": 110, "smtp": 25, "ssh": 22, "syslog": 514, "telnet": 23, "uucp": 540, "whois": 43,
    "www": 80,
}  # fmt: skip

UDP_PORTS: Mapping[str, int] = {
    **_EITHER, "biff": 512, "bootpc": 68, "bootps": 67, "cisco-tdp": 711, "dnsix": 195, "isakmp": 500,
    "mobile-ip": 434, "nameserver": 42, "netbios-dgm": 138, "netbios-ns": 137, "netbios-ss": 139,
    "non500-isakmp": 4500, "ntp": 123, "rip": 520, "ripv6": 521, "snmp": 161, "snmptrap": 162,
    "syslog": 514, "tftp": 69, "who": 513, "xdmcp": 177,
}  # fmt: skip

Icmp = tuple[int, int | None]
"""ICMP type and code; ``None``: any code."""

ICMP: Mapping[str, Icmp] = {
    "administratively-prohibited": (3, 13), "alternate-address": (6, None), "conversion-error": (31, None),
    "dod-host-prohibited": (3, 10), "dod-net-prohibited": (3, 9), "echo": (8, None),
    "echo-reply": (0, None), "general-parameter-problem": (12, 0), "host-isolated": (3, 8),
    "host-precedence-unreachable": (3, 14),
    "host-redirect": (5, 1), "host-tos-redirect": (5, 3), "host-tos-unreachable": (3, 12),
    "host-unknown": (3, 7), "host-unreachable": (3, 1), "information-reply": (16, None),
    "information-request": (15, None), "mask-reply": (18, None), "mask-request": (17, None),
    "mobile-redirect": (32, None), "net-redirect": (5, 0), "net-tos-redirect": (5, 2),
    "net-tos-unreachable": (3, 11), "net-unreachable": (3, 0), "network-unknown": (3, 6),
    "no-room-for-option": (12, 2), "option-missing": (12, 1), "packet-too-big": (3, 4),
    "parameter-problem": (12, None), "port-unreachable": (3, 3), "precedence-unreachable": (3, 15),
    "protocol-unreachable": (3, 2), "reassembly-timeout": (11, 1), "redirect": (5, None),
    "router-advertisement": (9, None), "router-solicitation": (10, None), "source-quench": (4, None),
    "source-route-failed": (3, 5), "time-exceeded": (11, None), "timestamp-reply": (14, None),
    "timestamp-request": (13, None), "traceroute": (30, None), "ttl-exceeded": (11, 0),
    "unreachable": (3, None),
}  # fmt: skip

ICMPV6: Mapping[str, Icmp] = {
    "beyond-scope": (1, 2), "destination-unreachable": (1, 3), "dhaad-reply": (145, None),
    "dhaad-request": (144, None), "echo-reply": (129, None), "echo-request": (128, None), "header": (4, 0),
    "hop-limit": (3, 0), "mld-query": (130, None), "mld-reduction": (132, None), "mld-report": (131, None),
    "mld-v2-report": (143, None), "mldv2": (143, None), "mpd-advertisement": (147, None),
    "mpd-solicitation": (146, None), "nd-na": (136, None), "nd-ns": (135, None), "next-header": (4, 1),
    "no-admin": (1, 1), "no-route": (1, 0), "packet-too-big": (2, None), "parameter-option": (4, 2),
    "parameter-problem": (4, None), "port-unreachable": (1, 4), "reassembly-timeout": (3, 1),
    "redirect": (137, None), "renum-command": (138, 0), "renum-result": (138, 1),
    "renum-seq-number": (138, 255), "router-advertisement": (134, None), "router-renumbering": (138, None),
    "router-solicitation": (133, None), "time-exceeded": (3, None), "unreachable": (1, None),
}  # fmt: skip

IOS_INTERFACES = (
    "Ethernet", "FastEthernet", "GigabitEthernet", "TenGigabitEthernet", "TwentyFiveGigE",
    "TwentyFiveGigabitEthernet", "FortyGigabitEthernet", "FortyGigE", "HundredGigE",
    "HundredGigabitEthernet", "FiftyGigE", "TwoGigabitEthernet", "FiveGigabitEthernet",
    "AppGigabitEthernet", "Serial", "Loopback", "Tunnel", "Vlan", "Port-channel", "Null", "BVI", "BDI",
    "ATM", "POS", "Dialer", "Multilink", "Virtual-Template", "Virtual-Access", "Virtual-PPP",
    "Virtual-Ethernet", "VirtualPortGroup", "Async", "BRI", "Cellular", "Group-Async", "Hssi", "LISP",
    "MFR",
    "Integrated-Service-Engine", "Management", "mgmt", "nve", "pseudowire", "Service-Engine", "TokenRing",
    "Fddi", "Wlan-GigabitEthernet", "Dot11Radio", "Embedded-Service-Engine", "ucse", "overlay", "CEM",
    "Lex",
    "vasileft", "vasiright", "vmi",
)  # fmt: skip
"""Interface types of IOS and IOS-XE as ``show running-config`` prints them."""

_PARTS = re.compile(r"([A-Za-z][A-Za-z-]*[A-Za-z]|[A-Za-z]|Dot11Radio)(\d.*)?")


def full_interface_name(text: str, names: Iterable[str] = IOS_INTERFACES) -> str:
    """``text`` with its type spelled out as in ``names``: ``Gi0/0`` is ``GigabitEthernet0/0``.

    The first of ``names`` that begins with the letters wins, upper or lower case alike; a whole name
    wins over all. What fits none is returned as it stands.
    """
    found = _PARTS.fullmatch(text)
    if found is None:
        return text
    letters, number = found.group(1).lower(), found.group(2) or ""
    fitting = [name for name in names if name.lower().startswith(letters)]
    whole = [name for name in fitting if name.lower() == letters]
    return (whole or fitting or [found.group(1)])[0] + number
