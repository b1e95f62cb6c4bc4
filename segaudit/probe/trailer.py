"""The last bytes of every probe: they say which packet it is, and only this run can make them.

A reply or a capture counts only if it carries them (zmap's validation bytes). The key stays with
the session: agents get ready bytes and report what they see.
"""

from __future__ import annotations

import hashlib
import struct

TRAILER_BYTES = 24
"""4 bytes run tag (kernel filters match it), 4 bytes packet number, 16 bytes keyed nonce."""

_TAG_BYTES = 4
_NONCE_BYTES = 16


def run_tag(key: bytes) -> bytes:
    """The 4 bytes that open every trailer of one run."""
    return hashlib.blake2b(b"tag", key=key, digest_size=_TAG_BYTES).digest()


def nonce(key: bytes, number: int) -> bytes:
    """16 bytes that nobody without ``key`` can make for packet ``number`` (keyed BLAKE2b, RFC 7693)."""
    return hashlib.blake2b(struct.pack("!I", number), key=key, digest_size=_NONCE_BYTES).digest()


def trailer(key: bytes, number: int) -> bytes:
    """The trailer of packet ``number`` (0 to 2**32 - 1) in the run of ``key``."""
    return run_tag(key) + struct.pack("!I", number) + nonce(key, number)


def number_of(key: bytes, found: bytes) -> int | None:
    """The packet number in a captured trailer, ``None`` where it is not a genuine one of this run."""
    if len(found) != TRAILER_BYTES:
        return None
    number: int = struct.unpack_from("!I", found, _TAG_BYTES)[0]
    return number if found == trailer(key, number) else None


def tcp_sequence(key: bytes, number: int) -> int:
    """The initial sequence number of packet ``number``: what a SYN without payload is told by."""
    value: int = struct.unpack("!I", nonce(key, number)[:4])[0]
    return value
