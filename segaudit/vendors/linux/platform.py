"""The read-only commands of a Linux device and the files their output is stored under."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from segaudit.model.snapshot import Platform, RawFile, ShowCommand

HOSTNAME = "hostname.txt"
LINK = "ip-link.json"
ADDRESS = "ip-address.json"
ROUTE4 = "ip-route4.json"
ROUTE6 = "ip-route6.json"
RULE4 = "ip-rule4.json"
RULE6 = "ip-rule6.json"
NEIGHBOUR = "ip-neighbour.json"
PROXY_NEIGHBOUR = "ip-neighbour-proxy.json"
BRIDGE_LINK = "bridge-link.json"
BRIDGE_VLAN = "bridge-vlan.json"
QDISC = "tc-qdisc.json"
XFRM_POLICY = "ip-xfrm-policy.txt"
MPLS_ROUTE = "ip-mpls-route.json"
MROUTE4 = "ip-mroute4.json"
MROUTE6 = "ip-mroute6.json"
SYSCTL = "sysctl.txt"
NFTABLES_JSON = "nftables.json"
NFTABLES = "nftables.txt"
NFTABLES_BYTECODE = "nftables-netlink.txt"
IPTABLES = "iptables-save.txt"
IP6TABLES = "ip6tables-save.txt"
IPTABLES_LEGACY = "iptables-legacy-save.txt"
IP6TABLES_LEGACY = "ip6tables-legacy-save.txt"
IPSET = "ipset.txt"
FRR_CONFIG = "frr-running-config.txt"
FRR_ROUTE4 = "frr-route4.json"
FRR_ROUTE6 = "frr-route6.json"

SYSCTL_NAMES = (
    "accept_local",
    "accept_source_route",
    "bc_forwarding",
    "force_forwarding",
    "forwarding",
    "mc_forwarding",
    "proxy_arp",
    "proxy_arp_pvlan",
    "proxy_ndp",
    "route_localnet",
    "rp_filter",
    "rpl_seg_enabled",
    "seg6_enabled",
)
"""Per-interface settings that decide whether and how a packet is forwarded (kernel: ip-sysctl)."""

BRIDGE_CALLS = "bridge-nf-call-ip"
"""Start of the two settings that send bridged packets through the IP filters."""

# net.ipv6.conf.*.stable_secret is a secret, so the whole tree is never asked for.
_PER_INTERFACE = rf"conf\..*\.({'|'.join(SYSCTL_NAMES)})"
_SYSCTL_PATTERN = rf"^net\.(ipv[46]\.(ip_forward|{_PER_INTERFACE})|bridge\.{BRIDGE_CALLS}6?tables)$"


FILTERS_AT_ROOT = frozenset({"fq_codel", "fq_pie", "sfq", "cake"})
"""Queueing disciplines without classes: what ``tc filter show dev X`` lists is all that they may hold."""

_ASKED = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}")
"""Interface names that a command is made of; the kernel allows others, whose filters stay unknown."""


def qdisc_filters(interface: str) -> str:
    """The file of ``tc -j -p filter show dev INTERFACE``: the filters of its root qdisc."""
    return f"tc-filter-{interface}.json"


def follow_ups(files: Sequence[RawFile]) -> tuple[ShowCommand, ...]:
    """The filters of each interface whose qdisc is harmless without any; nothing lists all of them."""
    listings = [file.text for file in files if file.name == QDISC and not file.exit_status]
    names = {name for listing in listings for name in _interfaces_to_ask(listing)}
    return tuple(
        ShowCommand(qdisc_filters(name), f"tc -j -p filter show dev {name}", optional=True)
        for name in sorted(names)
    )


def _interfaces_to_ask(listing: str) -> Iterator[str]:
    """None where the listing cannot be read: its device is doubtful anyway."""
    try:
        entries = json.loads(listing)
    except (ValueError, RecursionError):
        return
    for entry in entries if isinstance(entries, list) else ():
        match entry:
            case {"kind": str(kind), "root": True, "dev": str(name)} if kind in FILTERS_AT_ROOT:
                if _ASKED.fullmatch(name):
                    yield name


PLATFORM = Platform(
    name="linux",
    netmiko_device_type="linux",
    commands=(
        ShowCommand(HOSTNAME, "uname -n"),
        ShowCommand(LINK, "ip -j -p -d link show"),
        ShowCommand(ADDRESS, "ip -j -p -d address show"),
        ShowCommand(ROUTE4, "ip -j -p -d -4 route show table all"),
        ShowCommand(ROUTE6, "ip -j -p -d -6 route show table all"),
        ShowCommand(RULE4, "ip -j -p -4 rule show", optional=True),
        ShowCommand(RULE6, "ip -j -p -6 rule show", optional=True),
        ShowCommand(NEIGHBOUR, "ip -j -p neighbour show", optional=True),
        ShowCommand(PROXY_NEIGHBOUR, "ip -j -p neighbour show proxy", optional=True),
        ShowCommand(BRIDGE_LINK, "bridge -j -p -d link show", optional=True),
        ShowCommand(BRIDGE_VLAN, "bridge -j -p vlan show", optional=True),
        ShowCommand(QDISC, "tc -j -p qdisc show", optional=True),
        # Never `ip xfrm state`: it prints keys.
        ShowCommand(XFRM_POLICY, "ip xfrm policy show", optional=True),
        ShowCommand(MPLS_ROUTE, "ip -j -p -f mpls route show", optional=True),
        ShowCommand(MROUTE4, "ip -j -p -4 mroute show table all", optional=True),
        ShowCommand(MROUTE6, "ip -j -p -6 mroute show table all", optional=True),
        ShowCommand(SYSCTL, f"sysctl -a -r '{_SYSCTL_PATTERN}'"),
        ShowCommand(NFTABLES_JSON, "nft -j list ruleset", optional=True),
        ShowCommand(NFTABLES, "nft -a list ruleset", optional=True),
        ShowCommand(NFTABLES_BYTECODE, "nft --debug=netlink list ruleset", optional=True),
        ShowCommand(IPTABLES, "iptables-save", optional=True),
        ShowCommand(IP6TABLES, "ip6tables-save", optional=True),
        ShowCommand(IPTABLES_LEGACY, "iptables-legacy-save", optional=True),
        ShowCommand(IP6TABLES_LEGACY, "ip6tables-legacy-save", optional=True),
        ShowCommand(IPSET, "ipset save", optional=True),
        ShowCommand(FRR_CONFIG, "vtysh -c 'show running-config'", optional=True, end_marker=r"^end$"),
        ShowCommand(FRR_ROUTE4, "vtysh -c 'show ip route json'", optional=True),
        ShowCommand(FRR_ROUTE6, "vtysh -c 'show ipv6 route json'", optional=True),
    ),
    follow_ups=follow_ups,
)
