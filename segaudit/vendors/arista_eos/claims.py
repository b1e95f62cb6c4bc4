"""How the files of an Arista EOS device are recognised: by lines that no other system writes."""

from __future__ import annotations

import re

from segaudit.model.snapshot import RawConfig
from segaudit.parse.device_files import beginning, config_files
from segaudit.parse.vendor import Claim
from segaudit.vendors.arista_eos.platform import RUNNING_CONFIG

_SIGNATURES = (
    (re.compile(r"^!RANCID-CONTENT-TYPE: arista\b", re.MULTILINE), "RANCID says arista"),
    (re.compile(r"^! device: .*\bEOS-\d", re.MULTILINE), "the header names an EOS version"),
    (re.compile(r"^(?:! )?boot system flash:?\S* ?\S*\.swi\b", re.MULTILINE), "it boots a .swi image"),
    (
        re.compile(
            r"^(?:transceiver qsfp default-mode |service routing protocols model "
            r"|daemon TerminAttr|management api (?:http-commands|gnmi|models)|management cvx$"
            r"|switchport default mode (?:routed|access)$|spanning-tree mode (?:mstp|rapid-pvst)$\n!"
            r"|platform tfa |no service interface inactive )",
            re.MULTILINE,
        ),
        "it has a line that only EOS writes",
    ),
    (re.compile(r"^vrf instance \S+", re.MULTILINE), "it has `vrf instance`"),
    (re.compile(r"^ip routing vrf \S+$", re.MULTILINE), "it has `ip routing vrf`"),
    (
        re.compile(r"^interface (?:Vxlan1|Management[01](?:/1)?)$", re.MULTILINE),
        "it names its interfaces so",
    ),
    (re.compile(r"^mlag configuration$", re.MULTILINE), "it has `mlag configuration`"),
    (re.compile(r"^traffic-policies$", re.MULTILINE), "it has `traffic-policies`"),
)

_OTHERS = re.compile(
    r"^!RANCID-CONTENT-TYPE: (?!arista)\S+"
    r"|^(?:ASA|PIX|FWSM) Version |^Building configuration|^!! IOS XR|^version \d+\.\d"
    r"|^feature [a-z]|^vdc \S+ id \d|^vrf context "
    r"|^interface (?:GigabitEthernet|TenGigE|mgmt0)|^boot (?:nxos|kickstart) ",
    re.MULTILINE,
)
"""Lines of systems that write much alike: whose file has one is not certain."""


def signature(text: str) -> str:
    """What in the beginning of a file only EOS writes; empty where there is nothing, or another's line."""
    if _OTHERS.search(text):
        return ""
    return next((reason for pattern, reason in _SIGNATURES if pattern.search(text)), "")


def looks_like_eos(text: str) -> bool:
    """True where a file is EOS's for certain."""
    return bool(signature(text))


def claims(raw: RawConfig) -> Claim | None:
    """A claim where a configuration is EOS's for certain."""
    for file in config_files(raw, RUNNING_CONFIG, looks_like_eos):
        reason = signature(beginning(file))
        if reason:
            return Claim("arista_eos", f"{file.name}: {reason}")
    return None
