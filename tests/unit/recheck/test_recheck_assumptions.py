"""Proofs that rest on an owned assumption, on marks, and pairs that are not proven."""

from __future__ import annotations

from datetime import date

from builders.networks import acl, attach, device, host, interface, link, snapshot
from builders.proofs import reasons

from segaudit.judge import judge
from segaudit.judge.certificate import certificate
from segaudit.model.acl import (
    AddressMasked,
    Direction,
    End,
    Field,
    FieldMasked,
    Forwarding,
    Hook,
    InterfaceIn,
    MarkIs,
    Matches,
)
from segaudit.model.flow import Family
from segaudit.model.snapshot import Snapshot
from segaudit.policy import locate, parse_policy

POLICY = """
version: 1
name: small
zones:
  a: {{side: left, owner: o@x.example, members: [{{prefix: 10.1.0.0/24}}]}}
  b: {{side: right, owner: o@x.example, members: [{{prefix: 10.2.0.0/24}}]}}
isolation:
  - {{id: ISO-1, title: a and b, between: left, and: right, families: [ipv4], severity: high}}
{assumptions}
"""
HOSTS_ONLY = """
assumptions:
  - id: ASM-1
    about: {interface: eth*}
    claim: end-hosts-only
    owner: o@x.example
    justification: walked along
"""
AS_OF = date(2026, 11, 24)
FROM_A = InterfaceIn(Direction.IN, ("eth1",))


def checked(network: Snapshot, assumptions: str = "") -> dict[str, str]:
    policy = parse_policy(POLICY.format(assumptions=assumptions).encode(), "policy.yaml")
    return reasons(certificate(judge(policy, network, locate(policy, network), AS_OF), AS_OF))


def between(
    *rules: tuple[Matches, Forwarding], default: Forwarding = Forwarding.DROP, closed: bool = True
) -> Snapshot:
    fw = device(
        "fw",
        interface("eth1", "10.1.0.1/24"),
        interface("eth2", "10.2.0.1/24"),
        acls=(acl("forward", *rules, default=default), acl("input")),
        attachments=(attach("forward", Hook.FORWARD), attach("input", Hook.INPUT)),
    )
    ha = host("ha", "10.1.0.10/24", gateway="10.1.0.1")
    hb = host("hb", "10.2.0.10/24", gateway="10.2.0.1")
    wires = [link("ha:eth1", "fw:eth1", closed=closed), link("fw:eth2", "hb:eth1", closed=closed)]
    return snapshot([fw, ha, hb], wires)


def test_what_is_assumed_is_named() -> None:
    assert checked(between(closed=False)) == {
        "ISO-1 a -> b IPv4": "nothing is claimed",
        "ISO-1 b -> a IPv4": "nothing is claimed",
    }
    assert checked(between(closed=False), HOSTS_ONLY) == {
        "ISO-1 a -> b IPv4 if ASM-1": "",
        "ISO-1 b -> a IPv4 if ASM-1": "",
    }


def test_a_pair_that_is_not_proven_is_not_verified_beside_one_that_is() -> None:
    assert checked(between((FROM_A, Forwarding.ACCEPT))) == {
        "ISO-1 a -> b IPv4": "nothing is claimed",
        "ISO-1 b -> a IPv4": "",
    }


def test_a_mark_may_be_anything() -> None:
    found = checked(between((MarkIs(7), Forwarding.DROP), default=Forwarding.ACCEPT))
    assert all(found.values())
    assert not any(checked(between((MarkIs(7), Forwarding.DROP))).values())


def test_scattered_masks_are_read_or_left_open() -> None:
    for value, mask in ((0x0A010001, 0xFFFF00FF), (0x00000001, 0xF0000001)):
        odd = AddressMasked(End.SOURCE, Family.IPV4, value, mask)
        syn = FieldMasked(Field.TCP_FLAGS, 2, 0x12)
        assert not any(checked(between((syn, Forwarding.DROP), (odd, Forwarding.DROP))).values())
