"""What an inventory says, whatever format it was written in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from segaudit.collect.credentials import CredentialReference
from segaudit.collect.transport import Direct, Transport
from segaudit.model.topology import Link

SSH_PORT = 22


@dataclass(frozen=True, slots=True)
class InventoryDevice:
    """One device to collect from.

    ``known_hosts`` ``None`` is the user's own file; ``host_key`` pins a fingerprint instead.
    ``become`` is empty, ``sudo`` (a Linux shell) or ``enable`` (a CLI whose login starts unprivileged; the
    secret is that of ``enable_credentials``, else the password). ``where`` is the inventory's
    ``file:line:column``.
    """

    name: str
    host: str
    platform: str
    port: int = SSH_PORT
    username: str = ""
    credentials: tuple[CredentialReference, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    known_hosts: Path | None = None
    host_key: str = ""
    transport: Transport = field(default_factory=Direct)
    become: str = ""
    where: str = ""
    enable_credentials: tuple[CredentialReference, ...] = ()


@dataclass(frozen=True, slots=True)
class Inventory:
    """Every device to collect from, by name, and what the inventory says of the wiring.

    ``declared_nodes`` are nodes that are known to exist, whether collected from or not.
    """

    path: str
    devices: tuple[InventoryDevice, ...]
    links: tuple[Link, ...] = ()
    declared_nodes: tuple[str, ...] = ()

    def without(self, names: Iterable[str]) -> Inventory:
        """The inventory without some devices, which stay declared: they exist and are not collected."""
        left_out = set(names)
        kept = tuple(device for device in self.devices if device.name not in left_out)
        declared = {*self.declared_nodes, *(device.name for device in self.devices)}
        return replace(self, devices=kept, declared_nodes=tuple(sorted(declared)))

    def reached_by(self, transport: Transport) -> Inventory:
        """The inventory with every device reached by ``transport``."""
        return replace(self, devices=tuple(replace(device, transport=transport) for device in self.devices))

    def completed(
        self,
        username: str = "",
        credentials: tuple[CredentialReference, ...] = (),
        known_hosts: Path | None = None,
    ) -> Inventory:
        """The inventory with what it leaves open filled in (from the command line)."""
        devices = (
            replace(
                device,
                username=device.username or username,
                credentials=device.credentials or credentials,
                known_hosts=device.known_hosts or known_hosts,
            )
            for device in self.devices
        )
        return replace(self, devices=tuple(devices))
