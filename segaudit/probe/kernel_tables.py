"""Interfaces, routes and neighbours of this network namespace, asked of the kernel directly.

rtnetlink (RFC 3549; Linux ``rtnetlink(7)``) needs no right and no ``ip`` program, and unlike
``/sys/class/net`` it speaks of the namespace the process is in.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from segaudit.model.flow import Family

_NEWLINK, _GETLINK = 16, 18
_NEWADDR, _GETADDR = 20, 22
_NEWROUTE, _GETROUTE = 24, 26
_NEWNEIGH, _GETNEIGH = 28, 30
_ERROR, _DONE = 2, 3
_REQUEST, _DUMP = 0x1, 0x300

_IFF_UP, _IFF_LOWER_UP, _IFF_NOARP = 0x1, 0x10000, 0x80
_UNICAST, _LOCAL_TABLE, _MAIN_TABLE = 1, 255, 254
_NUD_REACHABLE, _NUD_PERMANENT = 0x02, 0x80
_ETHERNET = 1

_ADDRESS_FAMILIES = {Family.IPV4: int(socket.AF_INET), Family.IPV6: int(socket.AF_INET6)}
_FAMILIES = {value: family for family, value in _ADDRESS_FAMILIES.items()}
_TIMEOUT_SECONDS = 2.0

Attributes = dict[int, bytes]


@dataclass(frozen=True, slots=True)
class LinkState:
    """One interface. ``usable`` is administratively up with carrier; ``ethernet`` has MAC addresses."""

    index: int
    name: str
    mac: bytes
    usable: bool
    ethernet: bool
    resolves: bool
    """False for interfaces without ARP and neighbour discovery (loopback, point-to-point)."""


@dataclass(frozen=True, slots=True)
class AssignedAddress:
    """An address of an interface."""

    index: int
    family: Family
    address: int
    prefix_length: int


@dataclass(frozen=True, slots=True)
class NextHopAddress:
    """The neighbour that a packet is handed to."""

    family: Family
    address: int


@dataclass(frozen=True, slots=True)
class _KernelRoute:
    prefix: int
    prefix_length: int
    table: int
    metric: int
    index: int
    gateway: NextHopAddress | None


def links() -> tuple[LinkState, ...]:
    """Every interface, by index."""
    found = [_link(body) for body in _dump(_GETLINK, _NEWLINK, bytes(16))]
    return tuple(sorted(found, key=lambda link: link.index))


def addresses() -> tuple[AssignedAddress, ...]:
    """Every assigned address."""
    found = [_assigned(body) for body in _dump(_GETADDR, _NEWADDR, bytes(8))]
    return tuple(address for address in found if address is not None)


def next_hop(family: Family, destination: int, index: int) -> NextHopAddress | None:
    """Who gets a packet to ``destination`` that leaves by interface ``index``.

    The kernel's own decision where it uses that interface, else the longest prefix of any table
    with a route out of it (a host with two uplinks can send out of either). ``None``: no such
    route. Asking the kernel with the interface given would not do: it then takes a destination
    without a route to be on the link.
    """
    chosen = _lookup(family, destination)
    if chosen is None or chosen.index != index:
        chosen = _best_route_out_of(family, destination, index)
    if chosen is None:
        return None
    return chosen.gateway or NextHopAddress(family, destination)


def fresh_neighbour(hop: NextHopAddress, index: int) -> bytes | None:
    """The link-layer address of ``hop`` that the kernel has just confirmed or was told for good."""
    head = struct.pack("=BBHiHBB", _ADDRESS_FAMILIES[hop.family], 0, 0, 0, 0, 0, 0)
    wanted = _packed(hop.family, hop.address)
    for body in _dump(_GETNEIGH, _NEWNEIGH, head):
        _, _, _, at, state, _, _ = struct.unpack_from("=BBHiHBB", body)
        attributes = _attributes(body[12:])
        if at == index and attributes.get(1) == wanted and state & (_NUD_REACHABLE | _NUD_PERMANENT):
            return attributes.get(2)
    return None


def _link(body: bytes) -> LinkState:
    _, _, kind, index, flags, _ = struct.unpack_from("=BBHiII", body)
    attributes = _attributes(body[16:])
    name = attributes.get(3, b"").rstrip(b"\0").decode()
    usable = bool(flags & _IFF_UP and flags & _IFF_LOWER_UP)
    return LinkState(index, name, attributes.get(1, b""), usable, kind == _ETHERNET, not flags & _IFF_NOARP)


def _assigned(body: bytes) -> AssignedAddress | None:
    number, prefix_length, _, _, index = struct.unpack_from("=BBBBI", body)
    family = _FAMILIES.get(number)
    attributes = _attributes(body[8:])
    # IFA_LOCAL is the own address; IFA_ADDRESS is the peer's on a point-to-point interface.
    raw = attributes.get(2) or attributes.get(1)
    if family is None or raw is None:
        return None
    return AssignedAddress(index, family, int.from_bytes(raw, "big"), prefix_length)


def _lookup(family: Family, destination: int) -> _KernelRoute | None:
    """The route that the kernel would take, ``None`` for none or one that is not unicast."""
    head = struct.pack("=BBBBBBBBI", _ADDRESS_FAMILIES[family], family.bits, 0, 0, 0, 0, 0, 0, 0)
    raw = _packed(family, destination)
    request = head + struct.pack("=HH", 4 + len(raw), 1) + raw
    for body in _ask(_GETROUTE, _NEWROUTE, request, 0):
        return next(_routes(body), None)
    return None


def _best_route_out_of(family: Family, destination: int, index: int) -> _KernelRoute | None:
    head = struct.pack("=BBBBBBBBI", _ADDRESS_FAMILIES[family], 0, 0, 0, 0, 0, 0, 0, 0)
    candidates = [
        route
        for body in _dump(_GETROUTE, _NEWROUTE, head)
        for route in _routes(body)
        if route.index == index and route.table != _LOCAL_TABLE and _covers(route, family, destination)
    ]
    return min(
        candidates,
        key=lambda route: (route.table != _MAIN_TABLE, -route.prefix_length, route.metric),
        default=None,
    )


def _covers(route: _KernelRoute, family: Family, address: int) -> bool:
    host_bits = family.bits - route.prefix_length
    return route.prefix >> host_bits == address >> host_bits


def _routes(body: bytes) -> Iterator[_KernelRoute]:
    """The unicast routes of one message: one per next hop."""
    number, prefix_length, _, _, table, _, _, kind, _ = struct.unpack_from("=BBBBBBBBI", body)
    family = _FAMILIES.get(number)
    if family is None or kind != _UNICAST:
        return
    attributes = _attributes(body[12:])
    prefix = int.from_bytes(attributes.get(1, bytes(family.bits // 8)), "big")
    table = _number(attributes.get(15)) or table
    metric = _number(attributes.get(6)) or 0
    for index, hop in _hops(attributes):
        yield _KernelRoute(prefix, prefix_length, table, metric, index, _gateway(hop, family))


def _hops(attributes: Attributes) -> Iterator[tuple[int, Attributes]]:
    if 4 in attributes:
        yield _number(attributes[4]) or 0, attributes
    several = attributes.get(9, b"")
    while len(several) >= 8:
        length, _, _, index = struct.unpack_from("=HBBi", several)
        yield index, _attributes(several[8:length])
        several = several[max(8, (length + 3) & ~3) :]


def _gateway(attributes: Attributes, family: Family) -> NextHopAddress | None:
    if 5 in attributes:
        return NextHopAddress(family, int.from_bytes(attributes[5], "big"))
    if 18 in attributes:
        # RTA_VIA: a next hop of another family (RFC 5549).
        via = _FAMILIES.get(struct.unpack_from("=H", attributes[18])[0])
        return NextHopAddress(via, int.from_bytes(attributes[18][2:], "big")) if via else None
    return None


def _packed(family: Family, address: int) -> bytes:
    return address.to_bytes(family.bits // 8, "big")


def _number(raw: bytes | None) -> int | None:
    return struct.unpack("=I", raw)[0] if raw is not None and len(raw) == 4 else None


def _attributes(data: bytes) -> Attributes:
    found: Attributes = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            break
        found[kind & 0x3FFF] = data[4:length]
        data = data[(length + 3) & ~3 :]
    return found


def _dump(request: int, answer: int, body: bytes) -> Iterator[bytes]:
    return _ask(request, answer, body, _DUMP)


def _ask(request: int, answer: int, body: bytes, flags: int) -> Iterator[bytes]:
    """The bodies of all ``answer`` messages; none where the kernel reports an error (no route)."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.settimeout(_TIMEOUT_SECONDS)
        netlink.sendto(
            struct.pack("=IHHII", 16 + len(body), request, _REQUEST | flags, 1, 0) + body, (0, 0)
        )
        ended = False
        while not ended:
            ended = True
            for kind, content in _messages(netlink.recv(1 << 20)):
                if kind == answer:
                    yield content
                ended = kind in (_ERROR, _DONE) or not flags


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        if length < 16:
            return
        yield kind, data[16:length]
        data = data[(length + 3) & ~3 :]
