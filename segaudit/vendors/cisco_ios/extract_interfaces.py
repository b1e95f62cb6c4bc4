"""The lines below ``interface X`` that only IOS has, beside the toolkit's common ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from segaudit.model.flow import Family
from segaudit.parse.cisco import addresses
from segaudit.parse.cisco.dispatch import Table
from segaudit.parse.cisco.fates import FACT, NOT_UNDERSTOOD, Fate, ignored, unsupported
from segaudit.parse.cisco.interfaces import (
    COMMON,
    HARMLESS,
    read_encapsulation,
    read_proxy_arp,
    read_virtual_address,
    read_vrf,
    routing_by_policy,
    setting,
)
from segaudit.parse.cisco.words import Words
from segaudit.vendors.cisco_ios.records import IosInterface

Reader = Callable[[IosInterface, Words], Fate]

_BOTH = (Family.IPV4, Family.IPV6)


def _learning(protocol: str, *families: Family) -> Reader:
    """A reader of lines that switch a routing protocol on."""

    def read(record: IosInterface, words: Words) -> Fate:
        if not words.negated:
            record.learns.update(dict.fromkeys(families, protocol))
        return FACT

    return read


def _numbered(protocol: str, *families: Family) -> Reader:
    """``ip ospf N area A`` switches the protocol on; its other lines only set something."""
    learn = _learning(protocol, *families)

    def read(record: IosInterface, words: Words) -> Fate:
        if words.peek().isdecimal():
            return learn(record, words)
        return ignored("a routing protocol's setting")

    return read


def _not_modelled(reason: str) -> Reader:
    """A line that may carry packets past the model."""
    fate = unsupported(reason)

    def read(_record: IosInterface, words: Words) -> Fate:
        return ignored("switched off") if words.negated else fate

    return read


def _perhaps_dropping(feature: str) -> Reader:
    """A line that drops packets in a way that is not modelled: what passes, passes only perhaps."""

    def read(record: IosInterface, words: Words) -> Fate:
        if words.negated:
            return ignored("switched off")
        record.perhaps_drops.append((feature, words.span))
        return FACT

    return read


def _multicast(family: Family) -> Reader:
    def read(record: IosInterface, words: Words) -> Fate:
        if not words.negated:
            record.multicasts.add(family)
        return FACT

    return read


def _helper(record: IosInterface, words: Words) -> Fate:
    """``ip helper-address [global | vrf V] A``."""
    if words.accept("global") or words.accept("vrf"):
        return unsupported("broadcasts are relayed into another VRF")
    found = addresses.address(words.take())
    if found is None:
        return NOT_UNDERSTOOD
    if words.negated:
        record.helpers = [one for one in record.helpers if one[1] != found[1]]
    else:
        record.helpers.append((*found, words.span))
    return FACT


def _inspect(record: IosInterface, words: Words) -> Fate:
    """``ip inspect NAME in | out``: answers to what it saw pass the access lists."""
    record.inspects = not words.negated
    return FACT


def _nat(record: IosInterface, words: Words) -> Fate:
    """``ip nat inside | outside``; ``enable`` is the virtual interface kind."""
    side = words.take()
    if side not in ("inside", "outside", "enable"):
        return NOT_UNDERSTOOD
    record.nat = None if words.negated else side
    return FACT


def _crypto_map(record: IosInterface, words: Words) -> Fate:
    """``crypto map NAME``."""
    record.crypto_map = None if words.negated else (words.take(), words.span)
    return FACT


def _protection(record: IosInterface, words: Words) -> Fate:
    """``tunnel protection ipsec profile P``: the same ends, encrypted."""
    record.protected = not words.negated
    return FACT


def _redundancy_address(record: IosInterface, words: Words) -> Fate:
    """``address A primary | secondary`` of a VRRPv3 group."""
    word = words.take()
    words.position = 0
    words.words = ["ip", word]
    return read_virtual_address(record, words)


def _helper6(record: IosInterface, words: Words) -> Fate:
    """``ipv6 dhcp relay destination A``."""
    return _helper(record, words)


def _encapsulation(record: IosInterface, words: Words) -> Fate:
    """The toolkit's, and the framings of serial links. PPP routes to the other end's address."""
    if words.peek() in ("slip", "x25", "lapb", "aal5snap"):
        return ignored("the link's framing")
    record.ppp = words.peek() == "ppp"
    return read_encapsulation(record, words)


IOS_LINES: Mapping[str, Reader] = {
    "vrf forwarding": read_vrf,
    "ip vrf forwarding": read_vrf,
    "encapsulation": _encapsulation,
    "zone-member security": setting("zone"),
    "ip nat": _nat,
    "ip policy route-map": routing_by_policy(Family.IPV4),
    "ipv6 policy route-map": routing_by_policy(Family.IPV6),
    "ip inspect": _inspect,
    "crypto map": _crypto_map,
    "tunnel protection": _protection,
    "ip helper-address": _helper,
    "ipv6 dhcp relay destination": _helper6,
    "ip pim": _multicast(Family.IPV4),
    "ipv6 pim": _multicast(Family.IPV6),
    "ipv6 verify": _perhaps_dropping("unicast reverse path check"),
    "ip ospf": _numbered("ospf", Family.IPV4),
    "ipv6 ospf": _numbered("ospf3", Family.IPV6),
    "ospfv3": _numbered("ospf3", *_BOTH),
    "ip router": _learning("isis", Family.IPV4),
    "ipv6 router": _learning("isis", Family.IPV6),
    "ipv6 rip": _learning("rip", Family.IPV6),
    "ipv6 eigrp": _learning("eigrp", Family.IPV6),
    "ip nhrp": _learning("nhrp", Family.IPV4),
    "ipv6 nhrp": _learning("nhrp", Family.IPV6),
    "ppp ipcp route": _learning("ppp", Family.IPV4),
    "address": _redundancy_address,
    "ip proxy-arp": read_proxy_arp,
    "bridge-group": _not_modelled("bridging between routed interfaces"),
    "mpls": _not_modelled("labelled packets are forwarded by their labels"),
    "tag-switching": _not_modelled("labelled packets are forwarded by their labels"),
    "xconnect": _not_modelled("a pseudowire carries frames elsewhere"),
    "service instance": _not_modelled("an Ethernet virtual circuit"),
    "bridge-domain": _not_modelled("an Ethernet virtual circuit"),
    "ip wccp": _not_modelled("packets are redirected to a cache"),
    "service-policy type epbr": _not_modelled("packets are redirected"),
    "service-policy type pbr": _not_modelled("packets are redirected"),
    "service-policy type service-chain": _not_modelled("packets are redirected"),
    "ip mobile": _not_modelled("mobile IP"),
    "lisp": _not_modelled("LISP"),
    "ip lisp": _not_modelled("LISP"),
    "switchport private-vlan": _not_modelled("private VLANs"),
    "private-vlan": _not_modelled("private VLANs"),
    "dot1x": _not_modelled("802.1X may put the port into another VLAN"),
    "authentication": _not_modelled("802.1X may put the port into another VLAN"),
    "mab": _not_modelled("802.1X may put the port into another VLAN"),
    "access-session": _not_modelled("802.1X may put the port into another VLAN"),
    "switchport vlan mapping": _not_modelled("VLANs are renumbered"),
    "l2protocol-tunnel": _not_modelled("frames are tunnelled"),
    "frame-relay route": _not_modelled("circuits are switched between interfaces"),
    "peer default ip": _learning("ppp", Family.IPV4),
}
"""IOS's own lines; they override the common ones."""

_LAYER2 = "it only ever drops frames"
_PORT = "a setting of the physical link"
_QOS = "queueing or marking"
_SELF = "messages of the device itself"
_LINE = "a setting of the link to one neighbour"

IOS_HARMLESS: Mapping[str, str] = {
    **HARMLESS,
    "no mop": _LINE, "mop": _LINE, "arp": _LINE, "ppp": _LINE, "frame-relay": _LINE, "dialer": _LINE,
    "dialer-group": _LINE, "isdn": _LINE, "pvc": _LINE, "peer": _LINE, "serial": _LINE, "framing": _PORT,
    "linecode": _PORT, "clock": _PORT, "clns": "not IP", "ipx": "not IP", "appletalk": "not IP",
    "decnet": "not IP", "power": _PORT, "mdix": _PORT, "channel-protocol": _PORT, "lacp": _PORT,
    "port-channel": _PORT, "macro": "a note of which macro was applied", "auto qos": _QOS, "qos": _QOS,
    "trust": _QOS, "srr-queue": _QOS, "wrr-queue": _QOS, "queue-limit": _QOS, "random-detect": _QOS,
    "rcv-queue": _QOS, "ip rsvp": _QOS, "ip nbar": "it only counts", "mls netflow": "it only counts",
    "ip igmp": "group membership of hosts", "ip cgmp": "group membership of hosts",
    "ipv6 mld": "group membership of hosts", "ip mroute-cache": "how packets are switched, not where to",
    "ip dvmrp": "multicast routing counts as forwarding everything already",
    "ip multicast": "multicast routing counts as forwarding everything already",
    "ip directed-broadcast": "a directed broadcast is a packet to the connected prefix",
    "ip load-sharing": "which of equal routes is used", "ip flow-cache": "it only counts",
    "ip information-reply": _SELF, "ip route-cache": "how packets are switched, not where to",
    "ipv6 flow": "it only counts", "ipv6 dhcp server": _SELF, "ipv6 dhcp client": _SELF,
    "ip dhcp": _SELF, "ip ddns": _SELF, "ip arp": _LAYER2, "ip sap": "announcements", "ntp": _SELF,
    "ip virtual-reassembly": "fragments are put together before they are looked at",
    "ip tcp": "packet size", "ipv6 tcp": "packet size", "ip rtp": "packet size",
    "ip device": "the table of hosts", "ip security": "it only ever drops",
    "switchport protected": _LAYER2, "switchport block": _LAYER2, "switchport port-security": _LAYER2,
    "switchport priority": _QOS, "switchport backup": _LAYER2, "vtp": "VLANs may be pruned, never added",
    "mac access-group": _LAYER2, "errdisable": _LAYER2, "loopback": _PORT, "transceiver": _PORT,
    "tunnel key": "an ordinary field of the tunnel's header", "tunnel checksum": "packet format",
    "tunnel path-mtu-discovery": "packet size", "tunnel ttl": "packet format", "tunnel tos": _QOS,
    "tunnel bandwidth": "a figure for routing protocols", "tunnel sequence-datagrams": "packet format",
    "keepalive": _LINE, "hold-queue": _QOS, "max-reserved-bandwidth": _QOS, "traffic-shape": _QOS,
    "rate-limit": "it only ever drops", "crypto ipsec": "encryption settings",
    "crypto engine": "encryption settings", "bfd": "it only watches a neighbour",
    "track": "it only watches", "priority": "who answers for a virtual address",
    "preempt": "who answers for a virtual address",
    "exit-vrrp": "the end of a block", "timers": "who answers for a virtual address",
    "vrrpv2": "who answers for a virtual address", "match-address": "who answers for a virtual address",
    "exit": "the end of a block", "history": "it only counts", "monitor": "it only counts",
    "platform": _PORT, "hw-module": _PORT, "media-type": _PORT, "ethernet": _PORT, "cable": _PORT,
    "plim": _PORT,
    "physical-layer": _PORT, "snmp-server": "it only counts", "mpls mtu": "packet size",
    "ip mfib": "it only counts", "ipv6 mfib": "it only counts", "ip cef": "it only counts", "mka": _LAYER2,
    "cts": "it only ever drops", "macsec": _LAYER2, "ip summary-address": "a routing protocol's setting",
    "ipv6 summary-address": "a routing protocol's setting", "isis": "a routing protocol's setting",
    "ip rip": "a routing protocol's setting", "ip next-hop-self": "a routing protocol's setting",
    "ipv6 next-hop-self": "a routing protocol's setting",
    "ipv6 traffic-policy": _QOS, "group-range": _LINE, "async": _LINE, "carrier-delay": _PORT,
    "dampening": _PORT, "stackwise-virtual": _PORT, "device-tracking": "the table of hosts",
    "ipv6 nd": "neighbour discovery towards hosts", "ipv6 virtual-reassembly": "fragments are put together",
}  # fmt: skip


INTERFACE_LINES: Table[IosInterface] = Table(COMMON, IOS_LINES, harmless=IOS_HARMLESS)
"""Every line below an interface that is read."""
