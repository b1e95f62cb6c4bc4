"""Cisco IOS and IOS-XE, routers and switches: from their running configuration."""

from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig
from segaudit.parse.vendor import Vendor
from segaudit.vendors.cisco_ios.claims import claims
from segaudit.vendors.cisco_ios.platform import PLATFORM


def _read(raw: RawConfig) -> Device:
    # Loaded on first use: collecting needs the platform alone.
    from segaudit.vendors.cisco_ios.convert import device

    return device(raw)


VENDOR = Vendor(name="cisco_ios", platform=PLATFORM, claims=claims, read=_read)
