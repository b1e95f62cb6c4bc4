"""Lines that cannot matter for forwarding, by their first words, with the reason.

Source: Cisco ASA Series Command Reference (A-H, I-R, S, T-Z), the entry of each command.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_Grouped = Mapping[str, Iterable[str]]

_GLOBAL: _Grouped = {
    "what is logged or counted": (
        "asdm history", "call-home", "logging", "snmp", "snmp-server",
        "service call-home",
        "flow-export", "telemetry",
    ),
    "of the device itself: no packet is forwarded by it": (
        "app-agent", "asdm", "asp", "auto-update", "boot", "checkheaps", "clock", "compression",
        "config-register", "console", "coredump", "cpu", "crashinfo", "crypto large-cert-acceleration",
        "ddns",
        "dns", "dns-group", "dns-group-map", "enable", "fips", "ftp mode",
        "http authentication-certificate", "http redirect",
        "http server idle-timeout", "http server session-timeout", "hw-module", "jumbo-frame", "key",
        "license", "lldp", "mac-address auto", "module", "mount", "names", "ntp", "pager", "passwd",
        "password",
        "prompt", "ptp", "quota", "rest-api", "service password-recovery", "service-module",
        "service sw-reset-button",
        "smtp-server", "ssl", "sw-module", "terminal", "tftp-server",
    ),
    "how administrators and users log in": (
        "aaa", "aaa-server", "auth-prompt", "banner", "cts", "ldap", "management-session",
        "object-group-user", "password-policy", "privilege", "saml", "ssh cipher", "ssh key-exchange",
        "ssh pubkey-chain", "ssh scopy", "ssh stack", "ssh stricthostkeycheck", "ssh timeout",
        "ssh version",
        "telnet timeout", "user-identity", "username",
    ),
    "a policy for routing protocols, whose routes count as unknown": (
        "as-path", "bfd", "bfd-template", "community-list", "ipv6 prefix-list", "key chain",
        "policy-list",
        "prefix-list", "route-map",
    ),
    "how long something is remembered": (
        "arp permit-nonconnected", "arp rate-limit", "arp timeout", "ipv6 icmp", "ipv6 nd",
        "ipv6 neighbor-cache", "mac-address-table aging-time", "timeout",
    ),
    "whether a port translation may be used for one connection or several": ("xlate",),
    "how VPN peers agree; the tunnels are read from crypto maps and tunnel interfaces": (
        "crypto ca", "crypto engine", "crypto ikev1", "crypto ikev2", "crypto ipsec", "crypto isakmp",
        "crypto key", "dynamic-access-policy-config", "dynamic-access-policy-record", "ip local",
        "ipv6 local", "ipv6-vpn-addr-assign", "isakmp", "tunnel-group-map", "tunnel-group-preference",
        "vpn",
        "vpn-addr-assign", "vpn-sessiondb", "zonelabs-integrity",
    ),
    "limits or drops traffic, lets none through": (
        "dns-guard", "dynamic-filter", "filter", "floodguard", "fragment", "icmp unreachable",
        "ip audit",
        "mac-list", "priority-queue", "service resetinbound", "service resetoutbound",
        "service resetoutside", "shun", "tcp-map", "tcp-options", "threat-detection", "url-block",
        "url-cache", "url-server", "virtual",
    ),
    "a class or pattern that a policy may refer to": ("class-map", "regex"),
    "failover: the standby unit has the same configuration": ("failover", "monitor-interface"),
    "watches, does not forward": ("capture", "debug", "monitor", "sla monitor", "track"),
    "what a rule with a time range matches counts as unknown": ("time-range",),
    "addresses for other hosts": (
        "dhcp-client", "dhcpd", "dhcprelay information", "dhcprelay setroute", "dhcprelay timeout",
        "ipv6 dhcp",
    ),
    "how an interface dials": ("vpdn",),
    "how rules are looked up, not what they mean": (
        "access-list alert-interval", "access-list deny-flow-max", "forward-reference",
        "object-group-search",
    ),
    "joins interfaces whose flows may move between them; each keeps its own rules": ("zone",),
}  # fmt: skip

_BELOW_INTERFACE: _Grouped = {
    "how the port itself works": (
        "backup", "bandwidth", "carrier", "delay", "dhcp", "duplex", "fec", "flowcontrol",
        "hardware-bypass", "hold-time", "keepalive", "lacp", "lldp", "load-interval", "media-type",
        "negotiate", "poll-interval", "port-channel", "power", "pppoe", "speed",
    ),
    "a routing protocol on the interface; what it learns counts as unknown": (
        "authentication", "bfd", "eigrp", "hello-interval", "ipv6 ospf", "isis", "ospf", "rip",
        "split-horizon", "summary-address",
    ),
    "addresses for other hosts": ("dhcprelay information", "ipv6 dhcp", "ipv6 nd"),
    "tags frames; what rules say about tags counts as unknown": ("cts", "policy", "propagate"),
    "multicast is decided by multicast-routing": ("igmp", "multicast", "pim"),
    "keeps ports apart or watches them": ("switchport monitor", "switchport protected"),
    "how VPN peers agree": ("tunnel protection",),
}  # fmt: skip


def _by_words(grouped: _Grouped) -> Mapping[str, str]:
    return {words: reason for reason, several in grouped.items() for words in several}


HARMLESS = _by_words(_GLOBAL)
BELOW_INTERFACE = _by_words(_BELOW_INTERFACE)
