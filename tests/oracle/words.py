"""The addresses, ports and names that random rulesets and random packets are made of.

Few values, near each other's boundaries, so that rules and packets meet often.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from ipaddress import ip_address

from segaudit.model.flow import Family, Flow

INTERFACES = ("eth0", "eth1", "lan0", "lan1")
NETWORKS = {Family.IPV4: "10.1.{}.{}", Family.IPV6: "2001:db8:{}::{:x}"}
HOSTS = range(2, 32)
"""Host numbers on each wire for which the router has a neighbour entry."""

FAR = {
    Family.IPV4: ("10.20.0.7", "10.20.5.9", "10.20.5.200", "192.168.5.9", "203.0.113.7", "172.16.9.1"),
    Family.IPV6: ("2001:db8:20::7", "2001:db8:20:5::9", "fd00:5::1", "fd00:6::9", "2001:db8:ffff::7"),
}
FAR_NETS = {
    Family.IPV4: (
        "10.20.0.0/16",
        "10.20.5.0/24",
        "192.168.0.0/16",
        "192.168.5.0/24",
        "203.0.113.0/24",
        "10.0.0.0/8",
    ),
    Family.IPV6: ("2001:db8:20::/48", "2001:db8:20:5::/64", "fd00::/8", "fd00:5::/32", "2001:db8::/32"),
}
ODD = {
    Family.IPV4: (
        "10.1.1.1",
        "10.1.2.255",
        "10.1.0.255",
        "224.0.0.9",
        "127.0.0.1",
        "255.255.255.255",
        "0.0.0.0",
    ),
    Family.IPV6: ("2001:db8:1::1", "fe80::1", "ff02::9", "ff0e::9", "::1", "::", "2001:db8:2::"),
}
PORTS = (1, 22, 23, 53, 79, 80, 81, 90, 443, 444, 1023, 1024, 8080, 40000, 65535)
FLAGS = (2, 2, 2, 16, 18, 4, 1, 17, 20, 0, 41, 3, 24, 194)


def near(family: Family, wire: int, host: int) -> str:
    """The address of a host on a wire."""
    return NETWORKS[family].format(wire, host)


def some_address(dice: random.Random, family: Family, odd: float = 0.04) -> str:
    """An address that rules and packets have in common."""
    if dice.random() < odd:
        return dice.choice(ODD[family])
    if dice.random() < 0.5:
        return near(family, dice.randrange(4), dice.choice((2, 3, 9, 10, 11, 31)))
    return dice.choice(FAR[family])


@dataclass(frozen=True, slots=True)
class Sending:
    """A packet sent into the router on an interface; ``whole``: a later fragment after its first."""

    interface: str
    flow: Flow
    whole: bool = False


def sendings(dice: random.Random, families: tuple[Family, ...], count: int) -> list[Sending]:
    """Packets of all kinds; the source port is unique where there is one, so that each is fresh."""
    made = []
    for number in range(count):
        family = dice.choice(families)
        ends = [int(ip_address(some_address(dice, family))) for _ in range(2)]
        protocol = dice.choice((6, 6, 6, 17, 17, 1 if family is Family.IPV4 else 58, 132, 89, 47, 253))
        flow = _flow(dice, family, protocol, ends[0], ends[1], number)
        whole = flow.fragment and dice.random() < 0.5
        made.append(Sending(dice.choice(INTERFACES), flow, whole))
    return made


def _flow(
    dice: random.Random, family: Family, protocol: int, source: int, destination: int, number: int
) -> Flow:
    fragment = dice.random() < 0.08
    if protocol in (6, 17, 132):
        port = dice.choice(PORTS) if dice.random() < 0.2 else 2000 + number % 60000
        ports = port, dice.choice(PORTS)
        flags = dice.choice(FLAGS) if protocol == 6 else 0
        return Flow(family, protocol, source, destination, *ports, tcp_flags=flags, fragment=fragment)
    if protocol in (1, 58):
        kinds: tuple[int, ...] = (
            (8, 8, 8, 0, 3, 5, 11, 13, 17)
            if protocol == 1
            else (128, 128, 128, 129, 1, 2, 3, 133, 135, 143)
        )
        kinds = kinds[:3] if fragment else kinds  # what the router says of a fragment shows no such type
        code = dice.choice((0, 0, 0, 1, 3))
        return Flow(
            family, protocol, source, destination, 0, 0, dice.choice(kinds), code, fragment=fragment
        )
    return Flow(family, protocol, source, destination, fragment=fragment)
