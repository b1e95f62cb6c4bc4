"""A policy file as a ``Policy``, or every problem in it with its place.

The document is walked, not handed to a validation library: the walker already knows the line and
column of every word and goes on after a problem, so nothing would be left for a second layer but to
translate its paths back into positions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from segaudit.documents.yaml_nodes import Node, parse_yaml
from segaudit.errors import PolicyError
from segaudit.model.policy import Policy, Zone
from segaudit.policy.assertions import Names, read_assumption, read_exception, read_flow, read_isolation
from segaudit.policy.consistency import (
    check_exception,
    check_flow,
    check_ids,
    check_something_asserted,
    identifiers,
)
from segaudit.policy.reading import PolicyReader, child
from segaudit.policy.services import read_services
from segaudit.policy.zones import read_zones

T = TypeVar("T")

VERSION = "1"
TOP_KEYS = ("version", "name", "services", "zones", "isolation", "flows", "exceptions", "assumptions")


def read_policy(path: Path, shown_as: str | None = None) -> Policy:
    """The policy in ``path``, names resolved and checked against each other.

    ``shown_as`` is the file's name in messages and citations (default: ``path`` as given).

    Raises:
        PolicyError: every problem of the file, in file order; or why it could not be read.
    """
    shown = shown_as or str(path)
    try:
        content = path.read_bytes()
    except OSError as failure:
        raise PolicyError.because(
            shown, "cannot read the file", failure.strerror or str(failure)
        ) from failure
    return parse_policy(content, shown)


def parse_policy(content: bytes, shown_as: str) -> Policy:
    """The policy in ``content``; see :func:`read_policy`."""
    reader = PolicyReader()
    policy = _policy(reader, _document(content, shown_as), hashlib.sha256(content).hexdigest())
    reader.raise_if_any()
    return policy


def _document(content: bytes, shown_as: str) -> Node:
    try:
        return parse_yaml(content.decode("utf-8"), shown_as, PolicyError)
    except UnicodeDecodeError as failure:
        line = content.count(b"\n", 0, failure.start) + 1
        column = failure.start - content.rfind(b"\n", 0, failure.start)
        value = f"byte 0x{content[failure.start]:02x}"
        raise PolicyError.because(f"{shown_as}:{line}:{column}", "not UTF-8", value) from failure
    except RecursionError as failure:
        raise PolicyError.because(shown_as, "nested too deeply") from failure


def _policy(reader: PolicyReader, root: Node, digest: str) -> Policy:
    sections = reader.mapping(root, "the policy", TOP_KEYS)
    _check_version(reader, root)
    zones = _zones(reader, root)
    services = read_services(reader, sections["services"]) if "services" in sections else {}
    names = Names.of(zones, services)
    elements = {
        key: _elements(reader, root, key) for key in ("isolation", "flows", "exceptions", "assumptions")
    }
    isolations = _each(elements["isolation"], lambda node: read_isolation(reader, node, names))
    flows = _each(elements["flows"], lambda node: read_flow(reader, node, names))
    exceptions = _each(elements["exceptions"], lambda node: read_exception(reader, node, names))
    assumptions = _each(elements["assumptions"], lambda node: read_assumption(reader, node))
    check_ids(reader, [node for nodes in elements.values() for node in nodes])
    check_something_asserted(reader, root, isolations, flows)
    for node, flow in zip(elements["flows"], flows, strict=True):
        check_flow(reader, node, flow, isolations)
    known = identifiers(elements["isolation"])
    for node, exemption in zip(elements["exceptions"], exceptions, strict=True):
        check_exception(reader, node, exemption, isolations, known)
    return Policy(
        name=reader.required_text(root, "name", "the policy") if sections else "",
        path=root.file,
        zones=zones,
        isolations=isolations,
        flows=flows,
        exceptions=exceptions,
        assumptions=assumptions,
        services=services,
        sha256=digest,
    )


def _check_version(reader: PolicyReader, root: Node) -> None:
    node = reader.required(root, "version", "the policy") if isinstance(root.value, dict) else None
    version = reader.text(node, "version") if node else ""
    if node and version and version != VERSION:
        reader.report(node, "unknown policy version", version, f"this segaudit reads version {VERSION}")


def _zones(reader: PolicyReader, root: Node) -> dict[str, Zone]:
    node = reader.required(root, "zones", "the policy") if isinstance(root.value, dict) else None
    return read_zones(reader, node) if node else {}


def _elements(reader: PolicyReader, root: Node, key: str) -> tuple[Node, ...]:
    """The mappings of a list section; anything else in it is a problem."""
    section = child(root, key)
    items = reader.sequence(section, key) if section else ()
    for item in items:
        if not isinstance(item.value, dict):
            reader.mapping(item, f"an element of {key}")
    return tuple(item for item in items if isinstance(item.value, dict))


def _each(nodes: tuple[Node, ...], read: Callable[[Node], T]) -> tuple[T, ...]:
    return tuple(read(node) for node in nodes)
