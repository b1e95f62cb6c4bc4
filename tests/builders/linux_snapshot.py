"""Snapshot folders of small Linux networks, as the platform's commands print them, from a few words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_interface, ip_network
from pathlib import Path
from typing import Any

from segaudit.documents.snapshot_folder import sha256_of, write_snapshot
from segaudit.model.snapshot import RawConfig, RawFile, RawSnapshot
from segaudit.model.topology import Link, TerminationPoint
from segaudit.vendors.linux.platform import PLATFORM, SYSCTL_NAMES

Json = dict[str, Any]

_COMMANDS = {one.file: one.command for one in PLATFORM.commands}

RULES = (
    {"priority": 0, "src": "all", "table": "local"},
    {"priority": 32766, "src": "all", "table": "main"},
)

_EMPTY = (
    "ip-neighbour-proxy.json",
    "tc-qdisc.json",
    "ip-mpls-route.json",
    "ip-mroute4.json",
    "ip-mroute6.json",
)


@dataclass(frozen=True, slots=True)
class Box:
    """One device.

    ``interfaces`` maps a name to its addresses, ``routes`` are ``"prefix via gateway dev name table T"``,
    ``vrfs`` maps a VRF to its table and ports, ``files`` adds or replaces files.
    """

    name: str
    interfaces: Mapping[str, tuple[str, ...]]
    routes: tuple[str, ...] = ()
    forwards: bool = True
    rules: tuple[Json, ...] = RULES
    vrfs: Mapping[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def write_network(root: Path, boxes: Sequence[Box], wires: Iterable[tuple[str, ...]]) -> Path:
    """The folder ``root``, with every wire closed; an end is ``device:interface``."""
    links = tuple(Link(tuple(sorted(map(_end, ends))), "topology", True) for ends in wires)
    configs = tuple(RawConfig(box.name, "linux", tuple(_files(box))) for box in boxes)
    write_snapshot(root, RawSnapshot(str(root), configs, links=links))
    return root


def _end(text: str) -> TerminationPoint:
    device, _, interface = text.partition(":")
    return TerminationPoint(device, interface)


def _files(box: Box) -> Iterable[RawFile]:
    texts = {
        "hostname.txt": f"{box.name}\n",
        "ip-link.json": json.dumps(list(_links(box)), indent=1),
        "ip-address.json": json.dumps(list(_addresses(box)), indent=1),
        "ip-route4.json": json.dumps(_routes(box, 4), indent=1),
        "ip-route6.json": json.dumps(_routes(box, 6), indent=1),
        "ip-rule4.json": json.dumps(box.rules, indent=1),
        "ip-rule6.json": json.dumps(RULES, indent=1),
        "sysctl.txt": "".join(f"{line}\n" for line in _settings(box)),
        "nftables.json": '{"nftables": [{"metainfo": {"json_schema_version": 1}}]}',
        "nftables.txt": "",
        "ip-xfrm-policy.txt": "",
        **dict.fromkeys(_EMPTY, "[ ]"),
        **box.files,
    }
    for name, text in sorted(texts.items()):
        command = _COMMANDS.get(name, "")
        yield RawFile(f"devices/{box.name}/{name}", text, sha256_of(text), command, exit_status=0)


def _links(box: Box) -> Iterable[Json]:
    yield {
        "ifname": "lo",
        "flags": ["LOOPBACK", "UP", "LOWER_UP"],
        "link_type": "loopback",
        "operstate": "UNKNOWN",
    }
    masters = {port: name for name, (_, ports) in box.vrfs.items() for port in ports}
    for number, name in enumerate(box.interfaces):
        mac = bytes((2, *sha256_of(box.name)[:4].encode(), number)).hex(":")
        link: Json = {
            "ifname": name, "flags": ["BROADCAST", "UP", "LOWER_UP"], "link_type": "ether", "address": mac,
            "operstate": "UP", "mtu": 1500,
        }  # fmt: skip
        if name in masters:
            link |= {"master": masters[name], "linkinfo": {"info_slave_kind": "vrf"}}
        yield link
    for name, (table, _) in box.vrfs.items():
        kind = {"info_kind": "vrf", "info_data": {"table": table}}
        yield {
            "ifname": name,
            "flags": ["NOARP", "UP", "LOWER_UP"],
            "link_type": "ether",
            "linkinfo": kind,
            "operstate": "UP",
        }


def _addresses(box: Box) -> Iterable[Json]:
    for name, addresses in box.interfaces.items():
        found = [ip_interface(text) for text in addresses]
        info = [
            {
                "family": "inet" if one.version == 4 else "inet6",
                "local": str(one.ip),
                "prefixlen": one.network.prefixlen,
            }
            for one in found
        ]
        yield {"ifname": name, "addr_info": info}


def _routes(box: Box, version: int) -> list[Json]:
    """The connected and local routes of the addresses, in their VRF's table, and those of ``box``."""
    tables = {port: str(table) for table, ports in box.vrfs.values() for port in ports}
    made: list[Json] = []
    for name, addresses in box.interfaces.items():
        for one in map(ip_interface, addresses):
            if one.version == version:
                local, main = tables.get(name, "local"), tables.get(name, "main")
                made.append({"type": "local", "dst": str(one.ip), "dev": name, "table": local})
                made.append({"dst": str(one.network), "dev": name, "table": main})
    for words in (text.split() for text in box.routes):
        if ip_network(words[0]).version == version:
            options = dict(zip(words[1::2], words[2::2], strict=True))
            made.append(
                {
                    "dst": words[0],
                    "gateway": options.get("via"),
                    "dev": options["dev"],
                    "table": options.get("table", "main"),
                }
            )
    return [{key: value for key, value in one.items() if value is not None} for one in made]


def _settings(box: Box) -> Iterable[str]:
    on = int(box.forwards)
    for family in ("ipv4", "ipv6"):
        for name in ("all", "default", "lo", *box.interfaces, *box.vrfs):
            for setting in SYSCTL_NAMES:
                yield f"net.{family}.conf.{name}.{setting} = {on if setting == 'forwarding' else 0}"
