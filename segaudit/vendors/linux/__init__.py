"""Linux with FRR, nftables and iptables: from what its own tools print."""

from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig
from segaudit.parse.vendor import Vendor
from segaudit.vendors.linux.claims import claims
from segaudit.vendors.linux.platform import PLATFORM


def _read(raw: RawConfig) -> Device:
    # Loaded on first use: collecting needs the platform alone.
    from segaudit.vendors.linux.convert import device

    return device(raw)


VENDOR = Vendor(name="linux", platform=PLATFORM, claims=claims, read=_read)
