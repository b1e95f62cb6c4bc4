"""Which files are certainly those of a PAN-OS firewall."""

from __future__ import annotations

import pytest

from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.vendors.paloalto_panos import VENDOR


def claimed(text: str, name: str = "fw.cfg") -> bool:
    claim = VENDOR.claims(RawConfig("d", "", (RawFile(f"devices/d/{name}", text, ""),)))
    return claim is not None and claim.reason != ""


@pytest.mark.parametrize(
    "text",
    [
        '<?xml version="1.0"?>\n<config version="10.1.0" urldb="paloaltonetworks">',
        "<config><devices><entry><vsys>",
        "set deviceconfig system hostname fw",
        "set network interface ethernet ethernet1/1 layer3 ip 10.0.0.1/24",
        "set vsys vsys2 rulebase security rules a action allow",
        "set address a ip-netmask 10.0.0.1",
        "set template T config devices localhost.localdomain vsys vsys1 zone z network layer3 e",
        "set mgt-config users admin phash x",
        "config {\n  devices {\n    localhost.localdomain {\n",
        "deviceconfig {\n  system {\n",
        "policy {\n  panorama {\n  }\n}\n",
        "!RANCID-CONTENT-TYPE: paloalto\nset tag t\n",
    ],
)
def test_claimed(text: str) -> None:
    assert claimed(text)
    assert claimed(text, "running-config.txt")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "set system host-name r1\nset interfaces ge-0/0/0 unit 0 family inet address 10.0.0.1/24",
        "set security zones security-zone trust interfaces ge-0/0/0",
        "set interfaces ethernet eth0 address 10.0.0.1/24",
        "system {\n  host-name r1;\n}\n",
        "security {\n  policies {\n    policy a {\n",
        "config system global\n  set hostname fw\nend\n",
        "hostname r1\ninterface Ethernet1\n",
        "<configuration><system/></configuration>",
        "<opnsense><system/></opnsense>",
        "set address a",
    ],
)
def test_not_claimed(text: str) -> None:
    assert not claimed(text)
    assert not claimed(text, "running-config.txt")
