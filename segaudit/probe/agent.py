"""The agent at a vantage: ``python -m segaudit.probe.agent``, JSON lines on its standard streams.

It needs CAP_NET_RAW, holds no secret, and sends nothing before ``begin`` gave it a job: who
authorised it, which targets, how fast, until when. It refuses every packet outside that job by
itself, whatever the session asks, and ends when its input closes or the job's time is over.

Commands (``op``): ``begin``, ``hello``, ``receive``, ``send``, ``canary``, ``stats``, ``stop``.
Events: ``done``, ``failed``, ``sent``, ``refused``, ``captured``, ``capture-failed``, ``ended``.
"""

from __future__ import annotations

import importlib
import math
import os
import platform
import selectors
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from segaudit import __version__
from segaudit.model.flow import Family, Flow
from segaudit.probe import kernel_tables
from segaudit.probe.agent_capture import Capture, Captured, Sender
from segaudit.probe.headers import Packet, read_packet
from segaudit.probe.kernel_tables import LinkState, NextHopAddress
from segaudit.probe.messages import PROTOCOL_VERSION, Message, decode, encode, flow_from_json, flow_to_json
from segaudit.probe.packet_filter import capture_filter
from segaudit.probe.rate import Pace
from segaudit.probe.scope import Network, in_networks
from segaudit.probe.trailer import TRAILER_BYTES

LONGEST_JOB_SECONDS = 24 * 3600
_READ_BYTES = 1 << 16
_MOST_BATCHES = 10_000
"""Of 256 packets each; whoever gets more than that while it reads never sees the end."""
_ETHERTYPES = {4: 0x0800, 6: 0x86DD}


class Refusal(Exception):
    """A command that the job does not permit, or that cannot be carried out; the text says why."""


@dataclass(frozen=True, slots=True)
class Job:
    """What this agent may do. ``sends`` is false for one that only receives and shows canaries."""

    authorised_by: str
    targets: tuple[Network, ...]
    sends: bool
    spoofs: bool
    pace: Pace
    ends_at: float
    """On the agent's monotonic clock."""
    closes_at: float | None
    """End of the authorised window, seconds since 1970, on the agent's wall clock."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One packet to send. ``way`` is ``routed``, ``on-link`` or ``self`` (see :meth:`Agent._macs`)."""

    command: int
    number: int
    interface: str
    flow: Flow
    payload: bytes
    tcp_sequence: int
    echo: tuple[int, int]
    way: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which captured packets are worth a report: a busy host's own traffic is not.

    Any packet with the run's tag is; without it (answers, SYNs without payload) those from one of
    ``addresses``, about a packet from one, or with one of ``sequences``.
    """

    tag: bytes
    addresses: frozenset[tuple[int, int]]
    sequences: frozenset[int]

    def wants(self, data: bytes, packet: Packet | None) -> bool:
        """True where ``packet``, read from ``data``, may belong to the run."""
        if packet is None or self.tag in data:
            return self.tag in data
        about = packet.quoted or packet
        return (
            int(about.flow.family),
            about.flow.source,
        ) in self.addresses or packet.tcp_sequence in self.sequences


@dataclass(slots=True)
class Agent:
    """State of one agent: its job, its captures, and the packets that wait for their turn.

    ``arm`` gets the seconds after which the process must be gone, even if its output blocks.
    """

    write: Callable[[Message], None]
    clock: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time
    arm: Callable[[float], None] = lambda _: None
    job: Job | None = None
    captures: dict[str, Capture] = field(default_factory=dict)
    wanted: dict[str, Wanted] = field(default_factory=dict)
    ended: str = ""
    _queue: deque[Outgoing] = field(default_factory=deque)
    _unfinished: dict[int, int] = field(default_factory=dict)
    _senders: dict[str, Sender] = field(default_factory=dict)
    _links: dict[str, LinkState] = field(default_factory=dict)
    _macs_by_hop: dict[tuple[int, NextHopAddress], bytes | None] = field(default_factory=dict)

    def handle(self, command: Message) -> None:
        """Carry one command out and report how it ended; a bad command is a ``failed`` event."""
        number = command.get("id", 0)
        try:
            answer = self._dispatch(command)
        except (Refusal, OSError, ValueError, KeyError, TypeError) as failure:
            self.write({"event": "failed", "id": number, "why": _reason(failure)})
            return
        if answer is not None:
            self.write({"event": "done", "id": number, **answer})

    def _dispatch(self, command: Message) -> Message | None:
        operations: dict[str, Callable[[Message], Message | None]] = {
            "begin": self._begin,
            "hello": self._hello,
            "receive": self._receive,
            "send": self._send,
            "canary": self._canary,
            "stats": self._stats,
            "stop": self._stop,
        }
        operation = operations.get(str(command.get("op")))
        if operation is None:
            raise Refusal(f"unknown command {command.get('op')!r}")
        return operation(command)

    def _begin(self, command: Message) -> Message:
        if self.job is not None:
            raise Refusal("the job was given before and cannot be changed")
        job = command["job"]
        if not isinstance(job, dict):
            raise Refusal("a job is a JSON object")
        if not str(job.get("authorised_by", "")).strip():
            raise Refusal("the job does not say who authorised it")
        self.job = Job(
            str(job["authorised_by"]),
            _networks(job["targets"]),
            bool(job["sends"]),
            bool(job["spoofs"]),
            Pace(_positive(job["rate"]), _positive(job["rate_per_destination"]), self.clock),
            self.clock() + min(_positive(job["stop_after_seconds"]), LONGEST_JOB_SECONDS),
            job.get("closes_at"),
        )
        self.arm(self.job.ends_at - self.clock())
        _load_crafting()
        return {**self._hello(command), "gateways": self._gateways(job.get("towards", ()))}

    def _hello(self, _: Message) -> Message:
        own = kernel_tables.addresses()
        return {
            "version": __version__,
            "protocol": PROTOCOL_VERSION,
            "python": platform.python_version(),
            "kernel": platform.release(),
            "pid": os.getpid(),
            "wall_clock": self.wall_clock(),
            "interfaces": [
                {
                    "name": link.name,
                    "mac": link.mac.hex(":"),
                    "usable": link.usable,
                    "addresses": [
                        [int(each.family), each.address, each.prefix_length]
                        for each in own
                        if each.index == link.index
                    ],
                }
                for link in kernel_tables.links()
            ],
        }

    def _gateways(self, towards: Iterable[Message]) -> list[Message]:
        """The first router on the way from an interface to an address, for each that has one."""
        found = []
        for way in towards:
            family, address = Family(way["family"]), int(way["address"])
            index = next(
                (link.index for link in kernel_tables.links() if link.name == way["interface"]), None
            )
            hop = kernel_tables.next_hop(family, address, index) if index is not None else None
            if hop is not None and hop.family is family and hop.address != address:
                found.append({"interface": way["interface"], "family": int(family), "address": hop.address})
        return found

    def _permitted(self) -> Job:
        if self.job is None:
            raise Refusal("no job: begin comes first")
        if why := self._over():
            raise Refusal(why)
        return self.job

    def _over(self) -> str:
        if self.job is None:
            return ""
        if self.clock() >= self.job.ends_at:
            return "the job's time is over"
        if self.job.closes_at is not None and self.wall_clock() >= self.job.closes_at:
            return "the authorised window has closed"
        return ""

    def _receive(self, command: Message) -> Message:
        self._permitted()
        interface = str(command["interface"])
        if interface not in self.captures:
            wanted = _wanted(command)
            self.captures[interface] = Capture(interface, capture_filter(wanted.tag, command["ports"]))
            self.wanted[interface] = wanted
        return {"buffer_bytes": self.captures[interface].buffer_bytes}

    def _send(self, command: Message) -> None:
        if not self._permitted().sends:
            raise Refusal("this agent's device is not among the sources of the scope")
        self._enqueue(command, "routed")

    def _canary(self, command: Message) -> None:
        way = "self" if command["to_itself"] else "on-link"
        if way == "on-link" and not self._permitted().sends:
            raise Refusal("this agent's device is not among the sources of the scope")
        self._enqueue(command, way)

    def _enqueue(self, command: Message, way: str) -> None:
        job, number = self._permitted(), int(command["id"])
        packets = [_outgoing(number, str(command["interface"]), way, each) for each in command["packets"]]
        own = frozenset((each.family, each.address) for each in kernel_tables.addresses())
        accepted = [packet for packet in packets if self._accepts(job, packet, own)]
        self._unfinished[number] = len(accepted)
        self._queue.extend(accepted)
        self._finish(number, 0)

    def _accepts(self, job: Job, packet: Outgoing, own: frozenset[tuple[Family, int]]) -> bool:
        why = _outside(job, packet, own)
        if why:
            self._report_unsent(packet, "refused", why)
        return not why

    def _report_unsent(self, packet: Outgoing, event: str, why: str) -> None:
        self.write({"event": event, "number": packet.number, "why": why})

    def _finish(self, command: int, packets: int) -> None:
        self._unfinished[command] -= packets
        if self._unfinished[command] == 0:
            del self._unfinished[command]
            self.write({"event": "done", "id": command})

    def seconds_to_next(self) -> float | None:
        """How long the agent may sleep: until a packet may leave or the job ends; ``None`` for ever."""
        if self.job is None:
            return None
        waits = [max(0.0, self.job.ends_at - self.clock())]
        if self._queue:
            waits.append(self.job.pace.wait(_destination(self._queue[0])))
        if self.job.closes_at is not None:
            waits.append(max(0.0, self.job.closes_at - self.wall_clock()))
        return min(waits)

    def step(self) -> None:
        """Send the next packet if it may leave now; end when the job's time is over."""
        if why := self._over():
            self.ended = why
            self.write({"event": "ended", "why": why})
            return
        if not self._queue or self.job is None:
            return
        packet = self._queue[0]
        if self.job.pace.wait(_destination(packet)) > 0:
            return
        self._queue.popleft()
        self.job.pace.take(_destination(packet))
        self._transmit(packet)
        self._finish(packet.command, 1)

    def _transmit(self, packet: Outgoing) -> None:
        try:
            hop = self._put_on_wire(packet)
        except (OSError, Refusal, ValueError) as failure:
            self._report_unsent(packet, "unsent", _reason(failure))
            return
        self.write({"event": "sent", "number": packet.number, "next_hop": hop, "at": self.wall_clock()})

    def _put_on_wire(self, packet: Outgoing) -> str:
        from segaudit.probe.agent_craft import frame

        link = self._link(packet.interface)
        macs, hop = self._macs(packet, link)
        data = frame(packet.flow, packet.payload, packet.tcp_sequence, packet.echo, macs)
        self._sender(link).send(data, _ETHERTYPES[packet.flow.family])
        return hop

    def _macs(self, packet: Outgoing, link: LinkState) -> tuple[tuple[bytes, bytes] | None, str]:
        """Source and destination MAC, and the next hop in words.

        ``routed`` follows the routes out of the interface; ``on-link`` hands the packet to its
        destination itself; ``self`` addresses the frame to the sending interface.
        """
        if not (link.ethernet and link.resolves):
            return None, link.name
        if packet.way == "self":
            return (link.mac, link.mac), "itself"
        flow = packet.flow
        hop: NextHopAddress | None = NextHopAddress(flow.family, flow.destination)
        if packet.way == "routed":
            hop = kernel_tables.next_hop(flow.family, flow.destination, link.index)
        if hop is None:
            raise Refusal(f"no route to {flow.destination_address} out of {link.name}")
        mac = self._resolved(hop, link)
        if mac is None:
            raise Refusal(f"next hop {hop.family.address(hop.address)} on {link.name} does not answer")
        return (link.mac, mac), f"{hop.family.address(hop.address)} {mac.hex(':')}"

    def _resolved(self, hop: NextHopAddress, link: LinkState) -> bytes | None:
        from segaudit.probe.agent_neighbours import resolve

        key = (link.index, hop)
        if key not in self._macs_by_hop:
            self._macs_by_hop[key] = resolve(hop, link, kernel_tables.addresses())
        return self._macs_by_hop[key]

    def _link(self, interface: str) -> LinkState:
        if interface not in self._links:
            self._links = {link.name: link for link in kernel_tables.links()}
        if interface not in self._links:
            raise Refusal(f"no interface {interface}")
        return self._links[interface]

    def _sender(self, link: LinkState) -> Sender:
        if link.name not in self._senders:
            self._senders[link.name] = Sender(link.name, link_header=link.ethernet and link.resolves)
        return self._senders[link.name]

    def _stats(self, _: Message) -> Message:
        for capture in self.captures.values():
            self._drain(capture)
            capture.count()
        return {
            "captures": [
                {"interface": name, "packets": each.packets, "drops": each.drops, "failure": each.failure}
                for name, each in sorted(self.captures.items())
            ]
        }

    def _stop(self, _: Message) -> Message:
        self.ended = "stopped"
        return {}

    def _drain(self, capture: Capture) -> None:
        """Report everything that waits: what is counted below must have been looked at."""
        for _ in range(_MOST_BATCHES):
            if not self.collect_from(capture):
                return
        capture.failure = capture.failure or f"{capture.interface}: packets come faster than they are read"

    def collect_from(self, capture: Capture) -> int:
        """Report a batch of what one capture holds, and once that it failed; the packets read."""
        failed_before = capture.failure
        read = 0
        for captured in capture.read():
            read += 1
            packet = read_packet(captured.data)
            if self.wanted[capture.interface].wants(captured.data, packet):
                self.write(_captured(capture.interface, captured, packet, self.wall_clock()))
        if capture.failure and not failed_before:
            self.write({"event": "capture-failed", "interface": capture.interface, "why": capture.failure})
        return read

    def close(self) -> None:
        """Give every socket back."""
        for capture in self.captures.values():
            capture.close()
        for sender in self._senders.values():
            sender.close()


def _networks(texts: Iterable[str]) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


def _wanted(command: Message) -> Wanted:
    addresses = frozenset((int(family), int(address)) for family, address in command["addresses"])
    return Wanted(bytes.fromhex(command["tag"]), addresses, frozenset(map(int, command["sequences"])))


def _load_crafting() -> None:
    """Load scapy now, while every agent starts, and not with the first packet (half a second)."""
    importlib.import_module("segaudit.probe.agent_craft")


def _positive(value: Any) -> float:
    number = float(value)
    if not 0 < number < float("inf"):
        raise ValueError(f"{value!r} is not above 0")
    return number


def _destination(packet: Outgoing) -> tuple[int, int]:
    return int(packet.flow.family), packet.flow.destination


def _outgoing(command: int, interface: str, way: str, packet: Message) -> Outgoing:
    identifier, sequence = packet["echo"]
    return Outgoing(
        command,
        int(packet["number"]),
        interface,
        flow_from_json(packet["flow"]),
        bytes.fromhex(packet["payload"]),
        int(packet["tcp_sequence"]),
        (int(identifier), int(sequence)),
        way,
    )


def _outside(job: Job, packet: Outgoing, own: frozenset[tuple[Family, int]]) -> str:
    """Why the job does not permit ``packet``; empty where it does.

    A canary to itself goes to an own address, which no scope needs to name.
    """
    flow = packet.flow
    to_itself = packet.way == "self" and (flow.family, flow.destination) in own
    if not to_itself and not in_networks(job.targets, flow.family, flow.destination):
        return f"{flow.destination_address} is outside the scope"
    if (flow.family, flow.source) not in own and not job.spoofs:
        return f"{flow.source_address} is not an address of this machine"
    return ""


def _reason(failure: BaseException) -> str:
    if isinstance(failure, OSError):
        return failure.strerror or str(failure)
    if isinstance(failure, KeyError):
        return f"the command lacks {failure}"
    return str(failure) or type(failure).__name__


def _captured(interface: str, captured: Captured, packet: Packet | None, at: float) -> Message:
    message: Message = {
        "event": "captured",
        "interface": interface,
        "outgoing": captured.outgoing,
        "at": at,
    }
    message["packet"] = packet_to_json(packet) if packet is not None else None
    if packet is None:
        message["trailer"] = captured.data[-TRAILER_BYTES:].hex()
    return message


def packet_to_json(packet: Packet) -> Message:
    """What the session needs to know of a captured packet."""
    return {
        "flow": flow_to_json(packet.flow),
        "ttl": packet.ttl,
        "tcp_sequence": packet.tcp_sequence,
        "echo": list(packet.echo) if packet.echo else None,
        "trailer": packet.trailer.hex(),
        "payload_bytes": packet.payload_bytes,
        "quoted": packet_to_json(packet.quoted) if packet.quoted else None,
    }


def serve(read: int, agent: Agent) -> None:
    """Run until the input closes, the job ends or ``stop`` comes."""
    pending = b""
    with selectors.DefaultSelector() as waiting:
        waiting.register(read, selectors.EVENT_READ)
        while not agent.ended:
            _watch(waiting, agent)
            for key, _ in waiting.select(agent.seconds_to_next()):
                if isinstance(key.data, Capture):
                    agent.collect_from(key.data)
                    continue
                chunk = os.read(read, _READ_BYTES)
                if not chunk:
                    return
                *lines, pending = (pending + chunk).split(b"\n")
                _handle_lines(agent, lines)
            agent.step()


def _watch(waiting: selectors.BaseSelector, agent: Agent) -> None:
    """Wait for packets of every capture that works."""
    watched = {key.data for key in waiting.get_map().values() if key.data is not None}
    for capture in agent.captures.values():
        if capture not in watched and not capture.failure:
            waiting.register(capture.socket, selectors.EVENT_READ, capture)
        elif capture in watched and capture.failure:
            waiting.unregister(capture.socket)


def _handle_lines(agent: Agent, lines: Iterable[bytes]) -> None:
    for line in lines:
        try:
            command = decode(line)
        except ValueError as failure:
            agent.write({"event": "failed", "id": 0, "why": f"not a command: {failure}"})
            continue
        agent.handle(command)


def main() -> int:
    """Serve standard input until it closes. Returns the exit code."""
    # The session stops its agents; a Ctrl-C in its terminal is for the session alone.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    agent = Agent(lambda message: _write(encode(message)), arm=_end_after)
    try:
        serve(sys.stdin.fileno(), agent)
    except BrokenPipeError:
        return 0
    finally:
        agent.close()
    return 0


def _end_after(seconds: float) -> None:
    """Let the kernel end this process (SIGALRM) where it does not do so itself."""
    signal.alarm(math.ceil(seconds) + 5)


def _write(line: bytes) -> None:
    while line:
        line = line[os.write(sys.stdout.fileno(), line) :]


if __name__ == "__main__":
    sys.exit(main())
