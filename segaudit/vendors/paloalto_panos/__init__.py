"""Palo Alto Networks PAN-OS: XML, set form, and the braces of ``show config``."""

from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig
from segaudit.parse.vendor import Vendor
from segaudit.vendors.paloalto_panos.claims import claims
from segaudit.vendors.paloalto_panos.platform import PLATFORM


def _read(raw: RawConfig) -> Device:
    # Loaded on first use: collecting needs the platform alone.
    from segaudit.vendors.paloalto_panos.convert import device

    return device(raw)


VENDOR = Vendor(name="paloalto_panos", platform=PLATFORM, claims=claims, read=_read)
