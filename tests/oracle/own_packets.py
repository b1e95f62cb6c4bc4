"""Packets to the router itself, as far as INPUT lets them in, and packets of its own, through OUTPUT.

What INPUT accepts is seen by raw sockets in the router (Linux net/ipv4/raw.c ``raw_local_deliver``). What
the router makes is written whole, header and all; the kernel routes it by its destination alone, so this is
compared only where no routing rule asks for more.
"""

from __future__ import annotations

import random
import select
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from ipaddress import ip_address

from oracle.box import Arrival, Box
from oracle.box_model import BoxModel
from oracle.exchange import Exchange, Mismatch, Tally
from oracle.frames import MAGIC, packets
from oracle.netns import socket_in
from oracle.words import Sending, near

from segaudit.model.flow import Family, Flow
from segaudit.packets import HeaderSpace
from segaudit.reach.device_path import Level

TO_ITSELF, FROM_ITSELF = "to-itself", "from-itself"
"""Kinds of ``Exchange.follow_up``: what is compared is not what is forwarded."""

_PROTOCOLS = {Family.IPV4: (1, 6, 17, 47, 89, 132, 253), Family.IPV6: (6, 17, 47, 58, 89, 132, 253)}
_DOMAINS = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}
_SETTLE_SECONDS = 0.02
_BURST = 100


def own(dice: random.Random, sent: Sequence[Sending], kind: str) -> list[Sending]:
    """The same packets with one of the router's addresses as destination, or as source."""
    made = []
    for one in sent:
        mine = int(ip_address(near(one.flow.family, dice.randrange(4), 1)))
        if one.flow.fragment or _answered_by_kernel(one.flow):
            continue
        to_itself = kind == TO_ITSELF
        flow = replace(one.flow, destination=mine) if to_itself else replace(one.flow, source=mine)
        made.append(replace(one, flow=flow))
    return made


def _answered_by_kernel(flow: Flow) -> bool:
    """Neighbour discovery and errors, which the kernel acts upon before a raw socket sees them."""
    return (flow.protocol == 58 and flow.icmp_type != 128) or (flow.protocol == 1 and flow.icmp_type != 8)


def compare_own(
    box: Box, model: BoxModel, sent: Sequence[Sending], kind: str
) -> tuple[list[Mismatch], Tally]:
    """Kernel against model for packets to or from the router itself."""
    if kind == TO_ITSELF:
        return _compare_received(box, model, sent)
    plain = all(rule.table in ("local", "main", "default") for rule in model.device.rules)
    return _compare_made(box, model, sent) if plain else ([], Tally())


# -- received -------------------------------------------------------------------------------------


def _compare_received(box: Box, model: BoxModel, sent: Sequence[Sending]) -> tuple[list[Mismatch], Tally]:
    found, tally = [], Tally(packets=len(sent))
    came = _received(box, sent)
    for number, one in enumerate(sent):
        may, must = (_delivered(model, level, one) for level in (Level.MAY, Level.MUST))
        probe = Exchange(one, TO_ITSELF)
        tally.arrived += number in came
        tally.open_between += may and not must
        if number in came and not may:
            found.append(Mismatch("passed", probe, "accepted by the router itself"))
        if must and number not in came and not _received(box, [one]):
            found.append(Mismatch("lost", probe, "the router itself must accept it"))
    return found, tally


def _delivered(model: BoxModel, level: Level, one: Sending) -> bool:
    path = model.path(one.flow.family, level)
    return not path.passage(one.interface, model.packets.of(one.flow), False).delivered.is_empty


def _received(box: Box, sent: Sequence[Sending]) -> set[int]:
    """The positions of the packets that the router's own raw sockets were given."""
    first = box.numbers(len(sent))
    seen: set[int] = set()
    with _listening(box) as listeners:
        for start in range(0, len(sent), _BURST):
            part = list(enumerate(sent[start : start + _BURST], start=first + start))
            box.send_ready(
                (number, one.interface, data, one.flow)
                for number, one in part
                for data in packets(one.flow, number)
            )
            while ready := select.select(listeners, [], [], _SETTLE_SECONDS)[0]:
                seen.update(number for each in ready for number in _numbers(each))
    return {number - first for number in seen if first <= number < first + len(sent)}


@contextmanager
def _listening(box: Box) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        opened = []
        for family, protocols in _PROTOCOLS.items():
            for protocol in protocols:
                made = socket_in(box.router, _DOMAINS[family], socket.SOCK_RAW, protocol)
                opened.append(stack.enter_context(made))
        yield opened


def _numbers(each: socket.socket) -> Iterator[int]:
    while True:
        try:
            data = each.recv(4096)
        except BlockingIOError:
            return
        if data[-8:-4] == MAGIC and not _is_error(each.proto, data):
            yield int.from_bytes(data[-4:], "big")


def _is_error(protocol: int, data: bytes) -> bool:
    """True for an ICMP error, which quotes the probe: a REJECT answers the router's own addresses too.

    A raw socket of IPv4 is given the header as well (raw(7)).
    """
    if protocol == socket.IPPROTO_ICMP:
        return data[(data[0] & 0xF) * 4] != 8
    return protocol == socket.IPPROTO_ICMPV6 and data[0] != 128


# -- made -----------------------------------------------------------------------------------------


def _compare_made(box: Box, model: BoxModel, sent: Sequence[Sending]) -> tuple[list[Mismatch], Tally]:
    found, tally = [], Tally(packets=len(sent))
    came = _made(box, sent)
    for number, one in enumerate(sent):
        probe, flow = Exchange(one, FROM_ITSELF), one.flow
        may, must = (_leaving(model, level, flow) for level in (Level.MAY, Level.MUST))
        arrivals = came.get(number, [])
        tally.arrived += bool(arrivals)
        tally.open_between += bool(may) and not must
        for arrival in arrivals:
            space = may.get(arrival.interface)
            if space is None or (model.packets.of(arrival.flow) & space).is_empty:
                found.append(Mismatch("passed", probe, f"made, out of {arrival.interface}: {arrival.flow}"))
        several = any(len(route.next_hops) > 1 for route in model.device.routes)
        if must and not several and not arrivals and not _made(box, [one]):
            found.append(Mismatch("lost", probe, f"made, must leave by {sorted(must)}"))
    return found, tally


def _leaving(model: BoxModel, level: Level, flow: Flow) -> dict[str, HeaderSpace]:
    path = model.path(flow.family, level)
    made = path.entering(model.packets.of(flow))
    found: dict[str, HeaderSpace] = {}
    for one in path.exits(None, False):
        packets = one.way.of(made)
        if one.interface is not None and not packets.is_empty:
            found[one.interface] = found[one.interface] | packets if one.interface in found else packets
    return found


def _made(box: Box, sent: Sequence[Sending]) -> dict[int, list[Arrival]]:
    """What came out of the router of packets that it made."""
    first = box.numbers(len(sent))
    with ExitStack() as stack:
        writers = {
            family: stack.enter_context(
                socket_in(box.router, _DOMAINS[family], socket.SOCK_RAW, socket.IPPROTO_RAW)
            )
            for family in Family
        }
        for number, one in enumerate(sent, start=first):
            for data in packets(one.flow, number):
                _write(writers[one.flow.family], data, str(one.flow.destination_address))
            if number % _BURST == 0:
                time.sleep(_SETTLE_SECONDS)
    return {
        number - first: came
        for number, came in box.listen({first + n: one.flow for n, one in enumerate(sent)}).items()
    }


def _write(writer: socket.socket, data: bytes, destination: str) -> None:
    """Send; what the kernel refuses (no route, dropped by OUTPUT) has not left."""
    try:
        writer.sendto(data, (destination, 0))
    except OSError:
        return
