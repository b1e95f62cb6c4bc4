"""The ASA's own names of protocols, ports and ICMP messages,
for the shared Cisco-style reader of rules.

Source: Cisco ASA Series General Operations CLI Configuration Guide 9.x, "Addresses, Protocols,
and Ports".
"""

from __future__ import annotations

from collections.abc import Mapping

from segaudit.parse.cisco import names
from segaudit.parse.cisco.dialect import Dialect, MaskStyle

INTERFACES = (
    "Ethernet", "FastEthernet", "GigabitEthernet", "TenGigabitEthernet", "TwentyFiveGigE",
    "HundredGigabitEthernet", "Management", "Port-channel", "Redundant", "Vlan", "Tunnel", "Loopback",
    "BVI",
    "Internal-Data", "Internal-Control", "Virtual",
)  # fmt: skip

_PROTOCOLS: Mapping[str, int] = {
    **names.PROTOCOLS, "igrp": 9, "ipsec": 50, "pptp": 47, "snp": 109,
}  # fmt: skip

_EITHER = {
    "cifs": 3020, "discard": 9, "domain": 53, "echo": 7, "http": 80, "kerberos": 750, "nfs": 2049,
    "pim-auto-rp": 496, "sip": 5060, "sunrpc": 111, "tacacs": 49, "talk": 517, "www": 80,
}  # fmt: skip

_TCP: Mapping[str, int] = {
    **_EITHER, "aol": 5190, "bgp": 179, "chargen": 19, "citrix-ica": 1494, "cmd": 514, "ctiqbe": 2748,
    "daytime": 13, "exec": 512, "finger": 79, "ftp": 21, "ftp-data": 20, "gopher": 70, "h323": 1720,
    "hostname": 101, "https": 443, "ident": 113, "imap4": 143, "irc": 194, "klogin": 543, "kshell": 544,
    "ldap": 389, "ldaps": 636, "login": 513, "lotusnotes": 1352, "lpd": 515, "netbios-ssn": 139,
    "nntp": 119,
    "pcanywhere-data": 5631, "pop2": 109, "pop3": 110, "pptp": 1723, "rsh": 514, "rtsp": 554,
    "smtp": 25,
    "sqlnet": 1521, "ssh": 22, "telnet": 23, "uucp": 540, "whois": 43,
}  # fmt: skip

_UDP: Mapping[str, int] = {
    **_EITHER, "biff": 512, "bootpc": 68, "bootps": 67, "dnsix": 195, "isakmp": 500, "mobile-ip": 434,
    "nameserver": 42, "netbios-dgm": 138, "netbios-ns": 137, "ntp": 123, "pcanywhere-status": 5632,
    "radius": 1645, "radius-acct": 1646, "rip": 520, "secureid-udp": 5510, "snmp": 161, "snmptrap": 162,
    "syslog": 514, "tftp": 69, "time": 37, "vxlan": 4789, "who": 513, "xdmcp": 177,
}  # fmt: skip

_ICMP: Mapping[str, names.Icmp] = {
    "echo-reply": (0, None), "unreachable": (3, None), "source-quench": (4, None), "redirect": (5,
    None),
    "alternate-address": (6, None), "echo": (8, None), "router-advertisement": (9, None),
    "router-solicitation": (10, None), "time-exceeded": (11, None), "parameter-problem": (12, None),
    "timestamp-request": (13, None), "timestamp-reply": (14, None), "information-request": (15, None),
    "information-reply": (16, None), "mask-request": (17, None), "mask-reply": (18, None),
    "traceroute": (30, None), "conversion-error": (31, None), "mobile-redirect": (32, None),
}  # fmt: skip

_ICMPV6: Mapping[str, names.Icmp] = {
    "unreachable": (1, None), "packet-too-big": (2, None), "time-exceeded": (3, None),
    "parameter-problem": (4, None), "echo": (128, None), "echo-reply": (129, None),
    "membership-query": (130, None), "membership-report": (131, None), "membership-reduction": (132,
    None),
    "router-solicitation": (133, None), "router-advertisement": (134, None),
    "neighbor-solicitation": (135, None), "neighbor-advertisement": (136, None),
    "neighbor-redirect": (137, None), "router-renumbering": (138, None),
}  # fmt: skip

# The ASA puts a packet's fragments together before it asks its rules (command reference, "fragment").
ASA = Dialect(
    name="asa",
    interface_names=INTERFACES,
    mask=MaskStyle.NETMASK,
    protocols=_PROTOCOLS,
    tcp_ports=_TCP,
    udp_ports=_UDP,
    icmp=_ICMP,
    icmpv6=_ICMPV6,
    group_words=frozenset({"object-group"}),
    permits_later_fragments=False,
)
