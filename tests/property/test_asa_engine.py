"""Both engines on ASAs: where a packet walks the sets have it, and what must leave may leave."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import segaudit.vendors.cisco_asa
from segaudit.graph import build_graph
from segaudit.model.device import Device
from segaudit.model.flow import Family, Flow
from segaudit.model.snapshot import RawConfig, RawFile, Snapshot
from segaudit.packets import Universe
from segaudit.reach.device_path import DevicePath, Level
from segaudit.reach.walk import Walker
from segaudit.vendors.cisco_asa import VENDOR

SAMPLES = Path(segaudit.vendors.cisco_asa.__file__).parent / "samples"
UNIVERSES = {family: Universe(family, 1 << 19) for family in Family}


def sample(name: str) -> Device:
    files = tuple(
        RawFile(f"devices/{name}/{path.name}", path.read_text(encoding="utf-8"), "")
        for path in sorted((SAMPLES / name).iterdir())
    )
    return VENDOR.read(RawConfig(name, "", files))


DEVICES = [sample("edge-fw"), sample("core-fw")]
PATHS = {
    (device.name, family, level): DevicePath(device, UNIVERSES[family], level)
    for device in DEVICES
    for family in Family
    for level in Level
}
GRAPHS = {device.name: build_graph(Snapshot({device.name: device})) for device in DEVICES}
WIRES = {
    name: {point: graph.segments[segment].points for point, segment in graph.segment_of.items()}
    for name, graph in GRAPHS.items()
}


def addresses(device: Device, family: Family) -> list[int]:
    """Addresses that its routes and interfaces tell apart, and neighbours of them."""
    first = {route.prefix + add for route in device.routes if route.family is family for add in (0, 1, 9)}
    own = {one.address for port in device.interfaces.values() for one in port.addresses
           if one.family is family}  # fmt: skip
    named = {0x0A141E0A, 0x0A141E0B, 0x0A4D0005, 0xC6336432, 0x0A1E0909}
    return sorted(first | own | (named if family is Family.IPV4 else set()))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Device, str, Flow]:
    device = draw(st.sampled_from(DEVICES))
    family = draw(st.sampled_from(sorted(device.forwards)))
    known = addresses(device, family)
    source, target = draw(st.sampled_from(known)), draw(st.sampled_from(known))
    protocol = draw(st.sampled_from([6, 17, 1 if family is Family.IPV4 else 58]))
    port = draw(st.sampled_from([22, 25, 53, 80, 443, 8443])) if protocol in (6, 17) else 0
    kind = 0 if port else 8 if protocol == 1 else 128
    flow = Flow(
        family,
        protocol,
        source,
        target,
        40000 if port else 0,
        port,
        kind,
        tcp_flags=2 if protocol == 6 else 0,
    )
    names = sorted(name for name, one in device.interfaces.items() if one.enabled and one.forwarding)
    return device, draw(st.sampled_from(names)), flow


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_what_walks_is_in_the_sets_and_what_must_is_in_what_may(case: tuple[Device, str, Flow]) -> None:
    device, interface, flow = case
    packets = UNIVERSES[flow.family].flow(flow)
    found = {
        level: PATHS[device.name, flow.family, level].passage(interface, packets, True) for level in Level
    }
    may = {one.interface for one in found[Level.MAY].emissions}
    must = {one.interface for one in found[Level.MUST].emissions}
    assert must <= may
    walks = Walker({device.name: device}, WIRES[device.name]).walk(flow, device.name, interface)
    sent = [[step.interface for step in walk.trace.steps if step.action == "sent"] for walk in walks]
    assert {names[0] for names in sent if names} <= may
    assert must <= {name for names in sent for name in names}
