"""RawConfig -> Device: which vendor reads it, and what became of every line.

The vendors are found at run time (``registry``); each claims a device's files or not
(``detection``), and its reader turns them into the neutral nouns (``devices``). What all vendors
share stands here: line accounting (``ledger``), the text a terminal leaves behind (``terminal``)
and the syntax toolkits (``indent``).
"""

from segaudit.parse.detection import detect
from segaudit.parse.devices import parse_device, parse_snapshot
from segaudit.parse.registry import platforms, vendors
from segaudit.parse.vendor import Claim, Vendor

__all__ = ["Claim", "Vendor", "detect", "parse_device", "parse_snapshot", "platforms", "vendors"]
