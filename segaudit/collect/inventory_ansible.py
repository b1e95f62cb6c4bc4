"""An Ansible inventory in YAML: groups with ``hosts``, ``vars`` and ``children``.

Read are ``ansible_host``, ``ansible_port``, ``ansible_user``, ``ansible_network_os`` (its last
word), ``ansible_ssh_private_key_file``, ``ansible_password`` (a credential reference or a
``lookup('env', ...)``), ``ansible_become`` with ``ansible_become_method`` and ``ansible_become_password``,
``UserKnownHostsFile`` in ``ansible_ssh_common_args`` and ``segaudit_labels``,
``segaudit_transport``, ``segaudit_platform``. A variable of a host beats
one of its group, that of a group one of the group above. ``StrictHostKeyChecking=no`` has no effect
here. Where no platform is given it is the first group of the host (containerlab groups by kind).
Host patterns (``r[1:3]``), group_vars files and templates are not read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from segaudit.collect import inventory_fields as fields
from segaudit.collect.credentials import CredentialKind, CredentialReference
from segaudit.collect.inventory_records import Inventory, InventoryDevice
from segaudit.documents.topology_data import is_absent
from segaudit.documents.yaml_nodes import Node, Reader
from segaudit.errors import InventoryError

_ENVIRONMENT_LOOKUP = re.compile(
    r"\{\{\s*lookup\(\s*['\"](?:ansible\.builtin\.)?env['\"]\s*,\s*['\"](\w+)['\"]\s*\)\s*\}\}"
)
_KNOWN_HOSTS = re.compile(r"-o\s*UserKnownHostsFile[= ]\s*['\"]?([^\s'\"]+)")
_PASSWORDS = ("ansible_password", "ansible_ssh_pass", "ansible_ssh_password")
_ENABLE_PASSWORDS = ("ansible_become_password", "ansible_become_pass")
_KEY_FILES = ("ansible_ssh_private_key_file", "ansible_private_key_file")
_TRUE = frozenset({"true", "yes", "on", "1"})

Variables = Mapping[str, Node]


@dataclass(frozen=True, slots=True)
class _Place:
    """One mention of a host in a group."""

    key: Node
    group: str
    variables: Variables


def read_ansible(root: Node, platforms: Collection[str] | None) -> Inventory:
    """The inventory at ``root``.

    Raises:
        InventoryError: every problem found, with its place.
    """
    reader = Reader(InventoryError)
    places: dict[str, list[_Place]] = {}
    for group, node in reader.mapping(root, "inventory").items():
        for place in _hosts(reader, group, node, {}):
            places.setdefault(fields.word(place.key), []).append(place)
    devices = [(_device(reader, found, platforms), found[0].key) for _, found in sorted(places.items())]
    if not devices:
        reader.report(root, "the inventory has no device")
    fields.refuse_shared_addresses(reader, devices)
    reader.raise_if_any()
    return Inventory(root.file, tuple(device for device, _ in devices), (), tuple(sorted(places)))


def _hosts(reader: Reader, group: str, node: Node, above: Variables) -> Iterator[_Place]:
    if is_absent(node):
        return
    keys = reader.mapping(node, f"group {group}", ("hosts", "vars", "children"))
    shared = {**above, **_mapping(reader, keys.get("vars"), "vars")}
    hosts = keys.get("hosts")
    for name, own in _mapping(reader, hosts, "hosts").items():
        assert hosts is not None and hosts.keys is not None
        variables = {**shared, **_mapping(reader, own, f"host {name}")}
        yield _Place(hosts.keys[name], group, variables)
    for name, child in _mapping(reader, keys.get("children"), "children").items():
        yield from _hosts(reader, name, child, shared)


def _mapping(reader: Reader, node: Node | None, what: str) -> Mapping[str, Node]:
    return {} if node is None or is_absent(node) else reader.mapping(node, what)


def _device(reader: Reader, places: list[_Place], platforms: Collection[str] | None) -> InventoryDevice:
    key = places[0].key
    name = fields.device_name(reader, key)
    variables: dict[str, Node] = {}
    for place in places:
        variables.update(place.variables)
    return InventoryDevice(
        name,
        fields.word(variables.get("ansible_host")) or name,
        _platform(reader, places, variables, platforms),
        fields.port(reader, variables.get("ansible_port")),
        fields.word(variables.get("ansible_user")),
        tuple(_credentials(reader, variables)),
        fields.labels(reader, variables.get("segaudit_labels")),
        _known_hosts(variables),
        "",
        fields.transport(reader, variables.get("segaudit_transport")),
        _become(variables),
        key.where,
        tuple(_passwords(reader, variables, _ENABLE_PASSWORDS)),
    )


def _platform(
    reader: Reader, places: list[_Place], variables: Variables, platforms: Collection[str] | None
) -> str:
    given = variables.get("segaudit_platform")
    if given is not None:
        return fields.platform(reader, given, places[0].key, platforms)
    network_os = fields.word(variables.get("ansible_network_os")).rsplit(".", 1)[-1]
    if network_os:
        return network_os
    groups = [place.group for place in places]
    known = [group for group in groups if platforms is not None and group in platforms]
    return (known or groups)[0]


def _credentials(reader: Reader, variables: Variables) -> Iterator[CredentialReference]:
    for name in _KEY_FILES:
        if name in variables:
            yield fields.key_file(variables[name], fields.word(variables[name]))
    yield from _passwords(reader, variables, _PASSWORDS)


def _passwords(reader: Reader, variables: Variables, names: Iterable[str]) -> Iterator[CredentialReference]:
    for name in names:
        if name in variables:
            yield from _password(reader, variables[name])


def _become(variables: Variables) -> str:
    """Empty, or how a login gets its rights (``ansible_become_method``; Ansible's own default is sudo)."""
    if fields.word(variables.get("ansible_become")).lower() not in _TRUE:
        return ""
    return "enable" if fields.word(variables.get("ansible_become_method")) == "enable" else "sudo"


def _password(reader: Reader, node: Node) -> tuple[CredentialReference, ...]:
    lookup = _ENVIRONMENT_LOOKUP.fullmatch(fields.word(node))
    if lookup:
        return (CredentialReference(CredentialKind.ENVIRONMENT, lookup[1]),)
    return fields.references(reader, node)


def _known_hosts(variables: Variables) -> Path | None:
    for name in ("ansible_ssh_common_args", "ansible_ssh_extra_args"):
        node = variables.get(name)
        found = _KNOWN_HOSTS.search(fields.word(node))
        if node is not None and found:
            return fields.path_beside(node, found[1])
    return None
