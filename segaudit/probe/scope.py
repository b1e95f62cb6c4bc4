"""Who allowed which probes: a scope file and the name that answers for it, or nothing is sent.

::

    version: 1
    authorised_by: ciso@parent.example
    sources: [sub-pc1, "branch-*"]          # devices that may send (shell wildcards)
    targets: [10.0.0.0/24, 2001:db8::/64]   # nothing is sent outside these
    rate: {packets_per_second: 1000, per_destination: 50}
    window: {not_before: 2026-11-24T08:00:00Z, not_after: 2026-11-24T18:00:00Z}
    spoofed_sources: no                     # a sender may use another address than its own
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from segaudit.documents.yaml_nodes import Node, Reader, read_yaml
from segaudit.errors import ScopeError
from segaudit.model.flow import Family
from segaudit.probe.rate import DEFAULT_PACKETS_PER_SECOND, DEFAULT_PACKETS_PER_SECOND_PER_DESTINATION

Network = IPv4Network | IPv6Network

_KEYS = ("version", "authorised_by", "sources", "targets", "rate", "window", "spoofed_sources")
_WORDS_FOR_TRUE = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True, slots=True)
class Authorisation:
    """What one person allowed: who sends, to where, how fast, when."""

    authorised_by: str
    sources: tuple[str, ...]
    targets: tuple[Network, ...]
    packets_per_second: int = DEFAULT_PACKETS_PER_SECOND
    packets_per_second_per_destination: int = DEFAULT_PACKETS_PER_SECOND_PER_DESTINATION
    not_before: datetime | None = None
    not_after: datetime | None = None
    spoofed_sources: bool = False

    def permits_source(self, device: str) -> bool:
        """True where ``device`` may send probes."""
        return any(fnmatchcase(device, pattern) for pattern in self.sources)

    def permits_target(self, family: Family, address: int) -> bool:
        """True where packets may be sent to ``address``."""
        return in_networks(self.targets, family, address)


def in_networks(networks: Iterable[Network], family: Family, address: int) -> bool:
    """True where ``address`` lies in one of ``networks``."""
    return any(
        network.version == family
        and int(network.network_address) <= address <= int(network.broadcast_address)
        for network in networks
    )


def read_authorisation(path: Path, authorised_by: str, now: datetime) -> Authorisation:
    """The authorisation in the scope file, confirmed by the name on the command line, at ``now``.

    Raises:
        ScopeError: the file is malformed (every problem with its place), ``authorised_by`` is empty
            or not the name in the file, or ``now`` lies outside the window.
    """
    root = read_yaml(path, ScopeError)
    scope = _authorisation(root)
    _confirm(scope, root, authorised_by, now)
    return scope


def _confirm(scope: Authorisation, root: Node, authorised_by: str, now: datetime) -> None:
    if not authorised_by.strip():
        raise ScopeError.because(
            root.file, "probing needs a person who answers for it", hint="give --authorised-by NAME"
        )
    if authorised_by != scope.authorised_by:
        at = root.value["authorised_by"].where if isinstance(root.value, dict) else root.file
        raise ScopeError.because(
            at,
            "the scope was authorised by somebody else",
            scope.authorised_by,
            f"--authorised-by says {authorised_by!r}",
        )
    if closed := outside_window(scope, now):
        at = root.value["window"].where if isinstance(root.value, dict) else root.file
        raise ScopeError.because(at, closed, now.isoformat(), "probe inside the window, or have it changed")


def outside_window(scope: Authorisation, now: datetime) -> str:
    """Why ``now`` is not a time to probe; empty where it is."""
    if scope.not_before and now < scope.not_before:
        return f"the window opens at {scope.not_before.isoformat()}"
    if scope.not_after and now >= scope.not_after:
        return f"the window closed at {scope.not_after.isoformat()}"
    return ""


def _authorisation(root: Node) -> Authorisation:
    reader = Reader(ScopeError)
    reader.mapping(root, "the scope file", _KEYS)
    _version(reader, root)
    rate, rate_per_destination = _rates(reader, root)
    not_before, not_after = _window(reader, root)
    scope = Authorisation(
        _authorised_by(reader, root),
        _words(reader, root, "sources"),
        _targets(reader, root),
        rate,
        rate_per_destination,
        not_before,
        not_after,
        _flag(reader, root, "spoofed_sources"),
    )
    reader.raise_if_any()
    return scope


def _optional(root: Node, key: str) -> Node | None:
    return root.value.get(key) if isinstance(root.value, dict) else None


def _version(reader: Reader, root: Node) -> None:
    node = reader.required(root, "version", "the scope file")
    if node is not None:
        reader.one_of(node, "version", ["1"])


def _authorised_by(reader: Reader, root: Node) -> str:
    node = reader.required(root, "authorised_by", "the scope file")
    return reader.text(node, "authorised_by") if node is not None else ""


def _items(reader: Reader, root: Node, key: str) -> tuple[Node, ...]:
    node = reader.required(root, key, "the scope file")
    if node is None:
        return ()
    items = reader.sequence(node, key)
    if isinstance(node.value, tuple) and not items:
        reader.report(
            node, f"{key} is empty", hint="an empty scope allows nothing; list what may be probed"
        )
    return items


def _words(reader: Reader, root: Node, key: str) -> tuple[str, ...]:
    return tuple(reader.text(item, f"an item of {key}") for item in _items(reader, root, key))


def _targets(reader: Reader, root: Node) -> tuple[Network, ...]:
    found = (_network(reader, item) for item in _items(reader, root, "targets"))
    return tuple(network for network in found if network is not None)


def _network(reader: Reader, item: Node) -> Network | None:
    text = reader.text(item, "an item of targets")
    if not text:
        return None
    try:
        network = ip_network(text)
    except ValueError as failure:
        reader.report(item, "not a prefix", text, str(failure))
        return None
    if network.prefixlen == 0:
        reader.report(item, "every address there is cannot be a scope", text, "name the parent's prefixes")
        return None
    return network


def _rates(reader: Reader, root: Node) -> tuple[int, int]:
    node = _optional(root, "rate")
    if node is None:
        return DEFAULT_PACKETS_PER_SECOND, DEFAULT_PACKETS_PER_SECOND_PER_DESTINATION
    keys = reader.mapping(node, "rate", ("packets_per_second", "per_destination"))
    return (
        _positive(reader, keys.get("packets_per_second"), DEFAULT_PACKETS_PER_SECOND),
        _positive(reader, keys.get("per_destination"), DEFAULT_PACKETS_PER_SECOND_PER_DESTINATION),
    )


def _positive(reader: Reader, node: Node | None, default: int) -> int:
    if node is None:
        return default
    text = reader.text(node, "a rate")
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    if text:
        reader.report(node, "a rate is a whole number of packets per second above 0", text)
    return default


def _window(reader: Reader, root: Node) -> tuple[datetime | None, datetime | None]:
    node = _optional(root, "window")
    if node is None:
        return None, None
    keys = reader.mapping(node, "window", ("not_before", "not_after"))
    opens, closes = _time(reader, keys.get("not_before")), _time(reader, keys.get("not_after"))
    if opens and closes and closes <= opens:
        reader.report(
            node, "the window closes before it opens", f"{opens.isoformat()} to {closes.isoformat()}"
        )
    return opens, closes


def _time(reader: Reader, node: Node | None) -> datetime | None:
    if node is None:
        return None
    text = reader.text(node, "a time")
    try:
        when = datetime.fromisoformat(text) if text else None
    except ValueError:
        reader.report(node, "not a time", text, "write 2026-11-24T08:00:00Z")
        return None
    if when is not None and when.tzinfo is None:
        reader.report(node, "a time needs its zone", text, f"write {text}Z for UTC")
        return None
    return when


def _flag(reader: Reader, root: Node, key: str) -> bool:
    node = _optional(root, key)
    if node is None:
        return False
    return _WORDS_FOR_TRUE.get(reader.one_of(node, key, _WORDS_FOR_TRUE), False)
