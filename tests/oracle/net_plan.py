"""A random network of routers: who is on which wire, and every router's configuration as lines."""

from __future__ import annotations

import random
import re
from collections import deque
from dataclasses import dataclass

from oracle.lines import Dice, Line
from oracle.random_iptables import iptables_lines
from oracle.random_nft import nft_lines
from oracle.words import FAR, FAR_NETS, INTERFACES, near

from segaudit.model.flow import Family


@dataclass(frozen=True, slots=True, order=True)
class Port:
    """An interface of a router on a wire."""

    router: int
    interface: str
    wire: int

    @property
    def device(self) -> str:
        """The router's name."""
        return f"r{self.router}"


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """Routers 1 to ``routers``; ``stubs`` are the wires where packets can be put in."""

    routers: int
    ports: tuple[Port, ...]
    stubs: tuple[int, ...]
    lines: dict[int, tuple[Line, ...]]

    def on(self, wire: int) -> list[Port]:
        """The ports on a wire."""
        return [port for port in self.ports if port.wire == wire]

    def of(self, router: int) -> list[Port]:
        """The ports of a router."""
        return [port for port in self.ports if port.router == router]

    @property
    def wires(self) -> range:
        """All wires."""
        return range(max(port.wire for port in self.ports) + 1)


MOST_PORTS = len(INTERFACES)


def network_plan(seed: int, smallest: int = 3, largest: int = 8) -> NetworkPlan:
    """The network of a seed."""
    dice = random.Random(seed)
    routers = dice.randint(smallest, largest)
    members = _wires(dice, routers)
    ports: list[Port] = []
    for wire, on in enumerate(members):
        for router in on:
            used = sum(port.router == router for port in ports)
            ports.append(Port(router, INTERFACES[used], wire))
    stubs = tuple(wire for wire, on in enumerate(members) if len(on) == 1)
    bare = NetworkPlan(routers, tuple(ports), stubs, {})
    nat, rules = dice.random() < 0.4, dice.random() < 0.4
    lines = {router: tuple(_lines(dice, bare, router, nat, rules)) for router in range(1, routers + 1)}
    return NetworkPlan(routers, bare.ports, stubs, lines)


def _wires(dice: random.Random, routers: int) -> list[tuple[int, ...]]:
    """Who is on each wire: a tree, some more links, and a wire of its own for some routers."""
    free = dict.fromkeys(range(1, routers + 1), MOST_PORTS)
    wires: list[tuple[int, ...]] = []

    def join(*on: int) -> None:
        wires.append(on)
        for router in on:
            free[router] -= 1

    for router in range(2, routers + 1):
        before = [other for other in range(1, router) if free[other] > 1]
        if len(before) > 1 and dice.random() < 0.15:
            join(*dice.sample(before, 2), router)
        else:
            join(dice.choice(before or [router - 1]), router)
    for _ in range(dice.randint(0, routers // 2)):
        able = [router for router in free if free[router] > 1]
        if len(able) > 1:
            join(*dice.sample(able, 2))
    able = [router for router in free if free[router] > 0]
    for router in dice.sample(able, min(len(able), dice.randint(2, 4))):
        join(router)
    return wires


def _lines(dice: random.Random, plan: NetworkPlan, router: int, nat: bool, rules: bool) -> list[Line]:
    lines = []
    for family in Family:
        lines += _routes(dice, plan, router, family, "main")
        if rules and dice.random() < 0.4:
            lines += _routes(dice, plan, router, family, "100")
            net = _net(family, dice.choice(plan.wires))
            own = dice.choice(plan.of(router)).interface
            selector = dice.choice(
                (
                    f"from {net}",
                    f"to {net}",
                    f"iif {own}",
                    "ipproto tcp",
                    "ipproto udp dport 53",
                    "fwmark 1",
                    "fwmark 2/0x2",
                    "not fwmark 0",
                )
            )
            lines.append(f"-{int(family)} rule add pref 100 {selector} table 100")
    made = [Line("ip", line) for line in lines]
    for port in plan.of(router):
        if dice.random() < 0.2:
            made.append(Line("sysctl", f"net.ipv4.conf.{port.interface}.rp_filter={dice.choice((1, 2))}"))
    if dice.random() < 0.65:
        made += _filters(dice, plan, nat)
    return made


_HOP_LIMIT = re.compile(r"--(ttl|hl)-(set|inc)|(ttl|hoplimit) set")


def _filters(dice: random.Random, plan: NetworkPlan, nat: bool) -> list[Line]:
    """A random ruleset, with its four wires turned into four of the network's.

    None that sets a hop limit: where routes go round, its packets would never end.
    """
    rules = Dice(dice)
    made = rules.random.choice((nft_lines, iptables_lines))(rules, nat and dice.random() < 0.5, 0.0)
    made = [line for line in made if "legacy" not in line.program and not _HOP_LIMIT.search(line.text)]
    turned = dice.choices(list(plan.wires), k=4)
    return [Line(line.program, _turned(line.text, turned)) for line in made]


def _turned(text: str, wires: list[int]) -> str:
    text = re.sub(r"\b10\.1\.([0-3])\.", lambda found: f"10.1.{wires[int(found[1])]}.", text)
    return re.sub(r"\b2001:db8:([0-3])::", lambda found: f"2001:db8:{wires[int(found[1])]:x}::", text)


def _net(family: Family, wire: int) -> str:
    return f"10.1.{wire}.0/24" if family is Family.IPV4 else f"2001:db8:{wire:x}::/64"


def wire_address(family: Family, wire: int, host: int) -> str:
    """The address of a host on a wire of the network."""
    return near(family, wire, host) if family is Family.IPV4 else f"2001:db8:{wire:x}::{host:x}"


def _routes(dice: random.Random, plan: NetworkPlan, router: int, family: Family, table: str) -> list[str]:
    """Mostly the shortest ways; some wrong, missing, black or several."""
    ways = _neighbours(plan, router)
    lines = []
    own = {port.wire for port in plan.of(router)}
    towards = _distances(plan, router)
    for wire in plan.wires:
        if wire in own or dice.random() < (0.12 if table == "main" else 0.5):
            continue
        lines.append(_way(dice, family, _net(family, wire), table, towards.get(wire, ways), ways))
    for net in ("default", *FAR_NETS[family]):
        if dice.random() < (0.6 if net == "default" else 0.15):
            lines.append(_way(dice, family, net, table, ways, ways))
    return [line for line in lines if line]


Way = tuple[int, Port]
"""A neighbouring router and the port that leads to it."""


def _way(
    dice: random.Random, family: Family, net: str, table: str, best: list[Way], any_way: list[Way]
) -> str:
    kind = dice.random()
    if kind < 0.04:
        return f"-{int(family)} route add {dice.choice(('blackhole', 'unreachable'))} {net} table {table}"
    if kind < 0.08 and len(any_way) > 1:
        hops = " ".join(f"nexthop {_hop(family, way)}" for way in dice.sample(any_way, 2))
        return f"-{int(family)} route add {net} table {table} {hops}"
    return f"-{int(family)} route add {net} {_hop(family, dice.choice(best if kind < 0.9 else any_way))} table {table}"  # noqa: E501


def _hop(family: Family, way: Way) -> str:
    neighbour, port = way
    return f"via {wire_address(family, port.wire, neighbour)} dev {port.interface}"


def _neighbours(plan: NetworkPlan, router: int) -> list[Way]:
    return [
        (other.router, port)
        for port in plan.of(router)
        for other in plan.on(port.wire)
        if other.router != router
    ]


def _distances(plan: NetworkPlan, router: int) -> dict[int, list[Way]]:
    """Per wire the first steps of a shortest way to it."""
    found: dict[int, list[Way]] = {}
    seen = {router}
    queue = deque((way[0], way) for way in _neighbours(plan, router))
    while queue:
        at, first = queue.popleft()
        if at in seen:
            continue
        seen.add(at)
        for port in plan.of(at):
            found.setdefault(port.wire, [first])
        queue.extend((other, first) for other, _ in _neighbours(plan, at))
    return found


def network_address(dice: random.Random, plan: NetworkPlan, family: Family) -> str:
    """An address that exists somewhere, or lies outside."""
    if dice.random() < 0.08:
        return dice.choice(FAR[family])
    wire = dice.choice(plan.stubs if dice.random() < 0.8 else list(plan.wires))
    return wire_address(family, wire, dice.choice((9, 10, 11, 30, 31)))
