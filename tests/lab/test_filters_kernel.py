"""The kernel as judge: rulesets loaded in a namespace, dumped, read, and compared packet by packet.

A router namespace stands between two others. Crafted frames enter on one side; what comes out on the
other must be among the outcomes that a first-match reading of the ``Acl`` allows, and where that
reading is certain it must be exactly that.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from segaudit.model.acl import Forwarding, Hook
from segaudit.model.flow import ConnectionState, Family, Flow
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.vendors.linux.filters import FilterFacts, read_filters

pytestmark = pytest.mark.lab

_WHERE = Path(__file__).parents[1] / "unit" / "vendors" / "linux_filters" / "first_match.py"
_SPEC = importlib.util.spec_from_file_location("first_match", _WHERE)
assert _SPEC and _SPEC.loader
first_match: Any = importlib.util.module_from_spec(_SPEC)
sys.modules["first_match"] = first_match
_SPEC.loader.exec_module(first_match)

PROGRAMS = ("ip", "nft", "iptables", "iptables-save", "ip6tables", "ip6tables-save", "ipset")
OUTSIDE_MAC, INSIDE_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
ROUTER_MACS = ("02:00:00:00:01:01", "02:00:00:00:01:02")
NEW = frozenset({ConnectionState.NEW})


def run(*command: str, text: str = "") -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


@dataclass(frozen=True)
class Wire:
    """Three namespaces in a row and a raw socket at each end."""

    router: str
    sender: socket.socket
    receiver: socket.socket

    def inside(self, *command: str, text: str = "") -> str:
        return run("ip", "netns", "exec", self.router, *command, text=text)


def socket_in(namespace: str, interface: str) -> socket.socket:
    """A packet socket on an interface of another namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        assert libc.setns(there, 0) == 0, os.strerror(ctypes.get_errno())
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        opened.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        opened.bind((interface, 0))
        opened.settimeout(0.3)
        return opened
    finally:
        assert libc.setns(home, 0) == 0
        os.close(home)
        os.close(there)


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    if os.geteuid() != 0:
        pytest.skip("needs root to make network namespaces")
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    names = [f"sgf{os.getpid()}{end}" for end in "arb"]
    try:
        for name in names:
            run("ip", "netns", "add", name)
        _connect(*names)
        sender, receiver = socket_in(names[0], "out"), socket_in(names[2], "in")
        with sender, receiver:
            yield Wire(names[1], sender, receiver)
    finally:
        for name in names:
            subprocess.run(("ip", "netns", "delete", name), capture_output=True)


def _connect(outside: str, router: str, inside: str) -> None:
    for namespace, port, end, mac, peer in (
        (outside, "eth0", "out", ROUTER_MACS[0], OUTSIDE_MAC),
        (inside, "eth1", "in", ROUTER_MACS[1], INSIDE_MAC),
    ):
        run(
            *("ip", "-n", router, "link", "add", port, "address", mac, "type", "veth"),
            *("peer", "name", end, "address", peer, "netns", namespace),
        )
        run("ip", "-n", router, "link", "set", port, "up")
        run("ip", "-n", namespace, "link", "set", end, "up")
    enter = ("ip", "netns", "exec", router)
    for setting in ("ipv4.ip_forward=1", "ipv6.conf.all.forwarding=1", "ipv4.conf.all.rp_filter=0"):
        run(*enter, "sysctl", "-qw", f"net.{setting}")
    for port in ("eth0", "eth1"):
        run(
            *enter,
            "sysctl",
            "-qw",
            f"net.ipv4.conf.{port}.rp_filter=0",
            f"net.ipv6.conf.{port}.accept_dad=0",
        )
    run("ip", "-n", router, "address", "add", "198.18.0.1/30", "dev", "eth1")
    run("ip", "-n", router, "-6", "address", "add", "2001:db8:ffff::1/64", "dev", "eth1", "nodad")
    for version, gateway in (("-4", "198.18.0.2"), ("-6", "2001:db8:ffff::2")):
        run(
            "ip",
            "-n",
            router,
            "neighbour",
            "add",
            gateway,
            "lladdr",
            INSIDE_MAC,
            "dev",
            "eth1",
            "nud",
            "permanent",
        )
        run("ip", "-n", router, version, "route", "add", "default", "via", gateway, "dev", "eth1")


def frame(flow: Flow, mark: bytes) -> bytes:
    """An Ethernet frame to the router with a packet of ``flow``; ``mark`` is its last eight bytes."""
    body = _transport(flow, mark) + mark
    source, destination = flow.source_address.packed, flow.destination_address.packed
    if flow.family is Family.IPV4:
        offset = 100 if flow.fragment else 0
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 7, offset, 64, flow.protocol, 0)
        total = _sum(head + source + destination)
        packet = head[:10] + struct.pack("!H", total) + source + destination + body
        kind = 0x0800
    else:
        extension = struct.pack("!BBHI", flow.protocol, 0, 100 << 3, 7) if flow.fragment else b""
        first = 44 if flow.fragment else flow.protocol
        packet = struct.pack("!IHBB", 6 << 28, len(extension) + len(body), first, 64) + source + destination
        packet += extension + body
        kind = 0x86DD
    return _mac(ROUTER_MACS[0]) + _mac(OUTSIDE_MAC) + struct.pack("!H", kind) + packet


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def _sum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _transport(flow: Flow, mark: bytes) -> bytes:
    """The header with a right checksum, which connection tracking asks for; a fragment has none."""
    if flow.fragment:
        return b"\0" * 24
    match flow.protocol:
        case 6:
            ports = struct.pack("!HH", flow.source_port, flow.destination_port)
            header, at = ports + struct.pack("!IIBBHHH", 1, 0, 0x50, flow.tcp_flags, 1024, 0, 0), 16
        case 17:
            header, at = struct.pack("!HHHH", flow.source_port, flow.destination_port, 16, 0), 6
        case 1 | 58:
            header, at = (
                struct.pack("!BBHHH", flow.icmp_type, flow.icmp_code, 0, flow.source & 0xFFFF, 1),
                2,
            )
        case _:
            return struct.pack("!HHI", flow.source_port, flow.destination_port, 0)
    covered = header + mark
    if flow.protocol != 1:
        covered += flow.source_address.packed + flow.destination_address.packed
        covered += struct.pack("!II", len(header) + len(mark), flow.protocol)
    return header[:at] + struct.pack("!H", _sum(covered)) + header[at + 2 :]


V4 = (
    "10.0.0.1",
    "10.0.0.200",
    "10.1.2.3",
    "10.9.0.3",
    "192.168.1.5",
    "192.168.1.10",
    "203.0.113.9",
    "172.16.5.5",
)
V6 = ("2001:db8::1", "2001:db8:1::5", "fd00::5", "fd00:0:0:1::9")
PORTS = (22, 23, 53, 79, 80, 85, 90, 91, 443, 1023, 1024, 8080)


def flows(stateless: bool, count: int = 260) -> list[Flow]:
    """Headers near the boundaries of the rulesets below; the same every time."""
    dice = random.Random(7)
    made: list[Flow] = []
    while len(made) < count:
        family = dice.choice((Family.IPV4, Family.IPV4, Family.IPV6))
        pool = V4 if family is Family.IPV4 else V6
        source, destination = (int(ip_address(dice.choice(pool))) for _ in range(2))
        protocol = dice.choice((6, 6, 17, 1 if family is Family.IPV4 else 58, 89))
        flow = Flow(family, protocol, source, destination)
        if protocol in (6, 17):
            flow = replace(flow, source_port=1024 + len(made), destination_port=dice.choice(PORTS))
            flow = (
                replace(flow, tcp_flags=dice.choice((2, 16, 18, 4)) if stateless else 2)
                if protocol == 6
                else flow
            )
        elif protocol in (1, 58):
            echo = 8 if protocol == 1 else 128
            flow = replace(flow, icmp_type=dice.choice((echo, 3, 11)) if stateless else echo)
        if source != destination and flow not in made:
            made.append(replace(flow, fragment=stateless and dice.random() < 0.15))
    return made


def delivered(wire: Wire, sent: list[Flow]) -> list[bool]:
    """Which packets come out on the far side; a packet that must pass is the last to be waited for."""
    marks = {struct.pack("!II", 0x5E6A0D17, number): number for number in range(len(sent))}
    got: set[int] = set()
    for mark, number in marks.items():
        wire.sender.send(frame(sent[number], mark))
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            data = wire.receiver.recv(4096)
        except TimeoutError:
            break
        number = marks.get(data[-8:], -1)
        if number >= 0 and data[6:12] == _mac(ROUTER_MACS[1]) and _same_ends(data, sent[number]):
            got.add(number)
    return [number in got for number in range(len(sent))]


def _same_ends(data: bytes, flow: Flow) -> bool:
    """False for the ICMP error of a REJECT, which quotes the packet and leaves by the default route."""
    start = 26 if flow.family is Family.IPV4 else 22
    ends = flow.source_address.packed + flow.destination_address.packed
    return data[start : start + len(ends)] == ends


def dumped(wire: Wire, without: Collection[str] = ()) -> FilterFacts:
    """The filters read from the listings of the router; those in ``without`` were not collected."""
    commands = {
        "nftables.json": ("nft", "-j", "list", "ruleset"),
        "nftables.txt": ("nft", "-a", "list", "ruleset"),
        "iptables-save.txt": ("iptables-save",),
        "ip6tables-save.txt": ("ip6tables-save",),
        "ipset.txt": ("ipset", "save"),
    }
    files = [
        RawFile(f"devices/r/{name}", wire.inside(*command), "")
        for name, command in commands.items()
        if name not in without
    ]
    return read_filters(RawConfig("r", "linux", tuple(files)))


def compare(wire: Wire, stateless: bool) -> tuple[FilterFacts, float]:
    """The facts read, and the share of packets whose fate they settle; disagreement fails.

    Of a later fragment nothing is settled: its sender's bytes stand where the header would be.
    """
    facts = dumped(wire)
    sent = flows(stateless)
    wrong: list[str] = []
    settled = 0
    for flow, arrived in zip(sent, delivered(wire, sent), strict=True):
        at = first_match.At(
            flow, "eth0", "eth1", first_match.ALL_STATES if stateless or flow.protocol == 89 else NEW
        )
        may = first_match.passes(facts.acls, facts.attachments, Hook.FORWARD, at)
        settled += len(may) == 1 and not flow.fragment
        if arrived not in may:
            wrong.append(f"{flow} flags {flow.tcp_flags}: kernel {arrived}, read {sorted(may)}")
    assert not wrong, "\n".join(wrong)
    return facts, settled / sum(not flow.fragment for flow in sent)


NFT_STATELESS = """
table inet t {
  set blocked { type ipv4_addr; flags interval; elements = { 10.0.0.0/24, 192.168.1.5-192.168.1.9 } }
  set three { type ipv4_addr . inet_proto . inet_service; flags interval
    elements = { 10.1.0.0/16 . tcp . 80-90, 203.0.113.9 . udp . 53 } }
  map verdicts { type inet_service : verdict; elements = { 22 : accept, 23 : drop, 443 : jump web } }
  chain web { ip daddr 10.9.0.3 return; tcp flags syn / fin,syn,rst,ack accept; }
  chain forward { type filter hook forward priority 0; policy drop;
    ip frag-off & 0x1fff != 0 ip daddr 10.0.0.1 accept
    ip saddr . meta l4proto . th dport @three accept
    ip saddr @blocked tcp dport != 80 drop
    tcp dport vmap @verdicts
    ip saddr & 255.0.0.255 == 10.0.0.3 accept
    icmp type { echo-request, time-exceeded } accept
    icmpv6 type 128 accept
    meta l4proto { tcp, udp } th dport { 53, 79, 85-91 } accept
    ip6 saddr fd00::/16 ip6 daddr != fd00::/16 accept
    meta nfproto ipv4 udp dport >= 1024 accept
    iifname "eth*" oifname "eth1" tcp flags & (syn | ack) == syn | ack accept
    meta l4proto 89 ip saddr . ip daddr vmap {
      10.1.2.3 . 10.9.0.3 : accept, 0.0.0.0/0 . 10.0.0.1 : goto web }
    ip6 nexthdr 89 accept
  }
}
table ip second {
  chain f { type filter hook forward priority 10; policy accept;
    tcp dport 85 reject with tcp reset
  }
}
"""

NFT_STATEFUL = """
table inet t {
  chain log_and_drop { counter; drop; }
  chain forward { type filter hook forward priority filter; policy drop;
    ct state vmap { established : accept, related : accept, invalid : drop }
    ct state new ip saddr 10.0.0.0/8 tcp dport { 22, 80-90 } accept
    ct state != new goto log_and_drop
    udp dport 53 limit rate 5/second accept
    ip6 daddr 2001:db8::/32 ct state new accept
    icmp type echo-request ip saddr != 10.0.0.0/16 accept
    iif eth0 ip daddr 172.16.5.5 accept
  }
}
"""


def loaded(wire: Wire, text: str) -> None:
    wire.inside("nft", "flush", "ruleset")
    wire.inside("nft", "-f", "-", text=text)


@pytest.fixture
def clean(wire: Wire) -> Iterator[Wire]:
    yield wire
    wire.inside("nft", "flush", "ruleset")
    wire.inside("ipset", "flush")  # a set inside a list is in use until then
    wire.inside("ipset", "destroy")


def test_without_rules_everything_arrives(clean: Wire) -> None:
    sent = flows(stateless=True)
    assert delivered(clean, sent) == [True] * len(sent)


def test_nftables_without_state(clean: Wire) -> None:
    loaded(clean, NFT_STATELESS)
    facts, settled = compare(clean, stateless=True)
    assert not facts.tracks_connections
    assert settled > 0.9
    assert all(line.bounded for line in facts.lines)


def test_nftables_with_state(clean: Wire) -> None:
    loaded(clean, NFT_STATEFUL)
    facts, settled = compare(clean, stateless=False)
    assert facts.tracks_connections
    assert settled > 0.6


IPTABLES_STATELESS = """*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:web - [0:0]
-A FORWARD -f -d 10.0.0.1 -j ACCEPT
-A FORWARD -s 10.0.0.0/24 -p tcp -m tcp ! --dport 80 -j DROP
-A FORWARD -p tcp -m tcp --dport 443 --tcp-flags FIN,SYN,RST,ACK SYN -j web
-A FORWARD -p tcp -m multiport --dports 22,85:91 -m comment --comment "a -j DROP \\"quoted\\"" -j ACCEPT
-A FORWARD -p udp -m udp --dport 1024: -j REJECT --reject-with icmp-port-unreachable
-A FORWARD -p udp -m iprange --src-range 10.1.0.0-10.1.255.255 ! -d 10.9.0.0/16 -j ACCEPT
-A FORWARD -s 10.0.0.3/255.0.0.255 -j ACCEPT
-A FORWARD -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A FORWARD -i eth+ ! -o eth1 -j ACCEPT
-A FORWARD ! -p tcp -s 203.0.113.9 -j ACCEPT
-A web -d 10.9.0.3/32 -j RETURN
-A web -s 10.0.0.0/8 -j ACCEPT
COMMIT
*mangle
:FORWARD ACCEPT [0:0]
-A FORWARD -p tcp -m tcp --dport 91 -j DROP
-A FORWARD -j MARK --set-xmark 0x1/0xffffffff
COMMIT
"""

IP6TABLES = """*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -s fd00::/16 -p tcp -m tcp --dport 22 -j DROP
-A FORWARD -p ipv6-icmp -m icmp6 --icmpv6-type 128 -j DROP
-A FORWARD -p udp -m multiport --ports 53,79:80 -j DROP
-A FORWARD -s 2001:db8::1/128 -d fd00::/64 -j DROP
COMMIT
"""


def test_iptables_without_state(clean: Wire) -> None:
    clean.inside("iptables-restore", text=IPTABLES_STATELESS)
    clean.inside("ip6tables-restore", text=IP6TABLES)
    facts, settled = compare(clean, stateless=True)
    assert settled == 1
    assert {line.fate for line in facts.lines} == {"ignored"}
    assert not any(name.startswith("nft") for name in facts.acls)


IPTABLES_STATEFUL = """*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -m conntrack ! --ctstate NEW -j DROP
-A FORWARD -p udp -m limit --limit 1/min -j ACCEPT
-A FORWARD -p tcp -m state --state NEW -m tcp --dport 80 -j ACCEPT
-A FORWARD -p icmp -m icmp --icmp-type 8 -j ACCEPT
COMMIT
"""


def test_iptables_with_state(clean: Wire) -> None:
    clean.inside("iptables-restore", text=IPTABLES_STATEFUL)
    facts, settled = compare(clean, stateless=False)
    assert facts.tracks_connections
    assert settled > 0.6


IPSETS = """create nets hash:net family inet
add nets 10.0.0.0/8
add nets 10.1.0.0/16 nomatch
create pairs hash:ip,port family inet
add pairs 10.1.2.3,tcp:80
add pairs 10.0.0.1,udp:53
add pairs 203.0.113.9,icmp:8/0
create ports bitmap:port range 0-1024
add ports 443
create both list:set size 8
add both pairs
create masked hash:ip family inet netmask 24
add masked 192.168.1.0
"""

IPTABLES_SETS = """*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m set --match-set pairs src,dst -j ACCEPT
-A FORWARD -m set --match-set ports dst -j ACCEPT
-A FORWARD -p tcp -m set --match-set nets src -m set ! --match-set nets dst -j ACCEPT
-A FORWARD -p udp -m set --match-set masked src -j ACCEPT
COMMIT
"""


def test_iptables_with_sets(clean: Wire) -> None:
    try:
        clean.inside("ipset", "restore", text=IPSETS)
        clean.inside("iptables-restore", text=IPTABLES_SETS)
    except AssertionError as refused:
        pytest.skip(f"the kernel lacks a set type or xt_set: {refused}")
    _, settled = compare(clean, stateless=True)
    assert settled == 1


NFT_LISTINGS = ("nftables.json", "nftables.txt")

NATIVE_IN_TABLE_OF_IPTABLES = """
table ip filter {
  set s { type ipv4_addr; elements = { 203.0.113.9 } }
  chain FORWARD { type filter hook forward priority filter; policy accept; ip saddr @s drop; }
}
"""


def test_native_rules_in_a_table_of_iptables(clean: Wire) -> None:
    """iptables-save prints ``-A FORWARD -j DROP``, which the packets of ``compare`` contradict."""
    loaded(clean, NATIVE_IN_TABLE_OF_IPTABLES)
    facts, settled = compare(clean, stateless=True)
    assert sorted(facts.acls) == ["nft ip filter FORWARD"]
    assert settled == 1
    unchecked = dumped(clean, without=NFT_LISTINGS)
    assert unchecked.acls == {} and unchecked.unknown_translation
    assert any(not line.bounded for line in unchecked.lines)


HIDDEN_TRANSLATION = """
table ip nat {
  set s { type ipv4_addr; elements = { 203.0.113.9 } }
  map m { type ipv4_addr : ipv4_addr; elements = { 203.0.113.9 : 10.0.0.1 } }
  chain PREROUTING { type nat hook prerouting priority PRIORITY; dnat to ip daddr map @m; }
}
"""


@pytest.mark.parametrize("priority", ["-50", "-100"])
def test_translation_that_iptables_leaves_out(clean: Wire, priority: str) -> None:
    loaded(clean, HIDDEN_TRANSLATION.replace("PRIORITY", priority))
    assert "10.0.0.1" not in clean.inside("iptables-save")
    assert [each.acl for each in dumped(clean).attachments] == ["nft ip nat PREROUTING"]
    unchecked = dumped(clean, without=NFT_LISTINGS)
    assert unchecked.acls == {} and unchecked.unknown_translation


NFT_EXPECTS = """
table ip t {
  ct helper h { type "ftp" protocol tcp; }
  ct expectation e { protocol udp; dport 9876; timeout 2m; size 12; l3proto ip; }
  chain f { type filter hook prerouting priority 0; STATEMENT; }
}
"""


@pytest.mark.parametrize(
    "statement", ['tcp dport 21 ct helper set "h"', 'tcp dport 21 ct expectation set "e"']
)
def test_expected_connections_have_no_bound(clean: Wire, statement: str) -> None:
    try:
        loaded(clean, NFT_EXPECTS.replace("STATEMENT", statement))
    except AssertionError as refused:
        pytest.skip(f"the kernel lacks helpers or expectations of nft: {refused}")
    doubtful = [line for line in dumped(clean).lines if not line.bounded]
    assert [statement in line.text for line in doubtful] == [True]


def test_helper_of_iptables_has_no_bound(clean: Wire) -> None:
    rule = ("PREROUTING", "-p", "tcp", "--dport", "21", "-j", "CT", "--helper", "ftp")
    try:
        clean.inside("iptables", "-t", "raw", "-A", *rule)
    except AssertionError as refused:
        pytest.skip(f"the kernel lacks the CT target or the ftp helper: {refused}")
    facts = dumped(clean)
    assert [line.bounded for line in facts.lines if "--helper ftp" in line.text] == [False]


CORPORA = Path(os.environ.get("SEGAUDIT_CORPORA", Path(__file__).parents[3] / "shared" / "corpora"))
needs_corpora = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"no corpora (SEGAUDIT_CORPORA={CORPORA})")
PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1}
FLAGS = {"S": 2, "SA": 18, "A": 16, "R": 4, "F": 1, "FA": 17, "RA": 20}


def flow_of(packet: dict[str, Any]) -> Flow:
    """A boundary packet of the aerleon corpus."""
    source, destination = (int(ip_address(packet[end])) for end in ("src", "dst"))
    ports = packet.get("sport", 0), packet.get("dport", 0)
    icmp = packet.get("icmp_type", 0), packet.get("icmp_code", 0)
    protocol = PROTOCOLS.get(packet["proto"], -1)
    protocol = protocol if protocol >= 0 else int(packet["proto"])
    return Flow(
        Family.IPV4, protocol, source, destination, *ports, *icmp, FLAGS.get(packet.get("flags", ""), 0)
    )


def disagreements(facts: FilterFacts, acl: str, packets: list[dict[str, Any]]) -> list[str]:
    """Packets whose first, fresh appearance is decided otherwise than the policy says (SYN, UDP, ICMP)."""
    wrong = []
    default = "drop" if facts.acls[acl].default is Forwarding.DROP else "accept"
    for packet in packets:
        if packet["proto"] == "tcp" and packet.get("flags") != "S":
            continue
        found = first_match.ends(facts.acls, acl, first_match.At(flow_of(packet), "e", "e", NEW))
        ends = {default if end == "return" else end for end in found}
        if ends != {"accept" if packet["expect"] == "PERMIT" else "drop"} and packet["expect"] != "NEXT":
            wrong.append(f"{packet} {ends}")
    return wrong


@pytest.mark.corpora
@needs_corpora
def test_generated_nftables_policy_decides_as_written(clean: Wire) -> None:
    """aerleon: each base chain against its boundary packets; nft 1.0.6 refuses its repeated comments."""
    text = (CORPORA / "aerleon_acls/generated/sample_nftables.nft").read_text()
    loaded(clean, "\n".join(line for line in text.splitlines() if not line.strip().startswith("comment")))
    facts = dumped(clean)
    truth = json.loads((CORPORA / "aerleon_acls/truth/sample_nftables.json").read_text())["filters"]
    for number, entry in zip((0, 1, 2, 3, 6), truth, strict=True):
        # root6: aerleon writes its IPv6-only term as a bare "ct state new accept", so nothing new is denied
        packets = [each for each in entry["packets"] if number != 6 or each["expect"] == "PERMIT"]
        acl = next(name for name in facts.acls if name.endswith(f" root{number}"))
        wrong = disagreements(facts, acl, packets)
        assert packets and not wrong, (number, entry["targets"], len(wrong), wrong[:3])


@pytest.mark.corpora
@needs_corpora
def test_generated_iptables_policy_decides_as_written(clean: Wire) -> None:
    """aerleon (speedway): three chains against their boundary packets, loaded and dumped by the kernel."""
    clean.inside(
        "iptables-restore", text=(CORPORA / "aerleon_acls/generated/sample_speedway.ipt").read_text()
    )
    facts = dumped(clean)
    truth = json.loads((CORPORA / "aerleon_acls/truth/sample_speedway.json").read_text())["filters"]
    for entry in truth:
        chain = entry["targets"][0].split(":")[1].split()[0]
        # a term of established connections says nothing of a fresh packet
        packets = [each for each in entry["packets"] if "-est-" not in each["term"]]
        wrong = disagreements(facts, f"iptables ipv4 filter {chain}", packets)
        assert packets and not wrong, (chain, len(wrong), wrong[:3])


@pytest.mark.corpora
@needs_corpora
def test_rules_of_nft_own_tests_are_read(clean: Wire) -> None:
    """Every rule that nft's tests accept and this kernel loads is read; a third at least are facts."""
    loaded_rules = doubtful = 0
    for family in ("ip", "ip6", "inet", "any"):
        table = "inet" if family == "any" else family
        for path in sorted((CORPORA / f"netfilter_tests/nft_py/{family}").glob("*.t")):
            loaded(clean, f"table {table} t {{\nchain c {{\ntype filter hook forward priority 0\n}}\n}}\n")
            for rule in _accepted_rules(path):
                enter = ("ip", "netns", "exec", clean.router, "nft", "-f", "-")
                text = f"add rule {table} t c {rule}\n"
                loaded_rules += not subprocess.run(
                    enter, input=text, capture_output=True, text=True
                ).returncode
            facts = dumped(clean)
            assert not facts.unknown_translation
            assert not [line for line in facts.lines if line.fate == "unrecognized"], path.name
            doubtful += len(facts.lines)
    assert loaded_rules > 500
    assert doubtful < loaded_rules * 2 / 3


def _accepted_rules(path: Path) -> list[str]:
    lines = [line.split(";") for line in path.read_text().splitlines() if line[:1] not in "#:*-!?%"]
    return [parts[0] for parts in lines if len(parts) > 1 and parts[1] == "ok"]


def test_a_wrong_reading_would_be_noticed(clean: Wire) -> None:
    """The comparison itself: with one rule gone after the dump, packets contradict what was read."""
    loaded(clean, NFT_STATELESS)
    facts = dumped(clean)
    clean.inside("nft", "delete", "table", "ip", "second")
    sent = [flow for flow in flows(stateless=True) if flow.destination_port == 85 and not flow.fragment]
    wrong = 0
    for flow, arrived in zip(sent, delivered(clean, sent), strict=True):
        at = first_match.At(flow, "eth0", "eth1")
        wrong += arrived not in first_match.passes(facts.acls, facts.attachments, Hook.FORWARD, at)
    assert wrong > 0
