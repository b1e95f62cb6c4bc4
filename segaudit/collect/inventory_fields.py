"""Single values of an inventory, read with their position; every format uses these."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from segaudit.collect.credentials import FORMS, CredentialKind, CredentialReference, parse_reference
from segaudit.collect.host_keys import FINGERPRINT
from segaudit.collect.inventory_records import SSH_PORT, InventoryDevice
from segaudit.collect.transport import Direct, Transport, parse_transport
from segaudit.documents.snapshot_folder import is_device_name
from segaudit.documents.topology_data import is_absent
from segaudit.documents.yaml_nodes import Node, Reader, did_you_mean

BECOME = ("sudo", "enable")
"""How a login gets the rights to read everything."""

NO_SECRETS = f"a secret never stands in an inventory; write where it is: {FORMS}"


def word(node: Node | None) -> str:
    """The scalar at ``node``, empty where there is none."""
    if node is None or is_absent(node) or not isinstance(node.value, str):
        return ""
    return node.value.strip()


def device_name(reader: Reader, key: Node) -> str:
    """A device's name, which is also a folder's."""
    name = word(key)
    if not is_device_name(name):
        reader.report(key, "not usable as a device name", name, "no slashes, colons or leading dot")
    return name


def port(reader: Reader, node: Node | None) -> int:
    """A TCP port, 22 where none is given."""
    if node is None or is_absent(node):
        return SSH_PORT
    text = reader.text(node, "port")
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        reader.report(node, "not a port", text, "a whole number from 1 to 65535")
        return SSH_PORT
    return int(text)


def labels(reader: Reader, node: Node | None) -> dict[str, str]:
    """Labels: words by name."""
    if node is None or is_absent(node):
        return {}
    return {name: reader.text(value, "label") for name, value in reader.mapping(node, "labels").items()}


def path_beside(node: Node, text: str | None = None) -> Path:
    """The path ``text`` (or the one at ``node``), relative to the file that ``node`` stands in."""
    return Path(node.file).parent / Path(word(node) if text is None else text).expanduser()


def references(reader: Reader, node: Node | None) -> tuple[CredentialReference, ...]:
    """One reference or a list of them. What is not a reference is never shown: it may be a secret."""
    if node is None or is_absent(node):
        return ()
    nodes = node.value if isinstance(node.value, tuple) else (node,)
    found = (_reference(reader, item) for item in nodes)
    return tuple(reference for reference in found if reference is not None)


def _reference(reader: Reader, node: Node) -> CredentialReference | None:
    try:
        reference = parse_reference(word(node))
    except ValueError as failure:
        reader.report(node, str(failure), hint=NO_SECRETS)
        return None
    return key_file(node, reference.argument) if reference.kind is CredentialKind.KEY_FILE else reference


def key_file(node: Node, text: str) -> CredentialReference:
    """A private key file named at ``node``, relative to the file that ``node`` stands in."""
    return CredentialReference(CredentialKind.KEY_FILE, str(path_beside(node, text)))


def platform(reader: Reader, node: Node | None, at: Node, known: Iterable[str] | None) -> str:
    """A platform's name; ``known`` ``None`` takes any, ``at`` is blamed where there is none."""
    name = word(node)
    if not name:
        hint = f"known: {', '.join(sorted(known))}" if known is not None else ""
        reader.report(at, "the device has no platform", hint=hint)
    elif known is not None and name not in known and node is not None:
        reader.report(node, "unknown platform", name, did_you_mean(name, known))
    return name


def transport(reader: Reader, node: Node | None) -> Transport:
    """How to get a socket; directly where nothing is said."""
    if node is None or is_absent(node):
        return Direct()
    try:
        return parse_transport(reader.text(node, "transport"))
    except ValueError:
        reader.report(node, "unknown transport", word(node), "write direct or netns:PATH")
        return Direct()


def host_key(reader: Reader, node: Node | None) -> str:
    """A pinned fingerprint."""
    text = word(node)
    if node is not None and not FINGERPRINT.fullmatch(text):
        hint = "as `ssh-keygen -lf KEY.pub` prints it: SHA256:..."
        reader.report(node, "not a host key fingerprint", text, hint)
    return text


def refuse_shared_addresses(reader: Reader, devices: Iterable[tuple[InventoryDevice, Node]]) -> None:
    """Two devices at one address would be one device collected twice, and another one missing."""
    seen: dict[tuple[str, int, str], tuple[str, Node]] = {}
    for device, node in devices:
        place = (device.host, device.port, str(device.transport))
        name, line = seen.setdefault(place, (device.name, node))
        if device.host and name != device.name:
            hint = f"it is also that of {name!r}, line {line.line}"
            reader.report(node, "duplicate address", f"{device.host} port {device.port}", hint)
