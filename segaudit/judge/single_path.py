"""One packet between two named places, for ``segaudit path``."""

from __future__ import annotations

from segaudit.errors import UsageError
from segaudit.graph import build_graph
from segaudit.model.device import Device
from segaudit.model.flow import Family, Flow, Trace, parse_address
from segaudit.model.snapshot import Snapshot
from segaudit.model.topology import TerminationPoint
from segaudit.reach.walk import Walker

_PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1}


def single_path(network: Snapshot, source: str, destination: str, service: str) -> tuple[Trace, ...]:
    """Every way that one packet of ``service`` may go from ``source`` to ``destination``.

    Raises:
        UsageError: an end is not in the network, or the service is not understood.
    """
    name, _, interface = source.partition(":")
    device = _device(network, name, "SOURCE")
    graph = build_graph(network, nothing_unmodelled=True)
    wires = {point: graph.segments[segment].points for point, segment in graph.segment_of.items()}
    walker = Walker(network.devices, wires)
    traces: list[Trace] = []
    for family, target in _targets(network, destination):
        for out in [interface] if interface else sorted(device.interfaces):
            flow = _flow(device, out, family, target, service)
            if flow is None:
                continue
            for point in wires.get(TerminationPoint(name, out), ()):
                if point.device != name and point.device in network.devices:
                    traces.extend(walk.trace for walk in walker.walk(flow, point.device, point.interface))
    return tuple(traces)


def _device(network: Snapshot, name: str, what: str) -> Device:
    if name not in network.devices:
        known = ", ".join(sorted(network.devices))
        raise UsageError.because(what, "no such device in the snapshot", name, f"known: {known}")
    return network.devices[name]


def _targets(network: Snapshot, destination: str) -> list[tuple[Family, int]]:
    try:
        return [parse_address(destination)]
    except ValueError:
        device = _device(network, destination, "DESTINATION")
    return [
        (address.family, address.address)
        for interface in device.interfaces.values()
        for address in interface.addresses
        if not address.family.address(address.address).is_link_local
        and not address.family.address(address.address).is_loopback
    ]


def _flow(device: Device, interface: str, family: Family, target: int, service: str) -> Flow | None:
    """The packet, from the interface's own address; ``None`` where it has none of the family."""
    protocol, _, port = service.partition("/")
    if protocol not in _PROTOCOLS or (protocol != "icmp" and not port.isdigit()):
        raise UsageError.because("--service", "not a service", service, "tcp/445, udp/53 or icmp")
    found = device.interfaces.get(interface)
    if found is None:
        raise UsageError.because("SOURCE", "no such interface", f"{device.name}:{interface}")
    own = [
        a.address
        for a in found.addresses
        if a.family is family and not family.address(a.address).is_link_local
    ]
    if not own:
        return None
    if protocol == "icmp":
        number, kind = (1, 8) if family is Family.IPV4 else (58, 128)
        return Flow(family, number, own[0], target, icmp_type=kind)
    flags = 2 if protocol == "tcp" else 0
    return Flow(family, _PROTOCOLS[protocol], own[0], target, 40000, int(port), tcp_flags=flags)
