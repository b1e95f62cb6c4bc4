"""What a probe carries above its ports: a protocol's own opening where filters look inside it.

The trailer always ends the packet, so that one kernel filter finds it in any of them.
"""

from __future__ import annotations

import struct

from segaudit.model.flow import Flow, Protocol

DNS_PORT = 53

_DNS_RECURSION_DESIRED = 0x0100
_DNS_TYPE_A = 1
_DNS_TYPE_OPT = 41
_DNS_CLASS_IN = 1
_DNS_UDP_SIZE = 1232
_DNS_LOCAL_OPTION = 65001
"""RFC 6891 section 9: option codes 65001-65534 are for local or experimental use."""


def payload_for(flow: Flow, trailer: bytes) -> bytes:
    """A DNS query to UDP port 53, the bare ``trailer`` elsewhere; it ends with ``trailer``."""
    if flow.protocol == Protocol.UDP and flow.destination_port == DNS_PORT:
        return _dns_query(trailer)
    return trailer


def _dns_query(trailer: bytes) -> bytes:
    """A query for ``invalid.`` (RFC 6761 section 6.4: any resolver answers it by itself)."""
    identifier = trailer[6:8]
    header = identifier + struct.pack("!HHHHH", _DNS_RECURSION_DESIRED, 1, 0, 0, 1)
    question = b"\x07invalid\x00" + struct.pack("!HH", _DNS_TYPE_A, _DNS_CLASS_IN)
    option = struct.pack("!HH", _DNS_LOCAL_OPTION, len(trailer)) + trailer
    return (
        header
        + question
        + b"\x00"
        + struct.pack("!HHIH", _DNS_TYPE_OPT, _DNS_UDP_SIZE, 0, len(option))
        + option
    )
