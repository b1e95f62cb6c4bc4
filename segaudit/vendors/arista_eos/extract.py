"""The text of ``show running-config`` to a ``SwitchRecord``: every line ends with a fate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from segaudit.model.device import DEFAULT_VRF
from segaudit.model.flow import Family
from segaudit.model.services import ManagementService
from segaudit.parse.cisco.dispatch import Reader, Table
from segaudit.parse.cisco.fates import FACT, NOT_UNDERSTOOD, Fate, ignored, unsupported
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
    relaying,
    route_target,
    runs,
    scripted,
    sharing,
    static_reader,
    vlan_numbers,
)
from segaudit.parse.cisco.words import Words
from segaudit.parse.indent import Block, blocks, tokenise, walk
from segaudit.parse.ledger import LineLedger
from segaudit.vendors.arista_eos import extract_interface, traffic_policies
from segaudit.vendors.arista_eos.dialect import EOS, literal
from segaudit.vendors.arista_eos.harmless import HARMLESS, MODES

_OFF = ignored("turns it off")


@dataclass(slots=True)
class EosSettings:
    """What only EOS has: whether ports are routed by default, and enabled."""

    routed_ports: bool = False
    shut_ports: bool = False


class EosReading(SwitchReading):
    """The reading of an EOS configuration."""

    def __init__(self, ledger: LineLedger) -> None:
        super().__init__(ledger, EOS, extract_interface.LINES, MODES)
        self.settings = EosSettings()
        self.policies = traffic_policies.Policies()


def read_config(text: str, ledger: LineLedger) -> EosReading:
    """Everything that a configuration says; one without its last line ``end`` is not whole."""
    reading = EosReading(ledger)
    lines = tokenise(text)
    reading.read(blocks(lines, literal), _TABLE)
    last = next((line for line in reversed(lines) if line.text), None)
    if last is None or last.text != "end":
        number = last.number if last else 1
        ledger.unsupported(number, number, "the configuration ends without `end`: it is cut", bounded=False)
    return reading


# ---- interfaces, VLANs, VRFs --------------------------------------------------------------------


def _interface(reading: SwitchReading, words: Words) -> Fate:
    if words.peek() == "defaults":
        reading.below(_DEFAULTS, reading)
        return FACT
    names = interface_names(words, reading.dialect)
    if not names or words.negated:
        return NOT_UNDERSTOOD
    for name in names:
        if name.startswith("Vxlan"):
            overlay = reading.switch.overlay(name, words.span)
            reading.below(extract_interface.VXLAN_LINES, overlay)
        else:
            reading.below(reading.interface_lines, reading.switch.interface(name, words.span))
    return FACT


def _shut_ports(reading: SwitchReading, words: Words) -> Fate:
    assert isinstance(reading, EosReading)
    reading.settings.shut_ports = not words.negated
    return FACT


def _default_mode(reading: SwitchReading, words: Words) -> Fate:
    """``switchport default mode routed | access``."""
    assert isinstance(reading, EosReading)
    mode = words.take()
    if mode not in ("routed", "access"):
        return NOT_UNDERSTOOD
    reading.settings.routed_ports = mode == "routed" and not words.negated
    return FACT


def _traffic_policies(reading: SwitchReading, words: Words) -> Fate:
    assert isinstance(reading, EosReading)
    return traffic_policies.read(reading.policies, reading, words)


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


def _trunk_group(vlan: VlanRecord, words: Words) -> Fate:
    vlan.groups.add(words.take())
    return FACT


def _vrf(reading: SwitchReading, words: Words) -> Fate:
    name = words.take()
    if not name or not words.done:
        return NOT_UNDERSTOOD
    if words.negated:
        reading.switch.vrfs.pop(name, None)
    else:
        reading.below(_VRF, reading.switch.vrf(name, words.span))
    return FACT


def _routing(family: Family) -> Reader[SwitchReading]:
    """A reader of ``ip routing [vrf X]``, ``ip routing ipv6 interfaces [vrf X]``."""

    def read(reading: SwitchReading, words: Words) -> Fate:
        words.accept("ipv6", "interfaces")
        vrf = words.take() if words.accept("vrf") else DEFAULT_VRF
        words.accept("ipv6", "interfaces")
        if not words.done:
            return NOT_UNDERSTOOD
        reading.switch.routed[vrf, family] = not words.negated
        return FACT

    return read


# ---- routing protocols --------------------------------------------------------------------------


def _protocol(name: str) -> Reader[SwitchReading]:
    """A reader of ``router X [ID] [vrf V]``: what it learns is not known."""

    def read(reading: SwitchReading, words: Words) -> Fate:
        if words.negated:
            return _OFF
        rest = words.rest().split()
        process = rest[0] if rest and rest[0] != "vrf" else ""
        vrf = rest[rest.index("vrf") + 1] if "vrf" in rest[:-1] else DEFAULT_VRF
        runs(reading.switch, name, vrf, process, words.span)
        for block in reading.block.children:
            if block.text.startswith("vrf "):
                inner = block.text.split()[1]
                runs(reading.switch, name, inner, process, words.span)
                _targets(reading, inner, block)
        return LEARNED

    return read


def _targets(reading: SwitchReading, vrf: str, block: Block) -> None:
    """The route targets below ``router bgp`` / ``vrf X``."""
    record = reading.switch.vrf(vrf, reading.ledger.span(block.number))
    for line in walk(block.children):
        if line.text.startswith("route-target "):
            span = reading.ledger.span(line.number)
            route_target(record, Words(line.text.split()[1:], span))


def _general(reading: SwitchReading, words: Words) -> Fate:
    """``router general`` / ``vrf X`` / ``leak routes source-vrf Y ...``."""
    for block in reading.block.children:
        if block.text.startswith("vrf "):
            record = reading.switch.vrf(block.text.split()[1], words.span)
            for line in walk(block.children):
                found = line.text.split()
                if "source-vrf" in found[:-1]:
                    record.leaks.add(found[found.index("source-vrf") + 1])
    return LEARNED


# ---- the switch itself --------------------------------------------------------------------------


def _control_plane(reading: SwitchReading, words: Words) -> Fate:
    del words
    reading.below(_CONTROL_PLANE, reading)
    return FACT


def _before_switch(family: Family) -> Reader[SwitchReading]:
    """``ip access-group X [vrf V] in`` below ``control-plane``."""

    def read(reading: SwitchReading, words: Words) -> Fate:
        name = words.take()
        vrf = words.take() if words.accept("vrf") else DEFAULT_VRF
        if not words.accept("in"):
            return ignored("about packets that the switch itself sends") if words.peek() else NOT_UNDERSTOOD
        if not words.negated:
            reading.switch.guards.append(Guard(name, family, vrf, (), words.span))
        return FACT

    return read


@dataclass(slots=True)
class _Service:
    """A management service while its block is read; ``offered`` by VRF."""

    offered: dict[str, bool]
    lists: list[tuple[str, Family, str, Words]] = field(default_factory=list)
    plain: bool = False
    vrf: str = DEFAULT_VRF


def _service(protocol: str, ports: tuple[int, ...], by_default: bool) -> Reader[SwitchReading]:
    """A reader of ``management X`` with ``[no] shutdown``, ``vrf V`` and the lists of each VRF."""

    def read(reading: SwitchReading, words: Words) -> Fate:
        service = _Service({DEFAULT_VRF: by_default})
        reading.below(_SERVICE, service, {"vrf": _SERVICE})
        switch = reading.switch
        switch.ssh_seen = switch.ssh_seen or protocol == "ssh"
        for vrf, offered in sorted(service.offered.items()):
            names = [name for name, _, of, _ in service.lists if of == vrf]
            if offered:
                kinds = (protocol, "http") if service.plain else (protocol,)
                acl = f"ip {names[0]}" if names else ""
                switch.services += [ManagementService(kind, acl, vrf, "", words.span) for kind in kinds]
        for name, family, vrf, where in service.lists:
            switch.guards.append(Guard(name, family, vrf, ports, where.span))
        return FACT

    return read


def _service_shutdown(service: _Service, words: Words) -> Fate:
    service.offered[service.vrf] = words.negated
    return FACT


def _service_vrf(service: _Service, words: Words) -> Fate:
    service.vrf = words.take()
    service.offered.setdefault(service.vrf, service.offered[DEFAULT_VRF])
    return FACT


def _service_list(family: Family) -> Reader[_Service]:
    def read(service: _Service, words: Words) -> Fate:
        name = words.take()
        vrf = words.take() if words.accept("vrf") else service.vrf
        if not words.accept("in"):
            return NOT_UNDERSTOOD
        if not words.negated:
            service.lists.append((name, family, vrf, words))
        return FACT

    return read


def _plain_http(service: _Service, words: Words) -> Fate:
    service.plain = not words.negated
    return FACT


def _user(reading: SwitchReading, words: Words) -> Fate:
    """``username X ... secret KIND HASH``, ``username X ssh-key KEY``: only fingerprints are kept."""
    name, rest = words.take(), words.rest().split()
    if words.negated:
        return FACT
    if "ssh-key" in rest[:-1]:
        key = " ".join(rest[rest.index("ssh-key") + 1 :][:2])
        reading.switch.share("user-key", fingerprint(key), words.span)
    else:
        reading.switch.share("user", name, words.span)
    return FACT


def _community(reading: SwitchReading, words: Words) -> Fate:
    """``snmp-server community SECRET [ro | rw] [ACL]``."""
    secret, rest = words.take(), words.rest().split()
    if words.negated:
        return FACT
    reading.switch.share("snmp-community", fingerprint(secret), words.span)
    lists = [word for word in rest if word not in ("ro", "rw", "view")]
    acl = f"ip {lists[-1]}" if lists else ""
    reading.switch.services.append(ManagementService("snmp", acl, "", "", words.span))
    return FACT


def _logging(reading: SwitchReading, words: Words) -> Fate:
    """``logging [vrf V] host A``; the rest is what is logged."""
    if words.accept("vrf"):
        words.take()
    if not words.accept("host"):
        return ignored("what is logged")
    return host("syslog-server")(reading, words)


def _nat(reading: SwitchReading, words: Words) -> Fate:
    if words.negated or words.peek() in ("pool", "translation", "synchronization", "fragmentation"):
        return ignored("what translations draw on; that one is made stands below an interface")
    reading.switch.translates = True
    return unsupported("translations count as unknown: any header may leave", bounded=True)


_DOUBTFUL: Mapping[str, Reader[SwitchReading]] = {
    "mpls": mpls,
    "monitor session": doubtful("copies of packets leave by another port"),
    "arp": neighbour,
    "ip arp": neighbour,
    "ipv6 neighbor": neighbour,
    "event-handler": scripted(),
    "daemon": scripted("TerminAttr"),
    "schedule": scripted("tech-support"),
    "default interface": doubtful("an interface is reset: what else is said of it does not hold"),
    "tap aggregation": doubtful("packets are steered past routing"),
    "nexthop-group": doubtful("packets are tunnelled to its members"),
    "patch panel": doubtful("pseudowires"),
    "ip multicast-routing": multicast,
    "router multicast": multicast,
    "router pim": multicast,
    "ip pim": multicast,
    "ip multicast": multicast,
    "ipv6 multicast-routing": multicast,
    "ip dhcp relay server": relaying,
    "router l2-vpn": doubtful("layer-2 VPN"),
    "router traffic-engineering": doubtful("traffic engineering"),
    "router segment-security": doubtful("segments"),
    "router path-selection": doubtful("overlay paths"),
    "vxlan": doubtful("VXLAN"),
    "l2-protocol": doubtful("layer-2 protocols are forwarded"),
    "bridge": doubtful("bridging"),
    "dps": doubtful("overlay paths"),
}


_OWN: Mapping[str, Reader[SwitchReading]] = {
    "interface": _interface,
    "switchport default mode": _default_mode,
    "traffic-policies": _traffic_policies,
    "vlan": _vlan,
    "vrf instance": _vrf,
    "vrf definition": _vrf,
    "ip routing": _routing(Family.IPV4),
    "ipv6 unicast-routing": _routing(Family.IPV6),
    "ip route": static_reader(Family.IPV4),
    "ipv6 route": static_reader(Family.IPV6),
    "ip access-list": list_reader(Family.IPV4),
    "ip access-list standard": list_reader(Family.IPV4, standard=True),
    "ipv6 access-list": list_reader(Family.IPV6),
    "ipv6 access-list standard": list_reader(Family.IPV6, standard=True),
    "ip nat": _nat,
    "router bgp": _protocol("bgp"),
    "router ospf": _protocol("ospf"),
    "ipv6 router ospf": _protocol("ospf3"),
    "router ospfv3": _protocol("ospf3"),
    "router isis": _protocol("isis"),
    "router rip": _protocol("rip"),
    "router general": _general,
    "router bfd": nothing,
    "router msdp": multicast,
    "router igmp": nothing,
    "router adaptive-virtual-topology": doubtful("overlay paths"),
    "control-plane": _control_plane,
    "system control-plane": _control_plane,
    "management ssh": _service("ssh", (22,), True),
    "management telnet": _service("telnet", (23,), False),
    "management api http-commands": _service("https", (80, 443), False),
    "management api gnmi": _service("gnmi", (), False),
    "management api netconf": _service("netconf", (), False),
    "management api restconf": _service("https", (), False),
    "username": _user,
    "snmp-server community": _community,
    "snmp-server host": host("snmp-manager"),
    "ntp server": host("ntp-server"),
    "ip name-server": name_servers,
    "dns domain": sharing("domain-name"),
    "ip domain-name": sharing("domain-name"),
    "logging": _logging,
    "tacacs-server host": host("aaa-server"),
    "radius-server host": host("aaa-server"),
}

_VLAN: Table[VlanRecord] = Table(
    {
        "trunk group": _trunk_group,
    },
    harmless={
        "name": "a name",
        "state": "a suspended VLAN counts as active",
        "mac address": "MAC learning",
    },
)
_VRF: Table[VrfRecord] = Table(
    {"rd": nothing},
    harmless={"description": "a description"},
)
_DEFAULTS: Table[SwitchReading] = Table(
    {"shutdown": _shut_ports, "ethernet": nothing}, harmless={"mtu": "packet size"}
)
_CONTROL_PLANE: Table[SwitchReading] = Table(
    {
        "ip access-group": _before_switch(Family.IPV4),
        "ipv6 access-group": _before_switch(Family.IPV6),
    },
    harmless={"service-policy": "a rate, not a filter", "mac": "frames to the switch itself"},
)
_SERVICE: Table[_Service] = Table(
    {
        "shutdown": _service_shutdown,
        "vrf": _service_vrf,
        "ip access-group": _service_list(Family.IPV4),
        "ipv6 access-group": _service_list(Family.IPV6),
        "protocol http": _plain_http,
    },
    harmless=by_first_words(
        {
            "how the service works, not for whom": (
                "authentication", "cipher", "client-alive", "connection", "cors", "fips", "hostkey",
                "idle-timeout", "key-exchange", "known-hosts", "log-level", "login", "mac", "protocol",
                "qos", "server-port", "session", "session-limit", "ssl", "transport", "port", "provider",
                "rekey", "service", "tls", "tunnel", "user",
            )
        }
    ),
)  # fmt: skip

_TABLE: Table[SwitchReading] = Table(_OWN, _DOUBTFUL, harmless=HARMLESS)
