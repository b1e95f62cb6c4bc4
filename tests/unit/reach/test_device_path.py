"""What one device does with sets of packets, where a mistake would be a false "isolated"."""

from __future__ import annotations

from dataclasses import replace

from builders.networks import acl, attach, device, interface, route

from segaudit.model.acl import (
    AnyPacket,
    Field,
    FieldIn,
    Forwarding,
    Hook,
    Return,
    StateIn,
    Translate,
    TranslationKind,
    UnknownMatch,
)
from segaudit.model.device import Device, RoutingRule
from segaudit.model.flow import ConnectionState, Family, Flow
from segaudit.packets import HeaderField, HeaderSpace, Universe
from segaudit.reach.device_path import DevicePath, Level, RoutingMode

V4 = Universe(Family.IPV4, 1 << 20)
V6 = Universe(Family.IPV6, 1 << 20)
ONE, TWO = interface("eth1", "10.1.0.1/24"), interface("eth2", "10.2.0.1/24")
OUT = 0x0A02000A


def out_of(
    box: Device, packets: HeaderSpace, connections: bool = False, level: Level = Level.MAY
) -> HeaderSpace:
    passage = DevicePath(box, packets.universe, level).passage("eth1", packets, connections)
    return packets.universe.union(one.packets for one in passage.emissions if one.interface == "eth2")


def test_an_invalid_packet_leaves_untranslated() -> None:
    """Linux translates only tracked packets: the source of an INVALID one survives masquerading."""
    masquerade = acl("nat", (AnyPacket(), Translate(TranslationKind.MASQUERADE)), default=Forwarding.ACCEPT)
    box = device("fw", ONE, TWO, acls=(masquerade,), tracks=True,
                 attachments=(attach("nat", Hook.POSTROUTING, 100, translates=True),))  # fmt: skip
    own = V4.value(HeaderField.SOURCE, 0x0A01000A)
    assert not (out_of(box, V4.all) & own).is_empty
    drops = acl(
        "invalid",
        (StateIn(frozenset({ConnectionState.INVALID})), Forwarding.DROP),
        default=Forwarding.ACCEPT,
    )
    strict = replace(box, acls={**box.acls, "invalid": drops},
                     attachments=(*box.attachments, attach("invalid", Hook.FORWARD)))  # fmt: skip
    assert (out_of(strict, V4.all) & own).is_empty


def test_answers_to_translated_connections_come_back_to_anyone_inside() -> None:
    """From eth2, an answer to the masqueraded address is turned back to an inside address."""
    masquerade = acl("nat", (AnyPacket(), Translate(TranslationKind.MASQUERADE)), default=Forwarding.ACCEPT)
    known = StateIn(frozenset({ConnectionState.ESTABLISHED}))
    only_known = acl(
        "forward",
        (known, Forwarding.ACCEPT),
        (FieldIn(Field.DESTINATION_PORT, ((80, 80),)), Forwarding.ACCEPT),
    )
    attached = (attach("nat", Hook.POSTROUTING, 100, translates=True), attach("forward", Hook.FORWARD))
    box = device("fw", ONE, TWO, acls=(masquerade, only_known), tracks=True, attachments=attached)
    answer = V4.flow(Flow(Family.IPV4, 6, OUT, 0x0A020001, 80, 50000, tcp_flags=18))
    path = DevicePath(box, V4)
    back = [one for one in path.passage("eth2", answer, True).emissions if one.interface == "eth1"]
    assert any(not (one.packets & V4.value(HeaderField.DESTINATION, 0x0A01000A)).is_empty for one in back)
    assert not [one for one in path.passage("eth2", answer, False).emissions if one.interface == "eth1"]


def test_link_local_packets_are_not_forwarded() -> None:
    box = device("r", interface("eth1", "2001:db8:1::1/64"), interface("eth2", "2001:db8:2::1/64"),
                 routes=(route("fe80::/64", "eth2"),))  # fmt: skip
    link_local = V6.prefix(HeaderField.DESTINATION, 0xFE80 << 112, 10)
    assert (out_of(box, V6.all) & link_local).is_empty


def test_an_interface_that_does_not_forward_lets_nothing_through() -> None:
    box = device("r", interface("eth1", "10.1.0.1/24", forwards=False), TWO)
    assert out_of(box, V4.all).is_empty


def test_unknown_translations_let_anything_out() -> None:
    box = device("r", ONE, TWO, unknown_translation=True)
    assert out_of(box, V4.flow(Flow(Family.IPV4, 6, 1, OUT))) == V4.all


def test_an_unknown_routing_rule_is_taken_and_not_taken() -> None:
    rules = (
        RoutingRule(Family.IPV4, 10, UnknownMatch("fwmark 7"), "7"),
        RoutingRule(Family.IPV4, 20, AnyPacket(), "main"),
    )
    elsewhere = route("0.0.0.0/0", "eth1", "10.1.0.9", table="7")
    box = device("r", ONE, TWO, routes=(elsewhere,), rules=rules)
    to_two = V4.flow(Flow(Family.IPV4, 6, 1, OUT))
    emissions = DevicePath(box, V4).passage("eth1", to_two, False).emissions
    assert {one.interface for one in emissions} == {"eth1", "eth2"}
    assert not DevicePath(box, V4, Level.MUST).passage("eth1", to_two, False).emissions


def test_under_any_routing_every_interface_is_a_way_out() -> None:
    path = DevicePath(device("r", ONE, TWO), V4, Level.MAY, RoutingMode.ANY)
    nowhere = V4.flow(Flow(Family.IPV4, 6, 1, 0x08080808))
    assert {one.interface for one in path.passage("eth1", nowhere, False).emissions} >= {"eth1", "eth2"}


def test_what_was_reassembled_may_leave_in_fragments() -> None:
    reads = acl("forward", (StateIn(frozenset({ConnectionState.NEW})), Forwarding.ACCEPT))
    box = device("fw", ONE, TWO, acls=(reads,), attachments=(attach("forward", Hook.FORWARD),), tracks=True)
    whole = V4.flow(Flow(Family.IPV4, 6, 0x0A01000A, OUT, 40000, 445, tcp_flags=2))
    assert not (out_of(box, whole) & V4.value(HeaderField.FRAGMENT, 1)).is_empty


def test_an_attached_chain_without_a_verdict_of_its_own_drops_nothing() -> None:
    chain = acl("forward", default=Return())
    box = device("fw", ONE, TWO, acls=(chain,), attachments=(attach("forward", Hook.FORWARD),))
    assert not out_of(box, V4.all).is_empty
