"""Fortinet FortiOS, with its virtual domains: from ``show`` and what its own tables print."""

from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig
from segaudit.parse.vendor import Vendor
from segaudit.vendors.fortinet_fortios.claims import claims
from segaudit.vendors.fortinet_fortios.platform import PLATFORM


def _read(raw: RawConfig) -> Device:
    # Loaded on first use: collecting needs the platform alone.
    from segaudit.vendors.fortinet_fortios.convert import device

    return device(raw)


VENDOR = Vendor(name="fortinet_fortios", platform=PLATFORM, claims=claims, read=_read)
