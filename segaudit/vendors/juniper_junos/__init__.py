"""Juniper Junos: MX, EX, QFX, PTX and vMX routers and switches, SRX and vSRX firewalls."""

from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig
from segaudit.parse.vendor import Vendor
from segaudit.vendors.juniper_junos.claims import claims
from segaudit.vendors.juniper_junos.platform import PLATFORM


def _read(raw: RawConfig) -> Device:
    # Loaded on first use: collecting needs the platform alone.
    from segaudit.vendors.juniper_junos.convert import device

    return device(raw)


VENDOR = Vendor(name="juniper_junos", platform=PLATFORM, claims=claims, read=_read)
