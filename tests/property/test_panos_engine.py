"""The engine's sets and the interpreter's single packets agree about firewalls read from PAN-OS."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import segaudit.vendors.paloalto_panos
from segaudit.model.device import Device
from segaudit.model.flow import Family, Flow
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.packets import Universe
from segaudit.reach.device_path import DevicePath
from segaudit.reach.walk import Walker
from segaudit.reach.ways import Level
from segaudit.vendors.paloalto_panos import VENDOR

SAMPLES = Path(segaudit.vendors.paloalto_panos.__file__).parent / "samples"


def read(name: str) -> Device:
    files = [RawFile(f"devices/d/{path.name}", path.read_text(), "") for path in (SAMPLES / name).iterdir()]
    return VENDOR.read(RawConfig("d", "", tuple(files)))


DEVICES = {name: read(name) for name in ("branch-set", "hub")}
PATHS = {name: DevicePath(device, Universe(Family.IPV4), Level.MAY) for name, device in DEVICES.items()}
ADDRESSES = st.sampled_from(
    [
        *("203.0.113.9", "203.0.113.3", "10.10.0.7", "10.20.0.80", "10.20.0.7", "10.30.0.9", "10.200.1.1"),
        *("8.8.8.8", "10.1.0.9", "10.2.0.9", "10.3.0.9", "10.1.0.70", "10.64.0.1", "10.40.0.9"),
    ]
)


@pytest.mark.parametrize("name", sorted(DEVICES))
@settings(max_examples=80, deadline=None)
@given(st.data())
def test_what_may_leave_by_walk_may_leave_by_sets(name: str, data: st.DataObject) -> None:
    device, path = DEVICES[name], PATHS[name]
    ports = sorted(port.name for port in device.interfaces.values() if port.forwarding)
    incoming = data.draw(st.sampled_from(ports))
    source, target = (int(ip_address(data.draw(ADDRESSES))) for _ in range(2))
    port = data.draw(st.sampled_from([22, 80, 443, 8005]))
    flow = Flow(Family.IPV4, 6, source, target, 1024, port, tcp_flags=2)
    walks = Walker({"d": device}, {}).walk(flow, "d", incoming)
    by_walk = {
        step.interface
        for walk in walks
        for step in walk.trace.steps
        if step.action == "sent" and step.interface
    }
    passage = path.passage(incoming, path.universe.flow(flow), with_connections=False)
    by_sets = {emission.interface for emission in passage.emissions}
    assert by_walk <= by_sets
    if not any(route.next_hops and route.next_hops[0].interface is None for route in device.routes):
        assert by_walk == by_sets
