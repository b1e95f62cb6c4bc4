"""Which SSH host key a device may show: the user's ``known_hosts``, or a pinned fingerprint.

Strict always: an unknown key, a changed key and a revoked key all end the session. Each session
gets a file with the lines of its own device only, because paramiko reads the whole file anew for
every connection (DESIGN §5: one file for 500 devices takes twice as long).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

DEFAULT_KNOWN_HOSTS = Path("~/.ssh/known_hosts")
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


def fingerprint(key: bytes) -> str:
    """The fingerprint of a public key blob as OpenSSH prints it (``SHA256:`` and unpadded base64)."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class KnownHost:
    """One usable line of a known_hosts file: for ``hosts``, the key ``kind`` ``key``."""

    hosts: str
    kind: str
    key: str
    revoked: bool = False

    @property
    def fingerprint(self) -> str:
        """The key's fingerprint."""
        return fingerprint(base64.b64decode(self.key))


def read_known_hosts(path: Path) -> tuple[KnownHost, ...]:
    """The keys in a known_hosts file, in its order (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").

    Lines that are no key, and ``@cert-authority`` lines, are left out: they trust nothing here.

    Raises:
        OSError: the file cannot be read.
    """
    return tuple(_known_hosts(path.expanduser().read_text(encoding="utf-8", errors="replace")))


def _known_hosts(text: str) -> Iterator[KnownHost]:
    for line in text.splitlines():
        words = line.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0].startswith("#") or marker not in ("", "@revoked"):
            continue
        try:
            base64.b64decode(words[2], validate=True)
        except binascii.Error:
            continue
        yield KnownHost(words[0], words[1], words[2], revoked=marker == "@revoked")


def host_name(host: str, port: int) -> str:
    """The name under which known_hosts files list a host (``[host]:port`` unless the port is 22)."""
    return host if port == 22 else f"[{host}]:{port}"


def keys_of(known: tuple[KnownHost, ...], host: str, port: int) -> tuple[KnownHost, ...]:
    """The lines of ``known`` for one host, revoked ones included.

    As OpenSSH does, falls back on the name without port where there is no line for the name with it.
    """
    lines = tuple(line for line in known if _names(line.hosts, host_name(host, port)))
    if port != 22 and not any(not line.revoked for line in lines):
        lines += tuple(line for line in known if line not in lines and _names(line.hosts, host))
    return lines


def _names(hosts: str, name: str) -> bool:
    if hosts.startswith("|1|"):
        return _is_hashed_name(hosts, name)
    patterns = hosts.split(",")
    if any(pattern.startswith("!") and _is_like(name, pattern[1:]) for pattern in patterns):
        return False
    return any(_is_like(name, pattern) for pattern in patterns if not pattern.startswith("!"))


def _is_like(name: str, pattern: str) -> bool:
    """True where ``pattern`` matches; square brackets are letters here, not a set (``[host]:22``)."""
    return fnmatchcase(name.lower(), pattern.lower().replace("[", "[[]"))


def _is_hashed_name(hashed: str, name: str) -> bool:
    """``|1|salt|HMAC-SHA1(salt, name)``, both base64."""
    _, _, salt, digest = hashed.split("|", 3) if hashed.count("|") == 3 else ("", "", "", "")
    try:
        expected = hmac.digest(base64.b64decode(salt), name.encode(), "sha1")
        return hmac.compare_digest(expected, base64.b64decode(digest))
    except binascii.Error:
        return False


def known_hosts_lines(known: tuple[KnownHost, ...], host: str, port: int) -> str:
    """The known_hosts text for one session: its accepted keys, under the exact name paramiko looks up."""
    revoked = {line.key for line in known if line.revoked}
    accepted = [line for line in known if line.key not in revoked]
    return "".join(f"{host_name(host, port)} {line.kind} {line.key}\n" for line in accepted)
