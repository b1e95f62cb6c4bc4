"""Zones on random networks, against a second reading of the rules that shares no code with the first."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from segaudit.errors import PolicyError
from segaudit.model.device import Device, Interface, InterfaceAddress
from segaudit.model.flow import Family
from segaudit.model.snapshot import CollectionFailure, Snapshot
from segaudit.policy import locate, parse_policy

# A small address space, so that prefixes nest and collide often.
ADDRESSES = st.integers(0, 63).map(lambda low: IPv4Address(0x0A000000 + low))
NETWORKS = st.builds(
    lambda address, length: IPv4Network((int(address) >> (32 - length) << (32 - length), length)),
    ADDRESSES,
    st.integers(26, 32),
)
WILD = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def zone_prefixes(draw: st.DrawFn) -> dict[str, list[IPv4Network]]:
    networks = draw(st.lists(NETWORKS, min_size=1, max_size=6, unique=True))
    owners = draw(st.lists(st.integers(0, 3), min_size=len(networks), max_size=len(networks)))
    zones: dict[str, list[IPv4Network]] = {}
    for network, owner in zip(networks, owners, strict=True):
        zones.setdefault(f"z{owner}", []).append(network)
    return zones


NETWORK_OF_DEVICES = st.dictionaries(
    st.sampled_from(["d0", "d1", "d2"]),
    st.dictionaries(
        st.sampled_from(["e0", "e1"]), st.lists(ADDRESSES, min_size=1, max_size=2, unique=True)
    ),
    min_size=1,
)
Interfaces = dict[str, dict[str, list[IPv4Address]]]


def policy_text(zones: dict[str, list[IPv4Network]]) -> bytes:
    lines = ["version: 1", "name: random", "zones:"]
    for name, networks in zones.items():
        members = ", ".join(f"{{prefix: {network}}}" for network in networks)
        lines += [f"  {name}:", "    owner: owner@example", f"    members: [{members}]"]
    lines += ["isolation:", "  - {id: ISO, between: internet, and: unassigned}"]
    return "\n".join(lines).encode()


def snapshot(network: Interfaces, failed: tuple[str, ...] = ()) -> Snapshot:
    devices = {
        name: Device(name, "linux", {one: interface(one, held) for one, held in interfaces.items()})
        for name, interfaces in network.items()
    }
    return Snapshot(devices, tuple(CollectionFailure(name, "timed out") for name in failed))


def interface(name: str, held: list[IPv4Address]) -> Interface:
    return Interface(name, addresses=tuple(InterfaceAddress(Family.IPV4, int(one), 24) for one in held))


def zone_by_hand(address: IPv4Address, zones: dict[str, list[IPv4Network]]) -> str | None:
    holding = [(n.prefixlen, zone) for zone, networks in zones.items() for n in networks if address in n]
    return max(holding)[1] if holding else None


def places_by_hand(
    network: Interfaces, zones: dict[str, list[IPv4Network]]
) -> dict[tuple[str, str], set[str]]:
    return {
        (device, name): {zone for address in held if (zone := zone_by_hand(address, zones))}
        for device, interfaces in network.items()
        for name, held in interfaces.items()
    }


def flaws_by_hand(network: Interfaces, zones: dict[str, list[IPv4Network]]) -> set[str]:
    places = places_by_hand(network, zones)
    addresses = [one for interfaces in network.values() for held in interfaces.values() for one in held]
    flaws = {"interface in two zones" for found in places.values() if len(found) > 1}
    for networks in zones.values():
        if not all(any(one in network for one in addresses) for network in networks):
            flaws.add("zone member matches nothing")
    return flaws


@WILD
@given(zone_prefixes(), NETWORK_OF_DEVICES)
def test_prefix_zones_agree_with_longest_match_by_hand(
    zones: dict[str, list[IPv4Network]], network: Interfaces
) -> None:
    policy = parse_policy(policy_text(zones), "policy.yaml")
    flaws = flaws_by_hand(network, zones)
    places = places_by_hand(network, zones)
    try:
        found = locate(policy, snapshot(network))
    except PolicyError as refusal:
        said = {problem.what for problem in refusal.problems}
        event("refused")
        assert said - {"zone has no place left"} == flaws
        if not flaws:
            assert {zone for claimed in places.values() for zone in claimed} != set(zones)
        return
    event("located")
    assert not flaws
    assert found.by_place() == {place: next(iter(zone), "unassigned") for place, zone in places.items()}
    assert {location.zone for location in found.locations} >= set(zones)


@WILD
@given(zone_prefixes(), NETWORK_OF_DEVICES)
def test_with_a_device_missing_no_prefix_is_called_a_mistake(
    zones: dict[str, list[IPv4Network]], network: Interfaces
) -> None:
    policy = parse_policy(policy_text(zones), "policy.yaml")
    try:
        found = locate(policy, snapshot(network, failed=("lost",)))
    except PolicyError as refusal:
        assert {problem.what for problem in refusal.problems} == {"interface in two zones"}
        return
    assert {(item.zone, item.device) for item in found.uncollected} == {(zone, "lost") for zone in zones}
    addresses = [one for interfaces in network.values() for held in interfaces.values() for one in held]
    for item in found.uncollected:
        everywhere = all(any(one in prefix for one in addresses) for prefix in zones[item.zone])
        assert item.named == (not everywhere)


@WILD
@given(NETWORK_OF_DEVICES, st.sampled_from(["d0", "d1", "d2"]), st.sampled_from(["e0", "e1"]))
def test_a_named_interface_is_always_where_it_was_named(
    network: Interfaces, device: str, name: str
) -> None:
    text = policy_text({"wide": [IPv4Network("10.0.0.0/24")]}).decode()
    pinned = (
        f"  pin:\n    owner: o@example\n    members: [{{device: {device}, interface: {name}}}]\nisolation:"
    )
    policy = parse_policy(text.replace("isolation:", pinned).encode(), "policy.yaml")
    try:
        found = locate(policy, snapshot(network)).by_place()
    except PolicyError:
        others = [place for place in places_by_hand(network, {}) if place != (device, name)]
        assert name not in network.get(device, {}) or not others
        return
    assert found.pop((device, name)) == "pin"
    assert set(found.values()) == {"wide"}
