"""The files of a running lab: ``clab-<name>/`` as containerlab writes it, and keys for collection.

``topology-data.json``, ``ansible-inventory.yml`` and ``nornir-simple-inventory.yml`` have
containerlab's layout (its core/export_templates/auto.tmpl and core/assets). Beside them lie the
client key ``id_ed25519``, ``known_hosts``, and ``known_hosts.d/<node>``: one line each, because a
client that reads all hosts for each of them is quadratic.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from segaudit.lab.plan import SSH_PORT, KeyPair, LabPlan, PlannedEnd, PlannedNode
from segaudit.lab.topology import Topology

TOPOLOGY_DATA = "topology-data.json"
CLIENT_KEY = "id_ed25519"
KNOWN_HOSTS = "known_hosts"
_OURS = (TOPOLOGY_DATA, "ansible-inventory.yml", "nornir-simple-inventory.yml", CLIENT_KEY, KNOWN_HOSTS)
_OUR_FOLDERS = ("known_hosts.d",)


def folder_of(name: str) -> Path:
    """``clab-<name>`` below ``CLAB_LABDIR_BASE``, or below the current folder."""
    return Path(os.environ.get("CLAB_LABDIR_BASE") or Path.cwd()).resolve() / f"clab-{name}"


def new_key() -> KeyPair:
    """A fresh Ed25519 key in OpenSSH form."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)
    return KeyPair(private.decode(), public.decode())


def write_folder(folder: Path, topology: Topology, plan: LabPlan) -> None:
    """Write every file; those of an earlier run of the same lab are replaced."""
    remove_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TOPOLOGY_DATA).write_text(topology_data(topology, plan))
    (folder / "ansible-inventory.yml").write_text(ansible_inventory(plan))
    (folder / "nornir-simple-inventory.yml").write_text(nornir_inventory(plan))
    if plan.client_key:
        _write_secret(folder / CLIENT_KEY, plan.client_key.private)
    lines = {node.name: known_hosts_line(node) for node in plan.nodes if node.host_key}
    (folder / KNOWN_HOSTS).write_text("".join(lines.values()))
    (folder / "known_hosts.d").mkdir()
    for name, line in lines.items():
        (folder / "known_hosts.d" / name).write_text(line)


def remove_folder(folder: Path) -> None:
    """Remove what we wrote, and the folder itself where nothing else is in it."""
    for name in _OURS:
        (folder / name).unlink(missing_ok=True)
    for name in _OUR_FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def known_hosts_line(node: PlannedNode) -> str:
    """One line of known_hosts: the node's names and addresses, and its host key."""
    assert node.host_key is not None
    names = [_address(node.management_ipv4), _address(node.management_ipv6), node.long_name, node.name]
    return f"{','.join(dict.fromkeys(name for name in names if name))} {node.host_key.public}\n"


def topology_data(topology: Topology, plan: LabPlan) -> str:
    """``topology-data.json``.

    ``mgmt.port-isolation`` is ours: true says that the ports of the management bridge cannot reach
    each other, so that it joins no two nodes.
    """
    management = topology.management
    ipv4, ipv6 = plan.gateway_ipv4.split("/")[0], plan.gateway_ipv6.split("/")[0]
    document = {
        "name": plan.name,
        "type": "clab",
        "clab": {
            "config": {
                "prefix": "clab" if topology.prefix is None else topology.prefix,
                "mgmt": {
                    "network": management.network,
                    "bridge": management.bridge,
                    "ipv4-subnet": management.ipv4_subnet,
                    "ipv4-gw": ipv4,
                    "ipv6-subnet": management.ipv6_subnet,
                    "ipv6-gw": ipv6,
                    "mtu": management.mtu,
                    "external-access": False,
                    "port-isolation": True,
                },
            }
        },
        "ssh-pub-keys": [plan.client_key.public] if plan.client_key else [],
        "nodes": {
            node.name: _node(index, node, management.network) for index, node in enumerate(plan.nodes)
        },
        "links": [{"endpoints": {"a": _end(link.a, "z"), "z": _end(link.z, "a")}} for link in plan.links],
    }
    return json.dumps(document, indent=2) + "\n"


def _node(index: int, node: PlannedNode, network: str) -> dict[str, Any]:
    has_management = bool(node.management_ipv4)
    return {
        "index": str(index),
        "shortname": node.name,
        "longname": node.long_name,
        "fqdn": f"{node.name}.{network}.io",
        "group": node.group,
        "labdir": "",
        "kind": node.kind,
        "image": node.image,
        "mgmt-net": network if has_management else "",
        "mgmt-intf": "eth0" if has_management else "",
        "mgmt-ipv4-address": _address(node.management_ipv4),
        "mgmt-ipv4-prefix-length": _length(node.management_ipv4),
        "mgmt-ipv6-address": _address(node.management_ipv6),
        "mgmt-ipv6-prefix-length": _length(node.management_ipv6),
        "mac-address": node.management_mac,
        "labels": node.labels,
        "port-bindings": [],
    }


def _end(end: PlannedEnd, peer: str) -> dict[str, str]:
    return {"node": end.node, "interface": end.interface, "mac": end.mac, "peer": peer}


def _address(with_length: str) -> str:
    return with_length.split("/")[0]


def _length(with_length: str) -> int:
    return int(with_length.split("/")[1]) if with_length else 0


def ansible_inventory(plan: LabPlan) -> str:
    """``ansible-inventory.yml``: nodes by kind, then by the label ``ansible-group``."""
    lines = ["all:", "  vars:", "    ansible_httpapi_use_proxy: false", "  children:"]
    reachable = [node for node in sorted(plan.nodes, key=lambda node: node.name) if node.management_ipv4]
    for kind in sorted({node.kind for node in reachable}):
        lines += [f"    {kind}:", "      vars:", "        ansible_user: root", "      hosts:"]
        lines += _ansible_hosts(node for node in reachable if node.kind == kind)
    for group in sorted(
        {node.labels["ansible-group"] for node in reachable if node.labels.get("ansible-group")}
    ):
        lines += [f"    {group}:", "      hosts:"]
        lines += _ansible_hosts(node for node in reachable if node.labels.get("ansible-group") == group)
    return "\n".join(lines) + "\n"


def _ansible_hosts(nodes: Iterable[PlannedNode]) -> list[str]:
    lines: list[str] = []
    for node in nodes:
        lines += [f"        {node.long_name}:", f"          ansible_host: {_address(node.management_ipv4)}"]
    return lines


def nornir_inventory(plan: LabPlan) -> str:
    """``nornir-simple-inventory.yml``; groups from labels that begin with ``nornir-group``."""
    lines = ["---"]
    for node in sorted(plan.nodes, key=lambda node: (node.kind, node.name)):
        if not node.management_ipv4:
            continue
        lines += [
            f"{node.name}:",
            "    username: root",
            "    password: ",
            f"    platform: {node.kind}",
            f"    hostname: {_address(node.management_ipv4)}",
        ]
        groups = sorted(value for key, value in node.labels.items() if key.startswith("nornir-group"))
        lines += ["    groups:", *(f"      - {group}" for group in groups)] if groups else []
    return "\n".join(lines) + "\n"


def ssh_port(node: PlannedNode) -> int:
    """The port sshd listens on, 0 where none does."""
    return SSH_PORT if node.sshd else 0
