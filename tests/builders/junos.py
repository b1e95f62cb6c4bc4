"""What the tests of the Junos reader share: a device from text, and its filters asked about packets."""

from __future__ import annotations

from hashlib import sha256
from ipaddress import ip_address
from typing import Any

from segaudit.model.acl import Forwarding, Hook
from segaudit.model.device import Device
from segaudit.model.flow import ConnectionState, Family, Flow
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.reach.interpret import Context, decisions
from segaudit.vendors.juniper_junos import VENDOR


def raw(text: str, **others: str) -> RawConfig:
    named = {"running-config.txt": text} | {
        name.replace("_", "-") + ".cfg": one for name, one in others.items()
    }
    files = [
        RawFile(f"devices/r1/{name}", one, sha256(one.encode()).hexdigest()) for name, one in named.items()
    ]
    return RawConfig("r1", "juniper_junos", tuple(files))


def device(text: str) -> Device:
    return VENDOR.read(raw(text))


def doubts(read: Device) -> list[str]:
    """The lines that make the whole device doubtful."""
    return [line.text for line in read.lines if not line.bounded]


def flow(
    source: str, destination: str, protocol: int = 6, port: int = 80, flags: int = 2, **others: Any
) -> Flow:
    start, end = ip_address(source), ip_address(destination)
    return Flow(
        Family(start.version), protocol, int(start), int(end), others.pop("source_port", 40000), port,
        tcp_flags=flags if protocol == 6 else 0, **others,
    )  # fmt: skip


def verdicts(
    read: Device,
    acl: str,
    packet: Flow,
    incoming: str | None = "ge-0/0/0.0",
    outgoing: str | None = "ge-0/0/1.0",
    state: ConnectionState = ConnectionState.NEW,
) -> set[str]:
    """What a chain may decide about a packet: ``accept`` and ``drop``, one of them where it is certain."""
    found = decisions(read, acl, packet, Context(incoming, outgoing, state))
    return {"accept" if one.verdict is Forwarding.ACCEPT else "drop" for one in found}


def attached(read: Device, hook: Hook) -> list[tuple[str, str | None]]:
    return [(one.acl, one.interface) for one in read.attachments if one.hook is hook]
