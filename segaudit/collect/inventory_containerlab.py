"""A containerlab lab folder: what ``containerlab deploy`` (and ``segaudit lab up``) leaves behind.

Nodes, labels and wires come from ``topology-data.json``. It holds no login: a ``known_hosts`` file
and a private key in the folder are used where they are, anything else comes from the command line.
"""

from __future__ import annotations

from pathlib import Path

from segaudit.collect.credentials import CredentialKind, CredentialReference
from segaudit.collect.inventory_records import Inventory, InventoryDevice
from segaudit.documents.topology_data import TopologyNode, read_topology_data
from segaudit.errors import InventoryError

KNOWN_HOSTS = "known_hosts"
KEY_FILES = ("ssh_key", "id_ed25519")
_USERNAMES = {"linux": "root"}


def read_lab(path: Path) -> Inventory:
    """The lab whose ``topology-data.json`` is at ``path``.

    Every node with a management address is a device; a node without one is declared, and cannot be
    collected from. A node of a kind that no platform knows stays in: it becomes a failure, by name.

    Raises:
        InventoryError: malformed, or no node has a management address.
    """
    lab = read_topology_data(path, InventoryError)
    devices = tuple(_device(node, path.parent) for node in lab.devices if node.management_address)
    if not devices:
        hint = "is the lab deployed?"
        raise InventoryError.because(str(path), "no node has a management address", hint=hint)
    return Inventory(str(path), devices, lab.links, tuple(node.name for node in lab.devices))


def _device(node: TopologyNode, folder: Path) -> InventoryDevice:
    known_hosts = folder / KNOWN_HOSTS
    return InventoryDevice(
        node.name,
        node.management_address,
        node.kind,
        username=_USERNAMES.get(node.kind, ""),
        credentials=_credentials(folder),
        labels=dict(node.labels),
        known_hosts=known_hosts if known_hosts.is_file() else None,
        where=node.where,
    )


def _credentials(folder: Path) -> tuple[CredentialReference, ...]:
    keys = (folder / name for name in KEY_FILES)
    return tuple(CredentialReference(CredentialKind.KEY_FILE, str(key)) for key in keys if key.is_file())[
        :1
    ]
