"""An ASA from the lines of its configuration, and what it does with one packet."""

from __future__ import annotations

from ipaddress import ip_address

from segaudit.model.device import Device
from segaudit.model.flow import Family, Flow
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.model.source import AccountedLine
from segaudit.packets import HeaderField, HeaderSpace, Universe
from segaudit.reach.device_path import DevicePath, Level
from segaudit.vendors.cisco_asa import VENDOR

PORTS = """
interface GigabitEthernet0/0
 nameif outside
 security-level 0
 ip address 198.51.100.2 255.255.255.0
interface GigabitEthernet0/1
 nameif inside
 security-level 100
 ip address 10.1.0.1 255.255.255.0
interface GigabitEthernet0/2
 nameif dmz
 security-level 50
 ip address 10.2.0.1 255.255.255.0
"""
"""``outside``, ``inside`` and ``dmz``, each with a /24."""

OUTSIDE, INSIDE, DMZ = (f"GigabitEthernet0/{number}" for number in range(3))

V4, V6 = Universe(Family.IPV4, 1 << 18), Universe(Family.IPV6, 1 << 18)
NUMBERS = {"icmp": 1, "tcp": 6, "udp": 17, "gre": 47, "icmp6": 58}


def raw(text: str, version: str = "9.16(4)", end: str = ": end\n") -> RawConfig:
    """A collected configuration with these lines in it."""
    whole = f"ASA Version {version}\nhostname fw\n{text.strip()}\n{end}"
    return RawConfig("fw", "", (RawFile("devices/fw/running-config.txt", whole, ""),))


def asa(text: str, version: str = "9.16(4)") -> Device:
    """The device that these lines describe."""
    return VENDOR.read(raw(text, version))


def accounted(device: Device, word: str) -> list[AccountedLine]:
    """The accounts of the lines that hold ``word``."""
    return [line for line in device.lines if word in line.text]


def packet(protocol: str, source: str, destination: str, port: int = 0, kind: int = 0) -> Flow:
    """One packet; a TCP packet is the first of its connection."""
    one, other = ip_address(source), ip_address(destination)
    number = NUMBERS[protocol]
    return Flow(
        Family(one.version), number, int(one), int(other), 40000 if number in (6, 17) else 0, port,
        icmp_type=kind, tcp_flags=2 if number == 6 else 0,
    )  # fmt: skip


def ways(
    device: Device, interface: str, flow: Flow, level: Level = Level.MAY, connections: bool = False
) -> set[tuple[str, str, str]]:
    """Where a packet may leave (or must): output interface, a source and a destination that it may have.

    Where it may have several, ``*`` stands for them; for the device itself the interface is ``itself``.
    With ``connections`` it may be part of one that something opened before.
    """
    universe = V4 if flow.family is Family.IPV4 else V6
    passage = DevicePath(device, universe, level).passage(interface, universe.flow(flow), connections)
    found = set()
    for one in passage.emissions:
        ends = [_only(universe, one.packets, end) for end in (HeaderField.SOURCE, HeaderField.DESTINATION)]
        found.add((one.interface, ends[0], ends[1]))
    if not passage.delivered.is_empty:
        found.add(("itself", str(flow.source_address), str(flow.destination_address)))
    return found


def _only(universe: Universe, packets: HeaderSpace, end: HeaderField) -> str:
    lowest = (universe.lowest(packets) or {})[end]
    alone = (packets - universe.value(end, lowest)).is_empty
    return str(universe.family.address(lowest)) if alone else "*"


def passes(device: Device, interface: str, flow: Flow) -> bool:
    """True where the packet may leave by another interface or reach the device."""
    return bool(ways(device, interface, flow))


def surely(device: Device, interface: str, flow: Flow) -> bool:
    """True where it must."""
    return bool(ways(device, interface, flow, Level.MUST))
