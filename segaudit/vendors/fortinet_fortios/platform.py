"""The read-only commands of a FortiGate and the files their output is stored under."""

from __future__ import annotations

from segaudit.model.snapshot import Platform, ShowCommand

RUNNING_CONFIG = "running-config.txt"
ROUTING_TABLE = "routing-table.txt"
ROUTING_TABLE6 = "routing-table6.txt"
ARP = "arp.txt"
STATUS = "system-status.txt"

PLATFORM = Platform(
    name="fortinet_fortios",
    netmiko_device_type="fortinet",
    pager="--More--",
    commands=(
        # FortiOS marks no end; the last block of a whole configuration is that of the last routing
        # protocol, with the end of the virtual domain behind it where there are any.
        ShowCommand(RUNNING_CONFIG, "show", end_marker=r"^end$"),
        ShowCommand(STATUS, "get system status", optional=True),
        ShowCommand(ROUTING_TABLE, "get router info routing-table all", optional=True),
        ShowCommand(ROUTING_TABLE6, "get router info6 routing-table", optional=True),
        ShowCommand(ARP, "get system arp", optional=True),
        ShowCommand("interface-physical.txt", "get system interface physical", optional=True),
        ShowCommand("ipsec-tunnels.txt", "get vpn ipsec tunnel summary", optional=True),
    ),
)
