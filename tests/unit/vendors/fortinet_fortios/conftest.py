"""Configurations written in a test, as the device that they make."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest

from segaudit.model.device import Device
from segaudit.model.flow import ConnectionState, Flow, Protocol, parse_address
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.reach.interpret import Context, decisions
from segaudit.vendors.fortinet_fortios import VENDOR

HEADER = "#config-version=FGVMK6-7.0.1-FW-build0157-210714:opmode=0:vdom=0:user=admin\n"
PORTS = """\
config system interface
    edit "port1"
        set vdom "root"
        set ip 10.1.0.1 255.255.0.0
        set allowaccess ping https
    next
    edit "port2"
        set vdom "root"
        set ip 10.2.0.1 255.255.0.0
    next
    edit "port3"
        set vdom "root"
        set ip 10.3.0.1 255.255.0.0
    next
end
config system session-helper
end
config system settings
    set default-voip-alg-mode kernel-helper-based
end
"""
TAIL = "config router multicast\nend\n"


def raw(text: str, name: str = "fw") -> RawConfig:
    """A device that has ``text`` as its configuration."""
    file = RawFile(f"devices/{name}/running-config.txt", text, sha256(text.encode()).hexdigest())
    return RawConfig(name, "fortinet_fortios", (file,))


@pytest.fixture
def read() -> Callable[[str], Device]:
    """The device of a whole configuration, as it stands."""
    return lambda text: VENDOR.read(raw(text))


@pytest.fixture
def firewall() -> Callable[[str], Device]:
    """The device of three ports and some blocks, whole otherwise."""
    return lambda blocks: VENDOR.read(raw(HEADER + PORTS + blocks + TAIL))


@pytest.fixture
def flow() -> Callable[..., Flow]:
    """A packet between two addresses; TCP to a port unless told otherwise."""

    def make(
        source: str, destination: str, port: int = 443, protocol: int = Protocol.TCP, sport: int = 40000
    ) -> Flow:
        family, first = parse_address(source)
        ports = (sport, port) if protocol in (6, 17, 132) else (0, 0)
        icmp = (port, 0) if protocol in (1, 58) else (0, 0)
        flags = 2 if protocol == Protocol.TCP else 0
        second = parse_address(destination)[1]
        return Flow(family, protocol, first, second, *ports, *icmp, flags)

    return make


@pytest.fixture
def verdicts() -> Callable[..., set[str]]:
    """What a chain may do with a new connection: ``accept``, ``drop``, or both where that is not known."""

    def decide(
        device: Device, packet: Flow, incoming: str, outgoing: str | None, acl: str = "forward"
    ) -> set[str]:
        context = Context(incoming, outgoing, ConnectionState.NEW)
        found = decisions(device, acl, packet, context)
        return {getattr(one.verdict, "value", "translate") for one in found}

    return decide
