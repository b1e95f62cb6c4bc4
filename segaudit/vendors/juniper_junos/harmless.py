"""Statements that cannot change which packets reach what, with the reason for each.

Nothing is here that could create or widen forwarding; see NOTES.md.
"""

from __future__ import annotations

from segaudit.parse.word_tree import Node
from segaudit.vendors.juniper_junos.reading import Reading

_MANAGED = "about the device itself, not about what it forwards"
_POLICY = "decides about routes that are learned, and those count as unknown anyway"
_QUALITY = "decides about order and rate, not about where packets go"
_DETECTS = "can only drop packets that would pass without it"
_CRYPTO = "how a tunnel protects its packets, not where they go"
_SWITCHING = "keeps frames apart or limits them; they count as passed"

_PLACES: dict[str, str] = {
    "version": _MANAGED,
    "system": _MANAGED,
    "chassis": _MANAGED,
    "snmp": _MANAGED,
    "event-options": _MANAGED,
    "access": _MANAGED,
    "accounting-options": _MANAGED,
    "smtp": _MANAGED,
    "poe": _MANAGED,
    "virtual-chassis": _MANAGED,
    "redundant-power-system": _MANAGED,
    "diameter": _MANAGED,
    "jsrc": _MANAGED,
    "session-limit-group": _MANAGED,
    "unified-edge": _MANAGED,
    "vmhost": _MANAGED,
    "class-of-service": _QUALITY,
    "multi-chassis": "joins two devices in one; both are configured with what they forward",
    "policy-options": _POLICY,
    "interfaces traceoptions": _MANAGED,
    "interfaces interface-set": _QUALITY,
    "interfaces interface-range": "what it says stands with its member ports",
    "firewall policer": _QUALITY,
    "firewall three-color-policer": _QUALITY,
    "firewall hierarchical-policer": _QUALITY,
    "firewall load-balance-group": _QUALITY,
    "firewall interface-set": _QUALITY,
    "firewall traceoptions": _MANAGED,
    "firewall log": _MANAGED,
    "firewall family inet prefix-action": _QUALITY,
    "firewall family inet dialer-filter": _QUALITY,
    "firewall family inet service-filter": "decides which packets services see; where one is used is noted",
    "firewall family inet simple-filter": _DETECTS,
    "firewall family inet6 service-filter": "decides which packets services see; its use is noted",
    "firewall family ethernet-switching": _SWITCHING,
    "firewall family bridge": _SWITCHING,
    "firewall family vpls": _SWITCHING,
    "firewall family ccc": _SWITCHING,
    "firewall family mpls": _SWITCHING,
    "firewall family evpn": _SWITCHING,
    "forwarding-options storm-control-profiles": _SWITCHING,
    "forwarding-options storm-control": _SWITCHING,
    "forwarding-options sampling": _MANAGED,
    "forwarding-options hash-key": _QUALITY,
    "forwarding-options enhanced-hash-key": _QUALITY,
    "forwarding-options load-balance": _QUALITY,
    "forwarding-options accounting": _MANAGED,
    "forwarding-options vxlan-routing": _QUALITY,
    "forwarding-options evpn-vxlan": _QUALITY,
    "forwarding-options ip-options-protocol-queue": _QUALITY,
    "forwarding-options link-layer-broadcast-inline": _QUALITY,
    "forwarding-options tunnel-termination": _QUALITY,
    "forwarding-options cut-through": _QUALITY,
    "forwarding-options load-balance-label-capability": _QUALITY,
    "forwarding-options rpf-loose-mode-discard": _DETECTS,
    "forwarding-options access-security": _DETECTS,
    "forwarding-options dhcp-security": _DETECTS,
    "forwarding-options forwarding-sandbox": _MANAGED,
    "forwarding-options monitoring": _MANAGED,
    "forwarding-options no-load-balance-label-capability": _QUALITY,
    "forwarding-options multicast": _QUALITY,
    "security screen": _DETECTS,
    "security log": _MANAGED,
    "security alarms": _MANAGED,
    "security pki": _CRYPTO,
    "security ssh-known-hosts": _MANAGED,
    "security certificates": _CRYPTO,
    "security authentication-key-chains": _CRYPTO,
    "security macsec": _CRYPTO,
    "security ike": _CRYPTO,
    "security ipsec": _CRYPTO,
    "security group-vpn": _CRYPTO,
    "security idp": _DETECTS,
    "security utm": _DETECTS,
    "security alg": "opens more connections of a permitted application; all of them count as opened",
    "security application-tracking": _MANAGED,
    "security application-firewall": _DETECTS,
    "security user-identification": "which users are known: matches on them count as unknown",
    "security flow": "how sessions are kept; no packet passes by it that has no session",
    "security traceoptions": _MANAGED,
    "security forwarding-process": _MANAGED,
    "security analysis": _MANAGED,
    "security datapath-debug": _MANAGED,
    "security dynamic-address": "addresses from feeds count as unknown",
    "security firewall-authentication": _DETECTS,
    "security resource-manager": _MANAGED,
    "security tunnel-inspection": _DETECTS,
    "security intelligence": _DETECTS,
    "security ssl": _DETECTS,
    "security name": _MANAGED,
    "security gprs": _DETECTS,
    "security cloud": _MANAGED,
    "security policies traceoptions": _MANAGED,
    "services rpm": _MANAGED,
    "services flow-monitoring": _MANAGED,
    "services analytics": _MANAGED,
    "services application-identification": _DETECTS,
    "services ssl": _DETECTS,
    "services security-intelligence": _DETECTS,
    "services advanced-anti-malware": _DETECTS,
    "services user-identification": "which users are known: matches on them count as unknown",
    "services monitoring": _MANAGED,
    "services dns-filtering": _DETECTS,
    "services web-filter": _DETECTS,
    "services inline-monitoring": _MANAGED,
    "services anti-virus": _DETECTS,
    "services redundancy-set": _MANAGED,
    "services unified-access-control": _DETECTS,
    "services flow-tap": "copies packets to a collector",
    "switch-options": "how frames are switched; VLANs that a tunnel carries are modelled",
    "ethernet-switching-options secure-access-port": _DETECTS,
    "ethernet-switching-options storm-control": _SWITCHING,
    "ethernet-switching-options unknown-unicast-forwarding": _SWITCHING,
    "ethernet-switching-options bpdu-block": _SWITCHING,
    "ethernet-switching-options traceoptions": _MANAGED,
    "ethernet-switching-options nonstop-bridging": _MANAGED,
    "ethernet-switching-options mac-table-aging-time": _MANAGED,
    "ethernet-switching-options mac-notification": _MANAGED,
    "ethernet-switching-options port-error-disable": _SWITCHING,
    "ethernet-switching-options redundant-trunk-group": _SWITCHING,
    "ethernet-switching-options voip": "tagged VLANs of telephones are modelled",
}

_COPIES = "copies of packets leave by another port"
_RELAYS = "what hosts send to some ports goes to a server elsewhere"
_WAYS: dict[str, str] = {
    "forwarding-options port-mirroring": _COPIES,
    "forwarding-options analyzer": _COPIES,
    "ethernet-switching-options analyzer": _COPIES,
    "forwarding-options dhcp-relay": _RELAYS,
    "forwarding-options helpers": _RELAYS,
    "protocols dot1x": "802.1X may put a port into another VLAN",
    "security flow allow-embedded-icmp": "ICMP errors pass although they belong to no session",
    "security softwires": "packets come out of tunnels that no interface stands for",
}
"""What carries packets where no route, policy or VLAN of the model does."""

_SWITCHED_FAMILIES = ("ethernet-switching", "bridge", "vpls", "evpn", "ccc")
_STEERS = ("vlan", "interface")

_DOUBTFUL: dict[str, str] = {
    "logical-systems": "a device within the device",
    "tenants": "a device within the device",
    "dynamic-profiles": "makes interfaces that the configuration does not show",
    "services": "may translate or tunnel packets",
    "forwarding-options": "may send packets where no route does",
}


def account(reading: Reading) -> None:
    """Give the statements of this table their fate; whatever a reader claimed before keeps its own."""
    for place, reason in _WAYS.items():
        reading.unsupported(reading.root.get(*place.split()), reason, bounded=False)
    _account_steering(reading)
    for place, reason in _PLACES.items():
        reading.ignored(reading.root.get(*place.split()), reason)
    for place, reason in _DOUBTFUL.items():
        reading.doubtful_rest(reading.root.get(place), reason)
    transients = reading.root.get("system", "scripts", "commit", "allow-transients")
    reading.unsupported(
        transients, "scripts may change what the configuration does not show", bounded=False
    )
    _account_forwarding(reading)


def _account_steering(reading: Reading) -> None:
    """Filters of switched frames may send them into another VLAN, or out of a port past the switching."""
    for family in _SWITCHED_FAMILIES:
        filters = reading.root.get("firewall", "family", family)
        for then in (node for node in filters.walk() if node.word == "then") if filters is not None else ():
            for action in _STEERS:
                reading.unsupported(then.get(action), "a filter sends frames elsewhere", bounded=False)
    for events in reading.root.under("event-options", "policy"):
        change = events.get("then", "change-configuration")
        reading.unsupported(change, "an event may change the configuration", bounded=False)


def _account_forwarding(reading: Reading) -> None:
    """Filters of the forwarding table and relays are looked at by what they hold."""
    for family in ("inet", "inet6", "vpls", "mpls"):
        node: Node | None = reading.root.get("forwarding-options", "family", family)
        reading.unsupported(node, "what its filters would drop counts as passed", bounded=True)
