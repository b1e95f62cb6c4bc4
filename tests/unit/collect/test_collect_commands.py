from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import segaudit.vendors
from segaudit.collect.commands import NotReadOnly, refuse_unless_read_only
from segaudit.model.snapshot import Platform, ShowCommand


def _platforms() -> list[Platform]:
    vendors = Path(segaudit.vendors.__path__[0])
    names = sorted(path.parent.name for path in vendors.glob("*/platform.py"))
    return [importlib.import_module(f"segaudit.vendors.{name}.platform").PLATFORM for name in names]


def test_every_vendor_s_command_is_read_only() -> None:
    platforms = _platforms()
    assert "linux" in {platform.name for platform in platforms}
    for platform in platforms:
        for command in platform.commands:
            refuse_unless_read_only(command)


@pytest.mark.parametrize(
    "command",
    [
        "show running-config",
        "show ip route vrf all json",
        "show configuration | display set | no-more",
        "get router info routing-table all",
        "cat /etc/frr/frr.conf",
        "ip -j -p -d -6 route show table all",
        "ip -j -p -f mpls route show",
        "ip -j -p -4 mroute show table all",
        "ip xfrm policy show",
        "tc -j -p qdisc show",
        "tc -j -p filter show dev eth0",
        "tc filter show dev br-1a2b.100",
        "nft -j list ruleset",
        "nft --debug=netlink list ruleset",
        "vtysh -c 'show bgp vrf all ipv4 unicast json'",
    ],
)
def test_reading_commands_pass(command: str) -> None:
    refuse_unless_read_only(ShowCommand("x", command))


@pytest.mark.parametrize(
    "command",
    [
        "",
        "rm -rf /",
        "reload",
        "configure terminal",
        "uname -n; reboot",
        "uname -n && reboot",
        "uname -n | sh",
        "uname -n > /etc/passwd",
        "uname -n < /dev/null",
        "cat `reboot`",
        "cat $(reboot)",
        "cat $HOME",
        "cat /etc/../etc/shadow*",
        "cat /etc/x\nreboot",
        "cat /etc/x\treboot",
        "ip link set eth0 down",
        "ip xfrm state show",
        "ip -d xfrm state show",
        "ip xfrm monitor show",
        "ip xfrm policy show; ip xfrm state",
        "ip xfrm policy flush",
        "ip -batch x show",
        "ip -b route show",
        "ip -f mpls route flush",
        "bridge -b link show",
        "tc qdisc del dev eth0 root",
        "tc -b qdisc show",
        "tc -batch qdisc show",
        "tc filter show",
        "tc filter show dev",
        "tc filter show dev ",
        "tc filter show dev eth0 parent ffff:",
        "tc filter show dev eth0 eth1",
        "tc filter show dev eth0; reboot",
        "tc filter show dev eth0\nreboot",
        "tc filter show dev eth0\n",
        "tc filter show dev $(reboot)",
        "tc filter show dev 'eth0'",
        "tc filter show dev -batch",
        "tc filter show dev ../eth0",
        "tc filter show dev größe",
        "tc filter show dev \u0661",
        "tc filter show dev a234567890123456",
        "tc filter show block 1",
        "tc filter add dev eth0",
        "tc -b filter show dev eth0",
        "tc -n x filter show dev eth0",
        "ip route add default via 192.0.2.1",
        "ip route show; reboot",
        "ip link show dev eth0 \\\nreboot",
        "sysctl -w net.ipv4.ip_forward=1",
        "sysctl -a -r 'x' 'y'; reboot'",
        r"sysctl -a -r 'x\' ; reboot '",
        "nft flush ruleset",
        "nft -f list ruleset",
        "nft -i list ruleset",
        "nft -jf list ruleset",
        "nft --debug=all list ruleset",
        "nft list ruleset; nft flush ruleset",
        "iptables -F",
        "iptables-save -f /etc/passwd",
        "ipset destroy",
        "ipset save -file /etc/passwd",
        "vtysh -c 'configure terminal' -c 'no router ospf'",
        "vtysh -c 'show version; reload'",
        "vtysh -c 'show version | tee x'",
        "vtysh -c 'show run' -c 'reload'",
        "show running-config | save flash:x",
        "show running-config | redirect tftp://192.0.2.1/x",
        "show running-config; reload",
        "show version | display set; reload",
        "show running-config\nreload",
        "SHOW VERSION",
        "show-and-tell",
    ],
)
def test_anything_else_is_refused(command: str) -> None:
    with pytest.raises(NotReadOnly):
        refuse_unless_read_only(ShowCommand("x", command))
