"""How a Linux device's files are recognised."""

from __future__ import annotations

from segaudit.model.snapshot import RawConfig
from segaudit.parse.vendor import Claim
from segaudit.vendors.linux import platform

_TELLING = (platform.LINK, platform.ADDRESS, platform.ROUTE4, platform.ROUTE6)


def claims(raw: RawConfig) -> Claim | None:
    """A claim where iproute2's JSON is among the files, whether it can be read or not.

    Names decide: a truncated file is still a Linux device's, and its reader says what is wrong.
    """
    present = [name for name in _TELLING if raw.file(name) is not None]
    if not present:
        return None
    return Claim("linux", f"it has iproute2 output: {', '.join(present)}")
