"""From zones to places: which (device, interface) of a snapshot belongs to which zone.

A zone is a set of locations. Each address of an interface is claimed on its own by the most
specific member; an interface whose addresses fall to two zones is an error, because everything
attached to it can use either. Addresses that no member claims follow the interface. A place that
nobody claims is in ``unassigned``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from segaudit.errors import PolicyError, Problem
from segaudit.model.device import Device, Interface, InterfaceAddress, InterfaceKind
from segaudit.model.flow import Family
from segaudit.model.policy import UNASSIGNED, Location, Policy, Zone
from segaudit.model.result import ZoneLocation
from segaudit.model.snapshot import Snapshot
from segaudit.policy.matching import (
    beats,
    could_be_on,
    device_matches,
    interface_matches,
    names_device,
    prefix_holds,
)
from segaudit.policy.nothing import matches_nothing, through_nothing
from segaudit.policy.reading import in_file_order, problem

_NEVER_A_ZONE = {
    Family.IPV4: ((0x7F000000, 0x7FFFFFFF), (0xA9FE0000, 0xA9FEFFFF)),
    Family.IPV6: ((1, 1), (0xFE80 << 112, (0xFEC0 << 112) - 1)),
}
"""127.0.0.0/8 and 169.254.0.0/16; ::1 and fe80::/10 (RFC 6890): the same on every device."""


@dataclass(frozen=True, slots=True, order=True)
class Uncollected:
    """A device that is not in the snapshot and where ``zone`` has, or may have, a place.

    ``named`` is true where a place is certainly missing: the member gives the device, its site or its
    role, or matches nothing that was collected. It is false where a prefix, VLAN, VRF or interface
    name that matches elsewhere could match there too. Either way the zone may be larger than
    ``ZoneMap.locations`` says, and a proof must hold for whatever is on that device.
    """

    zone: str
    device: str
    named: bool
    reason: str
    member: str
    where: str


@dataclass(frozen=True, slots=True)
class ZoneMap:
    """The places of every zone, sorted by zone, device and interface.

    ``uncollected`` is what could not be located because a device is missing: a zone in it is at
    least as large as ``locations`` says.
    """

    locations: tuple[ZoneLocation, ...]
    uncollected: tuple[Uncollected, ...] = ()
    _of: dict[str, tuple[ZoneLocation, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the places by zone."""
        found: dict[str, list[ZoneLocation]] = defaultdict(list)
        for location in self.locations:
            found[location.zone].append(location)
        object.__setattr__(self, "_of", {zone: tuple(places) for zone, places in found.items()})

    def of(self, zone: str) -> tuple[ZoneLocation, ...]:
        """The places of ``zone``."""
        return self._of.get(zone, ())

    def by_place(self) -> dict[tuple[str, str], str]:
        """The zone of each (device, interface) that is a place; every place has exactly one."""
        return {(location.device, location.interface): location.zone for location in self.locations}


@dataclass(frozen=True, slots=True)
class _Claim:
    """One member of one zone; ``members`` before ``exclude`` in ``zone``."""

    zone: Zone
    member: Location


@dataclass(slots=True)
class _Survey:
    """What was seen while the devices were walked."""

    locations: list[ZoneLocation]
    matched: set[Location]
    carved: dict[Location, list[tuple[str, str]]]
    conflicts: dict[tuple[Location, Location], list[str]]


def locate(policy: Policy, snapshot: Snapshot) -> ZoneMap:
    """The places of the policy's zones in the network of ``snapshot``.

    Raises:
        PolicyError: an interface in two zones, a member that matches nothing although every device
            was collected, an excluded place that no other zone claims, a zone left without a place.
            Every such problem, in file order.
    """
    survey = _survey(policy, snapshot)
    missing = missing_devices(snapshot)
    uncollected = _uncollected(policy, missing, survey)
    problems = [
        *_conflict_problems(policy, survey),
        *_unmatched_problems(policy, snapshot, survey, missing),
        *_carved_problems(policy, survey),
        *_lost_problems(policy, survey, uncollected),
        *through_nothing(policy, snapshot, missing),
    ]
    if problems:
        raise PolicyError(*in_file_order(problems))
    return ZoneMap(tuple(sorted(survey.locations, key=_order)), uncollected)


def missing_devices(snapshot: Snapshot) -> dict[str, tuple[str, Mapping[str, str] | None]]:
    """Devices known to exist and absent from the snapshot: reason, and labels where known."""
    missing: dict[str, tuple[str, Mapping[str, str] | None]] = {
        node: ("in the topology, not in the snapshot", None)
        for node in snapshot.declared_nodes
        if node not in snapshot.devices
    }
    failed = (failure for failure in snapshot.failures if failure.device not in snapshot.devices)
    missing.update({failure.device: (failure.reason, failure.labels) for failure in failed})
    return dict(sorted(missing.items()))


def belongs_to_no_zone(address: InterfaceAddress) -> bool:
    """True for loopback and link-local addresses, which say nothing of where a place is."""
    return any(first <= address.address <= last for first, last in _NEVER_A_ZONE[address.family])


def _order(location: ZoneLocation) -> tuple[str, str, str]:
    return location.zone, location.device, location.interface


def _survey(policy: Policy, snapshot: Snapshot) -> _Survey:
    survey = _Survey([], set(), defaultdict(list), defaultdict(list))
    claims = [_Claim(zone, member) for zone in policy.zones.values() for member in zone.members]
    for name in sorted(snapshot.devices):
        device = snapshot.devices[name]
        local = [claim for claim in claims if device_matches(claim.member, name, device.labels)]
        for interface_name in sorted(device.interfaces):
            here = [
                claim
                for claim in local
                if interface_matches(claim.member, device.interfaces[interface_name])
            ]
            _survey_interface(survey, device, device.interfaces[interface_name], here)
        _note_assumptions(policy, survey, device)
    return survey


def _survey_interface(survey: _Survey, device: Device, interface: Interface, claims: list[_Claim]) -> None:
    addresses = [address for address in sorted(interface.addresses) if not belongs_to_no_zone(address)]
    winners: list[tuple[_Claim, str]] = []
    for address in _or_bare(addresses):
        if address or _can_be_a_place(interface, claims):
            winners += _winners(survey, device, interface, address, claims)
    zones = sorted({claim.zone.name for claim, _ in winners})
    zone = zones[0] if zones else UNASSIGNED
    for exclude in _excluded_here(device, interface, claims, addresses):
        landed = zone if len(zones) < 2 else ""
        survey.carved[exclude].append((landed, f"{device.name}[{interface.name}]"))
    if len(zones) > 1:
        _note_conflict(survey, device, interface, winners)
    elif zones or addresses or _may_carry_packets(interface):
        texts = tuple(str(address) for address in addresses)
        survey.locations.append(ZoneLocation(zone, device.name, interface.name, texts))


def _winners(
    survey: _Survey,
    device: Device,
    interface: Interface,
    address: InterfaceAddress | None,
    claims: Sequence[_Claim],
) -> list[tuple[_Claim, str]]:
    """The claims that no other beats for one address (or the bare interface), each with its place."""
    matching = [claim for claim in claims if prefix_holds(claim.member, address)]
    survey.matched.update(claim.member for claim in matching)
    standing = [claim for claim in matching if not _is_excluded(claim.zone, device, interface, address)]
    best = [claim for claim in standing if not any(beats(other.member, claim.member) for other in standing)]
    place = str(address) if address else interface.name
    return [(claim, place) for claim in best]


def _or_bare(addresses: Sequence[InterfaceAddress]) -> Sequence[InterfaceAddress | None]:
    """The addresses, or one ``None`` that stands for an interface without any."""
    return addresses or (None,)


def _can_be_a_place(interface: Interface, claims: Sequence[_Claim]) -> bool:
    """A loopback without an address of its own is a place only where a member names it."""
    named = any(claim.member.interface for claim in claims)
    return named or interface.kind is not InterfaceKind.LOOPBACK


def _may_carry_packets(interface: Interface) -> bool:
    """True for an interface that routes with link-local addresses only (not a bridge's port)."""
    port = interface.bridge is not None or interface.switchport is not None
    return bool(interface.addresses) and interface.kind is not InterfaceKind.LOOPBACK and not port


def _matches(
    member: Location, device: Device, interface: Interface, address: InterfaceAddress | None
) -> bool:
    return (
        device_matches(member, device.name, device.labels)
        and interface_matches(member, interface)
        and prefix_holds(member, address)
    )


def _is_excluded(
    zone: Zone, device: Device, interface: Interface, address: InterfaceAddress | None
) -> bool:
    return any(_matches(exclude, device, interface, address) for exclude in zone.exclude)


def _excluded_here(
    device: Device, interface: Interface, claims: Iterable[_Claim], addresses: Sequence[InterfaceAddress]
) -> Iterator[Location]:
    """The excludes that carve this place out of a zone that would otherwise claim it."""
    for zone in {claim.zone.name: claim.zone for claim in claims}.values():
        for exclude in zone.exclude:
            for address in _or_bare(addresses):
                claimed = any(
                    claim.zone is zone and prefix_holds(claim.member, address) for claim in claims
                )
                if claimed and _matches(exclude, device, interface, address):
                    yield exclude
                    break


def _note_conflict(
    survey: _Survey, device: Device, interface: Interface, winners: list[tuple[_Claim, str]]
) -> None:
    ordered = sorted(winners, key=lambda winner: _line(winner[0].member))
    first, first_place = ordered[0]
    second, second_place = next(winner for winner in ordered if winner[0].zone is not first.zone)
    places = f"{device.name}[{interface.name}] {first_place}"
    if second_place != first_place:
        places += f" and {second_place}"
    survey.conflicts[first.member, second.member].append(places)


def _note_assumptions(policy: Policy, survey: _Survey, device: Device) -> None:
    for assumption in policy.assumptions:
        about = assumption.about
        for interface in device.interfaces.values():
            places = (*interface.addresses, None)
            if any(_matches(about, device, interface, address) for address in places):
                survey.matched.add(about)


def _line(member: Location) -> tuple[int, str]:
    return (member.span.first_line if member.span else 0), member.where


def _conflict_problems(policy: Policy, survey: _Survey) -> Iterator[Problem]:
    owner = {id(member): zone.name for zone in policy.zones.values() for member in zone.members}
    for (first, second), places in survey.conflicts.items():
        yield problem(
            second.where,
            "interface in two zones",
            _and_more(places),
            f"{owner[id(first)]} claims it at {first.where}, {owner[id(second)]} here, neither more "
            "specific: name it with device and interface in one, or `exclude` it from the other",
        )


def _unmatched_problems(
    policy: Policy,
    snapshot: Snapshot,
    survey: _Survey,
    missing: Mapping[str, tuple[str, Mapping[str, str] | None]],
) -> Iterator[Problem]:
    """Members, excludes and assumptions that are about no place at all."""
    about = [("assumption is about nothing", item.about) for item in policy.assumptions]
    members = [
        ("zone member matches nothing", item) for zone in policy.zones.values() for item in zone.members
    ]
    for what, location in (*members, *about):
        could_be_missing = any(could_be_on(location, name, labels) for name, (_, labels) in missing.items())
        if location not in survey.matched and not could_be_missing:
            yield matches_nothing(location, what, snapshot)
    for zone in policy.zones.values():
        for exclude in zone.exclude:
            could_be_missing = any(
                could_be_on(exclude, name, labels) for name, (_, labels) in missing.items()
            )
            if exclude not in survey.carved and not could_be_missing:
                yield problem(
                    exclude.where, f"exclude carves nothing out of zone {zone.name}", exclude.text
                )


def _carved_problems(policy: Policy, survey: _Survey) -> Iterator[Problem]:
    """Excluded places that landed nowhere, or that another address keeps where they were."""
    excludes = [(zone.name, exclude) for zone in policy.zones.values() for exclude in zone.exclude]
    for own, exclude in excludes:
        places = survey.carved.get(exclude, [])
        homeless = [place for zone, place in places if zone == UNASSIGNED]
        if homeless:
            hint = "what is carved out of one zone must be a member of another"
            yield problem(exclude.where, "excluded place is in no zone", _and_more(homeless), hint)
        kept = [place for zone, place in places if zone == own]
        if kept:
            hint = "another address of the interface is in the zone, and an interface is in one zone"
            yield problem(exclude.where, f"excluded place stays in zone {own}", _and_more(kept), hint)


def _and_more(places: Sequence[str]) -> str:
    return f"{places[0]} and {len(places) - 1} more" if len(places) > 1 else places[0]


def _lost_problems(
    policy: Policy, survey: _Survey, uncollected: Sequence[Uncollected]
) -> Iterator[Problem]:
    """A zone all of whose places fell to more specific zones would prove nothing."""
    settled = {location.zone for location in survey.locations} | {item.zone for item in uncollected}
    disputed = {member for pair in survey.conflicts for member in pair}
    for zone in policy.zones.values():
        matched = any(member in survey.matched for member in zone.members)
        if matched and zone.name not in settled and not disputed.intersection(zone.members):
            hint = "every place its members match is excluded or falls to a more specific zone"
            yield problem(zone.members[0].where, "zone has no place left", zone.name, hint)


def _uncollected(
    policy: Policy, missing: Mapping[str, tuple[str, Mapping[str, str] | None]], survey: _Survey
) -> tuple[Uncollected, ...]:
    """One entry per zone and missing device, the member that names the device before others."""
    found: dict[tuple[str, str], Uncollected] = {}
    for zone in policy.zones.values():
        for member in zone.members:
            for device, (reason, labels) in missing.items():
                if could_be_on(member, device, labels):
                    named = names_device(member, labels) or member not in survey.matched
                    entry = Uncollected(zone.name, device, named, reason, member.text, member.where)
                    known = found.get((zone.name, device))
                    if known is None or (named and not known.named):
                        found[zone.name, device] = entry
    return tuple(sorted(found.values()))
