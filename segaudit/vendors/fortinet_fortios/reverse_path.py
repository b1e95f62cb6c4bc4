"""Which sources pass the reverse-path check of an interface.

FortiOS takes a packet where some route in force to its source leads out of the interface that it came in
by (feasible path; community.fortinet.com, "Details about FortiOS RPF": dropped although a default route
leads elsewhere). Only the first packet of a session is checked. Where the table may hold more than the
configuration shows, where policy routes stand before it, and for IPv6, the check is no reason to drop: it
only tells what certainly passes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from segaudit.model.acl import (
    Ace,
    Acl,
    AclAttachment,
    AddressIn,
    AllOf,
    AnyPacket,
    End,
    FamilyIs,
    Forwarding,
    Hook,
    Matches,
    Range,
    UnknownMatch,
)
from segaudit.model.device import Interface, Route, RouteKind
from segaudit.model.flow import Family
from segaudit.routing.configured import table_of
from segaudit.vendors.fortinet_fortios.policies import CONNECTIONS

_PRIORITY = 0
_CHECK = UnknownMatch("reverse path", "whether a route to the source leads out of the interface")


def read_reverse_paths(
    interfaces: Mapping[str, Interface], routes: Iterable[Route], certain: frozenset[str]
) -> Iterator[tuple[Acl, AclAttachment]]:
    """A chain for each of ``interfaces`` that some source may be refused on.

    Args:
        interfaces: those whose sources are checked.
        routes: all routes of the device.
        certain: the VRFs whose IPv4 table is known.
    """
    towards = _towards(routes)
    for name, interface in sorted(interfaces.items()):
        known = {family: towards[table_of(interface.vrf), name, family] for family in Family}
        if all((0, (1 << family.bits) - 1) in known[family] for family in Family):
            continue
        aces = [Ace(CONNECTIONS, Forwarding.ACCEPT, text="an existing session")]
        aces += [Ace(match, Forwarding.ACCEPT) for match in _matches(known)]
        for family in Family:
            if family is Family.IPV6 or interface.vrf not in certain:
                aces.append(Ace(AllOf((FamilyIs(family), _CHECK)), Forwarding.ACCEPT))
        acl = f"reverse path {name}"
        aces.append(Ace(AnyPacket(), Forwarding.DROP, interface.span, f"{acl}: no route to the source"))
        yield (
            Acl(acl, tuple(aces), Forwarding.DROP),
            AclAttachment(acl, Hook.INGRESS, _PRIORITY, frozenset(Family), interface=name),
        )


def _matches(known: Mapping[Family, set[Range]]) -> Iterator[Matches]:
    for family, ranges in known.items():
        if ranges:
            yield AddressIn(End.SOURCE, family, tuple(sorted(ranges)))


def _towards(routes: Iterable[Route]) -> dict[tuple[str, str, Family], set[Range]]:
    """The prefixes that lead out of an interface, by table."""
    found: dict[tuple[str, str, Family], set[Range]] = defaultdict(set)
    for route in routes:
        if route.kind is RouteKind.UNICAST:
            last = route.prefix | (1 << route.family.bits - route.prefix_length) - 1
            for hop in route.next_hops:
                if hop.interface is not None:
                    found[route.table, hop.interface, route.family].add((route.prefix, last))
    return found
