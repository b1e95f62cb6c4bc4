"""The real kernel as judge: what NOTES.md calls *tried*.

Everything happens in network namespaces made here and removed afterwards.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from segaudit.model.acl import (
    AddressIn,
    AllOf,
    AnyOf,
    AnyPacket,
    Direction,
    End,
    InterfaceIn,
    Matches,
    Not,
)
from segaudit.model.device import Device, Route, RouteKind
from segaudit.model.flow import Family, parse_address
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.parse import parse_device
from segaudit.vendors.linux.platform import PLATFORM, SYSCTL

NUMBERS = count()


def missing() -> str:
    if os.geteuid() != 0:
        return "not root"
    absent = [name for name in ("ip", "sysctl", "ping", "bridge") if shutil.which(name) is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    probe = f"segaudit-t{os.getpid()}-p"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "del", probe], capture_output=True, check=False)
    return "" if made.returncode == 0 else "no network namespaces"


WHY_NOT = missing()
pytestmark = [pytest.mark.lab, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]


@dataclass
class Namespaces:
    """Network namespaces by short name."""

    prefix: str

    def run(self, name: str, command: str, *, fails: bool = False) -> str:
        argv = ["ip", "netns", "exec", f"{self.prefix}{name}", *command.split()]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
        assert fails or done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def each(self, name: str, commands: str) -> None:
        for command in commands.strip().splitlines():
            self.run(name, command.strip())

    def succeeds(self, name: str, command: str) -> bool:
        argv = ["ip", "netns", "exec", f"{self.prefix}{name}", *command.split()]
        return subprocess.run(argv, capture_output=True, check=False, timeout=30).returncode == 0


@pytest.fixture
def netns() -> Iterator[Callable[..., Namespaces]]:
    made: list[str] = []

    def make(*names: str) -> Namespaces:
        spaces = Namespaces(f"segaudit-t{os.getpid()}-{next(NUMBERS)}-")
        for name in names:
            subprocess.run(["ip", "netns", "add", f"{spaces.prefix}{name}"], check=True)
            made.append(f"{spaces.prefix}{name}")
            spaces.run(name, "ip link set lo up")
        return spaces

    yield make
    for name in made:
        subprocess.run(["ip", "netns", "del", name], check=False)


def collected(spaces: Namespaces, name: str, vtysh: str = "") -> Device:
    """The device as its own tools print it; FRR's only where ``vtysh`` says how to ask it."""
    files = []
    for command in PLATFORM.commands:
        program, _, rest = command.command.partition(" ")
        if program == "vtysh" and not vtysh:
            continue
        shell = f"{vtysh} {rest}" if program == "vtysh" else command.command
        argv = ["ip", "netns", "exec", f"{spaces.prefix}{name}", "sh", "-c", shell]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
        assert command.optional or done.returncode == 0, done.stderr
        text = done.stdout + (done.stderr if done.returncode else "")
        path = f"devices/{name}/{command.file}"
        files.append(RawFile(path, text, "", command.command, exit_status=done.returncode))
    return parse_device(RawConfig(name, "", tuple(files)))


def router(netns: Callable[..., Namespaces]) -> Namespaces:
    """Host a - router r - host b, both families, forwarding off."""
    spaces = netns("a", "r", "b")
    for host, number in (("a", 1), ("b", 2)):
        spaces.run(host, f"ip link add eth1 type veth peer name to{host} netns {spaces.prefix}r")
        spaces.each(
            host,
            f"""ip address add 10.{number}.0.2/24 dev eth1
                ip address add 2001:db8:{number}::2/64 dev eth1 nodad
                ip link set eth1 up
                ip route add default via 10.{number}.0.1
                ip route add default via 2001:db8:{number}::1""",
        )
        spaces.each(
            "r",
            f"""ip address add 10.{number}.0.1/24 dev to{host}
                ip address add 2001:db8:{number}::1/64 dev to{host} nodad
                ip link set to{host} up""",
        )
    return spaces


NEAR_SIDES = (("a", "10.1.0.1"), ("a", "2001:db8:1::1"), ("b", "10.2.0.1"), ("b", "2001:db8:2::1"))


@pytest.mark.parametrize(
    "settings",
    [
        ("net.ipv4.ip_forward=0", "net.ipv6.conf.all.forwarding=0"),
        ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"),
        (
            "net.ipv4.ip_forward=1",
            "net.ipv6.conf.all.forwarding=1",
            "net.ipv4.conf.toa.forwarding=0",
            "net.ipv6.conf.toa.forwarding=0",
        ),
        (
            "net.ipv4.ip_forward=0",
            "net.ipv6.conf.all.forwarding=0",
            "net.ipv4.conf.toa.forwarding=1",
            "net.ipv4.conf.tob.forwarding=1",
            "net.ipv6.conf.toa.forwarding=1",
            "net.ipv6.conf.tob.forwarding=1",
        ),
    ],
    ids=("off", "on", "all-but-one", "one-by-one"),
)
def test_forwarding_is_what_the_kernel_does(
    netns: Callable[..., Namespaces], settings: tuple[str, ...]
) -> None:
    spaces = router(netns)
    for setting in settings:
        spaces.run("r", f"sysctl -q -w {setting}")
    device = collected(spaces, "r")
    for host, near in NEAR_SIDES:
        answered = (spaces.succeeds(host, f"ping -n -c 1 -W 1 {near}") for _ in range(15))
        assert any(answered), "the control: each host reaches the router's near side"
    for family, target in ((Family.IPV4, "10.2.0.2"), (Family.IPV6, "2001:db8:2::2")):
        # A ping comes in by toa and its answer by tob: both must forward.
        both = all(family in device.interfaces[name].forwarding for name in ("toa", "tob"))
        assert spaces.succeeds("a", f"ping -n -c 2 -i 0.2 -W 1 {target}") is both, family


# ---- routes and rules against `ip route get` ----------------------------------------------------

ROUTES = """
ip link add e1 type veth peer name p1
ip link add e2 type veth peer name p2
ip link add e3 type veth peer name p3
ip address add 10.0.1.1/24 dev e1
ip address add 10.0.2.1/24 dev e2
ip address add 10.0.3.1/24 dev e3
ip link set e1 up
ip link set p1 up
ip link set e2 up
ip link set p2 up
ip link set e3 up
ip route add default via 10.0.1.2
ip route add 10.5.0.0/16 via 10.0.2.2
ip route append 10.5.0.0/16 via 10.0.1.3
ip route add 10.5.0.0/16 via 10.0.1.4 metric 7
ip route add 10.5.1.0/24 via 10.0.3.2
ip route add blackhole 10.6.0.0/16
ip route add unreachable 10.6.1.0/24
ip route add 10.6.1.128/25 via 10.0.2.2
ip route add default via 10.0.2.9 table 100
ip route add throw 10.7.0.0/16 table 100
ip route add 10.8.0.0/16 via 10.0.1.9 table 101
ip route add prohibit 10.9.0.0/16 table 102
ip route add 10.9.1.0/24 via 10.0.1.8 table 102
ip route add 10.0.0.0/8 via 10.0.2.8 table 103
ip rule add from 172.16.0.0/12 lookup 100 priority 100
ip rule add from 172.16.1.0/24 goto 400 priority 90
ip rule add from 172.16.2.0/24 goto 250 priority 91
ip rule add not from 172.16.0.0/12 to 10.8.0.0/16 lookup 101 priority 200
ip rule add from 172.16.2.0/24 to 10.9.0.0/16 lookup 102 priority 250
ip rule add from 172.20.0.0/16 goto 300 priority 92
ip rule add goto 400 priority 210 to 10.10.0.0/16
ip rule add to 10.10.0.0/16 blackhole priority 220
ip rule add from 172.20.0.0/16 lookup main suppress_prefixlength 16 priority 300
ip rule add from 172.20.0.0/16 lookup 103 priority 310
ip rule add iif e3 to 10.11.0.0/16 prohibit priority 320
ip rule add to 10.12.0.0/16 lookup 100 priority 400
sysctl -q -w net.ipv4.conf.all.rp_filter=0
sysctl -q -w net.ipv4.conf.e1.rp_filter=0
sysctl -q -w net.ipv4.conf.e2.rp_filter=0
sysctl -q -w net.ipv4.conf.e3.rp_filter=0
sysctl -q -w net.ipv4.ip_forward=1
"""
SOURCES = ("172.16.0.9", "172.16.1.9", "172.16.2.9", "172.20.0.9", "203.0.113.9")
DESTINATIONS = (
    *("8.8.8.8", "10.0.1.77", "10.5.0.1", "10.5.1.1", "10.6.0.1", "10.6.1.1", "10.6.1.200"),
    *("10.7.0.1", "10.8.0.1", "10.9.0.1", "10.9.1.1", "10.10.0.1", "10.11.0.1", "10.12.0.1", "10.0.1.1"),
)


def test_routes_and_rules_give_what_ip_route_get_gives(netns: Callable[..., Namespaces]) -> None:
    spaces = netns("r")
    spaces.each("r", ROUTES)
    device = collected(spaces, "r")
    assert not [line for line in device.lines if line.fate == "unrecognized"]
    compared = 0
    for source in SOURCES:
        for destination in DESTINATIONS:
            for incoming in ("e1", "e3"):
                command = f"ip route get {destination} from {source} iif {incoming}"
                kernel = answer(spaces.run("r", command, fails=True))
                assert decided(device, source, destination, incoming) == kernel, command
                compared += 1
    assert compared == len(SOURCES) * len(DESTINATIONS) * 2


ROUTES6 = """
ip link add e1 type veth peer name p1
ip link add e2 type veth peer name p2
ip -6 address add 2001:db8:1::1/64 dev e1 nodad
ip -6 address add 2001:db8:2::1/64 dev e2 nodad
ip link set e1 up
ip link set p1 up
ip link set e2 up
ip link set p2 up
sysctl -q -w net.ipv6.conf.all.forwarding=1
ip -6 route add default via 2001:db8:1::2
ip -6 route add 2001:db8:5::/48 via 2001:db8:2::2 metric 9
ip -6 route add 2001:db8:5::/48 via 2001:db8:1::3 metric 8
ip -6 route add blackhole 2001:db8:6::/48
ip -6 route add 2001:db8:6:1::/64 via 2001:db8:2::3
ip -6 route add throw 2001:db8:7::/48 table 100
ip -6 route add default via 2001:db8:2::9 table 100
ip -6 route add unreachable 2001:db8:8::/48 table 101
ip -6 rule add from 2001:db8:f::/48 goto 300 priority 90
ip -6 rule add from 2001:db8:e::/47 lookup 100 priority 100
ip -6 rule add not from 2001:db8:e::/47 to 2001:db8:8::/48 lookup 101 priority 200
ip -6 rule add from 2001:db8:f::/48 lookup main suppress_prefixlength 0 priority 300
ip -6 rule add from 2001:db8:f::/48 prohibit priority 310
"""
SOURCES6 = ("2001:db8:e::9", "2001:db8:f::9", "2001:db8:99::9")
DESTINATIONS6 = tuple(
    f"2001:db8:{rest}" for rest in ("5::1", "6::1", "6:1::1", "7::1", "8::1", "1::7", "1::1", "77::1")
)


def test_ipv6_routes_and_rules_give_what_ip_route_get_gives(netns: Callable[..., Namespaces]) -> None:
    spaces = netns("r")
    spaces.each("r", ROUTES6)
    device = collected(spaces, "r")
    for source in SOURCES6:
        for destination in DESTINATIONS6:
            command = f"ip -6 route get {destination} from {source} iif e1"
            kernel = answer(spaces.run("r", command, fails=True))
            assert decided(device, source, destination, "e1") == kernel, command


def answer(text: str) -> tuple[str, ...]:
    """``ip route get``'s answer as (gateway or "", interface), ("local",) or () for no way."""
    parts = text.split()
    if not parts or parts[0] in ("unreachable", "prohibit", "blackhole"):
        return ()
    if parts[0] == "local":
        return ("local",)
    gateway = parts[parts.index("via") + 1] if "via" in parts else ""
    return gateway, parts[parts.index("dev") + 1]


def decided(device: Device, source: str, destination: str, incoming: str) -> tuple[str, ...]:
    """What the model's rules and routes say, by the plainest reading of their docstrings."""
    family, target = parse_address(destination)
    packet = (parse_address(source)[1], target, incoming)
    for rule in sorted(device.rules, key=lambda rule: rule.priority):
        if rule.family is not family or not holds(rule.matches, packet):
            continue
        if rule.table is None:
            return ()
        route = longest(device, family, rule.table, target)
        if route is None or route.kind is RouteKind.THROW:
            continue
        if route.kind is RouteKind.LOCAL:
            return ("local",)
        if route.kind is not RouteKind.UNICAST:
            return ()
        (hop,) = route.next_hops
        gateway = "" if hop.address is None else str(family.address(hop.address))
        return gateway, hop.interface or "?"
    return ()


def longest(device: Device, family: Family, table: str, destination: int) -> Route | None:
    fitting = [
        route
        for route in device.routes
        if route.family is family
        and route.table == table
        and destination >> (family.bits - route.prefix_length)
        == route.prefix >> (family.bits - route.prefix_length)
    ]
    return max(fitting, key=lambda route: (route.prefix_length, -route.preference), default=None)


def holds(matches: Matches, packet: tuple[int, int, str]) -> bool:
    source, destination, incoming = packet
    match matches:
        case AnyPacket():
            return True
        case AddressIn(end, _, ranges):
            value = source if end is End.SOURCE else destination
            return any(first <= value <= last for first, last in ranges)
        case InterfaceIn(direction, names):
            return direction is Direction.IN and incoming in names
        case AllOf(of):
            return all(holds(part, packet) for part in of)
        case AnyOf(of):
            return any(holds(part, packet) for part in of)
        case Not(of):
            return not holds(of, packet)
        case _:
            raise AssertionError(matches)


def test_dead_hops_are_those_that_the_kernel_passes_over(netns: Callable[..., Namespaces]) -> None:
    spaces = netns("r")
    spaces.each(
        "r",
        """ip link add e1 type veth peer name p1
           ip link add e2 type veth peer name p2
           ip address add 10.0.1.1/24 dev e1
           ip address add 10.0.2.1/24 dev e2
           ip link set e1 up
           ip link set p1 up
           ip link set e2 up
           ip link set p2 up
           ip route add 10.5.0.0/16 via 10.0.1.2
           ip route add 10.5.1.0/24 via 10.0.2.2
           ip link set p2 down
           sysctl -q -w net.ipv4.conf.all.ignore_routes_with_linkdown=1
           sysctl -q -w net.ipv4.ip_forward=1""",
    )
    for ignore in (1, 0):
        spaces.run("r", f"sysctl -q -w net.ipv4.conf.e2.ignore_routes_with_linkdown={ignore}")
        spaces.run("r", f"sysctl -q -w net.ipv4.conf.all.ignore_routes_with_linkdown={ignore}")
        device = collected(spaces, "r")
        kernel = answer(spaces.run("r", "ip route get 10.5.1.1 from 203.0.113.9 iif e1", fails=True))
        assert decided(device, "203.0.113.9", "10.5.1.1", "e1") == kernel
        assert kernel == (("10.0.1.2", "e1") if ignore else ("10.0.2.2", "e2"))
        assert not device.interfaces["e2"].operational


def test_bridges_neighbours_and_proxies_as_printed_here(netns: Callable[..., Namespaces]) -> None:
    spaces = netns("r")
    spaces.each(
        "r",
        """ip link add br0 type bridge
           ip link add e1 type veth peer name p1
           ip link set e1 master br0
           ip link set e1 up
           ip link set p1 up
           ip link set br0 up
           ip address add 10.0.1.1/24 dev br0
           ip neighbour add 10.0.1.2 lladdr 02:00:00:00:00:02 dev br0 nud permanent
           ip neighbour add proxy 10.0.1.9 dev br0""",
    )
    device = collected(spaces, "r")
    assert device.interfaces["e1"].bridge == "br0"
    assert device.interfaces["e1"].switchport == device.interfaces["br0"].switchport
    assert [entry.mac for entry in device.neighbours] == ["02:00:00:00:00:02"]
    assert device.interfaces["br0"].proxy_arp
    assert not device.interfaces["e1"].proxy_arp
    assert [line for line in device.lines if not line.bounded] == []


def test_the_sysctl_command_tells_every_setting_that_the_kernel_has(
    netns: Callable[..., Namespaces],
) -> None:
    spaces = netns("r")
    command = next(command for command in PLATFORM.commands if command.file == SYSCTL)
    argv = ["ip", "netns", "exec", f"{spaces.prefix}r", "sh", "-c", command.command]
    told = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30).stdout
    for name in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding", "net.ipv4.conf.lo.rp_filter"):
        assert f"{name} = " in told
    assert "secret" not in told


# ---- past the routes and filters ----------------------------------------------------------------

MIRROR = "protocol ip u32 match u32 0 0 action mirred egress mirror dev tob"
BYPASSES = {
    "clsact": ("tc qdisc add dev toa clsact", f"tc filter add dev toa ingress {MIRROR}"),
    "ingress": ("tc qdisc add dev toa ingress", f"tc filter add dev toa parent ffff: {MIRROR}"),
    "htb": ("tc qdisc add dev toa root htb", f"tc filter add dev toa {MIRROR}"),
}


def supports(spaces: Namespaces, name: str, *commands: str) -> None:
    """Run the commands, or skip the test where this kernel refuses one."""
    if shutil.which("tc") is None:
        pytest.skip("not installed: tc")
    for command in commands:
        if not spaces.succeeds(name, command):
            pytest.skip(f"this kernel refuses: {command}")


def doubts(device: Device, name: str) -> list[str]:
    return [line.reason for line in device.lines if not line.bounded and line.span.file.endswith(name)]


@pytest.mark.parametrize("kind", BYPASSES)
def test_traffic_control_moves_packets_of_a_device_that_forwards_nothing(
    netns: Callable[..., Namespaces], kind: str
) -> None:
    spaces = netns("a", "r", "b")
    for name in ("a", "r", "b"):
        spaces.run(
            name, "sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1"
        )
    for host in ("a", "b"):
        spaces.run(host, f"ip link add eth1 type veth peer name to{host} netns {spaces.prefix}r")
        spaces.run(host, "ip link set eth1 up")
        spaces.run("r", f"ip link set to{host} up")
    spaces.run("a", "ip address add 10.1.0.2/24 dev eth1")
    spaces.run("r", "ip address add 10.1.0.1/24 dev toa")
    spaces.run("r", "sysctl -q -w net.ipv4.ip_forward=0")

    def heard_by_b() -> int:
        before = int(spaces.run("b", "cat /sys/class/net/eth1/statistics/rx_packets"))
        assert spaces.succeeds("a", "ping -n -c 3 -i 0.2 -W 1 10.1.0.1")
        return int(spaces.run("b", "cat /sys/class/net/eth1/statistics/rx_packets")) - before

    assert heard_by_b() == 0, "the control: the device forwards nothing"
    assert doubts(collected(spaces, "r"), "") == []
    supports(spaces, "r", *BYPASSES[kind])
    assert heard_by_b() >= 3
    (doubt,) = doubts(collected(spaces, "r"), "")
    assert f"{kind} on toa" in doubt


TAKE_NO_FILTERS = ("noqueue", "pfifo", "bfifo", "pfifo_fast", "mq", "tbf", "fq", "codel", "pie", "netem")


@pytest.mark.parametrize("kind", TAKE_NO_FILTERS)
def test_the_kernel_refuses_filters_where_none_are_looked_for(
    netns: Callable[..., Namespaces], kind: str
) -> None:
    spaces = netns("r")
    spaces.each("r", "ip link add toa type veth peer name tob\nip link set toa up\nip link set tob up")
    supports(spaces, "r", "tc qdisc add dev tob root htb", f"tc filter add dev tob {MIRROR}")
    spaces.run("r", "tc qdisc del dev tob root")
    options = {"tbf": " rate 1mbit burst 32kbit latency 400ms"}.get(kind, "")
    supports(spaces, "r", f"tc qdisc replace dev toa root {kind}{options}")
    device = collected(spaces, "r")
    assert kind in " ".join(line.text for line in device.lines if line.span.file.endswith("tc-qdisc.json"))
    assert doubts(device, "") == []
    assert not spaces.succeeds("r", f"tc filter add dev toa {MIRROR}")


def test_ipsec_policies_as_printed_here(netns: Callable[..., Namespaces]) -> None:
    spaces = netns("r")
    assert doubts(collected(spaces, "r"), "") == []
    ends = "src 10.1.0.0/16 dst 10.2.0.0/16"
    tunnel = "tmpl src 192.0.2.1 dst 192.0.2.2 proto esp mode tunnel reqid 1"
    supports(spaces, "r", f"ip xfrm policy add {ends} dir out {tunnel}")
    spaces.run("r", f"ip xfrm policy add {ends} dir fwd priority 7 {tunnel}")
    spaces.run("r", "ip xfrm policy add src 2001:db8::/32 dst ::/0 dir in action block")
    device = collected(spaces, "r")
    assert doubts(device, "") == ["IPsec may carry packets past the routes and filters"] * 3
    assert not [line for line in device.lines if line.fate == "unrecognized"]


MULTICAST_ROUTE = """
import socket, struct
four = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
four.setsockopt(socket.IPPROTO_IP, 200, 1)  # MRT_INIT
six = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
six.setsockopt(socket.IPPROTO_IPV6, 200, 1)
for number, name in enumerate(("e1", "e2")):
    index = socket.if_nametoindex(name)
    four.setsockopt(socket.IPPROTO_IP, 202, struct.pack("=HBBIi4s", number, 8, 1, 0, index, bytes(4)))
    six.setsockopt(socket.IPPROTO_IPV6, 202, struct.pack("=HBBHxxI", number, 0, 1, index, 0))
ends = socket.inet_aton("10.0.1.9") + socket.inet_aton("239.1.1.1")
route = struct.pack("=8sH32sxxIIIi", ends, 0, bytes((0, 1)) + bytes(30), 0, 0, 0, 0)
four.setsockopt(socket.IPPROTO_IP, 204, route)  # MRT_ADD_MFC
ends = b"".join(
    struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, socket.inet_pton(socket.AF_INET6, text), 0)
    for text in ("2001:db8:1::9", "ff0e::1")
)
six.setsockopt(socket.IPPROTO_IPV6, 204, struct.pack("=56sHxxI28s", ends, 0, 2, bytes(28)))
print("added", flush=True)
input()
"""


def test_multicast_routes_as_printed_here(netns: Callable[..., Namespaces]) -> None:
    spaces = netns("r")
    spaces.each(
        "r",
        """ip link add e1 type veth peer name p1
           ip link add e2 type veth peer name p2
           ip address add 10.0.1.1/24 dev e1
           ip address add 10.0.2.1/24 dev e2
           ip link set e1 up
           ip link set p1 up
           ip link set e2 up
           ip link set p2 up""",
    )
    assert doubts(collected(spaces, "r"), "") == []
    argv = ["ip", "netns", "exec", f"{spaces.prefix}r", sys.executable, "-c", MULTICAST_ROUTE]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as daemon:
        try:
            assert daemon.stdout is not None
            if daemon.stdout.readline() != "added\n":
                pytest.skip("this kernel has no multicast routing")
            device = collected(spaces, "r")
        finally:
            daemon.kill()
    for name in ("ip-mroute4.json", "ip-mroute6.json"):
        assert doubts(device, name) == ["multicast is forwarded by routes that are not modelled"]


# ---- FRR ----------------------------------------------------------------------------------------

STATIC_LINES = """
ip route 10.20.0.0/16 10.0.1.2
ip route 10.20.0.0/16 10.0.1.3
ip route 10.21.0.0/16 Null0
ip route 10.22.0.0/16 10.20.1.1
ip route 10.23.0.0/16 e1
ip route 10.24.0.0/16 10.0.1.4 e1 tag 5 200
ip route 10.25.0.0/16 192.0.2.1
ipv6 route 2001:db8:20::/48 2001:db8:1::2
ipv6 route 2001:db8:21::/48 fe80::1 e1
ipv6 route 2001:db8:22::/48 reject
"""
FRR_FOLDER = Path("/usr/lib/frr")


@pytest.fixture
def frr_folder() -> Iterator[Path]:
    """A short-named folder for FRR's sockets; its daemons are stopped by their pid files."""
    folder = Path(tempfile.mkdtemp(prefix="sa"))
    shutil.chown(folder, "frr", "frr")
    yield folder
    for pid_file in folder.glob("*.pid"):
        with contextlib.suppress(ProcessLookupError, ValueError):
            os.kill(int(pid_file.read_text()), signal.SIGTERM)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.skipif(not (FRR_FOLDER / "staticd").exists(), reason="FRR is not installed")
def test_routes_of_a_real_frr_cite_their_lines(netns: Callable[..., Namespaces], frr_folder: Path) -> None:
    spaces = netns("r")
    spaces.each(
        "r",
        """ip link add e1 type veth peer name p1
           ip address add 10.0.1.1/24 dev e1
           ip address add 2001:db8:1::1/64 dev e1 nodad
           ip link set e1 up
           ip link set p1 up""",
    )
    config = frr_folder / "frr.conf"
    config.write_text(STATIC_LINES)
    shutil.chown(config, "frr", "frr")
    for daemon in ("zebra", "staticd"):
        spaces.run(
            "r",
            f"{FRR_FOLDER / daemon} -d -f {config} -i {frr_folder / daemon}.pid "
            f"-z {frr_folder}/zserv --vty_socket {frr_folder}",
        )
    installed = "10.24.0.0/16"
    for _ in range(100):
        if installed in spaces.run("r", "ip route show"):
            break
        time.sleep(0.1)
    device = collected(spaces, "r", f"vtysh --vty_socket {frr_folder}")
    shown = {
        line.span.first_line: line for line in device.lines if line.span.file.endswith("running-config.txt")
    }
    static = {str(route): route for route in device.routes if route.protocol == "static"}
    expected = {line.split()[2] for line in STATIC_LINES.strip().splitlines()} - {"10.25.0.0/16"}
    assert set(static) == expected
    assert all(route.config_span for route in static.values())
    # The one route whose gateway is nowhere is configured and not installed.
    unused = [line.text for line in shown.values() if "not in the kernel" in line.reason]
    assert unused == ["ip route 10.25.0.0/16 192.0.2.1"]
    assert [line for line in device.lines if not line.bounded] == []
