"""All records of an EOS device to a ``Device``."""

from __future__ import annotations

from collections.abc import Mapping

from segaudit.model.device import DEFAULT_VRF, Device, Interface
from segaudit.model.flow import Family
from segaudit.model.services import ManagementService
from segaudit.model.snapshot import RawConfig
from segaudit.parse.cisco import switch_device
from segaudit.parse.cisco.interfaces import InterfaceRecord
from segaudit.parse.cisco.lists import ListReader
from segaudit.parse.cisco.route_tables import ToldTables
from segaudit.parse.cisco.switches import SwitchRecord
from segaudit.parse.device_files import DeviceFiles
from segaudit.vendors import switch_tables
from segaudit.vendors.arista_eos import platform
from segaudit.vendors.arista_eos.claims import looks_like_eos
from segaudit.vendors.arista_eos.dialect import EOS
from segaudit.vendors.arista_eos.extract import EosReading, EosSettings, read_config
from segaudit.vendors.arista_eos.show_routes import read_routes

_LIST_SETTINGS = {
    "counters": "counting",
    "statistics": "counting",
    "fragment-rules": "how the hardware holds the rules",
}


def device(raw: RawConfig) -> Device:
    """The device that the configuration among ``raw`` describes.

    Raises:
        SnapshotError: there is no configuration, or more than one.
    """
    files = DeviceFiles(raw)
    file, ledger = switch_tables.only_config(files, platform.PLATFORM, looks_like_eos)
    reading = read_config(file.text, ledger)
    switch = reading.switch
    _account_mapped_vrfs(reading)
    found = switch_device.interfaces(switch, _defaults(switch, reading.settings), EOS)
    tables = switch_tables.routing(switch, found, _told(files, found))
    reader = ListReader(ledger, EOS, switch.groups, _LIST_SETTINGS)
    filters = switch_device.filters(switch, found, reader, reading.policies.acls)
    lines, tallies = files.close()
    return Device(
        name=raw.device,
        platform=platform.PLATFORM.name,
        interfaces=found,
        routes=tables.routes,
        rules=tables.rules,
        acls=filters.acls,
        attachments=filters.attachments,
        forwards=frozenset(family for one in found.values() for family in one.forwarding),
        unknown_translation=switch.translates or any(one.translates for one in switch.interfaces.values()),
        labels=raw.labels,
        lines=lines,
        tallies=tallies,
        services=_services(switch),
        processes=tuple(sorted(set(switch.processes))),
        shared_fate=tuple(sorted(set(switch.shared_fate))),
    )


def _told(files: DeviceFiles, found: Mapping[str, Interface]) -> list[ToldTables]:
    """The routing tables that the switch printed, where they were collected and are understood."""
    told: list[ToldTables] = []
    for family, name in ((Family.IPV4, platform.ROUTES4), (Family.IPV6, platform.ROUTES6)):
        output = files.output(name)
        if output is not None:
            told += switch_tables.whole(read_routes(output[0].text, output[1], family), found)
    return told


def _defaults(switch: SwitchRecord, settings: EosSettings) -> switch_device.Defaults:
    def switched(record: InterfaceRecord) -> bool:
        return not settings.routed_ports if record.switchport is None else record.switchport

    def enabled(record: InterfaceRecord, is_switched: bool) -> bool:
        del is_switched
        shut = settings.shut_ports and record.name.startswith("Ethernet") and "." not in record.name
        return not (shut if record.shutdown is None else record.shutdown)

    def routes(vrf: str, family: Family) -> bool:
        return switch.routed.get((vrf, family), False)

    return switch_device.Defaults(switched, enabled, routes, "Port-Channel", "Management")


def _account_mapped_vrfs(reading: EosReading) -> None:
    """A VRF that VXLAN carries comes and goes over the default one, whatever BGP says of it."""
    for overlay in reading.switch.overlays.values():
        for vrf, span in overlay.vrfs.items():
            reading.switch.vrf(vrf, span).overlay = True
            reading.switch.learn(vrf, "VXLAN carries its packets to other switches")


def _services(switch: SwitchRecord) -> tuple[ManagementService, ...]:
    """SSH is offered unless it is shut down."""
    found = list(switch.services)
    if not switch.ssh_seen:
        found.append(ManagementService("ssh", "", DEFAULT_VRF))
    return tuple(sorted(set(found)))
