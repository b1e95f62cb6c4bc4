"""``security zones``: which interfaces are in which, and what they let in for the device itself.

Source: Juniper, Security Zones (Interfaces for Security Devices, Junos 21): what an interface says about
host-inbound-traffic replaces what its zone says; what is not listed is dropped; an interface in no zone
passes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from segaudit.model.acl import (
    Ace,
    Acl,
    AddressIn,
    AllOf,
    AnyOf,
    AnyPacket,
    Direction,
    End,
    Field,
    FieldIn,
    Forwarding,
    InterfaceIn,
    Matches,
    Not,
    StateIn,
)
from segaudit.model.device import Interface
from segaudit.model.flow import ConnectionState
from segaudit.parse.word_tree import Node
from segaudit.vendors.juniper_junos.reading import Reading
from segaudit.vendors.juniper_junos.records import Zone

_REROUTING = frozenset(("enable-reverse-reroute", "advance-policy-based-routing-profile"))
HOST = "host-inbound-traffic"
KNOWN = StateIn(frozenset({ConnectionState.ESTABLISHED, ConnectionState.RELATED}))
_TCP, _UDP = 6, 17

_SERVICES: dict[str, tuple[tuple[int, int | None], ...]] = {
    "bootp": ((_UDP, 67), (_UDP, 68)),
    "dhcp": ((_UDP, 67), (_UDP, 68)),
    "dhcpv6": ((_UDP, 546), (_UDP, 547)),
    "dns": ((_UDP, 53), (_TCP, 53)),
    "finger": ((_TCP, 79),),
    "ftp": ((_TCP, 21),),
    "http": ((_TCP, 80),),
    "https": ((_TCP, 443),),
    "ident-reset": ((_TCP, 113),),
    "ike": ((_UDP, 500), (_UDP, 4500)),
    "lsping": ((_UDP, 3503),),
    "netconf": ((_TCP, 830),),
    "ntp": ((_UDP, 123),),
    "r2cp": ((_UDP, 28672),),
    "reverse-ssh": ((_TCP, 2901),),
    "reverse-telnet": ((_TCP, 2900),),
    "rlogin": ((_TCP, 513),),
    "rsh": ((_TCP, 514),),
    "sip": ((_UDP, 5060), (_TCP, 5060), (_UDP, 5061), (_TCP, 5061)),
    "snmp": ((_UDP, 161),),
    "snmp-trap": ((_UDP, 162),),
    "ssh": ((_TCP, 22),),
    "telnet": ((_TCP, 23),),
    "tftp": ((_UDP, 69),),
    "xnm-clear-text": ((_TCP, 3221),),
    "xnm-ssl": ((_TCP, 3220),),
    "bgp": ((_TCP, 179),),
    "ldp": ((_TCP, 646), (_UDP, 646)),
    "msdp": ((_TCP, 639),),
    "nhrp": ((54, None),),
    "ospf": ((89, None),),
    "ospf3": ((89, None),),
    "igmp": ((2, None),),
    "pim": ((103, None),),
    "rip": ((_UDP, 520),),
    "ripng": ((_UDP, 521),),
    "rsvp": ((46, None),),
    "vrrp": ((112, None),),
    "sap": ((_UDP, 9875),),
    "bfd": ((_UDP, 3784), (_UDP, 3785), (_UDP, 4784)),
    "dvmrp": ((2, None),),
    "pgm": ((113, None),),
}
"""Protocol and port of the services and protocols of host-inbound-traffic."""

_PING = AnyOf(
    (
        AllOf((FieldIn(Field.PROTOCOL, ((1, 1),)), FieldIn(Field.ICMP_TYPE, ((8, 8),)))),
        AllOf((FieldIn(Field.PROTOCOL, ((58, 58),)), FieldIn(Field.ICMP_TYPE, ((128, 128),)))),
    )
)
_DISCOVERY = AllOf((FieldIn(Field.PROTOCOL, ((58, 58),)), FieldIn(Field.ICMP_TYPE, ((133, 137),))))


def zones(reading: Reading) -> dict[str, Zone]:
    """Every security zone by name."""
    top = reading.root.get("security", "zones")
    reading.fact(top, top.get("security-zone") if top else None)
    for child in top or ():
        if child.word == "functional-zone":
            reading.facts(child)
    return {
        node.word: _zone(reading, node) for node in reading.root.under("security", "zones", "security-zone")
    }


def _zone(reading: Reading, node: Node) -> Zone:
    reading.fact(node, node.get("interfaces"))
    for child in node:
        if child.word in (
            "description",
            "screen",
            "tcp-rst",
            "application-tracking",
            "source-identity-log",
        ):
            reading.ignored(child, "passes nothing that would not pass without")
        elif child.word in _REROUTING:
            reading.unsupported(child, "may send packets where no route does", bounded=False)
        elif child.word == HOST:
            reading.facts(child)
    services: dict[str, tuple[Node, ...]] = {}
    for port in node.under("interfaces"):
        reading.fact(port)
        reading.facts(port.get(HOST))
        own = port.get(HOST) or node.get(HOST)
        services[_unit_name(port.word)] = (own,) if own is not None else ()
    return Zone(node.word, tuple(services), services)


def _unit_name(word: str) -> str:
    return word if "." in word or word == "all" else f"{word}.0"


# ---- what is for the device itself --------------------------------------------------------------


def host_inbound(reading: Reading, zones_: Mapping[str, Zone], interfaces: Mapping[str, Interface]) -> Acl:
    """What interfaces in zones let in for the device, also to the addresses of its other interfaces."""
    aces = [Ace(KNOWN, Forwarding.ACCEPT, text="packets of known sessions")]
    zoned = {name for zone in zones_.values() for name in zone.interfaces}
    units = sorted(name for name, one in interfaces.items() if one.addresses or one.forwarding)
    outside = () if "all" in zoned else tuple(name for name in units if name not in zoned)
    match = InterfaceIn(Direction.IN, outside)
    aces.append(Ace(match, Forwarding.ACCEPT, text="received by an interface in no zone"))
    aces.append(Ace(_DISCOVERY, Forwarding.ACCEPT, text="neighbour discovery"))
    for zone in zones_.values():
        for name, said in zone.services.items():
            for node in said:
                aces += _opened(reading, zone.name, name, node, interfaces)
    return Acl("host-inbound-traffic", tuple(aces), Forwarding.DROP)


def _opened(
    reading: Reading, zone: str, name: str, said: Node, interfaces: Mapping[str, Interface]
) -> Iterator[Ace]:
    place = _place(name, interfaces)
    for kind in ("system-services", "protocols"):
        nodes = said.under(kind)
        for node in nodes:
            if node.has("except"):
                continue
            match = _service(node.word, [other.word for other in nodes if other.has("except")])
            text = f"zone {zone} {HOST} {kind} {node.word}"
            yield Ace(AllOf((place, match)), Forwarding.ACCEPT, reading.span(node), text)


def _place(name: str, interfaces: Mapping[str, Interface]) -> Matches:
    """Received by the interface, or for one of its addresses."""
    if name == "all":
        return AnyPacket()
    found: list[Matches] = [InterfaceIn(Direction.IN, (name,))]
    one = interfaces.get(name)
    for address in one.addresses if one is not None else ():
        found.append(AddressIn(End.DESTINATION, address.family, ((address.address, address.address),)))
    return AnyOf(tuple(found))


def _service(name: str, excepted: Sequence[str]) -> Matches:
    """One service; ``all`` is all but the excepted ones. A name that is not known lets in everything."""
    if name in ("all", "any-service"):
        kept = [Not(_service(one, ())) for one in excepted if one in _SERVICES or one == "ping"]
        return AllOf(tuple(kept))
    if name == "ping":
        return _PING
    if name in ("router-discovery",):
        return AnyOf((FieldIn(Field.PROTOCOL, ((1, 1), (58, 58))),))
    if name == "traceroute":
        return AllOf(
            (FieldIn(Field.PROTOCOL, ((_UDP, _UDP),)), FieldIn(Field.DESTINATION_PORT, ((33434, 33534),)))
        )
    known = _SERVICES.get(name)
    if known is None:
        return AnyPacket()
    return AnyOf(tuple(_one(protocol, port) for protocol, port in known))


def _one(protocol: int, port: int | None) -> Matches:
    match = FieldIn(Field.PROTOCOL, ((protocol, protocol),))
    return match if port is None else AllOf((match, FieldIn(Field.DESTINATION_PORT, ((port, port),))))
