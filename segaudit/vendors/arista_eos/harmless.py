"""Global lines of EOS that cannot matter for forwarding, by their first words, with the reason.

Source: Arista EOS User Manual, the command descriptions of each chapter.
"""

from __future__ import annotations

from segaudit.parse.cisco.switches import by_first_words

HARMLESS = by_first_words({
    "what is logged, counted or watched": (
        "errdisable", "event-monitor", "flow", "load-interval", "monitor connectivity",
        "monitor hadoop", "monitor loop-protection", "monitor server-failure", "monitor telemetry",
        "queue-monitor", "sflow", "snmp-server", "track", "tracers", "vmtracer", "logging qos",
        "connectivity",
    ),
    "of the switch itself: no packet is forwarded by it": (
        "alias", "boot", "clock", "cli", "cvx", "default", "email", "enable", "environment",
        "hardware", "hostname", "ip ftp", "ip host", "ip http", "ip icmp", "ip radius", "ip ssh",
        "ip tacacs", "ip tftp", "ipv6 host", "lldp", "management api models", "management console",
        "management cvx", "management defaults", "management security", "management tech-support",
        "management xmpp", "mcs", "platform", "power", "prompt", "ptp", "redundancy",
        "service", "system", "terminal", "transceiver", "zerotouch", "agent", "ip name-server group",
        "ip domain lookup", "ip domain-list", "dns", "license", "boot-config", "ntp authenticate",
        "ntp authentication-key", "ntp local-interface", "ntp serve", "ntp source", "ntp trusted-key",
        "ip address virtual source-nat", "link tracking group", "telemetry", "peer-filter", "kernel",
    ),
    "how administrators and users log in": (
        "aaa", "banner", "dot1x", "privilege", "radius-server attribute", "radius-server deadtime",
        "radius-server key", "radius-server retransmit", "radius-server timeout", "role",
        "tacacs-server key", "tacacs-server policy", "tacacs-server timeout", "address locking",
        "ip radius source-interface",
    ),
    "a policy for routing protocols, whose routes count as unknown": (
        "dynamic prefix-list", "ip as-path", "ip bgp", "ip community-list", "ip extcommunity-list",
        "ip large-community-list", "ip prefix-list", "ipv6 prefix-list", "match-list", "route-map",
        "ip ospf", "ip rip", "route-target", "policy-list",
    ),
    "counts where it is applied": (
        "class-map", "mac access-list", "policy-map", "qos", "metering",
    ),
    "which links of a switch are used; a blocked port counts as open": (
        "lacp", "port-channel", "spanning-tree", "link", "loop-protection", "mlag configuration", "mlag",
        "udld",
    ),
    "how addresses on a link are learned": (
        "ip virtual-router mac-address", "mac address-table",
        "mac address", "ipv6 nd", "ip local-proxy-arp",
    ),
    "it only ever drops": (
        "ip dhcp snooping", "ip igmp snooping", "ip source", "ip verify", "ipv6 dhcp snooping",
        "mld snooping", "storm-control", "ip igmp", "ip mfib", "ipv6 mld", "mld", "control-plane policy",
    ),
    "watches whether a neighbour is there": ("bfd",),
    "how packets are spread over equal paths": ("ip load-sharing", "ipv6 load-sharing", "load-balance"),
    "names VLANs that the switch uses inside": ("vlan internal", "vlan policy"),
    "which routes the hardware holds": ("ip hardware", "ipv6 hardware", "rib", "ip icmp redirect"),
    "addresses for other hosts": ("dhcp server", "ip dhcp pool", "ip dhcp relay always-on",
        "ip dhcp relay information"),
    "how tunnels protect their outer packets": ("ip security", "mac security"),
})  # fmt: skip

MODES = frozenset({
    "aaa group", "ip nat pool", "alias", "class-map", "daemon", "dhcp server", "dynamic prefix-list",
    "email", "event-handler", "event-monitor", "flow tracking", "hardware tcam", "ip as-path",
    "ip prefix-list", "ip security", "ipv6 prefix-list", "link tracking group", "mac access-list",
    "mac security", "management", "match-list", "mlag configuration", "monitor connectivity",
    "monitor telemetry", "peer-filter", "platform", "policy-map", "ptp", "qos", "queue-monitor", "role",
    "route-map", "router", "ipv6 router", "spanning-tree mst", "system l1", "telemetry", "vmtracer", "cvx",
    "monitor server-failure", "monitor loop-protection", "monitor hadoop", "ip community-list",
    "ip extcommunity-list", "load-balance", "environment", "metering",
})  # fmt: skip
"""Lines that open a mode of which nothing matters, by their first words."""
