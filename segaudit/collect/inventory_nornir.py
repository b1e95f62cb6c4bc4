"""Nornir's SimpleInventory: ``hosts.yaml``, ``groups.yaml``, ``defaults.yaml``.

A host inherits from its groups in their order, each with its own groups first, then from the
defaults (nornir 3, ``nornir.core.inventory.Host``). ``password`` must be a credential reference.
From ``data``: ``segaudit`` (a mapping with ``credentials``, ``known_hosts``, ``transport``,
``become``, ``host_key``), and every word becomes a label.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from segaudit.collect import inventory_fields as fields
from segaudit.collect.credentials import CredentialReference
from segaudit.collect.inventory_records import Inventory, InventoryDevice
from segaudit.documents.topology_data import is_absent
from segaudit.documents.yaml_nodes import Node, Reader, did_you_mean, read_yaml
from segaudit.errors import InventoryError

_HOST_KEYS = (
    "hostname",
    "port",
    "username",
    "password",
    "platform",
    "groups",
    "data",
    "connection_options",
)
_OWN_KEYS = ("credentials", "known_hosts", "transport", "become", "host_key", "enable_credentials")

Layer = Mapping[str, Node]
"""The keys of one host, group or the defaults."""


def read_nornir(hosts: Path, platforms: Collection[str] | None) -> Inventory:
    """The inventory whose hosts file is at ``hosts``, with the groups and defaults files beside it.

    Raises:
        InventoryError: every problem found, with its place.
    """
    reader = Reader(InventoryError)
    root = read_yaml(hosts, InventoryError)
    groups = _beside(hosts, "groups")
    defaults = _beside(hosts, "defaults")
    group_layers = {name: _layer(reader, node) for name, node in _entries(reader, groups, "groups").items()}
    default_layer = _layer(reader, defaults) if defaults is not None and not is_absent(defaults) else {}
    keys = root.keys or {}
    devices = [
        (
            _device(reader, keys[name], _lookup(reader, entry, group_layers, default_layer), platforms),
            keys[name],
        )
        for name, entry in reader.mapping(root, "hosts").items()
    ]
    if not devices:
        reader.report(root, "the inventory has no device")
    fields.refuse_shared_addresses(reader, devices)
    reader.raise_if_any()
    found = tuple(sorted((device for device, _ in devices), key=lambda device: device.name))
    return Inventory(str(hosts), found, (), tuple(device.name for device in found))


def _beside(hosts: Path, stem: str) -> Node | None:
    for suffix in (".yaml", ".yml"):
        path = hosts.with_name(stem + suffix)
        if path.exists():
            return read_yaml(path, InventoryError)
    return None


def _entries(reader: Reader, node: Node | None, what: str) -> Mapping[str, Node]:
    return {} if node is None or is_absent(node) else reader.mapping(node, what)


def _layer(reader: Reader, node: Node) -> Layer:
    return {} if is_absent(node) else reader.mapping(node, "host", _HOST_KEYS)


def _lookup(reader: Reader, host: Node, groups: Mapping[str, Layer], defaults: Layer) -> list[Layer]:
    """The layers of a host, the one that wins first."""
    own = _layer(reader, host)
    return [own, *_inherited(reader, own, groups, ()), defaults]


def _inherited(
    reader: Reader, layer: Layer, groups: Mapping[str, Layer], above: tuple[str, ...]
) -> Iterator[Layer]:
    names = layer.get("groups")
    for node in reader.sequence(names, "groups") if names is not None and not is_absent(names) else ():
        name = reader.text(node, "group")
        if name not in groups:
            reader.report(node, "unknown group", name, did_you_mean(name, groups))
        elif name in above:
            reader.report(node, "the group contains itself", name)
        else:
            yield groups[name]
            yield from _inherited(reader, groups[name], groups, (*above, name))


def _first(layers: list[Layer], key: str) -> Node | None:
    found = (layer[key] for layer in layers if key in layer and not is_absent(layer[key]))
    return next(found, None)


def _data(reader: Reader, layers: list[Layer]) -> dict[str, Node]:
    merged: dict[str, Node] = {}
    for layer in reversed(layers):
        node = layer.get("data")
        if node is not None and not is_absent(node):
            merged.update(reader.mapping(node, "data"))
    return merged


def _device(
    reader: Reader, key: Node, layers: list[Layer], platforms: Collection[str] | None
) -> InventoryDevice:
    name = fields.device_name(reader, key)
    data = _data(reader, layers)
    own = _entries_allowed(reader, data.pop("segaudit", None))
    hostname, known_hosts, become = _first(layers, "hostname"), own.get("known_hosts"), own.get("become")
    return InventoryDevice(
        name,
        fields.word(hostname) or name,
        fields.platform(reader, _first(layers, "platform"), key, platforms),
        fields.port(reader, _first(layers, "port")),
        fields.word(_first(layers, "username")),
        _credentials(reader, layers, own),
        {word: fields.word(value) for word, value in sorted(data.items()) if fields.word(value)},
        fields.path_beside(known_hosts) if known_hosts else None,
        fields.host_key(reader, own.get("host_key")),
        fields.transport(reader, own.get("transport")),
        reader.one_of(become, "become", fields.BECOME) if become else "",
        key.where,
        fields.references(reader, own.get("enable_credentials")),
    )


def _entries_allowed(reader: Reader, node: Node | None) -> Mapping[str, Node]:
    return {} if node is None or is_absent(node) else reader.mapping(node, "segaudit", _OWN_KEYS)


def _credentials(
    reader: Reader, layers: list[Layer], own: Mapping[str, Node]
) -> tuple[CredentialReference, ...]:
    return fields.references(reader, own.get("credentials")) + fields.references(
        reader, _first(layers, "password")
    )
