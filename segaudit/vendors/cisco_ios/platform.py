"""The read-only commands of an IOS device and the files their output is stored under."""

from __future__ import annotations

import re
from collections.abc import Sequence

from segaudit.model.flow import Family
from segaudit.model.snapshot import Platform, RawFile, ShowCommand

CONFIG = "running-config.txt"

_VRF = re.compile(r"^(?:vrf definition|ip vrf) ([A-Za-z0-9_.-]{1,32})\r?$", re.MULTILINE)
"""VRF names that a command and a file are made of; the tables of others stay unknown."""


def routes_file(family: Family, vrf: str | None) -> str:
    """The file of ``show ip route [vrf V]`` or ``show ipv6 route [vrf V]``."""
    kind = "ip-route" if family is Family.IPV4 else "ipv6-route"
    return f"{kind}.txt" if vrf is None else f"{kind}-vrf-{vrf}.txt"


def follow_ups(files: Sequence[RawFile]) -> tuple[ShowCommand, ...]:
    """The routing tables of each VRF that the configuration names."""
    texts = [file.text for file in files if file.name == CONFIG and not file.exit_status]
    names = {name for text in texts for name in _VRF.findall(text)}
    return tuple(
        ShowCommand(routes_file(family, name), f"show {kind} route vrf {name}", optional=True)
        for name in sorted(names)
        for kind, family in (("ip", Family.IPV4), ("ipv6", Family.IPV6))
    )


PLATFORM = Platform(
    name="cisco_ios",
    netmiko_device_type="cisco_ios",
    commands=(
        ShowCommand(CONFIG, "show running-config", end_marker=r"^end$"),
        ShowCommand("version.txt", "show version", optional=True),
        ShowCommand("ip-route.txt", "show ip route", optional=True),
        ShowCommand("ipv6-route.txt", "show ipv6 route", optional=True),
        ShowCommand("interfaces.txt", "show interfaces", optional=True),
        ShowCommand("interfaces-switchport.txt", "show interfaces switchport", optional=True),
        ShowCommand("vlan.txt", "show vlan brief", optional=True),
        ShowCommand("vtp-status.txt", "show vtp status", optional=True),
        ShowCommand("arp.txt", "show ip arp", optional=True),
        ShowCommand("mac-address-table.txt", "show mac address-table", optional=True),
        ShowCommand("ipv6-neighbors.txt", "show ipv6 neighbors", optional=True),
        ShowCommand("cdp-neighbors.txt", "show cdp neighbors detail", optional=True),
        ShowCommand("lldp-neighbors.txt", "show lldp neighbors detail", optional=True),
    ),
    follow_ups=follow_ups,
)
