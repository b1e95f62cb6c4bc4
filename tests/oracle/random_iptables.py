"""Random iptables and ip6tables rulesets with ipset sets, one rule per line."""

from __future__ import annotations

from collections.abc import Callable

from oracle.lines import Dice, Line
from oracle.words import FAR_NETS, INTERFACES, PORTS, near, some_address

from segaudit.model.flow import Family

PROGRAMS = {Family.IPV4: "iptables", Family.IPV6: "ip6tables"}
BUILT_IN = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
}


def _not(dice: Dice) -> str:
    return "! " if dice.chance(0.2) else ""


def _net(dice: Dice, family: Family) -> str:
    wire = dice.random.randrange(4)
    near_net = f"10.1.{wire}.0/24" if family is Family.IPV4 else f"2001:db8:{wire}::/64"
    odd = "10.0.0.9/255.0.0.255" if family is Family.IPV4 else "::9/::ff"
    return dice.pick(some_address(dice.random, family), *FAR_NETS[family][:4], near_net, odd)


def _address(dice: Dice, family: Family, chain: str) -> str:
    return f"{_not(dice)}{dice.pick('-s', '-d')} {_net(dice, family)}"


def _interface(dice: Dice, family: Family, chain: str) -> str:
    ways = {"PREROUTING": ("-i",), "INPUT": ("-i",), "OUTPUT": ("-o",), "POSTROUTING": ("-o",)}
    way = dice.pick(*ways.get(chain, ("-i", "-o")))
    if dice.chance(0.1):
        return f"{way} +"
    return f"{_not(dice)}{way} {dice.pick(*INTERFACES, 'eth+', 'lan+')}"


def _ports(dice: Dice, family: Family, chain: str) -> str:
    protocol = dice.pick("tcp", "tcp", "udp", "sctp")
    low, high = sorted(dice.random.sample(PORTS, 2))
    value = dice.pick(str(low), f"{low}:{high}", f"{low}:", f":{high}")
    if dice.chance(0.3):
        several = ",".join(map(str, dice.random.sample(PORTS, 3)))
        many = dice.pick(several, f"{several},{low}:{high}")
        return (
            f"-p {protocol} -m multiport {_not(dice)}{dice.pick('--dports', '--sports', '--ports')} {many}"
        )
    return f"-p {protocol} -m {protocol} {_not(dice)}{dice.pick('--dport', '--sport')} {value}"


def _flags(dice: Dice, family: Family, chain: str) -> str:
    return "-p tcp -m tcp " + _not(dice) + dice.pick(
        "--syn",
        "--tcp-flags FIN,SYN,RST,ACK SYN",
        "--tcp-flags ALL NONE",
        "--tcp-flags SYN,ACK SYN,ACK",
        "--tcp-flags ALL FIN,PSH,URG",
        "--tcp-flags RST RST",
    )  # fmt: skip


def _icmp(dice: Dice, family: Family, chain: str) -> str:
    if family is Family.IPV4:
        kind = dice.pick(
            "8", "any", "3", "3/1", "echo-reply", "destination-unreachable", "host-unreachable", "8/0"
        )
        return f"-p icmp -m icmp {_not(dice)}--icmp-type {kind}"
    kind = dice.pick("128", "1", "1/3", "echo-reply", "destination-unreachable", "packet-too-big", "128/0")
    return f"-p icmpv6 -m icmp6 {_not(dice)}--icmpv6-type {kind}"


def _protocol(dice: Dice, family: Family, chain: str) -> str:
    return f"{_not(dice)}-p {dice.pick('tcp', 'udp', 'sctp', '89', '47', '253', 'all')}"


def _range(dice: Dice, family: Family, chain: str) -> str:
    wire = dice.random.randrange(4)
    return (
        f"-m iprange {_not(dice)}{dice.pick('--src-range', '--dst-range')} "
        f"{near(family, wire, 3)}-{near(family, wire + dice.random.choice((0, 1)), 10)}"
    )


def _set(dice: Dice, family: Family, chain: str) -> str:
    number = int(family)
    named, ways = dice.random.choice(
        (
            ("net", ("src", "dst")),
            ("host", ("src", "dst")),
            ("netport", ("src,dst", "dst,dst", "src,src")),
            ("pair", ("src,dst", "dst,src")),
            ("ports", ("dst", "src")),
            ("list", ("src", "dst")),
            ("netiface", ("src,src", "dst,dst")),
        )
    )
    name = named if named == "ports" else f"{named}{number}"
    return f"-m set {_not(dice)}--match-set {name} {dice.pick(*ways)}"


def _state(dice: Dice, family: Family, chain: str) -> str:
    return dice.pick(
        "-m conntrack --ctstate NEW",
        "-m conntrack --ctstate RELATED,ESTABLISHED",
        "-m conntrack ! --ctstate NEW",
        "-m conntrack --ctstate INVALID",
        "-m conntrack --ctstate UNTRACKED",
        "-m conntrack --ctstate NEW,UNTRACKED",
        "-m conntrack --ctstate DNAT",
        "-m conntrack ! --ctstate DNAT",
        "-m conntrack --ctstate SNAT,NEW",
        "-m conntrack --ctstate ESTABLISHED --ctdir REPLY",
        "-m conntrack --ctdir ORIGINAL",
        "-m conntrack --ctproto 6",
        "-m conntrack --ctorigdstport 80",
        "-m conntrack --ctstatus SEEN_REPLY",
        "-m conntrack --ctstatus NONE",
        "-m state --state NEW",
        "-m state ! --state INVALID",
        "-m state --state RELATED,ESTABLISHED",
    )


def _fragment(dice: Dice, family: Family, chain: str) -> str:
    if family is Family.IPV4:
        return dice.pick("-f", "! -f")
    return dice.pick("-m frag --fragfirst", "-m frag ! --fragmore", "-m ipv6header --header frag --soft")


def _mark(dice: Dice, family: Family, chain: str) -> str:
    return f"-m mark {_not(dice)}--mark {dice.pick('1', '0', '2', '0x3/0xff', '0x1/0x1', '0x2/0x6')}"


def _marking(dice: Dice) -> str:
    """A target that sets the mark."""
    return dice.pick(
        "-j MARK --set-xmark 0x1/0xffffffff",
        "-j MARK --set-xmark 0x2/0xffffffff",
        "-j MARK --set-xmark 0x3/0xff",
        "-j MARK --set-mark 0x1/0x3",
        "-j MARK --or-mark 0x2",
        "-j MARK --and-mark 0xfe",
        "-j MARK --xor-mark 0x5",
        "-j CONNMARK --restore-mark",
        "-j CONNMARK --restore-mark --nfmask 0xf --ctmask 0xf",
    )


def _unmodelled(dice: Dice, family: Family, chain: str) -> str:
    return dice.pick(
        "-m connmark --mark 7", "-m ttl --ttl-eq 64",
        "-m hl --hl-eq 64", "-m length --length 0:60", "-m pkttype --pkt-type unicast",
        "-m limit --limit 2/sec --limit-burst 2", "-m hashlimit --hashlimit-above 3/sec --hashlimit-name h",
        "-m statistic --mode nth --every 3 --packet 0", "-m addrtype --dst-type LOCAL",
        "-m addrtype ! --src-type UNICAST", "-m mac --mac-source 02:00:00:00:00:10",
        "-m physdev --physdev-is-bridged", "-m u32 --u32 \"6&0xFF=6\"", "-m dscp --dscp 0",
        "-m tos --tos 0", "-m string --string xyz --algo bm", "-m recent --set --name r",
        "-m recent --rcheck --name r", "-m connlimit --connlimit-above 2", "-m connbytes --connbytes 0: --connbytes-mode packets --connbytes-dir both",  # noqa: E501
        "-m socket", "-m helper --helper ftp", "-m rpfilter", "-m cpu --cpu 0", "-m time --timestart 00:00",
        "-m bpf --bytecode \"1,6 0 0 65535\"", "-m ecn --ecn-ip-ect 0", "-m owner --uid-owner 0",
        "-p tcp -m tcpmss --mss 1:2000", "-p tcp -m tcp --tcp-option 2", "-m realm --realm 0",
    )  # fmt: skip


_MATCHES: tuple[tuple[Callable[[Dice, Family, str], str], int], ...] = (
    (_address, 6), (_interface, 3), (_ports, 6), (_flags, 2), (_icmp, 2), (_protocol, 2), (_range, 2),
    (_set, 3), (_state, 4), (_fragment, 1), (_mark, 2),
)  # fmt: skip


def _matches(dice: Dice, family: Family, chain: str, unmodelled: float) -> list[str]:
    found: list[str] = []
    protocol = False
    for _ in range(dice.random.choice((0, 1, 1, 2, 2, 3))):
        if dice.chance(unmodelled):
            made = _unmodelled(dice, family, chain)
        else:
            made = dice.random.choices([one for one, _ in _MATCHES], [w for _, w in _MATCHES])[0](
                dice, family, chain
            )
        if "-p " in made:
            if protocol:
                continue
            protocol = True
        option = made.removeprefix("! ").split()[0]
        if option == "-m" or not any(one.removeprefix("! ").split()[0] == option for one in found):
            found.append(made)
    return sorted(found, key=lambda one: "-p " not in one)


def _target(dice: Dice, family: Family, table: str, chain: str, chains: list[str], matches: str) -> str:
    choices = ["-j ACCEPT"] * 3 + ["-j DROP"] * 3 + ["-j RETURN"]
    for one in chains:
        choices += [f"-j {one}", f"-g {one}"]
    if table == "filter":
        choices += ["-j REJECT", "-j LOG", "-j LOG"]
        if "-p tcp" in matches and "! -p" not in matches:
            choices.append("-j REJECT --reject-with tcp-reset")
    if table == "mangle":
        choices += [_marking(dice) for _ in range(6)]
        choices += ["-j CONNMARK --save-mark", "-j CONNMARK --set-xmark 7", "-j TOS --set-tos 0x10/0xff"]
        choices += [
            "-j TTL --ttl-set 60" if family is Family.IPV4 else "-j HL --hl-set 60",
            "-j DSCP --set-dscp 1",
        ]
        if "-p tcp" in matches and "! -p" not in matches and chain in ("FORWARD", "POSTROUTING"):
            choices.append("-j TCPMSS --clamp-mss-to-pmtu")
    if table == "raw":
        choices += ["-j NOTRACK", "-j CT --notrack", "-j CT --notrack"]
    if table == "nat":
        choices = ["-j ACCEPT", "-j RETURN"] + [_translation(dice, family, chain, matches)] * 5
    return dice.random.choice(choices)


def _translation(dice: Dice, family: Family, chain: str, matches: str) -> str:
    to = near(family, dice.random.randrange(4), dice.random.choice((9, 10, 11)))
    other = near(family, 2, 9), near(family, 2, 11)
    bracketed = f"[{to}]" if family is Family.IPV6 else to
    with_ports = any(f"-p {one}" in matches and "! -p" not in matches for one in ("tcp", "udp"))
    net = "10.1.2.0/24" if family is Family.IPV4 else "2001:db8:2::/64"
    if chain in ("POSTROUTING", "INPUT"):
        choices = [
            f"-j SNAT --to-source {to}",
            f"-j SNAT --to-source {other[0]}-{other[1]}",
            f"-j NETMAP --to {net}",
        ]
        choices += [f"-j SNAT --to-source {bracketed}:8080"] if with_ports else []
        if chain == "POSTROUTING":
            choices += ["-j MASQUERADE", "-j MASQUERADE"]
            choices += ["-j MASQUERADE --to-ports 40000-40100"] if with_ports else []
        return dice.random.choice(choices)
    choices = [f"-j DNAT --to-destination {to}", f"-j DNAT --to-destination {other[0]}-{other[1]}"]
    choices += [f"-j NETMAP --to {net}", "-j REDIRECT"]
    if with_ports:
        choices += [f"-j DNAT --to-destination {bracketed}:8080", "-j REDIRECT --to-ports 8080"]
        choices += [f"-j DNAT --to-destination {bracketed}:1024-1030"]
    return dice.random.choice(choices)


def _sets(dice: Dice, family: Family) -> list[Line]:
    number = int(family)
    word = "inet" if family is Family.IPV4 else "inet6"
    hosts = sorted({some_address(dice.random, family, 0) for _ in range(3)})
    nets = dice.some((*FAR_NETS[family][:5], near(family, 1, 9)), 4)
    lines = [
        f"create net{number} hash:net family {word}",
        f"create host{number} hash:ip family {word}",
        f"create netport{number} hash:net,port family {word}",
        f"create pair{number} hash:ip,port family {word}",
        f"create netiface{number} hash:net,iface family {word}",
        f"create list{number} list:set",
        *(f"add net{number} {net}{dice.pick('', '', ' nomatch')}" for net in nets),
        *(f"add host{number} {host}" for host in hosts),
        *(f"add netport{number} {net},{dice.pick('tcp:80', 'udp:53', 'tcp:22-443')}" for net in nets[:2]),
        *(f"add pair{number} {host},{dice.pick('tcp:80', 'udp:53', '89:0')}" for host in hosts[:2]),
        f"add netiface{number} {FAR_NETS[family][0]},{dice.pick(*INTERFACES)}",
        f"add list{number} net{number}",
        f"add list{number} host{number}",
    ]
    if family is Family.IPV4:
        lines += [
            "create ports bitmap:port range 0-65535",
            f"add ports {dice.random.choice(PORTS)}",
            "add ports 80-90",
        ]
    return [Line("ipset", line) for line in lines]


def _rules(dice: Dice, family: Family, nat: bool, unmodelled: float) -> list[Line]:
    program = PROGRAMS[family]
    lines: list[Line] = []
    tables = ["filter"] + [one for one in ("raw", "mangle") if dice.chance(0.45)] + (["nat"] if nat else [])
    for table in tables:
        users = ["web", "log"] if table != "nat" else ["redir"]
        for chain in BUILT_IN[table]:
            policy = dice.pick("ACCEPT", "DROP") if chain == "FORWARD" and table == "filter" else "ACCEPT"
            lines.append(Line(program, f"{table} :{chain} {policy} [0:0]"))
        lines += [Line(program, f"{table} :{chain} - [0:0]") for chain in users]
        for number, chain in enumerate(users):
            for _ in range(dice.random.randint(1, 3)):
                where = "PREROUTING" if table == "nat" else ""
                lines.append(
                    _line(dice, family, program, table, chain, where, users[number + 1 :], unmodelled)
                )
        places = ["FORWARD"] * 4 + ["INPUT", "OUTPUT"] if table == "filter" else list(BUILT_IN[table])
        for _ in range(dice.random.randint(2, 14 if table == "filter" else 4)):
            chain = dice.random.choice(places)
            usable = users if table != "nat" or chain == "PREROUTING" else []
            lines.append(_line(dice, family, program, table, chain, chain, usable, unmodelled))
    return lines


def _line(
    dice: Dice,
    family: Family,
    program: str,
    table: str,
    chain: str,
    where: str,
    users: list[str],
    unmodelled: float,
) -> Line:
    parts = _matches(dice, family, where or "FORWARD", unmodelled)
    matches = " ".join(parts)
    return Line(
        program, f"{table} -A {chain} {matches} {_target(dice, family, table, where, users, matches)}"
    )


def iptables_lines(dice: Dice, nat: bool, unmodelled: float) -> list[Line]:
    """Tables of one family or both, with the sets that their rules may name."""
    lines: list[Line] = []
    families = dice.random.choice(((Family.IPV4,), (Family.IPV6,), (Family.IPV4, Family.IPV6)))
    for family in (Family.IPV4, Family.IPV6):
        lines += _sets(dice, family)
    for family in families:
        lines += _rules(dice, family, nat, unmodelled)
    if dice.chance(0.15):
        lines = [
            Line(f"{line.program}-legacy", line.text) if "tables" in line.program else line
            for line in lines
        ]
    return lines
