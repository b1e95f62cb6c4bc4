"""How the files of a Cisco NX-OS device are recognised: by lines that no other system writes."""

from __future__ import annotations

import re

from segaudit.model.snapshot import RawConfig
from segaudit.parse.device_files import beginning, config_files
from segaudit.parse.vendor import Claim
from segaudit.vendors.cisco_nxos.platform import RUNNING_CONFIG

_SIGNATURES = (
    (re.compile(r"^!RANCID-CONTENT-TYPE: (?:cisco-nx|nxos)\b", re.MULTILINE), "RANCID says cisco-nx"),
    (re.compile(r"^version \d+\.\d+\([\w.]+\)\S* Bios:version", re.MULTILINE), "it names an NX-OS version"),
    (re.compile(r"^boot (?:nxos|kickstart) ", re.MULTILINE), "it boots an NX-OS image"),
    (re.compile(r"^vdc \S+ id \d+$\n +limit-resource ", re.MULTILINE), "it has a VDC with limits"),
    (re.compile(r"^vrf context \S+$", re.MULTILINE), "it has `vrf context`"),
    (
        re.compile(
            r"^(?:no )?feature (?:bgp|ospf(?:v3)?|eigrp|isis|rip|pim6?|hsrp|vrrp|vpc|lacp|lldp|nxapi|telnet"
            r"|ssh|interface-vlan|vn-segment-vlan-based|nv overlay|fabric forwarding|tacacs\+|scp-server"
            r"|sftp-server|dhcp|pbr|udld|fex|netconf|grpc|bfd|bash-shell|scheduler|privilege)$",
            re.MULTILINE,
        ),
        "it turns a feature on",
    ),
    (
        re.compile(r"^(?:no )?system default switchport\b", re.MULTILINE),
        "it has `system default switchport`",
    ),
    (re.compile(r"^copp profile \S+$", re.MULTILINE), "it has `copp profile`"),
    (re.compile(r"^hardware access-list tcam region ", re.MULTILINE), "it carves its TCAM"),
    (re.compile(r"^ +vrf member \S+$", re.MULTILINE), "it has `vrf member`"),
    (re.compile(r"^vpc domain \d+$", re.MULTILINE), "it has `vpc domain`"),
)

_OTHERS = re.compile(
    r"^!RANCID-CONTENT-TYPE: (?!cisco-nx\b|nxos\b)\S+"
    r"|^(?:ASA|PIX|FWSM) Version |^Building configuration|^!! IOS XR|^! device: .*\bEOS-\d"
    r"|^vrf (?:instance|definition) |^ip routing vrf |^version 1[0-9]\.\d+$"
    r"|^interface (?:GigabitEthernet|FastEthernet|Management\d|Vxlan1)",
    re.MULTILINE,
)
"""Lines of systems that write much alike: whose file has one is not certain."""


def signature(text: str) -> str:
    """What in the beginning of a file only NX-OS writes; empty where nothing is, or another's line."""
    if _OTHERS.search(text):
        return ""
    return next((reason for pattern, reason in _SIGNATURES if pattern.search(text)), "")


def looks_like_nxos(text: str) -> bool:
    """True where a file is NX-OS's for certain."""
    return bool(signature(text))


def claims(raw: RawConfig) -> Claim | None:
    """A claim where a configuration is NX-OS's for certain."""
    for file in config_files(raw, RUNNING_CONFIG, looks_like_nxos):
        reason = signature(beginning(file))
        if reason:
            return Claim("cisco_nxos", f"{file.name}: {reason}")
    return None
