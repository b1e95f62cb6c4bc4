"""Labs that netlab rendered for many network operating systems, as snapshots, and what must ping what.

One lab means the same whatever system routes in it: ``expected_pings`` are netlab's integration tests,
which are run against the real systems. End devices (Linux hosts, and routers of one link whose system we
do not read) stand in as hosts with the addresses and the gateway that the lab gives them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from builders.networks import device, interface, link, route
from oracle.proved import CORPORA

from segaudit.judge.prover import Prover, Reading
from segaudit.judge.share import Case
from segaudit.judge.single_path import single_path
from segaudit.model.device import Device
from segaudit.model.flow import Disposition, Family, Flow
from segaudit.model.snapshot import CollectionFailure, RawConfig, RawFile, Snapshot
from segaudit.model.source import LineFate
from segaudit.model.topology import Link
from segaudit.packets import HeaderSpace
from segaudit.parse import parse_device
from segaudit.policy import locate, parse_policy

NETLAB = CORPORA / "netlab_generated"
PLATFORMS = {
    "eos": "arista_eos",
    "ioll2": "cisco_ios",
    "iosv": "cisco_ios",
    "nxos": "cisco_nxos",
    "vmx": "juniper_junos",
}
"""netlab's word for the systems that we read."""

_ENDED = ("eos", "ioll2", "iosv")
"""Systems whose whole configuration ends with ``end``, which netlab's parts leave out or repeat."""

_FIRST = ("normalize", "initial")
_ROOM = 1 << 20


@dataclass(frozen=True, slots=True)
class Ping:
    """Whether ``source`` reaches ``destination``, both end devices of the lab."""

    source: str
    destination: str
    family: Family
    expected: bool


@dataclass(frozen=True)
class Lab:
    """One lab rendered for one operating system.

    ``unread`` are its routers that no vendor of ours claims, or whose files could not be read.
    """

    name: str
    system: str
    snapshot: Snapshot
    pings: tuple[Ping, ...]
    unread: tuple[str, ...]

    @cached_property
    def prover(self) -> Prover:
        """The engine on the lab."""
        return self.case.prover(_ROOM)

    def may(self, ping: Ping) -> bool:
        """Whether the echo request and the answer to it may arrive, by the all-packets engine."""
        there = self._reached(ping.source, ping.destination, ping.family)
        back = self._reached(ping.destination, ping.source, ping.family)
        return any(
            not (there & there.universe.flow(request)).is_empty
            and not (back & back.universe.flow(answer)).is_empty
            for request, answer in self._flows(ping)
        )

    def certain(self, ping: Ping) -> bool:
        """Whether a walk delivers the echo request to its destination and rests on nothing unknown."""
        targets = {str(ping.family.address(request.destination)) for request, _ in self._flows(ping)}
        return any(
            trace.certain
            and trace.disposition is Disposition.DELIVERED
            and trace.steps[-1].device == ping.destination
            for target in sorted(targets)
            for trace in single_path(self.snapshot, ping.source, target, "icmp")
        )

    def _reached(self, source: str, destination: str, family: Family) -> HeaderSpace:
        reached = self.prover.reached(family, source, Reading.STRICT)
        return self.prover.arrived(reached, destination, Reading.STRICT)

    def _flows(self, ping: Ping) -> Iterator[tuple[Flow, Flow]]:
        """Echo request and answer, between any two addresses of the ends."""
        protocol, request, answer = (1, 8, 0) if ping.family is Family.IPV4 else (58, 128, 129)
        for source in self._addresses(ping.source, ping):
            for destination in self._addresses(ping.destination, ping):
                yield (
                    Flow(ping.family, protocol, source, destination, icmp_type=request),
                    Flow(ping.family, protocol, destination, source, icmp_type=answer),
                )

    def _addresses(self, end: str, ping: Ping) -> list[int]:
        """The addresses of an end device; where the ping must fail, those of its wires to others."""
        ports = self.snapshot.devices[end].interfaces
        wired = {one.interface for link in self.snapshot.links for one in link.ends if one.device == end}
        names = sorted(ports) if ping.expected else sorted(wired)
        return [one.address for name in names for one in ports[name].addresses if one.family is ping.family]

    @property
    def case(self) -> Case:
        """The lab with every end device a zone, and all of them to be isolated from each other."""
        ends = sorted({end for ping in self.pings for end in (ping.source, ping.destination)})
        policy = parse_policy(_policy(ends).encode(), "policy.yaml")
        return Case(policy, self.snapshot, locate(policy, self.snapshot), date(2026, 11, 24))

    def doubts(self) -> list[str]:
        """The lines that make a device of the lab doubtful."""
        return [
            f"{line.span}: {line.text}"
            for one in self.snapshot.devices.values()
            for line in one.lines
            if not line.bounded and line.fate != LineFate.IGNORED.value
        ]


def folders(system: str) -> list[Path]:
    """The labs that were rendered for a system, by name."""
    return sorted(path.parent for path in NETLAB.glob(f"*/*/{system}/lab.json"))


def read_lab(folder: Path) -> Lab:
    """The lab in ``folder``."""
    lab = json.loads((folder / "lab.json").read_text())
    devices: dict[str, Device] = {}
    unread = []
    for name, node in sorted(lab["nodes"].items()):
        parsed = _parsed(folder, name, node["device"])
        if parsed is not None:
            devices[name] = parsed
        elif _is_end(node):
            devices[name] = _end(name, node, lab["nodes"])
        else:
            unread.append(name)
    failures = tuple(CollectionFailure(name, "not read") for name in unread)
    links = tuple(_links(lab, devices))
    snapshot = Snapshot(devices, failures, links, tuple(sorted(lab["nodes"])))
    ends = {name for name, node in lab["nodes"].items() if _is_end(node)} & set(devices)
    return Lab(folder.parent.name, folder.name, snapshot, tuple(_pings(lab, ends)), tuple(unread))


def _parsed(folder: Path, name: str, system: str) -> Device | None:
    """The device, of all its files in the order in which netlab applies them."""
    if system not in PLATFORMS:
        return None
    files = sorted(folder.glob(f"{name}.*.cfg"), key=_order)
    text = "\n".join(file.read_text() for file in files)
    if system in _ENDED:
        text = re.sub(r"^end$", "!", text, flags=re.MULTILINE) + "\nend\n"
    raw = RawFile(f"devices/{name}/running-config.txt", text, sha256(text.encode()).hexdigest())
    return parse_device(RawConfig(name, PLATFORMS[system], (raw,)))


def _order(file: Path) -> tuple[int, str]:
    module = file.name.split(".")[-2]
    return (_FIRST.index(module) if module in _FIRST else len(_FIRST), file.name)


def _is_end(node: dict[str, Any]) -> bool:
    return node["role"] == "host" or (node["device"] == "frr" and len(_wired(node)) == 1)


def _wired(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in _ports(node) if one["neighbors"]]


def _ports(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in node["interfaces"] if one["type"] != "loopback"]


def _end(name: str, node: dict[str, Any], nodes: dict[str, Any]) -> Device:
    ports = []
    routes = []
    for one in _ports(node):
        own = [one[key] for key in ("ipv4", "ipv6") if isinstance(one[key], str)]
        ports.append(interface(one["name"], *own, forwards=False))
        for via in sorted(_gateways(one, nodes)):
            routes.append(route("0.0.0.0/0" if ":" not in via else "::/0", one["name"], via))
    loopback = node["loopback"]
    if loopback:
        ports.append(interface("loopback0", loopback, forwards=False))
    return device(name, *ports, routes=tuple(routes))


def _gateways(one: dict[str, Any], nodes: dict[str, Any]) -> Iterator[str]:
    """The lab's gateway, and for a family that it names none for, every router on the wire."""
    named = [one["gw"]] if one["gw"] else []
    yield from named
    routers = ((nodes[name], port) for name, port in one["neighbors"] if nodes[name]["role"] != "host")
    ports = [other for node, port in routers for other in node["interfaces"] if other["name"] == port]
    for key, separator in (("ipv4", "."), ("ipv6", ":")):
        if not any(separator in gateway for gateway in named):
            yield from (other[key] for other in ports if isinstance(other[key], str))


def _links(lab: dict[str, Any], devices: dict[str, Device]) -> Iterator[Link]:
    for ends in lab["links"]:
        yield link(*(f"{node}:{_own_name(devices.get(node), port)}" for node, port in ends))


def _own_name(one: Device | None, port: str) -> str:
    """The device's own word for a port: netlab and the device may differ in case."""
    known = {name.lower(): name for name in one.interfaces} if one else {}
    return known.get(port.lower(), port)


def _pings(lab: dict[str, Any], ends: set[str]) -> Iterator[Ping]:
    for ping in lab["expected_pings"]:
        source, destination = ping["src"], re.sub(r"\..*", "", ping["dst"])
        if source in ends and destination in ends:
            family = Family(int(ping["af"][-1]))
            yield Ping(source, destination, family, ping["expect"] == "ok")


def _policy(ends: list[str]) -> str:
    zones = "\n".join(
        f"  {name}: {{side: side-{name}, owner: o@x.example, members: [{{device: {name}}}]}}"
        for name in ends
    )
    isolations = "\n".join(
        f"  - {{id: ISO-{number}, title: {a} and {b}, between: {a}, and: {b}, direction: forward,"
        " severity: high}"
        for number, (a, b) in enumerate(((a, b) for a in ends for b in ends if a != b), start=1)
    )
    return f"version: 1\nname: lab\nzones:\n{zones}\nisolation:\n{isolations}\n"
