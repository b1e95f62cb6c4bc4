"""Named addresses and services, resolved to what they certainly hold and what they may hold besides.

Source: PAN-OS Web Interface Help 10.1, "Objects > Addresses", "Objects > Address Groups", "Objects >
Services".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface

from segaudit.model.acl import Range
from segaudit.model.flow import Family, Protocol
from segaudit.vendors.paloalto_panos.records import ANY
from segaudit.vendors.paloalto_panos.tree import Node

_RANGE = re.compile(r"([0-9a-fA-F.:]+)-([0-9a-fA-F.:]+)")
_LITERAL = re.compile(r"[0-9a-fA-F.:]+(?:/[0-9.]+|-[0-9a-fA-F.:]+)?")
_DEEPEST = 64

_PREDEFINED_SERVICES = {"service-http": "80,8080", "service-https": "443"}
"""Source: PAN-OS Web Interface Help 10.1, "Policies > Security", Service/URL Category."""

_PREDEFINED_LISTS = "panw-"
"""Source: PAN-OS Administrator's Guide 10.1, "Built-in External Dynamic Lists"."""

_OF_GROUPS = frozenset({"static", "members", "description", "tag", "disable-override"})
"""All that is known to stand in a group."""

APPLICATION_DEFAULT = "application-default"

_PORT_PROTOCOLS = {"tcp": int(Protocol.TCP), "udp": int(Protocol.UDP), "sctp": int(Protocol.SCTP)}

_BY_PROTOCOL = {"icmp": (1,), "ping": (1, 58), "ipv6-icmp": (58,), "icmp6": (58,)}
"""Applications that are an IP protocol themselves, so that application-default admits no other."""


@dataclass(slots=True)
class AddressSet:
    """Addresses that are certainly meant, and why there may be more."""

    ranges: dict[Family, list[Range]] = field(default_factory=dict)
    masked: list[tuple[Family, int, int]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def add(self, other: AddressSet) -> None:
        """All of ``other`` too."""
        for family, ranges in other.ranges.items():
            self.ranges.setdefault(family, []).extend(ranges)
        self.masked += other.masked
        self.unknown += other.unknown

    def settled(self) -> AddressSet:
        """The same, each part once: groups of groups would repeat theirs without end."""
        ranges = {family: list(joined(many)) for family, many in self.ranges.items()}
        return AddressSet(ranges, sorted(set(self.masked)), sorted(set(self.unknown)))


def joined(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """``ranges`` in order, overlapping and adjacent ones as one."""
    out: list[Range] = []
    for first, last in sorted(ranges):
        if out and first <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return tuple(out)


@dataclass(frozen=True, slots=True)
class PortService:
    """One protocol with its ports; empty ``sources`` or ``destinations``: all."""

    protocol: int
    destinations: tuple[Range, ...] = ()
    sources: tuple[Range, ...] = ()


@dataclass(slots=True)
class ServiceSet:
    """Services that are certainly meant, and why there may be more."""

    any: bool = False
    services: list[PortService] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def add(self, other: ServiceSet) -> None:
        """All of ``other`` too."""
        self.any = self.any or other.any
        self.services += other.services
        self.unknown += other.unknown

    def settled(self) -> ServiceSet:
        """The same, each part once."""
        return ServiceSet(self.any, [*dict.fromkeys(self.services)], sorted(set(self.unknown)))


def literal_addresses(text: str) -> AddressSet | None:
    """``10.1.1.0/24``, ``10.1.1.1`` or ``10.1.1.1-10.1.1.9``; ``None``: a name."""
    if not _LITERAL.fullmatch(text):
        return None
    found = _RANGE.fullmatch(text)
    try:
        if found:
            first, last = ip_address(found[1]), ip_address(found[2])
            if first.version != last.version or int(first) > int(last):
                return None
            return AddressSet({Family(first.version): [(int(first), int(last))]})
        network = ip_interface(text).network
    except ValueError:
        return None
    ends = int(network.network_address), int(network.broadcast_address)
    return AddressSet({Family(network.version): [ends]})


def parse_ports(text: str) -> tuple[Range, ...] | None:
    """``80,8080,1000-2000`` as ranges; ``None`` where a part is no port."""
    ranges = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            return None
        ends = int(first), int(last or first)
        if not 0 <= ends[0] <= ends[1] <= 0xFFFF:
            return None
        ranges.append(ends)
    return tuple(ranges)


class Objects:
    """The objects that the rules of one vsys see: its own, then pushed ones, then shared ones.

    Args:
        scopes: the nodes that hold ``address``, ``service`` ..., the nearest first.
    """

    def __init__(self, scopes: Sequence[Node]) -> None:
        self._scopes = scopes
        self._addresses: dict[str, AddressSet] = {}
        self._services: dict[str, ServiceSet] = {}
        self.undefined: set[str] = set()

    # -- addresses -------------------------------------------------------------------------------

    def addresses(self, members: Iterable[str]) -> AddressSet:
        """All that ``members`` may be."""
        found = AddressSet()
        for name in members:
            found.add(self._address(name, 0))
        return found

    def single(self, name: str) -> tuple[Family, int, int] | None:
        """The one range that ``name`` is; ``None`` where it is none, several, or not fixed."""
        found = self.addresses([name])
        ranges = [(family, *ends) for family, many in found.ranges.items() for ends in many]
        return ranges[0] if len(ranges) == 1 and not found.unknown and not found.masked else None

    def interface_address(self, text: str) -> str:
        """``text`` as address with prefix length: itself, or what the object of that name says."""
        _, node = self._find(text, "address")
        return (node.word("ip-netmask") if node is not None else "") or text

    def _address(self, name: str, depth: int) -> AddressSet:
        if name not in self._addresses:
            if depth > _DEEPEST:
                return AddressSet(unknown=[f"{name}: groups within groups without end"])
            self._addresses[name] = AddressSet(unknown=[f"{name}: a group that holds itself"])
            self._addresses[name] = self._resolved(name, depth)
        return self._addresses[name]

    def _resolved(self, name: str, depth: int) -> AddressSet:
        kind, node = self._find(name, "address", "address-group")
        if node is not None:
            return self._of_object(name, node) if kind == "address" else self._of_group(name, node, depth)
        literal = literal_addresses(name)
        if literal is not None:
            return literal
        if name == ANY:
            return AddressSet(unknown=[ANY])
        if self._find(name, "external-list")[1] is not None:
            return AddressSet(unknown=[f"{name}: an external dynamic list"])
        if name.startswith(_PREDEFINED_LISTS):
            return AddressSet(unknown=[f"{name}: a list that comes with content updates"])
        if self._find(name, "region")[1] is not None:
            return AddressSet(unknown=[f"{name}: a region"])
        self.undefined.add(name)
        return AddressSet(unknown=[f"{name}: not defined here"])

    def _of_object(self, name: str, node: Node) -> AddressSet:
        text = node.word("ip-netmask") or node.word("ip-range")
        if text:
            literal = literal_addresses(text)
            return literal or AddressSet(unknown=[f"{name}: {text}"])
        wildcard = node.word("ip-wildcard")
        if wildcard:
            return _wildcard(wildcard) or AddressSet(unknown=[f"{name}: {wildcard}"])
        fqdn = node.word("fqdn")
        return AddressSet(unknown=[f"{name}: the addresses of {fqdn}" if fqdn else f"{name}: no address"])

    def _of_group(self, name: str, group: Node, depth: int) -> AddressSet:
        found = AddressSet()
        for member in group.words("static"):
            found.add(self._address(member, depth + 1))
        if group.holds("dynamic"):
            group.word("dynamic", "filter")
            found.unknown.append(f"{name}: a dynamic group, by tags")
        elif not group.words("static") or set(group.children) - _OF_GROUPS:
            found.unknown.append(f"{name}: members that are not read")
        return found.settled()

    # -- services --------------------------------------------------------------------------------

    def services(self, members: Iterable[str], applications: Iterable[str] = (ANY,)) -> ServiceSet:
        """All that ``members`` may be, for a rule with ``applications``."""
        found = ServiceSet()
        for name in members:
            if name == ANY:
                found.any = True
            elif name == APPLICATION_DEFAULT:
                found.add(_application_ports(tuple(applications)))
            else:
                found.add(self._service(name, 0))
        return found

    def _service(self, name: str, depth: int) -> ServiceSet:
        if name not in self._services:
            if depth > _DEEPEST:
                return ServiceSet(unknown=[f"{name}: groups within groups without end"])
            self._services[name] = ServiceSet(unknown=[f"{name}: a group that holds itself"])
            self._services[name] = self._resolved_service(name, depth)
        return self._services[name]

    def _resolved_service(self, name: str, depth: int) -> ServiceSet:
        kind, node = self._find(name, "service", "service-group")
        if node is not None and kind == "service":
            return _service(name, node)
        if node is not None:
            found = ServiceSet()
            members = node.words("members")
            for member in members:
                found.add(self._service(member, depth + 1))
            if not members or set(node.children) - _OF_GROUPS:
                found.unknown.append(f"{name}: members that are not read")
            return found.settled()
        if name in _PREDEFINED_SERVICES:
            ports = parse_ports(_PREDEFINED_SERVICES[name])
            return ServiceSet(services=[PortService(int(Protocol.TCP), ports or ())])
        self.undefined.add(name)
        return ServiceSet(unknown=[f"{name}: not defined here"])

    def _find(self, name: str, *kinds: str) -> tuple[str, Node | None]:
        """The object called ``name`` of the nearest scope, and of which kind it is."""
        for scope in self._scopes:
            for kind in kinds:
                node = scope.get(kind, name)
                if node is not None:
                    return kind, node
        return "", None


def _wildcard(text: str) -> AddressSet | None:
    """``10.20.1.0/0.0.248.255``: bits that are 1 in the second part may be anything."""
    address, _, wild = text.partition("/")
    try:
        value, free = ip_address(address), ip_address(wild)
    except ValueError:
        return None
    if value.version != 4 or free.version != 4:
        return None
    mask = ~int(free) & 0xFFFFFFFF
    return AddressSet(masked=[(Family.IPV4, int(value) & mask, mask)])


def _service(name: str, node: Node) -> ServiceSet:
    found = ServiceSet()
    for protocol in node.each("protocol"):
        number = _PORT_PROTOCOLS.get(protocol.name)
        ports = _given_ports(protocol, "port")
        sources = _given_ports(protocol, "source-port")
        strange = set(protocol.children) - {"port", "source-port", "override"}
        if number is None or ports is None or sources is None or strange:
            found.unknown.append(f"{name}: a port or protocol that cannot be read")
        else:
            found.services.append(PortService(number, ports, sources))
    if not found.services and not found.unknown:
        found.unknown.append(f"{name}: no protocol")
    return found


def _given_ports(node: Node, key: str) -> tuple[Range, ...] | None:
    """The ports of one key; empty where it is not given."""
    if not node.holds(key):
        return ()
    return parse_ports(",".join(node.words(key)))


def _application_ports(applications: tuple[str, ...]) -> ServiceSet:
    """What application-default admits for certain not: other protocols than those of the applications."""
    numbers = [_BY_PROTOCOL.get(name) for name in applications]
    if not applications or not all(numbers):
        return ServiceSet(unknown=["application-default: ports are those of the application"])
    kinds = sorted({number for some in numbers for number in some or ()})
    return ServiceSet(services=[PortService(number) for number in kinds])
