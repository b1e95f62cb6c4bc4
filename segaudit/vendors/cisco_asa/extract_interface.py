"""``interface X`` and the lines below it."""

from __future__ import annotations

from segaudit.model.device import InterfaceAddress, SwitchportMode
from segaudit.model.flow import Family
from segaudit.parse.cisco import addresses
from segaudit.parse.cisco.dialect import read_interface
from segaudit.parse.cisco.dispatch import Table
from segaudit.parse.cisco.fates import FACT, NOT_UNDERSTOOD, Fate, ignored, unsupported
from segaudit.parse.cisco.numbers import decimal
from segaudit.parse.cisco.vlans import merged, vlan, vlan_ranges, without
from segaudit.parse.cisco.words import Words
from segaudit.vendors.cisco_asa.dialect import ASA
from segaudit.vendors.cisco_asa.harmless import BELOW_INTERFACE
from segaudit.vendors.cisco_asa.records import InterfaceRecord

_JOINS = "joins interfaces at layer 2, which is not modelled"
_LINK_LOCAL = "a link-local address: what is sent to it is not forwarded (RFC 4291)"


def _description(one: InterfaceRecord, words: Words) -> Fate:
    one.description = words.rest()
    return FACT


def _nameif(one: InterfaceRecord, words: Words) -> Fate:
    one.nameif = "" if words.negated else words.take()
    return FACT


def _security_level(one: InterfaceRecord, words: Words) -> Fate:
    if words.negated:
        one.security_level = None
        return FACT
    level = decimal(words.take(), 100)
    if level is None:
        return NOT_UNDERSTOOD
    one.security_level = level
    return FACT


def _shutdown(one: InterfaceRecord, words: Words) -> Fate:
    one.shutdown = not words.negated
    return FACT


def _management_only(one: InterfaceRecord, words: Words) -> Fate:
    one.management_only = not words.negated
    return FACT


def _ip_address(one: InterfaceRecord, words: Words) -> Fate:
    """``ip address {A M [standby B] | dhcp [setroute] | pppoe [setroute] | A M pppoe}``."""
    if words.negated:
        one.addresses = [kept for kept in one.addresses if kept.family is not Family.IPV4]
        return FACT
    if words.peek() in ("dhcp", "pppoe"):
        one.learned[Family.IPV4] = f"its address and routes come by {words.take()}"
        return FACT
    number, length = addresses.ipv4(words.take()), addresses.length_of_mask(words.take())
    if number is None or length is None:
        one.learned[Family.IPV4] = "its address was not understood"
        return NOT_UNDERSTOOD
    one.addresses.append(InterfaceAddress(Family.IPV4, number, length, words.span))
    return _behind_address(one, words)


def _behind_address(one: InterfaceRecord, words: Words) -> Fate:
    """The standby unit's address is not this one's; a cluster's pool is other members'."""
    while not words.done:
        word = words.take()
        if word in ("standby", "cluster-pool"):
            words.take()
        elif word == "pppoe":
            one.learned[Family.IPV4] = "its routes come by pppoe"
        elif word != "setroute":
            return NOT_UNDERSTOOD
    return FACT


def _ipv6_address(one: InterfaceRecord, words: Words) -> Fate:
    """``ipv6 address {P/len [standby A] | P/len eui-64 | A link-local | autoconfig | dhcp}``."""
    if words.negated:
        one.addresses = [kept for kept in one.addresses if kept.family is not Family.IPV6]
        return FACT
    one.ipv6 = True
    first = words.take()
    if first.partition("/")[0] and words.peek() == "link-local":
        return ignored(_LINK_LOCAL)
    found = addresses.prefix(first)
    if found is None or words.accept("eui-64"):
        one.learned[Family.IPV6] = f"an IPv6 address is not in the configuration ({first})"
        return FACT if found is not None or first in ("autoconfig", "dhcp") else NOT_UNDERSTOOD
    one.addresses.append(InterfaceAddress(*found, words.span))
    return _behind_address(one, words)


def _ipv6_enable(one: InterfaceRecord, words: Words) -> Fate:
    one.ipv6 = not words.negated
    return FACT


def _vlan(one: InterfaceRecord, words: Words) -> Fate:
    """``vlan N [secondary LIST]``; secondary VLANs are mapped to the same subinterface."""
    if words.negated:
        one.vlan = None
        return FACT
    one.vlan = vlan(words.take())
    if one.vlan is None:
        return NOT_UNDERSTOOD
    return FACT if words.done else unsupported("secondary VLANs join further segments to this one")


def _channel_group(one: InterfaceRecord, words: Words) -> Fate:
    one.aggregate = "" if words.negated else f"Port-channel{words.take()}"
    return FACT


def _member(one: InterfaceRecord, words: Words) -> Fate:
    """``member-interface X`` of a redundant interface."""
    if not words.negated:
        one.members.append(read_interface(words, ASA))
    return FACT


def _mac_address(one: InterfaceRecord, words: Words) -> Fate:
    digits = words.take().replace(".", "").replace(":", "").lower()
    if len(digits) == 12 and not words.negated:
        one.mac = ":".join(digits[at : at + 2] for at in range(0, 12, 2))
    return FACT


def _zone_member(one: InterfaceRecord, words: Words) -> Fate:
    one.zone_member = "" if words.negated else words.take()
    return FACT


# ---- layer 2 (ASA 5505, Firepower 1010) ---------------------------------------------------------


def _switchport(one: InterfaceRecord, words: Words) -> Fate:
    if words.done:
        one.switchport = None if words.negated else one.switchport or SwitchportMode.ACCESS
        return FACT
    return NOT_UNDERSTOOD


def _switchport_mode(one: InterfaceRecord, words: Words) -> Fate:
    mode = words.take()
    if words.negated or mode not in ("access", "trunk"):
        return FACT if words.negated else NOT_UNDERSTOOD
    one.switchport = SwitchportMode(mode)
    return FACT


def _switchport_access(one: InterfaceRecord, words: Words) -> Fate:
    number = vlan(words.take())
    if number is None:
        return FACT if words.negated else NOT_UNDERSTOOD
    one.access_vlan = number
    one.switchport = one.switchport or SwitchportMode.ACCESS
    return FACT


def _trunk_allowed(one: InterfaceRecord, words: Words) -> Fate:
    """``switchport trunk allowed vlan [add|remove] LIST``."""
    change = words.take() if words.peek() in ("add", "remove", "except") else ""
    found = vlan_ranges(words.rest())
    if found is None or change == "except":
        one.trunk_vlans = ((1, 4094),)
        return FACT if words.negated else NOT_UNDERSTOOD
    if change == "remove":
        one.trunk_vlans = without(one.trunk_vlans, found)
    else:
        one.trunk_vlans = merged((*one.trunk_vlans, *found))
    return FACT


def _trunk_native(one: InterfaceRecord, words: Words) -> Fate:
    one.native_vlan = vlan(words.take())
    return FACT if one.native_vlan is not None or words.negated else NOT_UNDERSTOOD


# ---- tunnels ------------------------------------------------------------------------------------


def _tunnel_source(one: InterfaceRecord, words: Words) -> Fate:
    words.accept("interface")
    one.tunnel_source = words.take()
    return FACT


def _tunnel_destination(one: InterfaceRecord, words: Words) -> Fate:
    one.tunnel_destination = words.take()
    return FACT


def _tunnel_mode(one: InterfaceRecord, words: Words) -> Fate:
    one.tunnel_kind = words.rest()
    return FACT


def _policy_route(one: InterfaceRecord, words: Words) -> Fate:
    """``policy-route route-map X``: routes that depend on more than the destination."""
    one.policy_routed = not words.negated
    return unsupported("where it sends packets counts as unknown", bounded=True)


def _joining(_one: InterfaceRecord, words: Words) -> Fate:
    return FACT if words.negated else unsupported(_JOINS)


def _relaying(_one: InterfaceRecord, words: Words) -> Fate:
    return FACT if words.negated else unsupported("hands requests for addresses to another network")


def _restricted(_one: InterfaceRecord, _words: Words) -> Fate:
    return unsupported("forbids what the model then allows", bounded=True)


LINES: Table[InterfaceRecord] = Table(
    {
        "description": _description,
        "nameif": _nameif,
        "security-level": _security_level,
        "shutdown": _shutdown,
        "management-only": _management_only,
        "ip address": _ip_address,
        "ipv6 address": _ipv6_address,
        "ipv6 enable": _ipv6_enable,
        "ipv6": lambda _one, words: FACT if words.negated and words.done else NOT_UNDERSTOOD,
        "vlan": _vlan,
        "channel-group": _channel_group,
        "member-interface": _member,
        "mac-address": _mac_address,
        "zone-member": _zone_member,
        "switchport": _switchport,
        "switchport mode": _switchport_mode,
        "switchport access vlan": _switchport_access,
        "switchport trunk allowed vlan": _trunk_allowed,
        "switchport trunk native vlan": _trunk_native,
        "tunnel source": _tunnel_source,
        "tunnel destination": _tunnel_destination,
        "tunnel mode": _tunnel_mode,
        "policy-route": _policy_route,
        "bridge-group": _joining,
        "nve-only": _joining,
        "segment-id": _joining,
        "vtep-nve": _joining,
        "dhcprelay": _relaying,
        "forward": _restricted,
    },
    harmless=BELOW_INTERFACE,
)
