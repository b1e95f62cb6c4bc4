"""The model against PAN-OS's documented packet flow, interpreted here a second time, rule by rule.

The manual's order: NAT rule by original addresses and the zone of the original route, a second route
lookup, security policy by original addresses and the zone of the second route, translation. Whatever that
gives must be among the ways of the model, and the only one where the model is certain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

from hypothesis import given, settings
from hypothesis import strategies as st

from segaudit.model.flow import Family, Flow
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.reach.walk import Walker
from segaudit.vendors.paloalto_panos import VENDOR

ZONES = ("z1", "z2", "z3")
NETWORKS = {zone: ip_network(f"10.{zone[1]}.0.0/24") for zone in ZONES}
PORT = {zone: f"ethernet1/{zone[1]}" for zone in ZONES}
HOSTS = tuple(str(network[host]) for network in NETWORKS.values() for host in (5, 6))
LISTS = (("any",), *((host,) for host in HOSTS), tuple(HOSTS[:3]), ("10.2.0.0/24",), ("10.1.0.0/23",))
SERVICES = {"any": None, "web": 80, "proxy": 8080}


@dataclass(frozen=True)
class Rule:
    """What both kinds of rule match."""

    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    source_zones: tuple[str, ...]
    destination_zones: tuple[str, ...]
    service: str


@dataclass(frozen=True)
class Security:
    match: Rule
    allows: bool
    negated: bool
    kind: str


@dataclass(frozen=True)
class Nat:
    match: Rule
    target: str
    port: int
    source: str
    both_ways: bool = False
    """A static translation of the single host in ``match.sources``, with its way back."""


zones = st.sampled_from([("any",), *((zone,) for zone in ZONES), ("z1", "z3")])
loose = st.builds(
    lambda targets, service: Rule(("any",), targets, ("any",), ("any",), service),
    st.sampled_from([("any",), *((host,) for host in HOSTS)]),
    st.sampled_from(sorted(SERVICES)),
)
rules = st.one_of(
    st.builds(
        Rule,
        st.sampled_from(LISTS),
        st.sampled_from(LISTS),
        zones,
        zones,
        st.sampled_from(sorted(SERVICES)),
    ),
    loose,
)
securities = st.builds(
    Security, rules, st.booleans(), st.booleans(), st.sampled_from(["universal", "intrazone", "interzone"])
)
nats = st.builds(
    Nat,
    rules,
    st.sampled_from(["", *HOSTS]),
    st.sampled_from([0, 0, 80, 8080]),
    st.sampled_from(["", "", "10.3.0.200", "10.1.0.5"]),
)
statics = st.builds(
    lambda host, outer: Nat(Rule((host,), ("any",), ("any",), ("any",), "any"), "", 0, outer, True),
    st.sampled_from(HOSTS),
    st.sampled_from(["10.1.0.6", "10.2.0.6", "10.3.0.200"]),
)
packets = st.tuples(
    st.sampled_from(HOSTS), st.sampled_from(HOSTS), st.sampled_from(ZONES), st.sampled_from([80, 8080, 22])
)


# ---- the configuration --------------------------------------------------------------------------


def words(values: tuple[str, ...]) -> str:
    return values[0] if len(values) == 1 else f"[ {' '.join(values)} ]"


def matched(name: str, rule: Rule) -> list[str]:
    return [
        f"{name} from {words(rule.source_zones)}",
        f"{name} to {words(rule.destination_zones)}",
        f"{name} source {words(rule.sources)}",
        f"{name} destination {words(rule.destinations)}",
        f"{name} service {rule.service}",
    ]


def configuration(policy: list[Security], translations: list[Nat]) -> str:
    lines = ["set service web protocol tcp port 80", "set service proxy protocol tcp port 8080"]
    for zone in ZONES:
        lines += [
            f"set network interface ethernet {PORT[zone]} layer3 ip {NETWORKS[zone][1]}/24",
            f"set network virtual-router vr interface {PORT[zone]}",
            f"set zone {zone} network layer3 {PORT[zone]}",
        ]
    for number, one in enumerate(policy):
        name = f"set rulebase security rules s{number}"
        lines += matched(name, one.match)
        lines += [f"{name} application any", f"{name} action {'allow' if one.allows else 'deny'}"]
        lines += [f"{name} rule-type {one.kind}"]
        lines += [f"{name} negate-destination yes"] if one.negated else []
    for number, nat in enumerate(translations):
        name = f"set rulebase nat rules n{number}"
        lines += matched(name, nat.match)
        if nat.target:
            lines.append(f"{name} destination-translation translated-address {nat.target}")
            if nat.port:
                lines.append(f"{name} destination-translation translated-port {nat.port}")
        if nat.source:
            kind = "static-ip" if nat.both_ways else "dynamic-ip-and-port"
            lines.append(f"{name} source-translation {kind} translated-address {nat.source}")
        if nat.both_ways:
            lines.append(f"{name} source-translation static-ip bi-directional yes")
    return "\n".join(lines) + "\n"


# ---- the manual ---------------------------------------------------------------------------------


def routed(flow: Flow) -> str | None:
    """The zone that a destination is in; ``None``: no route, or the firewall itself."""
    address = ip_address(flow.destination)
    for zone, network in NETWORKS.items():
        if address in network and address != network[1]:
            return zone
    return None


def listed(value: int, values: tuple[str, ...]) -> bool:
    return "any" in values or any(ip_address(value) in ip_network(one, strict=False) for one in values)


def zoned(zone: str, values: tuple[str, ...]) -> bool:
    return "any" in values or zone in values


def meant(rule: Rule, flow: Flow, incoming: str, outgoing: str, negated: bool = False) -> bool:
    port = SERVICES[rule.service]
    return (
        zoned(incoming, rule.source_zones)
        and zoned(outgoing, rule.destination_zones)
        and listed(flow.source, rule.sources)
        and listed(flow.destination, rule.destinations) != negated
        and (port is None or port == flow.destination_port)
    )


def allowed(policy: list[Security], flow: Flow, incoming: str, outgoing: str) -> bool:
    same = incoming == outgoing
    for one in policy:
        if one.kind == "intrazone":
            fits = same and meant(
                replace(one.match, destination_zones=("any",)), flow, incoming, outgoing, one.negated
            )
        else:
            fits = meant(one.match, flow, incoming, outgoing, one.negated)
            fits = fits and not (one.kind == "interzone" and same)
        if fits:
            return one.allows
    return same


def manual(policy: list[Security], translations: list[Nat], flow: Flow, incoming: str) -> Flow | None:
    """The packet as it leaves the firewall; ``None``: it does not."""
    first = routed(flow)
    if first is None:
        return None
    after = flow
    for nat in translations:
        if meant(nat.match, flow, incoming, first):
            if nat.target:
                after = replace(after, destination=int(ip_address(nat.target)))
                after = replace(after, destination_port=nat.port or after.destination_port)
            if nat.source:
                after = replace(after, source=int(ip_address(nat.source)))
            break
        if nat.both_ways and flow.destination == int(ip_address(nat.source)):
            after = replace(after, destination=int(ip_address(nat.match.sources[0])))
            break
    outgoing = routed(after)
    return after if outgoing is not None and allowed(policy, flow, incoming, outgoing) else None


def ends(flow: Flow) -> tuple[int, int, int]:
    return flow.source, flow.destination, flow.destination_port


EVERY_PACKET = [(source, target, "z1", 80) for source in HOSTS[:2] for target in HOSTS]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(securities, max_size=3),
    st.lists(st.one_of(nats, nats, statics), max_size=3),
    st.just(EVERY_PACKET),
)
def test_what_the_manual_says_is_among_the_ways(
    policy: list[Security], translations: list[Nat], sent: list[tuple[str, str, str, int]]
) -> None:
    text = configuration(policy, translations)
    device = VENDOR.read(RawConfig("d", "", (RawFile("devices/d/running-config.txt", text, ""),)))
    assert not [line for line in device.lines if line.fate != "ignored"]
    for source, target, incoming, port in sent:
        flow = Flow(
            Family.IPV4, 6, int(ip_address(source)), int(ip_address(target)), 1024, port, tcp_flags=2
        )
        walks = Walker({"d": device}, {}).walk(flow, "d", PORT[incoming])
        outcomes = {
            ends(walk.trace.arrived) if any(step.action == "sent" for step in walk.trace.steps) else None
            for walk in walks
        }
        expected = manual(policy, translations, flow, incoming)
        assert (ends(expected) if expected is not None else None) in outcomes, (text, flow, incoming)
        if all(walk.trace.certain for walk in walks):
            assert len(outcomes) == 1


@settings(max_examples=150, deadline=None)
@given(st.lists(securities, max_size=4), st.lists(packets, max_size=6))
def test_without_translation_the_model_is_exact(
    policy: list[Security], sent: list[tuple[str, str, str, int]]
) -> None:
    text = configuration(policy, [])
    device = VENDOR.read(RawConfig("d", "", (RawFile("devices/d/running-config.txt", text, ""),)))
    exact = not any(one.negated for one in policy)
    for source, target, incoming, port in sent:
        flow = Flow(
            Family.IPV4, 6, int(ip_address(source)), int(ip_address(target)), 1024, port, tcp_flags=2
        )
        walks = Walker({"d": device}, {}).walk(flow, "d", PORT[incoming])
        passed = [any(step.action == "sent" for step in walk.trace.steps) for walk in walks]
        expected = manual(policy, [], flow, incoming) is not None
        assert expected in passed, (text, flow, incoming)
        if exact:
            assert set(passed) == {expected}, (text, flow, incoming)
