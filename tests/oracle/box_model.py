"""What the engine says of single packets at one router."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache

from oracle.box import Arrival
from oracle.words import Sending

from segaudit.model.device import Device
from segaudit.model.flow import Family, Flow
from segaudit.packets import HeaderField, HeaderSpace, Universe
from segaudit.packets.space import flow_value
from segaudit.reach.device_path import DevicePath, Level

_FIELDS = tuple(one for one in HeaderField if hasattr(Flow, one.value))


@dataclass(slots=True)
class Packets:
    """Single packets as sets, in one universe per family; the parts of headers are kept."""

    universes: dict[Family, Universe] = field(
        default_factory=lambda: {family: Universe(family, 1 << 22) for family in Family}
    )
    _parts: dict[tuple[Family, HeaderField, int], HeaderSpace] = field(default_factory=dict)

    def of(self, flow: Flow, *loose: HeaderField) -> HeaderSpace:
        """The set that holds just ``flow``, whatever the fields of ``loose``."""
        found = self.universes[flow.family].all
        for one in reversed(_FIELDS):
            if one not in loose:
                found &= self._part(flow.family, one, flow_value(flow, one))
        return found

    def _part(self, family: Family, one: HeaderField, value: int) -> HeaderSpace:
        key = (family, one, value)
        if key not in self._parts:
            self._parts[key] = self.universes[family].value(one, value)
        return self._parts[key]


UNSEEN = (
    HeaderField.SOURCE_PORT,
    HeaderField.DESTINATION_PORT,
    HeaderField.TCP_FLAGS,
    HeaderField.ICMP_TYPE,
    HeaderField.ICMP_CODE,
)
"""What a later fragment does not show; in the model it keeps what its datagram has."""


class BoxModel:
    """One device: per packet what may and what must leave it.

    Where the device translates nothing, what passes is computed once for all packets; else packet by
    packet.
    """

    def __init__(self, device: Device, packets: Packets) -> None:
        self.device = device
        self.packets = packets
        self.doubtful = any(not line.bounded for line in device.lines) or device.unknown_translation
        translating = [one for one in device.attachments if one.translates]
        self.translates = {
            family: any(family in one.families and device.acls[one.acl].aces for one in translating)
            for family in Family
        }
        self.path = cache(self._path)
        self._whole = cache(self._everything)
        self._bare = cache(self._routes_alone)

    def _path(self, family: Family, level: Level) -> DevicePath:
        return DevicePath(self.device, self.packets.universes[family], level)

    def _everything(
        self, family: Family, level: Level, interface: str, connections: bool
    ) -> dict[str, HeaderSpace]:
        return self._leaving(self.packets.universes[family].all, family, level, interface, connections)

    def _leaving(
        self, packets: HeaderSpace, family: Family, level: Level, interface: str, connections: bool
    ) -> dict[str, HeaderSpace]:
        passage = self.path(family, level).passage(interface, packets, connections)
        found: dict[str, HeaderSpace] = {}
        for emission in passage.emissions:
            known = found.get(emission.interface)
            found[emission.interface] = emission.packets if known is None else known | emission.packets
        return found

    def image(self, flow: Flow, level: Level, interface: str, connections: bool) -> dict[str, HeaderSpace]:
        """Per output interface, the headers that ``flow``, received on ``interface``, leaves with."""
        if self.translates[flow.family]:
            return self._leaving(self.packets.of(flow), flow.family, level, interface, connections)
        return self._whole(flow.family, level, interface, connections)

    def may(self, flow: Flow, interface: str, arrival: Arrival, connections: bool) -> bool:
        """True where ``flow``, received on ``interface``, may come out as ``arrival``."""
        if not self.translates[flow.family] and not _unchanged(flow, arrival.flow):
            return False
        space = self.image(flow, Level.MAY, interface, connections).get(arrival.interface)
        if space is None:
            return False
        came = arrival.flow
        loose: tuple[HeaderField, ...] = ()
        if came.fragment and self.translates[flow.family]:
            loose = UNSEEN
        elif came.fragment:
            came = replace(flow, fragment=True)
        return not (self.packets.of(came, *loose) & space).is_empty

    def must(self, sent: Sending) -> list[str]:
        """The interfaces that a packet must leave by.

        Where several next hops share its route the kernel picks one by a hash, which the model does not
        know: then nothing is demanded.
        """
        flow = sent.flow
        image = self.image(flow, Level.MUST, sent.interface, False)
        if not self.translates[flow.family]:
            image = {name: self.packets.of(flow) & space for name, space in image.items()}
        ways = [name for name, space in image.items() if not space.is_empty]
        return [] if ways and self._shared(flow, sent.interface) else ways

    def _shared(self, flow: Flow, interface: str) -> bool:
        """True where a packet's route may have several next hops."""
        if self.translates[flow.family]:
            return any(len(one.next_hops) > 1 and one.family is flow.family for one in self.device.routes)
        bare = self._bare(flow.family).passage(interface, self.packets.of(flow), False)
        return len({(one.interface, one.next_hop) for one in bare.emissions}) > 1

    def _routes_alone(self, family: Family) -> DevicePath:
        bare = replace(self.device, acls={}, attachments=(), tracks_connections=False)
        return DevicePath(bare, self.packets.universes[family])

    def may_pass(self, flow: Flow, interface: str) -> bool:
        """True where ``flow`` may come out at all."""
        image = self.image(flow, Level.MAY, interface, False)
        if self.translates[flow.family]:
            return any(not space.is_empty for space in image.values())
        own = self.packets.of(flow)
        return any(not (own & space).is_empty for space in image.values())


def _unchanged(sent: Flow, arrived: Flow) -> bool:
    ends = (sent.source, sent.destination) == (arrived.source, arrived.destination)
    ports = arrived.fragment or (sent.source_port, sent.destination_port) == (
        arrived.source_port,
        arrived.destination_port,
    )
    return ends and ports
