"""What session and agent say to each other: one JSON object a line, ``op`` one way, ``event`` back.

Commands carry an ``id``; the agent ends each with ``{"event": "done", "id": ...}`` or
``{"event": "failed", "id": ..., "why": ...}``, and reports captures and refusals in between.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from segaudit.model.flow import Family, Flow

Message = dict[str, Any]

PROTOCOL_VERSION = 1


def flow_to_json(flow: Flow) -> list[int]:
    """The fields of ``flow`` in the order of its class."""
    return [
        int(flow.family),
        flow.protocol,
        flow.source,
        flow.destination,
        flow.source_port,
        flow.destination_port,
        flow.icmp_type,
        flow.icmp_code,
        flow.tcp_flags,
        int(flow.fragment),
    ]


def flow_from_json(fields: list[int]) -> Flow:
    """The flow that :func:`flow_to_json` wrote.

    Raises:
        ValueError: the fields are not those of a flow.
    """
    if len(fields) != 10 or not all(isinstance(value, int) and value >= 0 for value in fields):
        raise ValueError("a flow is ten whole numbers")
    family = Family(fields[0])
    if max(fields[2], fields[3]) >> family.bits:
        raise ValueError("an address is wider than its family")
    protocol, source, destination, source_port, destination_port, kind, code, flags, fragment = fields[1:]
    return Flow(
        family,
        protocol,
        source,
        destination,
        source_port,
        destination_port,
        kind,
        code,
        flags,
        bool(fragment),
    )


def encode(message: Mapping[str, Any]) -> bytes:
    """One line."""
    return json.dumps(message, separators=(",", ":"), sort_keys=True).encode() + b"\n"


def decode(line: bytes) -> Message:
    """The message in one line.

    Raises:
        ValueError: the line is not a JSON object.
    """
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("a message is a JSON object")
    return message
