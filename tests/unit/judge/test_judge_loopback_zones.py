"""A zone that exists only on loopbacks is the routers themselves: nothing is proven from nothing."""

from __future__ import annotations

from datetime import date

from builders.networks import acl, attach, device, host, interface, link, route, snapshot

from segaudit.judge import judge
from segaudit.model.acl import AddressIn, End, Forwarding, Hook
from segaudit.model.device import Device, InterfaceKind
from segaudit.model.flow import Family
from segaudit.model.verdict import Outcome, PairVerdict
from segaudit.policy import locate, parse_policy

POLICY = b"""
version: 1
name: routers
zones:
  core: {side: left, owner: o@x.example, members: [{prefix: 10.255.0.0/24}]}
  b: {side: right, owner: o@x.example, members: [{prefix: 10.2.0.0/24}]}
isolation:
  - {id: ISO-1, title: core and b, between: left, and: right, families: [ipv4], severity: high}
"""
FROM_CORE = AddressIn(End.SOURCE, Family.IPV4, ((0x0AFF0000, 0x0AFF00FF),))


def router(*output_rules: tuple[AddressIn, Forwarding]) -> Device:
    return device(
        "r1",
        interface("lo1", "10.255.0.1/32", kind=InterfaceKind.LOOPBACK),
        interface("eth1", "10.9.0.1/24"),
        routes=(route("10.2.0.0/24", "eth1", "10.9.0.2"),),
        acls=(acl("output", *output_rules, default=Forwarding.DROP),),
        attachments=(attach("output", Hook.OUTPUT),),
    )


def forward(r1: Device) -> PairVerdict:
    fw = device("fw", interface("eth1", "10.9.0.2/24"), interface("eth2", "10.2.0.1/24"),
                routes=(route("10.255.0.0/24", "eth1", "10.9.0.1"),))  # fmt: skip
    hb = host("hb", "10.2.0.10/24", gateway="10.2.0.1")
    network = snapshot([r1, fw, hb], [link("r1:eth1", "fw:eth1"), link("fw:eth2", "hb:eth1")])
    policy = parse_policy(POLICY, "policy.yaml")
    verdicts = judge(policy, network, locate(policy, network), date(2026, 11, 24)).verdicts
    return next(verdict for verdict in verdicts if verdict.direction == "forward").pairs[0]


def test_what_a_router_makes_itself_reaches_the_other_side() -> None:
    found = forward(router((FROM_CORE, Forwarding.ACCEPT)))
    assert found.outcome is Outcome.VIOLATED
    assert found.witness is not None
    assert found.witness.trace.steps[0].action == "made"


def test_its_output_filter_can_hold_it_back() -> None:
    assert forward(router()).outcome is Outcome.PROVEN
