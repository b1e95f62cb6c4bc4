"""The agent's own refusals, without a socket, and the session's handling of agents that fail."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest

from segaudit.errors import ScopeError
from segaudit.model.flow import Family, Flow, Protocol, parse_address
from segaudit.model.probe import PlannedProbe, ProbePlan, Reply, Vantage
from segaudit.probe import kernel_tables
from segaudit.probe.agent import Agent, Outgoing
from segaudit.probe.agents import Agents
from segaudit.probe.kernel_tables import AssignedAddress
from segaudit.probe.ledger import Fate, Ledger, Sent
from segaudit.probe.messages import Message, flow_to_json
from segaudit.probe.scope import Authorisation
from segaudit.probe.session import canary_sender, gateway_of, refusals, run_session
from segaudit.probe.transport import DockerTransport, NetnsTransport, SshTransport, Transport

OWN = parse_address("192.0.2.1")[1]
NEAR = parse_address("192.0.2.9")[1]
FAR = parse_address("198.51.100.9")[1]

JOB = {
    "authorised_by": "ciso@parent.example",
    "targets": ["192.0.2.0/28"],
    "sends": True,
    "spoofs": False,
    "rate": 1000,
    "rate_per_destination": 1000,
    "stop_after_seconds": 60,
    "closes_at": None,
    "towards": [],
}


@dataclass
class Talk:
    """An agent on a clock that the test moves; its packets are counted and not sent."""

    agent: Agent
    said: list[Message]
    now: list[float]
    transmitted: list[Outgoing]

    def say(self, operation: str, **fields: object) -> list[Message]:
        before = len(self.said)
        self.agent.handle({"op": operation, "id": 1, **fields})
        return self.said[before:]

    def steps(self, count: int = 20) -> None:
        for _ in range(count):
            self.agent.step()


@pytest.fixture
def talk(monkeypatch: pytest.MonkeyPatch) -> Talk:
    said: list[Message] = []
    now = [100.0]
    transmitted: list[Outgoing] = []
    agent = Agent(said.append, clock=lambda: now[0], wall_clock=lambda: 1_000_000.0 + now[0])
    own = (AssignedAddress(1, Family.IPV4, OWN, 24),)
    monkeypatch.setattr(kernel_tables, "addresses", lambda: own)
    monkeypatch.setattr(kernel_tables, "links", tuple)
    monkeypatch.setattr(Agent, "_transmit", lambda _, packet: transmitted.append(packet))
    return Talk(agent, said, now, transmitted)


def packet(number: int = 0, source: int = OWN, destination: int = NEAR) -> Message:
    flow = Flow(Family.IPV4, Protocol.UDP, source, destination, 61_440, 161)
    return {
        "number": number,
        "flow": flow_to_json(flow),
        "payload": "00",
        "tcp_sequence": 0,
        "echo": [0, 0],
    }


def test_nothing_is_sent_before_there_is_a_job(talk: Talk) -> None:
    (answer,) = talk.say("send", interface="eth1", packets=[packet()])
    assert (answer["event"], answer["why"]) == ("failed", "no job: begin comes first")
    talk.steps()
    assert talk.transmitted == []


@pytest.mark.parametrize("name", ["", "  "])
def test_a_job_that_nobody_authorised_is_refused(talk: Talk, name: str) -> None:
    (answer,) = talk.say("begin", job={**JOB, "authorised_by": name})
    assert answer["event"] == "failed" and talk.agent.job is None


@pytest.mark.parametrize("key", sorted(JOB.keys() - {"closes_at", "towards"}))
def test_a_job_that_lacks_a_limit_is_refused(talk: Talk, key: str) -> None:
    job = {name: value for name, value in JOB.items() if name != key}
    (answer,) = talk.say("begin", job=job)
    assert answer["event"] == "failed" and talk.agent.job is None


@pytest.mark.parametrize("key", ["rate", "rate_per_destination", "stop_after_seconds"])
@pytest.mark.parametrize("value", [0, -1, "inf", "nan", "fast"])
def test_a_limit_that_is_none_is_refused(talk: Talk, key: str, value: object) -> None:
    (answer,) = talk.say("begin", job={**JOB, key: value})
    assert answer["event"] == "failed" and talk.agent.job is None


def test_a_job_cannot_be_widened(talk: Talk) -> None:
    talk.say("begin", job=JOB)
    (answer,) = talk.say("begin", job={**JOB, "targets": ["198.51.100.0/24"]})
    assert "cannot be changed" in answer["why"]
    assert talk.say("send", interface="eth1", packets=[packet(destination=FAR)])[0]["event"] == "refused"


def test_each_packet_is_judged_by_itself(talk: Talk) -> None:
    talk.say("begin", job=JOB)
    packets = [packet(0), packet(1, destination=FAR), packet(2, source=FAR), packet(3)]
    refused = talk.say("send", interface="eth1", packets=packets)
    assert [(each["number"], each["why"]) for each in refused] == [
        (1, "198.51.100.9 is outside the scope"),
        (2, "198.51.100.9 is not an address of this machine"),
    ]
    talk.now[0] += 1
    talk.steps()
    assert [sent.number for sent in talk.transmitted] == [0, 3]
    assert talk.said[-1] == {"event": "done", "id": 1}


def test_a_foreign_source_is_sent_where_the_job_says_so(talk: Talk) -> None:
    talk.say("begin", job={**JOB, "spoofs": True})
    assert talk.say("send", interface="eth1", packets=[packet(source=FAR)]) == []


def test_a_receiver_may_only_send_canaries_to_itself(talk: Talk) -> None:
    talk.say("begin", job={**JOB, "sends": False, "targets": []})
    assert talk.say("send", interface="eth1", packets=[packet()])[0]["event"] == "failed"
    assert talk.say("canary", interface="eth1", to_itself=False, packets=[packet()])[0]["event"] == "failed"
    outside = talk.say("canary", interface="eth1", to_itself=True, packets=[packet()])
    assert outside[0]["event"] == "refused"
    assert talk.say("canary", interface="eth1", to_itself=True, packets=[packet(destination=OWN)]) == []


def test_the_rate_is_the_agent_s_own_business(talk: Talk) -> None:
    talk.say("begin", job={**JOB, "rate": 100, "rate_per_destination": 10})
    talk.say("send", interface="eth1", packets=[packet(n) for n in range(5)])
    talk.steps()
    assert len(talk.transmitted) == 1
    wait = talk.agent.seconds_to_next()
    assert wait is not None and abs(wait - 0.1) < 1e-6
    talk.now[0] += 0.1
    talk.steps()
    assert len(talk.transmitted) == 2


@pytest.mark.parametrize("job", [{**JOB, "stop_after_seconds": 5}, {**JOB, "closes_at": 1_000_105.0}])
def test_no_packet_leaves_after_the_job_s_time(talk: Talk, job: Message) -> None:
    talk.say("begin", job=job)
    talk.say("send", interface="eth1", packets=[packet()])
    talk.now[0] += 5
    talk.steps()
    assert talk.transmitted == [] and talk.agent.ended
    assert talk.say("send", interface="eth1", packets=[packet()])[0]["event"] == "failed"


@pytest.mark.parametrize("command", [{}, {"op": "format"}, {"op": "send"}, {"op": "begin", "job": 3}])
def test_a_bad_command_is_answered_and_changes_nothing(talk: Talk, command: Message) -> None:
    talk.agent.handle(command)
    assert talk.said[-1]["event"] == "failed" and talk.agent.job is None


def test_the_agent_ends_when_its_input_closes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "segaudit.probe.agent"], input=b"nonsense\n", capture_output=True, timeout=30
    )
    assert done.returncode == 0
    assert b"not a command" in done.stdout


@dataclass(frozen=True, slots=True)
class Script:
    """A shell script in the place of an agent."""

    text: str

    def command(self) -> list[str]:
        return ["sh", "-c", self.text]

    def environment(self) -> Mapping[str, str]:
        return {}


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 3", "the agent ended"),
        ("echo 'python3: No module named segaudit' >&2; exit 1", "No module named segaudit"),
        ("echo Welcome to router; exec sleep 30", "not an agent's answer"),
        ("exec sleep 30", "did not answer within 0.4 s"),
        ("read line; sleep 30", "did not answer within 0.4 s"),
        ("trap '' TERM; exec 1>&-; while :; do sleep 1; done", "the agent ended"),
    ],
)
def test_an_agent_that_fails_is_dead_with_a_reason_and_its_process_is_gone(script: str, why: str) -> None:
    agents = Agents(lambda *_: None)
    try:
        agents.start("b", Script(script))
        pid = agents.pid("b")
        assert agents.wait([agents.ask("b", "begin", job=JOB)], 0.4) == {}
        time.sleep(0.05)
    finally:
        agents.stop()
    assert why in agents.dead["b"]
    assert pid is not None and not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    "event",
    [
        '{"event":"sent","number":0,"next_hop":"x"}',
        '{"event":"sent","number":-1,"next_hop":"x"}',
        '{"event":"refused","number":99}',
        '{"event":"captured","interface":"eth1","outgoing":false}',
        '{"event":"captured","interface":"eth1","outgoing":false,"packet":{"flow":[1]}}',
        '{"event":"done","id":[]}',
        "[]",
        "3",
    ],
)
def test_an_agent_that_talks_nonsense_is_dead_and_changes_nothing(event: str) -> None:
    ledger = Ledger(bytes(16))
    ledger.number(Sent("probe", 0, 0, planned().flow, A))
    agents = Agents(ledger.note)
    try:
        agents.start("b", Script(f"echo '{event}'; exec sleep 30"))
        agents.listen(5, until=lambda: "b" in agents.dead)
    finally:
        agents.stop()
    assert "not an agent's answer" in agents.dead["b"]
    assert ledger.fates == [Fate()]


def test_an_agent_of_another_protocol_is_dead() -> None:
    greeting = '{"event":"done","id":1,"protocol":99,"wall_clock":0,"interfaces":[]}'
    script = Script(f"read line; echo '{greeting}'; exec sleep 30")
    run = run_session(plan(planned()), SCOPE, lambda _: script, run_key=bytes(16), listen_seconds=0)
    assert {facts.died for facts in run.agents} == {"the agent speaks another protocol: 99"}
    assert run.observations[0].reply is Reply.INCONCLUSIVE


@pytest.mark.parametrize(
    "rest",
    [
        "",
        '"wall_clock":"now","interfaces":[],"gateways":[]',
        '"wall_clock":0,"interfaces":[{"name":"eth1","addresses":[[4,1]]}],"gateways":[]',
        '"wall_clock":0,"interfaces":[],"gateways":[{"interface":"eth1","family":"x","address":1}]',
        '"wall_clock":0,"interfaces":7,"gateways":[]',
    ],
)
def test_a_greeting_that_cannot_be_read_is_a_dead_agent(rest: str) -> None:
    greeting = f'{{"event":"done","id":1,"protocol":1{"," if rest else ""}{rest}}}'
    script = Script(f"read line; echo '{greeting}'; exec sleep 30")
    run = run_session(plan(planned()), SCOPE, lambda _: script, run_key=bytes(16), listen_seconds=0)
    assert {facts.died for facts in run.agents} == {"the agent's greeting cannot be read"}
    assert run.observations[0].reply is Reply.INCONCLUSIVE


def test_a_program_that_is_not_there_is_a_dead_agent() -> None:
    agents = Agents(lambda *_: None)
    agents.start("b", NetnsTransport(1, python="/nowhere/python"))
    agents.wait([agents.ask("b", "hello")], 5)
    agents.stop()
    assert agents.dead["b"]


def vantage(zone: str, device: str, address: str) -> Vantage:
    family, value = parse_address(address)
    return Vantage(zone, device, "eth1", family, value)


A = vantage("sub", "a", "10.1.0.2")
B = vantage("core", "b", "10.2.0.2")
B2 = vantage("core", "b2", "10.2.0.3")
SCOPE = Authorisation("ciso@parent.example", ("a", "b*"), (ip_network("10.2.0.0/24"),))


def planned(destination: Vantage = B, source: Vantage = A) -> PlannedProbe:
    flow = Flow(Family.IPV4, 6, source.address, destination.address, 61_440, 22, tcp_flags=2)
    return PlannedProbe("P-00001", "ISO-1", source, destination, flow, "none", "isolation")


def plan(*probes: PlannedProbe) -> ProbePlan:
    return ProbePlan(probes, (), tuple(sorted({probe.destination for probe in probes})))


def never(device: str) -> Transport:
    raise AssertionError(f"an agent was started on {device}")


def test_a_session_without_a_name_starts_no_agent() -> None:
    with pytest.raises(ScopeError, match="person who answers"):
        run_session(plan(planned()), replace(SCOPE, authorised_by=""), never, run_key=bytes(16))


def test_a_session_outside_the_window_starts_no_agent() -> None:
    closed = replace(SCOPE, not_after=datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(ScopeError, match="the window closed"):
        run_session(plan(planned()), closed, never, run_key=bytes(16))


def test_a_session_with_nothing_in_scope_starts_no_agent() -> None:
    outside = replace(SCOPE, targets=(ip_network("10.9.0.0/24"),))
    with pytest.raises(ScopeError, match=r"10\.2\.0\.2 is outside the scope"):
        run_session(plan(planned()), outside, never, run_key=bytes(16))


def test_what_must_not_be_sent_is_refused_probe_by_probe() -> None:
    foreign = replace(planned(), flow=replace(planned().flow, source=1))
    stranger = planned(source=vantage("sub", "c", "10.1.0.9"))
    assert refusals(plan(planned(), planned(A), foreign, stranger), SCOPE) == {
        1: "10.1.0.2 is outside the scope",
        2: "0.0.0.1 is not a's address, and spoofing is not authorised",
        3: "c is not a source of the scope",
    }
    assert set(refusals(plan(foreign), replace(SCOPE, spoofed_sources=True))) == set()


def test_agents_that_do_not_start_make_every_probe_inconclusive() -> None:
    run = run_session(
        plan(planned()), SCOPE, lambda _: Script("echo no such container >&2; exit 1"), run_key=bytes(16)
    )
    (seen,) = run.observations
    assert seen.reply is Reply.INCONCLUSIVE and "no such container" in seen.why
    assert {facts.device: facts.died for facts in run.agents}.keys() == {"a", "b"}


def hello(prefix_length: int) -> Message:
    return {"interfaces": [{"name": "eth1", "addresses": [[4, B.address, prefix_length]]}]}


@pytest.mark.parametrize(
    ("scope", "greetings", "dead", "sender"),
    [
        (SCOPE, {"b": hello(24), "b2": hello(24)}, {}, "b2"),
        (SCOPE, {"b": hello(32), "b2": hello(24)}, {}, "b"),
        (SCOPE, {"b": hello(24)}, {}, "b"),
        (SCOPE, {"b": hello(24), "b2": hello(24)}, {"b2": "ended"}, "b"),
        (replace(SCOPE, sources=("a",)), {"b": hello(24), "b2": hello(24)}, {}, "b"),
        (replace(SCOPE, targets=()), {"b": hello(24), "b2": hello(24)}, {}, "b"),
    ],
)
def test_a_canary_comes_from_a_neighbour_that_may_send_else_from_the_receiver(
    scope: Authorisation, greetings: dict[str, Message], dead: dict[str, str], sender: str
) -> None:
    assert canary_sender(B, plan(planned(), planned(B2)), scope, greetings, dead).device == sender


@pytest.mark.parametrize(
    ("scope", "gateway", "asked"),
    [
        (SCOPE, "10.2.0.1", True),
        (SCOPE, "10.7.0.1", False),
        (replace(SCOPE, sources=("a",)), "10.2.0.1", False),
    ],
)
def test_a_gateway_is_asked_only_inside_the_scope(scope: Authorisation, gateway: str, asked: bool) -> None:
    address = parse_address(gateway)[1]
    greeting = {"gateways": [{"interface": "eth1", "family": 4, "address": address}]}
    assert gateway_of(B, greeting, scope) == (address if asked else None)
    assert gateway_of(replace(B, interface="eth2"), greeting, scope) is None


def test_transports_carry_the_agent() -> None:
    assert NetnsTransport(42, "py").command() == [
        *("nsenter", "--net=/proc/42/ns/net", "--", "py", "-m", "segaudit.probe.agent")
    ]
    assert NetnsTransport(Path("/run/netns/x")).command()[1] == "--net=/run/netns/x"
    assert DockerTransport("clab-x-pc1").command() == [
        *("docker", "exec", "-i", "clab-x-pc1", "python3", "-m", "segaudit.probe.agent")
    ]
    package = NetnsTransport(1).environment()["PYTHONPATH"].split(os.pathsep)[0]
    assert Path(package, "segaudit", "probe", "agent.py").exists()


def test_ssh_checks_host_keys_and_asks_nothing() -> None:
    command = SshTransport("h", user="u", known_hosts_file="k", privilege=("sudo", "-n")).command()
    assert "StrictHostKeyChecking=yes" in command and "BatchMode=yes" in command
    assert "UserKnownHostsFile=k" in command
    assert command[-3:] == ["--", "h", "sudo -n python3 -m segaudit.probe.agent"]


def test_an_ssh_host_that_looks_like_an_option_is_none() -> None:
    command = SshTransport("-oProxyCommand=x").command()
    assert command[command.index("--") + 1] == "-oProxyCommand=x"
