"""Own and forged sources, third zones, and a source side that the intruder owns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from builders.networks import acl, attach, device, host, interface, link, route, snapshot

from segaudit.judge import judge
from segaudit.judge.pivot import Pivots
from segaudit.model.acl import (
    Ace,
    Acl,
    AddressIn,
    AnyPacket,
    Direction,
    End,
    Forwarding,
    Hook,
    InterfaceIn,
    Not,
    Translate,
    TranslationKind,
    UnknownMatch,
)
from segaudit.model.device import Device
from segaudit.model.flow import Family
from segaudit.model.snapshot import CollectionFailure, Snapshot
from segaudit.model.verdict import MatrixCell, Outcome, PairVerdict, Pivot, Verdict
from segaudit.policy import locate, parse_policy

POLICY = """
version: 1
name: small
zones:
  a: {side: left, owner: o@x.example, members: [{prefix: 10.1.0.0/24}]}
  a2: {side: left, owner: o@x.example, members: [{prefix: 10.11.0.0/24}]}
  b: {side: right, owner: o@x.example, members: [{prefix: 10.2.0.10/32}]}
isolation:
  - {id: ISO-1, title: a and b, between: left, and: right, direction: forward, families: [ipv4],
     severity: high}
"""
EXCUSED = (
    POLICY
    + """
exceptions:
  - {id: EXC-1, assertion: ISO-1, from: a2, to: b, services: [tcp/22], owner: c@x.example,
     justification: move, expires: 2026-12-31}
"""
)
AS_OF = date(2026, 11, 24)
ACCEPT, DROP = Forwarding.ACCEPT, Forwarding.DROP
FROM_A = AddressIn(End.SOURCE, Family.IPV4, ((0x0A010000, 0x0A0100FF),))
FROM_A2 = AddressIn(End.SOURCE, Family.IPV4, ((0x0A0B0000, 0x0A0B00FF),))
SHUT = (acl("forward"), acl("input"))
SHUT_AT = (attach("forward", Hook.FORWARD), attach("input", Hook.INPUT))


def network(left: dict[str, object], right: dict[str, object], **links: bool) -> Snapshot:
    """ha, ha2 - left - right - hb, with routes all the way; the two routers take what is given."""
    hosts = [
        host("ha", "10.1.0.10/24", gateway="10.1.0.1"),
        host("ha2", "10.11.0.10/24", gateway="10.11.0.1"),
        host("hb", "10.2.0.10/24", gateway="10.2.0.1"),
    ]
    first = device("left", interface("eth1", "10.1.0.1/24"), interface("eth2", "10.9.0.1/24"),
                   interface("eth3", "10.11.0.1/24"),
                   routes=(route("10.2.0.0/24", "eth2", "10.9.0.2"),), **left)  # type: ignore[arg-type]  # fmt: skip
    second = device("right", interface("eth1", "10.9.0.2/24"), interface("eth2", "10.2.0.1/24"),
                    routes=(route("10.0.0.0/8", "eth1", "10.9.0.1"),), **right)  # type: ignore[arg-type]  # fmt: skip
    wires = [
        link("ha:eth1", "left:eth1"),
        link("ha2:eth1", "left:eth3"),
        link("left:eth2", "right:eth1"),
        link("right:eth2", "hb:eth1"),
    ]
    return snapshot([*hosts, first, second], wires)


def verdict(of: Snapshot, policy: str = POLICY) -> Verdict:
    parsed = parse_policy(policy.encode(), "policy.yaml")
    return judge(parsed, of, locate(parsed, of), AS_OF).verdicts[0]


def pairs(of: Snapshot, policy: str = POLICY) -> dict[str, PairVerdict]:
    return {pair.source_zone: pair for pair in verdict(of, policy).pairs}


def shut(*chains: Acl) -> dict[str, object]:
    return {"acls": chains or SHUT, "attachments": SHUT_AT}


def forward(*aces: Ace) -> dict[str, object]:
    return shut(Acl("forward", aces, DROP), acl("input"))


# -- own and forged sources ----------------------------------------------------------------------


def test_a_permit_for_another_source_needs_a_forged_one() -> None:
    found = pairs(network({}, forward(Ace(FROM_A2, ACCEPT))))
    assert (found["a"].outcome, found["a"].spoofed_only) == (Outcome.VIOLATED, True)
    assert (found["a2"].outcome, found["a2"].spoofed_only) == (Outcome.VIOLATED, False)


def test_a_source_that_is_translated_on_the_way_is_not_called_forged() -> None:
    """left masquerades a; only its own address is let through, and a's own packets have it there."""
    nat = acl("nat", (FROM_A, Translate(TranslationKind.MASQUERADE)), default=ACCEPT)
    left = {
        "acls": (nat, acl("input")),
        "attachments": (attach("nat", Hook.POSTROUTING, 100, translates=True), attach("input", Hook.INPUT)),
        "tracks": True,
    }
    from_left = AddressIn(End.SOURCE, Family.IPV4, ((0x0A090001, 0x0A090001),))
    found = pairs(network(left, forward(Ace(from_left, ACCEPT))))
    assert found["a"].outcome is Outcome.VIOLATED
    assert not found["a"].spoofed_only


def test_an_undecided_pair_can_be_forged_only_too() -> None:
    maybe = Ace(UnknownMatch("-m weird"), DROP), Ace(FROM_A2, ACCEPT)
    found = pairs(network({}, forward(*maybe)))
    assert (found["a"].outcome, found["a"].spoofed_only) == (Outcome.UNKNOWN, True)
    assert (found["a2"].outcome, found["a2"].spoofed_only) == (Outcome.UNKNOWN, False)


def test_a_pair_that_is_isolated_has_nothing_to_forge() -> None:
    assert not pairs(network({}, shut()))["a"].spoofed_only


# -- pivots --------------------------------------------------------------------------------------


def cells(*steps: str, family: Family = Family.IPV4) -> Iterable[MatrixCell]:
    for step in steps:
        source, destination = step.split()
        yield MatrixCell(source, destination, family, "allowed", False)


def test_a_shared_server_bridges_two_zones() -> None:
    found = Pivots(cells("a s", "s b")).of("a", "b", Family.IPV4)
    assert found == Pivot(1, (("s",),))


def test_the_least_number_counts_and_all_chains_of_it_are_named() -> None:
    found = Pivots(cells("a s", "s t", "t b", "a u", "u t", "a x", "x y", "y z", "z b"))
    assert found.of("a", "b", Family.IPV4) == Pivot(2, (("s", "t"), ("u", "t")))


def test_zones_that_nothing_joins_have_no_pivot() -> None:
    assert Pivots(cells("a s", "b s")).of("a", "b", Family.IPV4) == Pivot(None)


def test_what_arrives_directly_needs_no_third_zone() -> None:
    assert Pivots(cells("a b", "a s", "s b")).of("a", "b", Family.IPV4) == Pivot(0)


def test_only_the_last_step_must_be_of_the_family() -> None:
    mixed = [*cells("a s", family=Family.IPV6), *cells("s b")]
    assert Pivots(mixed).of("a", "b", Family.IPV4).distance == 1
    assert Pivots(mixed).of("a", "b", Family.IPV6).distance is None


def test_the_destination_itself_is_no_third_zone() -> None:
    mixed = [*cells("a b", family=Family.IPV6), *cells("b s", "s b")]
    assert Pivots(mixed).of("a", "b", Family.IPV4).distance is None


def test_links_that_no_zone_claims_are_named_apart() -> None:
    found = Pivots(cells("a unassigned", "unassigned b", "a s", "s t", "t b")).of("a", "b", Family.IPV4)
    assert found == Pivot(2, (("s", "t"),), unclaimed=True)


def test_cells_that_are_closed_are_no_step() -> None:
    closed = [MatrixCell("a", "s", Family.IPV4, "none", False), *cells("s b")]
    assert Pivots(closed).of("a", "b", Family.IPV4).distance is None


# -- a hostile side ------------------------------------------------------------------------------


def test_the_other_sides_firewall_still_holds() -> None:
    found = verdict(network({}, shut()))
    assert found.hostile is Outcome.PROVEN
    assert found.hostile_devices == ("ha", "ha2", "left")


def test_a_firewall_of_the_sources_own_does_not_count() -> None:
    found = verdict(network(shut(), {}))
    assert {pair.outcome for pair in found.pairs} == {Outcome.PROVEN}
    assert found.hostile is Outcome.UNKNOWN
    assert all("for example" in pair.hostile_reason for pair in found.pairs)


def test_a_label_says_who_administers_a_device() -> None:
    """The firewall in the middle has no place in any zone, and is the left side's all the same."""
    ends = interface("eth1", "10.9.0.2/24"), interface("eth2", "10.8.0.1/24")
    onward = (route("10.2.0.0/24", "eth2", "10.8.0.2"),)
    middle = device("mid", *ends, routes=onward, acls=SHUT, attachments=SHUT_AT)
    plain = network({}, {})
    right = device("right", interface("eth1", "10.8.0.2/24"), interface("eth2", "10.2.0.1/24"))
    wires = [one for one in plain.links if all(end.device != "right" for end in one.ends)]
    wires = [
        *wires[:2],
        link("left:eth2", "mid:eth1"),
        link("mid:eth2", "right:eth1"),
        link("right:eth2", "hb:eth1"),
    ]

    def labelled(company: str) -> Snapshot:
        labels = {"company": company}
        named = replace(middle, labels=labels)
        kept = [one for name, one in plain.devices.items() if name != "right"]
        return snapshot([*kept, named, right], wires)

    assert verdict(labelled("right")).hostile is Outcome.PROVEN
    owned = verdict(labelled("Left"))
    assert "mid" in owned.hostile_devices
    assert owned.hostile is Outcome.UNKNOWN


def test_a_device_with_a_place_on_both_sides_would_be_the_intruders() -> None:
    both = Ace(InterfaceIn(Direction.IN, ("eth1",)), DROP), Ace(InterfaceIn(Direction.IN, ("eth3",)), DROP)
    fw = device("fw", interface("eth1", "10.1.0.1/24"), interface("eth3", "10.11.0.1/24"),
                interface("eth2", "10.2.0.1/24"), acls=(Acl("forward", both, DROP), acl("input")),
                attachments=SHUT_AT)  # fmt: skip
    hosts = [one for name, one in network({}, {}).devices.items() if name.startswith("h")]
    one_box = snapshot(
        [*hosts, fw], [link("ha:eth1", "fw:eth1"), link("ha2:eth1", "fw:eth3"), link("hb:eth1", "fw:eth2")]
    )
    found = verdict(one_box, POLICY.replace("10.2.0.10/32", "10.2.0.0/24"))
    assert found.hostile is Outcome.UNKNOWN
    assert all("fw is on both sides" in pair.hostile_reason for pair in found.pairs)


def test_a_hostile_side_may_use_its_exceptions_and_no_more() -> None:
    """a may not send what only a2 is excused for, but whoever owns the whole left side is in a2."""
    ssh = Ace(FROM_A2, ACCEPT)
    only_ssh = network({}, forward(*_only_tcp_22(ssh)))
    strict = _reverse_path(only_ssh)
    found = verdict(strict, EXCUSED)
    assert found.outcome is Outcome.PROVEN
    assert found.hostile is Outcome.PROVEN
    assert verdict(_reverse_path(network({}, forward(ssh))), EXCUSED).hostile is not Outcome.PROVEN


def _only_tcp_22(permit: Ace) -> Iterable[Ace]:
    from segaudit.model.acl import Field, FieldIn

    yield Ace(Not(FieldIn(Field.PROTOCOL, ((6, 6),))), DROP)
    yield Ace(Not(FieldIn(Field.DESTINATION_PORT, ((22, 22),))), DROP)
    yield Ace(Not(AddressIn(End.DESTINATION, Family.IPV4, ((0x0A020000, 0x0A0200FF),))), DROP)
    yield permit


def _reverse_path(of: Snapshot) -> Snapshot:
    """The same with a strict reverse-path filter on every router, so that a cannot forge a2."""

    def strict(one: Device) -> Device:
        if not one.forwards:
            return one
        interfaces = {name: replace(found, reverse_path_filter=1) for name, found in one.interfaces.items()}
        return replace(one, interfaces=interfaces)

    return replace(of, devices={name: strict(one) for name, one in of.devices.items()})


def test_a_pair_that_is_not_proven_is_no_better_against_a_hostile_side() -> None:
    assert verdict(network({}, {})).hostile is Outcome.VIOLATED
    unknown = network({}, forward(Ace(UnknownMatch("-m weird"), ACCEPT)))
    assert verdict(unknown).hostile is Outcome.UNKNOWN


def test_a_hostile_side_starts_also_from_what_was_not_collected_of_it() -> None:
    """The right side's firewall drops what comes from left by eth1, and trusts a third wire."""
    closed = network({}, forward(Ace(InterfaceIn(Direction.IN, ("eth1",)), DROP), Ace(AnyPacket(), ACCEPT)))
    assert verdict(closed).hostile is Outcome.PROVEN
    right = closed.devices["right"]
    third = {**right.interfaces, "eth3": interface("eth3", "10.7.0.1/24")}
    devices = {**closed.devices, "right": replace(right, interfaces=third)}
    opened = replace(
        closed,
        devices=devices,
        links=(*closed.links, link("right:eth3", "rt9:eth1")),
        failures=(CollectionFailure("rt9", "timed out"),),
    )
    assert verdict(opened).hostile is not Outcome.PROVEN
