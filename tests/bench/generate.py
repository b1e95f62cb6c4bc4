"""Multi-site networks of any size, the same bytes for the same numbers.

Every site: a border router towards two cores, a stateful firewall, two distribution routers, and
access routers with one LAN each that take turns in the site's zones. The first half of the sites is
the subsidiary's, the second the parent's; the parent's firewalls drop what comes from the
subsidiary's addresses before anything else. Cores form a ring with chords and know every site
(ECMP). Where large filters are asked for, some access routers get one each, written as firewall
managers write them: policies between groups of addresses and services, spelled out member by member.
``to_snapshot`` is the network as model objects, ``to_folder`` as the files of Linux devices, so that
the whole command can be timed, parsing included.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from itertools import islice, product
from pathlib import Path
from random import Random
from typing import TypeVar

import networkx as nx

from segaudit.documents.snapshot_folder import sha256_of, write_snapshot
from segaudit.model.acl import (
    Ace,
    Acl,
    AclAttachment,
    AddressIn,
    AllOf,
    Direction,
    End,
    Field,
    FieldIn,
    Forwarding,
    Hook,
    InterfaceIn,
    Matches,
    StateIn,
)
from segaudit.model.device import (
    Device,
    Interface,
    InterfaceAddress,
    InterfaceKind,
    NextHop,
    Route,
    RouteKind,
)
from segaudit.model.flow import ConnectionState, Family
from segaudit.model.policy import Isolation, IsolationDirection, Location, Policy, Zone
from segaudit.model.snapshot import RawConfig, RawFile, RawSnapshot, Snapshot
from segaudit.model.source import SourceSpan
from segaudit.model.topology import Link, TerminationPoint

Member = TypeVar("Member")

SERVICES = ((6, 22), (6, 80), (6, 443), (6, 445), (6, 3389), (17, 53), (17, 123), (17, 161))
PORTS = (*SERVICES, *((6, port) for port in range(8000, 8060)), *((17, port) for port in range(5000, 5020)))
ESTABLISHED = frozenset({ConnectionState.ESTABLISHED, ConnectionState.RELATED})


@dataclass(frozen=True, slots=True)
class Size:
    """How large a network is; ``devices`` is what follows from it.

    The first ``large_filters`` access routers have ``large_rules`` rules each, whatever the others have.
    """

    sites: int = 50
    access: int = 15
    zones: int = 2
    cores: int = 20
    firewall_rules: int = 300
    access_rules: int = 20
    extra_routes: int = 0
    seed: int = 1
    large_filters: int = 0
    large_rules: int = 0

    @property
    def devices(self) -> int:
        """Number of routers and firewalls."""
        return self.cores + self.sites * (4 + self.access)

    @property
    def all_zones(self) -> int:
        """Number of zones."""
        return self.sites * min(self.zones, self.access)

    @property
    def rules(self) -> int:
        """Number of rules, in all devices."""
        large = self.large_filters * (self.large_rules - self.access_rules)
        return self.sites * (self.firewall_rules + self.access * self.access_rules) + large


SIZES = {
    "100": Size(sites=8, access=8, zones=2, cores=4),
    "300": Size(sites=20, access=10, zones=2, cores=20),
    "1000": Size(sites=50, access=15, zones=2, cores=50),
}
"""About 100, 300 and 1,000 devices; the last has 100 zones and 30,000 rules."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One filter rule; what is ``None`` matches anything. ``interface`` is the input interface."""

    action: Forwarding
    source: IPv4Network | None = None
    destination: IPv4Network | None = None
    service: tuple[int, int] | None = None
    interface: str | None = None
    established: bool = False


@dataclass(slots=True)
class Box:
    """One device being drawn: addresses per interface, routes, the forward chain."""

    name: str
    site: str
    addresses: dict[str, str] = field(default_factory=dict)
    routes: list[tuple[IPv4Network, tuple[tuple[str, str], ...]]] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    default: Forwarding = Forwarding.ACCEPT


@dataclass(slots=True)
class Drawing:
    """A network as drawn, before it is turned into model objects or files."""

    size: Size
    boxes: dict[str, Box] = field(default_factory=dict)
    links: list[tuple[tuple[str, str], ...]] = field(default_factory=list)
    _wires: int = 0

    def box(self, name: str, site: str = "wan") -> Box:
        """A new device."""
        self.boxes[name] = Box(name, site)
        return self.boxes[name]

    def wire(self, one: Box, other: Box) -> tuple[tuple[str, str], tuple[str, str]]:
        """Join two devices by a /31; per end its interface and the far end's address."""
        first = (172 << 24 | 16 << 16) + 2 * self._wires
        self._wires += 1
        near, far = (str(IPv4Network((first + offset, 32)).network_address) for offset in (0, 1))
        ports = [f"eth{len(box.addresses)}" for box in (one, other)]
        one.addresses[ports[0]], other.addresses[ports[1]] = f"{near}/31", f"{far}/31"
        self.links.append(((one.name, ports[0]), (other.name, ports[1])))
        return (ports[0], far), (ports[1], near)


def site_prefix(site: int) -> IPv4Network:
    """The addresses of a site: 10.0.0.0/8 in /18 steps (at most 1,024 sites)."""
    return IPv4Network(((10 << 24) + (site << 14), 18))


def lan_prefix(site: int, number: int) -> IPv4Network:
    """The addresses of one LAN of a site (at most 64)."""
    return IPv4Network(((10 << 24) + (site << 14) + (number << 8), 24))


def draw(size: Size) -> Drawing:
    """The network of ``size``."""
    drawing = Drawing(size)
    random = Random(size.seed)
    cores = [drawing.box(f"core{number:03}") for number in range(size.cores)]
    ring = _ring(drawing, cores)
    borders: dict[int, list[tuple[Box, tuple[str, str]]]] = {}
    for site in range(size.sites):
        borders[site] = _site(drawing, site, cores, random)
    _core_routes(drawing, ring, cores, borders, random)
    return drawing


def _ring(drawing: Drawing, cores: list[Box]) -> dict[tuple[str, str], tuple[str, str]]:
    """Wire the cores; per (from, to) the interface and next hop."""
    hops = {}
    count = len(cores)
    pairs = {tuple(sorted((n, (n + step) % count))) for step in (1, 7) for n in range(count)}
    for one, other in sorted(pair for pair in pairs if pair[0] != pair[1]):
        near, far = drawing.wire(cores[one], cores[other])
        hops[cores[one].name, cores[other].name] = near
        hops[cores[other].name, cores[one].name] = far
    return hops


def _site(
    drawing: Drawing, site: int, cores: list[Box], random: Random
) -> list[tuple[Box, tuple[str, str]]]:
    """One site; the result is who of the cores reaches it by which next hop."""
    name, size, everything = f"s{site:03}", drawing.size, IPv4Network("0.0.0.0/0")
    border, firewall = drawing.box(f"{name}-border", name), drawing.box(f"{name}-fw", name)
    spread = [drawing.box(f"{name}-dist{number}", name) for number in (1, 2)]
    uplinks = [drawing.wire(core, border) for core in _uplinks(site, cores)]
    border.routes.append((everything, tuple(back for _, back in uplinks)))
    down, up = drawing.wire(border, firewall)
    border.routes.append((site_prefix(site), (down,)))
    firewall.routes.append((everything, (up,)))
    below = [drawing.wire(firewall, box) for box in spread]
    firewall.routes.append((site_prefix(site), tuple(there for there, _ in below)))
    for box, (_, back) in zip(spread, below, strict=True):
        box.routes.append((everything, (back,)))
    for number in range(size.access):
        _access(drawing, site, number, spread, random)
    firewall.rules = list(_firewall_rules(size, site, random))
    firewall.default = Forwarding.DROP
    return [(core, there) for core, (there, _) in zip(_uplinks(site, cores), uplinks, strict=True)]


def _uplinks(site: int, cores: list[Box]) -> list[Box]:
    return [cores[site % len(cores)], cores[(site * 3 + 1) % len(cores)]]


def _access(drawing: Drawing, site: int, number: int, spread: list[Box], random: Random) -> None:
    size = drawing.size
    box = drawing.box(f"s{site:03}-z{number % size.zones}-a{number:02}", f"s{site:03}")
    lan = lan_prefix(site, number)
    uplinks = []
    for above in spread:
        down, up = drawing.wire(above, box)
        above.routes.append((lan, (down,)))
        uplinks.append(up)
    box.routes.append((IPv4Network("0.0.0.0/0"), tuple(uplinks)))
    box.addresses["lan0"] = f"{lan.network_address + 1}/24"
    drawing.links.append(((box.name, "lan0"),))
    if site * size.access + number < size.large_filters:
        box.rules = list(islice(_object_rules(size, site, random), size.large_rules))
        box.default = Forwarding.DROP
        return
    for _ in range(size.access_rules):
        target = lan_prefix(random.randrange(size.sites), random.randrange(size.access))
        box.rules.append(Rule(Forwarding.DROP, None, target, random.choice(SERVICES), interface="lan0"))


def _firewall_rules(size: Size, site: int, random: Random) -> Iterator[Rule]:
    """Drop the subsidiary's addresses at the parent, then established, then single services."""
    half = size.sites // 2
    barrier = [Rule(Forwarding.DROP, site_prefix(other)) for other in range(half)] if site >= half else []
    if site < half:
        barrier = [Rule(Forwarding.DROP, None, site_prefix(other)) for other in range(half, size.sites)]
    yield from barrier
    yield Rule(Forwarding.ACCEPT, established=True)
    for _ in range(max(size.firewall_rules - len(barrier) - 1, 0)):
        inside = lan_prefix(site, random.randrange(size.access))
        outside = lan_prefix(random.randrange(size.sites), random.randrange(size.access))
        ends = (outside, inside) if random.random() < 0.5 else (inside, outside)
        action = Forwarding.ACCEPT if random.random() < 0.8 else Forwarding.DROP
        yield Rule(action, *ends, service=random.choice(SERVICES))


def _object_rules(size: Size, site: int, random: Random) -> Iterator[Rule]:
    """Established, then policies between groups of the site and of anywhere; four in five accept."""
    yield Rule(Forwarding.ACCEPT, established=True)
    names = 8 + size.large_rules // 200
    inside = [_group(random, lambda: _object(site, random)) for _ in range(names)]
    outside = [_group(random, lambda: _object(random.randrange(1024), random)) for _ in range(names)]
    services = [_group(random, lambda: random.choice(PORTS)) for _ in range(names)]
    while True:
        ends = [random.choice(inside), random.choice(outside)]
        random.shuffle(ends)
        action = Forwarding.ACCEPT if random.random() < 0.8 else Forwarding.DROP
        for source, destination, service in product(ends[0], ends[1], random.choice(services)):
            yield Rule(action, source, destination, service)


def _group(random: Random, member: Callable[[], Member]) -> list[Member]:
    """One to eight members; small groups are the most."""
    return list(dict.fromkeys(member() for _ in range(min(1 + int(random.expovariate(0.4)), 8))))


def _object(site: int, random: Random) -> IPv4Network:
    """A host, mostly; else some of a LAN of the site, or all of it."""
    length = random.choice((32, 32, 32, 32, 28, 26, 24))
    address = int(lan_prefix(site, random.randrange(64)).network_address) + random.randrange(256)
    return IPv4Network((address >> (32 - length) << (32 - length), length))


def _core_routes(
    drawing: Drawing,
    ring: dict[tuple[str, str], tuple[str, str]],
    cores: list[Box],
    borders: dict[int, list[tuple[Box, tuple[str, str]]]],
    random: Random,
) -> None:
    graph: nx.Graph[str] = nx.Graph(list(ring))
    distance = (
        dict(nx.all_pairs_shortest_path_length(graph)) if ring else {cores[0].name: {cores[0].name: 0}}
    )
    best = {}
    for site, ends in sorted(borders.items()):
        for core in cores:
            best[core.name, site] = _hops(core, ends, ring, distance)
            core.routes.append((site_prefix(site), best[core.name, site]))
    for number in range(drawing.size.extra_routes):
        site, length = random.randrange(drawing.size.sites), random.choice((24, 25, 26, 27, 28))
        base = int(site_prefix(site).network_address) + (number << 4 & 0x3FF0)
        prefix = IPv4Network((base >> (32 - length) << (32 - length), length))
        cores[number % len(cores)].routes.append((prefix, best[cores[number % len(cores)].name, site]))


def _hops(
    core: Box,
    ends: list[tuple[Box, tuple[str, str]]],
    ring: dict[tuple[str, str], tuple[str, str]],
    distance: dict[str, dict[str, int]],
) -> tuple[tuple[str, str], ...]:
    """All shortest next hops from a core to a site."""
    own = tuple(there for box, there in ends if box is core)
    if own:
        return own
    from_here = distance[core.name]
    near = min(from_here[box.name] for box, _ in ends)
    goals = [box.name for box, _ in ends if from_here[box.name] == near]
    return tuple(
        hop
        for (one, other), hop in sorted(ring.items())
        if one == core.name and any(distance[other][goal] == near - 1 for goal in goals)
    )


# -- as model objects ----------------------------------------------------------------------------


def to_snapshot(drawing: Drawing) -> Snapshot:
    """The network as the parser would read it."""
    links = tuple(
        Link(tuple(sorted(TerminationPoint(*end) for end in ends)), "topology", True)
        for ends in drawing.links
    )
    return Snapshot({name: _device(box) for name, box in sorted(drawing.boxes.items())}, (), links)


def _device(box: Box) -> Device:
    both = frozenset({Family.IPV4})
    loopback = Interface("lo", InterfaceKind.LOOPBACK)
    interfaces = {"lo": loopback}
    for name, shown in box.addresses.items():
        address, _, length = shown.partition("/")
        assigned = InterfaceAddress(Family.IPV4, _number(address), int(length))
        interfaces[name] = Interface(name, addresses=(assigned,), forwarding=both, mac=_mac(box, name))
    acl = Acl("forward", tuple(_aces(box)), box.default, SourceSpan(box.name, 1, 1))
    return Device(
        box.name,
        "linux",
        interfaces,
        tuple(_routes(box, interfaces)),
        acls={"forward": acl} if box.rules else {},
        attachments=(AclAttachment("forward", Hook.FORWARD, 0, both),) if box.rules else (),
        forwards=both,
        tracks_connections=any(rule.established for rule in box.rules),
        labels={"site": box.site},
    )


def _number(address: str) -> int:
    return int(IPv4Network(address).network_address)


def _mac(box: Box, interface: str) -> str:
    number = int(box.addresses[interface].split("/")[0].replace(".", "")[-8:])
    return "02:" + ":".join(f"{number >> shift & 255:02x}" for shift in (32, 24, 16, 8, 0))


def _routes(box: Box, interfaces: dict[str, Interface]) -> Iterator[Route]:
    for interface in interfaces.values():
        for address in interface.addresses:
            own = (NextHop("lo"),)
            yield Route(Family.IPV4, address.address, 32, own, RouteKind.LOCAL, "local")
            first, _ = address.network
            yield Route(Family.IPV4, first, address.prefix_length, (NextHop(interface.name),))
    for prefix, hops in box.routes:
        through = tuple(NextHop(interface, _number(via)) for interface, via in hops)
        yield Route(Family.IPV4, int(prefix.network_address), prefix.prefixlen, through, protocol="static")


def _aces(box: Box) -> Iterator[Ace]:
    for number, rule in enumerate(box.rules, start=1):
        yield Ace(AllOf(tuple(_matches(rule))), rule.action, SourceSpan(box.name, number, number))


def _matches(rule: Rule) -> Iterator[Matches]:
    if rule.established:
        yield StateIn(ESTABLISHED)
    if rule.interface:
        yield InterfaceIn(Direction.IN, (rule.interface,))
    for end, network in ((End.SOURCE, rule.source), (End.DESTINATION, rule.destination)):
        if network is not None:
            first = int(network.network_address)
            yield AddressIn(end, Family.IPV4, ((first, first + network.num_addresses - 1),))
    if rule.service is not None:
        protocol, port = rule.service
        yield FieldIn(Field.PROTOCOL, ((protocol, protocol),))
        yield FieldIn(Field.DESTINATION_PORT, ((port, port),))


def to_policy(drawing: Drawing) -> Policy:
    """Every zone by device and interface; the two sides isolated from each other, both ways."""
    size = drawing.size
    zones, sides = {}, {}
    for site in range(size.sites):
        for number in range(min(size.zones, size.access)):
            name = f"s{site:03}-z{number}"
            sides[name] = "subsidiary" if site < size.sites // 2 else "parent"
            member = Location(device=f"{name}-a*", interface="lan0")
            zones[name] = Zone(name, sides[name], "noc@example.org", (member,))
    subsidiary, parent = (
        tuple(zone for zone, side in sides.items() if side == name) for name in ("subsidiary", "parent")
    )
    names, both = ("subsidiary", "parent"), IsolationDirection.BOTH
    isolation = Isolation("cut", "", subsidiary, parent, *names, both, (Family.IPV4,), "critical")
    return Policy("bench", "policy.yaml", zones, (isolation,))


# -- as files ------------------------------------------------------------------------------------


def to_folder(drawing: Drawing, folder: Path) -> None:
    """Write ``policy.yaml`` and ``snapshot/``, as collected from Linux devices."""
    configs = tuple(_config(box) for _, box in sorted(drawing.boxes.items()))
    links = to_snapshot(drawing).links
    write_snapshot(folder / "snapshot", RawSnapshot("", configs, (), links, tuple(sorted(drawing.boxes))))
    (folder / "policy.yaml").write_text(_policy_text(to_policy(drawing)))


def _config(box: Box) -> RawConfig:
    files = tuple(
        RawFile(f"devices/{box.name}/{name}", text, sha256_of(text), exit_status=0)
        for name, text in _files(box)
    )
    return RawConfig(box.name, "linux", files, {"site": box.site})


def _files(box: Box) -> Iterator[tuple[str, str]]:
    yield "hostname.txt", f"{box.name}\n"
    yield (
        "ip-link.json",
        json.dumps([_link(box, name, n) for n, name in enumerate(["lo", *box.addresses], 1)]),
    )
    yield "ip-address.json", json.dumps([_address(box, name) for name in ["lo", *box.addresses]])
    yield "ip-route4.json", json.dumps(list(_route_records(box)))
    for name in (
        "ip-route6",
        "ip-mpls-route",
        "ip-mroute4",
        "ip-mroute6",
        "ip-neighbour-proxy",
        "tc-qdisc",
    ):
        yield f"{name}.json", "[]"
    yield "ip-xfrm-policy.txt", ""
    yield "ip-rule4.json", json.dumps(_rule_records(("local", "main", "default")))
    yield "ip-rule6.json", json.dumps(_rule_records(("local", "main")))
    yield "sysctl.txt", "".join(_sysctl(box))
    yield "iptables-save.txt", "\n".join(_iptables(box)) + "\n"


def _link(box: Box, name: str, index: int) -> dict[str, object]:
    loopback = name == "lo"
    flags = ["LOOPBACK", "UP", "LOWER_UP"] if loopback else ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"]
    kind = {"link_type": "loopback", "address": "00:00:00:00:00:00"}
    if not loopback:
        kind = {"link_type": "ether", "address": _mac(box, name)}
    return {"ifindex": index, "ifname": name, "flags": flags, "mtu": 1500, "operstate": "UP", **kind}


def _address(box: Box, name: str) -> dict[str, object]:
    """The addresses of one interface; the loopback is left without."""
    shown = [box.addresses[name].partition("/")] if name in box.addresses else []
    info = [
        {"family": "inet", "local": local, "prefixlen": int(length), "scope": "global"}
        for local, _, length in shown
    ]
    return {"ifname": name, "addr_info": info}


def _route_records(box: Box) -> Iterator[dict[str, object]]:
    for name, shown in box.addresses.items():
        local = shown.partition("/")[0]
        connected = str(IPv4Network(shown, strict=False))
        yield {"type": "local", "dst": local, "dev": name, "table": "local", "flags": []}
        yield {"type": "unicast", "dst": connected, "dev": name, "table": "main", "flags": []}
    for prefix, hops in box.routes:
        shown = "default" if prefix.prefixlen == 0 else str(prefix)
        record: dict[str, object] = {"type": "unicast", "dst": shown, "table": "main", "flags": []}
        if len(hops) == 1:
            yield {**record, "dev": hops[0][0], "gateway": hops[0][1]}
        else:
            ways = [{"dev": dev, "gateway": via, "weight": 1, "flags": []} for dev, via in hops]
            yield {**record, "nexthops": ways}


def _rule_records(tables: tuple[str, ...]) -> list[dict[str, object]]:
    return [
        {"priority": priority, "src": "all", "table": table}
        for priority, table in zip((0, 32766, 32767), tables, strict=False)
    ]


SYSCTL = {
    4: "accept_local accept_source_route bc_forwarding mc_forwarding proxy_arp proxy_arp_pvlan "
    "route_localnet rp_filter",
    6: "accept_source_route force_forwarding mc_forwarding proxy_ndp rpl_seg_enabled seg6_enabled",
}
"""What a device is asked for beside ``forwarding``; all of it off."""


def _sysctl(box: Box) -> Iterator[str]:
    yield "net.ipv4.ip_forward = 1\n"
    for version, keys in SYSCTL.items():
        for name in ("all", "default", "lo", *box.addresses):
            yield f"net.ipv{version}.conf.{name}.forwarding = {int(version == 4)}\n"
            for key in keys.split():
                yield f"net.ipv{version}.conf.{name}.{key} = 0\n"


def _iptables(box: Box) -> Iterator[str]:
    yield "*filter"
    yield ":INPUT ACCEPT [0:0]"
    yield f":FORWARD {box.default.name} [0:0]"
    yield ":OUTPUT ACCEPT [0:0]"
    for rule in box.rules:
        yield " ".join(_rule_words(rule))
    yield "COMMIT"


def _rule_words(rule: Rule) -> Iterator[str]:
    yield "-A FORWARD"
    if rule.source:
        yield f"-s {rule.source}"
    if rule.destination:
        yield f"-d {rule.destination}"
    if rule.interface:
        yield f"-i {rule.interface}"
    if rule.established:
        yield "-m conntrack --ctstate RELATED,ESTABLISHED"
    if rule.service:
        protocol = {6: "tcp", 17: "udp"}[rule.service[0]]
        yield f"-p {protocol} -m {protocol} --dport {rule.service[1]}"
    yield f"-j {rule.action.name}"


def _policy_text(policy: Policy) -> str:
    lines = ["version: 1", f"name: {policy.name}", "zones:"]
    for zone in policy.zones.values():
        member = zone.members[0]
        lines += [f"  {zone.name}:", f"    side: {zone.side}", f"    owner: {zone.owner}", "    members:"]
        lines.append(f"      - {{device: '{member.device}', interface: {member.interface}}}")
    lines += [
        "isolation:",
        "  - id: cut",
        "    title: the subsidiary is cut off",
        "    between: subsidiary",
        "    and: parent",
        "    direction: both",
        "    families: [ipv4]",
        "    severity: critical",
    ]
    return "\n".join(lines) + "\n"
