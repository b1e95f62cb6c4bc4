"""The read-only commands of an ASA and the files their output is stored under."""

from __future__ import annotations

from segaudit.model.snapshot import Platform, ShowCommand

RUNNING_CONFIG = "running-config.txt"
ROUTE = "show-route.txt"
ARP = "show-arp.txt"

END = r"^: end\s*$"
"""What ``show running-config`` ends with (Cisco ASA Series Command Reference, show running-config)."""

PLATFORM = Platform(
    name="cisco_asa",
    netmiko_device_type="cisco_asa",
    commands=(
        # Without `view full`: keys and passwords stay hidden or encrypted.
        ShowCommand(RUNNING_CONFIG, "show running-config", end_marker=END),
        ShowCommand(ROUTE, "show route", optional=True),
        ShowCommand(ARP, "show arp", optional=True),
    ),
)
