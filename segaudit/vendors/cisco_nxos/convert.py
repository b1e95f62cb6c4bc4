"""All records of an NX-OS device to a ``Device``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from segaudit.model.acl import Acl, AclAttachment
from segaudit.model.device import DEFAULT_VRF, Device, Interface, InterfaceKind
from segaudit.model.flow import Family
from segaudit.model.services import ManagementService
from segaudit.model.snapshot import RawConfig
from segaudit.parse.cisco import switch_device
from segaudit.parse.cisco.interfaces import InterfaceRecord
from segaudit.parse.cisco.lists import ND_PERHAPS, ListReader, list_name
from segaudit.parse.cisco.route_tables import ToldTables
from segaudit.parse.cisco.source_routes import REASON, source_routes
from segaudit.parse.cisco.switches import SwitchRecord, runs
from segaudit.parse.device_files import DeviceFiles
from segaudit.parse.ledger import LineLedger
from segaudit.vendors import switch_tables
from segaudit.vendors.cisco_nxos import platform
from segaudit.vendors.cisco_nxos.claims import looks_like_nxos
from segaudit.vendors.cisco_nxos.dialect import NXOS
from segaudit.vendors.cisco_nxos.extract import NxosReading, NxosSettings, read_config
from segaudit.vendors.cisco_nxos.show_routes import read_routes

_LIST_SETTINGS = {"statistics": "counting", "ignore": "which packets are counted"}

# N9K Security 9.x, "Implicit Rules for IP and MAC ACLs": neighbour discovery is not permitted unwritten.
_NO_IMPLIED_ND = re.compile(r"(?:9|10)\.|7\.0\(3\)[IF]")


def device(raw: RawConfig) -> Device:
    """The device that the configuration among ``raw`` describes.

    Raises:
        SnapshotError: there is no configuration, or more than one.
    """
    files = DeviceFiles(raw)
    file, ledger = switch_tables.only_config(files, platform.PLATFORM, looks_like_nxos)
    reading = read_config(file.text, ledger)
    switch = reading.switch
    _place_overlays(switch)
    _place_protocols(switch)
    _place_lost_bgp(reading)
    defaults = _defaults(reading.settings, switch.interfaces.values(), ledger)
    found = switch_device.interfaces(switch, defaults, NXOS)
    if not reading.settings.version:
        _account_dead_vlans(found, ledger)
    tables = switch_tables.routing(switch, found, _told(files, found))
    implied = () if _NO_IMPLIED_ND.match(reading.settings.version) else ND_PERHAPS
    reader = ListReader(ledger, NXOS, switch.groups, _LIST_SETTINGS, implied)
    filters = switch_device.filters(switch, found, reader)
    forwards = frozenset(family for one in found.values() for family in one.forwarding)
    steering, steered = _source_routes(reading, found, ledger, file.text)
    lines, tallies = files.close()
    return Device(
        name=raw.device,
        platform=platform.PLATFORM.name,
        interfaces=found,
        routes=tables.routes,
        rules=tables.rules,
        acls={**filters.acls, **steering},
        attachments=(*filters.attachments, *steered),
        forwards=forwards,
        unknown_translation=switch.translates or any(one.translates for one in switch.interfaces.values()),
        labels=raw.labels,
        lines=lines,
        tallies=tallies,
        services=_services(reading),
        processes=tuple(sorted(set(switch.processes))),
        shared_fate=tuple(sorted(set(switch.shared_fate))),
    )


# ---- defaults -----------------------------------------------------------------------------------


def _told(files: DeviceFiles, found: Mapping[str, Interface]) -> list[ToldTables]:
    """The routing tables that the switch printed, where they were collected and are understood."""
    told: list[ToldTables] = []
    for family, name in ((Family.IPV4, platform.ROUTES4), (Family.IPV6, platform.ROUTES6)):
        output = files.output(name)
        if output is not None:
            told += switch_tables.whole(read_routes(output[0].text, output[1], family), found)
    return told


def _defaults(
    settings: NxosSettings, records: Iterable[InterfaceRecord], ledger: LineLedger
) -> switch_device.Defaults:
    ports = [record for record in records if record.name.startswith(("Ethernet", "port-channel"))]
    plain = [port for port in ports if "." not in port.name]
    layer2 = _layer2_by_default(settings, plain)

    def switched(record: InterfaceRecord) -> bool:
        if record.switchport is None:
            return layer2 and not _shows_routing(record)
        return record.switchport

    routed = [port for port in ports if port.name.startswith("Ethernet") and not switched(port)]
    shut = _routed_ports_shut(routed)
    if shut is None:
        _account_unknown_state(routed, ledger)

    def enabled(record: InterfaceRecord, is_switched: bool) -> bool:
        if record.shutdown is not None:
            return not record.shutdown
        if is_switched:
            return not settings.layer2_shut
        if record.name.startswith("Vlan"):
            return False
        return not (record.name.startswith("Ethernet") and shut)

    return switch_device.Defaults(switched, enabled, lambda _vrf, _family: True, "port-channel", "mgmt")


def _account_dead_vlans(found: Mapping[str, Interface], ledger: LineLedger) -> None:
    """An SVI is down where no port carries its VLAN; a part of a configuration does not list every port."""
    for one in found.values():
        if one.kind is InterfaceKind.VLAN and one.parent is None and one.span and not one.operational:
            line, reason = one.span.first_line, "ports that are not listed may carry its VLAN"
            ledger.unsupported(line, line, reason, bounded=False)


def _shows_routing(record: InterfaceRecord) -> bool:
    """A switchport takes neither an address nor a VRF."""
    return bool(record.addresses or record.vrf or record.ipv6 or record.learns_address or record.virtual)


def _layer2_by_default(settings: NxosSettings, ports: list[InterfaceRecord]) -> bool:
    """What a port is where no line says so: a default is not printed, so what is printed is the other."""
    if settings.layer2_ports is not None:
        return settings.layer2_ports
    shown = {port.switchport for port in ports if port.switchport is not None}
    return shown != {True}


def _routed_ports_shut(ports: list[InterfaceRecord]) -> bool | None:
    """Whether routed ports are shut down by default, as far as those that say something show it."""
    shown = {port.shutdown for port in ports if port.shutdown is not None}
    if False in shown:
        return True
    return False if True in shown else None


def _account_unknown_state(ports: list[InterfaceRecord], ledger: LineLedger) -> None:
    for port in ports:
        if _shows_routing(port):
            line = port.span.first_line
            reason = "whether a routed port is up by default depends on the platform: it counts as up"
            ledger.unsupported(line, line, reason, bounded=False)


def _source_routes(
    reading: NxosReading, found: Mapping[str, Interface], ledger: LineLedger, text: str
) -> tuple[dict[str, Acl], tuple[AclAttachment, ...]]:
    """What source routes may do, where they are not switched off."""
    if not reading.settings.source_routes:
        return {}, ()
    records = reading.switch.interfaces.values()
    learned = frozenset(one.vrf or DEFAULT_VRF for one in records if Family.IPV4 in one.learns_address)
    made = source_routes(found, learned)
    if made is None:
        return {}, ()
    acl, attachment = made
    ledger.unsupported(text.rstrip().count("\n") + 1, None, REASON, bounded=True, text=acl.name)
    return {acl.name: acl}, (attachment,)


# ---- overlays, protocols, services --------------------------------------------------------------


def _place_overlays(switch: SwitchRecord) -> None:
    """Which VLANs and VRFs the network identifiers of ``nve`` stand for."""
    by_segment = {one.segment: one for one in switch.vlans.values() if one.segment is not None}
    vrf_of = {one.segment: one for one in switch.vrfs.values() if one.segment is not None}
    for overlay in switch.overlays.values():
        overlay.source = NXOS.interface(overlay.source) if overlay.source else None
        numbers = [by_segment[one].number for one in overlay.segments if one in by_segment]
        overlay.vlans += [(number, number) for number in numbers]
        for segment, span in overlay.vrf_segments.items():
            if segment in vrf_of:
                vrf = vrf_of[segment]
                overlay.vrfs[vrf.name] = span
                switch.learn(vrf.name, "VXLAN carries its packets to other switches")


def _place_protocols(switch: SwitchRecord) -> None:
    """A protocol runs in the VRF of each interface that speaks it."""
    for record in switch.interfaces.values():
        for protocol in sorted(record.protocols):
            runs(switch, protocol, record.vrf or DEFAULT_VRF, "", record.span)


def _place_lost_bgp(reading: NxosReading) -> None:
    """BGP that is on without a process: its lines stand last, and nothing marks the end of the file."""
    switch = reading.switch
    if reading.settings.bgp and not any(one.protocol == "bgp" for one in switch.processes):
        for vrf in (DEFAULT_VRF, *sorted(switch.vrfs)):
            switch.learn(vrf, "BGP is on and its process does not stand here: the end may be missing")


def _services(reading: NxosReading) -> tuple[ManagementService, ...]:
    found = list(reading.switch.services)
    lists = [list_name(guard.family, guard.acl) for guard in reading.switch.guards]
    limited = lists[0] if lists else ""
    if reading.settings.ssh:
        found.append(ManagementService("ssh", limited))
    if reading.settings.telnet:
        found.append(ManagementService("telnet", limited))
    return tuple(sorted(set(found)))
