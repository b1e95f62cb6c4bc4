"""Marks: what the resolved rules compile to, against a packet that carries its mark from rule to rule."""

from __future__ import annotations

from dataclasses import replace

from builders.networks import acl, attach, device, interface, link, route, snapshot
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from segaudit.graph import build_graph
from segaudit.model.acl import (
    Action,
    AddressIn,
    AllOf,
    AnyPacket,
    Continue,
    Direction,
    End,
    Field,
    FieldIn,
    ForgetMark,
    Forwarding,
    Goto,
    Hook,
    InterfaceIn,
    Jump,
    MarkIs,
    Matches,
    Not,
    Return,
    SetMark,
    StateIn,
    Translate,
    TranslationKind,
    UnknownMatch,
)
from segaudit.model.device import Device, RoutingRule
from segaudit.model.flow import ConnectionState, Family, Flow
from segaudit.packets import Universe
from segaudit.reach.device_path import DevicePath, Level
from segaudit.reach.marks import reads_marks, without_marks
from segaudit.reach.walk import Walker

UNIVERSE = Universe(Family.IPV4, 1 << 21)
BASE = 0x0A010000

headers: st.SearchStrategy[Matches] = st.one_of(
    st.just(AnyPacket()),
    st.builds(
        lambda end, last: AddressIn(end, Family.IPV4, ((BASE, BASE + last),)),
        st.sampled_from(End),
        st.sampled_from([1, 3, 300]),
    ),
    st.builds(lambda port: FieldIn(Field.DESTINATION_PORT, (port,)), st.sampled_from([(80, 80), (1, 443)])),
    st.just(FieldIn(Field.PROTOCOL, ((6, 6),))),
    st.builds(InterfaceIn, st.sampled_from(Direction), st.sampled_from([("eth1",), ("eth2",)])),
    st.just(StateIn(frozenset({ConnectionState.NEW}))),
)
marks = st.builds(MarkIs, st.integers(0, 3), st.sampled_from([1, 2, 3, 0xFFFFFFFF]))
matches = st.one_of(headers, marks, marks.map(Not), st.builds(lambda a, b: AllOf((a, b)), headers, marks))
settings_of: st.SearchStrategy[Action] = st.builds(
    SetMark, st.integers(0, 3), st.sampled_from([0, 1, 3, 0xFFFFFFFF])
)


def rules(*jumps: str, unknown: bool = False) -> st.SearchStrategy[list[tuple[Matches, Action]]]:
    plain: list[Action] = [Forwarding.ACCEPT, Forwarding.DROP, Return(), Continue()]
    ways: list[Action] = [way(name) for name in jumps for way in (Jump, Goto)]
    if not unknown:
        actions = st.one_of(settings_of, settings_of, st.sampled_from(plain + ways))
        return st.lists(st.tuples(matches, actions), max_size=5)
    actions = st.one_of(settings_of, settings_of, st.sampled_from([*plain, *ways, ForgetMark(1)]))
    return st.lists(st.tuples(st.one_of(matches, st.just(UnknownMatch("?"))), actions), max_size=5)


@st.composite
def boxes(draw: st.DrawFn, unknown: bool = False, nat: bool = False) -> Device:
    """Eth1 and eth2, three chains with a common one to jump to, and a rule that routes by mark."""
    outs = ("eth1", "10.3.0.2"), ("eth2", "10.4.0.2")
    translation = Translate(TranslationKind.DESTINATION, ((BASE + 1, BASE + 1),))
    chains = (
        acl("called", *draw(rules(unknown=unknown)), default=Return()),
        acl("first", *draw(rules("called", unknown=unknown)), default=Forwarding.ACCEPT),
        acl("second", *draw(rules("called", unknown=unknown)), default=Forwarding.ACCEPT),
        acl("forward", *draw(rules("called", unknown=unknown)), default=Forwarding.DROP),
        acl("nat", (draw(headers), translation), default=Forwarding.ACCEPT),
    )
    return device(
        "box",
        interface("eth1", "10.3.0.1/24", clears_mark=True),
        interface("eth2", "10.4.0.1/24", clears_mark=draw(st.booleans())),
        routes=(
            route("10.1.0.0/16", *outs[1]),
            route("10.1.0.0/16", *outs[0], table="100"),
        ),
        acls=chains,
        attachments=(
            attach("first", Hook.PREROUTING, draw(st.sampled_from([-300, -150]))),
            *((attach("nat", Hook.PREROUTING, -100, translates=True),) if nat else ()),
            attach("second", Hook.PREROUTING, -50),
            attach("forward", Hook.FORWARD),
        ),
        tracks=nat,
        rules=(
            RoutingRule(Family.IPV4, 0, AnyPacket(), "local"),
            RoutingRule(Family.IPV4, 100, draw(marks), "100"),
            RoutingRule(Family.IPV4, 200, AnyPacket(), "main"),
        ),
    )


flows = st.builds(
    lambda protocol, source, target, port: Flow(
        Family.IPV4, protocol, BASE + source, BASE + target, 2000, port, tcp_flags=2 if protocol == 6 else 0
    ),
    st.sampled_from([6, 17]),
    st.sampled_from([0, 2, 200, 400]),
    st.sampled_from([0, 1, 2, 200, 400]),
    st.sampled_from([80, 443, 8080]),
)


def walked(box: Device, flow: Flow) -> tuple[set[str], set[str]]:
    """Where a packet received on eth1 may and must leave."""
    graph = build_graph(snapshot([box], [link("box:eth1"), link("box:eth2")]))
    wires = {point: graph.segments[name].points for point, name in graph.segment_of.items()}
    steps = [
        step for walk in Walker({"box": box}, wires).walk(flow, "box", "eth1") for step in walk.trace.steps
    ]
    sent = [step for step in steps if step.action == "sent"]
    return {step.interface for step in sent}, {step.interface for step in sent if step.certain}


def leaving(box: Device, level: Level, flow: Flow) -> set[str]:
    """Where the engine lets a packet leave that was received on eth1, as a fresh one."""
    passage = DevicePath(box, UNIVERSE, level).passage("eth1", UNIVERSE.flow(flow), False)
    return {one.interface for one in passage.emissions if not one.packets.is_empty}


COMMON = settings(
    max_examples=80,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking such boxes takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@COMMON
@given(boxes(), flows)
def test_marks_that_are_modelled_are_exact(box: Device, flow: Flow) -> None:
    may, must = walked(box, flow)
    assert may == must
    resolved = without_marks(box, Family.IPV4)
    assume(resolved is not box)  # the conditions became too long
    assert leaving(box, Level.MUST, flow) == must == leaving(box, Level.MAY, flow)
    attached = {one.acl: resolved.acls[one.acl] for one in resolved.attachments}
    assert not reads_marks(replace(resolved, acls=attached))


@COMMON
@given(st.one_of(boxes(unknown=True), boxes(nat=True), boxes(unknown=True, nat=True)), flows)
def test_other_marks_are_bounded(box: Device, flow: Flow) -> None:
    """Each side is a bound of its own: what one is sure of the other cannot exclude."""
    may, must = walked(box, flow)
    assert leaving(box, Level.MUST, flow) <= may
    assert must <= leaving(box, Level.MAY, flow)


def test_a_translation_takes_nothing_from_marks_of_packets_that_it_leaves_alone() -> None:
    inside = AddressIn(End.DESTINATION, Family.IPV4, ((BASE + 7, BASE + 7),))
    elsewhere = Translate(TranslationKind.DESTINATION, ((BASE + 1, BASE + 1),))
    box = device(
        "box",
        interface("eth1", "10.3.0.1/24", clears_mark=True),
        interface("eth2", "10.4.0.1/24"),
        routes=(route("10.1.0.0/16", "eth2", "10.4.0.2"),),
        acls=(
            acl("mark", (inside, SetMark(1)), default=Forwarding.ACCEPT),
            acl("nat", (FieldIn(Field.PROTOCOL, ((17, 17),)), elsewhere), default=Forwarding.ACCEPT),
            acl("forward", (MarkIs(1), Forwarding.ACCEPT)),
        ),
        attachments=(
            attach("mark", Hook.PREROUTING, -150),
            attach("nat", Hook.PREROUTING, -100, translates=True),
            attach("forward", Hook.FORWARD),
        ),
        tracks=True,
    )
    tcp = Flow(Family.IPV4, 6, BASE, BASE + 7, 2000, 80, tcp_flags=2)
    assert leaving(box, Level.MUST, tcp) == {"eth2"}
    assert leaving(box, Level.MAY, replace(tcp, destination=BASE + 8)) == set()
