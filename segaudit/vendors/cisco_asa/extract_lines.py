"""The commands that stand on a line of their own."""

from __future__ import annotations

from hashlib import sha256

from segaudit.model.device import Neighbour
from segaudit.model.flow import Family
from segaudit.model.services import SharedFate
from segaudit.parse.cisco import addresses
from segaudit.parse.cisco.dialect import read_interface
from segaudit.parse.cisco.dispatch import Reader, Table
from segaudit.parse.cisco.fates import FACT, NOT_UNDERSTOOD, Fate, ignored, unsupported
from segaudit.parse.cisco.numbers import decimal
from segaudit.parse.cisco.words import Words
from segaudit.vendors.cisco_asa.dialect import ASA
from segaudit.vendors.cisco_asa.harmless import HARMLESS
from segaudit.vendors.cisco_asa.records import (
    AccessGroup,
    Config,
    IcmpAccess,
    ManagementAccess,
    NatLine,
    StaticRoute,
)

_FORBIDS = ignored("forbids what no translation fits, lets none through")
_BOUND = unsupported("frames for the address go to whoever has the hardware address")
_ABSENT = FACT
"""``no X`` of a command that is off by default says nothing new."""


def fingerprint(secret: str) -> str:
    """A secret's stand-in: the same for the same configured text, and nothing else."""
    return "sha256:" + sha256(secret.encode()).hexdigest()[:16]


def _number(config: Config, text: str) -> tuple[Family, int] | None:
    return addresses.address(config.names.get(text, text))


def _name(config: Config, words: Words) -> Fate:
    """``name ADDRESS WORD``: the word stands for the address wherever one is asked for."""
    address, name = words.take(), words.take()
    if words.negated or addresses.address(address) is None or not name:
        return NOT_UNDERSTOOD
    config.names[name] = address
    return FACT


def _hostname(config: Config, words: Words) -> Fate:
    config.hostname = words.take()
    return FACT


def _mtu(config: Config, words: Words) -> Fate:
    nameif, size = words.take(), words.take()
    number = decimal(size, 65535)
    if number is not None and not words.negated:
        config.mtu[nameif] = number
    return FACT


# ---- filters and NAT ----------------------------------------------------------------------------


def _access_group(config: Config, words: Words) -> Fate:
    """``access-group ACL {in|out} interface NAMEIF [per-user-override|control-plane] | ACL global``."""
    acl, direction = words.take(), words.take()
    if words.negated:
        return NOT_UNDERSTOOD
    nameif = words.take() if words.accept("interface") else ""
    override, plane = words.accept("per-user-override"), words.accept("control-plane")
    known = direction == "global" or (direction in ("in", "out") and nameif)
    if not known or not words.done:
        return NOT_UNDERSTOOD
    config.access_groups.append(
        AccessGroup(acl, "control-plane" if plane else direction, nameif, override, words.span)
    )
    return FACT


def _nat(config: Config, words: Words) -> Fate:
    """``nat [(REAL,MAPPED)] ...``; ``nat (IF) N ...`` is the form of before 8.3."""
    rest = tuple(words.words[words.position :])
    if words.negated or not rest:
        return NOT_UNDERSTOOD
    if rest[0].startswith("(") and "," not in rest[0]:
        return _old_nat(config, words)
    config.nat.append(NatLine(rest, " ".join(words.words), words.span))
    return FACT


def _old_nat(config: Config, words: Words) -> Fate:
    if words.negated:
        return FACT
    config.old_nat.append(words.span)
    return unsupported("a translation of before 8.3: whatever leaves may be translated", bounded=True)


def _same_security(config: Config, words: Words) -> Fate:
    words.accept("permit")
    kind = words.take()
    if kind == "inter-interface":
        config.same_security_inter = not words.negated
    elif kind == "intra-interface":
        config.same_security_intra = not words.negated
    else:
        return NOT_UNDERSTOOD
    return FACT


# ---- routes -------------------------------------------------------------------------------------


def _route(config: Config, words: Words) -> Fate:
    """``route NAMEIF A MASK GATEWAY [DISTANCE] [track N] [tunneled]``; to ``null0`` without a gateway."""
    nameif = words.take()
    found = _number(config, _long_zero(words.take()))
    length = addresses.length_of_mask(_long_zero(words.take()))
    if words.negated or found is None or length is None or found[0] is not Family.IPV4:
        return NOT_UNDERSTOOD
    return _routed(config, words, nameif, found[0], found[1], length)


def _long_zero(word: str) -> str:
    """``0`` is short for ``0.0.0.0``."""
    return "0.0.0.0" if word == "0" else word  # noqa: S104 - an address in a route


def _ipv6_route(config: Config, words: Words) -> Fate:
    """``ipv6 route NAMEIF P/len GATEWAY [DISTANCE] [tunneled]``."""
    nameif, found = words.take(), addresses.prefix(words.take())
    if words.negated or found is None or found[0] is not Family.IPV6:
        return NOT_UNDERSTOOD
    return _routed(config, words, nameif, *found)


def _routed(config: Config, words: Words, nameif: str, family: Family, number: int, length: int) -> Fate:
    discards = nameif.lower() == "null0"
    gateway = None if discards else _number(config, words.take())
    if not discards and (gateway is None or gateway[0] is not family):
        return NOT_UNDERSTOOD
    distance = decimal(words.peek(), 255)
    if distance is not None:
        words.take()
    track = words.take() if words.accept("track") else ""
    tunneled = words.accept("tunneled")
    if not words.done:
        return NOT_UNDERSTOOD
    nameif = "" if discards else nameif
    via = gateway[1] or None if gateway is not None else None
    prefix = addresses.network(family, number, length)
    config.routes.append(
        StaticRoute(family, nameif, prefix, length, via, distance or 1, track, tunneled, words.span)
    )
    return FACT


def _arp(config: Config, words: Words) -> Fate:
    """``arp NAMEIF ADDRESS MAC [alias]``: a neighbour; with ``alias`` the ASA answers for it."""
    nameif, found = words.take(), _number(config, words.take())
    digits = words.take().replace(".", "").lower()
    if words.negated or found is None or len(digits) != 12:
        return NOT_UNDERSTOOD
    mac = ":".join(digits[at : at + 2] for at in range(0, 12, 2))
    config.neighbours.append(Neighbour(nameif, found[0], found[1], mac, words.span))
    if words.accept("alias"):
        config.aliases.add(nameif)
    return _BOUND if words.done else NOT_UNDERSTOOD


def _sysopt(config: Config, words: Words) -> Fate:
    if words.accept("connection", "permit-vpn"):
        config.permit_vpn = not words.negated
    elif words.accept("noproxyarp"):
        if not words.negated:
            config.no_proxy_arp.add(words.take())
    else:
        return ignored("how connections are timed and sized")
    return FACT


def _reverse_path(config: Config, words: Words) -> Fate:
    if words.accept("interface") and not words.negated:
        config.reverse_path.add(words.take())
    return FACT


def _pool(config: Config, words: Words) -> Fate:
    """``ip local pool NAME A-B [mask M]``: addresses of VPN users."""
    words.take()
    low, _, high = words.take().partition("-")
    first, last = addresses.ipv4(low), addresses.ipv4(high or low)
    if words.negated or first is None or last is None or first > last:
        return NOT_UNDERSTOOD
    config.pools.append((first, last))
    return FACT


def _doubtful(reason: str) -> Reader[Config]:
    return lambda _config, words: _ABSENT if words.negated else unsupported(reason)


# ---- to the device itself -----------------------------------------------------------------------


def _access(protocol: str) -> Reader[Config]:
    """``ssh|telnet|http {A MASK | A/len} NAMEIF``: who may use the service on that interface."""

    def read(config: Config, words: Words) -> Fate:
        first = words.take()
        found = addresses.prefix(first)
        if found is None:
            number, length = _number(config, first), addresses.length_of_mask(words.take())
            found = (number[0], number[1], length) if number and length is not None else None
        nameif = words.take()
        if found is None or not nameif or not words.done or words.negated:
            return NOT_UNDERSTOOD
        family, value, length = found
        low = addresses.network(family, value, length)
        span = (low, low + (1 << family.bits - length) - 1)
        config.access.append(ManagementAccess(protocol, family, span, nameif, words.span))
        return FACT

    return read


def _http_server(config: Config, words: Words) -> Fate:
    """``http server enable [PORT]``."""
    port = words.take()
    number = decimal(port, 65535) if port else 443
    if number is None and not words.negated:
        return NOT_UNDERSTOOD
    config.http_port = None if words.negated else number
    return FACT


def _icmp(family: Family) -> Reader[Config]:
    """``icmp {permit|deny} ADDRESS [TYPE] NAMEIF``."""

    def read(config: Config, words: Words) -> Fate:
        action, rest = words.take(), words.words[words.position :]
        if words.negated or action not in ("permit", "deny") or len(rest) < 2:
            return NOT_UNDERSTOOD
        spec, nameif = tuple(rest[:-1]), rest[-1]
        text = " ".join(words.words)
        config.icmp.append(IcmpAccess(family, action == "permit", spec, nameif, text, words.span))
        return FACT

    return read


def _management_access(config: Config, words: Words) -> Fate:
    config.management_access = "" if words.negated else words.take()
    return FACT


def _failover_port(config: Config, words: Words) -> Fate:
    """``failover {lan interface|link} NAME PORT``: the port carries nothing else."""
    name = words.take()
    if not words.done and not words.negated:
        config.failover_ports.add(read_interface(words, ASA))
    del name
    return FACT


# ---- what networks may have in common -----------------------------------------------------------


def _fate(kind: str, before: int = 0) -> Reader[Config]:
    """A fact about the first word behind ``before`` words, which are an interface in brackets or plain."""

    def read(config: Config, words: Words) -> Fate:
        for _ in range(before):
            words.take()
        if not words.negated and not words.done:
            config.shared_fate.append(SharedFate(kind, words.take(), words.span))
        return FACT

    return read


def _aaa_server(config: Config, words: Words) -> Fate:
    """``aaa-server GROUP (NAMEIF) host ADDRESS [KEY]``; without a host only how the group works."""
    words.take()
    if words.peek().startswith("("):
        words.take()
    if words.accept("host") and not words.negated:
        config.shared_fate.append(SharedFate("aaa-server", words.take(), words.span))
    return FACT


def _secret(config: Config, kind: str, words: Words) -> None:
    """The fingerprint of the next word; ``show running-config`` hides some behind asterisks."""
    text = words.take()
    if text.strip("*"):
        config.shared_fate.append(SharedFate(kind, fingerprint(text), words.span))


def _snmp_host(config: Config, words: Words) -> Fate:
    """``snmp-server host NAMEIF ADDRESS ... [community [0|8] TEXT]``."""
    words.take()
    address = words.take()
    if words.negated or not address:
        return FACT
    config.shared_fate.append(SharedFate("snmp-manager", address, words.span))
    while not words.done:
        if words.take() == "community":
            _snmp_community(config, words)
    return FACT


def _snmp_community(config: Config, words: Words) -> Fate:
    if words.peek() in ("0", "8"):
        words.take()
    if not words.negated:
        _secret(config, "snmp-community", words)
    return FACT


def _username(config: Config, words: Words) -> Fate:
    """``username NAME password HASH ...``, ``username NAME attributes``."""
    name = words.take()
    if words.negated or not name or words.peek() == "attributes":
        return FACT
    config.shared_fate.append(SharedFate("user", name, words.span))
    if words.accept("password"):
        _secret(config, "user-key", words)
    return FACT


def _name_server(config: Config, words: Words) -> Fate:
    """``dns name-server A...``."""
    while not words.done and not words.negated:
        config.shared_fate.append(SharedFate("dns-server", words.take(), words.span))
    return FACT


GLOBAL_LINES: Table[Config] = Table(
    {
        "name": _name,
        "hostname": _hostname,
        "domain-name": _fate("domain-name"),
        "mtu": _mtu,
        "access-group": _access_group,
        "nat": _nat,
        "static": _old_nat,
        "global": _old_nat,
        "nat-control": lambda _config, words: _ABSENT if words.negated else _FORBIDS,
        "same-security-traffic": _same_security,
        "route": _route,
        "ipv6 route": _ipv6_route,
        "arp": _arp,
        "event manager": _doubtful("an applet may change the configuration"),
        "sysopt": _sysopt,
        "ip local pool": _pool,
        "ip verify reverse-path": _reverse_path,
        "ssh": _access("ssh"),
        "telnet": _access("telnet"),
        "http": _access("http"),
        "http server enable": _http_server,
        "icmp": _icmp(Family.IPV4),
        "ipv6 icmp": _icmp(Family.IPV6),
        "management-access": _management_access,
        "failover lan interface": _failover_port,
        "failover link": _failover_port,
        "aaa-server": _aaa_server,
        "logging host": _fate("syslog-server", before=1),
        "ntp server": _fate("ntp-server"),
        "snmp-server host": _snmp_host,
        "snmp-server community": _snmp_community,
        "flow-export destination": _fate("flow-collector", before=1),
        "dns name-server": _name_server,
        "username": _username,
        "firewall transparent": _doubtful(
            "transparent mode bridges between interfaces, which is not modelled"
        ),
        "context": _doubtful(
            "security contexts: this is the system's configuration, not that of a firewall"
        ),
        "admin-context": _doubtful("security contexts: this is the system's configuration"),
        "mode multiple": _doubtful("security contexts"),
        "multicast-routing": _doubtful(
            "multicast is forwarded out of interfaces that no unicast route leads to"
        ),
        "mroute": _doubtful("multicast routing"),
        "established": _doubtful("lets in connections because another one exists"),
        "alias": _doubtful("translates destinations, in a form of before 8.3"),
        "conduit": _doubtful("a permission in a form of before 7.0"),
        "outbound": _doubtful("a filter in a form of before 7.0"),
        "apply": _doubtful("a filter in a form of before 7.0"),
        "wccp": _doubtful("sends connections to a cache"),
        "dhcprelay": _doubtful("hands requests for addresses to another network"),
        "ipv6 dhcprelay": _doubtful("hands requests for addresses to another network"),
        "nve": _doubtful("a VXLAN tunnel"),
        "cluster": _doubtful("a cluster of units, of which each may own a connection"),
        "mac-address-table static": _doubtful("switches frames"),
        "service-policy": lambda _config, _words: FACT,
    },
    harmless=HARMLESS,
)
