"""One router in a namespace, with four wires whose far ends are ours to send on and listen at."""

from __future__ import annotations

import os
import re
import select
import socket
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from oracle.frames import packets, read
from oracle.lines import Line
from oracle.netns import Refused, inside, namespaces, packet_socket, run
from oracle.words import HOSTS, INTERFACES, Sending, near

from segaudit.model.device import Device
from segaudit.model.flow import Family, Flow
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.parse import parse_device
from segaudit.vendors.linux.platform import PLATFORM

_NUMBERS = count()
_KINDS = {Family.IPV4: b"\x08\x00", Family.IPV6: b"\x86\xdd"}
_SETTLE_SECONDS = 0.012
_BURST = 200
"""Packets sent before the receivers are read, well below the kernel's backlog of 1000."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A numbered packet that came out of the router by an interface."""

    interface: str
    flow: Flow


@dataclass(slots=True)
class Box:
    """The router, what is loaded in it, and raw sockets at the far ends of its wires."""

    router: str
    ends: dict[str, socket.socket]
    legacy: bool = False
    rules: list[str] = field(default_factory=list)
    used: int = 1

    # -- configuration ---------------------------------------------------------------------------

    def load(self, lines: Sequence[Line]) -> list[Line]:
        """Load a configuration over an empty one; the result is without the lines that were refused."""
        self.reset()
        self.legacy = self.legacy or any("legacy" in line.program for line in lines)
        by_program: dict[str, list[Line]] = defaultdict(list)
        for line in lines:
            by_program[line.program].append(line)
        kept: set[Line] = set()
        for program in ("sysctl", "ip", "ipset", "nft", *_TABLES):
            kept.update(self._load(program, by_program.get(program, [])))
        return [line for line in lines if line in kept]

    def _load(self, program: str, lines: list[Line]) -> list[Line]:
        if not lines:
            return []
        match program:
            case "sysctl":
                inside(self.router, "sysctl", "-qw", *(line.text for line in lines))
                return lines
            case "ip":
                return self._ip(lines)
            case "nft":
                texts = [(line.text, line) for line in lines]
                return self._retry(("nft", "-f", "-"), r"/dev/stdin:(\d+)[:-]", texts)
            case "ipset":
                texts = [(line.text, line) for line in lines]
                return self._retry(("ipset", "restore"), r"line (\d+)", texts)
            case _:
                return self._tables(program, lines)

    def _ip(self, lines: list[Line]) -> list[Line]:
        kept = []
        for family in ("-4", "-6"):
            own = [line for line in lines if line.text.startswith(family)]
            text = "".join(f"{line.text[3:]}\n" for line in own)
            command = ("nsenter", f"--net=/run/netns/{self.router}", "ip", family, "-force", "-batch", "-")
            done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
            refused = {int(number) for number in re.findall(r"Command failed -:(\d+)", done.stderr)}
            kept += [line for number, line in enumerate(own, start=1) if number not in refused]
        self.rules += [line.text for line in kept if " rule add " in line.text]
        return kept

    def _tables(self, program: str, lines: list[Line]) -> list[Line]:
        kept = []
        for table in dict.fromkeys(line.text.split()[0] for line in lines):
            own = [line for line in lines if line.text.split()[0] == table]
            texts: list[tuple[str, Line | None]] = [(f"*{table}", None)]
            texts += [(line.text.partition(" ")[2], line) for line in own if " :" in line.text[:12]]
            texts += [(line.text.partition(" ")[2], line) for line in own if " :" not in line.text[:12]]
            kept += self._retry((f"{program}-restore",), r"line:? (\d+)", [*texts, ("COMMIT", None)])
        return kept

    def _retry(
        self, command: tuple[str, ...], complaint: str, texts: Sequence[tuple[str, Line | None]]
    ) -> list[Line]:
        """Load all at once; leave out each line that the program complains about."""
        left = list(texts)
        for _ in range(len(texts)):
            if not any(line for _, line in left):
                return []
            try:
                inside(self.router, *command, text="\n".join(text for text, _ in left) + "\n")
            except Refused as refused:
                complaints = {int(number) - 1 for number in re.findall(complaint, str(refused))}
                at = {one for one in complaints if 0 <= one < len(left) and left[one][1]}
                at = at or {max(number for number, (_, line) in enumerate(left) if line)}
                left = [text for number, text in enumerate(left) if number not in at]
                if command[0] == "ipset":
                    self._clear_sets()
            else:
                return [line for _, line in left if line]
        return []

    def reset(self) -> None:
        """No rules, no routes but the connected ones, no sets, no connections."""
        script = ["nft flush ruleset"]
        for number in (4, 6):
            script.append(f"ip -{number} route flush table main proto boot")
            for table in (100, 101):
                script.append(f"ip -{number} route flush table {table}")
        for words in (text.split() for text in self.rules):
            script.append(f"ip {words[0]} rule del pref {words[4]}")
        if self.legacy:
            for program in ("iptables-legacy", "ip6tables-legacy"):
                for legacy in ("raw", "mangle", "nat", "filter"):
                    script.append(f"{program} -t {legacy} -F; {program} -t {legacy} -X")
                script.append(f"{program} -P FORWARD ACCEPT")
        script += ["ipset flush", "ipset destroy", "conntrack -F", "ip -4 route flush cache"]
        for interface in INTERFACES:
            script.append(
                f"sysctl -qw net.ipv4.conf.{interface}.rp_filter=0 net.ipv4.conf.{interface}.forwarding=1"
            )
        self.rules = []
        inside(
            self.router,
            "sh",
            "-c",
            "\n".join(f"{{ {line}; }} >/dev/null 2>&1" for line in script) + "\ntrue",
        )

    def _clear_sets(self) -> None:
        inside(self.router, "sh", "-c", "ipset flush; ipset destroy")

    def forget_connections(self) -> None:
        """Empty the connection tracking table."""
        inside(self.router, "sh", "-c", "conntrack -F >/dev/null 2>&1; true")

    def device(self) -> Device:
        """The router as its own tools print it, read by the platform's own reader."""
        return parse_device(collected(self.router, "r"))

    # -- packets ---------------------------------------------------------------------------------

    def send(self, sent: Sequence[Sending]) -> dict[int, list[Arrival]]:
        """Send packets; what came out of the router of each, by its position."""
        first = self.numbers(len(sent))
        found = self.send_ready(
            (number, one.interface, part, one.flow)
            for number, one in enumerate(sent, start=first)
            for part in packets(one.flow, number, whole_datagram=one.whole)
        )
        return {number - first: came for number, came in found.items()}

    def numbers(self, many: int) -> int:
        """The first of as many numbers that no packet in this router has had."""
        first = self.used
        self.used += many
        return first

    def send_ready(self, ready: Iterable[tuple[int, str, bytes, Flow]]) -> dict[int, list[Arrival]]:
        """Send IP packets that are bytes already: (number, interface, bytes, what they are)."""
        seen: dict[int, list[Arrival]] = defaultdict(list)
        sent: dict[int, Flow] = {}
        for position, (number, interface, data, flow) in enumerate(ready):
            sent[number] = flow
            wire = INTERFACES.index(interface)
            self.ends[interface].send(_mac(wire, 1) + _mac(wire, 2) + _KINDS[flow.family] + data)
            if position % _BURST == _BURST - 1:
                self._drain(seen)
        return self.listen(sent, seen)

    def listen(
        self, sent: Mapping[int, Flow], seen: dict[int, list[Arrival]] | None = None
    ) -> dict[int, list[Arrival]]:
        """What came out of the router of numbered packets, once nothing comes any more."""
        seen = defaultdict(list) if seen is None else seen
        while self._drain(seen):
            pass
        found = {}
        for number, came in seen.items():
            own = [one for one in came if number in sent and is_probe(one.flow, sent[number])]
            if own:
                found[number] = own
        return found

    def _drain(self, found: dict[int, list[Arrival]]) -> bool:
        ready, _, _ = select.select(list(self.ends.values()), [], [], _SETTLE_SECONDS)
        for interface, end in self.ends.items():
            if end in ready:
                for data in _all_of(end):
                    seen = read(data)
                    if seen is not None:
                        found[seen.number].append(Arrival(interface, seen.flow))
        return bool(ready)


_TABLES = ("iptables", "ip6tables", "iptables-legacy", "ip6tables-legacy")


def _all_of(end: socket.socket) -> Iterator[bytes]:
    while True:
        try:
            data, place = end.recvfrom(4096)
        except BlockingIOError:
            return
        if place[2] != socket.PACKET_OUTGOING:
            yield data


def is_probe(seen: Flow, sent: Flow) -> bool:
    """False for what the router says about a packet: its errors quote the packet and its number."""
    return seen.protocol == sent.protocol and (seen.fragment or seen.icmp_type == sent.icmp_type)


def collected(namespace: str, name: str) -> RawConfig:
    """The raw output of the platform's commands, but those of FRR."""
    commands = [one for one in PLATFORM.commands if not one.command.startswith("vtysh")]
    with tempfile.TemporaryDirectory() as folder:
        script = "\n".join(
            f"{one.command} >{folder}/{one.file} 2>{folder}/{one.file}.err; echo {one.file} $?"
            for one in commands
        )
        statuses = dict(line.split() for line in inside(namespace, "sh", "-c", script).splitlines())
        files = [
            _raw(Path(folder), name, one.file, one.command, int(statuses[one.file])) for one in commands
        ]
    return RawConfig(name, "linux", tuple(files))


def _raw(folder: Path, name: str, file: str, command: str, status: int) -> RawFile:
    said, complained = (folder / file).read_text(), (folder / f"{file}.err").read_text()
    text = said + (complained if status else "")
    stderr = "" if status else complained
    return RawFile(f"devices/{name}/{file}", text, "", command, exit_status=status, stderr=stderr)


def _mac(wire: int, host: int) -> bytes:
    return bytes((2, 0, 0, 0, wire, host))


def mac_text(wire: int, host: int) -> str:
    """The MAC address of a host on a wire; host 1 is the router."""
    return _mac(wire, host).hex(":")


@contextmanager
def box() -> Iterator[Box]:
    """A fresh router; everything is gone afterwards."""
    stem = f"sgo{os.getpid()}x{next(_NUMBERS)}"
    router, ends = f"{stem}r", f"{stem}e"
    with namespaces([router, ends]):
        _wire(router, ends)
        sockets = {name: packet_socket(ends, f"p{name}") for name in INTERFACES}
        try:
            made = Box(router, sockets)
            time.sleep(0.2)
            yield made
        finally:
            for each in sockets.values():
                each.close()


def _wire(router: str, ends: str) -> None:
    inside(
        ends, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"
    )
    inside(
        router, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
        "net.ipv6.conf.default.accept_dad=0", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",  # noqa: E501
        "net.ipv4.icmp_ratelimit=0", "net.ipv4.conf.default.send_redirects=0", "net.ipv4.conf.all.send_redirects=0",  # noqa: E501
    )  # fmt: skip
    batch = ["link set lo up"]
    for wire, name in enumerate(INTERFACES):
        batch.append(
            f"link add {name} address {mac_text(wire, 1)} type veth peer name p{name} "
            f"address {mac_text(wire, 2)} netns {ends}"
        )
    run("ip", "-n", router, "-batch", "-", text="\n".join(batch) + "\n")
    run("ip", "-n", ends, "-batch", "-", text="".join(f"link set p{name} up\n" for name in INTERFACES))
    batch = []
    for wire, name in enumerate(INTERFACES):
        batch.append(f"link set {name} up")
        batch.append(f"address add {near(Family.IPV4, wire, 1)}/24 brd + dev {name}")
        batch.append(f"address add {near(Family.IPV6, wire, 1)}/64 dev {name} nodad")
        for host in HOSTS:
            for family in Family:
                batch.append(
                    f"neigh replace {near(family, wire, host)} lladdr {mac_text(wire, host)} dev {name} nud permanent"  # noqa: E501
                )
    run("ip", "-n", router, "-batch", "-", text="\n".join(batch) + "\n")
