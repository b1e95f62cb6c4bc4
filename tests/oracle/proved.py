"""Service matrices that Isabelle proved of iptables rulesets, beside what the engine says of the files.

Diekmann et al., "Verified iptables Firewall Analysis" (IFIP Networking 2016): for packets of one service
in one connection state, the pairs of address classes that may connect. What the proof does not model
(limits, flags, output interfaces) counts as true there, and so it does in the engine's *may*; input
interfaces other than ``lo``, which holds 127.0.0.0/8 and nothing else, may receive any source.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from builders.networks import device, interface, route

from segaudit.model.acl import AllOf, AnyOf, Forwarding, Hook, InterfaceIn, Matches, Not, Range
from segaudit.model.device import Device
from segaudit.model.flow import ConnectionState, Disposition, Family, Flow
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.packets import HeaderField, HeaderSpace, Universe
from segaudit.reach.compiled import CompiledDevice
from segaudit.reach.device_path import DevicePath, Level, RoutingMode
from segaudit.reach.interpret import Context, decisions
from segaudit.reach.stages import Stages
from segaudit.reach.walk import Connection, Walker, answer_to
from segaudit.vendors.linux.filters import read_filters

CORPORA = Path(os.environ.get("SEGAUDIT_CORPORA", Path(__file__).parents[3] / "shared" / "corpora"))
PROVED = CORPORA / "iptables_semantics"
LOOPBACK = ("lo", ((127 << 24, (128 << 24) - 1),))
NUMBERS = {"tcp": 6, "udp": 17}
FLAGS = {ConnectionState.NEW: 2, ConnectionState.ESTABLISHED: 16}

Pair = tuple[str, str]
Way = tuple[str, str]
"""Input and output interface."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A concrete packet of the service, and whether it may pass."""

    source: int
    destination: int
    passes: bool


@dataclass(frozen=True)
class Proof:
    """One matrix: a service and a state, classes of addresses, and who may connect to whom."""

    ruleset: Path
    state: ConnectionState
    protocol: int
    source_port: int
    destination_port: int
    classes: Mapping[str, tuple[Range, ...]]
    connected: frozenset[Pair]
    packets: tuple[Packet, ...]

    def flow(self, packet: Packet) -> Flow:
        """The packet with the flags that fit its state."""
        ends = (packet.source, packet.destination)
        ports = (self.source_port, self.destination_port)
        return Flow(Family.IPV4, self.protocol, *ends, *ports, tcp_flags=FLAGS[self.state])

    @cached_property
    def device(self) -> Device:
        """The ruleset in a router with every interface that it names, ``lo``, and one that it does not."""
        return router(self.ruleset)


def names() -> list[str]:
    """The matrices that there are, without ``.json``; none where the corpora are absent."""
    return [name for name in _files() if "classes" in _read(name)]


def certified() -> Iterator[tuple[Path, str, bool]]:
    """Per ruleset and interface: whether it was proved to let only the interface's own sources through."""
    for name in _files():
        for interface_name, certain in _read(name).get("certified", {}).items():
            yield _ruleset(name), interface_name, certain


def _files() -> list[str]:
    return [path.stem for path in sorted(PROVED.glob("*.json"))]


def _read(name: str) -> Any:
    return json.loads((PROVED / f"{name}.json").read_text())


def _ruleset(name: str) -> Path:
    return PROVED / "rulesets" / str(_read(name)["ruleset"]).split("Examples/")[1]


def read_proof(name: str) -> Proof:
    """A matrix and its packets."""
    told = _read(name)
    classes = {
        label: tuple((_number(first), _number(last)) for first, last in ranges)
        for label, ranges in told["classes"].items()
    }
    packets = tuple(
        Packet(_number(one["src"]), _number(one["dst"]), one["expect"] == "ACCEPT")
        for one in told["packets"]
    )
    return Proof(
        _ruleset(name),
        ConnectionState(told["state"].lower()),
        NUMBERS[told["proto"]],
        told["sport"],
        told["dport"],
        classes,
        frozenset((source, destination) for source, destination in told["accept_pairs"]),
        packets,
    )


def _number(text: str) -> int:
    return int(ip_address(text))


# -- the ruleset as a router ---------------------------------------------------------------------


def router(ruleset: Path, out: str = "") -> Device:
    """The rules, as the Linux reader understands them, in a router whose default route leads ``out``."""
    listing = RawFile("devices/r/iptables-save.txt", ruleset.read_text(), "")
    facts = read_filters(RawConfig("r", "linux", (listing,)))
    named = {name for acl in facts.acls.values() for ace in acl.aces for name in _interfaces(ace.matches)}
    return device(
        "r",
        *(interface(name) for name in sorted({*named, "lo", "elsewhere"})),
        routes=(route("0.0.0.0/0", out),) if out else (),
        acls=tuple(facts.acls.values()),
        attachments=facts.attachments,
        tracks=facts.tracks_connections,
        unknown_translation=facts.unknown_translation,
    )


def _interfaces(matches: Matches) -> Iterator[str]:
    match matches:
        case InterfaceIn(_, names):
            yield from (name.replace("*", "0") for name in names)
        case AllOf(of) | AnyOf(of):
            for part in of:
                yield from _interfaces(part)
        case Not(of):
            yield from _interfaces(of)


# -- what the engine says ------------------------------------------------------------------------


class Engine:
    """The filters of a proof's router as sets, and the router as a whole.

    Args:
        proof: the proof.
        device: a router in place of the proof's own.
    """

    def __init__(self, proof: Proof, device: Device | None = None) -> None:
        self.proof = proof
        self.universe = Universe(Family.IPV4, 1 << 20)
        self._device = device or proof.device
        self._compiled = CompiledDevice(self._device, self.universe)

    @cached_property
    def service(self) -> HeaderSpace:
        """Whole packets of the proof's service, with any flags, from and to anywhere."""
        proof, value = self.proof, self.universe.value
        return (
            value(HeaderField.PROTOCOL, proof.protocol)
            & value(HeaderField.SOURCE_PORT, proof.source_port)
            & value(HeaderField.DESTINATION_PORT, proof.destination_port)
            & value(HeaderField.FRAGMENT, 0)
        )

    def sent_into(self, name: str) -> HeaderSpace:
        """The service's packets that an interface may receive."""
        loopback, ranges = LOOPBACK
        if name != loopback:
            return self.service
        return self.service & self.universe.ranges(HeaderField.SOURCE, ranges)

    def accepted(self, level: Level) -> dict[Way, HeaderSpace]:
        """Per way what the FORWARD filters accept in the proof's state."""
        stages = Stages(self._compiled, level, RoutingMode.ANY)
        return {
            (incoming, outgoing): stages.passed(
                Hook.FORWARD, incoming, outgoing, self.proof.state, self.sent_into(incoming)
            )
            for incoming in self._device.interfaces
            for outgoing in self._device.interfaces
        }

    def path(self, level: Level) -> DevicePath:
        """The whole router, which may send anything out of any interface."""
        return DevicePath(self._device, self.universe, level, RoutingMode.ANY, self._compiled)

    def forwarded(self, level: Level) -> HeaderSpace:
        """What leaves the router by any way: all hooks, in all states that a packet can be in."""
        path = self.path(level)
        with_connections = self.proof.state is not ConnectionState.NEW
        passages = (
            path.passage(name, self.sent_into(name), with_connections) for name in self._device.interfaces
        )
        return self.universe.union(one.packets for passage in passages for one in passage.emissions)

    def connected(self, packets: HeaderSpace) -> frozenset[Pair]:
        """The pairs of the proof's classes between which some of ``packets`` go."""
        ends = {
            end: {label: self.universe.ranges(end, ranges) for label, ranges in self.proof.classes.items()}
            for end in (HeaderField.SOURCE, HeaderField.DESTINATION)
        }
        return frozenset(
            (source, destination)
            for source, from_there in ends[HeaderField.SOURCE].items()
            for destination, to_there in ends[HeaderField.DESTINATION].items()
            if not (packets & from_there & to_there).is_empty
        )


# -- what the second opinion says ----------------------------------------------------------------


def interpreted(proof: Proof, packet: Packet) -> Iterator[Way]:
    """The ways on which the rules, read one by one, may let a packet pass."""
    flow = proof.flow(packet)
    filters = [one for one in proof.device.attachments if one.hook is Hook.FORWARD]
    for incoming in _receiving(proof, packet):
        for outgoing in proof.device.interfaces:
            context = Context(incoming, outgoing, proof.state)
            found = (decisions(proof.device, one.acl, flow, context) for one in filters)
            if all(any(each.verdict is Forwarding.ACCEPT for each in one) for one in found):
                yield incoming, outgoing


def _receiving(proof: Proof, packet: Packet) -> list[str]:
    loopback, ((first, last),) = LOOPBACK
    return [name for name in proof.device.interfaces if name != loopback or first <= packet.source <= last]


def walked(proof: Proof, packet: Packet, way: Way) -> bool:
    """True where a walk through the router by that way may get the packet out."""
    incoming, outgoing = way
    flow, box = proof.flow(packet), router(proof.ruleset, outgoing)
    known = {}
    if proof.state is ConnectionState.ESTABLISHED:
        asked = answer_to(flow)
        known = {"r": Connection(asked, asked)}
    walks = Walker({"r": box}, {}, known).walk(flow, "r", incoming)
    return any(one.trace.disposition is not Disposition.DROPPED for one in walks)
