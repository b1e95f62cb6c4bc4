"""How a PAN-OS configuration is recognised, whatever its form and its file's name."""

from __future__ import annotations

import re

from segaudit.model.snapshot import RawConfig
from segaudit.parse.device_files import beginning, config_files
from segaudit.parse.vendor import Claim
from segaudit.vendors.paloalto_panos import platform

_XML = re.compile(
    r'<config\b[^>]*\burldb="paloaltonetworks"|<config\b[^>]*>\s*(?:<!--.*?-->\s*)*<(?:devices|mgt-config|shared)>'
)
_AHEAD = (
    r"^\s*set (?:config )?(?:devices localhost\.localdomain )?"
    r"(?:(?:template|device-group) \S+ (?:config )?(?:devices localhost\.localdomain )?)?(?:vsys \S+ )?"
)
_SET = re.compile(
    _AHEAD + r"(?:deviceconfig (?:system|setting|high-availability) |mgt-config |policy panorama "
    r"|network (?:virtual-router|logical-router|profiles interface-management-profile) "
    r"|network interface (?:ethernet|aggregate-ethernet) \S+ "
    r"|rulebase (?:security|nat) rules |(?:shared )?address \S+ (?:ip-netmask|ip-range|fqdn) "
    r"|zone \S+ network (?:layer3|layer2|virtual-wire|tap|external) )",
    re.MULTILINE,
)
_BRACES = re.compile(
    r"^ {0,6}(?:deviceconfig|mgt-config|localhost\.localdomain) \{\s*$|^ ?policy \{\s*\n\s*panorama \{",
    re.MULTILINE,
)
_RANCID = re.compile(r"^[!#]RANCID-CONTENT-TYPE: paloalto\s*$", re.MULTILINE)


def looks_like(text: str) -> bool:
    """True where the first characters of a file are certainly those of a PAN-OS configuration."""
    return any(sign.search(text) for sign in (_XML, _SET, _BRACES, _RANCID))


def claims(raw: RawConfig) -> Claim | None:
    """A claim where a file has the sections that only PAN-OS has."""
    for file in config_files(raw, platform.CONFIG, looks_like):
        if looks_like(beginning(file)):
            return Claim("paloalto_panos", f"{file.name} has the sections of a PAN-OS configuration")
    return None
