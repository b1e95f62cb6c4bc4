"""Arista EOS: from ``show running-config``."""

from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig
from segaudit.parse.vendor import Vendor
from segaudit.vendors.arista_eos.claims import claims
from segaudit.vendors.arista_eos.platform import PLATFORM


def _read(raw: RawConfig) -> Device:
    # Loaded on first use: collecting needs the platform alone.
    from segaudit.vendors.arista_eos.convert import device

    return device(raw)


VENDOR = Vendor(name="arista_eos", platform=PLATFORM, claims=claims, read=_read)
