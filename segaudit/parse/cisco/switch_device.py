"""A ``SwitchRecord`` to the neutral interfaces and filters."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from segaudit.model.acl import (
    Ace,
    Acl,
    AclAttachment,
    Direction,
    Field,
    FieldIn,
    Forwarding,
    Hook,
    InterfaceIn,
    Jump,
    Matches,
    Range,
    UnknownMatch,
)
from segaudit.model.device import (
    DEFAULT_VRF,
    Interface,
    InterfaceKind,
    Switchport,
    SwitchportMode,
    TunnelEnds,
)
from segaudit.model.flow import Family
from segaudit.model.source import SourceSpan
from segaudit.parse.cisco import conversion, vlans
from segaudit.parse.cisco.acl import conjunction
from segaudit.parse.cisco.dialect import Dialect
from segaudit.parse.cisco.interfaces import AppliedAcl, InterfaceRecord
from segaudit.parse.cisco.lists import ListReader, list_name, undefined
from segaudit.parse.cisco.switches import Guard, OverlayRecord, SwitchInterface, SwitchRecord


@dataclass(frozen=True, slots=True)
class Defaults:
    """What an operating system does where the configuration says nothing.

    Args:
        switched: an Ethernet port or port channel is a switchport.
        enabled: an interface is not shut down; ``True`` as second argument where it is a switchport.
        routes: a VRF forwards packets of a family.
        aggregate: what ``channel-group N`` makes the port a member of, without the number.
        management: how the names of ports begin that are never switchports.
    """

    switched: Callable[[InterfaceRecord], bool]
    enabled: Callable[[InterfaceRecord, bool], bool]
    routes: Callable[[str, Family], bool]
    aggregate: str
    management: str


# ---- interfaces ---------------------------------------------------------------------------------


def interfaces(switch: SwitchRecord, defaults: Defaults, dialect: Dialect) -> dict[str, Interface]:
    """Every interface by name, in the order of the names."""
    _add_aggregates(switch, defaults)
    parents = {name.rpartition(".")[0] for name in switch.interfaces if "." in name}
    found: dict[str, Interface] = {}
    for name, record in switch.interfaces.items():
        record.mode = record.mode or "access"
        found[name] = _interface(switch, record, defaults, dialect, name in parents)
    found = conversion.unnumbered(found, switch.interfaces.values(), dialect)
    for overlay in switch.overlays.values():
        found.update({one.name: one for one in _overlay(overlay, found, defaults)})
    ports = (one.switchport for one in found.values() if one.switchport is not None)
    carried = vlans.merged([vlan for port in ports for vlan in _ranges(port)])
    found = {name: _with_state(one, found, switch, carried) for name, one in found.items()}
    return dict(sorted(found.items()))


def _add_aggregates(switch: SwitchRecord, defaults: Defaults) -> None:
    """A port channel exists as soon as a port joins it; it is then as its members are."""
    for record in list(switch.interfaces.values()):
        name = _aggregate_of(record, defaults)
        if name is not None and name not in switch.interfaces:
            like = switch.interface(name, record.span)
            like.switchport, like.mode = record.switchport, record.mode
            like.access_vlan, like.native_vlan = record.access_vlan, record.native_vlan
            like.trunk_vlans = record.trunk_vlans


def _aggregate_of(record: InterfaceRecord, defaults: Defaults) -> str | None:
    return None if record.channel_group is None else f"{defaults.aggregate}{record.channel_group}"


def _interface(
    switch: SwitchRecord, record: SwitchInterface, defaults: Defaults, dialect: Dialect, is_parent: bool
) -> Interface:
    kind = conversion.kind_of(record.name)
    aggregate = _aggregate_of(record, defaults)
    switchable = kind in (InterfaceKind.PHYSICAL, InterfaceKind.AGGREGATE) and not is_parent
    switchable = switchable and not record.name.lower().startswith(defaults.management.lower())
    switched = switchable and defaults.switched(record)
    forwarding = _forwarding(record, defaults) if aggregate is None else frozenset()
    is_tunnel = kind is InterfaceKind.TUNNEL
    made = conversion.interface(
        record,
        forwarding,
        switched=switched,
        enabled=defaults.enabled(record, switched),
        proxy_arp=False,
        aggregate=aggregate,
        tunnel=conversion.tunnel_ends(record, dialect) if is_tunnel else None,
    )
    if aggregate is not None:
        return replace(made, switchport=None, addresses=())
    carried = _with_groups(switch, record, made.switchport)
    return made if carried is made.switchport else replace(made, switchport=carried)


def _forwarding(record: SwitchInterface, defaults: Defaults) -> frozenset[Family]:
    """Families that an interface routes: those it has an address of; IPv4 also over IPv6 next hops."""
    vrf = record.vrf or DEFAULT_VRF
    spoken = {one.family for one in record.addresses} | set(record.learns_address)
    spoken |= record.without_address
    if record.ipv6:
        spoken.add(Family.IPV6)
    if record.unnumbered is not None or Family.IPV6 in spoken:
        spoken.add(Family.IPV4)
    return frozenset(family for family in spoken if defaults.routes(vrf, family))


def _with_groups(
    switch: SwitchRecord, record: SwitchInterface, port: Switchport | None
) -> Switchport | None:
    """A trunk carries the VLANs of its trunk groups, too."""
    groups = record.trunk_groups
    if port is None or port.mode is not SwitchportMode.TRUNK or not groups:
        return port
    added = [(one.number, one.number) for one in switch.vlans.values() if one.groups & groups]
    return replace(port, trunk_vlans=vlans.merged([*port.trunk_vlans, *added]))


def _overlay(
    overlay: OverlayRecord, found: Mapping[str, Interface], defaults: Defaults
) -> Iterator[Interface]:
    """A VXLAN interface as a port of its VLANs, and one more for each VRF that it carries."""
    lender = found.get(overlay.source or "")
    own = [one for one in lender.addresses if one.family is Family.IPV4] if lender else []
    source = own[0].address if own else None
    ends = TunnelEnds("vxlan", Family.IPV4, source, None, overlay.source, DEFAULT_VRF)
    carried = vlans.merged(overlay.vlans)
    trunk = Switchport(SwitchportMode.TRUNK, 0, None, carried) if carried else None
    kind, up = InterfaceKind.TUNNEL, not overlay.shutdown
    yield Interface(overlay.name, kind, up, switchport=trunk, span=overlay.span, tunnel=ends)
    for vrf, span in sorted(overlay.vrfs.items()):
        families = frozenset(family for family in Family if defaults.routes(vrf, family))
        name = f"{overlay.name} vrf {vrf}"
        yield Interface(name, kind, up, vrf=vrf, forwarding=families, span=span, tunnel=ends)


def _with_state(
    one: Interface, found: Mapping[str, Interface], switch: SwitchRecord, carried: tuple[Range, ...]
) -> Interface:
    """Down for certain: a subinterface of a port that is shut, and an SVI whose VLAN nothing carries."""
    if one.kind is not InterfaceKind.VLAN:
        return one
    if one.parent is not None:
        parent = found.get(one.parent)
        return one if parent is None or parent.enabled else replace(one, operational=False)
    record = switch.interfaces.get(one.name)
    if one.vlan is None or record is None or record.always_up or _is_in(one.vlan, carried):
        return one
    return replace(one, operational=False)


def _is_in(vlan: int, ranges: tuple[Range, ...]) -> bool:
    at = bisect_right(ranges, (vlan, 4095)) - 1
    return at >= 0 and vlan <= ranges[at][1]


# ---- filters ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filters:
    """The lists of a device and where they are applied."""

    acls: dict[str, Acl]
    attachments: tuple[AclAttachment, ...]


def filters(
    switch: SwitchRecord,
    found: Mapping[str, Interface],
    reader: ListReader,
    chains: Mapping[str, Acl] | None = None,
) -> Filters:
    """Every list, applied or not, and every place where one is applied; ``chains`` are of both families."""
    made = _Filters({one.model_name: reader.acl(one) for one in switch.lists.values()} | dict(chains or {}))
    for name, record in sorted(switch.interfaces.items()):
        for applied in record.acls:
            made.on_interface(found, name, applied)
        for chain in record.chains:
            made.chain_on(found, name, *chain)
        for dropper in record.droppers:
            made.perhaps(found, name, *dropper)
    for (first, last), span, text in switch.filtered_vlans:
        for inbound in (True, False):
            made.perhaps_in_vlans(found, ((first, last),), inbound, text, span, frozenset(Family))
    for guard in switch.guards:
        made.on_switch(found, guard)
    return Filters(dict(sorted(made.acls.items())), tuple(made.attachments))


class _Filters:
    """Lists and attachments while they are collected."""

    def __init__(self, acls: dict[str, Acl]) -> None:
        self.acls = acls
        self.attachments: list[AclAttachment] = []

    def on_interface(self, found: Mapping[str, Interface], name: str, applied: AppliedAcl) -> None:
        """A list on a routed interface; on a switchport it may keep frames from the routed interfaces."""
        port = found[name]
        is_member = port.parent is not None and port.kind is not InterfaceKind.VLAN
        if is_member or applied.layer2 or port.switchport is not None:
            of = port.parent if is_member and port.parent is not None else name
            text, families = f"{applied.name} on {name}", frozenset({applied.family})
            self.perhaps(found, of, applied.inbound, text, applied.span, families)
            return
        acl = self._known(applied.family, applied.name, applied.span)
        hook = Hook.INGRESS if applied.inbound else Hook.EGRESS
        self._attach(acl, hook, frozenset({applied.family}), name)

    def chain_on(
        self, found: Mapping[str, Interface], name: str, chain: str, inbound: bool, span: SourceSpan
    ) -> None:
        """A filter of both families on a routed interface; elsewhere, or not defined, it drops perhaps."""
        port = found[name]
        if chain not in self.acls or port.switchport is not None or not port.forwarding:
            self.perhaps(found, name, inbound, chain, span, frozenset(Family))
        else:
            self._attach(chain, Hook.INGRESS if inbound else Hook.EGRESS, frozenset(Family), name)

    def perhaps(
        self,
        found: Mapping[str, Interface],
        name: str,
        inbound: bool,
        text: str,
        span: SourceSpan,
        families: frozenset[Family],
    ) -> None:
        """Something that may drop: on the interface itself, or on those of the VLANs that it carries."""
        port = found[name]
        if port.switchport is None:
            self._perhaps_on(name, inbound, text, span, families)
        else:
            self.perhaps_in_vlans(found, _ranges(port.switchport), inbound, text, span, families)

    def perhaps_in_vlans(
        self,
        found: Mapping[str, Interface],
        carried: tuple[Range, ...],
        inbound: bool,
        text: str,
        span: SourceSpan,
        families: frozenset[Family],
    ) -> None:
        """Something that may drop what some VLANs carry, as their routed interfaces meet it."""
        for name, one in found.items():
            svi = one.kind is InterfaceKind.VLAN and one.parent is None and one.vlan is not None
            if svi and any(first <= (one.vlan or 0) <= last for first, last in carried):
                self._perhaps_on(name, inbound, text, span, families)

    def on_switch(self, found: Mapping[str, Interface], guard: Guard) -> None:
        """A list before the switch itself, for the packets that it is about."""
        acl = self._known(guard.family, guard.acl, guard.span)
        parts: list[Matches] = []
        if guard.ports:
            parts.append(FieldIn(Field.PROTOCOL, ((6, 6),)))
            parts.append(FieldIn(Field.DESTINATION_PORT, tuple((port, port) for port in guard.ports)))
        if guard.vrf is not None:
            members = tuple(sorted(one.name for one in found.values() if one.vrf == guard.vrf))
            parts.append(InterfaceIn(Direction.IN, members))
        if not parts:
            self._attach(acl, Hook.INPUT, frozenset({guard.family}))
            return
        name = f"guard {len(self.acls)}: {acl}"
        matches, text = conjunction(parts), f"{guard.acl} before the switch itself"
        # A jump comes back where no rule decided: what then is denied stands behind it.
        aces = (
            Ace(matches, Jump(acl), guard.span, text),
            Ace(matches, Forwarding.DROP, guard.span, f"{text}: nothing permits it"),
        )
        self.acls[name] = Acl(name, aces, Forwarding.ACCEPT, guard.span)
        self._attach(name, Hook.INPUT, frozenset({guard.family}))

    def _known(self, family: Family, name: str, span: SourceSpan) -> str:
        """The model's name of an applied list; one that is not defined filters perhaps."""
        full = list_name(family, name)
        if full not in self.acls:
            self.acls[full] = undefined(full, "a list that is not defined", span)
        return full

    def _perhaps_on(
        self, interface: str, inbound: bool, text: str, span: SourceSpan, families: frozenset[Family]
    ) -> None:
        name = f"perhaps {len(self.acls)}: {text}"
        ace = Ace(UnknownMatch(text, "not modelled: it may drop"), Forwarding.DROP, span, text)
        self.acls[name] = Acl(name, (ace,), Forwarding.ACCEPT, span)
        self._attach(name, Hook.INGRESS if inbound else Hook.EGRESS, families, interface)

    def _attach(
        self, acl: str, hook: Hook, families: frozenset[Family], interface: str | None = None
    ) -> None:
        self.attachments.append(
            AclAttachment(acl, hook, len(self.attachments), families, interface=interface)
        )


def _ranges(port: Switchport) -> tuple[Range, ...]:
    own = [(vlan, vlan) for vlan in (port.access_vlan, port.native_vlan) if vlan]
    return vlans.merged([*own, *(port.trunk_vlans if port.mode is SwitchportMode.TRUNK else ())])
