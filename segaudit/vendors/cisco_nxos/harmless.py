"""Global lines of NX-OS that cannot matter for forwarding, by their first words, with the reason.

Source: Cisco Nexus 9000 and 7000 Series NX-OS command references, the entry of each command.
"""

from __future__ import annotations

from segaudit.parse.cisco.switches import by_first_words

HARMLESS = by_first_words({
    "what is logged, counted or watched": (
        "callhome", "errdisable", "flow exporter", "flow monitor", "flow record",
        "flow timeout", "icam", "ip sla", "logging", "rmon", "sampler", "sflow", "snmp-server",
        "telemetry", "track", "itd session", "diagnostic", "slow-drain", "ngoam",
    ),
    "of the switch itself: no packet is forwarded by it": (
        "boot", "cfs", "cli", "clock", "crypto", "default", "feature", "hardware", "hostname", "install",
        "ip domain-list", "ip domain-lookup", "ip ftp", "ip host", "ip http", "ip tacacs", "ip radius",
        "ip tftp", "ipv6 host", "limit-resource", "lldp", "cdp", "license", "nxapi", "power",
        "service unsupported-transceiver", "ssh", "switchname", "system", "terminal", "vdc", "version",
        "xml", "virtual-service", "guestshell", "redundancy", "ip dns", "ip name-server-group", "platform",
        "module", "poweroff", "line console", "grpc", "ntp access-group", "ntp allow", "ntp authenticate",
        "ntp authentication-key", "ntp commit", "ntp distribute", "ntp logging", "ntp master",
        "ntp source", "ntp source-interface", "ntp trusted-key", "ip tcp", "ip telnet", "ip ssh",
        "security", "fips", "checkpoint", "tftp-server", "ptp", "locator-led", "environment",
        "service dhcp", "ip dhcp relay", "ipv6 dhcp relay", "ip finger", "config-template", "certificate",

    ),
    "how administrators and users log in": (
        "aaa", "banner", "dot1x", "key", "login", "password", "radius-server deadtime",
        "radius-server directed-request", "radius-server key", "radius-server retransmit",
        "radius-server timeout", "role", "tacacs-server deadtime", "tacacs-server directed-request",
        "tacacs-server key", "tacacs-server timeout", "userpassphrase", "ip tacacs source-interface",
        "ldap-server", "cts", "privilege", "enable",
    ),
    "a policy for routing protocols, whose routes count as unknown": (
        "ip as-path", "ip community-list", "ip extcommunity-list", "ip large-community-list",
        "ip prefix-list", "ipv6 prefix-list", "mac-list", "route-map", "ip rip",
        "ip load-sharing per-prefix",
    ),
    "counts where it is applied": (
        "class-map", "mac access-list", "policy-map", "arp access-list",
        "mac packet-classify", "time-range", "monitor erspan", "port-security",
    ),
    "which links of a switch are used; a blocked port counts as open": (
        "lacp", "port-channel", "spanning-tree", "udld", "vpc", "vtp mode", "vtp version", "vtp file",
        "vtp password", "fex", "interface breakout", "link", "vlan configuration",
    ),
    "how addresses on a link are learned": (
        "fabric database", "fabric forwarding", "ip adjacency", "ipv6 icmp", "ipv6 nd", "l2",
        "mac address-table", "mac-learn", "ip local-proxy-arp",
    ),
    "it only ever drops, or limits a rate": (
        "control-plane", "copp", "ip dhcp snooping", "ip igmp", "ip source", "ip verify", "ipv6 mld",
        "ipv6 pim", "rate-limiter", "storm-control", "ip icmp-errors", "ip unreachables", "ip redirects",
        "ip amt", "ipv6 redirects", "qos", "ip directed",
    ),
    "how packets are spread over equal paths": ("ip load-sharing", "ipv6 load-sharing"),
    "how EVPN names its routes; what it learns counts as unknown": (
        "evpn", "nv overlay", "nve", "vxlan udp",
    ),
    "which routes the hardware holds": ("ip hardware", "ipv6 hardware"),
    "storage networks, not IP": (
        "device-alias", "fcalias", "fcdomain", "fcip", "fcns", "fcoe", "fspf", "iscsi", "npv", "vsan",
        "zone", "zoneset", "slot",
    ),
})  # fmt: skip

MODES = frozenset({
    "aaa group", "arp access-list", "callhome", "class-map", "cli alias", "control-plane", "crypto",
    "device-alias", "errdisable", "event manager", "evpn", "fcdomain", "fex", "flow", "install", "ip sla",
    "key", "ldap-server", "line console", "mac access-list", "monitor erspan", "ngoam", "nxapi",
    "policy-map", "ptp", "role", "route-map", "router", "scheduler", "slot", "spanning-tree mst",
    "system qos", "tacacs-server", "telemetry", "time-range", "track", "vdc", "vlan access-map",
    "vlan configuration", "vpc domain", "vsan", "zone", "zoneset", "fabric database", "sampler",
    "itd session", "virtual-service", "port-security", "system default", "hardware profile", "icam",
    "xml server",
})  # fmt: skip
"""Lines that open a mode of which nothing matters, by their first words."""
