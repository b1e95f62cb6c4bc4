"""Probes between namespaces that the test makes: A -- router (nftables) -- B, with a shared target S.

Every process and namespace hangs on a child of this process and dies with it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

import pytest

from segaudit.model.flow import Family, Flow, Protocol, parse_address
from segaudit.model.policy import Isolation, IsolationDirection, Policy
from segaudit.model.probe import ControlTarget, ProbePlan, Reply, Vantage
from segaudit.probe.agents import Agents
from segaudit.probe.compare import compare
from segaudit.probe.ledger import Ledger, Sent
from segaudit.probe.messages import Message
from segaudit.probe.plan import plan_probes
from segaudit.probe.scope import Authorisation
from segaudit.probe.session import ProbeRun, run_session
from segaudit.probe.transport import NetnsTransport, Transport

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make network namespaces"),
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in ("nft", "ip", "nsenter", "unshare", "setpriv")),
        reason="needs nft, ip, nsenter, unshare and setpriv",
    ),
]

ADDRESSES = {
    Family.IPV4: {"a": "10.1.0.2", "b": "10.2.0.2", "b2": "10.2.0.3", "s": "10.3.0.2"},
    Family.IPV6: {"a": "fd01::2", "b": "fd02::2", "b2": "fd02::3", "s": "fd03::2"},
}
ROUTER = {Family.IPV4: "10.1.0.1", Family.IPV6: "fd01::1"}
KEY = bytes(range(32))


@dataclass(slots=True)
class Net:
    """Namespaces by name, each held by a sleeping process."""

    holders: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def add(self, name: str) -> None:
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", "-n", "sleep", "600"]
        self.holders[name] = subprocess.Popen(command)
        mine = Path("/proc/self/ns/net").readlink()
        for _ in range(200):
            if Path(f"/proc/{self.holders[name].pid}/ns/net").readlink() != mine:
                return
            time.sleep(0.01)
        pytest.skip("the kernel gives no network namespace")

    def pid(self, name: str) -> int:
        return self.holders[name].pid

    def run(self, name: str, *lines: str) -> None:
        for line in lines:
            command = ["nsenter", f"--net=/proc/{self.pid(name)}/ns/net", "--", *line.split()]
            subprocess.run(command, check=True, capture_output=True)

    def nft(self, rules: str) -> None:
        command = ["nsenter", f"--net=/proc/{self.pid('r')}/ns/net", "--", "nft", "-f", "-"]
        subprocess.run(command, check=True, input=f"flush ruleset\n{rules}".encode(), capture_output=True)

    def forward(self, *rules: str) -> None:
        """The router's forward chain: S may be used, everything else is dropped, but for ``rules``."""
        allowed = 'oifname "to-s" accept\n iifname "to-s" accept'
        body = "\n ".join([*rules, allowed])
        self.nft(
            f"table inet t {{ chain f {{ type filter hook forward priority 0; policy drop;\n {body}\n}}\n}}"
        )

    def close(self) -> None:
        for holder in self.holders.values():
            holder.send_signal(signal.SIGKILL)
            holder.wait()


@pytest.fixture
def net() -> Iterator[Net]:
    built = Net()
    try:
        _build(built)
        yield built
        assert strangers(built) == [], "a session must stop every agent that it started"
    finally:
        built.close()


def strangers(net: Net) -> list[str]:
    """Processes in the namespaces of ``net`` besides their holders."""
    ours = {Path(f"/proc/{holder.pid}/ns/net").readlink() for holder in net.holders.values()}
    holders = {str(holder.pid) for holder in net.holders.values()}
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or process.name in holders:
            continue
        with contextlib.suppress(OSError):
            if (process / "ns" / "net").readlink() in ours:
                found.append(process.name)
    return found


def _build(net: Net) -> None:
    for name in ("r", "a", "b", "b2", "s"):
        net.add(name)
        net.run(name, "ip link set lo up", "sysctl -qw net.ipv6.conf.default.accept_dad=0")
    net.run("r", "sysctl -qw net.ipv4.ip_forward=1", "sysctl -qw net.ipv6.conf.all.forwarding=1")
    # The router answers every refused probe, else Linux spaces ICMP errors to one destination.
    net.run("r", "sysctl -qw net.ipv4.icmp_ratelimit=0", "sysctl -qw net.ipv6.icmp.ratelimit=0")
    net.run("r", "ip link add lan-b type bridge", "ip link set lan-b up")
    if Path("/proc/sys/net/bridge").exists():
        # With br_netfilter the router's filter would also see what it only bridges between b and b2.
        net.run(
            "r",
            "sysctl -qw net.bridge.bridge-nf-call-iptables=0",
            "sysctl -qw net.bridge.bridge-nf-call-ip6tables=0",
        )
    for name in ("a", "b", "b2", "s"):
        net.run("r", f"ip link add to-{name} type veth peer name eth1 netns {net.pid(name)}")
        net.run("r", f"ip link set to-{name} up")
        if name.startswith("b"):
            net.run("r", f"ip link set to-{name} master lan-b")
        for family in Family:
            address = ADDRESSES[family][name]
            length = 24 if family is Family.IPV4 else 64
            net.run(name, f"ip addr add {address}/{length} dev eth1", "ip link set eth1 up")
            gateway = address[:-1] + "1"
            net.run(name, f"ip -{int(family)} route add default via {gateway}")
            if name != "b2":
                port = "lan-b" if name == "b" else f"to-{name}"
                net.run("r", f"ip addr add {gateway}/{length} dev {port}")
    net.forward()


def vantage(name: str, family: Family = Family.IPV4) -> Vantage:
    zone = {"a": "sub", "b": "parent", "b2": "parent", "s": "shared"}[name]
    return Vantage(zone, name, "eth1", family, parse_address(ADDRESSES[family][name])[1])


def policy(direction: IsolationDirection = IsolationDirection.FORWARD) -> Policy:
    isolation = Isolation(
        "ISO-1", "", ("sub",), ("parent",), "sub", "parent", direction, tuple(Family), "critical"
    )
    return Policy("lab", "policy.yaml", {}, (isolation,))


def control_to_s(source: Vantage, _: Vantage) -> ControlTarget:
    protocol, kind = (Protocol.ICMP, 8) if source.family is Family.IPV4 else (Protocol.ICMPV6, 128)
    target = ADDRESSES[source.family]["s"]
    flow = Flow(source.family, protocol, source.address, parse_address(target)[1], icmp_type=kind)
    return ControlTarget(source, flow, target, "r")


def both_ways(*names: str) -> ProbePlan:
    vantages = [vantage(name, family) for name in names for family in Family]
    return plan_probes(policy(IsolationDirection.BOTH), (), vantages, lambda *_: "none", control_to_s)


def planned(
    *names: str, family: Family = Family.IPV4, expected: str = "none", control: object = control_to_s
) -> ProbePlan:
    vantages = [vantage(name, family) for name in names]
    assert callable(control)
    return plan_probes(policy(), (), vantages, lambda *_: expected, control)


def authorisation(*targets: str) -> Authorisation:
    everything = ("10.1.0.0/24", "10.2.0.0/24", "10.3.0.0/24", "fd01::/64", "fd02::/64", "fd03::/64")
    networks = tuple(ip_network(target) for target in targets or everything)
    return Authorisation("ciso@parent.example", ("a", "b", "b2"), networks, 2000, 1000)


def probe(
    net: Net,
    plan: ProbePlan,
    *,
    scope: Authorisation | None = None,
    progress: Callable[[str], None] = lambda _: None,
    transport_for: Callable[[str], Transport] | None = None,
) -> ProbeRun:
    def inside(device: str) -> Transport:
        return NetnsTransport(net.pid(device), sys.executable)

    return run_session(
        plan,
        scope or authorisation(),
        transport_for or inside,
        run_key=KEY,
        progress=progress,
        listen_seconds=0.5,
    )


def at(step: str, action: Callable[[], object]) -> Callable[[str], None]:
    """A progress callback that acts once the session comes to ``step``."""

    def progress(text: str) -> None:
        if text.startswith(step):
            action()

    return progress


def agents_in(net: Net, name: str) -> list[int]:
    """Process ids of the agents in one namespace."""
    alone = Net({name: net.holders[name]})
    return [int(process) for process in strangers(alone)]


def signal_agents(net: Net, name: str, number: signal.Signals) -> None:
    pids = agents_in(net, name)
    assert pids, f"no agent runs in {name}"
    for pid in pids:
        os.kill(pid, number)


def replies(run: ProbeRun) -> set[Reply]:
    return {each.reply for each in run.observations}


def explained(run: ProbeRun) -> str:
    return "\n".join(
        f"{each.probe.flow}: {each.reply} {each.why} {each.controls}" for each in run.observations
    )


@pytest.mark.parametrize("family", Family)
def test_an_open_path_is_delivered(net: Net, family: Family) -> None:
    net.forward("accept")
    run = probe(net, planned("a", "b", family=family))
    assert replies(run) == {Reply.DELIVERED}, explained(run)
    assert all(each.received == 2 and each.sent == 2 for each in run.observations)
    assert [finding.id for finding in compare(run.observations)] == ["CONTRA-1"]


@pytest.mark.parametrize("family", Family)
def test_a_dropping_filter_is_silent_with_all_controls(net: Net, family: Family) -> None:
    run = probe(net, planned("a", "b", "b2", family=family))
    assert replies(run) == {Reply.SILENT}, explained(run)
    assert all(each.controls.conclusive and each.received == 0 for each in run.observations)
    assert any(
        "across the receiver's segment" in note for each in run.observations for note in each.controls.notes
    )
    assert compare(run.observations) == ()


def test_both_directions_and_families_in_one_run(net: Net) -> None:
    net.forward('ip6 saddr fd02::/64 iifname "lan-b" tcp dport 443 accept')
    run = probe(net, both_ways("a", "b", "b2"))
    assert len(run.observations) == 2 * 2 * 2 * 8
    crossed = [each.probe for each in run.observations if each.reply is Reply.DELIVERED]
    assert {(each.source.device, each.flow.family, each.flow.destination_port) for each in crossed} == {
        ("b", Family.IPV6, 443),
        ("b2", Family.IPV6, 443),
    }
    assert replies(run) == {Reply.DELIVERED, Reply.SILENT}, explained(run)
    assert [facts.died for facts in run.agents] == ["", "", ""]


@pytest.mark.parametrize("family", Family)
def test_a_rejecting_filter_is_rejected_by_the_router(net: Net, family: Family) -> None:
    net.forward('oifname "lan-b" reject')
    run = probe(net, planned("a", "b", family=family))
    assert replies(run) == {Reply.REJECTED}, explained(run)
    assert {each.rejected_by for each in run.observations} == {ROUTER[family]}


def test_a_translated_packet_is_delivered_wherever_it_arrives(net: Net) -> None:
    net.nft(
        """table ip n {
          chain p { type nat hook prerouting priority -100
            ip daddr 10.2.0.2 dnat to 10.2.0.3
          }
          chain q { type nat hook postrouting priority 100
            oifname "lan-b" masquerade
          }
        }"""
    )
    run = probe(net, planned("a", "b", "b2"))
    assert replies(run) == {Reply.DELIVERED}, explained(run)
    to_b = [each for each in run.observations if each.probe.destination.device == "b"]
    assert to_b and all("captured on b2[eth1] as" in each.why and "10.2.0.1" in each.why for each in to_b)


def test_a_single_open_port_is_found_among_silent_ones(net: Net) -> None:
    net.forward("tcp dport 445 accept", "ct state established accept")
    run = probe(net, planned("a", "b"))
    by_port = {each.probe.flow.destination_port: each.reply for each in run.observations}
    assert by_port.pop(445) is Reply.DELIVERED, explained(run)
    assert set(by_port.values()) == {Reply.SILENT}, explained(run)


def test_a_filter_that_drops_syn_with_payload_does_not_hide_an_open_port(net: Net) -> None:
    net.forward("tcp dport 445 ip length 40 accept")
    run = probe(net, planned("a", "b"))
    opened = [each for each in run.observations if each.probe.flow.destination_port == 445]
    assert [(each.reply, each.received) for each in opened] == [(Reply.DELIVERED, 1)], explained(run)


def test_a_forged_reset_is_a_rejection_by_the_address_it_names(net: Net) -> None:
    net.forward("tcp dport 22 reject with tcp reset")
    run = probe(net, planned("a", "b"))
    ssh = next(each for each in run.observations if each.probe.flow.destination_port == 22)
    assert (ssh.reply, ssh.rejected_by, ssh.received) == (Reply.REJECTED, "10.2.0.2", 0), explained(run)


def test_model_says_delivered_but_silent_is_no_isolation_evidence(net: Net) -> None:
    run = probe(net, planned("a", "b", expected="delivered"))
    findings = compare(run.observations)
    assert [finding.id for finding in findings] == ["UNMODELLED-1"]
    assert "not isolation evidence" in findings[0].title


def test_a_receiver_killed_in_mid_run_is_inconclusive(net: Net) -> None:
    kill = at("sending probes, attempt 2", lambda: signal_agents(net, "b", signal.SIGKILL))
    run = probe(net, planned("a", "b"), progress=kill)
    assert replies(run) == {Reply.INCONCLUSIVE}, explained(run)
    assert all("b: the agent ended" in each.why for each in run.observations)


def test_what_arrived_before_the_receiver_died_still_counts(net: Net) -> None:
    net.forward("accept")
    kill = at("showing controls, round 2", lambda: signal_agents(net, "b", signal.SIGKILL))
    assert replies(probe(net, planned("a", "b"), progress=kill)) == {Reply.DELIVERED}


def test_a_rejection_is_inconclusive_where_the_receiver_saw_nothing_because_it_died(net: Net) -> None:
    net.forward("accept")
    kill = at("sending probes, attempt 1", lambda: signal_agents(net, "b", signal.SIGKILL))
    run = probe(net, planned("a", "b"), progress=kill)
    assert Reply.REJECTED not in replies(run) and Reply.SILENT not in replies(run), explained(run)


def test_a_sender_killed_in_mid_run_is_inconclusive(net: Net) -> None:
    kill = at("sending probes, attempt 2", lambda: signal_agents(net, "a", signal.SIGKILL))
    run = probe(net, planned("a", "b"), progress=kill)
    assert replies(run) == {Reply.INCONCLUSIVE}, explained(run)


def test_a_control_target_that_does_not_answer_is_inconclusive(net: Net) -> None:
    net.run("s", "ip link set eth1 down")
    run = probe(net, planned("a", "b"))
    assert replies(run) == {Reply.INCONCLUSIVE}, explained(run)
    assert all("10.3.0.2 did not answer before the probes" in each.why for each in run.observations)


def test_a_control_target_that_stops_to_answer_is_inconclusive(net: Net) -> None:
    cut = at("showing controls, round 2", lambda: net.run("s", "ip link set eth1 down"))
    run = probe(net, planned("a", "b"), progress=cut)
    assert replies(run) == {Reply.INCONCLUSIVE}, explained(run)
    assert all("did not answer after the probes" in each.why for each in run.observations)


def test_without_a_control_target_silence_is_inconclusive(net: Net) -> None:
    run = probe(net, planned("a", "b", control=lambda *_: None))
    assert replies(run) == {Reply.INCONCLUSIVE}, explained(run)


@pytest.mark.parametrize("when", ["starting agents", "sending probes, attempt 1"])
def test_a_receiver_whose_interface_is_down_is_inconclusive(net: Net, when: str) -> None:
    down = at(when, lambda: net.run("b", "ip link set eth1 down"))
    run = probe(net, planned("a", "b"), progress=down)
    assert replies(run) == {Reply.INCONCLUSIVE}, explained(run)
    assert all(each.controls.canary_crossed_filter is not True for each in run.observations)


@pytest.mark.parametrize("family", Family)
def test_a_lone_receiver_s_canary_is_its_gateway_s_answer(net: Net, family: Family) -> None:
    run = probe(net, planned("a", "b", family=family))
    assert replies(run) == {Reply.SILENT}, explained(run)
    gateway = ADDRESSES[family]["b"][:-1] + "1"
    note = f"canary: answered by the gateway {gateway} across the receiver's segment"
    assert all(note in each.controls.notes for each in run.observations)


def test_a_lone_receiver_whose_gateway_keeps_silent_shows_its_own_capture_only(net: Net) -> None:
    net.run("r", "sysctl -qw net.ipv4.icmp_echo_ignore_all=1")
    run = probe(net, planned("a", "b"))
    assert replies(run) == {Reply.SILENT}, explained(run)
    assert all("the segment is not shown" in str(each.controls.notes) for each in run.observations)


def test_a_receiver_cut_from_its_segment_is_inconclusive_though_its_own_link_is_up(net: Net) -> None:
    net.run("r", "ip link set to-b nomaster")
    run = probe(net, planned("a", "b", "b2"))
    to_b = [each for each in run.observations if each.probe.destination.device == "b"]
    assert {each.reply for each in to_b} == {Reply.INCONCLUSIVE}, explained(run)


def test_packets_lost_by_the_receiver_are_inconclusive(net: Net) -> None:
    """A stopped receiver's buffer overflows: the kernel counts what it lost."""

    def overflow() -> None:
        signal_agents(net, "b", signal.SIGSTOP)
        try:
            net.run("b2", f"{sys.executable} {__file__} flood")
        finally:
            signal_agents(net, "b", signal.SIGCONT)

    run = probe(net, planned("a", "b"), progress=at("sending probes, attempt 2", overflow))
    assert replies(run) == {Reply.INCONCLUSIVE}, explained(run)
    assert all("the kernel dropped" in each.why for each in run.observations)


def test_an_interrupt_keeps_what_was_measured_and_stops_every_agent(net: Net) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    net.forward("tcp dport 445 accept")
    run = probe(net, planned("a", "b"), progress=at("showing controls, round 2", interrupt))
    assert run.interrupted
    by_port = {each.probe.flow.destination_port: each for each in run.observations}
    assert by_port.pop(445).reply is Reply.DELIVERED
    assert all(each.reply is Reply.INCONCLUSIVE and "interrupted" in each.why for each in by_port.values())


def test_the_agent_itself_refuses_a_target_outside_its_scope(net: Net) -> None:
    events: list[Message] = []
    agents = Agents(lambda _, event: events.append(event))
    ledger = Ledger(KEY)
    flows = [planned("a", name).probes[0].flow for name in ("b", "b2")]
    packets = [ledger.number(Sent("probe", 0, 0, flow, vantage("a"))) for flow in flows]
    job = {
        "authorised_by": "ciso@parent.example",
        "targets": ["10.2.0.3/32"],
        "sends": True,
        "spoofs": False,
        "rate": 100,
        "rate_per_destination": 100,
        "stop_after_seconds": 20,
        "towards": [],
    }
    try:
        agents.start("a", NetnsTransport(net.pid("a"), sys.executable))
        agents.wait([agents.ask("a", "begin", job=job)], 20)
        agents.wait([agents.ask("a", "send", interface="eth1", packets=packets)], 20)
        agents.wait([agents.ask("a", "begin", job={**job, "targets": ["10.2.0.0/24"]})], 20)
    finally:
        agents.stop()
    reported = [(event["event"], event["number"]) for event in events]
    assert sorted(reported) == [("refused", 0), ("sent", 1)]
    assert "10.2.0.2 is outside the scope" in events[0]["why"]


def test_what_lies_outside_the_scope_is_inconclusive_and_never_sent(net: Net) -> None:
    scope = authorisation("10.2.0.3/32", "10.3.0.0/24")
    run = probe(net, planned("a", "b", "b2"), scope=scope)
    to_b = [each for each in run.observations if each.probe.destination.device == "b"]
    assert {(each.reply, each.sent, each.why) for each in to_b} == {
        (Reply.INCONCLUSIVE, 0, "10.2.0.2 is outside the scope")
    }
    others = [each for each in run.observations if each.probe.destination.device == "b2"]
    assert {each.reply for each in others} == {Reply.SILENT}, explained(run)


def test_the_kernel_may_lack_nothing_but_raw_sockets(net: Net) -> None:
    """CAP_NET_RAW is enough: no right to change the network, smaller buffers only."""

    @dataclass(frozen=True, slots=True)
    class OnlyRaw:
        inner: NetnsTransport

        def command(self) -> list[str]:
            *enter, python, module, name = self.inner.command()
            bounded = [
                "setpriv",
                "--bounding-set=-all,+net_raw",
                "--inh-caps=-all,+net_raw",
                "--no-new-privs",
            ]
            return [*enter, *bounded, "--", python, module, name]

        def environment(self) -> Mapping[str, str]:
            return self.inner.environment()

    run = probe(
        net,
        planned("a", "b"),
        transport_for=lambda device: OnlyRaw(NetnsTransport(net.pid(device), sys.executable)),
    )
    assert replies(run) == {Reply.SILENT}, explained(run)


def flood() -> None:
    """Send more SYNs to b than its receive buffer holds, straight to the segment."""
    from segaudit.probe import agent_craft

    flow = Flow(Family.IPV4, 6, vantage("b2").address, vantage("b").address, 1, 2, tcp_flags=2)
    data = agent_craft.frame(flow, b"", 0, (0, 0), (b"\x02" * 6, b"\xff" * 6))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
        raw.bind(("eth1", 0))
        for _ in range(120_000):
            with contextlib.suppress(OSError):
                raw.send(data)


if __name__ == "__main__":
    flood()
