from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import date

import pytest

from segaudit.errors import UsageError
from segaudit.model.flow import Disposition, Family, Flow, Protocol, Trace, parse_address
from segaudit.model.policy import AllowedFlow, Exemption, Isolation, IsolationDirection, Policy, Service
from segaudit.model.probe import ControlTarget, ProbePlan, Vantage
from segaudit.model.verdict import Outcome, PairVerdict, Witness
from segaudit.probe.plan import ATTEMPTS, plan_cost, plan_probes, render_plan, unprobed_pairs

SSH = Service("tcp/22", Protocol.TCP, ((22, 22),))
PING = Service("icmp/8", Protocol.ICMP, icmp_type=8)
ESP = Service("ip/50", 50)
RANGES = Service("tcp/8000-8010,9000", Protocol.TCP, ((8000, 8010), (9000, 9000)))
ANY = Service("any", None)


def vantage(zone: str, device: str, address: str) -> Vantage:
    family, number = parse_address(address)
    return Vantage(zone, device, "eth1", family, number)


A = vantage("sub", "a", "10.1.0.2")
A6 = vantage("sub", "a", "fd01::2")
B = vantage("core", "b", "10.2.0.2")
B2 = vantage("core", "b2", "10.2.0.3")
B6 = vantage("core", "b", "fd02::2")
C = vantage("dmz", "c", "10.4.0.2")
S = vantage("shared", "s", "10.3.0.53")


def isolation(direction: IsolationDirection = IsolationDirection.BOTH) -> Isolation:
    return Isolation(
        "ISO-1", "", ("sub",), ("core", "dmz"), "sub", "parent", direction, tuple(Family), "critical"
    )


def policy(*isolations: Isolation, **parts: object) -> Policy:
    return replace(Policy("p", "policy.yaml", {}, isolations), **parts)  # type: ignore[arg-type]


def blocked(*_: object) -> str:
    return "none"


def no_control(*_: object) -> None:
    return None


def plan(
    *vantages: Vantage,
    of: Policy | None = None,
    pairs: tuple[PairVerdict, ...] = (),
    expected: object = blocked,
) -> ProbePlan:
    assert callable(expected)
    return plan_probes(of or policy(isolation()), pairs, vantages, expected, no_control)


def test_every_vantage_pair_is_probed_in_both_directions() -> None:
    made = plan(A, B, B2, C)
    ends = Counter((probe.source.device, probe.destination.device) for probe in made.probes)
    pairs = [("a", "b"), ("a", "b2"), ("a", "c"), ("b", "a"), ("b2", "a"), ("c", "a")]
    assert ends == dict.fromkeys(pairs, 8)
    kinds = {
        (probe.flow.protocol, probe.flow.destination_port, probe.flow.icmp_type)
        for probe in made.probes
        if probe.destination == B
    }
    assert kinds == {(6, port, 0) for port in (22, 80, 443, 445, 3389)} | {
        (17, 53, 0),
        (17, 161, 0),
        (1, 0, 8),
    }
    assert made.receivers == tuple(sorted((A, B, B2, C)))


@pytest.mark.parametrize(
    ("direction", "sources"),
    [(IsolationDirection.FORWARD, {"a"}), (IsolationDirection.REVERSE, {"b"})],
)
def test_a_direction_of_an_isolation_is_kept(direction: IsolationDirection, sources: set[str]) -> None:
    made = plan(A, B, of=policy(isolation(direction)))
    assert {probe.source.device for probe in made.probes} == sources


def test_families_do_not_mix_and_ipv6_pings_by_icmpv6() -> None:
    made = plan(A, A6, B, B6, of=policy(isolation(IsolationDirection.FORWARD)))
    assert Counter(probe.flow.family for probe in made.probes) == {Family.IPV4: 8, Family.IPV6: 8}
    for probe in made.probes:
        assert probe.source.family is probe.destination.family is probe.flow.family
        assert (probe.flow.source, probe.flow.destination) == (
            probe.source.address,
            probe.destination.address,
        )
    assert [p.flow.icmp_type for p in made.probes if p.flow.protocol == Protocol.ICMPV6] == [128]


def test_a_device_is_not_probed_from_itself_and_the_gap_is_a_finding() -> None:
    both = replace(B, device="a")
    made = plan(A, both)
    assert made.probes == ()
    (gap,) = unprobed_pairs(policy(isolation()), (A, both))
    assert gap.title == "ISO-1: 8 zone pairs were not probed"
    assert "sub to core (ipv4)" in gap.detail


def test_no_finding_where_every_pair_has_vantages() -> None:
    every = (A, A6, B, B6, C, vantage("dmz", "c", "fd04::2"))
    assert unprobed_pairs(policy(isolation()), every) == ()


def violated(flow: Flow) -> PairVerdict:
    witness = Witness(flow, Trace(flow, flow, (), Disposition.DELIVERED), "a[eth1]", True)
    return PairVerdict("sub", "core", flow.family, Outcome.VIOLATED, witness=witness)


def witnesses(witness: Flow, spoofed: bool = False) -> list[Flow]:
    made = plan_probes(
        policy(isolation(IsolationDirection.FORWARD)),
        (violated(witness),),
        (A, B, B2, C),
        blocked,
        no_control,
        spoofed_sources=spoofed,
    )
    return [probe.flow for probe in made.probes if probe.purpose == "witness"]


def test_a_witness_is_put_on_the_vantages_of_its_zones_only() -> None:
    witness = Flow(Family.IPV4, Protocol.TCP, A.address, B.address, 4000, 8443, tcp_flags=2)
    assert witnesses(witness) == [witness, replace(witness, destination=B2.address)]


def test_a_witness_with_odd_flags_is_also_sent_as_a_syn() -> None:
    witness = Flow(Family.IPV4, Protocol.TCP, A.address, B.address, 4000, 8443, tcp_flags=16)
    flags = {flow.tcp_flags for flow in witnesses(witness)}
    assert flags == {2, 16}


def test_a_witness_with_a_foreign_source_is_kept_only_where_spoofing_is_authorised() -> None:
    witness = Flow(Family.IPV4, 47, parse_address("192.0.2.9")[1], B.address)
    assert witness not in witnesses(witness)
    assert witness in witnesses(witness, spoofed=True)


def test_exceptions_and_flows_that_must_work_are_probed_by_service() -> None:
    day = date(2026, 12, 31)
    exemption = Exemption("EXC-1", "ISO-1", "sub", "core", (SSH, PING, ESP, RANGES), "o", "j", day)
    flow = AllowedFlow("FLOW-1", "sub", "shared", (ANY,), "o", "j", day, True)
    optional = replace(flow, id="FLOW-2", must_work=False)
    made = plan(A, A6, B, B6, S, of=policy(exceptions=(exemption,), flows=(flow, optional)))
    assert {probe.purpose for probe in made.probes} == {"flow"}
    assert Counter((probe.assertion, probe.flow.family) for probe in made.probes) == {
        ("EXC-1", Family.IPV4): 5,
        ("EXC-1", Family.IPV6): 4,  # icmp/8 is no IPv6 service
        ("FLOW-1", Family.IPV4): 8,
    }


def test_blocked_probes_go_first_and_identifiers_follow_the_order() -> None:
    def expected(flow: Flow, *_: object) -> str:
        return {22: "delivered", 80: "unknown"}.get(flow.destination_port, "none")

    made = plan(A, B, of=policy(isolation(IsolationDirection.FORWARD)), expected=expected)
    assert [probe.expected for probe in made.probes] == ["none"] * 6 + ["unknown", "delivered"]
    assert [probe.id for probe in made.probes] == [f"P-{n:05d}" for n in range(1, 9)]


def test_the_same_input_in_any_order_makes_the_same_plan() -> None:
    assert plan(A, B, B2, C) == plan(C, B2, B, A)


def test_every_port_probe_has_a_source_port_of_its_own_in_the_probe_range() -> None:
    ports = [probe.flow.source_port for probe in plan(A, B, B2, C).probes if probe.flow.protocol in (6, 17)]
    assert len(set(ports)) == len(ports) and all(61_440 <= port <= 65_535 for port in ports)


def test_the_control_of_a_vantage_pair_is_asked_once_and_made_sendable() -> None:
    asked = []

    def control_for(source: Vantage, destination: Vantage) -> ControlTarget | None:
        asked.append((source, destination))
        if source.family is not Family.IPV4:
            return None
        return ControlTarget(source, Flow(source.family, 6, source.address, S.address, 0, 53), "s", "fw")

    made = plan_probes(policy(isolation()), (), (A, B), blocked, control_for)
    assert sorted(asked) == sorted([(A, B), (B, A)])
    assert {control.source for control in made.controls} == {A, B}
    assert all(control.flow.source_port and control.flow.tcp_flags == 2 for control in made.controls)
    assert all(probe.control in made.controls for probe in made.probes)


def test_a_plan_that_is_too_large_is_an_error_and_not_cut() -> None:
    with pytest.raises(UsageError, match="48 probes, at most 47"):
        plan_probes(policy(isolation()), (), (A, B, B2, C), blocked, no_control, most_probes=47)


def test_the_dry_run_has_a_line_for_every_packet_and_their_cost() -> None:
    control = ControlTarget(A, Flow(Family.IPV4, 1, A.address, S.address, icmp_type=8), "s", "fw")
    made = plan_probes(
        policy(isolation(IsolationDirection.FORWARD)), (), (A, B), blocked, lambda *_: control
    )
    lines = render_plan(made, 1000, 50)
    cost = plan_cost(made, 1000, 50)
    assert len(lines) == cost.packets + 3
    assert len([line for line in lines if line.startswith("P-")]) == 8 * ATTEMPTS
    assert (
        "P-00001.1 tcp 10.1.0.2:61440 -> 10.2.0.2:22  a to b  ISO-1 isolation, with nonce, model: none"
        in lines
    )
    assert (
        "P-00001.2 tcp 10.1.0.2:61440 -> 10.2.0.2:22  a to b  ISO-1 isolation, no payload, model: none"
        in lines
    )
    assert lines[-3] == "packets: at most 28: 8 probes, each 2 times, and controls"
    assert lines[-2] == "time: 0.4 s at 1000 packets/s, 50 per destination"
    assert lines[-1] == "connection-table entries: 1 by the model, 9 if every packet passes"


def test_the_dry_run_needs_neither_scapy_nor_netmiko() -> None:
    script = (
        "import sys, segaudit.probe.plan, segaudit.probe.session, segaudit.probe.scope\n"
        "print([n for n in ('scapy', 'netmiko', 'numpy', 'pyroute2') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
