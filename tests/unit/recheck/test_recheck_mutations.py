"""A proof that was changed does not verify, wherever it was changed and though its hash was put right."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from builders.networks import acl, attach, device, host, interface, link, route, snapshot
from builders.proofs import edited, reasons, rechecked

from segaudit.judge import judge
from segaudit.judge.certificate import certificate
from segaudit.model.acl import (
    AddressIn,
    AllOf,
    AnyPacket,
    End,
    Field,
    FieldIn,
    Forwarding,
    Hook,
    Jump,
    Return,
    StateIn,
    Translate,
    TranslationKind,
)
from segaudit.model.device import RoutingRule
from segaudit.model.flow import ConnectionState, Family
from segaudit.model.snapshot import Snapshot
from segaudit.model.verdict import Outcome
from segaudit.policy import locate, parse_policy
from segaudit.recheck.proof import Refused, read_proof

POLICY = b"""
version: 1
name: small
zones:
  a: {side: left, owner: o@x.example, members: [{prefix: 10.1.0.0/24}, {prefix: "2001:db8:1::/64"}]}
  b: {side: right, owner: o@x.example, members: [{prefix: 10.2.0.0/24}, {prefix: "2001:db8:2::/64"}]}
  shared: {owner: o@x.example, members: [{prefix: 10.3.0.0/24}, {prefix: "2001:db8:3::/64"}]}
isolation:
  - {id: ISO-1, title: a and b, between: left, and: right, severity: high}
exceptions:
  - id: EXC-1
    from: a
    to: b
    assertion: ISO-1
    services: [tcp/22]
    owner: o@x.example
    justification: moving the data
    expires: 2027-01-01
"""
AS_OF = date(2026, 11, 24)
A4, B4 = ((0x0A010000, 0x0A0100FF),), ((0x0A020000, 0x0A0200FF),)
ESTABLISHED = StateIn(frozenset({ConnectionState.ESTABLISHED}))
SHARED = ((0x0A030000, 0x0A0300FF),)


def source(ranges: Any) -> AddressIn:
    return AddressIn(End.SOURCE, Family.IPV4, ranges)


def target(ranges: Any) -> AddressIn:
    return AddressIn(End.DESTINATION, Family.IPV4, ranges)


def ssh() -> AllOf:
    return AllOf((FieldIn(Field.PROTOCOL, ((6, 6),)), FieldIn(Field.DESTINATION_PORT, ((22, 22),))))


def network() -> Snapshot:
    """a - fw - b and fw - shared: jumps, states, translation, a routing rule, rp_filter, one open port."""
    hides = Translate(TranslationKind.MASQUERADE)
    moves = Translate(TranslationKind.DESTINATION, ((0x0A03000A, 0x0A03000A),))
    fw = device(
        "fw",
        interface("eth1", "10.1.0.1/24", "2001:db8:1::1/64", reverse_path_filter=1),
        interface("eth2", "10.2.0.1/24", "2001:db8:2::1/64", reverse_path_filter=1),
        interface("eth3", "10.3.0.1/24", "2001:db8:3::1/64"),
        acls=(
            acl(
                "forward",
                (AllOf((source(A4), target(B4), ssh())), Forwarding.ACCEPT),
                (AllOf((source(B4), ESTABLISHED, answers())), Forwarding.ACCEPT),
                (AnyPacket(), Jump("between")),
                (source(A4), Forwarding.ACCEPT),
            ),
            acl(
                "between",
                (AllOf((source(A4), target(B4))), Forwarding.DROP),
                (AllOf((source(B4), target(A4))), Forwarding.DROP),
                (AnyPacket(), Return()),
                default=Return(),
            ),
            acl("input"),
            acl("pre", (target(((0x0A010063, 0x0A010063),)), moves), default=Forwarding.ACCEPT),
            acl("post", (target(SHARED), hides), default=Forwarding.ACCEPT),
        ),
        attachments=(
            attach("forward", Hook.FORWARD),
            attach("input", Hook.INPUT),
            attach("pre", Hook.PREROUTING, -100, translates=True),
            attach("post", Hook.POSTROUTING, 100, translates=True),
        ),
        tracks=True,
    )  # fmt: skip
    r2 = device(
        "r2",
        interface("eth1", "10.2.0.2/24"),
        routes=(
            route("0.0.0.0/0", "eth1", "10.2.0.1"),
            route("10.9.0.0/16", kind="blackhole", table="aside"),
        ),
        rules=(
            RoutingRule(Family.IPV4, 0, AnyPacket(), "local"),
            RoutingRule(Family.IPV4, 100, source(B4), "aside"),
            RoutingRule(Family.IPV4, 32766, AnyPacket(), "main"),
        ),
    )
    hosts = [
        host(f"h{number}", f"10.{number}.0.10/24", f"2001:db8:{number}::10/64", gateway=f"10.{number}.0.1")
        for number in (1, 2, 3)
    ]
    wires = [
        link("h1:eth1", "fw:eth1"), link("h2:eth1", "fw:eth2", "r2:eth1"), link("h3:eth1", "fw:eth3"),
    ]  # fmt: skip
    return snapshot([fw, r2, *hosts], wires)


def answers() -> AllOf:
    return AllOf((FieldIn(Field.PROTOCOL, ((6, 6),)), FieldIn(Field.SOURCE_PORT, ((22, 22),))))


@pytest.fixture(scope="module")
def proof() -> str:
    policy, found = parse_policy(POLICY, "policy.yaml"), network()
    judgement = judge(policy, found, locate(policy, found), AS_OF)
    assert {verdict.outcome for verdict in judgement.verdicts} == {Outcome.PROVEN}
    return certificate(judgement, AS_OF)


def broken(proof: str, edit: Callable[[Any], None]) -> set[str]:
    """The pairs that an edit leaves without a proof."""
    return {pair for pair, why in reasons(edited(proof, edit)).items() if why}


def connected(one: Any) -> Any:
    return next(claim for claim in one["invariants"] if claim["connections"])


def test_the_proof_verifies(proof: str) -> None:
    assert rechecked(proof) == {
        f"ISO-1 {a} -> {b} IPv{family}" for a, b in (("a", "b"), ("b", "a")) for family in (4, 6)
    }


def test_its_bytes_do_not_depend_on_the_run(proof: str) -> None:
    policy, found = parse_policy(POLICY, "policy.yaml"), network()
    assert certificate(judge(policy, found, locate(policy, found), AS_OF), AS_OF) == proof


def places(proof: str) -> list[tuple[int, int]]:
    """Every node of every connected invariant, as positions in the file."""
    networks = [json.loads(line) for line in proof.splitlines()[1:]]
    return [(at, node) for at, one in enumerate(networks) for node in range(len(connected(one)["at"]))]


def test_without_the_set_of_any_one_place_it_fails(proof: str) -> None:
    for line, node in places(proof):

        def drop(one: Any, node: int = node) -> None:
            connected(one)["at"].pop(node)

        assert broken(proof, on_line(line, drop))


def test_with_less_at_any_one_place_it_fails(proof: str) -> None:
    for line, node in places(proof):

        def shrink(one: Any, node: int = node) -> None:
            claim = connected(one)
            bit, low, high = claim["nodes"][claim["at"][node][1] - 2]
            claim["nodes"].append([bit, low, 0] if high else [bit, 0, high])
            claim["at"][node][1] = len(claim["nodes"]) + 1

        assert broken(proof, on_line(line, shrink))


def on_line(line: int, edit: Callable[[Any], object]) -> Callable[[Any], None]:
    """``edit``, of one of the networks of a file only."""
    seen: list[Any] = []

    def once(one: Any) -> None:
        seen.append(one)
        if len(seen) == line + 1:
            edit(one)

    return once


def test_the_rules_that_keep_them_apart_may_not_be_gone(proof: str) -> None:
    def without_drops(one: Any) -> None:
        one["devices"]["fw"]["chains"]["between"][0] = []

    def open_at_the_end(one: Any) -> None:
        one["devices"]["fw"]["chains"]["forward"][1] = True

    assert "ISO-1 a -> b IPv4" in broken(proof, without_drops)
    assert "ISO-1 b -> a IPv4" in broken(proof, open_at_the_end)


def test_a_rule_that_the_prover_did_not_see_is_noticed(proof: str) -> None:
    def opened(one: Any) -> None:
        one["devices"]["fw"]["chains"]["forward"][0].insert(0, [["in", "protocol", [[47, 47]]], ["accept"]])

    assert len(broken(proof, opened)) == 4


def test_a_permission_or_a_state_that_grows_is_noticed(proof: str) -> None:
    def any_port(one: Any) -> None:
        one["devices"]["fw"]["chains"]["forward"][0][0][0] = ["all", []]

    def any_state(one: Any) -> None:
        one["devices"]["fw"]["chains"]["forward"][0][1][0] = ["in", "source", [[0x0A020000, 0x0A0200FF]]]

    def less_permitted(one: Any) -> None:
        for pair in one["pairs"]:
            pair["opened"] = ["any", []]

    assert "ISO-1 a -> b IPv4" in broken(proof, any_port)
    assert "ISO-1 b -> a IPv4" in broken(proof, any_state)
    assert "ISO-1 a -> b IPv4" in broken(proof, less_permitted)


def test_a_wider_route_is_noticed(proof: str) -> None:
    def widened(one: Any) -> None:
        for found in one["devices"]["fw"]["tables"]["main"]:
            if found[4] and found[4][0][0] == "eth2":
                found[0] = 0

    assert "ISO-1 a -> b IPv4" in broken(proof, widened)


def test_a_wire_that_is_gone_is_noticed(proof: str) -> None:
    wires = json.loads(proof.splitlines()[1])["wires"]
    for wire in wires:

        def cut(one: Any, wire: str = wire) -> None:
            one["wires"].pop(wire)

        with pytest.raises(Refused):
            broken(proof, cut)


def test_a_device_or_address_more_is_noticed(proof: str) -> None:
    def a_second_owner(one: Any) -> None:
        one["devices"]["r2"]["interfaces"]["eth1"]["proxy"] = True

    def beyond(one: Any) -> None:
        one["beyond"].append(next(iter(one["wires"])))

    assert broken(proof, a_second_owner)
    assert broken(proof, beyond)


def test_one_zone_s_claim_does_not_serve_another(proof: str) -> None:
    assert len(broken(proof, lambda one: connected(one)["senders"].reverse())) == 4


def test_any_byte_that_changed_is_noticed(proof: str) -> None:
    data = proof.encode()
    for at in range(0, len(data), len(data) // 400):
        with pytest.raises(Refused):
            read_proof(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


@pytest.mark.parametrize(
    "edit",
    [
        lambda one: one["devices"]["fw"].update(news=1),
        lambda one: one["devices"]["fw"].pop("sees"),
        lambda one: one.update(**{"is": "Novelty"}),
        lambda one: one["devices"]["fw"]["hooks"]["forward"].append(["sample"]),
        lambda one: one["devices"]["fw"]["chains"]["forward"][0].insert(0, [["all", []], ["queue"]]),
        lambda one: one["devices"]["fw"]["chains"]["forward"][0].insert(0, [["moon"], ["accept"]]),
        lambda one: one["devices"]["fw"]["chains"]["forward"][0].insert(0, [["all", []], ["jump", "no"]]),
        lambda one: one["devices"]["fw"]["chains"]["between"][0].insert(
            0, [["all", []], ["jump", "forward"]]
        ),
        lambda one: connected(one)["nodes"].append([1 << 20, 0, 1, 1]),
        lambda one: connected(one)["nodes"].append([30, 2, 1]),
        lambda one: connected(one)["at"].append([["segment", "x"], 1 << 30]),
        lambda one: one["zones"].pop("b"),
    ],
)
def test_what_is_not_understood_is_refused(proof: str, edit: Callable[[Any], None]) -> None:
    with pytest.raises(Refused):
        reasons(edited(proof, edit))


def test_a_pair_without_a_claim_is_not_verified(proof: str) -> None:
    def forgets(one: Any) -> None:
        one["invariants"] = []

    assert set(reasons(edited(proof, forgets)).values()) == {"nothing is claimed"}
