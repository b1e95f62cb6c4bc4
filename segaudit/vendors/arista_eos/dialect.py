"""The words of Arista EOS where they differ from those of Cisco IOS."""

from __future__ import annotations

from segaudit.parse.cisco import names
from segaudit.parse.cisco.dialect import Dialect
from segaudit.parse.indent import LiteralEnd

# EOS User Manual, "ACLs and Route Maps", `permit (IPv4 ACL)`: services by their names in /etc/services.
_SERVICES = {
    "dns": 53, "domain": 53, "http": 80, "https": 443, "http-alt": 8080, "imap3": 220, "imaps": 993,
    "kerberos": 88, "ldap": 389, "ldaps": 636, "microsoft-ds": 445, "mlag": 4432, "ms-sql-s": 1433,
    "msdp": 639, "msrpc": 135, "netbios-ssn": 139, "nfs": 2049, "ntp": 123, "pop3s": 995, "radius": 1812,
    "radius-acct": 1813, "rtsp": 554, "snmp": 161, "sqlnet": 1521, "ssh": 22, "tacacs": 49, "telnet": 23,
}  # fmt: skip

EOS = Dialect(
    name="eos",
    interface_names=(
        "Ethernet", "Management", "Port-Channel", "Loopback", "Vlan", "Vxlan", "Tunnel", "Null",
    ),
    protocols={**names.PROTOCOLS, "icmpv6": 58, "vrrp": 112},
    tcp_ports={**_SERVICES, **names.TCP_PORTS},
    udp_ports={**_SERVICES, **names.UDP_PORTS},
)  # fmt: skip


def literal(text: str) -> LiteralEnd | None:
    """Texts that a configuration quotes: a banner or a script up to the line ``EOF``."""
    words = text.split()
    banner = words[:1] == ["banner"] and len(words) <= 3
    script = words[-2:] == ["action", "bash"]
    return _ends if banner or script else None


def _ends(line: str) -> bool:
    return line == "EOF"
