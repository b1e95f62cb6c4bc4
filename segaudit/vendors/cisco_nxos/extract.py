"""The text of ``show running-config`` to a ``SwitchRecord``: every line ends with a fate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from segaudit.model.acl import UnknownMatch
from segaudit.model.device import DEFAULT_VRF
from segaudit.model.flow import Family
from segaudit.model.services import ManagementService
from segaudit.parse.cisco import vlans
from segaudit.parse.cisco import words as line_words
from segaudit.parse.cisco.acl import port_ranges
from segaudit.parse.cisco.dispatch import Reader, Table
from segaudit.parse.cisco.fates import FACT, NOT_UNDERSTOOD, Fate, ignored, note, unrecognized, unsupported
from segaudit.parse.cisco.groups import read_network_member
from segaudit.parse.cisco.sections import SYNTAX, comment
from segaudit.parse.cisco.switches import (
    LEARNED,
    Guard,
    SwitchReading,
    VlanRecord,
    VrfRecord,
    by_first_words,
    doubtful,
    fingerprint,
    host,
    interface_names,
    list_reader,
    mpls,
    multicast,
    name_servers,
    neighbour,
    nothing,
    route_target,
    runs,
    scripted,
    sharing,
    static_reader,
    static_route,
    vlan_numbers,
)
from segaudit.parse.cisco.words import Words
from segaudit.parse.indent import banner, blocks, tokenise, walk
from segaudit.parse.ledger import LineLedger
from segaudit.vendors.cisco_nxos import extract_interface
from segaudit.vendors.cisco_nxos.dialect import NXOS
from segaudit.vendors.cisco_nxos.harmless import HARMLESS, MODES

_OFF = ignored("turns it off")


@dataclass(slots=True)
class NxosSettings:
    """What only NX-OS has: the layer and state that ports have by default, the release, the features."""

    layer2_ports: bool | None = None
    layer2_shut: bool | None = None
    version: str = ""
    source_routes: bool = True
    ssh: bool = True
    telnet: bool = False
    bgp: bool = False


class NxosReading(SwitchReading):
    """The reading of an NX-OS configuration."""

    def __init__(self, ledger: LineLedger) -> None:
        super().__init__(ledger, NXOS, extract_interface.LINES, MODES)
        self.settings = NxosSettings()


def read_config(text: str, ledger: LineLedger) -> NxosReading:
    """Everything that a configuration says."""
    reading = NxosReading(ledger)
    reading.read(blocks(tokenise(text), banner), _TABLE)
    return reading


# ---- interfaces, VLANs, VRFs --------------------------------------------------------------------


def _interface(reading: SwitchReading, words: Words) -> Fate:
    names = interface_names(words, reading.dialect)
    if not names or words.negated:
        return NOT_UNDERSTOOD
    if names[0].startswith(("fc", "vfc", "san-port-channel")):
        return ignored("a port of a storage network, not of IP")
    for name in names:
        if name.startswith("nve"):
            overlay = reading.switch.overlay(name, words.span)
            reading.below(extract_interface.NVE_LINES, overlay)
            continue
        record = reading.switch.interface(name, words.span)
        if name.startswith("mgmt") and record.vrf is None:
            record.vrf = "management"
        reading.below(reading.interface_lines, record, extract_interface.MODES)
    return FACT


def _default_layer(reading: SwitchReading, words: Words) -> Fate:
    """``[no] system default switchport [shutdown]``."""
    assert isinstance(reading, NxosReading)
    if words.accept("shutdown"):
        reading.settings.layer2_shut = not words.negated
    elif words.done:
        reading.settings.layer2_ports = not words.negated
    else:
        return ignored("about storage ports")
    return FACT


def _source_routes(reading: SwitchReading, words: Words) -> Fate:
    assert isinstance(reading, NxosReading)
    reading.settings.source_routes = not words.negated
    return FACT


def _version(reading: SwitchReading, words: Words) -> Fate:
    assert isinstance(reading, NxosReading)
    reading.settings.version = words.take()
    return FACT


def _vlan(reading: SwitchReading, words: Words) -> Fate:
    numbers = vlan_numbers(words)
    if numbers is None:
        return NOT_UNDERSTOOD
    for number in numbers:
        if words.negated:
            reading.switch.vlans.pop(number, None)
        else:
            reading.below(_VLAN, reading.switch.vlan(number, words.span))
    return FACT


def _segment(vlan: VlanRecord, words: Words) -> Fate:
    number = words.take()
    vlan.segment = int(number) if number.isascii() and number.isdecimal() and not words.negated else None
    return FACT if vlan.segment is not None or words.negated else NOT_UNDERSTOOD


def _vlan_filter(reading: SwitchReading, words: Words) -> Fate:
    """``vlan filter MAP vlan-list LIST``: what its rules drop is not modelled."""
    name = words.take()
    ranges = vlans.vlan_ranges(words.rest()) if words.accept("vlan-list") else None
    if ranges is None:
        return NOT_UNDERSTOOD
    if words.negated:
        return _OFF
    reading.switch.filtered_vlans += [(one, words.span, f"VLAN map {name}") for one in ranges]
    return unsupported("a VLAN map may drop; none counts as dropped", bounded=True)


@dataclass(slots=True)
class _Vrf:
    """A VRF while its block is read."""

    reading: SwitchReading
    record: VrfRecord


def _vrf(reading: SwitchReading, words: Words) -> Fate:
    name = words.take()
    if not name or not words.done:
        return NOT_UNDERSTOOD
    if words.negated:
        reading.switch.vrfs.pop(name, None)
    else:
        reading.below(_VRF, _Vrf(reading, reading.switch.vrf(name, words.span)))
    return FACT


def _vrf_route(family: Family) -> Reader[_Vrf]:
    def read(vrf: _Vrf, words: Words) -> Fate:
        return static_route(vrf.reading, words, family, vrf.record.name)

    return read


def _vrf_segment(vrf: _Vrf, words: Words) -> Fate:
    number = words.take()
    if not (number.isascii() and number.isdecimal()) or len(number) > 8:
        return NOT_UNDERSTOOD
    vrf.record.segment = None if words.negated else int(number)
    vrf.record.overlay = not words.negated
    return FACT


def _vrf_target(vrf: _Vrf, words: Words) -> Fate:
    return FACT if words.negated else route_target(vrf.record, words)


def _vrf_leak(vrf: _Vrf, words: Words) -> Fate:
    """``import vrf default map X``, ``export vrf default``, ``import | export map X``."""
    if words.negated:
        return _OFF
    if words.accept("vrf"):
        other = words.take()
        vrf.record.leaks.add(other)
        vrf.reading.switch.learn(vrf.record.name, f"routes of VRF {other} are imported")
        vrf.reading.switch.vrf(other, words.span).leaks.add(vrf.record.name)
        vrf.reading.switch.learn(other, f"routes of VRF {vrf.record.name} are exported to it")
        return FACT
    return ignored("a policy for routing protocols, whose routes count as unknown")


def _vrf_servers(vrf: _Vrf, words: Words) -> Fate:
    return name_servers(vrf.reading, words)


def _vrf_static_bfd(vrf: _Vrf, words: Words) -> Fate:
    del words
    vrf.reading.switch.learn(vrf.record.name, "static routes depend on BFD")
    return FACT


def _static_bfd(reading: SwitchReading, words: Words) -> Fate:
    """``ip route static bfd INTERFACE A``."""
    del words
    reading.switch.learn(DEFAULT_VRF, "static routes depend on BFD")
    return FACT


# ---- object groups ------------------------------------------------------------------------------


def _address_group(reading: SwitchReading, words: Words) -> Fate:
    """``object-group ip | ipv6 address NAME`` with numbered members."""
    name = words.take()
    if not name or words.negated:
        return FACT if words.negated else NOT_UNDERSTOOD
    members = reading.switch.groups.networks.setdefault(name, [])

    def member(line: Words) -> Fate:
        text = " ".join(line.words[line.position :])
        found = None if line.negated else read_network_member(line, NXOS.mask)
        members.append(found or UnknownMatch(text, "its addresses are not known"))
        return FACT if found else unrecognized(_UNREAD_MEMBER, bounded=True)

    _read_members(reading, member)
    return FACT


def _port_group(reading: SwitchReading, words: Words) -> Fate:
    """``object-group ip port NAME`` with numbered members."""
    name = words.take()
    if not name or words.negated:
        return FACT if words.negated else NOT_UNDERSTOOD
    members = reading.switch.groups.port_groups.setdefault(name, [])

    def member(line: Words) -> Fate:
        text = " ".join(line.words[line.position :])
        found = None if line.negated else port_ranges(line, {}, several=False)
        members.append(UnknownMatch(text, "not understood") if found is None else found)
        return unrecognized(_UNREAD_MEMBER, bounded=True) if found is None else FACT

    _read_members(reading, member)
    return FACT


_UNREAD_MEMBER = "a member that is not understood: the group may match it or not"


def _read_members(reading: SwitchReading, member: Callable[[Words], Fate]) -> None:
    """Read the lines below a group; the order of the members does not matter."""
    ledger = reading.ledger
    for line in walk(reading.take_below()):
        if line.line.is_comment:
            comment(ledger, line)
            continue
        span = ledger.span(line.number)
        words = line_words.read(line.text, span)
        if words.peek().isdecimal() and not words.negated:
            words.take()
        note(ledger, span, FACT if line.text in SYNTAX else member(words))


# ---- routing protocols and services -------------------------------------------------------------


def _protocol(name: str) -> Reader[SwitchReading]:
    """A reader of ``router X ID``, in the default VRF and those of its ``vrf V`` blocks."""

    def read(reading: SwitchReading, words: Words) -> Fate:
        process = words.take()
        if words.negated:
            return _OFF
        runs(reading.switch, name, DEFAULT_VRF, process, words.span)
        for block in reading.block.children:
            found = block.text.split()
            if found[0] == "vrf" and len(found) > 1:
                runs(reading.switch, name, found[1], process, words.span)
        return LEARNED

    return read


def _feature(reading: SwitchReading, words: Words) -> Fate:
    """``[no] feature X``: what it turns on has lines of its own, but for the services."""
    assert isinstance(reading, NxosReading)
    name, on = words.rest(), not words.negated
    offered = {"nxapi": "https", "netconf": "netconf", "grpc": "grpc", "http-server": "http"}
    if name == "ssh":
        reading.settings.ssh = on
    elif name == "bgp":
        reading.settings.bgp = on
    elif name == "telnet":
        reading.settings.telnet = on
    elif name in offered and on:
        reading.switch.services.append(ManagementService(offered[name], "", "", "", words.span))
    return FACT


def _lines(reading: SwitchReading, words: Words) -> Fate:
    """``line vty`` with ``access-class X in``."""
    del words
    reading.below(_LINE, reading)
    return FACT


def _access_class(family: Family) -> Reader[SwitchReading]:
    def read(reading: SwitchReading, words: Words) -> Fate:
        name, direction = words.take(), words.take()
        if direction == "out":
            return ignored("about sessions that are opened from the switch")
        if direction != "in":
            return NOT_UNDERSTOOD
        if not words.negated:
            reading.switch.guards.append(Guard(name, family, None, (22, 23), words.span))
        return FACT

    return read


def _user(reading: SwitchReading, words: Words) -> Fate:
    """``username X password ...``, ``username X sshkey TYPE KEY``: only fingerprints are kept."""
    name, rest = words.take(), words.rest().split()
    if words.negated:
        return FACT
    if "sshkey" in rest[:-1]:
        key = " ".join(rest[rest.index("sshkey") + 1 :][:2])
        reading.switch.share("user-key", fingerprint(key), words.span)
    else:
        reading.switch.share("user", name, words.span)
    return FACT


def _community(reading: SwitchReading, words: Words) -> Fate:
    """``snmp-server community SECRET [group G | ro | rw] [use-acl X | use-ipv4acl X]``."""
    secret, rest = words.take(), words.rest().split()
    if words.negated:
        return FACT
    reading.switch.share("snmp-community", fingerprint(secret), words.span)
    lists = [rest[at + 1] for at, word in enumerate(rest[:-1]) if word in ("use-acl", "use-ipv4acl")]
    acl = f"ip {lists[0]}" if lists else ""
    reading.switch.services.append(ManagementService("snmp", acl, "", "", words.span))
    return FACT


def _group_server(reading: SwitchReading, words: Words) -> Fate:
    """``aaa group server radius X`` / ``server A``."""
    del words
    reading.below(_AAA_GROUP, reading)
    return FACT


def _exporter(reading: SwitchReading, words: Words) -> Fate:
    """``flow exporter X`` / ``destination A``."""
    del words
    reading.below(_EXPORTER, reading)
    return FACT


def _vlan_map(reading: SwitchReading, words: Words) -> Fate:
    """``vlan access-map M N``: it drops, or sends packets out of another port."""
    if not words.negated and any(
        line.text.split()[:2] == ["action", "redirect"] for line in reading.block.children
    ):
        return unsupported("packets are sent out of another port")
    return ignored("counts where it is applied")


def _nat(reading: SwitchReading, words: Words) -> Fate:
    if words.negated or words.peek() in ("translation", "pool"):
        return ignored("what translations draw on; a translation has a line of its own")
    reading.switch.translates = True
    return unsupported("translations count as unknown: any header may leave", bounded=True)


_OWN: Mapping[str, Reader[SwitchReading]] = {
    "interface": _interface,
    "interface breakout": nothing,
    "system default switchport": _default_layer,
    "version": _version,
    "feature": _feature,
    "vlan": _vlan,
    "vlan filter": _vlan_filter,
    "vlan access-map": _vlan_map,
    "arp": neighbour,
    "ip arp": neighbour,
    "ipv6 neighbor": neighbour,
    "event manager": scripted("environment"),
    "scheduler": scripted("logfile", "aaa-authentication"),
    "default interface": doubtful("an interface is reset: what else is said of it does not hold"),
    "l2 vfi": doubtful("layer-2 VPN"),
    "vrf context": _vrf,
    "ip route": static_reader(Family.IPV4),
    "ip route static bfd": _static_bfd,
    "ipv6 route": static_reader(Family.IPV6),
    "ip access-list": list_reader(Family.IPV4),
    "ipv6 access-list": list_reader(Family.IPV6),
    "object-group ip address": _address_group,
    "object-group ipv6 address": _address_group,
    "object-group ip port": _port_group,
    "object-group udf": doubtful("groups of user-defined fields"),
    "ip nat": _nat,
    "router bgp": _protocol("bgp"),
    "router ospf": _protocol("ospf"),
    "router ospfv3": _protocol("ospf3"),
    "router eigrp": _protocol("eigrp"),
    "router isis": _protocol("isis"),
    "router rip": _protocol("rip"),
    "ip source-route": _source_routes,
    "vmtracker": doubtful("ports may be assigned VLANs that are not written"),
    "ip routing": nothing,
    "ipv6 unicast-routing": nothing,
    "ip forwarding": nothing,
    "line vty": _lines,
    "username": _user,
    "snmp-server community": _community,
    "snmp-server host": host("snmp-manager"),
    "ntp server": host("ntp-server"),
    "ntp peer": host("ntp-server"),
    "ip name-server": name_servers,
    "ip domain-name": sharing("domain-name"),
    "vtp domain": sharing("vtp-domain"),
    "logging server": host("syslog-server"),
    "tacacs-server host": host("aaa-server"),
    "radius-server host": host("aaa-server"),
    "ldap-server host": host("aaa-server"),
    "aaa group server": _group_server,
    "flow exporter": _exporter,
    "sflow collector-ip": host("flow-collector"),
    "monitor session": doubtful("copies of packets leave by another port"),
    "ip pim": multicast,
    "ipv6 pim": multicast,
    "ip mroute": multicast,
    "ip multicast": multicast,
    "ip msdp": multicast,
    "mpls": mpls,
    "l2vpn": doubtful("layer-2 VPN"),
    "otv": doubtful("OTV extends VLANs to other sites"),
    "fabricpath": doubtful("FabricPath"),
    "bridge-domain": doubtful("bridge domains"),
    "encapsulation profile": doubtful("bridge domains"),
    "port-profile": doubtful("what ports inherit from a profile is not read"),
    "segment-routing": doubtful("segment routing"),
    "lisp": doubtful("LISP"),
    "ip lisp": doubtful("LISP"),
    "itd": doubtful("traffic is steered to its nodes"),
    "catena": doubtful("traffic is steered"),
    "tunnel-profile": doubtful("tunnels to learned peers"),
    "nve": nothing,
}

_VLAN: Table[VlanRecord] = Table(
    {
        "vn-segment": _segment,
        "private-vlan": doubtful("private VLANs"),
        "xconnect": doubtful("a pseudowire"),
    },
    harmless={
        "name": "a name",
        "state": "a suspended VLAN counts as active",
        "shutdown": "a VLAN that is shut down counts as active",
        "mode": "FabricPath or classical Ethernet",
        "media": "its framing",
        "ip igmp": "snooping",
        "ipv6 mld": "snooping",
        "service-policy": "queueing or marking",
        "remote-span": "what is copied has a line of its own",
        "exit": "the end of a mode",
    },
)

_VRF: Table[_Vrf] = Table(
    {
        "ip route": _vrf_route(Family.IPV4),
        "ip route static bfd": _vrf_static_bfd,
        "ipv6 route": _vrf_route(Family.IPV6),
        "vni": _vrf_segment,
        "route-target": _vrf_target,
        "import": _vrf_leak,
        "export": _vrf_leak,
        "rd": nothing,
        "address-family": nothing,
        "ip name-server": _vrf_servers,
        "ip pim": multicast,
        "ipv6 pim": multicast,
        "ip mroute": multicast,
        "ip nat": doubtful("translations of a VRF"),
        "mvpn": multicast,
        "mdt": multicast,
    },
    harmless=by_first_words({
        "of the VRF itself: no packet is forwarded by it": (
            "description", "ip domain-list", "ip domain-lookup", "ip domain-name", "ip host", "ip igmp",
            "ipv6 mld", "ip auto-discard", "ip multicast", "maximum", "shutdown", "ip amt",
            "ip load-sharing", "ipv6 host",
        ),
    }),
)  # fmt: skip

_LINE: Table[SwitchReading] = Table(
    {"access-class": _access_class(Family.IPV4), "ipv6 access-class": _access_class(Family.IPV6)},
    harmless=by_first_words({
        "how sessions are shown and ended": (
            "absolute-timeout", "exec-timeout", "logout-warning", "session-limit", "session-timeout",
            "speed", "databits", "parity", "stopbits", "terminal", "width", "length", "modem", "transport",
            "private",
        ),
    }),
)  # fmt: skip

_AAA_GROUP: Table[SwitchReading] = Table(
    {"server": host("aaa-server")},
    harmless={
        "use-vrf": "by which VRF it is reached",
        "source-interface": "the switch's own address",
        "deadtime": "a timer",
    },
)

_EXPORTER: Table[SwitchReading] = Table(
    {"destination": host("flow-collector")},
    harmless=by_first_words({
        "how flows are reported": (
            "source", "transport", "version", "dscp", "option", "template", "description",
        ),
    }),
)  # fmt: skip

_TABLE: Table[SwitchReading] = Table(_OWN, harmless=HARMLESS)
