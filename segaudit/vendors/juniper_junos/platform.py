"""The read-only commands of a Junos device and the files their output is stored under."""

from __future__ import annotations

from segaudit.model.snapshot import Platform, ShowCommand

CONFIG = "running-config.txt"
VERSION = "version.txt"
ROUTES = "route.txt"
ARP = "arp.txt"
ND = "ipv6-neighbors.txt"
INTERFACES = "interfaces-terse.txt"
MAC = "ethernet-switching-table.txt"
VLANS = "vlans.txt"
LLDP = "lldp-neighbors.txt"
SECURITY_ASSOCIATIONS = "ipsec-security-associations.txt"

PLATFORM = Platform(
    name="juniper_junos",
    netmiko_device_type="juniper_junos",
    commands=(
        ShowCommand(CONFIG, "show configuration | no-more", end_marker=r"^\}(?:\s*\{[\w:-]+\})?$"),
        ShowCommand(VERSION, "show version | no-more", optional=True),
        ShowCommand(ROUTES, "show route active-path | no-more", optional=True),
        ShowCommand(ARP, "show arp no-resolve | no-more", optional=True),
        ShowCommand(ND, "show ipv6 neighbors | no-more", optional=True),
        ShowCommand(INTERFACES, "show interfaces terse | no-more", optional=True),
        ShowCommand(MAC, "show ethernet-switching table | no-more", optional=True),
        ShowCommand(VLANS, "show vlans | no-more", optional=True),
        ShowCommand(LLDP, "show lldp neighbors | no-more", optional=True),
        ShowCommand(
            SECURITY_ASSOCIATIONS, "show security ipsec security-associations | no-more", optional=True
        ),
    ),
)
