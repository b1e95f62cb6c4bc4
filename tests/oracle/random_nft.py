"""Random nftables rulesets, one command per line."""

from __future__ import annotations

from collections.abc import Callable

from oracle.lines import Dice, Line
from oracle.words import FAR_NETS, INTERFACES, PORTS, near, some_address

from segaudit.model.flow import Family

SETS = {Family.IPV4: ("a4", "n4"), Family.IPV6: ("a6", "n6")}


def address(dice: Dice, family: Family) -> str:
    return some_address(dice.random, family)


def addresses(dice: Dice, family: Family) -> str:
    """One address, a prefix, a range, or a set of such."""
    kind = dice.random.randrange(5)
    if kind == 0:
        return address(dice, family)
    if kind == 1:
        return dice.pick(*FAR_NETS[family], _wire(dice, family))
    if kind == 2:
        wire = dice.random.randrange(4)
        return f"{near(family, wire, 3)}-{near(family, wire, dice.random.choice((9, 10, 30)))}"
    if kind == 3:
        return "{ " + ", ".join(dice.some(tuple({address(dice, family) for _ in range(4)}), 3)) + " }"
    return "{ " + ", ".join((_wire(dice, family), dice.pick(*FAR_NETS[family][:5:2]))) + " }"


def _wire(dice: Dice, family: Family) -> str:
    number = dice.random.randrange(4)
    return f"10.1.{number}.0/24" if family is Family.IPV4 else f"2001:db8:{number}::/64"


def port(dice: Dice) -> str:
    return str(dice.random.choice(PORTS))


def ports(dice: Dice) -> str:
    kind = dice.random.randrange(5)
    if kind == 0:
        return port(dice)
    if kind == 1:
        low, high = sorted(dice.random.sample(PORTS, 2))
        return f"{low}-{high}"
    if kind == 2:
        return dice.pick(">= ", "< ", "> ", "<= ") + str(dice.random.choice(PORTS[1:-1]))
    if kind == 3:
        return "{ " + ", ".join(map(str, dice.random.sample(PORTS, 3))) + " }"
    return "{ " + f"{port(dice)}, 81-443" + " }"


def _negation(dice: Dice, value: str) -> str:
    return f"!= {value}" if dice.chance(0.25) and value[0] not in "<>" else value


def _ip(dice: Dice, family: Family) -> str:
    return "ip" if family is Family.IPV4 else "ip6"


def _address_match(dice: Dice, family: Family) -> str:
    end = dice.pick("saddr", "daddr")
    return f"{_ip(dice, family)} {end} {_negation(dice, addresses(dice, family))}"


def _masked_address(dice: Dice, family: Family) -> str:
    if family is Family.IPV6:
        return f"ip6 {dice.pick('saddr', 'daddr')} & ::ff == ::{dice.pick('9', 'a', '7')}"
    return f"ip {dice.pick('saddr', 'daddr')} & 255.0.0.255 {dice.pick('==', '!=')} 10.0.0.{dice.pick('9', '2', '7')}"  # noqa: E501


def _named_set(dice: Dice, family: Family) -> str:
    end = dice.pick("saddr", "daddr")
    return f"{_ip(dice, family)} {end} {dice.pick('', '!= ')}@{dice.pick(*SETS[family])}"


def _port_match(dice: Dice, family: Family) -> str:
    protocol = dice.pick("tcp", "tcp", "udp", "sctp", "th")
    return f"{protocol} {dice.pick('dport', 'dport', 'sport')} {_negation(dice, ports(dice))}"


def _flags(dice: Dice, family: Family) -> str:
    return dice.pick(
        "tcp flags syn",
        "tcp flags == syn",
        "tcp flags != syn",
        "tcp flags ! syn",
        "tcp flags & (fin|syn|rst|ack) == syn",
        "tcp flags & (syn|ack) != (syn|ack)",
        "tcp flags syn,ack / fin,syn,rst,ack",
        "tcp flags { syn, syn|ack, rst }",
        "tcp flags & (syn|rst) == 0x0",
    )


def _icmp(dice: Dice, family: Family) -> str:
    if family is Family.IPV4:
        return dice.pick(
            "icmp type echo-request",
            "icmp type { 8, 11, 3 }",
            "icmp type != echo-request",
            "icmp code 0",
            "icmp type 3 icmp code { 1, 3 }",
            "icmp type >= 8",
            "icmp type . icmp code { 8 . 0, 3 . 1 }",
        )
    return dice.pick(
        "icmpv6 type echo-request",
        "icmpv6 type { 128, 1, 3, 135 }",
        "icmpv6 type != echo-request",
        "icmpv6 code 0",
        "icmpv6 type 1 icmpv6 code { 1, 3 }",
        "icmpv6 type < 128",
    )


def _protocol(dice: Dice, family: Family) -> str:
    word = dice.pick(
        "tcp", "udp", "sctp", "89", "{ tcp, udp }", "{ 47, 253, 132 }", "!= udp", "!= { 6, 17 }"
    )
    if family is Family.IPV4:
        return f"{dice.pick('meta l4proto', 'ip protocol')} {word}"
    return f"{dice.pick('meta l4proto', 'ip6 nexthdr')} {word}"


def _interface(dice: Dice, family: Family) -> str:
    name = dice.pick(*INTERFACES)
    return dice.pick(
        f"iifname {name}",
        f"oifname {name}",
        f"iif {name}",
        f"oif != {name}",
        f"iifname != {name}",
        'iifname "eth*"',
        'oifname "lan*"',
        'oifname != "eth*"',
        "iifname { eth0, lan1 }",
        "oifname { eth1, lan0 }",
        "iif . oif { eth0 . lan0, eth1 . lan1, lan0 . eth0 }",
        "iifname . oifname { eth0 . eth1, lan1 . eth0 }",
    )


def _state(dice: Dice, family: Family) -> str:
    return dice.pick(
        "ct state new",
        "ct state established,related",
        "ct state { established, related }",
        "ct state invalid",
        "ct state != new",
        "ct state untracked",
        "ct state new,untracked",
        "ct state ! established",
        "ct state & (established|related) != 0",
        "ct status dnat",
        "ct status snat,dnat",
        "ct direction original",
        "ct direction reply",
        "ct mark 0",
        "ct mark != 7",
        "ct original proto-dst 80",
        "ct protocol tcp",
        "ct expiration > 1s",
        "ct zone 0",
    )


def _concatenation(dice: Dice, family: Family) -> str:
    ip = _ip(dice, family)
    one, two = (address(dice, family) for _ in range(2))
    return dice.pick(
        f"{ip} saddr . tcp dport {{ {one} . 80, {two} . 22 }}",
        f"{ip} saddr . {ip} daddr {{ {one} . {two} }}",
        f"{ip} daddr . meta l4proto . th dport {{ {one} . tcp . 80-443, {two} . udp . 53 }}",
        f"{ip} saddr . udp dport != {{ {one} . 53 }}",
        f"{ip} saddr . iifname {{ {one} . eth0, {two} . lan0 }}",
        "meta l4proto . th dport { tcp . 80, udp . 53, tcp . 1024-8080 }",
        f"{ip} saddr . {ip} daddr . tcp dport @c{int(family)}",
    )


def _mark(dice: Dice, family: Family) -> str:
    return dice.pick(
        "meta mark 1",
        "meta mark != 1",
        "meta mark 0",
        "meta mark { 1, 2, 7 }",
        "meta mark & 0xff != 3",
        "meta mark & 0x1 == 1",
        "meta mark & 0x6 == 0x2",
    )


def _marking(dice: Dice) -> str:
    """A statement that sets the mark."""
    return dice.pick(
        "meta mark set 1",
        "meta mark set 2",
        "meta mark set 0x7",
        "meta mark set meta mark | 3",
        "meta mark set meta mark & 0xfe",
        "meta mark set meta mark ^ 5",
        "meta mark set meta mark & 0xfffffff0 | 2",
        "meta mark set ct mark",
        "meta mark set tcp dport map { 80 : 1, 22 : 2 }",
    )


def _fragment(dice: Dice, family: Family) -> str:
    if family is Family.IPV6:
        return dice.pick(
            "exthdr frag exists", "exthdr frag missing", "frag frag-off != 0", "frag more-fragments 1"
        )
    return dice.pick(
        "ip frag-off & 0x1fff != 0",
        "ip frag-off & 0x1fff == 0",
        "ip frag-off != 0",
        "ip frag-off & 0x3fff == 0",
        "ip frag-off & 0x4000 == 0",
        "ip frag-off & 0x1fff == 8",
    )


def _family(dice: Dice, family: Family) -> str:
    """Sometimes of the other family, which nft 1.0.6 leaves out of some of its listings."""
    if dice.chance(0.2):
        family = Family.IPV6 if family is Family.IPV4 else Family.IPV4
    return dice.pick(f"meta nfproto ipv{int(family)}", f"meta protocol {_ip(dice, family)}")


def _unmodelled(dice: Dice, family: Family) -> str:
    ip = _ip(dice, family)
    return dice.pick(
        "meta length < 60",
        "meta pkttype host",
        "limit rate 3/second",
        "limit rate over 2/second burst 3 packets",
        "quota 900 bytes",
        "numgen inc mod 3 == 1",
        "@th,16,16 80",
        "@nh,128,32 0x0a140007",
        "meta cpu < 8",
        "ip ttl 64" if family is Family.IPV4 else "ip6 hoplimit 64",
        "ip dscp cs0" if family is Family.IPV4 else "ip6 dscp cs0",
        "ip length > 40" if family is Family.IPV4 else "ip6 length > 30",
        "fib saddr . iif oif missing",
        "fib daddr type local",
        "fib saddr type unicast",
        "tcp option maxseg exists",
        "tcp sequence 1",
        "tcp window 1024",
        f"update @d{int(family)} {{ {ip} saddr }}",
        f"{ip} saddr @d{int(family)}",
        "rt nexthop 10.1.1.2" if family is Family.IPV4 else "rt nexthop 2001:db8:1::2",
        "ct count over 3",
        "socket mark 0",
        f"jhash {ip} saddr mod 2 == 0",
    )  # fmt: skip


_MATCHES: tuple[tuple[Callable[[Dice, Family], str], int], ...] = (
    (_address_match, 6), (_masked_address, 1), (_named_set, 2), (_port_match, 6), (_flags, 2), (_icmp, 2),
    (_protocol, 3), (_interface, 3), (_state, 4), (_concatenation, 3), (_fragment, 1), (_family, 2),
    (_mark, 2),
)  # fmt: skip


def match(dice: Dice, family: Family, unmodelled: float) -> str:
    if dice.chance(unmodelled):
        return _unmodelled(dice, family)
    made = dice.random.choices([one for one, _ in _MATCHES], [weight for _, weight in _MATCHES])[0]
    return made(dice, family)


def _side_effect(dice: Dice, hook: str) -> str:
    choices = [
        "counter", "ct mark set 7", "log", "meta priority set 0", "ct mark set meta mark",
        "tcp window set 1",
        _marking(dice), _marking(dice), _marking(dice),
        "tcp option maxseg size set 1000",
    ]  # fmt: skip
    if hook in ("prerouting", "output"):
        choices.append("notrack")
    return dice.pick(*choices)


def _verdict(dice: Dice, chains: list[str], hook: str) -> str:
    choices = ["accept"] * 4 + ["drop"] * 4 + ["return", "continue"]
    if hook in ("forward", "input", "output"):
        choices += ["reject", "reject with tcp reset", "reject with icmp port-unreachable"]
        choices += ["reject with icmpv6 no-route", "reject with icmpx admin-prohibited"]
    for chain in chains:
        choices += [f"jump {chain}", f"goto {chain}"]
    return dice.pick(*choices)


def _verdict_map(dice: Dice, family: Family, chains: list[str]) -> str:
    ip = _ip(dice, family)
    verdicts = ["accept", "drop", "return", "continue", *(f"jump {one}" for one in chains)]
    one, two, three = (dice.random.choice(verdicts) for _ in range(3))
    first, second = some_address(dice.random, family), some_address(dice.random, family)
    end = dice.pick("saddr", "daddr")
    choices = [
        f"tcp dport vmap {{ 22 : {one}, 80-90 : {two}, 443 : {three} }}",
        f"ct state vmap {{ established : accept, related : {one}, invalid : {two}, new : {three} }}",
        f"meta l4proto vmap {{ tcp : {one}, udp : {two} }}",
        f'iifname vmap {{ eth0 : {one}, "lan*" : {two} }}',
        f"oifname vmap {{ eth1 : {one}, lan0 : {two} }}",
        f"{ip} {end} vmap {{ {FAR_NETS[family][0]} : {one}, {FAR_NETS[family][2]} : {two} }}",
        f"{ip} {end} . th dport vmap {{ {first} . 80 : {one}, {second} . 53 : {two} }}",
        f"{ip} {end} . meta l4proto vmap {{ {FAR_NETS[family][0]} . tcp : {one}, {second} . udp : {two} }}",
        f"udp dport vmap {{ 53 : {one}, * : {two} }}",
        f"meta mark vmap {{ 1 : {one}, 2 : {two}, 0 : {three} }}",
        f"tcp dport vmap @v{int(family)}",
    ]
    return dice.random.choice(choices)


def _rule(dice: Dice, family: Family, chains: list[str], hook: str, unmodelled: float) -> str:
    parts = [match(dice, family, unmodelled) for _ in range(dice.random.choice((0, 1, 1, 1, 2, 2, 3)))]
    if dice.chance(0.15):
        parts.insert(dice.random.randint(0, len(parts)), _side_effect(dice, hook))
    if dice.chance(0.15):
        parts.append(_verdict_map(dice, family, chains))
    if not parts or dice.chance(0.9):
        parts.append(_verdict(dice, chains, hook) if parts else dice.pick("counter", "continue"))
    return " ".join(parts)


def _nat_address(dice: Dice, family: Family) -> str:
    return near(family, dice.random.randrange(4), dice.random.choice((9, 10, 11)))


def _translation(dice: Dice, family: Family, table: str, hook: str) -> str:
    """A NAT statement for the hook."""
    word = f"{_ip(dice, family)} " if table == "inet" else ""
    to = _nat_address(dice, family)
    bracketed = f"[{to}]" if family is Family.IPV6 else to
    verb = "snat" if hook in ("postrouting", "input") else "dnat"
    choices = [
        f"{verb} {word}to {to}",
        f"{verb} {word}to {to}",
        f"meta l4proto {{ tcp, udp }} {verb} {word}to {bracketed}:8080",
        f"meta l4proto tcp {verb} {word}to {bracketed}:1024-1030",
        f"{verb} {word}to {near(family, 2, 9)}-{near(family, 2, 11)}",
    ]
    if hook == "postrouting":
        choices += ["masquerade", "meta l4proto tcp masquerade to :40000-40100", "masquerade random"]
    elif hook != "input":
        choices += ["meta l4proto tcp redirect to :8080", "redirect"]
        net = "10.1.2.0/24" if family is Family.IPV4 else "2001:db8:2::/64"
        other = "10.20.5.0/24" if family is Family.IPV4 else "2001:db8:20:5::/64"
        choices.append(
            f"dnat {_ip(dice, family)} prefix to {_ip(dice, family)} daddr map {{ {other} : {net} }}"
        )
    end = "daddr" if verb == "dnat" else "saddr"
    key = f"{_ip(dice, family)} {end}"
    choices += [
        f"{verb} {word}to {key} map {{ {some_address(dice.random, family, 0)} : {to}, {FAR_NETS[family][4]} : {to} }}",  # noqa: E501
        f"meta l4proto tcp {verb} {word}to tcp dport map {{ 80 : {to}, 443 : {_nat_address(dice, family)} }}",  # noqa: E501
        f"meta l4proto tcp {verb} {_ip(dice, family)} to tcp dport map {{ 80 : {to} . 8080, 22 : {to} . 23 }}",  # noqa: E501
    ]
    return dice.random.choice(choices)


HOOKS = {
    "prerouting": (-310, -300, -150, -50, 0),
    "input": (0, -150),
    "forward": (0, -150, 10, 50),
    "output": (-310, -150, 0),
    "postrouting": (-150, 0, 150, 300),
}


def _sets(dice: Dice, table: str, families: list[Family]) -> list[str]:
    lines = []
    for family in families:
        kind = "ipv4_addr" if family is Family.IPV4 else "ipv6_addr"
        number = int(family)
        chosen = sorted({some_address(dice.random, family) for _ in range(3)})
        nets = dice.some(
            (FAR_NETS[family][0], FAR_NETS[family][2], FAR_NETS[family][4], _wire(dice, family)), 3
        )
        one, two = some_address(dice.random, family), some_address(dice.random, family)
        c = f"{FAR_NETS[family][0]} . {one} . 80-443, {two} . {FAR_NETS[family][2]} . 22"
        lines += [
            f"add set {table} a{number} {{ type {kind} ; }}",
            f"add element {table} a{number} {{ {', '.join(chosen)} }}",
            f"add set {table} n{number} {{ type {kind} ; flags interval ; auto-merge ; }}",
            f"add element {table} n{number} {{ {', '.join(nets)} }}",
            f"add set {table} d{number} {{ type {kind} ; size 65535 ; flags dynamic,timeout ; timeout 1m ; }}",  # noqa: E501
            f"add set {table} c{number} {{ type {kind} . {kind} . inet_service ; flags interval ; }}",
            f"add element {table} c{number} {{ {c} }}",
            f"add map {table} v{number} {{ type inet_service : verdict ; }}",
            f"add element {table} v{number} {{ 80 : {dice.pick('accept', 'drop')}, 23 : drop, 22 : accept }}",  # noqa: E501
        ]
    return lines


def _table(dice: Dice, kind: str, name: str, nat: bool, unmodelled: float, rules: int) -> list[str]:
    table = f"{kind} {name}"
    families = {"inet": [Family.IPV4, Family.IPV6], "ip": [Family.IPV4], "ip6": [Family.IPV6]}[kind]
    lines = [f"add table {table}", *_sets(dice, table, families)]
    chains = ["u1", "u2", "u3"]
    lines += [f"add chain {table} {chain}" for chain in reversed(chains)]
    bases = [("forward", 0)]
    for hook, priorities in HOOKS.items():
        if dice.chance(0.3):
            bases.append((hook, dice.random.choice(priorities)))
    placed: list[tuple[str, str]] = []
    for number, (hook, priority) in enumerate(dict.fromkeys(bases)):
        policy = (
            dice.pick("accept", "drop")
            if hook == "forward"
            else dice.pick("accept", "accept", "accept", "drop")
        )
        chain = f"b{number}{hook}"
        kind_word = "route" if hook == "output" and dice.chance(0.3) else "filter"
        lines.append(
            f"add chain {table} {chain} {{ type {kind_word} hook {hook} priority {priority} ; policy {policy} ; }}"  # noqa: E501
        )
        placed += [(chain, hook)] * (3 if hook == "forward" else 1)
    for number, chain in enumerate(chains):
        for _ in range(dice.random.randint(1, 3)):
            rule = _rule(dice, dice.random.choice(families), chains[number + 1 :], "", unmodelled)
            lines.append(f"add rule {table} {chain} {rule}")
    for _ in range(rules):
        chain, hook = dice.random.choice(placed)
        rule = _rule(dice, dice.random.choice(families), chains, hook, unmodelled)
        lines.append(f"add rule {table} {chain} {rule}")
    if nat:
        lines += _nat_chains(dice, kind, table, families, unmodelled)
    if dice.chance(0.4):
        lines += _marking_chain(dice, table, families, unmodelled)
    return lines


def _marking_chain(dice: Dice, table: str, families: list[Family], unmodelled: float) -> list[str]:
    """A chain that marks what comes in, and rules ahead of all others that ask for the marks."""
    priority = dice.random.choice((-300, -150, -150, -50))
    chain = "type filter hook prerouting priority"
    lines = [f"add chain {table} marking {{ {chain} {priority} ; policy accept ; }}"]
    for _ in range(dice.random.randint(1, 5)):
        conditions = [match(dice, dice.random.choice(families), unmodelled)]
        ending = dice.pick("", "", "accept", "return", "jump u3")
        lines.append(f"add rule {table} marking {' '.join((*conditions, _marking(dice), ending))}")
    for _ in range(dice.random.randint(1, 3)):
        ending = dice.pick("accept", "drop", "jump u2", "goto u3")
        lines.append(f"insert rule {table} b0forward {_mark(dice, families[0])} {ending}")
    return lines


def _nat_chains(dice: Dice, kind: str, table: str, families: list[Family], unmodelled: float) -> list[str]:
    lines = []
    for hook, priority in (("prerouting", -100), ("postrouting", 100), ("output", -100), ("input", 100)):
        if not dice.chance(0.65 if hook in ("prerouting", "postrouting") else 0.15):
            continue
        policy = dice.pick("accept", "accept", "accept", "accept", "drop")
        chain = f"nat{hook}"
        lines.append(
            f"add chain {table} {chain} {{ type nat hook {hook} priority {priority} ; policy {policy} ; }}"
        )
        for _ in range(dice.random.randint(1, 4)):
            family = dice.random.choice(families)
            conditions = [match(dice, family, unmodelled) for _ in range(dice.random.choice((0, 1, 1, 2)))]
            if kind == "inet" and family is Family.IPV6 and dice.chance(0.3):
                conditions.append("meta nfproto ipv6")
            ending = (
                dice.pick("accept", "return", "drop")
                if dice.chance(0.15)
                else _translation(dice, family, kind, hook)
            )
            lines.append(f"add rule {table} {chain} {' '.join((*conditions, ending))}")
    return lines


def nft_lines(dice: Dice, nat: bool, unmodelled: float) -> list[Line]:
    """One or two tables."""
    kind = dice.pick("inet", "inet", "ip", "ip6")
    lines = _table(dice, kind, "t", nat, unmodelled, dice.random.randint(3, 18))
    if dice.chance(0.3):
        other = dice.pick("inet", "ip", "ip6")
        lines += _table(dice, other, "s", nat and dice.chance(0.5), unmodelled, dice.random.randint(1, 5))
    return [Line("nft", line) for line in lines]
