"""segaudit's own inventory; the format stands in ``inventory``."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from segaudit.collect import inventory_fields as fields
from segaudit.collect.inventory_records import Inventory, InventoryDevice
from segaudit.documents.topology_data import is_absent
from segaudit.documents.yaml_nodes import Node, Reader, did_you_mean
from segaudit.errors import InventoryError
from segaudit.model.topology import Link, TerminationPoint

_SHARED_KEYS = (
    "platform",
    "port",
    "username",
    "credentials",
    "labels",
    "known_hosts",
    "transport",
    "become",
    "enable_credentials",
)
_DEVICE_KEYS = (*_SHARED_KEYS, "host", "host_key")
_SECRET_KEYS = ("password", "secret", "passphrase", "enable")


def read_own(root: Node, platforms: Collection[str] | None) -> Inventory:
    """The inventory at ``root``.

    Raises:
        InventoryError: every problem found, with its place.
    """
    if is_absent(root):
        raise InventoryError(
            root.problem("the inventory is empty", hint="write `devices:` and a device below it")
        )
    reader = Reader(InventoryError)
    top = reader.mapping(root, "inventory", ("defaults", "devices", "links", "nodes"))
    defaults = _defaults(reader, top.get("defaults"))
    node = reader.required(root, "devices", "inventory")
    entries = reader.mapping(node, "devices") if node else {}
    if node is not None and not entries and not reader.problems:
        reader.report(node, "the inventory has no device")
    keys = node.keys if node is not None and node.keys else {}
    devices = [
        (_device(reader, keys[name], entry, defaults, platforms), keys[name])
        for name, entry in entries.items()
    ]
    fields.refuse_shared_addresses(reader, devices)
    nodes = [reader.text(item, "node") for item in _items(reader, top.get("nodes"), "nodes")]
    links = [_link(reader, link) for link in _items(reader, top.get("links"), "links")]
    _refuse_unknown_ends(reader, top.get("links"), {*entries, *nodes})
    reader.raise_if_any()
    return Inventory(
        root.file,
        tuple(sorted((device for device, _ in devices), key=lambda device: device.name)),
        tuple(sorted(links)),
        tuple(sorted({*entries, *nodes})),
    )


def _items(reader: Reader, node: Node | None, what: str) -> tuple[Node, ...]:
    return () if node is None or is_absent(node) else reader.sequence(node, what)


def _defaults(reader: Reader, node: Node | None) -> Mapping[str, Node]:
    if node is None or is_absent(node):
        return {}
    _refuse_secrets(reader, node)
    return reader.mapping(node, "defaults", (*_SHARED_KEYS, *_SECRET_KEYS))


def _refuse_secrets(reader: Reader, node: Node) -> None:
    for key in _SECRET_KEYS:
        if node.keys is not None and key in node.keys:
            reader.report(node.keys[key], "a secret in the inventory", key, fields.NO_SECRETS)


def _device(
    reader: Reader, key: Node, entry: Node, defaults: Mapping[str, Node], platforms: Collection[str] | None
) -> InventoryDevice:
    name = fields.device_name(reader, key)
    what = f"device {name}"
    _refuse_secrets(reader, entry)
    own = reader.mapping(entry, what, (*_DEVICE_KEYS, *_SECRET_KEYS))
    host = reader.required(entry, "host", what) if isinstance(entry.value, dict) else None
    given = {**defaults, **own}
    labels = fields.labels(reader, defaults.get("labels")) | fields.labels(reader, own.get("labels"))
    known_hosts = given.get("known_hosts")
    become = given.get("become")
    return InventoryDevice(
        name,
        reader.text(host, "host") if host else "",
        fields.platform(reader, given.get("platform"), key, platforms),
        fields.port(reader, given.get("port")),
        fields.word(given.get("username")),
        fields.references(reader, given.get("credentials")),
        labels,
        fields.path_beside(known_hosts) if known_hosts and fields.word(known_hosts) else None,
        fields.host_key(reader, own.get("host_key")),
        fields.transport(reader, given.get("transport")),
        reader.one_of(become, "become", fields.BECOME) if become and not is_absent(become) else "",
        key.where,
        fields.references(reader, given.get("enable_credentials")),
    )


def _link(reader: Reader, node: Node) -> Link:
    ends = reader.sequence(node, "link")
    if len(ends) == 1:
        reader.report(node, "a link needs two ends or more")
    points = tuple(sorted(_end(reader, end) for end in ends))
    return Link(points, "topology")


def _end(reader: Reader, node: Node) -> TerminationPoint:
    device, colon, interface = reader.text(node, "end of a link").partition(":")
    if not colon or not device or not interface:
        reader.report(node, "not an end of a link", fields.word(node), "write DEVICE:INTERFACE")
    return TerminationPoint(device, interface)


def _refuse_unknown_ends(reader: Reader, links: Node | None, known: Collection[str]) -> None:
    for link in links.value if links is not None and isinstance(links.value, tuple) else ():
        for end in link.value if isinstance(link.value, tuple) else ():
            device = fields.word(end).partition(":")[0]
            if device and device not in known:
                reader.report(end, "a link to an unknown device", device, did_you_mean(device, known))
