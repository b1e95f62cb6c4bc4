"""Random routes, routing rules and reverse-path filters, one command per line."""

from __future__ import annotations

from oracle.lines import Dice, Line
from oracle.words import FAR_NETS, INTERFACES, near, some_address

from segaudit.model.flow import Family


def _via(dice: Dice, family: Family) -> str:
    wire = dice.random.randrange(4)
    return f"via {near(family, wire, dice.random.choice((2, 3)))} dev {INTERFACES[wire]}"


def _route(dice: Dice, family: Family, net: str, table: str) -> str:
    kind = dice.random.random()
    if kind < 0.15:
        return f"-{int(family)} route add {dice.pick('blackhole', 'unreachable', 'prohibit', 'throw')} {net} table {table}"  # noqa: E501
    if kind < 0.25:
        return f"-{int(family)} route add {net} table {table} nexthop {_via(dice, family)} nexthop {_via(dice, family)}"  # noqa: E501
    metric = f" metric {dice.pick('5', '50')}" if dice.chance(0.2) else ""
    return f"-{int(family)} route add {net} {_via(dice, family)} table {table}{metric}"


def _selector(dice: Dice, family: Family) -> str:
    wire = dice.random.randrange(4)
    near_net = f"10.1.{wire}.0/24" if family is Family.IPV4 else f"2001:db8:{wire}::/64"
    net = dice.pick(*FAR_NETS[family], near_net, some_address(dice.random, family, 0))
    return dice.pick(
        f"from {net}", f"to {net}", f"iif {dice.pick(*INTERFACES)}", f"from {net} iif {dice.pick(*INTERFACES)}",  # noqa: E501
        "ipproto tcp", "ipproto tcp dport 80", "ipproto udp dport 22-443", "ipproto udp sport 2000-9000",
        "fwmark 1", "fwmark 1", "fwmark 2", "not fwmark 0", "fwmark 0x3/0xff", "tos 0x10",
        f"not from {net}", f"not to {net}",
        f"from {net} ipproto tcp dport 443", "dport 80",
    )  # fmt: skip


def _rule(dice: Dice, family: Family, number: int) -> str:
    ways = [f"table {dice.pick('100', '101')}"] * 6
    ways += ["blackhole", "unreachable", "prohibit", "table main suppress_prefixlength 0", "table main"]
    return (
        f"-{int(family)} rule add pref {100 + number} {_selector(dice, family)} {dice.random.choice(ways)}"
    )


def routing_lines(dice: Dice) -> list[Line]:
    """A default route and some others per family; sometimes rules with tables of their own."""
    lines = []
    for family in Family:
        if dice.chance(0.8):
            lines.append(f"-{int(family)} route add default {_via(dice, family)}")
        lines += [_route(dice, family, net, "main") for net in FAR_NETS[family] if dice.chance(0.5)]
        if dice.chance(0.4):
            for table in ("100", "101"):
                nets = (*FAR_NETS[family], "default")
                lines += [_route(dice, family, net, table) for net in nets if dice.chance(0.4)]
            lines += [_rule(dice, family, number) for number in range(dice.random.randint(1, 4))]
    made = [Line("ip", line) for line in lines]
    for interface in INTERFACES:
        mode = dice.random.choice((0, 0, 0, 1, 2))
        made.append(Line("sysctl", f"net.ipv4.conf.{interface}.rp_filter={mode}"))
    if dice.chance(0.1):
        made.append(Line("sysctl", f"net.ipv4.conf.{dice.pick(*INTERFACES)}.forwarding=0"))
    return made
