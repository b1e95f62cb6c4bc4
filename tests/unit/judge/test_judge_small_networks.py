"""Verdicts on networks small enough to check by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from builders.networks import acl, attach, device, host, interface, link, route, snapshot

from segaudit.errors import UsageError
from segaudit.judge import Judgement, judge, with_barriers
from segaudit.model.acl import (
    Acl,
    AclAttachment,
    Action,
    AddressIn,
    AllOf,
    AnyPacket,
    Direction,
    End,
    Field,
    FieldIn,
    Forwarding,
    Hook,
    InterfaceIn,
    Matches,
    Not,
    StateIn,
    Translate,
    TranslationKind,
    UnknownMatch,
)
from segaudit.model.device import Device, InterfaceKind
from segaudit.model.flow import ConnectionState, Family
from segaudit.model.snapshot import CollectionFailure, Snapshot
from segaudit.model.source import AccountedLine, SourceSpan
from segaudit.model.topology import Link
from segaudit.model.verdict import Grade, Outcome, PairVerdict
from segaudit.policy import locate, parse_policy

Rule = tuple[Matches, Action]
ACCEPT, DROP = Forwarding.ACCEPT, Forwarding.DROP
POLICY = """
version: 1
name: small
zones:
  a: {side: left, owner: o@x.example, members: [{prefix: 10.1.0.0/24}]}
  b: {side: right, owner: o@x.example, members: [{prefix: 10.2.0.0/24}]}
isolation:
  - {id: ISO-1, title: a and b, between: left, and: right, families: [ipv4], severity: high}
"""
AS_OF = date(2026, 11, 24)
TO_B = AddressIn(End.DESTINATION, Family.IPV4, ((0x0A020000, 0x0A0200FF),))
FROM_A = AddressIn(End.SOURCE, Family.IPV4, ((0x0A010000, 0x0A0100FF),))
TCP = FieldIn(Field.PROTOCOL, ((6, 6),))
NEW = StateIn(frozenset({ConnectionState.NEW}))
KNOWN = StateIn(frozenset({ConnectionState.ESTABLISHED, ConnectionState.RELATED}))
FROM_ETH1 = InterfaceIn(Direction.IN, ("eth1",))


def firewall(
    *rules: Rule,
    default: Forwarding = DROP,
    tracks: bool = False,
    with_third: bool = False,
    more_acls: tuple[Acl, ...] = (),
    more_attachments: tuple[AclAttachment, ...] = (),
    **more: object,
) -> Device:
    """A router between a (eth1) and b (eth2) with one forward chain; itself it answers nobody."""
    third = interface("eth3", "10.3.0.1/24")
    return device(
        "fw",
        interface("eth1", "10.1.0.1/24"),
        interface("eth2", "10.2.0.1/24"),
        *((third,) if with_third else ()),
        acls=(acl("forward", *rules, default=default), acl("input"), *more_acls),
        attachments=(attach("forward", Hook.FORWARD), attach("input", Hook.INPUT), *more_attachments),
        tracks=tracks,
        **more,  # type: ignore[arg-type]
    )


HOST_A = host("ha", "10.1.0.10/24", gateway="10.1.0.1")
HOST_B = host("hb", "10.2.0.10/24", gateway="10.2.0.1")
WIRES = [link("ha:eth1", "fw:eth1"), link("hb:eth1", "fw:eth2")]


def between(fw: Device, *more: Device, links: list[Link] | None = None) -> Snapshot:
    return snapshot([HOST_A, HOST_B, fw, *more], WIRES + (links or []))


def judged(network: Snapshot, policy: str = POLICY) -> Judgement:
    parsed = parse_policy(policy.encode(), "policy.yaml")
    return judge(parsed, network, locate(parsed, network), AS_OF)


def pair(
    network: Snapshot, direction: str = "forward", policy: str = POLICY, budget: int = 100
) -> PairVerdict:
    judgement = judged(network, policy)
    verdicts = with_barriers(judgement.verdicts, judgement.prover, budget=budget)
    return {verdict.id: verdict for verdict in verdicts}[f"ISO-1/{direction}/ipv4"].pairs[0]


def test_a_filter_that_drops_everything_is_proven_whatever_the_routing() -> None:
    found = pair(between(firewall()))
    assert (found.outcome, found.grade) == (Outcome.PROVEN, Grade.G4)
    assert [(barrier.device, barrier.kind) for barrier in found.barriers] == [("fw", "default")] * 2


def test_where_not_every_pair_of_places_is_walked_the_rest_is_counted() -> None:
    found = pair(between(firewall()), budget=1)
    assert (len(found.barriers), found.untried) == (1, 5)


def test_no_wire_between_them_is_the_strongest_grade() -> None:
    apart = snapshot([HOST_A, HOST_B], [link("ha:eth1"), link("hb:eth1")])
    assert pair(apart).grade is Grade.G5


def test_without_a_filter_it_is_violated_with_a_witness_both_ways() -> None:
    found = pair(between(firewall(default=ACCEPT)))
    assert (found.outcome, found.grade) == (Outcome.VIOLATED, Grade.G0)
    assert found.witness is not None
    assert str(found.witness.flow) == "tcp 10.1.0.10:40000 -> 10.2.0.10:445"
    assert found.witness.source_is_own


def test_one_open_port_is_found_and_its_rule_is_cited() -> None:
    hole = (
        AllOf((FieldIn(Field.PROTOCOL, ((17, 17),)), FieldIn(Field.DESTINATION_PORT, ((7777, 7777),)))),
        ACCEPT,
    )
    found = pair(between(firewall((FROM_A, DROP), hole)))
    assert found.outcome is Outcome.VIOLATED
    assert found.witness is not None
    assert found.witness.flow.destination_port == 7777
    assert "acl forward:2" in [str(step.span) for step in found.witness.trace.steps]
    assert not found.witness.source_is_own, "only a spoofed source gets past rule 1"


def test_a_match_not_understood_is_neither_proof_nor_violation() -> None:
    found = pair(between(firewall((UnknownMatch("-m weird"), ACCEPT))))
    assert found.outcome is Outcome.UNKNOWN
    assert "not modelled" in found.reason


def test_a_deny_not_understood_takes_nothing_away() -> None:
    found = pair(between(firewall((UnknownMatch("-m weird"), DROP), (AnyPacket(), ACCEPT))))
    assert found.outcome is Outcome.UNKNOWN


def test_without_a_route_it_is_proven_whatever_fails_but_not_whatever_the_routing() -> None:
    left = device("fw", interface("eth1", "10.1.0.1/24"), interface("eth2", "10.9.0.1/24"))
    right = device("r2", interface("eth1", "10.9.0.2/24"), interface("eth2", "10.2.0.1/24"))
    network = snapshot(
        [HOST_A, HOST_B, left, right],
        [link("ha:eth1", "fw:eth1"), link("fw:eth2", "r2:eth1"), link("r2:eth2", "hb:eth1")],
    )
    found = pair(network)
    assert (found.outcome, found.grade) == (Outcome.PROVEN, Grade.G3)
    assert found.barriers[0].kind == "no-route"


def test_an_established_rule_before_the_drop_lets_forged_answers_through() -> None:
    """b may open to a third network, so a can forge answers and ICMP errors about those connections."""
    lets_b_out = AllOf((InterfaceIn(Direction.IN, ("eth2",)), InterfaceIn(Direction.OUT, ("eth3",)), NEW))
    fw = firewall((KNOWN, ACCEPT), (lets_b_out, ACCEPT), tracks=True, with_third=True)
    other = host("hc", "10.3.0.10/24", gateway="10.3.0.1")
    found = pair(between(fw, other, links=[link("hc:eth1", "fw:eth3")]))
    assert found.outcome is Outcome.UNKNOWN
    assert "connection" in found.reason


def test_dropping_the_other_side_first_closes_that_hole() -> None:
    lets_b_out = AllOf((InterfaceIn(Direction.IN, ("eth2",)), InterfaceIn(Direction.OUT, ("eth3",)), NEW))
    fw = firewall((FROM_ETH1, DROP), (KNOWN, ACCEPT), (lets_b_out, ACCEPT), tracks=True, with_third=True)
    other = host("hc", "10.3.0.10/24", gateway="10.3.0.1")
    found = pair(between(fw, other, links=[link("hc:eth1", "fw:eth3")]))
    assert (found.outcome, found.grade) == (Outcome.PROVEN, Grade.G4)


def test_the_reply_of_a_one_way_permit_counts_as_part_of_its_connection() -> None:
    """b may open to a; a's answers arrive in b, but a can open nothing."""
    fw = firewall(
        (KNOWN, ACCEPT), (AllOf((InterfaceIn(Direction.IN, ("eth2",)), NEW)), ACCEPT), tracks=True
    )
    assert pair(between(fw), "reverse").outcome is Outcome.VIOLATED
    assert pair(between(fw)).outcome is Outcome.UNKNOWN


def test_an_uncollected_router_is_never_proven() -> None:
    failure = CollectionFailure("r2", "connection refused")
    network = snapshot(
        [HOST_A, HOST_B, firewall()],
        [link("ha:eth1", "fw:eth1", "r2:eth1"), link("hb:eth1", "fw:eth2", "r2:eth2")],
        (failure,),
    )
    found = pair(network)
    assert found.outcome is Outcome.UNKNOWN
    assert any("r2" in line for line in found.depends_on), found


def test_a_zone_goes_on_behind_an_uncollected_router() -> None:
    """The one collected place of a is a closed island; the rest of its prefix reaches b through rt9."""
    fw = device(
        "fw",
        interface("eth2", "10.2.0.1/24"),
        interface("eth3", "192.0.2.1/30"),
        routes=(route("10.1.0.0/16", "eth3", "192.0.2.2"),),
    )
    island = device("sw", interface("eth1", "10.1.0.1/24"))
    wires = [link("hb:eth1", "fw:eth2"), link("fw:eth3", "rt9:eth1"), link("ha:eth1", "sw:eth1")]
    network = snapshot([HOST_A, HOST_B, fw, island], wires, (CollectionFailure("rt9", "timed out"),))
    found = pair(network, policy=POLICY.replace("10.1.0.0/24", "10.1.0.0/16"))
    assert found.outcome is Outcome.UNKNOWN
    assert any("rt9" in line and "more of a" in line for line in found.depends_on)


def test_an_open_segment_needs_an_owned_assumption() -> None:
    network = snapshot([HOST_A, HOST_B, firewall()], [replace(one, closed=False) for one in WIRES])
    assert pair(network).outcome is Outcome.UNKNOWN
    assumption = """
assumptions:
  - id: ASM-1
    about: {device: "*"}
    claim: end-hosts-only
    owner: noc@x.example
    justification: port security on every access port
"""
    found = pair(network, policy=POLICY + assumption)
    assert found.outcome is Outcome.PROVEN_IF
    assert [(one.id, one.owner) for one in found.assumptions] == [("ASM-1", "noc@x.example")]


def test_no_assumption_wishes_an_uncollected_device_away() -> None:
    network = snapshot(
        [HOST_A, HOST_B, firewall()],
        [link("ha:eth1", "fw:eth1", "r2:eth1"), link("hb:eth1", "fw:eth2", "r2:eth2")],
        (CollectionFailure("r2", "timeout"),),
    )
    assumption = """
assumptions:
  - {id: ASM-1, about: {device: "*"}, claim: end-hosts-only, owner: n@x.example, justification: j}
"""
    assert pair(network, policy=POLICY + assumption).outcome is Outcome.UNKNOWN


def test_a_line_not_understood_makes_the_firewall_doubtful_unless_owned() -> None:
    line = AccountedLine(SourceSpan("fw.conf", 7, 7), "unrecognized", "magic on", "unknown keyword", False)
    network = between(firewall(lines=(line,)))
    found = pair(network)
    assert found.outcome is Outcome.UNKNOWN
    assert any("fw.conf:7" in reason for reason in found.depends_on)
    owned = """
assumptions:
  - {id: ASM-1, about: {device: fw}, claim: no-effect, owner: n@x.example, justification: j}
"""
    assert pair(network, policy=POLICY + owned).outcome is Outcome.PROVEN_IF


def test_a_dual_homed_host_is_a_way_across_even_if_it_forwards_nothing() -> None:
    both = device(
        "dual",
        interface("eth1", "10.1.0.66/24", forwards=False),
        interface("eth2", "10.2.0.66/24", forwards=False),
    )
    wires = [link("ha:eth1", "fw:eth1", "dual:eth1"), link("hb:eth1", "fw:eth2", "dual:eth2")]
    network = snapshot([HOST_A, HOST_B, firewall(), both], wires)
    assert pair(network).outcome is not Outcome.PROVEN


def test_destination_translation_is_followed_to_the_witness() -> None:
    """b is reached through an address of its own firewall: the packet as sent names the public address."""
    public = AddressIn(End.DESTINATION, Family.IPV4, ((0x0A010001, 0x0A010001),))
    web = AllOf(
        (public, FieldIn(Field.PROTOCOL, ((6, 6),)), FieldIn(Field.DESTINATION_PORT, ((8443, 8443),)))
    )
    inside = Translate(TranslationKind.DESTINATION, ((0x0A02000A, 0x0A02000A),), ((443, 443),))
    only_8443 = acl("raw", (web, ACCEPT), (Not(FieldIn(Field.PROTOCOL, ((6, 6),))), ACCEPT))
    fw = firewall(
        (AllOf((TCP, FieldIn(Field.DESTINATION_PORT, ((443, 443),)))), ACCEPT),
        tracks=True,
        more_acls=(acl("nat", (web, inside), default=ACCEPT), only_8443),
        more_attachments=(
            attach("nat", Hook.PREROUTING, -100, translates=True),
            attach("raw", Hook.PREROUTING, -150),
        ),
    )
    found = pair(between(fw))
    assert found.outcome is Outcome.VIOLATED
    assert found.witness is not None
    assert (found.witness.flow.destination_port, found.witness.trace.arrived.destination_port) == (
        8443,
        443,
    )


def test_reverse_path_filtering_stops_spoofed_sources() -> None:
    only_b = AddressIn(End.SOURCE, Family.IPV4, ((0x0A020000, 0x0A0200FF),))
    spoofable = pair(between(firewall((only_b, ACCEPT))))
    assert spoofable.outcome is Outcome.VIOLATED
    assert spoofable.witness is not None and not spoofable.witness.source_is_own
    strict = firewall((only_b, ACCEPT))
    interfaces = {name: replace(one, reverse_path_filter=1) for name, one in strict.interfaces.items()}
    assert pair(between(replace(strict, interfaces=interfaces))).outcome is Outcome.PROVEN


def test_an_exception_excuses_what_it_names_and_no_more() -> None:
    ssh = AllOf(
        (FROM_A, TO_B, FieldIn(Field.PROTOCOL, ((6, 6),)), FieldIn(Field.DESTINATION_PORT, ((22, 22),)))
    )
    fw = firewall((ssh, ACCEPT))
    interfaces = {name: replace(one, reverse_path_filter=1) for name, one in fw.interfaces.items()}
    network = between(replace(fw, interfaces=interfaces))
    excused = (
        POLICY
        + """
exceptions:
  - {id: EXC-1, assertion: ISO-1, from: a, to: b, services: [tcp/22], owner: c@x.example,
     justification: hand-over, expires: 2026-12-31}
"""
    )
    assert pair(network).outcome is Outcome.VIOLATED
    assert pair(network, policy=excused).outcome is Outcome.PROVEN
    expired = excused.replace("2026-12-31", "2026-11-23")
    assert pair(network, policy=expired).outcome is Outcome.VIOLATED


def test_a_zone_that_matches_nothing_is_an_error_not_a_pass() -> None:
    with pytest.raises(UsageError):
        pair(snapshot([HOST_A, firewall()], []), policy=POLICY.replace("10.2.0.0/24", "10.77.0.0/24"))


def test_a_tunnel_lets_anything_out_that_its_device_is_sent() -> None:
    """fw accepts packets to itself and has a tunnel (down): what is packed into them comes out of it."""
    fw = firewall((InterfaceIn(Direction.IN, ("gre1",)), ACCEPT), default=DROP)
    tunnel = interface("gre1", kind=InterfaceKind.TUNNEL, operational=False)
    open_input = acl("input", (FROM_ETH1, ACCEPT))
    fw = replace(fw, interfaces={**fw.interfaces, "gre1": tunnel}, acls={**fw.acls, "input": open_input})
    host_b_only = POLICY.replace("prefix: 10.2.0.0/24", "prefix: 10.2.0.10/32")
    assert pair(between(fw), policy=host_b_only).outcome is Outcome.UNKNOWN


def test_an_untracked_family_is_filtered_in_fragments() -> None:
    """IPv4 has no stateful rule: a later fragment of tcp/445 passes a filter that drops tcp/445."""
    smb = AllOf((TCP, FieldIn(Field.DESTINATION_PORT, ((445, 445),))))
    others = Not(AllOf((TCP, FieldIn(Field.DESTINATION_PORT, ((445, 445),)))))
    fw = firewall((smb, DROP), (AllOf((TCP, others)), ACCEPT))
    found = pair(between(replace(fw, tracks_connections=True)))
    assert found.outcome is Outcome.VIOLATED
    prover_left = pair(
        between(firewall((smb, DROP), (FieldIn(Field.FRAGMENT, ((1, 1),)), ACCEPT), tracks=True))
    )
    assert prover_left.outcome is Outcome.UNKNOWN
