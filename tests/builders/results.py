"""Whole run results, written by hand, for tests of what is made from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date

from segaudit.model.device import Device, Interface
from segaudit.model.flow import Disposition, Family, Flow, Step, Trace, parse_address
from segaudit.model.policy import (
    AllowedFlow,
    Claim,
    Exemption,
    Isolation,
    IsolationDirection,
    Location,
    OwnedAssumption,
    Policy,
    Service,
    Zone,
)
from segaudit.model.probe import Observation, PlannedProbe, PositiveControls, Reply, Vantage
from segaudit.model.result import RunResult, ZoneLocation
from segaudit.model.snapshot import CollectionFailure, Snapshot
from segaudit.model.source import AccountedLine, LineFate, LineTally, SourceSpan
from segaudit.model.verdict import (
    Assumption,
    Barrier,
    Finding,
    Grade,
    MatrixCell,
    Outcome,
    PairVerdict,
    Severity,
    Verdict,
    Witness,
    worst,
)

SUB_NFT = "devices/sub-fw/nftables.txt"
PAR_IPT = "devices/par-fw/iptables-save.txt"
SUB_FRR = "devices/sub-fw/frr-running-config.txt"

NFT_TEXT = """\
table inet filter { # handle 1
\tset own4 { # handle 2
\t\ttype ipv4_addr
\t\tflags interval
\t\telements = { 10.20.0.0/16 }
\t}

\tchain forward { # handle 3
\t\ttype filter hook forward priority filter; policy drop;
\t\tct state invalid drop # handle 4
\t\tiifname "eth1" oifname "eth3" ip daddr 10.10.0.0/16 tcp dport 445 accept # handle 5
\t\tiifname "eth1" oifname "eth3" drop # handle 6
\t\tiifname "eth3" oifname "eth1" drop # handle 7
\t}
}
"""
IPT_TEXT = """\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -i eth3 -d 10.10.20.0/24 -p tcp -m tcp --dport 445 -j ACCEPT
-A FORWARD -i eth3 -o eth1 -j DROP
COMMIT
"""
FRR_TEXT = """\
hostname sub-fw
password s3cr3t-of-zebra
ip route 10.10.0.0/16 192.0.2.2
router ospf
 ospf router-id 10.20.255.1
 area 0 authentication message-digest
exit
"""

Edit = Callable[[PairVerdict], PairVerdict]


def span(file: str, line: int, last: int | None = None) -> SourceSpan:
    return SourceSpan(file, line, last or line)


def zone(name: str, side: str | None) -> Zone:
    owner = f"netops@{side or 'shared'}.example"
    return Zone(name, side, owner, (Location(device=name, text=f"device: {name}"),))


def policy(near: Iterable[str], far: Iterable[str], neutral: Iterable[str] = ()) -> Policy:
    near, far = tuple(near), tuple(far)
    zones = [zone(name, "subsidiary") for name in near]
    zones += [zone(name, "parent") for name in far] + [zone(name, None) for name in neutral]
    isolation = Isolation(
        "ISO-1",
        "Branch Ltd is cut off from Parent Inc",
        near,
        far,
        "subsidiary",
        "parent",
        IsolationDirection.BOTH,
        tuple(Family),
        "critical",
        ("PCI-DSS-4.0.1/11.4.5",),
    )
    return Policy(
        "branch-separation",
        "policy.yaml",
        {each.name: each for each in zones},
        (isolation,),
        sha256="9f2c41d07a3be85510c6a4f7d3e29b8856a1f0c4e7d2b93a58c1640f9be7d213",
    )


SERVICE_SSH = Service("tcp/22", 6, ((22, 22),))


def exemption(source: str = "sub-ot", destination: str = "par-servers") -> Exemption:
    return Exemption(
        "EXC-1",
        "ISO-1",
        source,
        destination,
        (SERVICE_SSH,),
        "ciso@branch.example",
        "Hand-over of historian data",
        date(2027, 3, 31),
        "RSK-17",
    )


def dns_flow() -> AllowedFlow:
    return AllowedFlow(
        "FLOW-1",
        "sub-lan",
        "shared-dns",
        (Service("udp/53", 17, ((53, 53),)), Service("tcp/53", 6, ((53, 53),))),
        "netops@branch.example",
        "Name resolution until branch resolvers go live",
        date(2027, 12, 31),
        True,
        "CHG-1042",
    )


def owned_assumption() -> OwnedAssumption:
    return OwnedAssumption(
        "ASM-1",
        Location(device="par-oob-sw", text="device: par-oob-sw"),
        Claim.END_HOSTS_ONLY,
        "noc@parent.example",
        "Locked cabinet, inspected monthly",
    )


def barriers(reverse: bool) -> tuple[Barrier, ...]:
    """Two ways in each direction."""
    if reverse:
        return (
            Barrier("par-fw", "ace", "forward: -i eth1 -o eth3 -j DROP", "par-fw:eth1", span(PAR_IPT, 7)),
            Barrier("par-core1", "no-route", "no route to 10.20.1.10", "par-core1:eth2"),
        )
    return (
        Barrier(
            "sub-fw", "ace", 'forward: iifname "eth1" oifname "eth3" drop', "sub-fw:eth1", span(SUB_NFT, 12)
        ),
        Barrier(
            "par-fw", "default", "FORWARD: no rule matched, default drop", "par-fw:eth9", span(PAR_IPT, 3)
        ),
    )


def pair(source: str, destination: str, family: Family, reverse: bool) -> PairVerdict:
    return PairVerdict(source, destination, family, Outcome.PROVEN, Grade.G4, barriers=barriers(reverse))


def isolation_verdicts(of: Policy, edit: Edit | None = None) -> list[Verdict]:
    """A verdict per direction and family of the policy's first isolation, all PROVEN but for ``edit``."""
    isolation = of.isolations[0]
    verdicts = []
    for direction in ("forward", "reverse"):
        reverse = direction == "reverse"
        near, far = (isolation.and_, isolation.between) if reverse else (isolation.between, isolation.and_)
        texts = (isolation.between_text, isolation.and_text)
        source, destination = texts[::-1] if reverse else texts
        for family in isolation.families:
            pairs = tuple(pair(a, b, family, reverse) for a in near for b in far)
            if edit:
                pairs = tuple(edit(each) for each in pairs)
            outcome = worst([each.outcome for each in pairs])
            verdicts.append(
                Verdict(
                    isolation.id, "isolation", isolation.title, direction, source, destination,
                    family, outcome, isolation.severity, pairs,
                )
            )  # fmt: skip
    return verdicts


def matrix(of: Policy, verdicts: Iterable[Verdict]) -> tuple[MatrixCell, ...]:
    """Asserted cells as the verdicts say, the rest allowed between sides and open within one."""
    asserted = [verdict for verdict in verdicts if verdict.kind == "isolation"]
    said = {(p.source_zone, p.destination_zone, p.family): p for v in asserted for p in v.pairs}
    reach_of = {Outcome.VIOLATED: "open", Outcome.UNKNOWN: "unknown"}
    cells = []
    for source in sorted([*of.zones, "internet"]):
        for destination in sorted([*of.zones, "internet"]):
            for family in Family:
                if source == destination:
                    continue
                found = said.get((source, destination, family))
                reach = (
                    reach_of.get(found.outcome, "none") if found else _unasserted(of, source, destination)
                )
                reach = "allowed" if found and found.excepted_by and reach == "none" else reach
                cells.append(MatrixCell(source, destination, family, reach, found is not None))
    return tuple(cells)


def _unasserted(of: Policy, source: str, destination: str) -> str:
    if of.side_of(source) and of.side_of(source) == of.side_of(destination):
        return "open"
    if destination == "internet":
        return "open"
    return "allowed" if "shared" in f"{source}{destination}" else "none"


def flow(source: str, destination: str, port: int = 445) -> Flow:
    family, start = parse_address(source)
    return Flow(family, 6, start, parse_address(destination)[1], 40000, port, tcp_flags=2)


def witness(family: Family = Family.IPV4) -> Witness:
    """A packet that an nftables and an iptables rule let through."""
    ends = (
        ("10.20.2.10", "10.10.20.5")
        if family is Family.IPV4
        else ("2001:db8:20:2::10", "2001:db8:10:20::5")
    )
    sent = flow(*ends)
    steps = (
        Step("sub-rt2", f"received {sent}", None, "eth1", True, "received"),
        Step("sub-rt2", "route 0.0.0.0/0 via 10.20.254.1 dev eth0 (ospf)", None, "", True, "routed"),
        Step("sub-fw", f"received {sent}", None, "eth1", True, "received"),
        Step(
            "sub-fw",
            "route 10.10.0.0/16 via 192.0.2.2 dev eth3 (static)",
            span(SUB_FRR, 3),
            "",
            True,
            "routed",
        ),
        Step("sub-fw", "forward: tcp dport 445 accept", span(SUB_NFT, 11), "", True, "filtered"),
        Step("par-fw", f"received {sent}", None, "eth3", True, "received"),
        Step("par-fw", "FORWARD: --dport 445 -j ACCEPT", span(PAR_IPT, 6), "", True, "filtered"),
        Step("par-srv", "accepted by the device itself", None, "eth1", True, "accepted"),
    )
    return Witness(sent, Trace(sent, sent, steps, Disposition.DELIVERED), "sub-hist:eth1", True)


PASSED = PositiveControls(True, True, True, True)


def vantage(zone_name: str, family: Family) -> Vantage:
    address = "10.0.0.9" if family is Family.IPV4 else "2001:db8::9"
    return Vantage(zone_name, f"{zone_name}-host", "eth1", family, parse_address(address)[1])


def observation(
    source: str,
    destination: str,
    family: Family,
    reply: Reply = Reply.SILENT,
    expected: str = "none",
    purpose: str = "isolation",
    controls: PositiveControls = PASSED,
    port: int = 445,
    why: str = "",
) -> Observation:
    start, end = vantage(source, family), vantage(destination, family)
    probe = PlannedProbe(
        f"{source}-{destination}-{family.label}-{port}",
        "ISO-1",
        start,
        end,
        Flow(family, 6, start.address, end.address, 40000, port, tcp_flags=2),
        expected,
        purpose,
    )
    return Observation(probe, reply, controls, 2, int(reply is Reply.DELIVERED), why=why)


def observations(verdicts: Iterable[Verdict]) -> tuple[Observation, ...]:
    """A silent, conclusive probe for every asserted pair."""
    asserted = [verdict for verdict in verdicts if verdict.kind == "isolation"]
    pairs = {(p.source_zone, p.destination_zone, p.family) for v in asserted for p in v.pairs}
    return tuple(observation(*key) for key in sorted(pairs))


def device(name: str, *files: str, lines: tuple[AccountedLine, ...] = ()) -> Device:
    tallies = tuple(LineTally(file, 40, 7, 0, 0) for file in files)
    if lines:
        tallies += (LineTally(lines[0].span.file, 20, 3, 1, len(lines) - 1),)
    interfaces = {interface: Interface(interface) for interface in ("eth0", "eth1", "eth3")}
    return Device(name, "linux", interfaces, lines=lines, tallies=tallies)


def snapshot() -> Snapshot:
    secret = "password s3cr3t-of-zebra"
    odd = "area 0 authentication message-digest"
    lines = (
        AccountedLine(span(SUB_FRR, 2), LineFate.UNSUPPORTED.value, secret, "no effect on forwarding"),
        AccountedLine(span(SUB_FRR, 6), LineFate.UNRECOGNIZED.value, odd, "not known", False),
    )
    devices = [
        device("sub-rt1", "devices/sub-rt1/ip-link.json"),
        device("sub-rt2", "devices/sub-rt2/ip-link.json"),
        device("sub-fw", SUB_NFT, lines=lines),
        device("par-fw", PAR_IPT),
        device("par-core1", "devices/par-core1/ip-link.json"),
    ]
    return Snapshot({each.name: each for each in devices}, taken_at="2026-11-24T09:41:00Z")


def result(of: Policy, verdicts: Iterable[Verdict], probed: bool = True) -> RunResult:
    verdicts = tuple(verdicts)
    return RunResult(
        "0.1.0",
        "2026-11-24",
        "2026-11-24T10:00:00Z",
        of,
        snapshot(),
        verdicts,
        matrix(of, verdicts),
        tuple(
            ZoneLocation(name, f"{name}-host", "eth1", (f"10.1.{number}.10/24",))
            for number, name in enumerate(sorted(of.zones))
        ),
        (),
        observations(verdicts) if probed else (),
        probed,
        "A. Auditor" if probed else "",
        ((SUB_NFT, NFT_TEXT), (PAR_IPT, IPT_TEXT), (SUB_FRR, FRR_TEXT)),
    )


NEAR = ("sub-lan", "sub-ot", "sub-wifi")
FAR = ("par-core", "par-servers", "par-users")


def isolated(probed: bool = True) -> RunResult:
    """All proven, probed and agreeing."""
    of = policy(NEAR, FAR, ("shared-dns",))
    return result(of, isolation_verdicts(of), probed)


def excepted() -> RunResult:
    """Isolated but for one exception in force; one allowed flow works."""
    of = replace(policy(NEAR, FAR, ("shared-dns",)), exceptions=(exemption(),), flows=(dns_flow(),))

    def mark(each: PairVerdict) -> PairVerdict:
        hit = (each.source_zone, each.destination_zone) == ("sub-ot", "par-servers")
        return replace(each, excepted_by=("EXC-1",)) if hit else each

    verdicts = [replace(each, exceptions=("EXC-1",)) for each in isolation_verdicts(of, mark)]
    works = [
        Verdict(
            "FLOW-1", "flow", "Name resolution until branch resolvers go live", "forward", "sub-lan",
            "shared-dns", family, Outcome.PROVEN, "medium",
            (PairVerdict("sub-lan", "shared-dns", family, Outcome.PROVEN),),
        )
        for family in Family
    ]  # fmt: skip
    return result(of, [*verdicts, *works])


def violated() -> RunResult:
    """An open way of one zone to one zone over IPv4, delivered when probed; one line finding."""
    of = replace(policy(NEAR, FAR, ("shared-dns",)), exceptions=(exemption(),))

    def open_one(each: PairVerdict) -> PairVerdict:
        key = (each.source_zone, each.destination_zone, each.family)
        if key[:2] in (("sub-ot", "par-servers"), ("sub-ot", "par-users")) and key[2] is Family.IPV4:
            return replace(each, outcome=Outcome.VIOLATED, grade=Grade.G0, witness=witness(), barriers=())
        return each

    made = result(of, isolation_verdicts(of, open_one))
    seen = tuple(
        replace(each, reply=Reply.DELIVERED, received=2, probe=replace(each.probe, expected="delivered"))
        if (each.probe.source.zone, each.probe.destination.zone, each.probe.source.family)
        == ("sub-ot", "par-servers", Family.IPV4)
        else each
        for each in made.observations
    )
    finding = Finding(
        "LINE-sub-fw-1",
        Severity.MEDIUM,
        "line not understood on sub-fw",
        "area 0 authentication message-digest: not known. The device counts as unmodelled.",
        (span(SUB_FRR, 6),),
        "an assumption `claim: no-effect` with an owner states that the line does not matter",
    )
    return replace(made, observations=seen, findings=(finding,))


def unknown() -> RunResult:
    """One router was not collected, so what crosses it is not decided."""
    of = policy(NEAR, FAR, ("shared-dns",))

    def doubt(each: PairVerdict) -> PairVerdict:
        if "par-core" not in (each.source_zone, each.destination_zone):
            return each
        return replace(
            each,
            outcome=Outcome.UNKNOWN,
            grade=None,
            depends_on=("sub-rt3:eth0: its far end was not collected",),
            reason="something that is not modelled could join the two",
        )

    made = result(of, isolation_verdicts(of, doubt))
    failure = CollectionFailure("sub-rt3", "connection refused by 172.20.20.13:22")
    finding = Finding("COLLECT-sub-rt3", Severity.HIGH, "sub-rt3 was not collected", f"{failure.reason}.")
    snapshot_ = replace(made.snapshot, failures=(failure,))
    return replace(made, snapshot=snapshot_, findings=(finding,))


def conditional() -> RunResult:
    """Isolated under one owned assumption; not probed."""
    of = replace(policy(NEAR, FAR), assumptions=(owned_assumption(),))
    assumption = Assumption("ASM-1", "device: par-oob-sw: end-hosts-only", "noc@parent.example")

    def assume(each: PairVerdict) -> PairVerdict:
        return replace(each, outcome=Outcome.PROVEN_IF, assumptions=(assumption,))

    return result(of, isolation_verdicts(of, assume), probed=False)


def contradicted() -> RunResult:
    """The model proves isolation, and a probe arrives all the same."""
    made = isolated()
    first = made.observations[0]
    return replace(
        made, observations=(replace(first, reply=Reply.DELIVERED, received=2), *made.observations[1:])
    )


def large(per_side: int = 15) -> RunResult:
    """Thirty zones, one row of pairs open in IPv6 and one not decided."""
    of = policy(
        (f"branch-{number:02}" for number in range(per_side)),
        (f"parent-{number:02}" for number in range(per_side)),
    )

    def some(each: PairVerdict) -> PairVerdict:
        if each.source_zone == "branch-03" and each.family is Family.IPV6:
            return replace(
                each, outcome=Outcome.VIOLATED, grade=Grade.G1, witness=witness(Family.IPV6), barriers=()
            )
        if each.destination_zone == "parent-07":
            return replace(each, outcome=Outcome.UNKNOWN, grade=None, reason="par-sw9 was not collected")
        return each

    return result(of, isolation_verdicts(of, some))


EVERY = {
    "isolated": isolated,
    "excepted": excepted,
    "violated": violated,
    "unknown": unknown,
    "conditional": conditional,
    "contradicted": contradicted,
    "large": large,
}
