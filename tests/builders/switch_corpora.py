"""The corpora of EOS and NX-OS, read alike: real labs, netlab's snippets, grammar configurations."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from ipaddress import ip_address, ip_interface
from pathlib import Path
from typing import Any

import yaml

from segaudit.model.device import Device
from segaudit.model.flow import Family, Flow
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.model.source import LineFate
from segaudit.parse.vendor import Vendor
from segaudit.routing.configured import local_table_of, table_of

CORPORA = Path(os.environ.get("SEGAUDIT_CORPORA", Path(__file__).parents[3] / "shared" / "corpora"))
ABSENT = f"no corpora at {CORPORA}"
LABS = CORPORA / "real_device_labs"

_PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17}
_FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32}


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


@dataclass(frozen=True)
class SwitchCorpora:
    """What the corpora hold of one operating system.

    ``lab_system`` is its name in ``host_nos.txt``, ``netlab`` and ``grammar`` are folders, ``kinds`` the
    device's words for the three kinds of routes that a configuration makes.
    """

    vendor: Vendor
    lab_system: str
    netlab: str
    grammar: str
    kinds: dict[str, str]
    last_line: str = ""

    def read(self, text: str, name: str = "device") -> Device:
        file = RawFile(f"devices/{name}/running-config.txt", text, sha256(text.encode()).hexdigest())
        return self.vendor.read(RawConfig(name, self.vendor.platform.name, (file,)))

    # -- real devices ------------------------------------------------------------------------------

    def lab_nodes(self) -> Iterator[tuple[str, str, Path]]:
        for systems in sorted(LABS.glob("*/host_nos.txt")):
            for node, system in json.loads(systems.read_text()).items():
                if system == self.lab_system:
                    file = systems.parent / "configs" / node / "show_running-config.txt"
                    yield systems.parent.name, node, file

    @cached_property
    def lab_devices(self) -> dict[tuple[str, str], Device]:
        return {(lab, node): self.read(text_of(path), node) for lab, node, path in self.lab_nodes()}

    def told(self, lab: str, node: str) -> list[dict[str, Any]]:
        rows = json.loads((LABS / lab / "routes.json").read_text())["rows"]
        return [row for row in rows if row["node"] == node]

    def missing_routes(self) -> tuple[set[tuple[str, str, str, str]], Counter[str]]:
        """Routes of the real devices that the model lacks, and how many were looked for."""
        missing, checked = set(), Counter[str]()
        for (lab, node), device in self.lab_devices.items():
            for row in self.told(lab, node):
                kind = self.kinds.get(row["protocol"])
                if kind is not None:
                    checked[kind] += 1
                    if not _in_table(device, row, kind):
                        missing.add((lab, node, row["vrf"], f"{kind} {row['prefix']}"))
        return missing, checked

    def surplus_routes(self) -> set[tuple[str, str, str, str]]:
        """Connected routes of the model that the real device had not."""
        surplus = set()
        for (lab, node), device in self.lab_devices.items():
            told = {(table_of(row["vrf"]), row["prefix"]) for row in self.told(lab, node)}
            surplus |= {
                (lab, node, route.table, str(route))
                for route in device.routes
                if told
                and route.protocol == "connected"
                and route.family is Family.IPV4
                and (route.table, str(route)) not in told
            }
        return surplus

    # -- netlab ------------------------------------------------------------------------------------

    def netlab_nodes(self) -> Iterator[tuple[Path, str, dict[str, Any], str]]:
        """Folder, node, its facts, and its snippets in the order that they are applied."""
        for lab in sorted((CORPORA / "netlab_generated").glob(f"*/*/{self.netlab}/lab.json")):
            for name, node in json.loads(lab.read_text())["nodes"].items():
                if node["device"] == self.netlab:
                    parts = {path.name.split(".")[1]: path for path in lab.parent.glob(f"{name}.*.cfg")}
                    order = [part for part in ["normalize", "initial"] if part in parts]
                    order += sorted(set(parts) - {*order, "hosts"})
                    text = "\n".join(text_of(parts[part]) for part in order)
                    yield lab.parent, name, node, f"{text}\n{self.last_line}"

    def netlab_differences(self, full_name: Callable[[str], str]) -> tuple[list[str], int]:
        """Where addresses, VRFs or switchports are not those of the lab; and how many were compared."""
        wrong, checked = [], 0
        for folder, name, node, text in self.netlab_nodes():
            device = self.read(text, name)
            where = f"{folder.parent.name} {name}"
            wrong += [f"{where}: {line}" for line in unread(device)]
            for port in node["interfaces"]:
                interface = device.interfaces[full_name(port["name"])]
                assigned = {str(one) for one in interface.addresses}
                wanted = {str(ip_interface(port[key])) for key in ("ipv4", "ipv6") if _is_text(port[key])}
                checked += len(wanted) + 1
                wrong += [f"{where}: {interface.name} {one}" for one in sorted(wanted - assigned)]
                if interface.vrf != (port["vrf"] or "default"):
                    wrong.append(f"{where}: {interface.name} in {interface.vrf}")
                wrong += [
                    f"{where}: {interface.name} {one}" for one in _vlans_missing(interface, port["vlan"])
                ]
        return wrong, checked

    # -- show output -------------------------------------------------------------------------------

    def route_outputs(self) -> Iterator[tuple[Path, set[tuple[str, str]]]]:
        """``show ip route`` outputs, with the VRF and prefix of each route as ntc-templates reads them."""
        folder = CORPORA / "ntc_show_outputs" / self.vendor.name / "show_ip_route"
        for path in sorted(folder.glob("*.raw")):
            read = path.with_suffix(".yml")
            rows = yaml.safe_load(text_of(read))["parsed_sample"] if read.is_file() else []
            yield (
                path,
                {
                    (
                        row["vrf"] or "default",
                        str(ip_interface(f"{row['network']}/{row['prefix_length']}").network),
                    )
                    for row in rows
                    if row["network"]
                },
            )

    # -- grammars ----------------------------------------------------------------------------------

    def grammar_configs(self) -> list[Path]:
        folder = CORPORA / "batfish" / "parser" / self.grammar
        return sorted(path for path in folder.rglob("*") if path.is_file())


def unread(device: Device) -> list[str]:
    """The lines that were not understood."""
    return [line.text for line in device.lines if line.fate == LineFate.UNRECOGNIZED.value]


def tallied(devices: list[Device]) -> Counter[str]:
    """The fates of all lines."""
    total = Counter[str]()
    for device in devices:
        for tally in device.tallies:
            total.update({fate.value: getattr(tally, fate.value) for fate in LineFate})
    return total


def flow_of(packet: dict[str, Any]) -> Flow:
    """A packet of the aerleon truth."""
    return Flow(
        Family.IPV4,
        _PROTOCOLS.get(packet["proto"]) or int(packet["proto"]),
        int(ip_address(packet["src"])),
        int(ip_address(packet["dst"])),
        source_port=packet.get("sport", 0),
        destination_port=packet.get("dport", 0),
        icmp_type=packet.get("icmp_type", 0),
        icmp_code=packet.get("icmp_code", 0),
        tcp_flags=sum(_FLAGS[letter] for letter in packet.get("flags", "")),
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _in_table(device: Device, row: dict[str, Any], kind: str) -> bool:
    table = local_table_of(row["vrf"]) if kind == "local" else table_of(row["vrf"])
    for route in device.routes:
        if (route.table, str(route), route.protocol) == (table, row["prefix"], kind):
            hops = {(hop.interface or "").lower() for hop in route.next_hops}
            if kind != "connected" or not row["next_hop_int"] or row["next_hop_int"].lower() in hops:
                return True
    return False


def _vlans_missing(interface: Any, vlan: dict[str, Any]) -> Iterator[str]:
    """VLANs of the lab that a port does not carry; a native one that it does not allow is not asked for."""
    access = [vlan["access_id"]] if "access_id" in vlan else []
    wanted = vlan.get("trunk_id", access)
    port = interface.switchport
    for number in wanted if port is not None else ():
        carried = number in (port.access_vlan, port.native_vlan)
        if not carried and not any(first <= number <= last for first, last in port.trunk_vlans):
            yield f"does not carry VLAN {number}"
