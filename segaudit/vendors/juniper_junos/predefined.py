"""The applications that Junos knows without configuration (``junos-...``).

Source: the group ``junos-defaults`` of a device (``show configuration groups junos-defaults applications``,
Junos 18 to 21) and Juniper, Security Policies User Guide, "Predefined Policy Applications". A name that is
not here counts as an application that is not known: it may match anything.
"""

from __future__ import annotations

_TABLE = """
junos-aol tcp 5190-5193
junos-bgp tcp 179
junos-biff udp 512
junos-bootpc udp 68
junos-bootps udp 67
junos-chargen udp 19
junos-cvspserver tcp 2401
junos-dhcp-client udp 68
junos-dhcp-relay udp 67
junos-dhcp-server udp 67
junos-discard udp 9
junos-dns-tcp tcp 53
junos-dns-udp udp 53
junos-echo udp 7
junos-finger tcp 79
junos-ftp tcp 21
junos-ftp-data tcp 20
junos-gnutella udp 6346-6347
junos-gopher tcp 70
junos-gprs-gtp-c udp 2123
junos-gprs-gtp-u udp 2152
junos-gprs-gtp-v0 udp 3386
junos-gprs-sctp 132 0-65535
junos-gre 47
junos-gtp udp 2123
junos-h323 tcp 1720 udp 1719 tcp 1503 tcp 389 tcp 522 tcp 1731
junos-http tcp 80
junos-http-ext tcp 7001
junos-https tcp 443
junos-icmp-all icmp
junos-icmp-ping icmp 8
junos-icmp6-all icmp6
junos-icmp6-dst-unreach-addr icmp6 1 3
junos-icmp6-dst-unreach-admin icmp6 1 1
junos-icmp6-dst-unreach-beyond icmp6 1 2
junos-icmp6-dst-unreach-port icmp6 1 4
junos-icmp6-dst-unreach-route icmp6 1 0
junos-icmp6-echo-reply icmp6 129
junos-icmp6-echo-request icmp6 128
junos-icmp6-packet-too-big icmp6 2 0
junos-icmp6-param-prob-header icmp6 4 0
junos-icmp6-param-prob-nexthdr icmp6 4 1
junos-icmp6-param-prob-option icmp6 4 2
junos-icmp6-time-exceed-reassembly icmp6 3 1
junos-icmp6-time-exceed-transit icmp6 3 0
junos-ident tcp 113
junos-ike udp 500
junos-ike-nat udp 4500
junos-imap tcp 143
junos-imaps tcp 993
junos-internet-locator-service tcp 389 tcp 522 tcp 636
junos-irc tcp 6660-6669
junos-l2tp udp 1701
junos-ldap tcp 389
junos-ldp-tcp tcp 646
junos-ldp-udp udp 646
junos-lpr tcp 515
junos-mail tcp 25
junos-mgcp-ca udp 2727
junos-mgcp-ua udp 2427
junos-ms-rpc-epm tcp 135 udp 135
junos-ms-rpc-tcp tcp 135
junos-ms-rpc-udp udp 135
junos-ms-sql tcp 1433
junos-msn tcp 1863
junos-nbds udp 137
junos-nbname udp 138
junos-netbios-session tcp 139
junos-nfs udp 111
junos-nfsd-tcp tcp 2049
junos-nfsd-udp udp 2049
junos-nntp tcp 119
junos-ns-global tcp 15397
junos-ns-global-pro tcp 15397
junos-nsm udp 69
junos-ntalk udp 518
junos-ntp udp 123
junos-ospf 89
junos-pc-anywhere udp 5632
junos-persistent-nat 255
junos-ping icmp 8
junos-pingv6 icmp6 128
junos-pop3 tcp 110
junos-pptp tcp 1723
junos-printer tcp 515
junos-r2cp udp 28672
junos-radacct udp 1813
junos-radius udp 1812
junos-realaudio tcp 554
junos-rdp tcp 3389
junos-rip udp 520
junos-rsh tcp 514
junos-rtsp tcp 554
junos-sccp tcp 2000
junos-sctp-any 132 0-65535
junos-sip udp 5060 tcp 5060
junos-smb tcp 139 tcp 445
junos-smb-session tcp 445
junos-smtp tcp 25
junos-smtps tcp 465 tcp 587
junos-snmp-agentx tcp 705
junos-snpp tcp 444
junos-sql-monitor udp 1434
junos-sqlnet-v1 tcp 1525
junos-sqlnet-v2 tcp 1521
junos-ssh tcp 22
junos-stun-tcp tcp 3478-3479
junos-stun-udp udp 3478-3479
junos-sun-rpc-tcp tcp 111
junos-sun-rpc-udp udp 111
junos-sun-rpc-portmap-tcp tcp 111
junos-sun-rpc-portmap-udp udp 111
junos-syslog udp 514
junos-tacacs tcp 49
junos-tacacs-ds tcp 65
junos-talk udp 517
junos-tcp-any tcp 0-65535
junos-telnet tcp 23
junos-tftp udp 69
junos-twamp tcp 862
junos-udp-any udp 0-65535
junos-uucp udp 540
junos-vdo-live udp 7000-7010
junos-vnc tcp 5800 tcp 5900
junos-wais tcp 210
junos-who udp 513
junos-whois tcp 43
junos-winframe tcp 1494
junos-wxcontrol tcp 3578
junos-x-windows tcp 6000-6063
junos-xnm-clear-text tcp 3221
junos-xnm-ssl tcp 3220
junos-ymsg tcp 5050
"""

SETS: dict[str, tuple[str, ...]] = {
    "junos-cifs": ("junos-netbios-session", "junos-smb-session"),
    "junos-mgcp": ("junos-mgcp-ua", "junos-mgcp-ca"),
    "junos-routing-inbound": ("junos-bgp", "junos-rip", "junos-ldp-tcp", "junos-ldp-udp"),
    "junos-stun": ("junos-stun-tcp", "junos-stun-udp"),
    "junos-sun-rpc-portmap": ("junos-sun-rpc-portmap-tcp", "junos-sun-rpc-portmap-udp"),
}
"""Predefined sets of which every member is known."""

GATEWAYS = frozenset(
    (
        "ftp", "rtsp", "sip", "h323", "mgcp-ca", "mgcp-ua", "sccp", "ms-rpc", "sun-rpc", "tftp", "rsh",
        "pptp", "sqlnet-v2", "talk", "ntalk", "realaudio",
    )
)  # fmt: skip
"""Application-layer gateways that open further connections for a permitted one."""

WITH_GATEWAY = frozenset(f"junos-{name}" for name in GATEWAYS)
"""Predefined applications with such a gateway (those of the RPC families are not in the table at all)."""

Service = tuple[str, ...]
"""A protocol, then ports or ICMP type and code, as written in a configuration."""


def _parsed() -> dict[str, tuple[Service, ...]]:
    found = {}
    for line in _TABLE.strip().split("\n"):
        name, *rest = line.split()
        found[name] = tuple(_services(rest))
    return found


def _services(rest: list[str]) -> list[Service]:
    services: list[list[str]] = []
    for word in rest:
        if word in ("tcp", "udp", "icmp", "icmp6") or not services:
            services.append([word])
        else:
            services[-1].append(word)
    return [tuple(service) for service in services]


APPLICATIONS = _parsed()
"""Each predefined application's services."""
