"""How the device is managed, and what it depends on: services, servers, users and secrets."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from segaudit.model.services import ManagementService, SharedFate
from segaudit.parse.word_tree import Node
from segaudit.vendors.juniper_junos.reading import Reading

_SERVICES = {
    "ssh": "ssh", "telnet": "telnet", "ftp": "ftp", "netconf": "netconf", "rest": "rest",
    "xnm-clear-text": "junoscript", "xnm-ssl": "junoscript-ssl", "finger": "finger", "tftp-server": "tftp",
}  # fmt: skip
_WEB = {"http": "http", "https": "https"}


def management(reading: Reading, filter_of_the_device: str) -> tuple[ManagementService, ...]:
    """The ways to manage the device; the filter of the loopback limits who may use them."""
    found = []
    services = reading.root.get("system", "services")
    for node in services or ():
        if node.word in _SERVICES:
            found.append((_SERVICES[node.word], "", node))
        elif node.word == "web-management":
            found += [
                (_WEB[way.word], port, way) for way in node if way.word in _WEB for port in _ports(way)
            ]
        elif node.word == "extension-service":
            found.append(("grpc", "", node))
    if reading.root.has("snmp", "community") or reading.root.has("snmp", "v3"):
        found.append(("snmp", "", reading.root["snmp"]))
    reading.facts(*(node for _, _, node in found if node.word != "snmp"))
    return tuple(
        sorted(
            ManagementService(protocol, filter_of_the_device, "", interface, reading.span(node))
            for protocol, interface, node in found
        )
    )


def _ports(way: Node) -> list[str]:
    return way.words("interface") or [""]


# ---- shared fate --------------------------------------------------------------------------------

_SERVERS = (
    ("ntp-server", ("system", "ntp", "server")),
    ("ntp-server", ("system", "ntp", "peer")),
    ("ntp-server", ("system", "ntp", "boot-server")),
    ("dns-server", ("system", "name-server")),
    ("syslog-server", ("system", "syslog", "host")),
    ("aaa-server", ("system", "radius-server")),
    ("aaa-server", ("system", "tacplus-server")),
    ("aaa-server", ("access", "radius-server")),
    ("domain-name", ("system", "domain-name")),
    ("domain-name", ("system", "domain-search")),
    ("syslog-server", ("security", "log", "stream")),
)


def shared_fate(reading: Reading) -> tuple[SharedFate, ...]:
    """What other devices may have in common with this one."""
    return tuple(sorted(set(_every(reading))))


def _every(reading: Reading) -> Iterator[SharedFate]:
    root = reading.root
    for kind, place in _SERVERS:
        node = root.get(*place)
        for server in node or ():
            value = server.value("host") if place[-1] == "stream" else server.word
            if value and server.word not in ("any", "file", "user", "all"):
                reading.facts(server)
                yield SharedFate(kind, value, reading.span(server))
    yield from _snmp(reading)
    yield from _flows(reading)
    yield from _users(reading)


def _snmp(reading: Reading) -> Iterator[SharedFate]:
    for community in reading.root.under("snmp", "community"):
        reading.facts(community)
        yield SharedFate("snmp-community", fingerprint(community.word), reading.span(community))
        for client in community.under("clients"):
            yield SharedFate("snmp-manager", client.word, reading.span(client))
    for group in reading.root.under("snmp", "trap-group"):
        for target in group.under("targets"):
            reading.facts(target)
            yield SharedFate("snmp-manager", target.word, reading.span(target))


def _flows(reading: Reading) -> Iterator[SharedFate]:
    options = reading.root.get("forwarding-options", "sampling")
    for node in options.walk() if options is not None else ():
        if node.word in ("flow-server", "cflowd"):
            for server in node:
                reading.facts(server)
                yield SharedFate("flow-collector", server.word, reading.span(server))


def _users(reading: Reading) -> Iterator[SharedFate]:
    for user in reading.root.under("system", "login", "user"):
        reading.facts(user)
        yield SharedFate("user", user.word, reading.span(user))
        yield from _keys(reading, user.get("authentication"))
    root = reading.root.get("system", "root-authentication")
    if root is not None:
        reading.facts(root)
        yield from _keys(reading, root)


def _keys(reading: Reading, node: Node | None) -> Iterator[SharedFate]:
    for kind in node or ():
        for key in kind if kind.word.startswith(("ssh-", "encrypted-password", "ecdsa")) else ():
            yield SharedFate("user-key", fingerprint(key.word), reading.span(key))


def fingerprint(secret: str) -> str:
    """What a secret is told by: never itself."""
    return f"sha256:{sha256(secret.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"
