"""Which devices there are and how to reach them, from any of the formats below.

A folder or file is recognised by what is in it:

- segaudit's own YAML (below);
- a containerlab lab folder ``clab-<name>/`` or its ``topology-data.json``;
- an Ansible inventory in YAML (containerlab's ``ansible-inventory.yml``);
- a Nornir SimpleInventory folder (``hosts.yaml``, ``groups.yaml``, ``defaults.yaml``) or hosts file
  (containerlab's ``nornir-simple-inventory.yml``).

segaudit's own::

    defaults:                     # any key of a device but host and host_key
      platform: linux
      username: audit
      credentials: [file-key:~/.ssh/audit, env:AUDIT_PASSWORD]
      known_hosts: known_hosts    # relative to this file; without it ~/.ssh/known_hosts
    devices:
      sub-fw:
        host: 192.0.2.1           # address or name
        port: 22
        labels: {site: berlin, role: firewall}
        become: sudo              # run the commands through `sudo -n`
      core-1:
        host: 192.0.2.7
        platform: cisco_ios
        become: enable            # the login is unprivileged
        enable_credentials: env:ENABLE_SECRET   # without it the login's password
      par-fw:
        host: 198.51.100.1
        host_key: SHA256:...      # pins the key in place of known_hosts
        transport: netns:/proc/4711/ns/net
    links:                        # wires, where they are known
      - [sub-fw:eth1, par-fw:eth1]
    nodes: [isp]                  # exist, but are not collected from

A secret never stands in an inventory: ``credentials`` are references (see ``credentials``).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from segaudit.collect.inventory_ansible import read_ansible
from segaudit.collect.inventory_containerlab import read_lab
from segaudit.collect.inventory_nornir import read_nornir
from segaudit.collect.inventory_own import read_own
from segaudit.collect.inventory_records import Inventory, InventoryDevice
from segaudit.documents.topology_data import FILE_NAME
from segaudit.documents.yaml_nodes import Node, read_yaml
from segaudit.errors import InventoryError

__all__ = ["Inventory", "InventoryDevice", "read_inventory"]

_IN_FOLDER = (
    FILE_NAME,
    "inventory.yaml",
    "inventory.yml",
    "hosts.yaml",
    "hosts.yml",
    "ansible-inventory.yml",
    "nornir-simple-inventory.yml",
)
_OWN_KEYS = {"devices", "defaults"}
_ANSIBLE_KEYS = {"hosts", "vars", "children"}


def read_inventory(path: Path, platforms: Iterable[str] | None = None) -> Inventory:
    """The inventory in the file or folder ``path``, devices sorted by name.

    ``platforms`` are the names that are supported: another one is an error where a person wrote it
    (in a containerlab lab it becomes a failure of that device). ``None`` takes any.

    Raises:
        InventoryError: not found, of no known format, or malformed; with ``file:line:column``.
    """
    known = None if platforms is None else frozenset(platforms)
    file = _file_in(path) if path.is_dir() else path
    if file.name == FILE_NAME:
        return read_lab(file)
    root = read_yaml(file, InventoryError)
    if _is_ansible(root):
        return read_ansible(root, known)
    if _is_nornir(root):
        return read_nornir(file, known)
    return read_own(root, known)


def _file_in(folder: Path) -> Path:
    for name in _IN_FOLDER:
        if (folder / name).exists():
            return folder / name
    hint = f"expected one of {', '.join(_IN_FOLDER)}"
    raise InventoryError.because(str(folder), "no inventory in the folder", hint=hint)


def _is_ansible(root: Node) -> bool:
    """True where every top-level entry is a group (``all`` alone is enough)."""
    if not isinstance(root.value, dict) or _OWN_KEYS & root.value.keys():
        return False
    groups = [node.value.keys() for node in root.value.values() if isinstance(node.value, dict)]
    return "all" in root.value or (bool(groups) and all(keys and keys <= _ANSIBLE_KEYS for keys in groups))


def _is_nornir(root: Node) -> bool:
    """True where the top-level entries are hosts."""
    if not isinstance(root.value, dict) or _OWN_KEYS & root.value.keys():
        return False
    hosts = [node.value for node in root.value.values()]
    return bool(hosts) and any(isinstance(host, dict) and "hostname" in host for host in hosts)
