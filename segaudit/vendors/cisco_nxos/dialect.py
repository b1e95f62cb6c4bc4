"""The words of Cisco NX-OS where they differ from those of Cisco IOS."""

from __future__ import annotations

from segaudit.parse.cisco import names
from segaudit.parse.cisco.dialect import Dialect

NXOS = Dialect(
    name="nxos",
    interface_names=(
        "Ethernet", "mgmt", "port-channel", "loopback", "Vlan", "nve", "Tunnel", "Null", "fc", "vfc",
        "san-port-channel",
    ),
    protocols={**names.PROTOCOLS, "icmpv6": 58},
    tcp_ports={**names.TCP_PORTS, "https": 443},
    group_words=frozenset({"addrgroup", "portgroup"}),
)  # fmt: skip
