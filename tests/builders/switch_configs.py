"""Configurations of EOS and NX-OS made in a test, and what is asked of the devices they give."""

from __future__ import annotations

from hashlib import sha256
from ipaddress import ip_address

from segaudit.model.acl import Forwarding, Hook
from segaudit.model.device import Device, Interface, SwitchportMode
from segaudit.model.flow import ConnectionState, Family, Flow
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.parse.vendor import Vendor
from segaudit.reach.interpret import Context, decisions


def read(vendor: Vendor, text: str, before: str = "", **files: str) -> Device:
    """The device of a configuration, with lines ``before`` it, beside other files by their names."""
    texts = {"running-config.txt": before + text, **{f"{name}.txt": more for name, more in files.items()}}
    raw = [
        RawFile(f"devices/d/{name}", content, sha256(content.encode()).hexdigest())
        for name, content in texts.items()
    ]
    return vendor.read(RawConfig("d", vendor.platform.name, tuple(raw)))


def doubts(device: Device) -> list[str]:
    """The lines that make the device doubtful."""
    return [line.text for line in device.lines if not line.bounded]


def carries(interface: Interface, vlan: int) -> bool:
    """True where a switchport has a VLAN, tagged or not."""
    port = interface.switchport
    if port is None:
        return False
    trunk = port.trunk_vlans if port.mode is SwitchportMode.TRUNK else ()
    return vlan in (port.access_vlan, port.native_vlan) or any(low <= vlan <= high for low, high in trunk)


def packet(source: str, destination: str, protocol: int = 6, port: int = 0, flags: int = 2) -> Flow:
    """A packet to a port; a TCP one opens a connection."""
    first, second = ip_address(source), ip_address(destination)
    return Flow(
        Family(first.version),
        protocol,
        int(first),
        int(second),
        source_port=40000,
        destination_port=port,
        tcp_flags=flags if protocol == 6 else 0,
    )


def verdicts(device: Device, acl: str, flow: Flow, interface: str | None = None) -> set[tuple[str, bool]]:
    """What a list may do with a packet, and whether that is certain."""
    context = Context(interface, None, ConnectionState.NEW)
    return {
        (one.verdict.value, one.certain)
        for one in decisions(device, acl, flow, context)
        if isinstance(one.verdict, Forwarding)
    }


PASSES = {("accept", True)}
DROPS = {("drop", True)}
EITHER = {("accept", False), ("drop", False)}


def attached(device: Device, hook: Hook, interface: str | None = None) -> list[str]:
    """The lists at a hook, in order."""
    found = [one for one in device.attachments if one.hook is hook and one.interface == interface]
    return [one.acl for one in sorted(found, key=lambda one: one.priority)]


def next_hops(device: Device, table: str, prefix: str) -> set[tuple[str | None, int | None]]:
    """The next hops of a route; none where there is no such route."""
    return {
        (hop.interface, hop.address)
        for route in device.routes
        if route.table == table and str(route) == prefix
        for hop in route.next_hops
    }
