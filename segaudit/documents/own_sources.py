"""Which segaudit this is: one digest over all its sources."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from segaudit import __version__


@cache
def digest_of_own_sources() -> str:
    """Equal only where version, every module and the set library are; what one made, the other may read."""
    package = Path(__file__).parent.parent
    digest = sha256(f"{__version__} {version('oxidd')}".encode())
    for path in sorted(package.rglob("*.py")):
        digest.update(f"\n{path.relative_to(package).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
