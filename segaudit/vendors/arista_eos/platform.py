"""The read-only commands of an Arista EOS device and the files their output is stored under."""

from __future__ import annotations

from segaudit.model.snapshot import Platform, ShowCommand

RUNNING_CONFIG = "running-config.txt"
END = r"^end$"
"""The last line of ``show running-config``."""

ROUTES4 = "ip-route.txt"
ROUTES6 = "ipv6-route.txt"

PLATFORM = Platform(
    name="arista_eos",
    netmiko_device_type="arista_eos",
    commands=(
        ShowCommand(RUNNING_CONFIG, "show running-config", end_marker=END),
        ShowCommand("version.txt", "show version", optional=True),
        ShowCommand("interfaces-status.txt", "show interfaces status", optional=True),
        ShowCommand("ip-interface-brief.txt", "show ip interface brief", optional=True),
        ShowCommand("vrf.txt", "show vrf", optional=True),
        ShowCommand(ROUTES4, "show ip route vrf all", optional=True),
        ShowCommand(ROUTES6, "show ipv6 route vrf all", optional=True),
        ShowCommand("ip-arp.txt", "show ip arp vrf all", optional=True),
        ShowCommand("ipv6-neighbors.txt", "show ipv6 neighbors vrf all", optional=True),
        ShowCommand("mac-address-table.txt", "show mac address-table", optional=True),
        ShowCommand("vlan.txt", "show vlan", optional=True),
        ShowCommand("lldp-neighbors.txt", "show lldp neighbors detail", optional=True),
        ShowCommand("port-channel.txt", "show port-channel dense", optional=True),
        ShowCommand("mlag.txt", "show mlag detail", optional=True),
        ShowCommand("vxlan-vni.txt", "show vxlan vni", optional=True),
        ShowCommand("ip-access-lists.txt", "show ip access-lists", optional=True),
    ),
)
