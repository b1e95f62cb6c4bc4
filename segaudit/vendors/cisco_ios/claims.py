"""How the files of an IOS or IOS-XE device are recognised: by lines that no other system writes."""

from __future__ import annotations

import re

from segaudit.model.snapshot import RawConfig
from segaudit.parse.device_files import beginning, config_files
from segaudit.parse.vendor import Claim
from segaudit.vendors.cisco_ios.platform import CONFIG

_SIGNATURES = (
    (re.compile(r"^!RANCID-CONTENT-TYPE: cisco\s*$", re.MULTILINE), "RANCID says cisco"),
    (re.compile(r"^Current configuration : \d+ bytes\s*$", re.MULTILINE), "it prints its size as IOS does"),
    (re.compile(r"^version 1[0-9]\.\d+[a-zA-Z]*\s*$", re.MULTILINE), "it names an IOS version"),
    (re.compile(r"^boot-start-marker\s*$", re.MULTILINE), "it has `boot-start-marker`"),
)

_OTHERS = re.compile(
    r"^!RANCID-CONTENT-TYPE: (?!cisco\s*$)\S+"
    r"|^: Saved|^(?:ASA|PIX|FWSM|NGFW) Version |^!! IOS XR|^! device: .*\bEOS-\d"
    r"|^vrf (?:instance|context) |^ip routing vrf |^feature [a-z]|^vdc \S+ id \d"
    r"|^version \d+\.\d+\(|^interface (?:Vxlan\d|mgmt0|Management\d+/\d|Bundle-Ether|MgmtEth)",
    re.MULTILINE,
)
"""Lines of systems that write much alike: whose file has one is not certain."""


def signature(text: str) -> str:
    """What in the beginning of a file only IOS writes; empty where there is nothing, or another's line."""
    if _OTHERS.search(text):
        return ""
    return next((reason for pattern, reason in _SIGNATURES if pattern.search(text)), "")


def looks_like_ios(text: str) -> bool:
    """True where a file is IOS's for certain."""
    return bool(signature(text))


def claims(raw: RawConfig) -> Claim | None:
    """A claim where a configuration is IOS's for certain."""
    for file in config_files(raw, CONFIG, looks_like_ios):
        reason = signature(beginning(file))
        if reason:
            return Claim("cisco_ios", f"{file.name}: {reason}")
    return None
