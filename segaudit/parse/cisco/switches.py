"""What EOS and NX-OS say alike: VLANs, VRFs, lists, static routes, overlays, services.

A vendor's ``extract`` fills one ``SwitchRecord`` through a ``SwitchReading``; ``switch_device`` makes the
neutral parts of it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

from segaudit.model.device import DEFAULT_VRF
from segaudit.model.flow import Family
from segaudit.model.services import ManagementService, RoutingProcess, SharedFate
from segaudit.model.source import LineFate, SourceSpan
from segaudit.parse.cisco import addresses, vlans
from segaudit.parse.cisco.dialect import Dialect
from segaudit.parse.cisco.dispatch import Table
from segaudit.parse.cisco.fates import FACT, NOT_UNDERSTOOD, Fate, ignored, note, unrecognized, unsupported
from segaudit.parse.cisco.groups import Groups
from segaudit.parse.cisco.interfaces import COMMON, InterfaceRecord, LineReader
from segaudit.parse.cisco.lists import ListRecord
from segaudit.parse.cisco.names import full_interface_name
from segaudit.parse.cisco.sections import Modes, comment, note_block, opens, read_line, read_lines, shown
from segaudit.parse.cisco.statics import StaticRecord, read_static
from segaudit.parse.cisco.words import Words
from segaudit.parse.indent import Block
from segaudit.parse.ledger import LineLedger

Record = TypeVar("Record")

_MOST_IN_A_RANGE = 4096
"""Interfaces or VLANs that one line may configure."""


@dataclass(slots=True)
class VlanRecord:
    """A VLAN of the switch; ``groups`` are EOS trunk groups, ``segment`` a VXLAN network identifier."""

    number: int
    span: SourceSpan
    groups: set[str] = field(default_factory=set)
    segment: int | None = None


@dataclass(slots=True)
class VrfRecord:
    """A VRF: what it takes from others, and whether its routes come and go over an overlay or MPLS."""

    name: str
    span: SourceSpan
    imports: set[str] = field(default_factory=set)
    exports: set[str] = field(default_factory=set)
    leaks: set[str] = field(default_factory=set)
    overlay: bool = False
    segment: int | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """A list that limits what is sent to the switch itself: all of it, or to TCP ``ports``."""

    acl: str
    family: Family
    vrf: str | None
    ports: tuple[int, ...]
    span: SourceSpan


@dataclass(slots=True)
class SwitchInterface(InterfaceRecord):
    """An interface with what switches say besides.

    ``without_address`` are families that it routes though it has no address of them. ``always_up`` is true
    for an SVI that does not ask for a port. ``droppers`` may drop packets and are not modelled:
    inbound or not, text, line, families. ``chains`` are filters of both families: name, inbound or not,
    line.
    """

    trunk_groups: set[str] = field(default_factory=set)
    always_up: bool = False
    without_address: set[Family] = field(default_factory=set)
    droppers: list[tuple[bool, str, SourceSpan, frozenset[Family]]] = field(default_factory=list)
    chains: list[tuple[str, bool, SourceSpan]] = field(default_factory=list)
    translates: bool = False
    protocols: set[str] = field(default_factory=set)


@dataclass(slots=True)
class OverlayRecord:
    """A VXLAN tunnel interface (``Vxlan1``, ``nve1``): the VLANs and VRFs that it carries."""

    name: str
    span: SourceSpan
    shutdown: bool = False
    source: str | None = None
    vlans: list[tuple[int, int]] = field(default_factory=list)
    vrfs: dict[str, SourceSpan] = field(default_factory=dict)
    segments: dict[int, SourceSpan] = field(default_factory=dict)
    vrf_segments: dict[int, SourceSpan] = field(default_factory=dict)


@dataclass(slots=True)
class SwitchRecord:
    """One switch as its configuration describes it."""

    interfaces: dict[str, SwitchInterface] = field(default_factory=dict)
    vlans: dict[int, VlanRecord] = field(default_factory=dict)
    vrfs: dict[str, VrfRecord] = field(default_factory=dict)
    overlays: dict[str, OverlayRecord] = field(default_factory=dict)
    routed: dict[tuple[str, Family], bool] = field(default_factory=dict)
    statics: list[tuple[str, StaticRecord]] = field(default_factory=list)
    lists: dict[tuple[Family, str], ListRecord] = field(default_factory=dict)
    groups: Groups = field(default_factory=Groups)
    learning: dict[tuple[str, Family], str] = field(default_factory=dict)
    guards: list[Guard] = field(default_factory=list)
    filtered_vlans: list[tuple[tuple[int, int], SourceSpan, str]] = field(default_factory=list)
    translates: bool = False
    labels: bool = False
    """MPLS may carry packets of any VRF over interfaces of the default one."""
    ssh_seen: bool = False
    services: list[ManagementService] = field(default_factory=list)
    processes: list[RoutingProcess] = field(default_factory=list)
    shared_fate: list[SharedFate] = field(default_factory=list)

    def interface(self, name: str, span: SourceSpan) -> SwitchInterface:
        """The record of an interface, new or as it was left."""
        return self.interfaces.setdefault(name, SwitchInterface(name, span))

    def vlan(self, number: int, span: SourceSpan) -> VlanRecord:
        """The record of a VLAN."""
        return self.vlans.setdefault(number, VlanRecord(number, span))

    def vrf(self, name: str, span: SourceSpan) -> VrfRecord:
        """The record of a VRF."""
        return self.vrfs.setdefault(name, VrfRecord(name, span))

    def overlay(self, name: str, span: SourceSpan) -> OverlayRecord:
        """The record of a VXLAN tunnel interface."""
        return self.overlays.setdefault(name, OverlayRecord(name, span))

    def learn(self, vrf: str, reason: str, families: Sequence[Family] = tuple(Family)) -> None:
        """Note why a VRF may have routes that are not written; the first reason stands."""
        for family in families:
            self.learning.setdefault((vrf, family), reason)

    def share(self, kind: str, value: str, span: SourceSpan) -> None:
        """Note something that two networks may have in common."""
        if value:
            self.shared_fate.append(SharedFate(kind, value, span))


class SwitchReading:
    """The reading of one configuration: what every top-level reader gets.

    ``block`` is the line being read with all below it. ``ignored_modes`` are the first words of lines that
    open a mode of which nothing matters; below any other line that is ignored nothing should stand, so that
    what does is read.
    """

    def __init__(
        self,
        ledger: LineLedger,
        dialect: Dialect,
        interface_lines: Table[SwitchInterface],
        ignored_modes: frozenset[str],
    ) -> None:
        self._ignored_modes = ignored_modes
        self.ledger = ledger
        self.dialect = dialect
        self.interface_lines = interface_lines
        self.switch = SwitchRecord()
        self.block: Block
        self._consumed = False

    def read(self, tree: Sequence[Block], table: Table[SwitchReading]) -> None:
        """Read the top-level lines; a reader that returns FACT also answers for what stands below."""
        for line in tree:
            if line.line.is_comment:
                comment(self.ledger, line)
                continue
            self.block, self._consumed = line, False
            fate = read_line(self.ledger, line, table, self)
            skipped = fate.fate is LineFate.IGNORED and opens(line, self._ignored_modes)
            if skipped or fate.fate not in (LineFate.FACT, LineFate.IGNORED):
                note_block(self.ledger, line, fate)
                continue
            if line.literal:
                note_block(self.ledger, line, fate)
            note(self.ledger, self.ledger.span(line.number), fate, shown(line.text))
            if line.children and not self._consumed:
                self.read(line.children, table)

    def below(
        self,
        table: Table[Record],
        record: Record,
        modes: Modes[Record] | None = None,
        lines: Sequence[Block] | None = None,
    ) -> None:
        """Read what stands below the current line."""
        self._consumed = True
        read_lines(self.ledger, self.block.children if lines is None else lines, table, record, modes)

    def take_below(self) -> tuple[Block, ...]:
        """What stands below the current line, for a reader that sees to the fates of those lines itself."""
        self._consumed = True
        return self.block.children


TopReader = Callable[[SwitchReading, Words], Fate]


# ---- interfaces ---------------------------------------------------------------------------------


_PART = re.compile(r"([A-Za-z][A-Za-z-]*)?(\d[\d/.]*)(?:-(?:[A-Za-z-]*)(?:\d+/)*(\d+))?")


def interface_names(words: Words, dialect: Dialect) -> list[str] | None:
    """The interfaces of ``interface A``, ``A-N`` and ``A,B``; ``None`` where the text is none of these.

    An interface of a type that the dialect does not know is none, too.
    """
    names: list[str] = []
    letters = ""
    for part in words.rest().replace(" ", "").split(","):
        found = _PART.fullmatch(part)
        if found is None or not (found[1] or letters):
            return None
        letters = found[1] or letters
        first = _full_type(letters, dialect.interface_names) + found[2]
        if not first.startswith(dialect.interface_names):
            return None
        names += [first] if found[3] is None else _counted(first, found[3])
        if len(names) > _MOST_IN_A_RANGE:
            return None
    return names


@lru_cache(maxsize=256)
def _full_type(letters: str, types: tuple[str, ...]) -> str:
    """The type of an interface, spelled out."""
    return full_interface_name(letters, types)


def _counted(first: str, last: str) -> list[str]:
    """``first`` with its last number counted up to ``last``."""
    stem = first.rstrip("0123456789")
    start = first[len(stem) :]
    if len(start) > 6 or len(last) > 6:
        return []
    return [f"{stem}{number}" for number in range(int(start), int(last) + 1)]


def keeping_layer(reader: LineReader) -> LineReader:
    """A reader of a ``switchport ...`` line that does not make a switchport of the port."""

    def read(record: InterfaceRecord, words: Words) -> Fate:
        layer = record.switchport
        fate = reader(record, words)
        record.switchport = layer
        return fate

    return read


def forgetting(reader: LineReader, family: Family) -> LineReader:
    """A reader of addresses of which ``no ... address A/LEN`` takes back that one alone."""

    def read(record: InterfaceRecord, words: Words) -> Fate:
        if not words.negated or words.done:
            return reader(record, words)
        found = addresses.prefix(words.take())
        if found is None or found[0] is not family:
            return NOT_UNDERSTOOD
        gone = (family, found[1], found[2])
        record.addresses = [
            one for one in record.addresses if (one.family, one.address, one.prefix_length) != gone
        ]
        return FACT

    return read


LAYER_2: Mapping[str, LineReader] = {
    key: keeping_layer(COMMON[key])
    for key in COMMON
    if key.startswith("switchport ") and key != "switchport nonegotiate"
}
"""``switchport mode ...`` and the like: settings of layer 2 that wait while the port is routed."""


# ---- lists, routes, VLANs, VRFs -----------------------------------------------------------------


def list_reader(family: Family, standard: bool = False) -> TopReader:
    """A reader of ``ip access-list NAME`` and its rules, which are only kept."""

    def read(reading: SwitchReading, words: Words) -> Fate:
        name = words.take()
        if not name or not words.done:
            return NOT_UNDERSTOOD
        key = (family, name)
        if words.negated:
            reading.switch.lists.pop(key, None)
            return FACT
        found = reading.switch.lists.setdefault(key, ListRecord(name, family, words.span, standard))
        found.lines.extend(reading.take_below())
        return FACT

    return read


def static_reader(family: Family, vrf: str = "") -> TopReader:
    """A reader of ``ip route ...``; ``vrf`` is the one whose block the line stands in."""

    def read(reading: SwitchReading, words: Words) -> Fate:
        return static_route(reading, words, family, vrf)

    return read


def static_route(reading: SwitchReading, words: Words, family: Family, vrf: str) -> Fate:
    """Note a static route of a VRF (that of the line, else ``vrf``, else the default one)."""
    start = words.position
    record = read_static(words, reading.dialect, family)
    if record is None:
        words.position = start
        return _forget_prefix(reading, words, family, vrf) if words.negated else NOT_UNDERSTOOD
    own = record.vrf or vrf or DEFAULT_VRF
    switch = reading.switch
    if words.negated:
        key = (record.prefix, record.prefix_length, record.address, record.interface)
        switch.statics = [
            (of, one)
            for of, one in switch.statics
            if of != own or (one.prefix, one.prefix_length, one.address, one.interface) != key
        ]
        return FACT
    switch.statics.append((own, record))
    if record.conditional:
        switch.learn(own, f"a static route depends on {record.conditional}", (family,))
    return unrecognized(f"{record.unread}: not understood") if record.unread else FACT


def _forget_prefix(reading: SwitchReading, words: Words, family: Family, vrf: str) -> Fate:
    """``no ip route [vrf V] PREFIX``: every route to it."""
    own = (words.take() if words.accept("vrf") else vrf) or DEFAULT_VRF
    prefix = addresses.prefix(words.take())
    if prefix is None or not words.done:
        return NOT_UNDERSTOOD
    key = (family, addresses.network(*prefix), prefix[2])
    reading.switch.statics = [
        (of, one)
        for of, one in reading.switch.statics
        if of != own or (one.family, one.prefix, one.prefix_length) != key
    ]
    return FACT


def vlan_numbers(words: Words) -> list[int] | None:
    """The VLANs of ``vlan 10,20-22``."""
    ranges = vlans.vlan_ranges(words.rest())
    if ranges is None:
        return None
    return [number for first, last in ranges for number in range(first, last + 1)]


def route_target(vrf: VrfRecord, words: Words) -> Fate:
    """``route-target import | export | both [KIND] TARGET [evpn]``."""
    direction = words.take()
    kinds = ("evpn", "vpn-ipv4", "vpn-ipv6", "mvpn")
    rest = [word for word in words.rest().split() if word not in kinds]
    target = rest[0] if rest else ""
    if direction not in ("import", "export", "both") or not target:
        return NOT_UNDERSTOOD
    target = f"auto of {vrf.name}" if target == "auto" else target
    if direction != "export":
        vrf.imports.add(target)
    if direction != "import":
        vrf.exports.add(target)
    return FACT


def fingerprint(secret: str) -> str:
    """What may be written down of a secret."""
    return "sha256:" + hashlib.sha256(secret.encode()).hexdigest()[:16]


def sharing(kind: str) -> TopReader:
    """A reader that notes the next word as something shared."""

    def read(reading: SwitchReading, words: Words) -> Fate:
        if not words.negated:
            reading.switch.share(kind, words.take(), words.span)
        return FACT

    return read


EXTENDED_VLAN = unsupported(
    "the VLAN reaches every VTEP with this identifier; what comes out of the tunnel is not followed"
)
"""What is said of a VLAN that VXLAN extends: layer 2 to places that no link shows."""

_MULTICAST = unsupported("multicast goes to wherever somebody asks for it; that is not modelled")
_RELAYED = unsupported("what clients send to a DHCP port goes to a server elsewhere; that is not modelled")
_TRANSLATED = unsupported("translations count as unknown: any header may leave", bounded=True)
_DROPPED = unsupported("it may drop packets; none counts as dropped for certain", bounded=True)
_ASSIGNED = unsupported("the port may be assigned a VLAN that is not written")
_OFF = ignored("turns it off")


def multicast(record: object, words: Words) -> Fate:
    """A line that makes the switch forward multicast."""
    del record
    return _OFF if words.negated else _MULTICAST


def relaying(record: object, words: Words) -> Fate:
    """A line that makes the switch hand broadcasts on to a server."""
    del record
    return _OFF if words.negated else _RELAYED


def translating(record: SwitchInterface, words: Words) -> Fate:
    """A line below an interface that translates addresses."""
    if words.negated:
        return _OFF
    record.translates = True
    return _TRANSLATED


def assigning(record: object, words: Words) -> Fate:
    """A line after which a server or a hypervisor may move a port to another VLAN."""
    del record
    return _OFF if words.negated else _ASSIGNED


def dropping(what: str, direction_last: bool) -> Callable[[SwitchInterface, Words], Fate]:
    """A reader of ``X NAME in`` or ``X input NAME``, where what X drops is not modelled."""

    def read(record: SwitchInterface, words: Words) -> Fate:
        first, second = words.take(), words.take()
        name, direction = (first, second) if direction_last else (second, first)
        if words.negated or direction not in ("in", "out", "input", "output"):
            return _OFF if words.negated else NOT_UNDERSTOOD
        dropper = (direction.startswith("in"), f"{what} {name}", words.span, frozenset(Family))
        record.droppers.append(dropper)
        return _DROPPED

    return read


def by_first_words(groups: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """First words of lines that cannot matter -> the reason, from the reasons with their lines."""
    return {words: reason for reason, lines in groups.items() for words in lines}


# ---- readers that both systems have -------------------------------------------------------------


def nothing(record: object, words: Words) -> Fate:
    """A line that is known and says nothing that the model holds."""
    del record, words
    return FACT


def doubtful(reason: str) -> Callable[[object, Words], Fate]:
    """A reader of a line with which the switch forwards in a way that is not modelled."""
    fate = unsupported(reason)

    def read(record: object, words: Words) -> Fate:
        del record
        return _OFF if words.negated else fate

    return read


_STATIC_NEIGHBOUR = unsupported("frames for the address go to whoever has the hardware address")
_NEIGHBOURS = ignored("how addresses on a link are learned")


def neighbour(record: object, words: Words) -> Fate:
    """A reader of ``arp`` and ``ipv6 neighbor`` lines: an entry that is written binds an address."""
    del record
    binds = any(addresses.address(word) is not None for word in words.rest().split())
    return _STATIC_NEIGHBOUR if binds and not words.negated else _NEIGHBOURS


def scripted(*harmless: str) -> Callable[[object, Words], Fate]:
    """A reader of programs that the switch runs by itself, but for those that name one of ``harmless``."""
    fate = unsupported("a program of the switch may change its configuration")

    def read(record: object, words: Words) -> Fate:
        del record
        if words.negated or set(words.rest().split()) & set(harmless):
            return ignored("it changes no configuration")
        return fate

    return read


def host(kind: str) -> TopReader:
    """A reader of ``... [vrf V] [host] A``: a server that the switch uses."""

    def read(reading: SwitchReading, words: Words) -> Fate:
        if words.accept("vrf"):
            words.take()
        words.accept("host")
        found = words.take().strip('"')
        if not words.negated and found[:1].isalnum() and ("." in found or ":" in found):
            reading.switch.share(kind, found, words.span)
        return FACT

    return read


def name_servers(reading: SwitchReading, words: Words) -> Fate:
    """``ip name-server [vrf V] A... [use-vrf V]``."""
    for word in words.rest().split():
        if not words.negated and addresses.address(word) is not None:
            reading.switch.share("dns-server", word, words.span)
    return FACT


_FAMILIES = {"ospf": (Family.IPV4,), "rip": (Family.IPV4,)}


def runs(switch: SwitchRecord, protocol: str, vrf: str, process: str, span: SourceSpan) -> None:
    """Note a routing protocol that may fill the table of a VRF."""
    switch.learn(vrf, f"{protocol} may have learned routes", _FAMILIES.get(protocol, tuple(Family)))
    switch.processes.append(RoutingProcess(protocol, vrf, process, span))


def mpls(reading: SwitchReading, words: Words) -> Fate:
    """A line that makes the switch forward by labels."""
    if words.negated:
        return _OFF
    reading.switch.labels = True
    return unsupported("MPLS forwarding is not modelled")


LEARNED = ignored("what a routing protocol learns counts as unknown")
