"""``ip source-route`` and ``ipv6 source-route``, which are on unless they are switched off.

A packet that is sent to an address of the device and has a source route goes on to wherever its sender
asks, in the same VRF (RFC 791 section 3.1, "Loose Source and Record Route"; RFC 2460 section 4.4, type 0
routing header): its destination is replaced before it is routed, behind the filter of the interface that
received it. Options and extension headers are not modelled: each packet may have one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from segaudit.model.acl import (
    Ace,
    Acl,
    AclAttachment,
    AddressIn,
    AllOf,
    Direction,
    End,
    Forwarding,
    Hook,
    InterfaceIn,
    Matches,
    Translate,
    TranslationKind,
    UnknownMatch,
)
from segaudit.model.device import Interface
from segaudit.model.flow import Family

_PRIORITY = -100


REASON = "any packet to an address of the device may go on to anywhere in its VRF"


def source_routes(
    found: Mapping[str, Interface], learned: frozenset[str], family: Family = Family.IPV4
) -> tuple[Acl, AclAttachment] | None:
    """The replacement of destinations, by VRF; ``None`` where nothing is forwarded.

    Args:
        found: the interfaces.
        learned: VRFs in which the device has addresses that are not written.
        family: the address family.
    """
    name = f"(default) {'ip' if family is Family.IPV4 else 'ipv6'} source-route"
    aces = tuple(_aces(name, found, learned, family))
    if not aces:
        return None
    attachment = AclAttachment(name, Hook.PREROUTING, _PRIORITY, frozenset({family}), translates=True)
    return Acl(name, aces, Forwarding.ACCEPT), attachment


def _aces(
    name: str, found: Mapping[str, Interface], learned: frozenset[str], family: Family
) -> Iterator[Ace]:
    anywhere = Translate(TranslationKind.DESTINATION, family=family)
    perhaps = UnknownMatch("a source route", "IP options and routing headers are not modelled")
    routed = [one for one in found.values() if family in one.forwarding]
    for vrf in sorted({one.vrf for one in routed}):
        members = tuple(sorted(one.name for one in routed if one.vrf == vrf))
        parts: list[Matches] = [InterfaceIn(Direction.IN, members)]
        if vrf not in learned:
            own = sorted(
                {
                    (address.address, address.address)
                    for one in found.values()
                    for address in one.addresses
                    if one.vrf == vrf and address.family is family
                }
            )
            parts.append(AddressIn(End.DESTINATION, family, tuple(own)))
        yield Ace(AllOf((*parts, perhaps)), anywhere, None, f"{name} in VRF {vrf}")
