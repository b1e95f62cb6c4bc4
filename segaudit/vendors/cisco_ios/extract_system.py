"""Routing protocols, VRFs, management services and shared fate to records."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from segaudit.model.device import DEFAULT_VRF
from segaudit.model.flow import Family
from segaudit.model.services import ManagementService, RoutingProcess, SharedFate
from segaudit.parse.cisco import addresses, statics
from segaudit.parse.cisco.dispatch import Table
from segaudit.parse.cisco.fates import FACT, NOT_UNDERSTOOD, Fate, ignored, unsupported
from segaudit.parse.cisco.statics import StaticRecord
from segaudit.parse.cisco.words import Words
from segaudit.vendors.cisco_ios.dialect import IOS
from segaudit.vendors.cisco_ios.records import Learned, TerminalLine, VrfRecord
from segaudit.vendors.cisco_ios.sections import Section, note_line

Reader = Callable[[Section, Words], Fate]

_IPV4 = frozenset({Family.IPV4})
_IPV6 = frozenset({Family.IPV6})
_BOTH = _IPV4 | _IPV6

# ---- routes -------------------------------------------------------------------------------------


def static_route(family: Family) -> Reader:
    """A reader of ``ip route`` and ``ipv6 route``."""

    def read(section: Section, words: Words) -> Fate:
        record = statics.read_static(words, IOS, family)
        if record is None:
            return NOT_UNDERSTOOD
        if words.negated:
            return unsupported("a route is taken back")
        section.config.statics.append(record)
        return FACT if not record.unread else NOT_UNDERSTOOD

    return read


def default_gateway(section: Section, words: Words) -> Fate:
    """``ip default-gateway A``: where a device that does not route sends its own packets."""
    address = addresses.ipv4(words.take())
    if address is None or not words.done:
        return NOT_UNDERSTOOD
    condition = "whether the device routes"
    route = StaticRecord(Family.IPV4, 0, 0, address=address, conditional=condition, span=words.span)
    section.config.statics.append(route)
    return FACT


def routing_process(section: Section, words: Words) -> Fate:
    """``router ospf N [vrf V]``, ``router bgp N`` ...: what it learns may lead anywhere in its VRFs."""
    return _process(section, words, _FAMILIES.get(words.peek(), _BOTH))


def ipv6_routing_process(section: Section, words: Words) -> Fate:
    """``ipv6 router ospf N [vrf V]``."""
    return _process(section, words, _IPV6)


_FAMILIES = {"ospf": _IPV4, "rip": _IPV4, "igrp": _IPV4, "odr": _IPV4, "mobile": _IPV4}


def _process(section: Section, words: Words, families: frozenset[Family]) -> Fate:
    protocol, process = words.take(), words.take()
    if words.negated:
        return NOT_UNDERSTOOD
    vrf = words.take() if words.accept("vrf") else DEFAULT_VRF
    _learn(section, protocol, process, vrf, families)
    for line in section.lines():
        note_line(section.ledger, line, _process_line(section, line, (protocol, process), families))
    return FACT


def _process_line(
    section: Section, line: Words, process: tuple[str, str], families: frozenset[Family]
) -> Fate:
    """``address-family ... vrf V`` takes the process into a VRF; all else is about what it learns."""
    if line.peek() in ("mpls", "segment-routing") and not line.negated:
        return unsupported("labelled packets are forwarded by their labels")
    if line.peek() != "address-family":
        return _WHAT_IS_LEARNED
    words = line.words
    if "vpnv4" in words or "vpnv6" in words:
        section.config.bgp_vpn = True
    if "vrf" in words[:-1]:
        named = {"ipv4": _IPV4, "ipv6": _IPV6}.get(words[1], families)
        _learn(section, *process, words[words.index("vrf") + 1], named)
    elif "l2vpn" in words or "vpls" in words:
        return unsupported("frames are carried to other devices")
    return FACT


_WHAT_IS_LEARNED = ignored("whatever the protocol learns, it may lead out of any interface of the VRF")


def _learn(section: Section, protocol: str, process: str, vrf: str, families: frozenset[Family]) -> None:
    known = {"ospfv3": "ospf3"}.get(protocol, protocol)
    section.config.processes.append(
        RoutingProcess(known, vrf, process, section.ledger.span(section.block.number))
    )
    reason = f"{known} may have learned routes"
    section.config.learned.append(Learned(vrf, families, reason))


def port_map(section: Section, words: Words) -> Fate:
    """``ip port-map APPLICATION port ...``: more ports than the application has by itself."""
    section.config.mapped_ports.add(words.take())
    words.rest()
    return FACT


def dhcp6_pool(section: Section, words: Words) -> Fate:
    """``ipv6 dhcp pool N``: where prefixes are delegated the router makes itself routes to them."""
    del words

    def line(one: Words) -> Fate:
        if one.peek() == "prefix-delegation" and not one.negated:
            section.config.delegates_prefixes = True
            return FACT
        return ignored("addresses given to hosts")

    section.every(line)
    return FACT


# ---- VRFs ---------------------------------------------------------------------------------------


def vrf(section: Section, words: Words) -> Fate:
    """``vrf definition V``, ``ip vrf V``: route targets and what is taken from other tables."""
    name = words.take()
    if words.negated or not name:
        return NOT_UNDERSTOOD
    record = section.config.vrfs.setdefault(name, VrfRecord(name, section.span))
    record.ipv4_only = words.words[:1] == ["ip"]
    section.each(_VRF, record)
    return FACT


def _target(record: VrfRecord, words: Words) -> Fate:
    """``route-target [import | export | both] RT``; ``both`` is the default."""
    how = words.take() if words.peek() in ("import", "export", "both") else "both"
    target = words.take()
    if how in ("import", "both"):
        record.imports.add(target)
    if how in ("export", "both"):
        record.exports.add(target)
    return FACT


def _map(record: VrfRecord, words: Words) -> Fate:
    """``import map M`` narrows what is taken; ``import ipv4 unicast map M`` takes from the global table."""
    if words.peek() != "map":
        record.shares_with_global = True
    return FACT


def _replicate(record: VrfRecord, words: Words) -> Fate:
    """``route-replicate from vrf V unicast ...``: routes of another table."""
    if words.accept("from", "vrf"):
        record.leaks_to.add(words.take())
    record.shares_with_global = True
    return FACT


_VRF: Table[VrfRecord] = Table(
    {
        "route-target": _target,
        "import": _map,
        "export": _map,
        "route-replicate": _replicate,
    },
    harmless={
        "rd": "it only tells routes apart", "description": "a description",
        "address-family": "the block for one family", "exit-address-family": "the end of a block",
        "maximum routes": "it only ever drops routes", "vnet": "a tag for trunks", "vpn": "a name",
        "mdt": "multicast of the VPN", "inter-as-hybrid": "a choice between next hops",
    },
)  # fmt: skip


# ---- lines, services, shared fate ---------------------------------------------------------------


def terminal_line(section: Section, words: Words) -> Fate:
    """``line vty A B``: how the device is logged into, and who may."""
    if not words.accept("vty"):
        return section.all_are(ignored("a line without a network"))
    record = TerminalLine(words.span)
    section.config.terminals.append(record)
    section.each(_TERMINAL, record)
    return FACT


def _transport(record: TerminalLine, words: Words) -> Fate:
    record.transports = () if words.negated else tuple(words.rest().split())
    return FACT


def _access_class(family: Family) -> Callable[[TerminalLine, Words], Fate]:
    def read(record: TerminalLine, words: Words) -> Fate:
        name, direction = words.take(), words.take()
        if direction == "out":
            return ignored("where the device's own users may go on to")
        if words.negated:
            record.access.pop(family, None)
        else:
            record.access[family] = name
        return FACT

    return read


_TERMINAL: Table[TerminalLine] = Table(
    {
        "transport input": _transport,
        "access-class": _access_class(Family.IPV4),
        "ipv6 access-class": _access_class(Family.IPV6),
    },
    harmless=dict.fromkeys(
        (
            "login", "exec-timeout", "password", "privilege", "logging", "length", "width", "history",
            "stopbits", "session-timeout", "transport output", "transport preferred", "authorization",
            "accounting", "exec", "escape-character", "session-limit", "absolute-timeout", "rotary",
            "autocommand", "motd-banner", "exec-banner", "notify", "location", "flush-at-activation",
            "vacant-message", "speed", "databits", "flowcontrol", "parity", "modem", "terminal-type",
            "buffer-length", "session-disconnect-warning", "activation-character", "ip", "monitor",
            "lockable",
        ),
        "how a session behaves, not who may open one",
    ),
)  # fmt: skip


def service(protocol: str) -> Reader:
    """A reader of a line that switches a management service on."""

    def read(section: Section, words: Words) -> Fate:
        section.all_are(ignored("a setting of the service"))
        if not words.negated:
            section.config.services.append(ManagementService(protocol, span=words.span))
        return FACT

    return read


def http_access(section: Section, words: Words) -> Fate:
    """``ip http access-class [ipv4] ACL``."""
    words.accept("ipv4")
    section.config.http_acl = "" if words.negated else words.take()
    return FACT


def snmp(section: Section, words: Words) -> Fate:
    """``snmp-server community C [view V] [ro | rw] [ACL]``, ``host A``, ``group G [access ACL]``.

    The community and what stands behind a host are secrets: no word of theirs is kept.
    """
    kind = words.take()
    if words.negated or kind not in ("community", "host", "group"):
        return ignored("a setting of SNMP")
    if kind == "host":
        return _shared(section, words, "snmp-manager", _host(words))
    acl = _community_acl(section, words) if kind == "community" else _group_acl(words)
    section.config.services.append(ManagementService("snmp", acl=acl, span=words.span))
    return FACT


def _community_acl(section: Section, words: Words) -> str:
    _share(section, words, "snmp-community", fingerprint(words.take()))
    if words.accept("view"):
        words.take()
    if words.peek().lower() in ("ro", "rw"):
        words.take()
    if words.accept("ipv6"):
        words.take()
    return words.take()


def _group_acl(words: Words) -> str:
    left = words.rest().split()
    return left[left.index("access") + 1] if "access" in left[:-1] else ""


def fingerprint(secret: str) -> str:
    """What may be shown of a secret: the beginning of its hash."""
    return f"sha256:{hashlib.sha256(secret.encode()).hexdigest()[:16]}"


def _host(words: Words) -> str:
    """The address or name behind ``[host] [vrf V] [ipv6]``."""
    words.accept("host")
    if words.accept("vrf"):
        words.take()
    words.accept("ipv6")
    return words.take()


def _share(section: Section, words: Words, kind: str, value: str) -> None:
    if value and not words.negated:
        section.config.shared_fate.append(SharedFate(kind, value, words.span))


def _shared(section: Section, words: Words, kind: str, value: str) -> Fate:
    _share(section, words, kind, value)
    words.rest()
    return FACT


def sharing(kind: str) -> Reader:
    """A reader of a line that names a server."""
    return lambda section, words: _shared(section, words, kind, _host(words))


def log_host(section: Section, words: Words) -> Fate:
    """``logging [host] A``; its other lines set something."""
    if words.peek() != "host" and not words.peek()[:1].isdigit():
        return ignored("what is logged")
    return _shared(section, words, "syslog-server", _host(words))


def ntp(section: Section, words: Words) -> Fate:
    """``ntp server | peer A``."""
    if words.peek() not in ("server", "peer"):
        return ignored("a setting of NTP")
    words.take()
    return _shared(section, words, "ntp-server", _host(words))


def name_servers(section: Section, words: Words) -> Fate:
    """``ip name-server [vrf V] A B ...``."""
    if words.accept("vrf"):
        words.take()
    for server in words.rest().split():
        _share(section, words, "dns-server", server)
    return FACT


def aaa_server(section: Section, words: Words) -> Fate:
    """``tacacs-server host A``, ``radius-server host A``."""
    if words.peek() != "host":
        return section.all_are(ignored("a setting of the AAA client"))
    return _shared(section, words, "aaa-server", _host(words))


def aaa_server_block(section: Section, words: Words) -> Fate:
    """``tacacs server N`` / ``address ipv4 A``."""
    del words

    def line(one: Words) -> Fate:
        if one.accept("address", "ipv4") or one.accept("address", "ipv6"):
            return _shared(section, one, "aaa-server", one.take())
        return ignored("a setting of the AAA client")

    section.every(line)
    return FACT


def aaa_group(section: Section, words: Words) -> Fate:
    """``aaa group server ...`` / ``server-private A``; its other lines set something."""
    del words

    def line(one: Words) -> Fate:
        if one.accept("server-private") or one.accept("server"):
            return _shared(section, one, "aaa-server", "" if one.peek() == "name" else one.take())
        return ignored("a setting of the AAA client")

    section.every(line)
    return FACT


def user(section: Section, words: Words) -> Fate:
    """``username NAME ...``: the name, and the print of its secret."""
    name = words.take()
    _share(section, words, "user", name)
    left = words.rest().split()
    for keyword in ("secret", "password"):
        if keyword in left[:-1]:
            secret = " ".join(left[left.index(keyword) + 1 :])
            _share(section, words, "user-key", fingerprint(secret))
    section.all_are(ignored("a setting of the user"))
    return FACT


def first_word(kind: str) -> Reader:
    """A reader that shares the first word behind the line's own."""
    return lambda section, words: _shared(section, words, kind, words.take())


def flow_exporter(section: Section, words: Words) -> Fate:
    """``flow exporter N`` / ``destination A``."""
    del words

    def line(one: Words) -> Fate:
        if one.accept("destination"):
            return _shared(section, one, "flow-collector", one.take())
        return ignored("a setting of flow export")

    section.every(line)
    return FACT


SYSTEM_SECTIONS: Mapping[str, Reader] = {
    "ip default-gateway": default_gateway,
    "ip route": static_route(Family.IPV4),
    "ipv6 route": static_route(Family.IPV6),
    "router": routing_process,
    "ipv6 router": ipv6_routing_process,
    "ip port-map": port_map,
    "ipv6 dhcp pool": dhcp6_pool,
    "vrf definition": vrf,
    "ip vrf": vrf,
    "line": terminal_line,
    "ip http server": service("http"),
    "ip http secure-server": service("https"),
    "ip http access-class": http_access,
    "netconf ssh": service("netconf"),
    "netconf-yang": service("netconf"),
    "restconf": service("https"),
    "snmp-server": snmp,
    "logging": log_host,
    "ntp": ntp,
    "sntp": ntp,
    "ip name-server": name_servers,
    "tacacs-server": aaa_server,
    "radius-server": aaa_server,
    "tacacs server": aaa_server_block,
    "radius server": aaa_server_block,
    "aaa group server": aaa_group,
    "username": user,
    "vtp domain": first_word("vtp-domain"),
    "ip domain name": first_word("domain-name"),
    "ip domain-name": first_word("domain-name"),
    "ip flow-export destination": first_word("flow-collector"),
    "flow exporter": flow_exporter,
}
"""Top-level lines about routing, management and what devices share."""
