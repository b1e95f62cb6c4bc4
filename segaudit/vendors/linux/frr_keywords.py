"""What the lines of an FRR running config mean to forwarding, as a table.

The kernel's tables hold the result of every protocol, so most lines cannot matter beyond them. What
forwards outside these tables (MPLS, policy-based routing maps, a forwarding plane elsewhere) is
unsupported, and a word that is not in the table is unrecognized; both count against a proof.
Keywords: FRR 8.4 user manual and the ``show running-config`` of its daemons.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Fate(NamedTuple):
    """``structure``, ``ignored``, ``unsupported`` or ``unrecognized``; for the line or its block."""

    kind: str
    reason: str = ""
    covers_block: bool = False


_STRUCTURE = Fate("structure")
_MANAGEMENT = Fate("ignored", "management", covers_block=True)
_PROTOCOL = Fate("ignored", "routing protocol: its result is in the kernel's table", covers_block=True)
_CONTROL = Fate("ignored", "route selection: its result is in the kernel's table", covers_block=True)
_KERNEL = Fate("ignored", "the kernel's own state is what counts", covers_block=True)
_MULTICAST = Fate("ignored", "multicast: mc_forwarding in sysctl.txt tells whether it is routed", True)
_MPLS = Fate("unsupported", "label switching: MPLS tables are not collected", covers_block=True)
_PBR = Fate("unsupported", "policy-based routing", covers_block=True)
_ELSEWHERE = Fate("unsupported", "the forwarding plane is not this kernel", covers_block=True)
_ABSENT_ADDRESS = Fate("ignored", "configured, but the interface does not have this address")
_UNKNOWN = Fate("unrecognized", "a keyword that is not known")
_UNKNOWN_INTERFACE = Fate("unrecognized", "an interface setting that is not known")

_TOP = (
    (r"!.*|#.*|exit|end|exit-\S+|Building configuration\.\.\.|Current configuration:", _STRUCTURE),
    (r"frr version \S+.*|frr defaults \S+|hostname \S+|interface \S+.*", _STRUCTURE),
    (
        r"(?:log|password|enable|service|banner|username|line|domainname|debug|agentx|snmp-server) ?.*",
        _MANAGEMENT,
    ),
    (r"(?:allow-reserved-ranges|allow-external-route-update|vni|bmp|mgmt) ?.*", _MANAGEMENT),
    (r"key chain .*|rpki.*|bfd|profile .*|watchfrr .*|ip ssh.*|ip domainname.*", _MANAGEMENT),
    (r"router (?:ospf|ospf6|bgp|rip|ripng|isis|eigrp|babel|openfabric)(?: .*)?", _PROTOCOL),
    (
        r"router-id .*|ip router-id .*|ipv6 router-id .*|(?:ip|ipv6) nht .*|(?:ip|ipv6) protocol .*",
        _CONTROL,
    ),
    (r"(?:ip |ipv6 |mac )?(?:prefix-list|access-list) .*|route-map .*|affinity-map .*", _CONTROL),
    (r"bgp (?:as-path|community-list|large-community-list|extcommunity-list|community) ?.*", _CONTROL),
    (r"(?:ip |ipv6 )?(?:as-path|community-list|extcommunity-list|large-community-list) .*", _CONTROL),
    (r"bgp .*|nexthop-group .*|ip import-table .*|ospf6? .*|isis .*|vrrp .*|nhrp .*|evpn .*", _CONTROL),
    (r"zebra .*|(?:ip|ipv6) forwarding|netns \S+|vrf \S+ .*", _KERNEL),
    (
        r"(?:ip|ipv6) (?:mroute|pim|igmp|mld|multicast-routing|msdp|ssmpingd|multicast) ?.*|router pim6?.*",
        _MULTICAST,
    ),
    (r"mpls .*|segment-routing|pseudowire .*|l2vpn .*", _MPLS),
    (r"pbr-map .*|pbr .*", _PBR),
    (r"fpm .*|dataplane .*", _ELSEWHERE),
)
_INTERFACE = (
    (r"!.*|#.*|exit|exit-\S+", _STRUCTURE),
    (r"description .*|bandwidth .*|link-detect|multicast(?: .*)?|shutdown|link-params|speed .*", _KERNEL),
    (r"ip address .*|ipv6 address .*", _ABSENT_ADDRESS),
    (
        r"(?:ip |ipv6 )?(?:ospf|ospf6|rip|ripng|router|isis|eigrp|babel|bgp|nhrp|irdp|bandwidth-percent|"
        r"hello-interval|hold-time|summary-address|authentication) ?.*",
        _PROTOCOL,
    ),
    (r"(?:isis|babel|bfd|vrrp|evpn|nhrp|tunnel|openfabric) ?.*|ipv6 nd .*", _PROTOCOL),
    (r"(?:ip|ipv6) (?:pim|igmp|mld|mroute|multicast) ?.*", _MULTICAST),
    (r"mpls .*", _MPLS),
    (r"pbr-policy .*|pbr .*", _PBR),
)
_SECRETS = re.compile(
    r"((?:password|secret|key|authentication-key|key-string|md5|community|passphrase|string)"
    r"(?: (?:encrypted|clear|md5|hmac-\S+|\d+(?= \S)))* )\S+.*"
)


def fate_of(path: tuple[str, ...]) -> Fate:
    """The fate of the last of ``path``: a line beneath the block heads before it."""
    line = re.sub(r"^no ", "", path[-1])
    if len(path) == 1:
        return _first(_TOP, line, _UNKNOWN)
    if path[0].startswith("interface "):
        return _first(_INTERFACE, line, _UNKNOWN_INTERFACE)
    return _first(_TOP, line, _UNKNOWN)


def _first(table: tuple[tuple[str, Fate], ...], line: str, otherwise: Fate) -> Fate:
    return next((fate for pattern, fate in table if re.fullmatch(pattern, line)), otherwise)


def redacted(line: str) -> str:
    """``line`` with what follows a word like ``password`` blotted out."""
    return _SECRETS.sub(r"\1***", line)
