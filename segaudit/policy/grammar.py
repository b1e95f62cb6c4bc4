"""The words of the policy language: services, prefixes, dates, durations, names.

Every function takes the text as written and gives its value, or raises ``Misread`` with the hint
that puts it right. The reader adds ``file:line:column``; the JSON Schema is built from the same
constants.
"""

from __future__ import annotations

import re
from datetime import date
from ipaddress import AddressValueError, IPv4Network, IPv6Network, NetmaskValueError

from segaudit.documents.yaml_nodes import did_you_mean
from segaudit.model.acl import Range
from segaudit.model.flow import Family
from segaudit.model.policy import Service

DIRECTIONS = ("both", "forward", "reverse")
FAMILIES = ("ipv4", "ipv6")
SEVERITIES = ("critical", "high", "medium", "low")
EVIDENCE_MODELS = ("all",)
EVIDENCE_PROBES = ("every-pair", "none")
CLAIMS = ("end-hosts-only", "no-effect")
TRUTHS = ("true", "false")
NEVER = "never"
ANY_SERVICE = "any"

PORT_PROTOCOLS = {"sctp": 132, "tcp": 6, "udp": 17}
TYPE_PROTOCOLS = {"icmp": 1, "icmpv6": 58}
PROTOCOLS = ("icmp", "icmpv6", "ip", "sctp", "tcp", "udp")

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
DURATION = r"[1-9][0-9]{0,4}[dh]"
SERVICE = r"any|(tcp|udp|sctp)/[0-9]{1,5}(-[0-9]{1,5})?|(icmp|icmpv6|ip)/[0-9]{1,3}"
MAX_VLAN = 4094
"""IEEE 802.1Q-2022 9.6: VLAN IDs 0 and 4095 are reserved."""

_LOOPBACK_AND_LINK_LOCAL = (
    IPv4Network("127.0.0.0/8"),
    IPv4Network("169.254.0.0/16"),
    IPv6Network("::1/128"),
    IPv6Network("fe80::/10"),
)


class Misread(ValueError):
    """A word that the language does not have; ``what`` is wrong with it, ``hint`` puts it right."""

    def __init__(self, what: str, hint: str = "") -> None:
        self.what = what
        self.hint = hint
        super().__init__(what)


def parse_name(text: str) -> str:
    """``text``, if it can name a zone, side, service or assertion."""
    if not re.fullmatch(NAME, text):
        raise Misread("not a name", "use letters, digits, '.', '_' and '-', a letter or digit first")
    return text


def parse_service(text: str) -> Service:
    """A service as written: ``tcp/80``, ``tcp/8000-8010``, ``icmp/8``, ``ip/50`` or ``any``.

    ``ip/N`` is every packet of IP protocol N (IANA "Assigned Internet Protocol Numbers").
    """
    if text == ANY_SERVICE:
        return Service(text, None)
    protocol, slash, value = text.partition("/")
    if protocol not in PROTOCOLS:
        raise Misread("unknown protocol in service", did_you_mean(protocol, PROTOCOLS))
    if not slash:
        raise Misread("service lacks its port, type or number", _whole_protocol(protocol))
    if protocol in PORT_PROTOCOLS:
        return Service(text, PORT_PROTOCOLS[protocol], (_port_range(protocol, value),))
    number = _number(value, 255, f"{protocol}/0 to {protocol}/255")
    if protocol == "ip":
        return Service(text, number)
    return Service(text, TYPE_PROTOCOLS[protocol], icmp_type=number)


def _whole_protocol(protocol: str) -> str:
    if protocol in PORT_PROTOCOLS:
        return f"write {protocol}/443, or {protocol}/0-65535 for every port"
    if protocol in TYPE_PROTOCOLS:
        return f"write {protocol}/8, or ip/{TYPE_PROTOCOLS[protocol]} for every type"
    return "write ip/50, or any"


def _port_range(protocol: str, value: str) -> Range:
    first_text, dash, last_text = value.partition("-")
    valid = "ports are numbers from 0 to 65535"
    first = _number(first_text, 65535, valid)
    last = _number(last_text, 65535, valid) if dash else first
    if first > last:
        raise Misread("port range runs backwards", f"write {protocol}/{last}-{first}")
    return first, last


def _number(text: str, largest: int, valid: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text):
        raise Misread("not a number", valid)
    if int(text) > largest:
        raise Misread("number out of range", valid)
    return int(text)


def parse_prefix(text: str) -> tuple[Family, int, int]:
    """Family, first and last address of a prefix; its host bits must be zero."""
    address, slash, length = text.partition("/")
    network_class = IPv6Network if ":" in address else IPv4Network
    try:
        if "%" in address:
            raise AddressValueError("a scope is an interface, not an address")
        network = network_class(text, strict=False)
    except (AddressValueError, NetmaskValueError, ValueError) as failure:
        raise Misread("not an IPv4 or IPv6 prefix", "write 10.20.0.0/24 or 2001:db8:20::/64") from failure
    if not slash:
        raise Misread("prefix lacks its length", f"write {network} for the one address")
    if not re.fullmatch(r"[0-9]{1,3}", length):
        raise Misread("prefix length must be a number of bits", f"write {network}")
    if network_class(address).network_address != network.network_address:
        raise Misread("prefix has host bits set", f"write {network}, or {address}/{network.max_prefixlen}")
    if any(network.version == own.version and network.subnet_of(own) for own in _LOOPBACK_AND_LINK_LOCAL):  # type: ignore[arg-type]
        raise Misread(
            "loopback and link-local addresses belong to no zone",
            "name the interface with device and interface",
        )
    return Family(network.version), int(network.network_address), int(network.broadcast_address)


def parse_date(text: str) -> date:
    """An ISO 8601 calendar date, ``2026-12-31``."""
    if not re.fullmatch(DATE, text):
        raise Misread("not a date", "write it as 2026-12-31")
    try:
        return date.fromisoformat(text)
    except ValueError as failure:
        raise Misread("no such day", str(failure)) from failure


def parse_hours(text: str) -> int:
    """A duration in whole hours, from days (``35d``) or hours (``12h``)."""
    if not re.fullmatch(DURATION, text):
        raise Misread("not a duration", "write days as 35d or hours as 12h")
    return int(text[:-1]) * (24 if text.endswith("d") else 1)


def parse_vlan(text: str) -> int:
    """A VLAN ID, 1 to 4094."""
    valid = f"VLAN IDs are numbers from 1 to {MAX_VLAN}"
    vlan = _number(text, MAX_VLAN, valid)
    if vlan == 0:
        raise Misread("number out of range", valid)
    return vlan
