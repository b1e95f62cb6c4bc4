"""How a Junos configuration is recognised, in either form."""

from __future__ import annotations

import re

from segaudit.model.snapshot import RawConfig
from segaudit.parse.device_files import beginning, config_files
from segaudit.parse.vendor import Claim
from segaudit.vendors.juniper_junos import platform

_RANCID = re.compile(r"^#\s*RANCID-CONTENT-TYPE:\s*juniper\s*$", re.MULTILINE)
_SET = re.compile(
    r"""^set\ (?:
      version\ \d\d\.\d
    | system\ (?:root-authentication|services\ (?:ssh|netconf|telnet|web-management)\b
             |syslog\ (?:file|user)\ |login\ (?:class\ |user\ \S+\ (?:class|uid)\ ))
    | interfaces\ \S+\ (?:unit\ \d+\b|vlan-tagging|gigether-options|ether-options|aggregated-ether-options
                        |flexible-vlan-tagging|redundant-ether-options)
    | interfaces\ interface-range\ | routing-options\ | routing-instances\ | policy-options\ | chassis[ ]
    | protocols\ (?:bgp\ group\ |ospf3?\ area\ \S+\ (?:interface|area-range)\ |lldp\ interface\ all
                  |mpls\ label-switched-path\ |isis\ (?:level|export))
    | firewall\ (?:family\ |filter\ )
    | groups\ \S+\ (?:system|interfaces|security|protocols|routing-options)[ ]
    | security\ (?:zones|policies|nat|address-book|ike|ipsec|screen)\ | switch-options\ | bridge-domains[ ]
    | class-of-service\ | snmp\ (?:trap-group|community\ \S+\ (?:authorization|clients))[ ]
    | vlans\ \S+\ (?:vlan-id|l3-interface|interface)\ | applications\ application
    )""",
    re.MULTILINE | re.VERBOSE,
)
_OTHERS_SET = re.compile(
    r"""^set\ (?:
      deviceconfig|mgt-config|network\ (?:interface|virtual-router)|rulebase|shared|vsys
    | vrf\ name|service[ ]
    | interfaces\ (?:ethernet|loopback|bonding|wireguard|tunnel|bridge|dummy|openvpn|pppoe|vti)[ ]
    | firewall\ (?:ipv[46]\ |name|all-ping|group)|policy\ (?:route-map|prefix-list)
    )""",
    re.MULTILINE | re.VERBOSE,
)
_BLOCK = re.compile(
    r"""^(?:(?:inactive|replace|protect):\ )?(?:
      system|interfaces|routing-options|routing-instances|policy-options|protocols|firewall|security|groups
    | chassis|vlans|bridge-domains|snmp|applications|switch-options|forwarding-options|class-of-service
    )\ \{\s*$""",
    re.MULTILINE | re.VERBOSE,
)
_INSIDE = re.compile(
    r"""^\s+(?:
      root-authentication\ \{ | unit\ \d+\ \{ | family\ (?:inet6?|ethernet-switching|bridge)\ ?[{;]
    | (?:inactive|replace|protect):\ | policy-statement\ \S+\ \{ | route\ \S+\ (?:next-hop|discard|\{)
    | prefix-list\ \S+\ \{ | instance-type\ [\w-]+; | from-zone\ \S+\ to-zone\ \S+\ \{
    | security-zone\ \S+\ \{ | filter\ \S+\ \{ | autonomous-system\ \d+; | vlan-id\ \d+;
    | authentication-order\ | address-book\ \{ | static-host-mapping\ \{ | router-id\ \S+ | group\ \S+\ \{
    )""",
    re.MULTILINE | re.VERBOSE,
)
_OTHERS_BLOCK = re.compile(
    r"^\s*(?:ethernet eth\d+ \{|loopback lo \{|config-management \{|/\* Warning: Do not remove the"
    r"|// vyos-config-version|ltm |net |sys |devices \{$|<config )",
    re.MULTILINE,
)


def claims(raw: RawConfig) -> Claim | None:
    """A claim where a configuration reads like Junos and like nothing else that looks alike."""
    for file in config_files(raw, platform.CONFIG, looks_like_junos):
        if looks_like_junos(beginning(file)):
            return Claim("juniper_junos", f"{file.name} is a Junos configuration")
    return None


_PART = re.compile(r"^(?:set \S+ |(?:inactive: |replace: )?[a-z][a-z-]+ \{\s*$)", re.MULTILINE)


def looks_like_a_part(text: str) -> bool:
    """True for what may be more of a configuration, if another file is known to be one."""
    return _PART.search(text) is not None


def looks_like_junos(text: str) -> bool:
    """True for the beginning of a Junos configuration: ``set`` commands or blocks in braces."""
    if _OTHERS_SET.search(text) or _OTHERS_BLOCK.search(text):
        return False
    if _RANCID.search(text) or _SET.search(text):
        return True
    return _BLOCK.search(text) is not None and _INSIDE.search(text) is not None
