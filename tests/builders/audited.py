"""A small network with something of everything that a judgement tells, and its policy."""

from __future__ import annotations

from datetime import date
from functools import cache

from builders.networks import acl, attach, device, host, interface, link, route, snapshot
from segaudit.judge.share import Case
from segaudit.model.acl import (
    AddressIn,
    AllOf,
    AnyPacket,
    End,
    Field,
    FieldIn,
    Forwarding,
    Hook,
    StateIn,
    Translate,
    TranslationKind,
    UnknownMatch,
)
from segaudit.model.flow import ConnectionState, Family
from segaudit.policy import locate, parse_policy

AS_OF = date(2026, 11, 24)
ACCEPT, DROP = Forwarding.ACCEPT, Forwarding.DROP

_POLICY = """
version: 1
name: small
zones:
  a: {side: left, owner: o@x.example, members: [{prefix: 10.1.0.0/24}]}
  a2: {side: left, owner: o@x.example, members: [{prefix: 10.11.0.0/24}]}
  b: {side: right, owner: o@x.example, members: [{prefix: 10.2.0.0/24}]}
  b2: {side: right, owner: o@x.example, members: [{prefix: 10.12.0.0/24}]}
  shared: {owner: o@x.example, members: [{prefix: 10.3.0.0/24}]}
isolation:
  - {id: ISO-1, title: left and right, between: left, and: right, direction: both, severity: high}
  - {id: ISO-2, title: shared and b2, between: shared, and: b2, direction: forward, severity: low}
flows:
  - {id: FLOW-1, from: a, to: shared, services: [tcp/443], must_work: true, owner: o@x.example,
     justification: the portal, expires: 2027-12-31}
exceptions:
  - {id: EXC-1, assertion: ISO-1, from: a2, to: b, services: [tcp/22], owner: c@x.example,
     justification: move, expires: 2026-12-31}
  - {id: EXC-2, assertion: ISO-1, from: a, to: b, services: [tcp/23], owner: c@x.example,
     justification: old, expires: 2026-01-31}
"""

_LANS = {"a": "10.1.0", "a2": "10.11.0", "b": "10.2.0", "b2": "10.12.0", "shared": "10.3.0"}


def _within(end: End, zone: str) -> AddressIn:
    first, second, third = (int(part) for part in _LANS[zone].split("."))
    low = first << 24 | second << 16 | third << 8
    return AddressIn(end, Family.IPV4, ((low, low | 255),))


def _service(port: int) -> AllOf:
    return AllOf((FieldIn(Field.PROTOCOL, ((6, 6),)), FieldIn(Field.DESTINATION_PORT, ((port, port),))))


_ANSWERS = StateIn(frozenset({ConnectionState.ESTABLISHED, ConnectionState.RELATED}))
_FORWARD = acl(
    "forward",
    (AllOf((_within(End.DESTINATION, "b"), _ANSWERS)), ACCEPT),
    (AllOf((_within(End.SOURCE, "a2"), _within(End.DESTINATION, "b"), _service(22))), ACCEPT),
    (AllOf((_within(End.DESTINATION, "shared"), _service(443))), ACCEPT),
    (AllOf((_within(End.DESTINATION, "a2"), UnknownMatch("a set that is not there"))), ACCEPT),
)
_NAT = acl(
    "nat",
    (_within(End.SOURCE, "a"), Translate(TranslationKind.SOURCE, ((0x0A630001, 0x0A630001),))),
    default=ACCEPT,
)


@cache
def small_case() -> Case:
    """Two routers, five zones, and PROVEN, VIOLATED and UNKNOWN pairs among them."""
    left = device(
        "left",
        *(interface(zone, f"{_LANS[zone]}.1/24") for zone in ("a", "a2")),
        interface("up", "10.99.0.1/24"),
        routes=(route("0.0.0.0/0", "up", "10.99.0.2"),),
        acls=(_NAT, acl("input"), acl("open", (AnyPacket(), ACCEPT))),
        attachments=(attach("nat", Hook.POSTROUTING, 100, translates=True), attach("input", Hook.INPUT)),
        tracks=True,
    )
    right = device(
        "right",
        *(interface(zone, f"{_LANS[zone]}.1/24") for zone in ("b", "b2", "shared")),
        interface("up", "10.99.0.2/24"),
        routes=(
            route("10.1.0.0/24", "up", "10.99.0.1"),
            route("10.11.0.0/24", "up", "10.99.0.1"),
        ),
        acls=(_FORWARD, acl("input")),
        attachments=(attach("forward", Hook.FORWARD), attach("input", Hook.INPUT)),
        tracks=True,
    )
    hosts = [host(f"host-{zone}", f"{lan}.10/24", gateway=f"{lan}.1") for zone, lan in _LANS.items()]
    routers = {zone: "left" if zone.startswith("a") else "right" for zone in _LANS}
    links = [link(f"{routers[zone]}:{zone}", f"host-{zone}:eth1") for zone in _LANS]
    network = snapshot([left, right, *hosts], [link("left:up", "right:up"), *links])
    policy = parse_policy(_POLICY.encode(), "policy.yaml")
    return Case(policy, network, locate(policy, network), AS_OF)
