"""Routing protocols as records, and what two networks may share although no packet crosses."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from segaudit.model.services import RoutingProcess, SharedFate
from segaudit.parse.edit_tree import Entry, Node, Setting
from segaudit.vendors.fortinet_fortios.interfaces import Interfaces
from segaudit.vendors.fortinet_fortios.reading import Reading
from segaudit.vendors.fortinet_fortios.routes import running_protocols

_SERVERS = ("server", "secondary-server", "tertiary-server")
_LOGS = tuple(
    f"log {kind}{number} setting" for kind in ("syslogd", "fortianalyzer") for number in ("", "2", "3", "4")
)


def processes(reading: Reading, found: Interfaces) -> Iterator[RoutingProcess]:
    """The routing protocols that run."""
    for vdom in reading.vdoms:
        vrfs = found.vrfs_of(vdom)
        for protocol, node in running_protocols(reading, vdom):
            number = _number_of(node)
            yield RoutingProcess(protocol, vrfs[0] if vrfs else "", number, reading.span(node))


def _number_of(node: Node) -> str:
    """The autonomous system of a BGP block."""
    for item in node.items:
        if isinstance(item, Setting) and item.key == "as" and len(item.words) > 1:
            return item.words[1]
    return ""


def shared_fate(reading: Reading) -> Iterator[SharedFate]:
    """Servers, managers and identities; a secret as its fingerprint alone."""
    for scope in ("", *reading.vdoms):
        yield from _aaa(reading, scope)
        yield from _names_and_time(reading, scope)
        yield from _logs(reading, scope)
        yield from _snmp(reading, scope)
        yield from _users(reading, scope)


def _of(reading: Reading, kind: str, entry: Entry, key: str) -> Iterator[SharedFate]:
    value = entry.values.get(key)
    for word in value.words if value is not None else ():
        assert value is not None
        yield SharedFate(kind, word, reading.span(value))


def _aaa(reading: Reading, scope: str) -> Iterator[SharedFate]:
    for path in ("user radius", "user tacacs+", "user ldap"):
        for entry in reading.table(scope, path).values():
            for key in _SERVERS:
                yield from _of(reading, "aaa-server", entry, key)


def _names_and_time(reading: Reading, scope: str) -> Iterator[SharedFate]:
    dns = reading.settings(scope, "system dns")
    for key in ("primary", "secondary", "ip6-primary", "ip6-secondary"):
        yield from _of(reading, "dns-server", dns, key)
    yield from _of(reading, "domain-name", dns, "domain")
    for entry in reading.inner(reading.settings(scope, "system ntp"), "ntpserver").values():
        yield from _of(reading, "ntp-server", entry, "server")


def _logs(reading: Reading, scope: str) -> Iterator[SharedFate]:
    for path in _LOGS:
        yield from _of(reading, "syslog-server", reading.settings(scope, path), "server")
    for path in ("system netflow", "system sflow"):
        settings = reading.settings(scope, path)
        yield from _of(reading, "flow-collector", settings, "collector-ip")
        for entry in reading.inner(settings, "collectors").values():
            yield from _of(reading, "flow-collector", entry, "collector-ip")


def _snmp(reading: Reading, scope: str) -> Iterator[SharedFate]:
    for entry in reading.table(scope, "system snmp community").values():
        name = entry.values.get("name")
        if name is not None:
            yield SharedFate("snmp-community", fingerprint(" ".join(name.words)), reading.span(name))
        for host in reading.inner(entry, "hosts").values():
            value = host.values.get("ip")
            if value is not None and value.words:
                yield SharedFate("snmp-manager", value.words[0], reading.span(value))
    for entry in reading.table(scope, "system snmp user").values():
        yield from _of(reading, "snmp-manager", entry, "notify-hosts")


def _users(reading: Reading, scope: str) -> Iterator[SharedFate]:
    for entry in reading.table(scope, "system admin").values():
        yield SharedFate("user", entry.name, reading.span(entry))
        for key in ("ssh-public-key1", "ssh-public-key2", "ssh-public-key3"):
            value = entry.values.get(key)
            if value is not None and value.words:
                yield SharedFate("user-key", fingerprint(" ".join(value.words)), reading.span(value))


def fingerprint(secret: str) -> str:
    """What stands for a secret."""
    return f"sha256:{sha256(secret.encode()).hexdigest()[:16]}"
