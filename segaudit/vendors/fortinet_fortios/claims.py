"""How a FortiGate's files are recognised."""

from __future__ import annotations

import re

from segaudit.model.snapshot import RawConfig
from segaudit.parse.device_files import beginning, config_files
from segaudit.parse.vendor import Claim
from segaudit.vendors.fortinet_fortios import platform

_HEADER = re.compile(r"^#config-version=(\w+)-\d+\.\d+", re.MULTILINE)
_MODELS = ("FG", "FW", "FR")
"""FortiGate, FortiWiFi, FortiGate Rugged; Fortinet's other products print the same first line."""

# Without the first line: tables that FortiSwitch, FortiManager and FortiAnalyzer do not have, and the
# grammar around them.
_OWN_TABLE = re.compile(
    r"^config (?:firewall (?:policy6?|address6?|addrgrp6?|service (?:custom|group)|vip6?|vipgrp|ippool"
    r"|local-in-policy6?|internet-service-name|central-snat-map)"
    r"|system (?:zone|sdwan|virtual-wan-link|vdom-link|switch-interface|replacemsg [\w-]+ .+)"
    r"|router (?:policy6?|access-list6?|route-map|bgp)|vpn ipsec phase1-interface|vdom|global)[ \t]*$"
    r"|^[ \t]+set vdom \S+[ \t]*$",
    re.MULTILINE,
)
_GRAMMAR = re.compile(r"^[ \t]*(?:edit|set) \S", re.MULTILINE)
_END = re.compile(r"^[ \t]*(?:end|next)[ \t]*$", re.MULTILINE)


def claims(raw: RawConfig) -> Claim | None:
    """A claim where a file begins like a FortiGate's configuration."""
    files = config_files(raw, platform.RUNNING_CONFIG, looks_like_fortios)
    if files and all(looks_like_fortios(beginning(file)) for file in files):
        return Claim("fortinet_fortios", f"{files[0].name} is a FortiOS configuration")
    return None


def looks_like_fortios(text: str) -> bool:
    """True where ``text`` begins with FortiOS's first line, or has tables that only FortiOS has."""
    header = _HEADER.search(text)
    if header is not None:
        return header[1].upper().startswith(_MODELS)
    return bool(_OWN_TABLE.search(text) and _GRAMMAR.search(text) and _END.search(text))
