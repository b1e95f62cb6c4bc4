"""The read-only commands of a Cisco NX-OS device and the files their output is stored under."""

from __future__ import annotations

from segaudit.model.snapshot import Platform, ShowCommand

RUNNING_CONFIG = "running-config.txt"
"""NX-OS prints no last line: a configuration cut between two lines cannot be told from a whole one."""

ROUTES4 = "ip-route.txt"
ROUTES6 = "ipv6-route.txt"

PLATFORM = Platform(
    name="cisco_nxos",
    netmiko_device_type="cisco_nxos",
    commands=(
        ShowCommand(RUNNING_CONFIG, "show running-config"),
        ShowCommand("version.txt", "show version", optional=True),
        ShowCommand("interface-status.txt", "show interface status", optional=True),
        ShowCommand("ip-interface-brief.txt", "show ip interface brief vrf all", optional=True),
        ShowCommand("vrf.txt", "show vrf interface", optional=True),
        ShowCommand(ROUTES4, "show ip route vrf all", optional=True),
        ShowCommand(ROUTES6, "show ipv6 route vrf all", optional=True),
        ShowCommand("ip-arp.txt", "show ip arp vrf all", optional=True),
        ShowCommand("ipv6-neighbor.txt", "show ipv6 neighbor vrf all", optional=True),
        ShowCommand("mac-address-table.txt", "show mac address-table", optional=True),
        ShowCommand("vlan.txt", "show vlan", optional=True),
        ShowCommand("cdp-neighbors.txt", "show cdp neighbors detail", optional=True),
        ShowCommand("lldp-neighbors.txt", "show lldp neighbors detail", optional=True),
        ShowCommand("port-channel.txt", "show port-channel summary", optional=True),
        ShowCommand("vpc.txt", "show vpc", optional=True),
        ShowCommand("nve-vni.txt", "show nve vni", optional=True),
        ShowCommand("access-lists.txt", "show access-lists", optional=True),
    ),
)
