"""Which FRR daemons a node starts, and with which options.

Sources: ``/usr/lib/frr/frrcommon.sh`` and ``/etc/frr/daemons`` of Debian's frr 8.4.4. The daemons
are started directly and without watchfrr: nothing in a lab should restart what a test kills.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

DAEMON_FOLDER = Path("/usr/lib/frr")

_ORDER = (  # noqa: SIM905 - a list would be one word a line
    "zebra mgmtd staticd bgpd ripd ripngd ospfd ospf6d isisd babeld pimd pim6d ldpd nhrpd eigrpd sharpd "
    "pbrd bfdd fabricd vrrpd pathd"
).split()
_ALWAYS = ("zebra", "mgmtd", "staticd")
"""Started whatever the daemons file says (frrcommon.sh, daemon_list)."""

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)")
_SECTIONS = (
    ("bgpd", re.compile(r"router bgp\b")),
    ("ospfd", re.compile(r"router ospf\b| +ip ospf\b")),
    ("ospf6d", re.compile(r"router ospf6\b| +ipv6 ospf6\b")),
    ("ripd", re.compile(r"router rip\b")),
    ("ripngd", re.compile(r"router ripng\b")),
    ("isisd", re.compile(r"router isis\b")),
    ("babeld", re.compile(r"router babel\b")),
    ("eigrpd", re.compile(r"router eigrp\b")),
    ("pimd", re.compile(r"ip pim\b| +ip (pim|igmp)\b|router pim\b")),
    ("pim6d", re.compile(r" +ipv6 (pim|mld)\b|router pim6\b")),
    ("ldpd", re.compile(r"mpls ldp\b")),
    ("nhrpd", re.compile(r" +ip(v6)? nhrp\b|nhrp ")),
    ("bfdd", re.compile(r"bfd\s*$")),
    ("pbrd", re.compile(r"pbr-map\b")),
    ("fabricd", re.compile(r"router openfabric\b")),
    ("vrrpd", re.compile(r" +vrrp\b")),
    ("pathd", re.compile(r"segment-routing\s*$")),
)


def daemons_of_config(frr_conf: str) -> set[str]:
    """The daemons whose sections appear in an integrated ``frr.conf``."""
    lines = frr_conf.splitlines()
    return {daemon for daemon, pattern in _SECTIONS if any(pattern.match(line) for line in lines)}


def settings_of_daemons_file(text: str) -> dict[str, str]:
    """The shell assignments of a ``daemons`` file (words unquoted, ``$`` not expanded)."""
    settings: dict[str, str] = {}
    for line in text.splitlines():
        match = _ASSIGNMENT.match(line)
        if match:
            settings[match[1]] = _unquoted(match[2])
    return settings


def _unquoted(value: str) -> str:
    try:
        return " ".join(shlex.split(value, comments=True))
    except ValueError:  # a quote that is not closed on this line
        return value.strip().strip("\"'")


def enabled_daemons(settings: Mapping[str, str]) -> list[str]:
    """The daemons to start, in start order."""
    return [name for name in _ORDER if name in _ALWAYS or settings.get(name, "no") not in ("", "no", "0")]


def start_command(daemon: str, settings: Mapping[str, str]) -> list[str]:
    """The command that starts ``daemon`` in the background."""
    profile = settings.get("frr_profile") or "traditional"
    common = shlex.split(settings.get("frr_global_options", ""))
    default = "-A 127.0.0.1 -s 90000000" if daemon == "zebra" else "-A 127.0.0.1"
    own = shlex.split(settings.get(f"{daemon}_options", default))
    return [str(DAEMON_FOLDER / daemon), "-d", *common, "-F", profile, *own]
