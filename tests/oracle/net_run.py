"""A network plan in namespaces: packets put in at its stubs, everything that leaves a port recorded."""

from __future__ import annotations

import os
import select
import socket
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

from oracle.box import Box, collected, is_probe
from oracle.frames import packets, read
from oracle.net_plan import NetworkPlan, Port, wire_address
from oracle.netns import inside, namespaces, packet_socket, run
from oracle.words import HOSTS

from segaudit.model.flow import Family, Flow
from segaudit.model.snapshot import Snapshot
from segaudit.model.topology import Link, TerminationPoint
from segaudit.parse import parse_device

_NUMBERS = count()
_KINDS = {Family.IPV4: b"\x08\x00", Family.IPV6: b"\x86\xdd"}
_SETTLE_SECONDS = 0.02
_BURST = 20
"""A looping packet is seen 64 times, so fewer are in flight than in a box."""
_MOST_AT_ONCE, _MOST_DRAINS = 10_000, 200
"""Frames taken from one port in a go, and goes, until it is said that packets never end."""


@dataclass(frozen=True, slots=True)
class Passing:
    """A numbered packet that left a router by a port."""

    port: Port
    flow: Flow


@dataclass(slots=True)
class RunningNetwork:
    """The namespaces of a plan, its stubs' far ends and a listener per port."""

    plan: NetworkPlan
    names: dict[int, str]
    ends: dict[int, socket.socket]
    listeners: dict[Port, socket.socket]
    used: int = 1

    def load(self) -> Snapshot:
        """Load every router's lines; the network as its routers' own tools then print it.

        A router with a line that is not modelled gets no filters: the engine would only say that it may
        do anything.
        """
        devices = {}
        for router, name in self.names.items():
            made = Box(name, {})
            made.load(self.plan.lines[router])
            device = parse_device(collected(name, f"r{router}"))
            if any(not line.bounded for line in device.lines) or device.unknown_translation:
                made.load([line for line in self.plan.lines[router] if line.program in ("ip", "sysctl")])
                device = parse_device(collected(name, f"r{router}"))
            devices[f"r{router}"] = device
        return Snapshot(devices, (), self._links())

    def _links(self) -> tuple[Link, ...]:
        links = []
        for wire in self.plan.wires:
            points = tuple(
                sorted(TerminationPoint(port.device, port.interface) for port in self.plan.on(wire))
            )
            links.append(Link(points, "topology", True))
        return tuple(links)

    def send(self, sent: Sequence[tuple[int, Flow]]) -> dict[int, list[Passing]]:
        """Put packets in at stubs; where each left a router, by its position."""
        first = self.used
        found: dict[int, list[Passing]] = defaultdict(list)
        self.used += len(sent)
        for position, (wire, flow) in enumerate(sent):
            port = self.plan.on(wire)[0]
            for part in packets(flow, first + position):
                self.ends[wire].send(
                    _mac(port.wire, port.router) + _mac(wire, 99) + _KINDS[flow.family] + part
                )
            if position % _BURST == _BURST - 1:
                self._drain(first, sent, found)
        for _ in range(_MOST_DRAINS):
            if not self._drain(first, sent, found):
                return dict(found)
        raise AssertionError("packets still go round: this network's packets never end")

    def _drain(self, first: int, sent: Sequence[tuple[int, Flow]], found: dict[int, list[Passing]]) -> bool:
        ready, _, _ = select.select(list(self.listeners.values()), [], [], _SETTLE_SECONDS)
        for port, listener in self.listeners.items():
            if listener not in ready:
                continue
            for frame in _outgoing(listener):
                seen = read(frame)
                position = seen.number - first if seen else -1
                if seen and 0 <= position < len(sent) and is_probe(seen.flow, sent[position][1]):
                    found[position].append(Passing(port, seen.flow))
        return bool(ready)


def _outgoing(listener: socket.socket) -> Iterator[bytes]:
    for _ in range(_MOST_AT_ONCE):
        try:
            data, place = listener.recvfrom(4096)
        except BlockingIOError:
            return
        if place[2] == socket.PACKET_OUTGOING:
            yield data


def _mac(wire: int, host: int) -> bytes:
    return bytes((2, 0, 0, 1, wire, host))


@contextmanager
def running(plan: NetworkPlan) -> Iterator[RunningNetwork]:
    """The network, up; everything is gone afterwards."""
    stem = f"sgn{os.getpid()}x{next(_NUMBERS)}"
    names = {router: f"{stem}r{router}" for router in range(1, plan.routers + 1)}
    switch = f"{stem}s"
    with namespaces([*names.values(), switch]):
        _wire(plan, names, switch)
        ends = {wire: packet_socket(switch, f"e{wire}") for wire in plan.stubs}
        listeners = {port: packet_socket(names[port.router], port.interface) for port in plan.ports}
        try:
            yield RunningNetwork(plan, names, ends, listeners)
        finally:
            for each in (*ends.values(), *listeners.values()):
                each.close()


def _wire(plan: NetworkPlan, names: dict[int, str], switch: str) -> None:
    """Every port has a cable into the switch namespace, where a bridge joins those of a wire."""
    inside(
        switch, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"
    )
    for name in names.values():
        inside(
            name, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
            "net.ipv6.conf.default.accept_dad=0", "net.ipv4.conf.all.rp_filter=0",
            "net.ipv4.conf.default.rp_filter=0", "net.ipv4.conf.all.send_redirects=0",
            "net.ipv4.conf.default.send_redirects=0", "net.ipv4.icmp_ratelimit=0",
            "net.ipv4.conf.all.accept_redirects=0", "net.ipv4.conf.default.accept_redirects=0",
            "net.ipv6.conf.default.accept_redirects=0",
        )  # fmt: skip
    cables = []
    for port in plan.ports:
        far = f"w{port.wire}r{port.router}"
        peer = f"e{port.wire}" if port.wire in plan.stubs else far
        cables.append(
            f"link add {peer} type veth peer name {port.interface} address {_mac(port.wire, port.router).hex(':')} "  # noqa: E501
            f"netns {names[port.router]}"
        )
        cables.append(f"link set {peer} up")
    for wire in plan.wires:
        if wire not in plan.stubs:
            cables.append(f"link add b{wire} type bridge")
            cables.append(f"link set b{wire} up")
            cables += [f"link set w{wire}r{port.router} master b{wire}" for port in plan.on(wire)]
    run("ip", "-n", switch, "-batch", "-", text="\n".join(cables) + "\n")
    for router, name in names.items():
        run("ip", "-n", name, "-batch", "-", text="\n".join(_addresses(plan, router)) + "\n")


def _addresses(plan: NetworkPlan, router: int) -> list[str]:
    lines = ["link set lo up"]
    for port in plan.of(router):
        lines.append(f"link set {port.interface} up")
        for family, length in ((Family.IPV4, "24 brd +"), (Family.IPV6, "64")):
            nodad = " nodad" if family is Family.IPV6 else ""
            own = wire_address(family, port.wire, router)
            lines.append(f"address add {own}/{length} dev {port.interface}{nodad}")
            others = {other.router for other in plan.on(port.wire)} - {router}
            for host in (*others, *(host for host in HOSTS if host > 8)):
                mac = _mac(port.wire, host).hex(":")
                lines.append(
                    f"neigh replace {wire_address(family, port.wire, host)} lladdr {mac} "
                    f"dev {port.interface} nud permanent"
                )
    return lines
