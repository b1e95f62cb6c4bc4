"""Margins on networks small enough to check by hand, and against trying every single change."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date

from builders.networks import acl, attach, device, host, interface, link, route, snapshot

from segaudit.judge import judge, with_margins
from segaudit.judge.conduits import permitted
from segaudit.judge.objects import filter_objects, routing_objects
from segaudit.judge.pairs import PairJudge
from segaudit.judge.prover import Prover, Reading
from segaudit.judge.variant import Variant, with_devices
from segaudit.model.acl import (
    Ace,
    Acl,
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
    Jump,
    Matches,
    Return,
    StateIn,
    Translate,
    TranslationKind,
)
from segaudit.model.device import Device
from segaudit.model.flow import ConnectionState, Family
from segaudit.model.snapshot import Snapshot
from segaudit.model.verdict import Grade, Margin, Outcome, PairVerdict
from segaudit.policy import locate, parse_policy
from segaudit.reach.fixpoint import Network

POLICY = """
version: 1
name: small
zones:
  a: {side: left, owner: o@x.example, members: [{prefix: 10.1.0.0/24}]}
  b: {side: right, owner: o@x.example, members: [{prefix: 10.2.0.10/32}]}
isolation:
  - {id: ISO-1, title: a and b, between: left, and: right, direction: forward, families: [ipv4],
     severity: high}
"""
AS_OF = date(2026, 11, 24)
ACCEPT, DROP = Forwarding.ACCEPT, Forwarding.DROP
Rule = tuple[Matches, Action]
TO_B = AddressIn(End.DESTINATION, Family.IPV4, ((0x0A020000, 0x0A0200FF),))
FROM_A = AddressIn(End.SOURCE, Family.IPV4, ((0x0A010000, 0x0A0100FF),))
NEW = StateIn(frozenset({ConnectionState.NEW}))
FROM_ETH1 = InterfaceIn(Direction.IN, ("eth1",))
TCP = FieldIn(Field.PROTOCOL, ((6, 6),))
HOST_A = host("ha", "10.1.0.10/24", gateway="10.1.0.1")
HOST_B = host("hb", "10.2.0.10/24", gateway="10.2.0.1")


def margin(network: Snapshot, policy: str = POLICY, budget: int = 600) -> Margin:
    found = strengthened(network, policy, budget)
    assert found.outcome is Outcome.PROVEN
    assert found.margin is not None
    return found.margin


def strengthened(network: Snapshot, policy: str = POLICY, budget: int = 600) -> PairVerdict:
    parsed = parse_policy(policy.encode(), "policy.yaml")
    judgement = judge(parsed, network, locate(parsed, network), AS_OF)
    return with_margins(judgement, AS_OF, budget=budget)[0].pairs[0]


def chain(*rules: Rule, default: Forwarding = DROP, more: tuple[Acl, ...] = ()) -> dict[str, object]:
    """A forward chain and a closed input, as keywords of ``device``."""
    return {
        "acls": (acl("forward", *rules, default=default), acl("input"), *more),
        "attachments": (attach("forward", Hook.FORWARD), attach("input", Hook.INPUT)),
    }


def one_firewall(**filters: object) -> Snapshot:
    fw = device("fw", interface("eth1", "10.1.0.1/24"), interface("eth2", "10.2.0.1/24"), **filters)  # type: ignore[arg-type]
    return snapshot([HOST_A, HOST_B, fw], [link("ha:eth1", "fw:eth1"), link("hb:eth1", "fw:eth2")])


def in_line(left: dict[str, object], right: dict[str, object]) -> Snapshot:
    """ha - left - right - hb with routes through."""
    first = device("left", interface("eth1", "10.1.0.1/24"), interface("eth2", "10.9.0.1/24"),
                   **{"routes": (route("10.2.0.0/24", "eth2", "10.9.0.2"),), **left})  # type: ignore[arg-type]  # fmt: skip
    second = device("right", interface("eth1", "10.9.0.2/24"), interface("eth2", "10.2.0.1/24"), **right)  # type: ignore[arg-type]
    wires = [link("ha:eth1", "left:eth1"), link("left:eth2", "right:eth1"), link("right:eth2", "hb:eth1")]
    return snapshot([HOST_A, HOST_B, first, second], wires)


def objects(found: Margin) -> list[tuple[str, str, str]]:
    return sorted((one.device, one.kind, one.text) for one in found.keystones)


def test_one_drop_rule_is_the_keystone_and_its_nearest_miss_is_told() -> None:
    found = margin(one_firewall(**chain((FROM_ETH1, DROP), default=ACCEPT)))
    assert (found.least, found.is_exact, str(found)) == (1, True, "1")
    (stone,) = found.keystones
    assert (stone.device, stone.kind, str(stone.span)) == ("fw", "ace", "acl forward:1")
    assert stone.nearest_miss is not None
    assert str(stone.nearest_miss.flow) == "tcp 10.1.0.10:40000 -> 10.2.0.10:445"
    assert stone.nearest_miss.trace.certain


def test_a_default_counts_as_an_object() -> None:
    found = margin(one_firewall(**chain((TCP, DROP), default=DROP)))
    assert objects(found) == [("fw", "default", "forward: no rule matched, default drop")]


def test_two_drops_of_the_same_packets_are_a_margin_of_two() -> None:
    found = margin(one_firewall(**chain((FROM_ETH1, DROP), (AnyPacket(), DROP), default=ACCEPT)))
    assert (found.least, found.most, found.undecided, str(found)) == (2, 2, (), "2")


def test_a_second_firewall_behind_the_first_leaves_no_keystone() -> None:
    shut = chain((AnyPacket(), DROP), default=ACCEPT)
    assert str(margin(in_line(shut, {}))) == str(margin(in_line({}, shut))) == "1"
    assert str(margin(in_line(shut, shut))) == "2"


def test_a_jump_and_a_return_are_rules_too() -> None:
    """Without the jump the packets are not dropped; without the return they are accepted below."""
    inner = acl("inner", (AnyPacket(), DROP), default=Return())
    jumping = margin(one_firewall(**chain((AnyPacket(), Jump("inner")), default=ACCEPT, more=(inner,))))
    assert objects(jumping) == [("fw", "ace", "forward: rule 1"), ("fw", "ace", "inner: rule 1")]
    early = acl("inner", (AnyPacket(), Return()), (AnyPacket(), ACCEPT), default=Return())
    returning = margin(one_firewall(**chain((AnyPacket(), Jump("inner")), default=DROP, more=(early,))))
    assert ("fw", "ace", "inner: rule 1") in objects(returning)


def test_a_translation_can_be_what_keeps_them_apart() -> None:
    """Everything from eth1 is redirected to the router itself, which drops it."""
    away = Translate(TranslationKind.DESTINATION, ((0x0A010001, 0x0A010001),), family=Family.IPV4)
    found = margin(
        one_firewall(
            acls=(
                acl("forward", (FROM_ETH1, ACCEPT)),
                acl("input"),
                acl("nat", (FROM_ETH1, away), default=ACCEPT),
                acl("raw", (InterfaceIn(Direction.IN, ("eth2",)), DROP), (NEW, ACCEPT)),
            ),
            attachments=(
                attach("forward", Hook.FORWARD),
                attach("input", Hook.INPUT),
                attach("nat", Hook.PREROUTING, -100, translates=True),
                attach("raw", Hook.PREROUTING, -150),
            ),
            tracks=True,
        )
    )
    assert ("fw", "translation", "nat: rule 1") in objects(found)


def test_the_rule_that_makes_a_device_reassemble_is_a_keystone() -> None:
    """Without any match on state nothing is tracked, and fragments reach the second rule."""
    invalid = StateIn(frozenset({ConnectionState.INVALID}))
    fragments = FieldIn(Field.FRAGMENT, ((1, 1),))
    found = margin(one_firewall(**chain((invalid, DROP), (fragments, ACCEPT)), tracks=True))
    assert ("fw", "ace", "forward: rule 1") in objects(found)


def test_a_changed_network_is_the_same_as_one_built_anew() -> None:
    """A variant shares what was compiled for the unchanged devices; this would notice a wrong share."""
    draw = random.Random(7)
    for _ in range(12):
        network = in_line({**random_filters(draw), **random_routing(draw)}, random_filters(draw))
        other = in_line({**random_filters(draw), **random_routing(draw)}, {}).devices["left"]
        parsed = parse_policy(POLICY.encode(), "policy.yaml")
        prover = Prover(parsed, network, locate(parsed, network), (), 1 << 16)
        source = prover.source("a", Reading.STRICT)
        graph = with_devices(prover.graph(Reading.STRICT), [other])
        for known in (False, True):
            prover.reached(Family.IPV4, "a", Reading.STRICT, with_connections=known)
            one = Variant(prover, Family.IPV4, Reading.STRICT, graph).reached(source, known)
            two = Network(graph, prover.universe(Family.IPV4)).reach(source, known)
            assert one.at.keys() == two.at.keys()
            assert all(one.space(node) == two.space(node) for node in two.at)


def test_an_absent_route_is_named_with_its_next_hop() -> None:
    found = margin(in_line({"routes": ()}, {}))
    assert ("left", "no-route", "no route to 10.2.0.0/24 via 10.9.0.2 dev eth2") in objects(found)
    told = next(one for one in found.keystones if "via 10.9.0.2" in one.text)
    assert told.change == "add the route 10.2.0.0/24 via 10.9.0.2 dev eth2"
    assert told.nearest_miss is not None


def test_a_blackhole_over_a_default_route_is_a_keystone_with_its_line() -> None:
    routes = (route("10.2.0.0/24", kind="blackhole", line=7), route("0.0.0.0/0", "eth2", "10.9.0.2"))
    found = margin(in_line({"routes": routes}, {}))
    held = next(one for one in found.keystones if one.kind == "blackhole")
    assert (held.text, str(held.span)) == ("blackhole route 10.2.0.0/24", "routes:7")


def test_an_interface_that_is_down_is_a_keystone() -> None:
    network = in_line({}, {})
    right = network.devices["right"]
    down = replace(right.interfaces["eth2"], enabled=False, operational=False)
    gone = tuple(one for one in right.routes if all(hop.interface != "eth2" for hop in one.next_hops))
    shut = replace(right, interfaces={**right.interfaces, "eth2": down}, routes=gone)
    found = margin(replace(network, devices={**network.devices, "right": shut}))
    assert ("right", "interface-down", "interface eth2 is down") in objects(found)


def test_a_host_on_both_sides_would_only_have_to_forward() -> None:
    both = device("both", interface("eth1", "10.9.0.2/24", forwards=False),
                  interface("eth2", "10.2.0.1/24", forwards=False))  # fmt: skip
    network = in_line({}, {})
    devices = {**network.devices, "right": replace(both, name="right")}
    found = margin(replace(network, devices=devices))
    assert objects(found) == [("right", "not-forwarding", "does not forward ipv4 on every interface")]


def test_no_adjacency_at_all_needs_a_new_wire() -> None:
    apart = snapshot([HOST_A, HOST_B], [link("ha:eth1"), link("hb:eth1")])
    found = strengthened(apart)
    assert found.grade is Grade.G5
    assert found.margin == Margin(2)


def test_a_spent_budget_is_said_and_nothing_is_claimed() -> None:
    shut = chain((AnyPacket(), DROP), default=ACCEPT)
    found = margin(one_firewall(**shut), budget=0)
    assert (found.least, found.is_exact) == (1, False)
    assert any("not every object was tried" in text for text in found.undecided)


def test_margins_are_computed_only_for_what_is_asked() -> None:
    network = one_firewall(**chain((AnyPacket(), DROP)))
    parsed = parse_policy(POLICY.replace("direction: forward", "direction: both").encode(), "policy.yaml")
    judgement = judge(parsed, network, locate(parsed, network), AS_OF)
    asked = with_margins(judgement, AS_OF, lambda verdict: verdict.direction == "reverse")
    computed = {verdict.id: verdict.pairs[0].margin is not None for verdict in asked}
    assert computed == {"ISO-1/forward/ipv4": False, "ISO-1/reverse/ipv4": True}


def test_a_pair_that_is_not_isolated_has_no_margin() -> None:
    assert strengthened(one_firewall()).margin is None


def test_an_exception_is_not_taken_for_a_keystone() -> None:
    """tcp/22 passes already and is excused; the default holds all the rest."""
    ssh = AllOf((FROM_A, TO_B, TCP, FieldIn(Field.DESTINATION_PORT, ((22, 22),))))
    excused = POLICY + (
        "exceptions:\n  - {id: EXC-1, assertion: ISO-1, from: a, to: b, services: [tcp/22],"
        " owner: c@x.example, justification: move, expires: 2026-12-31}\n"
    )
    network = one_firewall(**chain((ssh, ACCEPT)))
    fw = network.devices["fw"]
    strict = {name: replace(one, reverse_path_filter=1) for name, one in fw.interfaces.items()}
    network = replace(network, devices={**network.devices, "fw": replace(fw, interfaces=strict)})
    found = margin(network, policy=excused)
    assert objects(found) == [("fw", "default", "forward: no rule matched, default drop")]


# -- against trying every change -----------------------------------------------------------------


def random_rules(draw: random.Random, jumps: bool) -> tuple[Rule, ...]:
    matches: list[Matches] = [
        AnyPacket(),
        FROM_A,
        TO_B,
        TCP,
        FROM_ETH1,
        FieldIn(Field.PROTOCOL, ((17, 17),)),
    ]
    actions: list[Action] = [ACCEPT, DROP, DROP, Return(), *([Jump("inner")] if jumps else [])]
    return tuple((draw.choice(matches), draw.choice(actions)) for _ in range(draw.randint(1, 4)))


def random_filters(draw: random.Random) -> dict[str, object]:
    inner = acl("inner", *random_rules(draw, jumps=False), default=Return())
    return chain(*random_rules(draw, jumps=True), default=draw.choice((ACCEPT, DROP, DROP)), more=(inner,))


def random_routing(draw: random.Random) -> dict[str, object]:
    """Routes of ``left``: towards b, discarded, or missing; perhaps more than one."""
    some = [
        route("10.2.0.0/24", "eth2", "10.9.0.2"),
        route("10.2.0.0/16", "eth2", "10.9.0.2"),
        route("0.0.0.0/0", "eth2", "10.9.0.2"),
        route("10.2.0.0/25", kind="blackhole"),
        route("10.2.0.10/32", kind="unreachable"),
    ]
    return {"routes": tuple(draw.sample(some, draw.randint(0, 3)))}


def with_random_interfaces(draw: random.Random, one: Device) -> Device:
    """Now and then an interface that is down, does not forward or checks the reverse path."""
    interfaces = dict(one.interfaces)
    routes = one.routes
    for name in ("eth1", "eth2"):
        fate = draw.random()
        if fate < 0.1:
            interfaces[name] = replace(interfaces[name], enabled=False, operational=False)
            routes = tuple(r for r in routes if all(hop.interface != name for hop in r.next_hops))
        elif fate < 0.2:
            interfaces[name] = replace(interfaces[name], forwarding=frozenset())
        elif fate < 0.4:
            interfaces[name] = replace(interfaces[name], reverse_path_filter=1)
    return replace(one, interfaces=interfaces, routes=routes)


def single_changes(network: Snapshot) -> set[tuple[str, str]]:
    """Every object of every device whose removal alone leaves the pair without a proof."""
    found = set()
    for one in network.devices.values():
        for changing in (*filter_objects(one, Family.IPV4), *routing_objects(one, Family.IPV4)):
            if not holds(replace(network, devices={**network.devices, one.name: changing.removed(one)})):
                found.add((one.name, changing.text))
    return found


def holds(network: Snapshot) -> bool:
    """Whether the pair is proven, by the prover alone."""
    parsed = parse_policy(POLICY.encode(), "policy.yaml")
    prover = Prover(parsed, network, locate(parsed, network), (), 1 << 16)
    judging = PairJudge(prover, Family.IPV4)
    return judging.left("a", "b", permitted(prover, (), "a", "b", Family.IPV4), Reading.STRICT).is_empty


def some_route_opens(network: Snapshot) -> bool:
    """Whether one route more on a router, by any of its neighbours, leaves the pair without a proof."""
    for name, ways in {
        "left": (("eth1", "10.1.0.10"), ("eth2", "10.9.0.2")),
        "right": (("eth1", "10.9.0.1"), ("eth2", "10.2.0.10"), ("eth2", "")),
    }.items():
        one = network.devices[name]
        for way in ways:
            for prefix in ("10.2.0.0/24", "10.2.0.10/32", "0.0.0.0/0"):
                more = replace(route(prefix, *way), preference=-1)
                changed = replace(one, routes=(*one.routes, more))
                if not holds(replace(network, devices={**network.devices, name: changed})):
                    return True
    return False


def test_the_keystones_are_those_that_trying_every_change_finds() -> None:
    compared = exact = routed = 0
    for seed in range(60):
        draw = random.Random(seed)
        left = (
            {**random_filters(draw), **random_routing(draw)}
            if draw.random() < 0.7
            else random_routing(draw)
        )
        network = in_line(left, random_filters(draw) if draw.random() < 0.7 else {})
        changed = {name: with_random_interfaces(draw, network.devices[name]) for name in ("left", "right")}
        network = replace(network, devices={**network.devices, **changed})
        if not holds(network):
            continue
        found = margin(network)
        compared += 1
        exact += bool(found.keystones)
        stones = {(one.device, one.text) for one in found.keystones if one.kind != "no-route"}
        assert stones == single_changes(network), seed
        by_route = any(one.kind == "no-route" for one in found.keystones)
        routed += by_route
        assert by_route == some_route_opens(network) or found.undecided, seed
    assert compared >= 20 and 0 < exact < compared and routed, "the sample must contain every kind"


def test_every_rule_of_a_device_is_an_object_unless_it_only_accepts() -> None:
    fw: Device = one_firewall(**chain((TCP, ACCEPT), (TCP, DROP), (TCP, Return()))).devices["fw"]
    texts = [one.text for one in filter_objects(fw, Family.IPV4)]
    assert [text for text in texts if text.startswith("forward")] == [
        "forward: rule 2",
        "forward: rule 3",
        "forward: no rule matched, default drop",
    ]
    assert isinstance(fw.acls["forward"].aces[0], Ace)
