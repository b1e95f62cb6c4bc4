"""Cisco NX-OS: from ``show running-config``."""

from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig
from segaudit.parse.vendor import Vendor
from segaudit.vendors.cisco_nxos.claims import claims
from segaudit.vendors.cisco_nxos.platform import PLATFORM


def _read(raw: RawConfig) -> Device:
    # Loaded on first use: collecting needs the platform alone.
    from segaudit.vendors.cisco_nxos.convert import device

    return device(raw)


VENDOR = Vendor(name="cisco_nxos", platform=PLATFORM, claims=claims, read=_read)
