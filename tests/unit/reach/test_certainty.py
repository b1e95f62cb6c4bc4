"""What is called certain must be so: a translation that chooses, a protocol whose state is not a header."""

from __future__ import annotations

from builders.networks import acl, attach, device, interface
from pytest import mark

from segaudit.model.acl import (
    AnyPacket,
    Forwarding,
    Hook,
    Range,
    StateIn,
    Translate,
    TranslationKind,
    UnknownMatch,
)
from segaudit.model.flow import ConnectionState, Family, Flow
from segaudit.packets import HeaderField, Universe
from segaudit.reach.device_path import DevicePath, Level
from segaudit.reach.walk import Walker

V4 = Universe(Family.IPV4, 1 << 18)
ONE, TWO = interface("eth1", "10.1.0.1/24"), interface("eth2", "10.2.0.1/24")
FIRST = 0x0A020009


@mark.parametrize(("pool", "certain"), [(((FIRST, FIRST),), True), (((FIRST, FIRST + 2),), False)])
def test_which_address_of_a_pool_is_taken_is_not_certain(pool: tuple[Range, ...], certain: bool) -> None:
    """Linux nf_nat_core.c ``find_best_ips_proto``: a hash of both ends decides."""
    chosen = Translate(TranslationKind.DESTINATION, pool)
    box = device(
        "fw", ONE, TWO, acls=(acl("nat", (AnyPacket(), chosen), default=Forwarding.ACCEPT),), tracks=True,
        attachments=(attach("nat", Hook.PREROUTING, -100, translates=True),),
    )  # fmt: skip
    flow = Flow(Family.IPV4, 17, 0x0A01000A, 0x0A630001, 40000, 53)
    (walk,) = Walker({"fw": box}, {}).walk(flow, "fw", "eth1")
    assert walk.trace.arrived.destination == FIRST
    assert walk.trace.certain is certain


@mark.parametrize(("protocol", "certain"), [(17, True), (33, False), (132, False)])
def test_whether_a_protocol_with_states_of_its_own_is_new_is_not_certain(
    protocol: int, certain: bool
) -> None:
    new = acl(
        "new", (StateIn(frozenset({ConnectionState.NEW})), Forwarding.ACCEPT), default=Forwarding.DROP
    )
    box = device("fw", ONE, TWO, acls=(new,), tracks=True, attachments=(attach("new", Hook.FORWARD),))
    path = DevicePath(box, V4, Level.MUST)
    packets = V4.value(HeaderField.PROTOCOL, protocol)
    sent = [one for one in path.passage("eth1", packets, False).emissions if one.interface == "eth2"]
    assert bool(sent) is certain


@mark.parametrize(("action", "certain"), [(Forwarding.ACCEPT, True), (Forwarding.DROP, False)])
def test_what_all_ways_through_a_chain_agree_on_is_certain(action: Forwarding, certain: bool) -> None:
    """Whether the first rule matches is not known; where the second does the same, no matter."""
    chain = acl("forward", (UnknownMatch("?"), Forwarding.ACCEPT), (AnyPacket(), action))
    box = device("fw", ONE, TWO, acls=(chain,), attachments=(attach("forward", Hook.FORWARD),))
    flow = Flow(Family.IPV4, 17, 0x0A01000A, 0x0A02000A, 40000, 53)
    walks = Walker({"fw": box}, {}).walk(flow, "fw", "eth1")
    assert [walk.trace.certain for walk in walks if walk.trace.steps[-1].action == "arrived"] == [certain]
    path = DevicePath(box, V4, Level.MUST)
    assert bool(path.passage("eth1", V4.flow(flow), False).emissions) is certain
